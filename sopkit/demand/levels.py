"""Forecasts made at every level, laid beside those of the series, and whether coherence pays.

Levels are forecast by the same models as series, in the common planning unit. At past origins and
today the two are made coherent, each weighed by the errors it was known to make by then. What
that does to the errors of every level decides, in setting `measured`, whether it is used.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sopkit import schema
from sopkit.demand import coherence, forecasting, panel, summing
from sopkit.demand.interior import Errors
from sopkit.demand.seasons import YEAR

LEVELS = [
    (),
    ("category",),
    ("family",),
    ("region",),
    ("location",),
    ("segment",),
    ("channel",),
    ("location", "channel"),
    ("family", "location"),
    ("family", "channel"),
    ("item",),
]
EVERY = "every level"
ALWAYS, MEASURED, NEVER = "always", "measured", "never"
COLUMNS = [
    *("level", "member", "own_wape", "bottom_up_wape", "coherent_wape", "gain_rate"),
    *("noise_rate", "removed_share", "volume", "own_quantity", "bottom_up_quantity"),
    *("coherent_quantity", "is_used"),
]
SURE = 1.28  # standard errors that a gain must reach: chance alone does in one of ten
_ALIKE = 2.0  # forecasts of levels rest on the months that their series rest on: they tell less
_USUAL_ERRORS = 6.0  # errors at which a node's own variance counts half beside that of its level


@dataclass(frozen=True)
class Levels:
    """Forecasts of all nodes in the planning unit, before and after they add up.

    ``tests`` those of the nodes above the series; ``base`` and ``coherent`` (n_origins, n_lags,
    n_nodes) at past origins, NaN where nothing was forecast; ``base_ahead`` and ``ahead``
    (n_nodes, horizon) today; ``errors`` how unsure each is today.
    """

    tree: summing.Summing
    base: np.ndarray
    coherent: np.ndarray
    base_ahead: np.ndarray
    ahead: np.ndarray
    errors: Errors


def forecast_levels(
    tests: forecasting.Backtest, keys: pd.DataFrame, factor: np.ndarray, is_over: np.ndarray
) -> Levels | None:
    """Forecasts of every level beside those of the series, made coherent; None without levels.

    Parameters
    ----------
    tests : Backtest
        Of the series, from ``forecasting.backtest``.
    keys : DataFrame
        A row a series, in the order of ``tests``, with its levels (``hierarchy.with_levels``).
    factor : array (n_series,)
        Planning units in a unit of each series.
    is_over : array (horizon, n_series)
        Months after a series' end: it stays zero there, and what it would have sold is taken from
        the levels' own forecasts.
    """
    known_levels = [level for level in LEVELS if set(level) <= set(keys)]
    tree = summing.summing(keys, summing.distinct(keys, known_levels))
    count = tree.above.shape[0]
    if not count:
        return None
    history = _above(tests.history, tree, factor)
    groups = np.full(count, -1)
    above = forecasting.backtest(history, history, groups, horizon=len(tests.mean))
    base = np.concatenate([above.combined, tests.combined * factor], axis=2)
    came = np.concatenate([above.actual, tests.actual * factor], axis=2)
    values = np.concatenate([history.values, tests.history.values * factor], axis=1)
    coherent = np.full_like(base, np.nan)
    for k, origin in enumerate(tests.origins):
        errors = _errors(tree, base, came, values, tests.origins, origin)
        ahead = min(base.shape[1], len(values) - origin)
        is_known = np.isfinite(base[k, :ahead]).T
        made = _coherent(tree, base[k, :ahead].T, errors, ~is_known)
        coherent[k, :ahead] = np.where(is_known, made, np.nan).T
    own = tests.mean.T * factor[:, None]
    ended = np.where(is_over.T, own, 0.0)
    base_ahead = np.vstack([np.maximum(above.mean.T - tree.above @ ended, 0.0), own - ended])
    errors = _errors(tree, base, came, values, tests.origins, len(values))
    is_zero = np.vstack([np.zeros((count, len(is_over)), dtype=bool), is_over.T])
    ahead = _coherent(tree, base_ahead, errors, is_zero)
    return Levels(tree, base, coherent, base_ahead, ahead, errors)


def _above(history: panel.Panel, tree: summing.Summing, factor: np.ndarray) -> panel.Panel:
    """History of the nodes above the series, in the planning unit."""
    known = np.isfinite(history.values)
    amounts = (tree.above @ np.where(known, history.values * factor, 0.0).T).T
    amounts[(tree.above @ known.T).T == 0] = np.nan
    nodes = tree.nodes.iloc[: tree.above.shape[0]]
    keys = pd.DataFrame({"item": nodes["member"], "location": nodes["level"], "channel": ""})
    return panel.Panel(keys, history.months, amounts)


def _errors(
    tree: summing.Summing,
    base: np.ndarray,
    came: np.ndarray,
    values: np.ndarray,
    origins: list[int],
    origin: int,
) -> Errors:
    """Variance of each node by the errors known at an origin, drawn to what its level has.

    That grows with what is sold. Without any error it is what is sold.
    """
    due = np.array(origins, dtype="int64")[:, None] + np.arange(base.shape[1])
    error = np.where((due < origin)[..., None], base - came, np.nan)
    known = np.isfinite(error)
    squares, number = np.where(known, error, 0.0), known.sum(axis=(0, 1))
    squares = (squares**2).sum(axis=(0, 1))
    volume = np.nan_to_num(np.abs(values[max(origin - YEAR, 0) : origin])).mean(axis=0)
    level = pd.factorize(tree.nodes["level"])[0]
    rate = np.bincount(level, squares) / np.maximum(np.bincount(level, number * volume), 1e-300)
    rate = np.where(np.bincount(level, number * volume) > 0, rate, 1.0)
    usual = rate[level] * volume
    variance = (squares + _USUAL_ERRORS * usual) / (number + _USUAL_ERRORS)
    is_above = np.arange(len(variance)) < tree.above.shape[0]
    return Errors(np.where(is_above, _ALIKE, 1.0) * variance)


def _coherent(
    tree: summing.Summing, base: np.ndarray, errors: Errors, is_zero: np.ndarray
) -> np.ndarray:
    """What adds up (n_nodes, n_months), none negative; some series zero."""
    count = tree.above.shape[0]
    base = np.where(is_zero, 0.0, np.nan_to_num(base))
    base[:count] = np.where(is_zero[:count], tree.above @ base[count:], base[:count])
    lower = np.where(np.arange(len(base)) < count, -np.inf, 0.0)[:, None]
    upper = np.where(is_zero, 0.0, np.inf)
    upper[:count] = np.inf
    return coherence.make_coherent(tree, base, errors, lower=lower, upper=upper).amounts


def used(
    tests: forecasting.Backtest, made: Levels | None, factor: np.ndarray, choice: str
) -> tuple[forecasting.Backtest, pd.DataFrame]:
    """The back-test with coherent forecasts where they are used, and table ``coherence``.

    Parameters
    ----------
    tests : Backtest
        Of the series.
    made : Levels, optional
        From ``forecast_levels``; None where there are no levels.
    factor : array (n_series,)
        Planning units in a unit of each series; a series that counts none keeps its forecast.
    choice : str
        `always`, `never`, or `measured`: used where it lowers the error of all levels together,
        each counting alike, by more than chance would in nine of ten cases.

    Returns
    -------
    Backtest
        ``combined`` and ``mean`` coherent, or as they were.
    DataFrame
        Key ``level, member`` (`all`: its members together; level `every level`: the mean of
        levels): ``own_wape`` of the level's own forecast, ``bottom_up_wape`` of the series added
        up, ``coherent_wape``, over all past origins and lags; ``gain_rate`` = bottom-up −
        coherent, and its ``noise_rate`` (standard error) of every level; ``removed_share`` gain
        in shares of the bottom-up error; ``volume`` that came;
        ``own_quantity``, ``bottom_up_quantity``, ``coherent_quantity`` over the horizon;
        ``is_used``. In the planning unit.
    """
    if made is None:
        none = pd.DataFrame({name: pd.Series(dtype="float64") for name in COLUMNS})
        return tests, none.astype({"level": "str", "member": "str", "is_used": "bool"})
    table = _measured(tests, made, factor)
    whole = table.iloc[0]
    is_better = whole["gain_rate"] > SURE * whole["noise_rate"]
    is_used = choice == ALWAYS or (choice == MEASURED and bool(is_better))
    table = table.assign(is_used=is_used)[COLUMNS]
    if not is_used:
        return tests, table
    count = made.tree.above.shape[0]
    rate = np.where(factor > 0, factor, 1.0)
    own = made.coherent[..., count:] / rate
    is_moved = np.isfinite(own) & (factor > 0)
    mean = np.where(factor > 0, made.ahead[count:].T / rate, tests.mean)
    combined = np.where(is_moved, own, tests.combined)
    return replace(tests, combined=combined, mean=mean), table


def _measured(tests: forecasting.Backtest, made: Levels, factor: np.ndarray) -> pd.DataFrame:
    """Errors of each node and level: its own forecast, the series added up, and coherent."""
    tree = made.tree
    count = tree.above.shape[0]
    known = np.isfinite(tests.actual) & np.isfinite(tests.combined)

    def summed(series: np.ndarray) -> np.ndarray:
        rows = np.where(known, series, 0.0).reshape(-1, series.shape[2])
        return (tree.matrix @ rows.T).T.reshape(*series.shape[:2], len(tree.nodes))

    came, bottom_up = summed(tests.actual * factor), summed(tests.combined * factor)
    coherent = summed(made.coherent[..., count:])
    unknown = np.where(known, 0.0, np.nan_to_num(tests.combined)) * factor
    beside = (tree.matrix @ unknown.reshape(-1, len(factor)).T).T.reshape(came.shape)
    own = np.where(np.isfinite(made.base), made.base - beside, bottom_up)
    is_known = known.any(axis=2)[..., None]
    errors = {
        name: np.where(is_known, np.abs(said - came), 0.0)
        for name, said in (("own", own), ("bottom_up", bottom_up), ("coherent", coherent))
    }
    level, names = pd.factorize(tree.nodes["level"])
    sums = {name: array.sum(axis=(0, 1)) for name, array in errors.items()}
    sums |= {"volume": np.abs(came).sum(axis=(0, 1))}
    ahead = {"own": made.base_ahead, "coherent": made.ahead}
    ahead["bottom_up"] = tree.matrix @ made.base_ahead[count:]
    sums |= {f"{name}_quantity": array.sum(axis=1) for name, array in ahead.items()}
    by_level = {name: np.bincount(level, amounts) for name, amounts in sums.items()}
    rows = pd.DataFrame(by_level).assign(level=names, member=schema.ALL)
    nodes = tree.nodes.assign(**sums).iloc[:count]
    table = pd.concat([_rates(rows), _rates(nodes)], ignore_index=True)
    gain, noise = _gain(tests, errors, level, by_level["volume"])
    rates = [f"{name}_wape" for name in errors]
    every = table.loc[: len(names) - 1, rates].mean().to_frame().T
    every = every.assign(level=EVERY, member=schema.ALL, gain_rate=gain, noise_rate=noise)
    table = pd.concat([every, table], ignore_index=True)
    error = table["bottom_up_wape"].where(table["bottom_up_wape"] > 0)
    return table.assign(removed_share=table["gain_rate"] / error)


def _rates(rows: pd.DataFrame) -> pd.DataFrame:
    """Errors as shares of what came."""
    volume = rows["volume"].where(rows["volume"] > 0)
    rates = {f"{name}_wape": rows[name] / volume for name in ("own", "bottom_up", "coherent")}
    gain = rates["bottom_up_wape"] - rates["coherent_wape"]
    return rows.assign(**rates, gain_rate=gain, noise_rate=np.nan)


def _gain(
    tests: forecasting.Backtest,
    errors: dict[str, np.ndarray],
    level: np.ndarray,
    volume: np.ndarray,
) -> tuple[float, float]:
    """Mean gain of levels and its standard error, from the gains of single months.

    Neighbouring months' gains go together: the error is drawn wider by their correlation.
    """
    if not len(tests.origins) or not (volume > 0).all():
        return float("nan"), float("nan")
    weight = 1.0 / volume[level] / len(volume)
    gains = ((errors["bottom_up"] - errors["coherent"]) * weight).sum(axis=2)
    due = np.array(tests.origins)[:, None] + np.arange(gains.shape[1])
    by_month = np.bincount(due.ravel(), gains.ravel())
    by_month = by_month[min(tests.origins) : len(tests.history.months)]
    apart = by_month - by_month.mean()
    squares = (apart**2).sum()
    alike = np.clip((apart[1:] * apart[:-1]).sum() / squares, 0.0, 0.9) if squares else 0.0
    noise = np.sqrt(squares * (1.0 + alike) / (1.0 - alike))
    return float(by_month.sum()), float(noise)
