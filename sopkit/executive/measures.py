"""What KPIs are made of: sales and stock of closed months at every level, and sums of the plan.

A KPI is one measure over another (``kpis``). Here stand the measures by their names: ``sold`` and
``held`` by month and level, so that a KPI can be asked of any months and members; ``planned`` and
``process`` as one number each for the whole company. Missing is what nothing tells, never zero.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import hierarchy

LAG = 3  # months ahead at which a plan's error is told
_COVER_MONTHS = 3  # following months whose mean demand stock is set beside
_FAMILIES = 3  # named where the market is known of them alone
_NO_STOCK = ("is_service", "is_made_to_order")  # their demand is no reason to hold stock
Tables = dict[str, pd.DataFrame]


def sold(closed: pd.DataFrame, sales: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Sales of closed months by series and month, with all levels.

    Parameters
    ----------
    closed : DataFrame
        From ``finance.closed_series``.
    sales : DataFrame
        Raw table `sales`: what was delivered in time.
    tables : dict of DataFrame
        ``items``, ``locations``, ``channels``.

    Returns
    -------
    DataFrame
        ``quantity``, ``delivered`` and ``on_time`` (planning unit; the two where sales tell both),
        ``revenue_value``, ``margin_value``, ``costed_revenue_value`` (of what has a cost).
    """
    timed = sales[(sales["quantity"] > 0) & sales["on_time_quantity"].notna()]
    timed = hierarchy.aggregate(timed, schema.SERIES_MONTH, ["quantity", "on_time_quantity"])
    timed = timed.rename(columns={"quantity": "delivered", "on_time_quantity": "on_time"})
    # left: a month without a row of deliveries tells nothing of time
    both = closed.merge(timed, on=schema.SERIES_MONTH, how="left", validate="one_to_one")
    both = hierarchy.with_levels(both, tables["items"], tables["locations"], tables["channels"])
    factor = hierarchy.factors(both["item"], tables["items"])
    return both.assign(
        quantity=both["net"] * factor,
        delivered=both["delivered"] * factor,
        on_time=both["on_time"] * factor,
        costed_revenue_value=both["revenue_value"].where(both["margin_value"].notna()),
    )


def held(
    closed: pd.DataFrame, plan: pd.DataFrame, inventory: pd.DataFrame, tables: Tables
) -> pd.DataFrame:
    """Stock at the ends of closed months by item, beside the demand that followed.

    Parameters
    ----------
    closed : DataFrame
        From ``finance.closed_series``.
    plan : DataFrame
        Table `demand_plan`: follows where sales end.
    inventory : DataFrame
        Raw table of that name.
    tables : dict of DataFrame
        ``items``, ``money_rates``; an item's price and cost are means over its series.

    Returns
    -------
    DataFrame
        By ``item, month``, ``family``, ``category``, of items sold or planned that hold stock or
        owe: ``stock_quantity``, ``backlog_quantity``, ``next_quantity`` (mean month of the three
        that follow), planning unit; ``stock_value``, ``next_value``, ``cost_value`` (of goods sold
        in the month) at cost; ``backlog_value`` at price.
    """
    money = tables["money_rates"].groupby("item")[["unit_price_value", "unit_cost_value"]].mean()
    flow = pd.concat(
        [
            closed[["item", "month"]].assign(quantity=closed["net"]),
            plan[["item", "month"]].assign(quantity=plan["consensus"]),
        ]
    )
    by_month = flow.groupby(["month", "item"])["quantity"].sum().unstack(fill_value=0.0)
    later = by_month[::-1].rolling(_COVER_MONTHS).mean()[::-1].shift(-1)
    wide = {"gone": by_month, "following": later}
    known = pd.DataFrame({name: table.stack() for name, table in wide.items()}).reset_index()
    stock = inventory[inventory["item"].isin(money.index)]
    stock = hierarchy.aggregate(stock, ["item", "month"], ["on_hand", "backlog"])
    table = stock.merge(known, on=["item", "month"], how="left", validate="one_to_one")
    table = hierarchy.with_levels(table, tables["items"])
    factor = hierarchy.factors(table["item"], tables["items"])
    price, cost = (table["item"].map(money[name]).astype("float64") for name in money)
    flags = [schema.lookup(table["item"], tables["items"], name) for name in _NO_STOCK]
    has_none = pd.concat(flags, axis=1).eq(True).any(axis=1)
    gone, following = (table[name].mask(has_none, 0.0) for name in ("gone", "following"))
    return table.assign(
        stock_quantity=table["on_hand"] * factor,
        backlog_quantity=table["backlog"] * factor,
        next_quantity=following * factor,
        stock_value=table["on_hand"] * cost,
        backlog_value=table["backlog"] * price,
        next_value=following * cost,
        cost_value=gone * cost,
    )


def planned(tables: Tables) -> dict[str, float]:
    """Sums of this cycle's plan, the whole company.

    Parameters
    ----------
    tables : dict of DataFrame
        ``accuracy``, ``lag_accuracy``, ``plan_attainment``, ``resource_load``, ``financials``;
        ``deliveries`` in the planning unit.
    """
    company = tables["financials"]
    company = company[company["family"] == schema.COMPANY_LABEL]
    budgeted = company[company["budget_revenue_value"].notna()]
    return {
        **_errors(tables["accuracy"], "forecast", model="combined"),
        **_errors(tables["lag_accuracy"], "plan", layer="consensus"),
        **_kept(tables["plan_attainment"]),
        **_load(tables["resource_load"]),
        "planned_on_time": _total(tables["deliveries"]["on_time"]),
        "planned_demand": _total(tables["deliveries"]["demand"]),
        "planned_margin_value": _total(company["margin_value"]),
        "planned_costed_value": _total(company["costed_revenue_value"]),
        "planned_budgeted_value": _total(budgeted["budgeted_revenue_value"]),
        "planned_budget_value": _total(budgeted["budget_revenue_value"]),
    }


def _total(amounts: pd.Series) -> float:
    return float(amounts.sum(min_count=1))


def _errors(accuracy: pd.DataFrame, name: str, **whose: str) -> dict[str, float]:
    """Sizes and sums of errors by family and month, at the lag that KPIs tell."""
    own = accuracy[(accuracy["level"] == "family") & (accuracy["lag"] == LAG)]
    for column, word in whose.items():
        own = own[own[column] == word]
    return {
        f"{name}_error": _total(own["wape"] * own["volume"]),
        f"{name}_bias": _total(own["bias_rate"] * own["volume"]),
        f"{name}_volume": _total(own["volume"]),
    }


def _kept(attainment: pd.DataFrame) -> dict[str, float]:
    """What was made as planned in the month of the plan, and all that was made."""
    own = attainment[(attainment["plan"] == "supply") & (attainment["lag"] == 0)]
    made = own["volume"] * (1.0 - own["wape"]).clip(lower=0.0)
    return {"made_as_planned": _total(made), "made": _total(own["volume"])}


def _load(load: pd.DataFrame) -> dict[str, float]:
    """Hours of the busiest resource, the busiest month of any, overtime, people who come or go."""
    sums = load.groupby("resource")[["load_hours", "regular_hours"]].sum()
    busiest = sums.loc[(sums["load_hours"] / sums["regular_hours"]).nlargest(1).index]
    used = load["load_hours"] / load["regular_hours"].where(load["regular_hours"] > 0.0)
    staffed = load[load["workers"].notna()].sort_values("month")
    moved = staffed.groupby("resource")["workers"].diff().abs()
    return {
        "busiest_load_hours": _total(busiest["load_hours"]),
        "busiest_regular_hours": _total(busiest["regular_hours"]),
        "peak_rate": float(used.max()),
        "overtime_hours": _total((load["load_hours"] - load["regular_hours"]).clip(lower=0.0)),
        "load_hours": _total(load["load_hours"]),
        "workers_moved": _total(moved),
        "workers": _total(staffed.groupby("resource")["workers"].mean()),
    }


def market_share(sold: pd.DataFrame, market: pd.DataFrame) -> dict[str, float]:
    """Revenue and size of the market, of the last twelve closed months that it is known for.

    Parameters
    ----------
    sold : DataFrame
        From ``sold``.
    market : DataFrame
        Rows of raw table `market` that are its size in money. Those of all families and regions
        count: the market of some families says nothing of the company.
    """
    is_whole = market[["family", "region"]].eq(schema.ALL).all(axis=1)
    rows = market[is_whole & market["month"].isin(sold["month"])]
    sizes = rows.groupby("month")["value"].sum().tail(12)
    revenue = sold[sold["month"].isin(sizes.index)]["revenue_value"]
    is_known = len(sizes) == 12
    return {
        "market_revenue_value": _total(revenue) if is_known else np.nan,
        "market_value": _total(sizes) if is_known else np.nan,
    }


def market_lacks(market: pd.DataFrame) -> str:
    """Why the company's market share is not measured; empty where it is the usual reason.

    Parameters
    ----------
    market : DataFrame
        As for ``market_share``.

    Examples
    --------
    >>> market_lacks(pd.DataFrame({"family": ["Lighting"] * 2, "region": "all"}))
    'market.csv has `market size` of Lighting alone'
    """
    known = sorted(set(market["family"]))
    if not known or schema.ALL in known:
        return ""
    more = [f"{len(known) - _FAMILIES} more"] if len(known) > _FAMILIES else []
    return f"market.csv has `market size` of {', '.join(known[:_FAMILIES] + more)} alone"


def process(tables: Tables, *, cycle: pd.Timestamp) -> dict[str, float]:
    """How the cycle itself goes.

    Parameters
    ----------
    tables : dict of DataFrame
        ``view_status``, ``data_review_facts``, ``closings``, ``pulse``; ``demand_plan`` with
        ``unit_price_value`` and ``factor``, of the common unit.
    cycle : Timestamp
        Month in which the plan is made.
    """
    status, plan, closed = tables["view_status"], tables["demand_plan"], tables["closings"]
    is_timed = len(status) > 0 and status["timing"].ne("").all()
    in_time = status["timing"].str.startswith("in time").sum() if is_timed else np.nan
    price = plan["unit_price_value"]
    weight = price if price.notna().all() else plan["factor"]
    facts = tables["data_review_facts"].set_index("fact")["amount"]
    near = closed[closed["cycle"].between(months.shift(cycle, -1), cycle)]
    past = tables["pulse"][tables["pulse"]["cycle"] < cycle]
    last = past[past["cycle"] == past["cycle"].max()]
    return {
        "views_in_time": float(in_time),
        "views_wanted": float(len(status)),
        "overridden": _total((plan["overrides"] * weight).abs()),
        "consensus": _total(plan["consensus"] * weight),
        "notices": float(facts["notices"]),
        "reopened": float(near["state"].eq("reopened").sum()) if len(closed) else np.nan,
        "score": float(last["score"].mean()),
    }
