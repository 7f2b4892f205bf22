"""The gap tree: gaps to budget and last year, taken apart, and who must decide by when."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import months, schema
from sopkit.reconciliation import gap_leaves, gap_tree

CYCLE = pd.Timestamp("2026-01-01")
ALL = schema.ALL


def series(item, month, quantity, price, cost, *, supplied=1.0, family="F", channel="Retail"):
    """A row of the plan, or of closed months."""
    revenue, margin = quantity * price, quantity * (price - cost)
    return {
        "item": item,
        "location": "North",
        "channel": channel,
        "family": family,
        "region": "R",
        "month": pd.Timestamp(month),
        "period": pd.Timestamp(month).year,
        "quantity": quantity,
        "net": quantity,
        "revenue_value": revenue,
        "margin_value": margin,
        "constrained_revenue_value": revenue * supplied,
        "constrained_margin_value": margin * supplied,
    }


def budget_row(family, month=None, quarter=None, quantity=np.nan, revenue=np.nan, margin=np.nan):
    row = dict.fromkeys(["item", "location", "channel", "region"], ALL)
    when = {"month": pd.Timestamp(month or "NaT"), "quarter": pd.Timestamp(quarter or "NaT")}
    amounts = {"quantity": quantity, "revenue_value": revenue, "margin_value": margin}
    return row | {"family": family} | when | amounts


PLAN = pd.DataFrame(
    [
        series("A", "2026-01-01", 10.0, 11.0, 6.0, supplied=0.5),
        series("A", "2026-02-01", 20.0, 11.0, 6.0),
        series("B", "2026-01-01", 5.0, 40.0, 30.0, family="G"),
        series("B", "2027-02-01", 5.0, 40.0, 30.0, family="G"),
    ]
)
CLOSED = pd.DataFrame(
    [
        series("A", "2025-01-01", 8.0, 10.0, 6.0),
        series("A", "2025-02-01", 10.0, 10.0, 6.0),
        series("C", "2025-02-01", 3.0, 10.0, 6.0, family="G"),
        series("A", "2025-05-01", 999.0, 10.0, 6.0),  # a month that nothing is planned for
    ]
)


def test_last_year_is_compared_month_by_month_and_taken_apart():
    cells = gap_tree.beside_last_year(PLAN, CLOSED, cycle=CYCLE)
    parts, level = gap_tree.taken_apart(cells, gap_tree.LAST_YEAR)
    assert set(parts["period"]) == {2026}  # 2027 has no closed last year
    revenue = parts[parts["measure"] == "revenue"].set_index("item")
    assert revenue.loc["A", "price"] == pytest.approx(30 * 1.0)
    assert revenue.loc["A", "constraint"] == pytest.approx(-55.0)
    assert revenue.loc["C", "gap_value"] == pytest.approx(-30.0)  # sold last year, not planned
    assert revenue.loc["B", "before_value"] == 0.0
    assert revenue["before_value"].sum() == pytest.approx(8 * 10 + 10 * 10 + 30)
    assert level == ["item"]  # within a family mix would be more than a twentieth


def test_parts_sum_to_the_gap_at_every_node_and_members_to_the_company():
    cells = gap_tree.beside_last_year(PLAN, CLOSED, cycle=CYCLE)
    tree = gap_tree.nodes(gap_tree.taken_apart(cells, gap_tree.LAST_YEAR)[0])
    gap = tree["plan_value"] - tree["before_value"]
    assert np.allclose(tree["gap_value"], gap, atol=1e-6)
    assert np.allclose(tree[gap_tree.PARTS].sum(axis=1), gap, atol=1e-6)
    assert set(tree["level"]) == {"company", "family", "channel", "region"}
    by_level = tree.groupby(["measure", "level"])[["gap_value", *gap_tree.PARTS]].sum()
    for _, own in by_level.groupby("measure"):
        assert np.allclose(own, own.iloc[0], atol=1e-6)


def test_the_budget_is_compared_at_its_families_over_its_months():
    budget = pd.DataFrame([budget_row("F", "2026-01-01", None, 10.0, 120.0, 70.0)])
    cells = gap_tree.beside_budget(PLAN, budget, cycle=CYCLE)
    tree = gap_tree.nodes(gap_tree.taken_apart(cells, gap_tree.BUDGET)[0])
    row = tree.query("measure == 'margin' and level == 'family'").iloc[0]
    assert row["member"] == "F"  # neither February nor G, which have no budget
    assert row["plan_value"] == pytest.approx(25.0)
    assert row[["price", "volume", "mix", "undivided"]].tolist() == pytest.approx([-10, 0, 0, 0])
    assert row["cost"] == pytest.approx(-(6.0 - 5.0) * 10)
    assert row["constraint"] == pytest.approx(-25.0)
    assert "channel" not in set(tree["level"])  # the budget names none


def test_a_budget_of_the_company_stands_for_it_and_its_rest_is_no_familys():
    budget = pd.DataFrame(
        [
            budget_row("F", "2026-01-01", None, 10.0, 120.0, 70.0),
            budget_row(ALL, "2026-01-01", None, 14.0, 300.0, 110.0),
        ]
    )
    cells = gap_tree.beside_budget(PLAN, budget, cycle=CYCLE)
    tree = gap_tree.nodes(gap_tree.taken_apart(cells, gap_tree.BUDGET)[0])
    revenue = tree[tree["measure"] == "revenue"].set_index("member")
    assert revenue.loc[schema.COMPANY_LABEL, "before_value"] == pytest.approx(300.0)
    assert revenue.loc[ALL, "before_value"] == pytest.approx(180.0)
    assert revenue.loc[ALL, "plan_value"] == pytest.approx(200.0)  # family G


def test_a_quarter_is_compared_whole_with_its_closed_months():
    cycle = pd.Timestamp("2026-02-01")
    budget = pd.DataFrame([budget_row("F", None, "2026-01-01", 40.0, 400.0, 200.0)])
    march = series("A", "2026-03-01", 10.0, 11.0, 6.0)
    plan = pd.concat([PLAN, pd.DataFrame([march])], ignore_index=True)
    parts, _ = gap_tree.taken_apart(
        gap_tree.beside_budget(plan, budget, cycle=cycle), gap_tree.BUDGET
    )
    revenue = parts[parts["measure"] == "revenue"]
    assert revenue["before_value"].sum() == pytest.approx(400.0)
    assert revenue["gap_value"].sum() == pytest.approx(55 + 220 + 110 - 400)
    over = gap_tree.beside_budget(plan, budget, cycle=pd.Timestamp("2026-04-01"))
    assert over.empty  # the quarter is over
    part = gap_tree.beside_budget(PLAN, budget, cycle=cycle)
    assert part.empty  # March is not planned: a quarter is never broken down


def test_a_budget_without_units_is_told_undivided():
    budget = pd.DataFrame([budget_row("F", "2026-01-01", None, np.nan, 120.0)])
    parts, _ = gap_tree.taken_apart(
        gap_tree.beside_budget(PLAN, budget, cycle=CYCLE), gap_tree.BUDGET
    )
    assert set(parts["measure"]) == {"revenue"}  # it has no margin either
    assert parts["undivided"].tolist() == pytest.approx([-10.0])
    assert parts[["price", "volume", "mix"]].eq(0.0).all(axis=None)


def test_no_budget_and_no_last_year_leave_empty_tables():
    empty = pd.DataFrame([budget_row("F")])[:0].astype({"month": months.DTYPE})
    budget = gap_tree.beside_budget(PLAN, empty.astype({"quarter": months.DTYPE}), cycle=CYCLE)
    parts = gap_tree.taken_apart(budget, gap_tree.BUDGET)[0]
    assert parts.empty
    tree = gap_tree.nodes(parts)
    assert tree.empty and {"against", "member", *gap_tree.PARTS} <= set(tree)
    assert gap_tree.mix_movers(parts).empty


def test_what_supply_lacks_to_demand_is_constraint_alone():
    parts, _ = gap_tree.taken_apart(gap_tree.beside_demand(PLAN), gap_tree.DEMAND)
    revenue = parts[parts["measure"] == "revenue"].set_index(["item", "period"])
    assert revenue.loc[("A", 2026), "before_value"] == pytest.approx(330.0)
    assert revenue.loc[("A", 2026), ["gap_value", "constraint"]].tolist() == pytest.approx(
        [-55.0] * 2
    )
    assert parts[["price", "volume", "mix", "cost", "undivided"]].eq(0.0).all(axis=None)
    assert revenue["gap_value"].sum() == pytest.approx(-55.0)


def test_goals_of_revenue_stand_in_the_tree_with_what_supply_cuts():
    check = pd.DataFrame(
        {
            "kpi": ["revenue_value", "growth_rate", "revenue_value"],
            "goal": ["F: revenue", "F: growth", "G: revenue"],
            "first_month": CYCLE,
            "last_month": pd.Timestamp("2026-12-01"),
            "target": [500.0, 0.1, 80.0],
            "plan": [450.0, 0.2, np.nan],
            "deliverable": [430.0, 0.2, np.nan],
        }
    )
    table = gap_tree.beside_targets(check, pd.Series([2026] * 3))
    assert len(table) == 1  # neither a rate nor what cannot be measured
    row = table.iloc[0]
    assert row["member"] == "F: revenue, 2026-01 to 2026-12" and row["level"] == "goal"
    assert row[["gap_value", "constraint", "undivided"]].tolist() == [-70.0, -20.0, -50.0]
    assert row[gap_tree.PARTS].sum() == row["gap_value"]
    assert gap_tree.beside_targets(check[:0], pd.Series(dtype="int64")).empty


def test_mix_names_the_items_that_make_it():
    rows = [series("A", "2026-01-01", 30.0, 10.0, 5.0), series("B", "2026-01-01", 10.0, 50.0, 5.0)]
    before = [series("A", "2025-01-01", 20.0, 10.0, 5.0), series("B", "2025-01-01", 20.0, 50.0, 5)]
    cells = gap_tree.beside_last_year(pd.DataFrame(rows), pd.DataFrame(before), cycle=CYCLE)
    parts, _ = gap_tree.taken_apart(cells, gap_tree.LAST_YEAR)
    forced = parts.assign(mix=[-200.0, -200.0, 5.0, -1.0])
    told = gap_tree.mix_movers(forced, most=1)
    assert len(told) == 2 and told["mix"].abs().tolist() == [5.0, 200.0]


TREE = pd.DataFrame(
    {
        "against": gap_tree.BUDGET,
        "measure": "revenue",
        "period": 2026,
        "level": "family",
        "member": ["F", "G"],
        "price": [-10.0, 0.0],
        "volume": [-500.0, 90.0],
        "mix": 0.0,
        "cost": 0.0,
        "constraint": [-70.0, 0.0],
        "undivided": 0.0,
    }
)
BY_MONTH = pd.DataFrame(
    {
        "family": ["F"] * 3 + ["G"] * 3,
        "month": [*months.span(CYCLE, 3)] * 2,
        "period": 2026,
        "gap_value": [0.0, 0.0, -70.0, 0.0, 0.0, 0.0],
        "budget_variance_value": [20.0, -530.0, 0.0, 30.0, 30.0, 30.0],
        "last_year_variance_value": np.nan,
    }
)
EVENTS = pd.DataFrame(
    {
        "family": ["F", "F", "F"],
        "kind": ["promotion", "promotion", "price"],
        "owner": ["Ann", "Bo", "Cy"],
        "last_month": [pd.Timestamp("2026-05-01"), pd.Timestamp("2025-05-01"), pd.NaT],
        "expected_rate": [0.1, 0.9, -0.03],
        "probability_rate": [1.0, 1.0, 0.5],
    }
)


def test_a_leaf_has_an_owner_and_the_last_month_in_which_half_of_it_can_be_reached():
    leads = pd.DataFrame(
        {
            "family": ["F", "F", "F", "G"],
            "part": ["volume", "price", "constraint", "volume"],
            "lead_months": [3, 1, 1, 0],
        }
    )
    table = gap_leaves.leaves(TREE, BY_MONTH, leads, EVENTS, cycle=CYCLE)
    assert table["amount_value"].tolist() == [-500.0, 90.0, -70.0, -10.0]
    first = table.iloc[0]
    assert first["owner"] == "Ann (sales and marketing)"  # Bo's promotion is over
    assert first["decide_by"] == CYCLE  # February's gap is three months off: too late
    assert first["reachable_share"] == 0.0
    rows = table.set_index(["family", "part"])
    late = rows.loc[("F", "constraint")]
    assert late["owner"] == "operations"
    assert late["decide_by"] == pd.Timestamp("2026-02-01")  # a month before March, where it lies
    assert late["reachable_share"] == 1.0
    assert rows.loc[("F", "price"), "owner"] == "Cy (sales and finance)"
    assert rows.loc[("F", "price"), "reachable_share"] == pytest.approx(1.0)
    gain = rows.loc[("G", "volume")]  # 30 a month: from February on two thirds are left
    assert gain["decide_by"] == pd.Timestamp("2026-02-01") and gain["reachable_share"] == 1.0


def test_lead_times_weigh_by_money_and_never_undercut_frozen_months():
    plan = pd.DataFrame(
        {
            "item": ["A", "B", "C"],
            "family": ["F", "F", "G"],
            "revenue_value": [900.0, 100.0, 50.0],
            "constrained_revenue_value": [900.0, 40.0, 50.0],
        }
    )
    lead = pd.Series([1.0, 4.0, np.nan])
    table = gap_leaves.lead_months(plan, lead, {"default": 0, "G": 2})
    lead = table.set_index(["family", "part"])["lead_months"]
    assert lead[("F", "volume")] == 2  # 1.3 months, rounded up
    assert lead[("F", "constraint")] == 4  # only B is short
    assert lead[("F", "price")] == 1
    assert lead[("G", "volume")] == 2 and lead[("G", "price")] == 2


def test_on_the_sample_company_gaps_add_up_at_every_level(sample_workspace, gaps_add_up):
    tree = gaps_add_up(sample_workspace, CYCLE)
    assert set(tree["against"]) == {"demand", "budget", "last year", "target"}
    assert set(tree["measure"]) == {"revenue", "margin"}
