"""Trend, season and rest of one series (statsmodels' STL), and months that nobody knows filled.

Where every known month is above zero, parts are those of the logarithm: they add up to it, and
multiply in units. Strengths follow Wang, Smith and Hyndman (2006): 0 none, 1 nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from statsmodels.tsa.seasonal import STL

YEAR = 12
SHORTEST_SEASON = 2 * YEAR  # months below which no season is told
_SEASON_WINDOW = 13  # months of the same name over which a season may change, odd
_PASSES = 3  # fill, decompose, fill again


@dataclass(frozen=True)
class Parts:
    """Trend, season, rest (n_months,), their sum the series on its scale; strengths 0 to 1."""

    trend: np.ndarray
    season: np.ndarray
    rest: np.ndarray
    is_log: bool
    trend_strength: float
    season_strength: float


def is_log(values: np.ndarray) -> bool:
    """Whether every known month is above zero, so that logarithms can be taken."""
    known = values[np.isfinite(values)]
    return bool(len(known) and known.min() > 0)


def decompose(values: np.ndarray) -> Parts | None:
    """Trend, season and rest of months that are all known; nothing below two years.

    Parameters
    ----------
    values : array (n_months,)
        Units, without missing ones.

    Examples
    --------
    >>> month = np.arange(48)
    >>> parts = decompose(100.0 + month + 20.0 * np.sin(month * np.pi / 6))
    >>> parts.is_log, parts.trend_strength > 0.99, parts.season_strength > 0.99
    (True, True, True)
    """
    if len(values) < SHORTEST_SEASON:
        return None
    takes_log = is_log(values)
    scaled = np.log(values) if takes_log else values
    found = STL(scaled, period=YEAR, seasonal=_SEASON_WINDOW, robust=True).fit()
    trend, season, rest = (np.asarray(part) for part in (found.trend, found.seasonal, found.resid))
    return Parts(
        trend,
        season,
        rest,
        takes_log,
        _strength(rest, trend + rest),
        _strength(rest, season + rest),
    )


def filled(values: np.ndarray) -> np.ndarray:
    """The series with unknown months between their neighbours, season put back where there is one.

    Parameters
    ----------
    values : array (n_months,)
        Units; NaN where a month is not known; one known month at least.

    Examples
    --------
    >>> filled(np.array([2.0, np.nan, 4.0])).tolist()
    [2.0, 3.0, 4.0]
    """
    missing = ~np.isfinite(values)
    month = np.arange(len(values))
    made = np.where(missing, np.interp(month, month[~missing], values[~missing]), values)
    if not missing.any() or len(values) < SHORTEST_SEASON:
        return made
    for _ in range(_PASSES):
        parts = decompose(made)
        scaled = np.log(made) if parts.is_log else made
        level = (scaled - parts.season)[~missing]
        guess = np.interp(month, month[~missing], level) + parts.season
        made = np.where(missing, np.exp(guess) if parts.is_log else np.maximum(guess, 0.0), values)
    return made


def _strength(rest: np.ndarray, beside: np.ndarray) -> float:
    """Share of the variance of a part and the rest that is not the rest."""
    spread = np.var(beside)
    return float(max(0.0, 1.0 - np.var(rest) / spread)) if spread > 0 else 0.0
