"""The supply problem laid out from a cycle's tables: what is kept is never another's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import decided, months, store, supply_problem, what_if
from sopkit.kept import Kept
from sopkit.reconciliation import scenarios
from sopkit.supply import tasks

CYCLE = months.parse_cycle("2026-01")


@pytest.fixture(scope="module")
def tables(sample_workspace) -> dict:
    return decided.in_supply(store.inputs(sample_workspace, "supply_review", CYCLE), cycle=CYCLE)


def alike(one: tasks.Task, other: tasks.Task) -> bool:
    pairs = [(getattr(one, name), getattr(other, name)) for name in tasks.AXES]
    return all(np.array_equal(*pair, equal_nan=True) for pair in pairs)


@pytest.mark.slow
def test_what_is_kept_gives_the_task_that_is_laid_out_anew(tables):
    kept = Kept()
    first, told = supply_problem.task(tables, cycle=CYCLE, kept=kept)
    assert len(first.materials) and alike(first, supply_problem.task(tables, cycle=CYCLE)[0])
    plan = tables["demand_plan"]
    more = plan.assign(consensus=1.1 * plan["consensus"], constrained=1.1 * plan["constrained"])
    suppliers = tables["suppliers"]
    less = suppliers.assign(monthly_limit=suppliers["monthly_limit"] / 2.0)
    for changed in ({"demand_plan": more}, {"suppliers": less}, {}):
        asked = tables | changed
        found, known = supply_problem.task(asked, cycle=CYCLE, kept=kept)
        assert alike(found, supply_problem.task(asked, cycle=CYCLE)[0])
        assert known["unknown_materials"] == told["unknown_materials"]
    halved = supply_problem.task(tables | {"suppliers": less}, cycle=CYCLE, kept=kept)[0]
    limited = np.isfinite(first.material_inflow[-1])
    whole, half = (task.material_inflow[-1, limited].sum() for task in (first, halved))
    assert half == pytest.approx(whole / 2.0) and whole > 0


@pytest.mark.slow
def test_an_answer_hangs_on_nothing_that_was_asked_before(sample_workspace):
    tables = store.inputs(sample_workspace, "reconciliation", CYCLE)
    known = scenarios.read_all(tables["scenario_files"], tables, cycle=CYCLE, horizon=24)[0]
    money = [store.read(sample_workspace, n, CYCLE) for n in ("financials", "closed_financials")]
    mill, before = (known[name].changes for name in ("fabric_mill", "second_shift"))
    told = []
    for asked in ([mill], [before, mill]):  # plans that cost the same are many: one is chosen
        base = what_if.start(decided.in_supply(tables, cycle=CYCLE), *money, cycle=CYCLE)
        told.append([what_if.answer(base, changes)["kpis"] for changes in asked][-1])
    pd.testing.assert_frame_equal(*told, check_exact=True)
