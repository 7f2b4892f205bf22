"""Which site stocks what for whom, what it must deliver, and how it is replenished."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months, schema
from sopkit.supply import sites

CYCLE = pd.Timestamp("2026-01-01")
AHEAD = months.span(CYCLE, 4)
NOWHERE = contract.empty("locations")
NO_ITEMS, NO_SUPPLIERS = contract.empty("items"), contract.empty("suppliers")


def typed(name: str, **columns) -> pd.DataFrame:
    return contract.check_table(name, pd.DataFrame(columns), contract.Source(name)).frame


# customers in North are served by the depot, which the plant supplies, as it does South
CHAIN = typed(
    "locations",
    location=["North", "South", "depot", "plant"],
    supplied_from=["depot", "plant", "plant", None],
    lead_time_days=[2, 3, 31, None],
)
KINDS = typed(
    "items",
    item=["A", "S", "O"],
    is_service=[None, True, None],
    is_made_to_order=[None, None, True],
)


def plan_of(*rows: tuple) -> pd.DataFrame:
    """`demand_plan` from (item, location, units in each of four months)."""
    table = pd.DataFrame(rows, columns=["item", "location", "consensus"])
    table = table.assign(channel="all").merge(pd.DataFrame({"month": AHEAD}), how="cross")
    return table[[*schema.SERIES_MONTH, "consensus"]].assign(constrained=table["consensus"])


def orders_of(*rows: tuple) -> pd.DataFrame:
    """`orders` from (item, location, months ahead, units)."""
    table = pd.DataFrame(rows, columns=["item", "location", "ahead", "quantity"])
    month = pd.to_datetime([months.shift(CYCLE, k) for k in table["ahead"]]).astype(
        "datetime64[us]"
    )
    return table.assign(channel="all", month=month, quantity=table["quantity"].astype("float64"))


def scheduled_of(*rows: tuple) -> pd.DataFrame:
    """`scheduled_receipts` from (item, location, months ahead, kind, units, firm)."""
    item, place, ahead, kind, units, firm = zip(*rows, strict=True)
    due = [months.label(months.shift(CYCLE, k)) for k in ahead]
    return typed(
        "scheduled_receipts",
        item=item, location=place, month=due, kind=kind, quantity=units, is_firm=firm,
        cycle="2026-01",
    )  # fmt: skip


def sites_of(*pairs: tuple) -> pd.DataFrame:
    table = pd.DataFrame(pairs, columns=["item", "location"]).assign(demand=100.0)
    return table.merge(pd.DataFrame({"month": AHEAD}), how="cross")


NO_ORDERS = orders_of().astype({"item": "str", "location": "str"})


# (1) by hand


def test_stock_stands_at_the_last_site_before_the_customer_by_hand():
    places = ["North", "South", "depot", "plant", "Moon"]
    rows = pd.DataFrame({"item": "A", "location": places}, index=[4, 3, 2, 1, 0])
    found = sites.stocking_site(rows, KINDS, CHAIN)
    assert found.tolist() == ["depot", "plant", "depot", "plant", "Moon"]
    assert found.index.tolist() == [4, 3, 2, 1, 0]
    for item in ("S", "O"):  # nobody stocks a service or what is made to order
        found = sites.stocking_site(rows.assign(item=item), KINDS, CHAIN)
        assert found.tolist() == ["plant"] * 4 + ["Moon"]


def test_demand_stands_at_the_stocking_site_and_no_less_than_orders_by_hand():
    plan = plan_of(
        ("A", "North", 12.0), ("A", "South", 30.0), ("A", "Moon", 5.0), ("S", "North", 2.0)
    )
    orders = orders_of(
        ("A", "North", 1, 20.0), ("A", "South", 1, 29.0), ("A", "South", 9, 99.0),
        ("A", "depot", 2, 4.0),
    )  # fmt: skip
    table = sites.site_demand(plan, orders, KINDS, CHAIN)
    wide = table.pivot(index=schema.SITE, columns="month", values="demand")
    assert wide.loc["A", "depot"].tolist() == [12.0, 20.0, 12.0 + 4.0, 12.0]
    assert wide.loc["A", "plant"].tolist() == [30.0] * 4  # less was ordered than planned
    assert wide.loc["A", "Moon"].tolist() == [5.0] * 4
    assert wide.loc["S", "plant"].tolist() == [2.0] * 4
    assert len(table) == 4 * 4  # a month not planned is left out


def test_what_sales_agreed_to_is_wanted_in_its_new_month_also_of_orders_by_hand():
    plan = plan_of(("A", "shop", 8.0))
    plan = plan.assign(constrained=plan["consensus"] + [-5.0, 5.0, -2.0, 0.0])
    orders = orders_of(("A", "shop", 0, 12.0), ("B", "shop", 1, 3.0))
    found = sites.series_demand(plan, orders, KINDS, CHAIN).set_index(["item", "month"])["demand"]
    assert found.tolist() == [7.0, 13.0, 6.0, 8.0, 3.0]
    no = plan.assign(refused_quantity=[np.nan, 1.0, 2.0, np.nan])
    no = pd.concat([no, no.tail(2)])  # units of two later months, and none of an order
    found = sites.series_demand(plan, orders, KINDS, CHAIN, no)
    assert found["refused"].tolist() == [0.0, 1.0, 4.0, 0.0, 0.0]


def test_orders_of_one_series_and_month_add_up():
    orders = orders_of(("A", "plant", 0, 8.0), ("A", "plant", 0, 7.0))
    table = sites.site_demand(plan_of(("A", "plant", 10.0)), orders, KINDS, CHAIN)
    assert table["demand"].tolist() == [15.0, 10.0, 10.0, 10.0]


def test_a_site_that_only_supplies_others_takes_part_with_no_demand():
    table = sites.site_demand(plan_of(("A", "North", 7.0)), NO_ORDERS, KINDS, CHAIN)
    assert table[schema.SITE].drop_duplicates().values.tolist() == [["A", "depot"], ["A", "plant"]]
    assert table["demand"].tolist() == [7.0] * 4 + [0.0] * 4


def test_without_locations_every_market_supplies_itself():
    table = sites.site_demand(plan_of(("A", "North", 12.0)), NO_ORDERS, NO_ITEMS, NOWHERE)
    assert table["location"].unique().tolist() == ["North"]
    assert table["demand"].tolist() == [12.0] * 4


def test_what_is_firm_counts_and_what_is_planned_only_within_the_lead_time_by_hand():
    terms = pd.DataFrame(
        {
            "item": "A",
            "location": ["plant", "depot"],
            "lead_time_months": [3, 1],
            "frozen_months": [2, 0],
            "supplied_from": [None, "plant"],
        }
    )
    scheduled = scheduled_of(
        ("A", "plant", 0, "production", 10, True),  # frozen and firm
        ("A", "plant", 0, "production", 1, None),  # blank counts as firm
        ("A", "plant", 1, "purchase", 20, False),  # frozen: only what is firm
        ("A", "plant", 2, "purchase", 30, False),  # nothing new could come in its stead
        ("A", "plant", 2, "production", 5, False),
        ("A", "plant", 3, "purchase", 40, False),  # planned anew
        ("A", "plant", 3, "purchase", 50, True),
        ("A", "North", 0, "transfer", 60, True),  # from the depot to its own place
        ("A", "depot", 0, "transfer", 70, False),  # on its way from the plant
        ("A", "depot", 1, "transfer", 80, False),  # planned anew
        ("A", "depot", 2, "transfer", 90, True),
    )
    table = sites.receipts(scheduled, KINDS, CHAIN, terms, CYCLE)
    rows = table.assign(ahead=months.number(table["month"]) - months.number(CYCLE))
    assert rows[["location", "ahead", "quantity", "in_work", "committed"]].values.tolist() == [
        ["depot", 0, 70.0, 0.0, 0.0],  # left the plant a month ago
        ["depot", 2, 90.0, 0.0, 0.0],
        ["plant", 0, 11.0, 11.0, 0.0],
        ["plant", 1, 0.0, 0.0, 90.0],  # leaves in time for its month
        ["plant", 2, 35.0, 5.0, 0.0],
        ["plant", 3, 50.0, 0.0, 0.0],
    ]


def test_lead_times_and_exposure_by_hand():
    items = typed(
        "items",
        item=list("ABCDE"),
        family=["T", "T", "S", "T", "T"],
        lead_time_days=[61, None, None, 16, 15],
        is_purchased=[True, True, None, None, None],
        is_service=[None, None, None, True, None],
        is_made_to_order=[None, None, None, None, True],
    )
    suppliers = typed(
        "suppliers", item=["A", "B", "B"], supplier=["x", "x", "y"], lead_time_days=[5, 90, 31]
    )
    every = sites_of(*((item, "plant") for item in "ABCDE"))
    levels, frozen = {"default": 0.95, "S": 0.5}, {"default": 1, "S": 2}
    table = sites.replenishment(every, items, NOWHERE, suppliers, levels, frozen)
    table = table.set_index("item")
    # A its own 61 days, B its quickest supplier, C nothing said, D above and E below half a month
    assert table["lead_time_months"].to_dict() == {"A": 2, "B": 1, "C": 0, "D": 1, "E": 0}
    assert table["is_purchased"].tolist() == [True, True, False, False, False]
    # lead time and a month of review
    exposure = [61 / 30.4 + 1, 31 / 30.4 + 1, 1.0, 16 / 30.4 + 1, 15 / 30.4 + 1]
    assert table["exposure_months"].tolist() == pytest.approx(exposure)
    assert table["service_level_rate"].tolist() == [0.95, 0.95, 0.5, 0.95, 0.95]
    assert table["is_service"].tolist() == [False, False, False, True, False]
    assert table["is_made_to_order"].tolist() == [False, False, False, False, True]
    # services and what is made to order answer to orders, frozen or not
    assert table["frozen_months"].tolist() == [1, 1, 2, 0, 0]
    assert table["supplied_from"].isna().all()


def test_a_depot_waits_for_the_transfer_and_buys_nothing_itself():
    items = typed("items", item=["A"], lead_time_days=[90], is_purchased=[True])
    every = sites_of(("A", "plant"), ("A", "depot"))
    table = sites.replenishment(every, items, CHAIN, NO_SUPPLIERS, {"default": 0.9})
    assert table["location"].tolist() == ["depot", "plant"]
    assert table["supplied_from"].fillna("").tolist() == ["plant", ""]
    assert table["lead_time_months"].tolist() == [1, 3]
    assert table["is_purchased"].tolist() == [False, True]
    assert table["frozen_months"].tolist() == [0, 0]
    assert sites.supplied_from(table).tolist() == [1, -1]


def test_a_family_has_the_lead_time_of_its_quickest_supplier():
    items = typed("items", item=["A", "B"], family=["T", "T"])
    suppliers = typed(
        "suppliers", item=["all", "B"], family=["T", "all"], supplier=["x", "y"],
        lead_time_days=[92, 31],
    )  # fmt: skip
    every = sites_of(("A", "plant"), ("B", "plant"))
    table = sites.replenishment(every, items, NOWHERE, suppliers, {"default": 0.9})
    assert table["lead_time_months"].tolist() == [3, 1]


def test_without_items_everything_is_made_at_once_under_the_default_service_level():
    every = sites_of(("A", "plant"))
    table = sites.replenishment(every, NO_ITEMS, NOWHERE, NO_SUPPLIERS, {"default": 0.95})
    assert table[["is_purchased", "lead_time_months"]].values.tolist() == [[False, 0]]
    assert table[["exposure_months", "service_level_rate"]].values.tolist() == [[1.0, 0.95]]


def opening_of(stock: pd.DataFrame, *pairs: tuple, places=NOWHERE):
    return sites.opening_stock(stock, sites_of(*pairs), KINDS, places, CYCLE)


def test_opening_stock_is_what_is_left_after_backlog_at_the_last_month_end_by_hand():
    stock = typed(
        "inventory",
        item=["A", "A", "B"],
        location="plant",
        month=["2025-11", "2025-12", "2025-12"],
        on_hand=[99, 10, 3],
        backlog=[None, None, 8],
    )
    opening, is_known = opening_of(stock, ("A", "plant"), ("B", "plant"), ("C", "plant"))
    assert opening.tolist() == [10.0, -5.0, 0.0]
    assert is_known


@pytest.mark.parametrize(("place", "month"), [("plant", "2025-11"), ("warehouse", "2025-12")])
def test_old_stock_or_stock_of_no_site_is_no_opening_stock(place, month):
    stock = typed("inventory", item=["A"], location=[place], month=[month], on_hand=[99])
    opening, is_known = opening_of(stock, ("A", "plant"))
    assert opening.tolist() == [0.0]
    assert not is_known  # else the page would say that zero was counted


def test_stock_of_a_shop_is_its_depots_and_none_is_lost():
    stock = typed(
        "inventory",
        item="A",
        location=["plant", "depot", "North", "Moon"],
        month="2025-12",
        on_hand=[10, 5, 2, 99],
        backlog=[None, 1, None, None],
    )
    pairs = ("A", "plant"), ("A", "depot"), ("A", "Moon")
    opening, is_known = opening_of(stock, *pairs, places=CHAIN)
    assert opening.to_dict() == {("A", "plant"): 10.0, ("A", "depot"): 6.0, ("A", "Moon"): 99.0}
    assert is_known
    assert opening.sum() == (stock["on_hand"] - stock["backlog"].fillna(0.0)).sum()


def test_goods_of_a_series_pass_every_site_above_the_one_that_serves_by_hand():
    keys = pd.DataFrame({"item": "A", "location": ["North", "South", "plant"], "channel": "all"})
    terms = pd.DataFrame(
        {"item": "A", "location": ["depot", "plant"], "supplied_from": ["plant", None]}
    )
    series, place = sites.flows(keys, KINDS, CHAIN, terms)
    pairs = sorted(zip(series.tolist(), place.tolist(), strict=True))
    # depot and plant are 0 and 1, passing them 2 and 3
    assert pairs == [(0, 0), (0, 2), (0, 3), (1, 1), (1, 3), (2, 1), (2, 3)]


def test_a_series_whose_site_is_not_planned_flows_nowhere():
    keys = pd.DataFrame({"item": ["A", "B"], "location": "plant", "channel": "all"})
    terms = pd.DataFrame({"item": ["A"], "location": ["plant"], "supplied_from": [None]})
    series, place = sites.flows(keys, KINDS, CHAIN, terms)
    assert sorted(zip(series.tolist(), place.tolist(), strict=True)) == [(0, 0), (0, 1)]


# (3) invariants


def test_site_demand_keeps_the_plans_total():
    plan = plan_of(("A", "North", 1.0), ("A", "South", 2.0), ("B", "Unlisted", 4.0))
    table = sites.site_demand(plan, NO_ORDERS, NO_ITEMS, CHAIN)
    assert table["demand"].sum() == plan["consensus"].sum() == 28.0
    assert not table.duplicated(schema.SITE_MONTH).any()


def test_the_order_of_rows_changes_nothing():
    plan = plan_of(("A", "North", 1.0), ("A", "South", 2.0), ("S", "North", 4.0))
    orders = orders_of(("A", "North", 1, 20.0), ("A", "South", 2, 5.0))
    first = sites.site_demand(plan, orders, KINDS, CHAIN)
    second = sites.site_demand(
        plan.sample(frac=1, random_state=1), orders[::-1], KINDS[::-1], CHAIN[::-1]
    )
    pd.testing.assert_frame_equal(first, second)
    terms = [
        sites.replenishment(table, KINDS, CHAIN, NO_SUPPLIERS, {"default": 0.9})
        for table in (first, first.sample(frac=1, random_state=3))
    ]
    pd.testing.assert_frame_equal(*terms)
    scheduled = scheduled_of(
        ("A", "plant", 0, "production", 10, True), ("A", "depot", 0, "transfer", 3, True)
    )
    tables = [
        sites.receipts(rows, KINDS, CHAIN, terms[0], CYCLE) for rows in (scheduled, scheduled[::-1])
    ]
    pd.testing.assert_frame_equal(*tables)


def test_arguments_are_not_changed():
    plan, orders = plan_of(("A", "North", 1.0)), orders_of(("A", "North", 1, 20.0))
    stock = typed("inventory", item=["A"], location=["North"], month=["2025-12"], on_hand=[9])
    scheduled = scheduled_of(("A", "plant", 0, "production", 10, True))
    suppliers = typed("suppliers", item=["A"], supplier=["x"], lead_time_days=[9])
    every, levels = sites_of(("A", "plant"), ("A", "depot")), {"default": 0.9}
    terms = sites.replenishment(every, KINDS, CHAIN, suppliers, levels)
    arguments = (plan, orders, stock, scheduled, suppliers, every, terms, KINDS, CHAIN)
    before = [argument.copy() for argument in arguments]
    sites.site_demand(plan, orders, KINDS, CHAIN)
    sites.replenishment(every, KINDS, CHAIN, suppliers, levels, {"default": 1})
    sites.opening_stock(stock, every, KINDS, CHAIN, CYCLE)
    sites.receipts(scheduled, KINDS, CHAIN, terms, CYCLE)
    sites.flows(plan, KINDS, CHAIN, terms)
    for kept, argument in zip(before, arguments, strict=True):
        pd.testing.assert_frame_equal(kept, argument)
    assert levels == {"default": 0.9}


# (4) an obvious slow version


@pytest.mark.parametrize("seed", range(5))
def test_depths_and_sources_equal_a_slow_walk(seed):
    rng = np.random.default_rng(seed)
    above = np.array([rng.integers(-1, k) if k else -1 for k in range(12)])
    order = rng.permutation(12)
    place = np.argsort(order)
    mixed = np.array([-1 if above[k] < 0 else place[above[k]] for k in order])

    def walk(k):
        return [k] if mixed[k] < 0 else [k, *walk(mixed[k])]

    assert sites.depths(mixed).tolist() == [len(walk(k)) - 1 for k in range(12)]
    names = [f"site {k}" for k in range(12)]
    supplied = [None if k < 0 else names[k] for k in mixed]
    chain = typed("locations", location=names, supplied_from=supplied)
    heads = [names[walk(k)[-1]] for k in range(12)]
    assert sites.head(pd.Series(names), chain).tolist() == heads


# (5) errors


@pytest.mark.parametrize("circle", [[1, 0], [0], [-1, 2, 3, 1]])
def test_a_circle_of_sites_is_refused(circle):
    with pytest.raises(ValueError, match="circle; each chain must end at one site"):
        sites.depths(np.array(circle))


def test_a_circle_of_locations_names_one_of_them():
    circle = typed("locations", location=["a", "b", "x"], supplied_from=["b", "a", "a"])
    with pytest.raises(ValueError, match="locations: supplied_from of [ab] runs in a circle"):
        sites.site_demand(plan_of(("A", "x", 1.0)), NO_ORDERS, NO_ITEMS, circle)
    assert len(sites.head(pd.Series(["a", "b"]), circle)) == 2  # it ends


def test_an_item_twice_at_one_site_is_refused():
    terms = pd.DataFrame(
        {
            "item": "A",
            "location": "plant",
            "lead_time_months": [1, 2],
            "frozen_months": 0,
            "supplied_from": None,
        }
    )
    scheduled = scheduled_of(("A", "plant", 0, "production", 10, True))
    with pytest.raises(pd.errors.MergeError, match="not unique"):
        sites.receipts(scheduled, KINDS, CHAIN, terms, CYCLE)
