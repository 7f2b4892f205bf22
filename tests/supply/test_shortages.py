"""What cannot be met, what it is worth, and the last month in which to decide."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import months, schema
from sopkit.supply import shortages

CYCLE = pd.Timestamp("2026-01-01")


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


def terms_of(lead: int = 0, is_purchased: bool = False, items: str = "AB") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "item": list(items),
            "location": "plant",
            "lead_time_months": lead,
            "frozen_months": 0,
            "is_purchased": is_purchased,
            "supplied_from": None,
        }
    )


PRICES = pd.DataFrame({"item": ["A", "B"], "unit_price_value": [10.0, 100.0]})
HOURS = pd.DataFrame(
    {"item": ["A"], "route": "", "resource": "sewing", "hours_per_unit": 1.0, "offset_months": 0}
)


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


def found(projection, terms=None, prices=PRICES, load=None, materiality=0.0) -> pd.DataFrame:
    terms, load = terms_of() if terms is None else terms, ENOUGH if load is None else load
    return shortages.exceptions(projection, terms, prices, load, HOURS, materiality)


ENOUGH = load_of([10.0] * 4, [100.0] * 4)


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


def test_late_items_are_priced_at_their_largest_backlog_by_hand():
    projection = projection_of(A=(0, [10, 0, 10, 20], [10] * 4), B=(0, [10, 10, 7, 10], [10] * 4))
    table = found(projection)
    assert table[["subject", "amount_value"]].values.tolist() == [
        ["Item B", 300.0],
        ["Item A", 100.0],
    ]
    assert table["finding"].tolist() == [
        "late from 2026-03, 3 owed in 2026-03",
        "late from 2026-02, 10 owed in 2026-02",
    ]


def test_the_last_month_to_decide_lies_the_lead_time_before_the_shortage():
    projection = projection_of(A=(0, [10, 10, 0, 10], [10] * 4))
    bought = found(projection, terms_of(2, True))
    made = found(projection, terms_of(1))
    assert bought["proposal"].tolist() == ["order; decide by 2026-01"]
    assert made["proposal"].tolist() == ["free hours or make earlier; decide by 2026-02"]


def test_a_shortage_within_the_lead_time_is_told_to_customers():
    projection = projection_of(A=(0, [10, 10, 0, 10], [10] * 4))
    table = found(projection, terms_of(3, True))
    assert "too late to avoid" in table["proposal"][0]
    assert "3 months lead time" in table["proposal"][0]


def test_a_resource_wanted_beyond_all_hours_is_listed_with_the_backlog_of_its_items_by_hand():
    projection = projection_of(A=(0, [10, 10, 8, 10], [10] * 4), B=(0, [0, 10, 10, 10], [10] * 4))
    load = load_of([100.0, 109.0, 150.0, 112.0], [100.0] * 4, overtime=10.0)
    table = found(projection, load=load)
    own = table[table["subject"] == "Resource sewing"].iloc[0]
    assert (
        own["finding"] == "wanted beyond all hours in 2 months, most in 2026-03 (40 hours too few)"
    )
    assert own["amount_value"] == 2 * 10.0  # A owes 2; B does not pass sewing
    assert own["proposal"].endswith("decide by 2026-02")


def test_a_resource_counts_the_backlog_of_its_items_at_every_site():
    plant = projection_of(A=(0, [10, 7], [10, 10]))
    depot = projection_of(A=(0, [10, 5], [10, 10])).assign(location="depot")
    terms = pd.concat([terms_of(0, items="A"), terms_of(0, items="A").assign(location="depot")])
    table = found(pd.concat([plant, depot]), terms, load=load_of([10.0, 150.0], [100.0] * 2))
    assert table["amount_value"].tolist() == [(3 + 5) * 10.0, 5 * 10.0, 3 * 10.0]
    assert table["subject"][0] == "Resource sewing"


def test_what_is_met_in_time_is_no_exception():
    table = found(projection_of(A=(5, [10, 10], [10, 10])))
    assert table.empty
    assert list(table.columns) == ["subject", "finding", "amount_value", "proposal", "is_material"]


def test_only_exceptions_worth_as_much_as_is_material_are_marked():
    projection = projection_of(A=(0, [10, 0, 10, 20], [10] * 4), B=(0, [10, 10, 7, 10], [10] * 4))
    table = found(projection, materiality=300.0)
    assert table[["subject", "is_material"]].values.tolist() == [
        ["Item B", True],
        ["Item A", False],
    ]


def test_an_item_without_a_price_is_listed_last():
    projection = projection_of(A=(0, [0, 10], [10, 10]), B=(0, [5, 10], [10, 10]))
    unpriced = PRICES.assign(unit_price_value=[np.nan, 100.0])
    table = found(projection, prices=unpriced)
    assert table["subject"].tolist() == ["Item B", "Item A"]
    assert np.isnan(table["amount_value"][1]) and table["is_material"][1]


def test_a_resource_that_is_shut_for_a_month_is_listed_with_the_hours_it_lacks():
    load = load_of([10.0, 50.0], [100.0, 0.0])
    table = found(projection_of(A=(0, [10, 10], [10, 10])), load=load)
    own = table[table["subject"] == "Resource sewing"].iloc[0]
    assert (
        own["finding"] == "wanted beyond all hours in 1 month, most in 2026-02 (50 hours too few)"
    )


def test_no_resource_is_told_to_decide_before_the_cycle():
    load = load_of([150.0, 10.0], [100.0, 100.0])
    table = found(projection_of(A=(0, [10, 10], [10, 10])), load=load)
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
    terms = terms_of(1)
    projection = projection_of(A=(0, [10, 0, 8, 20], [10] * 4), B=(0, [10, 10, 7, 11], [10] * 4))
    load = load_of([100.0, 109.0, 150.0, 112.0], [100.0] * 4)
    tables = [
        found(p, t, load=w)
        for p, t, w in ((projection, terms, load), (projection[::-1], terms[::-1], load[::-1]))
    ]
    pd.testing.assert_frame_equal(*tables)


def test_arguments_are_not_changed(many):
    terms = terms_of(1)
    arguments = (many, terms, PRICES, ENOUGH, HOURS)
    before = [argument.copy() for argument in arguments]
    shortages.deliveries(many)
    shortages.exceptions(projection_of(A=(0, [0, 10], [10, 10])), *arguments[1:], 0.0)
    for kept, argument in zip(before, arguments, strict=True):
        pd.testing.assert_frame_equal(kept, argument)


def test_lost_sales_are_asked_for_and_not_delivered():
    kept = projection_of(A=(5, [0, 10], [5, 10])).assign(lost=[3.0, 0.0])
    table = shortages.deliveries(kept)
    assert table["demand"].tolist() == [8.0, 10.0]
    assert table["deliverable"].tolist() == table["on_time"].tolist() == [5.0, 10.0]


def test_an_item_late_at_one_of_several_sites_names_the_site_and_who_supplies_it():
    late = projection_of(A=(0, [0, 10], [10, 0]))
    sound = late.assign(location="plant", opening=0.0, closing=0.0)
    both = pd.concat([late.assign(location="depot"), sound], ignore_index=True)
    terms = terms_of(items="AA").assign(location=["depot", "plant"], supplied_from=["plant", None])
    (row,) = shortages.exceptions(both, terms, PRICES, ENOUGH, HOURS, 0.0).to_dict("records")
    assert row["subject"] == "Item A at depot"
    assert row["proposal"] == "send more from plant; decide by 2026-01"


def test_what_is_late_in_frozen_months_is_too_late_to_avoid():
    late = projection_of(A=(0, [0, 10], [10, 0]))
    terms = terms_of(items="A").assign(frozen_months=1)
    (row,) = shortages.exceptions(late, terms, PRICES, ENOUGH, HOURS, 0.0).to_dict("records")
    assert row["proposal"] == (
        "too late to avoid: expedite, or tell customers (its months are frozen)"
    )


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


# (5) errors


def test_two_lead_times_for_one_item_are_refused():
    double = pd.concat([terms_of(1), terms_of(2)])
    with pytest.raises(pd.errors.MergeError, match="not unique"):
        found(projection_of(A=(0, [0], [10])), double)
