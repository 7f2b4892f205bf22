"""The season of a panel: found where there is one, drawn to none where there is scatter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sopkit.demand import seasons

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


def test_a_season_without_noise_is_found_exactly():
    indices = seasons.seasonal_indices(column(np.tile(YEAR, 4)))
    np.testing.assert_allclose(indices.ravel(), YEAR / 100.0)


def test_seasonal_naive_says_last_year_again_and_fills_what_it_never_saw_with_the_mean():
    said = seasons.seasonal_naive(column(range(14)), [14], 13, {})
    assert said.ravel().tolist() == [*range(2, 14), 2]
    young = column([np.nan] * 10 + [4, 6])
    assert seasons.seasonal_naive(young, [12], 12, {}).ravel().tolist() == [5] * 10 + [4, 6]


def test_the_first_index_belongs_to_the_first_month_whatever_its_name():
    turned = np.roll(np.tile(YEAR, 4), -5)
    indices = seasons.seasonal_indices(column(turned))
    np.testing.assert_allclose(indices.ravel(), np.roll(YEAR, -5) / 100.0)


def test_a_young_series_takes_the_season_of_its_family_and_a_stranger_none():
    old, young = np.tile(YEAR, 4), np.r_[[np.nan] * 38, np.full(10, 7.0)]
    values = np.column_stack([old, old * 3, young, young])
    indices = seasons.seasonal_indices(values, np.array([0, 0, 0, -1]))
    np.testing.assert_allclose(indices[:, 2], YEAR / 100.0, atol=0.02)
    np.testing.assert_array_equal(indices[:, 3], 1.0)


def test_two_years_that_are_alike_show_a_season_and_two_that_are_not_show_none():
    alike, unlike = np.tile(YEAR, 2), np.r_[YEAR, np.roll(YEAR, 6)]
    indices = seasons.seasonal_indices(np.column_stack([alike, unlike]))
    np.testing.assert_allclose(indices[:, 0], YEAR / 100.0)
    np.testing.assert_array_equal(indices[:, 1], 1.0)


def test_a_tiled_season_goes_on_where_the_history_ended():
    indices = np.arange(12.0).reshape(12, 1)
    assert seasons.tile_season(indices, 3, start=35).ravel().tolist() == [11, 0, 1]


# (3) invariants


def test_a_season_is_noise_where_there_is_none():
    rng = np.random.default_rng(0)
    indices = seasons.seasonal_indices(rng.uniform(80, 120, (60, 200)))
    assert np.abs(indices - 1).mean() < 0.03  # raw ratios of such noise are off by about 0.05


def test_the_season_does_not_depend_on_the_unit_or_on_the_company_a_series_keeps():
    values = made_panel(3)
    together = seasons.seasonal_indices(values)
    np.testing.assert_allclose(seasons.seasonal_indices(1000.0 * values), together)
    for k in range(values.shape[1]):
        alone = seasons.seasonal_indices(values[:, [k]])
        np.testing.assert_allclose(alone, together[:, [k]])


def test_a_season_changes_no_argument():
    values, groups = made_panel(4), np.array([0, 0, 1, 1, -1])
    copies = values.copy(), groups.copy()
    seasons.seasonal_indices(values, groups)
    np.testing.assert_array_equal(values, copies[0])
    np.testing.assert_array_equal(groups, copies[1])


def test_months_near_zero_in_season_keep_an_index_that_can_be_divided_by():
    ski = np.tile(np.r_[np.full(3, 400.0), np.full(9, 0.001)], 5)
    indices = seasons.seasonal_indices(column(ski)).ravel()
    assert indices.min() > 0.01
    assert np.abs(ski[:12] / indices).max() < 1000.0


@st.composite
def bad_panels(draw) -> tuple[np.ndarray, np.ndarray]:
    """One to four series of any kind, beginning anywhere, and their families."""
    count, width = draw(st.integers(1, 60)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    kinds = {
        "zero": lambda: np.zeros(count),
        "constant": lambda: np.full(count, 3.0),
        "lumpy": lambda: rng.poisson(0.15, count) * 40.0,
        "huge": lambda: rng.uniform(0, 1e12, count),
        "tiny": lambda: rng.uniform(0, 1e-9, count),
        "one spike": lambda: np.where(np.arange(count) == count // 2, 1e6, 0.0),
        "falling": lambda: np.maximum(200.0 - 15.0 * np.arange(count), 0.0),
        "seasonal": lambda: np.resize(YEAR, count) * rng.uniform(0.5, 1.5, count),
        "holes": lambda: np.where(rng.random(count) < 0.3, np.nan, rng.uniform(0, 9, count)),
        "unknown": lambda: np.full(count, np.nan),
    }
    series = []
    for _ in range(width):
        values = kinds[draw(st.sampled_from(sorted(kinds)))]()
        values[: draw(st.integers(0, count - 1))] = np.nan
        series.append(values)
    groups = draw(st.lists(st.integers(-1, 1), min_size=width, max_size=width))
    return np.column_stack(series), np.array(groups)


@given(bad_panels())
def test_no_panel_is_so_bad_that_its_season_is_not_positive_with_mean_one(bad):
    values, groups = bad
    indices = seasons.seasonal_indices(values, groups)
    assert (indices > 0).all()
    np.testing.assert_allclose(indices.mean(axis=0), 1.0)


# (4) a slow loop


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


@pytest.mark.parametrize("count", [12, 24, 30, 40, 61])
@pytest.mark.parametrize("hole", [False, True], ids=["whole", "hole"])
def test_seasonal_indices_equal_a_loop_over_one_series(count, hole):
    values = made_panel(count + 100, count, width=5)
    if hole:
        values[count // 2] = np.nan
    together = seasons.seasonal_indices(values)
    for k in range(values.shape[1]):
        np.testing.assert_allclose(together[:, k], slow_indices(values[:, k]), err_msg=f"{k}")


# in parts


@given(st.integers(0, 1000), st.integers(1, 4))
def test_series_in_parts_have_the_very_bits_they_have_at_once(seed, cut):
    values, groups = made_panel(seed), np.array([0, 2, -1, 0, 2])
    parts = np.split(np.arange(5), [cut])
    totals = None
    for own in parts:
        totals = seasons.group_totals(values[:, own], groups[own], totals)
    np.testing.assert_array_equal(totals, seasons.group_totals(values, groups))
    whole = seasons.seasonal_indices(values, groups)
    for own in parts:  # one of them may be a lone series
        found = seasons.seasonal_indices(values[:, own], groups[own], totals)
        np.testing.assert_array_equal(found, whole[:, own])
