"""How wrong forecasts were: by level, model and lag.

Signs (house §3): error = forecast − actual, so a positive bias means the forecast was too high.
Errors are measured after adding up to the level, because that is where decisions are made.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from sopkit import schema
from sopkit.demand import forecasting, hierarchy

_ITEM = "item"
LEVELS = ["total", "family", "location", "channel", _ITEM]
_LEAST_COVERED = 0.5  # of what came at a member: below it a model is not judged there
EVERY_LAG = -1  # lag of rows that measure all lags together


def wape(forecast: np.ndarray, actual: np.ndarray) -> float:
    """Sum of absolute errors over the sum of actuals; NaN where nothing was sold.

    Examples
    --------
    >>> wape(np.array([12.0, 8.0]), np.array([10.0, 10.0]))
    0.2
    """
    total = np.abs(actual).sum()
    return float(np.abs(forecast - actual).sum() / total) if total else float("nan")


def bias_rate(forecast: np.ndarray, actual: np.ndarray) -> float:
    """Sum of errors over the sum of actuals; positive: too high.

    Examples
    --------
    >>> bias_rate(np.array([12.0, 13.0]), np.array([10.0, 10.0]))
    0.25
    """
    total = np.abs(actual).sum()
    return float((forecast - actual).sum() / total) if total else float("nan")


def mad(forecast: np.ndarray, actual: np.ndarray) -> float:
    """Mean absolute deviation, in the unit of the two.

    Examples
    --------
    >>> mad(np.array([12.0, 7.0]), np.array([10.0, 10.0]))
    2.5
    """
    return float(np.abs(forecast - actual).mean())


def mse(forecast: np.ndarray, actual: np.ndarray, *, ddof: int = 0) -> float:
    """Mean squared error, in the unit squared; textbooks divide by n or, with ``ddof=1``, n − 1.

    Examples
    --------
    >>> mse(np.array([12.0, 8.0]), np.array([10.0, 10.0]), ddof=1)
    8.0
    """
    error = forecast - actual
    return float((error**2).sum() / (len(error) - ddof))


def mape(forecast: np.ndarray, actual: np.ndarray) -> float:
    """Mean of absolute errors as shares of the actuals; NaN where any actual is zero.

    Examples
    --------
    >>> mape(np.array([12.0, 15.0]), np.array([10.0, 20.0]))
    0.225
    """
    if (actual == 0).any():
        return float("nan")
    return float(np.abs((forecast - actual) / actual).mean())


def tracking_signal(forecast: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """Running sum of errors over the mean absolute deviation so far, one a month.

    Parameters
    ----------
    forecast, actual : array (n_months, …)
        In the order of months, all known.

    Returns
    -------
    array (n_months, …)
        Positive where forecasts have been too high (house §3; textbooks take actual − forecast and
        turn the sign); zero while no error was made. Beyond 4 in size it is time to look (Heizer
        & Render, *Operations Management*, ch. 4).

    Examples
    --------
    >>> tracking_signal(np.array([100.0, 100.0, 100.0]), np.array([90.0, 95.0, 115.0])).tolist()
    [1.0, 2.0, 0.0]
    """
    error = forecast - actual
    count = np.arange(1, len(error) + 1).reshape(-1, *[1] * (error.ndim - 1))
    usual = np.cumsum(np.abs(error), axis=0) / count
    return np.cumsum(error, axis=0) / np.where(usual > 0, usual, 1.0)


def pinball(quantile: np.ndarray, actual: np.ndarray, probability: float) -> np.ndarray:
    """Loss of a quantile forecast, the smaller the better; in the unit of the two.

    Examples
    --------
    >>> pinball(np.array([10.0, 10.0]), np.array([12.0, 8.0]), 0.9).round(6).tolist()
    [1.8, 0.2]
    """
    short = actual - quantile
    return np.maximum(probability * short, (probability - 1.0) * short)


def measured(history: pd.DataFrame) -> pd.Series:
    """What plans are judged by, units: net sales, or orders where they are the basis of demand.

    Nothing that was estimated is in it. Months in which stock ran out (``is_stockout``) hide what
    customers wanted, and are left out by whoever judges.
    """
    return history["sales"] + history["returns"] + history.get("unfilled", 0.0)


def by_level(
    tests: forecasting.Backtest, history: pd.DataFrame, items: pd.DataFrame
) -> pd.DataFrame:
    """Table ``accuracy``: each level's members, each model, each lag and all lags together.

    Parameters
    ----------
    tests : Backtest
        From ``forecasting.backtest``.
    history : DataFrame
        Table `demand_history`, in planning units: scales the errors for MASE.
    items : DataFrame
        Table `items`: families, and planning factors to add items up by.

    Returns
    -------
    DataFrame
        Key ``level, member, model, lag`` (−1: all lags together; of single items lags are told for
        the combination and seasonal naive alone): ``wape``, ``bias_rate``, ``mase``, ``volume``
        (sum of actuals); ``nervousness_rate``: how far the forecast of a month moved since the
        cycle before, share of what came; ``gain_rate``: by how much that lowered the WAPE.

    Notes
    -----
    Forecasts are added up before they are judged; where a model is not for a series, the
    combination stands in, so that all models are judged on the same demand. A member has no row
    of a model that is for less than half of what came there. MASE: Hyndman & Koehler (2006),
    seasonal naive scale.
    """
    return by_level_of_parts(told(tests, history, items))


@dataclass(frozen=True)
class Told:
    """What some series say of accuracy; ``items`` (DataFrame) are whole, sums of levels add up.

    ``levels`` (_Level) by name, ``sums`` (dict of array) by level and model.
    """

    items: pd.DataFrame
    levels: dict[str, _Level]
    sums: dict[tuple[str, str], dict[str, np.ndarray]]


def told(tests: forecasting.Backtest, history: pd.DataFrame, items: pd.DataFrame) -> Told:
    """What some series say of accuracy: all series of each of their items.

    Parameters are those of ``by_level``, with rows of these series alone.
    """
    keys = hierarchy.with_levels(tests.history.keys, items)
    factor = hierarchy.factors(keys["item"], items).to_numpy()
    known = np.isfinite(tests.actual) & np.isfinite(tests.combined)
    combined = np.where(known, tests.combined, 0.0) * factor
    actual = np.where(known, tests.actual, 0.0) * factor
    later = np.flatnonzero(np.diff(tests.origins) == 1) + 1  # origins a month after another
    both = known[later, :-1] & known[later - 1, 1:]
    net = hierarchy.with_levels(history, items).assign(actual=measured(history))
    levels = [_level(level, keys, net, actual, known, later, both) for level in LEVELS]
    rows, sums = [], {}
    models = zip(forecasting.MODELS, tests.forecasts, strict=True)
    for name, own in [(forecasting.COMBINED, tests.combined), *models]:
        is_for = known & np.isfinite(own)
        said = np.where(is_for, own * factor, combined)
        covered = np.where(is_for, np.abs(actual), 0.0).sum(axis=(0, 1))
        now, then = (np.where(both, x, 0.0) for x in (said[later, :-1], said[later - 1, 1:]))
        arrays = {"covers": covered, "said": said, "now": now, "then": then}
        for level in levels:
            own_sums = {word: _sums(array, *level.places) for word, array in arrays.items()}
            if level.name == _ITEM:
                rows.append(_rows(level, name, own_sums))
            else:
                sums[level.name, name] = own_sums
    return Told(_stacked(rows), {level.name: level for level in levels[:-1]}, sums)


def with_told(part: Told, before: Told | None) -> Told:
    """What two parts of the series say together; the first, behind the second."""
    if before is None:
        return part
    levels = {name: before.levels[name].with_level(own) for name, own in part.levels.items()}
    sums = {}
    for (level, model), own in part.sums.items():
        members = before.levels[level].members, part.levels[level].members
        earlier = before.sums[level, model]
        sums[level, model] = {word: _added(*members, earlier[word], own[word]) for word in own}
    return Told(pd.concat([before.items, part.items], ignore_index=True), levels, sums)


def by_level_of_parts(known: Told) -> pd.DataFrame:
    """Table ``accuracy`` from what all series have said."""
    rows = [_rows(known.levels[level], model, own) for (level, model), own in known.sums.items()]
    places = {name: place for place, name in enumerate([forecasting.COMBINED, *forecasting.MODELS])}
    levels = _stacked(rows)
    whole = pd.concat([levels, known.items], ignore_index=True)
    order = np.lexsort(
        [
            whole["lag"].replace(EVERY_LAG, forecasting.LAGS),
            whole["model"].map(places),
            whole["level"].map(LEVELS.index),
        ]
    )
    return whole.iloc[order].reset_index(drop=True)


def _stacked(rows: list[dict[str, np.ndarray]]) -> pd.DataFrame:
    whole = {name: np.concatenate([part[name] for part in rows]) for name in rows[0]}
    return pd.DataFrame(whole).astype({"level": "str", "member": "str", "model": "str"})


def _rows(level: _Level, model: str, sums: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Columns of a model's rows at a level."""
    covers = sums["covers"]
    is_enough = (covers > 0) & (covers >= _LEAST_COVERED * level.whole)
    table = _errors(sums["said"], level.came, (level.known > 0) & is_enough)
    table |= _moves(sums["now"], sums["then"], level.moved, (level.both > 0) & is_enough)
    if level.name == _ITEM and model not in (forecasting.COMBINED, forecasting.NAIVE):
        table = {column: rows[-1:] for column, rows in table.items()}
    return _as_rows(table, level, model)


@dataclass(frozen=True)
class _Level:
    """The members of a level, the ``places`` of their series, and what came there.

    ``places``: order of series in which members stand together, and where each begins.
    ``came`` and ``known`` (n_origins, n_lags, n_members); ``moved`` and ``both``
    (n_pairs, n_lags − 1, n_members) the same where two cycles in a row forecast a month, of the
    series that both knew; ``whole`` (n_members,) all that came; ``net`` by member and month.
    """

    name: str
    members: np.ndarray
    places: tuple[np.ndarray, np.ndarray]
    came: np.ndarray
    known: np.ndarray
    moved: np.ndarray
    both: np.ndarray
    whole: np.ndarray
    net: pd.Series

    def with_level(self, other: _Level) -> _Level:
        """The same level of these series and others."""
        mine, theirs = self.members, other.members
        words = ("came", "known", "moved", "both", "whole")
        sums = {w: _added(mine, theirs, getattr(self, w), getattr(other, w)) for w in words}
        net = pd.concat([self.net, other.net]).groupby(level=[0, 1]).sum()
        return replace(self, members=np.union1d(mine, theirs), net=net, **sums)

    @cached_property
    def scale(self) -> np.ndarray:
        """Mean absolute difference to the same month a year before, units (n_members,)."""
        difference = self.net.unstack("month").diff(12, axis=1).abs().mean(axis=1)
        return difference.reindex(self.members).to_numpy()


def _level(
    name: str,
    keys: pd.DataFrame,
    net: pd.DataFrame,
    actual: np.ndarray,
    known: np.ndarray,
    later: np.ndarray,
    both: np.ndarray,
) -> _Level:
    code, members = pd.factorize(_member(keys, name), sort=True)
    order = np.argsort(code, kind="stable")
    places = order, np.searchsorted(code[order], np.arange(len(members)))
    return _Level(
        name=name,
        members=np.asarray(members, dtype=object),
        places=places,
        came=_sums(actual, *places),
        known=_sums(known, *places),
        moved=_sums(np.where(both, actual[later, :-1], 0.0), *places),
        both=_sums(both, *places),
        whole=_sums(np.abs(actual).sum(axis=(0, 1)), *places),
        net=net.assign(member=_member(net, name)).groupby(["member", "month"])["actual"].sum(),
    )


def _added(mine: np.ndarray, theirs: np.ndarray, own: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Sums of members, along the last axis, of two parts whose members may differ."""
    members = np.union1d(mine, theirs)
    added = np.zeros((*own.shape[:-1], len(members)))
    added[..., np.searchsorted(members, mine)] += own
    added[..., np.searchsorted(members, theirs)] += other
    return added


def _sums(array: np.ndarray, order: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Sums over the series of each member, along the last axis."""
    together = array[..., order]
    if len(starts) == len(order):  # every series is a member
        return together.astype("float64", copy=False)
    return np.add.reduceat(together, starts, axis=-1, dtype="float64")


def _errors(said: np.ndarray, came: np.ndarray, is_judged: np.ndarray) -> dict[str, np.ndarray]:
    """Sums of errors by lag and, last, of all lags (n_lags + 1, n_members)."""
    error = np.where(is_judged, said - came, 0.0)
    return _by_lag(
        error=error,
        absolute=np.abs(error),
        volume=np.where(is_judged, np.abs(came), 0.0),
        rows=is_judged.astype("float64"),
    )


def _moves(
    now: np.ndarray, then: np.ndarray, came: np.ndarray, is_judged: np.ndarray
) -> dict[str, np.ndarray]:
    """Sums of moves since the cycle before, as ``_errors``; none at the furthest lag."""
    closer = np.abs(then - came) - np.abs(now - came)
    arrays = {"moves": np.abs(now - then), "gains": closer, "moved_volume": np.abs(came)}
    furthest = ((0, 0), (0, 1), (0, 0))
    return _by_lag(
        **{
            name: np.pad(np.where(is_judged, array, 0.0), furthest)
            for name, array in arrays.items()
        }
    )


def _by_lag(**arrays: np.ndarray) -> dict[str, np.ndarray]:
    sums = {name: array.sum(axis=0) for name, array in arrays.items()}
    return {name: np.vstack([rows, rows.sum(axis=0)]) for name, rows in sums.items()}


def _as_rows(sums: dict[str, np.ndarray], level: _Level, model: str) -> dict[str, np.ndarray]:
    """Columns of the rows that were measured, one a member and lag."""
    count = len(sums["rows"])
    lags = np.array([*range(count - 1), EVERY_LAG])
    kept = np.flatnonzero(sums["rows"].ravel() > 0)
    own = {name: rows.ravel()[kept] for name, rows in sums.items()}
    lag, member = np.divmod(kept, len(level.members))
    volume = np.where(own["volume"] > 0, own["volume"], np.nan)
    moved = np.where(own["moved_volume"] > 0, own["moved_volume"], np.nan)
    scale = level.scale[member]
    usual = np.where(scale > 0, scale, np.nan)
    return {
        "level": np.full(len(kept), level.name, dtype=object),
        "member": level.members[member],
        "model": np.full(len(kept), model, dtype=object),
        "lag": lags[lag],
        "wape": own["absolute"] / volume,
        "bias_rate": own["error"] / volume,
        "mase": own["absolute"] / own["rows"] / usual,
        "volume": own["volume"],
        "nervousness_rate": own["moves"] / moved,
        "gain_rate": own["gains"] / moved,
    }


def _member(table: pd.DataFrame, level: str) -> pd.Series:
    if level == "total":
        return pd.Series(schema.COMPANY_LABEL, index=table.index, dtype="str")
    return table[level]
