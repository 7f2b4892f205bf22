"""What demand was: corrections that the data review proposes and people settle, and the history."""

from __future__ import annotations

import pandas as pd

from sopkit import schema
from sopkit.demand import corrections, hierarchy, history, level_shifts, lost_sales

Tables = dict[str, pd.DataFrame]


def correctable(tables: Tables, *, cycle: pd.Timestamp) -> Tables:
    """What a cycle's history holds and what could be corrected, before anybody said anything.

    Returns ``cells`` (series and months with all their levels), ``found`` (the history) and
    ``silent`` (lost sales that no flag tells); ``tables`` are those of the data review.
    """
    items, places = tables["items"], (tables["locations"], tables["channels"])
    sales = tables["sales"]
    series = sales[schema.SERIES].drop_duplicates()
    levels = hierarchy.with_levels(series, items, *places)
    found = history.demand_history(
        sales,
        items,
        cycle=cycle,
        basis=tables["company"]["sales_basis"].iloc[0],
        explained=history.explained_months(levels, tables["events"]),
    )
    silent = lost_sales.silent(found, tables["inventory"], items, tables["locations"])
    cells = hierarchy.with_levels(found[schema.SERIES_MONTH], items, *places)
    return {"cells": cells, "found": found, "silent": silent}


def corrected(tables: Tables, known: Tables, rates: pd.DataFrame, units: pd.DataFrame) -> Tables:
    """The history as people want it, its corrections and their totals, and lost sales.

    ``known`` is from ``correctable``; rates and units are tables `money_rates` and
    `planning_units`.
    """
    items, cells = tables["items"], known["cells"]
    shifts = level_shifts.found(known["found"], cells, items, units, tables["events"])
    said = (known["found"], known["silent"], shifts, tables["policies"], cells)
    settled = corrections.settled(*said)
    bounds = lost_sales.bounds(known["found"], items)
    listed = corrections.listed(*said, bounds, rates)
    return {
        "demand_history": settled,
        "corrections": listed,
        "correction_totals": corrections.totals(listed, units),
        "lost_sales": lost_sales.by_item(settled, items, rates),
    }
