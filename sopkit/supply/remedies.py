"""What could be done about each shortage: moves, what they solve and cost, until when.

Each move is stated alone, against the plan as it is, and is bounded by what there is: hours,
people, limits, stock. Two shortages may count on the same hours. Costs are what a move adds: what
a unit costs anyway in regular hours is left out.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.supply import purchasing, slack
from sopkit.supply.slack import NOTHING, Room
from sopkit.supply.tasks import Task

LEAVE = ("priority", "wait")  # moves after which as much is owed as before
_ELSEWHERE = (*LEAVE, "substitute")  # those that bring no more of the item
_COLUMNS = [
    *("item", "location", "month", "move", "what", "quantity", "cost_value"),
    *("unit_cost_value", "decide_by", "is_in_time"),
]
Move = tuple[str, str, float, float, int]  # name, words, units, cost, month to decide (position)


def moves(
    free: Room,
    short: pd.DataFrame,
    sources: pd.DataFrame,
    items: pd.DataFrame,
    prices: pd.DataFrame,
    shared: pd.DataFrame,
    channels: pd.DataFrame,
) -> pd.DataFrame:
    """Table ``shortage_moves``: what could be done about each shortage, the cheapest first.

    Parameters
    ----------
    free : Room
        From ``slack.room``.
    short : DataFrame
        Table `shortages`.
    sources : DataFrame
        From ``sourcing.sources``.
    items, channels : DataFrame
        Raw tables: ``family`` and ``unit`` say what may stand in for an item, ``priority`` who
        is served first.
    prices : DataFrame
        Key ``item``: ``unit_price_value``, ``unit_cost_value``.
    shared : DataFrame
        Table `allocation`.

    Returns
    -------
    DataFrame
        Key ``item, location, month, move``, shortages as in ``short``, of each the moves in time
        first, then the cheapest a unit: ``what`` in words; ``quantity`` of the shortage that it
        solves; ``cost_value`` that it adds (missing where no cost is known), ``unit_cost_value``;
        ``decide_by``, last month in which it can be decided: what is ordered, in the last month
        whose middle is no later than ``purchasing.order_by``; ``is_in_time``.
    """
    task, first = free.task, free.task.months[0]
    index = pd.MultiIndex.from_frame(task.keys[schema.SITE])
    place = index.get_indexer(pd.MultiIndex.from_frame(short[schema.SITE]))
    served = _by_rank(short, shared, channels)
    stand_ins = _stand_ins(free, items, prices)
    rows = []
    for item, row in zip(place, short.to_dict("records"), strict=True):
        month = max(int(months.number(row["month"]) - months.number(first)), 0)
        asked = float(row["late_quantity"] + row["lost_quantity"])
        key = (row["item"], row["location"], row["month"])
        until = _position(row["delivered_by"], task)
        owing = float(np.nan_to_num(task.backlog_cost[month:until, item]).sum())
        if row["lost_quantity"] > 0:
            until, owing = task.n_months, float(task.lost_sale_cost[month, item])
        every = [_wait(asked, owing, month, until, free)]
        if row["month"] >= first or until > 0:
            every += [
                *_of_supply(free, item, (month, until), asked, sources),
                *_of_suppliers(free, item, month, asked, sources),
                *_of_stand_ins(free, stand_ins, item, month, asked),
                *_of_priority(served.get(key), asked, owing, month),
            ]
        least = owing + row["extra_unit_value"]  # no way in time costs less, planned again
        for name, words, units, cost, at in every:
            if name not in _ELSEWHERE and np.isfinite(least):
                cost = np.maximum(cost, least * units)
            rows += [(*key, name, words, units, cost, at)] * (units > NOTHING)
    table = pd.DataFrame(rows, columns=[*_COLUMNS[:7], "at"])
    return _ranked(table, task)


def cheapest(options: pd.DataFrame) -> pd.DataFrame:
    """Of each shortage the move in time to look at first, beside what waiting costs.

    The cheapest one that delivers more; where that costs more than waiting, one whose cost is not
    known goes before it.

    Parameters
    ----------
    options : DataFrame
        Table `shortage_moves`.

    Returns
    -------
    DataFrame
        Key ``item, location, month``, in the order of ``options``: its columns, and
        ``waiting_value``. ``move`` is empty where nothing is in time.
    """
    waiting = options[options["move"] == "wait"].assign(waiting_value=options["cost_value"])
    waiting = waiting.assign(each=options["unit_cost_value"], let="nothing is in time: ")
    waiting = waiting.assign(let=waiting["let"] + waiting["what"])
    waiting = waiting[[*schema.SITE_MONTH, "waiting_value", "each", "let"]]
    is_real = options["is_in_time"] & ~options["move"].isin(LEAVE)
    both = options[is_real].merge(waiting, on=schema.SITE_MONTH, how="left", validate="m:1")
    rank = np.where(both["unit_cost_value"] <= both["each"], 0, 2)
    rank = np.where(both["unit_cost_value"].isna(), 1, rank)
    best = both.assign(rank=rank).sort_values("rank", kind="stable")
    best = best.drop_duplicates(schema.SITE_MONTH)[_COLUMNS]
    table = waiting.drop(columns="each").merge(
        best, on=schema.SITE_MONTH, how="left", validate="one_to_one"
    )
    return table.assign(move=table["move"].fillna(""), what=table["what"].fillna(table.pop("let")))


def _position(month: pd.Timestamp, task: Task) -> int:
    """Position of a month in the plan; the one after the last where it is missing."""
    if pd.isna(month):
        return task.n_months
    return int(months.number(month) - months.number(task.months[0]))


def _ranked(table: pd.DataFrame, task: Task) -> pd.DataFrame:
    """Money and months of the moves; those of a shortage in time and cheap first."""
    table = table.astype({"quantity": "float64", "cost_value": "float64", "at": "int64"})
    table = table.astype({"month": months.DTYPE, **dict.fromkeys(_COLUMNS[3:5], "str")})
    table = table.astype(dict.fromkeys(schema.SITE, "str"))
    if not task.is_priced:
        table = table.assign(cost_value=np.nan)
    decided = [months.shift(task.months[0], int(k)) for k in table["at"]]
    table = table.assign(
        unit_cost_value=table["cost_value"] / table["quantity"],
        decide_by=pd.Series(decided, dtype=months.DTYPE, index=table.index),
        is_in_time=table["at"] >= 0,
        shortage=table.groupby(schema.SITE_MONTH, sort=False).ngroup(),
        leaves=table["move"].isin(LEAVE),
    )
    cost = table["unit_cost_value"].round(6)  # as dear: first the hours that there are
    table = table.assign(each=cost, beyond=table["move"] == "more hours")
    by = ["shortage", "is_in_time", "each", "leaves", "beyond", "move"]
    order = [True, False, True, True, True, True]
    return table.sort_values(by, ascending=order, ignore_index=True, kind="stable")[_COLUMNS]


def _name(free: Room, month: int) -> str:
    return months.label(months.shift(free.task.months[0], month))


def _ordered(free: Room, due: int, days: float) -> tuple[int, str]:
    """Last month (a position) in which an order can be decided, and its last day in words."""
    first = free.task.months[0]
    by = purchasing.order_by(months.shift(first, due), days)
    decided = by - pd.Timedelta(purchasing.DAY_OF_RECEIPT - 1, "D")
    return int(months.number(decided) - months.number(first)), f"order by {by:%Y-%m-%d}"


def _latest(free: Room, item: int, month: int, sources: pd.DataFrame) -> tuple[int, str]:
    """Last month (a position) to decide what is there in a month; of an order, its day in words."""
    latest = month - int(free.task.first_month[item])
    if not free.task.is_purchased[item]:
        return latest, ""
    own = sources["item"] == free.task.keys["item"].iat[item]
    at, by = _ordered(free, month, float(np.nan_to_num(sources.loc[own, "lead_time_days"].min())))
    return min(latest, at), f" ({by})"


def _of_supply(
    free: Room, item: int, span: tuple[int, int], asked: float, sources: pd.DataFrame
) -> Iterator[Move]:
    """Moves of the site that makes an item, and of those it is sent through.

    ``span`` is the month in which it is wanted, and that in which it comes under the plan.
    """
    task, (at, until) = free.task, span
    latest = at
    while task.supplied_from[item] >= 0:
        lead, sender = int(task.lead_months[item]), int(task.supplied_from[item])
        latest = min(latest, at - max(lead, int(task.frozen_months[item])))
        at, until = at - lead, until - lead
        begin = max(at, 0)
        spare = float(free.end.closing[begin : max(until, begin + 1), sender].min())
        site = task.keys["location"].iat[sender]
        units, way = min(spare, asked), float(np.nan_to_num(task.transfer_cost[item]))
        yield "send", f"send {units:,.0f} more from {site}", units, way * units, latest
        item = sender
    for move in _of_making(free, item, (at, until), asked, sources):
        yield (*move[:4], min(move[4], latest))


def _of_making(
    free: Room, item: int, span: tuple[int, int], asked: float, sources: pd.DataFrame
) -> Iterator[Move]:
    """Moves of the site where an item is made or bought: earlier, more hours, people, others."""
    task, route, (month, until) = free.task, item, span
    latest, by = _latest(free, item, month, sources)
    verb = "order" if task.is_purchased[item] else "make"
    if month < task.first_month[route]:
        words = f"{verb} {asked:,.0f} more by {_name(free, latest)}"
        yield verb, words, asked, np.nan, latest
        return
    yield _earlier(free, route, span, asked, sources)
    room, cause, limit = slack.most(free, route, month, until)
    units = min(room, asked)
    over = [task.resources[r] for r in np.flatnonzero(slack.is_over(free, route, month))]
    words = f"{verb} {units:,.0f} more in {_name(free, month)}"
    words += f", in overtime of {' and '.join(over)}" if over else by
    name = "overtime" if over else verb
    yield name, words, units, units * slack.premium(free, route, month, until, units), latest
    if cause == "hours" and units < asked - NOTHING:
        yield from _more_hours(free, route, span, asked)
    if cause == "component":
        yield from _more_components(free, route, month, asked, sources[sources["item"] == limit])
    begin = int(max(task.lead_months[item], task.frozen_months[item]))
    others = float(task.subcontract_cost[month, item])
    if np.isfinite(others):
        most = float(task.subcontract_limit[month, item] - free.plan.subcontract[month, item])
        units, usual = min(most, asked), slack.unit_cost(free, route, month, until)
        usual -= slack.premium(free, route, month, until)
        words = f"have {units:,.0f} made by others in {_name(free, month)}"
        yield "subcontract", words, units, units * max(others - usual, 0.0), month - begin


def _earlier(
    free: Room, route: int, span: tuple[int, int], asked: float, sources: pd.DataFrame
) -> Move:
    """Make or order in months before, latest first, and keep it in stock."""
    task, item, (month, until) = free.task, int(free.task.route_item[route]), span
    units, cost, used = 0.0, 0.0, []
    for made in range(month - 1, int(task.first_month[route]) - 1, -1):
        room = slack.most(free, route, made, until)[0]
        more = min(room, slack.ahead(free, item, month, made) - units, asked - units)
        if more > NOTHING:
            hold = float(np.nan_to_num(task.holding_cost[made:month, item]).sum())
            cost += more * (hold + slack.premium(free, route, made, until, more))
            units, used = units + more, [made, *used]
    verb = "order" if task.is_purchased[item] else "make"
    when = _name(free, used[0]) if used else ""
    when += f" to {_name(free, used[-1])}" if len(used) > 1 else ""
    first, by = _latest(free, item, used[0] if used else month, sources)
    return f"{verb} earlier", f"{verb} {units:,.0f} earlier, in {when}{by}", units, cost, first


def _more_hours(free: Room, route: int, span: tuple[int, int], asked: float) -> Iterator[Move]:
    """Hours beyond those there are: a further shift, or more people where they may change.

    A further shift has as many hours as the regular ones, and uses the components that are left.
    """
    task, each, (month, until) = free.task, np.arange(free.task.hours.shape[1]), span
    when = np.maximum(month - task.offset_months[route], 0)
    need, have = task.hours[route], free.hours[when, each]
    paid, beyond = slack.hour_costs(free, route, month)
    uses = need > 0
    most = (have + free.end.available[when, each])[uses] / need[uses]
    there = slack.components(free, route, month, until)[0]
    units = float(min(most.min(), there, asked))
    extra = np.maximum(units * need - have, 0.0)
    told = [
        f"{extra[r]:,.0f} hours more of {task.resources[r]} in {_name(free, int(when[r]))}"
        for r in np.flatnonzero(extra > NOTHING)
    ]
    latest = month - int(task.first_month[route])
    dear = np.where(slack.is_over(free, route, month), units * need, extra)
    rate = slack.rate_cost(free, int(task.route_item[route]), span, units)
    cost = float(dear @ (beyond - paid)) + rate * units
    yield "more hours", f"{' and '.join(told)} than there are", units, cost, latest
    (short,) = np.nonzero(extra > NOTHING)
    if len(short) != 1 or not task.is_staffed[short[0]]:
        return
    r, t = int(short[0]), int(when[short[0]])
    per = float(task.hours_per_worker[t, r])
    people = np.ceil(extra[r] / per)
    people = min(people, np.floor(task.maximum_workers[t, r] - free.plan.workers[t, r] + NOTHING))
    units = float(min(asked, (people * per + have[r]) / need[r])) if people > 0 else 0.0
    pay = np.nan_to_num(task.hiring_cost[r]) + per * np.nan_to_num(task.regular_cost[t, r])
    words = f"hire {people:,.0f} at {task.resources[r]} for {_name(free, t)}"
    yield "hire", words, units, people * pay, latest


def _more_components(
    free: Room, route: int, month: int, asked: float, own: pd.DataFrame
) -> Iterator[Move]:
    """More of the component that binds: from each of its suppliers, up to a month's limit again.

    What a supplier asks for more than its limit is not known, so neither is the cost.
    """
    name = own["item"].iloc[0]
    uses = (free.task.materials["item"] == name).to_numpy() & (free.task.material_per[route] > 0)
    material = int(np.flatnonzero(uses)[0])
    each = free.task.material_per[route, material]
    due = month - int(free.task.material_offset[route, material])
    for row in own[own["supplier"] != ""].to_dict("records"):
        units = float(min(asked, row["monthly_limit"] / each))
        who, (latest, by) = row["supplier"], _ordered(free, due, row["lead_time_days"])
        words = f"have {who} send {units * each:,.0f} more of {name} by {_name(free, due)}, {by}"
        yield f"component from {who}", words, units, np.nan, latest


def _of_suppliers(
    free: Room, item: int, month: int, asked: float, sources: pd.DataFrame
) -> Iterator[Move]:
    """Another supplier of a bought item: quicker than the plan counts on, or with units left."""
    task = free.task
    if not task.is_purchased[item]:
        return
    name, planned = task.keys["item"].iat[item], int(task.lead_months[item])
    cost = float(task.purchase_cost[month, item])
    own = sources[(sources["item"] == name) & (sources["supplier"] != "")]
    is_full = free.cause[month, item] == "supplier limit"
    other = own["supplier"].ne(free.limit[month, item]) & is_full
    for row in own[(own["lead_time_months"] < planned) | other].to_dict("records"):
        lead = int(row["lead_time_months"])
        units = float(min(asked, row["monthly_limit"]))
        bought = max(units, row["minimum_order"])
        more = max(float(np.nan_to_num(row["unit_cost_value"] - cost)), 0.0)
        way = f"{lead} month{'s' * (lead != 1)} instead of {planned}"
        latest, by = _ordered(free, month, row["lead_time_days"])
        words = f"{by} {bought:,.0f} from {row['supplier']} ({way})"
        latest = min(latest, month - int(task.frozen_months[item]))
        yield f"supplier {row['supplier']}", words, units, more * bought, latest


def _stand_ins(free: Room, items: pd.DataFrame, prices: pd.DataFrame) -> dict[str, np.ndarray]:
    """Of each item at its site: who may stand in, its margin, and stock that nobody will need."""
    item = free.task.keys["item"]
    family, unit = (schema.lookup(item, items, name).fillna("") for name in ("family", "unit"))
    groups = pd.DataFrame({"family": family, "unit": unit, "site": free.task.keys["location"]})
    price, cost = (
        schema.lookup(item, prices, name).to_numpy(dtype="float64")
        for name in ("unit_price_value", "unit_cost_value")
    )
    is_open = (family != "").to_numpy() & ~free.task.is_service
    spare = free.end.closing - free.task.safety_stock
    return {
        "group": np.where(is_open, groups.groupby(list(groups)).ngroup(), -1),
        "margin": price - cost,
        "spare": np.minimum.accumulate(spare[::-1], axis=0)[::-1],
    }


def _of_stand_ins(
    free: Room, found: dict[str, np.ndarray], item: int, month: int, asked: float
) -> Iterator[Move]:
    """The item of the same family, unit and site with most to spare until the end."""
    group, spare, margin = found["group"], found["spare"][month], found["margin"]
    same = np.flatnonzero((group == group[item]) & (group >= 0))
    same = same[same != item]
    if not len(same):
        return
    best = int(same[np.argmax(spare[same])])
    units = float(min(spare[best], asked))
    less = max(float(np.nan_to_num(margin[item] - margin[best])), 0.0)
    there, name = float(spare[best]), free.task.keys["item"].iat[best]
    words = f"offer {name} instead, if customers take it: {there:,.0f} are not needed"
    found["spare"][:, best] -= max(units, 0.0)  # offered once
    yield "substitute", words, units, less * units, month


def _by_rank(short: pd.DataFrame, shared: pd.DataFrame, channels: pd.DataFrame) -> dict:
    """Of each shortage: channels by priority with what each lacks and gets in the month."""
    rows = shared.drop(columns="location").rename(columns={"site": "location"})
    rows = rows.merge(
        short[schema.SITE_MONTH], on=schema.SITE_MONTH, how="inner", validate="many_to_one"
    )
    rank = schema.lookup(rows["channel"], channels, "priority", on="channel").astype("float64")
    rows = rows.assign(rank=rank.fillna(np.inf), lacks=rows["demand"] - rows["on_time"])
    by = [*schema.SITE_MONTH, "rank", "channel"]
    rows = rows.groupby(by, as_index=False)[["lacks", "delivered"]].sum()
    return {key: own for key, own in rows.groupby(schema.SITE_MONTH)}


def _of_priority(
    own: pd.DataFrame | None, asked: float, owing: float, month: int
) -> Iterator[Move]:
    """Serve the first channel that lacks something before those of lower priority."""
    if own is None or not (own["lacks"] > NOTHING).any():
        return
    first = own.loc[own["lacks"] > NOTHING, "rank"].min()
    above, below = own[own["rank"] == first], own[own["rank"] > first]
    below = below[below["delivered"] > NOTHING]
    units = min(float(above["lacks"].sum()), float(below["delivered"].sum()), asked)
    who, waits = (" and ".join(rows["channel"]) for rows in (above, below))
    words = f"serve {who} first: {waits} waits for {units:,.0f} instead"
    yield "priority", words, units, owing * units, month


def _wait(asked: float, owing: float, month: int, until: int, free: Room) -> Move:
    """Owe it until it comes."""
    when = f"until {_name(free, until)}" if until < free.task.n_months else "beyond the plan"
    return "wait", f"let {asked:,.0f} wait {when}", asked, owing * asked, month
