"""Kernels started in advance, over IPC: a step begins at once instead of waiting for Python.

A kernel serves one step and is never used twice. Sockets lie in a folder of their own with a short
name, because a socket's path may not exceed 107 characters; where IPC does not exist (Windows),
kernels talk over TCP on the loopback address.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from jupyter_client.manager import AsyncKernelManager
from jupyter_client.utils import run_sync
from jupyter_core.utils import ensure_event_loop

ENGINE = "sopkit"  # name under which papermill knows the engine that reports cells


def start(folder: Path) -> AsyncKernelManager:
    """A kernel that starts in ``folder``; it is ready by the time it is asked.

    Parameters
    ----------
    folder : Path
        Working directory of the notebook.
    """
    manager = AsyncKernelManager(kernel_name="python3")
    if sys.platform != "win32":
        sockets = tempfile.mkdtemp(prefix="sopkit-")
        manager.transport = "ipc"
        manager.ip = f"{sockets}/k"
    try:
        run_sync(manager.start_kernel)(cwd=str(folder), env=_environment())
    except KeyboardInterrupt:
        stop(manager)
        raise
    return manager


def _environment() -> dict[str, str]:
    """The caller's environment, with notebooks free to import the package they came with."""
    package_home = str(Path(__file__).resolve().parent.parent)
    path = os.environ.get("PYTHONPATH")
    joined = package_home if not path else os.pathsep.join([package_home, path])
    # threads of BLAS only wait for one another on matrices as small as ours
    return os.environ | {"PYTHONPATH": joined, "MPLBACKEND": "agg", "OPENBLAS_NUM_THREADS": "1"}


def watch(told: Callable[[int, int], None]) -> None:
    """Make papermill's engine ``ENGINE`` tell each cell as it starts: its number, and how many.

    Parameters
    ----------
    told : callable
        Called with the cell's number, from 1, and the count of cells.
    """
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import Engine, papermill_engines

    class Watched(Engine):
        @classmethod
        def execute_managed_notebook(cls, nb_man, kernel_name, km=None, **_options):
            begin = nb_man.cell_start

            def cell_start(cell, cell_index=None, **more):
                told(cell_index + 1, len(nb_man.nb.cells))
                return begin(cell, cell_index, **more)

            nb_man.cell_start = cell_start
            client = PapermillNotebookClient(
                nb_man, km=km, kernel_name=kernel_name, timeout=None, shutdown_kernel="immediate"
            )
            client.owns_km = True  # so that it closes the sockets of a kernel it did not start
            return client.execute()

    papermill_engines.register(ENGINE, Watched)


def hush() -> None:
    """Leave unsaid what the tasks of a notebook that was stopped still raise."""
    ensure_event_loop().set_exception_handler(lambda _loop, _context: None)


def stop(manager: AsyncKernelManager) -> None:
    """End a kernel at once and remove its sockets."""
    folder = Path(manager.ip).parent if manager.transport == "ipc" else None
    if manager.has_kernel:
        run_sync(manager.shutdown_kernel)(now=True)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
