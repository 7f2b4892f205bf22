"""How a run tells what it does: a bar or lines for people, lines of JSON for programs."""

from __future__ import annotations

import json
import sys
from typing import TextIO

import pandas as pd

from sopkit.agenda import STEPS


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
