"""Charts of the data review: history, what cleaning changed, how good the last plans were."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from sopkit import schema
from sopkit.charts import _style
from sopkit.charts.behind import SHARE
from sopkit.demand import hierarchy, lags

_SHOWN = 24  # closed months of orders shown
_SHOWN_MONTHS = _SHOWN_CYCLES = 15  # of the waterfall: figures in its cells can be read
_LAYERS = {  # layer of the history: how people call it
    "returns": "returns put back",
    "unfilled": "ordered, not shipped",
    "stockout": "sales lost to stock-outs",
    "outlier": "outliers taken out",
}
_EFFECTS = {  # of demand: what is left is the baseline
    "level_shift": "level shifts taken out",
    "promotion": "promotions taken out",
    "event": "other events taken out",
    "market": "markets taken out",
}


@_style.drawn
def sales(
    history: pd.DataFrame, units: pd.DataFrame, *, cycle: pd.Timestamp, of: str = "all items"
) -> Figure | None:
    """Units sold by month beside demand, and below them what cleaning added or took away, if any.

    Parameters
    ----------
    history : DataFrame
        Table `demand_history`.
    units : DataFrame
        Table `planning_units`: items are added up in the common unit.
    cycle : Timestamp
        Month in which the plan is made.
    of : str
        What the rows are, in words.
    """
    if history.empty or not history[["sales", "demand"]].any(axis=None):
        return None
    unit, history = _style.unit(units), hierarchy.in_planning_units(history, units)
    total = history.groupby("month")[["sales", *_LAYERS, "demand", *_EFFECTS, "baseline"]].sum()
    changed = {_LAYERS[name]: total[name] for name in _LAYERS if total[name].abs().sum() > 0}
    effects = {_EFFECTS[name]: -total[name] for name in _EFFECTS if total[name].abs().sum() > 0}
    shared = {"unit": f"{unit} a month", "cycle": cycle}
    lines = {"sold": total["sales"]}
    if changed:
        lines["corrected demand"] = total["demand"]
    if effects:
        lines["baseline"] = total["baseline"]
    changed |= effects
    sold = {"title": f"{unit} sold by month, {of}", "lines": lines} | shared
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
def plan_accuracy(added: pd.DataFrame) -> Figure | None:
    """Error of past cycles' plans by lag, beside the forecast below and last year's month.

    Parameters
    ----------
    added : DataFrame
        Table `value_added`; empty in a first cycle.
    """
    own = added[(added["level"] == "total") & (added["lag"] >= 0)]

    def error(layer: str, beside: str, column: str) -> pd.Series:
        rows = own[(own["layer"] == layer) & (own["beside"] == beside)]
        return rows.set_index("lag")[column].sort_index()

    lines = {
        "demand plan": error(lags.CONSENSUS, lags.STATISTICAL, "wape"),
        "statistical forecast": error(lags.STATISTICAL, lags.NAIVE, "wape"),
        "same month last year": error(lags.STATISTICAL, lags.NAIVE, "before_wape"),
    }
    lines = {name: line for name, line in lines.items() if line.notna().any()}
    if not lines:
        return None
    title = "Error of past plans by months ahead, percent of what came, by family and month"
    part = {"title": title, "unit": "Weighted absolute error", "lines": lines, "is_rate": True}
    return _style.over_time(part, height=3.8)


@_style.drawn
def waterfall(
    table: pd.DataFrame,
    *,
    level: str = "total",
    member: str = schema.COMPANY_LABEL,
    layer: str = "",
) -> Figure | None:
    """Cycles down, months across: how far each cycle's plan of each month was off.

    Parameters
    ----------
    table : DataFrame
        Table `waterfall`.
    level, member : str
        What was planned.
    layer : str
        Which number of it; left out: the demand plan where any was made, else the forecast.
    """
    table = table[(table["level"] == level) & (table["member"] == member)]
    told = set(table["layer"])
    layer = layer or (lags.CONSENSUS if lags.CONSENSUS in told else lags.STATISTICAL)
    table = table[table["layer"] == layer]
    months_shown = sorted(table["month"].unique())[-_SHOWN_MONTHS:]
    own = table[table["month"].isin(months_shown) & (table["actual"] != 0)]
    if own.empty:
        return None
    rate = own.assign(rate=own["quantity"] / own["actual"] - 1.0)
    wide = rate.pivot(index="cycle", columns="month", values="rate").iloc[-_SHOWN_CYCLES:]
    figure, (axes,) = _style.panels(height=1.7 + 0.27 * len(wide))
    limit = max(float(np.nanquantile(np.abs(wide.to_numpy()), 0.9)), 0.05)
    mesh = axes.pcolormesh(
        wide.to_numpy(),
        cmap=_style.BOTH_WAYS,
        vmin=-limit,
        vmax=limit,
        edgecolors="white",
        linewidth=1.5,
        label=SHARE,
    )
    for row, amounts in enumerate(wide.to_numpy()):
        for column, amount in enumerate(amounts):
            if np.isfinite(amount):
                ink = _style.writing(_style.BOTH_WAYS, (amount / limit + 1.0) / 2.0)
                text = _style.percent(amount, "+", 0)
                place = {"ha": "center", "va": "center", "in_layout": False}  # hundreds: slow
                axes.text(column + 0.5, row + 0.5, text, color=ink, fontsize=8.5, **place)
    axes.set_xticks(np.arange(wide.shape[1]) + 0.5, [f"{m:%b}\n{m:%Y}" for m in wide.columns])
    axes.set_yticks(np.arange(len(wide)) + 0.5, [f"{c:%Y-%m}" for c in wide.index])
    axes.set_xlabel("Month planned")
    axes.set_ylabel("Cycle")
    axes.grid(visible=False)
    axes.invert_yaxis()
    named = {lags.CONSENSUS: "demand plan", lags.STATISTICAL: "statistical forecast"}
    name = _style.cut(member)
    axes.set_title(f"{name}, {named.get(layer, layer)}: plan less what came, by cycle and month")
    bar = figure.colorbar(mesh, ax=axes, format=_style.rate_tick, pad=0.01)
    bar.set_label("Too low  |  too high")
    return figure


@_style.drawn
def three_plans(added: pd.DataFrame, attained: pd.DataFrame) -> Figure | None:
    """Error of past demand, supply and stock plans by lag.

    Parameters
    ----------
    added : DataFrame
        Table `value_added`: the demand plan's error.
    attained : DataFrame
        Table `plan_attainment`.
    """
    is_plan = (added["layer"] == lags.CONSENSUS) & (added["beside"] == lags.STATISTICAL)
    demand = added[is_plan & (added["level"] == "total") & (added["lag"] >= 0)]
    error = attained.pivot(index="lag", columns="plan", values="wape")
    lines = {"demand plan": demand.set_index("lag")["wape"].sort_index()}
    names = {"supply": "supply plan", "inventory": "stock plan"}
    lines |= {names[name]: error[name] for name in error}
    if attained.empty:
        return None
    title = "Error of the three plans by months ahead, percent of what came, by family and month"
    part = {"title": title, "unit": "Weighted absolute error", "lines": lines, "is_rate": True}
    return _style.over_time(part, height=3.6)
