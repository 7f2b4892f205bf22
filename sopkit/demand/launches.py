"""What new items are expected to sell before anybody plans them, from the items they are like."""

from __future__ import annotations

import pandas as pd

from sopkit import months, schema

_MEASURES = ["quantity", "revenue_value"]


def starts(items: pd.DataFrame, plan: pd.DataFrame) -> pd.Series:
    """First month of sale of the items that are not planned, by item; missing where none is told.

    Parameters
    ----------
    items : DataFrame
        Raw table.
    plan : DataFrame
        ``item, quantity``: an item without a unit in it is not planned.
    """
    planned = plan.loc[plan["quantity"] > 0, "item"]
    return items[~items["item"].isin(planned)].set_index("item")["launch_month"]


def expected(launches: pd.DataFrame, plan: pd.DataFrame, start: pd.Series) -> pd.DataFrame:
    """Units and revenue of new items from their first month on, as their like items are planned.

    Parameters
    ----------
    launches : DataFrame
        Raw table: each like item counts with ``weight_share`` times ``scale_rate`` (blank: 1), and
        grows over ``ramp_months`` (blank: sells in full at once). What the item that it replaces
        (``replaces_item``) is still planned to sell from then on is taken off, never below zero:
        it is not needed twice.
    plan : DataFrame
        ``item, location, channel, month, quantity, revenue_value`` of the like items; one that is
        not planned adds nothing.
    start : Series
        First month of sale by item; an item that is missing here is left out.

    Returns
    -------
    DataFrame
        Key ``item, location, channel, month``: ``quantity`` (units), ``revenue_value`` (at the
        like items' prices; missing where none of them has one).

    Examples
    --------
    >>> launches = pd.DataFrame({"item": ["N"], "like_item": ["A"], "weight_share": [1.0],
    ...     "scale_rate": [0.5], "ramp_months": [2.0], "replaces_item": [None]})
    >>> plan = pd.DataFrame({"item": "A", "location": "all", "channel": "all",
    ...     "month": pd.date_range("2026-01", periods=3, freq="MS"), "quantity": 100.0,
    ...     "revenue_value": 900.0})
    >>> start = pd.Series({"N": pd.Timestamp("2026-02-01")})
    >>> expected(launches, plan, start)[["quantity", "revenue_value"]].values.tolist()
    [[25.0, 225.0], [50.0, 450.0]]
    """
    told = launches[launches["item"].isin(start.dropna().index)]
    told = told.rename(columns={"item": "new_item", "like_item": "item"})
    columns = ["new_item", "item", "weight_share", "scale_rate", "ramp_months"]
    rows = told[columns].merge(
        plan[[*schema.SERIES_MONTH, *_MEASURES]], on="item", how="inner", validate="many_to_many"
    )
    begins = start.reindex(rows["new_item"]).set_axis(rows.index)
    age = months.number(rows["month"]) - months.number(begins)
    ramp = rows["ramp_months"].where(rows["ramp_months"] > 0, 1.0)
    grown = ((age + 1) / ramp).clip(0.0, 1.0).to_numpy()
    weight = (rows["weight_share"] * rows["scale_rate"].fillna(1.0)).to_numpy() * grown
    rows = rows.assign(item=rows["new_item"], **{n: rows[n] * weight for n in _MEASURES})
    sums = rows[grown > 0].groupby(schema.SERIES_MONTH)[_MEASURES].sum(min_count=1)
    pairs = told[["new_item", "replaces_item"]].dropna().drop_duplicates()
    old = pairs.merge(
        plan.rename(columns={"item": "replaces_item"}),
        on="replaces_item",
        how="inner",
        validate="many_to_many",
    ).rename(columns={"new_item": "item"})
    old = old.groupby(schema.SERIES_MONTH)["quantity"].sum().reindex(sums.index).fillna(0.0)
    left = (1.0 - old / sums["quantity"]).clip(lower=0.0).fillna(0.0)
    return sums.mul(left, axis=0).reset_index()


def lost(late: pd.DataFrame, launches: pd.DataFrame, plan: pd.DataFrame) -> pd.DataFrame:
    """What is not sold when launches begin later.

    Parameters
    ----------
    late : DataFrame
        ``item, launch_month, possible_month``.
    launches, plan : DataFrame
        As in ``expected``.

    Returns
    -------
    DataFrame
        Rows of ``late`` with ``quantity`` (units) and ``amount_value`` (revenue, missing where
        nothing prices it) lost over the months planned: the item's own plan of the months between
        if it has one, else what its like items let expect.
    """
    begins = [late.set_index("item")[name] for name in ("launch_month", "possible_month")]
    sums = [expected(launches, plan, b).groupby("item")[_MEASURES].sum(min_count=1) for b in begins]
    index = pd.Index(late["item"])
    alike = sums[0].reindex(index) - sums[1].reindex(index).fillna(0.0)
    own = plan.merge(late, on="item", how="inner", validate="many_to_one")
    planned = own.groupby("item")["quantity"].sum().reindex(index).fillna(0.0)
    own = own[(own["month"] >= own["launch_month"]) & (own["month"] < own["possible_month"])]
    own = own.groupby("item")[_MEASURES].sum(min_count=1).reindex(index)
    told = own.where(planned > 0, alike)
    units, value = (told[name].to_numpy(dtype="float64") for name in _MEASURES)
    return late.assign(quantity=units, amount_value=value)
