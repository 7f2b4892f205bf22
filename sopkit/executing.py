"""One step's notebook: executed in a kernel of its own, its page rendered, its failure told."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pandas as pd

from sopkit import months, packing, publication, schema, store
from sopkit.agenda import Step
from sopkit.parameters import NOTEBOOKS, notebook_path

_MEND = "Mend what the message names."


class StepFailed(RuntimeError):
    """A step's notebook raised, took too long or lost its kernel; its page says why.

    ``cell`` is its number in the executed notebook, ``line`` its first line.
    """

    def __init__(self, step_name: str, reason: str, page: Path, cell: int = 0, line: str = ""):
        self.step_name, self.reason, self.page = step_name, reason, page
        self.cell, self.line = cell, line
        super().__init__(f"step {step_name} failed: {reason}")


@dataclass
class _Cell:
    """The cell under way: its number as the executed notebook shows it, and its first line."""

    number: int = 0
    line: str = ""

    def begin(self, place: int, cells: list) -> None:
        """Note that the cell at a place of the notebook begins."""
        if cells[place].cell_type == "code" and cells[place].source.strip():
            before = cells[: place + 1]
            self.number = sum(c.cell_type == "code" and bool(c.source.strip()) for c in before)
            self.line = cells[place].source.strip().splitlines()[0]


def _minutes(workspace: Path, step_name: str) -> float:
    """Minutes after which a step is stopped."""
    given = store.settings(workspace).get("timeout_minutes", {})
    limits = schema.COMPANY["timeout_minutes"].default | given
    return limits.get(step_name, limits["default"])


def execute(workspace, current, cycle, parameters, kernel, progress) -> None:
    """Execute one step's notebook in a kernel of its own, and render its page."""
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    from sopkit import kernels
    from sopkit.pages import pack

    target = staged_pages(workspace, cycle)
    executed = target / "executed" / f"{current.notebook}.ipynb"
    executed.parent.mkdir(parents=True, exist_ok=True)
    values = {"workspace": str(workspace), "cycle": months.label(cycle)} | parameters
    at, limit, kills = _Cell(), _minutes(workspace, current.name), kernels.memory_kills()

    def begin(place: int, cells: list) -> None:
        at.begin(place, cells)
        facts = {"cell": place + 1, "cells": len(cells), "title": current.title}
        progress("cell", step=current.name, **facts)

    def fail(reason: str, remedy: str = _MEND, trace: str = "") -> None:
        _fail(workspace, cycle, current, executed, at, (reason, remedy, trace))

    kernels.watch(begin, 60 * limit)
    try:
        papermill.execute_notebook(
            notebook_path(workspace, current.notebook),
            executed,
            parameters=values,
            engine_name=kernels.ENGINE,
            km=kernel,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            cwd=home(workspace),
        )
    except papermill.PapermillExecutionError as error:
        if error.ename == "KeyboardInterrupt":
            raise KeyboardInterrupt from error
        fail(f"{error.ename}: {error.evalue}", trace="\n".join(error.traceback))
    except CellTimeoutError:
        words = f"cell {at.number} ran longer than {limit:g} minutes, so the step was stopped"
        fail(words, _more_time(current.name, limit))
    except RuntimeError as error:  # DeadKernelError, or it was gone before it answered
        if isinstance(error.__context__, KeyboardInterrupt):  # the run was stopped, not the kernel
            raise KeyboardInterrupt from error
        if not isinstance(error, DeadKernelError) and "ernel" not in str(error):
            raise
        fail(*kernels.death(kernel, kills), trace=str(error))
    except KeyboardInterrupt:
        kernels.hush()
        raise
    finally:
        kernels.stop(kernel)
    pack.write_page(executed, target, current, packing.imprint(workspace, cycle))


def _more_time(step_name: str, limit: float) -> str:
    return (
        "Look at the cell to see what takes so long, or give the step more time in "
        f"data/raw/company.yml: timeout_minutes: {{{step_name}: {2 * limit:g}}}"
    )


def _fail(
    workspace: Path, cycle: pd.Timestamp, current: Step, executed: Path, at: _Cell, said: tuple
) -> None:
    """Keep the evidence and say on a page what happened; the last good pack stays."""
    from sopkit.pages import pack

    reason, remedy, trace = said
    if executed.is_file():
        _keep_error(executed, at, reason)
    folder = workspace / publication.REPORTS / months.label(cycle)
    folder.mkdir(parents=True, exist_ok=True)
    again = f"sopkit run --workspace {shlex.quote(str(workspace))} --cycle {months.label(cycle)}"
    kept = f"../.staging/{months.label(cycle)}/executed/{executed.name}"
    words = {"reason": reason, "remedy": remedy, "command": again, "traceback": trace}
    failure = pack.Failure(cell=at.number, line=at.line, notebook=kept, **words)
    page = pack.write_failure(folder, current, packing.imprint(workspace, cycle), failure)
    told = {"step": current.name, "cell": at.number, "reason": reason, "page": str(page)}
    told["at"] = pd.Timestamp.now(tz="UTC").isoformat(timespec="seconds")
    publication.note_failure(workspace, cycle, told)
    raise StepFailed(current.name, reason, page, at.number, at.line)


def _keep_error(executed: Path, at: _Cell, reason: str) -> None:
    """Write what stopped a notebook from outside below the cell that was under way."""
    notebook = nbformat.read(executed, as_version=4)
    cells = [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]
    kinds = [output.output_type for cell in cells for output in cell.outputs]
    if "error" in kinds or not 0 < at.number <= len(cells):
        return
    words = {"ename": "Stopped", "evalue": reason, "traceback": [reason]}
    cells[at.number - 1].outputs.append(nbformat.v4.new_output("error", **words))
    publication.write_text(nbformat.writes(notebook), executed)


def home(workspace: Path) -> Path:
    """Folder in which notebooks run: the workspace's notebooks, where it has some."""
    own = workspace / NOTEBOOKS
    return own if own.is_dir() else workspace


def staged_pages(workspace: Path, cycle: pd.Timestamp) -> Path:
    """Where a cycle's pages wait for publication; survives a failed run."""
    return workspace / publication.REPORTS / ".staging" / months.label(cycle)
