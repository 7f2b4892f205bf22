"""Which overrides are sure to be refused, as far as the raw tables tell without a forecast.

Frozen months and locks follow from names and months alone. What depends on the series that are
planned (a lock that crosses another, a level that covers nothing) is left to the run.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.contract import Finding, Source, at
from sopkit.demand import overrides

_ABOVE = (  # level, the level above it, the table that tells
    ("item", "family", "items"),
    ("item", "category", "items"),
    ("family", "category", "items"),
    ("location", "region", "locations"),
    ("channel", "segment", "channels"),
)


def check_overrides(
    tables: dict[str, pd.DataFrame],
    sources: dict[str, Source],
    company: pd.Series,
    cycle: pd.Timestamp,
) -> list[Finding]:
    """A notice for each reason why overrides of this cycle or earlier ones will not count.

    Parameters
    ----------
    tables, sources, company, cycle
        As for ``across.check_across``.
    """
    said = tables["overrides"]
    if said.empty:
        return []
    reasons = foreseen(said, tables, company["frozen_months"], cycle=cycle)
    where = np.arange(len(said))
    return [
        at(
            "overrides",
            said,
            np.isin(where, rows),
            sources["overrides"],
            "is_locked" if why.startswith("locked") else "month",
            f"it will be refused: {why}.",
            "",
            state="notice",
        )
        for why, rows in reasons.groupby(reasons, sort=False).groups.items()
    ]


def foreseen(
    said: pd.DataFrame,
    members: dict[str, pd.DataFrame],
    frozen: dict[str, float],
    *,
    cycle: pd.Timestamp,
) -> pd.Series:
    """Why overrides will be refused, in the words of the run.

    Parameters
    ----------
    said : DataFrame
        Table `overrides`.
    members : dict of DataFrame
        Tables `items`, `locations` and `channels`, empty where not given.
    frozen : dict
        ``frozen_months`` of ``company.yml``.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    Series
        Reasons by the row's position in ``said``; rows that nothing speaks against are left out.

    Examples
    --------
    >>> blank = {level: "all" for level in schema.LEVELS} | {"entered_at": pd.NaT}
    >>> cycle = pd.Timestamp("2026-01-01")
    >>> said = pd.DataFrame([blank | {"family": "Tents", "author": "A", "month": cycle}])
    >>> said = said.assign(cycle=cycle, kind="set", is_locked=False, expires_cycle=pd.NaT)
    >>> items = pd.DataFrame({"item": ["T1"], "family": ["Tents"], "category": ["Out"]})
    >>> empty = {"locations": pd.DataFrame(), "channels": pd.DataFrame()}
    >>> foreseen(said, {"items": items, **empty}, {"Tents": 1}, cycle=cycle)[0]
    '2026-01 is frozen: changes begin with 2026-02, or ask for frozen_months of company.yml'
    """
    known = said.assign(position=np.arange(len(said)))
    alive = overrides.alive(known[known["cycle"] <= cycle], cycle=cycle)
    is_lock = alive["is_locked"].fillna(False).astype(bool)
    alive = pd.concat([alive[is_lock], alive[~is_lock]], ignore_index=True)
    reasons = _frozen(alive, members["items"], frozen)
    told = _with_parents(alive, members)
    for _, rows in alive.groupby("month", sort=False):
        reasons |= _locked(rows, told, reasons, int(is_lock.sum()))
    positions = {int(alive["position"].iloc[k]): why for k, why in sorted(reasons.items())}
    return pd.Series(positions, dtype="str")


def _frozen(alive: pd.DataFrame, items: pd.DataFrame, frozen: dict[str, float]) -> dict[int, str]:
    """Overrides of a month that is frozen in every family they cover."""
    reasons = {}
    for k, row in enumerate(alive.to_dict("records")):
        own = items
        for level in ("item", "family", "category"):
            if row[level] != schema.ALL:
                own = own[own[level] == row[level]]
        families = own["family"].fillna(schema.UNASSIGNED).drop_duplicates()
        if own is items:  # items that nobody listed are sold too
            families = pd.Series([*families, schema.UNASSIGNED])
        if families.empty:
            continue  # an unknown name is told elsewhere
        count = int(months.frozen_months(frozen, families).min())
        if overrides.ahead(row["month"], row["cycle"]) < count:
            begins = months.shift(row["cycle"], count)
            reasons[k] = overrides.frozen_words(months.label(row["month"]), begins)
    return reasons


def _with_parents(alive: pd.DataFrame, members: dict[str, pd.DataFrame]) -> np.ndarray:
    """Names by level, with those that follow from a level below: an item's family, say."""
    rows = alive[schema.LEVELS]
    for level, parent, table in _ABOVE:
        if not members[table].empty:
            above = schema.lookup(rows[level], members[table], parent, on=level)
            is_told = (rows[parent] == schema.ALL) & above.notna()
            rows = rows.assign(**{parent: rows[parent].mask(is_told, above)})
    return rows.to_numpy(dtype=object)


def _locked(
    rows: pd.DataFrame, told: np.ndarray, reasons: dict[int, str], locks: int
) -> dict[int, str]:
    """Of one month: what lies within an earlier lock, and locks over an earlier one."""
    found = {}
    named = rows[schema.LEVELS].to_numpy(dtype=object)
    for place, k in enumerate(rows.index[rows.index < locks]):
        lock = rows.loc[k]
        has_amount = pd.notna(lock["rate" if lock["kind"] == "scale" else "quantity"])
        if k in reasons or k in found or not has_amount:
            continue  # nobody knows yet whether it holds anything
        within = ((named[place] == schema.ALL) | (told[rows.index] == named[place])).all(axis=1)
        over = ((named == schema.ALL) | (named == told[k])).all(axis=1)
        hit = (rows.index > k) & (within | (over & (rows.index < locks)))
        subject = ", ".join(f"{x} {lock[x]}" for x in schema.LEVELS if lock[x] != schema.ALL)
        words = f"{lock['author']}'s {lock['kind']} of {subject or 'the whole company'}"
        why = f"locked by {words} in {months.label(lock['month'])}: {overrides.LIFT}"
        found |= dict.fromkeys(set(rows.index[hit]) - found.keys() - reasons.keys(), why)
    return found
