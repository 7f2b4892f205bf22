"""The verbs on a panel: no row missing, no number impossible, no look into the future."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sopkit import contract, months, schema
from sopkit.demand import (
    calibration,
    combining,
    forecasting,
    intervals,
    models,
    panel,
    seasons,
    smoothing,
)

MODELS = list(forecasting.MODELS)
QUANTITIES = ["quantity", "quantity_lower", "quantity_upper"]


def made(values: np.ndarray, first: str = "2021-01") -> panel.Panel:
    """A panel of series S0, S1, …"""
    keys = pd.DataFrame(
        {"item": [f"S{k}" for k in range(values.shape[1])], "location": "all", "channel": "all"}
    )
    return panel.Panel(keys, months.span(months.parse_cycle(first), len(values)), values)


def backtest_of(values: np.ndarray, actual: np.ndarray | None = None, horizon: int = 6):
    """A backtest of series without families."""
    demand = made(values)
    came = demand if actual is None else made(actual)
    groups = np.full(values.shape[1], -1)
    return forecasting.backtest(demand, came, groups, horizon=horizon)


def no_end(tests: forecasting.Backtest) -> pd.Series:
    return pd.Series([pd.NaT] * len(tests.history.keys), dtype=months.DTYPE)


def bounded(tests: forecasting.Backtest) -> pd.DataFrame:
    """Table `forecast`, bounds and all."""
    sure = intervals.calibrate(tests)
    table = forecasting.forecast(tests, no_end(tests))
    return intervals.with_bounds(table, sure["error_widths"], sure["error_multiples"])


def noise(count: int = 40, width: int = 2) -> np.ndarray:
    return np.random.default_rng(2).uniform(50, 150, (count, width))


def any_kind(count: int = 50) -> np.ndarray:
    """Smooth, erratic and rare series, two of them young, one with months unknown."""
    rng = np.random.default_rng(7)
    month = np.arange(count)
    season = 1 + 0.4 * np.sin(np.pi * month / 6)
    values = np.column_stack(
        [
            (80 + month) * season * rng.uniform(0.8, 1.2, count),
            rng.gamma(1.5, 40.0, count),
            np.where(rng.random(count) < 0.3, rng.gamma(3.0, 10.0, count), 0.0),
            60 * season * rng.uniform(0.7, 1.3, count),
            rng.uniform(50, 150, count),
            rng.gamma(20.0, 3.0, count),
            np.where(rng.random(count) < 0.5, 9.0, 0.0),
        ]
    )
    values[:22, 3] = np.nan
    values[:40, 4] = np.nan
    values[[20, 45], 5] = np.nan
    return values


# (1) by hand


def test_origins_are_those_of_the_last_twelve_months_and_four_earlier_ones():
    tests = backtest_of(noise())
    assert tests.origins == [16, 19, 22, 25, *range(28, 40)]
    assert tests.forecasts.shape == (len(MODELS), 16, 18, 2)
    assert tests.ahead.shape == (len(MODELS), 6, 2) and tests.mean.shape == (6, 2)


def test_lags_are_months_between_origin_and_month():
    table = forecasting.table(backtest_of(noise()))
    one = table[table["item"] == "S0"]
    assert len(one) == 4 * 18 - (18 - 15) + sum(range(1, 13))  # the last earlier one sees 15
    assert one["lag"].min() == 0 and one["lag"].max() == 17
    assert (months.number(one["month"]) - months.number(one["origin"]) == one["lag"]).all()


def test_seasonal_naive_in_the_backtest_is_last_years_month_by_hand():
    table = forecasting.table(backtest_of(np.arange(1.0, 41.0).reshape(40, 1)))
    year = table[table["lag"] < 12]
    assert (year["actual"] - year["seasonal_naive"] == 12.0).all()
    assert (table.loc[table["lag"] >= 12, "actual"] > 24.0).all()


def test_a_month_hidden_by_a_stock_out_is_not_measured():
    values = noise()
    hidden = values.copy()
    hidden[-1, 0] = np.nan
    table = forecasting.table(backtest_of(values, hidden))
    last = table[table["month"] == table["month"].max()]
    assert set(last["item"]) == {"S1"}


def test_a_series_is_measured_once_it_had_three_months():
    values = noise()
    values[:-5, 1] = np.nan  # known at the last origins: 5 − 5, …, 4 months
    table = forecasting.table(backtest_of(values))
    young = table[table["item"] == "S1"]
    assert young["origin"].unique().tolist() == list(made(values).months[-2:])


def test_before_any_error_is_known_models_of_a_kind_count_alike():
    tests = backtest_of(noise())
    first = tests.forecasts[:, 0]
    np.testing.assert_allclose(tests.combined[0], np.nanmean(first, axis=0))


def test_nothing_is_planned_after_an_items_last_month():
    tests = backtest_of(noise())
    ends = no_end(tests)
    ends[0] = months.shift(tests.history.months[-1], 2)  # sells two months more
    sure = intervals.calibrate(tests)
    table = intervals.with_bounds(
        forecasting.forecast(tests, ends), sure["error_widths"], sure["error_multiples"]
    )
    first, second = (table[table["item"] == item] for item in ("S0", "S1"))
    assert (first["quantity"].iloc[:2] > 0).all()
    assert (first[QUANTITIES].iloc[2:] == 0).all(axis=None)
    assert (second["quantity"] > 0).all()


def test_a_model_that_runs_away_is_left_out_and_named():
    rising = 10.0 * 1.03 ** np.arange(40.0).reshape(-1, 1)
    tests = backtest_of(np.hstack([rising, noise(40, 1)]), horizon=120)
    named = forecasting.fallbacks(tests)
    assert len(named) and set(named["item"]) == {"S0"}
    assert named["reason"].str.startswith("forecast above 4 times the highest month").all()
    assert (named["instead"] == "the other models").all()
    for row in named.to_dict("records"):
        assert tests.share[MODELS.index(row["model"]), 0] == 0.0
        assert row["words"] == forecasting.MODELS[row["model"]].words
    assert tests.mean[:, 0].max() <= 4 * rising.max()


def test_where_no_model_is_able_the_last_year_stands_in(monkeypatch):
    silent = models.Model("silent", lambda values, origins, horizon, _: np.full(
        (len(origins), horizon, values.shape[1]), np.nan), (0, 1, 2))  # fmt: skip
    monkeypatch.setattr(forecasting, "MODELS", {forecasting.NAIVE: silent, "other": silent})
    values = np.column_stack([np.r_[np.full(28, 90.0), np.full(12, 5.0)], np.full(40, np.nan)])
    tests = backtest_of(values)
    assert tests.mean.tolist() == [[5.0, 0.0]] * 6
    named = forecasting.fallbacks(tests)
    every = named[named["model"] == "every model"].set_index("item")
    assert every["instead"].to_dict() == {"S0": "mean of the last twelve months", "S1": "zero"}
    assert every.loc["S0", "reason"] == "no model had a forecast"
    assert every.loc["S1", "reason"] == "no month is known"
    assert forecasting.weights(tests).empty
    table = forecasting.forecast(tests, no_end(tests))
    assert (table["model"] == forecasting.FALLBACK).all()


def test_what_never_sold_is_planned_at_zero_and_named():
    tests = backtest_of(np.column_stack([noise()[:, 0], np.zeros(40)]))
    assert (tests.mean[:, 1] == 0).all()
    named = forecasting.fallbacks(tests).set_index("item").loc["S1"]
    assert named["reason"] == "nothing has ever been sold" and named["instead"] == "zero"


def test_the_heaviest_model_is_named():
    tests = backtest_of(noise())
    table = forecasting.weights(tests)
    heaviest = table.loc[table.groupby("item")["weight_share"].idxmax()].set_index("item")["model"]
    named = forecasting.forecast(tests, no_end(tests)).groupby("item")["model"].unique()
    assert {item: list(names) for item, names in named.items()} == {
        item: [name] for item, name in heaviest.items()
    }


def test_a_model_counts_only_for_the_kinds_it_is_for():
    values = any_kind()
    tests = backtest_of(values)
    assert set(tests.kind) == {combining.SMOOTH, combining.ERRATIC, combining.RARE}
    for number, model in enumerate(forecasting.MODELS.values()):
        is_for = np.isin(tests.kind, model.kinds)
        assert (tests.share[number, ~is_for] == 0).all()
        assert not np.isfinite(tests.ahead[number][:, ~is_for]).any()


# (3) invariants, on the sample company


@pytest.fixture(scope="module")
def table(sample_tests, sample_tables) -> pd.DataFrame:
    items = sample_tables["items"].set_index("item")
    ends = sample_tests.history.keys["item"].map(items["end_month"])
    sure = intervals.calibrate(sample_tests)
    means = forecasting.forecast(sample_tests, ends)
    return intervals.with_bounds(means, sure["error_widths"], sure["error_multiples"])


def test_every_series_has_every_month_of_the_horizon_once(table, sample_panel, sample_cycle):
    keys = sample_panel[0].keys
    assert len(table) == len(keys) * 24
    assert not table.duplicated(schema.SERIES_MONTH).any()
    assert sorted(table["month"].unique()) == list(months.span(sample_cycle, 24))
    pd.testing.assert_frame_equal(
        table[schema.SERIES].drop_duplicates().reset_index(drop=True), keys
    )
    contract.check_processed("forecast", table.assign(coherence=0.0))  # levels come after models


def test_no_quantity_is_missing_or_negative_and_bounds_enclose_the_mean(table):
    assert np.isfinite(table[QUANTITIES]).all(axis=None)
    assert (table["quantity_lower"] >= 0).all()
    assert (table["quantity_lower"] <= table["quantity"]).all()
    assert (table["quantity"] <= table["quantity_upper"]).all()
    assert (table["quantity_upper"] > table["quantity"]).mean() > 0.9


def test_the_forecast_of_the_company_is_near_what_it_sold_last_year(table, sample_history):
    last = sample_history[sample_history["month"] >= "2025-01-01"]["demand"].sum()
    next_year = table[table["month"] < "2027-01-01"]["quantity"].sum()
    assert next_year == pytest.approx(last, rel=0.25)


def test_weights_sum_to_one_and_none_is_negative(sample_tests):
    shares = forecasting.weights(sample_tests)
    contract.check_processed("model_weights", shares)
    np.testing.assert_allclose(shares.groupby(schema.SERIES)["weight_share"].sum(), 1.0)
    assert shares["weight_share"].between(0, 1).all()
    assert shares["weight_share"].nunique() > 10  # series differ


def test_every_series_has_weights_or_a_named_fallback(sample_tests):
    weighed = forecasting.weights(sample_tests)[schema.SERIES]
    named = forecasting.fallbacks(sample_tests)
    contract.check_processed("fallbacks", named)
    alone = named.loc[named["model"] == "every model", schema.SERIES]
    both = pd.concat([weighed, alone]).drop_duplicates().sort_values(schema.SERIES)
    pd.testing.assert_frame_equal(both.reset_index(drop=True), sample_tests.history.keys)


def test_the_backtest_holds_to_its_contract_and_beats_seasonal_naive(sample_backtest):
    contract.check_processed("backtest", sample_backtest)
    assert (sample_backtest["month"] >= sample_backtest["origin"]).all()
    both = sample_backtest.dropna(subset=["seasonal_naive"])
    error = both[["seasonal_naive", "combined"]].sub(both["actual"], axis=0).abs()
    assert error["combined"].sum() < error["seasonal_naive"].sum()


def test_combined_lies_among_the_models(sample_tests):
    said, low = sample_tests.forecasts, np.inf
    low = np.where(np.isfinite(said), said, np.inf).min(axis=0)
    high = np.where(np.isfinite(said), said, -np.inf).max(axis=0)
    known = np.isfinite(sample_tests.combined)
    mixed = sample_tests.combined[known]
    assert (mixed >= low[known] - 1e-6).all() and (mixed <= high[known] + 1e-6).all()


def test_a_backtest_changes_no_argument(sample_panel):
    demand, actual, groups = sample_panel
    copies = demand.values.copy(), actual.values.copy(), groups.copy(), demand.keys.copy()
    forecasting.backtest(demand, actual, groups, horizon=3)
    np.testing.assert_array_equal(demand.values, copies[0])
    np.testing.assert_array_equal(actual.values, copies[1])
    np.testing.assert_array_equal(groups, copies[2])
    pd.testing.assert_frame_equal(demand.keys, copies[3])


def test_an_origin_says_what_a_backtest_made_then_would_have_said(sample_panel, sample_tests):
    demand, actual, groups = sample_panel
    month = demand.months[-12]  # no earlier origin of then is missing now but the first ones
    then = forecasting.backtest(
        demand.until(month), actual.until(month), groups, horizon=forecasting.LAGS
    )
    place = sample_tests.origins.index(len(demand.months) - 12)
    both = np.isfinite(then.ahead) & np.isfinite(sample_tests.forecasts[:, place])
    same = np.isclose(then.ahead, sample_tests.forecasts[:, place], rtol=0.02)
    # models whose season is a part of their state start with that of the first origin they had
    assert same[both].mean() > 0.9
    adjusted = [MODELS.index(name) for name in ("theta", "theta_root", "seasonal_naive")]
    assert same[adjusted][both[adjusted]].all()


# (3) invariants, on small panels


@settings(max_examples=25)
@given(st.integers(30, 50), st.integers(0, 1000), st.data())
def test_months_at_or_after_an_origin_change_no_bit_of_what_was_said_there(count, seed, data):
    values = any_kind()[50 - count :]
    back = data.draw(st.integers(1, 24))
    origin, rng = count - back, np.random.default_rng(seed)
    other = values.copy()
    other[origin:] = rng.gamma(1.0, 100.0, other[origin:].shape)
    other[origin:][rng.random(other[origin:].shape) < 0.2] = np.nan
    before, after = backtest_of(values), backtest_of(other)
    for place in [k for k, known in enumerate(before.origins) if known <= origin]:
        np.testing.assert_array_equal(before.forecasts[:, place], after.forecasts[:, place])
        np.testing.assert_array_equal(before.combined[place], after.combined[place])
    errors = [
        smoothing.at_origins(
            tests.history.values,
            calibration.REFERENCE,
            [*tests.origins, count],
            1,
            tests.known_seasons,
        )
        for tests in (before, after)
    ]
    known = np.array(before.origins) <= origin
    np.testing.assert_array_equal(*(made.spread[:-1][known] for made in errors))


def test_the_order_of_series_does_not_matter():
    values = any_kind()
    tests, turn = backtest_of(values), [4, 6, 0, 2, 5, 1, 3]
    turned = backtest_of(values[:, turn])
    np.testing.assert_array_equal(turned.forecasts, tests.forecasts[..., turn])
    np.testing.assert_allclose(turned.combined, tests.combined[..., turn], rtol=1e-9)
    np.testing.assert_allclose(turned.mean, tests.mean[:, turn], rtol=1e-9)
    np.testing.assert_allclose(turned.share, tests.share[:, turn], atol=1e-9)
    np.testing.assert_array_equal(turned.kind, tests.kind[turn])


@pytest.mark.parametrize("block", [1, 3, 4])
def test_how_series_are_split_into_blocks_changes_no_bit(monkeypatch, block):
    values = any_kind()
    whole = backtest_of(values)
    monkeypatch.setattr(models, "_BLOCK", block)
    split = backtest_of(values)
    np.testing.assert_array_equal(split.forecasts, whole.forecasts)
    np.testing.assert_array_equal(split.ahead, whole.ahead)
    np.testing.assert_array_equal(split.combined, whole.combined)
    np.testing.assert_array_equal(split.mean, whole.mean)


def test_what_models_say_of_a_series_does_not_depend_on_its_company():
    values = any_kind()
    tests = backtest_of(values)
    for k in range(values.shape[1]):
        alone = backtest_of(values[:, [k]])
        np.testing.assert_array_equal(alone.forecasts, tests.forecasts[..., [k]])
        np.testing.assert_array_equal(alone.ahead, tests.ahead[..., [k]])


def test_months_before_the_first_sale_of_all_change_nothing():
    values = any_kind()[:, 3:5]
    early = np.vstack([np.full((11, 2), np.nan), values])
    late, padded = backtest_of(values), backtest_of(early)
    np.testing.assert_allclose(late.ahead, padded.ahead, rtol=1e-5)
    np.testing.assert_allclose(late.mean, padded.mean, rtol=1e-3)


# (4) an obvious slow version


def slow_mix(tests: forecasting.Backtest) -> tuple[np.ndarray, np.ndarray]:
    """The combination at past origins and the weights of today, one error after the other."""
    values, width = tests.history.values, tests.actual.shape[2]
    count = len(MODELS)
    mixed = np.full(tests.combined.shape, np.nan)
    share = np.zeros((count, width))
    for k, origin in enumerate([*tests.origins, len(values)]):
        kind = combining.kinds(values[:origin], tests.known_seasons[origin])
        products, seen = np.zeros((count, count, width)), np.zeros(width)
        for past, begun in enumerate(tests.origins):
            for lag in range(forecasting.LAGS):
                if begun + lag >= origin:
                    continue  # not known there yet
                for s in range(width):
                    error = tests.forecasts[:, past, lag, s] - tests.actual[past, lag, s]
                    seen[s] += np.isfinite(error).any()
                    error = np.nan_to_num(error)
                    products[:, :, s] += np.outer(error, error)
        products /= np.maximum(seen, 1)
        squares = np.array([products[m, m] for m in range(count)])
        usual = np.zeros((3, count))
        for number in range(3):
            mine = [m for m, own in enumerate(forecasting.MODELS.values()) if number in own.kinds]
            usual[number, mine] = 1 / len(mine)
            size = squares[mine].mean(axis=0)
            own = [s for s in range(width) if kind[s] == number and seen[s] and size[s] > 0]
            if own:
                mean = sum(products[np.ix_(mine, mine, [s])][..., 0] / size[s] for s in own)
                usual[number, mine] = combining.usual_shares(mean / len(own), len(own))
        says = tests.forecasts[:, k] if k < len(tests.origins) else tests.ahead
        able = np.isfinite(says).all(axis=1)
        share, _ = combining.shares(squares, seen, able, kind, usual)
        if k < len(tests.origins):
            for s in range(width):
                if able[:, s].any():
                    mixed[k, :, s] = sum(
                        share[m, s] * says[m, :, s] for m in range(count) if able[m, s]
                    )
    return mixed, share


def test_the_combination_equals_a_loop_over_errors_known_at_each_origin():
    tests = backtest_of(any_kind())
    mixed, share = slow_mix(tests)
    np.testing.assert_allclose(tests.combined, mixed, rtol=1e-9)
    np.testing.assert_allclose(tests.share, share, atol=1e-12)
    ahead = np.nan_to_num(tests.ahead)
    np.testing.assert_allclose(tests.mean, (share[:, None] * ahead).sum(axis=0), rtol=1e-9)


def test_what_the_backtest_holds_is_what_each_model_says_in_double_precision():
    values = any_kind()
    tests = backtest_of(values)
    known = tests.known_seasons
    for number, model in enumerate(forecasting.MODELS.values()):
        said = model.run(values, [*tests.origins, 50], 18, known)
        held = np.concatenate([tests.forecasts[number], np.full((1, 18, 7), np.nan)])
        held[-1, :6] = tests.ahead[number]
        both = np.isfinite(held)
        assert both.any()
        np.testing.assert_allclose(held[both], said[both], rtol=2e-3, err_msg=model.words)


# bad panels


KINDS = {
    "zero": lambda rng, count: np.zeros(count),
    "constant": lambda rng, count: np.full(count, 3.0),
    "lumpy": lambda rng, count: rng.poisson(0.15, count) * 40.0,
    "huge": lambda rng, count: rng.uniform(0, 1e12, count),
    "tiny": lambda rng, count: rng.uniform(0, 1e-9, count),
    "any size": lambda rng, count: 10.0 ** rng.uniform(-9, 12, count),
    "one spike": lambda rng, count: np.where(np.arange(count) == count // 2, 1e6, 0.0),
    "one month": lambda rng, count: np.where(np.arange(count) == count - 1, 70.0, np.nan),
    "falling": lambda rng, count: np.maximum(200.0 - 15.0 * np.arange(count), 0.0),
    "shifted": lambda rng, count: np.where(np.arange(count) < count // 2, 1.0, 5e4),
    "growing": lambda rng, count: np.minimum(1.3 ** np.arange(count), 1e12),
    "winter": lambda rng, count: np.where(np.arange(count) % 12 < 3, 500.0, 1e-6),
    "late": lambda rng, count: np.where(np.arange(count) > count - 9, 900.0, 0.0),
    "holes": lambda rng, count: np.where(rng.random(count) < 0.3, np.nan, rng.gamma(2, 9, count)),
    "unknown": lambda rng, count: np.full(count, np.nan),
    "usual": lambda rng, count: rng.uniform(50, 150, count),
}
LENGTHS = st.one_of(*[st.integers(1, 12)] * 3, *[st.integers(13, 70)] * 3, st.just(480))


@st.composite
def bad_panels(draw) -> tuple[np.ndarray, np.ndarray]:
    """Demand of series of any kind, beginning anywhere, and what came: it may be below zero."""
    count, rng = draw(LENGTHS), np.random.default_rng(draw(st.integers(0, 1000)))
    kinds = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=4))
    values = np.column_stack([KINDS[kind](rng, count) for kind in kinds])
    for k in range(len(kinds)):
        values[: draw(st.integers(0, count - 1)), k] = np.nan
    actual = np.where(rng.random(values.shape) < 0.1, np.nan, values)
    return values, np.where(rng.random(values.shape) < 0.05, -actual, actual)


@settings(max_examples=30)
@given(bad_panels(), st.sampled_from([1, 6, 18, 30]))
def test_no_panel_is_so_bad_that_it_has_no_plan(bad, horizon):
    values, actual = bad
    tests = backtest_of(values, actual, horizon)
    table = bounded(tests)
    assert len(table) == values.shape[1] * horizon
    assert not table.duplicated(schema.SERIES_MONTH).any()
    quantities = table[QUANTITIES].to_numpy()
    assert np.isfinite(quantities).all() and (quantities >= 0).all()
    assert (quantities[:, 1] <= quantities[:, 0]).all()
    assert (quantities[:, 0] <= quantities[:, 2]).all()
    highest = np.nan_to_num(values[-24:]).max(axis=0)
    of_series = table.groupby("item", sort=False)["quantity"].max().to_numpy()
    assert (of_series <= 4 * highest * (1 + 1e-6)).all()
    # what failed is said, and who stands in
    named = forecasting.fallbacks(tests)
    is_alone = tests.share.sum(axis=0) == 0
    alone = named[named["model"] == "every model"]
    assert alone["item"].tolist() == tests.history.keys["item"][is_alone].tolist()
    assert (table.loc[table["item"].isin(alone["item"]), "model"] == forecasting.FALLBACK).all()
    assert len(named) - len(alone) == tests.fell.sum()
    np.testing.assert_allclose(tests.share.sum(axis=0)[~is_alone], 1.0)
    forecasting.table(tests)
    forecasting.weights(tests)


@pytest.mark.parametrize("name", MODELS)
@settings(max_examples=12)
@given(bad_panels())
def test_no_panel_is_so_bad_that_a_model_fails_on_it(name, bad):
    values, _ = bad
    origins = sorted({(len(values) + 1) // 2, len(values)})
    known = {origin: seasons.seasonal_indices(values[:origin]) for origin in origins}
    with np.errstate(over="ignore", invalid="ignore"):  # an explosion falls in the backtest
        said = forecasting.MODELS[name].run(values, origins, 9, known)
    assert said.shape == (len(origins), 9, values.shape[1])
    has_begun = np.isfinite(values).any(axis=0)
    assert not np.isnan(said[-1][:, has_begun]).any()
    assert (said[-1][:, has_begun] >= 0).all()


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_a_company_of_a_few_months_already_has_a_plan(count):
    table = bounded(backtest_of(np.full((count, 2), 8.0)))
    np.testing.assert_allclose(table["quantity"], 8.0, rtol=1e-5)
    assert (table["quantity_lower"] <= 8.0).all() and (table["quantity_upper"] >= 8.0).all()


def test_one_observation_among_old_series_is_planned_at_about_its_size():
    values = noise()
    values[:-1, 1] = np.nan
    table = bounded(backtest_of(values))
    young = table[table["item"] == "S1"]["quantity"]
    np.testing.assert_allclose(young, values[-1, 1], rtol=1e-5)


# regressions


def test_a_season_with_months_near_zero_does_not_explode():
    """The prototype divided by an index that had fallen to nothing."""
    rng = np.random.default_rng(0)
    winter = np.tile(np.r_[np.full(4, 300.0), np.full(8, 0.01)], 5) * rng.uniform(0.5, 2.0, 60)
    steep = np.tile(np.r_[np.full(9, 100.0), np.full(3, 1.0)], 5) * rng.uniform(0.7, 1.4, 60)
    tests = backtest_of(np.column_stack([winter, steep, noise(60, 1)[:, 0]]), horizon=24)
    table = bounded(tests).groupby("item")
    assert table["quantity"].max()["S0"] < 1.5 * winter.max()
    assert table["quantity"].max()["S1"] < 1.5 * steep.max()
    summer = tests.mean[4:12, 0]
    assert summer.max() < 0.5 * tests.mean[:4, 0].min()
