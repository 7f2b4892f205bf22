"""Goals of the sales strategy: their definitions as data, and what `targets` may say of them."""

from __future__ import annotations

import pandas as pd

from sopkit import currencies
from sopkit.contract import Finding, Source, at, near

# kpi: (what it means, unit, what is good: high or low)
DEFINITIONS = {
    "revenue_value": ("Revenue", "value", "high"),
    "quantity": ("Quantity, in the planning unit", "units", "high"),
    "revenue_share_rate": ("Share of the company's revenue", "rate", "high"),
    "growth_rate": ("Growth of revenue on a year before", "rate", "high"),
    "market_share_rate": ("Share of the market", "rate", "high"),
    "new_market_revenue_value": ("Revenue of what is newly sold", "value", "high"),
    "service_rate": ("Share of demand delivered in its month", "rate", "high"),
    "inventory_turns": ("Inventory turns as planned, of items sold", "turns", "high"),
    "inventory_value": ("Mean stock at cost", "value", "low"),
}
# least and most that a target of each KPI can mean, both with it; absent: a share, 0 to 1
_RANGES = {
    "growth_rate": (-1.0, 5.0),
    "margin_rate": (-1.0, 1.0),
    "utilisation_rate": (0.0, 2.0),
    "budget_attainment_rate": (0.0, 2.0),
}
_PERCENT = 2.0  # a rate this far out was written as percent
MARKET = "market size"  # series of table market: money a month, in the company's currency
Tables = dict[str, pd.DataFrame]


def check_targets(
    tables: Tables,
    sources: dict[str, Source],
    company: pd.Series,
    cycle: pd.Timestamp,
    units: dict[str, str],
) -> list[Finding]:
    """Breaches of `targets`: no unit, a strange one, money without a rate, impossible rates.

    Parameters
    ----------
    tables, sources, company, cycle
        As for ``across.check_across``.
    units : dict
        The unit of each KPI that sopkit knows; rows of others are left to the check of names.
    """
    goals = tables["targets"]
    if goals.empty:
        return []
    wanted = goals["kpi"].map(units)
    foreign = sorted(set(tables["rates"]["currency"].dropna()))
    found = []
    for unit in wanted.dropna().unique():
        known = [unit]
        known += [company["currency"], *foreign] if unit == "value" else []
        known += [company["planning_unit"]] if unit == "units" else []
        shown = " or ".join(known[:2])
        own = wanted.eq(unit)
        blank, strange = own & goals["unit"].isna(), own & ~goals["unit"].isin(known)
        for rows, message in (
            (blank, "no unit, so nobody can tell what the target means."),
            (strange & ~blank, f"its KPI is measured in {shown}."),
        ):
            if rows.any():
                first = goals["unit"][rows].iloc[0]
                hint = near(first, known) if isinstance(first, str) else ""
                is_money = unit == "value" and isinstance(first, str) and not hint
                remedy = f"Write {shown} in {sources['targets'].label}"
                remedy += f", or add the rate of {first} to rates." if is_money else "."
                remedy = f"{remedy} {hint}".strip()
                where = ("targets", goals, rows, sources["targets"], "unit", message, remedy)
                found.append(at(*where, shown=None if rows is blank else goals["unit"]))
    found += _without_rate(tables, sources, company["currency"], cycle, wanted)
    return found + _beyond(goals, sources, wanted)


def _beyond(goals: pd.DataFrame, sources: dict, wanted: pd.Series) -> list[Finding]:
    """Rates that cannot be meant, percent most of all."""
    found = []
    for kpi, own in goals[wanted.eq("rate") & goals["unit"].eq("rate")].groupby("kpi"):
        least, most = _RANGES.get(kpi, (0.0, 1.0))
        odd = own["target"][~own["target"].between(least, most)]
        if len(odd):
            first, label = odd.iloc[0], sources["targets"].label
            remedy = f"Write a rate from {least:g} to {most:g} in {label}."
            if abs(first) >= _PERCENT and least <= first / 100 <= most:
                remedy = f"Write {first / 100:g} for {first:g} % in {label}: rates are no percent."
            message = f"{kpi} lies between {least:g} and {most:g}."
            rows = goals.index.isin(odd.index)
            where = ("targets", goals, rows, sources["targets"], "target", message, remedy)
            found.append(at(*where, shown=goals["target"]))
    return found


def _without_rate(tables, sources, currency, cycle, wanted) -> list[Finding]:
    """Money in a currency that `rates` names without a rate to plan with."""
    goals = tables["targets"]
    unit = goals["unit"].where(wanted.eq("value") & ~goals["unit"].isin(["value", currency]))
    unit = unit.where(unit.isin(tables["rates"]["currency"]))
    lacking = unit.notna() & ~(_rate(goals, unit, tables["rates"], cycle) > 0)
    if not lacking.any():
        return []
    message = f"no rate of {unit[lacking].iloc[0]} to plan with."
    remedy = "Add it to rates: currency, month, kind budget, rate."
    where = ("targets", goals, lacking, sources["targets"], "unit", message, remedy)
    return [at(*where, shown=goals["unit"])]


def _rate(goals: pd.DataFrame, unit: pd.Series, rates: pd.DataFrame, cycle: pd.Timestamp):
    """Rate of each goal's currency in its first month, or the cycle's if that has passed."""
    when = goals["first_month"].clip(lower=cycle)
    return currencies.rates_of(unit, when, rates, cycle, currencies.PLAN)


def in_company_currency(
    targets: pd.DataFrame, rates: pd.DataFrame, *, currency: str, cycle: pd.Timestamp
) -> pd.DataFrame:
    """Targets with money of other currencies converted, at the rate to plan with."""
    is_foreign = targets["unit"].isin(rates["currency"]) & targets["unit"].ne(currency)
    rate = _rate(targets, targets["unit"].where(is_foreign), rates, cycle)
    return targets.assign(target=targets["target"] * rate.where(is_foreign, 1.0))
