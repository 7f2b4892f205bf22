"""Charts of the executive review: plan beside budget, and how KPIs went."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from sopkit import months
from sopkit.charts import _style

_SHOWN = 12  # closed months shown before the plan
_LEAST_CYCLES = 3  # from which a KPI has a course


@_style.drawn
def plan_beside_budget(
    financials: pd.DataFrame, closed: pd.DataFrame, *, fences: months.Fences, currency: str
) -> Figure | None:
    """Revenue sold and planned beside the budget by month, and the difference below.

    Parameters
    ----------
    financials, closed : DataFrame
        Tables `financials` and `closed_financials`.
    fences : Fences
        Month in which the plan is made, frozen and firm months.
    currency : str
        Reporting currency.
    """
    plan, past = _style.company(financials), _style.company(closed).tail(_SHOWN)
    if plan["revenue_value"].isna().all():
        return None
    budget = pd.concat([past, plan])["budget_revenue_value"]
    apart = pd.concat([past, plan])["budgeted_revenue_value"] - budget
    lines = {"sold": past["revenue_value"], "demand plan": plan["revenue_value"], "budget": budget}
    shared = {"unit": f"{currency} a month", "fences": fences}
    money = {"title": f"Revenue sold and planned, {currency} a month", "lines": lines} | shared
    if apart.isna().all():
        return _style.over_time(money, height=3.0)
    apart = apart.fillna(0.0)  # no bar, and both panels cover the same months
    bars = {"above budget": apart.clip(lower=0.0), "below budget": apart.clip(upper=0.0)}
    title = f"Sales or plan less budget, {currency} a month"
    return _style.over_time(money, {"title": title, "bars": bars} | shared, height=4.6)


@_style.drawn
def kpi_courses(history: pd.DataFrame, kpis: pd.DataFrame) -> Figure | None:
    """Each KPI with a target over the cycles, its target beside it; three cycles at least.

    Parameters
    ----------
    history, kpis : DataFrame
        Tables `kpi_history` and `kpis`.
    """
    known = history[history["amount"].notna()]
    counts = known.groupby("kpi")["cycle"].nunique()
    shown = kpis[kpis["kpi"].isin(counts.index[counts >= _LEAST_CYCLES]) & kpis["target"].notna()]
    if shown.empty:
        return None
    figure, axes = _style.small_panels(len(shown), height=1.6)
    for own, kpi in zip(axes, shown.to_dict("records"), strict=True):
        rows = known[known["kpi"] == kpi["kpi"]].set_index("cycle").sort_index()
        lines = {"measured": rows["amount"], "target": rows["target"]}
        title = kpi["kpi"].removesuffix("_rate").replace("_", " ")
        _style.draw(own, title, kpi["unit"], lines=lines, is_rate=kpi["unit"] == "rate")
    _style.head(figure, "KPIs with a target, cycle by cycle", axes[0])
    return figure
