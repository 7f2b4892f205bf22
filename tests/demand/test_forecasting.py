"""The verbs on a panel: no row missing, no number impossible, no look into the future."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sopkit import contract, months, schema
from sopkit.demand import forecasting, panel

MODELS = list(forecasting.MODELS)
QUANTITIES = ["quantity", "quantity_lower", "quantity_upper"]


def made(values: np.ndarray, first: str = "2021-01") -> panel.Panel:
    """A panel of series S0, S1, …"""
    keys = pd.DataFrame(
        {"item": [f"S{k}" for k in range(values.shape[1])], "location": "all", "channel": "all"}
    )
    return panel.Panel(keys, months.span(months.parse_cycle(first), len(values)), values)


def no_family(demand: panel.Panel) -> np.ndarray:
    return np.full(len(demand.keys), -1)


def no_end(demand: panel.Panel) -> pd.Series:
    return pd.Series([pd.NaT] * len(demand.keys), dtype=months.DTYPE)


def forecast_of(demand: panel.Panel, horizon: int = 6, ends: pd.Series | None = None):
    tests = forecasting.backtest(demand, demand, no_family(demand))
    ends = no_end(demand) if ends is None else ends
    return forecasting.forecast(demand, tests, no_family(demand), ends, horizon=horizon)


def two_series(count: int = 40) -> panel.Panel:
    rng = np.random.default_rng(2)
    return made(rng.uniform(50, 150, (count, 2)))


# (1) by hand


def test_origins_and_lags_are_those_of_the_last_twelve_months():
    demand = two_series()
    tests = forecasting.backtest(demand, demand, no_family(demand))
    one = tests[tests["item"] == "S0"]
    assert sorted(one["origin"].unique()) == sorted(demand.months[-12:])
    assert len(one) == 12 * 13 / 2  # the first origin measures twelve months, the last one
    assert one["lag"].min() == 0 and one["lag"].max() == 11
    assert (months.number(one["month"]) - months.number(one["origin"]) == one["lag"]).all()


def test_seasonal_naive_in_the_backtest_is_last_years_month_by_hand():
    demand = made(np.arange(30.0).reshape(30, 1))
    tests = forecasting.backtest(demand, demand, no_family(demand))
    assert (tests["actual"] - tests["seasonal_naive"] == 12.0).all()


def test_a_month_hidden_by_a_stock_out_is_not_measured():
    demand = two_series()
    hidden = demand.values.copy()
    hidden[-1, 0] = np.nan
    tests = forecasting.backtest(demand, replace(demand, values=hidden), no_family(demand))
    last = tests[tests["month"] == demand.months[-1]]
    assert set(last["item"]) == {"S1"}


def test_weights_are_the_inverse_of_squared_error_by_hand():
    errors = {"seasonal_naive": 2.0, "theta": 1.0, "damped_trend": 1.0}
    keys = made(np.ones((1, 1))).keys
    tests = keys.loc[[0] * 5].assign(actual=10.0, **{k: 10.0 + e for k, e in errors.items()})
    table = forecasting.weights(tests, keys).set_index("model")
    # squared 4, 1, 1 beside their mean 2: 2, ½, ½; inverse ½, 2, 2
    assert table["error_rate"].to_dict() == {
        "seasonal_naive": 2.0,
        "theta": 0.5,
        "damped_trend": 0.5,
    }
    assert table["weight_share"].to_dict() == pytest.approx(
        {"seasonal_naive": 1 / 9, "theta": 4 / 9, "damped_trend": 4 / 9}
    )


def test_a_series_that_was_never_measured_has_the_weights_of_the_portfolio():
    keys = made(np.ones((1, 2))).keys
    tests = keys.loc[[0] * 5].assign(actual=10.0, seasonal_naive=12.0, theta=11.0, damped_trend=9.0)
    shares = forecasting.weights(tests, keys)["weight_share"].to_numpy().reshape(2, 3)
    np.testing.assert_allclose(shares[1], shares[0])


def test_combined_lies_among_the_models_and_starts_from_equal_weights():
    demand = two_series()
    tests = forecasting.backtest(demand, demand, no_family(demand))
    low, high = tests[list(MODELS)].min(axis=1), tests[list(MODELS)].max(axis=1)
    assert tests["combined"].between(low - 1e-9, high + 1e-9).all()
    first = tests[tests["origin"] == tests["origin"].min()]  # no error is known there yet
    np.testing.assert_allclose(first["combined"], first[list(MODELS)].mean(axis=1))


def test_nothing_is_planned_after_an_items_last_month():
    demand = two_series()
    ends = no_end(demand)
    ends[0] = months.shift(demand.months[-1], 2)  # sells two months more
    table = forecast_of(demand, ends=ends)
    first, second = (table[table["item"] == item] for item in ("S0", "S1"))
    assert (first["quantity"].iloc[:2] > 0).all()
    assert (first[QUANTITIES].iloc[2:] == 0).all(axis=None)
    assert (second["quantity"] > 0).all()


def test_a_forecast_stays_below_four_times_the_highest_month():
    rising = np.arange(1.0, 25.0).reshape(-1, 1)
    assert forecasting.MODELS["theta"](rising, 2000).max() > 500.0  # the line goes on for ever
    table = forecast_of(made(rising), horizon=2000)
    assert 24.0 < table["quantity"].max() <= 4 * 24.0


def test_the_heaviest_model_is_named():
    demand = two_series()
    tests = forecasting.backtest(demand, demand, no_family(demand))
    table = forecasting.weights(tests, demand.keys)
    heaviest = table.loc[table.groupby("item")["weight_share"].idxmax()].set_index("item")["model"]
    named = forecast_of(demand).groupby("item")["model"].unique()
    assert {item: list(names) for item, names in named.items()} == {
        item: [name] for item, name in heaviest.items()
    }


# (3) invariants, on the sample company


@pytest.fixture(scope="module")
def table(sample_panel, sample_backtest, sample_tables) -> pd.DataFrame:
    demand, _, groups = sample_panel
    items = sample_tables["items"].set_index("item")
    ends = demand.keys["item"].map(items["end_month"])
    return forecasting.forecast(demand, sample_backtest, groups, ends, horizon=24)


def test_every_series_has_every_month_of_the_horizon_once(table, sample_panel, sample_cycle):
    keys = sample_panel[0].keys
    assert len(table) == len(keys) * 24
    assert not table.duplicated(schema.SERIES_MONTH).any()
    assert sorted(table["month"].unique()) == list(months.span(sample_cycle, 24))
    pd.testing.assert_frame_equal(
        table[schema.SERIES].drop_duplicates().reset_index(drop=True), keys
    )
    contract.check_processed("forecast", table)


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


def test_weights_sum_to_one_and_none_is_negative(sample_backtest, sample_panel):
    shares = forecasting.weights(sample_backtest, sample_panel[0].keys)
    contract.check_processed("model_weights", shares)
    np.testing.assert_allclose(shares.groupby(schema.SERIES)["weight_share"].sum(), 1.0)
    assert shares["weight_share"].between(0, 1).all()
    assert shares["weight_share"].nunique() > 10  # series differ


def test_the_backtest_holds_to_its_contract_and_beats_seasonal_naive(sample_backtest):
    contract.check_processed("backtest", sample_backtest)
    assert (sample_backtest["month"] >= sample_backtest["origin"]).all()
    error = sample_backtest[[*MODELS, "combined"]].sub(sample_backtest["actual"], axis=0).abs()
    assert error["combined"].sum() < error["seasonal_naive"].sum()


def test_what_a_model_said_at_an_origin_does_not_change_when_later_months_do(sample_panel):
    demand, actual, groups = sample_panel
    origin = demand.months[-6]
    other = demand.values.copy()
    other[-6:] = other[-6:] * 3.0 + 100.0
    before = forecasting.backtest(demand, actual, groups)
    after = forecasting.backtest(replace(demand, values=other), actual, groups)
    columns = [*schema.SERIES, "origin", "month", "lag", "actual", *MODELS]
    pd.testing.assert_frame_equal(
        before.loc[before["origin"] <= origin, columns],
        after.loc[after["origin"] <= origin, columns],
    )
    later = before["origin"] > origin
    assert not np.allclose(before.loc[later, "theta"], after.loc[later, "theta"])


def test_an_origin_says_what_a_forecast_made_then_would_have_said(sample_panel, sample_backtest):
    demand, _, groups = sample_panel
    then = demand.until(demand.months[-3])
    said = forecasting.MODELS["theta"](then.values, 3, groups)
    said = np.minimum(
        said, 4.0 * np.nan_to_num(then.values[-24:]).max(axis=0)
    )  # far above anything
    rows = sample_backtest[sample_backtest["origin"] == demand.months[-3]]
    wide = rows.pivot(index="month", columns=schema.SERIES, values="theta")
    wide = wide[pd.MultiIndex.from_frame(demand.keys).intersection(wide.columns)]
    place = pd.MultiIndex.from_frame(demand.keys).get_indexer(wide.columns)
    known = wide.notna().to_numpy()
    np.testing.assert_allclose(wide.to_numpy()[known], np.maximum(said[:, place], 0)[known])


def test_the_order_of_series_does_not_matter_and_arguments_are_left_alone(
    table, sample_panel, sample_backtest, sample_tables
):
    demand, _, groups = sample_panel
    turned = replace(
        demand, keys=demand.keys[::-1].reset_index(drop=True), values=demand.values[:, ::-1]
    )
    items = sample_tables["items"].set_index("item")
    ends = turned.keys["item"].map(items["end_month"])
    shuffled = sample_backtest.sample(frac=1.0, random_state=0)
    copies = shuffled.copy(), turned.values.copy(), turned.keys.copy()
    got = forecasting.forecast(turned, shuffled, groups[::-1], ends, horizon=24)
    pd.testing.assert_frame_equal(shuffled, copies[0])
    np.testing.assert_array_equal(turned.values, copies[1])
    pd.testing.assert_frame_equal(turned.keys, copies[2])
    got = got.sort_values(schema.SERIES_MONTH).reset_index(drop=True)
    pd.testing.assert_frame_equal(got, table)


def test_a_backtest_changes_no_argument(sample_panel):
    demand, actual, groups = sample_panel
    copies = demand.values.copy(), actual.values.copy(), groups.copy(), demand.keys.copy()
    forecasting.backtest(demand, actual, groups)
    np.testing.assert_array_equal(demand.values, copies[0])
    np.testing.assert_array_equal(actual.values, copies[1])
    np.testing.assert_array_equal(groups, copies[2])
    pd.testing.assert_frame_equal(demand.keys, copies[3])


# bad panels


KINDS = {
    "zero": lambda rng, count: np.zeros(count),
    "constant": lambda rng, count: np.full(count, 3.0),
    "lumpy": lambda rng, count: rng.poisson(0.15, count) * 40.0,
    "huge": lambda rng, count: rng.uniform(0, 1e15, count),
    "one spike": lambda rng, count: np.where(np.arange(count) == count // 2, 1e6, 0.0),
    "falling": lambda rng, count: np.maximum(200.0 - 15.0 * np.arange(count), 0.0),
    "usual": lambda rng, count: rng.uniform(50, 150, count),
}


@settings(max_examples=25)
@given(st.integers(4, 40), st.integers(1, 30), st.integers(0, 1000), st.data())
def test_no_panel_is_so_bad_that_it_has_no_plan(count, horizon, seed, data):
    rng = np.random.default_rng(seed)
    kinds = data.draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=4))
    values = np.column_stack([KINDS[kind](rng, count) for kind in kinds])
    for k in range(1, len(kinds)):  # the first begins with the panel
        values[: data.draw(st.integers(0, count - 1)), k] = np.nan
    demand = made(values)
    table = forecast_of(demand, horizon)
    assert len(table) == len(kinds) * horizon
    quantities = table[QUANTITIES].to_numpy()
    assert np.isfinite(quantities).all() and (quantities >= 0).all()
    assert (quantities[:, 1] <= quantities[:, 0]).all()
    assert (quantities[:, 0] <= quantities[:, 2]).all()
    highest = np.nan_to_num(values[-24:]).max(axis=0)
    of_series = table.groupby("item")["quantity"].max().to_numpy()
    assert (of_series <= 4 * highest * (1 + 1e-12)).all()


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_a_company_of_a_few_months_already_has_a_plan(count):
    table = forecast_of(made(np.full((count, 2), 8.0)))
    np.testing.assert_allclose(table["quantity"], 8.0)
    assert (table["quantity_lower"] <= 8.0).all() and (table["quantity_upper"] >= 8.0).all()


def test_one_observation_among_old_series_is_planned_at_about_its_size():
    values = two_series().values.copy()
    values[:-1, 1] = np.nan
    table = forecast_of(made(values))
    young = table[table["item"] == "S1"]["quantity"]
    np.testing.assert_allclose(young, values[-1, 1])
