"""Steps in level: found where they are, beside statsmodels' own t, and nowhere else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from sopkit import contract, months, schema
from sopkit.demand import level_shifts

FIRST = pd.Timestamp("2022-01-01")


def panel_of(rate: float, series: int = 40, count: int = 48, seed: int = 5) -> np.ndarray:
    """Months by series around 100; the first one steps by a rate in month 30."""
    values = 100.0 + 10.0 * np.random.default_rng(seed).standard_normal((count, series))
    values[30:, 0] *= 1.0 + rate
    return values


def test_the_step_and_its_error_are_those_of_least_squares():
    values = panel_of(-0.4)
    values[10:13, 1] = np.nan
    for column, row in ((0, 30), (1, 20), (2, 8)):
        size, error, before, freedom = (part[column] for part in level_shifts._fitted(values, row))
        first, last = max(row - 24, 0), min(row + 24, len(values))
        time = np.arange(first, last) - row
        terms = np.column_stack([np.ones(len(time)), time, time >= 0])
        fit = sm.OLS(values[first:last, column], terms, missing="drop").fit()
        assert (size, error, before) == pytest.approx((fit.params[2], fit.bse[2], fit.params[0]))
        assert freedom == fit.df_resid


def test_one_step_is_found_in_its_month_and_no_other_series_has_one():
    table = level_shifts.steps(panel_of(-0.4), tests=40)
    assert table["column"].tolist() == [0]
    assert abs(table["row"].item() - 30) <= 1
    assert table["rate_lower"].item() < -0.4 < table["rate_upper"].item()
    assert table["rate"].item() == pytest.approx(-0.4, abs=0.1)


def test_noise_trends_and_short_histories_have_no_step():
    for seed in range(10):
        values = panel_of(0.0, seed=seed) + np.arange(48.0)[:, None]
        assert level_shifts.steps(values, tests=40).empty
    assert level_shifts.steps(panel_of(-0.9)[24:35], tests=40).empty


def history(rate: float, places: tuple[str, ...]) -> tuple:
    """Four places of one item in a channel; some step by a rate in 2024-07."""
    rows = []
    for k, place in enumerate(("North", "South", "East", "West")):
        values = panel_of(rate if place in places else 0.0, series=1, seed=k)[:, 0]
        rows.append(pd.DataFrame({"item": "A", "location": place, "channel": "Web",
                                  "month": months.span(FIRST, 48), "demand": values}))  # fmt: skip
    table = pd.concat(rows, ignore_index=True).assign(outlier=0.0, stockout=0.0)
    items = contract.check_table("items", pd.DataFrame({"item": ["A"]}), contract.Source("i")).frame
    cells = table[schema.SERIES_MONTH].assign(family="F", category="C", region="R", segment="S")
    return table, cells, items, pd.DataFrame({"item": ["A"], "planning_factor": [1.0]})


def events(**row) -> pd.DataFrame:
    row = {"event": "rival", "kind": "competitor", "expected_rate": -0.3} | row
    return contract.check_table("events", pd.DataFrame([row]), contract.Source("events")).frame


def test_a_familys_step_is_told_once_and_an_event_that_explains_it_silences_it():
    known = history(-0.4, ("North", "South", "East", "West"))
    found = level_shifts.found(*known, contract.empty("events"))
    assert found[["family", "item", "location", "channel"]].values.tolist() == [
        ["F", "all", "all", "Web"]
    ]
    assert months.label(found["month"].item()) == "2024-07"
    assert level_shifts.found(*known, events(first_month="2024-08", family="F")).empty
    for other in ({"first_month": "2023-08"}, {"first_month": "2024-08", "channel": "Shop"}):
        assert len(level_shifts.found(*known, events(**other))) == 1


def test_one_places_step_is_its_own_and_its_effect_is_its_own_too():
    table, cells, *more = history(1.5, ("East",))
    found = level_shifts.found(table, cells, *more, contract.empty("events"))
    own = found[found["item"] == "A"]
    assert own["location"].tolist() == ["East"]
    effect = level_shifts.effect(table, cells, own)
    is_own = (table["location"] == "East") & (table["month"] < own["month"].item())
    assert (effect[~is_own] == 0).all()
    expected = table["demand"] * (1.0 - (1.0 + own["rate"].item()))
    pd.testing.assert_series_equal(effect[is_own], expected[is_own], check_names=False)


def test_no_series_no_steps():
    table, cells, *more = history(0.0, ())
    none = level_shifts.found(table[:0], cells[:0], *more, contract.empty("events"))
    assert none.empty and list(none) == level_shifts.COLUMNS
