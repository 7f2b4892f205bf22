"""Seasonal regression on a whole panel: a line and the months of the year, old months discounted.

Arrays as in ``smoothing``; sums that are carried from month to month serve all origins.
"""

from __future__ import annotations

import numpy as np

from sopkit.demand import seasons
from sopkit.demand.seasons import YEAR
from sopkit.demand.smoothing import first_month, to_scale

_DISCOUNT, _DAMPING = 0.95, 0.97
_RIDGE_LEVEL, _RIDGE_SLOPE, _RIDGE_MONTH = 1e-6, 0.5, 1.0  # observations that say zero


def seasonal_regression(
    values: np.ndarray, origins: list[int], horizon: int, known_seasons: dict[int, np.ndarray]
) -> np.ndarray:
    """Line and months of the year fitted to logs, old months discounted, the line damped ahead.

    Notes
    -----
    Discounted least squares (Brown 1963) with a ridge of one observation on each month's effect:
    weights 0.95 a month, the line's growth damped by 0.97 a month.
    """
    if values.shape[1] == 1:
        two = seasons.beside_itself(values)
        return seasonal_regression(two, origins, horizon, known_seasons)[..., :1]
    scaled = to_scale(np.ascontiguousarray(values), "log")
    known = np.isfinite(scaled)
    first, steps = first_month(values), np.arange(1, horizon + 1)
    reach = np.cumsum(_DAMPING**steps)[:, None] / YEAR
    # sums by month of the year: weight, weight × years ago, × demand; over all: squares, products
    weight, years, demand = (np.zeros((YEAR, values.shape[1])) for _ in range(3))
    square, product = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    made = []
    for t in range(len(values) + 1):
        if t in origins:
            level, slope, month = _regression(weight, years, demand, square, product)
            forecast = level + slope * reach + month[(t + steps - 1) % YEAR]
            made.append(np.where(first < t, np.exp(np.clip(forecast, -700.0, 700.0)), np.nan))
        if t == len(values):
            break
        # a month passes: what is known grows older by a month and counts less
        square = _DISCOUNT * (square - 2 * years.sum(axis=0) / YEAR + weight.sum(axis=0) / YEAR**2)
        product = _DISCOUNT * (product - demand.sum(axis=0) / YEAR)
        years = _DISCOUNT * (years - weight / YEAR)
        weight, demand = _DISCOUNT * weight, _DISCOUNT * demand
        weight[t % YEAR] += known[t]
        demand[t % YEAR] += np.where(known[t], scaled[t], 0.0)
    return np.stack(made)


def _regression(weight, years, demand, square, product) -> tuple[np.ndarray, ...]:
    """Level, slope a year and effect of each month: ridge least squares, months eliminated."""
    kept = _RIDGE_MONTH / (weight + _RIDGE_MONTH)
    a, b = (weight * kept).sum(axis=0) + _RIDGE_LEVEL, (years * kept).sum(axis=0)
    c = square - (years**2 / (weight + _RIDGE_MONTH)).sum(axis=0) + _RIDGE_SLOPE
    right = (demand * kept).sum(axis=0)
    below = product - (years * demand / (weight + _RIDGE_MONTH)).sum(axis=0)
    determinant = a * c - b**2
    level = (c * right - b * below) / determinant
    slope = (a * below - b * right) / determinant
    return level, slope, (demand - weight * level - years * slope) / (weight + _RIDGE_MONTH)
