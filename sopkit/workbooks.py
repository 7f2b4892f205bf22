"""Excel out: the S&OP grid as people know it, months across, one row a family, measure and row.

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
