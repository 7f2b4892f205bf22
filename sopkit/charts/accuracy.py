"""Charts of the accuracy explorer: errors by month and months ahead, a plan as it stood."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from sopkit import months
from sopkit.charts import _style
from sopkit.demand import lags

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
def by_month(
    lines: dict[str, pd.Series],
    units: pd.DataFrame,
    *,
    subject: str,
    since: pd.Timestamp | None = None,
    cycle: pd.Timestamp | None = None,
) -> Figure | None:
    """What was sold and what was said of it before, by month; shaded since errors lie on one side.

    Parameters
    ----------
    lines : dict of Series
        By month: ``sold`` first, then what layers or models said, by their names.
    units : DataFrame
        Table `planning_units`: says what the quantities are counted in.
    subject : str
        What was forecast, how many months ahead.
    since : Timestamp, optional
        First month of the run on one side.
    cycle : Timestamp, optional
        Month in which the plan is made, where something is said from it on.
    """
    if all(line.dropna().empty for name, line in lines.items() if name != "sold"):
        return None
    title = f"Sold, and said before: {subject}"
    part = {"title": title, "unit": f"{_style.unit(units)} a month", "lines": lines, "cycle": cycle}
    figure = _style.over_time(part, height=3.9)
    if since is not None:
        last = lines["sold"].dropna().index.max()
        figure.axes[0].axvspan(since, last, color=_style.SUPPLY, alpha=0.1, linewidth=0)
    return figure


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
