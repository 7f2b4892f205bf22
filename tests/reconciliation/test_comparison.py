"""What a plan brings, by hand; scenarios beside the plan."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import months, schema, store, what_if
from sopkit.kept import Kept
from sopkit.reconciliation import comparison, scenarios
from sopkit.supply.plans import Plan
from sopkit.supply.tasks import Task

CYCLE = pd.Timestamp("2026-01-01")
YEAR = {"months": months.span(CYCLE, 2).to_numpy(), "closed_value": 1000.0}
YEAR |= {"budget_value": 5000.0, "budgeted_closed_value": 1000.0, "budgeted_items": None}


def told(task: Task, plan: Plan, money: pd.DataFrame, unit_cost=6.0, **more) -> pd.Series:
    cost = np.full(len(task.keys), unit_cost)
    year = YEAR | more.pop("year", {})
    table = comparison.kpis(task, plan, money, cost, np.ones(len(task.keys)), year, **more)
    return table.set_index("kpi")["amount"]


@pytest.fixture
def press() -> Task:
    """40 and 60 units, 45 hours of a press that people are paid for, ten of overtime."""
    return Task(
        demand=[40, 60],
        months=months.span(CYCLE, 2),
        resources=["press"],
        hours=1,
        regular_hours=45,
        overtime_hours=10,
        regular_cost=4,
        overtime_cost=6,
        subcontract_cost=9,
        holding_cost=0.5,
        backlog_cost=2,
        is_idle_paid=True,
    )


@pytest.fixture
def money() -> pd.DataFrame:
    """Demand and what is delivered of it at 10 a unit, 6 of cost; 4 units of 60 are not."""
    rows = {"item": "item 1", "month": months.span(CYCLE, 2), "revenue_value": [400.0, 600.0]}
    rows |= {"constrained_revenue_value": [400.0, 560.0]}
    return pd.DataFrame(rows | {"constrained_margin_value": [160.0, 224.0]})


def test_the_kpis_of_a_plan_by_hand(press, money):
    plan = Plan(made=[[42.0], [50.0]], subcontract=[[0.0], [4.0]])  # stock 2, then 4 owed
    kpis = told(press, plan, money, once_value=10.0)
    idle, premium, helped, held, owed = 3 * 4, 5 * (6 - 4), 4 * (9 - 6), 2 * 0.5, 4 * 2
    assert kpis["beyond_cost_value"] == idle + premium + helped + held + owed + 10
    assert kpis["contribution_value"] == 384 - 53
    regular, overtime = (42 + 45) * 4, 5 * 6
    assert kpis["supply_cost_value"] == regular + idle + overtime + 4 * 9 + held + owed
    assert (kpis["late_quantity"], kpis["late_items"]) == (4, 1)
    assert kpis["on_time_rate"] == 0.96
    assert (kpis["overtime_hours"], kpis["peak_utilisation_rate"]) == (5, 50 / 45)
    assert (kpis["end_inventory_value"], kpis["mean_inventory_value"]) == (0, 6)
    assert kpis["revenue_value"] == 1000 and kpis["supplied_revenue_value"] == 960
    assert kpis["fiscal_year_revenue_value"] == 1960
    assert kpis["fiscal_year_variance_value"] == 1960 - 5000


def test_a_unit_supplied_at_its_cost_is_counted_once(press, money):
    lean, fat = (
        told(press, Plan(made=[[40.0], [50.0]], subcontract=[[0.0], [10.0]]), rows)
        for rows in (money, money.assign(constrained_margin_value=[160.0, 234.0]))
    )
    assert fat["contribution_value"] - lean["contribution_value"] == 10  # the margin, no cost


def test_a_backlog_of_assumed_cost_spends_nothing(press, money):
    from dataclasses import replace

    plan = Plan(made=[[40.0], [50.0]])  # ten owed, at two
    given, assumed = told(press, plan, money), told(replace(press, is_assumed=True), plan, money)
    assert given["beyond_cost_value"] - assumed["beyond_cost_value"] == 20
    assert given["supply_cost_value"] - assumed["supply_cost_value"] == 20
    assert (given["unspent_value"], assumed["unspent_value"]) == (0, 20)


def test_without_prices_costs_and_resources_units_are_told():
    task = Task(demand=[10, 10], months=months.span(CYCLE, 2))
    nothing = pd.DataFrame({"item": ["item 1"] * 2, "month": months.span(CYCLE, 2)})
    names = ["revenue_value", "constrained_revenue_value", "constrained_margin_value"]
    kpis = told(
        task, Plan(made=[[5.0], [15.0]]), nothing.assign(**dict.fromkeys(names, np.nan)), np.nan
    )
    assert kpis["late_quantity"] == 5 and kpis["on_time_rate"] == 0.75
    missing = {"revenue_value", "contribution_value", "supply_cost_value", "end_inventory_value"}
    missing |= {"peak_utilisation_rate", "fiscal_year_revenue_value"}
    assert kpis[sorted(missing)].isna().all()


def test_the_year_compares_only_what_its_budget_speaks_of():
    month = months.span(pd.Timestamp("2025-07-01"), 18)
    rows = [
        pd.DataFrame({"family": name, "month": month, "revenue_value": amount, **budget})
        for name, amount, budget in (
            ("Tents", 70.0, dict(budgeted_revenue_value=70.0, budget_revenue_value=80.0)),
            ("Packs", 30.0, dict(budgeted_revenue_value=np.nan, budget_revenue_value=np.nan)),
            (
                schema.COMPANY_LABEL,
                100.0,
                dict(budgeted_revenue_value=70.0, budget_revenue_value=80.0),
            ),
        )
    ]
    table = pd.concat(rows, ignore_index=True)
    company = pd.Series({"fiscal_year_first_month": 7, "fiscal_year_shift": 0})
    items = pd.DataFrame({"item": ["T", "P"], "family": ["Tents", "Packs"]})
    past, ahead = table[table["month"] < CYCLE], table[table["month"] >= CYCLE]
    year = comparison.this_year(ahead, past, items, company)
    assert len(year["months"]) == 6 and year["closed_value"] == 600
    assert (year["budget_value"], year["budgeted_closed_value"]) == (960, 420)
    assert year["budgeted_items"] == {"T"}
    assert np.isnan(comparison.this_year(ahead[:4], past, items, company)["budget_value"])


def test_scenarios_stand_beside_the_plan_which_comes_first(base):
    other = what_if.answer(base, scenarios.as_changes([{"demand": {"item": "TENT", "rate": 0.1}}]))
    own = {scenarios.PLANNED: base["planned"]["kpis"], "more": other["kpis"]}
    table = comparison.beside_base(own)
    assert table["scenario"].unique().tolist() == [scenarios.PLANNED, "more"]
    assert not table.loc[table["scenario"] == scenarios.PLANNED, "difference"].fillna(0.0).any()
    more = table[table["scenario"] == "more"].set_index("kpi")
    assert more.loc["revenue_value", "difference"] > 0
    assert np.allclose(more["amount"] - more["base_amount"], more["difference"], equal_nan=True)
    listed = pd.DataFrame({"scenario": [*own], "title": ["As planned", "More"]})
    listed["own_part_value"] = [np.nan, 5.0]
    wide = comparison.wide(table, listed)
    assert wide["title"].tolist() == ["As planned", "More"]
    assert wide["peak"].str.fullmatch(r"\d+% \w+").all()
    assert wide["revenue_value"].diff()[1] == pytest.approx(more.loc["revenue_value", "difference"])


def test_demand_in_frozen_months_says_that_supply_cannot_answer_there():
    def one(first: str) -> scenarios.Scenario:
        change = {"what": "demand", "rate": 0.1, "first_month": pd.Timestamp(first)}
        return scenarios.Scenario("a", "A", "S", "O", "outside", CYCLE, changes=(change,))

    def finding(own: scenarios.Scenario, frozen: dict) -> str:
        table = comparison.listed({"a": own}, {"a": [own]}, {"a": ""}, {"a": 5.0}, frozen, CYCLE)
        return table.set_index("scenario").loc["a", "finding"]

    frozen = {"default": 1, "Tents": 2}
    assert finding(one("2026-02-01"), frozen) == "Supply cannot answer before 2026-03."
    assert finding(one("2026-03-01"), frozen) == finding(one("2026-02-01"), {}) == ""


def test_without_scenarios_every_table_is_empty_and_typed():
    tables = comparison.nothing()
    assert all(table.empty for table in tables.values())
    for name, table in tables.items():
        assert set(schema.PROCESSED[name].columns) <= set(table.columns)
    wide = comparison.wide(tables["scenarios"], tables["scenario_list"])
    assert wide.empty and set(comparison.SHOWN) <= set(wide.columns)


def test_own_part_is_contribution_beside_all_that_a_scenario_stands_on(hill, planned, base):
    def content(name: str, kind: str, on: list, **change) -> dict:
        words = {"statement": "S", "owner": "O", "kind": kind, "name": name, "stands_on": on}
        return words | {"changes": [change]}

    contents = {
        "wet": content("Wet", "outside", [], demand={"family": "Tents", "rate": -0.2}),
        "poor": content("Poor", "outside", [], demand={"family": "Packs", "rate": -0.1}),
        "answer": content("Answer", "choice", ["wet"], demand={"family": "Packs", "rate": 0.1}),
        "both": content("Both", "choice", ["wet", "poor"], cost={"kind": "holding", "rate": 0.5}),
        "mill": content("Mill", "outside", [], currency={"currency": "XXX", "rate": 0.1}),
    }
    rows = [(name, own, "") for name, own in contents.items()]
    files = pd.DataFrame(rows, columns=["scenario", "content", "problem"])
    unplaced = planned["locations"].assign(currency=pd.Series(dtype="str"))
    tables = planned | {"scenario_files": files, "locations": unplaced}
    money = (store.read(hill, name, CYCLE) for name in ("financials", "closed_financials"))
    told = what_if.all_tried(tables, *money, cycle=CYCLE, kept=Kept())
    rows = told["scenarios"].query("kpi == 'contribution_value'").set_index("scenario")["amount"]
    listed = told["scenario_list"].set_index("scenario")
    own = listed["own_part_value"]
    assert own["wet"] == pytest.approx(rows["wet"] - rows[scenarios.PLANNED])
    assert own["answer"] == pytest.approx(rows["answer"] - rows["wet"])
    changes = [contents[name]["changes"][0] for name in ("wet", "poor")]
    below = what_if.answer(base, scenarios.as_changes(changes))["kpis"].set_index("kpi")["amount"]
    assert own["both"] == pytest.approx(rows["both"] - below["contribution_value"], rel=1e-4)
    assert own["both"] < 0 and own[[scenarios.PLANNED, "mill"]].isna().all()
    assert "no plan is sold in XXX" in listed.loc["mill", "finding"]
