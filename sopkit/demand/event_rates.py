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
    if known.sum() < 3:
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
        Past events of the same kind and levels speak by what they brought; where there are none,
        those of the same kind by how much of the expected they brought.
    finding : str
        Empty where no past event of the kind was measured.
    """
    expected = float(event["expected_rate"])
    used = effects[(effects["state"] == USED) & effects["driver"].isin(events["event"])]
    past = used[
        ["driver", "used_rate", "expected_rate"]
    ].merge(  # inner: effects of market series are no events
        events[["event", *schema.LEVELS, "kind"]].rename(columns={"kind": "event_kind"}),
        left_on="driver",
        right_on="event",
        how="inner",
        validate="one_to_one",
    )
    past = past[past["event_kind"] == event["kind"]]
    if past.empty:
        return expected, ""
    same = np.ones(len(past), dtype=bool)
    for level in schema.LEVELS:
        same &= (past[level].fillna(schema.ALL) == event[level]).to_numpy(dtype=bool)
    brought, hoped = as_log(past["used_rate"]), as_log(past["expected_rate"])
    apart = max(float(np.sqrt(np.mean((brought - hoped) ** 2))), _LEAST_SPREAD)
    prior = (as_log(expected), apart)
    if same.any():
        own = brought[same]
        between = max(float(own.std()), _LEAST_SPREAD) * np.sqrt(1.0 + 1.0 / len(own))
        mean, words = own.mean(), f"brought {np.expm1(own.mean()):+.0%}"
    else:
        strength = float((brought * hoped).sum() / max((hoped**2).sum(), 1e-12))
        mean, between = strength * as_log(expected), 2.0 * apart
        words = f"of other levels brought {strength:.0%} of what was expected"
    count = int(same.sum()) or len(past)
    rate = float(np.expm1(weighed(prior, (mean, between))[0]))
    kind = event["kind"].replace("_", " ") + ("s" if count > 1 else "")
    return rate, f"{count} past {kind} {words}: {rate:+.1%} used"
