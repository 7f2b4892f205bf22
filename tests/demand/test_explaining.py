"""Why a forecast is what it is: heaviest models first, growth, season, and a record of errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sopkit import demand_meeting, months, schema
from sopkit.demand import combining, drivers, explaining, forecasting, panel

MODELS = list(forecasting.MODELS)
NAIVE = MODELS.index(forecasting.NAIVE)


def made(values: np.ndarray, first: str = "2023-01") -> panel.Panel:
    """A panel of series A, B, …"""
    keys = pd.DataFrame(
        {"item": list("ABCDEFGH")[: values.shape[1]], "location": "all", "channel": "all"}
    )
    return panel.Panel(keys, months.span(months.parse_cycle(first), len(values)), values)


def backtest_of(
    values: np.ndarray,
    mean: np.ndarray,
    *,
    share: dict[str, list[float]] | None = None,
    season: np.ndarray | None = None,
    first: str = "2023-01",
) -> forecasting.Backtest:
    """A backtest typed by hand: what was sold, what is forecast, shares; no errors known."""
    count, series = len(values), values.shape[1]
    weight = np.zeros((len(MODELS), series))
    for name, own in (share or {"theta": [1.0] * series}).items():
        weight[MODELS.index(name)] = own
    nothing = np.full((1, forecasting.LAGS, series), np.nan)
    return forecasting.Backtest(
        history=made(values, first),
        origins=[count - 2],
        forecasts=np.stack([nothing] * len(MODELS)),
        actual=nothing,
        combined=nothing,
        ahead=np.full((len(MODELS), *mean.shape), np.nan),
        mean=mean,
        share=weight,
        error_rate=np.full(weight.shape, np.nan),
        kind=np.zeros(series, dtype=int),
        fell=np.zeros(weight.shape, dtype=bool),
        known_seasons={count: np.ones((12, series)) if season is None else season},
    )


def prices(tests: forecasting.Backtest, price: float = 2.0) -> pd.DataFrame:
    return tests.history.keys.assign(unit_price_value=price, unit_cost_value=1.0)


def means(tests: forecasting.Backtest, end: pd.Timestamp | None = None) -> pd.DataFrame:
    """The forecast of series that go on, or all end in a month."""
    ends = pd.Series([end or pd.NaT] * len(tests.history.keys), dtype=months.DTYPE)
    return forecasting.forecast(tests, ends)


def reasons_of(tests: forecasting.Backtest, end: pd.Timestamp | None = None) -> pd.DataFrame:
    return explaining.reasons(tests, means(tests, end), prices(tests)).set_index("item")


@pytest.fixture(scope="module")
def sample_reasons(sample_tests) -> pd.DataFrame:
    """Table `forecast_reasons` of the sample company, every unit at two."""
    return explaining.reasons(sample_tests, means(sample_tests), prices(sample_tests))


# (1) by hand


def test_the_three_heaviest_models_are_named_with_their_shares_by_hand():
    share = {"theta": [0.1], "holt": [0.4], "theta_log": [0.304], "sba": [0.192], "tsb": [0.004]}
    row = reasons_of(backtest_of(np.ones((24, 1)), np.ones((12, 1)), share=share)).loc["A"]
    assert row["first_model"] == "holt" and row["first_share"] == 0.4
    assert row["second_model"] == "theta_log" and row["second_share"] == 0.304
    assert row["third_model"] == "sba" and row["third_share"] == 0.192
    assert row["models"] == 4  # four thousandths are not worth naming


def test_a_model_that_counts_nothing_is_not_named():
    share = {"theta": [1.0, 0.0], "holt": [0.0, 0.0]}
    table = reasons_of(backtest_of(np.ones((24, 2)), np.ones((12, 2)), share=share))
    named = ["first_model", "second_model", "third_model"]
    assert table.loc["A", named].tolist() == ["theta", "", ""]
    assert table.loc["B", named].tolist() == ["", "", ""]  # no model was able
    assert table["models"].tolist() == [1, 0]
    assert table.loc["B", ["first_share", "second_share", "third_share"]].eq(0.0).all()


def test_growth_is_the_next_twelve_months_beside_the_last_twelve_by_hand():
    values = np.tile([[10.0, 20.0]], (24, 1))
    values[:12] = 99.0  # older than the last twelve
    mean = np.tile([[12.0, 15.0]], (18, 1))
    mean[12:] = 77.0  # later than the next twelve
    growth = reasons_of(backtest_of(values, mean))["growth_rate"]
    assert growth.tolist() == pytest.approx([0.2, -0.25])


def test_growth_is_missing_where_a_year_is_not_whole_or_zero():
    whole, ahead = np.full((12, 1), 10.0), np.full((12, 1), 10.0)
    hole = whole.copy()
    hole[0] = np.nan
    for values, mean in (
        (whole[:11], ahead),
        (whole, ahead[:11]),
        (hole, ahead),
        (0.0 * whole, ahead),
    ):
        assert reasons_of(backtest_of(values, mean))["growth_rate"].isna().all()
    assert reasons_of(backtest_of(whole, ahead))["growth_rate"].tolist() == [0.0]
    assert reasons_of(backtest_of(whole, 0.0 * ahead))["growth_rate"].tolist() == [-1.0]


def test_peak_and_trough_are_months_of_the_calendar_wherever_the_history_begins_by_hand():
    season = np.ones((12, 1))
    season[3], season[10] = 1.5, 0.5
    for first, peak, trough in (("2023-04", 7, 2), ("2023-01", 4, 11), ("2022-10", 1, 8)):
        tests = backtest_of(np.ones((24, 1)), np.ones((12, 1)), season=season, first=first)
        row = reasons_of(tests).loc["A"]
        assert (row["peak_month"], row["trough_month"]) == (peak, trough)
        assert (row["peak_rate"], row["trough_rate"]) == (0.5, -0.5)


def test_without_a_season_peak_and_trough_are_no_higher_than_the_mean():
    row = reasons_of(backtest_of(np.ones((24, 1)), np.ones((12, 1)))).loc["A"]
    assert (row["peak_rate"], row["trough_rate"]) == (0.0, 0.0)


def test_quantity_and_money_add_up_the_horizon_by_hand():
    mean = np.column_stack([np.arange(1.0, 7.0), np.full(6, 2.0), np.full(6, 3.0)])
    tests = backtest_of(np.ones((24, 3)), mean)
    rates = prices(tests, 5.0).iloc[:2]  # C has no row
    rates["unit_price_value"] = [5.0, np.nan]
    table = explaining.reasons(tests, means(tests), rates).set_index("item")
    assert table["quantity"].tolist() == [21.0, 12.0, 18.0]
    assert table.loc["A", "amount_value"] == 105.0
    assert table.loc[["B", "C"], "amount_value"].isna().all()


def test_a_series_that_ends_counts_the_months_before_its_end_by_hand():
    tests = backtest_of(np.full((24, 1), 2.0), np.full((12, 1), 3.0))
    row = reasons_of(tests, months.parse_cycle("2025-04")).loc["A"]
    assert row["quantity"] == 4 * 3.0
    assert row["growth_rate"] == pytest.approx(12.0 / 24.0 - 1.0)


def test_kind_and_months_known_are_told_by_hand():
    values = np.ones((24, 3))
    values[:20, 1] = np.nan
    tests = backtest_of(values, np.ones((12, 3)))
    tests = replace(
        tests, kind=np.array([combining.SMOOTH, combining.RARE, combining.ERRATIC], dtype=int)
    )
    table = reasons_of(tests)
    assert table["kind"].tolist() == ["smooth", "rare", "erratic"]
    assert table["known_months"].tolist() == [24, 4, 24]


def test_the_record_is_errors_over_what_came_by_hand():
    tests = backtest_of(np.ones((24, 3)), np.ones((12, 3)))
    actual, combined, forecasts = (
        array.copy() for array in (tests.actual, tests.combined, tests.forecasts)
    )
    actual[0, :2], combined[0, :2] = [[10, 0, 5], [30, 0, 5]], [[12, 1, 5], [24, 1, np.nan]]
    forecasts[NAIVE, 0, :2, 0] = [5, 25]
    table = reasons_of(replace(tests, actual=actual, combined=combined, forecasts=forecasts))
    assert table.loc["A", "wape"] == pytest.approx((2 + 6) / 40)
    assert table.loc["A", "naive_wape"] == pytest.approx((5 + 5) / 40)
    assert np.isnan(table.loc["B", "wape"])  # nothing came
    assert table.loc["C", "wape"] == 0.0  # of the month that can be judged
    assert table.loc[["B", "C"], "naive_wape"].isna().all()  # it is not for these


# (3) invariants


def test_the_table_has_the_columns_of_the_schema(sample_reasons, sample_tests):
    assert set(sample_reasons.columns) == set(schema.PROCESSED["forecast_reasons"].columns)
    pd.testing.assert_frame_equal(sample_reasons[schema.SERIES], sample_tests.history.keys)


def test_shares_fall_from_the_first_to_the_third_and_are_those_of_the_backtest(
    sample_reasons, sample_tests
):
    shares = sample_reasons[["first_share", "second_share", "third_share"]].to_numpy()
    assert (np.diff(shares, axis=1) <= 0).all()
    assert (shares.sum(axis=1) <= 1.0 + 1e-9).all()
    heaviest = np.sort(sample_tests.share, axis=0)[::-1][:3].T
    np.testing.assert_array_equal(shares, heaviest)
    weight = pd.DataFrame(sample_tests.share.T, columns=MODELS)
    for word in ("first", "second", "third"):
        named = sample_reasons[f"{word}_model"]
        for row in np.flatnonzero(named != "")[::17]:
            assert weight.loc[row, named[row]] == sample_reasons.loc[row, f"{word}_share"]


def test_the_first_model_is_the_one_the_forecast_names(sample_reasons, sample_tests):
    named = means(sample_tests).drop_duplicates(schema.SERIES)
    first = sample_reasons["first_model"].replace("", forecasting.FALLBACK)
    assert named["model"].tolist() == first.tolist()


def test_quantity_is_that_of_the_forecast_also_where_a_series_ends(sample_tables, sample_history):
    tables = sample_tables | {"demand_history": sample_history}
    keys = sample_history[schema.SERIES].drop_duplicates()
    tables["money_rates"] = keys.assign(unit_price_value=2.0, unit_cost_value=1.0)
    tables["company"] = pd.DataFrame([{"coherence": "always"}])
    tables["planning_units"] = sample_tables["items"].assign(planning_factor=1.0)
    tables |= drivers.drivers(sample_history, tables, cycle=pd.Timestamp("2026-01-01"))
    found = demand_meeting.forecast_demand(tables, horizon=12)
    forecast, told = (found[name] for name in ("forecast", "forecast_reasons"))
    said = forecast.groupby(schema.SERIES)["quantity"].sum()
    both = told.set_index(schema.SERIES)[["quantity"]].assign(forecast=said)
    apart = both[~np.isclose(both["quantity"], both["forecast"])]
    assert apart.empty, f"{len(apart)} series, first:\n{apart.head(3)}"


def test_a_season_is_told_of_the_months_in_which_most_and_least_was_sold():
    month = np.arange(60)
    calendar = (month + 3) % 12 + 1  # the history begins in April
    values = 100.0 + 40.0 * (calendar == 7) - 40.0 * (calendar == 2)
    demand = made(values[:, None], first="2020-04")
    tests = forecasting.backtest(demand, demand, np.array([-1]), horizon=12)
    row = reasons_of(tests).loc["A"]
    assert (row["peak_month"], row["trough_month"]) == (7, 2)
    assert row["peak_rate"] == pytest.approx(0.4, abs=0.05)
    assert row["trough_rate"] == pytest.approx(-0.4, abs=0.05)
    assert row["growth_rate"] == pytest.approx(0.0, abs=0.02)
    assert row["wape"] < 0.05


@pytest.mark.parametrize("count", [1, 2, 5, 11])
def test_of_a_short_history_what_cannot_be_told_is_missing(count):
    demand = made(np.full((count, 1), 10.0))
    tests = forecasting.backtest(demand, demand, np.array([-1]), horizon=12)
    row = reasons_of(tests).loc["A"]
    assert np.isnan(row["growth_rate"])
    assert np.isnan(row["wape"]) == (count < 4)  # three months to learn from, one to be judged by
    assert row["known_months"] == count
    assert row["quantity"] > 0
    assert row["first_share"] > 0


def test_what_never_sold_has_no_model_no_growth_and_no_record():
    demand = made(np.zeros((30, 1)))
    tests = forecasting.backtest(demand, demand, np.array([-1]), horizon=12)
    row = reasons_of(tests).loc["A"]
    assert row["quantity"] == 0.0
    assert row["first_model"] == "" and row["models"] == 0
    assert row[["growth_rate", "wape", "naive_wape"]].isna().all()


def test_the_order_of_rates_changes_nothing_and_arguments_stay(sample_tests, sample_reasons):
    rates = prices(sample_tests).sample(frac=1.0, random_state=2)
    copies = rates.copy(), sample_tests.share.copy(), sample_tests.history.keys.copy()
    found = explaining.reasons(sample_tests, means(sample_tests), rates)
    pd.testing.assert_frame_equal(found, sample_reasons)
    pd.testing.assert_frame_equal(rates, copies[0])
    np.testing.assert_array_equal(sample_tests.share, copies[1])
    pd.testing.assert_frame_equal(sample_tests.history.keys, copies[2])


# (4) an obvious slow version


def test_the_record_of_the_sample_equals_a_slow_loop(sample_reasons, sample_tests):
    said = {"wape": sample_tests.combined, "naive_wape": sample_tests.forecasts[NAIVE]}
    for column, forecasts in said.items():
        for series in range(0, len(sample_reasons), 23):
            missed = volume = 0.0
            for k in range(len(sample_tests.origins)):
                for lag in range(forecasting.LAGS):
                    came, mixed, own = (
                        array[k, lag, series]
                        for array in (sample_tests.actual, sample_tests.combined, forecasts)
                    )
                    if np.isfinite(came) and np.isfinite(mixed):
                        missed, volume = missed + abs(own - came), volume + abs(came)
            found = sample_reasons.loc[series, column]
            expected = missed / volume if volume else np.nan
            assert found == pytest.approx(expected, nan_ok=True)


def test_growth_of_the_sample_equals_a_slow_loop(sample_reasons, sample_tests):
    values, mean = sample_tests.history.values, sample_tests.mean
    for series in range(0, len(sample_reasons), 23):
        before = sum(values[-12:, series])
        after = sum(mean[:12, series])
        found = sample_reasons.loc[series, "growth_rate"]
        assert np.isnan(found) if not before > 0 else found == pytest.approx(after / before - 1)
