"""The running month: what has left its interval, and when that can be told."""

from __future__ import annotations

import pandas as pd
import pytest

from sopkit import months
from sopkit.demand import watch

CYCLE = pd.Timestamp("2026-01-01")


def forecast(lower: float = 80.0, upper: float = 120.0) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "item": ["A", "B"],
            "location": "all",
            "channel": "all",
            "month": CYCLE,
            "quantity": [100.0, 10.0],
            "quantity_lower": [lower, 5.0],
            "quantity_upper": [upper, 15.0],
        }
    )


RATES = pd.DataFrame(
    {"item": ["A", "B"], "location": "all", "channel": "all", "unit_price_value": [5.0, 2.0]}
)


def sold(*rows: tuple) -> pd.DataFrame:
    """Rows: item, date or month, quantity."""
    table = pd.DataFrame(rows, columns=["item", "date", "quantity"])
    dated = pd.to_datetime(table["date"])
    month = dated.dt.to_period("M").dt.start_time.astype(months.DTYPE)
    return table.assign(date=dated, month=month, location="all", channel="all")


def test_sales_above_the_whole_months_bound_are_told_at_once():
    found = watch.market_watch(sold(("A", "2026-01-02", 150.0)), forecast(), RATES, cycle=CYCLE)
    own = found[found["item"] == "A"].iloc[0]
    assert own[["so_far", "upper", "finding"]].tolist() == [150, 120, "above its interval already"]
    assert own["amount_value"] == pytest.approx(30.0 * 5.0)


def test_a_pace_is_told_once_a_quarter_of_the_month_is_usually_in():
    past = [("A", f"2025-{m:02d}-{day}", 50.0) for m in range(1, 13) for day in ("05", "25")]
    early = watch.market_watch(sold(("A", "2026-01-03", 10.0)), forecast(), RATES, cycle=CYCLE)
    assert early.empty  # a tenth of January: too early
    # by the 10th half of a month's sales were in, so 30 so far are a pace of 60
    table = watch.market_watch(
        sold(*past, ("A", "2026-01-10", 30.0)), forecast(), RATES, cycle=CYCLE
    ).set_index("item")
    assert table.loc["A", ["passed_share", "pace"]].tolist() == [0.5, 60.0]
    assert table.loc["A", "amount_value"] == pytest.approx(20.0 * 5.0)
    assert table.loc["B", "pace"] == 0.0  # nothing sold at all
    assert table.index.tolist() == ["A", "B"]  # largest money first


def test_without_dates_only_what_is_above_can_be_told():
    rows = sold(("A", "2026-01-01", 10.0)).assign(date=pd.NaT)
    assert watch.market_watch(rows, forecast(), RATES, cycle=CYCLE).empty
    rows = sold(("A", "2026-01-01", 121.0)).assign(date=pd.NaT)
    assert len(watch.market_watch(rows, forecast(), RATES, cycle=CYCLE)) == 1


def test_a_series_nobody_forecast_is_above():
    found = watch.market_watch(sold(("N", "2026-01-02", 1.0)), forecast(), RATES, cycle=CYCLE)
    assert found["item"].tolist() == ["N"]
    assert found["upper"].tolist() == [0.0]


def test_with_no_running_month_there_is_nothing_to_watch():
    rows = sold(("A", "2025-12-02", 1.0))
    assert watch.market_watch(rows, forecast(), RATES, cycle=CYCLE).empty
