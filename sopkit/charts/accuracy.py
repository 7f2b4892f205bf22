"""Charts of the accuracy explorer: bias by months ahead, history with its forecasts."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from sopkit import months
from sopkit.charts import style

_SHOWN_MONTHS = 36


@style.drawn
def bias_by_lag(scores: pd.DataFrame, *, subject: str) -> Figure | None:
    """Bias by months ahead as bars left and right of zero; positive: forecast too high.

    Parameters
    ----------
    scores : DataFrame
        Rows of `accuracy` of one member and model, one a lag: ``lag``, ``bias_rate``.
    subject : str
        What was forecast, and by which model.
    """
    known = scores[scores["bias_rate"].notna() & (scores["lag"] >= 0)].sort_values("lag")
    if known.empty:
        return None
    figure, (axes,) = style.panels(height=max(2.2, 0.3 * len(known) + 1.2))
    names = pd.Index([f"{lag} months" if lag != 1 else "1 month" for lag in known["lag"]])
    style.signed_bars(axes, names, known["bias_rate"], lambda rate: style.percent(rate, "+"))
    style.rate_axis(axes, "bias, share of actual (positive: too high)", along="x")
    axes.set_ylabel("months ahead")
    axes.set_title(f"Bias by months ahead: {subject}")
    return figure


@style.drawn
def history_with_forecast(
    history: pd.DataFrame,
    past: pd.DataFrame,
    ahead: pd.DataFrame,
    *,
    subject: str,
    cycle: pd.Timestamp,
) -> Figure | None:
    """What was sold, what was forecast for it some months before, and the forecast now.

    Parameters
    ----------
    history : DataFrame
        ``month``, ``actual``: net sales, units.
    past : DataFrame
        ``month``, ``quantity``: what the model would have said that many months before.
    ahead : DataFrame
        ``month``, ``quantity``: the forecast of this cycle; empty where none is made.
    subject : str
        What was forecast, by which model, how many months ahead.
    cycle : Timestamp
        Month in which the plan is made.
    """
    history = history[history["month"] >= months.shift(cycle, -_SHOWN_MONTHS)]
    if history.empty:
        return None
    figure, (axes,) = style.panels(height=3.4)
    axes.plot(history["month"], history["actual"], color=style.HISTORY)
    axes.plot(
        past["month"],
        past["quantity"],
        color=style.STATISTICAL,
        marker="o",
        markersize=4,
        linestyle="--",
    )
    axes.plot(ahead["month"], ahead["quantity"], color=style.DEMAND, linestyle="--")
    shown = pd.concat([history["month"], ahead["month"]])
    style.month_axis(axes, shown)
    style.amount_axis(axes, "units a month")
    style.cycle_line(axes, cycle)
    lines = [
        (history, "actual", "sold", style.HISTORY),
        (ahead, "quantity", "forecast now", style.DEMAND),
    ]
    style.end_labels(
        axes,
        [
            (table["month"].iloc[-1], table[column].iloc[-1], name, colour)
            for table, column, name, colour in lines
            if len(table)
        ],
    )
    if len(past):
        style.key(axes, [("forecast then", style.STATISTICAL)])
    axes.set_title(f"Sold and forecast: {subject}")
    return figure
