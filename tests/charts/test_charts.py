"""Charts: what is plotted and how axes are named, and that empty input gives no chart."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from sopkit import months, schema
from sopkit.charts import (
    _style,
    accuracy,
    data,
    demand,
    executive,
    money,
    product,
    reconciliation,
    risk,
    scenarios,
    supply,
)
from sopkit.reconciliation.gap_tree import PARTS

CYCLE = pd.Timestamp("2026-01-01")
FENCES = months.Fences(CYCLE, {"default": 0}, {"default": 0})
PAST, AHEAD = months.closed(CYCLE, 12), months.span(CYCLE, 12)
KEY = {"item": "A", "location": "all", "channel": "all"}
COMPANY = pd.Series({"fiscal_year_first_month": 1, "fiscal_year_shift": 0})
RATES = pd.DataFrame([KEY | {"unit_price_value": 10.0}])
UNITS = pd.DataFrame({"item": ["A"], "planning_factor": 1.0, "planning_unit": "units"})
ITEMS = pd.DataFrame({"item": ["A"], "family": ["Tents"], "category": ["Shelter"]})


@pytest.fixture
def history() -> pd.DataFrame:
    """Twelve months of 100 units at 10, a stock-out of 20 units in the last one."""
    table = pd.DataFrame(
        {
            "month": PAST,
            "sales": 100.0,
            "returns": 0.0,
            "unfilled": 0.0,
            "level_shift": 0.0,
            "promotion": 0.0,
            "event": 0.0,
            "market": 0.0,
            "outlier": 0.0,
            "stockout": [0.0] * 11 + [20.0],
            "revenue_value": 1000.0,
        }
    )
    demand = table["sales"] + table["stockout"]
    return table.assign(**KEY, demand=demand, baseline=demand)


@pytest.fixture
def demand_plan() -> pd.DataFrame:
    """110 units a month by statistics, 5 more by departments."""
    table = pd.DataFrame({"month": AHEAD, "statistical": 110.0, "events": 0.0, "departments": 5.0})
    return table.assign(**KEY, consensus=115.0)


@pytest.fixture
def financials() -> pd.DataFrame:
    """The company and its one family: plan 90, budget 100, last year 80 a month."""
    table = pd.DataFrame(
        {
            "month": AHEAD,
            "revenue_value": 90.0,
            "budgeted_revenue_value": 90.0,
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
            "budgeted_revenue_value": 70.0,
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
    above, below = data.sales(history, UNITS, cycle=CYCLE).axes
    assert above.get_ylabel() == "Units a month"
    assert above.get_ylim()[0] == 0.0
    assert lines(above)[0] == [100.0] * 12
    assert max(bar.get_height() for bar in below.patches) == 20.0
    assert lines(above)[1] == history["demand"].tolist()
    stepped = history.assign(level_shift=30.0, baseline=history["demand"] - 30.0)
    above, below = data.sales(stepped, UNITS, cycle=CYCLE, of="item A").axes
    assert lines(above)[2] == stepped["baseline"].tolist()
    assert min(bar.get_height() for bar in below.patches) == -30.0
    assert above.get_title(loc="left").endswith("item A") or above.get_title().endswith("item A")


ADDED = pd.DataFrame(
    {
        "level": "total",
        "layer": ["statistical", "consensus"] * 2,
        "beside": ["same month last year", "statistical"] * 2,
        "lag": [0, 0, 1, 1],
        "wape": [0.1, 0.08, 0.2, 0.18],
        "before_wape": [0.12, 0.1, 0.22, 0.2],
    }
)


def test_plan_accuracy_plots_plan_forecast_and_last_year():
    (axes,) = data.plan_accuracy(ADDED).axes
    assert lines(axes) == [[0.08, 0.18], [0.1, 0.2], [0.12, 0.22]]
    assert axes.get_ylabel() == "Weighted absolute error"


def test_the_waterfall_writes_each_error_into_its_cell_and_prefers_the_plan():
    row = {"level": "total", "member": "Company", "actual": 100.0}
    table = pd.DataFrame(
        [
            row | {"layer": layer, "cycle": AHEAD[c], "month": AHEAD[m], "quantity": said}
            for layer, c, m, said in [
                ("statistical", 0, 0, 150.0),
                ("consensus", 0, 0, 110.0),
                ("consensus", 0, 1, 95.0),
                ("consensus", 1, 1, 101.0),
            ]
        ]
    )
    figure = data.waterfall(table)
    assert {text.get_text() for text in figure.axes[0].texts} == {"+10%", "−5%", "+1%"}
    assert "demand plan" in figure.axes[0].get_title(loc="left")
    own = data.waterfall(table, layer="statistical")
    assert [text.get_text() for text in own.axes[0].texts] == ["+50%"]
    assert data.waterfall(table, member="Tents", level="family") is None


def test_the_three_plans_are_drawn_beside_each_other():
    attained = pd.DataFrame({"plan": ["supply", "inventory"], "lag": [0, 0], "wape": [0.3, 0.4]})
    (axes,) = data.three_plans(ADDED, attained).axes
    assert lines(axes) == [[0.08, 0.18], [0.4], [0.3]]
    assert data.three_plans(ADDED, attained.iloc[:0]) is None


def test_the_bridge_stands_on_the_last_plan_and_ends_at_the_plan_now():
    rows = [("last plan", "", 100.0), ("new actuals", "", 12.0), ("department", "sales", -30.0)]
    table = pd.DataFrame([*rows, ("plan now", "", 82.0)], columns=["cause", "detail", "change"])
    (axes,) = reconciliation.bridge(table, UNITS, subject="all items").axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["last plan", "new actuals", "sales", "plan now"]
    ends = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in axes.patches]
    assert ends == [(0, 100), (0, 82), (100, 112), (112, 82)]
    assert {"+12 (+12.0%)", "−30 (−30.0%)"} <= {text.get_text() for text in axes.texts}
    long = table.replace("sales", "override of Keller: family Tents, location West, channel Web")
    (axes,) = reconciliation.bridge(long, UNITS, subject="all items").axes
    widest = max(len(x) for t in axes.get_yticklabels() for x in t.get_text().split("\n"))
    assert widest <= 34
    assert reconciliation.bridge(table.iloc[:0], UNITS, subject="all items") is None


def test_value_matrix_says_share_count_and_irregular_series():
    classes = pd.DataFrame(
        {
            "abc": ["A", "C"],
            "xyz": ["X", "Z"],
            "demand_class": ["smooth", "lumpy"],
            "revenue_value": [90.0, 10.0],
        }
    )
    text = words(product.value_matrix(classes, RATES))
    assert "90.0%\n1 series |" in text
    assert "10.0%\n1 series, 1 irregular" in text
    assert "twelve months' revenue" in text
    unpriced = RATES.assign(unit_price_value=np.nan)
    assert "twelve months' units" in words(product.value_matrix(classes, unpriced))


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


def test_agreed_demand_stands_beside_the_plan_with_what_it_moves(demand_plan):
    assert demand.agreed(demand_plan.assign(constrained=115.0), UNITS) is None
    moved = demand_plan.assign(constrained=demand_plan["consensus"])
    moved.loc[[0, 1], "constrained"] = [105.0, 125.0]
    upper, lower = demand.agreed(moved, UNITS).axes
    assert lines(upper)[1][:3] == [105.0, 125.0, 115.0]
    heights = [bar.get_height() for bar in lower.patches]
    assert sorted(height for height in heights if height) == [-10.0, 10.0]


def test_plan_shows_history_statistical_and_consensus(history, demand_plan):
    columns = ["item", "origin", "month", "lag", "actual", "combined"]
    tests = pd.DataFrame(columns=columns, dtype="float64")
    (axes,) = demand.plan(history, demand_plan, tests, UNITS, fences=FENCES).axes
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
    (axes,) = demand.plan(history, demand_plan, tests, UNITS, fences=FENCES).axes
    heights = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert heights.tolist() == [110.0] * len(heights)


def test_families_say_growth_on_the_last_twelve_months(history, demand_plan):
    other = {"item": "B"}
    past = pd.concat([history, history.assign(**other)])
    ahead = pd.concat([demand_plan, demand_plan.assign(**other)])
    items = pd.concat([ITEMS, ITEMS.assign(item="B", family="Stoves")])
    text = words(demand.families(past, ahead, items, UNITS, fences=FENCES))
    assert "Tents: +13.1%" in text  # 12 × 115 beside 1,220
    assert demand.families(history, demand_plan, ITEMS, UNITS, fences=FENCES) is None, (
        "one family only"
    )


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


def accuracy_of(**wape: float) -> pd.DataFrame:
    """Table `accuracy` of one family, one row a model, each measured one month ahead."""
    return pd.DataFrame(
        {
            "level": "family",
            "member": "Tents",
            "model": list(wape),
            "lag": 0,
            "wape": list(wape.values()),
            "volume": 100.0,
            "bias_rate": 0.0,
            "nervousness_rate": 0.04,
            "gain_rate": 0.01,
        }
    )


def test_backtest_error_draws_the_three_best_single_models_beside_the_combination():
    table = accuracy_of(
        sba=0.50, theta=0.20, combined=0.10, holt=0.15, theta_log=0.12, seasonal_naive=0.40
    )
    figure = demand.backtest_error(table)
    found = [line[0] for line in lines(figure.axes[0])]
    assert sorted(found) == pytest.approx([0.10, 0.12, 0.15, 0.20, 0.40])
    assert "combination used" in words(figure) and "same month last year" in words(figure)
    assert "Theta on logs" in words(figure) and "corrected Croston" not in words(figure)


def test_nervousness_weighs_families_by_volume_and_draws_what_it_gained():
    small = accuracy_of(combined=0.1, theta=0.1).assign(member="Stoves", volume=300.0)
    table = pd.concat([accuracy_of(combined=0.1), small.assign(nervousness_rate=0.08)])
    (axes,) = demand.nervousness(table).axes
    assert sorted(line[0] for line in lines(axes)) == pytest.approx([0.01, 0.07])
    assert axes.get_ylabel() == "Share of what came"


def test_departments_are_compared_where_they_say_something(demand_plan):
    views = pd.DataFrame({"department": "sales", "month": AHEAD[:3], "quantity": 121.0}).assign(
        **KEY
    )
    promoted = demand_plan.assign(statistical=100.0, events=10.0)
    (axes,) = demand.departments(views, promoted, UNITS).axes
    assert pytest.approx([0.1] * 3) in lines(axes)
    assert axes.get_ylabel() == "Difference from forecast"


def test_stock_never_nets_items_in_stock_with_items_owed():
    rows = pd.DataFrame(
        {
            "item": ["A", "B"] * 2,
            "month": AHEAD[[0, 0, 1, 1]],
            "safety_stock": 1.0,
            "closing": [10.0, -10.0, 10.0, -4.0],
        }
    )
    inventory = pd.DataFrame({"item": "A", "month": PAST, "on_hand": 7.0})
    (axes,) = supply.stock(rows, inventory, UNITS, fences=FENCES).axes
    assert [10.0, 10.0] in lines(axes)
    assert [bar.get_height() for bar in axes.patches] == [-10.0, -4.0]
    assert axes.get_ylabel() == "Units at month end"


def test_the_frontier_draws_levels_as_a_line_and_the_plan_as_a_point():
    table = pd.DataFrame(
        {
            "service_level_rate": [0.9, 0.95, 0.95],
            "is_plan": [False, False, True],
            "amount_value": [1_000.0, 2_000.0, 1_800.0],
        }
    )
    (axes,) = supply.service_frontier(table, currency="EUR").axes
    curve, plan = axes.lines
    assert curve.get_xydata().tolist() == [[0.9, 1_000.0], [0.95, 2_000.0]]
    assert plan.get_xydata().tolist() == [[0.95, 1_800.0]]
    assert axes.get_ylim()[0] == 0.0
    assert [text.get_text() for text in axes.texts] == ["1,000", "2,000", "planned: 1,800"]


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
    figure = supply.resource_load(load, fences=FENCES)
    assert [bar.get_height() for bar in figure.axes[0].patches] == [80.0, 100.0, 0.0, 20.0]
    assert figure.axes[0].get_ylabel() == "Hours a month"
    assert "sewing: peak 120%" in words(figure)
    assert "wanted without limit" in words(figure)


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
    above, below = supply.strategies(months_of, UNITS, fences=FENCES).axes
    assert [[5.0], [5.0], [6.0]] == lines(above)
    assert below.get_ylabel() == "Units at month end"
    costs = pd.DataFrame(
        {"strategy": ["chase", "level"], "cost_kind": "purchases", "amount_value": [1000.0, 2000.0]}
    ).assign(is_assumed=[False, True])
    chase, level = supply.costs(costs, currency="EUR").axes
    assert [chase.patches[0].get_width(), level.patches[0].get_width()] == [1000.0, 2000.0]
    assert level.get_title("left") == "level: 2,000 in total"
    assert chase.get_xlim() == level.get_xlim(), "ways are compared on one scale"
    assert "EUR" in chase.get_xlabel()
    assert [label.get_text() for label in chase.get_yticklabels()] == ["purchases (assumed)"]


def test_what_is_supplied_so_far_begins_with_the_stock_there_was():
    months_of = pd.DataFrame(
        {
            "strategy": ["level", "level", "least cost", "least cost"],
            "month": [*AHEAD[:2], *AHEAD[:2]],
            "supply": [6.0, 6.0, 4.0, 9.0],
            "demand": [5.0, 8.0, 5.0, 8.0],
            "closing": [4.0, 2.0, 2.0, 3.0],
        }
    )
    figure = supply.cumulative(months_of, UNITS, strategy="least cost", fences=FENCES)
    assert [[5.0, 13.0], [7.0, 16.0], [9.0, 15.0]] == sorted(lines(figure.axes[0]))
    assert supply.cumulative(months_of[:0], UNITS, strategy="least cost", fences=FENCES) is None


def test_the_calendar_of_hours_shows_what_each_saves():
    values = pd.DataFrame(
        {"resource": ["sewing", "cutting"], "month": AHEAD[[1, 1]], "value": [812.0, 2.5]}
    )
    load = pd.DataFrame({"month": AHEAD[:3]})
    figure = supply.hour_values(values, load, currency="EUR", fences=FENCES)
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["sewing", "cutting"]
    assert [(t.get_position(), t.get_text()) for t in axes.texts] == [
        ((1, 0), "812"),
        ((1, 1), "2.5"),
    ]
    assert supply.hour_values(values[:0], load, currency="EUR", fences=FENCES) is None


def what_if(**columns) -> pd.DataFrame:
    """Two months of 8 of 10 hours and 100 in stock, before and after."""
    known = {"load_hours": 8.0, "regular_hours": 10.0, "overtime_hours": 2.0}
    known |= {"stock": 100.0, "owed": 0.0, "safety_stock": 50.0}
    known |= {f"{name}_before": value for name, value in known.items()}
    return pd.DataFrame({"month": AHEAD[:2]} | known | columns)


def test_a_change_is_drawn_beside_what_was_planned():
    changed = what_if(load_hours=[9.0, 12.0], regular_hours=11.0, stock=80.0)
    load, stock = supply.what_if(
        changed, UNITS, resource="press", subject="Tents", fences=FENCES
    ).axes
    assert load.get_title("left").startswith("Load of press beside its hours")
    assert [bar.get_height() for bar in load.patches] == [9.0, 12.0]
    assert lines(load)[1:] == [[8.0, 8.0], [11.0, 11.0], [13.0, 13.0], [10.0, 10.0]]
    assert lines(stock)[:3] == [[100.0, 100.0], [80.0, 80.0], [50.0, 50.0]]
    assert "owed" not in " ".join(text.get_text() for text in stock.texts)


def test_what_is_owed_after_a_change_is_drawn_where_it_can_be_seen():
    owing = what_if(owed=[0.0, -20.0])
    (stock,) = supply.what_if(owing, UNITS, resource="", subject="all families", fences=FENCES).axes
    assert [bar.get_height() for bar in stock.patches] == [0.0, -20.0]
    assert {"owed before", "■ owed to customers"} <= {text.get_text() for text in stock.texts}
    assert (
        supply.what_if(owing[:0], UNITS, resource="", subject="all families", fences=FENCES) is None
    )


def test_revenue_plots_plan_supply_budget_and_last_year(financials, closed):
    (axes,) = reconciliation.revenue(financials, closed, fences=FENCES, currency="EUR").axes
    assert {row[-1] for row in lines(axes)} >= {90.0, 85.0, 100.0, 80.0, 70.0}
    assert axes.get_ylabel() == "EUR a month"


def test_parts_of_a_gap_stand_on_each_other_from_the_comparator_to_the_plan():
    row = dict.fromkeys(PARTS, 0.0) | {"price": 20.0, "volume": -50.0, "constraint": -10.0}
    row |= {"level": "company", "measure": "margin", "against": "budget", "period": 2026}
    tree = pd.DataFrame([row | {"before_value": 100.0, "plan_value": 60.0}])
    (axes,) = reconciliation.gap_parts(tree, measure="margin", currency="EUR").axes
    widths = [bar.get_width() for bar in axes.patches]
    assert widths == [100.0, 60.0, 20.0, -50.0, -10.0]
    assert [bar.get_x() for bar in axes.patches][2:] == [100.0, 120.0, 70.0]
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert labels == ["budget", "price", "volume", "constraint", "can be supplied"]
    negative = tree.assign(before_value=-20.0, plan_value=-60.0)
    (axes,) = reconciliation.gap_parts(negative, measure="margin", currency="EUR").axes
    assert axes.get_xlim()[0] < -60.0
    assert reconciliation.gap_parts(tree, measure="revenue", currency="EUR") is None


TOTALS = pd.DataFrame(
    [
        {"period": 2026, "measure": "margin", "planned_value": 50.0, "needed_value": 70.0},
        {"period": 2026, "measure": "margin with named risks", "planned_value": 50.0},
        {"period": 2026, "measure": "revenue", "planned_value": 500.0},
    ]
).assign(value_05=40.0, value_25=45.0, value_75=55.0, value_95=60.0, mean_value=50.0)


def test_what_the_year_may_bring_stands_beside_plan_and_budget():
    (axes,) = risk.totals(TOTALS, measure="margin", currency="EUR").axes
    assert [bar.get_width() for bar in axes.patches] == [20.0, 10.0, 20.0, 10.0]
    assert [bar.get_x() for bar in axes.patches] == [40.0, 45.0, 40.0, 45.0]
    told = [text.get_text() for text in axes.texts]
    assert told == ["plan 50", "needed for the budget 70", "plan 50"]  # only what is known
    unpriced = TOTALS.assign(mean_value=np.nan)
    assert risk.totals(unpriced, measure="margin", currency="EUR") is None


def test_chances_are_written_in_their_cells_those_most_at_stake_first():
    items = pd.DataFrame(
        {
            "item": ["A", "A", "B", "B"],
            "location": "plant",
            "month": [*AHEAD[:2]] * 2,
            "stockout_rate": [0.001, 0.2, 0.6, 0.0],
            "owed_quantity": [9.0, 9.0, 1.0, 0.0],
            "owed_value": [1.0, 1.0, 50.0, 0.0],
        }
    )
    (axes,) = risk.stock_outs(items, fences=FENCES).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["B", "A"]
    assert [text.get_text() for text in axes.texts] == ["60%", "20%"]
    assert risk.stock_outs(items.assign(stockout_rate=0.0), fences=FENCES) is None
    load = pd.DataFrame({"resource": ["press", "oven"], "month": AHEAD[0]})
    (axes,) = risk.overloads(load.assign(overload_rate=[0.0, 0.5]), fences=FENCES).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["oven"]
    assert risk.overloads(load.assign(overload_rate=0.0), fences=FENCES) is None


def by_quarter(**columns) -> pd.DataFrame:
    """Table `money_by_level` of two quarters of the company."""
    starts = pd.to_datetime(["2026-01-01", "2026-04-01"]).astype("datetime64[us]")
    known = {"revenue_value": 270.0, "margin_value": 90.0, "inventory_value": 50.0}
    known |= {"receivable_value": 30.0, "payable_value": 20.0, "cash_value": 60.0}
    kind = {"level": "company", "period_kind": "quarter", "period": starts}
    return pd.DataFrame(kind | known | columns)


def test_quarters_show_revenue_beside_budget_margin_and_what_is_tied_up(financials):
    figure = money.quarters(
        financials[financials["month"] < "2026-06-01"], by_quarter(), COMPANY, currency="EUR"
    )
    revenue, margin, tied = figure.axes
    # of the second quarter's last year two months are in sight: no sum of them is drawn
    heights = [bar.get_height() for bar in revenue.patches]
    assert heights[0] == 240.0 and np.isnan(heights[1]) and heights[2:] == [270.0, 270.0]
    assert "−10.0%" in words(figure)
    assert [bar.get_height() for bar in margin.patches] == [90.0, 90.0]
    assert [bar.get_height() for bar in tied.patches] == [50.0, 50.0, 30.0, 30.0, -20.0, -20.0]
    assert lines(tied)[-1] == [60.0, 60.0]
    for name in ("■ stock", "■ owed by customers", "■ owed to suppliers"):
        assert name in words(figure)


def test_what_is_not_known_of_the_plan_in_money_has_no_panel(financials):
    unknown = dict.fromkeys(["margin_value", "cash_value"], np.nan)
    figure = money.quarters(financials, by_quarter(**unknown), COMPANY, currency="EUR")
    assert len(figure.axes) == 1


def test_the_outlook_is_reached_from_the_first_comparator_that_there_is():
    steps = [("last year", "total", 80.0), ("volume", "step", 30.0), ("rates", "step", 0.01)]
    steps += [("outlook", "total", 110.01), ("supply", "step", -5.0)]
    steps += [("outlook as supplied", "total", 105.01)]
    table = pd.DataFrame(steps, columns=["step", "kind", "amount_value"])
    table = table.assign(fiscal_year=2026, comparator="last year", place=range(6))
    (axes,) = money.outlook_bridge(
        table[::-1], against=["budget", "last year"], currency="EUR"
    ).axes
    assert [bar.get_width() for bar in axes.patches] == [80.0, 105.01, 30.0, -5.0]
    assert money.outlook_bridge(table, against=["budget"], currency="EUR") is None


def test_years_show_hours_needed_beside_those_there_are():
    table = pd.DataFrame(
        {
            "level": "resource",
            "member": "sewing",
            "fiscal_year": [2026, 2027],
            "basis": ["plan", "extrapolated"],
            "hours": [80.0, 130.0],
            "regular_hours": 100.0,
            "overtime_hours": 10.0,
            "utilisation_rate": [0.8, 1.3],
            "extra_hours": [0.0, 30.0],
        }
    )
    figure = money.strategic_years(table)
    heights = [bar.get_height() for bar in figure.axes[0].patches]
    assert heights == [80.0, 100.0, 0.0, 30.0]
    assert "80%" in words(figure) and "130%" in words(figure)
    assert money.strategic_years(table.iloc[:0]) is None


def test_plan_beside_budget_shows_the_difference(financials, closed):
    above, below = executive.plan_beside_budget(
        financials, closed, fences=FENCES, currency="EUR"
    ).axes
    assert [70.0] * 12 in lines(above)
    assert [bar.get_height() for bar in below.patches] == [0.0] * 24 + [-5.0] * 12 + [-10.0] * 12
    assert below.get_ylabel() == "EUR a month"


def test_kpis_with_a_target_and_three_cycles_are_drawn_beside_it():
    cycles = months.closed(CYCLE, 3)
    history = pd.DataFrame(
        {
            "kpi": ["margin_rate"] * 3 + ["pulse_score"] * 3 + ["on_time_rate"] * 2,
            "cycle": [*cycles, *cycles, *cycles[:2]],
            "amount": [0.4, 0.5, 0.45, 3.0, 4.0, 3.5, 0.9, 0.8],
            "target": [0.42] * 3 + [np.nan] * 3 + [0.97] * 2,
        }
    )
    states = pd.DataFrame(
        {
            "kpi": ["on_time_rate", "margin_rate", "pulse_score"],
            "unit": ["rate", "rate", "score"],
            "target": [0.97, 0.42, np.nan],
        }
    )
    figure = executive.kpi_courses(history, states)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title(loc="left") for axes in shown] == ["margin"]
    assert lines(shown[0]) == [[0.4, 0.5, 0.45], [0.42] * 3]
    assert executive.kpi_courses(history[:2], states) is None


def test_nothing_but_zeros_is_not_drawn(history, demand_plan):
    silent = history.assign(sales=0.0, demand=0.0)
    assert data.sales(silent, UNITS, cycle=CYCLE) is None
    columns = ["origin", "month", "lag", "actual", "combined"]
    tests = pd.DataFrame(columns=columns, dtype="float64")
    zero = demand_plan.assign(statistical=0.0, consensus=0.0)
    assert demand.plan(silent, zero, tests, UNITS, fences=FENCES) is None
    stock = pd.DataFrame({"item": ["A"], "month": AHEAD[:1], "safety_stock": 0.0, "closing": 0.0})
    counted = pd.DataFrame({"item": ["A"], "month": PAST[-1:], "on_hand": 0.0})
    assert supply.stock(stock, counted, UNITS, fences=FENCES) is None
    ways = pd.DataFrame({"strategy": ["level"], "month": AHEAD[:1], "supply": 0.0, "demand": 0.0})
    ways = ways.assign(closing=0.0)
    assert supply.strategies(ways, UNITS, fences=FENCES) is None
    assert supply.cumulative(ways, UNITS, strategy="level", fences=FENCES) is None


def test_empty_inputs_give_no_chart(history, demand_plan, financials, closed):
    none = history.iloc[:0]
    unpriced = financials.assign(revenue_value=np.nan)
    accuracy = accuracy_of()
    classes = pd.DataFrame({"abc": [], "xyz": [], "demand_class": [], "revenue_value": []})
    asked = {"fences": FENCES, "currency": "EUR"}
    stock = pd.DataFrame({"closing": [], "safety_stock": [], "month": []})
    charts = [
        data.sales(none, UNITS, cycle=CYCLE),
        data.plan_accuracy(ADDED.iloc[:0]),
        product.value_matrix(classes, RATES),
        product.lifecycle(pd.DataFrame({"revenue_value": []}), cycle=CYCLE),
        demand.plan(history, demand_plan.iloc[:0], none, UNITS, fences=FENCES),
        demand.families(history, demand_plan.iloc[:0], ITEMS, UNITS, fences=FENCES),
        demand.backtest_error(accuracy),
        demand.nervousness(accuracy),
        demand.departments(demand_plan.iloc[:0], demand_plan, UNITS),
        supply.stock(stock, none, UNITS, fences=FENCES),
        supply.service_frontier(pd.DataFrame({"amount_value": []}), currency="EUR"),
        supply.resource_load(pd.DataFrame({"regular_hours": []}), fences=FENCES),
        supply.strategies(stock, UNITS, fences=FENCES),
        supply.costs(pd.DataFrame({"amount_value": [np.nan]}), currency="EUR"),
        reconciliation.revenue(unpriced, closed, **asked),
        money.quarters(unpriced, by_quarter(revenue_value=np.nan), COMPANY, currency="EUR"),
        executive.plan_beside_budget(unpriced, closed, **asked),
    ]
    assert charts == [None] * len(charts)


def test_a_calendar_draws_the_edges_of_frozen_and_firm_months():
    load = pd.DataFrame({"resource": "press", "month": AHEAD, "overload_rate": 0.5})
    fences = months.Fences(CYCLE, {"default": 1}, {"default": 3})
    (axes,) = risk.overloads(load, fences=fences).axes
    assert [line.get_xdata()[0] for line in axes.lines] == [0.5, 2.5]
    assert {"frozen", "firm"} <= {text.get_text() for text in axes.texts}
    (axes,) = risk.overloads(load, fences=FENCES).axes
    assert not axes.lines


def test_frozen_and_firm_months_are_shaded_and_named(history, demand_plan, financials, closed):
    fences = months.Fences(CYCLE, {"default": 1}, {"default": 3, "Tents": 4})
    (axes,) = reconciliation.revenue(financials, closed, fences=fences, currency="EUR").axes
    spans = [patch for patch in axes.patches if patch.get_height() == 1.0]
    days = [round(patch.get_width()) for patch in spans]
    assert days == [31, 89]  # January; then to the end of April, the longest of the families
    assert {"frozen", "firm"} <= {text.get_text() for text in axes.texts}
    (axes,) = reconciliation.revenue(financials, closed, fences=FENCES, currency="EUR").axes
    assert "frozen" not in {text.get_text() for text in axes.texts}


def test_drawing_leaves_matplotlib_as_it_was(history):
    before = dict(mpl.rcParams)
    data.sales(history, UNITS, cycle=CYCLE)
    assert dict(mpl.rcParams) == before


def test_names_at_line_ends_never_cover_each_other():
    _, (axes,) = _style.panels(height=3.0)
    axes.set_ylim(0.0, 100.0)
    _style.end_names(axes, [(0.0, 99.0, name, _style.DEMAND) for name in "abc"])
    places = sorted(text.xy[1] for text in axes.texts)
    assert min(np.diff(places)) > 5.0
    assert places[-1] <= 100.0


def test_charts_change_no_table(history, demand_plan, financials, closed):
    copies = [table.copy() for table in (history, demand_plan, financials, closed)]
    data.sales(history, UNITS, cycle=CYCLE)
    reconciliation.revenue(financials, closed, fences=FENCES, currency="EUR")
    for copy, table in zip(copies, (history, demand_plan, financials, closed), strict=True):
        pd.testing.assert_frame_equal(copy, table)


def test_bias_by_lag_says_each_month_ahead():
    scores = pd.DataFrame({"lag": [-1, 0, 1], "bias_rate": [0.0, -0.05, 0.02]})
    figure = accuracy.bias_by_lag(scores, subject="Tents, combined")
    (axes,) = figure.axes
    assert [bar.get_width() for bar in axes.patches] == [-0.05, 0.02]
    assert "−5.0%" in words(figure) and "+2.0%" in words(figure)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["0 months", "1 month"]


def test_a_series_is_shown_with_what_was_forecast_then_and_now():
    past, ahead = pd.Series([9.0, 8.0], PAST[-2:]), pd.Series([7.0, 6.0], AHEAD[:2])
    sold = pd.Series(10.0, PAST)
    said = {"sold": sold, "forecast then": past, "forecast now": ahead}
    figure = accuracy.by_month(said, UNITS, subject="Tents", cycle=CYCLE)
    assert lines(figure.axes[0])[:3] == [[10.0] * 12, [9.0, 8.0], [7.0, 6.0]]
    assert all(name in words(figure) for name in said)
    assert accuracy.by_month({"sold": sold}, UNITS, subject="Tents") is None


# several units

BAGS = pd.DataFrame({"item": ["A"], "planning_factor": 20.0, "planning_unit": "standard bags"})


def test_charts_add_up_in_planning_units_and_say_so(history, demand_plan):
    above, _ = data.sales(history, BAGS, cycle=CYCLE).axes
    assert lines(above)[0] == [2000.0] * 12 and above.get_ylabel() == "Standard bags a month"
    tests = pd.DataFrame(columns=["item", "origin", "month", "lag", "actual", "combined"])
    figure = demand.plan(history, demand_plan, tests.astype("float64"), BAGS, fences=FENCES)
    assert [2300.0] * 12 in lines(figure.axes[0])
    views = demand_plan[[*KEY, "month"]].assign(department="sales", quantity=121.0)
    (axes,) = demand.departments(views, demand_plan, BAGS).axes
    assert pytest.approx([0.1] * 12) in lines(axes)  # a share has no unit


def test_orders_are_shown_beside_sales_for_the_months_that_have_them():
    sales = pd.DataFrame(
        {
            "item": "A",
            "month": PAST,
            "quantity": 9.0,
            "ordered_quantity": [np.nan] * 4 + [10.0] * 8,
            "on_time_quantity": 8.0,
        }
    )
    (axes,) = data.orders(sales, BAGS, cycle=CYCLE).axes
    assert [200.0] * 8 in lines(axes) and [180.0] * 8 in lines(axes) and [160.0] * 8 in lines(axes)
    assert axes.get_ylabel() == "Standard bags a month"
    assert data.orders(sales.assign(ordered_quantity=np.nan), UNITS, cycle=CYCLE) is None


@pytest.fixture
def asked() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables `scenarios` and `scenario_list`: a wet year that costs 500, a shift without a plan."""
    rows = [("as planned", 0.0, 0.0), ("wet", -500.0, 30.0), ("shift", np.nan, np.nan)]
    table = pd.concat(
        pd.DataFrame(
            {"scenario": name, "kpi": ["contribution_value", "overtime_hours"], "difference": own}
        )
        for name, *own in rows
    )
    listed = pd.DataFrame({"scenario": ["as planned", "wet", "shift"]})
    return table, listed.assign(title=["As planned", "Wet year", "Second shift"])


def test_scenarios_show_their_difference_measure_by_measure(asked):
    figure = scenarios.differences(*asked, currency="EUR")
    assert [axes.get_title() for axes in figure.axes] == ["Contribution\nEUR", "Hours of overtime"]
    widths = [[bar.get_width() for bar in axes.patches] for axes in figure.axes]
    np.testing.assert_equal(widths, [[-500.0, np.nan], [30.0, np.nan]])  # no plan, no bar
    texts = [[text.get_text() for text in axes.texts] for axes in figure.axes]
    assert texts == [["−500", "no plan"], ["+30", "no plan"]]
    colours = [mpl.colors.to_hex(axes.patches[0].get_facecolor()) for axes in figure.axes]
    assert colours == [_style.SHORTAGE] * 2  # less contribution, and more overtime, are worse
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["Wet year", "Second shift"]


def test_regrets_stand_choice_by_state_with_the_least_regretted_first(asked):
    rows = [("as planned", "as planned", 0.0), ("as planned", "wet", 90.0)]
    rows += [("shift", "as planned", 20.0), ("shift", "wet", 0.0)]
    table = pd.DataFrame(rows, columns=["choice", "outside", "regret_value"])
    figure = scenarios.regrets(table.assign(weight_rate=0.5), asked[1], currency="EUR")
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Second shift", "As planned"]
    assert [text.get_text() for text in axes.texts] == ["20", "0", "20", "0", "90", "90"]
    assert [label.get_text() for label in axes.get_xticklabels()][-1] == "at most"


def test_without_scenarios_or_choices_there_is_no_chart(asked):
    table, listed = asked
    assert scenarios.differences(table[:2], listed, currency="EUR") is None
    empty = pd.DataFrame(columns=["choice", "outside", "regret_value", "weight_rate"])
    assert scenarios.regrets(empty, listed, currency="EUR") is None
