"""Pages of a pack: complete in one file, no code, nothing from outside, the same bytes twice."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from matplotlib.figure import Figure

from sopkit import agenda, exhibits
from sopkit.pages import pack

DEMAND, SUPPLY = agenda.step("demand_review"), agenda.step("supply_review")
IMPRINT = pack.Imprint("North & Sons", pd.Timestamp("2026-01-01"), "0.1")


def _cell(source: str, *outputs: dict) -> nbformat.NotebookNode:
    cell = nbformat.v4.new_code_cell(source)
    shown = [nbformat.v4.new_output("display_data", data=data) for data in outputs]
    cell.outputs = [nbformat.v4.new_output("stream", text="noise of a library"), *shown]
    return cell


@pytest.fixture
def executed(tmp_path) -> Path:
    """An executed notebook with every kind of output that may be met."""
    facts = pd.DataFrame(
        [("plan", 12.3e6, "value", "")], columns=["fact", "amount", "kind", "text"]
    )
    drawn = Figure(figsize=(4, 2))
    drawn.subplots().plot([1, 2])
    parameters = _cell("cycle: str = '2026-01'  # secret")
    parameters.metadata.tags = ["parameters"]
    headline = exhibits.headline("The plan is {plan}. It holds.", facts, currency="EUR")
    chart = exhibits.figure(drawn, alt="Demand by month")
    notebook = nbformat.v4.new_notebook()
    notebook.metadata.widgets = {"application/vnd.jupyter.widget-state+json": {"state": {}}}
    notebook.cells = [
        nbformat.v4.new_markdown_cell("# Demand review\n\nWhat is wanted?\n\n- **Reads** sales"),
        parameters,
        _cell("secret_call()", {"text/html": headline.html}),
        nbformat.v4.new_markdown_cell("# A stray title\n\n## Is it plausible?"),
        _cell("secret_chart()", {"text/html": chart.html, "text/plain": "Exhibit(secret)"}),
        _cell("secret_words()", {"text/markdown": "Said in *Markdown*."}),
        _cell("secret_plain()", {"text/plain": "secret plain"}),
    ]
    for place, cell in enumerate(notebook.cells):
        cell["id"] = f"cell{place}"
    path = tmp_path / "executed.ipynb"
    nbformat.write(notebook, path)
    return path


@pytest.fixture
def rendered(executed, tmp_path) -> str:
    return pack.write_page(executed, tmp_path, DEMAND, IMPRINT).read_text(encoding="utf-8")


def test_a_page_shows_text_and_exhibits_and_no_code(rendered):
    for shown in (
        "What is wanted?",
        "12.3",
        "Is it plausible?",
        "Said in <em>Markdown</em>",
        "North &amp; Sons",
        "Cycle 2026-01 · sopkit 0.1 · data to 2025-12",
    ):
        assert shown in rendered
    for hidden in ("secret", "noise", "widget-state", "In [", "Traceback"):
        assert hidden not in rendered


def test_a_page_has_one_title_and_says_where_the_reader_is(rendered):
    assert re.findall("<h1.*?>(.*?)</h1>", rendered) == ["Demand review"]
    assert '<h2 id="a-stray-title">A stray title</h2>' in rendered
    assert '<a href="03_demand_review.html" aria-current="page">Demand review</a>' in rendered
    assert rendered.count("aria-current=") == 1
    assert "<title>Demand review · 2026-01 · North &amp; Sons</title>" in rendered


def test_a_page_needs_nothing_from_outside(rendered):
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//|@import|url\(""", rendered)
    assert "default-src 'none'" in rendered
    assert '<html lang="en">' in rendered and '<meta charset="utf-8">' in rendered
    assert len(re.search("<script>(.*?)</script>", rendered, re.DOTALL)[1]) < 10_000


def test_pictures_have_words_and_ids_are_not_repeated(rendered):
    images = re.findall("<img [^>]*>", rendered)
    assert len(images) == 1
    assert all(len(re.search('alt="([^"]*)"', image)[1]) >= 8 for image in images)
    ids = re.findall(r'\sid="([^"]*)"', rendered)
    assert len(ids) == len(set(ids))


def test_rendering_twice_gives_the_same_bytes(executed, rendered, tmp_path):
    again = pack.write_page(executed, tmp_path / "again", DEMAND, IMPRINT)
    assert again.read_text(encoding="utf-8") == rendered


def test_what_is_open_or_closed_is_stamped_and_stamped_anew(executed, rendered, tmp_path):
    assert 'stamp">' not in rendered
    words = "preliminary: data & demand not agreed"
    open_ = replace(IMPRINT, stamps={SUPPLY.name: words})
    page = pack.write_page(executed, tmp_path, SUPPLY, open_)
    before = page.read_text(encoding="utf-8")
    assert '<p class="stamp">preliminary: data &amp; demand not agreed</p>' in before
    closed = replace(IMPRINT, stamps={SUPPLY.name: r"revision 1, closed by \1"})
    assert pack.restamp(tmp_path, closed) == [SUPPLY.name]
    assert pack.restamp(tmp_path, closed) == []  # a page that says so already is left alone
    pack.write_index(tmp_path, closed)
    after = page.read_text(encoding="utf-8")
    assert 'class="stamp done">revision 1' in after
    after = after.replace('class="stamp done"', 'class="stamp"')
    assert after == before.replace(
        "preliminary: data &amp; demand not agreed", closed.stamps[SUPPLY.name]
    )
    assert closed.stamps[SUPPLY.name] in (tmp_path / "index.html").read_text(encoding="utf-8")
    pack.restamp(tmp_path, IMPRINT)
    assert '<p class="stamp">' not in page.read_text(encoding="utf-8")
    pack.restamp(tmp_path, open_)
    assert page.read_text(encoding="utf-8") == before


def test_the_page_of_a_closed_revision_leads_back_to_the_pack(executed, tmp_path):
    page = pack.write_page(executed, tmp_path, SUPPLY, IMPRINT)
    pack.write_index(tmp_path, IMPRINT)
    kept = pack.keep_page(tmp_path, SUPPLY, 2)
    assert kept == tmp_path / "revisions" / "2" / page.name
    links = re.findall('<a href="([^"#]+)"', kept.read_text(encoding="utf-8"))
    assert len(links) > 5 and all(link.startswith("../../") for link in links)
    assert (kept.parent / "../../index.html").resolve().is_file()


def test_a_pack_opens_with_its_pages_their_purpose_and_headline(executed, tmp_path):
    pack.write_page(executed, tmp_path, SUPPLY, IMPRINT)
    pack.write_page(executed, tmp_path, DEMAND, IMPRINT)
    text = pack.write_index(tmp_path, IMPRINT).read_text(encoding="utf-8")
    body = text[text.index('<ol class="pack">') :]
    assert body.index('href="03_demand_review.html"') < body.index('href="04_supply_review.html"')
    assert "01_data_review.html" not in body, "pages that are not there are not listed"
    assert "What will customers want" in body
    assert '<p class="said">The plan is 12.3\u00a0M\u00a0EUR. It holds.</p>' in body
    assert text.count("<h1") == 1


def test_a_page_without_a_headline_is_listed_without_one(tmp_path):
    (tmp_path / "03_demand_review.html").write_text("<p>Nothing said.</p>", encoding="utf-8")
    assert 'class="said"' not in pack.write_index(tmp_path, IMPRINT).read_text(encoding="utf-8")


def test_a_pack_links_the_pdfs_extracts_and_earlier_revisions_it_holds(executed, tmp_path):
    pack.write_page(executed, tmp_path, DEMAND, IMPRINT)
    plain = pack.write_index(tmp_path, IMPRINT).read_text(encoding="utf-8")
    assert not any(word in plain for word in ("As PDF", "Extracts", "revision"))
    for name in (
        "03_demand_review.pdf",
        "extracts/sales.csv",
        "extracts/sales.xlsx",
        "revisions/2/03_demand_review.html",
        "revisions/10/03_demand_review.html",
        "revisions/10/06_executive_review.html",
        "revisions/old/03_demand_review.html",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    text = pack.write_index(tmp_path, IMPRINT).read_text(encoding="utf-8")
    body = text[text.index("<main") :]
    assert '<a href="03_demand_review.pdf">As PDF</a>' in body
    assert '<a href="extracts/sales.csv">sales.csv</a>' in body
    assert body.index("Pages of revision 10") < body.index("Pages of revision 2")
    assert '<a href="revisions/10/06_executive_review.html">Executive review</a>' in body
    assert "revisions/old" not in body
    for href in re.findall(r'<a href="([^"]+)"', body):
        assert (tmp_path / href).is_file() or href in plain


def test_cycles_are_listed_newest_first(tmp_path):
    cycles = [
        {"cycle": cycle, "state": "run", "when": "2026-01-05", "href": f"{cycle}/index.html"}
        for cycle in ("2025-12", "2026-01")
    ]
    text = pack.write_cycles(tmp_path, cycles, "North").read_text(encoding="utf-8")
    assert text.index("2026-01/index.html") < text.index("2025-12/index.html")
    empty = pack.write_cycles(tmp_path, [], "North").read_text(encoding="utf-8")
    assert "No cycle has been planned yet." in empty


def test_a_failure_page_says_which_step_and_why(tmp_path):
    page = pack.write_failure(
        tmp_path,
        SUPPLY,
        IMPRINT,
        pack.Failure(
            cell=4,
            line="tables = store.inputs(workspace)",
            reason="items: no <lead_time_days> for 12 items.",
            remedy="Mend what the message names.",
            command="sopkit run --cycle 2026-01",
            traceback="\x1b[31mTraceback\x1b[0m (most recent call last)",
        ),
    )
    text = page.read_text(encoding="utf-8")
    assert "<b>supply_review</b> stopped at cell 4" in text
    assert '<p class="error">items: no &lt;lead_time_days&gt; for 12 items.</p>' in text
    assert "<code>tables = store.inputs(workspace)</code>" in text
    assert ">sopkit run --cycle 2026-01</pre>" in text
    assert text.index("<details") < text.index("Traceback (most")
    assert "\x1b" not in text


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, False), (390, True)])
def test_a_page_opens_without_errors_and_never_scrolls_sideways(
    rendered, tmp_path, needs, width, dark
):
    browser_path = needs("chromium")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=str(browser_path), args=["--headless", "--no-sandbox", "--disable-gpu"]
        )
        context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme="dark" if dark else "light"
        )
        opened, said = context.new_page(), []
        opened.on("console", lambda message: said.append(message.text))
        opened.goto((tmp_path / "03_demand_review.html").as_uri())
        assert opened.evaluate("document.documentElement.scrollWidth") <= width
        assert said == []
        browser.close()
