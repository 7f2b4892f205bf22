"""People choose a model for some series: it forecasts them alone, and the table says if it pays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, demand_meeting, methods, months, schema
from sopkit.demand import choices, chosen, forecasting, models, panel, single_models, smoothing
from sopkit.demand.apart import ALONE

HORIZON, COUNT = 6, 48
NAMES = list(forecasting.MODELS)


def policies(*rows: dict) -> pd.DataFrame:
    """Table `policies`, typed; each row says model, levels and what differs."""
    usual = {"kind": "model", "cycle": "2026-01", "reason": "nearer", "author": "Ada"}
    usual |= {"entered_at": "2026-01-05T10:00:00Z"}
    frame = pd.DataFrame([usual | row for row in rows])
    return contract.check_table("policies", frame, contract.Source("policies")).frame


def _tests() -> forecasting.Backtest:
    """Four steady series, a rare one, one that never sold and a young one."""
    rng = np.random.default_rng(5)
    season = 1.0 + 0.3 * np.sin(np.arange(COUNT) * np.pi / 6)
    values = rng.normal(100.0, 8.0, (COUNT, 7)) * season[:, None]
    values[:, 4] = rng.poisson(0.4, COUNT)
    values[:, 5], values[: COUNT - 5, 6] = 0.0, np.nan
    keys = pd.DataFrame({"item": list("ABCDEFG"), "location": "all", "channel": "all"})
    series = panel.Panel(keys, months.span(pd.Timestamp("2022-01-01"), COUNT), values)
    return forecasting.backtest(series, series, np.full(7, -1), horizon=HORIZON)


TESTS = _tests()
SERIES = TESTS.history.keys.assign(
    family=["T", "T", "S", "S", "S", "S", "S"],
    **dict.fromkeys(["category", "region", "segment"], "unassigned"),
)


def applied(*rows: dict, room: int = 60) -> forecasting.Backtest:
    return chosen.applied(TESTS, policies(*rows), SERIES, room=room, factor=np.ones(7))


def told(*rows: dict) -> pd.DataFrame:
    """Table `model_choices`."""
    tests = applied(*rows)
    names = pd.Series(forecasting.chosen_names(tests))
    return choices.table(policies(*rows), SERIES, names, chosen.errors(tests))


def in_force(*rows: dict) -> list[str]:
    """Model that counts for each series, empty for the combination."""
    known = choices.rows(policies(*rows))
    names = np.append(known["model"].to_numpy(), "")
    return names[choices.in_force(known, SERIES)].tolist()


def test_what_may_be_chosen_is_what_runs():
    assert list(methods.METHODS) == [methods.COMBINED, *NAMES, *methods.SINGLE]
    for name, letters in list(methods.METHODS.items())[1:-2]:
        run = models.MODELS[name].run
        form = next(iter(getattr(run, "args", [])), None)
        points = np.zeros((1, 4)) if form is None else form.grid
        assert ("alpha" in letters) == (form is not None)
        assert ("beta" in letters) == ("phi" in letters) == (points[:, 1] > 0).any()
        assert ("gamma" in letters) == (form is not None and form.season != "none")


def test_a_chosen_model_alone_forecasts_its_series_and_no_other_changes():
    made, number = applied({"model": "theta_root", "family": "T"}), NAMES.index("theta_root")
    own, others = [0, 1], [2, 3, 4, 5, 6]
    is_told = np.isfinite(TESTS.forecasts[number][..., own])
    assert is_told.any() and not np.array_equal(made.mean, TESTS.mean)
    assert np.array_equal(
        made.combined[..., own][is_told], TESTS.forecasts[number][..., own][is_told]
    )
    assert np.array_equal(made.mean[:, own], TESTS.ahead[number][:, own])
    assert (made.share[number, own] == 1.0).all() and (made.share[:, own].sum(axis=0) == 1.0).all()
    for name in ("combined", "mean", "share", "ahead", "forecasts"):
        now, before = (getattr(tests, name)[..., others] for tests in (made, TESTS))
        assert np.array_equal(now, before, equal_nan=True), name
    table = forecasting.forecast(made, pd.Series(pd.NaT, range(7), dtype=months.DTYPE))
    assert set(table.loc[table["item"].isin(["A", "B"]), "model"]) == {"theta_root"}


def test_without_a_choice_the_very_same_back_test_comes_back():
    assert (
        chosen.applied(TESTS, contract.empty("policies"), SERIES, room=0, factor=np.ones(7))
        is TESTS
    )
    assert applied({"model": "theta", "item": "NOBODY"}) is TESTS
    assert applied({"model": "theta", "item": "F"}) is TESTS  # never sold: zero, whoever forecasts


def test_a_model_may_be_chosen_for_demand_it_is_not_meant_for():
    number = NAMES.index("holt")
    assert not np.isfinite(TESTS.ahead[number, :, 4]).any()
    made = applied({"model": "holt", "item": "E"})
    assert forecasting.chosen_names(made)[4] == "holt" and (made.mean[:, 4] >= 0).all()


def test_held_parameters_are_the_grid_of_one_point():
    words = "alpha=0.3; beta=0.06; phi=0.9; gamma=0.07"
    made = applied({"model": "damped_trend", "parameters": words, "item": "A"})
    point = np.array([[0.3, 0.06, 0.9, 0.07]])
    form = replace(models.MODELS["damped_trend"].run.args[0], grid=point)
    known = {origin: season[:, [0]] for origin, season in TESTS.known_seasons.items()}
    alone = smoothing.at_origins(TESTS.history.values[:, [0]], form, list(known), HORIZON, known)
    np.testing.assert_allclose(made.mean[:, 0], alone.forecasts[-1, :, 0], rtol=1e-5)
    assert not np.allclose(made.mean[:, 0], applied({"model": "damped_trend"}).mean[:, 0])


def test_parameters_left_out_are_averaged_over_stable_points():
    for held in ({"alpha": 0.2}, {"beta": 0.6}, {"gamma": 0.9}, {"beta": 0.3, "gamma": 0.7}):
        alpha, beta, _, gamma = chosen.held(models.MODELS["damped_trend"], held).run.args[0].grid.T
        assert (beta <= alpha + 1e-9).all() and (alpha + gamma <= 1 + 1e-9).all()
        values = {"alpha": alpha, "beta": beta, "gamma": gamma}
        assert all((values[name] == value).all() for name, value in held.items())


def test_ets_says_what_the_workshop_says_and_sees_earlier_months_only():
    made = applied({"model": "ets", "parameters": "form=ANA", "item": "A"})
    values, back = TESTS.history.values[:, 0], 3
    for origin, said in ((COUNT, made.mean[:, 0]), (COUNT - back, made.combined[-back, :6, 0])):
        events = pd.DataFrame(index=range(origin + HORIZON))
        known = {"model": "ets", "parameters": {"form": "ANA"}, "events": events}
        alone = single_models.fit(values[:origin], **known).mean
        np.testing.assert_allclose(said, alone, rtol=1e-9)
    shares = forecasting.weights(made).query("item == 'A'").set_index("model")["weight_share"]
    assert shares["ets"] == 1.0 and shares.sum() == 1.0


def test_what_has_no_sound_forecast_keeps_the_combination_and_is_named():
    made = applied({"model": "sarimax", "parameters": "order=(0,1,1)", "family": "S"}, room=1)
    names = forecasting.chosen_names(made)
    assert names.tolist() == ["", "", "sarimax", "", "", "", ""]
    assert np.array_equal(made.mean[:, [3, 4, 6]], TESTS.mean[:, [3, 4, 6]])
    named = forecasting.fallbacks(made).query("model == 'sarimax'")
    assert named["item"].tolist() == ["D", "E", "G"] and set(named["instead"]) == {
        "the combination"
    }
    assert named["reason"].str.contains("more than 60 series").all()
    young = applied({"model": "ets", "item": "G"})  # five months: nothing can be fitted
    assert np.array_equal(young.mean, TESTS.mean)
    assert forecasting.fallbacks(young).query("model == 'ets'")["item"].tolist() == ["G"]


def test_the_latest_choice_counts_and_of_one_moment_the_narrower():
    wide, narrow = {"model": "theta", "family": "T"}, {"model": "holt", "item": "A"}
    later = {"entered_at": "2026-01-06T10:00:00Z"}
    assert in_force(narrow, wide)[:2] == ["holt", "theta"]
    assert in_force(narrow, wide | later)[:2] == ["theta", "theta"]
    assert in_force(narrow | later, wide | {"cycle": "2026-02"})[:2] == ["theta", "theta"]
    assert in_force(wide, {"model": "combined", "item": "B"} | later)[:3] == ["theta", "", ""]
    assert in_force(wide, wide | later | {"is_accepted": False}) == [""] * 7
    assert in_force({"model": "thetta", "family": "T"}, narrow)[:2] == ["holt", ""]


def test_the_table_says_whether_a_choice_pays():
    table = told(
        {"model": "holt", "parameters": "alpha=1", "item": "A"},
        {"model": "theta", "item": "B"},
        {"model": "croston", "item": "B", "entered_at": "2026-01-06T10:00:00Z"},
        {"model": "theta", "item": "D"},
        {"model": "sba", "family": "S", "entered_at": "2026-01-06T10:00:00Z"},
        {"model": "theta", "item": "NOBODY"},
        {"model": "thetta", "item": "C"},
    ).set_index("subject")
    contract.check_processed("model_choices", table.reset_index())
    verdicts = table["verdict"].to_dict()
    assert verdicts["item D"] == "replaced by a later one"
    assert verdicts["item NOBODY"] == "names nothing"
    assert (
        verdicts["item C"] == "not understood"
        and "Did you mean 'theta'" in table.loc["item C", "remark"]
    )
    assert verdicts["item B"] == "costs" and table.loc["item B", "words"] == "Croston"  # a season
    assert verdicts["item A"] == "costs" and table.loc["item A", "words"] == "Holt's trend, alpha 1"
    own = table.loc["item B"]
    number, is_known = NAMES.index("croston"), np.isfinite(TESTS.actual[..., 1])
    said = applied({"model": "croston", "item": "B"}).forecasts[number][..., 1]
    is_known &= np.isfinite(said + TESTS.combined[..., 1])
    came = TESTS.actual[..., 1][is_known]
    assert own["wape"] == pytest.approx(np.abs(said[is_known] - came).sum() / came.sum())
    combined = np.abs(TESTS.combined[..., 1][is_known] - came).sum() / came.sum()
    assert own["combined_wape"] == pytest.approx(combined)
    assert own["gain_rate"] == pytest.approx(combined - own["wape"])


@pytest.mark.parametrize(
    ("model", "text", "words"),
    [
        ("ets", "form=AAX", "ETS has no form 'AAX'. Choose ANN"),
        ("theta", "alpha=2", "alpha is 2. It lies between 0 and 1."),
        ("holt", "alpha=0.1; beta=0.2", "beta is never above alpha"),
        ("holt", "alpha=0.8; gamma=0.4", "at most 1 together"),
        ("theta", "alpha", "'alpha' is not a name = figure, as alpha=0.2."),
        ("croston", "alpha=0.1", "croston has no parameter 'alpha'. It takes none."),
        ("sarimax", "order=(1,1)", "Give three counts from 0 to 3, as (0,1,1)."),
        ("", "", "no model ''"),
    ],
)
def test_what_cannot_be_chosen_is_told_with_the_way_out(model, text, words):
    assert words in methods.objection(model, text)


def test_parts_choose_as_the_whole_and_share_one_limit():
    said = policies({"model": "theta", "family": "T"}, {"model": "ets", "item": "A"})
    assert chosen.singles(said, SERIES) == 1 and chosen.rooms([50, 5, 30]) == [50, 5, 5]
    whole = chosen.applied(TESTS, said, SERIES, room=0, factor=np.ones(7))
    assert forecasting.chosen_names(whole).tolist()[:2] == ["", "theta"]
    assert ALONE.each(chosen.rooms, [[1, 2]]) == [[1, 2]]
    assert "policies" in demand_meeting.WHOLE and "policies" in schema.RAW
