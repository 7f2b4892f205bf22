"""ETS and SARIMAX on one series: published estimates, recursions by hand, events, words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from sopkit import months
from sopkit.demand import single_models

# Box and Jenkins' series G, thousands of passengers, 1949 to 1960
AIR = np.array(
    """112 118 132 129 121 135 148 148 136 119 104 118
    115 126 141 135 125 149 170 170 158 133 114 140
    145 150 178 163 172 178 199 199 184 162 146 166
    171 180 193 181 183 218 230 242 209 191 172 194
    196 196 236 235 229 243 264 272 237 211 180 201
    204 188 235 227 234 264 302 293 259 229 203 229
    242 233 267 269 270 315 364 347 312 274 237 278
    284 277 317 313 318 374 413 405 355 306 271 306
    315 301 356 348 355 422 465 467 404 347 305 336
    340 318 362 348 363 435 491 505 404 359 310 337
    360 342 406 396 420 472 548 559 463 407 362 405
    417 391 419 461 472 535 622 606 508 461 390 432
    """.split(),
    dtype="float64",
)


def no_events(count: int) -> pd.DataFrame:
    return pd.DataFrame(index=range(count))


def fit(values, ahead=12, model="ets", events=None, **parameters):
    rates = no_events(len(values) + ahead) if events is None else events
    return single_models.fit(values, model=model, parameters=parameters, events=rates)


def value(found: single_models.Fit, name: str) -> float:
    return found.parameters.set_index("parameter").loc[name, "value"]


def test_the_airline_model_has_the_published_estimates():
    # R 4, example of stats::arima: ARIMA(0,1,1)(0,1,1) of log10 or log: ma1 -0.4018, sma1 -0.5569
    found = fit(AIR, model="sarimax", order=(0, 1, 1), seasonal_order=(0, 1, 1))
    assert found.words == "SARIMA(0,1,1)(0,1,1) on logarithms"
    assert value(found, "moving average, lag 1") == pytest.approx(-0.4018, abs=2e-3)
    assert value(found, "moving average, lag 12") == pytest.approx(-0.5569, abs=2e-3)
    # its log likelihood is 244.70: AICc of two parameters and a variance on 131 differences
    assert found.aicc == pytest.approx(-2 * 244.70 + 2 * 3 + 2 * 3 * 4 / (131 - 4), abs=0.1)
    assert (found.lower < found.mean).all() and (found.mean < found.upper).all()


def test_held_smoothing_is_the_recursion_by_hand():
    values = np.array([12.0, 15, 11, 14, 18, 13, 16, 17, 12, 19, 15, 16, 20, 14, 17])
    found = fit(values, form="ANN", alpha=0.3)
    level, said = value(found, "first level"), []
    for amount in values:
        said.append(level)
        level += 0.3 * (amount - level)
    np.testing.assert_allclose(found.fitted, said)
    np.testing.assert_allclose(found.mean, level)
    assert found.parameters.set_index("parameter").loc["alpha", "state"] == "held"
    # a step ahead the band is that of the errors, two figures having been learned from them
    width = found.upper[0] - found.lower[0]
    spread = np.sqrt(np.sum((values - said) ** 2) / 13)
    assert width == pytest.approx(2 * 1.2816 * spread, rel=0.04)


def test_smoothing_and_season_of_a_simulated_series_are_found_again():
    rng = np.random.default_rng(3)
    season = 40.0 * np.sin(np.arange(12) * np.pi / 6)
    level, values = 200.0, []
    for month in range(240):
        error = rng.normal(scale=8.0)
        values.append(level + season[month % 12] + error)
        level += 0.4 * error
    found = fit(np.array(values), form="ANA")
    assert value(found, "alpha") == pytest.approx(0.4, abs=0.12)
    assert value(found, "gamma") < 0.1
    bounds = found.parameters.set_index("parameter").loc["alpha"]
    assert bounds["lower"] < bounds["value"] < bounds["upper"] < 0.6


def test_a_parameter_at_its_edge_has_no_interval_and_the_others_have_theirs():
    rng = np.random.default_rng(2)
    level = 100.0 + np.cumsum(rng.normal(scale=3.0, size=72))  # alpha near one half, season fixed
    values = level + 30.0 * np.sin(np.arange(72) * np.pi / 6) + rng.normal(scale=3.0, size=72)
    table = fit(values, form="ANA").parameters.set_index("parameter")
    assert table.loc["gamma", "value"] < 0.005 and np.isnan(table.loc["gamma", "lower"])
    lower, upper = table.loc["alpha", ["lower", "upper"]]
    assert 0.0 <= lower < table.loc["alpha", "value"] < upper <= 1.0
    # one parameter alone: by the curvature of the sum of squares of the recursion by hand
    noisy = level + rng.normal(scale=4.0, size=72)
    own = fit(noisy, form="ANN").parameters.set_index("parameter")
    first = own.loc["first level", "value"]

    def likelihood(alpha: float) -> float:
        state, squares = first, 0.0
        for amount in noisy:
            squares += (amount - state) ** 2
            state += alpha * (amount - state)
        return -36.0 * np.log(squares)

    alpha, step = own.loc["alpha", "value"], 1e-3
    bend = likelihood(alpha + step) - 2 * likelihood(alpha) + likelihood(alpha - step)
    width = 1.2816 * step / np.sqrt(-bend)
    assert own.loc["alpha", "upper"] - alpha == pytest.approx(width, rel=0.01)


def test_autoregression_and_the_size_of_events_are_found_again():
    rng = np.random.default_rng(5)
    noise = np.zeros(120)
    for month in range(1, 120):
        noise[month] = 0.6 * noise[month - 1] + rng.normal(scale=0.05)
    rates = np.zeros(132)
    rates[[20, 33, 50, 71, 88, 103, 125]] = 0.3
    values = 100.0 * np.exp(noise[:120] + 1.5 * np.log1p(rates[:120]))
    events = pd.DataFrame({"promotion": rates})
    asked = {"order": (1, 0, 0), "seasonal_order": (0, 0, 0)}
    found = fit(values, model="sarimax", events=events, **asked)
    assert value(found, "autoregression, lag 1") == pytest.approx(0.6, abs=0.12)
    multiple = "promotion: times what was expected"
    assert value(found, multiple) == pytest.approx(1.5, abs=0.15)
    lift = found.mean[5] / found.mean[4]  # month 125 has an event, 124 has none
    assert lift == pytest.approx(1.3**1.5, rel=0.05)
    smooth = fit(values, form="ANN", events=events)
    assert value(smooth, multiple) == pytest.approx(1.5, abs=0.3)
    assert smooth.mean[5] / smooth.mean[4] == pytest.approx(1.3 ** value(smooth, multiple))


@pytest.mark.parametrize("model", ["ets", "sarimax"])
def test_an_event_that_the_season_hides_is_taken_as_expected_and_said(model):
    rates = np.zeros(60)
    rates[10::12] = 0.3  # every November, as large every year
    rates[52] = 0.5  # and once in the plan
    season = 1.0 + 0.3 * np.sin(np.arange(60) * np.pi / 6)
    noise = np.random.default_rng(0).normal(scale=0.02, size=60)
    values = (100.0 * season * (1.0 + rates) * np.exp(noise))[:48]
    found = fit(values, model=model, events=pd.DataFrame({"promotion": rates}))
    own = found.parameters.set_index("parameter").loc["promotion: times what was expected"]
    assert own["value"] == 1.0 and own["state"] == "expected"
    assert any("cannot tell the size" in note for note in found.notes)
    without = fit(
        values, model=model, events=pd.DataFrame({"promotion": np.r_[rates[:52], 0, rates[53:]]})
    )
    assert found.mean[4] / without.mean[4] == pytest.approx(1.5)
    np.testing.assert_allclose(found.mean[5:], without.mean[5:])


def test_a_month_ahead_that_lacks_its_usual_event_is_said():
    rates = np.zeros(60)
    rates[10:48:12] = 0.3
    values = 100.0 + np.random.default_rng(0).normal(scale=5.0, size=48)
    notes = fit(values, events=pd.DataFrame({"promotion": rates})).notes
    assert any("enter it in the table events" in note for note in notes)


def test_the_form_has_the_least_aicc_of_those_that_can_be():
    rng = np.random.default_rng(1)
    values = 100.0 + 30.0 * np.sin(np.arange(48) * np.pi / 6) + rng.normal(scale=4.0, size=48)
    chosen = fit(values)
    each = {form: fit(values, form=form).aicc for form in single_models.FORMS}
    assert chosen.choice["form"] == min(each, key=each.get)
    assert chosen.choice["form"][-1] in "AM"


def test_months_that_are_not_known_and_zeros_are_no_hindrance():
    values = AIR[:60].copy()
    values[[7, 30]] = np.nan
    for model in single_models.MODELS:
        found = fit(values, model=model)
        assert np.isfinite(found.mean).all() and (found.mean > 0).all()
    lumpy = np.where(np.arange(40) % 5 == 0, 10.0, 0.0)
    for model in single_models.MODELS:
        found = fit(lumpy, model=model)
        assert np.isfinite(found.upper).all() and (found.lower >= 0).all()
        assert not found.words.endswith("logarithms")


@pytest.mark.parametrize(
    ("model", "parameters", "words"),
    [
        ("arima", {}, "Did you mean 'sarimax'?"),
        ("ets", {"alfa": 0.1}, "Did you mean 'alpha'?"),
        ("ets", {"alpha": 1.2}, "alpha is 1.2. It lies between 0 and 1."),
        ("ets", {"form": "MAA"}, "trend and season need 24 months"),
        ("ets", {"form": "XYZ"}, "no form 'XYZ'"),
        ("sarimax", {"order": (1, 0)}, "Give three counts from 0"),
        ("sarimax", {"alpha": 0.1}, "SARIMAX has no parameter 'alpha'"),
    ],
)
def test_what_cannot_be_is_said_with_the_way_out(model, parameters, words):
    with pytest.raises(months.UsageError, match=".*") as caught:
        fit(AIR[:20], model=model, **parameters)
    assert words in str(caught.value)


def test_bounds_of_parameters_are_those_of_statsmodels():
    found = fit(AIR, model="sarimax", order=(1, 1, 0), seasonal_order=(0, 1, 0))
    model = sm.tsa.SARIMAX(np.log(AIR), order=(1, 1, 0), seasonal_order=(0, 1, 0, 12))
    own = model.fit(disp=False)
    row = found.parameters.set_index("parameter").loc["autoregression, lag 1"]
    np.testing.assert_allclose(
        row[["lower", "upper"]].astype(float), own.conf_int(0.2)[0], atol=0.01
    )
