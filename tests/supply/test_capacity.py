"""Units become hours, beside the hours there are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months
from sopkit.supply import capacity

AHEAD = months.span(pd.Timestamp("2026-01-01"), 2)
NO_CALENDAR = contract.empty("calendar")
NO_CAPACITY = contract.empty("capacity")
NO_ROUTINGS = contract.empty("routings")


def typed(name: str, **columns) -> pd.DataFrame:
    checked = contract.check_table(name, pd.DataFrame(columns), contract.Source(name))
    assert not [finding for finding in checked.findings if finding.state == "breach"]
    return checked.frame


RESOURCES = typed(
    "resources", resource=["sewing", "cutting"], regular_hours=[100, 50], overtime_hours=[10, None]
)
ITEMS = typed("items", item=["A", "B", "C"], family=["Tents", "Tents", "Stoves"])
ROUTINGS = typed(
    "routings",
    item=["all", "all", "B", "C"],
    family=["Tents", "Tents", "all", "all"],
    resource=["sewing", "cutting", "sewing", "cutting"],
    hours_per_unit=[2.0, 1.0, 5.0, 0.5],
)


def made_of(*rows: tuple) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["item", "k", "quantity"])
    return table.assign(month=[AHEAD[k] for k in table["k"]])[["item", "month", "quantity"]]


def routed(*rows: tuple) -> pd.DataFrame:
    """Table `routings`: item, family, resource, route, hours, offset; None is a blank cell."""
    columns = ["item", "family", "resource", "route", "hours_per_unit", "offset_months"]
    table = pd.DataFrame(rows, columns=columns)
    return typed("routings", **{column: table[column].tolist() for column in columns})


def produced(*rows: tuple) -> pd.DataFrame:
    """Table `production` of one month: item, quantity, hours."""
    item, quantity, hours = zip(*rows, strict=True)
    month = ["2025-12"] * len(rows)
    return typed("production", item=item, month=month, quantity=quantity, hours=hours)


def hours_by_resource(bill: pd.DataFrame, item: str) -> dict:
    own = bill[(bill["item"] == item) & (bill["route"] == "")]
    return dict(zip(own["resource"], own["hours_per_unit"], strict=True))


def available_in(span: pd.DatetimeIndex, resources: pd.DataFrame = RESOURCES) -> pd.DataFrame:
    return capacity.available_hours(resources, NO_CAPACITY, NO_CALENDAR, span)


# (1) by hand


def test_an_items_own_routing_wins_over_its_familys_by_hand():
    table = capacity.bills(ROUTINGS, ITEMS, RESOURCES)
    assert table.columns.tolist() == capacity.COLUMNS
    assert table.values.tolist() == [
        ["A", "", "cutting", 1.0, 0],
        ["A", "", "sewing", 2.0, 0],
        ["B", "", "sewing", 5.0, 0],  # nothing of the family's cutting
        ["C", "", "cutting", 0.5, 0],
    ]


def test_an_items_own_route_leaves_its_familys_other_routes_by_hand():
    routings = routed(
        (None, "Tents", "sewing", None, 2, 1),
        ("B", None, "sewing", "night", 3, None),
        (None, "Tents", "cutting", "night", 4, None),
    )
    assert capacity.bills(routings, ITEMS, RESOURCES).values.tolist() == [
        ["A", "", "sewing", 2.0, 1],
        ["A", "night", "cutting", 4.0, 0],
        ["B", "", "sewing", 2.0, 1],
        ["B", "night", "sewing", 3.0, 0],
    ]


def test_rows_of_an_item_with_and_without_its_family_add_up_from_the_earlier_month_on():
    routings = routed(
        ("A", None, "sewing", None, 2, 1),
        ("A", "Tents", "sewing", None, 3, 2),
        ("B", "Tents", "sewing", None, 1, 2),
        ("B", None, "sewing", None, 1, 1),
    )
    assert capacity.bills(routings, ITEMS, RESOURCES).values.tolist() == [
        ["A", "", "sewing", 5.0, 2],
        ["B", "", "sewing", 2.0, 2],
    ]


def test_a_familys_rows_pass_its_purchased_items_by_and_an_own_row_stands():
    items = typed(
        "items", item=["A", "B", "D"], family=["Tents"] * 3, is_purchased=[None, True, True]
    )
    routings = routed(
        (None, "Tents", "sewing", None, 2, None), ("D", None, "cutting", None, 0.1, None)
    )
    assert capacity.bills(routings, items, RESOURCES).values.tolist() == [
        ["A", "", "sewing", 2.0, 0],
        ["D", "", "cutting", 0.1, 0],  # such as the inspection of what was bought
    ]


def test_rows_of_a_resource_that_resources_lacks_are_left_out():
    only_cutting = RESOURCES[RESOURCES["resource"] == "cutting"]
    table = capacity.bills(ROUTINGS, ITEMS, only_cutting)
    assert table[["item", "resource"]].values.tolist() == [["A", "cutting"], ["C", "cutting"]]


def test_an_item_without_routing_takes_the_share_of_its_family_by_hand():
    items = typed("items", item=["A", "B", "C", "D", "E"], family=["Tents"] * 3 + ["Stoves"] * 2)
    routings = routed(
        ("A", None, "sewing", None, 3, 2),
        ("A", None, "cutting", None, 1, None),
        ("A", None, "cutting", "night", 50, None),  # no table tells how much went by night
        ("B", None, "cutting", None, 2, None),
        ("D", None, "cutting", None, 4, None),
    )
    past = produced(("A", 10, None), ("B", 5, 99), ("C", 20, 30), ("D", 100, 1), ("E", 4, 8))
    table = capacity.bills(routings, items, RESOURCES, past)
    # Tents: sewing 30 hours, cutting 10 + 10; C: 1.5 hours a unit. Stoves: cutting alone.
    assert hours_by_resource(table, "C") == pytest.approx({"cutting": 0.6, "sewing": 0.9})
    assert hours_by_resource(table, "E") == pytest.approx({"cutting": 2.0})
    assert hours_by_resource(table, "B") == {"cutting": 2.0}  # 99 hours are not asked
    assert table.loc[table["item"] == "C", "offset_months"].tolist() == [0, 0]


@pytest.mark.parametrize("family", ["Stoves", None, "Boats"], ids=["idle", "none", "no routing"])
def test_an_item_whose_family_had_no_load_takes_the_share_of_all_by_hand(family):
    items = typed("items", item=["A", "S", "N"], family=["Tents", "Stoves", family])
    routings = routed(
        ("A", None, "sewing", None, 3, None),
        ("A", None, "cutting", None, 1, None),
        ("S", None, "cutting", None, 1, None),  # routed, and not made in the past
    )
    table = capacity.bills(routings, items, RESOURCES, produced(("A", 7, None), ("N", 10, 4)))
    assert hours_by_resource(table, "N") == pytest.approx({"cutting": 0.1, "sewing": 0.3})


def test_overall_factors_need_hours_units_and_a_past_load():
    items = typed(
        "items",
        item=["A", "P", "Q", "R", "T", "W"],
        is_purchased=[False, True, False, False, False, False],
        is_service=[False, False, False, False, False, True],
    )
    past = produced(("A", 1, 1), ("P", 9, 9), ("Q", 9, None), ("R", 0, 9), ("W", 2, 1))
    routings = routed(("A", None, "sewing", None, 3, None))
    table = capacity.bills(routings, items, RESOURCES, past)
    assert table[["item", "hours_per_unit"]].values.tolist() == [["A", 3.0], ["W", 0.5]]
    only = capacity.bills(routings, items, RESOURCES, past[past["item"] != "A"])
    assert only["item"].tolist() == ["A"]  # no load in the past, so no share
    assert capacity.bills(NO_ROUTINGS, items, RESOURCES, past).empty


def test_hours_a_unit_of_the_past_leave_months_without_hours_out_by_hand():
    items = typed("items", item=["A", "N"])
    past = typed(
        "production",
        item=["A", "N", "N", "N"],
        month=["2025-10", "2025-10", "2025-11", "2025-12"],
        quantity=[1, 10, 30, 1000],
        hours=[None, 10, 70, None],
    )
    table = capacity.bills(routed(("A", None, "sewing", None, 3, 0)), items, RESOURCES, past)
    assert hours_by_resource(table, "N") == pytest.approx({"sewing": 80 / 40})


def test_a_resource_that_resources_lacks_keeps_its_share_of_the_past():
    items = typed("items", item=["A", "N"])
    routings = routed(
        ("A", None, "sewing", None, 3, None), ("A", None, "contractor", None, 1, None)
    )
    table = capacity.bills(routings, items, RESOURCES, produced(("A", 1, None), ("N", 1, 8)))
    assert hours_by_resource(table, "N") == pytest.approx({"sewing": 6.0})  # 2 hours are elsewhere


def test_hours_come_from_the_calendar_where_it_says_some_by_hand():
    given = typed(
        "capacity",
        resource=["sewing"],
        month=["2026-02"],
        regular_hours=[80],
        overtime_hours=[None],
    )
    table = capacity.available_hours(RESOURCES, given, NO_CALENDAR, AHEAD)
    assert table[["resource", "regular_hours", "overtime_hours"]].values.tolist() == [
        ["cutting", 50.0, 0.0],
        ["cutting", 50.0, 0.0],
        ["sewing", 100.0, 10.0],
        ["sewing", 80.0, 10.0],
    ]


def test_load_beside_hours_by_hand():
    bill = capacity.bills(ROUTINGS, ITEMS, RESOURCES)
    made = made_of(("A", 0, 10.0), ("B", 0, 4.0), ("C", 1, 20.0), ("B", 1, 21.5))
    wanted = made_of(("A", 0, 60.0), ("B", 0, 4.0), ("C", 1, 20.0))
    table = capacity.resource_load(made, wanted, bill, available_in(AHEAD))
    assert table["resource"].tolist() == ["cutting", "cutting", "sewing", "sewing"]
    assert table["load_hours"].tolist() == [10.0, 10.0, 40.0, 107.5]
    assert table["wanted_hours"].tolist() == [60.0, 10.0, 140.0, 0.0]
    assert table["utilisation_rate"].tolist() == [0.2, 0.2, 0.4, 1.075]
    assert table["overload_hours"].tolist() == [0.0, 0.0, 0.0, 0.0]  # overtime takes the rest


def test_overload_is_what_overtime_does_not_take_by_hand():
    bill = capacity.bills(ROUTINGS, ITEMS, RESOURCES)
    made = made_of(("A", 0, 60.0), ("A", 1, 50.0))
    table = capacity.resource_load(made, made, bill, available_in(AHEAD))
    assert table["load_hours"].tolist() == [60.0, 50.0, 120.0, 100.0]
    assert table["overload_hours"].tolist() == [10.0, 0.0, 10.0, 0.0]


def test_work_falls_before_the_month_the_unit_is_due_by_hand():
    routings = routed(("A", None, "sewing", None, 2, 1), ("A", None, "cutting", None, 1, None))
    bill = capacity.bills(routings, ITEMS, RESOURCES)
    span = months.span(pd.Timestamp("2025-12-01"), 3)  # over the turn of the year
    made = pd.DataFrame({"item": "A", "month": span, "quantity": [100.0, 10.0, 20.0]})
    table = capacity.resource_load(made, made.head(2), bill, available_in(span))
    assert table["load_hours"].tolist() == [100.0, 10.0, 20.0, 20.0, 40.0, 0.0]
    assert table["wanted_hours"].tolist() == [100.0, 10.0, 0.0, 20.0, 0.0, 0.0]


def test_units_made_by_an_alternative_route_take_its_hours_by_hand():
    routings = routed(("A", None, "sewing", None, 2, None), ("A", None, "cutting", "night", 3, 1))
    bill = capacity.bills(routings, ITEMS, RESOURCES)
    made = made_of(("A", 0, 4.0), ("A", 1, 5.0), ("A", 1, 6.0)).assign(route=["", None, "night"])
    table = capacity.resource_load(made, made.drop(columns="route"), bill, available_in(AHEAD))
    assert table["load_hours"].tolist() == [18.0, 0.0, 8.0, 10.0]
    assert table["wanted_hours"].tolist() == [0.0, 0.0, 8.0, 22.0]  # no column: the usual route


def test_a_resource_without_regular_hours_has_no_utilisation():
    shut = typed("capacity", resource=["cutting"], month=["2026-01"], regular_hours=[0])
    available = capacity.available_hours(RESOURCES, shut, NO_CALENDAR, AHEAD)
    made = made_of(("A", 0, 10.0))
    bill = capacity.bills(ROUTINGS, ITEMS, RESOURCES)
    table = capacity.resource_load(made, made, bill, available)
    assert np.isnan(table["utilisation_rate"][0])
    assert table["utilisation_rate"][1:].tolist() == [0.0, 0.2, 0.0]
    assert table["overload_hours"].tolist() == [10.0, 0.0, 0.0, 0.0]


def test_an_item_without_bill_takes_no_hours():
    bill = capacity.bills(ROUTINGS, ITEMS, RESOURCES)
    made = made_of(("Z", 0, 1000.0), ("A", 0, 1.0))
    table = capacity.resource_load(made, made, bill, available_in(AHEAD))
    assert table["load_hours"].tolist() == [1.0, 0.0, 2.0, 0.0]


def test_without_resources_there_is_no_load_and_without_bills_it_is_zero():
    nothing = contract.empty("resources")
    bill = capacity.bills(NO_ROUTINGS, ITEMS, nothing, contract.empty("production"))
    assert bill.empty and bill.columns.tolist() == capacity.COLUMNS
    made = made_of(("A", 0, 10.0))
    assert capacity.resource_load(made, made, bill, available_in(AHEAD, nothing)).empty
    table = capacity.resource_load(made, made, bill, available_in(AHEAD))
    assert table["load_hours"].tolist() == table["overload_hours"].tolist() == [0.0] * 4
    assert table["utilisation_rate"].tolist() == [0.0] * 4


def test_arrays_hold_the_usual_routes_first_and_the_others_after_by_hand():
    routings = routed(
        ("C", None, "cutting", None, 0.5, 2),
        ("A", None, "sewing", "night", 3, 1),
        ("A", None, "cutting", "away", 4, None),
        ("A", None, "sewing", None, 2, None),
    )
    bill = capacity.bills(routings, ITEMS, RESOURCES)
    order = ["C", "B", "A"]  # B has no bill
    route_item, hours, offset = capacity.as_arrays(bill, order, ["sewing", "cutting"])
    assert route_item.tolist() == [0, 1, 2, 2, 2]
    assert hours.tolist() == [[0.0, 0.5], [0.0, 0.0], [2.0, 0.0], [0.0, 4.0], [3.0, 0.0]]
    assert offset.tolist() == [[0, 2], [0, 0], [0, 0], [0, 0], [1, 0]]
    for table in (bill, bill[::-1]):
        assert capacity.routes(table, order)["route"].tolist() == ["", "", "", "away", "night"]
    assert route_item.dtype.kind == offset.dtype.kind == "i" and hours.dtype == "float64"


def test_an_item_of_two_sites_has_its_routes_at_both():
    routings = routed(("A", None, "sewing", None, 2, 1), ("A", None, "cutting", "night", 3, None))
    bill = capacity.bills(routings, ITEMS, RESOURCES)
    route_item, hours, offset = capacity.as_arrays(bill, ["A", "C", "A"], ["cutting", "sewing"])
    assert route_item.tolist() == [0, 1, 2, 0, 2]
    assert hours.tolist() == [[0.0, 2.0], [0.0, 0.0], [0.0, 2.0], [3.0, 0.0], [3.0, 0.0]]
    assert offset[:, 1].tolist() == [1, 0, 1, 0, 0]


def test_arrays_of_no_bills_are_zeros_of_the_right_shape():
    bill = capacity.bills(NO_ROUTINGS, ITEMS, RESOURCES)
    route_item, hours, offset = capacity.as_arrays(bill, pd.Index(["A", "B"]), ["sewing"])
    assert route_item.tolist() == [0, 1]
    assert hours.tolist() == offset.tolist() == [[0.0], [0.0]]
    assert capacity.as_arrays(bill, [], [])[1].shape == (0, 0)


# (2) published

VOLLMANN_PLAN = {
    "A": [33, 33, 33, 40, 40, 40, 30, 30, 30, 37, 37, 37, 37],
    "B": [17, 17, 17, 13, 13, 13, 25, 25, 25, 27, 27, 27, 27],
}
CENTRES = ["100", "200", "300"]


def vollmann_load(bill: pd.DataFrame) -> pd.DataFrame:
    """Hours of the published plan by month and work centre."""
    span = months.span(pd.Timestamp("2026-01-01"), 13)
    made = pd.concat(
        pd.DataFrame({"item": item, "month": span, "quantity": quantity})
        for item, quantity in VOLLMANN_PLAN.items()
    )
    resources = typed("resources", resource=CENTRES, regular_hours=[50] * 3)
    load = capacity.resource_load(made, made, bill, available_in(span, resources))
    return load.pivot(index="month", columns="resource", values="load_hours")


def vollmann_bills() -> pd.DataFrame:
    resources = typed("resources", resource=CENTRES, regular_hours=[50] * 3)
    routings = typed(
        "routings",
        item=["A", "B", "A", "B", "A", "B"],
        resource=np.repeat(CENTRES, 2),
        hours_per_unit=[0.05, 1.30, 0.70, 0.55, 0.20, 0.0],
    )
    return capacity.bills(routings, ITEMS, resources)


def vollmann_factors() -> pd.DataFrame:
    direct = pd.Series({"A": 0.95, "B": 1.85})
    return capacity.overall_factors(direct, pd.Series([0.603, 0.304, 0.093], index=CENTRES))


def test_bills_of_capacity_reproduce_vollmann_rccp_cpof_capacity_bills():
    """Vollmann, Berry & Whybark, Manufacturing Planning and Control: capacity bills, 13 periods."""
    bill = vollmann_bills()
    load = vollmann_load(bill)
    direct = bill.groupby("item")["hours_per_unit"].sum()
    assert direct.to_dict() == pytest.approx({"A": 0.95, "B": 1.85})
    assert load.sum().to_dict() == pytest.approx({"100": 377.75, "200": 470.05, "300": 91.40})
    assert load.iloc[0].tolist() == pytest.approx([23.75, 32.45, 6.60])
    assert load.sum(axis=1).tolist() == pytest.approx(
        [62.8] * 3 + [62.05] * 3 + [74.75] * 3 + [85.1] * 4
    )
    assert load.to_numpy().sum() == pytest.approx(939.20)


def test_overall_factors_reproduce_vollmann_rccp_cpof_capacity_bills():
    """The same book and plan: capacity planning using overall factors; periods are rounded."""
    load = vollmann_load(vollmann_factors())
    published = {"100": 566.33, "200": 285.52, "300": 87.35}
    assert load.sum().to_dict() == pytest.approx(published, abs=0.02)
    assert load.iloc[0].tolist() == pytest.approx([37.87, 19.09, 5.84], abs=0.005)
    assert load.sum(axis=1).tolist() == pytest.approx(
        [62.8] * 3 + [62.05] * 3 + [74.75] * 3 + [85.1] * 4
    )
    assert load.to_numpy().sum() == pytest.approx(939.20)


def test_bills_and_overall_factors_of_vollmann_differ_by_centre_and_agree_in_total():
    """Work centre 100: 566 hours by overall factors, 378 by bills."""
    by_bill, by_factor = vollmann_load(vollmann_bills()), vollmann_load(vollmann_factors())
    assert by_factor["100"].sum() - by_bill["100"].sum() == pytest.approx(188.58, abs=0.02)
    assert by_factor.sum(axis=1).tolist() == pytest.approx(by_bill.sum(axis=1).tolist())


def test_the_published_factors_come_out_of_past_production_too():
    """A and B told by `production` alone, a third item's routing holding the published shares."""
    items = typed("items", item=["A", "B", "past"])
    routings = typed(
        "routings", item=["past"] * 3, resource=CENTRES, hours_per_unit=[0.603, 0.304, 0.093]
    )
    resources = typed("resources", resource=CENTRES, regular_hours=[50] * 3)
    past = produced(("A", 200, 190), ("B", 100, 185), ("past", 5, None))
    table = capacity.bills(routings, items, resources, past)
    ours = table[table["item"] != "past"].reset_index(drop=True)
    pd.testing.assert_frame_equal(ours, vollmann_factors())


# (3) invariants

SPAN = months.span(pd.Timestamp("2026-01-01"), 6)
NAMES = ["p", "q", "r", "s"]
MANY = [f"I{k:02d}" for k in range(40)]


def many_tables(seed: int) -> dict[str, pd.DataFrame]:
    """Forty items, four without routing; four resources, two routes, six months."""
    rng = np.random.default_rng(seed)
    rows = [
        (item, None, name, route, float(rng.uniform(0.1, 2)), int(rng.integers(0, 4)))
        for item in MANY
        if not item.endswith("0")
        for name in NAMES
        for route in (None, "night")
        if rng.random() < 0.33
    ]
    named = {row[0] for row in rows if row[3]}
    made = pd.DataFrame(
        [
            (item, month, route, float(rng.integers(0, 9)))
            for item in MANY
            for month in SPAN
            for route in ["", *(["night"] if item in named else [])]
        ],
        columns=["item", "month", "route", "quantity"],
    )
    tables = {
        "routings": routed(*rows),
        "items": typed("items", item=MANY, family=[f"F{k % 3}" for k in range(40)]),
        "resources": typed("resources", resource=NAMES, regular_hours=[40] * 4),
        "production": produced(
            *((item, int(rng.integers(1, 50)), float(rng.uniform(1, 9))) for item in MANY)
        ),
    }
    return tables | {"made": made}


def bills_of(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return capacity.bills(*(tables[n] for n in ("routings", "items", "resources", "production")))


def load_of(tables: dict[str, pd.DataFrame], bill: pd.DataFrame) -> pd.DataFrame:
    return capacity.resource_load(
        tables["made"], tables["made"], bill, available_in(SPAN, tables["resources"])
    )


seeds = pytest.mark.parametrize("seed", [0, 1, 2])


@seeds
def test_every_hour_of_the_plan_is_on_some_resource(seed):
    tables = many_tables(seed)
    bill = bills_of(tables).assign(offset_months=0)
    load, made = load_of(tables, bill), tables["made"]
    per_unit = bill.groupby(["item", "route"])["hours_per_unit"].sum()
    keys = pd.MultiIndex.from_frame(made[["item", "route"]])
    expected = (made["quantity"].to_numpy() * per_unit.reindex(keys).fillna(0.0).to_numpy()).sum()
    assert load["load_hours"].sum() == pytest.approx(expected)
    assert load["load_hours"].tolist() == load["wanted_hours"].tolist()


@seeds
def test_an_offset_moves_hours_and_leaves_out_those_before_the_first_month(seed):
    tables = many_tables(seed)
    bill = bills_of(tables)
    moved, still = load_of(tables, bill), load_of(tables, bill.assign(offset_months=0))
    work = tables["made"].merge(bill, on=["item", "route"], how="inner", validate="m:m")
    is_done = months.number(work["month"]) - work["offset_months"] < months.number(SPAN[0])
    done = (work["quantity"] * work["hours_per_unit"])[is_done].sum()
    assert done > 0
    assert moved["load_hours"].sum() == pytest.approx(still["load_hours"].sum() - done)


@seeds
def test_overall_factors_keep_the_hours_of_the_past(seed):
    tables = many_tables(seed)
    written = set(tables["routings"]["item"])
    lacking = sorted(set(MANY) - written)
    told = tables["production"].set_index("item")
    total = bills_of(tables).groupby("item")["hours_per_unit"].sum()
    assert lacking and set(total.index) == set(MANY)
    expected = (told["hours"] / told["quantity"])[lacking]
    assert total[lacking].tolist() == pytest.approx(expected.tolist())


@seeds
def test_the_order_of_rows_changes_nothing(seed):
    tables = many_tables(seed)
    shuffled = {n: t.sample(frac=1, random_state=seed + 9) for n, t in tables.items()}
    bill = bills_of(tables)
    pd.testing.assert_frame_equal(bill, bills_of(shuffled))
    assert bill.values.tolist() == sorted(bill.values.tolist())
    mixed = bill.sample(frac=1, random_state=2)
    pd.testing.assert_frame_equal(load_of(tables, bill), load_of(shuffled, mixed))
    arrays, others = (capacity.as_arrays(table, MANY, NAMES) for table in (bill, mixed))
    assert all(np.array_equal(a, b) for a, b in zip(arrays, others, strict=True))


def test_arguments_are_not_changed():
    tables = many_tables(5)
    bill, available = bills_of(tables), available_in(SPAN, tables["resources"])
    direct, share = pd.Series({"A": 2.0}), pd.Series({"p": 0.5, "q": 0.5})
    given = [*tables.values(), bill, available, ROUTINGS, ITEMS, RESOURCES, direct, share]
    before = [argument.copy() for argument in given]
    bills_of(tables)
    capacity.bills(ROUTINGS, ITEMS, RESOURCES)
    capacity.overall_factors(direct, share)
    capacity.resource_load(tables["made"], tables["made"], bill, available)
    capacity.routes(bill, MANY)
    capacity.as_arrays(bill, MANY, NAMES)
    for kept, argument in zip(before, given, strict=True):
        same = pd.testing.assert_frame_equal
        same = pd.testing.assert_series_equal if isinstance(kept, pd.Series) else same
        same(kept, argument)


# (4) an obvious slow version


@seeds
def test_load_equals_a_slow_loop(seed):
    tables = many_tables(seed)
    bill = bills_of(tables)
    expected = {(name, month): 0.0 for name in NAMES for month in SPAN}
    for unit in tables["made"].to_dict("records"):
        for row in bill.to_dict("records"):
            if (row["item"], row["route"]) == (unit["item"], unit["route"]):
                place = SPAN.get_loc(unit["month"]) - row["offset_months"]
                if place >= 0:
                    key = (row["resource"], SPAN[place])
                    expected[key] += unit["quantity"] * row["hours_per_unit"]
    load = load_of(tables, bill)
    found = {(row.resource, row.month): row.load_hours for row in load.itertuples()}
    assert found == pytest.approx(expected)


@seeds
def test_arrays_equal_the_table(seed):
    bill = bills_of(many_tables(seed))
    order = MANY[::-1]
    route_item, hours, offset = capacity.as_arrays(bill, order, NAMES)
    names = capacity.routes(bill, order)["route"]
    back = [
        (order[route_item[n]], names[n], NAMES[k], hours[n, k], offset[n, k])
        for n, k in zip(*np.nonzero(hours), strict=True)
    ]
    assert sorted(back) == sorted(bill.itertuples(index=False, name=None))
    assert route_item[: len(order)].tolist() == list(range(len(order)))
    assert (names[: len(order)] == "").all() and (names[len(order) :] != "").all()


# (5) errors


def test_a_resource_listed_twice_is_refused():
    double = pd.concat([RESOURCES, RESOURCES], ignore_index=True)
    with pytest.raises(pd.errors.MergeError, match="not unique"):
        capacity.available_hours(double, NO_CAPACITY, NO_CALENDAR, AHEAD)


def test_an_offset_of_half_a_month_is_refused_with_its_place():
    routings = routed((None, "Tents", "sewing", None, 2, 1.5))
    with pytest.raises(ValueError, match=r"offset_months of Tents, resource sewing, is 1\.5"):
        capacity.bills(routings, ITEMS, RESOURCES)


@pytest.mark.parametrize("share", [[60.0, 40.0], [0.5, 0.4], [1.5, -0.5], [np.nan, 1.5]])
def test_shares_that_are_no_parts_of_one_are_refused(share):
    with pytest.raises(ValueError, match="shares of sewing, cutting add up to"):
        capacity.overall_factors(
            pd.Series({"A": 1.0}), pd.Series(share, index=["sewing", "cutting"])
        )


def test_a_route_that_bills_lack_is_refused():
    made = made_of(("A", 0, 1.0)).assign(route="nihgt")
    bill = capacity.bills(ROUTINGS, ITEMS, RESOURCES)
    with pytest.raises(ValueError, match="item A is made by route 'nihgt'"):
        capacity.resource_load(made, made, bill, available_in(AHEAD))


def test_arrays_refuse_a_bill_of_a_resource_they_have_no_column_for():
    bill = capacity.bills(ROUTINGS, ITEMS, RESOURCES)
    with pytest.raises(ValueError, match="bills name cutting, which resources_in_order lacks"):
        capacity.as_arrays(bill, ["A"], ["sewing"])


# working days


def worked(*days: float | None, first: str = "2026-01") -> pd.DataFrame:
    """Table `calendar` with the working days of some months."""
    span = months.span(months.parse_cycle(first), len(days))
    return typed(
        "calendar",
        month=span,
        first_date=span,
        last_date=span + pd.offsets.MonthEnd(0),
        working_days=list(days),
    )


def regular(calendar: pd.DataFrame, given=None, span=AHEAD) -> dict:
    given = NO_CAPACITY if given is None else given
    table = capacity.available_hours(RESOURCES, given, calendar, span)
    return table.groupby("resource")["regular_hours"].agg(list).to_dict()


def test_months_of_more_working_days_have_more_hours_by_hand():
    found = regular(worked(22, 18))  # 20 on average
    assert found["sewing"] == pytest.approx([110.0, 90.0])
    assert found["cutting"] == pytest.approx([55.0, 45.0])
    overtime = capacity.available_hours(RESOURCES, NO_CAPACITY, worked(22, 18), AHEAD)
    assert overtime["overtime_hours"].tolist() == pytest.approx([0.0, 0.0, 11.0, 9.0])


def test_the_mean_is_over_the_whole_calendar_and_its_hours_are_kept():
    calendar = worked(20, 22, 18, 24, 16, 20)
    span = months.span(AHEAD[0], 6)
    found = regular(calendar, span=span)
    assert sum(found["sewing"]) == pytest.approx(6 * 100.0)
    assert found["sewing"][0] == pytest.approx(100.0)  # a mean month is unchanged


def test_capacity_of_a_month_stands_as_it_was_given():
    shut = typed("capacity", resource=["sewing"], month=["2026-01"], regular_hours=[80])
    assert regular(worked(22, 18), shut)["sewing"] == pytest.approx([80.0, 90.0])


def test_months_the_calendar_does_not_reach_or_tell_are_usual_ones():
    assert regular(worked(22, None))["sewing"] == [100.0, 100.0]  # the mean of one is itself
    assert regular(worked(18, 22, first="2025-01"))["sewing"] == [100.0, 100.0]
    assert regular(worked(None, None))["sewing"] == [100.0, 100.0]


def test_a_calendar_of_no_working_days_at_all_tells_nothing():
    assert regular(worked(0, 0))["sewing"] == [100.0, 100.0]


def test_a_month_without_working_days_has_no_hours():
    assert regular(worked(0, 20))["sewing"] == [0.0, 200.0]
