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
from sopkit.demand import calibration, combining, forecasting
from sopkit.demand.apart import ALONE

LEVEL = 0.8  # of the bounds in table `forecast`
PROBABILITIES, MONTH, TOTAL = calibration.PROBABILITIES, calibration.MONTH, calibration.TOTAL
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
    (own,), multiples = calibration.calibrated([tests], ALONE, horizon=len(tests.mean))
    return {
        "error_widths": own["error_widths"],
        "error_multiples": multiples,
        "one_step_errors": own["one_step_errors"],
    }


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
    drawn = np.random.default_rng(seed).standard_normal(
        (len(score) or calibration.ERROR_MONTHS, len(keys))
    )
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
