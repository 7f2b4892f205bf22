"""A long table ↔ one array of all series, so that a model runs on a whole portfolio at once.

Rows are months, columns are series; NaN stands before a series' first month and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sopkit import months, schema


@dataclass(frozen=True)
class Panel:
    """All series: ``values`` (n_months, n_series), in units; ``keys`` has one row a series."""

    keys: pd.DataFrame
    months: pd.DatetimeIndex
    values: np.ndarray

    def until(self, month: pd.Timestamp) -> Panel:
        """The panel as it stood before ``month``."""
        count = int(np.searchsorted(self.months, month))
        return replace(self, months=self.months[:count], values=self.values[:count])


def from_table(
    table: pd.DataFrame, column: str, month_index: pd.DatetimeIndex | None = None
) -> Panel:
    """One array of all series.

    Parameters
    ----------
    table : DataFrame
        Key ``item, location, channel, month``; no holes between a series' first and last month,
        all series ending in the table's last month (``history.demand_history`` makes it so).
    column : str
        Measure to lay out.
    month_index : DatetimeIndex, optional
        Months without holes, where the table is a part of one that has more; left out: its own.

    Returns
    -------
    Panel
        Series sorted by key.

    Examples
    --------
    >>> table = pd.DataFrame({"item": "A", "location": "all", "channel": "all",
    ...     "month": months.span(pd.Timestamp("2025-01-01"), 3), "demand": [1.0, 2.0, 3.0]})
    >>> from_table(table, "demand").values.ravel().tolist()
    [1.0, 2.0, 3.0]
    """
    keys = table[schema.SERIES].drop_duplicates().sort_values(schema.SERIES)
    keys = keys.reset_index(drop=True)
    index = pd.MultiIndex.from_frame(keys)
    if month_index is None:
        first, last = table["month"].min(), table["month"].max()
        month_index = months.span(first, int(months.number(last) - months.number(first)) + 1)
    values = np.full((len(month_index), len(keys)), np.nan)
    row = (months.number(table["month"]) - months.number(month_index[0])).to_numpy()
    values[row, index.get_indexer(pd.MultiIndex.from_frame(table[schema.SERIES]))] = table[column]
    return Panel(keys, month_index, values)


def to_table(
    keys: pd.DataFrame, month_index: pd.DatetimeIndex, arrays: dict[str, np.ndarray]
) -> pd.DataFrame:
    """A long table from arrays of shape (n_months, n_series), sorted by key and month."""
    count = len(month_index)
    table = keys.loc[keys.index.repeat(count)].reset_index(drop=True)
    table["month"] = np.tile(month_index.to_numpy(), len(keys))
    for name, values in arrays.items():
        table[name] = values.T.ravel()
    return table
