"""Another model tried on some series, beside the combination: forecasts, past errors, what changes.

Each series is forecast by itself and they are added up, as they would be were the model chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sopkit import methods, months
from sopkit.demand import choices, chosen, forecasting, models
from sopkit.demand.models import LAGS, MODELS

_YEAR = 12


@dataclass(frozen=True)
class Slice:
    """Some series of a back-test: their places ``own``, planning units and money in a unit."""

    tests: forecasting.Backtest
    own: np.ndarray
    factor: np.ndarray
    price: np.ndarray


@dataclass(frozen=True)
class Said:
    """What one model says of each series: ``past`` (n_origins, LAGS, n), ``ahead`` (horizon, n).

    ``kept`` (n,): series of which the combination would go on to forecast.
    """

    past: np.ndarray
    ahead: np.ndarray
    kept: np.ndarray


def combination(some: Slice) -> Said:
    """What the combination says."""
    ahead = some.tests.mean[:, some.own]
    return Said(some.tests.combined[..., some.own], ahead, np.zeros(len(some.own), dtype=bool))


def of_panel(some: Slice, name: str, parameters: dict) -> Said:
    """What a model of the panel says, with some parameters held; as if it were chosen.

    Parameters
    ----------
    some : Slice
        Series looked at.
    name, parameters
        As in ``chosen.held``.
    """
    number = list(MODELS).index(name)
    past, ahead = some.tests.forecasts[number][..., some.own], some.tests.ahead[number][:, some.own]
    is_new = np.full(len(some.own), True) if parameters else ~np.isfinite(ahead).all(axis=0)
    if is_new.any():  # else the back-test holds them
        model = chosen.held(MODELS[name], parameters)
        made = chosen.of_panel(some.tests, some.own[is_new], model, None)
        past, ahead = past.copy(), ahead.copy()
        past[..., is_new], ahead[:, is_new] = made
    return _as_chosen(some, past, ahead)


def known(some: Slice, name: str) -> Said:
    """What the back-test holds of a model; the combination for series that it is not for."""
    number = list(MODELS).index(name)
    arrays = some.tests.forecasts[number], some.tests.ahead[number]
    return _as_chosen(some, *(array[..., some.own] for array in arrays))


def of_single(some: Slice, name: str, parameters: dict, tick: Callable) -> Said:
    """What a model of statsmodels says of each series; ``tick(share, words)`` is told of each.

    Parameters
    ----------
    some, name, parameters
        As in ``of_panel``.
    tick : callable
        It may raise, so that the work ends.
    """
    parts = []
    for place, own in enumerate(some.own):
        tick(
            place / len(some.own), f"{methods.SINGLE[name]}: series {place + 1} of {len(some.own)}"
        )
        parts.append(chosen.single(some.tests, np.array([own]), name, parameters))
    past, ahead = (np.concatenate(arrays, axis=-1) for arrays in zip(*parts, strict=True))
    return _as_chosen(some, past, ahead)


def _as_chosen(some: Slice, past: np.ndarray, ahead: np.ndarray) -> Said:
    """The combination where the model has no sound forecast, as ``chosen`` has it."""
    usual = combination(some)
    is_kept = ~np.isfinite(ahead).all(axis=0) | ~(some.tests.history.values[:, some.own] > 0).any(0)
    is_told = np.isfinite(past).all(axis=1)[:, None] & ~is_kept
    return Said(np.where(is_told, past, usual.past), np.where(is_kept, usual.ahead, ahead), is_kept)


def scores(some: Slice, said: dict[str, Said]) -> pd.DataFrame:
    """Errors at past months of each model and of the combination, the nearest first.

    Parameters
    ----------
    some : Slice
        Series looked at.
    said : dict of Said
        By model.

    Returns
    -------
    DataFrame
        ``model, words, wape, bias_rate, months, p_value``: absolute errors of series and their sum
        over what came, all months ahead together; the chance of such a difference to the
        combination by noise alone.
    """
    usual = combination(some).past
    came = some.tests.actual[..., some.own]
    is_known = np.isfinite(came + usual)
    volume = np.where(is_known, came * some.factor, 0.0).sum()
    month, before, rows = _month(some), _by_place(some, usual, is_known, np.abs), []
    count = int(pd.Series(month[is_known.any(axis=2)]).nunique())
    for name, one in said.items():
        error = _by_place(some, one.past, is_known, np.abs)
        bias = _by_place(some, one.past, is_known, np.asarray).sum()
        more = pd.Series((error - before)[is_known.any(axis=2)])
        more = more.groupby(month[is_known.any(axis=2)]).mean()
        is_other = name != methods.COMBINED
        p_value = choices.p_value(more) if is_other and volume > 0 else np.nan
        share = (error.sum() / volume, bias / volume) if volume > 0 else (np.nan, np.nan)
        rows.append((name, models.words(name), *share, count, p_value))
    columns = ["model", "words", "wape", "bias_rate", "months", "p_value"]
    return pd.DataFrame(rows, columns=columns).sort_values("wape", kind="stable", ignore_index=True)


def _month(some: Slice) -> np.ndarray:
    """Position of the month of each origin and lag (n_origins, LAGS)."""
    return np.array(some.tests.origins)[:, None] + np.arange(LAGS)


def _by_place(
    some: Slice, past: np.ndarray, is_known: np.ndarray, size: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """Errors of all series together, by origin and lag."""
    error = size(past - some.tests.actual[..., some.own]) * some.factor
    return np.where(is_known, error, 0.0).sum(axis=2)


def lines(some: Slice, said: Said, *, lag: int) -> pd.DataFrame:
    """History and forecasts of all series added up: ``of, month, quantity``.

    Parameters
    ----------
    some, said : Slice, Said
        Series looked at, and a model.
    lag : int
        Months before, from 0: how long ago past forecasts were made.

    Returns
    -------
    DataFrame
        ``of`` is history, model, combination, past model or past combination; common unit.
    """
    tests = some.tests
    ahead = months.span(months.shift(tests.history.months[-1], 1), len(tests.mean))
    known = np.isfinite(tests.history.values[:, some.own])
    sold = np.where(known, tests.history.values[:, some.own] * some.factor, 0.0).sum(axis=1)
    parts = {"history": pd.Series(sold, tests.history.months)}
    origins = [(k, o + lag) for k, o in enumerate(tests.origins)]
    place = [(k, row) for k, row in origins if row < len(tests.history.months)]
    for word, one in (("model", said), ("combination", combination(some))):
        parts[word] = pd.Series((one.ahead * some.factor).sum(axis=1), ahead)
        told = [np.nansum(one.past[k, lag] * some.factor) for k, _ in place]
        index = tests.history.months[[row for _, row in place]]
        parts[f"past {word}"] = pd.Series(told, index, dtype="float64")
    tables = [
        pd.DataFrame({"of": n, "month": s.index, "quantity": s.array}) for n, s in parts.items()
    ]
    return pd.concat(tables, ignore_index=True)


def change(some: Slice, said: Said) -> tuple[float, float, float]:
    """Next twelve months: units of the combination, what the model adds, and that in money.

    Money is missing where a series that changes has no price.
    """
    usual = combination(some).ahead[:_YEAR].sum(axis=0)
    more = said.ahead[:_YEAR].sum(axis=0) - usual
    money = np.where(more == 0, 0.0, more * some.price).sum()
    return float((usual * some.factor).sum()), float((more * some.factor).sum()), float(money)
