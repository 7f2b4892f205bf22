"""Charts of what moved demand: events and their intervals, promotions' returns, growth layers."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
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
    """What each past event did to demand as used, beside data alone and what was expected.

    Parameters
    ----------
    table : DataFrame
        Table `driver_effects`.
    """
    own = table[(table["state"] == event_rates.USED) & table["expected_rate"].notna()]
    if own.empty:
        return None
    own = own.sort_values(["first_month", "driver"]).tail(_MOST_ROWS).reset_index(drop=True)
    figure, axes = _rows(own["driver"])
    row = own.index.to_numpy()
    _interval(axes, row, own[["rate_lower", "rate_upper"]], own[["used_lower", "used_upper"]])
    _points(axes, row, own["used_rate"], own["expected_rate"])
    edge = own[["used_upper", "rate_upper", "expected_rate"]].max(axis=1)
    for place, right, rate in zip(row, edge, own["used_rate"], strict=True):
        text = _style.percent(rate, "+", 0)
        _style.say(axes, text, (right, place), shift=(9, 0), va="center", fontsize=9)
    _key(axes)
    axes.xaxis.set_major_formatter(_style.rate_tick)
    axes.set_xlabel("change of demand in the months of the event")
    _style.head(figure, "What past events did to demand")
    return figure


def _rows(names: pd.Series) -> tuple[Figure, Axes]:
    """A chart as narrow as a phone: a row a name, the first on top, its name above it."""
    figure, (axes,) = _style.panels(height=1.6 + 0.42 * len(names))
    figure.set_figwidth(_style.NARROW)
    for place, name in enumerate(names):
        where = {"xycoords": axes.get_yaxis_transform(), "fontsize": 9, "va": "bottom"}
        where |= {"bbox": {"facecolor": "white", "linewidth": 0, "pad": 0.5}}  # zero's line ends
        _style.say(axes, _style.cut(name, 60), (0.0, place), shift=(2, 8), **where)
    axes.axvline(0.0, color=_style.INK, linewidth=0.8, zorder=1)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0, labelleft=False)
    axes.set_ylim(len(names) - 0.5, -0.9)
    axes.grid(visible=True, axis="x")
    axes.spines["left"].set_visible(False)
    axes.margins(x=0.14)
    axes.locator_params(axis="x", nbins=6)
    return figure, axes


def _interval(axes: Axes, row, alone: pd.DataFrame, used: pd.DataFrame, **choices) -> None:
    """Intervals of rows: thin what data alone say, thick what is used."""
    for name, ends, colour, width in (
        ("used", used, _style.STATISTICAL, 5),
        ("data alone", alone, _style.INK, 1.0),
    ):
        low, high = ends.to_numpy().T
        look = {
            "color": colour,
            "linewidth": width,
            "label": f"between {name}, low and {name}, high",
        }
        axes.hlines(row, low, high, **look | choices)


def _points(axes: Axes, row, used, expected, **choices) -> None:
    """Rates of rows: a dot what is used, an upright what planners expected."""
    dot, upright = {"label": "used", "s": 42}, {"label": "expected", "s": 130, "marker": "|"}
    axes.scatter(used, row, color=_style.DEMAND, zorder=4, **dot | choices)
    axes.scatter(expected, row, color=_style.BUDGET, zorder=5, **upright | choices)


def _key(axes: Axes) -> None:
    """A row below all others that says what its marks are."""
    low, high = axes.get_ylim()
    axes.set_ylim(low + 1.4, high)
    axes.axhline(low, color=_style.LAST_YEAR, linewidth=0.8)
    across = {"transform": axes.get_yaxis_transform(), "label": "_key"}
    ends = [pd.DataFrame([pair]) for pair in ((0.06, 0.62), (0.3, 0.55))]
    _interval(axes, [low + 0.5], *ends, **across)
    _points(axes, [low + 0.5], [0.43], [0.8], **across)
    where = {"xycoords": across["transform"], "fontsize": 9, "ha": "center", "va": "top"}
    for place, name in ((0.16, "data alone, 90%"), (0.43, "used, 90%"), (0.8, "expected")):
        _style.say(axes, name, (place, low + 0.75), shift=(0, 0), **where)


@_style.drawn
def returns(table: pd.DataFrame, *, currency: str) -> Figure | None:
    """Margin of what each late promotion added less its cost, with its interval; most first.

    Parameters
    ----------
    table : DataFrame
        Table `promotion_returns`.
    currency : str
        Reporting currency.
    """
    own = table.dropna(subset="return_value").sort_values(["first_month", "event"])
    if own.empty:
        return None
    own = own.tail(_MOST_ROWS).sort_values("return_value", ascending=False, ignore_index=True)
    figure, axes = _rows(own["event"])
    colour = np.where(own["return_value"] >= 0, _style.SURPLUS, _style.SHORTAGE)
    axes.barh(own.index, own["return_value"], height=0.35, color=colour, alpha=0.75, label="margin")
    low, high = own["return_lower"], own["return_upper"]
    axes.hlines(own.index, low, high, color=_style.INK, linewidth=1.2, label="between low and high")
    for row in own.itertuples():
        text = f"{_style.short(row.return_value, '+')}  {row.verdict}"
        place = (max(row.return_upper, 0.0), row.Index)
        _style.say(axes, text, place, va="center", fontsize=9)
    axes.margins(x=0.24)
    axes.xaxis.set_major_formatter(_style.tick)
    axes.set_xlabel(f"{currency}, interval of 90 percent")
    _style.head(figure, "Margin of added units less cost, most first")
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
