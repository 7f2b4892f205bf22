"""The answer to a supply problem: what is decided, what follows from it, what it costs.

``costs`` prices any plan, a strategy's or one written by hand, so all are compared alike.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd

from sopkit import schema
from sopkit.supply import issues
from sopkit.supply.tasks import Task, spread

SUPPLY = ("regular", "overtime", "subcontract", "purchased", "receipts", "transfers")


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
    parts : array (t, m), optional
        Units made of materials that are made here, beyond those that firm work needs; left out:
        what the rest of the plan needs of them beyond stock, as late as can be.
    """

    made: np.ndarray
    subcontract: np.ndarray | float = 0.0
    arrived: np.ndarray | float = 0.0
    lost: np.ndarray | float = 0.0
    scrap: np.ndarray | float = 0.0
    workers: np.ndarray | None = None
    parts: np.ndarray | None = None


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
    made, sent = by_item(task, plan.made), sent_on(task, plan.arrived) + task.committed
    sent += issues.of_items(task, issues.firm(task) + issues.new(task, plan.made, plan.parts))
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
            value = task.workers[None, :] if value is None else value
        if field.name == "parts" and value is None:
            value = issues.parts(task, full["made"])
        axes = {"made": "p", "workers": "r", "parts": "m"}.get(field.name, "i")
        width = {"p": len(task.route_item), "r": len(task.workers), "i": len(task.keys)}
        width = (width | {"m": len(task.materials)})[axes]
        full[field.name] = spread(field.name, value, (task.n_months, width))
    return replace(plan, **full)


def by_item(task: Task, made: np.ndarray) -> np.ndarray:
    """Units (t, i) of all routes (t, p)."""
    total = made[:, : len(task.keys)].copy()
    np.add.at(total, (slice(None), task.route_item[len(task.keys) :]), made[:, len(task.keys) :])
    return total


def sent_on(task: Task, arrived: np.ndarray) -> np.ndarray:
    """Units (t, i) that a plan sends to other sites, in the month in which they leave."""
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
        load[: max(task.n_months - offset, 0)] += work[offset:] @ hours
    if task.setup_hours.any():
        count = len(task.keys)  # all ways to make an item share the set-up of the usual one
        load += (by_item(task, made) > 1e-6) @ task.setup_hours[:count]
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
        "overtime hours": [(end.overtime, task.overtime_rate)],
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


def sheet(task: Task, plan: Plan) -> pd.DataFrame:
    """The costs of a plan, with what stock below target is worth, so that ways compare fairly.

    Returns
    -------
    DataFrame
        As from ``costs``, and a row ``stock below target``: no money is spent on it, it counts what
        a service level is worth (``weights``) and is marked assumed. The sum is what least cost
        makes least.
    """
    missed = weights(task, plan)
    row = {"cost_kind": "stock below target", "amount_value": missed, "is_assumed": True}
    return pd.concat([costs(task, plan), pd.DataFrame([row])], ignore_index=True)


def weights(task: Task, plan: Plan) -> float:
    """What the search adds to money: units below safety stock, and what is undone at the end."""
    closing = outcome(task, plan).closing
    is_wanted = (task.safety_stock > 0).any(axis=0)
    below = np.maximum(task.safety_stock - closing, 0.0)
    return float((below * task.below_safety_cost * is_wanted).sum() + below[-1] @ task.ending_cost)


def table(task: Task, plan: Plan) -> pd.DataFrame:
    """A plan as planners read it.

    Returns
    -------
    DataFrame
        Key ``item, location, month``: ``regular``, ``overtime``, ``subcontract``, ``purchased``,
        ``receipts``, ``transfers`` (in less out), ``supply`` (their sum), ``opening``, ``demand``
        (all that leaves stock, lost sales left out), ``scrap`` among it, ``lost``, ``closing``,
        ``safety_stock``; units. What production takes of items that are sold too stands in
        ``transfers``.
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
    bought = np.where(task.is_purchased, end.made, 0.0)
    overtime = np.where(task.is_purchased, 0.0, by_item(task, late * plan.made))
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
        "scrap": plan.scrap,
        "lost": plan.lost,
        "closing": end.closing,
        "safety_stock": task.safety_stock,
    }
    rows = task.keys.loc[task.keys.index.repeat(task.n_months)].reset_index(drop=True)
    rows["month"] = np.tile(task.months.to_numpy(), len(task.keys))
    return rows.assign(**{name: values.T.ravel() for name, values in columns.items()})


def from_table(task: Task, last: pd.DataFrame) -> Plan | None:
    """The last plan on this task's keys and months, for a new one to stay near.

    Parameters
    ----------
    task : Task
        The problem.
    last : DataFrame
        Rows of table `supply_plan`.

    Returns
    -------
    Plan or None
        ``made`` by the usual routes, missing where the last plan had no row; none where it had
        none at all.
    """
    count = len(task.keys)
    index = pd.MultiIndex.from_frame(task.keys[schema.SITE])
    units = last.assign(units=last[["regular", "overtime", "purchased"]].sum(axis=1))
    wide = units.pivot(index="month", columns=schema.SITE, values="units")
    wide = wide.reindex(index=task.months, columns=index)
    if not wide.notna().any(axis=None):
        return None
    made = np.full((task.n_months, len(task.route_item)), np.nan)
    made[:, :count] = wide.to_numpy(dtype="float64")
    return Plan(made)


def made_by_route(task: Task, plan: Plan, routes: pd.DataFrame) -> pd.DataFrame:
    """Units made, what is in work among them: ``item, route, month, quantity``.

    Parameters
    ----------
    task, plan : Task, Plan
        Problem and answer.
    routes : DataFrame
        From ``capacity.routes``: names of the task's routes, in order.
    """
    work = completed(task, plan).made.copy()
    work[:, : len(task.keys)] += task.in_work
    rows = routes.loc[routes.index.repeat(task.n_months), ["item", "route"]]
    rows = rows.assign(month=np.tile(task.months, len(routes)), quantity=work.T.ravel())
    return rows.groupby(["item", "route", "month"], as_index=False)[["quantity"]].sum()
