"""How sure the forecast is: bounds calibrated on the backtest's own errors."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import schema
from sopkit.demand import panel

LEVEL = 0.8
_PRIOR_ERRORS = 12.0  # measured months at which a series' own width counts half
_NORMAL_TAIL = 1.2816  # standard deviations that leave a tenth above
_FEWEST_ERRORS = 100  # standardised errors needed to read quantiles off them


def bounds(
    mean: np.ndarray, tests: pd.DataFrame, history: panel.Panel
) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper bound that enclose 80 % of what comes.

    Parameters
    ----------
    mean : array (horizon, n_series)
        Combined forecast, units.
    tests : DataFrame
        Table `backtest`, with the combination's error by series, origin and lag.
    history : Panel
        Gives the order of series, and a width where the backtest says nothing.

    Returns
    -------
    lower, upper : arrays (horizon, n_series)
        ``0 ≤ lower ≤ mean ≤ upper``.

    Notes
    -----
    Width = the series' root mean squared error, shrunk to the portfolio's coefficient, times the
    growth of error with lag over the portfolio; its quantiles are those of the portfolio's
    standardised errors.
    """
    width = _series_width(tests, history)
    growth = _lag_growth(tests, len(mean))
    low, high = _tails(tests, history, width, growth)
    spread = growth[:, None] * width[None]
    lower = np.clip(mean + np.minimum(low, 0.0) * spread, 0.0, mean)
    return lower, np.maximum(mean + max(high, 0.0) * spread, mean)


def _errors(tests: pd.DataFrame) -> pd.Series:
    return tests["actual"] - tests["combined"]


def _series_width(tests: pd.DataFrame, history: panel.Panel) -> np.ndarray:
    """Root mean squared error of each series over all lags, shrunk to what its size suggests."""
    index = pd.MultiIndex.from_frame(history.keys)
    squares = (_errors(tests) ** 2).groupby([tests[name] for name in schema.SERIES])
    own = squares.mean().reindex(index).to_numpy(dtype="float64")
    count = squares.size().reindex(index, fill_value=0).to_numpy()
    recent = history.values[-24:]
    known = np.isfinite(recent)
    size = np.where(known, recent, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    size = np.maximum(size, 1e-9)
    seen = np.isfinite(own)
    # the variance of counts grows like a power of their size; the portfolio shows which
    ratio = float(np.median(own[seen] / size[seen] ** 1.5)) if seen.any() else 1.0
    expected = np.maximum(ratio, 1e-9) * size**1.5
    blend = (count * np.nan_to_num(own) + _PRIOR_ERRORS * expected) / (count + _PRIOR_ERRORS)
    return np.sqrt(blend)


def _lag_growth(tests: pd.DataFrame, horizon: int) -> np.ndarray:
    """Error at each lag beside the mean over lags, never falling; root of time beyond the last."""
    scale = (_errors(tests) ** 2).groupby([tests[name] for name in schema.SERIES]).transform("mean")
    relative = (_errors(tests) ** 2 / scale.where(scale > 0)).groupby(tests["lag"]).mean()
    growth = np.sqrt(relative.dropna().to_numpy(dtype="float64"))
    if not len(growth):
        growth = np.ones(1)
    growth = np.maximum.accumulate(growth)
    beyond = np.sqrt((np.arange(len(growth), horizon) + 1) / len(growth)) * growth[-1]
    return np.r_[growth, beyond][:horizon]


def _tails(tests, history, width, growth) -> tuple[float, float]:
    """The 10 % and 90 % quantile of the portfolio's standardised errors."""
    index = pd.MultiIndex.from_frame(history.keys)
    position = index.get_indexer(pd.MultiIndex.from_frame(tests[schema.SERIES]))
    lag = np.minimum(tests["lag"].to_numpy(dtype="int64"), len(growth) - 1)
    if len(tests) < _FEWEST_ERRORS:
        return -_NORMAL_TAIL, _NORMAL_TAIL
    standard = _errors(tests).to_numpy() / (width[position] * growth[lag])
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(standard[np.isfinite(standard)], [tail, 1 - tail])
    return float(low), float(high)
