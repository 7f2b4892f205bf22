"""Materials from tables: stock, receipts, suppliers' limits, levels of the bill of materials."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sopkit import months
from sopkit.supply import least_cost, materials
from sopkit.supply.tasks import Task

CYCLE = pd.Timestamp("2026-01-01")
SPAN = months.span(CYCLE, 4)
NONE = float("nan")


def month(ahead: int) -> pd.Timestamp:
    return months.shift(CYCLE, ahead)


def task(**values) -> Task:
    keys = pd.DataFrame(
        {"item": ["bike", "wheel", "bike"], "location": ["plant", "plant", "depot"]}
    )
    given = {"demand": np.full((4, 3), 10.0), "keys": keys, "months": SPAN}
    return Task(**(given | {"supplied_from": [-1, -1, 0]} | values))


def tables(**changed) -> dict[str, pd.DataFrame]:
    """A bike of a frame and wheels, the frame of three of steel and a bolt, wheels are sold too."""
    rows = [
        ("bike", "frame", 1.0, 1.0), ("bike", "wheel", 2.0, NONE), ("bike", "bell", NONE, NONE),
        ("frame", "steel", 3.0, 1.0), ("frame", "bolt", NONE, NONE), ("steel", "ore", 9.0, NONE),
    ]  # fmt: skip
    found = {
        "components": pd.DataFrame(
            rows, columns=["item", "component", "quantity_per", "offset_months"]
        ),
        "items": pd.DataFrame(
            {
                "item": ["bike", "wheel", "frame", "steel", "bolt", "bell", "ore"],
                "family": "any",
                "lead_time_days": [NONE, NONE, 61.0, 30.0, NONE, 0.0, 400.0],
                "unit_cost_value": 1.0,
                "is_purchased": [False, False, False, True, True, True, True],
                "is_service": False,
                "is_made_to_order": False,
            }
        ),
        "suppliers": pd.DataFrame(
            {
                "item": ["steel", "steel", "bolt"],
                "family": "all",
                "supplier": ["near", "far", "any"],
                "lead_time_days": [30, 61, 30],
                "monthly_limit": [50.0, 20.0, NONE],
                **dict.fromkeys(
                    "unit_cost_value minimum_order break_quantity break_cost_value "
                    "payment_days".split()
                ),
            }
        ),
        "inventory": pd.DataFrame(
            {
                "item": ["frame", "steel", "bolt", "bolt", "bell"],
                "location": "plant",
                "month": [month(-1), month(-1), month(-2), month(-1), month(-2)],
                "on_hand": [7.0, 30.0, 999.0, 40.0, 5.0],
                "backlog": [NONE, 4.0, NONE, NONE, NONE],
            }
        ),
        "scheduled": pd.DataFrame(
            {
                "item": ["steel", "frame", "steel"],
                "location": "plant",
                "month": [month(0), month(1), month(3)],
                "kind": ["purchase", "production", "purchase"],
                "cycle": CYCLE,
                "quantity": [5.0, 2.0, 77.0],
                "is_firm": [True, True, False],  # the last is planned anew
            }
        ),
        "locations": pd.DataFrame(
            {"location": ["depot"], "supplied_from": ["plant"], "lead_time_days": [0.0]}
        ),
    }
    return found | changed


def laid(**changed) -> tuple[Task, list[str]]:
    return materials.with_materials(task(), **tables(**changed), cycle=CYCLE)


def test_bills_become_arrays_by_hand():
    found, unknown = laid()
    assert unknown == []
    # the bell is there from the first month on, at no lead time and without limit
    assert found.materials["item"].tolist() == ["frame", "wheel", "steel", "bolt"]
    assert found.material_per.tolist() == [[1, 2, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert found.material_item.tolist() == [-1, 1, -1, -1]
    assert found.material_offset[0].tolist() == [1, 0, 0, 0]
    assert found.part_per[0].tolist() == [0, 0, 3, 1]
    # a frame takes two months to make: its steel is needed then, though its bill says one
    assert found.part_lead.tolist() == [2, 0, 0, 0]
    assert found.part_offset[0].tolist() == [0, 0, 2, 2]
    # 7 and 2 on its way; 26 of stock, 5 due, then 50 a month and 20 of the slower supplier,
    # less 6 for the frames on their way, which should have it already but for the months ahead
    frame, _, steel, bolt = found.material_inflow.T
    assert frame.tolist() == [7, 2, 0, 0]
    assert steel.tolist() == [26 + 5 - 6, 50, 70, 70]
    assert bolt.tolist() == [40 - 2, np.inf, np.inf, np.inf]


def test_a_part_is_without_limit_once_all_that_goes_into_it_is():
    free = tables()["suppliers"].assign(monthly_limit=NONE)
    found, _ = laid(suppliers=free)
    frame = found.material_inflow[:, 0]
    assert frame.tolist() == [7, 2, 0, np.inf]  # steel from February on, two months to make it


def test_what_nobody_counts_limits_nothing_and_is_named():
    stock = tables()["inventory"].query("item != 'bolt' and item != 'bell'")
    found, unknown = laid(inventory=stock)
    assert unknown == ["bell", "bolt"]
    assert found.materials["item"].tolist() == ["frame", "wheel", "steel"]
    none, unknown = laid(inventory=stock.iloc[:0], scheduled=tables()["scheduled"].iloc[:0])
    assert unknown == ["bell", "frame"]  # what goes into frames is not followed then
    assert none.materials["item"].tolist() == ["wheel"]  # its stock is the plan's own
    # what is on its way is known of, though none was ever counted
    due, unknown = laid(inventory=stock.iloc[:0])
    assert due.materials["item"].tolist() == ["frame", "wheel", "steel"]


def test_a_part_that_nobody_counts_has_no_stock_if_any_of_what_goes_into_it_is_counted():
    whole = tables()
    stock = whole["inventory"].query("item == 'steel'")
    due = whole["scheduled"].query("item == 'steel'")
    found, unknown = laid(inventory=stock, scheduled=due)
    assert unknown == ["bell", "bolt"]
    assert found.materials["item"].tolist() == ["frame", "wheel", "steel"]
    assert found.material_inflow[:, 0].tolist() == [0, 0, 0, 0]
    row = whole["components"].iloc[[0]].assign(item="frame", component="tube")
    below = row.assign(item="tube", component="steel")
    deep = pd.concat([whole["components"].query("component != 'steel'"), row, below])
    found, unknown = laid(inventory=stock, scheduled=due, components=deep)  # two levels down
    assert "tube" not in unknown and "steel" in set(found.materials["item"])


def test_without_bills_or_stock_nothing_changes():
    for name in ("components", "items", "suppliers", "inventory", "scheduled", "locations"):
        empty = tables()[name].iloc[:0]
        found, _ = laid(**{name: empty})
        assert isinstance(found, Task)
    found, unknown = laid(components=tables()["components"].iloc[:0])
    assert found.materials.empty
    assert unknown == []


def test_what_is_bought_needs_no_bill():
    bought = task(is_purchased=[True, False, False])
    found, _ = materials.with_materials(bought, **tables(), cycle=CYCLE)
    assert found.materials.empty


def test_the_plan_waits_for_a_part_and_for_what_goes_into_it_by_hand():
    def made(**changed) -> list[float]:
        found, _ = laid(**changed)
        costs = {"backlog_cost": np.full((4, 3), 5.0), "holding_cost": np.full((4, 3), 0.1)}
        return np.cumsum(least_cost.solve(replace(found, **costs)).made[:, 0]).tolist()

    # frames are taken a month before: 7 in January, 2 more in February, in March those that
    # January's steel of 25 has become
    assert made() == pytest.approx([7, 7, 9, 9 + 25 / 3])
    # steel was counted once, but there is none now; the 5 due go into frames that are begun
    stock = tables()["inventory"]
    stock = stock.assign(month=stock["month"].mask(stock["item"] == "steel", month(-2)))
    assert made(inventory=stock) == pytest.approx([7, 7, 9, 9])
