"""From a moved widget to the picture in the browser: median and worst of 20, in milliseconds.

    python benchmarks/redraw.py WORKSPACE [CYCLE] [--chromium /usr/bin/chromium] [--port 8970]

Starts JupyterLab on a folder of its own, opens the accuracy explorer on a workspace that has been
run, and moves its lists as a person would. Needs Playwright and a Chromium.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from sopkit import months, store

_NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
_PATIENCE = 900_000  # ms: a back-test of thousands of series takes its time
_MOVES = 20
_MOVED = """([word, place]) => new Promise((done, failed) => {
  const seen = (one) => one.offsetParent !== null
  const named = (one) => one.textContent.trim() === word && seen(one)
  const label = [...document.querySelectorAll('.sopkit label')].find(named)
  const list = label.parentElement.querySelector('select')
  const picture = () => [...document.querySelectorAll('.sopkit .chart img')].find(seen)
  const before = picture()?.src
  const start = performance.now()
  list.selectedIndex = place % list.options.length
  list.dispatchEvent(new Event('change', {bubbles: true}))
  const look = () => {
    const now = picture()
    if (now && now.src !== before && now.complete) done(performance.now() - start)
    else if (performance.now() - start > 20000) failed(`${word} ${place}: nothing was drawn`)
    else requestAnimationFrame(look)
  }
  requestAnimationFrame(look)
})"""


@contextlib.contextmanager
def lab(folder: Path, port: int) -> Iterator[str]:
    """A JupyterLab on a folder; its address with the token."""
    own = {f"JUPYTER_{name}": str(folder / f".{name}") for name in ("CONFIG_DIR", "DATA_DIR")}
    own["PYTHONPATH"] = str(_NOTEBOOKS.parent)  # the package beside this script
    command = f"-m jupyter lab --no-browser --allow-root --port={port} --ServerApp.token=x"
    server = subprocess.Popen(
        [sys.executable, *command.split(), "--ip=127.0.0.1", f"--notebook-dir={folder}"],
        env=os.environ | own,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(120):
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{address}/api?token=x")
                break
            time.sleep(0.5)
        yield address
    finally:
        server.terminate()
        server.wait()


def placed(notebook: str, folder: Path, **parameters: str) -> None:
    """A notebook in the folder, with other parameters."""
    made = json.loads((_NOTEBOOKS / notebook).read_text(encoding="utf-8"))
    cell = next(c for c in made["cells"] if "parameters" in c["metadata"].get("tags", []))
    cell["source"] = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
    (folder / notebook).write_text(json.dumps(made), encoding="utf-8")


def opened(page: Page, address: str, notebook: str) -> None:
    """The notebook opened and run from top to bottom."""
    page.goto(f"{address}/lab/tree/{notebook}?token=x&reset")
    page.get_by_text("| Idle").wait_for(timeout=120_000)  # else it asks for a kernel
    page.wait_for_timeout(2000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_timeout(2000)
    if (asked := page.locator(".jp-Dialog button.jp-mod-accept")).count():
        asked.click()


def moves(page: Page) -> list[float]:
    """Milliseconds of each move of a list until its picture is there."""
    groups, models, ahead = "Group", "Model", "Ahead"
    plan = [(groups, k) for k in range(1, 9)] + [(models, k) for k in range(1, 9)]
    plan += [(ahead, k) for k in itertools.islice(itertools.count(3), _MOVES - len(plan))]
    took = []
    for move in plan:
        took.append(page.evaluate(_MOVED, list(move)))
        page.wait_for_timeout(1500)  # tables come after the picture
    return took


def main() -> None:
    """What stands in the heading, printed."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("workspace", type=Path)
    asked.add_argument("cycle", nargs="?", help="YYYY-MM (default: after the last month of sales)")
    asked.add_argument("--chromium", default="/usr/bin/chromium")
    asked.add_argument("--port", type=int, default=8970)
    asked.add_argument("--picture", help="where to keep a picture of the screen afterwards")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as open_:
        folder = Path(name)
        cycle = given.cycle or months.label(store.default_cycle(given.workspace))
        where = {"workspace": str(given.workspace.resolve()), "cycle": cycle}
        placed("explore_accuracy.ipynb", folder, **where)
        address = open_.enter_context(lab(folder, given.port))
        player = open_.enter_context(sync_playwright())
        browser = player.chromium.launch(
            executable_path=given.chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1440, "height": 1200})
        opened(page, address, "explore_accuracy.ipynb")
        start = time.perf_counter()
        page.wait_for_selector(".sopkit .chart img", timeout=_PATIENCE)
        print(f"accuracy: opened in {time.perf_counter() - start:.1f} s", flush=True)
        took = moves(page)
        print("moves, ms: " + " ".join(f"{one:.0f}" for one in took))
        print(f"median {statistics.median(took):.0f} ms, worst {max(took):.0f} ms of {len(took)}")
        if given.picture:
            page.screenshot(path=given.picture)
        browser.close()


if __name__ == "__main__":
    main()
