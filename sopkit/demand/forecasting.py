"""The verbs on a panel: backtest and forecast; every model runs at every origin in one pass.

``models`` holds them; ``combining`` says how much each counts, ``intervals`` how sure the sum is;
``chosen`` puts the model that people chose in the combination's place.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from functools import reduce

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import combining, models, panel, seasons
from sopkit.demand.apart import ALONE, Alone
from sopkit.demand.models import HIGHEST_RATIO, LAGS, MODELS, NAIVE
from sopkit.methods import COMBINED, SINGLE

FALLBACK = "last_year_mean"
UNSOUND = f"forecast above {HIGHEST_RATIO:g} times the highest month of two years, or none"
ORIGINS = 12  # past cycles, one a month, that a backtest replays
EARLIER_ORIGINS = (15, 18, 21, 24)  # months back: they measure what lies further ahead
SHORTEST_TRAINING = 3  # months a series must have had at an origin to be measured there


@dataclass(frozen=True)
class Learning:
    """What models learn from and are judged by: some series, or all.

    ``groups`` (n_series,) is the family of each, −1 for none, among all families of the company;
    ``threads`` is how many may run at once (None: as many as there are processors).
    """

    history: panel.Panel
    actual: panel.Panel
    groups: np.ndarray
    threads: int | None = None


@dataclass(frozen=True)
class Runs:
    """What every model said at past origins and says now, not yet combined.

    Arrays as in ``Backtest``; ``origins`` end with today; ``squares`` (n_origins, n_models,
    n_series) and ``counts`` (n_origins, n_series): errors known at each, of how many months;
    ``kind`` (n_origins, n_series); ``sums`` of each origin: what the series say of the models.
    """

    history: panel.Panel
    origins: list[int]
    forecasts: np.ndarray
    actual: np.ndarray
    ahead: np.ndarray
    fell: np.ndarray
    kind: np.ndarray
    known_seasons: dict[int, np.ndarray]
    squares: np.ndarray
    counts: np.ndarray
    sums: list[combining.Sums]


@dataclass(frozen=True)
class Chosen:
    """Models that people chose in place of the combination, from ``chosen``.

    ``name`` (n_series,): model that forecasts the series, empty: the combination; ``fell``: rows of
    table ``fallbacks``; ``errors``: by row of `policies` and month, from ``chosen.applied``.
    """

    name: np.ndarray
    fell: pd.DataFrame
    errors: pd.DataFrame


@dataclass(frozen=True)
class Backtest:
    """What every model would have said at past origins, what came, and what it says now.

    Arrays over ``history.keys``: ``forecasts`` (n_models, n_origins, n_lags, n_series), NaN where a
    model is not for the series, or fell; ``actual`` and ``combined`` (n_origins, n_lags, n_series);
    ``ahead`` (n_models, horizon, n_series) and ``mean`` (horizon, n_series) the forecasts of today;
    ``share`` and ``error_rate`` (n_models, n_series) from ``combining.shares``; ``kind``
    (n_series,); ``fell`` (n_models, n_series): whether a model failed today; ``known_seasons`` the
    index (12, n_series) known at each origin; ``chosen``: what people chose, None where nothing.
    """

    history: panel.Panel
    origins: list[int]
    forecasts: np.ndarray
    actual: np.ndarray
    combined: np.ndarray
    ahead: np.ndarray
    mean: np.ndarray
    share: np.ndarray
    error_rate: np.ndarray
    kind: np.ndarray
    fell: np.ndarray
    known_seasons: dict[int, np.ndarray]
    chosen: Chosen | None = None


def backtest(
    history: panel.Panel, actual: panel.Panel, groups: np.ndarray, *, horizon: int
) -> Backtest:
    """What each model would have said at past origins, beside what came, and what it says now.

    Parameters
    ----------
    history : Panel
        Demand, what models learn from; each origin sees earlier months only.
    actual : Panel
        What came: net sales, NaN where a stock-out hid it; same keys and months.
    groups : array (n_series,)
        Family of each series, −1 for none: young series share its season.
    horizon : int
        Months ahead.

    Returns
    -------
    Backtest
        ``combined`` is mixed at each origin by the weights that errors known by then had earned.
    """
    learning = Learning(history, actual, groups)
    return backtests([learning], ALONE, horizon=horizon)[0]


def backtests(parts: list, over: Alone, *, horizon: int) -> list:
    """``backtest`` of series in parts: the same as of all at once.

    Parameters
    ----------
    parts : list of Learning
        All series, in their order; or what ``over`` knows them by.
    over : Alone
        Who calls the functions.
    horizon : int
        Months ahead.

    Returns
    -------
    list of Backtest
        One a part; families' seasons and the weights of each kind are of all series.
    """
    totals = over.fold(_totals, parts)
    runs = over.each(_runs, parts, totals=totals, horizon=horizon)
    usual = over.once(_learned, over.each(_sums, runs))
    return over.each(_combined, runs, usual=usual)


def _totals(part: Learning, before: np.ndarray | None) -> np.ndarray:
    return seasons.group_totals(part.history.values, part.groups, before)


def _runs(part: Learning, *, totals: np.ndarray, horizon: int) -> Runs:
    """Every model on every series, and the errors they have made."""
    values, count = part.history.values, len(part.history.months)
    origins = replayed_origins(count)
    past = origins[:-1]
    known_seasons = {
        o: seasons.seasonal_indices(values[:o], part.groups, totals[:o]) for o in origins
    }
    kind = np.stack([combining.kinds(values[:o], known_seasons[o]) for o in origins])
    tests, ahead, fell = models.at_origins(
        list(MODELS.values()), values, horizon, known_seasons, kind, part.threads
    )
    came = np.full((len(past), LAGS, values.shape[1]), np.nan)
    for k, origin in enumerate(past):
        is_measured = np.isfinite(values[:origin]).sum(axis=0) >= SHORTEST_TRAINING
        rows = part.actual.values[origin : origin + LAGS]
        came[k, : len(rows)] = np.where(is_measured, rows, np.nan)
    earned = _earned(tests, ahead, came, origins, kind)
    return Runs(part.history, origins, tests, came, ahead, fell, kind, known_seasons, *earned)


def _sums(runs: Runs) -> list[combining.Sums]:
    return runs.sums


def _learned(parts: list[list[combining.Sums]]) -> list[tuple[np.ndarray, np.ndarray]]:
    """What is usual at each origin, from the sums of all parts in their order."""
    known = [reduce(operator.add, sums) for sums in zip(*parts, strict=True)]
    return [combining.learned(sums, _is_for()) for sums in known]


def _combined(runs: Runs, *, usual: list[tuple[np.ndarray, np.ndarray]]) -> Backtest:
    """The mix at each past origin by weights earned before it, and today's."""
    values, combined = runs.history.values, np.full_like(runs.actual, np.nan)
    for k, known in enumerate(usual):
        says = _said(runs.forecasts, runs.ahead, k)
        is_able = np.isfinite(says).all(axis=1)
        share, error_rate = combining.shares(
            runs.squares[k], runs.counts[k], is_able, runs.kind[k], *known
        )
        if k < len(combined):
            mixed = (share[:, None] * np.nan_to_num(says)).sum(axis=0)
            combined[k] = np.where(share.sum(axis=0) > 0, mixed, np.nan)
    share = np.where((values > 0).any(axis=0), share, 0.0)  # nothing was ever sold: zero, and said
    mixed = (share[:, None] * np.nan_to_num(runs.ahead)).sum(axis=0)
    return Backtest(
        runs.history,
        runs.origins[:-1],
        runs.forecasts,
        runs.actual,
        combined,
        runs.ahead,
        np.where(share.sum(axis=0) > 0, mixed, _usual(values)),
        share,
        error_rate,
        runs.kind[-1],
        runs.fell,
        runs.known_seasons,
    )


def _said(tests: np.ndarray, ahead: np.ndarray, k: int) -> np.ndarray:
    """Forecasts of the models at an origin; the last one is today."""
    return tests[:, k] if k < tests.shape[1] else ahead


def replayed_origins(count: int) -> list[int]:
    """Months known at each past origin that a back-test replays and, last, today.

    Parameters
    ----------
    count : int
        Months of history.

    Examples
    --------
    >>> replayed_origins(14)
    [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]
    """
    past = [count - back for back in (*EARLIER_ORIGINS[::-1], *range(ORIGINS, 0, -1))]
    return [*(origin for origin in past if origin >= min(SHORTEST_TRAINING, count)), count]


def _is_for() -> np.ndarray:
    """Whether a model is for a kind of demand (n_kinds, n_models)."""
    kinds = range(len(combining.KINDS))
    return np.array([[number in model.kinds for model in MODELS.values()] for number in kinds])


def _earned(
    tests: np.ndarray, ahead: np.ndarray, came: np.ndarray, origins: list[int], kind: np.ndarray
) -> tuple[np.ndarray, np.ndarray, list[combining.Sums]]:
    """Mean squared errors known at each origin, of how many months, and what they say together."""
    width = came.shape[2]
    products, counts = np.zeros((len(MODELS), len(MODELS), width)), np.zeros(width)
    coming: dict[int, list[tuple[int, int]]] = {}
    for k, origin in enumerate(origins[:-1]):
        for lag in range(LAGS):
            coming.setdefault(origin + lag + 1, []).append((k, lag))
    squares, seen, sums = [], [], []
    for k, origin in enumerate(origins):
        for known_at in sorted(month for month in coming if month <= origin):
            for past, lag in coming.pop(known_at):
                error = tests[:, past, lag] - came[past, lag]
                known = np.isfinite(error)
                error = np.where(known, error, 0.0)
                counts += known.any(axis=0)
                for row, own in enumerate(error):  # the lower half: products are symmetric
                    products[row, : row + 1] += own * error[: row + 1]
        mean = products / np.maximum(counts, 1.0)
        is_able = np.isfinite(_said(tests, ahead, k)).all(axis=1)
        squares.append(np.einsum("iis->is", mean))
        seen.append(counts.copy())
        sums.append(combining.sums(mean, counts, is_able, kind[k], _is_for()))
    return np.stack(squares), np.stack(seen), sums


def _usual(values: np.ndarray) -> np.ndarray:
    """Mean of the last twelve months known, zero where none is: what stands in for every model."""
    last = values[-seasons.YEAR :]
    known = np.isfinite(last)
    return np.where(known, last, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)


def table(tests: Backtest) -> pd.DataFrame:
    """Table ``backtest``: combination and naive forecast beside what came, by origin and month.

    Parameters
    ----------
    tests : Backtest
        From ``backtest``.

    Returns
    -------
    DataFrame
        Key ``item, location, channel, origin, month``; ``lag`` months from origin to month;
        ``actual``, ``combined``, ``seasonal_naive``, units.
    """
    history, parts = tests.history, []
    naive = list(MODELS).index(NAIVE)
    for k, origin in enumerate(tests.origins):
        ahead = min(LAGS, len(history.months) - origin)
        arrays = {
            "actual": tests.actual[k, :ahead],
            COMBINED: tests.combined[k, :ahead],
            NAIVE: tests.forecasts[naive, k, :ahead],
        }
        part = panel.to_table(history.keys, history.months[origin : origin + ahead], arrays)
        parts.append(part.assign(origin=history.months[origin]))
    if not parts:
        nothing = dict.fromkeys(["actual", COMBINED, NAIVE], np.empty((0, len(history.keys))))
        empty = panel.to_table(history.keys, history.months[:0], nothing)
        parts = [empty.assign(origin=history.months[:0])]
    whole = pd.concat(parts, ignore_index=True)
    whole = whole[whole["actual"].notna() & whole[COMBINED].notna()].reset_index(drop=True)
    lag = months.number(whole["month"]) - months.number(whole["origin"])
    columns = [*schema.SERIES, "origin", "month", "lag", "actual", COMBINED, NAIVE]
    return whole.assign(lag=lag)[columns]


def weights(tests: Backtest) -> pd.DataFrame:
    """Table ``model_weights``: how much each model counts for each series, and its one score.

    Parameters
    ----------
    tests : Backtest
        From ``backtest``.

    Returns
    -------
    DataFrame
        Key ``item, location, channel, model``: models that are for the series; ``weight_share``
        sums to 1 a series; ``error_rate`` is the model's squared error beside the models' mean.
    """
    keys, names = tests.history.keys, list(MODELS)
    wide = keys.loc[keys.index.repeat(len(names))].reset_index(drop=True)
    rows = wide.assign(
        model=names * len(keys),
        weight_share=tests.share.T.ravel(),
        error_rate=tests.error_rate.T.ravel(),
    )
    is_used = np.isfinite(tests.ahead).all(axis=1).T.ravel()
    name = chosen_names(tests)
    is_single = np.isin(name, list(SINGLE))
    single = keys[is_single].assign(model=name[is_single], weight_share=1.0, error_rate=np.nan)
    if not is_single.any():
        return rows[is_used].reset_index(drop=True)
    rows = pd.concat([rows[is_used], single])
    return rows.sort_values(schema.SERIES, kind="stable", ignore_index=True)


def chosen_names(tests: Backtest) -> np.ndarray:
    """Model that people chose for each series and that forecasts it (n_series,); else empty."""
    nobody = np.full(len(tests.history.keys), "")
    return nobody if tests.chosen is None else tests.chosen.name


def forecast(tests: Backtest, end_months: pd.Series) -> pd.DataFrame:
    """Table ``forecast`` without bounds: one row for every series and month, none missing.

    Parameters
    ----------
    tests : Backtest
        From ``backtest``.
    end_months : Series
        Last month of sale of each series, in the panel's order; missing where it goes on.

    Returns
    -------
    DataFrame
        Key ``item, location, channel, month``; ``quantity`` is the mean; ``model`` names the
        heaviest, or ``last_year_mean`` where none was able; zero after the series' end.
    """
    horizon, history = len(tests.mean), tests.history
    ahead = months.span(months.shift(history.months[-1], 1), horizon)
    quantity = np.where(is_over(tests, end_months), 0.0, tests.mean)
    made = panel.to_table(history.keys, ahead, {"quantity": quantity})
    heaviest = np.array(list(MODELS))[tests.share.argmax(axis=0)]
    heaviest = np.where(tests.share.sum(axis=0) > 0, heaviest, FALLBACK)
    name = chosen_names(tests)
    heaviest = np.where(name != "", name, heaviest)
    return made.assign(model=np.repeat(heaviest, horizon))


def is_over(tests: Backtest, end_months: pd.Series) -> np.ndarray:
    """Months ahead (horizon, n_series) after a series' last month of sale, missing: it goes on."""
    ahead = months.span(months.shift(tests.history.months[-1], 1), len(tests.mean))
    return ahead.to_numpy()[:, None] > end_months.to_numpy(dtype=months.DTYPE)[None]


def with_weights(
    history: panel.Panel, groups: np.ndarray, weights: pd.DataFrame, *, horizon: int
) -> pd.DataFrame:
    """What models say now, mixed by weights that are given: no model is judged anew.

    Parameters
    ----------
    history : Panel
        Demand, what models learn from.
    groups : array (n_series,)
        Family of each series, −1 for none.
    weights : DataFrame
        Table `model_weights`, for example of another cycle; drawn up to one over the models that
        have a forecast here.
    horizon : int
        Months ahead.

    Returns
    -------
    DataFrame
        Key ``item, location, channel, month``: ``quantity``. A series without a weighted model
        keeps the mean of its last twelve months. With the weights of ``backtest`` on the same
        history it is that forecast, before series end.
    """
    values, origins = history.values, replayed_origins(len(history.months))
    known_seasons = {o: seasons.seasonal_indices(values[:o], groups) for o in origins}
    kind = np.stack([combining.kinds(values[:o], known_seasons[o]) for o in origins])
    ahead = models.at_origins(list(MODELS.values()), values, horizon, known_seasons, kind)[1]
    share = weights.pivot(index=schema.SERIES, columns="model", values="weight_share")
    share = share.reindex(columns=list(MODELS))
    share = share.reindex(pd.MultiIndex.from_frame(history.keys)).fillna(0.0).to_numpy().T
    share = share * np.isfinite(ahead).all(axis=1)
    total = share.sum(axis=0)
    mixed = ((share / np.where(total > 0, total, 1.0))[:, None] * np.nan_to_num(ahead)).sum(axis=0)
    said = np.where(total > 0, mixed, _usual(values))
    months_ahead = months.span(months.shift(history.months[-1], 1), horizon)
    return panel.to_table(history.keys, months_ahead, {"quantity": said})


def fallbacks(tests: Backtest) -> pd.DataFrame:
    """Table ``fallbacks``: models that failed for a series they are for, why, and what stands in.

    Parameters
    ----------
    tests : Backtest
        From ``backtest``.

    Returns
    -------
    DataFrame
        Key ``item, location, channel, model``; the model in ``words``; ``reason``; ``instead``.
    """
    keys, values = tests.history.keys, tests.history.values
    names = np.array(list(MODELS))
    model, series = np.nonzero(tests.fell)
    fell = keys.iloc[series].assign(
        model=names[model],
        words=[MODELS[name].words for name in names[model]],
        reason=UNSOUND,
        instead="the other models",
    )
    alone = np.flatnonzero((tests.share.sum(axis=0) == 0) & (chosen_names(tests) == ""))
    is_known = np.isfinite(values[:, alone]).any(axis=0)
    is_sold = (values[:, alone] > 0).any(axis=0)
    none = keys.iloc[alone].assign(
        model="every model",
        words="every model",
        reason=np.select(
            [~is_known, ~is_sold],
            ["no month is known", "nothing has ever been sold"],
            "no model had a forecast",
        ),
        instead=np.where(is_sold, "mean of the last twelve months", "zero"),
    )
    parts = [fell, none] if tests.chosen is None else [fell, none, tests.chosen.fell]
    return pd.concat(parts, ignore_index=True)
