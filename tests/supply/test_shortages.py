"""What cannot be met, what it is worth, until when, and the exceptions made of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months, schema
from sopkit.supply import least_cost, plans, remedies, shortages, slack, sourcing
from sopkit.supply.tasks import Task

CYCLE = pd.Timestamp("2026-01-01")
CAUSES = {"hours", "component", "lead time", "supplier limit", "frozen", "backlog"}
CAUSES |= {"made to order", "transfer", "cost"}


def projection_of(**items: tuple) -> pd.DataFrame:
    """Table `inventory_projection`: per item (opening, supply by month, demand by month)."""
    parts = []
    for item, (opening, supply, demand) in items.items():
        closing = opening + np.cumsum(np.subtract(supply, demand, dtype=float))
        parts.append(
            pd.DataFrame(
                {
                    "item": item,
                    "location": "plant",
                    "month": months.span(CYCLE, len(supply)),
                    "opening": [opening, *closing[:-1]],
                    "supply": supply,
                    "demand": demand,
                    "closing": closing,
                    "safety_stock": 0.0,
                    "lost": 0.0,
                    "scrap": 0.0,
                }
            )
        )
    return pd.concat(parts, ignore_index=True).astype({"opening": float, "demand": float})


def load_of(wanted: list[float], regular: list[float], overtime: float = 0.0) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "resource": "sewing",
            "month": months.span(CYCLE, len(wanted)),
            "wanted_hours": wanted,
            "load_hours": np.minimum(wanted, regular),
            "regular_hours": regular,
            "overtime_hours": overtime,
        }
    )


PRICES = pd.DataFrame({"item": ["A", "B"], "unit_price_value": [10.0, 100.0]})
PRICES = PRICES.assign(unit_cost_value=[6.0, 70.0])
ITEMS = contract.empty("items")
ENOUGH = load_of([10.0] * 4, [100.0] * 4)
NOBODY = sourcing.sources(pd.Series([], dtype="str"), ITEMS, contract.empty("suppliers"))


def task_of(demand: list, **changes) -> Task:
    """Items A and B of the plant on twenty hours of sewing; A owes cheaper."""
    values = {
        "demand": np.array(demand, dtype=float),
        "keys": pd.DataFrame({"item": ["A", "B"], "location": "plant"}),
        "months": months.span(CYCLE, len(demand)),
        "resources": ["sewing"],
        "hours": [1.0, 1.0],
        "regular_hours": 20.0,
        "holding_cost": 1.0,
        "backlog_cost": [[5.0, 50.0]] * len(demand),
    }
    return Task(**(values | changes))


def short_of(task: Task, prices=PRICES) -> pd.DataFrame:
    """Table `shortages` at least cost."""
    free = slack.room(task, least_cost.solve(task), NOBODY, least_cost.scarcity(task))
    table = shortages.shortages(free, prices, ITEMS)
    contract.check_processed("shortages", table)
    return table


def found(task: Task, load=ENOUGH, materiality=0.0, prices=PRICES) -> pd.DataFrame:
    """Table `supply_review_exceptions` at least cost."""
    sources = sourcing.sources(task.materials["item"], ITEMS, contract.empty("suppliers"))
    free = slack.room(task, least_cost.solve(task), sources, least_cost.scarcity(task))
    short = shortages.shortages(free, prices, ITEMS)
    nobody = contract.empty("channels")
    shared = pd.DataFrame(columns=[*schema.SERIES_MONTH, "site", "demand", "on_time", "delivered"])
    shared = shared.astype({"month": months.DTYPE, "demand": "float64", "on_time": "float64"})
    options = remedies.moves(free, short, sources, ITEMS, prices, shared, nobody)
    return shortages.exceptions(short, options, load, materiality)


LATE = [[10, 10], [20, 10], [0, 0], [0, 0]]  # in February ten of A are owed until March
NO_STOCK = {"maximum_stock": 0.0}


# (1) by hand


def test_backlog_is_delivered_late_and_never_twice_by_hand():
    table = shortages.deliveries(projection_of(A=(5, [0, 10, 14, 10], [10, 10, 10, 10])))
    # closing −5, −5, −1, −1: owed 5 from January on, then 1
    assert table["deliverable"].tolist() == [5.0, 10.0, 14.0, 10.0]
    assert table["on_time"].tolist() == [5.0, 5.0, 9.0, 9.0]


def test_more_owed_than_asked_for_delivers_nothing_on_time():
    table = shortages.deliveries(projection_of(A=(-20, [5, 5], [10, 10])))
    assert table["deliverable"].tolist() == [5.0, 5.0]
    assert table["on_time"].tolist() == [0.0, 0.0]


def test_what_is_late_is_priced_and_told_until_when_by_hand():
    (row,) = short_of(task_of(LATE, **NO_STOCK)).to_dict("records")
    assert (row["item"], row["location"], f"{row['month']:%Y-%m}") == ("A", "plant", "2026-02")
    assert (row["late_quantity"], row["lost_quantity"]) == (10.0, 0.0)
    assert (row["amount_value"], row["description"]) == (100.0, "A")
    assert f"{row['delivered_by']:%Y-%m}" == "2026-03"
    assert row["chain"].startswith("10 of A in 2026-02 ← sewing has no hour left")


def test_what_was_owed_before_stands_apart_and_is_served_first():
    task = task_of([[20, 0], [20, 0], [0, 0]], opening=[-15.0, 0.0])
    before, first, second = short_of(task).sort_values("month").to_dict("records")
    assert (f"{before['month']:%Y-%m}", before["cause"]) == ("2025-12", "backlog")
    assert (before["late_quantity"], f"{before['delivered_by']:%Y-%m}") == (15.0, "2026-01")
    assert before["chain"] == "15 of A in 2025-12 ← owed since before 2026-01"
    assert (first["late_quantity"], f"{first['delivered_by']:%Y-%m}") == (15.0, "2026-02")
    assert (second["late_quantity"], f"{second['delivered_by']:%Y-%m}") == (15.0, "2026-03")


def test_what_never_comes_has_no_month_and_lost_sales_stand_apart():
    (row,) = short_of(task_of([[30, 0]])).to_dict("records")
    assert pd.isna(row["delivered_by"]) and row["late_quantity"] == 10.0
    lost = task_of([[30, 0]], is_loss_allowed=True, lost_sale_cost=9.0, is_backlog_allowed=False)
    (row,) = short_of(lost).to_dict("records")
    assert (row["late_quantity"], row["lost_quantity"]) == (0.0, 10.0)


def test_shortages_are_what_deliveries_say_is_not_on_time(random_task):
    for seed in range(8):
        task = random_task(seed)
        plan = least_cost.solve(task)
        free = slack.room(task, plan, NOBODY)
        table = shortages.shortages(free, PRICES, ITEMS)
        delivered = shortages.deliveries(plans.table(task, plan))
        late = (delivered["demand"] - delivered["on_time"]).where(lambda x: x > 0.5, 0.0)
        own = table[table["cause"] != "backlog"]
        assert own[["late_quantity", "lost_quantity"]].sum(axis=None) == pytest.approx(late.sum())
        assert set(table["cause"]) <= CAUSES and (table["chain"] != "").all()


def test_exceptions_tell_the_cheapest_move_in_time_by_hand():
    table = found(task_of(LATE, **NO_STOCK))
    assert table["subject"].tolist() == ["Item A at plant"]
    assert table["finding"][0] == "10 late in 2026-02, here in 2026-03 (hours: sewing)"
    assert table["proposal"][0] == (
        "10 hours more of sewing in 2026-02 than there are; decide by 2026-02"
    )


def test_a_shortage_within_the_lead_time_is_told_to_customers():
    table = found(task_of(LATE, lead_months=[3, 0]))
    assert "too late to avoid" in table["proposal"][0]


def test_months_in_a_row_are_one_exception_and_what_was_owed_is_another():
    task = task_of([[20, 0], [20, 0], [0, 0], [0, 0]], opening=[-15.0, 0.0])
    table = found(task)
    assert table["finding"].str.slice(0, 32).tolist() == [
        "30 late in 2026-01 to 2026-02, h",
        "15 owed since 2025-12 or before,",
    ]
    assert table["proposal"][1] == "tell customers that it comes in 2026-01"


def test_a_resource_wanted_beyond_all_hours_is_listed_with_what_is_short_for_it_by_hand():
    load = load_of([100.0, 109.0, 150.0, 112.0], [100.0] * 4, overtime=10.0)
    table = found(task_of(LATE, **NO_STOCK), load=load)
    own = table[table["subject"] == "Resource sewing"].iloc[0]
    assert (
        own["finding"] == "wanted beyond all hours in 2 months, most in 2026-03 (40 hours too few)"
    )
    assert own["amount_value"] == 100.0
    assert own["proposal"].endswith("decide by 2026-02")


def test_a_component_is_one_exception_with_all_that_waits_for_it_and_the_first_decision_by_hand():
    zips = pd.DataFrame({"item": ["zip"], "location": ["plant"]})
    demand = [[10, 10], [20, 10], [20, 10], [0, 0], [0, 0]]
    inflow = [[20.0], [20.0], [20.0], [20.0], [20.0]]
    task = task_of(demand, regular_hours=90.0, holding_cost=5.0, materials=zips, material_per=1.0,
                   material_inflow=inflow)  # fmt: skip
    table = found(task)
    own = table[table["subject"] == "Component zip"]
    assert len(own) == 1 and not table["subject"].str.startswith("Item").any()
    # ten of A in February and, as the zips of March go there first, twenty in March
    assert own["finding"].iloc[0] == "A late in 2026-02 to 2026-03, here in 2026-04"
    assert own["amount_value"].iloc[0] == 30 * 10.0
    assert own["proposal"].iloc[0].endswith("; 1 more below")


def test_what_is_met_in_time_is_no_exception():
    table = found(task_of([[10, 10]] * 4))
    assert table.empty
    assert list(table.columns) == ["subject", "finding", "amount_value", "proposal", "is_material"]


def test_only_exceptions_worth_as_much_as_is_material_are_marked():
    task = task_of([[25, 0], [0, 21], [0, 0]], **NO_STOCK)
    table = found(task, materiality=60.0)
    assert table["amount_value"].tolist() == [100.0, 50.0]
    assert table["is_material"].tolist() == [True, False]


def test_an_item_without_a_price_is_listed_last():
    unpriced = PRICES.assign(unit_price_value=[np.nan, 100.0])
    table = found(task_of([[25, 0], [0, 21], [0, 0]], **NO_STOCK), prices=unpriced)
    assert table["subject"].tolist() == ["Item B at plant", "Item A at plant"]
    assert np.isnan(table["amount_value"][1]) and table["is_material"][1]


def test_a_resource_that_is_shut_for_a_month_is_listed_with_the_hours_it_lacks():
    table = found(task_of([[10, 10]] * 2), load=load_of([10.0, 50.0], [100.0, 0.0]))
    own = table[table["subject"] == "Resource sewing"].iloc[0]
    assert (
        own["finding"] == "wanted beyond all hours in 1 month, most in 2026-02 (50 hours too few)"
    )


def test_no_resource_is_told_to_decide_before_the_cycle():
    table = found(task_of([[10, 10]] * 2), load=load_of([150.0, 10.0], [100.0, 100.0]))
    assert "2025-12" not in table["proposal"][0]
    assert table["proposal"][0].startswith("too late to build stock")


# (3) invariants


@pytest.fixture
def many() -> pd.DataFrame:
    """Projection of twenty items over a year, a third of the months in backlog."""
    rng = np.random.default_rng(11)
    items = {
        f"I{k:02d}": (
            float(rng.integers(-20, 40)),
            rng.integers(0, 30, 12),
            rng.integers(0, 30, 12),
        )
        for k in range(20)
    }
    return projection_of(**items)


def test_customers_receive_what_they_asked_for_less_what_is_owed_at_the_end(many):
    table = shortages.deliveries(many)
    whole = table.groupby(schema.SITE)[["demand", "deliverable"]].sum()
    by_item = many.groupby(schema.SITE)
    before = -by_item["opening"].first().clip(upper=0)
    after = -by_item["closing"].last().clip(upper=0)
    assert (whole["deliverable"] - whole["demand"]).tolist() == pytest.approx(
        (before - after).tolist()
    )
    assert table["on_time"].between(0, table["demand"]).all()
    assert (table["on_time"] < table["demand"]).any()


def test_no_more_is_delivered_than_there_is(many):
    table = shortages.deliveries(many)
    there = many["opening"].clip(lower=0) + many["supply"]
    assert (table["deliverable"] <= there + 1e-9).all()


def test_the_order_of_rows_changes_nothing(many):
    first = shortages.deliveries(many)
    second = shortages.deliveries(many.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(first, second.sort_index())


def test_arguments_are_not_changed(many):
    before = [many.copy(), PRICES.copy(), ENOUGH.copy()]
    shortages.deliveries(many)
    found(task_of(LATE))
    for kept, argument in zip(before, (many, PRICES, ENOUGH), strict=True):
        pd.testing.assert_frame_equal(kept, argument)


def test_lost_sales_are_asked_for_and_not_delivered():
    kept = projection_of(A=(5, [0, 10], [5, 10])).assign(lost=[3.0, 0.0])
    table = shortages.deliveries(kept)
    assert table["demand"].tolist() == [8.0, 10.0]
    assert table["deliverable"].tolist() == table["on_time"].tolist() == [5.0, 10.0]


# (4) an obvious slow version


def test_deliveries_equal_a_slow_loop(many):
    """A queue: what is owed is delivered first, then the month's own demand."""
    table = shortages.deliveries(many).set_index(schema.SITE_MONTH)
    for (item, site), own in many.groupby(schema.SITE):
        stock = max(own["opening"].iloc[0], 0.0)
        owed = max(-own["opening"].iloc[0], 0.0)
        for row in own.itertuples():
            stock += row.supply
            for_backlog = min(owed, stock)
            on_time = min(row.demand, stock - for_backlog)
            stock -= for_backlog + on_time
            owed += row.demand - for_backlog - on_time
            found = table.loc[(item, site, row.month)]
            assert found["deliverable"] == pytest.approx(for_backlog + on_time)
            # what is owed at month end counts as this month's as far as it can
            assert found["on_time"] == pytest.approx(max(row.demand - owed, 0.0))
