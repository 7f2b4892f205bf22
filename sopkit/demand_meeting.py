"""What the demand review forecasts before anybody changes it: tests of models, means, reasons."""

from __future__ import annotations

import pandas as pd

from sopkit import schema
from sopkit.demand import (
    accuracy,
    as_sold,
    explaining,
    forecasting,
    hierarchy,
    history,
    intervals,
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
    told = beside_sales(tables, tests)
    return sure | {
        "backtest": forecasting.table(told),
        "accuracy": accuracy.by_level(told, hierarchy.in_planning_units(demand, items), items),
        "model_weights": forecasting.weights(tests),
        "fallbacks": forecasting.fallbacks(tests),
        "forecast": intervals.with_bounds(means, sure["error_widths"], sure["error_multiples"]),
        "forecast_reasons": explaining.reasons(told, means, tables["money_rates"]),
    }


def beside_sales(tables: Tables, tests: forecasting.Backtest) -> forecasting.Backtest:
    """The tests beside what was really sold: baselines with the events and markets known then."""
    levels = (tables[name] for name in ("items", "locations", "channels"))
    series = hierarchy.with_levels(tests.history.keys, *levels)
    return as_sold.as_sold(tests, tables["demand_history"], series, tables["events"], tables)
