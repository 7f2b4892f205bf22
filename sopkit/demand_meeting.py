"""What the demand review forecasts before anybody changes it: tests of models, means, reasons.

``statistical`` is what a single machine does with all series at once, ``statistical_of_parts`` the
same with some series at a time, called by whoever is ``over`` the parts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import (
    accuracy,
    as_sold,
    calibration,
    choices,
    chosen,
    explaining,
    forecasting,
    hierarchy,
    history,
    intervals,
    launch_bounds,
    launches,
    levels,
    locks,
    panel,
    ramps,
)
from sopkit.demand.apart import ALONE, Alone

Tables = dict[str, pd.DataFrame]
BY_ITEM = "items", "money_rates"  # tables of which a part needs the rows of its items alone
# tables that every part needs whole
WHOLE = tuple(
    "locations channels company events driver_effects market_rates origin_rates policies".split()
)
_NAMES, _ERRORS = "chosen_names", "chosen_errors"  # of which table `model_choices` is made
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
    """What every model says now and would have said at past origins, for all series at once.

    Where people chose a model it stands in the combination's place.
    """
    return _tests([Part(tables)], ALONE, horizon=horizon)[0]


def told_tests(tables: Tables, *, horizon: int) -> forecasting.Backtest:
    """The tests as tables `backtest` and `accuracy` tell them: beside net sales, levels agreed.

    They are those of a run where the horizon is: a model is judged sound by all of its months.
    """
    part = Part(tables)
    tests, _ = _coherent([part], [forecast_tests(tables, horizon=horizon)], ALONE)
    return _beside_sales(part, tests[0])


def forecast_demand(
    tables: Tables, *, horizon: int, forecaster: Callable[..., Tables] | None = None
) -> Tables:
    """The statistical part of the demand review: back-test, accuracy, weights, forecast.

    ``forecaster`` stands in for ``statistical``, and gives the same tables.
    """
    made = (forecaster or statistical)(tables, horizon=horizon)
    means = made["forecast"].drop(columns="endless")
    endless = means.assign(quantity=made["forecast"]["endless"])
    whole, spread, new = with_launches(tables, means, endless, made)
    new["model_choices"] = _choices(tables, made.pop(_NAMES), made.pop(_ERRORS))
    sure = new["error_widths"], made["error_multiples"]
    weights = launches.in_weights(made["model_weights"], spread)
    told = {"forecast": intervals.with_bounds(whole, *sure), "model_weights": weights}
    return made | new | told


def _choices(tables: Tables, names: pd.DataFrame, errors: pd.DataFrame) -> pd.DataFrame:
    """Table ``model_choices`` from what parts say of the models that people chose."""
    return choices.table(tables["policies"], _named(names, tables), names["model"], errors)


def statistical(tables: Tables, *, horizon: int) -> Tables:
    """What models say of each series by itself; `forecast` without bounds and launches.

    Its ``endless`` is the forecast as if no item ended.
    """
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
        Tables `error_multiples`, `accuracy` and `coherence`.
    """
    alone = _tests(parts, over, horizon=horizon)
    tests, coherence = _coherent(parts, alone, over)
    sure, multiples = calibration.calibrated(tests, over, horizon=horizon)
    sold = over.each(_beside_sales, parts, tests)
    judged = over.fold(accuracy.with_told, over.each(_judged, parts, sold))
    made = over.each(_told, parts, alone, tests, sold, sure)
    return made, (multiples, over.once(accuracy.by_level_of_parts, judged), coherence)


def _tests(parts: list, over: Alone, *, horizon: int) -> list:
    """Tests of the parts' series with the models that people chose, before levels agree."""
    tests = forecasting.backtests(over.each(_learning, parts), over, horizon=horizon)
    rooms = over.once(chosen.rooms, over.each(_singles, parts))
    number = list(range(len(parts)))
    return over.each(_with_choices, parts, tests, number, rooms=rooms)


def _singles(part: Part) -> int:
    keys = part.tables["demand_history"][schema.SERIES].drop_duplicates()
    return chosen.singles(part.tables["policies"], _named(keys, part.tables))


def _with_choices(
    part: Part, tests: forecasting.Backtest, number: int, *, rooms: list[int]
) -> forecasting.Backtest:
    """The part's tests with what people chose for its series."""
    keys = tests.history.keys
    return chosen.applied(
        tests,
        part.tables["policies"],
        _named(keys, part.tables),
        room=rooms[number],
        factor=hierarchy.factors(keys["item"], part.tables["items"]).to_numpy(),
        threads=part.threads,
    )


def _named(keys: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Series with all their levels."""
    return hierarchy.with_levels(keys, *(tables[n] for n in ("items", "locations", "channels")))


def assembled(
    told: list[Tables], multiples: pd.DataFrame, judged: pd.DataFrame, coherence: pd.DataFrame
) -> Tables:
    """Tables of all parts, in the order in which one part of all series has them."""
    whole = {name: pd.concat([part[name] for part in told], ignore_index=True) for name in told[0]}
    whole[_ERRORS] = chosen.summed([part[_ERRORS] for part in told])
    origins, models = whole[_BY_ORIGIN]["origin"], whole[_BY_MODEL]["model"]
    places = {name: place for place, name in enumerate(forecasting.MODELS)}
    orders = {_BY_ORIGIN: origins, _BY_MODEL: models.map(places).fillna(len(places))}
    for name, order in orders.items():
        rows = np.argsort(order.to_numpy(), kind="stable")
        whole[name] = whole[name].iloc[rows].reset_index(drop=True)
    return whole | {"error_multiples": multiples, "accuracy": judged, "coherence": coherence}


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


def _beside_sales(part: Part, tests: forecasting.Backtest) -> forecasting.Backtest:
    """The tests beside what was really sold: baselines with the events and markets known then."""
    tables = part.tables
    series = _named(tests.history.keys, tables)
    return as_sold.as_sold(tests, tables["demand_history"], series, tables["events"], tables)


def _told(
    part: Part,
    alone: forecasting.Backtest,
    tests: forecasting.Backtest,
    sold: forecasting.Backtest,
    sure: Tables,
) -> dict[str, Any]:
    """Tables of the part's series.

    ``alone`` are its tests before levels were made coherent, ``sold`` those beside net sales.
    """
    ends = schema.lookup(tests.history.keys["item"], part.tables["items"], "end_month")
    means = forecasting.forecast(tests, ends)
    moved = means["quantity"] - forecasting.forecast(alone, ends)["quantity"]
    never = pd.Series(pd.NaT, ends.index, dtype=months.DTYPE)
    kept, own = (forecasting.forecast(one, never)["quantity"] for one in (tests, alone))
    is_over = (means["quantity"] == 0.0) & (kept == 0.0)  # levels agree on none after an end
    endless = kept.where(~is_over, own)
    means = means.assign(coherence=moved, endless=endless)
    return sure | {
        "backtest": forecasting.table(sold),
        "model_weights": forecasting.weights(tests),
        "fallbacks": forecasting.fallbacks(tests),
        "forecast": means,
        "forecast_reasons": explaining.reasons(sold, means, part.tables["money_rates"]),
        _NAMES: tests.history.keys.assign(model=forecasting.chosen_names(tests)),
        _ERRORS: chosen.errors(tests),
    }


@dataclass(frozen=True)
class _Series:
    """What levels need of a part: names of its series, planning units in a unit, months over."""

    tests: forecasting.Backtest
    keys: pd.DataFrame
    factor: np.ndarray
    is_over: np.ndarray


def _series(part: Part, tests: forecasting.Backtest) -> _Series:
    """The part's series with their levels; of the tests what levels read."""
    items, keys = part.tables["items"], tests.history.keys
    named = _named(keys, part.tables)
    is_over = forecasting.is_over(tests, schema.lookup(keys["item"], items, "end_month"))
    nothing = np.empty((0, len(keys)))
    slim = replace(tests, forecasts=nothing, ahead=nothing, share=nothing, error_rate=nothing)
    return _Series(slim, named, hierarchy.factors(keys["item"], items).to_numpy(), is_over)


def _coherent(parts: list, tests: list, over: Alone) -> tuple[list, Any]:
    """Tests of which all levels agree, where that pays, and table `coherence`."""
    made = over.once(_levels_of, over.each(_choice, parts), over.each(_series, parts, tests))
    number = list(range(len(parts)))
    return over.each(_as_coherent, tests, number, made=made), over.once(_last, made)


def _choice(part: Part) -> str:
    return part.tables["company"]["coherence"].iloc[0]


def _levels_of(choices: list[str], parts: list[_Series]) -> tuple[list, pd.DataFrame]:
    """Of each part what levels together make of its ``combined`` and ``mean``; `coherence`."""
    whole = _joined(parts)
    made = levels.forecast_levels(*whole) if choices[0] != levels.NEVER else None
    tests, table = levels.used(whole[0], made, whole[2], choices[0])
    cuts = np.cumsum([len(part.keys) for part in parts])[:-1]
    own = (np.split(array, cuts, axis=-1) for array in (tests.combined, tests.mean))
    return list(zip(*own, strict=True)), table


def _joined(parts: list[_Series]) -> tuple:
    """Tests, keys, factors and months over of all parts' series, as levels take them."""
    tests = [part.tests for part in parts]
    arrays = {
        name: np.concatenate([getattr(one, name) for one in tests], axis=-1)
        for name in ("actual", "combined", "mean")
    }
    history = panel.Panel(
        pd.concat([one.history.keys for one in tests], ignore_index=True),
        tests[0].history.months,
        np.concatenate([one.history.values for one in tests], axis=1),
    )
    keys = pd.concat([part.keys for part in parts], ignore_index=True)
    factor, is_over = (
        np.concatenate([getattr(part, name) for part in parts], axis=-1)
        for name in ("factor", "is_over")
    )
    return replace(tests[0], history=history, **arrays), keys, factor, is_over


def _as_coherent(tests: forecasting.Backtest, number: int, *, made: tuple) -> forecasting.Backtest:
    """A part's tests with what levels made of them."""
    combined, mean = made[0][number]
    return replace(tests, combined=combined, mean=mean)


def _last(made: tuple) -> pd.DataFrame:
    return made[-1]


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
    made = levels.forecast_levels(*_joined([_series(Part(tables), tests)]))
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


def with_launches(
    tables: Tables, means: pd.DataFrame, endless: pd.DataFrame, sure: Tables
) -> tuple[pd.DataFrame, pd.DataFrame, Tables]:
    """The forecast with new items, how sure these are, `error_widths` with them, `launch_totals`.

    ``endless`` is the forecast as if no item ended; ``sure`` comes from ``intervals.calibrate``.
    """
    told, items, sold = tables["launches"], tables["items"], tables["demand_history"]
    curves = ramps.learned(sold, items)
    known = (told, items, sold)
    known += (means.drop(columns="coherence"), endless.drop(columns="coherence"), curves)
    whole, spread = launches.planned(*known)
    moved = means[[*schema.SERIES_MONTH, "coherence"]]
    # left: no level has moved what like items promise
    whole = whole.merge(moved, on=schema.SERIES_MONTH, how="left", validate="one_to_one")
    is_own = whole["model"] != launches.MODEL
    whole = whole.assign(coherence=whole["coherence"].where(is_own, 0.0))
    multiples, price = sure["error_multiples"], tables["money_rates"]
    widths = launch_bounds.widths(told, whole, spread, sure["error_widths"], multiples)
    totals = launch_bounds.totals(whole, spread, widths, multiples)
    price = price.groupby("item")["unit_price_value"].mean().reindex(totals["item"]).to_numpy()
    totals = totals.assign(amount_value=totals["quantity"] * price)
    return whole, spread, {"error_widths": widths, "launch_totals": totals}
