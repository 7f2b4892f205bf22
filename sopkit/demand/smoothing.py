"""Exponential smoothing and Theta on a whole panel at once.

Arrays have shape (n_months, n_series), NaN before a series' first month; forecasts have shape
(horizon, n_series). Every recursion runs over months and is elementwise over series × parameter
grid; parameters are those with the least squared one-step error.
"""

from __future__ import annotations

import numpy as np

YEAR = 12
SES_ALPHAS = np.array([0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 0.95])
DAMPED_GRID = np.array(
    [
        (alpha, alpha * share, phi)
        for alpha in (0.05, 0.1, 0.2, 0.35, 0.5, 0.75)
        for share in (0.02, 0.1, 0.3)
        for phi in (0.85, 0.92, 0.98)
    ]
)  # alpha, beta, phi
_SEASONAL_TEST = 1.645  # standard errors of a correlation: one-sided 95 % of a normal
_SMALLEST_INDEX = 0.05  # a season below this share of the mean would make forecasts explode


def _first(values: np.ndarray) -> np.ndarray:
    """Position of each series' first month (n_months where it has none)."""
    known = np.isfinite(values)
    return np.where(known.any(axis=0), known.argmax(axis=0), len(values))


def seasonal_indices(values: np.ndarray, groups: np.ndarray | None = None) -> np.ndarray:
    """Multiplicative seasonal index by position in the year.

    Parameters
    ----------
    values : array (n_months, n_series)
        Demand, units, not negative.
    groups : array (n_series,), optional
        Series that share a season (their family); −1 for none.

    Returns
    -------
    array (12, n_series)
        Row 0 belongs to the first month of ``values``; each column has mean 1.

    Notes
    -----
    Ratio to a centred 2×12 moving average, averaged over years, then shrunk towards the group's
    season (the group's towards none) by the share of its variation that the scatter between years
    explains: the positive-part rule of James & Stein (1961), so nothing is tuned. Between two and
    three years the scatter is that of months a year apart, where these correlate; a younger series
    has its group's season.
    """
    base = np.ones((YEAR, values.shape[1]))
    if groups is not None and (groups >= 0).any():
        member = groups >= 0
        totals = np.zeros((len(values), groups.max() + 1))
        np.add.at(totals.T, groups[member], np.nan_to_num(values.T[member]))
        pooled = _shrunk(totals, np.ones((YEAR, totals.shape[1])))
        base[:, member] = pooled[:, groups[member]]
    indices = np.maximum(_shrunk(values, base), _SMALLEST_INDEX)
    return indices / indices.mean(axis=0)


def _shrunk(values: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Ratio indices (12, n_series) drawn to ``base`` as far as they are scatter."""
    ratio = _ratios(values)
    blocks = -(-len(ratio) // YEAR)
    padded = np.full((blocks * YEAR, ratio.shape[1]), np.nan)
    padded[: len(ratio)] = ratio
    padded = padded.reshape(blocks, YEAR, -1)  # years, positions, series
    known = np.isfinite(padded)
    count = known.sum(axis=0)
    own = np.where(known, padded, 0.0).sum(axis=0) / np.maximum(count, 1)
    own = np.where(count > 0, own, base)
    scatter = (np.where(known, padded - own, 0.0) ** 2).sum(axis=(0, 1))
    freedom = np.maximum(count - 1, 0).sum(axis=0)
    is_seasonal, yearly = _yearly_noise(values)
    is_long = freedom >= YEAR
    noise = np.where(is_long, scatter / np.maximum(freedom, 1), yearly)
    noise = noise * (1.0 / np.maximum(count, 1)).mean(axis=0)
    signal = ((own - base) ** 2).mean(axis=0)
    trust = np.clip(1.0 - noise / np.where(signal > 0, signal, np.inf), 0.0, 1.0)
    return base + (own - base) * trust * (is_long | is_seasonal)


def _yearly_noise(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether months a year apart show a season, and the variance of one month, level = 1.

    They do where twelve pairs or more correlate beyond 1.645/√pairs, the M competitions' test at
    90 %. Tells the scatter between years before three years of ratios can.
    """
    first, second = values[:-YEAR], values[YEAR:]
    known = np.isfinite(first) & np.isfinite(second)
    pairs = np.maximum(known.sum(axis=0), 1)
    before, after = np.where(known, first, 0.0), np.where(known, second, 0.0)
    mean_before, mean_after = before.sum(axis=0) / pairs, after.sum(axis=0) / pairs
    apart = [np.where(known, x - m, 0.0) for x, m in ((first, mean_before), (second, mean_after))]
    spread = np.sqrt((apart[0] ** 2).sum(axis=0) * (apart[1] ** 2).sum(axis=0))
    likeness = (apart[0] * apart[1]).sum(axis=0) / np.where(spread > 0, spread, 1.0)
    growth = mean_after / np.where(mean_before > 0, mean_before, 1.0)
    level = (mean_before + mean_after) / 2.0
    squares = ((after - growth * before) ** 2).sum(axis=0) / np.maximum(pairs - 1, 1)
    noise = squares / (1.0 + growth**2) / np.where(level > 0, level, np.inf) ** 2
    return (pairs >= YEAR) & (likeness > _SEASONAL_TEST / np.sqrt(pairs)), noise


def _ratios(values: np.ndarray) -> np.ndarray:
    """Each month over its centred 2×12 moving average; NaN where there is none or it is zero."""
    count = len(values)
    ratio = np.full(values.shape, np.nan)
    if count <= YEAR:
        return ratio
    weights = np.r_[0.5, np.ones(YEAR - 1), 0.5] / YEAR
    trend = sum(weight * values[k : count - YEAR + k] for k, weight in enumerate(weights))
    middle = values[YEAR // 2 : count - YEAR // 2]
    ratio[YEAR // 2 : count - YEAR // 2] = np.where(
        trend > 0, middle / np.where(trend > 0, trend, 1.0), np.nan
    )
    return ratio


def tile_season(indices: np.ndarray, count: int, start: int = 0) -> np.ndarray:
    """Seasonal index of ``count`` months, the first at position ``start`` from the panel's own."""
    return indices[(start + np.arange(count)) % YEAR]


def seasonal_naive(
    values: np.ndarray, horizon: int, groups: np.ndarray | None = None
) -> np.ndarray:
    """The same month of the last year again; the last year's mean where there was no such month.

    Examples
    --------
    >>> year = np.arange(12.0).reshape(12, 1)
    >>> seasonal_naive(year, 2).ravel().tolist()
    [0.0, 1.0]
    """
    count = len(values)
    last = values[max(count - YEAR, 0) :]
    known = np.isfinite(last)
    mean = np.where(known, last, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    padded = np.full((YEAR, values.shape[1]), np.nan)
    padded[YEAR - len(last) :] = last
    year = np.where(np.isfinite(padded), padded, mean)
    return year[np.arange(horizon) % YEAR]


def simple_smoothing(
    values: np.ndarray, alphas: np.ndarray = SES_ALPHAS, level: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Last level of simple exponential smoothing, and the weight that was chosen.

    Parameters
    ----------
    values : array (n_months, n_series)
        Any sign; NaN before a series' first month.
    alphas : array (n_grid,)
        Weights of the latest month to choose from, 0 to 1.
    level : array (n_series,), optional
        Level before the first month; the first month itself where left out.

    Returns
    -------
    level, alpha : arrays (n_series,)

    Notes
    -----
    ``level += alpha × (value − level)``. Source: Hyndman & Athanasopoulos (2018), §7.1.

    Examples
    --------
    >>> level, alpha = simple_smoothing(np.array([[10.0], [12.0]]), np.array([0.5]))
    >>> level.tolist(), alpha.tolist()
    ([11.0], [0.5])
    """
    start = np.clip(_first(values), 0, len(values) - 1)
    begin = np.take_along_axis(values, start[None], axis=0)[0] if level is None else level
    state = np.tile(np.nan_to_num(begin), (len(alphas), 1))
    squares = np.zeros_like(state)
    weight = alphas[:, None]
    for row in values:
        error = np.nan_to_num(row - state)
        squares += error**2
        state = state + weight * error
    best = squares.argmin(axis=0)
    return np.take_along_axis(state, best[None], axis=0)[0], alphas[best]


def _line(values: np.ndarray, longest: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Least-squares level at a series' first month, and slope a month."""
    count = len(values)
    age = np.arange(count)[:, None] - _first(values)[None]
    known = np.isfinite(values) & (age >= 0)
    if longest is not None:
        known &= age < longest
    n = np.maximum(known.sum(axis=0), 1)
    x, y = np.where(known, age, 0.0), np.where(known, values, 0.0)
    mean_x, mean_y = x.sum(axis=0) / n, y.sum(axis=0) / n
    deviation = np.where(known, age - mean_x, 0.0)
    spread = (deviation**2).sum(axis=0)
    slope = np.where(spread > 0, (deviation * y).sum(axis=0) / np.where(spread > 0, spread, 1), 0.0)
    return mean_y - slope * mean_x, slope


def theta(values: np.ndarray, horizon: int, groups: np.ndarray | None = None) -> np.ndarray:
    """Theta method with seasonal adjustment: half the line, half smoothing of twice its distance.

    Notes
    -----
    Source: Assimakopoulos & Nikolopoulos (2000); Hyndman & Billah (2003) for the equivalence.
    """
    season = seasonal_indices(values, groups)
    adjusted = values / tile_season(season, len(values))
    level, slope = _line(adjusted)
    first = _first(values)
    age = np.arange(len(values))[:, None] - first[None]
    smoothed, _ = simple_smoothing(2.0 * adjusted - (level + slope * age))
    ahead = (len(values) - first)[None] + np.arange(horizon)[:, None]
    forecast = 0.5 * (level + slope * ahead) + 0.5 * smoothed
    return forecast * tile_season(season, horizon, len(values))


def damped_trend(values: np.ndarray, horizon: int, groups: np.ndarray | None = None) -> np.ndarray:
    """Damped trend with seasonal adjustment, parameters of least squared one-step error.

    Notes
    -----
    Source: Gardner & McKenzie (1985), error-correction form. The first twelve months' line gives
    the level and half the trend before the first month.
    """
    season = seasonal_indices(values, groups)
    adjusted = values / tile_season(season, len(values))
    level, trend, phi = _damped_states(adjusted)
    powers = np.cumsum(phi[None] ** np.arange(1, horizon + 1)[:, None], axis=0)
    forecast = level + powers * trend
    return forecast * tile_season(season, horizon, len(values))


def _damped_states(adjusted: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Last level, last trend and damping of each series, from the best point of the grid."""
    alpha, beta, phi = (column[:, None] for column in DAMPED_GRID.T)
    begin, slope = _line(adjusted, longest=YEAR)
    trend = np.tile(0.5 * slope, (len(DAMPED_GRID), 1))
    level = begin - trend
    squares = np.zeros_like(level)
    started = np.zeros(adjusted.shape[1], dtype=bool)
    for row in adjusted:
        started |= np.isfinite(row)
        expected = level + phi * trend
        error = np.nan_to_num(row - expected)
        squares += error**2
        level = np.where(started, expected + alpha * error, level)
        trend = np.where(started, phi * trend + beta * error, trend)
    best = squares.argmin(axis=0)[None]
    pick = [np.take_along_axis(array, best, axis=0)[0] for array in (level, trend)]
    return pick[0], pick[1], DAMPED_GRID[best[0], 2]
