"""Charts of the supply review: stock, hours, and what each way to supply means and costs."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from sopkit import months
from sopkit.charts import _style
from sopkit.charts._calendar import calendar
from sopkit.demand import hierarchy

_SHOWN = 12  # closed months of stock shown
_MOST_RESOURCES = 6
_SEEN_RATE = 0.01  # share of the stock from which what is owed can be seen beside it


@_style.drawn
def stock(
    projection: pd.DataFrame, inventory: pd.DataFrame, units: pd.DataFrame, *, fences: months.Fences
) -> Figure | None:
    """Stock at month end beside safety stock, and what is owed to customers below zero.

    Items in stock and items owed are added apart, so that one never hides the other.

    Parameters
    ----------
    projection, inventory : DataFrame
        Tables `inventory_projection` and `inventory`.
    units : DataFrame
        Table `planning_units`: items are added up in the common unit.
    fences : Fences
        Month in which the plan is made, frozen and firm months.
    """
    if projection.empty or not projection[["closing", "safety_stock"]].any(axis=None):
        return None
    unit = _style.unit(units)
    inventory = inventory[inventory["item"].isin(projection["item"])]  # else not comparable
    projection, inventory = (
        hierarchy.in_planning_units(table, units) for table in (projection, inventory)
    )
    closing = projection["closing"]
    rows = projection.assign(held=closing.clip(lower=0.0), owed=closing.clip(upper=0.0))
    ahead = rows.groupby("month")[["held", "owed", "safety_stock"]].sum()
    lines = {
        "counted stock": inventory.groupby("month")["on_hand"].sum().tail(_SHOWN),
        "projected stock": ahead["held"],
        "safety stock": ahead["safety_stock"],
    }
    bars = {"owed to customers": ahead["owed"]} if ahead["owed"].min() < -0.5 else {}
    title = "Stock at month end, all items and sites"
    part = {"title": title, "unit": f"{unit} at month end", "lines": lines, "bars": bars}
    return _style.over_time(part | {"fences": fences}, height=4.4)


@_style.drawn
def service_frontier(frontier: pd.DataFrame, *, currency: str) -> Figure | None:
    """What safety stock costs with each service level everywhere, and where the plan stands.

    Parameters
    ----------
    frontier : DataFrame
        Table `service_frontier`.
    currency : str
        Reporting currency.
    """
    if not (frontier["amount_value"] > 0).any():
        return None
    figure, (axes,) = _style.panels(height=3.8)
    every, planned = {"label": "every item alike"}, {"label": "as planned"}
    for is_plan, looks in (
        (False, every | {"linewidth": 1.8}),
        (True, planned | {"markersize": 9}),
    ):
        own = frontier[frontier["is_plan"] == is_plan]
        colour = _style.INK if is_plan else _style.SUPPLY
        rates, amounts = own["service_level_rate"], own["amount_value"]
        axes.plot(rates, amounts, color=colour, marker="o", zorder=3 + is_plan, **looks)
        for rate, amount in zip(rates, amounts, strict=True):
            text = f"planned: {_style.short(amount)}" if is_plan else _style.short(amount)
            place = {"shift": (8, -14)} if is_plan else {"shift": (-8, 8), "ha": "right"}
            _style.say(axes, text, (rate, amount), colour=colour, **place)
    axes.set_title(f"Value of safety stock by service level, {currency}", fontsize=12.5)
    axes.set_xlabel("Share of replenishment cycles without a stock-out, the same for every item")
    axes.xaxis.set_major_formatter(_style.rate_tick)
    axes.margins(x=0.08)
    _style.value_axis(axes, f"{currency} of safety stock")
    return figure


@_style.drawn
def resource_load(load: pd.DataFrame, *, fences: months.Fences) -> Figure | None:
    """Hours the plan takes of the six busiest resources, beside the hours there are.

    Parameters
    ----------
    load : DataFrame
        Table `resource_load`.
    fences : Fences
        Month in which the plan is made, frozen and firm months.
    """
    used = load[load["regular_hours"] > 0]
    if used.empty:
        return None
    wanted = (used["wanted_hours"] / used["regular_hours"]).groupby(used["resource"]).max()
    busiest = wanted.nlargest(_MOST_RESOURCES).index
    figure, axes = _style.small_panels(len(busiest), height=2.5)
    for resource, own in zip(busiest, axes, strict=True):
        mine = used[used["resource"] == resource].set_index("month").sort_index()
        hours, limit = mine["load_hours"], mine["regular_hours"]
        lines = {
            "regular hours": limit,
            "with overtime": limit + mine["overtime_hours"].fillna(0.0),
            "wanted without limit": mine["wanted_hours"],
        }
        bars = {
            "in regular hours": hours.clip(upper=limit),
            "in overtime": (hours - limit).clip(lower=0.0),
        }
        title = f"{_style.cut(resource)}: peak {_style.percent((hours / limit).max(), decimals=0)}"
        _style.draw(own, title, "Hours a month", lines=lines, bars=bars, fences=fences)
    title = "Load of the busiest resources, hours a month; peak over regular hours"
    _style.head(figure, title, axes[0])
    return figure


@_style.drawn
def strategies(
    by_month: pd.DataFrame, units: pd.DataFrame, *, fences: months.Fences
) -> Figure | None:
    """Supply of each way beside demand by month, and the stock each leaves at month end.

    Parameters
    ----------
    by_month : DataFrame
        Table `strategy_months`.
    units : DataFrame
        Table `planning_units`: says what the totals are counted in.
    fences : Fences
        Month in which the plan is made, frozen and firm months.
    """
    if by_month.empty or not by_month[["demand", "supply", "closing"]].any(axis=None):
        return None
    wide = by_month.pivot(index="month", columns="strategy", values=["supply", "closing"])
    demand = by_month.groupby("month")["demand"].first()
    unit = _style.unit(units)
    made = {"title": "Supply of each way beside demand, by month", "unit": f"{unit} a month"}
    made["lines"] = {"demand plan": demand} | dict(wide["supply"].items())
    left = {"title": "Stock less backlog that each way leaves", "unit": f"{unit} at month end"}
    left["lines"] = dict(wide["closing"].items())
    fenced = {"fences": fences}
    return _style.over_time(made | fenced, left | fenced, height=6.4)


@_style.drawn
def cumulative(
    by_month: pd.DataFrame, units: pd.DataFrame, *, strategy: str, fences: months.Fences
) -> Figure | None:
    """Demand added up from the first month, beside what the plan, level and chase supply by then.

    Parameters
    ----------
    by_month : DataFrame
        Table `strategy_months`.
    units : DataFrame
        Table `planning_units`.
    strategy : str
        Way of the supply plan.
    fences : Fences
        Month in which the plan is made, frozen and firm months.
    """
    if by_month.empty or not by_month[["demand", "supply", "closing"]].any(axis=None):
        return None
    wide = by_month.pivot(index="month", columns="strategy", values=["supply", "closing", "demand"])
    names = [name for name in dict.fromkeys((strategy, "level", "chase")) if name in wide["supply"]]
    first = wide.iloc[0]
    opening = first["closing"][strategy] + first["demand"][strategy] - first["supply"][strategy]
    lines = {"demand plan": wide["demand"][strategy].cumsum()}
    lines |= {name: opening + wide["supply"][name].cumsum() for name in names}
    title = "Added up from the first month: demand, and opening stock with supply of each way"
    part = {"title": title, "unit": f"{_style.unit(units)} so far", "lines": lines}
    return _style.over_time(part | {"fences": fences}, height=4.4)


@_style.drawn
def hour_values(
    values: pd.DataFrame, load: pd.DataFrame, *, currency: str, fences: months.Fences
) -> Figure | None:
    """What one more hour would save, a calendar of resources and months.

    Parameters
    ----------
    values, load : DataFrame
        Tables `hour_values` and `resource_load`, whose months are shown.
    currency : str
        Reporting currency.
    fences : Fences
        Frozen and firm months.
    """
    if values.empty:
        return None
    wide = values.pivot(index="resource", columns="month", values="value")
    wide = wide.loc[wide.max(axis=1).sort_values(ascending=False, kind="stable").index]
    wide = wide.reindex(columns=sorted(load["month"].unique())).fillna(0.0)
    title = f"What one more hour of overtime saves after its pay, {currency} an hour"
    return calendar(wide, title, _hour_words, most=wide.max(axis=None), fences=fences)


def _hour_words(value: float) -> str:
    return f"{value:.1f}" if value < 10 else _style.short(value)


@_style.drawn
def costs(strategies: pd.DataFrame, *, currency: str) -> Figure | None:
    """What each way to supply costs over the horizon, by kind of cost, with its total.

    Parameters
    ----------
    strategies : DataFrame
        Table `production_strategies`.
    currency : str
        Reporting currency.
    """
    known = strategies.dropna(subset=["amount_value"])
    if not known["amount_value"].abs().sum() > 0:
        return None
    wide = known.pivot_table("amount_value", "cost_kind", "strategy", aggfunc="sum", sort=False)
    wide = wide.loc[wide.abs().max(axis=1) > 0]
    wide = wide.loc[wide.max(axis=1).sort_values(ascending=False).index]
    assumed = set(known.loc[known["is_assumed"], "cost_kind"])
    wide.index = [f"{kind} (assumed)" if kind in assumed else kind for kind in wide.index]
    wide.columns = [f"{way}: {_style.short(wide[way].sum())} in total" for way in wide]
    title = f"Cost of each way over the horizon by kind, {currency}"
    colours = (_style.SUPPLY, _style.SUPPLY)
    return _style.bar_panels(wide, title, f"{currency}, sum of the horizon", colours=colours)


@_style.drawn
def what_if(
    ahead: pd.DataFrame, units: pd.DataFrame, *, resource: str, subject: str, fences: months.Fences
) -> Figure | None:
    """Load of a resource beside its hours, and stock beside safety stock; before thin, then after.

    Parameters
    ----------
    ahead : DataFrame
        From ``explore.scenarios.by_month``.
    units : DataFrame
        Table `planning_units`: says what the totals are counted in.
    resource, subject : str
        Whose load and whose stock; no resource, no panel of load.
    fences : Fences
        Frozen and firm months.
    """
    if ahead.empty:
        return None
    own, parts = ahead.set_index("month"), []
    if resource:
        load, limit = own["load_hours"], own["regular_hours"]
        lines = {"load before": own["load_hours_before"], "regular hours": limit}
        lines["with overtime"] = limit + own["overtime_hours"]
        if not np.allclose(limit, own["regular_hours_before"]):
            lines["hours before"] = own["regular_hours_before"]
        title = f"Load of {_style.cut(resource)} beside its hours, before and after the change"
        part = {"title": title, "unit": "Hours a month", "lines": lines}
        parts.append(part | {"bars": {"load after": load}, "fences": fences})
    lines = {"stock before": own["stock_before"], "stock after": own["stock"]}
    lines["safety stock"], bars = own["safety_stock"], {}
    least, most = own[["owed", "owed_before"]].min(axis=None), own["stock"].max()
    if least < -_SEEN_RATE * most:
        lines["owed before"], bars = own["owed_before"], {"owed to customers": own["owed"]}
    title = f"Stock at month end of {subject}, before and after the change"
    part = {"title": title, "unit": f"{_style.unit(units)} at month end", "lines": lines}
    stock = part | {"bars": bars, "fences": fences}
    return _style.over_time(*parts, stock, height=3.7 * (len(parts) + 1))
