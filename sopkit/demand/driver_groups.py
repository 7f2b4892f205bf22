"""Sums of series that the same drivers touch: what effects of drivers are estimated on.

Only series sold through the whole history count: others would make trends that are none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import panel
from sopkit.demand.driver_model import SHORTEST, Groups

_RAMP = 6  # months in which an item comes to its level, or leaves it
_LEAST_MEAN = 5.0  # units a month: the logarithm of less is mostly noise


@dataclass(frozen=True)
class Covered:
    """Series and months of a history, and what each driver covers of the groups made of them.

    ``series`` holds keys and levels of ``panel``; ``group`` (n_series,) is the group of each, −1
    where it is in none, for the reason ``left_out``; ``families`` are the names of codes.
    """

    panel: panel.Panel
    series: pd.DataFrame
    group: np.ndarray
    groups: Groups | None
    families: list[str]
    left_out: str


def covers(series: pd.DataFrame, row: dict) -> np.ndarray:
    """Which series (with all levels) the level columns of a row name; blank or ``all`` is every."""
    own = np.ones(len(series), dtype=bool)
    for level in schema.LEVELS:
        named = row.get(level)
        if isinstance(named, str) and named not in ("", schema.ALL):
            own &= (series[level] == named).to_numpy(dtype=bool)
    return own


def active(event: dict, month: pd.DatetimeIndex | pd.Series) -> np.ndarray:
    """Months in which an event acts; a blank last month is for good."""
    is_over = (month > event["last_month"]) if pd.notna(event["last_month"]) else False
    return np.asarray((month >= event["first_month"]) & ~np.asarray(is_over))


def groups(history: pd.DataFrame, series: pd.DataFrame, rows: list[dict]) -> Covered:
    """Groups of series by family, channel and which of the rows' levels they belong to.

    Parameters
    ----------
    history : DataFrame
        Table `demand_history`.
    series : DataFrame
        Its series sorted by key, with all levels, ``factor`` to the common unit, ``launch_month``
        and ``end_month``.
    rows : list of dict
        Level columns of events and market series.

    Returns
    -------
    Covered
        ``groups`` is None where there is nothing to estimate on, and ``left_out`` says why.
    """
    demand = panel.from_table(history, "demand")
    values = demand.values * series["factor"].to_numpy()
    nothing = np.full(len(series), -1)
    if len(values) < SHORTEST:
        why = "history is shorter than two years"
        return Covered(demand, series, nothing, None, [], why)
    is_whole = np.isfinite(values).all(axis=0) & ~_is_ramping(series, demand.months)
    marks = np.array([covers(series, row) for row in rows], dtype=int)
    marks = marks.reshape(len(rows), len(series)).T
    code = _numbered(series, marks, is_whole)
    coarse = ~is_whole | ~_is_regular(values, code)[code]
    # parts that are too small are taken together; drivers then cover a share of them
    marks = np.where(coarse[:, None], -1, marks)
    code = _numbered(series, marks, is_whole)
    is_kept = is_whole & _is_regular(values, code)[code]
    if not is_kept.any():
        why = "no group of series sold enough in every month"
        return Covered(demand, series, nothing, None, [], why)
    code = _numbered(series, marks, is_kept)
    first = [np.flatnonzero(code == number)[0] for number in range(code.max() + 1)]
    family, families = pd.factorize(series["family"].iloc[first])
    channel = pd.factorize(series["channel"].iloc[first])[0]
    season = demand.months.month.to_numpy() - 1
    made = Groups(np.log(_sums(values, code)), season, family, channel)
    return Covered(demand, series, code, made, list(families), "")


def _is_ramping(series: pd.DataFrame, months_known: pd.DatetimeIndex) -> np.ndarray:
    """Which series begin or end near the history's edges: their ramps would pass for trends."""
    first, last = months.shift(months_known[0], -_RAMP), months.shift(months_known[-1], _RAMP)
    is_new, is_over = series["launch_month"] > first, series["end_month"] < last
    return (is_new | is_over).to_numpy(dtype=bool)


def _numbered(series: pd.DataFrame, marks: np.ndarray, own: np.ndarray) -> np.ndarray:
    """A number for each family, channel and row of marks among own series; −1 for the others."""
    keys = pd.concat([series[["family", "channel"]], pd.DataFrame(marks)], axis=1)
    numbers = keys.groupby(list(keys), sort=False, dropna=False).ngroup().to_numpy()
    known = pd.unique(numbers[own])
    place = np.full(numbers.max() + 1, -1)
    place[known] = np.arange(len(known))
    return np.where(own, place[numbers], -1)


def _is_regular(values: np.ndarray, code: np.ndarray) -> np.ndarray:
    """Which groups sold in every month and enough; one False more, for series in none."""
    if code.max() < 0:
        return np.zeros(1, dtype=bool)
    total = _sums(values, code)
    return np.append((total > 0).all(axis=0) & (total.mean(axis=0) >= _LEAST_MEAN), False)


def _sums(values: np.ndarray, code: np.ndarray) -> np.ndarray:
    """Sums (n_months, n_groups) of series by group."""
    member = np.eye(code.max() + 1)[code[code >= 0]]
    return np.nan_to_num(values[:, code >= 0]) @ member


def shares(covered: Covered, own: np.ndarray) -> np.ndarray:
    """Share (n_groups,) of each group's demand that some series hold."""
    total = np.nan_to_num(covered.panel.values).sum(axis=0) * covered.series["factor"].to_numpy()
    known = covered.group >= 0
    count = covered.group.max() + 1
    part = np.bincount(covered.group[known], (total * own)[known], minlength=count)
    return part / np.bincount(covered.group[known], total[known], minlength=count)
