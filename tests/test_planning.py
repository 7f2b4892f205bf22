"""Runs that nobody watches: the log, the command that hears of a failure, months, schedules."""

from __future__ import annotations

import configparser
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from sopkit import arguments, cycle, events, month_end, months, publication, telling
from sopkit.__main__ import main
from sopkit.months import UsageError

CYCLE = pd.Timestamp("2026-01-01")
SCHEDULES = Path(__file__).resolve().parent.parent / "examples/schedules"
_HEARD = """\
import json, os, sys
facts = {name: value for name, value in os.environ.items() if name.startswith("SOPKIT_")}
open(sys.argv[1], "a").write(json.dumps(facts | {"words": sys.argv[2:]}) + "\\n")
sys.exit(7)
"""


@pytest.fixture
def heard(tmp_path, monkeypatch):
    """``heard()``: what the command was told, in turn; ``heard.command``: that command."""
    for name in [name for name in os.environ if name.startswith("SOPKIT_")]:
        monkeypatch.delenv(name)
    script, log = tmp_path / "heard.py", tmp_path / "heard.log"
    script.write_text(_HEARD)

    def read() -> list[dict]:
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    read.command = shlex.join([sys.executable, str(script), str(log), "a b; touch x"])
    return read


def _step_failed(_workspace, _cycle, *, progress, **_named):
    progress("step_started", step="demand_review", title="Demand review")
    progress("cell", step="demand_review", cell=6, cells=9, title="Demand review")
    page = Path("/reports/2026-01/failed.html")
    raise cycle.StepFailed("demand_review", "ValueError: no $(rm) 'x'", page, 5, "x = 1")


def test_a_run_that_fails_starts_the_command_without_a_shell(sales_only, heard, monkeypatch, capfd):
    monkeypatch.setattr(cycle, "run", _step_failed)
    monkeypatch.chdir(sales_only)
    assert main(["run", "--on-failure", heard.command]) == 1  # not the command's own 7
    assert heard() == [{
        "SOPKIT_STEP": "demand_review", "SOPKIT_REASON": "ValueError: no $(rm) 'x'",
        "SOPKIT_PAGE": "/reports/2026-01/failed.html", "SOPKIT_CYCLE": "2026-01",
        "SOPKIT_EXIT_CODE": "1", "words": ["a b; touch x"],
    }]  # fmt: skip
    assert not (sales_only / "x").exists()
    assert "--on-failure" in (said := capfd.readouterr().err) and "ended with code 7" in said


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (cycle.Busy("somebody"), 3),
        (months.Frozen("it is approved"), 4),
        (UsageError("no"), 2),
        (KeyError("a fault of ours"), 1),
    ],
)
def test_whatever_leaves_no_plan_is_heard(sales_only, heard, monkeypatch, error, code):
    def refused(*_args, **_named):
        raise error

    monkeypatch.setattr(cycle, "run", refused)
    words = ["run", "--workspace", str(sales_only), "--on-failure", heard.command]
    if isinstance(error, KeyError):
        with pytest.raises(KeyError):
            main(words)
    else:
        assert main(words) == code
    assert [told["SOPKIT_EXIT_CODE"] for told in heard()] == [str(code)]


def test_a_run_that_is_done_or_stopped_by_hand_starts_no_command(sales_only, heard, monkeypatch):
    def stopped(*_args, **_named):
        raise KeyboardInterrupt

    monkeypatch.setattr(cycle, "run", stopped)
    assert main(["run", "--workspace", str(sales_only), "--on-failure", heard.command]) == 130
    assert heard() == []


def test_a_command_that_cannot_be_meant_is_told_before_anything_runs(sales_only, capsys):
    for words, hint in ((["mail 'x"], "a quote is not closed"), ([""], "name a program")):
        assert main(["run", "--workspace", str(sales_only), "--on-failure", *words]) == 2
        assert hint in capsys.readouterr().err


def test_a_command_that_hangs_or_is_not_there_is_told():
    program = shlex.join([sys.executable, "-c", "import time; time.sleep(60)"])
    assert "did not end within 0.1 seconds" in events.call(program, {}, seconds=0.1)
    assert "could not be started" in events.call("no-such-program-here", {})
    assert events.call(f"{sys.executable} -c ''", {"A": "b\0c"}) == ""


def test_the_log_is_json_and_nothing_else(sales_only, monkeypatch, capsys):
    monkeypatch.setattr(cycle, "run", _step_failed)
    assert main(["run", "--workspace", str(sales_only), "--log-json"]) == 1
    told = capsys.readouterr()
    lines = [json.loads(line) for line in told.out.splitlines()]
    assert [line["event"] for line in lines] == [
        "run_started", "step_started", "step_failed", "run_done",
    ]  # fmt: skip
    assert lines[0]["cycle"] == "2026-01" and lines[0]["at"].endswith("+00:00")
    said = {"cause": "ValueError: no $(rm) 'x'", "cell": 5, "line": "x = 1"}
    assert said.items() <= lines[2].items()
    assert lines[-1]["exit_code"] == 1 and lines[-1]["pages"] == []
    assert "Planning cycle" in told.err and "step demand_review failed" in told.err


def test_a_month_that_has_not_closed_is_refused_and_the_old_one_is_not_run_again(
    sales_only, monkeypatch, capsys
):
    monkeypatch.setattr(cycle, "run", lambda *_a, **_n: pytest.fail("it ran"))
    monkeypatch.setattr(
        pd.Timestamp, "now", lambda tz=None: pd.Timestamp("2026-02-01 06:15", tz=tz)
    )
    assert main(["run", "--workspace", str(sales_only), "--month-end"]) == 1
    said = capsys.readouterr().err
    assert "2026-01 has not closed: whole months of sales end with 2025-12" in said
    assert f"all the same: sopkit run --workspace {sales_only} --cycle 2026-01" in said
    assert main(["run", "--month-end", "--cycle", "2026-01"]) == 2


def test_the_month_under_way_follows_the_calendar_of_the_company(sales_only):
    day = pd.Timestamp("2026-01-30 06:15")
    assert month_end.due(sales_only, today=day) == CYCLE
    calendar = "month,first_date,last_date\n2026-01,2026-01-01,2026-01-28\n"
    (sales_only / "data/raw/calendar.csv").write_text(calendar)
    with pytest.raises(month_end.NotClosed, match="2026-01 has not closed"):
        month_end.due(sales_only, today=day)


def test_sales_that_lost_their_last_months_do_not_plan_an_old_month_again(sales_only):
    publication.write_record(publication.folder(sales_only, months.shift(CYCLE, 1)), {"steps": {}})
    pages = sales_only / "reports/2026-02"
    pages.mkdir(parents=True)
    assert month_end.due(sales_only) == CYCLE  # tables alone, of `sopkit forecast`
    (pages / "index.html").write_text("")
    with pytest.raises(month_end.NotClosed, match="cycle 2026-02 has been planned already"):
        month_end.due(sales_only)


def test_force_from_and_only_exclude_each_other(sales_only):
    with pytest.raises(UsageError, match="exclude each other"):
        cycle.run(sales_only, CYCLE, only="data_review", is_forced=True)


def test_status_tells_who_is_at_work_and_what_failed_last_with_its_age(sales_only):
    now = pd.Timestamp("2026-01-05 12:00", tz="UTC")
    said = {"step": "demand_review", "cell": 5, "reason": "ValueError: no\nmore", "page": "/f.html"}
    publication.note_failure(sales_only, CYCLE, said | {"at": "2026-01-05T09:00:00+00:00"})
    here = arguments.parser([]).parse_args(["status", "--workspace", str(sales_only)])
    with cycle.lock(sales_only, CYCLE):
        publication.note_holder(sales_only, CYCLE, {"step": "supply_review"}, is_more=True)
        told = "\n".join(telling.status(sales_only, here, now=now))
    assert "2026-01  somebody is at work on it: " in told
    assert f"process {os.getpid()}" in told and "at supply_review" in told
    assert (
        "failed at demand_review, cell 5, 2026-01-05T09:00:00+00:00 (3 h ago): ValueError" in told
    )
    assert f"sopkit run --workspace {sales_only} --cycle 2026-01" in told
    publication.note_failure(sales_only, CYCLE, {})
    assert "failed" not in "\n".join(telling.status(sales_only, here, now=now))


def _cron() -> tuple[str, str]:
    """When the cron line is due, and the command that it gives to the shell."""
    lines = (SCHEDULES / "sopkit.cron").read_text().splitlines()
    line = next(line for line in lines if line[:1].isdigit())
    *when, command = line.split(None, 5)
    return " ".join(when), command


def test_the_cron_line_runs_as_cron_runs_it(sales_only, tmp_path):
    when, command = _cron()
    assert when == "15 6 1-10 * *" and "%" not in command  # cron makes a new line of it
    program = tmp_path / "srv/.venv/bin/sopkit"
    program.parent.mkdir(parents=True)
    package = Path(arguments.__file__).parent.parent
    program.write_text(
        f"#!/bin/sh\nPYTHONPATH={shlex.quote(str(package))} "
        f'exec {shlex.quote(sys.executable)} -m sopkit "$@"\n'
    )
    told = tmp_path / "srv/examples/schedules/told.sh"
    told.parent.mkdir(parents=True)
    told.write_text('#!/bin/sh\necho "$SOPKIT_EXIT_CODE $SOPKIT_REASON" > told.txt\n')
    for file in (program, told):
        file.chmod(0o755)
    sales_only.rename(tmp_path / "srv/northtrail")
    done = subprocess.run(
        ["/bin/sh", "-c", command.replace("/srv/sopkit", str(tmp_path / "srv"))],
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"},
        check=False,
    )
    words = (tmp_path / "srv/northtrail/run.err").read_text()
    assert done.returncode == 1 and "has not closed" in words  # its sales end with 2025-12
    log = (tmp_path / "srv/northtrail/run.log").read_text()
    assert json.loads(log)["event"] == "run_done"
    assert "has not closed" in (tmp_path / "srv/told.txt").read_text()


def test_the_units_name_each_other_and_a_command_that_is_understood():
    unit, timer = configparser.RawConfigParser(), configparser.RawConfigParser()
    unit.optionxform = timer.optionxform = str
    unit.read(SCHEDULES / "sopkit.service")
    timer.read(SCHEDULES / "sopkit.timer")
    program, *words = shlex.split(unit["Service"]["ExecStart"])
    assert Path(program).is_absolute() and unit["Service"]["Type"] == "oneshot"
    taken = arguments.parser(words).parse_args(words)
    assert taken.month_end and taken.log_json and events.program(taken.on_failure)
    cron = shlex.split(_cron()[1].partition(" sopkit run ")[2] or _cron()[1])
    assert words[1:] == cron[cron.index("--workspace") : cron.index(">>")]
    assert timer["Timer"]["OnCalendar"] == "*-*-01..10 06:15:00"


def test_systemd_takes_the_units(tmp_path):
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("needs systemd-analyze")
    unit = (SCHEDULES / "sopkit.service").read_text()
    unit = unit.replace("/srv/sopkit/.venv/bin/sopkit", sys.executable)  # a program that is here
    (tmp_path / "sopkit.service").write_text(unit)
    (tmp_path / "sopkit.timer").write_text((SCHEDULES / "sopkit.timer").read_text())
    units = [str(tmp_path / name) for name in ("sopkit.service", "sopkit.timer")]
    words = [program, "verify", "--man=no", *units]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    said = [line for line in done.stderr.splitlines() if "sopkit." in line]
    assert done.returncode == 0 and not said, done.stderr
