"""Steps without notebooks: their tables made and published as a run would, without pages."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pandas as pd

from sopkit import marks, months, partitions, publication, steps, store
from sopkit.agenda import step
from sopkit.executing import staged_pages
from sopkit.executive import approval
from sopkit.locking import lock
from sopkit.months import Frozen


def forecast(
    workspace: Path,
    cycle: pd.Timestamp,
    *,
    horizon: int | None = None,
    workers: dict[str, object] | None = None,
) -> pd.DataFrame:
    """The demand step alone, without notebooks: its tables are published as a run would.

    Parameters
    ----------
    workspace : Path
        From ``store.open_workspace``.
    cycle : Timestamp
        Month in which the plan is made.
    horizon : int, optional
        Months ahead, exactly. Left out: ``company.yml``, never short of the next fiscal year's end.
    workers : dict, optional
        Who forecasts in parts: arguments of ``partitions.statistical``; left out: this process.

    Returns
    -------
    DataFrame
        What was written: table, rows, first and last month.
    """
    if workers is not None:
        partitions.require(workers["scheduler"])
    store.raw_tables(workspace, cycle)  # raises on a breach, before anything is written
    options = store.company(workspace).iloc[0]
    ahead = horizon or months.horizon(cycle, options["horizon"], options["fiscal_year_first_month"])
    given = {}
    if workers is not None:

        def by_workers(tables: dict, *, horizon: int) -> dict:
            path = store.current_file(workspace, "demand_history", cycle)
            return partitions.statistical(tables, horizon=horizon, path=path, **workers)

        given = {"demand_review": {"forecaster": by_workers}}
    own = {"data_review": {}, "demand_review": {"horizon": ahead}}
    return compute(workspace, cycle, own, given=given)


def compute(
    workspace: Path,
    cycle: pd.Timestamp,
    parameters: dict[str, dict[str, object]],
    *,
    raw: tuple | None = None,
    origin: str = "",
    given: dict[str, dict[str, object]] | None = None,
) -> pd.DataFrame:
    """Run steps without notebooks and publish their tables as a run would.

    Parameters
    ----------
    workspace : Path
        From ``store.open_workspace``.
    cycle : Timestamp
        Month in which the plan is made.
    parameters : dict
        Steps in the order of ``STEPS``, each with its parameters.
    raw : tuple, optional
        What ``store.raw_tables`` gave for the cycle; left out: read.
    origin : str
        Written into the run's record, where it was no run. What a run has left, finished or cut,
        is then not touched; steps that such an earlier computation made from the same inputs are
        left as they are.
    given : dict, optional
        What steps are handed beside their parameters; it changes how a step is made, not what.

    Returns
    -------
    DataFrame
        What was written: table, rows, first and last month; empty if nothing was.

    Raises
    ------
    Busy
        If a run holds the cycle.
    """
    nothing = pd.DataFrame(columns=["table", "rows", "first_month", "last_month"])
    with lock(workspace, cycle):
        if origin and has_run(workspace, cycle):
            return nothing
        store.require_unapproved(workspace, cycle, "nothing was made")
        require_open(store.kept_closed(workspace, cycle), set(parameters))
        publication.prepare(workspace, cycle)
        staged = publication.staging(workspace, cycle)
        record, written = publication.run_record(staged), []
        for name, own in parameters.items():
            rests_on = marks.step_marks(workspace, step(name), cycle, own)
            mark = f"{origin}:{marks.digest(rests_on)}" if origin else ""
            if mark and marks.is_done(record, staged, step(name), mark):
                continue
            begun = time.monotonic()
            tables = store.inputs(workspace, name, cycle, raw=raw)
            handed = (given or {}).get(name, {})
            results = getattr(steps, name)(tables, cycle=cycle, **own, **handed)
            written.append(store.publish_step(workspace, name, cycle, results))
            seconds = time.monotonic() - begun
            record = marks.note(record, staged, step(name), rests_on, seconds, parameters, mark)
            record |= {"origin": origin} if origin else {}
        if not written:
            shutil.rmtree(staged)
            shutil.rmtree(staged_pages(workspace, cycle), ignore_errors=True)
            return nothing
        publication.publish(workspace, cycle, record)
    return pd.concat(written, ignore_index=True)


def has_run(workspace: Path, cycle: pd.Timestamp) -> bool:
    """Whether a run has left the cycle, finished or cut, so that no replay may touch it."""
    places = publication.folder(workspace, cycle), publication.staging(workspace, cycle)
    records = [publication.run_record(place) for place in places]
    return any(record and not record.get("origin") for record in records)


def require_open(closed: dict[str, approval.Gate], anew: set[str]) -> None:
    """Refuse to make a closed step anew."""
    for name in sorted(anew & closed.keys()):
        gate = closed[name]
        raise Frozen(
            f"{name} is closed (revision {gate.revision}, {gate.said}), so it is not run again. "
            f'To change it: sopkit reopen {name} --by NAME --note "why"'
        )
