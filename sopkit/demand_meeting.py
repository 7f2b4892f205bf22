"""What the demand review forecasts before anybody changes it: tests of models, means, reasons."""

from __future__ import annotations

import pandas as pd

from sopkit import months, schema
from sopkit.demand import (
    accuracy,
    explaining,
    forecasting,
    hierarchy,
    history,
    intervals,
    launch_bounds,
    launches,
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
    endless = forecasting.forecast(tests, pd.Series(pd.NaT, ends.index, dtype=months.DTYPE))
    whole, spread, new = with_launches(tables, means, endless, sure)
    return (
        sure
        | new
        | {
            "backtest": forecasting.table(tests),
            "accuracy": accuracy.by_level(tests, hierarchy.in_planning_units(demand, items), items),
            "model_weights": launches.in_weights(forecasting.weights(tests), spread),
            "fallbacks": forecasting.fallbacks(tests),
            "forecast": intervals.with_bounds(whole, new["error_widths"], sure["error_multiples"]),
            "forecast_reasons": explaining.reasons(tests, means, tables["money_rates"]),
        }
    )


def with_launches(
    tables: Tables, means: pd.DataFrame, endless: pd.DataFrame, sure: Tables
) -> tuple[pd.DataFrame, pd.DataFrame, Tables]:
    """The forecast with new items, how sure these are, `error_widths` with them, `launch_totals`.

    ``endless`` is the forecast as if no item ended; ``sure`` comes from ``intervals.calibrate``.
    """
    told, curves = tables["launches"], tables["launch_ramps"]
    known = (told, tables["items"], tables["demand_history"], means, endless, curves)
    whole, spread = launches.planned(*known)
    multiples, price = sure["error_multiples"], tables["money_rates"]
    widths = launch_bounds.widths(told, whole, spread, sure["error_widths"], multiples)
    totals = launch_bounds.totals(whole, spread, widths, multiples)
    price = price.groupby("item")["unit_price_value"].mean().reindex(totals["item"]).to_numpy()
    totals = totals.assign(amount_value=totals["quantity"] * price)
    return whole, spread, {"error_widths": widths, "launch_totals": totals}
