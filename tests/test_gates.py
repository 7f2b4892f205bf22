"""Close, reopen, decide, pulse on a small workspace; the whole road is in test_approved_cycles."""

from __future__ import annotations

import hashlib
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import filelock
import numpy as np
import pandas as pd
import pytest

from sopkit import agenda, cycle, gates, marks, months, packing, publication, store, telling
from sopkit.__main__ import main
from sopkit.executive import approval
from sopkit.months import UsageError
from sopkit.supply import feedback

CYCLE = pd.Timestamp("2026-01-01")
NAMES = [step.name for step in agenda.STEPS]


def write(root: Path, name: str, *lines: str) -> None:
    path = root / "data" / "raw" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*lines, ""]))


def as_run(root: Path, wanted: list[str] | None = None) -> None:
    """Compute steps as a run would leave them, with a page each, without notebooks."""
    settled = cycle.settle_parameters(root, {})
    for name in wanted or NAMES:
        cycle.compute(root, CYCLE, {name: settled[name]})
        folder = publication.folder(root, CYCLE)
        record = publication.run_record(folder)
        done = record["steps"][name]
        done |= {"hash": marks.digest(done["inputs"])}
        publication.write_record(folder, record)
        page = root / "reports" / "2026-01" / f"{agenda.step(name).notebook}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(f'<div class="title"><h1>{name}</h1></div><p class="headline">Said.</p>')
        (page.parent / "index.html").touch()


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    """Two items, a decision with two options, and a decision that has none; computed once."""
    root = tmp_path_factory.mktemp("gates") / "ws"
    span = months.span(pd.Timestamp("2023-07-01"), 30)
    rows = [
        f"{item},{month:%Y-%m},{base + month.month}"
        for item, base in (("NA", 20), ("00123", 5))
        for month in span
    ]
    write(root, "sales.csv", "item,month,quantity", *rows)
    write(
        root, "decisions.csv", "decision,cycle,statement,owner,decide_by",
        "D1,2026-01,More of NA?,R. Osei,2026-01-30", "D2,2026-01,And then?,R. Osei,2026-01-30",
    )  # fmt: skip
    write(
        root, "options.csv", "decision,option,statement,scenario",
        "D1,more,Take more,more", "D1,storm,Wait for the storm,storm", "D1,none,Nothing,",
        "D1,lost,A file that is missing,mroe",
    )  # fmt: skip
    for name, kind in (("more", "choice"), ("storm", "outside")):
        write(
            root, f"scenarios/{name}.yml", f"name: {name}", f"statement: {name}", "owner: R. Osei",
            f"kind: {kind}", "changes:",
            "- demand: {item: NA, first_month: 2026-03, last_month: 2026-04, quantity: 10}",
        )  # fmt: skip
    as_run(root)
    return root


@pytest.fixture
def root(template, tmp_path) -> Path:
    return store.open_workspace(shutil.copytree(template, tmp_path / "ws"))


def closed(root: Path, *names: str) -> None:
    for name in names:
        gates.close(root, CYCLE, name, author="M. Keller")


def files(root: Path) -> dict[str, str]:
    """Hash of each file of the cycle, tables and pages alike."""
    places = [root / "data" / "processed" / "2026-01", root / "reports" / "2026-01"]
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for place in places
        for path in sorted(place.rglob("*"))
        if path.is_file()
    }


def test_a_closed_step_is_a_revision_and_a_stamp(root):
    done = gates.close(root, CYCLE, "data_review", author="M.  Keller", note="all there")
    assert done.revision == 1 and done.path.parent.name == "closings"
    kept = publication.revision(root, CYCLE, 1) / "demand_history.parquet"
    assert (
        kept.read_bytes()
        == (publication.folder(root, CYCLE) / "demand_history.parquet").read_bytes()
    )
    gate = store.gates(root, CYCLE)["data_review"]
    assert (gate.state, gate.author, gate.note) == ("closed", "M. Keller", "all there")
    page = (root / "reports/2026-01/01_data_review.html").read_text()
    assert "revision 1, closed by M. Keller on" in page and page == done.page.read_text()
    later = (root / "reports/2026-01/03_demand_review.html").read_text()
    assert "stamp" not in later  # it rests on data alone, which is agreed
    supply = (root / "reports/2026-01/04_supply_review.html").read_text()
    assert "preliminary: demand not agreed" in supply


@pytest.mark.parametrize(
    ("steps", "wanted", "words"),
    [
        ((), "demand_review", "on an open step: data_review"),
        ((), "executive_review", "approve the plan with open steps: data_review, product_review"),
        (("data_review",), "data_review", "closed already: revision 1, closed by M. Keller"),
        ((), "demand_revew", "demand_review"),
    ],
)
def test_what_cannot_be_closed_is_refused_and_nothing_is_written(root, steps, wanted, words):
    closed(root, *steps)
    before = files(root), sorted((root / "data/raw").rglob("*"))
    with pytest.raises(UsageError, match=words):
        gates.close(root, CYCLE, wanted, author="M. Keller")
    assert (files(root), sorted((root / "data/raw").rglob("*"))) == before


def test_a_step_whose_inputs_changed_is_not_closed_and_they_are_named(root):
    sales = root / "data/raw/sales.csv"
    sales.write_text(sales.read_text().replace("NA,2024-01,21", "NA,2024-01,22"))
    with pytest.raises(UsageError, match=r"^sales changed since data_review ran on .*sopkit run"):
        gates.close(root, CYCLE, "data_review", author="M. Keller")
    assert not (root / "data/raw/closings").exists()


def test_a_step_that_never_ran_and_a_run_that_was_cut_are_not_closed(root):
    with pytest.raises(UsageError, match="has not been run: sopkit run --cycle 2025-12"):
        gates.close(root, months.shift(CYCLE, -1), "data_review", author="M. Keller")
    publication.prepare(root, CYCLE)
    publication.write_record(publication.staging(root, CYCLE), {"steps": {}})
    with pytest.raises(UsageError, match="was cut, and its steps are not published"):
        gates.close(root, CYCLE, "data_review", author="M. Keller")


def test_two_closings_at_once_one_waits_and_is_told_what_the_other_did(root):
    with filelock.FileLock(publication.lock_file(root, CYCLE)):
        with pytest.raises(cycle.Busy):
            gates.close(root, CYCLE, "data_review", author="A. Lund")
    told, both = [], threading.Barrier(2)

    def one(name: str) -> None:
        both.wait()
        try:
            told.append(gates.close(root, CYCLE, "data_review", author=name).revision)
        except (UsageError, cycle.Busy) as error:
            told.append(str(error))

    people = [threading.Thread(target=one, args=(name,)) for name in ("A. Lund", "M. Keller")]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert told.count(1) == 1 and len(told) == 2
    assert len(list((root / "data/raw/closings").iterdir())) == 1


def test_a_closing_that_is_cut_before_it_is_said_leaves_the_step_open(root, monkeypatch):
    def cut(*_args, **_more):
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "add", cut)
    with pytest.raises(KeyboardInterrupt):
        gates.close(root, CYCLE, "data_review", author="M. Keller")
    monkeypatch.undo()
    assert not store.gates(root, CYCLE)["data_review"].is_closed
    assert gates.close(root, CYCLE, "data_review", author="M. Keller").revision == 1


def test_reopening_opens_what_rests_on_it_and_says_why(root):
    closed(root, *NAMES[:5])
    with pytest.raises(UsageError, match="say why"):
        gates.reopen(root, CYCLE, "demand_review", author="R. Osei", note=" ")
    opened = gates.reopen(root, CYCLE, "demand_review", author="R. Osei", note="a dealer more")
    assert opened == ("demand_review", "supply_review", "reconciliation")
    known = store.gates(root, CYCLE)
    assert known["supply_review"].note == "demand_review reopened: a dealer more"
    assert known["data_review"].is_closed and known["product_review"].is_closed
    with pytest.raises(UsageError, match="not closed"):
        gates.reopen(root, CYCLE, "supply_review", author="R. Osei", note="why")
    closed(root, "demand_review")
    assert store.gates(root, CYCLE)["demand_review"].revision == 2
    assert publication.revisions(root, CYCLE, "demand_review") == [1, 2]


def test_the_ledger_reads_what_was_closed_last_else_the_latest_run(root):
    def left() -> tuple[float, str]:
        table = store.ledger(root, "demand_plan")
        return table["consensus"].sum(), table["origin"].unique().item()

    total = left()
    assert total[1] == "run"
    closed(root, "data_review", "demand_review")
    assert left() == (total[0], "closed")
    gates.reopen(root, CYCLE, "demand_review", author="R. Osei", note="why")
    row = pd.DataFrame({
        "month": ["2026-02"], "kind": ["add"], "quantity": [100.0], "reason": ["a dealer more"],
    })  # fmt: skip
    store.add(root, "overrides", row, cycle=CYCLE, author="R. Osei")
    as_run(root, ["demand_review", "supply_review", "reconciliation"])
    assert left() == (total[0], "closed")  # nobody agreed to the change yet
    inputs = store.inputs(root, "executive_review", CYCLE)
    assert inputs["revision_demand_plan"]["consensus"].sum() == total[0]
    assert inputs["demand_plan"]["consensus"].sum() == pytest.approx(total[0] + 100.0)
    closed(root, "demand_review")
    assert left() == (pytest.approx(total[0] + 100.0), "closed")


def test_a_closing_changes_nothing_that_the_executive_page_reads_a_reopening_does(root):
    before = store.input_marks(root, "executive_review", CYCLE)
    closed(root, *NAMES[:5])
    gates.pulse(root, CYCLE, "demand_review", 4, author="A. Lund")
    assert store.input_marks(root, "executive_review", CYCLE) == before
    gates.reopen(root, CYCLE, "supply_review", author="R. Osei", note="why")
    assert store.input_marks(root, "executive_review", CYCLE) != before


def test_a_choice_with_a_scenario_moves_the_plan_and_another_takes_it_back(root):
    closed(root, "data_review", "product_review", "demand_review")
    before = store.read(root, "demand_plan", CYCLE)
    done = gates.decide(root, CYCLE, "D1", "more", author="R. Osei", note="in the meeting")
    assert done.reopened == ("demand_review",) and done.scenario == "more"
    as_run(root, ["demand_review", "supply_review"])
    plan = store.read(root, "demand_plan", CYCLE)
    moved = (plan["consensus"] - before["consensus"]).groupby(plan["month"]).sum()
    assert moved[moved.abs() > 1e-9].round(9).to_dict() == {
        pd.Timestamp("2026-03-01"): 10.0,
        pd.Timestamp("2026-04-01"): 10.0,
    }
    layers = plan[["statistical", "events", "departments", "overrides"]].sum(axis=1)
    assert (layers - plan["consensus"]).abs().max() < 1e-9
    effects = store.read(root, "override_effects", CYCLE)
    assert effects["author"].tolist() == ["R. Osei"] * 2
    assert effects["subject"].tolist() == ["decision D1: more"] * 2
    assert effects["change"].tolist() == pytest.approx([10.0, 10.0])
    moves = store.read(root, "override_changes", CYCLE)
    assert moves["change"].sum() == pytest.approx(20.0) and set(moves["item"]) == {"NA"}
    known = store.inputs(root, "reconciliation", CYCLE)["decided"]
    assert known["scenario"].tolist() == ["more"]
    done = gates.decide(root, CYCLE, "D1", "none", author="R. Osei")
    assert done.before == "more" and done.left == ("more",)
    assert done.reopened == ()  # demand is open already
    as_run(root, ["demand_review"])
    after = store.read(root, "demand_plan", CYCLE)
    pd.testing.assert_frame_equal(after, before)


@pytest.mark.parametrize(
    ("decision", "option", "words"),
    [
        ("D2", "more", "has no options, so nothing can be chosen. Add them to data/raw/options"),
        ("D3", "more", "no decision 'D3' by cycle 2026-01"),
        ("D1", "moer", "no option 'moer'.*more"),
        ("D1", "storm", "of kind outside: it happens to us"),
        ("D1", "lost", "names scenario 'mroe', which is not there.*more"),
    ],
)
def test_a_choice_that_cannot_be_meant_is_refused_and_nothing_is_written(
    root, decision, option, words
):
    with pytest.raises(UsageError, match=words):
        gates.decide(root, CYCLE, decision, option, author="R. Osei")
    assert not (root / "data/raw/choices").exists()


def test_a_scenario_half_written_is_told_and_stops_no_other_command(root, capsys):
    write(root, "scenarios/half.yml", "name: half written")
    write(root, "scenarios/more.yml", "kind: choice")
    with pytest.raises(UsageError, match=r"more.yml cannot be read; what is wrong.*sopkit check"):
        gates.decide(root, CYCLE, "D1", "more", author="R. Osei")
    assert main(["status", "--workspace", str(root)]) == 0
    closed(root, "data_review")
    assert main(["check", "--workspace", str(root), "--cycle", "2026-01"]) == 1
    assert "half.yml: kind is missing" in capsys.readouterr().out.replace("scenarios/", "")


def test_tables_that_somebody_changed_by_hand_are_not_closed(root):
    path = publication.folder(root, CYCLE) / "demand_history.parquet"
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(UsageError, match="data_review are not as it left them.*sopkit run"):
        gates.close(root, CYCLE, "data_review", author="M. Keller")


def put_lines(root: Path, units: float = 6.0) -> None:
    """Two lines of feedback, as if so many units of two months came a month later."""
    rows = [("FDTPW", "NA", 2, units), ("FK7QX", "00123", 4, 1.0)]
    table = pd.DataFrame(rows, columns=["feedback", "item", "later", "quantity"])
    table = table.assign(
        location="all", channel="all", site="all", amount_value=np.nan, cause="hours", limit="saw",
        month=[months.shift(CYCLE, n - 1) for n in table["later"]], state="open", author="",
        later_month=[months.shift(CYCLE, n) for n in table["later"]], note="",
        promised_quantity=0.0, remark="",
    )[feedback.COLUMNS]  # fmt: skip
    path = publication.folder(root, CYCLE) / "feedback.parquet"
    publication.write_parquet(table, path)


def test_answers_open_the_demand_review_and_move_what_is_promised(root):
    closed(root, "data_review", "product_review", "demand_review")
    before = store.read(root, "demand_plan", CYCLE)
    put_lines(root)
    done = gates.revise(
        root, CYCLE, {"FDTPW": 4.0}, ("FK7QX",), author="J. Weber", note="they can wait"
    )
    assert (done.accepted, done.refused) == (("FDTPW",), ("FK7QX",))
    assert done.reopened == ("demand_review",) and done.path.parent.name == "answers"
    reopened = store.raw_table(root, "closings", CYCLE).query("state == 'reopened'")
    assert reopened["note"].tolist() == ["answers to feedback"]
    as_run(root, ["demand_review"])
    plan, said = (store.read(root, name, CYCLE) for name in ("demand_plan", "agreed"))
    pd.testing.assert_series_equal(plan["consensus"], before["consensus"])
    moved = (plan["constrained"] - plan["consensus"])[plan["item"] == "NA"]
    assert moved[moved.abs() > 1e-9].tolist() == pytest.approx([-4.0, 4.0])
    assert said[["feedback", "state", "quantity"]].to_numpy().tolist() == [
        ["FDTPW", "accepted", 4.0],
        ["FK7QX", "refused", 0.0],
    ]


def test_answers_of_an_earlier_cycle_move_nothing_and_are_told_nowhere(root):
    put_lines(root)
    gates.revise(root, CYCLE, {"FDTPW": 4.0}, ("FK7QX",), author="J. Weber")
    path = next((root / "data/raw/answers").iterdir())
    path.write_text(path.read_text().replace("2026-01-01,", "2025-12-01,", 2))
    assert set(store.raw_table(root, "answers", CYCLE)["cycle"]) == {months.shift(CYCLE, -1)}
    as_run(root, ["demand_review", "supply_review"])
    plan = store.read(root, "demand_plan", CYCLE)
    assert plan["constrained"].equals(plan["consensus"])
    assert store.read(root, "agreed", CYCLE).empty  # page 03 lists nothing
    assert store.read(root, "feedback_rounds", CYCLE)["entered_at"].tolist() == ["open now"]


def test_a_revision_that_moves_units_to_other_months_says_so(root, monkeypatch):
    rows = pd.DataFrame({"family": ["Company", "Tents"], "change": 0.0, "moved": 625.0})
    rows = rows.assign(measure="Agreed demand", revision=1, worst_change=-600.0)
    rows = rows.assign(worst_month=pd.Timestamp("2026-08-01"))
    for moved, words in (
        (625.0, "625 units come in another month, most in 2026-08 (-600)"),
        (0.0, "as it was"),
    ):
        monkeypatch.setattr(store, "read", lambda *_a, moved=moved: rows.assign(moved=moved))
        assert list(telling.revisions(root, CYCLE)) == [
            f"  agreed demand beside revision 1: {words}"
        ]


def test_who_answers_first_is_heard_until_the_next_run(root):
    put_lines(root)
    gates.revise(root, CYCLE, {"FDTPW": None}, author="J. Weber")
    with pytest.raises(UsageError, match=r"FDTPW was accepted by J. Weber.*sopkit run"):
        gates.revise(root, CYCLE, {}, ("FDTPW",), author="A. Lund")
    gates.revise(root, CYCLE, {"FK7QX": None}, author="A. Lund")
    gates.revise(root, CYCLE, {}, ("FDTPW",), author="J. Weber")  # their own word
    said = store.raw_table(root, "answers", CYCLE).sort_values("entered_at")
    assert len(said) == 3  # the first answer stays, the last counts
    assert dict(zip(said["feedback"], said["state"], strict=True)) == {
        "FDTPW": "refused",
        "FK7QX": "accepted",
    }
    put_lines(root)
    with pytest.raises(UsageError, match="no line 'FDTPV'.*FDTPW"):
        gates.revise(root, CYCLE, {"FDTPV": None}, author="J. Weber")
    assert len(list((root / "data/raw/answers").iterdir())) == 3


def test_the_command_answers_tells_rounds_and_what_is_open(root, capsys, monkeypatch):
    put_lines(root)
    monkeypatch.setattr("sopkit.__main__._plan", lambda *_a: 0)  # the run itself: test_pipeline
    asked = ["--by", "J. Weber", "--workspace", str(root), "--cycle", "2026-01"]
    for words, hint in (
        ([], "say which lines of page 04"),
        (["--accept", "FDTPW=few"], "write it as ID=UNITS, such as FDTPW=40"),
        (["--refuse", "FDTPV"], "Did you mean 'FDTPW'"),
    ):
        assert main(["revise", *words, *asked]) == 2
        assert hint in capsys.readouterr().err
    assert not (root / "data/raw/answers").exists()
    assert main(["revise", "--accept", "FDTPW=4", "--refuse", "FK7QX", *asked]) == 0
    said = capsys.readouterr().out
    assert "accepted: FDTPW\nrefused: FK7QX\n" in said
    assert "open: 2 lines (FDTPW, FK7QX)" in said  # as the last run left them
    assert f"sopkit revise --accept ID --by NAME --workspace {root} --cycle 2026-01" in said
    as_run(root, ["demand_review", "supply_review"])
    assert main(["revise", "--accept", "all", *asked]) == 2
    assert "no line is open" in capsys.readouterr().err


def test_the_loop_ends_with_a_plan_that_costs_no_more(hill, tmp_path):
    root = store.open_workspace(shutil.copytree(hill, tmp_path / "hill"))
    write(
        root, "resources.csv", "resource,regular_hours,overtime_hours,regular_cost_value",
        "sewing,62,2,20",
    )  # fmt: skip
    write(
        root, "planning_costs.csv",
        "family,holding_cost_value,backorder_cost_value", "Tents,1,12", "Packs,0.5,7",
    )  # fmt: skip
    write(root, "inventory.csv", "item,location,month,on_hand", "TENT,North,2025-12,20",
          "PACK,North,2025-12,10", "LAMP,North,2025-12,260")  # fmt: skip
    names, costs = ("demand_review", "supply_review"), []
    settled = cycle.settle_parameters(root, {})
    for count in range(5):
        cycle.compute(root, CYCLE, {name: settled[name] for name in names[count == 0 :]})
        cost = store.read(root, "production_strategies", CYCLE).query("strategy == 'least cost'")
        costs.append(cost["amount_value"].sum())
        lines = store.read(root, "feedback", CYCLE)
        left = lines[lines["state"] == "open"]
        if left.empty:
            break
        refused = tuple(left["feedback"].unique()[-1:]) if count == 0 else ()
        gates.revise(root, CYCLE, {"all": None}, refused, author="J. Weber")
    assert 1 <= count <= 4 and (lines["state"] == "accepted").any()
    assert (np.diff(costs) <= 1e-6 * costs[0]).all()
    late = store.read(root, "deliveries", CYCLE)
    still = lines.loc[lines["state"] == "refused", "quantity"].sum()
    assert (late["demand"] - late["on_time"]).sum() == pytest.approx(still, abs=1.0)
    rounds = store.read(root, "feedback_rounds", CYCLE)
    assert rounds["refused"].sum() == 1 and rounds["open"].iloc[-1] == 0


def test_pulse_is_one_to_five(root):
    path = gates.pulse(root, CYCLE, "demand_review", 5, author="A. Lund")
    assert path.is_file()
    for score in (0, 6):
        with pytest.raises(UsageError, match="choose 1"):
            gates.pulse(root, CYCLE, "demand_review", score, author="A. Lund")


def test_an_approved_cycle_cannot_be_changed_by_any_command(root, capsys, monkeypatch):
    closed(root, *NAMES)
    assert approval.is_approved(store.gates(root, CYCLE))
    assert store.ledger(root, "demand_plan")["origin"].unique().tolist() == ["approved"]
    before = files(root)
    sheet = root / "sales.xlsx"
    asked = ["--workspace", str(root), "--cycle", "2026-01"]
    by = ["--by", "R. Osei"]
    monkeypatch.chdir(root)
    commands = {
        0: [
            ["run", *asked],
            ["check", *asked],
            ["status", "--workspace", str(root)],
            ["template", "--department", "sales", "-o", str(sheet), *asked],
            ["pulse", "executive_review", "--score", "4", *by, *asked],
        ],
        1: [["run", *asked[:2]]],  # the month after it has not closed
        4: [
            ["run", "--from", "data_review", *asked],
            ["run", "--only", "supply_review", *asked],
            ["run", "-p", "strategy=level", *asked],
            ["forecast", *asked],
            ["close", "executive_review", *by, *asked],
            ["reopen", "executive_review", "--note", "why", *by, *asked],
            ["reopen", "demand_review", "--note", "why", *by, *asked],
            ["decide", "D1", "--option", "more", *by, *asked],
            ["revise", "--accept", "all", *by, *asked],
            ["submit", str(sheet), *by, "--workspace", str(root)],
        ],
    }
    for code, own in commands.items():
        for command in own:
            assert main(command) == code, (command, capsys.readouterr())
            assert files(root) == before, command
    words = capsys.readouterr().err
    assert words.count("so nothing of it changes any more") >= 5
    assert "sopkit reopen" not in words  # it would be refused
    with pytest.raises(UsageError, match="overrides are not taken: cycle 2026-01 was approved by"):
        row = pd.DataFrame({"month": ["2026-02"], "kind": ["add"], "quantity": [1.0]})
        store.add(root, "overrides", row.assign(reason="x"), cycle=CYCLE, author="R. Osei")
    with pytest.raises(UsageError, match="nothing was made: cycle 2026-01 was approved"):
        cycle.compute(root, CYCLE, {"data_review": {}})
    with pytest.raises(UsageError, match="is closed"):  # a notebook run by hand
        store.publish_step(root, "product_review", CYCLE, dict.fromkeys(
            agenda.step("product_review").writes
        ))  # fmt: skip
    assert files(root) == before
    monkeypatch.setattr(store, "default_cycle", lambda *_a, **_k: months.shift(CYCLE, 1))
    assert main(["replay", "--from", "2026-01", "--to", "2026-01", *asked[:2]]) == 0
    assert files(root) == before


def test_what_changed_since_a_step_was_closed_is_told_and_waits(root, capsys):
    closed(root, "data_review", "demand_review")
    assert cycle.since_closed(root, CYCLE, "demand_review") == []
    row = pd.DataFrame({"month": ["2026-02"], "kind": ["add"], "quantity": [1.0], "reason": ["x"]})
    store.add(root, "overrides", row, cycle=CYCLE, author="R. Osei")
    assert cycle.since_closed(root, CYCLE, "demand_review") == ["overrides"]
    assert cycle.since_closed(root, CYCLE, "data_review") == []  # which only lists overrides
    sales = root / "data/raw/sales.csv"
    sales.write_text(sales.read_text().replace("NA,2024-01,21", "NA,2024-01,22"))
    assert cycle.since_closed(root, CYCLE, "data_review") == ["sales"]
    assert main(["status", "--workspace", str(root)]) == 0
    (line,) = (x for x in capsys.readouterr().out.splitlines() if "demand_review" in x)
    assert "closed, revision 1" in line and "not in the plan: overrides" in line


def test_a_table_that_somebody_changed_by_hand_is_told(root, capsys):
    closed(root, *NAMES)
    path = publication.folder(root, CYCLE) / "demand_plan.parquet"
    path.write_bytes(path.read_bytes() + b"x")
    main(["status", "--workspace", str(root)])
    told = [x for x in capsys.readouterr().out.splitlines() if "somebody changed them" in x]
    assert len(told) == 1 and "demand_review" in told[0]
    kept = publication.revision(root, CYCLE, 1) / path.name  # what was agreed stands by itself
    assert pd.read_parquet(kept)["consensus"].sum() > 0


def test_a_closing_that_was_cut_after_it_was_said_is_finished_by_the_next_run(root, monkeypatch):
    def cut(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr(packing, "keep_page", cut)
    with pytest.raises(KeyboardInterrupt):
        gates.close(root, CYCLE, "data_review", author="M. Keller")
    monkeypatch.undo()
    page = root / "reports/2026-01/revisions/1/01_data_review.html"
    assert store.gates(root, CYCLE)["data_review"].is_closed and not page.exists()
    assert packing.settle_closings(root, CYCLE) == ()
    assert "revision 1, closed by M. Keller" in page.read_text()
    before = files(root)
    assert packing.settle_closings(root, CYCLE) == () and files(root) == before


def test_extracts_of_a_reopened_step_step_aside(root):
    closed(root, "data_review", "product_review", "demand_review")
    place = root / "reports/2026-01/extracts"
    made = {path.name for path in place.iterdir()}
    assert {"sales.csv", "sales.xlsx", "product.csv"} <= made
    gates.reopen(root, CYCLE, "demand_review", author="R. Osei", note="why")
    assert {path.name for path in place.iterdir()} == made - {"sales.csv", "sales.xlsx"}
    shelf = root / "reports/2026-01/revisions/1/extracts"
    assert {path.name for path in shelf.iterdir()} == {"sales.csv", "sales.xlsx"}
    closed(root, "demand_review")
    assert (place / "sales.csv").is_file()


def test_who_holds_a_cycle_goes_on_holding_it_and_others_are_told_what_for(root):
    with cycle.lock(root, CYCLE, "reopen demand_review"), cycle.lock(root, CYCLE):
        with ThreadPoolExecutor(1) as others:
            told = others.submit(gates.close, root, CYCLE, "data_review", author="A. Lund")
            with pytest.raises(cycle.Busy, match=r"being changed \(sopkit reopen demand_review\)"):
                told.result()
    closed(root, "data_review")


def test_a_workspace_that_came_by_git_is_made_anew_and_then_stays(root):
    closed(root, *NAMES)
    for part in ("data/processed", "reports"):  # git brings neither
        shutil.rmtree(root / part)
    assert store.kept_closed(root, CYCLE) == {}
    monkey = pytest.MonkeyPatch()
    monkey.setattr(store, "require_unapproved", lambda *_a: None)  # as a run would, see run
    as_run(root)
    monkey.undo()
    notes = packing.settle_closings(root, CYCLE)
    assert sum("made here anew" in note for note in notes) == len(NAMES)
    assert set(store.kept_closed(root, CYCLE)) == set(NAMES)
    before = files(root)
    assert main(["run", "--workspace", str(root), "--cycle", "2026-01"]) == 0
    assert files(root) == before
    assert (
        "approved by M. Keller" in (root / "reports/2026-01/06_executive_review.html").read_text()
    )


def test_what_was_closed_on_another_machine_is_made_here_anew(root):
    closed(root, "data_review")
    shutil.rmtree(publication.folder(root, CYCLE) / "revisions")  # git brings closings, no tables
    assert store.gates(root, CYCLE)["data_review"].is_closed
    assert store.kept_closed(root, CYCLE) == {}
    as_run(root, ["data_review"])  # not refused
    with pytest.raises(UsageError, match="closed already"):
        gates.close(root, CYCLE, "data_review", author="M. Keller")
