"""Three months of the sample company on the whole road: run, close, reopen, decide, approve."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pandas as pd
import pytest

from sopkit import agenda, months, publication, sample, store
from sopkit.__main__ import main
from sopkit.pages import pdf

FIRST, SECOND, THIRD = (pd.Timestamp(text) for text in ("2025-11-01", "2025-12-01", "2026-01-01"))
STEPS = [step.name for step in agenda.STEPS]
ADDED = 1200.0  # tents that an override adds after the supply review of the second cycle


def page(root: Path, cycle: pd.Timestamp, number: str) -> str:
    (path,) = (root / "reports" / months.label(cycle)).glob(f"{number}_*.html")
    return path.read_text(encoding="utf-8")


def hashes(root: Path, cycle: pd.Timestamp) -> dict[str, str]:
    places = [root / part / months.label(cycle) for part in ("data/processed", "reports")]
    found = [path for place in places for path in sorted(place.rglob("*")) if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


@pytest.fixture(scope="module")
def road(tmp_path_factory, request) -> dict:
    """The workspace after three approved cycles, and what stood there in between."""
    root = tmp_path_factory.mktemp("three") / "ws"
    (root / "data" / "raw").mkdir(parents=True)
    sample.write(root / "data" / "raw")
    for path in (root / "data/raw/scenarios").glob("*.yml"):
        if path.stem != "second_shift":  # the one that is chosen; the others cost time
            path.unlink()
    (root / "data/raw/levers.csv").unlink()  # weighing them costs time, too
    kept: dict = {"root": root, "approved": {}}
    patch = pytest.MonkeyPatch()
    request.addfinalizer(patch.undo)
    patch.setattr(pdf, "BROWSERS", ())  # printed once, at the end: each closing stamps it anew

    def say(cycle: pd.Timestamp, *words: str) -> None:
        asked = ["--workspace", str(root), "--cycle", months.label(cycle)]
        assert main([*words, *asked]) == 0, (cycle, words)

    def close(cycle: pd.Timestamp, *names: str) -> None:
        for name in names:
            say(cycle, "close", name, "--by", "R. Osei")

    say(FIRST, "run")
    close(FIRST, *STEPS)
    kept["approved"][FIRST] = hashes(root, FIRST)

    say(SECOND, "run")
    close(SECOND, *STEPS[:4])
    kept["closed_plan"] = store.read(root, "demand_plan", SECOND)
    row = {"family": ["Tents"], "month": ["2026-04"], "kind": ["add"], "quantity": [ADDED]}
    row = pd.DataFrame(row).assign(reason="a dealer chain lists our tents")
    store.add(root, "overrides", row, cycle=SECOND, author="M. Keller")
    say(SECOND, "run")  # closed: it changes nothing yet
    kept["plan_while_closed"] = store.read(root, "demand_plan", SECOND)
    say(SECOND, "reopen", "demand_review", "--by", "R. Osei", "--note", "a dealer chain more")
    kept["page_reopened"] = page(root, SECOND, "06")
    kept["differences"] = store.read(root, "revision_changes", SECOND)
    close(SECOND, *STEPS[2:])
    kept["approved"][SECOND] = hashes(root, SECOND)

    say(THIRD, "run")
    kept["before_choice"] = store.read(root, "resource_load", THIRD)
    close(THIRD, *STEPS[:4])
    shift = store.raw_table(root, "options", THIRD).query("scenario == 'second_shift'").iloc[0]
    kept["option"] = shift
    say(THIRD, "decide", shift["decision"], "--option", shift["option"], "--by", "R. Osei")
    kept["after_choice"] = store.read(root, "resource_load", THIRD)
    close(THIRD, *STEPS[3:5])
    patch.undo()
    close(THIRD, STEPS[5])
    kept["approved"][THIRD] = hashes(root, THIRD)
    return kept


def test_every_cycle_is_approved_and_stays_as_it_was_approved(road):
    root = road["root"]
    for cycle, files in road["approved"].items():
        assert hashes(root, cycle) == files, months.label(cycle)
        assert '<p class="stamp done">approved: revision 1' in page(root, cycle, "06")
    origins = store.ledger(root, "demand_plan").groupby("cycle")["origin"].unique()
    assert {tuple(names) for names in origins} == {("approved",)}


def test_what_is_closed_stays_until_it_is_reopened(road):
    pd.testing.assert_frame_equal(road["plan_while_closed"], road["closed_plan"])
    kept = publication.revision(road["root"], SECOND, 1) / "demand_plan.parquet"
    pd.testing.assert_frame_equal(pd.read_parquet(kept), road["closed_plan"])
    now = store.read(road["root"], "demand_plan", SECOND)
    assert now["consensus"].sum() - road["closed_plan"]["consensus"].sum() == pytest.approx(ADDED)


def test_executives_see_both_revisions_side_by_side(road):
    table = road["differences"].set_index(["measure", "revision", "family"]).sort_index()
    tents = table.loc[("Demand", 1, "Tents")]
    assert tents["change"] == pytest.approx(ADDED)
    assert tents["now"] - tents["before"] == pytest.approx(tents["change"])
    assert tents["author"] == "R. Osei" and tents["note"] == "a dealer chain more"
    assert ("Supply", 1, "Tents") in table.index  # supply was closed on the first revision too
    text = re.sub(r"<[^>]+>", " ", road["page_reopened"])
    assert "a dealer chain more" in text
    for amount in (tents["before"], tents["now"]):
        assert f"{amount:,.0f}" in text


def test_a_promised_effect_is_measured_in_the_third_cycle(road):
    promised = store.raw_table(road["root"], "actions", THIRD)
    promised = promised[promised["effect_last_month"] == SECOND]["action"].unique()
    assert len(promised) >= 2
    third = store.read(road["root"], "outcomes", THIRD).set_index("action")
    assert third.loc[promised, "measured"].notna().all()
    assert third.loc[promised, "verdict"].isin(["kept", "partly", "not kept"]).all()
    second = store.read(road["root"], "outcomes", SECOND).set_index("action")
    assert second.reindex(promised)["measured"].isna().all()  # its months were not over


def test_a_chosen_scenario_is_in_the_plan_and_in_no_comparison(road):
    root = road["root"]
    hours = [
        road[name].set_index(["resource", "month"])["regular_hours"]
        for name in ("before_choice", "after_choice")
    ]
    more = (hours[1] - hours[0]).loc["sewing"]
    assert more[more > 1.0].index.tolist() == list(months.span(pd.Timestamp("2026-03-01"), 6))
    assert store.read(root, "scenario_list", THIRD)["scenario"].tolist() == []
    register = store.read(root, "register", THIRD).set_index("name")
    assert register.loc[road["option"]["decision"], "status"] == "decided"
