"""Charts of the product review: where the money sits, how demand behaves, what comes and goes.

``classes.revenue_value`` is money where any price is known, else units; the charts show shares.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from sopkit import months
from sopkit.charts import style

ABC, XYZ = ("A", "B", "C"), ("X", "Y", "Z")
STEADINESS = ("X: steady", "Y: moving", "Z: erratic")
WEIGHT = ("A: first 80%", "B: next 15%", "C: last 5%")
_BLUES = LinearSegmentedColormap.from_list("plan", ["#f3f6fa", style.DEMAND])
_STAGES = {
    "new": style.SURPLUS,
    "ending": style.SUPPLY,
    "ended": style.SHORTAGE,
    "silent": style.HISTORY,
}
_MOST_ITEMS = 12
_WINDOW = 24  # months shown before and after the cycle


def _measure(rates: pd.DataFrame) -> str:
    return "revenue" if rates["unit_price_value"].notna().any() else "units"


@style.drawn
def value_matrix(classes: pd.DataFrame, rates: pd.DataFrame) -> Figure | None:
    """Share of twelve months' money and number of series by weight and steadiness.

    Parameters
    ----------
    classes, rates : DataFrame
        Tables `classes` and `money_rates`.
    """
    if not classes["revenue_value"].sum() > 0:
        return None
    count = pd.crosstab(classes["abc"], classes["xyz"])
    count = count.reindex(index=ABC, columns=XYZ, fill_value=0)
    money = classes.pivot_table("revenue_value", "abc", "xyz", aggfunc="sum", fill_value=0.0)
    share = money.reindex(index=ABC, columns=XYZ, fill_value=0.0) / classes["revenue_value"].sum()
    figure, (axes,) = style.panels(height=3.5)
    axes.imshow(share, cmap=_BLUES, vmin=0.0, vmax=max(share.to_numpy().max(), 1e-9), aspect="auto")
    for row, column in np.ndindex(3, 3):
        rate = share.iat[row, column]
        is_dark = rate > 0.55 * share.to_numpy().max()
        axes.text(
            column,
            row,
            f"{style.percent(rate)}\n{count.iat[row, column]:,} series",
            ha="center",
            va="center",
            color="white" if is_dark else style.INK,
            fontsize=10,
        )
    _matrix_axes(axes, _measure(rates))
    return figure


def _matrix_axes(axes, measure: str) -> None:
    axes.set_title(f"Share of twelve months' {measure}, and number of series")
    axes.set_xticks(range(3), STEADINESS)
    axes.set_yticks(range(3), WEIGHT)
    axes.set_xlabel("How steady demand is from month to month")
    axes.set_ylabel(f"Weight in {measure}")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


@style.drawn
def demand_classes(classes: pd.DataFrame, rates: pd.DataFrame) -> Figure | None:
    """Share of twelve months' money by kind of demand, with the number of series.

    Parameters
    ----------
    classes, rates : DataFrame
        Tables `classes` and `money_rates`.
    """
    if not classes["revenue_value"].sum() > 0:
        return None
    table = classes.groupby("demand_class")["revenue_value"].agg(["size", "sum"])
    table = table.sort_values("sum")
    share = table["sum"] / table["sum"].sum()
    figure, (axes,) = style.panels(height=0.9 + 0.42 * len(table))
    axes.barh(table.index, share, color=style.HISTORY, height=0.62)
    for row, (rate, size) in enumerate(zip(share, table["size"], strict=True)):
        axes.annotate(
            f"{style.percent(rate)} · {size:,} series",
            (rate, row),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
        )
    axes.set_title(f"Share of twelve months' {_measure(rates)} by kind of demand")
    style.rate_axis(axes, f"Share of {_measure(rates)}", along="x")
    axes.set_xlim(0.0, share.max() * 1.25)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    axes.tick_params(axis="y", length=0)
    return figure


@style.drawn
def concentration(classes: pd.DataFrame, rates: pd.DataFrame) -> Figure | None:
    """Share of twelve months' money that the largest series make together.

    Parameters
    ----------
    classes, rates : DataFrame
        Tables `classes` and `money_rates`.
    """
    ranked = classes.sort_values("revenue_value", ascending=False, kind="stable")
    if not ranked["revenue_value"].sum() > 0:
        return None
    running = ranked["revenue_value"].cumsum().to_numpy() / ranked["revenue_value"].sum()
    figure, (axes,) = style.panels(height=3.5)
    place = np.arange(1, len(running) + 1)
    axes.plot(np.r_[0, place], np.r_[0.0, running], color=style.HISTORY, linewidth=2.2)
    last = 0
    for band, name in enumerate(ABC):
        size = int((ranked["abc"] == name).sum())
        if size:
            axes.axvspan(last, last + size, color=style.DEMAND, alpha=0.16 - 0.06 * band, lw=0)
            axes.text(last + size / 2, 0.05, f"{name}: {size:,}", ha="center", fontweight="bold")
        last += size
    axes.set_title(f"Share of twelve months' {_measure(rates)} that the largest series make")
    axes.set_xlabel("Series, largest first")
    style.rate_axis(axes, f"Cumulative share of {_measure(rates)}")
    axes.set_ylim(0.0, 1.03)
    axes.set_xlim(0, len(running))
    return figure


@style.drawn
def lifecycle(items: pd.DataFrame, *, cycle: pd.Timestamp) -> Figure | None:
    """When the items that come and go are sold, the largest in money first.

    Parameters
    ----------
    items : DataFrame
        Table `lifecycle`.
    cycle : Timestamp
        Month in which the plan is made.
    """
    shown = items.sort_values("revenue_value", ascending=False, kind="stable").head(_MOST_ITEMS)
    if shown.empty:
        return None
    window = months.span(months.shift(cycle, -_WINDOW), 2 * _WINDOW + 1)
    figure, (axes,) = style.panels(height=1.3 + 0.36 * len(shown))
    first = shown["launch_month"].fillna(window[0]).clip(window[0], window[-1])
    last = shown["end_month"].fillna(window[-1]).clip(window[0], window[-1])
    rows = range(len(shown))
    colours = [_STAGES.get(stage, style.HISTORY) for stage in shown["lifecycle"]]
    axes.hlines(rows, first, last, colors=colours, linewidth=9)
    for row, (stage, colour) in enumerate(zip(shown["lifecycle"], colours, strict=True)):
        axes.annotate(
            stage,
            (1.0, row),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            fontweight="bold",
            color=style.text_colour(colour),
            annotation_clip=False,
        )
    names = shown["item"] + " " + shown["description"].fillna("").astype("str")
    axes.set_yticks(rows, names.str.strip())
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_title("Months on sale of items that come and go", pad=22)
    axes.grid(visible=False)
    axes.tick_params(axis="y", length=0)
    style.month_axis(axes, window, most=10)
    style.cycle_line(axes, cycle)
    return figure
