"""Where we stand beside each goal: definitions as data, amounts from the cycle's own tables."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import schema

# kpi: (what it means, unit, what is good: high, low or near zero)
DEFINITIONS = {
    "forecast_wape_rate": (
        "Error of the statistical forecast three months ahead, by family and month",
        "rate",
        "low",
    ),
    "forecast_bias_rate": ("Its bias: positive is too high", "rate", "near zero"),
    "on_time_rate": ("Share of planned demand delivered in its month", "rate", "high"),
    "inventory_cover_months": ("Stock at the last month end, in months of demand", "months", "low"),
    "utilisation_rate": (
        "Mean load over regular hours in the horizon, of the busiest resource",
        "rate",
        "low",
    ),
    "margin_rate": ("Margin over revenue, planned months", "rate", "high"),
    "budget_attainment_rate": ("Planned revenue over budget, months with a budget", "rate", "high"),
}
_NEAR = 0.05  # relative distance at which a missed target is amber, not red


def measure(
    accuracy: pd.DataFrame,
    projection: pd.DataFrame,
    delivered: pd.DataFrame,
    load: pd.DataFrame,
    financials: pd.DataFrame,
) -> pd.Series:
    """Amount of each KPI; missing where its inputs are.

    Parameters
    ----------
    accuracy, projection, load, financials : DataFrame
        Tables `accuracy`, `inventory_projection`, `resource_load`, `financials`.
    delivered : DataFrame
        ``demand`` and ``on_time`` units by item, site and month.
    """
    families = accuracy[
        (accuracy["level"] == "family") & (accuracy["model"] == "combined") & (accuracy["lag"] == 3)
    ]
    volume = families["volume"].sum()
    company = financials[financials["family"] == schema.COMPANY_LABEL]
    budgeted = company[company["budget_revenue_value"].notna()]
    opening = projection[projection["month"] == projection["month"].min()]["opening"]
    demand = projection.groupby("month")["demand"].sum().head(3).mean()
    busiest = load.groupby("resource")[["load_hours", "regular_hours"]].sum()
    return pd.Series(
        {
            "forecast_wape_rate": _ratio((families["wape"] * families["volume"]).sum(), volume),
            "forecast_bias_rate": _ratio(
                (families["bias_rate"] * families["volume"]).sum(), volume
            ),
            "on_time_rate": _ratio(delivered["on_time"].sum(), delivered["demand"].sum()),
            "inventory_cover_months": _ratio(opening.clip(lower=0).sum(), demand),
            "utilisation_rate": (busiest["load_hours"] / busiest["regular_hours"]).max(),
            "margin_rate": _ratio(
                company["margin_value"].sum(min_count=1), company["costed_revenue_value"].sum()
            ),
            "budget_attainment_rate": _ratio(
                budgeted["budgeted_revenue_value"].sum(), budgeted["budget_revenue_value"].sum()
            ),
        },
        dtype="float64",
    )


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def status(amounts: pd.Series, targets: pd.DataFrame, *, cycle: pd.Timestamp) -> pd.DataFrame:
    """Table ``kpis``: amount beside target; met, near, missed, no target or not measured.

    Parameters
    ----------
    amounts : Series
        From ``measure``.
    targets : DataFrame
        Table `targets`; those that hold in the cycle month for the whole company.
    cycle : Timestamp
        Month in which the plan is made.
    """
    holds = (targets["first_month"] <= cycle) & (targets["last_month"] >= cycle)
    whole = (targets[schema.LEVELS] == schema.ALL).all(axis=1)
    latest = targets[holds & whole].sort_values("first_month").drop_duplicates("kpi", keep="last")
    target = latest.set_index("kpi")["target"]
    rows = [
        (
            kpi,
            meaning,
            amounts[kpi],
            unit,
            target.get(kpi, np.nan),
            _status(amounts[kpi], target.get(kpi, np.nan), good),
        )
        for kpi, (meaning, unit, good) in DEFINITIONS.items()
    ]
    return pd.DataFrame(rows, columns=["kpi", "meaning", "amount", "unit", "target", "status"])


def _status(amount: float, target: float, good: str) -> str:
    """Met, near (within 5 % of the target), missed; or why it cannot be said.

    Examples
    --------
    >>> _status(0.96, 0.97, "high"), _status(-0.02, 0.03, "near zero")
    ('near', 'met')
    """
    if np.isnan(amount):
        return "not measured"
    if np.isnan(target):
        return "no target"
    if good == "near zero":
        shortfall = abs(amount) - target
    else:
        shortfall = amount - target if good == "low" else target - amount
    if shortfall <= 0:
        return "met"
    return "near" if shortfall <= _NEAR * abs(target) else "missed"
