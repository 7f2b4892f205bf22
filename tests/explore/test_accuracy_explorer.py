"""The accuracy explorer: widgets move, the sentence, table and pictures follow."""

from __future__ import annotations

import pandas as pd
import pytest

from sopkit import store
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
        for model in accuracy.MODELS:
            shown = _view(tables, level=level, member=member, model=model)
            assert sum("<img" in exhibit.html for exhibit in shown) == 2


def test_members_are_ranked_by_volume(tables):
    rows = tables["accuracy"]
    ranked = accuracy._members(tables, "family")
    volume = rows[(rows["model"] == "combined") & (rows["lag"] == -1)].set_index("member")["volume"]
    assert volume[ranked].is_monotonic_decreasing


def test_moving_a_control_changes_what_is_shown(sample_workspace):
    box = accuracy.explorer(sample_workspace, CYCLE)
    level, member, model, lag = box.children[0].children
    shown = box.children[1]
    seen = {shown.value}
    model.value = "theta"
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
