"""Moves against a shortage: each adds what it says, and stays within what there is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months, schema
from sopkit.supply import least_cost, plans, purchasing, remedies, shortages, slack
from sopkit.supply.tasks import Task

CYCLE = pd.Timestamp("2026-01-01")
KEYS = pd.DataFrame({"item": ["A"], "location": ["plant"]})
ZIPS = pd.DataFrame({"item": ["zip"], "location": ["plant"]})
PRICES = pd.DataFrame({"item": ["A", "B"], "unit_price_value": [10.0, 9.0]})
PRICES = PRICES.assign(unit_cost_value=[6.0, 6.0])
SHARED = pd.DataFrame(columns=[*schema.SERIES_MONTH, "site", "demand", "on_time", "delivered"])
SHARED = SHARED.astype({"month": months.DTYPE} | dict.fromkeys(SHARED.columns[5:], "float64"))


def typed(name: str, **columns) -> pd.DataFrame:
    return contract.check_table(name, pd.DataFrame(columns), contract.Source(name)).frame


ITEMS = typed("items", item=["A", "B"], family=["F", "F"])
CHANNELS = typed("channels", channel=["web", "trade"], priority=[1.0, 2.0])


def sources_of(**rows: tuple) -> pd.DataFrame:
    """Suppliers of A, or of zips: ``name=(item, months, cost, limit, minimum)``."""
    names = "supplier item lead_time_months unit_cost_value monthly_limit minimum_order".split()
    table = pd.DataFrame([(name, *row) for name, row in rows.items()], columns=names)
    return table.assign(lead_time_days=table["lead_time_months"].astype("float64") * 30.0)


def task_of(demand: list, **changes) -> Task:
    values = {
        "demand": demand,
        "keys": KEYS,
        "months": months.span(CYCLE, len(demand)),
        "resources": ["sewing"],
        "hours": 1.0,
        "regular_hours": 10.0,
        "regular_cost": 1.0,
        "overtime_cost": 3.0,
        "holding_cost": 1.0,
        "backlog_cost": 2.0,
    }
    return Task(**(values | changes))


def moves_of(task: Task, sources=None, items=ITEMS, shared=SHARED) -> pd.DataFrame:
    """Table `shortage_moves` at least cost."""
    sources = sources_of() if sources is None else sources
    free = slack.room(task, least_cost.solve(task), sources, least_cost.scarcity(task))
    short = shortages.shortages(free, PRICES, ITEMS)
    table = remedies.moves(free, short, sources, items, PRICES, shared, CHANNELS)
    contract.check_processed("shortage_moves", table)
    return table


def row(table: pd.DataFrame, move: str, month: str = "2026-02") -> pd.Series:
    own = table[(table["move"] == move) & (table["month"] == f"{month}-01")]
    assert len(own) == 1, table[["month", "move"]]
    return own.iloc[0]


def on_time(task: Task, month: int) -> float:
    """Units of A's demand of a month that are there in it, at least cost."""
    closing = plans.outcome(task, least_cost.solve(task)).closing[month, 0]
    return float(task.demand[month, 0] - max(-closing, 0.0))


# (1) by hand: what a move says, and that the plan serves so much more with it

PEAK = [0.0, 16.0, 0.0]  # six more than February's hours; January's cost a unit of holding


def gains(task: Task, more: Task, move: pd.Series, month: int = 1) -> None:
    """With exactly what a move adds the plan serves 99 % of its quantity more."""
    served = on_time(more, month) - on_time(task, month)
    assert served >= 0.99 * move["quantity"] > 0


def test_making_earlier_costs_the_stock_it_makes():
    task = task_of(PEAK, backlog_cost=0.5)
    move = row(moves_of(task), "make earlier")
    assert move["what"] == "make 6 earlier, in 2026-01"
    assert (move["quantity"], move["cost_value"]) == (6.0, 6.0)
    assert f"{move['decide_by']:%Y-%m}" == "2026-01" and move["is_in_time"]
    gains(task, replace(task, holding_cost=task.holding_cost * 0.0), move)


def test_overtime_that_is_left_costs_its_premium():
    task = task_of(PEAK, overtime_hours=4.0, backlog_cost=0.5)
    move = row(moves_of(task), "overtime")
    assert move["what"] == "make 4 more in 2026-02, in overtime of sewing"
    assert (move["quantity"], move["cost_value"]) == (4.0, 4.0 * (3.0 - 1.0))
    cheap = np.array([[3.0], [1.0], [3.0]])
    gains(task, replace(task, overtime_cost=cheap), move)


def test_more_hours_than_there_are_end_at_a_second_shift():
    task = task_of([0.0, 36.0, 0.0], maximum_stock=0.0)
    move = row(moves_of(task), "more hours")
    assert move["what"] == "10 hours more of sewing in 2026-02 than there are"
    assert (move["quantity"], move["cost_value"]) == (10.0, 10.0 * (3.0 - 1.0))
    more = task.overtime_hours.copy()
    more[1] += 10.0
    gains(task, replace(task, overtime_hours=more, overtime_cost=task.regular_cost), move)


def test_people_are_hired_up_to_the_most_there_may_be():
    task = task_of(
        PEAK, maximum_stock=0.0, workers=2.0, hours_per_worker=5.0, maximum_workers=3.0,
        hiring_cost=50.0, layoff_cost=50.0, is_idle_paid=True, overtime_hours=0.0,
    )  # fmt: skip
    move = row(moves_of(task), "hire")
    assert move["what"] == "hire 1 at sewing for 2026-02"
    assert (move["quantity"], move["cost_value"]) == (5.0, 50.0 + 5.0)
    free = replace(task, hiring_cost=np.zeros(1), layoff_cost=np.zeros(1))
    free = replace(free, regular_cost=task.regular_cost * 0.01)
    gains(task, free, move)


def test_others_make_what_they_can_at_what_it_costs_more():
    task = task_of(PEAK, maximum_stock=0.0, subcontract_cost=7.0, subcontract_limit=4.0)
    move = row(moves_of(task), "subcontract")
    assert move["what"] == "have 4 made by others in 2026-02"
    assert (move["quantity"], move["cost_value"]) == (4.0, 4.0 * (7.0 - 1.0))
    gains(task, replace(task, subcontract_cost=task.subcontract_cost * 0.0), move)


BOUGHT = {"is_purchased": True, "hours": 0.0, "purchase_cost": 4.0}


def test_a_quicker_supplier_costs_the_difference_and_a_minimum_order():
    task = task_of([0.0, 6.0, 0.0], lead_months=2, **BOUGHT)
    sources = sources_of(near=("A", 1, 5.0, 100.0, 8.0), far=("A", 2, 4.0, np.inf, 0.0))
    table = moves_of(task, sources)
    move = row(table, "supplier near")
    assert move["what"] == "order by 2026-01-16 8 from near (1 month instead of 2)"
    assert (move["quantity"], move["cost_value"]) == (6.0, 8.0)
    assert f"{move['decide_by']:%Y-%m}" == "2026-01" and move["is_in_time"]
    gains(task, replace(task, lead_months=np.array([1])), move)
    late = row(table, "order")
    assert not late["is_in_time"] and f"{late['decide_by']:%Y-%m}" == "2025-12"
    assert "supplier far" not in set(table["move"])


def test_a_component_is_asked_for_beyond_its_limit_and_the_cost_is_not_known():
    task = task_of(
        PEAK, materials=ZIPS, material_per=2.0, material_inflow=[[0.0], [8.0], [40.0]],
        regular_hours=50.0, maximum_stock=0.0,
    )  # fmt: skip
    move = row(
        moves_of(task, sources_of(Zipworks=("zip", 1, 1.0, 20.0, 0.0))), "component from Zipworks"
    )
    assert move["what"] == "have Zipworks send 20 more of zip by 2026-02, order by 2026-01-16"
    assert move["quantity"] == 10.0 and np.isnan(move["cost_value"])
    more = task.material_inflow.copy()
    more[1] += 20.0
    gains(task, replace(task, material_inflow=more), move)


def test_a_site_sends_what_another_keeps():
    keys = pd.DataFrame({"item": ["A", "A"], "location": ["depot", "plant"]})
    task = task_of(
        np.array([[0.0, 0.0], [9.0, 0.0], [0.0, 0.0]]), keys=keys, supplied_from=[1, -1],
        hours=[0.0, 1.0], opening=[0.0, 30.0], transfer_cost=[2.5, 0.0], backlog_cost=0.5,
        holding_cost=0.0, regular_cost=0.0,
    )  # fmt: skip
    move = row(moves_of(task), "send")
    assert move["what"] == "send 9 more from plant"
    assert (move["quantity"], move["cost_value"]) == (9.0, 22.5)
    gains(task, replace(task, transfer_cost=np.zeros(2)), move)


def test_an_item_of_the_family_stands_in_with_what_nobody_needs():
    keys = pd.DataFrame({"item": ["A", "B"], "location": "plant"})
    task = task_of(
        np.array([[0.0, 0.0], [16.0, 3.0], [0.0, 0.0]]), keys=keys, hours=[1.0, 1.0],
        opening=[0.0, 9.0], safety_stock=[[0.0, 2.0]] * 3, maximum_stock=[[0.0, np.inf]] * 3,
        regular_hours=[[10.0]] * 3,
    )  # fmt: skip
    move = row(moves_of(task), "substitute")
    assert move["what"] == "offer B instead, if customers take it: 4 are not needed"
    assert (move["quantity"], move["cost_value"]) == (4.0, 4.0)  # a unit of B earns one less
    apart = ITEMS.assign(family=["F", "G"])
    assert "substitute" not in set(moves_of(task, items=apart)["move"])


def test_a_higher_channel_takes_what_a_lower_one_holds():
    task = task_of(PEAK, maximum_stock=0.0)
    shared = pd.DataFrame(
        {
            "item": "A",
            "location": "North",
            "channel": ["web", "trade"],
            "month": task.months[1],
            "site": "plant",
            "demand": [8.0, 8.0],
            "on_time": [5.0, 5.0],
            "delivered": [5.0, 5.0],
        }
    )
    move = row(moves_of(task, shared=shared), "priority")
    assert move["what"] == "serve web first: trade waits for 3 instead"
    assert (move["quantity"], move["cost_value"]) == (3.0, 3.0 * 2.0)


def test_waiting_costs_what_owing_costs_until_it_comes():
    move = row(moves_of(task_of([0.0, 26.0, 0.0, 0.0], maximum_stock=0.0)), "wait")
    assert move["what"] == "let 16 wait until 2026-04"
    assert (move["quantity"], move["cost_value"]) == (16.0, 16.0 * 2.0 * 2)


def test_what_was_owed_and_comes_in_the_first_month_only_waits():
    task = task_of([0.0, 0.0], opening=[-4.0])
    assert moves_of(task)["move"].tolist() == ["wait"]


def test_moves_in_time_come_first_then_the_cheapest_and_the_cheapest_that_delivers_is_found():
    task = task_of(PEAK, overtime_hours=4.0, backlog_cost=0.5, subcontract_cost=7.0)
    table = moves_of(task)
    assert table["is_in_time"].is_monotonic_decreasing
    assert table.loc[table["is_in_time"], "unit_cost_value"].is_monotonic_increasing
    (best,) = remedies.cheapest(table).to_dict("records")
    assert (best["move"], best["unit_cost_value"], best["waiting_value"]) == ("make earlier", 1, 6)
    late = moves_of(task_of([0.0, 6.0, 0.0], lead_months=2, **BOUGHT))
    (none,) = remedies.cheapest(late).to_dict("records")
    dear = task_of(PEAK, materials=ZIPS, material_per=2.0, material_inflow=[[0.0], [8.0], [40.0]],
                   maximum_stock=0.0, subcontract_cost=90.0)  # fmt: skip
    (first,) = remedies.cheapest(
        moves_of(dear, sources_of(Zipworks=("zip", 1, 1.0, 20.0, 0.0)))
    ).to_dict("records")
    assert first["move"] == "component from Zipworks" and np.isnan(first["cost_value"])
    assert none["move"] == "" and none["what"].startswith("nothing is in time")


@pytest.mark.parametrize(
    ("days", "decided", "day"), [(45, "2025-12", "2026-01-01"), (31, "2026-01", "2026-01-15")]
)
def test_an_order_is_decided_in_the_month_whose_middle_is_before_its_last_day(days, decided, day):
    task = task_of(
        PEAK, materials=ZIPS, material_per=2.0, material_inflow=[[0.0], [8.0], [40.0]],
        regular_hours=50.0, maximum_stock=0.0,
    )  # fmt: skip
    sources = sources_of(Zipworks=("zip", 1, 1.0, 20.0, 0.0)).assign(lead_time_days=float(days))
    move = row(moves_of(task, sources), "component from Zipworks")
    assert move["what"].endswith(f"by 2026-02, order by {day}")
    assert f"{move['decide_by']:%Y-%m}" == decided and move["is_in_time"] == (decided == "2026-01")
    assert f"{purchasing.order_by(task.months[1], float(days)):%Y-%m-%d}" == day


def test_hours_that_there_are_stand_before_as_dear_ones_beyond_them():
    task = task_of([0.0, 16.0, 0.0], maximum_stock=0.0, overtime_hours=4.0, backlog_cost=1.5)
    found = moves_of(task)["move"].tolist()
    assert found.index("overtime") < found.index("more hours")


def test_the_same_stock_stands_in_once():
    keys = pd.DataFrame({"item": ["A", "B"], "location": "plant"})
    task = task_of(
        np.array([[0.0, 0.0], [16.0, 0.0], [16.0, 0.0]]), keys=keys, hours=[1.0, 1.0],
        opening=[0.0, 9.0], maximum_stock=[[0.0, np.inf]] * 3, regular_hours=[[10.0]] * 3,
    )  # fmt: skip
    table = moves_of(task)
    assert table.loc[table["move"] == "substitute", "quantity"].sum() == 9.0


def test_the_rate_goes_up_for_a_unit_in_time_and_down_in_the_month_from_which_it_is_taken():
    # ten in February instead of March: 20 up and 20 down instead of 10 and 10
    rate = {"increase_cost": 3.0, "decrease_cost": 3.0, "previous_rate": 10.0}
    task = task_of([10.0, 30.0, 10.0, 10.0], regular_hours=50.0, maximum_stock=0.0, **rate)
    plan = plans.Plan(made=[[10.0], [20.0], [20.0], [10.0]])
    free = slack.room(task, plan, sources_of())
    whole = plans.Plan(made=[[10.0], [30.0], [10.0], [10.0]])
    cost = [plans.costs(task, p).set_index("cost_kind")["amount_value"] for p in (plan, whole)]
    more = cost[1]["changes of rate"] - cost[0]["changes of rate"]
    assert slack.premium(free, 0, 1, 2, 10.0) * 10.0 == pytest.approx(more) and more == 60.0


def test_no_way_in_time_looks_cheaper_than_the_plan_says_when_planned_again():
    rate = {"increase_cost": 3.0, "decrease_cost": 3.0, "previous_rate": 10.0}
    task = task_of([10.0, 30.0, 10.0, 10.0], regular_hours=50.0, maximum_stock=0.0, **rate)
    task = replace(task, backlog_cost=task.backlog_cost + 3.0)  # 5; in time costs 6
    free = slack.room(task, least_cost.solve(task), sources_of(), least_cost.scarcity(task))
    short = shortages.planned_again(free, shortages.shortages(free, PRICES, ITEMS))
    (own,) = short.to_dict("records")
    contract.check_processed("shortages", short)
    assert own["cause"] == "cost" and own["extra_unit_value"] == pytest.approx(1.0)
    said = f"planned again, a unit in time costs {own['extra_unit_value']:.2f} more than one"
    assert said in own["chain"] and own["chain"].count("room for") == 1
    table = remedies.moves(free, short, sources_of(), ITEMS, PRICES, SHARED, CHANNELS)
    waits = row(table, "wait")["unit_cost_value"]
    assert row(table, "make")["unit_cost_value"] >= waits + own["extra_unit_value"] - 1e-9
    # independently: owing dearer by that much makes it worth while, by less does not
    for more, is_late in ((0.99, True), (1.01, False)):
        owing = task.backlog_cost + more * own["extra_unit_value"]
        closing = plans.outcome(task, least_cost.solve(replace(task, backlog_cost=owing))).closing
        assert (closing[1, 0] <= -own["late_quantity"] + 1e-6) == is_late


# (3) invariants


@pytest.mark.parametrize("seed", range(12))
def test_no_move_solves_more_than_the_shortage_and_none_is_free_of_a_month(random_task, seed):
    task = random_task(seed)
    free = slack.room(task, least_cost.solve(task), sources_of(), least_cost.scarcity(task))
    short = shortages.shortages(free, PRICES, ITEMS)
    table = remedies.moves(free, short, sources_of(), ITEMS, PRICES, SHARED, CHANNELS)
    contract.check_processed("shortage_moves", table)
    asked = short.set_index(schema.SITE_MONTH)[["late_quantity", "lost_quantity"]].sum(axis=1)
    own = asked.loc[pd.MultiIndex.from_frame(table[schema.SITE_MONTH])].to_numpy()
    assert (table["quantity"] <= own + 1e-6).all() and (table["quantity"] > 0).all()
    assert (table["decide_by"].ge(task.months[0]) == table["is_in_time"]).all()
    assert set(table["month"]) == set(short["month"]) and table["what"].ne("").all()


def test_nothing_short_gives_empty_typed_tables():
    table = moves_of(task_of([5.0, 5.0]))
    assert table.empty and remedies.cheapest(table).empty
