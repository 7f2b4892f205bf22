"""Steps in the level of demand that no event explains: proposed, and applied when accepted.

What a step was, and when, is told by a line with a step through the seasonally adjusted months
around it. Accepted, it brings the months before to the level after, so that models learn the level
of now.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from sopkit import months, schema
from sopkit.demand import hierarchy, history, panel, usual

SIDE = 6  # months that each side of a step needs at least
_REACH = 24  # months to each side that tell of it
_FALSE_ALARM = 0.01  # chance of one step or more among all that are tested, where there is none
_SMALLEST = 0.15  # share of the level
_NEAR = 3  # months within which an event explains a step, or a family's step its members'
_SHARED = 0.5  # of a family's step that its median series takes part in
_YEAR = 12
_ESTIMATED = 0.1  # share of a month that was corrected from which it tells nothing
_ODD = 3.0  # robust standard deviations from which a month is drawn in
_PROBABILITY = 0.9  # of the interval of its size
_NODE = ["family", *schema.SERIES]
COLUMNS = [*_NODE, "month", "rate", "rate_lower", "rate_upper"]


def steps(values: np.ndarray, tests: int) -> pd.DataFrame:
    """The surest step of each series' seasonally adjusted months, where one is beyond chance.

    Parameters
    ----------
    values : array (n_months, n_series)
        Units, not negative; NaN where unknown.
    tests : int
        Series that are tested in all.

    Returns
    -------
    DataFrame
        ``column``, ``row`` (first month of the new level), ``rate`` = level after ÷ level before −
        1, ``rate_lower, rate_upper`` that hold nine of ten.

    Notes
    -----
    Least squares of level, trend and step over up to 24 months to each side of every month that
    has six or more on both; the step's t against Student's quantile of 1 % over all months and
    series (Bonferroni), so that one false alarm in a hundred runs is the most there should be.
    """
    count = len(values)
    candidates = range(SIDE, count - SIDE + 1)
    fitted = [_fitted(values, row) for row in candidates]
    if not fitted or not values.shape[1]:
        return pd.DataFrame(columns=["column", "row", "rate", "rate_lower", "rate_upper"])
    size, error, before, freedom = (np.stack(part) for part in zip(*fitted, strict=True))
    score = np.abs(size) / error - stdtrit(
        freedom, 1.0 - _FALSE_ALARM / (2.0 * len(candidates) * max(tests, 1))
    )
    is_known = (before > 0) & (before + size >= 0) & (np.abs(size) > _SMALLEST * before)
    score = np.where(np.isfinite(score) & is_known, score, -np.inf)
    best = score.argmax(axis=0)
    column = np.flatnonzero(score.max(axis=0) > 0)
    at = best[column], column
    half = stdtrit(freedom[at], (1.0 + _PROBABILITY) / 2.0) * error[at]
    rates = {
        name: np.maximum(step, -before[at]) / before[at]
        for name, step in (
            ("rate", size[at]),
            ("rate_lower", size[at] - half),
            ("rate_upper", size[at] + half),
        )
    }
    return pd.DataFrame({"column": column, "row": best[column] + SIDE} | rates)


def _fitted(values: np.ndarray, row: int) -> tuple[np.ndarray, ...]:
    """Step at a row, its standard error, the level before it, degrees of freedom, by series."""
    first, last = max(row - _REACH, 0), min(row + _REACH, len(values))
    own = values[first:last]
    time = np.arange(first, last) - row
    terms = np.stack([np.ones(len(time)), time / _REACH, time >= 0], axis=1)
    is_known = np.isfinite(own)
    known = np.where(is_known, own, 0.0)
    square = np.einsum("mi,ms,mj->sij", terms, is_known.astype("float64"), terms)
    sides = np.stack([is_known[time < 0].sum(axis=0), is_known[time >= 0].sum(axis=0)])
    is_enough = sides.min(axis=0) >= SIDE
    square[~is_enough] = np.eye(3)
    inverse = np.linalg.inv(square)
    fit = np.einsum("sij,mj,ms->si", inverse, terms, known)
    freedom = np.maximum(sides.sum(axis=0) - 3, 1)
    rest = np.where(is_known, own - terms @ fit.T, 0.0)
    error = np.sqrt((rest**2).sum(axis=0) / freedom * inverse[:, 2, 2])
    error = np.where(is_enough & (error > 0), error, np.nan)
    return fit[:, 2], error, fit[:, 0], freedom.astype("float64")


def found(
    table: pd.DataFrame,
    cells: pd.DataFrame,
    items: pd.DataFrame,
    units: pd.DataFrame,
    events: pd.DataFrame,
) -> pd.DataFrame:
    """Steps of families in a channel, and of single series, that no event explains.

    Parameters
    ----------
    table : DataFrame
        Table `demand_history`.
    cells : DataFrame
        Its rows' series with all their levels, and ``month``.
    items, units, events : DataFrame
        Tables `items`, `planning_units` and `events`.

    Returns
    -------
    DataFrame
        ``family, item, location, channel`` (``all``: every one), ``month`` of the new level,
        ``rate`` and its bounds.

    Notes
    -----
    Of a family only series that were sold in the first month of the history and do not end count,
    so that launches are no step. The first and last half year of a series are its launch and its
    phase-out. A family's step that its median series shares less than half of is that of a few,
    and told of them. A step of a series beside one of its family, or within three months of the
    beginning or end of an event that covers it, is left out.
    """
    corrected = table["outlier"].abs() + table["stockout"]
    level = table.assign(family=cells["family"], quantity=table["demand"], corrected=corrected)
    level = level[schema.lookup(level["item"], items, "end_month").isna()]
    start = level.groupby(schema.SERIES)["month"].transform("min")
    is_old = start == table["month"].min()
    age = months.number(level["month"]) - months.number(start)
    whole = hierarchy.in_planning_units(level, units)
    whole = whole[is_old & (whole["family"] != schema.UNASSIGNED)]
    whole = whole.assign(item=whole["family"], location=schema.ALL)
    by = [*_NODE, "month"]
    of_family = _of_level(whole.groupby(by, as_index=False)[["quantity", "corrected"]].sum())
    of_family = of_family.assign(item=schema.ALL)
    is_shared = [_is_shared(row, level) for row in of_family.to_dict("records")]
    of_family = of_family[np.array(is_shared, dtype=bool)]
    alone = _of_level(level.assign(quantity=level["quantity"].where(is_old | (age >= SIDE))))
    steps_found = pd.concat([of_family, alone[~_beside(alone, of_family)]], ignore_index=True)
    return steps_found[~_explained(steps_found, events, cells)].reset_index(drop=True)


def _is_shared(row: dict, level: pd.DataFrame) -> bool:
    """Whether the median series of a family moved half as far as the family: else a few did it."""
    own = level[hierarchy.covered(row, level)]
    apart = months.number(own["month"]) - int(months.number(row["month"]))
    keys = [own[name] for name in schema.SERIES]
    before, after = (
        own["quantity"].where(apart.between(*span)).groupby(keys).mean()
        for span in ((-_YEAR, -1), (0, _YEAR - 1))
    )
    return bool((after / before - 1.0).median() / row["rate"] >= _SHARED)


def _beside(alone: pd.DataFrame, of_family: pd.DataFrame) -> np.ndarray:
    """Which steps of series lie beside one of their family in their channel."""
    number, is_beside = months.number(alone["month"]), np.zeros(len(alone), dtype=bool)
    for row in of_family.to_dict("records"):
        is_near = (number - int(months.number(row["month"]))).abs() <= _NEAR
        is_beside |= is_near.to_numpy() & hierarchy.covered(row, alone)
    return is_beside


def _of_level(rows: pd.DataFrame) -> pd.DataFrame:
    """Steps of the series among rows with ``family, quantity, corrected``, those of few zeros."""
    empty = pd.DataFrame(columns=COLUMNS).astype({"month": months.DTYPE})
    if rows.empty:
        return empty
    series = panel.from_table(rows, "quantity")
    families = rows.drop_duplicates(schema.SERIES).set_index(schema.SERIES)["family"]
    families = families.reindex(pd.MultiIndex.from_frame(series.keys)).to_numpy()
    values, groups = series.values, pd.factorize(families)[0]
    adjusted, middle, _ = usual.usual(values, np.isnan(values), groups, values)
    reach = _ODD * 1.4826 * usual.median(np.abs(adjusted - middle))  # one odd month is no step
    zeros = (values == 0).sum(axis=0) / np.maximum(np.isfinite(values).sum(axis=0), 1)
    told = np.clip(adjusted, middle - reach, middle + reach)
    is_estimate = panel.from_table(rows, "corrected").values > _ESTIMATED * values
    told = np.where(is_estimate | (zeros > history.LARGEST_ZERO_SHARE), np.nan, told)
    table = steps(told, tests=values.shape[1])
    made = series.keys.assign(family=families).iloc[table["column"].to_numpy(dtype="int64")]
    made = made.reset_index(drop=True)
    month = series.months[table["row"].to_numpy(dtype="int64")]
    return made.assign(month=month, **table[["rate", "rate_lower", "rate_upper"]])[COLUMNS]


def _explained(steps: pd.DataFrame, events: pd.DataFrame, cells: pd.DataFrame) -> np.ndarray:
    """Which steps begin where an event that touches their series begins or ends."""
    is_known = np.zeros(len(steps), dtype=bool)
    series = cells.drop_duplicates(schema.SERIES)
    of_step = [hierarchy.covered(row, series) for row in steps[_NODE].to_dict("records")]
    number = months.number(steps["month"]).to_numpy()
    for event in events.to_dict("records"):
        touched = hierarchy.covered(event, series)
        for end, after in ((event["first_month"], 0), (event["last_month"], 1)):
            if pd.notna(end):
                near = np.abs(number - int(months.number(end)) - after) <= _NEAR
                is_known |= near & np.array([(touched & own).any() for own in of_step], dtype=bool)
    return is_known


def effect(table: pd.DataFrame, cells: pd.DataFrame, accepted: pd.DataFrame) -> pd.Series:
    """EFFECT ``level_shift``: what months before accepted steps hold beyond the level of now.

    Parameters
    ----------
    table, cells : DataFrame
        As for ``found``.
    accepted : DataFrame
        Rows of ``found``.

    Returns
    -------
    Series
        Units by row of the history: demand × (1 − the product of the ratios of later steps).

    Examples
    --------
    >>> table = pd.DataFrame({"demand": [10.0, 5.0]})
    >>> cells = pd.DataFrame({"item": "A", "month": months.span(pd.Timestamp("2026-01-01"), 2)})
    >>> step = pd.DataFrame({"item": ["A"], "month": [pd.Timestamp("2026-02-01")], "rate": [-0.5]})
    >>> effect(table, cells, step).tolist()
    [5.0, 0.0]
    """
    ratio = np.ones(len(table))
    for row in accepted.to_dict("records"):
        is_before = (cells["month"] < row["month"]).to_numpy()
        ratio[is_before & hierarchy.covered(row, cells)] *= 1.0 + row["rate"]
    return pd.Series(table["demand"].to_numpy() * (1.0 - ratio), index=table.index)
