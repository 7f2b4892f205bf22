"""Words shared by the rooms' modules: months, tables written by hand, long tables from matrices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from sopkit import months

FOLDER = Path(__file__).parent / "given"
MONTHS = months.span(pd.Timestamp("2021-01-01"), 84)
CYCLE = 60  # position of 2026-01 in MONTHS, also the months of sales history
STOCK_FROM = 36  # position of 2024-01, first month of stock, production and submissions
BUDGET_FROM = 48  # position of 2025-01, first month of budget, capacity and controls
LEVELS = ["item", "family", "location", "channel"]


def read(name: str, *, is_clean: bool = False) -> pd.DataFrame:
    """Table written by hand, its months and dates typed; clean: without rows marked as planted."""
    table = pd.read_csv(FOLDER / f"{name}.csv", dtype={"item": "str", "like_item": "str"})
    if "is_planted" in table:
        keep = ~table["is_planted"] if is_clean else slice(None)
        table = table[keep].drop(columns="is_planted").reset_index(drop=True)
    words = ("month", "cycle", "decide_by", "entered_at")
    dates = [column for column in table if column.endswith(words)]
    return table.assign(**{n: pd.to_datetime(table[n]).astype(months.DTYPE) for n in dates})


def stream(seed: int, number: int) -> np.random.Generator:
    """Random numbers of one part, so that a change in one part leaves the others alone."""
    return np.random.default_rng([seed, number])


def long(keys: pd.DataFrame, positions: range, **measures: np.ndarray) -> pd.DataFrame:
    """One row a key and month, from matrices of keys by months."""
    table = keys.loc[keys.index.repeat(len(positions))].reset_index(drop=True)
    flat = {name: np.asarray(matrix).ravel() for name, matrix in measures.items()}
    return table.assign(month=np.tile(MONTHS[list(positions)], len(keys)), **flat)


def cells(series: pd.DataFrame, matrix: np.ndarray) -> pd.DataFrame:
    """Series, month and quantity of a matrix's cells that are not zero."""
    keys = series[["item", "location", "channel"]]
    table = long(keys, range(matrix.shape[1]), quantity=matrix)
    return table[table["quantity"] != 0].reset_index(drop=True)


def by(keys: pd.DataFrame, names: list[str], matrix: np.ndarray) -> tuple:
    """Keys, and the matrix summed over rows with the same keys."""
    total = pd.DataFrame(matrix).groupby([keys[name].to_numpy() for name in names]).sum()
    index = total.index.to_frame(index=False)
    return index.set_axis(names, axis=1), total.to_numpy()


def covers(series: pd.DataFrame, row) -> np.ndarray:
    """Which series the level columns of one row cover; a blank covers every member."""
    named = [(level, getattr(row, level, None)) for level in LEVELS]
    chosen = [series[level] == member for level, member in named if isinstance(member, str)]
    return np.logical_and.reduce(chosen) if chosen else np.ones(len(series), dtype=bool)


def active(first: pd.Timestamp, last: pd.Timestamp) -> np.ndarray:
    """Which of MONTHS lie from the first to the last month; a missing last is for good."""
    return np.asarray((MONTHS >= first) & ((MONTHS <= last) | pd.isna(last)))


def marked(keys: pd.DataFrame, name: str, *, is_clean: bool) -> np.ndarray:
    """Cells, keys by MONTHS, that a table written by hand names."""
    is_marked = np.zeros((len(keys), len(MONTHS)), dtype=bool)
    for row in read(name, is_clean=is_clean).itertuples():
        is_marked[np.ix_(covers(keys, row), MONTHS == row.month)] = True
    return is_marked


def wander(shocks: np.ndarray, memory_rate: float) -> np.ndarray:
    """A path of which each month keeps a share of the month before and adds its shock."""
    step = np.arange(len(shocks))
    return np.tril(memory_rate ** np.abs(step[:, None] - step)) @ shocks
