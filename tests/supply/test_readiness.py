"""Launches before their parts: by hand through several levels, and what the sample plants."""

from __future__ import annotations

import pandas as pd
import pytest

from sopkit import contract, months, sample
from sopkit.supply import readiness, sourcing

CYCLE = pd.Timestamp("2026-01-01")
SPAN = months.span(CYCLE, 18)
NAMES = ("items", "components", "suppliers", "inventory", "scheduled_receipts")


def typed(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    return {
        name: contract.check_table(name, tables[name], contract.Source(name)).frame
        if name in tables
        else contract.empty(name)
        for name in NAMES
    }


def late(**tables: list[dict]) -> pd.DataFrame:
    known = typed({name: pd.DataFrame(rows) for name, rows in tables.items()})
    members = pd.concat([known["items"]["item"], known["components"]["component"]])
    sources = sourcing.sources(members, known["items"], known["suppliers"])
    return readiness.late_launches(known, sources, SPAN)


STOCK = [{"item": "other", "month": "2025-12", "on_hand": 5}]
FRAME = {"item": "frame", "lead_time_days": 10, "is_purchased": False}
NEW = {"item": "new", "launch_month": "2026-03", "is_purchased": False, "lead_time_days": 60}
BILL = [
    {"item": "new", "component": "frame", "offset_months": 1},
    {"item": "frame", "component": "tube", "offset_months": 0},
]
URAL = [{"item": "tube", "supplier": "Ural", "lead_time_days": 120}]
COMPANY = {"items": [NEW, FRAME], "components": BILL, "suppliers": URAL, "inventory": STOCK}


def test_a_launch_waits_for_a_part_two_levels_down_and_the_chain_says_so():
    row = late(**COMPANY).iloc[0]
    # four months for the tube, then the frame a month before the item
    assert row["possible_month"] == pd.Timestamp("2026-06-01")
    assert (row["component"], row["supplier"], row["lead_months"]) == ("tube", "Ural", 5)
    assert row["chain"] == (
        "new, launch 2026-03 ← frame ← tube, 120 days from Ural, ordered now it comes in 2026-05, "
        "needed 1 month before"
    )


def test_a_made_part_takes_its_own_lead_time_after_its_parts():
    slow = [NEW, FRAME | {"lead_time_days": 60}]
    row = late(**COMPANY | {"items": slow}).iloc[0]
    assert row["possible_month"] == pd.Timestamp("2026-08-01") and row["lead_months"] == 7
    row = late(**COMPANY | {"items": slow, "suppliers": []}).iloc[0]
    assert row["component"] == "frame"
    assert row["possible_month"] == pd.Timestamp("2026-04-01")  # two months of making, one before


@pytest.mark.parametrize(
    "change",
    [
        {"items": [NEW | {"launch_month": "2026-06"}, FRAME]},
        {"items": [NEW | {"launch_month": "2025-12"}, FRAME]},
        {"inventory": [{"item": "tube", "month": "2025-12", "on_hand": 1}]},
        {"inventory": [{"item": "frame", "month": "2025-12", "on_hand": 1}]},
        {"inventory": []},
        {"suppliers": []},
        {"components": []},
        {"scheduled_receipts": [{"item": "tube", "month": "2026-02", "kind": "purchase"}]},
        {"scheduled_receipts": [{"item": "frame", "month": "2026-01", "kind": "production"}]},
    ],
    ids=[
        "just in time",
        "launched already",
        "tube in stock",
        "frame in stock",
        "no stock told",
        "no lead time told",
        "no bill",
        "tube comes in time",
        "frame comes in time",
    ],
)
def test_no_launch_is_late_whose_parts_can_be_there(change):
    for row in change.get("scheduled_receipts", []):
        row |= {"quantity": 9, "cycle": "2026-01"}
    table = late(**COMPANY | change)
    assert table.empty and table["launch_month"].dtype == months.DTYPE


def test_a_bought_launch_waits_for_itself():
    bought = {"item": "lamp", "launch_month": "2026-02", "is_purchased": True}
    terms = [{"item": "lamp", "supplier": "Lumen", "lead_time_days": 90}]
    row = late(items=[bought], suppliers=terms, inventory=STOCK).iloc[0]
    assert (row["component"], row["supplier"]) == ("lamp", "Lumen")
    assert row["possible_month"] == pd.Timestamp("2026-04-01")


@pytest.mark.parametrize("seed", [0, *(pytest.param(k, marks=pytest.mark.slow) for k in (1, 2))])
def test_the_late_component_of_the_sample_company_is_found(seed, sample_raw):
    known = typed(sample.tables(seed) if seed else sample_raw)
    members = pd.concat([known["items"]["item"], known["components"]["component"]])
    sources = sourcing.sources(members, known["items"], known["suppliers"])
    due = known["scheduled_receipts"]
    known["scheduled_receipts"] = due[due["cycle"] == CYCLE]
    row = readiness.late_launches(known, sources, SPAN)
    truth = sample.truths(seed)["late_component"]
    assert row[["item", "component"]].values.tolist() == [[truth["item"], truth["component"]]]
    assert row["chain"].iloc[0].count("Ural Titanium") == 1


def test_no_launch_of_the_clean_company_is_late():
    known = typed(sample.tables(0, is_clean=True))
    members = pd.concat([known["items"]["item"], known["components"]["component"]])
    sources = sourcing.sources(members, known["items"], known["suppliers"])
    assert readiness.late_launches(known, sources, SPAN).empty
