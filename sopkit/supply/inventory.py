"""Stock: what covers the uncertainty, what there is, and what it becomes.

opening + supply − demand = closing, the next month's opening; below zero is backlog.
"""

from __future__ import annotations

from collections.abc import Iterable
from statistics import NormalDist

import numpy as np
import pandas as pd

from sopkit import months, schema

DAYS_A_MONTH = 30.4
REVIEW_MONTHS = 1.0  # a plan is made once a month: what is ordered now must last until the next
PATHS, SEED = 1_000, 0  # one seed for all cycles: stock moves with the forecast, not with the draw


def safety_stock(
    demand_sd: np.ndarray | float,
    lead_time_months: np.ndarray | float,
    service_level_rate: np.ndarray | float,
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
    ``z · σ · √L``; monthly errors independent and normal.
    Source: Chopra & Meindl, Supply Chain Management, chapter on safety inventory.

    Examples
    --------
    >>> round(float(safety_stock(40, 4, 0.95)), 1)
    131.6
    """
    rates = _service_levels(service_level_rate)
    z = np.vectorize(NormalDist().inv_cdf, otypes=[float])(rates)
    return z * np.asarray(demand_sd) * np.sqrt(np.asarray(lead_time_months))


def _service_levels(rates: np.ndarray | float) -> np.ndarray:
    rates = np.asarray(rates, dtype="float64")
    if ((rates <= 0) | (rates >= 1)).any():
        wrong = rates[(rates <= 0) | (rates >= 1)].flat[0]
        raise ValueError(
            f"service_level_rate {wrong:g} is not between 0 and 1; write 0.95 for 95 %."
        )
    return rates


def covering_stock(
    futures: Iterable[np.ndarray],
    forecast: pd.DataFrame,
    locations: pd.DataFrame,
    terms: pd.DataFrame,
) -> np.ndarray:
    """Stock that covers demand over lead and review time as often as the service level says.

    Parameters
    ----------
    futures : iterator of array (block, n_series, n_months)
        Possible demand, units, from ``intervals.sample_paths`` of the same forecast.
    forecast : DataFrame
        Table `forecast`, as many months from the cycle on as the longest exposure needs.
    locations : DataFrame
        Table `locations`: where each series is supplied from.
    terms : DataFrame
        From ``replenishment``.

    Returns
    -------
    array (n_terms,)
        Units, not negative; zero for services, for what is made to order, and where nothing is
        forecast.

    Notes
    -----
    A quantile of the total over the exposure less its mean, read off futures in which series and
    months depend on one another as they did: nothing is taken as normal or independent. Between
    whole months squares are interpolated, as variances add up; beyond the last month it grows by
    the root of time.

    Examples
    --------
    >>> site = {"item": ["A"], "location": ["shop"]}
    >>> month = {"channel": ["all"], "month": [pd.Timestamp("2026-01-01")], "quantity": [10.0]}
    >>> terms = {"exposure_months": [1.0], "service_level_rate": [0.75]}
    >>> terms |= {"is_service": [False], "is_made_to_order": [False]}
    >>> futures = np.array([5.0, 8.0, 10.0, 13.0, 20.0]).reshape(5, 1, 1)
    >>> nowhere = pd.DataFrame(columns=["location", "supplied_from"])
    >>> covering_stock([futures], pd.DataFrame(site | month), nowhere, pd.DataFrame(site | terms))
    array([3.])
    """
    table = forecast.sort_values(schema.SERIES_MONTH, ignore_index=True)
    keys = table[schema.SERIES].drop_duplicates()
    sites = keys.assign(location=source(keys["location"], locations))[schema.SITE]
    index = pd.MultiIndex.from_frame(terms[schema.SITE])
    place = index.get_indexer(pd.MultiIndex.from_frame(sites))
    mean = table["quantity"].to_numpy().reshape(len(keys), -1)
    exposure, horizon = terms["exposure_months"].to_numpy(), mean.shape[1]
    whole = [np.clip(rounded, 1, horizon) for rounded in (np.floor(exposure), np.ceil(exposure))]
    chosen = np.argsort(place, kind="stable")[(place < 0).sum() :]  # planned series, by site
    if not len(chosen):
        return np.zeros(len(terms))
    own, starts = np.unique(place[chosen], return_index=True)
    missed = np.concatenate(
        [
            np.add.reduceat(_errors(block, mean, chosen, place, whole), starts, axis=2)
            for block in futures
        ]
    )
    stock = np.zeros((2, len(terms)))
    level = _service_levels(terms["service_level_rate"])
    for rate in np.unique(level[own]):
        alike = level[own] == rate
        stock[:, own[alike]] = np.quantile(missed[..., alike], rate, axis=0)
    near, far = np.maximum(stock, 0.0) ** 2
    part = np.clip(exposure - whole[0], 0.0, 1.0)
    covered = np.sqrt(near + part * (far - near)) * np.sqrt(np.maximum(exposure / horizon, 1.0))
    return np.where(terms["is_service"] | terms["is_made_to_order"], 0.0, covered)


def _errors(
    block: np.ndarray,
    mean: np.ndarray,
    chosen: np.ndarray,
    place: np.ndarray,
    whole: list[np.ndarray],
) -> np.ndarray:
    """Demand beyond its mean over whole months of exposure, rounded both ways.

    Shape (block, 2, n_chosen): below and above.
    """
    totals = np.cumsum(block[:, chosen] - mean[chosen], axis=2)
    last = (rounded.astype("int64")[place[chosen]] - 1 for rounded in whole)
    return np.stack([totals[:, np.arange(len(chosen)), column] for column in last], axis=1)


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
        service_level_rate=_service_levels(level),
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
