"""One regression tells drivers from season and trend: planted effects come back, others do not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sopkit.demand import driver_model

COUNT = 60


def groups_of(families: int, channels: int, *, noise: float = 0.0, seed: int = 0, count=COUNT):
    """Groups of every family and channel: season by family, trend of its own, independent noise."""
    rng = np.random.default_rng(seed)
    family = np.repeat(np.arange(families), channels)
    channel = np.tile(np.arange(channels), families)
    season = np.arange(count) % 12
    of_year = rng.normal(0, 0.3, (12, families))[season][:, family]
    trend = np.outer(np.linspace(-1, 1, count), rng.normal(0, 0.2, len(family)))
    error = noise * rng.normal(size=(count, len(family)))
    return driver_model.Groups(5 + of_year + trend + error, season, family, channel)


def each_november(groups: driver_model.Groups, channel: int = 0) -> np.ndarray:
    """A column for each November in one channel."""
    count = len(groups.log)
    rows = [month for month in range(count) if month % 12 == 10]
    columns = np.zeros((len(rows), count, len(groups.family)))
    for k, month in enumerate(rows):
        columns[k, month, groups.channel == channel] = 1.0
    return columns


def with_effects(groups, columns, effects) -> driver_model.Groups:
    moved = groups.log + np.tensordot(np.asarray(effects), columns, axes=1)
    return driver_model.Groups(moved, groups.season, groups.family, groups.channel)


# (1) hand-made cases


def test_a_promotion_of_one_channel_each_november_is_told_by_the_other_channel():
    groups = groups_of(1, 2, noise=0.01)
    columns, effects = each_november(groups), [0.3, 0.2, 0.25, 0.35, 0.3]
    fit = driver_model.fit(with_effects(groups, columns, effects), columns)
    assert fit.effect == pytest.approx(effects, abs=0.04)


def test_a_promotion_of_the_only_channel_each_november_is_the_season():
    groups = groups_of(1, 1, noise=0.01)
    columns = each_november(groups)
    fit = driver_model.fit(with_effects(groups, columns, [0.3] * 5), columns)
    assert np.isnan(fit.effect).all() and np.isnan(fit.error).all()


def test_a_step_for_good_is_less_sure_than_a_single_month():
    groups = groups_of(3, 2, noise=0.02)
    columns = np.zeros((2, COUNT, 6))
    columns[0, 40, groups.family == 0] = 1.0
    columns[1, 51:, groups.family == 1] = 1.0
    fit = driver_model.fit(with_effects(groups, columns, [0.2, -0.15]), columns)
    assert fit.effect == pytest.approx([0.2, -0.15], abs=0.05)
    assert (np.abs(fit.effect - [0.2, -0.15]) < 3 * fit.error).all()


# (2) inference


def test_intervals_hold_nine_of_ten_and_standard_errors_are_the_spread():
    z = []
    for seed in range(20):
        groups = groups_of(4, 3, noise=0.05, seed=seed)
        columns = each_november(groups)
        fit = driver_model.fit(with_effects(groups, columns, [0.2] * 5), columns)
        z.append((fit.effect - 0.2) / fit.error)
    z = np.concatenate(z)
    assert np.mean(np.abs(z) < 1.645) == pytest.approx(0.9, abs=0.07)
    assert z.std() == pytest.approx(1.0, abs=0.2)


def test_effects_equal_a_plain_regression_where_errors_are_alike():
    """With noise given, no memory and no random effects it is ordinary least squares."""
    groups = groups_of(2, 2, noise=0.05)
    columns = each_november(groups)[:2]
    noise = driver_model.Noise(np.full(4, 0.0025), np.zeros(2), np.zeros((2, 2)), np.full(4, 1e-6))
    fit = driver_model.fit(groups, columns, noise)
    rows = []
    time = np.linspace(-1, 1, COUNT)
    bend = time**2 - (time**2).mean()
    for group in range(4):
        for month in range(COUNT):
            family, channel = groups.family[group], groups.channel[group]
            season = [float(month % 12 == k and family == f) for f in range(2) for k in range(12)]
            own = [float(group == g) for g in range(4)]
            slopes = [time[month] * one for one in own]
            bends = [bend[month] * float(channel == c) for c in range(2)]
            rows.append([*columns[:, month, group], *season, *own, *slopes, *bends])
    slow = np.linalg.lstsq(np.array(rows), groups.log.T.ravel(), rcond=None)[0]
    assert fit.effect == pytest.approx(slow[:2], abs=2e-3)


# (3) invariants


@given(st.floats(-0.5, 0.5), st.floats(-3, 3))
def test_effects_move_with_what_is_planted_and_not_with_units(effect, unit):
    groups = groups_of(2, 2, noise=0.05, count=36)
    columns = each_november(groups)[:1]
    noise = driver_model.Noise(
        np.full(4, 0.0025), np.full(2, 0.001), np.full((2, 2), 0.3), np.full(4, 0.05)
    )
    before = driver_model.fit(groups, columns, noise).effect[0]
    moved = with_effects(groups, columns, [effect])
    moved = driver_model.Groups(moved.log + unit, groups.season, groups.family, groups.channel)
    assert driver_model.fit(moved, columns, noise).effect[0] == pytest.approx(before + effect)


def test_without_drivers_there_is_nothing_to_tell():
    groups = groups_of(2, 2, noise=0.05)
    fit = driver_model.fit(groups, np.zeros((0, COUNT, 4)))
    assert fit.effect.shape == (0,) and len(fit.target) == len(fit.family) == len(fit.month)


def test_a_further_driver_is_tried_without_fitting_all_again():
    groups = groups_of(3, 2, noise=0.05, seed=3)
    rng = np.random.default_rng(1)
    further = np.zeros((2, COUNT, 6))
    further[:, :, groups.family == 1] = rng.normal(size=(2, COUNT, 1))
    moved = with_effects(groups, further, [0.1, 0.0])
    fit = driver_model.fit(moved, each_november(groups))
    z, gain = driver_model.tried(moved, fit, further, 1)
    assert z[0] > 6 and abs(z[1]) < 4 and gain[0] > 0
