"""Chart of the executive review: plan beside budget."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from sopkit import months
from sopkit.charts import _style

_SHOWN = 12  # closed months shown before the plan


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
    apart = (pd.concat([past, plan])["budgeted_revenue_value"] - budget).dropna()
    lines = {"sold": past["revenue_value"], "demand plan": plan["revenue_value"], "budget": budget}
    shared = {"unit": f"{currency} a month", "fences": fences}
    money = {"title": f"Revenue sold and planned, {currency} a month", "lines": lines} | shared
    if apart.empty:
        return _style.over_time(money, height=3.8)
    bars = {"above budget": apart.clip(lower=0.0), "below budget": apart.clip(upper=0.0)}
    title = f"Sales or plan less budget, {currency} a month"
    return _style.over_time(money, {"title": title, "bars": bars} | shared, height=6.2)
