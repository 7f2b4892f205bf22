"""Chase and level: opening + supply − demand = closing, within the hours there are."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pandas as pd
import pytest

from sopkit import months, schema
from sopkit.supply import strategies

FIRST = pd.Timestamp("2026-01-01")


def task_of(
    demand,
    *,
    opening=0.0,
    safety_stock=0.0,
    receipts=None,
    lead=0,
    purchased=False,
    hours=None,
    regular=None,
    overtime=None,
) -> strategies.Task:
    """A task from arrays of shape (n_months, n_items); no hours given, none needed."""
    demand = np.asarray(demand, dtype="float64")
    demand = demand[:, None] if demand.ndim == 1 else demand
    count, n_items = demand.shape

    def each(value, dtype="float64") -> np.ndarray:
        return np.broadcast_to(np.asarray(value, dtype=dtype), n_items).copy()

    hours = np.zeros((n_items, 0)) if hours is None else np.asarray(hours, dtype="float64")
    limit = (count, hours.shape[1])
    keys = pd.DataFrame({"item": [f"I{k}" for k in range(n_items)], "location": "plant"})
    due = np.zeros_like(demand) if receipts is None else np.asarray(receipts, dtype="float64")
    return strategies.Task(
        keys,
        months.span(FIRST, count),
        demand,
        due.reshape(demand.shape),
        each(opening),
        each(safety_stock),
        each(lead, "int64"),
        each(purchased, bool),
        each(False, bool),
        hours,
        np.broadcast_to(0.0 if regular is None else np.asarray(regular, float), limit).copy(),
        np.broadcast_to(0.0 if overtime is None else np.asarray(overtime, float), limit).copy(),
    )


def random_task(seed: int) -> strategies.Task:
    """Eight items, ten months, three resources that are often short of hours."""
    rng = np.random.default_rng(seed)
    demand = rng.integers(0, 40, (10, 8)).astype(float)
    demand[6:, 3] = 0.0  # an item that ends
    demand[:, 4] = 0.0  # an item that nobody wants
    hours = rng.uniform(0.2, 2.0, (8, 3)) * (rng.random((8, 3)) < 0.6)
    return task_of(
        demand,
        opening=rng.integers(-20, 60, 8),
        safety_stock=rng.integers(0, 20, 8),
        receipts=rng.integers(0, 30, (10, 8)) * (rng.random((10, 8)) < 0.2),
        lead=rng.integers(0, 4, 8),
        purchased=rng.random(8) < 0.3,
        hours=hours,
        regular=rng.uniform(20, 90, (10, 3)),
        overtime=rng.uniform(0, 20, (10, 3)),
    )


SEEDS = range(6)


# (1) by hand


def test_chase_makes_demand_and_fills_up_to_safety_stock_by_hand():
    table = strategies.plan(task_of([10, 30, 20], opening=15, safety_stock=5), "chase")
    assert table["supply"].tolist() == [0.0, 30.0, 20.0]
    assert table["closing"].tolist() == [5.0, 5.0, 5.0]


def test_chase_makes_nothing_while_stock_is_too_high():
    table = strategies.plan(task_of([10, 10, 10], opening=25, safety_stock=5), "chase")
    assert table["supply"].tolist() == [0.0, 0.0, 10.0]
    assert table["opening"].tolist() == [25.0, 15.0, 5.0]


def test_a_receipt_on_its_way_is_counted_before_anything_is_made():
    table = strategies.plan(task_of([10, 10, 10], receipts=[0, 25, 0]), "chase")
    assert table["regular"].tolist() == [10.0, 0.0, 0.0]
    assert table["receipts"].tolist() == [0.0, 25.0, 0.0]
    assert table["closing"].tolist() == [0.0, 15.0, 5.0]


def test_the_projection_carries_backlog_into_the_next_month_by_hand():
    # two hours a unit, 40 hours and 4 in overtime: at most 22 a month
    task = task_of([20, 30, 20, 10], hours=[[2.0]], regular=40.0, overtime=4.0)
    table = strategies.plan(task, "chase")
    assert table["supply"].tolist() == [20.0, 22.0, 22.0, 16.0]
    assert table["overtime"].tolist() == [0.0, 2.0, 2.0, 0.0]
    assert table["regular"].tolist() == [20.0, 20.0, 20.0, 16.0]
    assert table["closing"].tolist() == [0.0, -8.0, -6.0, 0.0]


def test_nothing_arrives_before_the_lead_time_is_over():
    task = task_of([10, 10, 10, 10], opening=15, lead=2, purchased=True)
    table = strategies.plan(task, "chase")
    assert table["purchased"].tolist() == [0.0, 0.0, 15.0, 10.0]
    assert table["closing"].tolist() == [5.0, -5.0, 0.0, 0.0]


def test_a_resource_short_of_hours_cuts_all_its_items_by_the_same_share():
    task = task_of([[30, 10, 7]], hours=[[1.0], [1.0], [0.0]], regular=16.0, overtime=4.0)
    table = strategies.plan(task, "chase")
    assert table["supply"].tolist() == [15.0, 5.0, 7.0]  # 20 of 40 hours; the third passes nothing
    assert table["overtime"].tolist() == [3.0, 1.0, 0.0]


def test_level_makes_later_what_hours_did_not_allow():
    task = task_of([10, 10, 10], hours=[[1.0]], regular=[[6.0], [20.0], [20.0]])
    table = strategies.plan(task, "level")
    assert table["supply"].tolist() == [6.0, 14.0, 10.0]


def test_without_limit_hours_cut_nothing():
    task = task_of([20, 30], hours=[[2.0]], regular=1.0)
    table = strategies.plan(task, "chase", is_limited=False)
    assert table["regular"].tolist() == [20.0, 30.0]
    assert table["overtime"].tolist() == [0.0, 0.0]


def test_a_purchased_item_takes_no_hours():
    task = task_of([[10, 10]], purchased=[True, False], hours=[[1.0], [1.0]], regular=10.0)
    table = strategies.plan(task, "chase")
    assert table["purchased"].tolist() == [10.0, 0.0]
    assert table["regular"].tolist() == [0.0, 10.0]


def test_level_spreads_over_the_months_in_which_an_item_can_and_should_be_made():
    # lead time 1, last demand in the fourth month: three months for 5 + 10 + 15 + 6 − 6
    rates = strategies._level_rates(task_of([5, 10, 0, 15, 0], opening=6, safety_stock=6, lead=1))
    assert rates.ravel().tolist() == [0.0, 10.0, 10.0, 10.0, 0.0]


def test_tables_become_a_task_in_the_order_of_keys_by_hand():
    span = months.span(FIRST, 2)
    sites = pd.DataFrame(
        {
            "item": ["A", "A", "B", "B"],
            "location": "plant",
            "month": [*span, *span],
            "demand": [3.0, 4.0, 1.0, 2.0],
        }
    )
    terms = pd.DataFrame(
        {
            "item": ["B", "A"],
            "location": "plant",
            "is_service": False,
            "is_purchased": [True, False],
            "lead_time_months": [2, 0],
            "safety_stock": [5.0, 6.0],
        }
    )
    opening = pd.Series([7.0], index=pd.MultiIndex.from_tuples([("B", "plant")]))
    receipts = pd.DataFrame(
        {"item": "A", "location": "plant", "month": [span[1]] * 2, "quantity": [1.0, 2.0]}
    )
    hours = pd.DataFrame({"cutting": [0.5], "sewing": [0.25]}, index=["A"])
    available = pd.DataFrame(
        {
            "resource": ["sewing", "sewing", "cutting", "cutting"],
            "month": [*span, *span],
            "regular_hours": [1.0, 2.0, 3.0, 4.0],
            "overtime_hours": 0.0,
        }
    )
    task = strategies.task(sites, terms, opening, receipts, hours, available)
    assert task.keys["item"].tolist() == ["A", "B"]
    assert task.demand.tolist() == [[3.0, 1.0], [4.0, 2.0]]
    assert task.receipts.tolist() == [[0.0, 0.0], [3.0, 0.0]]
    assert task.opening.tolist() == [0.0, 7.0]
    assert task.safety_stock.tolist() == [6.0, 5.0]
    assert task.lead_months.tolist() == [0, 2]
    assert task.is_purchased.tolist() == [False, True]
    assert task.hours.tolist() == [[0.5, 0.25], [0.0, 0.0]]
    assert task.regular_hours.tolist() == [[3.0, 1.0], [4.0, 2.0]]


def rates_of(n_items: int, **rates: float) -> pd.DataFrame:
    usual = {
        "unit_cost_value": np.nan,
        "holding_cost_value": np.nan,
        "backorder_cost_value": np.nan,
        "rate_change_cost_value": np.nan,
    }
    return pd.DataFrame({"item": [f"I{k}" for k in range(n_items)], **(usual | rates)})


def resources_of(**costs: tuple) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "resource": list(costs),
            "regular_cost_value": [pair[0] for pair in costs.values()],
            "overtime_cost_value": [pair[1] for pair in costs.values()],
        }
    ).astype({"regular_cost_value": float, "overtime_cost_value": float})


def test_costs_by_hand():
    task = task_of([20, 30, 20, 10], hours=[[2.0]], regular=40.0, overtime=4.0, opening=3)
    table = strategies.plan(task, "chase")
    rates = rates_of(
        1,
        holding_cost_value=1.0,
        backorder_cost_value=10.0,
        rate_change_cost_value=5.0,
        unit_cost_value=7.0,
    )
    costs = strategies.costs(task, table, rates, resources_of(sewing=(20.0, 30.0)))
    # made 17, 22, 22, 16: hours 34, 40 + 4, 40 + 4, 32; owed 8 and 6; changes 5 + 0 + 6
    assert table["supply"].tolist() == [17.0, 22.0, 22.0, 16.0]
    assert dict(costs.values.tolist()) == {
        "regular hours": 146 * 20.0,
        "overtime hours": 8 * 30.0,
        "purchases": 0.0,
        "holding stock": 0.0,
        "backlog": 14 * 10.0,
        "changes of rate": 11 * 5.0,
    }


def test_a_kind_of_cost_that_nobody_knows_is_left_out():
    task = task_of([10, 10])
    costs = strategies.costs(
        task, strategies.plan(task, "chase"), rates_of(1, holding_cost_value=1.0), resources_of()
    )
    assert costs["cost_kind"].tolist() == ["holding stock"]


def test_strategies_stand_side_by_side_by_month():
    task = task_of([[10, 1], [30, 2]])
    plans = {name: strategies.plan(task, name) for name in strategies.NAMES}
    table = strategies.by_month(plans)
    assert table[["strategy", "supply", "demand"]].values.tolist() == [
        ["chase", 11.0, 11.0],
        ["chase", 32.0, 32.0],
        ["level", 21.5, 11.0],
        ["level", 21.5, 32.0],
    ]


# (2) published: Arnold, Chapman & Clive, Introduction to Materials Management, ch. 2


FISH_SINKERS = [110, 120, 130, 120, 120]


def test_level_reproduces_arnold_chapman_production_plan():
    task = task_of(FISH_SINKERS, opening=100, safety_stock=80)
    table = strategies.plan(task, "level")
    assert table["supply"].tolist() == [116.0] * 5
    assert table["closing"].tolist() == [106.0, 102.0, 88.0, 84.0, 80.0]
    costs = strategies.costs(
        task,
        table,
        rates_of(1, holding_cost_value=5.0, rate_change_cost_value=20.0),
        resources_of(),
    )
    assert dict(costs.values.tolist()) == {"holding stock": 2300.0, "changes of rate": 0.0}


def test_chase_reproduces_arnold_chapman_production_plan():
    task = task_of(FISH_SINKERS, opening=100, safety_stock=80)
    table = strategies.plan(task, "chase")
    assert table["supply"].tolist() == [90.0, 120.0, 130.0, 120.0, 120.0]
    assert table["closing"].tolist() == [80.0] * 5
    costs = strategies.costs(
        task,
        table,
        rates_of(1, holding_cost_value=5.0, rate_change_cost_value=20.0),
        resources_of(),
    )
    # published 1,200 for changes: 200 of it from 100 before the horizon, which a task does not know
    assert dict(costs.values.tolist()) == {
        "holding stock": 2000.0,
        "changes of rate": 1200.0 - 200.0,
    }


def test_level_to_order_reproduces_arnold_chapman_production_plan():
    """Forecast 100 a week for 5 weeks, backlog from 100 down to 80: 104 a week."""
    rates = strategies._level_rates(task_of([100] * 5, opening=-100, safety_stock=-80))
    assert rates.ravel().tolist() == [104.0] * 5


# (3) invariants


@pytest.mark.parametrize("strategy", strategies.NAMES)
@pytest.mark.parametrize("seed", SEEDS)
def test_stock_is_carried_without_a_hole(seed, strategy):
    table = strategies.plan(random_task(seed), strategy)
    parts = table[["regular", "overtime", "purchased", "receipts"]].sum(axis=1)
    assert table["supply"].to_numpy() == pytest.approx(parts.to_numpy())
    end = table["opening"] + table["supply"] - table["demand"]
    assert table["closing"].to_numpy() == pytest.approx(end.to_numpy())
    after = table.groupby(schema.SITE)["opening"].shift(-1)
    assert (after.isna() | (after == table["closing"])).all()
    assert after.isna().sum() == 8
    assert not table.duplicated(schema.SITE_MONTH).any() and len(table) == 80


@pytest.mark.parametrize("strategy", strategies.NAMES)
@pytest.mark.parametrize("seed", SEEDS)
def test_no_resource_works_longer_than_its_hours(seed, strategy):
    task = random_task(seed)
    table = strategies.plan(task, strategy)
    made = (table["regular"] + table["overtime"]).to_numpy().reshape(8, -1).T
    limit = task.regular_hours + task.overtime_hours
    load = made @ task.hours
    assert (load <= limit + 1e-9).all()
    assert (load > task.regular_hours + 1e-9).any()  # the case does need overtime
    regular = table["regular"].to_numpy().reshape(8, -1).T @ task.hours
    assert (regular <= task.regular_hours + 1e-9).all()


@pytest.mark.parametrize("strategy", strategies.NAMES)
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_negative_is_made_or_bought(seed, strategy):
    table = strategies.plan(random_task(seed), strategy)
    assert (table[["regular", "overtime", "purchased", "receipts"]] >= -1e-9).all(axis=None)


@pytest.mark.parametrize("seed", SEEDS)
def test_level_without_limit_ends_at_safety_stock_or_above(seed):
    task = random_task(seed)
    table = strategies.plan(task, "level", is_limited=False)
    last = table[table["month"] == task.months[-1]]
    wanted = (task.demand > 0).any(axis=0)
    assert (last["closing"] >= last["safety_stock"] - 1e-9)[wanted].all()


def test_the_order_of_items_changes_nothing():
    task = random_task(1)
    order = np.random.default_rng(0).permutation(8)
    parts = {"keys": task.keys.iloc[order].reset_index(drop=True), "hours": task.hours[order]}
    for name in ("demand", "receipts"):
        parts[name] = getattr(task, name)[:, order]
    for name in ("opening", "safety_stock", "lead_months", "is_purchased", "is_service"):
        parts[name] = getattr(task, name)[order]
    rest = {f.name: getattr(task, f.name) for f in fields(task) if f.name not in parts}
    first = strategies.plan(task, "chase")
    second = strategies.plan(strategies.Task(**parts, **rest), "chase")
    second = second.sort_values(schema.SITE_MONTH, ignore_index=True)
    pd.testing.assert_frame_equal(first, second)


def test_a_tasks_arrays_are_not_changed():
    task = random_task(2)
    before = {f.name: getattr(task, f.name).copy() for f in fields(task)}
    table = strategies.plan(task, "level")
    kept = table.copy()
    strategies.costs(
        task, table, rates_of(8, holding_cost_value=1.0), resources_of(p=(1, 2), q=(1, 2), r=(1, 2))
    )
    strategies.by_month({"level": table})
    pd.testing.assert_frame_equal(kept, table)
    for name, value in before.items():
        assert np.array_equal(np.asarray(getattr(task, name)), np.asarray(value)), name


# (4) an obvious slow version


def slow_plan(task: strategies.Task, strategy: str) -> dict:
    """One item and one resource at a time, with plain numbers."""
    n_months, n_items = task.demand.shape
    n_resources = task.hours.shape[1]
    stock, owed, result = list(task.opening), [0.0] * n_items, {}
    rate = [0.0] * n_items
    is_open = [[False] * n_items for _ in range(n_months)]
    for i in range(n_items):
        wanted_months = [t for t in range(n_months) if task.demand[t, i] > 0]
        last = wanted_months[-1] if wanted_months else -1
        made_months = [t for t in range(int(task.lead_months[i]), last + 1)]
        need = (
            sum(task.demand[:, i])
            + task.safety_stock[i]
            - task.opening[i]
            - sum(task.receipts[:, i])
        )
        rate[i] = max(need, 0.0) / max(len(made_months), 1)
        for t in made_months:
            is_open[t][i] = True
    for t in range(n_months):
        wanted = []
        for i in range(n_items):
            if strategy == "level":
                want = (rate[i] if is_open[t][i] else 0.0) + owed[i]
            else:
                want = task.demand[t, i] + task.safety_stock[i] - stock[i] - task.receipts[t, i]
            wanted.append(max(want, 0.0) if t >= task.lead_months[i] else 0.0)
        makes = [0.0 if task.is_purchased[i] else wanted[i] for i in range(n_items)]
        share = []
        for r in range(n_resources):
            load = sum(makes[i] * task.hours[i, r] for i in range(n_items))
            limit = task.regular_hours[t, r] + task.overtime_hours[t, r]
            share.append(limit / load if load > limit else 1.0)
        made = [
            makes[i] * min([1.0] + [share[r] for r in range(n_resources) if task.hours[i, r] > 0])
            for i in range(n_items)
        ]
        beyond = []
        for r in range(n_resources):
            load = sum(made[i] * task.hours[i, r] for i in range(n_items))
            beyond.append(max(load - task.regular_hours[t, r], 0.0) / load if load > 0 else 0.0)
        for i in range(n_items):
            bought = wanted[i] if task.is_purchased[i] else 0.0
            over = made[i] * max(
                [0.0] + [beyond[r] for r in range(n_resources) if task.hours[i, r] > 0]
            )
            owed[i] = wanted[i] - made[i] - bought
            opening = stock[i]
            stock[i] = opening + made[i] + bought + task.receipts[t, i] - task.demand[t, i]
            result[f"I{i}", task.months[t]] = (made[i] - over, over, bought, opening, stock[i])
    return result


@pytest.mark.parametrize("strategy", strategies.NAMES)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_plan_equals_a_slow_loop(seed, strategy):
    task = random_task(seed)
    table = strategies.plan(task, strategy)
    expected = slow_plan(task, strategy)
    columns = ["regular", "overtime", "purchased", "opening", "closing"]
    for row in table.to_dict("records"):
        found = [row[name] for name in columns]
        assert found == pytest.approx(expected[row["item"], row["month"]], abs=1e-9)


# (5) errors


def test_an_unknown_strategy_names_those_there_are():
    with pytest.raises(ValueError, match="'hybrid' is unknown. Choose one of chase, level"):
        strategies.plan(task_of([10]), "hybrid")
