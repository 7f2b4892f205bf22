"""How each series behaves, and what a planner should do with it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sopkit import contract, months, schema
from sopkit.demand import classification

LIFE = {"new", "active", "ending", "ended", "silent"}


def made_items(**end_months: str) -> pd.DataFrame:
    """Table `items` with the end months given, item by item."""
    raw = pd.DataFrame({"item": list(end_months), "end_month": list(end_months.values())})
    return contract.check_table("items", raw, contract.Source("items")).frame


def rates(history: pd.DataFrame, **prices: float) -> pd.DataFrame:
    keys = history[schema.SERIES].drop_duplicates()
    return keys.assign(unit_price_value=keys["item"].map(prices).astype("float64"))


def classify(history: pd.DataFrame, items: pd.DataFrame | None = None, **prices: float):
    """Classes by item, of a history without families; the cycle follows its last month."""
    items = made_items(A="") if items is None else items
    groups = np.full(history["item"].nunique(), -1)
    cycle = months.shift(history["month"].max(), 1)
    table = classification.classify(history, items, rates(history, **prices), groups, cycle=cycle)
    return table.set_index("item")


# (1) by hand


@pytest.mark.parametrize(
    ("money", "classes"),
    [
        ([50, 30, 15, 5], "AABC"),  # 80 % are reached with the second
        ([5, 15, 30, 50], "CBAA"),
        ([79, 2, 19], "ACA"),  # at 79 % the next one still counts as A
        ([100, 0], "AC"),
        ([0, 0], "CC"),
    ],
)
def test_abc_by_share_of_money(money, classes):
    assert "".join(classification._abc_classes(np.array(money, dtype="float64"))) == classes


def test_xyz_by_variation_around_the_mean(series_table):
    def around(deviation):  # the coefficient of variation is the deviation beside 100
        return np.resize([100.0 + deviation, 100.0 - deviation], 20)  # too short for a season

    history = series_table({"A": around(24), "B": around(26), "C": around(49), "D": around(51)})
    assert classify(history)["xyz"].to_dict() == {"A": "X", "B": "Y", "C": "Y", "D": "Z"}


def test_demand_class_by_syntetos_boylan_croston_2005(series_table):
    """Interval 1.32 months, squared coefficient of variation 0.49."""
    series = {
        "A": np.full(24, 10.0),  # every month, the same
        "B": np.resize([1.0, 1.0, 20.0], 24),  # every month, (variation 1.22)² above 0.49
        "C": np.resize([10.0, 0.0, 0.0], 24),  # every third month, the same
        "D": np.resize([1.0, 0.0, 20.0, 0.0, 1.0, 0.0], 24),
        "E": np.zeros(24),
        "F": np.resize([10.0, 10.0, 10.0, 0.0], 24),  # interval 4 / 3 = 1.33, just above
    }
    assert classify(series_table(series))["demand_class"].to_dict() == {
        "A": "smooth",
        "B": "erratic",
        "C": "intermittent",
        "D": "lumpy",
        "E": "none",
        "F": "intermittent",
    }


def test_stage_of_life_by_end_age_and_silence(series_table):
    history = series_table(
        {
            "A": np.full(30, 5.0),
            "B": np.full(12, 5.0),  # on sale for a year
            "C": np.full(13, 5.0),  # and for one month more
            "D": np.full(30, 5.0),
            "E": np.full(30, 5.0),
            "F": np.r_[np.full(18, 5.0), np.zeros(12)],
            "G": np.r_[np.full(19, 5.0), np.zeros(11)],
        },
        "2023-07",
    )
    items = made_items(A="", B="", C="", D="2026-01", E="2025-12", F="", G="")
    assert classify(history, items)["lifecycle"].to_dict() == {
        "A": "active",
        "B": "new",
        "C": "active",
        "D": "ending",
        "E": "ended",
        "F": "silent",
        "G": "active",
    }


def test_life_decides_the_policy_before_money_and_regularity(series_table):
    history = series_table(
        {
            "A": np.full(30, 100.0),
            "B": np.resize([1.0, 0.0, 0.0], 30),
            "C": np.full(30, 2.0),
            "D": np.full(8, 1.0),
            "E": np.full(30, 1.0),
        },
        "2023-07",
    )
    items = made_items(A="", B="", C="", D="", E="2025-11")
    assert classify(history, items)["policy"].to_dict() == {
        "A": "review by hand",
        "B": "stock by service level",
        "C": "leave to statistics",
        "D": "watch the launch",
        "E": "no plan",
    }


def test_money_is_twelve_months_at_todays_price_and_units_where_none_is_known(series_table):
    history = series_table({"A": np.full(24, 2.0), "B": np.full(6, 10.0)})
    assert classify(history, A=5.0, B=1.0)["revenue_value"].to_dict() == {"A": 120.0, "B": 60.0}
    assert classify(history, A=5.0)["revenue_value"].to_dict() == {"A": 120.0, "B": 0.0}
    assert classify(history)["revenue_value"].to_dict() == {"A": 24.0, "B": 60.0}


def test_a_season_is_no_unsteadiness(series_table):
    year = 100.0 + 60.0 * np.cos(2 * np.pi * np.arange(12) / 12)
    assert classify(series_table({"A": np.tile(year, 4)}))["xyz"]["A"] == "X"


def test_the_lifecycle_table_lists_moving_items_only(series_table, tiny_items):
    history = series_table({"A": np.full(30, 5.0), "B": np.full(6, 5.0)}, "2023-07")
    classes = classify(history, A=1.0, B=2.0).reset_index()
    table = classification.lifecycle(classes, tiny_items)
    assert table["item"].tolist() == ["B"]
    assert table["lifecycle"].tolist() == ["new"]
    assert table[["series", "all_series"]].values.tolist() == [[1, 1]]
    other = classes.assign(item="B", lifecycle=["silent", "new"], series=1)
    found = classification.exceptions(other, history, tiny_items, 0.0)
    assert "no sale for twelve months in 1 of 2 series" in found["finding"].tolist()
    assert table["revenue_value"].tolist() == [60.0]


def test_without_prices_items_that_come_and_go_are_worth_nothing_known(series_table, tiny_items):
    history = series_table({"A": np.full(30, 5.0), "B": np.full(6, 5.0)}, "2023-07")
    classes = classify(history).reset_index()
    assert classes["revenue_value"].tolist() == [60.0, 30.0]  # units, which weigh the classes
    rates = classes[["item", "location", "channel"]].assign(unit_price_value=np.nan)
    valued = classification.in_money(classes, rates)
    assert classification.lifecycle(valued, tiny_items)["revenue_value"].isna().tolist() == [True]
    table = classification.exceptions(valued, history, tiny_items, 5000.0)
    assert table["subject"].tolist() == ["Item B"] and table["amount_value"].isna().all()
    assert table["is_material"].all()  # what nobody can price may be large


def test_an_item_still_sold_after_its_end_is_an_exception_and_one_at_rest_is_not(series_table):
    history = series_table(
        {"A": np.full(30, 5.0), "B": np.r_[np.full(15, 5.0), np.zeros(15)], "C": np.full(30, 9.0)},
        "2023-07",
    )
    items = made_items(A="2025-06", B="2024-09", C="")
    classes = classify(history, items, A=100.0, B=100.0, C=100.0).reset_index()
    table = classification.exceptions(classes, history, items, 5000.0)
    assert table["subject"].tolist() == ["Item A"]
    assert "although its end has passed" in table["finding"][0]
    assert table["amount_value"].tolist() == [6000.0]
    assert table["is_material"].tolist() == [True]
    assert not classification.exceptions(classes, history, items, 6001.0)["is_material"].any()


# (3) invariants


@pytest.fixture(scope="module")
def classes(sample_history, sample_tables, sample_panel, sample_cycle) -> pd.DataFrame:
    prices = sample_tables["items"].set_index("item")["unit_price_value"].to_dict()
    return classification.classify(
        sample_history,
        sample_tables["items"],
        rates(sample_history, **prices),
        sample_panel[2],
        cycle=sample_cycle,
    )


def test_every_series_has_one_class_of_each_kind(classes, sample_panel):
    contract.check_processed("classes", classes)
    pd.testing.assert_frame_equal(classes[schema.SERIES], sample_panel[0].keys)
    assert set(classes["abc"]) == set("ABC")
    assert set(classes["xyz"]) == set("XYZ")
    assert set(classes["lifecycle"]) <= LIFE
    assert classes.notna().all(axis=None)


def test_a_makes_at_least_eighty_percent_and_would_not_without_its_smallest(classes):
    money = classes["revenue_value"]
    in_a = money[classes["abc"] == "A"]
    assert in_a.sum() >= 0.8 * money.sum() - 1e-6
    assert in_a.sum() - in_a.min() < 0.8 * money.sum()
    assert in_a.min() >= money[classes["abc"] == "B"].max()


def test_the_order_of_rows_does_not_matter_and_arguments_are_left_alone(
    classes, sample_history, sample_tables, sample_panel, sample_cycle
):
    prices = sample_tables["items"].set_index("item")["unit_price_value"].to_dict()
    tables = [
        table.sample(frac=1.0, random_state=2)
        for table in (sample_history, sample_tables["items"], rates(sample_history, **prices))
    ]
    copies = [table.copy() for table in tables]
    got = classification.classify(*tables, sample_panel[2], cycle=sample_cycle)
    for table, copy in zip(tables, copies, strict=True):
        pd.testing.assert_frame_equal(table, copy)
    pd.testing.assert_frame_equal(got, classes)


# (4) a slow loop


@given(st.lists(st.integers(0, 50), min_size=1, max_size=12))
def test_abc_equals_a_walk_from_the_largest_down(money):
    money = np.array(money, dtype="float64")
    expected, walked = ["C"] * len(money), 0.0
    for k in sorted(range(len(money)), key=lambda k: (-money[k], k)):
        if money[k] > 0:
            share = walked / money.sum()
            expected[k] = "A" if share < 0.8 - 1e-12 else "B" if share < 0.95 - 1e-12 else "C"
        walked += money[k]
    assert classification._abc_classes(money).tolist() == expected


# bad panels


@given(
    st.lists(
        st.lists(st.sampled_from([0.0, 1.0, 1e-9, 7.5, 1e15]), min_size=1, max_size=30),
        min_size=1,
        max_size=3,
    )
)
def test_no_history_is_so_bad_that_a_series_has_no_class(lists):
    count = max(map(len, lists))
    span = months.span(pd.Timestamp("2023-01-01"), count)
    history = pd.concat(
        pd.DataFrame(
            {
                "item": f"S{k}",
                "location": "all",
                "channel": "all",
                "month": span[count - len(values) :],
                "demand": values,
            }
        )
        for k, values in enumerate(lists)
    )
    table = classify(history)
    assert len(table) == len(lists)
    assert table.notna().all(axis=None)
    assert set(table["lifecycle"]) <= LIFE
