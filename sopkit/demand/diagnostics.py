"""Does a model leave anything in a series unsaid? Tests of its residuals, each with what it means.

Everything is measured by statsmodels. A test alarms below ``ALARM``; of twenty tests of a model
that is right, one alarms by chance.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from statsmodels.stats.diagnostic import acorr_ljungbox, het_arch, het_breuschpagan
from statsmodels.stats.stattools import jarque_bera
from statsmodels.tools.sm_exceptions import InterpolationWarning
from statsmodels.tsa.stattools import acf, adfuller, kpss, pacf

YEAR = 12
ALARM = 0.05
SHORTEST = 12  # residuals below which no test says anything
_CORRELATIONS = ["lag", "acf", "pacf", "bound"]
_MEANINGS = {  # where it does not alarm, where it does
    "Ljung-Box": (
        "Errors do not follow from the months before: nothing more to learn from them.",
        "Errors follow from the months before: something regular is left, another form may see it.",
    ),
    "Jarque-Bera": (
        "Errors are spread like a bell: the 80 % band may be believed.",
        "A few errors are far larger than a bell allows: look for what happened there.",
    ),
    "Breusch-Pagan": (
        "Errors are as large in big months as in small ones.",
        "Errors change with the size of the month: a multiplied form or logarithms fit better.",
    ),
    "ARCH": (
        "Calm and restless times do not follow one another.",
        "Restless months come in a row: after a large error the band is too narrow.",
    ),
    "KPSS": (
        "The level, season taken out, stays where it is: no trend is needed.",
        "The level, season taken out, does not stay: a trend or a difference is needed.",
    ),
    "ADF": (  # its null hypothesis is the other way round
        "A level that wanders is not refuted: the last months say more than old ones.",
        "The level comes back after a shock: old months still count.",
    ),
}


def residual_tests(
    residuals: np.ndarray, fitted: np.ndarray, level: np.ndarray, *, parameters: int
) -> pd.DataFrame:
    """Tests of residuals, and of the level of the series they come from.

    Parameters
    ----------
    residuals, fitted : array (n,)
        One-step errors of a model on its own scale, and what it said; without missing ones.
    level : array (n_months,)
        The series without its season, units or logarithms.
    parameters : int
        Parameters estimated, by which the degrees of freedom of Ljung-Box are less.

    Returns
    -------
    DataFrame
        A row a test: ``test``, ``statistic``, ``p_value``, ``is_alarm``, ``meaning`` in words.
        Empty below ``SHORTEST`` residuals, and where none differs from another.

    Examples
    --------
    >>> noise = np.random.default_rng(0).normal(size=200)
    >>> found = residual_tests(noise, np.arange(200.0), noise, parameters=0).set_index("test")
    >>> bool(found.loc["Ljung-Box", "is_alarm"]), bool(found.loc["ADF", "is_alarm"])
    (False, True)
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InterpolationWarning)  # p beyond the table: its end
        warnings.simplefilter("ignore", FutureWarning)  # of the form of results to come
        rows = _of_residuals(residuals, fitted, parameters) + _of_level(level)
    table = pd.DataFrame(rows, columns=["test", "statistic", "p_value"])
    table = table.astype({"test": "str", "statistic": "float64", "p_value": "float64"})
    is_alarm = table["p_value"] < ALARM
    meanings = [
        _MEANINGS[name][int(alarm)] for name, alarm in zip(table["test"], is_alarm, strict=True)
    ]
    return table.assign(is_alarm=is_alarm, meaning=pd.Series(meanings, dtype="str"))


def _of_residuals(residuals: np.ndarray, fitted: np.ndarray, parameters: int) -> list[tuple]:
    """Name, statistic and p value of each test of residuals."""
    if not _varies(residuals):
        return []
    count = len(residuals)
    lags = max(min(2 * YEAR, count // 5), parameters + 3)
    box = acorr_ljungbox(residuals, lags=[lags], model_df=parameters)
    rows = [
        ("Ljung-Box", *box.iloc[0]),
        ("Jarque-Bera", *jarque_bera(residuals)[:2]),
        ("ARCH", *het_arch(residuals, nlags=min(3, count // 5))[:2]),
    ]
    if _varies(fitted):
        size = np.column_stack([np.ones(count), fitted / np.abs(fitted).max()])
        rows.append(("Breusch-Pagan", *het_breuschpagan(residuals, size)[:2]))
    return rows


def _of_level(level: np.ndarray) -> list[tuple]:
    """Name, statistic and p value of each test of whether a level stays."""
    if not _varies(level):
        return []
    return [
        ("KPSS", *kpss(level, regression="c", nlags="auto")[:2]),
        ("ADF", *adfuller(level, maxlag=min(YEAR, len(level) // 5))[:2]),
    ]


def correlations(values: np.ndarray) -> pd.DataFrame:
    """Autocorrelation and partial autocorrelation by lag, up to two years.

    Parameters
    ----------
    values : array (n,)
        Residuals, or changes of a series; without missing ones.

    Returns
    -------
    DataFrame
        ``lag`` from 1; ``acf``, ``pacf``; ``bound``: 95 % of white noise lies within ± it. Empty
        where there is too little, or nothing varies.
    """
    lags = min(2 * YEAR, len(values) // 2 - 1)
    if not _varies(values) or lags < 1:
        return pd.DataFrame(columns=_CORRELATIONS, dtype="float64")
    return pd.DataFrame(
        {
            "lag": np.arange(1, lags + 1),
            "acf": acf(values, nlags=lags, fft=True)[1:],
            "pacf": pacf(values, nlags=lags, method="ywm")[1:],
            "bound": 1.96 / np.sqrt(len(values)),
        }
    )


def needs_difference(values: np.ndarray) -> bool:
    """Whether KPSS refutes, at 5 %, that the values keep their level."""
    if not _varies(values):
        return False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InterpolationWarning)  # as above
        warnings.simplefilter("ignore", FutureWarning)
        return bool(kpss(values, regression="c", nlags="auto")[1] < ALARM)


def _varies(values: np.ndarray) -> bool:
    """Whether there are enough values, and they differ by more than rounding."""
    return len(values) >= SHORTEST and np.ptp(values) > 1e-9 * (1.0 + np.abs(values).max())
