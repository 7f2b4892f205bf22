"""What data and planners say is weighed by how sure each is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import schema
from sopkit.demand import event_rates


def events_of(*rows: tuple) -> pd.DataFrame:
    """Table `events` from (event, kind, family, expected rate)."""
    table = pd.DataFrame(rows, columns=["event", "kind", "family", "expected_rate"])
    others = [level for level in schema.LEVELS if level != "family"]
    month = pd.date_range("2021-01-01", periods=len(table), freq="MS")
    return table.assign(first_month=month, last_month=month, **dict.fromkeys(others, schema.ALL))


def effects_of(**used: tuple[float, float]) -> pd.DataFrame:
    """Table `driver_effects` from event = (expected, used)."""
    rows = [(name, *rates, event_rates.USED, "x") for name, rates in used.items()]
    return pd.DataFrame(rows, columns=["driver", "expected_rate", "used_rate", "state", "family"])


def test_a_sure_measurement_counts_more_by_hand():
    mean, error = event_rates.weighed((0.3, 0.1), (0.0, 0.2))
    # precisions 100 and 25
    assert mean == pytest.approx(0.24)
    assert error == pytest.approx(125**-0.5)


def test_nothing_told_leaves_nothing():
    assert np.isnan(event_rates.weighed((np.nan, np.nan), (0.1, 0.1))[0])
    assert event_rates.spread(np.full(5, np.nan), np.full(5, np.nan), np.zeros(5)) == 0.15


def test_spread_is_what_estimation_error_does_not_explain():
    rng = np.random.default_rng(0)
    true = 0.2 * rng.normal(size=4000)
    told = true + 0.3 * rng.normal(size=4000)
    found = event_rates.spread(told, np.full(4000, 0.3), np.zeros(4000))
    assert found == pytest.approx(0.2, abs=0.02)
    assert event_rates.spread(np.zeros(9), np.full(9, 0.3), np.zeros(9)) == 0.05


def test_past_events_of_the_same_levels_speak_by_what_they_brought():
    events = events_of(*((f"E{k}", "promotion", "A", 0.3) for k in range(4)))
    effects = effects_of(E0=(0.3, 0.1), E1=(0.3, 0.1), E2=(0.3, 0.1))
    rate, words = event_rates.coming(events.iloc[3].to_dict(), events, effects)
    assert 0.1 < rate < 0.15
    assert words == f"3 past promotions brought +10%: {rate:+.1%} used"


def test_those_of_other_levels_speak_by_their_share_of_the_expected():
    events = events_of(("E0", "promotion", "A", 0.2), ("E1", "promotion", "B", 0.6))
    rate, words = event_rates.coming(events.iloc[1].to_dict(), events, effects_of(E0=(0.2, 0.2)))
    assert rate == pytest.approx(0.6) and "of other levels brought 100%" in words
    low = event_rates.coming(events.iloc[1].to_dict(), events, effects_of(E0=(0.2, 0.1)))[0]
    assert 0.25 < low < 0.6


@pytest.mark.parametrize("kind", ["market", "customer_gain"])
def test_other_kinds_say_nothing(kind):
    events = events_of(("E0", "promotion", "A", 0.2), ("E1", kind, "A", 0.6))
    told = event_rates.coming(events.iloc[1].to_dict(), events, effects_of(E0=(0.2, 0.1)))
    assert told == (0.6, "")


def used(expected: float, family: str, *past: tuple[str, float, float]) -> float:
    """Rate used for a coming competitor, after past ones of (family, expected, used)."""
    names = [f"E{k}" for k in range(len(past))]
    rows = [(name, "competitor", row[0], row[1]) for name, row in zip(names, past, strict=True)]
    events = events_of(*rows, ("Coming", "competitor", family, expected))
    effects = effects_of(**{name: row[1:] for name, row in zip(names, past, strict=True)})
    return event_rates.coming(events.iloc[-1].to_dict(), events, effects)[0]


def test_one_small_event_of_other_levels_hardly_scales_a_large_one():
    assert -0.12 <= used(-0.10, "Tents", ("Lighting", -0.04, -0.16)) < -0.10
    assert -0.92 < used(-0.9, "Tents", ("Lighting", -0.04, -0.16)) < -0.9
    # many events of the same size that brought half of it: most of that is believed
    many = [("Lighting", 0.3, 0.14)] * 20
    assert 0.14 < used(0.3, "Tents", *many) < 0.2


def test_the_ratio_of_other_levels_by_hand():
    # one event whose miss is below the usual 0.15: noise is (0.5 · log 1.2)² + 0.15²
    hoped, brought = np.log(1.2), np.log(1.1)
    noise = (0.5 * hoped) ** 2 + 0.15**2
    ratio = (16 + brought * hoped / noise) / (16 + hoped**2 / noise)
    assert used(0.6, "Tents", ("Stoves", 0.2, 0.1)) == pytest.approx(1.6**ratio - 1)


def test_an_event_of_another_size_at_the_same_levels_says_little():
    assert 0.5 < used(0.6, "Tents", ("Tents", 0.1, 0.05)) < 0.6
    assert used(30.0, "Tents", ("Tents", 0.12, 0.06)) > 25
    # of the same size it is weighed by half
    assert used(0.6, "Tents", ("Tents", 0.6, 0.3)) == pytest.approx(0.45, abs=0.03)


def test_what_is_told_as_one_is_shared_by_what_was_expected():
    effect, error = np.array([0.3, 0.4, np.nan]), np.array([0.1, 0.2, np.nan])
    same, expected = np.array([0, 1, 1]), np.array([0.2, 0.3, -0.1])
    told, off = event_rates.shared(effect, error, expected, same)
    # 0.4 is 0.2 more than both were expected to do
    assert told == pytest.approx([0.3, 0.45, -0.05]) and off == pytest.approx([0.1, 0.15, 0.05])
