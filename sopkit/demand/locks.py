"""Amounts that people fix at nodes: as bounds, which of them contradict, and who pays for each.

A table of *locks* has ``level``, ``member`` and ``month`` of a node, and ``lower`` and ``upper``,
units: the two are equal for a lock, and missing where the node is free on that side.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import sparse

from sopkit import months, schema
from sopkit.contract import nearest
from sopkit.demand import coherence
from sopkit.demand.interior import TOLERANCE, Errors
from sopkit.demand.summing import JOINED, SERIES, TOTAL, Summing

COLUMNS = "level member month payer_level payer_member amount without change price place".split()
COLUMNS += ["payer_change", "payer_share"]
_NAMED = 6  # nodes named in a message
_PAYERS = 3  # largest nodes beneath and beside that are listed


def bounds(
    tree: Summing, locks: pd.DataFrame, months_ahead: pd.DatetimeIndex
) -> tuple[np.ndarray, np.ndarray]:
    """Least and most of each node and month: series are not negative, locks as given.

    Parameters
    ----------
    tree : Summing
        What adds up to what.
    locks : DataFrame
        A row a node and month; of several rows the tightest bounds hold.
    months_ahead : DatetimeIndex
        Months of the columns; rows of other months are left out.

    Returns
    -------
    tuple of array (n_nodes, n_months)

    Raises
    ------
    UsageError
        If there is no such node.
    """
    shape = len(tree.nodes), len(months_ahead)
    lower, upper = np.full(shape, -np.inf), np.full(shape, np.inf)
    lower[tree.above.shape[0] :] = 0.0
    node, column = _places(tree, locks, months_ahead)
    is_kept = column >= 0
    places = node[is_kept], column[is_kept]
    np.maximum.at(lower, places, locks["lower"].fillna(-np.inf).to_numpy()[is_kept])
    np.minimum.at(upper, places, locks["upper"].fillna(np.inf).to_numpy()[is_kept])
    return lower, upper


def _places(
    tree: Summing, locks: pd.DataFrame, months_ahead: pd.DatetimeIndex
) -> tuple[np.ndarray, np.ndarray]:
    """Row of the node and column of the month of each lock; −1 for another month."""
    index = pd.MultiIndex.from_frame(tree.nodes)
    node = index.get_indexer(pd.MultiIndex.from_frame(locks[["level", "member"]]))
    for row in np.flatnonzero(node < 0)[:1]:
        level, member = locks.iloc[row][["level", "member"]]
        known = tree.nodes.loc[tree.nodes["level"] == level, "member"]
        words = (
            nearest(member, list(known)) if len(known) else nearest(level, [*set(index.levels[0])])
        )
        raise months.UsageError(f"locks, row {row + 1}: there is no {level} {member!r}. {words}")
    return node, months_ahead.get_indexer(pd.DatetimeIndex(locks["month"]))


def check(
    tree: Summing, lower: np.ndarray, upper: np.ndarray, months_ahead: pd.DatetimeIndex
) -> None:
    """Whether some amounts keep to all bounds in each month.

    Parameters
    ----------
    tree, lower, upper
        As for ``coherence.make_coherent``, bounds as arrays.
    months_ahead : DatetimeIndex
        Months of the columns.

    Raises
    ------
    UsageError
        If none do: names bounds that contradict one another, from the top down, none of which
        could be left out of the contradiction, and by how much they miss each other.
    """
    for column, month in enumerate(months_ahead):
        low, high = lower[:, column], upper[:, column]
        sides, missed = _contradiction(tree, low, high)
        if not sides:
            continue
        words = [_words(tree, node, low, high, side) for node, side in sides[:_NAMED]]
        more = f", and {len(sides) - _NAMED} more" if len(sides) > _NAMED else ""
        raise months.UsageError(
            f"locks contradict one another in {months.label(month)}: {'; '.join(words)}{more}. "
            f"No amounts keep to all of them: they miss by {missed:,.6g}. Change or leave out one."
        )


def _words(tree: Summing, node: int, low: np.ndarray, high: np.ndarray, side: int) -> str:
    level, member = tree.nodes.loc[node, ["level", "member"]]
    name = member if level == TOTAL else f"{level} {member}"
    if low[node] == high[node]:
        return f"{name} is locked at {low[node]:,.6g}"
    least, most = f"{name} is at least {low[node]:,.6g}", f"{name} is at most {high[node]:,.6g}"
    return f"{least} and at most {high[node]:,.6g}" if not side else least if side < 0 else most


def _contradiction(
    tree: Summing, low: np.ndarray, high: np.ndarray
) -> tuple[list[tuple[int, int]], float]:
    """Nodes and sides (−1 least, 1 most, 0 both) that cannot hold together, and by how much."""
    crossed = np.flatnonzero(low > high)
    if len(crossed):
        return [(int(crossed[0]), 0)], float(low[crossed[0]] - high[crossed[0]])
    count = tree.above.shape[0]
    rows = np.flatnonzero(np.isfinite(low[:count]) | np.isfinite(high[:count]))
    series = np.flatnonzero(tree.above[rows].sum(axis=0))  # others are free of all of them
    if not len(series):
        return [], 0.0
    nodes = np.concatenate([rows, count + series])
    matrix = sparse.csr_array(tree.matrix[nodes][:, series])
    missed, sides = _missed(matrix, low[nodes], high[nodes])
    if missed <= TOLERANCE * np.abs(low[nodes][np.isfinite(low[nodes])]).max(initial=1.0):
        return [], 0.0
    chain = _irreducible(matrix, low[nodes], high[nodes], sides)
    return sorted((int(nodes[node]), side) for node, side in chain), missed


def _missed(
    matrix: sparse.csr_array, low: np.ndarray, high: np.ndarray
) -> tuple[float, list[tuple[int, int]]]:
    """Least amount by which bounds must be broken, and the bounds that bear on it."""
    from scipy.optimize import linprog  # here: `status` must not wait for it

    count, width = matrix.shape
    least, most = np.flatnonzero(np.isfinite(low)), np.flatnonzero(np.isfinite(high))
    rows = sparse.vstack([-matrix[least], matrix[most]])
    answer = linprog(
        np.concatenate([np.zeros(width), np.ones(rows.shape[0])]),
        A_ub=sparse.hstack([rows, -sparse.eye_array(rows.shape[0])]),
        b_ub=np.concatenate([-low[least], high[most]]),
        bounds=[(None, None)] * width + [(0.0, None)] * rows.shape[0],
        method="highs",
    )
    named = [(int(node), -1) for node in least] + [(int(node), 1) for node in most]
    bears = np.abs(answer.ineqlin.marginals) > 1e-9
    return float(answer.fun), [side for side, bear in zip(named, bears, strict=True) if bear]


def _irreducible(
    matrix: sparse.csr_array, low: np.ndarray, high: np.ndarray, sides: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    """Of some bounds those without any one of which the others would hold together."""

    def is_impossible(kept: list[tuple[int, int]]) -> bool:
        least, most = np.full(len(low), -np.inf), np.full(len(high), np.inf)
        for node, side in kept:
            (least if side < 0 else most)[node] = (low if side < 0 else high)[node]
        return bool(kept) and _missed(matrix, least, most)[0] > TOLERANCE

    for side in list(sides):
        fewer = [other for other in sides if other != side]
        sides = fewer if is_impossible(fewer) else sides
    return sides


def paid(
    tree: Summing,
    base: np.ndarray,
    errors: Errors,
    locks: pd.DataFrame,
    months_ahead: pd.DatetimeIndex,
) -> pd.DataFrame:
    """Table ``coherence_locks``: what each lock changes, and where that goes.

    Parameters
    ----------
    tree, base, errors
        As for ``coherence.make_coherent``, columns are months.
    locks : DataFrame
        A row a node and month.
    months_ahead : DatetimeIndex
        Months of the columns.

    Returns
    -------
    DataFrame
        Key ``level, member, month, payer_level, payer_member``: ``amount`` of the node with all
        locks and ``without`` this one, ``change`` = amount − without; ``price``, of one more unit
        held; ``place`` of the payer (`beneath`: its largest series; `beside`: other nodes of its
        level; `above`: the company), ``payer_change`` and ``payer_share`` of the change.

    Raises
    ------
    UsageError
        If a node is unknown, or locks contradict one another.
    """
    lower, upper = bounds(tree, locks, months_ahead)
    check(tree, lower, upper, months_ahead)
    node, column = _places(tree, locks, months_ahead)
    kept = np.flatnonzero(column >= 0)
    held = coherence.make_coherent(tree, base, errors, lower=lower, upper=upper)
    parts = []
    for row in kept:  # every other lock stays
        others = bounds(tree, locks.drop(index=locks.index[row]), months_ahead[[column[row]]])
        now = np.s_[:, [column[row]]]
        free = coherence.make_coherent(tree, base[now], errors, lower=others[0], upper=others[1])
        moved = held.amounts[:, column[row]] - free.amounts[:, 0]
        part = _payers(tree, int(node[row]), moved)
        parts.append(
            part.assign(
                level=locks["level"].iloc[row],
                member=locks["member"].iloc[row],
                month=months_ahead[column[row]],
                amount=held.amounts[node[row], column[row]],
                without=free.amounts[node[row], 0],
                price=held.prices[node[row], column[row]],
            )
        )
    if not parts:
        return nothing_paid()
    whole = pd.concat(parts, ignore_index=True)
    change = whole["amount"] - whole["without"]
    share = whole["payer_change"] / change.where(change != 0)
    return whole.assign(change=change, payer_share=share)[COLUMNS]


def nothing_paid() -> pd.DataFrame:
    """Table ``coherence_locks`` where nothing is locked."""
    none = pd.DataFrame(dict.fromkeys(COLUMNS, pd.Series(dtype="float64")))
    texts = dict.fromkeys(["level", "member", "payer_level", "payer_member", "place"], "str")
    return none.astype(texts | {"month": months.DTYPE})


def of_overrides(tree: Summing, overrides: pd.DataFrame, effects: pd.DataFrame) -> pd.DataFrame:
    """Locked overrides that were applied, as locks of the nodes that are forecast.

    Parameters
    ----------
    tree : Summing
        Nodes that are forecast; overrides of other levels are left out.
    overrides, effects : DataFrame
        What was given to ``overrides.apply``, and the effects it told, row by row.
    """
    is_lock = effects["is_locked"] & effects["state"].ne("refused")
    held, after = overrides[is_lock.to_numpy()], effects.loc[is_lock, "after"].to_numpy()
    names = [
        [name for name in schema.LEVELS if row[name] != schema.ALL] for _, row in held.iterrows()
    ]
    levels = [SERIES if named == schema.SERIES else JOINED.join(named) or TOTAL for named in names]
    members = [
        JOINED.join(row[named]) or schema.COMPANY_LABEL
        for (_, row), named in zip(held.iterrows(), names, strict=True)
    ]
    made = pd.DataFrame({"level": levels, "member": members}, dtype="str")
    made = made.assign(month=held["month"].to_numpy(), lower=after, upper=after)
    is_forecast = pd.MultiIndex.from_frame(made[["level", "member"]]).isin(
        pd.MultiIndex.from_frame(tree.nodes)
    )
    return made[is_forecast].reset_index(drop=True)


def _payers(tree: Summing, node: int, moved: np.ndarray) -> pd.DataFrame:
    """The company, and the nodes beneath and beside one that move most."""
    count, nodes = tree.above.shape[0], tree.nodes
    own = tree.matrix[[node]].toarray()[0] > 0
    beneath = count + np.flatnonzero(own)
    beside = np.flatnonzero((nodes["level"] == nodes["level"].iloc[node]).to_numpy())
    above = np.flatnonzero((nodes["level"] == TOTAL).to_numpy())
    parts = []
    for place, chosen in (("above", above), ("beneath", beneath), ("beside", beside)):
        chosen = chosen[chosen != node]
        largest = chosen[np.argsort(-np.abs(moved[chosen]), kind="stable")[:_PAYERS]]
        part = nodes.iloc[largest].set_axis(["payer_level", "payer_member"], axis=1)
        parts.append(part.assign(place=place, payer_change=moved[largest]))
    return pd.concat(parts, ignore_index=True)
