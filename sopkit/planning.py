"""``sopkit run``: a cycle planned and told as it goes on; who hears of it where it fails."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sopkit import cycle, events, month_end, months, store, telling
from sopkit.arguments import DONE, FAILED, INTERRUPTED, UNREAD, command
from sopkit.events import JsonLines, Lines
from sopkit.months import UsageError, label


@dataclass(frozen=True)
class Ending:
    """How a command ended: its exit code, why, and for a failed step its name and its page."""

    code: int
    reason: str = ""
    step: str = ""
    page: Path | None = None


def run(arguments: argparse.Namespace) -> int:
    """Plan the cycle that was asked for, else the one that is due."""
    parameters = dict(_pair(text) for text in arguments.parameters)
    if arguments.cycle:
        months.parse_cycle(arguments.cycle)
        if arguments.month_end:
            raise UsageError("--cycle and --month-end exclude each other.")
    workspace = store.open_workspace(arguments.workspace)
    cycle.settle_parameters(workspace, parameters)
    for name in filter(None, (arguments.start, arguments.only)):
        cycle.step(name)
    if arguments.cycle:
        return plan(arguments, workspace, months.parse_cycle(arguments.cycle), parameters)
    today = pd.Timestamp.now() if arguments.month_end else None
    return plan(arguments, workspace, month_end.due(workspace, today=today), parameters)


def plan(
    arguments: argparse.Namespace,
    workspace: Path,
    month: pd.Timestamp,
    parameters: dict | None = None,
) -> int:
    """Run a cycle and tell what became of it."""
    is_asked = arguments.command != "run" or arguments.cycle
    again = not is_asked and month_end.is_again(workspace, month)
    since = f", once more: sales end with {label(months.shift(month, -1))}" if again else ""
    print(f"Planning cycle {label(month)} of {workspace}{since}", flush=True)
    told = getattr(arguments, "told", None) or Lines()
    outcome = _outcome(arguments, workspace, month, parameters, told)
    show(telling.outcome(outcome, workspace, arguments))
    pages = sorted(outcome.index.parent.glob("*.html"))
    told.pages = [str(page) for page in pages]
    if outcome.is_approved and not is_asked:
        raise month_end.NotClosed(month_end.after_approval(month))
    return DONE


def _outcome(arguments, workspace, month, parameters, told) -> cycle.Outcome:
    """What a run did, told as it goes on; stopped, it says how it goes on."""
    told("run_started", cycle=label(month), workspace=str(workspace))
    asked = {name: getattr(arguments, name, None) for name in ("start", "only")}
    asked["is_forced"] = getattr(arguments, "force", False)
    try:
        with _stoppable():
            return cycle.run(workspace, month, **asked, parameters=parameters, progress=told)
    except cycle.StepFailed as error:
        facts = {"cell": error.cell, "line": error.line, "cause": error.reason}
        told("step_failed", step=error.step_name, **facts, page=str(error.page))
        raise
    except KeyboardInterrupt:
        where = f" at {told.step}" if told.step else ""
        said = f"stopped{where}; the last pack is as it was."
        said += f" It goes on with: {command('run', arguments)}"
        raise KeyboardInterrupt(said) from None
    finally:
        told.close()


def watched(arguments: argparse.Namespace, end: Callable[[], Ending]) -> int:
    """A run with the log and the command that are to hear of it; its exit code.

    Parameters
    ----------
    arguments : Namespace
        Of ``sopkit run``.
    end : callable
        Runs it and says how it ended.
    """
    if arguments.on_failure is None and not arguments.log_json:
        return end().code
    arguments.told = JsonLines(sys.stdout) if arguments.log_json else Lines()
    place = contextlib.redirect_stdout(sys.stderr) if arguments.log_json else None
    with place or contextlib.nullcontext():
        try:
            ending = end()
        except Exception as error:
            _hear(arguments, Ending(FAILED, f"{type(error).__name__}: {error}"))
            raise
        _hear(arguments, ending)
    return ending.code


def _hear(arguments: argparse.Namespace, ending: Ending) -> None:
    """Tell the log and the command how a run ended."""
    pages = arguments.told.pages if ending.code == DONE else []
    if ending.code != UNREAD:
        arguments.told("run_done", exit_code=ending.code, reason=ending.reason, pages=pages)
    if arguments.on_failure is None or ending.code in (DONE, INTERRUPTED, UNREAD):
        return
    facts = {"STEP": ending.step, "REASON": ending.reason, "PAGE": str(ending.page or "")}
    facts |= {"CYCLE": arguments.cycle or arguments.told.cycle, "EXIT_CODE": str(ending.code)}
    named = {f"SOPKIT_{name}": value for name, value in facts.items()}
    if why := events.call(arguments.on_failure, named):
        print(f"sopkit: --on-failure {arguments.on_failure!r}: {why}", file=sys.stderr)


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """Ctrl-C and a polite kill stop a run alike, once: a second one would cut its cleaning up."""
    numbers = (signal.SIGINT, signal.SIGTERM)

    def stop(_number: int, _frame: object) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, known in before.items():
            signal.signal(number, known)


def show(lines: Iterable[str]) -> None:
    """Print lines as they come."""
    for line in lines:
        print(line)


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise UsageError(f"-p {text!r}: write it as name=value.")
    return name.strip(), value.strip()
