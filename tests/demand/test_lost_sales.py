"""Lost sales: by hand, beside what is planted, and where stock was out and nobody said so."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sopkit import contract, months, sample, schema
from sopkit.demand import history, lost_sales

FIRST, COUNT = pd.Timestamp("2022-01-01"), 40
SPAN = months.span(FIRST, COUNT)


def typed(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    return contract.check_table(name, frame, contract.Source(name)).frame


def made(values: np.ndarray, stockouts: tuple[int, ...]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """History of item A in several channels, months down, and table `items`."""
    rows = [
        {"item": "A", "channel": f"C{column}", "month": SPAN[k], "quantity": values[k, column],
         "is_stockout": k in stockouts}
        for column in range(values.shape[1]) for k in range(len(values))
    ]  # fmt: skip
    items = typed("items", pd.DataFrame({"item": ["A"], "family": ["F"]}))
    sales = typed("sales", pd.DataFrame(rows))
    return history.demand_history(sales, items, cycle=months.shift(SPAN[-1], 1)), items


def rates(table: pd.DataFrame, price: float = 2.0) -> pd.DataFrame:
    return table[schema.SERIES].drop_duplicates().assign(unit_price_value=price)


def test_an_items_interval_is_that_of_its_other_months_by_hand(monkeypatch):
    values = 100.0 + 10.0 * np.random.default_rng(1).standard_normal((COUNT, 3))
    values[20] = 10.0
    monkeypatch.setattr(
        "sopkit.demand.usual.seasons.seasonal_indices", lambda v, _g: np.ones((12, v.shape[1]))
    )
    table, items = made(values, (20,))
    told = lost_sales.by_item(table, items, rates(table)).iloc[0]
    clean = table.pivot(index="month", columns="channel", values="demand").to_numpy().copy()
    clean[20] = np.nan
    usual = np.array([
        [np.nanmedian(np.delete(clean[:, c], [k for k in range(COUNT) if abs(k - m) > 6 or k == m]))
         for c in range(3)] for m in range(COUNT)
    ])  # fmt: skip
    apart = np.delete(clean.sum(axis=1) / usual.sum(axis=1) - 1.0, 20)
    half = np.sqrt((apart**2).mean()) * stats.t.ppf(0.95, COUNT - 1) * usual[20].sum()
    lost = usual[20].sum() - 30.0
    assert told["quantity"] == pytest.approx(lost) and told["series"] == 3
    assert told["amount_value"] == pytest.approx(2.0 * lost)
    assert told["quantity_lower"] == pytest.approx(lost - half)
    assert told["quantity_upper"] == pytest.approx(lost + half)
    by_series = lost_sales.bounds(table, items).dropna()
    assert len(by_series) == 3
    wide = (by_series["quantity_upper"] - by_series["quantity_lower"]).sum()
    assert wide > told["quantity_upper"] - told["quantity_lower"]  # single ones are less sure


def test_without_stock_outs_prices_or_months_enough_it_says_so():
    values = np.full((COUNT, 2), 50.0)
    table, items = made(values, ())
    none = lost_sales.by_item(table, items, rates(table))
    assert none.empty and list(none) == list(schema.PROCESSED["lost_sales"].columns)
    assert lost_sales.bounds(table, items).isna().all(axis=None)
    table, items = made(np.full((8, 2), 50.0) - 40.0 * (np.arange(8) == 5)[:, None], (5,))
    told = lost_sales.by_item(table, items, rates(table, np.nan)).iloc[0]
    assert told["quantity"] == 80.0 and np.isnan(told["amount_value"])
    assert np.isnan(told["quantity_lower"]) and np.isnan(told["quantity_upper"])


def test_what_is_planted_lies_in_the_interval_and_the_interval_says_something(
    sample_history, sample_tables
):
    items = typed("items", sample.tables(1)["items"])
    sales = typed("sales", sample.tables(1)["sales"])
    second = history.demand_history(sales, items, cycle=sample.CYCLE, basis="shipped")
    inside, wide = 0, []
    for seed, table, known in ((0, sample_history, sample_tables["items"]), (1, second, items)):
        told = lost_sales.by_item(table, known, rates(table))
        truth = sample.truths(seed)["lost_units"].groupby(["item", "month"], as_index=False)
        lost = truth["quantity"].sum().rename(columns={"quantity": "lost"})
        both = lost.merge(told, on=["item", "month"], how="outer", validate="one_to_one")
        assert len(both) == 4 and both.notna().all(axis=None)
        inside += both["lost"].between(both["quantity_lower"], both["quantity_upper"]).sum()
        wide += ((both["quantity_upper"] - both["quantity_lower"]) / both["lost"]).tolist()
    assert inside >= 6  # of eight; of the eighty of benchmarks/recovered_stockouts.py 75
    assert 0.1 < np.median(wide) < 0.7


def stock(on_hand: np.ndarray, location: str = "all") -> pd.DataFrame:
    rows = {"item": "A", "location": location, "month": SPAN, "on_hand": on_hand}
    return typed("inventory", pd.DataFrame(rows))


def test_a_month_without_stock_and_sales_far_below_usual_is_proposed():
    values = np.full((COUNT, 2), 50.0) + np.arange(COUNT)[:, None] % 3
    values[25, 0] = 5.0
    table, items = made(values, ())
    places = contract.empty("locations")
    empty_in_25 = np.where(np.arange(COUNT) == 25, 0.0, 20.0)
    found = lost_sales.silent(table, stock(empty_in_25), items, places)
    at = (table["channel"] == "C0") & (table["month"] == SPAN[25])
    assert found[at].item() == pytest.approx(46.0, abs=4.0) and (found[~at] == 0).all()
    cases = {
        "stock was there": (stock(empty_in_25 + 1.0), items),
        "never any stock": (stock(np.zeros(COUNT)), items),
        "a service": (stock(empty_in_25), items.assign(is_service=True)),
        "no inventory": (contract.empty("inventory"), items),
    }
    for why, (inventory, known) in cases.items():
        assert (lost_sales.silent(table, inventory, known, places) == 0).all(), why
    both = pd.concat([stock(empty_in_25, "plant"), stock(empty_in_25 + 5.0, "depot")])
    assert (lost_sales.silent(table, both, items, places) == 0).all()  # the depot had some
    supplied = pd.DataFrame({"location": ["all"], "supplied_from": ["plant"]})
    found = lost_sales.silent(table, both, items, typed("locations", supplied))
    assert found[at].item() > 40.0  # but its own site had none
