"""A slice of a cycle as one series: sums, hidden months, events by share, the panel's answers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months
from sopkit.demand import single_series
from sopkit.demand.workshop import PANEL

MONTH = months.span(pd.Timestamp("2025-01-01"), 6)
SERIES = [("A", "North", "Web"), ("A", "South", "Web"), ("B", "North", "Web")]


def _rows(month, **columns):
    keys = pd.DataFrame(SERIES, columns=["item", "location", "channel"])
    table = keys.merge(pd.DataFrame({"month": month}), how="cross")
    return table.assign(family=table["item"].map({"A": "Tents", "B": "Lamps"}), **columns)


@pytest.fixture
def tables():
    history = _rows(MONTH, demand=10.0, baseline=8.0, is_stockout=False)
    hidden = (history["item"] == "A") & (history["location"] == "North")
    history["is_stockout"] = hidden & (history["month"] == MONTH[3])
    ahead = months.span(pd.Timestamp("2025-07-01"), 2)
    tests = _rows(MONTH[2:], actual=9.0, combined=12.0, origin=MONTH[2])
    tests = tests[~(hidden.iloc[0] & (tests["month"] == MONTH[3]) & (tests["item"] == "A"))]
    return {
        "demand_history": history,
        "forecast": _rows(ahead, quantity=10.0, quantity_lower=7.0, quantity_upper=14.0),
        "demand_plan": _rows(ahead, statistical=10.0, events=2.0),
        "backtest": tests,
        "events": contract.empty("events"),
    }


def test_a_slice_is_the_sum_of_its_series_and_hidden_months_are_not_known(tables):
    whole = single_series.of_slice(tables, {}, has_events=True)
    np.testing.assert_allclose(whole.values, [30, 30, 30, np.nan, 30, 30])  # a third was hidden
    assert list(whole.month) == list(MONTH)
    lamps = single_series.of_slice(tables, {"family": "Lamps"}, has_events=False)
    np.testing.assert_allclose(lamps.values, 8.0)


def test_the_panels_answer_has_its_events_and_bounds_for_one_series_alone(tables):
    whole = single_series.of_slice(tables, {}, has_events=True).panel
    assert whole["quantity"].tolist() == [36.0, 36.0] and whole["quantity_upper"].isna().all()
    one = single_series.of_slice(tables, {"item": "B"}, has_events=True).panel
    assert (
        one[["quantity", "quantity_lower", "quantity_upper"]].values.tolist() == [[12, 9, 16]] * 2
    )
    alone = single_series.of_slice(tables, {"item": "B"}, has_events=False).panel
    assert alone["quantity_lower"].tolist() == [7.0, 7.0]


def test_past_answers_are_what_came_and_the_panels_error_where_enough_was_judged(tables):
    past = single_series.of_slice(tables, {"item": "B"}, has_events=True).past
    assert past[PANEL].tolist() == [13.0] * 4  # 10 came, the panel was 3 too high
    whole = single_series.of_slice(tables, {}, has_events=True).past
    assert MONTH[3] not in set(whole["month"]) and len(whole) == 3
    baseline = single_series.of_slice(tables, {"item": "B"}, has_events=False).past
    assert baseline[PANEL].tolist() == [11.0] * 4


def test_events_count_by_the_share_that_they_touch_and_ahead_by_their_chance(tables):
    events = pd.DataFrame(
        {
            "event": ["Sale", "Sale again", "Rival", "Elsewhere"],
            "kind": ["promotion", "promotion", "competitor", "promotion"],
            "first_month": [MONTH[1], pd.Timestamp("2025-07-01"), MONTH[4], MONTH[0]],
            "last_month": [MONTH[1], pd.Timestamp("2025-07-01"), pd.NaT, MONTH[5]],
            "item": [None, None, None, "Z"],
            "location": ["North", "North", None, None],
            "family": ["all", None, "Tents", None],
            "expected_rate": [0.3, 0.3, -0.1, 9.0],
            "probability_rate": [0.5, 0.5, np.nan, 1.0],
        }
    )
    found = single_series.of_slice(tables | {"events": events}, {}, has_events=True).events
    promotion = [0, 0.2, 0, 0, 0, 0, 0.1, 0]  # two of three series; ahead at a chance of one half
    np.testing.assert_allclose(found["promotion"], promotion, atol=1e-12)
    np.testing.assert_allclose(found["competitor"], [0] * 4 + [-0.2 / 3] * 4, atol=1e-12)
    without = single_series.of_slice(tables | {"events": events}, {}, has_events=False).events
    assert without.shape == (8, 0)


def test_a_slice_that_was_never_sold_is_said(tables):
    with pytest.raises(months.UsageError, match="Nothing was ever sold there"):
        single_series.of_slice(tables, {"item": "A", "family": "Lamps"}, has_events=True)
