"""Models of the panel: what people call each, how it runs, and the kinds of demand it is for.

A model has the form ``run(values, origins, horizon, known_seasons)`` and gives an array
(n_origins, horizon, n_series). To add one: a function in ``smoothing`` or a neighbour, a line in
``MODELS`` and in ``sopkit.methods``, a test.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np

from sopkit import methods
from sopkit.demand import combining, intermittent, regression, seasons, smoothing
from sopkit.demand.smoothing import Form, grid

NAIVE = "seasonal_naive"
LAGS = 18  # months ahead a backtest measures
HIGHEST_RATIO = 4.0  # a forecast above this multiple of the highest of 24 months has exploded
_BLOCK = 1024  # series a recursion takes at once: enough for threads, not for all memory

_LEVELS = grid((0.03, 0.1, 0.2, 0.35, 0.55, 0.8))
_SEASONAL = grid((0.05, 0.12, 0.25, 0.45, 0.75), gammas=(0.0, 0.05, 0.15, 0.4))
_DAMPED = grid((0.05, 0.15, 0.3, 0.5, 0.75), (0.0, 0.03, 0.1), (0.85, 0.95), (0.0, 0.07, 0.3))
_TRENDED = grid((0.05, 0.15, 0.3, 0.6), (0.01, 0.03, 0.1), gammas=(0.0, 0.05, 0.2))
_HALF = 0.5  # of the slope so far: the drift of Theta


@dataclass(frozen=True)
class Model:
    """A way to forecast: what people call it, how it runs, and the kinds of demand it is for."""

    words: str
    run: Callable[..., np.ndarray]
    kinds: tuple[int, ...]


def _smooth(points: np.ndarray, scale: str, season: str, drift: float = 0.0) -> Callable:
    """A form whose season, if any, is a part of its state."""
    return partial(_smoothed, Form(points, scale, season, drift))


def _smoothed(form, values, origins, horizon, known_seasons) -> np.ndarray:
    return smoothing.at_origins(values, form, origins, horizon, known_seasons).forecasts


def _adjusted(points: np.ndarray, scale: str, drift: float) -> Callable:
    """A form on seasonally adjusted months."""
    return partial(_on_adjusted, Form(points, scale, "none", drift))


def _on_adjusted(form, values, origins, horizon, known_seasons) -> np.ndarray:
    return smoothing.adjusted_at_origins(values, form, origins, horizon, known_seasons)


_EVERY = combining.SMOOTH, combining.ERRATIC, combining.RARE
_REGULAR, _UNEVEN = _EVERY[:2], _EVERY[1:]
_EVEN, _NOISY, _RARE = _EVERY[:1], _EVERY[1:2], _EVERY[2:]
MODELS = {
    NAIVE: Model("same month last year", seasons.seasonal_naive, _REGULAR),
    "simple_smoothing": Model("simple smoothing", _smooth(_LEVELS, "plain", "none"), _RARE),
    "drifting_level": Model(
        "Theta without season", _smooth(_LEVELS, "plain", "none", _HALF), _RARE
    ),
    "holt": Model("Holt's trend", _smooth(_TRENDED, "log", "additive"), _EVEN),
    "damped_trend": Model("damped trend", _smooth(_DAMPED, "root", "additive"), _REGULAR),
    "damped_drift": Model(
        "damped trend and drift", _smooth(_DAMPED, "log", "additive", _HALF), _EVEN
    ),
    "holt_winters_additive": Model(
        "Holt-Winters with added season", _smooth(_DAMPED, "plain", "additive"), _NOISY
    ),
    "holt_winters": Model(
        "Holt-Winters with multiplied season",
        _smooth(_DAMPED, "plain", "multiplicative", _HALF),
        _REGULAR,
    ),
    "theta": Model("Theta", _adjusted(_LEVELS, "plain", _HALF), _UNEVEN),
    "theta_root": Model("Theta on roots", _adjusted(_LEVELS, "root", _HALF), _REGULAR),
    "theta_log": Model("Theta on logs", _adjusted(_LEVELS, "log", _HALF), _EVEN),
    "dynamic_theta": Model(
        "dynamic Theta", _smooth(_SEASONAL, "plain", "additive", _HALF), _UNEVEN
    ),
    "dynamic_theta_root": Model(
        "dynamic Theta on roots", _smooth(_SEASONAL, "root", "additive", _HALF), _REGULAR
    ),
    "dynamic_theta_log": Model(
        "dynamic Theta on logs", _smooth(_SEASONAL, "log", "additive", _HALF), _EVEN
    ),
    "seasonal_regression": Model("seasonal regression", regression.seasonal_regression, _EVEN),
    "croston": Model("Croston", intermittent.croston, _RARE),
    "sba": Model("corrected Croston", intermittent.sba, _RARE),
    "tsb": Model("fading demand (TSB)", intermittent.tsb, _RARE),
}


def at_origins(
    models: list[Model],
    values: np.ndarray,
    horizon: int,
    known_seasons: dict[int, np.ndarray],
    kind: np.ndarray,
    threads: int | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Models on every series they are for: at past origins, today, and where they fell today.

    Parameters
    ----------
    models : list of Model
        What is run.
    values : array (n_months, n_series)
        Demand, units.
    horizon : int
        Months ahead, from today.
    known_seasons : dict of int to array (12, n_series)
        Season as it was known at each origin; the last origin is today.
    kind : array (n_origins, n_series)
        Kind of demand known at each.
    threads : int, optional
        How many may run at once; left out: as many as there are processors.

    Returns
    -------
    tests : array (n_models, n_origins - 1, LAGS, n_series)
    ahead : array (n_models, horizon, n_series)
        NaN where a model is not for the series, or fell.
    fell : array (n_models, n_series) of bool
        Whether a model that is for the series has no sound forecast today.
    """
    origins = list(known_seasons)
    width, reach = values.shape[1], max(horizon, LAGS)
    tests = np.full((len(models), len(origins) - 1, LAGS, width), np.nan)
    ahead = np.full((len(models), horizon, width), np.nan)
    fell = np.zeros((len(models), width), dtype=bool)
    limit = highest(values, origins)

    # single precision is twice as fast; a power of two keeps it from running over, exactly. It is
    # that of the first month sold: a later month must not reach back into an earlier origin
    has_sold = np.nan_to_num(values) > 0
    usual = values[has_sold.argmax(axis=0), np.arange(width)]
    size = np.exp2(np.round(np.log2(np.where(has_sold.any(axis=0), usual, 1.0))))
    scaled = (values / size).astype("float32")

    first = smoothing.first_month(values)
    order = np.argsort(first, kind="stable")  # a block skips the months before its first series

    def run(block: np.ndarray) -> None:
        for number, model in enumerate(models):
            chosen = block[np.isin(kind[:, block], model.kinds).any(axis=0)]
            if not len(chosen):
                continue
            start = min(first[chosen].min(), origins[0])
            start -= start % seasons.YEAR  # every block turns the year alike
            own = {o - start: season[:, chosen] for o, season in known_seasons.items()}
            with np.errstate(over="ignore", invalid="ignore"):  # an explosion falls below
                rows = np.ascontiguousarray(scaled[start:, chosen])
                made = model.run(rows, list(own), reach, own) * size[chosen]
                is_sound = (made <= limit[:, None, chosen]).all(axis=1)
            is_used = np.isin(kind[:, chosen], model.kinds)
            made = np.where((is_sound & is_used)[:, None], made, np.nan)
            tests[number][:, :, chosen] = made[:-1, :LAGS]
            ahead[number][:, chosen] = made[-1, :horizon]
            fell[number, chosen] = ~is_sound[-1] & is_used[-1]

    with ThreadPoolExecutor(threads) as pool:
        blocks = [order[start : start + _BLOCK] for start in range(0, width, _BLOCK)]
        list(pool.map(run, blocks))
    return tests, ahead, fell


def highest(values: np.ndarray, origins: list[int]) -> np.ndarray:
    """What a sound forecast does not exceed (n_origins, n_series): by the last two years known."""
    last = [np.nan_to_num(values[max(o - 24, 0) : o]).max(axis=0, initial=0.0) for o in origins]
    return HIGHEST_RATIO * np.stack(last)


def words(name: str) -> str:
    """What people call a model, also one of statsmodels, or the combination."""
    if name in MODELS:
        return MODELS[name].words
    return "combination" if name == methods.COMBINED else methods.SINGLE.get(name, name)
