"""Stock: what covers the uncertainty, what there is, and what it becomes.

opening + supply − demand = closing, the next month's opening; below zero is backlog.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pandas as pd

from sopkit import months, schema

DAYS_A_MONTH = 30.4
_UPPER_DEVIATIONS = 1.2816  # the forecast's upper bound leaves a tenth above it


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
    rates = np.asarray(service_level_rate, dtype="float64")
    if ((rates <= 0) | (rates >= 1)).any():
        wrong = rates[(rates <= 0) | (rates >= 1)].flat[0]
        raise ValueError(
            f"service_level_rate {wrong:g} is not between 0 and 1; write 0.95 for 95 %."
        )
    z = np.vectorize(NormalDist().inv_cdf, otypes=[float])(rates)
    return z * np.asarray(demand_sd) * np.sqrt(np.asarray(lead_time_months))


def site_demand(
    plan: pd.DataFrame, forecast: pd.DataFrame, locations: pd.DataFrame
) -> pd.DataFrame:
    """Demand on each site: markets' plans summed where they are supplied from.

    Parameters
    ----------
    plan : DataFrame
        Table `demand_plan`.
    forecast : DataFrame
        Table `forecast`: bounds give the error's standard deviation.
    locations : DataFrame
        Table `locations`; a market without ``supplied_from`` supplies itself, and a depot's
        demand stands at the plant that supplies it: stock is planned for the whole chain.

    Returns
    -------
    DataFrame
        Key ``item, location, month``: ``demand`` and ``demand_sd``, units. Series' errors are
        taken as independent.
    """
    bounds = forecast[[*schema.SERIES_MONTH, "quantity", "quantity_upper"]]
    rows = plan.merge(bounds, on=schema.SERIES_MONTH, how="left", validate="one_to_one")
    spread = (rows["quantity_upper"] - rows["quantity"]) / _UPPER_DEVIATIONS
    rows = rows.assign(
        location=source(plan["location"], locations),
        demand=rows["consensus"],
        variance=spread.fillna(0.0) ** 2,
    )
    summed = rows.groupby(schema.SITE_MONTH, as_index=False)[["demand", "variance"]].sum()
    return summed.assign(demand_sd=np.sqrt(summed["variance"])).drop(columns="variance")


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
    """How each item of each site is replenished: bought or made, lead time, safety stock.

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
        Key ``item, location``: ``is_service``, ``is_purchased``, ``lead_time_months``
        (whole months before an order placed now arrives), ``safety_stock`` (units, from the
        first three months' error).
    """
    first = sites[sites["month"] < months.shift(sites["month"].min(), 3)]
    table = first.groupby(schema.SITE, as_index=False)["demand_sd"].mean()
    family = schema.lookup(table["item"], items, "family")
    days = schema.lookup(table["item"], items, "lead_time_days")
    for level, members in (("item", table["item"]), ("family", family)):
        days = days.fillna(members.map(suppliers.groupby(level)["lead_time_days"].min()))
    days = days.fillna(0.0)
    level = family.map(service_levels)
    level = level.fillna(service_levels.get("default", 0.95)).astype("float64")
    lead = np.floor(days / DAYS_A_MONTH + 0.5)
    stock = safety_stock(table["demand_sd"], days / DAYS_A_MONTH + 1.0, level)
    is_service = schema.lookup(table["item"], items, "is_service").fillna(False).astype(bool)
    is_to_order = schema.lookup(table["item"], items, "is_made_to_order").fillna(False).astype(bool)
    return table[schema.SITE].assign(
        is_service=is_service,
        is_purchased=schema.lookup(table["item"], items, "is_purchased").fillna(False).astype(bool),
        lead_time_months=lead.astype("int64"),
        safety_stock=np.where(is_service | is_to_order, 0.0, stock),
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
