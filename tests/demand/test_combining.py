"""How much each model counts: by what it missed, drawn to what is usual for its kind."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from sopkit.demand import combining
from sopkit.demand.combining import ERRATIC, RARE, SMOOTH

NONE = np.ones((12, 1))  # no season


def kind_of(values, season: np.ndarray = NONE) -> int:
    return combining.kinds(np.asarray(values, dtype="float64").reshape(-1, 1), season).item()


def drawn(squares, counts, usual=(0.5, 0.5), is_able=True, kind=SMOOTH):
    """Weights of two models for some series of one kind."""
    squares = np.asarray(squares, dtype="float64")
    able = np.broadcast_to(is_able, squares.shape)
    rows = np.tile(np.array(usual), (len(combining.KINDS), 1))
    counts = np.asarray(counts, dtype="float64")
    return combining.shares(squares, counts, able, np.full(squares.shape[1], kind), rows)


# (1) by hand


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([10, 12, 11, 9, 10, 8], SMOOTH),
        ([14, 6] * 3, SMOOTH),  # a coefficient of variation of 0.4: squared 0.16
        ([16, 4] * 3, ERRATIC),  # 0.6: squared 0.36
        ([5, 5, 5, 0, 5], SMOOTH),  # a demand every 1.25 months
        ([5, 5, 0], RARE),  # every 1.5 months
        ([0, 0, 0], RARE),
        ([np.nan, np.nan], RARE),
        ([np.nan, np.nan, 5, 5], SMOOTH),  # months before the first are no months without demand
        ([0] * 60 + [5] * 36, SMOOTH),  # older months say nothing
    ],
)
def test_kinds_by_hand(values, kind):
    assert kind_of(values) == kind


def test_a_season_makes_demand_neither_erratic_nor_smooth():
    season = np.where(np.arange(12) < 6, 1.6, 0.4).reshape(-1, 1)
    values = 100.0 * np.tile(season.ravel(), 3)
    assert kind_of(values) == ERRATIC
    assert kind_of(values, season) == SMOOTH


def test_two_models_alike_in_error_and_independent_share_alike():
    share = combining.usual_shares(np.array([[2.0, 0.0], [0.0, 2.0]]), 50)
    np.testing.assert_allclose(share, 0.5, atol=1e-6)


def test_weights_of_one_series_by_hand():
    share, error_rate = drawn([[1.0], [3.0]], [24.0])
    assert error_rate.ravel().tolist() == [0.5, 1.5]  # beside their mean of 2
    # the kind, of one series: (0.5 + 24) / 25 and (1.5 + 24) / 25; 24 months count half
    beside = [(0.25 + 0.49) / 0.98, (0.75 + 0.51) / 1.02]
    weight = np.array(beside) ** -2.0
    np.testing.assert_allclose(share.ravel(), weight / weight.sum())


def test_a_series_that_was_never_measured_has_the_weights_of_its_kind():
    share, error_rate = drawn([[1.0, 0.0], [3.0, 0.0]], [24.0, 0.0], usual=(0.7, 0.3))
    np.testing.assert_allclose(share[:, 1], [0.7, 0.3])
    assert np.isnan(error_rate[:, 1]).all()


def test_a_model_that_is_not_able_counts_nothing_and_none_able_none():
    able = np.array([[True, False], [False, False]])
    share, error_rate = drawn([[1.0, 1.0], [0.1, 1.0]], [24.0, 24.0], is_able=able)
    assert share.tolist() == [[1.0, 0.0], [0.0, 0.0]]
    assert np.isnan(error_rate[~able]).all()


def test_a_model_out_of_use_in_its_kind_is_kept_for_the_series_that_need_it():
    share, _ = drawn([[0.01], [1.0]], [500.0], usual=(0.0, 1.0))
    assert 0.1 < share[0, 0] < 1.0


# (3) invariants


def test_a_poor_model_with_errors_of_its_own_keeps_a_share_and_a_copy_of_a_better_one_none():
    poor = np.array([[1.0, 0.0], [0.0, 3.0]])
    share = combining.usual_shares(poor, 1000)
    assert 0.1 < share[1] < share[0]
    # the third errs as the first does, and a little more; the second is as poor, in its own way
    copied = np.array([[1.0, 0.0, 1.0], [0.0, 1.5, 0.0], [1.0, 0.0, 1.5]])
    share = combining.usual_shares(copied, 1000)
    assert share[2] < 0.5 * share[1] < share[0]


def test_few_series_are_drawn_to_the_inverse_of_squared_errors():
    products = np.array([[1.0, 0.9], [0.9, 2.0]])
    prior = np.array([1.0, 0.25]) / 1.25
    apart = [
        np.abs(combining.usual_shares(products, count) - prior).max() for count in (1, 10, 100, 1e6)
    ]
    assert apart == sorted(apart)
    assert apart[0] < 0.05 < apart[-1]


@st.composite
def errors(draw) -> np.ndarray:
    """Errors (n_months, n_models), of any size and likeness."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    models, common = draw(st.integers(1, 8)), draw(st.sampled_from([0.0, 0.5, 1.0]))
    own = rng.normal(0, rng.uniform(0.1, 3.0, models), (40, models))
    return draw(st.sampled_from([1e-6, 1.0, 1e6])) * (own + common * rng.normal(0, 1, (40, 1)))


@given(errors(), st.sampled_from([0, 1, 5, 300]))
def test_weights_of_a_kind_sum_to_one_and_none_is_negative(missed, count):
    share = combining.usual_shares(missed.T @ missed / len(missed), count)
    assert np.isfinite(share).all() and (share >= 0).all()
    assert share.sum() == pytest.approx(1.0)


@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 6))
def test_weights_of_a_series_sum_to_one_over_the_models_that_are_able(seed, models, width):
    rng = np.random.default_rng(seed)
    squares = rng.gamma(1.0, 1.0, (models, width)) * (rng.random(width) < 0.8)
    able = rng.random((models, width)) < 0.8
    kind, counts = rng.integers(0, 3, width), rng.integers(0, 200, width).astype("float64")
    arguments = squares, counts, able, kind, np.full((3, models), 1.0 / models)
    copies = [argument.copy() for argument in arguments]
    share, error_rate = combining.shares(*arguments)
    assert (share >= 0).all() and (share[~able] == 0).all()
    np.testing.assert_allclose(share.sum(axis=0), able.any(axis=0).astype("float64"))
    is_measured = (counts > 0) & (np.where(able, squares, 0.0) > 0).any(axis=0)
    np.testing.assert_array_equal(np.isfinite(error_rate), able & is_measured)
    for kept, argument in zip(copies, arguments, strict=True):
        np.testing.assert_array_equal(kept, argument)


def test_the_more_months_are_measured_the_more_a_series_trusts_its_own_errors():
    better = [drawn([[1.0], [3.0]], [count])[0][0, 0] for count in (0, 6, 24, 200)]
    assert better == sorted(better) and better[0] == 0.5 and better[-1] > 0.8


def test_the_order_of_series_does_not_matter():
    rng = np.random.default_rng(1)
    squares, kind = rng.gamma(1.0, 1.0, (4, 9)), rng.integers(0, 3, 9)
    counts, usual = np.full(9, 60.0), np.full((3, 4), 0.25)
    able, turn = np.ones((4, 9), dtype=bool), rng.permutation(9)
    share, _ = combining.shares(squares, counts, able, kind, usual)
    turned, _ = combining.shares(squares[:, turn], counts, able, kind[turn], usual)
    np.testing.assert_allclose(turned, share[:, turn])


# (4) an obvious slow version


@pytest.mark.parametrize("count", [1, 20, 500])
def test_weights_of_a_kind_are_those_of_the_least_squared_error_and_ridge(count):
    rng = np.random.default_rng(count)
    missed = rng.normal(0, [1.0, 1.2, 2.0, 0.9], (60, 4)) + rng.normal(0, 0.7, (60, 1))
    products = missed.T @ missed / 60
    own = np.diag(products)
    prior = own**-2.0 / (own**-2.0).sum()
    ridge = 0.3 * (1 + 24 / count) * own.mean()

    def loss(share: np.ndarray) -> float:
        return share @ products @ share + ridge * ((share - prior) ** 2).sum()

    best = minimize(
        loss,
        prior,
        method="SLSQP",
        bounds=[(0, 1)] * 4,
        constraints={"type": "eq", "fun": lambda share: share.sum() - 1},
        options={"ftol": 1e-14},
    )
    np.testing.assert_allclose(combining.usual_shares(products, count), best.x, atol=1e-4)


# in parts


@given(st.integers(0, 1000), st.integers(1, 19))
def test_parts_learn_together_what_all_series_say_at_once(seed, cut):
    rng, is_for = np.random.default_rng(seed), np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1]]) > 0
    errors = rng.normal(size=(3, 7, 20)) * rng.gamma(2.0, 10.0, 20)
    products = np.tril(np.ones((3, 3)))[..., None] * np.einsum("its,jts->ijs", errors, errors) / 7
    counts, kind = rng.integers(0, 3, 20) * 7.0, rng.integers(0, 3, 20)
    able = rng.random((3, 20)) < 0.8
    parts = [
        combining.sums(products[..., own], counts[own], able[:, own], kind[own], is_for)
        for own in np.split(np.arange(20), [cut])
    ]
    usual, level = combining.learned(parts[0] + parts[1], is_for)
    # by hand: each series' products over its usual square, their mean by kind
    squares = np.einsum("iis->is", products)
    for number in range(3):
        mine = np.flatnonzero(is_for[number])
        own = [s for s in range(20) if kind[s] == number and counts[s] > 0]
        mean = np.zeros((len(mine), len(mine)))
        for s in own:
            for i, row in enumerate(mine):
                for j, column in enumerate(mine):
                    mean[i, j] += products[max(row, column), min(row, column), s] / (
                        squares[mine, s].mean() * len(own)
                    )
        weight = combining.usual_shares(mean, len(own)) if own else 1.0 / len(mine)
        np.testing.assert_allclose(usual[number, mine], weight, atol=1e-9)
    given_level = combining.shares(squares, counts, able, kind, usual, level)
    for one, other in zip(
        given_level, combining.shares(squares, counts, able, kind, usual), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-12)
