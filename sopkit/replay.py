"""Past cycles made anew, as they would have been: the ledger's statistics from the first day.

A replay runs the data and demand reviews of ``steps`` on what was known in each cycle. Supply is
left out: nobody made or bought to a plan that did not exist, so there is nothing to measure it by.
What people said is read, never invented: a department without a submission stays silent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pandas as pd

from sopkit import cycle as batch
from sopkit import months, store
from sopkit.contract import ContractError
from sopkit.demand import lags
from sopkit.months import UsageError

_FEW = 6  # cycles for which a second process would not pay
_KEPT = "kept: a run has left it"


def replay(
    workspace: Path,
    first: pd.Timestamp,
    last: pd.Timestamp,
    *,
    progress: Callable[[pd.Timestamp, str], None] = lambda cycle, words: None,
) -> dict[str, list[pd.Timestamp]]:
    """Fill past cycles, both ends included, oldest first.

    Parameters
    ----------
    workspace : Path
        From ``store.open_workspace``.
    first, last : Timestamp
        Cycles; the last one before that which a run would plan now.
    progress : callable
        Told each cycle and what became of it.

    Returns
    -------
    dict
        Cycles ``made``, ``kept`` (a run, finished or cut, or ``sopkit forecast`` has left
        them: never touched) and
        ``unchanged`` (an earlier replay of the same data).

    Raises
    ------
    UsageError
        If the span is empty, or reaches the cycle that is planned now.
    ContractError
        If the raw tables of a cycle have a breach, for example none sold before it; earlier cycles
        stay as replayed.
    Busy
        If a run holds one of the cycles.
    """
    now = store.default_cycle(workspace)
    if first > last:
        words = f"--from {months.label(first)} lies after --to {months.label(last)}."
        raise UsageError(f"{words} Write the earlier cycle first.")
    if last >= now:
        raise UsageError(
            f"cycle {months.label(last)} is not past: a run would plan {months.label(now)} now. "
            f"Replay up to {months.label(months.shift(now, -1))} at most."
        )
    settled = batch.settle_parameters(workspace, {})
    options = store.company(workspace).iloc[0]
    done: dict[str, list[pd.Timestamp]] = {"made": [], "kept": [], "unchanged": []}
    free = []
    for month in months.span(first, int(months.number(last) - months.number(first)) + 1):
        if batch.has_run(workspace, month):
            done["kept"].append(month)
            progress(month, _KEPT)
        else:
            free.append(month)
    for month, raw in _raw(workspace, free, progress):
        begun = time.monotonic()
        horizon = settled["demand_review"]["horizon"]
        ahead = months.horizon(month, horizon, options["fiscal_year_first_month"])
        written = batch.compute(
            workspace,
            month,
            {"data_review": {}, "demand_review": {"horizon": ahead}},
            raw=raw,
            origin=lags.HINDSIGHT if _has_hindsight(raw[0], month) else lags.REPLAY,
        )
        if len(written):
            state, words = "made", f"replayed in {time.monotonic() - begun:.1f} s"
        elif batch.has_run(workspace, month):  # it came while earlier cycles were replayed
            state, words = "kept", _KEPT
        else:
            state = words = "unchanged"
        done[state].append(month)
        progress(month, words)
    return done


def _raw(workspace: Path, wanted: list[pd.Timestamp], progress: Callable) -> Iterator[tuple]:
    """Raw tables of each cycle; of many, the next are read while this one is worked on."""
    is_many = len(wanted) >= _FEW
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:  # begins when needed
        ahead = [pool.submit(store.raw_tables, workspace, m) for m in wanted[:2] if is_many]
        for place, month in enumerate(wanted):
            try:
                read = ahead.pop(0).result() if is_many else store.raw_tables(workspace, month)
            except ContractError:
                progress(month, "its raw tables have a breach")
                raise
            yield month, read
            if is_many and place + 2 < len(wanted):
                ahead.append(pool.submit(store.raw_tables, workspace, wanted[place + 2]))


def _has_hindsight(raw: dict[str, pd.DataFrame], month: pd.Timestamp) -> bool:
    """Whether an event still to come in the cycle may have become known only later."""
    events = raw["events"]
    is_ahead = (events["first_month"] >= month) & events["known_month"].isna()
    return bool(is_ahead.any())
