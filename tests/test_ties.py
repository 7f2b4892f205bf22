"""Whether totals tie to finance's, and what changed in the past since the last cycle read it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sopkit import contract, months, schema, ties

NOTHING = pd.DataFrame(columns=["kind", "member", "detail", "amount"]).astype({"amount": "float64"})
PRICES = pd.DataFrame({"item": list("ABCD"), "unit_price_value": [10.0, 20.0, 30.0, np.nan]})


def typed(name: str, **columns) -> pd.DataFrame:
    checked = contract.check_table(name, pd.DataFrame(columns), contract.Source(name))
    assert not [finding for finding in checked.findings if finding.state == "breach"]
    return checked.frame


SALES = typed(
    "sales",
    item=["A", "B", "A"],
    channel=["Web", "Shop", "Shop"],
    month=["2025-10", "2025-10", "2025-12"],
    quantity=[1, 2, 4],
    revenue_value=[10.10, 20.20, 40.0],
)
TABLES = {name: contract.empty(name) for name in schema.RAW} | {"sales": SALES}


def controlled(*rows: tuple, **tables) -> pd.DataFrame:
    """`control_totals` of (measure, month, channel, amount) of sales."""
    named = pd.DataFrame(rows, columns=["measure", "month", "channel", "amount"])
    controls = typed("controls", **named.assign(table="sales").to_dict("list"))
    return ties.control_totals(controls, TABLES | tables)


# (1) controls by hand


def test_finances_total_ties_to_the_sum_over_channels_by_hand():
    table = controlled(("revenue_value", "2025-10", "all", 30.30))
    assert table["ours"].tolist() == pytest.approx([30.30])
    assert table["is_tied"].tolist() == [True]
    assert list(table.columns) == list(schema.PROCESSED["control_totals"].columns) + ["is_tied"]


def test_a_control_of_one_channel_is_compared_with_that_channel_by_hand():
    table = controlled(
        ("revenue_value", "2025-10", "Web", 10.10),
        ("revenue_value", "2025-10", "Shop", 30.0),
        ("revenue_value", "2025-10", "Fair", 5.0),
    )
    own = table.set_index("channel")
    assert own["is_tied"].to_dict() == {"Web": True, "Shop": False, "Fair": False}
    assert own.loc["Shop", "difference"] == pytest.approx(-9.8)  # ours less finance's
    assert own.loc["Fair", "ours"] == 0.0
    assert table["channel"].tolist() == ["Shop", "Fair", "Web"]  # largest first


@pytest.mark.parametrize("cents", [1, -1])
def test_a_total_off_by_a_cent_does_not_tie(cents):
    table = controlled(("revenue_value", "2025-10", "all", 30.30 + cents / 100))
    assert table["is_tied"].tolist() == [False]


@given(st.integers(1, 10**9), st.integers(-3, 3))
def test_totals_tie_exactly_where_their_cents_are_equal(cents, off):
    sales = SALES.head(1).assign(revenue_value=cents / 100)
    table = controlled(("revenue_value", "2025-10", "all", (cents + off) / 100), sales=sales)
    assert table["is_tied"].tolist() == [off == 0]


def test_months_that_the_table_does_not_reach_are_left_out_and_holes_within_are_not():
    table = controlled(
        ("quantity", "2025-09", "all", 7.0),
        ("quantity", "2025-11", "all", 0.0),
        ("quantity", "2025-12", "all", 4.0),
        ("quantity", "2026-01", "all", 9.0),
    )
    assert sorted(table["month"].map(months.label)) == ["2025-11", "2025-12"]
    assert table["is_tied"].all()
    assert not controlled(("quantity", "2025-11", "all", 5.0))["is_tied"].any()


def test_controls_of_a_table_that_was_not_given_have_nothing_to_compare():
    controls = typed(
        "controls", table=["production"], measure=["quantity"], month=["2025-10"], amount=[1.0]
    )
    table = ties.control_totals(controls, TABLES)
    assert table.empty and table["month"].dtype == months.DTYPE
    contract.check_processed("control_totals", table)


def test_without_controls_the_table_is_empty_and_typed():
    table = ties.control_totals(contract.empty("controls"), TABLES)
    assert table.empty and table["difference"].dtype == "float64"
    contract.check_processed("control_totals", table)


def test_stock_has_no_channel_and_is_controlled_as_a_whole():
    stock = typed("inventory", item=["A", "B"], month="2025-12", on_hand=[3, 4])
    controls = typed(
        "controls", table=["inventory"], measure=["on_hand"], month=["2025-12"], amount=[7.0]
    )
    table = ties.control_totals(controls, TABLES | {"inventory": stock})
    assert table[["ours", "is_tied"]].values.tolist() == [[7.0, True]]


def test_the_channels_ours_add_up_to_the_whole():
    parts = controlled(
        *((("quantity", "2025-10", channel, 0.0)) for channel in ("Web", "Shop", "all"))
    ).set_index("channel")["ours"]
    assert parts["Web"] + parts["Shop"] == parts["all"] == 3.0


# (1) the restated past by hand

SPAN = months.span(pd.Timestamp("2025-10-01"), 3)


def history(**sold: list[float]) -> pd.DataFrame:
    """Table `demand_history` of October 2025 on: net sales by item."""
    parts = [
        pd.DataFrame(
            {"item": item, "location": "all", "channel": "all", "month": SPAN[: len(units)]}
        ).assign(sales=units)
        for item, units in sold.items()
    ]
    return pd.concat(parts, ignore_index=True).astype({"sales": "float64"})


def members(families: dict | None = None, said: dict | None = None) -> pd.DataFrame:
    """Table `known_members`: items with families, departments with amounts by cycle."""
    rows = [("item", item, family, np.nan) for item, family in (families or {}).items()]
    rows += [
        ("department", name, cycle, amount)
        for name, amounts in (said or {}).items()
        for cycle, amount in amounts.items()
    ]
    return pd.DataFrame(rows, columns=NOTHING.columns).astype({"amount": "float64"})


def restated(before, after, known=NOTHING, now=None) -> pd.DataFrame:
    found = ties.restatements(
        {"demand_history": before, "known_members": known},
        {"demand_history": after, "known_members": known if now is None else now},
        PRICES,
    )
    contract.check_processed("restatements", found)
    return found


def test_a_credit_note_and_a_late_booking_are_told_apart_by_hand():
    table = restated(history(A=[10, 20], B=[5, 5]), history(A=[10, 16], B=[5, 8]))
    assert table[["kind", "subject", "before", "after", "finding"]].values.tolist() == [
        ["closed month", "B", 5.0, 8.0, "booked later"],
        ["closed month", "A", 20.0, 16.0, "credited or returned later"],
    ]
    assert table["amount_value"].tolist() == [60.0, -40.0]  # 3 at 20 and −4 at 10, today's prices
    assert table["month"].map(months.label).tolist() == ["2025-11", "2025-11"]


def test_the_month_closed_since_then_is_no_restatement():
    assert restated(history(A=[10, 20]), history(A=[10, 20, 99])).empty


def test_the_same_past_read_twice_is_not_restated():
    known = members({"A": "Tents"}, {"sales": {"2025-11": 5.0}})
    assert restated(history(A=[10, 20]), history(A=[10, 20]), known).empty


def test_a_first_cycle_has_no_past_to_restate():
    table = restated(history(A=[1]).iloc[:0], history(A=[10, 20]), NOTHING, members({"A": "T"}))
    assert table.empty and table["amount_value"].dtype == "float64"


def test_an_item_that_is_new_in_the_closed_past_was_booked_later():
    table = restated(history(A=[10, 20]), history(A=[10, 20], B=[0, 3]))
    assert table[["subject", "after", "finding"]].values.tolist() == [["B", 3.0, "booked later"]]


def test_a_renamed_item_is_one_finding_with_its_heir_by_hand():
    table = restated(history(A=[10, 20], C=[1, 1]), history(B=[10, 20], C=[1, 1]))
    assert table[["kind", "before", "after"]].values.tolist() == [["item code", 30.0, 30.0]]
    assert table["finding"].tolist() == ["the past of A now stands under B"]
    assert table["amount_value"].tolist() == [30 * 20.0]


def test_an_item_merged_into_one_that_sold_before_is_one_finding():
    table = restated(history(A=[10, 20], B=[5, 5]), history(B=[15, 25]))
    assert table[["kind", "before", "after"]].values.tolist() == [["item code", 30.0, 30.0]]


def test_a_merged_item_counted_in_parts_of_a_unit_is_still_recognised():
    """0.3 − 0.1 is not 0.2 to a computer: kilograms must not hide a change of code."""
    table = restated(history(A=[0.2, 0.7], B=[0.1, 0.1]), history(B=[0.3, 0.8]))
    assert table["kind"].tolist() == ["item code"]


def test_two_items_renamed_with_one_and_the_same_past_have_two_heirs():
    table = restated(history(A=[10, 20], B=[10, 20]), history(C=[10, 20], D=[10, 20]))
    assert table["kind"].tolist() == ["item code"] * 2
    assert sorted(word.split()[-1] for word in table["finding"]) == ["C", "D"]


def test_two_items_merged_into_one_lose_no_unit():
    table = restated(history(A=[10, 20], B=[1, 2]), history(C=[11, 22]))
    moved = table.groupby("subject")[["before", "after"]].sum()
    assert (table["after"] - table["before"]).sum() == 0.0
    assert table["after"].sum() == 33.0 and len(moved) >= 2


def test_a_rename_and_a_credit_of_another_item_are_both_found():
    table = restated(history(A=[10, 20], C=[4, 4]), history(B=[10, 20], C=[4, 3]))
    assert sorted(table["kind"]) == ["closed month", "item code"]


def test_an_item_without_a_price_is_restated_without_money():
    table = restated(history(D=[10, 20]), history(D=[10, 25]))
    assert table["finding"].tolist() == ["booked later"] and table["amount_value"].isna().all()


def test_an_item_that_moved_to_another_family_is_worth_its_last_year():
    same = history(A=[10, 20], B=[1, 1])
    before, now = members({"A": "Tents", "B": "Tents"}), members({"A": "Stoves", "B": "Tents"})
    table = restated(same, same, before, now)
    assert table[["kind", "subject", "amount_value"]].values.tolist() == [["family", "A", 300.0]]
    assert "moved from Tents to Stoves" in table["finding"][0]


def test_an_item_new_or_gone_from_the_list_has_not_moved():
    same = history(A=[10, 20])
    assert restated(same, same, members({"A": "T"}), members({"B": "T"})).empty


SAID = {"2025-10": 5.0, "2025-11": 7.0}


@pytest.mark.parametrize(
    ("now", "finding"),
    [
        ({"brand": SAID | {"2025-12": 9.0}}, "is now called brand"),
        ({"sales": SAID}, "its past submissions are gone"),
        (
            {"marketing": SAID | {"2025-11": 8.0}},
            "what it submitted for past cycles has changed: 2025-11",
        ),
        (
            {"marketing": {"2025-10": 5.0, "2025-12": 1.0}},
            "what it submitted for past cycles has changed: 2025-11",
        ),
    ],
)
def test_a_department_renamed_vanished_or_changed_is_named(now, finding):
    same, past = history(A=[1, 1]), {"sales": SAID, "marketing": SAID}
    now = {"sales": SAID} | now if "sales" not in now else now
    table = restated(same, same, members(said=past), members(said=now))
    assert table[["subject", "finding"]].values.tolist() == [["marketing", finding]]
    heir = "brand" if "brand" in finding else None
    assert [heir if pd.notna(name) else None for name in table["becomes"]] == [heir]
    assert table[["before", "after", "amount_value"]].isna().all(axis=None)  # units and money mix


def test_a_department_that_speaks_of_the_new_cycle_only_is_no_restatement():
    same = history(A=[1, 1])
    now = members(said={"sales": SAID | {"2025-12": 99.0}, "finance": {"2025-12": 1.0}})
    assert restated(same, same, members(said={"sales": SAID}), now).empty


def test_members_are_read_from_the_raw_tables_by_hand():
    items = typed("items", item=["A", "B"], family=["Tents", None])
    views = typed(
        "submissions",
        department="sales",
        cycle="2025-12",
        month=["2026-01", "2026-02", "2026-01"],
        item=["A", "A", "all"],
        quantity=[1, 2, None],
        revenue_value=[None, None, 40],
    )
    table = ties.known_members(items, views)
    contract.check_processed("known_members", table)
    assert table[["kind", "member", "detail"]].values.tolist() == [
        ["item", "A", "Tents"],
        ["item", "B", "unassigned"],
        ["department", "sales", "2025-12"],
    ]
    assert table["amount"].tolist()[2] == 43.0
    empty = ties.known_members(contract.empty("items"), contract.empty("submissions"))
    assert empty.empty and empty["amount"].dtype == "float64"


# (3) invariants

UNITS = st.lists(st.integers(-5, 20), min_size=3, max_size=3)


@given(
    st.dictionaries(st.sampled_from("ABCD"), UNITS, min_size=1),
    st.dictionaries(st.sampled_from("ABCD"), UNITS, min_size=1),
)
def test_what_was_restated_adds_up_to_the_change_of_the_closed_past(before, after):
    table = restated(history(**before), history(**after))
    change = sum(map(sum, after.values())) - sum(map(sum, before.values()))
    assert (table["after"] - table["before"]).sum() == pytest.approx(change)


def test_the_order_of_rows_changes_nothing_and_arguments_are_left_alone():
    before, after = history(A=[10, 20], B=[5, 5]), history(A=[10, 16], C=[5, 5])
    known, now = members({"A": "T"}, {"x": SAID}), members({"A": "S"}, {"y": SAID})
    copies = [frame.copy() for frame in (before, after, known, now)]
    first = restated(before, after, known, now)
    for copy, frame in zip(copies, (before, after, known, now), strict=True):
        pd.testing.assert_frame_equal(copy, frame)
    second = restated(*(frame[::-1].reset_index(drop=True) for frame in copies))
    pd.testing.assert_frame_equal(first, second)


# past plans under today's codes


def plan(**columns) -> pd.DataFrame:
    usual = {"cycle": SPAN[0], "location": "all", "channel": "all", "month": SPAN[1]}
    return pd.DataFrame(usual | columns)


def codes(**becomes: str) -> pd.DataFrame:
    return pd.DataFrame(
        {"kind": "item code", "subject": list(becomes), "becomes": list(becomes.values())}
    )


def test_past_plans_of_a_renamed_item_stand_under_its_heir_and_lose_nothing():
    table = plan(item=["A", "B", "C"], consensus=[1.0, 2.0, 4.0])
    moved = ties.todays_codes(table, codes(A="B"))
    assert moved.set_index("item")["consensus"].to_dict() == {"B": 3.0, "C": 4.0}
    later = codes(B="D").assign(cycle=pd.Timestamp("2026-02-01"))
    first = codes(A="B").assign(cycle=pd.Timestamp("2026-01-01"))
    again = ties.todays_codes(table, pd.concat([later, first], ignore_index=True))
    assert again.set_index("item")["consensus"].to_dict() == {"D": 3.0, "C": 4.0}


def test_without_renamed_items_a_past_plan_stands_as_it_was():
    table = plan(item=["A"], consensus=[1.0])
    other = codes(X="Y").assign(kind="family")
    pd.testing.assert_frame_equal(ties.todays_codes(table, other), table)


def test_money_that_was_unknown_in_a_past_plan_stays_unknown_under_todays_codes():
    table = plan(item=["A", "C"], quantity=[1.0, 4.0], revenue_value=[np.nan, np.nan])
    moved = ties.todays_codes(table, codes(A="B"))
    assert moved["revenue_value"].isna().all()  # zero would be a plan to earn nothing


def test_codes_that_were_taken_back_end_with_the_last_one():
    """A became B in one cycle and B became A again in a later one."""
    first = codes(A="B").assign(cycle=pd.Timestamp("2026-01-01"))
    back = pd.concat([first, codes(B="A")], ignore_index=True)  # this cycle's has no cycle yet
    moved = ties.todays_codes(plan(item=["A", "B"], consensus=[1.0, 2.0]), back)
    assert moved.set_index("item")["consensus"].to_dict() == {"A": 3.0}


def test_a_code_used_again_later_is_left_alone_in_the_plans_made_since():
    renamed = codes(A="B").assign(cycle=pd.Timestamp("2025-06-01"))
    table = plan(item=["A"], consensus=[1.0]).assign(cycle=pd.Timestamp("2025-12-01"))
    assert ties.todays_codes(table, renamed)["item"].tolist() == ["A"]
