"""What a step rests on, each thing with a mark: is it done, what has changed, how it stands."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pandas as pd

from sopkit import months, packing, publication, schema, store
from sopkit.agenda import STEPS, THROUGH_DATA, Step, step
from sopkit.executive import approval
from sopkit.parameters import notebook_path
from sopkit.sources import SourceError

_OURS = ("its notebook", "its parameters", "sopkit itself")  # what a step rests on beside data


def step_marks(
    workspace: Path, current: Step, cycle: pd.Timestamp, parameters: dict[str, object]
) -> dict[str, str]:
    """A mark for each thing a step depends on."""
    return store.input_marks(workspace, current.name, cycle) | {
        _OURS[0]: publication.file_hash(notebook_path(workspace, current.notebook)),
        _OURS[1]: repr(sorted(parameters.items())),
        _OURS[2]: store.code_hash(),
    }


def digest(marks: dict[str, str]) -> str:
    """One hash of all marks."""
    return hashlib.sha256(json.dumps(marks, sort_keys=True).encode()).hexdigest()[:20]


def is_done(record: dict, staged: Path, current: Step, mark: str) -> bool:
    """The step ran with this very hash and its files are as it left them."""
    done = record.get("steps", {}).get(current.name)
    if not done or done["hash"] != mark:
        return False
    paths = {name: staged / f"{name}.parquet" for name in current.writes}
    return all(
        path.is_file() and publication.file_hash(path) == done["files"][name]
        for name, path in paths.items()
    )


def note(record, staged, current, marks, seconds, settled, mark=None) -> dict:
    """The run's record with one more step done; ``mark`` stands in for the hash of its inputs."""
    files = {name: publication.file_hash(staged / f"{name}.parquet") for name in current.writes}
    done = {
        "hash": digest(marks) if mark is None else mark,
        "inputs": marks,
        "files": files,
        "seconds": round(seconds, 2),
        "parameters": settled[current.name],
        "finished_at": pd.Timestamp.now(tz="UTC").isoformat(timespec="seconds"),
    }
    steps = record.get("steps", {}) | {current.name: done}
    return {"steps": steps, "versions": packing.versions(), "git_commit": packing.git_commit()}


def changed(workspace: Path, cycle: pd.Timestamp, current: Step, done: dict) -> list[str]:
    """What a step rests on that is no longer as it was when the step ran."""
    before, now = done.get("inputs", {}), step_marks(workspace, current, cycle, done["parameters"])
    return sorted(name for name in before.keys() | now if before.get(name) != now.get(name))


def since_closed(workspace: Path, cycle: pd.Timestamp, name: str) -> list[str]:
    """What has changed since a step was closed, and waits until somebody reopens it."""
    done = publication.run_record(publication.folder(workspace, cycle))["steps"][name]
    things = [t for t in changed(workspace, cycle, step(name), done) if t not in _OURS]
    if name == STEPS[0].name:  # what it only lists is planned by the steps that read it themselves
        things = [t for t in things if t in THROUGH_DATA or t not in schema.RAW]
    return things


def status(workspace: Path) -> list[dict[str, str]]:
    """Each cycle's steps: when they ran, and whether what they rest on has changed since."""
    rows = []
    for cycle in publication.cycles(workspace):
        record, is_stale = publication.run_record(publication.folder(workspace, cycle)), False
        closed = store.kept_closed(workspace, cycle)
        is_over = approval.LAST in closed
        for current in STEPS:
            done = record["steps"].get(current.name)
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
        mark = digest(step_marks(workspace, current, cycle, done["parameters"]))
    except SourceError:
        return "cannot tell: sources unreachable"
    return "up to date" if done["hash"] == mark else "out of date"
