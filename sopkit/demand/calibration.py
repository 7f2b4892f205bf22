"""How wrong forecasts have been, learned from back-tests: widths of series, multiples of kinds.

Stages of ``intervals.calibrate``, each for one part of the series; what kinds of demand have in
common is learned between them from what all parts say. Arrays as in ``forecasting.Backtest``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from sopkit.demand import combining, forecasting, panel, smoothing
from sopkit.demand.apart import Alone
from sopkit.demand.smoothing import YEAR, Form, grid

PROBABILITIES = np.array(
    [0.005, 0.01, 0.025, 0.05, *np.arange(0.1, 0.91, 0.05).round(2), 0.95, 0.975, 0.99, 0.995]
)
MONTH, TOTAL = "month", "total"
MEASURES = MONTH, TOTAL
ERROR_MONTHS = 60  # months of one-step errors that sample paths draw from
REFERENCE = Form(
    grid((0.05, 0.12, 0.25, 0.45, 0.75), gammas=(0.0, 0.05, 0.15, 0.4)), "root", drift=0.5
)
_UNKNOWN_SHARE = 0.5  # width beside the root of the mean, where no series tells what is usual
_YOUNG_MONTHS = 6.0  # measured months at which a series' own width counts half
_OWN_YEARS = 2.0  # years of errors at which a series' own size of errors counts half
_USUAL_ERRORS = 240.0  # errors at which measured tails count half beside the normal's
_UNSEEN = 1.07  # years to come scatter more than those a backtest has seen, by that much
_LARGEST = 8.0  # widths: no single error counts as more
_NORMAL_MEAN = np.sqrt(np.pi / 2.0)  # standard deviation over mean absolute error of a normal
_KINDS = len(combining.KINDS)


def calibrated(parts: list, over: Alone, *, horizon: int) -> tuple[list, Any]:
    """What ``intervals.calibrate`` makes of series in parts: the same as of all at once.

    Parameters
    ----------
    parts : list of Backtest
        All series, in their order; or what ``over`` knows them by.
    over : Alone
        Who calls the functions.
    horizon : int
        Months ahead.

    Returns
    -------
    list of dict of DataFrame
        Tables ``error_widths`` and ``one_step_errors`` of each part.
    DataFrame
        Table ``error_multiples``.
    """
    traces = over.each(_traced, parts)
    usual = over.once(_usual_rates, over.each(_rates, parts, traces))
    errors = over.each(_standardised, parts, traces, usual=usual)
    growths = over.once(_growths, over.each(_error_sizes, parts, errors), horizon)
    scaled = over.each(_scaled, parts, errors, growths=growths)
    rows = []
    for number in range(_KINDS):
        for place, measure in enumerate(MEASURES):
            pools = over.each(_pool, scaled, measure=measure, number=number)
            rows.append(over.once(_multiples, pools, growths, place, number))
    return over.each(_tables, parts, traces, errors, scaled), over.once(_multiples_table, rows)


@dataclass(frozen=True)
class _Traced:
    """One-step errors of the reference form: what a series' width is measured by.

    ``spread``, ``root`` and ``age`` (n_origins, n_series), the last origin today: root mean squared
    error so far, root of the last year's mean, months known; ``errors`` (n_months, n_series).
    """

    spread: np.ndarray
    root: np.ndarray
    age: np.ndarray
    errors: np.ndarray


def _traced(tests: forecasting.Backtest) -> _Traced:
    """One-step errors of every series, as they were known at each origin and today."""
    values = tests.history.values
    origins = [*tests.origins, len(values)]
    made = smoothing.at_origins(values, REFERENCE, origins, 1, tests.known_seasons)
    known = np.isfinite(values)
    last = [slice(max(origin - YEAR, 0), origin) for origin in origins]
    sums = np.stack([np.where(known[rows], values[rows], 0.0).sum(axis=0) for rows in last])
    counts = np.stack([known[rows].sum(axis=0) for rows in last])
    age = np.stack([known[:origin].sum(axis=0) for origin in origins])
    return _Traced(made.spread, np.sqrt(sums / np.maximum(counts, 1)), age, made.errors)


def _rates(tests: forecasting.Backtest, known: _Traced) -> list[list[np.ndarray]]:
    """Widths beside roots of means of the older series, by origin and kind."""
    is_sure = (known.age >= YEAR) & (known.root > 0) & (np.nan_to_num(known.spread) > 0)
    of_kinds = [tests.kind == number for number in range(_KINDS)]
    return [
        [own[sure & chosen] / root[sure & chosen] for chosen in of_kinds]
        for own, root, sure in zip(known.spread, known.root, is_sure, strict=True)
    ]


def _usual_rates(parts: list[list[list[np.ndarray]]]) -> np.ndarray:
    """Median rate of all parts (n_origins, n_kinds)."""
    whole = [
        [np.concatenate(own) for own in zip(*origin, strict=True)]
        for origin in zip(*parts, strict=True)
    ]
    return np.array([[np.median(x) if len(x) else _UNKNOWN_SHARE for x in own] for own in whole])


@dataclass(frozen=True)
class _Errors:
    """Widths (n_origins, n_series) known at each origin and today, and errors in widths.

    ``standard`` by measure (n_origins, n_lags, n_series); positive where demand was above.
    """

    spread: np.ndarray
    standard: dict[str, np.ndarray]


def _standardised(tests: forecasting.Backtest, known: _Traced, *, usual: np.ndarray) -> _Errors:
    """Errors in widths; a young series' width is drawn to what is usual for its size."""
    judged = np.maximum(known.age - 1.0, 0.0)
    expected = usual[:, tests.kind] * known.root
    squares = judged * np.nan_to_num(known.spread) ** 2 + _YOUNG_MONTHS * expected**2
    spread = np.sqrt(squares / (judged + _YOUNG_MONTHS))
    return _Errors(spread, {name: _standard_errors(tests, spread[:-1], name) for name in MEASURES})


def _standard_errors(tests: forecasting.Backtest, spread: np.ndarray, measure: str) -> np.ndarray:
    """Errors in widths (n_origins, n_lags, n_series); positive where demand was above."""
    actual, said = tests.actual, tests.combined
    if measure == TOTAL:
        actual, said = np.cumsum(actual, axis=1), np.cumsum(said, axis=1)
    width = np.where(spread > 0, spread, np.nan)[:, None]
    return (np.sqrt(np.maximum(actual, 0.0)) - np.sqrt(said)) / width


def _error_sizes(tests: forecasting.Backtest, known: _Errors) -> np.ndarray:
    """Sums of sizes of errors and their counts (n_measures, n_kinds, 2, n_lags)."""
    of_kinds = [tests.kind == number for number in range(_KINDS)]
    return np.array(
        [
            [_sizes_by_lag(known.standard[measure][..., chosen]) for chosen in of_kinds]
            for measure in MEASURES
        ]
    )


def _sizes_by_lag(standard: np.ndarray) -> np.ndarray:
    """Sum of the sizes of errors and how many they are, by lag (2, n_lags)."""
    size = np.minimum(np.abs(standard), _LARGEST)
    known = np.isfinite(size)
    return np.stack([np.where(known, size, 0.0).sum(axis=(0, 2)), known.sum(axis=(0, 2))])


def _growth(known: np.ndarray, horizon: int) -> np.ndarray:
    """Usual size of errors by months ahead, in widths, never falling; root of time beyond.

    Parameters
    ----------
    known : array (2, n_lags)
        From ``_sizes_by_lag``, of all series of a kind.
    horizon : int
        Months ahead.

    Returns
    -------
    array (max(horizon, n_lags),)
        Mean absolute errors, as a normal's standard deviation; drawn to slow growth while few.
    """
    total, count = known
    mean = total / np.maximum(count, 1) * _NORMAL_MEAN
    lags = np.arange(max(horizon, len(count)))
    start = mean[0] if count[0] else 1.0
    usual = start * np.sqrt(1.0 + 0.1 * lags)
    few = YEAR
    measured = (count * mean + few * usual[: len(count)]) / (count + few)
    made = np.maximum.accumulate(np.maximum(measured, 1e-6))
    beyond = made[-1] * np.sqrt((lags[len(made) :] + 1.0) / len(made))
    return np.concatenate([made, beyond])


def _growths(parts: list[np.ndarray], horizon: int) -> np.ndarray:
    """``_growth`` by measure and kind, from the sizes of all parts."""
    return np.array([[_growth(own, horizon) for own in of_kinds] for of_kinds in sum(parts)])


@dataclass(frozen=True)
class _Scaled:
    """Errors of one part beside the usual size of their lag, and what its series add to that.

    ``own`` by measure (n_series,): a series' size of errors beside the usual; ``pools`` by measure
    and kind: errors of each lag, early then late, and late ones beside their series' size before.
    """

    own: dict[str, np.ndarray]
    pools: dict[tuple[str, int], _Pool]


@dataclass(frozen=True)
class _Pool:
    """Errors measured, without order: ``early`` and ``late`` by lag, ``judged`` the late ones."""

    early: list[np.ndarray]
    late: list[np.ndarray]
    judged: np.ndarray


def _scaled(tests: forecasting.Backtest, known: _Errors, *, growths: np.ndarray) -> _Scaled:
    """Errors beside what is usual at their lag, those of the last eleven origins apart."""
    count = len(tests.history.values)
    is_late = np.array(tests.origins, dtype="int64") > count - YEAR
    own, pools = {name: np.ones(len(tests.kind)) for name in MEASURES}, {}
    for measure, of_kinds in zip(MEASURES, growths, strict=True):
        for number in range(_KINDS):
            chosen = tests.kind == number
            standard = known.standard[measure][..., chosen]
            beside = standard / of_kinds[number, : standard.shape[1], None]
            beside = np.clip(beside, -_LARGEST, _LARGEST)
            before, own[measure][chosen] = _sizes(beside, tests.origins, count)
            early, late = (_by_lag(beside[rows]) for rows in (~is_late, is_late))
            pools[measure, number] = _Pool(early, late, _known(beside[is_late] / before))
    return _Scaled(own, pools)


def _known(array: np.ndarray) -> np.ndarray:
    return array[np.isfinite(array)]


def _by_lag(array: np.ndarray) -> list[np.ndarray]:
    return [_known(array[:, lag]) for lag in range(array.shape[1])]


def _sizes(scaled: np.ndarray, origins: list[int], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Each series' size of errors: known before the last eleven origins, and known today."""
    due = np.array(origins, dtype="int64")[:, None] + np.arange(scaled.shape[1])
    is_before = (due <= count - YEAR)[..., None]
    return _size(np.where(is_before, scaled, np.nan)), _size(scaled)


def _size(scaled: np.ndarray) -> np.ndarray:
    """Root mean squared error of each series in usual ones, drawn to one while it has few."""
    known = np.isfinite(scaled)
    years = known.sum(axis=(0, 1)) / YEAR
    squares = np.where(known, scaled, 0.0) ** 2
    return np.sqrt((squares.sum(axis=(0, 1)) / YEAR + _OWN_YEARS) / (years + _OWN_YEARS))


def _pool(known: _Scaled, *, measure: str, number: int) -> _Pool:
    return known.pools[measure, number]


def _multiples(parts: list[_Pool], growths: np.ndarray, measure: int, number: int) -> np.ndarray:
    """How many widths lie between the mean and a quantile, from the errors of all parts.

    Parameters
    ----------
    parts : list of _Pool
        Of one measure and kind of demand.
    growths : array (n_measures, n_kinds, horizon)
        From ``_growths``.
    measure, number : int
        Places of the measure and the kind.

    Returns
    -------
    array (horizon, n_probabilities)
        Rising with probability.

    Notes
    -----
    With few errors the tails are drawn to those of a normal. Quantiles at a lag differ from those
    of late errors by what errors of the lags around it say, drawn to no difference while these are
    few; the last measured lag holds beyond.
    """
    growth = growths[measure, number]
    early, late = (
        [np.concatenate(own) for own in zip(*(getattr(p, name) for p in parts), strict=True)]
        for name in ("early", "late")
    )
    usual, shapes = _quantiles(np.concatenate(late)), []
    for lag in range(len(early)):
        around = slice(max(lag - 1, 0), lag + 2)
        near = np.concatenate([*early[around], *late[around]])
        shapes.append((_quantiles(near) - usual) * len(near) / (len(near) + _USUAL_ERRORS))
    shapes = np.stack([shapes[min(lag, len(shapes) - 1)] for lag in range(len(growth))])
    tails = _tails(np.concatenate([part.judged for part in parts])) + shapes
    return _UNSEEN * growth[:, None] * np.sort(tails, axis=1)


def _tails(judged: np.ndarray) -> np.ndarray:
    """Quantiles of standardised errors at ``PROBABILITIES``, drawn to a normal's while few."""
    trust = len(judged) / (len(judged) + _USUAL_ERRORS)
    return trust * _quantiles(judged) + (1.0 - trust) * ndtri(PROBABILITIES)


def _quantiles(known: np.ndarray) -> np.ndarray:
    """Quantiles at ``PROBABILITIES``; zero where nothing is known."""
    return np.quantile(known, PROBABILITIES) if len(known) else np.zeros(len(PROBABILITIES))


def _tables(
    tests: forecasting.Backtest, trace: _Traced, known: _Errors, sizes: _Scaled
) -> dict[str, pd.DataFrame]:
    """Tables ``error_widths`` and ``one_step_errors`` of one part."""
    width = known.spread[-1]
    widths = tests.history.keys.assign(
        width=width * sizes.own[MONTH],
        total_width=width * sizes.own[TOTAL],
        kind=np.array(combining.KINDS)[tests.kind],
    )
    return {"error_widths": widths, "one_step_errors": _errors(tests.history, trace.errors, width)}


def _errors(history: panel.Panel, errors: np.ndarray, width: np.ndarray) -> pd.DataFrame:
    """One-step errors of the last months in widths; no row where nothing was measured."""
    recent = errors[-ERROR_MONTHS:] / np.where(width > 0, width, np.nan)
    table = panel.to_table(history.keys, history.months[-ERROR_MONTHS:], {"error": recent})
    return table[table["error"].notna()].reset_index(drop=True)


def _multiples_table(rows: list[np.ndarray]) -> pd.DataFrame:
    """Table ``error_multiples``; rows by kind, within it by measure."""
    places = [(kind, measure) for kind in combining.KINDS for measure in MEASURES]
    parts = [_multiple_rows(*place, own) for place, own in zip(places, rows, strict=True)]
    return pd.concat(parts, ignore_index=True)


def _multiple_rows(kind: str, measure: str, multiples: np.ndarray) -> pd.DataFrame:
    lags, count = len(multiples), len(PROBABILITIES)
    return pd.DataFrame(
        {
            "kind": kind,
            "measure": measure,
            "lag": np.repeat(np.arange(lags), count),
            "probability": np.tile(PROBABILITIES, lags),
            "multiple": multiples.ravel(),
        }
    )
