"""The accuracy explorer on the sample company: slices, widgets, what is missing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from sopkit import store
from sopkit.demand import lags
from sopkit.explore import accuracy, cube, errors, ledger

pytestmark = pytest.mark.slow
CYCLE = pd.Timestamp("2026-01-01")


@pytest.fixture(scope="module")
def tables(sample_workspace):
    return ledger.models(sample_workspace, CYCLE)


@pytest.fixture
def panel(tables, sample_workspace):
    return accuracy.Panel(sample_workspace, CYCLE, tables)


def choice(tables: dict, **more) -> cube.Choice:
    month = tables["cube"].cells["month"]
    return replace(cube.Choice(month.min(), month.max(), "combination"), **more)


@pytest.mark.parametrize("level", ["total", "family", "location", "channel", "item"])
@pytest.mark.parametrize("lag", [lags.EVERY_LAG, 0, 3])
def test_slices_are_what_table_accuracy_says(tables, sample_workspace, level, lag):
    told = store.read(sample_workspace, "accuracy", CYCLE)
    told = told[(told["level"] == level) & (told["lag"] == lag)]
    ours = told[told["model"] == "combined"].set_index("member")
    own = cube.ranked(cube.part(tables["cube"], choice(tables, lag=lag)), level)
    own = own.set_index("member").loc[ours.index]
    for name in ("wape", "bias_rate", "mase"):
        np.testing.assert_allclose(own[name], ours[name], atol=1e-9, err_msg=name)
    member = ours.index[0]
    path = () if level == "total" else ((level, member),)
    found = cube.by_layer(cube.part(tables["cube"], choice(tables, lag=lag, path=path)))
    rows = told[told["member"] == member]
    rows = rows.set_index(rows["model"].map(ledger.words))
    found = found.set_index("layer")
    assert set(rows.index) <= set(found.index)
    np.testing.assert_allclose(found.loc[rows.index, "wape"], rows["wape"], atol=1e-9)


def test_a_slice_of_two_levels_is_the_sum_of_its_series(tables):
    path = (("family", "Tents"), ("channel", "Retail"))
    made = tables["cube"]
    own = cube.part(made, choice(tables, path=path, lag=3))
    chosen = (made.series["family"] == "Tents") & (made.series["channel"] == "Retail")
    cells = (made.cells["lag"] == 3).to_numpy()
    known = made.known[np.ix_(cells, chosen)]
    said = (made.said[0][np.ix_(cells, chosen)] * known).sum(axis=1)
    came = (made.came[np.ix_(cells, chosen)] * known).sum(axis=1)
    row = cube.by_layer(own).set_index("layer").loc["combination"]
    assert row["bias_rate"] == pytest.approx((said - came).sum() / np.abs(came).sum())


def test_a_model_that_is_not_for_a_family_is_not_judged(tables):
    member = cube.ranked(cube.part(tables["cube"], choice(tables)), "family")
    largest = member.sort_values("came")["member"].iloc[-1]
    own = cube.part(tables["cube"], choice(tables, path=(("family", largest),)))
    assert "Croston" not in own.layers and len(own.layers) > 5  # it sells every month


def test_moving_a_control_changes_what_is_shown(panel):
    own, shown = panel.own, panel.view
    seen = {shown.picture.value}
    for name, value in (
        ("member1", "Tents"), ("layer", "Theta on logs"), ("lag", 1), ("level2", "channel"),
        ("member2", "Retail"), ("picture", "lag"), ("picture", "fallen"),
    ):  # fmt: skip
        own[name].value = value
        seen.add(shown.picture.value)
    assert len(seen) == 7  # another level within changes the list alone
    assert "Tents, Retail, Theta on logs, 1 month ahead" in shown.sentence.value
    assert "Why the forecast of Tents, Retail" in shown.tables.value
    assert "03_demand_review.html" in shown.links.value and "Tents-Retail_layers.csv" in (
        shown.links.value
    )


def test_lists_hold_every_level_and_the_worst_stand_first(panel, tables):
    own = panel.own
    for level in tables["levels"]:
        own["level1"].value = level
        groups = cube.ranked(cube.part(tables["cube"], choice(tables)), level)
        assert [value for _, value in own["member1"].options] == ["", *groups["member"]]
        told = groups[groups["months"] >= 6]["wape"].dropna()
        assert told.is_monotonic_decreasing


def test_the_explorer_loads_with_a_bar_and_names_what_is_missing_in_the_second_tab(
    sample_workspace, tables, monkeypatch
):
    monkeypatch.setattr(ledger, "models", lambda *_: tables)
    box = accuracy.explorer(sample_workspace, CYCLE)
    tabs = box.children[1]
    assert tabs.titles == ("Models", "Past plans")
    box.work[0].wait()
    assert "Whole company, combination" in tabs.children[0].children[0].children[1].value
    tabs.selected_index = 1
    box.work[1].wait()
    assert "sopkit replay --from 2025-01 --to 2025-12" in tabs.children[1].children[0].value


def test_a_cycle_that_was_not_run_is_said(sample_workspace):
    box = accuracy.explorer(sample_workspace, pd.Timestamp("2025-05-01"))
    box.work[0].wait()
    assert "sopkit run --cycle 2025-05" in box.children[1].children[0].children[0].value


def test_a_picture_says_what_it_shows(panel):
    assert 'alt="Sold and said before by month, Whole company"' in panel.view.picture.value
    assert set(errors.PICTURES) == {"month", "lag", "stood", "fallen"}
