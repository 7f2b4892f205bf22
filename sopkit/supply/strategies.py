"""Ways to supply a demand plan: chase follows demand, level makes the same every month.

Both respect hours, receipts already on their way and lead times. What hours do not allow is made
later; stock below zero is backlog. Arrays have shape (n_months, n_items or n_resources).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sopkit import schema

NAMES = ("chase", "level")


@dataclass(frozen=True)
class Task:
    """All that a strategy needs, in arrays over months, items of sites, and resources."""

    keys: pd.DataFrame  # item, location
    months: pd.DatetimeIndex
    demand: np.ndarray
    receipts: np.ndarray
    opening: np.ndarray
    safety_stock: np.ndarray
    lead_months: np.ndarray
    is_purchased: np.ndarray
    is_service: np.ndarray
    hours: np.ndarray  # (n_items, n_resources) hours a unit
    regular_hours: np.ndarray
    overtime_hours: np.ndarray


def task(
    sites: pd.DataFrame,
    replenishment: pd.DataFrame,
    opening: pd.Series,
    receipts: pd.DataFrame,
    hours: pd.DataFrame,
    available: pd.DataFrame,
) -> Task:
    """Lay the tables of a supply plan out as arrays.

    Parameters
    ----------
    sites : DataFrame
        Key ``item, location, month`` without holes: ``demand``, units.
    replenishment : DataFrame
        Key ``item, location``: ``is_purchased``, ``is_service``, ``lead_time_months``,
        ``safety_stock``.
    opening : Series
        Stock before the first month by ``item, location``; below zero is backlog.
    receipts : DataFrame
        Key ``item, location, month``: ``quantity`` already on its way.
    hours : DataFrame
        Hours a unit, items down, resources across.
    available : DataFrame
        Key ``resource, month``: ``regular_hours``, ``overtime_hours``.
    """
    wide = sites.pivot(index="month", columns=schema.SITE, values="demand").fillna(0.0)
    index, month_index = wide.columns, pd.DatetimeIndex(wide.index, name="month")
    known = replenishment.set_index(schema.SITE).loc[index]
    due = receipts.pivot_table("quantity", "month", schema.SITE, aggfunc="sum")
    due = due.reindex(index=month_index, columns=index).fillna(0.0)
    regular, overtime = (
        available.pivot(index="month", columns="resource", values=name).reindex(
            index=month_index, columns=list(hours.columns)
        )
        for name in ("regular_hours", "overtime_hours")
    )
    item = index.get_level_values("item")
    return Task(
        keys=index.to_frame(index=False),
        months=month_index,
        demand=wide.to_numpy(dtype="float64"),
        receipts=due.to_numpy(dtype="float64"),
        opening=opening.reindex(index).fillna(0.0).to_numpy(dtype="float64"),
        safety_stock=known["safety_stock"].to_numpy(dtype="float64"),
        lead_months=known["lead_time_months"].to_numpy(),
        is_purchased=known["is_purchased"].to_numpy(dtype=bool),
        is_service=known["is_service"].to_numpy(dtype=bool),
        hours=hours.reindex(item).fillna(0.0).to_numpy(dtype="float64"),
        regular_hours=regular.to_numpy(dtype="float64"),
        overtime_hours=overtime.to_numpy(dtype="float64"),
    )


def plan(work: Task, strategy: str, *, is_limited: bool = True) -> pd.DataFrame:
    """Supply and stock of one strategy, month by month.

    Parameters
    ----------
    work : Task
        From ``task``.
    strategy : str
        ``chase`` or ``level``.
    is_limited : bool
        False plans as if hours were without limit.

    Returns
    -------
    DataFrame
        Key ``item, location, month``: ``regular``, ``overtime``, ``purchased``, ``receipts``,
        ``supply`` (their sum), ``opening``, ``demand``, ``closing``, ``safety_stock``; units.

    Raises
    ------
    ValueError
        If the strategy is unknown.
    """
    if strategy not in NAMES:
        raise ValueError(f"strategy {strategy!r} is unknown. Choose one of {', '.join(NAMES)}.")
    rate = _level_rates(work) if strategy == "level" else None
    stock, owed = work.opening.copy(), np.zeros(len(work.keys))
    rows: dict[str, list[np.ndarray]] = {}
    for t in range(len(work.months)):  # stock carries over from month to month
        can_arrive = t >= work.lead_months
        wanted = work.demand[t] + work.safety_stock - stock - work.receipts[t]
        if rate is not None:  # a service cannot be made ahead: it follows demand in any strategy
            wanted = np.where(work.is_service, wanted, rate[t] + owed)
        wanted = np.where(can_arrive, np.maximum(wanted, 0.0), 0.0)
        made, overtime = _within_hours(work, t, wanted) if is_limited else (wanted, 0.0 * wanted)
        owed = wanted - made
        closing = stock + made + work.receipts[t] - work.demand[t]
        bought = np.where(work.is_purchased, made, 0.0)
        month = {
            "regular": made - bought - overtime,
            "overtime": overtime,
            "purchased": bought,
            "receipts": work.receipts[t],
            "supply": made + work.receipts[t],
            "opening": stock,
            "demand": work.demand[t],
            "closing": closing,
        }
        for name, values in month.items():
            rows.setdefault(name, []).append(values)
        stock = closing
    arrays = {name: np.array(values) for name, values in rows.items()}
    return _table(work, arrays)


def _level_rates(work: Task) -> np.ndarray:
    """Units a month that end the horizon with safety stock.

    (total demand + ending − opening) / months of production.

    An item is made from the first month in which an order can arrive to its last month of demand.

    Notes
    -----
    Source: Arnold & Chapman, Introduction to Materials Management, level production plan.
    """
    count = len(work.months)
    t = np.arange(count)[:, None]
    last = np.where(work.demand > 0, t, -1).max(axis=0)
    is_open = (t >= work.lead_months) & (t <= last)
    need = work.demand.sum(axis=0) + work.safety_stock - work.opening - work.receipts.sum(axis=0)
    rate = np.maximum(need, 0.0) / np.maximum(is_open.sum(axis=0), 1)
    return np.where(is_open, rate, 0.0)


def _within_hours(work: Task, t: int, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What the hours of month ``t`` allow of what is wanted, and the part made in overtime.

    A resource short of hours cuts all its items by the same share.
    """
    makes = np.where(work.is_purchased, 0.0, wanted)
    uses = work.hours > 0
    load = makes @ work.hours
    limit = work.regular_hours[t] + work.overtime_hours[t]
    share = np.where(load > limit, limit / np.where(load > 0, load, 1.0), 1.0)
    cut = np.where(uses, share, 1.0).min(axis=1, initial=1.0)
    made = makes * cut
    load = made @ work.hours
    beyond = np.maximum(load - work.regular_hours[t], 0.0) / np.where(load > 0, load, 1.0)
    overtime = made * np.where(uses, beyond, 0.0).max(axis=1, initial=0.0)
    return np.where(work.is_purchased, wanted, made), overtime


def _table(work: Task, arrays: dict[str, np.ndarray]) -> pd.DataFrame:
    count = len(work.months)
    table = work.keys.loc[work.keys.index.repeat(count)].reset_index(drop=True)
    table["month"] = np.tile(work.months.to_numpy(), len(work.keys))
    for name, values in arrays.items():
        table[name] = values.T.ravel()
    table["safety_stock"] = np.repeat(work.safety_stock, count)
    return table


def costs(
    work: Task, table: pd.DataFrame, rates: pd.DataFrame, resources: pd.DataFrame
) -> pd.DataFrame:
    """What a plan costs over the horizon, by kind; kinds without any rate are left out.

    Parameters
    ----------
    work : Task
        The task the plan answers.
    table : DataFrame
        From ``plan``.
    rates : DataFrame
        Key ``item``: ``unit_cost_value``, ``holding_cost_value``, ``backorder_cost_value``,
        ``rate_change_cost_value``; missing where unknown.
    resources : DataFrame
        Table `resources`: cost of an hour, regular and in overtime.

    Returns
    -------
    DataFrame
        ``cost_kind``, ``amount_value``. Regular hours are those worked; closing stock is held.
    """
    rate = table[["item"]].merge(rates, on="item", how="left", validate="many_to_one")
    made = (table["regular"] + table["overtime"]).to_numpy().reshape(len(work.keys), -1)
    load = made.T @ work.hours
    regular = np.minimum(load, work.regular_hours)
    price = resources.drop_duplicates("resource").sort_values("resource")
    change = np.abs(np.diff(made, axis=1, prepend=made[:, :1])).ravel()
    amounts = {
        "regular hours": regular * price["regular_cost_value"].to_numpy(),
        "overtime hours": (load - regular) * price["overtime_cost_value"].to_numpy(),
        "purchases": (table["purchased"] * rate["unit_cost_value"]).to_numpy(),
        "holding stock": (table["closing"].clip(lower=0.0) * rate["holding_cost_value"]).to_numpy(),
        "backlog": (-table["closing"].clip(upper=0.0) * rate["backorder_cost_value"]).to_numpy(),
        "changes of rate": change * rate["rate_change_cost_value"].to_numpy(),
    }
    known = {kind: values for kind, values in amounts.items() if np.isfinite(values).any()}
    return pd.DataFrame(
        {"cost_kind": list(known), "amount_value": [np.nansum(v) for v in known.values()]}
    )


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
