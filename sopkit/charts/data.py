"""Charts of the data review: history, what cleaning changed, how good the last plans were."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from sopkit.charts import _style
from sopkit.demand import hierarchy

_SHOWN = 24  # closed months of orders shown
_LAYERS = {  # layer of the history: how people call it
    "returns": "returns put back",
    "unfilled": "ordered, not shipped",
    "stockout": "sales lost to stock-outs",
    "outlier": "outliers taken out",
}


@_style.drawn
def sales(history: pd.DataFrame, units: pd.DataFrame, *, cycle: pd.Timestamp) -> Figure | None:
    """Units sold by month, and below them what cleaning added or took away, if anything.

    Parameters
    ----------
    history : DataFrame
        Table `demand_history`.
    units : DataFrame
        Table `planning_units`: items are added up in the common unit.
    cycle : Timestamp
        Month in which the plan is made.
    """
    if history.empty:
        return None
    unit, history = _style.unit(units), hierarchy.in_planning_units(history, units)
    total = history.groupby("month")[["sales", *_LAYERS]].sum()
    changed = {_LAYERS[name]: total[name] for name in _LAYERS if total[name].abs().sum() > 0}
    shared = {"unit": f"{unit} a month", "cycle": cycle}
    sold = {"title": f"{unit} sold by month, all items", "lines": {"sold": total["sales"]}} | shared
    if not changed:
        return _style.over_time(sold, height=3.6)
    title = f"{unit} that cleaning added or took away, same months"
    return _style.over_time(sold, {"title": title, "bars": changed} | shared, height=5.8)


@_style.drawn
def orders(sales: pd.DataFrame, units: pd.DataFrame, *, cycle: pd.Timestamp) -> Figure | None:
    """Quantities ordered, shipped and delivered on time by month, of the last two years.

    Parameters
    ----------
    sales : DataFrame
        Table `sales`; months without any order given are left out.
    units : DataFrame
        Table `planning_units`: items are added up in the common unit.
    cycle : Timestamp
        Month in which the plan is made.
    """
    known = sales[sales["ordered_quantity"].notna()]
    if known.empty:
        return None
    columns = {
        "ordered_quantity": "ordered",
        "quantity": "sold",
        "on_time_quantity": "delivered on time",
    }
    known = hierarchy.in_planning_units(known, units)
    total = known.groupby("month")[list(columns)].sum(min_count=1).tail(_SHOWN)
    lines = {name: total[column] for column, name in columns.items()}
    unit = _style.unit(units)
    title = f"{unit} ordered, sold and delivered on time by month"
    part = {"title": title, "unit": f"{unit} a month", "lines": lines, "cycle": cycle}
    return _style.over_time(part, height=3.8)


@_style.drawn
def plan_accuracy(accuracy: pd.DataFrame) -> Figure | None:
    """Error of past cycles' plans by lag, before and after people's changes.

    Parameters
    ----------
    accuracy : DataFrame
        Table `plan_accuracy`; empty in a first cycle.
    """
    if accuracy.empty:
        return None
    error = accuracy.pivot(index="lag", columns="layer", values="wape")
    lines = {"demand plan": error["consensus"], "statistical forecast": error["statistical"]}
    title = "Error of past plans, percent of units sold, by family and month"
    part = {"title": title, "unit": "Weighted absolute error", "lines": lines, "is_rate": True}
    return _style.over_time(part, height=3.8)
