"""Charts of past events: what data alone say beside what is used, whole on a phone."""

import pandas as pd

from sopkit import exhibits
from sopkit.charts import drivers as charts

EFFECTS = pd.DataFrame(
    {
        "driver": ["Rival", "Tent week"],
        "state": "used",
        "first_month": pd.to_datetime(["2025-04-01", "2025-07-01"]),
        "rate": [-0.16, 0.12],
        "rate_lower": [-0.2, 0.02],
        "rate_upper": [-0.12, 0.24],
        "expected_rate": [-0.04, 0.3],
        "used_rate": [-0.14, 0.22],
        "used_lower": [-0.17, 0.15],
        "used_upper": [-0.11, 0.3],
    }
)
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


def words(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def test_both_intervals_and_both_rates_of_an_event_are_drawn_and_named():
    axes = charts.effects(EFFECTS).axes[0]
    used, alone = ([line[:, 0].tolist() for line in part.get_segments()]
                   for part in axes.collections[:2])  # fmt: skip
    assert used == [[-0.17, -0.11], [0.15, 0.3]] and alone == [[-0.2, -0.12], [0.02, 0.24]]
    dots, expected = (part.get_offsets()[:, 0].tolist() for part in axes.collections[2:4])
    assert dots == [-0.14, 0.22] and expected == [-0.04, 0.3]
    assert words(axes)[:4] == ["Rival", "Tent week", "−14%", "+22%"]
    assert words(axes)[4:] == ["data alone, 90%", "used, 90%", "expected"]
    assert charts.effects(EFFECTS.iloc[:0]) is None


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
