"""Pages: complete in one file, no code, nothing from outside, the same bytes every time."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from matplotlib.figure import Figure

from sopkit import exhibits
from sopkit.pages import page

NAVIGATION = [("Overview", "index.html"), ("Demand", "03_demand_review.html")]
SHELL = {
    "cycle_label": "2026-01",
    "company": "North & Sons",
    "navigation": NAVIGATION,
    "footer": "Cycle 2026-01",
}


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
    target = tmp_path / "03_demand_review.html"
    page.render(executed, target, title="Demand review", stamp="preliminary: x", **SHELL)
    return target.read_text(encoding="utf-8")


def test_a_page_shows_text_and_exhibits_and_no_code(rendered):
    for shown in (
        "What is wanted?",
        "12.3",
        "Is it plausible?",
        "Said in <em>Markdown</em>",
        "preliminary: x",
        "North &amp; Sons",
        "Cycle 2026-01",
    ):
        assert shown in rendered
    for hidden in ("secret", "noise", "widget-state", "In [", "Traceback"):
        assert hidden not in rendered


def test_a_page_has_one_title_and_says_where_the_reader_is(rendered):
    assert re.findall("<h1.*?>(.*?)</h1>", rendered) == ["Demand review"]
    assert "<h2>A stray title</h2>" in rendered
    assert '<a href="03_demand_review.html" aria-current="page">Demand</a>' in rendered
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
    again = tmp_path / "again" / "03_demand_review.html"
    page.render(executed, again, title="Demand review", stamp="preliminary: x", **SHELL)
    assert again.read_text(encoding="utf-8") == rendered


def test_the_first_sentence_of_the_headline_is_plain_text(executed, tmp_path):
    assert page.first_sentence(executed).replace("\u00a0", " ") == "The plan is 12.3 M EUR."
    bare = tmp_path / "bare.ipynb"
    nbformat.write(nbformat.v4.new_notebook(), bare)
    assert page.first_sentence(bare) == ""


def test_a_failure_page_says_which_step_and_why(tmp_path):
    target = tmp_path / "04_supply_review.html"
    page.failure_page(
        target,
        step="supply_review",
        title="Supply review",
        cell="cell 4",
        error="items: no <lead_time_days> for 12 items.",
        traceback="\x1b[31mTraceback\x1b[0m (most recent call last)",
        **SHELL,
    )
    text = target.read_text(encoding="utf-8")
    assert "<b>supply_review</b> stopped at cell 4" in text
    assert '<p class="error">items: no &lt;lead_time_days&gt; for 12 items.</p>' in text
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
