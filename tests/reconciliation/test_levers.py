"""Levers of the register: what may stand there, and what each would bring by month."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months, store
from sopkit.reconciliation import changes, levers
from sopkit.supply.tasks import Task

CYCLE = pd.Timestamp("2026-01-01")
AHEAD = months.span(CYCLE, 6)
LABEL = "data/raw/levers.csv"


def register(*rows: dict) -> pd.DataFrame:
    whole = [
        {"statement": f"Do {row['lever']}", "owner": "Ada", "effect_amount": 10} | row
        for row in rows
    ]
    frame = pd.DataFrame(whole).astype("object")
    frame = frame.where(frame.notna(), "").astype("str")
    return contract.check_table("levers", frame, contract.Source(LABEL)).frame


def refused(*rows: dict) -> list[contract.Finding]:
    return levers.check_levers({"levers": register(*rows)}, {"levers": contract.Source(LABEL)})


@pytest.fixture
def plan() -> pd.DataFrame:
    """Two tents in two channels and a stove, six months; the stove counts double."""
    rows = [
        (item, family, channel, month, quantity, factor, worth)
        for item, family, channel, quantity, factor, worth in (
            ("T1", "Tents", "Shop", 30.0, 1.0, 50.0),
            ("T2", "Tents", "Online", 10.0, 1.0, 80.0),
            ("S1", "Stoves", "Shop", 20.0, 2.0, np.nan),
        )
        for month in AHEAD
    ]
    names = ["item", "family", "channel", "month", "consensus", "factor", "worth_value"]
    table = pd.DataFrame(rows, columns=names).assign(location="all", site="all")
    return table.assign(price_value=2.0 * table["worth_value"])


@pytest.fixture
def task() -> Task:
    keys = pd.DataFrame({"item": ["T1", "T2", "S1"], "location": "all"})
    return Task(
        demand=np.ones((6, 3)),
        keys=keys,
        months=AHEAD,
        resources=["sewing"],
        hours=[[1.0], [1.0], [0.0]],
        regular_hours=5.0,
        overtime_cost=9.0,
    )


RESOURCES = pd.DataFrame({"resource": ["sewing"], "hours_per_worker": [5.0]})


def laid(rows: list[dict], plan: pd.DataFrame, task: Task) -> levers.Laid:
    return levers.laid_out(register(*rows), plan, task, RESOURCES, cycle=CYCLE)


def test_a_lever_acts_from_cycle_and_lead_time_on_in_its_own_months(plan, task):
    row = {"lever": "shift", "resource": "sewing", "lead_time_months": 1.5, "success_rate": 0.8}
    span = {"first_month": "2026-02", "last_month": "2026-04"}
    own = laid([row | span], plan, task)
    assert own.hours[0, :, 0].tolist() == [0.0, 0.0, 8.0, 8.0, 0.0, 0.0]  # one month is lost
    assert own.people[0].tolist() == [0.0, 0.0, 2.0, 2.0, 0.0, 0.0]  # needed, works or not
    assert own.table["decide_by"][0] == CYCLE and own.table["finding"][0] == ""
    waits = laid([row | span | {"first_month": "2026-04"}], plan, task)
    assert waits.table["decide_by"][0] == pd.Timestamp("2026-02-01")


def test_too_late_is_said_with_the_last_month_in_which_it_could_be_decided(plan, task):
    row = {"lever": "shift", "resource": "sewing", "lead_time_months": 3, "last_month": "2026-03"}
    own = laid([row], plan, task)
    assert own.table["finding"][0] == "too late: it had to be decided by 2025-12"
    assert own.table["decide_by"][0] == pd.Timestamp("2025-12-01") and not own.hours.any()


def test_demand_is_shared_like_the_plan_of_each_month_in_planning_units(plan, task):
    plan = plan.assign(consensus=plan["consensus"].mask(plan["month"] == AHEAD[1], 0.0))
    own = laid([{"lever": "ads", "family": "Tents", "effect_amount": 8}], plan, task)
    assert own.units[0, 0].tolist() == [6.0, 2.0, 0.0]
    assert own.units[0, 1].tolist() == pytest.approx([6.0, 2.0, 0.0])  # empty: as in all months
    assert own.value[0, 0] == 6.0 * 50.0 + 2.0 * 80.0 and own.revenue[0, 0] == 920.0
    whole = laid([{"lever": "fair", "effect_amount": 16}], plan, task)
    assert whole.units[0, 0].tolist() == pytest.approx([6.0, 2.0, 4.0])  # a stove counts double
    assert (whole.units[0] @ [1.0, 1.0, 2.0]).tolist() == pytest.approx([16.0] * 6)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"resource": "welding"}, "no hours of 'welding' are planned: see resources.csv"),
        ({"family": "Hats"}, "nothing of Hats is in the plan"),
        ({"family": "Stoves"}, "no price or no cost of Stoves is known"),
        ({"resource": "sewing", "first_month": "2027-01"}, "it acts beyond the months"),
    ],
)
def test_what_cannot_act_says_why(plan, task, row, why):
    own = laid([{"lever": "one"} | row], plan, task)
    assert own.table["finding"][0].startswith(why)
    assert not own.hours.any() and not own.units.any()


def test_without_any_cost_no_lever_is_worth_anything(plan):
    keys = pd.DataFrame({"item": ["T1", "T2", "S1"], "location": "all"})
    task = Task(demand=np.ones((6, 3)), keys=keys, months=AHEAD)
    own = laid([{"lever": "ads", "family": "Tents"}], plan, task)
    assert own.table["finding"][0].startswith("no cost of supply is known")


def test_a_lever_as_a_change_moves_the_plan_by_its_expected_effect(base):
    tables = base["tables"]
    row = {"family": "Tents", "what": "units", "effect_expected": 6.0}
    row |= {"first_month": pd.Timestamp("2026-03-01"), "last_month": pd.Timestamp("2026-04-01")}
    after = changes.applied(tables, [levers.as_change(row)], cycle=CYCLE)["demand_plan"]
    moved = after["consensus"].sum() - tables["demand_plan"]["consensus"].sum()
    assert moved == pytest.approx(12.0)


# what the register may say


def test_a_sound_register_is_taken():
    assert (
        refused(
            {"lever": "a", "resource": "sewing", "excludes": "b, c"},
            {"lever": "b", "family": "Tents"},
            {"lever": "c"},
        )
        == []
    )


def test_an_empty_register_is_taken():
    assert levers.check_levers({"levers": contract.empty("levers")}, {}) == []


def test_hours_and_demand_at_once_are_refused():
    (found,) = refused({"lever": "a"}, {"lever": "b", "resource": "sewing", "family": "Tents"})
    assert found.state == "breach" and found.first_row.startswith("row 2")
    assert "not both" in found.message and "two levers" in found.remedy


@pytest.mark.parametrize(
    ("excludes", "message", "hint"),
    [
        ("shfit", "no lever 'shfit'.", "Did you mean 'shift'?"),
        ("crew", "crew excludes itself.", ""),
    ],
)
def test_an_exclusion_that_cannot_be_meant_is_refused(excludes, message, hint):
    (found,) = refused({"lever": "shift"}, {"lever": "crew", "excludes": excludes})
    assert found.column == "excludes" and found.message == message
    assert hint in found.remedy and found.first_row == f"row 2 holds {excludes!r}"


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("effect_amount", "-5"),
        ("effect_amount", "0"),
        ("cost_value", "-1"),
        ("lead_time_months", "-2"),
        ("success_rate", "80"),
    ],
)
def test_amounts_that_cannot_be_meant_are_refused(column, value):
    row = {"lever": "a", "statement": "S", "owner": "O", "effect_amount": "5"} | {column: value}
    checked = contract.check_table("levers", pd.DataFrame([row]), contract.Source(LABEL))
    assert contract.has_breach(checked.findings)
    assert checked.findings[0].column == column


def test_a_run_stops_at_a_register_that_cannot_be_meant(sales_only):
    rows = ["lever,statement,owner,resource,effect_amount,excludes", "a,Do a,Ada,saw,5,"]
    rows += ["b,Do b,Ada,saw,5,aa"]
    (sales_only / "data/raw/levers.csv").write_text("\n".join([*rows, ""]))
    with pytest.raises(contract.ContractError) as refused:
        store.raw_tables(sales_only, CYCLE)
    (found,) = refused.value.findings.query("state == 'breach'").to_dict("records")
    assert found["table"] == "levers" and found["column"] == "excludes"
    assert "Did you mean 'a'?" in found["remedy"]


def decided(*changes_: dict, decision: str = "D1") -> pd.DataFrame:
    return pd.DataFrame({"decision": [decision], "changes": [list(changes_)]})


HOURS = {"what": "capacity", "resource": "sewing", "hours": 20.0}
UNITS = {"what": "demand", "family": "Tents", "rate": 0.1}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (HOURS, ["shift"]),
        (HOURS | {"resource": "all", "hours": 0.0, "overtime_hours": 5.0}, ["shift"]),
        (HOURS | {"hours": -20.0}, []),
        (HOURS | {"resource": "welding"}, []),
        (HOURS | {"last_month": AHEAD[1]}, []),  # the shift begins a month later
        (HOURS | {"first_month": AHEAD[2], "last_month": AHEAD[2]}, ["shift"]),
        (UNITS, ["ads"]),
        (UNITS | {"family": "Stoves"}, []),
        (UNITS | {"rate": -0.1}, []),
        (UNITS | {"channel": "Shop"}, []),  # tents of the shop are T1, the lever's are T2
        ({"what": "demand", "item": "T2", "quantity": 3.0}, ["ads"]),
        ({"what": "price", "family": "Tents", "rate": 0.1}, []),
    ],
)
def test_a_decision_that_adds_the_same_in_its_months_stands_before_the_reason(
    plan, task, change, found
):
    own = laid(
        [
            {"lever": "shift", "resource": "sewing", "lead_time_months": 2},
            {"lever": "ads", "item": "T2", "last_month": "2026-03"},
        ],
        plan,
        task,
    )
    choice = pd.DataFrame({"lever": ["ads", "shift"], "reason": "why"}).astype("str")
    full = plan.assign(category="all", region="all", segment="all")
    told = levers.beyond_decisions(choice, own, decided(change), full).set_index("lever")["reason"]
    words = "beyond decision D1, which adds there already: why"
    assert told.to_dict() == {name: words if name in found else "why" for name in ("ads", "shift")}
    assert levers.beyond_decisions(choice, own, decided().iloc[:0], full).equals(choice)


def test_several_decisions_are_named_once_each(plan, task):
    own = laid([{"lever": "shift", "resource": "sewing"}], plan, task)
    both = pd.concat([decided(HOURS, HOURS), decided(HOURS, decision="D2")], ignore_index=True)
    choice = pd.DataFrame({"lever": ["shift"], "reason": ["why"]})
    told = levers.beyond_decisions(choice, own, both, plan)["reason"][0]
    assert told == "beyond decisions D1 and D2, which add there already: why"
