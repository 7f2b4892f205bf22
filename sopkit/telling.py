"""What became of a command, in lines: a run, revisions, answers, a workbook, what has been run."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from sopkit import cycle, departments, locking, publication, receipts, schema, store
from sopkit.arguments import command
from sopkit.contract import counted, sentence, some
from sopkit.months import label


def outcome(done: cycle.Outcome, workspace: Path, arguments: argparse.Namespace) -> Iterator[str]:
    """What a run did, what it left as it was, what people should know, where to look."""
    if done.is_approved:
        yield from done.notes
        yield "Its plan is approved, so nothing was run. Open " + done.index.as_uri()
        return
    yield from (f"  {name}: {seconds:.1f} s" for name, seconds in done.seconds.items())
    if done.skipped:
        yield f"  unchanged, kept: {', '.join(done.skipped)}"
    if done.closed:
        yield f"  closed, kept: {', '.join(done.closed)}"
    for name, things in done.waiting.items():
        if things:
            words = f"{', '.join(things)} changed since {name} was closed"
            yield f"  {words}: not in this plan until somebody reopens it"
    yield from revisions(workspace, done.cycle)
    late = done.findings.query("table == 'sales' and column == 'month'")
    yield from map(sentence, late.to_dict("records"))  # seen at once, not on a page
    if len(done.findings):
        words = counted(len(done.findings), "notice", "notices")
        yield f"{words} on the data, on page 01 and in: {command('check', arguments)}"
    yield from done.notes
    yield f"Open {done.index.as_uri()}"


def revisions(workspace: Path, month: pd.Timestamp) -> Iterator[str]:
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
        yield f"  {measure.lower()} beside revision {number}: {words}"


def feedback(arguments: argparse.Namespace, workspace: Path, month: pd.Timestamp) -> Iterator[str]:
    """Rounds of answers, what is open now, and how to go on."""
    size = ""
    for row in store.read(workspace, "feedback_rounds", month).to_dict("records"):
        money = f", {row['amount_value']:,.0f}" if pd.notna(row["amount_value"]) else ""
        size = f"{row['quantity']:,.0f} units{money}"
        if row["author"]:
            lines = counted(row["accepted"], "line", "lines")
            counts = f"{lines} accepted, {row['refused']} refused"
            counts += f", {row['taken_back']} taken back" if row["taken_back"] else ""
            yield f"  round {row['round']}, {row['author']}: {counts}; {size} moved"
    table = store.read(workspace, "feedback", month)
    left = table.loc[table["state"] == "open", "feedback"].unique()
    if len(left):
        yield f"open: {counted(len(left), 'line', 'lines')} ({some(list(left))}), {size}, page 04"
        yield f"Go on with: {command('revise --accept ID --by NAME', arguments)}"
    else:
        yield "No line is open: what is promised can be delivered, or was refused."
        yield f"Agreed? {command('close demand_review --by NAME', arguments)}"


def submitted(done: departments.Outcome, workspace: str) -> Iterator[str]:
    """What was taken of a workbook, what was not and why, and when it shows."""
    said = done.filled
    yield receipts.summary(said, done.taken)
    yield from said.notes
    for row in said.refused:
        what = f" ({row['what']})" if row["what"] else ""
        where = f"{row['sheet']}!{row['cell']}{what} holds {row['holds']!r}"
        yield f"  not taken: {where}: {row['why']} {row['remedy']}"
    yield f"Receipt: {done.receipt.as_uri()}"
    closed = store.kept_closed(store.open_workspace(workspace), said.cycle)
    if done.added and "demand_review" in closed:
        gate = closed["demand_review"]
        yield f"demand_review is {gate.said}: this counts when somebody reopens it."
    elif done.added:
        here = argparse.Namespace(workspace=workspace, cycle=label(said.cycle))
        yield f"The pages show it after the next run: {command('run', here)}"


def status(workspace: Path, arguments: argparse.Namespace, *, now: pd.Timestamp) -> Iterator[str]:
    """Who is at work, what was cut, each cycle's steps with their age, what failed last."""
    for cycle_label, who in locking.held(workspace).items():
        yield f"{cycle_label}  somebody is at work on it: {who}"
    for cycle_label, words in cycle.cut(workspace).items():
        again = f"{command('run', arguments)} --cycle {cycle_label}"
        yield f"{cycle_label}  {words}; it goes on there with: {again}"
    rows = cycle.status(workspace)
    if not rows:
        yield f"No cycle has been run. Begin with: {command('run', arguments)}"
    for row in rows:
        when = _with_age(row["finished_at"], now)
        yield f"{row['cycle']}  {row['step']:17} {row['state']:20} {when}"
    for month, said in publication.failures(workspace).items():
        cell = f", cell {said['cell']}" if said["cell"] else ""
        when = _with_age(said["at"], now)
        reason = said["reason"].splitlines()[0] if said["reason"] else ""
        yield f"{label(month)}  the last run failed at {said['step']}{cell}, {when}: {reason}"
        again = f"{command('run', arguments)} --cycle {label(month)}"
        yield f"{label(month)}  see {Path(said['page']).as_uri()}; it goes on there with: {again}"


def _with_age(when: str, now: pd.Timestamp) -> str:
    """A time with its age; what is no time as it is."""
    if not when[:1].isdigit() or "+00:00" not in when:
        return when
    return f"{when} ({_age(pd.Timestamp(when), now)})"


def _age(then: pd.Timestamp, now: pd.Timestamp) -> str:
    """How long ago something was, in the largest unit that says it.

    Examples
    --------
    >>> now = pd.Timestamp("2026-01-05 12:00")
    >>> _age(pd.Timestamp("2026-01-05 08:30"), now), _age(pd.Timestamp("2026-01-01"), now)
    ('3 h ago', '4 days ago')
    """
    minutes = int((now - then).total_seconds() // 60)
    if minutes < 0:
        return "by a clock that was ahead"
    if minutes < 60:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days ago"
