"""Run a cycle: check, execute each step's notebook, render its page, publish all at once.

What a step reads and writes stands in ``STEPS``. A step is skipped when its inputs, notebook,
parameters and the package are what they were when it last ran; a failed run resumes at its step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from sopkit import marks, months, packing, publication, store, workbooks
from sopkit.agenda import STEPS, Step, step
from sopkit.computing import compute, forecast, has_run, require_open
from sopkit.contract import some
from sopkit.executing import Job, StepFailed, staged_pages
from sopkit.executive import approval
from sopkit.locking import Busy, cut, lock
from sopkit.marks import changed, since_closed, status
from sopkit.months import UsageError
from sopkit.parameters import own_notebooks, parameters_of
from sopkit.parameters import settle as settle_parameters
from sopkit.underway import Underway

__all__ = [
    "STEPS", "Busy", "Outcome", "StepFailed", "changed", "compute", "cut", "forecast", "has_run",
    "lock", "parameters_of", "resolve", "run", "settle_parameters", "since_closed", "status",
    "step",
]  # fmt: skip

_AT_ONCE = 2  # steps under way: one computes while the page of the other is made


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
    if anew or not publication.folder(workspace, cycle).is_dir():  # else all may be as it was
        _prepare_kernels()
    findings = store.raw_tables(workspace, cycle)[1]
    with lock(workspace, cycle):
        return _run_locked(workspace, cycle, settled, anew, only, findings, progress)


def _prepare_kernels() -> None:
    """Import what kernels need while the data are checked."""
    from sopkit import kernels

    kernels.prepare()


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
    closed = store.kept_closed(workspace, cycle)  # once more, now that nobody else can close
    require_open(closed, anew)
    publication.prepare(workspace, cycle)
    staged = publication.staging(workspace, cycle)
    _require_earlier(publication.run_record(staged), only)
    run = _Run(workspace, cycle, settled, anew, only, progress)
    try:
        for current in STEPS:
            run.take(current, is_closed=current.name in closed)
        run.await_all()
    finally:
        run.call_off()
    own = own_notebooks(workspace)
    record = {**publication.run_record(staged), "own_notebooks": own}
    outcome = _finish(workspace, cycle, record, run.seconds, run.skipped, findings)
    publication.note_failure(workspace, cycle, {})
    notes = (*_foreign(own), *outcome.notes, *packing.settle_closings(workspace, cycle))
    waiting = {name: since_closed(workspace, cycle, name) for name in closed}
    return replace(outcome, closed=tuple(closed), notes=notes, waiting=waiting)


@dataclass
class _Run:
    """The steps of a run one after another; the page of one is made while the next computes."""

    workspace: Path
    cycle: pd.Timestamp
    settled: dict[str, dict[str, object]]
    anew: set[str]
    only: str | None
    progress: Callable[..., None]
    seconds: dict[str, float] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    _at_work: list[tuple[Step, dict, Underway]] = field(default_factory=list)
    _spare: list[Underway] = field(default_factory=list)

    def take(self, current: Step, *, is_closed: bool) -> None:
        """Skip a step that is as it was; else begin it as soon as the tables before it stand."""
        if is_closed:
            self.progress("step_skipped", step=current.name, reason="closed")
            return
        if not all(earlier.tables() for _, _, earlier in self._at_work):
            self.await_all()  # the first that failed tells why; those before it come to their end
        rests_on = marks.step_marks(self.workspace, current, self.cycle, self.settled[current.name])
        staged = publication.staging(self.workspace, self.cycle)
        record, is_other = publication.run_record(staged), self.only not in (None, current.name)
        is_kept = is_other or marks.is_done(record, staged, current, marks.digest(rests_on))
        if current.name not in self.anew and is_kept:
            self.skipped.append(current.name)
            why = "not asked for" if is_other else "unchanged"
            self.progress("step_skipped", step=current.name, reason=why)
            return
        while len(self._at_work) >= _AT_ONCE:
            self._await_first()
        self._begin(current, rests_on)

    def _begin(self, current: Step, rests_on: dict[str, str]) -> None:
        own = self._spare.pop() if self._spare else Underway(self.workspace)
        if self.only is None and current is not STEPS[-1]:
            self._spare.append(Underway(self.workspace))
        publication.note_holder(self.workspace, self.cycle, {"step": current.name}, is_more=True)
        self.progress("step_started", step=current.name, title=current.title)
        staged = publication.staging(self.workspace, self.cycle)
        record = marks.without(publication.run_record(staged), current.name)
        publication.write_record(staged, record)  # till it is done, nothing of it is kept
        parameters = self.settled[current.name]
        own.begin(Job(self.workspace, current, self.cycle, parameters, self.progress))
        self._at_work.append((current, rests_on, own))

    def await_all(self) -> None:
        """Wait for the pages of all steps, in order."""
        while self._at_work:
            self._await_first()

    def _await_first(self) -> None:
        current, rests_on, own = self._at_work[0]
        own.over()
        self._at_work.pop(0)
        self.seconds[current.name] = own.seconds
        staged = publication.staging(self.workspace, self.cycle)
        record = publication.run_record(staged)
        record = marks.note(record, staged, current, rests_on, own.seconds, self.settled)
        publication.write_record(staged, record)
        self.progress("step_done", step=current.name, seconds=round(own.seconds, 2))

    def call_off(self) -> None:
        """End what is still under way, and the kernels that wait."""
        for own in [*(own for _, _, own in self._at_work), *self._spare]:
            own.call_off()


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
    if made := marks.made(workspace, cycle, record):
        from sopkit.pages import pack

        folder = staged_pages(workspace, cycle)
        grid = publication.staging(workspace, cycle) / "sop_grid.parquet"
        if grid.is_file():
            workbooks.write_grid(folder / pack.WORKBOOK, pd.read_parquet(grid))
        notes = packing.finish(workspace, cycle, folder, made)
        publication.publish(workspace, cycle, record)
    else:
        publication.discard(workspace, cycle)
        (reports / months.label(cycle) / "failed.html").unlink(missing_ok=True)
    packing.list_cycles(workspace)
    index = reports / months.label(cycle) / "index.html"
    return Outcome(cycle, seconds, tuple(skipped), index, findings, notes=notes)
