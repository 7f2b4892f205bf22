"""What every benchmark needs: arguments, the data's place, a command measured, a table printed."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import pandas as pd

REPOSITORY = Path(__file__).resolve().parent.parent
_PAUSE_SECONDS = 0.1  # between two looks at a command's memory


class Cost(NamedTuple):
    """What a command took: wall-clock seconds, and peak memory of all its processes in MB."""

    seconds: float
    memory_mb: float


def arguments(description: str) -> argparse.Namespace:
    """Arguments of the command line, the same for every benchmark."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--peers",
        type=Path,
        default=REPOSITORY / ".venv-bench/bin/python",
        help="python that has statsforecast (default: .venv-bench/bin/python)",
    )
    parser.add_argument("--no-peers", action="store_true", help="measure sopkit alone")
    parser.add_argument("--cache", type=Path, help="folder that keeps the peers' forecasts")
    words = "processors to use, as taskset takes them (default: 0, one core)"
    parser.add_argument("--cores", default="0", help=words)
    options = parser.parse_args()
    if not options.no_peers and not options.peers.is_file():
        parser.error(
            f"{options.peers} is not there: the peers have an environment of their own. Make it "
            "with `make bench`, name its python with --peers, or leave them out with --no-peers."
        )
    return options


def data(name: str) -> Path:
    """A folder of the shared data: under ``$SOPKIT_SHARED``, else ``../shared``."""
    path = Path(os.environ.get("SOPKIT_SHARED", REPOSITORY.parent / "shared")) / "data" / name
    if not path.is_dir():
        sys.exit(f"{path} is not there. Set SOPKIT_SHARED to the folder that holds data/{name}.")
    return path


def measured(command: list[str], *, cores: str) -> Cost:
    """Run a command on these processors, one thread each; its output is shown if it fails."""
    pinned = ["taskset", "-c", cores] if shutil.which("taskset") else []
    threads = str(count(cores))
    limits = {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
    with tempfile.TemporaryFile("w+") as log:
        begun, peak = time.monotonic(), 0.0
        child = subprocess.Popen(pinned + command, env=os.environ | limits, stdout=log, stderr=log)
        while True:
            done, status, usage = os.wait4(child.pid, os.WNOHANG)
            if done:
                break
            peak = max(peak, _memory_mb(child.pid))
            time.sleep(_PAUSE_SECONDS)
        seconds = time.monotonic() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            log.seek(0)
            sys.exit(f"{' '.join(command)} failed with {child.returncode}:\n{log.read()[-4000:]}")
    # ru_maxrss is the largest single process, and counts this one's memory before the exec
    return Cost(seconds, peak or usage.ru_maxrss / 1024)


def count(cores: str) -> int:
    """How many processors ``0``, ``0,2`` or ``0-3`` are."""
    ends = [part.split("-") for part in cores.split(",")]
    return sum(int(end[-1]) - int(end[0]) + 1 for end in ends)


def _memory_mb(pid: int) -> float:
    """Peak resident memory so far of a process and all below it; 0 where there is no /proc."""
    process = Path("/proc") / str(pid)
    try:
        words = (process / "status").read_text().split()
        own = int(words[words.index("VmHWM:") + 1]) / 1024
        below = " ".join(path.read_text() for path in process.glob("task/*/children")).split()
    except (OSError, ValueError):  # it has ended meanwhile
        return 0.0
    return own + sum(_memory_mb(int(child)) for child in below)


def say(words: str) -> None:
    """Tell a person who waits what is being done; the tables alone go to standard output."""
    print(f"… {words}", file=sys.stderr, flush=True)


def show(title: str, table: pd.DataFrame, digits: dict[str, int]) -> None:
    """Print a table; a number that does not apply is a dash."""
    text = {
        name: [("–" if pd.isna(value) else f"{value:,.{digits[name]}f}") for value in column]
        if name in digits
        else column.astype(str)
        for name, column in table.items()
    }
    print(f"\n{title}\n{pd.DataFrame(text).to_string(index=False)}", flush=True)
