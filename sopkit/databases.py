"""Tables from a company's database: one read-only transaction, the same rows in the same order.

The address stands in an environment variable alone. It is looked up when the database is asked,
and no message, traceback or file of sopkit holds it or its password.
"""

from __future__ import annotations

import datetime
import decimal
import importlib.util
import math
import os
import re
from pathlib import Path
from urllib.parse import quote, quote_plus

import pandas as pd

_PARTS = re.compile(  # what a SELECT quotes or comments out, and what is looked for beside it
    r"(?P<comment>--[^\n]*|/\*.*?\*/)"
    r"|(?P<quoted>(?<!\w)[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`"
    r"|(?<![\w$])\$(?P<tag>(?:[A-Za-z_]\w*)?)\$.*?\$(?P=tag)\$)"
    r"|(?P<cycle>(?<![\w$])\$cycle\b)",
    re.DOTALL,
)
_EXAMPLE = "postgresql://user:password@host:5432/database"
_DRIVERS = {"postgres": "postgresql", "mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql"}
_PACKAGES = {"psycopg": '"psycopg[binary]"', "MySQLdb": "mysqlclient", "cx_Oracle": "oracledb"}
_READ_ONLY = {
    "sqlite": ("PRAGMA query_only = ON", "BEGIN"),
    "mysql": ("START TRANSACTION READ ONLY",),
    "mariadb": ("START TRANSACTION READ ONLY",),
}


class SourceError(ValueError):
    """A source that cannot be read; the message names it and says what to do."""


def fetch(variable: str, selects: dict[str, str], cycle: pd.Timestamp) -> dict[str, pd.DataFrame]:
    """Rows of several SELECTs, all of one state of the database, which is never changed.

    Parameters
    ----------
    variable : str
        Environment variable that holds the database's address (an SQLAlchemy URL).
    selects : dict
        Name of a raw table: one statement that begins with SELECT or WITH.
    cycle : Timestamp
        Its day is bound to each ``$cycle`` outside quotes and comments.

    Returns
    -------
    dict of DataFrame
        Texts stay texts; numbers, flags and days typed; rows sorted by all their columns.

    Raises
    ------
    SourceError
        If a text is no single SELECT, the variable is not set or no address, its driver is not
        installed, or the database does not answer or refuses. The message, its causes and the
        frames of its traceback hold neither address nor password.
    """
    for name, select in selects.items():
        if words := problem(select):
            raise SourceError(f"sources.yml: {name}: {words}")
    if not os.environ.get(variable):
        raise SourceError(
            f"sources.yml: {', '.join(selects)}: the variable {variable} is not set. "
            f"Set it before the run: export {variable}={_EXAMPLE}"
        )
    tables, trouble = _ask(variable, selects, cycle)
    if trouble:  # raised here, where no frame and no cause knows the address
        raise SourceError(f"sources.yml: {trouble}")
    return tables


def problem(select: str) -> str:
    """Why a text is not one SELECT; empty where it is."""
    code = _PARTS.sub(lambda part: " " if part["comment"] else "''", select).strip()
    if not re.match(r"(select|with)\b", code, re.IGNORECASE):
        return "the text begins with neither SELECT nor WITH. Nothing else is run."
    if ";" in code.removesuffix(";"):
        return "the text holds a second statement. Write one SELECT without a semicolon inside."
    return ""


def _statement(select: str, cycle: pd.Timestamp):
    """The SELECT with ``$cycle`` as a bound day; every other colon and dollar stays as it is."""
    import sqlalchemy

    # comments may hold a closing semicolon's rest or a driver's own placeholder: left out
    text = _PARTS.sub(lambda p: " " if p["comment"] else "\0" if p["cycle"] else p[0], select)
    text = text.strip().removesuffix(";").replace(":", "\\:")
    if "\0" not in text:
        return sqlalchemy.text(text)
    day = sqlalchemy.bindparam("cycle", cycle.date(), sqlalchemy.Date)
    return sqlalchemy.text(text.replace("\0", ":cycle")).bindparams(day)


def _ask(variable: str, selects: dict[str, str], cycle: pd.Timestamp) -> tuple[dict, str]:
    """Tables, or what went wrong in words that hold no secret."""
    import sqlalchemy

    secrets, tables, doing = [os.environ[variable]], {}, "its address"
    try:
        url = _url(secrets[0])
        secrets += _spellings(url)
        doing = "its driver"
        engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool, hide_parameters=True)
        doing = "the database"
        with engine.connect() as connection:
            connection = _read_only(connection)
            for name, select in selects.items():
                doing = name
                found = connection.execute(_statement(select, cycle))
                tables[name] = _table(list(found.keys()), found.fetchall())
            connection.rollback()
        engine.dispose()
    except Exception as error:  # a driver may raise anything, and its text may hold the password
        words = _explain(error, doing, variable, selects)
        for secret in sorted(secrets, key=len, reverse=True):
            words = words.replace(secret, "***")
        return {}, words
    return tables, ""


def _url(address: str):
    """The address as SQLAlchemy takes it, with a driver that is installed where one is."""
    import sqlalchemy

    url = sqlalchemy.make_url(address)
    if "@" in (url.host or ""):
        raise ValueError("the password's @ is not written as %40")
    name = _DRIVERS.get(url.drivername, url.drivername)
    if name == "postgresql":
        is_old = importlib.util.find_spec("psycopg2") and not importlib.util.find_spec("psycopg")
        name += "+psycopg2" if is_old else "+psycopg"
    url = url.set(drivername=name)
    is_path = name.startswith("sqlite") and not (url.database or ":").startswith((":", "file:"))
    if is_path and not Path(url.database).is_file():
        raise FileNotFoundError("there is no such file")
    return url


def _spellings(url) -> list[str]:
    """The address and its password in every form in which a message could repeat them."""
    secret = re.compile("pass|pwd|secret|token")
    hidden = [url.password, *(url.query[key] for key in url.query if secret.search(key.lower()))]
    words = [str(word) for word in hidden if word]
    forms = [url.render_as_string(hide_password=False)]
    forms += [form for word in words for form in (word, quote(word, safe=""), quote_plus(word))]
    return forms + [repr(word)[1:-1] for word in words]


def _read_only(connection):
    """The connection in a transaction that its server keeps from writing, where it can."""
    name = connection.dialect.name
    if name == "postgresql":
        return connection.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
    for command in _READ_ONLY.get(name, ()):
        connection.exec_driver_sql(command)
    return connection


def _explain(error: Exception, doing: str, variable: str, selects: dict[str, str]) -> str:
    names, words = ", ".join(selects), " ".join(str(getattr(error, "orig", None) or error).split())
    if isinstance(error, FileNotFoundError) and doing == "its address":
        return f"{names}: the SQLite file that {variable} names is not there. Correct its path."
    if doing == "its address":  # the error may repeat a part of it
        return (
            f"{names}: {variable} holds no database address. Write it as {_EXAMPLE}, "
            "with @ : / ? # % in the password as %40 %3A %2F %3F %23 %25."
        )
    if isinstance(error, ImportError):
        module = error.name or "psycopg"  # psycopg without its library names no module
        package = _PACKAGES.get(module, module)
        return f"{names}: the database of {variable} needs a driver: pip install {package}"
    if doing == "its driver":
        return (
            f"{names}: nothing installed speaks to the kind of database that {variable} names. "
            f"pip install its SQLAlchemy dialect, or write {_EXAMPLE}."
        )
    if doing == "the database":
        return (
            f"{names}: the database does not let us in: {words} Check that it runs and that "
            f"the address in {variable} is right."
        )
    return (
        f"{doing}: the database refuses the SELECT: {words} Correct the SELECT, or check the "
        f"database and the rights of the user in {variable}."
    )


def _table(names: list[str], rows: list) -> pd.DataFrame:
    """Typed columns, rows sorted: the order in which a server gives them means nothing."""
    double = sorted({name for name in names if names.count(name) > 1})
    if double:
        raise ValueError(f"it gives the column {double[0]!r} twice.")
    cells = zip(*rows, strict=True) if rows else [()] * len(names)
    columns = {name: _column(list(values)) for name, values in zip(names, cells, strict=True)}
    return pd.DataFrame(columns).sort_values(names, kind="stable", ignore_index=True)


def _column(cells: list) -> pd.Series:
    """One column in the narrowest type that holds all its cells as they are."""
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds == {bool}:
        return pd.Series(cells, dtype="boolean")
    if kinds and all(issubclass(kind, datetime.date) for kind in kinds):
        # a time stamp as the database's own clock shows it, without its zone
        moments = [c.replace(tzinfo=None) if isinstance(c, datetime.datetime) else c for c in cells]
        return pd.Series(moments, dtype="datetime64[us]")
    if kinds and kinds <= {int, float, decimal.Decimal}:
        given = [cell for cell in cells if cell is not None]
        if not all(math.isfinite(cell) and cell == int(cell) for cell in given):
            return pd.Series([None if c is None else float(c) for c in cells], dtype="float64")
        if all(abs(cell) < 2**63 for cell in given):
            return pd.Series([None if c is None else int(c) for c in cells], dtype="Int64")
        cells = [None if cell is None else int(cell) for cell in cells]
    return pd.Series([None if cell is None else str(cell) for cell in cells], dtype="str")
