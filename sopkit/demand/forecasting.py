"""The verbs on a panel: backtest, combine, forecast.

Every model has the form ``model(values, horizon, groups) -> array (horizon, n_series)``. To add
one: a function in ``smoothing`` or a neighbour, a line in ``MODELS``, a test.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import intervals, panel, smoothing

MODELS = {
    "seasonal_naive": smoothing.seasonal_naive,
    "theta": smoothing.theta,
    "damped_trend": smoothing.damped_trend,
}
COMBINED = "combined"
ORIGINS = 12  # past cycles a backtest replays
LAGS = 12  # months ahead it measures
_SHORTEST_TRAINING = 3  # months a series must have had at an origin to be measured there
_POOLED_ERRORS = 24.0  # measured months at which a series' own weights count half
_HIGHEST_RATIO = 4.0  # no forecast above this multiple of the highest of the last 24 months


def _guard(forecast: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Forecasts that are finite, not negative, and not far above anything seen."""
    highest = np.nan_to_num(values[-24:]).max(axis=0, initial=0.0)
    return np.clip(np.nan_to_num(forecast), 0.0, _HIGHEST_RATIO * highest)


def _run(values: np.ndarray, horizon: int, groups: np.ndarray) -> dict[str, np.ndarray]:
    return {name: _guard(model(values, horizon, groups), values) for name, model in MODELS.items()}


def backtest(history: panel.Panel, actual: panel.Panel, groups: np.ndarray) -> pd.DataFrame:
    """What each model would have said at past origins, beside what came.

    Parameters
    ----------
    history : Panel
        Demand, what models learn from; each origin sees earlier months only.
    actual : Panel
        What came: net sales, NaN where a stock-out hid it; same keys and months.
    groups : array (n_series,)
        Family of each series, −1 for none.

    Returns
    -------
    DataFrame
        Key ``item, location, channel, origin, month``; ``lag`` months from origin to month,
        ``actual``, one column a model and ``combined``, mixed at each origin by the weights that
        the errors known by then had earned.
    """
    count, width = len(history.months), len(history.keys)
    first = max(count - ORIGINS, min(_SHORTEST_TRAINING, count))
    squares, measured_months = np.zeros((width, len(MODELS))), np.zeros(width)
    coming: dict[int, list[np.ndarray]] = {}  # errors by the month in which they become known
    names = [*MODELS, COMBINED, "actual"]
    nothing = dict.fromkeys(names, np.empty((0, width)))  # keeps types where nothing is measured
    parts = [panel.to_table(history.keys, history.months[:0], nothing)]
    for position in range(first, count):
        ahead = min(LAGS, count - position)
        arrays = _run(history.values[:position], ahead, groups)
        for error in coming.pop(position - 1, []):
            known = np.isfinite(error).all(axis=1)
            squares[known] += error[known] ** 2
            measured_months += known
        share = _shares(squares / np.maximum(measured_months, 1)[:, None], measured_months)[0]
        arrays[COMBINED] = sum(array * share[:, k] for k, array in enumerate(arrays.values()))
        arrays["actual"] = actual.values[position : position + ahead]
        is_measured = np.isfinite(history.values[:position]).sum(axis=0) >= _SHORTEST_TRAINING
        arrays = {name: np.where(is_measured, array, np.nan) for name, array in arrays.items()}
        for k in range(ahead):
            errors = [arrays[name][k] - arrays["actual"][k] for name in MODELS]
            coming.setdefault(position + k, []).append(np.stack(errors, axis=1))
        table = panel.to_table(history.keys, history.months[position : position + ahead], arrays)
        parts.append(table.assign(origin=history.months[position]))
    parts[0] = parts[0].assign(origin=history.months[:0])
    table = pd.concat(parts, ignore_index=True)
    table = table[table["actual"].notna()].reset_index(drop=True)
    table = table.assign(lag=months.number(table["month"]) - months.number(table["origin"]))
    return table[[*schema.SERIES, "origin", "month", "lag", "actual", *MODELS, COMBINED]]


def _shares(squares: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights (n_series, n_models) from mean squared errors and how many months they rest on."""
    mean = squares.mean(axis=1, keepdims=True)
    ratio = squares / np.where(mean > 0, mean, 1.0)
    usable = np.isfinite(ratio).all(axis=1) & (mean.ravel() > 0) & (counts > 0)
    pooled = ratio[usable].mean(axis=0) if usable.any() else np.ones(squares.shape[1])
    trust = (counts / (counts + _POOLED_ERRORS))[:, None]
    blended = np.where(usable[:, None], trust * np.nan_to_num(ratio) + (1 - trust) * pooled, pooled)
    inverse = 1.0 / np.maximum(blended, 0.05)
    return inverse / inverse.sum(axis=1, keepdims=True), ratio


def weights(table: pd.DataFrame, keys: pd.DataFrame) -> pd.DataFrame:
    """Table ``model_weights``: how much each model counts for each series.

    Parameters
    ----------
    table : DataFrame
        Table `backtest`.
    keys : DataFrame
        Every series, also those too short to be measured.

    Returns
    -------
    DataFrame
        Key ``item, location, channel, model``; ``weight_share`` sums to 1 a series;
        ``error_rate`` is the model's squared error beside the models' mean.

    Notes
    -----
    Weight ∝ 1 / squared rolling-origin error (Bates & Granger 1969, without covariances), shrunk
    to the weights of the whole portfolio while a series has few measured months.
    """
    names = list(MODELS)
    errors = (table[names].sub(table["actual"], axis=0)) ** 2
    grouped = errors.groupby([table[name] for name in schema.SERIES])
    squares = grouped.mean().reindex(pd.MultiIndex.from_frame(keys)).to_numpy()
    counts = grouped.size().reindex(pd.MultiIndex.from_frame(keys), fill_value=0).to_numpy()
    share, ratio = _shares(squares, counts)
    wide = keys.loc[keys.index.repeat(len(names))].reset_index(drop=True)
    return wide.assign(
        model=names * len(keys), weight_share=share.ravel(), error_rate=ratio.ravel()
    )


def forecast(
    history: panel.Panel,
    tests: pd.DataFrame,
    groups: np.ndarray,
    end_months: pd.Series,
    *,
    horizon: int,
) -> pd.DataFrame:
    """Table ``forecast``: one row for every series and month of the horizon, none missing.

    Parameters
    ----------
    history : Panel
        Demand to the month before the cycle.
    tests : DataFrame
        Table `backtest`: gives weights and interval widths.
    groups : array (n_series,)
        Family of each series, −1 for none.
    end_months : Series
        Last month of sale of each series, in the panel's order; missing where it goes on.
    horizon : int
        Months ahead.

    Returns
    -------
    DataFrame
        Key ``item, location, channel, month``; ``quantity`` is the mean, ``quantity_lower`` and
        ``quantity_upper`` enclose 80 %; ``model`` names the heaviest; zero after the series' end.
    """
    arrays = _run(history.values, horizon, groups)
    model_weights = weights(tests, history.keys)
    share = model_weights["weight_share"].to_numpy().reshape(len(history.keys), len(MODELS))
    mean = sum(array * share[:, k] for k, array in enumerate(arrays.values()))
    lower, upper = intervals.bounds(mean, tests, history)
    ahead = months.span(months.shift(history.months[-1], 1), horizon)
    is_over = ahead.to_numpy()[:, None] > end_months.to_numpy(dtype=months.DTYPE)[None]
    bounded = {"quantity": mean, "quantity_lower": lower, "quantity_upper": upper}
    bounded = {name: np.where(is_over, 0.0, array) for name, array in bounded.items()}
    table = panel.to_table(history.keys, ahead, bounded)
    heaviest = np.array(list(MODELS))[share.argmax(axis=1)]
    return table.assign(model=np.repeat(heaviest, horizon))
