"""A process that has imported sopkit, and runs commands in copies of itself that meet with a fault.

``python toy.py toy|sample`` answers each line of JSON with one. Of ``toy`` the cycle has three
small steps; all else is the package's own code, kernels among it. A *point* is an instant at which
a process of the run is about to change a file: open it for writing, rename, remove, link it, make a
folder. The run is killed there, or the disk is full from there on.
"""

from __future__ import annotations

import ctypes
import errno
import json
import mmap
import os
import resource
import signal
import sys
import tempfile
import threading
from pathlib import Path

_STEPS = """
data_review | 01_data_review | Data review
  raw: sales
  processed:
  ledger: demand_plan
  writes: data_review_facts demand_history
demand_review | 03_demand_review | Demand review
  raw: sales
  processed: demand_history
  ledger: demand_plan
  writes: demand_review_facts demand_plan
executive_review | 06_executive_review | Executive review
  raw: sales actions
  processed: demand_plan
  ledger:
  writes: executive_review_facts revision_changes
"""
_CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.link", "os.rmdir")
_HEARD = {"open", *_CHANGES}
_SUBREAPER, _SECONDS = 36, 60  # PR_SET_CHILD_SUBREAPER: what a killed run leaves becomes our child


class Fault:
    """What a run meets with, and where; its count of points is shared by all its processes."""

    def __init__(self) -> None:
        self.count, self.wish, self.main = mmap.mmap(-1, 8), {}, 0
        sys.addaudithook(self.hear)

    def points(self) -> int:
        return int.from_bytes(self.count[:8], "little")

    def hear(self, event: str, what: tuple) -> None:
        """Count what changes a file of the workspace or of the scratch; at its place, the fault."""
        if event not in _HEARD or not self.wish or not self._is_change(event, what):
            return
        number = self.points() + 1
        self.count[:8] = number.to_bytes(8, "little")
        is_there = number == self.wish.get("at") or self._is_onto(event, what)
        fault = self.wish.get("fault")
        if is_there and fault == "kill":
            self._die(event, what)
        if is_there and fault == "remove":
            self.wish = self.wish | {"fault": ""}
            Path(self.wish["file"]).unlink()
        if is_there and fault == "wait" and os.getpid() == self.main:
            os.kill(self.main, signal.SIGSTOP)
        if fault == "full" and number >= self.wish["at"] and event in ("open", "os.mkdir"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(what[0]))

    def _is_onto(self, event: str, what: tuple) -> bool:
        """Whether a file is about to be given the name that was asked for."""
        return event == "os.rename" and os.fsdecode(what[1]).endswith(self.wish.get("onto", "\n"))

    def _is_change(self, event: str, what: tuple) -> bool:
        if event == "open":
            mode, flags = what[1], what[2]
            is_writing = bool(flags & (os.O_WRONLY | os.O_RDWR)) if flags else "w" in (mode or "")
            return is_writing and self._is_ours(what[0])
        is_beside = event in ("os.remove", "os.rmdir") and what[-1] != -1  # named from its folder
        return event in _CHANGES and (is_beside or self._is_ours(what[0]))

    def _is_ours(self, path: object) -> bool:
        return isinstance(path, str | bytes | Path) and os.fsdecode(path).startswith(
            (self.wish["workspace"], tempfile.gettempdir() + "/sopkit-")
        )

    def _die(self, event: str, what: tuple) -> None:
        """End all at once; of every second file that was to be written stands the beginning."""
        at, self.wish = self.wish.get("at", 0), {}
        if event == "open" and at % 2:
            with Path(os.fsdecode(what[0])).open("wb") as torn:
                torn.write(b"PAR1 torn")
        os.kill(self.main, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
        threading.Event().wait()


FAULT = Fault()


class Original:
    """The process that is copied to make kernels: here a copy of this one, which has all."""

    def __init__(self) -> None:
        here, there = os.pipe(), os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            from sopkit import forking

            os.setsid()
            os.dup2(here[0], 0)
            os.dup2(there[1], 1)
            for handle in (*here, *there):
                os.close(handle)
            sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w")
            forking.main([])
        os.close(here[0])
        os.close(there[1])
        self.stdin, self.stdout = os.fdopen(here[1], "w"), os.fdopen(there[0])

    def poll(self) -> int | None:
        return None

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> None:
        os.waitpid(self.pid, 0)


def serve(kind: str) -> None:
    """Import everything, then answer."""
    from sopkit import agenda

    if kind == "toy":
        agenda._STEPS = _STEPS
        agenda.STEPS = agenda._steps()
    from sopkit import kernels
    from sopkit.__main__ import main

    _import_all(["sopkit.charts"] if kind == "sample" else [])
    kernels.prepare = lambda: kernels._originals or kernels._originals.append(Original())
    ctypes.CDLL(None).prctl(_SUBREAPER, 1)
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        answers.write(json.dumps(_answer(json.loads(line), main)) + "\n")
        answers.flush()


def _import_all(packages: list[str]) -> None:
    import importlib
    import pkgutil

    import ipykernel.kernelapp  # noqa: F401
    import nbformat
    import openpyxl  # noqa: F401
    import papermill.clientwrap  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    from sopkit.pages import pack, pdf  # noqa: F401

    for name in packages:
        for part in pkgutil.iter_modules(importlib.import_module(name).__path__):
            importlib.import_module(f"{name}.{part.name}")
    cell = nbformat.v4.new_markdown_cell("# Nothing\n\n*said*")
    pack._cells(nbformat.v4.new_notebook(cells=[cell]))  # what is compiled once serves all copies


def _answer(wish: dict, main) -> dict:
    """Run one command in a copy; how it ended, and whether a process of it is left."""
    FAULT.count[:8] = bytes(8)
    with tempfile.TemporaryFile() as said:
        child = os.fork()
        if child == 0:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            _obey(wish, main)
        status, second = os.waitpid(child, os.WUNTRACED)[1], {}
        if os.WIFSTOPPED(status):  # meanwhile another one is run
            second = _answer(wish["meanwhile"], main)
            os.kill(child, signal.SIGCONT)
            status = os.waitpid(child, 0)[1]
        code = os.waitstatus_to_exitcode(status)
        left = _left(bool(wish.get("is_second")))
        said.seek(0)
        text = said.read().decode()
    return {"code": code, "points": FAULT.points(), "left": left, "said": text, "second": second}


def _obey(wish: dict, main) -> None:
    """Be the run: with the fault, as another user, with files of a certain size at most."""
    code = 1
    try:
        os.setsid()
        if "most" in wish:
            resource.setrlimit(resource.RLIMIT_FSIZE, (wish["most"], wish["most"]))
        if "user" in wish:
            os.setgid(wish["user"])
            os.setuid(wish["user"])
        from sopkit import kernels

        kernels.prepare()  # before an event loop runs, which a copy would believe to be its own
        FAULT.wish, FAULT.main = wish, os.getpid()
        sys.stdout = os.fdopen(1, "w", closefd=False)
        sys.stderr = os.fdopen(2, "w", closefd=False)
        code = main(wish["words"])
        kernels.forget()
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        import traceback

        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(code)


def _left(is_second: bool) -> int:
    """Processes that a run left, after as long as they may take to notice that it ended."""
    if is_second:  # the first one's are asked about
        return 0
    signal.signal(signal.SIGALRM, lambda *_: None)
    for _ in range(10 * _SECONDS):
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                signal.setitimer(signal.ITIMER_REAL, 0.02)
                signal.pause()
        except ChildProcessError:
            return 0
    return 1


if __name__ == "__main__":
    serve(sys.argv[1])
