"""Two hundred broken workspaces, made by code: one small sound company, each time broken once.

A case says what it may end in: ``words`` that a refusal must hold, ``total`` where it may be
planned on: units and money that a person counts in what was put there. Cases of the catalogue
(``tests/test_broken_inputs.py``) are not repeated here.
"""

from __future__ import annotations

import gzip
import io
import os
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from sopkit import months

SPAN = months.span(pd.Timestamp("2023-12-01"), 25)  # closed months: the cycle is 2026-01
HEADER = "item,location,month,quantity,revenue_value"
ROWS = [
    f"{item},{place},{month:%Y-%m},{base + month.month},{(base + month.month) * price}"
    for item, base, price in (("TENT", 40, 100), ("LAMP", 20, 50))
    for place in ("North", "South")
    for month in SPAN
]
SALES = "\n".join([HEADER, *ROWS, ""])
LINE, ROW = 17, ROWS[15]  # the row that most cases change: TENT, North, 2025-03
ITEMS = """\
item,family,unit,unit_cost_value,unit_price_value
TENT,Tents,piece,60,100
LAMP,Lamps,piece,20,50
"""
SOUND = {"sales.csv": SALES, "items.csv": ITEMS}
_CELLS = [row.split(",") for row in ROWS]
UNITS, MONEY = (sum(float(cells[k]) for cells in _CELLS) for k in (3, 4))
OWN_UNITS, OWN_MONEY = (float(ROW.split(",")[k]) for k in (3, 4))
TOTAL = (UNITS, MONEY)
Content = str | bytes | None | Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """One broken workspace, and how it may end."""

    kind: str
    name: str
    files: dict[str, Content]
    words: tuple[str, ...] | None = None  # what a refusal must hold; None: it must not be refused
    total: tuple[float, float] | None = None  # what a success must count; None: it must be refused
    told: tuple[str, ...] = ()  # what must be said although nothing is refused


def lay_out(case: Case, root: Path) -> None:
    """Write a case's workspace."""
    raw = root / "data/raw"
    raw.mkdir(parents=True)
    for name, content in (SOUND | case.files).items():
        path = raw / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if callable(content):
            content(path)
        elif content is not None:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())


def with_cell(column: str, cell: str) -> str:
    """Sales with one cell of the changed row replaced."""
    cells = dict(zip(HEADER.split(","), ROW.split(","), strict=True)) | {column: cell}
    text = ",".join(f'"{c}"' if set(c) & set(',\n"') else c for c in cells.values())
    return SALES.replace(ROW, text)


def _refused(kind: str, cases: dict[str, tuple[Content, str]], file: str = "sales.csv"):
    """Cases of one file that must be refused, with words divided by bars."""
    return [
        Case(kind, name, {file: content}, words=tuple(words.split("|")))
        for name, (content, words) in cases.items()
    ]


def _read(kind: str, cases: dict[str, Content], file: str = "sales.csv", total=TOTAL):
    """Cases of one file that are read as they are meant."""
    only = {} if file == "sales.csv" or file.endswith(".yml") else {"sales.csv": None}
    return [
        Case(kind, name, only | {file: content}, total=total) for name, content in cases.items()
    ]


# numbers ------------------------------------------------------------------------------------------

_NUMBERS_READ = {  # fmt: skip
    "1e3": 1e3, "+12": 12, "012": 12, "12.": 12, ".5": 0.5, "  12 ": 12, "12\n": 12, "-12": -12,
                 "-0": 0, "1E2": 100, "0.1": 0.1, "999999999": 999999999}  # fmt: skip
_NO_NUMBERS = [
    "NaN", "nan", "inf", "-Infinity", "1e400", "#DIV/0!", "#N/A", "#REF!", "1,234.5", "1.234,5",
    "(12)", "12-", "€ 12", "1 234", "1\u00a0234", "12 pcs", "0x1F", "1_000", "١٢", "１２", "−12",
    "12%", "1/2", "TRUE", "=1+1", "--5", "1e5e5", "12\u200b", "twelve", "1'234", "NULL", "-", "…",
    "2025-01-03", "1e308", "9" * 300, "1e16", "-1e16", "\u202e12", "½", "1 e3", "1d3",
]  # fmt: skip
NUMBERS = [
    Case(
        "numbers",
        f"quantity {cell!r}",
        {"sales.csv": with_cell("quantity", cell)},
        total=(UNITS - OWN_UNITS + value, MONEY),
    )
    for cell, value in _NUMBERS_READ.items()
]
NUMBERS += [
    Case(
        "numbers",
        f"quantity {cell[:20]!r}",
        {"sales.csv": with_cell("quantity", cell)},
        words=("sales.quantity", f"line {LINE}"),
    )
    for cell in _NO_NUMBERS
]
NUMBERS += [
    Case(
        "sizes",
        f"quantity {cell}",
        {"sales.csv": with_cell("quantity", cell)},
        total=(UNITS - OWN_UNITS + float(cell), MONEY),
    )
    for cell in ("1e15", "-1e15", "1e-12", "1000000000000")
]
NUMBERS += [
    Case(
        "sizes",
        f"{column} {cell}",
        {"items.csv": ITEMS.replace("60,100", f"{a},{b}")},
        words=(f"items.{column}", "line 2"),
    )
    for column, cell, a, b in (
        ("unit_cost_value", "1e300", "1e300", "100"),
        ("unit_price_value", "1e-320", "60", "1e-320"),
        ("unit_price_value", "-5", "60", "-5"),
    )
]

# dates --------------------------------------------------------------------------------------------

_DAYS_READ = ["2025-3", "2025-03-31", "2025-03-01T00:00:00Z", "Mar 2025", "March 2025", "2025/03",
              "20250301", "2025-03-31T23:30:00-05:00", "2025-03-31 23:59:59", "15 Mar 2025",
              "2025/03/05", "2025.03.05"]  # fmt: skip
_NO_DAYS = [
    "0001-01", "9999-12", "1899-12", "2200-01", "2025-13", "2025-00", "2025-02-30", "31.02.2025",
    "2023-02-29", "45717", "03/25", "01.03.25", "13/01/2025", "03/04/2025", "2025-Q1", "2025-W10",
    "now", "2025-03-00", "٢٠٢٥-٠٣", "2025–03", "2025-03-01 99:99", "2025-03-31 24:00", "1740787200",
    "-2025-03", "2025-03-", "März 2025", "2025", "2025-03-01T25:00Z", "NaT", "#VALUE!", "--",
]  # fmt: skip
DATES = _read("dates", {f"month {cell!r}": with_cell("month", cell) for cell in _DAYS_READ})
DATES += _refused(
    "dates",
    {
        f"month {cell!r}": (with_cell("month", cell), f"sales.month|line {LINE}")
        for cell in _NO_DAYS
    },
)
DATES += _refused(
    "dates",
    {
        "a day and a month that differ": (
            "\n".join([HEADER + ",date", *(f"{row},2025-04-01" for row in ROWS), ""]),
            "sales.|line",
        ),
        "months far before all others": (
            SALES + "TENT,North,1901-01,5,500\n",
            "sales.month|no sales at all",
        ),
        "days of two orders": (
            SALES.replace("2025-03", "13/03/2025").replace("2025-04", "04/13/2025"),
            "sales.month|line",
        ),
    },
)

DATES += [
    Case(
        "dates",
        "months far ahead of all others",
        {"sales.csv": SALES + "TENT,North,2150-01,5,500\n"},
        total=TOTAL,
        told=("sales.month", "waits for a later cycle"),
    )
]

# encodings ----------------------------------------------------------------------------------------

_UMLAUT = SALES.replace("TENT", "Zelt für zwei")
_ITEMS_UMLAUT = ITEMS.replace("TENT", "Zelt für zwei")


def _encoded(coding: str) -> bytes:
    return _UMLAUT.encode(coding)


ENCODINGS = [
    Case("encodings", name, {"sales.csv": content, "items.csv": _ITEMS_UMLAUT}, total=TOTAL)
    for name, content in {
        "UTF-8 with a mark": _encoded("utf-8-sig"),
        "UTF-16 with a mark": _encoded("utf-16"),
        "UTF-16, high byte first, with a mark": b"\xfe\xff" + _encoded("utf-16-be"),
        "lines of Windows": _UMLAUT.replace("\n", "\r\n"),
        "lines of an old Mac": _UMLAUT.replace("\n", "\r"),
        "lines of both": _UMLAUT.replace("\n", "\r\n", 30),
        "no line end at the end": _UMLAUT.rstrip("\n"),
        "letters written apart": unicodedata.normalize("NFD", _UMLAUT),
    }.items()
]
ENCODINGS += _refused(
    "encodings",
    {
        "UTF-16 without a mark": (_encoded("utf-16-le"), "sales|UTF-8"),
        "UTF-16, high byte first, without a mark": (_encoded("utf-16-be"), "sales|UTF-8"),
        "UTF-32": (_encoded("utf-32"), "sales|UTF-8"),
        "Latin-1": (_encoded("latin-1"), "sales|line 2|UTF-8"),
        "Windows-1252": (SALES.replace("LAMP", "LAMP €").encode("cp1252"), "sales|line 52|UTF-8"),
        "code page 850": (_encoded("cp850"), "sales|line 2|UTF-8"),
        "Shift-JIS": (SALES.replace("TENT", "テント").encode("shift_jis"), "sales|line 2|UTF-8"),
        "EBCDIC": (_encoded("cp500"), "sales|UTF-8"),
        "one line in Latin-1": (
            SALES.encode() + "Zelt für,North,2025-01,5,5\n".encode("latin-1"),
            "sales|line 102|UTF-8",
        ),
        "NUL in a cell": (SALES.replace("LAMP", "LA\0MP"), "sales|UTF-8"),
        "bytes cut within a letter": (_encoded("utf-8").replace(b"\xc3\xbc", b"\xc3"), "sales"),
        "letters longer than needed": (SALES.encode().replace(b"LAMP", b"\xc1\x81"), "sales"),
        "zipped": (gzip.compress(SALES.encode()), "sales|UTF-8"),
        "a mark alone": (b"\xef\xbb\xbf", "sales.csv|empty"),
        "blank lines alone": ("\n\n\n", "sales.csv|empty"),
        "spaces alone": ("    ", "sales.csv|empty"),
        "a line end of DOS at the end": (SALES + "\x1a", "sales|line 102"),
        "an escape sign in a name": (SALES.replace("LAMP", "\x1b[31mLAMP"), "sales.item|line 52"),
        "a page break in a name": (SALES.replace("LAMP", "LAMP\x0c2"), "sales.item|line 52"),
        "a sign of U+0085 for a line": (SALES.replace("\n", "\x85"), "sales"),
        "a sign of U+2028 for a line": (SALES.replace("\n", "\u2028"), "sales"),
    },
)

# separators ---------------------------------------------------------------------------------------

_TITLE = "Sales of all markets\n"
SEPARATORS = _read(
    "separators",
    {
        "semicolons": SALES.replace(",", ";"),
        "tabs": SALES.replace(",", "\t"),
        "Excel's first line": "sep=;\n" + SALES.replace(",", ";"),
        "every cell in quotation marks": "\n".join(
            ",".join(f'"{cell}"' for cell in line.split(",")) for line in SALES.splitlines()
        ),
        "a comma at the end of every line": SALES.replace("\n", ",\n"),
        "blank lines at the end": SALES + "\n\n\n",
        "lines of commas at the end": SALES + ",,,,\n,,,,\n",
        "spaces around the heads": SALES.replace(HEADER, HEADER.replace(",", " , ")),
        "spaces around the cells": SALES.replace(",", " , "),
    },
)
SEPARATORS += _refused(
    "separators",
    {
        "bars": (SALES.replace(",", "|"), "sales|line 1"),
        "spaces": (SALES.replace(",", " "), "sales|line 1"),
        "colons": (SALES.replace(",", ":"), "sales|line 1"),
        "no header": ("\n".join(ROWS), "sales|line 1|item"),
        "two header lines": (SALES.replace(HEADER, f"{HEADER}\n{HEADER}"), "sales.month|line 2"),
        "a line of units below the header": (
            SALES.replace(HEADER, f"{HEADER}\n,,,pieces,EUR"),
            "sales.|line 2",
        ),
        "a title above the header": (_TITLE + SALES, "sales|Take a title"),
        "a remark above the header": ("# exported\n" + SALES, "sales|Take a title"),
        "a blank line above the header": ("\n" + SALES, "sales|"),
        "the header again in the middle": (
            SALES.replace(ROW, f"{HEADER}\n{ROW}"),
            f"sales.month|line {LINE}",
        ),
        "a row of totals": (f"{SALES}Total,,,{UNITS},{MONEY}\n", "sales.month|line 102"),
        "a row of totals without a name": (f"{SALES},,,{UNITS},{MONEY}\n", "sales.|line 102"),
        "one quotation mark": (SALES.replace(ROW, '"' + ROW), f"line {LINE}"),
        "a row cut short": (SALES.replace(ROW, "TENT,North"), f"sales.|line {LINE}"),
        "a row too long": (SALES.replace(ROW, f"{ROW},9,9"), f"sales|line {LINE}"),
        "half with commas, half with semicolons": (
            "\n".join([HEADER, *ROWS[:50], *(row.replace(",", ";") for row in ROWS[50:]), ""]),
            "sales.|line 52",
        ),
        "decimal commas between commas": (SALES.replace(",43,4300", ",43,5,4300", 1), "sales|line"),
        "JSON": ('[{"item": "TENT", "month": "2025-01", "quantity": 3}]', "sales|line 1"),
        "a key for SSH": ("-----BEGIN OPENSSH KEY-----\nb3BlbnNzaA\n", "sales|line 1"),
    },
)

# doubles and heads --------------------------------------------------------------------------------

DOUBLES = _refused(
    "doubles",
    {
        "a row twice": (f"{SALES}{ROW}\n", f"sales|line {LINE}|share one key"),
        "a row twice, once with a space": (f"{SALES} {ROW}\n", f"sales|line {LINE}|share one key"),
        "a month in two forms": (
            f"{SALES}{ROW.replace('2025-03', '2025-03-15')}\n",
            f"sales|line {LINE}|share one key",
        ),
        "a column twice": (
            "\n".join([HEADER + ",quantity", *(f"{row},1" for row in ROWS), ""]),
            "sales.quantity|twice",
        ),
        "a column twice, once with a space": (
            "\n".join([HEADER + ", quantity", *(f"{row},1" for row in ROWS), ""]),
            "sales.quantity|twice",
        ),
        "heads in capitals": (SALES.replace(HEADER, HEADER.upper()), "sales|item"),
        "heads with spaces for lines": (
            SALES.replace("item,location,month,quantity", "Item No,Loc,Period,Qty"),
            "sales.|missing",
        ),
        "a head of Cyrillic letters": (SALES.replace("item", "іtеm", 1), "sales.item|Rename"),
        "a head with a sign of no width": (
            SALES.replace("quantity", "quan\u200btity", 1),
            "sales.quantity|Rename",
        ),
        "a head with a mark in it": (SALES.replace("month", "\ufeffmonth", 1), "sales.|month"),
    },
)
DOUBLES += [
    Case(
        "doubles",
        "a column twice, once in capitals",
        {"sales.csv": "\n".join([HEADER + ",QUANTITY", *(f"{row},1" for row in ROWS), ""])},
        total=TOTAL,
        told=("sales.QUANTITY", "nobody reads"),
    ),
    Case(
        "doubles",
        "an item twice in items",
        {"items.csv": ITEMS + "TENT,Tents,piece,61,100\n"},
        words=("items", "line 2", "share one key"),
    ),
]

# sizes --------------------------------------------------------------------------------------------

_LONG = "x" * 5_000_000
SIZES = _refused(
    "sizes",
    {
        "5 MB in a number": (with_cell("quantity", _LONG), f"sales.quantity|line {LINE}"),
        "5 MB of digits": (with_cell("quantity", "9" * 5_000_000), f"sales.quantity|line {LINE}"),
        "5 MB in a date": (with_cell("month", _LONG), f"sales.month|line {LINE}"),
        "5 MB in an item": (with_cell("item", _LONG), "sales.item|line"),
        "5 MB in a head": (SALES.replace("quantity", _LONG, 1), "sales.quantity|missing"),
    },
)
SIZES += [
    Case(
        "sizes",
        "3,000 columns that nobody reads",
        {
            "sales.csv": "\n".join(
                [HEADER + "".join(f",x{n}" for n in range(3000)), *(r + ",1" * 3000 for r in ROWS)]
            )
        },
        total=TOTAL,
        told=("nobody reads",),
    ),
    Case(
        "sizes",
        "3,000 heads of one name",
        {"sales.csv": SALES.replace(HEADER, HEADER + ",x" * 3000).replace("00\n", "00\n")},
        words=("sales",),
    ),
]

# texts --------------------------------------------------------------------------------------------


def _other_name(name: str) -> Case:
    """Half of LAMP's rows under another name: it is another item, and that is said."""
    rows = [row.replace("LAMP,South", f"{name},South") for row in ROWS]
    return Case(
        "texts",
        f"half of an item's rows as {name!r}",
        {"sales.csv": "\n".join([HEADER, *rows, ""])},
        words=("sales.item", "line 77"),
    )


def _twins(one: str, other: str, words: tuple = (), told: tuple = ()) -> Case:
    """Two names that look alike, both in items: refused by ``words``, or two, and ``told``."""
    names = {"LAMP,North": one, "LAMP,South": other}
    rows = [",".join([names.get(row[:10], row[:4]), row[5:]]) for row in ROWS]
    rows = [row.replace(",South", ",North", 1) if row.startswith(other) else row for row in rows]
    items = f"{ITEMS.replace('LAMP', one)}{other},Lamps,piece,20,50\n"
    files = {"sales.csv": "\n".join([HEADER, *rows, ""]), "items.csv": items}
    name = f"{ascii(one)} and {ascii(other)}"
    return Case("texts", name, files, words, None if words else TOTAL, told)


TEXTS = [
    _other_name(name)
    for name in (
        "LAMP\u200b", "\u200eLAMP", "LAMP\u202c", "LА\u041cP", "ＬＡＭＰ", "lamp", "LA\u00adMP",
        "L\u0041\u0301MP", "LAMP\ufffd", "\ue000", "💡", "LAMP.", "\u2066LAMP\u2069",
    )
]  # fmt: skip
TEXTS += [
    _twins("Z\u00e9lt", "Ze\u0301lt", ("items", "line 3", "share one key")),
    _twins("LAMP", "LAMP\u200b", ("items.item", "line 4", "signs without width")),
    _twins("LAMP", "LAMP\u202e", ("items.item", "line 4", "signs without width")),
    _twins("LAMP", "Lamp", (), ("items.item", "differ in capitals")),
    _twins("LAMP 2", "LAMP\u00a02", (), ("items.item", "differ in wide signs or spaces")),
    _twins("LAMP", "ＬＡＭＰ", (), ("items.item", "differ in wide signs or spaces")),
    _twins("LAMP", "LАMP"),  # a Cyrillic A: another name
]
TEXTS += [
    Case(
        "texts",
        f"an item called {name!r}",
        {n: text.replace("LAMP", name) for n, text in SOUND.items()},
        total=TOTAL,
    )
    for name in ("💡", "NA", "00123", "1e5", "=1+1", "../../etc", "C:\\con", "{x}", "%s", "None")
]
TEXTS += [
    Case(
        "texts",
        "an item called all",
        {n: text.replace("LAMP", "all") for n, text in SOUND.items()},
        words=("sales.item", "reserved", "line 52"),
    )
]


# workbooks ----------------------------------------------------------------------------------------


def _grid() -> list[list]:
    """Sales as cells of a workbook."""
    rows = [[*row.split(",")[:3], *map(float, row.split(",")[3:])] for row in ROWS]
    return [HEADER.split(","), *rows]


def workbook(change: Callable | None = None, **sheets: list[list]) -> bytes:
    """Sales as a workbook, changed; further sheets beside it."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Sheet1"
    for row in _grid():
        sheet.append(row)
    for name, rows in sheets.items():
        other = book.create_sheet(name)
        for row in rows:
            other.append(row)
    if change:
        change(book, sheet)
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _at(place: str, value: object) -> Callable:
    def change(_book, sheet) -> None:
        sheet[place] = value

    return change


def _merged(_book, sheet) -> None:
    sheet.merge_cells("A2:A26")


def _days(_book, sheet) -> None:
    for row in sheet.iter_rows(min_row=2, min_col=3, max_col=3):
        row[0].value = pd.Timestamp(row[0].value).to_pydatetime()


def _chart_only(book, sheet) -> None:
    book.create_chartsheet("Chart")
    book.remove(sheet)


def _bomb() -> bytes:
    """A workbook of a few kilobytes that says it holds 4 GB."""
    good, content = zipfile.ZipFile(io.BytesIO(workbook())), io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as bad:
        for entry in good.infolist():
            bad.writestr(entry.filename, good.read(entry))
        bad.filelist[-1].file_size = 4_000_000_000  # written into the list at the end
    return content.getvalue()


def _entities() -> bytes:
    """A workbook whose texts are entities of entities."""
    good, content = zipfile.ZipFile(io.BytesIO(workbook())), io.BytesIO()
    names = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "lol"}">' for n in range(10))
    with zipfile.ZipFile(content, "w") as bad:
        for entry in good.infolist():
            text = good.read(entry)
            if entry.filename.endswith("sheet1.xml"):
                text = b"<!DOCTYPE x [" + names.encode() + b"]>" + text.replace(b"TENT", b"&a9;")
            bad.writestr(entry.filename, text)
    return content.getvalue()


def _zip(**files: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return content.getvalue()


_OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 1000  # .xls, and a workbook with a password
WORKBOOKS = _read(
    "workbooks",
    {
        "as it should be": workbook(),
        "two sheets": workbook(Notes=[["write", "here"]]),
        "months as days": workbook(_days),
        "a space far below": workbook(_at("C103", " ")),
    },
    "sales.xlsx",
)
WORKBOOKS += [
    Case("workbooks", name, {"sales.csv": None, "sales.xlsx": content}, tuple(words.split("|")))
    for name, (content, words) in {
        "merged cells": (workbook(_merged), "sales.item|row 3"),
        "a formula without its value": (workbook(_at("D17", "=6*7")), "sales|D17"),
        "a formula of money without its value": (workbook(_at("E17", "=D17*100")), "sales|E17"),
        "an error": (workbook(_at("D17", "#DIV/0!")), "sales.quantity|row 17"),
        "a number as text": (workbook(_at("D17", "1,5")), "sales.quantity|row 17"),
        "a flag for a number": (workbook(_at("D17", True)), "sales.quantity|row 17"),
        "a day for a number": (workbook(_at("D17", SPAN[0])), "sales.quantity|row 17"),
        "a number for a day": (workbook(_at("C17", 45717)), "sales.month|row 17"),
        "a time of day for a month": (
            workbook(_at("C17", pd.Timestamp("2025-03-01 10:00").time())),
            "sales.month|row 17",
        ),
        "a head that is a number": (workbook(_at("D1", 2025)), "sales.quantity|missing"),
        "a second row of heads": (workbook(lambda _b, sheet: sheet.insert_rows(1)), "sales|row 1"),
        "a password, or an old .xls": (_OLD, "sales.xlsx|locked by a password"),
        "cut off": (workbook()[:3000], "sales.xlsx"),
        "no bytes": (b"", "sales.xlsx"),
        "a document of Word": (_zip(**{"word/document.xml": "<w/>"}), "sales.xlsx"),
        "a sheet that is no XML": (
            _zip(**{"[Content_Types].xml": "<", "xl/workbook.xml": "<"}),
            "sales.xlsx",
        ),
        "a chart alone": (workbook(_chart_only), "sales.xlsx"),
        "a bomb": (_bomb, "sales.xlsx|MB"),
        "entities of entities": (_entities, "sales.xlsx"),
    }.items()
    for content in [content() if callable(content) else content]
]
WORKBOOKS += [
    Case(
        "workbooks",
        "a workbook with macros",
        {"items.csv": None, "items.xlsm": workbook()},
        total=TOTAL,
        told=("items.xlsm", "Save it as items.xlsx"),
    )
]

# Parquet ------------------------------------------------------------------------------------------


def _table(**columns: pa.Array) -> pa.Table:
    frame = pd.DataFrame(_grid()[1:], columns=HEADER.split(","))
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()
    for name, array in columns.items():
        table = table.drop_columns([name]) if name in table.column_names else table
        table = table.append_column(name, array)
    return table


def parquet(table: pa.Table | pd.DataFrame) -> bytes:
    """A table as the bytes of a Parquet file."""
    content = io.BytesIO()
    if isinstance(table, pd.DataFrame):
        table.to_parquet(content)
    else:
        pq.write_table(table, content)
    return content.getvalue()


def _column(name: str) -> list:
    return _table()[name].to_pylist()


_MOMENTS = [pd.Timestamp(month) for month in _column("month")]
_QUANTITIES = _column("quantity")
PARQUET = _read(
    "Parquet",
    {
        "as it should be": parquet(_table()),
        "moments with a zone": parquet(
            _table(month=pa.array(_MOMENTS, pa.timestamp("us", tz="UTC")))
        ),
        "days": parquet(_table(month=pa.array([m.date() for m in _MOMENTS]))),
        "texts by a dictionary": parquet(
            _table(item=pa.array(_column("item")).dictionary_encode())
        ),
        "exact decimals": parquet(
            _table(quantity=pa.array([int(q) for q in _QUANTITIES]).cast(pa.decimal128(20, 0)))
        ),
        "texts for numbers": parquet(_table(quantity=pa.array([f"{q:g}" for q in _QUANTITIES]))),
        "an index of pandas": parquet(
            _table().to_pandas().set_index(["item", "location", "month"])
        ),
        "whole numbers without sign": parquet(
            _table(quantity=pa.array([int(q) for q in _QUANTITIES], pa.uint16()))
        ),
        "large texts": parquet(_table(item=pa.array(_column("item"), pa.large_string()))),
        "a nested column that nobody reads": parquet(_table(more=pa.array([[1, 2]] * 100))),
    },
    "sales.parquet",
)
PARQUET += [
    Case("Parquet", name, {"sales.csv": None, "sales.parquet": content}, tuple(words.split("|")))
    for name, (content, words) in {
        "lists for numbers": (
            parquet(_table(quantity=pa.array([[q] for q in _QUANTITIES]))),
            "sales.quantity|row 1",
        ),
        "records for items": (
            parquet(_table(item=pa.array([{"code": i} for i in _column("item")]))),
            "sales.item|row 1",
        ),
        "bytes for items": (
            parquet(_table(item=pa.array([i.encode() for i in _column("item")]))),
            "sales.item|row 1",
        ),
        "flags for numbers": (
            parquet(_table(quantity=pa.array([True] * 100))),
            "sales.quantity|row 1",
        ),
        "no number and infinity": (
            parquet(_table(quantity=pa.array([float("inf"), *_QUANTITIES[1:]]))),
            "sales.quantity|row 1",
        ),
        "NaN for a number": (
            parquet(_table(quantity=pa.array([float("nan"), *_QUANTITIES[1:]]))),
            "sales.quantity|row 1",
        ),
        "counts of days for months": (
            parquet(_table(month=pa.array([20000] * 100))),
            "sales.month|row 1",
        ),
        "spans of time for numbers": (
            parquet(_table(quantity=pa.array([1] * 100, pa.duration("s")))),
            "sales.quantity|row 1",
        ),
        "moments of the year 1": (
            parquet(_table(month=pa.array([-62135596800] * 100, pa.timestamp("s")))),
            "sales.month|row 1",
        ),
        "other columns": (parquet(pa.table({"a": [1], "b": [2]})), "sales.item|missing"),
        "no columns": (parquet(pa.table({})), "sales"),
        "cut off": (parquet(_table())[:-20], "sales.parquet|cut off"),
        "no bytes": (b"", "sales.parquet"),
        "a CSV under its name": (SALES, "sales.parquet"),
        "only nothing": (parquet(_table(quantity=pa.nulls(100))), "sales.quantity|row 1"),
        "a column twice": (
            parquet(_table().append_column("quantity", pa.array(_QUANTITIES))),
            "sales.quantity|twice",
        ),
    }.items()
]

# YAML ---------------------------------------------------------------------------------------------

_LAUGHS = "a0: &a0 [x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20)
)
_YAML = {
    "a tab": ("name: A\n\tcurrency: EUR\n", "line 2"),
    "a colon too many": ("name: Hill: Shore\n", "line 1"),
    "two documents": ("name: A\n---\nname: B\n", ""),
    "a name twice": ("currency: EUR\ncurrency: SEK\n", "currency|twice"),
    "an object of Python": ("name: !!python/object/apply:os.system ['true']\n", "line 1"),
    "a list of lists without end": (_LAUGHS + "name: *a19\n", "aliases"),
    "very deep": ("name: " + "[" * 400 + "]" * 400 + "\n", ""),
    "a day that is none": ("last_closed_month: 2025-02-31\n", ""),
    "a number that is none": ("horizon: !!int abc\n", ""),
    "a moment that is none": ("last_closed_month: !!timestamp abc\n", ""),
    "a list for a name": ("? [1, 2]\n: 3\n", ""),
    "no text": (b"name: \xff\xfe\xfa", "UTF-8"),
    "NUL": ("name: A\0B\n", ""),
    "a horizon in words": ("horizon: twelve\n", "horizon"),
    "a horizon below none": ("horizon: -1\n", "horizon"),
    "an endless horizon": ("horizon: 1000000000\n", "horizon"),
    "a horizon as a list": ("horizon: [18]\n", "horizon"),
    "a horizon of infinity": ("horizon: .inf\n", "horizon"),
    "a horizon that is true": ("horizon: true\n", "horizon"),
    "a name as a list": ("name: [A, B]\n", "name"),
    "departments as one text": ("departments: Sales\n", "departments"),
    "a rate of 95": ("service_levels: {default: 95}\n", "service_levels"),
    "a share of no number": ("tolerance_rate: .nan\n", "tolerance_rate"),
    "a setting nobody knows": ("horison: 18\n", "horison|horizon"),
    "a name that is a number": ("1: 2\n", ""),
    "a currency that is false": ("currency: no\n", "currency"),
    "a month that is none": ("last_closed_month: 2025-13\n", "last_closed_month"),
    "a merge of nothing": ("<<: 3\n", ""),
}
YAML = [
    Case("YAML", name, {"company.yml": text}, ("company.yml", *filter(None, words.split("|"))))
    for name, (text, words) in _YAML.items()
]
YAML += _read("YAML", {"remarks alone": "# nothing yet\n", "no bytes": b""}, "company.yml")
YAML += [
    Case("YAML", f"sources.yml: {name}", {"sources.yml": text}, ("sources.yml", *words.split("|")))
    for name, text, words in (
        ("a file outside by dots", "files: {p: ../../x.csv}\ntables: {prices: SELECT * FROM p}\n",
         "prices|p"),
        ("a table by dots", "tables: {../x: SELECT 1}\n", "../x"),
        ("a file's name with a quotation mark",
         "files: {'p\"; DROP': x.csv}\ntables: {prices: SELECT 1}\n", "DROP"),
        ("a SELECT that never ends",
         "tables: {prices: 'SELECT 1; COPY (SELECT 1) TO ''x'''}\n", "prices|semicolon"),
    )
]  # fmt: skip

# tables that contradict one another ---------------------------------------------------------------


def _beside(name: str, file: str, text: str, words: str, *, stops: bool, **more: str) -> Case:
    files = {file: text} | {f"{key}.csv": content for key, content in more.items()}
    said = tuple(words.split("|"))
    if stops:
        return Case("across tables", name, files, said)
    return Case("across tables", name, files, total=TOTAL, told=said)


_CIRCLE = "item,component,quantity_per\nTENT,LAMP,1\nLAMP,TENT,1\n"
_HOURS = "resource,regular_hours\nSewing,100\n"
ACROSS = [
    _beside("an item that sales know and items do not", "items.csv", ITEMS.replace("LAMP", "L"),
            "sales.item|line 52", stops=True),
    _beside("components in a circle", "components.csv", _CIRCLE,
            "components.component|TENT", stops=True),
    _beside("an item in itself", "components.csv", "item,component,quantity_per\nTENT,TENT,1\n",
            "components.component|TENT", stops=True),
    _beside("an item like itself", "launches.csv", "item,like_item,weight_share\nTENT,TENT,1\n",
            "launches.like_item|line 2", stops=True),
    _beside("items that replace each other", "launches.csv",
            "item,like_item,weight_share,replaces_item\nN1,TENT,1,N2\nN2,TENT,1,N1\n",
            "launches|N1 → N2", stops=True),
    _beside("a routing to no resource", "routings.csv",
            "item,resource,hours_per_unit\nTENT,Nowhere,0.5\n", "routings.resource|line 2",
            stops=False, resources=_HOURS),
    _beside("a budget of no family", "budget.csv",
            "family,month,quantity,revenue_value\nBoats,2026-01,5,5\n", "budget.family|line 2",
            stops=False),
    _beside("a place supplied from itself", "locations.csv",
            "location,supplied_from\nNorth,North\nSouth,North\n", "0 breaches", stops=False),
    _beside("places supplied in a circle", "locations.csv",
            "location,supplied_from\nNorth,South\nSouth,North\n", "locations|North", stops=True),
    _beside("kilograms and pieces", "items.csv",
            "item,family,unit\nTENT,Tents,kg\nLAMP,Lamps,piece\n", "items.|unit", stops=False),
    _beside("rates in percent", "events.csv",
            "event,kind,first_month,expected_rate,probability_rate\nS,promotion,2026-04,0.2,80\n",
            "events.probability_rate|line 2", stops=True),
    _beside("shares in percent", "launches.csv",
            "item,like_item,weight_share\nN1,TENT,100\n", "launches.weight_share|line 2",
            stops=True),
    _beside("shares beyond one", "launches.csv",
            "item,like_item,weight_share\nN1,TENT,0.8\nN1,LAMP,0.8\n", "launches|N1", stops=False),
    _beside("an end before its beginning", "events.csv",
            "event,kind,first_month,last_month,expected_rate\nS,promotion,2026-05,2026-04,0.2\n",
            "events.last_month|line 2", stops=True),
    _beside("stock at no place", "inventory.csv",
            "item,location,month,on_hand\nTENT,Moon,2025-12,5\n", "inventory.location|line 2",
            stops=True, locations="location\nNorth\nSouth\n"),
    _beside("stock of no item", "inventory.csv",
            "item,location,month,on_hand\nBOAT,North,2025-12,5\n", "inventory.item|line 2",
            stops=False),
    _beside("a control of no table", "controls.csv",
            "table,measure,month,amount\nsails,quantity,2025-12,1\n", "controls.table|line 2",
            stops=True),
    _beside("a target of no measure", "targets.csv",
            "kpi,first_month,last_month,target,unit\nhappiness,2026-01,2026-12,1,rate\n",
            "targets.kpi|line 2", stops=False),
    _beside("an override of nothing", "overrides.csv",
            "cycle,item,month,author,kind,quantity,reason\n2026-01,BOAT,2026-03,A,set,5,x\n",
            "overrides.item|line 2", stops=False),
    _beside("a currency without a rate", "locations.csv",
            "location,currency\nNorth,GBP\nSouth,EUR\n", "locations.currency|company.yml",
            stops=True),
]  # fmt: skip

# missing, and no files ----------------------------------------------------------------------------


def _without(column: str) -> str:
    place = HEADER.split(",").index(column)
    lines = [line.split(",") for line in SALES.splitlines()]
    return "\n".join(",".join(line[:place] + line[place + 1 :]) for line in lines)


def _folder(path: Path) -> None:
    path.mkdir()


def _dangling(path: Path) -> None:
    path.symlink_to(path.parent / "nowhere.csv")


def _loop(path: Path) -> None:
    path.symlink_to(path)


def _outside(path: Path) -> None:
    elsewhere = path.parents[3] / "elsewhere.csv"
    elsewhere.write_text(SALES)
    path.symlink_to(elsewhere)


def _pipe(path: Path) -> None:
    os.mkfifo(path)


MISSING = _refused(
    "missing",
    {
        "no item": (_without("item"), "sales.item|missing|Add the column"),
        "no month": (_without("month"), "sales.month or date|required"),
        "no quantity": (_without("quantity"), "sales.quantity|missing"),
        "no line but the header": (HEADER + "\n", "sales|no rows"),
        "no file": (None, "data/raw holds no sales"),
        "a folder for the file": (_folder, "sales.csv|folder"),
        "a link to nowhere": (_dangling, "sales.csv|link"),
        "a link to itself": (_loop, "sales.csv|link"),
        "a link that leaves the workspace": (_outside, "sales.csv|link|outside"),
        "a pipe for the file": (_pipe, "sales.csv|pipe"),
        "a blank item": (with_cell("item", ""), f"sales.item|line {LINE}"),
        "a blank month": (with_cell("month", ""), f"sales.month|line {LINE}"),
        "a blank quantity": (with_cell("quantity", ""), f"sales.quantity|line {LINE}"),
        "one month alone missing": (
            "\n".join(line for line in SALES.splitlines() if "2025-03" not in line),
            "sales.month|2025-03",
        ),
    },
)
MISSING += [
    Case("missing", "no places", {"sales.csv": _without("location")}, words=("sales", "share one")),
    Case("missing", "no money", {"sales.csv": _without("revenue_value")}, total=(UNITS, 0.0)),
    Case("missing", "no items", {"items.csv": None}, total=TOTAL),
    Case("missing", "items.csv without items", {"items.csv": ITEMS.replace("item", "code", 1)},
         words=("items.item", "missing")),
    Case("missing", "items.csv a link outside", {"items.csv": _outside}, words=("items.csv",
         "outside")),
    Case("missing", "items.csv a folder", {"items.csv": _folder}, words=("items.csv", "folder")),
]  # fmt: skip

CASES = [
    *NUMBERS, *DATES, *ENCODINGS, *SEPARATORS, *DOUBLES, *SIZES, *TEXTS, *WORKBOOKS, *PARQUET,
    *YAML, *ACROSS, *MISSING,
]  # fmt: skip
