"""gap = supply − demand; variance = plan − budget."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months
from sopkit.reconciliation import gaps

FIRST = pd.Timestamp("2026-01-01")
MEASURES = [
    "quantity",
    "revenue_value",
    "supply_revenue_value",
    "budget_quantity",
    "budget_revenue_value",
    "last_year_quantity",
    "last_year_revenue_value",
]

NO_QUARTERS = pd.DataFrame({"family": [], "variance_value": [], "is_by_quarter": []}).astype(
    {"family": "str", "is_by_quarter": "bool"}
)


def tables_of(**families: list[tuple]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`financials` and what is delivered, from (delivered, *MEASURES) by month; Company sums."""
    parts = [
        pd.DataFrame(rows, columns=["deliverable", *MEASURES], dtype="float64").assign(
            family=family, month=months.span(FIRST, len(rows))
        )
        for family, rows in families.items()
    ]
    table = pd.concat(parts, ignore_index=True)
    has_budget = table["budget_revenue_value"].notna()
    table = table.assign(budgeted_revenue_value=table["revenue_value"].where(has_budget))
    whole = table.groupby("month", as_index=False)[
        ["deliverable", *MEASURES, "budgeted_revenue_value"]
    ].sum(min_count=1)
    table = pd.concat([table, whole.assign(family="Company")], ignore_index=True)
    return table.drop(columns="deliverable"), table[["family", "month", "deliverable"]]


BOTH = tables_of(
    Tents=[(80, 100, 1000, 800, 90, 900, 95, 940), (120, 100, 1000, 1200, 90, 1100, 95, 1000)],
    Stoves=[(50, 50, 400, 400, np.nan, np.nan, 60, 500), (50, 50, 400, 400, 40, 350, 60, 500)],
)


def found(tables: tuple, materiality: float = 100.0) -> pd.DataFrame:
    return gaps.exceptions(gaps.gaps(*tables), NO_QUARTERS, materiality)


def cell(table: pd.DataFrame, family: str, k: int, name: str) -> float:
    return table[table["family"] == family].iloc[k][name]


# (1) by hand


def test_gaps_and_variances_by_hand():
    table = gaps.gaps(*BOTH)
    first = table[table["family"] == "Tents"].iloc[0]
    assert (first["demand"], first["supply"], first["gap"], first["gap_value"]) == (
        100,
        80,
        -20,
        -200,
    )
    assert (first["budget"], first["budget_variance_value"]) == (90, 100)
    assert (first["last_year"], first["last_year_variance_value"]) == (95, 60)
    assert cell(table, "Company", 0, "gap") == -20
    assert cell(table, "Company", 1, "gap_value") == 200


def test_exceptions_are_priced_and_say_their_direction_by_hand():
    table = found(BOTH)
    assert table[["subject", "amount_value", "is_material"]].values.tolist() == [
        ["Tents", -200.0, True],
        ["Stoves", 50.0, False],
        ["Tents", 0.0, False],
    ]
    assert table["finding"].tolist()[:2] == [
        "customers wait, most in 2026-01 (20 units)",
        "plan above budget over 1 months",
    ]


def test_what_customers_wait_for_runs_up_until_supply_catches_up_by_hand():
    none = (np.nan,) * 4
    late = tables_of(
        Tents=[
            (80, 100, 1000, 800, *none),
            (90, 100, 1000, 900, *none),
            (130, 100, 1000, 1300, *none),
        ]
    )
    table = found(late)
    assert table["amount_value"].tolist() == [-300.0]
    assert table["finding"].tolist() == ["customers wait, most in 2026-02 (30 units)"]
    turned = gaps.gaps(*late)[::-1]  # and whatever the order of the months
    pd.testing.assert_frame_equal(table, gaps.exceptions(turned, NO_QUARTERS, 100.0))


def test_a_wait_for_half_a_unit_is_no_exception():
    assert found(tables_of(Tents=[(99.6, 100, 10, 10, np.nan, np.nan, 1, 1)])).empty
    assert len(found(tables_of(Tents=[(99.4, 100, 10, 9, np.nan, np.nan, 1, 1)]))) == 1


def test_an_exception_without_money_is_always_material():
    unpriced = tables_of(Tents=[(80, 100, np.nan, np.nan, np.nan, np.nan, 1, 1)])
    table = found(unpriced, 1e9)
    assert np.isnan(table["amount_value"][0]) and table["is_material"].tolist() == [True]


# (3) signs and invariants


def test_a_gap_is_negative_when_supply_is_short_and_positive_in_surplus():
    table = gaps.gaps(*BOTH)
    assert cell(table, "Tents", 0, "gap") < 0 and cell(table, "Tents", 0, "gap_value") < 0
    assert cell(table, "Tents", 1, "gap") > 0 and cell(table, "Tents", 1, "gap_value") > 0


def test_a_variance_is_positive_when_the_plan_is_above_the_budget():
    table = gaps.gaps(*BOTH)
    assert cell(table, "Tents", 0, "budget_variance_value") > 0
    assert cell(table, "Tents", 1, "budget_variance_value") < 0
    below = tables_of(Tents=[(1, 1, 10, 10, 1, 90, 1, 1)])
    table = found(below)
    assert table["amount_value"].tolist() == [-80.0]
    assert "below budget" in table["finding"][0]


def test_without_a_budget_there_is_no_variance_rather_than_zero():
    table = gaps.gaps(*BOTH)
    assert np.isnan(cell(table, "Stoves", 0, "budget_variance_value"))
    none = tables_of(Stoves=[(50, 50, 400, 400, np.nan, np.nan, np.nan, np.nan)])
    assert found(none).empty


def test_the_companys_gap_is_the_sum_of_the_families():
    table = gaps.gaps(*BOTH)
    names = ["demand", "supply", "gap", "gap_value", "last_year"]
    whole = table[table["family"] == "Company"].set_index("month")[names]
    parts = table[table["family"] != "Company"].groupby("month")[names].sum()
    pd.testing.assert_frame_equal(whole, parts)
    contract.check_processed("gaps", table)


def test_the_company_itself_is_no_exception():
    assert "Company" not in set(found(BOTH)["subject"])


def test_the_order_of_rows_changes_nothing():
    first = gaps.gaps(*BOTH)
    second = gaps.gaps(*(table.sample(frac=1, random_state=2) for table in BOTH))
    key = ["family", "month"]
    pd.testing.assert_frame_equal(
        first.sort_values(key, ignore_index=True), second.sort_values(key, ignore_index=True)
    )
    pd.testing.assert_frame_equal(
        *(gaps.exceptions(table, NO_QUARTERS, 1.0) for table in (first, second))
    )


def test_arguments_are_not_changed():
    before = [table.copy() for table in BOTH]
    table = gaps.gaps(*BOTH)
    kept = table.copy()
    gaps.exceptions(table, NO_QUARTERS, 1.0)
    pd.testing.assert_frame_equal(kept, table)
    for was, argument in zip(before, BOTH, strict=True):
        pd.testing.assert_frame_equal(was, argument)


# (5) errors


def test_a_family_delivered_twice_is_refused():
    financials, deliverable = BOTH
    with pytest.raises(pd.errors.MergeError, match="not unique"):
        gaps.gaps(financials, pd.concat([deliverable, deliverable]))


# families budgeted by quarter


def by_quarter(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["family", "variance_value", "is_by_quarter"])


def test_a_family_budgeted_by_quarter_is_compared_over_its_quarters_by_hand():
    table = gaps.exceptions(
        gaps.gaps(*BOTH),
        by_quarter(("Stoves", -300.0, True), ("Stoves", 100.0, True), ("Tents", 9e9, False)),
        100.0,
    )
    own = table.set_index("subject")
    assert own.loc["Stoves", "amount_value"] == -200.0
    assert own.loc["Stoves", "finding"] == "plan below budget over 2 quarters"
    over = own.loc["Tents"]  # by month as before
    assert 0.0 in over["amount_value"].tolist() and 9e9 not in over["amount_value"].tolist()
