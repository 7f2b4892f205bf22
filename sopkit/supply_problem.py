"""The supply problem of a cycle in arrays, laid out from its tables."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import intervals
from sopkit.kept import Kept
from sopkit.reconciliation import finance
from sopkit.supply import capacity, inventory, materials, sites, sourcing, tasks

Tables = dict[str, pd.DataFrame]
_OF_MATERIALS = "components items suppliers inventory scheduled_receipts locations".split()
_OF_ROUTES = [name for name, axes in tasks.AXES.items() if "m" in axes]
_FEW_ROWS = 25_000  # of a forecast: so many draws are kept for scenarios with other quantities


def task(
    tables: Tables, *, cycle: pd.Timestamp, has_setups: bool = False, kept: Kept | None = None
) -> tuple[tasks.Task, dict]:
    """The supply problem in arrays, and what it was laid out from; ``kept`` holds what is known."""
    kept = Kept() if kept is None else kept
    items, resources, places = tables["items"], tables["resources"], tables["locations"]
    company, scheduled = tables["company"].iloc[0], tables["scheduled_receipts"]
    demand = kept.of(sites.site_demand, tables["demand_plan"], tables["orders"], items, places)
    frozen = company["frozen_months"] if len(scheduled) else {}
    served = kept.same(demand[schema.SITE].drop_duplicates())
    wanted = company["service_levels"], frozen
    plain = kept.of(sites.replenishment, served, items, places, tables["suppliers"], *wanted)
    errors = _total_errors(tables, plain, kept)
    terms = kept.of(_secured, plain, errors, items)
    stock = tables["inventory"], served, items, places, cycle
    opening, is_known = kept.of(sites.opening_stock, *stock)
    if not is_known:
        opening = terms.set_index(schema.SITE)["safety_stock"]
    bills = kept.of(capacity.bills, tables["routings"], items, resources, tables["production"])
    ahead = pd.DatetimeIndex(sorted(demand["month"].unique()))
    available = capacity.available_hours(resources, tables["capacity"], tables["calendar"], ahead)
    costs = tables["money_rates"], tables["planning_costs"], items, company["carrying_rate"]
    rates = kept.of(finance.item_rates, *costs)
    made = tables["production"]
    made = made[made["month"] == months.shift(cycle, -1)]
    task = tasks.from_tables(
        demand,
        terms,
        opening,
        kept.of(sites.receipts, scheduled, items, places, plain, cycle),
        bills,
        available,
        resources,
        rates,
        places,
        made.groupby(schema.SITE, as_index=False)[["quantity"]].sum(),
        is_lost=company["unmet_demand"] == "lost",
        has_setups=has_setups,
        stops=tables.get("supply_stops"),
        sources=kept.of(_sources, plain, items, tables["suppliers"]),
    )
    task, unknown = _with_materials(task, tables, frozen, kept, cycle=cycle)
    laid = {"unknown_materials": unknown} | {
        "terms": terms,
        "bills": bills,
        "available": available,
        "rates": rates,
    }
    return task, laid | {"errors": errors, "is_stock_known": is_known}


def _secured(terms: pd.DataFrame, errors: np.ndarray, items: pd.DataFrame) -> pd.DataFrame:
    """The terms with the safety stock that covers errors of demand, and months of shelf life."""
    return terms.assign(
        safety_stock=inventory.covering_stock(errors, terms),
        shelf_life_months=schema.lookup(terms["item"], items, "shelf_life_months"),
    )


def _sources(terms: pd.DataFrame, items: pd.DataFrame, suppliers: pd.DataFrame) -> pd.DataFrame:
    return sourcing.sources(terms["item"], items, suppliers)


def _with_materials(
    task: tasks.Task, tables: Tables, frozen: dict, kept: Kept, *, cycle: pd.Timestamp
) -> tuple[tasks.Task, list[str]]:
    """The task with its materials, which do not hang on demand: ``kept`` holds them by tables."""
    raw = [tables[name] for name in _OF_MATERIALS]
    mark = ("materials", *map(id, raw), str(frozen), str(cycle))
    held, of, unknown = kept.get(mark, (None, None, []))
    is_same = held is not None and all(
        np.array_equal(getattr(task, name), getattr(of, name))
        for name in ("keys", "months", "route_item")
    )
    if is_same:
        return replace(task, **held), unknown
    whole, unknown = materials.with_materials(task, *raw, frozen, cycle=cycle)
    fields = {name: getattr(whole, name) for name in ("materials", *_OF_ROUTES)}
    kept[mark] = (fields, task, unknown)
    kept[("tables of", *mark)] = raw  # as long as these live, no other table has their id
    return whole, unknown


def _total_errors(tables: Tables, terms: pd.DataFrame, kept: Kept) -> np.ndarray:
    """Demand beyond its mean over the months that stock of each item and site must last for.

    ``kept`` holds what was found before, by all that it depends on in one cycle.
    """
    table = tables["forecast"]
    reach = int(np.ceil(terms["exposure_months"].max()))
    first = table[table["month"] < months.shift(table["month"].min(), reach)]
    mark = (first["quantity"].to_numpy().tobytes(), terms["exposure_months"].to_numpy().tobytes())
    if mark in kept:
        return kept[mark]
    futures = intervals.sample_paths(
        first,
        tables["error_widths"],
        tables["error_multiples"],
        tables["one_step_errors"],
        paths=inventory.PATHS,
        seed=inventory.SEED,
        drawn=kept.setdefault(("drawn", reach), []) if len(first) < _FEW_ROWS else None,
    )
    kept[mark] = inventory.total_errors(futures, first, tables["items"], tables["locations"], terms)
    return kept[mark]


def unit_cost(members: pd.Series, laid: dict) -> np.ndarray:
    """Cost a unit of each item, missing where unknown."""
    return schema.lookup(members, laid["rates"], "unit_cost_value").to_numpy(dtype="float64")
