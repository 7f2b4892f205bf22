"""What a step rests on, each thing with a mark: whether it is done, and what has changed since."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pandas as pd

from sopkit import packing, publication, schema, store
from sopkit.agenda import STEPS, THROUGH_DATA, Step, step
from sopkit.parameters import notebook_path

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


def without(record: dict, name: str) -> dict:
    """The run's record as if a step had not been done."""
    steps = {known: done for known, done in record.get("steps", {}).items() if known != name}
    return record | {"steps": steps}


def made(workspace: Path, cycle: pd.Timestamp, record: dict) -> list[str]:
    """Steps done since the cycle was published, by this run or by one that was cut."""
    before = publication.run_record(publication.folder(workspace, cycle)).get("steps", {})
    return [name for name, done in record.get("steps", {}).items() if before.get(name) != done]


def changed(workspace: Path, cycle: pd.Timestamp, current: Step, done: dict) -> list[str]:
    """What a step rests on that is no longer as it was when the step ran."""
    before, now = done.get("inputs", {}), step_marks(workspace, current, cycle, done["parameters"])
    return sorted(name for name in before.keys() | now if before.get(name) != now.get(name))


def since_closed(workspace: Path, cycle: pd.Timestamp, name: str) -> list[str]:
    """What has changed since a step was closed, and waits until somebody reopens it."""
    record = publication.run_record(publication.folder(workspace, cycle))
    done = record.get("steps", {}).get(name)
    if done is None:
        return []  # its record was spoilt: nobody can tell
    things = [t for t in changed(workspace, cycle, step(name), done) if t not in _OURS]
    if name == STEPS[0].name:  # what it only lists is planned by the steps that read it themselves
        things = [t for t in things if t in THROUGH_DATA or t not in schema.RAW]
    return things
