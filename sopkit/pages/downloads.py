"""All rows of a page's tables, beside it: each as CSV, all of them as one workbook.

``tables/<notebook>/`` of a pack holds the CSV of each table of a page, ``tables/<notebook>.xlsx``
all of them. Both are made anew with the page: what an earlier run left is taken away first.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
import zipfile
from html import escape
from pathlib import Path

import nbformat
import pandas as pd

from sopkit import carried, cells, naming, whole

TABLES = "tables"  # a folder of each cycle's reports, and of each kept revision's
_MARK = re.compile(r"<!--csv (\d+)-->")  # where an exhibit wants the link to its table
_DAY = re.compile(r"\d{4}-\d{2}(-\d{2})?")
_FORMATS = {"rate": "0.0%", "fine_rate": "0.00%", "count": "#,##0", "decimal": "0.00"}
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_WIDTHS = (10, 48)  # of a column, letters
_MOST_ROWS = 1_048_500  # of a sheet, below its head
_CREATED = (1980, 1, 1, 0, 0, 0)  # of all files: the same tables give the same bytes
_STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def write(notebook: nbformat.NotebookNode, folder: Path, name: str) -> str:
    """Write the tables that a notebook's outputs carry, and link them where its markup wants it.

    Parameters
    ----------
    notebook : NotebookNode
        Executed; its outputs' markup gets the links, so it is changed.
    folder : Path
        The pack.
    name : str
        Of the page, without suffix.

    Returns
    -------
    str
        Address of the workbook; empty where the page has no table.
    """
    clear(folder, name)
    tables: list[dict] = []
    for output in _outputs(notebook):
        own = output["data"].get(carried.MIME, [])
        links = [_link(table, f"{TABLES}/{name}", len(tables) + n) for n, table in enumerate(own)]
        for table, (address, _) in zip(own, links, strict=True):
            _write_csv(folder / address, table)
        markup = output["data"]["text/html"]
        markup = "".join(markup) if isinstance(markup, list) else markup
        words = [words for _, words in links]
        output["data"]["text/html"] = _MARK.sub(lambda mark, w=words: w[int(mark[1])], markup)
        tables += own
    if not tables:
        return ""
    _write_workbook(folder / TABLES / f"{name}.xlsx", tables)
    return f"{TABLES}/{name}.xlsx"


def clear(folder: Path, name: str) -> None:
    """Take away the tables that an earlier run wrote for a page."""
    shutil.rmtree(folder / TABLES / name, ignore_errors=True)
    (folder / TABLES / f"{name}.xlsx").unlink(missing_ok=True)


def keep(folder: Path, name: str, target: Path) -> None:
    """Copy the tables of a page beside the page that is kept for a closed revision."""
    clear(target, name)
    if (folder / TABLES / name).is_dir():
        shutil.copytree(folder / TABLES / name, target / TABLES / name)
        shutil.copy2(folder / TABLES / f"{name}.xlsx", target / TABLES / f"{name}.xlsx")


def _headings(table: dict) -> list[str]:
    return [", ".join(filter(None, (c["heading"], c["unit"]))) for c in table["columns"]]


def _outputs(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """Outputs that show markup, in order."""
    cells_ = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [o for cell in cells_ for o in cell.outputs if "text/html" in o.get("data", {})]


def _link(table: dict, place: str, number: int) -> tuple[str, str]:
    """Address of a table's CSV, and the link to it."""
    address = f"{place}/{number + 1:02d}_{naming.anchor(table['caption'])}.csv"
    rows = len(table["columns"][0]["cells"])
    words = f"All {rows:,} rows: CSV" if rows > 1 else "CSV"
    name = escape(f"{words}, {table['caption']}")  # which of a page's many
    return address, f'<a href="{escape(address)}" download aria-label="{name}">{words}</a>'


def _rows(table: dict) -> list[tuple]:
    return list(zip(*(column["cells"] for column in table["columns"]), strict=True))


def _write_csv(path: Path, table: dict) -> None:
    """All rows in full precision, texts that a spreadsheet would take for a formula made harmless.

    Marked as UTF-8, so that Excel reads its letters.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(map(cells.harmless, _headings(table)))
    for row in _rows(table):
        writer.writerow([cells.harmless(c) if isinstance(c, str) else c for c in row])
    whole.write_bytes(text.getvalue().encode("utf-8-sig"), path)


def _write_workbook(path: Path, tables: list[dict]) -> None:
    """A sheet a table; dates and numbers are such, and the same tables give the same bytes."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    for number, table in enumerate(tables, start=1):
        words = re.sub(r"[\[\]:*?/\\']", " ", table["caption"])
        _write_sheet(book.create_sheet(f"{number:02d} {words}"[:31].rstrip()), table)
    made = io.BytesIO()
    book.save(made)
    whole.write_bytes(_undated(made), path)


def _write_sheet(sheet, table: dict) -> None:
    """Caption, unit and source on top, then the head, frozen, then the rows."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    sheet.freeze_panes = "A5"
    heads = _headings(table)
    for place, (head, column) in enumerate(zip(heads, table["columns"], strict=True), start=1):
        longest = max((len(str(cell)) for cell in column["cells"][:200]), default=0)
        width = min(max(longest + 2, len(head) + 2, _WIDTHS[0]), _WIDTHS[1])
        sheet.column_dimensions[get_column_letter(place)].width = width
    top = [WriteOnlyCell(sheet, text) for text in (table["caption"], _said(table), None)]
    bold = [WriteOnlyCell(sheet, head) for head in heads]
    for cell in (top[0], *bold):
        cell.font = Font(bold=True)
    for cell in (*top[:2], *bold):
        cell.data_type = "s"  # a heading like a formula stays text
    for line in (top[:1], top[1:2], [], bold):
        sheet.append(line)
    made = [WriteOnlyCell(sheet) for _ in heads]
    formats = [_format(column) for column in table["columns"]]
    for row in _rows(table)[:_MOST_ROWS]:
        for cell, value, shown in zip(made, row, formats, strict=True):
            _fill(cell, value, shown)
        sheet.append(made)


def _said(table: dict) -> str:
    units = [f"{c['heading']} in {c['unit']}" for c in table["columns"] if c["unit"]]
    source = f"Source: {table['source']}.parquet" if table["source"] else ""
    return ". ".join(filter(None, ["; ".join(units), source])) or "All rows of the page's table."


def _format(column: dict) -> str:
    """How a sheet shows a column's numbers or days."""
    known = [cell for cell in column["cells"] if cell is not None]
    if column["kind"] == "month":
        return "yyyy-mm" if all(len(str(cell)) == 7 for cell in known) else "yyyy-mm-dd"
    if column["kind"] in carried.TEXTS:
        return "General"
    is_whole = all(isinstance(cell, int) for cell in known)
    base = column["kind"].removeprefix("signed_")
    return _FORMATS.get(base, "#,##0" if is_whole else "#,##0.00")


def _fill(cell, value: object, shown: str) -> None:
    is_day = shown.startswith("yyyy") and isinstance(value, str) and _DAY.fullmatch(value)
    cell.value = pd.Timestamp(value).date() if is_day else _legible(value)
    cell.number_format = shown
    if isinstance(value, str) and not is_day:
        cell.data_type = "s"  # a name like a formula stays text


def _legible(value: object) -> object:
    """A text without the control characters that a workbook cannot hold."""
    return _CONTROL.sub(" ", value) if isinstance(value, str) else value


def _undated(made: io.BytesIO) -> bytes:
    """A workbook without the time at which it was made."""
    target = io.BytesIO()
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(target, "w") as new:
        for part in sorted(old.infolist(), key=lambda part: part.filename):
            content = old.read(part)
            if part.filename == "docProps/core.xml":
                content = _STAMP.sub(b"1980-01-01T00:00:00Z", content)
            info = zipfile.ZipInfo(part.filename, _CREATED)
            info.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(info, content)
    return target.getvalue()
