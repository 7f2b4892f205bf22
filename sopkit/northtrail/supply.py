"""What is made and delivered: hours, stock-outs, the queue of repairs, late orders, sales.

Production stays at the plant. Arrays over months have months last; ``_stock`` follows from them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sopkit.northtrail import _given, _stock
from sopkit.northtrail._given import BUDGET_FROM, CYCLE, MONTHS
from sopkit.northtrail.catalogue import Offer
from sopkit.northtrail.market import Demand

PROMOTION_PRICE_RATE = 0.92  # price paid in a promotion, share of list
ORDERED_RATE = 0.4  # share of units lost to a stock-out that were ordered all the same
ON_TIME_RATE, LATE_RATE = 0.96, 0.70  # share delivered on time, usually and in a stock-out
LATE_ORDER_RATE = 0.15  # share of made-to-order orders delivered a month late
CLEAN_PEAK_RATE = 0.80  # load of the busiest month over regular hours where all is well
CREDIT_RATE = 0.20  # share of what was sold that credit notes took back
UNSUPPLIED = "Tent week online"  # the promotion that comes when sewing is full
SCARCE, QUEUED = "sewing", "technicians"


@dataclass(frozen=True)
class Supply:
    """What was supplied; hours by resource (rows) and MONTHS (columns)."""

    available: pd.DataFrame  # hours, regular and overtime
    load: pd.DataFrame  # hours of expected demand, without the promotion nobody can supply
    tables: dict[str, pd.DataFrame]
    truths: dict[str, object]


def supply(offer: Offer, demand: Demand, *, is_restated: bool = True) -> Supply:
    """Sales as delivered, stock, production, orders, receipts and hours.

    Parameters
    ----------
    offer, demand : Offer, Demand
        What is offered and wanted.
    is_restated : bool
        False leaves out the credit notes that were written after 2025-12 was planned.
    """
    regular, overtime, load, tables = _capacity(offer, demand)
    is_short = _given.marked(offer.series, "stockouts", is_clean=offer.is_clean)[:, :CYCLE]
    is_credited = _given.marked(offer.series, "credit_notes", is_clean=offer.is_clean)[:, :CYCLE]
    shipped, ordered, owed = _shipped(offer, demand, is_short, regular.loc[QUEUED].to_numpy())
    credit = -np.ceil(CREDIT_RATE * np.maximum(shipped, 0) * is_credited).astype(int)
    kept = credit * is_restated
    sales = _sales(offer, demand, (shipped, kept, ordered), is_short)
    tables |= {"sales": sales, **_stock.tables(offer, demand, shipped, owed, kept)}
    cells = {
        "lost_units": np.where(is_short, demand.wanted[:, :CYCLE] - shipped, 0),
        "returns": np.where(shipped < 0, -shipped, 0),
        "restated": credit,
    }
    truths = {name: _given.cells(offer.series, matrix) for name, matrix in cells.items()}
    stock = tables["inventory"]
    truths["service_queue"] = stock.loc[stock["is_service"], ["item", "month", "backlog"]]
    truths["unknown_items"] = sorted(set(sales["item"]) - set(offer.items["item"]))
    truths |= _bottleneck(offer, demand, load, [regular, overtime])
    return Supply(regular + overtime, load, tables, truths)


def _capacity(offer: Offer, demand: Demand) -> tuple:
    """Hours there are and hours expected demand takes, and the tables that say so."""
    resources = _given.read("resources").set_index("resource").assign(location="plant")
    load = _load(offer, demand.without)
    # holidays in August and December; five percent more people each year
    days = np.where(MONTHS.month.isin([8, 12]), 0.90, 1.0) * 1.05 ** (MONTHS.year.to_numpy() - 2026)
    peak = CLEAN_PEAK_RATE if offer.is_clean else resources["peak_rate"]
    needed = (load / days).iloc[:, CYCLE : CYCLE + 18].max(axis=1) / peak
    year, whole = range(CYCLE, CYCLE + 12), 1 + resources["overtime_rate"]
    # the scarce one is short over the year, whatever its peak
    scarce = load[year].sum(axis=1) / days[year].sum() / whole / resources["year_rate"]
    workers = (needed.fillna(scarce) / resources["hours_per_worker"]).round()
    hours = workers * resources["hours_per_worker"]
    resources = resources.assign(
        workers=workers,
        minimum_workers=np.floor(workers * resources["least_rate"]),
        maximum_workers=np.ceil(workers * resources["most_rate"]),
        regular_hours=hours,
        overtime_hours=(hours * resources["overtime_rate"]).round(),
    )
    names, span = ["regular_hours", "overtime_hours"], list(range(BUDGET_FROM, len(MONTHS)))
    by_month = {n: pd.DataFrame(np.outer(resources[n], days), resources.index) for n in names}
    by_month = {name: amount.round() for name, amount in by_month.items()}
    ahead = {name: amount[span] for name, amount in by_month.items()}
    resources = resources.reset_index()
    routings = offer.hours.rename_axis(columns="resource").stack().rename("hours_per_unit")
    made = {
        "resources": resources,
        "capacity": _given.long(resources[["resource"]], span, **ahead),
        "routings": routings[routings > 0].reset_index(),
    }
    return *by_month.values(), load, made


def _load(offer: Offer, quantity: np.ndarray) -> pd.DataFrame:
    """Hours by resource and month that a quantity by series and month takes."""
    hours = offer.hours.loc[offer.series["item"]].to_numpy()
    return pd.DataFrame(hours.T @ quantity, offer.hours.columns)


def _shipped(
    offer: Offer, demand: Demand, is_short: np.ndarray, hours: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Units shipped, ordered and owed at month end, series by closed months.

    A return stands where a sale would. Of what a stock-out loses, a part was still ordered.
    Technicians serve all who wait alike; orders made late are delivered a month later.
    """
    series, rng = offer.series, _given.stream(offer.seed, 7)
    ordered = demand.wanted[:, :CYCLE].astype(int)
    shipped = np.where(is_short, np.minimum(ordered, np.maximum(1, ordered // 6)), ordered)
    is_late = (rng.random(ordered.shape) < LATE_ORDER_RATE) & (not offer.is_clean)
    owed = np.where(series["is_made_to_order"].to_numpy()[:, None] & is_late, ordered, 0)
    shipped = shipped - owed + np.pad(owed, ((0, 0), (1, 0)))[:, :-1]
    ordered = np.where(is_short, shipped + np.round(ORDERED_RATE * (ordered - shipped)), ordered)
    jobs = np.flatnonzero(series["is_service"])
    per_job = offer.hours.loc[series["item"].iloc[jobs], QUEUED].to_numpy()
    waiting = np.zeros(len(jobs), dtype=int)
    for month in range(CYCLE):  # the queue carries over
        waiting = waiting + ordered[jobs, month].astype(int)
        share = 1.0 if offer.is_clean else min(1.0, hours[month] / (waiting @ per_job))
        shipped[jobs, month] = np.floor(waiting * share)
        waiting = waiting - shipped[jobs, month]
        owed[jobs, month] = waiting
    is_returned = demand.is_returned & ~is_short
    back = -rng.integers(1, 6, shipped.shape)
    shipped, ordered = np.where(is_returned, back, shipped), np.where(is_returned, 0, ordered)
    return shipped, ordered.astype(int), owed


def _sales(
    offer: Offer, demand: Demand, units: tuple[np.ndarray, ...], is_short: np.ndarray
) -> pd.DataFrame:
    """Table `sales` from units shipped, credited and ordered; money in the location's currency."""
    shipped, credited, ordered = units
    sold, rng = shipped + credited, _given.stream(offer.seed, 8)
    is_promoted = demand.is_promoted[:, :CYCLE]
    paid = offer.price[:, :CYCLE] * np.where(is_promoted, PROMOTION_PRICE_RATE, 1.0)
    on_time = np.where(is_short, LATE_RATE, ON_TIME_RATE + np.zeros_like(paid))
    for action in _given.read("actions").query("kpi == 'on_time_rate'").itertuples():
        # before the action took effect the family stood that much lower
        rows = (offer.series["family"] == action.family).to_numpy()[:, None]
        on_time -= action.true_amount * (rows & (MONTHS[:CYCLE] < action.effect_first_month))
    arrived = rng.binomial(np.maximum(shipped, 0), on_time)
    sales = _given.long(
        offer.series[["item", "location", "channel"]],
        range(CYCLE),
        quantity=sold,
        revenue_value=(sold * paid).round(2),
        ordered_quantity=ordered,
        on_time_quantity=np.minimum(arrived, np.maximum(sold, 0)),
        is_stockout=is_short,
        is_promotion=is_promoted,
    )
    sales = sales[(sales["quantity"] != 0) | (sales["ordered_quantity"] != 0)]
    unknown = _given.read("unknown_sales", is_clean=offer.is_clean)
    return pd.concat([sales, unknown], ignore_index=True)


def _bottleneck(offer: Offer, demand: Demand, load: pd.DataFrame, hours: list) -> dict:
    """Which resource binds first and when, and the promotion that it cannot supply."""
    if offer.is_clean:
        return {}
    regular, overtime = (amount.loc[SCARCE] for amount in hours)
    first = (load.loc[SCARCE] > regular)[CYCLE:].idxmax()
    extra = demand.expected - demand.without
    month = int(np.flatnonzero(extra.sum(axis=0))[0])
    a_tent = _load(offer, extra).loc[SCARCE, month] / extra[:, month].sum()
    free = (regular + overtime - load.loc[SCARCE])[[month - 1, month]].clip(lower=0).sum()
    return {
        "binding_resource": {"resource": SCARCE, "first_month": MONTHS[first]},
        "promotion_without_supply": {
            "event": UNSUPPLIED,
            "month": MONTHS[month],
            "extra_units": float(extra[:, month].sum()),
            "free_units": float(free / a_tent),
        },
    }
