"""Long work of an explorer, in a thread, with a bar, words, and a Stop button."""

from __future__ import annotations

import contextvars
import gc
import threading
from collections.abc import Callable

import ipywidgets as widgets

from sopkit import months
from sopkit.explore import frame


class Stopped(Exception):
    """Somebody pressed Stop."""


class Work:
    """Long work in a thread: a bar, what is being done in words, and a Stop button.

    Parameters
    ----------
    place : VBox
        Where bar, words and button are shown while the work lasts, and what came of it after.
    """

    def __init__(self, place: widgets.VBox) -> None:
        self.place = place
        self._bar = widgets.FloatProgress(min=0.0, max=1.0, description="Working")
        self._bar.tooltip = "How much is done"
        self._words = widgets.HTML()
        self._stop = frame.button("Stop", "Give up this work; what is shown stays as it is")
        self._stop.on_click(self.stop)
        self._run: object = None  # what is being done now; another one: it was given up
        self._shown: tuple = ()
        self._thread = None

    def start(self, job: Callable, done: Callable) -> None:
        """Begin a piece of work; one that still goes on is given up.

        Parameters
        ----------
        job : callable
            ``job(tick)`` gives the result; between its parts it calls ``tick(share, words)``,
            which raises ``Stopped`` once Stop was pressed.
        done : callable
            ``done(result)`` runs afterwards, unless the work was stopped or failed; it may put
            something into ``place``.
        """
        run = self._run = object()
        self._bar.value, self._words.value = 0.0, frame.status("Beginning…")
        self._shown = self.place.children = (frame.row(self._bar, self._stop), self._words)

        def tick(share: float, words: str) -> None:
            if self._run is not run:
                raise Stopped
            self._bar.value, self._words.value = share, frame.status(words)

        context = contextvars.copy_context()  # so that the kernel knows whose output it is
        target = self._work
        self._thread = threading.Thread(
            target=context.run, args=(target, run, tick, job, done), daemon=True
        )
        self._thread.start()

    def _work(self, run: object, tick: Callable, job: Callable, done: Callable) -> None:
        try:
            result = job(tick)
            if not gc.get_freeze_count():  # once: what is frozen is never given back
                gc.collect()
                gc.freeze()  # looking through all that was loaded takes longer than a picture
            tick(1.0, "Drawing…")
            done(result)
            words = ""
        except Stopped:
            return  # said when it was pressed
        except months.UsageError as error:
            words = str(error)
        except Exception as error:  # a thread has nobody else to tell
            words = f"The work failed: {type(error).__name__}: {error}"
        if self._run is run:
            self._end(words)

    def stop(self, _button: object = None) -> None:
        """Give up what is being done; a part that cannot be interrupted ends unseen."""
        if self._run is not None:
            self._end("Stopped. What is shown stays as it was.")

    def _end(self, words: str) -> None:
        self._run = None
        self._words.value = frame.status(words) if words else ""
        if words or self.place.children == self._shown:
            self.place.children = (self._words,) if words else ()

    def wait(self, seconds: float = 60.0) -> None:
        """Until the work ends: for scripts and tests."""
        if self._thread is not None:
            self._thread.join(seconds)
