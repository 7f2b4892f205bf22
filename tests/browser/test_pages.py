"""Pages as readers open them from disk, in a real browser: offline, accessible, on paper too."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from axe_playwright_python.base import AXE_SCRIPT

from sopkit import agenda
from sopkit.pages import pack

pytestmark = pytest.mark.slow
PAGES = ["index", *(step.notebook for step in agenda.STEPS)]
WIDTHS, SCHEMES = (390, 1440), ("light", "dark")
OBJECTED = ((390, "dark"), (1440, "light"))  # axe looks at these: each width and scheme once
LARGEST = 2_000_000  # bytes
PAPER = {"width": 688, "height": 1000}  # A4 between its margins, at 96 dots an inch
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
LOOK = """() => ({
  wide: document.documentElement.scrollWidth - window.innerWidth,
  broken: [...document.images].filter(image => !image.naturalWidth).length,
})"""
AXE = """async rules => {
  const found = await axe.run({resultTypes: ["violations"], runOnly: rules})
  return found.violations.map(v => `${v.id} (${v.nodes.length}): ${v.nodes[0].html}`)
}"""
# what stands out of its frame or of the sheet, and pictures that a sheet cannot hold whole
CLIPPED = """height => {
  const box = part => part.getBoundingClientRect()
  const shown = [...document.querySelectorAll("main *")].filter(part => box(part).width > 0)
  const out = shown.filter(part => box(part).right > innerWidth + 1 && !part.closest("svg"))
  const cut = shown.filter(part => part.matches("figure.chart") && (
    getComputedStyle(part).breakInside != "avoid" || box(part).height > height))
  return [...out, ...cut].map(part => part.outerHTML.slice(0, 200))
}"""


@pytest.fixture(scope="module")
def paths(sample_workspace, tmp_path_factory) -> list[Path]:
    """The list of cycles, every page of a pack, and the page of a step that failed."""
    folder = sample_workspace / "reports/2026-01"
    imprint = pack.Imprint("Northtrail", pd.Timestamp("2026-01-01"), "0.1")
    failure = pack.Failure(
        cell=4,
        line="results = steps.supply_review(tables)",
        reason="breach: items.lead_time_days: not a number (12 rows, first: row 5) Write 12.5.",
        remedy="Mend what the message names.",
        command="sopkit run --workspace /srv/northtrail --cycle 2026-01",
        traceback="Traceback (most recent call last)",
    )
    place = tmp_path_factory.mktemp("failed")
    failed = pack.write_failure(place, agenda.STEPS[3], imprint, failure)
    return [sample_workspace / "reports/index.html", *(folder / f"{p}.html" for p in PAGES), failed]


def _offline(context, asked: list, errors: list):
    """A page of the context from which nothing but files of this machine can be reached."""

    def answer(route):
        if route.request.url.startswith("file:"):
            return route.continue_()
        asked.append(route.request.url)
        return route.abort()

    context.route("**/*", answer)
    view = context.new_page()
    view.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    view.on("pageerror", lambda error: errors.append(str(error)))
    view.on("dialog", lambda dialog: (errors.append(dialog.message), dialog.dismiss()))
    return view


@pytest.fixture(scope="module")
def looks(browser, paths) -> dict[tuple, dict]:
    """What was seen of each page, narrow and wide, light and dark."""
    seen = {}
    for scheme in SCHEMES:
        for width in WIDTHS:
            size = {"width": width, "height": 900}
            context = browser.new_context(viewport=size, color_scheme=scheme)
            for path in paths:
                asked, errors = [], []
                view = _offline(context, asked, errors)
                view.goto(path.as_uri())
                own = view.evaluate(LOOK) | {"errors": errors}
                own["asked"] = [url for url in asked if not url.startswith("data:")]
                own["axe"] = []
                if (width, scheme) in OBJECTED:
                    view.evaluate(AXE_SCRIPT)
                    own["axe"] = view.evaluate(AXE, RULES)
                seen[f"{path.parent.name}/{path.name}", width, scheme] = own
                view.close()
            context.close()
    return seen


def _found(looks: dict[tuple, dict], what: str) -> dict[tuple, object]:
    return {where: own[what] for where, own in looks.items() if own[what]}


def test_pages_opened_from_disk_ask_for_nothing_and_run_without_error(looks):
    assert len(looks) == 36
    assert _found(looks, "asked") == {} and _found(looks, "errors") == {}


def test_pages_show_their_pictures_and_never_scroll_sideways(looks):
    assert _found(looks, "broken") == {}
    assert {where: wide for where, wide in _found(looks, "wide").items() if wide > 0} == {}


def test_axe_finds_nothing_to_object_to(looks):
    assert _found(looks, "axe") == {}


def test_a_page_weighs_no_more_than_a_mail_takes(paths):
    assert [path.name for path in paths if path.stat().st_size > LARGEST] == []


def test_on_paper_nothing_stands_beyond_the_edge_and_no_picture_is_cut(browser, paths):
    context = browser.new_context(viewport=PAPER)
    view = context.new_page()
    view.emulate_media(media="print")
    for path in paths:
        view.goto(path.as_uri())
        assert view.evaluate(CLIPPED, PAPER["height"]) == [], path.name
    context.close()


def test_every_page_prints_its_heading_and_all_its_sheets(browser, paths):
    view = browser.new_page()
    for path in paths:
        view.goto(path.as_uri())
        printed = view.pdf(prefer_css_page_size=True)
        sheets = len(re.findall(rb"/Type\s*/Page\b", printed))
        assert printed.startswith(b"%PDF") and 1 <= sheets <= 40, (path.name, sheets)
    view.close()


def test_navigation_leads_from_the_list_of_cycles_to_every_page(browser, sample_workspace):
    view = browser.new_page()
    view.goto((sample_workspace / "reports/index.html").as_uri())
    view.click("text=2026-01")
    for step in agenda.STEPS:
        view.click(f"nav >> text={step.title}")
        assert view.inner_text("h1").strip() == step.title
    view.close()
