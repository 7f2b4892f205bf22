"""By workers as by one process: all tables the same to 1e-9, or the run fails and says why."""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, demand_meeting, partitions, publication, schema, store
from sopkit.__main__ import main
from sopkit.demand import drivers, levels
from sopkit.demand.apart import ALONE

HORIZON = 12
ALIKE = {"rtol": 1e-9, "atol": 1e-9}


@pytest.fixture(scope="module")
def tables(sample_history, sample_tables, sample_cycle) -> demand_meeting.Tables:
    """Some sixty series of the sample company: whole items of three families, one of one series."""
    counts = sample_history.drop_duplicates(schema.SERIES)["item"].value_counts()
    items = sample_tables["items"]
    chosen = counts[counts > 5].index.sort_values()[:6]
    history = sample_history[sample_history["item"].isin(chosen)]
    first = history["item"] == chosen[0]
    place = history.loc[first, ["location", "channel"]].iloc[0]
    is_left = first & (history[["location", "channel"]] != place).any(axis=1)
    history = history[~is_left].sort_values(schema.SERIES_MONTH, ignore_index=True)
    keys = history[schema.SERIES].drop_duplicates(ignore_index=True)
    rates = keys.assign(unit_price_value=np.arange(len(keys)) + 1.0, unit_cost_value=0.5)
    assert 40 <= len(keys) <= 80
    assert (keys["item"] == chosen[0]).sum() == 1
    known = dict(sample_tables, money_rates=rates, planning_units=items.assign(planning_factor=1.0))
    told = drivers.drivers(history, known, cycle=sample_cycle)
    company = pd.DataFrame([{"coherence": levels.ALWAYS}])
    people = {"kind": "model", "cycle": "2026-01", "author": "Ada", "reason": "nearer"}
    people |= {"entered_at": "2026-01-05T10:00:00Z"}
    picks = [{"model": "theta", "item": chosen[1]}, {"model": "ets", "item": chosen[0]}]
    picks[1] |= {"parameters": "form=ANA"}
    rows = pd.DataFrame([people | pick for pick in picks])
    said = contract.check_table("policies", rows, contract.Source("policies")).frame
    return known | told | {"company": company, "policies": said}


@pytest.fixture(scope="module")
def whole(tables) -> demand_meeting.Tables:
    """What one process makes of them."""
    return demand_meeting.statistical(tables, horizon=HORIZON)


@pytest.fixture(scope="module")
def file(tables, tmp_path_factory) -> Path:
    """Their history in a file of several row groups, as a large one has."""
    path = tmp_path_factory.mktemp("history") / "demand_history.parquet"
    tables["demand_history"].to_parquet(path, index=False, row_group_size=500)
    return path


@pytest.fixture(scope="module")
def scheduler():
    """Address of a cluster of two worker processes."""
    import dask
    import distributed  # noqa: F401  what it does not find in dask's settings, it adds

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        partitions._workers("", 2) as client,
    ):
        assert len(client.scheduler_info()["workers"]) == 2
        yield client.scheduler.address


def same(made: demand_meeting.Tables, expected: demand_meeting.Tables) -> None:
    """All tables, row by row in the same order."""
    assert set(made) == set(expected)
    for name, table in expected.items():
        pd.testing.assert_frame_equal(made[name], table, obj=name, **ALIKE)


def frames_of(tables, series: int) -> list[pd.DataFrame]:
    """The history in parts of so many series."""
    history, rows = tables["demand_history"], partitions._cuts(tables["demand_history"], series)
    return [history.iloc[a:b] for a, b in zip(rows, [*rows[1:], len(history)], strict=True)]


def in_parts(tables, series: int) -> list[demand_meeting.Part]:
    """The tables as parts of so many series, in this process."""
    span = pd.DatetimeIndex(tables["demand_history"]["month"].drop_duplicates().sort_values())
    common = span, pd.Index(tables["items"]["family"].unique()), 1
    frames = frames_of(tables, series)
    return [demand_meeting.Part(tables | {"demand_history": own}, *common) for own in frames]


def test_parts_hold_every_row_once_and_cut_no_item(tables):
    history = tables["demand_history"]
    count = len(history.drop_duplicates(schema.SERIES))
    for series, most in ((1, history["item"].nunique()), (20, -(-count // 20)), (10**6, 1)):
        frames = frames_of(tables, series)
        assert len(frames) <= most
        pd.testing.assert_frame_equal(pd.concat(frames), history)
        items = pd.concat([frame["item"].drop_duplicates() for frame in frames])
        assert items.is_unique
    # families cross parts, so their seasons are learned of several
    family = tables["items"].set_index("item")["family"]
    parts_of = [set(family.reindex(f["item"].unique()).dropna()) for f in frames_of(tables, 20)]
    assert any(one & other for one, other in itertools.combinations(parts_of, 2))
    # in parts of one series an item of one series is a part of its own
    assert len(frames_of(tables, 1)[0][schema.SERIES].drop_duplicates()) == 1


@pytest.mark.parametrize("series", [1, 20])
def test_parts_one_after_the_other_give_what_all_series_give_at_once(tables, whole, series):
    parts = in_parts(tables, series)
    assert len(parts) >= 3
    told, common = demand_meeting.statistical_of_parts(parts, ALONE, horizon=HORIZON)
    same(demand_meeting.assembled(told, *common), whole)


@pytest.mark.parametrize("series", [20, 10**6])
def test_two_workers_give_what_one_process_gives(tables, whole, file, scheduler, series):
    options = {"path": file, "scheduler": scheduler, "series": series}
    same(partitions.statistical(tables, horizon=HORIZON, **options), whole)


def test_a_worker_reads_its_rows_whichever_row_groups_hold_them(tables, file):
    history, others = tables["demand_history"], {"items": tables["items"]}
    for start, stop in ((0, 1), (499, 501), (500, 1000), (0, len(history)), (37, 1600)):
        part = partitions._read(str(file), start, stop, others, ({}, None, None))
        expected = history.iloc[start:stop].reset_index(drop=True)
        pd.testing.assert_frame_equal(part.tables["demand_history"], expected)


def test_a_worker_that_dies_changes_nothing(tables, whole, file, scheduler, tmp_path, monkeypatch):
    read, flag = partitions._read, str(tmp_path / "died")

    def die_once(*words):
        import os

        try:
            os.close(os.open(flag, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return read(*words)
        os._exit(1)

    monkeypatch.setattr(partitions, "_read", die_once)
    made = partitions.statistical(tables, horizon=HORIZON, path=file, scheduler=scheduler)
    assert Path(flag).exists()
    same(made, whole)


def test_workers_that_die_again_and_again_fail_the_run(tables, file, scheduler, monkeypatch):
    monkeypatch.setattr(
        demand_meeting,
        "statistical_of_parts",
        lambda parts, over, horizon: (over.each(os._exit, [1]), ()),
    )
    with pytest.raises(partitions.WorkersFailed, match="died again and again"):
        partitions.statistical(tables, horizon=HORIZON, path=file, scheduler=scheduler)


def test_workers_that_cannot_see_the_file_are_told(tables, tmp_path, scheduler, monkeypatch):
    monkeypatch.setattr(
        demand_meeting, "statistical_of_parts", lambda parts, over, horizon: (parts, ())
    )
    path = tmp_path / "elsewhere.parquet"
    with pytest.raises(partitions.WorkersFailed, match="cannot read .*elsewhere"):
        partitions.statistical(tables, horizon=HORIZON, path=path, scheduler=scheduler)


def test_workers_of_another_sopkit_are_refused(scheduler):
    with partitions._workers(scheduler, None) as client:
        partitions._require_alike(client, store.code_hash())
        with pytest.raises(partitions.WorkersFailed, match="another version of sopkit"):
            partitions._require_alike(client, "another")


def forecast(root: Path, *words: str) -> int:
    return main(["forecast", "--cycle", "2026-01", "--workspace", str(root), *words])


def test_the_command_publishes_what_one_process_makes(sales_only, sample_cycle, scheduler):
    assert forecast(sales_only, "--engine", "dask", "--scheduler", scheduler) == 0
    given = store.inputs(sales_only, "demand_review", sample_cycle)
    expected = demand_meeting.statistical(given, horizon=24)
    for name in ("backtest", "accuracy", "error_widths", "error_multiples", "fallbacks"):
        key = list(schema.PROCESSED[name].key)
        table = expected[name].sort_values(key, kind="stable", ignore_index=True)
        made = store.read(sales_only, name, sample_cycle)
        pd.testing.assert_frame_equal(made, table, obj=name, **ALIKE)
    assert len(store.read(sales_only, "demand_plan", sample_cycle)) == 2 * 24


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--scheduler", "tcp://127.0.0.1:9"], "add --engine dask"),
        (["--engine", "dask", "--scheduler", "tcp://127.0.0.1:9"], "no Dask scheduler answers"),
        (["--engine", "dask", "--scheduler", "here"], "no Dask scheduler answers at 'here'"),
    ],
)
def test_an_address_that_cannot_be_meant_is_named(sales_only, capsys, words, said):
    assert forecast(sales_only, *words) == 2
    assert said in capsys.readouterr().err
    assert not publication.cycles(sales_only)


def test_without_dask_the_command_says_how_to_install_it(sales_only, capsys, monkeypatch):
    for name in ("dask", "distributed", "distributed.comm"):
        monkeypatch.setitem(sys.modules, name, None)
    assert forecast(sales_only, "--engine", "dask") == 2
    assert "pip install 'sopkit[dask]'" in capsys.readouterr().err
    assert not publication.cycles(sales_only)
