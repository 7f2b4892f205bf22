"""The pack as readers open it: offline, light, accessible, in a real browser."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from sopkit import agenda

pytestmark = pytest.mark.slow
PAGES = ["index", *(step.notebook for step in agenda.STEPS)]
LARGEST = 2_000_000
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class _Reader(HTMLParser):
    """Collects what the checks ask for."""

    def __init__(self):
        super().__init__()
        self.tags, self.ids, self.images, self.headings = [], [], [], []

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.tags.append((tag, named))
        self.ids += [named["id"]] if "id" in named else []
        self.images += [named] if tag == "img" else []
        self.headings += [int(tag[1])] if re.fullmatch("h[1-6]", tag) else []


def _read(path):
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader


@pytest.fixture(params=PAGES)
def page(request, sample_workspace):
    return sample_workspace / "reports/2026-01" / f"{request.param}.html"


def test_a_page_loads_nothing_from_elsewhere_and_stays_light(page):
    text = page.read_text(encoding="utf-8")
    assert len(text.encode()) <= LARGEST
    for tag, attrs in _read(page).tags:
        for name in ("src", "href", "srcset", "data", "action"):
            value = attrs.get(name) or ""
            assert not value.startswith(("http", "//", "file:")), (tag, value)
    assert "@import" not in text and "application/vnd.jupyter" not in text


def test_a_page_has_one_title_ordered_headings_alt_texts_and_unique_ids(page):
    reader = _read(page)
    assert reader.headings.count(1) == 1 and reader.headings[0] == 1
    assert all(b - a <= 1 for a, b in zip(reader.headings, reader.headings[1:], strict=False))
    assert all(len(image.get("alt", "")) >= 8 for image in reader.images)
    assert len(reader.ids) == len(set(reader.ids))


def test_a_page_shows_no_code_and_no_parameters(page):
    text = page.read_text(encoding="utf-8")
    for word in ("store.inputs", "cycle_month", "papermill", "<pre", "No description has been"):
        assert word not in text, word


def test_every_step_page_opens_with_its_headline_and_shows_charts(sample_workspace):
    for step in agenda.STEPS:
        path = sample_workspace / "reports/2026-01" / f"{step.notebook}.html"
        text = path.read_text(encoding="utf-8")
        assert 'class="headline"' in text
        assert "<img" in text
        assert text.index('class="headline"') < text.index("<img")


def test_pages_03_to_06_carry_the_grid_of_company_and_families(sample_workspace):
    families = ["Tents", "Sleeping bags", "Backpacks", "Lighting"]
    for step in agenda.STEPS[2:]:
        text = (sample_workspace / f"reports/2026-01/{step.notebook}.html").read_text()
        for words in ("Company", *families, "Sales", "Inventory", "Revenue", "Margin"):
            assert words in text, (step.name, words)


@pytest.fixture(scope="module")  # its event loop would be in the way of other files' own
def browser(needs):
    chromium = needs("chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(chromium), args=FLAGS)
        yield opened
        opened.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_a_browser_opens_every_page_offline_without_error_or_sideways_scroll(
    browser, sample_workspace, width, scheme
):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    tried, errors = [], []
    context.route(
        "**/*",
        lambda route: (
            route.continue_()
            if route.request.url.startswith("file:")
            else (tried.append(route.request.url), route.abort())
        ),
    )
    view = context.new_page()
    view.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    view.on("pageerror", lambda error: errors.append(str(error)))
    paths = [sample_workspace / "reports/2026-01" / f"{name}.html" for name in PAGES]
    for path in [*paths, sample_workspace / "reports/index.html"]:
        view.goto(path.as_uri())
        wide = view.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, (path.name, wide)
        broken = view.evaluate("[...document.images].filter(i => !i.naturalWidth).length")
        assert broken == 0, path.name
    context.close()
    # pictures inside the page are data, not requests
    assert [url for url in tried if not url.startswith("data:")] == []
    assert errors == []


def test_navigation_leads_from_the_list_of_cycles_to_every_page(browser, sample_workspace):
    view = browser.new_page()
    view.goto((sample_workspace / "reports/index.html").as_uri())
    view.click("text=2026-01")
    for step in agenda.STEPS:
        view.click(f"nav >> text={step.title}")
        assert view.inner_text("h1").strip() == step.title
    view.close()
