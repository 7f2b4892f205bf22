"""Orders: by hand, beside a linear programme, and beside the mixed-integer optimum."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from sopkit.supply import ordering

LATE = 1_000.0  # what a unit late costs a month in the programmes below


def source(supplier: str = "S", lead: int = 0, cost: float = 2.0, item: str = "A", **terms) -> dict:
    usual = {"monthly_limit": np.inf, "minimum_order": 0.0, "break_quantity": np.inf}
    usual |= {
        "item": item,
        "supplier": supplier,
        "lead_time_months": lead,
        "break_cost_value": np.nan,
    }
    return usual | {"unit_cost_value": cost} | terms


def ordered(need: list, *sources: dict, holding: float = 0.1, lot: float = 1.0, sites: int = 1):
    keys = pd.DataFrame({"item": "A", "location": [f"site {k}" for k in range(sites)]})
    keys = keys.assign(holding_cost_value=holding, lot_size=lot)
    net = np.atleast_2d(np.array(need, dtype="float64"))
    return ordering.orders(keys, net, pd.DataFrame(list(sources)))


def told(table: pd.DataFrame) -> list[tuple]:
    return list(table[["supplier", "at", "quantity", "reason"]].itertuples(index=False, name=None))


def test_what_is_needed_comes_in_its_month_of_the_cheapest_supplier():
    table = ordered([0, 5, 0, 7], source("near", cost=3.0), source("far", lead=1, cost=2.0))
    assert told(table.sort_values("at"))[0][:3] == ("far", 1, 5.0)
    table = ordered([4, 5], source("far", lead=1, cost=2.0), source("near", cost=3.0))
    assert told(table) == [("near", 0, 4.0, "second supplier"), ("far", 1, 5.0, "need")]


def test_a_monthly_limit_is_bought_ahead_and_what_cannot_be_is_late():
    table = ordered([0, 2, 9, 9], source(monthly_limit=5.0))
    assert told(table) == [
        ("S", 0, 5.0, "ahead of need: its limit binds later"),
        ("S", 1, 5.0, "ahead of need: its limit binds later"),
        ("S", 2, 5.0, "ahead of need: its limit binds later"),
        ("S", 3, 5.0, "need"),
    ]


def test_lots_that_do_not_fit_the_limit_stop_no_order():
    fits = ordered([9, 9], source(monthly_limit=25.0, minimum_order=25.0), lot=10.0)
    assert told(fits) == [("S", 0, 20.0, "raised to the minimum, lasts 2 months")]
    large = ordered([0, 9], source(monthly_limit=25.0), lot=30.0)
    assert told(large) == [("S", 1, 9.0, "need")]


def test_what_cannot_come_in_its_month_comes_in_the_first_that_is_possible():
    assert told(ordered([3, 4, 2], source(lead=2))) == [("S", 2, 9.0, "need")]
    assert ordered([3, 4, 2], source(lead=3)).empty


def test_an_order_below_the_minimum_is_raised_and_serves_later_months():
    table = ordered([3, 4, 0, 8], source(minimum_order=10.0), holding=2.0)
    raised = "raised to the minimum, lasts 3 months"  # 3.75 a month
    assert told(table) == [("S", 0, 10.0, raised), ("S", 3, 10.0, raised)]


def test_small_months_are_pulled_together_rather_than_bought_twice_too_much():
    # twice the minimum would be 12 for 8 needed
    table = ordered([4, 0, 4], source(minimum_order=6.0))
    assert told(table) == [("S", 0, 8.0, "raised to the minimum, lasts 3 months")]


def test_a_price_break_is_bought_up_to_where_it_saves_more_than_holding():
    terms = {"break_quantity": 20.0, "break_cost_value": 1.5}
    table = ordered([10, 10], source(**terms))
    assert told(table) == [("S", 0, 20.0, "price break")]
    assert table["unit_cost_value"].tolist() == [1.5]
    assert len(ordered([10, 10], source(**terms), holding=2.0)) == 2


def test_orders_are_multiples_of_the_lot():
    table = ordered([7, 2, 6], source(), lot=5.0)
    assert (table["quantity"] % 5 == 0).all() and table["quantity"].sum() == 15.0


def test_a_limit_holds_for_all_sites_together():
    table = ordered([[6, 0], [0, 6]], source(monthly_limit=6.0), sites=2)
    assert table.groupby("at")["quantity"].sum().tolist() == [6.0, 6.0]


def test_without_a_price_there_are_units_and_no_money():
    table = ordered([5], source(cost=np.nan))
    assert table["quantity"].tolist() == [5.0] and table["unit_cost_value"].isna().all()


def test_nothing_needed_and_nobody_to_buy_of_give_an_empty_typed_table():
    assert ordered([0, 0], source()).empty
    table = ordered([5, 5], source(item="B"))
    assert table.empty and table["quantity"].dtype == "float64"


def case(seed: int, *, is_lumpy: bool) -> tuple[np.ndarray, pd.DataFrame, float]:
    """Needs of eight months, one to three suppliers with their terms, holding cost."""
    draw = np.random.default_rng(seed)
    count = int(draw.integers(1, 4))
    price, lead = np.sort(draw.uniform(2, 6, count)), draw.integers(0, 4, count)
    limit = np.where(draw.random(count) < 0.4, draw.integers(60, 150, count), np.inf)
    least = np.where(draw.random(count) < 0.7 * is_lumpy, draw.integers(10, 60, count), 0.0)
    step = np.where(draw.random(count) < 0.5 * is_lumpy, draw.integers(60, 200, count), np.inf)
    low = np.where(np.isfinite(step), price * draw.uniform(0.85, 0.98, count), np.nan)
    names = ["monthly_limit", "minimum_order", "break_quantity", "break_cost_value"]
    rows = [
        source(f"s{k}", int(lead[k]), price[k], **dict(zip(names, terms, strict=True)))
        for k, terms in enumerate(zip(limit, least, step, low, strict=True))
    ]
    need = np.where(draw.random(8) < 0.75, draw.integers(0, 80, 8), 0).astype("float64")
    return need, pd.DataFrame(rows), float(draw.uniform(0.01, 0.2))


def cost(table: pd.DataFrame, need: np.ndarray, holding: float) -> float:
    came = table.groupby("at")["quantity"].sum().reindex(range(len(need)), fill_value=0.0)
    stock = (came.to_numpy() - need).cumsum()
    paid = (table["quantity"] * table["unit_cost_value"]).sum()
    return paid + holding * stock.clip(min=0).sum() + LATE * (-stock).clip(min=0).sum()


def programme(need: np.ndarray, sources: pd.DataFrame, holding: float):
    """Costs, rows and bounds: units below and from the break on (s, t), stock, owed (t)."""
    count, wide = len(need), len(sources) * len(need)
    balance = np.zeros((count, 2 * wide + 2 * count))
    for t in range(count):
        for k in range(2 * len(sources)):
            balance[t, k * count : k * count + t + 1] = 1.0
        balance[t, [2 * wide + t, 2 * wide + count + t]] = -1.0, 1.0
    price = np.concatenate(
        [
            np.repeat(sources[name].fillna(0.0).to_numpy(), count)
            for name in ("unit_cost_value", "break_cost_value")
        ]
    )
    is_open = np.arange(count) >= sources[["lead_time_months"]].to_numpy()
    most = np.where(is_open, sources[["monthly_limit"]].to_numpy(), 0.0).ravel()
    has_break = np.repeat(np.isfinite(sources["break_quantity"]), count)
    upper = np.concatenate([most, np.where(has_break, most, 0.0), np.full(2 * count, np.inf)])
    costs = np.concatenate([price, np.full(count, holding), np.full(count, LATE)])
    return costs, balance, need.cumsum(), upper


def least_cost(need: np.ndarray, sources: pd.DataFrame, holding: float) -> float:
    """The mixed-integer optimum: an order is none, or keeps its minimum and its break."""
    costs, balance, total, upper = programme(need, sources, holding)
    wide, count = len(sources) * len(need), len(need)
    steps = sources["break_quantity"].where(np.isfinite(sources["break_quantity"]), 0.0)
    least = np.concatenate(
        [
            np.repeat(sources["minimum_order"], count),
            np.repeat(np.maximum(sources["minimum_order"], steps), count),
        ]
    )
    big = np.minimum(upper[: 2 * wide], need.sum() + least.max() + 1.0)
    eye, nothing = np.eye(2 * wide), np.zeros((2 * wide, 2 * count))
    rows = [
        LinearConstraint(np.hstack([balance, np.zeros((count, 2 * wide))]), total, total),
        LinearConstraint(np.hstack([eye, nothing, -np.diag(big)]), -np.inf, 0.0),
        LinearConstraint(np.hstack([eye, nothing, -np.diag(least)]), 0.0, np.inf),
        LinearConstraint(
            np.hstack([np.zeros((wide, 2 * wide + 2 * count)), np.tile(np.eye(wide), 2)]), 0, 1
        ),
    ]
    found = milp(
        np.append(costs, np.zeros(2 * wide)),
        constraints=rows,
        bounds=Bounds(0.0, np.append(upper, np.ones(2 * wide))),
        integrality=np.append(np.zeros(len(costs)), np.ones(2 * wide)),
        options={"mip_rel_gap": 1e-6},
    )
    return found.fun


@pytest.mark.parametrize("seed", range(25))
def test_without_minimum_and_breaks_orders_cost_what_the_linear_programme_says(seed):
    need, sources, holding = case(seed, is_lumpy=False)
    keys = pd.DataFrame({"item": ["A"], "location": "site", "lot_size": 1.0})
    table = ordering.orders(keys.assign(holding_cost_value=holding), need[None], sources)
    costs, balance, total, upper = programme(need, sources, holding)
    best = linprog(costs, A_eq=balance, b_eq=total, bounds=[(0, most) for most in upper])
    assert cost(table, need, holding) == pytest.approx(best.fun, rel=1e-9)


def test_with_minimum_and_breaks_orders_cost_little_more_than_the_optimum():
    gaps = []
    for seed in range(40):
        need, sources, holding = case(seed, is_lumpy=True)
        keys = pd.DataFrame({"item": ["A"], "location": "site", "lot_size": 1.0})
        table = ordering.orders(keys.assign(holding_cost_value=holding), need[None], sources)
        kept = table.merge(sources, on=["item", "supplier"], how="left", validate="many_to_one")
        assert (kept["quantity"] >= kept["minimum_order"] - 1e-6).all()
        assert (kept["quantity"] <= kept["monthly_limit"] + 1e-6).all()
        assert (kept["at"] >= kept["lead_time_months"]).all()
        gaps.append(cost(table, need, holding) / least_cost(need, sources, holding) - 1.0)
    # of 150 such cases: 0.1 % on average, 6.3 % at worst
    assert min(gaps) > -1e-6 and np.mean(gaps) < 0.005 and max(gaps) < 0.08
