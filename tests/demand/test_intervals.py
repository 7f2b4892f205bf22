"""Bounds enclose what they promise: 80 % of what comes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import months, schema
from sopkit.demand import forecasting, history, intervals, panel


def made(values: np.ndarray) -> panel.Panel:
    keys = pd.DataFrame(
        {"item": [f"S{k:03d}" for k in range(values.shape[1])], "location": "all", "channel": "all"}
    )
    return panel.Panel(keys, months.span(pd.Timestamp("2021-01-01"), len(values)), values)


def backtest_of(errors: dict[str, list[float]], lags: list[int], combined: float = 100.0):
    """Table `backtest` with the errors given, item by item, at the lags given."""
    parts = [
        pd.DataFrame(
            {
                "item": item,
                "location": "all",
                "channel": "all",
                "lag": lags,
                "actual": combined + np.array(values),
                "combined": combined,
            }
        )
        for item, values in errors.items()
    ]
    return pd.concat(parts, ignore_index=True)


# (1) by hand


def test_few_errors_give_the_normal_eighty_percent_by_hand():
    demand = made(np.full((24, 1), 100.0))
    tests = backtest_of({"S000": [10.0, -10.0, 10.0, -10.0]}, [0, 0, 0, 0])
    lower, upper = intervals.bounds(np.full((1, 1), 100.0), tests, demand)
    # root mean squared error 10; a tenth lies above 1.2816 standard deviations
    assert lower[0, 0] == pytest.approx(100.0 - 12.816)
    assert upper[0, 0] == pytest.approx(100.0 + 12.816)


def test_many_errors_give_their_own_quantiles():
    demand = made(np.full((24, 1), 100.0))
    errors = np.r_[np.full(85, -1.0), np.full(35, 10.0)]  # skewed: much more upside
    lower, upper = intervals.bounds(
        np.full((1, 1), 100.0), backtest_of({"S000": list(errors)}, [0] * 120), demand
    )
    assert lower[0, 0] == pytest.approx(99.0)
    assert upper[0, 0] == pytest.approx(110.0)


def test_the_interval_widens_with_the_lag_and_beyond_the_last_one_measured():
    demand = made(np.full((24, 1), 100.0))
    tests = backtest_of({"S000": [5.0, -5.0, 10.0, -10.0, 15.0, -15.0]}, [0, 0, 1, 1, 2, 2])
    lower, upper = intervals.bounds(np.full((12, 1), 1000.0), tests, demand)
    width = (upper - lower).ravel()
    assert (np.diff(width) > 0).all()
    np.testing.assert_allclose(width[1:3] / width[0], [2.0, 3.0])
    assert width[11] / width[2] == pytest.approx(2.0)  # root of 12 months beside 3


def test_a_restless_series_has_a_wider_interval_than_a_steady_one():
    demand = made(np.full((24, 2), 100.0))
    tests = backtest_of({"S000": [1.0, -1.0] * 30, "S001": [30.0, -30.0] * 30}, [0] * 60)
    lower, upper = intervals.bounds(np.full((1, 2), 100.0), tests, demand)
    width = (upper - lower).ravel()
    assert width[1] > 3 * width[0]  # shrunk together, not made alike


def test_a_series_that_was_never_measured_has_a_width_of_its_size():
    demand = made(np.column_stack([np.full(24, 100.0), np.full(24, 400.0), np.full(24, 100.0)]))
    tests = backtest_of({"S000": [20.0, -20.0] * 30}, [0] * 60)
    lower, upper = intervals.bounds(np.full((1, 3), 1000.0), tests, demand)
    width = (upper - lower).ravel()
    assert width[2] == pytest.approx(width[0])
    assert width[2] < width[1] < 4 * width[2]  # larger, but steadier beside its size


# (3) invariants


def test_bounds_enclose_the_mean_and_never_fall_below_zero(sample_panel, sample_backtest):
    demand = sample_panel[0]
    mean = np.nan_to_num(demand.values[-12:])
    copies = mean.copy(), sample_backtest.copy()
    lower, upper = intervals.bounds(mean, sample_backtest, demand)
    np.testing.assert_array_equal(mean, copies[0])
    pd.testing.assert_frame_equal(sample_backtest, copies[1])
    assert np.isfinite(lower).all() and np.isfinite(upper).all()
    assert (0 <= lower).all() and (lower <= mean).all() and (mean <= upper).all()


def test_a_perfect_backtest_gives_a_narrow_interval_and_no_error():
    demand = made(np.full((24, 2), 100.0))
    tests = backtest_of({"S000": [0.0] * 60, "S001": [0.0] * 60}, [0] * 60)
    mean = np.full((3, 2), 100.0)
    lower, upper = intervals.bounds(mean, tests, demand)
    assert (lower <= mean).all() and (mean <= upper).all()
    np.testing.assert_allclose(upper, lower, atol=0.01)


def test_the_order_of_backtest_rows_does_not_matter(sample_panel, sample_backtest):
    demand = sample_panel[0]
    mean = np.nan_to_num(demand.values[-6:])
    shuffled = sample_backtest.sample(frac=1.0, random_state=4)
    for one, other in zip(
        intervals.bounds(mean, sample_backtest, demand),
        intervals.bounds(mean, shuffled, demand),
        strict=True,
    ):
        np.testing.assert_allclose(one, other)


# coverage of what came, which nothing above has seen


@pytest.fixture(scope="module")
def held_out(sample_tables, sample_history, laid_out) -> pd.DataFrame:
    """The sample company's forecast of 2025 made from 2024 and before, beside what came."""
    cycle = pd.Timestamp("2025-01-01")
    sales = sample_tables["sales"]
    then = history.demand_history(
        sales[sales["month"] < cycle], sample_tables["items"], cycle=cycle
    )
    demand, actual, groups = laid_out(then)
    tests = forecasting.backtest(demand, actual, groups)
    ends = pd.Series([pd.NaT] * len(demand.keys), dtype=months.DTYPE)
    table = forecasting.forecast(demand, tests, groups, ends, horizon=12)
    came = sample_history[~sample_history["is_stockout"]]
    came = came.assign(came=came["sales"] + came["returns"])
    return table.merge(came[[*schema.SERIES_MONTH, "came"]], on=schema.SERIES_MONTH)


def test_eighty_percent_of_a_year_not_seen_lies_inside(held_out):
    inside = held_out["came"].between(held_out["quantity_lower"], held_out["quantity_upper"])
    assert len(held_out) > 5000
    assert 0.7 <= inside.mean() <= 0.9


def test_both_ends_of_the_horizon_are_covered_alike(held_out):
    inside = held_out["came"].between(held_out["quantity_lower"], held_out["quantity_upper"])
    by_month = inside.groupby(held_out["month"]).mean()
    assert by_month.between(0.65, 0.95).all(), by_month.round(2).to_dict()


def test_neither_side_is_missed_far_more_than_its_tenth(held_out):
    below = (held_out["came"] < held_out["quantity_lower"]).mean()
    above = (held_out["came"] > held_out["quantity_upper"]).mean()
    assert below < 0.2 and above < 0.2


def test_the_interval_tells_something(held_out):
    width = (held_out["quantity_upper"] - held_out["quantity_lower"]).sum()
    assert width < 1.5 * held_out["quantity"].sum()
