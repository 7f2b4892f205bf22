"""The command line as data: each command with its words, its example, its arguments."""

from __future__ import annotations

import argparse
import shlex
from functools import partial
from typing import NoReturn

from sopkit import schema
from sopkit.contract import near
from sopkit.demand import corrections

DONE, FAILED, MISUSED, BUSY, FROZEN, INTERRUPTED, UNREAD = 0, 1, 2, 3, 4, 130, 141
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
Exit codes: 0 done, 1 the data or a step failed or the month has not closed, 2 the command cannot be
meant, 3 somebody else is at work on the cycle, 4 it would change what is closed or approved,
130 stopped.
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
    "force": ("--force", "execute every open step anew, whatever has changed",
              {"action": "store_true"}),
    "month_end": ("--month-end", "for schedules: plan the month under way, and end with 1 while "
                  "the month before it has not closed", {"action": "store_true"}),
    "on_failure": ("--on-failure", "run this, without a shell, where the run ends with 1 to 4; "
                   "SOPKIT_EXIT_CODE, _CYCLE, _STEP, _REASON and _PAGE tell it why",
                   {"metavar": "COMMAND"}),
    "log_json": ("--log-json", "one JSON object a line on stdout, words on stderr",
                 {"action": "store_true"}),
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

# command: (what it does, an example, its arguments)
COMMANDS = {
    "run": ("Run a cycle: check, six notebooks, pages, publish",
            "sopkit run --cycle 2026-01 --from demand_review -p strategy=level",
            "workspace cycle start only force parameters month_end on_failure log_json"),
    "check": ("Check the raw tables and list every breach and notice",
              "sopkit check --workspace mycompany", "workspace cycle"),
    "init": ("Make a new workspace holding the sample company",
             "sopkit init mycompany --empty", "path empty"),
    "sample": ("Write the generated sample company into a workspace without tables",
               "sopkit sample --seed 7 --workspace trial", "workspace seed clean as_of"),
    "status": ("Cycles that have been run, their steps, and what is out of date",
               "sopkit status", "workspace"),
    "template": ("Write a workbook for a department to fill in, from the last run",
                 "sopkit template --department sales -o sales.xlsx",
                 "department run workspace output"),
    "submit": ("Take a filled-in workbook: good cells in, others listed, with a receipt",
               'sopkit submit sales.xlsx --by "M. Keller"', "file author workspace"),
    "close": ("Close a step as agreed; closing executive_review approves the plan",
              'sopkit close demand_review --by "M. Keller"', "step by note cycle workspace"),
    "reopen": ("Open a closed step and what rests on it again, run, show what differs",
               'sopkit reopen demand_review --by "R. Osei" --note "lost a customer"',
               "step by why cycle workspace"),
    "decide": ("Choose an option of a decision; the scenario it names joins the plan",
               'sopkit decide D1 --option early --by "R. Osei"',
               "decision option by note cycle workspace"),
    "revise": ("Answer what cannot be delivered in time, line by line, and plan it anew",
               'sopkit revise --accept FDTPW FK7QX=40 --refuse F3HNR --by "J. Weber"',
               "accept refuse by note cycle workspace"),
    "correct": ("Accept or refuse corrections of the history, and plan it anew",
                'sopkit correct --refuse C2BD7R --by "A. Lund" --note "a real order"',
                "stands falls layer item family category location region channel segment of_month "
                "by reason cycle workspace"),
    "choose": ("Choose the model that forecasts some series; combined takes it back",
               'sopkit choose theta --family Tents --by "A. Lund" --note "nearest for a year"',
               "model held item family category location region channel segment by reason cycle "
               "workspace"),
    "pulse": ("How a meeting went, one answer a person",
              'sopkit pulse demand_review --score 4 --by "A. Lund"',
              "step score by note cycle workspace"),
    "forecast": ("The demand step alone: tables, no notebooks, no pages",
                 "sopkit forecast --cycle 2026-01 --horizon 12",
                 "workspace month horizon engine scheduler"),
    "replay": ("Past cycles as they would have been: accuracy from the first day",
               "sopkit replay --from 2025-01 --to 2025-12", "first last workspace"),
}  # fmt: skip


def parser(given: list[str]) -> argparse.ArgumentParser:
    """What takes a command line apart; ``given`` are its words, for hints."""
    form = argparse.RawDescriptionHelpFormatter
    made = _Parser(
        given,
        prog="sopkit",
        description="Sales and operations planning: raw tables in, a meeting pack out.",
        epilog=_TEACH,
        formatter_class=form,
    )
    commands = made.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=partial(_Parser, given)
    )
    for name, (meaning, example, arguments) in COMMANDS.items():
        taken = commands.add_parser(
            name,
            help=meaning,
            description=meaning,
            epilog=f"Example: {example}",
            formatter_class=form,
        )
        for argument in arguments.split():
            flag, words, options = _ARGUMENTS[argument]
            taken.add_argument(flag, help=words, **options)
    return made


class _Parser(argparse.ArgumentParser):
    """argparse, with the nearest name behind a command or option that it does not know."""

    def __init__(self, words: list[str], **options: object) -> None:
        self.words = words
        super().__init__(**options)

    def error(self, message: str) -> NoReturn:
        command = next((word for word in self.words if word in COMMANDS), "")
        names = COMMANDS[command][2].split() if command else []
        known = [_ARGUMENTS[name][0] for name in names] or list(COMMANDS)
        words = [word.partition("=")[0] for word in self.words]
        if command:
            words = [word for word in words if word.startswith("--")]
        odd = [word for word in words if not any(name.startswith(word) for name in known)]
        hints = filter(None, (near(word, known) for word in odd))
        super().error("; ".join([message, *hints]))


def command(name: str, arguments: argparse.Namespace) -> str:
    """A command for the workspace and cycle that this one was given."""
    cycle_words = f" --cycle {arguments.cycle}" if getattr(arguments, "cycle", None) else ""
    place = getattr(arguments, "workspace", ".")
    where = "" if place == "." else f" --workspace {shlex.quote(place)}"
    return f"sopkit {name}{where}{cycle_words}"
