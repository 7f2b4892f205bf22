"""Families first: a large portfolio planned as families, then shared among their items exactly.

``grouped`` adds items up to families, ``shared_out`` gives each family's plan back to its items so
that they last equally long. Where a portfolio is small enough, items are planned at once.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from sopkit.supply import issues, least_cost, plans, sites
from sopkit.supply.plans import Plan
from sopkit.supply.tasks import AXES, Task

MOST_CELLS = 60_000  # items at sites times months up to which items are planned at once
_HALVINGS = 60
_ALIKE = ("site", "lead_months", "frozen_months", "is_purchased", "is_service")


def codes(task: Task, family: np.ndarray) -> np.ndarray:
    """Code of each item's family, split where items of one are not supplied alike.

    Parameters
    ----------
    task : Task
        Of items.
    family : array (i,)
        Name of each item's family.

    Returns
    -------
    array (i,)
        Codes from 0 on, as ``grouped`` takes them.

    Examples
    --------
    >>> codes(Task(demand=[[1, 1, 1]], lead_months=[0, 0, 2]), ["Tents", "Tents", "Tents"]).tolist()
    [0, 0, 1]
    """
    marks = {name: getattr(task, name) for name in _ALIKE}
    to_order = np.isfinite(task.maximum_stock).any(axis=0)
    marks["supply"] = [limit.tobytes() for limit in np.isfinite(task.supply_limit).T]
    table = pd.DataFrame({"family": np.asarray(family, dtype="str"), "to_order": to_order, **marks})
    source = np.full(len(table), -1)
    for level in range(int(sites.depths(task.supplied_from).max(initial=0)) + 1):
        own = sites.depths(task.supplied_from) == level
        source[own] = np.where(level, source[task.supplied_from], -1)[own]
        marked = table.assign(source=source)[own]
        place = marked.groupby(list(marked.columns), sort=False, dropna=False).ngroup()
        source[own] = place.to_numpy() + source.max(initial=-1) + 1
    return pd.factorize(source)[0]


def grouped(task: Task, codes: np.ndarray) -> Task:
    """The same problem for families.

    Parameters
    ----------
    task : Task
        Of items. Only their usual routes are kept.
    codes : array (i,)
        Family of each item from 0 on; items of a family share site, source, lead and frozen months,
        and are all bought, all made or all services.

    Returns
    -------
    Task
        Of families, in the order of codes. Demand is what is left after each item's own stock and
        receipts, so that one item's surplus hides no other's shortage; stock is what is beyond
        that. Hours, materials, costs and weights are means weighted by that demand. What production
        takes of an item that is sold too is asked of its family.

    Raises
    ------
    ValueError
        If items of a family are not supplied alike.

    Notes
    -----
    Effective demand: Hax & Candea, Production and Inventory Management, hierarchical planning.

    Examples
    --------
    >>> task = Task(demand=[[5, 10], [5, 10]], opening=[7, 0], hours=[[1.0], [2.0]],
    ...     regular_hours=50)
    >>> family = grouped(task, [0, 0])
    >>> family.demand.ravel().tolist(), family.hours.round(2).tolist()
    ([10.0, 13.0], [[1.87]])
    """
    codes = np.asarray(codes)
    count, n_items = int(codes.max()) + 1, len(codes)
    first = np.array([int(np.argmax(codes == k)) for k in range(count)])
    for name in _ALIKE:
        value = getattr(task, name)
        if (value != value[first[codes]]).any():
            item = task.keys["item"].iloc[int(np.argmax(value != value[first[codes]]))]
            raise ValueError(f"{name} of {item} differs within its family; give it one of its own.")
    above = np.where(task.supplied_from >= 0, codes[task.supplied_from], -1)
    left, demand = _effective(task)
    weight = demand.sum(axis=0) + 1e-9
    share = np.zeros((n_items, count))
    share[np.arange(n_items), codes] = weight / np.bincount(codes, weight)[codes]
    member = share > 0
    sums = {
        "demand": demand,
        "in_work": task.in_work,
        "safety_stock": np.maximum(task.safety_stock - left, 0.0),
        "minimum_stock": np.maximum(task.minimum_stock - left, 0.0),
        "ending_stock": np.maximum(task.ending_stock - left[-1], 0.0),
        "minimum_sales": np.minimum(task.minimum_sales, demand),
    }
    values = {name: value @ member for name, value in sums.items()}
    for name in ("supply_limit", "subcontract_limit", "maximum_stock"):
        whole = np.where(np.isfinite(getattr(task, name)), getattr(task, name), 0.0) @ member
        values[name] = np.where((~np.isfinite(getattr(task, name))) @ member, np.inf, whole)
    for name, months in (("hours", "offset_months"), ("material_per", "material_offset")):
        per = getattr(task, name)[:n_items]
        values[name] = share.T @ per
        own = np.where(per > 0, getattr(task, months)[:n_items], 0)
        early = [own[codes == k].max(axis=0) for k in range(count)]
        values[months] = np.array(early).reshape(count, -1)
    linked = task.material_item
    values["material_item"] = np.where(linked >= 0, codes[linked], -1)
    for name, axes in AXES.items():
        if name in values or name in ("rate_group", "supplied_from", "route_item"):
            continue
        value = getattr(task, name)
        if axes == "i":
            values[name] = value[first]
        elif axes in ("ti", "tp"):
            known = np.isfinite(value[:, :n_items])
            filled = np.where(known, value[:, :n_items], 0.0) @ share
            values[name] = np.where(known @ member, filled, np.nan)
        elif axes == "pr":
            values[name] = share.T @ value[:n_items]
    values |= {
        "opening": 0.0,
        "receipts": 0.0,
        "committed": 0.0,
        "supplied_from": above[first],
        "route_item": None,
    }
    keys = task.keys.iloc[first].reset_index(drop=True)
    return replace(task, keys=keys, **values, **_rate_groups(task, codes, first, share))


def _rate_groups(task: Task, codes: np.ndarray, first: np.ndarray, share: np.ndarray) -> dict:
    """Rates of families: those of their items where they share one, else one a family."""
    own = task.rate_group
    names = ("previous_rate", "maximum_rate_change", "increase_cost", "decrease_cost")
    if (own == own[first[codes]]).all():
        used, group = np.unique(own[first], return_inverse=True)
        return {"rate_group": group} | {name: getattr(task, name)[used] for name in names}
    each = {name: getattr(task, name)[own] for name in names}  # of each item's own rate
    member = share > 0
    found = {}
    for name, value in each.items():
        part = share if name.endswith("_cost") else member
        found[name] = (np.where(member, value[:, None], 0.0) * part).sum(axis=0)
    return {"rate_group": np.arange(len(first))} | found


def _effective(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """What is left of each item's own stock and receipts, and the demand they do not meet."""
    there = task.opening + np.cumsum(task.receipts - task.committed - task.demand, axis=0)
    missing = np.maximum.accumulate(np.maximum(-there, 0.0), axis=0)
    return there + missing, np.diff(missing, axis=0, prepend=0.0)


def shared_out(family: Plan, task: Task, codes: np.ndarray) -> Plan:
    """A plan of families given to their items so that all of a family last equally long.

    Parameters
    ----------
    family : Plan
        Of ``grouped(task, codes)``.
    task : Task
        Of items.
    codes : array (i,)
        Family of each item.

    Returns
    -------
    Plan
        Each month's items add up to their family exactly; hours and materials of the items may be
        somewhat more or less than the family's means. Scrap is left out: what is beyond shelf life
        depends on the items.

    Notes
    -----
    Equal run-out times: Hax & Candea. Each month's quantity lifts the items that would run out
    first, up to one common number of months of demand (and of safety stock).

    Examples
    --------
    >>> task = Task(demand=[[10, 10], [10, 10]], opening=[12, 0])
    >>> family = Plan(made=[[8.0], [20.0]])
    >>> shared_out(family, task, [0, 0]).made.tolist()
    [[0.0, 8.0], [8.0, 12.0]]
    """
    codes, n_items = np.asarray(codes), len(task.keys)
    family = Plan(
        **{
            name: np.broadcast_to(getattr(family, name), (task.n_months, int(codes.max()) + 1))
            for name in ("made", "subcontract", "arrived", "lost")
        },
        workers=family.workers,
    )
    arrays = {
        name: np.zeros_like(task.demand) for name in ("made", "subcontract", "arrived", "lost")
    }
    depth, onward = sites.depths(task.supplied_from), task.committed + _used(family, task, codes)
    for level in range(int(depth.max(initial=0)), -1, -1):  # the farthest sites first
        own = np.flatnonzero(depth == level)
        wanted = (task.demand + onward)[:, own]
        tail = np.vstack([wanted, wanted[-1:]])
        ahead = np.concatenate([np.zeros((1, len(own))), np.cumsum(tail, axis=0)])
        stock, place = task.opening[own].copy(), codes[own]
        for t in range(task.n_months):
            stock += task.receipts[t, own]
            for name in ("made", "subcontract", "arrived"):
                total = getattr(family, name)[t]
                if total[place].any():
                    got = _lifted(
                        total, stock, ahead[t:] - ahead[t], task.safety_stock[t, own], place
                    )
                    arrays[name][t, own] = got
                    stock += got
            stock -= wanted[t]
            lost = family.lost[t]
            if lost[place].any():
                owed = np.maximum(-stock, 0.0)
                part = owed + 1e-9 * wanted[t]
                part = part * (lost / np.maximum(np.bincount(place, part, len(lost)), 1e-12))[place]
                arrays["lost"][t, own] = part
                stock += part
        arrived = np.zeros_like(task.demand)
        arrived[:, own] = arrays["arrived"][:, own]
        onward += plans.sent_on(task, arrived)
    made = np.zeros((task.n_months, len(task.route_item)))
    made[:, :n_items] = arrays.pop("made")
    return Plan(made, **arrays, workers=family.workers)


def _used(family: Plan, task: Task, codes: np.ndarray) -> np.ndarray:
    """Units (t, i) that production of families takes of items that are sold too."""
    if not (task.material_item >= 0).any():
        return np.zeros_like(task.demand)
    whole = grouped(task, codes)
    new = issues.new(whole, family.made, issues.parts(whole, family.made))
    return issues.of_items(task, issues.firm(task) + new)


def _lifted(
    total: np.ndarray, stock: np.ndarray, ahead: np.ndarray, safety: np.ndarray, place: np.ndarray
) -> np.ndarray:
    """Quantities that lift stock to one run-out time a family and add up to its total.

    ``ahead`` (m + 1, n) is demand summed from now on.
    """
    count, months = len(total), len(ahead) - 1

    def level(reach: np.ndarray) -> np.ndarray:
        at = np.clip(reach[place], 0.0, months)
        low = np.minimum(at.astype("int64"), months - 1)
        each = np.arange(len(place))
        demand = ahead[low, each] + (at - low) * (ahead[low + 1, each] - ahead[low, each])
        return np.maximum(demand + safety * np.minimum(at, 1.0) - stock, 0.0)

    short, far = np.zeros(count), np.full(count, float(months))
    for _ in range(_HALVINGS):
        middle = (short + far) / 2.0
        is_less = np.bincount(place, level(middle), count) < total
        short, far = np.where(is_less, middle, short), np.where(is_less, far, middle)
    got = level(far)
    found = np.bincount(place, got, count)
    # beyond all that is wanted the rest goes by demand; owed more than there is, by what is owed
    rest = np.maximum(total - found, 0.0)
    weight = ahead[-1] + 1e-9
    got = got + (rest / np.bincount(place, weight, count).clip(1e-12))[place] * weight
    got = got * np.where(found > total, total / np.maximum(found, 1e-12), 1.0)[place]
    # the last bit goes to the largest, so that the sum is exact
    for k in np.flatnonzero(np.bincount(place, minlength=count)):
        own = np.flatnonzero(place == k)
        largest = own[np.argmax(got[own])]
        got[largest] = max(total[k] - (got[own].sum() - got[largest]), 0.0)
    return got


def solve(task: Task, family: np.ndarray, *, near: Plan | None = None) -> Plan:
    """The plan of least cost by families, shared out among their items.

    Parameters
    ----------
    task : Task
        Of items.
    family : array (i,)
        Name of each item's family.
    near : Plan, optional
        Last plan of the items; no family is later for it.
    """
    place = codes(task, family)
    if near is not None:
        last = near.made[:, : len(place)]
        summed = np.zeros((task.n_months, int(place.max()) + 1))
        np.add.at(summed, (slice(None), place), np.nan_to_num(last))
        is_known = np.isfinite(last).any(axis=1)[:, None]
        near = Plan(np.where(is_known, summed, np.nan))
    return shared_out(least_cost.solve(grouped(task, place), near=near), task, place)
