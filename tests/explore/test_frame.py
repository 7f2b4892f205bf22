"""What explorers share: controls, layout, links to pages, downloads, work that can be stopped."""

from __future__ import annotations

import base64
import re
import threading
from pathlib import Path

import ipywidgets as widgets
import pandas as pd
import pytest

from sopkit import exhibits, months
from sopkit.explore import frame
from sopkit.explore.work import Work

CYCLE = pd.Timestamp("2026-01-01")
HEADING = "What does history say, and where does the plan go?"


@pytest.fixture
def workspace(tmp_path) -> Path:
    """A workspace with page 03 alone."""
    page = tmp_path / "my ws/reports/2026-01/03_demand_review.html"
    page.parent.mkdir(parents=True)
    page.write_text("<h2>…</h2>")
    return tmp_path / "my ws"


# controls


def test_every_control_has_a_name_and_a_tip():
    for control in (
        frame.choice("Level", ["a", "b"], "b"),
        frame.names("Group", ["a"]),
        frame.span("Months", list(months.span(CYCLE, 3))),
        frame.button("Keep"),
    ):
        parts = getattr(control, "children", (control,))
        assert all(part.description and part.tooltip for part in parts)


def test_a_control_in_focus_keeps_its_keys_from_jupyterlab():
    mark = "target.setAttribute('data-lm-suppress-shortcuts', '')"
    for made in (frame.box(), frame.missing(months.UsageError("nothing"))):
        assert mark in made.children[0].value


def test_a_long_list_is_searched_and_keeps_what_is_chosen():
    found = frame.names("Group", [(f"Name {k}", k) for k in range(1000)])
    find, listed = found.children
    assert len(listed.options) == 300 and found.value is None
    find.value = "name 99"
    assert [value for _, value in listed.options] == [99, *range(990, 1000)]
    seen = []
    found.observe(lambda change: seen.append(change["new"]), "value")
    listed.value = 995
    find.value = "name 1"
    assert found.value == 995 and seen == [995] and found.label == "Name 995"
    find.value = "995"
    assert listed.value == 995
    found.value = 99
    assert seen == [995, 99]


def test_a_short_list_needs_no_search():
    find, _ = frame.names("Group", ["a", "b"]).children
    assert find.layout.display == "none"


# what is shown


def test_the_picture_is_shown_before_tables_are_made(workspace):
    view, seen = frame.View(workspace, CYCLE), []

    def tables():
        seen.append(view.picture.value)
        yield exhibits.note("a table")

    view.show(
        "Too <high>", exhibits.Exhibit("<img>"), tables(), data={"x": pd.DataFrame({"a": [1]})}
    )
    assert seen == ["<img>"] and "a table" in view.tables.value
    assert "Too &lt;high&gt;" in view.sentence.value and 'aria-live="polite"' in view.sentence.value
    assert 'download="x.csv"' in view.links.value


def test_a_page_is_linked_where_jupyter_serves_it(workspace, monkeypatch):
    monkeypatch.setattr(frame, "_server", lambda _parent: ("/base/", workspace.parent))
    link = frame.page_link(workspace, CYCLE, "demand_review", HEADING)
    address = "/base/files/my%20ws/reports/2026-01/03_demand_review.html"
    assert f'href="{address}#what-does-history-say' in link and HEADING in link


def test_elsewhere_the_path_stands_as_text_and_a_page_not_made_names_the_command(
    workspace, monkeypatch, tmp_path
):
    link = frame.page_link(workspace, CYCLE, "demand_review", HEADING)
    assert "<a" not in link and "03_demand_review.html, What does" in link
    monkeypatch.setattr(frame, "_server", lambda _parent: ("/", tmp_path / "elsewhere"))
    assert "<a" not in frame.page_link(workspace, CYCLE, "demand_review", HEADING)
    link = frame.page_link(workspace, CYCLE, "supply_review", HEADING)
    assert "is not made yet" in link and "sopkit run --cycle 2026-01" in link


def test_a_download_is_neutralised_and_keeps_numbers():
    table = pd.DataFrame({"=word": ["=1+1", "Zelt", "-5"], "x": [-1.5, 2.0, 3.0]})
    markup = frame.download("a<b", table)
    assert 'download="a&lt;b.csv"' in markup
    code = re.search('base64,([^"]+)', markup)[1]
    text = base64.b64decode(code).decode("utf-8")
    assert text.splitlines() == ["\ufeff'=word,x", "'=1+1,-1.5", "Zelt,2.0", "-5,3.0"]


# long work


@pytest.fixture
def place() -> widgets.VBox:
    return widgets.VBox()


def words(place: widgets.VBox) -> str:
    return "".join(getattr(part, "value", "") for part in place.children if hasattr(part, "value"))


def test_work_shows_how_far_it_is_and_hands_on_its_result(place):
    work, half, go_on, done = Work(place), threading.Event(), threading.Event(), []

    def job(tick):
        tick(0.5, "Halfway")
        half.set()
        go_on.wait(10)
        return 42

    work.start(job, done.append)
    assert half.wait(10)
    bar, stop = place.children[0].children
    assert bar.value == 0.5 and stop.description == "Stop" and "Halfway" in words(place)
    go_on.set()
    work.wait()
    assert done == [42] and not place.children


def test_stop_gives_up_and_a_part_that_goes_on_changes_nothing(place):
    work, begun, go_on, done = Work(place), threading.Event(), threading.Event(), []

    def job(tick):
        begun.set()
        go_on.wait(10)  # cannot be interrupted
        return 42

    work.start(job, done.append)
    assert begun.wait(10)
    place.children[0].children[1].click()
    assert "Stopped" in words(place) and len(place.children) == 1
    go_on.set()
    work.wait()
    assert not done and "Stopped" in words(place)
    work.start(lambda tick: 7, done.append)  # it can be used again
    work.wait()
    assert done == [7]


def test_a_new_start_gives_up_the_one_before(place):
    work, go_on, done = Work(place), threading.Event(), []
    work.start(lambda tick: go_on.wait(10) and "old", done.append)
    first = work._thread
    work.start(lambda tick: "new", done.append)
    work.wait()
    go_on.set()
    first.join(10)
    assert done == ["new"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (months.UsageError("run first: sopkit run"), "run first: sopkit run"),
        (KeyError("column"), "The work failed: KeyError: "),
    ],
)
def test_an_error_is_said_in_words(place, error, said):
    def job(_tick):
        raise error

    work = Work(place)
    work.start(job, lambda _result: None)
    work.wait()
    assert said in words(place)


def test_what_is_missing_is_said_with_the_command():
    box = frame.missing(months.UsageError("not run: sopkit run --cycle 2026-01"))
    assert "sopkit run --cycle 2026-01" in box.children[0].value
