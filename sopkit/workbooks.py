"""Excel out: the S&OP grid as people know it, months across; any tables, a sheet each.

Text from data stays text: a name that begins with ``=`` is never a formula.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sopkit.reconciliation import grid

_KEYS = ["family", "measure", "row"]


def write_grid(path: Path, sop_grid: pd.DataFrame) -> None:
    """Write the S&OP grid as a workbook of one sheet, ready to filter and to freeze.

    Parameters
    ----------
    path : Path
        Workbook to write.
    sop_grid : DataFrame
        Table `sop_grid`. Figures taken from the last plan are in italics.
    """
    from openpyxl import Workbook
    from openpyxl.styles import Font

    rows = (grid.LAST, grid.NOW, grid.DIFFERENCE, grid.RUNNING, "Budget", "Last year")
    order = {name: place for place, name in enumerate([*grid.VOLUMES, *grid.MONEY, *rows])}
    wide = sop_grid.pivot(index=_KEYS, columns="month", values=["amount", "is_last_plan"])
    wide = wide.sort_index(key=lambda words: words.map(order).fillna(-1) if words.name in
                           ("measure", "row") else words)  # fmt: skip
    book = Workbook()
    sheet = book.active
    sheet.title = "SOP grid"
    sheet.append([*_KEYS, *(month.date() for month in wide["amount"].columns)])
    for words, marks, amounts in zip(
        wide.index, wide["is_last_plan"].to_numpy(), wide["amount"].to_numpy(), strict=True
    ):
        sheet.append([*words, *(None if pd.isna(amount) else float(amount) for amount in amounts)])
        cells = sheet[sheet.max_row]
        for cell in cells[: len(_KEYS)]:
            cell.data_type = "s"
        for cell, mark in zip(cells[len(_KEYS) :], marks, strict=True):
            cell.number_format = "0.0%" if words[1] == "Utilisation" else "#,##0"
            cell.font = Font(italic=bool(mark is True))
    for cell in sheet[1]:
        cell.font, cell.number_format = Font(bold=True), "yyyy-mm"
    sheet.freeze_panes, sheet.auto_filter.ref = "D2", sheet.dimensions
    for column, width in (("A", 24), ("B", 12), ("C", 20)):
        sheet.column_dimensions[column].width = width
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)


def write_tables(path: Path, tables: dict[str, pd.DataFrame]) -> None:
    """Write tables with full figures: one as CSV, or each on a sheet of a workbook.

    Parameters
    ----------
    path : Path
        File to write; one that is there is replaced. Its suffix, .csv or .xlsx, says the kind.
    tables : dict of DataFrame
        Name of a sheet → its rows; as CSV the first alone. Months are written as days.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    if path.suffix == ".csv":
        first = next(iter(tables.values()))
        first.to_csv(part, index=False, encoding="utf-8-sig")  # so that Excel reads its letters
        part.replace(path)
        return
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    for name, table in tables.items():
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        columns = [_cells(table[column]) for column in table]

        def word(text: str, sheet=sheet) -> object:
            cell = WriteOnlyCell(sheet, text)
            cell.data_type = "s"  # a name like a formula stays text
            return cell

        sheet.append(list(table.columns))
        for row in zip(*columns, strict=True):
            sheet.append([word(x) if isinstance(x, str) and x[:1] == "=" else x for x in row])
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{len(table) + 1}"
    book.save(part)
    part.replace(path)


def _cells(column: pd.Series) -> list:
    """Cells of a column as Excel takes them: months as days, nothing where nothing is known."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return [None if pd.isna(month) else month.date() for month in column]
    return column.astype("object").where(column.notna(), None).tolist()
