"""A model tried beside the combination, kept by button or command, planned and told by the run."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, cycle, months, policies, store
from sopkit.__main__ import main
from sopkit.demand import choices, chosen, forecasting, trying
from sopkit.explore import choosing, slices

CYCLE = pd.Timestamp("2026-01-01")


@pytest.fixture
def root(hill, tmp_path):
    return store.open_workspace(shutil.copytree(hill, tmp_path / "ws"))


@pytest.fixture(scope="module")
def tables(hill) -> dict:
    return choosing.load(hill, CYCLE)


def test_what_is_tried_is_what_a_choice_would_forecast(tables):
    tests, series = tables["tests"], tables["series"]
    row = {"kind": "model", "model": "theta", "parameters": "alpha=0.3", "family": "Tents"}
    row |= {"cycle": "2026-01", "author": "Ada", "reason": "nearer"}
    frame = pd.DataFrame([row | {"entered_at": "2026-01-05T10:00:00Z"}])
    said = contract.check_table("policies", frame, contract.Source("policies")).frame
    made = chosen.applied(tests, said, series, room=0, factor=tables["factor"])
    some = choosing.chosen_slice(tables, {"family": "Tents"})
    tried = trying.of_panel(some, "theta", {"alpha": 0.3})
    assert np.array_equal(tried.ahead, made.mean[:, some.own])
    assert np.array_equal(tried.past, made.combined[..., some.own], equal_nan=True)
    told = choices.table(
        said, series, pd.Series(forecasting.chosen_names(made)), made.chosen.errors
    )
    scores = trying.scores(some, {"theta": tried, "combined": trying.combination(some)})
    scores = scores.set_index("model")
    assert told["wape"].item() == pytest.approx(scores.loc["theta", "wape"])
    assert told["combined_wape"].item() == pytest.approx(scores.loc["combined", "wape"])
    assert told["p_value"].item() == pytest.approx(scores.loc["theta", "p_value"])
    before, more, money = trying.change(some, tried)
    units = (made.mean - tests.mean)[:12].sum(axis=0)
    assert more == pytest.approx((units * tables["factor"]).sum()) and before > 0
    assert money == pytest.approx((units * tables["price"])[some.own].sum())


def test_ets_is_fitted_series_by_series_and_can_be_stopped(tables):
    some = choosing.chosen_slice(tables, {"family": "Tents"})
    ticks = []

    def tick(share: float, words: str) -> None:
        ticks.append(words)
        if len(ticks) == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        trying.of_single(some, "ets", {"form": "ANN"}, tick)
    assert ticks == [f"ETS: series {k} of {len(some.own)}" for k in (1, 2)]


def test_the_button_keeps_what_is_tried_with_a_reason_and_the_run_forecasts_with_it(root):
    tables = choosing.load(root, CYCLE)
    trial = choosing._Trial(root, tables, policies.choose_model)
    trial.levels["family"].value, trial.model.value = "Tents", "theta"
    assert "Choosing it changes the next twelve months by" in trial.view.sentence.value
    assert "errors_by_model.csv" in trial.view.links.value
    trial.keep_it()
    assert "Say who you are" in trial.told.value
    trial.author.value = "Ada"
    trial.keep_it()
    assert "the reason is missing" in trial.told.value
    trial.held.value = "beta=0.1"
    assert "theta has no parameter" in trial.view.sentence.value
    trial.note.value, trial.held.value = "nearest for a year", ""
    before = store.input_marks(root, "demand_review", CYCLE)
    trial.keep_it()
    assert "Kept in data/raw/policies/2026-01_Ada" in trial.told.value
    assert store.input_marks(root, "demand_review", CYCLE) != before  # so a run plans anew
    kept = store.raw_table(root, "policies", CYCLE).iloc[0]
    assert kept[["model", "family", "reason"]].tolist() == ["theta", "Tents", "nearest for a year"]
    cycle.compute(root, CYCLE, {"demand_review": {"horizon": 18}})
    table = store.read(root, "forecast", CYCLE)
    assert set(table.loc[table["item"] == "TENT", "model"]) == {"theta"}
    assert set(table.loc[table["item"] == "PACK", "model"]) != {"theta"}
    some = choosing.chosen_slice(tables, {"family": "Tents"})
    own = table[table["item"] == "TENT"]
    said = (own["quantity"] - own["coherence"]).to_numpy().reshape(len(some.own), -1)
    np.testing.assert_allclose(said.T, trying.of_panel(some, "theta", {}).ahead)
    line = store.read(root, "model_choices", CYCLE).iloc[0]
    assert (line["subject"], line["words"], line["author"]) == ("family Tents", "Theta", "Ada")
    assert line["series"] == len(some.own) and line["months"] >= 12
    assert line["verdict"] in (choices.PAYS, choices.COSTS, choices.NO_DIFFERENCE)


def test_the_command_keeps_a_model_takes_it_back_and_refuses_what_it_cannot_keep(root, capsys):
    by = ["--workspace", str(root), "--cycle", "2026-01", "--by", "Ada", "--note", "steadier"]
    assert main(["choose", "combined", "--family", "Tents", *by]) == 2
    assert "nobody chose a model for family Tents" in capsys.readouterr().err
    assert main(["choose", "theta", "--parameters", "alpha=0.2", "--family", "Tents", *by]) == 0
    assert "the next run forecasts with it" in capsys.readouterr().out
    assert main(["choose", "combined", "--item", "TENT", *by]) == 0
    said = choices.rows(store.raw_table(root, "policies", CYCLE))
    series = choosing.load(root, CYCLE)["series"]
    assert (choices.in_force(said, series) == -1).all()
    capsys.readouterr()
    for words, told in (
        (["thetta"], "no model 'thetta'. Did you mean 'theta'?"),
        (["theta", "--family", "Tent"], "nothing was sold of family 'Tent'. Did you mean 'Tents'?"),
        (["theta", "--item", "TENT", "--family", "Packs"], "item TENT, family Packs together"),
        (["croston", "--parameters", "alpha=0.1"], "croston has no parameter 'alpha'"),
    ):
        assert main(["choose", *words, *by]) == 2
        assert told in capsys.readouterr().err
    with pytest.raises(months.UsageError, match="say why"):
        policies.choose_model(root, CYCLE, "theta", {}, author="Ada", note=" ")


def test_a_closed_demand_review_takes_no_choice(root, monkeypatch):
    closed = {"demand_review": SimpleNamespace(is_closed=True)}
    monkeypatch.setattr(store, "gates", lambda *_: closed)
    monkeypatch.setattr(store, "require_unapproved", lambda *_: None)
    with pytest.raises(months.UsageError, match="demand review of cycle 2026-01 is closed, and"):
        policies.choose_model(root, CYCLE, "theta", {}, author="Ada", note="nearer")
    assert store.raw_table(root, "policies", CYCLE).empty


def test_items_never_sold_are_listed_as_such(tables):
    items = pd.concat([tables["items"], pd.DataFrame([{"item": "NEW"}])])
    options = slices.items_listed(items, sorted(set(tables["series"]["item"])))
    assert options[0] == ("every item", "all") and options[-1] == ("NEW (never sold)", "NEW")
    with pytest.raises(months.UsageError, match="Nothing was ever sold there"):
        choosing.chosen_slice(tables, {"item": "NEW"})
