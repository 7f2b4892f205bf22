"""Lines of feedback: which lot comes when, names, money, causes, states."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sopkit import contract, months, naming, schema
from sopkit.demand import agreed
from sopkit.supply import feedback

CYCLE = pd.Timestamp("2026-01-01")
SPAN = months.span(CYCLE, 4)
KEY = [*schema.SERIES_MONTH, "later_month"]
_DATES = dict.fromkeys(("month", "later_month", "entered_at"), months.DTYPE)
NOTHING = pd.DataFrame(columns=agreed.COLUMNS).astype(
    _DATES | {"quantity": "float64", "refused_quantity": "float64"}
)
WHY = pd.DataFrame(columns=["item", "location", "month", "cause", "limit"])
WHY = WHY.astype({"month": months.DTYPE})


def shared(demand, delivered, lost=None, before=0.0, **key) -> pd.DataFrame:
    """Table `allocation` of one series: what is owed follows."""
    demand, delivered = np.asarray(demand, float), np.asarray(delivered, float)
    lost = np.zeros(len(demand)) if lost is None else np.asarray(lost, float)
    owed = before + np.cumsum(demand - delivered - lost)
    key = {"item": "A", "location": "North", "channel": "Web"} | key
    rows = pd.DataFrame({"month": SPAN[: len(demand)], "demand": demand, "delivered": delivered})
    return rows.assign(**key, site="plant", owed=owed, lost=lost)


def plan_of(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[schema.SERIES_MONTH].assign(consensus=rows["demand"], constrained=rows["demand"])


def rates_of(rows: pd.DataFrame, price: float = 10.0) -> pd.DataFrame:
    return rows[schema.SERIES].drop_duplicates().assign(unit_price_value=price)


def lines(rows, plan=None, why=WHY, said=NOTHING, price=10.0) -> pd.DataFrame:
    plan = plan_of(rows) if plan is None else plan
    table = feedback.lines(rows, plan, why, said, rates_of(rows, price))
    contract.check_processed("feedback", table)
    return table


def told(table: pd.DataFrame) -> list[tuple]:
    """Month wanted, month it comes, units; by their place in the span."""
    place = {month: n for n, month in enumerate(SPAN)}
    rows = table[["month", "later_month", "quantity"]].itertuples(index=False)
    return [(place[a], place.get(b), round(float(units), 6)) for a, b, units in rows]


def slow(demand, delivered, lost, before) -> list[tuple]:
    """Unit by unit in a queue: who came first is served first."""
    queue, found = [[-1, before]], []
    for month, (new, left, gone) in enumerate(zip(demand, delivered, lost, strict=True)):
        queue.append([month, new - gone])
        if gone > 1e-9:
            found.append((month, None, gone))
        for lot in queue:
            took = min(lot[1], left)
            lot[1], left = lot[1] - took, left - took
            if took > 1e-9 and -1 < lot[0] < month:
                found.append((lot[0], month, took))
    found += [(lot, None, more) for lot, more in queue if lot >= 0 and more > 1e-9]
    sums = {}
    for month, later, units in found:
        sums[month, later] = sums.get((month, later), 0.0) + units
    return sorted((a, 9 if b is None else b, round(units, 6)) for (a, b), units in sums.items())


def test_what_was_owed_before_is_served_first_and_is_no_line_by_hand():
    rows = shared([10, 10, 10, 10], [8, 12, 5, 9], before=3.0)
    # 8 less 3 serve five of the first ten; of 12 then seven of the second, of 5 two, of 9 one
    assert told(feedback.lots(rows)) == [(0, 1, 5.0), (1, 2, 3.0), (2, 3, 8.0), (3, None, 9.0)]


def test_one_month_may_come_in_two_and_what_is_lost_never_comes_by_hand():
    rows = shared([10, 0, 0], [2, 3, 4], lost=[1, 0, 0])
    assert told(feedback.lots(rows)) == [(0, 1, 3.0), (0, 2, 4.0), (0, None, 1.0)]


units = st.lists(st.integers(0, 20), min_size=4, max_size=4)


@settings(max_examples=60, deadline=None)
@given(units, units, units, st.integers(0, 15))
def test_lots_equal_a_queue_served_unit_by_unit(demand, capacity, gone, before):
    lost = [min(a, b) for a, b in zip(gone, demand, strict=True)]
    waiting, delivered = before, []
    for new, most, less in zip(demand, capacity, lost, strict=True):
        waiting += new - less
        delivered.append(min(waiting, most))
        waiting -= delivered[-1]
    found = feedback.lots(shared(demand, delivered, lost, before))
    got = sorted((a, 9 if b is None else b, units) for a, b, units in told(found))
    assert got == slow(demand, delivered, lost, before)


def test_series_with_fewer_months_and_rows_in_any_order_change_nothing():
    one = shared([10, 10, 10, 10], [8, 10, 10, 12])
    other = shared([0, 6, 6, 6], [0, 4, 6, 8], item="B").iloc[1:]  # planned from February on
    both = pd.concat([one, other])
    found = feedback.lots(both)
    apart = pd.concat([feedback.lots(one), feedback.lots(other)]).sort_values(KEY)
    pd.testing.assert_frame_equal(found, apart.reset_index(drop=True))
    mixed = both.sample(frac=1.0, random_state=1)
    pd.testing.assert_frame_equal(feedback.lots(mixed), found)
    assert feedback.lots(both.iloc[:0]).empty


def test_names_stay_whatever_else_is_planned_and_two_never_share_one():
    month = months.span(CYCLE, 24)
    keys = pd.DataFrame({"item": [f"I{n}" for n in range(150)]}).merge(
        pd.DataFrame({"channel": ["Web", "Shop"]}), how="cross"
    )
    keys = keys.merge(pd.DataFrame({"month": month}), how="cross")[feedback.LINE]
    names = feedback.names(keys)
    assert names.is_unique and names.str.fullmatch(f"F[{naming._LETTERS}]{{4,6}}").all()
    assert (names.str.len() > 5).any()  # some of 7,200 are alike in four letters
    alone = feedback.names(keys.iloc[:50])
    longer = names[alone.index]
    assert all(long.startswith(short) for long, short in zip(longer, alone, strict=True))
    pd.testing.assert_series_equal(feedback.names(keys[::-1]).sort_index(), names.sort_index())


def test_a_line_holds_an_item_of_a_channel_and_month_with_money_and_cause_by_hand():
    rows = pd.concat([
        shared([10, 10], [4, 16]), shared([10, 10], [9, 11], location="South"),
        shared([9, 9], [9, 9], channel="Shop"), shared([9, 9], [8.6, 9.4], channel="Fair"),
    ])  # fmt: skip
    why = pd.DataFrame([["A", "plant", CYCLE, "hours", "sewing"]], columns=list(WHY))
    table = lines(rows, why=why)
    assert table["feedback"].nunique() == 1  # 0.4 of a unit at the fair are none
    assert table["location"].tolist() == ["North", "South"]
    assert table["quantity"].tolist() == pytest.approx([6.0, 1.0])
    assert table["amount_value"].tolist() == pytest.approx([60.0, 10.0])
    assert set(table["state"]) == {"open"} and set(table["limit"]) == {"sewing"}
    assert lines(rows, price=np.nan)["amount_value"].isna().all()


def test_the_line_of_most_money_comes_first():
    rows = pd.concat([shared([10, 10], [9, 11]), shared([10, 10], [2, 18], item="B")])
    assert lines(rows)["item"].tolist() == ["B", "A"]


def test_orders_beyond_the_plan_are_no_line():
    rows = shared([10, 10], [4, 16])
    plan = plan_of(rows).assign(constrained=[4.0, 10.0])
    assert lines(rows, plan)["quantity"].tolist() == pytest.approx([4.0])
    assert lines(rows, plan.iloc[1:]).empty  # ordered, and not planned at all


def answer(table: pd.DataFrame, state: str, quantity: float, when: str) -> pd.DataFrame:
    said = table.assign(state=state, quantity=quantity, author="Weber", note="called")
    said = said.assign(refused_quantity=table["quantity"] if state == "refused" else np.nan)
    return said.assign(entered_at=pd.Timestamp(when), finding="")[agreed.COLUMNS]


def test_accepted_units_stay_listed_and_a_refused_line_is_not_offered_again():
    rows = pd.concat([shared([10, 10], [4, 16]), shared([10, 10], [8, 12], item="B")])
    first = lines(rows)
    yes = answer(first[first["item"] == "A"], "accepted", 6.0, "2026-01-05")
    no = answer(first[first["item"] == "B"], "refused", np.nan, "2026-01-05")
    rows = pd.concat([shared([4, 16], [4, 16]), shared([10, 10], [6, 14], item="B")])
    table = lines(rows, said=pd.concat([yes, no])).set_index("item")
    assert table["state"].to_dict() == {"A": "accepted", "B": "refused"}
    assert table["quantity"].to_dict() == {"A": 6.0, "B": 4.0}
    assert table["site"].tolist() == ["plant", "plant"] and set(table["author"]) == {"Weber"}
    again = answer(first[first["item"] == "B"], "accepted", 2.0, "2026-01-06")
    table = lines(rows, said=pd.concat([yes, no.assign(refused_quantity=np.nan), again]))
    assert table.loc[table["item"] == "B", "state"].tolist() == ["open", "accepted"]


def test_nothing_shared_gives_an_empty_typed_table():
    rows = shared([10, 10], [10, 10])
    for table in (lines(rows), lines(rows.iloc[:0])):
        assert table.empty and list(table) == feedback.COLUMNS
        assert table["later_month"].dtype == months.DTYPE


def test_arguments_are_not_changed():
    rows = shared([10, 10], [4, 16])
    before = rows.copy()
    lines(rows)
    pd.testing.assert_frame_equal(rows, before)


def test_a_promise_that_is_not_kept_is_told_and_every_unit_counts_once_by_hand():
    rows = shared([4, 16, 10], [4, 7, 19])  # wanted 10 each; 6 of January were to come in February
    yes = lines(shared([10, 10, 10], [4, 16, 10]))
    said = answer(yes, "accepted", 6.0, "2026-01-05")
    plan = plan_of(rows).assign(consensus=10.0)
    table = lines(rows, plan, said=said).set_index("state")
    assert table["quantity"].to_dict() == {"open": 9.0, "accepted": 6.0}
    assert set(table["promised_quantity"]) == {0.0}  # six of the seven of February keep the promise
    assert set(table["remark"]) == {""}
    for came, promised, words in (
        (0, 6.0, "not kept: comes 2026-03"),
        (4, 2.0, "not all of it is kept: the rest comes 2026-03"),
    ):
        rows = shared([4, 16, 10], [4, came, 26 - came])
        table = lines(rows, plan, said=said).set_index("state")
        assert table["promised_quantity"].to_dict() == {"open": promised, "accepted": 0.0}
        assert table["remark"].to_dict() == {"open": "", "accepted": words}
        once = table["quantity"] - table["promised_quantity"]
        assert once.sum() == 6.0 + 10.0
    never = shared([4, 16, 10], [4, 0, 0])
    assert "does not come within the plan" in lines(never, plan, said=said)["remark"].iloc[-1]


def test_what_was_promised_and_moved_on_counts_once():
    plan = plan_of(shared([4, 6, 20], [4, 6, 20])).assign(consensus=10.0)
    first = lines(shared([10, 10, 10], [4, 16, 10]))
    second = lines(shared([4, 16, 10], [4, 6, 20]))
    said = [
        answer(first, "accepted", 6.0, "2026-01-05"),
        answer(second, "accepted", 10.0, "2026-01-06"),
    ]
    table = lines(shared([4, 6, 20], [4, 6, 20]), plan, said=pd.concat(said))
    assert set(table["state"]) == {"accepted"} and table["quantity"].sum() == 16.0
    assert table["promised_quantity"].sum() == 0.0 and set(table["remark"]) == {""}
