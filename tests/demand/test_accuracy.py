"""Errors are measured at the level where decisions are made; positive bias: too high."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months, schema
from sopkit.demand import accuracy, forecasting, hierarchy, panel

MODELS = list(forecasting.MODELS)


def items_of(factors: dict[str, float] | None = None, **families: str) -> pd.DataFrame:
    frame = pd.DataFrame({"item": list(families), "family": list(families.values())})
    items = contract.check_table("items", frame, contract.Source("items")).frame
    return items.assign(planning_factor=items["item"].map(factors or {}).astype("float64"))


TENTS = items_of(A="Tents", B="Tents")


def backtest_of(
    actual, combined, origins: list[int], models: dict | None = None, items: str = "AB"
) -> forecasting.Backtest:
    """What came and what was said, by origin and lag, of one list for each of some items.

    A model that is not given is for no series; origins are months after 2024-01.
    """

    def laid(values) -> np.ndarray:
        return np.moveaxis(np.array(values, dtype="float64"), 0, -1)

    actual, combined = laid(actual), laid(combined)
    keys = pd.DataFrame({"item": list(items), "location": "all", "channel": "all"})
    span = months.span(pd.Timestamp("2024-01-01"), max(origins) + 1)
    said = np.full((len(MODELS), *actual.shape), np.nan)
    for name, values in (models or {}).items():
        said[MODELS.index(name)] = laid(values)
    rest = dict.fromkeys("ahead mean share error_rate kind fell".split(), np.empty(0))
    return forecasting.Backtest(
        history=panel.Panel(keys, span, np.empty((len(span), len(keys)))),
        origins=origins,
        forecasts=said,
        actual=actual,
        combined=combined,
        known_seasons={},
        **rest,
    )


def history_of(first: str, **values: list[float]) -> pd.DataFrame:
    """Table `demand_history` of some items, without corrections."""
    parts = [
        pd.DataFrame(
            {
                "item": item,
                "location": "all",
                "channel": "all",
                "month": months.span(months.parse_cycle(first), len(sold)),
                "sales": sold,
                "returns": 0.0,
                "is_stockout": False,
            }
        )
        for item, sold in values.items()
    ]
    return pd.concat(parts, ignore_index=True)


def row_of(table: pd.DataFrame, **key) -> pd.Series:
    chosen = table[np.logical_and.reduce([table[name] == value for name, value in key.items()])]
    assert len(chosen) == 1
    return chosen.iloc[0]


# two years: A sold 10 a month and then 14, B always 20
YEARS = history_of("2024-01", A=[10.0] * 12 + [14.0] * 12, B=[20.0] * 24)
# errors +4 and −4 cancel in the family; in the next month +2 and −1 do not
CAME = [[[10, 10]], [[20, 20]]]
NEAR = backtest_of(CAME, [[[14, 12]], [[16, 19]]], [24])


def by_level(tests: forecasting.Backtest, items: pd.DataFrame = TENTS) -> pd.DataFrame:
    return accuracy.by_level(tests, YEARS, items)


# (1) by hand


def test_errors_cancel_in_the_family_and_not_in_the_items_by_hand():
    table = by_level(NEAR)
    family = row_of(table, level="family", member="Tents", lag=0)
    a, b = (row_of(table, level="item", member=item, lag=0) for item in "AB")
    assert (family["wape"], a["wape"], b["wape"]) == (0.0, 0.4, 0.2)
    assert (family["bias_rate"], a["bias_rate"], b["bias_rate"]) == (0.0, 0.4, -0.2)
    assert (family["volume"], a["volume"], b["volume"]) == (30.0, 10.0, 20.0)


def test_all_lags_together_measure_the_months_one_by_one_by_hand():
    whole = row_of(by_level(NEAR), level="family", member="Tents", lag=accuracy.EVERY_LAG)
    assert whole["wape"] == pytest.approx(1 / 60)  # 30 against 30, then 31 against 30
    assert whole["bias_rate"] == pytest.approx(1 / 60)
    assert whole["volume"] == 60.0


def test_mase_divides_by_the_difference_to_the_year_before_by_hand():
    table = by_level(NEAR)
    assert row_of(table, level="item", member="A", lag=0)["mase"] == 4.0 / 4.0
    assert row_of(table, level="item", member="A", lag=1)["mase"] == 2.0 / 4.0
    # B never differs from the year before, so its error has no scale
    assert np.isnan(row_of(table, level="item", member="B", lag=0)["mase"])


def test_every_level_is_measured_with_the_company_as_total():
    table = by_level(NEAR)
    assert sorted(table["level"].unique()) == sorted(accuracy.LEVELS)
    assert table.loc[table["level"] == "total", "member"].unique().tolist() == ["Company"]


# a cycle says 12, then 20 and 30; a month later 16 and 33; 10, 15 and 36 came
MOVED = backtest_of(
    [[[10, 15, 36], [15, 36, np.nan]]], [[[12, 20, 30], [16, 33, 99]]], [22, 23], items="A"
)


def test_nervousness_is_how_far_a_months_forecast_moved_beside_what_came_by_hand():
    table = by_level(MOVED)
    rates = {lag: row_of(table, level="item", lag=lag)["nervousness_rate"] for lag in (0, 1, 2, -1)}
    assert rates[0] == pytest.approx(4 / 15)  # 20 became 16
    assert rates[1] == pytest.approx(3 / 36)  # 30 became 33
    assert np.isnan(rates[2])  # no forecast was made before it
    assert rates[-1] == pytest.approx((4 + 3) / (15 + 36))


def test_gain_is_by_how_much_the_move_lowered_the_error_by_hand():
    table = by_level(MOVED)
    gains = {lag: row_of(table, level="item", lag=lag)["gain_rate"] for lag in (0, 1, -1)}
    assert gains[0] == pytest.approx((5 - 1) / 15)  # 20, then 16, where 15 came
    assert gains[1] == pytest.approx((6 - 3) / 36)
    assert gains[-1] == pytest.approx((4 + 3) / (15 + 36))


def test_a_move_away_from_what_came_is_a_loss():
    away = backtest_of([[[10, 15], [15, np.nan]]], [[[10, 16], [20, 0]]], [22, 23], items="A")
    assert row_of(by_level(away), level="item", lag=0)["gain_rate"] == pytest.approx((1 - 5) / 15)


def test_moves_that_cancel_in_the_family_do_not_make_it_nervous():
    swapped = backtest_of(
        [[[10, 10], [10, np.nan]]] * 2, [[[10, 10], [14, 0]], [[10, 10], [6, 0]]], [22, 23]
    )
    table = by_level(swapped)
    assert row_of(table, level="family", lag=0)["nervousness_rate"] == 0.0
    for item in "AB":
        assert row_of(table, level="item", member=item, lag=0)["nervousness_rate"] == 0.4


def test_a_series_that_only_the_later_cycle_knows_is_no_move():
    """B is measured from its third month on: it has not moved, it has come."""
    nan = np.nan
    came = [[[10, 15], [15, nan]], [[nan, nan], [50, nan]]]
    young = backtest_of(came, [[[10, 16], [20, 0]], [[nan, nan], [50, 0]]], [22, 23])
    table = by_level(young)
    for level in ("item", "family", "total"):
        found = table[(table["level"] == level) & (table["lag"] == 0)]
        assert found["nervousness_rate"].dropna().tolist() == [pytest.approx(4 / 15)]
        assert found["gain_rate"].dropna().tolist() == [pytest.approx((1 - 5) / 15)]


def test_only_cycles_one_month_apart_tell_nervousness():
    apart = backtest_of([[[10, 15], [15, np.nan]]], [[[10, 16], [20, 0]]], [20, 23], items="A")
    assert by_level(apart)[["nervousness_rate", "gain_rate"]].isna().all(axis=None)


def test_the_combination_stands_in_where_a_model_is_not_for_a_series():
    nan = [[np.nan, np.nan]]
    tests = backtest_of(CAME, [[[14, 12]], [[16, 19]]], [24], {"theta": [nan, [[25, 20]]]})
    table = by_level(tests)
    family = row_of(table, level="family", member="Tents", lag=0, model="theta")
    assert family["bias_rate"] == pytest.approx((14 + 25 - 30) / 30)
    assert table.loc[
        (table["level"] == "item") & (table["model"] == "theta"), "member"
    ].tolist() == ["B"]


def test_a_model_that_is_for_less_than_half_of_a_member_is_not_judged_there():
    nan = [[np.nan, np.nan]]
    tests = backtest_of(CAME, [[[14, 12]], [[16, 19]]], [24], {"theta": [[[11, 11]], nan]})
    table = by_level(tests)
    judged = table.loc[table["model"] == "theta", ["level", "member"]].drop_duplicates()
    assert judged.to_numpy().tolist() == [["item", "A"]]  # 10 of 30 in the family


def test_of_single_items_lags_are_told_for_the_combination_and_naive_alone():
    said = {name: [[[11, 11]], [[21, 21]]] for name in ("theta", forecasting.NAIVE)}
    table = by_level(backtest_of(CAME, [[[14, 12]], [[16, 19]]], [24], said))
    lags = table[table["level"] == "item"].groupby("model")["lag"].unique()
    assert {model: sorted(own) for model, own in lags.items()} == {
        "combined": [-1, 0, 1],
        forecasting.NAIVE: [-1, 0, 1],
        "theta": [-1],
    }


def test_items_are_added_up_in_planning_units():
    items = items_of({"A": 12.0}, A="Tents", B="Tents")
    table = by_level(NEAR, items)
    family = row_of(table, level="family", member="Tents", lag=0)
    assert family["volume"] == 12 * 10 + 20
    assert family["bias_rate"] == pytest.approx((12 * 4 - 4) / 140)


def test_a_month_nobody_measured_is_left_out():
    hidden = backtest_of([[[10, np.nan]], [[20, np.nan]]], [[[14, 12]], [[16, 19]]], [24])
    assert sorted(by_level(hidden)["lag"].unique()) == [-1, 0]


# (2) published


def test_error_and_bias_reproduce_stevenson_mad_mse_mape():
    """Stevenson, Operations Management, ch. 3: sum |error| 22, sum of (actual − forecast) −2."""
    actual = np.array([217, 213, 216, 210, 213, 219, 216, 212.0])
    forecast = np.array([215, 216, 215, 214, 211, 214, 217, 216.0])
    assert accuracy.wape(forecast, actual) == pytest.approx(8 * 2.75 / actual.sum())
    assert accuracy.bias_rate(forecast, actual) == pytest.approx(2 / actual.sum())


def test_bias_reproduces_heizer_tracking_signal_carlson():
    """Heizer & Render, ch. 4, Carlson's Bakery: running sum of (actual − forecast) ends at 35."""
    actual = np.array([90, 95, 115, 100, 125, 140.0])
    forecast = np.array([100, 100, 100, 110, 110, 110.0])
    running = [
        -accuracy.bias_rate(forecast[:k], actual[:k]) * actual[:k].sum() for k in range(1, 7)
    ]
    assert running == pytest.approx([-10, -15, 0, -10, 5, 35])
    mad = accuracy.wape(forecast, actual) * actual.sum() / 6
    assert mad == pytest.approx(14.2, abs=0.05)


# (3) invariants and signs


def test_bias_is_positive_when_the_forecast_is_too_high():
    assert accuracy.bias_rate(np.array([12.0, 13.0]), np.array([10.0, 10.0])) == 0.25
    assert accuracy.bias_rate(np.array([8.0, 7.0]), np.array([10.0, 10.0])) == -0.25
    high = by_level(backtest_of([[[10.0]]], [[[12.0]]], [24], items="A"))
    assert (high["bias_rate"] == 0.2).all()
    low = by_level(backtest_of([[[10.0]]], [[[8.0]]], [24], items="A"))
    assert (low["bias_rate"] == -0.2).all()


def test_where_nothing_was_sold_there_is_no_rate():
    assert np.isnan(accuracy.wape(np.array([3.0]), np.array([0.0])))
    assert np.isnan(accuracy.bias_rate(np.array([3.0]), np.array([0.0])))
    nothing = by_level(backtest_of([[[0.0]]], [[[3.0]]], [24], items="A"))
    assert nothing[["wape", "bias_rate"]].isna().all(axis=None)


@pytest.fixture(scope="module")
def planning(sample_history, sample_tables) -> pd.DataFrame:
    """Table `demand_history` of the sample company in planning units."""
    return hierarchy.in_planning_units(sample_history, sample_tables["items"])


@pytest.fixture(scope="module")
def table(sample_tests, planning, sample_tables) -> pd.DataFrame:
    """Table `accuracy` of the sample company."""
    return accuracy.by_level(sample_tests, planning, sample_tables["items"])


def test_the_sample_is_measured_on_the_keys_of_the_table(table, sample_backtest):
    contract.check_processed("accuracy", table)
    assert not table.duplicated(["level", "member", "model", "lag"]).any()
    items = table.loc[table["level"] == "item", "member"]
    assert set(items) == set(sample_backtest["item"])
    assert set(table.columns) == set(schema.PROCESSED["accuracy"].columns)


def test_bias_is_never_larger_than_the_error_nor_gain_than_the_move(table):
    known = table.dropna(subset=["wape"])
    assert (known["bias_rate"].abs() <= known["wape"] + 1e-12).all()
    moved = table.dropna(subset=["nervousness_rate"])
    assert len(moved) and (moved["gain_rate"] <= moved["nervousness_rate"] + 1e-12).all()


def test_families_together_have_the_volume_of_the_company(table):
    own = table[table["model"] == forecasting.COMBINED]
    volume = own.groupby(["level", "lag"])["volume"].sum().unstack("level")
    for level in ("family", "location", "channel", "item"):
        np.testing.assert_allclose(volume[level], volume["total"])


def test_a_whole_is_never_judged_worse_than_its_parts(table):
    own = table[(table["model"] == forecasting.COMBINED) & (table["lag"] == accuracy.EVERY_LAG)]
    missed = (own["wape"] * own["volume"]).groupby(own["level"]).sum()
    assert missed["total"] <= missed["family"] * (1 + 1e-9)
    assert missed["family"] <= missed["item"] * (1 + 1e-9)


def test_the_order_of_rows_changes_nothing():
    first = by_level(NEAR)
    shuffled = accuracy.by_level(NEAR, YEARS.sample(frac=1, random_state=2), TENTS[::-1])
    pd.testing.assert_frame_equal(first, shuffled)
    turned = backtest_of(CAME[::-1], [[[16, 19]], [[14, 12]]], [24], items="BA")
    pd.testing.assert_frame_equal(first, by_level(turned))


def test_arguments_are_not_changed():
    arguments = (YEARS, TENTS, NEAR.history.keys)
    arrays = (NEAR.actual, NEAR.combined, NEAR.forecasts)
    before, kept = ([part.copy() for part in parts] for parts in (arguments, arrays))
    by_level(NEAR)
    for copy, argument in zip(before, arguments, strict=True):
        pd.testing.assert_frame_equal(copy, argument)
    for copy, argument in zip(kept, arrays, strict=True):
        np.testing.assert_array_equal(copy, argument)


# (4) an obvious slow version


def slow_sums(tests: forecasting.Backtest, family: list[str], factor: list[float], model: str):
    """Forecast and what came by family, origin and lag, in plain loops; and for months of which
    the cycle before spoke too, its forecast and both of these, over the series both know.
    """
    said = tests.combined
    if model in MODELS:
        own = tests.forecasts[MODELS.index(model)]
        said = np.where(np.isfinite(own), own, said)
    is_known = np.isfinite(tests.actual) & np.isfinite(tests.combined)
    told = {
        (k, lag, s): (said[k, lag, s] * factor[s], tests.actual[k, lag, s] * factor[s])
        for k, lag, s in np.argwhere(is_known).tolist()
    }
    whole, pairs = {}, {}
    for (k, lag, s), now in told.items():
        own = whole.setdefault((family[s], k, lag), np.zeros(2))
        own += now
        is_next = k > 0 and tests.origins[k] == tests.origins[k - 1] + 1
        if is_next and (k - 1, lag + 1, s) in told:
            own = pairs.setdefault((family[s], k, lag), np.zeros(3))
            own += (*now, told[k - 1, lag + 1, s][0])
    return whole, pairs


@pytest.mark.parametrize("model", ["combined", "seasonal_naive", "theta_root"])
def test_scores_equal_a_slow_loop(table, sample_tests, planning, sample_tables, model):
    keys = hierarchy.with_levels(sample_tests.history.keys, sample_tables["items"])
    factor = hierarchy.factors(keys["item"], sample_tables["items"]).tolist()
    whole, pairs = slow_sums(sample_tests, keys["family"].tolist(), factor, model)
    named = dict(zip(keys["item"], keys["family"], strict=True))
    sold: dict = {}
    for row in planning.to_dict("records"):
        own = sold.setdefault(named[row["item"]], {})
        own[row["month"]] = own.get(row["month"], 0.0) + row["sales"] + row["returns"]
    judged = table[(table["level"] == "family") & (table["model"] == model)]
    assert len(judged) > 50
    for found in judged.to_dict("records"):
        member, lag = found["member"], found["lag"]
        lags = range(forecasting.LAGS) if lag == accuracy.EVERY_LAG else [lag]
        mine = [own for (name, _, at), own in whole.items() if name == member and at in lags]
        volume = sum(abs(came) for _, came in mine)
        errors = [said - came for said, came in mine]
        assert found["volume"] == pytest.approx(volume)
        assert found["wape"] == pytest.approx(sum(map(abs, errors)) / volume)
        assert found["bias_rate"] == pytest.approx(sum(errors) / volume)
        yearly = [
            abs(amount - sold[member][month - pd.DateOffset(months=12)])
            for month, amount in sold[member].items()
            if month - pd.DateOffset(months=12) in sold[member]
        ]
        if yearly:  # a family younger than a year has nothing to be scaled by
            assert found["mase"] == pytest.approx(np.mean(np.abs(errors)) / np.mean(yearly))
        mine = [own for (name, _, at), own in pairs.items() if name == member and at in lags]
        moved = sum(abs(came) for _, came, _ in mine)
        if moved:
            moves = sum(abs(now - then) for now, _, then in mine)
            gains = sum(abs(then - came) - abs(now - came) for now, came, then in mine)
            assert found["nervousness_rate"] == pytest.approx(moves / moved)
            assert found["gain_rate"] == pytest.approx(gains / moved)
        else:
            assert np.isnan(found["nervousness_rate"]) and np.isnan(found["gain_rate"])


# in parts


def test_items_in_parts_tell_of_their_family_what_they_tell_at_once():
    items = items_of(A="Tents", B="Tents", C="Lamps")
    came, said = [[[10, 10]] * 2, [[20, 20]] * 2, [[5, 7]] * 2], [[[14, 12]] * 2, [[16, 19]] * 2]
    said = [*said, [[5, 9], [6, 6]]]
    theta = {"theta": [[[11, 11]] * 2, [[np.nan] * 2] * 2, [[5, 6]] * 2]}
    history = pd.concat([YEARS, history_of("2025-01", C=[5.0, 7.0] * 6)], ignore_index=True)
    whole = accuracy.by_level(backtest_of(came, said, [24, 25], theta, "ABC"), history, items)
    told = None
    for own in ([2], [0], [1]):  # in any order, and the family is no neighbour of itself
        chosen = ["ABC"[k] for k in own]
        one = {"theta": [theta["theta"][k] for k in own]}
        arrays = [[values[k] for k in own] for values in (came, said)]
        tests = backtest_of(*arrays, [24, 25], one, "".join(chosen))
        part = accuracy.told(tests, history[history["item"].isin(chosen)], items)
        told = accuracy.with_told(part, told)
    made = accuracy.by_level_of_parts(told)
    key = ["level", "model", "lag", "member"]
    made, whole = (table.sort_values(key, ignore_index=True) for table in (made, whole))
    pd.testing.assert_frame_equal(made, whole, rtol=1e-12)
