"""What a buyer reads: requirements, orders with their dates, components that are late.

Tables in money are in the company's currency, as suppliers' prices are; what has no price has
units and no money.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.supply import explosion, sites
from sopkit.supply.explosion import Exploded

DAY_OF_RECEIPT = 15  # of its month: what comes in a month comes on average in its middle
_HALF = 0.5  # units: less is rounding
_EPSILON = 1e-6
_MOST_NAMED = 3


def on_its_way(
    tables: dict[str, pd.DataFrame], due: pd.DataFrame, *, cycle: pd.Timestamp
) -> pd.DataFrame:
    """Receipts that count, by the rules of ``sites.receipts``.

    Parameters
    ----------
    tables : dict of DataFrame
        `company`; raw `items`, `locations`, `suppliers`.
    due : DataFrame
        Rows of `scheduled_receipts`.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    DataFrame
        Key ``item, location, month``: ``quantity``.
    """
    items, places = tables["items"], tables["locations"]
    rows = due.assign(location=sites.stocking_site(due, items, places))
    frozen = tables["company"]["frozen_months"].iloc[0]
    terms = sites.replenishment(rows, items, places, tables["suppliers"], {}, frozen)
    counted = sites.receipts(due, items, places, terms, cycle)
    return counted[[*schema.SITE_MONTH, "quantity"]]


def there(
    tables: dict[str, pd.DataFrame], planned: pd.DataFrame, *, cycle: pd.Timestamp
) -> tuple[pd.Series, pd.DataFrame]:
    """What there is of parts before anything is ordered: stock at the start, and what comes.

    Parameters
    ----------
    tables : dict of DataFrame
        As for ``on_its_way``; raw `inventory` and `scheduled_receipts`.
    planned : DataFrame
        From ``plans.table``: of these items only what their plan can spare is there.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    stock : Series
        Units by ``item, location`` at the end of the last closed month, of items not planned.
    receipts : DataFrame
        ``item, location, month, quantity``.
    """
    stock, due = (
        table[~table["item"].isin(planned["item"])]
        for table in (tables["inventory"], tables["scheduled_receipts"])
    )
    stock = stock[stock["month"] == months.shift(cycle, -1)]
    net = stock["on_hand"] - stock["backlog"].fillna(0.0)
    site = sites.stocking_site(stock, tables["items"], tables["locations"]).rename("location")
    parts = [on_its_way(tables, due, cycle=cycle), explosion.spare(planned)]
    return net.groupby([stock["item"], site]).sum(), pd.concat(parts, ignore_index=True)


def order_by(month: pd.Series | pd.Timestamp, lead_time_days: pd.Series | float):
    """Last day to order what comes in a month: its 15th less the lead time.

    Examples
    --------
    >>> f"{order_by(pd.Timestamp('2026-07-01'), 45.0):%Y-%m-%d}"
    '2026-05-31'
    """
    middle = month + pd.Timedelta(DAY_OF_RECEIPT - 1, "D")
    return middle - pd.to_timedelta(np.round(lead_time_days), unit="D")


def requirements(exploded: Exploded, orders: pd.DataFrame) -> pd.DataFrame:
    """Table ``requirements``: what is needed of each part, and what comes of it.

    Parameters
    ----------
    exploded : Exploded
        From ``explosion.explode``.
    orders : DataFrame
        From ``ordering.orders``.

    Returns
    -------
    DataFrame
        Key ``item, location, month``, units, of parts of which any is needed: ``gross`` needed;
        ``scheduled`` receipts; ``net`` lacking without new orders; ``ordered``: receipts of new
        orders, of made parts what is planned to be made; ``stock`` at month end; ``late``: needed
        and not there by month end. Stock + scheduled + ordered - gross = the next stock less what
        is late.
    """
    keys, count = exploded.keys[schema.SITE], len(exploded.span)
    is_needed = np.repeat(exploded.gross.sum(axis=1) > _EPSILON, count)
    ordered = np.where(exploded.keys[["is_bought"]], 0.0, exploded.planned)
    at = pd.MultiIndex.from_frame(keys).get_indexer(pd.MultiIndex.from_frame(orders[schema.SITE]))
    np.add.at(ordered, (at, orders["at"].to_numpy()), orders["quantity"].to_numpy())
    change = exploded.scheduled + ordered - exploded.gross
    end = exploded.opening[:, None] + change.cumsum(axis=1)
    rows = keys.loc[keys.index.repeat(count)].reset_index(drop=True)
    columns = {"gross": exploded.gross, "scheduled": exploded.scheduled, "net": exploded.net}
    columns |= {"ordered": ordered, "stock": end.clip(min=0.0), "late": (-end).clip(min=0.0)}
    values = {name: array.ravel() for name, array in columns.items()}
    table = rows.assign(month=np.tile(exploded.span, len(keys)), **values)
    return table[is_needed].reset_index(drop=True)


def for_launches(orders: pd.DataFrame, exploded: Exploded, launched: Exploded) -> np.ndarray:
    """Units of each order that launches of the months planned need.

    Parameters
    ----------
    orders : DataFrame
        From ``ordering.orders``: in turn they cover what lacks, month after month.
    exploded, launched : Exploded
        Of all that is needed, and of launches alone without stock and receipts.

    Returns
    -------
    array (orders,)
        What lacks in a month is shared like what is needed in it.
    """
    index = pd.MultiIndex.from_frame(exploded.keys[schema.SITE])
    new = np.zeros_like(exploded.gross)
    new[index.get_indexer(pd.MultiIndex.from_frame(launched.keys[schema.SITE]))] = launched.gross
    share = np.minimum(new / np.maximum(exploded.gross, _EPSILON), 1.0)
    start = np.zeros((len(index), 1))
    lacking = np.hstack([start, exploded.net.cumsum(axis=1)])
    of_new = np.hstack([start, (exploded.net * share).cumsum(axis=1)])
    at = index.get_indexer(pd.MultiIndex.from_frame(orders[schema.SITE]))
    end = orders.groupby(at)["quantity"].cumsum()
    found = [
        np.interp([last - size, last], lacking[k], of_new[k])
        for k, last, size in zip(at, end, orders["quantity"], strict=True)
    ]
    return np.diff(np.reshape(found, (-1, 2)), axis=1)[:, 0]


def purchase_orders(
    orders: pd.DataFrame,
    needed: pd.DataFrame,
    sources: pd.DataFrame,
    used: pd.DataFrame,
    span: pd.DatetimeIndex,
) -> pd.DataFrame:
    """Table ``purchase_orders``: the buyer's list, what to order next first.

    Parameters
    ----------
    orders : DataFrame
        From ``ordering.orders``, with ``launch_quantity`` from ``for_launches``.
    needed : DataFrame
        Rows of ``requirements`` that can be late.
    sources : DataFrame
        From ``sourcing.sources``.
    used : DataFrame
        From ``explosion.uses``, with ``is_new``: for a launch of the months planned.
    span : DatetimeIndex
        Months planned.

    Returns
    -------
    DataFrame
        Key ``item, location, supplier, month`` (of receipt), those to order now by money, the
        others by date: ``order_by`` (last day to order: the 15th of that month less the lead time,
        at least the cycle's first day), ``order_month``, ``quantity``, ``unit_cost_value``,
        ``amount_value``, ``payment_days``, ``payment_month`` (missing where no terms are known),
        ``is_now`` (to be ordered in the cycle's month), ``is_late`` (the month before it comes ends
        with units lacking), ``reason``, ``wanted_for``, ``launch_quantity`` (units of it that
        launches need).
    """
    terms = sources[["item", "supplier", "lead_time_days", "payment_days"]]
    table = orders.merge(terms, on=["item", "supplier"], how="left", validate="many_to_one")
    month = pd.Series(span[table["at"]], index=table.index, dtype=months.DTYPE)
    middle = month + pd.Timedelta(DAY_OF_RECEIPT - 1, "D")
    last_day = order_by(month, table["lead_time_days"]).clip(lower=span[0])
    paid = middle + pd.to_timedelta(table["payment_days"], unit="D")
    table = table.assign(
        month=month,
        order_by=last_day.astype(months.DTYPE),
        order_month=months.floor(last_day).astype(months.DTYPE),
        amount_value=table["quantity"] * table["unit_cost_value"],
        payment_month=months.floor(paid).astype(months.DTYPE),
        is_now=last_day < months.shift(span[0], 1),
        is_late=_is_late(table.assign(month=month), needed),
        wanted_for=_wanted_for_new(table, used),
    )
    key = [*schema.SITE, "supplier", "month"]
    columns = [*key, "order_by", "order_month", "quantity", "unit_cost_value", "amount_value"]
    columns += ["payment_days", "payment_month", "is_now", "is_late", "reason", "wanted_for"]
    money = table["amount_value"].where(table["is_now"])
    ranked = table.assign(later=~table["is_now"], rank=-money)
    ranked = ranked.sort_values(["later", "rank", "order_by", *key], ignore_index=True)
    return ranked[[*columns, "launch_quantity"]]


def _is_late(orders: pd.DataFrame, needed: pd.DataFrame) -> np.ndarray:
    """Whether units of an order's item lack at the end of the month before it comes."""
    lacking = needed[needed["late"] > _HALF]
    next_month = months.from_number(months.number(lacking["month"]) + 1)
    after = pd.MultiIndex.from_frame(lacking.assign(month=next_month)[schema.SITE_MONTH])
    return pd.MultiIndex.from_frame(orders[schema.SITE_MONTH]).isin(after)


def _wanted_for_new(orders: pd.DataFrame, used: pd.DataFrame) -> np.ndarray:
    """What each order is wanted for, launches named as such."""
    # a launch that is bought whole goes into nothing but itself
    new = "launch of " + _takers(orders, used[used["is_new"]]).fillna(orders["item"])
    own = used[~used["is_new"]]
    is_all = orders["launch_quantity"] > orders["quantity"] - _HALF
    is_all |= ~pd.MultiIndex.from_frame(orders[schema.SITE]).isin(
        pd.MultiIndex.from_frame(own[schema.SITE])
    )
    own = _wanted_for(orders, own)
    is_none = orders["launch_quantity"] <= _HALF
    return np.where(is_none, own, np.where(is_all, new, own + "; " + new)).astype("str")


def _wanted_for(rows: pd.DataFrame, used: pd.DataFrame) -> pd.Series:
    """The items that take most of each row's item, in words; its own sales where it is none's."""
    found = _takers(rows, used[used["item"] != used["wanted_for"]])
    return found.fillna("its own demand")


def _takers(rows: pd.DataFrame, used: pd.DataFrame) -> pd.Series:
    """The items that take most of each row's item, in words; missing where there is none."""
    ranked = used.assign(units=used["per"] * used["quantity"])
    ranked = ranked.sort_values("units", ascending=False, kind="stable")
    words = ranked.groupby(schema.SITE)["wanted_for"].agg(_listed)
    found = words.reindex(pd.MultiIndex.from_frame(rows[schema.SITE]))
    return found.set_axis(rows.index).astype("str")


def _listed(names: pd.Series) -> str:
    """Some names, and how many more there are."""
    more = len(names) - _MOST_NAMED
    return ", ".join(names.head(_MOST_NAMED)) + (f" and {more} more" if more > 0 else "")


def late_components(
    needed: pd.DataFrame, used: pd.DataFrame, prices: pd.Series, sources: pd.DataFrame
) -> pd.DataFrame:
    """Table ``late_components``: what is not there when the wanted plan needs it.

    Parameters
    ----------
    needed : DataFrame
        From ``requirements``, of the plan as wanted: hours and components without limit.
    used : DataFrame
        From ``explosion.uses``, of the same.
    prices : Series
        Price a unit by item.
    sources : DataFrame
        From ``sourcing.sources``.

    Returns
    -------
    DataFrame
        Key ``item, location, first_month``, most money first: ``quantity`` (units that lack, at
        most), ``ready_month`` (first month end at which none lack any more; missing: not within the
        plan), ``supplier``, ``wanted_for``, ``amount_value`` (revenue of the units of finished
        goods that wait, shared among them like their use; missing without prices), ``chain``.
    """
    is_part = pd.MultiIndex.from_frame(needed[schema.SITE]).isin(
        pd.MultiIndex.from_frame(used.loc[used["item"] != used["wanted_for"], schema.SITE])
    )
    has_source = needed["item"].isin(sources["item"])
    late = needed[is_part & has_source & (needed["late"] > _HALF)]
    spell = late.groupby(schema.SITE)
    table = spell.agg(first_month=("month", "min"), quantity=("late", "max"), last=("month", "max"))
    table = table.reset_index().astype({"item": "str", "location": "str"})
    last = needed["month"].max()
    ready = months.from_number(months.number(table.pop("last")) + 1)
    table = table.assign(ready_month=pd.Series(ready, index=table.index, dtype=months.DTYPE))
    table["ready_month"] = table["ready_month"].where(table["ready_month"] <= last)
    worth = used[used["item"] != used["wanted_for"]]
    worth = worth.assign(
        units=worth["per"] * worth["quantity"],
        value=worth["quantity"] * prices.reindex(worth["wanted_for"]).to_numpy(),
    )
    sums = worth.groupby(schema.SITE)[["units", "value"]].sum(min_count=1)
    sums = sums.reindex(pd.MultiIndex.from_frame(table[schema.SITE])).set_axis(table.index)
    first = sources.drop_duplicates("item")
    table = table.assign(
        supplier=schema.lookup(table["item"], first, "supplier").astype("str"),
        wanted_for=_wanted_for(table, used),
        amount_value=table["quantity"] * sums["value"] / sums["units"],
    )
    words = [f"{row.wanted_for} ← {row.item}, " for row in table.itertuples()]
    own = sources[sources["item"].isin(table["item"])]
    told = {item: _terms_in_words(terms) for item, terms in own.groupby("item")}
    chain = pd.Series(words, table.index, dtype="str") + table["item"].map(told).astype("str")
    table = table.assign(chain=chain)
    return table.sort_values("amount_value", ascending=False, ignore_index=True)


def _terms_in_words(sources: pd.DataFrame) -> str:
    """Lead time and monthly limit of each supplier of an item, at most three."""
    words = []
    for row in sources.head(_MOST_NAMED).itertuples():
        limit = row.monthly_limit
        most = f" and at most {limit:,.0f} a month" if np.isfinite(limit) else ""
        name = f" from {row.supplier}" if row.supplier else ""
        words.append(f"{row.lead_time_days:.0f} days{name}{most}")
    return " or ".join(words)
