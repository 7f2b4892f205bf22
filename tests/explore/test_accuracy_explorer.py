"""The accuracy explorer: widgets move, the sentence, table and pictures follow."""

from __future__ import annotations

import pandas as pd
import pytest

from sopkit import store
from sopkit.demand import hierarchy
from sopkit.explore import accuracy

pytestmark = pytest.mark.slow
CYCLE = pd.Timestamp("2026-01-01")


@pytest.fixture(scope="module")
def tables(sample_workspace):
    return accuracy.load(sample_workspace, CYCLE)


def _view(tables, **choice):
    known = {"level": "family", "member": "Tents", "model": "combined", "lag": 3}
    return accuracy.view(tables, **(known | choice), cycle=CYCLE)


def test_the_sentence_agrees_with_the_accuracy_table(tables):
    scores = tables["accuracy"].set_index(["level", "member", "model", "lag"])
    row = scores.loc[("family", "Tents", "combined", 3)]
    sentence = _view(tables)[0].html
    assert f"{row['wape']:.1%}".replace("%", "") in sentence
    assert ("too high" if row["bias_rate"] > 0 else "too low") in sentence


def test_every_level_and_model_has_a_view(tables):
    for level in accuracy.LEVELS:
        member = accuracy._members(tables, level)[0]
        judged = accuracy._models(tables, level, member)
        assert judged[0] == "combined" and len(judged) > 5
        for model in judged:
            shown = _view(tables, level=level, member=member, model=model)
            pictures = sum("<img" in exhibit.html for exhibit in shown)
            is_by_lag = level != "item" or model in ("combined", "seasonal_naive")
            assert pictures == (2 if is_by_lag else 1)  # single items: bias by lag of two alone


def test_a_model_that_is_not_for_a_family_cannot_be_chosen(tables):
    models = {level: accuracy._models(tables, level, accuracy._members(tables, level)[0])
              for level in accuracy.LEVELS}  # fmt: skip
    assert "croston" not in models["family"]  # the largest family sells every month


def test_the_explorer_says_why_the_largest_series_are_forecast_so(tables):
    words = _view(tables)[-1].html
    assert "Why the forecast of Tents is what it is" in words
    assert "Smooth, 60 months" in words and "Next twelve months" in words


def test_past_forecasts_of_the_combination_add_up_to_the_backtest(tables, sample_workspace):
    past = accuracy._past(tables, "total", "Company", "combined", 3).set_index("month")["quantity"]
    rows = store.read(sample_workspace, "backtest", CYCLE)
    items = store.inputs(sample_workspace, "demand_review", CYCLE)["items"]
    rows = hierarchy.in_planning_units(rows[rows["lag"] == 3], items)
    # the table leaves out what cannot be judged: months hidden by stock-outs
    month = rows["month"].max()
    assert past[month] >= rows.loc[rows["month"] == month, "combined"].sum() - 1e-6
    assert list(past.index) == sorted(rows["month"].unique())


def test_members_are_ranked_by_volume(tables):
    rows = tables["accuracy"]
    ranked = accuracy._members(tables, "family")
    volume = rows[(rows["model"] == "combined") & (rows["lag"] == -1)].set_index("member")["volume"]
    assert volume[ranked].is_monotonic_decreasing


def test_moving_a_control_changes_what_is_shown(sample_workspace):
    box = accuracy.explorer(sample_workspace, CYCLE)
    models, _ = box.children[1].children
    level, member, model, lag = models.children[0].children
    shown = models.children[1]
    seen = {shown.value}
    model.value = "theta_log"
    seen.add(shown.value)
    lag.value = 1
    seen.add(shown.value)
    level.value = "total"
    assert member.value == "Company"
    seen.add(shown.value)
    level.value = "location"
    member.value = member.options[-1]
    seen.add(shown.value)
    assert len(seen) == 5
    level.value = "item"  # another level brings its own groups and shows the largest
    scores = store.read(sample_workspace, "accuracy", CYCLE)
    tested = scores.loc[scores["level"] == "item", "member"].nunique()
    assert len(member.options) == tested > 60 and member.value == member.options[0]


def test_without_a_past_cycle_the_second_tab_names_the_command(sample_workspace):
    tabs = accuracy.explorer(sample_workspace, CYCLE).children[1]
    assert tabs.titles == ("Models", "Past plans")
    tabs.selected_index = 1
    said = tabs.children[1].children[0].children[0].value
    assert "sopkit replay --from 2025-01 --to 2025-12" in said


def test_a_cycle_that_was_not_run_is_said(sample_workspace):
    tabs = accuracy.explorer(sample_workspace, pd.Timestamp("2025-05-01")).children[1]
    assert "sopkit run --cycle 2025-05" in tabs.children[0].children[0].value
