"""One command at a time works on a cycle; a note beside the lock says whose, and what it is at."""

from __future__ import annotations

import contextlib
import getpass
import os
import platform
import threading
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from sopkit import months, publication
from sopkit.agenda import STEPS

_HELD: set[tuple[Path, int]] = set()  # cycles that a thread of this process holds


class Busy(RuntimeError):
    """Another run holds this cycle's lock; the message says whose it is."""


@contextlib.contextmanager
def lock(workspace: Path, cycle: pd.Timestamp, what: str = "run") -> Iterator[None]:
    """Hold the cycle; a note beside the lock says who does, and stays where the run is cut.

    Who holds it already goes on holding it: a command may lock more than one of its parts.
    """
    import filelock

    mark = publication.lock_file(workspace, cycle), threading.get_ident()
    if mark in _HELD:
        yield
        return
    held = filelock.FileLock(publication.lock_file(workspace, cycle))
    try:
        held.acquire(timeout=0)
    except filelock.Timeout as error:
        raise Busy(_busy(cycle, publication.holder(workspace, cycle))) from error
    since = pd.Timestamp.now(tz="UTC").isoformat(sep=" ", timespec="minutes")
    who = {"process": os.getpid(), "host": platform.node(), "user": user(), "since": since}
    who |= {"what": what}
    _HELD.add(mark)
    publication.note_holder(workspace, cycle, who)
    try:
        yield
    except (Exception, GeneratorExit):
        publication.note_holder(workspace, cycle, {})
        raise
    else:
        publication.note_holder(workspace, cycle, {})
    finally:
        _HELD.discard(mark)
        held.release()


def user() -> str:
    """Name of whoever runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user, in a container
        return "somebody"


def _busy(cycle: pd.Timestamp, holder: dict) -> str:
    what = holder.get("what", "run")
    doing = "run" if what == "run" else f"changed (sopkit {what})"
    words = f"cycle {months.label(cycle)} is being {doing}"
    if not holder:
        return f"{words} by another process. Try again when it has ended."
    return f"{words} by {_who(holder)}. Wait until it ends, or stop that process."


def _who(holder: dict) -> str:
    who = f"{holder['user']} on {holder['host']}, process {holder['process']}"
    return f"{who}, since {holder['since'].replace('+00:00', ' UTC')}"


def cut(workspace: Path) -> dict[str, str]:
    """Cycles whose last command was cut (a kill, a power failure), with what it was at."""
    found = {}
    for cycle, holder in publication.holders(workspace).items():
        if not _is_held(workspace, cycle):
            what = holder.get("what", "run")
            at = f"the last run was cut at {holder.get('step', STEPS[0].name)}"
            found[months.label(cycle)] = at if what == "run" else f"sopkit {what} was cut"
    return found


def held(workspace: Path) -> dict[str, str]:
    """Cycles that somebody is at work on now: who, since when, at which step."""
    found = {}
    for cycle, holder in publication.holders(workspace).items():
        if _is_held(workspace, cycle):
            step = f", at {holder['step']}" if "step" in holder else ""
            found[months.label(cycle)] = _who(holder) + step
    return found


def _is_held(workspace: Path, cycle: pd.Timestamp) -> bool:
    import filelock

    asked = filelock.FileLock(publication.lock_file(workspace, cycle))
    try:
        with asked.acquire(timeout=0):
            return False
    except filelock.Timeout:
        return True
