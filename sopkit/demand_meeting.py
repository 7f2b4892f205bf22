"""What demand was, and what the demand review forecasts of it before anybody changes it."""

from __future__ import annotations

import pandas as pd

from sopkit import schema
from sopkit.demand import (
    accuracy,
    corrections,
    explaining,
    forecasting,
    hierarchy,
    history,
    intervals,
    level_shifts,
    lost_sales,
    panel,
)

Tables = dict[str, pd.DataFrame]


def forecast_tests(tables: Tables, *, horizon: int) -> forecasting.Backtest:
    """What every model says now and would have said at past origins, for all series at once."""
    demand, items = tables["demand_history"], tables["items"]
    series = panel.from_table(demand, "baseline")
    moved = demand["demand"] - demand["baseline"]  # what models do not learn, they need not tell
    net = demand.assign(net=(accuracy.measured(demand) - moved).mask(demand["is_stockout"]))
    groups = history.family_codes(series.keys, items)
    return forecasting.backtest(series, panel.from_table(net, "net"), groups, horizon=horizon)


def forecast_demand(tables: Tables, *, horizon: int) -> Tables:
    """The statistical part of the demand review: back-test, accuracy, weights, forecast."""
    demand, items = tables["demand_history"], tables["items"]
    tests = forecast_tests(tables, horizon=horizon)
    sure = intervals.calibrate(tests)
    ends = schema.lookup(tests.history.keys["item"], items, "end_month")
    means = forecasting.forecast(tests, ends)
    return sure | {
        "backtest": forecasting.table(tests),
        "accuracy": accuracy.by_level(tests, hierarchy.in_planning_units(demand, items), items),
        "model_weights": forecasting.weights(tests),
        "fallbacks": forecasting.fallbacks(tests),
        "forecast": intervals.with_bounds(means, sure["error_widths"], sure["error_multiples"]),
        "forecast_reasons": explaining.reasons(tests, means, tables["money_rates"]),
    }


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
