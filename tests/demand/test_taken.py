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
    dates = ["cycle", "month", "quarter"]
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


def test_without_numbers_the_table_is_empty_and_keeps_its_columns():
    made, _, _ = of(said({"month": SPAN[0], "quantity": 1.0}).iloc[:0])
    assert made.empty and list(made.columns) == taken.COLUMNS
    assert made["change"].dtype == "float64"


def test_thousands_of_series_and_numbers_are_told_at_once():
    count = 3_000
    items = pd.DataFrame({"item": [f"I{k}" for k in range(count)], "location": "North"})
    levels = {"channel": "Shop", "family": "F", "category": "C", "region": "R", "segment": "S"}
    base = items.assign(**levels, quantity=10.0, factor=1.0, unit_price_value=2.0)
    base = base.merge(pd.DataFrame({"month": SPAN}), how="cross")
    table = pd.concat([said({"month": month, "quantity": 12.0}) for month in SPAN])
    table = table.drop(columns="item").merge(items[["item"]], how="cross")
    begun = time.perf_counter()
    made, units, _ = of(table, base)
    assert time.perf_counter() - begun < 5
    assert len(made) == count and units == pytest.approx(0.25 * 2 * 3 * count)
