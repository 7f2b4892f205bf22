"""The what-if explorer: changes of a task by hand, two plans compared, widgets that follow."""

from __future__ import annotations

import base64
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sopkit import months
from sopkit.__main__ import main
from sopkit.explore import scenarios
from sopkit.explore.scenarios import Change
from sopkit.supply import families, least_cost
from sopkit.supply.plans import Plan
from sopkit.supply.tasks import Task

CYCLE = pd.Timestamp("2026-01-01")
UNITS = pd.DataFrame({"item": ["A"], "planning_factor": 1.0, "planning_unit": "units"})


def span(first: str, last: str) -> tuple[pd.Timestamp, pd.Timestamp]:
    return pd.Timestamp(first), pd.Timestamp(last)


@pytest.fixture
def dear_overtime() -> Task:
    """40, 60, 75, 25 units, ten in stock, 40 hours at 400, overtime at 450, 20 to hold a unit.

    By hand: 160 hours and 30 of overtime and 20 months of a unit, 64,000 + 13,500 + 950.
    """
    return Task(
        demand=[40, 60, 75, 25],
        months=months.span(CYCLE, 4),
        resources=["press"],
        opening=10,
        hours=1,
        regular_hours=40,
        overtime_hours=np.inf,
        regular_cost=400,
        overtime_cost=450,
        holding_cost=20,
        is_backlog_allowed=False,
    )


@pytest.fixture
def two() -> Task:
    """Two items on two resources for three months; the second may hold no stock."""
    return Task(
        demand=[[10, 4], [10, 4], [10, 4]],
        months=months.span(CYCLE, 3),
        resources=["press", "oven"],
        hours=[[1, 0], [0, 1]],
        regular_hours=[[20, 10], [20, 10], [20, 10]],
        overtime_hours=[[2, 1], [2, 1], [2, 1]],
        regular_cost=[[5, 5], [5, 5], [5, 5]],
        opening=[0, 6],
        maximum_stock=[[np.inf, 2], [np.inf, 0], [np.inf, 0]],
        backlog_cost=[[3, 3], [3, 3], [3, 3]],
        is_backlog_cleared=True,
    )


def explored(task: Task, family: list[str] | None = None) -> dict:
    names = np.array(family or [f"family {k}" for k in range(len(task.keys))])
    tables = scenarios.prepared(task, names, np.ones(len(names)))
    return tables | {"currency": "EUR", "units": UNITS}


def told(tables: dict, **choices) -> str:
    """The sentence in words that can be typed."""
    shown = scenarios.view(tables, Change(**choices))[0].html
    return re.sub(r"<[^>]+>", "", shown).replace("\u00a0", " ")


# changes of a task


def test_nothing_changed_is_the_same_task(two):
    still = Change(resource="press", family="Tents", cost="backlog")
    assert scenarios.changed(two, still, ["Tents", "Packs"]) is two


def test_hours_change_of_one_resource_in_its_months(two):
    change = Change(
        resource="press", hours_rate=-0.1, hours_months=span("2026-02-01", "2026-03-01")
    )
    other = scenarios.changed(two, change, ["Tents", "Packs"])
    assert other.regular_hours.tolist() == [[20, 10], [18, 10], [18, 10]]
    assert other.overtime_hours.tolist() == [[2, 1], [1.8, 1], [1.8, 1]]
    assert (other.hours_per_worker == two.hours_per_worker).all()  # nobody is hired here


def test_hours_of_workers_change_where_their_number_may(two):
    staffed = replace(two, workers=[np.nan, 2], hours_per_worker=5, overtime_per_worker=1)
    other = scenarios.changed(staffed, Change(hours_rate=0.2), ["Tents", "Packs"])
    assert other.hours_per_worker[0].tolist() == [5, 6]
    assert np.allclose(other.overtime_per_worker[0], [1, 1.2])


def test_demand_changes_of_one_family_in_its_months(two):
    month = span("2026-02-01", "2026-02-01")
    change = Change(family="Packs", demand_rate=0.25, demand_months=month)
    other = scenarios.changed(two, change, ["Tents", "Packs"])
    assert other.demand.tolist() == [[10, 4], [10, 5], [10, 4]]
    assert (other.safety_stock == two.safety_stock).all()
    assert (other.maximum_stock == two.maximum_stock).all()


def test_stock_that_less_demand_leaves_may_lie_where_none_is_kept(two):
    tables = explored(two)
    assert "there is no plan" not in told(tables, demand_rate=-0.3)
    other = scenarios.changed(two, Change(demand_rate=-0.25), ["Tents", "Packs"])
    assert other.maximum_stock[:, 1].tolist() == [3, 0, 0]  # six, three a month


def test_a_cost_is_multiplied_and_overtime_counts_as_it_is_paid(two):
    dear = scenarios.changed(two, Change(cost="backlog", times=4.0), ["Tents", "Packs"])
    assert (dear.backlog_cost == 12).all() and (dear.regular_cost == two.regular_cost).all()
    paid = scenarios.changed(two, Change(cost="overtime hours", times=2.0), ["Tents", "Packs"])
    assert (paid.overtime_cost == 10).all()  # no cost of its own: a regular hour's


# two plans beside each other


def test_costs_and_service_of_a_plan_by_hand(two):
    plan = Plan(made=[[8, 0], [23, 0], [8, 6]])  # stock: −2, 11, 9 and 2, −2, 0
    table = scenarios.measures(replace(two, safety_stock=5), plan, np.array([1.0, 10.0]))
    amounts = table.set_index("what")["amount"]
    assert amounts["backlog"] == 3 * (2 + 2)
    assert amounts["regular hours"] == 5 * (8 + 20 + 8 + 6)
    assert amounts["overtime hours"] == 5 * 3 and amounts["hours of overtime"] == 3
    assert amounts["all costs"] == 12 + 210 + 15
    assert amounts["items late"] == 2
    assert amounts["units late"] == 2 + 10 * 2
    assert amounts["units below safety stock, a month"] == (5 + 10 * (3 + 5 + 5)) / 3


def test_kinds_that_cost_nothing_before_and_after_are_left_out():
    before = pd.DataFrame(
        [("setups", 0.0, "value"), ("backlog", 0.0, "value"), ("items late", 0.0, "count")],
        columns=["what", "amount", "kind"],
    )
    table = scenarios.compared(before, before.assign(amount=[0.0, 7.0, 0.0]))
    assert table["what"].tolist() == ["backlog", "items late"]
    assert table["difference"].tolist() == [7.0, 0.0]


def test_load_and_stock_by_month_are_those_before_and_after(two):
    before, after = Plan(made=[[10, 0], [10, 2], [10, 4]]), Plan(made=[[8, 0], [12, 2], [10, 4]])
    table, resource = scenarios.by_month((two, before), (two, after), np.array([1.0, 0.0]))
    assert resource == "press"  # 10 of 20 hours beside 4 of 10
    assert table["load_hours_before"].tolist() == [10, 10, 10]
    assert table["load_hours"].tolist() == [8, 12, 10]
    assert table["owed"].tolist() == [-2, 0, 0] and table["owed_before"].tolist() == [0, 0, 0]
    second, _ = scenarios.by_month((two, before), (two, after), np.array([0.0, 1.0]), "oven")
    assert second["stock"].tolist() == [2, 0, 0] and second["regular_hours"].tolist() == [10] * 3


def test_without_resources_there_is_stock_alone():
    task = Task(demand=[10, 30], months=months.span(CYCLE, 2))
    plan = Plan(made=[[20.0], [15.0]])
    table, resource = scenarios.by_month((task, plan), (task, plan), np.ones(1))
    assert resource == "" and "load_hours" not in table
    assert table["stock"].tolist() == [10, 0]


# what is told


def test_more_hours_save_what_the_textbook_problem_says(dear_overtime):
    tables = explored(dear_overtime)
    assert told(tables) == "As planned, the supply costs 78 k EUR; items that run late: 0."
    assert told(tables, resource="press", hours_rate=0.25) == (
        "With 25% more hours of press in 2026-01 to 2026-04, the plan costs 1,100 EUR less "
        "(77 k EUR instead of 78 k EUR), and as many items run late (0)."
    )


def test_changes_are_named_together_with_their_months(dear_overtime):
    month = span("2026-03-01", "2026-03-01")
    words = told(
        explored(dear_overtime),
        hours_rate=0.1,
        hours_months=month,
        family="family 0",
        demand_rate=-0.2,
        cost="holding stock",
        times=0.5,
    )
    assert words.startswith(
        "With 10% more hours of all resources in 2026-03, 20% less demand for family 0 in 2026-01 "
        "to 2026-04 and the cost of holding stock times 0.5, the plan costs "
    )


def test_items_that_begin_to_run_late_are_counted(two):
    scarce = replace(two, overtime_hours=0, maximum_stock=np.inf)
    tables = explored(scarce)
    month = span("2026-01-01", "2026-01-01")
    words = told(tables, family="family 1", demand_rate=3.0, demand_months=month)
    # 16 wanted in January, 6 in stock and ten hours: none late; 2.5 times more and some are
    assert "as many items run late (0)" in words
    words = told(tables, family="family 1", demand_rate=3.5, demand_months=month)
    assert words.endswith("and 1 item more runs late (1 instead of 0).")


def test_without_costs_units_late_and_overtime_are_told():
    task = Task(
        demand=[10, 10], months=months.span(CYCLE, 2), hours=1, regular_hours=8, overtime_hours=1
    )
    tables = explored(task)
    assert told(tables) == (
        "As planned, 3 units are late, 2 hours of overtime are worked; items that run late: 1."
    )
    assert told(tables, hours_rate=0.25) == (  # ten hours, 1.25 of overtime that is not needed
        "With 25% more hours of all resources in 2026-01 to 2026-02, 3 units fewer are late "
        "(0 instead of 3), 2 hours of overtime fewer (0 instead of 2) are worked, and 1 item "
        "fewer runs late (0 instead of 1)."
    )


def test_a_change_that_no_plan_keeps_says_why_and_the_next_one_is_answered(dear_overtime):
    tables = explored(replace(dear_overtime, overtime_hours=20))
    assert told(tables, hours_rate=-0.3) == (
        "With 30% fewer hours of all resources in 2026-01 to 2026-04 there is no plan: no plan "
        "keeps all rules: allow backlog or lost sales, or loosen least stock, changes of rate, "
        "storage or the bounds of the workforce."
    )
    assert len(scenarios.view(tables, Change(hours_rate=-0.3))) == 1
    anew = explored(replace(dear_overtime, overtime_hours=20))
    assert told(tables, hours_rate=0.1) == told(anew, hours_rate=0.1)
    assert told(tables) == told(anew)


def test_a_cycle_that_no_plan_keeps_is_refused_in_words(dear_overtime):
    with pytest.raises(months.UsageError, match="cannot be planned: no plan keeps all rules"):
        explored(replace(dear_overtime, overtime_hours=0))


def test_the_table_is_downloaded_with_all_its_figures(dear_overtime):
    tables = explored(dear_overtime)
    link = scenarios.view(tables, Change(hours_rate=0.25))[2].html
    text = base64.b64decode(re.search(r'base64,([^"]+)"', link)[1]).decode("utf-8-sig")
    rows = [line.split(",")[:5] for line in text.splitlines()]
    assert rows[0] == ["what", "kind", "before", "after", "difference"]
    total = next(row for row in rows if row[0] == "all costs")
    assert [float(x) for x in total[2:]] == [78450, 77350, -1100]
    assert "25% more hours" in text and "download=" in link


def test_a_large_portfolio_is_explored_by_families(monkeypatch, two):
    monkeypatch.setattr(families, "MOST_CELLS", 5)
    alike = replace(two, opening=0, maximum_stock=np.inf, hours=[[1, 0], [1, 0]])
    tables = explored(alike, ["Tents", "Tents"])
    assert tables["before"][0].keys["item"].tolist() == ["Tents"]
    assert told(tables).endswith("families that run late: 0.")
    month = span("2026-01-01", "2026-01-01")
    change = Change(family="Tents", demand_rate=1.0, demand_months=month)  # 28 of 22 hours
    words = told(tables, family="Tents", demand_rate=1.0, demand_months=month)
    assert "1 family more runs late" in words
    task = scenarios.changed(alike, change, ["Tents", "Tents"])
    best = least_cost.Session(families.grouped(task, families.codes(task, ["Tents", "Tents"])))
    best.solve()
    amount = re.search(r"\(([\d,]+) EUR", words)[1].replace(",", "")
    assert float(amount) == pytest.approx(best.objective, abs=0.5)


# the widget


@pytest.mark.slow
def test_a_workspace_whose_cycle_was_not_run_says_so(sales_only):
    box = scenarios.explorer(sales_only, CYCLE)
    assert "has not been made yet. Run the step" in box.children[0].value
    assert "is no workspace" in scenarios.explorer(sales_only.parent, CYCLE).children[0].value


@pytest.mark.slow
def test_sales_alone_can_be_explored(sales_only):
    assert main(["run", "--workspace", str(sales_only)]) == 0
    box = scenarios.explorer(sales_only, CYCLE)
    *rows, shown = box.children
    resource, _, _, _, demand, _, cost, *_ = [own for row in rows for own in row.children]
    assert "hours of overtime are worked" in shown.value and "<img" in shown.value
    assert len(resource.options) == 1 and cost.options == (("no costs are known", ""),)
    demand.value = 0.3
    assert "30% more demand" in shown.value


@pytest.mark.slow
def test_moving_a_control_changes_what_is_shown_and_reset_puts_it_back(sample_workspace):
    box = scenarios.explorer(sample_workspace, CYCLE)
    *rows, shown = box.children
    controls = [control for row in rows for control in row.children]
    resource, hours, hours_months, family, demand, demand_months, cost, times, reset = controls
    assert all(control.description for control in controls)
    first, seen = shown.value, {shown.value}
    assert "As planned, the supply costs" in first and "<img" in first
    for control, value in (
        (resource, "sewing"),
        (hours, 0.1),
        (hours_months, span("2026-04-01", "2026-07-01")),
        (family, "Tents"),
        (demand, -0.3),
        (demand_months, span("2026-06-01", "2026-06-01")),
        (cost, "changes of rate"),
        (times, 4.0),
    ):
        control.value = value
        seen.add(shown.value)
    assert len(seen) >= 7  # a cost that is chosen but not changed changes nothing
    assert (
        "With 10% more hours of sewing in 2026-04 to 2026-07, 30% less demand for Tents in 2026-06 "
        "and the cost of changes of rate times 4, the plan costs"
    ) in shown.value
    assert "Load and stock of Tents by month" in shown.value
    reset.click()
    assert shown.value == first and hours.value == 0.0 and family.value == ""
    hours.value = -0.3  # still watched
    assert shown.value != first
