"""Chart of the executive review: plan beside budget."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from sopkit.charts import _style

_SHOWN = 12  # closed months shown before the plan


@_style.drawn
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
    plan, past = _style.company(financials), _style.company(closed).tail(_SHOWN)
    if plan["revenue_value"].isna().all():
        return None
    budget = pd.concat([past, plan])["budget_revenue_value"]
    apart = (pd.concat([past, plan])["revenue_value"] - budget).dropna()
    lines = {"sold": past["revenue_value"], "demand plan": plan["revenue_value"], "budget": budget}
    unit, rows = f"{currency} a month", 1 if apart.empty else 2
    figure, axes = _style.panels(rows, height=2.2 + 1.6 * rows, ratios=[2, 1][:rows])
    title = f"Revenue sold and planned, {currency} a month"
    _style.over_time(axes[0], title, unit, lines=lines, cycle=cycle)
    if not apart.empty:
        bars = {"above budget": apart.clip(lower=0.0), "below budget": apart.clip(upper=0.0)}
        title = f"Sales or plan less budget, {currency} a month"
        _style.over_time(axes[1], title, unit, bars=bars, cycle=cycle)
    return figure
