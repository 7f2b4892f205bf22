"""Scenarios side by side: what each would bring.

Contribution is the margin of what is supplied less what planning spends beyond unit cost: idle and
overtime hours (beyond a regular hour's pay), what others make (beyond unit cost), hiring, set-ups,
changes of rate, transfers, holding, backlog at a given cost, and what is spent once.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.reconciliation.scenarios import PLANNED, Scenario
from sopkit.reconciliation.wording import words
from sopkit.supply import plans
from sopkit.supply.tasks import Task

LATE = 0.5  # units owed from which an item runs late, as on page 04
KPIS = {  # name: words, kind of amount, and whether more is better (1), worse (-1) or neither (0)
    "revenue_value": ("Revenue wanted", "value", 1),
    "supplied_revenue_value": ("Revenue supplied", "value", 1),
    "supplied_margin_value": ("Margin supplied", "value", 1),
    "supply_cost_value": ("Cost of supply", "value", -1),
    "unspent_value": ("Late and lost units, weighed but not spent", "value", -1),
    "beyond_cost_value": ("Costs beyond unit cost", "value", -1),
    "contribution_value": ("Contribution", "value", 1),
    "on_time_rate": ("On time", "rate", 1),
    "late_quantity": ("Units late", "quantity", -1),
    "late_items": ("Items late", "count", -1),
    "peak_utilisation_rate": ("Peak load", "rate", -1),
    "overtime_hours": ("Hours of overtime", "quantity", -1),
    "end_inventory_value": ("Stock at the end", "value", 0),
    "mean_inventory_value": ("Stock on average", "value", 0),
    "fiscal_year_revenue_value": ("Supplied this year", "value", 1),
    "fiscal_year_variance_value": ("Supplied this year to budget", "signed_value", 1),
}
SHOWN = {  # columns of the page's table: their headings
    "title": "Scenario",
    "contribution_value": "Contribution",
    "own_part_value": "Own part",
    "supplied_revenue_value": "Revenue",
    "supplied_margin_value": "Margin",
    "on_time_rate": "On time",
    "late_quantity": "Units late",
    "peak": "Peak load",
    "overtime_hours": "Overtime h",
    "mean_inventory_value": "Stock",
    "fiscal_year_variance_value": "Year to budget",
}
SHOWN_KINDS = {name: KPIS[name][1] for name in SHOWN if name in KPIS}
SHOWN_KINDS |= {"own_part_value": "signed_value"}
_SUPPLIED = {  # KPI: column of `plan_money`
    "revenue_value": "revenue_value",
    "supplied_revenue_value": "constrained_revenue_value",
    "supplied_margin_value": "constrained_margin_value",
}
_IN_UNIT_COST = ("regular hours", "purchases", "material")


def this_year(
    financials: pd.DataFrame, closed: pd.DataFrame, items: pd.DataFrame, company: pd.Series
) -> dict:
    """The fiscal year of the cycle: months to go, revenue to date, budget of the whole year.

    Parameters
    ----------
    financials, closed, items : DataFrame
        Tables `financials`, `closed_financials` and `items`.
    company : Series
        Settings.

    Returns
    -------
    dict
        ``months`` planned of the year; ``closed_value``; ``budget_value``, missing unless it
        speaks of every month; ``budgeted_items`` that it speaks of (None: all) and their
        ``budgeted_closed_value``.
    """
    both = pd.concat([closed.assign(is_plan=False), financials.assign(is_plan=True)])
    terms = company["fiscal_year_first_month"], company["fiscal_year_shift"]
    year = months.fiscal_year(both["month"], *terms)
    both = both[year == year[both["is_plan"]].min()]
    is_company = both["family"] == schema.COMPANY_LABEL
    own, budgeted = both[is_company], both[~is_company & both["budgeted_revenue_value"].notna()]
    is_partial = own["budgeted_revenue_value"].sum() < own["revenue_value"].sum() - LATE
    listed = items.loc[items["family"].isin(budgeted["family"]), "item"]
    past = own[~own["is_plan"]]
    return {
        "months": own.loc[own["is_plan"], "month"].to_numpy(),
        "closed_value": past["revenue_value"].sum(),
        "budget_value": own["budget_revenue_value"].sum(min_count=12),
        "budgeted_closed_value": past["budgeted_revenue_value"].sum(),
        "budgeted_items": set(listed) if is_partial else None,
    }


def kpis(
    task: Task,
    plan: plans.Plan,
    money: pd.DataFrame,
    unit_cost: np.ndarray,
    factor: np.ndarray,
    year: dict,
    *,
    once_value: float = 0.0,
) -> pd.DataFrame:
    """What a supply plan brings, by ``KPIS``.

    Parameters
    ----------
    task, plan : Task, Plan
        Problem and answer.
    money : DataFrame
        Table `plan_money`.
    unit_cost, factor : array (i,)
        Unit cost (missing where unknown) and planning factor of each item.
    year : dict
        From ``this_year``.
    once_value : float
        Spent once, beyond what the plan shows.

    Returns
    -------
    DataFrame
        Key ``kpi``: ``amount`` (missing where nothing tells it), ``detail``: where and when.
    """
    end, full = plans.outcome(task, plan), plans.completed(task, plan)
    owed, held = np.maximum(-end.closing, 0.0), np.maximum(end.closing, 0.0)
    late = (full.lost + np.minimum(owed, task.demand - full.lost)) * factor
    wanted = (task.demand * factor).sum()
    stock = pd.DataFrame(held * unit_cost).sum(axis=1, min_count=1).to_numpy()
    sums = money[[*_SUPPLIED.values()]].sum(min_count=1)
    costs = plans.costs(task, plan).set_index("cost_kind")["amount_value"]
    costs = costs.drop("revenue", errors="ignore")
    spent = _spent(task, plan, costs)
    beyond = _beyond_unit_cost(task, plan, spent, unit_cost) + once_value
    used = end.load / np.where(end.available > 0, end.available, np.nan)
    peak, where = np.nan, ""
    if np.isfinite(used).any():
        t, r = np.unravel_index(np.nanargmax(used), used.shape)
        peak, where = used[t, r], f"{task.resources[r]}, {months.label(task.months[t])}"
    to_go = money[money["month"].isin(year["months"])]
    revenue = year["closed_value"] + to_go["constrained_revenue_value"].sum(min_count=1)
    if year["budgeted_items"] is not None:
        to_go = to_go[to_go["item"].isin(year["budgeted_items"])]
    budgeted = year["budgeted_closed_value"] + to_go["constrained_revenue_value"].sum(min_count=1)
    amounts = {name: sums[column] for name, column in _SUPPLIED.items()} | {
        "supply_cost_value": spent.sum() if task.is_priced else np.nan,
        "unspent_value": costs.sum() - spent.sum() if task.is_priced else np.nan,
        "beyond_cost_value": beyond,
        "contribution_value": sums["constrained_margin_value"] - beyond,
        "on_time_rate": 1.0 - late.sum() / wanted if wanted > 0 else np.nan,
        "late_quantity": late.sum(),
        "late_items": task.keys["item"][(owed > LATE).any(axis=0)].nunique(),
        "peak_utilisation_rate": peak,
        "overtime_hours": end.overtime.sum(),
        "end_inventory_value": stock[-1] if len(stock) else np.nan,
        "mean_inventory_value": stock.mean() if len(stock) else np.nan,
        "fiscal_year_revenue_value": revenue,
        "fiscal_year_variance_value": budgeted - year["budget_value"],
    }
    table = pd.DataFrame({"kpi": [*KPIS], "amount": [float(amounts[name]) for name in KPIS]})
    return table.assign(detail=np.where(table["kpi"] == "peak_utilisation_rate", where, ""))


def _spent(task: Task, plan: plans.Plan, costs: pd.Series) -> pd.Series:
    """Costs by kind that spend money: no lost sales, and no backlog of assumed cost."""
    owed = np.maximum(-plans.outcome(task, plan).closing, 0.0)[:, ~task.is_assumed]
    backlog = np.nansum(owed * task.backlog_cost[:, ~task.is_assumed])
    kinds = costs.drop("lost sales", errors="ignore")
    return kinds.mask(kinds.index == "backlog", backlog)


def _beyond_unit_cost(
    task: Task, plan: plans.Plan, spent: pd.Series, unit_cost: np.ndarray
) -> float:
    """Spent costs that no unit cost holds."""
    end, full = plans.outcome(task, plan), plans.completed(task, plan)
    kinds = spent.drop([*_IN_UNIT_COST], errors="ignore")
    regular = np.nansum(end.overtime * task.regular_cost)  # a unit's cost holds a regular hour
    helped = np.nansum(full.subcontract * unit_cost)
    return float(kinds.sum() - regular - helped)


def beside_base(own: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Table `scenarios`: each scenario's KPIs beside those of the plan, which comes first.

    Parameters
    ----------
    own : dict of DataFrame
        ``kpis`` by name of scenario, ``PLANNED`` among them.
    """
    parts = [table.assign(scenario=name) for name, table in own.items()]
    table = pd.concat(parts, ignore_index=True)
    base = own[PLANNED].set_index("kpi")["amount"]
    table = table.assign(
        base_amount=table["kpi"].map(base), unit=[KPIS[kpi][1] for kpi in table["kpi"]]
    )
    table = table.assign(difference=table["amount"] - table["base_amount"])
    return table[["scenario", "kpi", "amount", "base_amount", "difference", "unit", "detail"]]


_FELT_BY_SUPPLY = ("demand", "capacity", "supplier_loss")
_LISTED = ["scenario", "title", "kind", "statement", "owner", "stands_on", "changes", "finding"]


def listed(
    scenarios: dict[str, Scenario],
    stacks: dict[str, list[Scenario]],
    findings: dict[str, str],
    own_part: dict[str, float],
    frozen: dict[str, float],
    cycle: pd.Timestamp,
) -> pd.DataFrame:
    """Table `scenario_list`: what each scenario says and changes, the plan itself first.

    Parameters
    ----------
    scenarios, stacks : dict
        From ``scenarios.read_all``, and ``scenarios.stack`` of each.
    findings : dict of str
        Why a scenario has no plan; empty where it has one.
    own_part : dict of float
        What each brings beside what it stands on, the plan where that is nothing.
    frozen : dict
        Months in which supply is what is firm, by family or ``default``; empty if none are.
    cycle : Timestamp
        Month in which the plan is made.
    """
    free = months.shift(cycle, int(max(frozen.values(), default=0)))
    rows = [(PLANNED, "As planned", "", "The plan of this cycle, at least cost", "", "", "", "")]
    for name, own in scenarios.items():
        below = ", ".join(part.title for part in stacks[name] if part is not own)
        said = [words(change) for change in own.changes]
        said += [f"{own.cost_value:,.0f} spent once"] if own.cost_value else []
        felt = [c for part in stacks[name] for c in part.changes if c["what"] in _FELT_BY_SUPPLY]
        starts = [change.get("first_month", cycle) for change in felt]
        late = f"Supply cannot answer before {months.label(free)}." if free > cycle else ""
        late = late if any(start < free for start in starts) else ""
        said = "; ".join(said)
        rows.append(
            (name, own.title, own.kind, own.statement, own.owner, below, said)
            + (findings[name] or late,)
        )
    table = pd.DataFrame(rows, columns=_LISTED).astype("str")
    return table.assign(own_part_value=table["scenario"].map(own_part).astype("float64"))


def nothing() -> dict[str, pd.DataFrame]:
    """The tables of scenarios where there are none."""
    texts = {"scenarios": ["scenario", "kpi", "unit", "detail"], "scenario_list": _LISTED}
    texts |= {"scenario_regret": ["choice", "outside"]}
    numbers = {"scenarios": ["amount", "base_amount", "difference"]}
    numbers |= {"scenario_list": ["own_part_value"]}
    numbers |= {"scenario_regret": ["contribution_value", "regret_value", "weight_rate"]}
    return {
        name: pd.DataFrame(columns=[*columns, *numbers[name]]).astype(
            dict.fromkeys(columns, "str") | dict.fromkeys(numbers[name], "float64")
        )
        for name, columns in texts.items()
    }


def wide(table: pd.DataFrame, listed: pd.DataFrame) -> pd.DataFrame:
    """Scenarios down, KPIs across, by title: what the page's table shows.

    Parameters
    ----------
    table, listed : DataFrame
        Tables `scenarios` and `scenario_list`.
    """
    laid = table.pivot(index="scenario", columns="kpi", values="amount")
    laid = laid.reindex(columns=[*KPIS]).reset_index()
    top = table[(table["kpi"] == "peak_utilisation_rate") & table["amount"].notna()]
    peak = {
        row.scenario: f"{row.amount:.0%} {row.detail.rpartition(',')[0]}"
        for row in top.itertuples(index=False)
    }
    shown = listed[["scenario", "title", "own_part_value"]].merge(
        laid, on="scenario", how="left", validate="one_to_one"
    )
    return shown.assign(peak=shown["scenario"].map(peak).astype("str"))
