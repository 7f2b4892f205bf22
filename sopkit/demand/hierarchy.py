"""Levels above the series: attach them, add up, spread down.

Whatever has no family, category, region or segment is ``unassigned`` and stays in every total.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pandas as pd

from sopkit import schema

_NO_QUANTITY = re.compile(r".*_(value|rate|share|hours|days|months|factor)|hours|lag|cycles")
_PARENTS = {"item": ("family", "category"), "location": ("region",), "channel": ("segment",)}


def with_levels(
    table: pd.DataFrame,
    items: pd.DataFrame,
    locations: pd.DataFrame | None = None,
    channels: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The table with the levels above its keys as columns.

    Parameters
    ----------
    table : DataFrame
        Has ``item``, ``location`` or ``channel``.
    items, locations, channels : DataFrame
        Raw tables of those names; where one is left out its levels are not attached.

    Returns
    -------
    DataFrame
        Same rows and order; ``family``, ``category``, ``region``, ``segment`` never missing.
    """
    for (key, parents), members in zip(_PARENTS.items(), (items, locations, channels), strict=True):
        if members is None or key not in table.columns:
            continue
        added = {
            name: schema.lookup(table[key], members, name, on=key)
            .astype("object")
            .fillna(schema.UNASSIGNED)
            .astype("str")
            for name in parents
        }
        table = table.assign(**added)
    return table


def planning_units(
    items: pd.DataFrame, money_rates: pd.DataFrame, *, planning_unit: str, currency: str
) -> pd.DataFrame:
    """Table ``planning_units``: by what each item's quantity is multiplied before it is added up.

    Parameters
    ----------
    items : DataFrame
        Table `items`: ``unit`` and ``planning_factor``.
    money_rates : DataFrame
        Table `money_rates`: the series sold, with their price.
    planning_unit, currency : str
        What the company calls its common unit and its money.

    Returns
    -------
    DataFrame
        Key ``item``: ``planning_factor`` as given where every item sold has one; 1 where all are
        counted in one unit; else the item's price, so that totals are money. ``planning_unit``
        says which, the same in every row. An item without a price then adds nothing.

    Examples
    --------
    >>> items = pd.DataFrame({"item": ["A", "B"], "unit": ["piece", "bag"]})
    >>> items = items.assign(planning_factor=[1.0, 20.0])
    >>> rates = pd.DataFrame({"item": ["A", "B"], "unit_price_value": [5.0, 90.0]})
    >>> planning_units(items, rates, planning_unit="pieces", currency="EUR").values.tolist()
    [['A', 1.0, 'pieces'], ['B', 20.0, 'pieces']]
    """
    price = money_rates.groupby("item")["unit_price_value"].mean()
    every = pd.Index(items["item"]).union(price.index)
    listed = items.drop_duplicates("item").set_index("item")
    factor = listed["planning_factor"].reindex(every)
    sold = listed[listed.index.isin(price.index)]
    if sold["unit"].fillna("").nunique() <= 1:
        table = factor.fillna(1.0), planning_unit
    elif sold["planning_factor"].notna().all():
        table = factor.fillna(1.0), planning_unit
    else:
        table = price.reindex(every).fillna(0.0), f"{currency} at the prices of the cycle"
    made = pd.DataFrame({"item": every, "planning_factor": table[0].to_numpy()})
    return made.assign(planning_unit=table[1])


def factors(members: pd.Series, items: pd.DataFrame) -> pd.Series:
    """Planning factor of each item, one where nothing says it."""
    if "planning_factor" not in items.columns:
        return pd.Series(1.0, index=members.index)
    return schema.lookup(members, items, "planning_factor").astype("float64").fillna(1.0)


def in_planning_units(table: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """The table with its quantities in the common planning unit, so that items may be added up.

    Parameters
    ----------
    table : DataFrame
        Has ``item``; every column of decimals counts as a quantity but money, rates, shares, hours,
        days and months. Rows above item level (``all``) are in the planning unit already.
    items : DataFrame
        ``item`` and ``planning_factor``, as settled by ``planning_units``; missing counts as one.
    """
    factor = factors(table["item"], items)
    if factor.eq(1.0).all():
        return table
    measures = table.select_dtypes("float").columns
    measures = [name for name in measures if not _NO_QUANTITY.fullmatch(name)]
    return table.assign(**{name: table[name] * factor for name in measures})


def aggregate(table: pd.DataFrame, by: list[str], measures: list[str]) -> pd.DataFrame:
    """Sums of measures by some columns; no row is lost to a missing key.

    Examples
    --------
    >>> table = pd.DataFrame({"family": ["T", "T", "S"], "quantity": [1.0, 2.0, 4.0]})
    >>> aggregate(table, ["family"], ["quantity"]).to_dict("list")
    {'family': ['S', 'T'], 'quantity': [4.0, 3.0]}
    """
    return table.groupby(by, dropna=False)[measures].sum(min_count=1).reset_index()


def covered(row: dict, base: pd.DataFrame) -> np.ndarray:
    """Which rows of a base the level columns of one row cover; blank and ``all`` cover every one.

    Examples
    --------
    >>> covered({"family": "Tents", "item": "all"}, pd.DataFrame({"family": ["Tents", "Packs"]}))
    array([ True, False])
    """
    is_in = np.ones(len(base), dtype=bool)
    for level in schema.LEVELS:
        member = row.get(level, schema.ALL)
        if pd.notna(member) and member != schema.ALL:
            is_in &= (base[level] == member).to_numpy(dtype=bool)
    return is_in


def by_pattern(amounts: pd.DataFrame, base: pd.DataFrame) -> Iterator[tuple]:
    """Rows that name the same levels, with the names of these levels."""
    levels = [name for name in schema.LEVELS if name in amounts.columns and name in base.columns]
    named = amounts[levels].ne(schema.ALL)
    for pattern, rows in amounts.groupby([named[name] for name in levels], sort=False):
        yield [name for name, is_named in zip(levels, pattern, strict=True) if is_named], rows


def total_over(amounts: pd.DataFrame, base: pd.DataFrame, measure: str) -> pd.Series:
    """What the base sums to at the level and month of each row of amounts; missing if nothing.

    Parameters
    ----------
    amounts : DataFrame
        Level columns (``all`` = every member) and ``month``.
    base : DataFrame
        The plan's keys with all their levels (``with_levels``), ``month`` and ``measure``.
    measure : str
        Column to add up.
    """
    parts = [pd.Series(dtype="float64")]
    for keys, rows in by_pattern(amounts, base):
        sums = base.groupby([*keys, "month"])[measure].sum()
        wanted = pd.MultiIndex.from_frame(rows[[*keys, "month"]])
        wanted = wanted if keys else wanted.get_level_values("month")
        parts.append(sums.reindex(wanted).set_axis(rows.index))
    return pd.concat(parts).reindex(amounts.index)
