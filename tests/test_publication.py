"""Publications cut in between: undone or finished, left alone while somebody is at it."""

from __future__ import annotations

import filelock
import pandas as pd
import pytest

from sopkit import locking, publication, store
from sopkit.sources import SourceError

CYCLE = pd.Timestamp("2026-01-01")


@pytest.fixture
def halfway(sales_only):
    """A workspace whose tables have stepped aside, with the new ones still staged."""
    old, new = publication.folder(sales_only, CYCLE), publication.staging(sales_only, CYCLE)
    publication.write_record(old, {"steps": {}, "which": "old"})
    publication.write_record(new, {"steps": {}, "which": "new"})
    (new / "run.json").rename(new / "run.json.new")
    aside = old.parent / ".previous" / old.name
    aside.parent.mkdir()
    old.rename(aside)
    return sales_only


def test_whoever_opens_the_workspace_undoes_a_publication_that_was_cut(halfway):
    store.open_workspace(halfway)
    assert publication.run_record(publication.folder(halfway, CYCLE))["which"] == "old"
    assert publication.run_record(publication.staging(halfway, CYCLE))["which"] == "new"


def test_nobody_undoes_what_somebody_is_at(halfway):
    with filelock.FileLock(publication.lock_file(halfway, CYCLE)):
        store.open_workspace(halfway)
        assert not publication.folder(halfway, CYCLE).exists()
    with locking.lock(halfway, CYCLE):  # who takes the cycle next does it himself
        assert publication.run_record(publication.folder(halfway, CYCLE))["which"] == "old"


def test_a_staged_copy_that_was_cut_is_no_cut_run(sales_only):
    publication.write_record(publication.folder(sales_only, CYCLE), {"steps": {"a": {}}})
    (publication.staging(sales_only, CYCLE)).mkdir(parents=True)
    assert not publication.is_cut(sales_only, CYCLE)
    publication.prepare(sales_only, CYCLE)
    assert publication.run_record(publication.staging(sales_only, CYCLE)) == {"steps": {"a": {}}}


def test_a_lock_of_another_machine_says_what_to_do_when_that_has_died(sales_only):
    who = {"user": "ada", "host": "planning-2", "process": 7, "since": "2026-01-05 06:00+00:00"}
    publication.note_holder(sales_only, CYCLE, who)
    with filelock.FileLock(publication.lock_file(sales_only, CYCLE)):
        with pytest.raises(locking.Busy) as refused, locking.lock(sales_only, CYCLE):
            pass
    said = str(refused.value)
    assert "by ada on planning-2, process 7, since 2026-01-05 06:00 UTC" in said
    assert "If planning-2 has died" in said and "data/processed/.locks/2026-01.lock" in said


def test_a_spoilt_table_of_a_closed_revision_is_not_promised_to_be_made_anew(sales_only):
    path = publication.revision(sales_only, CYCLE, 1) / "demand_plan.parquet"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PAR1")
    with pytest.raises(SourceError, match="bring the file back from a backup"):
        store._whole_table(path, "demand_plan", CYCLE)
