"""Sales lost to stock-outs: how many, how sure, and months without stock that nobody flagged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sopkit import schema
from sopkit.demand import history, panel, usual

PROBABILITY = 0.9  # share of lost sales that their interval is to hold
_LOW_SHARE = 0.5  # of what is usual: below it a month without stock has lost sales


@dataclass(frozen=True)
class _Seen:
    """What came and what is usual, arrays (n_months, n_series); NaN where stock was out."""

    series: panel.Panel
    net: np.ndarray
    expected: np.ndarray
    lost: np.ndarray


def _seen(table: pd.DataFrame, items: pd.DataFrame) -> _Seen:
    demand = panel.from_table(table, "demand")
    lost = np.nan_to_num(panel.from_table(table, "stockout").values)
    hidden = panel.from_table(table, "is_stockout").values == 1.0
    groups = history.family_codes(demand.keys, items)
    net = demand.values - lost
    adjusted, middle, season = usual.usual(net, hidden, groups, demand.values)
    return _Seen(demand, adjusted * season, middle * season, lost)


def by_item(table: pd.DataFrame, items: pd.DataFrame, rates: pd.DataFrame) -> pd.DataFrame:
    """Table ``lost_sales``: what stock-outs cost an item in a month, with its interval.

    Parameters
    ----------
    table : DataFrame
        Table `demand_history` as settled.
    items, rates : DataFrame
        Tables `items` and `money_rates`.

    Returns
    -------
    DataFrame
        Key ``item, month``: ``quantity`` and its bounds in the item's unit, ``amount_value`` at the
        price of each series (missing without one), ``series`` that lost; most money first. Bounds
        hold nine of ten; they are missing where fewer than twelve months tell.

    Notes
    -----
    Months in which stock was there tell how far an item's series, added up, lie from what is usual
    for them: what moves all of them in one month is in it. Lost is wanted less sold, never below
    zero.
    """
    priced = table.merge(rates, on=schema.SERIES, how="left", validate="many_to_one")
    priced = priced.assign(amount_value=priced["stockout"] * priced["unit_price_value"])
    own = priced[priced["stockout"] > 0]
    sums = own.groupby(["item", "month"], as_index=False).agg(
        quantity=("stockout", "sum"),
        amount_value=("amount_value", lambda money: money.sum(skipna=False)),
        series=("stockout", "size"),
    )
    bounds = _item_bounds(_seen(table, items), sums) if len(sums) else np.zeros((0, 2))
    sums = sums.assign(quantity_lower=bounds[:, 0], quantity_upper=bounds[:, 1])
    order = sums.assign(size=sums["amount_value"].abs().fillna(0.0)).sort_values(
        ["size", "item", "month"], ascending=[False, True, True], ignore_index=True
    )
    kinds = dict.fromkeys(["amount_value", "quantity", "quantity_lower", "quantity_upper"], "float")
    return order[list(schema.PROCESSED["lost_sales"].columns)].astype(kinds | {"series": "int64"})


def _item_bounds(seen: _Seen, rows: pd.DataFrame) -> np.ndarray:
    """Least and most that each item lost in a month, shape (n_rows, 2)."""
    found, item = [], seen.series.keys["item"].to_numpy()
    place = seen.series.months.get_indexer(rows["month"])
    for name, month in zip(rows["item"], place, strict=True):
        own = np.flatnonzero((item == name) & (seen.lost[month] > 0))
        net, expected = (part[:, own].sum(axis=1) for part in (seen.net, seen.expected))
        share = usual.reach(net[:, None], expected[:, None], PROBABILITY)[0]
        lost = seen.lost[month, own].sum()
        half = share * expected[month]
        found.append((max(lost - half, 0.0), lost + half))
    return np.array(found)


def bounds(table: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """Least and most that each series lost in a month, by row of a history; missing elsewhere.

    Parameters
    ----------
    table, items : DataFrame
        Tables `demand_history` and `items`.

    Returns
    -------
    DataFrame
        ``quantity_lower, quantity_upper``, units, indexed as the history.
    """
    if not (table["stockout"] > 0).any():
        return pd.DataFrame(np.nan, table.index, ["quantity_lower", "quantity_upper"])
    seen = _seen(table, items)
    half = usual.reach(seen.net, seen.expected, PROBABILITY) * seen.expected
    half = np.where(seen.lost > 0, half, np.nan)
    ends = {"lower": np.maximum(seen.lost - half, 0.0), "upper": seen.lost + half}
    return pd.DataFrame({f"quantity_{end}": _by_row(table, seen, ends[end]) for end in ends})


def _by_row(table: pd.DataFrame, seen: _Seen, values: np.ndarray) -> pd.Series:
    """Values of a panel by row of the history that it was made from."""
    column = pd.MultiIndex.from_frame(seen.series.keys).get_indexer(
        pd.MultiIndex.from_frame(table[schema.SERIES])
    )
    row = seen.series.months.get_indexer(table["month"])
    return pd.Series(values[row, column], index=table.index)


def silent(
    table: pd.DataFrame, inventory: pd.DataFrame, items: pd.DataFrame, locations: pd.DataFrame
) -> pd.Series:
    """Sales that were lost where stock was out and no flag says so: proposed, not applied.

    Parameters
    ----------
    table : DataFrame
        Table `demand_history`.
    inventory, items, locations : DataFrame
        Raw tables. A series is supplied by its location's ``supplied_from``, else by the location
        itself, else (where `inventory` does not know that) by all sites of the item together.

    Returns
    -------
    Series
        Units by row of the history, zero where nothing is proposed.

    Notes
    -----
    A month counts where its closing stock is zero and demand below half of what is usual. Services,
    what is made to order, items whose stock is zero in most months and lumpy series tell nothing.
    """
    none = pd.Series(0.0, index=table.index)
    is_out = _is_out(table, inventory, items, locations) & ~table["is_stockout"]
    is_out &= table["unfilled"] == 0
    if not is_out.any():
        return none
    seen = _seen(table.assign(is_stockout=table["is_stockout"] | is_out), items)
    share_of_zeros = (table["demand"] == 0).groupby([table[n] for n in schema.SERIES])
    is_lumpy = share_of_zeros.transform("mean") > history.LARGEST_ZERO_SHARE
    expected = _by_row(table, seen, seen.expected)
    came = table["demand"] - table["outlier"]
    is_low = (came < _LOW_SHARE * expected) & (expected >= 1.0)
    return (expected - came).where(is_out & is_low & ~is_lumpy, 0.0).fillna(0.0)


def _is_out(
    table: pd.DataFrame, inventory: pd.DataFrame, items: pd.DataFrame, locations: pd.DataFrame
) -> pd.Series:
    """Rows of a history whose item closed the month without stock where it is supplied from."""
    flags = items[["is_service", "is_made_to_order"]].fillna(False).astype(bool).any(axis=1)
    stock = inventory[~inventory["item"].isin(items.loc[flags, "item"])]
    usually = stock.groupby(schema.SITE)["on_hand"].transform(lambda units: (units > 0).mean())
    stock = stock[usually > 0.5]
    if stock.empty:
        return pd.Series(False, index=table.index)
    site = schema.lookup(table["location"], locations, "supplied_from", on="location")
    cells = table[["item", "month"]].assign(location=site.fillna(table["location"]).astype("str"))
    by_site = stock.groupby(schema.SITE_MONTH)["on_hand"].sum()
    in_all = stock.groupby(["item", "month"])["on_hand"].sum()
    own = by_site.reindex(pd.MultiIndex.from_frame(cells[schema.SITE_MONTH])).to_numpy()
    every = in_all.reindex(pd.MultiIndex.from_frame(cells[["item", "month"]])).to_numpy()
    sites = pd.MultiIndex.from_frame(stock[schema.SITE].drop_duplicates())
    is_site = pd.MultiIndex.from_frame(cells[schema.SITE]).isin(sites)
    return pd.Series(np.where(is_site, own, every) == 0, index=table.index)
