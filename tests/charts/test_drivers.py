"""Charts of drivers draw the figures of their tables, and nothing where none is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import exhibits, months
from sopkit.charts import drivers as charts
from sopkit.demand import event_rates

EFFECTS = pd.DataFrame(
    {
        "driver": ["Autumn", "Spring", "index", "Untold"],
        "first_month": pd.to_datetime(["2025-09-01", "2025-03-01", None, "2025-05-01"]),
        "state": [event_rates.USED, event_rates.USED, event_rates.USED, event_rates.UNTOLD],
        "expected_rate": [0.3, 0.1, np.nan, 0.2],
        "rate": [0.42, 0.05, 0.02, np.nan],
        "used_rate": [0.4, 0.06, 0.02, np.nan],
        "rate_lower": [0.33, -0.05, 0.0, np.nan],
        "rate_upper": [0.52, 0.16, 0.04, np.nan],
        "used_lower": [0.35, -0.02, 0.01, np.nan],
        "used_upper": [0.46, 0.14, 0.03, np.nan],
    }
)


def words(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_both_intervals_and_rates_of_an_event_are_drawn_and_named_in_order_of_time():
    axes = charts.effects(EFFECTS).axes[0]
    used, alone = (
        [path.vertices[:, 0].tolist() for path in part.get_paths()] for part in axes.collections[:2]
    )
    assert used == [[-0.02, 0.14], [0.35, 0.46]] and alone == [[-0.05, 0.16], [0.33, 0.52]]
    dots, expected = (part.get_offsets()[:, 0].tolist() for part in axes.collections[2:4])
    assert dots == [0.06, 0.4] and expected == [0.1, 0.3]
    assert words(axes)[:4] == ["Spring", "Autumn", "+6%", "+40%"]
    assert words(axes)[4:] == ["data alone, 90%", "used, 90%", "expected"]
    low, high = axes.get_ylim()
    assert low > high  # the first on top


def test_only_the_latest_events_are_drawn():
    many = pd.concat([EFFECTS.iloc[:1]] * 40, ignore_index=True)
    dates = months.span(pd.Timestamp("2020-01-01"), 40)
    many = many.assign(driver=[f"E{k}" for k in range(40)], first_month=dates)
    drawn = words(charts.effects(many).axes[0])
    assert "E39" in drawn and "E24" not in drawn


def test_a_return_has_its_interval_and_verdict():
    table = pd.DataFrame(
        {
            "event": ["Good", "Bad", "No cost"],
            "first_month": pd.to_datetime(["2025-01-01", "2025-06-01", "2025-07-01"]),
            "return_value": [5000.0, -2000.0, np.nan],
            "return_lower": [1000.0, -3000.0, np.nan],
            "return_upper": [9000.0, 1000.0, np.nan],
            "verdict": ["paid", "cannot be told", "its cost is not known"],
        }
    )
    axes = charts.returns(table, currency="EUR").axes[0]
    assert [bar.get_width() for bar in axes.patches] == [5000.0, -2000.0]
    said = words(axes)
    assert said[:2] == ["Good", "Bad"]
    assert any("paid" in text for text in said) and any("cannot be told" in text for text in said)
    assert axes.get_xlabel().startswith("EUR")
    assert charts.returns(table.iloc[2:], currency="EUR") is None


def growth_of(**units: list[float]) -> pd.DataFrame:
    span = months.span(pd.Timestamp("2026-01-01"), 3)
    parts = [pd.DataFrame({"month": span, "kind": kind, "units": u}) for kind, u in units.items()]
    return pd.concat(parts, ignore_index=True).assign(family="F")


UNITS = pd.DataFrame({"item": ["A"], "planning_unit": ["units"], "planning_factor": [1.0]})


def test_growth_stacks_gains_above_zero_and_losses_below():
    table = growth_of(
        **{"promotion": [5.0, 0.0, 5.0], "new market": [1.0, 2.0, 3.0], "competitor": [-2.0] * 3}
    )
    axes = charts.growth(table, UNITS).axes[0]
    heights = sum(bar.get_height() for bar in axes.patches)
    assert heights == pytest.approx(table["units"].sum())
    above = [bar for bar in axes.patches if bar.get_height() > 0 and bar.get_y() > 0]
    assert [(bar.get_y(), bar.get_height()) for bar in above] == [(5.0, 1.0), (5.0, 3.0)]
    (total,) = [line for line in axes.lines if line.get_label() == "in all"]
    assert total.get_ydata().tolist() == [4.0, 0.0, 6.0]


def test_every_kind_that_growth_may_have_has_a_colour():
    kinds = ["promotion", "price", "competitor", "market", "customer gain", "customer loss"]
    table = growth_of(**dict.fromkeys([*kinds, "new market", "market series"], [1.0] * 3))
    axes = charts.growth(table, UNITS).axes[0]
    assert sum(bar.get_height() for bar in axes.patches) == pytest.approx(24.0)
    assert len({bar.get_facecolor() for bar in axes.patches}) == 8


def test_nothing_known_is_no_figure():
    assert charts.effects(EFFECTS.iloc[2:]) is None
    assert charts.growth(growth_of(promotion=[1.0] * 3).iloc[:0], UNITS) is None


RETURNS = pd.DataFrame(
    {
        "event": [f"E{k}" for k in range(17)],
        "first_month": pd.date_range("2023-01-01", periods=17, freq="MS"),
        "return_value": [5000.0 * (k % 5 - 1) for k in range(17)],
        "return_lower": -9000.0,
        "return_upper": 40000.0,
        "verdict": "paid",
    }
)


def test_returns_of_the_latest_promotions_stand_by_money():
    axes = charts.returns(RETURNS, currency="EUR").axes[0]
    bars = [bar.get_width() for bar in axes.patches]
    assert bars == sorted(RETURNS["return_value"].tail(15), reverse=True)
    assert not {"E0", "E1"} & {*words(axes)}


def test_a_narrow_chart_is_not_scrolled_on_a_phone():
    drawn = charts.effects(EFFECTS)
    assert "min-width:0" in exhibits.figure(drawn, alt="past events").html
    drawn.set_figwidth(11.2)
    assert "min-width:0" not in exhibits.figure(drawn, alt="past events").html


def test_minus_signs_in_sentences_are_those_of_columns_and_names_keep_their_hyphens():
    table = pd.DataFrame({"a": ["data say -16.3% (-4 units) of TN-107 in 2025-06, a -b"]})
    html = exhibits.table(table, caption="Words", columns={"a": "A"}, kinds={}).html
    assert "data say −16.3% (−4 units) of TN-107" in html and "2025-06</span>, a -b" in html
