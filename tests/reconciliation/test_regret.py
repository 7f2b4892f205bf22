"""Regret by hand, and beside a slow count of every pair."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sopkit.reconciliation import regret
from sopkit.reconciliation.scenarios import PLANNED, Scenario

CYCLE = pd.Timestamp("2026-01-01")


def scenario(name: str, kind: str, chance: float = np.nan, stands_on: tuple = ()) -> Scenario:
    return Scenario(name, name, "", "", kind, CYCLE, stands_on, ({"what": "demand"},), chance)


def table(values: dict[tuple[str, str], float]) -> pd.DataFrame:
    rows = [(*pair, value) for pair, value in values.items()]
    return pd.DataFrame(rows, columns=["choice", "outside", "contribution_value"])


BOOK = {  # build early, or wait; a good or a bad year
    (PLANNED, PLANNED): 100.0,
    (PLANNED, "bad"): 40.0,
    ("early", PLANNED): 90.0,
    ("early", "bad"): 60.0,
}


def test_regret_is_what_the_best_choice_there_would_have_brought_more():
    found = regret.regret(table(BOOK), {"bad": scenario("bad", "outside")})
    assert found["regret_value"].tolist() == [0, 20, 10, 0]
    assert found["weight_rate"].tolist() == [0.5] * 4
    ranked = regret.robust(found)
    assert ranked["choice"].tolist() == ["early", PLANNED]
    assert ranked["worst_regret_value"].tolist() == [10, 20]
    assert ranked["worst_outside"].tolist() == [PLANNED, "bad"]
    assert ranked["mean_contribution_value"].tolist() == [75, 70]


def test_given_chances_weigh_the_states_and_the_plan_has_what_is_left():
    found = regret.regret(table(BOOK), {"bad": scenario("bad", "outside", 0.2)})
    assert found["weight_rate"].round(9).tolist() == [0.8, 0.2, 0.8, 0.2]
    mean = regret.robust(found).set_index("choice")["mean_contribution_value"]
    assert mean.round(9).to_dict() == {"early": 84, PLANNED: 88}


def test_where_one_chance_is_missing_all_states_weigh_alike():
    known = {"bad": scenario("bad", "outside", 0.2), "dry": scenario("dry", "outside")}
    more = BOOK | {(PLANNED, "dry"): 1.0, ("early", "dry"): 1.0}
    assert np.allclose(regret.regret(table(more), known)["weight_rate"], 1 / 3)


def test_a_choice_without_a_plan_in_some_state_is_not_ranked():
    found = regret.regret(table(BOOK | {("early", "bad"): np.nan}), {})
    assert regret.robust(found)["choice"].tolist() == [PLANNED]


@given(arrays("float64", (4, 3), elements=st.floats(-1e6, 1e6)))
def test_regret_is_that_of_a_slow_count(values):
    pairs = {(f"c{i}", f"s{k}"): values[i, k] for i in range(4) for k in range(3)}
    found = regret.regret(table(pairs), {}).set_index(["choice", "outside"])["regret_value"]
    for (choice, state), value in pairs.items():
        best = max(pairs[other, state] for other in ("c0", "c1", "c2", "c3"))
        assert found[choice, state] == best - value >= 0
    worst = {i: max(found[f"c{i}", f"s{k}"] for k in range(3)) for i in range(4)}
    ranked = regret.robust(regret.regret(table(pairs), {}))
    assert ranked["worst_regret_value"].iloc[0] == min(worst.values())


def test_only_scenarios_of_one_kind_through_and_through_are_combined():
    known = {
        "wet": scenario("wet", "outside"),
        "shift": scenario("shift", "choice"),
        "answer": scenario("answer", "choice", stands_on=("wet",)),
        "broken": scenario("broken", "choice"),
    }
    amounts = pd.Series({PLANNED: 5.0, "wet": 1.0, "shift": 6.0, "answer": 2.0, "broken": np.nan})
    assert regret.pairs(known, amounts) == (
        [PLANNED, "shift"],
        [PLANNED, "wet"],
        ["answer", "broken"],
    )


def test_of_many_the_best_choices_and_the_states_that_matter_most_are_combined():
    names = [f"n{k}" for k in range(8)]
    amounts = pd.Series({PLANNED: 0.0} | {name: float(k) for k, name in enumerate(names)})
    for kind, place in (("choice", 0), ("outside", 1)):
        known = {name: scenario(name, kind) for name in names}
        found = regret.pairs(known, amounts)
        assert found[place] == [PLANNED, *names[3:]] and found[2] == names[:3]
