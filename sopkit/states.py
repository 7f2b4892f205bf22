"""Each cycle's steps: when they ran, what is closed, what is out of date and why."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sopkit import marks, months, publication, store
from sopkit.agenda import STEPS, Step
from sopkit.executive import approval
from sopkit.marks import since_closed
from sopkit.sources import SourceError


def status(workspace: Path) -> list[dict[str, str]]:
    """Each cycle's steps: when they ran, and whether what they rest on has changed since."""
    rows = []
    for cycle in publication.cycles(workspace):
        record, is_stale = publication.run_record(publication.folder(workspace, cycle)), False
        closed = store.kept_closed(workspace, cycle)
        is_over = approval.LAST in closed
        for current in STEPS:
            done = record.get("steps", {}).get(current.name)
            if not done and record.get("origin"):
                continue  # a replay makes no more
            if gate := closed.get(current.name):
                words = "approved" if current.name == approval.LAST else "closed"
                said = gate.said.removeprefix(f"{gate.state} ")
                if not publication.is_intact(workspace, cycle, current.name):
                    said += "; its tables are not as they were closed: somebody changed them"
                elif waiting := [] if is_over else since_closed(workspace, cycle, current.name):
                    said += f"; changed since then, not in the plan: {', '.join(waiting)}"
                row = {"state": f"{words}, revision {gate.revision}", "finished_at": said}
                rows.append({"cycle": months.label(cycle), "step": current.name, **row})
                continue
            state = _state(workspace, cycle, current, done) if done else "not run"
            # what rests on a step that is out of date is so too
            state = "out of date" if is_stale and state == "up to date" else state
            is_stale = is_stale or state != "up to date"
            when = done["finished_at"] if done else ""
            label = months.label(cycle)
            rows.append({"cycle": label, "step": current.name, "state": state, "finished_at": when})
    return rows


def _state(workspace: Path, cycle: pd.Timestamp, current: Step, done: dict) -> str:
    if not done["hash"] or ":" in done["hash"]:
        return "replayed" if done["hash"] else "tables only"
    try:
        mark = marks.digest(marks.step_marks(workspace, current, cycle, done["parameters"]))
    except SourceError:
        return "cannot tell: sources unreachable"
    return "up to date" if done["hash"] == mark else "out of date"
