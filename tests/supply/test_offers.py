"""Offers beside a plan: what they save, beside a programme written down by itself."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.optimize import linprog

from sopkit.reconciliation.closing import Search
from sopkit.supply import least_cost, plans
from sopkit.supply.offers import Offers
from sopkit.supply.tasks import Task

MONTHS, OWED, HELD, OVER = 4, 5.0, 1.0, 3.0


def _task(rng: np.random.Generator) -> Task:
    """Two items on one resource that is short in some months, with overtime."""
    return Task(
        demand=rng.integers(20, 90, (MONTHS, 2)).astype("float64"),
        opening=rng.integers(0, 40, 2).astype("float64"),
        hours=[[1.0], [0.5]],
        regular_hours=70.0,
        overtime_hours=15.0,
        regular_cost=0.0,
        overtime_cost=OVER,
        holding_cost=HELD,
        backlog_cost=OWED,
        safety_stock=rng.integers(0, 15, 2)[None, :].astype("float64"),
        below_safety_cost=2.0,
    )


def _slowly(task: Task, hours: np.ndarray, units: np.ndarray, value: np.ndarray, owed_value):
    """Least cost with some offers open, as one programme of its own: month by month, by name."""
    plan = plans.outcome(task, least_cost.solve(task)).closing
    names = [("over", t, 0) for t in range(MONTHS)]
    names += [(n, t, i) for n in ("made", "stock", "owed") for t in range(MONTHS) for i in (0, 1)]
    names += [("take", t, k) for t in range(MONTHS) for k in range(len(hours))]
    at = {name: place for place, name in enumerate(names)}
    cost, bounds = np.zeros(len(names)), [(0.0, None)] * len(names)
    less, most, equal, due = [], [], [], []
    for t in range(MONTHS):
        cost[at["over", t, 0]], bounds[at["over", t, 0]] = OVER, (0.0, 15.0)
        row = np.zeros(len(names))
        row[at["over", t, 0]] = -1.0
        for i, per in ((0, 1.0), (1, 0.5)):
            row[at["made", t, i]] = per
        for k in range(len(hours)):
            row[at["take", t, k]] = -hours[k, t, 0]
            cost[at["take", t, k]], bounds[at["take", t, k]] = -value[k, t], (0.0, 1.0)
        less.append(row)
        most.append(70.0)
        for i in (0, 1):
            cost[at["stock", t, i]], cost[at["owed", t, i]] = HELD, OWED
            safe = min(max(plan[t, i], 0.0), task.safety_stock[t, i])
            bounds[at["stock", t, i]] = (safe - 1e-7, None)
            bounds[at["owed", t, i]] = (0.0, max(-plan[t, i], 0.0) + 1e-7)
            row = np.zeros(len(names))
            row[[at["made", t, i], at["owed", t, i]]] = 1.0
            row[at["stock", t, i]] = -1.0
            if t:
                row[at["stock", t - 1, i]], row[at["owed", t - 1, i]] = 1.0, -1.0
            for k in range(len(hours)):
                row[at["take", t, k]] = -units[k, t, i]
            equal.append(row)
            due.append(task.demand[t, i] - (task.opening[i] if t == 0 else 0.0))
    for i in (0, 1):
        cost[at["owed", MONTHS - 1, i]] += owed_value[i]
    return linprog(cost, less, most, equal, due, bounds).fun


def _offers(rng: np.random.Generator, count: int):
    """Each adds hours in some months, or units of one item."""
    hours, units = np.zeros((count, MONTHS, 1)), np.zeros((count, MONTHS, 2))
    value = np.zeros((count, MONTHS))
    for k in range(count):
        when = rng.random(MONTHS) < 0.6
        if rng.random() < 0.6:
            hours[k, when, 0] = rng.integers(5, 30)
        else:
            item, amount = rng.integers(0, 2), rng.integers(5, 30)
            units[k, when, item] = amount
            value[k, when] = amount * rng.uniform(1.0, 12.0)
    return hours, units, value


@pytest.mark.parametrize("seed", range(12))
def test_the_best_set_is_that_of_a_programme_solved_for_every_set(seed):
    rng = np.random.default_rng(seed)
    count = int(rng.integers(2, 6))
    task, (hours, units, value) = _task(rng), _offers(rng, count)
    owed_value = rng.uniform(0.0, 20.0, 2)
    cost = rng.uniform(0.0, 120.0, count)
    limit = rng.uniform(0.3, 1.0) * cost.sum()
    offered = Offers(task, hours, units, value, owed_value)
    search = Search(offered.saved, cost, cost[None, :], np.array([limit]))
    closed = _slowly(task, hours[:0], units[:0], value[:0], owed_value)
    nets = {}
    for chosen in itertools.product([False, True], repeat=count):
        own = np.array(chosen)
        saved = closed - _slowly(task, hours[own], units[own], value[own], owed_value)
        assert offered.saved(own.astype("float64"))[0] == pytest.approx(saved, abs=1e-4)
        if cost[own].sum() <= limit:
            nets[chosen] = saved - cost[own].sum()
    assert search.net(search.best()) == pytest.approx(max(nets.values()), abs=1e-4)


def test_no_shares_save_more_than_the_plane_of_any_others():
    rng = np.random.default_rng(3)
    offered = Offers(_task(rng), *_offers(rng, 4), np.array([8.0, 3.0]))
    points = [rng.random(4) for _ in range(12)]
    asked = [(point, *offered.saved(point)) for point in points]
    for (one, saved, slope), (other, least, _) in itertools.permutations(asked, 2):
        assert saved + slope @ (other - one) >= least - 1e-6


def test_levers_on_one_bottleneck_share_what_is_short_there():
    task = Task(demand=[120, 100], hours=1, regular_hours=100, backlog_cost=5)
    hours = np.array([[[15.0], [0.0]], [[15.0], [0.0]]])
    none = np.zeros((2, 2, 1))
    offered = Offers(task, hours, none, none[:, :, 0], np.zeros(1))
    alone, both = offered.saved(np.array([1.0, 0.0]))[0], offered.saved(np.ones(2))[0]
    assert alone == pytest.approx(150.0)  # 15 of the 20 units owed, two months, 5 each
    assert both == pytest.approx(200.0)


def test_what_is_sold_beside_demand_may_not_be_owed_instead():
    task = Task(demand=[80, 100], hours=1, regular_hours=100, backlog_cost=5, holding_cost=1)
    hours, units = np.zeros((1, 2, 1)), np.array([[[30.0], [30.0]]])
    offered = Offers(task, hours, units, np.full((1, 2), 300.0), np.zeros(1))
    assert offered.saved(np.ones(1))[0] == pytest.approx(200.0)  # twenty free hours, ten a unit
