"""A plan in money, beside budget and last year."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sopkit import contract, months, schema
from sopkit.reconciliation import finance, money

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

NO_OUTLOOK = pd.DataFrame({"family": [], "month": [], "revenue_value": []}).astype(
    {"family": "str", "month": months.DTYPE, "revenue_value": "float64"}
)


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


def test_a_budget_above_families_stands_for_the_company_alone_by_hand():
    table = finance.budget_by_family(BUDGET, ITEMS, NO_OUTLOOK)
    assert cell(table, "Tents", "2026-01", "budget_revenue_value") == 60.0
    # the row for all families is the whole company's, not one more family's
    assert cell(table, "Company", "2026-01", "budget_revenue_value") == 25.0
    assert cell(table, "Company", "2026-01", "budget_quantity") == 1.0
    assert cell(table, "Company", "2026-02", "budget_revenue_value") == 110.0
    assert np.isnan(cell(table, "Tents", "2026-02", "budget_quantity"))
    assert set(table["family"]) == {"Tents", "Company"}


def test_the_last_version_of_the_budget_counts():
    budget = typed(
        "budget", version=["2026 b", "2026 a"], month=["2026-01", "2026-01"], revenue_value=[7, 5]
    )
    table = finance.budget_by_family(budget, ITEMS, NO_OUTLOOK)
    assert table["budget_revenue_value"].tolist() == [7.0]


def test_a_budget_by_item_adds_up_in_its_family_and_a_quarter_is_not_spread():
    budget = typed(
        "budget",
        item=["A", "B", "C", "A"],
        month=["2026-01", "2026-01", "2026-01", None],
        quarter=[None, None, None, "2026-01"],
        revenue_value=[1, 2, 4, 900],
    )
    table = finance.budget_by_family(budget, ITEMS, NO_OUTLOOK)
    families = table[(table["family"] != "Company") & table["budget_revenue_value"].notna()]
    assert families["month"].unique().tolist() == [CYCLE]
    # part of Tents is budgeted by quarter, so Tents is compared by quarter alone
    assert families.set_index("family")["budget_revenue_value"].to_dict() == {"unassigned": 4.0}
    # A's quarter is the company's too: nothing that was said is lost from its sum
    whole = table[table["family"] == "Company"]
    assert whole["budget_revenue_value"].sum() == pytest.approx(907.0)
    assert cell(table, "Company", "2026-01", "budget_revenue_value") == pytest.approx(307.0)


def test_last_year_stands_beside_the_month_planned():
    closed = finance.closed_months(HISTORY, RATES, ITEMS)
    moved = finance._last_year(closed, months.span(CYCLE, 1))
    assert moved["month"].unique().tolist() == [CYCLE]
    assert cell(moved, "Tents", "2026-01", "last_year_revenue_value") == 84.0
    assert cell(moved, "Company", "2026-01", "last_year_quantity") == 6.0


def by_item_of(plan, delivered, rates=RATES, rate: float = 1.0) -> pd.DataFrame:
    """Table `item_financials`; every month at the same exchange rate."""
    factors = pd.DataFrame(rate, index=plan.index, columns=["plan", "held", "last_year"])
    places = contract.empty("locations")
    return finance.item_financials(money.plan_money(plan, delivered, rates, ITEMS, places, factors))


def financials(plan=PLAN, delivered=NOTHING_LATE, budget=BUDGET) -> pd.DataFrame:
    """Table `financials`: the plan by item, by family, and beside budget and last year."""
    return beside_all(plan, delivered, RATES, budget, finance.closed_months(HISTORY, RATES, ITEMS))


def beside_all(plan, delivered, rates, budget, closed) -> pd.DataFrame:
    by_item = by_item_of(plan, delivered, rates)
    planned = finance.financials(by_item, ITEMS)
    by_month = finance.budget_by_family(budget, ITEMS, pd.concat([closed, planned]))
    return finance.beside(planned, by_month, closed)


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


# budgets by quarter


def outlook(first: str = "2026-01", **revenue: list[float]) -> pd.DataFrame:
    """Closed and planned revenue by family and month, and the company's sum."""
    parts = [
        pd.DataFrame(
            {
                "family": family,
                "month": months.span(months.parse_cycle(first), len(values)),
                "revenue_value": values,
            }
        )
        for family, values in revenue.items()
    ]
    table = pd.concat(parts, ignore_index=True).astype({"revenue_value": "float64"})
    whole = table.groupby("month", as_index=False)["revenue_value"].sum()
    return pd.concat([whole.assign(family="Company"), table], ignore_index=True)


LOOK = outlook(Tents=[10, 20, 30, 40, 40, 40], Stoves=[5, 5, 5, 5, 5, 5])


def budget_of(*rows: dict) -> pd.DataFrame:
    names = ["family", "item", "month", "quarter", "revenue_value", "quantity", "margin_value"]
    every = [dict.fromkeys(names) | {"revenue_value": 1.0} | row for row in rows]
    return typed("budget", **pd.DataFrame(every).to_dict("list"))


def of_quarters(budget: pd.DataFrame, look: pd.DataFrame = LOOK, first_month: int = 1):
    """Table `quarters`, as the reconciliation makes it."""
    by_month = finance.budget_by_family(budget, ITEMS, look)
    key = ["family", "month"]
    beside = look.merge(by_month, on=key, how="left", validate="one_to_one")
    table = finance.quarters(budget, ITEMS, beside, fiscal_year_first_month=first_month)
    contract.check_processed("quarters", table)
    return table


def whole_budget(budget: pd.DataFrame, look: pd.DataFrame = LOOK) -> dict:
    table = finance.budget_by_family(budget, ITEMS, look)
    table = table[table["family"] == "Company"].set_index("month")["budget_revenue_value"]
    return {months.label(month): amount for month, amount in table.items()}


def quarter(table: pd.DataFrame, family: str, start: str) -> pd.Series:
    row = table[(table["family"] == family) & (table["quarter"] == months.parse_cycle(start))]
    assert len(row) == 1
    return row.iloc[0]


def test_a_familys_quarter_stays_a_quarter_and_is_spread_for_the_company_by_hand():
    budget = budget_of(
        {"family": "Tents", "quarter": "2026-01", "revenue_value": 120.0, "quantity": 12.0}
    )
    assert whole_budget(budget) == pytest.approx({"2026-01": 20, "2026-02": 40, "2026-03": 60})
    table = finance.budget_by_family(budget, ITEMS, LOOK)
    own, whole = (table[table["family"] == name] for name in ("Tents", "Company"))
    assert own["budget_revenue_value"].isna().all()
    assert whole["budget_spread_value"].sum() == pytest.approx(120.0)
    assert whole["budget_quantity"].tolist() == pytest.approx([2.0, 4.0, 6.0])
    row = quarter(of_quarters(budget), "Tents", "2026-01")
    assert (row["revenue_value"], row["budget_revenue_value"]) == (60.0, 120.0)
    assert row["variance_value"] == -60.0 and row["is_by_quarter"]


def test_a_quarter_without_an_outlook_or_partly_outside_is_spread_evenly_and_kept():
    budget = budget_of(
        {"family": "Boats", "quarter": "2026-01", "revenue_value": 90.0},
        {"family": "Tents", "quarter": "2026-07", "revenue_value": 30.0},
    )
    found = whole_budget(budget)
    assert found == pytest.approx(
        {"2026-01": 30, "2026-02": 30, "2026-03": 30, "2026-07": 10, "2026-08": 10, "2026-09": 10}
    )
    late = outlook("2026-02", Tents=[10, 20, 30])
    assert sum(whole_budget(budget, late).values()) == pytest.approx(120.0)
    starts = of_quarters(budget, late)["quarter"].unique()
    assert starts.tolist() == []  # no whole quarter is in sight


def test_the_companys_quarter_is_spread_like_its_whole_revenue_and_wins_over_families():
    budget = budget_of(
        {"family": "all", "quarter": "2026-01", "revenue_value": 150.0},
        {"family": "Tents", "month": "2026-02", "revenue_value": 999.0},
    )
    # the company's outlook is 15, 25 and 35 of 75
    assert whole_budget(budget) == pytest.approx({"2026-01": 30, "2026-02": 50, "2026-03": 70})
    row = quarter(of_quarters(budget), "Company", "2026-01")
    assert row["budget_revenue_value"] == pytest.approx(150.0) and not row["is_by_quarter"]


def test_a_family_budgeted_by_month_is_not_by_quarter_and_adds_up_by_hand():
    span = ["2026-01", "2026-02", "2026-03"]
    rows = [{"family": "Tents", "month": month, "revenue_value": 20.0} for month in span]
    row = quarter(of_quarters(budget_of(*rows)), "Tents", "2026-01")
    assert (row["budget_revenue_value"], row["variance_value"]) == (60.0, 0.0)
    assert not row["is_by_quarter"]
    row = quarter(of_quarters(budget_of(*rows[:2])), "Tents", "2026-01")
    assert np.isnan(row["budget_revenue_value"])  # two months are no quarter


def test_quarters_of_a_fiscal_year_that_begins_in_february():
    budget = budget_of({"family": "Tents", "quarter": "2026-02", "revenue_value": 100.0})
    table = of_quarters(budget, first_month=2)
    assert table["quarter"].map(months.label).unique().tolist() == ["2026-02"]
    row = quarter(table, "Tents", "2026-02")
    assert (row["revenue_value"], row["budget_revenue_value"]) == (20 + 30 + 40, 100.0)


def test_two_items_of_a_family_budgeted_by_quarter_and_by_month_both_count():
    """A by quarter, B by month: both are Tents, and neither speaks for the other."""
    span = ["2026-01", "2026-02", "2026-03"]
    budget = budget_of(
        {"item": "A", "quarter": "2026-01", "revenue_value": 90.0},
        *[{"item": "B", "month": month, "revenue_value": 10.0} for month in span],
    )
    assert sum(whole_budget(budget).values()) == pytest.approx(120.0)
    table = of_quarters(budget)
    whole, own = (quarter(table, name, "2026-01") for name in ("Company", "Tents"))
    assert own["budget_revenue_value"] == pytest.approx(120.0)
    assert whole["budget_revenue_value"] == pytest.approx(own["budget_revenue_value"])


def test_a_familys_month_within_its_own_quarter_does_not_break_the_quarters_total():
    """One family with a quarter of 90 and January of 10: table quarters and the company agree."""
    budget = budget_of(
        {"family": "Tents", "quarter": "2026-01", "revenue_value": 90.0},
        {"family": "Tents", "month": "2026-01", "revenue_value": 10.0},
    )
    table = of_quarters(budget)
    own = quarter(table, "Tents", "2026-01")["budget_revenue_value"]
    assert quarter(table, "Company", "2026-01")["budget_revenue_value"] == pytest.approx(own)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Tents", "Stoves", "Boats", "all"]),
            st.sampled_from(["2026-01", "2026-04", "2026-07"]),
            st.floats(0, 1e6),
        ),
        min_size=1,
        max_size=8,
        unique_by=lambda row: row[:2],
    )
)
def test_spreading_quarters_keeps_each_quarters_total(rows):
    budget = budget_of(
        *[{"family": f, "quarter": q, "revenue_value": money} for f, q, money in rows]
    )
    months_of = whole_budget(budget)
    for start in {q for _, q, _ in rows}:
        own = [(f, money) for f, q, money in rows if q == start]
        above = [money for f, money in own if f == "all"]
        expected = above[0] if above else sum(money for _, money in own)
        span = months.span(months.parse_cycle(start), 3)
        found = sum(months_of[months.label(month)] for month in span)
        assert found == pytest.approx(expected, abs=1e-6)


def test_a_budget_in_units_is_by_item_in_its_own_unit_and_by_family_in_the_planning_unit():
    items = ITEMS.assign(planning_factor=[1.0, 20.0, 1.0])
    budget = budget_of(
        {"item": "B", "month": "2026-01", "quantity": 3.0},
        {"family": "Tents", "month": "2026-01", "quantity": 7.0},
    )
    table = finance.budget_by_family(budget, items, NO_OUTLOOK)
    assert cell(table, "Tents", "2026-01", "budget_quantity") == 67.0
    assert cell(table, "Company", "2026-01", "budget_quantity") == 67.0
    assert cell(table, "Tents", "2026-01", "budget_revenue_value") == 2.0  # money has no factor


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
