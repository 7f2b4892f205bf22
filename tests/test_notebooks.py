"""Structure of each notebook: thin, documented, stored without outputs, run by papermill."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from sopkit import agenda, cycle

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
STEP_NOTEBOOKS = [NOTEBOOKS / f"{step.notebook}.ipynb" for step in agenda.STEPS]
ALL = sorted(NOTEBOOKS.glob("*.ipynb"))
FORBIDDEN = (ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.Lambda, ast.ListComp, ast.BinOp)
MOST_LINES = 12


def _cells(path: Path, kind: str) -> list[dict]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == kind]


def _source(cell: dict) -> str:
    return "".join(cell["source"])


def _code(path: Path) -> str:
    return "\n".join(_source(cell) for cell in _cells(path, "code"))


def test_there_is_a_notebook_for_each_step_and_explorers_beside():
    names = {path.name for path in ALL}
    assert {path.name for path in STEP_NOTEBOOKS} <= names
    assert all(name.startswith("explore_") for name in names - {p.name for p in STEP_NOTEBOOKS})


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_outputs_and_keeps_its_kernel(path):
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["metadata"]["kernelspec"]["name"] == "python3"
    assert all(
        not cell["outputs"] and cell["execution_count"] is None for cell in _cells(path, "code")
    )


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_the_second_cell_holds_documented_literal_parameters(path):
    cell = json.loads(path.read_text(encoding="utf-8"))["cells"][1]
    assert cell["metadata"]["tags"] == ["parameters"]
    for line in _source(cell).splitlines():
        code, mark, comment = line.partition("#")
        assert mark and comment.strip() and line.count("=") == 1, line
        assert ":" in code.partition("=")[0], line
    assert list(cycle.parameters_of(path))[:2] == ["workspace", "cycle"]


def test_a_parameter_has_the_same_default_in_every_notebook():
    seen: dict[str, object] = {}
    for path in ALL:
        for name, value in cycle.parameters_of(path).items():
            assert seen.setdefault(name, value) == value, (path.name, name)


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_a_notebook_holds_no_logic(path):
    for node in ast.walk(ast.parse(_code(path))):
        assert not isinstance(node, FORBIDDEN), ast.dump(node)
    for word in ("merge(", "groupby(", "read_csv", "%", "os.chdir", "sys.path", "warnings."):
        assert word not in _code(path).replace("{", "").replace("}", ""), word


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_code_cells_are_short_and_stand_after_a_sentence(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for before, cell in zip(cells, cells[1:], strict=False):
        if cell["cell_type"] == "code":
            assert len(_source(cell).splitlines()) <= MOST_LINES
            if "exhibits.table" in _source(cell) or "exhibits.figure" in _source(cell):
                assert before["cell_type"] == "markdown", _source(cell)


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_text_has_one_title_no_html_and_no_figures_of_the_month(path):
    texts = [_source(cell) for cell in _cells(path, "markdown")]
    assert sum(line.startswith("# ") for text in texts for line in text.splitlines()) == 1
    assert not any("<" in text and "/>" in text for text in texts)


@pytest.mark.parametrize(
    ("path", "step"),
    list(zip(STEP_NOTEBOOKS, agenda.STEPS, strict=True)),
    ids=[step.name for step in agenda.STEPS],
)
def test_a_step_notebook_reads_computes_and_publishes_its_own_step_once(path, step):
    code = _code(path)
    assert code.count(f'store.inputs(workspace, "{step.name}"') == 1
    assert code.count(f"steps.{step.name}(") == 1
    assert code.count(f'store.publish_step(workspace, "{step.name}"') == 1
    # the next step may go as soon as the tables stand
    (own,) = (c for c in _cells(path, "code") if "tables" in c["metadata"].get("tags", []))
    assert f"steps.{step.name}(" in _source(own) and "store.publish_step(" in _source(own)
    assert "widgets" not in code
