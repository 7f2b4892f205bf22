"""The S&OP grid: last plan, actual or new plan, difference, running difference."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months
from sopkit.reconciliation import grid

CYCLE = pd.Timestamp("2026-01-01")
ROWS = [grid.LAST, grid.NOW, grid.DIFFERENCE, grid.RUNNING]


def typed(name: str, **columns) -> pd.DataFrame:
    return contract.check_table(name, pd.DataFrame(columns), contract.Source(name)).frame


def rows_of(family: str, measure: str, first: str, *amounts: float) -> pd.DataFrame:
    span = months.span(months.parse_cycle(first), len(amounts))
    return pd.DataFrame(
        {
            "family": family,
            "measure": measure,
            "month": span,
            "amount": np.array(amounts, dtype="float64"),
        }
    )


NONE = rows_of("Tents", "Sales", "2026-01").astype({"month": months.DTYPE})
NO_MONEY = NONE.assign(row="", is_last_plan=False)


def stack(*parts: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True)


def line(table: pd.DataFrame, measure: str, row: str, family: str = "Tents") -> dict:
    own = table[(table["family"] == family) & (table["measure"] == measure) & (table["row"] == row)]
    return {
        months.label(month): amount
        for month, amount in zip(own["month"], own["amount"], strict=True)
    }


# (1) by hand


ACTUAL = stack(
    rows_of("Tents", "Sales", "2025-11", 90, 120), rows_of("Tents", "Inventory", "2025-11", 40, 20)
)
PLAN = stack(
    rows_of("Tents", "Sales", "2026-01", 110, 100), rows_of("Tents", "Inventory", "2026-01", 25, 30)
)
LAST = stack(
    rows_of("Tents", "Sales", "2025-11", 100, 100, 100),
    rows_of("Tents", "Inventory", "2025-11", 30, 30, 30),
)


def made(actual=ACTUAL, plan=PLAN, last=LAST, money=NO_MONEY, horizon=2) -> pd.DataFrame:
    return grid.sop_grid(actual, plan, last, money, cycle=CYCLE, horizon=horizon)


def test_the_running_difference_of_a_flow_adds_up_by_hand():
    table = made()
    assert line(table, "Sales", grid.LAST) == {"2025-11": 100, "2025-12": 100, "2026-01": 100}
    assert line(table, "Sales", grid.NOW) == {
        "2025-11": 90,
        "2025-12": 120,
        "2026-01": 110,
        "2026-02": 100,
    }
    assert line(table, "Sales", grid.DIFFERENCE) == {"2025-11": -10, "2025-12": 20, "2026-01": 10}
    assert line(table, "Sales", grid.RUNNING) == {"2025-11": -10, "2025-12": 10, "2026-01": 20}


def test_of_a_stock_the_running_difference_is_the_difference_by_hand():
    table = made()
    assert line(table, "Inventory", grid.DIFFERENCE) == {
        "2025-11": 10,
        "2025-12": -10,
        "2026-01": -5,
    }
    assert line(table, "Inventory", grid.RUNNING) == line(table, "Inventory", grid.DIFFERENCE)


def test_a_measure_not_planned_yet_shows_the_last_plan_marked():
    table = made(plan=PLAN[PLAN["measure"] == "Sales"])
    own = table[(table["measure"] == "Inventory") & (table["row"] == grid.NOW)]
    assert own["amount"].tolist() == [40, 20, 30]
    assert own["is_last_plan"].tolist() == [False, False, True]
    sales = table[(table["measure"] == "Sales") & (table["row"] == grid.NOW)]
    assert not sales["is_last_plan"].any()


def test_in_a_first_cycle_there_is_no_last_plan():
    table = made(last=NONE)
    assert set(table["row"]) == {grid.NOW}
    assert not table["is_last_plan"].any()


def test_six_closed_months_and_the_horizon_are_shown():
    actual = rows_of("Tents", "Sales", "2025-01", *range(12))
    plan = rows_of("Tents", "Sales", "2026-01", *range(5))
    table = made(actual, plan, NONE, horizon=3)
    shown = [*months.closed(CYCLE, 6), *months.span(CYCLE, 3)]
    assert list(line(table, "Sales", grid.NOW)) == [months.label(month) for month in shown]


def test_the_last_plan_of_a_month_is_the_latest_cycle_before_this_one_by_hand():
    ledger = stack(
        rows_of("Tents", "Sales", "2025-11", 1, 2, 3).assign(cycle=pd.Timestamp("2025-11-01")),
        rows_of("Tents", "Sales", "2025-12", 20, 30).assign(cycle=pd.Timestamp("2025-12-01")),
        rows_of("Tents", "Sales", "2026-01", 300).assign(cycle=CYCLE),
        rows_of("Tents", "Sales", "2025-11", 9).assign(cycle=pd.Timestamp("2025-12-01")),
    )
    table = grid.latest(ledger, CYCLE).sort_values("month")
    # November was last planned in November: a cycle says nothing of months before it
    assert table["amount"].tolist() == [1, 20, 30]
    assert "cycle" not in table


FINANCIALS = pd.DataFrame(
    {
        "family": "Tents",
        "month": months.span(CYCLE, 2),
        "revenue_value": [10.0, 20.0],
        "margin_value": [4.0, 8.0],
        "budget_revenue_value": [11.0, np.nan],
        "last_year_revenue_value": [9.0, 9.0],
    }
)
CLOSED = pd.DataFrame(
    {
        "family": "Tents",
        "month": months.closed(CYCLE, 1),
        "revenue_value": [7.0],
        "margin_value": [3.0],
    }
)


def test_money_stands_beside_budget_and_last_year_by_hand():
    table = made(money=grid.money_rows(FINANCIALS, CLOSED, is_last=False))
    assert line(table, "Revenue", grid.NOW) == {"2025-12": 7, "2026-01": 10, "2026-02": 20}
    assert line(table, "Revenue", "Budget") == {"2026-01": 11}
    assert line(table, "Revenue", "Last year") == {"2026-01": 9, "2026-02": 9}
    assert line(table, "Margin", grid.NOW) == {"2025-12": 3, "2026-01": 4, "2026-02": 8}
    assert line(table, "Margin", "Budget") == {}


def test_money_of_the_last_cycle_is_marked_and_gives_way_to_what_was_booked():
    last = stack(FINANCIALS, CLOSED.assign(revenue_value=99.0))
    table = grid.money_rows(last, CLOSED, is_last=True)
    now = table[(table["measure"] == "Revenue") & (table["row"] == grid.NOW)].sort_values("month")
    assert now["amount"].tolist() == [7, 10, 20]
    assert now["is_last_plan"].tolist() == [False, True, True]


def test_the_inventory_row_shows_what_a_family_lives_by_by_hand():
    items = typed(
        "items",
        item=list("ABCDEF"),
        family=["Tents", "Boats", "Boats", "Tours", None, "Tents"],
        is_made_to_order=[None, True, True, None, None, True],
        is_service=[None, None, None, True, None, None],
    )
    assert grid.stock_measure(items).to_dict() == {
        "Tents": "Inventory",  # half of it made to order is not most of it
        "Boats": "Backlog",
        "Tours": "Utilisation",
        "unassigned": "Inventory",
    }


def test_what_is_owed_is_positive_backlog_by_hand():
    measure = pd.Series({"Tents": "Inventory", "Boats": "Backlog", "Tours": "Utilisation"})
    stock = pd.DataFrame(
        {
            "family": ["Tents", "Boats", "Tours", "Company"],
            "month": CYCLE,
            "amount": [5.0, -3.0, 1.0, 3.0],
        }
    )
    table = grid.stock_rows(stock, measure)
    assert table[["family", "measure", "amount"]].values.tolist() == [
        ["Tents", "Inventory", 5.0],
        ["Boats", "Backlog", 3.0],
        ["Company", "Inventory", 3.0],
    ]


def test_utilisation_of_services_by_hand():
    items = typed("items", item=["R", "A"], family=["Repair", "Tents"], is_service=[True, None])
    routings = typed(
        "routings",
        item=["R", "R", "all"],
        family=["all", "all", "Tents"],
        resource=["crew", "bench", "sewing"],
        hours_per_unit=[1, 1, 1],
    )
    load = pd.DataFrame(
        {
            "resource": ["crew", "bench", "sewing"],
            "month": CYCLE,
            "load_hours": [30.0, 10.0, 99.0],
            "regular_hours": [40.0, 10.0, 100.0],
        }
    )
    table = grid.utilisation_rows(load, routings, grid.stock_measure(items), items)
    assert table[["family", "measure", "amount"]].values.tolist() == [
        ["Repair", "Utilisation", 0.8]
    ]


# (3) invariants


@pytest.fixture
def many() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Three families, two measures, eight months; some last plans are missing."""
    rng = np.random.default_rng(4)
    parts: dict[str, list] = {"actual": [], "plan": [], "last": []}
    for family in ("Tents", "Stoves", "Company"):
        for measure in ("Sales", "Inventory"):
            amounts = rng.integers(0, 99, 16)
            parts["actual"].append(rows_of(family, measure, "2025-07", *amounts[:6]))
            parts["plan"].append(rows_of(family, measure, "2026-01", *amounts[6:8]))
            kept = rows_of(family, measure, "2025-07", *amounts[8:])
            parts["last"].append(kept[rng.random(8) < 0.7])
    return tuple(stack(*frames) for frames in parts.values())


def test_difference_is_new_less_last_wherever_both_stand(many):
    wide = made(*many).pivot(index=["family", "measure", "month"], columns="row", values="amount")
    expected = wide[grid.NOW] - wide[grid.LAST]
    pd.testing.assert_series_equal(wide[grid.DIFFERENCE], expected, check_names=False)
    assert 0 < expected.isna().sum() < len(expected)


def test_no_figure_of_the_window_is_lost_or_doubled(many):
    actual, plan, last = many
    table = made(*many)
    assert not table.duplicated(["family", "measure", "row", "month"]).any()
    assert table["amount"].notna().all()
    for row, given in ((grid.NOW, stack(actual, plan)), (grid.LAST, last)):
        own = table[table["row"] == row]
        assert len(own) == len(given) and own["amount"].sum() == given["amount"].sum()
    contract.check_processed("sop_grid", table)


def test_the_order_of_rows_changes_nothing(many):
    shuffled = [table.sample(frac=1, random_state=1) for table in many]
    pd.testing.assert_frame_equal(made(*many), made(*shuffled))


def test_arguments_are_not_changed(many):
    arguments = (*many, FINANCIALS, CLOSED)
    before = [argument.copy() for argument in arguments]
    made(*many, money=grid.money_rows(FINANCIALS, CLOSED, is_last=True))
    for kept, argument in zip(before, arguments, strict=True):
        pd.testing.assert_frame_equal(kept, argument)


# (4) an obvious slow version


def test_the_grid_equals_a_slow_loop(many):
    actual, plan, last = many
    now = {tuple(r[:3]): r[3] for r in stack(actual, plan).itertuples(index=False)}
    before = {tuple(r[:3]): r[3] for r in last.itertuples(index=False)}
    found = {(r.family, r.measure, r.row, r.month): r.amount for r in made(*many).itertuples()}
    expected = {}
    for family in ("Tents", "Stoves", "Company"):
        for measure in ("Sales", "Inventory"):
            running = 0.0
            for month in months.span(pd.Timestamp("2025-07-01"), 8):
                key = (family, measure, month)
                expected[family, measure, grid.NOW, month] = now[key]
                if key not in before:
                    continue
                difference = now[key] - before[key]
                running = running + difference if measure == "Sales" else difference
                expected[family, measure, grid.LAST, month] = before[key]
                expected[family, measure, grid.DIFFERENCE, month] = difference
                expected[family, measure, grid.RUNNING, month] = running
    assert found == expected


# (5) errors


def test_two_plans_for_one_cell_are_refused():
    with pytest.raises(pd.errors.MergeError, match="not unique"):
        made(plan=stack(PLAN, PLAN))
