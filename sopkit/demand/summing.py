"""What adds up to what: the nodes of any levels, crossed or nested, over the series at the bottom.

The *summing matrix* has a row a node and a column a series: one where the series belongs to the
node. Series stand last, in their own order. A row of `keys` is one series at the bottom.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from sopkit import schema

TOTAL, SERIES = "total", "series"
JOINED = " × "


@dataclass(frozen=True)
class Summing:
    """Nodes, from the top down, and the matrix that makes their amounts of those of the series.

    ``nodes``: ``level`` and ``member``, one row a node; ``matrix`` (n_nodes, n_series) sparse, the
    last n_series rows its identity.
    """

    nodes: pd.DataFrame
    matrix: sparse.csr_array

    @property
    def above(self) -> sparse.csr_array:
        """Rows of the nodes above the series (n_above, n_series)."""
        return self.matrix[: self.matrix.shape[0] - self.matrix.shape[1]]


def summing(keys: pd.DataFrame, levels: list[tuple[str, ...]]) -> Summing:
    """Nodes and summing matrix of some levels over the series.

    Parameters
    ----------
    keys : DataFrame
        One row a series, with the columns that levels name, none missing.
    levels : list of tuple of str
        Columns that make up each level, from the top down; none is the total.

    Returns
    -------
    Summing
        The series are the last level, `series`.

    Examples
    --------
    >>> keys = pd.DataFrame({"item": ["A", "B", "C"], "family": ["T", "T", "S"]})
    >>> made = summing(keys, [(), ("family",)])
    >>> made.matrix.toarray().astype(int).tolist()
    [[1, 1, 1], [0, 0, 1], [1, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]]
    >>> made.nodes["member"].tolist()
    ['Company', 'S', 'T', 'A', 'B', 'C']
    """
    width, rows, nodes = len(keys), [], []
    for level in levels:
        code, members = pd.factorize(_members(keys, level), sort=True)
        rows.append(_indicator(code, len(members)))
        nodes.append(pd.DataFrame({"level": JOINED.join(level) or TOTAL, "member": members}))
    own = [name for name in schema.SERIES if name in keys] or list(keys)
    names = _members(keys, tuple(own)).to_numpy()
    nodes.append(pd.DataFrame({"level": SERIES, "member": names}))
    matrix = sparse.vstack([*rows, sparse.eye_array(width)], format="csr")
    return Summing(pd.concat(nodes, ignore_index=True), sparse.csr_array(matrix, dtype="float64"))


def distinct(keys: pd.DataFrame, levels: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Levels that group the series in ways of their own: the first of those that group alike.

    A level that tells every series apart is the series', and left out.

    Examples
    --------
    >>> keys = pd.DataFrame({"item": ["A", "B"], "family": ["T", "T"], "region": ["N", "S"]})
    >>> distinct(keys, [(), ("family",), ("region",)])
    [()]
    """
    kept, seen = [], {tuple(range(len(keys)))}
    for level in levels:
        code = tuple(pd.factorize(_members(keys, level))[0])
        if code not in seen:
            kept.append(level)
        seen.add(code)
    return kept


def _members(keys: pd.DataFrame, level: tuple[str, ...]) -> pd.Series:
    """The node of a level that each series belongs to."""
    if not level:
        return pd.Series(schema.COMPANY_LABEL, index=keys.index, dtype="str")
    first, *others = (keys[name].astype("str") for name in level)
    return first.str.cat(others, sep=JOINED) if others else first


def _indicator(code: np.ndarray, count: int) -> sparse.csr_array:
    """A row a member, a column a series: one where the series is the member's."""
    places = code, np.arange(len(code))
    return sparse.csr_array((np.ones(len(code)), places), shape=(count, len(code)))
