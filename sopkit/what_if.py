"""What a cycle's plan would be with some changes: scenarios, and the explorer's questions.

Sequences of calls, as in ``steps``: the changed tables become a supply problem, that a plan of
least cost, that figures beside the base.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np
import pandas as pd

from sopkit import currencies, headlines, months, schema, supply_problem
from sopkit.demand import hierarchy
from sopkit.kept import Kept
from sopkit.reconciliation import (
    changes,
    closing,
    comparison,
    levers,
    money,
    regret,
    scenarios,
    verdicts,
)
from sopkit.supply import (
    allocation,
    families,
    least_cost,
    offers,
    plans,
    shortages,
    sites,
    strategies,
    tasks,
)

Tables = dict[str, pd.DataFrame]
_MOST_KEPT = 40  # plans of scenarios kept, in case only money differs the next time


def start(
    tables: Tables,
    financials: pd.DataFrame,
    closed: pd.DataFrame,
    *,
    cycle: pd.Timestamp,
    kept: Kept | None = None,
) -> dict:
    """What the scenarios of a cycle start from, its least-cost plan without any change first.

    Parameters
    ----------
    tables : dict of DataFrame
        What the reconciliation reads.
    financials, closed : DataFrame
        Tables `financials` and `closed_financials`.
    cycle : Timestamp
        Month in which the plan is made.
    kept : Kept, optional
        What is known of these tables already.

    Returns
    -------
    dict
        For ``answer``; ``planned`` is its answer to no change.

    Raises
    ------
    UsageError
        If there is no demand, or no plan keeps all rules.
    """
    if tables["demand_plan"].empty:
        raise months.UsageError("There is no demand to supply, so nothing can be tried here.")
    company, items = tables["company"].iloc[0], tables["items"]
    base = {
        "tables": tables,
        "cycle": cycle,
        "year": comparison.this_year(financials, closed, items, company),
        "factors": currencies.month_factors(tables["demand_plan"], tables, cycle=cycle),
        "kept": Kept() if kept is None else kept,
        "plans": {},
    }
    try:
        return base | {"planned": answer(base)}
    except ValueError as error:
        raise months.UsageError(f"The supply of this cycle cannot be planned: {error}") from error


def answer(base: dict, asked: Iterable[dict] = (), *, once_value: float = 0.0) -> dict:
    """The plan of least cost with some changes, and what it brings.

    Parameters
    ----------
    base : dict
        From ``start``.
    asked : iterable of dict
        As in ``scenarios.Scenario.changes``.
    once_value : float
        Spent once, beyond what the plan shows.

    Returns
    -------
    dict
        ``task``, ``plan``, ``kpis`` (from ``comparison.kpis``). They depend on the base and the
        changes alone, not on what was asked before.

    Raises
    ------
    ValueError
        If a change cannot be applied (a UsageError), or no plan keeps all rules.
    """
    asked = list(asked)
    kept = base["kept"]
    tables = base["tables"] | changes.applied(base["tables"], asked, cycle=base["cycle"], kept=kept)
    mark = repr([change for change in asked if not changes.is_money(change)])
    if len(base["plans"]) >= _MOST_KEPT:
        base["plans"].clear()
        kept.clear()
    if mark not in base["plans"]:
        task, laid = supply_problem.task(tables, cycle=base["cycle"], kept=kept)
        family = schema.lookup(task.keys["item"], tables["items"], "family")
        plan = _least_cost(base, task, family.fillna(task.keys["item"]))
        base["plans"][mark] = task, laid, plan
    task, laid, plan = base["plans"][mark]
    items, site = tables["items"], task.keys["item"]
    delivered = shortages.deliveries(plans.table(task, plan))
    factors = base["factors"].mul(tables["demand_plan"].get("price_rate", 1.0), axis=0)
    valued = plan_money(tables, delivered, factors, kept)
    once = changes.event_costs(base["tables"]["events"], tables["events"], task.months)
    told = comparison.kpis(
        task,
        plan,
        valued,
        supply_problem.unit_cost(site, laid),
        hierarchy.factors(site, items).to_numpy(),
        base["year"],
        once_value=once_value + once,
    )
    return {"task": task, "plan": plan, "kpis": told}


def _least_cost(base: dict, task: tasks.Task, family: pd.Series) -> plans.Plan:
    """The plan of least cost from the base's own, which the solver keeps; large ones by family."""
    if task.demand.size > families.MOST_CELLS:
        return strategies.plan(task, "least cost", family=family)
    if "session" not in base:
        base["session"] = least_cost.Session(task)
        plan = base["session"].solve()
        base["session"].stay()
        return plan
    return base["session"].solve(task)


def plan_money(
    tables: Tables, delivered: pd.DataFrame, factors: pd.DataFrame, kept: Kept | None = None
) -> pd.DataFrame:
    """Table `plan_money`, with ``currencies.month_factors`` by row of the plan."""
    plan, rates = tables["demand_plan"], tables["money_rates"]
    kept = Kept() if kept is None else kept
    asked = (tables[name] for name in ("orders", "items", "locations", "agreed"))
    wanted = kept.of(sites.series_demand, plan, *asked)
    rule = tables["company"]["allocation_rule"].iloc[0]
    shared = allocation.allocation(wanted, delivered, tables["channels"], rates, rule=rule)
    return money.plan_money(plan, shared, rates, factors)


def all_tried(
    tables: Tables,
    financials: pd.DataFrame,
    closed: pd.DataFrame,
    *,
    cycle: pd.Timestamp,
    kept: Kept,
) -> Tables:
    """What scenarios and levers would change, from one base; ``kept`` is what is known already."""
    known = _counting(tables, cycle)
    if tables["demand_plan"].empty or not (known or len(tables["levers"])):
        return _with_facts(comparison.nothing(), []) | verdicts.nothing()
    base = start(tables, financials, closed, cycle=cycle, kept=kept)
    found = _with_facts(comparison.nothing(), []) if not known else _every_scenario(base, known)
    return found | (best_levers(base) if len(tables["levers"]) else verdicts.nothing())


def _counting(tables: Tables, cycle: pd.Timestamp) -> dict[str, scenarios.Scenario]:
    """The scenarios that count in this cycle."""
    company = tables["company"].iloc[0]
    ahead = months.horizon(cycle, company["horizon"], company["fiscal_year_first_month"])
    known, odd = scenarios.read_all(tables["scenario_files"], tables, cycle=cycle, horizon=ahead)
    known = {n: own for n, own in known.items() if n not in set(tables["decided"]["scenario"])}
    if broken := [finding for finding in odd if finding.state == "breach"]:
        raise months.UsageError(f"{broken[0].table}: {broken[0].message} {broken[0].remedy}")
    return known


def _every_scenario(base: dict, known: dict[str, scenarios.Scenario]) -> Tables:
    """Every scenario that counts beside the plan, and choices against what may happen."""
    tables, company = base["tables"], base["tables"]["company"].iloc[0]
    stacks = {name: scenarios.stack(known, name) for name in known}
    own, findings = {scenarios.PLANNED: base["planned"]["kpis"]}, {}
    for name, parts in stacks.items():
        own[name], findings[name] = _answered(base, parts)
    own_part = {name: _own_part(base, own, parts) for name, parts in stacks.items()}
    choices, outside, left_out = regret.pairs(known, regret.contribution(own))
    rows = []
    for choice, state in itertools.product(choices, outside):
        parts = stacks.get(state, [])
        parts = [*parts, *(own for own in stacks.get(choice, []) if own not in parts)]
        is_alone = scenarios.PLANNED in (choice, state)
        single = choice if state == scenarios.PLANNED else state
        told = own[single] if is_alone else _answered(base, parts)[0]
        rows.append((choice, state, regret.contribution({single: told})[single]))
    combined = pd.DataFrame(rows, columns=["choice", "outside", "contribution_value"])
    frozen = company["frozen_months"] if len(tables["scheduled_receipts"]) else {}
    results = {
        "scenarios": comparison.beside_base(own),
        "scenario_list": comparison.listed(
            known, stacks, findings, own_part, frozen, base["cycle"]
        ),
        "scenario_regret": regret.regret(combined, known),
    }
    return _with_facts(results, left_out)


def _with_facts(results: Tables, left_out: list[str]) -> Tables:
    """The tables of scenarios, and the figures of their sentences."""
    ranked = regret.robust(results["scenario_regret"])
    states = results["scenario_regret"]["outside"].nunique()
    beside = results["scenarios"], results["scenario_list"]
    return results | {"scenario_facts": headlines.scenarios(*beside, ranked, states, left_out)}


def _own_part(base: dict, own: Tables, parts: list[scenarios.Scenario]) -> float:
    """Contribution of the last of some scenarios beside that of those below it, or of the plan."""
    below = parts[-1].stands_on
    single = (*(name for name in below if name in own), scenarios.PLANNED)[0]
    told = own[single] if len(below) < 2 else _answered(base, parts[:-1])[0]
    pair = regret.contribution({"with": own[parts[-1].name], "without": told})
    return float(pair["with"] - pair["without"])


def _answered(base: dict, parts: list[scenarios.Scenario]) -> tuple[pd.DataFrame, str]:
    """KPIs of some scenarios together; missing, with the reason, where there is no plan."""
    changes = [change for part in parts for change in part.changes]
    try:
        told = answer(base, changes, once_value=sum(part.cost_value for part in parts))
    except ValueError as error:
        return base["planned"]["kpis"].assign(amount=np.nan, detail=""), str(error)
    return told["kpis"], ""


def best_levers(base: dict) -> Tables:
    """Which levers bring most within limits, why others are left, and the plan with them.

    ``base`` comes from ``start``.
    """
    tables, task = base["tables"], base["planned"]["task"]
    company, plan = tables["company"].iloc[0], _worth(base, tables)
    laid = levers.laid_out(tables["levers"], plan, task, tables["resources"], cycle=base["cycle"])
    names, uses, most = verdicts.limits(laid, company)
    terms = (laid.table["cost_value"].to_numpy(), uses, most, verdicts.pairs(laid.table))
    search = closing.Search(_offered(task, laid, plan, "worth_value").saved, *terms)
    until = int(np.isin(task.months, base["year"]["months"]).sum()) - 1
    reach = closing.Search(_offered(task, laid, plan, "price_value", until).saved, *terms)
    best, chosen = verdicts.choice(search, laid, names)
    chosen = levers.beyond_decisions(chosen, laid, tables["decided"], plan)
    pulled = [levers.as_change(row) for row in laid.table[best].to_dict("records")]
    whole = answer(base, pulled)
    load = plans.outcome(whole["task"], whole["plan"]).load
    paid = verdicts.wages(laid, best, task, load)  # the levers' cost holds them
    told = answer(base, pulled, once_value=search.cost @ best - paid)["kpis"]
    planned = base["planned"]["kpis"]
    lacking = -planned.set_index("kpi")["amount"]["fiscal_year_variance_value"]
    return {
        "lever_choice": chosen,
        "lever_effects": verdicts.effects(laid),
        "lever_limits": verdicts.limit_table(search, laid, best, names),
        "lever_sets": verdicts.sets(search, reach, best, laid, lacking),
        "lever_plan": verdicts.beside_plan(planned, told, search.net(best)),
    }


def _worth(base: dict, tables: Tables) -> pd.DataFrame:
    """The demand plan with its levels, site, price and what a further unit brings.

    That is its price less the part of its unit cost that the supply plan does not count: none of
    what is bought, all but regular hours of what is made.
    """
    task = base["planned"]["task"]
    paid = (task.hours[: len(task.keys)] * np.nan_to_num(task.regular_cost.mean(axis=0))).sum(
        axis=1
    )
    counted = pd.Series(paid).groupby(task.keys["item"].to_numpy()).max()
    items, places = tables["items"], tables["locations"]
    plan = hierarchy.with_levels(tables["demand_plan"], items, places, tables["channels"])
    priced = plan.merge(tables["money_rates"], on=schema.SERIES, how="left", validate="m:1")
    is_bought = schema.lookup(plan["item"], items, "is_purchased").fillna(False).astype(bool)
    price = priced["unit_price_value"] * base["factors"]["plan"].to_numpy()
    cost = priced["unit_cost_value"]
    beyond = (
        (cost - plan["item"].map(counted).fillna(0.0)).clip(lower=0.0).where(~is_bought, 0.0 * cost)
    )
    return plan.assign(
        factor=hierarchy.factors(plan["item"], items),
        site=sites.stocking_site(plan, items, places),
        price_value=price,
        worth_value=price - beyond,
    )


def _offered(
    task: tasks.Task, laid: levers.Laid, plan: pd.DataFrame, worth: str, until: int | None = None
) -> offers.Offers:
    """Levers beside the plan of least cost; a large plan's by family."""
    value = laid.value if until is None else laid.revenue.copy()
    units, owed = laid.units, plan.groupby(["item", "site"])[worth].mean()
    owed = owed.reindex(pd.MultiIndex.from_frame(task.keys)).fillna(0.0).to_numpy()
    if until is not None:
        value[:, until + 1 :] = 0.0
    if task.demand.size > families.MOST_CELLS:
        family = plan.drop_duplicates("item").set_index("item")["family"]
        codes = families.codes(task, family.reindex(task.keys["item"]))
        member = np.eye(codes.max() + 1)[codes]
        task, units = families.grouped(task, codes), units @ member
        owed = owed @ member / member.sum(axis=0)
    return offers.Offers(task, laid.hours, units, value, owed, until=until)
