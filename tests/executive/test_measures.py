"""What KPIs are made of."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months, schema
from sopkit.executive import measures

CYCLE = pd.Timestamp("2026-01-01")
SPAN = months.closed(CYCLE, 3)
KEY = {"item": "A", "location": "North", "channel": "Online"}
ITEMS = pd.DataFrame(
    {
        "item": ["A", "B", "R"],
        "family": ["Tents", "Stoves", "Repair"],
        "planning_factor": [2.0, 1.0, 1.0],
        "is_service": [False, False, True],
        "is_made_to_order": [False, np.nan, False],
    }
)
TABLES = {
    "items": ITEMS.assign(category=None),
    "locations": contract.empty("locations"),
    "channels": contract.empty("channels"),
    "money_rates": pd.DataFrame(
        {
            "item": ["A", "A", "B", "R"],
            "unit_price_value": [10.0, 30.0, 5.0, 80.0],
            "unit_cost_value": [4.0, 8.0, 2.0, np.nan],
        }
    ),
}
CLOSED = pd.DataFrame(
    {
        **KEY,
        "month": SPAN,
        "net": [10.0, 20.0, 30.0],
        "revenue_value": [100.0, 200.0, 300.0],
        "margin_value": [50.0, np.nan, 150.0],
    }
)
SALES = pd.DataFrame(
    {**KEY, "month": SPAN, "quantity": [10.0, 20.0, -3.0], "on_time_quantity": [9.0, np.nan, 0.0]}
)
PLAN = pd.DataFrame({"item": "A", "month": months.span(CYCLE, 3), "consensus": [40.0, 50.0, 60.0]})
INVENTORY = pd.DataFrame(
    {
        "item": ["A", "A", "R", "component"],
        "location": ["plant", "depot", "plant", "plant"],
        "month": SPAN[2],
        "on_hand": [100.0, 50.0, 0.0, 900.0],
        "backlog": [0.0, 1.0, 3.0, 0.0],
    }
)
LOAD = pd.DataFrame(
    {
        "resource": ["sewing", "sewing", "press", "press"],
        "month": [*SPAN[:2], *SPAN[:2]],
        "load_hours": [120.0, 100.0, 10.0, 30.0],
        "regular_hours": [100.0, 100.0, 20.0, 20.0],
        "workers": [10.0, 13.0, np.nan, np.nan],
    }
)


def held(**change) -> pd.DataFrame:
    given = {"closed": CLOSED, "plan": PLAN, "inventory": INVENTORY} | change
    return measures.held(*given.values(), TABLES)


# (1) by hand


def test_sales_are_told_in_planning_units_and_time_only_where_both_are_known_by_hand():
    table = measures.sold(CLOSED, SALES, TABLES)
    assert table["quantity"].tolist() == [20.0, 40.0, 60.0]
    assert table[["delivered", "on_time"]].values.tolist()[0] == [20.0, 18.0]
    assert table["on_time"].isna().tolist() == [False, True, True]  # a return tells no service
    assert table["costed_revenue_value"].fillna(0).tolist() == [100.0, 0.0, 300.0]
    assert set(schema.LEVELS) <= set(table)


def test_stock_stands_beside_the_demand_that_follows_by_hand():
    own = held().set_index("item").loc["A"]
    assert own["stock_quantity"] == 2 * 150.0 and own["backlog_quantity"] == 2.0
    assert own["next_quantity"] == 2 * (40 + 50 + 60) / 3
    assert own["stock_value"] == 150 * 6.0 and own["backlog_value"] == 20.0  # mean cost, price
    assert own["next_value"] == 50 * 6.0 and own["cost_value"] == 30 * 6.0


def test_services_owe_but_give_no_reason_for_stock_and_what_is_not_sold_is_left_out():
    table = held().set_index("item")
    assert "component" not in table.index
    assert table.loc["R", ["next_quantity", "backlog_quantity"]].tolist() == [0.0, 3.0]
    assert table.loc["R", "backlog_value"] == 240.0


def test_items_that_say_nothing_of_services_hold_stock():
    items = contract.empty("items").reindex([0]).assign(item="A", family="Tents")
    table = measures.held(CLOSED, PLAN, INVENTORY[:1], TABLES | {"items": items})
    assert table["next_quantity"].tolist() == [50.0]


def test_stock_followed_by_unknown_demand_is_not_told():
    own = held(plan=PLAN[:2]).set_index("item").loc["A"]
    assert np.isnan(own["next_quantity"]) and own["cost_value"] == 180.0


def test_hours_overtime_and_people_by_hand():
    found = measures._load(LOAD)
    assert (found["busiest_load_hours"], found["busiest_regular_hours"]) == (220.0, 200.0)
    assert found["peak_rate"] == 1.5
    assert (found["overtime_hours"], found["load_hours"]) == (30.0, 260.0)
    assert (found["workers_moved"], found["workers"]) == (3.0, 11.5)


def test_errors_are_those_of_families_at_the_lag_and_of_the_layer_by_hand():
    rows = [("family", 3, "combined", 0.1, 0.05, 300.0), ("family", 3, "combined", 0.3, -0.1, 100)]
    rows += [("family", 2, "combined", 0.9, 0.9, 1.0), ("item", 3, "combined", 0.9, 0.9, 1.0)]
    rows += [("family", 3, "theta", 0.9, 0.9, 1.0)]
    table = pd.DataFrame(rows, columns="level lag model wape bias_rate volume".split())
    assert measures._errors(table, "forecast", model="combined") == pytest.approx(
        {"forecast_error": 60.0, "forecast_bias": 5.0, "forecast_volume": 400.0}
    )


def test_what_was_made_as_planned_by_hand():
    rows = [("supply", 0, 0.2, 50.0), ("supply", 1, 0.9, 50.0), ("inventory", 0, 0.5, 10.0)]
    table = pd.DataFrame(rows, columns=["plan", "lag", "wape", "volume"])
    assert measures._kept(table) == pytest.approx({"made_as_planned": 40.0, "made": 50.0})


def market(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["month", "family", "region", "value"])


def test_the_market_share_is_the_companys_where_the_market_of_all_families_is_known_by_hand():
    year = months.closed(CYCLE, 12)
    sold = pd.DataFrame({"month": year, "family": "Tents", "revenue_value": 10.0})
    sold = pd.concat([sold, sold.assign(family="Stoves", revenue_value=90.0)])
    sizes = market(*[(month, "Tents", "all", 40.0) for month in year])
    sizes = pd.concat([sizes, market((year[0], "Tents", "North", 7.0))])
    assert np.isnan([*measures.market_share(sold, sizes).values()]).all()  # of Tents alone
    whole = pd.concat([sizes, market(*[(month, "all", "all", 200.0) for month in year])])
    found = measures.market_share(sold, whole)
    assert found == {"market_revenue_value": 1200.0, "market_value": 2400.0}
    short = whole[whole["family"] == "all"][:5]
    assert np.isnan(measures.market_share(sold, short)["market_value"])


def test_a_market_known_of_some_families_alone_is_named_by_hand():
    every = [(CYCLE, name, "all", 1.0) for name in ("D", "C", "B", "A")]
    told = "market.csv has `market size` of A, B, C, 1 more alone"
    assert measures.market_lacks(market(*every)) == told
    assert measures.market_lacks(market(*every, (CYCLE, "all", "all", 9.0))) == ""
    assert measures.market_lacks(market()) == ""


PROCESS = {
    "view_status": pd.DataFrame(
        {"timing": ["in time", "in time, changed later", "late", "missing"]}
    ),
    "data_review_facts": pd.DataFrame({"fact": ["notices"], "amount": [2.0]}),
    "closings": pd.DataFrame(
        {
            "cycle": pd.to_datetime(["2025-11", "2025-12", "2025-12", "2026-01"]),
            "state": ["reopened", "closed", "reopened", "reopened"],
        }
    ),
    "pulse": pd.DataFrame(
        {
            "cycle": pd.to_datetime(["2025-11", "2025-12", "2025-12", "2026-01"]),
            "score": [1.0, 3.0, 4.0, 5.0],
        }
    ),
    "demand_plan": pd.DataFrame(
        {
            "overrides": [5.0, -1.0],
            "consensus": [50.0, 20.0],
            "unit_price_value": [2.0, 10.0],
            "factor": 1.0,
        }
    ),
}


def test_the_process_by_hand():
    found = measures.process(PROCESS, cycle=CYCLE)
    assert found == {
        "views_in_time": 2.0,
        "views_wanted": 4.0,
        "overridden": 20.0,
        "consensus": 300.0,
        "notices": 2.0,
        "reopened": 2.0,  # in the last cycle and this one
        "score": 3.5,  # of the last cycle, not of the one under way
    }


def test_what_nobody_entered_is_not_measured():
    plan = PROCESS["demand_plan"].assign(unit_price_value=[2.0, np.nan])
    told = PROCESS | {"demand_plan": plan, "closings": PROCESS["closings"][:0]}
    told |= {"pulse": PROCESS["pulse"][:0], "view_status": pd.DataFrame({"timing": ["late", ""]})}
    found = measures.process(told, cycle=CYCLE)
    assert np.isnan([found["views_in_time"], found["reopened"], found["score"]]).all()
    assert (found["overridden"], found["consensus"]) == (6.0, 70.0)  # in units without a price


# (3) invariants


def test_empty_tables_give_nothing_to_measure():
    empty = {name: contract.empty(name) for name in ("items", "locations", "channels")}
    empty["money_rates"] = TABLES["money_rates"][:0]
    sold = measures.sold(CLOSED, contract.empty("sales"), empty)
    assert sold["on_time"].isna().all() and len(sold) == len(CLOSED)
    assert measures.held(CLOSED, PLAN, contract.empty("inventory"), empty).empty
    assert np.isnan([*measures._load(LOAD[:0]).values()]).all()


def test_stock_equals_a_slow_loop_on_the_sample(sample_closed, sample_tables, sample_rates):
    tables = sample_tables | {"money_rates": sample_rates}
    none = pd.DataFrame({"item": [], "month": SPAN[:0], "consensus": []})
    table = measures.held(sample_closed, none, sample_tables["inventory"], tables)
    month = pd.Timestamp("2025-06-01")
    own = table[(table["month"] == month) & (table["family"] == "Tents")]
    names = sample_tables["items"].query("family == 'Tents'")["item"].tolist()
    sold = sample_closed[sample_closed["month"].isin(months.span(months.shift(month, 1), 3))]
    following = sum(
        row["net"] for row in sold.to_dict("records") if row["item"] in set(own["item"])
    )
    assert own["next_quantity"].sum() == pytest.approx(following / 3)
    stock = sample_tables["inventory"]
    stock = stock[(stock["month"] == month) & stock["item"].isin(names)]
    assert own["stock_quantity"].sum() == pytest.approx(stock["on_hand"].sum())
