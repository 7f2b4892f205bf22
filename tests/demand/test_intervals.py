"""Quantiles and futures hold what they promise: so many per cent of what comes lies inside."""

from __future__ import annotations

from dataclasses import replace
from types import GeneratorType

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

from sopkit import months, schema
from sopkit.demand import calibration, combining, forecasting, history, intervals, panel

MONTHS = 60  # closed months of generated series
HELD_OUT = 12  # months after these, which nothing has seen
SURE = ("error_widths", "error_multiples")
PROBABILITIES = intervals.PROBABILITIES


def made(values: np.ndarray, first: str = "2020-01") -> panel.Panel:
    """A panel of series S000, S001, …"""
    keys = pd.DataFrame(
        {"item": [f"S{k:03d}" for k in range(values.shape[1])], "location": "all", "channel": "all"}
    )
    return panel.Panel(keys, months.span(months.parse_cycle(first), len(values)), values)


def backtest_of(values: np.ndarray, horizon: int = HELD_OUT) -> forecasting.Backtest:
    """Backtest of series without families or stock-outs."""
    demand = made(values)
    return forecasting.backtest(demand, demand, np.full(values.shape[1], -1), horizon=horizon)


def forecast_of(tests: forecasting.Backtest) -> pd.DataFrame:
    """Table `forecast` without bounds; nothing ends."""
    ends = pd.Series([pd.NaT] * len(tests.history.keys), dtype=months.DTYPE)
    return forecasting.forecast(tests, ends)


def generated(series: int, length: int, seed: int = 3, noise: float = 0.2) -> np.ndarray:
    """Gamma noise around a level and a season of one's own (n_months, n_series)."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(100.0, 2000.0, series)
    height, peak = rng.uniform(0.05, 0.4, series), rng.integers(0, 12, series)
    month = np.arange(length)[:, None]
    mean = level * (1.0 + height * np.cos(2.0 * np.pi * (month - peak) / 12.0))
    return mean * rng.gamma(1.0 / noise**2, noise**2, (length, series))


def one_kind(multiples: dict[str, dict[float, float]], lags: int = 1) -> pd.DataFrame:
    """Table `error_multiples` of smooth demand: multiple by measure and probability."""
    rows = [
        ("smooth", measure, lag, probability, multiple)
        for measure, own in multiples.items()
        for lag in range(lags)
        for probability, multiple in own.items()
    ]
    return pd.DataFrame(rows, columns=["kind", "measure", "lag", "probability", "multiple"])


def one_series(quantity: float, width: float = 2.0, lags: int = 1):
    """Tables `forecast` and `error_widths` of one smooth series."""
    demand = made(np.ones((1, 1)))
    span = months.span(pd.Timestamp("2026-01-01"), lags)
    forecast = demand.keys.loc[[0] * lags].assign(month=span, quantity=quantity)
    widths = demand.keys.assign(width=width, total_width=2.0 * width, kind="smooth")
    return forecast.reset_index(drop=True), widths


@pytest.fixture(scope="module")
def training() -> forecasting.Backtest:
    """Backtest of sixty months of three hundred generated series."""
    return backtest_of(generated(300, MONTHS + HELD_OUT)[:MONTHS])


@pytest.fixture(scope="module")
def sure(training) -> dict[str, pd.DataFrame]:
    """What their backtest says of how sure it is."""
    return intervals.calibrate(training)


@pytest.fixture(scope="module")
def forecast(training) -> pd.DataFrame:
    """Table `forecast` of these series, without bounds."""
    return forecast_of(training)


@pytest.fixture(scope="module")
def sample_sure(sample_tests) -> dict[str, pd.DataFrame]:
    """What the sample company's backtest says of how sure it is."""
    return intervals.calibrate(sample_tests)


def quantiles_of(forecast, sure, probability: float, measure: str = intervals.MONTH) -> np.ndarray:
    """Quantities (n_series, n_months)."""
    tables = [sure[name] for name in SURE]
    table = intervals.quantiles(forecast, *tables, probability=probability, measure=measure)
    return table["quantity"].to_numpy().reshape(-1, table["month"].nunique())


# (1) by hand

NORMAL = {0.1: -1.25, 0.5: 0.0, 0.9: 1.5}
BY_HAND = one_kind({intervals.MONTH: NORMAL, intervals.TOTAL: NORMAL}, lags=3)


def quantity(probability: float, mean: float = 100.0, **options) -> list[float]:
    forecast, widths = one_series(mean, lags=3)
    table = intervals.quantiles(forecast, widths, BY_HAND, probability=probability, **options)
    return table["quantity"].tolist()


def test_a_quantile_lies_so_many_widths_from_the_root_of_the_mean_by_hand():
    assert quantity(0.9) == pytest.approx([(10.0 + 2.0 * 1.5) ** 2] * 3)  # 169
    assert quantity(0.1) == pytest.approx([(10.0 - 2.0 * 1.25) ** 2] * 3)  # 56.25
    assert quantity(0.5) == pytest.approx([100.0] * 3)


def test_a_total_adds_up_the_means_and_has_its_own_width_by_hand():
    found = quantity(0.9, measure=intervals.TOTAL)
    month = (10.0 + 2.0 * 1.5) ** 2  # the total of one month is that month
    roots = np.sqrt([200.0, 300.0])
    assert found == pytest.approx([month, *(roots + 4.0 * 1.5) ** 2])


def test_the_mean_is_told_beside_the_quantity():
    forecast, widths = one_series(100.0, lags=3)
    both = [
        intervals.quantiles(forecast, widths, BY_HAND, probability=0.9, measure=measure)
        for measure in (intervals.MONTH, intervals.TOTAL)
    ]
    assert both[0]["mean"].tolist() == [100.0] * 3
    assert both[1]["mean"].tolist() == [100.0, 200.0, 300.0]
    assert list(both[0].columns) == [*schema.SERIES_MONTH, "mean", "quantity"]


def test_between_two_measured_probabilities_multiples_follow_normal_scores_by_hand():
    score = ndtri(0.75) / ndtri(0.9)  # how far from the middle to the upper tenth
    assert quantity(0.75) == pytest.approx([(10.0 + 2.0 * 1.5 * score) ** 2] * 3)
    assert 100.0 < quantity(0.75)[0] < 169.0


def test_beyond_the_outermost_measured_probability_the_tail_goes_on_as_a_normals_by_hand():
    above, below = ndtri(0.999) / ndtri(0.9), ndtri(0.02) / ndtri(0.1)
    assert quantity(0.999) == pytest.approx([(10.0 + 2.0 * 1.5 * above) ** 2] * 3)
    assert quantity(0.02) == pytest.approx([(10.0 - 2.0 * 1.25 * below) ** 2] * 3)


def test_no_quantile_falls_below_zero_and_nothing_expected_is_nothing_needed():
    assert quantity(0.1, mean=4.0) == [0.0] * 3  # root 2 less 2.5 widths of 1
    assert quantity(0.1, mean=4.0) <= quantity(0.5, mean=4.0)
    assert quantity(0.9, mean=0.0) == [0.0] * 3
    assert quantity(0.9, mean=0.0, measure=intervals.TOTAL) == [0.0] * 3


def standard_errors(errors: np.ndarray, lags: int = 1) -> forecasting.Backtest:
    """A backtest of a hundred a month whose demand missed it so, by origin, on square roots."""
    series = errors.shape[1]
    history = made(np.full((36, series), 100.0))
    actual = np.full((12, lags, series), np.nan)
    actual[:, 0] = (10.0 + errors) ** 2
    tests = backtest_of(history.values, horizon=lags)
    combined = np.full((len(tests.origins), forecasting.LAGS, series), np.nan)
    came = combined.copy()
    combined[-12:, :lags], came[-12:, :lags] = 100.0, actual
    return replace(tests, actual=came, combined=combined)


def test_without_any_error_the_tails_are_those_of_a_normal_by_hand():
    tests = standard_errors(np.full((12, 3), np.nan))
    multiples = intervals.calibrate(tests)["error_multiples"]
    near = multiples[(multiples["lag"] == 0) & (multiples["measure"] == intervals.MONTH)]
    for _, own in near.groupby("kind"):
        # one width wide, and as much more as years to come scatter more than those seen
        np.testing.assert_allclose(own["multiple"], 1.07 * ndtri(own["probability"]))


def test_a_few_errors_move_the_tails_a_little_from_a_normals_by_hand():
    skewed = np.tile([[2.0], [-0.5], [-0.5], [-0.5]], (3, 4))  # 44 late errors, of both sides
    standard = skewed[-11:].ravel()
    expected = np.quantile(standard, PROBABILITIES)
    trust = len(standard) / (len(standard) + 240.0)
    found = calibration._tails(standard)
    np.testing.assert_allclose(found, trust * expected + (1 - trust) * ndtri(PROBABILITIES))
    assert np.abs(found - ndtri(PROBABILITIES)).max() < 0.3 * np.abs(expected).max()


def test_a_thousand_errors_have_tails_of_their_own():
    errors = np.random.default_rng(1).exponential(1.0, 10_000) - 1.0  # no normal: skewed
    found = calibration._tails(errors)
    np.testing.assert_allclose(found, np.quantile(errors, PROBABILITIES), atol=0.05)
    assert found[-1] > -2.0 * found[0]


def test_usual_errors_never_shrink_with_months_ahead_and_grow_by_the_root_of_time_beyond():
    sizes = np.array([1.0, 2.0, 1.5])  # the third month was luckier
    standard = sizes[None, :, None] * np.where(np.arange(400) % 2, 1.0, -1.0)[:, None, None]
    growth = calibration._growth(calibration._sizes_by_lag(standard), 12)
    assert len(growth) == 12
    assert (np.diff(growth) >= 0).all()
    assert growth[0] == pytest.approx(np.sqrt(np.pi / 2.0))  # mean |error| 1, as of a normal
    assert growth[1] == pytest.approx(2.0 * growth[0], rel=0.02)
    assert growth[2] == growth[1]
    np.testing.assert_allclose(growth[11] / growth[2], np.sqrt(12 / 3))


# (3) invariants of the tables


def test_calibration_gives_the_three_tables_of_the_schema(sure, sample_sure):
    for found in (sure, sample_sure):
        assert list(found) == ["error_widths", "error_multiples", "one_step_errors"]
        for name, table in found.items():
            assert set(table.columns) == set(schema.PROCESSED[name].columns)
            assert not table.duplicated(list(schema.PROCESSED[name].key)).any()
            assert table.notna().all(axis=None)
            assert np.isfinite(table.select_dtypes("number")).all(axis=None)


def test_every_series_has_a_width_and_every_kind_a_multiple_at_every_lag(sample_sure, sample_tests):
    widths, multiples = (sample_sure[name] for name in SURE)
    pd.testing.assert_frame_equal(widths[schema.SERIES], sample_tests.history.keys)
    assert widths[["width", "total_width"]].gt(0).all(axis=None)
    lags = max(len(sample_tests.mean), forecasting.LAGS)
    assert len(multiples) == len(combining.KINDS) * 2 * lags * len(PROBABILITIES)
    assert set(multiples["kind"]) == set(combining.KINDS)


def test_multiples_increase_with_probability_in_every_kind_and_lag(sample_sure):
    multiples = sample_sure["error_multiples"]
    wide = multiples.pivot(
        index=["kind", "measure", "lag"], columns="probability", values="multiple"
    )
    assert (np.diff(wide.to_numpy(), axis=1) >= 0).all()


def test_quantiles_increase_with_probability(forecast, sure):
    probabilities = [0.0001, 0.004, 0.005, 0.03, 0.1, 0.33, 0.5, 0.8, 0.925, 0.995, 0.9999]
    for measure in (intervals.MONTH, intervals.TOTAL):
        found = [quantiles_of(forecast, sure, p, measure) for p in probabilities]
        assert (np.diff(np.stack(found), axis=0) > 0).all()


@pytest.mark.parametrize("measure", [intervals.MONTH, intervals.TOTAL])
def test_a_tabulated_probability_has_its_own_multiple_exactly(forecast, sure, measure):
    widths, multiples = (sure[name] for name in SURE)
    width = "width" if measure == intervals.MONTH else "total_width"
    for probability in (0.005, 0.3, 0.995):
        row = multiples[(multiples["measure"] == measure) & (multiples["lag"] == 4)]
        row = row[(row["kind"] == "smooth") & (row["probability"] == probability)]
        table = intervals.quantiles(
            forecast, widths, multiples, probability=probability, measure=measure
        )
        own = table[table["month"] == table["month"].sort_values().unique()[4]]
        is_smooth = (widths["kind"] == "smooth").to_numpy()
        root = np.sqrt(own["mean"].to_numpy()) + widths[width].to_numpy() * row["multiple"].item()
        np.testing.assert_allclose(own["quantity"].to_numpy()[is_smooth], root[is_smooth] ** 2)


def test_a_probability_between_two_tabulated_ones_lies_between_their_quantities(forecast, sure):
    low, between, high = (quantiles_of(forecast, sure, p) for p in (0.9, 0.92, 0.95))
    assert (low < between).all() and (between < high).all()


def test_the_total_of_the_first_month_is_usually_the_month(forecast, sure):
    for probability in (0.1, 0.9, 0.95):
        month = quantiles_of(forecast, sure, probability)[:, 0]
        total = quantiles_of(forecast, sure, probability, intervals.TOTAL)[:, 0]
        assert np.median(total / month) == pytest.approx(1.0, abs=0.02)


def test_the_total_of_one_month_is_that_month_and_has_its_quantile(sample_tests, sample_sure):
    table = forecast_of(sample_tests)
    for probability in (0.1, 0.9, 0.95):
        month = quantiles_of(table, sample_sure, probability)[:, 0]
        total = quantiles_of(table, sample_sure, probability, intervals.TOTAL)[:, 0]
        np.testing.assert_allclose(total, month, rtol=0.01, atol=1e-6)


def test_a_total_never_falls_when_a_month_is_added(sample_tests, sample_sure):
    table = forecast_of(sample_tests)
    for probability in (0.05, 0.5, 0.95):
        total = quantiles_of(table, sample_sure, probability, intervals.TOTAL)
        assert np.diff(total, axis=1).min() >= -1e-6


def test_a_total_is_narrower_than_its_months_added_up(forecast, sure, sample_tests, sample_sure):
    for table, known in ((forecast, sure), (forecast_of(sample_tests), sample_sure)):
        added = np.cumsum(quantiles_of(table, known, 0.95), axis=1)
        total = quantiles_of(table, known, 0.95, intervals.TOTAL)
        is_due = table["quantity"].to_numpy().reshape(total.shape).sum(axis=1) > 0
        assert (total[is_due, -1] < added[is_due, -1]).mean() > 0.95
        assert total[:, 5].sum() < added[:, 5].sum()


def test_a_restless_series_is_wider_than_a_steady_one():
    values = np.hstack([generated(30, 60, 5, noise=0.05), generated(30, 60, 5, noise=0.4)])
    tests = backtest_of(values)
    known, table = intervals.calibrate(tests), forecast_of(tests)
    for measure in (intervals.MONTH, intervals.TOTAL):
        high, low = (quantiles_of(table, known, p, measure) for p in (0.9, 0.1))
        middle = quantiles_of(table, known, 0.5, measure)
        share = ((high - low) / middle).mean(axis=1)
        assert share[30:].min() > share[:30].max()


def test_the_further_ahead_the_less_sure(forecast, sure):
    multiples = sure["error_multiples"]
    own = multiples[(multiples["kind"] == "smooth") & (multiples["measure"] == intervals.MONTH)]
    wide = own.pivot(index="lag", columns="probability", values="multiple")
    assert (wide[0.9] - wide[0.1]).loc[17] > (wide[0.9] - wide[0.1]).loc[0]


def test_bounds_enclose_the_mean_and_never_fall_below_zero(sample_tests, sample_sure):
    means = forecast_of(sample_tests).assign(coherence=0.0)
    copies = [table.copy() for table in (means, *sample_sure.values())]
    table = intervals.with_bounds(means, *(sample_sure[name] for name in SURE))
    for copy, given in zip(copies, (means, *sample_sure.values()), strict=True):
        pd.testing.assert_frame_equal(copy, given)
    assert set(table.columns) == set(schema.PROCESSED["forecast"].columns)
    bounds = table[["quantity_lower", "quantity", "quantity_upper"]]
    assert bounds.notna().all(axis=None) and bounds.ge(0).all(axis=None)
    assert (np.diff(bounds.to_numpy(), axis=1) >= 0).all()
    pd.testing.assert_frame_equal(table[means.columns], means)


def test_bounds_are_the_lower_and_upper_tenth(forecast, sure):
    table = intervals.with_bounds(forecast, *(sure[name] for name in SURE))
    wide = table["quantity_lower"].to_numpy().reshape(300, -1)
    np.testing.assert_allclose(wide, quantiles_of(forecast, sure, 0.1))
    wide = table["quantity_upper"].to_numpy().reshape(300, -1)
    np.testing.assert_allclose(wide, quantiles_of(forecast, sure, 0.9))


def test_the_order_of_rows_does_not_matter(forecast, sure):
    tables = [forecast, *(sure[name] for name in SURE)]
    shuffled = [table.sample(frac=1.0, random_state=4) for table in tables]
    for measure in (intervals.MONTH, intervals.TOTAL):
        one, other = (
            intervals.quantiles(*own, probability=0.93, measure=measure)
            for own in (tables, shuffled)
        )
        pd.testing.assert_frame_equal(one, other)
    bounds = [intervals.with_bounds(*own) for own in (tables, shuffled)]
    pd.testing.assert_frame_equal(*bounds)


def test_a_perfect_history_gives_narrow_bounds_and_no_error():
    tests = backtest_of(np.full((48, 3), 100.0))
    known = intervals.calibrate(tests)
    table = intervals.with_bounds(forecast_of(tests), *(known[name] for name in SURE))
    assert (table["quantity_upper"] - table["quantity_lower"]).max() < 60.0
    np.testing.assert_allclose(table["quantity"], 100.0, rtol=1e-3)


@pytest.mark.parametrize("count", [1, 2, 4, 13])
def test_a_history_too_short_to_be_tested_still_gives_bounds(count):
    tests = backtest_of(generated(5, count), horizon=6)
    known = intervals.calibrate(tests)
    table = intervals.with_bounds(forecast_of(tests), *(known[name] for name in SURE))
    assert table.notna().all(axis=None)
    assert (table["quantity_lower"] < table["quantity"]).all()
    assert (table["quantity"] < table["quantity_upper"]).all()
    futures = next(intervals.sample_paths(table, *known.values(), paths=5, seed=0))
    assert np.isfinite(futures).all()


def test_what_never_sold_and_what_has_just_begun_have_finite_widths():
    values = generated(4, 48)
    values[:, 0], values[:46, 1], values[:, 2] = 0.0, np.nan, np.nan
    tests = backtest_of(values)
    known = intervals.calibrate(tests)
    assert np.isfinite(known["error_widths"][["width", "total_width"]]).all(axis=None)
    table = intervals.with_bounds(forecast_of(tests), *(known[name] for name in SURE))
    assert table.notna().all(axis=None)
    never = table[table["item"].isin(["S000", "S002"])]
    assert (never["quantity_upper"] == 0.0).all()


def test_a_young_series_is_as_sure_as_is_usual_for_its_size():
    values = generated(41, 48, seed=8)
    values[:45, 40] = np.nan
    widths = intervals.calibrate(backtest_of(values))["error_widths"]
    root = np.sqrt(np.nanmean(values[-12:], axis=0))
    share = widths["width"].to_numpy() / root
    assert 0.5 * np.median(share[:40]) < share[40] < 2.0 * np.median(share[:40])


# no error helps to judge itself


def test_late_months_change_no_size_that_late_errors_are_measured_in():
    errors = np.random.default_rng(2).normal(size=(16, forecasting.LAGS, 5))
    origins, count = [*(60 - back for back in (24, 21, 18, 15)), *range(48, 60)], 60
    due = np.array(origins)[:, None] + np.arange(forecasting.LAGS)
    errors[due >= count] = np.nan
    louder = np.where((due > count - 12)[..., None], 3.0 * errors, errors)
    before, own = calibration._sizes(errors, origins, count)
    still, shaken = calibration._sizes(louder, origins, count)
    np.testing.assert_array_equal(before, still)
    assert (shaken > 1.2 * own).all()
    # and the late origins, whose errors are measured in it, forecast no month it has seen
    late = np.array(origins) > count - 12
    assert due[late].min() > count - 12


def test_louder_late_demand_widens_the_tails_and_changes_no_one_step_error(training):
    loud = training.actual.copy()
    late = np.array(training.origins) > MONTHS - 12
    loud[late] *= np.random.default_rng(0).choice([0.5, 1.8], loud[late].shape)
    first, second = (intervals.calibrate(own) for own in (training, replace(training, actual=loud)))
    (one, other) = (
        own["error_multiples"].query("kind == 'smooth' and lag == 0 and measure == 'month'")
        for own in (first, second)
    )
    reach = [own["multiple"].iloc[-4] - own["multiple"].iloc[3] for own in (one, other)]
    assert reach[1] > 1.5 * reach[0]
    # one-step errors come from the history alone
    pd.testing.assert_frame_equal(first["one_step_errors"], second["one_step_errors"])


def test_a_width_at_an_origin_knows_earlier_months_only():
    values = generated(6, 60)
    later = values.copy()
    later[50:] *= np.random.default_rng(1).uniform(0.2, 3.0, later[50:].shape)
    widths, usual = [], np.full((17, len(combining.KINDS)), 0.3)
    for own in (values, later):
        tests = backtest_of(own)
        widths.append(calibration._standardised(tests, calibration._traced(tests), usual=usual))
    one, other = (known.spread for known in widths)
    is_before = np.array([*tests.origins, 60]) <= 50
    np.testing.assert_array_equal(one[is_before], other[is_before])
    assert (one[-1] != other[-1]).all()


# sample paths


def paths_of(forecast, sure, *, paths: int, seed: int = 7, **options) -> np.ndarray:
    return np.concatenate(
        list(intervals.sample_paths(forecast, *sure.values(), paths=paths, seed=seed, **options))
    )


@pytest.fixture(scope="module")
def few() -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Forecast and sureness of forty series, the last two with one and the same history."""
    values = generated(40, MONTHS, seed=11)
    values[:, 39] = values[:, 38]
    tests = backtest_of(values)
    return forecast_of(tests), intervals.calibrate(tests)


@pytest.fixture(scope="module")
def futures(few) -> np.ndarray:
    """Four thousand futures of these series."""
    return paths_of(*few, paths=4000)


def test_the_same_seed_gives_the_same_futures_whatever_the_block(few):
    whole = paths_of(*few, paths=25, block=25)
    for block in (1, 7, 100):
        np.testing.assert_array_equal(whole, paths_of(*few, paths=25, block=block))
    assert (whole != paths_of(*few, paths=25, seed=8)).any()
    np.testing.assert_array_equal(whole[:10], paths_of(*few, paths=10))  # more are just more


def test_futures_come_in_blocks_of_single_precision_and_are_never_negative(few):
    found = intervals.sample_paths(few[0], *few[1].values(), paths=25, seed=7, block=10)
    assert isinstance(found, GeneratorType)  # nothing is held that has not been asked for
    blocks = list(found)
    assert [block.shape for block in blocks] == [(10, 40, 12), (10, 40, 12), (5, 40, 12)]
    assert all(type(block) is np.ndarray and block.dtype == np.float32 for block in blocks)
    assert all(np.isfinite(block).all() and (block >= 0).all() for block in blocks)


def test_what_was_drawn_serves_other_quantities_and_gives_the_same_futures(few):
    drawn: list = []
    first = paths_of(*few, paths=25, block=10, drawn=drawn)
    np.testing.assert_array_equal(first, paths_of(*few, paths=25, block=10))
    more = few[0].assign(quantity=few[0]["quantity"] * 1.3)
    again = paths_of(more, few[1], paths=25, block=10, drawn=drawn)
    assert len(drawn) == 3
    np.testing.assert_array_equal(again, paths_of(more, few[1], paths=25, block=10))
    assert (again != first).any()


def test_futures_change_no_table_and_no_row_order_changes_them(few):
    tables = [few[0], *few[1].values()]
    copies = [table.copy() for table in tables]
    one = paths_of(*few, paths=20)
    for copy, table in zip(copies, tables, strict=True):
        pd.testing.assert_frame_equal(copy, table)
    shuffled = [table.sample(frac=1.0, random_state=3) for table in tables]
    (other,) = intervals.sample_paths(*shuffled, paths=20, seed=7)
    np.testing.assert_array_equal(one, other)


def test_months_of_futures_have_the_measured_quantiles(few, futures):
    for probability in (0.05, 0.1, 0.5, 0.9, 0.95):
        limit = quantiles_of(*few, probability)
        below = (futures <= limit).mean(axis=0)
        # sixty past months are drawn from: the first month ahead knows no finer steps
        assert np.abs(below[:, 0] - probability).max() < 0.04
        assert np.abs(below - probability).mean() < 0.02
        np.testing.assert_allclose(below.mean(axis=0), probability, atol=0.02)


def test_totals_of_futures_have_about_the_measured_quantiles(few, futures):
    total = np.cumsum(futures.astype("float64"), axis=2)
    for probability in (0.1, 0.5, 0.9):
        limit = quantiles_of(*few, probability, intervals.TOTAL)
        below = (total <= limit).mean(axis=0)
        np.testing.assert_allclose(below.mean(axis=0), probability, atol=0.08)


def test_series_with_one_history_move_together_and_others_do_not(futures):
    likeness = np.stack(
        [np.corrcoef(futures[:, :, lag].T.astype("float64")) for lag in range(futures.shape[2])]
    )
    assert likeness[:, 38, 39].min() > 0.95
    apart = np.abs(likeness[:, :38, :38][:, ~np.eye(38, dtype=bool)])
    assert apart.mean() < 0.2
    assert apart.max() < 0.6


def test_a_month_ahead_draws_one_past_month_for_all_series(few):
    forecast, known = few
    first = paths_of(forecast, known, paths=300)[:, :, 0]
    pairs = np.unique(np.round(first[:, :2], 3), axis=0)
    assert len(pairs) <= MONTHS  # so many pairs as months, not months squared


def test_a_series_without_measured_errors_varies_by_its_width_and_by_itself(few):
    forecast, known = few
    errors = known["one_step_errors"]
    for kept in (errors[errors["item"] != "S038"], errors.iloc[:0]):  # of one series, of all
        found = paths_of(forecast, known | {"one_step_errors": kept}, paths=2000)[:, 38:, 0]
        inside = quantiles_of(forecast, known, 0.9)[38, 0] >= found[:, 0]
        assert inside.mean() == pytest.approx(0.9, abs=0.06)
        assert abs(np.corrcoef(found.T.astype("float64"))[0, 1]) < 0.4  # alike with their errors


def test_futures_of_the_sample_are_finite_and_centre_on_its_forecast(sample_tests, sample_sure):
    table = forecast_of(sample_tests)
    found = paths_of(table, sample_sure, paths=60)
    assert found.shape == (60, len(sample_tests.history.keys), len(sample_tests.mean))
    assert np.isfinite(found).all() and (found >= 0).all()
    mean = table["quantity"].sum()
    assert found.sum(axis=(1, 2)).mean() == pytest.approx(mean, rel=0.1)


# coverage of what came, which nothing above has seen


@pytest.mark.parametrize("measure", [intervals.MONTH, intervals.TOTAL])
@pytest.mark.parametrize(("level", "low", "high"), [(0.8, 0.72, 0.88), (0.95, 0.90, 0.99)])
def test_known_noise_lies_inside_as_often_as_promised(forecast, sure, measure, level, low, high):
    came = generated(300, MONTHS + HELD_OUT)[MONTHS:].T
    came = np.cumsum(came, axis=1) if measure == intervals.TOTAL else came
    lower, upper = (
        quantiles_of(forecast, sure, 0.5 + sign * level / 2, measure) for sign in (-1, 1)
    )
    inside = (lower <= came) & (came <= upper)
    assert low < inside.mean() < high
    assert inside.mean(axis=0).min() > low - 0.1  # at every month ahead
    assert (came < lower).mean() < 1.0 - level and (came > upper).mean() < 1.0 - level


@pytest.fixture(scope="module")
def held_out(sample_tables, sample_history, laid_out) -> pd.DataFrame:
    """The sample company's forecast of 2025 made from 2024 and before, beside what came."""
    cycle = pd.Timestamp("2025-01-01")
    sales = sample_tables["sales"]
    then = history.demand_history(
        sales[sales["month"] < cycle], sample_tables["items"], cycle=cycle
    )
    tests = forecasting.backtest(*laid_out(then), horizon=12)
    known = intervals.calibrate(tests)
    table = intervals.with_bounds(forecast_of(tests), *(known[name] for name in SURE))
    came = sample_history[~sample_history["is_stockout"]]
    came = came.assign(came=came["sales"] + came["returns"])
    return table.merge(
        came[[*schema.SERIES_MONTH, "came"]],
        on=schema.SERIES_MONTH,
        how="inner",  # months without sales to judge by are left out
        validate="one_to_one",
    )


def test_eighty_percent_of_a_year_not_seen_lies_inside(held_out):
    inside = held_out["came"].between(held_out["quantity_lower"], held_out["quantity_upper"])
    assert len(held_out) > 5000
    assert 0.72 <= inside.mean() <= 0.88


def test_both_ends_of_the_horizon_are_covered_alike(held_out):
    inside = held_out["came"].between(held_out["quantity_lower"], held_out["quantity_upper"])
    by_month = inside.groupby(held_out["month"]).mean()
    assert by_month.between(0.68, 0.92).all(), by_month.round(2).to_dict()


def test_neither_side_is_missed_far_more_than_its_tenth(held_out):
    below = (held_out["came"] < held_out["quantity_lower"]).mean()
    above = (held_out["came"] > held_out["quantity_upper"]).mean()
    assert below < 0.18 and above < 0.18


def test_the_interval_tells_something(held_out):
    width = (held_out["quantity_upper"] - held_out["quantity_lower"]).sum()
    assert width < 1.5 * held_out["quantity"].sum()


@pytest.mark.slow
def test_a_seventh_of_m3_is_forecast_well_and_covered_as_promised(needs):
    """Protocol of shared/data/m3/README.md; the Theta method scores 0.825 on the whole."""
    table = pd.read_csv(needs("shared/data/m3") / "m3_monthly.csv.gz")
    names = table["series"].unique()[::7]
    parts = dict(list(table[table["series"].isin(names)].groupby("series")))
    learnt, came = (
        [
            own.loc[own["split"] == split].sort_values("t")["value"].to_numpy()
            for own in parts.values()
        ]
        for split in ("train", "test")
    )
    longest = max(map(len, learnt))
    values = np.full((longest, len(learnt)), np.nan)
    for column, own in enumerate(learnt):
        values[longest - len(own) :, column] = own
    tests = backtest_of(values, horizon=18)
    known = intervals.calibrate(tests)
    table = intervals.with_bounds(forecast_of(tests), *(known[name] for name in SURE))
    said, lower, upper = (
        table[name].to_numpy().reshape(len(learnt), 18)
        for name in ("quantity", "quantity_lower", "quantity_upper")
    )
    actual = np.stack(came)
    missed = np.abs(said - actual)
    smape = (200.0 * missed / (np.abs(said) + np.abs(actual))).mean()
    scale = np.array([np.abs(own[12:] - own[:-12]).mean() for own in learnt])
    mase = (missed.mean(axis=1) / scale).mean()
    assert (smape / 16.8907 + mase / 1.0369) / 2.0 < 0.85
    assert 0.74 < ((lower <= actual) & (actual <= upper)).mean() < 0.87


# (5) errors


@pytest.mark.parametrize("probability", [-0.1, 0.0, 1.0, 80.0, float("nan")])
def test_a_probability_that_is_none_says_how_to_write_it(probability):
    with pytest.raises(ValueError, match=r"not between 0 and 1; write 0\.95 for 95 %"):
        quantity(probability)
