"""Sites: which one stocks what for whom, what each must deliver, and how it is replenished."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema

DAYS_A_MONTH = 30.4
REVIEW_MONTHS = 1.0  # a plan is made once a month: what is ordered now must last until the next


def stocking_site(rows: pd.DataFrame, items: pd.DataFrame, locations: pd.DataFrame) -> pd.Series:
    """The site where stock of each row's item serves its location.

    Parameters
    ----------
    rows : DataFrame
        Any table with ``item`` and ``location``.
    items, locations : DataFrame
        Raw tables. A place that supplies others, or that nobody supplies, is a site; any other is
        served by the site it is supplied from. Services and what is made to order are stocked
        nowhere: they come from the head of the chain.

    Examples
    --------
    >>> chain = pd.DataFrame({"location": ["shop", "depot"], "supplied_from": ["depot", "plant"]})
    >>> items = pd.DataFrame({"item": ["A", "B"], "is_service": [False, True],
    ...     "is_made_to_order": False})
    >>> sold = pd.DataFrame({"item": ["A", "B"], "location": "shop"})
    >>> stocking_site(sold, items, chain).tolist()
    ['depot', 'plant']
    """
    names = pd.Series(rows["location"].unique(), dtype="str")
    source = above(names, locations)
    is_site = names.isin(locations["supplied_from"].dropna()) | source.isna()
    near = names.where(is_site, source).set_axis(names)
    top = head(names, locations).set_axis(names)
    is_direct = _flag(items["item"], items, "is_service")
    is_direct |= _flag(items["item"], items, "is_made_to_order")
    is_direct = rows["item"].isin(items["item"][is_direct])
    site = rows["location"].map(near)
    return site.mask(is_direct, rows["location"].map(top)).astype("str")


def _flag(members: pd.Series, items: pd.DataFrame, column: str) -> pd.Series:
    return schema.lookup(members, items, column).fillna(False).astype(bool)


def above(places: pd.Series, locations: pd.DataFrame) -> pd.Series:
    """The site that supplies each place; missing at the head of a chain, which may name itself."""
    source = schema.lookup(places, locations, "supplied_from", on="location")
    return source.mask(source == places)


def head(places: pd.Series, locations: pd.DataFrame) -> pd.Series:
    """The site at the head of the chain that supplies each place; itself where nothing does.

    Examples
    --------
    >>> chain = pd.DataFrame({"location": ["shop", "depot"], "supplied_from": ["depot", "plant"]})
    >>> head(pd.Series(["shop", "plant"]), chain).tolist()
    ['plant', 'plant']
    """
    for _ in range(len(locations)):
        source = above(places, locations)
        if source.isna().all():
            break
        places = source.fillna(places)
    return places.astype("str")


def series_demand(
    plan: pd.DataFrame,
    orders: pd.DataFrame,
    items: pd.DataFrame,
    locations: pd.DataFrame,
    agreed: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """What customers want, series by series: the plan, no less than the open orders, as agreed.

    Parameters
    ----------
    plan, orders, items, locations : DataFrame
        As for ``site_demand``.
    agreed : DataFrame, optional
        Table `agreed`: units refused.

    Returns
    -------
    DataFrame
        Key ``item, location, channel, month``: ``demand``, units, and ``site``, which serves it;
        ``refused``: units of it that sales refused to have later.
    """
    book = orders[orders["month"].isin(plan["month"])]
    book = book.groupby(schema.SERIES_MONTH, as_index=False)[["quantity"]].sum()
    rows = plan[[*schema.SERIES_MONTH, "consensus", "constrained"]].merge(
        book, on=schema.SERIES_MONTH, how="outer", validate="one_to_one"
    )
    later = (rows["constrained"] - rows["consensus"]).fillna(0.0)  # none where nothing is planned
    demand = rows[["consensus", "quantity"]].max(axis=1) + later
    rows = rows[schema.SERIES_MONTH].assign(demand=demand, refused=0.0)
    if agreed is not None:
        no = agreed.groupby(schema.SERIES_MONTH)["refused_quantity"].sum()
        key = pd.MultiIndex.from_frame(rows[schema.SERIES_MONTH])
        rows = rows.assign(refused=no.reindex(key, fill_value=0.0).to_numpy())
    return rows.assign(site=stocking_site(rows, items, locations))


def site_demand(
    plan: pd.DataFrame, orders: pd.DataFrame, items: pd.DataFrame, locations: pd.DataFrame
) -> pd.DataFrame:
    """Customers' demand on each site: the plan, and no less than the open orders, as agreed.

    Parameters
    ----------
    plan : DataFrame
        Table `demand_plan`; what sales agreed to deliver later (``constrained`` less
        ``consensus``) is taken of what is wanted and put where it comes.
    orders : DataFrame
        Table `orders` of this cycle; those of months that are not planned are left out.
    items, locations : DataFrame
        Raw tables, as for ``stocking_site``.

    Returns
    -------
    DataFrame
        Key ``item, location, month``: ``demand``, units; every planned month of every site of the
        item's chain, also of one that only supplies others.
    """
    rows = series_demand(plan, orders, items, locations)
    rows = rows.assign(location=rows["site"])
    parts, places = [rows], rows
    while len(places):  # sites further up take part with no customers of their own
        source = above(places["location"], locations)
        places = places.assign(location=source, demand=0.0)[source.notna()].drop_duplicates(
            schema.SITE_MONTH
        )
        parts.append(places)
        if len(places) and len(parts) > len(locations) + 1:
            raise ValueError(f"locations: supplied_from of {source.iloc[0]} runs in a circle.")
    every = pd.concat(parts, ignore_index=True)
    return every.groupby(schema.SITE_MONTH, as_index=False)[["demand"]].sum()


def receipts(
    scheduled: pd.DataFrame,
    items: pd.DataFrame,
    locations: pd.DataFrame,
    terms: pd.DataFrame,
    cycle: pd.Timestamp,
) -> pd.DataFrame:
    """What is on its way and counts: firm, or planned where nothing new could arrive in its stead.

    Parameters
    ----------
    scheduled : DataFrame
        Table `scheduled_receipts` of this cycle.
    items, locations : DataFrame
        Raw tables. What moves inside a site's own places adds no stock to it.
    terms : DataFrame
        From ``replenishment``.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    DataFrame
        Key ``item, location, month``: ``quantity``; ``in_work``, the part still to be made;
        ``committed``, what leaves the site as a transfer that is still to be sent.

    Notes
    -----
    In frozen months only what is firm counts. Within the lead time a planned receipt counts as it
    stands; later ones are planned anew.
    """
    rows = scheduled.assign(location=stocking_site(scheduled, items, locations))
    is_inside = (rows["kind"] == "transfer") & rows["location"].ne(scheduled["location"])
    rows = rows[~is_inside].merge(
        terms[[*schema.SITE, "lead_time_months", "frozen_months", "supplied_from"]],
        on=schema.SITE,
        how="left",
        validate="many_to_one",
    )
    rows = rows.fillna({"lead_time_months": 0, "frozen_months": 0})  # of items that are not planned
    ahead = months.number(rows["month"]) - months.number(cycle)
    is_firm = rows["is_firm"].fillna(True).astype(bool)
    is_late = (ahead < rows["lead_time_months"]) & ~(ahead < rows["frozen_months"])
    rows = rows[is_firm | is_late]
    made = rows["quantity"].where(rows["kind"] == "production", 0.0)
    left = ahead[rows.index] - rows["lead_time_months"]  # months from the cycle until it is sent
    is_sent = (rows["kind"] == "transfer") & (left >= 0) & rows["supplied_from"].notna()
    leaves = [months.shift(cycle, int(k)) for k in left]
    sent = rows.assign(location=rows["supplied_from"].fillna("").astype("str"), month=leaves)
    sent = sent.assign(committed=sent["quantity"], quantity=0.0, in_work=0.0)[is_sent]
    every = pd.concat([rows.assign(in_work=made, committed=0.0), sent], ignore_index=True)
    names = ["quantity", "in_work", "committed"]
    return every.groupby(schema.SITE_MONTH, as_index=False)[names].sum()


def replenishment(
    sites: pd.DataFrame,
    items: pd.DataFrame,
    locations: pd.DataFrame,
    suppliers: pd.DataFrame,
    service_levels: dict,
    frozen_months: dict | None = None,
) -> pd.DataFrame:
    """How each item of each site is replenished: sent, bought or made, how fast, how surely.

    Parameters
    ----------
    sites : DataFrame
        From ``site_demand``.
    items, locations, suppliers : DataFrame
        Raw tables; a bought item's lead time is its own, else its quickest supplier's, that of a
        site supplied from another one is its transfer's.
    service_levels, frozen_months : dict
        By family, and ``default``: chance of no stock-out, 0 to 1; months in which supply is what
        is firm (not for services and what is made to order, which answer to orders).

    Returns
    -------
    DataFrame
        Key ``item, location``: ``supplied_from`` (a site, or missing), ``is_service``,
        ``is_purchased``, ``is_made_to_order``, ``lead_time_months`` (whole months before an order
        placed now arrives), ``frozen_months``, ``exposure_months`` (lead time and a month of
        review: what stock must last for), ``service_level_rate`` (share of cycles without a
        stock-out).
    """
    table = sites[schema.SITE].drop_duplicates().sort_values(schema.SITE, ignore_index=True)
    places, family = table["location"], schema.lookup(table["item"], items, "family")
    days = lead_days(table["item"], items, suppliers)
    source = above(places, locations)
    is_fed = source.notna()
    sent = schema.lookup(places, locations, "lead_time_days", on="location")
    days = days.mask(is_fed, sent).fillna(0.0)
    level = family.map(service_levels)
    level = level.fillna(service_levels.get("default", 0.95)).astype("float64")
    frozen = months.frozen_months(frozen_months or {}, family)
    lead = np.floor(days / DAYS_A_MONTH + 0.5)
    is_service, is_to_order = (
        _flag(table["item"], items, name) for name in ("is_service", "is_made_to_order")
    )
    return table.assign(
        supplied_from=source,
        is_service=is_service,
        is_purchased=_flag(table["item"], items, "is_purchased") & ~is_fed,
        is_made_to_order=is_to_order,
        lead_time_months=lead.astype("int64"),
        frozen_months=frozen.mask(is_service | is_to_order, 0).astype("int64"),
        exposure_months=days / DAYS_A_MONTH + REVIEW_MONTHS,
        service_level_rate=level,
    )


def lead_days(members: pd.Series, items: pd.DataFrame, suppliers: pd.DataFrame) -> pd.Series:
    """Lead time of items: their own, else their quickest supplier's; missing where unknown."""
    days = schema.lookup(members, items, "lead_time_days")
    family = schema.lookup(members, items, "family")
    for level, names in (("item", members), ("family", family)):
        days = days.fillna(names.map(suppliers.groupby(level)["lead_time_days"].min()))
    return days


def of_quickest_supplier(
    members: pd.Series, items: pd.DataFrame, suppliers: pd.DataFrame, column: str
) -> pd.Series:
    """A column of `suppliers` for each item: of its quickest one, else of its family's."""
    quickest = suppliers.sort_values(["lead_time_days", "supplier"])
    own = quickest[quickest["item"] != schema.ALL]
    of_family = quickest[quickest["item"] == schema.ALL]
    family = schema.lookup(members, items, "family")
    found = schema.lookup(members, own, column)
    return found.fillna(schema.lookup(family, of_family, column, on="family"))


def opening_stock(
    inventory: pd.DataFrame,
    sites: pd.DataFrame,
    items: pd.DataFrame,
    locations: pd.DataFrame,
    cycle: pd.Timestamp,
) -> tuple[pd.Series, bool]:
    """Stock less backlog at the end of the last closed month, by item and site.

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
    opening = net.groupby([last["item"], stocking_site(last, items, locations)]).sum()
    return opening.reindex(index, fill_value=0.0), bool(opening.index.isin(index).any())


def supplied_from(terms: pd.DataFrame) -> np.ndarray:
    """Position in terms of the item at the site that each row is supplied from; −1 at the head."""
    index = pd.MultiIndex.from_frame(terms[schema.SITE])
    above = terms[["item"]].assign(location=terms["supplied_from"].fillna("").astype("str"))
    return index.get_indexer(pd.MultiIndex.from_frame(above))


def depths(above: np.ndarray) -> np.ndarray:
    """Steps from each position to the head of its chain.

    Raises
    ------
    ValueError
        If a chain runs in a circle.

    Examples
    --------
    >>> depths(np.array([-1, 0, 1]))
    array([0, 1, 2])
    """
    depth, place = np.zeros(len(above), dtype="int64"), above.copy()
    while (place >= 0).any():
        depth += place >= 0
        place = np.where(place >= 0, above[np.maximum(place, 0)], -1)
        if depth.max() > len(above):
            raise ValueError("supplied_from runs in a circle; each chain must end at one site.")
    return depth


def flows(
    keys: pd.DataFrame, items: pd.DataFrame, locations: pd.DataFrame, terms: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of series and place: who serves it, and where its goods pass.

    Parameters
    ----------
    keys : DataFrame
        ``item, location`` of each series.
    items, locations : DataFrame
        Raw tables.
    terms : DataFrame
        From ``replenishment``.

    Returns
    -------
    series, place : array
        Positions in keys and in terms; a place beyond the number of terms says that the goods pass
        there on their way, which is so also at the site that serves.
    """
    index = pd.MultiIndex.from_frame(terms[schema.SITE])
    sites = keys[["item"]].assign(location=stocking_site(keys, items, locations))
    own = index.get_indexer(pd.MultiIndex.from_frame(sites))
    pairs = [(np.arange(len(keys)), own)]
    for _ in range(len(locations) + 1):
        at = index.get_indexer(pd.MultiIndex.from_frame(sites.fillna("")))
        pairs.append((np.arange(len(keys)), np.where(at >= 0, at + len(terms), -1)))
        source = above(sites["location"], locations)
        sites = sites.assign(location=source)
        if source.isna().all():
            break
    series, place = (np.concatenate(part) for part in zip(*pairs, strict=True))
    return series[place >= 0], place[place >= 0]
