"""What an event did and what a coming one will do: data and planner weighed by how sure each is.

Rates are shares of demand; they are weighed as logarithms, in which rates of several events add
up. The planner's expected rate is one measurement, as far from the truth as expected rates of past
events have been (empirical Bayes); the data's estimate, or what like events brought, is another.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import schema

USED, ONLY_EXPECTED = "used", "expected only"
UNTOLD, SEASONAL = "not told by the data", "same as the season"
REFUSED = "refused"  # by people: it stays in the history, and nothing is put back for it
QUANTILE = 1.645  # standard errors on each side: 90 percent
_LEAST_SPREAD = 0.05  # of true rates around expected ones: nobody is surer than that
_USUAL_SPREAD = 0.15  # where fewer than three past events tell it
_FEW = 3  # events, below which their own spread says too little
_RATIO_SPREAD = 0.5  # of brought ÷ expected between events of a kind
_RATIO_PRIOR = 4  # events, as many as the planner's word counts for
_LOWEST = -0.99  # rate below which a logarithm makes no sense


def as_log(rate: np.ndarray | pd.Series | float) -> np.ndarray:
    """Logarithm of what a rate multiplies demand by."""
    return np.log1p(np.maximum(np.asarray(rate, dtype="float64"), _LOWEST))


def spread(told: np.ndarray, error: np.ndarray, expected: np.ndarray) -> float:
    """How far true effects lie from expected ones: a standard deviation of logarithms.

    Parameters
    ----------
    told, error : array (n_events,)
        Effects estimated from data and their standard errors; NaN where data tell nothing.
    expected : array (n_events,)
        What planners expected, as logarithms.

    Returns
    -------
    float
        By the method of moments: what is left of squared differences after the estimates' own
        error, 0.05 at least; 0.15 where fewer than three events tell it.

    Examples
    --------
    >>> round(spread(np.array([0.3, 0.1, 0.2]), np.full(3, 0.01), np.full(3, 0.2)), 3)
    0.081
    """
    known = np.isfinite(told)
    if known.sum() < _FEW:
        return _USUAL_SPREAD
    square = (told - expected)[known] ** 2 - error[known] ** 2
    return float(np.sqrt(max(square.mean(), _LEAST_SPREAD**2)))


def weighed(*measured: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard error of several measurements of one thing, each with its own error.

    Examples
    --------
    >>> [float(x.round(3)) for x in weighed((np.array(0.2), np.array(0.1)), (np.array(0.4), 0.1))]
    [0.3, 0.071]
    """
    precision = sum(np.asarray(error, dtype="float64") ** -2.0 for _, error in measured)
    total = sum(value * np.asarray(error, dtype="float64") ** -2.0 for value, error in measured)
    return total / precision, precision**-0.5


def shared(
    effect: np.ndarray, error: np.ndarray, expected: np.ndarray, same: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Effects and errors of events of which some are told as one.

    Parameters
    ----------
    effect, error : array (n_events,)
        Logarithms; the first of those told as one holds the effect of all.
    expected : array (n_events,)
        What each was expected to do, as a logarithm.
    same : array (n_events,)
        Position of the first event with which each is told.

    Returns
    -------
    effect, error : array (n_events,)
        Each has what was expected of it, and of the difference the share that it has of what was
        expected.

    Examples
    --------
    >>> told = np.array([0.6, np.nan]), np.array([0.1, np.nan])
    >>> [x.round(3).tolist() for x in shared(*told, np.array([0.1, 0.2]), np.array([0, 0]))]
    [[0.2, 0.4], [0.033, 0.067]]
    """
    size = np.abs(expected) + 1e-12  # where nothing was expected all have the same share
    part = size / np.bincount(same, size)[same]
    more = effect[same] - np.bincount(same, expected)[same]
    return expected + more * part, error[same] * part


def coming(event: dict, events: pd.DataFrame, effects: pd.DataFrame) -> tuple[float, str]:
    """Rate to plan a coming event with, and in words what past ones say of it.

    Parameters
    ----------
    event : dict
        Row of table `events`.
    events : DataFrame
        Table `events`.
    effects : DataFrame
        Table `driver_effects`.

    Returns
    -------
    rate : float
        Past events of the same kind and levels speak by the rate they brought, the less the more
        they were expected to differ from this one. Where there are none, those of the kind speak by
        brought ÷ expected, logarithms both.
    finding : str
        Empty where no past event of the kind was measured.

    Notes
    -----
    The ratio of a kind is 1 before anything is seen, as sure as four events would make it. Ratios
    of single events spread around it by 0.5, and by how far planners were off ÷ what was expected:
    so a small event says little of large ones (empirical Bayes). Several events of the same levels
    and months are one thing told twice: what they brought is added up, what was expected is not.
    """
    return rate_of(event, past_events(events, effects))


def past_events(events: pd.DataFrame, effects: pd.DataFrame) -> pd.DataFrame:
    """What past events brought and were expected to, logarithms: by kind, levels and months."""
    used = effects[(effects["state"] == USED) & effects["driver"].isin(events["event"])]
    past = used.reindex(columns=["driver", "used_rate", "expected_rate"]).merge(
        events[["event", *schema.LEVELS, "kind", "first_month", "last_month"]],
        left_on="driver",
        right_on="event",
        how="inner",  # effects of market series are no events
        validate="one_to_one",
    )
    past = past.assign(brought=as_log(past["used_rate"]), hoped=as_log(past["expected_rate"]))
    past = past.fillna(dict.fromkeys(schema.LEVELS, schema.ALL))
    whole = past.groupby(["kind", *schema.LEVELS, "first_month", "last_month"], dropna=False)
    return whole.agg(brought=("brought", "sum"), hoped=("hoped", "mean")).reset_index()


def rate_of(event: dict, past: pd.DataFrame) -> tuple[float, str]:
    """As ``coming``, from what ``past_events`` tells."""
    expected, past = float(event["expected_rate"]), past[past["kind"] == event["kind"]]
    if past.empty:
        return expected, ""
    same = (past[schema.LEVELS] == [event[level] for level in schema.LEVELS]).all(axis=1)
    brought, hoped = past["brought"].to_numpy(), past["hoped"].to_numpy()
    apart = max(float(np.sqrt(np.mean((brought - hoped) ** 2))), _least(len(past)))
    if same.any():
        own = brought[same]
        between = max(float(own.std()), _least(len(own))) * np.sqrt(1.0 + 1.0 / len(own))
        between = np.hypot(between, as_log(expected) - hoped[same].mean())
        log = weighed((as_log(expected), apart), (own.mean(), between))[0]
        words = f"brought {np.expm1(own.mean()):+.0%}"
    else:
        noise = (_RATIO_SPREAD * hoped) ** 2 + apart**2
        prior = _RATIO_PRIOR / _RATIO_SPREAD**2
        told, sure = (brought * hoped / noise).sum(), (hoped**2 / noise).sum()
        strength, ratio = told / max(sure, 1e-12), (prior + told) / (prior + sure)
        log = ratio * as_log(expected)
        words = f"of other levels brought {strength:.0%} of what was expected, "
        words += f"counted as {ratio:.0%}"
    count, rate = int(same.sum()) or len(past), float(np.expm1(log))
    kind = event["kind"].replace("_", " ") + ("s" if count > 1 else "")
    return rate, f"{count} past {kind} {words}: {rate:+.1%} used"


def _least(count: int) -> float:
    """The least spread that so many events can show."""
    return _LEAST_SPREAD if count >= _FEW else _USUAL_SPREAD
