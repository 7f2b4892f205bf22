"""Chase, level, hybrid: opening + supply − demand = closing, within the hours there are."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from sopkit import schema
from sopkit.supply import plans, strategies
from sopkit.supply.plans import Plan
from sopkit.supply.tasks import AXES, Task

SEEDS = range(6)
BY_MONTH = ("chase", "level", "hybrid")


def random_task(seed: int, **rules) -> Task:
    """Eight items, ten months, three resources that are often short of hours."""
    rng = np.random.default_rng(seed)
    demand = rng.integers(0, 40, (10, 8)).astype(float)
    demand[6:, 3] = 0.0  # an item that ends
    demand[:, 4] = 0.0  # an item that nobody wants
    hours = rng.uniform(0.2, 2.0, (8, 3)) * (rng.random((8, 3)) < 0.6)
    values = {
        "demand": demand,
        "opening": rng.integers(-20, 60, 8),
        "safety_stock": rng.integers(0, 20, 8),
        "receipts": rng.integers(0, 30, (10, 8)) * (rng.random((10, 8)) < 0.2),
        "lead_months": rng.integers(0, 4, 8),
    }
    is_purchased = rng.random(8) < 0.3
    values |= {
        "is_purchased": is_purchased,
        "hours": np.where(is_purchased[:, None], 0.0, hours),
        "regular_hours": rng.uniform(20, 90, (10, 3)),
        "overtime_hours": rng.uniform(0, 20, (10, 3)),
    }
    return Task(**(values | rules))


def made(task: Task, name: str, **how) -> list[float]:
    """Units of the first item that a strategy makes or buys."""
    return strategies.plan(task, name, **how).made[:, 0].tolist()


def table_of(task: Task, name: str, **how) -> pd.DataFrame:
    return plans.table(task, strategies.plan(task, name, **how))


def amounts(task: Task, plan: Plan) -> dict[str, float]:
    sheet = plans.costs(task, plan)
    return dict(zip(sheet["cost_kind"], sheet["amount_value"], strict=True))


# (1) by hand


def test_chase_makes_demand_and_fills_up_to_safety_stock_by_hand():
    table = table_of(Task(demand=[10, 30, 20], opening=15, safety_stock=5), "chase")
    assert table["supply"].tolist() == [0.0, 30.0, 20.0]
    assert table["closing"].tolist() == [5.0, 5.0, 5.0]


def test_chase_makes_nothing_while_stock_is_too_high():
    table = table_of(Task(demand=[10, 10, 10], opening=25, safety_stock=5), "chase")
    assert table["supply"].tolist() == [0.0, 0.0, 10.0]
    assert table["opening"].tolist() == [25.0, 15.0, 5.0]


def test_chase_follows_least_stock_safety_stock_of_each_month_and_ending_stock():
    task = Task(demand=[10, 10, 10], safety_stock=[2, 4, 4], minimum_stock=[3, 0, 0])
    assert made(task, "chase") == [13.0, 11.0, 10.0]
    assert made(replace(task, ending_stock=9.0), "chase") == [13.0, 11.0, 15.0]
    assert made(replace(task, maximum_stock=np.full((3, 1), 1.0)), "chase") == [11.0, 10.0, 10.0]


def test_a_receipt_on_its_way_is_counted_before_anything_is_made():
    table = table_of(Task(demand=[10, 10, 10], receipts=[0, 25, 0]), "chase")
    assert table["regular"].tolist() == [10.0, 0.0, 0.0]
    assert table["receipts"].tolist() == [0.0, 25.0, 0.0]
    assert table["closing"].tolist() == [0.0, 15.0, 5.0]


def test_the_projection_carries_backlog_into_the_next_month_by_hand():
    # two hours a unit, 40 hours and 4 in overtime: at most 22 a month
    task = Task(demand=[20, 30, 20, 10], hours=2.0, regular_hours=40.0, overtime_hours=4.0)
    table = table_of(task, "chase")
    assert table["supply"].tolist() == [20.0, 22.0, 22.0, 16.0]
    assert table["overtime"].tolist() == [0.0, 2.0, 2.0, 0.0]
    assert table["regular"].tolist() == [20.0, 20.0, 20.0, 16.0]
    assert table["closing"].tolist() == [0.0, -8.0, -6.0, 0.0]


def test_demand_that_may_be_lost_and_not_owed_is_lost():
    task = Task(
        demand=[20, 30, 20], hours=1, regular_hours=22, is_loss_allowed=True,
        is_backlog_allowed=False,
    )  # fmt: skip
    plan = strategies.plan(task, "chase")
    assert plan.lost.ravel().tolist() == [0.0, 8.0, 0.0]
    assert plan.made.ravel().tolist() == [20.0, 22.0, 20.0]


def test_nothing_arrives_before_the_lead_time_is_over():
    task = Task(demand=[10, 10, 10, 10], opening=15, lead_months=2, is_purchased=True)
    table = table_of(task, "chase")
    assert table["purchased"].tolist() == [0.0, 0.0, 15.0, 10.0]
    assert table["closing"].tolist() == [5.0, -5.0, 0.0, 0.0]


@pytest.mark.parametrize("name", strategies.NAMES)
def test_frozen_months_keep_what_is_firm(name):
    task = Task(
        demand=[10, 10, 10, 10], receipts=[4, 6, 0, 0], frozen_months=2, backlog_cost=1.0,
        holding_cost=0.1, ending_cost=9.0, hours=1, regular_hours=99,
    )  # fmt: skip
    plan = strategies.plan(task, name)
    assert plan.made[:2].sum() == 0.0
    assert plan.made.sum() == pytest.approx(30.0)


def test_work_that_falls_before_the_horizon_cannot_be_done():
    task = Task(demand=[10, 10, 10], hours=1, offset_months=1, regular_hours=[25, 5, 5])
    assert made(task, "chase") == [0.0, 20.0, 5.0]
    assert made(replace(task, offset_months=np.full((1, 1), 5)), "chase") == [0.0] * 3


def test_a_resource_short_of_hours_cuts_all_its_items_by_the_same_share():
    task = Task(
        demand=[[30, 10, 7]], hours=[[1.0], [1.0], [0.0]], regular_hours=16.0, overtime_hours=4.0
    )
    table = table_of(task, "chase")
    assert table["supply"].tolist() == [15.0, 5.0, 7.0]  # 20 of 40 hours; the third passes nothing
    assert table["overtime"].tolist() == [3.0, 1.0, 0.0]


def test_what_the_usual_way_cannot_make_is_made_another_way_by_hand():
    task = Task(
        demand=[20, 20], hours=[[1.0, 0.0], [0.0, 2.0]], route_item=[0, 0],
        regular_hours=np.array([[15.0, 8.0], [25.0, 8.0]]),
    )  # fmt: skip
    plan = strategies.plan(task, "chase")
    assert plan.made.tolist() == [[15.0, 4.0], [21.0, 0.0]]
    limited = strategies.plan(replace(task, supply_limit=np.full((2, 1), 17.0)), "chase")
    assert limited.made.tolist() == [[15.0, 2.0], [17.0, 0.0]]


@pytest.mark.parametrize("name", ["chase", "hybrid"])
def test_what_hours_do_not_allow_is_made_by_others_where_that_has_a_price(name):
    task = Task(
        demand=[20, 20, 20], hours=1, regular_hours=15, subcontract_cost=9.0,
        subcontract_limit=[9, 3, 9],
    )  # fmt: skip
    plan = strategies.plan(task, name)
    assert plan.made.ravel() == pytest.approx([15.0] * 3)
    assert plan.subcontract.ravel() == pytest.approx([5.0, 3.0, 7.0])
    alone = replace(task, subcontract_cost=np.full((3, 1), np.nan))
    assert not strategies.plan(alone, name).subcontract.any()
    late = replace(task, lead_months=1)
    assert strategies.plan(late, name).subcontract[0, 0] == 0.0
    assert not strategies.plan(task, name, is_limited=False).subcontract.any()


def test_level_is_made_in_house():
    task = Task(demand=[20, 20, 20], hours=1, regular_hours=15, subcontract_cost=9.0)
    plan = strategies.plan(task, "level")
    assert not plan.subcontract.any() and plan.made.ravel().tolist() == [15.0] * 3


def test_level_makes_later_what_hours_did_not_allow():
    task = Task(demand=[10, 10, 10], hours=1, regular_hours=[6.0, 20.0, 20.0])
    assert table_of(task, "level")["supply"].tolist() == [6.0, 14.0, 10.0]


def test_without_limit_hours_cut_nothing():
    task = Task(demand=[20, 30], hours=2, regular_hours=1.0)
    assert made(task, "chase", is_limited=False) == [20.0, 30.0]


def test_bought_items_are_no_part_of_the_rate_and_take_no_hours_without_a_bill():
    task = Task(
        demand=[[10, 10]], is_purchased=[True, False], hours=[[0.0], [1.0]], regular_hours=10.0
    )
    table = table_of(task, "chase")
    assert table["purchased"].tolist() == [10.0, 0.0]
    assert table["regular"].tolist() == [0.0, 10.0]


def test_level_spreads_over_the_months_in_which_an_item_can_and_should_be_made():
    # lead time 1, last demand in the fourth month: three months for 5 + 10 + 15 + 6 − 6
    task = Task(demand=[5, 10, 0, 15, 0], opening=6, safety_stock=6, lead_months=1)
    assert strategies.level_rates(task).ravel().tolist() == [0.0, 10.0, 10.0, 10.0, 0.0]


def test_level_is_one_rate_a_working_day_by_hand():
    task = Task(demand=[10, 20, 30], receipts=[0, 5, 0], opening=7, working_days=[20, 15, 13])
    rates = strategies.level_rates(task).ravel()
    assert rates.tolist() == [20.0, 15.0, 13.0]  # 48 units in 48 days
    aimed = replace(task, safety_stock=np.full((3, 1), 24.0))
    assert strategies.level_rates(aimed).ravel().tolist() == [30.0, 22.5, 19.5]
    ends = replace(aimed, ending_stock=48.0)  # the larger of both
    assert strategies.level_rates(ends).ravel().tolist() == [40.0, 30.0, 26.0]
    assert strategies.level_rates(replace(task, opening=900.0)).ravel().tolist() == [0.0] * 3
    assert strategies.level_rates(replace(task, lead_months=9)).ravel().tolist() == [0.0] * 3


def test_hybrid_keeps_a_rate_for_a_quarter_that_never_falls_short_by_hand():
    # 20 is the most a month that the first quarter's running demand needs: 10, 40/2, 45/3;
    # 15 are left, so the second needs 10/1 less 15, 20/2 less …: 50 − 15 over three months
    task = Task(demand=[10, 30, 5, 10, 10, 30])
    plan = strategies.plan(task, "hybrid")
    assert plan.made.ravel() == pytest.approx([20, 20, 20] + [35 / 3] * 3)
    assert plans.outcome(task, plan).closing.ravel() == pytest.approx(
        [10, 0, 15, 50 / 3, 55 / 3, 0]
    )
    days = replace(task, working_days=[10, 20, 20, 20, 20, 20])
    # a day: 10/10, 40/30, 45/50 → 4/3; 66.7 made, 21.7 left; 28.3 over 60 days
    assert strategies.plan(days, "hybrid").made.ravel() == pytest.approx(
        [40 / 3, 80 / 3, 80 / 3] + [20 * (50 - (200 / 3 - 45)) / 60] * 3
    )


def test_hybrid_ends_at_the_larger_of_ending_and_safety_stock():
    task = Task(demand=[10, 10, 10], opening=4, safety_stock=4, ending_stock=10)
    plan = strategies.plan(task, "hybrid")
    assert plan.made.ravel().tolist() == [12.0] * 3
    assert plans.outcome(task, plan).closing.ravel().tolist() == [6.0, 8.0, 10.0]
    low = replace(task, ending_stock=2.0)
    assert strategies.plan(low, "hybrid").made.ravel().tolist() == [10.0] * 3


def test_hybrid_starts_a_quarter_when_it_can():
    task = Task(demand=[10, 10, 10, 10], lead_months=1)
    assert made(task, "hybrid") == [0.0, 20.0, 20.0, 0.0]  # 20 owed after the second month


@pytest.mark.parametrize("name", BY_MONTH)
def test_services_and_what_is_made_to_order_follow_demand_in_any_strategy(name):
    task = Task(
        demand=[[10, 10, 10], [30, 30, 30], [20, 20, 20]], is_service=[True, False, False],
        maximum_stock=np.array([[0.0, np.inf, 0.0]] * 3),
    )  # fmt: skip
    plan = strategies.plan(task, name)
    assert plan.made[:, 0].tolist() == plan.made[:, 2].tolist() == [10.0, 30.0, 20.0]
    ahead = plan.made[:, 1].tolist()
    assert ahead == [10.0, 30.0, 20.0] if name == "chase" else ahead == [20.0] * 3


# several sites


def test_a_depot_orders_so_early_that_the_transfer_arrives_in_time_by_hand():
    task = Task(
        demand=[[2, 10], [2, 20], [2, 30]], opening=[0, 12], supplied_from=[-1, 0],
        lead_months=[0, 1], safety_stock=[[0, 2]] * 3,
    )  # fmt: skip
    plan = strategies.plan(task, "chase")
    assert plan.arrived[:, 1].tolist() == [0.0, 20.0, 30.0]
    assert plan.made.tolist() == [[22.0, 0.0], [32.0, 0.0], [2.0, 0.0]]
    assert plans.outcome(task, plan).closing.tolist() == [[0.0, 2.0]] * 3
    level = strategies.plan(task, "level")
    assert level.made[:, 0] == pytest.approx([56 / 3] * 3)


def test_a_depot_orders_up_to_its_least_and_ending_stock():
    task = Task(
        demand=[[0, 10], [0, 10]], supplied_from=[-1, 0], minimum_stock=[[0, 3], [0, 0]],
        ending_stock=[0, 7],
    )  # fmt: skip
    plan = strategies.plan(task, "chase")
    assert plans.outcome(task, plan).closing.tolist() == [[0.0, 3.0], [0.0, 7.0]]


def test_a_plant_that_is_short_serves_customers_and_depots_by_one_share_and_makes_it_up():
    task = Task(
        demand=[[10, 30], [10, 30], [10, 30]], supplied_from=[-1, 0], hours=[1.0, 0.0],
        regular_hours=[20.0, 70.0, 70.0],
    )  # fmt: skip
    plan = strategies.plan(task, "chase")
    end = plans.outcome(task, plan)
    # half of what each wants, then all of it
    assert plan.arrived[:, 1].tolist() == [15.0, 45.0, 30.0]
    assert end.closing.tolist() == [[-5.0, -15.0], [0.0, 0.0], [0.0, 0.0]]
    assert plan.made[:, 0].tolist() == [20.0, 60.0, 40.0]
    two = Task(
        demand=[[0, 10, 30], [0, 10, 30]], supplied_from=[-1, 0, 0], hours=[1.0, 0.0, 0.0],
        regular_hours=[20.0, 70.0],
    )  # fmt: skip
    end = plans.outcome(two, strategies.plan(two, "chase"))
    assert end.closing.tolist() == [[0.0, -5.0, -15.0], [0.0, 0.0, 0.0]]


@pytest.mark.parametrize("name", BY_MONTH)
def test_what_a_short_plant_could_not_send_is_made_and_sent_later(name):
    task = Task(
        demand=[[0, 10]] * 4, supplied_from=[-1, 0], hours=[1.0, 0.0],
        regular_hours=[5.0, 12.0, 40.0, 40.0],
    )  # fmt: skip
    end = plans.outcome(task, strategies.plan(task, name))
    assert end.closing[:, 1].tolist() == [-5.0, -3.0, 0.0, 0.0]
    assert end.closing[:, 0].tolist() == [0.0] * 4


def test_a_chain_of_three_sites_passes_everything_on():
    task = Task(
        demand=[[0, 0, 5], [0, 0, 6], [0, 0, 7], [0, 0, 8]], supplied_from=[-1, 0, 1],
        lead_months=[0, 1, 1], opening=[0, 0, 11],
    )  # fmt: skip
    plan = strategies.plan(task, "chase")
    assert plan.made[:, 0].tolist() == [7.0, 8.0, 0.0, 0.0]
    assert plan.arrived.tolist() == [[0, 0, 0], [0, 7, 0], [0, 8, 7], [0, 0, 8]]
    assert not plans.outcome(task, plan).closing[1:].any()


def test_a_transfer_longer_than_the_horizon_brings_nothing():
    task = Task(demand=[[0, 10]] * 3, supplied_from=[-1, 0], lead_months=[0, 5])
    plan = strategies.plan(task, "chase")
    assert not plan.made.any() and not plan.arrived.any()


@pytest.mark.parametrize("name", BY_MONTH)
@pytest.mark.parametrize("seed", range(12))
def test_no_site_sends_what_it_has_not(name, seed, request):
    task = request.getfixturevalue("random_task")(seed)
    plan = strategies.plan(task, name)
    end = plans.outcome(task, plan)
    here = np.maximum(end.opening, 0.0) + end.made + plan.subcontract + plan.arrived
    assert (end.sent <= here + task.receipts + 1e-9).all()
    assert (plan.arrived >= 0).all() and (plan.made >= 0).all()
    t = np.arange(task.n_months)[:, None]
    late = np.maximum(task.lead_months, task.frozen_months)
    assert not (plan.made * (t < task.first_month)).any()
    assert not (plan.arrived * (t < late)).any() and not (plan.subcontract * (t < late)).any()
    assert (end.made <= task.supply_limit + 1e-9).all()
    assert (plan.subcontract <= task.subcontract_limit + 1e-9).all()
    assert (end.closing <= np.maximum(task.maximum_stock, end.opening) + 1e-9)[:, 4].all()
    # no more hours than there are, save for what is firm
    there = end.available + plans.overtime_limit(task, plan.workers)
    fixed = plans.load_hours(task, np.zeros_like(plan.made))
    assert (end.load <= np.maximum(there, fixed) + 1e-6).all()


# workforce


def test_a_workforce_for_each_strategy_by_hand():
    task = Task(
        demand=[100, 300, 200, 400], hours=1, workers=2, hours_per_worker=100, hiring_cost=1.0
    )
    assert strategies.plan(task, "chase").workers.ravel().tolist() == [1.0, 3.0, 2.0, 4.0]
    assert strategies.plan(task, "level").workers.ravel().tolist() == [2.5] * 4
    # a quarter of 200 a month, the second ends at once
    assert strategies.plan(task, "hybrid").workers.ravel().tolist() == [2.0, 2.0, 2.0, 4.0]
    bound = replace(
        task, minimum_workers=np.full((4, 1), 2.0), maximum_workers=np.full((4, 1), 3.0)
    )
    plan = strategies.plan(bound, "chase")
    assert plan.workers.ravel().tolist() == [2.0, 3.0, 2.0, 3.0]
    assert plan.made.ravel().tolist() == [100.0, 300.0, 200.0, 300.0]


def test_workers_are_the_fewest_that_do_the_work_in_their_block():
    hours = np.array([[120.0], [480.0], [200.0], [90.0]])
    per = np.array([[100.0], [100.0], [50.0], [100.0]])
    one = strategies.workforce(hours, per, block_months=1)
    assert one.ravel() == pytest.approx([1.2, 4.8, 4.0, 0.9])
    two = strategies.workforce(hours, per, block_months=2)
    assert two.ravel() == pytest.approx([3.0, 3.0, 4.0, 4.0])
    pairs = strategies.workforce(hours, per, block_months=2, crew_size=2.0)
    assert pairs.ravel().tolist() == [4.0, 4.0, 4.0, 4.0]
    whole = strategies.workforce(hours, 100.0, block_months=4, crew_size=1)
    assert whole.ravel().tolist() == [3.0] * 4  # 600 in two months, not 890 in four
    assert strategies.workforce(hours, 0.0, block_months=1).ravel().tolist() == [0.0] * 4


def test_unlimited_overtime_of_a_worker_and_none_at_all_stand_side_by_side():
    task = Task(
        demand=[30, 30], hours=[[1.0, 1.0]], workers=[2.0, np.nan], hours_per_worker=10,
        overtime_per_worker=np.inf, regular_hours=np.array([[0.0, 25.0]] * 2), maximum_workers=2,
    )  # fmt: skip
    assert made(task, "chase") == [25.0, 25.0]


# what ways cost beside each other


def test_strategies_stand_side_by_side_by_month():
    task = Task(demand=[[10, 1], [30, 2]], holding_cost=1.0, increase_cost=9.0)
    ways = {name: table_of(task, name) for name in ("chase", "level")}
    table = strategies.by_month(ways)
    assert table.values.tolist() == [
        ["chase", task.months[0], 11.0, 11.0, 0.0],
        ["chase", task.months[1], 32.0, 32.0, 0.0],
        ["level", task.months[0], 21.5, 11.0, 10.5],
        ["level", task.months[1], 21.5, 32.0, 0.0],
    ]


def sheet_of(**ways: dict[str, float]) -> pd.DataFrame:
    rows = [(way, kind, value) for way, kinds in ways.items() for kind, value in kinds.items()]
    return pd.DataFrame(rows, columns=["strategy", "cost_kind", "amount_value"])


def test_break_even_says_when_another_way_costs_as_much_by_hand():
    sheet = sheet_of(
        chase={"hiring": 60.0, "holding": 10.0, "material": 500.0},
        level={"hiring": 0.0, "holding": 100.0, "material": 500.0},
        hybrid={"hiring": 40.0, "holding": 50.0, "overtime": 10.0, "material": 500.0},
    )
    table = strategies.break_even(sheet)
    assert (table["strategy"] == "chase").all()
    # chase 570, level and hybrid 600: level at hiring × 1.5, at holding × 2/3; hybrid at hiring
    # × 2.5, holding × 0.25; its overtime would have to earn money
    assert table[["other", "cost_kind"]].values.tolist() == [
        ["level", "holding"], ["level", "hiring"], ["hybrid", "hiring"], ["hybrid", "holding"],
    ]  # fmt: skip
    assert table["factor"].tolist() == pytest.approx([2 / 3, 1.5, 2.5, 0.25])


def test_at_the_break_even_both_ways_cost_the_same():
    rng = np.random.default_rng(7)
    ways = {n: dict(zip("abcd", rng.uniform(0, 90, 4), strict=True)) for n in ("x", "y", "z")}
    table = strategies.break_even(sheet_of(**ways))
    assert len(table) > 3
    for row in table.itertuples():
        costs = [
            sum(v * (row.factor if kind == row.cost_kind else 1.0) for kind, v in ways[way].items())
            for way in (row.strategy, row.other)
        ]
        assert costs[0] == pytest.approx(costs[1])
    away = np.abs(np.log(table["factor"]))
    assert away.is_monotonic_increasing


def test_one_way_alone_has_no_break_even():
    table = strategies.break_even(sheet_of(chase={"hiring": 60.0}))
    assert table.empty
    assert table.columns.tolist() == ["strategy", "other", "cost_kind", "factor"]


# (2) published


FISH_SINKERS = {
    "demand": [110, 120, 130, 120, 120], "opening": 100, "holding_cost": 5.0, "previous_rate": 100.0
}  # fmt: skip


def test_level_reproduces_arnold_chapman_production_plan():
    """Arnold, Chapman & Clive, Introduction to Materials Management, ch. 2: 116 each, 2,300."""
    task = Task(**FISH_SINKERS, ending_stock=80)
    plan = strategies.plan(task, "level")
    assert plan.made.ravel().tolist() == [116.0] * 5
    assert plans.outcome(task, plan).closing.ravel().tolist() == [106.0, 102.0, 88.0, 84.0, 80.0]
    assert amounts(task, plan) == {"holding stock": 2300.0}


def test_chase_reproduces_arnold_chapman_production_plan():
    """The same, stock of 80 from the first period on: 1,200 of changes and 2,000 of stock."""
    task = Task(**FISH_SINKERS, safety_stock=80, increase_cost=20.0, decrease_cost=20.0)
    plan = strategies.plan(task, "chase")
    assert plan.made.ravel().tolist() == [90.0, 120.0, 130.0, 120.0, 120.0]
    assert plans.outcome(task, plan).closing.ravel().tolist() == [80.0] * 5
    assert amounts(task, plan) == {"changes of rate": 1200.0, "holding stock": 2000.0}
    assert plans.costs(task, plan)["amount_value"].sum() == 3200.0


def test_level_to_order_reproduces_arnold_chapman_production_plan():
    """Forecast 100 a week for 5 weeks, backlog from 100 down to 80: 104 a week."""
    task = Task(demand=[100] * 5, opening=-100, safety_stock=-80)
    assert strategies.level_rates(task).ravel().tolist() == [104.0] * 5
    plan = strategies.plan(task, "level")
    assert plans.outcome(task, plan).closing.ravel().tolist() == [-96, -92, -88, -84, -80]


def test_working_days_reproduce_arnold_chapman_production_plan():
    """10,000 units in 72 days: 138.9 a day, 2,778 2,917 1,667 2,639 a month."""
    task = Task(demand=[0, 0, 0, 10_000], working_days=[20, 21, 12, 19])
    assert np.round(strategies.level_rates(task)).ravel().tolist() == [2778, 2917, 1667, 2639]


ROOFING = {
    "demand": [900, 700, 800, 1200, 1500, 1100], "working_days": [22, 18, 21, 21, 22, 20],
    "hours": 1.6, "holding_cost": 5.0, "increase_cost": 300.0, "decrease_cost": 600.0,
}  # fmt: skip
DAYS = np.array(ROOFING["working_days"])
OLD = {"regular_cost": 5.0, "overtime_cost": 7.0, "subcontract_cost": 10.0}
NEW = {"regular_cost": 10.0, "overtime_cost": 17.0, "subcontract_cost": 20.0}


@pytest.mark.parametrize(("rates", "published"), [(OLD, 58_850), (NEW, 108_450)])
def test_a_constant_workforce_reproduces_heizer_roofing_plan_1(rates, published):
    """Heizer & Render, Operations Management, ch. 13: 50 a day, ten workers paid 8 hours a day."""
    task = Task(**ROOFING, **rates, regular_hours=10 * 8 * DAYS, is_idle_paid=True)
    level = strategies.plan(task, "level")
    assert level.made.ravel() == pytest.approx(50 * DAYS)
    stock = plans.outcome(task, level).closing.ravel()
    assert stock == pytest.approx([200, 400, 650, 500, 100, 0])
    assert plans.costs(task, level)["amount_value"].sum() == pytest.approx(published)


@pytest.mark.parametrize(("rates", "published"), [(OLD, 52_576), (NEW, 105_152)])
def test_subcontracting_reproduces_heizer_roofing_plan_2(rates, published):
    """38 a day by 7.6 workers, 1,488 units by others, no stock."""
    steady = {"increase_cost": np.nan, "decrease_cost": np.nan}
    task = Task(**(ROOFING | steady), **rates, regular_hours=7.6 * 8 * DAYS)
    own = 38.0 * DAYS
    helped = task.demand.ravel() - own  # 64 16 2 402 664 340
    plan = Plan(made=own, subcontract=helped)
    assert helped.sum() == pytest.approx(1488)
    assert plans.outcome(task, plan).closing.ravel() == pytest.approx([0.0] * 6, abs=1e-9)
    assert plans.costs(task, plan)["amount_value"].sum() == pytest.approx(published)


@pytest.mark.parametrize(("rates", "published"), [(OLD, 68_200), (NEW, 117_800)])
def test_hiring_and_layoffs_reproduce_heizer_roofing_plan_3(rates, published):
    """Daily rates 41 39 38 57 68 55 of the demand; a unit up costs 300, down 600."""
    daily = np.array([41, 39, 38, 57, 68, 55])
    assert np.round(np.array(ROOFING["demand"]) / DAYS).tolist() == daily.tolist()
    task = Task(**ROOFING, **rates, regular_hours=9_999)
    chase = amounts(task, strategies.plan(task, "chase"))
    assert chase["holding stock"] == chase["overtime hours"] == 0.0
    # labour is paid for demand, changes for the rounded rates
    rounded = amounts(task, Plan(made=daily * DAYS))
    assert rounded["changes of rate"] == pytest.approx(9_000 + 9_600)
    assert chase["regular hours"] + rounded["changes of rate"] == pytest.approx(published)


DENSEPACK = {
    "demand": [1280, 640, 900, 1200, 2000, 1400], "opening": 500, "hours": 1.0, "workers": 300,
    "hours_per_worker": [2.931, 3.517, 2.638, 3.810, 3.224, 2.198], "hiring_cost": 500.0,
    "layoff_cost": 1000.0, "holding_cost": 80.0,
}  # fmt: skip
NET = np.array([[780.0], [640], [900], [1200], [2000], [2000]])  # opening 500 and ending 600 in it


@pytest.mark.parametrize(
    ("block_months", "workers", "published"),
    [(1, [267, 182, 342, 315, 621, 910], 572_900), (6, [411] * 6, 580_460)],
)
def test_the_workforce_reproduces_nahmias_densepack(block_months, workers, published):
    """Nahmias, Production and Operations Analysis, Example 3.2; output in whole units."""
    task = Task(**DENSEPACK)
    found = strategies.workforce(NET, task.hours_per_worker, block_months=block_months, crew_size=1)
    assert found.ravel().tolist() == workers
    output = np.round(found * task.hours_per_worker)
    cost = amounts(task, Plan(made=output, workers=found))
    assert cost["hiring"] + cost["layoffs"] + cost["holding stock"] == pytest.approx(published)
    if block_months == 1:
        assert output.ravel().tolist() == [783, 640, 902, 1200, 2002, 2000]
        assert (cost["hiring"], cost["layoffs"]) == (755 * 500.0, 145 * 1000.0)


# (3) invariants


@pytest.mark.parametrize("strategy", BY_MONTH)
@pytest.mark.parametrize("seed", SEEDS)
def test_stock_is_carried_without_a_hole(seed, strategy):
    table = table_of(random_task(seed), strategy)
    parts = table[["regular", "overtime", "purchased", "receipts"]].sum(axis=1)
    assert table["supply"].to_numpy() == pytest.approx(parts.to_numpy())
    end = table["opening"] + table["supply"] - table["demand"]
    assert table["closing"].to_numpy() == pytest.approx(end.to_numpy())
    after = table.groupby(schema.SITE)["opening"].shift(-1)
    assert (after.isna() | (after == table["closing"])).all()
    assert after.isna().sum() == 8
    assert not table.duplicated(schema.SITE_MONTH).any() and len(table) == 80


@pytest.mark.parametrize("strategy", BY_MONTH)
@pytest.mark.parametrize("seed", SEEDS)
def test_no_resource_works_longer_than_its_hours(seed, strategy):
    task = random_task(seed)
    plan = strategies.plan(task, strategy)
    load = plan.made @ task.hours
    assert (load <= task.regular_hours + task.overtime_hours + 1e-9).all()
    assert (load > task.regular_hours + 1e-9).any()  # the case does need overtime
    table = plans.table(task, plan)
    regular = table["regular"].to_numpy().reshape(8, -1).T @ task.hours
    assert (regular <= task.regular_hours + 1e-9).all()
    assert (table[["regular", "overtime", "purchased"]] >= -1e-9).all(axis=None)


@pytest.mark.parametrize("seed", SEEDS)
def test_level_without_limit_ends_at_safety_stock_or_above(seed):
    task = random_task(seed)
    last = plans.outcome(task, strategies.plan(task, "level", is_limited=False)).closing[-1]
    wanted = (task.demand > 0).any(axis=0)
    assert (last >= task.safety_stock[-1] - 1e-9)[wanted].all()


@pytest.mark.parametrize("seed", SEEDS)
def test_hybrid_without_limit_is_never_short_and_keeps_its_rate(seed):
    task = random_task(seed, lead_months=0, opening=30)
    plan = strategies.plan(task, "hybrid", is_limited=False)
    end = plans.outcome(task, plan)
    assert (end.closing >= task.safety_stock - 1e-9).all()
    for start in range(0, 10, 3):
        own = plan.made[start : start + 3]
        np.testing.assert_allclose(own, np.broadcast_to(own[0], own.shape), atol=1e-9)
    assert (np.diff(plan.made, axis=0) != 0).any()


@pytest.mark.parametrize("strategy", BY_MONTH)
def test_the_order_of_items_changes_nothing(strategy):
    task = random_task(1)
    order = np.random.default_rng(0).permutation(8)
    parts = {"keys": task.keys.iloc[order].reset_index(drop=True), "hours": task.hours[order]}
    parts["offset_months"] = task.offset_months[order]
    for name, axes in AXES.items():
        if axes in ("ti", "i") and name not in ("rate_group", "supplied_from"):
            parts[name] = getattr(task, name)[..., order]
    parts["setup_hours"] = task.setup_hours[order]
    first = strategies.plan(task, strategy).made
    second = strategies.plan(replace(task, **parts), strategy).made
    np.testing.assert_allclose(first[:, order], second, atol=1e-9)


def test_a_tasks_arrays_are_not_changed():
    task = random_task(2)
    before = {f.name: np.array(getattr(task, f.name), copy=True) for f in fields(task)}
    for name in BY_MONTH:
        strategies.by_month({name: table_of(task, name)})
    strategies.level_rates(task)
    for name, value in before.items():
        now = np.array(getattr(task, name))
        assert ((now == value) | (pd.isna(now) & pd.isna(value))).all(), name


# (4) an obvious slow version


def slow_plan(task: Task, strategy: str) -> dict:
    """One item and one resource at a time, with plain numbers."""
    n_months, n_items = task.demand.shape
    n_resources = task.hours.shape[1]
    stock, owed, result = list(task.opening), [0.0] * n_items, {}
    rates = [[0.0] * n_items for _ in range(n_months)]
    for i in range(n_items):
        safety, first = task.safety_stock[0, i], int(task.lead_months[i])
        if strategy == "level":
            wanted_months = [t for t in range(n_months) if task.demand[t, i] > 0]
            last = wanted_months[-1] if wanted_months else -1
            made_months = list(range(first, last + 1))
            need = sum(task.demand[:, i]) + safety - task.opening[i] - sum(task.receipts[:, i])
            for t in made_months:
                rates[t][i] = max(need, 0.0) / len(made_months)
        if strategy == "hybrid":
            there = task.opening[i]
            for start in range(0, n_months, 3):
                block = list(range(start, min(start + 3, n_months)))
                due, least = 0.0, 0.0
                for t in block:
                    due += task.demand[t, i] - task.receipts[t, i]
                    passed = len([k for k in block if first <= k <= t])
                    if passed:
                        least = max(least, (due + safety - there) / passed)
                for t in block:
                    rates[t][i] = least if t >= first else 0.0
                    there += rates[t][i] + task.receipts[t, i] - task.demand[t, i]
    for t in range(n_months):
        wanted = []
        for i in range(n_items):
            if strategy == "chase":
                safety = task.safety_stock[0, i]
                want = task.demand[t, i] + safety - stock[i] - task.receipts[t, i]
            else:
                want = rates[t][i] + owed[i]
            wanted.append(max(want, 0.0) if t >= task.lead_months[i] else 0.0)
        makes = [0.0 if task.is_purchased[i] else wanted[i] for i in range(n_items)]
        share = []
        for r in range(n_resources):
            load = sum(makes[i] * task.hours[i, r] for i in range(n_items))
            limit = task.regular_hours[t, r] + task.overtime_hours[t, r]
            share.append(limit / load if load > limit else 1.0)
        made = [
            makes[i] * min([1.0] + [share[r] for r in range(n_resources) if task.hours[i, r] > 0])
            for i in range(n_items)
        ]
        beyond = []
        for r in range(n_resources):
            load = sum(made[i] * task.hours[i, r] for i in range(n_items))
            beyond.append(max(load - task.regular_hours[t, r], 0.0) / load if load > 0 else 0.0)
        for i in range(n_items):
            bought = wanted[i] if task.is_purchased[i] else 0.0
            over = made[i] * max(
                [0.0] + [beyond[r] for r in range(n_resources) if task.hours[i, r] > 0]
            )
            owed[i] = wanted[i] - made[i] - bought
            opening = stock[i]
            stock[i] = opening + made[i] + bought + task.receipts[t, i] - task.demand[t, i]
            result[f"item {i + 1}", task.months[t]] = (
                made[i] - over, over, bought, opening, stock[i]
            )  # fmt: skip
    return result


@pytest.mark.parametrize("strategy", BY_MONTH)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_plan_equals_a_slow_loop(seed, strategy):
    task = random_task(seed)
    table = table_of(task, strategy)
    expected = slow_plan(task, strategy)
    columns = ["regular", "overtime", "purchased", "opening", "closing"]
    for row in table.to_dict("records"):
        found = [row[name] for name in columns]
        assert found == pytest.approx(expected[row["item"], row["month"]], abs=1e-9)


# (5) errors


def test_an_unknown_strategy_names_those_there_are():
    with pytest.raises(
        ValueError, match="'even' is unknown. Choose one of chase, level, hybrid, l"
    ):
        strategies.plan(Task(demand=[10]), "even")
