"""From a moved control to the picture in the browser: median and worst of 20, in milliseconds.

    python benchmarks/redraw.py [WORKSPACE CYCLE] [--only accuracy] [--chromium /usr/bin/chromium]

Starts JupyterLab on a folder of its own, opens the explorers of accuracy, overrides and scenarios
on a workspace that has been run (left out: the sample company, made and run first), and moves their
controls as a person would. Needs a Chromium.
"""

from __future__ import annotations

import argparse
import contextlib
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

import pandas as pd
from playwright.sync_api import Error, Page, sync_playwright

_NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
_PATIENCE = 900_000  # ms: a back-test of thousands of series takes its time
_MOVES = 20
_PAUSE = 1500  # ms
_SEEN = """const seen = (one) => one.offsetParent !== null
  const all = (what) => [...document.querySelectorAll('.sopkit ' + what)].filter(seen)
  const shown = () => all('.chart img')[0]
"""
_MOVED = (
    """([move, word, place]) => new Promise((done, failed) => {
  """
    + _SEEN
    + """
  const before = shown()?.src, start = performance.now()
  const tell = (one, kind) => one.dispatchEvent(new Event(kind, {bubbles: true}))
  if (move === 'list') {
    const label = all('label').find((one) => one.textContent.trim() === word)
    const list = label.parentElement.querySelector('select')
    list.selectedIndex = place % list.options.length
    tell(list, 'change')
  } else if (move === 'cell') {
    const cells = all('.cell input').filter((one) => !one.disabled && one.value > 0)
    const cell = cells[place % cells.length]
    cell.value = Math.round(cell.value * 1.1) + 1
    tell(cell, 'input')
    tell(cell, 'change')
  } else {
    const sliders = all('.column .widget-hslider:not(.months) .noUi-handle')
    const slider = sliders[place % sliders.length]
    const key = {key: 'ArrowRight', code: 'ArrowRight', keyCode: 39, bubbles: true}
    slider.dispatchEvent(new KeyboardEvent('keydown', key))
  }
  const look = () => {
    const now = shown()
    if (now && now.src !== before && now.complete) done(performance.now() - start)
    else if (performance.now() - start > 20000) failed(`${move} ${word} ${place}: nothing drawn`)
    else requestAnimationFrame(look)
  }
  requestAnimationFrame(look)
})"""
)
_PLANS = {  # explorer: its moves
    "accuracy": [("list", "Group", k) for k in range(1, 9)]
    + [("list", "Model", k) for k in range(1, 9)]
    + [("list", "Ahead", k) for k in range(3, 7)],
    "overrides": [("cell", "", k) for k in range(_MOVES)],
    "scenarios": [("slider", "", k) for k in range(_MOVES)],
}


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


def moves(page: Page, plan: list[tuple]) -> list[float]:
    """Milliseconds of each move until its picture is there; a move that draws nothing is told."""
    took = []
    for move in plan:
        try:
            took.append(page.evaluate(_MOVED, list(move)))
        except Error as error:
            print(error.message.splitlines()[0], flush=True)
        page.wait_for_timeout(_PAUSE)  # tables come after the picture
        if move[0] == "cell":  # one change at a time, as a person tries them
            page.get_by_role("button", name="Discard all").click()
            page.wait_for_timeout(_PAUSE)
    return took


def measured(page: Page, address: str, folder: Path, name: str, where: dict) -> dict[str, object]:
    """A row of the table: one explorer opened, and its controls moved."""
    notebook = f"explore_{name}.ipynb"
    placed(notebook, folder, **where)
    opened(page, address, notebook)
    start = time.perf_counter()
    page.wait_for_selector(".sopkit .chart img", timeout=_PATIENCE)
    seconds = time.perf_counter() - start
    page.wait_for_timeout(3000)
    took = moves(page, _PLANS[name])
    print(f"{name}, ms: " + " ".join(f"{one:.0f}" for one in took), flush=True)
    row = {"explorer": name, "opened s": round(seconds, 1), "moves": len(took)}
    row |= {"median ms": round(statistics.median(took)), "worst ms": round(max(took))}
    return row | {"load": round(os.getloadavg()[0], 1)}


def sample(folder: Path) -> tuple[Path, str]:
    """The sample company, run."""
    for words in (["init", str(folder)], ["run", "--workspace", str(folder)]):
        subprocess.run([sys.executable, "-m", "sopkit", *words], check=True, stdout=sys.stderr)
    return folder, max(path.name for path in (folder / "reports").iterdir() if path.is_dir())


def main() -> None:
    """What stands in the heading, printed."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("workspace", type=Path, nargs="?")
    asked.add_argument("cycle", nargs="?")
    asked.add_argument("--only", choices=list(_PLANS), action="append")
    asked.add_argument("--chromium", default="/usr/bin/chromium")
    asked.add_argument("--port", type=int, default=8970)
    asked.add_argument("--pictures", type=Path, help="folder for the screens as they are at last")
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as open_:
        folder, workspace, cycle = Path(name), given.workspace, given.cycle
        if workspace is None:
            workspace, cycle = sample(folder / "sample")
        where = {"workspace": str(workspace.resolve()), "cycle": cycle}
        address = open_.enter_context(lab(folder, given.port))
        player = open_.enter_context(sync_playwright())
        browser = player.chromium.launch(
            executable_path=given.chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        rows = []
        for explorer in given.only or _PLANS:
            page = browser.new_page(viewport={"width": 1440, "height": 1200})
            rows.append(measured(page, address, folder, explorer, where))
            if given.pictures:
                page.screenshot(path=given.pictures / f"{explorer}.png")
            page.close()
        print(pd.DataFrame(rows).to_string(index=False))
        browser.close()


if __name__ == "__main__":
    main()
