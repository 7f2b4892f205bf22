"""Do we make the year: closed months and plan to go beside budget, last year, last outlook."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sopkit import contract, months
from sopkit.reconciliation import outlook

CYCLE = pd.Timestamp("2026-04-01")
NOTHING = pd.DataFrame()
NO_QUARTERS = pd.DataFrame(
    {"family": [], "quarter": pd.to_datetime([]), "budget_revenue_value": []}
)
NO_PLAN = pd.DataFrame({"family": [], "month": pd.to_datetime([])}).assign(
    revenue_value=[], quantity=[]
)
NO_EXCHANGE = pd.Series(0.0, index=months.span(CYCLE, 21))
MEASURES = ["quantity", "revenue_value", "margin_value"]


def of_months(first: str, **families: tuple) -> pd.DataFrame:
    """Months from the first on by family: ``(prices, units)``, lists or numbers; margin half."""
    parts = []
    for family, (price, units) in families.items():
        count = max(np.size(price), np.size(units))
        part = pd.DataFrame({"month": months.span(months.parse_cycle(first), count)})
        part = part.assign(family=family, quantity=np.asarray(units, dtype="float64"))
        part["revenue_value"] = part["quantity"] * price
        parts.append(part.assign(margin_value=part["revenue_value"] / 2.0))
    table = pd.concat(parts, ignore_index=True)
    whole = table.groupby("month", as_index=False)[MEASURES].sum()
    return pd.concat([whole.assign(family="Company"), table], ignore_index=True)


def months_of(closed, planned, budget=None, supply: float = 1.0) -> pd.DataFrame:
    """From ``monthly``; the budget is a table like ``of_months``, the company's sum in it."""
    names = {name: f"budget_{name}" for name in MEASURES}
    budget = of_months("2030-01", Tents=(1.0, [1.0])) if budget is None else budget
    budget = budget.rename(columns=names)[["family", "month", *names.values()]]
    closed, planned = (
        table.merge(budget, on=["family", "month"], how="left", validate="1:1")
        for table in (closed, planned)
    )
    both = []
    for table in (closed, planned):
        own = table["revenue_value"].where(table["budget_revenue_value"].notna())
        is_company = table["family"] == "Company"
        families = own[~is_company].groupby(table["month"]).sum(min_count=1)
        both.append(
            table.assign(budgeted_revenue_value=own.mask(is_company, table["month"].map(families)))
        )
    supplied = {f"supply_{name}": both[1][name] * supply for name in MEASURES}
    return outlook.monthly(both[0].rename(columns={"quantity": "net"}), both[1].assign(**supplied))


def of(table: pd.DataFrame, family="Company", measure="revenue", year=2026) -> pd.Series:
    rows = table[(table["family"] == family) & (table["measure"] == measure)]
    rows = rows[rows["fiscal_year"] == year]
    assert len(rows) == 1
    return rows.iloc[0]


def outlook_of(months_, quarters=NO_QUARTERS, last=NOTHING, terms=(1, 0)) -> pd.DataFrame:
    table = outlook.outlook(months_, quarters, last, cycle=CYCLE, terms=terms)
    contract.check_processed("outlook", table)
    return table


CLOSED = of_months("2025-01", Tents=(10.0, [10] * 12 + [12] * 3), Stoves=(5.0, [4] * 15))
PLANNED = of_months("2026-04", Tents=(10.0, [15] * 21), Stoves=(6.0, [4] * 21))
BUDGET = of_months("2026-01", Tents=(11.0, [14] * 24), Stoves=(5.0, [4] * 24))


# (1) by hand


def test_the_year_is_what_was_sold_and_what_is_planned_to_go_by_hand():
    row = of(outlook_of(months_of(CLOSED, PLANNED, BUDGET, supply=0.9)))
    assert row["actual"] == 3 * (120 + 20)
    assert row["plan_to_go"] == 9 * (150 + 24)
    assert row["outlook"] == 420 + 1566
    assert row["supplied_outlook"] == pytest.approx(420 + 0.9 * 1566)
    assert row["budget"] == 12 * (154 + 20)
    assert row["last_year"] == 12 * 120
    assert (row["months_closed"], row["months_to_go"]) == (3, 9)
    assert row["growth_to_date_rate"] == pytest.approx(420 / 360 - 1)
    assert row["growth_planned_rate"] == pytest.approx(1566 / 1080 - 1)
    assert row["growth_needed_rate"] == pytest.approx((12 * 174 - 420) / 1080 - 1)
    assert np.isnan(row["last_outlook"])


def test_margin_and_units_stand_beside_their_own_budget_and_families_beside_theirs():
    table = outlook_of(months_of(CLOSED, PLANNED, BUDGET))
    assert of(table, measure="margin")["budget"] == 12 * 87
    assert of(table, measure="units")["outlook"] == 3 * 16 + 9 * 19
    assert of(table, "Stoves")["growth_planned_rate"] == pytest.approx(0.2)
    assert table["unit"].unique().tolist() == ["value", "quantity"]


def test_the_next_year_is_compared_with_the_outlook_of_this_one():
    table = outlook_of(months_of(CLOSED, PLANNED, BUDGET))
    this, following = of(table), of(table, year=2027)
    assert following["last_year"] == this["outlook"]
    assert (following["months_closed"], following["months_to_go"]) == (0, 12)
    assert following["growth_planned_rate"] == pytest.approx(12 * 174 / this["outlook"] - 1)
    assert np.isnan(following["growth_to_date_rate"])


def test_a_fiscal_year_that_begins_in_july_has_nine_closed_months_by_hand():
    row = of(outlook_of(months_of(CLOSED, PLANNED, BUDGET), terms=(7, 0)))
    assert (row["months_closed"], row["months_to_go"]) == (9, 3)
    assert row["actual"] == 6 * 120 + 3 * 140
    assert np.isnan(row["budget"])  # the budget begins in the middle of this year
    assert np.isnan(row["last_year"])  # sales begin in the middle of the year before
    assert row["growth_planned_rate"] == pytest.approx(3 * 174 / 360 - 1)


def test_a_month_without_a_budget_leaves_the_year_without_one():
    holed = BUDGET[BUDGET["month"] != "2026-07-01"]
    row = of(outlook_of(months_of(CLOSED, PLANNED, holed)))
    assert np.isnan(row["budget"]) and np.isnan(row["growth_needed_rate"])
    assert np.isfinite(row["growth_planned_rate"])


def test_a_year_budgeted_by_quarter_is_read_from_its_quarters():
    starts = pd.to_datetime(["2026-01-01", "2026-04-01", "2026-07-01", "2026-10-01"])
    quarters = pd.DataFrame({"family": "Stoves", "quarter": starts, "budget_revenue_value": 70.0})
    months_ = months_of(CLOSED, PLANNED, BUDGET)
    assert of(outlook_of(months_, quarters), "Stoves")["budget"] == 280.0
    assert of(outlook_of(months_, quarters[:3]), "Stoves")["budget"] == 240.0  # its months again


def test_a_budget_that_leaves_families_out_needs_the_growth_of_those_it_speaks_of():
    partial = of_months("2026-01", Tents=(11.0, [14] * 24))
    table = outlook_of(months_of(CLOSED, PLANNED, partial))
    row = of(table)
    assert (row["budget"], row["budgeted"]) == (12 * 154, 3 * 120 + 9 * 150)
    lacking = row["budget"] - row["budgeted"]
    assert row["growth_needed_rate"] == pytest.approx((1566 + lacking) / 1080 - 1)
    # which part of the company's margin the budget speaks of is not known
    assert np.isnan(of(table, measure="margin")["budget"])


def test_the_last_outlook_is_that_of_the_same_year_and_family():
    last = pd.DataFrame(
        {
            "fiscal_year": [2026, 2025],
            "family": "Company",
            "measure": "revenue",
            "outlook": [1.0, 2.0],
        }
    )
    table = outlook_of(months_of(CLOSED, PLANNED), last=last)
    assert of(table)["last_outlook"] == 1.0
    assert np.isnan(of(table, year=2027)["last_outlook"])


def test_a_family_that_has_ended_keeps_its_last_year_and_a_new_one_has_none():
    closed = of_months("2025-01", Tents=(10.0, [10] * 15), Boats=(1.0, [7] * 12))
    planned = of_months("2026-04", Tents=(10.0, [10] * 21), Lamps=(2.0, [5] * 21))
    table = outlook_of(months_of(closed, planned))
    assert (of(table, "Boats")["outlook"], of(table, "Boats")["last_year"]) == (0.0, 84.0)
    lamps = of(table, "Lamps")
    assert (lamps["outlook"], lamps["last_year"]) == (90.0, 0.0)
    assert np.isnan(lamps["growth_planned_rate"])


def test_without_prices_the_outlook_in_money_is_missing_and_that_in_units_is_not():
    closed, planned = (
        t.assign(revenue_value=np.nan, margin_value=np.nan) for t in (CLOSED, PLANNED)
    )
    table = outlook_of(months_of(closed, planned))
    assert np.isnan(of(table)["outlook"])
    assert of(table, measure="units")["outlook"] == 219.0


# the bridge


def bridge_of(months_, last=NOTHING, last_plan=NO_PLAN, exchange=NO_EXCHANGE, terms=(1, 0)):
    table = outlook_of(months_, last=last, terms=terms)
    made = outlook.outlook_bridge(table, months_, last_plan, exchange, cycle=CYCLE, terms=terms)
    contract.check_processed("outlook_bridge", made)
    return made


def steps_of(made: pd.DataFrame, comparator: str, year: int = 2026) -> dict[str, float]:
    own = made[(made["comparator"] == comparator) & (made["fiscal_year"] == year)]
    return dict(zip(own["step"], own["amount_value"], strict=True))


def test_the_bridge_from_the_budget_by_hand():
    found = steps_of(bridge_of(months_of(CLOSED, PLANNED, BUDGET, supply=0.9)), "budget")
    assert found == pytest.approx(
        {
            "budget": 2088.0,
            "closed months": 420.0 - 3 * 174,
            "volume, months to go": 9 * (15 - 14) * 11.0,
            "price and mix, months to go": 9 * (15 * (10 - 11) + 4 * (6 - 5)),
            "outlook": 1986.0,
            "supply": -156.6,
            "outlook as supplied": 1829.4,
        }
    )


def test_exchange_rates_are_told_apart_from_price_beside_last_year_alone():
    exchange = pd.Series(2.0, index=months.span(CYCLE, 21)).rename_axis("month")
    made = bridge_of(months_of(CLOSED, PLANNED, BUDGET), exchange=exchange)
    found = steps_of(made, "last year")
    assert found["exchange rates"] == 18.0
    assert found["price and mix, months to go"] == pytest.approx(9 * 4 * 1 - 18.0)
    assert found["volume, months to go"] == 9 * 5 * 10.0
    assert found["closed months"] == 60.0
    assert "exchange rates" not in steps_of(made, "budget")


def test_the_bridge_from_the_last_outlook_by_hand():
    last_plan = of_months("2026-03", Tents=(10.0, [14] * 22), Stoves=(6.0, [5] * 22))
    then = 2 * 140 + 10 * (140 + 30)  # two months had closed
    last = pd.DataFrame(
        {"fiscal_year": [2026], "family": "Company", "measure": "revenue", "outlook": [then]}
    )
    found = steps_of(bridge_of(months_of(CLOSED, PLANNED), last, last_plan), "last outlook")
    assert found["closed months"] == 140.0 - 170.0
    assert found["volume, months to go"] == 9 * (10.0 - 6.0)
    assert found["outlook"] - found["last outlook"] == pytest.approx(-30.0 + 36.0)


def test_a_budget_of_the_company_alone_is_not_told_apart():
    whole = BUDGET[BUDGET["family"] == "Company"]
    months_ = months_of(CLOSED, PLANNED, whole)
    is_company = months_["family"] == "Company"
    months_ = months_.assign(budgeted=months_["amount"].where(is_company))
    found = steps_of(bridge_of(months_), "budget")
    assert found["closed months"] == 3 * (140.0 - 174.0)
    assert found["outlook"] - found["budget"] == pytest.approx(found["closed months"])
    assert "volume, months to go" not in found


@given(
    st.lists(st.floats(0, 1e6), min_size=72, max_size=72),
    st.lists(st.floats(0, 1e3), min_size=72, max_size=72),
    st.integers(1, 12),
    st.booleans(),
)
def test_steps_add_up_from_every_comparator_to_the_outlook(prices, units, first, is_partial):
    prices, units = np.reshape(prices, (2, 36)), np.reshape(units, (2, 36))
    closed = of_months(
        "2024-07",
        Tents=(prices[0, :21], units[0, :21]),
        Stoves=(prices[1, :21], 1.0 * units[1, :21]),
    )
    planned = of_months(
        "2026-04", Tents=(prices[0, :32], units[0, :32]), Lamps=(3.0, units[1, :32])
    )
    budget = of_months(
        "2024-07",
        Tents=(prices[1, :36], units[1, :36]),
        **({} if is_partial else {"Stoves": (2.0, units[0])}),
    )
    last_plan = of_months("2026-03", Tents=(prices[1, :32], units[1, :32]))
    last = pd.DataFrame(
        {
            "fiscal_year": [2026, 2027],
            "family": "Company",
            "measure": "revenue",
            "outlook": [5e6, 7e6],
        }
    )
    made = bridge_of(months_of(closed, planned, budget, 0.8), last, last_plan, terms=(first, 0))
    assert {"last year", "last outlook"} <= set(made["comparator"])
    for (_, comparator), own in made.groupby(["fiscal_year", "comparator"]):
        amounts = own.set_index("step")["amount_value"]
        between = own[own["kind"].eq("step") & own["step"].ne("supply")]["amount_value"].sum()
        size = max(amounts.abs().max(), 1.0)
        assert amounts[comparator] + between == pytest.approx(amounts["outlook"], abs=1e-9 * size)
        end = amounts["outlook"] + amounts.get("supply", 0.0)
        assert end == pytest.approx(amounts.get("outlook as supplied", end), abs=1e-9 * size)


def test_arguments_are_not_changed_and_the_order_of_rows_changes_nothing():
    months_ = months_of(CLOSED, PLANNED, BUDGET)
    before = months_.copy()
    made = bridge_of(months_)
    pd.testing.assert_frame_equal(before, months_)
    shuffled = months_.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(outlook_of(months_), outlook_of(shuffled))
    pd.testing.assert_frame_equal(made, bridge_of(shuffled))
