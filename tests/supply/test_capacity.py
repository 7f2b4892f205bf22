"""Units become hours, beside the hours there are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months
from sopkit.supply import capacity

AHEAD = months.span(pd.Timestamp("2026-01-01"), 2)
NO_CALENDAR = contract.empty("calendar")


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


# (1) by hand


def test_an_items_own_routing_wins_over_its_familys_by_hand():
    hours = capacity.hours_per_unit(ROUTINGS, ITEMS, RESOURCES)
    assert list(hours.columns) == ["cutting", "sewing"]
    assert hours.loc["A"].tolist() == [1.0, 2.0]
    assert hours.loc["B"].tolist() == [0.0, 5.0]  # nothing of the family's cutting
    assert hours.loc["C"].tolist() == [0.5, 0.0]


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
    hours = capacity.hours_per_unit(ROUTINGS, ITEMS, RESOURCES)
    available = capacity.available_hours(RESOURCES, contract.empty("capacity"), NO_CALENDAR, AHEAD)
    made = made_of(("A", 0, 10.0), ("B", 0, 4.0), ("C", 1, 20.0))
    wanted = made_of(("A", 0, 60.0), ("B", 0, 4.0), ("C", 1, 20.0))
    table = capacity.resource_load(made, wanted, hours, available)
    assert table["load_hours"].tolist() == [10.0, 10.0, 40.0, 0.0]
    assert table["wanted_hours"].tolist() == [60.0, 10.0, 140.0, 0.0]
    assert table["utilisation_rate"].tolist() == [0.2, 0.2, 0.4, 0.0]


def test_a_resource_without_regular_hours_has_no_utilisation():
    shut = typed("capacity", resource=["cutting"], month=["2026-01"], regular_hours=[0])
    available = capacity.available_hours(RESOURCES, shut, NO_CALENDAR, AHEAD)
    hours = capacity.hours_per_unit(ROUTINGS, ITEMS, RESOURCES)
    made = made_of(("A", 0, 10.0))
    table = capacity.resource_load(made, made, hours, available)
    assert np.isnan(table["utilisation_rate"][0])
    assert table["utilisation_rate"][1:].tolist() == [0.0, 0.2, 0.0]


def test_an_item_without_routing_takes_no_hours():
    hours = capacity.hours_per_unit(ROUTINGS, ITEMS, RESOURCES)
    available = capacity.available_hours(RESOURCES, contract.empty("capacity"), NO_CALENDAR, AHEAD)
    made = made_of(("Z", 0, 1000.0), ("A", 0, 1.0))
    table = capacity.resource_load(made, made, hours, available)
    assert table["load_hours"].tolist() == [1.0, 0.0, 2.0, 0.0]


def test_without_resources_there_is_no_load():
    nothing = contract.empty("resources")
    hours = capacity.hours_per_unit(contract.empty("routings"), ITEMS, nothing)
    available = capacity.available_hours(nothing, contract.empty("capacity"), NO_CALENDAR, AHEAD)
    made = made_of(("A", 0, 10.0))
    assert capacity.resource_load(made, made, hours, available).empty


# (2) published


def test_bills_of_capacity_reproduce_vollmann_rccp_cpof_capacity_bills():
    """Vollmann, Berry & Whybark, Manufacturing Planning and Control: capacity bills, 13 periods."""
    plan = {
        "A": [33, 33, 33, 40, 40, 40, 30, 30, 30, 37, 37, 37, 37],
        "B": [17, 17, 17, 13, 13, 13, 25, 25, 25, 27, 27, 27, 27],
    }
    span = months.span(pd.Timestamp("2026-01-01"), 13)
    made = pd.concat(
        [pd.DataFrame({"item": item, "month": span, "quantity": q}) for item, q in plan.items()]
    )
    centres = ["100", "200", "300"]
    resources = typed("resources", resource=centres, regular_hours=[50] * 3)
    routings = typed(
        "routings",
        item=["A", "B", "A", "B", "A", "B"],
        resource=np.repeat(centres, 2),
        hours_per_unit=[0.05, 1.30, 0.70, 0.55, 0.20, 0.0],
    )
    hours = capacity.hours_per_unit(routings, ITEMS, resources)
    available = capacity.available_hours(resources, contract.empty("capacity"), NO_CALENDAR, span)
    load = capacity.resource_load(made, made, hours, available)
    wide = load.pivot(index="month", columns="resource", values="load_hours")
    assert hours.sum(axis=1).to_dict() == pytest.approx({"A": 0.95, "B": 1.85})
    assert wide.sum().to_dict() == pytest.approx({"100": 377.75, "200": 470.05, "300": 91.40})
    assert wide.iloc[0].tolist() == pytest.approx([23.75, 32.45, 6.60])
    assert wide.sum(axis=1).tolist() == pytest.approx(
        [62.8] * 3 + [62.05] * 3 + [74.75] * 3 + [85.1] * 4
    )
    assert load["load_hours"].sum() == pytest.approx(939.20)


# (3) invariants


@pytest.fixture
def many():
    """Forty items, four resources, six months; a third of the pairs take hours."""
    rng = np.random.default_rng(5)
    items, names = [f"I{k:02d}" for k in range(40)], ["p", "q", "r", "s"]
    pairs = [
        (i, r, float(rng.uniform(0.1, 2))) for i in items for r in names if rng.random() < 0.33
    ]
    routings = typed(
        "routings",
        item=[p[0] for p in pairs],
        resource=[p[1] for p in pairs],
        hours_per_unit=[p[2] for p in pairs],
    )
    resources = typed("resources", resource=names, regular_hours=[40] * 4)
    span = months.span(pd.Timestamp("2026-01-01"), 6)
    made = pd.DataFrame(
        [(i, m, float(rng.integers(0, 9))) for i in items for m in span],
        columns=["item", "month", "quantity"],
    )
    hours = capacity.hours_per_unit(routings, typed("items", item=items), resources)
    return (
        made,
        hours,
        capacity.available_hours(resources, contract.empty("capacity"), NO_CALENDAR, span),
    )


def test_every_hour_of_the_plan_is_on_some_resource(many):
    made, hours, available = many
    load = capacity.resource_load(made, made, hours, available)
    per_unit = made["item"].map(hours.sum(axis=1)).fillna(0.0)
    assert load["load_hours"].sum() == pytest.approx((made["quantity"] * per_unit).sum())
    assert load["load_hours"].tolist() == load["wanted_hours"].tolist()


def test_the_order_of_rows_changes_nothing(many):
    made, hours, available = many
    first = capacity.resource_load(made, made, hours, available)
    second = capacity.resource_load(
        made.sample(frac=1, random_state=1), made, hours.sample(frac=1, random_state=2), available
    )
    pd.testing.assert_frame_equal(first, second)
    shuffled = [table.sample(frac=1, random_state=3) for table in (ROUTINGS, ITEMS, RESOURCES)]
    pd.testing.assert_frame_equal(
        capacity.hours_per_unit(ROUTINGS, ITEMS, RESOURCES), capacity.hours_per_unit(*shuffled)
    )


def test_arguments_are_not_changed(many):
    made, hours, available = many
    arguments = (made, hours, available, ROUTINGS, ITEMS, RESOURCES)
    before = [argument.copy() for argument in arguments]
    capacity.resource_load(made, made, hours, available)
    capacity.hours_per_unit(ROUTINGS, ITEMS, RESOURCES)
    capacity.available_hours(RESOURCES, contract.empty("capacity"), NO_CALENDAR, AHEAD)
    for kept, argument in zip(before, arguments, strict=True):
        pd.testing.assert_frame_equal(kept, argument)


# (4) an obvious slow version


def test_load_equals_a_slow_loop(many):
    made, hours, available = many
    expected: dict = {}
    for row in made.to_dict("records"):
        for resource in hours.columns:
            per_unit = hours[resource].get(row["item"], 0.0)
            key = (resource, row["month"])
            expected[key] = expected.get(key, 0.0) + row["quantity"] * per_unit
    load = capacity.resource_load(made, made, hours, available)
    found = {(row.resource, row.month): row.load_hours for row in load.itertuples()}
    assert found == pytest.approx(expected)


# (5) errors


def test_a_resource_listed_twice_is_refused():
    double = pd.concat([RESOURCES, RESOURCES], ignore_index=True)
    with pytest.raises(pd.errors.MergeError, match="not unique"):
        capacity.available_hours(double, contract.empty("capacity"), NO_CALENDAR, AHEAD)


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
    given = contract.empty("capacity") if given is None else given
    table = capacity.available_hours(RESOURCES, given, calendar, span)
    return table.groupby("resource")["regular_hours"].agg(list).to_dict()


def test_months_of_more_working_days_have_more_hours_by_hand():
    found = regular(worked(22, 18))  # 20 on average
    assert found["sewing"] == pytest.approx([110.0, 90.0])
    assert found["cutting"] == pytest.approx([55.0, 45.0])
    overtime = capacity.available_hours(
        RESOURCES, contract.empty("capacity"), worked(22, 18), AHEAD
    )
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
