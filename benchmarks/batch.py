"""The sample company's pack: `sopkit run`, an unchanged run, and the plain loop beside it.

The plain loop is what one would write without sopkit: for each of the six notebooks
`python -m papermill`, then `jupyter nbconvert --to html`. All are run on this machine, bytecode
compiled, one after another; rounds alternate, so that a slow minute hits both.

    .venv/bin/python benchmarks/batch.py [rounds]
"""

from __future__ import annotations

import compileall
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import sopkit
from sopkit.agenda import STEPS

ROOT = Path(__file__).resolve().parent.parent
CYCLE = "2026-01"
ENVIRONMENT = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
ENVIRONMENT |= {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def command(*words: object, cwd: Path = ROOT) -> float:
    """Seconds that a command of this Python takes."""
    begun = time.perf_counter()
    line = [sys.executable, "-m", *map(str, words)]
    subprocess.run(line, cwd=cwd, env=ENVIRONMENT, check=True, capture_output=True)
    return time.perf_counter() - begun


def plain_loop(workspace: Path, pages: Path) -> float:
    """Papermill, then nbconvert, six times."""
    seconds = 0.0
    for step in STEPS:
        notebook, done = ROOT / "notebooks" / f"{step.notebook}.ipynb", pages / step.notebook
        given = ["-p", "workspace", workspace, "-r", "cycle", CYCLE, "-k", "python3"]
        executed = done.with_suffix(".ipynb")
        seconds += command("papermill", notebook, executed, *given, "--cwd", ROOT / "notebooks")
        seconds += command("nbconvert", "--to", "html", executed)
    return seconds


def main(rounds: int) -> None:
    """Print seconds and ratios."""
    compileall.compile_dir(Path(sopkit.__file__).parent, quiet=1)
    runs, again, loops = [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as place:
            ours, theirs, pages = (Path(place) / name for name in ("ours", "theirs", "pages"))
            pages.mkdir()
            for workspace in (ours, theirs):
                command("sopkit", "init", workspace)
            loops.append(plain_loop(theirs, pages))
            runs.append(command("sopkit", "run", "--workspace", ours))
            again.append(command("sopkit", "run", "--workspace", ours))
            print(f"loop {loops[-1]:.1f} s, run {runs[-1]:.1f} s, again {again[-1]:.1f} s")
    print(f"\n| what ({rounds} rounds, median) | seconds | of the loop |\n|---|---|---|")
    for name, seconds in (("plain loop", loops), ("run", runs), ("unchanged run", again)):
        share = median(own / loop for own, loop in zip(seconds, loops, strict=True))
        print(f"| {name} | {median(seconds):.1f} | {share:.0%} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
