"""What the supply review lays out: nothing goes back to sales that rests on assumed stock."""

from __future__ import annotations

import pandas as pd
import pytest

from sopkit import supply_meeting
from sopkit.supply import answers, feedback


@pytest.mark.parametrize(
    ("is_known", "states"), [(True, ["open", "accepted"]), (False, ["accepted"])]
)
def test_where_stock_is_assumed_no_line_is_open(monkeypatch, is_known, states):
    lines = pd.DataFrame({"item": "A", "quantity": [3.0, 2.0], "state": ["open", "accepted"]})
    monkeypatch.setattr(feedback, "lines", lambda *tables: lines)
    monkeypatch.setattr(answers, "rounds", lambda said, found, *rest, **more: found)
    names = ("allocation", "demand_plan", "shortages", "agreed", "money_rates", "answers")
    tables = dict.fromkeys(names, lines) | {"items": pd.DataFrame({"item": ["A"]})}
    tables["items"] = tables["items"].assign(unit="each", planning_factor=1.0)
    cycle = pd.Timestamp("2026-01-01")
    found = supply_meeting.fed_back(tables, cycle=cycle, is_stock_known=is_known)
    assert found["feedback"]["state"].tolist() == states
    assert found["feedback_rounds"]["state"].tolist() == states
