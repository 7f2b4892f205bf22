"""Elasticity of demand to price: what is planted is found, what only looks like one is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import months, schema
from sopkit.demand import driver_groups, elasticity, event_rates, history

CYCLE = pd.Timestamp("2026-01-01")
SPAN = months.span(pd.Timestamp("2021-01-01"), 60)
SEASON = 1 + 0.4 * np.sin(np.arange(60) * np.pi / 6)
ELASTICITY = -1.5


def sold(
    seed: int,
    truth: float = ELASTICITY,
    *,
    step: float = 0.08,
    booking: float = 0.0,
    uplift: float = 0.0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables `demand_history` and `sales` of two families whose prices change six times.

    ``booking``: error of revenue, a month by itself; ``uplift``: of five marked promotions a
    series, fifteen percent cheaper.
    """
    rng, parts = np.random.default_rng(seed), []
    for family in "FG":
        price = np.zeros(60)
        for month in rng.choice(60, 6, replace=False):
            price[month:] += step * rng.normal()
        for channel, strength in (("Online", 1.0), ("Retail", 0.7)):
            for item in (f"{family}1", f"{family}2"):
                own = strength * price
                demand = 1000 * SEASON * np.exp(0.05 * rng.normal(size=60) + truth * own)
                paid = 10 * np.exp(own + booking * rng.normal(size=60))
                marked = np.zeros(60, dtype=bool)
                if uplift and item.endswith("1"):
                    marked[rng.choice(60, 5, replace=False)] = True
                    demand = np.where(marked, demand * (1 + uplift), demand)
                    paid = np.where(marked, paid * 0.85, paid)
                key = {"item": item, "location": "all", "channel": channel, "month": SPAN}
                row = key | {"quantity": np.round(demand), "is_promotion": marked}
                parts.append(pd.DataFrame(row).assign(revenue_value=np.round(demand) * paid))
    sales = pd.concat(parts, ignore_index=True).sort_values(schema.SERIES_MONTH, ignore_index=True)
    demand = sales[schema.SERIES_MONTH].assign(demand=sales["quantity"], sales=sales["quantity"])
    return history.with_effects(demand, {}), sales


def told(demand: pd.DataFrame, sales: pd.DataFrame, past=()) -> pd.DataFrame:
    """Rows of elasticities by family, with ``value, lower, upper`` of the elasticity itself."""
    series = demand[schema.SERIES].drop_duplicates(ignore_index=True)
    series = series.assign(family=series["item"].str[0], factor=1.0, region="all")
    series = series.assign(category="all", segment="all")
    series = series.assign(launch_month=pd.NaT, end_month=pd.NaT)
    covered = driver_groups.groups(demand, series, list(past))
    shape = (len(past), *covered.groups.log.shape)
    columns = np.zeros(shape)
    for k, event in enumerate(past):
        acting = driver_groups.active(event, SPAN)[:, None]
        shares = driver_groups.shares(covered, driver_groups.covers(series, event))
        columns[k] = acting * shares
    rows = pd.DataFrame(elasticity.elasticities(covered, columns, list(past), sales))
    rates = ["rate", "rate_lower", "rate_upper"]
    values = np.log1p(rows.reindex(columns=rates).astype(float)) / np.log(1.01)
    values.columns = ["value", "lower", "upper"]
    return pd.concat([rows, values], axis=1).set_index("family")


def test_a_planted_elasticity_lies_in_its_interval():
    rows = pd.concat([told(*sold(seed)) for seed in range(4)])
    assert (rows["state"] == elasticity.TOLD).all()
    assert rows["value"].mean() == pytest.approx(ELASTICITY, abs=0.1)
    assert ((rows["lower"] <= ELASTICITY) & (ELASTICITY <= rows["upper"])).mean() >= 0.75
    assert (rows["upper"] - rows["lower"]).median() < 0.8


def test_promotions_beside_price_are_not_confused_with_it():
    rows = pd.concat([told(*sold(seed, uplift=0.5)) for seed in range(100, 103)])
    # cheaper by fifteen percent and a half more: taken for price it would be beyond −2.5
    assert rows["value"].mean() == pytest.approx(ELASTICITY, abs=0.2)
    none = pd.concat([told(*sold(seed, 0.0, uplift=0.5)) for seed in range(100, 103)])
    assert (none["state"] == event_rates.UNTOLD).all()


def test_an_event_of_kind_price_leaves_the_change_to_prices():
    demand, sales = sold(2)
    event = {"event": "List", "kind": "price", "first_month": SPAN[30], "last_month": pd.NaT}
    pd.testing.assert_frame_equal(told(demand, sales, [event]), told(demand, sales))


def test_a_constant_price_tells_nothing():
    rows = told(*sold(0, step=0.0))
    assert (rows["state"] == event_rates.UNTOLD).all()
    assert rows["finding"].str.startswith("its price varies by 0.0%").all()


def test_errors_of_booking_are_no_elasticity():
    demand, sales = sold(1, 0.0, step=0.0)
    # a tenth of units is booked a month by itself, its revenue is not: price × quantity is kept
    moved = 1 + 0.1 * np.random.default_rng(1).normal(size=len(sales))
    sales = sales.assign(quantity=sales["quantity"] * moved)
    demand = history.with_effects(demand.assign(demand=sales["quantity"]), {})
    price = np.log(sales["revenue_value"] / sales["quantity"])
    naive = np.polyfit(price, np.log(sales["quantity"] / np.tile(SEASON, 8)), 1)[0]
    assert naive < -0.7  # what a plain regression would believe
    rows = told(demand, sales)
    assert (rows["state"] == event_rates.UNTOLD).all() and rows["value"].isna().all()
    assert rows["finding"].str.contains("too little of it lasts").all()


def test_mix_and_currency_do_not_move_the_price():
    demand, sales = sold(0, 0.0, step=0.0)
    is_dear = sales["item"].str.endswith("2")
    shift = np.where(is_dear, np.exp(0.01 * months.number(sales["month"]) % 7), 1.0)
    quantity = np.round(sales["quantity"] * shift)
    price = np.where(is_dear, 50.0, 10.0)
    sales = sales.assign(quantity=quantity, revenue_value=quantity * price)
    demand = history.with_effects(demand.assign(demand=quantity), {})
    assert told(demand, sales)["finding"].str.contains("varies by 0.0%").all()


def test_few_known_prices_and_no_revenue_say_so():
    demand, sales = sold(0)
    one = sales["item"].eq("F1") & sales["channel"].eq("Online")
    few = sales.assign(revenue_value=sales["revenue_value"].where(one | (sales["item"] >= "G")))
    rows = told(demand, few)
    assert rows.loc["F", "finding"].startswith("prices of only") and "G" in rows.index
    blank = sales.assign(revenue_value=np.nan)
    assert told_nothing(demand, blank)


def told_nothing(demand, sales) -> bool:
    series = demand[schema.SERIES].drop_duplicates(ignore_index=True)
    series = series.assign(family="F", factor=1.0, launch_month=pd.NaT, end_month=pd.NaT)
    covered = driver_groups.groups(demand, series, [])
    return elasticity.elasticities(covered, np.zeros((0, 60, 2)), [], sales) == []


# prices to come

EFFECTS = pd.DataFrame(
    {
        "kind": [elasticity.KIND, elasticity.KIND],
        "driver": "price",
        "family": ["F", "G"],
        "state": [elasticity.TOLD, event_rates.UNTOLD],
        "rate": np.expm1(-1.5 * np.log(1.01)),
        "rate_lower": np.expm1(-2.0 * np.log(1.01)),
        "rate_upper": np.expm1(-1.0 * np.log(1.01)),
    }
)


def coming(*listed: tuple, events: tuple = ()) -> pd.DataFrame:
    """Table `event_effects` with remarks, from prices (item, location, first month, value)."""
    prices = pd.DataFrame(listed, columns=["item", "location", "first_month", "unit_price_value"])
    typed = pd.to_datetime(prices["first_month"]).astype(months.DTYPE)
    prices = prices.assign(channel="all", unit_cost_value=np.nan, first_month=typed)
    keys = pd.DataFrame({"item": ["F1", "F2", "G1"], "location": "North", "channel": "all"})
    base = keys.merge(pd.DataFrame({"month": months.span(CYCLE, 6)}), how="cross")
    base = base.assign(quantity=100.0, factor=1.0, family=base["item"].str[0])
    given = pd.DataFrame(events, columns=["event", "kind", "first_month", "family"])
    given["first_month"] = pd.to_datetime(given["first_month"]).astype(months.DTYPE)
    effects = given[["event", "kind", "first_month"]].assign(
        last_month=pd.NaT, change=-5.0, finding=""
    )
    return elasticity.remarked(effects, given, prices, base, EFFECTS, cycle=CYCLE)


F1 = [("F1", "all", "2025-01", 100.0), ("F1", "all", "2026-03", 110.0)]


def test_a_listed_change_is_told_beside_the_planners_rate():
    other = ("Sale", "promotion", "2026-03", "F")
    rows = coming(*F1, events=[("List", "price", "2026-03", "F"), other])
    row = rows.iloc[0]
    assert rows["finding"].iloc[1] == ""
    # half of the family is ten percent dearer
    mean = np.log(1.1) / 2
    moved = [np.expm1(e * mean) for e in (-1.5, -2.0, -1.0)]
    assert row["finding"] == (
        f"listed prices of F change by {np.expm1(mean):+.1%}: past prices tell of "
        f"{moved[0]:+.1%} in demand, from {moved[1]:+.1%} to {moved[2]:+.1%}"
    )
    assert row["change"] == -5.0


def test_a_price_event_without_a_listed_change_hears_the_elasticity():
    row = coming(events=[("List", "price", "2026-03", "F")]).iloc[0]
    assert row["finding"] == (
        "one percent more of price moves F by -1.5%; no change of its prices from 2026-03 is listed"
    )


def test_a_listed_change_that_no_event_stands_for_has_a_row():
    rows = coming(*F1)
    assert rows["event"].tolist() == ["prices of F from 2026-03"]
    assert rows["change"].tolist() == [0.0] and rows["kind"].tolist() == ["price change"]
    assert rows["finding"].iloc[0].endswith("no event of kind price plans it")


def test_a_family_without_a_told_elasticity_gets_no_guess():
    g = [("G1", "all", "2025-01", 100.0), ("G1", "all", "2026-03", 110.0)]
    rows = coming(*g, events=[("List", "price", "2026-03", "G")])
    assert rows["finding"].tolist() == [""]


def test_the_list_of_the_location_counts_before_the_general_one():
    north = [("F1", "North", "2025-01", 100.0), ("F1", "North", "2026-04", 90.0)]
    rows = coming(*F1, *north)
    assert rows["event"].tolist() == ["prices of F from 2026-04"]
    assert "change by -5.1%" in rows["finding"].iloc[0]
    assert coming(("F1", "South", "2025-01", 100.0), ("F1", "South", "2026-03", 90.0)).empty
