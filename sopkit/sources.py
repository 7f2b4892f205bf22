"""CSV, Excel, Parquet, SELECTs over named files or a database → raw tables as they were written.

Text stays text: an item may be called NA or 00123. ``contract`` gives the types. DuckDB loads the
named files as text, is sealed (no file, no network, no setting), and only then sees a SELECT. A
company's database is asked by ``fetch`` alone; all else reads the rows that it gave then.
"""

from __future__ import annotations

import copy
import csv
import hashlib
import io
import os
import re
import warnings
import zipfile
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pandas as pd

from sopkit import databases, exports, filled, rules, schema
from sopkit.contract import Source, near, nearest, plain
from sopkit.databases import SourceError

SUFFIXES = (".csv", ".xlsx", ".parquet")
MAPPING = "sources.yml"
EXPORTS = "exports.yml"
COMPANY = "company.yml"
SECTIONS = ("files", "databases", "tables", "formats")
FORMATS = {"dates": ("day_first", "month_first"), "decimal": ("comma", "point")}
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_MOST_ALIASES = 20  # aliases of aliases multiply: a few lines fill any memory
_MOST_BYTES = 1_000_000_000  # that a workbook may hold once unpacked
# a cell of a workbook with a formula that nobody has calculated; a text may be blank (t="str")
_UNCALCULATED = re.compile(
    rb"<c r=\"([A-Z]+[0-9]+)\"(?:(?! t=)[^>])*><f(?:[^>]*/>|[^>]*>[^<]*</f>)"
    rb"\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>"
)
_ANY_CYCLE = pd.Timestamp(2199, 12, 1)


def find(folder: Path) -> dict[str, Path]:
    """The file of each raw table in a folder; a table mapped in ``sources.yml`` names that file.

    A table that is given by the files of its folder alone names the folder.

    Raises
    ------
    SourceError
        If a table has two sources, or ``sources.yml`` maps a table nobody knows.
    """
    found: dict[str, Path] = {}
    mapped = mapping(folder)["tables"]
    known = {f"{name}{suffix}" for name in schema.RAW for suffix in SUFFIXES}
    known |= {MAPPING, EXPORTS, COMPANY}
    there = {path.name for path in folder.iterdir()}
    present = there & known
    for name in sorted(present):
        _require_file(folder / name, folder)
    for name in schema.RAW:
        paths = [folder / f"{name}{suffix}" for suffix in SUFFIXES if f"{name}{suffix}" in present]
        if name in mapped:
            paths.append(folder / MAPPING)
        if len(paths) > 1:
            names = " and ".join(path.name for path in paths)
            raise SourceError(f"{name}: {names} both give this table. Keep one of them.")
        if paths or (name in there and added(folder, name)):
            found[name] = paths[0] if paths else folder / name
    return found


def _require_file(path: Path, folder: Path) -> None:
    """Hold a name that sopkit reads to a file within the workspace.

    Raises
    ------
    SourceError
        If it is a folder, a pipe, or a link that leads nowhere or out.
    """
    place = path.relative_to(folder)
    if path.is_symlink():
        try:
            target = path.resolve(strict=True)
        except (OSError, RuntimeError) as error:  # a circle of links
            raise SourceError(
                f"{place}: a link to a file that is not there. Put the file itself in its place."
            ) from error
        if not any(
            target.is_relative_to(home) for home in (folder.resolve(), *folder.parents[1:2])
        ):
            raise SourceError(
                f"{place}: a link to a file outside the workspace. Put the file itself there, or "
                f"name its path under `files` of {MAPPING}."
            )
    if not path.is_file():
        kind = "a folder" if path.is_dir() else "a pipe or a device"
        raise SourceError(f"{place}: {kind}, no file. Put a file there, or take it out.")


def added(folder: Path, name: str) -> list[Path]:
    """The files of a table's own folder, by name; of `submissions` filled-in workbooks too."""
    suffixes = (".csv", ".xlsx") if name == "submissions" else (".csv",)
    return _inside(folder, name, suffixes)


def scenarios(folder: Path) -> list[Path]:
    """The scenario files, by name."""
    return _inside(folder, "scenarios", (".yml",))


def _inside(folder: Path, name: str, suffixes: tuple[str, ...]) -> list[Path]:
    """The files of a folder within data/raw that sopkit reads, by name."""
    own = folder / name
    paths = sorted(
        path
        for path in (own.iterdir() if own.is_dir() else ())
        if path.suffix in suffixes and not path.name.startswith((".", "~$"))
    )
    for path in paths:
        _require_file(path, folder)
    return paths


def strangers(folder: Path) -> list[str]:
    """Files that sopkit does not read, and folders whose name is nearly a table's."""
    known = {f"{name}{suffix}" for name in schema.RAW for suffix in SUFFIXES}
    known |= {MAPPING, EXPORTS, COMPANY, "README.md"}
    present = [path for path in folder.iterdir() if not path.name.startswith((".", "~$"))]
    found = [path.name for path in present if path.is_file() and path.name not in known]
    for own in (path for path in present if path.is_dir()):
        if own.name in schema.RAW or own.name == "scenarios":
            is_table = own.name in schema.RAW
            read = added(folder, own.name) if is_table else scenarios(folder)
            names = [path.name for path in own.iterdir() if path not in read]
            found += [f"{own.name}/{name}" for name in names if not name.startswith((".", "~$"))]
        elif near(own.name, [*schema.RAW, "scenarios"], 0.75):
            found.append(f"{own.name}/")
    return sorted(found)


def mapping(folder: Path) -> dict[str, dict]:
    """Content of ``sources.yml`` by section; all empty where there is none.

    Raises
    ------
    SourceError
        If a name or a word is unknown, or a line has another shape than the README shows.
    """
    path = folder / MAPPING
    content = load_yaml(path) if path.is_file() else {}
    for section in content:
        if section not in SECTIONS:
            words = nearest(str(section), SECTIONS)
            raise SourceError(f"{path.name}: no section {section!r}. {words}")
    named = {section: content.get(section) or {} for section in SECTIONS}
    for section, lines in named.items():
        if not isinstance(lines, dict):
            raise SourceError(f"{path.name}: {section} must be lines of `name: text`.")
        for name, value in lines.items():
            problem = _problem(section, name, value, named["databases"])
            if problem:
                raise SourceError(f"{path.name}: {section}: {name}: {problem}")
    return {section: dict(lines) for section, lines in named.items()}


def export_forms(folder: Path) -> dict[str, exports.Export]:
    """Form of each extract as ``exports.yml`` says it; our own where there is none.

    Raises
    ------
    SourceError
        If it names an extract, a column or a setting that nobody knows.
    """
    path = folder / EXPORTS
    content = load_yaml(path) if path.is_file() else {}
    problem = exports.problem(content)
    if problem:
        raise SourceError(f"{path.name}: {problem}")
    return exports.settled(content)


def _problem(section: str, name: object, value: object, known: dict) -> str:
    """What is wrong with one line of ``sources.yml``; empty where nothing is."""
    raw = sorted(schema.RAW) + (["all"] if section == "formats" else [])
    if section in ("tables", "formats") and name not in raw:
        return f"no table {name!r}. {nearest(str(name), raw)}"
    if section == "formats":
        return _format_problem(value)
    if section == "databases":
        if isinstance(value, str) and _VARIABLE.fullmatch(value):
            return ""
        return (
            "only a variable may stand here. An address holds a password, and files are copied "
            f"and shared. Write `{name}: ${{ERP_DATABASE_URL}}` and set that variable to the "
            "address in the environment of the run."
        )
    if section == "tables" and isinstance(value, dict):
        if set(value) != {"database", "select"} or not all(map(_is_filled, value.values())):
            return "write `database` and `select` there, each as text."
        if value["database"] not in known:
            words = nearest(value["database"], list(known))
            return f"no database {value['database']!r} under databases. {words}"
        return ""
    if not isinstance(name, str) or not _is_filled(value):
        what = "the path of a file" if section == "files" else "one SELECT"
        return f"write {what} there, as text."
    if section == "files" and '"' in name:
        return "a file's name for SELECTs holds no quotation mark. Use letters and digits."
    return ""


def _is_filled(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _format_problem(said: object) -> str:
    if not isinstance(said, dict):
        return "write `dates` or `decimal` there, as in {dates: day_first, decimal: comma}."
    for word, value in said.items():
        if word not in FORMATS:
            return f"{word!r}? {nearest(str(word), list(FORMATS))}"
        if value not in FORMATS[word]:
            return f"{word}: {value!r}? {nearest(str(value), list(FORMATS[word]))}"
    return ""


_FIRST_LINES = {"company.yml": "currency: EUR", "sources.yml": "files: {orders: orders.csv}"}
_FIRST_LINES |= {EXPORTS: "all: {decimal: comma, separator: semicolon}"}


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
    if odd := [name for name in content if not isinstance(name, str)]:
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
        text = path.read_text(encoding=_encoding(path))
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


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        return "utf-16" if file.read(2) in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


def read(
    path: Path, name: str, cycle: pd.Timestamp | None, snapshot: Path | None = None
) -> tuple[pd.DataFrame, Source]:
    """One raw table as written, how messages call its rows, and how its text is meant.

    Parameters
    ----------
    path : Path
        As ``find`` gave it.
    name : str
        The table.
    cycle : Timestamp or None
        Bound as ``$cycle``; None binds a month after every row.
    snapshot : Path, optional
        Where the rows that a database gave are kept, for a table of ``from_databases``.
    """
    frame, source = _read(path, name, cycle or _ANY_CYCLE, snapshot)
    is_added = path.parent.name == name and path.parent.parent.name == "raw"
    said = _said(path.parent.parent if is_added else path.parent, name)
    if is_added:  # its rows are named with their file
        label = source.label.replace("data/raw/", f"data/raw/{name}/", 1)
        runs = source.runs or ((0, f"{source.row_word} {{}} of {plain(label)}", source.first_row),)
        source = replace(source, label=label, runs=runs)
    return frame, replace(source, **said)


def read_filled(path: Path) -> tuple[pd.DataFrame, Source, list[tuple]]:
    """As ``filled.as_raw`` of a workbook in ``data/raw/submissions``."""
    terms = path.parent.parent / "company.yml"
    frozen = (load_yaml(terms) if terms.is_file() else {}).get("frozen_months")
    is_sound = frozen is not None and not rules.objection("frozen_months", frozen)
    return filled.as_raw(path, frozen if is_sound else {})


def _said(folder: Path, name: str) -> dict[str, str]:
    """What `formats` says of a table; its own word wins over that of `all`."""
    said = mapping(folder)["formats"]
    return {**said.get("all", {}), **said.get(name, {})}


def _read(
    path: Path, name: str, cycle: pd.Timestamp, snapshot: Path | None
) -> tuple[pd.DataFrame, Source]:
    if path.name == MAPPING and name in from_databases(path.parent):
        return _read_parquet(snapshot), Source(f"the SELECT of {name} in {MAPPING}")
    if path.name == MAPPING:
        return _select(path, name, cycle)
    if path.suffix == ".csv":
        frame, first_row = _read_csv(path)
        return frame, Source(f"data/raw/{path.name}", first_row, "line")
    if path.suffix == ".xlsx":
        frame, sheet = _read_excel(path, name)
        return frame, Source(f"data/raw/{path.name}, sheet {sheet}", 2, "row")
    return _read_parquet(path), Source(f"data/raw/{path.name}")


def from_databases(folder: Path) -> dict[str, str]:
    """The tables that come from a database, with the variable and the SELECT of each."""
    content = mapping(folder)
    return {
        name: f"{content['databases'][entry['database']]} {entry['select']}"
        for name, entry in content["tables"].items()
        if isinstance(entry, dict)
    }


def fetch(folder: Path, names: list[str], cycle: pd.Timestamp | None) -> dict[str, pd.DataFrame]:
    """Rows that the company's databases give now; each database is asked in one transaction.

    Parameters
    ----------
    folder : Path
        That of ``sources.yml``.
    names : list of str
        Tables of ``from_databases``.
    cycle : Timestamp or None
        Bound as ``$cycle``; None binds a month after every row.

    Raises
    ------
    SourceError
        As ``databases.fetch`` says.
    """
    content = mapping(folder)
    selects: dict[str, dict[str, str]] = {}
    for name in names:
        entry = content["tables"][name]
        selects.setdefault(entry["database"], {})[name] = entry["select"]
    tables: dict[str, pd.DataFrame] = {}
    for database, texts in selects.items():
        variable = _VARIABLE.fullmatch(content["databases"][database])[1]
        tables |= databases.fetch(variable, texts, cycle or _ANY_CYCLE)
    return tables


def _read_csv(path: Path) -> tuple[pd.DataFrame, int]:
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
                encoding=_encoding(path),
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


def _read_excel(path: Path, name: str) -> tuple[pd.DataFrame, str]:
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


def _read_parquet(path: Path) -> pd.DataFrame:
    """The columns as they are stored; what pandas noted beside them (an index) is not obeyed."""
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            return file.read().to_pandas(ignore_metadata=True)
    except (pyarrow.ArrowException, OSError) as error:
        raise SourceError(f"{path.name}: cut off, or no Parquet file. Export it again.") from error


def _expand(text: str) -> Path:
    """A path with each ``${VARIABLE}`` taken from the environment.

    Raises
    ------
    SourceError
        If a variable is not set.
    """

    def value(match: re.Match) -> str:
        if match[1] not in os.environ:
            raise SourceError(
                f"{MAPPING}: the variable {match[1]} is not set. "
                f"Set it before the run: export {match[1]}=/path/to/the/files"
            )
        return os.environ[match[1]]

    return Path(_VARIABLE.sub(value, str(text)))


def fingerprint(
    folder: Path, name: str, path: Path, cycle: pd.Timestamp, snapshot: Path | None = None
) -> str:
    """A hash of all that a raw table is made from: bytes, formats, SELECT, cycle where it is bound.

    Raises
    ------
    SourceError
        If the table comes from a database and has not been fetched: nothing is asked for here.
    """
    digest = hashlib.sha256(f"{name}|{path.name}|{sorted(_said(folder, name).items())}".encode())
    more = added(folder, name)
    for file in more:
        digest.update(f"|{file.name}|".encode() + hashlib.sha256(file.read_bytes()).digest())
    rules = folder / "company.yml"
    if any(file.suffix == ".xlsx" for file in more) and rules.is_file():
        digest.update(rules.read_bytes())  # frozen months
    if path.name != MAPPING:
        digest.update(path.read_bytes() if path.is_file() else b"")
        return digest.hexdigest()[:20]
    if origin := from_databases(folder).get(name):
        if snapshot is None or not snapshot.is_file():
            raise SourceError(f"{MAPPING}: {name} has not been fetched yet. Run: sopkit check")
        digest.update(origin.encode() + snapshot.read_bytes())
        return digest.hexdigest()[:20]
    content = mapping(folder)
    query = content["tables"][name]
    digest.update(query.encode())
    if "$cycle" in query:
        digest.update(str(cycle).encode())
    for alias in _aliases(query, content["files"]):
        digest.update(alias.encode())
        digest.update(_existing(folder, alias, content["files"][alias]).read_bytes())
    return digest.hexdigest()[:20]


def _aliases(query: str, files: dict[str, str]) -> list[str]:
    return [alias for alias in sorted(files) if re.search(rf"\b{re.escape(alias)}\b", query)]


def _existing(folder: Path, alias: str, text: str) -> Path:
    """A named file; its path is absolute, or begins at the workspace."""
    path = folder.parent.parent / _expand(text)
    if not path.is_file():
        raise SourceError(f"{MAPPING}: the file {alias!r} is not at {path}. Correct its path.")
    return path


def _select(path: Path, name: str, cycle: pd.Timestamp) -> tuple[pd.DataFrame, Source]:
    """One SELECT over its files, in a sealed DuckDB of its own."""
    import duckdb

    content = mapping(path.parent)
    query = content["tables"][name]
    source = Source(f"the SELECT of {name} in {MAPPING}")
    if problem := databases.problem(query):
        raise SourceError(f"{MAPPING}: {name}: {problem}")
    with duckdb.connect(":memory:") as connection:
        for alias in _aliases(query, content["files"]):
            _load(connection, alias, _existing(path.parent, alias, content["files"][alias]))
        connection.execute("SET enable_external_access=false; SET lock_configuration=true")
        try:
            bound = {"cycle": cycle.date()} if "$cycle" in query else None
            found = connection.execute(query, bound)
            frame = found.df() if found else None
        except duckdb.Error as error:
            words = _explain(connection, str(error), content["files"])
            raise SourceError(
                f"{MAPPING}: {name}: {words} Correct the SELECT of {name}."
            ) from error
    return frame, source


def _explain(connection, error: str, files: dict[str, str]) -> str:
    """What DuckDB says to a SELECT, in one line and in words of ``sources.yml``."""
    if table := re.search("Table with name (\\S+) does not exist", error):
        known = nearest(table[1], sorted(files)) if files else ""
        return f"the SELECT names {table[1]}, which is not under `files`. {known}".strip()
    if column := re.search('Referenced column "([^"]+)" not found', error):
        rows = "SELECT DISTINCT column_name FROM duckdb_columns() WHERE NOT internal"
        rows = connection.execute(rows).fetchall()
        return f"there is no column {column[1]}. {nearest(column[1], sorted(r[0] for r in rows))}"
    if "disabled by configuration" in error:
        return "a SELECT opens no file itself. Name the file under `files`, and use that name."
    return f"{error.partition('LINE 1')[0].partition('Candidate')[0].strip()}."


def _load(connection, alias: str, path: Path) -> None:
    import duckdb

    if path.suffix == ".xlsx":
        frame = _read_excel(path, alias)[0].astype("str")
        connection.register("loaded", frame)
        connection.execute(f'CREATE TABLE "{alias}" AS SELECT * FROM loaded')
        return
    reader = "read_parquet(?)"
    if path.suffix != ".parquet":
        coding = ", encoding='utf-16'" if _encoding(path) == "utf-16" else ""
        reader = f"read_csv(?, all_varchar=true, header=true{coding})"
    try:
        connection.execute(f'CREATE TABLE "{alias}" AS SELECT * FROM {reader}', [str(path)])
    except duckdb.Error as error:
        raise SourceError(
            f"{MAPPING}: {path.name} cannot be read: {error} Save it as CSV UTF-8, or as Excel."
        ) from error
