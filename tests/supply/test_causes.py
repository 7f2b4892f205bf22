"""Why a unit more is not there: the limit that was planted is named, and giving way helps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sopkit.supply import causes, least_cost, plans, slack
from sopkit.supply.tasks import Task

KEYS = pd.DataFrame({"item": ["A"], "location": ["plant"]})
NOBODY = pd.DataFrame({"item": [], "supplier": [], "lead_time_months": []}, dtype="object")
ZIPS = pd.DataFrame({"item": ["zip"], "location": ["plant"]})


def task_of(demand: list, **changes) -> Task:
    """One item on ten hours of sewing a month, owing dear."""
    values = {
        "demand": demand,
        "keys": KEYS,
        "hours": 1.0,
        "regular_hours": 10.0,
        "resources": ["sewing"],
        "holding_cost": 1.0,
        "backlog_cost": 100.0,
        "regular_cost": 1.0,
    }
    return Task(**(values | changes))


def free_of(task: Task, sources=NOBODY) -> slack.Room:
    return slack.room(task, least_cost.solve(task), sources, least_cost.scarcity(task))


def why(task: Task, month: int, item: int = 0, until: int | None = None, sources=NOBODY) -> tuple:
    """Cause, limit and chain at least cost."""
    until = month + 1 if until is None else until
    owing = float(task.backlog_cost[month:until, item].sum())
    return causes.why(free_of(task, sources), item, month, until=until, owing=owing)


# by hand: what was planted is named


def test_a_resource_without_an_hour_left_is_named_with_its_months():
    cause, limit, chain = why(task_of([10, 10, 16, 0]), 2)
    assert (cause, limit) == ("hours", "sewing")
    assert chain == "sewing has no hour left from 2000-01 to 2000-03 (30 of 30 with overtime)"


def test_offsets_are_counted_where_the_hours_are_worked():
    cause, limit, chain = why(task_of([0, 16, 0], offset_months=1), 1)
    assert (cause, limit) == ("hours", "sewing")
    assert chain == "sewing has no hour left in 2000-01 (10 of 10 with overtime)"


def test_stock_that_costs_more_than_owing_ends_the_chain():
    task = task_of([0, 0, 16, 0], holding_cost=3.0, backlog_cost=2.0)
    cause, limit, chain = why(task, 2)
    assert (cause, limit) == ("hours", "sewing")
    assert chain.endswith(
        "made in 2000-02 it would cost 3.00 of holding (3.00 a month), beside 2.00 for owing it"
    )


def test_what_is_bought_waits_for_its_supplier():
    bought = {"is_purchased": True, "hours": 0.0, "purchase_cost": 1.0}
    sources = pd.DataFrame({"item": ["A"], "supplier": ["Lumen"], "lead_time_months": [2]})
    task = task_of([5, 5, 5], lead_months=2, **bought)
    cause, limit, chain = why(task, 1, sources=sources)
    assert (cause, limit) == ("lead time", "Lumen")
    assert chain == "nothing new can come before 2000-03 (lead time of Lumen)"
    task = task_of([5, 5, 5], frozen_months=2, **bought)
    assert why(task, 1, sources=sources)[0] == "frozen"
    task = task_of([5, 9, 0], supply_limit=5.0, **bought)
    cause, limit, chain = why(task, 1, sources=sources)
    assert (cause, limit) == ("supplier limit", "Lumen")
    assert chain == "Lumen gives no more from 2000-01 to 2000-02 (10 units)"


def test_a_site_is_followed_to_the_one_that_sends():
    keys = pd.DataFrame({"item": ["A", "A"], "location": ["depot", "plant"]})
    shared = {"keys": keys, "supplied_from": [1, -1], "hours": [0.0, 1.0], "lead_months": [1, 0]}
    demand = np.array([[0.0, 0.0], [26.0, 0.0], [0.0, 0.0]])
    task = task_of(demand, **shared)
    cause, limit, chain = why(task, 1)
    assert (cause, limit) == ("hours", "sewing")
    assert chain.startswith("plant has none to send in 2000-01 ← sewing has no hour left")
    cause, limit, chain = why(task_of(demand[[1, 0, 2]], **shared), 0)
    assert (cause, limit) == ("transfer", "plant")
    assert chain == "1 month on the way from plant: nothing new comes before 2000-02"


def test_a_component_with_nothing_left_is_followed_to_its_lead_time():
    task = task_of(
        [5, 5, 5],
        materials=ZIPS,
        material_per=2.0,
        material_inflow=[[12.0], [0.0], [np.inf]],
        regular_hours=100.0,
    )
    sources = pd.DataFrame({"item": ["zip"], "supplier": ["Zipworks"], "lead_time_months": [2]})
    cause, limit, chain = why(task, 1, sources=sources)
    assert (cause, limit) == ("component", "zip")
    assert chain == (
        "nothing is left of zip from 2000-01 to 2000-02 ← new ones come from 2000-03 on "
        "(lead time from Zipworks)"
    )


def test_of_two_limits_that_leave_nothing_the_one_that_helps_is_named():
    """Both run out in each month; hours are bought cheaply in overtime, zips are not."""
    keys = pd.DataFrame({"item": ["A", "B"], "location": "plant"})
    task = task_of(
        np.array([[10.0, 0.0], [10.0, 6.0], [0.0, 6.0], [0.0, 6.0]]),
        keys=keys,
        materials=ZIPS,
        material_per=[[1.0], [0.0]],
        material_inflow=[[8.0], [6.0], [6.0], [6.0]],
        backlog_cost=np.array([[100.0, 1.5]] * 4),
        holding_cost=2.0,
        hours=[1.0, 1.0],
    )
    assert why(task, 0)[:2] == ("component", "zip")
    more = replace(task, material_inflow=task.material_inflow + 4.0)
    closing = plans.outcome(more, least_cost.solve(more)).closing
    assert closing[0, 0] >= -1e-6


def test_what_is_made_to_order_cannot_be_made_ahead_and_a_service_neither():
    task = task_of([2, 2, 15, 0], maximum_stock=0.0)
    cause, limit, chain = why(task, 2)
    assert (cause, limit) == ("made to order", "sewing")
    assert chain.endswith("it is made to order, so nothing can be made ahead")
    cause, limit, chain = why(replace(task, is_service=np.array([True])), 2)
    assert (cause, limit) == ("hours", "sewing")
    assert chain.endswith("a service cannot be done ahead")


def test_space_and_shelf_life_end_the_chain():
    assert why(task_of([2, 2, 15, 0], storage_limit=0.0), 2)[2].endswith(
        "plant has no space for more stock"
    )
    assert why(task_of([0, 5, 10, 25, 0], shelf_life_months=1.0), 3, until=5)[2].endswith(
        "it keeps 1 month only"
    )


def test_overtime_that_is_dearer_than_owing_is_told_with_both_figures():
    task = task_of([12, 0], overtime_hours=5.0, overtime_cost=9.0, backlog_cost=4.0)
    cause, limit, chain = why(task, 0)
    assert (cause, limit) == ("cost", "sewing")
    assert chain == (
        "room for 5 more is left in 2000-01, in overtime of sewing: a unit costs 8.00 more in "
        "time, owing it 4.00"
    )


def test_cause_and_limit_are_those_of_the_last_link():
    task = task_of(
        [4, 4, 16, 0], regular_hours=[[20.0], [20.0], [10.0], [20.0]], materials=ZIPS,
        material_per=1.0, material_inflow=[[4.0], [4.0], [50.0], [50.0]],
    )  # fmt: skip
    cause, limit, chain = why(task, 2)
    assert chain.startswith("sewing has no hour left in 2000-03")
    assert " ← nothing is left of zip" in chain and (cause, limit) == ("component", "zip")


def test_a_rate_that_may_not_rise_further_is_told():
    task = task_of([3, 9, 0], previous_rate=3.0, maximum_rate_change=2.0, holding_cost=500.0)
    cause, limit, chain = why(task, 1)
    assert cause == "hours" and limit == "rate of A"
    assert "may rise by 2 a month at most" in chain


# at random: giving way helps


@pytest.mark.parametrize("seed", range(25))
def test_with_more_of_the_limit_that_is_named_less_is_late(seed):
    rng = np.random.default_rng(seed)
    count = 5
    task = task_of(
        rng.integers(0, 20, count).astype(float),
        regular_hours=rng.integers(4, 14, (count, 1)).astype(float),
        materials=ZIPS,
        material_per=1.0,
        material_inflow=rng.integers(4, 14, (count, 1)).astype(float),
        supply_limit=rng.integers(4, 14, (count, 1)).astype(float),
    )
    late = np.maximum(-plans.outcome(task, least_cost.solve(task)).closing[:, 0], 0.0)
    late_own = np.minimum(late, task.demand[:, 0])
    free = free_of(task)
    for month in np.flatnonzero(late_own > 0.5):
        cause, _, chain = causes.why(free, 0, int(month), until=count, owing=1e3)
        name = {"hours": "regular_hours", "component": "material_inflow"}.get(cause, "supply_limit")
        more = replace(task, **{name: getattr(task, name) + 5.0})
        then = np.maximum(-plans.outcome(more, least_cost.solve(more)).closing[:, 0], 0.0)
        assert then.sum() < late.sum() - 0.5, (cause, chain)
