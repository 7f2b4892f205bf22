"""KPIs as data, and what they measure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sopkit import months, schema
from sopkit.executive import kpis, measures
from sopkit.reconciliation import goals

CYCLE = pd.Timestamp("2026-01-01")
SPAN = months.closed(CYCLE, 3)
YEAR = months.closed(CYCLE, 12)
TOLD = {
    "forecast_error": 60.0,
    "forecast_bias": -10.0,
    "forecast_volume": 400.0,
    "plan_error": 20.0,
    "plan_bias": 20.0,
    "plan_volume": 200.0,
    "planned_on_time": 76.0,
    "planned_demand": 80.0,
    "busiest_load_hours": 200.0,
    "busiest_regular_hours": 160.0,
    "peak_rate": 1.3,
    "overtime_hours": 15.0,
    "load_hours": 300.0,
    "workers_moved": 3.0,
    "workers": 30.0,
    "made_as_planned": 45.0,
    "made": 50.0,
    "planned_margin_value": 40.0,
    "planned_costed_value": 100.0,
    "planned_budgeted_value": 90.0,
    "planned_budget_value": 100.0,
    "market_revenue_value": 25.0,
    "market_value": 100.0,
    "views_in_time": 2.0,
    "views_wanted": 4.0,
    "overridden": 5.0,
    "consensus": 100.0,
    "notices": 7.0,
    "reopened": 1.0,
    "score": 3.5,
}
SOLD = pd.DataFrame(
    {
        "item": ["A", "B"] * 3,
        "family": ["Tents", "Stoves"] * 3,
        "channel": ["Online"] * 6,
        "month": SPAN.repeat(2),
        "quantity": [10.0, 20.0, 10.0, 30.0, 20.0, 10.0],
        "delivered": [10.0, 20.0, 10.0, np.nan, 20.0, 10.0],
        "on_time": [9.0, 10.0, 9.0, np.nan, 18.0, 7.0],
        "revenue_value": [100.0, 40.0, 100.0, 60.0, 200.0, 20.0],
        "margin_value": [40.0, np.nan, 40.0, np.nan, 100.0, np.nan],
        "costed_revenue_value": [100.0, np.nan, 100.0, np.nan, 200.0, np.nan],
    }
)
HELD = pd.DataFrame(
    {
        "item": "A",
        "family": "Tents",
        "category": "Gear",
        "month": YEAR,
        "stock_quantity": 30.0,
        "next_quantity": 20.0,
        "backlog_quantity": [0.0] * 11 + [4.0],
        "backlog_value": [0.0] * 11 + [40.0],
        "stock_value": 300.0,
        "next_value": 200.0,
        "cost_value": 100.0,
    }
)


def measured(sold=SOLD, held=HELD, told=TOLD) -> pd.Series:
    return kpis.measure(sold, held, told, cycle=CYCLE)


# (1) by hand


def test_each_kpi_by_hand():
    assert measured().to_dict() == pytest.approx(
        {
            "forecast_wape_rate": 60 / 400,
            "forecast_bias_rate": -10 / 400,
            "plan_wape_rate": 0.1,
            "plan_bias_rate": 0.1,
            "on_time_rate": (9 + 10 + 9 + 18 + 7) / (10 + 20 + 10 + 20 + 10),
            "service_rate": 76 / 80,
            "backlog_quantity": 4.0,
            "backlog_value": 40.0,
            "inventory_turns": 12 * 100 / 300,  # twelve months of 100 over a mean stock of 300
            "inventory_days": 30.4 * 300 / 200,
            "inventory_cover_months": 30 / 20,
            "utilisation_rate": 1.25,
            "peak_utilisation_rate": 1.3,
            "overtime_share_rate": 0.05,
            "workforce_swing_rate": 0.1,
            "plan_adherence_rate": 0.9,
            "margin_rate": 0.4,
            "budget_attainment_rate": 0.9,
            "market_share_rate": 0.25,
            "views_in_time_rate": 0.5,
            "overridden_rate": 0.05,
            "data_notices": 7.0,
            "steps_reopened": 1.0,
            "pulse_score": 3.5,
        }
    )


def test_a_kpi_is_told_over_any_months_and_members_by_hand():
    tents = {"family": "Tents"}
    assert kpis.over("on_time_rate", SOLD, HELD, SPAN[:2], tents) == pytest.approx(18 / 20)
    assert kpis.over("margin_rate", SOLD, HELD, SPAN, tents) == pytest.approx(180 / 400)
    assert kpis.over("revenue_value", SOLD, HELD, SPAN[2:], {}) == 220.0
    assert kpis.over("quantity", SOLD, HELD, SPAN, {"family": "Stoves"}) == 60.0
    assert kpis.over("inventory_value", SOLD, HELD, SPAN, tents) == 300.0  # a mean, no sum
    assert kpis.over("inventory_cover_months", SOLD, HELD, SPAN, {"item": "A"}) == 1.5


# (3) invariants


def test_what_is_not_given_is_not_measured_and_never_zero():
    assert measured(SOLD[:0], HELD[:0], dict.fromkeys(TOLD, float("nan"))).isna().all()


@pytest.mark.parametrize(
    ("kpi", "levels", "message"),
    [
        ("utilisation_rate", {}, "utilisation_rate is not told by month"),
        ("growth_rate", {}, "growth_rate is not told by month"),
        ("inventory_turns", {"channel": "Online"}, "not by channel"),
        ("on_time_rate", {"family": "Stoves"}, "nothing tells it for 2025-11"),
    ],
)
def test_what_cannot_be_measured_says_why(kpi, levels, message):
    with pytest.raises(kpis.NotMeasured, match=message):
        kpis.over(kpi, SOLD, HELD, SPAN, levels)


def test_every_formula_names_measures_there_are():
    told, closed = set(TOLD) | {"one"}, {*SOLD, *HELD, "one", "months"}
    for name, kpi in kpis.KPIS.items():
        _, part, whole = kpis._parts(kpi.formula)
        assert {part, whole} <= (closed if kpi.closed_months else told), name
        assert kpi.good in ("high", "low", "near zero")


def test_targets_of_the_sample_name_kpis_there_are_and_goals_mean_the_same(sample_tables):
    assert set(sample_tables["targets"]["kpi"]) <= kpis.DEFINITIONS.keys() | goals.DEFINITIONS
    for name in kpis.DEFINITIONS.keys() & goals.DEFINITIONS.keys():
        assert kpis.DEFINITIONS[name][1:] == goals.DEFINITIONS[name][1:], name


def test_the_order_of_rows_changes_nothing():
    mixed = measured(SOLD.sample(frac=1, random_state=1), HELD.sample(frac=1, random_state=1))
    pd.testing.assert_series_equal(measured(), mixed)


# (4) an obvious slow version


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from(["Tents", "Stoves"]),
            st.integers(0, 9),
            st.booleans(),
        ),
        max_size=20,
    )
)
def test_a_kpi_of_any_rows_equals_a_slow_loop(rows):
    sold = pd.DataFrame(
        [(SPAN[m], family, n * 0.5 if known else np.nan, n) for m, family, n, known in rows],
        columns=["month", "family", "on_time", "delivered"],
    ).astype({"month": SPAN.dtype, "on_time": "float64", "delivered": "float64"})
    own = [(m, n) for m, family, n, known in rows if family == "Tents" and known]
    if {m for m, _ in own} == {0, 1, 2}:
        found = kpis.over("on_time_rate", sold, HELD, SPAN, {"family": "Tents"})
        total = sum(n for _, n in own)
        assert np.isnan(found) if total == 0 else found == pytest.approx(0.5)
    else:  # a month of which nothing is known makes no figure
        with pytest.raises(kpis.NotMeasured, match="nothing tells it for"):
            kpis.over("on_time_rate", sold, HELD, SPAN, {"family": "Tents"})


def test_service_of_the_sample_equals_a_slow_loop(sample_tables, sample_closed):
    sales = sample_tables["sales"]
    sold = measures.sold(sample_closed, sales, sample_tables)
    factors = sample_tables["items"].set_index("item")["planning_factor"].fillna(1.0).to_dict()
    in_time = delivered = 0.0
    for row in sales[sales["month"].isin(SPAN)].to_dict("records"):
        if row["quantity"] > 0:
            in_time += row["on_time_quantity"] * factors.get(row["item"], 1.0)
            delivered += row["quantity"] * factors.get(row["item"], 1.0)
    assert kpis.over("on_time_rate", sold, HELD[:0], SPAN, {}) == pytest.approx(in_time / delivered)
    assert set(schema.SERIES_MONTH) <= set(sold)
