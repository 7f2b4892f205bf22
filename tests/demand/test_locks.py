"""Locks: which contradict, and who pays for each."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sopkit import months, schema
from sopkit.demand import coherence, locks, summing

AHEAD = months.span(pd.Timestamp("2026-01-01"), 3)
KEYS = pd.DataFrame({"item": list("ABCD"), "family": list("TTSS"), "region": list("NSNS")})


@pytest.fixture(scope="module")
def tree():
    return summing.summing(KEYS, [(), ("family",), ("region",)])


def table(*rows):
    made = pd.DataFrame(rows, columns=["level", "member", "month", "lower", "upper"])
    return made.assign(month=pd.to_datetime(made["month"]))


def contradiction(tree, *rows):
    with pytest.raises(months.UsageError) as told:
        locks.check(tree, *locks.bounds(tree, table(*rows), AHEAD), AHEAD)
    return str(told.value)


def test_a_lock_below_those_of_its_parts_is_named_with_them(tree):
    words = contradiction(
        tree,
        ("family", "T", "2026-02", 80.0, 80.0),
        ("series", "A", "2026-02", 50.0, 50.0),
        ("series", "B", "2026-02", 40.0, np.nan),
        ("series", "C", "2026-02", 1.0, 1.0),
    )
    assert (
        "contradict one another in 2026-02: family T is locked at 80; series A is locked" in words
    )
    assert "series B is at least 40" in words
    assert "series C" not in words
    assert "miss by 10" in words
    assert "Change or leave out one" in words


def test_a_chain_over_three_levels_is_named(tree):
    words = contradiction(
        tree,
        ("total", "Company", "2026-03", 100.0, 100.0),
        ("family", "T", "2026-03", 70.0, 70.0),
        ("family", "S", "2026-03", 70.0, 70.0),
        ("region", "N", "2026-03", 5.0, 9.0),
    )
    assert "Company is locked at 100; family S is locked at 70; family T is locked at 70" in words
    assert "region N" not in words
    assert "miss by 40" in words


def test_a_negative_lock_and_crossed_bounds_are_named(tree):
    words = contradiction(tree, ("family", "T", "2026-02", np.nan, -3.0))
    assert "family T is at most -3; series A is at least 0; series B is at least 0" in words
    words = contradiction(
        tree, ("family", "T", "2026-02", 80.0, np.nan), ("family", "T", "2026-02", 0.0, 70.0)
    )
    assert "family T is at least 80 and at most 70" in words


def test_an_unknown_node_names_the_nearest(tree):
    with pytest.raises(
        months.UsageError, match=r"row 2: there is no family 'TT'\. Did you mean 'T'"
    ):
        rows = table(("family", "T", "2026-01", 1.0, 1.0), ("family", "TT", "2026-01", 1.0, 1.0))
        locks.bounds(tree, rows, AHEAD)


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_locks_of_one_possible_plan_never_contradict(seed):
    rng = np.random.default_rng(seed)
    tree = summing.summing(KEYS, [(), ("family",), ("region",)])
    plan = tree.matrix @ rng.gamma(1.0, 20.0, (4, 3))
    chosen = rng.choice(len(plan), 5, replace=False)
    rows = tree.nodes.iloc[chosen].assign(month=AHEAD[1], lower=plan[chosen, 1])
    rows = rows.assign(upper=rows["lower"])
    locks.check(tree, *locks.bounds(tree, rows, AHEAD), AHEAD)
    broken = rows.assign(lower=rows["lower"].max() * 100, upper=-1.0)
    with pytest.raises(months.UsageError):
        locks.check(tree, *locks.bounds(tree, broken, AHEAD), AHEAD)


def test_who_pays_for_a_lock_is_computed_by_hand():
    # company = A + B, forecasts add up to 10 = 6 + 4, all alike: A locked at 9 leaves least
    # (9 + b − 10)² + (b − 4)², so b = 2.5: the company takes half of the three, B pays the other
    tree = summing.summing(pd.DataFrame({"item": ["A", "B"]}), [()])
    base = np.array([[10.0], [6.0], [4.0]]).repeat(3, axis=1)
    errors = coherence.Errors(np.ones(3))
    paid = locks.paid(tree, base, errors, table(("series", "A", "2026-02", 9.0, 9.0)), AHEAD)
    paid = paid.set_index("place")
    assert paid["month"].unique() == AHEAD[[1]]
    np.testing.assert_allclose(paid["change"], 3.0)
    np.testing.assert_allclose(paid.loc["above", "payer_change"], 1.5)
    np.testing.assert_allclose(paid.loc["beside", "payer_change"], -1.5)
    np.testing.assert_allclose(paid.loc["beside", "payer_share"], -0.5)
    # one more unit raises half the squares by the errors it leaves: (9 − 6) + 1.5
    np.testing.assert_allclose(paid["price"], 4.5)


def test_changes_beneath_a_lock_are_all_of_it(tree):
    base = tree.matrix @ np.array([[50.0, 20.0, 30.0, 40.0]]).T.repeat(3, axis=1)
    rows = table(("family", "T", "2026-02", 90.0, 90.0), ("region", "N", "2026-02", 70.0, 70.0))
    paid = locks.paid(tree, base, coherence.structural(tree), rows, AHEAD)
    beneath = paid[paid["place"] == "beneath"].groupby("level")["payer_share"].sum()
    np.testing.assert_allclose(beneath, 1.0)
    nothing = locks.paid(tree, base, coherence.structural(tree), rows.iloc[:0], AHEAD)
    assert nothing.empty
    assert nothing.columns.tolist() == paid.columns.tolist()


def test_only_locked_overrides_that_were_applied_at_forecast_levels_are_locks(tree):
    everywhere = dict.fromkeys(schema.LEVELS, "all")
    said = pd.DataFrame(
        [
            everywhere | {"family": "T", "month": AHEAD[1]},
            everywhere | {"month": AHEAD[2]},
            everywhere | {"family": "S", "month": AHEAD[1]},
            everywhere | {"region": "N", "month": AHEAD[1]},
            everywhere | {"item": "A", "region": "N", "month": AHEAD[1]},
        ]
    )
    effects = pd.DataFrame(
        {
            "is_locked": [True, True, False, True, True],
            "state": ["applied", "applied in part", "applied", "refused", "applied"],
            "after": [70.0, 200.0, 3.0, 4.0, 5.0],
        }
    )
    found = locks.of_overrides(tree, said, effects)
    assert found[["level", "member", "lower", "upper"]].values.tolist() == [
        ["family", "T", 70.0, 70.0],
        ["total", "Company", 200.0, 200.0],
    ]
    assert found["month"].tolist() == [AHEAD[1], AHEAD[2]]
    assert locks.of_overrides(tree, said.iloc[:0], effects.iloc[:0]).empty
