"""What production takes of materials: by hand, and never more than there is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sopkit.supply import families, issues, least_cost, materials, plans, strategies
from sopkit.supply.plans import Plan
from sopkit.supply.tasks import Task

SEEDS = range(40)


def names(*items: str) -> pd.DataFrame:
    return pd.DataFrame({"item": items, "location": "plant"}, dtype="str")


def least(task: Task) -> Plan:
    return least_cost.solve(replace(task, backlog_cost=5.0, holding_cost=0.1))


# (1) by hand


def test_a_component_short_for_two_months_makes_the_item_late_by_hand():
    task = Task(
        demand=[10, 10, 10, 10], materials=names("frame"), material_per=2.0,
        material_inflow=[[24], [0], [30], [np.inf]],
    )  # fmt: skip
    plan = least(task)
    # 24 frames make 10 and 2; then 15, and all that is owed
    assert np.cumsum(plan.made).tolist() == pytest.approx([10, 12, 27, 40])
    assert materials.left(task, plan)[:3].ravel().tolist() == pytest.approx([4, 0, 0])
    assert materials.left(task, plan)[3, 0] == np.inf
    chased = strategies.plan(task, "chase")
    assert np.cumsum(chased.made).tolist() == pytest.approx([10, 12, 27, 40])
    free = strategies.plan(task, "chase", is_limited=False)
    assert free.made.ravel().tolist() == [10.0] * 4


def test_a_component_needed_a_month_before_is_taken_then_by_hand():
    task = Task(
        demand=[0, 10, 10], materials=names("frame"), material_per=1.0, material_offset=1,
        material_inflow=[[4], [9], [50]],
    )  # fmt: skip
    for plan in (least(task), strategies.plan(task, "chase")):
        # made in the second month of the 4 there are in the first, then 9; the 50 are too late
        assert plan.made.ravel().tolist() == pytest.approx([0, 4, 9])
    # what is due in the first month is taken in it, as what is due in the second
    now = replace(task, demand=np.array([[9.0], [0], [0]]))
    assert strategies.plan(now, "chase").made.ravel().tolist() == pytest.approx([4, 0, 5])


def test_two_items_share_a_component_in_proportion_in_chase_and_by_cost_in_least_cost():
    task = Task(
        demand=[[10, 30]], materials=names("zip"), material_per=[[1.0], [2.0]],
        material_inflow=[[35.0]], backlog_cost=[[1.0, 3.0]],
    )  # fmt: skip
    assert strategies.plan(task, "chase").made.tolist() == [[5.0, 15.0]]
    assert least_cost.solve(task).made.tolist() == [[0.0, 17.5]]  # 1.5 saved a zip, not 1


def three_levels() -> Task:
    """A bike takes a frame, a frame two tubes a month before and a bolt, a tube three of steel."""
    part = np.zeros((4, 4))
    part[0, 1], part[0, 2], part[1, 3] = 2.0, 1.0, 3.0
    inflow = [[5, 4, 100, 30], [0, 0, 0, 12], [0, 0, 0, 12], [0, 0, 0, 12]]
    return Task(
        demand=[4, 4, 4, 4], materials=names("frame", "tube", "bolt", "steel"),
        material_per=[[1.0, 0, 0, 0]], material_inflow=inflow, part_per=part,
        part_offset=np.where(part == 2.0, 1, 0),
    )  # fmt: skip


def test_three_levels_with_stock_at_each_by_hand():
    task = three_levels()
    plan = least(task)
    # bikes due in month: frames 5 of stock; a frame made in t takes 2 tubes in t − 1 (or in 0):
    # tubes in month 0: 4 of stock and 30 / 3 = 10, then 4 a month: 7 frames for 0 and 1 together
    assert np.cumsum(plan.made).tolist() == pytest.approx([4, 8, 12, 16])
    tight = replace(task, material_inflow=task.material_inflow * np.array([1, 1, 1, 0.4]))
    # steel 12, 4.8 …: tubes 4 + 4, then 1.6 a month: frames 5 + 4 until 1, then 0.8 a month
    for way in (least(tight), strategies.plan(tight, "chase")):
        assert np.cumsum(way.made).tolist() == pytest.approx([4, 8, 9.8, 10.6])
    left = materials.left(tight, least(tight))
    assert left[2, 0] == pytest.approx(0.0)  # no frame, and none could be made
    assert left[3, 2] == pytest.approx(100 - 5.6)
    # in the first month a frame could still be made of tubes that are not yet spoken for
    calm = materials.left(task, Plan(made=np.zeros((4, 1))))
    assert calm[0].tolist() == pytest.approx([5 + 7, 4 + 10, 100, 30])


def test_an_item_sold_and_used_serves_both_from_one_stock_by_hand():
    # wheels are sold, 6 a month, and bikes take 2 each, 5 a month wanted; 14 wheels can be made
    task = Task(
        demand=[[5, 6], [5, 6]], opening=[0, 2], materials=names("wheel"),
        material_per=[[2.0], [0.0]], material_item=[1], supply_limit=[[99, 14]] * 2,
        backlog_cost=[[9.0, 1.0]] * 2, holding_cost=0.1,
    )  # fmt: skip
    plan = least_cost.solve(task)
    assert plan.made.tolist() == [[5.0, 14.0], [5.0, 14.0]]
    closing = plans.outcome(task, plan).closing
    assert closing[:, 1].tolist() == [0.0, -2.0]  # customers wait: 2 + 28 − 20 − 12
    assert plans.table(task, plan).query("item == 'item 2'")["transfers"].tolist() == [-10, -10]
    # in chase bikes and customers share what there is: 16 for 10 + 6, then 14
    chased = strategies.plan(task, "chase")
    assert chased.made.tolist() == pytest.approx(np.array([[5, 14], [4.375, 14]]))
    # nothing is owed to production: backlog grows by what customers ask for
    none = least_cost.solve(replace(task, supply_limit=np.array([[99.0, 0.0]] * 2)))
    assert none.made.tolist() == [[1.0, 0.0], [0.0, 0.0]]


def test_firm_production_takes_its_material_and_what_is_due_before_has_it_by_hand():
    task = Task(
        demand=[10, 10], receipts=[4, 3], in_work=[4, 3], materials=names("frame"),
        material_per=1.0, material_inflow=[[9], [0]],
    )  # fmt: skip
    assert issues.free(task).ravel().tolist() == [5.0, -3.0]
    assert least(task).made.sum() == pytest.approx(2.0)
    earlier = replace(task, material_offset=np.array([[1]]))  # the first month's is issued already
    assert least(earlier).made.sum() == pytest.approx(6.0)
    scant = replace(task, material_inflow=np.array([[2.0], [3.0]]))  # made whatever it takes
    assert issues.free(scant).ravel().tolist() == [0.0, 0.0]
    assert least(scant).made.sum() == 0.0


def test_a_set_up_allows_lots_for_what_is_made_of_an_item_by_hand():
    # nobody buys wheels; five bikes a month take two each, all made at once for one set-up
    task = Task(
        demand=[[5, 0], [5, 0]], materials=names("wheel"), material_per=[[2.0], [0.0]],
        material_item=[1], setup_cost=[[np.nan, 99.0]] * 2, backlog_cost=999.0, holding_cost=0.1,
    )  # fmt: skip
    plan = least_cost.solve(task, whole=["set-ups"])
    assert plan.made[:, 1].tolist() == [20.0, 0.0]
    assert not plans.outcome(task, plan).closing[-1].any()


def test_families_take_materials_by_their_means_by_hand():
    # A takes one zip, B two; three quarters of demand is B's: 1.75 a unit
    task = Task(
        demand=[[10, 30], [10, 30]], materials=names("zip", "rod"), material_item=[-1, 1],
        material_per=[[1.0, 1.0], [2.0, 0.0]], material_offset=[[1, 0], [0, 0]],
        material_inflow=[[70.0, 0], [35.0, 0]], backlog_cost=5.0, holding_cost=0.1,
    )  # fmt: skip
    family = families.grouped(task, [0, 0])
    assert family.material_per.ravel() == pytest.approx([1.75, 0.25])
    assert family.material_offset.tolist() == [[1, 0]]
    assert family.material_item.tolist() == [-1, 0]
    shared = families.solve(task, np.array(["Bags", "Bags"]))
    # zips are taken a month before, so the 35 come too late: 70 make 40, A takes a unit of B each
    assert shared.made.sum() == pytest.approx(40.0)
    closing = plans.outcome(task, shared).closing
    assert closing[-1].sum() == pytest.approx(40.0 - shared.made[:, 0].sum() - 80.0)


def test_a_circle_is_named():
    loop = np.array([[0.0, 1.0], [1.0, 0.0]])
    task = Task(demand=[1], materials=names("A", "B"), material_per=1.0, part_per=loop)
    with pytest.raises(ValueError, match="circle among A, B"):
        issues.order(task)
    own = Task(demand=[1], materials=names("item 1"), material_per=1.0, material_item=[0])
    with pytest.raises(ValueError, match="an item goes into itself"):
        strategies.plan(own, "chase")


# (2) invariants


def most_taken(task: Task, plan: Plan) -> np.ndarray:
    """Units taken beyond those there were, month by month and material by material, in loops."""
    count, m = task.material_inflow.shape
    beyond = np.zeros((count, m))
    parts = plans.completed(task, plan).parts
    for k in range(m):
        taken = np.zeros(count)
        for t in range(count):
            for p in range(len(task.route_item)):
                taken[max(t - task.material_offset[p, k], 0)] += (
                    task.material_per[p, k] * plan.made[t, p]
                )
            for part in range(m):
                taken[max(t - task.part_offset[part, k], 0)] += (
                    task.part_per[part, k] * parts[t, part]
                )
        there = np.cumsum(task.material_inflow[:, k] + parts[:, k] - taken)
        beyond[:, k] = np.maximum(-there, 0.0)
    return beyond[:, task.material_item < 0]


@pytest.mark.parametrize("seed", SEEDS)
def test_no_strategy_takes_more_of_a_material_than_there_is(random_task, bills, seed):
    task = bills(random_task(seed, in_work=0.0), seed)
    for name in strategies.NAMES:
        plan = strategies.plan(task, name)
        assert most_taken(task, plan).max() <= 1e-6, name
        # production is owed nothing: what is short of an item used too, its customers wait for
        end = plans.outcome(task, plan)
        asked = np.cumsum(task.demand + task.committed - plan.lost, axis=0)
        asked += np.maximum(-task.opening, 0.0)
        for item in (2, 3):
            assert (-end.closing[:, item] <= asked[:, item] + 1e-6).all(), name
        assert materials.left(task, plan).min() >= -1e-6


@pytest.mark.parametrize("seed", SEEDS[:20])
def test_the_least_cost_is_what_its_plan_costs_and_more_material_costs_no_more(
    random_task, bills, seed
):
    task = bills(random_task(seed), seed)
    session = least_cost.Session(task)
    told = plans.sheet(task, session.solve())["amount_value"].sum()
    assert session.objective == pytest.approx(told, rel=1e-7, abs=1e-5)
    before = session.objective
    again = least_cost.Session(replace(task, material_inflow=task.material_inflow + 5.0))
    for changed in (again, session):  # anew, and from the last basis
        changed.solve(again.task)
    assert session.objective == pytest.approx(again.objective)
    assert again.objective <= before + 1e-6 * abs(before)
    free = least_cost.Session(
        replace(task, material_inflow=np.full_like(task.material_inflow, np.inf))
    )
    free.solve()
    assert free.objective <= again.objective + 1e-6 * abs(before)
    session.solve(free.task)  # other months have a row
    assert session.objective == pytest.approx(free.objective)


def test_a_material_without_limit_changes_nothing(random_task, bills):
    task = random_task(3)
    loose = bills(task, 3)
    loose = replace(
        loose, material_inflow=np.full_like(loose.material_inflow, np.inf),
        material_item=np.full(5, -1),
    )  # fmt: skip
    for name in strategies.NAMES:
        np.testing.assert_allclose(
            strategies.plan(loose, name).made, strategies.plan(task, name).made, atol=1e-6
        )
