"""Changes applied to the tables of a small company: by hand, and held beside the batch's step."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sopkit import contract, months, schema, steps, what_if
from sopkit.reconciliation import changes, scenarios
from sopkit.supply import families, plans

CYCLE = pd.Timestamp("2026-01-01")
MAY, JUNE = pd.Timestamp("2026-05-01"), pd.Timestamp("2026-06-01")


def applied(tables: dict, *entries: dict) -> dict:
    return changes.applied(tables, scenarios.as_changes(list(entries)), cycle=CYCLE)


def of(table: pd.DataFrame, measure: str, **named) -> pd.Series:
    """Sums by month of the rows with these names."""
    for name, value in named.items():
        table = table[table[name] == value]
    return table.groupby("month")[measure].sum()


def test_nothing_is_changed_but_what_a_change_names(planned):
    before = {name: table.copy() for name, table in planned.items() if name != "scenario_files"}
    out = applied(
        planned,
        {"demand": {"family": "Tents", "rate": 0.1}},
        {"capacity": {"resource": "sewing", "hours": 10}},
        {"service_level": {"family": "Tents", "level": 0.9}},
    )
    assert set(out) == {"demand_plan", "forecast", "capacity", "company"}
    for name, table in before.items():
        pd.testing.assert_frame_equal(table, planned[name])


def test_a_rate_of_demand_moves_its_rows_and_the_forecast_beneath(planned):
    change = {"family": "Tents", "location": "North", "first_month": "2026-05", "rate": -0.2}
    out = applied(planned, {"demand": change | {"last_month": "2026-06"}})
    plan, own = planned["demand_plan"], {"item": "TENT", "location": "North"}
    ratio = of(out["demand_plan"], "consensus", **own) / of(plan, "consensus", **own)
    assert ratio[[MAY, JUNE]].tolist() == pytest.approx([0.8, 0.8])
    assert ratio.drop([MAY, JUNE]).tolist() == pytest.approx([1.0] * (len(ratio) - 2))
    forecast = of(out["forecast"], "quantity", **own) / of(planned["forecast"], "quantity", **own)
    assert forecast.tolist() == pytest.approx(ratio.tolist())
    layers = ["statistical", "events", "departments", "overrides"]
    total = out["demand_plan"][layers].sum(axis=1)
    assert np.allclose(total, out["demand_plan"]["consensus"])


def test_what_sales_agreed_to_stays_beside_demand_that_changes_and_is_never_below_zero(planned):
    plan = planned["demand_plan"]
    own = (plan["item"] == "TENT") & (plan["month"] == MAY)
    agreed = plan["consensus"].mask(own, plan["consensus"] - 5.0)
    tables = planned | {"demand_plan": plan.assign(constrained=agreed)}
    more = applied(tables, {"demand": {"family": "Tents", "rate": 0.2}})["demand_plan"]
    assert (more["consensus"] - more["constrained"])[own].tolist() == pytest.approx(
        [5.0] * own.sum()
    )
    none = applied(tables, {"demand": {"family": "Tents", "rate": -1.0}})["demand_plan"]
    assert (none.loc[own, ["consensus", "constrained"]] == 0.0).all(axis=None)


@given(st.floats(-50, 500), st.sampled_from([{}, {"family": "Packs"}, {"region": "Isles"}]))
def test_a_quantity_of_demand_is_shared_like_the_plan_and_adds_up(planned, quantity, named):
    change = named | {"first_month": "2026-05", "last_month": "2026-05", "quantity": quantity}
    out = applied(planned, {"demand": change})["demand_plan"]
    before = planned["demand_plan"]
    more = out["consensus"] - before["consensus"]
    assert more[out["month"] == MAY].sum() == pytest.approx(quantity, abs=1e-6)
    assert not more[out["month"] != MAY].any()
    moved = out[(more.abs() > 1e-9) & (out["month"] == MAY)]
    share = more[moved.index] / before.loc[moved.index, "consensus"]
    assert np.allclose(share, share.iloc[0] if len(share) else 0.0)


def test_more_cannot_be_taken_than_is_planned(planned):
    change = {"family": "Tents", "first_month": "2026-05", "quantity": -5000}
    with pytest.raises(
        months.UsageError, match="it takes more than the .* units planned of TENT in"
    ):
        applied(planned, {"demand": change})


def test_changes_of_one_scenario_follow_one_another(planned):
    twice = applied(planned, *[{"demand": {"family": "Tents", "rate": 0.1}}] * 2)["demand_plan"]
    ratio = of(twice, "consensus", item="TENT") / of(
        planned["demand_plan"], "consensus", item="TENT"
    )
    assert ratio.tolist() == pytest.approx([1.21] * len(ratio))


def test_an_event_that_does_not_happen_takes_its_units_away(planned):
    out = applied(planned, {"event": {"event": "Spring sale", "probability_rate": 0}})
    plan = out["demand_plan"]
    less = of(plan, "consensus", item="TENT") - of(planned["demand_plan"], "consensus", item="TENT")
    expected = -0.15 * of(planned["demand_plan"], "statistical", item="TENT")  # 0.3 times 0.5
    april = pd.Timestamp("2026-04-01")
    assert less[[april, MAY]].tolist() == pytest.approx(expected[[april, MAY]].tolist())
    assert less.drop([april, MAY]).abs().max() < 1e-9
    cost = changes.event_costs(planned["events"], out["events"], pd.DatetimeIndex([april]))
    assert cost == -500.0  # 1,000 at half a chance


def test_a_new_event_adds_its_units(planned):
    event = {"event": "Fair", "kind": "promotion", "first_month": "2026-06", "expected_rate": 0.5}
    out = applied(planned, {"event": event | {"last_month": "2026-06", "family": "Packs"}})
    more = of(out["demand_plan"], "consensus", item="PACK") - of(
        planned["demand_plan"], "consensus", item="PACK"
    )
    packs = of(planned["demand_plan"], "statistical", item="PACK")
    assert more[JUNE] == pytest.approx(0.5 * packs[JUNE]) and more.drop(JUNE).abs().max() < 1e-9


def test_an_event_that_changes_nothing_is_refused(planned):
    with pytest.raises(months.UsageError, match="changes nothing"):
        applied(planned, {"event": {"event": "Spring sale", "probability_rate": 0.5}})


def test_a_price_moves_revenue_and_by_its_elasticity_demand(planned):
    change = {"family": "Lamps", "first_month": "2026-07", "rate": 0.1, "elasticity": -2.0}
    out = applied(planned, {"price": change})["demand_plan"]
    ratio = of(out, "consensus", item="LAMP") / of(planned["demand_plan"], "consensus", item="LAMP")
    assert ratio["2026-07":].tolist() == pytest.approx([1.1**-2] * len(ratio["2026-07":]))
    assert ratio[:"2026-06"].tolist() == pytest.approx([1.0] * 6)
    own = (out["item"] == "LAMP") & (out["month"] >= "2026-07")
    assert np.allclose(out["price_rate"], np.where(own, 1.1, 1.0))


def test_a_currency_moves_what_is_sold_in_it(planned):
    out = applied(planned, {"currency": {"currency": "GBP", "rate": -0.05}})["demand_plan"]
    assert np.allclose(out["price_rate"], np.where(out["location"] == "South", 0.95, 1.0))
    with pytest.raises(months.UsageError, match="no plan is sold in EUR"):
        applied(planned, {"currency": {"currency": "EUR", "rate": -0.05}})


def test_hours_are_added_to_those_of_the_calendar(planned):
    change = {"resource": "sewing", "first_month": "2026-03", "last_month": "2026-04", "hours": 24}
    out = applied(planned, {"capacity": change | {"overtime_hours": -10}})["capacity"]
    assert out["month"].dt.month.tolist() == [3, 4]
    assert out["regular_hours"].tolist() == [124, 124] and out["overtime_hours"].tolist() == [
        20,
        20,
    ]
    more = applied(planned, {"capacity": {"resource": "all", "rate": 0.5}})["capacity"]
    assert set(more["regular_hours"]) == {150} and set(more["overtime_hours"]) == {45}
    with pytest.raises(
        months.UsageError, match="takes more than the 100 hours of sewing in 2026-03"
    ):
        applied(planned, {"capacity": change | {"hours": -101}})


@pytest.mark.parametrize(
    ("change", "table", "column", "expected"),
    [
        (
            {"kind": "holding", "family": "Tents"},
            "planning_costs",
            "holding_cost_value",
            [1.5, 0.5, 0.2],
        ),
        ({"kind": "overtime"}, "resources", "overtime_cost_value", [48]),
        ({"kind": "regular", "resource": "sewing"}, "resources", "regular_cost_value", [30]),
    ],
)
def test_a_cost_is_multiplied_where_it_is_given(planned, change, table, column, expected):
    out = applied(planned, {"cost": change | {"rate": 0.5}})
    assert out[table][column].tolist() == pytest.approx(expected)


def test_all_holding_moves_the_carrying_rate_too_and_unit_costs_move_the_margin(planned):
    out = applied(planned, {"cost": {"kind": "holding", "rate": 0.5}})
    assert out["company"]["carrying_rate"].iloc[0] == pytest.approx(0.3)
    rates = applied(planned, {"cost": {"kind": "unit", "item": "TENT", "rate": 0.1}})["money_rates"]
    ratio = rates["unit_cost_value"] / planned["money_rates"]["unit_cost_value"]
    assert np.allclose(ratio, np.where(rates["item"] == "TENT", 1.1, 1.0))


def test_a_cost_that_nobody_gave_is_refused(planned):
    with pytest.raises(
        months.UsageError, match="subcontract_cost_value of data/raw/planning_costs"
    ):
        applied(planned, {"cost": {"kind": "subcontract", "family": "Packs", "rate": 0.1}})


def test_a_lead_time_is_longer_for_what_its_supplier_delivers(planned):
    out = applied(planned, {"lead_time": {"supplier": "Lumen", "days": 30}})
    days = out["items"].set_index("item")["lead_time_days"]
    assert days.to_dict() == {"TENT": 10, "PACK": 10, "LAMP": 75}
    out = applied(planned, {"lead_time": {"family": "Tents", "rate": 1.0}})
    assert out["items"].set_index("item")["lead_time_days"]["TENT"] == 20
    # what a supplier of components delivers later, and its own terms with it
    mill = applied(planned, {"lead_time": {"supplier": "Mill", "days": 30}})
    before, after = (
        t["suppliers"].set_index("supplier")["lead_time_days"] for t in (planned, mill)
    )
    assert (after - before).to_dict() == {"Lumen": 0, "Mill": 30}
    none = planned["components"].iloc[:0]
    with pytest.raises(months.UsageError, match="others deliver as fast"):
        applied(planned | {"components": none}, {"lead_time": {"supplier": "Mill", "days": 30}})


def test_a_lost_supplier_stops_what_it_alone_delivers_and_what_needs_it(planned):
    span = {"first_month": "2026-02", "last_month": "2026-03"}
    out = applied(planned, {"supplier_loss": {"supplier": "Lumen"} | span})
    assert set(out["supply_stops"]["item"]) == {"LAMP"} and len(out["supply_stops"]) == 2
    assert out["scheduled_receipts"]["month"].dt.month.tolist() == [1]
    cloth = applied(planned, {"supplier_loss": {"supplier": "Mill"} | span})
    assert set(cloth["supply_stops"]["item"]) == {"TENT"}
    assert len(cloth["scheduled_receipts"]) == len(planned["scheduled_receipts"])
    second = planned["suppliers"].assign(supplier="Other")
    both = planned | {"suppliers": pd.concat([planned["suppliers"], second])}
    with pytest.raises(months.UsageError, match="others deliver all that it does"):
        applied(both, {"supplier_loss": {"supplier": "Lumen"} | span})


def test_what_is_stopped_is_neither_made_nor_bought_in_those_months(base):
    change = {
        "supplier_loss": {"supplier": "Mill", "first_month": "2026-03", "last_month": "2026-04"}
    }
    answer = what_if.answer(base, scenarios.as_changes([change]))
    task, plan = answer["task"], answer["plan"]
    tent = (task.keys["item"] == "TENT").to_numpy()
    when = task.months.isin(pd.to_datetime(["2026-03-01", "2026-04-01"]))
    own = np.broadcast_to(plan.made, (task.n_months, len(task.keys)))
    assert own[np.ix_(when, tent)].sum() == 0 and own[np.ix_(~when, tent)].sum() > 0
    assert np.broadcast_to(plan.subcontract, own.shape)[np.ix_(when, tent)].sum() == 0


def test_a_stack_is_the_changes_by_hand_and_the_batchs_step_run_on_them(planned, base):
    answer = what_if.answer(
        base,
        scenarios.as_changes(
            [
                {
                    "demand": {
                        "family": "Tents",
                        "first_month": "2026-05",
                        "last_month": "2026-06",
                        "rate": 0.4,
                    }
                },
                {"capacity": {"resource": "sewing", "first_month": "2026-03", "rate": -0.3}},
                {"service_level": {"level": 0.8}},
            ]
        ),
    )
    tables = {name: table.copy() for name, table in planned.items()}
    tables["agreed"] = pd.DataFrame(columns=schema.PROCESSED["agreed"].columns).astype(
        dict.fromkeys(["month", "later_month", "entered_at"], months.DTYPE)
    )
    tables["answers"] = contract.empty("answers")
    both = ["consensus", "constrained"]
    for name, columns in (("demand_plan", both), ("forecast", ["quantity"])):
        table = tables[name]
        own = (table["item"] == "TENT") & table["month"].isin([MAY, JUNE])
        table.loc[own, columns] *= 1.4
    later = months.span(pd.Timestamp("2026-03-01"), 22)
    tables["capacity"] = pd.DataFrame(
        {"resource": "sewing", "month": later, "regular_hours": 70.0, "overtime_hours": 21.0}
    )
    tables["company"]["service_levels"] = [{"default": 0.8}]
    batch = steps.supply_review(tables, cycle=CYCLE, strategy="least cost")
    told = answer["kpis"].set_index("kpi")["amount"]
    costs = batch["production_strategies"].query("strategy == 'least cost'")
    money = costs[costs["cost_kind"] != "stock below target"]["amount_value"].sum()
    below = costs["amount_value"].sum() - money
    total = money + below
    own = plans.sheet(answer["task"], answer["plan"])["amount_value"].sum()
    assert own == pytest.approx(total, rel=1e-7)  # the optimum; its plans may differ by ties
    spent_or_not = told["supply_cost_value"] + told["unspent_value"]
    assert spent_or_not == pytest.approx(money, rel=1e-4)
    after = batch["deliveries"]
    late = (after["demand"] - after["on_time"]).sum()
    assert told["late_quantity"] == pytest.approx(late, rel=1e-3, abs=0.5)
    priced = tables["demand_plan"].merge(planned["money_rates"], on=schema.SERIES)
    revenue = (priced["consensus"] * priced["unit_price_value"]).sum()
    assert told["revenue_value"] == pytest.approx(revenue, rel=1e-9)


def test_an_answer_does_not_depend_on_what_was_asked_before(base):
    more = scenarios.as_changes([{"demand": {"family": "Packs", "rate": 0.35}}])
    other = scenarios.as_changes([{"cost": {"kind": "holding", "rate": 3.0}}])
    first = what_if.answer(base, more)["kpis"]
    base["plans"].clear()
    what_if.answer(base, other)
    pd.testing.assert_frame_equal(first, what_if.answer(base, more)["kpis"], check_exact=True)


def test_a_large_portfolio_is_planned_by_families_and_still_keeps_what_is_stopped(
    planned, base, monkeypatch
):
    monkeypatch.setattr(families, "MOST_CELLS", 5)
    large = base | {"errors": {}, "plans": {}}
    large.pop("session", None)
    change = {"supplier": "Mill", "first_month": "2026-03", "last_month": "2026-03"}
    answer = what_if.answer(large, scenarios.as_changes([{"supplier_loss": change}]))
    tent = (answer["task"].keys["item"] == "TENT").to_numpy()
    assert "session" not in large and answer["plan"].made[2, : len(tent)][tent].sum() == 0
    more = answer["kpis"].set_index("kpi").loc["late_quantity", "amount"]
    before = base["planned"]["kpis"].set_index("kpi").loc["late_quantity", "amount"]
    assert more >= before - 1e-9


def test_what_needs_a_table_that_is_not_given_says_which(planned):
    nothing = {name: planned[name].iloc[:0] for name in ("resources", "items")}
    for change, words in (
        ({"capacity": {"resource": "sewing", "hours": 5}}, "data/raw/resources.csv would tell"),
        ({"demand": {"family": "Tents", "rate": 0.1}}, "data/raw/items.csv would tell"),
    ):
        with pytest.raises(months.UsageError, match=words):
            applied(planned | nothing, change)
