"""CSV, Excel, Parquet, SELECTs over named files or a database → raw tables as they were written.

Text stays text: an item may be called NA or 00123. ``contract`` gives the types. DuckDB loads the
named files as text, is sealed (no file, no network, no setting), and only then sees a SELECT. A
company's database is asked by ``fetch`` alone; all else reads the rows that it gave then.
"""

from __future__ import annotations

import copy
import hashlib
import os
import re
import warnings
import zipfile
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pandas as pd

from sopkit import databases, schema
from sopkit.contract import Source, nearest
from sopkit.databases import SourceError

SUFFIXES = (".csv", ".xlsx", ".parquet")
MAPPING = "sources.yml"
SECTIONS = ("files", "databases", "tables", "formats")
FORMATS = {"dates": ("day_first", "month_first"), "decimal": ("comma", "point")}
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_ANY_CYCLE = pd.Timestamp(2199, 12, 1)


def find(folder: Path) -> dict[str, Path]:
    """The file of each raw table in a folder; a table mapped in ``sources.yml`` names that file.

    Raises
    ------
    SourceError
        If a table has two sources, or ``sources.yml`` maps a table nobody knows.
    """
    found: dict[str, Path] = {}
    mapped = mapping(folder)["tables"]
    for name in schema.RAW:
        paths = [folder / f"{name}{suffix}" for suffix in SUFFIXES]
        paths = [path for path in paths if path.is_file()]
        if name in mapped:
            paths.append(folder / MAPPING)
        if len(paths) > 1:
            names = " and ".join(path.name for path in paths)
            raise SourceError(f"{name}: {names} both give this table. Keep one of them.")
        if paths:
            found[name] = paths[0]
    return found


def strangers(folder: Path) -> list[str]:
    """Files whose name is near no table: sopkit does not read them."""
    known = {f"{name}{suffix}" for name in schema.RAW for suffix in SUFFIXES}
    known |= {MAPPING, "company.yml", "README.md"}
    return sorted(
        path.name
        for path in folder.iterdir()
        if path.is_file() and path.name not in known and not path.name.startswith(".")
    )


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
            raise SourceError(f"{path.name}: {section!r}? {nearest(str(section), list(SECTIONS))}")
    named = {section: content.get(section) or {} for section in SECTIONS}
    for section, lines in named.items():
        if not isinstance(lines, dict):
            raise SourceError(f"{path.name}: {section} must be lines of `name: text`.")
        for name, value in lines.items():
            problem = _problem(section, name, value, named["databases"])
            if problem:
                raise SourceError(f"{path.name}: {section}: {name}: {problem}")
    return {section: dict(lines) for section, lines in named.items()}


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


def load_yaml(path: Path) -> dict:
    """A YAML file as a dict, by the safe loader.

    Raises
    ------
    SourceError
        If it is no YAML, or no list of names and values.
    """
    import yaml

    try:
        content = copy.deepcopy(_parse_yaml(read_text(path))) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" in line {mark.line + 1}" if mark else ""
        raise SourceError(
            f"{path.name}: not readable as YAML{line}. Check indentation and colons there."
        ) from error
    if not isinstance(content, dict):
        raise SourceError(f"{path.name}: expected lines of `name: value`. See the README.")
    return content


@lru_cache(maxsize=8)
def _parse_yaml(text: str) -> object:
    import yaml

    return yaml.safe_load(text)


def read_text(path: Path) -> str:
    """A file as text: UTF-8, or UTF-16 where its first bytes say so (Excel's Unicode text)."""
    try:
        text = path.read_text(encoding=_encoding(path))
    except UnicodeError as error:
        where = f"byte {error.start}" if isinstance(error, UnicodeDecodeError) else "it"
        raise SourceError(
            f"{path.name}: {where} is not UTF-8 text. Save the file as CSV UTF-8, or "
            "keep it as Excel (.xlsx). Plain CSV of Excel is often Windows-1252."
        ) from error
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
    return frame, replace(source, **_said(path.parent, name))


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
        return _read_csv(path), Source(f"data/raw/{path.name}", 2, "line")
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


def _read_csv(path: Path) -> pd.DataFrame:
    header = read_text(path).partition("\n")[0]
    if not header.strip():
        raise SourceError(f"{path.name}: the file is empty. It needs a header line with columns.")
    separator = max(",;\t", key=header.count)
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
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning) as error:
        raise SourceError(
            f"{path.name}: {str(error).strip()}. A row has more cells than the header. "
            "Check separators and quotes there."
        ) from error
    return _with_header(cells)


def _with_header(cells: pd.DataFrame) -> pd.DataFrame:
    """The first row as column names, as written; blank rows at the end left out."""
    frame = cells.iloc[1:].set_axis(list(cells.iloc[0]), axis=1).reset_index(drop=True)
    filled = frame.fillna("").astype("str").ne("").any(axis=1)
    return frame.iloc[: int(filled[::-1].idxmax()) + 1 if filled.any() else 0]


def _read_excel(path: Path, name: str) -> tuple[pd.DataFrame, str]:
    """The sheet of that name, else the first one, and what it is called."""
    try:
        with pd.ExcelFile(path, engine="openpyxl") as book:
            sheets = {str(sheet).casefold(): sheet for sheet in reversed(book.sheet_names)}
            sheet = sheets.get(name.casefold(), book.sheet_names[0])
            cells = pd.read_excel(
                book, sheet_name=sheet, dtype="object", keep_default_na=False, header=None
            )
    except (ValueError, KeyError, OSError, IndexError, zipfile.BadZipFile) as error:
        raise SourceError(
            f"{path.name}: not readable as an Excel workbook ({error}). Save it again as .xlsx."
        ) from error
    if cells.empty:
        raise SourceError(
            f"{path.name}: the sheet {sheet} is empty. It needs a header row with columns."
        )
    frame = _with_header(cells.map(lambda cell: None if cell == "" else cell))
    frame = frame.set_axis([str(column).strip() for column in frame.columns], axis=1)
    return frame.infer_objects(), sheet


def _read_parquet(path: Path) -> pd.DataFrame:
    import pyarrow

    try:
        return pd.read_parquet(path)
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise SourceError(
            f"{path.name}: not readable as Parquet ({error}). Export it again."
        ) from error


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
    if path.name != MAPPING:
        digest.update(path.read_bytes())
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
        digest.update(_existing(alias, content["files"][alias]).read_bytes())
    return digest.hexdigest()[:20]


def _aliases(query: str, files: dict[str, str]) -> list[str]:
    return [alias for alias in sorted(files) if re.search(rf"\b{re.escape(alias)}\b", query)]


def _existing(alias: str, text: str) -> Path:
    path = _expand(text)
    if not path.is_file():
        raise SourceError(f"{MAPPING}: the file {alias!r} is not at {path}. Correct its path.")
    return path


def _select(path: Path, name: str, cycle: pd.Timestamp) -> tuple[pd.DataFrame, Source]:
    """One SELECT over its files, in a sealed DuckDB of its own."""
    import duckdb

    content = mapping(path.parent)
    query = content["tables"][name]
    source = Source(f"the SELECT of {name} in {MAPPING}")
    with duckdb.connect(":memory:") as connection:
        for alias in _aliases(query, content["files"]):
            _load(connection, alias, _existing(alias, content["files"][alias]))
        connection.execute("SET enable_external_access=false; SET lock_configuration=true")
        try:
            bound = {"cycle": cycle.date()} if "$cycle" in query else None
            found = connection.execute(query, bound)
            frame = found.df() if found else None
        except duckdb.Error as error:
            raise SourceError(f"{MAPPING}: {name}: {error}") from error
    if frame is None:
        raise SourceError(f"{MAPPING}: {name}: the text is no SELECT. Write one that gives rows.")
    return frame, source


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
