"""Ways to supply a demand plan: chase, level, hybrid, least cost; and how they compare in money.

Chase follows demand; level makes the same every month; hybrid keeps a rate for a quarter; least
cost weighs all against each other (``least_cost``). All answer a ``tasks.Task`` with a ``Plan`` and
respect hours, materials, lead and frozen months and what is already on its way. What they do not
allow is made by others where that has a price (not in level), else later: stock below zero is
backlog.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from sopkit.supply import families, issues, least_cost, plans, sites
from sopkit.supply.plans import Plan
from sopkit.supply.tasks import Task

NAMES = ("chase", "level", "hybrid", "least cost")
BLOCK_MONTHS = 3  # hybrid changes its rate once a quarter


def plan(
    task: Task,
    strategy: str,
    *,
    near: Plan | None = None,
    family: np.ndarray | None = None,
    whole: Iterable[str] = (),
    is_limited: bool = True,
) -> Plan:
    """Supply by one strategy.

    Parameters
    ----------
    task : Task
        The problem.
    strategy : str
        ``chase``, ``level``, ``hybrid`` or ``least cost``.
    near : Plan, optional
        Last plan, to which least cost stays near (``least_cost.Session``).
    family : array (i,), optional
        Name of each item's family: with more than ``families.MOST_CELLS`` items and months, least
        cost plans families first.
    whole : iterable of str
        What least cost decides in whole numbers, of ``least_cost.WHOLE``.
    is_limited : bool
        False plans as if hours and materials were without limit (not for least cost).

    Raises
    ------
    ValueError
        If the strategy is unknown.

    Examples
    --------
    >>> task = Task(demand=[20, 30, 20, 10], opening=15, safety_stock=5)
    >>> plan(task, "chase").made.ravel().tolist(), plan(task, "level").made.ravel().tolist()
    ([10.0, 30.0, 20.0, 10.0], [17.5, 17.5, 17.5, 17.5])
    """
    if strategy not in NAMES:
        raise ValueError(f"strategy {strategy!r} is unknown. Choose one of {', '.join(NAMES)}.")
    if strategy == "least cost":
        if family is not None and task.demand.size > families.MOST_CELLS:
            return families.solve(task, family, near=near)
        return least_cost.solve(task, whole=whole, near=near)
    use, order = np.zeros((task.n_months, len(task.materials))), issues.depth(task)
    for _ in range(int(order.max(initial=0))):  # what items sold too must give, level by level
        use = _Walk(task, strategy, use, order, is_limited=False).use()
    return _Walk(task, strategy, use, order, is_limited=is_limited).plan()


class _Walk:
    """One strategy, month by month: what is wanted, what hours allow, what is sent on.

    ``use`` (t, m) is what production will want of items that are sold too: what is there of it is
    set aside in its month, as for a site that is supplied from here. ``order`` (i,) is how deep
    each item stands in its bill of materials: what is used comes first.
    """

    def __init__(
        self, task: Task, strategy: str, use: np.ndarray, order: np.ndarray, *, is_limited: bool
    ):
        self.task, self.strategy, self.is_limited = task, strategy, is_limited
        self.parent, self.fed = task.supplied_from, np.flatnonzero(task.supplied_from >= 0)
        self.depth = sites.depths(self.parent)
        self.leave = np.zeros_like(task.demand)  # what each fed item wants sent, by month it leaves
        self.linked = np.flatnonzero(task.material_item >= 0)
        self.wish, self.firm = use, issues.of_items(task, issues.firm(task))
        # the same at the site that sends it
        self.onward = task.committed + self.firm + issues.of_items(task, use)
        for depth in range(int(self.depth.max(initial=0)), 0, -1):
            for item in np.flatnonzero(self.depth == depth):
                lead = task.lead_months[item]
                self.leave[: max(task.n_months - lead, 0), item] = self._ordered(item)[lead:]
                self.onward[:, self.parent[item]] += self.leave[:, item]
        most = np.where(np.isfinite(task.maximum_workers), task.maximum_workers, 1e12)
        workers = np.where(task.is_staffed, most, np.nan)
        self.room = plans.regular_hours(task, workers) + plans.overtime_limit(task, workers)
        empty = np.zeros((task.n_months, len(task.route_item)))
        self.room = np.maximum(self.room - plans.load_hours(task, empty), 0.0)
        there = np.where(task.material_item < 0, issues.free(task), 0.0)
        self.there = np.cumsum(there, axis=0)  # of materials, what new production may take
        self.order, self.is_scarce = order, bool(len(task.materials))
        self.tiers = _tiers(task.route_item)
        self.offsets = np.unique(task.offset_months[task.hours > 0])

    def plan(self) -> Plan:
        task = self.task
        arrays = {n: np.zeros_like(task.demand) for n in ("subcontract", "arrived", "lost")}
        made = np.zeros((task.n_months, len(task.route_item)))
        rate, stock = self._rates(), task.opening.copy()
        late, unsent = np.zeros_like(stock), np.zeros_like(stock)
        self.short = np.zeros(len(task.materials))  # wished for and not set aside
        first = task.first_month[: len(stock)]
        for t in range(task.n_months):  # stock carries over from month to month
            need = task.demand[t] + self.onward[t] - task.receipts[t] - stock
            np.add.at(need, self.parent[self.fed], unsent[self.fed])
            np.add.at(need, task.material_item[self.linked], self.short[self.linked])
            wanted = need + np.maximum(task.safety_stock[t], task.minimum_stock[t])
            if t == task.n_months - 1:
                wanted = np.maximum(wanted, need + task.ending_stock)
            if rate is not None:
                wanted = np.where(self._follows(), wanted, rate[t] + late)
            wanted = np.minimum(wanted, need + task.maximum_stock[t])
            is_open = (t >= first) & (self.parent < 0)
            wanted = np.where(is_open, np.maximum(wanted, 0.0), 0.0)
            stock = stock + task.receipts[t] + arrays["arrived"][t]
            stock = stock - task.committed[t] - self.firm[t]
            for depth in range(int(self.order.max(initial=0)), -1, -1):  # what is used comes first
                here = self.order == depth
                made[t] += self._within(t, np.where(here, wanted, 0.0))
                own = plans.by_item(task, made[t][None])[0]
                helped = self._by_others(t, np.where(here, wanted - own, 0.0))
                arrays["subcontract"][t] += helped
                stock = stock + np.where(here, own, 0.0) + helped
                stock = self._set_aside(t, depth, stock, unsent)
            late = wanted - own - arrays["subcontract"][t]
            stock, unsent = self._send(t, stock, unsent, arrays["arrived"])
            is_lost = task.is_loss_allowed & ~task.is_backlog_allowed & (stock < 0)
            arrays["lost"][t] = np.where(is_lost, np.minimum(-stock, task.demand[t]), 0.0)
            stock = stock + arrays["lost"][t]
        load = plans.load_hours(task, made)
        return Plan(made, **arrays, workers=self._workers(load))

    def use(self) -> np.ndarray:
        """What the plan takes of each material (t, m)."""
        made = self.plan().made
        return issues.new(self.task, made, issues.parts(self.task, made))

    def _set_aside(self, t: int, depth: int, stock: np.ndarray, unsent: np.ndarray) -> np.ndarray:
        """What production may take of items sold too; one share for it, customers and sites."""
        item = self.task.material_item
        chosen = self.linked[self.order[item[self.linked]] == depth]
        if not depth or not len(chosen):
            return stock
        owed = np.maximum(self.task.demand[t] + np.maximum(-stock, 0.0), 0.0)
        np.add.at(owed, self.parent[self.fed], (self.leave[t] + unsent)[self.fed])
        due = self.wish[t] + self.short
        asked = owed + issues.of_items(self.task, due[None])[0]
        share = np.minimum(np.maximum(stock, 0.0) / np.maximum(asked, 1e-12), 1.0)
        kept = due[chosen] * share[item[chosen]]
        self.short[chosen] = due[chosen] - kept
        self.there[t:, chosen] += kept
        given = np.zeros_like(due)
        given[chosen] = kept
        return stock - issues.of_items(self.task, given[None])[0]

    def _follows(self) -> np.ndarray:
        """What cannot be made ahead follows demand in any strategy: services, made to order."""
        return self.task.is_service | (self.task.maximum_stock <= 0).any(axis=0)

    def _ordered(self, item: int) -> np.ndarray:
        """What a fed item needs to arrive, month by month, to end at the stock aimed for."""
        task, arrived = self.task, np.zeros(self.task.n_months)
        stock, aim = task.opening[item], np.maximum(task.safety_stock, task.minimum_stock)[:, item]
        aim[-1] = max(aim[-1], task.ending_stock[item])
        wanted = task.demand[:, item] + self.onward[:, item] - task.receipts[:, item]
        for t in range(task.n_months):
            if t >= max(task.lead_months[item], task.frozen_months[item]):
                arrived[t] = max(wanted[t] + aim[t] - stock, 0.0)
            stock += arrived[t] - wanted[t]
        return arrived

    def _rates(self) -> np.ndarray | None:
        task = self.task
        demand = task.demand + self.onward
        if self.strategy == "level":
            return level_rates(task, demand)
        if self.strategy == "hybrid":
            return _block_rates(task, demand)
        return None

    def _within(self, t: int, wanted: np.ndarray) -> np.ndarray:
        """What hours and materials allow of what is wanted, by route; the usual routes first.

        A resource short of hours, and a material, cuts all its items by the same share.
        """
        task, rest = self.task, np.minimum(wanted, self.task.supply_limit[t])
        made = np.zeros(len(task.route_item))
        for tier in self.tiers:
            asked = rest[task.route_item[tier]]
            hours, offset = task.hours[tier], task.offset_months[tier]
            share = np.ones_like(hours)
            if self.is_limited:
                for k in self.offsets:
                    uses = (offset == k) & (hours > 0)
                    load = asked @ np.where(uses, hours, 0.0)
                    room = self.room[t - k] if t >= k else np.zeros_like(load)
                    short = np.where(load > room, room / np.where(load > 0, load, 1.0), 1.0)
                    share = np.where(uses, np.minimum(share, short), share)
            made[tier] = asked * share.min(axis=1, initial=1.0)
            if self.is_limited and self.is_scarce:
                made[tier] *= self._supplied(t, tier, made[tier])
            for k in self.offsets[self.offsets <= t]:
                self.room[t - k] -= made[tier] @ np.where(offset == k, hours, 0.0)
            np.maximum(self.room, 0.0, out=self.room)
            rest[task.route_item[tier]] -= made[tier]
        return made

    def _supplied(self, t: int, tier: np.ndarray, asked: np.ndarray) -> np.ndarray:
        """The share of what routes are asked for in a month that materials allow; taken at once."""
        task, every = self.task, np.zeros((self.task.n_months, len(self.task.route_item)))
        every[t, tier] = asked
        none = np.zeros((task.n_months, len(task.materials)))
        share = issues.shares(task, issues.new(task, every, none), self.there)
        takes = task.material_per[tier] > 0
        share = np.where(takes, share, 1.0).min(axis=1, initial=1.0)
        every[t, tier] = asked * share
        need, parts = issues.exploded(task, issues.new(task, every, none), self.there)
        self.there += np.cumsum(parts - need, axis=0)
        return share

    def _by_others(self, t: int, rest: np.ndarray) -> np.ndarray:
        task = self.task
        can = np.isfinite(task.subcontract_cost[t]) & (self.strategy != "level") & (self.parent < 0)
        can &= (t >= np.maximum(task.lead_months, task.frozen_months)) & self.is_limited
        return np.where(can, np.minimum(np.maximum(rest, 0.0), task.subcontract_limit[t]), 0.0)

    def _send(
        self, t: int, stock: np.ndarray, unsent: np.ndarray, arrived: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Deliver and send on; a site that is short serves customers and sites by one share."""
        task = self.task
        for depth in range(int(self.depth.max(initial=0)) + 1):
            children = self.fed[self.depth[self.fed] == depth + 1]
            due = self.leave[t, children] + unsent[children]
            asked = np.zeros_like(stock)
            np.add.at(asked, self.parent[children], due)
            owed = np.maximum(task.demand[t] + np.maximum(-stock, 0.0), 0.0)
            pool = np.maximum(stock, 0.0)
            share = np.minimum(pool / np.maximum(owed + asked, 1e-12), 1.0)
            sent = due * share[self.parent[children]]
            unsent[children] = due - sent
            np.subtract.at(stock, self.parent[children], sent)
            for child, amount in zip(children, sent, strict=True):
                when = t + task.lead_months[child]
                if when == t:
                    stock[child] += amount
                if when < task.n_months:
                    arrived[when, child] += amount
        return stock - task.demand[t], unsent

    def _workers(self, load: np.ndarray) -> np.ndarray:
        task = self.task
        how = {"chase": 1, "hybrid": BLOCK_MONTHS, "level": task.n_months}[self.strategy]
        wanted = workforce(load, task.hours_per_worker, block_months=how)
        full = task.hours_per_worker + task.overtime_per_worker  # overtime has a limit too
        beyond = np.maximum(load - task.overtime_hours, 0.0) / np.where(full > 0, full, 1.0)
        wanted = np.maximum(wanted, beyond)
        wanted = np.clip(wanted, task.minimum_workers, task.maximum_workers)
        return np.where(task.is_staffed, wanted, task.workers)


def _tiers(route_item: np.ndarray) -> list[np.ndarray]:
    """Routes in the order in which they are tried: every item's usual one, then its next."""
    rank = pd.Series(route_item).groupby(route_item).cumcount().to_numpy()
    return [np.flatnonzero(rank == k) for k in range(int(rank.max(initial=0)) + 1)]


def level_rates(task: Task, demand: np.ndarray | None = None) -> np.ndarray:
    """Units (t, i) of a level plan: one rate a working day that ends at the stock aimed for.

    (total demand + ending stock − opening stock − receipts) / days of production, from the first
    month in which an order can arrive to the item's last month of demand.

    Notes
    -----
    Source: Arnold, Chapman & Clive, Introduction to Materials Management, level production plan.

    Examples
    --------
    >>> fish = Task(demand=[110, 120, 130, 120, 120], opening=100, ending_stock=80)
    >>> level_rates(fish).ravel().tolist()
    [116.0, 116.0, 116.0, 116.0, 116.0]
    """
    demand = task.demand if demand is None else demand
    t = np.arange(task.n_months)[:, None]
    last = np.where(demand > 0, t, -1).max(axis=0)
    is_open = (t >= task.first_month[: demand.shape[1]]) & (t <= last)
    days = np.where(is_open, task.working_days[:, None], 0.0)
    ending = task.safety_stock[-1]
    ending = np.where(task.ending_stock > 0, np.maximum(ending, task.ending_stock), ending)
    need = demand.sum(axis=0) + ending - task.opening - task.receipts.sum(axis=0)
    total = days.sum(axis=0)
    return np.maximum(need, 0.0) * days / np.where(total > 0, total, 1.0)


def _block_rates(task: Task, demand: np.ndarray) -> np.ndarray:
    """Units (t, i) that keep one rate a working day in each quarter without falling short in it."""
    rate, stock = np.zeros_like(demand), task.opening.copy()
    first, count = task.first_month[: demand.shape[1]], task.n_months
    for start in range(0, count, BLOCK_MONTHS):
        own = slice(start, min(start + BLOCK_MONTHS, count))
        t = np.arange(count)[own, None]
        days = np.where(t >= first, task.working_days[own, None], 0.0)
        due = np.cumsum(demand[own] - task.receipts[own], axis=0) + task.safety_stock[own] - stock
        if own.stop == count:
            due[-1] += np.maximum(task.ending_stock - task.safety_stock[-1], 0.0)
        passed = np.cumsum(days, axis=0)
        a_day = np.where(passed > 0, due / np.where(passed > 0, passed, 1.0), 0.0).max(axis=0)
        rate[own] = np.maximum(a_day, 0.0) * days
        stock = stock + (rate[own] + task.receipts[own] - demand[own]).sum(axis=0)
    return rate


def workforce(
    hours: np.ndarray, hours_per_worker: np.ndarray, *, block_months: int, crew_size: float = 0.0
) -> np.ndarray:
    """Fewest workers, the same within each block of months, whose regular hours do the work.

    Parameters
    ----------
    hours : array (t, r)
        Hours to work in each month; they may be worked earlier in the same block.
    hours_per_worker : array (t, r)
        Regular hours of a worker.
    block_months : int
        Months between changes: 1 chases, all months keep the workforce constant.
    crew_size : float
        Workers come in multiples of it; 0: fractions are allowed, 1: whole workers.

    Returns
    -------
    array (t, r)
        Workers.

    Notes
    -----
    Source: Nahmias, Production and Operations Analysis, ch. 3: the constant workforce is the
    largest ratio of cumulative requirements to cumulative units a worker.

    Examples
    --------
    >>> workforce([[300.0], [500.0], [100.0]], np.full((3, 1), 160.0), block_months=3, crew_size=1)
    array([[3.],
           [3.],
           [3.]])
    """
    hours = np.asarray(hours, dtype="float64")
    per = np.broadcast_to(np.asarray(hours_per_worker, dtype="float64"), hours.shape)
    workers = np.zeros_like(hours)
    for start in range(0, len(hours), block_months):
        own = slice(start, start + block_months)
        worked = np.cumsum(per[own], axis=0)
        ratio = np.cumsum(hours[own], axis=0) / np.where(worked > 0, worked, np.inf)
        workers[own] = ratio.max(axis=0)
    return np.ceil(workers / crew_size - 1e-9) * crew_size if crew_size else workers


def by_month(plans: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Table ``strategy_months``: supply, demand and closing stock of each plan, summed by month."""
    parts = [
        plan.groupby("month", as_index=False)[["supply", "demand", "closing"]]
        .sum()
        .assign(strategy=name)
        for name, plan in plans.items()
    ]
    table = pd.concat(parts, ignore_index=True)
    return table[["strategy", "month", "supply", "demand", "closing"]]


def break_even(costs: pd.DataFrame) -> pd.DataFrame:
    """When the cheapest way would stop being the cheapest, by one kind of cost changing alone.

    Parameters
    ----------
    costs : DataFrame
        Table `production_strategies`: ``strategy``, ``cost_kind``, ``amount_value``.

    Returns
    -------
    DataFrame
        ``strategy`` (the cheapest), ``other`` (the way that would overtake it), ``cost_kind``,
        ``factor`` (times today's rate at which both cost the same, above or below 1), nearest to 1
        first. A way that stays as it is while rates change: least cost would only get better.

    Examples
    --------
    >>> sheet = [("level", "holding", 100.0), ("level", "rate changes", 0.0)]
    >>> sheet += [("chase", "holding", 20.0), ("chase", "rate changes", 120.0)]
    >>> names = ["strategy", "cost_kind", "amount_value"]
    >>> break_even(pd.DataFrame(sheet, columns=names)).round(3).values.tolist()
    [['level', 'chase', 'rate changes', 0.667], ['level', 'chase', 'holding', 1.5]]
    """
    wide = costs.pivot_table("amount_value", "cost_kind", "strategy", aggfunc="sum").fillna(0.0)
    columns = ["strategy", "other", "cost_kind", "factor"]
    if wide.shape[1] < 2:
        return pd.DataFrame(columns=columns).astype({"factor": "float64"})
    best, rows = wide.sum().idxmin(), []
    for other in wide.columns.drop(best):
        lead = wide[other].sum() - wide[best].sum()
        for kind, gap in (wide[best] - wide[other]).items():
            factor = 1.0 + lead / gap if abs(gap) > 1e-9 else -1.0
            if factor > 1e-6:
                rows.append((best, other, kind, factor))
    table = pd.DataFrame(rows, columns=columns).astype({"factor": "float64"})
    near = np.abs(np.log(table["factor"].clip(lower=1e-9)))
    return table.assign(near=near).sort_values(["near", "other", "cost_kind"], ignore_index=True)[
        columns
    ]
