"""Disconnects: each rule by a case made by hand and a near miss; those planted in the sample."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, cycle, months, sample, schema, store
from sopkit.demand import launches
from sopkit.reconciliation import disconnects
from sopkit.supply import readiness, sourcing

CYCLE = pd.Timestamp("2026-01-01")
SPAN = months.span(CYCLE, 12)


def raw(name: str, *rows: dict) -> pd.DataFrame:
    """A raw table, typed, with only the columns that the rows name filled."""
    return contract.check_table(name, pd.DataFrame(list(rows)), contract.Source(name)).frame


def month(text: str) -> pd.Timestamp:
    return pd.Timestamp(f"{text}-01")


@pytest.fixture
def known() -> dict[str, pd.DataFrame]:
    """Twelve months of two tents at 10 euro, 100 a month each, that supply follows in full."""
    empty = {name: contract.empty(name) for name in schema.RAW}
    keys = pd.DataFrame({"item": ["T1", "T2"]}).merge(pd.DataFrame({"month": SPAN}), how="cross")
    levels = {"location": "all", "channel": "Web", "family": "Tents", "category": "Camp"}
    plan = keys.assign(**levels, region="North", segment="End", quantity=100.0, constrained=100.0)
    plan = plan.assign(revenue_value=1000.0, constrained_revenue_value=1000.0, factor=1.0)
    stock = keys.assign(location="all", opening=50.0, supply=100.0, demand=100.0, closing=50.0)
    load = pd.DataFrame({"resource": "sewing", "month": SPAN, "regular_hours": 400.0})
    items = [
        {"item": name, "family": "Tents", "unit_cost_value": 6, "is_purchased": False}
        for name in ("T1", "T2")
    ]
    series = pd.DataFrame({"item": ["T1", "T2"], "location": "all", "channel": "Web"})
    return empty | {
        "items": raw("items", *items),
        "plan": plan,
        "demand_plan": plan.assign(statistical=100.0, events=0.0, consensus=100.0),
        "views": plan.assign(department="sales").iloc[:0],
        "money_rates": series.assign(unit_price_value=10.0, unit_cost_value=6.0),
        "inventory_projection": stock.assign(safety_stock=50.0, lost=0.0),
        "deliveries": keys,
        "resource_load": load.assign(overtime_hours=0.0, load_hours=200.0, wanted_hours=200.0),
        "uses": pd.DataFrame(
            {"item": ["T1", "T2"], "resource": "sewing", "hours_per_unit": [1.0, 1.0]}
        ),
        "terms": pd.DataFrame({"item": ["T1", "T2"], "location": "all", "lead_time_months": 1}),
        "inventory": raw(
            "inventory", {"item": "T1", "month": "2025-12", "on_hand": 50, "location": "all"}
        ),
        "event_effects": pd.DataFrame(columns=["event", "kind", "change", "probability_rate"]),
        "financials": pd.DataFrame(columns=["family", "month"]),
        "assumption_states": pd.DataFrame(columns=["assumption"]),
        "strategy_check": pd.DataFrame(columns=["status"]),
        "late_launches": pd.DataFrame(columns=["item"]),
    }


def found(known: dict, least: float = 0.0) -> pd.DataFrame:
    before = {name: table.copy(deep=True) for name, table in known.items()}
    table = disconnects.disconnects(known, cycle=CYCLE, materiality_value=least)
    for name, frame in before.items():
        pd.testing.assert_frame_equal(known[name], frame, obj=name)
    return table


def only(known: dict) -> pd.Series:
    table = found(known)
    assert len(table) == 1, table[["rule", "subject", "finding"]].to_string()
    return table.iloc[0]


def test_plans_that_agree_give_an_empty_typed_table(known):
    table = found(known)
    assert table.empty
    contract.check_processed("disconnects", table)
    assert table["first_month"].dtype == months.DTYPE
    assert table["amount_value"].dtype == "float64"


# an event that supply does not follow


def with_event(known: dict, change: float = 40.0, kind: str = "promotion", **event) -> dict:
    usual = {"event": "Tent week", "first_month": "2026-05", "last_month": "2026-05"}
    usual |= {"kind": kind.replace(" ", "_"), "expected_rate": 0.3, "owner": "Lund"}
    row = raw("events", usual | event)
    effect = row.assign(kind=kind, change=change, probability_rate=1.0)
    return known | {"events": row, "event_effects": effect}


def full(known: dict, at: str = "2026-05", hours: float = 500.0) -> dict:
    load = known["resource_load"]
    wanted = load["wanted_hours"].mask(load["month"] == month(at), hours)
    return known | {"resource_load": load.assign(wanted_hours=wanted)}


def lacking(known: dict, units: float, at: str = "2026-06", item: str = "T2") -> dict:
    stock = known["inventory_projection"]
    is_low = (stock["month"] == month(at)) & (stock["item"] == item)
    return known | {"inventory_projection": stock.assign(closing=stock["closing"] - units * is_low)}


def test_a_promotion_in_a_full_month_takes_what_stock_then_lacks(known):
    row = only(lacking(full(with_event(known)), 30.0))
    assert row["rule"] == "event without spare supply" and row["subject"] == "Tent week"
    assert row["amount_quantity"] == pytest.approx(30.0)  # of 40 more, 10 are made
    assert row["amount_value"] == pytest.approx(300.0)
    assert row["talk"] == "Lund with supply planning (sewing)"
    assert row["finding"] == (
        "adds 40 units, while sewing is wanted 100 hours beyond all it has: "
        "30 units of safety stock are used up for it"
    )
    assert row["decide_by"] == month("2026-04")


@pytest.mark.parametrize(
    ("units", "words"),
    [
        (60.0, ": 10 units come late and 30 units of safety stock are used up for it"),
        (130.0, ": 40 units come late"),
    ],
)
def test_only_what_is_owed_or_lost_comes_late(known, units, words):
    owed = only(lacking(full(with_event(known)), units))  # of a safety stock of 50
    assert owed["finding"].endswith(words) and owed["amount_quantity"] == pytest.approx(40.0)


def test_units_lost_come_late_too(known):
    told = full(with_event(known))
    stock = told["inventory_projection"]
    is_lost = (stock["month"] == month("2026-05")) & (stock["item"] == "T1")
    told["inventory_projection"] = stock.assign(lost=7.0 * is_lost)
    assert only(told)["finding"].endswith(": 7 units come late")


def test_a_promotion_never_counts_beyond_its_uplift(known):
    assert only(lacking(full(with_event(known)), 90.0))["amount_quantity"] == pytest.approx(40.0)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda k: full(with_event(k)), id="built ahead, safety stock kept"),
        pytest.param(lambda k: lacking(with_event(k), 30.0), id="no hours are short"),
        pytest.param(lambda k: lacking(full(with_event(k), "2026-07"), 30.0), id="full later"),
        pytest.param(lambda k: lacking(full(k), 30.0), id="no event"),
        pytest.param(lambda k: lacking(full(with_event(k, -40.0)), 30.0), id="demand falls"),
        pytest.param(lambda k: lacking(full(with_event(k, kind="price")), 30.0), id="a price"),
        pytest.param(lambda k: lacking(full(with_event(k)), 30.0, "2026-10"), id="long after"),
        pytest.param(lambda k: lacking(full(with_event(k, family="Stoves")), 9.0), id="others"),
    ],
)
def test_no_event_is_reported_that_supply_follows(known, change):
    assert found(change(known)).empty


def test_a_lack_that_stood_before_the_event_is_not_its_doing(known):
    stood = lacking(lacking(full(with_event(known)), 30.0), 30.0, "2026-04")
    assert found(stood).empty


def test_a_bought_item_is_its_own_resource(known):
    bought = known["uses"].assign(resource=[None, "sewing"])
    told = lacking(with_event(known | {"uses": bought}), 12.0, "2026-05", "T1")
    row = only(told)
    assert row["amount_quantity"] == pytest.approx(12.0)
    assert row["talk"] == "Lund with purchasing"


# a launch before its parts


def ready(known: dict) -> dict:
    """The tables with `late_launches` as the supply review finds them."""
    members = pd.concat([known["items"]["item"], known["components"]["component"]])
    sources = sourcing.sources(members, known["items"], known["suppliers"])
    late = readiness.late_launches(known, sources, SPAN)
    return known | {"late_launches": launches.lost(late, known["launches"], known["plan"])}


def launch(known: dict, at: str = "2026-03", **tables) -> dict:
    new = {"item": "T3", "family": "Tents", "launch_month": at, "is_purchased": False}
    items = pd.concat([known["items"], raw("items", new)], ignore_index=True)
    bill = raw("components", {"item": "T3", "component": "C1", "offset_months": 1})
    terms = raw("suppliers", {"item": "C1", "supplier": "Ural", "lead_time_days": 120})
    like = {"item": "T3", "like_item": "T1", "weight_share": 1, "ramp_months": 2, "owner": "Lund"}
    plan = known["plan"]
    plan = pd.concat([plan, plan[plan["item"] == "T1"].assign(item="T3")], ignore_index=True)
    told = {"items": items, "components": bill, "suppliers": terms, "plan": plan}
    return known | told | {"launches": raw("launches", like)} | tables


def receipt(at: str) -> dict:
    due = {"item": "C1", "month": at, "kind": "purchase", "cycle": "2026-01", "quantity": 9}
    return {"scheduled_receipts": raw("scheduled_receipts", due)}


def test_a_launch_before_its_component_loses_its_plan_of_the_months_between(known):
    row = only(ready(launch(known)))
    # four months of lead time and one of offset: June; 100 a month are planned
    assert row["rule"] == "launch before its parts" and row["subject"] == "T3"
    assert "3 months before C1 can be there" in row["finding"]
    # and in June half of them, for the ramp of two months begins then
    assert row["amount_quantity"] == pytest.approx(350.0)
    assert row["amount_value"] == pytest.approx(3500.0)
    assert row["talk"] == "Lund with purchasing (Ural)"
    assert row["decide_by"] == month("2025-10") and row["proposal"].startswith("too late")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda k: launch(k, "2026-06"), id="just in time"),
        pytest.param(lambda k: launch(k, **receipt("2026-02")), id="a receipt comes in time"),
        pytest.param(lambda k: launch(k, "2025-12"), id="launched already"),
        pytest.param(
            lambda k: launch(k, suppliers=contract.empty("suppliers")), id="no lead time told"
        ),
        pytest.param(
            lambda k: launch(
                k, inventory=raw("inventory", {"item": "C1", "month": "2025-12", "on_hand": 5})
            ),
            id="on hand",
        ),
    ],
)
def test_no_launch_is_reported_whose_parts_can_be_there(known, change):
    assert found(ready(change(known))).empty


# a phase-out


def ending(known: dict, at: str, planned_after: float = 0.0, left: float = 0.0) -> dict:
    items = (
        known["items"]
        .assign(end_month=[month(at), pd.NaT] if at else pd.NaT)
        .astype({"end_month": months.DTYPE})
    )
    plan, stock = known["plan"], known["inventory_projection"]
    is_after = (plan["item"] == "T1") & (plan["month"] > month(at))
    plan = plan.assign(
        quantity=plan["quantity"].mask(is_after, planned_after),
        revenue_value=plan["revenue_value"].mask(is_after, 10 * planned_after),
    )
    closing = stock["closing"].mask(stock["item"].eq("T1") & (stock["month"] >= month(at)), left)
    return known | {
        "items": items,
        "plan": plan,
        "inventory_projection": stock.assign(closing=closing, safety_stock=0.0),
    }


def test_demand_planned_after_the_end_is_a_contradiction(known):
    row = only(ending(known, "2026-06", planned_after=5.0))
    assert row["rule"] == "phase-out not planned" and row["subject"] == "T1"
    assert row["amount_quantity"] == 30.0 and row["amount_value"] == 300.0


def test_stock_left_at_the_end_counts_at_cost(known):
    row = only(ending(known, "2026-06", left=130.0))
    assert row["amount_quantity"] == 130.0 and row["amount_value"] == 780.0
    assert row["decide_by"] == month("2026-05")


@pytest.mark.parametrize(
    ("at", "after", "left"),
    [("2026-06", 0.01, 0.0), ("2026-06", 0.0, 100.0), ("2025-10", 0.0, 900.0)],
)
def test_a_last_lot_and_old_stock_are_no_contradiction(known, at, after, left):
    assert found(ending(known, at, after, left)).empty


# safety stock and stock goals


def low(known: dict, first: int, count: int, closing: float) -> dict:
    stock, at = known["inventory_projection"], SPAN[first : first + count]
    closing = stock["closing"].mask(stock["month"].isin(at), closing)
    return known | {"inventory_projection": stock.assign(closing=closing)}


def test_a_family_long_below_half_its_safety_stock_is_not_funded(known):
    row = only(low(known, 4, 4, 20.0))
    assert row["rule"] == "safety stock not funded" and row["subject"] == "Tents"
    assert row["amount_quantity"] == 60.0 and row["amount_value"] == 360.0
    assert (row["first_month"], row["last_month"]) == (SPAN[4], SPAN[7])


@pytest.mark.parametrize(
    ("first", "count", "closing"),
    [
        pytest.param(4, 3, 0.0, id="a peak of three month ends"),
        pytest.param(4, 8, 25.0, id="half of it"),
        pytest.param(0, 4, 0.0, id="the first within the lead time"),
    ],
)
def test_a_peak_may_draw_on_safety_stock(known, first, count, closing):
    assert found(low(known, first, count, closing)).empty


@pytest.mark.parametrize(
    ("kpi", "unit", "target", "missing"),
    [
        ("inventory_value", "value", 500.0, 100.0),  # two safety stocks of 50 at 6 euro
        ("inventory_value", "value", 600.0, None),
        ("inventory_cover_months", "months", 0.4, 120.0),  # 0.1 months of 200 at 6 euro
        ("inventory_cover_months", "months", 0.5, None),
    ],
)
def test_a_stock_goal_below_the_safety_stocks_is_not_funded(known, kpi, unit, target, missing):
    goal = {"kpi": kpi, "target": target, "unit": unit, "first_month": "2026-01"}
    told = known | {"targets": raw("targets", goal | {"last_month": "2026-12", "owner": "Osei"})}
    if missing is None:
        assert found(told).empty
        return
    row = only(told)
    assert row["rule"] == "stock goal not funded" and row["talk_from"] == "Osei"
    assert row["amount_value"] == pytest.approx(missing)


# contracts and orders


def promised(known: dict, delivered: float, at: str = "2026-05") -> dict:
    plan = known["plan"]
    is_late = (plan["month"] == month(at)) & (plan["item"] == "T1")
    channels = raw("channels", {"channel": "Web", "contract_rate": 0.4})
    constrained = plan["constrained"].mask(is_late, delivered)
    return known | {"plan": plan.assign(constrained=constrained), "channels": channels}


def test_less_than_the_contract_is_a_broken_promise(known):
    row = only(promised(known, 30.0))
    assert row["rule"] == "promised and not delivered"
    assert row["amount_quantity"] == 10.0 and row["amount_value"] == 100.0


def test_an_order_is_a_promise_too(known):
    order = {"item": "T1", "channel": "Web", "month": "2026-05", "cycle": "2026-01", "quantity": 70}
    told = promised(known, 60.0) | {"orders": raw("orders", order)}
    assert only(told)["amount_quantity"] == 10.0
    assert found(promised(known, 70.0) | {"orders": told["orders"]}).empty


@pytest.mark.parametrize(
    ("delivered", "at"), [(40.0, "2026-05"), (39.6, "2026-05"), (0.0, "2026-01")]
)
def test_a_contract_kept_or_decided_in_the_past_is_none(known, delivered, at):
    assert found(promised(known, delivered, at)).empty


# budgets


def budgeted(known: dict, units: float, **views: float) -> dict:
    money = pd.DataFrame({"family": "Tents", "month": SPAN, "quantity": 200.0})
    money = money.assign(
        revenue_value=2000.0, budget_quantity=units, budget_revenue_value=10 * units
    )
    plan = known["plan"]
    said = [plan.assign(department=name, quantity=units / 2) for name, units in views.items()]
    version = {"version": "1", "family": "Tents", "month": "2026-01", "quantity": 1}
    told = {"financials": money, "budget": raw("budget", version)}
    return known | told | ({"views": pd.concat(said, ignore_index=True)} if said else {})


def test_a_budget_above_every_view_is_supported_by_nobody(known):
    row = only(budgeted(known, 260.0, finance=258.0, sales=230.0))
    assert row["rule"] == "budget without support" and row["subject"] == "Tents"
    assert "highest is the view of sales with 2,760" in row["finding"]
    assert row["amount_quantity"] == 12 * 30.0 and row["amount_value"] == 12 * 300.0
    assert row["talk"] == "finance with sales"  # who repeats the budget, and who does not


@pytest.mark.parametrize(
    ("units", "views"),
    [(209.0, {}), (260.0, {"sales": 248.0, "marketing": 220.0}), (190.0, {"sales": 150.0})],
)
def test_a_budget_near_one_view_is_supported(known, units, views):
    told = budgeted(known, units, **views)
    told["demand_plan"] = told["demand_plan"].assign(
        consensus=units / 2 if "sales" in views else 100.0
    )
    assert found(told).empty


def test_a_budget_in_money_alone_is_compared_in_money(known):
    told = budgeted(known, 260.0)
    told["financials"] = told["financials"].assign(budget_quantity=np.nan)
    row = only(told)
    assert row["amount_value"] == 12 * 600.0 and np.isnan(row["amount_quantity"])


def test_months_beyond_a_year_are_nobodys_view(known):
    told = budgeted(known, 260.0)
    later = told["financials"]["month"] + pd.DateOffset(years=1)
    assert found(told | {"financials": told["financials"].assign(month=later)}).empty


# assumptions, goals, prices


def assumed(state: str, rate: float, test: str = 'demand(family="Tents") < 9') -> pd.DataFrame:
    row = {"assumption": "A1", "statement": "Tents grow", "owner": "Lund", "department": "sales"}
    row |= {"state": state, "test": test, "carried_rate": rate, "carried_value": 24_000 * rate}
    return pd.DataFrame([row])


def test_a_broken_assumption_counts_what_people_still_move_by_it(known):
    row = only(known | {"assumption_states": assumed("broken", -0.05)})
    assert row["rule"] == "assumption still used" and row["talk"] == "Lund with sales"
    assert row["amount_value"] == 1200.0 and "5.0% below" in row["finding"]
    expired = only(known | {"assumption_states": assumed("expired", 0.05)})
    assert expired["amount_value"] == 1200.0


@pytest.mark.parametrize(
    ("state", "rate"), [("held", 0.5), ("untested", 0.5), ("broken", 0.02), ("broken", np.nan)]
)
def test_an_assumption_that_holds_or_moves_nothing_is_none(known, state, rate):
    assert found(known | {"assumption_states": assumed(state, rate)}).empty


def test_assumed_hours_that_the_capacity_lacks_count_in_any_case(known):
    test = 'hours(resource="sewing", months=12) < 9000'
    row = only(known | {"assumption_states": assumed("broken", np.nan, test)})
    assert np.isnan(row["amount_value"]) and row["is_material"]
    assert row["proposal"].startswith("correct the table capacity")


def goal(status: str, subject: str = "Tents", value: float = 500.0) -> pd.DataFrame:
    row = {"subject": subject, "status": status, "amount_value": value, "binding": "sewing"}
    row |= {"meaning": "Growth", "unit": "rate", "target": 0.4, "deliverable": 0.2, "owner": "Lund"}
    row |= {"first_month": SPAN[0], "last_month": SPAN[-1], "takes": "90 more hours of sewing"}
    return pd.DataFrame([row])


def test_a_goal_that_supply_cannot_follow_is_a_contradiction_and_one_for_want_of_demand_is_none(
    known,
):
    row = only(known | {"strategy_check": goal("short of supply")})
    assert (
        row["rule"] == "goal above supply" and row["talk"] == "Lund with supply planning (sewing)"
    )
    assert row["finding"] == "Growth: the goal is 40.0%, supply can bring 20.0%; sewing binds"
    for status in ("short of demand", "deliverable", "not measured"):
        assert found(known | {"strategy_check": goal(status)}).empty


def test_of_a_budget_and_a_goal_for_the_same_members_the_larger_is_told_and_names_the_other(known):
    told = budgeted(known, 260.0)  # 7,200 in money
    row = only(told | {"strategy_check": goal("short of supply")})
    assert row["rule"].startswith("budget") and row["amount_value"] == 7200.0
    assert row["finding"].endswith(
        "; also Growth: the goal is 40.0%, supply can bring 20.0%; sewing binds (500 in money)"
    )
    larger = only(told | {"strategy_check": goal("short of supply", value=9000.0)})
    assert larger["rule"] == "goal above supply" and "; also budget 3,120" in larger["finding"]
    unpriced = only(told | {"strategy_check": goal("short of supply", value=np.nan)})
    assert unpriced["finding"].endswith("sewing binds")
    assert len(found(told | {"strategy_check": goal("short of supply", "Stoves")})) == 2


def priced(known: dict, at: str, chance: float = 1.0, change: float = -20.0) -> dict:
    told = with_event(known, change, "price", first_month="2026-07", last_month=None)
    told["event_effects"] = told["event_effects"].assign(probability_rate=chance)
    price = {"item": "T1", "first_month": at, "unit_price_value": 11}
    return told | {"prices": raw("prices", price)}


def test_a_decided_price_event_without_a_price_is_a_contradiction(known):
    row = only(priced(known, "2026-01"))
    assert row["rule"] == "price not entered" and row["talk"] == "Lund with finance"
    assert row["amount_quantity"] == 20.0 and row["amount_value"] == 200.0


@pytest.mark.parametrize(
    ("at", "chance", "change"),
    [("2026-07", 1.0, -20.0), ("2026-01", 0.6, -20.0), ("2026-01", 1.0, 0.0)],
)
def test_a_price_that_is_entered_or_not_decided_is_none(known, at, chance, change):
    assert found(priced(known, at, chance, change)).empty


# ranking


def test_rows_stand_by_money_and_small_ones_are_counted_not_shown(known):
    told = budgeted(known, 260.0) | {"strategy_check": goal("short of supply", "Stoves", 40.0)}
    table = found(told, least=50.0)
    assert table["amount_value"].tolist() == [7200.0, 40.0]
    assert table["is_material"].tolist() == [True, False]


# the sample company


def run(root, seed: int, *, is_clean: bool = False) -> pd.DataFrame:
    """Table `disconnects` of a generated company, its steps run without pages."""
    sample.write(root / "data/raw", seed, is_clean=is_clean)
    for path in (root / "data/raw/scenarios").glob("*.yml"):
        path.unlink()  # they cost time and contradict nothing
    (root / "data/raw/levers.csv").unlink()  # nor do these
    workspace = store.open_workspace(root)
    parameters = cycle.settle_parameters(workspace, {})
    for name in ("product_review", "executive_review"):  # no plan rests on them
        del parameters[name]
    cycle.compute(workspace, CYCLE, parameters)
    return store.read(workspace, "disconnects", CYCLE)


def planted(seed: int) -> set[str]:
    """What is planted, as the rules call it."""
    truth = sample.truths(seed)
    return {
        truth["promotion_without_supply"]["event"],
        truth["budget_above_capacity"]["family"],
        truth["late_component"]["item"],
        truth["broken_assumption"]["assumption"],
    }


def test_what_is_planted_stands_in_the_first_six_rows(sample_workspace):
    table = store.read(sample_workspace, "disconnects", CYCLE)
    others = set(table["subject"].head(6)) - planted(0)  # hours lack in the weeks of spring too
    assert others == {"Lighting", "Spring weeks 2026"}
    assert planted(0) <= set(table["subject"].head(6))
    assert table["amount_value"].is_monotonic_decreasing
    contract.check_processed("disconnects", table)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_what_is_planted_is_found_with_other_seeds(tmp_path, seed):
    table = run(tmp_path, seed)
    states = store.read(tmp_path, "assumption_states", CYCLE).set_index("assumption")["state"]
    name = sample.truths(seed)["broken_assumption"]["assumption"]
    wanted = planted(seed) - ({name} if states[name] == "held" else set())  # its own test holds
    # not planted as contradictions but true: stock of tents (fabric is short), two further events
    # that the busiest resource cannot follow, and a budget of Lighting that no view reaches
    others = {"Spring weeks 2026", "Alpine chain lists packs", "Lighting"}
    above = table[: table.index[table["subject"].isin(wanted)].max()]
    assert wanted <= set(table["subject"]) and set(above["subject"]) <= wanted | others


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_a_clean_company_has_no_disconnect(tmp_path, seed):
    assert run(tmp_path, seed, is_clean=True).empty
