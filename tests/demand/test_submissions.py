"""Departments' views on the plan's keys, and how right they were before."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months, schema
from sopkit.demand import hierarchy, overrides, submissions

CYCLE = pd.Timestamp("2026-01-01")


def typed(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    checked = contract.check_table(name, frame, contract.Source(name))
    assert not [finding for finding in checked.findings if finding.state == "breach"]
    return checked.frame


ITEMS = typed(
    "items", pd.DataFrame({"item": ["A", "B", "C"], "family": ["Tents"] * 2 + ["Stoves"]})
)


def said(*rows: dict) -> pd.DataFrame:
    """Table `submissions`; sales in this cycle for January where a row says nothing else."""
    usual = {"department": "sales", "cycle": "2026-01"}
    full = [usual | ({} if "quarter" in row else {"month": "2026-01"}) | row for row in rows]
    return typed("submissions", pd.DataFrame(full))


@pytest.fixture
def base() -> pd.DataFrame:
    """Forecast with prices and levels: A 30 at 10, B 10 at 20, C 60 without a price."""
    parts = [
        pd.DataFrame(
            {
                "item": ["A", "B", "C"],
                "location": "all",
                "channel": "all",
                "month": month,
                "quantity": [30.0, 10.0, 60.0],
                "unit_price_value": [10.0, 20.0, np.nan],
            }
        )
        for month in months.span(CYCLE, 3)
    ]
    base = pd.concat(parts, ignore_index=True)
    locations = typed("locations", pd.DataFrame({"location": ["all"], "region": ["World"]}))
    channels = typed("channels", pd.DataFrame({"channel": ["all"], "segment": ["Everyone"]}))
    return hierarchy.with_levels(base, ITEMS, locations, channels)


def units(views: pd.DataFrame, month: str = "2026-01") -> dict:
    own = views[views["month"] == months.parse_cycle(month)]
    return {(row.department, row.item): row.quantity for row in own.itertuples()}


# (1) by hand


def test_units_of_a_family_follow_the_forecast_by_hand(base):
    views, unplaced = submissions.views(
        said({"family": "Tents", "quantity": 80}), base, ITEMS, cycle=CYCLE
    )
    assert units(views) == {("sales", "A"): 60.0, ("sales", "B"): 20.0}
    assert unplaced.empty


def test_money_becomes_units_at_each_series_price_by_hand(base):
    rows = said({"department": "finance", "family": "Tents", "revenue_value": 1000})
    views, _ = submissions.views(rows, base, ITEMS, cycle=CYCLE)
    # forecast money 300 and 200: 600 buys 60 of A at 10, 400 buys 20 of B at 20
    assert units(views) == pytest.approx({("finance", "A"): 60.0, ("finance", "B"): 20.0})


def test_a_quarter_is_spread_over_its_months_like_the_forecast(base):
    base = base.assign(quantity=base["quantity"] * base["month"].dt.month)
    views, _ = submissions.views(
        said({"item": "A", "quarter": "2026-01", "quantity": 120}), base, ITEMS, cycle=CYCLE
    )
    assert views["month"].map(months.label).tolist() == ["2026-01", "2026-02", "2026-03"]
    assert views["quantity"].tolist() == pytest.approx([20.0, 40.0, 60.0])


def test_months_of_a_quarter_that_are_over_take_a_third_each_and_are_returned(base):
    rows = said(
        {"item": "A", "quarter": "2025-12", "quantity": 90}, {"quarter": "2025-09", "quantity": 9}
    )
    views, unplaced = submissions.views(rows, base, ITEMS, cycle=CYCLE)
    assert views["quantity"].tolist() == pytest.approx([30.0, 30.0])  # January and February
    assert unplaced["amount"].tolist() == [30.0, 3.0, 3.0, 3.0]
    assert unplaced["month"].map(months.label).tolist()[0] == "2025-12"


def test_an_items_number_is_held_within_its_familys(base):
    rows = said(
        {"family": "Tents", "quantity": 40},
        {"item": "A", "quantity": 5},
        {"department": "finance", "family": "Tents", "revenue_value": 750},
        {"department": "finance", "item": "A", "quantity": 5},
    )
    views, unplaced = submissions.views(rows, base, ITEMS, cycle=CYCLE)
    assert units(views) == pytest.approx(
        {("sales", "A"): 5, ("sales", "B"): 35, ("finance", "A"): 5, ("finance", "B"): 35}
    )
    assert unplaced.empty
    placed = submissions.placement(rows, base, ITEMS, cycle=CYCLE)[1]
    own = placed[placed["item"] == "A"].set_index("department")["within"]
    assert own.to_dict() == {
        "sales": "family Tents, 2026-01: 40",
        "finance": "family Tents, 2026-01: money of 750",
    }


def test_of_numbers_that_cross_the_one_entered_later_is_left_out_and_named(base):
    more = base.assign(location="North")
    base = pd.concat([base.assign(location="South"), more], ignore_index=True)
    rows = said(
        {"location": "North", "quantity": 70, "entered_at": "2026-01-03"},
        {"item": "A", "quantity": 50, "entered_at": "2026-01-02"},
    )
    views, unplaced = submissions.views(rows, base, ITEMS, cycle=CYCLE)
    assert units(views[views["location"] == "North"]) == {("sales", "A"): 25.0}
    assert unplaced["finding"].tolist() == [
        "crosses item A, 2026-01: 50, said before, and is left out"
    ]


def test_a_withdrawn_row_is_no_view_and_no_submission(base, sample_tables):
    rows = said({"item": "A", "is_withdrawn": True}, {"item": "B", "quantity": 4})
    views, unplaced = submissions.views(rows, base, ITEMS, cycle=CYCLE)
    assert units(views) == {("sales", "B"): 4.0} and unplaced.empty
    state = submissions.status(rows.iloc[:1], ["sales"], cycle=CYCLE)
    assert state[["state", "rows"]].values.tolist() == [["has not submitted", 0.0]]
    assert submissions.status(rows, ["sales"], cycle=CYCLE)["rows"].tolist() == [1.0]


def test_departments_stand_side_by_side(base):
    rows = said(
        {"item": "A", "quantity": 40}, {"department": "marketing", "item": "A", "quantity": 50}
    )
    views, _ = submissions.views(rows, base, ITEMS, cycle=CYCLE)
    assert units(views) == {("sales", "A"): 40.0, ("marketing", "A"): 50.0}


def test_views_of_other_cycles_are_not_used(base):
    rows = said({"item": "A", "quantity": 40}, {"item": "B", "quantity": 9, "cycle": "2025-12"})
    views, _ = submissions.views(rows, base, ITEMS, cycle=CYCLE)
    assert units(views) == {("sales", "A"): 40.0}


def test_who_has_submitted_by_hand():
    rows = said(
        {"item": "A", "quantity": 1},
        {"item": "A", "quantity": 2, "month": "2026-03"},
        {"department": "guests", "item": "A", "quantity": 1},
        {"department": "finance", "item": "A", "quantity": 1, "cycle": "2025-12"},
    )
    table = submissions.status(rows, ["finance", "sales"], cycle=CYCLE)
    assert table[["department", "rows", "state"]].values.tolist() == [
        ["finance", 0.0, "has not submitted"],
        ["sales", 2.0, "submitted"],
        ["guests", 1.0, "submitted"],
    ]
    assert months.label(table["last_month"][1]) == "2026-03"


# past views beside what came


CAME = {"A": 10.0, "B": 30.0, "C": 60.0}
PAST = months.span(pd.Timestamp("2025-01-01"), 12)


def history_of(came: dict[str, float] = CAME, price: float = 2.0) -> pd.DataFrame:
    """Table `demand_history` of 2025: every month the same."""
    parts = [
        pd.DataFrame(
            {
                "item": item,
                "location": "all",
                "channel": "all",
                "month": PAST,
                "sales": sold,
                "returns": 0.0,
                "revenue_value": price * sold,
            }
        )
        for item, sold in came.items()
    ]
    return pd.concat(parts, ignore_index=True)


def backtest_of(rate: float) -> pd.DataFrame:
    """Table `backtest` one month ahead, the forecast ``rate`` times what came."""
    history = history_of()
    origin = months.from_number(months.number(history["month"]) - 1)
    return history.assign(
        origin=origin,
        lag=1,
        actual=history["sales"],
        combined=history["sales"] * rate,
        seasonal_naive=history["sales"] * 1.1,
    )


def past_views(
    department: str,
    amounts: dict[str, float],
    cycles: int,
    level: str = "family",
    measure: str = "quantity",
) -> list[dict]:
    return [
        {
            "department": department,
            "cycle": months.label(PAST[k]),
            "month": months.label(PAST[k + 1]),
            level: member,
            measure: amount,
        }
        for k in range(cycles)
        for member, amount in amounts.items()
    ]


def skill_of(rows: list[dict], rate: float = 1.2) -> pd.DataFrame:
    table = submissions.skill(said(*rows), history_of(), backtest_of(rate), ITEMS)
    return table.set_index("department")


def test_a_view_twice_as_wrong_counts_a_quarter_by_hand():
    # Tents came 40, Stoves 60; sales says 10 % too much, the forecast 20 %
    table = skill_of(past_views("sales", {"Tents": 44.0, "Stoves": 66.0}, 6))
    assert table["wape"].to_dict() == pytest.approx({"statistical": 0.2, "sales": 0.1})
    assert table["bias_rate"].to_dict() == pytest.approx({"statistical": 0.2, "sales": 0.1})
    assert table["weight_share"].to_dict() == pytest.approx({"statistical": 0.2, "sales": 0.8})
    assert table["verdict"].tolist() == ["the base", "closer than the forecast with events"]


def test_a_view_in_money_is_judged_in_money_by_hand():
    rows = past_views("finance", {"Tents": 120.0, "Stoves": 120.0}, 6, measure="revenue_value")
    table = skill_of(rows)  # came 80 and 120
    assert table.loc["finance", "wape"] == pytest.approx(40 / 200)
    assert table.loc["finance", "cycles"] == 6


def test_a_department_that_speaks_in_units_and_money_is_judged_in_each():
    rows = past_views("sales", {"Tents": 44.0}, 6)
    rows += past_views("sales", {"Stoves": 132.0}, 6, measure="revenue_value")  # came 40 and 120
    assert skill_of(rows).loc["sales", "wape"] == pytest.approx(0.1)


def test_fewer_than_six_cycles_earn_no_weight():
    table = skill_of(past_views("sales", {"Tents": 40.0, "Stoves": 60.0}, 5))
    assert table["weight_share"].to_dict() == {"statistical": 1.0, "sales": 0.0}
    assert table.loc["sales", "verdict"] == "too early to say"


def test_a_view_of_the_whole_company_is_judged_on_the_whole_company():
    rows = [
        {"cycle": months.label(PAST[k]), "month": months.label(PAST[k + 1]), "quantity": 110}
        for k in range(6)
    ]
    assert skill_of(rows).loc["sales", "wape"] == pytest.approx(0.1)


def test_a_view_of_one_family_is_judged_on_that_family_alone():
    table = skill_of(past_views("sales", {"Tents": 44.0}, 6))
    assert table.loc["sales", "wape"] == pytest.approx(0.1)


def test_a_view_of_one_item_is_judged_on_that_item_alone():
    table = skill_of(past_views("sales", {"A": 11.0}, 6, level="item"))  # A came 10, its family 40
    assert table.loc["sales", "wape"] == pytest.approx(0.1)


def test_only_one_to_three_months_ahead_are_judged():
    near = past_views("sales", {"Tents": 44.0}, 6)
    far = [
        {"cycle": "2025-01", "month": month, "family": "Tents", "quantity": 4000}
        for month in ("2025-01", "2025-05", "2025-12")
    ]
    assert skill_of([*near, *far]).loc["sales", "wape"] == pytest.approx(0.1)


def test_a_first_cycle_trusts_the_statistical_forecast():
    table = submissions.skill(contract.empty("submissions"), history_of(), backtest_of(1.2), ITEMS)
    assert table[["department", "weight_share"]].values.tolist() == [["statistical", 1.0]]


# (3) invariants


def test_weights_are_shares_of_one(sample_tables, sample_history, sample_backtest):
    table = submissions.skill(
        sample_tables["submissions"], sample_history, sample_backtest, sample_tables["items"]
    )
    assert set(table["department"]) == {"statistical", "sales", "marketing", "finance"}
    assert table["weight_share"].sum() == pytest.approx(1.0)
    assert table["weight_share"].between(0, 1).all()
    order = table.sort_values("wape")["weight_share"]
    assert order.is_monotonic_decreasing  # who is closer counts more


def test_a_views_total_is_what_the_department_said(base):
    rows = said(
        {"family": "Tents", "quantity": 80},
        {"quantity": 90},
        {"item": "A", "quantity": 3},
        {"family": "Boats", "quantity": 50},
    )
    views, unplaced = submissions.views(rows, base, ITEMS, cycle=CYCLE)
    assert views["quantity"].sum() == pytest.approx(90)
    assert views[views["item"] != "C"]["quantity"].sum() == pytest.approx(80)
    assert unplaced[["family", "quantity"]].values.tolist() == [["Boats", 50.0]]


def test_a_view_of_a_month_that_is_over_is_returned(base):
    rows = said({"item": "A", "quantity": 9, "month": "2025-01"}, {"item": "B", "quantity": 4})
    views, unplaced = submissions.views(rows, base, ITEMS, cycle=CYCLE)  # the year was mistyped
    assert units(views) == {("sales", "B"): 4.0}
    assert unplaced["quantity"].tolist() == [9.0]


def test_money_for_what_has_no_price_is_returned(base):
    views, unplaced = submissions.views(
        said({"item": "C", "revenue_value": 500}, {"item": "A", "quantity": 1}),
        base,
        ITEMS,
        cycle=CYCLE,
    )
    assert units(views) == {("sales", "A"): 1.0}
    assert unplaced[["item", "amount"]].values.tolist() == [["C", 500.0]]


def test_a_department_of_which_every_row_is_lost_is_reported(base):
    views, unplaced = submissions.views(
        said({"family": "Boats", "quantity": 5}), base, ITEMS, cycle=CYCLE
    )
    assert views.empty and len(unplaced) == 1
    assert list(views.columns) == ["department", *schema.SERIES_MONTH, "quantity"]


def test_a_row_with_neither_units_nor_money_is_no_view_of_zero(base):
    rows = said({"item": "A", "quantity": 0}, {"item": "B", "quantity": 4})
    rows = rows.assign(quantity=rows["quantity"].where(rows["item"] == "B"))  # the check forbids it
    views, _ = submissions.views(rows, base, ITEMS, cycle=CYCLE)
    assert units(views) == {("sales", "B"): 4.0}


def test_the_order_of_rows_changes_nothing(base, sample_tables):
    rows = sample_tables["submissions"]
    rows = rows[rows["cycle"] == CYCLE]
    rows = rows.assign(
        family=rows["family"].map({"Tents": "Tents"}).fillna("Stoves"), location="all"
    )
    first, _ = submissions.views(rows, base, ITEMS, cycle=CYCLE)
    second, _ = submissions.views(
        rows.sample(frac=1, random_state=5), base.sample(frac=1, random_state=6), ITEMS, cycle=CYCLE
    )
    assert len(first) == 3 * len(base) - 3  # money buys nothing of C, which has no price
    pd.testing.assert_frame_equal(first, second)


def test_a_quarter_keeps_its_total():
    rows = submissions._by_month(said({"quarter": "2025-11", "quantity": 100}, {"quantity": 7}))
    assert rows["amount"].sum() == pytest.approx(107)
    assert sorted(rows["month"].map(months.label)) == ["2025-11", "2025-12", "2026-01", "2026-01"]


def test_arguments_are_not_changed(base):
    rows = said({"family": "Tents", "quantity": 80}, {"quarter": "2026-01", "revenue_value": 30})
    arguments = (rows, base, history := history_of(), tests := backtest_of(1.2), ITEMS)
    before = [argument.copy() for argument in arguments]
    submissions.views(rows, base, ITEMS, cycle=CYCLE)
    submissions.status(rows, ["sales"], cycle=CYCLE)
    submissions.skill(rows, history, tests, ITEMS)
    for kept, argument in zip(before, arguments, strict=True):
        pd.testing.assert_frame_equal(kept, argument)


# (5) exceptions

NO_ORDERS = contract.empty("orders")
NO_OVERRIDES = pd.DataFrame(columns=overrides.COLUMNS).astype({"change_value": "float64"})


def plan_of(base: pd.DataFrame) -> pd.DataFrame:
    """Table `demand_plan`: a fifth of the forecast comes of events."""
    parts = {"statistical": 0.8 * base["quantity"], "events": 0.2 * base["quantity"]}
    return base[schema.SERIES_MONTH].assign(**parts, consensus=base["quantity"])


def found(base: pd.DataFrame, rows: pd.DataFrame, rate: float = 1.0, materiality: float = 100.0):
    views, unplaced = submissions.views(rows, base, ITEMS, cycle=CYCLE)
    plan = plan_of(base)
    rates = base.drop_duplicates(schema.SERIES)[[*schema.SERIES, "unit_price_value"]]
    return submissions.exceptions(
        plan, views, unplaced, backtest_of(rate), NO_ORDERS, rates, ITEMS, NO_OVERRIDES, materiality
    )


def test_disagreement_is_priced_by_family_and_says_its_direction(base):
    table = found(
        base,
        said(
            {"family": "Tents", "quantity": 50},
            {"department": "finance", "item": "A", "quantity": 24},
        ),
    )
    own = table.set_index("subject")
    # 37.5 of A at 10 and 12.5 of B at 20 = 625 instead of 500; then 240 instead of 300
    assert own.loc["Tents: sales", "amount_value"] == pytest.approx(125)
    assert own.loc["Tents: sales", "finding"] == "above the forecast with events by 25%"
    assert own.loc["Tents: finance", "amount_value"] == pytest.approx(60)
    assert own.loc["Tents: finance", "finding"] == "below the forecast with events by 20%"
    assert own["is_material"].to_dict() == {"Tents: sales": True, "Tents: finance": False}
    assert table["subject"].tolist() == ["Tents: sales", "Tents: finance"]


def test_a_lost_row_names_its_department_and_level_and_is_always_material(base):
    table = found(base, said({"family": "Boats", "quantity": 50}))
    lost = table[table["subject"] == "Submission of sales"].iloc[0]
    assert "family Boats" in lost["finding"] and lost["finding"].startswith("1 rows")
    assert lost["proposal"].startswith("correct its level names")
    assert lost["is_material"]


def test_a_total_that_its_details_exceed_is_named_with_both(base):
    rows = said({"family": "Tents", "quantity": 50}, {"item": "A", "quantity": 80})
    table = found(base, rows)
    row = table[table["subject"] == "Submission of sales"].iloc[0]
    assert row["finding"] == (
        "1 rows differ from their details, first family Tents, 2026-01: 50 (its details come to 80)"
    )
    assert row["is_material"] and row["proposal"].startswith("make the total the sum")


def test_an_item_forecast_worse_than_naive_is_listed(base):
    silent = said({"item": "A", "quantity": 30})
    assert not found(base, silent, rate=1.05)["subject"].str.startswith("Item").any()
    table = found(base, silent, rate=1.2)  # seasonal naive is 10 % off, the forecast 20 %
    a = table[table["subject"] == "Item A"].iloc[0]
    assert "100% above" in a["finding"]
    # twelve months of 10 at a price of 10, over twelve origins
    assert a["amount_value"] == pytest.approx(100.0)


def test_an_item_that_naive_hit_exactly_is_listed_without_a_share_of_nothing(base):
    tests = backtest_of(1.2).assign(seasonal_naive=lambda t: t["actual"])
    plan = plan_of(base)
    rates = base.drop_duplicates(schema.SERIES)[[*schema.SERIES, "unit_price_value"]]
    nothing, lost = submissions.views(contract.empty("submissions"), base, ITEMS, cycle=CYCLE)
    table = submissions.exceptions(
        plan, nothing, lost, tests, NO_ORDERS, rates, ITEMS, NO_OVERRIDES, 0.0
    )
    assert sorted(table["subject"]) == ["Item A", "Item B", "Item C"]
    assert not table["finding"].str.contains(r"\d{6}").any()


# several units: A in pieces, B in bags of twenty, C not counted

BAGS = ITEMS.assign(planning_factor=[1.0, 20.0, 0.0])


def in_bags(base: pd.DataFrame, *rows: dict) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Views and lost rows, submissions put in planning units as the demand review does."""
    common = hierarchy.in_planning_units(said(*rows), BAGS)
    return submissions.views(common, base, BAGS, cycle=CYCLE)


def test_a_familys_view_in_planning_units_comes_back_in_own_units_by_hand(base):
    views, _ = in_bags(base, {"family": "Tents", "quantity": 460})
    # forecast: 30 of A and 10 bags of 20, 230 in all; twice as much
    assert units(views) == pytest.approx({("sales", "A"): 60.0, ("sales", "B"): 20.0})
    total = hierarchy.in_planning_units(views, BAGS)["quantity"].sum()
    assert total == pytest.approx(460)


def test_an_items_view_is_in_its_own_unit_and_stays_as_it_was_said(base):
    views, _ = in_bags(base, {"item": "B", "quantity": 7})
    assert units(views) == pytest.approx({("sales", "B"): 7.0})


def test_the_companys_view_in_planning_units_keeps_its_total(base):
    views, unplaced = in_bags(base, {"quantity": 1000}, {"item": "B", "quantity": 23})
    assert hierarchy.in_planning_units(views, BAGS)["quantity"].sum() == pytest.approx(1000)
    assert units(views)["sales", "A"] == pytest.approx(540)
    assert unplaced.empty and "C" not in set(views["item"])


def test_money_buys_own_units_whatever_the_factor(base):
    views, _ = in_bags(base, {"item": "B", "revenue_value": 200})
    assert units(views) == pytest.approx({("sales", "B"): 10.0})


def test_units_of_an_item_that_is_not_counted_are_returned_and_not_lost(base):
    views, unplaced = in_bags(base, {"item": "C", "quantity": 5}, {"item": "A", "quantity": 1})
    assert units(views) == pytest.approx({("sales", "A"): 1.0})
    assert unplaced["item"].tolist() == ["C"]


# open orders


def ordered(*rows: tuple) -> pd.DataFrame:
    columns = ["item", "month", "quantity"]
    return typed("orders", pd.DataFrame(rows, columns=columns).assign(cycle="2026-01"))


def beyond(base: pd.DataFrame, orders: pd.DataFrame) -> pd.DataFrame:
    rates = base.drop_duplicates(schema.SERIES)[[*schema.SERIES, "unit_price_value"]]
    nothing, lost = submissions.views(contract.empty("submissions"), base, ITEMS, cycle=CYCLE)
    tests = backtest_of(1.0)
    table = submissions.exceptions(
        plan_of(base), nothing, lost, tests, orders, rates, ITEMS, NO_OVERRIDES, 100.0
    )
    return table.set_index("subject")


def test_orders_beyond_the_plan_of_their_month_are_listed_with_their_money_by_hand(base):
    orders = ordered(("A", "2026-01", 35), ("A", "2026-02", 10), ("A", "2026-03", 40))
    table = beyond(base, orders)  # 5 and 10 more than 30; February's spare helps nobody
    assert table.loc["Item A", "amount_value"] == pytest.approx(150.0)
    assert "by 15 units" in table.loc["Item A", "finding"]


def test_orders_within_the_plan_are_no_exception(base):
    assert beyond(base, ordered(("A", "2026-01", 30))).empty


def test_orders_of_what_is_not_planned_are_listed_whole(base):
    table = beyond(base, ordered(("Z", "2026-01", 5), ("A", "2027-01", 2)))
    assert "by 5 units" in table.loc["Item Z", "finding"]
    assert np.isnan(table.loc["Item Z", "amount_value"]) and table.loc["Item Z", "is_material"]
    assert "by 2 units" in table.loc["Item A", "finding"]


def test_two_snapshots_of_orders_of_one_month_add_up(base):
    overdue = pd.concat([ordered(("A", "2026-01", 20)), ordered(("A", "2026-01", 15))])
    assert "by 5 units" in beyond(base, overdue).loc["Item A", "finding"]


def test_orders_for_all_places_are_held_against_the_plan_of_all_places(base):
    """An order book without locations says `all`; the plan has North and South."""
    halves = [base.assign(location=name, quantity=base["quantity"] / 2) for name in ("N", "S")]
    assert beyond(pd.concat(halves, ignore_index=True), ordered(("A", "2026-01", 30))).empty


def test_overrides_that_want_a_look_stand_among_what_is_to_be_decided(base):
    effects = pd.DataFrame(
        {
            "author": ["Keller", "Lund", "Lund"],
            "subject": ["family Tents", "item X", "item Y"],
            "month": CYCLE,
            "asked": ["+154", "times 2", "+1"],
            "state": ["applied", "refused", "applied"],
            "finding": ["confirm it", "covers nothing", ""],
            "change_value": [-1500.0, np.nan, 10.0],
        }
    )
    nothing = base.iloc[:0].assign(department="")
    rates = base.drop_duplicates(schema.SERIES)[[*schema.SERIES, "unit_price_value"]]
    nothing = nothing[["department", *schema.LEVELS, "month", "quantity"]]
    table = submissions.exceptions(
        plan_of(base),
        nothing,
        nothing.assign(state=""),
        backtest_of(1.0),
        NO_ORDERS,
        rates,
        ITEMS,
        effects,
        100.0,
    )
    rows = table[table["subject"].str.startswith("Override")]
    assert rows[["subject", "finding"]].values.tolist() == [
        ["Override of Lund: item X, 2026-01", "times 2, refused: covers nothing"],
        ["Override of Keller: family Tents, 2026-01", "+154, applied: confirm it"],
    ]
    assert rows["is_material"].all()


def test_a_view_entered_after_the_demand_review_is_late_by_hand():
    rows = said(
        {"department": "sales", "quantity": 5, "entered_at": "2026-01-12"},
        {"department": "finance", "quantity": 5, "entered_at": "2026-01-13"},
        {"department": "operations", "quantity": 5},
    )
    names = ["sales", "finance", "operations", "marketing"]
    due = months.working_day(CYCLE, 8)  # Monday the twelfth
    table = submissions.status(rows, names, cycle=CYCLE, due=due)
    assert table["timing"].tolist() == ["in time", "late", "", "missing"]
    repaired = pd.concat(
        [
            rows,
            said({"item": "B", "quantity": 2, "department": "sales", "entered_at": "2026-01-20"}),
        ]
    )
    later = submissions.status(repaired, names, cycle=CYCLE, due=due)
    assert later["timing"].tolist() == ["in time, changed later", "late", "", "missing"]
    without = submissions.status(rows, names, cycle=CYCLE)
    assert without["timing"].tolist() == ["", "", "", "missing"]


def test_each_department_stands_beside_what_it_assumes_by_hand():
    base = pd.DataFrame({"item": ["A", "B"], "month": CYCLE, "statistical": [100.0, 40.0]})
    plan = base.assign(location="all", channel="all", events=[0.0, 10.0])
    views = plan.iloc[[0, 0, 1]].assign(
        department=["sales", "finance", "finance"], quantity=[130.0, 90.0, 50.0]
    )
    views = views[["department", *schema.SERIES_MONTH, "quantity"]]
    rows = pd.DataFrame(
        {
            "assumption": ["A1", "A2", "A3", "A4", "A5"],
            "department": ["sales", "sales", "marketing", None, "finance"],
            "statement": ["more shops", "no rival", "a fair", "whose?", "void"],
            "expires_month": pd.to_datetime([None, "2026-01", None, None, "2025-12"]),
            "quality": "red",
            "impact": "amber",
        }
    )
    table = submissions.with_assumptions(views, plan, rows, cycle=CYCLE)
    columns = ["department", "assumption", "quantity", "forecast"]
    assert table[columns].values.tolist()[:3] == [
        ["sales", "A1", 130.0, 100.0],
        ["sales", "A2", 130.0, 100.0],
        ["finance", "", 140.0, 150.0],  # what it assumed is void
    ]
    assert table["department"].tolist()[3:] == ["marketing"]  # a reason without a number
    assert table["difference_rate"].tolist()[:3] == pytest.approx([0.3, 0.3, -1 / 15])
    contract.check_processed("view_assumptions", table)
    nothing = submissions.with_assumptions(views[:0], plan, rows[:0], cycle=CYCLE)
    assert nothing.empty
    contract.check_processed("view_assumptions", nothing)


def test_a_promotion_nobody_planned_is_asked_for_with_its_money(base):
    rows = pd.DataFrame(
        {
            "event": ["Fair, again in 2027-04", "Sale"],
            "kind": ["promotion not planned", "promotion"],
            "finding": ["ran each April", ""],
            "unplanned_value": [500.0, np.nan],
        }
    )
    plan, nothing = plan_of(base), contract.empty("submissions")
    rates = base.drop_duplicates(schema.SERIES)[[*schema.SERIES, "unit_price_value"]]
    views, lost = submissions.views(nothing, base, ITEMS, cycle=CYCLE)
    given = (plan, views, lost, backtest_of(1.0), NO_ORDERS, rates, ITEMS, NO_OVERRIDES)
    before = submissions.exceptions(*given, 600.0)
    table = submissions.exceptions(*given, 600.0, rows).set_index("subject")
    assert len(table) == len(before) + 1 and "Sale" not in table.index
    row = table.loc["Fair, again in 2027-04"]
    assert row["amount_value"] == 500 and not row["is_material"]
    assert row["proposal"].startswith("enter it in events")
