"""Forecasts beyond one process: Dask's workers call the demand review's functions on its parts.

The functions are those of ``demand_meeting.statistical_of_parts``; here is said who calls them and
where. Workers read their rows of `demand_history` from its Parquet file themselves. Dask is an
extra, ``sopkit[dask]``, and imported here alone.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sopkit import demand_meeting, months, schema, store
from sopkit.demand.apart import Alone
from sopkit.months import UsageError

SERIES_A_PART = 2048  # series that a worker takes at once: about 150 MB
_PATIENCE = 10  # seconds until a scheduler that does not answer, or has no worker, is told
# Dask would have workers give back every freed page: arrays made anew then cost twice their time
_ENVIRONMENT = "distributed.nanny.pre-spawn-environ"
_THREADS = {"OMP_NUM_THREADS": 1, "MKL_NUM_THREADS": 1, "OPENBLAS_NUM_THREADS": 1}
Tables = dict[str, pd.DataFrame]


class WorkersFailed(RuntimeError):
    """Workers died, or cannot do what one machine can."""


def statistical(
    tables: Tables,
    *,
    horizon: int,
    path: Path,
    scheduler: str = "",
    workers: int | None = None,
    series: int = SERIES_A_PART,
) -> Tables:
    """``demand_meeting.statistical``, by workers; the same to 1e-9 however many they are.

    Parameters
    ----------
    tables : dict of DataFrame
        Tables `demand_history`, and those of ``demand_meeting.BY_ITEM`` and ``WHOLE``.
    horizon : int
        Months ahead.
    path : Path
        File of `demand_history`, in the order of its key; workers read it.
    scheduler : str
        Address of a Dask scheduler, as ``tcp://10.0.0.5:8786``; left out: workers of this machine.
    workers : int, optional
        Processes on this machine; left out: one a processor.
    series : int
        Series a part; an item is in one part whole.

    Returns
    -------
    dict of DataFrame
        As ``demand_meeting.statistical``.

    Raises
    ------
    UsageError
        If Dask is not installed, or the scheduler does not answer.
    WorkersFailed
        If workers died, run another sopkit or cannot read the file. Nothing is half made then.
    """
    with _workers(scheduler, workers) as client:
        parts = _parts(client, tables, path.resolve(), series)
        over = _Over(client)
        told, common = demand_meeting.statistical_of_parts(parts, over, horizon=horizon)
        with _worded(path):
            return demand_meeting.assembled(client.gather(told), *client.gather(list(common)))


@dataclass(frozen=True)
class _Over(Alone):
    """As ``Alone``, but workers call the functions; what they make stays with them."""

    client: Any

    def each(self, function: Callable, *parts: list, **common: Any) -> list:
        rows = zip(*parts, strict=True)
        return [self.client.submit(function, *row, pure=False, **common) for row in rows]

    def fold(self, function: Callable, parts: list) -> Any:
        before = None
        for part in parts:
            before = self.client.submit(function, part, before, pure=False)
        return before

    def once(self, function: Callable, *known: Any) -> Any:
        return self.client.submit(function, *known, pure=False)


def _parts(client: Any, tables: Tables, path: Path, series: int) -> list:
    """What workers are to read: each part's rows, and its items' rows of the other tables."""
    history = tables["demand_history"]
    starts = _cuts(history, series)
    first, last = history["month"].min(), history["month"].max()
    month_index = months.span(first, int(months.number(last) - months.number(first)) + 1)
    families = pd.Index(tables["items"]["family"].dropna().unique())
    whole = {name: tables[name] for name in demand_meeting.WHOLE}
    (shared,) = client.scatter([(whole, month_index, families)], broadcast=True)
    parts = []
    for start, stop in zip(starts, [*starts[1:], len(history)], strict=True):
        items = history["item"].iloc[start:stop].unique()
        others = {name: tables[name] for name in demand_meeting.BY_ITEM}
        others = {name: table[table["item"].isin(items)] for name, table in others.items()}
        rows = int(start), int(stop)
        parts.append(client.submit(_read, str(path), *rows, others, shared, pure=False))
    return parts


def _cuts(history: pd.DataFrame, series: int) -> np.ndarray:
    """First rows of parts of so many series; no item is cut."""
    keys = history[schema.SERIES]
    changes = (keys != keys.shift()).to_numpy()
    rows = np.flatnonzero(changes[:, 0])
    before = np.cumsum(changes.any(axis=1))[rows] - 1
    return rows[np.flatnonzero(np.diff(before // series, prepend=-1))]


def _read(path: str, start: int, stop: int, others: Tables, shared: tuple) -> demand_meeting.Part:
    """A part, its rows of history from the row groups of the file that hold them."""
    from pyarrow import parquet

    with parquet.ParquetFile(path) as file:
        sizes = [file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)]
        ends = np.cumsum(sizes)
        first, last = np.searchsorted(ends, [start, stop - 1], side="right")
        table = file.read_row_groups(list(range(first, last + 1)))
    skipped = start - int(ends[first] - sizes[first])
    history = table.slice(skipped, stop - start).to_pandas().reset_index(drop=True)
    whole, month_index, families = shared
    tables = {**whole, **others, "demand_history": history}
    return demand_meeting.Part(tables, month_index, families, threads=1)


def require(scheduler: str) -> None:
    """Refuse, before anything is computed, workers that cannot be had.

    Raises
    ------
    UsageError
        If Dask is not installed, or nobody listens at the scheduler's address.
    """
    try:
        from distributed.comm import get_address_host_port
    except ImportError as error:
        raise UsageError(
            "--engine dask needs Dask, which is not installed: pip install 'sopkit[dask]'"
        ) from error
    if not scheduler:
        return
    try:
        host, port = get_address_host_port(scheduler)
        socket.create_connection((host, port), timeout=_PATIENCE).close()
    except (OSError, ValueError) as error:
        raise UsageError(
            f"no Dask scheduler answers at {scheduler!r}: {error}. Write its address as "
            "tcp://10.0.0.5:8786, or leave --scheduler out: workers of this machine are then used."
        ) from error


@contextlib.contextmanager
def _workers(scheduler: str, workers: int | None) -> Iterator[Any]:
    """A client of a scheduler, or of one started here for as long as it is needed."""
    require(scheduler)
    import dask
    from distributed import Client, LocalCluster

    with contextlib.ExitStack() as stack:
        stack.enter_context(dask.config.set({_ENVIRONMENT: _THREADS}))
        cluster = scheduler or stack.enter_context(
            LocalCluster(
                n_workers=workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
            )
        )
        client = stack.enter_context(Client(cluster, timeout=_PATIENCE, set_as_default=False))
        try:
            client.wait_for_workers(1, timeout=_PATIENCE)
        except TimeoutError as error:
            raise UsageError(
                f"the Dask scheduler has no worker. Start one: dask worker {scheduler}"
            ) from error
        _require_alike(client, store.code_hash())
        yield client


def _require_alike(client: Any, own: str) -> None:
    """Refuse workers whose sopkit is another: they would forecast otherwise."""
    marks = client.run(store.code_hash)
    others = [name for name, mark in marks.items() if mark != own]
    if others:
        raise WorkersFailed(
            f"{others[0]} runs another version of sopkit than this machine. Install the same on "
            "all workers, and start them anew."
        )


@contextlib.contextmanager
def _worded(path: Path) -> Iterator[None]:
    """Errors of workers in words that say what to do."""
    from distributed import KilledWorker

    try:
        yield
    except KilledWorker as error:
        raise WorkersFailed(
            f"workers died again and again at {error.task}; they may have run out of memory. "
            "Nothing was published. Give them more, or start fewer on a machine."
        ) from error
    except FileNotFoundError as error:
        raise WorkersFailed(
            f"a worker cannot read {path}. All workers need the workspace under this very path, "
            "on a disk they share."
        ) from error
