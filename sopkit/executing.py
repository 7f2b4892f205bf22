"""One step's notebook: executed in a kernel of its own, its page rendered, its failure told."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from sopkit import months, packing, publication, schema, store, whole
from sopkit.agenda import Step
from sopkit.parameters import NOTEBOOKS, notebook_path

if TYPE_CHECKING:  # Jupyter's libraries take seconds to import, which an unchanged run is spared
    from jupyter_client.manager import AsyncKernelManager

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


@dataclass(frozen=True)
class Job:
    """A step to execute: where, in which cycle, with what; ``progress`` is told its cells."""

    workspace: Path
    step: Step
    cycle: pd.Timestamp
    parameters: dict[str, object]
    progress: Callable[..., None]


def execute(
    job: Job,
    kernel: AsyncKernelManager,
    tables_are_there: Callable[[], None] = lambda: None,
    is_called_off: Callable[[], bool] = lambda: False,
) -> None:
    """Execute one step's notebook in a kernel of its own, and render its page.

    Parameters
    ----------
    job : Job
        The step.
    kernel : AsyncKernelManager
        From ``kernels.start``; it serves no other.
    tables_are_there : callable
        Called when the cell tagged ``tables`` is done, from which on the next step may go.
    is_called_off : callable
        Whether a kernel that is gone was taken away; nothing is told of that.

    Raises
    ------
    StepFailed
        If the notebook raised, took too long or lost its kernel.
    """
    from sopkit import kernels
    from sopkit.pages import pack

    target = staged_pages(job.workspace, job.cycle)
    executed = target / "executed" / f"{job.step.notebook}.ipynb"
    executed.parent.mkdir(parents=True, exist_ok=True)
    at = _Cell()

    def begin(place: int, cells: list) -> None:
        at.begin(place, cells)
        if any("tables" in cell.metadata.get("tags", []) for cell in cells[:place]):
            tables_are_there()
        facts = {"cell": place + 1, "cells": len(cells), "title": job.step.title}
        job.progress("cell", step=job.step.name, **facts)

    try:
        said = _stopped(job, kernel, executed, begin, at)
    finally:
        kernels.stop(kernel)
    if said and not is_called_off():
        _fail(job, executed, at, said)
    if not said:
        pack.write_page(executed, target, job.step, packing.imprint(job.workspace, job.cycle))


def _stopped(
    job: Job, kernel: AsyncKernelManager, executed: Path, begin: Callable, at: _Cell
) -> tuple:
    """What stopped the notebook: reason, remedy and traceback; empty if nothing did."""
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    from sopkit import kernels

    values = {"workspace": str(job.workspace), "cycle": months.label(job.cycle)} | job.parameters
    limit, kills = _minutes(job.workspace, job.step.name), kernels.memory_kills()
    try:
        papermill.execute_notebook(
            notebook_path(job.workspace, job.step.notebook),
            executed,
            parameters=values,
            engine_name=kernels.watch(job.step.name, begin, 60 * limit),
            km=kernel,
            kernel_name="python3",
            language="python",
            progress_bar=False,
        )
    except papermill.PapermillExecutionError as error:
        return f"{error.ename}: {error.evalue}", _MEND, "\n".join(error.traceback)
    except CellTimeoutError:
        words = f"cell {at.number} ran longer than {limit:g} minutes, so the step was stopped"
        return words, _more_time(job.step.name, limit), ""
    except DeadKernelError as error:
        return (*kernels.death(kernel, kills), str(error))
    except RuntimeError as error:
        if at.number:
            raise
        return f"its kernel did not start: {error}", "Run it once more.", ""
    return ()


def _more_time(step_name: str, limit: float) -> str:
    return (
        "Look at the cell to see what takes so long, or give the step more time in "
        f"data/raw/company.yml: timeout_minutes: {{{step_name}: {2 * limit:g}}}"
    )


def _fail(job: Job, executed: Path, at: _Cell, said: tuple) -> None:
    """Keep the evidence and say on a page what happened; the last good pack stays."""
    from sopkit.pages import pack

    (reason, remedy, trace), workspace, cycle = said, job.workspace, job.cycle
    if executed.is_file():
        _keep_error(executed, at, reason)
    folder = workspace / publication.REPORTS / months.label(cycle)
    folder.mkdir(parents=True, exist_ok=True)
    again = f"sopkit run --workspace {shlex.quote(str(workspace))} --cycle {months.label(cycle)}"
    kept = f"../.staging/{months.label(cycle)}/executed/{executed.name}"
    words = {"reason": reason, "remedy": remedy, "command": again, "traceback": trace}
    failure = pack.Failure(cell=at.number, line=at.line, notebook=kept, **words)
    page = pack.write_failure(folder, job.step, packing.imprint(workspace, cycle), failure)
    told = {"step": job.step.name, "cell": at.number, "reason": reason, "page": str(page)}
    told["at"] = pd.Timestamp.now(tz="UTC").isoformat(timespec="seconds")
    publication.note_failure(workspace, cycle, told)
    raise StepFailed(job.step.name, reason, page, at.number, at.line)


def _keep_error(executed: Path, at: _Cell, reason: str) -> None:
    """Write what stopped a notebook from outside below the cell that was under way."""
    import nbformat

    notebook = nbformat.read(executed, as_version=4)
    cells = [c for c in notebook.cells if c.cell_type == "code" and c.source.strip()]
    kinds = [output.output_type for cell in cells for output in cell.outputs]
    if "error" in kinds or not 0 < at.number <= len(cells):
        return
    words = {"ename": "Stopped", "evalue": reason, "traceback": [reason]}
    cells[at.number - 1].outputs.append(nbformat.v4.new_output("error", **words))
    whole.write_text(nbformat.writes(notebook), executed)


def home(workspace: Path) -> Path:
    """Folder in which notebooks run: the workspace's notebooks, where it has some."""
    own = workspace / NOTEBOOKS
    return own if own.is_dir() else workspace


def staged_pages(workspace: Path, cycle: pd.Timestamp) -> Path:
    """Where a cycle's pages wait for publication; survives a failed run."""
    return workspace / publication.REPORTS / ".staging" / months.label(cycle)
