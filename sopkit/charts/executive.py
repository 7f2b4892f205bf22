"""Charts of the executive review: plan beside budget, and where we stand beside the goals."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from sopkit import schema
from sopkit.charts import style
from sopkit.executive.kpis import DEFINITIONS

_SHOWN = 12  # closed months shown before the plan
_STATUS = {"met": style.SURPLUS, "near": style.SUPPLY, "missed": style.SHORTAGE}


def _company(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["family"] == schema.COMPANY_LABEL].sort_values("month").set_index("month")


@style.drawn
def plan_beside_budget(
    financials: pd.DataFrame, closed: pd.DataFrame, *, cycle: pd.Timestamp, currency: str
) -> Figure | None:
    """Revenue sold and planned beside the budget by month, and the difference below.

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
    both = pd.concat([past, plan])[["revenue_value", "budget_revenue_value"]]
    is_budgeted = both["budget_revenue_value"].notna().any()
    figure, axes = style.panels(
        1 + is_budgeted,
        height=5.0 if is_budgeted else 3.6,
        height_ratios=[2, 1] if is_budgeted else [1],
    )
    above = axes[0]
    above.plot(past.index, past["revenue_value"], color=style.HISTORY)
    above.plot(plan.index, plan["revenue_value"], color=style.DEMAND, linestyle=(0, (5, 1.5)))
    above.plot(both.index, both["budget_revenue_value"], color=style.BUDGET, linewidth=1.0)
    above.set_title(f"Revenue sold and planned, {currency} a month", pad=22)
    style.amount_axis(above, f"{currency} a month")
    style.end_labels(
        above,
        [
            (plan.index[-1], plan["revenue_value"].iloc[-1], "plan", style.DEMAND),
            (plan.index[-1], both["budget_revenue_value"].iloc[-1], "budget", style.BUDGET),
        ],
        share=0.5,
    )
    if len(past):
        style.name_line(above, past["revenue_value"], "sold", style.HISTORY)
    if is_budgeted:
        _differences(axes[1], both["revenue_value"] - both["budget_revenue_value"], currency)
    for own in axes:
        style.month_axis(own, both.index, most=19)
        style.cycle_line(own, cycle, is_named=own is above)
    return figure


def _differences(axes, difference: pd.Series, currency: str) -> None:
    """Bars of plan or sales less budget by month."""
    colours = np.where(difference < 0, style.SHORTAGE, style.SURPLUS)
    axes.bar(difference.index, difference, width=style.BAR, color=colours)
    axes.axhline(0.0, color=style.INK, linewidth=0.9)
    axes.set_title(f"Sales or plan less budget, {currency} a month")
    style.amount_axis(axes, f"{currency} a month", room=0.1)
    style.key(axes, [("above budget", style.SURPLUS), ("below budget", style.SHORTAGE)])


@style.drawn
def goals(kpis: pd.DataFrame) -> Figure | None:
    """How far each KPI is from its target, in percent of it; right of zero is better.

    Parameters
    ----------
    kpis : DataFrame
        Table `kpis`.
    """
    known = kpis[kpis["status"].isin(list(_STATUS)) & (kpis["target"] != 0)]
    if known.empty:
        return None
    better = [
        _better(*row) for row in zip(known["kpi"], known["amount"], known["target"], strict=True)
    ]
    names = known["kpi"].str.replace("_", " ").str.removesuffix(" rate").str.removesuffix(" months")
    names = names.str.capitalize().str.replace("wape", "WAPE")
    figure, (axes,) = style.panels(height=1.3 + 0.42 * len(known))
    rows = np.arange(len(known))
    axes.barh(rows, better, color=known["status"].map(_STATUS), height=0.5)
    axes.axvline(0.0, color=style.INK, linewidth=1.2)
    for row, (_, kpi) in enumerate(known.iterrows()):
        amount, target = _say(kpi["amount"], kpi["unit"]), _say(kpi["target"], kpi["unit"])
        axes.annotate(
            f"{amount} · target {target} · {kpi['status']}",
            (1.0, row),
            xytext=(6, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center",
            color=style.text_colour(_STATUS[kpi["status"]]),
            fontsize=9,
            annotation_clip=False,
        )
    axes.set_yticks(rows, names)
    axes.set_ylim(len(known) - 0.5, -0.5)
    axes.set_title("Distance of each KPI from its target, percent of the target")
    style.rate_axis(axes, "Worse is left of zero, better is right", along="x")
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    axes.tick_params(axis="y", length=0)
    return figure


def _better(kpi: str, amount: float, target: float) -> float:
    """Distance from the target as a share of it; positive is better."""
    good = DEFINITIONS[kpi][2]
    if good == "high":
        return (amount - target) / abs(target)
    return (target - (abs(amount) if good == "near zero" else amount)) / abs(target)


def _say(amount: float, unit: str) -> str:
    if unit == "rate":
        return style.percent(amount)
    return f"{amount:.1f} months" if unit == "months" else style.short(amount)
