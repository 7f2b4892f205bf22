"""The season of a panel: multiplicative indices by position in the year, drawn to what is sure.

Arrays have shape (n_months, n_series), NaN before a series' first month.
"""

from __future__ import annotations

import numpy as np

YEAR = 12
_SEASONAL_TEST = 1.645  # standard errors of a correlation: one-sided 95 % of a normal
_SMALLEST_INDEX = 0.05  # a season below this share of the mean would make forecasts explode


def seasonal_indices(
    values: np.ndarray, groups: np.ndarray | None = None, totals: np.ndarray | None = None
) -> np.ndarray:
    """Multiplicative seasonal index by position in the year.

    Parameters
    ----------
    values : array (n_months, n_series)
        Demand, units, not negative.
    groups : array (n_series,), optional
        Series that share a season (their family); −1 for none.
    totals : array (n_months, n_groups), optional
        From ``group_totals``, where groups have more series than these; left out: of these.

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
    groups = np.full(values.shape[1], -1) if groups is None else groups
    totals = group_totals(values, groups) if totals is None else totals
    if values.shape[1] == 1:
        return seasonal_indices(beside_itself(values), np.repeat(groups, 2), totals)[:, :1]
    base, member = np.ones((YEAR, values.shape[1])), groups >= 0
    if member.any():
        pooled = _shrunk(totals, np.ones((YEAR, totals.shape[1])))
        base[:, member] = pooled[:, groups[member]]
    indices = np.maximum(_shrunk(values, base), _SMALLEST_INDEX)
    return indices / indices.mean(axis=0)


def group_totals(
    values: np.ndarray, groups: np.ndarray, before: np.ndarray | None = None
) -> np.ndarray:
    """Demand of each group by month, series added one after the other.

    Parameters
    ----------
    values : array (n_months, n_series)
        Demand, units.
    groups : array (n_series,)
        Group of each series; −1 for none.
    before : array (n_months, n_groups), optional
        Totals of the series before these: to these the series are added, so that series taken in
        parts give the very bits they give at once.
    """
    member, count = groups >= 0, groups.max(initial=-1) + 1
    before = np.zeros((len(values), 0)) if before is None else before
    more = max(count - before.shape[1], 0)
    totals = np.pad(before, ((0, 0), (0, more)))
    np.add.at(totals.T, groups[member], np.nan_to_num(values.T[member]))
    return totals


def beside_itself(values: np.ndarray) -> np.ndarray:
    """A lone column twice: numpy adds one alone in another order, so its last bits would differ."""
    return np.repeat(values, 2, axis=1)


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
    values: np.ndarray, origins: list[int], horizon: int, known_seasons: dict[int, np.ndarray]
) -> np.ndarray:
    """The same month of the last year again; the last year's mean where there was no such month.

    Examples
    --------
    >>> year = np.arange(12.0).reshape(12, 1)
    >>> seasonal_naive(year, [12], 2, {}).ravel().tolist()
    [0.0, 1.0]
    """
    if values.shape[1] == 1:
        two = beside_itself(values)
        return seasonal_naive(two, origins, horizon, known_seasons)[..., :1]
    values, made = np.ascontiguousarray(values), []
    for origin in origins:
        last = values[max(origin - YEAR, 0) : origin]
        known = np.isfinite(last)
        mean = np.where(known, last, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        padded = np.full((YEAR, values.shape[1]), np.nan)
        padded[YEAR - len(last) :] = last
        year = np.where(np.isfinite(padded), padded, mean)
        made.append(year[np.arange(horizon) % YEAR])
    return np.stack(made)
