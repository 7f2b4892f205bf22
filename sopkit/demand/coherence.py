"""Coherence: forecasts of many levels made to add up, each moved by how unsure it is.

Of all amounts that add up, those nearest to the forecasts are taken: least squares weighted by the
inverse of the errors' covariance W (generalised least squares). Bounds and locks hold exactly.
Wickramasuriya, Athanasopoulos & Hyndman (2019), "Optimal forecast reconciliation for hierarchical
and grouped time series through trace minimization"; shrinkage: Schäfer & Strimmer (2005).

With the nodes above the series apart, the unknowns are as few as these: for weights λ of the nodes
above, (D + A V A') λ = A y − z with A their rows of the summing matrix, D and V the variances of
nodes and of series that are free. A node held at an amount is one without variance; a series held
leaves V. Which are held is found by a primal-dual active set in all columns at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse import linalg

from sopkit.demand import interior
from sopkit.demand.interior import Errors
from sopkit.demand.summing import Summing

_BLOCK = 256  # columns solved at once
_ROUNDS = 40  # of the active set, before the interior point takes over
_EXACT = 1e-11  # relative residual at which conjugate gradients stop
_STEPS = 50  # of conjugate gradients, before a column is solved by itself
_DENSE = 400  # nodes above the series up to which their inverse is kept whole
_HELD_VARIANCE = 1e-10  # of a node that is held, beside its own: holds may repeat one another
_LEAST_VARIANCE = 1e-9  # beside the mean variance: nothing is known exactly


@dataclass(frozen=True)
class Coherent:
    """What adds up: ``amounts`` (n_nodes, n_columns), units; ``prices`` of what is held.

    ``prices`` (n_nodes, n_columns): by how much the weighted sum of squares (halved) would rise
    with one more unit at a bound or lock: zero where nothing is held, positive where the amount
    was held up, negative where it was held down.
    """

    amounts: np.ndarray
    prices: np.ndarray


def structural(tree: Summing) -> Errors:
    """Errors as if those of all series were alike and independent: the number of series."""
    return Errors(np.asarray(tree.matrix.sum(axis=1)).ravel())


def shrunk(errors: np.ndarray) -> Errors:
    """Covariance of errors with correlations drawn to zero as far as they are chance.

    Parameters
    ----------
    errors : array (n_observations, n_nodes)
        Units; mean zero is taken for granted.

    Returns
    -------
    Errors
        Schäfer & Strimmer's shrinkage of correlations: λ = Σ var(r) ÷ Σ r², within 0 and 1.
    """
    count = len(errors)
    variance = (errors**2).mean(axis=0)
    scaled = errors / np.sqrt(np.where(variance > 0, variance, 1.0))
    correlation = scaled.T @ scaled / count
    of_products = ((scaled**2).T @ scaled**2 / count - correlation**2) / (count - 1)
    is_off = ~np.eye(len(correlation), dtype=bool)
    total = (correlation[is_off] ** 2).sum()
    share = np.clip(of_products[is_off].sum() / total, 0.0, 1.0) if total else 1.0
    return Errors(share * variance, np.sqrt((1.0 - share) / count) * errors.T)


def make_coherent(
    tree: Summing,
    base: np.ndarray,
    errors: Errors,
    *,
    lower: np.ndarray | float = -np.inf,
    upper: np.ndarray | float = np.inf,
) -> Coherent:
    """The amounts nearest to the forecasts of all nodes that add up and keep to bounds.

    Parameters
    ----------
    tree : Summing
        What adds up to what.
    base : array (n_nodes, n_columns)
        Forecasts of the nodes, units; columns are months, or months of sample paths.
    errors : Errors
        How unsure each forecast is.
    lower, upper : array (n_nodes, n_columns) or float
        Least and most of each node; a lock has both equal. Bounds that contradict one another are
        found by ``locks.check``, which is to be asked first.

    Returns
    -------
    Coherent

    Raises
    ------
    ValueError
        If a forecast is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> from sopkit.demand import summing
    >>> keys = pd.DataFrame({"item": ["A", "B"]})
    >>> tree = summing.summing(keys, [()])
    >>> base = np.array([[12.0], [4.0], [5.0]])
    >>> make_coherent(tree, base, structural(tree)).amounts.ravel().round(2).tolist()
    [10.5, 4.75, 5.75]
    """
    if not np.isfinite(base).all():
        node, column = np.argwhere(~np.isfinite(base))[0]
        level, member = tree.nodes.loc[node, ["level", "member"]]
        raise ValueError(
            f"no forecast of {level} {member} in column {column}. Every node needs one to be made "
            "coherent: leave its level out, or forecast it."
        )
    low, high = (np.broadcast_to(np.asarray(x, float), base.shape) for x in (lower, upper))
    errors = Errors(_sound(errors.variance), errors.factor)
    solve = _held if errors.factor is None else interior.nearest
    parts = []
    for start in range(0, base.shape[1], _BLOCK):
        cut = np.s_[:, start : start + _BLOCK]
        bounds = _without_implied(tree, low[cut], high[cut])
        amounts, prices = solve(tree, base[cut], errors, *bounds)
        series = slice(tree.above.shape[0], None)
        own = np.clip(amounts[series], low[cut][series], high[cut][series])
        parts.append((tree.matrix @ own, prices))
    amounts, prices = (np.concatenate(arrays, axis=1) for arrays in zip(*parts, strict=True))
    return Coherent(amounts, prices)


def _without_implied(
    tree: Summing, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Bounds without those of nodes that the bounds of their series imply."""
    count = tree.above.shape[0]
    low, high = low.copy(), high.copy()
    for bound, sign, nothing in ((low, 1.0, -np.inf), (high, -1.0, np.inf)):
        own, sums = sign * bound[:count], tree.above @ (sign * bound[count:])
        reach = interior.TOLERANCE * np.abs(np.where(np.isfinite(own), own, 0.0))
        bound[:count] = np.where(own <= sums + reach, nothing, bound[:count])
    return low, high


def _sound(variance: np.ndarray) -> np.ndarray:
    return np.maximum(variance, max(_LEAST_VARIANCE * variance.mean(), 1e-300))


def _held(
    tree: Summing, base: np.ndarray, errors: Errors, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Amounts and prices with independent errors: what is held changes until nothing is wrong."""
    above, variance = tree.above, errors.variance[:, None]
    inverse = _inverse(above, variance[:, 0])
    reach = interior.reach(base, errors)
    held = np.where(low == high, 2, 0)  # 0 free, -1 at the lower bound, 1 at the upper, 2 locked
    amounts, prices = np.empty_like(base), np.zeros_like(base)
    weights = np.zeros((above.shape[0], base.shape[1]))
    open_columns = np.arange(base.shape[1])
    for _ in range(_ROUNDS):
        now = np.s_[:, open_columns]
        state, least, most = held[now], low[now], high[now]
        at = np.where(state == 1, most, np.where(state == 0, base[now], least))
        said, price, weights[now] = _solved(
            above, base[now], variance, at, state != 0, weights[now], inverse
        )
        amounts[now], prices[now] = said, price
        stays = (state == 2) | ((state == -1) & (price > 0)) | ((state == 1) & (price < 0))
        new = np.where(stays, state, 0)
        new = np.where((state == 0) & (said < least - reach[now]), -1, new)
        new = np.where((state == 0) & (said > most + reach[now]), 1, new)
        changed = (new != state).any(axis=0)
        held[now] = new
        open_columns = open_columns[changed]
        if not len(open_columns):
            return amounts, prices
    for column in open_columns:  # the active set went round in circles
        cut = np.s_[:, [column]]
        amounts[cut], prices[cut] = interior.nearest(tree, base[cut], errors, low[cut], high[cut])
    return amounts, prices


def _inverse(above: sparse.csr_array, variance: np.ndarray) -> Callable:
    """What solves for the nodes above with every series free: exact where nothing is held."""
    count = above.shape[0]
    whole = sparse.diags_array(variance[:count]) + (above * variance[count:]) @ above.T
    if count <= _DENSE:
        return np.linalg.inv(whole.toarray()).__matmul__
    options = {"SymmetricMode": True}
    return linalg.splu(
        sparse.csc_array(whole), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options
    ).solve


def _solved(
    above: sparse.csr_array,
    base: np.ndarray,
    variance: np.ndarray,
    at: np.ndarray,
    is_held: np.ndarray,
    start: np.ndarray,
    inverse: Callable,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Amounts, prices and weights of the nodes above, with some held ``at`` an amount."""
    count = above.shape[0]
    node_variance = np.where(is_held[:count], _HELD_VARIANCE, 1.0) * variance[:count]
    free = np.where(is_held[count:], 0.0, variance[count:])
    beneath = at[count:]  # the forecast where free

    def times(weights: np.ndarray) -> np.ndarray:
        return node_variance * weights + above @ (free * (above.T @ weights))

    right = above @ beneath - at[:count]
    weights, is_solved = _conjugate(times, right, start, inverse)
    for column in np.flatnonzero(~is_solved):
        own = sparse.diags_array(node_variance[:, column]) + (above * free[:, column]) @ above.T
        weights[:, column] = interior.refined(sparse.csc_array(own), right[:, column])
    pull = above.T @ weights
    series = beneath - free * pull
    price = np.zeros_like(base)
    price[:count] = (at[:count] - base[:count]) / variance[:count] - weights
    price[count:] = (series - base[count:]) / variance[count:] + pull
    amounts = np.vstack([above @ series, series])
    return amounts, np.where(is_held, price, 0.0), weights


def _conjugate(
    times: Callable, right: np.ndarray, start: np.ndarray, inverse: Callable
) -> tuple[np.ndarray, np.ndarray]:
    """Conjugate gradients of all columns, by the inverse of what is free; which are solved."""
    if not right.size:
        return start, np.ones(right.shape[1], dtype=bool)
    is_near = np.linalg.norm(right - times(start), axis=0) < np.linalg.norm(right, axis=0)
    found = np.where(is_near, start, 0.0)
    rest = right - times(found)
    goal = _EXACT * np.maximum(np.linalg.norm(right, axis=0), 1e-300)
    near = inverse(rest)
    way, product = near, (rest * near).sum(axis=0)
    for _ in range(_STEPS):
        is_open = np.linalg.norm(rest, axis=0) > goal
        if not is_open.any():
            break
        ahead = times(way)
        curve = (way * ahead).sum(axis=0)
        step = np.where(is_open & (curve > 0), product / np.where(curve > 0, curve, 1.0), 0.0)
        found, rest = found + step * way, rest - step * ahead
        near = inverse(rest)
        before, product = product, (rest * near).sum(axis=0)
        way = near + np.where(before > 0, product / np.where(before > 0, before, 1.0), 0.0) * way
    return found, np.linalg.norm(right - times(found), axis=0) <= 10.0 * goal
