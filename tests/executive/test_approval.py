"""Gates as the meetings leave them."""

from __future__ import annotations

import pandas as pd
import pytest

from sopkit.executive import approval

CYCLE = pd.Timestamp("2026-01-01")


def closings(*rows: tuple) -> pd.DataFrame:
    """Rows ``step, revision, state`` in the order in which they were said."""
    table = pd.DataFrame(rows, columns=["step", "revision", "state"])
    said = pd.date_range("2026-01-10", periods=len(rows), unit="us")
    return table.assign(
        cycle=CYCLE, revision=table["revision"].astype(float), author="R. Osei", note="why",
        entered_at=said,
    )  # fmt: skip


def test_a_gate_is_what_was_said_of_its_last_revision_whatever_the_order_of_rows():
    rows = closings(
        ("demand_review", 1, "closed"), ("demand_review", 1, "reopened"),
        ("demand_review", 2, "closed"), ("supply_review", 1, "closed"),
        ("supply_review", 1, "reopened"),
    )  # fmt: skip
    for seed in range(5):
        known = approval.gates(rows.sample(frac=1.0, random_state=seed), cycle=CYCLE)
        assert (known["demand_review"].state, known["demand_review"].revision) == ("closed", 2)
        assert (known["supply_review"].state, known["supply_review"].revision) == ("reopened", 1)
        assert known["data_review"] == approval.Gate("data_review")
    later = approval.gates(rows, cycle=pd.Timestamp("2026-02-01"))
    assert {gate.state for gate in later.values()} == {"open"}


def test_closing_waits_for_what_a_step_rests_on_and_happens_once():
    known = approval.gates(closings(("data_review", 1, "closed")), cycle=CYCLE)
    assert approval.objection_to_closing(known, "demand_review", ("data_review",)) == ""
    waiting = ("data_review", "demand_review", "product_review")
    why = approval.objection_to_closing(known, "executive_review", waiting)
    assert "approve the plan with open steps: demand_review, product_review" in why
    assert "First: sopkit close demand_review" in why
    again = approval.objection_to_closing(known, "data_review", ())
    assert "closed already: revision 1, closed by R. Osei on 2026-01-10" in again
    assert "sopkit reopen data_review" in again


def test_reopening_needs_a_closed_step_of_a_plan_that_is_not_approved():
    steps = list(approval.SUBJECTS)
    whole = closings(*((step, 1, "closed") for step in steps))
    known = approval.gates(whole, cycle=CYCLE)
    assert approval.is_approved(known)
    why = approval.objection_to_reopening(known, "demand_review", CYCLE)
    assert "approved by R. Osei" in why and "belongs to cycle 2026-02" in why
    some = approval.gates(whole.iloc[:-1], cycle=CYCLE)
    assert not approval.is_approved(some)
    assert approval.objection_to_reopening(some, "demand_review", CYCLE) == ""
    none = approval.gates(whole.iloc[:0], cycle=CYCLE)
    assert "not closed" in approval.objection_to_reopening(none, "demand_review", CYCLE)


@pytest.mark.parametrize(
    ("rows", "step", "words"),
    [
        ((), "data_review", ""),
        ((), "demand_review", "preliminary: data not agreed"),
        ((), "supply_review", "preliminary: data and demand not agreed"),
        ((("data_review", 1, "closed"),), "supply_review", "preliminary: demand not agreed"),
        ((("data_review", 3, "closed"),), "data_review", "revision 3, closed by R. Osei on"),
        ((("executive_review", 1, "closed"),), "executive_review", "approved: revision 1, appro"),
        (
            (("supply_review", 1, "closed"), ("supply_review", 1, "reopened")),
            "supply_review",
            "preliminary: data and demand not agreed; revision 1 was reopened by R. Osei on",
        ),
    ],
)
def test_a_page_says_what_it_rests_on(rows, step, words):
    rests_on = {
        "demand_review": ("data_review",),
        "supply_review": ("data_review", "demand_review"),
    }
    known = approval.gates(closings(*rows), cycle=CYCLE)
    said = approval.stamp(known, step, rests_on.get(step, ()))
    assert said.startswith(words) and bool(said) == bool(words)
