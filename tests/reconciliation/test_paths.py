"""Possible demand through a supply plan: worked by hand, and beside a slow loop."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sopkit import months
from sopkit.reconciliation import paths
from sopkit.supply.tasks import Task


def base_of(task: Task, made, *, limit=np.inf, regular=np.inf) -> paths.Base:
    """A plan that makes so much, its stock and load."""
    made = np.broadcast_to(np.asarray(made, float), task.demand.shape).copy()
    own = made * (task.supplied_from < 0)
    sent = np.zeros_like(made)
    for child in np.flatnonzero(task.supplied_from >= 0):
        lead = task.lead_months[child]
        arrived = np.append(made[lead:, child], np.zeros(lead))
        sent[:, task.supplied_from[child]] += arrived[: len(made)]
    closing = task.opening + np.cumsum(made - sent - task.demand, axis=0)
    shape = (task.n_months, task.hours.shape[1])
    hours = [np.broadcast_to(np.asarray(amount, float), shape) for amount in (regular, limit)]
    return paths.Base(made, np.zeros_like(made), closing, own @ task.hours[: made.shape[1]], *hours)


def errors_of(task: Task, *cells) -> np.ndarray:
    """One future: so many units more in a month and item."""
    errors = np.zeros((1, *task.demand.shape))
    for month, item, amount in cells:
        errors[0, month, item] = amount
    return errors


def one(lead: int = 0, **terms) -> Task:
    values = {"demand": [[10.0]] * 6, "opening": 20.0, "hours": [[1.0]], "lead_months": lead}
    return Task(**values | terms)


FLAT = np.ones(6)


def test_a_future_as_planned_is_the_plan():
    task = one(lead=1)
    plan = base_of(task, 10.0)
    run = paths.simulate(task, plan, errors_of(task), FLAT)
    assert run.closing[0].ravel().tolist() == plan.closing.ravel().tolist()
    assert run.delivered[0].sum() == 60.0 and run.load[0].ravel().tolist() == [10.0] * 6


@pytest.mark.parametrize(
    ("lead", "closing"),
    [(0, [16, 20, 20, 20, 20, 20]), (1, [16, 16, 20, 20, 20, 20]), (3, [16] * 4 + [20, 20])],
)
def test_what_was_sold_beyond_the_plan_is_made_after_the_lead_time(lead, closing):
    task = one(lead)
    run = paths.simulate(task, base_of(task, 10.0), errors_of(task, (0, 0, 4.0)), FLAT)
    assert run.closing[0].ravel().tolist() == closing


def test_frozen_months_hold_a_correction_back_like_a_lead_time():
    task = one(lead=0, frozen_months=2)
    run = paths.simulate(task, base_of(task, 10.0), errors_of(task, (0, 0, 4.0)), FLAT)
    assert run.closing[0].ravel().tolist() == [16, 16, 16, 20, 20, 20]


def test_hours_cut_a_correction_and_the_rest_follows_later():
    task = one()
    plan = base_of(task, 10.0, limit=11.0, regular=10.0)
    run = paths.simulate(task, plan, errors_of(task, (0, 0, 3.0)), FLAT)
    assert run.closing[0].ravel().tolist() == [17, 18, 19, 20, 20, 20]
    assert run.wanted[0].ravel().tolist() == [10, 13, 12, 11, 10, 10]
    assert run.load[0].max() == 11.0


def test_two_items_share_the_hours_that_are_left():
    task = Task(demand=[[10.0, 10.0]] * 3, opening=20.0, hours=[[1.0], [2.0]])
    plan = base_of(task, 10.0, limit=33.0)
    errors = errors_of(task, (0, 0, 2.0), (0, 1, 2.0))
    run = paths.simulate(task, plan, errors, np.ones(3))
    # six hours more are wanted, three there are: each gets half
    assert run.closing[0, 1].tolist() == [19.0, 19.0]
    assert run.wanted[0, 1, 0] == 36.0 and run.load[0, 1, 0] == 33.0


def test_less_demand_makes_less_but_never_less_than_nothing():
    task = one(opening=0.0)
    run = paths.simulate(task, base_of(task, 10.0), errors_of(task, (0, 0, -10.0)), FLAT)
    assert run.closing[0].ravel().tolist() == [10, 0, 0, 0, 0, 0]
    twice = errors_of(task, (0, 0, -10.0), (1, 0, -99.0))
    run = paths.simulate(task, base_of(task, 10.0), twice, FLAT)
    assert run.closing[0].ravel().tolist() == [10, 10, 0, 0, 0, 0]  # demand is not below zero


def test_units_owed_are_delivered_when_they_come():
    task = one(lead=1, opening=0.0)
    run = paths.simulate(task, base_of(task, 10.0), errors_of(task, (0, 0, 5.0)), FLAT)
    assert run.closing[0].ravel().tolist() == [-5, -5, 0, 0, 0, 0]
    assert run.delivered[0].ravel().tolist() == [10, 10, 15, 10, 10, 10]


def test_sales_that_may_not_be_owed_are_lost():
    task = one(lead=1, opening=0.0, is_loss_allowed=True)
    run = paths.simulate(task, base_of(task, 10.0), errors_of(task, (0, 0, 5.0)), FLAT)
    assert run.lost[0].ravel().tolist() == [5, 0, 0, 0, 0, 0]
    assert run.closing[0].ravel().tolist() == [0] * 6
    assert run.delivered[0].sum() == 60.0


def test_a_service_works_off_what_comes_in_the_month_itself():
    task = one(opening=0.0, is_service=True, maximum_stock=0.0)
    run = paths.simulate(task, base_of(task, 10.0), errors_of(task, (2, 0, 5.0)), FLAT)
    assert run.closing[0].ravel().tolist() == [0] * 6
    assert run.load[0].ravel().tolist() == [10, 10, 15, 10, 10, 10]


def test_a_site_draws_on_its_source_and_gets_no_more_than_that_has():
    chain = {"supplied_from": [-1, 0], "lead_months": [0, 1], "hours": [[1.0], [0.0]]}
    task = Task(demand=[[0.0, 10.0]] * 5, opening=[6.0, 20.0], **chain)
    plan = base_of(task, [[10.0, 0.0]] + [[10.0, 10.0]] * 4)
    run = paths.simulate(task, plan, errors_of(task, (0, 1, 4.0)), np.ones(5))
    depot, plant = run.closing[0, :, 1], run.closing[0, :, 0]
    assert (depot - plan.closing[:, 1]).tolist() == [-4, -4, 0, 0, 0]
    assert (plant - plan.closing[:, 0]).tolist() == [0, -4, 0, 0, 0]  # made again a month later
    run = paths.simulate(task, plan, errors_of(task, (0, 1, 9.0)), np.ones(5))
    assert (run.closing[0, :, 1] - plan.closing[:, 1])[2] == -3.0  # the plant had six


def test_new_forecasts_know_of_an_error_what_lies_closer_ahead_does_not_hold():
    task = one()
    growth = np.array([1.0, 1.0, 1.0, 2.0, 2.0, 2.0])
    run = paths.simulate(task, base_of(task, 10.0), errors_of(task, (3, 0, 8.0)), growth)
    # at its start half of the error is known and made at once, the rest a month later
    assert run.closing[0].ravel().tolist() == [20, 20, 20, 16, 20, 20]


def test_growth_never_shrinks_and_stands_for_the_usual_item():
    task = Task(demand=[[10.0, 100.0, 0.0]] * 3, hours=None)
    errors = np.zeros((2, 3, 3))
    errors[:, :, 0] = np.array([[1.0, 3.0, 2.0], [-1.0, -3.0, -2.0]])
    errors[:, :, 1] = 10.0 * errors[:, :, 0]
    assert paths.growth(task, errors).tolist() == pytest.approx([0.1, 0.3, 0.3])


amounts = st.floats(-30, 30).map(lambda amount: round(amount, 2))


@settings(max_examples=60, deadline=None)
@given(
    lead=st.integers(0, 3),
    limit=st.floats(0, 12),
    most=st.sampled_from([np.inf, 15.0]),
    errors=st.lists(amounts, min_size=6, max_size=6),
)
def test_all_futures_at_once_are_a_slow_loop_over_one(lead, limit, most, errors):
    task = one(lead, opening=12.0, maximum_stock=most)
    plan = base_of(task, 10.0, limit=10.0 + limit)
    run = paths.simulate(task, plan, np.reshape([errors] * 2, (2, 6, 1)), FLAT)
    stock, planned = 12.0, 12.0  # as many are made as are sold, so the plan keeps its stock
    ordered = {month: 0.0 for month in range(20)}
    for month in range(6):
        ahead = stock - planned
        order = -ahead - sum(amount for when, amount in ordered.items() if when >= month)
        room = (10.0 if month + lead < 6 else 0.0) + ordered[month + lead]
        ordered[month + lead] += max(order, -room)
        made = 10.0 + ordered[month]
        made = min(made, 10.0 + limit) if ordered[month] > 0 else made
        ordered[month + 1] += 10.0 + ordered[month] - made
        ordered[month] = made - 10.0
        demand = max(10.0 + errors[month], 0.0)
        stock = stock + made - demand
        stock -= min(max(stock - max(most, planned), 0.0), made)
        assert run.closing[0, month, 0] == pytest.approx(stock, abs=1e-9)
    assert (run.closing[0] == run.closing[1]).all()


def test_tables_become_the_plan_on_the_tasks_axes():
    span = months.span(months.parse_cycle("2026-01"), 2)
    keys = pd.DataFrame({"item": ["A", "A"], "location": ["depot", "plant"]})
    task = Task(
        demand=[[5.0, 5.0]] * 2, keys=keys, months=span, resources=["press"], hours=[[0.0], [1.0]]
    )
    rows = keys.loc[[1, 1, 0, 0]].assign(month=[*span, *span])
    plan = rows.assign(regular=[4, 5, 0, 0], overtime=[1, 0, 0, 0], purchased=0.0)
    plan = plan.assign(transfers=[-2.0, -2.0, 2.0, 2.0])
    projection = rows.assign(closing=[7.0, 8.0, 1.0, 2.0], lost=[0.0, 1.0, 0.0, 0.0])
    load = pd.DataFrame({"resource": "press", "month": span, "load_hours": [5.0, 5.0]})
    load = load.assign(regular_hours=6.0, overtime_hours=1.0)
    found = paths.base(task, plan, projection, load)
    assert found.made.tolist() == [[2.0, 5.0], [2.0, 5.0]]
    assert found.closing.tolist() == [[1.0, 7.0], [2.0, 8.0]]
    assert found.lost.tolist() == [[0.0, 0.0], [0.0, 1.0]]
    assert found.limit_hours.ravel().tolist() == [7.0, 7.0]


def test_errors_of_series_add_up_where_their_site_stocks_them():
    span = months.span(months.parse_cycle("2026-01"), 3)
    keys = pd.DataFrame({"item": ["A", "A", "B"], "location": ["shop", "plant", "plant"]})
    series = keys.assign(channel="all")
    places = pd.DataFrame({"location": ["shop", "plant"], "supplied_from": ["plant", None]})
    items = pd.DataFrame({"item": ["A", "B"], "is_service": False, "is_made_to_order": False})
    sites_of = pd.DataFrame({"item": ["A", "B", "C"], "location": "plant"})
    task = Task(demand=[[9.0, 9.0, 9.0]] * 3, keys=sites_of, months=span)
    block = np.arange(12, dtype=float).reshape(2, 3, 2)
    mean = np.ones((3, 2))
    errors = paths.site_errors(block, mean, series, items, places, task)
    assert errors.shape == (2, 3, 3)
    assert errors[0, :, 0].tolist() == [0 + 2 - 2.0, 1 + 3 - 2.0, 0.0]  # beyond the forecast: none
    assert errors[0, :, 1].tolist() == [3.0, 4.0, 0.0]
    assert not errors[:, :, 2].any()  # not forecast
