"""Recent launches beside their plan, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months
from sopkit.demand import launch_tracking, launches

CYCLE = pd.Timestamp("2026-01-01")
SPAN = months.closed(CYCLE, 4)


def track(sold: float, *, planned=(), promised=(), least: float = 1000.0) -> pd.Series:
    """N is launched in September at a scale of 0.5 and 10 each; so many units a month."""
    items = pd.DataFrame({"item": ["A", "N"], "launch_month": [pd.NaT, SPAN[0]]})
    tables = {
        "items": items.astype({"launch_month": months.DTYPE}),
        "launches": pd.DataFrame({"item": ["N"], "scale_rate": [0.5]}),
        "demand_history": pd.DataFrame({"item": "N", "month": SPAN, "baseline": sold}),
        "money_rates": pd.DataFrame({"item": ["N"], "unit_price_value": [10.0]}),
        "company": pd.DataFrame({"materiality_value": [least]}),
    }
    rows = [
        {"item": "N", "month": at, "consensus": units, "cycle": cycle}
        for cycle, units in planned
        for at in SPAN
    ]
    past = pd.DataFrame(rows, columns=["item", "month", "consensus", "cycle"])
    promise = pd.DataFrame({"item": "N", "month": SPAN, "quantity": promised or np.nan})
    promise = promise.dropna()
    table = launch_tracking.launch_tracking(tables, promise, past, cycle=CYCLE)
    contract.check_processed("launch_tracking", table)
    assert table["item"].tolist() == ["N"]
    return table.iloc[0]


def test_a_launch_far_above_the_last_plan_before_it_is_scaled_anew():
    # the plan made after the launch has seen it and does not count
    row = track(200.0, planned=[(SPAN[0], 100.0), (SPAN[2], 190.0)])
    assert row["beside"] == launch_tracking.PLANNED and row["months"] == 4
    assert (row["planned"], row["actual"], row["ratio"]) == (400.0, 800.0, 2.0)
    reach = np.exp(1.2816 * launches.NOISE / 2)
    assert (row["ratio_lower"], row["ratio_upper"]) == pytest.approx((2 / reach, 2 * reach))
    assert row["amount_value"] == 100 * 12 * 10
    trust = 1 / (1 + 0.25)  # as much noise as spread, four months
    assert row["scale_rate"] == pytest.approx(0.5 * 2**trust)
    assert row["verdict"] == "re-scale now to 1.74 of its plan"


def test_a_ratio_near_one_or_little_money_waits():
    assert track(108.0, promised=100.0)["verdict"] == "wait: too early to tell"
    assert track(108.0, promised=100.0)["beside"] == launch_tracking.PROMISED
    assert track(200.0, promised=100.0, least=1e6)["verdict"] == "wait: below materiality"
    assert track(0.0, promised=100.0)["verdict"].startswith("re-scale now")


def test_without_a_plan_there_is_nothing_to_compare():
    row = track(100.0)
    assert row["beside"] == "no plan" and np.isnan(row["ratio"]) and row["actual"] == 400.0
