"""Price, volume, mix and cost of two plans side by side."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sopkit.reconciliation import price_volume

# Horngren, Datar and Rajan, Cost Accounting, chapter on variances: a seller of three products
# with budgeted and actual units and contribution margins a unit (Bulk, Family, Individual style
# figures), typed from memory of the method and worked out by hand below.
UNITS_BEFORE, UNITS = [200.0, 300.0, 500.0], [240.0, 240.0, 720.0]
PRICE_BEFORE, PRICE = [50.0, 40.0, 20.0], [48.0, 41.0, 20.0]
COST_BEFORE, COST = [30.0, 22.0, 11.0], [31.0, 22.0, 10.0]


def rows_of(units, price, cost, before, price_before, cost_before, **columns) -> pd.DataFrame:
    """Rows with the margin as what is taken apart."""
    now, old, p, p0, c, c0 = map(
        np.asarray, (units, before, price, price_before, cost, cost_before)
    )
    return pd.DataFrame(
        {
            **columns,
            "quantity": now,
            "quantity_before": old,
            "revenue_value": now * p,
            "revenue_value_before": old * p0,
            "value": now * (p - c),
            "value_before": old * (p0 - c0),
        }
    )


MARGIN = rows_of(
    UNITS,
    PRICE,
    COST,
    UNITS_BEFORE,
    PRICE_BEFORE,
    COST_BEFORE,
    family=["F", "F", "F"],
    item=["A", "B", "C"],
)


def test_variances_of_three_products_worked_out_by_hand():
    sums = price_volume.split(MARGIN, ["family"]).sum()
    assert sums["price"] == 240 * -2 + 240 * 1 + 0
    assert sums["cost"] == -(240 * 1 + 0 + 720 * -1)
    # budgeted margins 20, 18, 9 a unit on 1,000 units: 13,900, mean 13.9; 1,200 units came
    assert sums["volume"] == pytest.approx(200 * 13.9)
    # at the budget's mix 1,200 units are 240, 360, 600: 0 A, -120 B, +120 C
    assert sums["mix"] == pytest.approx(-120 * 18 + 120 * 9)
    assert sums.sum() == pytest.approx(MARGIN["value"].sum() - MARGIN["value_before"].sum())


def test_at_single_rows_there_is_no_mix_and_volume_is_each_items_own():
    parts = price_volume.split(MARGIN, ["item"])
    assert parts["mix"].tolist() == pytest.approx([0.0, 0.0, 0.0])
    assert parts["volume"].tolist() == pytest.approx([40 * 20, -60 * 18, 220 * 9])


def test_revenue_has_no_cost():
    revenue = MARGIN.assign(
        value=MARGIN["revenue_value"], value_before=MARGIN["revenue_value_before"]
    )
    assert price_volume.split(revenue, ["family"])["cost"].eq(0.0).all()


def test_what_only_one_plan_has_is_volume_and_mix_not_price():
    rows = rows_of([10, 0], [7, 0], [3, 0], [0, 5], [0, 8], [0, 2], family=["F", "F"])
    parts = price_volume.split(rows, ["family"])
    assert parts[["price", "cost"]].eq(0.0).all(axis=None)
    # 5 units of margin 6 became 10 of margin 4: five more at 6, then ten times two less
    assert parts["volume"].sum() == pytest.approx(5 * 6)
    assert parts["mix"].sum() == pytest.approx(-10 * 2)


def test_a_group_that_begins_or_ends_is_volume_alone():
    rows = rows_of([10, 0], [7, 0], [3, 0], [0, 5], [0, 8], [0, 2], family=["new", "gone"])
    parts = price_volume.split(rows, ["family"])
    assert parts["volume"].tolist() == pytest.approx([40.0, -30.0])
    assert parts["mix"].eq(0.0).all()


amount = st.one_of(st.just(0.0), st.floats(-1e3, 1e5))


@given(st.lists(st.tuples(st.sampled_from("FG"), *[amount] * 6), min_size=1, max_size=12))
def test_parts_sum_to_the_gap_of_every_row_whatever_the_amounts(given_rows):
    names = ["family", "quantity", "quantity_before", "revenue_value", "revenue_value_before"]
    rows = pd.DataFrame(given_rows, columns=[*names, "value", "value_before"])
    for group in ([], ["family"]):
        parts = price_volume.split(rows, group)
        gap = rows["value"] - rows["value_before"]
        size = parts.abs().max(axis=1) + rows[[*names[1:], "value"]].abs().max(axis=1) + 1.0
        assert np.isfinite(parts).all(axis=None)
        assert ((parts.sum(axis=1) - gap).abs() <= 1e-9 * size).all()


def test_the_widest_level_with_little_mix_is_taken():
    levels = [[], ["family"], ["item"]]
    whole = MARGIN.assign(measure="margin")
    group, parts = price_volume.mix_level(whole, levels, ["measure"], "family")
    assert group == ["item"]  # mix of the family is a fifth of all parts
    even = whole.assign(
        **{name: whole[f"{name}_before"] * 1.2 for name in ("quantity", "revenue_value", "value")}
    )
    assert price_volume.mix_level(even, levels, ["measure"], "family")[0] == []


def test_families_whose_mix_makes_up_for_each_other_do_not_hide_it():
    one = rows_of([20, 0], [10, 5], [0, 0], [10, 10], [10, 5], [0, 0], item=["A", "B"])
    other = rows_of([0, 20], [10, 5], [0, 0], [10, 10], [10, 5], [0, 0], item=["C", "D"])
    rows = pd.concat([one.assign(family="F"), other.assign(family="G")], ignore_index=True)
    rows = rows.assign(measure="revenue")
    by_family = price_volume.split(rows, ["family"])
    assert by_family["mix"].sum() == pytest.approx(0.0)
    levels = [["family"], ["item"]]
    group, _ = price_volume.mix_level(rows, levels, ["measure"], "family")
    assert group == ["item"]
