"""Where we stand beside each goal."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sopkit import contract, months, schema
from sopkit.executive import kpis, measures
from sopkit.reconciliation import goals

CYCLE = pd.Timestamp("2026-01-01")
SPAN = months.closed(CYCLE, 3)
YEAR = months.closed(CYCLE, 12)
NO_PAST = pd.DataFrame(
    {"kpi": [], "cycle": pd.to_datetime([]), "amount": [], "target": [], "status": [], "origin": []}
)
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


def targets_of(*rows: dict) -> pd.DataFrame:
    usual = {"first_month": "2026-01", "last_month": "2026-12", "unit": "rate"}
    table = pd.DataFrame([usual | row for row in rows])
    return contract.check_table("targets", table, contract.Source("targets")).frame


def measured(sold=SOLD, held=HELD, told=TOLD) -> pd.Series:
    return kpis.measure(sold, held, told, cycle=CYCLE)


def status(amounts: pd.Series, targets=None, past=NO_PAST) -> pd.DataFrame:
    targets = contract.empty("targets") if targets is None else targets
    return kpis.status(amounts, targets, past, cycle=CYCLE)


def state(kpi: str, amount: float, target: float) -> str:
    table = status(pd.Series({kpi: amount}), targets_of({"kpi": kpi, "target": target}))
    return table.set_index("kpi").loc[kpi, "status"]


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


def test_a_target_is_met_near_or_missed_by_hand():
    assert state("on_time_rate", 0.97, 0.97) == "met"
    assert state("on_time_rate", 0.95, 0.97) == "near"  # within 5 % of the target
    assert state("on_time_rate", 0.90, 0.97) == "missed"
    assert state("forecast_wape_rate", 0.20, 0.25) == "met"
    assert state("forecast_wape_rate", 0.26, 0.25) == "near"
    assert state("forecast_wape_rate", 0.30, 0.25) == "missed"


def test_bias_is_missed_on_both_sides():
    assert state("forecast_bias_rate", -0.03, 0.03) == "met"
    assert state("forecast_bias_rate", 0.05, 0.03) == "missed"
    assert state("forecast_bias_rate", -0.05, 0.03) == "missed"


def test_only_targets_of_the_whole_company_that_hold_in_the_cycle_count():
    targets = targets_of(
        {"kpi": "on_time_rate", "target": 0.5, "first_month": "2025-01", "last_month": "2025-12"},
        {"kpi": "on_time_rate", "target": 0.6, "first_month": "2026-02"},
        {"kpi": "on_time_rate", "target": 0.7, "family": "Tents"},
        {"kpi": "margin_rate", "target": 0.2, "owner": "R. Osei"},
    )
    table = status(measured(), targets).set_index("kpi")
    assert table.loc["on_time_rate", ["status", "owner"]].tolist() == ["no target", ""]
    assert table.loc["margin_rate", ["target", "status", "owner"]].tolist() == [
        0.2,
        "met",
        "R. Osei",
    ]


def test_the_last_run_cycle_stands_beside_with_its_direction():
    past = pd.DataFrame(
        [
            ("on_time_rate", "2025-11", 0.99, "run"),
            ("on_time_rate", "2025-12", 0.60, "run"),
            ("plan_bias_rate", "2025-12", -0.05, "run"),
            ("margin_rate", "2025-12", 0.40001, "run"),
            ("pulse_score", "2025-12", 4.0, "run"),
            ("made up", "2025-12", 4.0, "run"),
            ("on_time_rate", "2026-01", 0.10, "replay"),
        ],
        columns=["kpi", "cycle", "amount", "origin"],
    )
    past = past.assign(cycle=pd.to_datetime(past["cycle"]), target=0.5, status="met")
    table = status(measured(), past=past).set_index("kpi")
    direction = table["direction"]
    assert table.loc["on_time_rate", "last_amount"] == 0.60
    assert direction["on_time_rate"] == "better" and direction["pulse_score"] == "worse"
    assert direction["plan_bias_rate"] == "worse"  # 0.1 is further from zero than -0.05
    assert direction["margin_rate"] == "unchanged" and direction["service_rate"] == ""
    told = kpis.history(past, status(measured(), past=past), cycle=CYCLE)
    own = told[told["kpi"] == "on_time_rate"]
    assert own["cycle"].tolist() == [*pd.to_datetime(["2025-11", "2025-12", "2026-01"])]
    assert own["amount"].tolist()[:2] == [0.99, 0.60] and "made up" not in set(told["kpi"])
    contract.check_processed("kpi_history", told)


# (3) invariants


def test_what_is_not_given_is_not_measured_never_zero_and_says_what_would_show_it():
    nothing = dict.fromkeys(TOLD, float("nan"))
    found = measured(SOLD[:0], HELD[:0], nothing)
    assert found.isna().all()
    targets = targets_of(*[{"kpi": kpi, "target": 0.5} for kpi in kpis.KPIS])
    table = status(found, targets)
    assert table["status"].unique().tolist() == ["not measured"]
    assert table["finding"].str.endswith("would show it").all()


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


def test_every_kpi_has_one_row_and_the_missed_ones_stand_first():
    targets = targets_of(
        {"kpi": "pulse_score", "target": 5.0},
        {"kpi": "margin_rate", "target": 0.2},
        {"kpi": "overtime_share_rate", "target": 0.049},
    )
    table = status(measured(), targets)
    assert set(table["kpi"]) == set(kpis.KPIS) and table["kpi"].is_unique
    assert table["status"].tolist()[:3] == ["missed", "near", "met"]
    assert table["kpi"].tolist()[:3] == ["pulse_score", "overtime_share_rate", "margin_rate"]
    assert table["meaning"].str.len().between(10, 60).all()
    contract.check_processed("kpis", table)


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


def test_of_two_targets_that_hold_the_one_that_began_later_counts_in_any_order():
    targets = targets_of(
        {"kpi": "on_time_rate", "target": 0.99, "first_month": "2026-01"},
        {"kpi": "on_time_rate", "target": 0.90, "first_month": "2025-01"},
    )
    for table in (targets, targets[::-1]):
        assert status(measured(), table).set_index("kpi").loc["on_time_rate", "target"] == 0.99


def test_arguments_are_not_changed():
    targets = targets_of({"kpi": "on_time_rate", "target": 0.9})
    before = [table.copy() for table in (SOLD, HELD, targets)]
    status(measured(), targets)
    for kept, argument in zip(before, (SOLD, HELD, targets), strict=True):
        pd.testing.assert_frame_equal(kept, argument)


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
