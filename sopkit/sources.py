"""CSV, Excel, Parquet, SELECTs over named files or a database → raw tables as they were written.

Text stays text: an item may be called NA or 00123. ``contract`` gives the types. DuckDB loads the
named files as text, is sealed (no file, no network, no setting), and only then sees a SELECT. A
company's database is asked by ``fetch`` alone; all else reads the rows that it gave then.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd

from sopkit import databases, exports, files, filled, rules, schema
from sopkit.contract import Source, near, nearest, plain
from sopkit.databases import SourceError

SUFFIXES = (".csv", ".xlsx", ".parquet")
MAPPING = "sources.yml"
EXPORTS = "exports.yml"
COMPANY = "company.yml"
SECTIONS = ("files", "databases", "tables", "formats")
FORMATS = {"dates": ("day_first", "month_first"), "decimal": ("comma", "point")}
_VARIABLE = re.compile(r"\$\{(\w+)\}")
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
    """Hold a name that sopkit reads to a file within the workspace: no pipe, no folder."""
    if path.is_symlink():
        _require_inside(path, folder)
    if not path.is_file():
        kind = "a folder" if path.is_dir() else "a pipe or a device"
        place = path.relative_to(folder)
        raise SourceError(f"{place}: {kind}, no file. Put a file there, or take it out.")


def _require_inside(path: Path, folder: Path) -> None:
    """Hold a link to the workspace: one that leads out or nowhere is refused."""
    place = path.relative_to(folder)
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:  # a circle of links
        raise SourceError(
            f"{place}: a link to a file that is not there. Put the file itself in its place."
        ) from error
    if not any(target.is_relative_to(home) for home in (folder.resolve(), *folder.parents[1:2])):
        raise SourceError(
            f"{place}: a link to a file outside the workspace. Put the file itself there, or "
            f"name its path under `files` of {MAPPING}."
        )


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
    if own.is_symlink():
        _require_inside(own, folder)
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
    content = files.load_yaml(path) if path.is_file() else {}
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
    content = files.load_yaml(path) if path.is_file() else {}
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
    frozen = (files.load_yaml(terms) if terms.is_file() else {}).get("frozen_months")
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
        return files.read_parquet(snapshot), Source(f"the SELECT of {name} in {MAPPING}")
    if path.name == MAPPING:
        return _select(path, name, cycle)
    if path.suffix == ".csv":
        frame, first_row = files.read_csv(path)
        return frame, Source(f"data/raw/{path.name}", first_row, "line")
    if path.suffix == ".xlsx":
        frame, sheet = files.read_excel(path, name)
        return frame, Source(f"data/raw/{path.name}, sheet {sheet}", 2, "row")
    return files.read_parquet(path), Source(f"data/raw/{path.name}")


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
    if not path.is_file():  # what a variable holds may be a secret
        place = text if _VARIABLE.search(text) else path
        raise SourceError(f"{MAPPING}: the file {alias!r} is not at {place}. Correct its path.")
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
        frame = files.read_excel(path, alias)[0].astype("str")
        connection.register("loaded", frame)
        connection.execute(f'CREATE TABLE "{alias}" AS SELECT * FROM loaded')
        return
    reader = "read_parquet(?)"
    if path.suffix != ".parquet":
        coding = ", encoding='utf-16'" if files.encoding(path) == "utf-16" else ""
        reader = f"read_csv(?, all_varchar=true, header=true{coding})"
    try:
        connection.execute(f'CREATE TABLE "{alias}" AS SELECT * FROM {reader}', [str(path)])
    except duckdb.Error as error:
        raise SourceError(
            f"{MAPPING}: {path.name} cannot be read: {str(error).replace(str(path), path.name)} "
            "Save it as CSV UTF-8, or as Excel."
        ) from error
