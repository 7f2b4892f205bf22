"""Workbooks and CSV: the S&OP grid, any tables, extracts; text stays text, numbers numbers."""

from __future__ import annotations

import re

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sopkit import exports, workbooks

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
        assert back["item"].tolist() == ["'=1+1", "Zelt ü"]  # in CSV a formula would be run
        back["item"] = table["item"]
    else:
        assert openpyxl.load_workbook(path)["More"]["A2"].data_type == "s"
        back = pd.read_excel(path, sheet_name="Rows")
    pd.testing.assert_frame_equal(back, table, check_dtype=False)


FORM = {"item": "MATERIAL", "month": "PERIOD", "quantity": "QTY"}


def _extract() -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "family": ["Zelte ü", "#N/A", "=1+1"],
            "item": ["00123", "-5;7", "NA"],
            "month": [JANUARY, FEBRUARY, pd.NaT],
            "quantity": [1234567.5, -0.25, np.nan],
        }
    )
    return table.astype({"family": "str", "item": "str"})


def _written(tmp_path, table: pd.DataFrame, **words):
    columns = words.pop("columns", {name: name for name in table})
    forms = {"finance": exports.Export(columns, **words)}
    said = workbooks.write_extracts(tmp_path / "out", {"finance": table}, forms)
    return tmp_path / "out", said


def test_an_extract_is_csv_in_the_words_of_the_erp(tmp_path):
    words = dict(date_format="DD.MM.YYYY", separator="semicolon", decimal="comma")
    folder, said = _written(tmp_path, _extract(), columns=FORM, **words)
    assert (folder / "finance.csv").read_bytes() == (
        b"MATERIAL;PERIOD;QTY\r\n"
        b"00123;01.01.2026;1234567,5\r\n"
        b'"\'-5;7";01.02.2026;-0,25\r\n'
        b"NA;;\r\n"
    )
    assert said == [
        "finance.csv: 1 text begins like a formula; an apostrophe stands before them there."
    ]


def test_csv_without_a_mapping_is_utf_8_and_reads_back(tmp_path):
    folder, said = _written(tmp_path, _extract())
    assert not (folder / "finance.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    back = pd.read_csv(folder / "finance.csv", dtype={"item": "str"}, keep_default_na=False)
    assert back["family"].tolist() == ["Zelte ü", "#N/A", "'=1+1"]
    assert back["item"].tolist() == ["00123", "'-5;7", "NA"]
    assert len(said) == 1 and "2 texts begin" in said[0]


def test_an_extracts_workbook_holds_numbers_days_and_texts_as_such(tmp_path):
    folder, _ = _written(tmp_path, _extract(), date_format="DD.MM.YYYY")
    sheet = openpyxl.load_workbook(folder / "finance.xlsx")["finance"]
    assert [cell.value for cell in sheet[1]] == list(_extract())
    assert all(cell.font.bold for cell in sheet[1]) and sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:D4"
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
    assert rows == [
        ["Zelte ü", "00123", JANUARY, 1234567.5],
        ["#N/A", "-5;7", FEBRUARY, -0.25],
        ["=1+1", "NA", None, None],
    ]
    assert {sheet[f"A{n}"].data_type for n in (2, 3, 4)} == {"s"}
    assert (sheet["C2"].number_format, sheet["D2"].number_format) == ("dd.mm.yyyy", "#,##0.00")
    assert all(sheet.column_dimensions[name].width >= 9 for name in "ABCD")


def test_an_extract_without_rows_is_left_out_said_and_its_old_files_go(tmp_path):
    folder, _ = _written(tmp_path, _extract())
    assert sorted(path.name for path in folder.iterdir()) == ["finance.csv", "finance.xlsx"]
    _, said = _written(tmp_path, _extract()[:0])
    assert list(folder.iterdir()) == []
    assert said == ["Extract finance is left out: there is nothing in it."]


def test_a_column_that_nothing_gives_is_blank_and_said(tmp_path):
    table = _extract().assign(owner=pd.Series([np.nan] * 3, dtype="str"), cost=np.nan)
    folder, said = _written(tmp_path, table, columns={"item": "CODE", "owner": "WHO", "cost": "C"})
    assert "Extract finance is blank in owner, cost: no table gives that." in said
    assert (folder / "finance.csv").read_text().splitlines()[1] == "00123,,"


def test_rows_that_share_a_key_once_columns_are_left_out_are_added_up_and_it_is_said(tmp_path):
    table = pd.DataFrame(
        {
            "item": ["A", "A", None, None, "B"],
            "channel": list("xyxyx"),
            "month": [JANUARY] * 4 + [pd.NaT],
            "quantity": [1.0, 2.5, 4.0, np.nan, np.nan],
            "revenue_value": [np.nan, 8.0, np.nan, np.nan, 1.0],
        }
    ).astype({"item": "str"})
    columns = {name: name for name in table if name != "channel"}
    folder, said = _written(tmp_path, table, columns=columns)
    lines = (folder / "finance.csv").read_text().splitlines()
    assert lines[1:] == ["A,2026-01-01,3.5,8", ",2026-01-01,4,", "B,,,1"]
    assert said == ["Extract finance is added up over what exports.yml leaves out: channel."]
    sheet = openpyxl.load_workbook(folder / "finance.xlsx")["finance"]
    assert [row[2].value for row in sheet.iter_rows(min_row=2)] == [3.5, 4.0, None]
    _, said = _written(tmp_path, table)  # with the channel each row has its own key
    assert said == []
    folder, said = _written(tmp_path, table, columns={"quantity": "QTY"})
    assert (folder / "finance.csv").read_text().splitlines() == ["QTY", "7.5"]
    assert said[0].endswith(
        "item, channel, month, revenue_value, quantities in the items' own units."
    )


def test_rates_and_durations_are_never_added_up(tmp_path):
    table = pd.DataFrame(
        {
            "item": ["A", "A", "A"],
            "like_item": list("xyz"),
            "scale_rate": [0.5, 0.5, 2.0],
            "ramp_months": [3.0, 3.0, 3.0],
            "weight_share": [0.25, 0.75, 1.0],
        }
    )
    folder, _ = _written(tmp_path, table, columns={n: n for n in table if n != "like_item"})
    assert (folder / "finance.csv").read_text().splitlines()[1:] == ["A,0.5,3,1", "A,2,3,1"]


def test_a_sheet_that_excel_cannot_hold_is_csv_alone_and_said(tmp_path, monkeypatch):
    monkeypatch.setattr(workbooks, "_MOST_ROWS", 2)
    folder, said = _written(tmp_path, _extract())
    assert [path.name for path in folder.iterdir()] == ["finance.csv"]
    assert "finance has more rows than a sheet of Excel holds: it is CSV alone." in said


def test_extracts_of_one_book_are_its_sheets(tmp_path):
    forms = exports.settled({})
    load = pd.DataFrame({name: [1.0] for name in forms["production_hours"].columns})
    made = pd.DataFrame({name: [2.0] for name in forms["production"].columns})
    tables = {"production": made, "production_hours": load}
    workbooks.write_extracts(tmp_path, tables, forms)
    book = openpyxl.load_workbook(tmp_path / "production.xlsx")
    assert book.sheetnames == ["production", "production_hours"]
    assert sorted(path.name for path in tmp_path.glob("*.csv")) == [
        "production.csv",
        "production_hours.csv",
    ]


@given(st.floats(min_value=-1e12, max_value=1e12))
def test_numbers_in_csv_are_exact_to_six_decimals_and_never_in_exponents(amount):
    text = workbooks._plain(amount, ",")
    assert re.fullmatch(r"-?\d+(,\d{1,6})?", text) and text != "-0"
    assert abs(float(text.replace(",", ".")) - amount) <= 5e-7 + abs(amount) * 1e-15
