"""Page 06 on paper: two sheets of A4, readable, nothing cut, and as PDF where Chromium is."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from matplotlib.figure import Figure

from sopkit import agenda, exhibits
from sopkit.charts import _style
from sopkit.pages import pack, pdf

STEP = agenda.step("executive_review")
IMPRINT = pack.Imprint("Northtrail", pd.Timestamp("2026-01-01"), "0.1")
_NODE = re.compile(rb"node\d+")  # Chromium numbers them anew each time
SENTENCE = (
    "Revenue of 2026 is expected at {year}, {rate:below|above} the budget. The summer of Tents "
    "cannot be met by {short}: sewing is full from May to July. Since the last cycle the plan rose "
    "by {move}, most of it a new dealer in Benelux; of last month's five decisions four are done. "
    "KPIs that miss their target: {missed} of {kpis}. Decisions wanted: {wanted}."
)
FACTS = pd.DataFrame(
    [
        ("year", 99.2e6, "value", ""),
        ("rate", -0.013, "signed_rate", ""),
        ("short", 1.42e6, "value", ""),
        ("move", 0.8e6, "signed_value", ""),
        ("missed", 4.0, "count", ""),
        ("kpis", 12.0, "count", ""),
        ("wanted", 5.0, "count", ""),
    ],
    columns=["fact", "amount", "kind", "text"],
)
DECISION = "How is the spring peak of Tents in sewing covered?"
OPTIONS = [
    "A second sewing shift from March to August",
    "Have 9,000 made in Gdynia, at a higher cost",
    "Accept late tents in May",
]
RISKS = [
    "The krona falls by a tenth and the North buys later in the season than planned",
    "A dealer in Benelux orders twice what he asked for, and sewing is full",
    "The titanium mill misses its date again",
]


def _decisions() -> exhibits.Exhibit:
    rows = [
        (f"2026-01-{20 + n}", f"{DECISION} ({n})", "I. Petrova", option, 120e3 * m, 400e3 * m)
        for n in range(1, 6)
        for m, option in enumerate(OPTIONS, start=1)
    ]
    names = ["decide_by", "statement", "owner", "option", "cost_value", "effect_value"]
    heads = ["Decide by", "Decision", "Owner", "Option", "Cost", "Gain"]
    return exhibits.table(
        pd.DataFrame(rows, columns=names),
        caption="Decisions wanted, options with cost and gain",
        columns=dict(zip(names, heads, strict=True)),
        kinds={"cost_value": "value", "effect_value": "signed_value"},
        currency="EUR",
        source="decision_options",
        once=("decide_by", "statement", "owner"),
    )


LONG = ", and what came of it in the months since it was promised, told in a second line"
FULLEST = [(4, 4), (5, 5), (4, 2), (5, 0), (4, 0), (5, 0), (4, 4)]
# rows, and how many of them need a second line; why a step was reopened is told once a step


def _small(n: int, rows: int = 6, longer: int = 0) -> exhibits.Exhibit:
    """Rows of what is told in one sentence each, with owner, day, state and money."""
    told = [risk + LONG * (k < longer) for k, risk in enumerate((2 * RISKS)[:rows])]
    row = {"owner": "M. Keller", "due": "2026-03", "state": "overdue", "money": -3e5}
    heads = {"what": "What", "owner": "Owner", "due": "Due", "state": "State", "money": "Money"}
    return exhibits.table(
        pd.DataFrame([{"what": what} | row for what in told]),
        caption=f"What stands here, part {n}",
        columns=heads,
        kinds={"state": "rating", "money": "signed_value"},
        currency="EUR",
        source="register",
    )


def _chart() -> exhibits.Exhibit:
    drawn = Figure(figsize=(_style.WIDTH, 4.6))
    drawn.subplots().plot(range(36))
    return exhibits.figure(drawn, alt="Revenue sold and planned beside the budget")


def _shown(exhibit: exhibits.Exhibit, *tags: str) -> nbformat.NotebookNode:
    cell = nbformat.v4.new_code_cell("secret()")
    cell.outputs = [nbformat.v4.new_output("display_data", data=exhibit._repr_mimebundle_())]
    cell.metadata.tags = list(tags)
    return cell


def _said(text: str, *tags: str) -> nbformat.NotebookNode:
    cell = nbformat.v4.new_markdown_cell(text)
    cell.metadata.tags = list(tags)
    return cell


def _page(folder: Path, cells: list) -> Path:
    notebook = nbformat.v4.new_notebook()
    notebook.cells = cells
    for place, cell in enumerate(cells):
        cell["id"] = f"cell{place}"
    nbformat.write(notebook, folder / "executed.ipynb")
    return pack.write_page(folder / "executed.ipynb", folder, STEP, IMPRINT)


def _section(title: str, exhibit: exhibits.Exhibit) -> list:
    return [
        _said(f"## {title}\n\nWhat is asked, in one sentence that stands above the evidence:"),
        _shown(exhibit),
        _said("How to read it: a sentence on what would worry us, and what a minus means here."),
    ]


@pytest.fixture
def executive_page(tmp_path) -> Path:
    """The executive page at its fullest: five decisions of three options, seven tables.

    Their rows are the most that page 06 shows; where a cell may need two lines, it does.
    """
    tiles = dict(year="Outlook", rate="Beside budget", short="Short", move="Moved", missed="Missed")
    cells = [
        _said("# Executive review\n\nThis page is for deciding.\n\n- **Reads** the plan\n"),
        _said("## Do we make the year?\n\nOutlook, what is at risk, and what is to be decided:"),
        _shown(exhibits.headline(SENTENCE, FACTS, currency="EUR")),
        _shown(exhibits.fact_tiles(FACTS, tiles, currency="EUR")),
        *_section("What do we want you to decide?", _decisions()),
        *_section("Where are we beside the budget?", _chart()),
    ]
    for n, (rows, longer) in enumerate(FULLEST):
        section = _section(f"What stands in part {n}?", _small(n, rows, longer))
        cells += section if longer or not n else section[:2]  # not each is explained
    cells += [_said("## Deeper\n\nOnly on screen.", "deeper")]
    cells += [_shown(_small(9), "deeper") for _ in range(9)]
    return _page(tmp_path, cells)


def _sheets(document: Path) -> int:
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", document.read_bytes()))


@pytest.fixture
def on_paper(needs):
    """``on_paper(page, script)``: what a script finds in a page as it is laid out for A4."""
    browser_path = needs("chromium")
    playwright = pytest.importorskip("playwright.sync_api")

    def look(page: Path, script: str):
        with playwright.sync_playwright() as started:
            flags = ["--headless", "--no-sandbox", "--disable-gpu"]
            browser = started.chromium.launch(executable_path=str(browser_path), args=flags)
            opened = browser.new_page(viewport={"width": 711, "height": 1062})
            opened.goto(page.as_uri())
            opened.emulate_media(media="print")
            found = opened.evaluate(script)
            browser.close()
        return found

    return look


@pytest.fixture
def only_browser(tmp_path, monkeypatch):
    """``only_browser(script)``: the only Chromium there is, a script; without one there is none."""

    def put(script: str = "") -> None:
        folder = tmp_path / "bin"
        folder.mkdir()
        if script:
            (folder / "chromium").write_text(f"#!/bin/sh\n{script}\n")
            (folder / "chromium").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}")

    return put


def test_the_fullest_executive_page_prints_on_two_sheets_and_again_alike(executive_page, needs):
    needs("chromium")
    assert pdf.write_pdf(executive_page) == ""
    first = _NODE.sub(b"", executive_page.with_suffix(".pdf").read_bytes())
    assert _sheets(executive_page.with_suffix(".pdf")) == 2
    assert pdf.write_pdf(executive_page) == ""
    again = executive_page.with_suffix(".pdf").read_bytes()
    assert _NODE.sub(b"", again) == first


def test_a_page_that_is_too_long_takes_a_third_sheet(tmp_path, needs):
    needs("chromium")
    longer = [part for n in range(15) for part in _section(f"Part {n}?", _small(n))]
    page = _page(tmp_path, [_said("# Executive review"), *longer])
    assert pdf.write_pdf(page) == ""
    assert _sheets(page.with_suffix(".pdf")) > 2, "pages are counted"


def test_paper_shows_no_letter_below_eight_and_a_half_points(executive_page, on_paper):
    script = """() => [...document.querySelectorAll("body *")]
        .filter(e => e.checkVisibility() && [...e.childNodes].some(n => n.nodeType == 3
            && n.textContent.trim()))
        .map(e => [parseFloat(getComputedStyle(e).fontSize) * 72 / 96, e.outerHTML.slice(0, 60)])"""
    shown = on_paper(executive_page, script)
    assert len(shown) > 200
    assert min(shown)[0] >= 8.49, min(shown)


def test_paper_keeps_rows_and_charts_whole_repeats_heads_and_leaves_out_what_is_deeper(
    executive_page, on_paper
):
    script = """() => ({
        kept: [...document.querySelectorAll("tr, .chart")]
            .map(e => getComputedStyle(e).breakInside),
        heads: [...document.querySelectorAll("thead")].map(e => getComputedStyle(e).display),
        deeper: document.querySelector(".deeper").checkVisibility(),
        wide: document.documentElement.scrollWidth,
    })"""
    found = on_paper(executive_page, script)
    assert set(found["kept"]) == {"avoid"}
    assert set(found["heads"]) <= {"table-header-group", "none"}
    assert not found["deeper"]
    assert found["wide"] <= 711, "nothing is cut at the right"


def test_on_paper_a_sentence_stays_with_its_table_and_apart_from_the_one_before(tmp_path, on_paper):
    cells = [_said("# Executive review"), *_section("What stands here?", _small(1))]
    cells += [_said("And in the second part:"), _shown(_small(2)), _said("How to read it: so.")]
    script = """() => [...document.querySelectorAll("main .body > .text")].map(e => {
        const style = getComputedStyle(e);
        return [e.innerText.slice(0, 7), style.breakAfter, parseFloat(style.marginTop) > 4];
    })"""
    found = on_paper(_page(tmp_path, cells), script)
    assert found[-3:] == [
        ["How to ", "auto", False],
        ["And in ", "avoid", True],  # 1.6 mm apart
        ["How to ", "auto", False],
    ]


def test_successive_deeper_cells_are_folded_into_one_block_that_needs_no_script(tmp_path):
    empty = nbformat.v4.new_code_cell("nothing_shown()")
    cells = [
        _said("# Executive review"),
        _said("Before.", "deeper"),
        empty,
        _shown(_small(1), "deeper"),
        _said("Between."),
        _said("After.", "deeper"),
    ]
    text = _page(tmp_path, cells).read_text(encoding="utf-8")
    body = text[text.index("<main") : text.index("</main>")]
    assert body.count('<details class="deeper">') == body.count("</details>") == 2
    first, second = re.findall(r'<details class="deeper">(.*?)</details>', body, re.DOTALL)
    assert "Before." in first and "part 1" in first and "After." in second
    assert "Between." not in first + second
    assert "<summary>More to look into</summary>" in first


def test_only_the_steps_pages_have_a_class_of_their_own(tmp_path, executive_page):
    assert '<body class="page-06">' in executive_page.read_text(encoding="utf-8")
    assert "<body>" in pack.write_index(tmp_path, IMPRINT).read_text(encoding="utf-8")


def test_without_chromium_the_reason_is_said_and_no_older_pdf_stays(tmp_path, only_browser):
    page, older = tmp_path / "06_executive_review.html", tmp_path / "06_executive_review.pdf"
    page.write_text("<p>New.</p>")
    older.write_bytes(b"of the last run")
    only_browser()
    assert pdf.write_pdf(page) == (
        "no 06_executive_review.pdf: no Chromium found (chromium, chromium-browser, google-chrome)."
    )
    assert not older.exists()


def test_a_browser_that_fails_or_hangs_is_a_reason_and_no_error(
    tmp_path, only_browser, monkeypatch
):
    page = tmp_path / "page.html"
    page.write_text("<p>New.</p>")
    only_browser('[ -e "${0%/*}/slow" ] && exec /bin/sleep 60; exit 7')
    said = pdf.write_pdf(page)
    assert said.startswith("no page.pdf: ") and said.endswith("ended with code 7 and printed none.")
    (tmp_path / "bin/slow").touch()
    monkeypatch.setattr(pdf, "LIMIT_SECONDS", 0.3)
    assert pdf.write_pdf(page) == ("no page.pdf: Chromium had not printed it after 0.3 seconds.")
    assert not page.with_suffix(".pdf").exists()
