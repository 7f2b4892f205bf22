"""What is not ready for a launch, each check by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months
from sopkit.demand import launch_status

CYCLE = pd.Timestamp("2026-01-01")
SPAN = months.span(CYCLE, 12)


def month(text: str) -> pd.Timestamp:
    return pd.Timestamp(f"{text}-01")


def raw(name: str, *rows: dict) -> pd.DataFrame:
    return contract.check_table(name, pd.DataFrame(list(rows)), contract.Source(name)).frame


def status(**change) -> pd.DataFrame:
    """N is launched in March like A, at 100 units a month and 10 each, all ready."""
    first = change.pop("first", "2026-03")
    listed = [{"item": "A", "family": "Tents"}, {"item": "N", "family": "Tents"}]
    listed[1] |= {"launch_month": first} if first else {}
    event = {"event": "Fair", "kind": "promotion", "first_month": "2026-04", "family": "Tents"}
    tables = {
        "launches": raw(
            "launches",
            {"item": "N", "like_item": "A", "weight_share": 1, "stage": "pilot", "owner": "Ada"},
        ),
        "items": raw("items", *listed),
        "events": raw("events", event | {"last_month": "2026-04", "expected_rate": 0.2}),
        "demand_history": pd.DataFrame({"item": ["A"], "sales": [5.0]}),
        "money_rates": pd.DataFrame({"item": ["N"], "unit_price_value": [10.0]}),
    }
    hours = {"item": "N", "resource": "saw", "month": SPAN[2:4], "needed_hours": [50.0, 80.0]}
    known = {
        "promise": pd.DataFrame({"item": "N", "month": SPAN[2:], "quantity": 100.0}),
        "ready": pd.DataFrame(
            {"item": ["N"], "possible_month": SPAN[:1], "lead_months": 1, "chain": "N"}
            | {"amount_value": [0.0]}
        ),
        "hours": pd.DataFrame(hours | {"free_hours": 100.0}),
    }
    known = {name: change.pop(name, table) for name, table in known.items()}
    table = launch_status.launch_status(tables | change, **known, cycle=CYCLE)
    contract.check_processed("launch_status", table)
    return table.set_index("check")


def test_a_launch_that_is_ready_says_so_and_when_its_parts_must_be_ordered():
    table = status()
    assert set(table["state"]) == {"ready"} and len(table) == 6
    assert table.loc["component", "due_month"] == month("2026-02")
    assert set(table["stage"]) == {"pilot"} and set(table["owner"]) == {"Ada"}
    assert launch_status.exceptions(table.reset_index(), 0.0).empty


@pytest.mark.parametrize(
    ("check", "change", "words", "amount"),
    [
        ("launch month", {"first": None}, "no launch_month", np.nan),
        ("launch month", {"first": "2025-11"}, "nothing is sold yet", np.nan),
        (
            "component",
            {
                "ready": pd.DataFrame(
                    {"item": ["N"], "possible_month": SPAN[4:5], "lead_months": 4, "chain": "C"}
                    | {"amount_value": [2000.0]}
                )
            },
            "possible from 2026-05: C",
            2000.0,
        ),
        (
            "capacity",
            {
                "hours": pd.DataFrame(
                    {"item": "N", "resource": "saw", "month": SPAN[2:4]}
                    | {"needed_hours": [50.0, 80.0], "free_hours": [60.0, 20.0]}
                )
            },
            "saw lacks 60 of 80 hours in 2026-04",
            750.0,
        ),
        (
            "price",
            {"money_rates": pd.DataFrame({"item": ["N"], "unit_price_value": [np.nan]})},
            "no price",
            np.nan,
        ),
        (
            "like items",
            {"demand_history": pd.DataFrame({"item": ["B"], "sales": [5.0]})},
            "A never sold",
            10000.0,
        ),
        ("marketing event", {"first": "2026-08"}, "no promotion covers it", np.nan),
    ],
)
def test_what_is_not_ready_says_why_and_what_hangs_on_it(check, change, words, amount):
    row = status(**change).loc[check]
    assert row["state"] == "not ready" and words in row["finding"]
    assert row["amount_value"] == pytest.approx(amount, nan_ok=True)
    found = launch_status.exceptions(status(**change).reset_index(), 1000.0)
    assert "Launch N" in found["subject"].tolist() and check in found["finding"].iloc[0]


def test_like_items_whose_weights_are_not_one_say_what_is_planned():
    row = {"item": "N", "like_item": "A", "weight_share": 0.6, "replaces_item": "A"}
    known = [row, row | {"like_item": "X", "weight_share": 0.4}, row | {"item": "M"}]
    table = status(launches=raw("launches", *known)).reset_index()
    table = table[(table["item"] == "N") & (table["check"] == "like items")].iloc[0]
    assert table["state"] == "not ready" and table["finding"] == (
        "X never sold; planned from 60% of what it is like; "
        "M replaces the same item: both share what it still sells"
    )


def test_pages_show_a_launch_a_row_with_all_that_is_not_ready():
    known = [{"item": name, "like_item": "A", "weight_share": 1} for name in "MN"]
    table = status(launches=raw("launches", *known))
    rows = launch_status.by_launch(table.reset_index())
    assert rows["item"].tolist() == ["M", "N"]  # nothing is known of M
    assert rows.loc[0, ["price", "capacity"]].tolist() == ["not ready", "unknown"]
    assert "launch month: items.csv has no launch_month" in rows.loc[0, "finding"]
    assert rows.loc[1, launch_status.CHECKS].tolist() == ["ready"] * 6
    assert rows.loc[1, "finding"] == ""
    assert launch_status.by_launch(table.reset_index().iloc[:0]).empty


def test_what_no_table_tells_is_unknown():
    table = status(
        ready=pd.DataFrame({"item": []}),
        hours=pd.DataFrame({"item": [], "free_hours": []}),
        events=contract.empty("events"),
    )
    unknown = table[table["state"] == "unknown"]
    assert sorted(unknown.index) == ["capacity", "component", "marketing event"]


def test_an_item_that_sells_or_no_launch_at_all_has_no_row():
    sold = pd.DataFrame({"item": ["A", "N"], "sales": [5.0, 1.0]})
    assert status(demand_history=sold).empty
    assert status(launches=contract.empty("launches")).empty


def test_the_last_year_is_repeated_over_two():
    past = pd.DataFrame({"item": "A", "location": "all", "channel": "all"}, index=range(24))
    past = past.assign(month=months.closed(CYCLE, 24), baseline=np.arange(24.0))
    ahead = launch_status.as_last_year(past, cycle=CYCLE).sort_values("month")
    assert ahead["quantity"].tolist() == [*range(12, 24)] * 2
    assert ahead["month"].tolist() == list(months.span(CYCLE, 24))
