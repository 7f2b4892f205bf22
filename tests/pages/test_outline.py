"""The order of a page: the answer first, a list of contents, the way to other pages and cycles."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from sopkit import agenda, naming, packing
from sopkit.pages import outline, pack

STEP = agenda.step("supply_review")
PAGE = f"{STEP.notebook}.html"
IMPRINT = pack.Imprint("North & Sons", pd.Timestamp("2026-01-01"), "0.1")
TITLE = """# Supply review

This page says whether the plan can be supplied.

- **Reads**: the demand plan.
- **Writes**: the supply plan.
- **Decides**: how it is supplied.
"""
HEADINGS = ["Can we supply it?", "Who's late & why?", "Can we supply it?", "What was `written`?"]


def _page(folder: Path, *texts: str, imprint: pack.Imprint = IMPRINT) -> str:
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_markdown_cell(text) for text in (TITLE, *texts)]
    for place, cell in enumerate(notebook.cells):
        cell["id"] = f"cell{place}"
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, folder / "executed.ipynb")
    return pack.write_page(folder / "executed.ipynb", folder, STEP, imprint).read_text("utf-8")


def _whole(folder: Path, imprint: pack.Imprint = IMPRINT) -> str:
    return _page(folder, *(f"## {heading}\n\nSaid." for heading in HEADINGS), imprint=imprint)


def test_every_heading_has_its_own_name_and_the_list_leads_to_each(tmp_path):
    text = _whole(tmp_path)
    ids = re.findall(r'<h2 id="([^"]+)">', text)
    first = naming.anchor(HEADINGS[0])
    assert ids == [first, "who-s-late-why", f"{first}-2", "what-was-written"]
    contents = text[text.index('<nav class="contents"') : text.index('<div class="body">')]
    assert re.findall('href="#([^"]+)"', contents) == ids
    assert "Who&#39;s late &amp; why?" in contents
    assert text.count("<h2") == len(ids), "no heading is without"


def test_a_heading_never_takes_the_name_of_a_part_of_the_shell():
    assert outline.anchored("<h2>Content</h2><h2>Tools</h2>")[1] == [
        ("content-2", "Content"),
        ("tools-2", "Tools"),
    ]


def test_a_short_page_and_the_pack_need_no_list_of_contents(tmp_path):
    assert 'class="contents"' not in _page(tmp_path, "## One\n\nSaid.")
    assert 'class="contents"' not in pack.write_index(tmp_path, IMPRINT).read_text("utf-8")


def test_what_is_decided_stands_on_top_and_what_is_read_and_written_at_the_end(tmp_path):
    text = _whole(tmp_path)
    decides = "<p><strong>Decides</strong>: how it is supplied.</p>"
    assert text.index("can be supplied.") < text.index(decides) < text.index("<h2 ")
    about = text[text.index('<details class="about">') :]
    assert "the demand plan." in about and "the supply plan." in about
    assert text.rindex("<h2 ") < text.index('<details class="about">')
    assert not re.search("the (demand|supply) plan", text[: text.index('<details class="about">')])


def test_a_notebook_without_a_list_has_no_block_about_it(tmp_path):
    text = _whole(tmp_path)
    bare = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Title\n\nSaid.")])
    assert "about" in text and len(outline.arranged(bare).cells) == 1


def test_lines_that_say_how_to_read_look_alike(tmp_path):
    text = _page(tmp_path, "How to read it: high is late.\nWhat would worry us: a peak.", "It is.")
    assert (
        '<p class="reading"><b>How to read it:</b> high is late.\n'
        "<br><b>What would worry us:</b> a peak.</p>"
    ) in text
    assert text.count('class="reading"') == 1


def test_a_page_leads_to_its_neighbours_the_cycle_before_and_all_cycles(tmp_path):
    text = _whole(tmp_path, replace(IMPRINT, earlier={PAGE: "2025-11", "index.html": "2025-12"}))
    assert f'<a href="../2025-11/{PAGE}">Cycle 2025-11</a>' in text
    assert '<a href="../index.html">All cycles</a>' in text
    foot = text[text.index('<nav class="beside"') :]
    assert re.findall('href="([^"]+)"', foot[: foot.index("</nav>")]) == [
        "03_demand_review.html",
        "05_reconciliation.html",
    ]
    first, last = (outline.beside(f"{agenda.STEPS[n].notebook}.html") for n in (0, -1))
    assert [side for side, *_ in first] == ["after"] and [side for side, *_ in last] == ["before"]
    assert outline.beside("index.html") == []


def test_the_cycle_before_is_the_last_one_that_has_such_a_page(hill, tmp_path, monkeypatch):
    monkeypatch.setattr(packing.publication, "REPORTS", tmp_path)  # hill stays as it is
    for page in ("2025-10/" + PAGE, "2025-11/" + PAGE, "2025-12/index.html", "2026-02/" + PAGE):
        (tmp_path / page).parent.mkdir(exist_ok=True)
        (tmp_path / page).touch()
    said = packing.imprint(hill, pd.Timestamp("2026-01-01"))
    assert said.earlier == {PAGE: "2025-11", "index.html": "2025-12"}


def test_a_kept_page_leads_where_the_page_led(tmp_path):
    folder = tmp_path / "2026-01"
    page = _whole(folder, replace(IMPRINT, earlier={PAGE: "2025-12"}))
    receipt = page.replace("Said.", '<a href="receipts/a.html">open</a>', 1)
    data = receipt.replace("Said.", '<a href="data:text/csv,a">CSV</a>', 1)
    (folder / PAGE).write_text(data, encoding="utf-8")
    kept = pack.keep_page(folder, STEP, 2).read_text(encoding="utf-8")
    places = re.findall('href="([^"]+)"', data)
    outside = [f"../../{place}" if place[0] not in "#d" else place for place in places]
    assert re.findall('href="([^"]+)"', kept) == outside
    assert f"../../../2025-12/{PAGE}" in outside and "../../receipts/a.html" in outside


def test_a_list_of_cycles_says_what_each_came_to(tmp_path):
    page = tmp_path / "2026-01/06_executive_review.html"
    page.parent.mkdir()
    page.write_text('<p class="headline">We <b>make</b> it &amp; more.</p>', encoding="utf-8")
    state, cycles = {"when": "now"}, {"2026-01": "approved by M. Keller", "2025-12": "latest run"}
    rows = [
        {"cycle": cycle, "state": words, "href": f"{cycle}/index.html"} | state
        for cycle, words in cycles.items()
    ]
    text = pack.write_cycles(tmp_path, rows, "North").read_text(encoding="utf-8")
    assert text.count('class="said"') == 1
    assert '<p class="said">We make it &amp; more.</p>' in text
    assert '<p class="stamp done">approved by M. Keller</p>' in text
    assert '<p class="stamp">latest run</p>' in text


@pytest.mark.parametrize(("width", "is_open"), [(1440, True), (1280, False), (390, False)])
def test_the_list_of_contents_stands_aside_or_folds_and_paper_has_none(
    tmp_path, needs, width, is_open
):
    browser_path = needs("chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    _whole(tmp_path)
    with playwright.sync_playwright() as started:
        flags = ["--headless", "--no-sandbox", "--disable-gpu"]
        browser = started.chromium.launch(executable_path=str(browser_path), args=flags)
        opened = browser.new_page(viewport={"width": width, "height": 800})
        opened.goto((tmp_path / PAGE).as_uri())
        link = opened.locator(".contents a").last
        assert link.is_visible() == is_open
        if not is_open:
            opened.locator(".contents summary").click()
        assert link.is_visible()
        assert opened.evaluate("document.documentElement.scrollWidth") <= width
        opened.emulate_media(media="print")
        assert not opened.locator(".contents").is_visible()
        browser.close()
