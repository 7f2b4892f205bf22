"""What a reopening changed, by hand."""

from __future__ import annotations

import pandas as pd

from sopkit.executive import revisions

MONTHS = pd.to_datetime(["2026-01-01", "2026-02-01"])


def plan(column: str, amounts: dict[str, list[float]], *, channel: bool = False) -> pd.DataFrame:
    rows = [
        {"item": item, "location": "all", "month": month, column: amount}
        for item, own in amounts.items()
        for month, amount in zip(MONTHS, own, strict=True)
    ]
    table = pd.DataFrame(rows)
    return table.assign(channel="all", constrained=table[column]) if channel else table


def tables() -> dict[str, pd.DataFrame]:
    items = pd.DataFrame({"item": ["A", "B"], "family": ["Tents", "Poles"]})
    items = items.assign(category="Camping", planning_factor=[1.0, 0.5])
    rates = pd.DataFrame({"item": ["A", "B"], "location": "all", "channel": "all"})
    was = plan("consensus", {"A": [10.0, 10.0], "B": [4.0, 4.0]}, channel=True)
    now = plan("consensus", {"A": [10.0, 16.0], "B": [4.0, 2.0]}, channel=True)
    stock = plan("closing", {"A": [5.0, 5.0], "B": [2.0, 2.0]})
    supply = plan("supply", {"A": [9.0, 9.0], "B": [4.0, 4.0]})
    closings = pd.DataFrame({
        "cycle": [MONTHS[0], MONTHS[0] - pd.DateOffset(months=1)], "step": "demand_review",
        "revision": 1.0, "state": "reopened", "author": ["R. Osei", "another"],
        "note": ["demand_review reopened: a dealer more", "of another cycle"],
        "entered_at": pd.Timestamp("2026-01-20"),
    })  # fmt: skip
    return {
        "items": items, "money_rates": rates.assign(unit_price_value=[100.0, 10.0]),
        "closings": closings, "demand_plan": now, "revision_demand_plan": was.assign(revision=1),
        "supply_plan": supply, "revision_supply_plan": supply.assign(revision=1).iloc[:0],
        "inventory_projection": stock.assign(closing=[7.0, 9.0, 2.0, 2.0]),
        "revision_inventory_projection": stock.assign(revision=2),
    }  # fmt: skip


def test_each_reopened_revision_stands_beside_the_plan_by_hand():
    found = (
        revisions.changes(tables(), cycle=MONTHS[0])
        .set_index(["measure", "revision", "family"])
        .sort_index()
    )
    demand = found.loc[("Demand", 1)]
    assert demand.loc["Tents", ["before", "now", "change"]].tolist() == [20.0, 26.0, 6.0]
    assert demand.loc["Poles", ["before", "now", "change"]].tolist() == [4.0, 3.0, -1.0]  # x 0.5
    assert demand.loc["Company", ["before", "now", "change"]].tolist() == [24.0, 29.0, 5.0]
    assert demand["change_value"].to_dict() == {"Company": 580.0, "Tents": 600.0, "Poles": -20.0}
    assert demand["worst_month"].tolist() == [MONTHS[1]] * 3
    assert demand["worst_change"].to_dict() == {"Company": 5.0, "Poles": -1.0, "Tents": 6.0}
    assert demand["words"].eq("a dealer more (R. Osei)").all()
    assert (
        demand["note"].str.endswith("a dealer more").all() and demand["author"].eq("R. Osei").all()
    )
    stock = found.loc[("Stock", 2)]  # the mean of its months
    assert stock.loc["Tents", ["before", "now", "change"]].tolist() == [5.0, 8.0, 3.0]
    assert stock["change_value"].isna().all()
    assert "Supply" not in found.index.get_level_values("measure")


def test_what_sales_agreed_to_is_a_plan_of_its_own_where_there_is_anything_by_hand():
    given = tables()
    assert "Agreed demand" not in set(revisions.changes(given, cycle=MONTHS[0])["measure"])
    plan = given["demand_plan"]
    given["demand_plan"] = plan.assign(constrained=plan["consensus"] + [-3.0, 3.0, 0.0, -1.0])
    found = revisions.changes(given, cycle=MONTHS[0]).query("measure == 'Agreed demand'")
    found = found.set_index("family")
    assert found["change"].to_dict() == {"Company": 4.5, "Tents": 6.0, "Poles": -1.5}
    assert found["worst_change"].to_dict() == {"Company": 7.5, "Tents": 9.0, "Poles": -1.5}
    assert found["moved"].to_dict() == {"Company": 3.0, "Tents": 3.0, "Poles": 0.0}
    assert found["change_value"].to_dict() == {"Company": 570.0, "Tents": 600.0, "Poles": -30.0}
    assert found["words"].eq("a dealer more (R. Osei)").all()


def test_an_item_that_only_one_revision_plans_counts_as_nothing_in_the_other():
    given = tables()
    was = given["revision_demand_plan"]
    given["revision_demand_plan"] = was[was["item"] == "A"]
    found = (
        revisions.changes(given, cycle=MONTHS[0]).query("measure == 'Demand'").set_index("family")
    )
    assert found.loc["Poles", ["before", "now", "change_value"]].tolist() == [0.0, 3.0, 60.0]


def test_nothing_reopened_gives_an_empty_table_with_its_types():
    given = tables()
    for name in ("demand_plan", "supply_plan", "inventory_projection"):
        given[f"revision_{name}"] = given[f"revision_{name}"].iloc[:0]
    found = revisions.changes(given, cycle=MONTHS[0])
    assert found.empty and list(found) == revisions.COLUMNS
    assert found["change"].dtype == "float64"


def test_only_the_latest_of_two_reopenings_counts_as_latest_and_stands_first():
    given = tables()
    first = given["revision_demand_plan"]
    given["revision_demand_plan"] = pd.concat([first, first.assign(revision=2)])
    found = revisions.changes(given, cycle=MONTHS[0])
    demand = found[found["measure"] == "Demand"]
    assert demand.groupby("revision")["is_latest"].unique().map(list).to_dict() == {
        1: [False],
        2: [True],
    }
    first_rows = found.head(2)
    assert first_rows["family"].tolist() == ["Company", "Company"]
    assert first_rows["measure"].tolist() == ["Demand", "Stock"]
