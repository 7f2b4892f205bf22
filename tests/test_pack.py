"""What stands in the markup of a pack; ``browser/test_pages.py`` opens it in a browser."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from sopkit import agenda

pytestmark = pytest.mark.slow
PAGES = ["index", *(step.notebook for step in agenda.STEPS)]


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


def test_a_page_names_nothing_that_is_elsewhere(page):
    text = page.read_text(encoding="utf-8")
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
