"""What the accuracy explorer reads: the back-test of every model, and past cycles' every layer.

Both become a ``cube.Cube``, so that both are looked at in the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from sopkit import demand_meeting, months, schema, steps, store, ties
from sopkit.demand import accuracy, forecasting, hierarchy, lags
from sopkit.explore import cube

LEVELS = {
    "total": "Whole company",
    "family": "Family",
    "category": "Category",
    "location": "Location",
    "region": "Region",
    "channel": "Channel",
    "segment": "Segment",
    "item": "Item",
    "abc": "Class (A, B, C)",
    "model": "Model (heaviest)",
}
_UNKNOWN = "not known"
_RAW = ("items", "locations", "channels", "plan_history")
_MADE = ("demand_history", "money_rates", "planning_units", "restatements")


def models(workspace: str | Path, cycle: pd.Timestamp, tick: Callable = lambda *_: None) -> dict:
    """The back-test of every model as the explorer reads it; it is made anew, which takes seconds.

    Parameters
    ----------
    workspace : str or Path
        Folder that holds ``data/raw``.
    cycle : Timestamp
        A cycle that has been run.
    tick : callable
        Told how far the work is.

    Returns
    -------
    dict
        ``cube``; ``sold``, ``ahead``: history and forecast with the ``place`` of their series in
        the cube; ``levels`` to narrow by; ``names`` of items, ``currency``, ``units``.

    Raises
    ------
    UsageError
        If the cycle has not been run.
    """
    tick(0.05, "Reading the cycle…")
    forecast = store.read(workspace, "forecast", cycle)
    known = _common(workspace, cycle)
    inputs = store.inputs(workspace, "demand_review", cycle)
    tick(0.15, "Forecasting every past month anew with every model…")
    # of the run's horizon: a model that explodes within it fell in the run, and falls here
    tests = demand_meeting.told_tests(inputs, horizon=forecast["month"].nunique())
    tick(0.85, "Adding up…")
    series, factor = _series(tests.history.keys, known)
    history = _history(known)
    made = of_tests(tests, series, factor, _net(history, series))
    if not len(made.cells):
        raise months.UsageError(
            "Nothing was back-tested: the history is too short. A back-test needs "
            f"{forecasting.SHORTEST_TRAINING + 1} months of sales in data/raw/sales.csv."
        )
    ahead = hierarchy.in_planning_units(forecast, known["items"])
    return _shared(known, made) | {
        "who": "Model",
        "what": "back-test",
        "reasons": store.read(workspace, "forecast_reasons", cycle),
        "sold": _with_place(history, series),
        "ahead": _with_place(ahead, series).assign(said=ahead["quantity"]),
    }


def of_tests(
    tests: forecasting.Backtest, series: pd.DataFrame, factor: np.ndarray, net: np.ndarray
) -> cube.Cube:
    """A back-test as a cube: the combination first; elsewhere it stands in for models.

    Parameters
    ----------
    tests : Backtest
        Its series in the order of ``series``.
    series : DataFrame
        As in ``cube.Cube``.
    factor : array (n_series,)
        Planning factors.
    net : array (n_months, n_series)
        What came, in the planning unit.
    """
    known = np.isfinite(tests.actual) & np.isfinite(tests.combined)
    told = np.argwhere(known.any(axis=2))
    origin, lag = told[:, 0], told[:, 1]
    start = np.asarray(tests.origins)[origin]
    span = tests.history.months
    cells = pd.DataFrame(
        {"cycle": span[start], "month": span[start + lag], "lag": lag, "origin": "back-test"}
    )
    known = known[origin, lag]
    combined = np.where(known, tests.combined[origin, lag], 0.0) * factor
    names = [words(name) for name in (forecasting.COMBINED, *forecasting.MODELS)]
    said = np.empty((len(names), *known.shape))
    own = np.empty(said.shape, dtype=bool)
    said[0], own[0] = combined, known
    for place, values in enumerate(tests.forecasts, start=1):
        values = values[origin, lag]
        own[place] = known & np.isfinite(values)
        said[place] = np.where(own[place], values * factor, combined)
    came = np.where(known, tests.actual[origin, lag], 0.0) * factor
    return cube.Cube(names, series, cells, said, own, came, known, net, stands_in=True)


def words(model: str) -> str:
    """A model's name as people read it."""
    return "combination" if model == forecasting.COMBINED else forecasting.MODELS[model].words


def plans(workspace: str | Path, cycle: pd.Timestamp, tick: Callable = lambda *_: None) -> dict:
    """Past cycles before ``cycle`` as the explorer reads them.

    Parameters are those of ``models``; ``plans`` and ``views`` are the ledger's rows with their
    ``place``.

    Raises
    ------
    UsageError
        If the cycle has not been run, or no month planned by a cycle before it has closed.
    """
    tick(0.1, "Reading past cycles…")
    known = _common(workspace, cycle)
    root = store.open_workspace(workspace)
    for name in ("demand_plan", "views", "restatements"):
        known[f"ledger_{name}"] = store.ledger(root, name, before=cycle)
    tick(0.6, "Laying plans beside what came…")
    found = prepared(known)
    if not len(found["cube"].cells):
        first, last = (months.label(months.shift(cycle, -k)) for k in (12, 1))
        raise months.UsageError(
            "No month planned by a past cycle has closed yet, so there is nothing to look back on. "
            f"Past cycles can be made anew: sopkit replay --from {first} --to {last}"
        )
    return found


def prepared(known: dict) -> dict:
    """What the explorer reads of past plans, from tables.

    Parameters
    ----------
    known : dict
        `items`, `locations`, `channels`, `plan_history`, `demand_history`, `money_rates`,
        `planning_units`, `restatements`, ``ledger_demand_plan``, ``ledger_views``,
        ``ledger_restatements``; ``more``: tables with a word on each series; ``currency``.
    """
    factor = schema.lookup(known["items"]["item"], known["planning_units"], "planning_factor")
    known = known | {"items": known["items"].assign(planning_factor=factor)}
    demand, rates, items = (known[n] for n in ("demand_history", "money_rates", "items"))
    changes = pd.concat([known["ledger_restatements"], known["restatements"]])
    past = steps.past_plans(known, demand, rates, changes)[0]
    said = {}
    for name in ("demand_plan", "views"):
        rows = ties.todays_codes(known[f"ledger_{name}"], changes)
        said[name] = hierarchy.in_planning_units(rows, items)
    said["demand_plan"] = _layers(said["demand_plan"])
    history = _history(known)
    every = [table[schema.SERIES] for table in (past.rows, *said.values(), history)]
    keys = pd.concat([one.drop_duplicates() for one in every]).drop_duplicates(ignore_index=True)
    series, _ = _series(keys.astype("str").sort_values(schema.SERIES, ignore_index=True), known)
    return _shared(known, of_past(past, series, _net(history, series))) | {
        "who": "Layer",
        "what": "past plans",
        "sold": _with_place(history, series),
        "plans": _with_place(said["demand_plan"], series),
        "views": _with_place(said["views"], series),
        "kinds": past.kinds,
    }


def _layers(rows: pd.DataFrame) -> pd.DataFrame:
    """The ledger's plans with a column a layer; what knew events of its future stays untold."""
    parts = ["statistical", "events", "departments", "overrides"]
    told = rows[parts].cumsum(axis=1).set_axis(lags.PLAN_LAYERS[1:], axis=1)
    is_seen = rows["origin"] == lags.HINDSIGHT  # it knew events that people could not know
    told[told.columns[1:]] = told[told.columns[1:]].mask(is_seen)
    return pd.concat([rows[[*schema.SERIES_MONTH, "cycle"]], told], axis=1)


def of_past(past: lags.Past, series: pd.DataFrame, net: np.ndarray) -> cube.Cube:
    """Past plans as a cube.

    Parameters
    ----------
    past : Past
        From ``steps.past_plans``.
    series, net
        As in ``of_tests``.
    """
    rows = past.rows
    by = ["cycle", "month", "lag", "origin"]
    cells = rows[by].drop_duplicates(["cycle", "month"]).sort_values(by[:2], ignore_index=True)
    index = pd.MultiIndex.from_frame(cells[by[:2]])
    cell = index.get_indexer(pd.MultiIndex.from_frame(rows[by[:2]]))
    place = _place(rows, series)
    shape = len(cells), len(series)
    layers = [name for name, values in past.said.items() if np.isfinite(values).any()]
    said, came = np.zeros((len(layers), *shape)), np.zeros(shape)
    own, known = np.zeros(said.shape, dtype=bool), np.zeros(shape, dtype=bool)
    came[cell, place], known[cell, place] = rows["actual"], True
    for number, name in enumerate(layers):
        is_told = np.isfinite(past.said[name])
        said[number, cell[is_told], place[is_told]] = past.said[name][is_told]
        own[number, cell[is_told], place[is_told]] = True
    cells = cells.astype({"origin": "str"})
    return cube.Cube(layers, series, cells, said, own, came, known, net)


def _common(workspace: str | Path, cycle: pd.Timestamp) -> dict:
    """Tables that both tabs need."""
    root = store.open_workspace(workspace)
    known = {name: store.raw_table(root, name, cycle) for name in _RAW}
    known |= {name: store.read(root, name, cycle) for name in _MADE}
    known["more"] = []
    for name, column in (("classes", "abc"), ("forecast", "model")):
        try:
            found = store.read(root, name, cycle)[[*schema.SERIES, column]]
            known["more"].append(found.drop_duplicates(schema.SERIES))
        except months.UsageError:  # that step has not been run
            continue
    return known | {"currency": store.company(root)["currency"].iloc[0]}


def _series(keys: pd.DataFrame, known: dict) -> tuple[pd.DataFrame, np.ndarray]:
    """All that is known of series: levels, price in the planning unit, lead time; their factors."""
    items = known["items"]
    factor = hierarchy.factors(keys["item"], known["planning_units"]).to_numpy()
    price = known["money_rates"].set_index(schema.SERIES)["unit_price_value"]
    price = price.reindex(pd.MultiIndex.from_frame(keys[schema.SERIES])).to_numpy()
    made = hierarchy.with_levels(keys[schema.SERIES], items, known["locations"], known["channels"])
    for table in known["more"]:
        made = made.merge(table, on=schema.SERIES, how="left", validate="one_to_one")
    made = made.astype("object").fillna(_UNKNOWN).astype("str")
    made = made.assign(
        price=price / np.where(factor > 0, factor, np.nan),
        decision_lag=lags.decision_lag(keys["item"], items),
    )
    return made, factor


def _history(known: dict) -> pd.DataFrame:
    """What came by series and month, in the planning unit.

    ``actual``; ``wanted``: what a stock-out hid put back as estimated.
    """
    demand = known["demand_history"]
    came = accuracy.measured(demand)
    rows = demand[schema.SERIES_MONTH].assign(
        actual=came, wanted=came.mask(demand["is_stockout"], demand["demand"])
    )
    return hierarchy.in_planning_units(rows, known["planning_units"])


def _place(rows: pd.DataFrame, series: pd.DataFrame) -> np.ndarray:
    keys = (pd.MultiIndex.from_frame(t[schema.SERIES].astype("str")) for t in (series, rows))
    index, wanted = keys
    return index.get_indexer(wanted)


def _with_place(rows: pd.DataFrame, series: pd.DataFrame) -> pd.DataFrame:
    """The rows with the place of their series among all."""
    return rows.assign(place=_place(rows, series))


def _net(history: pd.DataFrame, series: pd.DataFrame) -> np.ndarray:
    """What came as an array of months × series; NaN where there is no row."""
    month = months.number(history["month"]).to_numpy()
    first = month.min() if len(month) else 0
    net = np.full((int(month.max() - first) + 1 if len(month) else 0, len(series)), np.nan)
    net[month - first, _place(history, series)] = history["actual"]
    return net


def _shared(known: dict, made: cube.Cube) -> dict:
    return {
        "cube": made,
        "levels": [n for n in LEVELS if n != "total" and n in made.series],
        "names": known["items"].set_index("item")["description"].dropna().to_dict(),
        "currency": known["currency"],
        "units": known["planning_units"],
    }


def stood(tables: dict, choice: cube.Choice, cycle: pd.Timestamp) -> dict[str, pd.Series]:
    """What one cycle said of all months it planned, and what came, by month.

    Returns
    -------
    dict of Series
        ``sold`` before the cycle; from it on ``came`` of the series that the chosen layer planned,
        which is what it is judged by, and ``whole`` of all; what layers said: the chosen one and
        the statistical forecast (last year's month and imported plans for closed months alone).
        What a stock-out hid is put back as estimated: else a plan would look too high there.
    """
    made = tables["cube"]
    within = cube.inside(made, choice.path)
    history = tables["sold"][tables["sold"]["place"].isin(within)]
    later, lines, planned = history[history["month"] >= cycle], {}, np.array([], dtype="int64")
    for layer in dict.fromkeys([choice.layer, lags.STATISTICAL]):
        rows = _said(tables, layer)
        rows = rows[(rows["cycle"] == cycle) & rows["place"].isin(within) & rows["said"].notna()]
        if len(rows):
            lines[layer] = rows.groupby("month")["said"].sum()
        if layer == choice.layer:
            planned = rows["place"].unique()
    parts = {"sold": history[history["month"] < cycle], "whole": later}
    parts["came"] = later[later["place"].isin(planned)]
    return {name: part.groupby("month")["wanted"].sum() for name, part in parts.items()} | lines


def _said(tables: dict, layer: str) -> pd.DataFrame:
    """All that a layer of past plans said: ``cycle, month, place, said``."""
    made, rows = tables["cube"], tables["plans"]
    if layer in rows.columns:
        return rows.assign(said=rows[layer])
    if tables["kinds"].get(layer) == "department":
        views = tables["views"]
        return views[views["department"] == layer].assign(said=views["quantity"])
    if layer not in made.layers:
        return rows.iloc[:0].assign(said=np.nan)
    number = made.layers.index(layer)
    cell, place = np.nonzero(made.own[number])
    rows = made.cells[["cycle", "month"]].iloc[cell].reset_index(drop=True)
    return rows.assign(place=place, said=made.said[number, cell, place])
