"""Explorers that write, in a real JupyterLab: opened, run, moved by keyboard, seen to answer.

How long each answer took, from key to picture, is printed: ``pytest -s`` shows it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd
import pytest
from playwright.sync_api import Page

from sopkit import store, what_if
from sopkit.explore import override_plan, scenarios

pytestmark = pytest.mark.slow
CYCLE = pd.Timestamp("2026-01-01")
SENTENCE, PICTURE = ".sopkit .sentence", ".sopkit img"


@contextmanager
def answered(page: Page, what: str, capsys) -> Iterator[None]:
    """What is done inside is answered: sentence and picture are others afterwards."""
    before, begun = _shown(page), time.perf_counter()
    yield
    page.wait_for_function(
        "([sentence, picture, before]) => {"
        "  const now = [...document.querySelectorAll(sentence)].map(e => e.textContent).join();"
        "  const drawn = [...document.querySelectorAll(picture)].map(e => e.src).join();"
        "  return now && drawn && now !== before[0] && drawn !== before[1]; }",
        arg=[SENTENCE, PICTURE, before],
    )
    with capsys.disabled():
        print(f"\n{what}: {time.perf_counter() - begun:.2f} s", end="")  # noqa: T201


def _shown(page: Page) -> list[str]:
    """The words that are said, and the pictures that are drawn."""
    said = page.locator(SENTENCE).all_text_contents()
    return [
        ",".join(said),
        page.evaluate(
            "picture => [...document.querySelectorAll(picture)].map(e => e.src).join()", PICTURE
        ),
    ]


def _press(page: Page, label: str, *keys: str) -> None:
    """Keys on a control that is found by its words."""
    page.locator(".sopkit").get_by_label(label, exact=True).first.focus()
    for key in keys:
        page.keyboard.press(key)


def _write(page: Page, label: str, text: str) -> None:
    """Another text in a control, typed and left by Tab."""
    page.locator(".sopkit").get_by_label(label, exact=True).first.focus()
    page.keyboard.press("Control+a")
    page.keyboard.type(text)
    page.keyboard.press("Tab")


def _choose(page: Page, label: str, option: str) -> None:
    """An option of a list, by its words."""
    page.locator(".sopkit").get_by_label(label, exact=True).first.select_option(label=option)


def _click(page: Page, word: str) -> None:
    page.locator(".sopkit").get_by_role("button", name=word, exact=True).first.click()


def test_an_override_is_seen_kept_and_read_back(lab, capsys):
    with lab.opened("explore_overrides") as page:
        page.locator(PICTURE).first.wait_for()
        with answered(page, "overrides: a number", capsys):
            _write(page, "Tents, 2026-04", "9000")
        assert "Tents in 2026-04: " in page.locator(SENTENCE).all_text_contents()[-1]
        _choose(page, "Reason", "promotion or event")
        _write(page, "Your name", "Ann Lund")
        _click(page, "Keep")
        page.locator(".sopkit .sentence").get_by_text(
            "Written to data/raw/overrides/2026-01_Ann-Lund"
        ).wait_for()
    seen = override_plan.load(lab.workspace, CYCLE)  # as another session reads it
    kept = seen["overrides"].query("author == 'Ann Lund'").iloc[0]
    assert (kept["family"], kept["quantity"], kept["reason"]) == (
        "Tents",
        9000,
        "promotion or event",
    )
    table = override_plan.grid(seen, seen["value"], {})
    assert table.loc["Tents", pd.Timestamp("2026-04-01")] == pytest.approx(9000)


def test_a_scenario_is_seen_saved_and_planned_by_the_batch(lab, capsys):
    with lab.opened("explore_scenarios") as page:
        page.locator(PICTURE).first.wait_for()
        with answered(page, "scenarios: a slider", capsys):
            _press(page, "Tents", "ArrowRight", "ArrowRight")
        _write(page, "Name", "More tents")
        _write(page, "In a sentence", "A chain opens")
        _choose(page, "It", "happens to us")
        _write(page, "Your name", "Ann Lund")
        _click(page, "Save as a scenario")
        page.get_by_text("Written to data/raw/scenarios/more-tents.yml").wait_for()
        said = page.locator(SENTENCE).all_text_contents()[0]
    tables = scenarios.load(lab.workspace, CYCLE)  # the batch reads and plans it by these calls
    saved = tables["known"]["more-tents"]
    assert saved.changes[0]["family"] == "Tents" and saved.changes[0]["rate"] == 0.1
    kpis = what_if.answer(tables["base"], saved.changes)["kpis"].set_index("kpi")["amount"]
    assert f"{round(kpis['late_quantity']):,}" in said.replace("\u00a0", " ")
    assert "more-tents" in set(store.scenario_files(lab.workspace)["scenario"])
    assert store.check(lab.workspace, CYCLE)["state"].ne("breach").all()
