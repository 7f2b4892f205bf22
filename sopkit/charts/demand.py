"""Charts of the demand review: the plan, the evidence for it, and people's part in it.

The 80 % band of a total is measured on totals: bounds of series do not add up.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from sopkit import months, schema
from sopkit.charts import _style
from sopkit.demand import consensus, forecasting, hierarchy

_SHOWN = 36  # closed months shown before the plan
_FEWEST_ORIGINS = 6
_LEVEL = 0.8
_MOST_FAMILIES = 6
_MOST_DEPARTMENTS = 4
_SEEN = 0.5  # units a month from which an agreement is drawn
_SHOWN_MODELS = 3  # single models drawn beside the combination: those with the least error


@_style.drawn
def plan(
    history: pd.DataFrame,
    demand_plan: pd.DataFrame,
    backtest: pd.DataFrame,
    units: pd.DataFrame,
    *,
    fences: months.Fences,
) -> Figure | None:
    """Demand so far, statistical forecast and demand plan by month, all items.

    Parameters
    ----------
    history, demand_plan, backtest : DataFrame
        Tables `demand_history`, `demand_plan`, `backtest`.
    units : DataFrame
        Table `planning_units`: items are added up in the common unit.
    fences : Fences
        Month in which the plan is made, frozen and firm months.
    """
    if demand_plan.empty or not (demand_plan["consensus"].any() or history["demand"].any()):
        return None
    history, demand_plan, backtest = (
        hierarchy.in_planning_units(table, units) for table in (history, demand_plan, backtest)
    )
    ahead = demand_plan.groupby("month")[["statistical", "consensus"]].sum()
    lines = {
        "demand so far": history.groupby("month")["demand"].sum().tail(_SHOWN),
        "statistical forecast": ahead["statistical"],
        "demand plan": ahead["consensus"],
    }
    figure, (axes,) = _style.panels(height=4.6)
    _band(axes, ahead["statistical"], _company_width(backtest))
    unit = _style.unit(units)
    title = f"Demand by month, {units['planning_unit'].iloc[0]}, all items"
    _style.draw(axes, title, f"{unit} a month", lines=lines, fences=fences)
    return figure


def _band(axes, middle: pd.Series, width: pd.Series) -> None:
    """Shade what 80 % of past forecasts fell within, as far ahead as it was measured."""
    width = width.reindex(range(len(middle))).set_axis(middle.index).dropna()
    if width.empty:
        return
    middle, colour = middle[width.index], _style.STATISTICAL
    low, high = middle * (1 - width), middle * (1 + width)
    look = {"color": colour, "alpha": 0.3, "linewidth": 0, "label": "80% band"}
    axes.fill_between(middle.index, low, high, **look)
    _style.say(axes, "80% band", (low.idxmin(), low.min()), colour=colour, shift=(8, -9))


def _company_width(backtest: pd.DataFrame) -> pd.Series:
    """Share by lag within which 80 % of past company forecasts fell, never narrower later.

    Lags measured at fewer than six origins have none.
    """
    known = backtest.dropna(subset=["actual", "combined"])
    total = known.groupby(["origin", "month", "lag"])[["actual", "combined"]].sum().reset_index()
    total = total[total["combined"] > 0]
    missed = (total["actual"] / total["combined"] - 1.0).abs().groupby(total["lag"])
    width = missed.quantile(_LEVEL)[missed.size() >= _FEWEST_ORIGINS]
    return width.sort_index().cummax()


@_style.drawn
def families(
    history: pd.DataFrame,
    demand_plan: pd.DataFrame,
    items: pd.DataFrame,
    units: pd.DataFrame,
    *,
    fences: months.Fences,
) -> Figure | None:
    """Demand so far and plan of the six largest of several families, with growth on last year.

    Parameters
    ----------
    history, demand_plan, items : DataFrame
        Tables `demand_history`, `demand_plan`, `items`.
    units : DataFrame
        Table `planning_units`: items are added up in the common unit.
    fences : Fences
        Month in which the plan is made, frozen and firm months.
    """
    past = _by_family(hierarchy.in_planning_units(history, units), items, "demand").tail(24)
    ahead = _by_family(hierarchy.in_planning_units(demand_plan, units), items, "consensus")
    if ahead.shape[1] < 2:
        return None
    shown = ahead.sum().sort_values(ascending=False).index[:_MOST_FAMILIES]
    figure, axes = _style.small_panels(len(shown), height=2.4)
    for family, own in zip(shown, axes, strict=True):
        lines = {"demand so far": past[family], "demand plan": ahead[family]}
        title = f"{_style.cut(family)}{_growth(past[family], ahead[family])}"
        unit = f"{_style.unit(units)} a month"
        _style.draw(own, title, unit, lines=lines, fences=fences, family=family)
    title = "Demand by family and month; percent: next 12 months beside the last 12"
    _style.head(figure, title, axes[0])
    return figure


def _by_family(table: pd.DataFrame, items: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Months down, families across."""
    levelled = hierarchy.with_levels(table, items)
    return levelled.pivot_table(measure, "month", "family", aggfunc="sum", fill_value=0.0)


def _growth(past: pd.Series, ahead: pd.Series) -> str:
    """The next twelve months beside the last twelve, where both are there."""
    before = past.tail(12)
    if len(before) < 12 or len(ahead) < 12 or not before.sum() > 0:
        return ""
    return f": {_style.percent(ahead.head(12).sum() / before.sum() - 1.0, '+')}"


@_style.drawn
def backtest_error(accuracy: pd.DataFrame) -> Figure | None:
    """Error by lag, by family and month: combination, same month last year, best single models.

    Parameters
    ----------
    accuracy : DataFrame
        Table `accuracy`.
    """
    error = _by_lag(accuracy, "wape", "volume")
    if error.empty:
        return None
    others = error.drop(columns=["combined", "seasonal_naive"], errors="ignore").mean()
    best = list(others.sort_values(kind="stable").index[:_SHOWN_MODELS])
    names = {"combined": "combination used", "seasonal_naive": "same month last year"}
    names |= {model: forecasting.MODELS[model].words for model in best}
    lines = {name: error[model] for model, name in names.items() if model in error}
    title = "Error of past forecasts, percent of units sold, by family and month"
    part = {"title": title, "unit": "Weighted absolute error", "lines": lines, "is_rate": True}
    return _style.over_time(part, height=4.2)


def _by_lag(accuracy: pd.DataFrame, measure: str, weight: str) -> pd.DataFrame:
    """A measure of families, weighted: lags down, models across."""
    rows = accuracy[(accuracy["level"] == "family") & (accuracy["lag"] >= 0)]
    rows = rows.dropna(subset=[measure])
    weighted = rows.assign(amount=rows[measure] * rows[weight])
    sums = weighted.groupby(["model", "lag"])[["amount", weight]].sum()
    return (sums["amount"] / sums[weight]).unstack("model").rename_axis(columns=None)


@_style.drawn
def nervousness(accuracy: pd.DataFrame) -> Figure | None:
    """How far the forecast of a month moves from cycle to cycle, and the error that removes.

    Parameters
    ----------
    accuracy : DataFrame
        Table `accuracy`.
    """
    moved = _by_lag(accuracy, "nervousness_rate", "volume")
    if "combined" not in moved:
        return None
    gained = _by_lag(accuracy, "gain_rate", "volume")
    lines = {"forecast moved": moved["combined"], "error removed": gained["combined"]}
    title = "Change of a month's forecast since the cycle before, percent of units, by family"
    part = {"title": title, "unit": "Share of what came", "lines": lines, "is_rate": True}
    return _style.over_time(part, height=3.6)


@_style.drawn
def departments(
    views: pd.DataFrame, demand_plan: pd.DataFrame, units: pd.DataFrame
) -> Figure | None:
    """Each department's view and the agreed plan beside the forecast with events, by month.

    Parameters
    ----------
    views, demand_plan : DataFrame
        Tables `views` and `demand_plan`; a view is compared where it says something.
    units : DataFrame
        Table `planning_units`: items are added up in the common unit.
    """
    if views.empty:
        return None
    views, demand_plan = (hierarchy.in_planning_units(t, units) for t in (views, demand_plan))
    base = demand_plan[[*schema.SERIES_MONTH, "consensus"]]
    base = base.assign(forecast=consensus.with_events(demand_plan))
    both = views.merge(base, on=schema.SERIES_MONTH, how="inner", validate="many_to_one")
    sums = both.groupby(["department", "month"])[["quantity", "forecast"]].sum()
    apart = (sums["quantity"] / sums["forecast"] - 1.0).unstack("department")
    total = base.groupby("month")[["forecast", "consensus"]].sum().loc[apart.index]
    lines = {"forecast with events": 0.0 * total["forecast"]}
    lines |= {name: apart[name] for name in list(apart)[:_MOST_DEPARTMENTS]}
    lines["demand plan"] = total["consensus"] / total["forecast"] - 1.0
    title = "Departments' views less the forecast with events, percent of its units"
    part = {"title": title, "unit": "Difference from forecast", "lines": lines, "is_rate": True}
    return _style.over_time(part, height=4.2)


@_style.drawn
def by_hand(ahead: pd.DataFrame, unit: str, *, subject: str) -> Figure | None:
    """The demand plan by month beside what it was before numbers were changed by hand.

    Parameters
    ----------
    ahead : DataFrame
        ``month, before, after``, in the common unit.
    unit : str
        What quantities are counted in.
    subject : str
        Whose plan.
    """
    own = ahead.set_index("month")
    lines = {"plan before": own["before"], "demand plan": own["after"]}
    if np.allclose(own["before"], own["after"]):
        lines.pop("plan before")
    title = f"Demand plan of {subject}, {unit}"
    part = {"title": title, "unit": f"{unit[:1].upper()}{unit[1:]} a month", "lines": lines}
    return _style.over_time(part, height=3.2)


@_style.drawn
def agreed(demand_plan: pd.DataFrame, units: pd.DataFrame) -> Figure | None:
    """What customers want and what sales agreed to, by month; nothing where nothing was agreed.

    Parameters
    ----------
    demand_plan : DataFrame
        Table `demand_plan`.
    units : DataFrame
        Table `planning_units`: items are added up in the common unit.
    """
    plan = hierarchy.in_planning_units(demand_plan, units)
    total = plan.groupby("month")[["consensus", "constrained"]].sum()
    change = total["constrained"] - total["consensus"]
    if not change.abs().max() >= _SEEN:
        return None
    unit = _style.unit(units)
    lines = {"demand plan": total["consensus"], "as agreed": total["constrained"]}
    bars = {"wanted, comes later": change.clip(upper=0.0), "comes instead": change.clip(lower=0.0)}
    title = f"Demand by month, {units['planning_unit'].iloc[0]}, all items"
    return _style.over_time(
        {"title": title, "unit": f"{unit} a month", "lines": lines},
        {"title": "What agreements move, by month", "unit": unit, "bars": bars},
        height=5.4,
    )
