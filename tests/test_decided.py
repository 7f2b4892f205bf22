"""Chosen scenarios as part of the plan."""

from __future__ import annotations

import pandas as pd
import pytest

from sopkit import decided, months
from sopkit.reconciliation import changes

CYCLE = pd.Timestamp("2026-01-01")
SPAN = pd.to_datetime(["2026-01-01", "2026-02-01"])


def content(kind: str = "choice", **more: object) -> dict:
    entry = {"demand": {"item": "A", "rate": 0.1}}
    whole = {"name": "x", "statement": "s", "owner": "o", "kind": kind, "changes": [entry]}
    return whole | more


def files(**given: dict) -> pd.DataFrame:
    rows = [(name, own, "") for name, own in given.items()]
    return pd.DataFrame(rows, columns=["scenario", "content", "problem"])


def options(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["decision", "option", "scenario"])


def choices(*rows: tuple) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["decision", "cycle", "option"])
    said = pd.date_range("2026-01-05", periods=len(rows), unit="us")
    return table.assign(cycle=pd.to_datetime(table["cycle"]), author="R. Osei", entered_at=said)


OFFERED = options(("D1", "a", "one"), ("D1", "b", None), ("D2", "c", "two"))


def named(chosen: pd.DataFrame, known: pd.DataFrame, offered: pd.DataFrame = OFFERED) -> list[str]:
    return decided.decided(chosen, offered, known, cycle=CYCLE)["scenario"].tolist()


def test_the_latest_choice_of_a_decision_counts_and_stays_in_later_cycles():
    known = files(one=content(), two=content())
    assert named(choices(("D1", "2025-12", "a"), ("D2", "2026-01", "c")), known) == ["one", "two"]
    assert named(choices(("D1", "2025-12", "a"), ("D1", "2026-01", "b")), known) == []
    assert named(choices(("D1", "2025-11", "b"), ("D1", "2025-12", "a")), known) == ["one"]


def test_what_happens_to_us_is_over_or_has_no_file_is_no_part_of_the_plan():
    over = [{"demand": {"item": "A", "rate": 0.1, "last_month": "2025-12"}}]
    chosen = choices(("D1", "2025-12", "a"))
    assert named(chosen, files(one=content("outside"))) == []
    assert named(chosen, files(one=content(changes=over))) == []
    assert named(chosen, files(one=content(first_cycle="2026-02"))) == []
    assert named(chosen, files(two=content())) == []


def test_what_a_choice_stands_on_comes_first_and_once():
    known = files(one=content(stands_on=["base"]), two=content(stands_on=["base"]), base=content())
    both = choices(("D2", "2026-01", "c"), ("D1", "2026-01", "a"))
    assert named(both, known) == ["base", "two", "one"]


def tables(asked: list[dict]) -> dict[str, pd.DataFrame]:
    items = pd.DataFrame({"item": ["A"], "family": ["Tents"], "category": ["Camping"]})
    keys = {"item": "A", "location": "all", "channel": "all", "month": SPAN}
    plan = pd.DataFrame(keys).assign(statistical=10.0, events=0.0, departments=0.0, overrides=0.0)
    forecast = pd.DataFrame(keys).assign(quantity=10.0, quantity_lower=8.0, quantity_upper=12.0)
    resources = pd.DataFrame({
        "resource": ["saw"], "regular_hours": [100.0], "overtime_hours": [10.0],
        "workers": float("nan"), "hours_per_worker": float("nan"),
    })  # fmt: skip
    row = {
        "decision": "D1", "option": "a", "scenario": "one", "title": "One", "author": "R. Osei",
        "entered_at": CYCLE, "changes": asked,
    }  # fmt: skip
    none = pd.DataFrame(columns=["location", "region", "channel", "segment"])
    return {
        "items": items.assign(planning_factor=2.0), "locations": none, "channels": none,
        "demand_plan": plan.assign(consensus=10.0, constrained=10.0), "forecast": forecast,
        "resources": resources,
        "capacity": pd.DataFrame(columns=["resource", "month", "regular_hours", "overtime_hours"]),
        "calendar": pd.DataFrame(columns=["month", "working_days"]),
        "money_rates": pd.DataFrame([["A", "all", "all", 5.0]], columns=[
            "item", "location", "channel", "unit_price_value",
        ]),
        "decided": pd.DataFrame([row]),
    }  # fmt: skip


def test_demand_moves_the_plan_and_says_so_in_planning_units_and_money():
    asked = [
        {"what": "demand", "item": "A", "rate": 0.5, "first_month": SPAN[1]},
        {"what": "capacity", "resource": "saw", "hours": 20.0},
        {"what": "demand", "item": "A", "rate": 9.0, "last_month": pd.Timestamp("2025-12-01")},
    ]
    given = tables(asked)
    plan, rows = decided.in_demand(given, cycle=CYCLE)
    assert plan["consensus"].tolist() == [10.0, 15.0] and plan["overrides"].tolist() == [0.0, 5.0]
    assert given["demand_plan"]["consensus"].tolist() == [10.0, 10.0]
    effect = rows["override_effects"].iloc[0]
    assert (effect["before"], effect["after"], effect["change"]) == (20.0, 30.0, 10.0)
    assert effect["change_value"] == 25.0 and effect["month"] == SPAN[1]
    assert effect["reason"] == "option a was chosen"
    assert rows["override_changes"]["change"].tolist() == [5.0]


def test_hours_are_planned_by_supply_and_demand_is_left_alone():
    asked = [{"what": "capacity", "resource": "saw", "hours": 20.0, "first_month": SPAN[1]}]
    given = tables(asked)
    plan, rows = decided.in_demand(given, cycle=CYCLE)
    pd.testing.assert_frame_equal(plan, given["demand_plan"])
    assert all(table.empty for table in rows.values())
    after = decided.in_supply(given, cycle=CYCLE)
    assert after["capacity"][["month", "regular_hours"]].values.tolist() == [[SPAN[1], 120.0]]
    assert given["capacity"].empty and after["demand_plan"] is given["demand_plan"]
    assert after["given_capacity"] is given["capacity"]
    nothing = decided.in_supply(given | {"decided": given["decided"][:0]}, cycle=CYCLE)
    assert nothing["given_capacity"] is nothing["capacity"]


def test_a_decision_that_can_no_longer_be_planned_names_itself_and_the_way_out():
    asked = [{"what": "demand", "item": "A", "quantity": -99.0}]
    with pytest.raises(months.UsageError, match=r"^decision D1 made scenario 'one' part.*sopkit"):
        decided.in_demand(tables(asked), cycle=CYCLE)


@pytest.mark.parametrize("what", sorted(changes._KINDS))
def test_every_kind_of_change_has_one_place(what):
    in_demand = {"demand", "event", "price", "currency"}
    assert (what in decided.IN_DEMAND) == (what in in_demand)
