"""The command line of sopkit: ``sopkit …`` = ``python -m sopkit …``.

It adds nothing that ``cycle`` or ``store`` lack. Exit codes: 0 done, 1 the data or a step failed,
2 the command cannot be meant, 3 the cycle is being run by somebody else, 130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shlex
import signal
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NoReturn

from sopkit import (
    cycle,
    departments,
    exports,
    gates,
    months,
    partitions,
    policies,
    publication,
    receipts,
    replay,
    sample,
    schema,
    store,
    whole,
)
from sopkit.contract import ContractError, counted, near, sentence, some
from sopkit.demand import corrections
from sopkit.executive import approval
from sopkit.months import UsageError, label
from sopkit.reconciliation import scenario_format
from sopkit.sources import SourceError

DONE, FAILED, MISUSED, BUSY, INTERRUPTED, UNREAD = 0, 1, 2, 3, 130, 141
_TEACH = """\
A month with sopkit:
  sopkit check            what is wrong with the raw tables, and how to mend it
  sopkit run              six meetings' pages from data/raw, for the month after the last closed one
  sopkit status           what has been run, and what is out of date
  sopkit forecast --cycle 2026-01    the demand step alone, tables only
  sopkit template --department sales    a workbook for sales to fill in, from the last run
  sopkit submit sales_2026-01.xlsx --by "M. Keller"    take it in, with a receipt
  sopkit replay --from 2025-01 --to 2025-12    past cycles as they would have been
The five meetings:
  sopkit close demand_review --by "M. Keller"    agreed: its tables stay as they are
  sopkit reopen demand_review --by "R. Osei" --note "lost a customer"    open it again, run anew
  sopkit decide D1 --option early --by "R. Osei"    what was decided; its scenario joins the plan
  sopkit revise --accept FDTPW --by "J. Weber"    sales' answer to what cannot be delivered in time
  sopkit correct --refuse C2BD7R --by "A. Lund" --note "it was real"    a correction of page 01
  sopkit choose theta --family Tents --by "A. Lund" --note "nearest"    another model, kept
  sopkit pulse demand_review --score 4 --by "A. Lund"    was the meeting worth its time?
  sopkit close executive_review --by "R. Osei"    approve the plan: nothing of it changes any more
Begin with your own data:
  sopkit init mycompany --empty      then put sales.csv into mycompany/data/raw:
                                     columns item, month, quantity
  sopkit run --workspace mycompany
"""


_ARGUMENTS = {
    "workspace": ("--workspace", "folder that holds data/raw (default: here)", {"default": "."}),
    "path": ("path", "folder to make", {}),
    "cycle": ("--cycle", "YYYY-MM in which the plan is made (default: after the last whole month "
              "of sales)", {"metavar": "YYYY-MM"}),
    "month": ("--cycle", "month in which the plan is made",
              {"metavar": "YYYY-MM", "required": True, "dest": "cycle"}),
    "start": ("--from", "execute this step and all later ones anew",
              {"dest": "start", "metavar": "STEP"}),
    "first": ("--from", "first past cycle",
              {"dest": "first", "metavar": "YYYY-MM", "required": True}),
    "last": ("--to", "last past cycle, before the one a run would plan now",
             {"dest": "last", "metavar": "YYYY-MM", "required": True}),
    "only": ("--only", "execute this step alone anew", {"metavar": "STEP"}),
    "parameters": ("-p", "a notebook parameter; wins over company.yml; may be repeated",
                   {"dest": "parameters", "action": "append", "default": [],
                    "metavar": "NAME=VALUE"}),
    "empty": ("--empty", "without the sample company", {"action": "store_true"}),
    "seed": ("--seed", "another seed, another company (default 0)", {"type": int, "default": 0}),
    "clean": ("--clean", "the same company with nothing planted: no contradiction, no bad month",
              {"action": "store_true"}),
    "as_of": ("--cycle", "the tables as they stood in this earlier cycle",
              {"metavar": "YYYY-MM"}),
    "department": ("--department", "who is to fill it in", {"required": True, "metavar": "NAME"}),
    "run": ("--cycle", "YYYY-MM of the run to show (default: the last one)",
            {"metavar": "YYYY-MM", "dest": "cycle"}),
    "output": ("-o", "workbook to write (default: <department>_<cycle>.xlsx here)",
               {"dest": "output", "metavar": "FILE"}),
    "step": ("step", "a step of the cycle, as demand_review", {"metavar": "STEP"}),
    "decision": ("decision", "name of the decision, as in decisions.csv", {"metavar": "ID"}),
    "option": ("--option", "the option chosen, as in options.csv",
               {"required": True, "metavar": "NAME"}),
    "score": ("--score", "1 (not worth its time) to 5 (well worth it)",
              {"required": True, "type": int, "metavar": "1-5"}),
    "by": ("--by", "who says so: a statement, no proof",
           {"required": True, "metavar": "NAME", "dest": "author"}),
    "note": ("--note", "what was agreed", {"default": "", "metavar": "TEXT"}),
    "why": ("--note", "why it is reopened", {"required": True, "metavar": "TEXT", "dest": "note"}),
    "accept": ("--accept", "lines of feedback that sales agrees to, ID=UNITS for a part, ID=0 to "
               "take it back, or all", {"nargs": "+", "default": [], "metavar": "ID"}),
    "refuse": ("--refuse", "lines of feedback that sales does not agree to, or all",
               {"nargs": "+", "default": [], "metavar": "ID"}),
    "stands": ("--accept", "corrections of page 01 that stand, or proposed ones to apply",
               {"nargs": "*", "metavar": "ID"}),
    "falls": ("--refuse", "corrections of page 01 to leave out; without ID: those of --layer",
              {"nargs": "*", "metavar": "ID"}),
    "reason": ("--note", "why", {"required": True, "metavar": "TEXT", "dest": "note"}),
    "layer": ("--layer", f"in place of IDs: one of {', '.join(corrections.LAYERS)}",
              {"metavar": "LAYER"}),
    "model": ("model", "a model of the panel, ets or sarimax; combined takes a choice back",
              {"metavar": "MODEL"}),
    "held": ("--parameters", 'held by the model, as "alpha=0.2; gamma=0.1" (default: estimated)',
             {"default": "", "metavar": "TEXT", "dest": "held"}),
    "of_month": ("--month", "with --layer: this month alone (default: every month)",
                 {"metavar": "YYYY-MM"}),
    **{level: (f"--{level}", f"this {level} alone; of correct with --layer", {"metavar": "NAME"})
       for level in schema.LEVELS},
    "file": ("file", "a filled-in workbook", {"metavar": "FILE"}),
    "author": ("--by", "who hands it in: a statement, no proof",
               {"required": True, "metavar": "NAME", "dest": "author"}),
    "horizon": ("--horizon", "months ahead, exactly; wins over company.yml",
                {"type": int, "metavar": "N"}),
    "engine": ("--engine", "who forecasts: this process (default), or Dask's workers, for more "
               "series than it can hold", {"choices": ["process", "dask"], "default": "process"}),
    "scheduler": ("--scheduler", "with --engine dask: a running scheduler (default: one worker a "
                  "processor is started here)", {"default": "", "metavar": "ADDRESS"}),
}  # fmt: skip


def _parser(words: list[str]) -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    parser = _Parser(
        words,
        prog="sopkit",
        description="Sales and operations planning: raw tables in, a meeting pack out.",
        epilog=_TEACH,
        formatter_class=form,
    )
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=partial(_Parser, words)
    )
    for name, (_, words, example, arguments) in _COMMANDS.items():
        command = commands.add_parser(
            name, help=words, description=words, epilog=f"Example: {example}", formatter_class=form
        )
        for argument in arguments.split():
            flag, meaning, options = _ARGUMENTS[argument]
            command.add_argument(flag, help=meaning, **options)
    return parser


class _Parser(argparse.ArgumentParser):
    """argparse, with the nearest name behind a command or option that it does not know."""

    def __init__(self, words: list[str], **options: object) -> None:
        self.words = words
        super().__init__(**options)

    def error(self, message: str) -> NoReturn:
        command = next((word for word in self.words if word in _COMMANDS), "")
        names = _COMMANDS[command][3].split() if command else []
        known = [_ARGUMENTS[name][0] for name in names] or list(_COMMANDS)
        words = [word.partition("=")[0] for word in self.words]
        if command:
            words = [word for word in words if word.startswith("--")]
        odd = [word for word in words if not any(name.startswith(word) for name in known)]
        hints = filter(None, (near(word, known) for word in odd))
        super().error("; ".join([message, *hints]))


class _Progress:
    """A bar over steps with the running cell; plain lines when there is no terminal."""

    def __init__(self) -> None:
        self.step, self.bar = "", None
        if sys.stderr.isatty():
            from tqdm import tqdm

            self.bar = tqdm(total=len(cycle.STEPS), unit="step", leave=False, file=sys.stderr)

    def __call__(self, step_name: str, cell: int, cells: int, words: str) -> None:
        names = [step.name for step in cycle.STEPS]
        if self.bar is not None:
            self.bar.n = names.index(step_name)
            self.bar.set_description_str(f"{words}, cell {cell} of {cells}")
        elif step_name != self.step:
            print(f"step {names.index(step_name) + 1} of {len(names)}: {words} …", flush=True)
        self.step = step_name

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()


def _run(arguments: argparse.Namespace) -> int:
    parameters = dict(_pair(text) for text in arguments.parameters)
    if arguments.cycle:
        months.parse_cycle(arguments.cycle)
    workspace = store.open_workspace(arguments.workspace)
    cycle.settle_parameters(workspace, parameters)
    for name in filter(None, (arguments.start, arguments.only)):
        cycle.step(name)
    month = cycle.resolve(workspace, arguments.cycle)
    return _plan(arguments, workspace, month, parameters)


def _plan(
    arguments: argparse.Namespace, workspace: Path, month: object, parameters: dict | None = None
) -> int:
    """Run a cycle and tell what became of it."""
    print(f"Planning cycle {label(month)} of {workspace}", flush=True)
    progress = _Progress()
    try:
        with _stoppable():
            outcome = cycle.run(
                workspace,
                month,
                start=getattr(arguments, "start", None),
                only=getattr(arguments, "only", None),
                parameters=parameters,
                progress=progress,
            )
    except KeyboardInterrupt:
        where = f" at {progress.step}" if progress.step else ""
        said = f"stopped{where}; the last pack is as it was."
        return _say(f"{said} It goes on with: {_command('run', arguments)}", INTERRUPTED)
    finally:
        progress.close()
    if outcome.is_approved:
        for note in outcome.notes:
            print(note)
        print("Its plan is approved, so nothing was run. Open " + outcome.index.as_uri())
        return DONE
    for name, seconds in outcome.seconds.items():
        print(f"  {name}: {seconds:.1f} s")
    if outcome.skipped:
        print(f"  unchanged, kept: {', '.join(outcome.skipped)}")
    if outcome.closed:
        print(f"  closed, kept: {', '.join(outcome.closed)}")
    for name, things in outcome.waiting.items():
        if things:
            words = f"{', '.join(things)} changed since {name} was closed"
            print(f"  {words}: not in this plan until somebody reopens it")
    _tell_revisions(workspace, month)
    late = outcome.findings.query("table == 'sales' and column == 'month'")
    for row in late.to_dict("records"):  # a month left out is seen at once, not on a page
        print(sentence(row))
    notices = len(outcome.findings)
    if notices:
        words = counted(notices, "notice", "notices")
        print(f"{words} on the data, on page 01 and in: {_command('check', arguments)}")
    for note in outcome.notes:
        print(note)
    print(f"Open {outcome.index.as_uri()}")
    return DONE


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


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise UsageError(f"-p {text!r}: write it as name=value.")
    return name.strip(), value.strip()


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
    whole.write_text(words, raw / "README.md")
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
    rows = cycle.status(workspace)
    for label_, words in cycle.cut(workspace).items():
        again = f"{_command('run', arguments)} --cycle {label_}"
        print(f"{label_}  {words}; it goes on there with: {again}")
    if not rows:
        print(f"No cycle has been run. Begin with: {_command('run', arguments)}")
    for row in rows:
        print(f"{row['cycle']}  {row['step']:17} {row['state']:20} {row['finished_at']}")
    for page in sorted((workspace / publication.REPORTS).glob("*/failed.html")):
        print(f"{page.parent.name}  the last run failed: {page.as_uri()}")
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
    words = _command("run", argparse.Namespace(workspace=arguments.workspace))
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
        f"{_command('submit ' + shlex.quote(str(path)) + ' --by NAME', place)}"
    )
    return DONE


def _submit(arguments: argparse.Namespace) -> int:
    outcome = departments.submit(arguments.workspace, Path(arguments.file), author=arguments.author)
    said = outcome.filled
    print(receipts.summary(said, outcome.taken))
    for note in said.notes:
        print(note)
    for row in said.refused:
        what = f" ({row['what']})" if row["what"] else ""
        where = f"{row['sheet']}!{row['cell']}{what} holds {row['holds']!r}"
        print(f"  not taken: {where}: {row['why']} {row['remedy']}")
    print(f"Receipt: {outcome.receipt.as_uri()}")
    closed = store.kept_closed(store.open_workspace(arguments.workspace), said.cycle)
    if outcome.added and "demand_review" in closed:
        gate = closed["demand_review"]
        print(f"demand_review is {gate.said}: this counts when somebody reopens it.")
    elif outcome.added:
        here = argparse.Namespace(workspace=arguments.workspace, cycle=months.label(said.cycle))
        words = _command("run", here)
        print(f"The pages show it after the next run: {words}")
    return FAILED if said.refused else DONE


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


def _tell_revisions(workspace: Path, month: object) -> None:
    """What differs from the plans that were closed before a reopening; page 06 shows it whole."""
    table = store.read(workspace, "revision_changes", month)
    for (measure, number), rows in table.groupby(["measure", "revision"], sort=False):
        moved = rows[rows["change"].abs() > 0.5]
        families = moved[moved["family"] != schema.COMPANY_LABEL]
        largest = families.reindex(families["change"].abs().sort_values(ascending=False).index)
        parts = [f"{row['family']} {row['change']:+,.0f}" for row in largest.to_dict("records")[:3]]
        whole = rows[rows["family"] == schema.COMPANY_LABEL].iloc[0]
        words = f"{whole['change']:+,.0f} ({', '.join(parts)})" if parts else "as it was"
        if not parts and whole["moved"] > 0.5:
            worst = f"{label(whole['worst_month'])} ({whole['worst_change']:+,.0f})"
            words = f"{whole['moved']:,.0f} units come in another month, most in {worst}"
        print(f"  {measure.lower()} beside revision {number}: {words}")


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
            _tell_feedback(arguments, workspace, month)
        return code


def _part(text: str) -> tuple[str, float | None]:
    """A line, and how many units of it."""
    line, sign, units = text.partition("=")
    try:
        return line, float(units) if sign else None
    except ValueError:
        raise UsageError(f"--accept {text}: write it as ID=UNITS, such as {line}=40.") from None


def _tell_feedback(arguments: argparse.Namespace, workspace: Path, month: object) -> None:
    """Rounds of answers, what is open now, and how to go on."""
    for row in store.read(workspace, "feedback_rounds", month).to_dict("records"):
        money = (
            "" if row["amount_value"] != row["amount_value"] else f", {row['amount_value']:,.0f}"
        )
        size = f"{row['quantity']:,.0f} units{money}"
        if row["author"]:
            counts = (
                f"{counted(row['accepted'], 'line', 'lines')} accepted, {row['refused']} refused"
            )
            counts += f", {row['taken_back']} taken back" if row["taken_back"] else ""
            print(f"  round {row['round']}, {row['author']}: {counts}; {size} moved")
    table = store.read(workspace, "feedback", month)
    left = table.loc[table["state"] == "open", "feedback"].unique()
    if len(left):
        print(f"open: {counted(len(left), 'line', 'lines')} ({some(list(left))}), {size}, page 04")
        print(f"Go on with: {_command('revise --accept ID --by NAME', arguments)}")
    else:
        print("No line is open: what is promised can be delivered, or was refused.")
        print(f"Agreed? {_command('close demand_review --by NAME', arguments)}")


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
    print(f"Go on with: {_command('run', arguments)}")
    return DONE


def _pulse(arguments: argparse.Namespace) -> int:
    workspace = store.open_workspace(arguments.workspace)
    month = cycle.resolve(workspace, arguments.cycle)
    said = {"author": arguments.author, "note": arguments.note}
    path = gates.pulse(workspace, month, arguments.step, arguments.score, **said)
    print(f"kept as {path.relative_to(workspace)}; the next cycle's page 06 shows the mean")
    return DONE


# command: (function, what it does, an example, its arguments)
_COMMANDS = {
    "run": (_run, "Run a cycle: check, six notebooks, pages, publish",
            "sopkit run --cycle 2026-01 --from demand_review -p strategy=level",
            "workspace cycle start only parameters"),
    "check": (_check, "Check the raw tables and list every breach and notice",
              "sopkit check --workspace mycompany", "workspace cycle"),
    "init": (_init, "Make a new workspace holding the sample company",
             "sopkit init mycompany --empty", "path empty"),
    "sample": (_sample, "Write the generated sample company into a workspace without tables",
               "sopkit sample --seed 7 --workspace trial", "workspace seed clean as_of"),
    "status": (_status, "Cycles that have been run, their steps, and what is out of date",
               "sopkit status", "workspace"),
    "template": (_template, "Write a workbook for a department to fill in, from the last run",
                 "sopkit template --department sales -o sales.xlsx",
                 "department run workspace output"),
    "submit": (_submit, "Take a filled-in workbook: good cells in, others listed, with a receipt",
               'sopkit submit sales.xlsx --by "M. Keller"', "file author workspace"),
    "close": (_close, "Close a step as agreed; closing executive_review approves the plan",
              'sopkit close demand_review --by "M. Keller"', "step by note cycle workspace"),
    "reopen": (_reopen, "Open a closed step and what rests on it again, run, show what differs",
               'sopkit reopen demand_review --by "R. Osei" --note "lost a customer"',
               "step by why cycle workspace"),
    "decide": (_decide, "Choose an option of a decision; the scenario it names joins the plan",
               'sopkit decide D1 --option early --by "R. Osei"',
               "decision option by note cycle workspace"),
    "revise": (_revise, "Answer what cannot be delivered in time, line by line, and plan it anew",
               'sopkit revise --accept FDTPW FK7QX=40 --refuse F3HNR --by "J. Weber"',
               "accept refuse by note cycle workspace"),
    "correct": (_correct, "Accept or refuse corrections of the history, and plan it anew",
                'sopkit correct --refuse C2BD7R --by "A. Lund" --note "a real order"',
                "stands falls layer item family category location region channel segment of_month "
                "by reason cycle workspace"),
    "choose": (_choose, "Choose the model that forecasts some series; combined takes it back",
               'sopkit choose theta --family Tents --by "A. Lund" --note "nearest for a year"',
               "model held item family category location region channel segment by reason cycle "
               "workspace"),
    "pulse": (_pulse, "How a meeting went, one answer a person",
              'sopkit pulse demand_review --score 4 --by "A. Lund"',
              "step score by note cycle workspace"),
    "forecast": (_forecast, "The demand step alone: tables, no notebooks, no pages",
                 "sopkit forecast --cycle 2026-01 --horizon 12",
                 "workspace month horizon engine scheduler"),
    "replay": (_replay, "Past cycles as they would have been: accuracy from the first day",
               "sopkit replay --from 2025-01 --to 2025-12", "first last workspace"),
}  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    """Run one command; the exit code says how it went."""
    words = list(sys.argv[1:] if argv is None else argv)
    arguments = _parser(words).parse_args(words)
    try:
        return _COMMANDS[arguments.command][0](arguments)
    except UsageError as error:
        return _say(error, MISUSED, arguments)
    except ContractError as error:
        whole = f"The whole list: {_command('check', arguments)}"
        return _say(f"{error}\nNothing was written. {whole}", FAILED)
    except SourceError as error:
        return _say(error, FAILED, arguments)
    except partitions.WorkersFailed as error:
        return _say(error, FAILED)
    except cycle.StepFailed as error:
        return _say(f"{error}\nSee {error.page.as_uri()}; the last good pack is as it was.", FAILED)
    except cycle.Busy as error:
        return _say(error, BUSY)
    except BrokenPipeError:  # whoever read the output went away
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
    except OSError as error:
        return _say(f"{error}. Check the path, its rights and the space left.", FAILED)
    except KeyboardInterrupt:
        return _say("stopped before anything was published", INTERRUPTED)


def _command(name: str, arguments: argparse.Namespace) -> str:
    """A command for the workspace and cycle that this one was given."""
    cycle_words = f" --cycle {arguments.cycle}" if getattr(arguments, "cycle", None) else ""
    place = getattr(arguments, "workspace", ".")
    where = "" if place == "." else f" --workspace {shlex.quote(place)}"
    return f"sopkit {name}{where}{cycle_words}"


def _say(words: object, code: int, arguments: argparse.Namespace | None = None) -> int:
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
    return code


def _placed(found: re.Match, arguments: argparse.Namespace) -> str:
    """A command as a message names it, with where it is to run."""
    if found["cycle"]:
        arguments = argparse.Namespace(**vars(arguments) | {"cycle": found["cycle"].split()[1]})
    return _command(found[1], arguments)


if __name__ == "__main__":
    sys.exit(main())
