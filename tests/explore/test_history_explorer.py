"""The explorer of the history: corrections listed, what answers change, what is kept."""

from __future__ import annotations

import shutil

import ipywidgets as widgets
import pandas as pd
import pytest

from sopkit import months, policies, store
from sopkit.explore import history

CYCLE = pd.Timestamp("2026-01-01")


@pytest.fixture
def root(corrected, tmp_path):
    return store.open_workspace(shutil.copytree(corrected, tmp_path / "ws"))


def controls(box: widgets.VBox) -> dict[str, widgets.Widget]:
    found, todo = {}, [box]
    for part in todo:
        todo += getattr(part, "children", ())
        if getattr(part, "description", ""):
            found[part.description] = part
    return found


def said(box: widgets.VBox) -> str:
    found, todo = "", [box]
    for part in todo:
        todo += getattr(part, "children", ())
        found += part.value if isinstance(part, widgets.HTML) else ""
    return found.replace("\u00a0", " ")


def test_corrections_are_listed_in_words_narrowed_answered_and_taken_back(root):
    box = history.explorer(root, CYCLE, policies.correct)
    own = controls(box)
    words = [words for words, _ in own["Corrections"].options]
    assert len(words) == 2 and "outlier, TENT, 2023-09" in words[0] and "applied" in words[0]
    assert "2 corrections, 0 proposed" in said(box) and "<img" in said(box)
    own["Family"].value = "Tents"
    own["Layer"].value = "stockout"
    assert len(own["Corrections"].options) == 1
    own["Layer"].value = "outlier"
    name = own["Corrections"].options[0][1]
    own["Corrections"].value = (name,)
    outlier = store.read(root, "corrections", CYCLE).set_index("correction").loc[name, "quantity"]
    assert f"changes the history by +{-outlier:,.0f} units" in said(box)
    own["Refuse"].click()
    assert "your name is missing" in said(box)
    own["Your name"].value = "Ada"
    own["Refuse"].click()
    assert "the note is missing" in said(box)
    own["Note"].value = "a real order"
    own["Refuse"].click()
    assert f"learn from changes by +{-outlier:,.0f} units" in said(box)
    assert "refused by Ada" in own["Corrections"].options[0][0]
    own["Corrections"].value = (name,)
    own["Accept"].click()
    assert f"learn from changes by −{-outlier:,.0f} units" in said(box)
    assert "accepted by Ada" in own["Corrections"].options[0][0]
    kept = store.raw_table(root, "policies", CYCLE).sort_values("entered_at")
    assert kept["is_accepted"].tolist() == [True]  # of one key the later counts
    assert len(list((root / "data/raw/policies").glob("*.csv"))) == 2


def test_what_cannot_be_written_is_told_and_a_cycle_that_was_not_run_too(root):
    def fails(*_a, **_k):
        raise OSError("the disk is full")

    box = history.explorer(root, CYCLE, fails)
    own = controls(box)
    own["Accept"].click()
    assert "Choose at least one correction" in said(box)
    own["Corrections"].value = (own["Corrections"].options[0][1],)
    own["Your name"].value, own["Note"].value = "Ada", "why"
    own["Accept"].click()
    assert "Nothing was written: the disk is full" in said(box)
    box = history.explorer(root, months.shift(CYCLE, 1), policies.correct)
    assert "has not been made yet" in box.children[0].value
