"""Whom a row of level columns speaks of, and by when something can be done for its items."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from sopkit import months, schema


def covered(base: pd.DataFrame, row: dict) -> pd.Series:
    """Rows of the base that the row's levels cover; ``all`` or a blank covers every member."""
    inside = pd.Series(True, index=base.index)
    for level in named(row):
        inside &= base[level] == row[level]
    return inside


def named(row: dict) -> list[str]:
    """Levels of which the row names a member."""
    given = [(level, row.get(level)) for level in schema.LEVELS]
    return [level for level, member in given if isinstance(member, str) and member != schema.ALL]


def words(row: dict) -> str:
    """The row's members, as a reader calls them.

    Examples
    --------
    >>> words({"family": "Tents", "channel": "Online", "item": "all"}), words({})
    ('Tents, Online', 'the whole company')
    """
    return ", ".join(row[level] for level in named(row)) or "the whole company"


def lead_months(known: dict[str, pd.DataFrame], items: Iterable[str]) -> int:
    """Months before stock of any of these items can be more than is planned, one at least."""
    terms = known["terms"]
    lead = terms.loc[terms["item"].isin(list(items)), "lead_time_months"].max()
    return 1 if pd.isna(lead) else max(int(lead), 1)


def acting_by(proposal: str, first: pd.Timestamp, lead: int, cycle: pd.Timestamp) -> dict:
    """A proposal with the last month in which it still helps."""
    month = months.shift(first, -lead)
    late = "too late to be ready in time: " if month < cycle else ""
    return {"proposal": late + proposal, "decide_by": month}
