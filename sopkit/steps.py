"""The cycle on one page: one pure function a step, tables in, tables out.

Here alone stand the sequences of calls. ``STEPS`` says which tables each function reads and
writes; notebooks, commands and explorers call the same functions. ``tables`` holds every table a
step declares (raw, processed, past cycles' as ``ledger_<name>``), empty where there is none, and
``company``, one row of settings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sopkit import headlines, months, schema
from sopkit.demand import (
    accuracy,
    classification,
    consensus,
    forecasting,
    hierarchy,
    history,
    panel,
    submissions,
)
from sopkit.executive import kpis, register
from sopkit.reconciliation import finance, gaps, grid
from sopkit.supply import capacity, inventory, shortages, strategies

Tables = dict[str, pd.DataFrame]
_PLANS = ("demand_plan", "supply_plan", "inventory_projection", "financials")


@dataclass(frozen=True)
class Step:
    """A step of the cycle: notebook, what it reads (raw, processed, past cycles) and writes."""

    name: str
    notebook: str
    title: str
    raw: tuple[str, ...]
    processed: tuple[str, ...]
    ledger: tuple[str, ...]
    writes: tuple[str, ...]


# A step: name | notebook | title. Below it what it reads (raw tables, this cycle's processed
# tables, past cycles' tables) and what it writes. `all` = every raw table, `plans` = _PLANS.
_STEPS = """
data_review | 01_data_review | Data review
  raw: all
  processed: findings
  ledger: demand_plan
  writes: data_review_facts arrivals findings demand_history corrections money_rates plan_accuracy
product_review | 02_product_review | Product review
  raw: items
  processed: demand_history money_rates
  ledger:
  writes: product_review_facts classes lifecycle product_review_exceptions
demand_review | 03_demand_review | Demand review
  raw: items locations channels submissions production inventory
  processed: demand_history money_rates
  ledger: plans
  writes: demand_review_facts forecast backtest accuracy model_weights views view_status
    view_skill demand_plan sop_grid_demand demand_review_exceptions
supply_review | 04_supply_review | Supply review
  raw: items locations inventory scheduled_receipts production resources capacity routings
    suppliers planning_costs
  processed: demand_history money_rates forecast demand_plan
  ledger: plans
  writes: supply_review_facts supply_plan inventory_projection resource_load production_strategies
    strategy_months deliveries sop_grid_supply supply_review_exceptions
reconciliation | 05_reconciliation | Reconciliation
  raw: items production inventory routings budget
  processed: demand_history money_rates demand_plan supply_plan inventory_projection resource_load
    deliveries
  ledger: plans
  writes: reconciliation_facts financials closed_financials gaps sop_grid
    reconciliation_exceptions
executive_review | 06_executive_review | Executive review
  raw: items inventory targets decisions options actions assumptions
  processed: demand_history money_rates accuracy inventory_projection resource_load deliveries
    financials closed_financials gaps sop_grid reconciliation_exceptions
    supply_review_exceptions
  ledger:
  writes: executive_review_facts kpis register decision_options
"""


def _steps() -> tuple[Step, ...]:
    made = []
    for block in re.split(r"\n(?=\S)", _STEPS.strip()):
        head, *parts = re.split(r"\n  (?=\S)", block)
        words = {name: text.split() for name, _, text in (part.partition(":") for part in parts)}
        words["raw"] = list(schema.RAW) if words["raw"] == ["all"] else words["raw"]
        words["ledger"] = list(_PLANS) if words["ledger"] == ["plans"] else words["ledger"]
        made.append(Step(*head.split(" | "), **{name: tuple(w) for name, w in words.items()}))
    return tuple(made)


STEPS = _steps()


def step(name: str) -> Step:
    """The step of that name.

    Raises
    ------
    UsageError
        If there is none.
    """
    for known in STEPS:
        if known.name == name:
            return known
    names = ", ".join(known.name for known in STEPS)
    raise months.UsageError(f"no step {name!r}. Steps: {names}.")


def data_review(tables: Tables, *, cycle: pd.Timestamp) -> Tables:
    """What arrived, what cleaning made of it, and how good the last plans were."""
    sales, items = tables["sales"], tables["items"]
    demand = history.demand_history(sales, items, cycle=cycle)
    keys = demand[schema.SERIES].drop_duplicates().reset_index(drop=True)
    rates = finance.money_rates(keys, tables["prices"], items, sales, cycle=cycle)
    changes = history.corrections(demand, rates)
    share = headlines.unassigned(demand, rates, items)
    findings = tables["findings"]
    return {
        "data_review_facts": headlines.data_review(demand, changes, findings, share),
        "arrivals": _arrivals(tables),
        "findings": findings,
        "demand_history": demand,
        "corrections": changes,
        "money_rates": rates,
        "plan_accuracy": accuracy.of_plans(tables["ledger_demand_plan"], demand, items),
    }


def _arrivals(tables: Tables) -> pd.DataFrame:
    """One row a raw table: rows, first and last month, what it switches on."""
    rows = []
    for name, table in schema.RAW.items():
        frame = tables[name]
        dated = [c for c in ("month", "first_month", "cycle", "quarter") if c in frame.columns]
        month = frame[dated[0]] if dated else pd.Series(dtype=months.DTYPE)
        rows.append((name, len(frame), month.min(), month.max(), table.meaning))
    columns = ["table", "rows", "first_month", "last_month", "switches_on"]
    return pd.DataFrame(rows, columns=columns)


def product_review(tables: Tables, *, cycle: pd.Timestamp) -> Tables:
    """How each series behaves, what is being launched and phased out, where the tail is."""
    demand, items, rates = tables["demand_history"], tables["items"], tables["money_rates"]
    groups = _groups(demand, items)
    classes = classification.classify(demand, items, rates, groups, cycle=cycle)
    share = headlines.unassigned(demand, rates, items)
    materiality = tables["company"]["materiality_value"].iloc[0]
    return {
        "product_review_facts": headlines.product_review(classes, share),
        "classes": hierarchy.with_levels(classes, items),
        "lifecycle": classification.lifecycle(classes, items),
        "product_review_exceptions": classification.exceptions(classes, demand, materiality),
    }


def _groups(demand: pd.DataFrame, items: pd.DataFrame) -> np.ndarray:
    """Family code of each series in the order of sorted keys."""
    keys = demand[schema.SERIES].drop_duplicates().sort_values(schema.SERIES)
    return history.family_codes(keys, items)


def _forecast_demand(tables: Tables, *, horizon: int) -> Tables:
    """The statistical part of the demand review: backtest, accuracy, weights, forecast."""
    demand, items = tables["demand_history"], tables["items"]
    series = panel.from_table(demand, "demand")
    net = demand.assign(net=(demand["sales"] + demand["returns"]).mask(demand["is_stockout"]))
    groups = history.family_codes(series.keys, items)
    ends = schema.lookup(series.keys["item"], items, "end_month")
    tests = forecasting.backtest(series, panel.from_table(net, "net"), groups)
    models = [*forecasting.MODELS, forecasting.COMBINED]
    return {
        "backtest": tests,
        "accuracy": accuracy.by_level(tests, demand, items, models),
        "model_weights": forecasting.weights(tests, series.keys),
        "forecast": forecasting.forecast(series, tests, groups, ends, horizon=horizon),
    }


def demand_review(tables: Tables, *, cycle: pd.Timestamp, horizon: int) -> Tables:
    """Forecast, departments' views, and the one number: the demand plan."""
    items, rates, demand = tables["items"], tables["money_rates"], tables["demand_history"]
    results = _forecast_demand(tables, horizon=horizon)
    forecast, tests = results["forecast"], results["backtest"]
    base = forecast.merge(rates, on=schema.SERIES, how="left", validate="many_to_one")
    base = hierarchy.with_levels(base, items, tables["locations"], tables["channels"])
    views, unplaced = submissions.views(tables["submissions"], base, cycle=cycle)
    departments = tables["company"]["departments"].iloc[0]
    status = submissions.status(tables["submissions"], departments, cycle=cycle)
    skill = submissions.skill(tables["submissions"], demand, tests, items)
    plan = consensus.demand_plan(forecast, views, skill)
    share = headlines.unassigned(demand, rates, items)
    materiality = tables["company"]["materiality_value"].iloc[0]
    found = submissions.exceptions(plan, views, unplaced, tests, rates, items, materiality)
    facts = headlines.demand_review(plan, demand, results["accuracy"], status, cycle, share)
    results |= {"views": views, "view_status": status, "view_skill": skill, "demand_plan": plan}
    return results | {
        "demand_review_facts": facts,
        "demand_review_exceptions": found,
        "sop_grid_demand": sop_grid(tables | results, cycle=cycle),
    }


def supply_review(tables: Tables, *, cycle: pd.Timestamp, strategy: str) -> Tables:
    """Each strategy's supply, stock, load and cost; the chosen one becomes the supply plan."""
    items, resources = tables["items"], tables["resources"]
    materiality = tables["company"]["materiality_value"].iloc[0]
    sites = inventory.site_demand(tables["demand_plan"], tables["forecast"], tables["locations"])
    service_levels = tables["company"]["service_levels"].iloc[0]
    terms = inventory.replenishment(sites, items, tables["suppliers"], service_levels)
    opening, is_known = inventory.opening_stock(tables["inventory"], sites, cycle)
    if not is_known:
        opening = terms.set_index(schema.SITE)["safety_stock"]
    hours = capacity.hours_per_unit(tables["routings"], items, resources)
    ahead = pd.DatetimeIndex(sorted(sites["month"].unique()))
    available = capacity.available_hours(resources, tables["capacity"], ahead)
    work = strategies.task(sites, terms, opening, tables["scheduled_receipts"], hours, available)
    plans = {name: strategies.plan(work, name) for name in strategies.NAMES}
    chosen, unlimited = plans[strategy], strategies.plan(work, strategy, is_limited=False)
    unit_rates = finance.item_rates(tables["money_rates"], tables["planning_costs"], items)
    load = capacity.resource_load(_made(chosen), _made(unlimited), hours, available)
    sheets = [
        strategies.costs(work, plan, unit_rates, resources).assign(strategy=name)
        for name, plan in plans.items()
    ]
    costs = pd.concat(sheets, ignore_index=True)[["strategy", "cost_kind", "amount_value"]]
    projection = chosen[
        [*schema.SITE_MONTH, "opening", "supply", "demand", "closing", "safety_stock"]
    ]
    delivered = shortages.deliveries(projection)
    share = headlines.unassigned(tables["demand_history"], tables["money_rates"], items)
    results = {
        "supply_plan": chosen[
            [*schema.SITE_MONTH, "regular", "overtime", "purchased", "receipts", "supply"]
        ],
        "inventory_projection": projection,
        "resource_load": load,
        "production_strategies": costs,
        "strategy_months": strategies.by_month(plans),
        "deliveries": delivered,
    }
    return results | {
        "supply_review_facts": headlines.supply_review(
            projection, delivered, load, costs, strategy, is_known, share
        ),
        "supply_review_exceptions": shortages.exceptions(
            projection, terms, unit_rates, load, hours, materiality
        ),
        "sop_grid_supply": sop_grid(tables | results, cycle=cycle),
    }


def _made(plan: pd.DataFrame) -> pd.DataFrame:
    """Production by item and month, units."""
    made = plan.assign(quantity=plan["regular"] + plan["overtime"])
    return made.groupby(["item", "month"], as_index=False)["quantity"].sum()


def reconciliation(tables: Tables, *, cycle: pd.Timestamp) -> Tables:
    """Demand, supply and budget side by side, in units and money."""
    items, rates = tables["items"], tables["money_rates"]
    materiality = tables["company"]["materiality_value"].iloc[0]
    delivered = hierarchy.aggregate(tables["deliveries"], ["item", "month"], ["deliverable"])
    closed = finance.closed_months(tables["demand_history"], rates, items)
    financials = finance.financials(
        tables["demand_plan"],
        delivered[["item", "month", "deliverable"]],
        rates,
        items,
        tables["budget"],
        closed,
    )
    by_family = finance.by_family(delivered, items, ["deliverable"])
    gap_table = gaps.gaps(financials, by_family)
    closed = finance.beside(closed, items, tables["budget"], closed)
    results = {"financials": financials, "closed_financials": closed, "gaps": gap_table}
    unassigned = headlines.unassigned(tables["demand_history"], rates, items)
    return results | {
        "reconciliation_facts": headlines.reconciliation(financials, gap_table, unassigned),
        "sop_grid": sop_grid(tables | results, cycle=cycle),
        "reconciliation_exceptions": gaps.exceptions(gap_table, materiality),
    }


def executive_review(tables: Tables, *, cycle: pd.Timestamp) -> Tables:
    """The page on which executives decide: outlook, KPIs, decisions, actions, assumptions."""
    amounts = kpis.measure(
        tables["accuracy"],
        tables["inventory_projection"],
        tables["deliveries"],
        tables["resource_load"],
        tables["financials"],
    )
    if tables["inventory"].empty:  # the plan assumed a stock; an assumption is no measurement
        unmeasured = ["inventory_cover_months"]
        unmeasured += ["on_time_rate"] if tables["resource_load"].empty else []
        amounts = amounts.mask(amounts.index.isin(unmeasured))
    status = kpis.status(amounts, tables["targets"], cycle=cycle)
    log = register.register(
        tables["decisions"], tables["actions"], tables["assumptions"], cycle=cycle
    )
    wanted = tables["decisions"][tables["decisions"]["cycle"] == cycle]
    share = headlines.unassigned(tables["demand_history"], tables["money_rates"], tables["items"])
    first = int(tables["company"]["fiscal_year_first_month"].iloc[0])
    facts = headlines.executive_review(
        tables["financials"],
        tables["closed_financials"],
        status,
        log,
        cycle=cycle,
        fiscal_year_first_month=first,
        share=share,
    )
    return {
        "executive_review_facts": facts,
        "kpis": status,
        "register": log,
        "decision_options": register.options_of(wanted, tables["options"]),
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
    money = tables["financials"] if has_money else grid.latest(tables["ledger_financials"], cycle)
    horizon = int(months.number(tables["demand_plan"]["month"].max()) - months.number(cycle)) + 1
    columns = ["family", "measure", "month", "amount"]
    return grid.sop_grid(
        pd.concat(actual, ignore_index=True)[columns],
        plan,
        last,
        grid.money_rows(money, closed, is_last=not has_money),
        cycle=cycle,
        horizon=horizon,
    )


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
        table = grid.latest(table, cycle) if prefix else table
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
