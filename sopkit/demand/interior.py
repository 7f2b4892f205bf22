"""The nearest amounts that add up for errors of any covariance: one sparse system, then bounds.

Without bounds all columns share one LU of the optimality conditions. A column that breaks a bound
is solved by Clarabel (interior point), and made exact with what is found to be held.
"""

from __future__ import annotations

from dataclasses import dataclass

import clarabel
import numpy as np
from scipy import sparse
from scipy.sparse import linalg

from sopkit.demand.summing import Summing

TOLERANCE = 1e-9  # beside an amount and its error: a bound that is broken by less is not
_NO_MATTER = 1e-12  # beside the mean variance: keeps holds that repeat each other solvable
_ROUNDS = 12  # of corrections to what the interior point found
_HELD = 1e-6  # beside the largest price: from there on a bound counts as held


@dataclass(frozen=True)
class Errors:
    """Covariance of forecast errors: W = diag(``variance``) + ``factor`` ``factor``'.

    ``variance`` (n_nodes,), units squared; ``factor`` (n_nodes, n_factors), units, none where
    errors of nodes count as independent.
    """

    variance: np.ndarray
    factor: np.ndarray | None = None


def reach(base: np.ndarray, errors: Errors) -> np.ndarray:
    """By how much each amount (n_nodes, n_columns) may miss a bound and still count as at it."""
    own = np.maximum(np.abs(base), np.sqrt(errors.variance)[:, None])
    return TOLERANCE * np.maximum(own, 1e-2 * np.abs(base).max(axis=0))


def nearest(
    tree: Summing, base: np.ndarray, errors: Errors, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Amounts and prices (n_nodes, n_columns), as ``coherence.make_coherent`` tells them.

    Parameters
    ----------
    tree, base, errors, low, high
        As there, bounds as arrays, variances above zero.

    Raises
    ------
    ValueError
        If bounds of a column leave nothing, or the solver ends without an answer.
    """
    none = np.zeros(len(base), dtype=bool)
    amounts, prices = _with_held(tree, base, errors, none, base)
    near = reach(base, errors)
    is_broken = ((amounts < low - near) | (amounts > high + near)).any(axis=0)
    for column in np.flatnonzero(is_broken | (low == high).any(axis=0)):
        bounds = low[:, column], high[:, column]
        amounts[:, column], prices[:, column] = _exact(
            tree, base[:, column], errors, *bounds, near[:, column]
        )
    return amounts, prices


def _exact(
    tree: Summing,
    base: np.ndarray,
    errors: Errors,
    low: np.ndarray,
    high: np.ndarray,
    near: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """One column: what the interior point finds to be held, corrected until nothing is wrong."""
    rough, duals = _interior(tree.matrix, base, errors, low, high)
    least = _HELD * np.abs(duals).max()
    at_low, at_high = (duals > least) | (low == high), (duals < -least) & (low < high)
    for _ in range(_ROUNDS):
        is_held, at = at_low | at_high, np.where(at_high, high, low)
        said, price = _with_held(tree, base[:, None], errors, is_held, at[:, None])
        said, price = said[:, 0], price[:, 0]
        new_low = np.where(at_low, (price > 0) | (low == high), ~at_high & (said < low - near))
        new_high = np.where(at_high, price < 0, ~at_low & (said > high + near))
        if (new_low == at_low).all() and (new_high == at_high).all():
            return said, price
        at_low, at_high = new_low, new_high
    return rough, duals


def _with_held(
    tree: Summing, base: np.ndarray, errors: Errors, is_held: np.ndarray, at: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Amounts and prices with some nodes held at an amount, all others free of bounds."""
    matrix, variance = tree.matrix, errors.variance
    (count, width), held = matrix.shape, sparse.csc_array(matrix[is_held])
    factor = sparse.csc_array((count, 0)) if errors.factor is None else errors.factor
    factor, many, few = sparse.csc_array(factor), factor.shape[1], held.shape[0]
    slack = _NO_MATTER * variance.mean()
    whole = sparse.block_array(
        [
            [sparse.diags_array(variance), factor, -matrix, sparse.csc_array((count, few))],
            [factor.T, -sparse.eye_array(many), None, None],
            [-matrix.T, None, None, held.T],
            [None, None, held, slack * sparse.eye_array(few)],
        ],
        format="csc",
    )
    none = np.zeros((many + width, base.shape[1]))
    right = np.vstack([-base, none, at[is_held]])
    solution = refined(whole, right)
    amounts = matrix @ solution[count + many : count + many + width]
    prices = np.zeros_like(base)
    prices[is_held] = solution[count + many + width :]
    return amounts, prices


def refined(whole: sparse.csc_array, right: np.ndarray) -> np.ndarray:
    """Solution of a sparse system, drawn closer once."""
    factored = linalg.splu(whole)
    solution = factored.solve(right)
    return solution + factored.solve(right - whole @ solution)


def _interior(
    matrix: sparse.csr_array, base: np.ndarray, errors: Errors, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Amounts and prices of one column by Clarabel: least ½u'u + ½v'v with Sb = y + D½u + Fv."""
    count, width = matrix.shape
    factor = np.empty((count, 0)) if errors.factor is None else errors.factor
    size = max(np.abs(base).max(), 1.0)
    root = np.sqrt(errors.variance)
    unit = np.sqrt((root**2).mean())  # one unit of error in the scaled problem
    zero = np.isfinite(low) & (low == high)
    least, most = np.isfinite(low) & ~zero, np.isfinite(high) & ~zero
    errors_of = sparse.hstack(
        [sparse.diags_array(root / unit), sparse.csc_array(factor / unit)], format="csc"
    )
    many = errors_of.shape[1]
    rows = [sparse.hstack([matrix, -errors_of])]
    for chosen, sign in ((zero, 1.0), (least, -1.0), (most, 1.0)):
        none = sparse.csc_array((int(chosen.sum()), many))
        rows.append(sparse.hstack([sign * matrix[chosen], none]))
    right = np.concatenate([base, low[zero], -low[least], high[most]]) / size
    weights = np.concatenate([np.zeros(width), np.ones(many)])
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-10
    free, sides = count + int(zero.sum()), int(least.sum() + most.sum())
    answer = clarabel.DefaultSolver(
        sparse.csc_matrix(sparse.diags_array(weights)),
        np.zeros(width + many),
        sparse.csc_matrix(sparse.vstack(rows)),
        right,
        [clarabel.ZeroConeT(free), clarabel.NonnegativeConeT(sides)],
        settings,
    ).solve()
    if "Solved" not in str(answer.status):
        raise ValueError(
            f"no amounts keep to these bounds ({answer.status}): locks.check names those that "
            "contradict one another."
        )
    dual = np.array(answer.z)[count:] * size / unit**2
    prices = np.zeros(count)
    ends = np.cumsum([zero.sum(), least.sum(), most.sum()])
    prices[zero] = -dual[: ends[0]]
    prices[least] += dual[ends[0] : ends[1]]
    prices[most] -= dual[ends[1] : ends[2]]
    return matrix @ np.array(answer.x)[:width] * size, prices
