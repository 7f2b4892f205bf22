"""What the raw tables alone tell about overrides: they agree with what the run does."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import months, schema
from sopkit.contract import Source
from sopkit.demand import guards, overrides
from tests.demand.test_overrides import CYCLE, SPAN, base_of, said

ITEMS = pd.DataFrame(
    {"item": ["T1", "T2", "S1"], "family": ["Tents", "Tents", "Stoves"], "category": "Outdoor"}
)
MEMBERS = {
    "items": ITEMS,
    "locations": pd.DataFrame({"location": ["North"], "region": ["Alps"]}),
    "channels": pd.DataFrame({"channel": ["Shop"], "segment": ["Trade"]}),
}


def lock(**more) -> dict:
    return {"is_locked": True, "quantity": 33.0, "author": "Lund"} | more


@pytest.mark.parametrize(
    ("frozen", "rows"),
    [
        ({"Tents": 1}, [{"family": "Tents", "quantity": 9.0}]),
        ({"Tents": 1}, [{"item": "T1", "quantity": 9.0}, {"item": "S1", "quantity": 9.0}]),
        ({"Tents": 1}, [{"region": "Alps", "quantity": 90.0}]),
        ({"default": 1, "Stoves": 0}, [{"quantity": 90.0}]),
        ({"default": 1}, [{"quantity": 90.0}]),
        ({"default": 1}, [{"family": "Tents", "quantity": 9.0, "cycle": months.shift(CYCLE, -1)}]),
        ({}, [lock(item="T1"), {"item": "T1", "kind": "scale", "rate": 2.0}]),
        ({}, [{"item": "T1", "channel": "Shop", "quantity": 2.0}, lock(family="Tents")]),
        ({}, [lock(item="T1"), lock(family="Tents", author="Keller", quantity=90.0)]),
        ({}, [lock(family="Tents"), lock(item="T2", author="Keller")]),
        ({}, [lock(item="T1"), {"family": "Tents", "quantity": 90.0}]),
        ({}, [lock(item="T1", quantity=np.nan), {"item": "T1", "quantity": 4.0}]),
        ({"Tents": 1}, [lock(item="T1"), {"item": "T1", "quantity": 4.0, "author": "A"}]),
        ({}, [lock(item="T1"), lock(item="S1"), lock(author="Keller")]),
    ],
)
def test_what_is_foreseen_is_what_the_run_refuses_for_its_frozen_months_and_locks(frozen, rows):
    base = base_of(T1=30.0, T2=10.0, S1=20.0)
    base = base.assign(frozen_months=months.frozen_months(frozen, base["family"]))
    effects = overrides.apply(said(*rows), base, pd.DataFrame(), cycle=CYCLE)[1]
    refused = effects[effects["finding"].str.contains("^locked|is frozen")]
    told = guards.foreseen(said(*rows), MEMBERS, frozen, cycle=CYCLE)
    assert dict(told) == dict(refused["finding"])


def test_a_lock_that_crosses_another_is_left_to_the_run():
    rows = said(lock(channel="Shop"), lock(family="Tents", author="Keller"))
    assert guards.foreseen(rows, MEMBERS, {}, cycle=CYCLE).empty


def test_notices_name_the_first_month_that_may_be_changed_and_the_rows():
    rows = said(
        {"family": "Tents", "quantity": 9.0},
        {"family": "Stoves", "quantity": 9.0, "month": SPAN[2]},
        {"item": "T1", "quantity": 9.0},
    )
    tables = MEMBERS | {"overrides": rows}
    company = pd.Series({"frozen_months": {"default": 2}})
    source = {"overrides": Source("overrides.csv", 2, "line")}
    (found,) = guards.check_overrides(tables, source, company, CYCLE)
    assert (found.state, found.column, found.rows, found.first_row) == (
        "notice",
        "month",
        2,
        "line 2",
    )
    assert "2026-01 is frozen: changes begin with 2026-03" in found.message
    empty = {"overrides": said({}).iloc[:0], **MEMBERS}
    assert guards.check_overrides(empty, {}, company, CYCLE) == []
    assert schema.COMPANY["frozen_months"].is_used
