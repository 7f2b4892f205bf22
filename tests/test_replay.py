"""Past cycles made anew: what they know, what they are called, and what they never touch."""

from __future__ import annotations

import pandas as pd
import pytest

from sopkit import cycle, publication, replay, store
from sopkit.__main__ import main

OCTOBER, NOVEMBER, DECEMBER = (pd.Timestamp(f"2025-{k}-01") for k in (10, 11, 12))


def replayed(root, first=OCTOBER, last=NOVEMBER) -> dict:
    return replay.replay(store.open_workspace(root), first, last)


def test_a_replay_fills_past_cycles_and_says_that_it_did(sales_only):
    done = replayed(sales_only)
    assert done == {"made": [OCTOBER, NOVEMBER], "kept": [], "unchanged": []}
    ledger = store.ledger(sales_only, "demand_plan")
    assert set(ledger["cycle"]) == {OCTOBER, NOVEMBER}
    assert set(ledger["origin"]) == {"replay"}
    # each cycle plans from its own month on, knowing the months before
    first = ledger.groupby("cycle")["month"].min()
    assert first.to_dict() == {OCTOBER: OCTOBER, NOVEMBER: NOVEMBER}
    history = store.read(sales_only, "demand_history", OCTOBER)
    assert history["month"].max() == pd.Timestamp("2025-09-01")
    assert {row["state"] for row in cycle.status(sales_only)} == {"replayed"}


def test_no_past_cycle_sees_a_spike_of_its_future(sales_only):
    replayed(sales_only)
    names = ("demand_history", "forecast", "demand_plan", "backtest", "lag_accuracy", "value_added")
    before = {
        (name, month): store.read(sales_only, name, month)
        for name in names
        for month in (OCTOBER, NOVEMBER)
    }
    path = sales_only / "data/raw/sales.csv"
    lines = path.read_text().splitlines()
    spiked = [f"{line}00" if ",2025-11," in line or ",2025-12," in line else line for line in lines]
    assert spiked != lines
    path.write_text("\n".join([*spiked, ""]))
    assert replayed(sales_only)["made"] == [OCTOBER, NOVEMBER]
    for (name, month), table in before.items():
        pd.testing.assert_frame_equal(store.read(sales_only, name, month), table, obj=name)


def test_a_cycle_that_was_run_is_never_replayed(sales_only):
    root = store.open_workspace(sales_only)
    cycle.forecast(root, OCTOBER)
    kept = {
        path.name: path.read_bytes() for path in publication.folder(root, OCTOBER).glob("*.parquet")
    }
    told = []
    done = replay.replay(root, OCTOBER, NOVEMBER, progress=lambda *words: told.append(words))
    assert (done["kept"], done["made"]) == ([OCTOBER], [NOVEMBER])
    assert told[0] == (OCTOBER, "kept: a run has left it")
    for path in publication.folder(root, OCTOBER).glob("*.parquet"):
        assert path.read_bytes() == kept[path.name]
    assert store.ledger(root, "forecast").groupby("cycle")["origin"].first().to_dict() == {
        OCTOBER: "run",
        NOVEMBER: "replay",
    }


def test_a_run_that_comes_while_earlier_cycles_are_replayed_is_kept(sales_only):
    root = store.open_workspace(sales_only)

    def run_the_next(month: pd.Timestamp, _words: str) -> None:
        if month == OCTOBER:
            cycle.forecast(root, NOVEMBER)

    done = replay.replay(root, OCTOBER, NOVEMBER, progress=run_the_next)
    assert (done["made"], done["kept"]) == ([OCTOBER], [NOVEMBER])
    assert set(store.ledger(root, "forecast").query("cycle == @NOVEMBER")["origin"]) == {"run"}


def test_what_a_run_that_was_cut_has_staged_is_kept(sales_only):
    root = store.open_workspace(sales_only)
    staged = publication.staging(root, OCTOBER)
    staged.mkdir(parents=True)
    publication.write_record(staged, {"steps": {"data_review": {}}})
    assert replayed(sales_only)["kept"] == [OCTOBER]
    assert publication.run_record(staged) == {"steps": {"data_review": {}}}
    assert publication.cycles(root) == [NOVEMBER]


def test_a_run_takes_the_place_of_a_replay(sales_only):
    replayed(sales_only)
    cycle.forecast(store.open_workspace(sales_only), NOVEMBER)
    origins = store.ledger(sales_only, "forecast").groupby("cycle")["origin"].first()
    assert origins.to_dict() == {OCTOBER: "replay", NOVEMBER: "run"}


def test_the_same_again_is_left_as_it_is(sales_only):
    replayed(sales_only)
    record = publication.run_record(publication.folder(sales_only, NOVEMBER))
    assert replayed(sales_only)["unchanged"] == [OCTOBER, NOVEMBER]
    assert publication.run_record(publication.folder(sales_only, NOVEMBER)) == record
    assert not list((sales_only / "data/processed/.staging").glob("*"))


def test_what_people_said_is_read_and_nobody_is_made_to_speak(sales_only):
    (sales_only / "data/raw/submissions.csv").write_text(
        "department,cycle,month,item,quantity\nsales,2025-10,2025-11,NA,44\n"
    )
    replayed(sales_only)
    views = store.ledger(sales_only, "views")
    assert views[["cycle", "item", "quantity"]].values.tolist() == [[OCTOBER, "NA", 44.0]]


@pytest.mark.parametrize(("known", "origin"), [("", "hindsight"), ("2025-09", "replay")])
def test_a_cycle_whose_events_may_have_been_known_later_is_marked(sales_only, known, origin):
    (sales_only / "data/raw/events.csv").write_text(
        "event,kind,first_month,last_month,expected_rate,known_month\n"
        f"Fair,promotion,2025-11,2025-11,0.5,{known}\n"
    )
    replayed(sales_only)
    assert set(store.ledger(sales_only, "demand_plan")["origin"]) == {origin}


def test_a_cycle_that_is_planned_now_or_a_span_of_nothing_is_refused(sales_only, capsys):
    words = ["--workspace", str(sales_only)]
    assert main(["replay", "--from", "2025-12", "--to", "2026-01", *words]) == 2
    said = capsys.readouterr().err
    assert "cycle 2026-01 is not past" in said and "up to 2025-12" in said
    assert main(["replay", "--from", "2025-12", "--to", "2025-10", *words]) == 2
    assert "lies after --to" in capsys.readouterr().err
    assert not list((sales_only / "data/processed").glob("2*"))


def test_a_breach_of_a_past_cycle_stops_there_and_keeps_the_earlier_ones(sales_only, capsys):
    path = sales_only / "data/raw/sales.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*(line for line in lines if ",2025-10," not in line), ""]))
    words = ["--from", "2025-10", "--to", "2025-12", "--workspace", str(sales_only)]
    assert main(["replay", *words]) == 1
    said = capsys.readouterr()
    assert "2025-10: replayed" in said.out
    assert "2025-11: its raw tables have a breach" in said.out
    assert "2025-10" in said.err and "sopkit check" in said.err and "--cycle 2025-11" in said.err
    assert publication.cycles(sales_only) == [OCTOBER]


def test_a_cycle_before_anything_was_sold_is_a_breach_that_says_so(sales_only, capsys):
    words = ["--from", "2023-01", "--to", "2023-02", "--workspace", str(sales_only)]
    assert main(["replay", *words]) == 1
    said = capsys.readouterr()
    assert "2023-01: its raw tables have a breach" in said.out
    assert "no sales are known before the cycle 2023-01" in said.err
    assert not publication.cycles(sales_only)


@pytest.mark.slow
def test_the_ledger_is_what_monthly_batches_left(sales_only, computed):
    for month in (OCTOBER, NOVEMBER, DECEMBER):
        computed(sales_only, month)
    for name in ("demand_plan", "forecast", "views", "supply_plan", "inventory_projection"):
        ledger = store.ledger(sales_only, name)
        for month in (OCTOBER, NOVEMBER, DECEMBER):
            own = ledger[ledger["cycle"] == month].drop(columns=["cycle", "origin"])
            left = store.read(sales_only, name, month)
            pd.testing.assert_frame_equal(own.reset_index(drop=True), left, check_dtype=False)
    measured = store.read(sales_only, "lag_accuracy", DECEMBER)
    plan = measured.query("level == 'total' and layer == 'consensus'").set_index("lag")
    # October's plan of October and November, November's of November
    assert plan["cycles"].to_dict() == {-1: 2, -2: 1, 0: 2, 1: 1}
    came = store.read(sales_only, "demand_history", DECEMBER).groupby("month")["sales"].sum()
    said = store.ledger(sales_only, "demand_plan")
    said = said.groupby(["cycle", "month"])["consensus"].sum()
    error = abs(said[OCTOBER, NOVEMBER] - came[NOVEMBER]) / came[NOVEMBER]
    assert plan.loc[1, "wape"] == pytest.approx(error)
    assert set(store.read(sales_only, "bridge", DECEMBER)["cause"]) >= {"last plan", "new actuals"}


def test_snapshots_of_the_tool_before_are_measured_from_the_first_day(sales_only):
    """The imported plan is judged; a row that covers nothing is told, not lost."""
    (sales_only / "data/raw/plan_history.csv").write_text(
        "cycle,layer,item,month,quantity\n"
        "2025-10,consensus,NA,2025-11,62\n"  # 31 came
        "2025-10,old tool,NA,2025-11,31\n"
        "2023-01,consensus,NA,2023-08,5\n"  # nothing had been sold
    )
    cycle.forecast(store.open_workspace(sales_only), pd.Timestamp("2026-01-01"))
    now = pd.Timestamp("2026-01-01")
    measured = store.read(sales_only, "lag_accuracy", now).query("level == 'total' and lag == 1")
    assert measured.set_index("layer")["wape"].to_dict() == pytest.approx(
        {"consensus": 1.0, "old tool": 0.0, "same month last year": 0.0}
    )
    told = store.read(sales_only, "findings", now).query("table == 'plan_history'")
    assert told["rows"].tolist() == [1]
    assert told["first_row"].tolist() == ["cycle 2023-01, month 2023-08"]
