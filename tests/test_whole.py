"""Files whole or not at all, and what killed processes leave swept away."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sopkit import whole


@pytest.fixture
def dead() -> str:
    """The mark of a process of this machine that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return whole.mark().replace(f"-{os.getpid()}-", f"-{ended.pid}-")


def test_a_file_is_written_in_the_place_of_an_earlier_one_with_the_same_line_ends(tmp_path):
    path = tmp_path / "new" / "page.html"
    for text in ("first\n", "second\n"):
        whole.write_text(text, path)
        assert path.read_bytes() == text.encode()
    assert [*path.parent.iterdir()] == [path]


def test_what_fails_half_way_leaves_the_earlier_file_and_no_part(tmp_path):
    path = tmp_path / "table.csv"
    whole.write_text("whole", path)
    with pytest.raises(OSError, match="full"), whole.replacing(path) as part:
        part.write_text("ha")
        raise OSError("the disk is full")
    assert path.read_text() == "whole" and [*tmp_path.iterdir()] == [path]


def test_what_was_entered_once_stays(tmp_path):
    path = tmp_path / "said.csv"
    assert whole.write_once("yes", path) and not whole.write_once("no", path)
    assert path.read_text() == "yes" and [*tmp_path.iterdir()] == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="nobody can tell there")
def test_only_what_a_dead_process_of_this_machine_left_is_swept(tmp_path, dead):
    elsewhere = "00000000" + dead[8:]
    names = [f".a.csv.{mark}7.part" for mark in (dead, whole.mark(), elsewhere)]
    for name in (*names, ".a.csv.part"):
        (tmp_path / name).touch()
    whole.sweep([tmp_path])
    assert {path.name for path in tmp_path.iterdir()} == {*names[1:], ".a.csv.part"}
