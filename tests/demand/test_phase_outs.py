"""What is left over when items end, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months
from sopkit.demand import phase_outs

CYCLE = pd.Timestamp("2026-01-01")


def raw(name: str, *rows: dict) -> pd.DataFrame:
    if not rows:
        return contract.empty(name)
    return contract.check_table(name, pd.DataFrame(list(rows)), contract.Source(name)).frame


def out(end: str = "2026-03", *, stock=100.0, due=(), plan=None) -> pd.Series:
    """A ends in March, sold ten a month in the last year and costs 2."""
    past = pd.DataFrame({"item": "A", "location": "all", "channel": "all"}, index=range(12))
    past = past.assign(month=months.closed(CYCLE, 12), baseline=10.0)
    planned = pd.DataFrame({"item": "A", "month": months.span(CYCLE, 6), "consensus": plan or 0.0})
    counted = [{"item": "A", "month": "2025-12", "on_hand": stock + 5, "backlog": 5}]
    receipts = [
        {"item": "A", "month": at, "kind": kind, "quantity": units, "is_firm": firm}
        for at, kind, units, firm in due
    ]
    tables = {
        "items": raw("items", {"item": "A", "end_month": end, "unit_cost_value": 2}),
        "inventory": raw("inventory", *(counted if np.isfinite(stock) else [])),
        "scheduled_receipts": raw("scheduled_receipts", *receipts),
        "demand_history": past,
        "previous_demand_plan": planned if plan else planned[:0],
    }
    table = phase_outs.phase_outs(tables, cycle=CYCLE)
    contract.check_processed("phase_outs", table)
    return table.iloc[0]


def test_stock_and_receipts_beside_the_run_rate_leave_a_rest():
    due = [("2026-02", "purchase", 30, True), ("2026-05", "purchase", 9, True)]
    row = out(due=[*due, ("2026-02", "transfer", 50, True)])
    assert row["beside"] == phase_outs.RUN_RATE and row["stock"] == 100.0
    assert (row["receipts"], row["planned"], row["residual"]) == (30.0, 30.0, 100.0)
    assert row["residual_value"] == 200.0 and pd.isna(row["out_month"])
    assert row["proposal"] == "stop orders, and promote or write off the rest"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"due": [("2026-02", "purchase", 90, False)], "stock": 0.0, "end": "2026-01"}, "supply"),
        ({"due": [("2026-02", "purchase", 90, False)], "stock": 30.0}, "stop 90 of the receipts"),
        ({"stock": 55.0}, "extend the end to 2026-06"),
        ({"stock": 30.0}, "nothing is left over"),
        ({"stock": 12.0}, "supply 18 more until the end"),
        ({"stock": np.nan}, "count its stock"),
        ({"end": "2025-10"}, "sell off or write off"),
    ],
)
def test_the_proposal_follows_what_is_left(change, words):
    assert words in out(**change)["proposal"]


def test_the_last_plan_counts_where_it_holds_the_item_and_says_when_stock_runs_out():
    row = out(plan=60.0)
    assert row["beside"] == phase_outs.LAST_PLAN and row["planned"] == 180.0
    assert row["out_month"] == pd.Timestamp("2026-02-01") and row["residual"] == 0.0
