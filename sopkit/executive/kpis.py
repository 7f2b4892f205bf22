"""KPIs as data, one line each: what each means, how it is computed, and what is good.

A KPI is a factor times one measure over another (``measures``), over closed months or of this
cycle's plan. Those over closed months can be asked of any months and members: ``over``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sopkit import months, schema

# name | unit | good | near | months | factor numerator / denominator
#   meaning
#   what would switch it on
# good: high, low or near zero. near: share of the target by which a missed one is amber, not red.
# months: so many last closed ones, or the plan (0). denominator: a measure, `months` for a mean
# month, `one` for a sum.
_KPIS = """
forecast_wape_rate | rate | low | 0.05 | 0 | forecast_error / forecast_volume
  Error of the statistical forecast, three months ahead
  longer sales
forecast_bias_rate | rate | near zero | 0.05 | 0 | forecast_bias / forecast_volume
  Bias of the statistical forecast: positive is too high
  longer sales
plan_wape_rate | rate | low | 0.05 | 0 | plan_error / plan_volume
  Error of the demand plan, three months ahead
  four cycles, or data/raw/plan_history.csv
plan_bias_rate | rate | near zero | 0.05 | 0 | plan_bias / plan_volume
  Bias of the demand plan: positive is too high
  four cycles, or data/raw/plan_history.csv
on_time_rate | rate | high | 0.05 | 3 | on_time / delivered
  Delivered in time, last three months
  on_time_quantity in data/raw/sales.csv
service_rate | rate | high | 0.05 | 0 | planned_on_time / planned_demand
  Planned demand delivered in its month
  data/raw/inventory.csv or resources.csv
backlog_quantity | units | low | 0.05 | 1 | backlog_quantity / one
  Owed to customers
  backlog in data/raw/inventory.csv
backlog_value | value | low | 0.05 | 1 | backlog_value / one
  Owed to customers, at price
  backlog in data/raw/inventory.csv, and prices
inventory_turns | turns | high | 0.05 | 12 | 12 cost_value / stock_value
  Inventory turns, last twelve months, of items sold
  data/raw/inventory.csv, and unit_cost_value of items
inventory_days | days | low | 0.05 | 1 | 30.4 stock_value / next_value
  Stock in days of the demand that follows, at cost
  data/raw/inventory.csv, and unit_cost_value of items
inventory_cover_months | months | low | 0.05 | 1 | stock_quantity / next_quantity
  Stock in months of the demand that follows
  data/raw/inventory.csv
utilisation_rate | rate | low | 0.05 | 0 | busiest_load_hours / busiest_regular_hours
  Mean load of the busiest resource, of regular hours
  data/raw/resources.csv and routings.csv
peak_utilisation_rate | rate | low | 0.05 | 0 | peak_rate / one
  Load in the busiest month of any resource
  data/raw/resources.csv and routings.csv
overtime_share_rate | rate | low | 0.05 | 0 | overtime_hours / load_hours
  Overtime, share of planned hours
  data/raw/resources.csv and routings.csv
workforce_swing_rate | rate | low | 0.05 | 0 | workers_moved / workers
  People who come or go, share of all
  maximum_workers in data/raw/resources.csv
plan_adherence_rate | rate | high | 0.05 | 0 | made_as_planned / made
  Made as planned, in the month of the plan
  a past cycle, and data/raw/production.csv
margin_rate | rate | high | 0.05 | 0 | planned_margin_value / planned_costed_value
  Margin over revenue, planned months
  prices, and unit_cost_value of items
budget_attainment_rate | rate | high | 0.05 | 0 | planned_budgeted_value / planned_budget_value
  Planned revenue, share of the budget of its months
  data/raw/budget.csv and prices
market_share_rate | rate | high | 0.05 | 0 | market_revenue_value / market_value
  Market share, last twelve months known
  `market size` of all families in data/raw/market.csv
views_in_time_rate | rate | high | 0.05 | 0 | views_in_time / views_wanted
  Departments whose view came in time
  entered_at of submissions, and meetings in company.yml
overridden_rate | rate | low | 0.05 | 0 | overridden / consensus
  Moved by overrides, share of the plan
  a demand plan
data_notices | count | low | 0.05 | 0 | notices / one
  Notices of the check of raw tables
  a check
steps_reopened | count | low | 0.05 | 0 | reopened / one
  Steps reopened in the last cycle and this one
  closed steps
pulse_score | score | high | 0.05 | 0 | score / one
  Score of the last cycle's meetings, 1 to 5
  data/raw/pulse.csv
"""
# what else an action may promise to move, over closed months alone
_PROMISED = {  # kpi: what it means, unit, formula
    "revenue_value": ("Revenue", "value", "revenue_value / one"),
    "quantity": ("Quantity sold", "units", "quantity / one"),
    "margin_rate": ("Margin over revenue", "rate", "margin_value / costed_revenue_value"),
    "inventory_value": ("Mean stock at cost", "value", "stock_value / months"),
}
_STOCK_LEVELS = {"item", "family", "category"}  # stock is not held for a customer
_FORMULA = re.compile(r"(?:([\d.]+) )?(\w+) / (\w+)")


class NotMeasured(ValueError):
    """A KPI that cannot be told; the message says why."""


@dataclass(frozen=True)
class Kpi:
    """What it means, how it is computed, what is good, and when a missed one is near."""

    unit: str
    good: str
    near_rate: float
    closed_months: int  # 0: of this cycle's plan
    formula: str
    meaning: str
    switched_on_by: str


def _kpis() -> dict[str, Kpi]:
    made = {}
    for head, meaning, missing in re.findall(r"(\S.*)\n  (.*)\n  (.*)", _KPIS):
        name, unit, good, near, closed, formula = head.split(" | ")
        made[name] = Kpi(unit, good, float(near), int(closed), formula, meaning, missing)
    return made


KPIS = _kpis()
# kpi: (what it means, unit, what is good), as in ``goals``
DEFINITIONS = {name: (kpi.meaning, kpi.unit, kpi.good) for name, kpi in KPIS.items()}


def measure(
    sold: pd.DataFrame, held: pd.DataFrame, told: dict[str, float], *, cycle: pd.Timestamp
) -> pd.Series:
    """Amount of each KPI for the whole company; missing where its measures are.

    Parameters
    ----------
    sold, held : DataFrame
        From ``measures``.
    told : dict
        From ``measures.planned`` and ``measures.process``.
    cycle : Timestamp
        Month in which the plan is made.
    """
    amounts = {}
    for name, kpi in KPIS.items():
        try:
            if kpi.closed_months:
                span = months.closed(cycle, kpi.closed_months)
                amounts[name] = over(name, sold, held, span, {})
            else:
                factor, part, whole = _parts(kpi.formula)
                amounts[name] = _ratio(factor * told[part], {**told, "one": 1.0}[whole])
        except NotMeasured:
            amounts[name] = np.nan
    return pd.Series(amounts, dtype="float64")


def _parts(formula: str) -> tuple[float, str, str]:
    factor, part, whole = _FORMULA.fullmatch(formula).groups()
    return float(factor or 1.0), part, whole


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def over(
    name: str,
    sold: pd.DataFrame,
    held: pd.DataFrame,
    span: pd.DatetimeIndex,
    levels: dict[str, str],
) -> float:
    """A KPI over some closed months, of some members.

    Parameters
    ----------
    name : str
        One of ``KPIS``, or revenue_value, quantity, margin_rate, inventory_value.
    sold, held : DataFrame
        From ``measures``.
    span : DatetimeIndex
        Its months.
    levels : dict
        Level column → member; none is the whole company.

    Raises
    ------
    NotMeasured
        If it is not told by month or by these levels, or a month lacks its measures.

    Examples
    --------
    >>> span = months.span(pd.Timestamp("2025-11-01"), 2)
    >>> sold = pd.DataFrame({"month": span, "on_time": [8.0, 9.0], "delivered": [10.0, 10.0]})
    >>> over("on_time_rate", sold, pd.DataFrame(), span, {})
    0.85
    """
    formula = KPIS[name].formula if name in KPIS else ""
    formula = _PROMISED[name][2] if name in _PROMISED else formula
    factor, part, whole = _parts(formula) if formula else (1.0, "", "")
    table = next((table for table in (sold, held) if part in table), None)
    if table is None:
        raise NotMeasured(f"{name} is not told by month")
    if odd := sorted(set(levels) - (_STOCK_LEVELS if table is held else set(schema.LEVELS))):
        raise NotMeasured(f"stock is known by {', '.join(sorted(_STOCK_LEVELS))}, not by {odd[0]}")
    own = table[table["month"].isin(span)]
    for level, member in levels.items():
        own = own[own[level] == member]
    known = own[own[part].notna()]
    lacking = span.difference(pd.DatetimeIndex(known["month"]))
    if len(lacking):
        raise NotMeasured(f"nothing tells it for {months.label(lacking[0])}")
    scale = {"one": 1.0, "months": float(len(span))}
    return _ratio(
        factor * float(known[part].sum()),
        scale[whole] if whole in scale else float(known[whole].sum()),
    )


def told_as(name: str) -> tuple[str, str]:
    """What a KPI is called over any months, and its unit; blank where it is not known here."""
    if name in _PROMISED:
        return _PROMISED[name][:2]
    return (KPIS[name].meaning.split(",")[0], KPIS[name].unit) if name in KPIS else (name, "")
