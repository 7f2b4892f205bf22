"""What the plan is worth, series by series and at every level, and what it ties up."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sopkit import contract, months, schema
from sopkit.reconciliation import money

CYCLE = pd.Timestamp("2026-01-01")
ITEMS = contract.empty("items").assign(item=[])


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
    return table.assign(month=[span[k] for k in table["month"]]).astype({name: "float64"})


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


def valued(plan: pd.DataFrame, delivered: pd.DataFrame, rate: float = 1.0) -> pd.DataFrame:
    factors = pd.DataFrame(rate, index=plan.index, columns=["plan", "held", "last_year"])
    rates = series(A=(10.0, 6.0), B=(20.0, np.nan))
    return money.plan_money(plan, delivered, rates, ITEMS, PLACES, factors)


def test_a_sites_deliveries_are_shared_like_the_demand_of_its_series_by_hand():
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


def test_late_deliveries_go_to_those_who_wait_by_the_demand_of_the_horizon_by_hand():
    plan = rows(
        "consensus",
        ("A", "North", "shop", 0, 6),
        ("A", "South", "shop", 0, 2),
        ("A", "North", "shop", 1, 0),
        ("A", "South", "shop", 1, 0),
    )
    table = valued(plan, rows("deliverable", ("A", "plant", 0, 4), ("A", "plant", 1, 4)))
    assert table["constrained"].tolist() == [3.0, 1.0, 3.0, 1.0]


def test_an_exchange_rate_moves_revenue_and_leaves_cost():
    plan = rows("consensus", ("A", "North", "shop", 0, 10))
    row = valued(plan, rows("deliverable", ("A", "plant", 0, 10)), rate=0.5).iloc[0]
    assert (row["revenue_value"], row["margin_value"]) == (50.0, -10.0)
    assert row["held_rate_revenue_value"] == row["last_year_rate_revenue_value"] == 50.0


@given(
    st.lists(st.floats(0, 1e6), min_size=24, max_size=24),
    st.lists(st.floats(-1e3, 1e6), min_size=8, max_size=8),
)
def test_parts_add_up_to_the_deliveries_of_each_site_and_month(wanted, given_units):
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
