"""What launches are expected to sell, and what a later start loses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import months, schema
from sopkit.demand import launches

SPAN = months.span(pd.Timestamp("2026-01-01"), 6)


def month(text: str) -> pd.Timestamp:
    return pd.Timestamp(f"{text}-01")


@pytest.fixture
def plan() -> pd.DataFrame:
    """Six months of two items in two places; B has no price."""
    keys = pd.DataFrame({"item": ["A", "A", "B"], "location": ["North", "South", "North"]})
    keys = keys.assign(channel="all", quantity=[100.0, 50.0, 40.0], price=[10.0, 10.0, np.nan])
    table = keys.merge(pd.DataFrame({"month": SPAN}), how="cross")
    return table.assign(revenue_value=table["quantity"] * table.pop("price"))


def told(**terms) -> pd.DataFrame:
    usual = {"item": "N", "like_item": "A", "weight_share": 1.0, "scale_rate": None}
    usual |= {"replaces_item": None}
    return pd.DataFrame([usual | {"ramp_months": None} | terms]).astype(
        {"scale_rate": "float64", "ramp_months": "float64"}
    )


def test_a_new_item_sells_like_its_like_items_with_weight_scale_and_ramp(plan):
    rows = pd.concat(
        [
            told(weight_share=0.6, scale_rate=0.5, ramp_months=2.0),
            told(like_item="B", weight_share=0.4),
            told(like_item="unknown", weight_share=0.4),
        ]
    )
    found = launches.expected(rows, plan, pd.Series({"N": month("2026-04")}))
    north = found[found["location"] == "North"].set_index("month")["quantity"]
    assert north.to_dict() == {
        month("2026-04"): 100 * 0.3 * 0.5 + 16,
        month("2026-05"): 46.0,
        month("2026-06"): 46.0,
    }
    south = found[found["location"] == "South"]
    assert south["quantity"].tolist() == [7.5, 15.0, 15.0]
    assert south["revenue_value"].tolist() == [75.0, 150.0, 150.0]
    assert list(found[schema.SERIES_MONTH]) == schema.SERIES_MONTH


def test_what_the_replaced_item_still_sells_is_not_needed_twice(plan):
    fades = plan["item"] == "B"
    left = plan["quantity"].where(~fades, [0.0] * 12 + [400.0, 400.0, 400.0, 60.0, 20.0, 0.0])
    rows = told(replaces_item="B", scale_rate=0.5)
    found = launches.expected(rows, plan.assign(quantity=left), pd.Series({"N": SPAN[2]}))
    by = found[found["location"] == "North"]
    assert by["quantity"].tolist() == [0.0, 0.0, 30.0, 50.0]  # half of A's 100, less what B sells
    assert by["revenue_value"].tolist() == [0.0, 0.0, 300.0, 500.0]
    assert found.loc[found["location"] == "South", "quantity"].tolist() == [25.0] * 4


def test_without_a_launch_month_or_a_like_item_nothing_is_expected(plan):
    assert launches.expected(told(), plan, pd.Series({"N": pd.NaT})).empty
    assert launches.expected(told(like_item="X"), plan, pd.Series({"N": SPAN[0]})).empty
    assert launches.expected(told(), plan.iloc[:0], pd.Series({"N": SPAN[0]})).empty


def test_items_that_are_not_planned_start_in_their_launch_month(plan):
    items = pd.DataFrame({"item": ["A", "N"], "launch_month": [SPAN[0], SPAN[2]]})
    assert launches.starts(items, plan).to_dict() == {"N": SPAN[2]}


def test_a_later_start_loses_the_months_between_and_the_ramp(plan):
    late = pd.DataFrame({"item": ["N"], "launch_month": [SPAN[1]], "possible_month": [SPAN[3]]})
    row = launches.lost(late, told(ramp_months=2.0), plan).iloc[0]
    # 75, 150, 150, 150, 150 from February; 0, 0, 75, 150, 150 from April
    assert row["quantity"] == 300.0 and row["amount_value"] == 3000.0


def test_a_planned_launch_loses_its_own_plan(plan):
    own = plan[plan["location"] == "South"].assign(item="N", quantity=7.0, revenue_value=70.0)
    late = pd.DataFrame({"item": ["N"], "launch_month": [SPAN[1]], "possible_month": [SPAN[3]]})
    row = launches.lost(late, told(), pd.concat([plan, own])).iloc[0]
    assert row["quantity"] == 14.0 and row["amount_value"] == 140.0


def test_a_launch_without_like_items_loses_an_unknown_amount(plan):
    late = pd.DataFrame({"item": ["N"], "launch_month": [SPAN[1]], "possible_month": [SPAN[3]]})
    row = launches.lost(late, told(like_item="X"), plan).iloc[0]
    assert pd.isna(row["quantity"]) and pd.isna(row["amount_value"])
    empty = launches.lost(late.iloc[:0], told(), plan)
    assert empty.empty and empty["quantity"].dtype == "float64"
