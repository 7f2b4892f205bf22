"""Charts: what is plotted and how axes are named, and that empty input gives no chart."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from sopkit import months, schema
from sopkit.charts import data, demand, executive, product, reconciliation, style, supply

CYCLE = pd.Timestamp("2026-01-01")
PAST, AHEAD = months.closed(CYCLE, 12), months.span(CYCLE, 12)
KEY = {"item": "A", "location": "all", "channel": "all"}
RATES = pd.DataFrame([KEY | {"unit_price_value": 10.0}])
ITEMS = pd.DataFrame({"item": ["A"], "family": ["Tents"], "category": ["Shelter"]})


@pytest.fixture
def history() -> pd.DataFrame:
    """Twelve months of 100 units at 10, a stock-out of 20 units in the last one."""
    table = pd.DataFrame(
        {
            "month": PAST,
            "sales": 100.0,
            "returns": 0.0,
            "outlier": 0.0,
            "stockout": [0.0] * 11 + [20.0],
            "revenue_value": 1000.0,
        }
    )
    return table.assign(**KEY, demand=table["sales"] + table["stockout"])


@pytest.fixture
def demand_plan() -> pd.DataFrame:
    """110 units a month by statistics, 5 more by departments."""
    table = pd.DataFrame({"month": AHEAD, "statistical": 110.0, "departments": 5.0})
    return table.assign(**KEY, consensus=115.0)


@pytest.fixture
def financials() -> pd.DataFrame:
    """The company and its one family: plan 90, budget 100, last year 80 a month."""
    table = pd.DataFrame(
        {
            "month": AHEAD,
            "revenue_value": 90.0,
            "supply_revenue_value": 85.0,
            "budget_revenue_value": 100.0,
            "last_year_revenue_value": 80.0,
        }
    )
    return pd.concat([table.assign(family=name) for name in (schema.COMPANY_LABEL, "Tents")])


@pytest.fixture
def closed() -> pd.DataFrame:
    """Twelve closed months of 70 beside a budget of 75."""
    return pd.DataFrame(
        {
            "family": schema.COMPANY_LABEL,
            "month": PAST,
            "revenue_value": 70.0,
            "budget_revenue_value": 75.0,
        }
    )


def lines(axes) -> list[list[float]]:
    """What each line plots."""
    return [np.asarray(line.get_ydata(), dtype="float64").tolist() for line in axes.get_lines()]


def words(figure) -> str:
    """All text of a figure."""
    return " | ".join(text.get_text() for text in figure.findobj(mpl.text.Text))


def test_sales_shows_what_was_sold_and_what_cleaning_added(history):
    above, below = data.sales(history, cycle=CYCLE).axes
    assert above.get_ylabel() == "Units a month"
    assert above.get_ylim()[0] == 0.0
    assert lines(above)[0] == [100.0] * 12
    assert max(bar.get_height() for bar in below.patches) == 20.0


def test_revenue_by_year_plots_calendar_months(history):
    (axes,) = data.revenue_by_year(history, currency="EUR").axes
    assert axes.get_ylabel() == "EUR a month"
    assert lines(axes) == [[1000.0] * 12]


def test_plan_accuracy_plots_both_layers():
    table = pd.DataFrame(
        {
            "layer": ["statistical", "consensus"] * 2,
            "lag": [0, 0, 1, 1],
            "wape": [0.1, 0.08, 0.2, 0.18],
        }
    )
    (axes,) = data.plan_accuracy(table).axes
    assert lines(axes) == [[0.08, 0.18], [0.1, 0.2]]
    assert axes.get_ylabel() == "Weighted absolute error"


def test_value_matrix_says_share_and_count():
    classes = pd.DataFrame({"abc": ["A", "C"], "xyz": ["X", "Z"], "revenue_value": [90.0, 10.0]})
    text = words(product.value_matrix(classes, RATES))
    assert "90.0%\n1 series" in text
    assert "twelve months' revenue" in text


def test_charts_of_money_say_units_where_no_price_is_known():
    classes = pd.DataFrame({"demand_class": ["smooth"], "abc": ["A"], "revenue_value": [5.0]})
    unpriced = RATES.assign(unit_price_value=np.nan)
    assert "twelve months' units" in words(product.demand_classes(classes, unpriced))
    assert "twelve months' units" in words(product.concentration(classes, unpriced))


def test_lifecycle_draws_each_item_from_launch_to_end():
    items = pd.DataFrame(
        {
            "item": ["A"],
            "lifecycle": ["ending"],
            "revenue_value": [1.0],
            "description": ["Tent"],
            "launch_month": [pd.Timestamp("2025-01-01")],
            "end_month": [pd.Timestamp("2026-06-01")],
        }
    )
    figure = product.lifecycle(items, cycle=CYCLE)
    assert "A Tent" in words(figure)
    assert "ending" in words(figure)


def test_plan_shows_history_statistical_and_consensus(history, demand_plan):
    tests = pd.DataFrame(columns=["origin", "month", "lag", "actual", "combined"], dtype="float64")
    (axes,) = demand.plan(history, demand_plan, tests, cycle=CYCLE).axes
    plotted = lines(axes)
    assert [100.0] * 11 + [120.0] in plotted
    assert [110.0] * 12 in plotted
    assert [115.0] * 12 in plotted
    assert axes.get_ylabel() == "Units a month"
    assert not axes.collections, "no back-test, no band"


def test_band_of_the_total_is_measured_on_totals(history, demand_plan):
    """Two series whose errors cancel: the company was never wrong, so its band has no width."""
    rows = [
        (item, origin, month, 0, 100.0, 100.0 + error)
        for item, error in (("A", 20.0), ("B", -20.0))
        for origin, month in zip(PAST, PAST, strict=True)
    ]
    columns = ["item", "origin", "month", "lag", "actual", "combined"]
    tests = pd.DataFrame(rows, columns=columns)
    (axes,) = demand.plan(history, demand_plan, tests, cycle=CYCLE).axes
    heights = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert heights.tolist() == [110.0] * len(heights)


def test_families_say_growth_on_the_last_twelve_months(history, demand_plan):
    text = words(demand.families(history, demand_plan, ITEMS, cycle=CYCLE))
    assert "Tents: +13.1%" in text  # 12 × 115 beside 1,220


def test_backtest_error_weighs_families_by_volume():
    table = pd.DataFrame(
        {
            "level": "family",
            "member": ["T", "S"],
            "model": "combined",
            "lag": 0,
            "wape": [0.1, 0.3],
            "volume": [300.0, 100.0],
            "bias_rate": 0.0,
        }
    )
    (axes,) = demand.backtest_error(table).axes
    assert lines(axes)[0] == pytest.approx([0.15])
    assert axes.get_ylabel() == "Weighted absolute error"


def test_bias_below_zero_is_drawn_as_shortage():
    table = pd.DataFrame(
        {
            "level": "family",
            "member": ["T"],
            "model": "combined",
            "lag": demand.BIAS_LAG,
            "bias_rate": [-0.05],
            "volume": 1.0,
        }
    )
    figure = demand.bias(table)
    (bar,) = figure.axes[0].patches
    assert bar.get_width() == -0.05
    assert mpl.colors.to_hex(bar.get_facecolor()) == style.SHORTAGE
    assert "−5.0%" in words(figure)


def test_departments_are_compared_where_they_say_something(demand_plan):
    views = pd.DataFrame({"department": "sales", "month": AHEAD[:3], "quantity": 121.0}).assign(
        **KEY
    )
    (axes,) = demand.departments(views, demand_plan).axes
    assert pytest.approx([0.1] * 3) in lines(axes)
    assert axes.get_ylabel() == "Difference from statistical"


def test_changes_are_money_at_todays_prices(demand_plan):
    figure = demand.changes(demand_plan, RATES, ITEMS, currency="EUR")
    assert figure.axes[0].patches[0].get_width() == 12 * 5 * 10.0
    assert "EUR" in figure.axes[0].get_xlabel()


def test_stock_never_nets_items_in_stock_with_items_owed():
    rows = pd.DataFrame(
        {
            "item": ["A", "B"] * 2,
            "month": AHEAD[[0, 0, 1, 1]],
            "safety_stock": 1.0,
            "closing": [10.0, -10.0, 10.0, -4.0],
        }
    )
    inventory = pd.DataFrame({"month": PAST, "on_hand": 7.0})
    (axes,) = supply.stock(rows, inventory, cycle=CYCLE).axes
    assert [10.0, 10.0] in lines(axes)
    assert [bar.get_height() for bar in axes.patches] == [-10.0, -4.0]
    assert axes.get_ylabel() == "Units at month end"
    (low,) = supply.below_safety(rows).axes
    assert low.get_ylabel() == "Items and sites"
    assert sum(bar.get_height() for bar in low.patches) == 2


def test_resource_load_splits_at_the_regular_hours():
    load = pd.DataFrame(
        {
            "resource": "sewing",
            "month": AHEAD[:2],
            "load_hours": [80.0, 120.0],
            "wanted_hours": [80.0, 140.0],
            "regular_hours": 100.0,
            "overtime_hours": 20.0,
        }
    )
    figure = supply.resource_load(load)
    assert [bar.get_height() for bar in figure.axes[0].patches] == [80.0, 100.0, 0.0, 20.0]
    assert figure.axes[0].get_ylabel() == "Hours a month"
    assert "sewing: peak 120%" in words(figure)


def test_strategies_and_costs_name_each_way():
    months_of = pd.DataFrame(
        {
            "strategy": ["chase", "level"],
            "month": AHEAD[[0, 0]],
            "supply": [5.0, 6.0],
            "demand": 5.0,
            "closing": [1.0, 2.0],
        }
    )
    above, below = supply.strategies(months_of).axes
    assert [[5.0], [5.0], [6.0]] == lines(above)
    assert below.get_ylabel() == "Units at month end"
    costs = pd.DataFrame(
        {"strategy": ["chase", "level"], "cost_kind": "purchases", "amount_value": [1000.0, 2000.0]}
    )
    figure = supply.costs(costs, currency="EUR")
    assert [bar.get_width() for bar in figure.axes[0].patches] == [1000.0, 2000.0]
    assert "EUR" in figure.axes[0].get_xlabel()


def test_revenue_plots_plan_supply_budget_and_last_year(financials, closed):
    (axes,) = reconciliation.revenue(financials, closed, cycle=CYCLE, currency="EUR").axes
    assert {row[-1] for row in lines(axes)} >= {90.0, 85.0, 100.0, 80.0, 70.0}
    assert axes.get_ylabel() == "EUR a month"


def test_late_supply_that_catches_up_is_still_shown():
    table = pd.DataFrame(
        {
            "family": "Tents",
            "month": AHEAD[:2],
            "gap_value": [-500.0, 500.0],
            "budget_variance_value": [100.0, -300.0],
        }
    )
    behind, variance = reconciliation.gaps(table, currency="EUR").axes
    assert behind.patches[0].get_width() == -500.0
    assert variance.patches[0].get_width() == -200.0


def test_quarters_add_up_whole_quarters_only(financials):
    figure = reconciliation.quarters(
        financials[financials["month"] < "2026-06-01"], fiscal_year_first_month=1, currency="EUR"
    )
    assert [bar.get_height() for bar in figure.axes[0].patches] == [240.0, 270.0]
    assert figure.axes[0].get_ylabel() == "EUR a quarter"
    assert "−10.0%" in words(figure)


def test_plan_beside_budget_shows_the_difference(financials, closed):
    above, below = executive.plan_beside_budget(
        financials, closed, cycle=CYCLE, currency="EUR"
    ).axes
    assert [70.0] * 12 in lines(above)
    assert [bar.get_height() for bar in below.patches] == [-5.0] * 12 + [-10.0] * 12
    assert below.get_ylabel() == "EUR a month"


def test_goals_are_better_to_the_right_whatever_the_kpi():
    kpis = pd.DataFrame(
        [
            ("forecast_wape_rate", 0.2, 0.25, "rate", "met"),
            ("on_time_rate", 0.9, 1.0, "rate", "missed"),
            ("forecast_bias_rate", -0.06, 0.03, "rate", "missed"),
        ],
        columns=["kpi", "amount", "target", "unit", "status"],
    )
    (axes,) = executive.goals(kpis).axes
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([0.2, -0.1, -1.0])


def test_empty_inputs_give_no_chart(history, demand_plan, financials, closed):
    none = history.iloc[:0]
    unpriced = financials.assign(revenue_value=np.nan)
    accuracy = pd.DataFrame(
        columns=["level", "member", "model", "lag", "wape", "volume", "bias_rate"]
    )
    classes = pd.DataFrame({"abc": [], "xyz": [], "demand_class": [], "revenue_value": []})
    gaps = pd.DataFrame(
        {"family": ["T"], "month": AHEAD[:1], "gap_value": np.nan, "budget_variance_value": np.nan}
    )
    money = {"cycle": CYCLE, "currency": "EUR"}
    stock = pd.DataFrame({"closing": [], "safety_stock": [], "month": []})
    charts = [
        data.sales(none, cycle=CYCLE),
        data.revenue_by_year(history.assign(revenue_value=np.nan), currency="EUR"),
        data.plan_accuracy(pd.DataFrame(columns=["layer", "lag", "wape"])),
        product.value_matrix(classes, RATES),
        product.demand_classes(classes, RATES),
        product.concentration(classes, RATES),
        product.lifecycle(pd.DataFrame({"revenue_value": []}), cycle=CYCLE),
        demand.plan(history, demand_plan.iloc[:0], none, cycle=CYCLE),
        demand.families(history, demand_plan.iloc[:0], ITEMS, cycle=CYCLE),
        demand.backtest_error(accuracy),
        demand.bias(accuracy),
        demand.departments(demand_plan.iloc[:0], demand_plan),
        demand.changes(demand_plan.assign(departments=0.0), RATES, ITEMS, currency="EUR"),
        supply.stock(stock, none, cycle=CYCLE),
        supply.below_safety(stock),
        supply.resource_load(pd.DataFrame({"regular_hours": []})),
        supply.strategies(stock),
        supply.costs(pd.DataFrame({"amount_value": [np.nan]}), currency="EUR"),
        reconciliation.revenue(unpriced, closed, **money),
        reconciliation.gaps(gaps, currency="EUR"),
        reconciliation.quarters(unpriced, fiscal_year_first_month=1, currency="EUR"),
        executive.plan_beside_budget(unpriced, closed, **money),
        executive.goals(pd.DataFrame({"status": [], "target": []})),
    ]
    assert charts == [None] * len(charts)


def test_drawing_leaves_matplotlib_as_it_was(history):
    before = dict(mpl.rcParams)
    data.sales(history, cycle=CYCLE)
    assert dict(mpl.rcParams) == before


def test_names_at_line_ends_never_cover_each_other():
    _, (axes,) = style.panels(height=3.0)
    axes.set_ylim(0.0, 100.0)
    style.end_labels(axes, [(0.0, 99.0, name, style.DEMAND) for name in "abc"])
    places = sorted(text.xy[1] for text in axes.texts)
    assert min(np.diff(places)) > 5.0
    assert places[-1] <= 100.0


def test_charts_change_no_table(history, demand_plan, financials, closed):
    copies = [table.copy() for table in (history, demand_plan, financials, closed)]
    data.sales(history, cycle=CYCLE)
    demand.changes(demand_plan, RATES, ITEMS, currency="EUR")
    reconciliation.revenue(financials, closed, cycle=CYCLE, currency="EUR")
    for copy, table in zip(copies, (history, demand_plan, financials, closed), strict=True):
        pd.testing.assert_frame_equal(copy, table)
