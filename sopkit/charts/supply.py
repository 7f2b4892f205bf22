"""Charts of the supply review: stock, hours, and what each way to supply means and costs."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from sopkit.charts import style

_SHOWN = 12  # closed months of stock shown
_RESOURCES = 6
WAYS = {"chase": (style.SUPPLY, "-"), "level": (style.OTHERS[0], (0, (5, 1.5)))}
_LEGEND = [
    "in regular hours",
    "in overtime",
    "regular hours",
    "overtime there is",
    "wanted without limit",
]
_OVERTIME = "#a85400"


@style.drawn
def stock(
    projection: pd.DataFrame, inventory: pd.DataFrame, *, cycle: pd.Timestamp
) -> Figure | None:
    """Stock at month end beside safety stock, and what is owed to customers below zero.

    Items in stock and items owed are added apart, so that one never hides the other.

    Parameters
    ----------
    projection, inventory : DataFrame
        Tables `inventory_projection` and `inventory`.
    cycle : Timestamp
        Month in which the plan is made.
    """
    if projection.empty:
        return None
    rows = projection.assign(
        held=projection["closing"].clip(lower=0.0), owed=projection["closing"].clip(upper=0.0)
    )
    ahead = rows.groupby("month")[["held", "owed", "safety_stock"]].sum()
    past = inventory.groupby("month")["on_hand"].sum().tail(_SHOWN)
    figure, (axes,) = style.panels(height=3.9)
    axes.plot(past.index, past, color=style.HISTORY)
    axes.plot(ahead.index, ahead["held"], color=style.SUPPLY, linestyle=(0, (5, 1.5)))
    axes.plot(ahead.index, ahead["safety_stock"], color=style.INK, linewidth=1.0)
    end = ahead.iloc[-1]
    labels = [
        (end.name, end["held"], "projected stock", style.SUPPLY),
        (end.name, end["safety_stock"], "safety stock", style.INK),
    ]
    if ahead["owed"].min() < -0.5:
        axes.bar(ahead.index, ahead["owed"], width=style.BAR, color=style.SHORTAGE)
        labels.append((end.name, ahead["owed"].min(), "owed to customers", style.SHORTAGE))
    axes.axhline(0.0, color=style.INK, linewidth=0.8)
    axes.set_title("Stock at month end, units, all items and sites", pad=22)
    style.month_axis(axes, past.index.union(ahead.index), most=19)
    style.amount_axis(axes, "Units at month end")
    style.cycle_line(axes, cycle)
    style.end_labels(axes, labels)
    if len(past):
        style.name_line(axes, past, "counted stock", style.HISTORY)
    return figure


@style.drawn
def below_safety(projection: pd.DataFrame) -> Figure | None:
    """How many items end the month below safety stock, and how many owe customers.

    Parameters
    ----------
    projection : DataFrame
        Table `inventory_projection`.
    """
    if projection.empty:
        return None
    closing, safety = projection["closing"], projection["safety_stock"]
    flags = pd.DataFrame({"low": closing < safety * (1 - 1e-6) - 1e-6, "late": closing < -0.5})
    count = flags.groupby(projection["month"]).sum()
    if not count["low"].any():
        return None
    figure, (axes,) = style.panels(height=2.6)
    axes.bar(
        count.index,
        count["low"] - count["late"],
        bottom=count["late"],
        width=style.BAR,
        color=style.LAST_YEAR,
    )
    axes.bar(count.index, count["late"], width=style.BAR, color=style.SHORTAGE)
    axes.set_title("Items below safety stock at month end, count of items and sites")
    style.month_axis(axes, count.index)
    style.amount_axis(axes, "Items and sites", room=0.1)
    names = ("below safety stock", "owed to customers")
    style.key(axes, list(zip(names, (style.LAST_YEAR, style.SHORTAGE), strict=True)))
    return figure


@style.drawn
def resource_load(load: pd.DataFrame) -> Figure | None:
    """Hours the plan takes of the six busiest resources, beside the hours there are.

    Parameters
    ----------
    load : DataFrame
        Table `resource_load`.
    """
    used = load[load["regular_hours"] > 0]
    if used.empty:
        return None
    share = used["wanted_hours"] / used["regular_hours"]
    busiest = share.groupby(used["resource"]).max().nlargest(_RESOURCES).index
    columns = min(3, len(busiest))
    rows = -(-len(busiest) // columns)
    figure, axes = style.panels(rows, columns, height=0.9 + 2.3 * rows)
    for place, (resource, own) in enumerate(zip(busiest, axes, strict=False)):
        mine = used[used["resource"] == resource].sort_values("month")
        _one_resource(own, mine)
        peak = (mine["load_hours"] / mine["regular_hours"]).max()
        own.set_title(f"{resource}: peak {style.percent(peak, decimals=0)}", fontsize=9.5, pad=6)
        own.set_ylabel("Hours a month" if place % columns == 0 else "")
    for empty in axes[len(busiest) :]:
        empty.axis("off")
    style.headline(figure, "Load of the busiest resources, hours a month; peak over regular hours")
    handles, names = axes[0].get_legend_handles_labels()
    order = sorted(range(len(names)), key=lambda k: _LEGEND.index(names[k]))
    handles, names = [handles[k] for k in order], [names[k] for k in order]
    figure.legend(handles, names, loc="outside lower left", ncols=5, frameon=False, fontsize=9)
    return figure


def _one_resource(axes, mine: pd.DataFrame) -> None:
    """Bars of load split at the regular hours, the band of overtime, wanted hours dashed."""
    month, limit = mine["month"].to_numpy(), mine["regular_hours"].to_numpy()
    most = limit + mine["overtime_hours"].fillna(0.0).to_numpy()
    hours = mine["load_hours"].to_numpy()
    axes.bar(
        month,
        np.minimum(hours, limit),
        width=style.BAR,
        color=style.SUPPLY,
        alpha=0.75,
        label="in regular hours",
    )
    axes.bar(
        month,
        np.maximum(hours - limit, 0.0),
        bottom=np.minimum(hours, limit),
        width=style.BAR,
        color=_OVERTIME,
        hatch="////",
        edgecolor="white",
        linewidth=0,
        label="in overtime",
    )
    axes.fill_between(
        month,
        limit,
        most,
        step="mid",
        color=style.HISTORY,
        alpha=0.2,
        linewidth=0,
        label="overtime there is",
    )
    axes.step(month, limit, where="mid", color=style.INK, linewidth=1.2, label="regular hours")
    axes.plot(
        month,
        mine["wanted_hours"],
        color=style.SHORTAGE,
        linewidth=1.3,
        linestyle=(0, (3, 1.5)),
        label="wanted without limit",
    )
    style.month_axis(axes, mine["month"], most=5)
    style.amount_axis(axes, "", room=0.08)


@style.drawn
def strategies(by_month: pd.DataFrame) -> Figure | None:
    """Supply of each way beside demand by month, and the stock each leaves at month end.

    Parameters
    ----------
    by_month : DataFrame
        Table `strategy_months`.
    """
    if by_month.empty:
        return None
    demand = by_month.groupby("month")["demand"].first()
    figure, (above, below) = style.panels(2, height=5.4, height_ratios=[1.3, 1])
    above.plot(demand.index, demand, color=style.DEMAND, linewidth=2.2, linestyle=(0, (2, 1.2)))
    labels = {
        "supply": [(demand.index[-1], demand.iloc[-1], "demand", style.DEMAND)],
        "closing": [],
    }
    for way, own in by_month.sort_values("month").groupby("strategy"):
        colour, dash = WAYS.get(way, (style.OTHERS[1], "-"))
        for axes, measure in ((above, "supply"), (below, "closing")):
            axes.plot(own["month"], own[measure], color=colour, linestyle=dash)
            labels[measure].append((own["month"].iloc[-1], own[measure].iloc[-1], way, colour))
    above.set_title("Supply of each way beside demand, units a month")
    below.set_title("Stock less backlog that each way leaves, units at month end")
    below.axhline(0.0, color=style.INK, linewidth=0.9)
    for axes, measure, label in (
        (above, "supply", "Units a month"),
        (below, "closing", "Units at month end"),
    ):
        style.month_axis(axes, demand.index)
        style.amount_axis(axes, label)
        style.end_labels(axes, labels[measure], share=0.36)
    return figure


@style.drawn
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
    wide = wide.loc[wide.max(axis=1).sort_values(ascending=False).index]
    ways = list(wide)
    figure, (axes,) = style.panels(height=1.2 + 0.27 * (len(ways) + 0.7) * len(wide))
    for place, way in enumerate(ways):
        rows = np.arange(len(wide)) + (place - (len(ways) - 1) / 2) * 0.36
        colour = WAYS.get(way, (style.OTHERS[1], "-"))[0]
        axes.barh(rows, wide[way], height=0.33, color=colour)
        for row, amount in zip(rows, wide[way], strict=True):
            axes.annotate(
                f"{way} {style.short(amount)}",
                (amount, row),
                xytext=(4, 0),
                fontsize=9,
                textcoords="offset points",
                va="center",
                color=style.text_colour(colour),
            )
    totals = ", ".join(f"{way} {style.short(wide[way].sum())}" for way in ways)
    axes.set_title(f"Cost over the horizon by kind, {currency}; in total {totals}")
    axes.set_yticks(range(len(wide)), wide.index)
    axes.set_xlabel(f"{currency}, sum of the horizon")
    axes.xaxis.set_major_formatter(style.tick)
    axes.set_xlim(0.0, wide.max().max() * 1.19)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    axes.tick_params(axis="y", length=0)
    return figure
