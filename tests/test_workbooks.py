"""The S&OP grid as a workbook: what the page shows, months across, text stays text."""

from __future__ import annotations

import numpy as np
import openpyxl
import pandas as pd
import pytest

from sopkit import workbooks

JANUARY, FEBRUARY = pd.Timestamp("2026-01-01"), pd.Timestamp("2026-02-01")


def _grid() -> pd.DataFrame:
    rows = [
        ("=1+1", "Sales", "Actual / new plan", JANUARY, 12.5, False),
        ("=1+1", "Sales", "Last plan", FEBRUARY, 7.0, False),
        ("=1+1", "Supply", "Actual / new plan", FEBRUARY, 9.0, True),
        ("Company", "Sales", "Actual / new plan", JANUARY, 20.0, False),
    ]
    return pd.DataFrame(
        rows, columns=["family", "measure", "row", "month", "amount", "is_last_plan"]
    )


def _sheet(tmp_path):
    workbooks.write_grid(tmp_path / "grid.xlsx", _grid())
    return openpyxl.load_workbook(tmp_path / "grid.xlsx").active


def test_months_stand_across_and_rows_in_the_order_of_the_page(tmp_path):
    sheet = _sheet(tmp_path)
    assert [cell.value for cell in sheet[1]][3:] == [JANUARY, FEBRUARY]
    words = [tuple(cell.value for cell in row[:3]) for row in sheet.iter_rows(min_row=2)]
    assert words == [
        ("=1+1", "Sales", "Last plan"),
        ("=1+1", "Sales", "Actual / new plan"),
        ("=1+1", "Supply", "Actual / new plan"),
        ("Company", "Sales", "Actual / new plan"),
    ]
    assert sheet["D3"].value == 12.5 and sheet["E3"].value is None


def test_a_name_that_looks_like_a_formula_stays_text(tmp_path):
    assert _sheet(tmp_path)["A2"].data_type == "s"


def test_figures_of_the_last_plan_are_in_italics(tmp_path):
    sheet = _sheet(tmp_path)
    assert sheet["E4"].font.italic and not sheet["D3"].font.italic


def test_the_grid_is_not_changed(tmp_path):
    given = _grid()
    workbooks.write_grid(tmp_path / "grid.xlsx", given)
    pd.testing.assert_frame_equal(given, _grid())


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_tables_come_back_as_they_were_written(tmp_path, kind):
    table = pd.DataFrame(
        {"item": ["=1+1", "Zelt ü"], "month": [JANUARY, FEBRUARY], "came": [0.1 + 0.2, np.nan]}
    )
    workbooks.write_tables(tmp_path / f"new/out.{kind}", {"Rows": table, "More": table})
    path = tmp_path / f"new/out.{kind}"
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    if kind == "csv":
        back = pd.read_csv(path, parse_dates=["month"])
    else:
        assert openpyxl.load_workbook(path)["More"]["A2"].data_type == "s"
        back = pd.read_excel(path, sheet_name="Rows")
    pd.testing.assert_frame_equal(back, table, check_dtype=False)
