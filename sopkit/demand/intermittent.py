"""Demand that comes in few months: Croston, its correction, and a dying demand, on a whole panel.

Arrays as in ``smoothing``. Each point of the grid is weighed by its one-step squared errors; the
forecast is one mean a month, the same for every month ahead.
"""

from __future__ import annotations

import numpy as np

from sopkit.demand import seasons
from sopkit.demand.smoothing import first_month, likelihood_shares

WEIGHTS = (0.02, 0.05, 0.1, 0.2, 0.3)  # of the latest demand, to be weighed


def croston(values: np.ndarray, origins: list[int], horizon: int, *_: object) -> np.ndarray:
    """Size of demands over months between demands (Croston 1972).

    Parameters
    ----------
    values : array (n_months, n_series)
        Demand, units, not negative.
    origins : list of int
        Numbers of months known, ascending.
    horizon : int
        Months ahead.

    Returns
    -------
    array (n_origins, horizon, n_series)
        Units a month; NaN where a series has no month yet.

    Examples
    --------
    >>> croston(np.array([[2.0], [2.0], [2.0]]), [3], 1).ravel().round(9).tolist()
    [2.0]
    """
    return _trace(values, origins, horizon, lambda state, alpha: state[0] / state[1])


def sba(values: np.ndarray, origins: list[int], horizon: int, *_: object) -> np.ndarray:
    """Croston less its bias of half the weight (Syntetos & Boylan 2005); else as ``croston``."""
    return _trace(values, origins, horizon, lambda s, alpha: (1.0 - alpha / 2.0) * s[0] / s[1])


def tsb(values: np.ndarray, origins: list[int], horizon: int, *_: object) -> np.ndarray:
    """Size of demands times the chance of one, which fades in idle months; else as ``croston``.

    Notes
    -----
    Source: Teunter, Syntetos & Babai (2011), one weight for size and chance.
    """
    return _trace(values, origins, horizon, lambda state, alpha: state[0] * state[2])


def _trace(values: np.ndarray, origins: list[int], horizon: int, mean) -> np.ndarray:
    """Forecasts at every origin from one recursion; ``mean`` turns a state into a monthly mean.

    The state is size of demands, months between them and chance of one. A young series takes plain
    means of what it has seen: a weight is never below one over the number seen.
    """
    if values.shape[1] == 1:
        return _trace(seasons.beside_itself(values), origins, horizon, mean)[..., :1]
    alpha = np.array(WEIGHTS)[:, None]
    width = values.shape[1]
    size, between, chance = (np.zeros((len(WEIGHTS), width)) + k for k in (0.0, 1.0, 0.0))
    first = first_month(values)
    idle, sales, age = np.ones(width), np.zeros(width), np.zeros(width)
    squares, count = np.zeros_like(size), np.zeros(width)
    made = []
    for t in range(len(values) + 1):
        said = mean((size, between, chance), alpha)
        if t in origins:
            share = likelihood_shares([squares], [count])
            made.append(np.where(first < t, (share * said).sum(axis=0), np.nan))
        if t == len(values):
            break
        known = np.isfinite(values[t])
        row = np.where(known, values[t], 0.0)
        judged = known & (age > 0)
        squares += ((row - said) * judged) ** 2
        count += judged
        sold = known & (row > 0)
        age += known
        sales += sold
        quick = np.maximum(alpha, 1.0 / np.maximum(sales, 1.0))
        size = np.where(sold, size + quick * (row - size), size)
        waited = np.maximum(alpha, 1.0 / np.maximum(sales - 1.0, 1.0)) * (idle - between)
        between = np.where(sold & (sales > 1), between + waited, between)
        moved = np.maximum(alpha, 1.0 / np.maximum(age, 1.0)) * (sold - chance)
        chance = np.where(known, chance + moved, chance)
        idle = np.where(sold, 1.0, idle + known)
    return np.repeat(np.stack(made)[:, None], horizon, axis=1)
