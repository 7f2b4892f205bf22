"""Answers and the constrained plan: what moves, what does not fit, months in their order."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sopkit import contract, months, schema
from sopkit.demand import agreed

CYCLE = pd.Timestamp("2026-01-01")
SPAN = months.span(CYCLE, 4)
KEY = {"item": "A", "location": "North", "channel": "Web"}
PLAN = pd.DataFrame({"month": SPAN, "consensus": [10.0, 20.0, 30.0, 40.0]}).assign(**KEY)
RATES = pd.DataFrame([KEY]).assign(unit_price_value=2.5)


def raw(*rows: tuple, **more) -> pd.DataFrame:
    """Raw answers from (month, later month or None, units), by their place in the span."""
    table = pd.DataFrame(
        [(SPAN[a], pd.NaT if b is None else months.shift(CYCLE, b), c) for a, b, c in rows],
        columns=["month", "later_month", "quantity"],
    )
    table = table.assign(**KEY, cycle=CYCLE, feedback="FDTPW", state="accepted", author="Weber")
    table = table.assign(note="called", entered_at=CYCLE)
    like = contract.empty("answers")
    return table.assign(**more).reindex(columns=like.columns).astype(like.dtypes)


def applied(*rows: tuple, plan=PLAN, **more) -> tuple[list[float], pd.DataFrame]:
    made, table = agreed.applied(plan, raw(*rows, **more), RATES, cycle=CYCLE)
    contract.check_processed("agreed", table)
    return made["constrained"].tolist(), table


def test_units_move_or_are_dropped_and_consensus_stays_by_hand():
    made, table = applied((0, 1, 4.0), (2, None, 5.0))
    assert made == [6.0, 24.0, 25.0, 40.0]
    assert table["amount_value"].tolist() == [10.0, 12.5] and set(table["finding"]) == {""}
    assert PLAN["consensus"].tolist() == [10.0, 20.0, 30.0, 40.0] and "constrained" not in PLAN


def test_what_was_moved_into_a_month_can_be_moved_on():
    assert applied((1, 2, 22.0), (0, 1, 4.0))[0] == [6.0, 2.0, 52.0, 40.0]


def test_no_more_moves_than_is_planned_and_that_is_said():
    made, table = applied((0, 1, 12.0), (0, 2, 4.0))
    assert made == [0.0, 27.5, 32.5, 40.0]
    assert table["finding"].iloc[0] == "8 of 12 units: no more is planned there now"


@pytest.mark.parametrize(
    ("row", "more", "words"),
    [
        ((0, 1, 4.0), {"item": "B"}, "the plan holds no such series in 2026-01"),
        ((0, 9, 4.0), {}, "2026-10 is not planned"),
        ((1, 1, 4.0), {}, "no later than it is wanted"),
        ((0, 1, np.nan), {}, "names no quantity"),
    ],
)
def test_an_answer_that_moves_nothing_says_why(row, more, words):
    made, table = applied(row, **more)
    assert made == PLAN["consensus"].tolist()
    assert words in table["finding"].iloc[0] and table["quantity"].tolist() == [0.0]


def test_a_refused_line_keeps_what_was_accepted_before_and_other_cycles_move_nothing():
    assert applied((0, 1, 4.0), state="refused")[0] == [6.0, 24.0, 30.0, 40.0]
    made, table = applied((0, 1, np.nan), state="refused")
    assert made == PLAN["consensus"].tolist() and table["finding"].tolist() == [""]
    made, table = applied((0, 1, 4.0), cycle=months.shift(CYCLE, -1))
    assert made == PLAN["consensus"].tolist() and table.empty


def test_a_consensus_below_zero_stays():
    plan = PLAN.assign(consensus=[-3.0, 20.0, 30.0, 40.0])
    assert applied((0, 1, 4.0), plan=plan)[0] == [-3.0, 20.0, 30.0, 40.0]


moves = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 4), st.floats(0, 60)),
    max_size=6,
    unique_by=lambda m: m[:2],
)


@settings(max_examples=60, deadline=None)
@given(moves)
def test_every_unit_is_somewhere_and_none_is_below_zero(asked):
    rows = [(a, a + b if a + b < 4 else None, units) for a, b, units in asked]
    rows = list({row[:2]: row for row in rows}.values())
    made, table = applied(*rows)
    gone = table.loc[table["later_month"].isna(), "quantity"].sum()
    assert min(made) >= 0.0
    assert sum(made) + gone == pytest.approx(PLAN["consensus"].sum(), abs=1e-6)
    assert table["quantity"].sum() <= sum(units for *_, units in rows) + 1e-6


def test_order_of_rows_changes_nothing_and_no_answer_leaves_the_plan():
    rows = [(0, 1, 4.0), (1, 2, 3.0), (0, 2, 1.0)]
    one, other = applied(*rows), applied(*rows[::-1])
    assert one[0] == other[0]
    pd.testing.assert_frame_equal(one[1], other[1])
    made, table = agreed.applied(PLAN, contract.empty("answers"), RATES, cycle=CYCLE)
    assert made["constrained"].equals(PLAN["consensus"]) and list(table) == agreed.COLUMNS
    assert set(schema.PROCESSED["agreed"].columns) == set(table)


def test_of_two_answers_to_the_same_units_the_later_counts_and_remarks_come_first():
    first, later = raw((0, 1, 4.0)), raw((0, 1, 6.0), entered_at=CYCLE + pd.Timedelta(hours=1))
    for said in (pd.concat([first, later]), pd.concat([later, first])):
        made, table = agreed.applied(PLAN, said, RATES, cycle=CYCLE)
        assert made["constrained"].tolist() == [4.0, 26.0, 30.0, 40.0]
        assert table["quantity"].tolist() == [6.0]
    rows = pd.concat([raw((0, 1, 4.0)), raw((1, 2, 9.0), feedback="FB"),
                      raw((3, 9, 1.0), feedback="FC")])  # fmt: skip
    table = agreed.applied(PLAN, rows, RATES, cycle=CYCLE)[1]
    assert table["feedback"].tolist() == ["FC", "FB", "FDTPW"]


def test_what_was_refused_is_known_of_a_line_whose_last_answer_is_no():
    no = raw((0, 1, np.nan), (0, 2, np.nan), state="refused", refused_quantity=3.0)
    later = raw((0, 1, 3.0), entered_at=CYCLE + pd.Timedelta(hours=1))
    for said, kept in ((no, [3.0, 3.0]), (pd.concat([no, later]), [-1.0, -1.0])):
        table = agreed.applied(PLAN, said, RATES, cycle=CYCLE)[1]
        assert table["refused_quantity"].fillna(-1.0).tolist() == kept
