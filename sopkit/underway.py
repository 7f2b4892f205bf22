"""Steps under way: while a page is drawn and rendered, the next step works out its tables.

Each step has a thread, and a kernel, of its own. A step waits for the tables of the one before it,
not for its page, and no more than two are under way at once.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from pathlib import Path

from sopkit import executing


class Underway:
    """A thread whose kernel starts at once, and serves the step that it is given."""

    def __init__(self, workspace: Path) -> None:
        self.seconds, self._error, self._kernel = 0.0, None, None
        self._given, self._tables = queue.SimpleQueue(), threading.Event()
        self.is_called_off = False
        self._thread = threading.Thread(target=self._serve, args=(workspace,), daemon=True)
        self._thread.start()

    def begin(self, job: executing.Job) -> None:
        """Execute a step's notebook and render its page."""
        self._given.put(job)

    def tables(self) -> bool:
        """Wait until the step's tables are there; False where they will not be."""
        self._tables.wait()
        return self._error is None

    def over(self) -> None:
        """Wait until the page is there too.

        Raises
        ------
        StepFailed
            If the notebook raised, took too long or lost its kernel.
        """
        self._thread.join()
        if self._error is not None:
            raise self._error

    def call_off(self) -> None:
        """End it, whatever it is at; nothing is told of that."""
        self.is_called_off = True
        self._given.put(None)
        while self._thread.is_alive():
            if self._kernel is not None:
                with contextlib.suppress(ProcessLookupError):
                    self._kernel.process.kill()
            self._thread.join(0.1)

    def _serve(self, workspace: Path) -> None:
        try:
            self._execute(workspace)
        except BaseException as error:  # it is raised again where somebody waits for the step
            self._error = error
        finally:
            self._tables.set()  # whatever happened: nobody waits for ever

    def _execute(self, workspace: Path) -> None:
        from sopkit import kernels

        try:
            self._kernel = kernels.start(executing.home(workspace))
            job, begun = self._given.get(), time.monotonic()
            if job is not None:
                executing.execute(job, self._kernel, self._tables.set, lambda: self.is_called_off)
                self.seconds = time.monotonic() - begun
        finally:
            if self._kernel is not None:
                kernels.stop(self._kernel)
            kernels.leave()
