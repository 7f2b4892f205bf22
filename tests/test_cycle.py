"""Parameters, steps asked for, locks: what a run settles before it executes anything."""

from __future__ import annotations

import os
import platform
from concurrent.futures import ThreadPoolExecutor

import filelock
import pandas as pd
import pytest

from sopkit import cycle, locking, marks, publication, store, whole
from sopkit.months import UsageError
from sopkit.sources import SourceError

CYCLE = pd.Timestamp("2026-01-01")


def test_parameters_come_from_p_then_company_yml_then_the_notebook(sales_only):
    assert cycle.settle_parameters(sales_only, {})["demand_review"]["horizon"] == 18
    (sales_only / "data/raw/company.yml").write_text("horizon: 24\nstrategy: level\n")
    settled = cycle.settle_parameters(sales_only, {"strategy": "chase"})
    assert settled["demand_review"]["horizon"] == 24
    assert settled["supply_review"]["strategy"] == "chase"


def test_a_misspelt_parameter_is_an_error_with_the_nearest_known_one(sales_only):
    with pytest.raises(UsageError, match="no parameter 'horizn'. Did you mean 'horizon'"):
        cycle.settle_parameters(sales_only, {"horizn": 12})


def test_a_misspelt_setting_is_an_error_with_the_nearest_known_one(sales_only):
    (sales_only / "data/raw/company.yml").write_text("curency: EUR\n")
    with pytest.raises(SourceError, match="no setting 'curency'. Did you mean 'currency'"):
        cycle.settle_parameters(sales_only, {})


@pytest.mark.parametrize("value", ["many", "1.5", True])
def test_a_parameter_of_the_wrong_type_is_refused(sales_only, value):
    with pytest.raises(UsageError, match="parameter horizon: .* is not a whole number"):
        cycle.settle_parameters(sales_only, {"horizon": value})


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("horizon", "0", "Choose 1 to 120"), ("strategy", "foo", "Choose chase, level")],
)
def test_a_parameter_out_of_range_is_refused_before_anything_runs(sales_only, name, value, words):
    with pytest.raises(UsageError, match=words):
        cycle.settle_parameters(sales_only, {name: value})


def test_text_from_the_command_line_takes_the_type_of_the_default(sales_only):
    assert cycle.settle_parameters(sales_only, {"horizon": "12"})["demand_review"]["horizon"] == 12


def test_from_and_only_exclude_each_other_and_name_the_steps(sales_only):
    with pytest.raises(UsageError, match="exclude each other"):
        cycle.run(sales_only, CYCLE, start="data_review", only="data_review")
    with pytest.raises(UsageError, match="no step 'demand'. Did you mean 'demand_review'"):
        cycle.run(sales_only, CYCLE, only="demand")


def test_a_cycle_that_is_being_run_is_not_run_twice(sales_only):
    with filelock.FileLock(publication.lock_file(sales_only, CYCLE)):
        with pytest.raises(cycle.Busy, match="cycle 2026-01 is being run by another process"):
            cycle.run(sales_only, CYCLE)


def test_a_cycle_that_is_being_run_says_by_whom_since_when_and_what_to_do(sales_only):
    with cycle.lock(sales_only, CYCLE):
        with ThreadPoolExecutor(1) as others, pytest.raises(cycle.Busy) as refused:
            others.submit(cycle.run, sales_only, CYCLE).result()
        who = f"by {locking.user()} on {platform.node()}, process {os.getpid()}, since 20"
        assert who in str(refused.value) and "Wait until it ends" in str(refused.value)
    assert publication.holder(sales_only, CYCLE) == {}


def test_one_step_alone_needs_the_others_to_have_run(sales_only):
    with pytest.raises(UsageError, match="Run the whole cycle once"):
        cycle.run(sales_only, CYCLE, only="reconciliation")


def test_forecast_publishes_the_demand_steps_tables_without_pages(sales_only):
    written = cycle.forecast(sales_only, CYCLE, horizon=3)
    assert "forecast" in set(written["table"])
    forecast = store.read(sales_only, "forecast", CYCLE)
    assert forecast.groupby("item").size().tolist() == [3, 3]
    assert not (sales_only / "reports").exists()
    states = {row["step"]: row["state"] for row in cycle.status(sales_only)}
    assert states["demand_review"] == "tables only" and states["supply_review"] == "not run"


def test_a_forecast_without_horizon_reaches_the_next_fiscal_years_end(sales_only):
    cycle.forecast(sales_only, CYCLE)
    assert store.read(sales_only, "forecast", CYCLE)["month"].max() == pd.Timestamp("2027-12-01")


def test_what_rests_on_a_step_that_is_out_of_date_is_so_too(sales_only):
    cycle.forecast(sales_only, CYCLE, horizon=3)
    folder = publication.folder(sales_only, CYCLE)
    record = publication.run_record(folder)
    settled = cycle.settle_parameters(sales_only, {})
    for step in cycle.STEPS:  # as if the later steps had run on what stands there now
        mark = marks.digest(marks.step_marks(sales_only, step, CYCLE, settled[step.name]))
        done = {"hash": mark, "parameters": settled[step.name], "finished_at": "2026-01-05"}
        record["steps"].setdefault(step.name, done)
    publication.write_record(folder, record)
    states = {row["step"]: row["state"] for row in cycle.status(sales_only)}
    assert states["demand_review"] == "tables only"
    assert states["executive_review"] == "out of date"


def test_a_failed_run_resumes_at_its_step_and_force_makes_all_anew(sales_only, monkeypatch):
    made, broken = [], {"supply_review"}

    def execute(job, _kernel, tables_are_there, _is_called_off):
        made.append(job.step.name)
        if job.step.name in broken:
            raise cycle.StepFailed(job.step.name, "it is broken", sales_only / "failed.html")
        staged = publication.staging(job.workspace, job.cycle)
        for name in job.step.writes:
            whole.write_text(name, staged / f"{name}.parquet")
        tables_are_there()

    monkeypatch.setattr("sopkit.executing.execute", execute)
    for name in ("start", "stop", "leave", "prepare"):
        monkeypatch.setattr(f"sopkit.kernels.{name}", lambda *_: None)

    def run(**asked):
        made.clear()
        with pytest.raises(cycle.StepFailed):
            cycle.run(sales_only, CYCLE, **asked)
        return made

    names = [step.name for step in cycle.STEPS]
    assert run() == names[:4]
    assert run() == names[3:4]
    broken.add("reconciliation")
    broken.remove("supply_review")
    assert run() == names[3:5]
    assert run(is_forced=True) == names[:5]
    (sales_only / "data/raw/company.yml").write_text("timeout_minutes: {default: 90}\n")
    assert run() == names[4:5]  # more time is no other plan
