"""Answers to feedback: rows that are kept, what is refused, rounds, late beside the consensus."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months
from sopkit.demand import agreed
from sopkit.supply import answers, feedback

CYCLE = pd.Timestamp("2026-01-01")
SPAN = months.span(CYCLE, 3)


def table(*rows: tuple) -> pd.DataFrame:
    """Table `feedback` from (line, location, months later or None, units, state)."""
    found = pd.DataFrame(rows, columns=["feedback", "location", "later", "quantity", "state"])
    later = [pd.NaT if np.isnan(n) else months.shift(CYCLE, int(n)) for n in found["later"]]
    found = found.assign(later_month=pd.Series(later, dtype=months.DTYPE), month=CYCLE)
    found = found.assign(item=found["feedback"].str[-1], channel="Web", site="plant", note="")
    money = {"amount_value": 2.0 * found["quantity"], "cause": "hours", "limit": "saw"}
    return found.assign(**money, author="")[feedback.COLUMNS]


OPEN = table(("FA", "North", 1, 30.0, "open"), ("FA", "South", 1, 10.0, "open"),
             ("FA", "South", None, 10.0, "open"), ("FB", "North", 2, 5.0, "open"))  # fmt: skip


def kept(lines, accepted=None, refused=()) -> dict[tuple, tuple]:
    rows = answers.rows(lines, accepted or {}, refused)
    written = rows.assign(cycle=CYCLE, author="Weber", note="", entered_at="2026-01-05T09:00Z")
    text = pd.DataFrame({name: written[name].astype("str") for name in written})
    text = text.replace({"nan": "", "NaT": ""})
    found = contract.check_table("answers", text, contract.Source("answers"))
    assert not found.findings
    at = zip(rows["feedback"], rows["location"], rows["later_month"].notna(), strict=True)
    said = zip(rows["state"], rows["quantity"].fillna(-1.0), strict=True)
    return dict(zip(at, said, strict=True))


def test_a_line_is_accepted_with_all_its_rows_or_in_part_by_hand():
    whole = kept(OPEN, {"FA": None})
    assert whole == {
        ("FA", "North", True): ("accepted", 30.0),
        ("FA", "South", True): ("accepted", 10.0),
        ("FA", "South", False): ("accepted", 10.0),
    }
    part = kept(OPEN, {"FA": 25.0})
    assert [units for _, units in part.values()] == [15.0, 5.0, 5.0]


def test_all_is_every_open_line_that_is_not_named_otherwise():
    said = kept(OPEN, {"all": None}, ("FB",))
    assert {key[0]: state for key, (state, _) in said.items()} == {
        "FA": "accepted",
        "FB": "refused",
    }
    assert said["FB", "North", True] == ("refused", -1.0)  # blank


def test_a_further_round_adds_to_what_was_accepted_and_a_refusal_keeps_it():
    lines = table(("FB", "North", 2, 5.0, "accepted"), ("FB", "North", 2, 3.0, "open"))
    assert kept(lines, {"FB": None}) == {("FB", "North", True): ("accepted", 8.0)}
    assert kept(lines, {}, ("FB",)) == {("FB", "North", True): ("refused", 5.0)}
    assert kept(lines, {"FB": 0.0}) == {("FB", "North", True): ("accepted", 0.0)}


def test_a_refused_line_can_be_accepted_and_an_answer_taken_back():
    lines = table(("FB", "North", 2, 5.0, "refused"))
    assert kept(lines, {"FB": None}) == {("FB", "North", True): ("accepted", 5.0)}
    assert kept(lines, {"FB": 0.0}) == {("FB", "North", True): ("accepted", 0.0)}


@pytest.mark.parametrize(
    ("accepted", "refused", "words"),
    [
        ({"FC": None}, (), "no line 'FC'.*FA"),
        ({"FA": 51.0}, (), "line FA holds 50 units, not 51"),
        ({"FA": -1.0}, (), "holds 50 units, not -1"),
        ({"FA": float("nan")}, (), "holds 50 units"),
        ({"FA": None}, ("FA",), "FA is both accepted and refused"),
        ({"FY": None}, (), "FY was accepted by Weber already. To take it back: --accept FY=0"),
        ({}, ("FN",), "FN was refused by Weber already"),
    ],
)
def test_an_answer_that_cannot_be_meant_is_refused_in_words(accepted, refused, words):
    said = table(("FY", "North", 2, 5.0, "accepted"), ("FN", "North", 2, 5.0, "refused"))
    lines = pd.concat([OPEN, said.assign(author="Weber")], ignore_index=True)
    with pytest.raises(months.UsageError, match=words):
        answers.rows(lines, accepted, refused)


def test_all_of_nothing_is_refused_in_words():
    with pytest.raises(months.UsageError, match="no line is open"):
        answers.rows(OPEN.iloc[:0], {"all": None}, ())
    with pytest.raises(months.UsageError, match="no line 'FA'. Nothing is late"):
        answers.rows(OPEN.iloc[:0], {"FA": None}, ())


def test_rounds_are_batches_and_the_last_row_is_open_by_hand():
    said = pd.concat([OPEN, table(("FC", "North", 1, 0.0, "open"))], ignore_index=True)
    said = said.assign(
        state=["accepted"] * 3 + ["refused", "accepted"],
        author=["Weber"] * 4 + ["Lund"],
        entered_at=pd.to_datetime(["2026-01-05 09:30"] * 4 + ["2026-01-06 00:00"]),
        finding="",
    )[agreed.COLUMNS]
    found = answers.rounds(said, table(("FD", "North", 1, 7.0, "open")))
    contract.check_processed("feedback_rounds", found)
    names = ["round", "entered_at", "author", "accepted", "refused", "open", "quantity"]
    assert found[names].to_numpy().tolist() == [
        [1, "2026-01-05 09:30", "Weber", 1, 1, 0, 55.0],
        [2, "2026-01-06 00:00", "Lund", 1, 0, 0, 0.0],
        [3, "open now", "", 0, 0, 1, 7.0],
    ]
    nothing = answers.rounds(said.iloc[:0], OPEN.iloc[:0])
    assert nothing[["open", "quantity", "amount_value"]].to_numpy().tolist() == [[0, 0.0, 0.0]]
