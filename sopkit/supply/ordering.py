"""What to order of whom, and when it comes: needs by month become orders at least cost.

Without minimum orders, price breaks and lots, each shortfall in turn takes the cheapest receipt
that still comes in time, holding counted: least cost, for what serves a month serves all later
ones. With them, quantities are tried that cover some months, meet a minimum or reach a break
(``_in_lots``): within a few percent of the mixed-integer optimum.
"""

from __future__ import annotations

import heapq

import numpy as np
import pandas as pd

_LATE = 50.0  # times the dearest price: what a unit late costs a month, so that none is by choice
_MOST_STATES = 24  # stocks after a month that are followed up
_AHEAD_MONTHS = 12  # months that one order may cover
_EPSILON = 1e-6
_NEED, _BREAK, _SECOND = "need", "price break", "second supplier"
_MINIMUM = "raised to the minimum, lasts {}"
_AHEAD = "ahead of need: its limit binds later"
_TOGETHER = "ahead of need: less than the minimum alone"


def orders(keys: pd.DataFrame, net: np.ndarray, sources: pd.DataFrame) -> pd.DataFrame:
    """Receipts to order of each supplier, month by month.

    Parameters
    ----------
    keys : DataFrame
        ``item, location, holding_cost_value`` (of a unit a month; missing counts nothing),
        ``lot_size`` (orders are multiples of it where it is above 1), one row an item and site.
    net : array (n, t)
        Units that must be there by month, rows as in ``keys``.
    sources : DataFrame
        From ``sourcing.sources``, the cheapest of an item first.

    Returns
    -------
    DataFrame
        Key ``item, location, supplier``, ``at`` (position of the month of receipt): ``quantity``,
        ``unit_cost_value`` (the lower price for the whole order from the break on), ``reason``.
        What cannot come in its month comes in the first that is possible; what cannot come within
        the months planned is not ordered. A monthly limit holds for all sites together.

    Examples
    --------
    >>> keys = pd.DataFrame({"item": ["A"], "location": "plant", "holding_cost_value": 0.1,
    ...     "lot_size": 1.0})
    >>> sources = pd.DataFrame({"item": "A", "supplier": ["far", "near"],
    ...     "lead_time_months": [2, 0], "unit_cost_value": [1.0, 1.5], "monthly_limit": np.inf,
    ...     "minimum_order": [50.0, 0.0], "break_quantity": np.inf, "break_cost_value": np.nan})
    >>> made = orders(keys, np.array([[10.0, 0.0, 30.0, 20.0]]), sources)
    >>> made[["at", "quantity", "reason"]].values.tolist()
    [[0, 10.0, 'second supplier'], [2, 50.0, 'raised to the minimum, lasts 3 months']]
    """
    rows, rooms = [], {}
    by_item = dict(list(sources.groupby("item", sort=False)))
    for key, need in zip(keys.to_dict("records"), net, strict=True):
        if need.sum() <= _EPSILON or key["item"] not in by_item:
            continue
        terms = by_item[key["item"]]
        terms = {name: terms[name].to_numpy() for name in terms}
        dearest = np.nanmax(np.append(terms["unit_cost_value"].astype("float64"), 0.0))
        terms["price"] = np.nan_to_num(terms["unit_cost_value"], nan=dearest)
        limit = np.tile(terms["monthly_limit"][:, None], len(need))
        room = rooms.setdefault(key["item"], limit)
        room[np.arange(len(need)) < terms["lead_time_months"][:, None]] = 0.0
        terms["holding"] = np.nan_to_num(key["holding_cost_value"])
        is_lot = (key["lot_size"] > 1) & (key["lot_size"] <= terms["monthly_limit"])
        terms["lot"] = np.where(is_lot, key["lot_size"], 0.0)  # more than a month gives binds none
        chosen = _cheapest(need, terms, room)
        if _is_lumpy(chosen, terms):
            tried = _in_lots(need, terms, room, chosen)
            is_fit = not _breaks_terms(chosen, terms)
            keep = is_fit and _cost(chosen, need, terms) <= _cost(tried, need, terms)
            chosen = chosen if keep else tried
        room -= chosen
        rows += _told(key, chosen, need, terms)
    columns = ["item", "location", "supplier", "at", "quantity", "unit_cost_value", "reason"]
    kinds = {"quantity": "float64", "unit_cost_value": "float64", "at": "int64"}
    kinds |= dict.fromkeys(["item", "location", "supplier", "reason"], "str")
    return pd.DataFrame(rows, columns=columns).astype(kinds)


def _cheapest(need: np.ndarray, terms: dict, room: np.ndarray) -> np.ndarray:
    """Receipts (s, t): each month's shortfall from the cheapest month and supplier up to it."""
    chosen, left, offers, open_need = np.zeros_like(room), room.copy(), [], 0.0
    for t, wanted in enumerate(need):
        for s in np.flatnonzero(left[:, t] > _EPSILON):
            heapq.heappush(offers, (terms["price"][s] - terms["holding"] * t, -t, int(s)))
        open_need += wanted  # with what could not come in time
        while open_need > _EPSILON and offers:
            _, before, s = offers[0]
            taken = min(open_need, left[s, -before])
            chosen[s, -before] += taken
            left[s, -before] -= taken
            open_need -= taken
            if left[s, -before] <= _EPSILON:
                heapq.heappop(offers)
    return chosen


def _is_lumpy(chosen: np.ndarray, terms: dict) -> bool:
    """Whether quantities matter: a break could be reached, or minimum or lots are not kept."""
    return bool(np.isfinite(terms["break_quantity"]).any()) or _breaks_terms(chosen, terms)


def _breaks_terms(chosen: np.ndarray, terms: dict) -> bool:
    """Whether an order lies below its minimum, or is no multiple of the lot."""
    is_small = (chosen > _EPSILON) & (chosen < terms["minimum_order"][:, None] - _EPSILON)
    lots = chosen / np.where(terms["lot"] > 0, terms["lot"], np.inf)[:, None]
    return bool(is_small.any() or (np.abs(lots - lots.round()) > _EPSILON).any())


def _in_lots(need: np.ndarray, terms: dict, room: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Receipts (s, t) that keep minimum orders and lots and use price breaks, found by search.

    Month by month and supplier by supplier, each stock that may be left is followed with the
    cheapest way to it, the most promising ones only: an order covers the needs of some months,
    meets the minimum, reaches the break, or is what least cost without them would be.
    """
    stock, cost, steps = np.zeros(1), np.zeros(1), []
    late = _LATE * max(terms["price"].max(), _EPSILON)
    worth = np.fmin(terms["price"], terms["break_cost_value"]).min()
    for t, wanted in enumerate(need):
        ahead = need[t : t + _AHEAD_MONTHS].cumsum()
        for s in np.flatnonzero(room[:, t] > _EPSILON):
            size = _sizes(stock, ahead, terms, s, room[s, t], exact[s, t])
            after, spent = stock[:, None] + size, cost[:, None] + size * _price(size, terms, s)
            state, column = np.divmod(np.arange(size.size), size.shape[1])
            after, spent, size = (part.ravel() for part in (after, spent, size))
            kept = _promising(after, spent, worth)
            steps.append((t, s, state[kept], size[kept]))
            stock, cost = after[kept], spent[kept]
        stock = stock - wanted
        cost = cost + terms["holding"] * np.maximum(stock, 0.0) - late * np.minimum(stock, 0.0)
    chosen, at = np.zeros_like(room), int(np.argmin(cost))
    for t, s, state, size in reversed(steps):
        chosen[s, t], at = size[at], state[at]
    return chosen


def _sizes(stock, ahead, terms: dict, s: int, room: float, exact: float) -> np.ndarray:
    """Orders (states, choices) to try of a supplier in a month; none is among them."""
    least, lot, most = terms["minimum_order"][s], terms["lot"][s], room
    lacking = np.maximum(ahead - stock[:, None], 0.0)
    step = terms["break_quantity"][s]
    others = np.array([exact, step if step <= most and np.isfinite(step) else 0.0])
    size = np.hstack([lacking, np.tile(others, (len(stock), 1)), np.zeros((len(stock), 1))])
    if lot:
        size, most = np.ceil(size / lot - _EPSILON) * lot, np.floor(most / lot) * lot
        least = (
            min(np.ceil(least / lot - _EPSILON), np.floor(terms["monthly_limit"][s] / lot)) * lot
        )
    size = np.where(size > _EPSILON, np.maximum(size, least), 0.0)
    return np.where(least > most, 0.0, np.minimum(size, most))


def _price(size: np.ndarray, terms: dict, s: int) -> np.ndarray:
    """Price a unit of orders of some size."""
    is_large = size >= terms["break_quantity"][s] - _EPSILON
    return np.where(is_large, terms["break_cost_value"][s], terms["price"][s])


def _promising(stock: np.ndarray, cost: np.ndarray, worth: float) -> np.ndarray:
    """Positions of the states to follow: the cheapest of each stock, its own worth counted."""
    order = np.lexsort([cost, stock.round(6)])
    is_first = np.append(True, np.diff(stock[order].round(6)) > 0)
    order = order[is_first]
    return order[np.argsort(cost[order] - worth * stock[order], kind="stable")[:_MOST_STATES]]


def _cost(chosen: np.ndarray, need: np.ndarray, terms: dict) -> float:
    """Money of receipts (s, t): prices, holding, and what being late counts."""
    stock = (chosen.sum(axis=0) - need).cumsum()
    paid = sum((size * _price(size, terms, s)).sum() for s, size in enumerate(chosen))
    late = _LATE * max(terms["price"].max(), _EPSILON)
    return paid + terms["holding"] * np.maximum(stock, 0).sum() - late * np.minimum(stock, 0).sum()


def _told(key: dict, chosen: np.ndarray, need: np.ndarray, terms: dict) -> list[tuple]:
    """Rows of the orders of one item and site, each with its reason."""
    rows, total = [], need.cumsum()
    for t, s in np.argwhere(chosen.T > _EPSILON):
        size, before = chosen[s, t], chosen[:, :t].sum() + chosen[:s, t].sum()
        lacking = max(total[t] - before, 0.0) + _EPSILON
        reason = _SECOND if s else _NEED
        if size > lacking + terms["lot"][s]:
            least, count = terms["minimum_order"][s], round(size / need.mean())
            lasts = f"{count} month{'s' * (count > 1)}" if count else "less than a month"
            reason = _AHEAD if np.isfinite(terms["monthly_limit"][s]) else _TOGETHER
            reason = _MINIMUM.format(lasts) if least > lacking else reason
            reason = _BREAK if size >= terms["break_quantity"][s] - _EPSILON else reason
        unit = _price(size, terms, s) if np.isfinite(terms["unit_cost_value"][s]) else np.nan
        supplier = terms["supplier"][s]
        rows.append((key["item"], key["location"], supplier, int(t), size, float(unit), reason))
    return rows
