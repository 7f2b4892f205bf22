"""Cash by month: by hand, and as the other side of what customers and suppliers owe."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sopkit import contract, months, schema, store
from sopkit.reconciliation import cash

CYCLE = pd.Timestamp("2026-01-01")
SPAN = months.span(CYCLE, 4)


def flow(amount: float, days: float | None, month: str = "2026-01", party: str = "Web") -> dict:
    told = {"kind": cash.SOLD, "party": party, "month": pd.Timestamp(f"{month}-01")}
    return told | {"amount_value": amount, "payment_days": days}


def paid(*rows: dict) -> list[float]:
    table = cash.cash_flow(pd.DataFrame(list(rows)).astype({"payment_days": "float64"}), SPAN)
    return table.groupby("month")["amount_value"].sum().reindex(SPAN, fill_value=0.0).tolist()


def test_money_comes_as_many_days_after_as_the_terms_say():
    assert paid(flow(100.0, 0.0)) == [100.0, 0.0, 0.0, 0.0]
    assert paid(flow(100.0, 15.2)) == [50.0, 50.0, 0.0, 0.0]
    assert paid(flow(-100.0, 60.8)) == [0.0, 0.0, -100.0, 0.0]


def test_what_closed_months_left_open_is_paid_in_the_plan():
    assert paid(flow(100.0, 45.6, "2025-12")) == pytest.approx([50.0, 50.0, 0.0, 0.0])
    assert paid(flow(100.0, 30.4, "2025-11")) == [0.0, 0.0, 0.0, 0.0]


def test_who_has_no_terms_is_left_out_and_named():
    rows = pd.DataFrame([flow(5.0, None, party="A"), flow(-9.0, None, party="B"), flow(1.0, 0.0)])
    assert paid(*rows.to_dict("records")) == [1.0, 0.0, 0.0, 0.0]
    assert cash.without_terms(rows) == ["B", "A"]


@given(st.lists(st.floats(0, 1e6), min_size=7, max_size=7), st.floats(0, 100), st.floats(0.1, 30.4))
def test_payments_equal_those_of_a_slow_calendar_of_slices(amounts, days, _width):
    """Each month in a thousand slices, paid ``days`` later on a calendar of 30.4-day months."""
    sold = months.span(pd.Timestamp("2025-10-01"), 7)
    rows = [flow(a, days, f"{m:%Y-%m}") for a, m in zip(amounts, sold, strict=True)]
    expected = np.zeros(4)
    for k, amount in enumerate(amounts):
        day = (k - 3) + (np.arange(1000) + 0.5) / 1000 + days / 30.4
        counted, _ = np.histogram(day, bins=np.arange(5))
        expected += amount * counted / 1000
    assert paid(*rows) == pytest.approx(expected.tolist(), abs=2e-3 * (sum(amounts) + 1.0))


def test_receipts_are_revenue_less_the_growth_of_what_customers_owe(sample_workspace):
    table = store.read(sample_workspace, "cash_flow", CYCLE)
    contract.check_processed("cash_flow", table)
    levels = store.read(sample_workspace, "money_by_level", CYCLE)
    own = levels[(levels["level"] == "company") & (levels["period_kind"] == "month")]
    own = own.set_index("period")
    receipts = table[table["kind"] == cash.SOLD].groupby("month")["amount_value"].sum()
    wanted = own["constrained_revenue_value"] - own["receivable_value"].diff()
    assert receipts.iloc[1:].tolist() == pytest.approx(wanted.iloc[1:].tolist(), abs=1e-4)
    assert len(receipts) == len(own)


def test_suppliers_are_paid_for_orders_and_what_is_on_its_way(sample_workspace):
    orders = store.read(sample_workspace, "purchase_orders", CYCLE)
    table = store.read(sample_workspace, "cash_flow", CYCLE)
    out = table[table["kind"] == cash.BOUGHT].groupby("party")["amount_value"].sum()
    assert (out <= 1e-9).all()
    assert set(orders["supplier"]) <= set(out.index)
    # what is ordered of Zipworks after the last month's payment falls beyond the plan
    zips = orders[orders["supplier"] == "Zipworks"]
    within = zips.loc[zips["month"] < orders["month"].max(), "amount_value"].sum()
    assert -out["Zipworks"] >= within


def test_a_company_without_terms_names_them_and_has_no_cash(hill):
    assert store.read(hill, "cash_flow", CYCLE).empty
    facts = store.read(hill, "reconciliation_facts", CYCLE).set_index("fact")
    assert facts.loc["cash_unknown", "text"] == "all customers, Lumen"
    assert schema.PROCESSED["cash_flow"].key == ("month", "kind", "party")
