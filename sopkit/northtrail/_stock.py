"""Stock at plant and depot, what was made and used, what is ordered and on its way.

opening + production − sales = closing for every item over plant and depot together; for
components opening + production − what production used = closing.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit.northtrail import _given
from sopkit.northtrail._given import CYCLE, MONTHS, STOCK_FROM
from sopkit.northtrail.catalogue import Offer
from sopkit.northtrail.market import AHEAD, Demand

COVER_MONTHS = 1.0  # closing stock aimed at, months of expected demand, before lead time
KNOWN_ORDERS = 0.8  # share of the orders known a month ahead of those known a month later
LATE = {"item": "BP-527", "component": "CP-06"}  # launched before its component arrives
ITS_MONTH, RIGHT_MONTH = MONTHS[CYCLE + 5], MONTHS[CYCLE + 1]  # due too late, due in time
SNAPSHOTS = (CYCLE - 1, CYCLE)
SPAN = range(STOCK_FROM, CYCLE)


def tables(
    offer: Offer, demand: Demand, shipped: np.ndarray, owed: np.ndarray, credit: np.ndarray
) -> dict[str, pd.DataFrame]:
    """Tables `inventory`, `production`, `orders`, `scheduled_receipts` and `suppliers`.

    Parameters
    ----------
    offer, demand : Offer, Demand
        What is offered and wanted.
    shipped, owed, credit : array, shape (series, closed months)
        Units delivered; owed at month end; credited afterwards (below zero), back in stock.
    """
    items = offer.items
    expected = _by_item(offer, demand.expected)
    at_depot = (offer.series["supplied_from"] == "depot").to_numpy()[:, None]
    from_depot = _by_item(offer, demand.expected * at_depot)
    share = from_depot[:, SPAN].sum(axis=1) / np.maximum(expected[:, SPAN].sum(axis=1), 1)
    made, closing = _made(offer, _by_item(offer, shipped), expected)
    used = _used(offer, made)
    depot = np.floor(closing * share[:, None]).astype(int)
    plant = closing - depot - _by_item(offer, credit * ~at_depot)[:, SPAN].cumsum(axis=1)
    depot = depot - _by_item(offer, credit * at_depot)[:, SPAN].cumsum(axis=1)
    part = (items["kind"] == "part").to_numpy()
    plant[part] = np.round(0.5 * used[part].mean(axis=1, keepdims=True) + 0.3 * used[part])
    made[part] = used[part] + np.diff(plant[part], axis=1, prepend=plant[part][:, :1])
    hours = (offer.hours.sum(axis=1).to_numpy()[:, None] * made).round(1)
    owed = _by_item(offer, owed)[:, SPAN]
    here = _given.long(items, SPAN, on_hand=plant, backlog=owed, made=made, hours=hours)
    there = _given.long(items, SPAN, on_hand=depot, backlog=0 * depot)
    there = there[there["is_stocked"]]
    stock = pd.concat([here.assign(location="plant"), there.assign(location="depot")])
    stock = stock[stock["month"] >= stock["launch_month"] - pd.offsets.MonthBegin(1)]
    return {
        "inventory": stock,
        "production": stock.dropna(subset="made").assign(quantity=lambda t: t["made"].astype(int)),
        "orders": _orders(offer, demand),
        "scheduled_receipts": _receipts(offer, expected, from_depot, used),
        "suppliers": _limited(offer, used),
    }


def _by_item(offer: Offer, matrix: np.ndarray) -> np.ndarray:
    """Sums of series by item, in the order of `items`; zero for what is not sold."""
    total = pd.DataFrame(matrix).groupby(offer.series["item"].to_numpy()).sum()
    return total.reindex(offer.items["item"], fill_value=0).to_numpy()


def _made(offer: Offer, sold: np.ndarray, expected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Units made and in stock at month end, items by SPAN: to expected demand in lots.

    Services and what is made to order hold no stock: made is what was delivered.
    """
    items, is_stocked = offer.items, offer.items["is_stocked"].to_numpy()
    is_empty = _given.marked(items, "stockouts", is_clean=offer.is_clean)
    planned = np.where(is_empty, 0, expected)  # supply failed: only what is sold is made
    cover = (COVER_MONTHS + items["lead_time_days"] / 150).to_numpy()[:, None] + _moved(offer)
    wanted = np.where(is_empty, 0.02, cover) * np.roll(planned, -1, axis=1)
    lot = items["lot_size"].to_numpy()
    on_hand = np.where(is_stocked, (cover * planned)[:, STOCK_FROM], 0).astype(int)
    closing, made = np.zeros((2, len(items), len(SPAN)), dtype=int)
    for column, month in enumerate(SPAN):  # stock carries over
        short = np.maximum(wanted[:, month] + planned[:, month], sold[:, month]) - on_hand
        lots = np.ceil(np.maximum(short, 0) / lot) * lot
        made[:, column] = np.where(is_stocked, lots, sold[:, month])
        on_hand = on_hand + made[:, column] - sold[:, month]
        closing[:, column] = on_hand
    return made, closing


def _moved(offer: Offer) -> np.ndarray:
    """Months of cover by which actions moved stock in fact, items by MONTHS."""
    moved = np.zeros((len(offer.items), len(MONTHS)))
    amount = "effect_amount" if offer.is_clean else "true_amount"
    for action in _given.read("actions").query("kpi == 'inventory_cover_months'").itertuples():
        rows = (offer.items["home"] == action.family).to_numpy()[:, None]
        span = _given.active(action.effect_first_month, action.effect_last_month)
        moved += getattr(action, amount) * (rows & span)
    return moved


def _used(offer: Offer, made: np.ndarray) -> np.ndarray:
    """Components that production used, items by SPAN; zero for all others."""
    codes, bill = pd.Index(offer.items["item"]), offer.tables["components"]
    used = np.zeros(made.shape)
    quantity = made[codes.get_indexer(bill["item"])] * bill[["quantity_per"]].to_numpy()
    np.add.at(used, codes.get_indexer(bill["component"]), quantity)
    return np.round(used)


def _orders(offer: Offer, demand: Demand) -> pd.DataFrame:
    """Table `orders`: the book of what is made to order, as it stood before each snapshot."""
    keys = offer.series[offer.series["is_made_to_order"]].drop(columns="quantity")
    draw = _given.stream(offer.seed, 9).random((len(keys), CYCLE + AHEAD))
    known, books = KNOWN_ORDERS ** (np.arange(AHEAD) + 0.5), []
    for start in SNAPSHOTS:
        span = range(start, start + AHEAD)
        quantity = demand.wanted[keys.index][:, span] * (draw[:, span] < known)
        books.append(_given.long(keys, span, quantity=quantity).assign(cycle=MONTHS[start]))
    return pd.concat(books).query("quantity > 0")


def _receipts(
    offer: Offer, expected: np.ndarray, from_depot: np.ndarray, used: np.ndarray
) -> pd.DataFrame:
    """Table `scheduled_receipts`: what is ordered for the months within each lead time."""
    items, lot, dues = offer.items, offer.items[["lot_size"]].to_numpy(), []
    kind = np.where(items["is_purchased"], "purchase", "production")
    plant = items[["item", "lead_time_days"]].assign(location="plant", kind=kind)
    depot = plant.assign(location="depot", kind="transfer", lead_time_days=46)
    # what is sold by expected demand, components by what a month uses
    needed = expected + used[:, -12:].mean(axis=1, keepdims=True)
    held = ~(items["is_service"] | items["is_made_to_order"] | (items["kind"] == "new")).to_numpy()
    for start in SNAPSHOTS:
        span = range(start, start + 4)
        for keys, amount in ((plant, np.ceil(needed / lot) * lot), (depot, np.ceil(from_depot))):
            due = _given.long(keys[held], span, quantity=amount[held][:, span].astype(int))
            days = (due["month"] - MONTHS[start]).dt.days
            due = due.assign(cycle=MONTHS[start], is_firm=days < 31)
            is_ordered = (days + 15 <= due["lead_time_days"]) | (days == 0)  # this month is frozen
            dues.append(due[is_ordered & (due["quantity"] > 0)])
    late = plant[items["item"] == LATE["component"]].assign(
        month=RIGHT_MONTH if offer.is_clean else ITS_MONTH,
        cycle=MONTHS[CYCLE],
        quantity=int(expected[items["item"] == LATE["item"], CYCLE : CYCLE + 6].sum()),
        is_firm=True,
    )
    return pd.concat([*dues, late])


def _limited(offer: Offer, used: np.ndarray) -> pd.DataFrame:
    """Table `suppliers`, with the monthly limit of one against what production uses."""
    suppliers = offer.tables["suppliers"]
    typical = pd.Series(used[:, -12:].mean(axis=1), offer.items["item"])
    limit = suppliers["item"].map(typical) * suppliers["limit_rate"]
    return suppliers.assign(monthly_limit=limit.round(-2))
