"""What cannot be met: which item, site and month, how much, until when, and what binds.

``slack`` is what the plan leaves free, ``causes`` follows it to the limit, ``remedies`` says what
could be done.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.supply import causes, offers, remedies, slack

_LEAST = 0.5  # units from which something is short
_COLUMNS = [
    *("item", "location", "month", "late_quantity", "lost_quantity", "delivered_by"),
    *("amount_value", "extra_unit_value", "cause", "limit", "chain"),
]
_MOST_AGAIN = 8  # shortages for which is planned again


def deliveries(projection: pd.DataFrame) -> pd.DataFrame:
    """Table ``deliveries``: what customers receive each month, and how much of it in time.

    Parameters
    ----------
    projection : DataFrame
        Table `inventory_projection`.

    Returns
    -------
    DataFrame
        Key ``item, location, month``; units: ``demand``, ``lost`` sales among it; ``deliverable`` =
        what is not lost, less the growth of backlog; ``on_time`` = demand of the month delivered
        in it, what is owed first; ``owed`` at month end.

    Examples
    --------
    >>> projection = pd.DataFrame({"item": "A", "location": "plant", "month": [1, 2], "scrap": 0.0,
    ...     "opening": [5.0, -3.0], "demand": [10.0, 10.0], "closing": [-3.0, 0.0], "lost": 0.0})
    >>> deliveries(projection)[["deliverable", "on_time"]].values.tolist()
    [[7.0, 7.0], [13.0, 10.0]]
    """
    before = -projection["opening"].clip(upper=0.0)
    after = -projection["closing"].clip(upper=0.0)
    served, lost = projection["demand"] - projection["scrap"], projection["lost"]
    return projection[schema.SITE_MONTH].assign(
        demand=served + lost,
        deliverable=served + before - after,
        on_time=(served - after).clip(lower=0.0),
        lost=lost,
        owed=after,
    )


def shortages(free: slack.Room, prices: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """Table ``shortages``: what is not delivered in the month in which it is wanted, and why.

    Parameters
    ----------
    free : Room
        From ``slack.room``.
    prices : DataFrame
        Key ``item``: ``unit_price_value``.
    items : DataFrame
        Raw table: ``description`` names an item to people.

    Returns
    -------
    DataFrame
        Key ``item, location, month``, the largest money first: ``description`` (the item itself
        where it has none), ``late_quantity`` and
        ``lost_quantity`` of the month's own demand, what is owed being served first;
        ``delivered_by``, last month in which it comes, missing where it does not within the plan;
        ``amount_value`` at the item's price; ``extra_unit_value`` from ``planned_again``, missing
        here; ``cause`` (hours, component, lead time, supplier
        limit, frozen, backlog, made to order, transfer, cost), ``limit``, its name, and ``chain``,
        the words from the shortage to it. What was owed before the plan begins stands in the
        month before (cause backlog).
    """
    task, closing = free.task, free.end.closing
    owed, before = np.maximum(-closing, 0.0), np.maximum(-task.opening, 0.0)
    served = task.demand - free.plan.lost
    wanted = before + served.cumsum(axis=0)
    came = wanted - owed
    late = np.minimum(served, owed)
    rows = [
        _owed_before(free, came, int(item), float(before[item]))
        for item in np.flatnonzero(before > _LEAST)
    ]
    for month, item in np.argwhere(late + free.plan.lost > _LEAST):
        arrival = _arrival(came[:, item], wanted[month, item])
        until = task.n_months if arrival is None else arrival
        owing = float(task.backlog_cost[month:until, item].sum())
        if free.plan.lost[month, item] > _LEAST:
            until, owing = task.n_months, float(task.lost_sale_cost[month, item])
        words = causes.why(free, int(item), int(month), until=until, owing=owing)
        short = (late[month, item], free.plan.lost[month, item])
        rows.append(_row(free, item, task.months[month], short, arrival, words))
    table = pd.DataFrame(rows, columns=_COLUMNS).drop(columns="amount_value")
    table = table.astype(dict.fromkeys([*_COLUMNS[3:5], "extra_unit_value"], "float64"))
    for name in ("month", "delivered_by"):
        table = table.astype({name: months.DTYPE})
    price = schema.lookup(table["item"], prices, "unit_price_value").astype("float64")
    amount = (table["late_quantity"] + table["lost_quantity"]) * price
    table = table.astype(dict.fromkeys([*schema.SITE, "cause", "limit", "chain"], "str"))
    named = schema.lookup(table["item"], items, "description").fillna(table["item"]).astype("str")
    table = table.assign(amount_value=amount, description=named)
    table = table[[*schema.SITE_MONTH, "description", *_COLUMNS[3:]]]
    return table.sort_values(
        ["amount_value", *schema.SITE_MONTH], ascending=[False, True, True, True], ignore_index=True
    )


def _arrival(came: np.ndarray, wanted: float) -> int | None:
    """Position of the first month by which so much has come; none where it does not."""
    there = np.flatnonzero(came >= wanted - slack.NOTHING)
    return int(there[0]) if len(there) else None


def _row(free: slack.Room, item: int, month, short: tuple, arrival: int | None, words: tuple):
    """A shortage with its words; ``short`` is what is late and what is lost."""
    task = free.task
    own = task.keys.iloc[item]
    place = own["item"] if task.keys["location"].nunique() == 1 else " at ".join(own[schema.SITE])
    by = pd.NaT if arrival is None else task.months[arrival]
    cause, limit, chain = words
    chain = f"{sum(short):,.0f} of {place} in {months.label(month)} ← {chain}"
    return (own["item"], own["location"], month, *short, by, np.nan, np.nan, cause, limit, chain)


def planned_again(free: slack.Room, short: pd.DataFrame) -> pd.DataFrame:
    """Table ``shortages`` with what a unit in time would cost more, where cost is the cause.

    Parameters
    ----------
    free : Room
        Of a plan of least cost.
    short : DataFrame
        From ``shortages``.

    Returns
    -------
    DataFrame
        The eight of most money whose cause is cost are planned again with a unit of each in time
        and nobody later for it: ``extra_unit_value`` is what that costs more than waiting, and the
        chain says so.
    """
    own = short[short["cause"] == "cost"].head(_MOST_AGAIN)
    if own.empty or not free.task.is_priced:
        return short
    session = offers.InTime(free.task, free.plan)
    item = pd.MultiIndex.from_frame(free.task.keys[schema.SITE])
    item = item.get_indexer(pd.MultiIndex.from_frame(own[schema.SITE]))
    month = free.task.months.get_indexer(own["month"])
    units = (own["late_quantity"] + own["lost_quantity"]).clip(upper=1.0)
    extra = [session.extra(*map(int, at[:2]), at[2]) for at in zip(item, month, units, strict=True)]
    extra = pd.Series(extra, index=own.index).dropna()
    words = [
        f"planned again, a unit in time costs {more:,.2f} more than one that waits"
        if more >= 0.005
        else "planned again, it is as cheap in time: within the tolerance of staying near"
        for more in extra
    ]
    chain = own.loc[extra.index, "chain"].str.rpartition(": ")[0] + ": " + words
    return short.assign(
        extra_unit_value=extra.reindex(short.index),
        chain=chain.reindex(short.index).fillna(short["chain"]),
    )


def _owed_before(free: slack.Room, came: np.ndarray, item: int, units: float) -> tuple:
    """What was owed before the first month; why it does not come in it, where it does not."""
    task = free.task
    arrival, words = _arrival(came[:, item], units), f"owed since before {task.months[0]:%Y-%m}"
    if arrival != 0:
        until = task.n_months if arrival is None else arrival
        owing = float(task.backlog_cost[:until, item].sum())
        words += f" ← {causes.why(free, item, 0, until=until, owing=owing)[2]}"
    month = months.shift(task.months[0], -1)
    site = task.keys["location"].iat[item]
    return _row(free, item, month, (units, 0.0), arrival, ("backlog", site, words))


def exceptions(
    short: pd.DataFrame, options: pd.DataFrame, load: pd.DataFrame, materiality_value: float
) -> pd.DataFrame:
    """Table ``supply_review_exceptions``: late items and overloaded resources, by money.

    Parameters
    ----------
    short, options : DataFrame
        Tables `shortages` and `shortage_moves`.
    load : DataFrame
        Table `resource_load`.
    materiality_value : float
        Money below which an exception is left to the count.

    Returns
    -------
    DataFrame
        ``subject`` (a component with all that is short for want of it, an item at a site over
        months in a row, or a resource wanted beyond its hours), ``finding``, ``amount_value`` (what
        is late or lost; for a resource what is short because of it), ``proposal``: the cheapest
        move in time with the last month to decide; ``is_material``.
    """
    best = remedies.cheapest(options).set_index(schema.SITE_MONTH)
    is_part = short["cause"] == "component"
    rows = [_late_part(own, best) for _, own in short[is_part].groupby("limit")]
    rows += [_late_item(own, best) for own in _spells(short[~is_part])]
    rows += _overloads(load, short)
    columns = ["subject", "finding", "amount_value", "proposal"]
    table = pd.DataFrame(rows, columns=columns)
    is_material = ~(table["amount_value"].astype("float64") < materiality_value)
    table = table.assign(is_material=is_material)
    return table.sort_values("amount_value", ascending=False, ignore_index=True)


def _spells(short: pd.DataFrame) -> list[pd.DataFrame]:
    """Shortages of an item and site in months in a row; what was owed before apart."""
    is_before = short["cause"] == "backlog"
    rows = short.assign(before=is_before, number=months.number(short["month"]))
    rows = rows.sort_values([*schema.SITE, "before", "number"], ignore_index=True)
    step = rows.groupby([*schema.SITE, "before"])["number"].diff()
    return [own for _, own in rows.groupby((step != 1).cumsum())]


def _late_part(own: pd.DataFrame, best: pd.DataFrame) -> dict:
    """The exception of a component: all that is short for want of it, and what to decide first."""
    members = own.groupby("item")["amount_value"].sum().sort_values(ascending=False).index
    named = own.drop_duplicates("item").set_index("item")["description"]
    more = f" and {len(members) - 3} more" if len(members) > 3 else ""
    moves = best.loc[list(own[schema.SITE_MONTH].itertuples(index=False))]
    first = own.iloc[
        int(moves["decide_by"].reset_index(drop=True).fillna(own["month"].max()).argmin())
    ]
    rest = f"; {len(own) - 1} more below" if len(own) > 1 else ""
    return {
        "subject": f"Component {own['limit'].iloc[0]}",
        "finding": f"{', '.join(named[members[:3]])}{more} {_how_much(own, '')}",
        "amount_value": own["amount_value"].sum(min_count=1),
        "proposal": f"{_proposal(first, best)}{rest}",
    }


def _how_much(own: pd.DataFrame, units: str) -> str:
    """Units (in words, none of several items) late or lost, in which months, when they come."""
    first, last = own["month"].min(), own["month"].max()
    when = months.label(first) + (f" to {months.label(last)}" if last > first else "")
    is_lost = own["lost_quantity"].sum() > own["late_quantity"].sum()
    finding = f"{units}{'lost' if is_lost else 'late'} in {when}"
    if own["cause"].eq("backlog").all():
        finding = f"{units}owed since {when} or before"
    by = own["delivered_by"].max()
    return finding + (f", here in {months.label(by)}" if pd.notna(by) else "")


def _late_item(own: pd.DataFrame, best: pd.DataFrame) -> dict:
    """The exception of one spell."""
    units = own["late_quantity"].sum() + own["lost_quantity"].sum()
    worst = own.loc[own["amount_value"].fillna(0.0).idxmax()]
    site = "" if worst["location"] == schema.ALL else f" at {worst['location']}"
    return {
        "subject": f"Item {worst['item']}{site}",
        "finding": f"{_how_much(own, f'{units:,.0f} ')} ({_because(worst)})",
        "amount_value": own["amount_value"].sum(min_count=1),
        "proposal": _proposal(worst, best),
    }


def _because(row: pd.Series) -> str:
    """Cause and limit in a few words."""
    is_named = row["limit"] not in ("", row["location"])
    return row["cause"] + (f": {row['limit']}" if is_named else "")


def _proposal(worst: pd.Series, best: pd.DataFrame) -> str:
    """The cheapest move in time for the worst month of a spell, and until when."""
    if worst["cause"] == "backlog" and pd.notna(worst["delivered_by"]):
        return f"tell customers that it comes in {months.label(worst['delivered_by'])}"
    move = best.loc[tuple(worst[schema.SITE_MONTH])]
    if not move["move"]:
        return "too late to avoid: expedite, or tell customers"
    words = f"{move['what']}; decide by {months.label(move['decide_by'])}"
    is_dear = move["cost_value"] > move["waiting_value"]
    return f"waiting costs less; else {words}" if is_dear else words


def _overloads(load: pd.DataFrame, short: pd.DataFrame) -> list[dict]:
    """One row a resource whose wanted hours exceed regular and overtime hours."""
    limit = load["regular_hours"] + load["overtime_hours"]
    over = load[load["wanted_hours"] > limit * 1.0001]
    rows = []
    for resource, own in over.groupby("resource"):
        worst = own.loc[(own["wanted_hours"] - own["regular_hours"]).idxmax()]
        missing = worst["wanted_hours"] - worst["regular_hours"] - worst["overtime_hours"]
        first, count = own["month"].min(), len(own)
        decide_by = months.shift(first, -1)
        money = short.loc[short["limit"] == resource, "amount_value"].sum(min_count=1)
        rows.append(
            {
                "subject": f"Resource {resource}",
                "finding": f"wanted beyond all hours in {count} month{'s' * (count > 1)}, most in "
                f"{months.label(worst['month'])} ({missing:,.0f} hours too few)",
                "amount_value": money,
                "proposal": f"add hours or build stock before; decide by {months.label(decide_by)}"
                if decide_by >= load["month"].min()
                else "too late to build stock: add hours now, or tell customers",
            }
        )
    return rows
