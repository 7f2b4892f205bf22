"""How far the plan looks: three months by item, then years against capacity."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months, schema
from sopkit.reconciliation import horizons

CYCLE = pd.Timestamp("2026-04-01")
YEARS = [2026, 2027, 2028, 2029]
NO_BUDGET = pd.DataFrame({"family": [], "month": pd.to_datetime([])}).assign(
    budget_quantity=[], budget_revenue_value=[]
)
RESOURCES = pd.DataFrame({"resource": ["sewing", "packing"], "workers": [2.0, np.nan]})
BILLS = pd.DataFrame(
    {
        "item": ["A", "B", "A"],
        "route": ["", "", "night"],
        "resource": ["sewing", "sewing", "packing"],
        "hours_per_unit": [2.0, 1.0, 50.0],
        "offset_months": 0,
    }
)


def typed(name: str, **columns) -> pd.DataFrame:
    return contract.check_table(name, pd.DataFrame(columns), contract.Source(name)).frame


ITEMS = typed(
    "items",
    item=["A", "B"],
    family=["Tents", "Stoves"],
    description=["Fjell", "Gas"],
    planning_factor=[1.0, 10.0],
)


def monthly(first: str, name: str, **units: list[float]) -> pd.DataFrame:
    """Units by item from the first month on; a unit is worth 3."""
    parts = [
        pd.DataFrame(
            {
                "item": item,
                "location": "all",
                "channel": "all",
                "month": months.span(months.parse_cycle(first), len(values)),
                name: np.asarray(values, dtype="float64"),
            }
        )
        for item, values in units.items()
    ]
    table = pd.concat(parts, ignore_index=True)
    return table.assign(revenue_value=3.0 * table[name])


SOLD = monthly("2025-01", "net", A=[10] * 15, B=[4] * 15)
PLAN = monthly("2026-04", "quantity", A=[10] * 9 + [12] * 12, B=[4] * 9 + [2] * 12)
PLAN = PLAN.assign(constrained=PLAN["quantity"] - 1.0)


def hours(regular: float, overtime: float = 10.0) -> pd.DataFrame:
    span = months.span(pd.Timestamp("2026-01-01"), 48)
    parts = [pd.DataFrame({"resource": name, "month": span}) for name in RESOURCES["resource"]]
    return pd.concat(parts).assign(regular_hours=regular, overtime_hours=overtime)


def years_of(sold=SOLD, plan=PLAN, budget=NO_BUDGET, bills=BILLS, available=None, terms=(1, 0)):
    available = hours(25.0) if available is None else available
    table = horizons.strategic_years(
        sold, plan, ITEMS, budget, bills, available, RESOURCES, years=YEARS, terms=terms
    )
    contract.check_processed("strategic_years", table)
    return table


def row(table: pd.DataFrame, member: str, year: int) -> pd.Series:
    own = table[(table["member"] == member) & (table["fiscal_year"] == year)]
    assert len(own) == 1
    return own.iloc[0]


def test_the_next_three_months_by_item_by_hand():
    table = horizons.near_items(PLAN, ITEMS)
    contract.check_processed("near_items", table)
    assert table["item"].tolist() == ["A", "B"]  # the larger in money first
    first = table.iloc[0]
    assert (first["description"], first["family"]) == ("Fjell", "Tents")
    names = ["first_quantity", "second_quantity", "third_quantity", "gap", "revenue_value"]
    assert first[names].tolist() == [10.0, 10.0, 10.0, -3.0, 90.0]


def test_a_plan_of_two_months_has_nothing_in_the_third():
    short = PLAN[PLAN["month"] < "2026-06-01"]
    assert horizons.near_items(short, ITEMS)["third_quantity"].tolist() == [0.0, 0.0]


def test_years_grow_on_like_the_last_planned_year_and_less_each_time_by_hand():
    table = years_of()
    quantities = [row(table, "Tents", year)["quantity"] for year in YEARS]
    assert quantities[:2] == [120.0, 144.0]
    assert quantities[2] == pytest.approx(144 * 1.10)  # 20 % damped to a half
    assert quantities[3] == pytest.approx(144 * 1.10 * 1.05)
    falling = row(table, "Stoves", 2028)  # 48 units of ten become 24
    assert falling["quantity"] == pytest.approx(240 * 0.75)
    assert falling["revenue_value"] == pytest.approx(240 * 0.75 / 10 * 3)
    assert row(table, "Company", 2027)["quantity"] == 144 + 240
    bases = [row(table, "Company", year)["basis"] for year in YEARS]
    assert bases == ["plan", "plan", "extrapolated", "extrapolated"]


def test_a_launch_does_not_grow_for_good():
    plan = monthly("2026-04", "quantity", A=[0] * 8 + [10] * 13).assign(constrained=0.0)
    sold = monthly("2025-01", "net", A=[0] * 15)
    table = years_of(sold, plan)
    assert row(table, "Tents", 2028)["quantity"] == pytest.approx(120 * (1 + 0.25 / 2))


def test_hours_are_those_of_the_usual_route_beside_the_hours_there_are_by_hand():
    table = years_of()
    this, following, later = (row(table, "sewing", year) for year in YEARS[:3])
    assert this["hours"] == 120 * 2 + 48 * 1
    assert following["hours"] == 144 * 2 + 24 * 1
    assert (following["regular_hours"], following["overtime_hours"]) == (300.0, 120.0)
    assert following["utilisation_rate"] == pytest.approx(312 / 300)
    assert following["extra_hours"] == pytest.approx(12.0)
    assert following["extra_workers"] == pytest.approx(12 * 2 / 300)
    assert later["hours"] == pytest.approx(144 * 1.1 * 2 + 24 * 0.75)
    idle = row(table, "packing", 2027)
    assert (idle["hours"], idle["extra_hours"]) == (0.0, 0.0)
    assert np.isnan(idle["extra_workers"])


def test_a_budget_that_reaches_further_is_taken_instead_of_the_extrapolation():
    span = months.span(pd.Timestamp("2028-01-01"), 12)
    budget = pd.DataFrame({"family": "Tents", "month": span})
    budget = budget.assign(budget_quantity=20.0, budget_revenue_value=70.0)
    table = years_of(budget=budget)
    tents = row(table, "Tents", 2028)
    assert (tents["basis"], tents["quantity"], tents["revenue_value"]) == ("budget", 240.0, 840.0)
    assert row(table, "sewing", 2028)["hours"] == pytest.approx(240 * 2 + 24 * 0.75)
    assert row(table, "Tents", 2029)["quantity"] == pytest.approx(240 * 1.05)
    holed = years_of(budget=budget[1:])
    assert row(holed, "Tents", 2028)["basis"] == "extrapolated"


def test_years_that_are_known_in_part_are_left_out():
    table = years_of(terms=(7, 0))  # the plan ends in December, its last year in June
    assert table["fiscal_year"].min() == 2026
    assert row(table, "Tents", 2026)["quantity"] == 12 * 10
    sold = SOLD[SOLD["month"] >= "2025-10-01"]
    table = years_of(sold, terms=(7, 0))
    assert table["fiscal_year"].min() == 2027
    nothing = PLAN[PLAN["month"] < "2026-06-01"]
    assert years_of(sold.iloc[:0], nothing).empty


def test_without_resources_routings_and_prices_demand_still_stands():
    unpriced = {"revenue_value": np.nan}
    table = years_of(
        SOLD.assign(**unpriced), PLAN.assign(**unpriced), bills=BILLS[:0], available=hours(1.0)[:0]
    )
    assert set(table["level"]) == {"family"}
    assert row(table, "Company", 2028)["quantity"] > 0
    assert table["revenue_value"].isna().all()


def test_families_add_up_to_the_company():
    table = years_of()
    families = table[(table["level"] == "family") & (table["member"] != schema.COMPANY_LABEL)]
    whole = table[table["member"] == schema.COMPANY_LABEL].set_index("fiscal_year")
    for name in ("quantity", "revenue_value"):
        sums = families.groupby("fiscal_year")[name].sum()
        np.testing.assert_allclose(sums, whole[name])
