"""Charts of the data review: history, what cleaning changed, how good the last plans were."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from sopkit import months
from sopkit.charts import _style

_LAYERS = {  # layer of the history: how people call it
    "returns": "returns put back",
    "stockout": "sales lost to stock-outs",
    "outlier": "outliers taken out",
}
_MOST_YEARS = 6


@_style.drawn
def sales(history: pd.DataFrame, *, cycle: pd.Timestamp) -> Figure | None:
    """Units sold by month, and below them what cleaning added or took away, if anything.

    Parameters
    ----------
    history : DataFrame
        Table `demand_history`.
    cycle : Timestamp
        Month in which the plan is made.
    """
    if history.empty:
        return None
    total = history.groupby("month")[["sales", *_LAYERS]].sum()
    changed = {_LAYERS[name]: total[name] for name in _LAYERS if total[name].abs().sum() > 0}
    rows = 2 if changed else 1
    figure, axes = _style.panels(rows, height=1.5 + 2 * rows, ratios=[2, 1][:rows])
    unit = "Units a month"
    title = "Units sold by month, all items"
    _style.over_time(axes[0], title, unit, lines={"sold": total["sales"]}, cycle=cycle)
    if changed:
        title = "Units that cleaning added or took away, same months"
        _style.over_time(axes[1], title, unit, bars=changed, cycle=cycle)
    return figure


@_style.drawn
def revenue_by_year(history: pd.DataFrame, *, currency: str) -> Figure | None:
    """Money of each calendar month, one line a year: the season, and how the years grow.

    Parameters
    ----------
    history : DataFrame
        Table `demand_history`.
    currency : str
        Reporting currency.
    """
    money = history.groupby("month")["revenue_value"].sum(min_count=1).dropna()
    if money.empty:
        return None
    figure, (axes,) = _style.panels(height=4.2)
    names = []
    for age, year in enumerate(sorted(set(money.index.year), reverse=True)[:_MOST_YEARS]):
        own = money[money.index.year == year]
        colour = (_style.INK, _style.HISTORY, _style.LAST_YEAR)[min(age, 2)]
        width, marker = 1.4 if age else 2.4, "o" if len(own) == 1 else None
        look = {"color": colour, "linewidth": width, "marker": marker, "zorder": 9 - age}
        axes.plot(own.index.month, own, **look)
        names.append((own.index.month[-1], own.iloc[-1], str(year), colour))
    axes.set_title(f"Revenue by calendar month, {currency}, one line a year")
    calendar = months.span(pd.Timestamp(2000, 1, 1), 12).strftime("%b")
    axes.set_xticks(range(1, 13), list(calendar))
    _style.value_axis(axes, f"{currency} a month")
    _style.end_names(axes, names)
    return figure


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
    figure, (axes,) = _style.panels(height=3.8)
    title = "Error of past plans, percent of units sold, by family and month"
    _style.over_time(axes, title, "Weighted absolute error", lines=lines, is_rate=True)
    axes.set_xlabel("Months from the cycle to the month planned")
    return figure
