"""Why a unit more is not there by a month: what the plan leaves free, and the limit that binds.

A plan's own slack is followed: month by month back from the one in which a unit is wanted, and from
a site to the one that sends to it, until something has no room or costs more than owing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sopkit import months
from sopkit.supply import materials, plans
from sopkit.supply.tasks import Task

NOTHING = 1e-6  # units that are none
_BY_TIME = ("lead time", "frozen")
_BACK = " ← "


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
    bound(np.where(early, -1.0, np.inf), np.where(is_frozen, *_BY_TIME[::-1]), source)
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
    if there < units - NOTHING or (is_dearer and cause not in _BY_TIME):
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


def why(free: Room, item: int, month: int, *, until: int, owing: float) -> tuple[str, str, str]:
    """What keeps a unit more of an item from being there by a month.

    Parameters
    ----------
    free : Room
        From ``room``.
    item, month : int
        Positions in the task's keys and months.
    until : int
        Position of the month in which the unit comes under the plan; the number of months where
        it does not.
    owing : float
        What it costs to owe the unit until it comes; missing where unknown.

    Returns
    -------
    tuple of str
        ``cause``, ``limit`` (name of the resource, component, supplier or site) and ``chain``, the
        words from the unit to what binds.

    Examples
    --------
    >>> task = Task(demand=[5, 20], hours=1.0, regular_hours=10.0, resources=["sewing"],
    ...     holding_cost=2.0, backlog_cost=1.0)
    >>> nobody = pd.DataFrame(columns=["item", "supplier", "lead_time_months"])
    >>> free = room(task, plans.Plan(made=[[5.0], [10.0]]), nobody)
    >>> why(free, 0, 1, until=2, owing=1.0)[:2]
    ('hours', 'sewing')
    """
    if free.task.supplied_from[item] >= 0:
        return _why_sent(free, item, month, until, owing)
    route, binding = _best(free, item, month, until)
    if binding[0] > NOTHING:
        return "cost", *_dear(free, route, (month, binding[0]), owing)
    cause, limit = binding[1:]
    words, first = [], month
    while first >= 0:
        (_, *here), last = most(free, route, first, until), first
        while first >= 0 and (found := most(free, route, first, until))[1:] == (*here,):
            if found[0] > NOTHING:
                break
            first -= 1
        if not words or here[0] not in _BY_TIME:
            words.append(_blocked(free, route, here, (first + 1, last)))
        if here[0] in _BY_TIME or first < 0:
            break
        if found[0] > NOTHING:
            kept, why_not = _not_ahead(free, item, month, first, owing)
            is_to_order = kept == "made to order" and not free.task.is_service[item]
            return kept if is_to_order else cause, limit, _BACK.join([*words, why_not])
    return cause, limit, _BACK.join(words)


def _best(free: Room, item: int, month: int, until: int) -> tuple[int, tuple[float, str, str]]:
    """The route of an item with most room in a month, the usual one where none has any."""
    routes = np.flatnonzero(free.task.route_item == item)
    found = [most(free, int(route), month, until) for route in routes]
    best = int(np.argmax([units for units, _, _ in found]))
    return int(routes[best]), found[best]


def _month(free: Room, place: int) -> str:
    return months.label(free.task.months[place])


def _span(free: Room, first: int, last: int) -> str:
    names = _month(free, first), _month(free, last)
    return f"in {names[0]}" if first == last else f"from {names[0]} to {names[1]}"


def _blocked(free: Room, route: int, binding: tuple[str, str], span: tuple[int, int]) -> str:
    """In words: what binds a route over some months."""
    task, item, (cause, limit), (first, last) = (
        free.task,
        int(free.task.route_item[route]),
        binding,
        span,
    )
    when = _span(free, first, last)
    if cause == "lead time":
        months_ = int(task.first_month[route])
        source = f" of {limit}" if task.is_purchased[item] and limit else ""
        return f"nothing new can come before {_after(free, months_)} (lead time{source})"
    if cause == "frozen":
        return (
            f"frozen: only what is firm comes before {_after(free, int(task.first_month[route]))}"
        )
    if cause == "supplier limit":
        most = task.supply_limit[first : last + 1, item].sum()
        who = limit if task.is_purchased[item] else "its supply"
        return f"{who} gives no more {when} ({most:,.0f} units)"
    if cause == "component":
        return _scarce(free, route, limit, span)
    if limit not in task.resources:
        most = task.maximum_rate_change[task.rate_group[item]]
        return f"its rate of production may rise by {most:,.0f} a month at most ({when})"
    resource = task.resources.index(limit)
    offset = int(task.offset_months[route, resource])
    own = slice(max(first - offset, 0), last - offset + 1)
    load = free.end.load[own, resource].sum()
    when = _span(free, max(first - offset, 0), last - offset)
    return f"{limit} has no hour left {when} ({load:,.0f} of {load:,.0f} with overtime)"


def _scarce(free: Room, route: int, name: str, span: tuple[int, int]) -> str:
    """In words: a component of which nothing is left, down to the one that is bought."""
    task = free.task
    uses = task.material_per[route] > 0
    material = int(np.flatnonzero(uses & (task.materials["item"] == name).to_numpy())[0])
    offset = int(task.material_offset[route, material])
    first, last = (max(place - offset, 0) for place in span)
    words = [f"nothing is left of {name} {_span(free, first, last)}"]
    while task.part_per[material].any():
        into = np.flatnonzero(task.part_per[material])
        when = np.maximum(last - task.part_offset[material, into], 0)
        more = free.materials[when, into] / task.part_per[material, into]
        if more.min() > NOTHING:
            break
        material = int(into[np.argmin(more)])
        words.append(f"it is made of {task.materials['item'].iat[material]}")
    is_free = np.isinf(task.material_inflow[:, material])
    who = free.suppliers.get(task.materials["item"].iat[material], "")
    source = f" from {who}" if who else ""
    if is_free.any():
        begin = _month(free, int(is_free.argmax()))
        words.append(f"new ones come from {begin} on (lead time{source})")
    elif task.material_item[material] < 0:
        there = task.material_inflow[: last + 1, material].sum()
        words.append(f"no more than {there:,.0f} come{source} until {_month(free, last)}")
    return _BACK.join(words)


def _after(free: Room, place: int) -> str:
    """Name of a month that may lie beyond the horizon."""
    return months.label(months.shift(free.task.months[0], place))


def _not_ahead(free: Room, item: int, month: int, made: int, owing: float) -> tuple[str, str]:
    """Why nothing was made ahead in an earlier month that has room."""
    task = free.task
    if ahead(free, item, month, made) <= NOTHING:
        if task.is_service[item]:
            return "made to order", "a service cannot be done ahead"
        if task.maximum_stock[made:month, item].min() <= NOTHING:
            return "made to order", "it is made to order, so nothing can be made ahead"
        if month - made > task.shelf_life_months[item]:
            life = int(task.shelf_life_months[item])
            return "", f"it keeps {life} month{'s' * (life != 1)} only"
        return "", f"{task.keys['location'].iat[item]} has no space for more stock"
    hold = float(task.holding_cost[made:month, item].sum())
    if np.isfinite(hold) and np.isfinite(owing):
        each = hold / (month - made)
        return "", (
            f"made in {_month(free, made)} it would cost {hold:,.2f} of holding ({each:,.2f} a "
            f"month), beside {owing:,.2f} for owing it"
        )
    return "", f"there is room in {_month(free, made)}, which this way to supply does not use"


def _dear(free: Room, route: int, room_: tuple[int, float], owing: float) -> tuple[str, str]:
    """What makes a unit dear in a month that has room for some, by name and in words."""
    task, (month, units) = free.task, room_
    over = [task.resources[r] for r in np.flatnonzero(is_over(free, route, month))]
    some = "room is left" if np.isinf(units) else f"room for {units:,.0f} more is left"
    words = f"{some} in {_month(free, month)}" + f", in overtime of {' and '.join(over)}" * bool(
        over
    )
    cost = unit_cost(free, route, month)
    group = task.rate_group[task.route_item[route]]
    change = np.nanmax([task.increase_cost[group], task.decrease_cost[group], 0.0])
    if np.isfinite(owing) and cost >= owing:
        words += f": a unit costs {cost:,.2f} there, owing it {owing:,.2f}"
    elif np.isfinite(owing) and change > 0:
        words += f": changing the rate of production costs {change:,.2f} a unit, owing {owing:,.2f}"
    else:
        words += ", which this way to supply does not use"
    return over[0] if over else task.keys["location"].iat[task.route_item[route]], words


def unit_cost(free: Room, route: int, month: int) -> float:
    """What a unit more costs a route in a month: hours (overtime where regular ones are gone).

    Material, purchase price and changes of rate are counted, what is not known as nothing.
    """
    task, item = free.task, free.task.route_item[route]
    bought = np.where(task.is_purchased[item], task.purchase_cost[month, item], 0.0)
    paid, _ = hour_costs(free, route, month)
    regular = float(task.hours[route] @ paid + np.nan_to_num(bought))
    regular += float(np.nan_to_num(task.material_cost[month, route]))
    return regular + premium(free, route, month)


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


def premium(free: Room, route: int, month: int) -> float:
    """What a unit costs more in a month than in regular hours: overtime and changes of rate."""
    paid, beyond = hour_costs(free, route, month)
    hours = np.where(is_over(free, route, month), beyond - paid, 0.0)
    item = int(free.task.route_item[route])
    return float(free.task.hours[route] @ hours) + _rate_cost(free, item, month)


def _rate_cost(free: Room, item: int, month: int) -> float:
    """What a unit more in a month adds to the cost of changing the rate, into it and out of it."""
    task = free.task
    if task.is_purchased[item] or task.supplied_from[item] >= 0:
        return 0.0
    group = task.rate_group[item]
    up, down = (np.nan_to_num(cost[group]) for cost in (task.increase_cost, task.decrease_cost))
    steps = free.end.rate_change[month : month + 2, group]
    cost = up if steps[0] >= -NOTHING else -down
    if len(steps) > 1:
        cost += -up if steps[1] > NOTHING else down
    return float(cost / task.working_days[month])


def _why_sent(free: Room, item: int, month: int, until: int, owing: float) -> tuple[str, str, str]:
    """The same for a site that another one sends to."""
    task, sender = free.task, int(free.task.supplied_from[item])
    site = task.keys["location"].iat[sender]
    lead, frozen = int(task.lead_months[item]), int(task.frozen_months[item])
    if month < max(lead, frozen):
        if frozen > lead:
            first = _after(free, frozen)
            return "frozen", site, f"only what is firm comes before {first} (frozen)"
        words = f"{lead} month{'s' * (lead > 1)} on the way from {site}"
        return "transfer", site, f"{words}: nothing new comes before {_after(free, lead)}"
    left = month - lead
    spare = free.end.closing[left : max(until - lead, left + 1), sender].min()
    if spare > NOTHING:
        return "cost", site, f"{site} keeps {spare:,.0f} in stock, which this plan does not send"
    cause, limit, chain = why(free, sender, left, until=until - lead, owing=owing)
    return cause, limit, f"{site} has none to send in {_month(free, left)}{_BACK}{chain}"
