"""By how many times came true what planners expected of events, as one series tells it.

Events enter as expected rates, month by month and kind. They are taken out of history and put on
the months ahead at the same rate: measured where history can tell it apart from trend and season,
else as expected, and a note says so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import statsmodels.api as sm

from sopkit.demand.decomposing import SHORTEST_SEASON, YEAR

_UNSURE = 0.5  # standard error of a multiple of what was expected: beyond it history tells nothing
_LEAST_RATE = -0.95
_APART = 1e-3  # of a logarithm: an event that trend and season tell to this is not told apart
_TOLD_RATE = 0.01  # an event below it is not missed


@dataclass(frozen=True)
class Events:
    """Events on a model's scale, over all months.

    ``given`` (n,): those taken as expected, their sum; ``regressors`` (n, n_measured): the others;
    ``whole`` (n,): all, at the size measured or expected; ``rows`` of ``Fit.parameters``.
    """

    given: np.ndarray
    regressors: pd.DataFrame
    whole: np.ndarray
    rows: list[tuple]
    notes: tuple[str, ...]


def measured(values: np.ndarray, rates: pd.DataFrame, takes_log: bool) -> Events:
    """Events on the model's scale, and which of them history can measure, by least squares.

    Parameters
    ----------
    values : array (n_months,)
        Units; NaN where a month is not known.
    rates : DataFrame
        (n_months + horizon) rows, a column a kind: change expected, 0.3 is a third more.
    takes_log : bool
        Whether the scale is the logarithm, else units.

    Examples
    --------
    >>> rates = pd.DataFrame({"promotion": np.where(np.arange(20) % 7 == 3, 0.3, 0.0)})
    >>> values = 100.0 * (1.0 + rates["promotion"].to_numpy()[:18]) ** 2
    >>> found = measured(values, rates, True)
    >>> [(name, round(multiple, 2), state) for name, multiple, *_, state in found.rows]
    [('promotion: times what was expected', 2.0, 'measured')]
    """
    count = len(values)
    rates = rates.clip(lower=_LEAST_RATE).reset_index(drop=True)
    moves = np.log1p(rates) if takes_log else rates * np.nanmean(values)
    moves = moves.loc[:, moves.abs().max() > 1e-9]
    found = _apart(np.log(values) if takes_log else values, moves[:count])
    whole, rows, notes = np.zeros(len(rates)), [], []
    for kind in moves:
        if kind in found.index:
            whole += found.loc[kind, "multiple"] * moves[kind].to_numpy()
            rows.append((words(kind), *found.loc[kind], "measured"))
            continue
        whole += moves[kind].to_numpy()
        rows.append((words(kind), 1.0, np.nan, np.nan, "expected"))
    expected = [kind for kind in moves if kind not in found.index]
    if expected:
        notes.append(
            f"History cannot tell the size of some events ({', '.join(expected)}): what was "
            "expected of them is taken."
        )
    usual = rates[:count].abs().groupby(np.arange(count) % YEAR).mean()
    usual = usual.reindex(np.arange(count, len(rates)) % YEAR).to_numpy()
    if ((rates[count:] == 0) & (usual > _TOLD_RATE)).any(axis=None):
        notes.append(
            "Some months ahead lack an event that they had in earlier years, and are forecast "
            "without it: enter it in the table events if it will come."
        )
    given = moves[expected].sum(axis=1).to_numpy()
    return Events(given, moves[list(found.index)], whole, rows, tuple(notes))


def _apart(scaled: np.ndarray, moves: pd.DataFrame) -> pd.DataFrame:
    """Kinds of events whose size can be told apart from trend and season: multiple, 80 % bounds."""
    count = len(scaled)
    frame = pd.DataFrame({"mean": 1.0, "trend": np.arange(count) / YEAR})
    if count >= SHORTEST_SEASON:
        calendar = pd.get_dummies(np.arange(count) % YEAR, drop_first=True, dtype="float64")
        frame = frame.join(calendar.add_prefix("month "))
    apart = [kind for kind in moves if sm.OLS(moves[kind], frame).fit().resid.std() > _APART]
    design = frame.join(moves[apart])
    known = np.isfinite(scaled)
    nothing = pd.DataFrame(columns=["multiple", "lower", "upper"], dtype="float64")
    if known.sum() < design.shape[1] + 3 or not apart:
        return nothing
    if np.linalg.matrix_rank(design[known]) < design.shape[1]:  # kinds that always come together
        return nothing
    fitted = sm.OLS(scaled[known], design[known]).fit()
    found = fitted.conf_int(0.2).set_axis(["lower", "upper"], axis=1)
    found.insert(0, "multiple", fitted.params)
    return found.loc[[kind for kind in apart if fitted.bse[kind] <= _UNSURE]]


def words(kind: str) -> str:
    """What the size of a kind of events is called among parameters."""
    return f"{kind}: times what was expected"
