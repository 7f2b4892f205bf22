"""Run a cycle: check, execute each step's notebook, render its page, publish all at once.

What a step reads and writes stands in ``STEPS``. A step is skipped when its inputs, notebook,
parameters and the package are what they were when it last ran; a failed run resumes at its step.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from sopkit import marks, months, packing, publication, store, workbooks
from sopkit.agenda import STEPS, step
from sopkit.computing import compute, forecast, has_run, require_open
from sopkit.contract import some
from sopkit.executing import StepFailed, execute, home, staged_pages
from sopkit.executive import approval
from sopkit.locking import Busy, cut, lock
from sopkit.marks import changed, since_closed, status
from sopkit.months import UsageError
from sopkit.parameters import own_notebooks, parameters_of
from sopkit.parameters import settle as settle_parameters

__all__ = [
    "STEPS", "Busy", "Outcome", "StepFailed", "changed", "compute", "cut", "forecast", "has_run",
    "lock", "parameters_of", "resolve", "run", "settle_parameters", "since_closed", "status",
    "step",
]  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What a run did: seconds of each step executed, steps unchanged, steps closed, the pack.

    ``waiting``: by closed step what has changed since, and waits until somebody reopens it.
    """

    cycle: pd.Timestamp
    seconds: dict[str, float] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()
    index: Path | None = None
    findings: pd.DataFrame | None = None
    closed: tuple[str, ...] = ()
    waiting: dict[str, list[str]] = field(default_factory=dict)
    is_approved: bool = False
    notes: tuple[str, ...] = ()


def _silent(event: str, **facts: object) -> None:
    """Progress that nobody watches."""


def resolve(workspace: Path, cycle: str | None) -> pd.Timestamp:
    """The cycle asked for, else the month after the last whole month of sales."""
    return months.parse_cycle(cycle) if cycle else store.default_cycle(workspace)


def run(
    workspace: Path,
    cycle: pd.Timestamp,
    *,
    start: str | None = None,
    only: str | None = None,
    is_forced: bool = False,
    parameters: dict[str, object] | None = None,
    progress: Callable[..., None] = _silent,
) -> Outcome:
    """Run the cycle's steps and publish their tables and pages.

    Parameters
    ----------
    workspace : Path
        From ``store.open_workspace``.
    cycle : Timestamp
        Month in which the plan is made.
    start : str, optional
        Execute this step and all later ones anew, whatever has changed.
    only : str, optional
        Execute this step alone anew.
    is_forced : bool
        Execute every open step anew.
    parameters : dict, optional
        Notebook parameters that win over ``company.yml``.
    progress : callable
        Told an event and its facts by name as the run goes on: ``step_started``, ``cell``,
        ``step_done``, ``step_skipped``.

    Raises
    ------
    ContractError
        If the raw tables have a breach; nothing is written.
    StepFailed
        If a notebook raises; its page and executed notebook are kept, the last pack stays.
    Busy
        If another run holds the cycle.
    Frozen
        If a closed step is to be executed anew, or the plan is approved.
    """
    settled = settle_parameters(workspace, parameters or {})
    anew = _anew(start, only, is_forced)
    known = store.gates(workspace, cycle)
    kept = store.kept_closed(workspace, cycle)
    if approval.is_approved(known) and (anew or parameters):
        store.require_unapproved(workspace, cycle, "nothing was run")
    if approval.is_approved(known) and set(kept) == set(known):
        with lock(workspace, cycle):
            notes = packing.settle_closings(workspace, cycle)
        index = workspace / publication.REPORTS / months.label(cycle) / "index.html"
        return Outcome(cycle, closed=tuple(known), index=index, is_approved=True, notes=notes)
    anew = anew - kept.keys() if is_forced else anew
    require_open(kept, anew)
    findings = store.raw_tables(workspace, cycle)[1]
    with lock(workspace, cycle):
        return _run_locked(workspace, cycle, settled, anew, only, findings, progress)


def _anew(start: str | None, only: str | None, is_forced: bool) -> set[str]:
    """Steps to execute whatever their hash says."""
    names = [known.name for known in STEPS]
    if bool(start) + bool(only) + is_forced > 1:
        raise UsageError("--from, --only and --force exclude each other.")
    if is_forced:
        return set(names)
    if only:
        return {step(only).name}
    return set(names[names.index(step(start).name) :]) if start else set()


def _run_locked(workspace, cycle, settled, anew, only, findings, progress) -> Outcome:
    from sopkit import kernels

    closed = store.kept_closed(workspace, cycle)  # once more, now that nobody else can close
    require_open(closed, anew)
    publication.prepare(workspace, cycle)
    staged = publication.staging(workspace, cycle)
    record = publication.run_record(staged)
    _require_earlier(record, only)
    seconds: dict[str, float] = {}
    skipped: list[str] = []
    waiting: list = []
    try:
        for position, current in enumerate(STEPS):
            if current.name in closed:
                progress("step_skipped", step=current.name, reason="closed")
                continue
            rests_on = marks.step_marks(workspace, current, cycle, settled[current.name])
            is_other = only is not None and current.name != only
            is_kept = is_other or marks.is_done(record, staged, current, marks.digest(rests_on))
            if current.name not in anew and is_kept:
                skipped.append(current.name)
                why = "not asked for" if is_other else "unchanged"
                progress("step_skipped", step=current.name, reason=why)
                continue
            ahead = 2 if only is None and position + 1 < len(STEPS) else 1
            while len(waiting) < ahead:
                waiting.append(kernels.start(home(workspace)))
            kernel = waiting.pop(0)
            publication.note_holder(workspace, cycle, {"step": current.name}, is_more=True)
            progress("step_started", step=current.name, title=current.title)
            begun = time.monotonic()
            execute(workspace, current, cycle, settled[current.name], kernel, progress)
            seconds[current.name] = time.monotonic() - begun
            record = marks.note(record, staged, current, rests_on, seconds[current.name], settled)
            publication.write_record(staged, record)
            progress("step_done", step=current.name, seconds=round(seconds[current.name], 2))
    finally:
        for kernel in waiting:
            kernels.stop(kernel)
    own = own_notebooks(workspace)
    record = {**record, "own_notebooks": own}
    outcome = _finish(workspace, cycle, record, seconds, skipped, findings)
    publication.note_failure(workspace, cycle, {})
    notes = (*_foreign(own), *outcome.notes, *packing.settle_closings(workspace, cycle))
    waiting = {name: since_closed(workspace, cycle, name) for name in closed}
    return replace(outcome, closed=tuple(closed), notes=notes, waiting=waiting)


def _foreign(own: list[str]) -> tuple[str, ...]:
    """Says that notebooks, which are code, are not the package's."""
    if not own:
        return ()
    places = some([f"notebooks/{name}.ipynb" for name in own])
    differ = "differs" if len(own) == 1 else "differ"
    return (f"{places} {differ} from the package's: its code was run. Delete it to use ours.",)


def _require_earlier(record: dict, only: str | None) -> None:
    """Refuse to run one step alone before the steps whose tables it reads."""
    names = [known.name for known in STEPS]
    for name in names[: names.index(only)] if only else []:
        if name not in record.get("steps", {}):
            raise UsageError(f"step {name} has not run yet. Run the whole cycle once: sopkit run")


def _finish(workspace, cycle, record, seconds, skipped, findings) -> Outcome:
    """Publish what was made; an unchanged cycle is left as it is."""
    reports, notes = workspace / publication.REPORTS, ()
    if seconds:
        from sopkit.pages import pack

        imprint, folder = packing.imprint(workspace, cycle), staged_pages(workspace, cycle)
        grid = publication.staging(workspace, cycle) / "sop_grid.parquet"
        if grid.is_file():
            workbooks.write_grid(folder / pack.WORKBOOK, pd.read_parquet(grid))
        notes = packing.finish(workspace, cycle, folder, seconds)
        publication.publish(workspace, cycle, record)
        pack.write_cycles(reports, packing.listed(workspace), imprint.company)
    else:
        shutil.rmtree(publication.staging(workspace, cycle))
        shutil.rmtree(staged_pages(workspace, cycle), ignore_errors=True)
        (reports / months.label(cycle) / "failed.html").unlink(missing_ok=True)
    index = reports / months.label(cycle) / "index.html"
    return Outcome(cycle, seconds, tuple(skipped), index, findings, notes=notes)
