"""Charts of launches: what is plotted, and that without launches there is none."""

from __future__ import annotations

import pandas as pd

from sopkit import months
from sopkit.charts import product
from sopkit.demand import launches

SPAN = months.span(pd.Timestamp("2026-01-01"), 12)


def test_ramps_show_the_company_within_its_bounds_and_its_families():
    rows = {"age": [0, 1] * 2, "family": ["all"] * 2 + ["Tents"] * 2, "share": [0.4, 1, 0.2, 1]}
    rows |= {"share_lower": [0.3, 0.8] * 2, "share_upper": [0.5, 1.2] * 2, "launches": 3}
    axes = product.ramps(pd.DataFrame(rows)).axes[0]
    lines = {line.get_label(): list(line.get_ydata()) for line in axes.get_lines()}
    assert lines["Company"] == [0.4, 1.0] and lines["Tents"] == [0.2, 1.0]
    assert "since the first month" in axes.get_xlabel() and axes.get_ylabel()
    assert product.ramps(pd.DataFrame(rows).iloc[:0]) is None


def test_launches_add_up_their_series_from_their_first_month_on():
    key = {"item": "N", "channel": "all", "month": SPAN, "model": launches.MODEL}
    parts = [pd.DataFrame(key | {"location": place}) for place in ("North", "South")]
    table = pd.concat(parts, ignore_index=True)
    table = table.assign(quantity=[0.0] * 3 + [5.0] * 9 + [0.0] * 3 + [7.0] * 9)
    table = table.assign(quantity_lower=table["quantity"] / 2, quantity_upper=table["quantity"] * 2)
    items = pd.DataFrame({"item": ["N"], "description": ["Lamp"]})
    axes = product.launches(table, items).axes[0]
    assert axes.get_title(loc="left") == "N Lamp"
    assert list(axes.get_lines()[0].get_ydata()) == [12.0] * 9
    assert product.launches(table.assign(model="theta"), items) is None
