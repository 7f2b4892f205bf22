"""Charts of the accuracy explorer: bias by months ahead, history with its forecasts."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from sopkit import months
from sopkit.charts import _style
from sopkit.demand import lags

_SHOWN_MONTHS = 36
_BEFORE = 18  # months sold shown before a past cycle
_UNPLANNED = 0.02  # of what came: from there on it is told apart


@_style.drawn
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
    names = [f"{lag} month{'' if lag == 1 else 's'}" for lag in known["lag"]]
    return _style.bar_panels(
        known[["bias_rate"]].set_axis(names),
        f"Bias by months ahead: {subject}",
        "Bias, share of actual (positive: too high)",
        is_rate=True,
        colours=(_style.DEMAND, _style.SUPPLY),
    )


@_style.drawn
def history_with_forecast(
    history: pd.DataFrame,
    past: pd.DataFrame,
    ahead: pd.DataFrame,
    units: pd.DataFrame,
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
    units : DataFrame
        Table `planning_units`: says what the quantities are counted in.
    subject : str
        What was forecast, by which model, how many months ahead.
    cycle : Timestamp
        Month in which the plan is made.
    """
    history = history[history["month"] >= months.shift(cycle, -_SHOWN_MONTHS)]
    if history.empty:
        return None
    lines = {
        "sold": history.set_index("month")["actual"],
        "forecast then": past.set_index("month")["quantity"],
        "forecast now": ahead.set_index("month")["quantity"],
    }
    title = f"Sold and forecast: {subject}"
    part = {"title": title, "unit": f"{_style.unit(units)} a month", "lines": lines, "cycle": cycle}
    return _style.over_time(part, height=4.0)


@_style.drawn
def plan_as_it_stood(
    lines: dict[str, pd.Series], units: pd.DataFrame, *, subject: str, cycle: pd.Timestamp
) -> Figure | None:
    """What one past cycle planned, what had been sold until then, and what came afterwards.

    Parameters
    ----------
    lines : dict of Series
        By month: ``sold`` before the cycle, ``came`` of what was planned in it, ``whole`` of all;
        layers by what they said.
    units : DataFrame
        Table `planning_units`.
    subject : str
        What was planned.
    cycle : Timestamp
        The past cycle.
    """
    known = {"sold": "demand so far", "whole": "with what was not planned"}
    known |= {"came": "came afterwards", lags.CONSENSUS: "demand plan"}
    known[lags.STATISTICAL] = "statistical forecast"
    said = [line for name, line in lines.items() if name not in ("sold", "came", "whole")]
    if not said:
        return None
    span = months.shift(cycle, -_BEFORE), max(line.index.max() for line in said)
    drawn = {known.get(name, name): line[slice(*span)] for name, line in lines.items()}
    whole, came = lines["whole"], lines["came"]
    if whole.sum() - came.sum() <= _UNPLANNED * whole.sum():
        drawn.pop(known["whole"])
    title = f"As it stood in cycle {months.label(cycle)}: {subject}"
    part = {"title": title, "unit": f"{_style.unit(units)} a month", "lines": drawn, "cycle": cycle}
    return _style.over_time(part, height=3.9)
