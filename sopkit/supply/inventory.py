"""Stock: what covers the uncertainty, what there is, and what it becomes.

opening + supply − demand = closing, the next month's opening; below zero is backlog.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from sopkit import schema
from sopkit.supply import sites as chains

_FARTHEST = 40.0  # standard deviations beyond which no shortage is left
SERVICE_LEVELS = (0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99)  # compared in money
PATHS, SEED = 1_000, 0  # one seed for all cycles: stock moves with the forecast, not with the draw
_TOLERANCE = 0.5  # units below safety stock that are rounding


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
    from scipy.optimize.elementwise import find_root  # here: `status` must not wait for it

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
    items: pd.DataFrame,
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
    items, locations : DataFrame
        Raw tables: which site serves each series.
    terms : DataFrame
        From ``sites.replenishment``.

    Returns
    -------
    array (n_futures, 2, 2, n_terms)
        Units of the site's own customers, and of all customers served from it or through it; over
        the whole months below and above each exposure. Zero where nothing is forecast. An
        exposure beyond the last month takes all months, times the root of what is longer.
    """
    table = forecast.sort_values(schema.SERIES_MONTH, ignore_index=True)
    keys = table[schema.SERIES].drop_duplicates(ignore_index=True)
    series, place = chains.flows(keys, items, locations, terms)
    order = np.argsort(place, kind="stable")
    series, place = series[order], place[order]
    own, starts = np.unique(place, return_index=True)
    mean = table["quantity"].to_numpy().reshape(len(keys), -1)
    exposure, horizon = terms["exposure_months"].to_numpy(), mean.shape[1]
    last = np.clip([np.floor(exposure), np.ceil(exposure)], 1, horizon).astype("int64") - 1
    parts = []
    for block in futures:
        missed = np.zeros((len(block), 2, 2 * len(terms)))
        if len(own):
            totals = np.cumsum(block - mean, axis=2)
            ends = [totals[:, series, row[place % len(terms)]] for row in last]
            missed[..., own] = np.add.reduceat(np.stack(ends, axis=1), starts, axis=2)
        parts.append(missed.reshape(len(block), 2, 2, len(terms)))
    errors = np.concatenate(parts).swapaxes(1, 2)
    return errors * np.sqrt(np.maximum(exposure / horizon, 1.0))


def covering_stock(errors: np.ndarray, terms: pd.DataFrame) -> np.ndarray:
    """Stock that covers demand over lead and review time as often as the service level says.

    Parameters
    ----------
    errors : array (n_futures, 2, 2, n_terms)
        From ``total_errors``, units.
    terms : DataFrame
        From ``sites.replenishment``.

    Returns
    -------
    array (n_terms,)
        Units, not negative; zero for services and for what is made to order.

    Notes
    -----
    A quantile of the total less its mean, read off futures in which series and months depend on
    one another as they did: nothing is taken as normal or independent. Between whole months
    squares are interpolated, as variances add up. A site that supplies others covers all that
    passes it, less what they hold themselves, and never less than its own customers need
    (echelon stock: Clark & Scarf 1960).

    Examples
    --------
    >>> terms = {"exposure_months": [1.0], "service_level_rate": [0.75], "supplied_from": [None]}
    >>> terms |= {"is_service": [False], "is_made_to_order": [False], "location": ["plant"]}
    >>> errors = np.array([-5.0, -2.0, 0.0, 3.0, 10.0]).reshape(5, 1, 1, 1)
    >>> errors = errors.repeat(2, axis=1).repeat(2, axis=2)
    >>> covering_stock(errors, pd.DataFrame(terms | {"item": ["A"]}))
    array([3.])
    """
    level, stock = _rates(terms["service_level_rate"]), np.zeros(errors.shape[1:])
    for rate in np.unique(level):
        stock[..., level == rate] = np.quantile(errors[..., level == rate], rate, axis=0)
    near, far = np.maximum(stock, 0.0).swapaxes(0, 1) ** 2
    part = terms["exposure_months"].to_numpy() % 1.0
    is_held = ~(terms["is_service"] | terms["is_made_to_order"]).to_numpy()
    own, passing = np.where(is_held, np.sqrt(near + part * (far - near)), 0.0)
    above = chains.supplied_from(terms)
    held, order = own.copy(), np.argsort(-chains.depths(above), kind="stable")
    below = np.zeros_like(own)  # what the sites supplied from here hold
    for k in order:  # the farthest sites first
        if below[k] > 0:
            held[k] = max(passing[k] - below[k], own[k])
        if above[k] >= 0:
            below[above[k]] += held[k] + below[k]
    return held


def service_frontier(
    errors: np.ndarray, terms: pd.DataFrame, unit_cost: np.ndarray
) -> pd.DataFrame:
    """Table ``service_frontier``: what safety stock costs at each service level.

    Parameters
    ----------
    errors : array (n_futures, 2, 2, n_terms)
        From ``total_errors``, units.
    terms : DataFrame
        From ``sites.replenishment``, with ``safety_stock``.
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


def below_safety(projection: pd.DataFrame, unit_cost: pd.Series) -> dict[str, object]:
    """The month end at which most items stand below their safety stock.

    Parameters
    ----------
    projection : DataFrame
        Table `inventory_projection`, item units.
    unit_cost : Series
        Cost a unit by item.

    Returns
    -------
    dict
        ``month`` (missing where no item is below), ``items`` below in it at any site, ``of`` all
        items planned, ``amount_value``: what is lacking, at the costs that are known.

    Examples
    --------
    >>> month = pd.to_datetime(["2026-01-01", "2026-02-01"])
    >>> plan = pd.DataFrame({"item": "A", "month": month, "closing": [9.0, 4.0]})
    >>> below_safety(plan.assign(safety_stock=6.0), pd.Series({"A": 5.0}))["amount_value"]
    10.0
    """
    lacking = projection["safety_stock"] - projection["closing"]
    low = projection[lacking > _TOLERANCE].assign(lacking=lacking)
    by_month = low.groupby("month")["item"].nunique()
    month = by_month.idxmax() if len(by_month) else pd.NaT
    own = low[low["month"] == month]
    money = (own["lacking"] * own["item"].map(unit_cost).astype("float64")).sum(min_count=1)
    count, of = own["item"].nunique(), projection["item"].nunique()
    return {"month": month, "items": count, "of": of, "amount_value": float(money)}


def stock_health(
    projection: pd.DataFrame, terms: pd.DataFrame, unit_cost: pd.Series
) -> pd.DataFrame:
    """Table ``stock_health``: how long stock lasts, what is too much, what will never sell.

    Parameters
    ----------
    projection : DataFrame
        Table `inventory_projection`.
    terms : DataFrame
        From ``sites.replenishment``, with ``safety_stock``.
    unit_cost : Series
        Cost a unit by item.

    Returns
    -------
    DataFrame
        Key ``item, location``: ``opening`` stock; ``demand`` of a mean month; ``cover_months``
        (until it has sold, receipts left out; all planned months where it lasts longer);
        ``excess`` (opening beyond safety stock and demand over lead and review time);
        ``obsolete`` (left after the last month of demand); ``below_months`` (month ends below
        safety stock); ``excess_value``, ``obsolete_value``.

    Examples
    --------
    >>> span = pd.to_datetime(["2026-01-01", "2026-02-01"])
    >>> projection = pd.DataFrame({"item": "A", "location": "plant", "month": span,
    ...     "opening": [40.0, 30.0], "demand": 10.0, "closing": [30.0, 20.0], "safety_stock": 5.0})
    >>> terms = pd.DataFrame({"item": ["A"], "location": "plant", "exposure_months": 1.5,
    ...     "safety_stock": 5.0})
    >>> health = stock_health(projection, terms, pd.Series({"A": 2.0}))
    >>> health[["cover_months", "excess", "obsolete", "excess_value"]].values.tolist()
    [[2.0, 20.0, 0.0, 40.0]]
    """
    table = projection.sort_values(schema.SITE_MONTH, ignore_index=True)
    keys = table[schema.SITE].drop_duplicates(ignore_index=True)

    def laid(column: str) -> np.ndarray:
        return table[column].to_numpy(dtype="float64").reshape(len(keys), -1)

    demand, closing = laid("demand"), laid("closing")
    opening, count = np.maximum(laid("opening")[:, 0], 0.0), demand.shape[1]
    own = keys.merge(terms, on=schema.SITE, how="left", validate="one_to_one")
    sold = np.pad(np.cumsum(demand, axis=1), ((0, 0), (1, 0)))
    whole = (sold[:, 1:] <= opening[:, None] + 1e-9).sum(axis=1)  # months it covers in full
    at = np.minimum(whole, count - 1)
    each = np.arange(len(keys))
    part = (opening - sold[each, at]) / np.where(demand[each, at] > 0, demand[each, at], np.inf)
    cover = np.where(whole < count, whole + np.clip(part, 0.0, 1.0), float(count))
    reach = np.minimum(own["exposure_months"].to_numpy(), count)
    low = np.minimum(reach.astype("int64"), count - 1)
    due = sold[each, low] + (reach - low) * demand[each, low]
    excess = np.maximum(opening - due - own["safety_stock"].to_numpy(), 0.0)
    last = np.where(demand > 0, np.arange(count), -1).max(axis=1)
    is_ending = last < count - 1
    obsolete = np.where(is_ending, np.maximum(closing[:, -1], 0.0), 0.0)
    cost = keys["item"].map(unit_cost).to_numpy(dtype="float64")
    return keys.assign(
        opening=opening,
        demand=demand.mean(axis=1),
        cover_months=cover,
        excess=excess,
        obsolete=obsolete,
        below_months=(closing < laid("safety_stock") - _TOLERANCE).sum(axis=1),
        excess_value=excess * cost,
        obsolete_value=obsolete * cost,
    )


def health_by_family(health: pd.DataFrame) -> pd.DataFrame:
    """Table ``stock_by_family``: `stock_health` added up, most money first.

    Parameters
    ----------
    health : DataFrame
        Table `stock_health` with ``family``, quantities in the common unit.

    Returns
    -------
    DataFrame
        Key ``family``: ``items`` (at sites), ``cover_months`` (opening stock over a mean month's
        demand), ``excess_value``, ``obsolete_value``, ``below_items`` (ever below safety stock).
    """
    marked = health.assign(items=1, below_items=health["below_months"] > 0)
    names = ["items", "opening", "demand", "below_items"]
    sums = marked.groupby("family")[names].sum()
    money = marked.groupby("family")[["excess_value", "obsolete_value"]].sum(min_count=1)
    cover = sums["opening"] / sums["demand"].where(sums["demand"] > 0)
    table = sums.assign(cover_months=cover, **money).reset_index()
    table = table.sort_values(["excess_value", "family"], ascending=[False, True])
    columns = ["family", "items", "cover_months", "excess_value", "obsolete_value", "below_items"]
    return table[columns].reset_index(drop=True)
