"""Levels that add up: published cases, a dense solver beside it, and what must be true."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import lsq_linear

from sopkit.demand import coherence, summing
from sopkit.demand.interior import Errors

LEVELS = [(), ("family",), ("region",), ("family", "region"), ("item",)]


def lattice(rng, count):
    keys = pd.DataFrame({"item": [f"i{k // 2}" for k in range(count)]})
    return keys.assign(
        location=[f"l{k % 2}" for k in range(count)],
        family=[f"f{k // 2 % 3}" for k in range(count)],
        region=rng.choice(["N", "S", "E"], count),
    )


def problem(seed, count, columns):
    """A tree, forecasts that do not add up, some below zero, and how unsure they are."""
    rng = np.random.default_rng(seed)
    tree = summing.summing(lattice(rng, count), LEVELS)
    amounts = rng.normal(2.0, 4.0, (count, columns))
    base = tree.matrix @ amounts
    base += rng.normal(0.0, 2.0, base.shape)
    return rng, tree, base, Errors(rng.gamma(1.0, 2.0, len(base)) + 0.01)


def slow(tree, base, errors, lower, upper):
    """Bounded least squares, dense: series alone are bounded; locked nodes weigh very much."""
    weights = np.where(lower == upper, 1e7, 1.0 / np.sqrt(errors.variance))
    target = np.where(lower == upper, lower, base)
    count = tree.above.shape[0]
    bounds = lower[count:] - 1e-13, upper[count:] + 1e-13
    dense = tree.matrix.toarray() * weights[:, None]
    return tree.matrix @ lsq_linear(dense, target * weights, bounds, method="bvls", tol=1e-14).x


def test_shrunk_covariance_of_bayesrecon_is_reproduced(needs):
    case = json.loads(needs("shared/cases/bayesrecon_mint_shrink.json").read_text())
    told, given_ = case["published"], case["inputs"]
    tree = summing.summing(pd.DataFrame({"item": ["A", "B"]}), [()])
    assert tree.matrix.toarray().tolist() == given_["S"]
    errors = coherence.shrunk(np.array(given_["residuals_60x3"]))
    base = np.array(given_["base_forecast"], dtype="float64")[:, None]
    made = coherence.make_coherent(tree, base, errors).amounts.ravel()
    np.testing.assert_allclose(made, [told["total"], *told["bottom"]], atol=1e-5)
    second = np.array(given_["shrinkage_example_200x2"])
    share = coherence.shrunk(second).variance / (second**2).mean(axis=0)
    np.testing.assert_allclose(share, told["lambda_of_second_sample"], atol=1e-8)
    whole = coherence.shrunk(second)
    covariance = np.diag(whole.variance) + whole.factor @ whole.factor.T
    np.testing.assert_allclose(np.diag(covariance), (second**2).mean(axis=0))


def test_same_forecasts_by_other_weights_are_as_computed_by_hand(needs):
    case = json.loads(needs("shared/cases/bayesrecon_mint_shrink.json").read_text())
    told = case["verified"]["derived_same_base_forecast"]
    tree = summing.summing(pd.DataFrame({"item": ["A", "B"]}), [()])
    base = np.array([[11.0], [4.0], [6.0]])
    for name, errors in {
        "OLS": Errors(np.ones(3)),
        "WLS_struct": coherence.structural(tree),
    }.items():
        made = coherence.make_coherent(tree, base, errors).amounts.ravel()
        np.testing.assert_allclose(made, told[name], atol=1e-9)


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 14))
def test_bounded_amounts_are_those_of_a_dense_solver(seed, count):
    rng, tree, base, errors = problem(seed, count, 2)
    lower, upper = np.full(base.shape, -np.inf), np.full(base.shape, np.inf)
    first = tree.above.shape[0]
    lower[first:], upper[first:] = 0.0, rng.choice([3.0, np.inf], (count, 2))
    made = coherence.make_coherent(tree, base, errors, lower=lower, upper=upper)
    for column in range(2):
        cut = np.s_[:, column]
        expected = slow(tree, base[cut], errors, lower[cut], upper[cut])
        np.testing.assert_allclose(made.amounts[cut], expected, atol=1e-6)


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(2, 40), st.booleans())
def test_optimality_conditions_hold_with_locks_and_bounds(seed, count, has_factor):
    rng, tree, base, errors = problem(seed, count, 3)
    if has_factor:
        errors = Errors(errors.variance, rng.normal(0.0, 0.7, (len(base), 2)))
    first = tree.above.shape[0]
    possible = tree.matrix @ rng.gamma(1.0, 3.0, (count, 3))  # keeps to every bound below
    lower, upper = np.full(base.shape, -np.inf), np.full(base.shape, np.inf)
    lower[first:] = 0.0
    locked = rng.choice(len(base), 3, replace=False)
    lower[locked] = upper[locked] = possible[locked]
    within = rng.choice(first, min(first, 3), replace=False)
    lower[within] = np.maximum(lower[within], 0.9 * possible[within])
    upper[within] = np.minimum(upper[within], 1.1 * possible[within])
    made = coherence.make_coherent(tree, base, errors, lower=lower, upper=upper)
    amounts, prices = made.amounts, made.prices
    assert np.abs(amounts - tree.matrix @ amounts[first:]).max() < 1e-9 * np.abs(amounts).max()
    assert amounts[first:].min() >= 0.0
    np.testing.assert_allclose(amounts[locked], lower[locked], atol=1e-6)
    assert (amounts >= lower - 1e-6).all()
    assert (amounts <= upper + 1e-6).all()
    covariance = np.diag(errors.variance)
    if has_factor:
        covariance = covariance + errors.factor @ errors.factor.T
    pull = np.linalg.solve(covariance, amounts - base)
    size = np.abs(pull).max() + np.abs(prices).max()
    assert np.abs(tree.matrix.T @ (pull - prices)).max() < 1e-6 * size
    is_locked = lower == upper
    assert (np.abs(amounts - lower)[(prices > 1e-6 * size) & ~is_locked] < 1e-6).all()
    assert (np.abs(amounts - upper)[(prices < -1e-6 * size) & ~is_locked] < 1e-6).all()


def test_what_adds_up_is_left_as_it_is():
    _, tree, base, errors = problem(3, 20, 4)
    adds_up = tree.matrix @ np.abs(base[-20:])
    made = coherence.make_coherent(tree, adds_up, errors, lower=0.0)
    np.testing.assert_allclose(made.amounts, adds_up, atol=1e-9)
    assert np.abs(coherence.make_coherent(tree, base, errors).amounts - base).max() > 0.1


def test_order_of_series_does_not_matter():
    rng = np.random.default_rng(4)
    keys = lattice(rng, 24)
    keys = keys.assign(item=[f"j{k:02}" for k in range(24)])
    tree = summing.summing(keys, LEVELS[:-1])
    base = tree.matrix @ rng.normal(1.0, 3.0, (24, 2)) + rng.normal(0.0, 1.0, (len(tree.nodes), 2))
    variance = rng.gamma(1.0, 1.0, len(base)) + 0.1
    order = rng.permutation(24)
    other = summing.summing(keys.iloc[order].reset_index(drop=True), LEVELS[:-1])
    above = tree.above.shape[0]
    moved = np.concatenate([np.arange(above), above + order])
    assert other.nodes["member"].tolist() == tree.nodes["member"].iloc[moved].tolist()
    made = coherence.make_coherent(tree, base, Errors(variance), lower=0.0).amounts
    again = coherence.make_coherent(other, base[moved], Errors(variance[moved]), lower=0.0).amounts
    np.testing.assert_allclose(again, made[moved], atol=1e-8)


def test_sample_paths_add_up_one_by_one_and_so_do_their_means():
    rng, tree, base, errors = problem(5, 16, 3)
    paths = base[:, None, :] + rng.normal(0.0, 2.0, (len(base), 300, 3))
    flat = paths.reshape(len(base), -1)
    made = coherence.make_coherent(tree, flat, errors, lower=0.0).amounts
    assert made[-16:].min() >= 0.0
    mean = made.reshape(paths.shape).mean(axis=1)
    np.testing.assert_allclose(mean, tree.matrix @ mean[-16:], atol=1e-9)
    one = coherence.make_coherent(tree, flat[:, [450]], errors, lower=0.0).amounts
    np.testing.assert_allclose(made[:, [450]], one, atol=1e-8)


def test_a_lock_that_its_parts_already_make_up_is_kept():
    tree = summing.summing(pd.DataFrame({"item": ["A", "B"]}), [()])
    locked = np.array([[30.0], [10.0], [20.0]])
    base = np.array([[12.0], [4.0], [5.0]])
    made = coherence.make_coherent(tree, base, Errors(np.ones(3)), lower=locked, upper=locked)
    np.testing.assert_allclose(made.amounts, locked, atol=1e-9)


def test_missing_forecast_names_its_node():
    tree = summing.summing(pd.DataFrame({"item": ["A", "B"]}), [()])
    base = np.array([[12.0], [4.0], [np.nan]])
    with pytest.raises(ValueError, match=r"series B in column 0.*leave its level out"):
        coherence.make_coherent(tree, base, Errors(np.ones(3)))
