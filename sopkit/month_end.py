"""Which cycle a run plans that names none, and whether its month has closed."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sopkit import months, publication, store


class NotClosed(RuntimeError):
    """The month that a plan would stand on has not closed; the message says what is there."""


def due(workspace: Path, *, today: pd.Timestamp | None = None) -> pd.Timestamp:
    """The month after the last closed one, where planning it does not go back.

    Parameters
    ----------
    workspace : Path
        From ``store.open_workspace``.
    today : Timestamp, optional
        Where given, the month before the one that this day belongs to must have closed.

    Raises
    ------
    NotClosed
        If sales end before it, or before what an earlier run has planned already.
    """
    cycle, last = store.default_cycle(workspace), max(_planned(workspace), default=None)
    again = f"To plan {months.label(cycle)} all the same: sopkit run --cycle {months.label(cycle)}"
    if last is not None and cycle < last:
        words = f"cycle {months.label(last)} has been planned already, but {_end(cycle)} now"
        raise NotClosed(f"{words}. Put the later months back into sales. {again}")
    if today is not None and cycle < (now := _under_way(workspace, today)):
        before = months.label(months.shift(now, -1))
        words = f"{before} has not closed: {_end(cycle)}, and nothing was run"
        raise NotClosed(f"{words}. Run it again when the sales of {before} are there. {again}")
    return cycle


def after_approval(cycle: pd.Timestamp) -> str:
    """Why a cycle that is approved is the last one that can be planned."""
    own, later = months.label(cycle), months.label(months.shift(cycle, 1))
    words = f"the plan of {own} is approved, and {own} has not closed: {_end(cycle)}"
    return f"{words}. Cycle {later} can be planned when the sales of {own} are there."


def is_again(workspace: Path, cycle: pd.Timestamp) -> bool:
    """Whether the cycle has been planned before."""
    return cycle in _planned(workspace)


def _end(cycle: pd.Timestamp) -> str:
    return f"whole months of sales end with {months.label(months.shift(cycle, -1))}"


def _planned(workspace: Path) -> list[pd.Timestamp]:
    """Cycles that have a published pack."""
    return [
        cycle
        for cycle in publication.cycles(workspace)
        if (workspace / publication.REPORTS / months.label(cycle) / "index.html").is_file()
    ]


def _under_way(workspace: Path, today: pd.Timestamp) -> pd.Timestamp:
    """The period that a day belongs to, by the company's calendar where it has one."""
    calendar = store.calendar(workspace)
    about = months.span(months.shift(pd.Timestamp(today.year, today.month, 1), -1), 4)
    return next(month for month in about if months.last_day(month, calendar) >= today.normalize())
