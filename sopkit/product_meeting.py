"""What the product review tells of items that come and go, laid out from tables of the cycle."""

from __future__ import annotations

import pandas as pd

from sopkit import months
from sopkit.demand import launch_status, launch_tracking, launches, phase_outs, ramps
from sopkit.supply import capacity, readiness, sourcing

Tables = dict[str, pd.DataFrame]
_YEARS = 2  # in which launches are looked at


def coming_and_going(tables: Tables, past: pd.DataFrame, *, cycle: pd.Timestamp) -> Tables:
    """Launches by readiness and beside their plan, ramps of past ones, and what ends.

    ``past`` are the demand plans of past cycles.
    """
    demand, items, told = tables["demand_history"], tables["items"], tables["launches"]
    curves = ramps.learned(demand, items)
    ahead = launch_status.as_last_year(demand, cycle=cycle)
    sales = launches.like_sales(demand, ahead, items, cycle=cycle)
    promise = launches.promised(told, items, sales, curves)
    to_come = promise[promise["month"].between(cycle, months.shift(cycle, 12 * _YEARS))]
    hours = _hours(tables, to_come)
    return {
        "launch_ramps": curves,
        "launch_status": launch_status.launch_status(
            tables, to_come, _ready(tables, to_come, cycle), hours, cycle=cycle
        ),
        "launch_tracking": launch_tracking.launch_tracking(tables, promise, past, cycle=cycle),
        "phase_outs": phase_outs.phase_outs(tables, cycle=cycle),
    }


def _ready(tables: Tables, promise: pd.DataFrame, cycle: pd.Timestamp) -> pd.DataFrame:
    """When each launch can be, by its parts, and what is not sold until then."""
    items = tables["items"]
    members = pd.concat([items["item"], tables["components"]["component"]])
    sources = sourcing.sources(members, items, tables["suppliers"])
    ready = readiness.launches(tables, sources, months.span(cycle, 12 * _YEARS))
    price = tables["money_rates"].groupby("item")["unit_price_value"].mean()
    price = price.reindex(promise["item"]).to_numpy(dtype="float64")
    priced = promise.assign(revenue_value=promise["quantity"] * price)
    return launches.lost(ready, tables["launches"], priced)


def _hours(tables: Tables, promise: pd.DataFrame) -> pd.DataFrame:
    """Hours that launches need beyond the last plan, beside those that it leaves free."""
    load, plan = tables["previous_resource_load"], tables["previous_demand_plan"]
    free = load["regular_hours"] + load["overtime_hours"] - load["load_hours"]
    free = load.assign(free_hours=free)[["resource", "month", "free_hours"]]
    names = ("routings", "items", "resources", "production")
    bills = capacity.bills(*(tables[name] for name in names))
    wanted = promise.groupby(["item", "month"])["quantity"].sum()
    planned = plan.groupby(["item", "month"])["consensus"].sum().reindex(wanted.index)
    more = (wanted - planned.fillna(0.0)).clip(lower=0.0).rename("quantity").reset_index()
    # inner: an item without a bill of capacity needs no hours that are known
    work = more.merge(bills[bills["route"] == ""], on="item", how="inner", validate="m:m")
    month = months.from_number(months.number(work["month"]) - work["offset_months"])
    work = work.assign(month=month, needed_hours=work["quantity"] * work["hours_per_unit"])
    work = work.groupby(["item", "resource", "month"], as_index=False)[["needed_hours"]].sum()
    # left: months beyond the last plan have no hours that are known
    return work.merge(free, on=["resource", "month"], how="left", validate="many_to_one")
