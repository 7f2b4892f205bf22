"""The check of the sales strategy: each goal by hand, what binds, and what it would take."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months, schema, store
from sopkit.reconciliation import goals, strategy

CYCLE = pd.Timestamp("2026-01-01")
PAST, AHEAD = months.span(pd.Timestamp("2025-01-01"), 12), months.span(CYCLE, 12)
KEYS = [  # item, channel, family, price
    ("T1", "Web", "Tents", 10.0),
    ("T1", "Shop", "Tents", 10.0),
    ("S1", "Shop", "Stoves", 20.0),
]

RATES = pd.DataFrame(
    [
        {
            "item": i,
            "location": "North",
            "channel": c,
            "unit_price_value": p,
            "unit_cost_value": 1.0,
        }
        for i, c, _, p in KEYS
    ]
)


def long(span: pd.DatetimeIndex, **measures: float) -> pd.DataFrame:
    rows = [
        {"item": item, "location": "North", "channel": channel, "month": month}
        | {"family": family, "category": "Camp", "region": "Europe", "segment": "End"}
        | {"factor": 1.0, "price": price}
        | measures
        for item, channel, family, price in KEYS
        for month in span
    ]
    return pd.DataFrame(rows)


def known(late: float = 0.0, **tables: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """A year of 10 a month and series, a year planned at 11; sewing has 40 hours, a tent takes 1.

    ``late``: tents a month and series that supply does not deliver.
    """
    past = long(PAST, sales=10.0)
    past = past.assign(revenue_value=past["sales"] * past["price"])
    plan = long(AHEAD, quantity=11.0)
    is_tent = plan["family"] == "Tents"
    plan = plan.assign(constrained=plan["quantity"] - late * is_tent)
    for name, amount in (("", "quantity"), ("constrained_", "constrained")):
        plan[f"{name}revenue_value"] = plan[amount] * plan["price"]
    load = pd.DataFrame({"resource": "sewing", "month": AHEAD, "regular_hours": 20.0})
    used = {"overtime_hours": 4.0, "load_hours": 22.0 - 2 * late, "wanted_hours": 22.0 + 4 * late}
    stock = pd.DataFrame({"item": "T1", "location": "North", "month": AHEAD, "family": "Tents"})
    stock = stock.assign(category="Camp", closing=30.0, safety_stock=5.0, factor=1.0)
    stock = stock.assign(unit_cost_value=5.0, unit_price_value=10.0)
    stock = stock.assign(demand=22.0, deliverable=22.0 - late, on_time=22.0 - late)
    return {
        "flow": strategy.flows(past, plan, RATES),
        "stock": stock,
        "uses": pd.DataFrame(
            {"item": ["T1", "S1"], "resource": ["sewing", None], "hours_per_unit": 1.0}
        ),
        "resource_load": load.assign(**used),
        "market": contract.empty("market"),
        "suppliers": contract.empty("suppliers"),
    } | tables


def target(kpi: str, amount: float, **row: object) -> pd.DataFrame:
    usual = {"first_month": "2026-01", "last_month": "2026-12", "unit": goals.DEFINITIONS[kpi][1]}
    rows = pd.DataFrame([usual | {"kpi": kpi, "target": amount} | row])
    return contract.check_table("targets", rows, contract.Source("targets")).frame


def check(tables: dict, kpi: str, amount: float, **row: object) -> pd.Series:
    goal = target(kpi, amount, **row)
    table = strategy.strategy_check(goal, tables, cycle=CYCLE, currency="EUR")
    contract.check_processed("strategy_check", table)
    assert len(table) == 1
    return table.iloc[0]


# by hand: a year of plan is 2 x 11 x 12 = 264 tents worth 2,640 and 132 stoves worth 2,640


@pytest.mark.parametrize(
    ("kpi", "levels", "amount"),
    [
        ("revenue_value", {}, 5280.0),
        ("revenue_value", {"family": "Tents"}, 2640.0),
        ("quantity", {"family": "Tents", "channel": "Web"}, 132.0),
        ("revenue_share_rate", {"channel": "Web"}, 0.25),
        ("growth_rate", {"family": "Tents"}, 0.1),
        ("service_rate", {"family": "Tents"}, 1.0),
        ("inventory_turns", {"family": "Tents"}, 22 * 12 / 30),
    ],
)
def test_each_goal_is_measured_by_hand(kpi, levels, amount):
    row = check(known(), kpi, amount, **levels)
    assert row["plan"] == pytest.approx(amount) and row["deliverable"] == pytest.approx(amount)
    assert row["status"] == "deliverable" and row["amount_value"] == 0.0
    assert check(known(), kpi, amount * 1.01, **levels)["status"] != "deliverable"


def test_months_before_the_cycle_are_actual():
    row = check(known(), "quantity", 300.0, family="Stoves", first_month="2025-07")
    assert row["plan"] == 6 * 10 + 12 * 11


def test_growth_from_next_to_nothing_is_no_measure():
    tables = known()
    flow = tables["flow"]
    base = flow["wanted_value"].where(flow["is_ahead"], 0.001)
    row = check(tables | {"flow": flow.assign(wanted_value=base)}, "growth_rate", 0.1)
    assert row["status"] == "not measured" and "next to nothing was sold" in row["takes"]


def test_a_goal_far_beyond_what_is_planned_says_so_in_words():
    row = check(known(), "quantity", 1e6, family="Tents")
    assert row["takes"].endswith("demand, from next to nothing, in the months to go")


def test_growth_further_ahead_stands_on_the_plan_of_the_year_before():
    row = check(known(), "growth_rate", 0.0, first_month="2026-07", last_month="2026-12")
    assert row["plan"] == pytest.approx(0.1)


def test_stock_that_is_too_high_says_by_how_much():
    row = check(known(), "inventory_value", 100.0)
    assert (row["plan"], row["status"], row["amount_value"]) == (150.0, "too much stock", 50.0)
    assert row["binding"] == "stock beyond safety stock"
    assert row["takes"] == "50 EUR less stock, at cost"
    assert row["period"] == "2026-01 to 2026-12"
    assert check(known(), "inventory_value", 20.0)["binding"] == "safety stock"
    turns = check(known(), "inventory_turns", 11.0)  # 264 x 5 a year over 11 is 120 of stock
    assert turns["amount_value"] == pytest.approx(30.0) and turns["status"] == "too much stock"


# what binds and what it takes


def test_a_goal_beyond_free_hours_is_short_of_supply_with_the_hours_it_takes():
    row = check(known(), "quantity", 330.0, family="Tents")  # 66 more; 2 x 12 hours are free
    assert row["status"] == "short of supply" and row["binding"] == "sewing"
    assert row["takes"] == "42 more hours of sewing, +25% demand in the months to go"
    assert row["gap"] == -66.0 and row["amount_value"] == pytest.approx(660.0)


def test_a_goal_within_free_hours_is_short_of_demand():
    row = check(known(), "quantity", 288.0, family="Tents")  # 24 more take 24 hours
    assert row["status"] == "short of demand" and row["binding"] == "demand"
    assert row["takes"] == "+9% demand in the months to go"


def test_a_goal_that_demand_reaches_and_supply_does_not_takes_the_hours_of_what_is_late():
    row = check(known(late=1.0), "revenue_value", 2640.0, family="Tents")
    assert row["plan"] == 2640.0 and row["deliverable"] == 2400.0
    assert row["status"] == "short of supply" and row["binding"] == "sewing"
    assert row["takes"] == "24 hours of sewing" and row["amount_value"] == pytest.approx(240.0)


def test_late_units_of_what_no_hours_limit_are_named():
    tables = known(late=1.0)
    tables["uses"] = tables["uses"].assign(resource=None).astype({"resource": "str"})
    row = check(tables, "revenue_value", 2640.0, family="Tents")
    assert row["binding"] == "T1" and row["takes"] == "24 units of T1 in time"
    service = check(known(late=1.0), "service_rate", 1.0)
    assert service["status"] == "short of supply" and service["binding"] == "sewing"
    assert service["takes"] == "12 units in time, most of them of T1"
    assert service["amount_value"] == pytest.approx(120.0)


def test_a_share_counts_what_is_sold_more_in_the_whole_too():
    row = check(known(), "revenue_share_rate", 0.4, channel="Web")
    # 1,320 of 5,280: (1,320 + x) / (5,280 + x) = 0.4 where x = 1,320
    assert row["amount_value"] == pytest.approx(1320.0)
    assert "+100% demand" in row["takes"]


@pytest.mark.parametrize(
    ("limit", "status"), [(11.0, "short of supply"), (40.0, "short of demand")]
)
def test_a_suppliers_limit_binds_what_is_bought(limit, status):
    rows = pd.DataFrame([{"item": "S1", "supplier": "Ural", "lead_time_days": 9}])
    rows = rows.assign(monthly_limit=limit)
    suppliers = contract.check_table("suppliers", rows, contract.Source("suppliers")).frame
    row = check(known(suppliers=suppliers), "quantity", 144.0, family="Stoves")
    assert row["status"] == status
    if status == "short of supply":
        assert row["takes"] == "12 more units of Ural, +9% demand in the months to go"


def market(size: float, span: pd.DatetimeIndex = PAST, **row: str) -> pd.DataFrame:
    rows = pd.DataFrame({"series": goals.MARKET, "month": span, "value": size})
    rows = rows.assign(**row)
    return contract.check_table("market", rows, contract.Source("market")).frame


def test_the_market_of_months_to_come_is_that_of_a_year_before():
    tables = known(market=market(880.0, family="Tents"))
    row = check(tables, "market_share_rate", 0.5, family="Tents")
    assert row["plan"] == pytest.approx(0.25)  # 220 of 880
    assert row["amount_value"] == pytest.approx(12 * 220.0)
    for levels in (
        {"family": "Stoves"},
        {},
        {"channel": "Web"},
        {"family": "Tents", "region": "X"},
    ):
        assert check(tables, "market_share_rate", 0.5, **levels)["status"] == "not measured"


def test_what_is_newly_sold_is_what_has_no_sales_before():
    tables = known()
    flow = tables["flow"]
    is_new = flow["channel"].eq("Web")
    tables["flow"] = flow[~is_new | flow["is_ahead"]].assign(
        first_sold=flow["first_sold"].mask(is_new, CYCLE)
    )
    row = check(tables, "new_market_revenue_value", 1320.0)
    assert row["plan"] == 1320.0 and row["status"] == "deliverable"
    nothing = check(known(), "new_market_revenue_value", 10.0)
    assert nothing["status"] == "short of demand" and nothing["plan"] == 0.0
    assert nothing["takes"] == "demand where none is planned"


def test_the_first_month_of_a_series_is_its_first_sale():
    past, plan = long(PAST, sales=0.0), long(AHEAD, quantity=11.0, constrained=11.0)
    past = past.assign(revenue_value=0.0, sales=past["sales"].mask(past["channel"] == "Shop", 1.0))
    plan = plan.assign(revenue_value=1.0, constrained_revenue_value=1.0)
    first = strategy.flows(past, plan, RATES).groupby("channel")["first_sold"].min()
    assert first.to_dict() == {"Shop": PAST[0], "Web": AHEAD[0]}


def test_closed_months_without_booked_revenue_count_at_todays_price():
    past, plan = long(PAST, sales=10.0), long(AHEAD, quantity=11.0, constrained=11.0)
    plan = plan.assign(revenue_value=1.0, constrained_revenue_value=1.0)
    booked = past["price"].where(past["channel"] == "Web")  # a tenth of the price
    flow = strategy.flows(past.assign(revenue_value=booked), plan, RATES)
    done = flow[~flow["is_ahead"]].groupby(["item", "channel"])["wanted_value"].sum()
    assert done.to_dict() == {("T1", "Web"): 120.0, ("T1", "Shop"): 1200.0, ("S1", "Shop"): 2400.0}


# what cannot be measured says why


@pytest.mark.parametrize(
    ("kpi", "row", "words"),
    [
        ("quantity", {"last_month": "2027-06"}, "not all planned"),
        ("quantity", {"first_month": "2024-01"}, "sales are known from 2025-01 on"),
        ("growth_rate", {"first_month": "2025-01"}, "sales are known from 2025-01 on"),
        ("growth_rate", {"family": "Tarps"}, "nothing was sold in the year before"),
        ("service_rate", {"family": "Tarps"}, "nothing of it is planned"),
        ("revenue_share_rate", {"channel": "Web"}, "a share is below 1"),
        ("service_rate", {"channel": "Web"}, "known by category, family, item only"),
        ("inventory_turns", {"family": "Stoves"}, "nothing of it is planned"),
        ("market_share_rate", {}, "table market lacks the 'market size'"),
    ],
)
def test_what_cannot_be_measured_says_why(kpi, row, words):
    found = check(known(), kpi, 1.0, **row)
    assert found["status"] == "not measured" and words in found["takes"]
    assert np.isnan(found["gap"])


def test_without_prices_or_stock_the_goal_says_which_table_is_missing():
    tables = known()
    tables["flow"] = tables["flow"].assign(wanted_value=np.nan, supplied_value=np.nan)
    assert "table prices" in check(tables, "revenue_value", 1.0)["takes"]
    assert check(tables, "quantity", 1.0)["status"] == "deliverable"
    tables["stock"] = pd.DataFrame()
    assert "table inventory" in check(tables, "inventory_turns", 1.0)["takes"]


def test_goals_that_are_over_and_kpis_of_the_executives_are_left_out():
    over = target("quantity", 1.0, first_month="2025-01", last_month="2025-12")
    other = target("quantity", 1.0).assign(kpi="margin_rate")
    rows = pd.concat([over, other], ignore_index=True)
    table = strategy.strategy_check(rows, known(), cycle=CYCLE, currency="EUR")
    assert table.empty
    contract.check_processed("strategy_check", table)
    assert table["plan"].dtype == "float64" and table["last_month"].dtype == months.DTYPE


def test_the_goals_of_the_sample_are_checked(sample_workspace):
    table = store.read(sample_workspace, "strategy_check", CYCLE).set_index("kpi")
    assert table.loc["growth_rate", "status"] == "short of supply"
    assert table.loc["growth_rate", "binding"] == "sewing"  # truths: the resource that binds
    assert table.loc["revenue_share_rate", "status"] == "deliverable"
    assert table.loc["market_share_rate", "status"] == "short of demand"  # the newcomer
    plan = store.read(sample_workspace, "plan_money", CYCLE)
    year = plan[plan["month"] < "2027-01-01"]
    online = year.loc[year["channel"] == "Online", "constrained_revenue_value"].sum()
    share = online / year["constrained_revenue_value"].sum()
    assert table.loc["revenue_share_rate", "deliverable"] == pytest.approx(share)
    np.testing.assert_allclose(table["gap"], table["deliverable"] - table["target"])
    assert set(schema.LEVELS) <= set(table)
