"""What each number did to the plan: by hand, overlaps, and the sum of all."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months, schema
from sopkit.demand import consensus, submissions, taken

CYCLE = pd.Timestamp("2026-01-01")
SPAN = months.span(CYCLE, 3)
SERIES = pd.DataFrame(
    {"item": ["T1", "T2", "S1"], "location": "North", "channel": ["Shop", "Web", "Shop"]}
).assign(family=["Tents", "Tents", "Stoves"], category="Out", region="Alps", segment="Trade")
SKILL = pd.DataFrame({"department": ["statistical", "sales"], "weight_share": [0.75, 0.25]})


def base_of(quantities=(30.0, 10.0, 20.0), factor=1.0, price=10.0) -> pd.DataFrame:
    rows = SERIES.assign(quantity=quantities, factor=factor, unit_price_value=price)
    return rows.merge(pd.DataFrame({"month": SPAN}), how="cross")


def said(*rows: dict) -> pd.DataFrame:
    blank = dict.fromkeys(schema.LEVELS, schema.ALL) | {
        "department": "sales", "author": "Keller", "cycle": CYCLE, "month": pd.NaT,
        "quarter": pd.NaT, "quantity": np.nan, "revenue_value": np.nan,
        "is_withdrawn": pd.NA, "entered_at": pd.NaT,
    }  # fmt: skip
    table = pd.DataFrame([blank | row for row in rows])
    dates = ["cycle", "month", "quarter", "entered_at"]
    return table.assign(**{n: pd.to_datetime(table[n]).astype(months.DTYPE) for n in dates})


def of(table: pd.DataFrame, base=None, skill=SKILL):
    """The numbers, and what departments changed in the plan, in the common unit and in money."""
    base = base_of() if base is None else base
    items = base[["item", "factor"]].drop_duplicates().rename(columns={"factor": "planning_factor"})
    views, _ = submissions.views(table, base, items, cycle=CYCLE)
    plan = consensus.demand_plan(base[[*schema.SERIES_MONTH, "quantity"]], views, skill)
    made = taken.numbers_taken(table, views, skill, base, cycle=CYCLE, currency="EUR")
    contract.check_processed("numbers_taken", made)
    moved = plan["departments"].to_numpy()
    return made, (moved * base["factor"]).sum(), (moved * base["unit_price_value"]).sum()


def test_a_number_moves_the_plan_by_its_weight_by_hand():
    made, units, _ = of(
        said(
            {"family": "Tents", "month": SPAN[0], "quantity": 60.0},
            {"family": "Tents", "month": SPAN[2], "quantity": 32.0},
            {"item": "S1", "month": SPAN[1], "revenue_value": 100.0, "author": "Lund"},
        )
    )
    # Tents: a quarter of (60 − 40) + (32 − 40) = 3; S1: a quarter of 10 − 20 = −2.5 units
    assert made["subject"].tolist() == ["family Tents", "item S1"]
    assert made["asked"].tolist() == ["92", "100 EUR"]
    assert made[["beneath", "change", "change_value"]].values.tolist() == [
        [80.0, 3.0, 30.0],
        [20.0, -2.5, -25.0],
    ]
    assert made["author"].tolist() == ["Keller", "Lund"]
    assert made["first_month"].tolist() == [SPAN[0], SPAN[1]]
    assert made["last_month"].tolist() == [SPAN[2], SPAN[1]]
    assert units == pytest.approx(0.5)


@pytest.mark.parametrize("factor", [1.0, 2.5])
def test_the_effects_of_all_numbers_sum_to_the_plans_departments(factor):
    table = said(
        {"family": "Tents", "month": SPAN[0], "quantity": 60.0},
        {"item": "T1", "month": SPAN[0], "quantity": 5.0},  # held within the family
        {"quarter": SPAN[0], "revenue_value": 900.0, "department": "finance"},
        {"channel": "Shop", "month": SPAN[2], "quantity": 0.0},
        {"family": "Boats", "month": SPAN[0], "quantity": 7.0},
    )
    skill = pd.concat([SKILL, pd.DataFrame({"department": ["finance"], "weight_share": [0.4]})])
    made, units, money = of(table, base_of(factor=factor), skill)
    assert len(made) == 5 and abs(units) > 1
    assert made["change"].sum() == pytest.approx(units)
    assert made["change_value"].sum() == pytest.approx(money)
    lost = made[made["subject"] == "family Boats"]
    assert lost["finding"].item().startswith("covers nothing") and lost["change"].item() == 0
    whole = made[made["subject"] == "the whole company"].iloc[0]
    assert [whole["first_month"], whole["last_month"]] == [SPAN[0], SPAN[2]]


def test_a_department_without_weight_is_told_that_it_counts_nothing_yet():
    made, units, _ = of(said({"month": SPAN[0], "quantity": 90.0, "department": "finance"}))
    assert units == 0
    assert made[["weight_share", "change", "finding"]].values.tolist() == [
        [0.0, 0.0, "counts nothing yet"]
    ]


def test_money_is_missing_where_a_price_is_and_stands_first():
    base = base_of()
    base = base.assign(unit_price_value=base["unit_price_value"].mask(base["item"] == "T2"))
    made, _, _ = of(
        said(
            {"item": "S1", "month": SPAN[0], "quantity": 90.0},
            {"family": "Tents", "month": SPAN[0], "quantity": 60.0},
        ),
        base,
    )
    assert made["subject"].tolist() == ["family Tents", "item S1"]
    assert made["change_value"].isna().tolist() == [True, False]


def test_numbers_entered_with_a_time_are_told_one_by_one_and_the_others_pooled():
    first, second = pd.Timestamp("2026-01-06 09:00"), pd.Timestamp("2026-01-07 10:30:05")
    tents = {"family": "Tents", "author": "Lund"}
    made, units, money = of(
        said(
            {"family": "Tents", "month": SPAN[0], "quantity": 60.0},  # typed into a file
            {"item": "S1", "month": SPAN[0], "quantity": 40.0},
            {"item": "S1", "month": SPAN[1], "quantity": 24.0},
            tents | {"month": SPAN[1], "quantity": 44.0, "entered_at": first},
            tents | {"month": SPAN[2], "quantity": 52.0, "entered_at": second},
            {"item": "S1", "month": SPAN[2], "is_withdrawn": True, "entered_at": second},
        )
    )
    rows = made.sort_values("entered_at", na_position="first", kind="stable")
    # a quarter of 60 − 40; of 60 − 40 in two months; of 44 − 40; of 52 − 40; nothing
    assert rows[["subject", "asked", "change", "finding"]].values.tolist() == [
        ["item S1", "64", 6.0, ""],
        ["family Tents", "60", 5.0, ""],
        ["family Tents", "44", 1.0, ""],
        ["family Tents", "52", 3.0, ""],
        ["item S1", "withdrawn", 0.0, "withdrawn"],
    ]
    times = ["2026-01-06 09:00:00", *["2026-01-07 10:30:05"] * 2]
    assert rows["entered_at"].tolist()[2:] == times and rows["entered_at"].isna().sum() == 2
    assert rows["author"].tolist() == ["Keller", "Keller", "Lund", "Lund", "Keller"]
    assert made["change"].sum() == pytest.approx(units)
    assert made["change_value"].sum() == pytest.approx(money)


@pytest.mark.parametrize("entered_at", [pd.NaT, pd.Timestamp("2026-01-06 09:00")])
def test_a_quarter_is_one_number_and_a_month_inside_it_is_told_of_the_month(entered_at):
    made, units, _ = of(
        said(
            {"family": "Tents", "quarter": SPAN[0], "quantity": 180.0, "entered_at": entered_at},
            {"item": "S1", "month": SPAN[1], "quantity": 24.0, "entered_at": entered_at},
            {"family": "Tents", "month": SPAN[1], "quantity": 44.0, "entered_at": entered_at},
        )
    )
    alone = pd.notna(entered_at)
    asked = {"180 for the quarter", "24", "44"} if alone else {"224", "24"}
    assert set(made["asked"]) == asked
    assert made["change"].sum() == pytest.approx(units)
    tents = made[made["subject"] == "family Tents"]
    assert tents["beneath"].sum() == pytest.approx(120.0)


def test_a_total_that_narrower_numbers_say_all_of_is_told_so_and_not_called_lost():
    when = pd.Timestamp("2026-01-06 09:00")
    made, units, _ = of(
        said(
            {"family": "Tents", "month": SPAN[0], "quantity": 60.0, "entered_at": when},
            {"item": "T1", "month": SPAN[0], "quantity": 40.0, "entered_at": when},
            {"item": "T2", "month": SPAN[0], "quantity": 20.0, "entered_at": when},
        )
    )
    whole = made[made["subject"] == "family Tents"].iloc[0]
    assert [whole["finding"], whole["change"]] == ["narrower numbers say all of it", 0.0]
    assert made["change"].sum() == pytest.approx(units)


def test_all_numbers_withdrawn_are_told_and_move_nothing():
    when = pd.Timestamp("2026-01-06 09:00")
    made, units, _ = of(said({"month": SPAN[0], "is_withdrawn": True, "entered_at": when}))
    assert units == 0
    assert made[["asked", "change", "change_value", "finding"]].values.tolist() == [
        ["withdrawn", 0.0, 0.0, "withdrawn"]
    ]


def test_without_numbers_the_table_is_empty_and_keeps_its_columns():
    made, _, _ = of(said({"month": SPAN[0], "quantity": 1.0}).iloc[:0])
    assert made.empty and list(made.columns) == taken.COLUMNS
    assert made["change"].dtype == "float64"


@pytest.mark.parametrize("is_alone", [False, True])
def test_thousands_of_series_and_numbers_are_told_at_once(is_alone):
    count = 3_000
    items = pd.DataFrame({"item": [f"I{k}" for k in range(count)], "location": "North"})
    levels = {"channel": "Shop", "family": "F", "category": "C", "region": "R", "segment": "S"}
    base = items.assign(**levels, quantity=10.0, factor=1.0, unit_price_value=2.0)
    base = base.merge(pd.DataFrame({"month": SPAN}), how="cross")
    table = pd.concat([said({"month": month, "quantity": 12.0}) for month in SPAN])
    table = table.drop(columns="item").merge(items[["item"]], how="cross")
    table["entered_at"] = pd.Timestamp("2026-01-06") if is_alone else pd.NaT
    begun = time.perf_counter()
    made, units, _ = of(table, base)
    assert time.perf_counter() - begun < 5
    assert len(made) == count * (3 if is_alone else 1)
    assert units == pytest.approx(0.25 * 2 * 3 * count)
