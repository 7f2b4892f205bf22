"""The command line: every misuse one clear message and its exit code, nothing written."""

from __future__ import annotations

import os
import signal
import time

import pandas as pd
import pytest

from sopkit import cycle, publication
from sopkit.__main__ import main


def _listing(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


@pytest.mark.parametrize(
    "command", ["run", "check", "init", "sample", "status", "forecast", "template", "submit"]
)
def test_help_teaches_by_example(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    assert "Example: sopkit " + command in capsys.readouterr().out


@pytest.mark.parametrize("words", ["2026-13", "../x", "202601", "2026-1", "x"])
def test_an_unknown_cycle_is_a_usage_error(sales_only, words, capsys):
    before = _listing(sales_only)
    assert main(["run", "--workspace", str(sales_only), "--cycle", words]) == 2
    assert "Write it as YYYY-MM" in capsys.readouterr().err
    assert _listing(sales_only) == before


BROKEN = {
    "no sales": (None, "data/raw holds no sales"),
    "empty file": ("", "the file is empty"),
    "no rows": ("item,month,quantity\n", "the table has no rows"),
    "misspelt column": (
        "item,month,quantitty\nA,2025-12,1\n",
        "Rename the column 'quantitty' of data/raw/sales.csv to 'quantity'",
    ),
    "text in a number": ("item,month,quantity\nA,2025-12,many\n", "not a number"),
    "ambiguous date": ("item,month,quantity\nA,01/02/2025,3\n", "day and month cannot be told"),
    "decimal comma": ("item;month;quantity\nA;2025-12;1,5\n", "the comma may mark thousands"),
    "duplicate key": ("item,month,quantity\nA,2025-12,1\nA,2025-12,2\n", "rows share one key"),
    "blank key": ("item,month,quantity\n,2025-12,1\n", "a key cell is blank"),
    "hole": ("item,month,quantity\nA,2025-10,1\nA,2025-12,2\n", "no sales at all in 2025-11"),
    "unreadable": ('item,month,quantity\n"A,2025-12,1\n', "sales.csv"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_sales_end_a_run_with_one_message_and_nothing_written(sales_only, name, capsys):
    text, words = BROKEN[name]
    path = sales_only / "data/raw/sales.csv"
    path.unlink() if text is None else path.write_text(text)
    before = _listing(sales_only)
    assert main(["run", "--workspace", str(sales_only), "--cycle", "2026-01"]) == 1
    said = capsys.readouterr()
    assert words in said.err and "Traceback" not in said.err
    assert _listing(sales_only) == before
    assert main(["check", "--workspace", str(sales_only)]) == 1


def test_check_shows_what_can_be_told_behind_an_unreadable_file(sales_only, capsys):
    raw = sales_only / "data/raw"
    (raw / "items.csv").write_text("")
    (raw / "budget.csv").write_text("family,month,revenue_value\nTents,soon,-5\nTents,2026-02,x\n")
    (raw / "inventroy.csv").write_text("a\n1\n")
    assert main(["check", "--workspace", str(sales_only), "--cycle", "2026-02"]) == 1
    lines = capsys.readouterr().out.splitlines()
    for words in (
        "breach: items: items.csv: the file is empty",
        "breach: budget.month: not a date",
        "breach: budget.revenue_value: not a number",
        "breach: sales.month: the month 2026-01 is not closed",
        "notice: inventroy.csv: a file nobody reads",
    ):
        assert any(line.startswith(words) for line in lines), (words, lines)
    assert "4 breaches, 1 notice" in lines[-1]


def test_check_says_nothing_false_of_tables_that_stand_beside_a_broken_one(tmp_path, capsys):
    """Nothing but the fault itself, and nothing about tables it made unusable."""
    root = tmp_path / "company"
    main(["init", str(root)])
    capsys.readouterr()
    main(["check", "--workspace", str(root)])
    sound = set(capsys.readouterr().out.splitlines()[:-1])
    raw = root / "data/raw"
    for name in sorted(path.stem for path in raw.glob("*.csv")):
        text = (raw / f"{name}.csv").read_text()
        (raw / f"{name}.csv").write_text("nonsense\n1\n")
        main(["check", "--workspace", str(root)])
        (raw / f"{name}.csv").write_text(text)
        lines = set(capsys.readouterr().out.splitlines()[:-1])
        strange = {line for line in lines - sound if not line.split(": ")[1].startswith(name)}
        assert not strange, (name, strange)


def test_a_wrong_encoding_names_the_file_and_the_remedy(sales_only, capsys):
    (sales_only / "data/raw/sales.csv").write_bytes(
        "item,month,quantity\nä,2025-12,1\n".encode("cp1252")
    )
    assert main(["run", "--workspace", str(sales_only)]) == 1
    assert (
        "sales.csv: line 2 is not UTF-8 text. Save the file as CSV UTF-8" in capsys.readouterr().err
    )


def test_a_month_without_sales_before_the_cycle_is_not_closed(sales_only, capsys):
    assert main(["run", "--workspace", str(sales_only), "--cycle", "2026-02"]) == 1
    assert "the month 2026-01 is not closed" in capsys.readouterr().err


def test_a_folder_that_is_no_workspace_is_a_usage_error(tmp_path, capsys):
    assert main(["status", "--workspace", str(tmp_path)]) == 2
    assert "sopkit init" in capsys.readouterr().err


def test_a_parameter_without_a_value_is_a_usage_error(sales_only, capsys):
    assert main(["run", "--workspace", str(sales_only), "-p", "horizon"]) == 2
    assert "write it as name=value" in capsys.readouterr().err


def test_a_cycle_being_run_ends_with_its_own_code(sales_only, monkeypatch):
    def busy(*_args, **_named):
        raise cycle.Busy("cycle 2026-01 is being run by another process.")

    monkeypatch.setattr(cycle, "run", busy)
    assert main(["run", "--workspace", str(sales_only)]) == 3


def test_init_makes_a_workspace_and_never_writes_over_one(tmp_path, capsys):
    root = tmp_path / "company"
    assert main(["init", str(root)]) == 0
    assert (root / "data/raw/sales.csv").is_file() and (root / "data/raw/README.md").is_file()
    assert main(["init", str(root)]) == 2
    assert main(["sample", "--workspace", str(root)]) == 2
    assert "never writes over tables" in capsys.readouterr().err


def test_an_empty_workspace_can_be_filled_with_another_seed(tmp_path, sample_raw):
    root = tmp_path / "company"
    assert main(["init", str(root), "--empty"]) == 0
    assert [path.name for path in (root / "data/raw").iterdir()] == ["README.md"]
    assert main(["sample", "--seed", "7", "--workspace", str(root)]) == 0
    lines = (root / "data/raw/sales.csv").read_text().splitlines()
    assert len(lines) > 1_000 and len(lines) - 1 != len(sample_raw["sales"])


def test_status_says_how_to_begin(sales_only, capsys):
    assert main(["status", "--workspace", str(sales_only)]) == 0
    assert "Begin with: sopkit run" in capsys.readouterr().out


def test_rows_beyond_the_cycle_are_a_notice_that_names_the_way_out(sales_only, capsys):
    assert main(["check", "--workspace", str(sales_only), "--cycle", "2025-12"]) == 0
    said = capsys.readouterr().out
    assert "2 rows of 2025-12 or later wait for a later cycle" in said and "--cycle" in said


def test_the_check_that_is_offered_sees_what_the_run_saw(sales_only, capsys):
    words = ["--workspace", str(sales_only), "--cycle", "2026-02"]
    assert main(["run", *words]) == 1
    offered = capsys.readouterr().err.rpartition("The whole list: sopkit ")[2].split()
    assert main(offered) == 1


def test_a_folder_that_cannot_be_made_is_said_without_a_traceback(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["init", str(tmp_path / "file" / "company")]) == 1
    assert "Check the path, its rights" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["rum"], "Did you mean 'run'?"),
        (["run", "--worksapce", "x"], "Did you mean '--workspace'?"),
        (["forecast", "--cylce", "2026-01"], "Did you mean '--cycle'?"),
    ],
)
def test_a_misspelt_command_or_option_is_answered_with_the_nearest(words, hint, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    assert capsys.readouterr().err.rstrip().endswith(hint)


def test_a_misspelt_step_is_answered_with_the_nearest(sales_only, capsys):
    assert main(["run", "--workspace", str(sales_only), "--from", "demnad_review"]) == 2
    assert "no step 'demnad_review'. Did you mean 'demand_review'?" in capsys.readouterr().err


def test_commands_that_messages_name_are_for_the_workspace_that_was_given(sales_only, capsys):
    place = f"--workspace {sales_only}"
    main(["status", *place.split()])
    assert f"Begin with: sopkit run {place}" in capsys.readouterr().out
    main(["template", *place.split(), "--department", "sales"])
    assert f"Run: sopkit run {place}\n" in capsys.readouterr().err
    main(["run", *place.split(), "--cycle", "2026-01", "--only", "supply_review"])
    assert f"once: sopkit run {place} --cycle 2026-01\n" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_stopped_says_how_it_goes_on(sales_only, monkeypatch, capsys, number):
    def stopped(*_args, progress, **_named):
        progress("cell", step="demand_review", cell=1, cells=9, title="Demand review")
        os.kill(os.getpid(), number)
        time.sleep(5)

    before = signal.getsignal(number)
    monkeypatch.setattr(cycle, "run", stopped)
    assert main(["run", "--workspace", str(sales_only)]) == 130
    said = capsys.readouterr().err
    assert said == (
        "sopkit: stopped at demand_review; the last pack is as it was. "
        f"It goes on with: sopkit run --workspace {sales_only}\n"
    )
    assert signal.getsignal(number) is before


def test_status_tells_a_run_that_was_cut_and_nothing_of_one_that_failed(sales_only, capsys):
    month = pd.Timestamp("2026-01-01")
    with pytest.raises(KeyboardInterrupt), cycle.lock(sales_only, month):
        publication.note_holder(sales_only, month, {"step": "supply_review"}, is_more=True)
        assert cycle.cut(sales_only) == {}  # it is being run
        raise KeyboardInterrupt
    main(["status", "--workspace", str(sales_only)])
    told = capsys.readouterr().out
    assert "2026-01  the last run was cut at supply_review; it goes on there with: " in told
    assert f"sopkit run --workspace {sales_only} --cycle 2026-01" in told
    with pytest.raises(ValueError, match="no"), cycle.lock(sales_only, month):
        raise ValueError("no")
    assert cycle.cut(sales_only) == {}
