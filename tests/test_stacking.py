"""Several files, one table: the later entry counts, and every row is named by its own file."""

from __future__ import annotations

import pandas as pd
import pytest

from sopkit import contract, schema, stacking


def _part(name: str, label: str, rows: list[dict]):
    frame = pd.DataFrame(rows).astype("str")
    source = contract.Source(label, 2, "line")
    return contract.check_table(name, frame, source), source


def _said(label: str, *rows: tuple):
    lines = [
        {"department": "sales", "cycle": "2026-01", "month": f"2026-{month:02d}",
         "quantity": units, "entered_at": when, "author": label}
        for month, units, when in rows
    ]  # fmt: skip
    return _part("submissions", label, lines)


def test_the_later_entry_counts_and_rows_keep_the_name_of_their_line():
    parts = [
        _said("a.csv", (2, 1, "2026-01-05"), (3, 2, "2026-01-05"), (4, 3, "2026-01-05")),
        _said("b.csv", (3, 4, "2026-01-05T10:00:00Z"), (5, 5, "2026-01-01")),
    ]
    checked, source = stacking.stack("submissions", parts)
    assert checked.frame["quantity"].tolist() == [1.0, 3.0, 4.0, 5.0]
    names = [source.row(k) for k in range(4)]
    assert names == ["line 2 of a.csv", "line 4 of a.csv", "line 2 of b.csv", "line 3 of b.csv"]
    assert checked.findings == []


def test_without_a_time_the_later_file_counts():
    parts = [_said("a.csv", (2, 1, "")), _said("b.csv", (2, 7, ""))]
    assert stacking.stack("submissions", parts)[0].frame["quantity"].tolist() == [7.0]


def test_entries_of_one_file_may_follow_one_another():
    parts = [_said("a.csv", (2, 9, "2026-01-06"), (2, 1, "2026-01-05"))]
    checked, source = stacking.stack("submissions", parts)
    assert checked.frame["quantity"].tolist() == [9.0] and checked.findings == []
    assert source.row(0) == "line 2 of a.csv"
    parts = [_said("a.csv", (2, 9, "2026-01-06"), (2, 1, "2026-01-06"))]
    assert "share one key" in stacking.stack("submissions", parts)[0].findings[0].message


def test_that_nothing_is_to_change_takes_no_numbers_place_and_a_withdrawal_does():
    later = {"department": "sales", "cycle": "2026-01", "month": "2026-02"}
    for column, left in [("is_unchanged", [1.0, 2.0]), ("is_withdrawn", [2.0])]:
        said = _part("submissions", "b.csv", [later | {column: True, "entered_at": "2026-01-09"}])
        frame = stacking.stack("submissions", [_said("a.csv", (2, 1, ""), (3, 2, "")), said])[
            0
        ].frame
        assert frame["quantity"].dropna().tolist() == left
        assert frame[column].fillna(False).sum() == 1


@pytest.mark.parametrize("second", ["2025-12", "2025-11"])
def test_doubles_between_files_of_a_measured_table_are_a_breach(second):
    rows = [[{"item": "A", "month": month, "quantity": 1}] for month in ("2025-12", second)]
    parts = [_part("sales", f"{k}.csv", lines) for k, lines in enumerate(rows)]
    findings = stacking.stack("sales", parts)[0].findings
    assert [f.sales_rows for f in findings] == ([(0, 1)] if second == "2025-12" else [])


def test_what_one_file_does_wrong_touches_its_own_rows_in_the_whole():
    good, bad = ({"item": "A", "month": "2025-12", "quantity": q} for q in (1, "many"))
    parts = [_part("sales", "a.csv", [good]), _part("sales", "b.csv", [bad])]
    breach = stacking.stack("sales", parts)[0].findings[0]
    assert breach.message == "not a number." and breach.state == "breach"


def test_a_file_name_with_braces_is_written_as_it_is():
    parts = [_said("{x}.csv", (2, 1, "")), _said("b.csv", (3, 7, ""))]
    assert stacking.stack("submissions", parts)[1].row(0) == "line 2 of {x}.csv"


def test_every_table_that_people_enter_says_who_and_when():
    for name in schema.ENTERED:
        assert {"author", "entered_at", "cycle"} <= set(schema.RAW[name].column_names), name
        assert schema.RAW[name].column("entered_at").kind == "time"
