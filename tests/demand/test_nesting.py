"""Totals and the details held within them, laid on the plan's keys."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import months, schema
from sopkit.demand import nesting

JANUARY, FEBRUARY, MARCH = months.span(pd.Timestamp("2026-01-01"), 3)


def plan(*rows: tuple) -> pd.DataFrame:
    """The plan's keys: item, family, location, month, quantity; price 10, one unit counts one."""
    base = pd.DataFrame(rows, columns=["item", "family", "location", "month", "quantity"])
    return base.assign(factor=1.0, price=10.0)


@pytest.fixture
def base() -> pd.DataFrame:
    """January: A in North and South (30 and 10), B in North (60), of one family; C (20) apart."""
    rows = [("A", "North", 30.0), ("A", "South", 10.0), ("B", "North", 60.0)]
    tents = [(item, "Tents", place, JANUARY, units) for item, place, units in rows]
    return plan(*tents, ("C", "Stoves", "North", JANUARY, 20.0))


def said(*rows: dict) -> pd.DataFrame:
    usual = dict.fromkeys(("item", "family", "location"), schema.ALL) | {"measure": "factor"}
    full = [usual | {"month": None if "quarter" in row else JANUARY} | row for row in rows]
    table = pd.DataFrame(full, columns=[*usual, "month", "quarter", "amount"])
    return table.astype({"month": months.DTYPE, "quarter": months.DTYPE})


# (1) by hand


def test_a_number_follows_the_forecast_of_what_it_covers_by_hand(base):
    quantity, placed = nesting.lay(said({"family": "Tents", "amount": 200.0}), base)
    assert quantity.tolist()[:3] == [60.0, 20.0, 120.0] and np.isnan(quantity[3])
    assert placed[["within", "state"]].values.tolist() == [[-1, ""]]


def test_details_are_held_and_the_rest_goes_to_the_other_keys_by_the_forecast_by_hand(base):
    rows = said(
        {"item": "A", "location": "South", "amount": 40.0},
        {"amount": 310.0},
        {"family": "Tents", "amount": 220.0},
    )
    quantity, placed = nesting.lay(rows, base)
    assert quantity.tolist() == [60.0, 40.0, 120.0, 90.0]  # 220 - 40 by 30 : 60, and 310 - 220
    assert placed["within"].tolist() == [2, -1, 1]  # the narrowest total that holds it
    assert set(placed["state"]) == {""}


def test_details_beyond_their_total_win_and_the_total_is_named_by_hand(base):
    rows = said({"family": "Tents", "amount": 50.0}, {"item": "A", "amount": 80.0})
    quantity, placed = nesting.lay(rows, base)
    assert quantity.tolist()[:3] == [60.0, 20.0, 0.0]
    assert placed["state"].tolist() == [nesting.UNMET, ""] and placed["held"][0] == 80.0


def test_a_total_of_which_nothing_is_free_is_named_and_one_that_is_met_is_not(base):
    rows = [{"item": "A", "amount": 80.0}, {"item": "B", "amount": 20.0}]
    for total, state in [(120.0, nesting.UNMET), (100.0, ""), (100.05, "")]:
        whole = said(*rows, {"family": "Tents", "amount": total})
        quantity, placed = nesting.lay(whole, base)
        assert quantity.tolist()[:3] == [60.0, 20.0, 20.0]
        assert placed["state"].tolist() == ["", "", state]


def test_numbers_with_the_same_levels_add_up(base):
    rows = said(*[{"location": "North", "amount": amount} for amount in (100.0, 10.0)])
    quantity, placed = nesting.lay(rows, base)
    assert quantity.sum() == pytest.approx(110.0)
    assert placed["within"].tolist() == [-1, -1]


def test_of_two_that_cross_the_earlier_counts_and_the_later_names_it(base):
    rows = said(
        {"item": "B", "amount": 5.0},
        {"item": "A", "amount": 80.0},
        {"location": "North", "amount": 70.0},
    )
    quantity, placed = nesting.lay(rows, base)
    assert quantity.tolist()[:3] == [60.0, 20.0, 5.0] and np.isnan(quantity[3])
    assert placed["state"].tolist() == ["", "", nesting.CROSSES]
    assert placed["other"].tolist() == [-1, -1, 1]
    assert placed["within"].tolist() == [-1, -1, -1]  # what is left out holds nothing


def test_a_level_is_compared_by_what_it_covers_not_by_its_name(base):
    rows = said({"family": "Stoves", "amount": 30.0}, {"location": "North", "amount": 120.0})
    quantity, placed = nesting.lay(rows, base)  # all stoves are in the North
    assert quantity[3] == 30.0 and placed["within"].tolist() == [1, -1]


def test_an_item_that_is_the_whole_family_is_the_detail(base):
    rows = said({"item": "C", "amount": 30.0}, {"family": "Stoves", "amount": 40.0})
    quantity, placed = nesting.lay(rows, base)
    assert quantity[3] == 30.0 and placed["within"].tolist() == [1, -1]
    assert placed["state"].tolist() == ["", nesting.UNMET]


def test_money_holds_units_at_their_price_and_units_hold_money_by_hand(base):
    rows = [{"item": "A", "amount": 50.0}, {"family": "Tents", "amount": 1_100.0}]
    money = said(rows[0], rows[1] | {"measure": "price"})
    quantity, _ = nesting.lay(money, base)
    assert quantity.tolist()[:3] == [37.5, 12.5, 60.0]  # 1,100 - 500 buys 60
    units = said(rows[0] | {"measure": "price", "amount": 500.0}, rows[1] | {"amount": 110.0})
    assert nesting.lay(units, base)[0].tolist()[:3] == [37.5, 12.5, 60.0]


def test_the_same_keys_in_units_and_in_money_are_one_too_many(base):
    rows = said({"item": "A", "amount": 50.0}, {"item": "A", "amount": 70.0, "measure": "price"})
    assert nesting.lay(rows, base)[1]["state"].tolist() == ["", nesting.CROSSES]


def test_a_quarter_is_spread_like_the_forecast_and_holds_its_months_by_hand():
    base = plan(*[("A", "Tents", "North", JANUARY, 10.0), ("A", "Tents", "North", FEBRUARY, 30.0)])
    base = pd.concat([base, base.iloc[:1].assign(month=MARCH, quantity=60.0)], ignore_index=True)
    quarter = {"item": "A", "quarter": JANUARY, "amount": 200.0}
    assert nesting.lay(said(quarter), base)[0].tolist() == pytest.approx([20.0, 60.0, 120.0])
    month = {"item": "A", "month": FEBRUARY, "amount": 130.0}
    quantity, placed = nesting.lay(said(quarter, month), base)
    assert quantity.tolist() == pytest.approx([10.0, 130.0, 60.0])
    assert placed["within"].tolist() == [-1, 0]


def test_where_nothing_is_forecast_a_number_is_spread_evenly(base):
    quantity, _ = nesting.lay(said({"amount": 8.0}), base.assign(quantity=0.0))
    assert quantity.tolist() == [2.0, 2.0, 2.0, 2.0]


def test_what_covers_nothing_or_only_what_is_not_counted_is_said(base):
    rows = said({"family": "Boats", "amount": 5.0}, {"item": "C", "amount": 5.0})
    rows = pd.concat([rows, said({"month": FEBRUARY, "amount": 9.0})], ignore_index=True)
    uncounted = base.assign(factor=base["factor"].mask(base["item"] == "C", 0.0))
    quantity, placed = nesting.lay(rows, uncounted)
    assert set(placed["state"]) == {nesting.NOTHING} and quantity.isna().all()


# (3) invariants, (4) an obvious slow version


def random_case(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Some forty keys over three months, and twenty numbers at mixed levels."""
    rng = np.random.default_rng(seed)
    keys = pd.MultiIndex.from_product(
        [list("ABCDE"), ["North", "South"], [JANUARY, FEBRUARY, MARCH]],
        names=["item", "location", "month"],
    ).to_frame(index=False)
    keys = keys.sample(frac=0.8, random_state=seed).reset_index(drop=True)
    base = keys.assign(
        family=keys["item"].map(dict(A="T", B="T", C="S", D="S", E="S")),
        quantity=rng.integers(0, 4, len(keys)).astype(float),
        factor=keys["item"].map(dict(A=1.0, B=2.0, C=1.0, D=0.5, E=0.0)),
        price=keys["item"].map(dict(A=3.0, B=5.0, C=np.nan, D=2.0, E=4.0)),
    )
    choices = {
        "item": ["all", "all", "A", "D"],
        "family": ["all", "T", "S"],
        "location": ["all", "all", "North"],
        "measure": ["factor", "factor", "price"],
    }
    rows = []
    for _ in range(20):
        row = {name: str(rng.choice(values)) for name, values in choices.items()}
        when = {"quarter": JANUARY} if rng.random() < 0.2 else {"month": rng.choice(keys["month"])}
        rows.append(row | when | {"amount": float(rng.integers(1, 100))})
    return base, said(*rows)


def covered(row: dict, base: pd.DataFrame) -> set[int]:
    into = months.number(base["month"]) - months.number(JANUARY)
    is_in = base["month"].eq(row["month"]) if pd.notna(row["month"]) else into.between(0, 2)
    for level in ("item", "family", "location"):
        is_in &= row[level] in ("all",) or base[level] == row[level]
    return set(base.index[is_in])


@pytest.mark.parametrize("seed", range(30))
def test_every_total_that_counts_as_given_is_what_its_keys_add_up_to(seed):
    base, rows = random_case(seed)
    quantity, placed = nesting.lay(rows, base)
    counts = rows[~placed["state"].isin([nesting.NOTHING, nesting.CROSSES])]
    key = ["item", "family", "location", "measure", "month", "quarter"]
    summed = counts.groupby(key, dropna=False)["amount"].transform("sum")
    sets = {place: covered(row, base) for place, row in enumerate(rows.to_dict("records"))}
    for place, row in counts.iterrows():
        own = (quantity * base[row["measure"]]).loc[list(sets[place])].sum()
        if placed["state"][place] == "":
            assert own == pytest.approx(summed[place], rel=2e-3)
        else:  # its details win: it gives all others nothing, or has none
            assert own == pytest.approx(placed["held"][place])
        if placed["within"][place] >= 0:
            assert sets[place] <= sets[placed["within"][place]]
    spoken = set().union(*(sets[place] for place in counts.index))
    assert set(quantity.index[quantity.notna()]) <= spoken
    for place in placed.index[placed["state"] == nesting.CROSSES]:
        one, other = sets[place], sets[placed["other"][place]]
        is_nested = one < other or other < one
        assert one & other and not is_nested


@pytest.mark.parametrize("seed", range(10))
def test_the_order_of_the_plan_changes_nothing_and_no_argument_is_changed(seed):
    base, rows = random_case(seed)
    before = base.copy(), rows.copy()
    quantity, placed = nesting.lay(rows, base)
    other, again = nesting.lay(rows, base.sample(frac=1, random_state=seed))
    pd.testing.assert_series_equal(quantity, other.sort_index())
    pd.testing.assert_frame_equal(placed, again)
    for kept, argument in zip(before, (base, rows), strict=True):
        pd.testing.assert_frame_equal(kept, argument)
