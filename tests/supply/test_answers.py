"""Answers to feedback: rows that are kept, what is refused, rounds, late beside the consensus."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months
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
    return found.assign(**money, author="", promised_quantity=0.0, remark="")[feedback.COLUMNS]


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


def said(*batches: tuple) -> pd.DataFrame:
    """Raw answers from batches (hour, author, {line: units, None where refused})."""
    parts = []
    for hour, author, lines in batches:
        part = pd.DataFrame(
            {"feedback": [*lines], "quantity": pd.Series([*lines.values()], dtype=float)}
        )
        state = part["quantity"].isna().map({True: "refused", False: "accepted"})
        at = pd.Timestamp("2026-01-05") + pd.Timedelta(hours=hour)
        parts.append(part.assign(state=state, author=author, entered_at=at, item=part["feedback"]))
    table = pd.concat(parts).assign(location="North", channel="Web", month=CYCLE, cycle=CYCLE)
    like = contract.empty("answers")
    return table.reindex(columns=like.columns).astype(like.dtypes)


def rounds(table: pd.DataFrame, lines=OPEN, cycle=CYCLE) -> list[list]:
    rates = pd.DataFrame({"item": ["FA", "FB"], "location": "North", "channel": "Web"})
    rates = rates.assign(unit_price_value=2.0, planning_factor=0.5)
    found = answers.rounds(table, lines, rates, cycle=cycle)
    contract.check_processed("feedback_rounds", found)
    names = "entered_at author accepted refused taken_back open quantity amount_value".split()
    return found[names].fillna(-1.0).to_numpy().tolist()


def test_rounds_tell_what_was_answered_then_and_no_later_answer_changes_them_by_hand():
    first = (9, "Keller", {"FA": 120.0, "FB": None})
    later = [(10, "Lund", {"FA": 385.0}), (11, "Lund", {"FA": 0.0, "FB": 5.0})]
    now = ["open now", "", 0, 0, 0, 2, 55.0, 110.0]
    assert rounds(said(first)) == [["2026-01-05 09:00", "Keller", 1, 1, 0, -1, 60.0, 240.0], now]
    assert rounds(said(first, *later)) == [
        ["2026-01-05 09:00", "Keller", 1, 1, 0, -1, 60.0, 240.0],
        ["2026-01-05 10:00", "Lund", 1, 0, 0, -1, 132.5, 530.0],
        ["2026-01-05 11:00", "Lund", 1, 0, 1, -1, -190.0, -760.0],
        now,
    ]


def test_rounds_of_another_cycle_are_none():
    old = said((9, "Keller", {"FA": 120.0}))
    nothing = [["open now", "", 0, 0, 0, 0, 0.0, 0.0]]
    assert rounds(old, OPEN.iloc[:0], months.shift(CYCLE, 1)) == nothing
    assert rounds(old.iloc[:0], OPEN.iloc[:0]) == nothing


def test_a_refusal_keeps_what_was_refused():
    rows = answers.rows(OPEN, {"FA": None}, ("FB",))
    assert rows["refused_quantity"].fillna(-1.0).tolist() == [-1.0, -1.0, -1.0, 5.0]
