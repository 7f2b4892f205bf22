"""CSV, Excel, Parquet and SELECTs over named files → raw tables as they were written.

Text stays text: an item may be called NA or 00123. ``contract`` gives the types. DuckDB loads the
named files as text, is sealed (no file, no network, no setting), and only then sees a SELECT.
"""

from __future__ import annotations

import copy
import hashlib
import os
import re
import warnings
import zipfile
from functools import lru_cache
from pathlib import Path

import pandas as pd

from sopkit import schema
from sopkit.contract import Source, nearest

SUFFIXES = (".csv", ".xlsx", ".parquet")
MAPPING = "sources.yml"
_VARIABLE = re.compile(r"\$\{(\w+)\}")
_ANY_CYCLE = pd.Timestamp(2199, 12, 1)


class SourceError(ValueError):
    """A file that cannot be read; the message names it and says what to do."""


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


def mapping(folder: Path) -> dict[str, dict[str, str]]:
    """Content of ``sources.yml``: ``files`` and ``tables``, both empty where there is none."""
    path = folder / MAPPING
    if not path.is_file():
        return {"files": {}, "tables": {}}
    content = load_yaml(path)
    for section in content:
        if section not in ("files", "tables"):
            words = nearest(str(section), ["files", "tables"])
            raise SourceError(f"{path.name}: {section!r}? {words}")
    files, tables = content.get("files") or {}, content.get("tables") or {}
    for section, named in (("files", files), ("tables", tables)):
        if not isinstance(named, dict):
            raise SourceError(f"{path.name}: {section} must be lines of `name: text`.")
        for name, text in named.items():
            if not isinstance(name, str) or not isinstance(text, str) or not text.strip():
                what = "the path of a file" if section == "files" else "one SELECT"
                raise SourceError(f"{path.name}: {section}: {name}: write {what} there, as text.")
    for name in tables:
        if name not in schema.RAW:
            raise SourceError(
                f"{path.name}: no table {name!r}. {nearest(name, sorted(schema.RAW))}"
            )
    return {"files": dict(files), "tables": dict(tables)}


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
    """A file as UTF-8 text, with or without a byte-order mark."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{path.name}: byte {error.start} is not UTF-8 text. Save the file as CSV UTF-8, or "
            "keep it as Excel (.xlsx)."
        ) from error


def read(path: Path, name: str, cycle: pd.Timestamp | None) -> tuple[pd.DataFrame, Source]:
    """One raw table as written, and how messages call its rows.

    Parameters
    ----------
    path : Path
        As ``find`` gave it.
    name : str
        The table.
    cycle : Timestamp or None
        Bound as ``$cycle``; None binds a month after every row.
    """
    if path.name == MAPPING:
        return _select(path, name, cycle or _ANY_CYCLE)
    if path.suffix == ".csv":
        return _read_csv(path), Source(f"data/raw/{path.name}", 2, "line")
    if path.suffix == ".xlsx":
        return _read_excel(path), Source(f"data/raw/{path.name}", 2, "row")
    return _read_parquet(path), Source(f"data/raw/{path.name}")


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
                encoding="utf-8-sig",
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


def _read_excel(path: Path) -> pd.DataFrame:
    try:
        cells = pd.read_excel(
            path, dtype="object", keep_default_na=False, engine="openpyxl", header=None
        )
    except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
        raise SourceError(
            f"{path.name}: not readable as an Excel workbook ({error}). Save it again as .xlsx."
        ) from error
    if cells.empty:
        raise SourceError(f"{path.name}: the sheet is empty. It needs a header row with columns.")
    frame = _with_header(cells.map(lambda cell: None if cell == "" else cell))
    return frame.set_axis([str(name).strip() for name in frame.columns], axis=1).infer_objects()


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


def fingerprint(folder: Path, name: str, path: Path, cycle: pd.Timestamp) -> str:
    """A hash of all that a raw table is made from: file bytes, SELECT, cycle where it is bound."""
    digest = hashlib.sha256(f"{name}|{path.name}".encode())
    if path.name != MAPPING:
        digest.update(path.read_bytes())
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
        frame = _read_excel(path).astype("str")
        connection.register("loaded", frame)
        connection.execute(f'CREATE TABLE "{alias}" AS SELECT * FROM loaded')
        return
    reader = (
        "read_parquet(?)"
        if path.suffix == ".parquet"
        else ("read_csv(?, all_varchar=true, header=true)")
    )
    try:
        connection.execute(f'CREATE TABLE "{alias}" AS SELECT * FROM {reader}', [str(path)])
    except duckdb.Error as error:
        raise SourceError(f"{MAPPING}: {path.name} cannot be read: {error}") from error
