"""The command line of sopkit: ``sopkit …`` = ``python -m sopkit …``.

It adds nothing that ``cycle`` or ``store`` lack. What a command takes, and the exit codes, stand in
``arguments``.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd

from sopkit import (
    cycle,
    departments,
    events,
    exports,
    gates,
    months,
    partitions,
    policies,
    publication,
    replay,
    sample,
    schema,
    store,
    telling,
)
from sopkit.arguments import (
    BUSY,
    DONE,
    FAILED,
    FROZEN,
    INTERRUPTED,
    MISUSED,
    UNREAD,
    command,
    parser,
)
from sopkit.contract import ContractError, counted, sentence, some
from sopkit.executive import approval
from sopkit.month_end import NotClosed
from sopkit.months import Frozen, UsageError, label
from sopkit.planning import Ending, run, show, watched
from sopkit.planning import plan as _plan
from sopkit.reconciliation import scenario_format
from sopkit.sources import SourceError


def _check(arguments: argparse.Namespace) -> int:
    workspace = store.open_workspace(arguments.workspace)
    month = months.parse_cycle(arguments.cycle) if arguments.cycle else None
    cycle.settle_parameters(workspace, {})
    findings = store.check(workspace, month)
    for row in findings.to_dict("records"):
        print(sentence(row))
    breaches = int((findings["state"] == "breach").sum())
    notices = counted(len(findings) - breaches, "notice", "notices")
    print(f"{counted(breaches, 'breach', 'breaches')}, {notices}")
    return FAILED if breaches else DONE


def _init(arguments: argparse.Namespace) -> int:
    root = Path(arguments.path)
    raw = root / store.RAW
    if raw.is_dir() and any(raw.iterdir()):
        raise UsageError(f"{raw} is not empty. Choose another folder.")
    raw.mkdir(parents=True, exist_ok=True)
    words = schema.dictionary(scenario_format.described(), exports.described())
    (raw / "README.md").write_text(words, encoding="utf-8")
    if not arguments.empty:
        sample.write(raw)
    where = "no table yet: put sales.csv there" if arguments.empty else "the sample company"
    print(f"{raw} holds {where}. Next: sopkit run --workspace {shlex.quote(str(root))}")
    return DONE


def _sample(arguments: argparse.Namespace) -> int:
    workspace = store.open_workspace(arguments.workspace)
    raw = workspace / store.RAW
    present = sorted(path.name for path in raw.iterdir() if path.name != "README.md")
    if present:
        raise UsageError(
            f"{raw} already holds {present[0]}; sample never writes over tables. "
            "Make another workspace: sopkit init PATH"
        )
    earlier = months.parse_cycle(arguments.cycle) if arguments.cycle else None
    paths = sample.write(raw, arguments.seed, is_clean=arguments.clean, cycle=earlier)
    print(f"wrote {len(paths)} generated files to {raw}")
    return DONE


def _status(arguments: argparse.Namespace) -> int:
    workspace = store.open_workspace(arguments.workspace)
    show(telling.status(workspace, arguments, now=pd.Timestamp.now(tz="UTC")))
    return DONE


def _forecast(arguments: argparse.Namespace) -> int:
    month = months.parse_cycle(arguments.cycle)
    if arguments.horizon is not None and not 1 <= arguments.horizon <= 120:
        raise UsageError(f"--horizon {arguments.horizon}: choose 1 to 120 months.")
    if arguments.scheduler and arguments.engine != "dask":
        raise UsageError("--scheduler is for Dask's workers: add --engine dask, or leave it out.")
    workspace = store.open_workspace(arguments.workspace)
    cycle.settle_parameters(workspace, {})
    workers = {"scheduler": arguments.scheduler} if arguments.engine == "dask" else None
    written = cycle.forecast(workspace, month, horizon=arguments.horizon, workers=workers)
    for row in written.to_dict("records"):
        print(f"  {row['table']}: {row['rows']} rows")
    print(f"in {publication.folder(workspace, month)}")
    return DONE


def _replay(arguments: argparse.Namespace) -> int:
    first, last = months.parse_cycle(arguments.first), months.parse_cycle(arguments.last)
    workspace = store.open_workspace(arguments.workspace)

    def tell(month: object, words: str) -> None:
        arguments.cycle = label(month)  # for the check that a message names
        print(f"  {arguments.cycle}: {words}", flush=True)

    done = replay.replay(workspace, first, last, progress=tell)
    made, kept = (counted(len(done[name]), "cycle", "cycles") for name in ("made", "kept"))
    print(f"{made} replayed; {kept} left as a run had made them.")
    words = command("run", argparse.Namespace(workspace=arguments.workspace))
    print(
        "The next run shows on pages 01 and 03 how good those plans and departments were, and "
        f"takes the weight of departments that made plans worse: {words}"
    )
    return DONE


def _template(arguments: argparse.Namespace) -> int:
    month = months.parse_cycle(arguments.cycle) if arguments.cycle else None
    path = Path(arguments.output) if arguments.output else None
    place = argparse.Namespace(workspace=arguments.workspace)
    path = departments.template(arguments.workspace, arguments.department, cycle=month, path=path)
    print(
        f"wrote {path}. Filled in, it comes back by: "
        f"{command('submit ' + shlex.quote(str(path)) + ' --by NAME', place)}"
    )
    return DONE


def _submit(arguments: argparse.Namespace) -> int:
    outcome = departments.submit(arguments.workspace, Path(arguments.file), author=arguments.author)
    show(telling.submitted(outcome, arguments.workspace))
    return FAILED if outcome.filled.refused else DONE


def _close(arguments: argparse.Namespace) -> int:
    workspace = store.open_workspace(arguments.workspace)
    month = cycle.resolve(workspace, arguments.cycle)
    done = gates.close(
        workspace, month, arguments.step, author=arguments.author, note=arguments.note
    )
    word = "approved" if done.step == approval.LAST else "closed"
    print(f"{done.step} of cycle {label(month)} is {word}: revision {done.revision}")
    print(f"Its page: {done.page.as_uri()}")
    for note in done.notes:
        print(note)
    return DONE


def _reopen(arguments: argparse.Namespace) -> int:
    workspace = store.open_workspace(arguments.workspace)
    month = cycle.resolve(workspace, arguments.cycle)
    with cycle.lock(workspace, month, f"reopen {arguments.step}"):  # nobody closes in between
        opened = gates.reopen(
            workspace, month, arguments.step, author=arguments.author, note=arguments.note
        )
        print(f"open again: {', '.join(opened)}", flush=True)
        return _plan(arguments, workspace, month)


def _decide(arguments: argparse.Namespace) -> int:
    workspace = store.open_workspace(arguments.workspace)
    month = cycle.resolve(workspace, arguments.cycle)
    with cycle.lock(workspace, month, f"decide {arguments.decision}"):
        said = {"author": arguments.author, "note": arguments.note}
        done = gates.decide(workspace, month, arguments.decision, arguments.option, **said)
        instead = f" (before: {done.before})" if done.before not in ("", done.option) else ""
        print(f"decision {done.decision}: {done.option}{instead}: {done.statement}")
        for name in done.left:
            print(f"scenario {name} is no part of the plan any more")
        print(
            f"scenario {done.scenario} is part of the plan from now on"
            if done.scenario
            else "the option names no scenario (options.scenario), so it adds nothing to the plan"
        )
        if done.reopened:
            print(f"open again: {', '.join(done.reopened)}", flush=True)
        return _plan(arguments, workspace, month)


def _revise(arguments: argparse.Namespace) -> int:
    workspace = store.open_workspace(arguments.workspace)
    if not arguments.accept and not arguments.refuse:
        raise UsageError("say which lines of page 04: --accept ID, --refuse ID, or --accept all")
    month = cycle.resolve(workspace, arguments.cycle)
    accepted, refused = dict(map(_part, arguments.accept)), tuple(arguments.refuse)
    with cycle.lock(workspace, month, "revise"):
        said = {"author": arguments.author, "note": arguments.note}
        done = gates.revise(workspace, month, accepted, refused, **said)
        for word, lines in (("accepted", done.accepted), ("refused", done.refused)):
            if lines:
                print(f"{word}: {some(lines, 10)}")
        if done.reopened:
            print(f"open again: {', '.join(done.reopened)}", flush=True)
        code = _plan(arguments, workspace, month)
        if code == DONE:
            show(telling.feedback(arguments, workspace, month))
        return code


def _part(text: str) -> tuple[str, float | None]:
    """A line, and how many units of it."""
    line, sign, units = text.partition("=")
    try:
        return line, float(units) if sign else None
    except ValueError:
        raise UsageError(f"--accept {text}: write it as ID=UNITS, such as {line}=40.") from None


def _correct(arguments: argparse.Namespace) -> int:
    workspace = store.open_workspace(arguments.workspace)
    yes, no = arguments.accept, arguments.refuse
    if not (yes or no) and (arguments.layer is None or (yes is None) == (no is None)):
        words = "say which corrections of page 01: --refuse ID, --accept ID"
        raise UsageError(f"{words}, or one of the two with --layer outlier --item X")
    if arguments.layer and (yes or no):
        raise UsageError("name corrections by ID, or by --layer and levels, not by both.")
    month = cycle.resolve(workspace, arguments.cycle)
    said = {"author": arguments.author, "note": arguments.note}
    with cycle.lock(workspace, month, "correct"):
        if arguments.layer:
            named = {name: getattr(arguments, name) for name in schema.LEVELS}
            members = {name: member for name, member in named.items() if member is not None}
            when = months.parse_cycle(arguments.month) if arguments.month else None
            said |= {"is_accepted": yes is not None}
            path = policies.correct_levels(workspace, month, arguments.layer, members, when, **said)
        else:
            path = policies.correct(workspace, month, tuple(yes or ()), tuple(no or ()), **said)
        print(f"kept as {path.relative_to(workspace)}", flush=True)
        return _plan(arguments, workspace, month)


def _choose(arguments: argparse.Namespace) -> int:
    workspace = store.open_workspace(arguments.workspace)
    month = cycle.resolve(workspace, arguments.cycle)
    named = {name: getattr(arguments, name) for name in schema.LEVELS}
    members = {name: member for name, member in named.items() if member is not None}
    path = policies.choose_model(
        workspace,
        month,
        arguments.model,
        members,
        arguments.held,
        author=arguments.author,
        note=arguments.note,
    )
    print(f"kept as {path.relative_to(workspace)}; the next run forecasts with it")
    print(f"Go on with: {command('run', arguments)}")
    return DONE


def _pulse(arguments: argparse.Namespace) -> int:
    workspace = store.open_workspace(arguments.workspace)
    month = cycle.resolve(workspace, arguments.cycle)
    said = {"author": arguments.author, "note": arguments.note}
    path = gates.pulse(workspace, month, arguments.step, arguments.score, **said)
    print(f"kept as {path.relative_to(workspace)}; the next cycle's page 06 shows the mean")
    return DONE


_COMMANDS = {
    "run": run,
    "check": _check,
    "init": _init,
    "sample": _sample,
    "status": _status,
    "template": _template,
    "submit": _submit,
    "close": _close,
    "reopen": _reopen,
    "decide": _decide,
    "revise": _revise,
    "correct": _correct,
    "choose": _choose,
    "pulse": _pulse,
    "forecast": _forecast,
    "replay": _replay,
}


def main(argv: list[str] | None = None) -> int:
    """Run one command; the exit code says how it went."""
    words = list(sys.argv[1:] if argv is None else argv)
    arguments = parser(words).parse_args(words)
    if arguments.command != "run":
        return _end(arguments).code
    try:
        if arguments.on_failure is not None:
            events.program(arguments.on_failure)  # told before anything is run
    except UsageError as error:
        return _say(error, MISUSED).code
    return watched(arguments, partial(_end, arguments))


def _end(arguments: argparse.Namespace) -> Ending:
    """Run the command; how it ended."""
    try:
        return Ending(_COMMANDS[arguments.command](arguments))
    except Frozen as error:
        return _say(error, FROZEN, arguments)
    except UsageError as error:
        return _say(error, MISUSED, arguments)
    except ContractError as error:
        whole = f"The whole list: {command('check', arguments)}"
        return _say(f"{error}\nNothing was written. {whole}", FAILED)
    except (SourceError, NotClosed) as error:
        return _say(error, FAILED, arguments)
    except partitions.WorkersFailed as error:
        return _say(error, FAILED)
    except cycle.StepFailed as error:
        kept = f"See {error.page.as_uri()}; the last good pack is as it was."
        said = _say(f"{error}\n{kept}", FAILED)
        return replace(said, reason=error.reason, step=error.step_name, page=error.page)
    except cycle.Busy as error:
        return _say(error, BUSY)
    except BrokenPipeError:  # whoever read the output went away
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno())
        return Ending(UNREAD)
    except OSError as error:
        return _say(f"{error}. Check the path, its rights and the space left.", FAILED)
    except KeyboardInterrupt as error:
        return _say(str(error) or "stopped before anything was published", INTERRUPTED)


def _say(words: object, code: int, arguments: argparse.Namespace | None = None) -> Ending:
    """Words to stderr; commands they name are for the workspace of ``arguments``."""
    text = str(words)
    if arguments is not None:
        text = re.sub(
            r"(?<=: )sopkit (run|check|(?:close|reopen|decide) \w+)(?! --workspace)"
            r"(?P<cycle> --cycle \S+)?",
            lambda found: _placed(found, arguments),
            text,
        )
    print(f"sopkit: {text}", file=sys.stderr)
    return Ending(code, text)


def _placed(found: re.Match, arguments: argparse.Namespace) -> str:
    """A command as a message names it, with where it is to run."""
    if found["cycle"]:
        arguments = argparse.Namespace(**vars(arguments) | {"cycle": found["cycle"].split()[1]})
    return command(found[1], arguments)


if __name__ == "__main__":
    sys.exit(main())
