"""A page in use: rows are filtered, found, sorted and shown by mouse and by keyboard."""

from __future__ import annotations

from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

from sopkit import agenda, exhibits, grids
from sopkit.pages import pack
from sopkit.reconciliation import grid as sop

STEP = agenda.step("demand_review")
# room between the figure of each cell and the cell's left edge, by which its neighbour ends
FIGURES_APART = """grid => [...grid.querySelectorAll("td")].filter(cell => cell.textContent).map(
  cell => {
    const text = document.createRange()
    text.selectNodeContents(cell)
    const drawn = text.getBoundingClientRect(), own = cell.getBoundingClientRect()
    return own.width - drawn.width
  })"""
IMPRINT = pack.Imprint("North & Sons", pd.Timestamp("2026-01-01"), "0.1")


def _shown() -> list[exhibits.Exhibit]:
    """Forty items of two families, months that belong together, a table without family, a grid."""
    items = pd.DataFrame({
        "item": ["Écharpe", *(f"Item {place}" for place in range(2, 41))],
        "family": ["Scarves"] * 10 + ["Tents"] * 30, "location": ["North", "South"] * 20,
        "quantity": [np.nan, -3.0, 1200.0, 20.0, *range(36)],
    })  # fmt: skip
    pairs = pd.DataFrame({"goal": ["Grow", "Grow", "Serve"], "year": ["one", "two", "three"]})
    words = {"goal": "Goal", "year": "Year"}
    months = pd.DatetimeIndex(["2026-01-01", "2026-02-01", "2027-12-01"])
    amounts = {"Company": -1_234_567.0, "Scarves": 88_888.0, "Tents": 5.0}
    rows = [(name, "Sales", sop.NOW, month, amounts[name]) for month in months for name in amounts]
    grid = pd.DataFrame(rows, columns=sop.COLUMNS[:5]).assign(is_last_plan=False)
    heads, kinds = {"item": "Item", "quantity": "Units"}, {"quantity": "quantity"}
    return [
        exhibits.table(items, caption="Items", columns=heads, kinds=kinds, source="items"),
        exhibits.table(pairs, caption="Goals", columns=words, kinds={}, once=("goal",)),
        grids.grid(grid, currency="EUR", cycle=IMPRINT.cycle),
        exhibits.table(items.tail(5), caption="Deep", columns=heads, kinds=kinds),
    ]


@pytest.fixture(scope="module")
def page(needs, tmp_path_factory):
    """The page in a browser, without a network."""
    chromium, folder = needs("chromium"), tmp_path_factory.mktemp("page")
    playwright = pytest.importorskip("playwright.sync_api")
    notebook = nbformat.v4.new_notebook()
    for exhibit in _shown():
        cell = nbformat.v4.new_code_cell("")
        data = exhibit._repr_mimebundle_()
        cell.outputs = [nbformat.v4.new_output("display_data", data=data)]
        notebook.cells.append(cell)
    notebook.cells[-1].metadata.tags = ["deeper"]
    executed = folder / "executed.ipynb"
    nbformat.write(notebook, executed)
    written = pack.write_page(executed, folder, STEP, IMPRINT)
    with playwright.sync_playwright() as started:
        flags = ["--no-sandbox", "--disable-gpu"]
        browser = started.chromium.launch(executable_path=str(chromium), args=flags)
        opened = browser.new_context(offline=True).new_page()
        opened.address = Path(written).as_uri()
        yield opened
        browser.close()


@pytest.fixture
def items(page):
    """The table of items on the page as it was opened."""
    page.goto(page.address)
    return page.locator("figure.table").first


def _names(table) -> list[str]:
    return table.locator("tbody tr:visible th").all_inner_texts()


def test_all_rows_are_shown_when_asked_for_and_the_first_ones_again(items):
    assert len(_names(items)) == 15
    button = items.get_by_role("button", name="Show all 40 rows")
    button.focus()
    items.page.keyboard.press("Enter")
    assert len(_names(items)) == 40
    items.get_by_role("button", name="Show the first 15").click()
    assert len(_names(items)) == 15


def test_a_head_sorts_by_value_up_down_and_back_with_missing_ones_last(items):
    before, head = _names(items), items.locator("th", has_text="Units")
    items.get_by_role("button", name="Show all 40 rows").click()
    head.get_by_role("button").focus()
    items.page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    names = _names(items)
    assert names[0] == "Item 2" and names[-2:] == ["Item 3", "Écharpe"]
    items.page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert _names(items)[0] == "Item 3" and _names(items)[-1] == "Écharpe"
    items.page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") is None and _names(items)[:15] == before


def test_a_family_filters_rows_opens_the_grid_and_folded_blocks_and_says_so(items):
    page = items.page
    page.get_by_label("Family").select_option("Tents")
    assert len(_names(items)) == 30
    said = page.get_by_role("status")
    left = "Not filtered: 1 table without family, and charts and sentences."
    assert said.inner_text() == "35 rows of 2 tables match. " + left
    opened = page.locator(".grid details[open] .name").all_inner_texts()
    assert opened == ["Company", "Tents"]
    assert page.locator("details.deeper").get_attribute("open") is not None
    goals = page.locator("figure.table").nth(1)
    assert "Not filtered: no family here." in goals.inner_text()
    page.get_by_label("Location").select_option("North")
    assert len(_names(items)) == 15
    page.get_by_role("button", name="Clear").click()
    assert len(_names(items)) == 15 and said.inner_text() == ""
    assert page.locator(".grid details[open] .name").all_inner_texts() == ["Company"]
    assert page.locator("details.deeper").get_attribute("open") is None


def test_figures_of_the_grid_do_not_touch_one_another_on_paper(items):
    page = items.page
    page.set_viewport_size({"width": 1047, "height": 718})  # A4 across, between its margins
    page.emulate_media(media="print")
    apart = page.locator(".grid").evaluate(FIGURES_APART)
    page.emulate_media(media="screen")
    page.set_viewport_size({"width": 1280, "height": 720})
    assert len(apart) == 9 and min(apart) > 0


def test_where_the_rest_stands_is_told_on_paper_alone(page):
    frame = pd.DataFrame({"item": ["A", "B"]})
    shown = exhibits.table(
        frame, caption="", columns={"item": "Item"}, kinds={}, rows=1, rest="on screen"
    )
    assert '<span>and 1 more row<i class="paper">, on screen</i></span>' in shown.html
    page.goto(page.address)
    page.locator(".source > span").first.evaluate(
        "(node, text) => node.innerHTML = text", shown.html
    )
    assert not page.locator(".paper").first.is_visible()
    page.emulate_media(media="print")
    assert page.locator(".paper").first.is_visible()
    page.emulate_media(media="screen")


def test_finding_ignores_case_and_accents_and_keeps_rows_that_belong_together(items):
    page, box = items.page, items.page.get_by_label("Find")
    box.fill("ECHARPE")
    said = page.get_by_role("status")
    said.get_by_text("1 row of 1 table match").wait_for()
    assert _names(items) == ["Écharpe"]
    box.fill("two")
    said.get_by_text("2 rows of 1 table match").wait_for()
    goals = page.locator("figure.table").nth(1)
    assert goals.locator("tbody tr:visible").count() == 2
    assert goals.locator("thead button").count() == 0  # sorted, they would come apart
    box.fill("nowhere")
    said.get_by_text("No row matches.").wait_for()


def test_paper_keeps_what_is_shown_and_leaves_out_the_bar(items):
    page = items.page
    page.get_by_label("Family").select_option("Scarves")
    page.emulate_media(media="print")
    assert len(_names(items)) == 10
    assert page.locator("#tools").is_hidden() and page.locator(".show:visible").count() == 0
    page.emulate_media(media="screen")
