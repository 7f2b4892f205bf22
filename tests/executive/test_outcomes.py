"""What became of promises."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months, sample
from sopkit.demand import history
from sopkit.executive import measures, outcomes
from sopkit.reconciliation import finance

CYCLE = pd.Timestamp("2026-01-01")
SPAN = months.closed(CYCLE, 24)
# late half of the time until November 2025, then one in ten
SOLD = pd.DataFrame(
    {
        "item": "A",
        "family": "Tents",
        "month": SPAN,
        "on_time": [5.0] * 22 + [9.0, 9.0],
        "delivered": 10.0,
        "quantity": 10.0,
    }
)
HELD = pd.DataFrame({"item": [], "family": [], "category": [], "month": SPAN[:0]})
HELD = HELD.assign(stock_quantity=[], next_quantity=[])


def actions(*rows: dict) -> pd.DataFrame:
    usual = dict(
        action="T1",
        cycle="2025-10",
        statement="Pack earlier",
        owner="I. Petrova",
        due_month="2025-11",
        status="done",
        kpi="on_time_rate",
        family="Tents",
        effect_first_month="2025-11",
        effect_last_month="2025-12",
        effect_amount=0.5,
    )
    table = pd.DataFrame([usual | row for row in rows])
    return contract.check_table("actions", table, contract.Source("actions")).frame


def judged(sold=SOLD, cycle=CYCLE, **row) -> pd.Series:
    return outcomes.outcomes(actions(row), sold, HELD, cycle=cycle).iloc[0]


def test_a_promise_is_measured_against_the_same_months_of_the_year_before_by_hand():
    row = judged()
    assert row[["before", "after", "promised"]].tolist() == [0.5, 0.9, 0.5]
    assert (row["measured"], row["share"]) == (pytest.approx(0.4), pytest.approx(0.8))
    assert row["verdict"] == "kept" and row["subject"] == "Tents"
    assert row["words"] == (
        "kept: promised +50.0 points, came +40.0 points (Tents: delivered in time)"
    )


@pytest.mark.parametrize(
    ("promised", "verdict"),
    [(0.5, "kept"), (0.51, "partly"), (2.0, "partly"), (2.1, "not kept"), (-0.1, "not kept")],
)
def test_verdicts_by_hand(promised, verdict):
    assert judged(effect_amount=promised)["verdict"] == verdict  # 0.4 came


def test_a_promise_whose_months_are_not_over_is_running():
    row = judged(cycle=pd.Timestamp("2025-12-01"))
    assert (row["verdict"], row["finding"]) == ("running", "running until 2025-12")
    assert np.isnan(row["measured"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"effect_amount": None}, "effect_amount"),
        ({"effect_amount": 0.0}, "other than 0"),
        ({"effect_last_month": None}, "effect_last_month"),
        ({"effect_first_month": "2026-01"}, "its last month lies before its first"),
        ({"kpi": "utilisation_rate"}, "utilisation_rate is not told by month"),
        ({"kpi": "inventory_cover_months"}, "nothing tells it for 2025-11"),
        ({"family": "Boats"}, "nothing tells it for 2025-11"),
        ({"effect_first_month": "2024-11"}, "nothing tells it for 2023-11"),
    ],
)
def test_what_cannot_be_measured_says_why(change, message):
    row = judged(**change)
    assert row["verdict"] == "cannot be measured"
    assert message in row["finding"] and message in row["words"]


def test_dropped_actions_are_not_measured_and_those_without_kpi_are_left_out():
    assert judged(status="dropped")["verdict"] == "dropped"
    table = outcomes.outcomes(actions({"kpi": None}), SOLD, HELD, cycle=CYCLE)
    assert table.empty
    contract.check_processed("outcomes", table)


def test_of_an_action_told_twice_the_last_counts():
    table = actions({"effect_amount": 9.0}, {"cycle": "2025-11", "effect_amount": 0.4})
    for given in (table, table[::-1]):
        found = outcomes.outcomes(given, SOLD, HELD, cycle=CYCLE)
        assert found["promised"].tolist() == [0.4]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_what_the_sample_plants_is_recovered(seed):
    """Service within half a point; stock within an eighth of a month, which months scatter by."""
    raw, truth = sample.tables(seed), sample.truths(seed)
    tables = {
        name: contract.check_table(name, raw[name], contract.Source(name)).frame
        for name in ("sales", "items", "locations", "channels", "prices", "inventory", "actions")
    }
    basis = sample.company()["sales_basis"]
    past = history.demand_history(tables["sales"], tables["items"], cycle=CYCLE, basis=basis)
    keys = past[["item", "location", "channel"]].drop_duplicates().reset_index(drop=True)
    given = (tables[name] for name in ("prices", "items", "sales"))
    rates = finance.money_rates(keys, *given, cycle=CYCLE)
    closed = finance.closed_series(past, rates)
    expected = truth["expected"].rename(columns={"quantity": "consensus"})
    plan = expected[expected["month"] >= CYCLE]
    sold = measures.sold(closed, tables["sales"], tables)
    held = measures.held(closed, plan, tables["inventory"], tables | {"money_rates": rates})
    found = outcomes.outcomes(tables["actions"], sold, held, cycle=CYCLE).set_index("action")
    true = truth["action_effects"].set_index("action")["true_amount"]
    assert abs(found.loc["T6", "measured"] - true["T6"]) < 0.005
    assert abs(found.loc["T2", "measured"] - true["T2"]) < 0.125
    assert found["verdict"].to_dict() == {"T2": "partly", "T6": "kept"}
