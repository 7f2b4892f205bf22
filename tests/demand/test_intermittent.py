"""Demand that comes in few months: one mean a month, equal to a plain loop over one series."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sopkit.demand import intermittent

MEANS = {
    "croston": lambda size, between, chance, alpha: size / between,
    "sba": lambda size, between, chance, alpha: (1 - alpha / 2) * size / between,
    "tsb": lambda size, between, chance, alpha: size * chance,
}


def column(values) -> np.ndarray:
    return np.asarray(values, dtype="float64").reshape(-1, 1)


def said(name: str, values: np.ndarray, origins: list[int], horizon: int = 1) -> np.ndarray:
    return getattr(intermittent, name)(values, origins, horizon, {})


def made_panel(seed: int, count: int = 50, width: int = 5) -> np.ndarray:
    """Rare demand of several sizes; each series begins four months later; some months unknown."""
    rng = np.random.default_rng(seed)
    sold = rng.random((count, width)) < np.linspace(0.1, 0.7, width)
    values = np.where(sold, rng.gamma(2.0, 20.0, (count, width)), 0.0)
    values[rng.random((count, width)) < 0.05] = np.nan
    return np.where(np.arange(count)[:, None] >= 4 * np.arange(width), values, np.nan)


# (1) by hand


@pytest.fixture
def one_weight(monkeypatch) -> None:
    """A grid of one weight: a tenth."""
    monkeypatch.setattr(intermittent, "WEIGHTS", (0.1,))


def test_a_young_series_takes_plain_means_of_what_it_has_seen(one_weight):
    values = column([0, 0, 6, 0, 3])
    # demands of 6 and 3, two months apart, in two months of five
    assert said("croston", values, [5]).item() == pytest.approx(4.5 / 2)
    assert said("sba", values, [5]).item() == pytest.approx(0.95 * 4.5 / 2)
    assert said("tsb", values, [5]).item() == pytest.approx(4.5 * 2 / 5)


def test_an_older_series_moves_a_tenth_of_the_way(one_weight):
    values = column([5.0] * 20 + [25.0])
    assert said("croston", values, [21]).item() == pytest.approx(5 + 0.1 * 20)
    assert said("tsb", values, [21]).item() == pytest.approx(5 + 0.1 * 20)


def test_idle_months_fade_in_tsb_and_leave_croston_where_it_was(one_weight):
    values = column([5.0] * 20 + [0.0] * 10)
    croston, tsb = (said(name, values, [20, 30]).ravel() for name in ("croston", "tsb"))
    assert croston.tolist() == pytest.approx([5.0, 5.0])
    assert tsb.tolist() == pytest.approx([5.0, 5.0 * 0.9**10])


def test_a_demand_after_a_pause_lengthens_the_time_between_demands(one_weight):
    values = column([5.0] * 20 + [0.0] * 9 + [5.0])
    # ten months since the last: the mean of one month moves a tenth of the nine to it
    assert said("croston", values, [30]).item() == pytest.approx(5 / 1.9)


# (3) invariants


@pytest.mark.parametrize("name", MEANS)
def test_every_month_ahead_has_the_same_mean_and_none_is_negative(name):
    made = said(name, made_panel(1), [10, 30, 50], 18)
    assert made.shape == (3, 18, 5)
    np.testing.assert_array_equal(made, made[:, :1].repeat(18, axis=1))
    assert (made[np.isfinite(made)] >= 0).all()


@pytest.mark.parametrize("name", MEANS)
def test_nothing_sold_is_nothing_said_and_nothing_known_is_not_a_number(name):
    values = np.column_stack([np.zeros(20), np.full(20, np.nan)])
    made = said(name, values, [20], 3)
    assert (made[..., 0] == 0).all()
    assert np.isnan(made[..., 1]).all()


def test_corrected_croston_is_croston_less_half_a_weight(one_weight):
    croston, sba = (said(name, made_panel(2), [20, 50]) for name in ("croston", "sba"))
    np.testing.assert_allclose(sba, 0.95 * croston)


def test_the_mean_of_long_rare_demand_is_found_without_bias():
    rng = np.random.default_rng(3)
    values = np.where(rng.random((400, 300)) < 0.25, rng.gamma(4.0, 5.0, (400, 300)), 0.0)
    means = {name: said(name, values, [400]).mean() for name in MEANS}
    assert means["tsb"] == pytest.approx(5.0, rel=0.05)
    assert means["sba"] == pytest.approx(5.0, rel=0.05)
    assert means["croston"] > means["sba"]  # it is known to be too high


# (4) a slow loop


def slow(name: str, y: np.ndarray, origin: int) -> float:
    """One series' monthly mean at one origin: every weight alone, then weighed by its errors."""
    made, squares, count = [], [], 0
    for alpha in intermittent.WEIGHTS:
        sizes, waits, months, idle = [], [], 0, 0
        size, between, chance, missed, count = 0.0, 1.0, 0.0, 0.0, 0
        for value in y[:origin]:
            if not math.isfinite(value):
                continue
            if months > 0:
                missed += (value - MEANS[name](size, between, chance, alpha)) ** 2
                count += 1
            months, idle = months + 1, idle + 1
            chance += max(alpha, 1 / months) * ((value > 0) - chance)
            if value > 0:
                sizes.append(value)
                size += max(alpha, 1 / len(sizes)) * (value - size)
                if len(sizes) > 1:  # the months before the first demand are no time between two
                    waits.append(idle)
                    between += max(alpha, 1 / len(waits)) * (idle - between)
                idle = 0
        made.append(MEANS[name](size, between, chance, alpha))
        squares.append(max(missed, 1e-30))
    weights = [(own / min(squares)) ** (-count / 2) for own in squares]
    return sum(w * value for w, value in zip(weights, made, strict=True)) / sum(weights)


@pytest.mark.parametrize("name", MEANS)
def test_the_panel_equals_a_loop_over_one_series_and_one_origin(name):
    values, origins = made_panel(4), [3, 17, 36, 50]
    together = said(name, values, origins)
    for place, origin in enumerate(origins):
        for k in range(values.shape[1]):
            if np.isfinite(values[:origin, k]).any():
                expected = slow(name, values[:, k], origin)
                assert together[place, 0, k] == pytest.approx(expected, rel=1e-9), (k, origin)
            else:
                assert np.isnan(together[place, 0, k])
