"""Suppliers of each item."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit.supply import sourcing


def _suppliers(rows: list[dict]) -> pd.DataFrame:
    columns = ["item", "family", "supplier", *sourcing.TERMS]
    everyone = {"item": "all", "family": "all"}
    return pd.DataFrame([everyone | row for row in rows], columns=columns)


ITEMS = pd.DataFrame(
    {
        "item": ["A", "B", "C"],
        "family": ["F", "F", None],
        "lead_time_days": [60.0, np.nan, np.nan],
        "unit_cost_value": [9.0, 8.0, np.nan],
    }
)


def test_an_item_has_its_own_suppliers_before_those_of_its_family():
    given = _suppliers(
        [
            {"item": "A", "supplier": "own", "lead_time_days": 14},
            {"family": "F", "supplier": "theirs", "lead_time_days": 30, "minimum_order": 5},
        ]
    )
    found = sourcing.sources(ITEMS["item"], ITEMS, given).set_index("item")
    assert found["supplier"].to_dict() == {"A": "own", "B": "theirs", "C": ""}
    assert found["lead_time_months"].to_dict() == {"A": 0, "B": 1, "C": 0}
    assert found["unit_cost_value"].fillna(-1).to_dict() == {"A": 9.0, "B": 8.0, "C": -1.0}
    assert found["minimum_order"].to_dict() == {"A": 0.0, "B": 5.0, "C": 0.0}


def test_the_cheapest_comes_first_and_a_break_without_its_price_is_none():
    given = _suppliers(
        [
            {"item": "A", "supplier": "dear", "lead_time_days": 5, "unit_cost_value": 7},
            {"item": "A", "supplier": "cheap", "lead_time_days": 90, "unit_cost_value": 6}
            | {"break_quantity": 100.0},
        ]
    )
    found = sourcing.sources(pd.Series(["A", "A"]), ITEMS, given)
    assert found["supplier"].tolist() == ["cheap", "dear"]
    assert np.isinf(found["break_quantity"]).all() and np.isinf(found["monthly_limit"]).all()


def test_a_minimum_above_the_limit_is_the_limit():
    own = {"item": "A", "supplier": "own", "lead_time_days": 9, "monthly_limit": 21.0}
    found = sourcing.sources(ITEMS["item"], ITEMS, _suppliers([own | {"minimum_order": 60.0}]))
    assert found["minimum_order"].tolist() == [21.0, 0.0, 0.0]


def test_without_suppliers_items_tell_their_own_lead_time_and_cost():
    found = sourcing.sources(ITEMS["item"], ITEMS, _suppliers([]))
    assert found["supplier"].eq("").all() and found["lead_time_months"].tolist() == [2, 0, 0]
