"""The gap tree: from demand to what can be supplied, and on to budget, last year and targets.

Each gap is taken apart into price, volume, mix, cost and constraint at the finest level that both
sides have, so that the parts of every node sum to its gap.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.reconciliation import price_volume

DEMAND, BUDGET, LAST_YEAR, TARGET = "demand", "budget", "last year", "target"
PARTS = [*price_volume.PARTS, "constraint", "undivided"]
MEASURES = ("revenue", "margin")
_CELL = ["item", "location", "channel", "family", "region"]
_MIX_LEVELS = [[], ["family"], ["family", "channel"], ["item"], ["item", "channel"], _CELL]
_MET = 0.5  # money by which supply may leave demand and still follow it
_GOALS = ("revenue_value", "new_market_revenue_value")
_AMOUNTS = ["quantity", "revenue_value", "margin_value"]
_SUPPLIED = ["constrained_revenue_value", "constrained_margin_value"]
KEY = ["against", "measure", "period"]
_COLUMNS = [*KEY, *_CELL, "plan_value", "before_value", "gap_value", *PARTS]


def beside_last_year(
    plan: pd.DataFrame, closed: pd.DataFrame, *, cycle: pd.Timestamp
) -> pd.DataFrame:
    """Series of the plan beside the same months of last year, summed over each period.

    Parameters
    ----------
    plan : DataFrame
        Series with their levels, ``month``, ``period`` (fiscal year), and in planning units and
        money: ``quantity, revenue_value, margin_value, constrained_revenue_value,
        constrained_margin_value``.
    closed : DataFrame
        Series with their levels, ``month``, ``net, revenue_value, margin_value``.
    cycle : Timestamp
        Month in which the plan is made; months planned more than a year ahead have no last year.

    Returns
    -------
    DataFrame
        A row a cell: the measures of the plan and, with the ending ``_before``, of last year; zero
        where only one of them has the cell.
    """
    ahead = plan[plan["month"] < months.shift(cycle, 12)]
    periods = ahead.drop_duplicates("month").set_index("month")["period"]
    moved = closed.assign(month=months.from_number(months.number(closed["month"]) + 12))
    moved = moved[moved["month"].isin(periods.index)]
    moved = moved.assign(period=moved["month"].map(periods), quantity=moved["net"])
    return _joined(ahead, moved, _CELL)


def beside_demand(plan: pd.DataFrame) -> pd.DataFrame:
    """What can be supplied beside what is wanted, by item, as from ``beside_last_year``."""
    return _joined(plan, plan, ["item", "family"])


def beside_budget(plan: pd.DataFrame, budget: pd.DataFrame, *, cycle: pd.Timestamp) -> pd.DataFrame:
    """The plan beside the budget at the finest level both have, over the months both speak of.

    Parameters
    ----------
    plan : DataFrame
        As for ``beside_last_year``, and the closed months of quarters that have begun.
    budget : DataFrame
        Last version, in planning units and the company's currency: level columns, ``month`` or
        ``quarter``, the measures. A family that it leaves out in a month is not compared; a
        quarter that has begun is compared whole, with its closed months.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    DataFrame
        As from ``beside_last_year``; what the budget says of the whole company beyond its families
        stands as family ``all``.
    """
    by_month = _by_month(budget, plan["month"], cycle)
    periods = plan.drop_duplicates("month").set_index("month")["period"]
    by_month = by_month.assign(period=by_month["month"].map(periods))
    is_whole = by_month["family"] == schema.ALL
    whole, parts = by_month[is_whole], by_month[~is_whole]
    finest = [name for name in _CELL if len(parts) and (parts[name] != schema.ALL).all()]
    is_spoken = _pairs(plan).isin(_pairs(parts))
    table = _joined(plan[is_spoken], parts, finest)
    if whole.empty:
        return table
    rest = plan[~is_spoken & plan["month"].isin(whole["month"])]
    within = parts[parts["month"].isin(whole["month"])]
    negative = within.assign(**{name: -within[name] for name in _AMOUNTS})
    return pd.concat([table, _joined(rest, pd.concat([whole, negative]), [])], ignore_index=True)


def _pairs(table: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(table[["family", "month"]])


def _by_month(budget: pd.DataFrame, planned: pd.Series, cycle: pd.Timestamp) -> pd.DataFrame:
    """Rows of months to go; whole quarters as three rows, of which the first holds the amounts."""
    monthly = budget[budget["month"].isin(planned) & (budget["month"] >= cycle)]
    quarterly = budget[budget["month"].isna()]
    first = months.number(quarterly["quarter"])
    spans = [months.from_number(first + k) for k in range(3)]
    is_planned = np.logical_and.reduce([pd.Index(span).isin(planned) for span in spans])
    is_to_go = pd.Index(spans[2]) >= cycle
    nothing = dict.fromkeys(_AMOUNTS, 0.0)
    rows = [
        quarterly.assign(month=np.asarray(span), **(nothing if k else {}))[is_planned & is_to_go]
        for k, span in enumerate(spans)
    ]
    return pd.concat([monthly, *rows], ignore_index=True)


def _joined(plan: pd.DataFrame, before: pd.DataFrame, finest: list[str]) -> pd.DataFrame:
    """Both sides summed over months at the finest level, side by side; other levels are ``all``."""
    key, mine = ["period", *finest], [*_AMOUNTS, *_SUPPLIED]
    theirs = {name: f"{name}_before" for name in _AMOUNTS}
    # outer: what only one side has is part of the gap
    both = _known_sums(plan, key, mine).merge(
        _known_sums(before, key, _AMOUNTS).rename(columns=theirs),
        on=key,
        how="outer",
        validate="one_to_one",
        indicator="side",
    )
    absent = {"left_only": list(theirs.values()), "right_only": mine}
    for side, names in absent.items():
        only = both["side"] == side
        both = both.assign(**{name: both[name].mask(only, 0.0) for name in names})
    others = {name: schema.ALL for name in _CELL if name not in finest}
    return both.drop(columns="side").assign(**others)


def _known_sums(table: pd.DataFrame, key: list[str], measures: list[str]) -> pd.DataFrame:
    """Sums by key; where a row is not known its sum is not."""
    marked = table[key].assign(**{name: table[name].isna() for name in measures})
    sums = table.groupby(key)[measures].sum()
    return sums.mask(marked.groupby(key)[measures].any()).reset_index()


def taken_apart(cells: pd.DataFrame, against: str) -> tuple[pd.DataFrame, list[str]]:
    """Rows of table ``gap_parts`` against one comparator, and the level at which mix is told.

    Parameters
    ----------
    cells : DataFrame
        From ``beside_last_year`` or ``beside_budget``.
    against : str
        ``DEMAND``, ``BUDGET`` or ``LAST_YEAR``.

    Returns
    -------
    (DataFrame, list of str)
        Key ``against, measure, period`` and the cell: ``plan_value`` (what can be supplied),
        ``before_value``, ``gap_value`` = plan − before, and its parts. Cells whose money is not
        known on both sides are left out; where units are not, their gap is ``undivided``. The mix
        level is the widest at which mix is small (``price_volume.mix_level``).
    """
    measured = []
    for measure in MEASURES:
        name = f"{measure}_value"
        names = {
            "value": name,
            "value_before": f"{name}_before",
            "plan_value": f"constrained_{name}",
        }
        own = cells[cells[list(names.values())].notna().all(axis=1)]
        amounts = {new: own[old] for new, old in names.items()}
        measured.append(own.assign(measure=measure, **amounts))
    rows = pd.concat(measured, ignore_index=True).assign(against=against)
    needed = ["quantity", "quantity_before", "revenue_value", "revenue_value_before"]
    divided = rows[rows[needed].notna().all(axis=1)]
    named = [name for name in _CELL if len(rows) and (rows[name] != schema.ALL).any()]
    levels = [group for group in _MIX_LEVELS if set(group) <= {*named}] or [[]]
    levels += [named] if named not in levels else []
    group, parts = price_volume.mix_level(divided, levels, ["measure", "period"], "family")
    parts = parts.reindex(rows.index).fillna(0.0)
    is_divided = rows.index.isin(divided.index)
    gap = rows["value"] - rows["value_before"]
    table = rows.assign(
        **parts,
        constraint=rows["plan_value"] - rows["value"],
        undivided=np.where(is_divided, 0.0, gap),
        before_value=rows["value_before"],
        gap_value=rows["plan_value"] - rows["value_before"],
    )
    return table[_COLUMNS].reset_index(drop=True), group


def mix_levels(groups: dict[str, list[str]]) -> pd.DataFrame:
    """Table ``gap_levels``: within what composition is mix, by comparator, in words.

    Examples
    --------
    >>> mix_levels({"budget": [], "last year": ["item", "channel"]}).values.tolist()
    [['budget', 'the company'], ['last year', 'an item and channel']]
    """
    told = [(name, _words(group)) for name, group in groups.items()]
    return pd.DataFrame(told, columns=["against", "mix_level"])


def _words(group: list[str]) -> str:
    if group == _CELL:
        return "single series"
    article = "an" if group[:1] == ["item"] else "a"
    return f"{article} {' and '.join(group)}" if group else "the company"


def beside_targets(check: pd.DataFrame, period: pd.Series) -> pd.DataFrame:
    """Rows of table ``gap_tree`` for goals of the sales strategy that are amounts of revenue.

    Parameters
    ----------
    check : DataFrame
        Table `strategy_check`.
    period : Series
        Fiscal year in which each goal ends.

    Returns
    -------
    DataFrame
        Level ``goal``: what supply delivers beside the target; what demand lacks is ``undivided``,
        since a target names no units.
    """
    own = check[check["kpi"].isin(_GOALS) & check["deliverable"].notna()]
    named = zip(own["goal"], own["first_month"], own["last_month"], strict=True)
    members = [f"{goal}, {months.label(a)} to {months.label(b)}" for goal, a, b in named]
    missing = dict.fromkeys(price_volume.PARTS, 0.0)
    table = own.assign(
        against=TARGET,
        measure="revenue",
        period=period[own.index],
        level="goal",
        member=members,
        plan_value=own["deliverable"],
        before_value=own["target"],
        gap_value=own["deliverable"] - own["target"],
        constraint=own["deliverable"] - own["plan"],
        undivided=own["plan"] - own["target"],
        **missing,
    )
    return table[[*KEY, "level", "member", "plan_value", "before_value", "gap_value", *PARTS]]


def nodes(parts: pd.DataFrame) -> pd.DataFrame:
    """Table ``gap_tree``: gaps and their parts of the company, and by family, channel and region.

    Parameters
    ----------
    parts : DataFrame
        Table `gap_parts`.

    Returns
    -------
    DataFrame
        Key ``against, measure, period, level, member``. Families sum to the company, and so do
        channels and regions where a comparator names them; of demand only those that supply does
        not follow are told. The company first, then the largest gaps.
    """
    measures = ["plan_value", "before_value", "gap_value", *PARTS]
    levels = {"company": parts.assign(company=schema.COMPANY_LABEL)}
    levels |= {level: parts for level in ("family", "channel", "region")}
    tables = []
    for level, rows in levels.items():
        is_named = rows[level].ne(schema.ALL).groupby(rows["against"]).transform("any")
        sums = rows[is_named].groupby([*KEY, level])[measures].sum().reset_index()
        tables.append(sums.rename(columns={level: "member"}).assign(level=level))
    table = pd.concat(tables, ignore_index=True)[[*KEY, "level", "member", *measures]]
    is_met = (table["against"] == DEMAND) & (table["gap_value"].abs() <= _MET)
    table = table[~is_met | (table["level"] == "company")]
    size = -table["gap_value"].abs()
    order = {"is_part": table["level"] != "company", "size": size}
    table = table.assign(**order).sort_values([*KEY, "is_part", "level", "size"])
    return table.drop(columns=[*order]).reset_index(drop=True)


def mix_movers(parts: pd.DataFrame, most: int = 3) -> pd.DataFrame:
    """Table ``gap_mix``: the items that make most of the mix, families where nothing says items.

    Parameters
    ----------
    parts : DataFrame
        Table `gap_parts`.
    most : int
        How many of each comparator, measure and period.
    """
    who = parts["item"].where(parts["item"] != schema.ALL, parts["family"])
    sums = parts.assign(member=who).groupby([*KEY, "member"])["mix"].sum().reset_index()
    sums = sums[sums["mix"].abs() > 0.005]
    order = sums["mix"].abs().sort_values(ascending=False, kind="stable").index
    ranked = sums.loc[order].groupby(KEY).head(most)
    return ranked.sort_values(KEY, kind="stable", ignore_index=True)
