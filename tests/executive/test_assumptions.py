"""Assumptions: held, broken, expired, untested; a test is a formula and never runs as code."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months
from sopkit.executive import assumptions

CYCLE = pd.Timestamp("2026-01-01")
SPAN = months.span(pd.Timestamp("2024-01-01"), 24)
AHEAD = months.span(CYCLE, 24)


def sold(tents: float = 10.0, stoves: float = 5.0) -> pd.DataFrame:
    """Twenty-four months of two families; tents grow to double in the second year."""
    parts = [
        pd.DataFrame({"month": SPAN, "family": "Tents", "amount": [tents] * 12 + [2 * tents] * 12}),
        pd.DataFrame({"month": SPAN, "family": "Stoves", "amount": stoves}),
    ]
    return pd.concat(parts, ignore_index=True)


TABLES = {
    "demand": sold(),
    "revenue": sold(100.0, 50.0),
    "plan": pd.DataFrame({"month": AHEAD, "family": "Tents", "amount": range(24)}),
    "hours": pd.DataFrame(
        {"month": AHEAD, "resource": "sewing", "amount": [8.0] * 12 + [9.0] * 12}
    ),
}
PLANNED = pd.concat(
    [
        pd.DataFrame({"month": AHEAD, "family": name, "amount": money, "carried": carried})
        for name, money, carried in (("Tents", 7.0, 0.5), ("Stoves", 3.0, -1.0))
    ],
    ignore_index=True,
)


def answer(test: str):
    return assumptions.evaluate(test, TABLES, cycle=CYCLE)


# (1) by hand


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("1 + 2 * 3 - 4 / 2", 5.0),
        ('demand(family="Tents", months=12)', 240.0),
        ('demand(family="Tents", months=12, ago=12)', 120.0),
        ("demand(months=2)", 50.0),
        ("demand()", 300.0),  # a year where nothing is said
        ('revenue(family="Stoves", months=1)', 50.0),
        ('plan(family="Tents", months=3)', 3.0),
        ("plan(months=2, ahead=12)", 25.0),
        ('hours(resource="sewing", months=12, ahead=12)', 108.0),
        ("-demand(months=1) + 30", 5.0),
    ],
)
def test_sums_over_months_by_hand(test, expected):
    assert answer(test) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("demand(months=1) > 24", True),
        ("demand(months=1) <= 24", False),
        ("0 < demand(months=1) < 26", True),
        ("demand(months=1) > 24 and demand(months=1) > 26", False),
        ("demand(months=1) > 26 or not demand(months=1) > 26", True),
        (
            'demand(family="Tents", months=6) < 0.92 * demand(family="Tents", months=6, ago=12)',
            False,
        ),
    ],
)
def test_comparisons_by_hand(test, expected):
    assert answer(test) is expected


def rows_of(*tests: tuple) -> pd.DataFrame:
    table = pd.DataFrame(tests, columns=["assumption", "test", "expires_month"])
    usual = {"statement": "It holds", "owner": "Lund", "quality": "red", "impact": "red"}
    table = table.assign(first_cycle="2025-01", **usual)
    return contract.check_table("assumptions", table, contract.Source("assumptions")).frame


def test_each_assumption_gets_its_state_and_broken_ones_the_money_that_rests_on_them():
    rows = rows_of(
        ("held", 'demand(family="Tents") < 100', None),
        ("broken", 'demand(family="Tents") > 100', None),
        ("expired", 'demand(family="Tents") > 100', "2025-12"),
        ("in its last month", 'demand(family="Tents") > 100', "2026-01"),
        ("nothing said", None, None),
        ("words", "Tents are below last year", None),
        ("both", 'demand(family="Tents") > demand(family="Stoves")', None),
    )
    table = assumptions.judged(rows, TABLES, PLANNED, cycle=CYCLE).set_index("assumption")
    assert table["state"].to_dict() == {
        "held": "held",
        "broken": "broken",
        "expired": "expired",
        "in its last month": "broken",
        "nothing said": "untested",
        "words": "untested",
        "both": "broken",
    }
    assert table["amount_value"].dropna().to_dict() == {
        "broken": 12 * 7.0,
        "in its last month": 12 * 7.0,
        "both": 12 * 10.0,
    }
    assert table["carried_value"].dropna().to_dict() == {
        "broken": 12 * 0.5,
        "expired": 12 * 0.5,  # what people moved counts there too
        "in its last month": 12 * 0.5,
        "both": 12 * -0.5,
    }
    assert table.loc["both", "carried_rate"] == -0.05
    assert "write it like demand(family=" in table["finding"]["words"]
    assert table["finding"]["expired"] == "void since 2025-12"


def test_without_prices_a_broken_assumption_has_no_money():
    rows = rows_of(("broken", "demand() > 1", None))
    table = assumptions.judged(rows, TABLES, PLANNED.assign(amount=np.nan), cycle=CYCLE)
    assert table["state"].tolist() == ["broken"] and table["amount_value"].isna().all()


def test_an_expired_assumption_whose_test_cannot_be_read_says_nothing_of_money():
    rows = rows_of(("words", "Tents are below", "2025-12"), ("none", None, "2025-12"))
    table = assumptions.judged(rows, TABLES, PLANNED, cycle=CYCLE)
    assert table["state"].tolist() == ["expired", "expired"]
    assert table[["carried_value", "carried_rate"]].isna().all(axis=None)


# (5) errors: nothing is run, every refusal says why


@pytest.mark.parametrize(
    ("test", "words"),
    [
        ("__import__('os').system('true')", "sums are demand"),
        ("().__class__", "no sum or number"),
        ("[x for x in (1,)]", "no sum or number"),
        ("demand.__globals__", "no sum or number"),
        ("lambda: 1", "no sum or number"),
        ("'a' * 99999999", "no sum or number"),
        ("2 ** 99999999", "no sum or number"),
        ("True", "no sum or number"),
        ("demand", "no sum or number"),
        ("sales(months=3)", "sums are demand"),
        ("demand(3)", "sums are demand"),
        ("demand(months=3.5)", "whole numbers"),
        ("demand(months=-1)", "whole numbers"),
        ("demand(months=100000)", "whole numbers"),
        ("demand(ahead=3)", "it takes months and ago"),
        ("demand(family=3)", "levels in quotes"),
        ("demand(colour='red')", "levels in quotes"),
        ("demand(family='Tenst')", "knows no family 'Tenst'"),
        ("demand(months=36)", "not known for all of 2023-01 to 2025-12"),
        ("plan(months=36)", "not known for all of"),
        ("1 / (demand(months=1) - 25)", "divides by nothing"),
        ("demand(months=1) <", "cannot be read"),
        ("", "cannot be read"),
    ],
)
def test_what_is_no_formula_or_has_no_answer_is_told(test, words):
    with pytest.raises(assumptions.TestError, match=".") as error:
        answer(test)
    assert words in str(error.value)


def test_no_assumptions_at_all():
    table = assumptions.judged(contract.empty("assumptions"), TABLES, PLANNED, cycle=CYCLE)
    assert table.empty and {"state", "finding", "amount_value"} <= set(table)


def test_a_broken_assumption_says_its_sign_in_words_with_what_was_measured():
    span = months.span(pd.Timestamp("2024-01-01"), 24)
    sold = pd.DataFrame({"month": span, "family": "Tents", "amount": [100.0] * 12 + [80.0] * 12})
    test = 'demand(family="Tents", months=6) < 0.9 * demand(family="Tents", months=6, ago=12)'
    words = assumptions.in_words(test, {"demand": sold}, cycle=pd.Timestamp("2026-01-01"))
    assert words == (
        "demand of Tents over 6 months is below 0.9 times demand of Tents over 6 months, "
        "12 months earlier (measured: 480 against 540)"
    )
