"""What people change by hand: spread, locks, overlaps, and a word on each."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months, schema
from sopkit.demand import overrides

CYCLE = pd.Timestamp("2026-01-01")
SPAN = months.span(CYCLE, 3)
NOTHING = pd.DataFrame()
ITEMS = {"T1": "Tents", "T2": "Tents", "S1": "Stoves"}


def base_of(price=10.0, factor=1.0, **quantities: float) -> pd.DataFrame:
    """Each item at one place in three months, with its levels."""
    rows = pd.DataFrame({"item": list(quantities), "quantity": list(quantities.values())})
    rows = rows.merge(pd.DataFrame({"month": SPAN}), how="cross")
    levels = {"category": "Outdoor", "region": "Alps", "segment": "Trade"}
    rows = rows.assign(family=rows["item"].map(ITEMS), location="North", channel="Shop", **levels)
    return rows.assign(factor=factor, unit_price_value=price)


def said(*rows: dict) -> pd.DataFrame:
    """Table `overrides`; what a row leaves out is blank, a level is all."""
    blank = dict.fromkeys(schema.LEVELS, schema.ALL) | {
        "cycle": CYCLE, "month": SPAN[0], "author": "Keller", "kind": "set", "quantity": np.nan,
        "revenue_value": np.nan, "rate": np.nan, "reason": "why", "is_locked": False,
        "expires_cycle": pd.NaT, "entered_at": pd.NaT,
    }  # fmt: skip
    table = pd.DataFrame([blank | row for row in rows])
    for name in ("cycle", "month", "expires_cycle", "entered_at"):
        table[name] = pd.to_datetime(table[name]).astype(months.DTYPE)
    return table


def applied(base: pd.DataFrame, *rows: dict, then=NOTHING) -> tuple[list, pd.DataFrame]:
    """Changes of the first month, in item units, and the effects."""
    change, effects, _ = overrides.apply(said(*rows), base, then, cycle=CYCLE)
    contract.check_processed("override_effects", effects)
    assert not change.loc[change["month"] > SPAN[0], "overrides"].any()
    return change.loc[change["month"] == SPAN[0], "overrides"].tolist(), effects


BASE = base_of(T1=30.0, T2=10.0, S1=20.0)


# (1) by hand


def test_set_add_and_scale_are_spread_by_the_plan_they_find_by_hand():
    assert applied(BASE, {"family": "Tents", "quantity": 60.0})[0] == [15.0, 5.0, 0.0]
    change, effects = applied(BASE, {"family": "Tents", "kind": "add", "quantity": -8.0})
    assert change == [-6.0, -2.0, 0.0]
    assert effects[["asked", "before", "after", "change", "change_value"]].values.tolist() == [
        ["−8", 40.0, 32.0, -8.0, -80.0]
    ]
    change, effects = applied(BASE, {"kind": "scale", "rate": 1.1})
    assert change == pytest.approx([3.0, 1.0, 2.0])
    assert effects["subject"].tolist() == ["the whole company"]
    assert effects["asked"].tolist() == ["times 1.1"]


def test_money_becomes_units_at_the_mean_price_of_what_it_covers():
    base = BASE.assign(unit_price_value=BASE["item"].map({"T1": 10.0, "T2": 50.0, "S1": 5.0}))
    # 30 · 10 + 10 · 50 = 800 for 40 units: 20 a unit
    change, effects = applied(base, {"family": "Tents", "revenue_value": 1200.0})
    assert change == [15.0, 5.0, 0.0]
    assert effects["change_value"].tolist() == [400.0]
    change, effects = applied(BASE.assign(unit_price_value=np.nan), {"revenue_value": 1.0})
    assert change == [0.0, 0.0, 0.0] and effects["state"].tolist() == ["refused"]
    assert "Give a quantity" in effects["finding"][0]


def test_quantities_are_in_the_common_unit_and_changes_in_the_items_own():
    base = base_of(T1=30.0, T2=10.0, factor=2.0)
    assert applied(base, {"family": "Tents", "quantity": 160.0})[0] == [30.0, 10.0]


def test_where_nothing_is_planned_a_change_is_spread_evenly():
    assert applied(base_of(T1=0.0, T2=0.0), {"family": "Tents", "quantity": 8.0})[0] == [4.0, 4.0]


def test_later_entries_follow_earlier_ones_and_overlaps_are_named():
    first = {"item": "T1", "kind": "add", "quantity": 10.0, "author": "Lund"}
    change, effects = applied(BASE, first, {"family": "Tents", "quantity": 100.0})
    assert change == [50.0, 10.0, 0.0]  # 40 and 10 scaled to 100
    assert effects["state"].tolist() == ["applied", "applied"]
    assert effects["finding"][0] == ""
    assert (
        "overlaps with Lund's add of item T1 in 2026-01, which it follows" in effects["finding"][1]
    )


def test_a_lock_is_moved_by_nothing_else_whenever_it_was_entered():
    lock = {"item": "T1", "quantity": 33.0, "is_locked": True, "author": "Lund"}
    change, effects = applied(BASE, {"family": "Tents", "quantity": 63.0}, lock)
    assert change == [3.0, 20.0, 0.0]  # 63 with 33 held
    assert effects["state"].tolist() == ["applied", "applied"]  # all of the 63 is reached
    assert "1 of 2 series are locked by Lund's set of item T1" in effects["finding"][0]
    change, effects = applied(BASE, {"family": "Tents", "kind": "add", "quantity": 9.0}, lock)
    assert change == [3.0, 9.0, 0.0]
    assert effects[["state", "change"]].values.tolist()[0] == ["applied", 9.0]
    assert "and stayed" in effects["finding"][0]
    change, effects = applied(BASE, {"family": "Tents", "kind": "scale", "rate": 2.0}, lock)
    assert change == [3.0, 10.0, 0.0]  # 53 of the 86 asked for
    assert effects["state"].tolist() == ["applied in part", "applied"]
    change, effects = applied(BASE, {"item": "T1", "kind": "scale", "rate": 2.0}, lock)
    assert change == [3.0, 0.0, 0.0]
    assert effects["state"].tolist() == ["refused", "applied"]
    change, effects = applied(BASE, {"family": "Tents", "quantity": 20.0}, lock)
    assert change == [3.0, 0.0, 0.0]
    assert "already holds 33, more than 20" in effects["finding"][0]


def test_lock_against_lock_the_later_one_is_refused_and_told_whose_it_is():
    locks = [
        {"item": "T1", "quantity": 33.0, "is_locked": True, "author": "Lund"},
        {"family": "Tents", "quantity": 90.0, "is_locked": True},
    ]
    change, effects = applied(BASE, *locks)
    assert change == [3.0, 0.0, 0.0]
    assert effects["state"].tolist() == ["applied", "refused"]
    assert effects["finding"][1].startswith("locked by Lund's set of item T1 in 2026-01")


def test_a_change_of_more_than_half_is_asked_about():
    _, effects = applied(BASE, {"item": "T1", "kind": "scale", "rate": 0.05})  # meant 1.05
    assert "changes its level by more than half" in effects["finding"][0]
    _, effects = applied(BASE, {"item": "T1", "kind": "scale", "rate": 1.5})
    assert effects["finding"].tolist() == [""]


def test_nothing_goes_below_zero_and_says_so():
    change, effects = applied(BASE, {"item": "T2", "kind": "add", "quantity": -50.0})
    assert change == [0.0, -10.0, 0.0]
    assert effects["state"].tolist() == ["applied in part"]
    assert "less than nothing" in effects["finding"][0]


def test_an_override_of_an_earlier_cycle_asks_to_be_confirmed_and_looks_beneath():
    earlier = pd.Timestamp("2025-12-01")
    then = BASE.assign(cycle=earlier, base=BASE["quantity"] * 0.5)
    rows = {"family": "Tents", "kind": "add", "quantity": 5.0, "cycle": earlier}
    _, effects = applied(BASE, rows, then=then)
    assert effects["base_change"].tolist() == [20.0]  # forty now, twenty then
    assert "confirm it or let it expire" in effects["finding"][0]
    assert "moved by more than it changes" in effects["finding"][0]
    _, effects = applied(BASE, rows | {"quantity": 25.0}, then=then)
    assert "moved by more" not in effects["finding"][0]


def test_what_covers_nothing_or_says_nothing_is_refused_with_its_remedy():
    rows = [
        {"family": "Tenst", "quantity": 1.0},
        {"family": "Tents", "kind": "scale"},
        {"family": "Stoves"},
    ]
    change, effects = applied(BASE, *rows)
    assert change == [0.0, 0.0, 0.0] and (effects["state"] == "refused").all()
    for words, found in zip(
        ["correct its names", "needs a rate", "needs a quantity"], effects["finding"], strict=True
    ):
        assert words in found


def test_only_what_still_counts_is_alive_and_each_authors_last_word():
    december = pd.Timestamp("2025-12-01")
    rows = said(
        {"item": "T1", "quantity": 1.0, "cycle": december, "month": december},  # past
        {"item": "T1", "quantity": 2.0, "cycle": december, "expires_cycle": december},
        {"item": "T1", "quantity": 3.0, "cycle": december},
        {"item": "T1", "quantity": 4.0},  # the same author again
        {"item": "T1", "quantity": 5.0, "author": "Lund", "expires_cycle": CYCLE},
        {"item": "T2", "quantity": 7.0, "entered_at": pd.Timestamp("2026-01-09")},
        {"item": "T2", "quantity": 6.0, "entered_at": pd.Timestamp("2026-01-05")},
    )
    assert overrides.alive(rows, cycle=CYCLE)["quantity"].tolist() == [4.0, 5.0, 7.0]


# (3) invariants


@pytest.mark.parametrize("seed", range(20))
def test_levels_add_up_and_locked_totals_stand(seed):
    rng = np.random.default_rng(seed)
    names = list(ITEMS)
    base = base_of(**{name: float(rng.integers(0, 50)) for name in names})
    rows = []
    for k in range(8):
        level = [{"item": rng.choice(names)}, {"family": rng.choice(["Tents", "Stoves"])}, {}]
        row = level[rng.integers(3)] | {"author": f"P{k}", "is_locked": bool(rng.random() < 0.3)}
        kind = ["set", "add", "scale"][rng.integers(3)]
        amount = (
            {"rate": rng.uniform(0.5, 2)} if kind == "scale" else {"quantity": rng.uniform(0, 90)}
        )
        rows.append(row | amount | {"kind": kind})
    before = base.copy()
    change, effects, _ = overrides.apply(said(*rows), base, NOTHING, cycle=CYCLE)
    pd.testing.assert_frame_equal(base, before)
    after = base["quantity"] + change["overrides"]
    assert (after >= -1e-9).all() and len(effects) == 8
    for row, effect in zip(rows, effects.itertuples(), strict=True):
        if row["is_locked"] and effect.state == "applied" and row["kind"] == "set":
            own = pd.Series(True, base.index)
            for level in ("item", "family"):
                own &= base[level] == row.get(level, base[level])
            assert after[own & (base["month"] == SPAN[0])].sum() == pytest.approx(row["quantity"])


# frozen months


def test_a_frozen_month_is_refused_and_told_when_changes_begin():
    base = BASE.assign(frozen_months=2)
    change, effects = applied(base, {"family": "Tents", "quantity": 60.0})
    assert change == [0.0, 0.0, 0.0]
    assert effects[["state", "before", "after"]].values.tolist() == [["refused", 40.0, 40.0]]
    assert effects["finding"][0] == (
        "2026-01 is frozen: changes begin with 2026-03, or ask for frozen_months of company.yml"
    )


def test_an_override_of_several_families_moves_what_is_free_and_says_what_stayed():
    base = BASE.assign(frozen_months=BASE["family"].map({"Tents": 1, "Stoves": 0}))
    change, effects = applied(base, {"quantity": 70.0})
    assert change == [0.0, 0.0, 10.0]
    assert effects["state"].tolist() == ["applied"]
    assert "2 of 3 series are frozen in 2026-01 and stayed" in effects["finding"][0]
    change, effects = applied(base, {"quantity": 30.0})
    assert change == [0.0, 0.0, 0.0]
    assert "locked or frozen beneath it already holds 40" in effects["finding"][0]


def test_what_was_entered_before_its_month_froze_goes_on_counting():
    base, earlier = BASE.assign(frozen_months=1), months.shift(CYCLE, -1)
    change, effects = applied(base, {"family": "Tents", "quantity": 60.0, "cycle": earlier})
    assert change == [15.0, 5.0, 0.0] and effects["state"].tolist() == ["applied"]
