"""The linear or mixed-integer programme of a task: its columns, rows and coefficients.

Columns are arrays over months and items, routes, resources or groups; −1 marks one that is not
there. ``least_cost`` hands the programme to HiGHS and reads the plan from it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.sparse import csc_matrix

from sopkit.supply import issues, plans, sites
from sopkit.supply.tasks import Task

MATRIX = (  # what stands in the matrix; anything else changes bounds and costs alone
    "hours offset_months setup_hours route_item supplied_from lead_months rate_group working_days "
    "attrition_rate hours_per_worker overtime_per_worker crew_size workers is_purchased site "
    "lot_size setup_cost increase_cost decrease_cost maximum_rate_change safety_stock "
    "shelf_life_months storage_limit is_loss_allowed subcontract_cost material_per material_offset "
    "material_item part_per part_offset part_lead is_scarce"
).split()


class Model:
    """Columns and rows as they are added; the matrix is only gathered where it is wanted."""

    def __init__(self, has_matrix: bool = True):
        self.at: dict[str, np.ndarray] = {}
        self.rows: dict[str, np.ndarray] = {}
        self.lower, self.upper, self.cost = [], [], []
        self.row_lower, self.row_upper = [], []
        self.n_columns, self.n_rows = 0, 0
        self.whole: list[np.ndarray] = []
        self.has_matrix, self.entries = has_matrix, []

    def column(self, name: str, shape: tuple, lower=0.0, upper=np.inf, cost=0.0, *, whole=False):
        """Add columns; returns their positions in the shape given."""
        index = np.arange(np.prod(shape, dtype=int)).reshape(shape) + self.n_columns
        self.n_columns += index.size
        values = (self.lower, lower), (self.upper, upper), (self.cost, np.nan_to_num(cost))
        for into, value in values:
            into.append(np.broadcast_to(value, shape).ravel())
        if whole:
            self.whole.append(index.ravel())
        self.at[name] = index
        return index

    def row(self, name: str, shape: tuple, lower, upper):
        """Add rows; returns their positions in the shape given."""
        index = np.arange(np.prod(shape, dtype=int)).reshape(shape) + self.n_rows
        self.n_rows += index.size
        self.row_lower.append(np.broadcast_to(lower, shape).ravel())
        self.row_upper.append(np.broadcast_to(upper, shape).ravel())
        self.rows[name] = index
        return index

    def put(self, rows: np.ndarray, columns: np.ndarray, value) -> None:
        """Coefficients; a row or column below zero, or a coefficient of zero, is left out."""
        if self.has_matrix:
            rows, columns, value = np.broadcast_arrays(rows, columns, value)
            keep = (rows >= 0) & (columns >= 0) & (value != 0)
            self.entries.append((rows[keep], columns[keep], value[keep]))

    def vectors(self) -> dict[str, np.ndarray]:
        """Costs and bounds, by name."""
        names = ("lower", "upper", "cost", "row_lower", "row_upper")
        return {name: np.concatenate([np.zeros(0), *getattr(self, name)]) for name in names}

    def matrix(self) -> csc_matrix:
        """Coefficients, rows by columns."""
        rows, columns, values = (np.concatenate(part) for part in zip(*self.entries, strict=True))
        return csc_matrix((values, (rows, columns)), shape=(self.n_rows, self.n_columns))


def _before(index: np.ndarray) -> np.ndarray:
    """The same columns a month earlier; −1 before the first."""
    return np.vstack([np.full_like(index[:1], -1), index[:-1]])


def build(task: Task, whole: Iterable[str], near: np.ndarray | None, has_matrix: bool) -> Model:
    """The programme of a task.

    Parameters
    ----------
    task : Task
        The problem.
    whole : iterable of str
        What is counted in whole numbers, of ``least_cost.WHOLE``.
    near : array (t, p), optional
        Units of the last plan, missing where it had none.
    has_matrix : bool
        False leaves the coefficients out, where bounds and costs alone are wanted.
    """
    m = Model(has_matrix)
    t = np.arange(task.n_months)[:, None]
    made = _supply(m, task, t, near)
    _stock(m, task)
    _balance(m, task, t)
    _materials(m, task, t)
    _hours(m, task, t, "workers" in whole)
    _rates(m, task)
    if "lots" in whole and (task.lot_size > 0).any():
        lots = np.where(task.lot_size > 0, task.lot_size, np.nan)[task.route_item]
        is_lot = np.isfinite(lots)
        count = m.column("lots", (task.n_months, int(is_lot.sum())), whole=True)
        rows = m.row("lots", count.shape, 0.0, 0.0)
        m.put(rows, made[:, is_lot], 1.0)
        m.put(rows, count, -lots[is_lot])
    if "set-ups" in whole:
        _setups(m, task, "lots" in whole)
    return m


def _supply(m: Model, task: Task, t: np.ndarray, near: np.ndarray | None) -> np.ndarray:
    """What is made, bought, made by others, sent between sites."""
    count, item = task.n_months, task.route_item
    is_bought, is_fed = task.is_purchased[item], (task.supplied_from >= 0)
    is_open = (t >= task.first_month) & ~is_fed[item]
    unit = np.where(is_bought, task.purchase_cost[:, item], task.material_cost)
    most = np.where(is_open, task.supply_limit[:, item], 0.0)
    made = m.column("made", (count, len(item)), 0.0, most, unit)
    shared = np.unique(item[len(task.keys) :])
    if len(shared):  # all ways to make an item keep its one limit
        place = np.full(len(task.keys), -1)
        place[shared] = np.arange(len(shared))
        rows = m.row("supply limit", (count, len(shared)), -np.inf, task.supply_limit[:, shared])
        m.put(np.where(place[item] >= 0, rows[:, place[item]], -1), made, 1.0)
    # who makes for others needs no hours of ours, and as long as we do
    can = np.isfinite(task.subcontract_cost) & ~is_fed
    can &= t >= np.maximum(task.lead_months, task.frozen_months)
    chosen = np.flatnonzero(np.isfinite(task.subcontract_cost).any(axis=0))
    index = np.full((count, len(task.keys)), -1)
    limit = np.where(can, task.subcontract_limit, 0.0)[:, chosen]
    cost = task.subcontract_cost[:, chosen]
    index[:, chosen] = m.column("subcontracted", (count, len(chosen)), 0.0, limit, cost)
    m.at["subcontract"] = index
    fed = np.flatnonzero(is_fed)
    arrives = t >= np.maximum(task.lead_months, task.frozen_months)[fed]
    index = np.full((count, len(task.keys)), -1)
    limit = np.where(arrives, task.supply_limit[:, fed], 0.0)
    index[:, fed] = m.column("sent", (count, len(fed)), 0.0, limit, task.transfer_cost[fed])
    m.at["arrived"] = index
    if near is not None:  # how far from the last plan
        known = np.isfinite(near)
        more, less = (m.column(name, near.shape, 0.0, np.inf) for name in ("more", "less"))
        wanted = np.where(known, near, 0.0)
        rows = m.row(
            "near", near.shape, np.where(known, wanted, -np.inf), np.where(known, wanted, np.inf)
        )
        m.put(rows, made, 1.0)
        m.put(rows, more, -1.0)
        m.put(rows, less, 1.0)
    return made


def _stock(m: Model, task: Task) -> None:
    """Stock, backlog, lost sales and scrap, with their limits and costs.

    Stock is in two columns, up to safety stock and beyond it: a unit of the first saves what being
    below safety stock weighs, so it fills first and needs no rows of its own.
    """
    shape, last = task.demand.shape, task.n_months - 1
    hold = np.nan_to_num(task.holding_cost)
    if task.is_average_stock:  # half of each month's closing stock, half of the next one's opening
        hold = (hold + np.vstack([hold[1:], np.zeros_like(hold[:1])])) / 2.0
    least, most = task.minimum_stock.copy(), np.minimum(task.maximum_stock, _sellable(task))
    least[last] = np.maximum(least[last], task.ending_stock)
    owe = np.nan_to_num(task.backlog_cost)
    wanted = np.flatnonzero((task.safety_stock > 0).any(axis=0))
    owe += np.where(np.isin(np.arange(shape[1]), wanted), _below(task), 0.0)
    owe[last] += np.where(np.isin(np.arange(shape[1]), wanted), 0.0, task.ending_cost)
    safe = np.maximum(task.safety_stock, 0.0)
    owed = np.where(task.is_backlog_allowed, np.inf, np.zeros(shape))
    owed[last, task.is_backlog_cleared] = 0.0
    owed = np.where(least > 0, 0.0, owed)  # what must be there is not owed at the same time
    m.column("stock", shape, np.maximum(least - safe, 0.0), np.maximum(most - safe, 0.0), hold)
    low = np.full(shape, -1)
    bounds = (np.minimum(least, safe)[:, wanted], np.minimum(most, safe)[:, wanted])
    size, saved = (shape[0], len(wanted)), (hold - _below(task))[:, wanted]
    low[:, wanted] = m.column("any safe", size, *bounds, saved)
    m.at["safe"] = low
    m.column("backlog", shape, 0.0, owed, owe)
    for name, chosen, limit, cost in (
        ("lost", task.is_loss_allowed, task.demand - task.minimum_sales, task.lost_sale_cost),
        ("scrap", np.isfinite(task.shelf_life_months), None, 0.0),
    ):
        which, index = np.flatnonzero(chosen), np.full(shape, -1)
        limit = np.inf if limit is None else np.maximum(limit, 0.0)[:, which]
        if name == "lost":
            cost = (np.nan_to_num(cost) + np.nan_to_num(task.price))[:, which]
        index[:, which] = m.column(f"any {name}", (shape[0], len(which)), 0.0, limit, cost)
        m.at[name] = index
    limited = np.unique(task.site[np.isfinite(task.storage_limit)])
    if len(limited):
        limit = np.array([task.storage_limit[task.site == site].min() for site in limited])
        idle = task.opening + np.cumsum(task.receipts - task.committed - task.demand, axis=0)
        there = [np.maximum(idle[:, task.site == site], 0.0).sum(axis=1) for site in limited]
        limit = np.maximum(limit, np.array(there).T)  # what is there or firm must stand somewhere
        rows = m.row("storage", (shape[0], len(limited)), -np.inf, limit)
        for k, site in enumerate(limited):
            for name in ("stock", "safe"):
                m.put(rows[:, [k]], m.at[name][:, task.site == site], 1.0)


def _below(task: Task) -> np.ndarray:
    """Weight (t, i) of a unit below safety stock, more at the end."""
    weight = task.below_safety_cost.copy()
    weight[-1] += task.ending_cost
    return weight


def _sellable(task: Task) -> np.ndarray:
    """Most stock that can sell within its shelf life, here or at the sites supplied from here.

    Past the horizon demand stays as in its last months.
    """
    most = np.full(task.demand.shape, np.inf)
    lives = np.where(np.isfinite(task.shelf_life_months), task.shelf_life_months, 0).astype(int)
    if not np.isfinite(task.shelf_life_months).any():
        return most
    extra = int(lives.max()) + int(task.lead_months.max())
    tails = [task.demand[-max(life, 1) :, item].mean() for item, life in enumerate(lives)]
    wanted = np.vstack([task.demand, np.tile(tails, (extra, 1))])
    for item in np.argsort(-sites.depths(task.supplied_from), kind="stable"):
        if task.supplied_from[item] >= 0:  # what is wanted there leaves here the lead before
            later = np.minimum(np.arange(len(wanted)) + task.lead_months[item], len(wanted) - 1)
            wanted[:, task.supplied_from[item]] += wanted[later, item]
    total = np.cumsum(np.vstack([np.zeros(len(lives)), wanted]), axis=0)
    for item in np.flatnonzero(np.isfinite(task.shelf_life_months)):
        first = np.arange(1, task.n_months + 1)
        most[:, item] = total[first + lives[item], item] - total[first, item]
    return most


def _balance(m: Model, task: Task, t: np.ndarray) -> None:
    """Opening + supply − demand = closing, for each item of each site."""
    committed = task.committed + issues.of_items(task, issues.firm(task))
    due = task.demand + committed - task.receipts
    due = due - np.where(t == 0, task.opening, 0.0)
    rows = m.row("balance", task.demand.shape, due, due)
    stock, safe, backlog = (m.at[name] for name in ("stock", "safe", "backlog"))
    for columns, sign in (
        (stock, -1.0),
        (_before(stock), 1.0),
        (safe, -1.0),
        (_before(safe), 1.0),
        (backlog, 1.0),
        (_before(backlog), -1.0),
        (m.at["subcontract"], 1.0),
        (m.at["arrived"], 1.0),
        (m.at["lost"], 1.0),
        (m.at["scrap"], -1.0),
    ):
        m.put(rows, columns, sign)
    m.put(rows[:, task.route_item], m.at["made"], 1.0)
    fed = np.flatnonzero(task.supplied_from >= 0)
    left = t - task.lead_months[fed]  # what arrives in t left the other site then
    leaving = np.where(left >= 0, rows[np.maximum(left, 0), task.supplied_from[fed]], -1)
    m.put(leaving, m.at["arrived"][:, fed], -1.0)
    used = task.material_item[task.material_item >= 0]
    senders = np.unique(np.append(task.supplied_from[fed], used))
    if len(senders):  # what is sent on is there: backlog only grows by what customers ask for
        asked = task.demand + committed + np.where(t == 0, np.maximum(-task.opening, 0.0), 0.0)
        rows = m.row("owed", (task.n_months, len(senders)), -np.inf, asked[:, senders])
        m.put(rows, backlog[:, senders], 1.0)
        m.put(rows, _before(backlog)[:, senders], -1.0)
        m.put(rows, m.at["lost"][:, senders], 1.0)


def _materials(m: Model, task: Task, t: np.ndarray) -> None:
    """What is left of each material, and made of parts; items sold too give from their stock."""
    is_scarce, shape = task.is_scarce, task.is_scarce.shape
    rows, left, made = (np.full(shape, -1) for _ in range(3))
    comes = -issues.free(task)[is_scarce]
    rows[is_scarce] = m.row("materials", comes.shape, comes, comes)
    left[is_scarce] = m.column("any left", comes.shape)
    is_open = is_scarce & issues.is_part(task) & (t >= task.part_lead)
    made[is_open] = m.column("any parts", (int(is_open.sum()),))
    m.at["parts"] = made
    m.put(rows, left, -1.0)
    m.put(rows, _before(left), 1.0)
    m.put(rows, made, 1.0)
    linked = task.material_item >= 0
    rows[:, linked] = m.rows["balance"][:, task.material_item[linked]]
    for columns, per, offset in (
        (m.at["made"], task.material_per, task.material_offset),
        (made, task.part_per, task.part_offset),
    ):
        maker, material = np.nonzero(per)
        when = np.maximum(t - offset[maker, material], 0)
        m.put(rows[when, material], columns[:, maker], -per[maker, material])


def _hours(m: Model, task: Task, t: np.ndarray, is_whole: bool) -> None:
    """Hours worked in regular time and overtime, and the workforce."""
    shape = (task.n_months, task.hours.shape[1])
    staffed = np.flatnonzero(task.is_staffed)
    fixed = plans.load_hours(task, np.zeros((task.n_months, len(task.route_item))))
    regular = np.where(task.is_staffed, np.inf, task.regular_hours)
    least = np.where(task.is_idle_allowed | task.is_staffed, 0.0, task.regular_hours)
    wage = np.nan_to_num(task.regular_cost)
    worked = m.column("regular", shape, least, regular, np.where(task.is_idle_paid, 0.0, wage))
    beyond = np.maximum(fixed - task.regular_hours, task.overtime_hours)  # firm work is worked
    limit = np.where(task.is_staffed, np.inf, beyond)
    over = m.column("overtime", shape, 0.0, limit, task.overtime_rate)
    rows = m.row("load", shape, -fixed, -fixed)
    m.put(rows, worked, -1.0)
    m.put(rows, over, -1.0)
    route, resource = np.nonzero(task.hours)
    when = t - task.offset_months[route, resource]
    at = np.where(when >= 0, rows[np.maximum(when, 0), resource], -1)
    m.put(at, m.at["made"][:, route], task.hours[route, resource])
    if not len(staffed):
        return
    size = (task.n_months, len(staffed))
    per, crew = task.hours_per_worker[:, staffed], task.crew_size[staffed]
    bounds = (task.minimum_workers[:, staffed] / crew, task.maximum_workers[:, staffed] / crew)
    pay = np.where(task.is_idle_paid[staffed], wage[:, staffed] * per * crew, 0.0)
    crews = m.column("crews", size, *bounds, pay, whole=is_whole)
    hired = m.column("hired", size, 0.0, np.inf, task.hiring_cost[staffed])
    laid = m.column("laid off", size, 0.0, np.inf, task.layoff_cost[staffed])
    stay = 1.0 - task.attrition_rate[staffed]
    before = np.where(t == 0, task.workers[staffed] * stay, 0.0)
    rows = m.row("workforce", size, before, before)
    m.put(rows, crews, crew)
    m.put(rows, _before(crews), -crew * stay)
    m.put(rows, hired, -1.0)
    m.put(rows, laid, 1.0)
    tight = np.where(task.is_idle_allowed[staffed], -np.inf, 0.0)
    rows = m.row("regular of workers", size, tight, 0.0)
    m.put(rows, worked[:, staffed], 1.0)
    m.put(rows, crews, -per * crew)
    most = task.overtime_per_worker[:, staffed]
    there = (per + np.where(np.isfinite(most), most, 0.0)) * task.workers[staffed]
    beyond = np.maximum(fixed[:, staffed] - there, task.overtime_hours[:, staffed])
    beyond = np.where(np.isfinite(most), beyond, np.inf)
    rows = m.row("overtime of workers", size, -np.inf, beyond)
    m.put(rows, over[:, staffed], 1.0)
    m.put(rows, crews, np.where(np.isfinite(most), -most * crew, 0.0))


def _rates(m: Model, task: Task) -> None:
    """Changes of each group's rate of production, where they cost something or are limited."""
    limit = task.maximum_rate_change
    priced = np.isfinite(task.increase_cost) | np.isfinite(task.decrease_cost)
    groups = np.flatnonzero(priced | np.isfinite(limit))
    if not len(groups):
        return
    size = (task.n_months, len(groups))
    is_made = ~task.is_purchased & (task.supplied_from < 0)
    fixed = np.zeros((task.n_months, len(limit)))
    np.add.at(fixed, (slice(None), task.rate_group[is_made]), task.in_work[:, is_made])
    fixed = (fixed / task.working_days[:, None])[:, groups]
    known = np.isfinite(task.previous_rate[groups])
    before = np.vstack([np.where(known, task.previous_rate[groups], 0.0), fixed[:-1]])
    least = before - fixed
    most = least.copy()
    least[0, ~known], most[0, ~known] = -np.inf, np.inf  # the first change is free
    firm = np.where(np.isfinite(least) & np.isfinite(most), np.abs(least), 0.0)
    bound = np.maximum(limit[groups], firm)  # what is firm changes the rate as it must
    up = m.column("up", size, 0.0, bound, task.increase_cost[groups])
    down = m.column("down", size, 0.0, bound, task.decrease_cost[groups])
    rows = m.row("rate", size, least, most)
    m.put(rows, up, -1.0)
    m.put(rows, down, 1.0)
    place = np.full(len(limit), -1)
    place[groups] = np.arange(len(groups))
    of_route = np.where(is_made, place[task.rate_group], -1)[task.route_item]
    at = np.where(of_route >= 0, rows[:, of_route], -1)
    after = np.where(of_route >= 0, np.vstack([rows[1:], 0 * rows[:1] - 1])[:, of_route], -1)
    per_day = 1.0 / task.working_days[:, None]
    m.put(at, m.at["made"], per_day)
    m.put(after, m.at["made"], -per_day)


def _setups(m: Model, task: Task, is_in_lots: bool) -> None:
    """A set-up in each month in which an item's usual route delivers."""
    n_items = len(task.keys)
    timed = task.setup_hours[:n_items].any(axis=1)
    chosen = np.flatnonzero(np.isfinite(task.setup_cost).any(axis=0) | timed)
    shape = (task.n_months, len(chosen))
    is_set = m.column("is set", shape, 0.0, 1.0, task.setup_cost[:, chosen], whole=True)
    # no lot is larger than all that is owed and can still be wanted, here and further down
    owed = task.demand.cumsum(axis=0) * task.is_backlog_allowed + np.maximum(-task.opening, 0.0)
    rest = task.demand[::-1].cumsum(axis=0)[::-1]
    kept = np.maximum(task.safety_stock.max(axis=0), task.minimum_stock.max(axis=0))
    largest = owed + rest + np.maximum(kept, task.ending_stock)
    for item in np.argsort(-sites.depths(task.supplied_from), kind="stable"):
        if task.supplied_from[item] >= 0:
            largest[:, task.supplied_from[item]] += largest[:, item]
    largest = _with_use(task, largest)
    largest = largest + task.lot_size * is_in_lots
    largest = np.minimum(largest, task.supply_limit)[:, chosen]
    rows = m.row("set-ups", shape, -np.inf, 0.0)
    place = np.full(n_items, -1)
    place[chosen] = np.arange(len(chosen))
    of_route = place[task.route_item]  # alternative ways share the set-up
    m.put(np.where(of_route >= 0, rows[:, of_route], -1), m.at["made"], 1.0)
    m.put(rows, is_set, -largest)
    route, resource = np.nonzero(task.setup_hours[chosen])
    m.put(m.rows["load"][:, resource], is_set[:, route], task.setup_hours[chosen[route], resource])


def _with_use(task: Task, largest: np.ndarray) -> np.ndarray:
    """Largest lots (t, i) with all that largest lots of other items take of them."""
    depth, total = issues.depth(task), largest.max(axis=0)
    for level in range(1, int(depth.max(initial=0)) + 1):
        need = total @ task.material_per[: len(total)]
        for part in issues.order(task):
            need += need[part] * task.part_per[part]
        more = issues.of_items(task, need[None])[0] * (depth == level)
        total, largest = total + more, largest + more
    return largest


def constant(task: Task) -> float:
    """What no decision changes: hours paid anyway, opening stock, revenue, all of safety stock."""
    is_paid = task.is_idle_paid & ~task.is_staffed
    paid = np.where(is_paid, task.regular_hours * np.nan_to_num(task.regular_cost), 0.0).sum()
    opening = np.maximum(task.opening, 0.0) @ np.nan_to_num(task.holding_cost[0]) / 2.0
    revenue = (np.nan_to_num(task.price) * task.demand).sum()
    safe = (np.maximum(task.safety_stock, 0.0) * _below(task)).sum()  # the weight of having none
    return float(paid + opening * task.is_average_stock - revenue + safe)
