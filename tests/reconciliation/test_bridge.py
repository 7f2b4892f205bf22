"""The bridge between two plans: sums, causes told apart, and leaves recomputed by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import months, schema
from sopkit.demand import forecasting, history, panel
from sopkit.reconciliation import bridge

THEN, CYCLE = pd.Timestamp("2025-12-01"), pd.Timestamp("2026-01-01")
ITEMS = pd.DataFrame({"item": ["A", "B"], "family": ["Tents", "Stoves"], "end_month": pd.NaT})
FIRST, HORIZON = pd.Timestamp("2022-01-01"), 18


def demand(many: int, *, changed: dict | None = None, layers: dict | None = None) -> pd.DataFrame:
    """Seasonal demand of two items over so many months; changes of single months on top."""
    rng = np.random.default_rng(3)
    rows = []
    for item, size in (("A", 100.0), ("B", 30.0)):
        noise = rng.normal(0, 0.1, 60)
        for k in range(many):
            amount = size * (1.0 + 0.3 * np.sin(k * np.pi / 6) + noise[k])
            rows.append((item, k, amount))
    table = pd.DataFrame(rows, columns=["item", "k", "sales"])
    for (item, k), more in (changed or {}).items():
        table.loc[(table["item"] == item) & (table["k"] == k), "sales"] += more
    outlier = [(layers or {}).get((row.item, row.k), 0.0) for row in table.itertuples()]
    table = table.assign(
        location="all", channel="all", returns=0.0, unfilled=0.0, stockout=0.0, outlier=outlier,
        is_stockout=False, month=[months.shift(FIRST, k) for k in table["k"]],
    )  # fmt: skip
    return table.assign(demand=table["sales"] + table["outlier"]).drop(columns="k")


def forecast(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Statistical forecast and its weights."""
    series = panel.from_table(table, "demand")
    groups = history.family_codes(series.keys, ITEMS)
    tests = forecasting.backtest(series, series, groups, horizon=HORIZON)
    return forecasting.forecast(tests, ends(series.keys)), forecasting.weights(tests)


def ends(keys: pd.DataFrame) -> pd.Series:
    return schema.lookup(keys["item"], ITEMS, "end_month")


def cycle_of(table: pd.DataFrame, *, events: float = 0.0, view: float | None = None, **more):
    """A cycle's tables: a view of A in all months, weighed by a quarter; overrides as given."""
    said, weights = forecast(table)
    plan = said.rename(columns={"quantity": "statistical"})[[*schema.SERIES_MONTH, "statistical"]]
    plan = plan.assign(events=events * plan["statistical"], departments=0.0, overrides=0.0)
    views = plan[plan["item"] == "A"][schema.SERIES_MONTH].assign(department="sales", quantity=view)
    if view is not None:
        known = plan["statistical"] + plan["events"]
        plan["departments"] = (0.25 * (view - known)).where(plan["item"] == "A", 0.0)
    moves = pd.DataFrame(more.get("moves", []), columns=["item", "month", "author", "change"])
    moves = moves.assign(location="all", channel="all", subject="item A", before=0.0)
    for row in moves.itertuples():
        own = (plan["item"] == row.item) & (plan["month"] == row.month)
        plan.loc[own, "overrides"] += row.change
    layers = ["statistical", "events", "departments", "overrides"]
    members = ITEMS.assign(kind="item", member=ITEMS["item"], detail=more.get("family", "Tents"))
    moved = said.assign(coherence=more.get("coherence", 0.0) * said["quantity"])
    plan = plan.assign(statistical=plan["statistical"] + moved["coherence"])
    return {
        "demand_history": table,
        "forecast": moved.assign(quantity=plan["statistical"]),
        "demand_plan": plan.assign(consensus=plan[layers].sum(axis=1)),
        "model_weights": weights,
        "views": views.dropna(subset="quantity"),
        "view_skill": pd.DataFrame({"department": ["sales"], "weight_share": [0.25]}),
        "override_changes": moves,
        "known_members": members[["kind", "member", "detail"]].assign(
            detail=more.get("family", ITEMS["family"])
        ),
    }


def bridged(now: dict, then: dict) -> pd.DataFrame:
    table = bridge.bridge(now, then, ITEMS, cycle=CYCLE)
    keys = schema.SERIES_MONTH
    plan = now["demand_plan"]
    both = then["demand_plan"]["month"].max()
    plan = plan[plan["month"].between(CYCLE, both)].set_index(keys)["consensus"].sort_index()
    last = then["demand_plan"].query("month >= @CYCLE").set_index(keys)["consensus"].sort_index()
    sums = table.groupby(keys)["change"].sum().reindex(plan.index).fillna(0.0)
    assert (sums - plan).abs().max() < 1e-6
    begun = table[table["cause"] == bridge.LAST].groupby(keys)["change"].sum()
    assert (begun.reindex(last.index).fillna(0.0) - last).abs().max() < 1e-6
    return table


def by_cause(table: pd.DataFrame) -> pd.Series:
    causes = table[table["cause"] != bridge.LAST]
    return causes.groupby(["cause", "detail"])["change"].apply(lambda change: change.abs().sum())


def test_nothing_but_a_month_more_is_new_actuals_and_weights():
    found = by_cause(bridged(cycle_of(demand(48)), cycle_of(demand(47))))
    assert set(found.index) == {("new actuals", ""), ("model or weights", "")}


def test_the_forecast_of_then_is_reproduced_so_that_no_version_differs():
    table = bridged(cycle_of(demand(48)), cycle_of(demand(47)))
    assert "another version of sopkit" not in set(table["cause"])


def test_what_making_levels_add_up_changes_is_a_cause_of_its_own():
    plain = by_cause(bridged(cycle_of(demand(48)), cycle_of(demand(47))))
    then, now = cycle_of(demand(47), coherence=0.1), cycle_of(demand(48), coherence=-0.05)
    found = bridged(now, then)
    own = found[found["cause"] == "coherence"].groupby(schema.SERIES_MONTH)["change"].sum()
    both = [
        tables["forecast"].set_index(schema.SERIES_MONTH)["coherence"] for tables in (now, then)
    ]
    expected = (both[0] - both[1]).dropna()
    np.testing.assert_allclose(own.reindex(expected.index), expected)
    told = by_cause(found).drop(("coherence", ""))
    pd.testing.assert_series_equal(told, plain)  # all others are as if nothing had been made so


def test_a_cycle_from_before_coherence_has_made_none():
    then = cycle_of(demand(47))
    then["forecast"] = then["forecast"].drop(columns="coherence")
    assert "coherence" not in set(bridged(cycle_of(demand(48)), then)["cause"])


def test_a_leaf_is_what_the_change_alone_does_by_hand():
    then = cycle_of(demand(47))
    restated = demand(48, changed={("B", 40): 25.0})
    table = bridged(cycle_of(restated), then)
    own = table[(table["cause"] == "history restated")]
    assert set(own["item"]) == {"B"}
    # by hand: the history of then, one raw row changed, forecast by the weights of then
    raw = demand(47)
    is_changed = (raw["item"] == "B") & (raw["month"] == months.shift(FIRST, 40))
    raw["demand"] = raw["demand"].where(~is_changed, raw["demand"] + 25.0)
    series = panel.from_table(raw, "demand")
    groups = history.family_codes(series.keys, ITEMS)
    said = forecasting.with_weights(series, groups, then["model_weights"], horizon=HORIZON)
    before = then["demand_plan"].set_index(schema.SERIES_MONTH)["statistical"]
    after = said.set_index(schema.SERIES_MONTH)["quantity"]
    change = own.set_index(schema.SERIES_MONTH)["change"]
    by_hand = (after - before).reindex(change.index)
    assert change.tolist() == pytest.approx(by_hand.tolist(), abs=1e-9)
    assert change.abs().max() > 0.01


def test_cleaning_is_told_apart_from_what_was_restated():
    then = cycle_of(demand(47))
    now = cycle_of(demand(48, layers={("A", 40): -30.0}))
    found = by_cause(bridged(now, then))
    assert ("cleaning", "") in found.index
    assert ("history restated", "") not in found.index


def test_a_departments_leaf_is_its_weighted_distance_now_less_then():
    then, now = cycle_of(demand(47), view=120.0), cycle_of(demand(48), view=150.0)
    own = bridged(now, then).query("cause == 'department' and detail == 'sales: its number'")
    known = [
        tables["demand_plan"].set_index(schema.SERIES_MONTH)["statistical"]
        for tables in (then, now)
    ]
    change = own.set_index(schema.SERIES_MONTH)["change"]
    by_hand = 0.25 * (150.0 - known[1]) - 0.25 * (120.0 - known[0])
    assert change.tolist() == pytest.approx(by_hand.reindex(change.index).tolist())
    assert set(own["item"]) == {"A"}


def test_a_department_whose_weight_alone_changed_says_so():
    then, now = cycle_of(demand(47), view=150.0), cycle_of(demand(48), view=150.0)
    plan = now["demand_plan"]
    known = plan["statistical"] + plan["events"]
    halved = (0.125 * (150.0 - known)).where(plan["item"] == "A", 0.0)
    layers = ["statistical", "events", "departments", "overrides"]
    plan = plan.assign(departments=halved)
    now["demand_plan"] = plan.assign(consensus=plan[layers].sum(axis=1))
    now["view_skill"] = now["view_skill"].assign(weight_share=0.125)
    table = bridged(now, then).query("cause == 'department'")
    before = then["demand_plan"].set_index(schema.SERIES_MONTH)["statistical"]
    weight = table.query("detail == 'sales: its weight'").set_index(schema.SERIES_MONTH)["change"]
    by_hand = (0.125 - 0.25) * (150.0 - before)
    assert weight.tolist() == pytest.approx(by_hand.reindex(weight.index).tolist())
    assert set(table["detail"]) == {"sales: its weight", "sales: its number"}


def test_each_override_is_a_leaf_and_events_are_one():
    moved = [("A", CYCLE, "Keller", 12.0), ("B", CYCLE, "Lund", 3.0)]
    now = cycle_of(demand(48), events=0.1, moves=moved)
    table = bridged(now, cycle_of(demand(47), moves=moved[1:]))
    overrides = table.query("cause == 'override'")
    assert overrides[["detail", "change"]].values.tolist() == [["override of Keller: item A", 12.0]]
    events = table.query("cause == 'events'")["change"].sum()
    months_of_both = now["demand_plan"].query("month <= @months.shift(@THEN, 17)")
    assert events == pytest.approx(months_of_both["events"].sum())


def test_an_item_counts_in_the_family_of_then_until_it_moves():
    then = cycle_of(demand(47), family=["Tents", "Tents"])
    table = bridged(cycle_of(demand(48)), then)
    last = then["demand_plan"].query("item == 'B' and month >= @CYCLE")["consensus"].sum()
    moved = table.query("cause == 'item moved family'").groupby("family")["change"].sum()
    assert moved["Tents"] == pytest.approx(-last)
    assert moved["Stoves"] == pytest.approx(last)
    by_family = table.groupby("family")["change"].sum()
    now = table.query("item == 'B'")["change"].sum()
    assert by_family["Stoves"] == pytest.approx(now)
    assert by_family["Tents"] == pytest.approx(table.query("item == 'A'")["change"].sum())


def test_a_series_that_only_one_plan_holds_is_a_cause_of_its_own():
    then, now = cycle_of(demand(47)), cycle_of(demand(48))
    then["demand_plan"] = then["demand_plan"].query("item == 'A'")
    now["demand_plan"] = now["demand_plan"].query("item == 'B'")
    found = by_cause(bridged(now, then))
    assert set(found.index) == {("no longer planned", ""), ("newly planned", "")}


def test_without_weights_of_then_the_statistical_change_is_one_leaf():
    then, now = cycle_of(demand(47)), cycle_of(demand(48))
    then["model_weights"] = then["model_weights"].iloc[:0]
    assert set(by_cause(bridged(now, then)).index) == {("model or weights", "")}


def test_a_first_cycle_has_no_bridge():
    now = cycle_of(demand(48))
    then = {name: table.iloc[:0] for name, table in now.items()}
    assert bridge.bridge(now, then, ITEMS, cycle=CYCLE).empty


def test_summed_ends_with_the_plan_now_and_moves_say_why():
    now = cycle_of(demand(48), moves=[("A", CYCLE, "Keller", 40.0)])
    table = bridged(now, cycle_of(demand(47)))
    total = bridge.summed(table)
    assert total["cause"].iloc[0] == bridge.LAST and total["cause"].iloc[-1] == bridge.NOW
    assert total["change"].iloc[:-1].sum() == pytest.approx(total["change"].iloc[-1])
    moves = bridge.moves(table, pd.Series(2.0, index=table.index))
    first = moves.iloc[0]
    assert (first["family"], first["month"]) == ("Tents", CYCLE)
    assert first["causes"].startswith("override of Keller: item A +40")
    assert first["change_value"] == pytest.approx(2.0 * first["change"])
    assert first["plan"] - first["last_plan"] == pytest.approx(first["change"])
