"""Kills, full disks, folders that may not be written, files that go or are spoilt, two at once.

Each ends in success, or in words that name file and remedy; the last pack stays, the next run ends
as if undisturbed. Thirty instants of a kill are drawn with the seed of SOPKIT_FAULT_SEED;
SOPKIT_FAULTS=all takes every one.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager

import pandas as pd
import pytest

from sopkit import publication, store
from sopkit.contract import ContractError
from sopkit.sources import SourceError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="copies of processes: Linux alone")
CYCLE = pd.Timestamp("2026-01-01")
PLAN = "data/processed/2026-01/demand_plan.parquet"
SEED = int(os.environ.get("SOPKIT_FAULT_SEED", "20260113"))
IS_ALL = os.environ.get("SOPKIT_FAULTS") == "all"
KILLS = {"publishing": 24, "the last step": 4, "every step": 1, "the first run": 1}


@pytest.fixture(params=KILLS)
def disturbed(request, company, published, tools):
    """What is run: workspace to begin with, its state, the state in the end, points on the way."""
    if request.param == "the first run":
        root = company.new()
    else:
        root = company.new(published)
        tools.act(root)
        if request.param == "every step":
            tools.sell(root, 1)
    before = tools.state(root)
    if request.param == "publishing":  # all steps are done, the first rename is still to come
        assert company.run(root, fault="kill", onto="run.json.new")["code"] == -signal.SIGKILL
    whole = company.new(root)
    points = company.run(whole)["points"]
    return request.param, root, [before, tools.state(whole)], points


def test_a_run_killed_at_any_instant_leaves_a_whole_pack(disturbed, company, tools, fault, capsys):
    what, start, states, points = disturbed
    assert states[0] != states[1] and points > 50
    drawn = random.Random(f"{SEED} {what}")
    chosen = range(1, points + 1) if IS_ALL else drawn.sample(range(1, points + 1), KILLS[what])
    with capsys.disabled():
        sys.stdout.write(f"\n{what}: seed {SEED}, {len(chosen)} of {points} points\n")
    for point in sorted(chosen):
        with fault(f"killed in {what}"):
            root = company.new(start)
            done = company.run(root, fault="kill", at=point)
            assert done["code"] in (-signal.SIGKILL, 0), (point, done)
            tools.look(root, states)
            assert company.run(root)["code"] == 0, point
            tools.look(root, states[1:])
            tools.nothing_left(root, company.base)
            index = (root / "reports/index.html").read_text(encoding="utf-8")
            assert 'href="2026-01/index.html"' in index, point


@pytest.fixture
def changed(company, published, tools):
    """A workspace that has been run and has an action since; its state before and after a run."""
    root = company.new(published)
    tools.act(root)
    whole = company.new(root)
    assert company.run(whole)["code"] == 0
    return root, [tools.state(root), tools.state(whole)]


@contextmanager
def mounted(root, *options: str):
    """A workspace with a file system of its own; False where nobody may mount one."""
    kept = root.with_name(root.name + "-kept")
    root.rename(kept)
    root.mkdir()
    plain = ["mount", *options[1:], options[0].format(kept=kept), str(root)]
    is_there = os.geteuid() == 0 and subprocess.run(plain, capture_output=True).returncode == 0
    try:
        if is_there:
            yield kept
        else:
            root.rmdir()
            kept.rename(root)
            yield None
    finally:
        if is_there:
            subprocess.run(["umount", str(root)], check=True)


def test_a_full_disk_is_said_and_leaves_the_last_pack(changed, company, tools, fault):
    root, states = changed
    with fault("disk full"), mounted(root, "tmpfs", "-t", "tmpfs", "-o", "size=2m") as kept:
        if kept is None:  # then no file may be longer than a few bytes
            done = company.run(root, most=300)
        else:
            shutil.copytree(kept, root, dirs_exist_ok=True)
            free = shutil.disk_usage(root).free - 40_000
            (root / "ballast").write_bytes(bytes(free))
            done = company.run(root)
            (root / "ballast").unlink()
        assert done["code"] == 1, done
        assert "No space left" in done["said"] or "File too large" in done["said"], done["said"]
        tools.look(root, states)
        assert company.run(root)["code"] == 0
        tools.look(root, states[1:])
        tools.nothing_left(root, company.base)


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_disk_that_is_full_from_an_instant_on_is_said(changed, share, company, tools, fault):
    root, states = changed
    with fault("disk full"):
        done = company.run(root, fault="full", at=int(150 * share))
        assert done["code"] == 1 and "No space left" in done["said"], done
        tools.look(root, states)
        assert company.run(root)["code"] == 0
        tools.look(root, states[1:])
        tools.nothing_left(root, company.base)


def test_a_folder_that_may_not_be_written_is_said(changed, company, tools, fault):
    root, states = changed
    with fault("folder not writable"), mounted(root, "{kept}", "--bind", "-o", "ro") as kept:
        own = {} if kept is not None or os.geteuid() else {"user": 65534}
        if kept is None:
            (root / "data/processed").chmod(0o555)
        done = company.run(root, **own)
        if kept is None:
            (root / "data/processed").chmod(0o755)
        assert done["code"] == 1 and str(root) in done["said"], done
        assert "Check the path, its rights" in done["said"]
    root = root if kept is None else kept
    tools.look(root, states)


def test_an_input_that_goes_while_a_run_is_on_is_said(changed, company, tools, fault):
    root, states = changed
    path = root / "data/raw/sales.csv"
    text = path.read_text()
    with fault("input removed"):
        done = company.run(root, fault="remove", at=90, file=str(path))
        assert done["code"] == 1 and "data/raw holds no sales" in done["said"], done
        tools.look(root, states)
        path.write_text(text)
        assert company.run(root)["code"] == 0
        tools.look(root, states[1:])


def test_a_spoilt_table_is_said_with_file_and_remedy(published, company, fault):
    root = company.new(published)
    path, whole = root / PLAN, store.read(root, "demand_plan", CYCLE)
    content, drawn = path.read_bytes(), random.Random(7)
    flips = [drawn.randrange(8 * len(content)) for _ in range(60)]
    spoilt = [b"", content[:100], content[:-9], *(_flipped(content, bit) for bit in flips)]
    said = 0
    for bytes_ in spoilt:
        with fault("table spoilt"):
            path.write_bytes(bytes_)
            try:
                assert store.read(root, "demand_plan", CYCLE).equals(whole)  # it was of no account
            except ContractError:
                said += 1
            except SourceError as error:
                said += 1
                assert "table demand_plan of cycle 2026-01 is spoilt" in str(error)
                assert str(path) in str(error)
                assert "sopkit run --cycle 2026-01 --from demand_review" in str(error)
    assert said > len(spoilt) / 2


def _flipped(content: bytes, bit: int) -> bytes:
    place = bytes([content[bit // 8] ^ 1 << bit % 8])
    return content[: bit // 8] + place + content[bit // 8 + 1 :]


def test_what_is_spoilt_is_made_anew_by_the_next_run(published, company, tools, fault):
    root, before = company.new(published), tools.state(published)
    with fault("table spoilt"):
        (root / PLAN).write_bytes((root / PLAN).read_bytes()[:100])
        (root / "data/processed/2026-01/demand_history.parquet").write_bytes(b"")
        for kept in (root / "data/processed/.cache").glob("sales-*"):
            kept.write_bytes(b"\x00")
        assert company.run(root)["code"] == 0
        assert tools.state(root) == before
    with fault("record spoilt"):
        (root / "data/processed/2026-01/run.json").write_text('{"steps": {"data_')
        assert company.run(root)["code"] == 0
        assert tools.state(root) == before


def test_of_two_runs_at_once_one_wins(changed, company, tools, fault):
    root, states = changed
    with fault("two runs at once"):
        words = {"words": ["run", "--workspace", str(root)], "workspace": str(root)}
        second = words | {"is_second": True}
        done = company.run(root, fault="wait", at=90, meanwhile=second)
        assert done["code"] == 0 and done["second"]["code"] == 3, done
        assert "cycle 2026-01 is being run by" in done["second"]["said"]
        tools.look(root, states[1:])
        tools.nothing_left(root, company.base)


def test_of_two_cycles_at_once_none_loses_its_line(changed, company, tools, fault):
    root, _ = changed
    with fault("two cycles at once"):
        words = ["run", "--workspace", str(root), "--cycle", "2025-12"]
        second = {"words": words, "workspace": str(root), "is_second": True}
        done = company.run(root, fault="wait", at=100, meanwhile=second)
        assert (done["code"], done["second"]["code"]) == (0, 0), done
        index = (root / "reports/index.html").read_text()
        assert all(f'href="{label}/index.html"' in index for label in ("2025-12", "2026-01"))
        tools.nothing_left(root, company.base)


def test_a_clock_that_was_moved_back_decides_nothing(changed, company, tools, fault):
    root, states = changed
    record = publication.run_record(publication.folder(root, CYCLE))
    for done in record["steps"].values():
        done["finished_at"] = "2199-01-01T00:00:00+00:00"
    publication.write_record(publication.folder(root, CYCLE), record)
    who = {"process": 1, "host": "gone", "user": "ada", "since": "2199-01-01 00:00+00:00"}
    publication.note_holder(root, CYCLE, who)
    for path in [*root.rglob("*")]:
        os.utime(path, (7e9, 7e9))
    with fault("clock moved back"):
        assert company.run(root)["code"] == 0
        tools.look(root, states[1:])
        assert "unchanged, kept: data_review" in company.run(root)["said"]


@pytest.mark.parametrize("note", ["{", '{"process": 1}', "\x00\xff"])
def test_a_spoilt_note_of_a_dead_run_stops_nobody(published, note, company, fault):
    root = company.new(published)
    path = publication.lock_file(root, CYCLE).with_suffix(".json")
    with fault("lock note spoilt"):
        path.write_bytes(note.encode("latin-1"))
        assert publication.holder(root, CYCLE).get("process", 1) == 1
        assert company.run(root)["code"] == 0
        assert not path.exists()
    assert json.loads((publication.folder(root, CYCLE) / "run.json").read_text())["steps"]
