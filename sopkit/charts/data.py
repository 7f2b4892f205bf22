"""Charts of the data review: history, what cleaning changed, how good the last plans were."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from sopkit import months
from sopkit.charts import style

LAYERS = {  # layer of the history: how people call it
    "returns": ("returns put back", style.OTHERS[0]),
    "stockout": ("sales lost to stock-outs", style.SURPLUS),
    "outlier": ("outliers taken out", style.OTHERS[1]),
}
_LINES = {
    "consensus": ("demand plan", style.DEMAND),
    "statistical": ("statistical forecast", style.STATISTICAL),
}


@style.drawn
def sales(history: pd.DataFrame, *, cycle: pd.Timestamp) -> Figure | None:
    """Units sold by month, and below them what cleaning added or took away.

    Parameters
    ----------
    history : DataFrame
        Table `demand_history`.
    cycle : Timestamp
        Month in which the plan is made.
    """
    if history.empty:
        return None
    total = history.groupby("month")[["sales", *LAYERS]].sum()
    figure, (above, below) = style.panels(2, height=4.9, height_ratios=[2.2, 1])
    above.plot(total.index, total["sales"], color=style.HISTORY)
    above.set_title("Units sold by month, all items")
    style.amount_axis(above, "Units a month")
    _corrections(below, total)
    below.set_title("Units that cleaning added or took away, same months")
    for axes in (above, below):
        style.month_axis(axes, total.index)
        style.cycle_line(axes, cycle, is_named=axes is above)
    return figure


def _corrections(axes, total: pd.DataFrame) -> None:
    """Stacked bars of the layers that changed anything, above and below zero."""
    used = [layer for layer in LAYERS if total[layer].abs().sum() > 0]
    up = pd.Series(0.0, index=total.index)
    down = up.copy()
    for layer in used:
        amount = total[layer]
        axes.bar(
            total.index,
            amount,
            bottom=up.where(amount >= 0, down),
            width=style.BAR,
            color=LAYERS[layer][1],
        )
        up, down = up + amount.clip(lower=0.0), down + amount.clip(upper=0.0)
    axes.axhline(0.0, color=style.INK, linewidth=0.9)
    axes.update_datalim([(0, up.max()), (0, down.min())], updatex=False)
    style.amount_axis(axes, "Units a month", room=0.1)
    style.key(axes, [LAYERS[layer] for layer in used] or [("nothing changed", style.HISTORY)])


@style.drawn
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
    years = sorted(money.index.year.unique())[-style.MOST_SERIES :]
    figure, (axes,) = style.panels(height=3.9)
    labels = []
    for age, year in enumerate(reversed(years)):
        own = money[money.index.year == year]
        colour = style.INK if age == 0 else style.HISTORY if age == 1 else style.LAST_YEAR
        axes.plot(
            own.index.month,
            own,
            color=colour,
            linewidth=2.4 if age == 0 else 1.3,
            marker="o" if len(own) == 1 else None,
            zorder=9 - age,
        )
        labels.append((own.index.month[-1], own.iloc[-1], str(year), colour))
    axes.set_title(f"Revenue by calendar month, {currency}, one line a year")
    year = months.span(pd.Timestamp(2000, 1, 1), 12)
    axes.set_xticks(range(1, 13), list(year.strftime("%b")))
    style.amount_axis(axes, f"{currency} a month")
    style.end_labels(axes, labels)
    return figure


@style.drawn
def plan_accuracy(accuracy: pd.DataFrame) -> Figure | None:
    """Error of past cycles' plans by lag, before and after people's changes.

    Parameters
    ----------
    accuracy : DataFrame
        Table `plan_accuracy`; empty in a first cycle.
    """
    if accuracy.empty:
        return None
    figure, (axes,) = style.panels(height=3.4)
    labels = []
    for layer, (name, colour) in _LINES.items():
        own = accuracy[accuracy["layer"] == layer].sort_values("lag")
        axes.plot(own["lag"], own["wape"], color=colour, marker="o", markersize=4)
        labels.append((own["lag"].iloc[-1], own["wape"].iloc[-1], name, colour))
    axes.set_title("Error of past plans by lag, percent of units sold, by family and month")
    axes.set_xlabel("Lag: months from the cycle to the month planned")
    axes.set_xticks(sorted(accuracy["lag"].unique()))
    style.rate_axis(axes, "Weighted absolute error")
    axes.set_ylim(0.0, accuracy["wape"].max() * 1.12)
    style.end_labels(axes, labels)
    return figure
