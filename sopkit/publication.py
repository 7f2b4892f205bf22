"""How a cycle's folders change place: staged, published, closed; files whole or not at all.

Beside ``store``, which decides what is read and written, the only module that knows paths under
``data/processed`` and ``reports``.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from sopkit import months

PROCESSED = Path("data/processed")
REPORTS = Path("reports")
RECEIPTS = "receipts"  # a folder of each cycle's reports
REVISIONS = "revisions"  # a folder of each cycle's tables, and of its reports
EXTRACTS = "extracts"  # a folder of each cycle's reports
RUN = "run.json"
_ROWS = 2**17  # of a row group: what one who wants a part reads at once
_PENDING = "run.json.new"


def folder(workspace: Path, cycle: pd.Timestamp) -> Path:
    """Where a cycle's published tables stand."""
    return workspace / PROCESSED / months.label(cycle)


def staging(workspace: Path, cycle: pd.Timestamp) -> Path:
    """Where a cycle's tables wait for publication; survives a failed run."""
    return workspace / PROCESSED / ".staging" / months.label(cycle)


def _places(workspace: Path, cycle_label: str) -> list[tuple[Path, Path, Path]]:
    """Published, staged and previous folder of a cycle, under processed and reports."""
    roots = [workspace / PROCESSED, workspace / REPORTS]
    return [
        (root / cycle_label, root / ".staging" / cycle_label, root / ".previous" / cycle_label)
        for root in roots
    ]


def publish(workspace: Path, cycle: pd.Timestamp, record: dict) -> None:
    """Put the staged tables and pages in the place of the published ones, all or nothing.

    The previous ones step aside, the staged ones step in, and the rename of ``run.json`` commits.
    A crash before it is undone, a crash after it finished, by whoever opens the workspace next.
    """
    places = _places(workspace, months.label(cycle))
    staged = staging(workspace, cycle)
    record = record | {"has_pages": places[1][1].is_dir()}
    write_text(json.dumps(record, indent=1, sort_keys=True), staged / _PENDING)
    (staged / RUN).unlink(missing_ok=True)
    for current, ready, previous in places:
        if not ready.is_dir():
            continue
        if (current / RECEIPTS).is_dir():  # handed in while the run went on
            shutil.copytree(current / RECEIPTS, ready / RECEIPTS, dirs_exist_ok=True)
        if previous.is_dir():
            shutil.rmtree(previous)
        previous.parent.mkdir(parents=True, exist_ok=True)
        if current.is_dir():
            current.rename(previous)
        ready.rename(current)
    (places[0][0] / _PENDING).rename(places[0][0] / RUN)
    for _, _, previous in places:
        if previous.is_dir():
            shutil.rmtree(previous)


def recover(workspace: Path) -> None:
    """Finish or undo a publication that was cut in between."""
    base = workspace / PROCESSED
    labels = {path.parent.name for path in base.glob(f"*/{_PENDING}")} if base.is_dir() else set()
    for label in labels:
        record = json.loads((base / label / _PENDING).read_text(encoding="utf-8"))
        places = _places(workspace, label)
        for current, ready, previous in reversed(places if record["has_pages"] else places[:1]):
            if current.is_dir() and not ready.is_dir():
                ready.parent.mkdir(parents=True, exist_ok=True)
                current.rename(ready)
            if previous.is_dir() and not current.is_dir():
                previous.rename(current)
        (places[0][1] / _PENDING).rename(places[0][1] / RUN)
    for root in (base, workspace / REPORTS):
        for path in (root / ".previous").glob("*") if (root / ".previous").is_dir() else []:
            committed = (base / path.name / RUN).is_file()
            if committed and (root / path.name).is_dir():
                shutil.rmtree(path)
            elif not (root / path.name).is_dir():
                path.rename(root / path.name)


def cycles(workspace: Path) -> list[pd.Timestamp]:
    """Cycles that have been published, oldest first."""
    base = workspace / PROCESSED
    found = sorted(base.glob(f"*/{RUN}")) if base.is_dir() else []
    return [
        months.parse_cycle(path.parent.name)
        for path in found
        if not path.parent.name.startswith(".")
    ]


def prepare(workspace: Path, cycle: pd.Timestamp) -> None:
    """A staging folder that holds the last run's tables and pages, unless a cut run left one.

    Closed revisions never change, so they are linked, not copied.
    """
    if is_cut(workspace, cycle):
        return  # resume there
    for published, staged, _ in _places(workspace, months.label(cycle)):
        shutil.rmtree(staged, ignore_errors=True)
        if published.is_dir():
            left_out = shutil.ignore_patterns("failed.html", REVISIONS)
            shutil.copytree(published, staged, ignore=left_out)
        if (published / REVISIONS).is_dir():
            shutil.copytree(published / REVISIONS, staged / REVISIONS, copy_function=_link)
    staging(workspace, cycle).mkdir(parents=True, exist_ok=True)


def is_cut(workspace: Path, cycle: pd.Timestamp) -> bool:
    """Whether a run that failed or was cut has left steps that wait to be published."""
    return (staging(workspace, cycle) / RUN).is_file()


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without links
        shutil.copy2(source, target)


def keep_revision(
    workspace: Path, cycle: pd.Timestamp, step: str, number: int, tables: Iterable[str]
) -> None:
    """Keep a step's published tables as a revision; its record, written last, makes it count."""
    source, target = folder(workspace, cycle), revision(workspace, cycle, number)
    target.mkdir(parents=True, exist_ok=True)
    for name in tables:
        part = target / f"{name}.parquet.part"
        shutil.copy2(source / f"{name}.parquet", part)  # no link: what is agreed stands by itself
        part.replace(target / f"{name}.parquet")
    done = run_record(source)["steps"][step]
    write_text(json.dumps(done, indent=1, sort_keys=True), target / f"{step}.json")


def is_intact(workspace: Path, cycle: pd.Timestamp, step: str) -> bool:
    """Whether a step's published tables are, byte for byte, as the run's record says."""
    place = folder(workspace, cycle)
    files = run_record(place).get("steps", {}).get(step, {}).get("files", {})
    paths = {name: place / f"{name}.parquet" for name in files}
    return all(path.is_file() and file_hash(path) == files[n] for n, path in paths.items())


def revision(workspace: Path, cycle: pd.Timestamp, number: int) -> Path:
    """Where the tables of a closed revision stand."""
    return folder(workspace, cycle) / REVISIONS / str(number)


def revisions(workspace: Path, cycle: pd.Timestamp, step: str) -> list[int]:
    """Revisions of a step that are kept here, oldest first."""
    found = (folder(workspace, cycle) / REVISIONS).glob(f"*/{step}.json")
    return sorted(int(path.parent.name) for path in found)


def run_record(path: Path) -> dict:
    """A run's record (``run.json``), empty where there is none."""
    file = path / RUN
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def write_record(path: Path, record: dict) -> None:
    """Write a run's record beside its tables, whole or not at all."""
    write_text(json.dumps(record, indent=1, sort_keys=True), path / RUN)


def lock_file(workspace: Path, cycle: pd.Timestamp) -> Path:
    """The file whose lock a run of this cycle holds."""
    path = workspace / PROCESSED / ".locks" / f"{months.label(cycle)}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _holder_file(workspace: Path, cycle: pd.Timestamp) -> Path:
    return lock_file(workspace, cycle).with_suffix(".json")


def holder(workspace: Path, cycle: pd.Timestamp) -> dict:
    """Who holds a cycle's lock, or held it when it was cut; empty where nobody."""
    path = _holder_file(workspace, cycle)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def note_holder(workspace: Path, cycle: pd.Timestamp, who: dict, *, is_more: bool = False) -> None:
    """Write who holds a cycle (``is_more``: beside what is noted); nobody takes the note away."""
    if who:
        known = holder(workspace, cycle) if is_more else {}
        write_text(json.dumps(known | who), _holder_file(workspace, cycle))
    else:
        _holder_file(workspace, cycle).unlink(missing_ok=True)


def holders(workspace: Path) -> dict[pd.Timestamp, dict]:
    """Notes of all cycles that are held, or were when their run was cut."""
    labels = sorted(path.stem for path in (workspace / PROCESSED / ".locks").glob("*.json"))
    return {cycle: holder(workspace, cycle) for cycle in map(months.parse_cycle, labels)}


def _failure_file(workspace: Path, cycle: pd.Timestamp) -> Path:
    return workspace / PROCESSED / ".failed" / f"{months.label(cycle)}.json"


def note_failure(workspace: Path, cycle: pd.Timestamp, said: dict) -> None:
    """Write what a cycle's last run failed at; with nothing said the note is taken away."""
    if said:
        write_text(json.dumps(said, indent=1), _failure_file(workspace, cycle))
    else:
        _failure_file(workspace, cycle).unlink(missing_ok=True)


def failures(workspace: Path) -> dict[pd.Timestamp, dict]:
    """By cycle what its last run failed at."""
    paths = sorted((workspace / PROCESSED / ".failed").glob("*.json"))
    return {
        months.parse_cycle(path.stem): json.loads(path.read_text(encoding="utf-8"))
        for path in paths
    }


def file_hash(path: Path) -> str:
    """A short hash of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:20]


def write_parquet(frame: pd.DataFrame, path: Path) -> None:
    """Write a table whole or not at all, in the place of an earlier one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    frame.to_parquet(part, index=False, row_group_size=_ROWS)
    part.replace(path)


def write_text(text: str, path: Path) -> None:
    """Write a text whole or not at all, in the place of an earlier one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def write_once(text: str, path: Path) -> bool:
    """Write a file whole or not at all, over no other; whether it was not there before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    try:
        os.link(part, path)
    except FileExistsError:
        return False
    finally:
        part.unlink()
    return True
