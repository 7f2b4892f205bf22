"""Tables beside a page: all rows in full, harmless, the same bytes twice, none left from before."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import nbformat
import numpy as np
import openpyxl
import pandas as pd
import pytest
from matplotlib.figure import Figure

from sopkit import agenda, exhibits
from sopkit.pages import downloads, pack

STEP = agenda.step("demand_review")
IMPRINT = pack.Imprint("North & Sons", pd.Timestamp("2026-01-01"), "0.1")
EVIL = "=1+1"


def _rows(count: int) -> pd.DataFrame:
    names = [EVIL, *(f"Item {place}" for place in range(1, count))]
    spread = np.arange(count) / 7.0 * 12_345.6
    return pd.DataFrame({
        "item": names, "month": pd.Timestamp("2026-03-01"), "quantity": spread - 1.0,
        "money": spread, "share": 1 / 3, "family": "Tents", "unit": "crates",
    })  # fmt: skip


def _table(frame: pd.DataFrame, **choices) -> exhibits.Exhibit:
    columns = dict(item="Item", month="Month", quantity="Units", money="Money", share="Share")
    kinds = dict(month="month", quantity="quantity", money="value", share="rate")
    shared = dict(caption="What is: wanted?", columns=columns, kinds=kinds, currency="EUR")
    return exhibits.table(frame, **shared | choices)


def _page(folder: Path, *shown: exhibits.Exhibit) -> str:
    """The page of a notebook that shows some exhibits."""
    notebook = nbformat.v4.new_notebook()
    for exhibit in shown:
        cell = nbformat.v4.new_code_cell("secret_call()")
        data = exhibit._repr_mimebundle_()
        cell.outputs = [nbformat.v4.new_output("display_data", data=data)]
        notebook.cells.append(cell)
    executed = folder / "executed.ipynb"
    nbformat.write(notebook, executed)
    return pack.write_page(executed, folder, STEP, IMPRINT).read_text(encoding="utf-8")


def _links(page: str) -> list[str]:
    return re.findall(r'href="(tables/[^"]+)"', page)


def _csv(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_a_csv_holds_all_rows_in_full_and_no_formula(tmp_path):
    frame = _rows(300)
    page = _page(tmp_path, _table(frame))
    place, _ = _links(page)
    assert place == "tables/03_demand_review/01_what-is-wanted.csv"
    head, *rows = _csv(tmp_path / place)
    assert head == ["Item", "Month", "Units", "Money, EUR", "Share, share"]
    assert [float(row[3]) for row in rows] == frame["money"].tolist()  # not in thousands
    assert [float(row[4]) for row in rows] == [1 / 3] * 300
    assert rows[0][0] == "'=1+1" and rows[0][1] == "2026-03" and rows[0][2] == "-1"
    assert "All 300 rows: CSV" in page and 'data-rows="300"' in page
    assert page.count('data-f="Tents"') == 200  # as many as a page holds


def test_a_workbook_has_a_sheet_a_table_with_real_numbers_and_days(tmp_path):
    frame = _rows(3)
    page = _page(tmp_path, _table(frame), _table(frame, source="sales"))
    book = openpyxl.load_workbook(tmp_path / _links(page)[-1])
    assert book.sheetnames == ["01 What is  wanted", "02 What is  wanted"]
    sheet = book.worksheets[1]
    assert sheet["A1"].value == "What is: wanted?"
    assert sheet["A2"].value == "Money in EUR; Share in share. Source: sales.parquet"
    assert sheet.freeze_panes == "A5"
    rows = list(sheet.iter_rows(min_row=5, values_only=True))
    assert [row[0] for row in rows] == frame["item"].tolist()
    assert sheet["A5"].data_type == "s"  # text, never a formula
    assert rows[0][1].strftime("%Y-%m-%d") == "2026-03-01"
    np.testing.assert_allclose([row[2] for row in rows], frame["quantity"], rtol=1e-15)
    assert sheet["E5"].value == 1 / 3 and sheet["E5"].number_format == "0.0%"


def test_the_same_tables_give_the_same_bytes(tmp_path):
    written = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        _page(tmp_path / name, _table(_rows(20)))
        files = sorted((tmp_path / name / "tables").rglob("*.*"))
        written.append([path.read_bytes() for path in files])
    assert len(written[0]) == 2 and written[0] == written[1]


def test_tables_of_an_earlier_run_are_taken_away(tmp_path):
    _page(tmp_path, _table(_rows(3)), _table(_rows(3), caption="Gone later"))
    page = _page(tmp_path, _table(_rows(3)))
    left = {path.relative_to(tmp_path).as_posix() for path in (tmp_path / "tables").rglob("*.*")}
    assert left == set(_links(page))
    page = _page(tmp_path, exhibits.note("Nothing to show."))
    assert not _links(page) and not list((tmp_path / "tables").rglob("*.*"))


def test_a_kept_page_has_its_tables_beside_it(tmp_path):
    page = _page(tmp_path, _table(_rows(3)))
    kept = pack.keep_page(tmp_path, STEP, 1)
    _page(tmp_path, _table(_rows(2)))
    assert _links(kept.read_text(encoding="utf-8")) == _links(page)
    tables = [kept.parent / place for place in _links(page)]
    assert len(_csv(tables[0])) == 4 and tables[1].is_file()


def test_amounts_of_several_kinds_carry_their_unit(tmp_path):
    frame = _rows(2).assign(unit=["value", "crates"])
    place = _links(_page(tmp_path, _table(frame, kinds={"quantity": "unit"})))[0]
    head, *rows = _csv(tmp_path / place)
    assert head[2:4] == ["Units", "Unit"] and [row[3] for row in rows] == ["EUR", "crates"]


def test_a_chart_has_its_figures_folded_below_it_and_as_csv(tmp_path):
    drawn = Figure()
    drawn.subplots().plot([1, 2, 3], [4.0, 5.5, 1 / 3], label="plan")
    page = _page(tmp_path, exhibits.figure(drawn, alt="Demand by month"))
    assert page.count('<details class="behind">') == 1
    rows = _csv(tmp_path / _links(page)[0])
    assert rows[0] == ["Where", "plan"] and float(rows[-1][1]) == pytest.approx(1 / 3, abs=1e-9)


def test_tables_that_cannot_be_written_stop_the_page(tmp_path):
    (tmp_path / "tables").write_text("in the way")
    with pytest.raises(OSError, match="tables"):
        _page(tmp_path, _table(_rows(2)))
    assert not (tmp_path / "03_demand_review.html").exists()
    assert downloads.TABLES == "tables"
