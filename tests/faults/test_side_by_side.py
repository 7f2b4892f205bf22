"""Two steps under way at once: a page is drawn while the next step computes, and may fail then."""

from __future__ import annotations

import json
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="copies of processes: Linux alone")
_WAIT = """\
import pathlib, time
for _ in range(200):
    if pathlib.Path({flag!r}).exists():
        break
    time.sleep(0.1)
else:
    raise TimeoutError("the next step did not begin")
"""
_RAISE = "raise ValueError('no page')\n"


def _change(root, name: str, place: int, before: str) -> None:
    """Put code before that of a notebook's code cell: 1 makes the tables, 2 the page."""
    path = root / "notebooks" / f"{name}.ipynb"
    notebook = json.loads(path.read_text())
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    cells[place]["source"] = before + cells[place]["source"]
    path.write_text(json.dumps(notebook))


@pytest.fixture
def waiting(company):
    """A workspace whose first page waits until the second step has begun."""
    root = company.new()
    flag = str(root / "begun")
    _change(root, "01_data_review", 2, _WAIT.format(flag=flag))
    _change(root, "03_demand_review", 1, f"open({flag!r}, 'w').close()\n")
    return root


def test_a_page_is_drawn_while_the_next_step_computes(waiting, company, tools):
    assert company.run(waiting)["code"] == 0
    assert (waiting / "begun").exists()
    assert company.run(waiting)["said"].count("unchanged, kept: data_review, demand_review") == 1
    tools.nothing_left(waiting, company.base)


def test_a_page_that_fails_stops_the_step_that_has_begun_behind_it(waiting, company):
    _change(waiting, "01_data_review", 2, _WAIT.format(flag=str(waiting / "begun")) + _RAISE)
    late = str(waiting / "late")
    wait = f"import time\ntime.sleep(60)\nopen({late!r}, 'w').close()\n"
    _change(waiting, "03_demand_review", 2, wait)
    done = company.run(waiting)
    assert done["code"] == 1 and "step data_review failed: ValueError: no page" in done["said"]
    assert not (waiting / "late").exists() and not (waiting / "reports/2026-01/index.html").exists()
    page = (waiting / "reports/2026-01/failed.html").read_text()
    assert "<b>data_review</b> stopped at cell 4" in page  # papermill adds one
