"""Charts of what is short: blocks as high as their amounts, and a panel a channel."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit.charts import shortages

UNITS = pd.DataFrame({"item": ["A", "B", "C"], "planning_factor": 1.0, "planning_unit": "units"})


def short_of(*rows: tuple) -> pd.DataFrame:
    """Table `shortages` of ``(item, cause, limit, units, money)``."""
    table = pd.DataFrame(rows, columns=["item", "cause", "limit", "late_quantity", "amount_value"])
    return table.assign(lost_quantity=0.0, description=table["item"], location="plant")


ROWS = (("A", "hours", "sewing", 5.0, 600.0), ("B", "hours", "sewing", 5.0, 300.0))
SMALL = ("C", "frozen", "plant", 1.0, 10.0)


def words(figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def heights(figure) -> list[float]:
    return [round(bar.get_height(), 6) for bar in figure.axes[0].patches]


def test_blocks_are_as_high_as_what_hangs_on_them_and_small_ones_stand_together():
    figure = shortages.tree(short_of(*ROWS, SMALL), UNITS, currency="EUR")
    assert heights(figure) == [910.0, 900.0, 900.0, 600.0, 300.0, 10.0]
    shown = words(figure)
    assert "no hours left · 900" in shown and "sewing · 900" in shown and "A · 600" in shown
    assert not any("frozen" in word for word in shown)  # too low to carry a name
    assert figure._suptitle.get_text().endswith("EUR")


def test_without_a_price_the_tree_is_in_units():
    unpriced = short_of(ROWS[0], ("B", "cost", "", 15.0, np.nan))
    figure = shortages.tree(unpriced, UNITS, currency="EUR")
    assert heights(figure)[0] == 20.0 and figure._suptitle.get_text().endswith("units")
    assert "dearer than owing · 15" in words(figure)


def test_nothing_short_draws_nothing():
    assert shortages.tree(short_of(), UNITS, currency="EUR") is None


def test_each_channel_has_a_panel_and_the_chosen_rule_is_marked():
    effects = pd.DataFrame(
        {
            "rule": ["contract"] * 3 + ["margin"] * 3,
            "channel": ["web", "shop", "all"] * 2,
            "late_quantity": [1.0, 2.0, 3.0, 3.0, 0.0, 3.0],
            "late_value": [10.0, 40.0, 50.0, 30.0, 0.0, 30.0],
            "is_chosen": [True] * 3 + [False] * 3,
        }
    )
    figure = shortages.rules(effects, UNITS, currency="EUR")
    assert [axes.get_title("left") for axes in figure.axes] == ["shop", "web"]
    assert [bar.get_width() for bar in figure.axes[1].patches] == [10.0, 30.0]
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["contract (chosen)", "margin"]
    assert shortages.rules(effects[effects["channel"] == "all"], UNITS, currency="EUR") is None
    assert shortages.rules(effects.assign(late_quantity=0.0), UNITS, currency="EUR") is None


@pytest.mark.parametrize("count", [1, 40])
def test_heights_add_up_however_many_items_there_are(count):
    rows = [(f"I{k}", "hours", "sewing", 1.0, 10.0 + k) for k in range(count)]
    units = pd.DataFrame({"item": [row[0] for row in rows], "planning_factor": 1.0})
    figure = shortages.tree(short_of(*rows), units.assign(planning_unit="units"), currency="EUR")
    total, *_ = heights(figure)
    assert sum(heights(figure)[3:]) == pytest.approx(total)
