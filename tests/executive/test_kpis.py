"""Where we stand beside each goal."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months, schema
from sopkit.demand import accuracy
from sopkit.executive import kpis
from sopkit.reconciliation import goals

CYCLE = pd.Timestamp("2026-01-01")
SPAN = months.span(CYCLE, 2)


def targets_of(*rows: dict) -> pd.DataFrame:
    usual = {"first_month": "2026-01", "last_month": "2026-12", "unit": "rate"}
    table = pd.DataFrame([usual | row for row in rows])
    return contract.check_table("targets", table, contract.Source("targets")).frame


ACCURACY = pd.DataFrame(
    [
        ("family", "Tents", "combined", 3, 0.10, 0.05, 300.0),
        ("family", "Stoves", "combined", 3, 0.30, -0.25, 100.0),
        ("family", "Tents", "combined", 2, 0.90, 0.90, 300.0),
        ("family", "Tents", "theta", 3, 0.90, 0.90, 300.0),
        ("item", "A", "combined", 3, 0.90, 0.90, 300.0),
    ],
    columns=["level", "member", "model", "lag", "wape", "bias_rate", "volume"],
)
PROJECTION = pd.DataFrame(
    {
        "item": ["A", "A", "B", "B"],
        "month": [*SPAN, *SPAN],
        "opening": [60.0, 1.0, -5.0, 1.0],
        "demand": [20.0, 30.0, 10.0, 20.0],
    }
)
DELIVERED = pd.DataFrame({"demand": [20.0, 30.0, 10.0, 20.0], "on_time": [20.0, 30.0, 6.0, 20.0]})
LOAD = pd.DataFrame(
    {
        "resource": ["sewing", "sewing", "cutting", "cutting"],
        "load_hours": [90.0, 110.0, 10.0, 20.0],
        "regular_hours": [100.0, 100.0, 50.0, 50.0],
    }
)
FINANCIALS = pd.DataFrame(
    {
        "family": ["Company", "Company", "Tents"],
        "revenue_value": [100.0, 300.0, 7.0],
        "margin_value": [40.0, 60.0, 7.0],
        "costed_revenue_value": [100.0, 100.0, 7.0],
        "budget_revenue_value": [80.0, np.nan, 7.0],
        "budgeted_revenue_value": [100.0, np.nan, 7.0],
    }
)
INPUTS = (ACCURACY, PROJECTION, DELIVERED, LOAD, FINANCIALS)


def state(kpi: str, amount: float, target: float) -> str:
    amounts = pd.Series({name: np.nan for name in kpis.DEFINITIONS} | {kpi: amount})
    table = kpis.status(amounts, targets_of({"kpi": kpi, "target": target}), cycle=CYCLE)
    return table.set_index("kpi").loc[kpi, "status"]


# (1) by hand


def test_each_kpi_by_hand():
    found = kpis.measure(*INPUTS)
    assert found["forecast_wape_rate"] == pytest.approx((0.1 * 300 + 0.3 * 100) / 400)
    assert found["forecast_bias_rate"] == pytest.approx((0.05 * 300 - 0.25 * 100) / 400)
    assert found["on_time_rate"] == pytest.approx(76 / 80)
    assert found["inventory_cover_months"] == pytest.approx(60 / 40)  # what B owes is no stock
    assert found["utilisation_rate"] == pytest.approx(200 / 200)
    assert found["margin_rate"] == pytest.approx(100 / 200)  # over the revenue whose cost is known
    assert found["budget_attainment_rate"] == pytest.approx(100 / 80)  # the month with a budget
    assert list(found.index) == list(kpis.DEFINITIONS)


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
        {"kpi": "margin_rate", "target": 0.2},
    )
    table = kpis.status(kpis.measure(*INPUTS), targets, cycle=CYCLE).set_index("kpi")
    assert table.loc["on_time_rate", "status"] == "no target"
    assert table.loc["margin_rate", ["target", "status"]].tolist() == [0.2, "met"]


# (3) invariants


def test_what_is_not_given_is_not_measured_and_never_zero():
    empty = [table.iloc[:0] for table in INPUTS]
    found = kpis.measure(*empty)
    assert found.isna().all()
    targets = targets_of(*[{"kpi": kpi, "target": 0.5} for kpi in kpis.DEFINITIONS])
    table = kpis.status(found, targets, cycle=CYCLE)
    assert table["status"].unique().tolist() == ["not measured"]


def test_every_kpi_has_one_row_with_its_meaning():
    table = kpis.status(kpis.measure(*INPUTS), contract.empty("targets"), cycle=CYCLE)
    assert table["kpi"].tolist() == list(kpis.DEFINITIONS)
    assert table["status"].unique().tolist() == ["no target"]
    assert table["meaning"].str.len().gt(10).all()
    assert set(table["unit"]) <= {"rate", "months", "value"}
    contract.check_processed("kpis", table)


def test_targets_of_the_sample_name_kpis_there_are(sample_tables):
    known = kpis.DEFINITIONS.keys() | goals.DEFINITIONS.keys()
    assert set(sample_tables["targets"]["kpi"]) <= known
    assert not kpis.DEFINITIONS.keys() & goals.DEFINITIONS.keys()


def test_the_order_of_rows_changes_nothing():
    shuffled = [table.sample(frac=1, random_state=1) for table in INPUTS]
    pd.testing.assert_series_equal(kpis.measure(*INPUTS), kpis.measure(*shuffled))


def test_of_two_targets_that_hold_the_one_that_began_later_counts_in_any_order():
    targets = targets_of(
        {"kpi": "on_time_rate", "target": 0.99, "first_month": "2026-01"},
        {"kpi": "on_time_rate", "target": 0.90, "first_month": "2025-01"},
    )
    tables = [
        kpis.status(kpis.measure(*INPUTS), given, cycle=CYCLE) for given in (targets, targets[::-1])
    ]
    for table in tables:
        assert table.set_index("kpi").loc["on_time_rate", "target"] == 0.99


def test_arguments_are_not_changed():
    targets = targets_of({"kpi": "on_time_rate", "target": 0.9})
    before = [table.copy() for table in (*INPUTS, targets)]
    kpis.status(kpis.measure(*INPUTS), targets, cycle=CYCLE)
    for kept, argument in zip(before, (*INPUTS, targets), strict=True):
        pd.testing.assert_frame_equal(kept, argument)


# (4) an obvious slow version


def test_the_forecast_error_of_the_sample_equals_a_slow_loop(
    sample_tests, sample_backtest, sample_history, sample_tables
):
    items = sample_tables["items"]
    table = accuracy.by_level(sample_tests, sample_history, items)
    found = kpis.measure(table, *(frame.iloc[:0] for frame in INPUTS[1:]))
    named = items.set_index("item")["family"].to_dict()
    factors = items.set_index("item")["planning_factor"].fillna(1.0).to_dict()
    family = {item: named.get(item, "unassigned") for item in sample_history["item"].unique()}
    sums: dict = {}
    for row in sample_backtest[sample_backtest["lag"] == 3].to_dict("records"):
        own = sums.setdefault((family[row["item"]], row["month"]), [0.0, 0.0])
        factor = factors.get(row["item"], 1.0)
        own[0] += row["combined"] * factor
        own[1] += row["actual"] * factor
    volume = sum(actual for _, actual in sums.values())
    error = sum(abs(forecast - actual) for forecast, actual in sums.values())
    bias = sum(forecast - actual for forecast, actual in sums.values())
    assert found["forecast_wape_rate"] == pytest.approx(error / volume)
    assert found["forecast_bias_rate"] == pytest.approx(bias / volume)
    assert set(schema.PROCESSED["accuracy"].columns) <= set(table.columns)
