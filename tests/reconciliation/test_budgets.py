"""The budget beside the plan: by month, by quarter, for families and the company."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sopkit import contract, months
from sopkit.reconciliation import budgets

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
BUDGET = typed(
    "budget",
    family=["Tents", "Tents", "all"],
    month=["2026-01", "2026-02", "2026-01"],
    revenue_value=[60, 110, 25],
    quantity=[5, None, 1],
    margin_value=[20, 30, 5],
)
NO_OUTLOOK = pd.DataFrame({"family": [], "month": [], "revenue_value": []}).astype(
    {"family": "str", "month": months.DTYPE, "revenue_value": "float64"}
)


def cell(table: pd.DataFrame, family: str, month: str, name: str) -> float:
    row = table[(table["family"] == family) & (table["month"] == months.parse_cycle(month))]
    assert len(row) == 1
    return row[name].iloc[0]


def test_a_budget_above_families_stands_for_the_company_alone_by_hand():
    table = budgets.budget_by_family(BUDGET, ITEMS, NO_OUTLOOK)
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
    table = budgets.budget_by_family(budget, ITEMS, NO_OUTLOOK)
    assert table["budget_revenue_value"].tolist() == [7.0]


def test_a_budget_by_item_adds_up_in_its_family_and_a_quarter_is_not_spread():
    budget = typed(
        "budget",
        item=["A", "B", "C", "A"],
        month=["2026-01", "2026-01", "2026-01", None],
        quarter=[None, None, None, "2026-01"],
        revenue_value=[1, 2, 4, 900],
    )
    table = budgets.budget_by_family(budget, ITEMS, NO_OUTLOOK)
    families = table[(table["family"] != "Company") & table["budget_revenue_value"].notna()]
    assert families["month"].unique().tolist() == [CYCLE]
    # part of Tents is budgeted by quarter, so Tents is compared by quarter alone
    assert families.set_index("family")["budget_revenue_value"].to_dict() == {"unassigned": 4.0}
    # A's quarter is the company's too: nothing that was said is lost from its sum
    whole = table[table["family"] == "Company"]
    assert whole["budget_revenue_value"].sum() == pytest.approx(907.0)
    assert cell(table, "Company", "2026-01", "budget_revenue_value") == pytest.approx(307.0)


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
    by_month = budgets.budget_by_family(budget, ITEMS, look)
    key = ["family", "month"]
    beside = look.merge(by_month, on=key, how="left", validate="one_to_one")
    table = budgets.quarters(budget, ITEMS, beside, fiscal_year_first_month=first_month)
    contract.check_processed("quarters", table)
    return table


def whole_budget(budget: pd.DataFrame, look: pd.DataFrame = LOOK) -> dict:
    table = budgets.budget_by_family(budget, ITEMS, look)
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
    table = budgets.budget_by_family(budget, ITEMS, LOOK)
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
            st.just(0.0) | st.floats(1e-12, 1e6),
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
    table = budgets.budget_by_family(budget, items, NO_OUTLOOK)
    assert cell(table, "Tents", "2026-01", "budget_quantity") == 67.0
    assert cell(table, "Company", "2026-01", "budget_quantity") == 67.0
    assert cell(table, "Tents", "2026-01", "budget_revenue_value") == 2.0  # money has no factor
