"""Least cost: published answers, what it costs is what it says, prices that hold when tried."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from sopkit.supply import least_cost, plans, strategies
from sopkit.supply.least_cost import Session
from sopkit.supply.plans import Plan
from sopkit.supply.tasks import COSTS, Task

SEEDS = range(60)


def money(task: Task, plan: Plan) -> float:
    """Costs of a plan and what the search adds."""
    return plans.sheet(task, plan)["amount_value"].sum()


def is_kept_back(task: Task, plan: Plan) -> bool:
    """Whether a site keeps units for another one that its own customers wait for."""
    owed = np.maximum(-plans.outcome(task, plan).closing, 0.0)
    before = np.vstack([np.maximum(-task.opening, 0.0), owed])[:-1]
    asked = task.demand - np.broadcast_to(plan.lost, task.demand.shape)
    return bool((owed - before > asked + 1e-6).any())


# (1) by hand


def test_one_more_hour_saves_the_backlog_it_ends_by_hand():
    # 12 a month are wanted, 10 can be made: owed 2, 4, 6 at month ends
    task = Task(demand=[12, 12, 12], hours=1, regular_hours=10, overtime_cost=1.0, backlog_cost=5.0)
    session = Session(task)
    session.solve()
    assert session.objective == pytest.approx((2 + 4 + 6) * 5.0)
    # an hour of the first month ends backlog of three month ends, at its own cost of 1
    assert session.prices.ravel().tolist() == pytest.approx([14.0, 9.0, 4.0])
    table = least_cost.hour_values(task)
    assert table["value"].tolist() == pytest.approx([14.0, 9.0, 4.0])
    # two hours end the first month's backlog, four the second's with it: then less is saved
    assert table["hours"].tolist() == pytest.approx([2.0, 4.0, 6.0])
    assert table["next_value"].tolist() == pytest.approx([9.0, 4.0, 0.0])
    assert table["resource"].tolist() == ["resource 1"] * 3
    assert table["month"].tolist() == task.months.tolist()
    first = least_cost.hour_values(task, count=2)  # the third has its price alone
    assert first["value"].tolist() == pytest.approx([14.0, 9.0, 4.0])
    assert first["hours"].isna().tolist() == [False, False, True]


def test_hours_just_enough_have_no_value():
    task = Task(
        demand=[10, 10, 10], hours=1, regular_hours=10, overtime_cost=2.0, backlog_cost=20.0
    )
    assert least_cost.hour_values(task).empty
    table = least_cost.hour_values(Task(demand=[10, 10], hours=1, regular_hours=4))  # no costs
    assert table.columns.tolist() == ["resource", "month", "value", "hours", "next_value"]
    assert table.empty


def test_an_hour_beyond_which_firm_work_lies_anyway_has_no_value():
    costs = {"overtime_cost": 1.0, "backlog_cost": 5.0}
    task = Task(
        demand=[50, 12], receipts=[30, 0], in_work=[30, 0], hours=1, regular_hours=10, **costs
    )
    session = Session(task)
    plan = session.solve()
    assert plan.made.ravel().tolist() == [0.0, 10.0]
    assert plans.outcome(task, plan).overtime.ravel().tolist() == [20.0, 0.0]
    assert session.prices.ravel().tolist() == pytest.approx([0.0, 4.0])


def test_chase_is_least_cost_where_holding_is_dear_and_level_where_changes_are_by_hand():
    task = Task(
        demand=[10, 30, 20], is_backlog_allowed=False, holding_cost=9.0, increase_cost=1.0,
        decrease_cost=1.0,
    )  # fmt: skip
    assert least_cost.solve(task).made.ravel().tolist() == [10.0, 30.0, 20.0]
    dear = replace(task, holding_cost=0.1, increase_cost=50.0, decrease_cost=50.0)
    assert least_cost.solve(dear).made.ravel() == pytest.approx([20.0, 20.0, 20.0])


def test_the_cheaper_route_is_taken_first_and_the_dearer_when_hours_are_short_by_hand():
    # 8 hours of the usual way, the other takes a second resource and dearer material
    task = Task(
        demand=[10, 10], hours=[[1.0, 0.0], [0.0, 1.0]], route_item=[0, 0],
        regular_hours=[[8.0, 5.0], [8.0, 5.0]], material_cost=[[1.0, 3.0], [1.0, 3.0]],
        backlog_cost=20.0,
    )  # fmt: skip
    assert least_cost.solve(task).made.tolist() == [[8.0, 2.0], [8.0, 2.0]]
    limited = least_cost.solve(replace(task, supply_limit=np.array([[9.0], [9.0]])))
    assert limited.made.tolist() == [[8.0, 1.0], [8.0, 1.0]]  # one limit for both ways


def test_a_plant_sends_what_it_has_and_not_what_it_would_owe_nobody():
    task = Task(
        demand=[[0, 10], [0, 10]], supplied_from=[-1, 0], hours=[1.0, 0.0],
        regular_hours=[4.0, 30.0], backlog_cost=[[1.0, 9.0]] * 2, transfer_cost=[0.0, 0.5],
        holding_cost=0.1,
    )  # fmt: skip
    plan = least_cost.solve(task)
    assert plan.arrived[:, 1].tolist() == [4.0, 16.0]
    assert plans.outcome(task, plan).closing.tolist() == [[0.0, -6.0], [0.0, 0.0]]


def test_stock_with_a_shelf_life_may_wait_for_the_sites_supplied_from_here():
    # 30 lie at a plant without customers; in the frozen month nothing can be sent
    task = Task(
        demand=[[0, 0], [0, 20], [0, 20]], opening=[30, 0], supplied_from=[-1, 0],
        frozen_months=[0, 1], shelf_life_months=2, backlog_cost=9.0, material_cost=1.0,
        holding_cost=0.1,
    )  # fmt: skip
    plan = least_cost.solve(task)
    assert not plan.scrap.any()
    assert plan.made.sum() == pytest.approx(10.0)
    alone = least_cost.solve(replace(task, shelf_life_months=1))
    assert alone.scrap[0, 0] == pytest.approx(10.0)  # 20 sell in the second month


def test_least_stock_and_ending_stock_are_there_however_cheap_backlog_is():
    task = Task(
        demand=[10, 10], material_cost=100.0, holding_cost=1.0, backlog_cost=1.0, ending_stock=20
    )
    assert plans.outcome(task, least_cost.solve(task)).closing.ravel().tolist() == [0.0, 20.0]
    task = replace(task, ending_stock=0.0, minimum_stock=np.array([[5.0], [0.0]]))
    assert plans.outcome(task, least_cost.solve(task)).closing.ravel().tolist() == [5.0, -5.0]


def test_safety_stock_weighs_below_backlog_and_is_no_money_by_hand():
    task = Task(
        demand=[10, 10], hours=1, regular_hours=12, safety_stock=5, below_safety_cost=3.0,
        holding_cost=1.0, backlog_cost=8.0,
    )  # fmt: skip
    session = Session(task)
    plan = session.solve()
    assert plan.made.ravel().tolist() == [12.0, 12.0]
    assert plans.costs(task, plan)["amount_value"].sum() == 2 + 4
    assert plans.weights(task, plan) == 3 * 3.0 + 1 * 3.0
    assert session.objective == pytest.approx(6 + 12)


def test_no_stock_stands_beside_backlog_where_safety_stock_weighs_more():
    task = Task(
        demand=[10, 10], hours=1, regular_hours=4, safety_stock=5, below_safety_cost=9.0,
        holding_cost=1.0, backlog_cost=2.0,
    )  # fmt: skip
    session = Session(task)
    plan = session.solve()
    assert session.objective == pytest.approx(money(task, plan))
    assert session.objective == pytest.approx((6 + 12) * 2.0 + (11 + 17) * 9.0)


def test_what_is_undone_at_the_end_weighs_as_told_by_hand():
    task = Task(demand=[10, 10], material_cost=6.0, backlog_cost=1.0)
    assert least_cost.solve(task).made.sum() == 0.0  # one month of backlog is cheaper
    assert least_cost.solve(replace(task, ending_cost=5.5)).made.ravel().tolist() == [10.0, 10.0]


# (2) published


RED_TOMATO = {
    "opening": 1000, "ending_stock": 500, "is_backlog_cleared": True, "hours": 4, "workers": 80,
    "hours_per_worker": 160, "overtime_per_worker": 10, "regular_cost": 4, "is_idle_paid": True,
    "overtime_cost": 6, "hiring_cost": 300, "layoff_cost": 500, "material_cost": 10,
    "subcontract_cost": 30, "holding_cost": 2, "backlog_cost": 5,
}  # fmt: skip
CALM, WILD = [1600, 3000, 3200, 3800, 2200, 2200], [1000, 3000, 3800, 4800, 2000, 1400]


@pytest.mark.parametrize(
    ("demand", "whole", "published"),
    [(CALM, [], 422_275), (WILD, [], 432_858), (CALM, ["workers"], 422_660),
     (WILD, ["workers"], 433_080)],
)  # fmt: skip
def test_red_tomato_aggregate_plan(demand, whole, published):
    """Chopra & Meindl, Supply Chain Management, aggregate planning; whole workers recomputed."""
    task = Task(demand=demand, **RED_TOMATO)
    session = Session(task, whole=whole)
    plan = session.solve()
    assert session.objective == pytest.approx(published, abs=0.5)
    assert money(task, plan) == pytest.approx(session.objective)
    if whole:
        assert (plan.workers == np.round(plan.workers)).all()


def test_winston_sailco():
    """Winston, Operations Research, sec. 3.10: 78,450; regular 40 40 40 25, overtime 0 10 35 0."""
    task = Task(
        demand=[40, 60, 75, 25], opening=10, hours=1, regular_hours=40, overtime_hours=np.inf,
        regular_cost=400, overtime_cost=450, holding_cost=20, is_backlog_allowed=False,
    )  # fmt: skip
    plan = least_cost.solve(task)
    table = plans.table(task, plan)
    assert plans.costs(task, plan)["amount_value"].sum() == pytest.approx(78_450)
    assert table["regular"].tolist() == pytest.approx([40, 40, 40, 25])
    assert table["overtime"].tolist() == pytest.approx([0, 10, 35, 0])
    assert table["closing"].tolist() == pytest.approx([10, 0, 0, 0])


WAGNER_WHITIN = {
    "demand": [69, 29, 36, 61, 61, 26, 34, 67, 45, 67, 79, 56],
    "setup_cost": [85, 102, 102, 101, 98, 114, 105, 86, 119, 110, 98, 114],
    "holding_cost": 1,
    "is_backlog_allowed": False,
}


def test_wagner_whitin_1958():
    """Wagner & Whitin (1958), Management Science 5(1), Table 1: 864."""
    task = Task(**WAGNER_WHITIN)
    plan = least_cost.solve(task, whole=["set-ups"])
    assert plans.costs(task, plan)["amount_value"].sum() == pytest.approx(864, abs=1e-6)
    lots = [98, 0, 97, 0, 121, 0, 0, 112, 0, 67, 135, 0]
    assert plan.made.ravel() == pytest.approx(lots)


DENSEPACK = {
    "demand": [1280, 640, 900, 1200, 2000, 1400], "opening": 500, "ending_stock": 600, "hours": 1,
    "workers": 300, "hours_per_worker": [2.931, 3.517, 2.638, 3.810, 3.224, 2.198],
    "hiring_cost": 500, "layoff_cost": 1000, "holding_cost": 80, "is_backlog_allowed": False,
}  # fmt: skip


def test_nahmias_densepack_linear_programme():
    """Nahmias, Production and Operations Analysis, ch. 3, Example 3.5: 379,320.90."""
    task = Task(**DENSEPACK, is_idle_allowed=False)
    session = Session(task)
    plan = session.solve()
    assert session.objective == pytest.approx(379_320.90, abs=0.01)
    assert plan.workers.ravel() == pytest.approx([272.95285] * 4 + [737.73515] * 2, abs=1e-4)
    assert plans.outcome(task, plan).available.ravel() == pytest.approx(plan.made.ravel())


# (3) invariants


@pytest.mark.parametrize("seed", range(150))
def test_the_objective_is_what_the_plan_costs_and_weighs(random_task, seed):
    task = random_task(seed)
    session = Session(task)
    plan = session.solve()
    if is_kept_back(task, plan):  # stock beside backlog, which a plan shows as their difference
        assert money(task, plan) < session.objective
    else:
        assert money(task, plan) == pytest.approx(session.objective, rel=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_strategy_is_cheaper_than_least_cost(random_task, seed):
    task = random_task(seed)
    session = Session(task)
    session.solve()
    for name in ("chase", "level", "hybrid"):
        other = money(task, strategies.plan(task, name))
        assert other >= session.objective - 1e-6 * abs(other), name


def changes_of(task: Task, seed: int) -> list[Task]:
    """The task with other hours, demand, costs, limits, ways and sites, each by itself."""
    rng = np.random.default_rng(seed)
    return [
        replace(task, regular_hours=task.regular_hours * 0.8),
        replace(task, demand=task.demand * rng.uniform(0.5, 1.5, task.demand.shape)),
        replace(task, backlog_cost=task.backlog_cost * 3.0, holding_cost=task.holding_cost * 2.0),
        replace(task, opening=task.opening + 15.0, receipts=task.receipts * 2.0),
        replace(task, overtime_hours=np.full_like(task.overtime_hours, 30.0)),
        replace(task, hours=task.hours * 1.2),
        replace(task, lead_months=task.lead_months + 1),
        replace(task, frozen_months=task.frozen_months + 1),
        replace(task, safety_stock=task.safety_stock[::-1] * 1.5),
        replace(task, subcontract_cost=np.full_like(task.demand, 25.0)),
        replace(task, storage_limit=np.full(len(task.keys), 90.0)),
        replace(task, is_loss_allowed=~task.is_loss_allowed),
        replace(task, is_backlog_cleared=np.ones(len(task.keys), bool), is_loss_allowed=True),
        replace(task, previous_rate=np.full(len(task.previous_rate), 20.0), increase_cost=0.7),
        replace(task, workers=np.full(2, 4.0), attrition_rate=0.05),
        replace(task, price=np.full_like(task.demand, 70.0), is_average_stock=True),
        replace(task, supply_limit=np.full_like(task.demand, 35.0)),
        task,
    ]


@pytest.mark.parametrize("seed", range(10))
def test_a_changed_task_is_answered_as_if_it_were_new_and_back_again(random_task, seed):
    task = random_task(seed)
    session = Session(task)
    session.solve()
    first, results = session.objective, set()
    for changed in changes_of(task, seed):
        cold = Session(changed)
        try:
            cold.solve()
        except ValueError as error:  # backlog that cannot be cleared
            with pytest.raises(ValueError, match=str(error)[:20]):
                session.solve(changed)
            continue
        plan = session.solve(changed)
        assert session.objective == pytest.approx(cold.objective, rel=1e-7, abs=1e-5)
        if not is_kept_back(changed, plan):
            assert money(changed, plan) == pytest.approx(session.objective, rel=1e-6)
        results.add(round(session.objective, 4))
    assert session.objective == pytest.approx(first, rel=1e-9)
    assert len(results) > 10  # the changes do matter


def test_a_session_with_set_ups_answers_larger_demand():
    task = Task(**WAGNER_WHITIN)
    session = Session(task, whole=["set-ups"])
    session.solve()
    much = replace(task, demand=task.demand * 3.0)
    plan = session.solve(much)
    cold = least_cost.solve(much, whole=["set-ups"])
    assert plan.made.tolist() == cold.made.tolist()
    session.solve(task)
    assert session.objective == pytest.approx(864)


@pytest.mark.parametrize("seed", SEEDS)
def test_prices_are_what_an_hour_saves_when_tried(random_task, seed):
    hours = np.round(np.random.default_rng(seed).uniform(0, 20, (7, 2)))
    task = random_task(seed, overtime_hours=hours)
    session = Session(task)
    session.solve()
    base, prices = session.objective, session.prices

    def saved(t, r, extra):
        more = hours.copy()
        more[t, r] += extra
        session.solve(replace(task, overtime_hours=more))
        return base - session.objective

    for t, r in np.argwhere(prices > 1e-6)[:4]:
        assert saved(t, r, 1.0) <= prices[t, r] + 1e-5
        assert saved(t, r, 1e-3) == pytest.approx(prices[t, r] * 1e-3, rel=0.01, abs=1e-5)
    for t, r in np.argwhere(prices == 0)[:2]:
        assert saved(t, r, 5.0) == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("seed", range(12))
def test_hour_values_hold_when_tried(random_task, seed):
    hours = np.round(np.random.default_rng(seed).uniform(0, 20, (7, 2)))
    task = random_task(seed, overtime_hours=hours)
    session = Session(task)
    session.solve()
    base, table = session.objective, least_cost.hour_values(task, count=3)
    assert table["value"].is_monotonic_decreasing
    followed = table[table["hours"].notna()]
    assert len(followed) >= min(len(table), 3)
    for row in followed.itertuples():
        t, r = task.months.get_loc(row.month), task.resources.index(row.resource)

        def saved(extra, t=t, r=r):
            more = hours.copy()
            more[t, r] += extra
            session.solve(replace(task, overtime_hours=more))
            return base - session.objective

        near = 1e-6 * abs(base)
        assert row.value > row.next_value - 1e-6 and row.next_value >= 0
        assert 0.9 * row.value * row.hours - near <= saved(row.hours)
        assert saved(row.hours) <= row.value * row.hours + near
        assert saved(row.hours * 1e-3) == pytest.approx(row.value * row.hours * 1e-3, abs=near)
        far = row.hours + max(1.0, 0.06 * row.hours)  # it was looked for that closely
        beyond = (saved(far + 1e-2) - saved(far)) / 1e-2
        assert beyond <= row.next_value + 0.05 * row.value


@pytest.mark.parametrize("seed", range(20))
def test_near_the_last_plan_costs_little_more_and_moves_less(random_task, seed):
    task, last = random_task(seed), strategies.plan(random_task(seed), "chase")
    best = Session(task)
    free = best.solve()
    session = Session(task, near=last)
    plan = session.solve()
    allowed = least_cost.TOLERANCE_RATE * abs(plans.costs(task, free)["amount_value"].sum())
    assert session.objective <= best.objective + allowed * (1 + 1e-6) + 1e-6
    moved = [np.abs(way.made - last.made).sum() for way in (plan, free)]
    assert moved[0] <= moved[1] + 1e-6
    assert moved[0] < moved[1] - 1.0 or moved[1] < 50  # it does stay nearer
    again = session.solve(replace(task, demand=task.demand * 1.1))  # and goes on doing so
    cold = Session(replace(task, demand=task.demand * 1.1), near=last)
    there = cold.solve()
    assert np.abs(again.made - last.made).sum() == pytest.approx(
        np.abs(there.made - last.made).sum(), rel=1e-5, abs=1e-3
    )


@pytest.mark.parametrize("is_priced", [True, False])
@pytest.mark.parametrize("seed", range(20))
def test_near_the_last_plan_no_item_is_later_in_any_month(random_task, seed, is_priced):
    task = random_task(seed)
    rng = np.random.default_rng(seed)
    if not is_priced:  # priorities that differ leave one best way to serve
        nothing = dict.fromkeys((*COSTS, "price"), np.nan)
        alone = {"supplied_from": np.full(7, -1)}  # no site keeps units back for another
        task = random_task(seed, **nothing, **alone, priority=rng.uniform(1.0, 9.0, 7))
    assert task.is_priced == is_priced
    last = Plan(rng.uniform(0, 30, (task.n_months, len(task.route_item))))
    session = Session(task, near=last)
    free, plan = least_cost.solve(task), session.solve()
    owed = [np.maximum(-plans.outcome(task, way).closing, 0.0) for way in (free, plan)]
    if is_priced:
        assert (owed[1] <= owed[0] + 1e-6).all() and (plan.lost <= free.lost + 1e-6).all()
        held = [
            np.clip(plans.outcome(task, way).closing, 0.0, task.safety_stock)
            for way in (free, plan)
        ]
        assert (held[1].sum(axis=0) >= held[0].sum(axis=0) - 1e-5).all()
    else:  # a unit lost weighs what one owed in every month does, so either may stand for the other
        late = [
            (own + way.lost * task.n_months).sum(axis=0)
            for own, way in zip(owed, (free, plan), strict=True)
        ]
        assert (late[1] <= late[0] + 1e-4).all()
    session.solve(replace(task, demand=task.demand * 1.1))  # what was held is free again
    again = np.maximum(-plans.outcome(task, session.solve(task)).closing, 0.0)
    assert again == pytest.approx(owed[1], abs=1e-3) or not is_priced


def test_near_the_last_plan_serves_before_it_moves_less_by_hand():
    # a unit owed costs next to nothing, so half a percent would pay for ten of them
    task = Task(
        demand=[10, 90], material_cost=100.0, backlog_cost=0.1, holding_cost=1.0,
        is_backlog_cleared=True,
    )  # fmt: skip
    plan = least_cost.solve(task, near=Plan([0.0, 100.0]))
    assert plan.made.ravel() == pytest.approx([10.0, 90.0 + 50.0 / 101.0])


def test_what_was_not_planned_is_near_nothing_by_hand():
    # 10 a month are made in one or in two months at the same cost
    task = Task(demand=[0, 10, 10], material_cost=1.0, holding_cost=0.0, is_backlog_allowed=False)
    near = Plan([4.0, np.nan, 7.0])
    plan = least_cost.solve(task, near=near)
    assert plan.made[[0, 2], 0] == pytest.approx([4.0, 7.0])
    assert plan.made.sum() == pytest.approx(20.0)


def whole_task(random_task, seed: int) -> Task:
    lots = np.array([5.0, 0.0, 0.0, 6.0, 0.0, 0.0, 0.0])
    setup_cost = np.where(np.arange(7) < 2, 15.0, np.nan) * np.ones((7, 1))
    return random_task(
        seed, lot_size=lots, setup_cost=setup_cost, supply_limit=np.inf,
        shelf_life_months=np.inf, storage_limit=np.inf,
    )  # fmt: skip


@pytest.mark.parametrize(("seed", "is_near"), [(0, False), (1, False), (3, False), (1, True)])
def test_whole_numbers_are_exactly_whole(random_task, seed, is_near):
    task = whole_task(random_task, seed)
    near = Plan(np.full((7, len(task.route_item)), 7.0)) if is_near else None
    session = Session(task, whole=least_cost.WHOLE, near=near)
    plan = session.solve()
    is_lot = task.lot_size[task.route_item] > 0
    lots = plan.made[:, is_lot] / task.lot_size[task.route_item][is_lot]
    np.testing.assert_allclose(lots, np.round(lots), atol=1e-9)
    crews = plan.workers[:, task.is_staffed] / task.crew_size[task.is_staffed]
    np.testing.assert_allclose(crews, np.round(crews), atol=1e-9)
    if not is_kept_back(task, plan):
        assert money(task, plan) == pytest.approx(session.objective, rel=1e-6)
    if not is_near:  # what is whole costs no less than its parts
        loose = Session(task, whole=["set-ups"])
        loose.solve()
        assert session.objective >= loose.objective - 1e-5 * abs(loose.objective)


def test_set_ups_serve_depots_and_whole_lots():
    task = Task(
        demand=[[0, 10], [0, 10], [0, 10]], supplied_from=[-1, 0], holding_cost=1.0,
        setup_cost=np.array([[25.0, np.nan]] * 3), is_backlog_allowed=False,
    )  # fmt: skip
    plan = least_cost.solve(task, whole=["set-ups"])
    assert plan.made[:, 0].tolist() == [20.0, 0.0, 10.0] or plan.made[:, 0].sum() == 30.0
    assert plans.costs(task, plan)["amount_value"].sum() == pytest.approx(25 + 10 + 20)
    lots = Task(
        demand=[10, 10], setup_cost=5, holding_cost=1, lot_size=25, is_backlog_allowed=False
    )
    assert least_cost.solve(lots, whole=["set-ups", "lots"]).made.ravel().tolist() == [25.0, 0.0]


def test_set_up_hours_are_worked_and_shared_by_all_ways_to_make_an_item():
    task = Task(
        demand=[10], hours=[[2.0], [1.0]], route_item=[0, 0], setup_hours=[[3.0], [3.0]],
        regular_hours=20, regular_cost=1.0, setup_cost=1.0, backlog_cost=99.0,
    )  # fmt: skip
    session = Session(task, whole=["set-ups"])
    plan = session.solve()
    assert plan.made.tolist() == [[0.0, 10.0]]
    assert plans.outcome(task, plan).load.tolist() == [[13.0]]
    assert session.objective == money(task, plan) == 14.0


# (4) an obvious slow version


def test_lots_and_set_ups_equal_every_choice_tried():
    """Set-ups or not in each of six months, by trying all 64."""
    rng = np.random.default_rng(3)
    for _ in range(5):
        demand, cost = rng.integers(0, 30, 6), rng.integers(20, 80, 6)
        task = Task(demand=demand, setup_cost=cost, holding_cost=1.5, is_backlog_allowed=False)
        plan = least_cost.solve(task, whole=["set-ups"])
        tried = []
        for is_set in product([False, True], repeat=6):
            months = np.flatnonzero(is_set)
            total = cost[months].sum()
            for t in range(6):
                before = months[months <= t]
                if demand[t] and not len(before):
                    total = np.inf
                elif demand[t]:
                    total = total + 1.5 * demand[t] * (t - before[-1])
            tried.append(total)
        assert plans.costs(task, plan)["amount_value"].sum() == pytest.approx(min(tried))


def test_without_costs_service_comes_before_stock_before_overtime_by_trying_all():
    """Two items, two months, whole units: every plan tried, compared in order."""
    task = Task(
        demand=[[3, 2], [4, 3]], hours=[[1.0], [1.0]], regular_hours=[5.0, 4.0],
        overtime_hours=[1.0, 2.0], priority=[1.0, 2.0], safety_stock=1.0,
    )  # fmt: skip
    plan = least_cost.solve(task)

    def order(made) -> tuple:
        made = np.array(made, dtype=float).reshape(2, 2)
        end = plans.outcome(task, Plan(made))
        if (end.load > task.regular_hours + task.overtime_hours + 1e-6).any():
            return (np.inf,)
        owed, stock = np.maximum(-end.closing, 0.0), np.maximum(end.closing, 0.0)
        short = np.maximum(task.safety_stock - end.closing, 0.0)
        return (
            (owed * task.priority).sum(), short.sum() - owed.sum(), end.overtime.sum(), stock.sum()
        )  # fmt: skip

    best = min(order(made) for made in product(range(8), repeat=4))
    assert order(plan.made) == pytest.approx(best, abs=1e-4)
    assert best[0] == 0.0 and best[1] > 0.0 and best[2] > 0.0  # the case does weigh them


def test_without_costs_the_more_important_item_is_served_first_by_hand():
    task = Task(demand=[[10, 10]], hours=[[1.0], [1.0]], regular_hours=12, priority=[1.0, 2.0])
    session = Session(task)
    assert session.solve().made == pytest.approx(np.array([[2.0, 10.0]]), abs=1e-5)
    assert np.isnan(session.objective) and not session.prices.any()
    turned = session.solve(replace(task, priority=np.array([2.0, 1.0])))
    assert turned.made == pytest.approx(np.array([[10.0, 2.0]]), abs=1e-5)


def test_without_costs_whole_workers_are_whole_and_the_last_plan_is_near():
    task = Task(demand=[33, 33], hours=1, workers=4, hours_per_worker=10, opening=20)
    plan = least_cost.solve(task, whole=["workers"], near=Plan(np.array([[21.0], [25.0]])))
    assert (plan.workers == np.round(plan.workers)).all()
    assert plan.made.ravel() == pytest.approx([21.0, 25.0], abs=1e-4)


def test_assumed_costs_alone_are_no_costs():
    task = Task(
        demand=[[10, 10]], hours=[[1.0], [1.0]], regular_hours=12, priority=[1.0, 2.0],
        holding_cost=1.0, backlog_cost=[[9.0, 1.0]], is_assumed=True,
    )  # fmt: skip
    assert least_cost.solve(task).made == pytest.approx(np.array([[2.0, 10.0]]), abs=1e-5)


# (5) errors


@pytest.mark.parametrize(
    "rules",
    [
        {"is_backlog_allowed": False},
        {"ending_stock": 50},
        {"minimum_stock": 5.0},
        {"is_backlog_cleared": True},
    ],
)
def test_rules_that_no_plan_keeps_name_what_may_be_loosened(rules):
    task = Task(demand=[10, 10], hours=1, regular_hours=8, backlog_cost=1.0, **rules)
    session = Session(task)
    with pytest.raises(ValueError, match="no plan keeps all rules: allow backlog or lost sales"):
        session.solve()
    session.solve(replace(task, regular_hours=np.full((2, 1), 90.0)))  # and may be solved after
    assert session.objective == pytest.approx(0.0)


def test_unknown_whole_numbers_name_those_there_are():
    with pytest.raises(ValueError, match=r"\['crews'\]: choose of workers, set-ups, lots"):
        least_cost.solve(Task(demand=[1]), whole=["crews"])


def test_a_search_out_of_time_says_so(monkeypatch):
    monkeypatch.setattr(least_cost, "_SECONDS", 0.0)
    with pytest.raises(ValueError, match="HiGHS found no plan in time: Time limit reached"):
        least_cost.solve(Task(**WAGNER_WHITIN), whole=["set-ups"])


def test_a_session_that_stays_answers_alike_whatever_was_asked_before():
    rng = np.random.default_rng(5)
    task = Task(
        demand=rng.uniform(10, 60, (12, 8)),
        hours=rng.uniform(0.5, 1.5, (8, 2)),
        regular_hours=150,
        overtime_hours=20,
        overtime_cost=10,
        holding_cost=1,
        backlog_cost=5,
    )
    more, less = (replace(task, demand=task.demand * factor) for factor in (1.1, 0.8))
    other = replace(task, hours=task.hours * 1.1)  # another matrix
    answers = []
    for asked in ([more], [less, other, more], [other, less, task, more]):
        session = least_cost.Session(task)
        session.solve()
        session.stay()
        answers.append([session.solve(one) for one in asked][-1])
    for answer in answers[1:]:
        np.testing.assert_array_equal(answer.made, answers[0].made)
