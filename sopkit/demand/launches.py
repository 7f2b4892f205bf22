"""What new items are expected to sell before anybody plans them, from the items they are like."""

from __future__ import annotations

import pandas as pd

from sopkit import months, schema

_MEASURES = ["quantity", "revenue_value"]


def expected(launches: pd.DataFrame, plan: pd.DataFrame, start: pd.Series) -> pd.DataFrame:
    """Units and revenue of new items from their first month on, as their like items are planned.

    Parameters
    ----------
    launches : DataFrame
        Raw table: each like item counts with ``weight_share`` times ``scale_rate`` (blank: 1), and
        grows over ``ramp_months`` (blank: sells in full at once).
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
    ...     "scale_rate": [0.5], "ramp_months": [2.0]})
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
    return sums.reset_index()
