"""What the demand review forecasts before anybody changes it: tests of models, means, reasons."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import (
    accuracy,
    explaining,
    forecasting,
    hierarchy,
    history,
    intervals,
    levels,
    locks,
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


def with_coherence(
    tests: forecasting.Backtest, tables: Tables
) -> tuple[forecasting.Backtest, pd.DataFrame]:
    """The tests with forecasts that all levels agree on, where that pays; table ``coherence``."""
    choice = tables["company"]["coherence"].iloc[0]
    factor = hierarchy.factors(tests.history.keys["item"], tables["items"]).to_numpy()
    made = _levels(tests, tables, factor) if choice != levels.NEVER else None
    return levels.used(tests, made, factor, choice)


def _levels(
    tests: forecasting.Backtest, tables: Tables, factor: np.ndarray
) -> levels.Levels | None:
    items, keys = tables["items"], tests.history.keys
    named = hierarchy.with_levels(keys, items, tables["locations"], tables["channels"])
    is_over = forecasting.is_over(tests, schema.lookup(keys["item"], items, "end_month"))
    return levels.forecast_levels(tests, named, factor, is_over)


def who_pays(
    tables: Tables, overrides: pd.DataFrame, effects: pd.DataFrame, *, horizon: int
) -> pd.DataFrame:
    """Table ``coherence_locks``: each locked override beside what forecasts of all levels say.

    ``overrides`` and ``effects`` are what ``overrides.apply`` was given and told, row by row. Each
    is laid on the forecasts alone: together they may rest on what nobody forecast (launches).
    """
    if not effects["is_locked"].any():
        return locks.nothing_paid()
    tests = forecast_tests(tables, horizon=horizon)
    factor = hierarchy.factors(tests.history.keys["item"], tables["items"]).to_numpy()
    made = _levels(tests, tables, factor)
    if made is None:
        return locks.nothing_paid()
    held = locks.of_overrides(made.tree, overrides, effects)
    ahead = months.span(months.shift(tests.history.months[-1], 1), horizon)
    parts = [locks.nothing_paid()]
    for row, column in enumerate(ahead.get_indexer(pd.DatetimeIndex(held["month"]))):
        if column >= 0:
            now, own = [column], held.iloc[[row]]
            base = made.base_ahead[:, now]
            parts.append(locks.paid(made.tree, base, made.errors, own, ahead[now]))
    return pd.concat(parts, ignore_index=True)


def forecast_demand(tables: Tables, *, horizon: int) -> Tables:
    """The statistical part of the demand review: back-test, accuracy, weights, forecast."""
    demand, items = tables["demand_history"], tables["items"]
    own = forecast_tests(tables, horizon=horizon)
    tests, coherence = with_coherence(own, tables)
    sure = intervals.calibrate(tests)
    ends = schema.lookup(tests.history.keys["item"], items, "end_month")
    means = forecasting.forecast(tests, ends)
    moved = means["quantity"] - forecasting.forecast(own, ends)["quantity"]
    means = means.assign(coherence=moved)
    return sure | {
        "backtest": forecasting.table(tests),
        "accuracy": accuracy.by_level(tests, hierarchy.in_planning_units(demand, items), items),
        "model_weights": forecasting.weights(tests),
        "fallbacks": forecasting.fallbacks(tests),
        "forecast": intervals.with_bounds(means, sure["error_widths"], sure["error_multiples"]),
        "coherence": coherence,
        "forecast_reasons": explaining.reasons(tests, means, tables["money_rates"]),
    }
