"""Charts of the demand review: the plan, the evidence for it, and people's part in it.

The 80 % band of a total is measured on totals: bounds of series do not add up.
"""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from sopkit import schema
from sopkit.charts import style
from sopkit.demand import hierarchy

_SHOWN = 36  # closed months shown before the plan
_FEWEST_ORIGINS = 6
_LEVEL = 0.8
_FAMILIES = 6
BIAS_LAG = 3
MODELS = {  # column of the backtest: how people call it, colour, dash
    "combined": ("combination used", style.DEMAND, "-"),
    "seasonal_naive": ("same month last year", style.BUDGET, (0, (4, 2))),
    "theta": ("Theta", style.OTHERS[0], "-"),
    "damped_trend": ("damped trend", style.OTHERS[1], "-"),
}


@style.drawn
def plan(
    history: pd.DataFrame, demand_plan: pd.DataFrame, backtest: pd.DataFrame, *, cycle: pd.Timestamp
) -> Figure | None:
    """Demand so far, statistical forecast and demand plan by month, all items.

    Parameters
    ----------
    history, demand_plan, backtest : DataFrame
        Tables `demand_history`, `demand_plan`, `backtest`.
    cycle : Timestamp
        Month in which the plan is made.
    """
    if demand_plan.empty:
        return None
    past = history.groupby("month")["demand"].sum().tail(_SHOWN)
    ahead = demand_plan.groupby("month")[["statistical", "consensus"]].sum()
    figure, (axes,) = style.panels(height=4.3)
    _band(axes, ahead["statistical"], _company_width(backtest))
    axes.plot(past.index, past, color=style.HISTORY)
    axes.plot(
        ahead.index,
        ahead["statistical"],
        color=style.STATISTICAL,
        linewidth=1.4,
        linestyle=(0, (2, 1.5)),
    )
    axes.plot(ahead.index, ahead["consensus"], color=style.DEMAND, linestyle=(0, (5, 1.5)))
    axes.set_title("Demand by month, units, all items", pad=22)
    style.month_axis(axes, past.index.union(ahead.index), most=21)
    style.amount_axis(axes, "Units a month")
    style.cycle_line(axes, cycle)
    names = {"statistical": style.STATISTICAL, "consensus": style.DEMAND}
    words = {"statistical": "statistical", "consensus": "demand plan"}
    style.end_labels(
        axes, [(ahead.index[-1], ahead[c].iloc[-1], words[c], names[c]) for c in names]
    )
    style.name_line(axes, past, "demand so far", style.HISTORY)
    return figure


def _band(axes, middle: pd.Series, width: pd.Series) -> None:
    """Shade what 80 % of past forecasts fell within, as far ahead as it was measured."""
    width = width.reindex(range(len(middle))).set_axis(middle.index).dropna()
    if width.empty:
        return
    middle = middle[width.index]
    low, high = middle * (1 - width), middle * (1 + width)
    axes.fill_between(middle.index, low, high, color=style.STATISTICAL, alpha=0.3, linewidth=0)
    axes.annotate(
        "80% band",
        (middle.index[-1], high.iloc[-1]),
        xytext=(0, 5),
        textcoords="offset points",
        fontsize=9,
        ha="center",
        color=style.text_colour(style.STATISTICAL),
    )


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


@style.drawn
def families(
    history: pd.DataFrame, demand_plan: pd.DataFrame, items: pd.DataFrame, *, cycle: pd.Timestamp
) -> Figure | None:
    """Demand so far and plan of the six largest families, with growth on last year.

    Parameters
    ----------
    history, demand_plan, items : DataFrame
        Tables `demand_history`, `demand_plan`, `items`.
    cycle : Timestamp
        Month in which the plan is made.
    """
    if demand_plan.empty:
        return None
    past = _by_family(history, items, "demand").tail(24)
    ahead = _by_family(demand_plan, items, "consensus")
    shown = ahead.sum().sort_values(ascending=False).index[:_FAMILIES]
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    figure, axes = style.panels(rows, columns, height=0.7 + 2.15 * rows)
    for place, (family, own) in enumerate(zip(shown, axes, strict=False)):
        own.plot(past.index, past[family], color=style.HISTORY)
        own.plot(ahead.index, ahead[family], color=style.DEMAND, linestyle=(0, (4, 1.5)))
        own.set_title(f"{family[:26]}{_growth(past[family], ahead[family])}", fontsize=9.5, pad=6)
        style.month_axis(own, past.index.union(ahead.index), most=5)
        style.amount_axis(own, "Units a month" if place % columns == 0 else "", room=0.1)
        style.cycle_line(own, cycle, is_named=False)
    for empty in axes[len(shown) :]:
        empty.set_visible(False)
    style.headline(
        figure, "Demand by family, units a month; percent: next 12 months beside the last 12"
    )
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
    return f": {style.percent(ahead.head(12).sum() / before.sum() - 1.0, '+')}"


@style.drawn
def backtest_error(accuracy: pd.DataFrame) -> Figure | None:
    """Error of each model by lag, by family and month, beside the same month last year.

    Parameters
    ----------
    accuracy : DataFrame
        Table `accuracy`.
    """
    rows = accuracy[(accuracy["level"] == "family") & (accuracy["lag"] >= 0)]
    rows = rows.dropna(subset=["wape"])
    if rows.empty:
        return None
    weighted = rows.assign(missed=rows["wape"] * rows["volume"])
    sums = weighted.groupby(["model", "lag"])[["missed", "volume"]].sum()
    error = (sums["missed"] / sums["volume"]).unstack("model")
    figure, (axes,) = style.panels(height=3.7)
    labels = []
    for model, (name, colour, dash) in MODELS.items():
        if model in error:
            is_ours = model == "combined"
            axes.plot(
                error.index,
                error[model],
                color=colour,
                linestyle=dash,
                linewidth=2.6 if is_ours else 1.3,
                zorder=5 if is_ours else 3,
            )
            labels.append((error.index[-1], error[model].iloc[-1], name, colour))
    axes.set_title("Error of past forecasts by lag, percent of units sold, by family and month")
    axes.set_xlabel(
        "Lag: months from the cycle to the month forecast (at long lags: few forecasts)"
    )
    axes.set_xticks(list(error.index))
    style.rate_axis(axes, "Weighted absolute error")
    axes.set_ylim(0.0, error.max().max() * 1.12)
    style.end_labels(axes, labels)
    return figure


@style.drawn
def bias(accuracy: pd.DataFrame) -> Figure | None:
    """Bias of the statistical forecast by family, three months ahead; positive: too high.

    Parameters
    ----------
    accuracy : DataFrame
        Table `accuracy`.
    """
    rows = accuracy[
        (accuracy["level"] == "family")
        & (accuracy["model"] == "combined")
        & (accuracy["lag"] == BIAS_LAG)
    ].dropna(subset=["bias_rate"])
    if rows.empty:
        return None
    rate = rows.nlargest(12, "volume").set_index("member")["bias_rate"].sort_values()
    figure, (axes,) = style.panels(height=1.2 + 0.36 * len(rate))
    style.signed_bars(axes, rate.index, rate, lambda amount: style.percent(amount, "+"))
    axes.set_title("Bias of the forecast three months ahead, percent of units sold")
    style.rate_axis(
        axes, "Too low (shortage) is left of zero, too high (surplus) is right", along="x"
    )
    return figure


@style.drawn
def departments(views: pd.DataFrame, demand_plan: pd.DataFrame) -> Figure | None:
    """Each department's view and the agreed plan beside the statistical forecast, by month.

    Parameters
    ----------
    views, demand_plan : DataFrame
        Tables `views` and `demand_plan`; a view is compared where it says something.
    """
    if views.empty:
        return None
    base = demand_plan[[*schema.SERIES_MONTH, "statistical", "consensus"]]
    both = views.merge(base, on=schema.SERIES_MONTH, how="inner", validate="many_to_one")
    sums = both.groupby(["department", "month"])[["quantity", "statistical"]].sum()
    apart = (sums["quantity"] / sums["statistical"] - 1.0).unstack("department")
    covered = base[base["month"].isin(apart.index)].groupby("month")
    total = covered[["statistical", "consensus"]].sum()
    agreed = total["consensus"] / total["statistical"] - 1.0
    figure, (axes,) = style.panels(height=3.8)
    labels = [
        (apart.index[-1], 0.0, "statistical", style.STATISTICAL),
        (apart.index[-1], agreed.iloc[-1], "demand plan", style.DEMAND),
    ]
    axes.plot(agreed.index, 0.0 * agreed, color=style.STATISTICAL, linestyle=(0, (2, 1.5)))
    shown = list(apart)[: style.MOST_SERIES - 2]
    for name, colour, marker in zip(shown, style.OTHERS, "osD^v", strict=False):
        axes.plot(apart.index, apart[name], color=colour, marker=marker, markersize=4, lw=1.3)
        labels.append((apart.index[-1], apart[name].iloc[-1], name, colour))
    axes.plot(agreed.index, agreed, color=style.DEMAND, linewidth=2.6, linestyle=(0, (5, 1.5)))
    axes.set_title("Departments' views less the statistical forecast, percent of its units")
    style.month_axis(axes, apart.index)
    style.rate_axis(axes, "Difference from statistical")
    style.end_labels(axes, labels)
    return figure


@style.drawn
def changes(
    demand_plan: pd.DataFrame, rates: pd.DataFrame, items: pd.DataFrame, *, currency: str
) -> Figure | None:
    """What people added to the statistical forecast by family, in money where prices are known.

    Parameters
    ----------
    demand_plan, rates, items : DataFrame
        Tables `demand_plan`, `money_rates`, `items`.
    currency : str
        Reporting currency.
    """
    price = rates[[*schema.SERIES, "unit_price_value"]]
    both = demand_plan.merge(price, on=schema.SERIES, how="left", validate="many_to_one")
    is_money = both["unit_price_value"].notna().any()
    price = both["unit_price_value"].fillna(0.0) if is_money else 1.0
    both = both.assign(amount=both["departments"] * price)
    amount = hierarchy.with_levels(both, items).groupby("family")["amount"].sum()
    if not (amount.abs() > 0.5).any():
        return None
    amount = amount.loc[amount.abs().nlargest(12).index].sort_values(ascending=False)
    unit = currency if is_money else "units"
    figure, (axes,) = style.panels(height=1.2 + 0.36 * len(amount))
    style.signed_bars(
        axes,
        amount.index,
        amount,
        lambda value: style.short(value, "+"),
        colours=(style.DEMAND, style.DEMAND),
    )
    count = demand_plan["month"].nunique()
    axes.set_title(f"Change by departments to the forecast, {unit}, sum of {count} months")
    axes.set_xlabel(f"{unit}, below the forecast is left of zero, above is right")
    axes.xaxis.set_major_formatter(style.tick)
    return figure
