"""How sure the forecast is: quantiles of a month, of a total over months, and whole futures.

Errors are measured on square roots: there the scatter of demand hardly depends on its size, and
a bound never falls below zero. *Width* is a series' usual one-step error on that scale; a
*multiple* says how many widths lie between the mean and a quantile, by kind of demand, by months
ahead, for a single month or for the total of all months up to it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.special import ndtri

from sopkit import months, schema
from sopkit.demand import combining, forecasting, panel, smoothing
from sopkit.demand.smoothing import YEAR, Form, grid

LEVEL = 0.8  # of the bounds in table `forecast`
PROBABILITIES = np.array(
    [0.005, 0.01, 0.025, 0.05, *np.arange(0.1, 0.91, 0.05).round(2), 0.95, 0.975, 0.99, 0.995]
)
MONTH, TOTAL = "month", "total"
_REFERENCE = Form(
    grid((0.05, 0.12, 0.25, 0.45, 0.75), gammas=(0.0, 0.05, 0.15, 0.4)), "root", drift=0.5
)
_ERROR_MONTHS = 60  # months of one-step errors that sample paths draw from
_UNKNOWN_SHARE = 0.5  # width beside the root of the mean, where no series tells what is usual
_YOUNG_MONTHS = 6.0  # measured months at which a series' own width counts half
_OWN_YEARS = 2.0  # years of errors at which a series' own size of errors counts half
_USUAL_ERRORS = 240.0  # errors at which measured tails count half beside the normal's
_UNSEEN = 1.07  # years to come scatter more than those a backtest has seen, by that much
_LARGEST = 8.0  # widths: no single error counts as more
_NORMAL_MEAN = np.sqrt(np.pi / 2.0)  # standard deviation over mean absolute error of a normal
_PERSISTENCE = np.linspace(0.0, 1.0, 21)


def calibrate(tests: forecasting.Backtest) -> dict[str, pd.DataFrame]:
    """Tables ``error_widths``, ``error_multiples``, ``one_step_errors``, from a backtest.

    Parameters
    ----------
    tests : Backtest
        From ``forecasting.backtest``.

    Returns
    -------
    dict of DataFrame
        ``error_widths``: key ``item, location, channel``, ``width`` and ``total_width`` (root of
        units), for single months and for totals; ``kind``.
        ``error_multiples``: key ``kind, measure, lag, probability``, ``multiple`` (widths).
        ``one_step_errors``: key ``item, location, channel, month``, ``error`` (widths;
        positive where demand was above its forecast).

    Notes
    -----
    The width known at an origin is that of errors before it. Tails are read off the last eleven
    origins with sizes of errors measured before these, so that no error helps to judge itself.
    With few errors the tails are drawn to those of a normal.
    """
    values = tests.history.values
    origins = [*tests.origins, len(values)]
    trace = smoothing.at_origins(values, _REFERENCE, origins, 1, tests.known_seasons)
    spread = _spreads(trace.spread, values, origins, tests.kind)
    standard = {name: _standard_errors(tests, spread[:-1], name) for name in (MONTH, TOTAL)}
    rows, own = [], {name: np.ones(values.shape[1]) for name in standard}
    for number, kind in enumerate(combining.KINDS):
        chosen = tests.kind == number
        for measure, errors in standard.items():
            growth = _growth(errors[..., chosen], len(tests.mean))
            scaled = errors[..., chosen] / growth[: errors.shape[1], None]
            scaled = np.clip(scaled, -_LARGEST, _LARGEST)
            before, own[measure][chosen] = _sizes(scaled, tests.origins, len(values))
            late = np.array(tests.origins, dtype="int64") > len(values) - YEAR
            tails = _tails(scaled[late] / before) + _shapes(scaled, scaled[late], len(growth))
            widened = _UNSEEN * growth[:, None] * np.sort(tails, axis=1)
            rows.append(_multiple_rows(kind, measure, widened))
    widths = tests.history.keys.assign(
        width=spread[-1] * own[MONTH],
        total_width=spread[-1] * own[TOTAL],
        kind=np.array(combining.KINDS)[tests.kind],
    )
    return {
        "error_widths": widths,
        "error_multiples": pd.concat(rows, ignore_index=True),
        "one_step_errors": _errors(tests.history, trace.errors, spread[-1]),
    }


def _spreads(
    spread: np.ndarray, values: np.ndarray, origins: list[int], kind: np.ndarray
) -> np.ndarray:
    """Width of each series at each origin; a young one's drawn to what is usual for its size."""
    made = []
    for own, origin in zip(spread, origins, strict=True):
        last = values[max(origin - YEAR, 0) : origin]
        known = np.isfinite(last)
        mean = np.where(known, last, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        age = np.isfinite(values[:origin]).sum(axis=0)
        judged = np.maximum(age - 1.0, 0.0)
        root = np.sqrt(mean)
        usual = np.zeros_like(root)
        for number in range(len(combining.KINDS)):
            of_kind = kind == number
            sure = of_kind & (age >= YEAR) & (root > 0) & (np.nan_to_num(own) > 0)
            share = np.median(own[sure] / root[sure]) if sure.any() else _UNKNOWN_SHARE
            usual[of_kind] = share * root[of_kind]
        squares = judged * np.nan_to_num(own) ** 2 + _YOUNG_MONTHS * usual**2
        made.append(np.sqrt(squares / (judged + _YOUNG_MONTHS)))
    return np.stack(made)


def _standard_errors(tests: forecasting.Backtest, spread: np.ndarray, measure: str) -> np.ndarray:
    """Errors in widths (n_origins, n_lags, n_series); positive where demand was above."""
    actual, said = tests.actual, tests.combined
    if measure == TOTAL:
        actual, said = np.cumsum(actual, axis=1), np.cumsum(said, axis=1)
    width = np.where(spread > 0, spread, np.nan)[:, None]
    return (np.sqrt(np.maximum(actual, 0.0)) - np.sqrt(said)) / width


def _growth(standard: np.ndarray, horizon: int) -> np.ndarray:
    """Usual size of errors by months ahead, in widths, never falling; root of time beyond.

    Mean absolute errors, as a normal's standard deviation; drawn to slow growth while few.
    """
    size = np.minimum(np.abs(standard), _LARGEST)
    known = np.isfinite(size)
    count = known.sum(axis=(0, 2))
    mean = np.where(known, size, 0.0).sum(axis=(0, 2)) / np.maximum(count, 1) * _NORMAL_MEAN
    lags = np.arange(max(horizon, len(count)))
    start = mean[0] if count[0] else 1.0
    usual = start * np.sqrt(1.0 + 0.1 * lags)
    few = YEAR
    measured = (count * mean + few * usual[: len(count)]) / (count + few)
    growth = np.maximum.accumulate(np.maximum(measured, 1e-6))
    beyond = growth[-1] * np.sqrt((lags[len(growth) :] + 1.0) / len(growth))
    return np.concatenate([growth, beyond])


def _sizes(scaled: np.ndarray, origins: list[int], count: int) -> tuple[np.ndarray, np.ndarray]:
    """Each series' size of errors: known before the last eleven origins, and known today."""
    due = np.array(origins, dtype="int64")[:, None] + np.arange(scaled.shape[1])
    is_before = (due <= count - YEAR)[..., None]
    return _size(np.where(is_before, scaled, np.nan)), _size(scaled)


def _size(scaled: np.ndarray) -> np.ndarray:
    """Root mean squared error of each series in usual ones, drawn to one while it has few."""
    known = np.isfinite(scaled)
    years = known.sum(axis=(0, 1)) / YEAR
    squares = np.where(known, scaled, 0.0) ** 2
    return np.sqrt((squares.sum(axis=(0, 1)) / YEAR + _OWN_YEARS) / (years + _OWN_YEARS))


def _tails(standard: np.ndarray) -> np.ndarray:
    """Quantiles of standardised errors at ``PROBABILITIES``, drawn to a normal's while few."""
    known = np.isfinite(standard).sum()
    trust = known / (known + _USUAL_ERRORS)
    return trust * _quantiles(standard) + (1.0 - trust) * ndtri(PROBABILITIES)


def _shapes(scaled: np.ndarray, late: np.ndarray, horizon: int) -> np.ndarray:
    """How quantiles at each lag differ from those of late errors (horizon, n_probabilities).

    Drawn to no difference while errors are few; the last measured lag holds beyond.
    """
    usual, rows = _quantiles(late), []
    for lag in range(scaled.shape[1]):
        near = scaled[:, max(lag - 1, 0) : lag + 2]
        known = np.isfinite(near).sum()
        rows.append((_quantiles(near) - usual) * known / (known + _USUAL_ERRORS))
    return np.stack([rows[min(lag, len(rows) - 1)] for lag in range(horizon)])


def _quantiles(standard: np.ndarray) -> np.ndarray:
    known = standard[np.isfinite(standard)]
    return np.quantile(known, PROBABILITIES) if len(known) else np.zeros(len(PROBABILITIES))


def _multiple_rows(kind: str, measure: str, multiples: np.ndarray) -> pd.DataFrame:
    lags, count = len(multiples), len(PROBABILITIES)
    return pd.DataFrame(
        {
            "kind": kind,
            "measure": measure,
            "lag": np.repeat(np.arange(lags), count),
            "probability": np.tile(PROBABILITIES, lags),
            "multiple": multiples.ravel(),
        }
    )


def _errors(history: panel.Panel, errors: np.ndarray, width: np.ndarray) -> pd.DataFrame:
    """One-step errors of the last months in widths; no row where nothing was measured."""
    recent = errors[-_ERROR_MONTHS:] / np.where(width > 0, width, np.nan)
    table = panel.to_table(history.keys, history.months[-_ERROR_MONTHS:], {"error": recent})
    return table[table["error"].notna()].reset_index(drop=True)


def _multiples_at(multiples: pd.DataFrame, measure: str, probability: float) -> pd.DataFrame:
    """Multiple of each kind and lag at a probability, between the measured ones by normal scores.

    Beyond the outermost measured probabilities the tail goes on as a normal's does.
    """
    if not 0.0 < probability < 1.0:
        raise ValueError(
            f"probability {probability:g} is not between 0 and 1; write 0.95 for 95 %."
        )
    wide = multiples[multiples["measure"] == measure].pivot(
        index=["kind", "lag"], columns="probability", values="multiple"
    )
    scores, score = ndtri(wide.columns.to_numpy(dtype="float64")), ndtri(probability)
    values = wide.to_numpy()
    if score < scores[0]:
        found = values[:, 0] * score / scores[0]
    elif score > scores[-1]:
        found = values[:, -1] * score / scores[-1]
    else:
        right = np.clip(np.searchsorted(scores, score), 1, len(scores) - 1)
        part = (score - scores[right - 1]) / (scores[right] - scores[right - 1])
        found = (1.0 - part) * values[:, right - 1] + part * values[:, right]
    return wide.index.to_frame(index=False).assign(multiple=found)


def _quantity(mean: np.ndarray, width: np.ndarray, multiple: np.ndarray) -> np.ndarray:
    """The quantity so many widths from the mean, on roots; zero where nothing is expected."""
    return np.where(mean > 0, np.maximum(np.sqrt(mean) + width * multiple, 0.0) ** 2, 0.0)


def quantiles(
    forecast: pd.DataFrame,
    widths: pd.DataFrame,
    multiples: pd.DataFrame,
    *,
    probability: float,
    measure: str = MONTH,
) -> pd.DataFrame:
    """The quantity that demand stays below with a given probability.

    Parameters
    ----------
    forecast, widths, multiples : DataFrame
        Tables `forecast`, `error_widths`, `error_multiples`.
    probability : float
        Above 0 and below 1; 0.95 leaves one in twenty above (a one-sided service level).
    measure : str
        ``month``: of each month; ``total``: of all months from the cycle to that month together,
        as needed to cover a lead time. The total of one month is that month, and no total is
        below that of fewer months.

    Returns
    -------
    DataFrame
        Key ``item, location, channel, month``: ``mean`` and ``quantity``, units.

    Raises
    ------
    ValueError
        If the probability is not between 0 and 1.
    """
    found = _multiples_at(multiples, measure, probability)
    table = forecast[[*schema.SERIES_MONTH, "quantity"]].merge(
        widths, on=schema.SERIES, how="left", validate="many_to_one"
    )
    table = table.sort_values(schema.SERIES_MONTH, ignore_index=True)
    table = table.assign(lag=months.number(table["month"]) - months.number(table["month"].min()))
    if measure == TOTAL:
        table = table.assign(quantity=table.groupby(schema.SERIES)["quantity"].cumsum())
    table = table.merge(found, on=["kind", "lag"], how="left", validate="many_to_one")
    width = "total_width" if measure == TOTAL else "width"
    mean, width, multiple = (table[name].to_numpy() for name in ("quantity", width, "multiple"))
    made = table[schema.SERIES_MONTH].assign(mean=mean, quantity=_quantity(mean, width, multiple))
    if measure == MONTH:
        return made
    month = quantiles(forecast, widths, multiples, probability=probability)["quantity"]
    made = made.assign(quantity=made["quantity"].where(table["lag"] > 0, month))
    return made.assign(quantity=made.groupby(schema.SERIES)["quantity"].cummax())


def with_bounds(
    forecast: pd.DataFrame, widths: pd.DataFrame, multiples: pd.DataFrame
) -> pd.DataFrame:
    """Table ``forecast`` with ``quantity_lower`` and ``quantity_upper``, which enclose 80 %."""
    bounds = {
        name: quantiles(forecast, widths, multiples, probability=probability)
        for name, probability in (("lower", (1 - LEVEL) / 2), ("upper", (1 + LEVEL) / 2))
    }
    table = forecast.sort_values(schema.SERIES_MONTH, ignore_index=True)
    mean = table["quantity"]
    return table.assign(
        quantity_lower=np.minimum(bounds["lower"]["quantity"], mean),
        quantity_upper=np.maximum(bounds["upper"]["quantity"], mean),
    )


def sample_paths(
    forecast: pd.DataFrame,
    widths: pd.DataFrame,
    multiples: pd.DataFrame,
    errors: pd.DataFrame,
    *,
    paths: int,
    seed: int,
    block: int = 100,
    drawn: list | None = None,
) -> Iterator[np.ndarray]:
    """Possible futures, in blocks; series and months depend on one another as they did.

    Parameters
    ----------
    forecast, widths, multiples, errors : DataFrame
        Tables `forecast`, `error_widths`, `error_multiples`, `one_step_errors`.
    paths : int
        How many futures in all.
    seed : int
        The same seed gives the same futures, whatever the block.
    block : int
        Futures a block: what is held in memory at once.
    drawn : list, optional
        What an earlier call drew for the same series and months, filled where it is empty: other
        quantities then take a third of the time, and the same chance.

    Yields
    ------
    array (block, n_series, n_months) of float32
        Units, not negative; series and months in the order of the sorted forecast.

    Notes
    -----
    Each month of a future draws one whole past month: every series takes its own error of that
    month, so that series keep the dependence they had. Errors add up over the months with the
    persistence that gives totals their measured width; each month then has its measured quantiles.
    A series without measured errors draws normal ones, by itself.
    """
    table = forecast.sort_values(schema.SERIES_MONTH, ignore_index=True)
    keys = table[schema.SERIES].drop_duplicates().reset_index(drop=True)
    horizon = table["month"].nunique()
    mean = table["quantity"].to_numpy().reshape(len(keys), horizon)
    known = keys.merge(widths, on=schema.SERIES, how="left", validate="one_to_one")
    width, whole = known["width"].to_numpy(), []
    places = {kind: np.flatnonzero(known["kind"] == kind) for kind in combining.KINDS}
    scores = _scores(errors, keys, seed)
    for count, parts in drawn or _drawn(scores, places, multiples, horizon, paths, block, seed):
        out = np.empty((count, len(keys), horizon), dtype="float32")
        for chosen, multiple in parts:
            out[:, chosen] = _quantity(mean[chosen], width[chosen, None], multiple)
        if drawn is not None:
            whole.append((count, parts))
        yield out
    if drawn is not None:
        drawn[:] = whole


def _drawn(
    scores: np.ndarray, places: dict, multiples: pd.DataFrame, horizon: int, paths, block, seed
) -> Iterator[tuple[int, list[tuple[np.ndarray, np.ndarray]]]]:
    """Futures of each block; positions of the series of a kind, and their errors in widths."""
    own = {kind: multiples[multiples["kind"] == kind] for kind in combining.KINDS}
    kept = {kind: _persistence(own[kind]) for kind, chosen in places.items() if len(chosen)}
    for start in range(0, paths, block):
        ahead = range(start, min(start + block, paths))
        past = [
            np.random.default_rng([seed, path]).integers(len(scores), size=horizon)
            for path in ahead
        ]
        parts = []
        for kind, share in kept.items():
            score = _persisting(scores[:, places[kind]][np.stack(past)], share)
            parts.append((places[kind], _multiples_of(score, own[kind])))
        yield len(ahead), parts


def _scores(errors: pd.DataFrame, keys: pd.DataFrame, seed: int) -> np.ndarray:
    """One-step errors as normal scores (n_months, n_series).

    Where a series has no error of a month, one of its own months stands in, in turn; where it has
    none at all, its scores are drawn from a normal.
    """
    wide = errors.pivot(index="month", columns=schema.SERIES, values="error")
    wide = wide.reindex(columns=pd.MultiIndex.from_frame(keys))
    count = wide.notna().sum()
    score = ndtri(((wide.rank() - 0.5) / count.where(count > 0)).to_numpy())
    drawn = np.random.default_rng(seed).standard_normal((len(score) or _ERROR_MONTHS, len(keys)))
    if not len(score):
        return drawn
    order = np.argsort(np.isnan(score), axis=0, kind="stable")
    known = np.maximum(count.to_numpy(), 1)
    turn = np.take_along_axis(order, np.arange(len(score))[:, None] % known, axis=0)
    score = np.where(np.isnan(score), np.take_along_axis(score, turn, axis=0), score)
    return np.where(np.isnan(score), drawn, score)


def _persisting(score: np.ndarray, kept: float) -> np.ndarray:
    """Normal scores (paths, n_series, n_months) of errors that add up over the months."""
    score = np.swapaxes(score, 1, 2)
    before = np.cumsum(score, axis=2) - score
    steps = np.arange(score.shape[2])
    return (score + kept * before) / np.sqrt(1.0 + kept**2 * steps)


def _persistence(multiples: pd.DataFrame) -> float:
    """Share of an error that stays in later months: the one that gives totals their width."""
    width = {}
    for measure in (MONTH, TOTAL):
        high, low = (
            _multiples_at(multiples, measure, p)["multiple"].to_numpy() for p in (0.9, 0.1)
        )
        width[measure] = (high - low)[: forecasting.LAGS]
    lags = np.arange(len(width[MONTH]))
    earlier = np.minimum(lags[:, None], lags[None])
    apart = []
    for kept in _PERSISTENCE:
        shared = kept**2 * earlier + np.where(lags[:, None] == lags[None], 1.0, kept)
        size = np.sqrt(1.0 + kept**2 * lags)
        likeness = shared / (size[:, None] * size[None])
        products = width[MONTH][:, None] * width[MONTH][None] * likeness
        sums = np.cumsum(np.cumsum(products, axis=0), axis=1).diagonal()
        implied = np.sqrt(sums / (lags + 1.0))
        apart.append(np.abs(np.log(implied / width[TOTAL])[1:]).sum())
    return float(_PERSISTENCE[int(np.argmin(apart))])


def _multiples_of(score: np.ndarray, multiples: pd.DataFrame) -> np.ndarray:
    """Multiples (paths, n_series, n_months) at normal scores, month by month."""
    wide = multiples[multiples["measure"] == MONTH].pivot(
        index="lag", columns="probability", values="multiple"
    )
    known, values = ndtri(wide.columns.to_numpy(dtype="float64")), wide.to_numpy()
    out = np.empty_like(score)
    for lag in range(score.shape[2]):
        inside = np.clip(score[..., lag], known[0], known[-1])
        out[..., lag] = (
            np.interp(inside, known, values[lag])
            * score[..., lag]
            / np.where(inside == 0.0, 1.0, inside)
        )
    return out
