"""The parts of the reconciliation, each a sequence of calls that ``steps`` puts together."""

from __future__ import annotations

import pandas as pd

from sopkit import currencies, months, schema, supply_problem, ties, what_if
from sopkit.demand import hierarchy, intervals
from sopkit.executive import assumptions
from sopkit.kept import Kept
from sopkit.reconciliation import (
    bridge,
    cash,
    disconnects,
    finance,
    gap_leaves,
    gap_tree,
    goals,
    horizons,
    money,
    outlook,
    paths,
    risk,
    strategy,
)
from sopkit.supply import capacity, inventory, sites

Tables = dict[str, pd.DataFrame]


def money_tables(tables: Tables, *, cycle: pd.Timestamp, kept: Kept) -> Tables:
    """The plan in money by series, and at every level with what it costs and ties up."""
    rates, company = tables["money_rates"], tables["company"].iloc[0]
    plan = tables["demand_plan"]
    factors = currencies.month_factors(plan, tables, cycle=cycle)
    factors = factors.mul(plan.get("price_rate", 1.0), axis=0)  # where prices were decided
    by_series = what_if.plan_money(tables, tables["deliveries"], factors, kept)
    by_level = money.by_level(
        tables,
        by_series,
        finance.closed_series(tables["demand_history"], rates),
        fiscal_year_first_month=int(company["fiscal_year_first_month"]),
    )
    return {"plan_money": by_series, "money_by_level": by_level}


def cash_tables(tables: Tables, plan_money: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Table `cash_flow`, and channels and suppliers whose terms are not known."""
    booked = finance.closed_series(tables["demand_history"], tables["money_rates"])
    flows = cash.flows(tables, plan_money, booked)
    span = pd.DatetimeIndex(sorted(plan_money["month"].unique()))
    return cash.cash_flow(flows, span), cash.without_terms(flows)


def _fiscal_year(month: pd.Series, tables: Tables) -> pd.Series:
    return months.fiscal_year(month, *_fiscal_terms(tables))


def _fiscal_terms(tables: Tables) -> tuple[int, int]:
    """First month of the fiscal year, and by how much its name differs from its last year."""
    company = tables["company"].iloc[0]
    return int(company["fiscal_year_first_month"]), int(company["fiscal_year_shift"])


def outlook_tables(
    tables: Tables,
    plan_money: pd.DataFrame,
    closed: pd.DataFrame,
    financials: pd.DataFrame,
    quarters: pd.DataFrame,
    *,
    cycle: pd.Timestamp,
) -> Tables:
    """Fiscal year and the next beside budget, last year and last outlook, and why."""
    terms, last_plan = _fiscal_terms(tables), tables["ledger_financials"]
    last_plan = last_plan[last_plan["cycle"] == last_plan["cycle"].max()]
    months_of = outlook.monthly(closed, financials)
    table = outlook.outlook(
        months_of, quarters, tables["previous_outlook"], cycle=cycle, terms=terms
    )
    moved = plan_money["revenue_value"] - plan_money["last_year_rate_revenue_value"]
    exchange = moved.groupby(plan_money["month"]).sum()
    steps_between = outlook.outlook_bridge(
        table, months_of, last_plan, exchange, cycle=cycle, terms=terms
    )
    return {"outlook": table, "outlook_bridge": steps_between}


def horizon_tables(
    tables: Tables, plan_money: pd.DataFrame, budget: pd.DataFrame, *, cycle: pd.Timestamp
) -> Tables:
    """The plan of the next months by item, and of the years ahead against capacity."""
    terms, items, resources = _fiscal_terms(tables), tables["items"], tables["resources"]
    first = int(months.fiscal_year(pd.Series([cycle]), *terms).iloc[0])
    ahead = int(tables["company"]["strategic_years"].iloc[0])
    start = months.shift(cycle, -((cycle.month - terms[0]) % 12))
    span = months.span(start, 12 * (ahead + 1))
    years = horizons.strategic_years(
        finance.closed_series(tables["demand_history"], tables["money_rates"]),
        plan_money,
        items,
        budget,
        capacity.bills(tables["routings"], items, resources, tables["production"]),
        capacity.available_hours(resources, tables["capacity"], tables["calendar"], span),
        resources,
        years=list(range(first, first + ahead + 1)),
        terms=terms,
    )
    return {"near_items": horizons.near_items(plan_money, items), "strategic_years": years}


def gap_tables(
    tables: Tables, results: Tables, budget: pd.DataFrame, *, cycle: pd.Timestamp
) -> Tables:
    """Gaps of what can be supplied to demand, budget, last year and targets, with owners."""
    items, check = tables["items"], results["strategy_check"]
    sold = finance.closed_series(tables["demand_history"], tables["money_rates"])
    plan, closed = (_in_common(table, tables) for table in (results["plan_money"], sold))
    begun = closed[closed["month"] >= months.shift(cycle, -2)]  # of a quarter that goes on
    begun = begun.assign(
        quantity=begun["net"],
        constrained_revenue_value=begun["revenue_value"],
        constrained_margin_value=begun["margin_value"],
    )
    plan = plan.assign(period=_fiscal_year(plan["month"], tables))
    whole = pd.concat(
        [begun.assign(period=_fiscal_year(begun["month"], tables)), plan], ignore_index=True
    )
    sides = {
        gap_tree.DEMAND: gap_tree.beside_demand(plan),
        gap_tree.BUDGET: gap_tree.beside_budget(whole, budget, cycle=cycle),
        gap_tree.LAST_YEAR: gap_tree.beside_last_year(plan, closed, cycle=cycle),
    }
    apart = {name: gap_tree.taken_apart(cells, name) for name, cells in sides.items()}
    parts = pd.concat([table for table, _ in apart.values()], ignore_index=True)
    goals_of = gap_tree.beside_targets(check, _fiscal_year(check["last_month"], tables))
    tree = pd.concat([gap_tree.nodes(parts), goals_of], ignore_index=True)
    by_month = results["gaps"].assign(period=_fiscal_year(results["gaps"]["month"], tables))
    lead = sites.lead_days(plan["item"], items, tables["suppliers"]) / sites.DAYS_A_MONTH
    leads = gap_leaves.lead_months(plan, lead, tables["company"]["frozen_months"].iloc[0])
    groups = {name: group for name, (_, group) in apart.items() if name != gap_tree.DEMAND}
    return {
        "gap_parts": parts,
        "gap_tree": tree,
        "gap_mix": gap_tree.mix_movers(parts),
        "gap_leaves": gap_leaves.leaves(tree, by_month, leads, tables["events"], cycle=cycle),
        "gap_levels": gap_tree.mix_levels(groups),
    }


def contradictions(tables: Tables, *, cycle: pd.Timestamp) -> Tables:
    """Assumptions judged, goals of the sales strategy checked, and where plans contradict."""
    items, company, stock = tables["items"], tables["company"].iloc[0], tables["deliveries"]
    plan, past = (_levelled(tables[name], tables) for name in ("plan_money", "demand_history"))
    bills = capacity.bills(tables["routings"], items, tables["resources"], tables["production"])
    levels, frozen = company["service_levels"], company["frozen_months"]
    known = tables | {
        "plan": plan,
        "uses": disconnects.uses(bills, stock["item"]),
        "terms": sites.replenishment(
            stock, items, tables["locations"], tables["suppliers"], levels, frozen
        ),
        "targets": goals.in_company_currency(
            tables["targets"], tables["rates"], currency=company["currency"], cycle=cycle
        ),
        "flow": strategy.flows(past, plan, tables["money_rates"]),
        "stock": strategy.stock(tables["inventory_projection"], stock, items, tables["money_rates"])
        if len(tables["inventory"])
        else pd.DataFrame(),
        "assumption_states": _judged(tables, cycle=cycle),
    }
    known["strategy_check"] = strategy.strategy_check(
        known["targets"], known, cycle=cycle, currency=company["currency"]
    )
    known["disconnects"] = disconnects.disconnects(
        known, cycle=cycle, materiality_value=company["materiality_value"]
    )
    return {name: known[name] for name in ("assumption_states", "strategy_check", "disconnects")}


def _levelled(table: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """A table of series with all their levels and the factor to the common unit."""
    table = hierarchy.with_levels(table, tables["items"], tables["locations"], tables["channels"])
    return table.assign(factor=hierarchy.factors(table["item"], tables["items"]))


def _in_common(table: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """A table of series in planning units, with all their levels."""
    items, places, channels = (tables[name] for name in ("items", "locations", "channels"))
    return hierarchy.with_levels(hierarchy.in_planning_units(table, items), items, places, channels)


def _judged(tables: Tables, *, cycle: pd.Timestamp) -> pd.DataFrame:
    """Assumptions, each held, broken, expired or untested in this cycle."""
    past, plan = (_in_common(tables[name], tables) for name in ("demand_history", "demand_plan"))
    priced = tables["demand_plan"].merge(
        tables["money_rates"], on=schema.SERIES, how="left", validate="many_to_one"
    )
    price = priced["unit_price_value"]
    carried = (priced["departments"] + priced["overrides"]) * price
    ahead = pd.DatetimeIndex(sorted(plan["month"].unique()))
    hours = capacity.available_hours(  # what was decided is no sign against what was assumed
        tables["resources"], tables["given_capacity"], tables["calendar"], ahead
    )
    measures = {
        "demand": past.assign(amount=past["demand"]),
        "revenue": past.assign(amount=past["revenue_value"]),
        "plan": plan.assign(amount=plan["consensus"]),
        "hours": hours.assign(amount=hours["regular_hours"]),
    }
    planned = plan.assign(
        amount=(priced["consensus"] * price).to_numpy(), carried=carried.to_numpy()
    )
    return assumptions.judged(tables["assumptions"], measures, planned, cycle=cycle)


def futures(tables: Tables, results: Tables, *, cycle: pd.Timestamp, kept: Kept) -> Tables:
    """What possible demand would make of the plan: chances of stock-out, overload, budget."""
    items, places = tables["items"], tables["locations"]
    forecast = tables["forecast"].sort_values(schema.SERIES_MONTH, ignore_index=True)
    task, _ = supply_problem.task(tables, cycle=cycle, kept=kept)
    plan = paths.base(
        task, *(tables[name] for name in ("supply_plan", "inventory_projection", "resource_load"))
    )
    keys = forecast[schema.SERIES].drop_duplicates(ignore_index=True)
    mean = forecast["quantity"].to_numpy().reshape(len(keys), -1)
    count = risk.count_paths(*mean.shape)
    drawn = intervals.sample_paths(
        forecast,
        *(tables[name] for name in ("error_widths", "error_multiples", "one_step_errors")),
        paths=count,
        seed=inventory.SEED,
    )
    futures = (paths.site_errors(block, mean, keys, items, places, task) for block in drawn)
    period = _fiscal_year(pd.Series(task.months), tables).to_numpy()
    valued = results["plan_money"]
    worth = risk.worth(task, valued, sites.stocking_site(valued, items, places), period)
    found = risk.outcomes(task, plan, futures, worth)
    register = risk.named_risks(tables["risks"], task.months, period, count, inventory.SEED)
    planned = risk.planned(valued, _fiscal_year(valued["month"], tables), plan, worth)
    behind = _closed_variance(results, tables, cycle=cycle)
    family = hierarchy.with_levels(task.keys, items)["family"].to_numpy()
    return {
        "risk_items": risk.items(task, found, worth),
        "risk_resources": risk.resources(task, plan, found),
        "risk_totals": risk.totals(found, planned, results["gap_tree"], behind, register),
        "risk_levers": risk.levers(task, plan, found, worth, family),
    }


def _closed_variance(results: Tables, tables: Tables, *, cycle: pd.Timestamp) -> pd.Series:
    """By measure and fiscal year: what closed months and quarters brought beyond their budget."""
    closed = results["closed_financials"]
    families = closed[closed["family"] != schema.COMPANY_LABEL]
    quarters = results["quarters"]
    is_over = quarters["is_by_quarter"] & (quarters["quarter"] < months.shift(cycle, -2))
    rows = [
        pd.DataFrame(
            {
                "measure": measure,
                "period": _fiscal_year(families["month"], tables),
                "amount": families[f"{measure}_value"] - families[f"budget_{measure}_value"],
            }
        )
        for measure in gap_tree.MEASURES
    ]
    over = quarters[is_over]
    period = _fiscal_year(over["quarter"], tables)
    by_quarter = {"measure": "revenue", "period": period, "amount": over["variance_value"]}
    table = pd.concat([*rows, pd.DataFrame(by_quarter)], ignore_index=True)
    return table.groupby(["measure", "period"])["amount"].sum()


def bridge_tables(tables: Tables, *, cycle: pd.Timestamp) -> Tables:
    """Why the demand plan moved since the last cycle."""
    last, restated, then = tables["ledger_demand_plan"], tables["restatements"], {}
    last = last[last["cycle"] == last["cycle"].max()]
    then["demand_plan"] = ties.todays_codes(last, restated)
    names = "demand_history model_weights views view_skill override_changes forecast"
    for name in names.split():
        table = tables[f"previous_{name}"]
        then[name] = ties.todays_codes(table, restated) if "item" in table else table
    then["known_members"] = tables["previous_known_members"]
    table = bridge.bridge(tables, then, tables["items"], cycle=cycle)
    common = hierarchy.in_planning_units(table, tables["items"])
    price = table.merge(tables["money_rates"], on=schema.SERIES, how="left", validate="m:1")
    factor = hierarchy.factors(table["item"], tables["items"])
    price = price["unit_price_value"] / factor.where(factor > 0).to_numpy()
    year = common[common["month"] < months.shift(cycle, 12)]
    return {
        "bridge": table,
        "bridge_causes": bridge.summed(year),
        "plan_moves": bridge.moves(common, price),
    }
