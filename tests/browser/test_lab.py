"""Explorers in a real JupyterLab: opened, run, moved by keyboard, seen to answer, read back.

How long each answer took, from key to picture, is printed: ``pytest -s`` shows it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd
import pytest
from playwright.sync_api import Locator, Page

from sopkit import decided, exhibits, store, what_if
from sopkit.explore import override_plan
from sopkit.reconciliation import scenarios

pytestmark = pytest.mark.slow
CYCLE = pd.Timestamp("2026-01-01")
SHOWN = """room => [".sentence", "img"].map(
  what => [...room.querySelectorAll(what)].map(e => e.textContent || e.src).join())"""
IS_OTHER = f"""([room, before]) => ({SHOWN})(room).every((now, k) => now && now !== before[k])"""


def _explorer(page: Page, number: int = 0) -> Locator:
    """An explorer of a notebook, once it has drawn."""
    room = page.locator(".sopkit").nth(number)
    room.locator(".sentence").first.wait_for()
    room.locator(".widget-text, .widget-dropdown").first.wait_for()
    return room


@contextmanager
def _answered(room: Locator, what: str, capsys) -> Iterator[None]:
    """What is done inside is answered: sentence and picture are others afterwards."""
    before, begun = room.evaluate(SHOWN), time.perf_counter()
    yield
    room.page.wait_for_function(IS_OTHER, arg=[room.element_handle(), before])
    with capsys.disabled():
        print(f"\n{what}: {time.perf_counter() - begun:.2f} s", end="")  # noqa: T201


def _press(room: Locator, label: str, *keys: str) -> None:
    """Keys on a control that is found by its words."""
    _focus(room.get_by_label(label, exact=True).first, *keys)


def _focus(control: Locator, *keys: str) -> None:
    control.focus()
    for key in keys:
        control.page.keyboard.press(key)


def _write(room: Locator, label: str, text: str) -> None:
    """Another text in a control, typed and left by Tab."""
    _press(room, label, "Control+a")
    room.page.keyboard.type(text)
    room.page.keyboard.press("Tab")


def _enter(room: Locator, word: str) -> None:
    """A button, pressed by keyboard."""
    _focus(room.get_by_role("button", name=word, exact=True).first, "Enter")


def test_errors_by_another_measure_are_seen(lab, capsys):
    with lab.opened("explore_accuracy") as page:
        room = _explorer(page)
        room.locator("img").first.wait_for()
        with _answered(room, "accuracy: another measure", capsys):
            _press(room, "Measure", "ArrowDown")
        assert room.get_by_label("Measure", exact=True).input_value() == "Bias"
        _focus(room.get_by_role("tab", name="Models"), "ArrowRight", "Enter")
        chosen = room.locator("[role=tab][aria-selected=true]").get_by_text("Past plans")
        chosen.wait_for()
        cells = page.locator(".jp-Cell").count()
        _press(room, "Measure", "d", "d")  # two of them delete a cell elsewhere in JupyterLab
        assert page.locator(".jp-Cell").count() == cells


def test_another_model_of_a_slice_and_one_series_are_seen(lab, capsys):
    with lab.opened("explore_series") as page:
        for number, what in enumerate(("Model", "Family")):
            room = _explorer(page, number)
            room.locator("img").first.wait_for()
            with _answered(room, f"series: another {what.lower()}", capsys):
                _press(room, what, "ArrowDown")


def test_a_correction_of_one_family_is_seen(lab, capsys):
    with lab.opened("explore_history") as page:
        room = _explorer(page)
        with _answered(room, "history: a family, a correction", capsys):
            _press(room, "Family", "ArrowDown")
            _press(room, "Corrections", "ArrowDown")
        _enter(room, "Refuse")
        room.get_by_text("Say who you are: your name is missing.").wait_for()


def test_what_accepting_a_line_makes_of_the_plan_is_seen(lab, capsys):
    with lab.opened("explore_feedback") as page:
        room = _explorer(page)
        with _answered(room, "feedback: a line", capsys):
            _press(room, "Lines", "ArrowDown")
        assert "Chosen: 1, worth" in room.locator(".sentence").last.text_content()


def test_an_override_is_seen_kept_and_read_back(lab, capsys):
    with lab.opened("explore_overrides") as page:
        room = _explorer(page)
        room.locator("img").first.wait_for()
        with _answered(room, "overrides: a number", capsys):
            _write(room, "Tents, 2026-04", "9000")
        assert "Tents in 2026-04: " in room.locator(".sentence").last.text_content()
        _press(room, "Reason", "ArrowDown")
        _write(room, "Your name", "Ann Lund")
        _enter(room, "Keep")
        room.get_by_text("Written to data/raw/overrides/2026-01_Ann-Lund").wait_for()
    seen = override_plan.load(lab.workspace, CYCLE)  # as another session reads it
    kept = seen["overrides"].query("author == 'Ann Lund'").iloc[0]
    told = ("Tents", 9000, "promotion or event")
    assert tuple(kept[["family", "quantity", "reason"]]) == told
    table = override_plan.grid(seen, seen["value"], {})
    assert table.loc["Tents", pd.Timestamp("2026-04-01")] == pytest.approx(9000)


def test_a_scenario_is_seen_saved_and_planned_by_the_batch(lab, capsys):
    with lab.opened("explore_scenarios") as page:
        room = _explorer(page)
        room.locator("img").first.wait_for()
        slider = room.locator(".widget-slider").filter(has=page.locator("label", has_text="Tents"))
        with _answered(room, "scenarios: a slider", capsys):
            _focus(slider.locator(".noUi-handle"), "ArrowRight", "ArrowRight")
        assert slider.locator(".noUi-handle").get_attribute("aria-label") == "Tents"
        slider.get_by_text("+10%").wait_for()
        _write(room, "Name", "More tents")
        _write(room, "In a sentence", "A chain opens")
        _press(room, "It", "ArrowDown")
        _write(room, "Your name", "Ann Lund")
        _enter(room, "Save as a scenario")
        room.get_by_text("Written to data/raw/scenarios/more-tents.yml").wait_for()
        said = room.locator(".sentence").first.text_content()
    tables = store.inputs(lab.workspace, "reconciliation", CYCLE)
    known = scenarios.read_all(tables["scenario_files"], tables, cycle=CYCLE, horizon=24)[0]
    money = (store.read(lab.workspace, name, CYCLE) for name in ("financials", "closed_financials"))
    base = what_if.start(decided.in_supply(tables, cycle=CYCLE), *money, cycle=CYCLE)
    kpis = (what_if.answer(base, asked)["kpis"] for asked in ((), known["more-tents"].changes))
    plan, more = (table.set_index("kpi")["amount"]["contribution_value"] for table in kpis)
    won = exhibits.format_amount(more - plan, "value", "EUR")  # by what the batch plans with
    assert f"{won} of contribution are won" in said
