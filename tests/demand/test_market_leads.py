"""Market series that lead demand: what counts of them, which are believed, what they bring."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months, schema
from sopkit.demand import driver_groups, driver_model, history, market_leads

COUNT, AHEAD = 60, 12
SPAN = months.span(pd.Timestamp("2021-01-01"), COUNT)
EFFECT, LAG = 0.8, 3


def memory_of(rng: np.random.Generator, count: int = COUNT) -> np.ndarray:
    """A series that remembers 0.6 of the month before."""
    values = np.zeros(count)
    for month in range(1, count):
        values[month] = 0.6 * values[month - 1] + 0.08 * rng.normal()
    return values


def market_of(**series: np.ndarray) -> pd.DataFrame:
    parts = [pd.DataFrame({"series": n, "month": SPAN, "value": v}) for n, v in series.items()]
    return pd.concat(parts).assign(family=None, region=None)


def covered_by(driver: np.ndarray, seed: int = 0) -> driver_groups.Covered:
    """Family F follows a driver after ``LAG`` months, family G does not; two channels each."""
    rng, parts = np.random.default_rng(seed), []
    led = np.concatenate([np.zeros(LAG), driver[:-LAG]])
    for family in "FG":
        for channel in ("Online", "Retail"):
            demand = np.exp(7 + EFFECT * led * (family == "F") + 0.02 * rng.normal(size=COUNT))
            key = {"item": family, "location": "all", "channel": channel, "month": SPAN}
            parts.append(pd.DataFrame(key | {"demand": demand, "sales": demand}))
    table = history.with_effects(pd.concat(parts, ignore_index=True), {})
    series = table[schema.SERIES].drop_duplicates(ignore_index=True)
    series = series.assign(family=series["item"], factor=1.0, region="all")
    series = series.assign(launch_month=pd.NaT, end_month=pd.NaT)
    return driver_groups.groups(table, series, [])


def test_values_are_logarithms_beside_trend_and_season():
    rng = np.random.default_rng(1)
    wave, time = np.sin(np.arange(COUNT) * np.pi / 6), np.arange(COUNT)
    own = memory_of(rng)
    market = market_of(index=np.exp(own), grown=np.exp(own + 0.02 * time + 0.5 * wave))
    told = {one.name: one for one in market_leads.series(market, SPAN)}
    assert told["grown"].values == pytest.approx(told["index"].values)
    assert told["index"].is_log and 0.3 < told["index"].memory < 0.9
    assert (told["index"].family, told["index"].region) == (schema.ALL, schema.ALL)


def test_series_below_zero_are_standard_deviations_and_short_or_constant_ones_are_none():
    rng = np.random.default_rng(2)
    short = np.where(np.arange(COUNT) < 35, rng.normal(size=COUNT), np.nan)
    market = market_of(short=short, constant=np.ones(COUNT), mood=rng.normal(size=COUNT))
    (one,) = market_leads.series(market, SPAN)
    assert one.name == "mood" and not one.is_log
    assert one.values.std() == pytest.approx(1.0, abs=0.2)


def test_months_not_known_move_nothing():
    values = np.where(np.arange(COUNT) % 10 == 5, np.nan, np.random.default_rng(3).normal(size=60))
    (one,) = market_leads.series(market_of(gaps=values), SPAN)
    assert (one.values[5::10] == 0).all() and np.isfinite(one.values).all()


def planted(seed: int) -> tuple:
    """Groups, believed leads and tries where `index` leads F and `idle` leads nothing."""
    rng = np.random.default_rng(seed)
    own = memory_of(rng)
    market = market_of(index=np.exp(own), idle=np.exp(memory_of(rng)))
    covered = covered_by(own, seed)
    fit = driver_model.fit(covered.groups, np.zeros((0, *covered.groups.log.shape)))
    return covered, *market_leads.believed(covered, fit, market_leads.series(market, SPAN))


def test_the_series_that_leads_is_believed_in_its_family_at_its_lag():
    wrong = 0
    for seed in range(5):
        covered, leads, tries = planted(seed)
        right = [lead for lead in leads if (lead.series.name, lead.family) == ("index", "F")]
        assert [lead.lag for lead in right] == [LAG]
        wrong += len(leads) > 1
        assert tries["driver"].tolist() == ["idle", "index"]
        # two series, two families, thirteen lags
        assert tries["needed"].to_numpy() == pytest.approx(0.1 / 52)
        assert tries["p_value"].iloc[1] < 1e-6
    assert wrong <= 1  # one in ten of the believed may be chance
    column = market_leads.column(covered, right[0])
    is_own = covered.groups.family == covered.families.index("F")
    assert not column[:, ~is_own].any() and not column[:LAG].any()
    assert column[LAG:, is_own][:, 0] == pytest.approx(right[0].series.values[:-LAG])


def test_the_companys_own_market_leads_nothing_in_its_own_month():
    own = memory_of(np.random.default_rng(5))
    market = market_of(**{market_leads.MARKET: np.exp(own)})
    covered = covered_by(own)
    fit = driver_model.fit(covered.groups, np.zeros((0, *covered.groups.log.shape)))
    tries = market_leads.believed(covered, fit, market_leads.series(market, SPAN))[1]
    assert tries["needed"].to_numpy() == pytest.approx(0.1 / 24)


def test_no_series_is_no_lead():
    leads, tries = market_leads.believed(covered_by(np.zeros(COUNT)), None, [])
    assert leads == [] and tries.empty


def test_rates_are_known_for_the_lag_and_fade_by_hand():
    values = np.arange(1.0, 6.0)
    one = market_leads.Series("index", schema.ALL, schema.ALL, values, 0.5, True)
    lead = replace(market_leads.Lead(one, "F", 2, 0.01), effect=0.1)
    table = market_leads.rates([lead], SPAN[:5], ahead=4)
    contract.check_processed("market_rates", table)
    # two months later; from the third month ahead half of the month before
    assert np.log1p(table["rate"]).to_numpy() == pytest.approx(
        [0.0, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.25, 0.125]
    )
    assert (table["lag_months"] == 2).all() and table["month"].iloc[0] == SPAN[0]
    contract.check_processed("market_rates", market_leads.rates([], SPAN[:5], ahead=4))
