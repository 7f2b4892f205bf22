"""What a plan leaves free: hours, components, stock and limits, as units more of each item.

``causes`` says from it why something is short, ``remedies`` what could be done.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sopkit.supply import materials, plans
from sopkit.supply.tasks import Task

NOTHING = 1e-6  # units that are none
BY_TIME = ("lead time", "frozen")  # causes that no amount of hours or components changes


@dataclass(frozen=True, eq=False)
class Room:
    """What a plan leaves free: units (t, p) that each route could deliver more, and why no more.

    ``cause`` and ``limit`` (t, p) name what binds each route first; ``hours`` (t, r) are free,
    overtime among them; ``materials`` (t, m) are free at month end; ``stock`` (t, i) are units that
    may be kept more. Components are left to ``most``, which asks until when they are wanted.
    ``worth`` (t, p) and ``material_worth`` (t, m) say what the limit named would save if it gave
    way, for a unit of the route and of the material; ``suppliers`` names who delivers an item.
    """

    task: Task
    plan: plans.Plan
    end: plans.Outcome
    units: np.ndarray
    cause: np.ndarray
    limit: np.ndarray
    hours: np.ndarray
    materials: np.ndarray
    stock: np.ndarray
    worth: np.ndarray
    material_worth: np.ndarray
    suppliers: dict[str, str]


def room(
    task: Task,
    plan: plans.Plan,
    sources: pd.DataFrame,
    scarcity: tuple[np.ndarray, np.ndarray] | None = None,
) -> Room:
    """What a plan leaves free.

    Parameters
    ----------
    task, plan : Task, Plan
        Problem and answer.
    sources : DataFrame
        From ``sourcing.sources``: names the supplier of what is bought, the quickest one.
    scarcity : tuple of array, optional
        From ``least_cost.scarcity``: of several limits that leave nothing, the one whose part in
        a unit is worth most is named, for with more of the others alone no more would come.
    """
    plan, end = plans.completed(task, plan), plans.outcome(task, plan)
    limit = end.available + plans.overtime_limit(task, plan.workers)
    hours = np.maximum(limit - end.load, 0.0)
    units = np.full(plan.made.shape, np.inf)
    cause, name = (np.full(units.shape, "", dtype=object) for _ in range(2))

    worth = np.zeros(units.shape)
    of_hours, of_units = scarcity or (np.zeros(hours.shape), np.zeros(task.material_inflow.shape))

    def bound(most, why, what, routes=slice(None), price=0.0) -> None:
        tighter = most < units[:, routes] - NOTHING
        is_equal = (most <= NOTHING) & (units[:, routes] <= NOTHING)
        tighter |= is_equal & (price > worth[:, routes] + NOTHING)
        for kept, value in ((units, most), (cause, why), (name, what), (worth, price)):
            kept[:, routes] = np.where(tighter, value, kept[:, routes])

    for resource in range(task.hours.shape[1]):
        uses = np.flatnonzero(task.hours[:, resource] > 0)
        when = np.arange(task.n_months)[:, None] - task.offset_months[uses, resource]
        each, when = task.hours[uses, resource], np.maximum(when, 0)
        price = of_hours[when, resource] * each
        bound(hours[when, resource] / each, "hours", task.resources[resource], uses, price)
    quickest = sources.sort_values(["lead_time_months", "supplier"]).drop_duplicates("item")
    suppliers = dict(zip(quickest["item"], quickest["supplier"], strict=True))
    supplier = np.array([suppliers.get(item, "") for item in task.keys["item"]], dtype=object)
    is_named = task.is_purchased & (supplier != "")
    source = np.where(is_named, supplier, task.keys["location"])[task.route_item]
    bound(_rate_room(task, end), "hours", _rate_names(task))
    bound(
        np.maximum(task.supply_limit - end.made, 0.0)[:, task.route_item], "supplier limit", source
    )
    is_frozen = (task.frozen_months > task.lead_months)[task.route_item]
    early = np.arange(task.n_months)[:, None] < task.first_month
    bound(np.where(early, -1.0, np.inf), np.where(is_frozen, *BY_TIME[::-1]), source)
    units, kept = np.maximum(units, 0.0), _stock_room(task, end.closing)
    left = materials.left(task, plan)
    return Room(task, plan, end, units, cause, name, hours, left, kept, worth, of_units, suppliers)


def most(free: Room, route: int, made: int, until: int) -> tuple[float, str, str]:
    """Units that a route could deliver more in a month, and the cause and limit of no more.

    A unit made so takes its components earlier than the one that would come in month ``until``
    (a position): they must be free from then until there.
    """
    units, cause, limit = (kept[made, route] for kept in (free.units, free.cause, free.limit))
    there, name, worth = components(free, route, made, until)
    is_dearer = max(there, units) <= NOTHING and worth > free.worth[made, route]
    if there < units - NOTHING or (is_dearer and cause not in BY_TIME):
        return there, "component", name
    return float(units), cause, limit


def components(free: Room, route: int, made: int, until: int) -> tuple[float, str, float]:
    """Units that the components left allow between two months, the scarcest and its worth."""
    units, name, worth = np.inf, "", 0.0
    for material in np.flatnonzero(free.task.material_per[route]):
        offset = int(free.task.material_offset[route, material])
        first = max(made - offset, 0)
        left = free.materials[first : max(until - offset, first + 1), material].min()
        each = free.task.material_per[route, material]
        left, price = max(left / each, 0.0), free.material_worth[first, material] * each
        if left < units - NOTHING or (max(left, units) <= NOTHING and price > worth):
            units, name, worth = left, free.task.materials["item"].iat[material], price
    return float(units), name, float(worth)


def _rate_room(task: Task, end: plans.Outcome) -> np.ndarray:
    """Units (t, p) that each route could make more without changing its rate too far."""
    left = (task.maximum_rate_change - end.rate_change) * task.working_days[:, None]
    is_own = ~task.is_purchased & (task.supplied_from < 0)
    left = np.where(is_own, np.maximum(left, 0.0)[:, task.rate_group], np.inf)
    return left[:, task.route_item]


def _rate_names(task: Task) -> np.ndarray:
    names = "rate of " + task.keys["item"].astype("str")
    return names.to_numpy(dtype=object)[task.route_item]


def _stock_room(task: Task, closing: np.ndarray) -> np.ndarray:
    """Units (t, i) that may be kept more at month end, by item and by what its site can hold."""
    held = np.maximum(closing, 0.0)
    left = task.maximum_stock - held
    for site in np.unique(task.site[np.isfinite(task.storage_limit)]):
        own = task.site == site
        there = task.storage_limit[own].min() - held[:, own].sum(axis=1)
        left[:, own] = np.minimum(left[:, own], there[:, None])
    return np.maximum(left, 0.0)


def ahead(free: Room, item: int, month: int, made: int) -> float:
    """Units that may be made in a month (position) and kept until a later one."""
    if month - made > free.task.shelf_life_months[item]:
        return 0.0
    return float(free.stock[made:month, item].min(initial=np.inf))


def unit_cost(free: Room, route: int, month: int, until: int) -> float:
    """What a unit more costs a route in a month: hours (overtime where regular ones are gone).

    Material, purchase price and changes of rate are counted, what is not known as nothing;
    ``until`` as in ``premium``.
    """
    task, item = free.task, free.task.route_item[route]
    bought = np.where(task.is_purchased[item], task.purchase_cost[month, item], 0.0)
    paid, _ = hour_costs(free, route, month)
    regular = float(task.hours[route] @ paid + np.nan_to_num(bought))
    regular += float(np.nan_to_num(task.material_cost[month, route]))
    return regular + premium(free, route, month, until)


def hour_costs(free: Room, route: int, month: int) -> tuple[np.ndarray, np.ndarray]:
    """What an hour more of each resource costs a route (r,): a regular one, and beyond those.

    A regular hour that is paid whether worked or not costs nothing more.
    """
    task, each = free.task, np.arange(free.task.hours.shape[1])
    when = np.maximum(month - task.offset_months[route], 0)
    usual = np.nan_to_num(task.regular_cost[when, each])
    return np.where(task.is_idle_paid, 0.0, usual), np.nan_to_num(task.overtime_rate[when, each])


def is_over(free: Room, route: int, month: int) -> np.ndarray:
    """Whether only overtime is left of each resource (r,) that a route passes."""
    task, each = free.task, np.arange(free.task.hours.shape[1])
    when = np.maximum(month - task.offset_months[route], 0)
    gone = free.end.load[when, each] >= free.end.available[when, each] - NOTHING
    return gone & (task.hours[route] > 0)


def premium(free: Room, route: int, month: int, until: int, units: float = 1.0) -> float:
    """What a unit costs more in a month than in regular hours: overtime and changes of rate.

    So many ``units`` are not made in month ``until`` instead (beyond the last: in none).
    """
    paid, beyond = hour_costs(free, route, month)
    hours = np.where(is_over(free, route, month), beyond - paid, 0.0)
    item = int(free.task.route_item[route])
    return float(free.task.hours[route] @ hours) + rate_cost(free, item, (month, until), units)


def rate_cost(free: Room, item: int, span: tuple[int, int], units: float) -> float:
    """What each unit adds to changes of rate when it is made in one month instead of another."""
    task = free.task
    if task.is_purchased[item] or task.supplied_from[item] >= 0 or units <= NOTHING:
        return 0.0
    group, rate = task.rate_group[item], np.zeros(task.n_months + 1)
    rate[list(span)] = units, -units
    now = free.end.rate_change[:, group]
    then = now + np.diff(rate[:-1] / task.working_days, prepend=0.0)
    up, down = (np.nan_to_num(cost[group]) for cost in (task.increase_cost, task.decrease_cost))
    more = (
        np.maximum(own, 0.0).sum() * up - np.minimum(own, 0.0).sum() * down for own in (then, now)
    )
    return float(np.subtract(*more) / units)
