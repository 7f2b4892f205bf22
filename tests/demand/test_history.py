"""Sales become demand, each correction a layer of its own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sopkit import contract, months, schema
from sopkit.demand import history, usual

CYCLE = pd.Timestamp("2025-07-01")


def made_sales(values: list[float], first: str = "2022-01", stockouts: tuple[int, ...] = ()):
    """Table `sales` of the one item A, and the cycle after its last month."""
    span = months.span(months.parse_cycle(first), len(values))
    raw = pd.DataFrame({"item": "A", "month": span, "quantity": values})
    raw["is_stockout"] = [k in stockouts for k in range(len(values))]
    frame = contract.check_table("sales", raw, contract.Source("sales")).frame
    return frame, months.shift(span[-1], 1)


def demand_of(values, items=None, **kwargs) -> pd.DataFrame:
    sales, cycle = made_sales(values, **kwargs)
    items = contract.empty("items") if items is None else items
    return history.demand_history(sales, items, cycle=cycle)


# (1) by hand


def test_a_return_a_gap_and_a_stock_out_by_hand(tiny_sales, tiny_items):
    table = history.demand_history(tiny_sales, tiny_items, cycle=CYCLE)
    a = table[table["item"] == "A"]
    assert a["sales"].tolist() == [10, 12, -4, 0, 11, 2]
    assert a["returns"].tolist() == [0, 0, 4, 0, 0, 0]
    # usual = median of 10, 12, 0, 0, 11 = 10, and 2 of them were sold
    assert a["stockout"].tolist() == [0, 0, 0, 0, 0, 8]
    assert a["outlier"].tolist() == [0] * 6
    assert a["demand"].tolist() == [10, 12, 0, 0, 11, 10]
    assert a["is_stockout"].tolist() == [False] * 5 + [True]
    assert a["revenue_value"].tolist() == [100, 120, -40, 0, 110, 20]


def test_a_series_begins_with_its_first_sale(tiny_sales, tiny_items):
    table = history.demand_history(tiny_sales, tiny_items, cycle=CYCLE)
    b = table[table["item"] == "B"]
    assert b["month"].map(months.label).tolist() == ["2025-06"]
    assert b["demand"].tolist() == [5]


def test_every_series_runs_to_the_month_before_the_cycle_zero_where_nothing_was_sold(
    tiny_sales, tiny_items
):
    table = history.demand_history(tiny_sales, tiny_items, cycle=pd.Timestamp("2025-10-01"))
    last = table[table["month"] >= CYCLE]
    assert last.groupby("item")["month"].size().to_dict() == {"A": 3, "B": 3}
    assert (last["demand"] == 0).all()


def test_an_outlier_is_brought_to_five_robust_deviations_by_hand():
    values = np.array([[8.0, 9.0, 10.0, 11.0, 12.0][k % 5] for k in range(30)])
    values[17] = 500.0  # else 10; the twelve months around it have median 10
    around = [np.median([*values[max(k - 6, 0) : k], *values[k + 1 : k + 7]]) for k in range(30)]
    deviation = np.median(np.abs(values - around))
    edge = 10.0 + 5.0 * 1.4826 * deviation
    assert around[17] == 10.0 and deviation == 1.0
    column = values[:, None]
    none = np.zeros(column.shape, dtype=bool)
    adjusted, middle, _ = usual.usual(column, none, np.array([-1]), np.ones_like(column))
    layer = history._outliers(adjusted, middle, np.ones_like(column), column)[:, 0]
    assert layer[17] == pytest.approx(edge - 500.0)
    assert (np.delete(layer, 17) == 0).all()


def test_a_spike_is_drawn_in_and_listed_whatever_season_there_is():
    values = [[8.0, 9.0, 10.0, 11.0, 12.0][k % 5] for k in range(40)]
    values[17] = 500.0
    table = demand_of(values)
    assert 10.0 < table["demand"][17] < 40.0
    assert table["outlier"][17] == pytest.approx(table["demand"][17] - 500.0)


def test_lost_sales_follow_the_season_of_the_family():
    year = 100.0 + 60.0 * np.cos(2 * np.pi * np.arange(12) / 12)  # January sells 160
    items = pd.DataFrame({"item": list("ABCDEF"), "family": "Tents"})
    items = contract.check_table("items", items, contract.Source("items")).frame
    sales, cycle = made_sales(np.tile(year, 4).tolist())
    sales = pd.concat([sales.assign(item=item) for item in items["item"]], ignore_index=True)
    sales.loc[24, ["quantity", "is_stockout"]] = [1.0, True]  # A in a January, sold out after one
    table = history.demand_history(sales, items, cycle=cycle)
    assert table["demand"][24] == pytest.approx(160.0, rel=0.1)  # an average month is 100
    assert table["stockout"].drop(24).eq(0).all()


def test_a_stock_out_that_sold_more_than_usual_lost_nothing():
    table = demand_of([10.0] * 8 + [30.0] + [10.0] * 3, stockouts=(8,))
    assert table["stockout"].eq(0).all()
    assert table["demand"][8] == 30.0


def test_a_lumpy_series_has_no_outliers():
    values = [0.0, 0.0, 9.0] * 12
    values[17] = 300.0
    assert demand_of(values)["outlier"].eq(0).all()


def test_unknown_revenue_stays_unknown(tiny_sales, tiny_items):
    unknown = tiny_sales.assign(revenue_value=np.nan)
    table = history.demand_history(unknown, tiny_items, cycle=CYCLE)
    assert table["revenue_value"].isna().all()


def test_families_become_numbers_and_minus_one_means_none(tiny_items):
    keys = pd.DataFrame({"item": ["A", "B", "C"], "location": "all", "channel": "all"})
    items = tiny_items.assign(family=["Tents", "Packs"])
    assert history.family_codes(keys, items).tolist() == [0, 1, -1]


# (3) invariants


def test_sales_and_layers_make_demand_and_no_demand_is_below_zero(sample_history):
    layers = sample_history[["sales", *history.LAYERS]].sum(axis=1)
    np.testing.assert_allclose(layers, sample_history["demand"], atol=1e-9)
    assert (sample_history["demand"] >= -1e-9).all()
    assert (sample_history["returns"] >= 0).all() and (sample_history["stockout"] >= 0).all()


def test_every_layer_does_something_in_the_sample_company(
    sample_history, sample_tables, sample_cycle
):
    moved = sample_history[history.LAYERS].abs().sum()
    assert (moved.drop("unfilled") > 0).all() and moved["unfilled"] == 0.0  # it plans what it ships
    ordered = history.demand_history(
        sample_tables["sales"], sample_tables["items"], cycle=sample_cycle, basis="ordered"
    )
    assert ordered["unfilled"].abs().sum() > 0


def test_no_month_is_missing_and_none_is_there_twice(sample_history, sample_cycle):
    assert not sample_history.duplicated(schema.SERIES_MONTH).any()
    grouped = sample_history.groupby(schema.SERIES)["month"]
    whole = months.number(grouped.max()) - months.number(grouped.min()) + 1
    assert (grouped.size() == whole).all()
    assert (grouped.max() == months.shift(sample_cycle, -1)).all()


def test_the_history_holds_exactly_what_was_sold(sample_history, sample_tables):
    sold = sample_tables["sales"].groupby("item")["quantity"].sum()
    pd.testing.assert_series_equal(
        sample_history.groupby("item")["sales"].sum(), sold, check_names=False
    )


def test_sales_of_the_running_month_are_not_yet_history(tiny_sales, tiny_items):
    later = tiny_sales.head(1).assign(month=CYCLE, quantity=999.0)
    with_later = pd.concat([tiny_sales, later], ignore_index=True)
    pd.testing.assert_frame_equal(
        history.demand_history(with_later, tiny_items, cycle=CYCLE),
        history.demand_history(tiny_sales, tiny_items, cycle=CYCLE),
    )


def test_the_order_of_rows_does_not_matter_and_arguments_are_left_alone(
    sample_tables, sample_history, sample_cycle
):
    sales = sample_tables["sales"].sample(frac=1.0, random_state=5)
    items = sample_tables["items"].sample(frac=1.0, random_state=5)
    copies = sales.copy(), items.copy()
    table = history.demand_history(sales, items, cycle=sample_cycle, basis="shipped")
    pd.testing.assert_frame_equal(sales, copies[0])
    pd.testing.assert_frame_equal(items, copies[1])
    pd.testing.assert_frame_equal(table, sample_history)


# orders as demand


def ordered_sales(**columns) -> tuple[pd.DataFrame, pd.Timestamp]:
    """Six months of A: shipped 10 each; orders in the second to fourth month."""
    usual = {
        "quantity": [10.0] * 6,
        "ordered_quantity": [None, 14.0, 6.0, 10.0, None, None],
    } | columns
    raw = pd.DataFrame({"item": "A", "month": months.span(pd.Timestamp("2025-01-01"), 6)} | usual)
    return contract.check_table("sales", raw, contract.Source("sales")).frame, CYCLE


def layers(basis: str | None = None, **columns) -> pd.DataFrame:
    sales, cycle = ordered_sales(**columns)
    return history.demand_history(sales, contract.empty("items"), cycle=cycle, basis=basis)


@pytest.mark.parametrize("basis", ["ordered", None])
def test_demand_is_what_was_ordered_where_it_is_given_by_hand(basis):
    table = layers(basis)
    assert table["unfilled"].tolist() == [0, 4, -4, 0, 0, 0]
    assert table["demand"].tolist() == [10, 14, 6, 10, 10, 10]
    assert table["sales"].tolist() == [10.0] * 6


def test_demand_on_the_basis_of_shipments_ignores_orders_by_hand():
    table = layers("shipped")
    assert table["unfilled"].eq(0).all() and table["demand"].tolist() == [10.0] * 6


def test_orders_without_a_shipment_are_demand():
    table = layers(quantity=[10, 0, 10, 10, 10, 10])
    assert (table["sales"][1], table["unfilled"][1], table["demand"][1]) == (0, 14, 14)


def test_a_stock_out_with_orders_gets_no_estimate_and_without_them_does():
    flags = [False, True, False, False, True, False]
    table = layers(quantity=[10, 2, 10, 10, 3, 10], is_stockout=flags)
    assert (table["unfilled"][1], table["stockout"][1], table["demand"][1]) == (12, 0, 14)
    assert table["stockout"][4] > 0  # nobody said what was ordered there
    shipped = layers("shipped", quantity=[10, 2, 10, 10, 3, 10], is_stockout=flags)
    assert shipped["stockout"][1] > 0
    assert shipped["is_stockout"].tolist() == flags
    # what came is known where orders are: such a month is no stock-out to forecasts
    assert table["is_stockout"].tolist() == [False] * 4 + [True, False]


def test_a_net_return_in_a_month_with_orders_is_counted_once():
    table = layers(quantity=[10, -4, 10, 10, 10, 10])
    assert (table["returns"][1], table["unfilled"][1], table["demand"][1]) == (4, 14, 14)


def test_cancelled_orders_below_zero_are_no_demand_below_zero():
    table = layers(ordered_quantity=[None, -5.0, 6.0, 10.0, None, None])
    assert table["demand"][1] == 0.0


QUANTITIES = st.lists(
    st.tuples(st.integers(-20, 60), st.one_of(st.none(), st.integers(-5, 80)), st.booleans()),
    min_size=1,
    max_size=30,
)


@given(QUANTITIES, st.sampled_from(["shipped", "ordered", None]))
def test_sales_and_layers_always_make_demand_and_demand_is_never_negative(rows, basis):
    span = months.span(pd.Timestamp("2022-01-01"), len(rows))
    raw = pd.DataFrame(rows, columns=["quantity", "ordered_quantity", "is_stockout"])
    raw = raw.assign(item="A", month=span, ordered_quantity=raw["ordered_quantity"].astype(float))
    sales = contract.check_table("sales", raw, contract.Source("sales")).frame
    cycle = months.shift(span[-1], 1)
    table = history.demand_history(sales, contract.empty("items"), cycle=cycle, basis=basis)
    np.testing.assert_allclose(
        table[["sales", *history.LAYERS]].sum(axis=1), table["demand"], atol=1e-9
    )
    assert (table["demand"] >= -1e-9).all() and (table["returns"] >= 0).all()
    assert table["sales"].sum() == sum(quantity for quantity, _, _ in rows)
    effects = table[history.EFFECTS].sum(axis=1)
    np.testing.assert_allclose(table["baseline"] + effects, table["demand"], atol=1e-9)


def test_a_month_that_a_promotion_explains_is_no_outlier():
    values = [[8.0, 9.0, 10.0, 11.0, 12.0][k % 5] for k in range(40)]
    values[17], values[30] = 500.0, 500.0
    sales, cycle = made_sales(values)
    sales["is_promotion"] = pd.array([k == 17 for k in range(40)], dtype="boolean")
    plain = history.demand_history(sales, contract.empty("items"), cycle=cycle)
    assert plain["outlier"][17] == 0.0 and plain["outlier"][30] < -400.0
    events = pd.DataFrame({"event": ["fair", "rival"], "kind": ["promotion", "competitor"],
                           "first_month": ["2024-07", "2022-01"], "last_month": ["2024-07", None],
                           "item": ["A", None], "expected_rate": [9.0, -0.1]})  # fmt: skip
    events = contract.check_table("events", events, contract.Source("events")).frame
    cells = sales[schema.SERIES].drop_duplicates().assign(family="x", category="x", region="x")
    cells = cells.assign(segment="x")
    explained = history.explained_months(cells, events)  # what is for good explains no month
    assert explained["month"].map(months.label).tolist() == ["2024-07"]
    table = history.demand_history(sales, contract.empty("items"), cycle=cycle, explained=explained)
    assert table["outlier"].eq(0).all()
    other = history.explained_months(cells.assign(item="B"), events)
    assert other.empty
