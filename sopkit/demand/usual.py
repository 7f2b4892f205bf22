"""What a month usually is: the seasonally adjusted months around it, and how far they lie apart.

Arrays have shape (n_months, n_series), NaN where nothing is known.
"""

from __future__ import annotations

import numpy as np
from scipy.special import stdtrit

from sopkit.demand import seasons

REACH = 6  # months before and after that tell what a month usually is
_FEWEST = 12  # months from which their scatter is told


def usual(
    net: np.ndarray, hidden: np.ndarray, groups: np.ndarray, learned_from: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Median of the months around, in the season of each month.

    Parameters
    ----------
    net, learned_from : array (n_months, n_series)
        Units; the season is learned from the second.
    hidden : array of bool
        Months that tell nothing: stock was out.
    groups : array (n_series,)
        Series that share a season; −1 for none.

    Returns
    -------
    adjusted, middle, season : array (n_months, n_series)
        Units of an average month, NaN where hidden; median of those from six months before to six
        after, the month itself left out; seasonal index. ``middle * season`` is what is usual.
    """
    season = seasons.tile_season(seasons.seasonal_indices(learned_from, groups), len(net))
    adjusted = np.where(hidden, np.nan, net / season)
    return adjusted, _moving_median(adjusted, REACH), season


def reach(net: np.ndarray, expected: np.ndarray, probability: float) -> np.ndarray:
    """Half the width of an interval of months that were seen, as a share of what is usual.

    Parameters
    ----------
    net, expected : array (n_months, n)
        What came and what was usual; NaN where either is unknown.
    probability : float
        Share of months the interval is to hold.

    Returns
    -------
    array (n,)
        Root mean square of ``net / expected − 1`` times Student's t; NaN below twelve months.

    Examples
    --------
    >>> net = np.tile([90.0, 110.0], 50)[:, None]
    >>> reach(net, np.full((100, 1), 100.0), 0.9).round(3).tolist()
    [0.166]
    """
    is_known = np.isfinite(net) & np.isfinite(expected) & (expected > 0)
    apart = np.where(is_known, net / np.where(is_known, expected, 1.0) - 1.0, 0.0)
    count = is_known.sum(axis=0)
    size = np.sqrt((apart**2).sum(axis=0) / np.maximum(count, 1))
    return np.where(
        count >= _FEWEST, size * stdtrit(np.maximum(count, 1), (1.0 + probability) / 2.0), np.nan
    )


def _moving_median(values: np.ndarray, reach: int) -> np.ndarray:
    """Median of the months from ``reach`` before to ``reach`` after, the month itself left out."""
    count = len(values)
    padded = np.pad(values, ((reach, reach), (0, 0)), constant_values=np.nan)
    offsets = [k for k in range(2 * reach + 1) if k != reach]
    stack = np.stack([padded[k : k + count] for k in offsets])
    with np.errstate(all="ignore"):
        return median(stack)


def median(stack: np.ndarray) -> np.ndarray:
    """Median over the first axis, NaN (without a warning) where nothing is known."""
    ordered = np.sort(stack, axis=0)
    known = np.isfinite(stack).sum(axis=0)
    low, high = np.maximum((known - 1) // 2, 0), known // 2
    high = np.minimum(high, len(stack) - 1)
    pair = np.take_along_axis(ordered, np.stack([low, high]), axis=0)
    return np.where(known > 0, pair.mean(axis=0), np.nan)
