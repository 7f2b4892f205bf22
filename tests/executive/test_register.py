"""Decisions, actions, assumptions, risks: carried from cycle to cycle."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

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
    {"decision": "D3", "decide_by": "2026-04-01", "cycle": "2025-12"},
    {"decision": "D4", "decide_by": "2025-11-28", "cycle": "2025-11"},
    {"decision": "D5", "decide_by": "2025-12-28", "cycle": "2025-12"},
    {"decision": "D5", "decide_by": "2026-02-28"},
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
    {"decision": "D1", "option": "late", "cost_value": 0, "effect_value": -60, "scenario": "late"},
    {"decision": "D3", "option": "wait", "cost_value": 0, "effect_value": -6000},
    {"decision": "D0", "option": "never"},
    statement="We would do this",
)
CHOICES = typed(
    "choices",
    {"decision": "D3", "option": "go", "entered_at": "2025-12-17"},
    {"decision": "D3", "option": "wait", "entered_at": "2025-12-18"},
    {"decision": "D4", "option": "go", "cycle": "2025-11"},
    {"decision": "D5", "option": "go", "cycle": "2025-12"},
    cycle="2025-12",
    author="M. Keller",
    entered_at="2025-12-18",
)
RISKS = typed(
    "risks",
    {"risk": "R1", "effect_value": -900, "probability_rate": 0.2, "first_month": "2026-05"},
    {"risk": "R2", "effect_value": 300, "probability_rate": 0.9, "kind": "opportunity"},
    {"risk": "R3", "effect_value": -9000, "probability_rate": 0.5, "last_month": "2025-12"},
    {"risk": "R4", "effect_value": -9000, "probability_rate": 0.5, "cycle": "2025-12"},
    {"risk": "R4", "effect_value": -100, "probability_rate": 0.5},
    cycle="2026-01",
    kind="risk",
    statement="It rains",
    owner="A. Lund",
)
STATES = ["expired", "held", "held", "broken"]
ASSUMPTIONS = ASSUMPTIONS.assign(state=STATES, finding="", amount_value=[np.nan] * 3 + [7.0])
TABLES = {"decisions": DECISIONS, "options": OPTIONS, "choices": CHOICES, "actions": ACTIONS}
TABLES |= {"risks": RISKS, "decided": pd.DataFrame({"scenario": ["slow"]})}
OUTCOMES = pd.DataFrame({"action": ["T3"], "words": ["kept: all of it"], "measured": 2.0})
AS_IT_WAS = "; its option names no scenario, so the plan is as it was"
NO_SCENARIOS = pd.DataFrame({"scenario": [], "kpi": [], "difference": []})


def told(tables=TABLES, assumptions=ASSUMPTIONS) -> pd.DataFrame:
    return register.register(tables, assumptions, OUTCOMES, cycle=CYCLE)


def names(kind: str) -> list[str]:
    table = told()
    return table.loc[table["kind"] == kind, "name"].tolist()


def row(name: str) -> pd.Series:
    return told().set_index("name").loc[name]


# (1) by hand


def test_decisions_stand_by_urgency_until_somebody_chooses():
    assert names("decision") == ["D0", "D1", "D5", "D2", "D3"]
    assert row("D0")["status"] == "overdue"  # of the last cycle, nobody chose
    assert row("D1")[["due", "status", "owner"]].tolist() == ["2026-02-13", "wanted", "I. Petrova"]
    assert row("D5")["status"] == "wanted"  # put again in this cycle, the old choice is void


def test_a_decision_of_the_last_cycle_tells_who_chose_what_and_its_money():
    own = row("D3")
    assert own["status"] == "decided"  # D4 was decided a cycle before and is told no more
    assert own["finding"] == "wait: We would do this (M. Keller); cost 0; gain −6,000" + AS_IT_WAS
    assert (own["cost_value"], own["effect_value"]) == (0.0, -6000.0)


def test_an_option_chosen_that_nobody_described_is_told_by_its_name():
    table = told(TABLES | {"options": OPTIONS[:0]}).set_index("name")
    assert table.loc["D3", "finding"] == "wait (M. Keller)" + AS_IT_WAS


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        ("slow", "; in the plan as scenario slow"),
        ("gone", "; its scenario gone is no part of the plan"),
        (None, AS_IT_WAS),
    ],
)
def test_a_decision_says_whether_the_plan_holds_it(scenario, words):
    options = OPTIONS.assign(scenario=scenario)
    finding = told(TABLES | {"options": options}).set_index("name").loc["D3", "finding"]
    assert finding.endswith("gain −6,000" + words)


def test_an_open_action_is_due_in_its_month_and_overdue_past_it():
    assert row("T1")["status"] == "overdue"
    assert row("T2")["status"] == "due"
    assert row("T2")["due"] == "2026-01"


def test_the_last_word_on_an_action_counts_with_its_outcome():
    assert row("T3")[["status", "finding"]].tolist() == ["done", "kept: all of it"]
    assert names("action").count("T3") == 1


def test_the_most_pressing_action_stands_first():
    assert names("action") == ["T1", "T3", "T2"]  # overdue, measured, due
    unmeasured = OUTCOMES.assign(measured=np.nan)
    table = register.register(TABLES, ASSUMPTIONS, unmeasured, cycle=CYCLE)
    assert table.query("kind == 'action'")["name"].tolist() == ["T1", "T2", "T3"]


def test_an_old_action_comes_back_when_its_effect_can_first_be_measured():
    old = typed(
        "actions",
        {"action": "T8", "effect_last_month": "2025-12"},
        {"action": "T9", "effect_last_month": "2025-10"},
        cycle="2025-06",
        statement="Do it",
        owner="T. Brandt",
        due_month="2025-06",
        status="done",
    )
    table = told(TABLES | {"actions": old})
    assert table.loc[table["kind"] == "action", "name"].tolist() == ["T8"]


def test_what_is_broken_stands_first_then_what_is_void_then_the_shakiest():
    assert names("assumption") == ["A4", "A1", "A3", "A2"]
    assert row("A4")[["status", "quality", "impact", "amount_value"]].tolist() == [
        "broken",
        "red",
        "red",
        7.0,
    ]


def test_risks_are_weighed_and_what_has_passed_is_told_as_passed():
    table = told().query("kind in ['risk', 'opportunity']")
    assert table["name"].tolist() == ["R2", "R1", "R4", "R3"]
    assert table["amount_value"].tolist() == [270.0, -180.0, -50.0, -4500.0]
    assert table["status"].tolist() == ["open", "open", "open", "passed"]
    assert table["due"].tolist() == ["", "2026-05 on", "", "until 2025-12"]


def test_options_stand_beside_their_decision_with_their_money_by_hand():
    scenarios = pd.DataFrame(
        [("late", "contribution_value", -40.0), ("late", "revenue_value", 9.0)],
        columns=["scenario", "kpi", "difference"],
    )
    table = register.options_of(TABLES, scenarios, cycle=CYCLE)
    words = table[["decision", "decide_by", "option"]].values.tolist()
    assert words[0] == ["D0", "2025-12-31 (overdue)", "never"]
    assert words[1] == ["D1", "2026-02-13", "early"]
    money = table[["cost_value", "effect_value", "model_value"]]
    assert money.fillna(-1.0).values.tolist()[:3] == [[-1, -1, -1], [5, 80, -1], [0, -60, -40]]
    assert table["statement"].unique().tolist() == ["Which one?"]
    assert table["statement_option"].tolist()[:3] == ["We would do this"] * 3
    contract.check_processed("decision_options", table)


def test_a_decision_without_options_is_not_lost_and_a_decided_one_is_not_asked():
    table = register.options_of(TABLES, NO_SCENARIOS, cycle=CYCLE)
    assert table["decision"].tolist() == ["D0", "D1", "D1", "D5", "D2"]
    assert pd.isna(table["option"][4]) and np.isnan(table["cost_value"][4])


def test_at_most_five_decisions_are_put_to_executives_the_earliest_first():
    many = typed(
        "decisions",
        *[{"decision": f"D{k}", "decide_by": f"2026-02-{9 - k:02d}"} for k in range(8)],
        cycle="2026-01",
        statement="?",
        owner="x",
    )
    tables = TABLES | {"decisions": many, "choices": CHOICES[:0]}
    table = register.options_of(tables, NO_SCENARIOS, cycle=CYCLE)
    assert table["decision"].drop_duplicates().tolist() == ["D7", "D6", "D5", "D4", "D3"]


# (3) invariants


def test_nothing_known_is_left_out_or_doubled():
    table = told()
    counts = {"assumption": 4, "action": 3, "decision": 5, "risk": 3, "opportunity": 1}
    assert table["kind"].value_counts().to_dict() == counts
    contract.check_processed("register", table)


def test_empty_tables_give_an_empty_register():
    empty = {name: contract.empty(name) for name in TABLES if name != "decided"}
    empty |= {"decided": pd.DataFrame({"scenario": []})}
    held = contract.empty("assumptions").assign(state="", finding="", amount_value=0.0)
    table = register.register(empty, held, OUTCOMES[:0], cycle=CYCLE)
    assert table.empty
    contract.check_processed("register", table)
    options = register.options_of(empty, NO_SCENARIOS, cycle=CYCLE)
    assert options.empty
    contract.check_processed("decision_options", options)


def test_the_order_of_rows_changes_nothing():
    mixed = {name: table.sample(frac=1, random_state=3) for name, table in TABLES.items()}
    shuffled = told(mixed, ASSUMPTIONS.sample(frac=1, random_state=3))
    pd.testing.assert_frame_equal(told(), shuffled)


def test_arguments_are_not_changed():
    before = {name: table.copy() for name, table in TABLES.items()}
    told()
    register.options_of(TABLES, NO_SCENARIOS, cycle=CYCLE)
    for name, table in TABLES.items():
        pd.testing.assert_frame_equal(before[name], table)


def test_news_tells_what_came_to_an_end_and_was_decided_before_what_is_under_way():
    rows = [
        ("action", "open"), ("action", "done"), ("decision", "wanted"), ("decision", "decided"),
        ("risk", "open"), ("action", "overdue"), ("action", "due"), ("assumption", "held"),
    ]  # fmt: skip
    told = register.news(pd.DataFrame(rows, columns=["kind", "status"]))
    assert told["status"].tolist() == ["overdue", "done", "decided", "due", "open"]
    assert set(told["kind"]) == {"action", "decision"}
