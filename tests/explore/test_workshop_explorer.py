"""The explorer of one series: slices, models, held parameters, and what it says."""

from __future__ import annotations

import re

import ipywidgets as widgets
import pandas as pd
import pytest

from sopkit import cycle, store
from sopkit.demand import workshop as one_series
from sopkit.explore import choosing, workshop

CYCLE = pd.Timestamp("2026-01-01")


@pytest.fixture(autouse=True)
def one_year_held_out(monkeypatch):
    """One year instead of four: what is told of them is asked in tests/demand/test_workshop.py."""
    monkeypatch.setattr(one_series, "ORIGINS", (12,))


@pytest.fixture
def box(hill):
    return workshop.explorer(hill, CYCLE)


def controls(box: widgets.VBox) -> dict[str, widgets.Widget]:
    found, todo = {}, [box]
    for part in todo:
        todo += getattr(part, "children", ())
        if getattr(part, "description", ""):
            found[part.description] = part
    return found


def said(box: widgets.VBox) -> str:
    box.work.wait()
    view = box.children[-1]
    return "".join(part.value for part in view.children[1:]).replace("\u00a0", " ")


def test_a_slice_is_chosen_and_both_answers_are_told(box):
    own = controls(box)
    assert "Company: Over the next" in said(box) and "the panel says" in said(box)
    own["Family"].value = "Tents"
    assert "Tents: Over the next 12 months" in said(box) and said(box).count("<img") == 1
    assert "months_ahead.csv" in said(box) and "03_demand_review.html" in said(box)
    own["Location"].value = "South"
    assert "Tents, South:" in said(box)
    assert all(control.tooltip for name, control in own.items() if name in ("alpha", "phi"))


def test_both_explorers_of_series_offer_the_same_slices(box, hill):
    other = choosing.explorer(hill, CYCLE, keep=None)
    for level in ("Family", "Item", "Location"):
        assert controls(other)[level].options == controls(box)[level].options


def test_held_smoothing_begins_where_it_was_estimated_and_changes_the_answer(box):
    own = controls(box)
    own["Family"].value, own["Form"].value = "Tents", "AAdN"
    estimated = said(box)
    assert own["alpha"].disabled
    begun = own["alpha"].value
    own["Hold smoothing at"].value = True
    assert ">held<" in said(box) and ">held<" not in estimated
    assert own["alpha"].value == begun and not own["alpha"].disabled
    own["alpha"].value = 0.77
    assert "0.77" in said(box) and said(box) != estimated


def test_orders_are_asked_for_and_other_pictures_are_drawn(box):
    own = controls(box)
    own["Family"].value, own["Model"].value = "Tents", "sarimax"
    own["Hold orders at"].value = True
    for name in "PDQ":
        own[name].value = 0
    assert re.search(r"SARIMA\(\d,\d,\d\) on logarithms", said(box)) and "Ljung-Box" in said(box)
    seen = {said(box)}
    for picture in workshop.PICTURES:
        own["Picture"].value = picture
        seen.add(said(box))
        assert said(box).count("<img") == 1
    assert len(seen) == 3


def test_a_slice_that_was_never_sold_is_said(hill):
    tables = workshop.load(hill, CYCLE)
    with pytest.raises(workshop.months.UsageError, match="Nothing was ever sold there"):
        workshop.studied(
            tables, {"item": "TENT", "family": "Lamps"}, has_events=True, model="ets", parameters={}
        )


def test_a_cycle_that_was_not_run_is_said(hill):
    box = workshop.explorer(hill, pd.Timestamp("2025-05-01"))
    assert "sopkit run --cycle 2025-05" in box.children[0].value


def test_a_workspace_of_sales_alone_is_enough(sales_only):
    steps = {"data_review": {}, "product_review": {}, "demand_review": {"horizon": 18}}
    cycle.compute(store.open_workspace(sales_only), CYCLE, steps)
    box = workshop.explorer(sales_only, CYCLE)
    assert "Company: Over the next" in said(box)
    controls(box)["Item"].value = "00123"
    assert "00123:" in said(box)
