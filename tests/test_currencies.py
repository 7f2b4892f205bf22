"""Money in several currencies becomes the company's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sopkit import contract, currencies

CYCLE = pd.Timestamp("2026-01-01")


def typed(name: str, **columns) -> pd.DataFrame:
    checked = contract.check_table(name, pd.DataFrame(columns), contract.Source(name))
    assert not [finding for finding in checked.findings if finding.state == "breach"]
    return checked.frame


LOCATIONS = typed("locations", location=["Norway", "Home", "Depot"], currency=["NOK", "EUR", None])
RATES = typed(
    "rates",
    currency="NOK",
    month=["2025-11", "2025-12", "2026-01", "2026-01", "2026-02"],
    kind=["actual", "actual", "actual", "budget", "budget"],
    rate=[0.08, 0.1, 0.5, 0.2, 0.25],
)
TABLES = {"locations": LOCATIONS, "rates": RATES, "company": pd.DataFrame({"currency": ["EUR"]})}


def sales(**columns) -> pd.DataFrame:
    usual = {"item": "A", "location": "Norway", "quantity": 1, "revenue_value": 100.0}
    return typed("sales", **(usual | columns))


def converted(table: pd.DataFrame, kind: str = currencies.PLAN, cycle=CYCLE, **tables) -> list:
    measures = [name for name in ("revenue_value", "unit_price_value") if name in table]
    made = currencies.in_company_currency(table, measures, TABLES | tables, cycle=cycle, kind=kind)
    return made[measures[0]].tolist()


# (1) by hand


def test_closed_months_take_the_actual_rate_of_their_month_by_hand():
    table = sales(month=["2025-11", "2025-12"])
    assert converted(table, currencies.ACTUAL) == pytest.approx([8.0, 10.0])


def test_a_plan_takes_the_budget_rate_of_its_month_else_the_last_actual_one_by_hand():
    budget = typed(
        "budget",
        location=["Norway"] * 4,
        month=["2026-01", "2026-02", "2026-03", "2025-12"],
        revenue_value=100.0,
    )
    # 2026-03 has no budget rate; the actual one of 2026-01 is not known in the cycle yet
    assert converted(budget) == pytest.approx([20.0, 25.0, 10.0, 10.0])


def test_a_month_without_actual_rate_has_no_money_and_not_the_last_rates():
    table = sales(month=["2025-10", "2026-01"])
    assert np.isnan(converted(table, currencies.ACTUAL)).all()


def test_in_a_later_cycle_the_rate_of_the_first_is_known():
    later = pd.Timestamp("2026-02-01")
    assert converted(sales(month=["2026-01"]), currencies.ACTUAL, later) == [50.0]
    march = typed("budget", location=["Norway"], month=["2026-03"], revenue_value=[100.0])
    assert converted(march, cycle=later) == [50.0]


def test_a_quarter_takes_the_rate_of_its_first_month_and_a_month_wins_over_the_cycle():
    budget = typed(
        "budget",
        location=["Norway", "Norway"],
        month=[None, "2026-02"],
        quarter=["2026-02", None],
        revenue_value=100.0,
    )
    assert converted(budget) == [25.0, 25.0]


def test_prices_take_the_rate_of_the_cycle_whenever_they_began():
    prices = typed(
        "prices",
        item="A",
        location=["Norway", "Home"],
        first_month=["2020-01", "2026-02"],
        unit_price_value=100.0,
    )
    assert converted(prices) == [20.0, 100.0]


def test_money_of_the_whole_company_of_home_and_of_places_without_currency_stands():
    table = sales(location=["all", "Home", "Depot", "Moon"], month="2025-12")
    assert converted(table, currencies.ACTUAL) == [100.0] * 4


def test_the_company_in_krona_converts_nothing_of_norway():
    company = {"company": pd.DataFrame({"currency": ["NOK"]})}
    table = sales(location=["Norway", "Depot"], month="2025-12")
    assert converted(table, currencies.ACTUAL, **company) == [100.0, 100.0]


def test_two_currencies_each_take_their_own_rate():
    places = typed("locations", location=["Norway", "Sweden"], currency=["NOK", "SEK"])
    rates = typed(
        "rates", currency=["NOK", "SEK"], month="2025-12", kind="actual", rate=[0.1, 0.09]
    )
    table = sales(location=["Norway", "Sweden", "Norway"], month=["2025-12"] * 2 + ["2025-11"])
    found = converted(table, currencies.ACTUAL, locations=places, rates=rates)
    assert found[:2] == pytest.approx([10.0, 9.0]) and np.isnan(found[2])
    plan = typed("budget", location=["Sweden", "Norway"], month="2026-05", revenue_value=100.0)
    assert converted(plan, locations=places, rates=rates) == pytest.approx([9.0, 10.0])


# (3) invariants


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["Norway", "Home", "Depot", "all"]),
            st.sampled_from(["2025-11", "2025-12"]),
            st.floats(-1e6, 1e6),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_the_converted_total_is_each_currencys_total_times_its_rate(rows):
    table = pd.DataFrame(rows, columns=["location", "month", "revenue_value"])
    table["month"] = pd.to_datetime(table["month"])
    found = sum(converted(table, currencies.ACTUAL))
    rate = {"2025-11": 0.08, "2025-12": 0.1}
    expected = sum(
        money * (rate[month] if place == "Norway" else 1.0) for place, month, money in rows
    )
    assert found == pytest.approx(expected, abs=1e-6)


def test_rates_of_one_change_nothing():
    table = sales(location=["Norway", "Home"], month="2025-12")
    assert converted(table, currencies.ACTUAL, rates=RATES.assign(rate=1.0)) == [100.0, 100.0]


def test_units_and_other_columns_stand_and_arguments_are_left_alone():
    table = sales(location=["Norway", "Home"], month="2025-12")
    arguments = [table, *TABLES.values()]
    copies = [frame.copy() for frame in arguments]
    made = currencies.in_company_currency(table, ["revenue_value"], TABLES, cycle=CYCLE)
    for copy, frame in zip(copies, arguments, strict=True):
        pd.testing.assert_frame_equal(copy, frame)
    pd.testing.assert_frame_equal(
        made.drop(columns="revenue_value"), table.drop(columns="revenue_value")
    )


def test_the_order_of_rows_and_of_rates_changes_nothing():
    table = sales(location=["Norway", "Home", "Norway"], month=["2025-11", "2025-12", "2025-12"])
    budget = typed("budget", location=["Norway"], month=["2027-01"], revenue_value=[100.0])
    turned = RATES[::-1].reset_index(drop=True)
    assert converted(table[::-1], currencies.ACTUAL, rates=turned)[::-1] == converted(
        table, currencies.ACTUAL
    )
    assert converted(budget, rates=turned) == converted(budget) == [10.0]


def test_without_rates_foreign_money_is_missing_and_the_rest_stands():
    table = sales(location=["Norway", "Home"], month="2025-12")
    for kind in (currencies.ACTUAL, currencies.PLAN):
        found = converted(table, kind, rates=contract.empty("rates"))
        assert np.isnan(found[0]) and found[1] == 100.0


def test_a_plan_stands_at_the_budget_rate_of_each_month():
    tables = {
        "company": pd.DataFrame({"currency": ["EUR"]}),
        "locations": pd.DataFrame({"location": ["US"], "currency": ["USD"]}),
        "rates": pd.DataFrame(
            {
                "currency": "USD",
                "month": pd.to_datetime(["2026-01-01", "2026-02-01"]).astype("datetime64[us]"),
                "kind": "budget",
                "rate": [0.8, 0.4],
            }
        ),
    }
    month = pd.to_datetime(["2026-01-01", "2026-02-01", "2026-02-01"]).astype("datetime64[us]")
    plan = pd.DataFrame({"location": ["US", "US", "home"], "month": month})
    cycle = pd.Timestamp("2026-01-01")
    factor = currencies.month_factors(plan, tables, cycle=cycle)["plan"]
    assert factor.tolist() == pytest.approx([1.0, 0.5, 1.0])


def test_a_plans_money_at_the_last_actual_rate_and_at_those_of_a_year_before_by_hand():
    months_of = pd.to_datetime(["2026-02-01", "2026-11-01", "2027-01-01"]).astype("datetime64[us]")
    plan = pd.DataFrame({"location": "Norway", "month": months_of})
    factor = currencies.month_factors(plan, TABLES, cycle=CYCLE)
    # the cycle's rate is 0.2, the last actual one 0.1; a year before 2027-01 is planned at 0.2
    assert factor["plan"].tolist() == pytest.approx([1.25, 0.5, 0.5])
    assert factor["held"].tolist() == pytest.approx([0.5, 0.5, 0.5])
    assert factor["last_year"].tolist()[1:] == pytest.approx([0.4, 1.0])
    assert np.isnan(factor["last_year"].iloc[0])  # no rate of 2025-02 is known
