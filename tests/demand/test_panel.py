"""A long table and one array of all series hold the same numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import months, schema
from sopkit.demand import panel


def test_a_late_series_stands_beside_an_early_one_with_nothing_before_it(series_table):
    laid = panel.from_table(series_table({"B": [1, 2, 3], "A": [8, 9]}, "2025-11"), "demand")
    assert laid.keys["item"].tolist() == ["A", "B"]
    assert [months.label(month) for month in laid.months] == ["2025-11", "2025-12", "2026-01"]
    np.testing.assert_array_equal(laid.values, [[np.nan, 1], [8, 2], [9, 3]])


def test_a_table_made_from_arrays_is_sorted_by_key_and_month():
    keys = pd.DataFrame({"item": ["A", "B"], "location": "all", "channel": "all"})
    span = months.span(pd.Timestamp("2025-12-01"), 2)
    table = panel.to_table(keys, span, {"demand": np.array([[1.0, 3.0], [2.0, 4.0]])})
    assert table["item"].tolist() == ["A", "A", "B", "B"]
    assert table["demand"].tolist() == [1.0, 2.0, 3.0, 4.0]
    assert table["month"].map(months.label).tolist() == ["2025-12", "2026-01"] * 2


@pytest.mark.parametrize(("month", "left"), [("2025-11", 0), ("2025-12", 1), ("2030-01", 3)])
def test_until_keeps_the_months_before_and_not_the_month_itself(series_table, month, left):
    laid = panel.from_table(series_table({"A": [1, 2, 3]}, "2025-11"), "demand")
    cut = laid.until(months.parse_cycle(month))
    assert cut.values.ravel().tolist() == [1.0, 2.0, 3.0][:left]
    assert len(cut.months) == left
    assert len(laid.months) == 3


def test_there_and_back_again_gives_the_same_table(sample_history):
    laid = panel.from_table(sample_history, "demand")
    back = panel.to_table(laid.keys, laid.months, {"demand": laid.values})
    back = back[back["demand"].notna()].reset_index(drop=True)
    expected = sample_history[[*schema.SERIES_MONTH, "demand"]]
    pd.testing.assert_frame_equal(back, expected)


def test_the_order_of_rows_does_not_matter_and_the_argument_is_left_alone(sample_history):
    shuffled = sample_history.sample(frac=1.0, random_state=3)
    copy = shuffled.copy()
    one = panel.from_table(sample_history, "demand")
    other = panel.from_table(shuffled, "demand")
    pd.testing.assert_frame_equal(shuffled, copy)
    pd.testing.assert_frame_equal(one.keys, other.keys)
    np.testing.assert_array_equal(one.values, other.values)
    assert one.months.equals(other.months)
