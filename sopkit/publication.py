"""How a cycle's folders change place: staged, published, closed; who holds a cycle.

Beside ``store``, which decides what is read and written, the only module that knows paths under
``data/processed`` and ``reports``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from sopkit import months, whole

PROCESSED = Path("data/processed")
REPORTS = Path("reports")
LOCKS = PROCESSED / ".locks"
RECEIPTS = "receipts"  # a folder of each cycle's reports
REVISIONS = "revisions"  # a folder of each cycle's tables, and of its reports
EXTRACTS = "extracts"  # a folder of each cycle's reports
RUN = "run.json"
_ROWS = 2**17  # of a row group: what one who wants a part reads at once
_PENDING = "run.json.new"
_PATIENCE = 60  # seconds: nobody changes folders for longer than a moment


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
    All is on the disk before it counts, so that a power failure leaves whole files too.
    """
    places = _places(workspace, months.label(cycle))
    (tables, staged, _), (_, pages, _) = places
    write_record(staged, record | {"has_pages": pages.is_dir()})
    for folder in (staged, pages):
        if folder.is_dir():
            whole.flush_tree(folder)
    with changing(workspace):
        (staged / RUN).rename(staged / _PENDING)
        for place in places:
            if place[1].is_dir():
                _exchange(*place)
        whole.flush(current.parent for current, _, _ in places if current.is_dir())
        (tables / _PENDING).rename(tables / RUN)
        whole.flush([tables])
    for _, _, previous in places:
        if previous.is_dir():
            shutil.rmtree(previous)


def _exchange(current: Path, ready: Path, previous: Path) -> None:
    """Put a staged folder in the place of the published one, which steps aside."""
    if previous.is_dir():
        shutil.rmtree(previous)
    previous.parent.mkdir(parents=True, exist_ok=True)
    if current.is_dir():
        if (current / RECEIPTS).is_dir():  # handed in while the run went on
            shutil.copytree(current / RECEIPTS, ready / RECEIPTS, dirs_exist_ok=True)
        current.rename(previous)
    ready.rename(current)


@contextlib.contextmanager
def changing(workspace: Path) -> Iterator[None]:
    """Nobody else publishes, lists cycles or hands in a receipt meanwhile: a matter of moments."""
    import filelock

    path = workspace / LOCKS / "changing.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(path).acquire(timeout=_PATIENCE):
        yield


def recover(workspace: Path) -> None:
    """Finish or undo publications that were cut in between, but for cycles that somebody holds.

    Who holds one is at it, or does this himself when he begins (``settle``).
    """
    import filelock

    roots = [workspace / PROCESSED, workspace / REPORTS]
    found = {path.parent.name for path in roots[0].glob(f"[!.]*/{_PENDING}")}
    found |= {path.parent.name for path in roots[0].glob(f".staging/*/{_PENDING}")}
    found |= {path.name for root in roots for path in root.glob(".previous/*")}
    for label in sorted(found):
        held = filelock.FileLock(lock_file(workspace, months.parse_cycle(label)))
        with contextlib.suppress(filelock.Timeout), held.acquire(timeout=0):
            settle(workspace, label)


def settle(workspace: Path, label: str) -> None:
    """Finish or undo a publication of a cycle that was cut in between, and sweep; it is held."""
    places = _places(workspace, label)
    (tables, staged, _), (pages, staged_pages, _) = places
    with changing(workspace):
        if (tables / _PENDING).is_file():  # before the commit: undo
            has_pages = _read_record(tables / _PENDING).get("has_pages")
            for place in reversed(places if has_pages else places[:1]):
                _undo(*place)
        if (staged / _PENDING).is_file():
            (staged / _PENDING).rename(staged / RUN)
        for current, _, previous in places:
            if previous.is_dir() and current.is_dir() and (tables / RUN).is_file():
                shutil.rmtree(previous)
            elif previous.is_dir() and not current.is_dir():
                previous.rename(current)
    below = [path for root in (staged, staged_pages, pages) for path in _folders(root)]
    processed = workspace / PROCESSED
    whole.sweep([*below, tables, processed / ".cache", workspace / LOCKS, pages.parent])


def _undo(current: Path, ready: Path, previous: Path) -> None:
    if current.is_dir() and not ready.is_dir():
        ready.parent.mkdir(parents=True, exist_ok=True)
        current.rename(ready)
    if previous.is_dir() and not current.is_dir():
        previous.rename(current)


def _folders(root: Path) -> list[Path]:
    """A folder and all folders in it."""
    return [root, *(path for path in root.rglob("*") if path.is_dir())]


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

    Closed revisions never change, so they are linked, not copied. The record comes last: a copy
    that was cut has none, and is made anew.
    """
    if is_cut(workspace, cycle):
        return  # resume there
    for published, staged, _ in _places(workspace, months.label(cycle)):
        shutil.rmtree(staged, ignore_errors=True)
        if published.is_dir():
            left_out = shutil.ignore_patterns("failed.html", REVISIONS, RUN, ".*.part")
            shutil.copytree(published, staged, ignore=left_out)
        if (published / REVISIONS).is_dir():
            shutil.copytree(published / REVISIONS, staged / REVISIONS, copy_function=_link)
    staged = staging(workspace, cycle)
    staged.mkdir(parents=True, exist_ok=True)
    if record := run_record(folder(workspace, cycle)):
        write_record(staged, record)


def discard(workspace: Path, cycle: pd.Timestamp) -> None:
    """Take away what waits for publication, its record first: half of it is no cut run."""
    (staging(workspace, cycle) / RUN).unlink(missing_ok=True)
    for _, staged, _ in _places(workspace, months.label(cycle)):
        shutil.rmtree(staged, ignore_errors=True)


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
        with whole.replacing(target / f"{name}.parquet") as part:
            shutil.copy2(source / f"{name}.parquet", part)  # no link: it stands by itself
    done = run_record(source)["steps"][step]
    whole.flush_tree(target)
    whole.write_text(json.dumps(done, indent=1, sort_keys=True), target / f"{step}.json")


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
    """A run's record (``run.json``), empty where there is none or it was spoilt.

    A spoilt one makes every step run anew: it says what may be kept, and nothing else does.
    """
    return _read_record(path / RUN)


def _read_record(file: Path) -> dict:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):  # ValueError: no JSON, or no text
        return {}
    return content if isinstance(content, dict) else {}


def write_record(path: Path, record: dict) -> None:
    """Write a run's record beside its tables, whole or not at all."""
    whole.write_text(json.dumps(record, indent=1, sort_keys=True), path / RUN)


def lock_file(workspace: Path, cycle: pd.Timestamp) -> Path:
    """The file whose lock a run of this cycle holds."""
    path = workspace / LOCKS / f"{months.label(cycle)}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _holder_file(workspace: Path, cycle: pd.Timestamp) -> Path:
    return lock_file(workspace, cycle).with_suffix(".json")


def holder(workspace: Path, cycle: pd.Timestamp) -> dict:
    """Who holds a cycle's lock, or held it when it was cut; empty where nobody, or it is spoilt."""
    return _read_record(_holder_file(workspace, cycle))


def note_holder(workspace: Path, cycle: pd.Timestamp, who: dict, *, is_more: bool = False) -> None:
    """Write who holds a cycle (``is_more``: beside what is noted); nobody takes the note away."""
    if who:
        known = holder(workspace, cycle) if is_more else {}
        whole.write_text(json.dumps(known | who), _holder_file(workspace, cycle))
    else:
        _holder_file(workspace, cycle).unlink(missing_ok=True)


def holders(workspace: Path) -> dict[pd.Timestamp, dict]:
    """Notes of all cycles that are held, or were when their run was cut."""
    labels = sorted(path.stem for path in (workspace / LOCKS).glob("*.json"))
    return {cycle: holder(workspace, cycle) for cycle in map(months.parse_cycle, labels)}


def _failure_file(workspace: Path, cycle: pd.Timestamp) -> Path:
    return workspace / PROCESSED / ".failed" / f"{months.label(cycle)}.json"


def note_failure(workspace: Path, cycle: pd.Timestamp, said: dict) -> None:
    """Write what a cycle's last run failed at; with nothing said the note is taken away."""
    if said:
        whole.write_text(json.dumps(said, indent=1), _failure_file(workspace, cycle))
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
    """Write a table whole or not at all, in the place of an earlier one, with sums to check it."""
    with whole.replacing(path) as part:
        frame.to_parquet(part, index=False, row_group_size=_ROWS, write_page_checksum=True)
