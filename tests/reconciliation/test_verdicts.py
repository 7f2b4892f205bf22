"""Verdicts on levers: each reason by a small case, and a company's own levers in its plan."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sopkit import contract, rules, schema, store, what_if
from sopkit.kept import Kept
from sopkit.reconciliation import verdicts
from sopkit.reconciliation.closing import Search
from sopkit.reconciliation.levers import Laid
from sopkit.supply import families

CYCLE = pd.Timestamp("2026-01-01")
LIMITS = {"lever_budget_value": None, "levers_per_owner": None, "lever_people": None}


def laid(*rows: dict) -> Laid:
    """Levers that add hours to one resource in one month; ``people`` they need."""
    usual = {"owner": "Ada", "excludes": np.nan, "cost_value": 10.0, "finding": "", "people": 0.0}
    table = pd.DataFrame([usual | row for row in rows])
    table = table.assign(
        statement="do " + table["lever"],
        subject="sewing",
        what="hours",
        effect_expected=table["hours"],
        first_month=CYCLE,
        last_month=CYCLE,
        decide_by=CYCLE,
    )
    hours = np.where(table["finding"] == "", table["hours"], 0.0)[:, None, None]
    none = np.zeros((len(table), 1))
    people = table[["people"]].to_numpy()
    return Laid(table, pd.DatetimeIndex([CYCLE]), hours, none[:, :, None], none, none, people)


def judged(own: Laid, missing: float = 100.0, worth: float = 5.0, **settings):
    """The best set where so many hours are missing, each worth the same; table by lever."""
    names, uses, most = verdicts.limits(own, pd.Series(LIMITS | settings, dtype="object"))
    hours = own.hours[:, 0, 0]

    def saved(share: np.ndarray) -> tuple[float, np.ndarray]:
        filled = share @ hours
        return worth * min(filled, missing), worth * hours * (filled < missing)

    cost = own.table["cost_value"].to_numpy()
    search = Search(saved, cost, uses, most, verdicts.pairs(own.table))
    best, table = verdicts.choice(search, own, names)
    return search, best, table.set_index("lever"), verdicts.limit_table(search, own, best, names)


def test_a_chosen_lever_tells_its_marginal_value_and_what_would_stand_in():
    own = laid(
        {"lever": "a", "hours": 60.0, "cost_value": 100.0},
        {"lever": "b", "hours": 60.0, "cost_value": 250.0},
    )
    _, best, table, _ = judged(own, missing=60.0)
    assert best.tolist() == [True, False]
    assert table.loc["a", "marginal_value"] == 150.0  # 300 − 100 beside 300 − 250
    assert table.loc["a", "reason"] == "without it, “do b” would stand in"
    assert table.loc["b", "reason"] == (
        "not worth it: it would bring 0 beside those chosen and costs 250; "
        "in place of “do a” it would bring 150 less"
    )
    assert table.loc["b", "marginal_value"] == -150.0  # with b, a goes and 50 is left


def test_each_left_out_lever_says_why():
    own = laid(
        {"lever": "good", "hours": 40.0, "excludes": "rival"},
        {"lever": "rival", "hours": 30.0},
        {"lever": "dear", "hours": 2.0, "cost_value": 90.0},
        {"lever": "idle", "hours": 0.0, "cost_value": 1.0},
        {"lever": "late", "hours": 9.0, "finding": "too late: it had to be decided by 2025-10"},
    )
    _, best, table, bounds = judged(own)
    assert best.tolist() == [True, False, False, False, False]
    reasons = table["reason"]
    assert reasons["rival"] == "it cannot be used with “do good”, which brings more"
    assert reasons["dear"] == "not worth it: it would bring 10 and costs 90"
    assert reasons["idle"] == "nothing for it to do: sewing has hours enough then"
    assert reasons["late"].startswith("too late") and table.loc["late", "verdict"] == "cannot act"
    assert table["verdict"].tolist() == ["chosen", "left out", "left out", "left out", "cannot act"]
    assert table.loc["rival", "marginal_value"] == -50.0  # 150 − 10 instead of 200 − 10
    assert table["alone_value"].isna().tolist() == [False] * 4 + [True]
    assert bounds.empty


@pytest.mark.parametrize(
    ("settings", "limit", "more", "used"),
    [
        ({"lever_budget_value": 15.0}, "money", 5.0, 20.0),
        ({"levers_per_owner": 1}, "levers of Ada", 1.0, 2.0),
        ({"lever_people": 5.0}, "people", 2.0, 7.0),
    ],
)
def test_a_limit_that_binds_is_named_with_what_would_be_needed(settings, limit, more, used):
    own = laid(
        {"lever": "a", "hours": 40.0, "people": 4.0}, {"lever": "b", "hours": 30.0, "people": 3.0}
    )
    _, best, table, bounds = judged(own, **settings)
    assert best.tolist() == [True, False]
    assert table.loc["b", "reason"] == (
        f"the limit of {limit} binds: {more:,.0f} more would be needed; "
        "in place of “do a” it would bring 50 less"
    )
    row = bounds.set_index("limit").loc[limit]
    assert row["without_value"] == 140.0 and row["without_used"] == used


def test_a_limit_that_makes_one_lever_stand_for_another_is_the_reason_by_hand():
    # 60 hours lack, worth 5 each: with a alone 200 − 60, with b alone 250 − 111, both 300 − 171
    own = laid(
        {"lever": "a", "hours": 40.0, "cost_value": 60.0},
        {"lever": "b", "hours": 50.0, "cost_value": 111.0},
    )
    _, best, table, _ = judged(own, missing=60.0, levers_per_owner=1)
    assert best.tolist() == [True, False] and table.loc["b", "marginal_value"] == -1.0
    assert table.loc["b", "reason"] == (
        "the limit of levers of Ada binds, and it would bring 100 beside those chosen and costs "
        "111; in place of “do a” it would bring 1 less"
    )


@given(st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_a_reason_never_contradicts_what_a_lever_adds(seed):
    rng = np.random.default_rng(seed)
    own = laid(
        *(
            {
                "lever": name,
                "hours": float(rng.integers(1, 60)),
                "cost_value": float(rng.integers(0, 200)),
                "owner": str(rng.choice(["Ada", "Bo"])),
                "people": float(rng.integers(0, 4)),
            }
            for name in "abcde"
        )
    )
    limits = {"lever_budget_value": 250.0, "levers_per_owner": 1, "lever_people": 5.0}
    chosen = {name: own_ for name, own_ in limits.items() if rng.random() < 0.6}
    _, _, table, _ = judged(own, missing=100.0, **chosen)
    for row in table[table["verdict"] == "left out"].itertuples():
        less = re.search(r"it would bring ([\d,]+) less$", row.reason)
        plain = re.fullmatch(r"not worth it: it would bring (\d+).* and costs (\d+)", row.reason)
        if less:
            assert float(less[1]) == pytest.approx(-row.marginal_value, abs=0.51)
        elif plain:
            assert float(plain[1]) - float(plain[2]) == pytest.approx(row.marginal_value, abs=0.51)
        else:
            assert np.isnan(row.marginal_value) and row.reason.startswith("the limit of ")


def test_a_lever_that_no_limit_lets_in_has_no_marginal_value():
    own = laid({"lever": "a", "hours": 40.0, "cost_value": 50.0})
    _, best, table, _ = judged(own, lever_budget_value=20.0)
    assert not best.any() and np.isnan(table.loc["a", "marginal_value"])
    assert table.loc["a", "reason"] == "the limit of money binds: 30 more would be needed"


def test_the_cheapest_set_that_closes_the_gap_and_the_most_that_any_closes():
    own = laid(
        {"lever": "a", "hours": 40.0, "cost_value": 100.0},
        {"lever": "b", "hours": 30.0, "cost_value": 20.0},
        {"lever": "c", "hours": 30.0, "cost_value": 25.0},
    )
    search, best, _, _ = judged(own)
    table = verdicts.sets(search, search, best, own, 250.0).set_index("set")
    closing = table.loc["closes the gap at least cost"]
    assert closing["levers"] == "“do b” and “do c”" and closing["cost_value"] == 45.0
    assert closing["closed_value"] == 300.0
    table = verdicts.sets(search, search, best, own, 900.0).set_index("set")
    assert table.loc["closes most", "closed_value"] == 500.0
    assert len(verdicts.sets(search, search, best, own, np.nan)) == 1


# a company's levers in its own plan


def _register(*rows: dict) -> pd.DataFrame:
    whole = [{"statement": f"Do {row['lever']}", "owner": "Ada"} | row for row in rows]
    frame = pd.DataFrame(whole).astype("object")
    frame = frame.where(frame.notna(), "").astype("str")
    return contract.check_table("levers", frame, contract.Source("levers.csv")).frame


@pytest.fixture(scope="module")
def pulled(base) -> dict:
    """What levers of the company on the hill start from."""
    rows = _register(
        {"lever": "shift", "resource": "sewing", "cost_value": 300, "effect_amount": 20,
         "lead_time_months": 2, "success_rate": 0.5},
        {"lever": "ads", "family": "Tents", "cost_value": 20, "effect_amount": 5,
         "first_month": "2026-06", "last_month": "2026-08"},
        {"lever": "hats", "family": "Hats", "effect_amount": 5},
    )  # fmt: skip
    return base | {"tables": base["tables"] | {"levers": rows}}


@pytest.fixture(scope="module")
def told(pulled) -> dict[str, pd.DataFrame]:
    """Verdicts on them."""
    return what_if.best_levers(pulled)


def test_the_plan_with_the_levers_brings_what_the_search_expects(told):
    row = told["lever_plan"].set_index("kpi").loc["contribution_value"]
    chosen = told["lever_choice"].query("is_chosen")
    assert set(chosen["lever"]) == {"shift", "ads"} and row["expected_value"] > 1000.0
    # the plan may keep other stock; both count the same money
    assert row["difference"] == pytest.approx(row["expected_value"], rel=0.01)


def test_effects_stand_in_the_months_in_which_a_lever_acts(told):
    effects = told["lever_effects"].set_index("lever")["month"]
    assert effects["shift"].min() == pd.Timestamp("2026-03-01")
    assert effects["ads"].dt.month.tolist() == [6, 7, 8]
    assert "hats" not in effects.index


def test_a_lever_beside_a_decision_says_so_in_the_plan(pulled, told):
    change = {"what": "capacity", "resource": "sewing", "hours": 20.0}
    rows = pd.DataFrame({"decision": ["D7"], "scenario": ["Shift"], "changes": [[change]]})
    beside = what_if.best_levers(pulled | {"tables": pulled["tables"] | {"decided": rows}})
    reasons = beside["lever_choice"].set_index("lever")["reason"]
    assert reasons["shift"].startswith("beyond decision D7, which adds there already: ")
    assert not told["lever_choice"]["reason"].str.startswith("beyond").any()
    assert not reasons.drop("shift").str.startswith("beyond").any()


def test_every_table_keeps_its_declared_columns_and_key(told):
    for name, table in {**told}.items():
        contract.check_processed(name, table)
        assert [*table.columns] == [*verdicts.nothing()[name].columns] or name == "lever_plan"


def test_without_levers_every_table_is_empty_and_typed(planned, hill):
    money = (store.read(hill, name, CYCLE) for name in ("financials", "closed_financials"))
    found = what_if.all_tried(planned, *money, cycle=CYCLE, kept=Kept())
    for name, table in verdicts.nothing().items():
        assert table.empty and found[name].dtypes.equals(table.dtypes), name
        assert set(schema.PROCESSED[name].columns) <= set(table.columns)


def test_a_large_plan_is_asked_by_family_and_sees_the_same_levers(pulled, told, monkeypatch):
    by_item = told["lever_choice"].set_index("lever")
    task = pulled["planned"]["task"]
    monkeypatch.setattr(families, "MOST_CELLS", task.demand.size - 1)
    found = what_if.best_levers(pulled)["lever_choice"].set_index("lever")
    assert found["verdict"].to_dict() == by_item["verdict"].to_dict()
    acting = by_item["alone_value"].dropna()
    assert found["alone_value"].dropna().to_dict() == pytest.approx(acting.to_dict(), rel=0.3)


@pytest.mark.parametrize("name", LIMITS)
def test_limits_in_company_yml_are_numbers_not_below_zero(name):
    assert rules.objection(name, 3) == "" and rules.objection(name, 2.5) == ""
    assert rules.is_left_out(name, None)
    for odd in (-1, "five", True):
        assert "cannot be meant" in rules.objection(name, odd)
