"""Possible demand through the supply plan: what stock, load and deliveries would come of it.

The plan is followed and corrected: whatever demand differs from the plan is ordered or made again,
after the lead time, as far as hours and limits allow. Nothing else is planned anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sopkit import schema
from sopkit.supply import sites
from sopkit.supply.tasks import Task

SMALL = 1e-9


@dataclass(frozen=True, eq=False)
class Base:
    """The supply plan as arrays: units (t, i), hours (t, r).

    ``made`` is what is made, bought or sent here, ``lost`` demand given up, ``closing`` stock less
    backlog, ``load`` the hours taken, ``regular_hours`` and ``limit_hours`` (with overtime) those
    that there are.
    """

    made: np.ndarray
    lost: np.ndarray
    closing: np.ndarray
    load: np.ndarray
    regular_hours: np.ndarray
    limit_hours: np.ndarray


@dataclass(frozen=True, eq=False)
class Futures:
    """What came of each possible demand: units (f, t, i), hours (f, t, r).

    ``closing`` is stock less backlog, ``delivered`` what customers received, ``lost`` what they
    gave up, ``wanted`` the hours asked for, ``load`` those that were worked.
    """

    closing: np.ndarray
    delivered: np.ndarray
    lost: np.ndarray
    wanted: np.ndarray
    load: np.ndarray


def base(task: Task, plan: pd.DataFrame, projection: pd.DataFrame, load: pd.DataFrame) -> Base:
    """The chosen supply plan on a task's axes.

    Parameters
    ----------
    task : Task
        The supply problem of the cycle.
    plan, projection, load : DataFrame
        Tables `supply_plan`, `inventory_projection`, `resource_load`.
    """
    columns = pd.MultiIndex.from_frame(task.keys[schema.SITE])

    def units(table: pd.DataFrame, amounts: pd.Series) -> np.ndarray:
        wide = table.assign(units=amounts).pivot(index="month", columns=schema.SITE, values="units")
        return wide.reindex(index=task.months, columns=columns).fillna(0.0).to_numpy()

    def hours(name: str) -> np.ndarray:
        wide = load.pivot(index="month", columns="resource", values=name)
        return wide.reindex(index=task.months, columns=task.resources).fillna(0.0).to_numpy()

    regular, arrived = hours("regular_hours"), plan["transfers"].clip(lower=0.0)
    return Base(
        made=units(plan, plan[["regular", "overtime", "purchased"]].sum(axis=1) + arrived),
        lost=units(projection, projection["lost"]),
        closing=units(projection, projection["closing"]),
        load=hours("load_hours"),
        regular_hours=regular,
        limit_hours=regular + hours("overtime_hours"),
    )


def site_errors(
    block: np.ndarray,
    mean: np.ndarray,
    keys: pd.DataFrame,
    items: pd.DataFrame,
    locations: pd.DataFrame,
    task: Task,
) -> np.ndarray:
    """How far possible demand is from its mean, by future, month and item at its site (f, t, i).

    Parameters
    ----------
    block : array (f, n_series, n_months)
        From ``intervals.sample_paths``, units.
    mean : array (n_series, n_months)
        The forecast that the block scatters around.
    keys : DataFrame
        Series of both.
    items, locations : DataFrame
        Raw tables: which site serves each series.
    task : Task
        Items at sites, months; months beyond the forecast have no error.
    """
    places = pd.MultiIndex.from_frame(task.keys[schema.SITE])
    served = pd.MultiIndex.from_arrays(
        [keys["item"], sites.stocking_site(keys, items, locations)], names=schema.SITE
    )
    at = places.get_indexer(served)
    order = np.argsort(at, kind="stable")
    order = order[at[order] >= 0]
    owners, starts = np.unique(at[order], return_index=True)
    errors = np.zeros((len(block), task.n_months, len(places)))
    span = min(task.n_months, mean.shape[1])
    if len(owners):
        missed = np.add.reduceat((block - mean)[:, order, :span], starts, axis=1)
        errors[:, :span, owners] = missed.swapaxes(1, 2)
    return errors


def growth(task: Task, errors: np.ndarray) -> np.ndarray:
    """How much wider errors are the more months ahead they lie, (t,), never shrinking.

    The median over items of the standard deviation of errors (f, t, i) beside planned demand.
    """
    sold = np.where(task.demand > 0, task.demand, np.nan)
    spread = errors.std(axis=0) / sold
    has_any = np.isfinite(spread).any(axis=1)
    middle = np.nanmedian(np.where(has_any[:, None], spread, 0.0), axis=1)
    return np.maximum.accumulate(np.maximum(middle, SMALL))


def simulate(
    task: Task,
    plan: Base,
    errors: np.ndarray,
    growth: np.ndarray,
    *,
    more_stock: np.ndarray | float = 0.0,
) -> Futures:
    """The plan followed, and corrected for what demand has differed.

    Parameters
    ----------
    task : Task
        Demand, opening stock, lead and frozen months, hours of a unit, limits, sites.
    plan : Base
        The supply plan.
    errors : array (f, t, i)
        Demand beyond the planned, units.
    growth : array (t,)
        From ``growth``.
    more_stock : array (i,) or float
        Units to be kept beyond the plan's stock, ordered from the first month on.

    Returns
    -------
    Futures
        Demand is never below zero.

    Notes
    -----
    Each month is forecast anew: of an error far ahead so much is known by then that what is not is
    as large as errors so few months ahead are now. What stock, orders and this new forecast lack to
    the plan is ordered; it arrives after the lead time or the frozen months, whichever is longer.
    Fewer units than planned are made where demand is below; a month makes no fewer than none. Where
    the hours of a resource do not suffice, all that asks for more of it gets the same share;
    purchases keep their limit, stock its maximum. A site sends on what it has. Hours of corrections
    stand in the month of delivery. Demand that may not be owed is lost; a service works off what
    comes in the month itself.
    """
    count, n_months, n_items = errors.shape
    demand = np.maximum(task.demand + errors, 0.0)
    beyond = demand - task.demand
    is_made = task.supplied_from < 0
    lag = np.where(is_made, task.first_month[:n_items], task.lead_months)
    lag, hours = np.maximum(lag, task.frozen_months), task.hours[:n_items] * is_made[:, None]
    every, far = np.arange(n_items), n_months + int(lag.max(initial=0)) + 1
    made = np.vstack([plan.made, np.zeros((far - n_months, n_items))])
    most = np.where(is_made, np.maximum(task.supply_limit - plan.made, 0.0), np.inf)
    closing, lost = np.empty_like(demand), np.zeros_like(demand)
    wanted = np.empty((count, n_months, hours.shape[1]))
    load, due = np.empty_like(wanted), np.zeros((far, count, n_items))
    ahead, ordered = np.zeros((count, n_items)), np.zeros((count, n_items))
    before = np.broadcast_to(task.opening, (count, n_items))
    for t in range(n_months):
        arriving = made[t + lag, every] + due[t + lag, :, every].T
        known = _foreseen(beyond, growth, lag, t)
        known = np.where(task.is_service, beyond[:, t], known)
        order = np.maximum(more_stock + known - ahead - ordered, -arriving)
        order, sent = _sent_on(task, order, before)
        due[t + lag, :, every] += order.T
        change, wanted[:, t], load[:, t] = _within_hours(
            np.minimum(due[t], most[t]), hours, plan.load[t], plan.limit_hours[t]
        )
        due[t + 1] += due[t] - change  # what hours or limits held back comes next
        ordered += order - change
        ahead = ahead - beyond[:, t] + change - sent
        stock = plan.closing[t] + ahead
        too_much = np.maximum(stock - np.maximum(task.maximum_stock[t], plan.closing[t]), 0.0)
        unmade = np.where(is_made, np.minimum(too_much, plan.made[t] + change), 0.0)
        lost[:, t] = np.where(task.is_loss_allowed, np.maximum(-stock, 0.0), 0.0)
        load[:, t] -= unmade @ hours
        ahead = ahead - unmade + lost[:, t]
        before = closing[:, t] = plan.closing[t] + ahead
    owed = np.maximum(-closing, 0.0)
    first = np.broadcast_to(np.maximum(-task.opening, 0.0), (count, 1, n_items))
    earlier = np.concatenate([first, owed[:, :-1]], axis=1)
    delivered = demand - plan.lost + earlier - owed - lost
    return Futures(closing, np.maximum(delivered, 0.0), plan.lost + lost, wanted, load)


def _foreseen(beyond: np.ndarray, growth: np.ndarray, lag: np.ndarray, t: int) -> np.ndarray:
    """What new forecasts say of demand beyond the plan until an order of this month arrives."""
    total = np.zeros((len(beyond), beyond.shape[2]))
    for ahead in range(min(int(lag.max(initial=0)) + 1, len(growth) - t)):
        known = 1.0 - growth[ahead] / growth[t + ahead]
        total += np.where(lag >= ahead, beyond[:, t + ahead] * known, 0.0)
    return total


def _sent_on(task: Task, order: np.ndarray, before: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Orders of supplied sites cut to what their source has, and what leaves each source."""
    sent = np.zeros_like(order)
    children = np.flatnonzero(task.supplied_from >= 0)
    if not len(children):
        return order, sent
    source = task.supplied_from[children]
    asked = np.zeros_like(order)
    np.add.at(asked, (slice(None), source), np.maximum(order[:, children], 0.0))
    share = np.clip(np.maximum(before, 0.0) / np.maximum(asked, SMALL), 0.0, 1.0)
    cut = order.copy()
    cut[:, children] = np.where(
        order[:, children] > 0, order[:, children] * share[:, source], order[:, children]
    )
    np.add.at(sent, (slice(None), source), cut[:, children])
    return cut, sent


def _within_hours(
    change: np.ndarray, hours: np.ndarray, load: np.ndarray, limit: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Changes of a month cut to the hours there are; hours wanted and hours taken (f, r)."""
    more = np.maximum(change, 0.0) @ hours
    less = load + np.minimum(change, 0.0) @ hours
    share = np.clip((limit - less) / np.maximum(more, SMALL), 0.0, 1.0)
    part = np.ones_like(change)
    for resource in np.flatnonzero((hours > 0).any(axis=0)):
        users = np.flatnonzero(hours[:, resource])
        part[:, users] = np.minimum(part[:, users], share[:, resource, None])
    cut = np.where(change > 0, change * part, change)
    return cut, less + more, less + np.maximum(cut, 0.0) @ hours
