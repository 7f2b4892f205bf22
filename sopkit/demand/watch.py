"""The running month: sales so far that have left the interval the last forecast gave them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema

_EARLY = 0.25  # share of a month's sales that must usually be in before a pace is told
_PROFILE_MONTHS = 12  # past months that say how sales spread over a month
_COLUMNS = [
    *schema.SERIES,
    *"month so_far expected lower upper passed_share pace finding amount_value".split(),
]


def market_watch(
    running: pd.DataFrame, forecast: pd.DataFrame, rates: pd.DataFrame, *, cycle: pd.Timestamp
) -> pd.DataFrame:
    """Table ``market_watch``: series whose sales of the running month have left their interval.

    Parameters
    ----------
    running : DataFrame
        Rows of `sales` of the running month, and of the year before it where they have a ``date``;
        empty where the cycle's month has not begun or is over.
    forecast : DataFrame
        Table `forecast` of the last cycle.
    rates : DataFrame
        Table `money_rates`.
    cycle : Timestamp
        The running month.

    Returns
    -------
    DataFrame
        Key of the series: ``so_far``, ``expected`` with ``lower`` and ``upper`` (80 %) of the whole
        month, ``passed_share`` (of the month's sales usually in by that day, from the company's
        last twelve months; missing without dates), ``pace`` (so far ÷ that share), ``finding``,
        ``amount_value`` of what lies outside; largest money first.

    Notes
    -----
    Above is told as soon as sales so far exceed the upper bound. Below is told of the pace, once a
    quarter of the month's sales is usually in: bounds are of whole months.
    """
    own = running[running["month"] == cycle]
    now = forecast[forecast["month"] == cycle]
    if own.empty or now.empty:
        return pd.DataFrame(columns=_COLUMNS).astype({"amount_value": "float64"})
    sold = own.groupby(schema.SERIES, as_index=False)["quantity"].sum()
    sold = sold.rename(columns={"quantity": "so_far"})
    # outer: a series may sell without a forecast, or not sell at all
    both = now.merge(sold, on=schema.SERIES, how="outer", validate="one_to_one")
    both = both.assign(
        month=cycle,
        so_far=both["so_far"].fillna(0.0),
        expected=both["quantity"].fillna(0.0),
        lower=both["quantity_lower"].fillna(0.0),
        upper=both["quantity_upper"].fillna(0.0),
    )
    passed = _passed(running, cycle)
    both = both.assign(passed_share=passed, pace=both["so_far"] / passed if passed else np.nan)
    is_above = both["so_far"] > both["upper"]
    is_behind = (passed >= _EARLY) & (both["pace"] < both["lower"])
    outside = np.where(is_above, both["so_far"] - both["upper"], both["lower"] - both["pace"])
    # left: a series without a price has no money
    both = both.merge(rates, on=schema.SERIES, how="left", validate="one_to_one")
    words = np.where(is_above, "above its interval already", "behind: at this pace below it")
    both = both.assign(finding=words, amount_value=outside * both["unit_price_value"])
    found = both.loc[(is_above | is_behind).to_numpy(), _COLUMNS]
    order = ["amount_value", *schema.SERIES]
    return found.sort_values(order, ascending=[False, True, True, True], ignore_index=True)


def _passed(running: pd.DataFrame, cycle: pd.Timestamp) -> float:
    """Share of a month's sales usually in by the last day that has sales; missing without dates."""
    last = running.loc[running["month"] == cycle, "date"].max()
    if pd.isna(last):
        return np.nan
    whole = (months.shift(cycle, 1) - cycle).days
    reached = (last - cycle).days + 1
    past = running[(running["month"] < cycle) & running["date"].notna()]
    past = past[past["month"] >= months.shift(cycle, -_PROFILE_MONTHS)]
    sold = past["quantity"].sum()
    if not sold > 0:
        return reached / whole
    day = (past["date"] - past["month"]).dt.days + 1
    return float(past.loc[day <= reached, "quantity"].sum() / sold)
