"""A supply problem in arrays: what fits where, what is refused, what tables say."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from sopkit import months, schema
from sopkit.supply import least_cost, tasks
from sopkit.supply.tasks import Task

AHEAD = months.span(pd.Timestamp("2026-01-01"), 3)


# (1) by hand


def test_numbers_lists_and_arrays_stand_on_their_axes_by_hand():
    task = Task(
        demand=[[1, 2], [3, 4], [5, 6]], opening=7, safety_stock=[1, 2], holding_cost=[1, 2, 3],
        hours=[[1, 0, 2], [0, 1, 3]], regular_hours=10,
        overtime_hours=[[1, 2, 3]] * 3, workers=[4, np.nan, np.nan], working_days=[20, 21, 22],
    )  # fmt: skip
    assert task.demand.dtype == float and task.demand.shape == (3, 2)
    assert task.opening.tolist() == [7.0, 7.0]
    assert task.safety_stock.tolist() == [[1.0, 2.0]] * 3  # two items
    assert task.holding_cost.tolist() == [[1.0] * 2, [2.0] * 2, [3.0] * 2]  # three months
    assert task.regular_hours.tolist() == [[10.0] * 3] * 3
    assert task.overtime_hours[2].tolist() == [1.0, 2.0, 3.0]
    assert task.is_staffed.tolist() == [True, False, False]
    assert task.route_item.tolist() == task.rate_group.tolist() == [0, 1]
    assert task.n_months == 3


def test_one_item_and_one_resource_need_no_brackets():
    task = Task(demand=[10, 20], hours=2, regular_hours=[30, 40])
    assert task.demand.tolist() == [[10.0], [20.0]]
    assert task.hours.tolist() == [[2.0]]
    assert task.regular_hours.tolist() == [[30.0], [40.0]]
    several = Task(demand=[[1, 2]], hours=[2, 3])  # hours of two items on one resource
    assert several.hours.tolist() == [[2.0], [3.0]]
    assert Task(demand=[[1, 2]], hours=2).hours.tolist() == [[2.0], [2.0]]


def test_names_are_given_where_there_are_none():
    task = Task(demand=[[1, 2]], hours=[[1, 1, 1]] * 2)
    assert task.keys.values.tolist() == [["item 1", schema.ALL], ["item 2", schema.ALL]]
    assert task.resources == ["resource 1", "resource 2", "resource 3"]
    assert len(task.months) == 1
    keys = pd.DataFrame({"item": ["A"], "location": ["plant"]})
    named = Task(demand=[1, 2, 3], keys=keys, months=AHEAD, resources=["press"], hours=1)
    assert named.keys is keys and named.resources == ["press"]
    assert named.months.equals(AHEAD)


def test_a_task_without_resources_has_none():
    task = Task(demand=[[1, 2]])
    assert task.hours.shape == (2, 0) and task.regular_hours.shape == (1, 0)


def test_routes_and_groups_count_for_themselves():
    task = Task(
        demand=[[1, 2]] * 2, route_item=[0, 1, 1], hours=[1, 2, 3], material_cost=[5, 6, 7],
        rate_group=[0, 0], increase_cost=4,
    )  # fmt: skip
    assert task.material_cost.tolist() == [[5.0, 6.0, 7.0]] * 2
    assert task.increase_cost.tolist() == [4.0] and task.previous_rate.shape == (1,)
    assert task.hours.tolist() == [[1.0], [2.0], [3.0]]


def test_the_first_month_is_after_lead_frozen_and_offset_months_by_hand():
    task = Task(
        demand=[[1, 1, 1, 1]] * 6, lead_months=[2, 0, 0, 0], frozen_months=[1, 3, 0, 0],
        route_item=[0, 1, 2, 3, 2], hours=[[1, 0], [1, 0], [1, 2], [0, 0], [0, 5]],
        offset_months=[[1, 0], [1, 0], [1, 2], [4, 4], [4, 1]],
    )  # fmt: skip
    # an offset of a resource that a route does not pass counts nothing
    assert task.first_month.tolist() == [2, 3, 2, 0, 1]


def test_a_task_is_priced_by_costs_that_are_given_and_not_assumed():
    bare = Task(demand=[[1, 2]])
    assert not bare.is_priced
    assert Task(demand=[1], price=9.0).is_priced
    assert Task(demand=[1], holding_cost=1.0).is_priced
    assert not Task(demand=[1], below_safety_cost=1.0, ending_cost=2.0).is_priced
    assumed = Task(demand=[[1, 2]], holding_cost=1.0, backlog_cost=2.0, is_assumed=True)
    assert not assumed.is_priced
    assert replace(assumed, is_assumed=np.array([True, False])).is_priced
    assert replace(assumed, material_cost=1.0).is_priced


# (3) invariants


def test_a_task_keeps_no_hand_on_what_it_was_given():
    demand = np.array([[1.0, 2.0]])
    task = Task(demand=demand)
    demand[0, 0] = 99.0
    assert task.demand.tolist() == [[1.0, 2.0]]


def test_replacing_a_part_leaves_the_rest(random_task):
    task = random_task(4)
    other = replace(task, opening=3.0)
    for field in fields(Task):
        value, after = getattr(task, field.name), getattr(other, field.name)
        if field.name == "opening":
            assert after.tolist() == [3.0] * 7
        elif isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, after)
        else:
            assert value is after


# from tables


SITES = [("A", "depot"), ("A", "plant"), ("B", "plant")]


def tables(**changes) -> Task:
    """Tents A made at the plant and sent to a depot, stoves B bought; sewing staffed."""
    keys = pd.DataFrame(SITES, columns=schema.SITE)
    demand = keys.merge(pd.DataFrame({"month": AHEAD}), how="cross")
    demand = demand.assign(demand=[1.0, 2, 3, 4, 5, 6, 7, 8, 9])
    terms = keys.assign(
        supplied_from=["plant", None, None],
        is_service=False,
        is_purchased=[False, False, True],
        is_made_to_order=False,
        lead_time_months=[1, 0, 2],
        frozen_months=[0, 1, 1],
        service_level_rate=[0.9, 0.9, 0.75],
        safety_stock=[5.0, 6.0, 7.0],
        shelf_life_months=[np.nan, np.nan, 4.0],
    )
    receipts = pd.DataFrame(
        {
            "item": ["A", "B"],
            "location": "plant",
            "month": [AHEAD[0], AHEAD[1]],
            "quantity": [10.0, 20.0],
            "in_work": [8.0, 0.0],
            "committed": [3.0, 0.0],
        }
    )
    bills = pd.DataFrame(
        [
            ("A", "", "cutting", 0.5, 0),
            ("A", "", "sewing", 2.0, 1),
            ("A", "night", "sewing", 3.0, 0),
        ],
        columns=["item", "route", "resource", "hours_per_unit", "offset_months"],
    )
    available = pd.DataFrame(
        {
            "resource": ["sewing"] * 3 + ["cutting"] * 3,
            "month": [*AHEAD, *AHEAD],
            "regular_hours": [100.0, 120.0, 80.0, 50.0, 50.0, 50.0],
            "overtime_hours": [10.0, 10.0, 10.0, 5.0, 5.0, 5.0],
        }
    )
    resources = pd.DataFrame(
        {
            "resource": ["sewing", "cutting"],
            "regular_hours": [100.0, 50.0],
            "hours_per_worker": [np.nan, np.nan],
            "regular_cost_value": [20.0, 10.0],
            "overtime_cost_value": [30.0, np.nan],
            "workers": [4.0, 2.0],
            "minimum_workers": [3.0, np.nan],
            "maximum_workers": [6.0, np.nan],
            "hiring_cost_value": [500.0, np.nan],
            "layoff_cost_value": [900.0, np.nan],
        }
    )
    rates = pd.DataFrame(
        {
            "item": ["A", "B"],
            "unit_cost_value": [40.0, 15.0],
            "unit_price_value": [90.0, 30.0],
            "holding_cost_value": [1.0, 2.0],
            "backorder_cost_value": [10.0, np.nan],
            "subcontract_cost_value": [55.0, 66.0],
            "subcontract_limit": [12.0, np.nan],
            "lost_sale_cost_value": [7.0, np.nan],
            "setup_cost_value": [80.0, np.nan],
            "rate_change_cost_value": [0.25, np.nan],
            "maximum_rate_change": [np.nan, np.nan],
            "rate_group": ["Tents", "Stoves"],
            "lot_size": [np.nan, 25.0],
            "is_assumed": [False, True],
        }
    )
    locations = pd.DataFrame({"location": ["plant", "depot"], "storage_limit": [200.0, np.nan]})
    made_before = pd.DataFrame({"item": ["A"], "location": ["plant"], "quantity": [33.0]})
    opening = pd.Series(
        [-2.0, 9.0], index=pd.MultiIndex.from_tuples([("B", "plant"), ("A", "plant")])
    )
    given = {
        "demand": demand, "terms": terms, "opening": opening, "receipts": receipts, "bills": bills,
        "available": available, "resources": resources, "rates": rates, "locations": locations,
        "made_before": made_before, "sources": pd.DataFrame(),
    }  # fmt: skip
    rules = {name: changes.pop(name) for name in ("is_lost", "has_setups") if name in changes}
    for name, change in changes.items():
        given[name] = change(given[name].copy())
    given["sources"] = given["sources"] if len(given["sources"]) else None
    return tasks.from_tables(**given, **rules)


def test_tables_become_a_task_in_the_order_of_keys_by_hand():
    task = tables()
    assert list(task.keys.itertuples(index=False, name=None)) == SITES
    assert task.months.equals(AHEAD)
    assert task.demand.tolist() == [[1.0, 4.0, 7.0], [2.0, 5.0, 8.0], [3.0, 6.0, 9.0]]
    assert task.opening.tolist() == [0.0, 9.0, -2.0]
    assert task.receipts.tolist() == [[0.0, 10.0, 0.0], [0.0, 0.0, 20.0], [0.0, 0.0, 0.0]]
    assert task.in_work.tolist() == [[0.0, 8.0, 0.0], [0.0] * 3, [0.0] * 3]
    assert task.committed.tolist() == [[0.0, 3.0, 0.0], [0.0] * 3, [0.0] * 3]
    assert task.safety_stock.tolist() == [[5.0, 6.0, 7.0]] * 3
    assert task.supplied_from.tolist() == [1, -1, -1]
    assert task.lead_months.tolist() == [1, 0, 2] and task.frozen_months.tolist() == [0, 1, 1]
    assert task.is_purchased.tolist() == [False, False, True]
    assert task.shelf_life_months.tolist() == [np.inf, np.inf, 4.0]
    assert task.lot_size.tolist() == [0.0, 0.0, 25.0]
    assert task.site.tolist() == [0, 1, 1]
    assert task.storage_limit.tolist() == [np.inf, 200.0, 200.0]
    assert np.isinf(task.maximum_stock).all()


def test_bills_become_routes_and_only_a_workforce_with_a_bound_may_change_by_hand():
    task = tables()
    assert task.resources == ["cutting", "sewing"]
    assert task.route_item.tolist() == [0, 1, 2, 0, 1]  # A has a way by night at both places
    assert task.hours.tolist() == [[0.5, 2.0], [0.5, 2.0], [0.0, 0.0], [0.0, 3.0], [0.0, 3.0]]
    assert task.offset_months[:2].tolist() == [[0, 1], [0, 1]]
    assert task.regular_hours.tolist() == [[50.0, 100.0], [50.0, 120.0], [50.0, 80.0]]
    # cutting has workers, but nothing says how many it may have: they stay, and are paid
    assert np.isnan(task.workers[0]) and task.workers[1] == 4.0
    assert task.is_idle_paid.tolist() == [True, True]
    assert task.overtime_hours.tolist() == [[5.0, 0.0]] * 3
    assert task.hours_per_worker[:, 1].tolist() == [25.0, 30.0, 20.0]
    assert task.overtime_per_worker.tolist() == [[0.0, 2.5]] * 3
    assert task.minimum_workers.tolist() == [[0.0, 3.0]] * 3
    assert task.maximum_workers.tolist() == [[np.inf, 6.0]] * 3
    assert task.hiring_cost[1] == 500.0 and task.layoff_cost[1] == 900.0
    assert task.regular_cost[0].tolist() == [10.0, 20.0]
    nobody = tables(resources=lambda table: table.assign(workers=np.nan))
    assert not nobody.is_staffed.any() and not nobody.is_idle_paid.any()
    assert nobody.overtime_hours.tolist() == [[5.0, 10.0]] * 3


def test_a_worker_works_as_long_as_is_said_in_a_usual_month_by_hand():
    said = tables(resources=lambda table: table.assign(hours_per_worker=20.0))
    assert said.hours_per_worker[:, 1].tolist() == [20.0, 24.0, 16.0]


def test_unmet_demand_is_lost_at_its_cost_else_its_price_and_set_ups_count_where_asked():
    task = tables(is_lost=True, has_setups=True)
    assert task.is_loss_allowed.all() and not task.is_backlog_allowed.any()
    assert task.lost_sale_cost[0].tolist() == [7.0, 7.0, 30.0]
    assert np.isnan(task.setup_cost[0, 0])  # what is sent on is not set up
    assert task.setup_cost[0, 1] == 80.0 and np.isnan(task.setup_cost[0, 2])
    unknown = ["unit_price_value", "lost_sale_cost_value"]
    owed = tables(is_lost=True, rates=lambda table: table.assign(**dict.fromkeys(unknown)))
    assert owed.is_backlog_allowed.all() and not owed.is_loss_allowed.any()
    assert not tables().is_loss_allowed.any() and np.isnan(tables().setup_cost).all()


def test_a_family_changes_its_rate_together_at_each_site_by_hand():
    task = tables()
    assert task.rate_group.tolist() == [
        0,
        1,
        2,
    ]  # tents at the depot, tents and stoves at the plant
    assert task.previous_rate.tolist() == [0.0, 33.0, 0.0]
    assert task.increase_cost[1] == task.decrease_cost[1] == 0.25
    assert np.isnan(task.increase_cost[2])
    assert np.isinf(task.maximum_rate_change).all()
    both = tables(rates=lambda table: table.assign(rate_group="Outdoor", maximum_rate_change=9.0))
    assert both.rate_group.tolist() == [0, 1, 1]
    assert both.previous_rate.tolist() == [0.0, 33.0]
    assert both.maximum_rate_change.tolist() == [9.0, 9.0]
    unknown = tables(made_before=lambda table: table[:0])
    assert np.isnan(unknown.previous_rate).all()
    alone = tables(rates=lambda table: table.assign(rate_group=None).astype({"rate_group": "str"}))
    assert alone.rate_group.tolist() == [0, 1, 2]  # an item without group is its own


def test_what_has_no_cost_is_owed_at_the_least_that_is_known():
    def unknown(table: pd.DataFrame) -> pd.DataFrame:
        return table.assign(
            **{
                name: table[name].where(table["item"] != "B")
                for name in ("holding_cost_value", "backorder_cost_value")
            }
        )

    assert tables(rates=unknown).backlog_cost[0].tolist() == pytest.approx([10.0, 10.0, 10.0])


def test_costs_of_units_and_weights_of_the_search_by_hand():
    task = tables()
    assert task.holding_cost[0].tolist() == [1.0, 1.0, 2.0]
    # B: nobody says what owing costs: what the service level makes it, 2 × 0.75 / 0.25
    assert task.backlog_cost[0].tolist() == pytest.approx([10.0, 10.0, 6.0])
    assert task.is_assumed.tolist() == [False, False, True]
    # A: 1 × 0.9 / 0.1 = 9, but no more than half a unit owed
    assert task.below_safety_cost[0].tolist() == pytest.approx([5.0, 5.0, 6.0])
    assert np.isnan(task.purchase_cost[0, :2]).all() and task.purchase_cost[0, 2] == 15.0
    # made at the plant alone can be made by others
    assert task.subcontract_cost[0, 1] == 55.0
    assert np.isnan(task.subcontract_cost[0, [0, 2]]).all()
    assert task.subcontract_limit[0].tolist() == [12.0, 12.0, np.inf]
    # half an hour of cutting, of which no overtime cost is known, two of sewing; B is bought
    assert task.ending_cost.tolist() == pytest.approx([65.0, 65.0, 15.0])
    assert task.is_priced


def test_assumed_holding_costs_alone_give_no_price():
    def bare(table):
        names = ["backorder_cost_value", "subcontract_cost_value", "rate_change_cost_value"]
        return table.assign(**dict.fromkeys([*names, "unit_cost_value"], np.nan), is_assumed=True)

    def free(table):
        return table.assign(**{name: np.nan for name in table if name.endswith("_value")})

    task = tables(rates=bare, resources=free)
    assert task.holding_cost[0].tolist() == [1.0, 1.0, 2.0]
    assert task.is_assumed.all() and not task.is_priced


def test_what_is_undone_two_steps_down_weighs_as_at_the_head():
    def longer(table):
        shop = table[table["location"] == "plant"].assign(location="shop")
        return pd.concat([table, shop])

    def terms(table):
        shop = table[table["location"] == "plant"]
        shop = shop.assign(location="shop", supplied_from="depot", is_purchased=False)
        depot = shop[shop["item"] == "B"].assign(location="depot", supplied_from="plant")
        return pd.concat([table, shop, depot])

    def demand(table):
        own = table[table["item"] == "B"].assign(location="depot")
        return pd.concat([longer(table), own])

    task = tables(demand=demand, terms=terms)
    weight = dict(zip(map(tuple, task.keys.values.tolist()), task.ending_cost, strict=True))
    assert weight["B", "shop"] == weight["B", "depot"] == weight["B", "plant"] == 15.0
    assert weight["A", "shop"] == weight["A", "plant"] == 65.0


def test_no_plan_from_tables_leaves_the_last_months_undone_to_save_hours():
    def paid_by_the_hour(table):
        return table.assign(workers=np.nan, regular_cost_value=200.0, overtime_cost_value=np.nan)

    task = tables(resources=paid_by_the_hour)
    plan = least_cost.solve(task)
    stock = task.opening + np.cumsum(
        plan.made[:, :3] + plan.subcontract + plan.arrived + task.receipts - task.demand, axis=0
    )
    stock[:, 0] += plan.made[:, 3].cumsum()
    stock[:, 1] += plan.made[:, 4].cumsum()
    sent = np.append(plan.arrived[1:, 0], 0.0).cumsum()
    assert (stock[-1, 1] - sent[-1]) >= -1e-6


def test_services_and_what_is_made_to_order_keep_only_what_is_left_over_by_hand():
    task = tables(
        terms=lambda table: table.assign(is_made_to_order=[False, True, False]),
        opening=lambda series: series * 2.0,
    )
    # A at the plant: 18 and 10 due, 4 sold; 24, 19, 13 left
    assert task.maximum_stock[:, 1].tolist() == [24.0, 19.0, 13.0]
    assert np.isinf(task.maximum_stock[:, [0, 2]]).all()
    service = tables(terms=lambda table: table.assign(is_service=[False, False, True]))
    # B: 2 are owed and 7 wanted, then 20 come: 8 and 9 of them leave 3 in the last month
    assert service.maximum_stock[:, 2].tolist() == [0.0, 12.0, 3.0]


def test_what_suppliers_can_deliver_bounds_what_is_bought_by_hand():
    sources = pd.DataFrame(
        {"item": ["A", "B", "B"], "lead_time_months": [0, 3, 1], "monthly_limit": [1.0, 30.0, 20.0]}
    )
    # B comes after two months; the slower supplier two more, which is beyond the plan
    limit = tables(sources=lambda _: sources).supply_limit
    assert limit.tolist() == [[np.inf, np.inf, 20.0]] * 3  # what is made or sent has none
    quick = sources.assign(lead_time_months=[0, 1, 1])
    assert tables(sources=lambda _: quick).supply_limit[:, 2].tolist() == [50.0] * 3
    free = quick.assign(monthly_limit=[1.0, 30.0, np.inf])
    assert np.isinf(tables(sources=lambda _: free).supply_limit).all()


def test_the_order_of_rows_in_tables_changes_nothing():
    names = ["terms", "receipts", "bills", "available", "resources", "rates", "locations"]
    first = tables()
    second = tables(**dict.fromkeys(names, lambda table: table.sample(frac=1.0, random_state=2)))
    for name in tasks.AXES:
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name), err_msg=name)


# (5) errors


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"demand": [[1, 2], [3, np.nan]]}, "demand has missing values; write 0 where nothing"),
        ({"opening": [1, 2, 3]}, r"opening has shape \(3,\), but \(2,\) is needed; give a number"),
        ({"holding_cost": [1, 2, 3]}, r"holding_cost has shape \(3,\), but \(4, 2\) is needed"),
        ({"regular_hours": [[1, 2, 3]] * 4}, r"regular_hours has shape \(4, 3\), but \(4, 1\)"),
        ({"opening": "ten"}, "opening has shape"),
        ({"holding_cost": [1, -2]}, r"holding_cost is negative \(-2\) at \(0, 1\); it must be 0"),
        ({"demand": [[1, -3]]}, r"demand is negative \(-3\) at \(0, 1\)"),
        ({"lead_months": [0, -1]}, r"lead_months is negative \(-1\) at \(1,\)"),
        ({"lead_months": 1.5}, r"lead_months has parts of one \(1.5\); write whole numbers"),
        ({"supplied_from": [-1, 2]}, "supplied_from has 2, but there are 2 items"),
        ({"supplied_from": [1, 0]}, "supplied_from runs in a circle"),
        (
            {"route_item": [1, 0]},
            r"route_item starts with \[1, 0\]; the first routes are the usual",
        ),
        (
            {"route_item": [0, 1, 2], "hours": 1},
            "route_item has 2, but there are 2 items; positions start at 0",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_by_name(values, message):
    given = {"demand": [[1, 2]] * 4, "hours": [[1], [1]]} | values
    with pytest.raises(ValueError, match=message):
        Task(**given)


def test_a_list_that_fits_both_axes_is_refused():
    with pytest.raises(ValueError, match=r"price is a list that fits both axes of \(2, 2\)"):
        Task(demand=[[1, 2], [3, 4]], price=[5, 6])
    assert Task(demand=[[1]], price=[5]).price.tolist() == [[5.0]]


def test_what_may_be_below_zero_is_allowed():
    task = Task(demand=[[1, 2]], opening=[-5, 2], safety_stock=-3)
    assert task.opening.tolist() == [-5.0, 2.0] and task.safety_stock.tolist() == [[-3.0, -3.0]]


def test_demand_itself_is_needed():
    for given in ({}, {"demand": 5.0}):
        with pytest.raises(ValueError, match="demand is a list by month, or an array of months"):
            Task(**given)
