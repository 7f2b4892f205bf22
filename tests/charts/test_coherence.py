"""The chart of coherence draws the share of error removed, nothing where none is told."""

import numpy as np
import pandas as pd

from sopkit import headlines
from sopkit.charts import coherence as charts
from sopkit.demand import levels

TABLE = pd.DataFrame(
    {
        "level": [levels.EVERY, "total", "series", "total"],
        "member": ["all", "all", "all", "Company"],
        "own_wape": [0.2, 0.1, 0.3, 0.1],
        "bottom_up_wape": [0.25, 0.2, 0.3, 0.2],
        "coherent_wape": [0.23, 0.15, 0.31, 0.15],
        "gain_rate": [0.02, 0.05, -0.01, 0.05],
        "noise_rate": [0.01, np.nan, np.nan, np.nan],
        "removed_share": [0.08, 0.25, -1 / 30, 0.25],
        "is_used": True,
    }
)


def verdict(table: pd.DataFrame) -> str:
    facts = headlines.coherence(table).set_index("fact")
    return facts.loc["coherence_verdict", "text"]


def test_bars_are_the_share_of_error_removed_at_each_level():
    axes = charts.gains(TABLE).axes[0]
    widths = [bar.get_width() for bar in axes.patches]
    np.testing.assert_allclose(widths, [0.08, 0.25, -1 / 30])
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        levels.EVERY,
        "total",
        "series",
    ]
    assert charts.gains(TABLE.iloc[:0]) is None
    assert charts.gains(TABLE.assign(removed_share=np.nan)) is None


def test_the_verdict_says_what_was_decided_and_why():
    assert "beyond chance, so coherent forecasts are used" in verdict(TABLE)
    assert "company.yml says always" in verdict(TABLE.assign(gain_rate=0.005))
    no_more = verdict(TABLE.assign(gain_rate=0.005, is_used=False))
    assert "no more than chance, so the series' own forecasts stand" in no_more
    assert "no gain" in verdict(TABLE.assign(gain_rate=-0.005, is_used=False))
    assert "too short" in verdict(TABLE.assign(gain_rate=np.nan, is_used=False))
    assert "no level above the series" in verdict(TABLE.iloc[:0])


def test_the_sentence_speaks_in_shares_of_the_error_like_the_chart():
    facts = headlines.coherence(TABLE).set_index("fact")["amount"]
    assert facts["coherent_share"] == -0.08  # eight percent of the error less
    np.testing.assert_allclose(facts["chance_share"], 1.28 * 0.01 / 0.25)
