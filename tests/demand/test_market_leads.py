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


# several series at once, and those that cannot be tried


def told_of(market: pd.DataFrame, own: np.ndarray, seed: int = 0) -> tuple:
    """Believed leads beside each other, and why others are left out."""
    covered = covered_by(own, seed)
    nothing = np.zeros((0, *covered.groups.log.shape))
    fit = driver_model.fit(covered.groups, nothing)
    known = market_leads.series(market, SPAN)
    leads, tries = market_leads.believed(covered, fit, known)
    return market_leads.together(covered, nothing, leads, fit)[:2], leads, tries


@pytest.mark.parametrize(
    ("seed", "reason"), [(4, "its effect turns round"), (6, "its interval holds zero")]
)
def test_series_that_tell_the_same_are_one_and_no_interval_holds_zero(seed, reason):
    rng = np.random.default_rng(seed)
    own = memory_of(rng)
    gappy = np.where(np.arange(COUNT) % 5 == 4, np.nan, np.exp(own))
    blurred = np.exp(own + 0.04 * rng.normal(size=COUNT))
    near = np.exp(own + 0.005 * rng.normal(size=COUNT))
    market = market_of(full=np.exp(own), gappy=gappy, near=near, blurred=blurred)
    (kept, why), leads, _ = told_of(market, own, seed)
    assert len(leads) == 4  # each alone is beyond chance
    (lead,) = kept
    assert (lead.series.name, lead.lag) == ("full", LAG)
    assert lead.effect == pytest.approx(EFFECT, abs=3 * lead.error)
    assert why["near", "F"] == "nearly the same as full 3 months later, which says more"
    assert reason in why["blurred", "F"] and ("gappy", "F") in why


@pytest.mark.parametrize(("count", "lags"), [(2, True), (10, False)])
def test_a_silent_series_counts_where_it_leads_by_more_than_it_is_silent(count, lags):
    own = memory_of(np.random.default_rng(6))
    stopped = np.where(np.arange(COUNT) < COUNT - count, np.exp(own), np.nan)
    (kept, _), _, tries = told_of(market_of(stopped=stopped), own)
    told = [lead for lead in kept if lead.family == "F" and lead.lag == LAG]
    assert bool(told) is lags
    since = months.label(SPAN[COUNT - count])
    assert f"silent since {since}, so only leads of {count + 1} months" in tries["remark"].iloc[0]
    for lead in told:  # known for one month ahead: then it fades
        rate = np.log1p(market_leads.rates([lead], SPAN, ahead=3)["rate"].to_numpy()[COUNT:])
        assert rate[0] == pytest.approx(lead.effect * lead.series.values[COUNT - LAG])
        assert rate[1:] == pytest.approx(rate[0] * lead.series.memory ** np.arange(1, 3))


def test_what_cannot_be_tried_says_why():
    number = np.arange(COUNT)
    value = np.random.default_rng(7).normal(size=COUNT)
    market = market_of(
        constant=np.ones(COUNT),
        short=np.where(number >= 25, value, np.nan),
        holed=np.where((number > 20) & (number < 25), np.nan, value),
        ended=np.where(number < 47, value, np.nan),
        single=np.where(number == 20, np.nan, value),
    )
    why = {name: words for (name, _), words in market_leads.flaws(market, SPAN).items()}
    assert why == {
        "constant": "it never changes",
        "short": "known in 35 months of the history: 36 are needed",
        "holed": "4 months without a value from 2022-10: fill the gap",
        "ended": "silent since 2024-12: it says nothing of months ahead",
    }
    assert [one.name for one in market_leads.series(market, SPAN)] == ["single"]
