"""Excel and CSV out: the S&OP grid as people know it, any tables, extracts for the ERP.

Text from data stays text: a name that begins with ``=`` is never a formula.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from sopkit import whole
from sopkit.cells import all_harmless, harmless
from sopkit.contract import counted
from sopkit.exports import Export
from sopkit.extracts import EXTRACTS
from sopkit.reconciliation import grid

_KEYS = ["family", "measure", "row"]
_MOST_ROWS = 1_048_575  # of a sheet, below its header
_WIDTHS = (9, 44)  # of a column, letters
_DIGITS = 6  # decimals in CSV


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
    with whole.replacing(path) as part:
        book.save(part)


def write_tables(
    path: Path, tables: dict[str, pd.DataFrame], dates: dict[str, str] | None = None
) -> None:
    """Write tables with full figures: one as CSV, or each on a sheet of a workbook.

    Parameters
    ----------
    path : Path
        File to write; one that is there is replaced. Its suffix, .csv or .xlsx, says the kind.
    tables : dict of DataFrame
        Name of a sheet → its rows; as CSV the first alone. Months are written as days.
    dates : dict, optional
        Name of a sheet → how it shows its days, such as DD.MM.YYYY; left out: YYYY-MM-DD.
    """
    if path.suffix == ".csv":
        safe = all_harmless(next(iter(tables.values())))
        with whole.replacing(path) as part:  # a mark, so that Excel reads its letters
            safe.to_csv(part, index=False, encoding="utf-8-sig")
        return
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    for name, table in tables.items():
        _write_sheet(book.create_sheet(name), table, (dates or {}).get(name, "YYYY-MM-DD"))
    with whole.replacing(path) as part:
        book.save(part)


def _write_sheet(sheet, table: pd.DataFrame, date_format: str) -> None:
    """A table on a sheet: header bold and frozen, columns wide enough, ready to filter."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font, PatternFill
    from openpyxl.utils import get_column_letter

    sheet.freeze_panes = "A2"
    heads = [WriteOnlyCell(sheet, name) for name in table]
    cells = [WriteOnlyCell(sheet) for _ in heads]  # one a column: a row is written at once
    for place, (name, head, cell) in enumerate(zip(table, heads, cells, strict=True), start=1):
        head.data_type, head.font = "s", Font(bold=True)
        head.fill = PatternFill("solid", fgColor="E8ECF0")
        cell.number_format, width = _shown(table[name], date_format)
        width = min(max(width, len(name) + 4, _WIDTHS[0]), _WIDTHS[1])  # 4: the filter's arrow
        sheet.column_dimensions[get_column_letter(place)].width = width
    sheet.append(heads)
    for row in zip(*(_cells(table[name]) for name in table), strict=True):
        for cell, value in zip(cells, row, strict=True):
            cell.value = value
            if isinstance(value, str):
                cell.data_type = "s"  # a name like a formula stays text
        sheet.append(cells)
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(heads))}{len(table) + 1}"


def _shown(column: pd.Series, date_format: str) -> tuple[str, int]:
    """Number format of a column, and the letters it needs."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return date_format.lower(), len(date_format) + 2
    if pd.api.types.is_float_dtype(column):
        known = column.dropna()
        return ("#,##0" if known.eq(known.round()).all() else "#,##0.00"), 14
    return "General", 2 + max((len(str(word)) for word in column.head(500)), default=0)


def _cells(column: pd.Series) -> list:
    """Cells of a column as Excel takes them: months as days, nothing where nothing is known."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return [None if pd.isna(month) else month.date() for month in column]
    return column.astype("object").where(column.notna(), None).tolist()


def write_extracts(
    folder: Path, made: dict[str, pd.DataFrame], forms: dict[str, Export]
) -> list[str]:
    """Write extracts as the ERP wants them: each as CSV, and as a sheet of its workbook.

    Parameters
    ----------
    folder : Path
        Where they go; those of an earlier closing are replaced.
    made : dict of DataFrame
        From ``extracts.extracts``.
    forms : dict
        From ``sources.export_forms``.

    Returns
    -------
    list of str
        Sentences to say: extracts left out because they have no rows, rows added up because their
        key is not wanted whole, columns that are blank throughout, texts that CSV guards, sheets
        too long for Excel.
    """
    folder.mkdir(parents=True, exist_ok=True)
    said, books = [], {EXTRACTS[name].book: {} for name in made}
    for name, table in made.items():
        form, file = forms[name], folder / f"{name}.csv"
        if table.empty:
            file.unlink(missing_ok=True)
            said.append(f"Extract {name} is left out: there is nothing in it.")
            continue
        chosen = _added_up(table[list(form.columns)])
        if len(chosen) < len(table):
            out = ", ".join(column for column in table if column not in form.columns)
            own = ", quantities in the items' own units" if "item" in out.split(", ") else ""
            said.append(f"Extract {name} is added up over what exports.yml leaves out: {out}{own}.")
        blank = list(chosen.columns[chosen.isna().all()])
        if blank:
            said.append(f"Extract {name} is blank in {', '.join(blank)}: no table gives that.")
        renamed = chosen.rename(columns=form.columns)
        guarded = _write_csv(file, renamed, form)
        if guarded:
            texts = counted(guarded, "text begins", "texts begin")
            said.append(
                f"{file.name}: {texts} like a formula; an apostrophe stands before them there."
            )
        if len(chosen) <= _MOST_ROWS:
            books[EXTRACTS[name].book][name] = renamed
        else:
            said.append(f"{name} has more rows than a sheet of Excel holds: it is CSV alone.")
    dates = {name: form.date_format for name, form in forms.items()}
    for book, sheets in books.items():
        (folder / f"{book}.xlsx").unlink(missing_ok=True)
        if sheets:
            write_tables(folder / f"{book}.xlsx", sheets, dates)
    return said


def _added_up(chosen: pd.DataFrame) -> pd.DataFrame:
    """One row for each text, day, rate and duration: what shares them is added up."""
    numbers = chosen.select_dtypes("number").columns
    amounts = [name for name in numbers if not name.endswith(("_rate", "_months"))]
    keys = [name for name in chosen if name not in amounts]
    own = chosen.groupby(keys or np.zeros(len(chosen)), dropna=False, sort=False)
    added = own[amounts].sum(min_count=1)
    return added.reset_index()[[*chosen]] if len(added) < len(chosen) else chosen


def _write_csv(path: Path, table: pd.DataFrame, form: Export) -> int:
    """One extract as text; how many texts had to be guarded."""
    separator, point = form.signs
    days = form.date_format.replace("YYYY", "%Y").replace("MM", "%m").replace("DD", "%d")
    written, guarded = {}, 0
    for name, column in table.items():
        if pd.api.types.is_datetime64_any_dtype(column):
            column = column.dt.strftime(days)
        elif pd.api.types.is_float_dtype(column):
            column = column.map(lambda amount: _plain(amount, point), na_action="ignore")
        elif pd.api.types.is_string_dtype(column):
            safe = column.map(harmless, na_action="ignore")
            column, guarded = safe, guarded + int((safe.notna() & safe.ne(column)).sum())
        written[name] = column
    with whole.replacing(path) as part:
        pd.DataFrame(written).to_csv(
            part, index=False, sep=separator, encoding="utf-8", lineterminator="\r\n"
        )
    return guarded


def _plain(amount: float, point: str) -> str:
    """A number without exponent, and without zeros at its end.

    Examples
    --------
    >>> _plain(1234.5, ","), _plain(-0.0000001, "."), _plain(3e7, ".")
    ('1234,5', '0', '30000000')
    """
    text = f"{amount:.{_DIGITS}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text.replace(".", point)
