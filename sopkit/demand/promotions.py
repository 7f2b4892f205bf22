"""Did past promotions pay? What each added, at the money of its months, less what it cost."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import event_rates

COLUMNS = (
    "event family first_month last_month units rate amount_value margin_value cost_value "
    "return_value return_lower return_upper verdict"
).split()


def returns(
    demand: pd.DataFrame,
    units: dict[str, np.ndarray],
    effects: pd.DataFrame,
    events: pd.DataFrame,
    money_rates: pd.DataFrame,
) -> pd.DataFrame:
    """Table ``promotion_returns``: one row a past promotion that was measured, newest first.

    Parameters
    ----------
    demand : DataFrame
        Table `demand_history`.
    units : dict of array
        Units that each promotion added, by row of demand.
    effects, events : DataFrame
        Tables `driver_effects` and `events`: rates with their intervals, costs.
    money_rates : DataFrame
        Table `money_rates`: unit cost, and the price of months without revenue.

    Returns
    -------
    DataFrame
        Key ``event``: ``amount_value`` revenue of the added units at the net price of their month;
        ``margin_value`` that less their cost at today's unit cost; ``return_value`` margin −
        ``cost_value``, with its 90 % interval. Missing where no cost is known. A discount on units
        that would have sold anyway is not in it: enter it as a part of the cost.
    """
    own = effects[(effects["kind"] == "promotion") & (effects["state"] == event_rates.USED)]
    # left: a series without a price adds no money
    priced = demand[[*schema.SERIES, "sales"]].merge(
        money_rates, on=schema.SERIES, how="left", validate="many_to_one"
    )
    revenue = demand.get("revenue_value", pd.Series(np.nan, index=demand.index)).to_numpy()
    sold = priced["sales"].to_numpy()
    price = np.where(sold > 0, revenue / np.where(sold > 0, sold, 1.0), np.nan)
    price = np.where(np.isfinite(price), price, priced["unit_price_value"].to_numpy())
    margin = price - priced["unit_cost_value"].to_numpy()
    costs = events.drop_duplicates("event").set_index("event")["cost_value"]
    rows = []
    for effect in own.to_dict("records"):
        added = units[effect["driver"]]
        amount, gained = (_total(added, each) for each in (price, margin))
        cost = float(costs[effect["driver"]])
        # units added follow 1 − 1 / (1 + rate)
        usual, low, high = (
            1.0 - 1.0 / (1.0 + effect[name]) for name in ("used_rate", "used_lower", "used_upper")
        )
        ends = [gained * end / usual - cost if usual else np.nan for end in (low, high)]
        names = ["family", "first_month", "last_month", "units"]
        row = {name: effect[name] for name in names} | {"event": effect["driver"]}
        row |= {"rate": effect["used_rate"], "amount_value": amount, "margin_value": gained}
        row |= {"cost_value": cost, "return_value": gained - cost}
        row |= {"return_lower": min(ends), "return_upper": max(ends)}
        rows.append(row | {"verdict": _verdict(row)})
    table = pd.DataFrame(rows, columns=COLUMNS)
    numbers = [name for name in COLUMNS if name.endswith(("value", "rate", "lower", "upper"))]
    typed = dict.fromkeys(numbers, "float64") | {"units": "float64"}
    typed |= dict.fromkeys(["first_month", "last_month"], months.DTYPE)
    table = table.astype(typed)
    return table.sort_values(["first_month", "event"], ascending=[False, True], ignore_index=True)


def _total(units: np.ndarray, each: np.ndarray) -> float:
    """Money of units, those without money left out; missing where none has any."""
    known = np.isfinite(each) & (units != 0)
    return float((units[known] * each[known]).sum()) if known.any() else np.nan


def _verdict(row: dict) -> str:
    """Whether the whole interval lies on one side of zero."""
    if np.isnan(row["margin_value"]):
        return "no unit cost or price is known"
    if np.isnan(row["cost_value"]):
        return "its cost is not known"
    if row["return_lower"] > 0:
        return "paid"
    return "did not pay" if row["return_upper"] < 0 else "cannot be told"
