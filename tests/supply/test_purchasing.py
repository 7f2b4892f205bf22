"""The buyer's tables: by hand, with a company's own tables, and empty ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months, schema, store
from sopkit.supply import explosion, ordering, purchasing, sourcing

CYCLE = pd.Timestamp("2026-01-01")
SPAN = months.span(CYCLE, 4)


def month(text: str) -> pd.Timestamp:
    return pd.Timestamp(f"{text}-01")


ITEMS = pd.DataFrame(
    {
        "item": ["tent", "pole", "tube"],
        "family": "Tents",
        "is_purchased": [False, False, True],
        "lead_time_days": np.nan,
        "unit_cost_value": np.nan,
    }
)
SUPPLIERS = contract.check_table(
    "suppliers",
    pd.DataFrame(
        [
            {"item": "tube", "supplier": "Far", "lead_time_days": 60, "unit_cost_value": 2.0}
            | {"payment_days": 30, "monthly_limit": 50},
            {"item": "tube", "supplier": "Near", "lead_time_days": 30, "unit_cost_value": 3.0},
        ]
    ),
    contract.Source("suppliers"),
).frame
BILLS = pd.DataFrame(
    {
        "item": ["tent", "pole"],
        "component": ["pole", "tube"],
        "quantity_per": [2.0, 1.0],
        "offset_months": [0, 0],
    }
)


@pytest.fixture
def bought() -> dict:
    """Twenty tents in January and March take two poles of a tube each; five tubes are there."""
    made = pd.DataFrame({"item": "tent", "location": "plant", "month": SPAN[[0, 2]]})
    made = made.assign(quantity=20.0, in_work=0.0, purchased=0.0)
    stock = pd.Series([5.0], index=pd.MultiIndex.from_tuples([("tube", "plant")]))
    exploded = explosion.explode(
        made,
        BILLS,
        ITEMS,
        lead_months=pd.Series(dtype="float64"),
        stock=stock.rename_axis(schema.SITE),
        receipts=made.iloc[:0],
        span=SPAN,
    )
    sources = sourcing.sources(ITEMS["item"], ITEMS, SUPPLIERS)
    is_bought = exploded.keys["is_bought"]
    keys = exploded.keys[is_bought].assign(holding_cost_value=0.01, lot_size=1.0)
    orders = ordering.orders(keys, exploded.net[is_bought.to_numpy()], sources)
    used = explosion.uses(made.groupby(schema.SITE, as_index=False)[["quantity"]].sum(), BILLS)
    used, orders = used.assign(is_new=False), orders.assign(launch_quantity=0.0)
    needed = purchasing.requirements(exploded, orders)
    table = purchasing.purchase_orders(orders, needed, sources, used, SPAN)
    return {"needed": needed, "orders": table, "used": used, "sources": sources}


def test_requirements_add_up_from_month_to_month(bought):
    needed = bought["needed"]
    assert set(needed["item"]) == {"pole", "tube"}  # nothing needs a tent but its own plan
    tube = needed[needed["item"] == "tube"].set_index("month")
    assert tube["gross"].tolist() == [40.0, 0.0, 40.0, 0.0]
    assert tube["net"].tolist() == [35.0, 0.0, 40.0, 0.0]
    assert tube["late"].tolist() == [35.0, 0.0, 0.0, 0.0]
    end = tube["stock"] - tube["late"]
    change = tube["scheduled"] + tube["ordered"] - tube["gross"]
    assert end.diff().iloc[1:].tolist() == change.iloc[1:].tolist()
    pole = needed[needed["item"] == "pole"]
    assert pole["ordered"].tolist() == [40.0, 0.0, 40.0, 0.0]  # what is to be made


def test_orders_say_by_when_of_whom_what_for_and_when_they_are_paid(bought):
    near, far = bought["orders"].to_dict("records")  # of those of now most money
    assert (near["supplier"], near["month"], near["quantity"]) == ("Near", month("2026-02"), 35)
    assert near["order_by"] == pd.Timestamp("2026-01-16") and near["order_month"] == CYCLE
    assert near["is_now"] and near["is_late"] and pd.isna(near["payment_month"])
    assert (far["supplier"], far["month"], far["quantity"]) == ("Far", month("2026-03"), 40)
    assert far["order_by"] == pd.Timestamp("2026-01-14") and far["is_now"]
    assert far["amount_value"] == 80.0 and not far["is_late"]
    assert far["payment_month"] == month("2026-04")
    assert set(bought["orders"]["wanted_for"]) == {"tent"}
    contract.check_processed("purchase_orders", bought["orders"])


def test_a_day_to_order_before_the_cycle_is_its_first_day(bought):
    days = bought["sources"].assign(lead_time_days=90.0)
    told = bought["orders"][["item", "location", "supplier", "quantity", "unit_cost_value"]]
    told = told.assign(at=1, reason="need", launch_quantity=0.0)
    table = purchasing.purchase_orders(told, bought["needed"], days, bought["used"], SPAN)
    assert (table["order_by"] == CYCLE).all() and table["is_now"].all()


def test_orders_say_what_of_them_is_for_launches(bought):
    keys = pd.DataFrame({"item": ["tube"], "location": "plant", "is_bought": True})
    gross = np.array([[40.0, 0.0, 40.0, 20.0]])
    new = np.array([[0.0, 0.0, 10.0, 20.0]])
    none = np.zeros((1, 4))
    all_of_it = explosion.Exploded(keys, SPAN, gross, none, gross, none, np.zeros(1))
    launched = explosion.Exploded(keys, SPAN, new, none, new, none, np.zeros(1))
    orders = pd.DataFrame({"item": "tube", "location": "plant", "quantity": [60.0, 30.0, 30.0]})
    taken = purchasing.for_launches(orders, all_of_it, launched)
    # the first order has half of March's 40, a quarter of which is new; the second its other
    # half and half of April's 20; the third the rest, and ten that nobody needs
    assert taken.tolist() == [5.0, 15.0, 10.0]
    rows = bought["used"].query("item == 'tube'").assign(wanted_for="lamp", is_new=True)
    used = pd.concat([bought["used"], rows])
    told = orders.assign(supplier="Far", at=[1, 2, 3], reason="need", unit_cost_value=2.0)
    table = purchasing.purchase_orders(
        told.assign(launch_quantity=[0.0, 15.0, 30.0]),
        bought["needed"],
        bought["sources"],
        used,
        SPAN,
    ).sort_values("month")
    launch = "launch of lamp"
    assert table["wanted_for"].tolist() == ["tent", f"tent; {launch}", launch]
    assert table["launch_quantity"].sum() == 45.0
    nothing = purchasing.for_launches(orders.iloc[:0], all_of_it, launched)
    assert nothing.shape == (0,)


def test_a_late_component_names_what_waits_its_money_and_the_way(bought):
    prices = pd.Series({"tent": 100.0})
    table = purchasing.late_components(bought["needed"], bought["used"], prices, bought["sources"])
    row = table.iloc[0]
    assert len(table) == 1 and row["item"] == "tube"
    assert row["first_month"] == CYCLE and row["ready_month"] == month("2026-02")
    assert row["quantity"] == 35.0 and row["amount_value"] == 35 / 2 * 100
    assert (
        row["chain"] == "tent ← tube, 60 days from Far and at most 50 a month or 30 days from Near"
    )
    contract.check_processed("late_components", table)


def test_without_prices_a_late_component_has_units_and_no_money(bought):
    none = pd.Series(dtype="float64")
    table = purchasing.late_components(bought["needed"], bought["used"], none, bought["sources"])
    assert table["quantity"].tolist() == [35.0] and table["amount_value"].isna().all()
    nothing = purchasing.late_components(
        bought["needed"].assign(late=0.0), bought["used"], none, bought["sources"]
    )
    assert nothing.empty and nothing["first_month"].dtype == months.DTYPE


def test_a_component_unknown_to_items_and_goods_bought_whole_are_on_the_list(hill):
    orders = store.read(hill, "purchase_orders", CYCLE)
    assert set(orders["item"]) == {"CLOTH", "LAMP"}
    assert set(orders.loc[orders["item"] == "CLOTH", "wanted_for"]) == {"TENT"}
    plan = store.read(hill, "supply_plan", CYCLE)
    lamps = orders[orders["item"] == "LAMP"]
    assert lamps["quantity"].sum() == pytest.approx(plan["purchased"].sum())
    needed = store.read(hill, "requirements", CYCLE)
    made = plan.loc[plan["item"] == "TENT", ["regular", "overtime"]].sum().sum()
    cloth = needed[needed["item"] == "CLOTH"]
    assert cloth["gross"].sum() == pytest.approx(3 * made)  # subcontractors bring their own
    assert orders.loc[orders["item"] == "CLOTH", "amount_value"].isna().all()
    assert store.read(hill, "late_launches", CYCLE).empty
    # nobody counts cloth, so it limits nothing: ordered, lacking by the books, and late nowhere
    assert cloth["late"].max() > 0 and not orders["is_late"].any()
    assert store.read(hill, "late_components", CYCLE).empty
