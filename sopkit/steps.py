"""The cycle on one page: one pure function a step, tables in, tables out.

Here alone stand the sequences of calls. ``agenda`` says which tables each function reads and
writes; notebooks, commands and explorers call the same functions. ``tables`` holds every table a
step declares (raw, processed, past cycles' as ``ledger_<name>``), empty where there is none, and
``company``, one row of settings.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from sopkit import (
    currencies,
    data_meeting,
    decided,
    demand_meeting,
    headlines,
    months,
    pre_sop,
    product_meeting,
    schema,
    supply_meeting,
    supply_problem,
    ties,
    what_if,
)
from sopkit.demand import (
    agreed,
    classification,
    consensus,
    corrections,
    drivers,
    elasticity,
    hierarchy,
    history,
    intervals,
    lag_accuracy,
    lags,
    launch_status,
    launches,
    overrides,
    submissions,
    taken,
    value_added,
    watch,
)
from sopkit.executive import briefing, kpis, measures, outcomes, register, revisions, standing
from sopkit.kept import Kept
from sopkit.reconciliation import budgets, finance, gaps, goals, grid
from sopkit.supply import (
    answers,
    attainment,
    capacity,
    costing,
    families,
    inventory,
    least_cost,
    plans,
    shortages,
    strategies,
    tasks,
)

_PROJECTED = "opening supply demand scrap closing safety_stock lost".split()
Tables = dict[str, pd.DataFrame]


def data_review(tables: Tables, *, cycle: pd.Timestamp) -> Tables:
    """What arrived, what cleaning made of it, and how good the last plans were."""
    items, company = tables["items"], tables["company"].iloc[0]
    sales = currencies.in_company_currency(
        tables["sales"], ["revenue_value"], tables, cycle=cycle, kind=currencies.ACTUAL
    )
    listed = currencies.in_company_currency(
        tables["prices"], ["unit_price_value", "unit_cost_value"], tables, cycle=cycle
    )
    known = data_meeting.correctable(tables | {"sales": sales}, cycle=cycle)
    sold = known["found"][schema.SERIES]
    keys = pd.concat([sold, launches.keys(tables["launches"], known["found"])])
    keys = keys.drop_duplicates(ignore_index=True)
    at_plan = currencies.in_company_currency(  # what sales would bring at the rate to plan with
        tables["sales"].assign(month=cycle), ["revenue_value"], tables, cycle=cycle
    )
    paid = tables["sales"].assign(revenue_value=at_plan["revenue_value"])
    rates = finance.money_rates(keys, listed, items, paid, cycle=cycle)
    units = hierarchy.planning_units(
        items, rates, planning_unit=company["planning_unit"], currency=company["currency"]
    )
    cleaned = data_meeting.corrected(tables, known, rates, units)
    changes = corrections.counting(cleaned["corrections"])
    settled = tables | {"money_rates": rates, "planning_units": units}
    told = drivers.drivers(cleaned["demand_history"], settled, cycle=cycle)
    demand = told["demand_history"]
    total = hierarchy.in_planning_units(demand, units)
    common = headlines.everywhere(demand, rates, items, units["planning_unit"].iloc[0])
    tied = ties.control_totals(tables["controls"], tables | {"sales": sales})
    members = ties.known_members(items, tables["submissions"])
    restated = ties.restatements(
        {name: tables[f"previous_{name}"] for name in ("demand_history", "known_members")},
        {"demand_history": demand, "known_members": members},
        rates,
    )
    known_changes = pd.concat([tables["ledger_restatements"], restated])
    memory = _memory(tables, demand, rates, units, known_changes, cycle=cycle)
    results = memory | cleaned | told
    return results | {
        "data_review_facts": headlines.data_review(
            total,
            changes,
            memory["findings"],
            tied,
            restated,
            memory["lag_accuracy"],
            tables["ledger_demand_plan"],
            common,
        ),
        "arrivals": _arrivals(tables),
        "money_rates": rates,
        "planning_units": units,
        "control_totals": tied,
        "known_members": members,
        "restatements": restated,
    }


def past_plans(
    tables: Tables, demand: pd.DataFrame, rates: pd.DataFrame, changes: pd.DataFrame
) -> tuple[lags.Past, pd.DataFrame]:
    """Every layer of every past cycle beside what came, from the ledger and the tool before.

    ``items`` hold the settled planning factors; ``changes`` are all restatements known. Second are
    rows of `plan_history` that found no place.
    """
    levels = {name: tables[name] for name in ("items", "locations", "channels")}
    plans, views = (
        ties.todays_codes(tables[f"ledger_{name}"], changes) for name in ("demand_plan", "views")
    )
    imported, unplaced = lags.imported_plans(tables["plan_history"], demand, levels)
    return lags.past_plans(plans, views, demand, rates, levels, imported), unplaced


def _with_unplaced(findings: pd.DataFrame, unplaced: pd.DataFrame) -> pd.DataFrame:
    """The findings with a notice on snapshots of the tool before that cover nothing."""
    if unplaced.empty:
        return findings
    first = unplaced.iloc[0]
    notice = {
        "state": "notice",
        "table": "plan_history",
        "column": "",
        "rows": len(unplaced),
        "first_row": f"cycle {months.label(first['cycle'])}, month {months.label(first['month'])}",
        "message": "nothing of it was sold in the year before its cycle, or a number crosses it.",
        "remedy": "Correct its level names, or leave it out: it is not measured.",
        "money_share": np.nan,
    }
    return pd.concat([findings, pd.DataFrame([notice])], ignore_index=True)[list(findings)]


def _memory(
    tables: Tables,
    demand: pd.DataFrame,
    rates: pd.DataFrame,
    units: pd.DataFrame,
    changes: pd.DataFrame,
    *,
    cycle: pd.Timestamp,
) -> Tables:
    """What past cycles promised, beside what came."""
    factor = schema.lookup(tables["items"]["item"], units, "planning_factor")
    items = tables["items"].assign(planning_factor=factor)
    levels = {"items": items, "locations": tables["locations"], "channels": tables["channels"]}
    past, unplaced = past_plans(tables | {"items": items}, demand, rates, changes)
    past = lags.with_promotions(past, tables["sales"], tables["events"])
    total = hierarchy.in_planning_units(demand, units)
    forecasts, supply, stock, moves = (
        ties.todays_codes(tables[f"ledger_{name}"], changes)
        for name in ("forecast", "supply_plan", "inventory_projection", "override_changes")
    )
    touched = value_added.touches(hierarchy.in_planning_units(moves, units), past)
    made = (tables["production"], tables["inventory"])
    supply, stock, *made = (hierarchy.in_planning_units(t, units) for t in (supply, stock, *made))
    family = hierarchy.with_levels(items[["item"]], items).set_index("item")["family"]
    added = [value_added.value_added(past)]
    levels_told = ("family", "promotion")
    added += [value_added.value_added(past, level=x, each_lag=False) for x in levels_told]
    accurate = [
        lag_accuracy.by_lag(past, total, levels, level=level) for level in lag_accuracy.LEVELS
    ]
    fallen = [
        lag_accuracy.waterfall(past, total, levels, level=level) for level in ("total", "family")
    ]
    signals = [lag_accuracy.signals(past, level=level) for level in ("total", "family", "item")]
    return {
        "findings": _with_unplaced(tables["findings"], unplaced),
        "waterfall": pd.concat(fallen, ignore_index=True),
        "lag_accuracy": pd.concat(accurate, ignore_index=True),
        "tracking_signals": pd.concat(signals, ignore_index=True),
        "bound_accuracy": lag_accuracy.bounds(forecasts, demand, level=intervals.LEVEL),
        "value_added": pd.concat(added, ignore_index=True),
        "touches": touched,
        "author_skill": value_added.authors(touched),
        "plan_attainment": attainment.plan_attainment(supply, stock, *made, family),
        "market_watch": watch.market_watch(
            tables["running_sales"], tables["previous_forecast"], rates, cycle=cycle
        ),
    }


def _arrivals(tables: Tables) -> pd.DataFrame:
    """One row a raw table: rows, first and last month, what it switches on."""
    rows = []
    for name, table in schema.RAW.items():
        if name not in tables:  # what only later meetings fill
            continue
        frame = tables[name]
        dated = [c for c in ("month", "first_month", "cycle", "quarter") if c in frame.columns]
        month = frame[dated[0]] if dated else pd.Series(dtype=months.DTYPE)
        what_for = table.meaning + ("" if table.is_used else " (no page uses it yet)")
        rows.append((name, len(frame), month.min(), month.max(), what_for, table.is_used))
    columns = ["table", "rows", "first_month", "last_month", "switches_on", "is_used"]
    return pd.DataFrame(rows, columns=columns)


def product_review(tables: Tables, *, cycle: pd.Timestamp) -> Tables:
    """How each series behaves, what is being launched and phased out, where the tail is."""
    demand, items, rates = tables["demand_history"], tables["items"], tables["money_rates"]
    groups = _groups(demand, items)
    classes = classification.classify(demand, items, rates, groups, cycle=cycle)
    common = headlines.everywhere(demand, rates, items, _unit(tables))
    materiality = tables["company"]["materiality_value"].iloc[0]
    valued = classification.in_money(classes, rates)
    moving = product_meeting.coming_and_going(tables, _past(tables, "demand_plan"), cycle=cycle)
    found = [
        classification.exceptions(valued, demand, items, materiality),
        launch_status.exceptions(moving["launch_status"], materiality),
    ]
    return moving | {
        "product_review_facts": headlines.product_review(classes, common),
        "classes": hierarchy.with_levels(classes, items),
        "demand_kinds": classification.kinds_of_demand(classes),
        "lifecycle": classification.lifecycle(valued, items),
        "product_review_exceptions": pd.concat(found).sort_values(
            "amount_value", ascending=False, kind="stable", ignore_index=True
        ),
    }


def _unit(tables: Tables) -> str:
    """What totals of quantities are counted in."""
    return tables["planning_units"]["planning_unit"].iloc[0]


def _groups(demand: pd.DataFrame, items: pd.DataFrame) -> np.ndarray:
    """Family code of each series in the order of sorted keys."""
    keys = demand[schema.SERIES].drop_duplicates().sort_values(schema.SERIES)
    return history.family_codes(keys, items)


def demand_review(
    tables: Tables,
    *,
    cycle: pd.Timestamp,
    horizon: int,
    forecaster: Callable[..., Tables] | None = None,
) -> Tables:
    """Forecast, departments' views, and the one number: the demand plan.

    ``forecaster`` stands in for ``demand_meeting.statistical``, and gives the same tables.
    """
    items, rates, demand = tables["items"], tables["money_rates"], tables["demand_history"]
    results = demand_meeting.forecast_demand(tables, horizon=horizon, forecaster=forecaster)
    forecast, tests = results["forecast"], results["backtest"]
    base = plan_base(tables, forecast)
    said = said_alike(tables, cycle=cycle)
    total, total_tests = (hierarchy.in_planning_units(table, items) for table in (demand, tests))
    departments, due = tables["company"]["departments"].iloc[0], due_day(tables, cycle)
    status = submissions.status(said, departments, cycle=cycle, due=due)
    harmful = value_added.harmful(tables["value_added"])
    skill = submissions.skill(said, total, total_tests, items, harmful)
    known = {"effects": tables["driver_effects"], "market": tables["market_rates"]}
    change, event_effects = consensus.events_layer(tables["events"], base, cycle=cycle, **known)
    event_effects = elasticity.remarked(
        event_effects, tables["events"], tables["prices"], base, known["effects"], cycle=cycle
    )
    layers = consensus.growth_layers(tables["events"], base, cycle=cycle, **known)
    beneath = base.assign(quantity=base["quantity"] + change)
    views, unplaced = submissions.views(said, beneath, items, cycle=cycle)
    plan = consensus.demand_plan(forecast, views, skill, change)
    currency = tables["company"]["currency"].iloc[0]
    numbers = taken.numbers_taken(said, views, skill, beneath, cycle=cycle, currency=currency)
    plan, override_effects, override_changes, paid = _overridden(
        tables | {"forecast": forecast}, plan, base, cycle=cycle, horizon=horizon
    )
    plan, answered = agreed.applied(plan, tables["answers"], rates, cycle=cycle)
    common = headlines.everywhere(demand, rates, items, _unit(tables))
    materiality = tables["company"]["materiality_value"].iloc[0]
    found = submissions.exceptions(
        plan,
        views,
        unplaced,
        tests,
        tables["orders"],
        rates,
        items,
        override_effects,
        materiality,
        event_effects,
    )
    facts = headlines.demand_review(
        hierarchy.in_planning_units(plan, items), total, results["accuracy"], status, cycle, common
    )
    facts = pd.concat([facts, headlines.coherence(results["coherence"])], ignore_index=True)
    results |= {"event_effects": event_effects, "override_effects": override_effects}
    results |= {"override_changes": override_changes, "coherence_locks": paid}
    results |= {"growth_layers": layers}
    results |= {"numbers_taken": numbers, "agreed": answered}
    in_common = (hierarchy.in_planning_units(table, items) for table in (views, plan))
    results |= {
        "view_assumptions": submissions.with_assumptions(
            *in_common, tables["assumptions"], cycle=cycle
        )
    }
    results |= {"views": views, "view_status": status, "view_skill": skill, "demand_plan": plan}
    return results | {
        "demand_review_facts": facts,
        "demand_review_exceptions": found,
        "sop_grid_demand": sop_grid(tables | results, cycle=cycle),
    }


def plan_base(tables: Tables, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of a plan with their price, all their levels and the factor to the common unit."""
    items, rates = tables["items"], tables["money_rates"]
    base = rows.merge(rates, on=schema.SERIES, how="left", validate="many_to_one")
    base = hierarchy.with_levels(base, items, tables["locations"], tables["channels"])
    return base.assign(factor=hierarchy.factors(base["item"], items))


def said_alike(tables: Tables, *, cycle: pd.Timestamp) -> pd.DataFrame:
    """Table `submissions` in the common planning unit and the company's currency."""
    said = currencies.in_company_currency(
        tables["submissions"], ["revenue_value"], tables, cycle=cycle
    )
    return hierarchy.in_planning_units(said, tables["items"])


def due_day(tables: Tables, cycle: pd.Timestamp) -> pd.Timestamp | None:
    """Day of the demand review, when departments' numbers are due; None where none is set."""
    day = tables["company"]["meetings"].iloc[0].get("demand_review")
    return months.working_day(cycle, int(day)) if day else None


def beneath_overrides(
    tables: Tables, plan: pd.DataFrame, base: pd.DataFrame, *, cycle: pd.Timestamp
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """What ``overrides.apply`` works on: overrides in own money, the plan, past cycles' plans.

    Both plans are those before overrides; ``plan`` has none yet, ``base`` is its ``plan_base``.
    """
    said = currencies.in_company_currency(
        tables["overrides"], ["revenue_value"], tables, cycle=cycle
    )
    past = _past(tables, "demand_plan")  # of the cycles in which anything was entered
    past = past[past["cycle"].isin(said["cycle"])]
    past = hierarchy.in_planning_units(past, tables["items"])
    past = past.assign(base=past["consensus"] - past["overrides"])
    past = hierarchy.with_levels(past, tables["items"], tables["locations"], tables["channels"])
    frozen = months.frozen_months(tables["company"]["frozen_months"].iloc[0], base["family"])
    return said, base.assign(quantity=plan["consensus"].to_numpy(), frozen_months=frozen), past


def _overridden(
    tables: Tables, plan: pd.DataFrame, base: pd.DataFrame, *, cycle: pd.Timestamp, horizon: int
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The plan with overrides and decisions, what each did (by series too), who pays for locks."""
    said, before, past = beneath_overrides(tables, plan, base, cycle=cycle)
    alive = overrides.alive(said, cycle=cycle)
    change, effects, moves = overrides.apply(alive, before, past, cycle=cycle)
    paid = demand_meeting.who_pays(tables, alive, effects, horizon=horizon)
    plan = consensus.with_overrides(plan, change["overrides"].to_numpy())
    plan, more = decided.in_demand(tables | {"demand_plan": plan}, cycle=cycle)
    told = {"override_effects": effects, "override_changes": moves}
    told = {name: pd.concat([rows, more.get(name)]) for name, rows in told.items()}
    return plan, *(rows.reset_index(drop=True) for rows in told.values()), paid


def supply_review(
    tables: Tables, *, cycle: pd.Timestamp, strategy: str, whole_numbers: str = ""
) -> Tables:
    """Each strategy's supply, stock, load and cost; the chosen one becomes the supply plan."""
    tables = decided.in_supply(tables, cycle=cycle)
    items, materiality = tables["items"], tables["company"]["materiality_value"].iloc[0]
    whole = whole_numbers.split()
    task, laid = supply_problem.task(tables, cycle=cycle, has_setups="set-ups" in whole)
    family = schema.lookup(task.keys["item"], items, "family").fillna(task.keys["item"])
    near = plans.from_table(task, grid.latest(_past(tables, "supply_plan"), cycle))
    ways = {
        name: strategies.plan(task, name, near=near, family=family, whole=whole)
        for name in strategies.NAMES
    }
    laid_out = {name: plans.table(task, way) for name, way in ways.items()}
    chosen = laid_out[strategy]
    unlimited = strategies.plan(task, "chase", is_limited=False)
    load = _load(task, ways[strategy], unlimited, laid)
    costs = _costs(task, ways)
    hours = _hour_values(task, family)
    projection = chosen[[*schema.SITE_MONTH, *_PROJECTED]]
    delivered = shortages.deliveries(projection)
    common = headlines.everywhere(
        tables["demand_history"], tables["money_rates"], items, _unit(tables)
    )
    common |= {"decided": decided.in_words(tables["decided"])}
    common |= {"unknown_materials": headlines.some_of(laid["unknown_materials"])}
    bought = supply_meeting.bought(tables, laid, task, ways[strategy], unlimited, cycle=cycle)
    common |= headlines.purchasing(bought, cycle=cycle)
    total = hierarchy.in_planning_units(projection, items)
    unit_cost = laid["rates"].set_index("item")["unit_cost_value"]
    health = inventory.stock_health(projection, laid["terms"], unit_cost)
    health = hierarchy.with_levels(health, items)
    results = {
        "supply_plan": chosen[[*schema.SITE_MONTH, *plans.SUPPLY, "supply"]],
        "inventory_projection": projection,
        "resource_load": load,
        "production_strategies": costs,
        "supply_costs": costing.supply_costs(task, ways[strategy]),
        "strategy_months": strategies.by_month(
            {name: hierarchy.in_planning_units(plan, items) for name, plan in laid_out.items()}
        ),
        "hour_values": hours,
        "service_frontier": inventory.service_frontier(
            laid["errors"], laid["terms"], supply_problem.unit_cost(laid["terms"]["item"], laid)
        ),
        "stock_health": health,
        "stock_by_family": inventory.health_by_family(hierarchy.in_planning_units(health, items)),
        "deliveries": delivered,
        **bought,
    }
    results |= supply_meeting.allocated(tables, delivered)
    scarce = least_cost.scarcity(_together(task, family))
    results |= supply_meeting.short(
        tables, task, ways[strategy], laid, results["allocation"], scarce, strategy
    )
    is_stock_known = laid["is_stock_known"]
    results |= supply_meeting.fed_back(tables | results, cycle=cycle, is_stock_known=is_stock_known)
    seen = answers.beside_consensus(delivered, results["feedback"])
    told = (results["shortages"], delivered, seen, tables["demand_plan"])
    common |= headlines.short(
        *(hierarchy.in_planning_units(table, items) for table in told),
        results["allocation_rules"],
        tables["channels"],
        is_stock_known=is_stock_known,
    )
    return results | {
        "supply_review_facts": headlines.supply_review(
            total,
            shortages.deliveries(total),
            load,
            costs,
            hours,
            strategies.break_even(costs),
            strategy,
            is_stock_known,
            inventory.below_safety(projection, unit_cost),
            common,
        ),
        "supply_review_exceptions": shortages.exceptions(
            results["shortages"], results["shortage_moves"], load, materiality
        ),
        "sop_grid_supply": sop_grid(tables | results, cycle=cycle),
    }


def _load(task: tasks.Task, way: plans.Plan, unlimited: plans.Plan, laid: Tables) -> pd.DataFrame:
    """Table `resource_load`: hours of the plan beside those of its workforce."""
    routes = capacity.routes(laid["bills"], task.keys["item"])
    made, wanted = (plans.made_by_route(task, plan, routes) for plan in (way, unlimited))
    workers = plans.completed(task, way).workers
    staffed = np.where(task.is_staffed, workers, np.nan)
    available = laid["available"].assign(  # by resource, then month
        regular_hours=plans.regular_hours(task, workers).T.ravel(),
        overtime_hours=plans.overtime_limit(task, workers).T.ravel(),
        workers=staffed.T.ravel(),  # missing where the plan does not change them
    )
    return capacity.resource_load(made, wanted, laid["bills"], available)


def _together(task: tasks.Task, family: pd.Series) -> tasks.Task:
    """The task, by families where there are too many items."""
    is_large = task.demand.size > families.MOST_CELLS
    return families.grouped(task, families.codes(task, family)) if is_large else task


def _hour_values(task: tasks.Task, family: pd.Series) -> pd.DataFrame:
    """Table `hour_values`, of families where there are too many items."""
    values = least_cost.hour_values(_together(task, family))
    return values.assign(words=headlines.hours_in_words(values))


def _costs(task: tasks.Task, ways: dict[str, plans.Plan]) -> pd.DataFrame:
    """Table `production_strategies`; no money where all costs are assumed."""
    sheets = [plans.sheet(task, way).assign(strategy=name) for name, way in ways.items()]
    table = pd.concat(sheets, ignore_index=True)
    table = table[["strategy", "cost_kind", "amount_value", "is_assumed"]]
    return table if task.is_priced else table[:0]


def reconciliation(tables: Tables, *, cycle: pd.Timestamp) -> Tables:
    """Demand, supply and budget side by side, in units and money."""
    tables, kept = _beside_consensus(decided.in_supply(tables, cycle=cycle)), Kept()
    items, rates = tables["items"], tables["money_rates"]
    materiality = tables["company"]["materiality_value"].iloc[0]
    delivered = hierarchy.aggregate(tables["deliveries"], ["item", "month"], ["deliverable"])
    budget = currencies.in_company_currency(
        tables["budget"], ["revenue_value", "margin_value"], tables, cycle=cycle
    )
    closed = finance.closed_months(tables["demand_history"], rates, items)
    valued = pre_sop.money_tables(tables, cycle=cycle, kept=kept)
    by_item = finance.item_financials(valued["plan_money"])
    financials = finance.financials(by_item, items)
    by_month = budgets.budget_by_family(budget, items, pd.concat([closed, financials]))
    financials, closed = (budgets.beside(table, by_month, closed) for table in (financials, closed))
    quarters = budgets.quarters(
        budget,
        items,
        pd.concat([closed, financials]),
        fiscal_year_first_month=int(tables["company"]["fiscal_year_first_month"].iloc[0]),
    )
    by_family = finance.by_family(delivered, items, ["deliverable"])
    gap_table = gaps.gaps(financials, by_family)
    results = {
        **pre_sop.bridge_tables(tables, cycle=cycle),
        **valued,
        "item_financials": by_item,
        "financials": financials,
        "closed_financials": closed,
        "quarters": quarters,
        "gaps": gap_table,
        **pre_sop.outlook_tables(
            tables, valued["plan_money"], closed, financials, quarters, cycle=cycle
        ),
        **pre_sop.horizon_tables(tables, valued["plan_money"], by_month, cycle=cycle),
    }
    results["cash_flow"], unknown = pre_sop.cash_tables(tables, valued["plan_money"])
    last_version = budgets.last_version(budget, items)
    results |= pre_sop.contradictions(tables | results, cycle=cycle)
    results |= pre_sop.gap_tables(tables, results, last_version, cycle=cycle)
    results |= pre_sop.futures(tables, results, cycle=cycle, kept=kept)
    common = headlines.everywhere(tables["demand_history"], rates, items, _unit(tables))
    results |= what_if.all_tried(tables, financials, closed, cycle=cycle, kept=kept)
    common |= headlines.gap(results["gap_tree"], results["gap_levels"])
    common |= headlines.risk(results)
    common |= headlines.years(results)
    common |= headlines.levers(results)
    common |= headlines.cash(results["cash_flow"], unknown)
    common |= {"decided": decided.in_words(tables["decided"])}
    facts = headlines.reconciliation(financials, gap_table, tables["ledger_demand_plan"], common)
    told = headlines.contradictions(results["strategy_check"], results["disconnects"])
    return results | {
        "reconciliation_facts": pd.concat([facts, told], ignore_index=True),
        "sop_grid": sop_grid(tables | results, cycle=cycle),
        "reconciliation_exceptions": gaps.exceptions(gap_table, quarters, materiality),
    }


def _beside_consensus(tables: Tables) -> Tables:
    """The tables with deliveries as customers see them, whatever sales agreed to."""
    seen = answers.beside_consensus(tables["deliveries"], tables["feedback"])
    return tables | {"deliveries": seen}


def executive_review(tables: Tables, *, cycle: pd.Timestamp) -> Tables:
    """The page on which executives decide: outlook, KPIs, decisions, promises, risks."""
    tables = _beside_consensus(tables)
    closed = finance.closed_series(tables["demand_history"], tables["money_rates"])
    sold = measures.sold(closed, tables["sales"], tables)
    held = measures.held(closed, tables["demand_plan"], tables["inventory"], tables)
    amounts = kpis.measure(sold, held, _told(tables, sold, cycle=cycle), cycle=cycle)
    currency = tables["company"]["currency"].iloc[0]
    targets = goals.in_company_currency(
        tables["targets"], tables["rates"], currency=currency, cycle=cycle
    )
    reasons = {"market_share_rate": measures.market_lacks(_market(tables))}
    status = standing.status(amounts, targets, tables["ledger_kpis"], reasons, cycle=cycle)
    came = outcomes.outcomes(tables["actions"], sold, held, cycle=cycle)
    log = register.register(tables, tables["assumption_states"], came, cycle=cycle)
    common = headlines.everywhere(
        tables["demand_history"], tables["money_rates"], tables["items"], _unit(tables)
    )
    common |= {"decided": decided.in_words(tables["decided"])}
    late = briefing.undelivered(tables)
    return {
        "executive_review_facts": headlines.executive_review(
            tables["outlook"], status, log, late, common
        ),
        "kpis": status,
        "kpi_history": standing.history(tables["ledger_kpis"], status, cycle=cycle),
        "outcomes": came,
        "register": log,
        "decision_options": register.options_of(tables, tables["scenarios"], cycle=cycle),
        "undelivered": late,
        "changes": briefing.changes(tables, cycle=cycle),
        "revision_changes": revisions.changes(tables, cycle=cycle),
    }


def _market(tables: Tables) -> pd.DataFrame:
    """How large the market is, month by month."""
    return tables["market"][tables["market"]["series"] == goals.MARKET]


def _told(tables: Tables, sold: pd.DataFrame, *, cycle: pd.Timestamp) -> dict[str, float]:
    """Measures of KPIs that are one number for the whole company."""
    delivered = hierarchy.in_planning_units(tables["deliveries"], tables["items"])
    if tables["inventory"].empty and tables["resource_load"].empty:
        delivered = delivered[:0]  # an assumed stock is no measurement
    plan = plan_base(tables, tables["demand_plan"])
    return {
        **measures.planned(tables | {"deliveries": delivered}),
        **measures.market_share(sold, _market(tables)),
        **measures.process(tables | {"demand_plan": plan}, cycle=cycle),
    }


def sop_grid(tables: Tables, *, cycle: pd.Timestamp) -> pd.DataFrame:
    """The S&OP grid with whatever is planned so far; the rest shows the last plan, marked."""
    items, rates = tables["items"], tables["money_rates"]
    measure = grid.stock_measure(items)
    closed = tables.get("closed_financials")
    if closed is None:
        closed = finance.closed_months(tables["demand_history"], rates, items)
    stock, made = (  # of the items that are planned, else actual and plan could not be compared
        table[table["item"].isin(tables["demand_plan"]["item"])]
        for table in (tables["inventory"], tables["production"])
    )
    net_stock = stock.assign(amount=stock["on_hand"] - stock["backlog"].fillna(0.0))
    actual = [
        closed.rename(columns={"net": "amount"}).assign(measure="Sales"),
        _rows(made.rename(columns={"quantity": "amount"}), items, "Supply"),
        grid.stock_rows(finance.by_family(net_stock, items, ["amount"]), measure),
    ]
    plan, last = _plans(tables, "", measure), _plans(tables, "ledger_", measure, cycle=cycle)
    has_money = "financials" in tables
    valued = tables["financials"] if has_money else _last_money(tables, cycle)
    horizon = int(months.number(tables["demand_plan"]["month"].max()) - months.number(cycle)) + 1
    columns = ["family", "measure", "month", "amount"]
    return grid.sop_grid(
        pd.concat(actual, ignore_index=True)[columns],
        plan,
        last,
        grid.money_rows(valued, closed, is_last=not has_money),
        cycle=cycle,
        horizon=horizon,
    )


def _past(tables: Tables, name: str) -> pd.DataFrame:
    """A table of past cycles that were run, its items under today's codes.

    A replayed plan is one that nobody had.
    """
    table = tables[f"ledger_{name}"]
    changes = pd.concat([tables["ledger_restatements"], tables["restatements"]])
    return ties.todays_codes(table[~table["origin"].isin(lags.REMADE)], changes)


def _last_money(tables: Tables, cycle: pd.Timestamp) -> pd.DataFrame:
    """The last plan's money by today's families, with the budget and last year it stood beside."""
    names = ["revenue_value", "margin_value"]
    beside = grid.latest(tables["ledger_financials"], cycle)
    of_then = [*names, "budgeted_revenue_value"]  # by the families of then
    beside = beside.drop(columns=of_then, errors="ignore")
    by_item = grid.latest(_past(tables, "item_financials"), cycle)
    valued = finance.by_family(by_item, tables["items"], names)
    return valued.merge(beside, on=["family", "month"], how="outer", validate="one_to_one")


def _rows(table: pd.DataFrame, items: pd.DataFrame, measure: str) -> pd.DataFrame:
    return finance.by_family(table, items, ["amount"]).assign(measure=measure)


def _plans(
    tables: Tables, prefix: str, measure: pd.Series, cycle: pd.Timestamp | None = None
) -> pd.DataFrame:
    """Volume rows of a plan: this cycle's (no prefix) or the last ones (``ledger_``)."""
    items, parts = tables["items"], []

    def take(name: str, column: str) -> pd.DataFrame | None:
        table = tables.get(prefix + name)
        if table is None or table.empty:
            return None
        table = grid.latest(_past(tables, name), cycle) if prefix else table
        return table.rename(columns={column: "amount"})

    demand, supply = take("demand_plan", "consensus"), take("supply_plan", "supply")
    stock = take("inventory_projection", "closing")
    if demand is not None:
        parts.append(_rows(demand, items, "Sales"))
    if supply is not None:
        parts.append(_rows(supply, items, "Supply"))
    if stock is not None:
        parts.append(grid.stock_rows(finance.by_family(stock, items, ["amount"]), measure))
    if not prefix and "resource_load" in tables and "routings" in tables:
        load, routings = tables["resource_load"], tables["routings"]
        parts.append(grid.utilisation_rows(load, routings, measure, items))
    columns = ["family", "measure", "month", "amount"]
    return pd.concat(
        [pd.DataFrame(columns=columns).astype({"amount": "float64", "month": months.DTYPE}), *parts]
    )[columns]
