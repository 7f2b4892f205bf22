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
from pathlib import Path

from jupyter_client.manager import AsyncKernelManager
from jupyter_client.utils import run_sync


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
    run_sync(manager.start_kernel)(cwd=str(folder), env=_environment())
    return manager


def _environment() -> dict[str, str]:
    """The caller's environment, with notebooks free to import the package they came with."""
    package_home = str(Path(__file__).resolve().parent.parent)
    path = os.environ.get("PYTHONPATH")
    joined = package_home if not path else os.pathsep.join([package_home, path])
    return os.environ | {"PYTHONPATH": joined, "MPLBACKEND": "agg"}


def stop(manager: AsyncKernelManager) -> None:
    """End a kernel at once and remove its sockets."""
    folder = Path(manager.ip).parent if manager.transport == "ipc" else None
    if manager.has_kernel:
        run_sync(manager.shutdown_kernel)(now=True)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
