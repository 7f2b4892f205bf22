"""Forecasts of levels beside those of the series: coherent, measured, used where that pays."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sopkit import months
from sopkit.demand import forecasting, hierarchy, levels, panel

FIRST = pd.Timestamp("2021-01-01")


@pytest.fixture(scope="module")
def sample_levels(sample_tests, sample_tables):
    """The sample's levels; one series counts nothing, one ends after three months."""
    named = hierarchy.with_levels(
        sample_tests.history.keys,
        *(sample_tables[name] for name in ("items", "locations", "channels")),
    )
    factor = hierarchy.factors(named["item"], sample_tables["items"]).to_numpy().copy()
    factor[4] = 0.0
    is_over = np.zeros(sample_tests.mean.shape, dtype=bool)
    is_over[3:, 9] = True
    made = levels.forecast_levels(sample_tests, named, factor, is_over)
    return factor, is_over, made, named


def lay_out(values: np.ndarray, **columns) -> tuple[panel.Panel, pd.DataFrame]:
    keys = pd.DataFrame({"item": [f"i{k:03}" for k in range(values.shape[1])]})
    keys = keys.assign(location="all", channel="all")
    return panel.Panel(keys, months.span(FIRST, len(values)), values), keys.assign(**columns)


def used(tests, keys, choice):
    factor, is_over = np.ones(len(keys)), np.zeros(tests.mean.shape, dtype=bool)
    made = levels.forecast_levels(tests, keys, factor, is_over)
    return levels.used(tests, made, factor, choice)


def test_forecasts_of_today_and_of_past_origins_add_up(sample_levels):
    factor, is_over, made, _ = sample_levels
    count = made.tree.above.shape[0]
    assert count > 100
    np.testing.assert_allclose(made.ahead, made.tree.matrix @ made.ahead[count:], atol=1e-6)
    past = np.nan_to_num(made.coherent[3, 0])
    np.testing.assert_allclose(past[:count], made.tree.above @ past[count:], atol=1e-6)
    assert made.ahead.min() >= 0.0
    assert (made.ahead[count + 9, 3:] == 0.0).all()
    assert made.ahead[count + 9, :3].sum() > 0.0
    assert np.abs(made.ahead - made.base_ahead).max() > 1.0


def test_errors_are_those_of_adding_up_first(sample_levels, sample_tests):
    factor, _, made, _ = sample_levels
    _, table = levels.used(sample_tests, made, factor, levels.MEASURED)
    known = np.isfinite(sample_tests.actual) & np.isfinite(sample_tests.combined)
    came = np.where(known, sample_tests.actual * factor, 0.0).sum(axis=2)
    said = np.where(known, sample_tests.combined * factor, 0.0).sum(axis=2)
    total = table[(table["level"] == "total") & (table["member"] == "all")].iloc[0]
    assert total["bottom_up_wape"] == pytest.approx(np.abs(said - came).sum() / np.abs(came).sum())
    count = made.tree.above.shape[0]
    coherent = np.where(known, made.coherent[..., count:], 0.0).sum(axis=2)
    assert total["coherent_wape"] == pytest.approx(
        np.abs(coherent - came).sum() / np.abs(came).sum()
    )
    every, of_levels = table.iloc[0], table[(table["member"] == "all")].iloc[1:]
    assert every["level"] == levels.EVERY
    assert every["gain_rate"] == pytest.approx(of_levels["gain_rate"].mean())
    removed = table["removed_share"] * table["bottom_up_wape"]
    np.testing.assert_allclose(removed, table["gain_rate"], atol=1e-12)


def test_a_past_origin_knows_nothing_that_came_later(sample_levels, sample_tests):
    """What came after it is doubled, and its coherent forecasts are the same."""
    factor, is_over, before, named = sample_levels
    k = 9
    origin = sample_tests.origins[k]
    values, actual = sample_tests.history.values.copy(), sample_tests.actual.copy()
    values[origin:] *= 2.0
    due = np.array(sample_tests.origins)[:, None] + np.arange(actual.shape[1])
    actual[due >= origin] *= 2.0
    history = replace(sample_tests.history, values=values)
    changed = replace(sample_tests, history=history, actual=actual)
    after = levels.forecast_levels(changed, named, factor, is_over)
    np.testing.assert_allclose(after.coherent[k], before.coherent[k], rtol=1e-6, atol=1e-6)
    assert np.nanmax(np.abs(after.coherent[k + 4] - before.coherent[k + 4])) > 1.0


def test_noisy_series_of_a_smooth_family_are_made_coherent_and_gain():
    """Each series jumps, their sum does not: the level's own forecast is worth having."""
    rng = np.random.default_rng(2)
    share = rng.dirichlet(np.full(30, 1.0), 60)
    total = 3000.0 * (1.0 + 0.3 * np.sin(np.arange(60) * np.pi / 6))
    history, keys = lay_out(share * total[:, None], family=["T", "S"] * 15)
    tests = forecasting.backtest(history, history, np.full(30, -1), horizon=12)
    made, table = used(tests, keys, levels.MEASURED)
    every = table.iloc[0]
    assert every["is_used"]
    assert every["gain_rate"] > 1.28 * every["noise_rate"] > 0.0
    own = table[table["level"] == "total"].iloc[0]
    assert own["own_wape"] < own["bottom_up_wape"]
    assert np.abs(made.mean - tests.mean).max() > 1.0
    never, _ = levels.used(tests, None, np.ones(30), levels.NEVER)
    assert never is tests


def test_choices_decide_whatever_was_measured(sample_levels, sample_tests):
    factor, _, made, _ = sample_levels
    always, table = levels.used(sample_tests, made, factor, levels.ALWAYS)
    assert table["is_used"].all()
    count = made.tree.above.shape[0]
    np.testing.assert_allclose((always.mean * factor).T, made.ahead[count:], atol=1e-5)
    np.testing.assert_array_equal(always.mean[:, 4], sample_tests.mean[:, 4])  # counts nothing
    assert np.isfinite(always.combined).sum() == np.isfinite(sample_tests.combined).sum()


@pytest.mark.parametrize("many", [1, 3])
def test_series_without_levels_stay_as_they_are(many):
    rng = np.random.default_rng(0)
    history, keys = lay_out(rng.gamma(3.0, 10.0, (5, many)))
    tests = forecasting.backtest(history, history, np.full(many, -1), horizon=3)
    made, table = used(tests, keys[["item"]], levels.MEASURED)
    assert table.columns.tolist() == levels.COLUMNS
    assert not table["is_used"].any()
    assert made is tests


def test_a_history_too_short_to_test_is_not_made_coherent():
    history, keys = lay_out(np.array([[5.0, 7.0], [6.0, 8.0]]))
    tests = forecasting.backtest(history, history, np.full(2, -1), horizon=2)
    made, table = used(tests, keys, levels.MEASURED)
    assert made is tests
    assert not table["is_used"].any()


def test_levels_of_pbs_gain_and_none_loses(needs):
    """Medicare scripts, 336 series of 4 keys: origins of six years, as in benchmarks/coherence.py.

    Here two of the years, and a third of the therapeutic groups.
    """
    sold = pd.read_csv(needs("shared/data/pbs/PBS.csv.gz"), usecols=[0, 1, 2, 3, 5, 7])
    sold.columns = ["month", "location", "channel", "family", "item", "demand"]
    groups = sorted(sold["family"].unique())[::3]
    sold = sold[sold["family"].isin(groups)].assign(month=pd.to_datetime(sold["month"]))
    gains = []
    for last in ("2004-06-01", "2006-06-01"):
        wide = sold[sold["month"] <= last].pivot_table(
            index="month", columns=["item", "location", "channel"], values="demand", aggfunc="sum"
        )
        keys = wide.columns.to_frame(index=False)
        names = sold.drop_duplicates("item").set_index("item")["family"]
        keys = keys.assign(family=keys["item"].map(names))
        values = wide.to_numpy()
        is_before = np.arange(len(values))[:, None] < np.isfinite(values).argmax(axis=0)
        values = np.where(is_before, np.nan, np.nan_to_num(values))
        history = panel.Panel(keys, pd.DatetimeIndex(wide.index), values)
        codes = pd.factorize(keys["family"])[0]
        tests = forecasting.backtest(history, history, codes, horizon=1)
        _, table = used(tests, keys, levels.MEASURED)
        own = table[table["member"] == "all"].set_index("level")
        gains.append(own["gain_rate"] / own["bottom_up_wape"])
    mean = pd.concat(gains, axis=1).mean(axis=1)
    assert mean["every level"] > 0.0
    assert mean.min() > 0.0
