"""The explorer of feedback: lines listed, what accepting them makes of the plan, what is kept."""

from __future__ import annotations

import ipywidgets as widgets
import numpy as np
import pandas as pd
import pytest

from sopkit import contract, gates, months, publication, schema, store
from sopkit.explore import feedback
from sopkit.supply.feedback import COLUMNS

CYCLE = pd.Timestamp("2026-01-01")
MAY, JUNE = pd.Timestamp("2026-05-01"), pd.Timestamp("2026-06-01")


@pytest.fixture
def root(tmp_path):
    """Two items in two channels; a part of May comes in June, and 20 of the lamps never."""
    raw = tmp_path / "data/raw"
    raw.mkdir(parents=True)
    (raw / "sales.csv").write_text("item,month,quantity\nTENT,2025-12,5\n")
    (raw / "items.csv").write_text("item,description,family\nTENT,Big tent,Tents\nLAMP,,Lamps\n")
    (raw / "channels.csv").write_text("channel,owner\nWeb,Ada\nShop,\n")
    (raw / "locations.csv").write_text("location,owner\nNorth,Ole\n")
    rows = [("FTTTT", "TENT", "Web", JUNE, 30.0), ("FLLLL", "LAMP", "Shop", pd.NaT, 20.0)]
    lines = pd.DataFrame(rows, columns=["feedback", "item", "channel", "later_month", "quantity"])
    lines = lines.assign(
        location="North", site="North", month=MAY, amount_value=10.0 * lines["quantity"],
        cause="hours", limit="saw", state="open", author="", note="",
        promised_quantity=0.0, remark="",
    )  # fmt: skip
    plan = lines[schema.SERIES].merge(pd.DataFrame({"month": months.span(CYCLE, 6)}), how="cross")
    plan = plan.assign(statistical=50.0, events=0.0, departments=0.0, overrides=0.0)
    rates = plan[schema.SERIES].drop_duplicates().assign(unit_price_value=10.0)
    units = pd.DataFrame({"item": ["TENT", "LAMP"], "planning_factor": 1.0, "planning_unit": "pcs"})
    tables = {
        "demand_plan": plan.assign(consensus=50.0, constrained=50.0), "feedback": lines[COLUMNS],
        "money_rates": rates.assign(unit_cost_value=np.nan, price_source=""),
        "planning_units": units,
        "agreed": pd.DataFrame(columns=schema.PROCESSED["agreed"].columns),
    }  # fmt: skip
    for name, table in tables.items():
        contract.check_processed(name, table)
        publication.write_parquet(table, publication.folder(tmp_path, CYCLE) / f"{name}.parquet")
    return tmp_path


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


def test_lines_are_listed_in_words_and_narrowed_by_channel_owner_and_family(root):
    box = feedback.explorer(root, CYCLE, gates.revise)
    own = controls(box)
    words = [words.replace("\u00a0", " ") for words, _ in own["Lines"].options]
    assert words == [
        "FTTTT  Big tent, Web, 2026-05 → 2026-06: 30, 300 money (hours: saw), open",
        "FLLLL  LAMP, Shop, 2026-05 → not within the plan: 20, 200 money (hours: saw), open",
    ]
    own["Family"].value = "Lamps"
    assert [line for _, line in own["Lines"].options] == ["FLLLL"]
    own["Family"].value, own["Owner"].value = "all", "Ada"
    assert [line for _, line in own["Lines"].options] == ["FTTTT"]
    own["Owner"].value = "Ole"  # the place's, where the channel has nobody
    assert [line for _, line in own["Lines"].options] == ["FLLLL"]


def test_what_is_chosen_is_seen_in_the_plan_before_it_is_kept(root):
    tables = feedback.load(root, CYCLE)
    plan = feedback.preview(tables, {"FTTTT": 10.0, "FLLLL": None})
    moved = (plan["constrained"] - plan["consensus"])[lambda change: change.abs() > 1e-9]
    assert moved.tolist() == [-10.0, 10.0, -20.0]
    box = feedback.explorer(root, CYCLE, gates.revise)
    own = controls(box)
    assert "Chosen: 0" in said(box) and "Nothing is agreed yet" in said(box)
    own["Lines"].value = ("FTTTT", "FLLLL")
    assert "Chosen: 2, worth 500 money" in said(box) and "<img" in said(box)
    assert own["Part, units"].disabled
    own["Lines"].value, own["Part, units"].value = ("FTTTT",), 31.0
    assert "line FTTTT holds 30 units, not 31" in said(box)
    assert not (root / "data/raw/answers").exists()


def test_answers_are_kept_as_the_command_keeps_them_and_can_be_taken_back(root):
    box = feedback.explorer(root, CYCLE, gates.revise)
    own = controls(box)
    own["Accept"].click()
    assert "Choose at least one line" in said(box)
    own["Lines"].value = ("FTTTT",)
    own["Accept"].click()
    assert "your name is missing" in said(box)
    own["Your name"].value, own["Note"].value, own["Part, units"].value = "Weber", "called", 12.0
    own["Accept"].click()
    assert "1 accepted, written to data/raw/answers/2026-01_Weber" in said(box)
    assert own["Lines"].value == () and "<img" in said(box)  # what is kept is in the picture
    own["Lines"].value = ("FLLLL",)
    own["Refuse"].click()
    kept = store.raw_table(root, "answers", CYCLE).set_index("feedback")
    assert kept["state"].to_dict() == {"FTTTT": "accepted", "FLLLL": "refused"}
    assert kept["quantity"].loc["FTTTT"] == 12.0 and set(kept["note"]) == {"called"}
    own["Lines"].value = ("FTTTT",)
    own["Take back"].click()
    kept = store.raw_table(root, "answers", CYCLE).query("feedback == 'FTTTT'")
    assert kept.sort_values("entered_at")["quantity"].tolist() == [12.0, 0.0]
    assert "<img" not in said(box)


def test_what_cannot_be_written_is_told_and_a_cycle_that_was_not_run_too(root):
    def fails(*_a, **_k):
        raise OSError("the disk is full")

    box = feedback.explorer(root, CYCLE, fails)
    own = controls(box)
    own["Lines"].value, own["Your name"].value = ("FTTTT",), "Weber"
    own["Accept"].click()
    assert "Nothing was written: the disk is full" in said(box)
    box = feedback.explorer(root, months.shift(CYCLE, 1), gates.revise)
    assert "has not been made yet" in box.children[0].value
