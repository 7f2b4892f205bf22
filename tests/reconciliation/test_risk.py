"""Chances of stock-out, of overload and of making the budget."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sopkit import months
from sopkit.reconciliation import paths, risk
from sopkit.supply.tasks import Task

SPAN = months.span(months.parse_cycle("2026-11"), 4)  # two months of each of two years
KEYS = pd.DataFrame({"item": ["A", "B"], "location": "plant"})
TASK = Task(
    demand=[[10.0, 20.0]] * 4,
    keys=KEYS,
    months=SPAN,
    resources=["press", "oven"],
    opening=[5.0, 50.0],
    hours=[[1.0, 0.0], [0.0, 1.0]],
    lead_months=1,
    safety_stock=[5.0, 50.0],
    backlog_cost=2.0,
    holding_cost=0.1,
    overtime_cost=0.5,
)
PLAN = paths.Base(
    made=TASK.demand.copy(),
    lost=np.zeros((4, 2)),
    closing=np.tile([5.0, 50.0], (4, 1)),
    load=TASK.demand.copy(),
    regular_hours=TASK.demand.copy(),
    limit_hours=np.tile([12.0, 40.0], (4, 1)),
)
WORTH = risk.Worth(
    price=np.array([3.0, 2.0]),
    margin=np.array([1.0, 0.5]),
    cost=np.array([2.0, 1.5]),
    period=np.array([2026, 2026, 2027, 2027]),
)
JUMP = np.zeros((4, 4, 2))
JUMP[1, 0, 0], JUMP[2, 0, 0], JUMP[3, 3, 1] = 8.0, 2.0, 10.0


def found_of(errors=JUMP, **choices) -> risk.Outcomes:
    return risk.outcomes(TASK, PLAN, [errors[:1], errors[1:]], WORTH, **choices)


def test_a_stock_out_counts_the_futures_in_which_units_are_owed():
    table = risk.items(TASK, found_of(), WORTH).set_index(["item", "month"])
    assert table.loc[("A", SPAN[0]), "stockout_rate"] == 0.25  # eight more, five there
    assert table.loc[("A", SPAN[0]), "owed_quantity"] == pytest.approx(3.0 / 4)
    assert table.loc[("A", SPAN[0]), "owed_value"] == pytest.approx(3.0 * 3.0 / 4)
    assert table.loc["B", "stockout_rate"].eq(0.0).all()
    assert len(table) == 8 and (table["location"] == "plant").all()


def test_what_is_made_to_order_has_no_stock_to_run_out_of():
    to_order = replace(TASK, maximum_stock=np.tile([0.0, np.inf], (4, 1)))
    assert set(risk.items(to_order, found_of(), WORTH)["item"]) == {"B"}
    service = replace(to_order, is_service=np.array([True, False]))
    assert set(risk.items(service, found_of(), WORTH)["item"]) == {"A", "B"}


def test_an_overload_counts_what_corrections_ask_for():
    table = risk.resources(TASK, PLAN, found_of()).set_index(["resource", "month"])
    third = table.loc[("press", SPAN[2])]  # ordered in the second month, made in the third
    assert third["overtime_rate"] == 0.5 and third["overload_rate"] == 0.25
    assert third["wanted_hours"] == pytest.approx(10.0 + (8.0 + 2.0) / 4)
    assert table.loc[("press", SPAN[0]), "overtime_rate"] == 0.0
    assert table.loc["oven", "overload_rate"].eq(0.0).all()


GAPS = pd.DataFrame(
    {
        "level": "company",
        "against": "budget",
        "measure": ["revenue", "margin"],
        "period": 2026,
        "plan_value": [100.0, 40.0],
        "before_value": [106.0, 40.0],
    }
)
PLANNED = pd.DataFrame(
    [("revenue", 2026, 140.0), ("margin", 2026, 60.0), ("inventory", 2026, 85.0)],
    columns=["measure", "period", "amount"],
)


NOTHING = pd.Series(dtype="float64", index=pd.MultiIndex.from_arrays([[], []]))


def test_closed_months_count_towards_the_budget_of_the_year():
    behind = pd.Series({("revenue", 2026): -10.0, ("margin", 2026): 2.0})
    table = risk.totals(found_of(), PLANNED, GAPS, behind, {}).set_index(["period", "measure"])
    revenue = table.loc[(2026, "revenue")]  # the best future brings 15 beyond the plan, 16 lack
    assert revenue["needed_value"] == 156.0 and revenue["chance_rate"] == 0.0
    assert table.loc[(2026, "margin"), "needed_value"] == 58.0


def test_the_chance_to_make_the_budget_counts_futures_that_do():
    table = risk.totals(found_of(), PLANNED, GAPS, NOTHING, {}).set_index(["period", "measure"])
    revenue = table.loc[(2026, "revenue")]
    # delivered beyond the plan by the year's end: 5 of the 8, then 2, at 3 each; two of them reach
    # what the budget lacks, six
    assert revenue["chance_rate"] == 0.5 and revenue["needed_value"] == 146.0
    assert revenue["planned_value"] == 140.0
    assert revenue["mean_value"] == pytest.approx(140.0 + (5 * 3.0 + 2 * 3.0) / 4)
    assert revenue["value_05"] <= revenue["value_50"] <= revenue["value_95"]
    assert table.loc[(2026, "margin"), "chance_rate"] == 1.0
    assert np.isnan(table.loc[(2027, "revenue"), "chance_rate"])  # no budget
    stock = table.loc[(2026, "inventory")]
    assert stock["planned_value"] == 85.0 and stock["mean_value"] < 85.0


def test_named_risks_come_true_as_often_as_they_say_in_the_months_they_name():
    register = pd.DataFrame(
        {
            "risk": ["R1", "R1", "R2", "R3"],
            "cycle": pd.to_datetime(["2026-10-01", "2026-11-01", "2026-11-01", "2026-11-01"]),
            "effect_value": [-999.0, -100.0, 60.0, -50.0],
            "probability_rate": [1.0, 0.3, 1.0, 1.0],
            "first_month": pd.to_datetime(["2026-11-01", "2026-11-01", "2026-12-01", "2025-01-01"]),
            "last_month": pd.to_datetime(["2026-11-01", "2026-11-01", "2027-01-01", "2025-02-01"]),
        }
    )
    money = risk.named_risks(register, SPAN, WORTH.period, 4000, seed=1)
    assert money[2027].tolist() == [30.0] * 4000  # half of the opportunity's months
    assert set(money[2026]) == {30.0, -70.0}
    assert (money[2026] == -70.0).mean() == pytest.approx(0.3, abs=0.03)
    with_risks = risk.totals(found_of(), PLANNED, GAPS, NOTHING, {2026: money[2026][:4]})
    assert "margin with named risks" in set(with_risks["measure"])
    assert risk.named_risks(register[:0], SPAN, WORTH.period, 4, seed=1) == {}


def test_more_of_what_is_short_helps_and_is_named_first():
    tight = replace(PLAN, limit_hours=np.tile([10.0, 40.0], (4, 1)))
    short = np.zeros((4, 4, 2))
    short[:, 0, 0] = 9.0
    found = risk.outcomes(TASK, tight, [short], WORTH)
    table = risk.levers(TASK, tight, found, WORTH, np.array(["Tents", "Packs"]))
    assert table["subject"].iloc[0] == "press"
    best = table.iloc[0]
    assert best["benefit_value"] > 0 and best["late_rate"] < best["late_rate_before"]
    # half an hour more a month from the third month on: 0.5 fewer owed, then 1.0, at 2 each
    assert best["benefit_value"] == pytest.approx(2.0 * (0.5 + 1.0))
    assert best["cost_value"] == pytest.approx(0.5 * (0.5 + 0.5))
    assert "oven" not in set(table["subject"])  # it has hours to spare: nothing would change


def test_without_costs_of_owing_levers_rank_by_what_is_late():
    unpriced = replace(TASK, backlog_cost=np.full((4, 2), np.nan))
    tight = replace(PLAN, limit_hours=np.tile([10.0, 40.0], (4, 1)))
    short = np.zeros((1, 4, 2))
    short[0, 0, 0] = 9.0
    found = risk.outcomes(unpriced, tight, [short], WORTH)
    table = risk.levers(unpriced, tight, found, WORTH, np.array(["Tents", "Packs"]))
    assert table["benefit_value"].isna().all() and table["subject"].iloc[0] == "press"


def test_units_are_worth_the_mean_of_what_their_site_delivers():
    money = pd.DataFrame(
        {
            "item": ["A", "A", "B"],
            "quantity": [1.0, 3.0, 5.0],
            "revenue_value": [10.0, 50.0, np.nan],
            "margin_value": [4.0, 20.0, np.nan],
        }
    )
    worth = risk.worth(TASK, money, pd.Series("plant", index=money.index), WORTH.period)
    assert worth.price.tolist() == [15.0, 0.0] and worth.margin.tolist() == [6.0, 0.0]
    uncosted = money.assign(margin_value=np.nan)
    worth = risk.worth(TASK, uncosted, pd.Series("plant", index=money.index), WORTH.period)
    assert worth.price.tolist() == [15.0, 0.0] and not worth.cost.any()


def test_what_is_planned_adds_up_by_year_and_stock_stands_at_its_end():
    money = pd.DataFrame(
        {"constrained_revenue_value": [5.0, 6.0, 7.0], "constrained_margin_value": [1.0, 2.0, 3.0]}
    )
    table = risk.planned(money, pd.Series([2026, 2026, 2027]), PLAN, WORTH)
    amounts = table.set_index(["measure", "period"])["amount"]
    assert amounts["revenue", 2026] == 11.0 and amounts["margin", 2027] == 3.0
    assert amounts["inventory", 2026] == 5 * 2.0 + 50 * 1.5
    uncosted = replace(WORTH, margin=np.zeros(2), cost=np.zeros(2))
    unknown = money.assign(constrained_margin_value=np.nan)
    table = risk.planned(unknown, pd.Series([2026, 2026, 2027]), PLAN, uncosted)
    found = risk.outcomes(TASK, PLAN, [JUMP], uncosted)
    told = risk.totals(found, table, GAPS[:0], NOTHING, {}).set_index(["measure", "period"])[
        "mean_value"
    ]
    assert told["revenue", 2026] > 11.0 and told[["margin", "inventory"]].isna().all()
