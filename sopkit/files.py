"""Files as they were written: CSV, workbooks, Parquet and YAML, of which nothing is obeyed.

Text stays text. No file runs code, fills the memory or is half read: what cannot be read is said.
"""

from __future__ import annotations

import copy
import csv
import io
import re
import warnings
import zipfile
from functools import lru_cache
from pathlib import Path

import pandas as pd

from sopkit.databases import SourceError

_MOST_ALIASES = 20  # aliases of aliases multiply: a few lines fill any memory
_MOST_BYTES = 1_000_000_000  # that a workbook may hold once unpacked
# a cell of a workbook with a formula that nobody has calculated; a text may be blank (t="str")
_UNCALCULATED = re.compile(
    rb"<c r=\"([A-Z]+[0-9]+)\"(?:(?! t=)[^>])*><f(?:[^>]*/>|[^>]*>[^<]*</f>)"
    rb"\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>"
)


_FIRST_LINES = {"company.yml": "currency: EUR", "sources.yml": "files: {orders: orders.csv}"}
_FIRST_LINES |= {"exports.yml": "all: {decimal: comma, separator: semicolon}"}


def load_yaml(path: Path) -> dict:
    """A YAML file as a dict, by the safe loader.

    Raises
    ------
    SourceError
        If it is no YAML, or no list of names and values.
    """
    import yaml

    try:
        content, double = copy.deepcopy(_parse_yaml(read_text(path)))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        raise SourceError(
            f"{path.name}: not readable as YAML{line}. Check indentation and colons there."
        ) from error
    except SourceError:
        raise
    except (ValueError, AttributeError, TypeError) as error:  # a day or a number that is none
        words = f"{path.name}: a value is not what it says ({error}). Write it in quotation marks."
        raise SourceError(words) from error
    except RecursionError as error:
        raise SourceError(
            f"{path.name}: brackets too deep. Write lines of `name: value`."
        ) from error
    if double:
        raise SourceError(f"{path.name}: {double} stands there twice. Keep one of them.")
    if not isinstance(content, dict):
        example = _FIRST_LINES.get(path.name, "kind: outside")
        raise SourceError(f"{path.name}: write lines of `name: value`, such as `{example}`.")
    if odd := [name for name in content if not isinstance(name, str | bool)]:
        raise SourceError(f"{path.name}: {odd[0]!r} is no name. Write lines of `name: value`.")
    return content


@lru_cache(maxsize=8)
def _parse_yaml(text: str) -> tuple[object, str]:
    """What a YAML text holds, and the first name that it gives twice in one place."""
    import yaml

    aliases = (isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader))
    if text.count("*") > _MOST_ALIASES and sum(aliases) > _MOST_ALIASES:
        raise ValueError(f"more than {_MOST_ALIASES} aliases, *name")
    todo, double = [yaml.compose(text, yaml.SafeLoader)], ""
    for node in todo:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        names = [name.value for name, _ in pairs]
        double = double or next((str(n) for n in names if names.count(n) > 1), "")
        inside = node.value if isinstance(node, yaml.SequenceNode) else [v for _, v in pairs]
        todo += [value for value in inside if all(value is not other for other in todo)]
    return yaml.safe_load(text) or {}, double


def read_text(path: Path) -> str:
    """A file as text: UTF-8, or UTF-16 where its first bytes say so (Excel's Unicode text)."""
    try:
        text = path.read_text(encoding=encoding(path))
    except UnicodeError as error:
        is_byte = isinstance(error, UnicodeDecodeError)
        line = error.object.count(b"\n", 0, error.start) + 1 if is_byte else 1
        remedy = "Save the file as CSV UTF-8, or keep it as Excel (.xlsx). Plain CSV of Excel is "
        remedy = (
            "Save it as UTF-8 text." if path.suffix == ".yml" else remedy + "often Windows-1252."
        )
        raise SourceError(f"{path.name}: line {line} is not UTF-8 text. {remedy}") from error
    if "\0" in text:
        raise SourceError(f"{path.name}: it holds bytes of no text. Save it as CSV UTF-8.")
    return text


def encoding(path: Path) -> str:
    """UTF-8 with or without a mark, or UTF-16 where the first bytes say so."""
    with path.open("rb") as file:
        return "utf-16" if file.read(2) in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


def read_csv(path: Path) -> tuple[pd.DataFrame, int]:
    """Cells of a CSV file, and the line of its first row."""
    text = read_text(path)
    said = re.match(r"sep=(.)\s*\n", text)  # Excel's own word for the separator
    header = text[said.end() if said else 0 :].partition("\n")[0]
    if not header.strip():
        raise SourceError(f"{path.name}: the file is empty. It needs a header line with columns.")
    separator = said[1] if said else max(",;\t", key=header.count)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # rows are never cut
            cells = pd.read_csv(
                path,
                dtype="str",
                keep_default_na=False,
                sep=separator,
                encoding=encoding(path),
                skip_blank_lines=False,
                on_bad_lines="error",
                index_col=False,
                header=None,
                na_filter=False,
                skiprows=1 if said else 0,
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        words = f"{str(error).strip()} Check separators and quotes there."
        words = _csv_problem(text, separator, 1 if said else 0) or words
        raise SourceError(f"{path.name}: {words}") from error
    return _with_header(cells), 3 if said else 2


def _csv_problem(text: str, separator: str, skipped: int) -> str:
    """The first line with more cells than the header, or a quotation mark that stays open."""
    lines, width, line = csv.reader(io.StringIO(text), delimiter=separator, strict=True), 0, 0
    try:
        for cells in lines:
            width = width or (len(cells) if lines.line_num > skipped else 0)
            if lines.line_num > skipped and len(cells) > width:
                words = "Put a cell that holds the separator in quotation marks"
                words = "Take a title above the header out" if width == 1 else words
                return f"line {line + 1} has {len(cells)} cells, the header {width}. {words}."
            line = lines.line_num
    except csv.Error:
        return f"a quotation mark in line {line + 1} is never closed. Close it, or take it out."
    return ""


def _with_header(cells: pd.DataFrame) -> pd.DataFrame:
    """The first row as column names, as written; blank rows at the end left out."""
    frame = cells.iloc[1:].set_axis(list(cells.iloc[0]), axis=1).reset_index(drop=True)
    filled = frame.fillna("").astype("str").ne("").any(axis=1)
    count = int(filled[::-1].idxmax()) + 1 if filled.any() else 0
    while count and not "".join(map(str, frame.iloc[count - 1].dropna())).strip():
        count -= 1  # a row of spaces
    return frame.iloc[:count]


def read_excel(path: Path, name: str) -> tuple[pd.DataFrame, str]:
    """The sheet of that name, else the first one, and what it is called."""
    require_bearable(path)
    try:
        with pd.ExcelFile(path, engine="openpyxl") as book:
            sheets = {str(sheet).casefold(): sheet for sheet in reversed(book.sheet_names)}
            sheet = sheets.get(name.casefold(), book.sheet_names[0])
            cells = pd.read_excel(
                book, sheet_name=sheet, dtype="object", keep_default_na=False, header=None
            )
            with zipfile.ZipFile(path) as packed:
                content = packed.read(book.book[sheet]._worksheet_path)
    except Exception as error:  # a broken workbook makes its reader raise anything
        words = f"not readable as an Excel workbook ({str(error).partition(chr(10))[0][:200]})"
        raise SourceError(f"{path.name}: {words}. Save it again as .xlsx.") from error
    if lacking := _UNCALCULATED.search(content):
        raise SourceError(
            f"{path.name}: sheet {sheet}, cell {lacking[1].decode()} holds a formula without its "
            "value. Open the workbook in Excel or LibreOffice and save it again."
        )
    if cells.empty:
        raise SourceError(
            f"{path.name}: the sheet {sheet} is empty. It needs a header row with columns."
        )
    # a blank cell comes as "", an Excel error as NaN
    cells = cells.map(lambda cell: None if cell == "" else "#ERROR" if cell != cell else cell)
    frame = _with_header(cells)
    frame = frame.set_axis([str(column or "").strip() for column in frame.columns], axis=1)
    return frame.infer_objects(), sheet


def require_bearable(path: Path) -> None:
    """Hold a workbook to what memory bears, by what its own list says of its parts.

    Raises
    ------
    SourceError
        If it is no packed file, or would be larger than a gigabyte once unpacked.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(part.file_size for part in packed.infolist())
    except (zipfile.BadZipFile, ValueError) as error:
        words = "no Excel workbook: perhaps a CSV under another name, or locked by a password"
        raise SourceError(f"{path.name}: {words}. Save it again as .xlsx.") from error
    if size > _MOST_BYTES:
        raise SourceError(
            f"{path.name}: unpacked it would fill {size / 1e6:,.0f} MB, of which at most "
            f"{_MOST_BYTES / 1e6:,.0f} are read. Save the table as CSV or Parquet."
        )


def read_parquet(path: Path) -> pd.DataFrame:
    """The columns as they are stored; what pandas noted beside them (an index) is not obeyed."""
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            return file.read().to_pandas(ignore_metadata=True)
    except (pyarrow.ArrowException, OSError) as error:
        raise SourceError(f"{path.name}: cut off, or no Parquet file. Export it again.") from error
