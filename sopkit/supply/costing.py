"""What a supply plan costs, by item, site and month: the sheet of ``plans.costs`` taken apart."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit.supply import plans
from sopkit.supply.plans import Plan
from sopkit.supply.tasks import Task


def supply_costs(task: Task, plan: Plan) -> pd.DataFrame:
    """Table ``supply_costs``.

    Parameters
    ----------
    task, plan : Task, Plan
        Problem and answer.

    Returns
    -------
    DataFrame
        Key ``item, location, month`` (of an hour the month in which it is worked).
        ``production_cost_value``: regular hours worked, material, set-ups, units made by others;
        ``overtime_cost_value``; ``purchase_cost_value``: units received from suppliers, those on
        their way already among them, which ``plans.costs`` leaves out. Missing where no rate of
        the kind is known. Hours a resource works regularly and in overtime are shared among its
        items alike; hours paid and not worked belong to no item.

    Examples
    --------
    >>> task = Task(demand=[10, 30], hours=[2.0], regular_hours=50, overtime_hours=10,
    ...     regular_cost=20.0, overtime_cost=30.0)
    >>> supply_costs(task, Plan(made=[[10.0], [30.0]])).iloc[:, 3:5].round(6).values.tolist()
    [[400.0, 0.0], [1000.0, 300.0]]
    """
    plan, end = plans.completed(task, plan), plans.outcome(task, plan)
    load = np.where(end.load > 0, end.load, 1.0)
    worked = task.regular_cost * (end.load - end.overtime) / load  # of an hour of load
    late = task.overtime_rate * end.overtime / load
    received = np.where(task.is_purchased, end.made + task.receipts, 0.0)
    material = np.where(task.is_purchased[task.route_item], 0.0, plan.made * task.material_cost)
    kinds = {
        "production_cost_value": [
            (_of_hours(task, plan, worked), task.regular_cost),
            (plans.by_item(task, np.nan_to_num(material)), task.material_cost),
            (end.setups * task.setup_cost, task.setup_cost),
            (plan.subcontract * task.subcontract_cost, task.subcontract_cost),
        ],
        "overtime_cost_value": [(_of_hours(task, plan, late), task.overtime_rate)],
        "purchase_cost_value": [(received * task.purchase_cost, task.purchase_cost)],
    }
    rows = task.keys.loc[task.keys.index.repeat(task.n_months)].reset_index(drop=True)
    rows["month"] = np.tile(task.months.to_numpy(), len(task.keys))
    for name, parts in kinds.items():
        known = [np.nan_to_num(amount) for amount, rate in parts if np.isfinite(rate).any()]
        rows[name] = sum(known).T.ravel() if known else np.nan
    return rows


def _of_hours(task: Task, plan: Plan, rate: np.ndarray) -> np.ndarray:
    """Cost (t, i) of all hours at a rate (t, r) an hour of load, in the month of the work."""
    work, rate, count = plan.made.copy(), np.nan_to_num(rate), len(task.keys)
    work[:, :count] += task.in_work
    cost = np.zeros_like(work)
    for offset in np.unique(task.offset_months[task.hours > 0]):
        hours, most = (
            np.where(task.offset_months == offset, task.hours, 0.0),
            task.n_months - offset,
        )
        cost[: max(most, 0)] += work[offset:] * (rate[: max(most, 0)] @ hours.T)
    cost = plans.by_item(task, cost)
    is_set_up = plans.by_item(task, plan.made) > 1e-6
    return cost + is_set_up * (rate @ task.setup_hours[:count].T)
