"""Value added: who is found, who is not, and how often chance alone gets a verdict."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import months
from sopkit.demand import lags, value_added

FIRST = pd.Timestamp("2024-01-01")
KINDS = {lags.NAIVE: "naive", lags.STATISTICAL: "forecast", lags.EVENTS: "step"}
SAID = (lags.NAIVE, lags.STATISTICAL)
SEEDS, CYCLES, FAMILIES, HORIZON = range(20), 12, 8, 12


def laid(rows: list[tuple], said: dict[str, list[float]]) -> lags.Past:
    """Rows: family, cycle, month, actual; layers beyond the first two are departments."""
    table = pd.DataFrame(rows, columns=["family", "cycle", "month", "actual"])
    table = table.assign(
        item=table["family"], location="all", channel="all", origin="run",
        cycle=[months.shift(FIRST, k) for k in table["cycle"]],
        month=[months.shift(FIRST, k) for k in table["month"]],
        unit_price_value=10.0, decision_lag=1,
    )  # fmt: skip
    lag = months.number(table["month"]) - months.number(table["cycle"])
    kinds = {name: KINDS.get(name, "department") for name in said}
    arrays = {name: np.array(values, dtype="float64") for name, values in said.items()}
    return lags.Past(table.assign(lag=lag), arrays, kinds)


def planted(seed: int) -> lags.Past:
    """A year of cycles: a forecast whose errors hang together in time, three departments.

    ``sales`` is 7 % too high; ``copy`` repeats the forecast with a hair of noise; ``other`` errs
    as much as the forecast, in other months. Neither of these two has an effect.
    """
    rng = np.random.default_rng(seed)
    season = 1.0 + 0.3 * np.sin(2 * np.pi * np.arange(CYCLES) / 12)
    size = 1_000.0 * np.exp(rng.normal(0, 0.5, FAMILIES))
    shock = rng.normal(0, 1, (CYCLES, FAMILIES))
    for k in range(1, CYCLES):
        shock[k] = 0.5 * shock[k - 1] + np.sqrt(0.75) * shock[k]
    rows, said = [], {name: [] for name in (*SAID, "sales", "copy", "other")}
    for cycle in range(CYCLES):
        for month in range(cycle, min(cycle + HORIZON, CYCLES)):
            for family in range(FAMILIES):
                actual = size[family] * season[month]
                error = 0.08 * (shock[month, family] + 0.5 * rng.normal())
                forecast = actual * np.exp(error)
                rows.append((f"F{family}", cycle, month, actual))
                said[lags.NAIVE].append(1.1 * actual)
                said[lags.STATISTICAL].append(forecast)
                said["sales"].append(1.07 * actual * np.exp(0.08 * rng.normal()))
                said["copy"].append(forecast * np.exp(0.02 * rng.normal()))
                said["other"].append(actual * np.exp(0.08 * np.sqrt(1.25) * rng.normal()))
    return laid(rows, said)


@pytest.fixture(scope="module")
def judged() -> pd.DataFrame:
    """Verdicts on every department in every seed, one to three months ahead."""
    parts = [
        value_added.value_added(planted(seed), each_lag=False).assign(seed=seed) for seed in SEEDS
    ]
    table = pd.concat(parts)
    is_near = (table["lag"] == value_added.NEAR) & (table["beside"] == value_added.SHOWN)
    return table[is_near].set_index(["layer", "seed"])


@pytest.mark.parametrize("department", ["copy", "other"])
def test_a_department_without_effect_gets_a_verdict_in_at_most_two_of_twenty_seeds(
    judged, department
):
    verdicts = judged.loc[department, "verdict"]
    assert verdicts.isin([value_added.HELPS, value_added.HARMS]).sum() <= 2


def test_a_bias_of_seven_percent_is_found_in_at_least_eighteen_of_twenty_seeds(judged):
    own = judged.loc["sales"]
    assert (own["habit"] == value_added.HIGH).sum() >= 18
    assert own["bias_rate"].sub(0.07).abs().max() < 0.03
    assert abs(own["bias_rate"].mean() - 0.07) < 0.005


def test_a_department_is_judged_beside_the_forecast_it_was_shown_on_its_own_keys():
    rows = [("T", k, k + 1, 100.0) for k in range(8)] + [("S", k, k + 1, 50.0) for k in range(8)]
    said = {
        lags.NAIVE: [100.0] * 16,
        lags.STATISTICAL: [110.0] * 8 + [90.0] * 8,
        "sales": [100.0] * 8 + [np.nan] * 8,
    }
    table = value_added.value_added(laid(rows, said))
    own = table[(table["layer"] == "sales") & table["is_department"]]
    near = own[own["lag"] == value_added.NEAR].iloc[0]
    # Stoves, where sales said nothing and the forecast was far off, do not count
    assert near[["gain_rate", "before_wape", "wape"]].tolist() == pytest.approx([0.1, 0.1, 0.0])
    assert near["verdict"] == value_added.HELPS
    assert near["gain_value"] == pytest.approx(100.0)  # ten units a month at ten a unit
    assert near[["months", "cycles"]].tolist() == [8, 8]


def test_a_department_that_only_repeats_the_promotion_gains_nothing():
    rows = [("T", k, k + 1, 150.0) for k in range(12)]
    promoted, not_known = [150.0] * 6, [np.nan] * 6  # a replay knew the last six by hindsight
    said = {
        lags.NAIVE: [100.0] * 12,
        lags.STATISTICAL: [100.0] * 12,
        lags.EVENTS: promoted + not_known,
        "sales": promoted + [100.0] * 6,
    }
    table = value_added.value_added(laid(rows, said), each_lag=False)
    own = table[table["is_department"] & (table["lag"] == value_added.NEAR)].iloc[0]
    assert own[["gain_rate", "gain_value", "months"]].tolist() == [0.0, 0.0, 12]
    assert own["verdict"] == value_added.NOTHING
    assert own["beside"] == value_added.SHOWN


def test_before_six_months_nobody_gets_a_verdict():
    rows = [("T", k, k + 1, 100.0) for k in range(5)]
    said = {lags.NAIVE: [0.0] * 5, lags.STATISTICAL: [150.0] * 5, "sales": [100.0] * 5}
    table = value_added.value_added(laid(rows, said))
    assert set(table["verdict"]) == {value_added.EARLY}
    assert set(table["habit"]) == {value_added.EARLY}


def test_a_step_that_moved_no_number_changed_nothing():
    rows = [("T", k, k + 1, 100.0) for k in range(12)]
    same = [110.0] * 12
    table = value_added.value_added(laid(rows, {lags.NAIVE: same, lags.STATISTICAL: same}))
    assert set(table["verdict"]) == {value_added.NOTHING}


def test_the_interval_narrows_with_months_and_is_the_same_in_every_run():
    def width(many: int) -> float:
        rng = np.random.default_rng(5)
        rows = [("T", k, k + 1, 100.0) for k in range(many)]
        said = {
            lags.NAIVE: [90.0] * many,
            lags.STATISTICAL: list(100 + 10 * rng.normal(size=many)),
            "sales": list(100 + 10 * rng.normal(size=many)),
        }
        table = value_added.value_added(laid(rows, said), each_lag=False)
        own = table[(table["layer"] == "sales") & table["is_department"]].iloc[0]
        assert own["gain_lower"] <= own["gain_rate"] <= own["gain_upper"]
        return own["gain_upper"] - own["gain_lower"]

    assert width(48) < width(12)
    assert width(12) == width(12)


def changes(*rows: tuple) -> pd.DataFrame:
    """Rows: cycle, author, family, month, before, change."""
    columns = ["cycle", "author", "item", "month", "before", "change"]
    table = pd.DataFrame(rows, columns=columns).assign(location="all", channel="all")
    dated = {name: [months.shift(FIRST, k) for k in table[name]] for name in ("cycle", "month")}
    return table.assign(**dated, subject="family " + table["item"])


def test_a_touch_is_judged_at_its_level_and_in_the_last_cycle_it_lived():
    past = laid(
        [("T", 0, 2, 100.0), ("T", 1, 2, 100.0), ("S", 1, 2, 50.0)],
        {lags.NAIVE: [0.0] * 3, lags.STATISTICAL: [0.0] * 3},
    )
    touched = value_added.touches(
        changes(
            (0, "Keller", "T", 2, 80.0, 10.0),
            (1, "Keller", "T", 2, 95.0, 20.0),
            (1, "Keller", "S", 2, 50.0, -10.0),
            (1, "Keller", "S", 3, 50.0, -10.0),  # not closed
        ),
        past,
    )
    gains = touched.set_index(["cycle", "subject"])["gain"]
    assert gains[FIRST, "family T"] == 10.0  # 20 off before, 10 after
    assert gains[months.shift(FIRST, 1), "family T"] == pytest.approx(5.0 - 15.0)
    assert len(touched) == 3
    skill = value_added.authors(touched).set_index(["author", "direction"])
    assert skill.loc[("Keller", "up"), "touches"] == 1  # of the two cycles the later counts
    assert skill.loc[("Keller", "up"), "lost_value"] == pytest.approx(100.0)
    assert skill.loc[("Keller", "both"), "helped_rate"] == 0.0
    # a quarter of the up-change and none of the down-change would have been right
    assert skill.loc[("Keller", "both"), "keep_rate"] == pytest.approx((0.25 + 0.0 + 6) / 8)


def test_without_any_override_nobody_has_a_skill():
    past = laid([("T", 0, 2, 1.0)], {lags.NAIVE: [0.0], lags.STATISTICAL: [0.0]})
    none = changes((0, "Keller", "T", 2, 1.0, 1.0)).iloc[:0]
    assert value_added.authors(value_added.touches(none, past)).empty
