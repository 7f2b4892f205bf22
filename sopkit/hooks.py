"""The command that is to hear of a run that failed: no shell, facts in its environment."""

from __future__ import annotations

import os
import shlex
import subprocess

from sopkit.months import UsageError

_SECONDS = 60  # a command that only tells somebody needs no more
_MOST = 4_000  # characters of a value: an environment has little room


def words(command: str) -> list[str]:
    """A command line as its program and arguments, by the rules of the shell, but without one.

    Raises
    ------
    UsageError
        If it is empty, or a quote is not closed.

    Examples
    --------
    >>> words("mail -s 'no plan' me@example.com; rm x")
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
        As ``words`` takes it.
    facts : dict
        Added to its environment.
    seconds : float
        After which it is stopped.
    """
    told = {name: value.replace("\0", " ")[:_MOST] for name, value in facts.items()}
    given = {"stdin": subprocess.DEVNULL, "stdout": 2, "env": os.environ | told}
    try:
        done = subprocess.run(words(command), timeout=seconds, check=False, **given)
    except subprocess.TimeoutExpired:
        return f"it did not end within {seconds:g} seconds and was stopped"
    except OSError as error:
        return f"it could not be started: {error}"
    return f"it ended with code {done.returncode}" if done.returncode else ""
