"""A made-up production planning problem of any size, as plain arrays that every tool can build."""

from __future__ import annotations

import numpy as np

SEED = 20260101


def instance(items: int, months: int, resources: int, *, seed: int = SEED) -> dict[str, np.ndarray]:
    """Arrays of a problem: items in families of ten, three resources an item, hours just enough.

    Demand (t, i) is seasonal, hours (i, r) a unit, regular and overtime hours (t, r); costs of an
    hour of overtime, of holding and owing a unit a month, of a unit below safety stock, of a unit
    by which a family's rate changes.
    """
    rng = np.random.default_rng(seed)
    season = 1 + 0.4 * np.sin(np.arange(months)[:, None] / 6 * np.pi + rng.uniform(0, 6, items))
    demand = rng.gamma(2, 100, items) * season * rng.uniform(0.8, 1.2, (months, items))
    passes = np.argsort(rng.random((items, resources)), axis=1) < 3
    hours = np.where(passes, rng.uniform(0.2, 2.0, (items, resources)), 0.0)
    load = demand @ hours
    regular = np.broadcast_to(load.mean(axis=0) * 1.02, load.shape).copy()
    return {
        "demand": demand,
        "opening": demand[0] * 0.5,
        "safety": demand.mean(axis=0) * 0.3,
        "hours": hours,
        "regular": regular,
        "overtime": regular * 0.1,
        "family": np.arange(items) // 10,
        "overtime_cost": np.full(resources, 30.0),
        "holding_cost": rng.uniform(0.5, 3.0, items),
        "backlog_cost": rng.uniform(20.0, 60.0, items),
        "below_cost": rng.uniform(4.0, 8.0, items),
        "change_cost": rng.uniform(1.0, 3.0, -(-items // 10)),
    }
