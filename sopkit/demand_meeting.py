"""What the demand review forecasts before anybody changes it: tests of models, means, reasons.

``statistical`` is what a single machine does with all series at once, ``statistical_of_parts`` the
same with some series at a time, called by whoever is ``over`` the parts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sopkit import schema
from sopkit.demand import (
    accuracy,
    calibration,
    explaining,
    forecasting,
    hierarchy,
    history,
    intervals,
    panel,
)
from sopkit.demand.apart import ALONE, Alone

Tables = dict[str, pd.DataFrame]
BY_ITEM = "items", "money_rates"  # tables of which a part needs the rows of its items alone
WHOLE: tuple[str, ...] = ()  # tables that every part needs whole
_BY_ORIGIN, _BY_MODEL = "backtest", "fallbacks"  # tables in which series stand within something


@dataclass(frozen=True)
class Part:
    """Some series, all of each of their items, as ``statistical_of_parts`` takes them.

    ``tables``: `demand_history`, ``BY_ITEM`` and ``WHOLE``; ``month_index`` and ``families`` are
    those of the whole portfolio; ``threads``: how many may run at once (None: one a processor).
    """

    tables: Tables
    month_index: pd.DatetimeIndex | None = None
    families: pd.Index | None = None
    threads: int | None = None


def forecast_tests(tables: Tables, *, horizon: int) -> forecasting.Backtest:
    """What every model says now and would have said at past origins, for all series at once."""
    return forecasting.backtests([_learning(Part(tables))], ALONE, horizon=horizon)[0]


def forecast_demand(
    tables: Tables, *, horizon: int, forecaster: Callable[..., Tables] | None = None
) -> Tables:
    """The statistical part of the demand review: back-test, accuracy, weights, forecast.

    ``forecaster`` stands in for ``statistical``, and gives the same tables.
    """
    made = (forecaster or statistical)(tables, horizon=horizon)
    sure = made["error_widths"], made["error_multiples"]
    return made | {"forecast": intervals.with_bounds(made["forecast"], *sure)}


def statistical(tables: Tables, *, horizon: int) -> Tables:
    """What models say of each series by itself; `forecast` without bounds."""
    told, common = statistical_of_parts([Part(tables)], ALONE, horizon=horizon)
    return assembled(told, *common)


def statistical_of_parts(parts: list, over: Alone, *, horizon: int) -> tuple[list, tuple]:
    """What models say of series in parts; what is learned across series is learned of all.

    Parameters
    ----------
    parts : list of Part
        All series, in the order of their keys; or what ``over`` knows them by.
    over : Alone
        Who calls the functions.
    horizon : int
        Months ahead.

    Returns
    -------
    list of Tables
        Of each part; or what ``over`` knows them by.
    tuple of DataFrame
        Tables `error_multiples` and `accuracy`.
    """
    tests = forecasting.backtests(over.each(_learning, parts), over, horizon=horizon)
    sure, multiples = calibration.calibrated(tests, over, horizon=horizon)
    judged = over.fold(accuracy.with_told, over.each(_judged, parts, tests))
    made = over.each(_told, parts, tests, sure)
    return made, (multiples, over.once(accuracy.by_level_of_parts, judged))


def assembled(told: list[Tables], multiples: pd.DataFrame, judged: pd.DataFrame) -> Tables:
    """Tables of all parts, in the order in which one part of all series has them."""
    whole = {name: pd.concat([part[name] for part in told], ignore_index=True) for name in told[0]}
    origins, models = whole[_BY_ORIGIN]["origin"], whole[_BY_MODEL]["model"]
    places = {name: place for place, name in enumerate(forecasting.MODELS)}
    orders = {_BY_ORIGIN: origins, _BY_MODEL: models.map(places).fillna(len(places))}
    for name, order in orders.items():
        rows = np.argsort(order.to_numpy(), kind="stable")
        whole[name] = whole[name].iloc[rows].reset_index(drop=True)
    return whole | {"error_multiples": multiples, "accuracy": judged}


def _learning(part: Part) -> forecasting.Learning:
    """What models learn from, and what they are judged by."""
    demand = part.tables["demand_history"]
    series = panel.from_table(demand, "baseline", part.month_index)
    moved = demand["demand"] - demand["baseline"]  # what models do not learn, they need not tell
    net = demand.assign(net=(accuracy.measured(demand) - moved).mask(demand["is_stockout"]))
    groups = history.family_codes(series.keys, part.tables["items"], part.families)
    actual = panel.from_table(net, "net", part.month_index)
    return forecasting.Learning(series, actual, groups, part.threads)


def _judged(part: Part, tests: forecasting.Backtest) -> accuracy.Told:
    """What the part's series say of accuracy, quantities in the planning unit."""
    demand, items = part.tables["demand_history"], part.tables["items"]
    return accuracy.told(tests, hierarchy.in_planning_units(demand, items), items)


def _told(part: Part, tests: forecasting.Backtest, sure: Tables) -> dict[str, Any]:
    """Tables of the part's series."""
    ends = schema.lookup(tests.history.keys["item"], part.tables["items"], "end_month")
    means = forecasting.forecast(tests, ends)
    return sure | {
        "backtest": forecasting.table(tests),
        "model_weights": forecasting.weights(tests),
        "fallbacks": forecasting.fallbacks(tests),
        "forecast": means,
        "forecast_reasons": explaining.reasons(tests, means, part.tables["money_rates"]),
    }
