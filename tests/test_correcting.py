"""`sopkit correct`: what people say of corrections becomes a file, and the next review heeds it."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest

from sopkit import __main__ as command
from sopkit import agenda, contract, cycle, marks, policies, store
from sopkit.months import UsageError

CYCLE = pd.Timestamp("2026-01-01")
BY = {"author": "Ada", "note": "a real order"}


@pytest.fixture
def root(corrected, tmp_path):
    return store.open_workspace(shutil.copytree(corrected, tmp_path / "ws"))


def names(root) -> dict[str, str]:
    """Name of the correction of each layer."""
    table = store.read(root, "corrections", CYCLE)
    return dict(zip(table["layer"], table["correction"], strict=True))


def demand(root, month: str) -> float:
    table = store.read(root, "demand_history", CYCLE)
    return table[(table["item"] == "TENT") & (table["month"] == month)]["demand"].item()


def test_a_refused_outlier_is_demand_after_the_next_review_and_a_later_yes_wins(root):
    assert demand(root, "2023-09") < 200
    before = store.input_marks(root, "data_review", CYCLE)
    path = policies.correct(root, CYCLE, (), (names(root)["outlier"],), **BY)
    assert path.parent.name == "policies" and path.name.startswith("2026-01_Ada")
    assert store.input_marks(root, "data_review", CYCLE) != before  # so a run reviews anew
    cycle.compute(root, CYCLE, {"data_review": {}})
    assert demand(root, "2023-09") == 900.0
    line = store.read(root, "corrections", CYCLE).query("layer == 'outlier'").iloc[0]
    assert (line["state"], line["author"], line["note"]) == ("refused", "Ada", "a real order")
    totals = store.read(root, "correction_totals", CYCLE).set_index("layer")
    assert totals.loc["outlier", ["state", "authors", "corrections"]].tolist() == [
        "refused", "Ada", 1,
    ]  # fmt: skip
    policies.correct(root, CYCLE, (line["correction"],), (), **BY | {"author": "Ole"})
    cycle.compute(root, CYCLE, {"data_review": {}})
    assert demand(root, "2023-09") < 200


def test_a_layer_is_refused_at_some_levels_for_one_month_or_for_all(root):
    month = pd.Timestamp("2024-07-01")
    said = BY | {"is_accepted": False}
    policies.correct_levels(root, CYCLE, "stockout", {"family": "Tents"}, month, **said)
    kept = store.raw_table(root, "policies", CYCLE)
    assert kept[["layer", "family", "item", "month"]].values.tolist() == [
        ["stockout", "Tents", "all", month]
    ]
    cycle.compute(root, CYCLE, {"data_review": {}})
    assert demand(root, "2024-07") == 4.0 and demand(root, "2023-09") < 200
    assert store.read(root, "lost_sales", CYCLE).empty
    with pytest.raises(UsageError, match="nothing was sold of item 'TENTS'. Did you mean 'TENT'"):
        policies.correct_levels(root, CYCLE, "stockout", {"item": "TENTS"}, **said)
    with pytest.raises(UsageError, match="no layer 'stockouts'"):
        policies.correct_levels(root, CYCLE, "stockouts", {}, **said)


@pytest.mark.parametrize(
    ("layer", "members", "month", "words"),
    [
        ("stockout", {"item": "TENT"}, "2024-08", "no stockout .* 2024-08; .* is month 2024-07"),
        ("stockout", {"item": "LAMP"}, "2024-07", "There is item TENT"),
        ("outlier", {"family": "Lamps"}, None, "no outlier .* Lamps; .* is family Tents"),
        ("outlier", {"item": "LAMP"}, "2023-10", "The last run has others of this layer"),
        ("level_shift", {"channel": "all"}, None, "The last run has none of this layer"),
        ("promotion", {"item": "TENT"}, "2024-07", "The last run has none of this layer"),
        ("event", {}, None, "no event correction of anything"),
        ("returns", {}, None, "returns cannot be refused: demand is never below zero"),
    ],
)
def test_what_meets_no_correction_is_refused_with_what_there_is(corrected, layer, members, month,
                                                                words):  # fmt: skip
    root = store.open_workspace(corrected)
    when = month and pd.Timestamp(month)
    with pytest.raises(UsageError, match=words):
        policies.correct_levels(root, CYCLE, layer, members, when, is_accepted=False, **BY)
    assert not (root / "data/raw/policies").exists()


def test_what_cannot_be_said_is_refused_and_nothing_is_written(root):
    name = names(root)["outlier"]
    with pytest.raises(UsageError, match="Did you mean"):
        policies.correct(root, CYCLE, (), (name[:-1] + "0",), **BY)
    with pytest.raises(UsageError, match="say why"):
        policies.correct(root, CYCLE, (), (name,), author="Ada", note=" ")
    shut = pd.DataFrame({"step": ["data_review"], "revision": [1], "state": ["closed"]})
    store.add(root, "closings", shut, cycle=CYCLE, author="Ada")
    with pytest.raises(UsageError, match="sopkit reopen data_review"):
        policies.correct(root, CYCLE, (), (name,), **BY)
    assert not (root / "data/raw/policies").exists()


def test_a_policy_of_a_later_cycle_does_not_count_yet_and_one_of_an_earlier_does(root):
    row = pd.DataFrame({"kind": ["layer"], "layer": ["outlier"], "is_accepted": [False],
                        "reason": ["known"]})  # fmt: skip
    store.add(root, "policies", row, cycle=pd.Timestamp("2026-02-01"), author="Ada")
    assert store.raw_table(root, "policies", CYCLE).empty
    assert len(store.raw_table(root, "policies", pd.Timestamp("2026-05-01"))) == 1


def test_policies_that_say_nothing_or_name_nobody_are_found(root):
    lines = [
        "kind,layer,item,family,is_accepted,cycle,reason,author,entered_at",
        "layer,outlier,TENTT,,true,2026-01,why,Ada,2026-01-02",
        "layer,outlier,,Tens,true,2026-01,why,Ada,2026-01-02",
        "layer,outlier,TENT,,,2026-01,why,Ada,2026-01-02",
    ]
    (root / "data/raw/policies.csv").write_text("\n".join([*lines, ""]))
    found = store.check(root, CYCLE).query("table == 'policies'").set_index("column")
    assert "TENT" in found.loc["item", "remedy"]
    assert "Did you mean 'Tents'" in found.loc["family", "remedy"]
    assert "counts for nothing" in found.loc["is_accepted", "message"]
    (root / "data/raw/policies.csv").write_text("\n".join([lines[0], lines[1].replace(
        "outlier", "outlyer")]))  # fmt: skip
    found = store.check(root, CYCLE).query("table == 'policies' and state == 'breach'")
    assert "Did you mean 'outlier'" in found["remedy"].iloc[0]


def test_the_command_writes_one_file_and_plans_anew(root, monkeypatch, capsys):
    monkeypatch.setattr(command, "_plan", lambda *_a, **_k: command.DONE)
    said = ["--by", "Ada", "--note", "why", "--cycle", "2026-01", "--workspace", str(root)]
    assert command.main(["correct", "--refuse", names(root)["outlier"], *said]) == 0
    assert "kept as data/raw/policies/2026-01_Ada_" in capsys.readouterr().out
    own = ["--accept", "--layer", "stockout", "--item", "TENT", "--month", "2024-07"]
    assert command.main(["correct", *own, *said]) == 0
    kept = store.raw_table(root, "policies", CYCLE).sort_values("layer")
    assert kept["is_accepted"].tolist() == [False, True]
    for odd in (["--layer", "outlier"], [], ["--refuse", "C1", "--layer", "outlier"],
                ["--accept", "--refuse", "--layer", "outlier"]):  # fmt: skip
        assert command.main(["correct", *odd, *said]) == command.MISUSED
    assert len(store.raw_table(root, "policies", CYCLE)) == 2


def test_the_table_of_policies_is_among_those_people_enter():
    assert not contract.has_breach(contract.check_table(
        "policies", contract.empty("policies"), contract.Source("policies")).findings)  # fmt: skip


def test_a_changed_override_reaches_the_steps_that_read_it_and_no_other(root):
    settled = cycle.settle_parameters(root, {})

    def known() -> dict:
        return {s.name: marks.step_marks(root, s, CYCLE, settled[s.name]) for s in agenda.STEPS}

    before = known()
    (root / "data/raw/overrides").mkdir()
    (root / "data/raw/overrides/a.csv").write_text(
        "cycle,family,month,author,kind,quantity,reason\n2026-01,Tents,2026-03,Ada,add,5,x\n"
    )
    now = known()
    changed = {name for name in now if now[name] != before[name]}
    assert changed == {"data_review", "demand_review"}
    cycle.compute(root, CYCLE, {"data_review": {}})  # it only checks overrides, and makes the same
    assert known()["product_review"] == before["product_review"]
    assert known()["supply_review"] == before["supply_review"]
    assert "supply_review" in agenda.dependents("demand_review")
