"""Gates: which step of a cycle is closed, by whom, as which revision, and what that freezes.

A step has a revision for each time it was closed. Closing freezes its tables; reopening opens it
and all that rests on it; closing the executive review approves the plan, for good.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from sopkit import months

OPEN, CLOSED, REOPENED = "open", "closed", "reopened"
LAST = "executive_review"  # closing it approves the plan
SUBJECTS = {  # what a meeting agrees on
    "data_review": "data",
    "product_review": "products",
    "demand_review": "demand",
    "supply_review": "supply",
    "reconciliation": "plan",
    "executive_review": "decisions",
}


@dataclass(frozen=True)
class Gate:
    """A step's gate: ``state`` open, closed or reopened; ``revision`` counts closings so far.

    ``author``, ``note`` and ``entered_at`` (UTC) are of the last closing or reopening.
    """

    step: str
    state: str = OPEN
    revision: int = 0
    author: str = ""
    note: str = ""
    entered_at: pd.Timestamp = pd.NaT

    @property
    def is_closed(self) -> bool:
        """Whether the step's tables stand as they were closed."""
        return self.state == CLOSED

    @property
    def said(self) -> str:
        """Who closed or reopened it and when, in words."""
        when = f" on {self.entered_at:%Y-%m-%d %H:%M} UTC" if pd.notna(self.entered_at) else ""
        return f"{self.state} by {self.author}{when}"


def gates(closings: pd.DataFrame, *, cycle: pd.Timestamp) -> dict[str, Gate]:
    """The gate of each step in a cycle.

    Parameters
    ----------
    closings : DataFrame
        Table `closings`: a row for each closing and each reopening of a revision.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    dict of Gate
        By step, in the order of the cycle.

    Examples
    --------
    >>> rows = pd.DataFrame({
    ...     "cycle": pd.Timestamp("2026-01-01"), "step": "demand_review", "revision": [1.0, 1.0],
    ...     "state": ["closed", "reopened"], "author": ["M. Keller", "R. Osei"], "note": "",
    ...     "entered_at": pd.to_datetime(["2026-01-12", "2026-01-20"])})
    >>> gates(rows, cycle=pd.Timestamp("2026-01-01"))["demand_review"].said
    'reopened by R. Osei on 2026-01-20 00:00 UTC'
    """
    own = closings[closings["cycle"] == cycle]
    is_later = own["state"] == REOPENED  # a revision is closed first, then perhaps reopened
    own = own.assign(is_later=is_later).sort_values(["revision", "is_later"], kind="stable")
    found = {step: Gate(step) for step in SUBJECTS}
    for row in own.to_dict("records"):
        note = row["note"] if isinstance(row["note"], str) else ""
        said = (int(row["revision"]), row["author"], note, row["entered_at"])
        found[row["step"]] = Gate(row["step"], row["state"], *said)
    return found


def is_approved(known: dict[str, Gate]) -> bool:
    """Whether the plan is approved, so that nothing of the cycle changes any more."""
    return known[LAST].is_closed


def approved_words(known: dict[str, Gate], cycle: pd.Timestamp) -> str:
    """Who approved the plan and when, as the beginning of a sentence."""
    said = known[LAST].said.replace(CLOSED, "approved", 1)
    return f"cycle {months.label(cycle)} was {said}, so nothing of it changes any more"


def objection_to_closing(known: dict[str, Gate], step: str, needed: tuple[str, ...]) -> str:
    """Why a step cannot be closed; empty where its gate stands in no way.

    Parameters
    ----------
    known : dict of Gate
        From ``gates``.
    step : str
        The step.
    needed : tuple of str
        Steps that must be closed before it.
    """
    own = known[step]
    if is_approved(known):
        when = known[LAST].said.replace(CLOSED, "approved", 1)
        return f"the plan was {when}: nothing is left to close."
    if own.is_closed:
        return (
            f"{step} is closed already: revision {own.revision}, {own.said}. To change it: "
            f'sopkit reopen {step} --by NAME --note "why"'
        )
    waiting = [name for name in needed if not known[name].is_closed]
    if waiting:
        verb = "approve the plan with" if step == LAST else f"close {step} on"
        words = f"an open step: {waiting[0]}" if len(waiting) == 1 else "open steps: "
        words += ", ".join(waiting) if len(waiting) > 1 else ""
        return f"nobody can {verb} {words}. First: sopkit close {waiting[0]} --by NAME"
    return ""


def objection_to_reopening(known: dict[str, Gate], step: str, cycle: pd.Timestamp) -> str:
    """Why a step cannot be reopened; empty where it can."""
    if is_approved(known):
        when = known[LAST].said.replace(CLOSED, "approved", 1)
        later = months.label(months.shift(cycle, 1))
        return f"its plan was {when}, for good; what is new belongs to cycle {later}."
    if not known[step].is_closed:
        return f"{step} is not closed, so it can be changed as it is: sopkit run"
    return ""


def stamp(known: dict[str, Gate], step: str, rests_on: tuple[str, ...]) -> str:
    """What is printed across the top of a step's page, in words.

    Parameters
    ----------
    known : dict of Gate
        From ``gates``.
    step : str
        The step whose page it is.
    rests_on : tuple of str
        Steps whose tables it reads.
    """
    own = known[step]
    if step == LAST and own.is_closed:
        return f"approved: revision {own.revision}, {own.said.replace(CLOSED, 'approved', 1)}"
    if own.is_closed:
        return f"revision {own.revision}, {own.said}"
    waiting = [SUBJECTS[name] for name in rests_on if not known[name].is_closed]
    parts = [f"preliminary: {_listed(waiting)} not agreed"] if waiting else []
    if own.state == REOPENED:
        why = f": {own.note}" if own.note else ""
        parts.append(f"revision {own.revision} was {own.said}{why}")
    return "; ".join(parts)


def _listed(words: list[str]) -> str:
    """Words as a list in a sentence."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
