"""Parameters of notebooks: their defaults, what ``company.yml`` says, what ``-p`` says."""

from __future__ import annotations

import ast
import json
from pathlib import Path

from sopkit import schema, store
from sopkit.agenda import STEPS
from sopkit.contract import nearest
from sopkit.months import UsageError
from sopkit.sources import SourceError
from sopkit.supply import strategies

NOTEBOOKS = Path("notebooks")
_OWN_PARAMETERS = ("workspace", "cycle")
_ALLOWED = {"horizon": range(1, 121), "strategy": strategies.NAMES}
_KINDS = {int: "a whole number", float: "a number", bool: "True or False", str: "a text"}


def notebook_path(workspace: Path, name: str) -> Path:
    """The workspace's own notebook, else the package's."""
    own = workspace / NOTEBOOKS / f"{name}.ipynb"
    return own if own.is_file() else _package_notebooks() / f"{name}.ipynb"


def _package_notebooks() -> Path:
    """Folder of the notebooks that come with the package."""
    return Path(__file__).resolve().parent.parent / NOTEBOOKS


def own_notebooks(workspace: Path) -> list[str]:
    """Notebooks of the workspace whose cells are not the package's: code that a run obeys."""
    names = [step.notebook for step in STEPS]
    paths = {name: notebook_path(workspace, name) for name in names}
    ours = {name: _package_notebooks() / f"{name}.ipynb" for name in names}
    return [name for name in names if _cells(paths[name]) != _cells(ours[name])]


def _cells(notebook: Path) -> list[tuple[str, str]]:
    """Kind and text of each cell; what it gave, and how a program keeps it, say nothing."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return [(cell["cell_type"], "".join(cell["source"])) for cell in cells]


def parameters_of(notebook: Path) -> dict[str, object]:
    """Names and defaults of a notebook's parameters cell.

    Raises
    ------
    UsageError
        If the notebook has no cell tagged ``parameters``, or it holds more than literals.
    """
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if "parameters" in cell["metadata"].get("tags", []):
            body = ast.parse("".join(cell["source"])).body
            try:
                return {node.target.id: ast.literal_eval(node.value) for node in body}
            except (AttributeError, ValueError) as error:
                raise UsageError(
                    f"{notebook.name}: a line of the parameters cell is not `name: type = value`."
                ) from error
    raise UsageError(f"{notebook.name} has no cell tagged `parameters`.")


def settle(workspace: Path, given: dict[str, object]) -> dict[str, dict[str, object]]:
    """Parameters of each step: ``-p`` wins over ``company.yml``, that over the notebook's default.

    Raises
    ------
    UsageError
        If a name is no parameter of any notebook, or a value has the wrong type or range.
    SourceError
        If ``company.yml`` names no setting and no parameter, or ``exports.yml`` no extract.
    """
    store.export_forms(workspace)
    defaults = {s.name: parameters_of(notebook_path(workspace, s.notebook)) for s in STEPS}
    known = {name for own in defaults.values() for name in own} - set(_OWN_PARAMETERS)
    options = store.settings(workspace)
    for name in options:
        if name not in known | set(schema.COMPANY):
            words = nearest(str(name), sorted(known | set(schema.COMPANY)))
            raise SourceError(f"company.yml: no setting {name!r}. {words}")
    for name in given:
        if name not in known:
            raise UsageError(f"no parameter {name!r}. {nearest(name, sorted(known))}")
    wanted = {name: value for name, value in options.items() if name in known} | given
    try:
        for own in defaults.values():
            for name in own.keys() & (wanted.keys() - given.keys()):
                _typed(name, wanted[name], own[name])
    except UsageError as error:
        raise SourceError(f"company.yml: {error}") from error
    return {
        name: {
            key: _typed(key, wanted.get(key, value), value)
            for key, value in own.items()
            if key not in _OWN_PARAMETERS
        }
        for name, own in defaults.items()
    }


def _typed(name: str, value: object, default: object) -> object:
    """The value in the type of the parameter's default; text from ``-p`` is read as a literal."""
    if isinstance(value, str) and not isinstance(default, str):
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            pass
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not type(default):
        raise UsageError(
            f"parameter {name}: {value!r} is not {_KINDS.get(type(default), type(default))}, "
            f"as its default {default!r} is."
        )
    allowed = _ALLOWED.get(name)
    if allowed is not None and value not in allowed:
        words = (
            f"{min(allowed)} to {max(allowed)}"
            if isinstance(allowed, range)
            else ", ".join(allowed)
        )
        raise UsageError(f"parameter {name}: {value!r} cannot be meant. Choose {words}.")
    return value
