"""Charts of the reconciliation: demand, supply, budget and last year in money."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from sopkit import months, schema
from sopkit.charts import style

_SHOWN = 12  # closed months shown before the plan
_MOST_QUARTERS = 10


def _company(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["family"] == schema.COMPANY_LABEL].sort_values("month").set_index("month")


@style.drawn
def revenue(
    financials: pd.DataFrame, closed: pd.DataFrame, *, cycle: pd.Timestamp, currency: str
) -> Figure | None:
    """Revenue by month: demand plan, what can be supplied, budget, last year.

    Parameters
    ----------
    financials, closed : DataFrame
        Tables `financials` and `closed_financials`.
    cycle : Timestamp
        Month in which the plan is made.
    currency : str
        Reporting currency.
    """
    plan, past = _company(financials), _company(closed).tail(_SHOWN)
    if plan["revenue_value"].isna().all():
        return None
    budget = pd.concat([past["budget_revenue_value"], plan["budget_revenue_value"]])
    lines = (
        ("can be supplied", plan["supply_revenue_value"], style.SUPPLY, 4.5, "-"),
        ("last year", plan["last_year_revenue_value"], style.LAST_YEAR, 1.6, "-"),
        ("sold", past["revenue_value"], style.HISTORY, 1.8, "-"),
        ("demand plan", plan["revenue_value"], style.DEMAND, 1.9, (0, (5, 1.5))),
        ("budget", budget, style.BUDGET, 1.0, "-"),
    )
    figure, (axes,) = style.panels(height=4.3)
    labels = []
    for name, amount, colour, width, dash in lines:
        known = amount.dropna()
        if known.empty:
            continue
        axes.plot(
            known.index,
            known,
            color=colour,
            linewidth=width,
            linestyle=dash,
            alpha=0.55 if name == "can be supplied" else 1.0,
        )
        if known.index[-1] == plan.index[-1]:
            labels.append((known.index[-1], known.iloc[-1], name, colour))
        else:
            style.name_line(axes, known, name, colour)
    axes.set_title(f"Revenue by month, {currency}, whole company", pad=22)
    style.month_axis(axes, past.index.union(plan.index), most=19)
    style.amount_axis(axes, f"{currency} a month")
    style.cycle_line(axes, cycle)
    style.end_labels(axes, labels)
    return figure


@style.drawn
def gaps(gap_table: pd.DataFrame, *, currency: str) -> Figure | None:
    """The most that supply is behind demand, and plan less budget, by family, in money.

    Late supply catches up, so the sum of gaps would hide it: shown is the worst running sum.

    Parameters
    ----------
    gap_table : DataFrame
        Table `gaps`.
    currency : str
        Reporting currency.
    """
    families = gap_table[gap_table["family"] != schema.COMPANY_LABEL].sort_values("month")
    groups = families.groupby("family")
    behind = groups["gap_value"].cumsum().groupby(families["family"]).min().clip(upper=0.0)
    variance = groups["budget_variance_value"].sum(min_count=1)
    named = {"Supply behind demand, worst month": behind, "Plan less budget, sum": variance}
    named = {name: amount for name, amount in named.items() if amount.notna().any()}
    if not named:
        return None
    sums = pd.DataFrame(named).fillna(0.0).round(0)
    sums = sums.loc[sums.abs().max(axis=1).nlargest(12).index].sort_values(list(named)[-1])
    figure, axes = style.panels(1, len(named), height=1.6 + 0.36 * len(sums))
    for own, name in zip(axes, named, strict=True):
        style.signed_bars(own, sums.index, sums[name], _signed_or_none, room=0.45)
        own.set_title(name, fontsize=10, pad=6)
        own.set_xlabel(currency)
        own.xaxis.set_major_formatter(style.tick)
        if not sums[name].any():
            own.set_xlim(-1.0, 1.0)
            own.set_xticks([0.0])
    for own in axes[1:]:
        own.set_yticklabels([])
    style.headline(figure, f"Gaps by family over the horizon, {currency}")
    return figure


def _signed_or_none(amount: float) -> str:
    return style.short(amount, "+") if amount else "none"


@style.drawn
def quarters(
    financials: pd.DataFrame, *, fiscal_year_first_month: int, currency: str
) -> Figure | None:
    """Planned revenue by fiscal quarter beside budget and last year; whole quarters only.

    Parameters
    ----------
    financials : DataFrame
        Table `financials`.
    fiscal_year_first_month : int
        First month of the fiscal year.
    currency : str
        Reporting currency.
    """
    plan = _company(financials)
    columns = ["revenue_value", "budget_revenue_value", "last_year_revenue_value"]
    month = pd.Series(plan.index, index=plan.index)
    into_year = (month.dt.month - fiscal_year_first_month) % 12
    year = months.fiscal_year(month, fiscal_year_first_month)
    quarter = "Q" + (into_year // 3 + 1).astype(str) + "\n" + year.astype(str)
    groups = plan.groupby(quarter, sort=False)
    sums = groups[columns].sum(min_count=3)[groups.size() == 3].head(_MOST_QUARTERS)
    if sums["revenue_value"].isna().all():
        return None
    figure, (axes,) = style.panels(height=3.9)
    place = np.arange(len(sums))
    axes.bar(place - 0.2, sums["last_year_revenue_value"], 0.3, color=style.LAST_YEAR)
    axes.bar(place + 0.14, sums["revenue_value"], 0.36, color=style.DEMAND)
    axes.hlines(
        sums["budget_revenue_value"], place - 0.1, place + 0.38, color=style.BUDGET, linewidth=2.2
    )
    for x, amount, budget in zip(place, sums[columns[0]], sums[columns[1]], strict=True):
        rate = amount / budget - 1.0
        text = style.short(amount) + (f"\n{style.percent(rate, '+')}" if np.isfinite(rate) else "")
        top = np.nanmax([amount, budget])
        axes.annotate(
            text,
            (x + 0.14, top),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
            fontsize=9,
        )
    axes.set_title(f"Revenue by fiscal quarter, {currency}; percent: plan beside budget")
    axes.set_xticks(place, sums.index)
    style.amount_axis(axes, f"{currency} a quarter", room=0.16)
    named = (
        ("plan", style.DEMAND, 0),
        ("budget (line)", style.BUDGET, 1),
        ("last year", style.LAST_YEAR, 2),
    )
    style.key(axes, [(text, c) for text, c, k in named if sums[columns[k]].notna().any()])
    return figure
