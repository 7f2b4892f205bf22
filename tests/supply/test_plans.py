"""What follows from a plan, what it costs, and how planners read it."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from sopkit import months, schema
from sopkit.supply import capacity, least_cost, plans, strategies
from sopkit.supply.plans import Plan
from sopkit.supply.tasks import Task

KEYS = pd.DataFrame({"item": ["A", "A"], "location": ["depot", "plant"]})


def amounts(task: Task, plan: Plan) -> dict[str, float]:
    """Costs by kind."""
    sheet = plans.costs(task, plan)
    return dict(zip(sheet["cost_kind"], sheet["amount_value"], strict=True))


# (1) by hand


def test_stock_is_opening_and_all_that_comes_less_all_that_goes_by_hand():
    task = Task(demand=[10, 10, 10], opening=4, receipts=[0, 3, 0], shelf_life_months=2)
    plan = Plan(
        made=[8, 9, 10], subcontract=[[1], [0], [0]], lost=[[0], [2], [0]], scrap=[[0], [0], [1]]
    )
    end = plans.outcome(task, plan)
    assert end.closing.ravel().tolist() == [4 + 8 + 1 - 10, 3 + 9 + 3 + 2 - 10, 7 + 10 - 1 - 10]
    assert end.opening.ravel().tolist() == [4.0, 3.0, 7.0]
    assert end.setups.ravel().tolist() == [True] * 3


def test_what_is_sent_leaves_one_site_the_lead_before_it_reaches_the_other_by_hand():
    task = Task(
        demand=[[0, 5], [0, 5], [0, 5]], opening=[20, 10], supplied_from=[-1, 0], lead_months=[0, 1]
    )
    plan = Plan(made=np.zeros((3, 2)), arrived=[[0, 0], [0, 6], [0, 7]])
    end = plans.outcome(task, plan)
    assert end.sent.tolist() == [[6.0, 0.0], [7.0, 0.0], [0.0, 0.0]]
    assert end.closing.tolist() == [[14.0, 5.0], [7.0, 6.0], [7.0, 8.0]]
    table = plans.table(task, plan)
    assert table["transfers"].tolist() == [-6.0, -7.0, 0.0, 0.0, 6.0, 7.0]
    assert table["supply"].tolist() == table["transfers"].tolist()
    far = replace(task, lead_months=np.array([0, 5]))  # nothing that arrives left in these months
    assert plans.sent_on(far, np.ones((3, 2))).tolist() == [[0.0, 0.0]] * 3


def test_hours_fall_before_the_units_are_due_and_firm_work_counts_by_hand():
    task = Task(
        demand=[[0, 0]] * 3, hours=[[2.0, 1.0], [3.0, 0.0]], offset_months=[[1, 0], [0, 0]],
        receipts=[[0, 0], [5, 0], [0, 0]], in_work=[[0, 0], [4, 0], [0, 0]],
        regular_hours=[20.0, 9.0],
    )  # fmt: skip
    plan = Plan(made=[[6.0, 1.0], [7.0, 2.0], [8.0, 3.0]])
    end = plans.outcome(task, plan)
    # first resource: A's 7 and 4 in work a month before, A's 8 two; what fell before is done
    assert end.load[:, 0].tolist() == [2 * 11 + 3 * 1, 2 * 8 + 3 * 2, 3 * 3]
    assert end.load[:, 1].tolist() == [6.0, 11.0, 8.0]
    assert end.overtime.tolist() == [[5.0, 0.0], [2.0, 2.0], [0.0, 0.0]]
    beyond = replace(task, offset_months=np.full((2, 2), 7))
    assert not plans.outcome(beyond, plan).load.any()


def test_overtime_of_an_item_is_the_part_of_its_most_loaded_resource_by_hand():
    task = Task(
        demand=[[0, 0]] * 2, hours=[[1.0, 1.0], [1.0, 0.0]], offset_months=[[0, 1], [0, 0]],
        regular_hours=[[15.0, 8.0]] * 2,
    )  # fmt: skip
    table = plans.table(task, Plan(made=[[10.0, 10.0], [10.0, 0.0]]))
    # first resource 5 of 20 hours; second, a month before, 2 of 10 for the second month's ten
    assert table["overtime"].tolist() == pytest.approx([2.5, 2.0, 2.5, 0.0])
    assert table["regular"].tolist() == pytest.approx([7.5, 8.0, 7.5, 0.0])
    assert table["supply"].tolist() == [10.0] * 3 + [0.0]


def test_bought_units_stand_as_bought_whatever_hours_they_take():
    task = Task(demand=[10, 10], is_purchased=True, hours=1, regular_hours=5)
    table = plans.table(task, Plan(made=[10, 10]))
    assert table[["regular", "overtime", "purchased"]].values.tolist() == [[0.0, 0.0, 10.0]] * 2


def test_a_workforce_leaves_by_itself_is_hired_and_laid_off_by_hand():
    task = Task(
        demand=[0, 0, 0], hours=1, workers=10, hours_per_worker=[100, 100, 90], attrition_rate=0.1,
        regular_hours=7, overtime_hours=3, overtime_per_worker=2, hiring_cost=5, layoff_cost=8,
        regular_cost=2, is_idle_paid=True,
    )  # fmt: skip
    plan = Plan(made=[50.0, 0.0, 0.0], workers=[9.0, 10.0, 6.0])
    end = plans.outcome(task, plan)
    # 10 → 9 stay, 9 wanted; 8.1 stay, 10 wanted; 9 stay, 6 wanted
    assert end.hired.ravel() == pytest.approx([0.0, 1.9, 0.0])
    assert end.laid_off.ravel() == pytest.approx([0.0, 0.0, 3.0])
    assert end.available.ravel().tolist() == [900.0, 1000.0, 540.0]
    assert plans.overtime_limit(task, end.workers).ravel().tolist() == [21.0, 23.0, 15.0]
    cost = amounts(task, plan)
    assert cost["hiring"] == pytest.approx(9.5) and cost["layoffs"] == pytest.approx(24.0)
    assert cost["regular hours"] == 100.0 and cost["idle hours"] == 2 * (900 + 1000 + 540 - 50)
    stays = plans.outcome(replace(task, attrition_rate=0.0), Plan(made=[0, 0, 0]))
    assert stays.workers.ravel().tolist() == [10.0] * 3 and not stays.hired.any()


def test_a_rate_is_units_a_working_day_of_what_is_made_together_by_hand():
    task = Task(
        demand=[[0, 0, 0]] * 2, rate_group=[0, 0, 1], previous_rate=[2.0, np.nan],
        working_days=[20, 10], in_work=[[10, 0, 0], [0, 0, 0]], receipts=[[10, 0, 0], [0, 0, 0]],
        increase_cost=[3.0, 1.0], decrease_cost=[4.0, 1.0], is_purchased=[False, False, False],
    )  # fmt: skip
    plan = Plan(made=[[30.0, 20.0, 40.0], [10.0, 10.0, 30.0]])
    end = plans.outcome(task, plan)
    # 60 in 20 days is 3 a day, 20 in 10 days is 2; the other group has no rate before
    assert end.rate_change.tolist() == [[1.0, 0.0], [-1.0, 1.0]]
    assert amounts(task, plan) == {"changes of rate": 3.0 + 4.0 + 1.0}
    bought = replace(task, is_purchased=np.array([False, True, False]))
    assert plans.outcome(bought, plan).rate_change[:, 0].tolist() == [0.0, -1.0]


def test_costs_by_hand():
    task = Task(
        demand=[[20, 4], [30, 4]], opening=[5, 0], hours=[[2.0], [0.0]], regular_hours=40.0,
        is_purchased=[False, True], regular_cost=20.0, overtime_cost=30.0, material_cost=3.0,
        purchase_cost=7.0, holding_cost=np.array([[1.0, 2.0], [1.5, 2.0]]), backlog_cost=10.0,
        subcontract_cost=50.0, setup_cost=11.0, lost_sale_cost=9.0,
    )  # fmt: skip
    plan = Plan(
        made=[[22.0, 6.0], [19.0, 0.0]], subcontract=[[0, 0], [2, 0]], lost=[[0, 0], [1, 0]]
    )
    # stock of A 7 and then −1, of B 2 and −2
    assert amounts(task, plan) == {
        "regular hours": (40 + 38) * 20.0,
        "idle hours": 0.0,
        "overtime hours": 4 * 30.0,
        "material": 41 * 3.0,
        "purchases": 6 * 7.0,
        "subcontracting": 2 * 50.0,
        "set-ups": 3 * 11.0,
        "holding stock": 7 * 1.0 + 2 * 2.0,
        "backlog": (1 + 2) * 10.0,
        "lost sales": 9.0,
    }


def test_idle_hours_are_paid_where_people_are():
    task = Task(demand=[10, 10], hours=1, regular_hours=[15, 5], regular_cost=2.0, overtime_cost=3)
    plan = Plan(made=[10, 10])
    assert amounts(task, plan) == {
        "regular hours": 30.0, "idle hours": 0.0, "overtime hours": 15.0
    }  # fmt: skip
    paid = replace(task, is_idle_paid=True)
    assert amounts(paid, plan) == {
        "regular hours": 30.0, "idle hours": 10.0, "overtime hours": 15.0
    }  # fmt: skip


def test_holding_is_paid_on_average_stock_where_asked_by_hand():
    task = Task(demand=[10, 10], opening=20, holding_cost=[1.0, 2.0], backlog_cost=3.0)
    plan = Plan(made=[0, 0])
    assert amounts(task, plan) == {"holding stock": 10.0, "backlog": 0.0}
    average = replace(task, is_average_stock=True)
    assert amounts(average, plan)["holding stock"] == (20 + 10) / 2 * 1.0 + (10 + 0) / 2 * 2.0
    short = replace(average, demand=task.demand * 1.5)  # closing 5, −10: no stock, no negative one
    assert amounts(short, plan) == {"holding stock": 12.5 + 5.0, "backlog": 30.0}


def test_revenue_is_a_negative_cost_of_what_is_sold():
    task = Task(demand=[10, 10], price=[3.0, 4.0], transfer_cost=1.0)
    assert amounts(task, Plan(made=[10, 6], lost=[[0], [4]])) == {
        "transfers": 0.0,
        "revenue": -(10 * 3.0 + 6 * 4.0),
    }


def test_a_kind_of_cost_that_nobody_knows_is_left_out():
    task = Task(demand=[[10, 5], [10, 5]], holding_cost=np.array([[1.0, np.nan]] * 2))
    sheet = plans.costs(task, Plan(made=[[15.0, 9.0], [10.0, 5.0]]))
    assert sheet.values.tolist() == [["holding stock", 10.0, False]]
    bare = plans.costs(Task(demand=[1]), Plan(made=[1]))
    assert bare.empty and bare.columns.tolist() == ["cost_kind", "amount_value", "is_assumed"]


def test_costs_that_rest_on_assumptions_are_marked_where_they_amount_to_something():
    task = Task(
        demand=[[10, 10]], holding_cost=1.0, backlog_cost=2.0, material_cost=1.0,
        is_assumed=[False, True],
    )  # fmt: skip
    sheet = plans.costs(task, Plan(made=[[12.0, 7.0]])).set_index("cost_kind")
    assert sheet["is_assumed"].to_dict() == {
        "material": False, "holding stock": False, "backlog": True
    }  # fmt: skip
    assert sheet["amount_value"].to_dict() == {"material": 19, "holding stock": 2, "backlog": 6}


def test_weights_are_units_below_safety_stock_and_what_is_undone_by_hand():
    task = Task(
        demand=[[10, 10], [10, 10]], safety_stock=[[4, 0], [6, 0]],
        below_safety_cost=[[2.0, 9.0], [3.0, 9.0]], ending_cost=[10.0, 20.0],
    )  # fmt: skip
    # A ends at 1 and −1, B at 3 and −2; units owed are below safety stock too
    plan = Plan(made=[[11.0, 13.0], [8.0, 5.0]])
    assert plans.weights(task, plan) == 3 * 2.0 + 7 * 3.0 + 7 * 10.0 + 2 * 20.0


def test_a_plan_as_planners_read_it_by_hand():
    task = Task(
        demand=[[5, 1], [5, 2]], keys=KEYS, opening=[8, 3], supplied_from=[1, -1],
        safety_stock=[[2, 0], [3, 0]], hours=[0.0, 1.0], regular_hours=4.0,
        receipts=[[0, 1], [0, 0]],
    )  # fmt: skip
    plan = Plan(
        made=[[0, 5], [0, 4]], subcontract=[[0, 2], [0, 0]], arrived=[[4, 0], [1, 0]],
        lost=[[0, 0], [2, 0]], scrap=[[0, 0], [0, 1]],
    )  # fmt: skip
    table = plans.table(task, plan)
    assert table[schema.SITE].values.tolist() == [["A", "depot"]] * 2 + [["A", "plant"]] * 2
    assert table["month"].tolist() == [*task.months, *task.months]
    expected = {
        "regular": [0, 0, 4, 4], "overtime": [0, 0, 1, 0], "subcontract": [0, 0, 2, 0],
        "purchased": [0, 0, 0, 0], "receipts": [0, 0, 1, 0], "transfers": [4, 1, -4, -1],
        "supply": [4, 1, 4, 3], "opening": [8, 7, 3, 6], "demand": [5, 3, 1, 3],
        "scrap": [0, 0, 0, 1], "lost": [0, 2, 0, 0], "closing": [7, 5, 6, 6],
        "safety_stock": [2, 3, 0, 0],
    }  # fmt: skip
    assert table.columns.tolist() == [*schema.SITE_MONTH, *expected]
    for name, values in expected.items():
        assert table[name].tolist() == values, name


def test_the_last_plan_is_read_on_the_months_and_sites_of_the_new_one():
    task = Task(demand=[[1, 1]] * 3, keys=KEYS, route_item=[0, 1, 1], hours=[1, 1, 2])
    last = pd.DataFrame(
        {
            "item": "A",
            "location": ["plant", "plant", "plant", "moon"],
            "month": [months.shift(task.months[0], k) for k in (-1, 0, 1, 0)],
            "regular": [1.0, 2.0, 3.0, 9.0],
            "overtime": [0.5, 0.0, 0.5, 9.0],
            "purchased": [0.0, 4.0, 0.0, 9.0],
            "subcontract": 7.0,
        }
    )
    made = plans.from_table(task, last).made
    assert made.shape == (3, 3)
    assert made[:2, 1].tolist() == [6.0, 3.5]
    assert np.isnan(made[2, 1]) and np.isnan(made[:, [0, 2]]).all()
    assert plans.from_table(task, last[last["location"] == "moon"]) is None
    assert plans.from_table(task, last[:0]) is None


def test_what_a_table_tells_is_the_plan_again(random_task):
    task = random_task(3)
    plan = strategies.plan(task, "chase")
    again = plans.from_table(task, plans.table(task, plan))
    total = plans.by_item(task, plan.made)
    np.testing.assert_allclose(again.made[:, :7], total, atol=1e-9)


def test_units_made_by_route_count_what_is_in_work_by_hand():
    task = Task(
        demand=[[1, 1]] * 2, keys=KEYS, route_item=[0, 1, 1], hours=[1, 1, 2],
        receipts=[[0, 3], [0, 0]], in_work=[[0, 2], [0, 0]],
    )  # fmt: skip
    bill = capacity.overall_factors(pd.Series({"A": 1.0}), pd.Series({"sewing": 1.0}))
    routes = pd.DataFrame({"item": "A", "route": ["", "", "night"], "position": [0, 1, 1]})
    made = plans.made_by_route(task, Plan(made=[[0, 4, 5], [1, 6, 7]]), routes)
    assert made[["route", "quantity"]].values.tolist() == [
        ["", 6.0], ["", 7.0], ["night", 5.0], ["night", 7.0]
    ]  # fmt: skip
    assert made["month"].tolist() == [*task.months, *task.months]
    usual = capacity.routes(bill, task.keys["item"])
    assert usual["position"].tolist() == [0, 1]


# (3) invariants


@pytest.mark.parametrize("seed", range(20))
def test_a_table_balances_and_its_parts_add_up(random_task, seed):
    task = random_task(seed)
    plan = least_cost.solve(task)
    table = plans.table(task, plan)
    parts = table[list(plans.SUPPLY)].sum(axis=1)
    np.testing.assert_allclose(table["supply"], parts, atol=1e-9)
    end = table["opening"] + table["supply"] - table["demand"]
    np.testing.assert_allclose(table["closing"], end, atol=1e-6)
    after = table.groupby(schema.SITE)["opening"].shift(-1)
    assert (after.isna() | (after - table["closing"]).abs().lt(1e-9)).all()
    assert not table.duplicated(schema.SITE_MONTH).any() and len(table) == 49
    own = table[["regular", "overtime", "subcontract", "purchased", "receipts", "lost"]]
    assert (own >= -1e-9).all(axis=None)
    # what is sent on reaches the other site, save what is still on its way
    ends = plans.outcome(task, plan)
    away = plan.arrived.sum() - ends.sent.sum()
    assert table["transfers"].sum() == pytest.approx(away, abs=1e-6)
    # hours of the load are regular ones and overtime
    worked = np.minimum(ends.load, ends.available)
    np.testing.assert_allclose(worked + ends.overtime, ends.load)


def test_arguments_are_not_changed(random_task):
    task = random_task(2)
    plan = strategies.plan(task, "chase")
    table = plans.table(task, plan)
    before = {f.name: np.array(getattr(task, f.name), copy=True) for f in fields(task)}
    kept = {f.name: np.array(getattr(plan, f.name), copy=True) for f in fields(plan)}
    was = table.copy()
    plans.outcome(task, plan)
    plans.costs(task, plan)
    plans.weights(task, plan)
    plans.table(task, plan)
    plans.from_table(task, table)
    strategies.plan(task, "level")
    least_cost.solve(task, near=plan)
    least_cost.hour_values(task, count=1)
    pd.testing.assert_frame_equal(was, table)
    for thing, arrays in ((task, before), (plan, kept)):
        for name, value in arrays.items():
            now = np.array(getattr(thing, name))
            assert value.dtype == now.dtype, name
            if value.dtype == float:
                np.testing.assert_array_equal(now, value, err_msg=name)
            else:
                assert (now == value).all(), name


# (5) errors


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"made": [[1.0, 2.0]]}, r"made has shape \(1, 2\), but \(3, 1\) is needed"),
        ({"made": [1, -2, 3]}, r"made is negative \(-2\) at \(1, 0\)"),
        ({"made": [1, 2, 3], "lost": [[1], [2]]}, r"lost has shape \(2, 1\)"),
    ],
)
def test_a_plan_that_does_not_fit_its_task_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        plans.outcome(Task(demand=[1, 2, 3]), Plan(**values))


def test_a_sheet_adds_what_stock_below_target_is_worth_by_hand():
    task = Task(
        demand=[10, 10], opening=12, safety_stock=5, holding_cost=1.0, below_safety_cost=4.0,
        ending_cost=7.0,
    )  # fmt: skip
    plan = Plan(made=[[8.0], [0.0]])  # closing 10 and 0: five below safety stock at the end
    sheet = plans.sheet(task, plan).set_index("cost_kind")
    assert sheet["amount_value"].to_dict() == {
        "holding stock": 10.0,
        "stock below target": 5 * (4.0 + 7.0),
    }
    assert sheet["is_assumed"].to_dict() == {"holding stock": False, "stock below target": True}
