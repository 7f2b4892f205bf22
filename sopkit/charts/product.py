"""Charts of the product review: where the money sits and how steady it is, what comes and goes.

``classes.revenue_value`` is money where any price is known, else units; the charts show shares.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from sopkit import months, schema
from sopkit.charts import _style
from sopkit.charts.behind import SHARE
from sopkit.demand.launches import MODEL as LIKE_ITEMS

_STEADINESS = {"X": "X: steady", "Y": "Y: moving", "Z": "Z: erratic"}
_WEIGHT = {"A": "A: first 80%", "B": "B: next 15%", "C": "C: last 5%"}
_BLUES = LinearSegmentedColormap.from_list("plan", ["#f3f6fa", _style.DEMAND])
_STAGES = {
    "new": _style.SURPLUS,
    "ending": _style.SUPPLY,
    "ended": _style.SHORTAGE,
    "silent": _style.HISTORY,
}
_MOST_ITEMS = 12
_MOST_RAMPS = 5  # families beside the company
_MOST_PANELS = 6
_ON_SALE = "between on sale from and on sale to"  # both ends of a line
_WINDOW = 24  # months shown before and after the cycle


@_style.drawn
def value_matrix(classes: pd.DataFrame, rates: pd.DataFrame) -> Figure | None:
    """Share of twelve months' money and number of series by weight and steadiness.

    Parameters
    ----------
    classes, rates : DataFrame
        Tables `classes` and `money_rates`.
    """
    if not classes["revenue_value"].sum() > 0:
        return None
    measure = "revenue" if rates["unit_price_value"].notna().any() else "units"
    figure, (axes,) = _style.panels(height=3.8)
    irregular = classes["demand_class"].isin(["intermittent", "lumpy"])
    groups = classes.assign(irregular=irregular).groupby(["abc", "xyz"])
    cells = groups.agg(share=("revenue_value", "sum"), n=("abc", "size"), odd=("irregular", "sum"))
    cells["share"] /= classes["revenue_value"].sum()
    places = pd.MultiIndex.from_product([_WEIGHT, _STEADINESS])
    cells = cells.reindex(places, fill_value=0)
    shares = cells["share"].to_numpy().reshape(3, 3)
    _style.cells(axes, shares, _BLUES, shares.max(), label=SHARE)
    for place, (share, count, odd) in enumerate(cells.itertuples(index=False)):
        text = f"{_style.percent(share)}\n{count:,.0f} series"
        text += f", {odd:,.0f} irregular" if odd else ""
        colour = _style.writing(_BLUES, share / shares.max())
        cell = divmod(place, 3)[::-1]
        _style.say(axes, text, cell, colour=colour, shift=(0, 0), ha="center")
    axes.set_title(f"Share of twelve months' {measure}, and number of series")
    axes.set_xticks(range(3), _STEADINESS.values())
    axes.set_yticks(range(3), _WEIGHT.values())
    axes.set(xlabel="How steady demand is from month to month", ylabel=f"Weight in {measure}")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return figure


@_style.drawn
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
    figure, (axes,) = _style.panels(height=1.4 + 0.36 * len(shown))
    first = shown["launch_month"].fillna(window[0]).clip(window[0], window[-1])
    last = shown["end_month"].fillna(window[-1]).clip(window[0], window[-1])
    colours = list(shown["lifecycle"].map(_STAGES))
    axes.hlines(range(len(shown)), first, last, colors=colours, linewidth=9, label=_ON_SALE)
    for row, (stage, colour) in enumerate(zip(shown["lifecycle"], colours, strict=True)):
        right = {"xycoords": ("axes fraction", "data"), "fontweight": "bold"}
        _style.say(axes, stage, (1.0, row), colour=colour, **right)
    names = shown["item"] + " " + shown["description"].fillna("").astype("str")
    axes.set_yticks(range(len(shown)), [_style.cut(name.strip(), 40) for name in names])
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_title("Months on sale of items that come and go", pad=26)
    axes.grid(visible=False)
    axes.tick_params(axis="y", length=0)
    _style.month_axis(axes, window)
    _style.cycle_line(axes, cycle)
    return figure


@_style.drawn
def ramps(curves: pd.DataFrame) -> Figure | None:
    """How past launches grew, by family, within which 80 % of the company's lie.

    Parameters
    ----------
    curves : DataFrame
        Table `launch_ramps`.
    """
    if curves.empty:
        return None
    names = curves["family"].replace(schema.ALL, schema.COMPANY_LABEL)
    wide = curves.assign(family=names).pivot(index="age", columns="family", values="share")
    whole = curves[curves["family"] == schema.ALL].set_index("age")
    figure, (axes,) = _style.panels(height=3.6)
    axes.fill_between(
        whole.index,
        whole["share_lower"],
        whole["share_upper"],
        color=_style.STATISTICAL,
        alpha=0.25,
        linewidth=0,
        label="80% of launches",
    )
    largest = curves.sort_values("launches", ascending=False, kind="stable")["family"].unique()
    shown = [name for name in largest if name != schema.ALL][:_MOST_RAMPS]
    lines = {name: wide[name] for name in [schema.COMPANY_LABEL, *shown]}
    title = "Share of its mature level that a launch sold, by months since its first"
    _style.draw(axes, title, "Share of the mature level", lines=lines, is_rate=True)
    axes.set_xlabel("Months since the first month of sale")
    return figure


@_style.drawn
def launches(forecast: pd.DataFrame, items: pd.DataFrame) -> Figure | None:
    """What new items are planned to sell, each in its own unit, with its bounds.

    Parameters
    ----------
    forecast : DataFrame
        Table `forecast`.
    items : DataFrame
        Raw table: names.
    """
    new = forecast[forecast["model"] == LIKE_ITEMS]
    if new.empty:
        return None
    sums = new.groupby(["item", "month"])[["quantity", "quantity_lower", "quantity_upper"]].sum()
    order = new.groupby("item")["quantity"].sum().sort_values(ascending=False, kind="stable")
    shown = list(order.index[:_MOST_PANELS])
    figure, panels = _style.small_panels(len(shown), height=2.3)
    for axes, item in zip(panels, shown, strict=True):
        own = sums.loc[item]
        own = own[own["quantity"].cumsum() > 0]
        name = schema.lookup(pd.Series([item]), items, "description").fillna("").iloc[0]
        axes.fill_between(
            own.index,
            own["quantity_lower"],
            own["quantity_upper"],
            color=_style.STATISTICAL,
            alpha=0.3,
            linewidth=0,
            label="bounds",
        )
        lines = {"forecast now": own["quantity"]}
        _style.draw(axes, f"{item} {name}".strip(), "Units a month", lines=lines)
    _style.head(figure, "New items by month, each in its own unit, with its bounds")
    return figure
