"""Why a unit more is not there by a month: the chain from what is short to the limit that binds.

A plan's own slack is followed: month by month back from the one in which a unit is wanted, and from
a site to the one that sends to it, until something has no room or costs more than owing.
"""

from __future__ import annotations

import numpy as np

from sopkit import months
from sopkit.supply import slack
from sopkit.supply.slack import NOTHING, Room

_BACK = " ← "


def why(free: Room, item: int, month: int, *, until: int, owing: float) -> tuple[str, str, str]:
    """What keeps a unit more of an item from being there by a month.

    Parameters
    ----------
    free : Room
        From ``slack.room``.
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
    >>> import pandas as pd
    >>> from sopkit.supply import plans, tasks
    >>> task = tasks.Task(demand=[5, 20], hours=1.0, regular_hours=10.0, resources=["sewing"],
    ...     holding_cost=2.0, backlog_cost=1.0)
    >>> nobody = pd.DataFrame(columns=["item", "supplier", "lead_time_months"])
    >>> free = slack.room(task, plans.Plan(made=[[5.0], [10.0]]), nobody)
    >>> why(free, 0, 1, until=2, owing=1.0)[:2]
    ('hours', 'sewing')
    """
    if free.task.supplied_from[item] >= 0:
        return _why_sent(free, item, month, until, owing)
    route, binding = _best(free, item, month, until)
    if binding[0] > NOTHING:
        return "cost", *_dear(free, route, (month, until, binding[0]), owing)
    words, first = [], month
    while first >= 0:
        (_, *here), last = slack.most(free, route, first, until), first
        while first >= 0 and (found := slack.most(free, route, first, until))[1:] == (*here,):
            if found[0] > NOTHING:
                break
            first -= 1
        if not words or here[0] not in slack.BY_TIME:
            cause, limit = here
            words.append(_blocked(free, route, here, (first + 1, last)))
        if here[0] in slack.BY_TIME or first < 0:
            break
        if found[0] > NOTHING:
            kept, why_not = _not_ahead(free, item, month, first, owing)
            is_to_order = kept == "made to order" and not free.task.is_service[item]
            return kept if is_to_order else cause, limit, _BACK.join([*words, why_not])
    return cause, limit, _BACK.join(words)


def _best(free: Room, item: int, month: int, until: int) -> tuple[int, tuple[float, str, str]]:
    """The route of an item with most room in a month, the usual one where none has any."""
    routes = np.flatnonzero(free.task.route_item == item)
    found = [slack.most(free, int(route), month, until) for route in routes]
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
        most, what = task.material_inflow[last, material], "stock and receipts among them"
        monthly = f"; {most:,.0f} in the last month{source}" if most > NOTHING else ""
        words.append(
            f"{there:,.0f} can be there in all until {_month(free, last)}, {what}{monthly}"
        )
    return _BACK.join(words)


def _after(free: Room, place: int) -> str:
    """Name of a month that may lie beyond the horizon."""
    return months.label(months.shift(free.task.months[0], place))


def _not_ahead(free: Room, item: int, month: int, made: int, owing: float) -> tuple[str, str]:
    """Why nothing was made ahead in an earlier month that has room."""
    task = free.task
    if slack.ahead(free, item, month, made) <= NOTHING:
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


def _dear(free: Room, route: int, room_: tuple[int, int, float], owing: float) -> tuple[str, str]:
    """What makes a unit dear in a month that has room for some, by name and in words."""
    task, (month, until, units) = free.task, room_
    over = [task.resources[r] for r in np.flatnonzero(slack.is_over(free, route, month))]
    some = "room is left" if np.isinf(units) else f"room for {units:,.0f} more is left"
    words = f"{some} in {_month(free, month)}" + f", in overtime of {' and '.join(over)}" * bool(
        over
    )
    is_made_later = until < task.n_months
    cost = (slack.premium if is_made_later else slack.unit_cost)(free, route, month, until)
    if np.isfinite(owing) and cost >= owing:
        when = "more in time" if is_made_later else "there"
        words += f": a unit costs {cost:,.2f} {when}, owing it {owing:,.2f}"
    else:
        words += ": this way to supply does not use it"
    return over[0] if over else task.keys["location"].iat[task.route_item[route]], words


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
        return "cost", site, f"{site} keeps {spare:,.0f} in stock: this plan does not send it"
    cause, limit, chain = why(free, sender, left, until=until - lead, owing=owing)
    return cause, limit, f"{site} has none to send in {_month(free, left)}{_BACK}{chain}"
