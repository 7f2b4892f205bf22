"""Charts of what moved demand: events and their intervals, promotions' returns, growth layers."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from sopkit.charts import _style
from sopkit.demand import event_rates

_MOST_ROWS = 15
_KINDS = {  # in the order of the stack; colours far apart for neighbours
    "promotion": _style.DEMAND,
    "customer gain": _style.SURPLUS,
    "new market": _style.OTHERS[3],
    "market series": _style.OTHERS[0],
    "market": _style.OTHERS[4],
    "price": _style.OTHERS[1],
    "customer loss": _style.OTHERS[2],
    "competitor": _style.SHORTAGE,
}


@_style.drawn
def effects(table: pd.DataFrame) -> Figure | None:
    """What each past event did to demand, with its interval, beside what was expected.

    Parameters
    ----------
    table : DataFrame
        Table `driver_effects`.
    """
    own = table[(table["state"] == event_rates.USED) & table["expected_rate"].notna()]
    if own.empty:
        return None
    own = own.sort_values(["first_month", "driver"]).tail(_MOST_ROWS).reset_index(drop=True)
    figure, (axes,) = _style.panels(height=1.4 + 0.3 * len(own))
    axes.axvline(0.0, color=_style.INK, linewidth=0.8)
    row = own.index.to_numpy()
    axes.hlines(row, own["used_lower"], own["used_upper"], color=_style.STATISTICAL, linewidth=5)
    looks = {"color": _style.DEMAND, "s": 42, "zorder": 4}
    axes.scatter(own["used_rate"], row, label="used, with its interval", **looks)
    looks = {"color": _style.BUDGET, "marker": "|", "s": 130, "zorder": 5}
    axes.scatter(own["expected_rate"], row, label="expected by the planner", **looks)
    looks = {"facecolors": "white", "edgecolors": _style.HISTORY, "s": 26, "zorder": 3}
    axes.scatter(own["rate"], row, label="told by the data alone", **looks)
    edge = own[["used_upper", "rate", "expected_rate"]].max(axis=1)
    for place, right, rate in zip(row, edge, own["used_rate"], strict=True):
        text = _style.percent(rate, "+", 0)
        _style.say(axes, text, (right, place), shift=(9, 0), va="center", fontsize=9)
    _across(axes, own["driver"])
    axes.xaxis.set_major_formatter(_style.rate_tick)
    axes.set_xlabel("change of demand in the months of the event, interval of 90 percent")
    _style.head(figure, "What past events did to demand", axes)
    return figure


def _across(axes, names: pd.Series) -> None:
    """Rows named at the left, the first on top, lines along the values."""
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    axes.tick_params(axis="y", length=0)
    axes.margins(x=0.1)


@_style.drawn
def returns(table: pd.DataFrame, *, currency: str) -> Figure | None:
    """Margin of what each promotion added less its cost, with its interval.

    Parameters
    ----------
    table : DataFrame
        Table `promotion_returns`.
    currency : str
        Reporting currency.
    """
    own = table.dropna(subset="return_value").head(_MOST_ROWS)[::-1].reset_index(drop=True)
    if own.empty:
        return None
    figure, (axes,) = _style.panels(height=1.2 + 0.32 * len(own))
    colour = np.where(own["return_value"] >= 0, _style.SURPLUS, _style.SHORTAGE)
    axes.barh(own.index, own["return_value"], height=0.55, color=colour, alpha=0.75)
    low, high = own["return_lower"], own["return_upper"]
    axes.hlines(own.index, low, high, color=_style.INK, linewidth=1.2)
    axes.axvline(0.0, color=_style.INK, linewidth=0.8)
    for row in own.itertuples():
        text = f"{_style.short(row.return_value, '+')}  {row.verdict}"
        place = (max(row.return_upper, 0.0), row.Index)
        _style.say(axes, text, place, va="center", fontsize=9)
    _across(axes, own["event"])
    axes.margins(x=0.18)
    axes.xaxis.set_major_formatter(_style.tick)
    axes.set_xlabel(f"{currency}, interval of 90 percent")
    _style.head(figure, "Promotions: margin of added units less cost")
    return figure


@_style.drawn
def growth(table: pd.DataFrame, units: pd.DataFrame) -> Figure | None:
    """What events and market series add to the plan, by month and kind.

    Parameters
    ----------
    table : DataFrame
        Table `growth_layers`.
    units : DataFrame
        Table `planning_units`.
    """
    if table.empty:
        return None
    wide = table.pivot_table(index="month", columns="kind", values="units", aggfunc="sum")
    wide = wide.asfreq("MS").fillna(0.0)
    figure, (axes,) = _style.panels(height=3.8)
    for side in (wide.clip(lower=0.0), wide.clip(upper=0.0)):
        floor = np.zeros(len(side))
        for kind, colour in _KINDS.items():
            if kind in side and side[kind].any():
                axes.bar(side.index, side[kind], _style.BAR, floor, color=colour, label=kind)
                floor = floor + side[kind].to_numpy()
    axes.axhline(0.0, color=_style.INK, linewidth=0.8)
    total = wide.sum(axis=1)
    axes.plot(total.index, total, color=_style.INK, marker="o", markersize=3.5, label="in all")
    _style.value_axis(axes, _style.unit(units))
    _style.month_axis(axes, wide.index)
    _style.head(figure, f"{_style.unit(units)} that events and markets add to the plan", axes)
    return figure
