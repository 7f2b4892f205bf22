"""Errors are measured at the level where decisions are made; positive bias: too high."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months, schema
from sopkit.demand import accuracy, forecasting


def items_of(**families: str) -> pd.DataFrame:
    frame = pd.DataFrame({"item": list(families), "family": list(families.values())})
    return contract.check_table("items", frame, contract.Source("items")).frame


TENTS = items_of(A="Tents", B="Tents")


def backtest_of(*rows: tuple) -> pd.DataFrame:
    """Table `backtest` from (item, origin, month, actual, theta)."""
    table = pd.DataFrame(rows, columns=["item", "origin", "month", "actual", "theta"])
    for name in ("origin", "month"):
        table[name] = table[name].map(months.parse_cycle).astype(months.DTYPE)
    lag = months.number(table["month"]) - months.number(table["origin"])
    return table.assign(location="all", channel="all", lag=lag)


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
NEAR = backtest_of(
    ("A", "2025-01", "2025-01", 10.0, 14.0),
    ("B", "2025-01", "2025-01", 20.0, 16.0),
    ("A", "2025-01", "2025-02", 10.0, 12.0),
    ("B", "2025-01", "2025-02", 20.0, 19.0),
)


# (1) by hand


def test_errors_cancel_in_the_family_and_not_in_the_items_by_hand():
    table = accuracy.by_level(NEAR, YEARS, TENTS, ["theta"])
    family = row_of(table, level="family", member="Tents", lag=0)
    a, b = (row_of(table, level="item", member=item, lag=0) for item in "AB")
    assert (family["wape"], a["wape"], b["wape"]) == (0.0, 0.4, 0.2)
    assert (family["bias_rate"], a["bias_rate"], b["bias_rate"]) == (0.0, 0.4, -0.2)
    assert (family["volume"], a["volume"], b["volume"]) == (30.0, 10.0, 20.0)


def test_all_lags_together_measure_the_months_one_by_one_by_hand():
    table = accuracy.by_level(NEAR, YEARS, TENTS, ["theta"])
    whole = row_of(table, level="family", member="Tents", lag=accuracy.EVERY_LAG)
    assert whole["wape"] == pytest.approx(1 / 60)  # 30 against 30, then 31 against 30
    assert whole["bias_rate"] == pytest.approx(1 / 60)
    assert whole["volume"] == 60.0


def test_mase_divides_by_the_difference_to_the_year_before_by_hand():
    table = accuracy.by_level(NEAR, YEARS, TENTS, ["theta"])
    assert row_of(table, level="item", member="A", lag=0)["mase"] == 4.0 / 4.0
    assert row_of(table, level="item", member="A", lag=1)["mase"] == 2.0 / 4.0
    # B never differs from the year before, so its error has no scale
    assert np.isnan(row_of(table, level="item", member="B", lag=0)["mase"])


def test_every_level_is_measured_with_the_company_as_total():
    table = accuracy.by_level(NEAR, YEARS, TENTS, ["theta"])
    assert sorted(table["level"].unique()) == sorted(accuracy.LEVELS)
    assert table.loc[table["level"] == "total", "member"].unique().tolist() == ["Company"]
    only = accuracy.by_level(NEAR, YEARS, TENTS, ["theta"], levels=["item"])
    assert only["level"].unique().tolist() == ["item"]


def plans_of(*rows: tuple) -> pd.DataFrame:
    """Ledger of `demand_plan` from (cycle, item, month, statistical, consensus)."""
    table = pd.DataFrame(rows, columns=["cycle", "item", "month", "statistical", "consensus"])
    for name in ("cycle", "month"):
        table[name] = table[name].map(months.parse_cycle).astype(months.DTYPE)
    return table.assign(location="all", channel="all")


def test_past_plans_are_measured_by_lag_by_hand():
    ledger = plans_of(
        ("2025-01", "A", "2025-01", 12.0, 11.0),
        ("2025-01", "B", "2025-01", 18.0, 20.0),
        ("2025-01", "A", "2025-02", 15.0, 10.0),
        ("2025-02", "A", "2025-02", 10.0, 14.0),
        ("2025-02", "A", "2025-03", 99.0, 99.0),  # not closed yet
    )
    history = history_of("2025-01", A=[10.0, 10.0], B=[20.0, 20.0])
    table = accuracy.of_plans(ledger, history, TENTS)
    found = {(row.layer, row.lag): (row.wape, row.bias_rate) for row in table.itertuples()}
    # lag 0: January's family 30 and 31 against 30, February's 10 and 14 against 10
    assert found["statistical", 0] == pytest.approx((0 / 40, 0 / 40))
    assert found["consensus", 0] == pytest.approx((5 / 40, 5 / 40))
    assert found["statistical", 1] == pytest.approx((0.5, 0.5))
    assert found["consensus", 1] == pytest.approx((0.0, 0.0))
    assert len(found) == 4
    assert table.loc[table["lag"] == 0, "cycles"].tolist() == [2, 2]


def test_a_month_hidden_by_a_stock_out_does_not_judge_the_plan():
    ledger = plans_of(
        ("2025-01", "A", "2025-01", 10.0, 10.0), ("2025-02", "A", "2025-02", 10.0, 10.0)
    )
    history = history_of("2025-01", A=[10.0, 2.0]).assign(is_stockout=[False, True])
    table = accuracy.of_plans(ledger, history, TENTS)
    assert table["wape"].tolist() == [0.0, 0.0]
    assert table["volume"].tolist() == [10.0, 10.0]


def test_a_first_cycle_has_no_past_plans_to_measure():
    ledger = plans_of(("2025-01", "A", "2025-01", 1.0, 1.0)).iloc[:0]
    table = accuracy.of_plans(ledger, YEARS, TENTS)
    assert table.empty
    assert list(table.columns) == ["layer", "lag", "wape", "bias_rate", "volume", "cycles"]


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
    high = backtest_of(("A", "2025-01", "2025-01", 10.0, 12.0))
    scored = accuracy.by_level(high, YEARS, TENTS, ["theta"], levels=["total"])
    assert (scored["bias_rate"] == 0.2).all()


def test_where_nothing_was_sold_there_is_no_rate():
    assert np.isnan(accuracy.wape(np.array([3.0]), np.array([0.0])))
    assert np.isnan(accuracy.bias_rate(np.array([3.0]), np.array([0.0])))
    nothing = backtest_of(("A", "2025-01", "2025-01", 0.0, 3.0))
    scored = accuracy.by_level(nothing, YEARS, TENTS, ["theta"], levels=["item"])
    assert scored[["wape", "bias_rate"]].isna().all(axis=None)


def test_bias_is_never_larger_than_the_error(sample_backtest, sample_history, sample_tables):
    table = accuracy.by_level(
        sample_backtest, sample_history, sample_tables["items"], ["theta"], levels=["family"]
    )
    assert (table["bias_rate"].abs() <= table["wape"] + 1e-12).all()
    assert table["wape"].gt(0).all()


def test_families_together_have_the_volume_of_the_company(
    sample_backtest, sample_history, sample_tables
):
    table = accuracy.by_level(
        sample_backtest,
        sample_history,
        sample_tables["items"],
        ["theta"],
        levels=["total", "family"],
    )
    volume = table.groupby(["level", "lag"])["volume"].sum().unstack("level")
    assert volume["total"].tolist() == pytest.approx(volume["family"].tolist())


def test_the_order_of_rows_changes_nothing():
    first = accuracy.by_level(NEAR, YEARS, TENTS, ["theta"])
    shuffled = accuracy.by_level(
        NEAR.sample(frac=1, random_state=1), YEARS.sample(frac=1, random_state=2), TENTS, ["theta"]
    )
    pd.testing.assert_frame_equal(first, shuffled)


def test_arguments_are_not_changed():
    ledger = plans_of(("2025-01", "A", "2025-01", 12.0, 11.0))
    arguments = (NEAR, YEARS, TENTS, ledger)
    before = [argument.copy() for argument in arguments]
    accuracy.by_level(NEAR, YEARS, TENTS, ["theta"])
    accuracy.of_plans(ledger, YEARS, TENTS)
    for kept, argument in zip(before, arguments, strict=True):
        pd.testing.assert_frame_equal(kept, argument)


# (4) an obvious slow version


def test_scores_equal_a_slow_loop(sample_backtest, sample_history, sample_tables):
    items = sample_tables["items"]
    models = [*forecasting.MODELS, forecasting.COMBINED]
    table = accuracy.by_level(sample_backtest, sample_history, items, models, levels=["family"])
    named = dict(zip(items["item"], items["family"], strict=True))
    family = {item: named.get(item, "unassigned") for item in sample_history["item"].unique()}
    lag = 3
    near = sample_backtest[sample_backtest["lag"] == lag]
    sums: dict = {}
    for row in near.to_dict("records"):
        own = sums.setdefault(family[row["item"]], {}).setdefault(row["month"], {})
        for name in ("actual", *models):
            own[name] = own.get(name, 0.0) + row[name]
    sold: dict = {}
    for row in sample_history.to_dict("records"):
        own = sold.setdefault(family[row["item"]], {})
        own[row["month"]] = own.get(row["month"], 0.0) + row["sales"] + row["returns"]
    for member, by_month in sums.items():
        yearly = [
            abs(amount - sold[member][month - pd.DateOffset(months=12)])
            for month, amount in sold[member].items()
            if month - pd.DateOffset(months=12) in sold[member]
        ]
        for model in models:
            errors = [values[model] - values["actual"] for values in by_month.values()]
            volume = sum(values["actual"] for values in by_month.values())
            found = row_of(table, member=member, model=model, lag=lag)
            assert found["wape"] == pytest.approx(sum(map(abs, errors)) / volume)
            assert found["bias_rate"] == pytest.approx(sum(errors) / volume)
            if yearly:  # a family younger than a year has nothing to be scaled by
                assert found["mase"] == pytest.approx(np.mean(np.abs(errors)) / np.mean(yearly))
            else:
                assert np.isnan(found["mase"])


def test_the_sample_is_measured_on_the_keys_of_the_table(
    sample_backtest, sample_history, sample_tables
):
    table = accuracy.by_level(
        sample_backtest, sample_history, sample_tables["items"], ["theta"], levels=["item"]
    )
    assert not table.duplicated(["level", "member", "model", "lag"]).any()
    assert set(table["member"]) == set(sample_backtest["item"])
    assert set(table.columns) == set(schema.PROCESSED["accuracy"].columns)
