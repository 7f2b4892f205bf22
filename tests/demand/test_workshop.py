"""A series studied: parts, tests, years held out, and words where nothing can be told."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from sopkit import months
from sopkit.demand import decomposing, diagnostics, single_models, workshop

FIRST = pd.Timestamp("2021-01-01")
NO_PANEL = pd.DataFrame(columns=["month", "quantity", "quantity_lower", "quantity_upper"])


def study(values, past=None, **choices):
    values = np.asarray(values, dtype="float64")
    month = months.span(FIRST, len(values))
    events = pd.DataFrame(index=range(len(values) + 12))
    past = pd.DataFrame({"origin": month[:0], "month": month[:0]}) if past is None else past
    return workshop.study(values, month, events=events, panel=NO_PANEL, past=past, **choices)


def seasonal(count, seed=0, spread=4.0):
    noise = np.random.default_rng(seed).normal(scale=spread, size=count)
    return 100.0 + 30.0 * np.sin(np.arange(count) * np.pi / 6) + noise


@pytest.mark.parametrize("shift", [0.0, -90.0])
def test_parts_add_up_to_the_series_on_their_scale(shift):
    values = np.maximum(seasonal(60) + shift, 0.0)
    parts = decomposing.decompose(values)
    assert parts.is_log == (shift == 0.0)
    whole = parts.trend + parts.season + parts.rest
    np.testing.assert_allclose(whole, np.log(values) if parts.is_log else values, atol=1e-12)
    assert parts.season_strength > 0.8


def test_unknown_months_are_filled_near_what_they_were():
    values = seasonal(60, spread=1.0)
    gaps = values.copy()
    gaps[[4, 17, 18, 40]] = np.nan
    np.testing.assert_allclose(decomposing.filled(gaps), values, atol=8.0)
    known = np.isfinite(gaps)
    np.testing.assert_array_equal(decomposing.filled(gaps)[known], values[known])


def test_white_noise_is_not_refuted_and_what_follows_from_the_months_before_is():
    noise = np.random.default_rng(11).normal(size=300)
    wave = np.convolve(noise, [1.0, 0.8], "valid")
    calm = diagnostics.residual_tests(noise, np.arange(300.0), noise, parameters=0)
    assert not calm.set_index("test")["is_alarm"].drop("ADF").any()
    told = diagnostics.residual_tests(wave, np.arange(299.0), wave.cumsum(), parameters=0)
    told = told.set_index("test")["is_alarm"]
    assert told["Ljung-Box"] and told["KPSS"] and not told["ADF"]
    # the statistic by its formula, lags 1 to 24
    centred = wave - wave.mean()
    own = [centred[k:] @ centred[:-k] / (centred @ centred) for k in range(1, 25)]
    box = 299 * 301 * sum(r**2 / (299 - k) for k, r in enumerate(own, 1))
    found = diagnostics.residual_tests(wave, np.arange(299.0), wave, parameters=0)
    assert found.set_index("test").loc["Ljung-Box", "statistic"] == pytest.approx(box)
    np.testing.assert_allclose(diagnostics.correlations(wave)["acf"], own)


def test_false_alarms_of_ljung_box_are_as_rare_as_promised():
    rng, alarms = np.random.default_rng(0), 0
    for _ in range(80):
        noise = rng.normal(size=60)
        table = diagnostics.residual_tests(noise, noise, np.zeros(60), parameters=0)
        alarms += table.set_index("test").loc["Ljung-Box", "is_alarm"]
    assert 1 <= alarms <= 10  # of 80 at five percent: within 3 standard deviations


def test_a_year_held_out_sees_earlier_months_only():
    values = seasonal(60)
    found = study(values, model="ets", parameters={"form": "ANA"})
    name = found.fit.words
    for origin, rows in found.past.groupby("origin"):
        position = int(months.number(origin) - months.number(FIRST))
        alone = single_models.fit(
            values[:position],
            model="ets",
            parameters={"form": "ANA"},
            events=pd.DataFrame(index=range(position + 12)),
        )
        np.testing.assert_allclose(rows[name], alone.mean)
        np.testing.assert_allclose(rows["actual"], values[position : position + 12])
        np.testing.assert_allclose(rows[workshop.LAST_YEAR], values[position - 12 : position])
    assert found.past["origin"].nunique() == len(workshop.ORIGINS)
    scores = found.scores.set_index("who")
    error = found.past[name] - found.past["actual"]
    assert scores.loc[name, "wape"] == pytest.approx(error.abs().sum() / found.past["actual"].sum())
    assert scores.loc[name, "bias_rate"] == pytest.approx(error.sum() / found.past["actual"].sum())


def _panel_said(values, shift, spread, seed=1):
    """A rival that is off by a shift and noise, at the origins."""
    month, rng, rows = months.span(FIRST, len(values)), np.random.default_rng(seed), []
    for back in workshop.ORIGINS:
        origin = len(values) - back
        said = values[origin : origin + 12] + shift + rng.normal(scale=spread, size=12)
        ahead = month[origin : origin + 12]
        rows.append(pd.DataFrame({"origin": month[origin], "month": ahead, workshop.PANEL: said}))
    return pd.concat(rows, ignore_index=True)


def test_a_rival_that_is_far_off_loses_by_more_than_noise_and_one_alike_does_not():
    values = seasonal(60)
    far = study(values, past=_panel_said(values, 40.0, 4.0))
    assert "was better, and the difference is more than noise" in workshop.comparison(far)
    assert workshop.comparison(far).count(far.fit.words) == 2
    alike = study(values, past=_panel_said(values, 0.0, 5.2))
    assert "no more than noise" in workshop.comparison(alike)
    own = alike.scores.set_index("who")["wape"][alike.fit.words]
    near = alike.scores.assign(wape=own + 1e-5 * (alike.scores["who"] == workshop.PANEL))
    told = workshop.comparison(dataclasses.replace(alike, scores=near.assign(p_value=0.001)))
    assert told.endswith("no difference to speak of.") and "better" not in told


def test_the_p_value_is_that_of_newey_and_west():
    more = pd.Series(np.random.default_rng(2).normal(0.3, 1.0, size=24))
    centred = (more - more.mean()).to_numpy()
    variance = centred @ centred
    variance += sum(2 * (1 - k / 4) * (centred[k:] @ centred[:-k]) for k in (1, 2, 3))
    variance *= 24 / 23 / 24**2
    from scipy import stats

    expected = 2 * stats.t.sf(abs(more.mean()) / np.sqrt(variance), 23)
    assert workshop.p_value(more) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([5.0, 6.0, 7.0], "Only 3 months are known: a model needs 8"),
        ([0.0] * 30, "Nothing was sold in any month"),
        ([7.0] * 30, "Every month is the same"),
        ([np.nan] * 30, "Only 0 months are known"),
        (np.where(np.arange(30) == 3, 4.0, np.nan), "Only 1 months are known"),
    ],
)
def test_what_tells_nothing_is_said_in_words(values, words):
    found = study(values)
    assert found.fit is None and words in found.notes[0]
    assert found.scores.empty and found.tests.empty and found.parts is None
    assert "nothing is compared" in workshop.comparison(found)


def test_short_and_lumpy_series_are_studied_and_told_what_they_lack():
    short = study(seasonal(14))
    assert short.fit is not None and short.parts is None
    assert "trend and season are told from 24 on" in short.notes[0]
    lumpy = study(np.where(np.arange(60) % 4 == 0, 9.0, 0.0) + (np.arange(60) == 20))
    assert any("45 of 60 months" in note for note in lumpy.notes)
    gaps = seasonal(60)
    gaps[30:32] = np.nan
    told = study(gaps)
    assert "2 of 60 months" in told.notes[0] and told.history["is_filled"].sum() == 2
    one = study(np.where(np.arange(40) == 20, 9.0, 0.0))  # one sale in all
    assert one.fit is not None and np.isfinite(one.ahead["quantity"]).all()
