"""Whether the goals of the sales strategy can be delivered with this plan, and what it would take.

A goal is a row of `targets`. Its months before the cycle are actual, the others plan: ``plan`` is
what demand would bring, ``deliverable`` what supply delivers of it. gap = deliverable − target.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import hierarchy
from sopkit.reconciliation import finance
from sopkit.reconciliation._subjects import covered, named, words
from sopkit.reconciliation.goals import DEFINITIONS, MARKET

_STOCKS = ("service_rate", "inventory_turns", "inventory_value")
_STOCK_LEVELS = {"item", "family", "category"}  # stock is not held for a customer
_NUMBERS = ("target", "plan", "deliverable", "gap", "amount_value")
_COLUMNS = (
    "kpi goal meaning subject owner first_month last_month period target unit plan deliverable gap "
    "status binding takes amount_value"
).split()
_LEAST = 1e-9  # of what is wanted: less is no gap
_TINY = 0.01  # of what is set beside it: growth from less is no measure
Tables = dict[str, pd.DataFrame]


class _NotMeasured(ValueError):
    """A goal that cannot be measured; the message says what is missing."""


def flows(past: pd.DataFrame, plan: pd.DataFrame, rates: pd.DataFrame) -> pd.DataFrame:
    """Sales of closed months and the plan as one table, for ``strategy_check``.

    Parameters
    ----------
    past : DataFrame
        Table `demand_history` with all levels and ``factor``.
    plan : DataFrame
        Table `plan_money` with all levels and ``factor``.
    rates : DataFrame
        Table `money_rates`: closed months without booked revenue count at today's price.

    Returns
    -------
    DataFrame
        By series and month, levels: ``wanted_value``, ``supplied_value``, ``wanted_units``,
        ``supplied_units`` (common unit; both alike in closed months), ``is_ahead``,
        ``first_sold``: the first month of the series.
    """
    done = finance.closed_series(past, rates)
    sold = {"quantity": done["net"], "constrained": done["net"]}
    done = done.assign(**sold, constrained_revenue_value=done["revenue_value"])
    both = pd.concat([done.assign(is_ahead=False), plan.assign(is_ahead=True)], ignore_index=True)
    table = both[[*schema.SERIES_MONTH, "family", "category", "region", "segment", "is_ahead"]]
    sold = both["month"].where(both["quantity"] > 0)
    return table.assign(
        quantity=both["quantity"],
        wanted_value=both["revenue_value"],
        supplied_value=both["constrained_revenue_value"],
        wanted_units=both["quantity"] * both["factor"],
        supplied_units=both["constrained"] * both["factor"],
        first_sold=sold.groupby([both[name] for name in schema.SERIES]).transform("min"),
    )


def stock(
    projection: pd.DataFrame, delivered: pd.DataFrame, items: pd.DataFrame, rates: pd.DataFrame
) -> pd.DataFrame:
    """Stock and deliveries as one table, for ``strategy_check``.

    Parameters
    ----------
    projection, delivered : DataFrame
        Tables `inventory_projection` and `deliveries`.
    items, rates : DataFrame
        Tables `items` and `money_rates`; an item's price and cost are means over its series.
    """
    kept = projection[[*schema.SITE_MONTH, "closing", "safety_stock"]]
    table = kept.merge(delivered, on=schema.SITE_MONTH, how="left", validate="one_to_one")
    table = hierarchy.with_levels(table, items)
    money = rates.groupby("item")[["unit_price_value", "unit_cost_value"]].mean()
    per_unit = {name: table["item"].map(money[name]).astype("float64") for name in money}
    return table.assign(factor=hierarchy.factors(table["item"], items), **per_unit)


def strategy_check(
    targets: pd.DataFrame, known: Tables, *, cycle: pd.Timestamp, currency: str
) -> pd.DataFrame:
    """Table ``strategy_check``: one row a goal that ends in the cycle or later.

    Parameters
    ----------
    targets : DataFrame
        Table `targets`, money in the company's currency. KPIs that ``goals.DEFINITIONS`` lacks are
        left out.
    known : dict of DataFrame
        ``flow`` and ``stock`` from the functions of these names (``stock`` empty where no stock is
        known), ``uses`` from ``disconnects.uses``; tables `resource_load`, `market`, `suppliers`.
    cycle : Timestamp
        Month in which the plan is made.
    currency : str
        Of the company.

    Returns
    -------
    DataFrame
        Key ``kpi``, levels, ``first_month``. ``period``: its months in words. ``target``,
        ``plan``, ``deliverable``, ``gap`` = deliverable − target, in ``unit``. ``status``:
        deliverable, short of demand (supply could follow), short of supply (it could not), too much
        stock, not measured. ``binding``: what binds; ``takes``: what it would take, or why it is
        not measured; ``amount_value``: money missing.

    Notes
    -----
    More demand is taken to come in the mix of the goal's items as planned. The market of months to
    come is taken to be that of a year before.
    """
    goals = targets[targets["kpi"].isin(DEFINITIONS) & (targets["last_month"] >= cycle)]
    rows = [_checked(goal | {"currency": currency}, known) for goal in goals.to_dict("records")]
    table = pd.DataFrame(rows, columns=[*_COLUMNS, *schema.LEVELS])
    dates = dict.fromkeys(("first_month", "last_month"), months.DTYPE)
    texts = dict.fromkeys(set(table) - {*_NUMBERS, *dates}, "str")
    return table.astype(texts | dict.fromkeys(_NUMBERS, "float64") | dates)


def _checked(goal: dict, known: Tables) -> dict:
    """The row of one goal."""
    meaning, unit, _ = DEFINITIONS[goal["kpi"]]
    subject = words(goal)
    row = goal | {"goal": f"{subject}: {meaning.lower()}", "meaning": meaning, "unit": unit}
    first, last = (months.label(goal[name]) for name in ("first_month", "last_month"))
    row |= {"subject": subject, "binding": "", "period": f"{first} to {last}"}
    row |= dict.fromkeys(("plan", "deliverable", "amount_value"), np.nan)
    try:
        row |= (_stock if goal["kpi"] in _STOCKS else _flow)(goal, known)
    except _NotMeasured as why:
        row |= {"status": "not measured", "takes": str(why)}
    return row | {"gap": row["deliverable"] - row["target"]}


def _require(is_known: bool, why: str) -> None:
    if not is_known:
        raise _NotMeasured(why)


def _within(table: pd.DataFrame, goal: dict, later: int = 0) -> pd.DataFrame:
    """Rows that the goal covers, of its months or of those some months later."""
    first, last = (months.shift(goal[name], later) for name in ("first_month", "last_month"))
    return table[table["month"].between(first, last) & covered(table, goal)]


def _flow(goal: dict, known: Tables) -> dict:
    """The check of a goal for what is sold."""
    flow, measure = known["flow"], "units" if goal["kpi"] == "quantity" else "value"
    first, last = flow["month"].min(), flow["month"].max()
    _require(len(flow) > 0 and goal["last_month"] <= last, "its months are not all planned")
    _require(goal["first_month"] >= first, f"sales are known from {months.label(first)} on")
    own = _within(flow, goal)
    if goal["kpi"] == "new_market_revenue_value":
        is_new = own["first_sold"].between(goal["first_month"], goal["last_month"])
        own = own[is_new & (own["first_sold"] > first)]
    wanted = own[f"wanted_{measure}"]
    _require(own.empty or wanted.notna().any(), "no price is known: table prices")
    reached, missing = {}, {}
    for way in ("wanted", "supplied"):
        sold, base = own[f"{way}_{measure}"].sum(), _base(goal, known, way)
        reached[way], missing[way] = _reached(goal, sold, base)
    row = {"plan": reached["wanted"], "deliverable": reached["supplied"]}
    if missing["supplied"] <= _LEAST * abs(wanted.sum()):
        return row | {"status": "deliverable", "takes": "", "amount_value": 0.0}
    ahead, worth = own[own["is_ahead"]], missing["supplied"]
    if measure == "units":
        units = ahead["wanted_units"].sum()
        worth *= ahead["wanted_value"].sum(min_count=1) / units if units > 0 else np.nan
    return row | {"amount_value": worth} | _bound(ahead, missing, measure, known)


def _base(goal: dict, known: Tables, way: str) -> float:
    """What the goal's sales stand beside: the company, last year, or the market."""
    flow, kpi = known["flow"], goal["kpi"]
    span = {name: goal[name] for name in ("first_month", "last_month")}
    if kpi == "revenue_share_rate":
        return _within(flow, span)[f"{way}_value"].sum()
    if kpi == "growth_rate":
        first = flow["month"].min()
        is_known = months.shift(goal["first_month"], -12) >= first
        _require(is_known, f"sales are known from {months.label(first)} on")
        before, now = (_within(flow, goal, later) for later in (-12, 0))
        is_base = before["wanted_value"].sum() > _TINY * now["wanted_value"].sum()
        _require(is_base, "nothing or next to nothing was sold in the year before")
        return before[f"{way}_value"].sum()
    if kpi == "market_share_rate":
        return _market(goal, known["market"])
    return 0.0


def _market(goal: dict, market: pd.DataFrame) -> float:
    """The market of the goal's months; of months not yet known, that of a year before."""
    level = {name: goal[name] for name in named(goal)}
    of = words(goal)
    _require(not set(level) - {"family", "region"}, "table market knows families and regions only")
    rows = market[market["series"] == MARKET]
    for name in ("family", "region"):
        rows = rows[rows[name] == level.get(name, schema.ALL)]
    by_month = rows.groupby("month")["value"].sum()
    span = pd.date_range(goal["first_month"], goal["last_month"], freq="MS", unit="us")
    value = by_month.reindex(span)
    for _ in range(3):  # each round takes what is still missing from a year earlier
        value = value.fillna(
            by_month.set_axis(by_month.index + pd.DateOffset(years=1)).reindex(span)
        )
        by_month = value.combine_first(by_month)
    _require(value.notna().all(), f"table market lacks the {MARKET!r} of {of}")
    return value.sum()


def _reached(goal: dict, sold: float, base: float) -> tuple[float, float]:
    """The KPI's amount, and how much more must be sold to reach the target.

    Examples
    --------
    >>> _reached({"kpi": "revenue_share_rate", "target": 0.5}, 40.0, 100.0)
    (0.4, 20.0)
    """
    kpi, target = goal["kpi"], goal["target"]
    ratio = sold / base if base else np.nan
    if kpi == "revenue_share_rate":  # what is sold more is the company's too
        _require(target < 1.0, "a share is below 1")
        return ratio, (target * base - sold) / (1.0 - target)
    if kpi == "growth_rate":
        return ratio - 1.0, (1.0 + target) * base - sold
    if kpi == "market_share_rate":
        return ratio, target * base - sold
    return sold, target - sold


def _bound(ahead: pd.DataFrame, missing: dict, measure: str, known: Tables) -> dict:
    """What binds a goal for sales, and what it would take."""
    planned = ahead[f"wanted_{measure}"].sum()
    if not planned > 0:
        takes = "demand where none is planned"
        return {"status": "short of demand", "binding": "demand", "takes": takes}
    hours = _hours(ahead, known)
    share = missing["wanted"] / planned
    more = f"{share:+.0%} demand" if share * _TINY < 1.0 else "demand, from next to nothing,"
    more += " in the months to go"
    if missing["wanted"] <= _LEAST * planned:  # demand is there, supply is late
        needed = hours["planned"] / planned * missing["supplied"]
        if hours["over"].max() > 0:
            name = hours["over"].idxmax()
            takes = f"{needed[name]:,.0f} hours of {name}"
            return {"status": "short of supply", "binding": name, "takes": takes}
        late = (ahead["wanted_units"] - ahead["supplied_units"]).groupby(ahead["item"]).sum()
        name = late.idxmax()
        takes = f"{late[name]:,.0f} units of {name} in time"
        return {"status": "short of supply", "binding": name, "takes": takes}
    short = hours["planned"] / planned * missing["wanted"] - hours["free"]
    if len(short) and short.max() > 0:
        name = short.idxmax()
        unit = "hours" if hours.loc[name, "is_hours"] else "units"
        takes = f"{short[name]:,.0f} more {unit} of {name}, {more}"
        return {"status": "short of supply", "binding": name, "takes": takes}
    return {"status": "short of demand", "binding": "demand", "takes": more}


def _hours(ahead: pd.DataFrame, known: Tables) -> pd.DataFrame:
    """Of each resource (or supplier with a limit): ``planned`` for these rows, ``free``, ``over``.

    Hours; units of what a supplier delivers. ``free`` is what the plan leaves in these months,
    ``over`` what all demand wants beyond regular and overtime hours up to their end.
    """
    # inner: an item without bill takes no hours
    used = ahead.merge(known["uses"].dropna(), on="item", how="inner", validate="many_to_many")
    planned = (used["quantity"] * used["hours_per_unit"]).groupby(used["resource"]).sum()
    load = known["resource_load"]
    limit = load["regular_hours"] + load["overtime_hours"]
    until = load["month"] <= ahead["month"].max()
    load = load.assign(
        free=(limit - load["load_hours"]).clip(lower=0.0).where(load["month"].isin(ahead["month"])),
        over=(load["wanted_hours"] - limit).clip(lower=0.0).where(until),
    )
    sums = load.groupby("resource")[["free", "over"]].sum()
    table = sums.reindex(planned.index).assign(planned=planned, is_hours=True)
    return pd.concat([table, _limits(ahead, known["suppliers"])])


def _limits(ahead: pd.DataFrame, suppliers: pd.DataFrame) -> pd.DataFrame:
    """As ``_hours``, for items all of whose suppliers have a monthly limit."""
    own = suppliers[suppliers["item"].isin(ahead["item"])]
    is_limited = own["monthly_limit"].notna().groupby(own["item"]).transform("all")
    own = own[is_limited]
    planned = own["item"].map(ahead.groupby("item")["quantity"].sum()).astype("float64")
    limit = own["monthly_limit"].groupby(own["item"]).transform("sum") * ahead["month"].nunique()
    free = (limit - planned).clip(lower=0.0)
    table = pd.DataFrame({"free": free, "over": 0.0, "planned": planned, "is_hours": False})
    return table.groupby(own["supplier"].rename("resource")).agg(
        {"free": "sum", "over": "sum", "planned": "sum", "is_hours": "first"}
    )


def _stock(goal: dict, known: Tables) -> dict:
    """The check of a goal for service or stock."""
    _require(len(known["stock"]) > 0, "no stock is known: table inventory")
    allowed = f"it is known by {', '.join(sorted(_STOCK_LEVELS))} only"
    _require(not set(named(goal)) - _STOCK_LEVELS, allowed)
    own = _within(known["stock"], goal)
    _require(len(own) > 0, "nothing of it is planned in its months")
    if goal["kpi"] == "service_rate":
        return _service(goal, own, known)
    _require(own["unit_cost_value"].notna().any(), "no cost is known: unit_cost_value of items")
    count, cost, turns = own["month"].nunique(), own["unit_cost_value"], {}
    stock = (own["closing"].clip(lower=0.0) * cost).sum() / count
    safety = (own["safety_stock"] * cost).sum() / count
    for way in ("demand", "deliverable"):
        turns[way] = (own[way] * cost).sum() * 12 / count
    needed, row = goal["target"], {"plan": stock, "deliverable": stock}
    if goal["kpi"] == "inventory_turns":
        needed = turns["deliverable"] / goal["target"]
        row = {"plan": turns["demand"] / stock, "deliverable": turns["deliverable"] / stock}
    if stock <= needed * (1.0 + _LEAST):
        return row | {"status": "deliverable", "takes": "", "amount_value": 0.0}
    binding = "safety stock" if safety > needed else "stock beyond safety stock"
    takes = f"{stock - needed:,.0f} {goal['currency']} less stock, at cost"
    status = {"status": "too much stock", "binding": binding, "takes": takes}
    return row | status | {"amount_value": stock - needed}


def _service(goal: dict, own: pd.DataFrame, known: Tables) -> dict:
    """The check of a goal for the share delivered in its month; all demand would be 1."""
    wanted, in_time = ((own[name] * own["factor"]).sum() for name in ("demand", "on_time"))
    _require(wanted > 0, "nothing of it is planned in its months")
    _require(goal["target"] <= 1.0, "a share is 1 at most")
    row, missing = {"plan": 1.0, "deliverable": in_time / wanted}, goal["target"] * wanted - in_time
    if missing <= _LEAST * wanted:
        return row | {"status": "deliverable", "takes": "", "amount_value": 0.0}
    late = (own["demand"] - own["on_time"]).clip(lower=0.0)
    worth = (late * own["unit_price_value"]).sum(min_count=1) / (late * own["factor"]).sum()
    name = (late * own["factor"]).groupby(own["item"]).sum().idxmax()
    of_item = known["uses"].loc[known["uses"]["item"] == name, "resource"].dropna()
    load = known["resource_load"][known["resource_load"]["resource"].isin(of_item)]
    over = load["wanted_hours"] - load["regular_hours"] - load["overtime_hours"]
    over = over.where(load["month"].isin(own["month"])).clip(lower=0.0).groupby(load["resource"])
    over = over.sum()
    binding = over.idxmax() if len(over) and over.max() > 0 else name
    takes = f"{missing:,.0f} units in time, most of them of {name}"
    status = {"status": "short of supply", "binding": binding, "takes": takes}
    return row | status | {"amount_value": missing * worth}
