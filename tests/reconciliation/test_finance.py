"""Prices, costs and what units are worth at them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months, schema
from sopkit.reconciliation import budgets, finance, money

CYCLE = pd.Timestamp("2026-01-01")


def typed(name: str, **columns) -> pd.DataFrame:
    checked = contract.check_table(name, pd.DataFrame(columns), contract.Source(name))
    assert not [finding for finding in checked.findings if finding.state == "breach"]
    return checked.frame


ITEMS = typed(
    "items",
    item=["A", "B", "C"],
    family=["Tents", "Tents", None],
    unit_price_value=[11.0, 21.0, 31.0],
    unit_cost_value=[6.0, 15.0, None],
)


def series(*rows: tuple[str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=schema.SERIES)


def rates_of(**rates: tuple) -> pd.DataFrame:
    """Table `money_rates`: price and cost of items sold everywhere."""
    return pd.DataFrame(
        [(item, "all", "all", *pair) for item, pair in rates.items()],
        columns=[*schema.SERIES, "unit_price_value", "unit_cost_value"],
    )


def monthly(first: str, **values: list) -> pd.DataFrame:
    """A plan's or history's key with one ``quantity`` an item and month."""
    parts = [
        pd.DataFrame(
            {
                "item": item,
                "location": "all",
                "channel": "all",
                "month": months.span(months.parse_cycle(first), len(amounts)),
                "quantity": amounts,
            }
        )
        for item, amounts in values.items()
    ]
    return pd.concat(parts, ignore_index=True).astype({"quantity": "float64"})


RATES = rates_of(A=(10.0, 6.0), B=(20.0, 15.0), C=(30.0, np.nan))
PLAN = monthly("2026-01", A=[5, 6], B=[1, 2], C=[1, 1]).rename(columns={"quantity": "consensus"})
HISTORY = (
    monthly("2025-01", A=[4, 4], B=[2, -1])
    .rename(columns={"quantity": "sales"})
    .assign(returns=[0, 0, 0, 1.0], revenue_value=[44.0, np.nan, 40.0, -20.0])
)
BUDGET = typed(
    "budget",
    family=["Tents", "Tents", "all"],
    month=["2026-01", "2026-02", "2026-01"],
    revenue_value=[60, 110, 25],
    quantity=[5, None, 1],
    margin_value=[20, 30, 5],
)
NOTHING_LATE = contract.empty("inventory").assign(deliverable=[])[
    [*schema.SITE_MONTH, "deliverable"]
]


def cell(table: pd.DataFrame, family: str, month: str, name: str) -> float:
    row = table[(table["family"] == family) & (table["month"] == months.parse_cycle(month))]
    assert len(row) == 1
    return row[name].iloc[0]


# (1) by hand


def rate(table: pd.DataFrame, *key: str) -> tuple:
    row = table[(table[schema.SERIES] == list(key)).all(axis=1)].iloc[0]
    return row["unit_price_value"], row["price_source"]


def test_a_price_comes_from_prices_else_recent_sales_else_items_by_hand():
    prices = typed("prices", item=["A"], first_month=["2025-06"], unit_price_value=[9.0])
    sales = typed(
        "sales",
        item=["A", "B", "B", "B"],
        month=["2025-12", "2025-12", "2025-10", "2025-09"],
        quantity=[1, 2, 3, 100],
        revenue_value=[99, 40, 45, 1],
    )
    keys = series(
        ("A", "all", "all"), ("B", "all", "all"), ("C", "all", "all"), ("Z", "all", "all")
    )
    table = finance.money_rates(keys, prices, ITEMS, sales, cycle=CYCLE)
    assert rate(table, "A", "all", "all") == (9.0, "prices")
    assert rate(table, "B", "all", "all") == (85 / 5, "recent sales")  # October to December
    assert rate(table, "C", "all", "all") == (31.0, "items")
    assert np.isnan(table["unit_price_value"][3]) and table["price_source"][3] == "none"
    assert table["unit_cost_value"].tolist()[:2] == [6.0, 15.0]
    assert table["unit_cost_value"][2:].isna().all()


def test_the_latest_price_that_has_begun_holds_by_hand():
    prices = typed(
        "prices",
        item=["A"] * 4,
        first_month=["2025-01", "2026-01", "2025-07", "2026-02"],
        unit_price_value=[7.0, 8.0, 7.5, 99.0],
        unit_cost_value=[3.0, 4.0, 3.5, 9.0],
    )
    table = finance.money_rates(
        series(("A", "all", "all")), prices, ITEMS, contract.empty("sales"), cycle=CYCLE
    )
    assert rate(table, "A", "all", "all") == (8.0, "prices")
    assert table["unit_cost_value"].tolist() == [4.0]


def test_the_most_specific_price_wins_by_hand():
    prices = typed(
        "prices",
        item=["A"] * 4,
        location=["all", "North", "all", "North"],
        channel=["all", "all", "Web", "Web"],
        first_month=["2025-12", "2025-01", "2025-01", "2025-01"],
        unit_price_value=[1.0, 2.0, 3.0, 4.0],
    )
    keys = series(
        ("A", "South", "Shop"), ("A", "North", "Shop"), ("A", "South", "Web"), ("A", "North", "Web")
    )
    table = finance.money_rates(keys, prices, ITEMS, contract.empty("sales"), cycle=CYCLE)
    assert table["unit_price_value"].tolist() == [1.0, 2.0, 3.0, 4.0]


def test_a_price_belongs_to_its_series_however_the_rows_are_numbered():
    prices = typed(
        "prices", item=["A", "B"], first_month=["2025-01"] * 2, unit_price_value=[7.0, 8.0]
    )
    keys = series(("A", "all", "all"), ("B", "all", "all"))
    keys.index = [1, 0]
    table = finance.money_rates(keys, prices, ITEMS, contract.empty("sales"), cycle=CYCLE)
    assert table[["item", "unit_price_value"]].values.tolist() == [["A", 7.0], ["B", 8.0]]


def test_sales_without_revenue_do_not_lower_the_price():
    sales = typed(
        "sales",
        item=["A"] * 3,
        month=["2025-10", "2025-11", "2025-12"],
        quantity=[10, 10, 10],
        revenue_value=[100, None, 100],
    )
    table = finance.money_rates(
        series(("A", "all", "all")), contract.empty("prices"), ITEMS, sales, cycle=CYCLE
    )
    assert rate(table, "A", "all", "all") == (10.0, "recent sales")


def test_revenue_and_margin_by_hand():
    table = finance._in_money(PLAN, RATES, "consensus")
    assert table["revenue_value"].tolist() == [50.0, 60.0, 20.0, 40.0, 30.0, 30.0]
    assert table["margin_value"].tolist()[:4] == [20.0, 24.0, 5.0, 10.0]
    assert table["margin_value"][4:].isna().all()  # no cost, no margin


def test_closed_months_are_booked_revenue_less_todays_cost_by_hand():
    table = finance.closed_months(HISTORY, RATES, ITEMS)
    # A 44 booked, B 40; in February A's revenue is unknown: 4 at 10; B's return is booked as −20
    assert cell(table, "Tents", "2025-01", "revenue_value") == 84.0
    assert cell(table, "Tents", "2025-02", "revenue_value") == 20.0
    assert cell(table, "Tents", "2025-01", "margin_value") == 84.0 - 4 * 6 - 2 * 15
    assert cell(table, "Tents", "2025-02", "margin_value") == 20.0 - 4 * 6 + 1 * 15
    assert cell(table, "Tents", "2025-02", "net") == 3.0


def test_last_year_stands_beside_the_month_planned():
    closed = finance.closed_months(HISTORY, RATES, ITEMS)
    moved = budgets._last_year(closed, months.span(CYCLE, 1))
    assert moved["month"].unique().tolist() == [CYCLE]
    assert cell(moved, "Tents", "2026-01", "last_year_revenue_value") == 84.0
    assert cell(moved, "Company", "2026-01", "last_year_quantity") == 6.0


def by_item_of(plan, delivered, rates=RATES, rate: float = 1.0) -> pd.DataFrame:
    """Table `item_financials`; every month at the same exchange rate."""
    factors = pd.DataFrame(rate, index=plan.index, columns=["plan", "held", "last_year"])
    received = plan.merge(delivered, on=["item", "month"], how="left", suffixes=("", "_site"))
    is_given = plan["item"].isin(delivered["item"]).to_numpy()
    received = received.assign(
        delivered=received["deliverable"].where(is_given, received["consensus"])
    )
    return finance.item_financials(money.plan_money(plan, received, rates, factors))


def financials(plan=PLAN, delivered=NOTHING_LATE, budget=BUDGET) -> pd.DataFrame:
    """Table `financials`: the plan by item, by family, and beside budget and last year."""
    return beside_all(plan, delivered, RATES, budget, finance.closed_months(HISTORY, RATES, ITEMS))


def beside_all(plan, delivered, rates, budget, closed) -> pd.DataFrame:
    by_item = by_item_of(plan, delivered, rates)
    planned = finance.financials(by_item, ITEMS)
    by_month = budgets.budget_by_family(budget, ITEMS, pd.concat([closed, planned]))
    return budgets.beside(planned, by_month, closed)


def test_the_plan_in_money_by_hand():
    table = financials()
    assert cell(table, "Tents", "2026-01", "revenue_value") == 70.0
    assert cell(table, "Tents", "2026-01", "margin_value") == 25.0
    assert cell(table, "unassigned", "2026-01", "revenue_value") == 30.0
    assert np.isnan(cell(table, "unassigned", "2026-01", "margin_value"))
    assert cell(table, "Company", "2026-01", "revenue_value") == 100.0
    assert cell(table, "Company", "2026-02", "quantity") == 9.0
    assert cell(table, "Company", "2026-01", "budget_revenue_value") == 25.0
    assert cell(table, "Tents", "2026-02", "last_year_quantity") == 3.0


def test_what_cannot_be_supplied_earns_nothing_by_hand():
    delivered = pd.DataFrame(
        {"item": "A", "location": "all", "month": months.span(CYCLE, 2), "deliverable": [2.5, 7.5]}
    )
    table = financials(delivered=delivered)
    # A's 50 and 60 become 25 and 75; B is not named and is delivered whole
    assert cell(table, "Tents", "2026-01", "supply_revenue_value") == 45.0
    assert cell(table, "Tents", "2026-02", "supply_revenue_value") == 115.0
    assert cell(table, "Tents", "2026-01", "revenue_value") == 70.0


def test_planning_costs_are_the_items_own_else_its_familys_by_hand():
    costs = typed(
        "planning_costs",
        item=["B", "all"],
        family=["all", "Tents"],
        holding_cost_value=[5.0, 1.0],
        backorder_cost_value=[None, 2.0],
    )
    rates = pd.concat([RATES, rates_of(A=(30.0, 8.0))], ignore_index=True)
    table = finance.item_rates(rates, costs, ITEMS).set_index("item")
    assert table["unit_price_value"].to_dict() == {"A": 20.0, "B": 20.0, "C": 30.0}
    assert table["holding_cost_value"].tolist()[:2] == [1.0, 5.0]
    assert table["backorder_cost_value"].tolist()[:2] == [2.0, 2.0]
    assert table.loc["C", ["holding_cost_value", "backorder_cost_value"]].isna().all()
    assert table["rate_change_cost_value"].isna().all()


# (3) invariants


def test_the_company_is_the_sum_of_its_families():
    table = financials().set_index("family")
    names = ["quantity", "revenue_value", "supply_revenue_value"]
    whole = table.loc[["Company"]].set_index("month")[names]
    parts = table.drop(index="Company").groupby("month")[names].sum()
    pd.testing.assert_frame_equal(whole, parts)


def test_an_item_without_a_family_stays_in_the_company():
    table = finance.by_family(PLAN, contract.empty("items").assign(item=[]), ["consensus"])
    assert set(table["family"]) == {"Company", "unassigned"}
    assert table.groupby("family")["consensus"].sum().tolist() == [16.0, 16.0]


def test_without_budget_sales_and_prices_the_plan_still_stands():
    nothing = finance.closed_months(HISTORY.iloc[:0], RATES, ITEMS)
    unpriced, no_budget = rates_of(A=(np.nan, np.nan)), contract.empty("budget")
    table = beside_all(PLAN, NOTHING_LATE, unpriced, no_budget, nothing)
    assert cell(table, "Company", "2026-01", "quantity") == 7.0
    assert (
        table[["revenue_value", "budget_revenue_value", "last_year_quantity"]].isna().all(axis=None)
    )


def test_the_order_of_rows_changes_nothing():
    first = financials()
    second = financials(PLAN.sample(frac=1, random_state=1), NOTHING_LATE, BUDGET[::-1])
    pd.testing.assert_frame_equal(first, second)
    prices = typed(
        "prices",
        item=["A", "A", "B"],
        first_month=["2025-01", "2025-06", "2025-06"],
        unit_price_value=[7.0, 8.0, 9.0],
    )
    sales = typed(
        "sales",
        item=["C", "C"],
        month=["2025-11", "2025-12"],
        quantity=[1, 3],
        revenue_value=[10, 20],
    )
    keys = RATES[schema.SERIES]
    tables = [
        finance.money_rates(keys, p, ITEMS, s, cycle=CYCLE)
        for p, s in ((prices, sales), (prices[::-1], sales[::-1]))
    ]
    pd.testing.assert_frame_equal(*tables)


def test_arguments_are_not_changed():
    costs = typed("planning_costs", family=["Tents"], holding_cost_value=[1.0])
    prices = typed("prices", item=["A"], first_month=["2025-06"], unit_price_value=[9.0])
    sales = typed("sales", item=["B"], month=["2025-12"], quantity=[1], revenue_value=[9])
    arguments = (PLAN, HISTORY, RATES, ITEMS, BUDGET, NOTHING_LATE, costs, prices, sales)
    before = [argument.copy() for argument in arguments]
    financials()
    finance.item_rates(RATES, costs, ITEMS)
    finance.money_rates(RATES[schema.SERIES], prices, ITEMS, sales, cycle=CYCLE)
    for kept, argument in zip(before, arguments, strict=True):
        pd.testing.assert_frame_equal(kept, argument)


# (4) an obvious slow version


def test_prices_of_the_sample_equal_a_slow_loop(sample_tables, sample_history, sample_cycle):
    keys = sample_history[schema.SERIES].drop_duplicates().iloc[::23].reset_index(drop=True)
    table = finance.money_rates(
        keys,
        sample_tables["prices"],
        sample_tables["items"],
        sample_tables["sales"],
        cycle=sample_cycle,
    )
    listed = sample_tables["prices"].to_dict("records")
    for row in table.to_dict("records"):
        fitting = [
            price
            for price in listed
            if price["item"] == row["item"]
            and price["first_month"] <= sample_cycle
            and price["location"] in ("all", row["location"])
            and price["channel"] in ("all", row["channel"])
        ]
        best = max(
            fitting,
            key=lambda p: ((p["location"] != "all") + (p["channel"] != "all"), p["first_month"]),
        )
        assert row["unit_price_value"] == best["unit_price_value"]
        assert row["price_source"] == "prices"


# (5) errors


def test_two_rates_of_one_series_are_refused():
    double = pd.concat([RATES, RATES], ignore_index=True)
    with pytest.raises(pd.errors.MergeError, match="not unique"):
        finance._in_money(PLAN, double, "consensus")


# the plan by item


def delivered_of(**units: list[float]) -> pd.DataFrame:
    parts = [
        pd.DataFrame(
            {
                "item": item,
                "location": "all",
                "month": months.span(CYCLE, len(values)),
                "deliverable": values,
            }
        )
        for item, values in units.items()
    ]
    return pd.concat(parts, ignore_index=True)


def test_an_items_plan_in_money_by_hand():
    table = by_item_of(PLAN, delivered_of(A=[2.0, 9.0]))
    contract.check_processed("item_financials", table)
    own = table.set_index(["item", "month"])
    first, second = own.loc[("A", CYCLE)], own.loc[("A", months.shift(CYCLE, 1))]
    assert (first["revenue_value"], first["supply_revenue_value"]) == (50.0, 20.0)
    assert (second["revenue_value"], second["supply_revenue_value"]) == (60.0, 90.0)
    assert own.loc[("C", CYCLE), "costed_revenue_value"] != own.loc[("C", CYCLE), "revenue_value"]


def test_late_deliveries_in_a_month_without_demand_earn_the_price_of_the_plan():
    plan = PLAN.assign(consensus=PLAN["consensus"].where(PLAN["month"] == CYCLE, 0.0))
    table = by_item_of(plan, delivered_of(A=[2.0, 3.0]))
    own = table[table["item"] == "A"]
    assert own["supply_revenue_value"].tolist() == [20.0, 30.0]
    assert own["supply_revenue_value"].sum() == own["revenue_value"].sum()  # late, and not lost


def test_money_by_item_adds_up_to_money_by_family_and_company():
    by_item = by_item_of(PLAN, delivered_of(A=[2.0, 9.0]))
    table = finance.financials(by_item, ITEMS)
    for measure in ("quantity", "revenue_value", "supply_revenue_value"):
        by = table.groupby(table["family"] == "Company")[measure].sum()
        assert by[True] == pytest.approx(by[False]) == pytest.approx(by_item[measure].sum())


def test_a_month_at_half_the_exchange_rate_earns_half_and_costs_the_same():
    flat = by_item_of(PLAN, NOTHING_LATE)
    half = by_item_of(PLAN, NOTHING_LATE, rate=0.5)
    pd.testing.assert_series_equal(half["revenue_value"], flat["revenue_value"] / 2)
    cost = flat["revenue_value"] - flat["margin_value"]
    pd.testing.assert_series_equal(
        half["revenue_value"] - half["margin_value"], cost, check_names=False
    )
