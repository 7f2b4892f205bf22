"""A supply problem and its answer in arrays: what is given, what is decided, what it costs.

Axes: t months, i items at sites, p routes (ways to make or buy an item), r resources, g groups whose
rate of production changes together. A textbook's problem is stated as ``Task(demand=…, …)``, tables
become one in ``laying``; every strategy answers with a ``Plan``, and ``costs`` prices any plan.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd

from sopkit import months, schema

_FIRST = "2000-01"
# name: axes, whether it may be negative
_AXES = {
    "demand": "ti",
    "opening": "i",
    "receipts": "ti",
    "in_work": "ti",
    "safety_stock": "ti",
    "minimum_stock": "ti",
    "maximum_stock": "ti",
    "ending_stock": "i",
    "is_backlog_allowed": "i",
    "is_backlog_cleared": "i",
    "is_loss_allowed": "i",
    "minimum_sales": "ti",
    "shelf_life_months": "i",
    "supplied_from": "i",
    "lead_months": "i",
    "frozen_months": "i",
    "is_purchased": "i",
    "is_service": "i",
    "lot_size": "i",
    "supply_limit": "ti",
    "subcontract_limit": "ti",
    "site": "i",
    "storage_limit": "i",
    "priority": "i",
    "rate_group": "i",
    "previous_rate": "g",
    "maximum_rate_change": "g",
    "working_days": "t",
    "route_item": "p",
    "hours": "pr",
    "offset_months": "pr",
    "setup_hours": "pr",
    "regular_hours": "tr",
    "overtime_hours": "tr",
    "workers": "r",
    "hours_per_worker": "tr",
    "overtime_per_worker": "tr",
    "minimum_workers": "tr",
    "maximum_workers": "tr",
    "attrition_rate": "r",
    "crew_size": "r",
    "is_idle_paid": "r",
    "is_idle_allowed": "r",
    "regular_cost": "tr",
    "overtime_cost": "tr",
    "hiring_cost": "r",
    "layoff_cost": "r",
    "material_cost": "tp",
    "purchase_cost": "ti",
    "subcontract_cost": "ti",
    "setup_cost": "ti",
    "holding_cost": "ti",
    "backlog_cost": "ti",
    "lost_sale_cost": "ti",
    "transfer_cost": "i",
    "price": "ti",
    "increase_cost": "g",
    "decrease_cost": "g",
    "below_safety_cost": "ti",
    "ending_value": "i",
    "is_assumed": "i",
}
COSTS = tuple(name for name in _AXES if name.endswith("_cost") and "below" not in name)
_SIGNED = {"opening", "supplied_from", "route_item", "site", "rate_group", "safety_stock"}
_WHOLE = {"supplied_from", "lead_months", "frozen_months", "route_item", "offset_months"}
_WHOLE |= {"site", "rate_group"}


@dataclass(frozen=True, eq=False, kw_only=True)
class Task:
    """A supply problem: what is wanted, what there is, the rules, and what things cost.

    Every value may be a number, a list or an array: numbers hold everywhere, one value a month (t)
    or one an item (i), resource (r), route (p) or group (g) spread over the other axis. A cost that
    is not a number (the default) is unknown: it counts nothing and no sheet lists it.

    Parameters
    ----------
    demand : array (t, i)
        Units wanted. With ``is_loss_allowed`` it is a ceiling that need not be met.
    keys, months : DataFrame, DatetimeIndex, optional
        Names of the items (``item, location``) and months.
    opening, ending_stock : array (i,)
        Stock before the first month (below zero: backlog), least stock after the last.
    receipts, in_work : array (t, i)
        Units already on their way; the part of them whose hours are still to be worked.
    safety_stock, minimum_stock, maximum_stock : array (t, i)
        Stock aimed for (each unit below it counts ``below_safety_cost`` in the search for a plan,
        and no money), the least and the most allowed at month end. A maximum of zero is made to
        order; services hold none.
    is_backlog_allowed, is_backlog_cleared, is_loss_allowed : array (i,)
        Whether units may be owed, whether none may be at the end, whether sales may be lost.
    minimum_sales : array (t, i)
        Units of demand that may not be lost.
    shelf_life_months : array (i,)
        Stock at month end must sell within so many months; what cannot is scrapped.
    supplied_from : array (i,)
        Position of the item at the site that sends it here, −1 where it is made or bought; then
        ``lead_months`` is the way between the sites.
    lead_months, frozen_months : array (i,)
        Months in which nothing new can arrive, or may.
    lot_size : array (i,)
        Units are made or bought in multiples of it where lots are whole.
    supply_limit, subcontract_limit : array (t, i)
        Most units made or bought, and made by others. Without ``subcontract_cost`` none are.
    site, storage_limit : array (i,)
        Code of the item's site, and units that all items of it may keep.
    priority : array (i,)
        Weight of a unit owed where no costs are known.
    rate_group, previous_rate, maximum_rate_change, working_days : arrays (i,), (g,), (g,), (t,)
        Items whose production together has a rate (units over working days), the rate before the
        first month (unknown: the first change is free), the largest change.
    route_item, hours, offset_months, setup_hours : arrays (p,), (p, r)
        Item that each route makes (the first routes are the usual ones of all items, in order),
        hours of a unit, how many months before, hours of a set-up.
    regular_hours, overtime_hours : array (t, r)
        Hours there are. With ``workers`` regular hours follow from the workforce, and
        ``overtime_hours`` come on top of what its workers may do.
    workers : array (r,)
        Workforce before the first month; missing where it does not change.
    hours_per_worker, overtime_per_worker, minimum_workers, maximum_workers : array (t, r)
        Regular hours and most overtime of a worker a month; bounds of the workforce.
    attrition_rate, crew_size : array (r,)
        Share of the workforce that leaves each month by itself; workers come in whole crews.
    is_idle_paid, is_idle_allowed : array (r,)
        Whether hours not worked are paid, and whether there may be any.
    regular_cost, overtime_cost, hiring_cost, layoff_cost : arrays (t, r), (r,)
        Of an hour, of a worker.
    material_cost : array (t, p)
        Of a unit made by a route; units of a subcontractor carry none.
    purchase_cost, subcontract_cost, setup_cost, holding_cost, backlog_cost, lost_sale_cost
        Arrays (t, i), of a unit or set-up; holding and backlog at each month end.
    transfer_cost, price, increase_cost, decrease_cost : arrays (i,), (t, i), (g,)
        Of a unit sent here; revenue of a unit sold; of a unit by which the rate changes.
    below_safety_cost, ending_value : arrays (t, i), (i,)
        Weights of the search that are no money spent: a unit below safety stock, and what a unit
        left at the end (or owed, below zero) is worth.
    is_assumed : array (i,)
        Whether holding and backlog costs are assumed, not given.
    is_average_stock : bool
        Holding is paid on the mean of opening and closing stock, not on closing stock.

    Raises
    ------
    ValueError
        If a value has the wrong shape, is negative where none can be, or is missing in demand.

    Examples
    --------
    Two products for three months on one machine of 100 hours:

    >>> task = Task(demand=[[40, 10], [60, 20], [80, 30]], hours=[[1.0], [0.5]], regular_hours=100)
    >>> task.regular_hours.tolist()
    [[100.0], [100.0], [100.0]]
    """

    demand: np.ndarray
    keys: pd.DataFrame | None = None
    months: pd.DatetimeIndex | None = None
    opening: np.ndarray = 0.0
    receipts: np.ndarray = 0.0
    in_work: np.ndarray = 0.0
    safety_stock: np.ndarray = 0.0
    minimum_stock: np.ndarray = 0.0
    maximum_stock: np.ndarray = np.inf
    ending_stock: np.ndarray = 0.0
    is_backlog_allowed: np.ndarray = True
    is_backlog_cleared: np.ndarray = False
    is_loss_allowed: np.ndarray = False
    minimum_sales: np.ndarray = 0.0
    shelf_life_months: np.ndarray = np.inf
    supplied_from: np.ndarray = -1
    lead_months: np.ndarray = 0
    frozen_months: np.ndarray = 0
    is_purchased: np.ndarray = False
    is_service: np.ndarray = False
    lot_size: np.ndarray = 0.0
    supply_limit: np.ndarray = np.inf
    subcontract_limit: np.ndarray = np.inf
    site: np.ndarray = 0
    storage_limit: np.ndarray = np.inf
    priority: np.ndarray = 1.0
    rate_group: np.ndarray | None = None
    previous_rate: np.ndarray = np.nan
    maximum_rate_change: np.ndarray = np.inf
    working_days: np.ndarray = 1.0
    route_item: np.ndarray | None = None
    hours: np.ndarray | None = None
    offset_months: np.ndarray = 0
    setup_hours: np.ndarray = 0.0
    regular_hours: np.ndarray = 0.0
    overtime_hours: np.ndarray = 0.0
    workers: np.ndarray = np.nan
    hours_per_worker: np.ndarray = 1.0
    overtime_per_worker: np.ndarray = 0.0
    minimum_workers: np.ndarray = 0.0
    maximum_workers: np.ndarray = np.inf
    attrition_rate: np.ndarray = 0.0
    crew_size: np.ndarray = 1.0
    is_idle_paid: np.ndarray = False
    is_idle_allowed: np.ndarray = True
    regular_cost: np.ndarray = np.nan
    overtime_cost: np.ndarray = np.nan
    hiring_cost: np.ndarray = np.nan
    layoff_cost: np.ndarray = np.nan
    material_cost: np.ndarray = np.nan
    purchase_cost: np.ndarray = np.nan
    subcontract_cost: np.ndarray = np.nan
    setup_cost: np.ndarray = np.nan
    holding_cost: np.ndarray = np.nan
    backlog_cost: np.ndarray = np.nan
    lost_sale_cost: np.ndarray = np.nan
    transfer_cost: np.ndarray = np.nan
    price: np.ndarray = np.nan
    increase_cost: np.ndarray = np.nan
    decrease_cost: np.ndarray = np.nan
    below_safety_cost: np.ndarray = 0.0
    ending_value: np.ndarray = 0.0
    is_assumed: np.ndarray = False
    is_average_stock: bool = False

    def __post_init__(self):
        demand = np.asarray(self.demand, dtype="float64")
        demand = demand[:, None] if demand.ndim == 1 else demand
        count, n_items = demand.shape
        hours = np.zeros((n_items, 0)) if self.hours is None else np.asarray(self.hours, float)
        hours = np.atleast_1d(hours)
        hours = hours[:, None] if hours.ndim == 1 else hours
        route = np.arange(n_items) if self.route_item is None else self.route_item
        group = np.arange(n_items) if self.rate_group is None else np.asarray(self.rate_group)
        size = {"t": count, "i": n_items, "p": len(route), "r": hours.shape[1]}
        size["g"] = int(group.max(initial=-1)) + 1
        values = {"demand": demand, "hours": hours, "route_item": route, "rate_group": group}
        for name, axes in _AXES.items():
            value = values.get(name, getattr(self, name))
            object.__setattr__(self, name, _spread(name, value, tuple(size[a] for a in axes)))
        if self.keys is None:
            names = [f"item {k + 1}" for k in range(n_items)]
            object.__setattr__(self, "keys", pd.DataFrame({"item": names, "location": schema.ALL}))
        if self.months is None:
            object.__setattr__(self, "months", months.span(months.parse_cycle(_FIRST), count))

    @property
    def n_months(self) -> int:
        """Months planned."""
        return len(self.demand)

    @property
    def is_staffed(self) -> np.ndarray:
        """Whether each resource's workforce may change, (r,)."""
        return np.isfinite(self.workers)

    @property
    def is_priced(self) -> bool:
        """Whether any cost is given, and not only assumed."""
        found = [np.isfinite(getattr(self, name)) for name in (*COSTS, "price")]
        for k, name in enumerate(COSTS):
            if name in ("holding_cost", "backlog_cost"):
                found[k] = found[k] & ~self.is_assumed
        return any(known.any() for known in found)

    @property
    def first_month(self) -> np.ndarray:
        """Position of the first month in which each route can deliver, (p,)."""
        first = np.maximum(self.lead_months, self.frozen_months)[self.route_item]
        worked = np.where(self.hours > 0, self.offset_months, 0).max(axis=1, initial=0)
        return np.maximum(first, worked)


def _spread(name: str, value, shape: tuple[int, ...]) -> np.ndarray:
    """A value on its axes; a list over months or over the other axis, whichever it fits."""
    kind = "int64" if name in _WHOLE else "bool" if name.startswith("is_") else "float64"
    try:
        array = np.asarray(value, dtype=kind)
        if array.ndim == 1 and len(shape) == 2:
            fits = [k for k in (0, 1) if len(array) == shape[k]]
            if len(fits) == 2 and shape != (1, 1):
                raise ValueError
            array = array[:, None] if fits == [0] else array
        array = np.broadcast_to(array, shape).copy()
    except (ValueError, TypeError) as error:
        found = np.shape(value)
        raise ValueError(
            f"{name} has shape {found}, but {shape} is needed; give a number, a list along one "
            f"axis, or an array of that shape."
        ) from error
    if name == "demand" and not np.isfinite(array).all():
        raise ValueError("demand has missing values; write 0 where nothing is wanted.")
    if name not in _SIGNED and kind == "float64" and (array < 0).any():
        place = tuple(int(k) for k in np.argwhere(array < 0)[0])
        raise ValueError(f"{name} is negative ({array[place]:g}) at {place}; it must be 0 or more.")
    return array


@dataclass(frozen=True, eq=False)
class Plan:
    """What is decided, in the units of a ``Task``; the rest follows in ``outcome``.

    Parameters
    ----------
    made : array (t, p)
        Units that each route delivers (made or bought), beyond receipts.
    subcontract, arrived, lost, scrap : array (t, i), optional
        Units made by others; sent here from another site, by month of arrival; demand lost; stock
        thrown away.
    workers : array (t, r), optional
        Workforce; only read for resources whose workforce may change.
    """

    made: np.ndarray
    subcontract: np.ndarray | float = 0.0
    arrived: np.ndarray | float = 0.0
    lost: np.ndarray | float = 0.0
    scrap: np.ndarray | float = 0.0
    workers: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Outcome:
    """What follows from a plan: units (t, i), hours (t, r), workers (t, r), rates (t, g)."""

    made: np.ndarray
    sent: np.ndarray
    opening: np.ndarray
    closing: np.ndarray
    load: np.ndarray
    available: np.ndarray
    overtime: np.ndarray
    workers: np.ndarray
    hired: np.ndarray
    laid_off: np.ndarray
    rate_change: np.ndarray
    setups: np.ndarray


def outcome(task: Task, plan: Plan) -> Outcome:
    """Stock, load, workforce and changes of rate that a plan brings about.

    Parameters
    ----------
    task, plan : Task, Plan
        Problem and answer.

    Returns
    -------
    Outcome
        Hours beyond regular ones are overtime; a set-up stands in each month with a lot.
    """
    plan = completed(task, plan)
    made, sent = by_item(task, plan.made), sent_on(task, plan.arrived)
    change = made + plan.subcontract + plan.arrived + task.receipts + plan.lost
    change = change - sent - plan.scrap - task.demand
    closing = task.opening + np.cumsum(change, axis=0)
    load = load_hours(task, plan.made)
    available = regular_hours(task, plan.workers)
    before = np.vstack([task.workers, plan.workers])[:-1]
    step = np.where(task.is_staffed, plan.workers - before * (1.0 - task.attrition_rate), 0.0)
    rate = _by_group(task, made + task.in_work) / task.working_days[:, None]
    first = np.where(np.isfinite(task.previous_rate), task.previous_rate, rate[0])
    return Outcome(
        made=made,
        sent=sent,
        opening=np.vstack([task.opening, closing])[:-1],
        closing=closing,
        load=load,
        available=available,
        overtime=np.maximum(load - available, 0.0),
        workers=plan.workers,
        hired=np.maximum(step, 0.0),
        laid_off=np.maximum(-step, 0.0),
        rate_change=np.diff(rate, axis=0, prepend=first[None]),
        setups=made > 1e-6,
    )


def completed(task: Task, plan: Plan) -> Plan:
    """The plan with every array in full; a workforce that is not given stays as it is."""
    full = {}
    for field in fields(Plan):
        value = getattr(plan, field.name)
        if field.name == "workers":
            value = task.workers if value is None else value
        axes = {"made": "p", "workers": "r"}.get(field.name, "i")
        width = {"p": len(task.route_item), "r": len(task.workers), "i": len(task.keys)}[axes]
        full[field.name] = _spread(field.name, value, (task.n_months, width))
    return replace(plan, **full)


def by_item(task: Task, made: np.ndarray) -> np.ndarray:
    """Units (t, i) of all routes (t, p)."""
    total = made[:, : len(task.keys)].copy()
    np.add.at(total, (slice(None), task.route_item[len(task.keys) :]), made[:, len(task.keys) :])
    return total


def sent_on(task: Task, arrived: np.ndarray) -> np.ndarray:
    """Units (t, i) that leave for other sites, in the month in which they leave."""
    sent = np.zeros_like(task.demand)
    for child in np.flatnonzero(task.supplied_from >= 0):
        left, lead = arrived[:, child], task.lead_months[child]
        sent[:, task.supplied_from[child]] += np.append(left[lead:], np.zeros(lead))[: len(left)]
    return sent


def load_hours(task: Task, made: np.ndarray) -> np.ndarray:
    """Hours (t, r) that routes (t, p) and what is in work take, offsets counted."""
    work = made.copy()
    work[:, : len(task.keys)] += task.in_work
    load = np.zeros((task.n_months, task.hours.shape[1]))
    for offset in np.unique(task.offset_months[task.hours > 0]):
        hours = np.where(task.offset_months == offset, task.hours, 0.0)
        load[: task.n_months - offset] += work[offset:] @ hours
    if task.setup_hours.any():
        load += (made > 1e-6) @ task.setup_hours
    return load


def regular_hours(task: Task, workers: np.ndarray) -> np.ndarray:
    """Regular hours (t, r): of the workforce where it may change, else as given."""
    return np.where(task.is_staffed, workers * task.hours_per_worker, task.regular_hours)


def overtime_limit(task: Task, workers: np.ndarray) -> np.ndarray:
    """Most overtime (t, r): as given, and of the workforce where it may change."""
    own = np.where(task.is_staffed, workers * task.overtime_per_worker, 0.0)
    return task.overtime_hours + own


def _by_group(task: Task, made: np.ndarray) -> np.ndarray:
    rate = np.zeros((len(made), len(task.previous_rate)))
    is_own = ~task.is_purchased & (task.supplied_from < 0)
    np.add.at(rate, (slice(None), task.rate_group[is_own]), made[:, is_own])
    return rate


def costs(task: Task, plan: Plan) -> pd.DataFrame:
    """What a plan costs over the horizon, by kind; kinds of which no rate is known are left out.

    Parameters
    ----------
    task, plan : Task, Plan
        Any plan, of a strategy or written by hand.

    Returns
    -------
    DataFrame
        ``cost_kind``, ``amount_value``, ``is_assumed`` (rests on assumed costs, at least in part).
        Revenue is a negative cost.

    Examples
    --------
    >>> task = Task(demand=[10, 30], opening=5, holding_cost=2.0, material_cost=3.0)
    >>> costs(task, Plan(made=[[20.0], [15.0]]))["amount_value"].tolist()
    [105.0, 30.0]
    """
    plan, end = completed(task, plan), outcome(task, plan)
    worked = end.load - end.overtime
    idle = np.where(task.is_idle_paid, np.maximum(end.available - worked, 0.0), 0.0)
    is_bought = task.is_purchased[task.route_item]
    held = np.maximum(end.closing, 0.0)
    if task.is_average_stock:
        held = (held + np.maximum(end.opening, 0.0)) / 2.0
    owed = np.maximum(-end.closing, 0.0)
    up, down = np.maximum(end.rate_change, 0.0), np.maximum(-end.rate_change, 0.0)
    pairs = {
        "regular hours": [(worked, task.regular_cost)],
        "idle hours": [(idle, task.regular_cost)],
        "overtime hours": [(end.overtime, task.overtime_cost)],
        "hiring": [(end.hired, task.hiring_cost)],
        "layoffs": [(end.laid_off, task.layoff_cost)],
        "material": [(np.where(is_bought, 0.0, plan.made), task.material_cost)],
        "purchases": [(np.where(task.is_purchased, end.made, 0.0), task.purchase_cost)],
        "subcontracting": [(plan.subcontract, task.subcontract_cost)],
        "transfers": [(plan.arrived, task.transfer_cost)],
        "set-ups": [(end.setups, task.setup_cost)],
        "changes of rate": [(up, task.increase_cost), (down, task.decrease_cost)],
        "holding stock": [(held, task.holding_cost)],
        "backlog": [(owed, task.backlog_cost)],
        "lost sales": [(plan.lost, task.lost_sale_cost)],
        "revenue": [(plan.lost - task.demand, task.price)],
    }
    rows = []
    for kind, parts in pairs.items():
        amounts = [quantity * rate for quantity, rate in parts]
        if any(np.isfinite(rate).any() for _, rate in parts):
            assumed = kind in ("holding stock", "backlog")
            assumed = assumed and bool(np.nansum(np.abs(amounts[0]) * task.is_assumed) > 0)
            rows.append((kind, float(sum(np.nansum(a) for a in amounts)), assumed))
    table = pd.DataFrame(rows, columns=["cost_kind", "amount_value", "is_assumed"])
    return table.astype({"amount_value": "float64", "is_assumed": "bool"})


def weights(task: Task, plan: Plan) -> float:
    """What the search adds to money: units below safety stock, less what is left at the end."""
    closing = outcome(task, plan).closing
    below = np.maximum(task.safety_stock - np.maximum(closing, 0.0), 0.0)
    return float((below * task.below_safety_cost).sum() - closing[-1] @ task.ending_value)


def table(task: Task, plan: Plan) -> pd.DataFrame:
    """A plan as planners read it.

    Returns
    -------
    DataFrame
        Key ``item, location, month``: ``regular``, ``overtime``, ``subcontract``, ``purchased``,
        ``receipts``, ``transfers`` (in less out), ``supply`` (their sum), ``opening``, ``demand``
        (all that leaves stock; lost sales left out), ``lost``, ``closing``, ``safety_stock``; units.
        An item's part in overtime is that of its most loaded resource.
    """
    plan, end = completed(task, plan), outcome(task, plan)
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.where(end.overtime > 0, end.overtime / end.load, 0.0)
    late = np.zeros_like(plan.made)
    for resource in np.flatnonzero(part.any(axis=0)):
        uses = np.flatnonzero(task.hours[:, resource] > 0)
        when = np.arange(task.n_months)[:, None] - task.offset_months[uses, resource]
        share = np.where(when >= 0, part[np.maximum(when, 0), resource], 0.0)
        late[:, uses] = np.maximum(late[:, uses], share)
    overtime = by_item(task, late * plan.made)
    bought = np.where(task.is_purchased, end.made, 0.0)
    columns = {
        "regular": end.made - bought - overtime,
        "overtime": overtime,
        "subcontract": plan.subcontract,
        "purchased": bought,
        "receipts": task.receipts,
        "transfers": plan.arrived - end.sent,
    }
    columns["supply"] = sum(columns.values())
    columns |= {
        "opening": end.opening,
        "demand": task.demand - plan.lost + plan.scrap,
        "lost": plan.lost,
        "closing": end.closing,
        "safety_stock": task.safety_stock,
    }
    rows = task.keys.loc[task.keys.index.repeat(task.n_months)].reset_index(drop=True)
    rows["month"] = np.tile(task.months.to_numpy(), len(task.keys))
    return rows.assign(**{name: values.T.ravel() for name, values in columns.items()})
