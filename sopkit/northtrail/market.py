"""What customers want: season, growth, events, launches, and an index that leads tents.

Arrays have shape (series, MONTHS), quantities each in its item's own unit a month.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sopkit.northtrail import _given
from sopkit.northtrail._given import CYCLE, MONTHS
from sopkit.northtrail.catalogue import Offer

AHEAD = 6  # months after the last closed one for which orders can be placed already
LEAD = {"series": "outdoor retail index", "family": "Tents", "months": 3}
SIZE = {"family": "Lighting", "share": 0.3}  # of the market that it had before the newcomer
IDLE = "mean temperature"  # a series that moves nothing
ELASTICITY = 0.5  # demand rises by half of what the index rose by
BULK_FACTOR = 6  # a bulk order makes a month six times what it was
PLANTED_CELLS = 10  # bulk orders, and returns, as many of each


@dataclass(frozen=True)
class Demand:
    """What is wanted: expected over MONTHS, wanted (whole units) to six months past the cycle."""

    expected: np.ndarray
    without: np.ndarray  # expected demand without the promotion that nobody can supply
    wanted: np.ndarray
    is_promoted: np.ndarray
    is_returned: np.ndarray  # series by closed months: a return stands where a sale would
    tables: dict[str, pd.DataFrame]
    truths: dict[str, pd.DataFrame]


def demand(offer: Offer) -> Demand:
    """Expected and actual demand of every series, with events and market series."""
    series, rng = offer.series, _given.stream(offer.seed, 3)
    events = _given.read("events", is_clean=offer.is_clean)
    index = _index(_given.stream(offer.seed, 4))
    led = np.pad(index, (LEAD["months"], 0), constant_values=1.0)[: len(MONTHS)] ** ELASTICITY
    is_led = (series["family"] == LEAD["family"]).to_numpy()[:, None]
    base = _base(series) * np.where(is_led, led, 1.0)
    without = _launched(series, base * _effect(series, _given.read("events", is_clean=True)))
    expected = _launched(series, base * _effect(series, events))
    promotions = events[events["kind"] == "promotion"]
    is_promoted = _effect(series, promotions.assign(true_rate=1.0)) > 1.0
    wanted = _wanted(series, expected[:, : CYCLE + AHEAD], rng)
    bulk, is_returned = (fault * (not offer.is_clean) for fault in _faults(offer, wanted))
    if offer.is_clean:
        events = events.assign(expected_rate=events["true_rate"])
    truths = {
        "expected": _given.cells(series, expected),
        "events": events,
        "bulk_orders": _given.cells(series, bulk),
        "market_lead": dict(LEAD, elasticity=ELASTICITY),
        "market_without_effect": IDLE,
    }
    series_of_market = [_market(index, _given.stream(offer.seed, 6)), _size(offer, base)]
    made = {"events": events, "market": pd.concat(series_of_market, ignore_index=True)}
    return Demand(expected, without, wanted + bulk, is_promoted, is_returned, made, truths)


def _base(series: pd.DataFrame) -> np.ndarray:
    """Expected demand of season, growth, channel shift and lifecycle."""
    col = {name: series[name].to_numpy()[:, None] for name in series.columns}
    years = np.arange(len(MONTHS)) / 12
    season = np.exp(col["swing"] * np.cos(2 * np.pi * (MONTHS.month.to_numpy() - col["peak"]) / 12))
    season = season / season[:, :12].mean(axis=1, keepdims=True)
    channel = col["first_share"] + (col["last_share"] - col["first_share"]) * years / years[-1]
    day, month = MONTHS.to_numpy(), np.timedelta64(1, "D") * 30.4
    age_months = (day - col["launch_month"]) / month
    left_months = np.nan_to_num((col["end_month"] - day) / month, nan=99)
    life = np.clip((age_months + 1.1) / 6, 0, 1) * np.clip((left_months + 1.1) / 5, 0, 1)
    life = life * (age_months > -0.5) * (left_months > -0.5)
    growth = (1 + col["growth"]) ** years
    return col["quantity"] * col["share"] * channel * season * growth * life


def _index(rng: np.random.Generator) -> np.ndarray:
    """Retail index around 1 over MONTHS; after the cycle it falls back to 1 without a shock."""
    shocks = np.where(np.arange(len(MONTHS)) < CYCLE, rng.normal(0, 0.04, len(MONTHS)), 0.0)
    return np.exp(_given.wander(shocks, 0.8))


def _effect(series: pd.DataFrame, events: pd.DataFrame) -> np.ndarray:
    """Factor by which events move demand; they multiply one another."""
    factor = np.ones((len(series), len(MONTHS)))
    for event in events.itertuples():
        cells = np.ix_(
            _given.covers(series, event), _given.active(event.first_month, event.last_month)
        )
        factor[cells] *= 1 + event.true_rate
    return factor


def _launched(series: pd.DataFrame, expected: np.ndarray) -> np.ndarray:
    """Expected demand with that of the items to be launched, taken from like items."""
    expected = expected.copy()
    for launch in _given.read("launches").itertuples():
        is_new = (series["item"] == launch.item).to_numpy()
        is_like = (series["item"] == launch.like_item).to_numpy()
        start = MONTHS.get_loc(series.loc[is_new, "launch_month"].iloc[0])
        ramp = np.clip((np.arange(len(MONTHS)) - start + 1) / launch.ramp_months, 0, 1)
        like = expected[is_like]
        if launch.like_item == launch.replaces_item:  # it ends: as it sold two years before
            like = np.concatenate([like[:, :24], like[:, :-24]], axis=1)
        expected[is_new] += launch.weight_share * launch.scale_rate * like * ramp
    return expected


def _wanted(series: pd.DataFrame, expected: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Whole units wanted: noise by item and month, by cell, and months in which nobody buys."""
    count, items = expected.shape[1], pd.factorize(series["item"])[0]
    chance = series["chance"].to_numpy()[:, None]
    draw = rng.random(expected.shape)
    rank = draw[:, :CYCLE].argsort(axis=1).argsort(axis=1)
    # as many months with sales as the chance says, so that every lumpy series is
    is_bought = np.concatenate([rank < np.round(chance * CYCLE), draw[:, CYCLE:] < chance], axis=1)
    wobble = rng.gamma(120, 1 / 120, (items.max() + 1, count))[items]
    mean = expected * wobble * rng.gamma(25, 1 / 25, expected.shape) / chance
    least = (chance < 1).astype(int)  # who buys a lumpy item buys one at least
    return (least + rng.poisson(np.maximum(mean - least, 0))) * is_bought * (expected > 0)


def _faults(offer: Offer, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Units of bulk orders, and the cells of closed months in which more came back than went."""
    series, rng = offer.series, _given.stream(offer.seed, 5)
    past = np.arange(wanted.shape[1]) < CYCLE
    is_plain = ((series["chance"] == 1) & ~series["is_service"]).to_numpy()[:, None] & past
    is_dealer = (series["channel"] == "Wholesale").to_numpy()[:, None]
    chosen = []
    for cells in (is_plain & is_dealer & (wanted > 25), is_plain & (wanted > 0) & (wanted < 6)):
        picked = rng.choice(np.flatnonzero(cells), PLANTED_CELLS, replace=False)
        chosen.append(np.isin(np.arange(wanted.size), picked).reshape(wanted.shape))
    return chosen[0] * wanted * (BULK_FACTOR - 1), chosen[1][:, :CYCLE]


def _market(index: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """Table `market`: the index that leads, and the weather of one region, that does nothing."""
    past = MONTHS[:CYCLE]
    weather = 6 - 11 * np.cos(2 * np.pi * (past.month - 1.5) / 12) + rng.normal(0, 1.4, CYCLE)
    value = np.concatenate([100 * index[:CYCLE], weather]).round(2)
    name = np.repeat([LEAD["series"], IDLE], CYCLE)
    region = np.repeat(["all", "Scandinavia"], CYCLE)
    month = past.append(past)
    return pd.DataFrame({"series": name, "month": month, "value": value, "region": region})


def _size(offer: Offer, base: np.ndarray) -> pd.DataFrame:
    """Rows of `market`: euro a month spent on one family, of which the company had a share."""
    is_own = (offer.series["family"] == SIZE["family"]).to_numpy()
    spent = (base * offer.price * offer.to_euro)[is_own, :CYCLE].sum(axis=0) / SIZE["share"]
    noise = _given.stream(offer.seed, 11).normal(1.0, 0.02, CYCLE)
    rows = {"series": "market size", "month": MONTHS[:CYCLE], "value": (spent * noise).round(-2)}
    return pd.DataFrame(rows | {"family": SIZE["family"], "region": "all"})
