"""Decisions wanted, actions promised, assumptions held."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import contract
from sopkit.executive import register

CYCLE = pd.Timestamp("2026-01-01")


def typed(name: str, *rows: dict, **usual) -> pd.DataFrame:
    table = pd.DataFrame([usual | row for row in rows])
    checked = contract.check_table(name, table, contract.Source(name))
    assert not [finding for finding in checked.findings if finding.state == "breach"]
    return checked.frame


DECISIONS = typed(
    "decisions",
    {"decision": "D2", "decide_by": "2026-03-31"},
    {"decision": "D1", "decide_by": "2026-02-13"},
    {"decision": "D0", "decide_by": "2025-12-31", "cycle": "2025-12"},
    cycle="2026-01",
    statement="Which one?",
    owner="I. Petrova",
)
ACTIONS = typed(
    "actions",
    {"action": "T1", "due_month": "2025-12", "status": "open"},
    {"action": "T2", "due_month": "2026-01", "status": "open"},
    {"action": "T3", "due_month": "2025-11", "status": "open", "cycle": "2025-11"},
    {"action": "T3", "due_month": "2025-11", "status": "done"},
    cycle="2025-12",
    statement="Do it",
    owner="T. Brandt",
)
ASSUMPTIONS = typed(
    "assumptions",
    {"assumption": "A1", "quality": "green", "impact": "green", "expires_month": "2025-12"},
    {"assumption": "A2", "quality": "amber", "impact": "amber", "expires_month": "2026-01"},
    {"assumption": "A3", "quality": "red", "impact": "amber", "expires_month": None},
    {"assumption": "A4", "quality": "red", "impact": "red", "expires_month": "2026-12"},
    statement="It holds",
    owner="A. Lund",
    first_cycle="2025-07",
)
OPTIONS = typed(
    "options",
    {"decision": "D1", "option": "early", "cost_value": 5, "effect_value": 80},
    {"decision": "D1", "option": "late", "cost_value": 0, "effect_value": -60},
    {"decision": "D0", "option": "never"},
    statement="We would do this",
)
STATES = ["expired", "held", "held", "broken"]
ASSUMPTIONS = ASSUMPTIONS.assign(state=STATES, finding="", amount_value=[np.nan] * 3 + [7.0])
GIVEN = (DECISIONS, ACTIONS, ASSUMPTIONS)


def names(kind: str, given=GIVEN) -> list[str]:
    table = register.register(*given, cycle=CYCLE)
    return table.loc[table["kind"] == kind, "name"].tolist()


def row(name: str) -> pd.Series:
    return register.register(*GIVEN, cycle=CYCLE).set_index("name").loc[name]


# (1) by hand


def test_decisions_of_the_cycle_stand_by_their_deadline():
    assert names("decision") == ["D1", "D2"]
    assert row("D1")[["due", "status", "owner"]].tolist() == ["2026-02-13", "wanted", "I. Petrova"]


def test_an_open_action_past_its_month_is_overdue():
    assert row("T1")["status"] == "overdue"
    assert row("T2")["status"] == "open"  # due in the cycle month itself
    assert row("T2")["due"] == "2026-01"


def test_the_last_word_on_an_action_counts():
    assert row("T3")["status"] == "done"
    assert names("action").count("T3") == 1


def test_the_most_pressing_action_stands_first():
    assert names("action") == ["T1", "T2", "T3"]  # overdue, open, done


def test_what_is_broken_stands_first_then_what_is_void_then_the_shakiest():
    assert names("assumption") == ["A4", "A1", "A3", "A2"]
    assert row("A4")[["status", "quality", "impact", "amount_value"]].tolist() == [
        "broken",
        "red",
        "red",
        7.0,
    ]


def test_options_stand_beside_their_decision_with_their_money_by_hand():
    wanted = DECISIONS[DECISIONS["cycle"] == CYCLE]
    table = register.options_of(wanted, OPTIONS)
    columns = ["decision", "decide_by", "option", "cost_value", "effect_value"]
    assert table[columns].values.tolist()[:2] == [
        ["D1", "2026-02-13", "early", 5.0, 80.0],
        ["D1", "2026-02-13", "late", 0.0, -60.0],
    ]
    assert table["statement"].unique().tolist() == ["Which one?"]
    assert table["statement_option"].tolist()[:2] == ["We would do this"] * 2


def test_a_decision_without_options_is_not_lost():
    wanted = DECISIONS[DECISIONS["cycle"] == CYCLE]
    table = register.options_of(wanted, OPTIONS)
    assert table["decision"].tolist() == ["D1", "D1", "D2"]
    assert pd.isna(table["option"][2]) and np.isnan(table["cost_value"][2])


def test_at_most_five_decisions_are_put_to_executives_the_earliest_first():
    many = typed(
        "decisions",
        *[{"decision": f"D{k}", "decide_by": f"2026-02-{9 - k:02d}"} for k in range(8)],
        cycle="2026-01",
        statement="?",
        owner="x",
    )
    table = register.options_of(many, OPTIONS)
    assert table["decision"].drop_duplicates().tolist() == ["D7", "D6", "D5", "D4", "D3"]


# (3) invariants


def test_nothing_known_is_left_out_or_doubled():
    table = register.register(*GIVEN, cycle=CYCLE)
    assert table["kind"].value_counts().to_dict() == {"assumption": 4, "action": 3, "decision": 2}
    contract.check_processed("register", table)


def test_empty_tables_give_an_empty_register():
    empty = [contract.empty(name) for name in ("decisions", "actions", "assumptions")]
    empty[2] = empty[2].assign(state="", finding="", amount_value=0.0)
    table = register.register(*empty, cycle=CYCLE)
    assert table.empty
    contract.check_processed("register", table)
    assert register.options_of(empty[0], contract.empty("options")).empty


def test_the_order_of_rows_changes_nothing():
    shuffled = [table.sample(frac=1, random_state=3) for table in GIVEN]
    pd.testing.assert_frame_equal(
        register.register(*GIVEN, cycle=CYCLE), register.register(*shuffled, cycle=CYCLE)
    )


def test_arguments_are_not_changed():
    before = [table.copy() for table in (*GIVEN, OPTIONS)]
    register.register(*GIVEN, cycle=CYCLE)
    register.options_of(DECISIONS[DECISIONS["cycle"] == CYCLE], OPTIONS)
    for kept, argument in zip(before, (*GIVEN, OPTIONS), strict=True):
        pd.testing.assert_frame_equal(kept, argument)
