"""What a supply plan costs by item and month adds up to the sheet of the whole plan."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sopkit import contract
from sopkit.supply import costing, plans
from sopkit.supply.plans import Plan
from sopkit.supply.tasks import Task


def test_two_items_share_the_overtime_of_their_machine_by_their_hours_by_hand():
    task = Task(
        demand=[[10, 20]],
        hours=[[1.0], [2.0]],
        regular_hours=40,
        regular_cost=10.0,
        overtime_cost=15.0,
        purchase_cost=[[np.nan, np.nan]],
    )
    table = costing.supply_costs(task, Plan(made=[[10.0, 20.0]]))
    contract.check_processed("supply_costs", table)
    # 50 hours of load, ten of them overtime: a fifth of each item's 10 and 40 hours
    assert table["production_cost_value"].tolist() == pytest.approx([80.0, 320.0])
    assert table["overtime_cost_value"].tolist() == pytest.approx([30.0, 120.0])
    assert table["purchase_cost_value"].isna().all()


def test_work_is_paid_in_the_month_it_is_done_by_hand():
    task = Task(demand=[0, 5], hours=[2.0], offset_months=1, regular_hours=50, regular_cost=3.0)
    table = costing.supply_costs(task, Plan(made=[[0.0], [5.0]]))
    assert table["production_cost_value"].tolist() == [30.0, 0.0]


def test_what_is_on_its_way_from_a_supplier_is_bought_too_by_hand():
    task = Task(demand=[5, 5], is_purchased=True, receipts=[[5], [0]], purchase_cost=4.0)
    table = costing.supply_costs(task, Plan(made=[[0.0], [6.0]]))
    assert table["purchase_cost_value"].tolist() == [20.0, 24.0]


@given(st.integers(0, 10_000))
def test_parts_add_up_to_the_sheet_of_the_plan(seed):
    """Two made items, the first by two ways, one bought; two resources, offsets, set-ups."""
    chance = np.random.default_rng(seed)
    task = Task(
        demand=chance.uniform(0, 50, (4, 3)),
        in_work=np.round(chance.uniform(0, 5, (4, 3))) * [1, 1, 0],
        route_item=[0, 1, 2, 0],
        is_purchased=[False, False, True],
        hours=chance.uniform(0, 2, (4, 2)) * [[1, 1], [1, 0], [0, 0], [0, 1]],
        offset_months=[[0, 1], [2, 0], [0, 0], [0, 0]],
        setup_hours=[[1, 0], [0, 2], [0, 0], [1, 0]],
        regular_hours=chance.uniform(0, 80, (4, 2)),
        regular_cost=chance.uniform(1, 9, (4, 2)),
        overtime_cost=chance.uniform(9, 12, (4, 2)),
        material_cost=chance.uniform(1, 3, (4, 4)),
        setup_cost=5.0,
        subcontract_cost=chance.uniform(1, 3, (4, 3)),
        purchase_cost=chance.uniform(1, 3, (4, 3)),
    )
    made = np.round(chance.uniform(0, 30, (4, 4))) * (chance.uniform(size=(4, 4)) > 0.3)
    plan = Plan(made=made, subcontract=chance.uniform(0, 3, (4, 3)))
    sums = costing.supply_costs(task, plan).filter(like="cost_value").sum()
    sheet = plans.costs(task, plan).set_index("cost_kind")["amount_value"]
    made_by_us = sheet[["regular hours", "material", "set-ups", "subcontracting"]].sum()
    assert sums["production_cost_value"] == pytest.approx(made_by_us, rel=1e-9)
    assert sums["overtime_cost_value"] == pytest.approx(sheet["overtime hours"], rel=1e-9)
    assert sums["purchase_cost_value"] == pytest.approx(sheet["purchases"], rel=1e-9)
