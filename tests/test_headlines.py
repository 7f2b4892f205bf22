"""The figures that each page's headline says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, headlines, months, schema
from sopkit.reconciliation import outlook, verdicts
from sopkit.reconciliation.gap_tree import PARTS
from sopkit.supply import strategies

CYCLE = pd.Timestamp("2026-01-01")
YEAR = months.closed(CYCLE, 12)
KINDS = {
    "exact_value",
    "quantity",
    "value",
    "rate",
    "signed_rate",
    "signed_quantity",
    "signed_value",
    "count",
    "months",
    "month",
    "text",
}


def typed(name: str, **columns) -> pd.DataFrame:
    return contract.check_table(name, pd.DataFrame(columns), contract.Source(name)).frame


def amount(table: pd.DataFrame, fact: str) -> float:
    return table.set_index("fact").loc[fact, "amount"]


def text(table: pd.DataFrame, fact: str) -> str:
    return table.set_index("fact").loc[fact, "text"]


def series_months(span: pd.DatetimeIndex, **values: float | list) -> pd.DataFrame:
    """Key and ``demand``: each item the same (or the list) in every month."""
    parts = [
        pd.DataFrame(
            {"item": item, "location": "all", "channel": "all", "month": span, "demand": demand}
        )
        for item, demand in values.items()
    ]
    return pd.concat(parts, ignore_index=True).astype({"demand": "float64"})


def prices(**values: float) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "item": list(values),
            "location": "all",
            "channel": "all",
            "unit_price_value": list(values.values()),
        }
    )


ITEMS = typed("items", item=["A", "B"], family=["Tents", None])
HISTORY = series_months(YEAR, A=10.0, B=5.0).assign(
    sales=lambda t: t["demand"],
    returns=0.0,
    unfilled=0.0,
    stockout=0.0,
    outlier=0.0,
    revenue_value=100.0,
)


COMMON = {"unassigned_rate": ("rate", 0.25, "none"), "unit": "pieces"}
TIED = pd.DataFrame({"is_tied": [True, False, True]})
NO_PLANS = pd.DataFrame(columns=["cycle", "origin"])
UNMEASURED = pd.DataFrame(columns=["level", "layer", "lag", "covered_rate"])
NOTHING_RESTATED = pd.DataFrame({"finding": []})


# (1) by hand: what every page says


def unassigned(history: pd.DataFrame, rates: pd.DataFrame) -> float:
    return headlines.everywhere(history, rates, ITEMS, "units")["unassigned_rate"][1]


def test_the_share_without_a_family_is_measured_in_money_by_hand():
    # 10 of A at 6, 5 of B at 8
    assert unassigned(HISTORY, prices(A=6.0, B=8.0)) == pytest.approx(0.4)


def test_without_any_price_the_share_is_measured_in_units():
    none = prices(A=np.nan, B=np.nan)
    assert unassigned(HISTORY, none) == pytest.approx(1 / 3)


def test_only_the_last_twelve_months_count():
    old = series_months(months.span(pd.Timestamp("2024-01-01"), 12), B=1000.0)
    both = pd.concat([HISTORY, old.assign(sales=1000.0)], ignore_index=True)
    assert unassigned(both, prices(A=6.0, B=8.0)) == pytest.approx(0.4)


def test_of_no_demand_no_share_can_be_told():
    assert np.isnan(unassigned(HISTORY.assign(demand=0.0), prices(A=6.0)))


# by hand: the six pages


def test_data_review_by_hand():
    history = HISTORY.assign(outlier=[-9.0, *[0.0] * 23], returns=[0.0, 3.0, *[0.0] * 22])
    findings = pd.DataFrame({"state": ["notice", "breach", "notice"]})
    table = headlines.data_review(
        history,
        pd.DataFrame(index=range(2)),
        findings,
        TIED,
        NOTHING_RESTATED,
        UNMEASURED,
        NO_PLANS,
        COMMON,
    )
    assert amount(table, "series") == 2
    assert amount(table, "sales_units") == 180.0
    assert amount(table, "sales_revenue") == 2400.0
    assert (text(table, "first_month"), text(table, "last_month")) == ("2025-01", "2025-12")
    assert amount(table, "corrections") == 2
    assert amount(table, "corrected_rate") == pytest.approx(12 / 180)  # sizes, not signs
    assert amount(table, "notices") == 2
    assert amount(table, "unassigned_rate") == 0.25
    assert np.isnan(amount(table, "planned_rate"))
    measured = {"level": "total", "layer": ["statistical"] * 2, "lag": [0, 1]}
    measured = pd.DataFrame(measured | {"covered_rate": [1.0, 0.9]})
    seen = pd.DataFrame({"cycle": ["2025-01", "2025-01", "2025-02"], "origin": "hindsight"})
    found = headlines.data_review(
        history, pd.DataFrame(), findings, TIED, NOTHING_RESTATED, measured, seen, COMMON
    )
    assert amount(found, "planned_rate") == 0.9
    assert amount(found, "hindsight") == 2


def test_product_review_by_hand():
    classes = pd.DataFrame(
        {
            "item": ["A", "A", "B", "C"],
            "abc": ["A", "B", "C", "C"],
            "revenue_value": [60.0, 20.0, 15.0, 5.0],
            "lifecycle": ["active", "active", "new", "ending"],
            "demand_class": ["smooth", "lumpy", "erratic", "intermittent"],
        }
    )
    table = headlines.product_review(classes, COMMON)
    expected = {
        "series": 4,
        "items": 3,
        "a_series": 1,
        "a_rate": 0.6,
        "tail_series": 2,
        "irregular_rate": 0.5,
        "new_items": 1,
        "ending_items": 1,
    }
    assert {fact: amount(table, fact) for fact in expected} == expected
    assert text(table, "unsold") == ""
    silent = headlines.product_review(classes.assign(revenue_value=0.0), COMMON)
    assert np.isnan(amount(silent, "a_rate"))  # so its sentence is left out for this one
    assert text(silent, "unsold") == "Nothing was sold in the last twelve months"


ACCURACY = pd.DataFrame(
    [
        ("family", "combined", 3, 0.10, 0.05, 300.0, 0.02),
        ("family", "combined", 3, 0.30, -0.25, 100.0, 0.06),
        ("family", "seasonal_naive", 3, 0.40, 0.0, 400.0, 0.0),
        ("total", "combined", 3, 0.9, 0.9, 400.0, 0.9),
        ("family", "combined", 0, 0.9, 0.9, 400.0, 0.9),
    ],
    columns=["level", "model", "lag", "wape", "bias_rate", "volume", "nervousness_rate"],
)
STATUS = pd.DataFrame({"department": ["sales", "finance"], "state": "submitted"})


def plan_of(consensus: float, statistical: float, count: int = 18) -> pd.DataFrame:
    plan = series_months(months.span(CYCLE, count), A=consensus).rename(
        columns={"demand": "consensus"}
    )
    layers = {"events": 0.0, "departments": consensus - statistical, "overrides": 0.0}
    return plan.assign(statistical=statistical, **layers)


def demand_review(plan=None, history=HISTORY, status=STATUS, accuracy=ACCURACY) -> pd.DataFrame:
    plan = plan_of(18.0, 16.0) if plan is None else plan
    return headlines.demand_review(plan, history, accuracy, status, CYCLE, COMMON)


def test_demand_review_by_hand():
    table = demand_review()
    assert amount(table, "plan_units") == 18 * 18.0
    assert amount(table, "horizon") == 18
    assert amount(table, "first_year_units") == 12 * 18.0
    assert amount(table, "growth_rate") == pytest.approx(216 / 180 - 1)
    assert amount(table, "people_units") == 18 * 2.0
    assert amount(table, "people_rate") == pytest.approx(2 / 16)
    assert amount(table, "wape") == pytest.approx((0.1 * 300 + 0.3 * 100) / 400)
    assert amount(table, "naive_wape") == pytest.approx(0.4)
    assert amount(table, "bias_rate") == pytest.approx(-0.025)
    assert amount(table, "nervousness_rate") == pytest.approx((0.02 * 300 + 0.06 * 100) / 400)
    assert text(table, "verdict") == "so it pays"
    assert text(table, "submitted") == "All departments have submitted"


def test_a_forecast_that_loses_to_repeating_last_year_is_said_to():
    better = ACCURACY.assign(wape=ACCURACY["wape"].where(ACCURACY["model"] == "combined", 0.01))
    assert text(demand_review(accuracy=better), "verdict") == "so it does not pay yet"


def test_a_family_whose_movement_was_not_measured_does_not_count_as_still():
    unknown = ACCURACY.assign(nervousness_rate=[np.nan, 0.06, 0.0, 0.9, 0.9])
    assert amount(demand_review(accuracy=unknown), "nervousness_rate") == pytest.approx(0.06)


def test_with_less_than_a_year_of_history_growth_is_unknown():
    table = demand_review(history=HISTORY[HISTORY["month"] > YEAR[0]])
    assert np.isnan(amount(table, "growth_rate"))
    assert text(table, "growth_rate") == "unknown (not twelve months of sales)"


def test_a_plan_shorter_than_a_year_has_no_growth():
    assert np.isnan(amount(demand_review(plan=plan_of(18.0, 16.0, count=11)), "growth_rate"))
    assert amount(demand_review(plan=plan_of(18.0, 16.0, count=12)), "growth_rate") > 0


def test_people_who_lower_the_plan_give_a_negative_change():
    table = demand_review(plan=plan_of(15.0, 16.0))
    assert amount(table, "people_rate") == pytest.approx(-1 / 16)


def submitted(*missing: str) -> str:
    status = pd.DataFrame(
        {
            "department": ["sales", *missing],
            "state": ["submitted", *["has not submitted"] * len(missing)],
        }
    )
    return text(demand_review(status=status), "submitted")


def test_who_has_not_submitted_is_named():
    assert submitted("finance") == "Finance has not submitted"
    assert submitted("finance", "marketing") == "Finance, marketing have not submitted"
    assert text(demand_review(status=STATUS.iloc[:0]), "submitted") == (
        "No department is asked for a view"
    )


def test_a_departments_name_is_written_as_the_company_writes_it():
    assert submitted("sales EMEA", "R&D") == "Sales EMEA, R&D have not submitted"


SPAN = months.span(CYCLE, 2)
PROJECTION = pd.DataFrame(
    {
        "item": ["A", "A", "B", "B"],
        "month": [*SPAN, *SPAN],
        "demand": [10.0, 20.0, 5.0, 5.0],
        "closing": [1.0, -4.0, 0.0, -0.2],
    }
)
DELIVERED = pd.DataFrame({"demand": [10.0, 20.0, 5.0, 5.0], "on_time": [10.0, 16.0, 5.0, 5.0]})
LOAD = pd.DataFrame(
    {"resource": ["cutting", "sewing"], "month": SPAN, "utilisation_rate": [0.8, 1.2]}
)
COSTS = pd.DataFrame(
    [
        ("chase", "holding stock", 10.0),
        ("chase", "backlog", 25.0),
        ("level", "holding stock", 30.0),
    ],
    columns=["strategy", "cost_kind", "amount_value"],
).assign(is_assumed=[True, False, False])
HOURS = pd.DataFrame(
    {
        "resource": ["sewing", "cutting"],
        "month": SPAN,
        "value": [8.5, 2.0],
        "hours": [40.0, np.nan],
        "next_value": [3.0, np.nan],
    }
)


def supply_review(
    load=LOAD,
    costs=COSTS,
    projection=PROJECTION,
    hours=HOURS,
    known=True,
    below=None,
    delivered=DELIVERED,
) -> pd.DataFrame:
    month = pd.Timestamp("2026-03-01")
    below = below or {"month": month, "items": 2, "of": 5, "amount_value": 70.0}
    rivals = strategies.break_even(costs)
    return headlines.supply_review(
        projection, delivered, load, costs, hours, rivals, "chase", known, below, COMMON
    )


def test_supply_review_by_hand():
    table = supply_review()
    assert amount(table, "demand_units") == 40.0
    assert amount(table, "on_time_rate") == pytest.approx(36 / 40)
    assert amount(table, "late_items") == 1  # a fifth of a unit is not late
    assert text(table, "first_late_month") == "2026-02"
    assert (amount(table, "below_items"), amount(table, "below_of")) == (2, 5)
    assert (text(table, "below_month"), amount(table, "below_value")) == ("2026-03", 70.0)
    nothing = {"month": pd.NaT, "items": 0, "of": 5, "amount_value": np.nan}
    assert text(supply_review(below=nothing), "below_items") == "no item"
    assert amount(table, "peak_rate") == 1.2
    assert (text(table, "peak_resource"), text(table, "peak_month")) == ("sewing", "2026-02")
    assert text(table, "strategy") == "chase"
    assert (amount(table, "strategy_cost"), amount(table, "other_cost")) == (35.0, 30.0)
    assert text(table, "cheapest") == "Of the ways to supply, level costs least"
    # level 30 s = chase 10 s + 25: at a quarter more for holding stock; backlog at 0.8 of today's
    assert text(table, "rival") == (
        "and stays so until the cost of backlog is 0.8 times today's, when "
        "chase would cost the same"
    )
    assert (text(table, "hour_resource"), text(table, "hour_month")) == ("sewing", "2026-01")
    assert amount(table, "hour_value") == 8.5
    assert text(table, "assumed") == "The cost of holding stock is assumed"
    assert text(table, "stock_known") == "Stock is as counted at the last month end"


def test_a_way_that_nothing_can_overtake_is_said_to_stay_cheapest():
    costs = COSTS[COSTS["cost_kind"] == "holding stock"]
    assert text(supply_review(costs=costs), "rival") == (
        "and no single cost, whatever it were, would change that"
    )


def test_hours_are_told_in_words_and_only_where_their_range_was_followed():
    assert headlines.hours_in_words(HOURS) == [
        "One more hour of sewing in January 2026 saves 8.50; 40 are worth nearly that, then 3.00.",
        "",
    ]
    last = HOURS.assign(hours=0.25, next_value=0.0).head(1)
    assert headlines.hours_in_words(last)[0].endswith("0.25 are worth nearly that, then nothing.")


def test_without_resources_costs_and_stock_the_supply_review_says_so():
    table = supply_review(
        LOAD.iloc[:0], COSTS.iloc[:0], PROJECTION.assign(closing=1.0), HOURS.iloc[:0], known=False
    )
    assert text(table, "rival") == text(table, "assumed") == ""
    assert np.isnan(amount(table, "hour_value")) and text(table, "hour_resource") == "no resource"
    assert (
        np.isnan(amount(table, "peak_rate"))
        and text(table, "peak_rate") == "unknown (no resources)"
    )
    assert (text(table, "peak_resource"), text(table, "peak_month")) == ("no resource", "no month")
    assert text(table, "first_late_month") == "no month"
    assert np.isnan(amount(table, "strategy_cost")) and np.isnan(amount(table, "other_cost"))
    assert "cannot be compared" in text(table, "cheapest")
    assert "begins at safety stock" in text(table, "stock_known")


def test_strategies_are_not_compared_without_the_cost_of_holding_stock():
    costs = COSTS.assign(cost_kind="backlog")
    assert "cost of holding stock is not known" in text(supply_review(costs=costs), "cheapest")


FINANCIALS = pd.DataFrame(
    {
        "family": ["Company", "Company", "Tents", "Stoves"],
        "month": [*SPAN, SPAN[0], SPAN[0]],
        "revenue_value": [100.0, 300.0, 60.0, 40.0],
        "margin_value": [40.0, 60.0, 1.0, 1.0],
        "costed_revenue_value": [100.0, 300.0, 60.0, 40.0],
        "quantity": [10.0, 30.0, 6.0, 4.0],
        "priced_quantity": [10.0, 20.0, 6.0, 4.0],
        "supply_revenue_value": [90.0, 310.0, 1.0, 1.0],
        "budget_revenue_value": [80.0, np.nan, 1.0, 1.0],
        "budgeted_revenue_value": [100.0, np.nan, 60.0, 40.0],
        "last_year_revenue_value": [50.0, 450.0, 1.0, 1.0],
    }
)
GAPS = pd.DataFrame(
    {
        "family": ["Company", "Company", "Tents", "Stoves"],
        "month": [*SPAN, SPAN[0], SPAN[0]],
        "gap": [-3.0, 2.0, -5.0, 2.0],
        "gap_value": [-10.0, 10.0, -12.0, 2.0],
    }
)


def test_reconciliation_by_hand():
    table = headlines.reconciliation(FINANCIALS, GAPS, NO_PLANS, COMMON)
    assert amount(table, "revenue") == 400.0  # the company's rows, not the families' again
    assert amount(table, "margin_rate") == pytest.approx(0.25)
    # gaps run up: 10 owed after January, nothing after February
    assert amount(table, "supply_gap") == -10.0
    assert (amount(table, "lowest_gap"), text(table, "lowest_gap_month")) == (-3.0, "2026-01")
    assert text(table, "supply_state") == "Supply is furthest behind in Tents"
    assert amount(table, "budget_variance_rate") == pytest.approx(100 / 80 - 1)
    assert amount(table, "budget_months") == 1
    assert amount(table, "last_year_rate") == pytest.approx(400 / 500 - 1)


def test_a_budget_that_leaves_families_out_is_compared_without_them_by_hand():
    partial = FINANCIALS.assign(budgeted_revenue_value=[60.0, np.nan, 60.0, np.nan])
    table = headlines.reconciliation(partial, GAPS, NO_PLANS, COMMON)
    assert amount(table, "budget_variance_rate") == pytest.approx(60 / 80 - 1)
    assert amount(table, "budget_coverage_rate") == pytest.approx(0.6)
    whole = headlines.reconciliation(FINANCIALS, GAPS, NO_PLANS, COMMON)
    assert np.isnan(amount(whole, "budget_coverage_rate"))


def test_what_customers_wait_for_runs_up_over_the_months_by_hand():
    late = GAPS.assign(gap=[-3.0, -2.0, -3.0, 0.0], gap_value=[-30.0, -20.0, -30.0, 0.0])
    late = pd.concat(
        [
            late,
            pd.DataFrame(
                {"family": ["Stoves"], "month": SPAN[1:], "gap": -2.0, "gap_value": -40.0}
            ),
        ],
        ignore_index=True,
    )
    table = headlines.reconciliation(FINANCIALS, late[::-1], NO_PLANS, COMMON)
    assert amount(table, "supply_gap") == -50.0
    assert (amount(table, "lowest_gap"), text(table, "lowest_gap_month")) == (-5.0, "2026-02")
    assert text(table, "supply_state") == "Supply is furthest behind in Stoves"


def test_planned_units_without_a_price_are_said_and_none_are_not():
    table = headlines.reconciliation(FINANCIALS, GAPS, NO_PLANS, COMMON)
    assert amount(table, "unpriced_rate") == pytest.approx(10 / 40)
    whole = FINANCIALS.assign(priced_quantity=FINANCIALS["quantity"])
    assert np.isnan(
        amount(headlines.reconciliation(whole, GAPS, NO_PLANS, COMMON), "unpriced_rate")
    )


def test_a_plan_met_in_time_has_no_lowest_gap():
    table = headlines.reconciliation(
        FINANCIALS, GAPS.assign(gap=1.0, gap_value=0.0), NO_PLANS, COMMON
    )
    assert (amount(table, "lowest_gap"), text(table, "lowest_gap_month")) == (0.0, "no month")
    assert text(table, "supply_state") == "Supply follows demand in every family"


def test_without_prices_and_budget_the_reconciliation_says_so():
    unknown = FINANCIALS.assign(**dict.fromkeys(FINANCIALS.columns[2:], np.nan))
    table = headlines.reconciliation(unknown, GAPS.assign(gap_value=np.nan), NO_PLANS, COMMON)
    for fact in (
        "revenue",
        "margin",
        "margin_rate",
        "supply_gap",
        "budget_variance_rate",
        "last_year_rate",
    ):
        assert np.isnan(amount(table, fact)) and text(table, fact).startswith("unknown")
    # without prices the family that owes most units is named
    assert text(table, "supply_state").startswith("Supply is furthest behind in")


KPIS = pd.DataFrame({"status": ["met", "near", "missed", "missed", "no target", "not measured"]})
REGISTER = pd.DataFrame(
    {
        "kind": ["decision", "decision", "action", "action", "assumption"],
        "due": ["2026-03-31", "2026-02-13", "2025-12", "2026-02", "2025-01"],
        "status": ["wanted", "wanted", "overdue", "open", "overdue"],
    }
)


LATE = pd.DataFrame(
    {
        "late_value": [500.0, 80.0],
        "late_quantity": [5.0, 9.0],
        "first_month": pd.to_datetime(["2027-05-01", "2026-11-01"]),
    }
)


def company_months(first: str, count: int, **values: float) -> pd.DataFrame:
    span = months.span(months.parse_cycle(first), count)
    return pd.DataFrame({"family": "Company", "month": span, **values})


def outlook_of(planned, closed, first_month=1, shift=0) -> pd.DataFrame:
    """Table `outlook` of months in revenue alone."""
    names = [
        f"{which}{name}"
        for which in ("", "budget_", "supply_")
        for name in ("quantity", "margin_value")
    ]
    closed, planned = (table.assign(**dict.fromkeys(names, np.nan)) for table in (closed, planned))
    months_of = outlook.monthly(closed.rename(columns={"quantity": "net"}), planned)
    by_quarter = pd.DataFrame(
        {"family": [], "quarter": pd.to_datetime([]), "budget_revenue_value": []}
    )
    terms, nothing = (first_month, shift), pd.DataFrame()
    return outlook.outlook(months_of, by_quarter, nothing, cycle=CYCLE, terms=terms)


def executive_review(planned, closed, first_month=1, register=REGISTER, shift=0) -> pd.DataFrame:
    table = outlook_of(planned, closed, first_month, shift)
    return headlines.executive_review(table, KPIS, register, LATE, COMMON)


PLANNED = company_months(
    "2026-01",
    24,
    revenue_value=10.0,
    budgeted_revenue_value=10.0,
    supply_revenue_value=9.0,
    budget_revenue_value=8.0,
)
CLOSED = company_months(
    "2025-01", 12, revenue_value=5.0, budgeted_revenue_value=5.0, budget_revenue_value=4.0
)


def test_executive_review_by_hand():
    table = executive_review(PLANNED, CLOSED)
    assert text(table, "fiscal_year") == "2026"
    assert amount(table, "outlook") == 120.0  # this year's twelve months of twenty-four
    assert np.isnan(amount(table, "all_supplied"))
    assert amount(table, "budget") == 96.0
    assert amount(table, "outlook_rate") == pytest.approx(0.25)
    assert amount(table, "at_risk") == 12.0
    assert (amount(table, "kpis_missed"), amount(table, "kpis_measured")) == (2, 4)
    assert (amount(table, "decisions"), text(table, "first_deadline")) == (2, "2026-02-13")
    assert amount(table, "overdue_actions") == 1


def test_what_is_late_over_the_whole_plan_is_told_in_money_else_in_units_by_hand():
    table = executive_review(PLANNED, CLOSED)
    assert (amount(table, "late"), text(table, "late_month")) == (580.0, "2026-11")
    assert headlines._late(LATE, "tents")["late_unit"] == ""
    found = headlines._late(LATE.assign(late_value=[500.0, np.nan]), "tents")
    assert found["late"][:2] == ("quantity", 14.0) and found["late_unit"] == "tents"
    nothing = headlines._late(LATE[:0], "tents")
    assert np.isnan(nothing["late"][1]) and nothing["late_month"] == nothing["late_unit"] == ""


def test_the_gap_to_the_budget_and_what_the_last_cycle_expected_are_told_in_money_by_hand():
    table = outlook_of(PLANNED, CLOSED)
    found = headlines._year(table.assign(last_outlook=100.0))
    assert found["budget_gap"][1] == 120.0 - 96.0
    assert found["outlook_change"][1] == 120.0 - 100.0
    assert np.isnan(headlines._year(table.assign(last_outlook=np.nan))["outlook_change"][1])


def test_where_no_price_is_known_the_year_is_told_in_units_by_hand():
    units = outlook_of(PLANNED, CLOSED).query("measure == 'revenue'").assign(measure="units")
    names = ["outlook", "budget", "budgeted", "last_year"]
    unpriced = units.assign(measure="revenue", **dict.fromkeys(names, np.nan))
    both = pd.concat([unpriced, units.assign(budget=np.nan, budgeted=np.nan)])
    found = headlines._year(both)
    assert (found["outlook_of"], found["counted_as"]) == ("quantity", "no price is known")
    assert found["outlook"][:2] == ("quantity", 120.0) and found["at_risk"][:2] == ("quantity", 12)
    assert found["verdict"] == "No budget says whether the year is made"
    assert found["year_growth_rate"][1] == pytest.approx(120.0 / 60.0 - 1.0)
    budgeted = headlines._year(pd.concat([unpriced.assign(budget=96.0), units]))
    assert (budgeted["outlook_of"], budgeted["outlook"][0]) == ("revenue", "value")


def test_decisions_wanted_overdue_and_beyond_five_are_counted_by_hand():
    rows = [("decision", "2026-02-01", "wanted")] * 6 + [("decision", "2025-12-01", "overdue")]
    rows += [("decision", "2025-11-01", "decided"), ("action", "2025-11", "due")]
    register = pd.DataFrame(rows, columns=["kind", "due", "status"])
    table = executive_review(PLANNED, CLOSED, register=register)
    assert (amount(table, "decisions"), text(table, "first_deadline")) == (7, "2025-12-01")
    assert (amount(table, "more_decisions"), amount(table, "overdue_decisions")) == (2, 1)
    assert amount(table, "overdue_actions") == 0
    few = executive_review(PLANNED, CLOSED)
    assert np.isnan([amount(few, "more_decisions"), amount(few, "overdue_decisions")]).all()


def test_supply_beyond_the_plan_is_told_apart_from_the_outlook_by_hand():
    more = PLANNED.assign(supply_revenue_value=PLANNED["supply_revenue_value"] + 3.0)
    table = executive_review(more, CLOSED)  # 12 · (9 + 3) for an outlook of 120
    assert amount(table, "all_supplied") == 1.0
    assert (amount(table, "supplied_beyond"), amount(table, "at_risk")) == (24.0, 0.0)
    assert np.isnan(amount(executive_review(PLANNED, CLOSED), "supplied_beyond"))


def test_what_one_family_lacks_is_not_hidden_by_what_another_gets_beyond_its_plan():
    rows = [("Company", 100.0, 104.0), ("Tents", 60.0, 54.0), ("Packs", 40.0, 50.0)]
    table = pd.DataFrame(rows, columns=["family", "outlook", "supplied_outlook"])
    table = table.assign(fiscal_year=2026, measure="revenue", budget=np.nan, budgeted=np.nan)
    table = table.assign(last_year=np.nan, growth_planned_rate=0.0, growth_needed_rate=np.nan)
    found = headlines._year(table.assign(months_to_go=12))
    assert found["unsupplied"] == ("value", 6.0, "none") and found["at_risk"][1] == 6.0
    assert found["supplied_beyond"][1] == 10.0 and np.isnan(found["all_supplied"][1])


def test_closed_months_of_the_fiscal_year_count_as_booked_by_hand():
    table = executive_review(PLANNED, CLOSED, first_month=7)  # July 2025 to June 2026
    assert text(table, "fiscal_year") == "2026"
    assert amount(table, "outlook") == 6 * 5.0 + 6 * 10.0
    assert amount(table, "unsupplied") == 6 * 1.0
    assert amount(table, "budget") == 6 * 4.0 + 6 * 8.0


def test_a_year_with_a_month_without_budget_has_no_budget():
    holed = PLANNED.assign(budget_revenue_value=[8.0, np.nan, *[8.0] * 22])
    table = executive_review(holed, CLOSED)
    assert np.isnan(amount(table, "budget")) and np.isnan(amount(table, "outlook_rate"))
    assert text(table, "budget") == "unknown (not every month of the year has a budget)"


def test_whether_the_year_is_made_is_said_with_the_growth_it_needs_by_hand():
    table = executive_review(PLANNED, CLOSED)
    assert text(table, "verdict") == "We make the year"
    assert amount(table, "planned_growth_rate") == pytest.approx(10 / 5 - 1)
    assert amount(table, "needed_growth_rate") == pytest.approx(8 / 5 - 1)
    dear = PLANNED.assign(budget_revenue_value=10.5)
    assert text(executive_review(dear, CLOSED), "verdict") == "The year is not made yet"
    none = PLANNED.assign(budget_revenue_value=np.nan, budgeted_revenue_value=np.nan)
    table = executive_review(none, CLOSED)
    assert text(table, "verdict") == "No budget says whether the year is made"
    assert amount(table, "year_growth_rate") == pytest.approx(1.0)


YEARS = pd.DataFrame(
    {
        "level": ["resource"] * 4 + ["family"],
        "member": ["sewing", "sewing", "cutting", "cutting", "Company"],
        "fiscal_year": [2026, 2027, 2026, 2027, 2026],
        "utilisation_rate": [0.9, 1.02, 0.8, 1.3, np.nan],
        "extra_hours": [0.0, 20.0, 0.0, 300.0, np.nan],
        "extra_workers": [0.0, 0.5, 0.0, np.nan, np.nan],
    }
)
TIES = pd.DataFrame(
    {
        "level": ["company", "company", "family"],
        "period_kind": ["month", "month", "month"],
        "period": [*SPAN, SPAN[0]],
        "cash_value": [70.0, 50.0, 900.0],
        "receivable_value": [10.0, 0.0, 5.0],
        "payable_value": np.nan,
    }
)
HELD = pd.DataFrame({"revenue_value": [100.0, 50.0], "held_rate_revenue_value": [80.0, 60.0]})


def years_of(load=YEARS, ties=TIES, held=HELD) -> pd.DataFrame:
    tables = {"plan_money": held, "money_by_level": ties, "strategic_years": load}
    facts = headlines.years(tables | {"outlook": outlook_of(PLANNED, CLOSED)})
    return headlines.reconciliation(FINANCIALS, GAPS, NO_PLANS, facts)


def test_what_is_tied_up_what_rates_do_and_the_first_year_beyond_capacity_by_hand():
    table = years_of()
    assert (amount(table, "peak_cash"), text(table, "peak_cash_month")) == (70.0, "2026-01")
    assert amount(table, "end_cash") == 50.0
    assert text(table, "unknown_terms") == "suppliers"
    assert amount(table, "rate_effect") == -10.0
    assert (text(table, "over_resource"), text(table, "over_year")) == ("cutting", "2027")
    assert amount(table, "extra_hours") == 300.0
    assert text(table, "extra_workers") == "an unknown number of"


def test_without_resources_costs_and_foreign_currency_nothing_is_claimed():
    table = years_of(YEARS.iloc[4:], TIES.assign(cash_value=np.nan), HELD.iloc[:0])
    for fact in ("peak_cash", "end_cash", "rate_effect", "over_rate", "busiest_rate"):
        assert np.isnan(amount(table, fact)), fact
    assert text(table, "over_year") == ""


def test_without_decisions_there_is_no_deadline():
    table = executive_review(PLANNED, CLOSED, register=REGISTER.iloc[2:])
    assert (amount(table, "decisions"), text(table, "first_deadline")) == (0, "none")


# (3) invariants

ALL = {
    "data_review": lambda: headlines.data_review(
        HISTORY,
        pd.DataFrame(),
        pd.DataFrame({"state": []}),
        TIED,
        NOTHING_RESTATED,
        UNMEASURED,
        NO_PLANS,
        COMMON,
    ),
    "demand_review": demand_review,
    "supply_review": supply_review,
    "reconciliation": lambda: headlines.reconciliation(FINANCIALS, GAPS, NO_PLANS, COMMON),
    "executive_review": lambda: executive_review(PLANNED, CLOSED),
}


LEFT_OUT = ["late_unit", "late_month", "counted_as", "unsold", "unmeasured"]  # of brackets


@pytest.mark.parametrize("step", ALL)
def test_every_fact_has_an_amount_or_a_text_that_stands_in(step):
    table = ALL[step]()
    contract.check_processed(f"{step}_facts", table)
    assert set(table["kind"]) <= KINDS
    unsaid = table[table["amount"].isna() & ~table["fact"].isin(LEFT_OUT)]
    assert unsaid["text"].str.len().gt(0).all()
    assert table.loc[table["kind"].isin(["text", "month"]), "amount"].isna().all()
    assert set(table.columns) == set(schema.PROCESSED[f"{step}_facts"].columns)


def test_arguments_are_not_changed():
    plan, rates = plan_of(18.0, 16.0), prices(A=6.0, B=8.0)
    arguments = (
        HISTORY,
        rates,
        ITEMS,
        plan,
        ACCURACY,
        STATUS,
        PROJECTION,
        DELIVERED,
        LOAD,
        COSTS,
        FINANCIALS,
        GAPS,
        KPIS,
        REGISTER,
        PLANNED,
        CLOSED,
    )
    before = [argument.copy() for argument in arguments]
    unassigned(HISTORY, rates)
    demand_review(plan)
    for make in ALL.values():
        make()
    for kept, argument in zip(before, arguments, strict=True):
        pd.testing.assert_frame_equal(kept, argument)


def test_the_order_of_rows_changes_nothing():
    def shuffled(table: pd.DataFrame) -> pd.DataFrame:
        return table.sample(frac=1, random_state=1)

    pd.testing.assert_frame_equal(
        supply_review(), supply_review(shuffled(LOAD), shuffled(COSTS), shuffled(PROJECTION))
    )
    pd.testing.assert_frame_equal(
        headlines.reconciliation(FINANCIALS, GAPS, NO_PLANS, COMMON),
        headlines.reconciliation(shuffled(FINANCIALS), shuffled(GAPS), NO_PLANS, COMMON),
    )
    pd.testing.assert_frame_equal(
        executive_review(PLANNED, CLOSED), executive_review(shuffled(PLANNED), shuffled(CLOSED))
    )


# several units, finance's totals, the restated past


def test_what_totals_are_counted_in_is_said_where_units_differ():
    rates = prices(A=6.0, B=8.0)
    one = headlines.everywhere(HISTORY, rates, ITEMS.assign(unit="piece"), "units")
    assert np.isnan(one["several_units"][1]) and one["unit"] == "units"
    two = headlines.everywhere(HISTORY, rates, ITEMS.assign(unit=["piece", "bag"]), "tents")
    assert two["several_units"][1] == 2 and two["unit"] == "tents"
    unsold = pd.concat([ITEMS, ITEMS.head(1).assign(item="Z")]).assign(unit=["p", "p", "bag"])
    assert np.isnan(headlines.everywhere(HISTORY, rates, unsold, "units")["several_units"][1])


@pytest.mark.parametrize(
    ("tied", "words"),
    [
        ([], "Finance gave no totals to compare with"),
        ([True, True], "All 2 of finance's totals tie"),
        ([True, False, False], "2 of 3 of finance's totals do not tie"),
    ],
)
def test_whether_finances_totals_tie_is_said(tied, words):
    controls = pd.DataFrame({"is_tied": pd.Series(tied, dtype="bool")})
    findings = pd.DataFrame({"state": []})
    restated = pd.DataFrame({"finding": ["x"] * 3})
    table = headlines.data_review(
        HISTORY, pd.DataFrame(), findings, controls, restated, UNMEASURED, NO_PLANS, COMMON
    )
    assert text(table, "controls") == words
    assert amount(table, "restated") == 3


def test_what_was_ordered_and_not_shipped_counts_as_corrected():
    history = HISTORY.assign(unfilled=[4.0, -2.0, *[0.0] * 22])
    table = headlines.data_review(
        history,
        pd.DataFrame(),
        pd.DataFrame({"state": []}),
        TIED,
        NOTHING_RESTATED,
        UNMEASURED,
        NO_PLANS,
        COMMON,
    )
    assert amount(table, "corrected_rate") == pytest.approx(6 / 180)


def test_a_fiscal_year_named_by_its_first_year_is_written_so():
    table = executive_review(PLANNED, CLOSED, first_month=7, shift=-1)  # July 2025 to June 2026
    assert text(table, "fiscal_year") == "2025"
    assert amount(table, "outlook") == 6 * 5.0 + 6 * 10.0


def tree_of(*rows: dict) -> pd.DataFrame:
    """Rows of `gap_tree` of the company."""
    base = {"level": "company", "period": 2026, "gap_value": -5.0} | dict.fromkeys(PARTS, 0.0)
    return pd.DataFrame([base | row for row in rows], columns=[*base, "against", "measure"])


LEVELS_OF_MIX = pd.DataFrame({"against": ["budget", "last year"], "mix_level": ["family", "item"]})


def test_the_gap_told_is_that_to_the_budget_in_margin_of_the_first_year():
    tree = tree_of(
        {"against": "last year", "measure": "margin", "gap_value": 9.0},
        {"against": "budget", "measure": "revenue", "gap_value": -7.0},
        {"against": "budget", "measure": "margin", "volume": -6.0, "price": 1.0},
        {"against": "budget", "measure": "margin", "period": 2027, "gap_value": -99.0},
    )
    found = headlines.gap(tree, LEVELS_OF_MIX)
    assert found["gap"] == ("signed_value", -5.0) and found["gap_mix_level"] == "family"
    assert (found["gap_against"], found["gap_period"]) == ("the budget", "2026")
    assert found["gap_volume"][1] == -6.0
    assert np.isnan(found["gap_mix"][1])  # there is none, so nothing is said
    other = headlines.gap(tree.iloc[:1], LEVELS_OF_MIX)
    assert other["gap_against"] == "last year" and other["gap_mix_level"] == "item"
    none = headlines.gap(tree.iloc[:0], LEVELS_OF_MIX)
    assert none["gap_against"] == "" and np.isnan(none["gap"][1])


def test_risk_names_the_item_resource_and_lever_that_matter_most():
    totals = pd.DataFrame({"period": [2026], "measure": ["margin"], "mean_value": [9.0]})
    totals = totals.assign(value_05=8.0, value_95=10.0, chance_rate=0.004)
    month = pd.Timestamp("2026-03-01")
    items = pd.DataFrame({"item": ["A", "B"], "month": month, "stockout_rate": [0.9, 0.4]})
    items = items.assign(location="plant")
    items = items.assign(owed_value=[1.0, 5.0], owed_quantity=[9.0, 1.0])
    load = pd.DataFrame({"resource": ["press", "oven"], "month": month})
    levers = pd.DataFrame(
        [("overtime hours", "press", "+5%", 7.0), ("safety stock", "Tents", "+10%", -1.0)],
        columns=["kind", "subject", "change", "net_value"],
    )
    tables = {"risk_totals": totals, "risk_items": items, "risk_levers": levers}
    found = headlines.risk(tables | {"risk_resources": load.assign(overload_rate=[0.2, 0.0])})
    assert found["risk_chance"] == "below 1%"
    assert found["risk_item"] == "B" and found["risk_item_rate"] == ("rate", 0.4)
    assert found["risk_resource"] == "press"
    assert found["risk_lever"] == "+5% overtime hours of press"
    calm = load.assign(overload_rate=0.0)
    never = items.assign(stockout_rate=0.0)  # less than a unit is owed
    nothing = {"risk_totals": totals.iloc[:0], "risk_items": never}
    nothing |= {"risk_resources": calm, "risk_levers": levers.assign(net_value=[0.4, -1.0])}
    none = headlines.risk(nothing)
    texts = ("risk_measure", "risk_chance", "risk_item", "risk_resource", "risk_lever")
    assert [none[name] for name in texts] == [""] * 5


# levers


def lever_tables(chosen: bool, closed: float, limit: float) -> dict[str, pd.DataFrame]:
    choice = [("A second shift", chosen, 300.0), ("A campaign", False, 70.0)]
    verdict = ["chosen" if chosen else "cannot act", "left out"]
    sets = [
        ("brings most", "“A second shift”", 300.0, 10.0),
        ("other", "“A campaign”", 70.0, closed),
    ]
    plan = [("contribution_value", 6.0, 92.0)]
    names = ["set", "levers", "cost_value", "closed_value"]
    return {
        "lever_choice": pd.DataFrame(
            choice, columns=["statement", "is_chosen", "cost_value"]
        ).assign(verdict=verdict),
        "lever_limits": pd.DataFrame({"limit": ["money"], "without_value": [limit]}),
        "lever_sets": pd.DataFrame(sets, columns=names).assign(lacking_value=50.0),
        "lever_plan": pd.DataFrame(plan, columns=["kpi", "difference", "expected_value"]),
    }


def test_levers_tell_what_to_pull_what_it_brings_and_whether_the_gap_closes():
    found = headlines.levers(lever_tables(True, 50.0, 8.0))
    assert found["levers_state"] == "1 of 2 levers should be pulled: A second shift"
    assert found["levers_net"] == ("signed_value", 92.0) and found["levers_cost"][1] == 300.0
    assert found["levers_closing"] == "“A campaign”" and np.isnan(found["levers_reach"][1])
    assert found["levers_limit"] == "money" and found["levers_limit_value"] == ("value", 8.0)
    found = headlines.levers(lever_tables(False, 20.0, 0.0))
    assert found["levers_state"] == "No lever within the limits would bring more than it costs"
    assert np.isnan(found["levers_net"][1]) and np.isnan(found["levers_cost"][1])
    assert found["levers_closing"] == "" and found["levers_reach"] == ("value", 20.0)
    assert found["levers_limit"] == ""


def test_where_no_lever_can_act_that_is_said():
    tables = lever_tables(False, 20.0, 0.0)
    tables["lever_choice"] = tables["lever_choice"].assign(verdict="cannot act")
    assert headlines.levers(tables)["levers_state"] == "No lever can act"


def test_without_levers_their_sentences_fall_away():
    found = headlines.levers(verdicts.nothing())
    texts = [amount for amount in found.values() if isinstance(amount, str)]
    numbers = [amount[1] for amount in found.values() if not isinstance(amount, str)]
    assert texts == [""] * len(texts) and np.isnan(numbers).all()


# goals of the strategy and disconnects


def goal(status: str, value: float = 0.0, binding: str = "") -> dict:
    words = {"goal": "Tents: growth", "takes": "90 more hours of sewing", "binding": binding}
    return words | {"status": status, "amount_value": value}


def contradictions(goals: list[dict], rows: list[tuple]) -> pd.DataFrame:
    check = pd.DataFrame(goals, columns=["goal", "takes", "binding", "status", "amount_value"])
    check = check.astype({"amount_value": "float64"})
    table = pd.DataFrame(rows, columns=["rule", "subject", "amount_value", "is_material"])
    table = table.astype({"amount_value": "float64", "is_material": "bool"})
    return headlines.contradictions(check, table).set_index("fact")


def test_the_goal_furthest_off_in_money_is_told_with_what_binds_it():
    goals = [goal("deliverable"), goal("short of demand", 5.0, "demand"), goal("not measured")]
    facts = contradictions([*goals, goal("short of supply", 9.0, "sewing")], [])
    assert facts.loc["goals_state", "text"].startswith("1 of 3 goals")
    assert facts.loc["worst_goal", "text"] == "Tents: growth, bound by sewing"
    assert facts.loc["worst_goal_short", "amount"] == 9.0
    assert facts.loc["goals_unmeasured", "amount"] == 1
    nothing = contradictions([], [])
    assert nothing.loc["goals_state", "text"].startswith("No goal of the sales strategy")
    assert nothing.loc["worst_goal", "text"] == "" and np.isnan(
        nothing.loc["goals_unmeasured"].amount
    )


def test_disconnects_above_materiality_are_counted_apart_from_small_ones():
    rows = [("budget", "Tents", 70.0, True), ("event", "May", np.nan, True), ("x", "y", 3.0, False)]
    facts = contradictions([], rows)
    assert facts.loc["disconnects_state", "text"].startswith("2 contradictions between plans")
    assert facts.loc["disconnects_value", "amount"] == 70.0
    assert facts.loc["worst_disconnect", "text"] == "budget (Tents)"
    assert facts.loc["small_disconnects", "amount"] == 1
    assert contradictions([], []).loc["disconnects_state", "text"].startswith("No two plans")


def test_a_choice_without_regret_is_not_beaten_in_any_state():
    table = pd.DataFrame({"scenario": ["as planned", "a"], "kpi": "contribution_value"})
    table = table.assign(difference=[0.0, -3.0])
    listed = pd.DataFrame({"scenario": ["as planned", "a"], "title": ["As planned", "Shift"]})
    ranked = pd.DataFrame({"choice": ["as planned", "a"], "worst_regret_value": [0.0, 3.0]})
    ranked = ranked.assign(worst_outside="as planned", mean_contribution_value=[5.0, 2.0])
    for least, unbeaten, state in (
        (0.0, "no other choice would be better in any state", ""),
        (2.0, "", "As planned"),
    ):
        ranked.loc[0, "worst_regret_value"] = least
        facts = headlines.scenarios(table, listed, ranked, 2, []).set_index("fact")
        assert (facts.loc["unbeaten", "text"], facts.loc["robust_state", "text"]) == (
            unbeaten,
            state,
        )


def test_purchasing_tells_what_to_order_now_and_next_and_what_is_late_by_hand():
    orders = pd.DataFrame(
        {
            "order_month": pd.to_datetime(["2026-01-01", "2026-01-01", "2026-02-01", "2026-04-01"]),
            "is_now": [True, True, False, False],
            "amount_value": [100.0, None, 40.0, 7.0],
            "unit_cost_value": [10.0, None, 4.0, 1.0],
            "launch_quantity": [2.0, 5.0, 0.0, 7.0],
        }
    )
    parts = pd.DataFrame({"item": ["tube"], "amount_value": [900.0]})
    late = {"item": ["lamp"], "chain": ["lamp ← tube"], "amount_value": [50.0]}
    late = pd.DataFrame(late | {"possible_month": [pd.Timestamp("2026-06-01")]})
    bought = {"purchase_orders": orders, "late_components": parts, "late_launches": late}
    told = headlines.purchasing(bought, cycle=pd.Timestamp("2026-01-01"))
    assert told["orders_now"][1] == 2 and told["orders_now_value"][1] == 100.0
    assert told["orders_next"][1] == 1 and told["orders_next_value"][1] == 40.0
    assert told["unpriced_orders"][1] == 1
    assert told["launch_orders_value"][1] == 27.0
    assert told["late_component"] == "tube" and told["late_launch_chain"] == "lamp ← tube"
    nothing = headlines.purchasing(
        {name: table.iloc[:0] for name, table in bought.items()}, cycle=pd.Timestamp("2026-01-01")
    )
    assert nothing["late_component"] == "" and pd.isna(nothing["orders_now"][1])
    assert pd.isna(nothing["launch_orders_value"][1])


def test_cash_tells_what_comes_and_goes_the_tightest_month_and_whose_terms_lack_by_hand():
    months_of = pd.to_datetime(["2026-01-01", "2026-01-01", "2026-02-01"])
    table = pd.DataFrame({"month": months_of, "amount_value": [100.0, -130.0, 50.0]})
    told = headlines.cash(table, ["A", "B", "C", "D", "E"])
    assert told["cash_in"][1] == 150.0 and told["cash_out"][1] == 130.0
    assert told["cash_low"][1] == told["cash_lowest"][1] == -30.0
    assert told["cash_low_month"] == months_of[0]
    assert told["cash_unknown"] == "A, B, C, D and 1 more"
    nothing = headlines.cash(table.iloc[:0], [])
    assert pd.isna(nothing["cash_in"][1]) and nothing["cash_unknown"] == ""


SHORT = pd.DataFrame(
    {
        "cause": ["hours", "component", "component", "backlog"],
        "limit": ["sewing", "zip", "zip", "plant"],
        "late_quantity": [50.0, 5.0, 5.0, 999.0],
        "lost_quantity": [0.0, 0.0, 10.0, 0.0],
        "amount_value": [100.0, 150.0, 150.0, 9999.0],
    }
)
GOT = pd.DataFrame({"demand": [100.0, 100.0], "on_time": [70.0, 60.0]})
RULES = pd.DataFrame({"rule": ["contract", "priority", "fair share", "margin"], "channel": "all"})
RULES = RULES.assign(late_quantity=[70.0, 70.0, 70.0, 60.0], late_value=400.0)
RULES = RULES.assign(is_chosen=RULES["rule"] == "contract")
CHANNELS = pd.DataFrame({"channel": ["web"], "priority": [1.0], "contract_rate": [0.0]})


def short_of(table, got=GOT, wanted=None, rules=RULES, channels=CHANNELS, is_stock_known=True):
    """Facts of what is short; the plan holds 180 units."""
    plan = pd.DataFrame({"constrained": [180.0]})
    seen = (got, got if wanted is None else wanted, plan, rules, channels)
    return headlines.short(table, *seen, is_stock_known=is_stock_known)


def test_what_is_short_names_the_limit_behind_most_of_it_in_money():
    table = SHORT
    told = short_of(table)
    assert told["short_units"][:2] == ("quantity", 70.0)
    assert told["short_value"][:2] == ("value", 400.0)
    assert (told["short_cause"], told["short_share"]) == ("component (zip)", ("rate", 0.75))
    by_units = short_of(table.assign(amount_value=[np.nan, 1.0, 1.0, 1.0]))
    assert by_units["short_cause"] == "hours (sewing)"
    none = short_of(table[:0], GOT.assign(on_time=GOT["demand"]))
    assert np.isnan(none["short_units"][1]) and np.isnan(none["short_value"][1])


def test_orders_beyond_the_plan_and_what_sales_agreed_to_are_told_beside_by_hand():
    plain = short_of(SHORT)
    assert plain["demand_kind"] == "demand" and plain["beyond_units"][1] == 20.0
    assert np.isnan(plain["wanted_rate"][1]) and np.isnan(plain["wanted_late"][1])
    first = pd.DataFrame({"demand": [150.0, 50.0], "on_time": [70.0, 20.0]})
    agreed = short_of(SHORT, wanted=first)
    assert agreed["demand_kind"] == "demand as sales agreed to it"
    assert agreed["wanted_rate"][1] == pytest.approx(90 / 200)
    assert agreed["wanted_late"][1] == 110.0 and agreed["short_units"][1] == 70.0


def test_where_stock_is_assumed_no_late_unit_is_told():
    told = short_of(SHORT, is_stock_known=False)
    for name in ("short_units", "short_value", "wanted_rate", "wanted_late"):
        assert np.isnan(told[name][1])
    review = supply_review(known=False)
    assert np.isnan(amount(review, "on_time_rate")) and np.isnan(amount(review, "late_items"))
    assert text(review, "on_time_rate") == "unknown (no stock given)"
    assert "no stock was given" in text(review, "unmeasured")


def test_where_nothing_is_demanded_the_review_says_so_instead_of_a_share():
    assert text(supply_review(), "unmeasured") == ""
    review = supply_review(delivered=DELIVERED.assign(demand=0.0, on_time=0.0))
    assert np.isnan(amount(review, "on_time_rate"))
    assert text(review, "unmeasured") == "No demand is planned, so there is nothing to supply"


def test_rules_that_do_the_same_are_named_with_what_they_lack():
    channels = pd.DataFrame({"channel": ["web"], "priority": [np.nan], "contract_rate": [np.nan]})
    assert short_of(SHORT, channels=channels)["rules_alike"] == (
        "Contract, priority and fair share do the same: "
        "channels.csv holds no priority and no contract"
    )
    known = short_of(SHORT, channels=channels.assign(priority=1.0, contract_rate=0.5))
    assert known["rules_alike"] == "Contract, priority and fair share do the same"
    same = RULES.assign(late_quantity=70.0)
    assert short_of(SHORT, rules=same)["rules_alike"].startswith("Every rule does the same")
    apart = RULES.assign(late_quantity=[70.0, 69.0, 68.0, 67.0])
    assert short_of(SHORT, rules=apart)["rules_alike"] == ""
