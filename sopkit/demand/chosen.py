"""Models that people chose, put in the combination's place: at past origins and today.

What is chosen runs anew on its series alone, each origin with what was known there. Where it has no
sound forecast today the combination stands in as a whole, and table `fallbacks` says so.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from sopkit import methods, schema
from sopkit.demand import choices, combining, forecasting, models, seasons, smoothing
from sopkit.demand.models import LAGS, MODELS
from sopkit.methods import MOST_SINGLE

_INSTEAD = "the combination"
_ERRORS = ["place", "month", "volume", "error", "combined_error", "forecasts"]
_KINDS = tuple(range(len(combining.KINDS)))


def singles(policies: pd.DataFrame, series: pd.DataFrame) -> int:
    """How many of these series people gave to models of statsmodels."""
    chosen = choices.rows(policies)
    place = choices.in_force(chosen, series)
    return int(chosen["model"].isin(list(methods.SINGLE)).to_numpy()[place[place >= 0]].sum())


def rooms(wanted: list[int]) -> list[int]:
    """How many of its series each part may give to statsmodels, in the order of parts.

    Examples
    --------
    >>> rooms([50, 5, 30])
    [50, 5, 5]
    """
    before = np.cumsum([0, *wanted[:-1]])
    return np.clip(MOST_SINGLE - before, 0, wanted).tolist()


def applied(
    tests: forecasting.Backtest,
    policies: pd.DataFrame,
    series: pd.DataFrame,
    *,
    room: int,
    factor: np.ndarray,
    threads: int | None = None,
) -> forecasting.Backtest:
    """The back-test with what people chose for its series; the very same where they chose nothing.

    Parameters
    ----------
    tests : Backtest
        From ``forecasting.backtests``.
    policies : DataFrame
        Raw table, as known in the cycle.
    series : DataFrame
        The tests' series, in order, with all levels.
    room : int
        Series that statsmodels may forecast, from ``rooms``; the others keep the combination.
    factor : array (n_series,)
        Planning units in a unit of each.
    threads : int, optional
        As in ``forecasting.Learning``.

    Returns
    -------
    Backtest
        ``combined``, ``mean`` and ``share`` of a chosen series are its model's alone; ``chosen``
        says what was chosen, fell, and both errors by row of ``choices.rows`` and month.
    """
    chosen = choices.rows(policies)
    place = choices.in_force(chosen, series)
    place[~(tests.history.values > 0).any(axis=0)] = -1  # nothing was ever sold: zero, and said
    if not (place >= 0).any():
        return tests
    made = _writable(tests)
    fell = []
    for number in np.unique(place[place >= 0]):
        row, own = chosen.iloc[number], np.flatnonzero(place == number)
        name, parameters = row["model"], methods.parsed(row["parameters"])
        if name in methods.SINGLE:
            fell.append(_fell(series, own[room:], name, _crowded()))
            own, room = own[:room], room - len(own[:room])
            past, ahead = single(tests, own, name, parameters)
        else:
            past, ahead = of_panel(tests, own, held(MODELS[name], parameters), threads)
        is_sound = np.isfinite(ahead).all(axis=0)
        fell.append(_fell(series, own[~is_sound], name, forecasting.UNSOUND))
        _put(made, own[is_sound], name, past[..., is_sound], ahead[:, is_sound])
    told = _errors(made, tests.combined, place, factor)
    fallen = pd.concat(fell, ignore_index=True)
    return replace(made, chosen=replace(made.chosen, fell=fallen, errors=told))


def held(model: models.Model, parameters: dict) -> models.Model:
    """A model of the panel with some of its parameters held, for every kind of demand.

    Parameters
    ----------
    model : Model
        One of ``models.MODELS``.
    parameters : dict
        ``alpha``, ``beta``, ``phi``, ``gamma`` by the letters of the textbooks; those left out are
        averaged over the points of the grid as ever, trend in its share of alpha, season in its
        share of 1 − alpha.

    Examples
    --------
    >>> held(MODELS["theta"], {"alpha": 0.25}).run.args[0].grid.tolist()
    [[0.25, 0.0, 1.0, 0.0]]
    """
    if not parameters:
        return replace(model, kinds=_KINDS)
    form = model.run.args[0]
    alpha, beta, phi, gamma = form.grid.T
    trend, season = beta / alpha, gamma / (1.0 - alpha)
    lowest, highest = parameters.get("beta", 0.0), 1.0 - parameters.get("gamma", 0.0)
    alpha = _held(parameters, "alpha", np.clip(alpha, lowest, highest))
    points = [
        alpha,
        _held(parameters, "beta", trend * alpha),
        _held(parameters, "phi", phi),
        _held(parameters, "gamma", season * (1.0 - alpha)),
    ]
    points = np.unique(np.column_stack(points).round(12), axis=0)
    return replace(model, run=partial(model.run.func, replace(form, grid=points)), kinds=_KINDS)


def _held(parameters: dict, name: str, points: np.ndarray) -> np.ndarray:
    return np.full_like(points, parameters[name]) if name in parameters else points


def of_panel(
    tests: forecasting.Backtest, own: np.ndarray, model: models.Model, threads: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """One model of the panel on some series, for whatever kind of demand.

    Parameters
    ----------
    tests : Backtest
        Of all series.
    own : array of int
        Places of some of them.
    model : Model
        From ``held``.
    threads : int or None
        As in ``forecasting.Learning``.

    Returns
    -------
    past : array (n_origins, LAGS, n)
    ahead : array (horizon, n)
        NaN where it has no sound forecast.
    """
    known = {origin: season[:, own] for origin, season in tests.known_seasons.items()}
    kind = np.zeros((len(known), len(own)), dtype=int)  # it is for every kind
    values, horizon = tests.history.values[:, own], len(tests.mean)
    past, ahead, _ = models.at_origins([model], values, horizon, known, kind, threads)
    return past[0], ahead[0]


def single(
    tests: forecasting.Backtest, own: np.ndarray, name: str, parameters: dict
) -> tuple[np.ndarray, np.ndarray]:
    """One model of statsmodels on each of some series, as ``of_panel``.

    Parameters
    ----------
    tests, own
        As in ``of_panel``.
    name, parameters
        As in ``single_models.fit``.
    """
    values, origins = tests.history.values[:, own], list(tests.known_seasons)
    reach = max(len(tests.mean), LAGS)
    said = np.full((len(origins), reach, len(own)), np.nan)
    for column, first in enumerate(smoothing.first_month(values)):
        said[..., column] = single_at_origins(
            values[first:, column], name, parameters, [o - first for o in origins], reach
        )
    limit = models.highest(values, origins)
    said = np.where((said <= limit[:, None]).all(axis=1)[:, None], said, np.nan)
    return said[:-1, :LAGS], said[-1, : len(tests.mean)]


def single_at_origins(
    values: np.ndarray, name: str, parameters: dict, origins: list[int], reach: int
) -> np.ndarray:
    """What a model of statsmodels says of one series at each origin (n_origins, reach).

    Parameters
    ----------
    values : array (n_months,)
        Demand from the series' first month on.
    name, parameters
        As in ``single_models.fit``. Form or orders that are left out are searched once a year,
        each time in the months known there.
    origins : list of int
        Numbers of months known, ascending.
    reach : int
        Months ahead.

    Returns
    -------
    array
        NaN where nothing can be fitted yet.
    """
    from sopkit.demand import single_models, workshop  # here: `status` must not wait for it

    said = np.full((len(origins), reach), np.nan)
    kept, searched = parameters, None
    for k, origin in enumerate(origins):
        if origin <= 0 or workshop.hindrance(values[:origin]):
            continue
        is_due = searched is None or origin - searched >= seasons.YEAR
        asked = parameters if is_due else kept
        events = pd.DataFrame(index=range(origin + reach))
        try:
            fit = single_models.fit(values[:origin], model=name, parameters=asked, events=events)
        except (ValueError, np.linalg.LinAlgError):  # too few months for such a form
            continue
        kept, searched = (fit.choice, origin) if is_due else (kept, searched)
        said[k] = fit.mean
    return said


def _crowded() -> str:
    return f"more than {MOST_SINGLE} series are chosen for ETS or SARIMAX, which are slow"


def _fell(series: pd.DataFrame, own: np.ndarray, name: str, reason: str) -> pd.DataFrame:
    """Rows of table ``fallbacks`` for series that keep the combination after all."""
    words = f"{models.words(name)}, chosen"
    keys = series[schema.SERIES].iloc[own].reset_index(drop=True)
    return keys.assign(model=name, words=words, reason=reason, instead=_INSTEAD)


def _writable(tests: forecasting.Backtest) -> forecasting.Backtest:
    """A copy of what choices change."""
    names = ("forecasts", "combined", "ahead", "mean", "share", "fell")
    nobody = np.full(len(tests.history.keys), "", dtype=object)
    chosen = forecasting.Chosen(nobody, pd.DataFrame(), pd.DataFrame())
    return replace(tests, chosen=chosen, **{name: getattr(tests, name).copy() for name in names})


def _put(
    made: forecasting.Backtest, own: np.ndarray, name: str, past: np.ndarray, ahead: np.ndarray
) -> None:
    """Lay a model's forecasts of some series over the combination's, in place.

    At a past origin where it had none the combination stays.
    """
    is_told = np.isfinite(past).all(axis=1)[:, None]
    made.combined[..., own] = np.where(is_told, past, made.combined[..., own])
    made.mean[:, own], made.share[:, own] = ahead, 0.0
    made.chosen.name[own] = name
    if name in MODELS:
        number = list(MODELS).index(name)
        made.forecasts[number][..., own], made.ahead[number][:, own] = past, ahead
        made.share[number, own], made.fell[number, own] = 1.0, False


def errors(tests: forecasting.Backtest) -> pd.DataFrame:
    """Errors by choice and month; no row where nothing is chosen."""
    return pd.DataFrame(columns=_ERRORS) if tests.chosen is None else tests.chosen.errors


def summed(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Errors by choice and month of all parts, from ``errors`` of each."""
    by = dict.fromkeys(_ERRORS[2:5], "sum") | {"forecasts": "max"}  # the same months in every part
    some = [part for part in parts if len(part)] or parts[:1]
    return pd.concat(some).groupby(["place", "month"], as_index=False).agg(by)


def _errors(
    made: forecasting.Backtest, before: np.ndarray, place: np.ndarray, factor: np.ndarray
) -> pd.DataFrame:
    """Errors of what was chosen and of the combination by choice and month, in planning units."""
    own = np.flatnonzero(made.chosen.name != "")
    came = made.actual[..., own]
    errors = [said[..., own] - came for said in (made.combined, before)]
    is_known = np.isfinite(errors[0] + errors[1])
    parts = [np.where(is_known, np.abs(x) * factor[own], 0.0) for x in (came, *errors)]
    rows, months = [pd.DataFrame(columns=_ERRORS)], made.history.months
    for number in np.unique(place[own]):
        mine = place[own] == number
        for k, origin in enumerate(made.origins):
            count = min(LAGS, len(months) - origin)
            sums = [part[k, :count][:, mine].sum(axis=1) for part in parts]
            some = is_known[k, :count][:, mine].any(axis=1)
            part = dict(zip(_ERRORS[2:], [*sums, some.astype(float)], strict=True))
            part |= {"place": number, "month": months[origin : origin + count]}
            rows.append(pd.DataFrame(part)[some])
    whole = pd.concat(rows[1:] or rows, ignore_index=True)
    return whole.groupby(["place", "month"], as_index=False)[_ERRORS[2:]].sum()
