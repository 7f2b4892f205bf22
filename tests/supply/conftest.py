"""Random supply problems for the tests of this room."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sopkit.supply.tasks import Task


def _random_task(seed: int, **fixed) -> Task:
    """Seven items of two sites, seven routes and more, two resources; each rule on by chance.

    Items 0 to 2 are made at the plant, 3 is bought, 4 is a service; 5 and 6 are items 0 and 3 at
    the depot, sent there from the plant. The second resource is staffed by chance.
    """
    rng = np.random.default_rng(seed)
    n, count = 7, 7

    def chance(share: float = 0.5) -> bool:
        return bool(rng.random() < share)

    demand = rng.integers(0, 40, (count, n)).astype(float)
    demand[:, rng.integers(0, n)] = 0.0
    is_backlog_allowed = np.ones(n, dtype=bool)
    is_loss_allowed = (rng.random(n) < 0.3) if chance() else np.zeros(n, dtype=bool)
    opening = rng.integers(-10, 50, n).astype(float)
    opening[4] = min(opening[4], 0.0)
    receipts = rng.integers(0, 30, (count, n)) * (rng.random((count, n)) < 0.2)
    receipts[:, 4] = 0.0
    in_work = receipts * (rng.random((count, n)) < 0.5)
    extra = rng.choice([0, 0, 1, 2], rng.integers(0, 3))
    route_item = np.concatenate([np.arange(n), np.sort(extra)])
    hours = rng.uniform(0.3, 2.0, (len(route_item), 2)) * (rng.random((len(route_item), 2)) < 0.7)
    hours[[3, 5, 6]] = 0.0
    offsets = rng.integers(0, 2, hours.shape) if chance() else 0
    is_staffed, is_paid = chance(0.6), chance()
    regular = np.round(rng.uniform(20, 90, (count, 2)))
    workers = np.array([np.nan, rng.integers(2, 7) if is_staffed else np.nan])
    regular_cost = rng.uniform(5, 15, 2)
    values = {
        "demand": demand,
        "opening": opening,
        "receipts": receipts,
        "in_work": in_work,
        "safety_stock": rng.integers(0, 15, (count, n)) * np.array([1, 1, 1, 1, 0, 1, 1]),
        "maximum_stock": np.where(np.arange(n) == 4, 0.0, np.inf) * np.ones((count, 1)),
        "is_service": np.arange(n) == 4,
        "is_loss_allowed": is_loss_allowed,
        "minimum_sales": np.round(demand * rng.choice([0.0, 0.5])),
        "shelf_life_months": rng.choice([2.0, 3.0, np.inf], n) if chance(0.3) else np.inf,
        "supplied_from": np.array([-1, -1, -1, -1, -1, 0, 3]),
        "lead_months": np.array([0, 0, 1, rng.integers(0, 3), 0, rng.integers(0, 2), 1]),
        "frozen_months": rng.integers(0, 3, n) if chance(0.3) else 0,
        "is_purchased": np.arange(n) == 3,
        "site": np.array([0, 0, 0, 0, 0, 1, 1]),
        "storage_limit": np.repeat(rng.integers(30, 120, 2), [5, 2]) if chance(0.3) else np.inf,
        "supply_limit": rng.integers(20, 60, (count, n)) if chance(0.3) else np.inf,
        "subcontract_limit": rng.integers(0, 15, (count, n)) if chance() else np.inf,
        "rate_group": np.array([0, 0, 1, 2, 3, 4, 5]),
        "previous_rate": rng.uniform(10, 60, 6) if chance() else np.nan,
        "working_days": rng.integers(17, 23, count) if chance() else 1.0,
        "route_item": route_item,
        "hours": hours,
        "offset_months": offsets,
        "regular_hours": regular,
        "overtime_hours": np.round(rng.uniform(0, 20, (count, 2))) if chance(0.8) else np.inf,
        "workers": workers,
        "hours_per_worker": np.round(rng.uniform(10, 14, (count, 1))) * np.ones(2),
        "overtime_per_worker": rng.uniform(0, 3) if chance() else 0.0,
        "maximum_workers": 9.0 if chance() else np.inf,
        "minimum_workers": 1.0 if chance() else 0.0,
        "attrition_rate": 0.1 if chance(0.3) else 0.0,
        "crew_size": 2.0 if chance(0.3) else 1.0,
        "is_idle_paid": is_paid,
        "regular_cost": regular_cost * np.ones((count, 1)),
        "overtime_cost": regular_cost * 1.5 * np.ones((count, 1)),
        "hiring_cost": rng.uniform(20, 90, 2),
        "layoff_cost": rng.uniform(20, 90, 2),
        "material_cost": rng.uniform(1, 9, (count, len(route_item))),
        "purchase_cost": rng.uniform(10, 30, (count, n)),
        "subcontract_cost": np.where([True, False, True, False, False, False, False], 40.0, np.nan)
        * np.ones((count, 1)),
        "holding_cost": rng.uniform(0.5, 2.0, (count, n)),
        # the same at both sites, else a site would keep units back from customers it owes
        "backlog_cost": rng.uniform(8.0, 15.0, 5)[[0, 1, 2, 3, 4, 0, 3]] * np.ones((count, 1)),
        "lost_sale_cost": rng.uniform(20, 60, (count, n)),
        "price": rng.uniform(50, 90, (count, n)) if chance() else np.nan,
        "transfer_cost": rng.uniform(0.5, 2.0, n),
        "increase_cost": rng.uniform(0.1, 2.0, 6) if chance() else np.nan,
        "decrease_cost": rng.uniform(0.1, 2.0, 6) if chance() else np.nan,
        "below_safety_cost": rng.uniform(2.0, 5.0, (count, n)),
        "ending_cost": rng.uniform(10, 40, n),
        "is_backlog_allowed": is_backlog_allowed,
        "is_average_stock": chance(0.3),
    }
    return Task(**(values | fixed))


@pytest.fixture(scope="session")
def random_task():
    """``random_task(seed, opening=0, …)``: a problem with every rule on by chance."""
    return _random_task


def _with_bills(task: Task, seed: int) -> Task:
    """A random task with bolts and pipes that are bought, frames made of both, two items used too.

    Items 0 and 1 take frames and bolts; 0 takes item 2, and 1 item 3, which is bought; by chance
    frames take item 2 as well.
    """
    rng = np.random.default_rng([seed, 10])
    n, m = len(task.keys), 5  # bolt, pipe, frame, item 2, item 3
    per = np.zeros((n, m))
    per[0] = rng.integers(1, 3), 0, rng.integers(0, 2), rng.integers(0, 2), 0
    per[1] = rng.integers(0, 2), 1, 1, 0, rng.integers(0, 2)
    per[2, 0] = 1.0
    part = np.zeros((m, m))
    part[2] = 2.0, rng.uniform(0.5, 1.5), 0, rng.integers(0, 2), 0
    inflow = rng.integers(0, 60, (task.n_months, m)).astype(float)
    inflow[rng.integers(2, 9) :, 1] = np.inf
    inflow[:, 2] = 0.0
    inflow[0, 2] = rng.integers(0, 40)
    return replace(
        task,
        materials=pd.DataFrame({"item": list("bpf23"), "location": "plant"}),
        material_per=per[task.route_item],
        material_offset=rng.integers(0, 2, (n, m))[task.route_item],
        material_inflow=inflow,
        material_item=np.array([-1, -1, -1, 2, 3]),
        part_per=part,
        part_offset=rng.integers(0, 2, (m, m)),
        part_lead=np.array([0, 0, rng.integers(0, 2), 0, 0]),
    )


@pytest.fixture(scope="session")
def bills():
    """``bills(task, seed)``: bills of materials for a random task."""
    return _with_bills
