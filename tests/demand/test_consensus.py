"""statistical + events + departments + overrides = consensus, exactly."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months, schema
from sopkit.demand import consensus

MONTHS = months.span(pd.Timestamp("2026-01-01"), 3)


def forecast_of(**quantities: float) -> pd.DataFrame:
    """Table `forecast`: each item the same in three months."""
    parts = [
        pd.DataFrame(
            {
                "item": item,
                "location": "all",
                "channel": "all",
                "month": MONTHS,
                "quantity": quantity,
                "model": "theta",
            }
        )
        for item, quantity in quantities.items()
    ]
    return pd.concat(parts, ignore_index=True)


def views_of(*rows: tuple) -> pd.DataFrame:
    """Table `views` from (department, item, month position, quantity)."""
    table = pd.DataFrame(rows, columns=["department", "item", "k", "quantity"])
    table = table.assign(location="all", channel="all", month=[MONTHS[k] for k in table["k"]])
    return table[["department", *schema.SERIES_MONTH, "quantity"]]


def skill_of(**shares: float) -> pd.DataFrame:
    return pd.DataFrame({"department": list(shares), "weight_share": list(shares.values())})


SKILL = skill_of(statistical=0.5, sales=0.3, finance=0.2)


# (1) by hand


def test_each_view_moves_the_plan_by_its_weight_by_hand():
    views = views_of(("sales", "A", 0, 120.0), ("finance", "A", 0, 90.0), ("sales", "A", 2, 80.0))
    plan = consensus.demand_plan(forecast_of(A=100.0, B=10.0), views, SKILL)
    # 0.3 · 20 + 0.2 · −10 = 4;   0.3 · −20 = −6
    assert plan["departments"].tolist() == pytest.approx([4.0, 0.0, -6.0, 0.0, 0.0, 0.0])
    assert plan["consensus"].tolist() == pytest.approx([104.0, 100.0, 94.0, 10.0, 10.0, 10.0])
    assert plan["statistical"].tolist() == [100.0] * 3 + [10.0] * 3


def test_without_views_the_plan_is_the_forecast():
    plan = consensus.demand_plan(forecast_of(A=100.0), views_of(), SKILL)
    assert plan["departments"].tolist() == [0.0, 0.0, 0.0]
    assert plan["consensus"].tolist() == [100.0] * 3


def test_a_department_without_a_past_changes_nothing():
    plan = consensus.demand_plan(forecast_of(A=100.0), views_of(("guests", "A", 0, 900.0)), SKILL)
    assert plan["consensus"].tolist() == [100.0] * 3


def test_a_view_is_measured_against_forecast_and_events_together():
    views = views_of(("sales", "A", 0, 150.0))
    plan = consensus.demand_plan(forecast_of(A=100.0), views, SKILL, np.array([20.0, 0.0, 5.0]))
    assert plan["events"].tolist() == [20.0, 0.0, 5.0]
    assert plan["departments"].tolist() == pytest.approx([0.3 * 30.0, 0.0, 0.0])
    assert plan["consensus"].tolist() == pytest.approx([129.0, 100.0, 105.0])


def test_overrides_stand_beside_the_other_layers_and_all_add_up():
    plan = consensus.demand_plan(forecast_of(A=100.0), views_of(), SKILL, 10.0)
    changed = consensus.with_overrides(plan, np.array([5.0, -110.0, 0.0]))
    assert changed["consensus"].tolist() == [115.0, 0.0, 110.0]
    assert plan["overrides"].tolist() == [0.0] * 3  # the plan given stays as it was


# events


def events_of(*rows: tuple) -> pd.DataFrame:
    """Table `events` from (event, kind, first, last, family, rate, probability)."""
    names = ["event", "kind", "first_month", "last_month", "family", "expected_rate"]
    table = pd.DataFrame(rows, columns=[*names, "probability_rate"])
    for name in ("first_month", "last_month"):
        table[name] = pd.to_datetime(table[name]).astype(months.DTYPE)
    others = [level for level in schema.LEVELS if level != "family"]
    return table.assign(owner="Lund", **dict.fromkeys(others))


def levelled(**quantities: float) -> pd.DataFrame:
    base = forecast_of(**quantities)
    levels = {level: "x" for level in schema.LEVELS if level not in base}
    return base.assign(**levels, factor=2.0).assign(family=base["item"].str[0])


CYCLE = MONTHS[0]


def test_events_act_at_rate_times_probability_and_multiply_by_hand():
    events = events_of(
        ("Fair", "promotion", "2026-02", "2026-02", "A", 0.5, 0.8),
        ("Shop", "customer_gain", "2026-02", None, "A", 0.1, None),
        ("Closed", "market", "2026-03", "2026-03", None, -0.5, 1.0),
    )
    change, effects = consensus.events_layer(events, levelled(A1=100.0, B1=10.0), cycle=CYCLE)
    # February 1.4 · 1.1; March 1.1 · 0.5 for A, 0.5 for B
    assert change.tolist() == pytest.approx([0.0, 54.0, -45.0, 0.0, 0.0, -5.0])
    by_name = effects.set_index("event")["change"]
    assert by_name["Fair"] == pytest.approx(80.0)  # two common units a unit
    assert by_name["Shop"] == pytest.approx(2 * (14.0 + 10.0))
    assert by_name.sum() == pytest.approx(2 * change.sum())
    assert effects["kind"].tolist() == ["promotion", "customer gain", "market"]


def test_what_history_has_taught_is_not_added_twice():
    events = events_of(
        ("Fair 2025", "promotion", "2025-02", "2025-02", "A", 0.5, 1.0),
        ("Fair 2026", "promotion", "2026-02", "2026-02", "A", 0.5, 1.0),
        ("Rival", "competitor", "2025-11", None, "A", -0.1, 1.0),
        ("Other fair", "promotion", "2026-02", "2026-02", "B", 0.5, 1.0),
    )
    change, effects = consensus.events_layer(events, levelled(A1=100.0, B1=10.0), cycle=CYCLE)
    assert change.tolist() == [0.0, 0.0, 0.0, 0.0, 5.0, 0.0]
    found = effects.set_index("event")["finding"]
    assert "same month of earlier years" in found["Fair 2026"]
    assert "began before this cycle" in found["Rival"]
    assert found["Other fair"] == "" and "Fair 2025" not in found


def test_an_event_that_covers_nothing_says_so_and_past_ones_are_not_listed():
    events = events_of(
        ("Gone", "promotion", "2025-12", "2025-12", "A", 0.5, 1.0),
        ("Typo", "promotion", "2026-02", "2026-02", "Tenst", 0.5, 1.0),
        ("Far", "promotion", "2027-02", "2027-02", "A", 0.5, 1.0),
    )
    change, effects = consensus.events_layer(events, levelled(A1=100.0), cycle=CYCLE)
    assert not change.any()
    assert effects[["event", "finding"]].values.tolist() == [
        ["Typo", "covers nothing in the plan: correct its names"]
    ]
    contract.check_processed("event_effects", effects)
    empty = consensus.events_layer(events[:0], levelled(A1=100.0), cycle=CYCLE)[1]
    contract.check_processed("event_effects", empty)


# (3) invariants


@pytest.fixture
def many():
    """Forecast, views and weights of thirty items and three departments, some views absent."""
    rng = np.random.default_rng(7)
    forecast = forecast_of(**{f"I{k:02d}": float(rng.integers(0, 200)) for k in range(30)})
    every = [
        (department, f"I{k:02d}", t, float(rng.integers(0, 300)))
        for department in ("sales", "finance", "guests")
        for k in range(30)
        for t in range(3)
    ]
    kept = [row for row in every if rng.random() < 0.6]
    return forecast, views_of(*kept), SKILL


def test_all_layers_add_up_to_consensus(many):
    forecast = many[0]
    plan = consensus.demand_plan(*many, events=0.1 * forecast["quantity"].to_numpy())
    plan = consensus.with_overrides(plan, 3.0)
    layers = plan[["statistical", "events", "departments", "overrides"]]
    assert np.allclose(layers.sum(axis=1), plan["consensus"], rtol=1e-12)
    assert layers.ne(0).any().all()


def test_the_plan_lies_between_the_lowest_and_the_highest_number(many):
    forecast, views, skill = many
    plan = consensus.demand_plan(forecast, views, skill)
    numbers = pd.concat([forecast[[*schema.SERIES_MONTH, "quantity"]], views.iloc[:, 1:]])
    bounds = numbers.groupby(schema.SERIES_MONTH)["quantity"].agg(["min", "max"])
    amount = plan.set_index(schema.SERIES_MONTH)["consensus"]
    assert (amount >= bounds["min"] - 1e-9).all() and (amount <= bounds["max"] + 1e-9).all()


def test_a_view_above_the_forecast_raises_the_plan():
    up = consensus.demand_plan(forecast_of(A=100.0), views_of(("sales", "A", 0, 101.0)), SKILL)
    down = consensus.demand_plan(forecast_of(A=100.0), views_of(("sales", "A", 0, 99.0)), SKILL)
    assert up["departments"][0] > 0 > down["departments"][0]


def test_the_plan_has_the_keys_of_the_forecast_once_each(many):
    forecast, views, skill = many
    outside = views_of(("sales", "Z", 0, 5.0))
    plan = consensus.demand_plan(forecast, pd.concat([views, outside]), skill)
    pd.testing.assert_frame_equal(plan[schema.SERIES_MONTH], forecast[schema.SERIES_MONTH])
    contract.check_processed("demand_plan", plan)


def test_the_order_of_rows_changes_nothing(many):
    forecast, views, skill = many
    first = consensus.demand_plan(forecast, views, skill)
    second = consensus.demand_plan(
        forecast.sample(frac=1, random_state=1), views.sample(frac=1, random_state=2), skill[::-1]
    )
    second = second.sort_values(schema.SERIES_MONTH, ignore_index=True)
    pd.testing.assert_frame_equal(first, second)


def test_arguments_are_not_changed(many):
    before = [argument.copy() for argument in many]
    consensus.demand_plan(*many)
    for kept, argument in zip(before, many, strict=True):
        pd.testing.assert_frame_equal(kept, argument)


# (4) an obvious slow version


def test_the_plan_equals_a_slow_loop(many):
    forecast, views, skill = many
    weight = dict(zip(skill["department"], skill["weight_share"], strict=True))
    plan = consensus.demand_plan(forecast, views, skill)
    for row in plan.to_dict("records"):
        change = 0.0
        for view in views.to_dict("records"):
            if all(view[name] == row[name] for name in schema.SERIES_MONTH):
                share = weight.get(view["department"], 0.0)
                change += share * (view["quantity"] - row["statistical"])
        assert row["consensus"] == pytest.approx(row["statistical"] + change)


# (5) errors


def test_two_numbers_of_the_forecast_for_one_key_are_refused():
    double = pd.concat([forecast_of(A=1.0), forecast_of(A=2.0)], ignore_index=True)
    with pytest.raises(pd.errors.MergeError, match="not unique"):
        consensus.demand_plan(double, views_of(("sales", "A", 0, 5.0)), SKILL)
