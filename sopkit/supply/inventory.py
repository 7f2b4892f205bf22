"""Stock: what covers the uncertainty, what there is, and what it becomes.

opening + supply − demand = closing, the next month's opening; below zero is backlog.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.optimize.elementwise import find_root
from scipy.special import ndtr, ndtri

from sopkit import months, schema

DAYS_A_MONTH = 30.4
REVIEW_MONTHS = 1.0  # a plan is made once a month: what is ordered now must last until the next
_FARTHEST = 40.0  # standard deviations beyond which no shortage is left
SERVICE_LEVELS = (0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99)  # compared in money
PATHS, SEED = 1_000, 0  # one seed for all cycles: stock moves with the forecast, not with the draw


def safety_stock(
    demand_sd: np.ndarray | float,
    lead_time_months: np.ndarray | float,
    service_level_rate: np.ndarray | float,
    *,
    demand_mean: np.ndarray | float = 0.0,
    lead_time_sd: np.ndarray | float = 0.0,
) -> np.ndarray:
    """Stock held against demand variation over the time it takes to react.

    Parameters
    ----------
    demand_sd : float or array
        Standard deviation of the monthly forecast error, units. [σ]
    lead_time_months : float or array
        Replenishment lead time plus review time, months. [L]
    service_level_rate : float or array
        Probability of no stock-out in a replenishment cycle, above 0 and below 1.
    demand_mean : float or array
        Mean demand a month, units; matters where the lead time varies. [D]
    lead_time_sd : float or array
        Standard deviation of the lead time, months. [s]

    Returns
    -------
    array
        Safety stock, units.

    Raises
    ------
    ValueError
        If a service level is not strictly between 0 and 1.

    Notes
    -----
    ``z · √(L σ² + D² s²)``; monthly errors independent and normal. Any unit of time will do, if it
    is the same throughout.
    Source: Chopra & Meindl, Supply Chain Management, chapter on safety inventory.

    Examples
    --------
    >>> round(float(safety_stock(40, 4, 0.95)), 1)
    131.6
    """
    rates = _rates(service_level_rate)
    z = ndtri(rates)
    demand = np.square(demand_sd) * np.asarray(lead_time_months)
    return z * np.sqrt(demand + np.square(np.multiply(demand_mean, lead_time_sd)))


def expected_shortage(
    stock: np.ndarray | float, total_sd: np.ndarray | float
) -> np.ndarray | float:
    """Units that a replenishment cycle falls short of demand, on average.

    Parameters
    ----------
    stock : float or array
        Safety stock, units; may be negative.
    total_sd : float or array
        Standard deviation of demand over lead and review time, units, above 0. [σ_L]

    Returns
    -------
    float or array
        Units a cycle. Over the lot size it is the share of demand not met from the shelf: the fill
        rate is ``1 − shortage / lot size``.

    Notes
    -----
    ``σ_L · G(stock / σ_L)``, G the standard normal loss function; demand is normal.
    Source: Chopra & Meindl, Supply Chain Management, chapter on safety inventory.

    Examples
    --------
    >>> round(float(expected_shortage(1000, 500 * 2**0.5)), 1)
    25.1
    """
    score = np.divide(stock, total_sd)
    density = np.exp(-np.square(score) / 2.0) / np.sqrt(2.0 * np.pi)
    return np.multiply(total_sd, density - score * ndtr(-score))


def safety_stock_for_fill_rate(
    total_sd: np.ndarray | float, lot_size: np.ndarray | float, fill_rate: np.ndarray | float
) -> np.ndarray:
    """Safety stock with which a share of demand is met from the shelf.

    Parameters
    ----------
    total_sd : float or array
        Standard deviation of demand over lead and review time, units, above 0. [σ_L]
    lot_size : float or array
        Units replenished at once: mean demand of a cycle.
    fill_rate : float or array
        Share of demand met from stock, above 0 and below 1.

    Returns
    -------
    array
        Units; negative where lots alone fill more than asked for.

    Raises
    ------
    ValueError
        If a fill rate is not strictly between 0 and 1.

    Notes
    -----
    Solves ``expected_shortage(stock) = (1 − fill rate) · lot size``.

    Examples
    --------
    >>> round(float(safety_stock_for_fill_rate(500 * 2**0.5, 10_000, 0.975)), 1)
    66.7
    """
    short = (1.0 - _rates(fill_rate, "fill_rate")) * lot_size
    high = np.multiply(total_sd, _FARTHEST) + np.zeros_like(short)

    def excess(stock, total_sd, short):
        return expected_shortage(stock, total_sd) - short

    return find_root(excess, (-high - short, high), args=(total_sd, short)).x


def _rates(rates: np.ndarray | float, name: str = "service_level_rate") -> np.ndarray:
    rates = np.asarray(rates, dtype="float64")
    if ((rates <= 0) | (rates >= 1)).any():
        wrong = rates[(rates <= 0) | (rates >= 1)].flat[0]
        raise ValueError(f"{name} {wrong:g} is not between 0 and 1; write 0.95 for 95 %.")
    return rates


def total_errors(
    futures: Iterable[np.ndarray],
    forecast: pd.DataFrame,
    locations: pd.DataFrame,
    terms: pd.DataFrame,
) -> np.ndarray:
    """Demand beyond its mean over lead and review time, in each possible future.

    Parameters
    ----------
    futures : iterable of array (block, n_series, n_months)
        Possible demand, units, from ``intervals.sample_paths`` of the same forecast.
    forecast : DataFrame
        Table `forecast`, as many months from the cycle on as the longest exposure needs.
    locations : DataFrame
        Table `locations`: where each series is supplied from.
    terms : DataFrame
        From ``replenishment``.

    Returns
    -------
    array (n_futures, 2, n_terms)
        Units over the whole months below and above each exposure; zero where nothing is forecast.
        An exposure beyond the last month takes all months, times the root of what is longer.
    """
    table = forecast.sort_values(schema.SERIES_MONTH, ignore_index=True)
    keys = table[schema.SERIES].drop_duplicates()
    sites = keys.assign(location=source(keys["location"], locations))[schema.SITE]
    index = pd.MultiIndex.from_frame(terms[schema.SITE])
    place = index.get_indexer(pd.MultiIndex.from_frame(sites))
    chosen = np.argsort(place, kind="stable")[(place < 0).sum() :]  # planned series, by site
    own, starts = np.unique(place[chosen], return_index=True)
    mean = table["quantity"].to_numpy().reshape(len(keys), -1)[chosen]
    exposure, horizon = terms["exposure_months"].to_numpy(), mean.shape[1]
    last = np.clip([np.floor(exposure), np.ceil(exposure)], 1, horizon).astype("int64") - 1
    parts = []
    for block in futures:
        missed = np.zeros((len(block), 2, len(terms)))
        if len(own):
            totals = np.cumsum(block[:, chosen] - mean, axis=2)
            ends = [totals[:, np.arange(len(chosen)), row[place[chosen]]] for row in last]
            missed[..., own] = np.add.reduceat(np.stack(ends, axis=1), starts, axis=2)
        parts.append(missed)
    return np.concatenate(parts) * np.sqrt(np.maximum(exposure / horizon, 1.0))


def covering_stock(errors: np.ndarray, terms: pd.DataFrame) -> np.ndarray:
    """Stock that covers demand over lead and review time as often as the service level says.

    Parameters
    ----------
    errors : array (n_futures, 2, n_terms)
        From ``total_errors``, units.
    terms : DataFrame
        From ``replenishment``.

    Returns
    -------
    array (n_terms,)
        Units, not negative; zero for services and for what is made to order.

    Notes
    -----
    A quantile of the total less its mean, read off futures in which series and months depend on
    one another as they did: nothing is taken as normal or independent. Between whole months
    squares are interpolated, as variances add up.

    Examples
    --------
    >>> terms = {"exposure_months": [1.0], "service_level_rate": [0.75]}
    >>> terms |= {"is_service": [False], "is_made_to_order": [False]}
    >>> errors = np.array([-5.0, -2.0, 0.0, 3.0, 10.0]).reshape(5, 1, 1).repeat(2, axis=1)
    >>> covering_stock(errors, pd.DataFrame(terms))
    array([3.])
    """
    level, stock = _rates(terms["service_level_rate"]), np.zeros(errors.shape[1:])
    for rate in np.unique(level):
        stock[:, level == rate] = np.quantile(errors[..., level == rate], rate, axis=0)
    near, far = np.maximum(stock, 0.0) ** 2
    part = terms["exposure_months"].to_numpy() % 1.0
    is_held = ~(terms["is_service"] | terms["is_made_to_order"])
    return np.where(is_held, np.sqrt(near + part * (far - near)), 0.0)


def service_frontier(
    errors: np.ndarray, terms: pd.DataFrame, unit_cost: np.ndarray
) -> pd.DataFrame:
    """Table ``service_frontier``: what safety stock costs at each service level.

    Parameters
    ----------
    errors : array (n_futures, 2, n_terms)
        From ``total_errors``, units.
    terms : DataFrame
        From ``replenishment``, with ``safety_stock``.
    unit_cost : array (n_terms,)
        Cost a unit; what has none is left out.

    Returns
    -------
    DataFrame
        Key ``service_level_rate, is_plan``: ``amount_value`` of safety stock with that level
        everywhere, and in the plan's row with the planned ones, whose mean over the items that
        hold stock it tells. Empty without costs or stock.
    """
    is_held = ~(terms["is_service"] | terms["is_made_to_order"]) & np.isfinite(unit_cost)
    columns = ["service_level_rate", "is_plan", "amount_value"]
    if not is_held.any():
        return pd.DataFrame(columns=columns).astype({"is_plan": "bool", "amount_value": "float64"})
    cost = np.where(is_held, unit_cost, 0.0)
    rows = [(terms.loc[is_held, "service_level_rate"].mean(), True, terms["safety_stock"] @ cost)]
    for rate in SERVICE_LEVELS:
        stock = covering_stock(errors, terms.assign(service_level_rate=rate))
        rows.append((rate, False, stock @ cost))
    return pd.DataFrame(rows, columns=columns).sort_values(columns, ignore_index=True)


def site_demand(plan: pd.DataFrame, locations: pd.DataFrame) -> pd.DataFrame:
    """Demand on each site: markets' plans summed where they are supplied from.

    Parameters
    ----------
    plan : DataFrame
        Table `demand_plan`.
    locations : DataFrame
        Table `locations`; a market without ``supplied_from`` supplies itself, and a depot's
        demand stands at the plant that supplies it: stock is planned for the whole chain.

    Returns
    -------
    DataFrame
        Key ``item, location, month``: ``demand``, units.
    """
    rows = plan.assign(location=source(plan["location"], locations), demand=plan["consensus"])
    return rows.groupby(schema.SITE_MONTH, as_index=False)[["demand"]].sum()


def source(places: pd.Series, locations: pd.DataFrame) -> pd.Series:
    """The site at the head of the chain that supplies each place; itself where nothing does.

    Examples
    --------
    >>> chain = pd.DataFrame({"location": ["shop", "depot"], "supplied_from": ["depot", "plant"]})
    >>> source(pd.Series(["shop", "plant"]), chain).tolist()
    ['plant', 'plant']
    """
    for _ in range(len(locations)):
        above = schema.lookup(places, locations, "supplied_from", on="location").fillna(places)
        if above.eq(places).all():
            break
        places = above
    return places.astype("str")


def receipts(scheduled: pd.DataFrame, locations: pd.DataFrame) -> pd.DataFrame:
    """What is on its way, at the head of the chain; transfers inside a chain add no stock.

    Parameters
    ----------
    scheduled : DataFrame
        Table `scheduled_receipts`.
    locations : DataFrame
        Table `locations`.
    """
    head = source(scheduled["location"], locations)
    is_inside = (scheduled["kind"] == "transfer") & head.ne(scheduled["location"])
    return scheduled.assign(location=head)[~is_inside]


def replenishment(
    sites: pd.DataFrame, items: pd.DataFrame, suppliers: pd.DataFrame, service_levels: dict
) -> pd.DataFrame:
    """How each item of each site is replenished: bought or made, how fast, how surely.

    Parameters
    ----------
    sites : DataFrame
        From ``site_demand``.
    items, suppliers : DataFrame
        Raw tables; a bought item's lead time is its own, else its quickest supplier's.
    service_levels : dict
        Service level by family, and ``default``, 0 to 1.

    Returns
    -------
    DataFrame
        Key ``item, location``: ``is_service``, ``is_purchased``, ``is_made_to_order``,
        ``lead_time_months`` (whole months before an order placed now arrives),
        ``exposure_months`` (lead time and a month of review: what stock must last for),
        ``service_level_rate`` (share of cycles without a stock-out).

    Raises
    ------
    ValueError
        If a service level is not strictly between 0 and 1.
    """
    table = sites[schema.SITE].drop_duplicates().sort_values(schema.SITE, ignore_index=True)
    family = schema.lookup(table["item"], items, "family")
    days = schema.lookup(table["item"], items, "lead_time_days")
    for level, members in (("item", table["item"]), ("family", family)):
        days = days.fillna(members.map(suppliers.groupby(level)["lead_time_days"].min()))
    days = days.fillna(0.0)
    level = family.map(service_levels)
    level = level.fillna(service_levels.get("default", 0.95)).astype("float64")
    lead = np.floor(days / DAYS_A_MONTH + 0.5)
    is_service = schema.lookup(table["item"], items, "is_service").fillna(False).astype(bool)
    is_to_order = schema.lookup(table["item"], items, "is_made_to_order").fillna(False).astype(bool)
    return table[schema.SITE].assign(
        is_service=is_service,
        is_purchased=schema.lookup(table["item"], items, "is_purchased").fillna(False).astype(bool),
        is_made_to_order=is_to_order,
        lead_time_months=lead.astype("int64"),
        exposure_months=days / DAYS_A_MONTH + REVIEW_MONTHS,
        service_level_rate=_rates(level),
    )


def opening_stock(
    inventory: pd.DataFrame, sites: pd.DataFrame, locations: pd.DataFrame, cycle: pd.Timestamp
) -> tuple[pd.Series, bool]:
    """Stock less backlog at the end of the last closed month, by item and head of the chain.

    Returns
    -------
    opening : Series
        Indexed by ``item, location``; zero for an item the stock list does not name.
    is_known : bool
        False where no stock of the last closed month is known at any of the sites.
    """
    index = pd.MultiIndex.from_frame(sites[schema.SITE].drop_duplicates())
    last = inventory[inventory["month"] == months.shift(cycle, -1)]
    net = last["on_hand"] - last["backlog"].fillna(0.0)
    opening = net.groupby([last["item"], source(last["location"], locations)]).sum()
    return opening.reindex(index, fill_value=0.0), bool(opening.index.isin(index).any())
