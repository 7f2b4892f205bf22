"""What the plan is worth, series by series and at every level, and what it ties up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sopkit import contract, months, schema
from sopkit.reconciliation import money
from sopkit.supply import allocation, sites

CYCLE = pd.Timestamp("2026-01-01")
ITEMS = contract.empty("items").assign(item=[])
NOBODY = contract.empty("channels")


def typed(name: str, **columns) -> pd.DataFrame:
    return contract.check_table(name, pd.DataFrame(columns), contract.Source(name)).frame


PLACES = typed(
    "locations", location=["North", "South", "East"], supplied_from=["plant", "plant", "depot"]
)


def rows(name: str, *values: tuple) -> pd.DataFrame:
    """A table by item, location, channel (of a plan) and month; months are counted from zero."""
    key = schema.SERIES if name == "consensus" else schema.SITE
    table = pd.DataFrame(values, columns=[*key, "month", name])
    span = months.span(CYCLE, 12)
    table = table.assign(month=[span[k] for k in table["month"]]).astype({name: "float64"})
    return table.assign(constrained=table[name]) if name == "consensus" else table


def series(**prices: tuple) -> pd.DataFrame:
    keys = [
        (item, place, channel)
        for item in prices
        for place in PLACES["location"]
        for channel in ("shop", "web")
    ]
    table = pd.DataFrame(keys, columns=schema.SERIES)
    for k, name in enumerate(("unit_price_value", "unit_cost_value")):
        table[name] = [prices[item][k] for item in table["item"]]
    return table


def shared(plan: pd.DataFrame, delivered: pd.DataFrame, rates: pd.DataFrame) -> pd.DataFrame:
    """Table `allocation` in fair shares; what is not delivered is lost."""
    wanted = sites.series_demand(plan, contract.empty("orders"), ITEMS, PLACES)
    asked = wanted.groupby(["item", "site", "month"])["demand"].sum()
    index = pd.MultiIndex.from_frame(delivered[schema.SITE_MONTH])
    asked = asked.reindex(index, fill_value=0.0).to_numpy()
    given = delivered["deliverable"]
    whole = delivered.assign(demand=asked, owed=0.0, lost=(asked - given).clip(lower=0.0))
    return allocation.allocation(wanted, whole, NOBODY, rates, rule="fair share")


def valued(plan: pd.DataFrame, delivered: pd.DataFrame, rate: float = 1.0) -> pd.DataFrame:
    factors = pd.DataFrame(rate, index=plan.index, columns=["plan", "held", "last_year"])
    rates = series(A=(10.0, 6.0), B=(20.0, np.nan))
    return money.plan_money(plan, shared(plan, delivered, rates), rates, factors)


def test_what_is_received_is_priced_by_hand():
    plan = rows(
        "consensus",
        ("A", "North", "shop", 0, 6),
        ("A", "South", "web", 0, 2),
        ("A", "East", "shop", 0, 5),
        ("B", "North", "shop", 0, 3),
    )
    delivered = rows("deliverable", ("A", "plant", 0, 4), ("A", "depot", 0, 5))
    table = valued(plan, delivered)
    contract.check_processed("plan_money", table)
    assert table["constrained"].tolist() == [3.0, 1.0, 5.0, 3.0]  # no delivery of B is known
    assert table["revenue_value"].tolist() == [60.0, 20.0, 50.0, 60.0]
    assert table["constrained_revenue_value"].tolist() == [30.0, 10.0, 50.0, 60.0]
    assert table["constrained_margin_value"].tolist()[:3] == [12.0, 4.0, 20.0]
    assert np.isnan(table["margin_value"].iloc[3])


def test_an_exchange_rate_moves_revenue_and_leaves_cost():
    plan = rows("consensus", ("A", "North", "shop", 0, 10))
    row = valued(plan, rows("deliverable", ("A", "plant", 0, 10)), rate=0.5).iloc[0]
    assert (row["revenue_value"], row["margin_value"]) == (50.0, -10.0)
    assert row["held_rate_revenue_value"] == row["last_year_rate_revenue_value"] == 50.0


@given(
    st.lists(st.floats(0, 1e6), min_size=24, max_size=24),
    st.lists(st.floats(-1e3, 1e6), min_size=8, max_size=8),
)
def test_what_is_received_adds_up_to_the_deliveries_of_each_site_and_month(wanted, given_units):
    """Two items, two places of the plant and one of the depot, two channels, two months."""
    keys = [
        (item, place, channel, k)
        for item in "AB"
        for place in PLACES["location"]
        for channel in ("shop", "web")
        for k in (0, 1)
    ]
    plan = rows("consensus", *[(*key, x) for key, x in zip(keys, wanted, strict=True)])
    sites = [(item, site, k) for item in "AB" for site in ("plant", "depot") for k in (0, 1)]
    delivered = rows("deliverable", *[(*key, x) for key, x in zip(sites, given_units, strict=True)])
    table = valued(plan, delivered)
    site = np.where(table["location"] == "East", "depot", "plant")
    sums = table.groupby(["item", site, "month"])["constrained"].sum()
    expected = delivered.groupby(["item", "location", "month"])["deliverable"].sum()
    assert sums.to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-9, abs=1e-6)
    alone = delivered[delivered["location"] == "plant"].assign(location="mill")  # serves nobody
    table = valued(plan, alone)
    sums = table.groupby(["item", "month"])["constrained"].sum()
    expected = alone.groupby(["item", "month"])["deliverable"].sum()
    assert sums.to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-9, abs=1e-6)


# at every level


def by_level_of(**changes) -> pd.DataFrame:
    """A company of two made items and one bought, of two channels, for one quarter."""
    plan = rows(
        "consensus",
        *[("A", "North", "shop", k, 8) for k in range(3)],
        *[("A", "North", "web", k, 2) for k in range(3)],
        *[("B", "East", "web", k, 4) for k in range(3)],
    )
    by_series = valued(plan, rows("deliverable", *[("A", "plant", k, 10) for k in range(3)]))
    span = months.span(CYCLE, 3)
    costs = pd.DataFrame(
        {"item": "A", "location": "plant", "month": span, "production_cost_value": 40.0}
    ).assign(overtime_cost_value=[0.0, 10.0, 0.0], purchase_cost_value=[100.0, 0.0, 0.0])
    stock = pd.DataFrame({"item": "A", "location": "plant", "month": span, "closing": [5, -2, 3]})
    tables = {
        "items": typed("items", item=["A", "B"], family=["Tents", "Stoves"]),
        "locations": PLACES.assign(region=["Up", "Up", "Down"]),
        "channels": typed("channels", channel=["shop", "web"], payment_days=[30.4, None]),
        "suppliers": typed(
            "suppliers",
            item=["A", "A"],
            supplier=["slow", "quick"],
            lead_time_days=[60, 10],
            payment_days=[90, 45.6],
        ),
        "production": contract.empty("production"),
        "money_rates": series(A=(10.0, 6.0), B=(20.0, np.nan)),
        "supply_costs": costs,
        "inventory_projection": stock,
    }
    booked = pd.DataFrame(columns=[*schema.SERIES_MONTH, "revenue_value"]).astype(
        {"month": months.DTYPE, "revenue_value": "float64"}
    )
    first_month = changes.pop("first_month", 1)
    tables |= {name: value for name, value in changes.items() if name != "booked"}
    table = money.by_level(
        tables, by_series, changes.get("booked", booked), fiscal_year_first_month=first_month
    )
    contract.check_processed("money_by_level", table)
    return table


def period(table: pd.DataFrame, member: str, start: str, kind: str = "month") -> pd.Series:
    is_own = (table["member"] == member) & (table["period_kind"] == kind)
    row = table[is_own & (table["period"] == months.parse_cycle(start))]
    assert len(row) == 1
    return row.iloc[0]


def test_costs_stock_and_cash_of_the_company_by_hand():
    table = by_level_of()
    row = period(table, "Company", "2026-01", "quarter")
    assert row["revenue_value"] == 3 * (10 * 10 + 4 * 20)
    assert row["production_cost_value"] == 120.0
    assert (row["overtime_cost_value"], row["purchase_cost_value"]) == (10.0, 100.0)
    assert row["inventory_value"] == 3 * 6.0  # at the quarter's end
    assert row["receivable_value"] == 80.0  # a month of the shop; days of the web are not known
    assert row["payable_value"] == 0.0
    assert row["cash_value"] == 18.0 + 80.0
    january, february = (period(table, "Company", m) for m in ("2026-01", "2026-02"))
    assert january["payable_value"] == 100.0  # the quick supplier waits a month and a half
    assert february["payable_value"] == pytest.approx(50.0)
    assert february["inventory_value"] == 0.0  # what is owed to customers is no stock
    assert january["cash_value"] == 30.0 + 80.0 - 100.0


def test_a_channel_bears_its_share_of_costs_and_holds_no_stock_by_hand():
    table = by_level_of()
    shop = period(table, "shop", "2026-01")
    assert shop["production_cost_value"] == pytest.approx(40.0 * 0.8)
    assert shop["receivable_value"] == 80.0
    assert shop[["inventory_value", "payable_value", "cash_value"]].isna().all()
    assert period(table, "Up", "2026-02")["overtime_cost_value"] == pytest.approx(10.0)


def test_sales_and_receipts_before_the_plan_are_still_owed_by_hand():
    before = pd.DataFrame(
        {
            "item": "A",
            "location": "North",
            "channel": "shop",
            "month": months.span(pd.Timestamp("2025-12-01"), 1),
            "revenue_value": 500.0,
        }
    )
    made = typed("production", item=["A"], location=["plant"], month=["2025-12"], quantity=[10])
    channels = typed("channels", channel=["shop"], payment_days=[45.6])
    items = typed("items", item=["A", "B"], is_purchased=[True, False])
    table = by_level_of(booked=before, production=made, channels=channels, items=items)
    row = period(table, "Company", "2026-01")
    assert row["receivable_value"] == pytest.approx(80.0 + 250.0)
    assert row["payable_value"] == pytest.approx(100.0 + 10 * 6.0 / 2)


def test_where_no_terms_are_known_what_is_tied_up_is_stock_alone():
    table = by_level_of(channels=contract.empty("channels"), suppliers=contract.empty("suppliers"))
    row = period(table, "Company", "2026-01")
    assert np.isnan(row["receivable_value"]) and np.isnan(row["payable_value"])
    assert row["cash_value"] == row["inventory_value"] == 30.0


def test_only_whole_periods_of_the_fiscal_year_are_told():
    kinds = by_level_of()["period_kind"]
    assert set(kinds) == {"month", "quarter"}
    assert set(by_level_of(first_month=2)["period_kind"]) == {"month"}


def test_members_of_every_level_add_up_to_the_company():
    table = by_level_of()
    assert set(table["level"]) == {"company", "family", "channel", "region"}
    key, measures = ["period_kind", "period"], table.columns[4:]
    whole = table[table["level"] == "company"].set_index(key)[measures].sort_index()
    for level, own in table[table["level"] != "company"].groupby("level"):
        sums = own.groupby(key)[list(measures)].sum(min_count=1)
        known = measures if level == "family" else measures[:8]
        np.testing.assert_allclose(sums[known], whole[known], rtol=1e-9, atol=1e-9)
