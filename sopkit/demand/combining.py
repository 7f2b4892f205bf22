"""How much each model counts for each series: by its past errors, shrunk to what is usual.

A series says little about which model suits it; all series of its kind together say more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sopkit.demand import seasons

SMOOTH, ERRATIC, RARE = 0, 1, 2  # kinds of demand, after Syntetos, Boylan & Croston (2005)
KINDS = ("smooth", "erratic", "rare")
INTERVAL_LIMIT = 1.32  # mean months between demands
NOISE_LIMIT = 0.25  # squared coefficient of variation of seasonally adjusted demand: beyond it
# what logs call the middle lies an eighth and more below the mean
RECENT = 36  # months that say which kind a series is
OWN_MONTHS = 24.0  # measured months at which a series' own errors count half
KIND_SERIES = 24.0  # measured series at which those of a kind count half
SHARPNESS = 2.0  # weight ∝ 1 / squared error to this power
RIDGE = 0.3  # how strongly a kind's weights are drawn to the inverse errors
_LEAST_SHARE = 1e-3  # no model is left out of a kind for good: a series may need it
_LEAST_ERROR = 0.05  # of the models' mean squared error: no model looks better than that


def kinds(values: np.ndarray, season: np.ndarray) -> np.ndarray:
    """Kind of demand of each series, by its last 36 months.

    Parameters
    ----------
    values : array (n_months, n_series)
        Demand known, units.
    season : array (12, n_series)
        Index of each series, row 0 for the first month.

    Returns
    -------
    array (n_series,)
        ``SMOOTH``, ``ERRATIC`` or ``RARE`` (intermittent or lumpy, and what never sold).

    Examples
    --------
    >>> rare = np.array([[0.0], [3.0], [0.0], [0.0], [2.0], [0.0]])
    >>> kinds(rare, np.ones((12, 1))).tolist() == [RARE]
    True
    """
    adjusted = (values / seasons.tile_season(season, len(values)))[-RECENT:]
    recent = values[-RECENT:]
    known, sold = np.isfinite(recent), np.nan_to_num(recent) > 0
    count = sold.sum(axis=0)
    interval = known.sum(axis=0) / np.maximum(count, 1)
    size = np.where(sold, np.nan_to_num(adjusted), 0.0)
    mean = size.sum(axis=0) / np.maximum(count, 1)
    square = (np.where(sold, size - mean, 0.0) ** 2).sum(axis=0) / np.maximum(count, 1)
    variation = square / np.where(mean > 0, mean, 1.0) ** 2
    is_rare = (count == 0) | (interval > INTERVAL_LIMIT)
    return np.where(is_rare, RARE, np.where(variation > NOISE_LIMIT, ERRATIC, SMOOTH))


def usual_shares(products: np.ndarray, count: float) -> np.ndarray:
    """Weight of each model for all series of a kind together.

    Parameters
    ----------
    products : array (n_models, n_models)
        Mean products of the models' scaled errors over the months and series measured.
    count : float
        Series measured: with few, the weights are drawn to 1 / squared error, squared.

    Returns
    -------
    array (n_models,)
        Not negative, summing to one.

    Notes
    -----
    Least squared error of the mix under weights that are not negative and sum to one (Granger &
    Ramanathan 1984), with a ridge towards the inverse errors (Diebold & Pauly 1990): a poor model
    whose errors differ from the others' keeps a part, a copy of a better one does not.

    Examples
    --------
    >>> usual_shares(np.array([[1.0, 0.0], [0.0, 1.0]]), 100).round(6).tolist()
    [0.5, 0.5]
    """
    from scipy.optimize import nnls  # here: `status` must not wait for it

    own = np.maximum(np.diag(products), _LEAST_ERROR * np.diag(products).mean())
    prior = own**-SHARPNESS
    prior = prior / prior.sum()
    ridge = RIDGE * (1.0 + KIND_SERIES / max(count, 1.0)) * own.mean()
    root = np.linalg.cholesky(products + 1e-9 * own.mean() * np.eye(len(own)))
    heavy = 1e3 * np.sqrt(own.mean()) * np.ones((1, len(own)))  # holds the sum at one
    left = np.vstack([root.T, np.sqrt(ridge) * np.eye(len(own)), heavy])
    right = np.concatenate([np.zeros(len(own)), np.sqrt(ridge) * prior, heavy[0, :1]])
    share = nnls(left, right)[0]
    return share / share.sum()


@dataclass(frozen=True)
class Sums:
    """What the series of each kind say together at one origin; sums of several parts add up.

    ``products`` (n_kinds, n_models, n_models): products of errors, each series scaled to its usual
    one, lower half; ``series`` (n_kinds,): how many these are; ``ratios`` and ``judged``
    (n_kinds, n_models): errors beside the models' mean, and of how many series.
    """

    products: np.ndarray
    series: np.ndarray
    ratios: np.ndarray
    judged: np.ndarray

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.products + other.products,
            self.series + other.series,
            self.ratios + other.ratios,
            self.judged + other.judged,
        )


def sums(
    products: np.ndarray,
    counts: np.ndarray,
    is_able: np.ndarray,
    kind: np.ndarray,
    is_for: np.ndarray,
) -> Sums:
    """What series say of the models for their kind, each series' errors counting alike.

    Parameters
    ----------
    products : array (n_models, n_models, n_series)
        Mean products of the models' errors, lower half.
    counts : array (n_series,)
        Months measured.
    is_able : array (n_models, n_series) of bool
        Whether the model has a forecast for the series.
    kind : array (n_series,)
        Kind of demand.
    is_for : array (n_kinds, n_models) of bool
        Models of each kind.
    """
    squares = np.einsum("iis->is", products)
    ratio = _ratios(squares, counts, is_able)
    parts = []
    for number in range(len(KINDS)):
        size = squares[is_for[number]].mean(axis=0)
        own = np.flatnonzero((kind == number) & (counts > 0) & (size > 0))
        errors = ratio[:, kind == number]
        known = np.isfinite(errors)
        scaled = (products[:, :, own] / size[own]).sum(axis=2)
        parts.append(
            (scaled, len(own), np.where(known, errors, 0.0).sum(axis=1), known.sum(axis=1))
        )
    return Sums(*map(np.stack, zip(*parts, strict=True)))


def learned(known: Sums, is_for: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What is usual: weights of each kind's models, and their errors beside the models' mean.

    Parameters
    ----------
    known : Sums
        Of all series.
    is_for : array (n_kinds, n_models) of bool
        Models of each kind.

    Returns
    -------
    usual, level : array (n_kinds, n_models)
        As ``shares`` takes them.
    """
    usual = np.where(is_for, 1.0 / is_for.sum(axis=1)[:, None], 0.0)
    for number, count in enumerate(known.series):
        own = is_for[number]
        if count:
            lower = known.products[number][np.ix_(own, own)] / count
            usual[number, own] = usual_shares(lower + np.tril(lower, -1).T, count)
    return usual, (known.ratios + KIND_SERIES) / (known.judged + KIND_SERIES)


def _ratios(squares: np.ndarray, counts: np.ndarray, is_able: np.ndarray) -> np.ndarray:
    """Squared error beside the mean of the able models'; NaN where not measured."""
    able = np.maximum(is_able.sum(axis=0), 1)
    mean = np.where(is_able, squares, 0.0).sum(axis=0) / able
    is_measured = (counts > 0) & (mean > 0)
    return np.where(is_able & is_measured, squares / np.where(mean > 0, mean, 1.0), np.nan)


def shares(
    squares: np.ndarray,
    counts: np.ndarray,
    is_able: np.ndarray,
    kind: np.ndarray,
    usual: np.ndarray,
    level: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Weight of each model for each series, and the error it rests on.

    Parameters
    ----------
    squares : array (n_models, n_series)
        Mean squared error over the months measured.
    counts : array (n_series,)
        Months measured.
    is_able : array (n_models, n_series) of bool
        Whether the model has a forecast for the series.
    kind : array (n_series,)
        Kind of demand.
    usual : array (n_kinds, n_models)
        From ``usual_shares``, a row a kind.
    level : array (n_kinds, n_models), optional
        Usual error beside the models' mean, from ``learned``; left out: of these series.

    Returns
    -------
    share : array (n_models, n_series)
        Sums to one a series; zero where no model is able.
    error_rate : array (n_models, n_series)
        Mean squared error beside the mean of the able models'; NaN where not measured.

    Notes
    -----
    The kind's weight, times how much better or worse the model has been for the series than for
    its kind, to the power of −2 (the power as in Stock & Watson 2004); that comparison is drawn to
    one while the series has few measured months.
    """
    ratio = _ratios(squares, counts, is_able)
    known = np.isfinite(ratio)
    trust = np.where(known.any(axis=0), counts / (counts + OWN_MONTHS), 0.0)
    weight = np.zeros_like(ratio)
    for number in range(len(KINDS)):
        own = kind == number
        if level is None:
            total = np.where(known[:, own], ratio[:, own], 0.0).sum(axis=1)
            of_kind = (total + KIND_SERIES) / (known[:, own].sum(axis=1) + KIND_SERIES)
        else:
            of_kind = level[number]
        of_kind = of_kind[:, None]
        error = trust[own] * ratio[:, own] + (1.0 - trust[own]) * of_kind
        beside = np.maximum(np.where(known[:, own], error, of_kind), _LEAST_ERROR) / of_kind
        weight[:, own] = is_able[:, own] * np.maximum(usual[number], _LEAST_SHARE)[:, None]
        weight[:, own] *= beside**-SHARPNESS
    total = weight.sum(axis=0)
    return weight / np.where(total > 0, total, 1.0), ratio
