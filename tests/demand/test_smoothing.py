"""Exponential smoothing and Theta on a whole panel equal a plain loop over one series."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sopkit.demand import forecasting, smoothing

YEAR = 100.0 + 60.0 * np.cos(2 * np.pi * np.arange(12) / 12)


def column(values) -> np.ndarray:
    return np.asarray(values, dtype="float64").reshape(-1, 1)


def made_panel(seed: int, count: int = 50, width: int = 5) -> np.ndarray:
    """Series with level, trend, season and noise; each begins two months after the one before."""
    rng = np.random.default_rng(seed)
    month = np.arange(count)[:, None]
    season = 1 + 0.4 * np.sin(2 * np.pi * (month + np.arange(width)) / 12)
    trend = 50 + month * np.linspace(-0.5, 1.5, width)
    values = trend * season * rng.uniform(0.7, 1.3, (count, width))
    return np.where(month >= 2 * np.arange(width), values, np.nan)


# (1) by hand


def test_smoothing_moves_half_the_way_to_each_month():
    level, alpha = smoothing.simple_smoothing(column([10, 12, 7]), np.array([0.5]))
    assert level.tolist() == [9.0]  # 10, 11, 9
    assert alpha.tolist() == [0.5]


def test_the_weight_with_the_least_squared_error_is_chosen():
    rising, noisy = np.arange(30.0), np.tile([9.0, 11.0], 15)
    values, level = np.column_stack([rising, noisy]), np.array([0.0, 10.0])
    _, alpha = smoothing.simple_smoothing(values, level=level)
    assert alpha[0] == smoothing.SES_ALPHAS.max()
    assert alpha[1] == smoothing.SES_ALPHAS.min()


def test_seasonal_naive_says_last_year_again_and_fills_what_it_never_saw_with_the_mean():
    assert smoothing.seasonal_naive(column(range(14)), 13).ravel().tolist() == [
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        9,
        10,
        11,
        12,
        13,
        2,
    ]
    young = column([np.nan] * 10 + [4, 6])
    assert smoothing.seasonal_naive(young, 12).ravel().tolist() == [5] * 10 + [4, 6]


def test_a_season_without_noise_is_found_exactly():
    indices = smoothing.seasonal_indices(column(np.tile(YEAR, 4)))
    np.testing.assert_allclose(indices.ravel(), YEAR / 100.0)


def test_the_first_index_belongs_to_the_first_month_whatever_its_name():
    turned = np.roll(np.tile(YEAR, 4), -5)
    indices = smoothing.seasonal_indices(column(turned))
    np.testing.assert_allclose(indices.ravel(), np.roll(YEAR, -5) / 100.0)


def test_a_young_series_takes_the_season_of_its_family_and_a_stranger_none():
    old, young = np.tile(YEAR, 4), np.r_[[np.nan] * 38, np.full(10, 7.0)]
    values = np.column_stack([old, old * 3, young, young])
    indices = smoothing.seasonal_indices(values, np.array([0, 0, 0, -1]))
    np.testing.assert_allclose(indices[:, 2], YEAR / 100.0, atol=0.02)
    np.testing.assert_array_equal(indices[:, 3], 1.0)


def test_a_tiled_season_goes_on_where_the_history_ended():
    indices = np.arange(12.0).reshape(12, 1)
    assert smoothing.tile_season(indices, 3, start=35).ravel().tolist() == [11, 0, 1]


def test_a_straight_line_is_continued_at_half_its_slope_or_more():
    line = column(10 + 2.0 * np.arange(20))
    theta = smoothing.theta(line, 3).ravel()
    assert (np.diff(theta) == pytest.approx(1.0)) and theta[0] > 46
    damped = smoothing.damped_trend(line, 3).ravel()
    assert 0 < damped[2] - damped[1] < damped[1] - damped[0] <= 2.0


# (2) published


def test_fpp2_ses_oil(needs):
    """Hyndman & Athanasopoulos (2018), §7.1: alpha 0.83, level 446.6, forecast 542.68."""
    case = json.loads(needs("shared/cases/fpp2_ses_oil.json").read_text(encoding="utf-8"))
    oil = column(case["inputs"]["y"])
    start = np.array([446.5868])
    level, alpha = smoothing.simple_smoothing(oil, np.arange(0.01, 1.0, 0.0001), start)
    assert alpha[0] == pytest.approx(0.8339, abs=0.002)
    assert level[0] == pytest.approx(542.68, abs=0.01)


@pytest.mark.parametrize(("alpha", "mad"), [(0.1, 10.31), (0.5, 12.33)])
def test_heizer_baltimore_ses_accuracy(alpha, mad):
    """Heizer & Render, ch. 4, Examples 4 and 5: Port of Baltimore, first forecast 175."""
    actual = [180, 168, 159, 175, 190, 205, 180, 182]
    forecasts = [175.0] + [
        smoothing.simple_smoothing(column(actual[:k]), np.array([alpha]), np.array([175.0]))[0][0]
        for k in range(1, 9)
    ]
    assert np.abs(np.array(actual) - forecasts[:-1]).mean() == pytest.approx(mad, abs=0.01)
    if alpha == 0.1:
        printed = [175, 175.5, 174.75, 173.18, 173.36, 175.02, 178.02, 178.22, 178.59]
        np.testing.assert_allclose(forecasts, printed, atol=0.011)


def test_hyndman_billah_2003_theta_is_smoothing_with_half_the_slope_as_drift():
    """Forecast = level + slope / 2 × (h − 1 + 1/α − (1 − α)^n / α)."""
    y = made_panel(1, count=20, width=1)
    n, horizon = len(y), 6
    slope, start = np.polyfit(np.arange(n), y.ravel(), 1)
    steep = 2 * y - column(start + slope * np.arange(n))
    _, alpha = smoothing.simple_smoothing(steep)
    level, _ = smoothing.simple_smoothing(y, alpha)
    ahead = np.arange(1, horizon + 1)
    drift = slope / 2 * (ahead - 1 + 1 / alpha - (1 - alpha) ** n / alpha)
    np.testing.assert_allclose(smoothing.theta(y, horizon).ravel(), level + drift)


# (4) a slow loop, or somebody else's code


def slow_smoothing(y: list[float]) -> tuple[float, float]:
    """Simple exponential smoothing of one series: level and weight of least squared error."""
    best = (np.inf, 0.0, 0.0)
    for alpha in smoothing.SES_ALPHAS:
        level, squares = y[0], 0.0
        for value in y:
            squares += (value - level) ** 2
            level += alpha * (value - level)
        if squares < best[0]:
            best = (squares, level, alpha)
    return best[1], best[2]


def slow_indices(y: np.ndarray) -> np.ndarray:
    """Season of one series without a family, by the rule of the docstring, in plain loops."""
    ratios: dict[int, list[float]] = {position: [] for position in range(12)}
    for k in range(6, len(y) - 6):
        window = y[k - 6 : k + 7]
        if np.isfinite(window).all():
            trend = (window[0] / 2 + window[1:-1].sum() + window[-1] / 2) / 12
            if trend > 0:
                ratios[k % 12].append(y[k] / trend)
    freedom = sum(max(len(seen) - 1, 0) for seen in ratios.values())
    pairs = [(y[k], y[k + 12]) for k in range(len(y) - 12) if np.isfinite(y[k] + y[k + 12])]
    if freedom < 12:
        likeness = np.corrcoef(np.array(pairs).T)[0, 1] if len(pairs) >= 12 else 0.0
        if len(pairs) < 12 or not likeness > 1.645 / len(pairs) ** 0.5:
            return np.ones(12)
    own = np.array([np.mean(seen) if seen else 1.0 for seen in ratios.values()])
    scatter = sum((r - own[p]) ** 2 for p, seen in ratios.items() for r in seen)
    if freedom >= 12:
        one = scatter / freedom
    else:  # too few ratios: the scatter of months a year apart
        growth = sum(b for _, b in pairs) / sum(a for a, _ in pairs)
        level = sum(a + b for a, b in pairs) / (2 * len(pairs))
        spread = sum((b - growth * a) ** 2 for a, b in pairs) / (len(pairs) - 1)
        one = spread / (1 + growth**2) / level**2
    noise = one * np.mean([1 / max(len(seen), 1) for seen in ratios.values()])
    signal = ((own - 1) ** 2).mean()
    trust = max(1 - noise / signal, 0.0) if signal > 0 else 0.0
    shrunk = np.maximum(1 + (own - 1) * trust, 0.05)
    return shrunk / shrunk.mean()


def slow_theta(y: np.ndarray, horizon: int) -> np.ndarray:
    begin = int(np.isfinite(y).argmax())
    season = slow_indices(y)
    known = np.array([y[k] / season[k % 12] for k in range(begin, len(y))])
    slope, level = np.polyfit(np.arange(len(known)), known, 1)
    steep = [2 * value - (level + slope * k) for k, value in enumerate(known)]
    flat, _ = slow_smoothing(steep)
    return np.array(
        [
            (0.5 * (level + slope * (len(known) + h)) + 0.5 * flat) * season[(len(y) + h) % 12]
            for h in range(horizon)
        ]
    )


def slow_naive(y: np.ndarray, horizon: int) -> np.ndarray:
    mean = np.mean([value for value in y[-12:] if np.isfinite(value)])
    last = [y[k] if k >= 0 and np.isfinite(y[k]) else mean for k in range(len(y) - 12, len(y))]
    return np.array([last[h % 12] for h in range(horizon)])


def statsmodels_damped(y: np.ndarray, horizon: int) -> np.ndarray:
    """Holt's damped trend of statsmodels at every point of the grid; the least squared error."""
    from statsmodels.tsa.holtwinters import Holt

    begin = int(np.isfinite(y).argmax())
    season = slow_indices(y)
    known = np.array([y[k] / season[k % 12] for k in range(begin, len(y))])
    slope, level = np.polyfit(np.arange(12), known[:12], 1)
    model = Holt(
        known,
        damped_trend=True,
        initialization_method="known",
        initial_level=level - slope / 2,
        initial_trend=slope / 2,
    )
    fits = [
        model.fit(
            smoothing_level=alpha, smoothing_trend=beta / alpha, damping_trend=phi, optimized=False
        )
        for alpha, beta, phi in smoothing.DAMPED_GRID
    ]
    best = min(fits, key=lambda fit: fit.sse)
    return best.forecast(horizon) * season[(len(y) + np.arange(horizon)) % 12]


@pytest.mark.parametrize("count", [14, 30, 37, 60])
@pytest.mark.parametrize(
    ("fast", "slow"),
    [(smoothing.seasonal_naive, slow_naive), (smoothing.theta, slow_theta)],
    ids=["seasonal_naive", "theta"],
)
def test_the_panel_equals_a_loop_over_one_series(fast, slow, count):
    values = made_panel(count, count, width=4)
    together = fast(values, 15)
    for k in range(values.shape[1]):
        np.testing.assert_allclose(together[:, k], slow(values[:, k], 15), err_msg=f"series {k}")


@pytest.mark.parametrize("count", [30, 60])
def test_damped_trend_equals_statsmodels_holt(count):
    values = made_panel(count, count, width=2)
    together = smoothing.damped_trend(values, 8)
    for k in range(values.shape[1]):
        np.testing.assert_allclose(together[:, k], statsmodels_damped(values[:, k], 8))


def test_smoothing_equals_a_loop_and_statsmodels():
    from statsmodels.tsa.holtwinters import SimpleExpSmoothing

    values = made_panel(7)
    levels, alphas = smoothing.simple_smoothing(values)
    for k in range(values.shape[1]):
        y = values[np.isfinite(values[:, k]), k]
        assert (levels[k], alphas[k]) == pytest.approx(slow_smoothing(y))
        fit = SimpleExpSmoothing(y, initialization_method="known", initial_level=y[0]).fit(
            smoothing_level=alphas[k], optimized=False
        )
        assert fit.forecast(1)[0] == pytest.approx(levels[k])


@pytest.mark.parametrize("count", [12, 24, 30, 40, 61])
def test_seasonal_indices_equal_a_loop_over_one_series(count):
    values = made_panel(count + 100, count, width=5)
    together = smoothing.seasonal_indices(values)
    for k in range(values.shape[1]):
        np.testing.assert_allclose(together[:, k], slow_indices(values[:, k]))


# (3) invariants


@pytest.mark.parametrize("name", forecasting.MODELS)
def test_a_series_is_forecast_alike_alone_and_in_company(name):
    values = made_panel(4)
    together = forecasting.MODELS[name](values, 9)
    for k in range(values.shape[1]):
        alone = forecasting.MODELS[name](values[:, [k]], 9)
        np.testing.assert_allclose(together[:, [k]], alone)


@pytest.mark.parametrize("name", forecasting.MODELS)
def test_ten_times_the_demand_is_ten_times_the_forecast(name):
    values, groups = made_panel(5), np.array([0, 0, 1, 1, -1])
    model = forecasting.MODELS[name]
    np.testing.assert_allclose(model(10 * values, 9, groups), 10 * model(values, 9, groups))


@pytest.mark.parametrize("name", forecasting.MODELS)
def test_a_constant_series_stays_constant(name):
    forecast = forecasting.MODELS[name](column([7.0] * 40), 14, np.array([-1]))
    np.testing.assert_allclose(forecast, 7.0)


@pytest.mark.parametrize("name", forecasting.MODELS)
def test_a_model_changes_no_argument(name):
    values, groups = made_panel(6), np.array([0, 0, 1, 1, -1])
    copies = values.copy(), groups.copy()
    forecasting.MODELS[name](values, 5, groups)
    np.testing.assert_array_equal(values, copies[0])
    np.testing.assert_array_equal(groups, copies[1])


def test_a_season_is_noise_where_there_is_none():
    rng = np.random.default_rng(0)
    indices = smoothing.seasonal_indices(rng.uniform(80, 120, (60, 200)))
    assert np.abs(indices - 1).mean() < 0.03  # raw ratios of such noise are off by about 0.05


# bad panels


@st.composite
def bad_panels(draw) -> tuple[np.ndarray, np.ndarray]:
    """One to four series of any kind, beginning anywhere, and their families."""
    count = draw(st.integers(1, 40))
    width = draw(st.integers(1, 4))
    seed = draw(st.integers(0, 1000))
    rng = np.random.default_rng(seed)
    kinds = {
        "zero": lambda: np.zeros(count),
        "constant": lambda: np.full(count, 3.0),
        "lumpy": lambda: rng.poisson(0.15, count) * 40.0,
        "huge": lambda: rng.uniform(0, 1e15, count),
        "tiny": lambda: rng.uniform(0, 1e-9, count),
        "one spike": lambda: np.where(np.arange(count) == count // 2, 1e6, 0.0),
        "falling": lambda: np.maximum(200.0 - 15.0 * np.arange(count), 0.0),
        "seasonal": lambda: np.resize(YEAR, count) * rng.uniform(0.5, 1.5, count),
    }
    series = []
    for _ in range(width):
        values = kinds[draw(st.sampled_from(sorted(kinds)))]()
        values[: draw(st.integers(0, count - 1))] = np.nan  # at least one observation
        series.append(values)
    groups = draw(st.lists(st.integers(-1, 1), min_size=width, max_size=width))
    return np.column_stack(series), np.array(groups)


@pytest.mark.parametrize("name", forecasting.MODELS)
@given(bad_panels(), st.integers(1, 30))
def test_no_panel_is_so_bad_that_a_model_gives_no_number(name, bad, horizon):
    values, groups = bad
    forecast = forecasting.MODELS[name](values, horizon, groups)
    assert forecast.shape == (horizon, values.shape[1])
    assert np.isfinite(forecast).all()


@given(bad_panels())
def test_no_panel_is_so_bad_that_its_season_is_not_positive_with_mean_one(bad):
    values, groups = bad
    indices = smoothing.seasonal_indices(values, groups)
    assert (indices > 0).all()
    np.testing.assert_allclose(indices.mean(axis=0), 1.0)
