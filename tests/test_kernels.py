"""Kernels: each by itself, in its folder and environment, gone with whoever started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from jupyter_client.utils import run_sync

from sopkit import kernels

IS_LINUX = sys.platform == "linux"
_HELD = """\
import sys, time
from pathlib import Path
from sopkit import kernels
manager = kernels.start(Path(sys.argv[1]))
print(manager.provisioner.pid, flush=True)
time.sleep(600)
"""


def said(manager, code: str) -> str:
    """What a kernel prints."""
    client, lines = manager.client(), []
    client.start_channels()
    run_sync(client.wait_for_ready)(timeout=60)
    run_sync(client.execute_interactive)(
        code, output_hook=lambda message: lines.append(message["content"].get("text", ""))
    )
    client.stop_channels()
    return "".join(lines).strip()


@pytest.fixture
def started(tmp_path):
    """``started()``: a kernel in the test's own folder, ended afterwards."""
    made = []

    def start():
        made.append(kernels.start(tmp_path))
        return made[-1]

    yield start
    for manager in made:
        kernels.stop(manager)


def test_a_kernel_works_in_its_folder_with_the_environment_of_now(started, tmp_path, monkeypatch):
    said(started(), "1")  # the process that is copied runs by now
    monkeypatch.setenv("SOPKIT_TEST", "of now")
    code = "import os; print(os.getcwd(), os.environ['SOPKIT_TEST'], os.environ['MPLBACKEND'])"
    assert said(started(), code) == f"{tmp_path} of now agg"


def test_kernels_share_nothing(started):
    first, second = started(), started()
    said(first, "import sopkit.months; sopkit.months.spoiled = True; mine = 1")
    code = "import sopkit.months; print(hasattr(sopkit.months, 'spoiled'), 'mine' in dir())"
    assert said(second, code) == "False False"


def test_a_kernel_that_was_killed_is_known_to_be_dead(started):
    manager = started()
    said(manager, "1")
    assert run_sync(manager.is_alive)()
    os.kill(manager.provisioner.pid, signal.SIGKILL)
    for _ in range(100):
        if not run_sync(manager.is_alive)():
            return
        time.sleep(0.05)
    raise AssertionError("nobody noticed")


@pytest.mark.skipif(not IS_LINUX, reason="kernels are copied on Linux alone")
def test_a_kernel_finds_the_package_imported_already(started):
    code = "import sys; print('sopkit.charts.supply' in sys.modules, 'papermill' in sys.modules)"
    assert said(started(), code) == "True False"


@pytest.mark.skipif(not IS_LINUX, reason="kernels are copied on Linux alone")
def test_where_copying_fails_python_starts_anew(started, monkeypatch):
    kernels.forget()
    monkeypatch.setattr(kernels, "_READY", ["sopkit.no_such_module"])
    assert said(started(), "import sys; print('sopkit' in sys.modules)") == "False"
    kernels.forget()


@pytest.mark.skipif(not IS_LINUX, reason="kernels are copied on Linux alone")
def test_kernels_end_with_whoever_started_them(tmp_path):
    command = [sys.executable, "-c", _HELD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        kernel = Path("/proc") / holder.stdout.readline().strip()
        assert kernel.exists()
        holder.kill()
    for _ in range(200):
        if not kernel.exists():
            return
        time.sleep(0.05)
    raise AssertionError("the kernel lives on")


def test_kills_for_want_of_memory_are_counted_in_our_group_else_on_the_machine(
    tmp_path, monkeypatch
):
    own, machine = tmp_path / "cgroup", tmp_path / "vmstat"
    own.write_text("0::/box\n")
    machine.write_text("nr_free_pages 7\noom_kill 5\n")
    for name, path in (("_OWN_GROUP", own), ("_GROUPS", tmp_path), ("_MACHINE", machine)):
        monkeypatch.setattr(kernels, name, path)
    assert kernels.memory_kills() == 5
    (tmp_path / "box").mkdir()
    (tmp_path / "box/memory.events").write_text("low 0\noom 3\noom_kill 2\n")
    assert kernels.memory_kills() == 2
    machine.unlink()
    own.unlink()
    assert kernels.memory_kills() is None
    assert "as Linux does where memory runs out" in kernels._manner(-9, kills=(None, None))
    assert "not by Linux" in kernels._manner(-9, kills=(2, 2))
