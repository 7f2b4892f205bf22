"""Who hears of a run: people by a bar or lines, programs by JSON, a command where it fails."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from typing import TextIO

import pandas as pd

from sopkit.agenda import STEPS
from sopkit.months import UsageError

_SECONDS = 60  # a command that only tells somebody needs no more
_MOST = 4_000  # characters of a value: an environment has little room


class Lines:
    """A bar over steps with the running cell; plain lines when there is no terminal."""

    def __init__(self) -> None:
        self.step, self.cycle, self.bar, self.pages = "", "", None, []
        if sys.stderr.isatty():
            from tqdm import tqdm

            self.bar = tqdm(total=len(STEPS), unit="step", leave=False, file=sys.stderr)

    def __call__(self, event: str, **facts: object) -> None:
        """Show where the run is; of all events only cells show."""
        self.cycle = facts.get("cycle", self.cycle)
        if event != "cell":
            return
        names, step = [known.name for known in STEPS], facts["step"]
        if self.bar is not None:
            self.bar.n = names.index(step)
            words = f"{facts['title']}, cell {facts['cell']} of {facts['cells']}"
            self.bar.set_description_str(words)
        elif step != self.step:
            words = f"step {names.index(step) + 1} of {len(names)}: {facts['title']} …"
            print(words, flush=True)
        self.step = step

    def close(self) -> None:
        """Take the bar away."""
        if self.bar is not None:
            self.bar.close()


class JsonLines:
    """One JSON object a line: ``event``, ``at`` (UTC) and the event's own facts.

    ``run_started`` (cycle, workspace), ``step_started`` (step, title), ``step_done`` (step,
    seconds), ``step_skipped`` (step, reason), ``step_failed`` (step, cell, line, cause, page),
    ``run_done`` (exit_code, reason, pages). README lists them for users.
    """

    def __init__(self, stream: TextIO) -> None:
        self.step, self.cycle, self.stream, self.pages = "", "", stream, []

    def __call__(self, event: str, **facts: object) -> None:
        """Write the event; cells are too many to be told."""
        self.step, self.cycle = facts.get("step", self.step), facts.get("cycle", self.cycle)
        if event != "cell":
            at = pd.Timestamp.now(tz="UTC").isoformat(timespec="seconds")
            line = json.dumps({"event": event, "at": at} | facts, ensure_ascii=False)
            print(line, file=self.stream, flush=True)

    def close(self) -> None:
        """Nothing is open; the stream is the caller's."""


def program(command: str) -> list[str]:
    """A command line as its program and arguments, by the rules of the shell, but without one.

    Raises
    ------
    UsageError
        If it is empty, or a quote is not closed.

    Examples
    --------
    >>> program("mail -s 'no plan' me@example.com; rm x")
    ['mail', '-s', 'no plan', 'me@example.com;', 'rm', 'x']
    """
    try:
        found = shlex.split(command, posix=os.name == "posix")
    except ValueError as error:
        raise UsageError(f"--on-failure {command!r}: a quote is not closed.") from error
    if not found:
        raise UsageError("--on-failure: name a program and its arguments.")
    return found


def call(command: str, facts: dict[str, str], seconds: float = _SECONDS) -> str:
    """Run a command to its end; what went wrong with it, empty where nothing did.

    Its own output goes where errors go.

    Parameters
    ----------
    command : str
        As ``program`` takes it.
    facts : dict
        Added to its environment.
    seconds : float
        After which it is stopped.
    """
    told = {name: value.replace("\0", " ")[:_MOST] for name, value in facts.items()}
    given = {"stdin": subprocess.DEVNULL, "stdout": 2, "env": os.environ | told}
    try:
        done = subprocess.run(program(command), timeout=seconds, check=False, **given)
    except subprocess.TimeoutExpired:
        return f"it did not end within {seconds:g} seconds and was stopped"
    except OSError as error:
        return f"it could not be started: {error}"
    return f"it ended with code {done.returncode}" if done.returncode else ""
