"""A process that has imported everything once, and makes kernels as copies of itself (Linux).

``python -m sopkit.forking MODULE…`` imports the modules, then reads requests from its standard
input, a line of JSON each: connection file, folder, environment. It answers with the number of the
process that became a kernel. Asked for a number that ended, it answers how. It ends with its input,
and the kernels end with it.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import signal
import sys
from pathlib import Path


def main(names: list[str]) -> None:
    """Import modules (of a package all it holds), then make a copy for each request.

    Parameters
    ----------
    names : list of str
        Modules and packages.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asked stops the kernels
    for name in names:
        module = importlib.import_module(name)
        for part in pkgutil.iter_modules(getattr(module, "__path__", ())):
            importlib.import_module(f"{name}.{part.name}")
    gc.freeze()  # collecting would touch, and so copy, what all copies share
    for line in sys.stdin:
        asked = json.loads(line)
        answer = _ended(**asked) if "ended" in asked else _copy(asked)
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()


def _copy(asked: dict) -> int:
    """Make a copy that becomes a kernel; its number, -1 where none can be made."""
    number = os.fork() if _is_alone() else -1
    if number == 0:
        _become(**asked)
    return number


def _ended(ended: int) -> list[int] | None:
    """How a copy ended, as ``subprocess`` says it, and the most memory it held, in bytes."""
    try:
        _, status, used = os.wait4(ended, 0)
    except ChildProcessError:  # of another process like this one
        return None
    return [os.waitstatus_to_exitcode(status), used.ru_maxrss * 1024]


def _is_alone() -> bool:
    """Whether one thread runs here: locks that others hold would be held in a copy for ever."""
    return len(list(Path("/proc/self/task").iterdir())) == 1


def _become(file: str, folder: str, environment: dict[str, str]) -> None:
    """Be the kernel of a connection file; never returns."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # where answers go, nobody else may write
    os.environ.clear()
    os.environ.update(environment, JPY_PARENT_PID=str(os.getppid()))
    watched = f"--IPKernelApp.parent_handle={os.getppid()}"  # with whom the kernel ends
    os.chdir(folder)
    from ipykernel.kernelapp import IPKernelApp

    try:
        IPKernelApp.launch_instance(["-f", file, watched])
    finally:
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
