"""Levels are attached and add up, and nothing is lost on the way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, schema
from sopkit.demand import hierarchy

JANUARY, FEBRUARY = pd.Timestamp("2026-01-01"), pd.Timestamp("2026-02-01")


def typed(name: str, **columns) -> pd.DataFrame:
    return contract.check_table(name, pd.DataFrame(columns), contract.Source(name)).frame


@pytest.fixture
def base() -> pd.DataFrame:
    """A plan's keys with all levels: A in two channels (Tents), B (Stoves), C without family."""
    plan = pd.DataFrame(
        {
            "item": ["A", "A", "B", "C"],
            "location": "North",
            "channel": ["Shop", "Web", "Shop", "Shop"],
            "month": JANUARY,
            "quantity": [30.0, 10.0, 60.0, 0.0],
        }
    )
    items = typed("items", item=["A", "B"], family=["Tents", "Stoves"])
    locations = typed("locations", location=["North"], region=["Scandinavia"])
    channels = typed("channels", channel=["Shop", "Web"], segment=["Trade", "Direct"])
    return hierarchy.with_levels(plan, items, locations, channels)


def wanted(*rows: dict) -> pd.DataFrame:
    """Amounts at any level; a level that a row does not name is `all`."""
    every = {name: schema.ALL for name in schema.LEVELS} | {"month": JANUARY}
    return pd.DataFrame([every | row for row in rows])


# (1) by hand


def test_levels_are_attached_and_what_has_none_is_unassigned(base):
    assert base["family"].tolist() == ["Tents", "Tents", "Stoves", "unassigned"]
    assert base["category"].tolist() == ["unassigned"] * 4
    assert base["region"].tolist() == ["Scandinavia"] * 4
    assert base["segment"].tolist() == ["Trade", "Direct", "Trade", "Trade"]


def test_empty_tables_leave_every_level_unassigned(base):
    levelled = hierarchy.with_levels(
        base[schema.SERIES], *(contract.empty(name) for name in ("items", "locations", "channels"))
    )
    levels = levelled[["family", "category", "region", "segment"]]
    assert (levels == "unassigned").all(axis=None)


def test_a_table_left_out_attaches_no_level():
    table = pd.DataFrame({"item": ["A"], "location": ["North"]})
    levelled = hierarchy.with_levels(table, typed("items", item=["A"], family=["Tents"]))
    assert list(levelled.columns) == ["item", "location", "family", "category"]


def test_what_the_base_sums_to_at_each_rows_own_level_by_hand(base):
    amounts = wanted(
        {"family": "Tents"},
        {},
        {"item": "A", "channel": "Web"},
        {"family": "Boats"},
        {"month": FEBRUARY},
        {"segment": "Trade", "region": "Scandinavia"},
    )
    amounts.index = [5, 3, 8, 1, 0, 2]
    totals = hierarchy.total_over(amounts, base, "quantity")
    assert totals.index.tolist() == amounts.index.tolist()
    assert totals.dropna().to_dict() == {5: 40.0, 3: 100.0, 8: 10.0, 2: 90.0}


# (2) published


def test_sums_by_level_reproduce_hts_summing_matrix():
    """hts package, tests/testthat/test-smatrix.R: nodes 3 · 2,3,1 · 2,2,1,1,1,3 give 20 series."""
    groups = [[1, 1, 1, 1, 2, 2, 2, 3, 3, 3], [1, 1, 2, 2, 3, 4, 5, 6, 6, 6]]
    table = pd.DataFrame(np.eye(10), columns=[f"bottom {k}" for k in range(10)])
    table = table.assign(company=1, category=groups[0], family=groups[1], item=range(10))
    bottom = [f"bottom {k}" for k in range(10)]
    levels = ["company", "category", "family", "item"]
    matrix = np.vstack(
        [hierarchy.aggregate(table, [level], bottom)[bottom].to_numpy() for level in levels]
    )
    assert matrix.shape == (20, 10)
    assert (1 / matrix.sum(axis=1)).round(4).tolist() == [
        0.1,
        0.25,
        0.3333,
        0.3333,
        0.5,
        0.5,
        1,
        1,
        1,
        0.3333,
        *[1] * 10,
    ]
    assert matrix[3].tolist() == [0, 0, 0, 0, 0, 0, 0, 1, 1, 1]
    assert matrix[5].tolist() == [0, 0, 1, 1, 0, 0, 0, 0, 0, 0]


# (3) invariants


def random_case(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A base of some forty keys over three months, and thirty amounts, some covering nothing."""
    rng = np.random.default_rng(seed)
    keys = pd.MultiIndex.from_product(
        [
            list("ABCDE"),
            ["North", "South"],
            ["Shop", "Web"],
            pd.date_range(JANUARY, periods=3, freq="MS", unit="us"),
        ],
        names=schema.SERIES_MONTH,
    ).to_frame(index=False)
    keys = keys.sample(frac=0.7, random_state=seed).reset_index(drop=True)
    items = typed("items", item=list("ABCD"), family=["T", "T", "S", None], category=list("XXXY"))
    channels = typed("channels", channel=["Shop", "Web"], segment=["Trade", "Direct"])
    weight = rng.integers(0, 4, len(keys)).astype(float)
    base = hierarchy.with_levels(
        keys.assign(quantity=weight), items, typed("locations", location=["North"]), channels
    )
    choices = {
        "item": ["all", "all", "A", "B", "Z"],
        "family": ["all", "T", "S", "unassigned"],
        "location": ["all", "North", "South"],
        "channel": ["all", "Web"],
    }
    rows = [
        {name: str(rng.choice(values)) for name, values in choices.items()}
        | {"month": rng.choice(keys["month"].unique()), "amount": float(rng.integers(1, 100))}
        for _ in range(30)
    ]
    return base, wanted(*rows).astype({"month": "datetime64[us]"})


def test_adding_up_loses_no_row_without_a_family():
    table = pd.DataFrame({"family": ["T", None, "T"], "quantity": [1.0, 2.0, 4.0]})
    summed = hierarchy.aggregate(table, ["family"], ["quantity"])
    assert summed["quantity"].tolist() == [5.0, 2.0]


def test_a_sum_of_nothing_known_is_unknown_and_not_zero():
    table = pd.DataFrame({"family": ["S", "S", "T", "T"], "value": [np.nan, np.nan, np.nan, 3.0]})
    summed = hierarchy.aggregate(table, ["family"], ["value"])
    assert np.isnan(summed["value"][0]) and summed["value"][1] == 3.0


def test_an_item_listed_twice_does_not_double_the_plan(base):
    items = typed("items", item=["A", "A"], family=["Tents", "Stoves"])
    levelled = hierarchy.with_levels(base[["item", "quantity"]], items)
    assert levelled["quantity"].tolist() == base["quantity"].tolist()
    assert levelled["family"].tolist() == ["Tents", "Tents", "unassigned", "unassigned"]


def test_arguments_are_not_changed(base):
    amounts = wanted({"family": "Tents", "amount": 80.0}, {"family": "Boats", "amount": 1.0})
    items = typed("items", item=["A"], family=["Boats"])
    before = amounts.copy(), base.copy(), items.copy()
    hierarchy.total_over(amounts, base, "quantity")
    hierarchy.with_levels(base, items)
    hierarchy.aggregate(base, ["family"], ["quantity"])
    for kept, argument in zip(before, (amounts, base, items), strict=True):
        pd.testing.assert_frame_equal(kept, argument)


# (4) an obvious slow version


@pytest.mark.parametrize("seed", range(5))
def test_totals_over_the_base_equal_a_slow_loop(seed):
    base, amounts = random_case(seed)
    totals = hierarchy.total_over(amounts, base, "quantity")
    for row, found in zip(amounts.to_dict("records"), totals, strict=True):
        covered = [
            key["quantity"]
            for key in base.to_dict("records")
            if key["month"] == row["month"]
            and all(row[level] in ("all", key[level]) for level in schema.LEVELS)
        ]
        assert found == pytest.approx(sum(covered)) if covered else np.isnan(found)


# planning units

GOODS = typed(
    "items",
    item=["A", "B", "C"],
    family=["Tents", "Tents", "Stoves"],
    unit=["piece", "bag", "piece"],
    planning_factor=[1.0, 20.0, 0.0],
)


def sold_at(**prices: float) -> pd.DataFrame:
    return pd.DataFrame({"item": list(prices), "unit_price_value": list(prices.values())})


def settled(items: pd.DataFrame, prices: pd.DataFrame) -> tuple[dict, set]:
    table = hierarchy.planning_units(items, prices, planning_unit="pieces", currency="EUR")
    contract.check_processed("planning_units", table)
    return table.set_index("item")["planning_factor"].to_dict(), set(table["planning_unit"])


def test_given_factors_are_the_planning_unit_and_none_is_a_factor_too():
    assert settled(GOODS, sold_at(A=5.0, B=90.0, C=1.0)) == (
        {"A": 1.0, "B": 20.0, "C": 0.0},
        {"pieces"},
    )


def test_several_units_without_every_factor_are_added_in_money_by_hand():
    lacking = GOODS.assign(planning_factor=[1.0, np.nan, 0.0])
    factor, unit = settled(lacking, sold_at(A=5.0, B=90.0, C=np.nan))
    assert factor == {"A": 5.0, "B": 90.0, "C": 0.0}  # C has no price and adds nothing
    assert unit == {"EUR at the prices of the cycle"}


def test_an_unsold_item_without_factor_does_not_make_totals_money():
    lacking = GOODS.assign(planning_factor=[1.0, np.nan, 3.0])
    factor, unit = settled(lacking, sold_at(A=5.0, C=1.0))
    assert factor == {"A": 1.0, "B": 1.0, "C": 3.0} and unit == {"pieces"}


def test_an_item_in_no_unit_is_counted_in_a_unit_of_its_own():
    nameless = GOODS.assign(unit=["piece", None, "piece"], planning_factor=np.nan)
    assert settled(nameless, sold_at(A=5.0, B=9.0))[1] == {"EUR at the prices of the cycle"}
    assert settled(nameless.assign(unit=None), sold_at(A=5.0, B=9.0))[1] == {"pieces"}


def test_an_item_that_items_do_not_know_counts_as_one_each():
    assert settled(GOODS, sold_at(A=5.0, X=7.0))[0]["X"] == 1.0


def test_an_items_price_is_the_mean_over_its_series():
    lacking = GOODS.assign(planning_factor=np.nan)
    both = pd.concat([sold_at(A=5.0, B=90.0), sold_at(A=7.0)])
    assert settled(lacking, both)[0]["A"] == 6.0


def test_quantities_are_multiplied_and_money_rates_and_time_are_not_by_hand():
    table = pd.DataFrame(
        {
            "item": ["A", "B", "all", "Z"],
            "quantity": [1.0, 2.0, 3.0, 4.0],
            "closing": 1.0,
            "revenue_value": 7.0,
            "hours": 7.0,
            "load_hours": 7.0,
            "lead_time_days": 7.0,
            "bias_rate": 7.0,
            "weight_share": 7.0,
            "cover_months": 7.0,
            "lag": 7,
        }
    )
    copy = table.copy()
    made = hierarchy.in_planning_units(table, GOODS)
    assert made["quantity"].tolist() == [1.0, 40.0, 3.0, 4.0]  # `all` is in the unit already
    assert made["closing"].tolist() == [1.0, 20.0, 1.0, 1.0]
    others = table.columns.drop(["item", "quantity", "closing"])
    assert (made[others] == 7).all(axis=None)
    pd.testing.assert_frame_equal(table, copy)


def test_factors_of_one_and_items_without_factors_leave_the_table_alone():
    table = pd.DataFrame({"item": ["A"], "quantity": [1.5]})
    for items in (GOODS.head(1), contract.empty("items"), pd.DataFrame({"item": ["A"]})):
        assert hierarchy.in_planning_units(table, items)["quantity"].tolist() == [1.5]


def test_a_family_total_in_planning_units_is_the_sum_of_its_items_by_hand():
    table = pd.DataFrame({"item": ["A", "B", "B"], "month": JANUARY, "quantity": [7.0, 1.0, 2.0]})
    levelled = hierarchy.with_levels(hierarchy.in_planning_units(table, GOODS), GOODS)
    total = hierarchy.aggregate(levelled, ["family"], ["quantity"])
    assert total.to_dict("list") == {"family": ["Tents"], "quantity": [7.0 + 20.0 + 40.0]}
