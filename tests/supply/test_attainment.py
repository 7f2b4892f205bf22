"""Supply and stock as planned beside what came."""

from __future__ import annotations

import pandas as pd
import pytest

from sopkit import months
from sopkit.supply import attainment

CYCLE = pd.Timestamp("2025-10-01")
FAMILY = pd.Series({"A": "Tents", "B": "Tents", "C": "Stoves"})


def rows(columns: list[str], *data: tuple) -> pd.DataFrame:
    table = pd.DataFrame(data, columns=["item", "month", *columns])
    month = [months.shift(CYCLE, k) for k in table["month"]]
    return table.assign(location="plant", month=month, cycle=CYCLE)


def test_plans_are_judged_by_family_and_month_at_each_lag():
    supply = rows(
        ["regular", "overtime"],
        ("A", 0, 8.0, 2.0),
        ("B", 0, 10.0, 0.0),
        ("A", 1, 10.0, 0.0),
        ("C", 0, 99.0, 0.0),  # nobody makes it
    )
    stock = rows(["closing"], ("A", 0, 5.0), ("C", 0, 4.0))
    made = rows(["quantity"], ("A", 0, 14.0), ("B", 0, 6.0), ("B", 1, 3.0))
    held = rows(["on_hand", "backlog"], ("A", 0, 2.0, 1.0), ("B", 0, 7.0, 0.0))
    table = attainment.plan_attainment(supply, stock, made, held, FAMILY)
    found = table.set_index(["plan", "lag"])
    # 10 + 10 planned, 14 + 6 made: a family's items make up for one another
    assert found.loc[("supply", 0), "wape"] == 0.0
    # A was not made at all in the second month
    assert pd.isna(found.loc[("supply", 1), "wape"])
    # stock of A: 5 planned, 2 on hand less 1 owed; nobody counted C
    assert found.loc[("inventory", 0), "bias_rate"] == pytest.approx(4.0)
    assert found.loc[("inventory", 0), "volume"] == 1.0


def test_where_nothing_was_planned_or_counted_there_is_nothing_to_judge():
    none = rows(["regular", "overtime"]), rows(["closing"])
    came = rows(["quantity"]), rows(["on_hand", "backlog"])
    assert attainment.plan_attainment(*none, *came, FAMILY).empty
