"""Charts of purchasing: what is drawn, in which words, and nothing where there is nothing."""

from __future__ import annotations

import pandas as pd
import pytest

from sopkit import months
from sopkit.charts import _style, purchasing

CYCLE = pd.Timestamp("2026-01-01")
FENCES = months.Fences(CYCLE, {}, {})


@pytest.fixture
def orders() -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "item": ["A", "A", "B"],
            "supplier": ["Far", "Far", ""],
            "month": pd.to_datetime(["2026-03-01", "2026-04-01", "2026-02-01"]),
            "order_by": pd.to_datetime(["2026-01-14", "2026-02-13", "2026-01-01"]),
            "quantity": [10.0, 20.0, 5.0],
            "amount_value": [100.0, 200.0, 50.0],
            "is_late": [False, False, True],
        }
    )
    return table.astype({"supplier": "str"})


def texts(figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


ITEMS = pd.DataFrame({"item": ["A"], "description": ["Pole"]})


def test_suppliers_stand_by_month_of_receipt_with_their_money(orders):
    figure = purchasing.suppliers(orders, currency="EUR", fences=FENCES, cycle=CYCLE)
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["Far", "no supplier named"]
    assert figure.axes[0].collections[0].get_array().tolist() == [[0, 0, 100, 200], [0, 50, 0, 0]]
    assert texts(figure) == ["100", "200", "50"]


def test_what_comes_too_late_is_a_red_diamond_at_its_day(orders):
    figure = purchasing.order_dates(orders, ITEMS, currency="EUR", cycle=CYCLE)
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["B", "A Pole"]
    marks = [(line.get_marker(), line.get_color()) for line in axes.lines]
    assert marks == [("D", _style.SHORTAGE), ("o", _style.SUPPLY), ("o", _style.SUPPLY)]
    assert "Red diamonds come too late" in figure.get_suptitle()


def test_orders_without_prices_are_drawn_in_units_by_date_and_not_by_supplier(orders):
    unknown = orders.assign(amount_value=float("nan"))
    assert purchasing.suppliers(unknown, currency="EUR", fences=FENCES, cycle=CYCLE) is None
    figure = purchasing.order_dates(unknown, ITEMS, currency="EUR", cycle=CYCLE)
    assert "units of the item" in figure.get_suptitle() and "20" in texts(figure)


def test_nothing_to_order_and_no_terms_draw_nothing(orders):
    nothing = orders.iloc[:0]
    assert purchasing.order_dates(nothing, ITEMS, currency="EUR", cycle=CYCLE) is None
    assert purchasing.suppliers(nothing, currency="EUR", fences=FENCES, cycle=CYCLE) is None
    empty = pd.DataFrame({"month": [], "kind": [], "party": [], "amount_value": []})
    assert purchasing.cash(empty, currency="EUR", fences=FENCES) is None


def test_cash_shows_what_comes_what_goes_and_both_together():
    table = pd.DataFrame({"month": CYCLE, "kind": ["receipts of sales", "payments of purchases"]})
    table = table.assign(party="P", amount_value=[100.0, -30.0])
    figure = purchasing.cash(table, currency="EUR", fences=FENCES)
    bars = [bar.get_height() for bar in figure.axes[0].patches]
    assert {100.0, -30.0} <= set(bars)
    assert any(70.0 in line.get_ydata() for line in figure.axes[0].lines)


def test_amounts_of_one_chart_have_one_form(orders):
    large = orders.assign(amount_value=[9_824.0, 46_200.0, 383_000.0])
    figure = purchasing.order_dates(large, ITEMS, currency="EUR", cycle=CYCLE)
    assert {"9.8\u00a0k", "46.2\u00a0k", "383\u00a0k"} <= set(texts(figure))
