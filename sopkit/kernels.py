"""Kernels started in advance, over IPC: a step begins at once instead of waiting for Python.

A kernel serves one step and is never used twice. On Linux it is a copy of a process that has
imported the package already (``forking``); elsewhere Python starts anew. Sockets lie in a folder of
their own with a short name, because a socket's path may not exceed 107 characters; where IPC does
not exist (Windows), kernels talk over TCP on the loopback address.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner
from jupyter_client.utils import run_sync
from jupyter_core.utils import ensure_event_loop

from sopkit import whole

_SAVED_EVERY = 5.0  # seconds between two writings of a notebook that is being executed
_COPIES = "sopkit-copies"  # name under which Jupyter knows how kernels are copied
_READY = "ipykernel.kernelapp sopkit.steps sopkit.store sopkit.exhibits sopkit.charts".split()
_ENTRY = EntryPoint(_COPIES, f"{__name__}:Copies", KernelProvisionerFactory.GROUP_NAME)
_ALONE = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}  # a copy has no thread but one
_GROUPS, _MACHINE = Path("/sys/fs/cgroup"), Path("/proc/vmstat")
_OWN_GROUP = Path("/proc/self/cgroup")
_originals: list[subprocess.Popen] = []  # the process that is copied, if one runs
_ASKING = threading.RLock()  # one question at a time, and one original


def start(folder: Path) -> AsyncKernelManager:
    """A kernel that starts in ``folder``; it is ready by the time it is asked.

    Parameters
    ----------
    folder : Path
        Working directory of the notebook.
    """
    sockets = whole.scratch() if sys.platform != "win32" else None
    known = {"connection_file": str(sockets / "kernel.json")} if sockets else {}
    manager = AsyncKernelManager(kernel_name="python3", **known)
    if sys.platform == "linux":
        KernelProvisionerFactory.instance().provisioners[_COPIES] = _ENTRY
        manager.kernel_spec.metadata["kernel_provisioner"] = {"provisioner_name": _COPIES}
    if sockets:
        manager.transport = "ipc"
        manager.ip = f"{sockets}/k"
    try:
        run_sync(manager.start_kernel)(cwd=str(folder), env=_environment())
    except KeyboardInterrupt:
        stop(manager)
        raise
    manager.process = manager.provisioner.process  # how it ended is asked when Jupyter has let go
    return manager


def prepare() -> None:
    """Begin to import what kernels need, while something else is done; for Linux."""
    with _ASKING:
        if sys.platform != "linux" or (_originals and _originals[0].poll() is None):
            return
        forget()
        command = [sys.executable, "-P", "-m", "sopkit.forking", *_READY]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        environment = _environment() | _ALONE
        made = subprocess.Popen(command, env=environment, start_new_session=True, **pipes)
        _originals.append(made)


def forget() -> None:
    """End the process that is copied: the next kernel's imports begin anew."""
    for original in _originals:
        with contextlib.suppress(OSError):
            original.stdin.close()
        original.stdout.close()
        original.kill()
        original.wait()
    _originals.clear()


atexit.register(forget)


def _ask(words: dict) -> object:
    """What the process that is copied answers; None where it could not be started, or is gone."""
    with _ASKING:
        try:
            original = _originals[0]
            original.stdin.write(json.dumps(words) + "\n")
            original.stdin.flush()
            return json.loads(original.stdout.readline())
        except (IndexError, OSError, ValueError):
            return None


class Copies(LocalProvisioner):
    """How Jupyter starts a kernel as a copy, and watches and ends it like any other process."""

    async def launch_kernel(self, cmd: list[str], **options) -> dict:
        """Copy the prepared process; where it cannot be copied, start Python anew."""
        prepare()
        words = {"file": self.parent.connection_file, "folder": options["cwd"]}
        number = _ask(words | {"environment": options["env"]})
        if number is None or number < 0:
            return await super().launch_kernel(cmd, **options)
        self.process = _Copy(number)
        self.pid = self.pgid = number
        self.cwd = options["cwd"]
        return self.connection_info


class _Copy:
    """A process that is not our child, with what Jupyter asks of one that is."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int):
        self.pid, self.returncode, self.peak_bytes = pid, None, 0
        try:
            self._handle = os.pidfd_open(pid)  # its number may be given to another one later
        except ProcessLookupError:
            self._handle = None

    def poll(self) -> int | None:
        if self._handle is not None and not select.select([self._handle], [], [], 0)[0]:
            return None
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
            self.returncode, self.peak_bytes = _ask({"ended": self.pid}) or (None, 0)
        return self.returncode or 0

    def wait(self) -> int:
        while self._handle is not None:
            select.select([self._handle], [], [])
            self.poll()
        return self.returncode or 0

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            signal.pidfd_send_signal(self._handle, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


def _environment() -> dict[str, str]:
    """The caller's environment, with notebooks free to import the package they came with."""
    package_home = str(Path(__file__).resolve().parent.parent)
    path = os.environ.get("PYTHONPATH")
    joined = package_home if not path else os.pathsep.join([package_home, path])
    # threads of BLAS only wait for one another on matrices as small as ours
    return os.environ | {"PYTHONPATH": joined, "MPLBACKEND": "agg", "OPENBLAS_NUM_THREADS": "1"}


def death(manager: AsyncKernelManager, kills: int | None) -> tuple[str, str]:
    """How a kernel that is gone ended, and what to do about it.

    Parameters
    ----------
    manager : AsyncKernelManager
        From ``start``.
    kills : int, optional
        ``memory_kills`` before it began.
    """
    manager.process.poll()
    code, peak = manager.process.returncode, getattr(manager.process, "peak_bytes", 0)
    return _manner(code, peak, (kills, memory_kills())), _remedy(code)


def memory_kills() -> int | None:
    """Processes that Linux has killed for want of memory, in our group or else on this machine.

    None where nobody counts them.
    """
    try:
        own = _OWN_GROUP.read_text(encoding="utf-8").rpartition("::/")[2].strip()
        text = (_GROUPS / own / "memory.events").read_text(encoding="utf-8")
    except OSError:  # no such group, or another system
        text = _MACHINE.read_text(encoding="utf-8") if _MACHINE.is_file() else ""
    counts = dict(line.split() for line in text.splitlines())
    return int(counts["oom_kill"]) if "oom_kill" in counts else None


def _manner(
    code: int | None, peak_bytes: int = 0, kills: tuple[int | None, int | None] = (0, 0)
) -> str:
    """How a process ended.

    Parameters
    ----------
    code : int, optional
        As ``subprocess`` says it: below zero a signal; None where it is not known.
    peak_bytes : int
        The most memory it held; 0 where it is not known.
    kills : tuple
        ``memory_kills`` before it and after it.

    Examples
    --------
    >>> _manner(-9, 3 * 2**30, (4, 5))
    'its kernel was killed (SIGKILL): the machine had run out of memory; it held 3.0 GB at most'
    >>> _manner(-11)
    'its kernel crashed (SIGSEGV)'
    >>> _manner(1)
    'its kernel ended with code 1'
    """
    held = f"; it held {peak_bytes / 2**30:.1f} GB at most" if peak_bytes else ""
    if code is None:
        return f"its kernel died, and nobody saw how{held}"
    if code >= 0:
        return f"its kernel ended with code {code}{held}"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    verb = "was killed" if name in ("SIGKILL", "SIGTERM") else "crashed"
    return f"its kernel {verb} ({name}){_why(name, kills)}{held}"


def _why(name: str, kills: tuple[int | None, int | None]) -> str:
    if name != "SIGKILL":
        return ""
    if None in kills:
        return ", as Linux does where memory runs out"
    return (
        ": the machine had run out of memory"
        if kills[1] > kills[0]
        else ", and not by Linux for want of memory"
    )


def _remedy(code: int | None) -> str:
    """What to do about it."""
    if code == -9:
        return (
            "Close other programs or give the machine more memory, and see what killed it in the "
            "system's log (journalctl -k)."
        )
    return "Run it once more; if it dies again, run the notebook by hand up to that cell."


def watch(name: str, told: Callable[[int, list], None], seconds: float) -> str:
    """An engine of papermill that tells each cell as it starts, and stops a notebook that is late.

    The notebook is written at its beginning, every few seconds and at its end, not at every cell:
    that would take longer than most cells do.

    Parameters
    ----------
    name : str
        Of the notebook; each that runs has an engine of its own.
    told : callable
        Called with the cell's place, from 0, and all cells.
    seconds : float
        After which a notebook is stopped, with nbclient's ``CellTimeoutError``.

    Returns
    -------
    str
        Name under which papermill knows the engine.
    """
    ends = time.monotonic() + seconds
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import Engine, papermill_engines

    class Watched(Engine):
        @classmethod
        def execute_managed_notebook(cls, nb_man, kernel_name, km=None, **_options):
            begin, save, complete = nb_man.cell_start, nb_man.save, nb_man.notebook_complete

            def cell_start(cell, cell_index=None, **more):
                told(cell_index, nb_man.nb.cells)
                return begin(cell, cell_index, **more)

            def save_seldom(**more):
                if (nb_man.now() - nb_man.last_save_time).total_seconds() >= _SAVED_EVERY:
                    save(**more)

            def notebook_complete(**more):
                nb_man.save = save
                return complete(**more)

            nb_man.cell_start, nb_man.save = cell_start, save_seldom
            nb_man.notebook_complete = notebook_complete
            client = PapermillNotebookClient(
                nb_man, km=km, kernel_name=kernel_name, shutdown_kernel="immediate"
            )
            client.timeout_func = lambda _cell: max(1, round(ends - time.monotonic()))
            client.owns_km = True  # so that it closes the sockets of a kernel it did not start
            return client.execute()

    engine = f"sopkit {name}"
    papermill_engines.register(engine, Watched)
    return engine


def stop(manager: AsyncKernelManager) -> None:
    """End a kernel at once and remove its sockets."""
    folder = Path(manager.ip).parent if manager.transport == "ipc" else None
    if manager.has_kernel:
        run_sync(manager.shutdown_kernel)(now=True)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def leave() -> None:
    """Close what this thread talked to its kernels through; another thread has its own."""
    loop = ensure_event_loop()
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
    loop.close()
