"""What people change by hand: set, add or scale at any level, spread down so that levels add up.

Overrides are applied one after the other in the order of entry, locks first; every one ends in
table ``override_effects`` with what it did, or with the reason why it did not. Frozen months stay
as they are; what was entered before its month froze goes on counting.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sopkit import months, schema

_WHO = [*schema.LEVELS, "month", "author"]
_TINY = 1e-9
LIFT = "its author can lift the lock by a later row, or take this back"
_FAR = 0.5  # share of its level beyond which a change is asked about
COLUMNS = (
    "author cycle kind month subject asked before after change change_value base_change state "
    "finding reason is_locked"
).split()


def alive(overrides: pd.DataFrame, *, cycle: pd.Timestamp) -> pd.DataFrame:
    """Overrides that count in a cycle, in the order of entry, each author's last word alone.

    Parameters
    ----------
    overrides : DataFrame
        Table `overrides`, of this cycle and earlier ones.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    DataFrame
        Rows whose month has not passed and that have not expired.

    Examples
    --------
    >>> rows = pd.DataFrame({"month": pd.to_datetime(["2026-01-01", "2026-03-01"]), "author": "A",
    ...     "cycle": pd.Timestamp("2025-12-01"), "expires_cycle": pd.NaT, "entered_at": pd.NaT,
    ...     **{level: "all" for level in schema.LEVELS}})
    >>> alive(rows, cycle=pd.Timestamp("2026-02-01"))["month"].dt.month.tolist()
    [3]
    """
    rows = overrides.reset_index(drop=True)
    counts = (rows["month"] >= cycle) & ~(rows["expires_cycle"] < cycle)
    entered = rows["entered_at"].fillna(rows["cycle"])
    rows = rows.assign(entered=entered)[counts].sort_values(["cycle", "entered"], kind="stable")
    return rows.drop_duplicates(_WHO, keep="last").drop(columns="entered").reset_index(drop=True)


@dataclass
class _Plan:
    """The plan as it is changed; a recursion has a state."""

    rows: pd.DataFrame  # keys, levels, month
    value: np.ndarray  # in the common unit
    price: np.ndarray  # of a common unit, missing where unknown
    frozen: np.ndarray  # months from a cycle on in which each row may not be changed
    holder: np.ndarray  # words of the lock on each row, empty where there is none
    touched: np.ndarray  # words of the last override on each row
    moves: list[pd.DataFrame]  # what each override did to each row it moved


def apply(
    overrides: pd.DataFrame, base: pd.DataFrame, then: pd.DataFrame, *, cycle: pd.Timestamp
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """What overrides make of a plan.

    Parameters
    ----------
    overrides : DataFrame
        From ``alive``.
    base : DataFrame
        The plan before overrides: series, ``month``, all levels, ``quantity`` (item units, not
        negative), ``factor`` (to the common unit), ``unit_price_value``; optionally
        ``frozen_months``, counted from the cycle in which an override is entered.
    then : DataFrame
        Plans before overrides of past cycles, in the common unit: ``cycle``, levels, ``month``,
        ``base``.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    change : DataFrame
        Key of the series and ``month``: ``overrides``, change in item units.
    effects : DataFrame
        Table `override_effects`, a row an override: what was ``asked`` of which ``subject``;
        ``before``, ``after``, ``change`` in the common unit, ``change_value``; ``base_change``, by
        how much the plan beneath has moved since it was entered; ``state`` (applied; applied in
        part, where it did not reach what was asked; refused) and in ``finding`` what a
        person must know.
    moves : DataFrame
        Table `override_changes`, a row a series and month that an override moved: ``author``,
        ``subject``; ``before`` and ``change`` in item units. They sum to ``overrides``.

    Notes
    -----
    A change is spread in proportion to the plan it finds, evenly where that is zero. Rows under a
    lock are moved by nothing else, frozen ones by nothing at all. Nothing goes below zero.

    Examples
    --------
    >>> key = {"item": ["A", "B"], "location": "all", "channel": "all"}
    >>> levels = {"family": "Tents", "category": "all", "region": "all", "segment": "all"}
    >>> month = pd.Timestamp("2026-02-01")
    >>> base = pd.DataFrame({**key, **levels, "month": month, "quantity": [30.0, 10.0],
    ...     "factor": 1.0, "unit_price_value": 5.0})
    >>> row = {**{level: "all" for level in schema.LEVELS}, "family": "Tents", "month": month}
    >>> row |= {"author": "Keller", "cycle": pd.Timestamp("2026-01-01"), "kind": "set"}
    >>> row |= {"quantity": 60.0, "revenue_value": None, "rate": None, "reason": "a new shop"}
    >>> row |= {"is_locked": False, "expires_cycle": pd.NaT, "entered_at": pd.NaT}
    >>> said, past = pd.DataFrame([row]), pd.DataFrame()
    >>> change, effects, moves = apply(said, base, past, cycle=row["cycle"])
    >>> change["overrides"].tolist(), effects["state"].tolist()
    ([15.0, 5.0], ['applied'])
    >>> moves[["item", "author", "subject", "before", "change"]].values.tolist()
    [['A', 'Keller', 'family Tents', 30.0, 15.0], ['B', 'Keller', 'family Tents', 10.0, 5.0]]
    """
    rows = base.reset_index(drop=True)
    factor = rows["factor"].to_numpy(dtype="float64")
    start = rows["quantity"].to_numpy(dtype="float64") * factor
    price = rows["unit_price_value"].to_numpy(dtype="float64") / np.where(factor > 0, factor, 1.0)
    empty = np.full(len(rows), "", dtype=object)
    frozen = rows.get("frozen_months", pd.Series(0, index=rows.index)).to_numpy(dtype="int64")
    plan = _Plan(rows, start.copy(), price, frozen, empty.copy(), empty.copy(), [])
    is_locked = overrides["is_locked"].fillna(False).astype(bool)
    order = [*np.flatnonzero(is_locked), *np.flatnonzero(~is_locked)]
    found = {k: _one(plan, overrides.iloc[k], bool(is_locked.iloc[k]), then, cycle) for k in order}
    effects = pd.DataFrame([found[k] for k in range(len(overrides))], columns=COLUMNS)
    numbers = ["before", "after", "change", "change_value", "base_change"]
    effects = effects.astype(dict.fromkeys(numbers, "float64") | {"is_locked": "bool"})
    moved = (plan.value - start) / np.where(factor > 0, factor, 1.0)
    nothing = rows.iloc[:0][schema.SERIES_MONTH].assign(author="", subject="", before=0.0)
    moves = pd.concat([nothing.assign(change=0.0), *plan.moves], ignore_index=True)
    return rows[schema.SERIES_MONTH].assign(overrides=moved), effects, moves


def _one(
    plan: _Plan, override: pd.Series, is_lock: bool, then: pd.DataFrame, cycle: pd.Timestamp
) -> dict:
    """Apply one override to the plan; its row of effects."""
    named = [level for level in schema.LEVELS if override[level] != schema.ALL]
    subject = ", ".join(f"{level} {override[level]}" for level in named) or "the whole company"
    month = months.label(override["month"])
    words = f"{override['author']}'s {override['kind']} of {subject} in {month}"
    row = {name: override[name] for name in ("author", "cycle", "kind", "month", "reason")}
    row |= {"subject": subject, "asked": _asked(override), "is_locked": is_lock}
    row |= {"base_change": _base_change(plan, override, named, then)}
    covered = _covered(plan.rows, override, named)
    if not covered.any():
        why = "covers nothing in the plan: correct its names or its month"
        return row | {"state": "refused", "finding": why}
    row["before"] = before = plan.value[covered].sum()
    is_frozen = covered & (plan.frozen > ahead(override["month"], override["cycle"]))
    begins = months.shift(override["cycle"], int(plan.frozen[covered].min()))
    free = covered & ~is_frozen & (plan.holder == "")
    held = plan.holder[covered & ~is_frozen & (plan.holder != "")]
    why = ""
    if is_frozen[covered].all():
        why = frozen_words(month, begins)
    elif not free.any() or (is_lock and len(held)):
        why = f"locked by {held[0]}: {LIFT}"
    if why:
        return row | {"state": "refused", "finding": why, "after": before, "change": 0.0}
    target, problem = _target(plan, override, covered, free)
    if problem:
        return row | {"state": "refused", "finding": problem, "after": before, "change": 0.0}
    others = sorted(set(plan.touched[free]) - {""})
    old, worth = plan.value[free].copy(), plan.price[free]
    total = old.sum()
    if total > _TINY:
        plan.value[free] = old * (max(target, 0.0) / total)
    else:
        plan.value[free] = max(target, 0.0) / free.sum()
    plan.touched[free] = words
    if is_lock:
        plan.holder[free] = words
    factor = plan.rows.loc[free, "factor"].to_numpy(dtype="float64")
    moved = plan.rows.loc[free, schema.SERIES_MONTH].assign(
        author=override["author"],
        subject=subject,
        before=old / np.where(factor > 0, factor, 1.0),
        change=(plan.value[free] - old) / np.where(factor > 0, factor, 1.0),
    )
    plan.moves.append(moved)
    known = np.isfinite(worth)
    money = ((plan.value[free] - old) * np.where(known, worth, 0.0)).sum()
    row |= {"after": plan.value[covered].sum()}
    row |= {"change": row["after"] - before, "change_value": money if known.all() else np.nan}
    notes = []
    if is_frozen.any():
        count = f"{is_frozen.sum()} of {covered.sum()} series"
        notes.append(f"{count} are frozen in {month} and stayed")
    if len(held):
        notes.append(f"{len(held)} of {covered.sum()} series are locked by {held[0]} and stayed")
    if target < -_TINY:
        notes.append("it asked for less than nothing: zero is planned")
    if others:
        notes.append(f"overlaps with {' and '.join(others)}, which it follows")
    if override["cycle"] < cycle:
        notes.append("entered in an earlier cycle: confirm it or let it expire")
    if abs(row["change"]) > _FAR * before:
        notes.append("it changes its level by more than half: is that meant?")
    if abs(row["base_change"]) > abs(row["change"]) + _TINY:
        notes.append("the plan beneath has moved by more than it changes: look again")
    whole = before * override["rate"] if override["kind"] == "scale" else before + target - total
    is_short = abs(row["after"] - whole) > 1e-6 * max(1.0, abs(whole))
    state = "applied in part" if is_short else "applied"
    return row | {"state": state, "finding": "; ".join(notes)}


def ahead(month: pd.Timestamp, cycle: pd.Timestamp) -> int:
    """Months from the cycle in which something was entered to the month it speaks of."""
    return int(months.number(month) - months.number(cycle))


def frozen_words(month: str, begins: pd.Timestamp) -> str:
    """Why an override of a frozen month is refused, and what to do."""
    change = f"changes begin with {months.label(begins)}"
    return f"{month} is frozen: {change}, or ask for frozen_months of company.yml"


def _covered(rows: pd.DataFrame, override: pd.Series, named: list[str]) -> np.ndarray:
    covered = (rows["month"] == override["month"]).to_numpy(dtype=bool)
    for level in named:
        covered = covered & (rows[level] == override[level]).to_numpy(dtype=bool)
    return covered


def _target(
    plan: _Plan, override: pd.Series, covered: np.ndarray, free: np.ndarray
) -> tuple[float, str]:
    """What the free rows shall sum to, or why nobody can tell."""
    old = plan.value[free].sum()
    if override["kind"] == "scale":
        if pd.isna(override["rate"]):
            return 0.0, "a scale needs a rate: 1.1 is a tenth more"
        return old * override["rate"], ""
    amount, whole = override["quantity"], plan.value[covered].sum()
    if pd.isna(amount):
        if pd.isna(override["revenue_value"]):
            return 0.0, f"a {override['kind']} needs a quantity or a revenue_value"
        if not np.isfinite(plan.price[covered]).all():
            return 0.0, "money cannot become units: a series has no price. Give a quantity"
        worth = (plan.value[covered] * plan.price[covered]).sum()
        a_unit = worth / whole if whole > _TINY else plan.price[covered].mean()
        amount = override["revenue_value"] / a_unit if a_unit > 0 else np.nan
        if pd.isna(amount):
            return 0.0, "money cannot become units: the price is zero. Give a quantity"
    if override["kind"] == "add":
        return old + amount, ""
    held = whole - old
    if amount < held - _TINY:
        fixed = "locked or frozen beneath it already holds"
        return 0.0, f"what is {fixed} {held:,.0f}, more than {amount:,.0f}"
    return amount - held, ""


def _asked(override: pd.Series) -> str:
    kind = override["kind"]
    if kind == "scale":
        return f"times {override['rate']:g}"
    is_money = pd.isna(override["quantity"])
    amount = override["revenue_value"] if is_money else override["quantity"]
    sign = "+" if kind == "add" else ""
    words = f"{amount:{sign},.0f}".replace("-", "−")
    return f"{'set to ' if kind == 'set' else ''}{words}{' in money' * is_money}"


def _base_change(plan: _Plan, override: pd.Series, named: list[str], then: pd.DataFrame) -> float:
    """How far the plan beneath moved since the override was entered; missing if not known."""
    past = then[then["cycle"] == override["cycle"]] if len(then) else then
    if past.empty:
        return np.nan
    was = past.loc[_covered(past, override, named), "base"]
    covered = _covered(plan.rows, override, named)
    now = plan.rows["quantity"].to_numpy() * plan.rows["factor"].to_numpy()
    return float(now[covered].sum() - was.sum()) if len(was) else np.nan
