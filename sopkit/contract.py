"""What is wrong with a table, said so that a person can mend it.

Checked in stages: columns, parse, values, keys, across tables. A stage leaves out what an earlier
one has refused (a column, a key, a table) and goes on with the rest. A *breach* stops a run, a
*notice* does not; both name table, column, rows, remedy and the share of twelve months' money they
touch. Nothing here reads a file.
"""

from __future__ import annotations

import difflib
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from numbers import Number

import numpy as np
import pandas as pd

from sopkit import cells, months, schema

_IN_ORDER = [
    ("first_month", "last_month"),
    ("first_date", "last_date"),
    ("launch_month", "end_month"),
    ("first_cycle", "expires_month"),
    ("effect_first_month", "effect_last_month"),
]
_MOST_COLUMNS = 12  # told one by one
COLUMNS = ["state", "table", "column", "rows", "first_row", "message", "remedy", "money_share"]


class ContractError(ValueError):
    """Raw tables that must not be planned on; ``findings`` lists every breach and notice."""

    def __init__(self, findings: pd.DataFrame) -> None:
        self.findings = findings
        breaches = findings[findings["state"] == "breach"]
        super().__init__("\n".join(sentence(row) for row in breaches.to_dict("records")))

    def __reduce__(self) -> tuple:
        """So that another process can say it."""
        return ContractError, (self.findings,)


@dataclass(frozen=True)
class Finding:
    """One breach or notice; ``items`` or ``sales_rows`` say which money it touches."""

    state: str
    table: str
    column: str
    message: str
    remedy: str
    rows: int = 0
    first_row: str = ""
    items: tuple[str, ...] = ()
    sales_rows: tuple[int, ...] = ()


@dataclass(frozen=True)
class Source:
    """Where a table came from: how to call it, its first row, and how its text is meant.

    ``dates`` and ``decimal`` are what `formats` of ``sources.yml`` says; empty: nothing. ``runs``
    says it of a table made of several files: from which position on which words and count hold
    (no count: the words alone).
    """

    label: str
    first_row: int = 1
    row_word: str = "row"
    dates: str = ""
    decimal: str = ""
    runs: tuple[tuple[int, str, int | None], ...] = ()

    def row(self, position: int) -> str:
        """The row as the file's own editor numbers it."""
        if not self.runs:
            return f"{self.row_word} {position + self.first_row}"
        first, words, count = self.runs[bisect_right(self.runs, position, key=lambda r: r[0]) - 1]
        return words if count is None else words.format(count + position - first)


@dataclass(frozen=True)
class Checked:
    """A typed table and what the check found on the way."""

    frame: pd.DataFrame
    findings: list[Finding] = field(default_factory=list)


def sentence(row: dict) -> str:
    """One finding as a sentence: table, column, rows, what, remedy, money."""
    where = f"{row['table']}.{short(row['column'])}" if row["column"] else row["table"]
    share = row["money_share"]
    shown = f"{share:.1%}" if share >= 0.001 else "less than 0.1 %"
    money = f" It touches {shown} of twelve months' money." if share > 0 else ""
    rows = counted(row["rows"], "row", "rows")
    count = f" ({rows}, first: {row['first_row']})" if row["first_row"] else ""
    return f"{row['state']}: {where}: {row['message']}{count} {row['remedy']}".rstrip() + money


def plain(label: str) -> str:
    """A file's name as a part of ``Source.runs``, where braces mean the row."""
    return label.replace("{", "{{").replace("}", "}}")


def counted(count: int, one: str, many: str) -> str:
    """A number with its words: ``1 row``, ``2 rows``."""
    return f"{count:,} {one if count == 1 else many}"


def some(words: Sequence[str], most: int = 5) -> str:
    """The first words, and how many more there are."""
    more = f" and {len(words) - most:,} more" if len(words) > most else ""
    return ", ".join(map(short, words[:most])) + more


def short(word: object) -> str:
    r"""A name as messages show it: 80 signs at most, those that nobody sees by their number.

    Examples
    --------
    >>> print(short("LAMP" + chr(0x200B)))
    LAMP\u200b
    """
    seen = str(word)
    if not seen.isprintable():
        seen = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in seen[:80])
    return seen if len(seen) <= 80 else f"{seen[:79]}…"


def near(word: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """A hint that names the nearest known word, capitals apart; empty where none is near."""
    by_fold = {name.casefold(): name for name in known}
    match = difflib.get_close_matches(word[:200].casefold(), by_fold, n=1, cutoff=cutoff)
    return f"Did you mean {by_fold[match[0]]!r}?" if match else ""


def nearest(word: str, known: Sequence[str]) -> str:
    """A hint that names the nearest known word, or lists them.

    Examples
    --------
    >>> nearest("quantitty", ["item", "quantity"])
    "Did you mean 'quantity'?"
    """
    return near(word, known) or f"Known: {some(known, 12)}."


def check_table(name: str, frame: pd.DataFrame, source: Source) -> Checked:
    """Types, values and keys of one raw table.

    Parameters
    ----------
    name : str
        A table of ``schema.RAW``.
    frame : DataFrame
        As read: text, or types that a typed source gave.
    source : Source
        How messages call it.

    Returns
    -------
    Checked
        Typed table with every column of the schema (absent ones empty, absent level columns
        ``all``), a given ``currency`` beside them, and the findings. After a breach the table holds
        what could be read.
    """
    table = schema.RAW[name]
    frame = frame.rename(columns=lambda column: str(column).strip())
    findings = _check_columns(table, frame, source)
    typed, parse_findings = _parse(table, frame, source)
    beside = _currency_beside(table, frame)
    findings += parse_findings
    is_blank = np.zeros(len(typed), dtype=bool)
    if not has_breach(findings):
        is_blank = _blank_rows(table, typed)
        findings += _check_blank_rows(table, typed, source, is_blank)
    broken = {name for f in findings if f.state == "breach" for name in f.column.split(" or ")}
    if "" not in broken or is_blank.any():
        findings += _check_values(table, typed, source, broken, is_blank)
    filled = _fill_keys(table, typed)
    if table.name == "sales":
        filled = filled.assign(month=filled["month"].fillna(months.floor(filled["date"])))
    if not broken & {"", *table.key, *(name for names in table.one_of for name in names)}:
        findings += _check_keys(table, filled, source)
    return Checked(filled.assign(**beside), findings)


def _currency_beside(table: schema.Table, frame: pd.DataFrame) -> dict[str, pd.Series]:
    """The column ``currency`` of a table that has none, kept until ``across`` compares it."""
    if list(frame.columns).count("currency") != 1 or "currency" in table.column_names:
        return {}
    return {"currency": cells.parse(frame["currency"], "text", table.name)[0]}


def empty(name: str) -> pd.DataFrame:
    """The table with all its columns, typed, and no row."""
    return _empty(name).copy()


@cache
def _empty(name: str) -> pd.DataFrame:
    """Made once: a check needs one for each table that is not given."""
    table = schema.RAW[name]
    return _fill_keys(table, pd.DataFrame({c.name: _no_values(c, 0) for c in table.columns}))


def has_breach(findings: list[Finding]) -> bool:
    """Whether any of them stops a run."""
    return any(finding.state == "breach" for finding in findings)


def _check_columns(table: schema.Table, frame: pd.DataFrame, source: Source) -> list[Finding]:
    """Columns that are missing, unknown or twice there, and a table without rows."""

    def breach(column: str, message: str, remedy: str) -> Finding:
        return Finding("breach", table.name, column, message, remedy)

    present = list(frame.columns)
    findings = [
        breach(name, f"{source.label} has the column {short(name)!r} twice.", "Keep one of them.")
        for name in _twice(table, present)[:_MOST_COLUMNS]
    ]
    unknown = [n for n in dict.fromkeys(present) if n and n not in table.column_names]
    required = [column.name for column in table.columns if column.is_required]
    if source.first_row > 1 and not set(present) & set(table.column_names):
        remedy = f"Write them there ({some(required or table.column_names)} …), and take what "
        remedy += f"stands above them out of {source.label}."
        return [breach("", f"{source.row(-1)} names no column of {table.name}.", remedy)]
    for column in table.columns:
        if column.is_required and column.name not in present:
            remedy = _nearest_present(column.name, unknown, source)
            findings.append(breach(column.name, "a required column is missing.", remedy))
    for names in table.one_of:
        if not set(names) & set(present):
            words = " or ".join(names)
            like = next((name for name in names if _like(name, unknown)), "")
            remedy = _nearest_present(like, unknown, source) if like else ""
            remedy = remedy or f"Add {words} to {source.label}."
            findings.append(breach(words, "one of these columns is required.", remedy))
    for place in [n for n, name in enumerate(present) if not name]:
        if frame.iloc[:, place].replace("", None).notna().any():
            remedy = f"Name it, or take it out of {source.label}."
            message = f"column {place + 1} has no name, so nobody reads it."
            findings.append(Finding("notice", table.name, "", message, remedy))
    for name in unknown[:_MOST_COLUMNS]:
        hint = nearest(name, table.column_names)
        findings.append(Finding("notice", table.name, name, "a column nobody reads.", hint))
    if more := unknown[_MOST_COLUMNS:]:
        message = f"{counted(len(more), 'more column', 'more columns')} nobody reads."
        findings.append(Finding("notice", table.name, "", message, f"They are {some(more)}."))
    if frame.empty:
        state = "breach" if table.name in ("sales", "items") else "notice"
        remedy = f"Fill {source.label}" + ("." if table.name == "sales" else ", or remove it.")
        findings.append(Finding(state, table.name, "", "the table has no rows.", remedy))
    return findings


def _twice(table: schema.Table, present: list[str]) -> list[str]:
    """Names that stand twice in a header; those of the table first."""
    counts = Counter(name for name in present if name)
    double = sorted(name for name, count in counts.items() if count > 1)
    return sorted(double, key=lambda name: name not in table.column_names)


def _like(name: str, unknown: list[str]) -> str:
    """The unknown column that is most like a known one; empty where none is."""
    by_fold = {word[:200].casefold(): word for word in unknown}
    match = difflib.get_close_matches(name, by_fold, n=1, cutoff=0.5)
    return by_fold[match[0]] if match else ""


def _nearest_present(name: str, unknown: list[str], source: Source) -> str:
    if like := _like(name, unknown):
        return f"Rename the column {like!r} of {source.label} to {name!r}."
    is_mapped = source.label.startswith("the SELECT")
    other_way = "" if is_mapped else ", or map it in data/raw/sources.yml"
    return f"Add the column {name!r} to {source.label}{other_way}."


def _no_values(column: schema.Column, count: int) -> pd.Series:
    kinds = {"text": "str", "number": "float64", "flag": "boolean"}
    dtype = kinds.get(column.kind, months.DTYPE)
    return pd.Series([None] * count, dtype=dtype)


def _parse(
    table: schema.Table, frame: pd.DataFrame, source: Source
) -> tuple[pd.DataFrame, list[Finding]]:
    """Typed columns, and a breach for each column with cells that cannot be read."""
    typed, findings = {}, []
    for column in table.columns:
        if column.name not in frame.columns:
            typed[column.name] = _no_values(column, len(frame))
            continue
        raw = frame[column.name]
        raw = raw.iloc[:, 0] if isinstance(raw, pd.DataFrame) else raw
        typed[column.name], bad, expected = cells.parse(
            raw, column.kind, table.name, dates=source.dates, decimal=source.decimal
        )
        if bad.any():
            findings.append(at(table.name, raw, bad, source, column.name, *expected, shown=raw))
    return pd.DataFrame(typed), findings


def at(
    name: str,
    frame: pd.DataFrame | pd.Series,
    mask: pd.Series | np.ndarray,
    source: Source,
    column: str,
    message: str,
    remedy: str,
    *,
    state: str = "breach",
    shown: pd.Series | None = None,
) -> Finding:
    """A finding on the rows where ``mask`` holds; ``shown`` gives the cell of the first."""
    positions = np.flatnonzero(mask)
    first = source.row(positions[0])
    if shown is not None:
        cell = shown.iloc[positions[0]]
        word = f"{cell:.15g}" if isinstance(cell, Number) else str(cell)
        cell = f"{cell[:79]}…" if isinstance(cell, str) and len(cell) > 80 else cell
        first += f" holds {cell!r}" if isinstance(cell, str) else f" holds {short(word)}"
    has_items = isinstance(frame, pd.DataFrame) and "item" in frame
    items = tuple(frame["item"].iloc[positions].dropna().unique()) if has_items else ()
    items = tuple(item for item in items if item != schema.ALL)
    rows = tuple(int(row) for row in positions) if name == "sales" else ()
    return Finding(state, name, column, message, remedy, len(positions), first, items, rows)


def _blank_rows(table: schema.Table, frame: pd.DataFrame) -> np.ndarray:
    """Rows without any cell."""
    required = [column.name for column in table.columns if column.is_required]
    suspects = frame[frame[required or table.column_names].isna().all(axis=1)]
    return frame.index.isin(suspects.index[suspects.isna().all(axis=1)])


def _check_blank_rows(table, frame, source, is_blank) -> list[Finding]:
    """Rows without any cell among the others."""
    if not is_blank.any():
        return []
    remedy = f"Take it out of {source.label}."
    return [at(table.name, frame, is_blank, source, "", "a blank row.", remedy)]


def _check_values(
    table: schema.Table, frame: pd.DataFrame, source: Source, broken: set[str], is_blank: np.ndarray
) -> list[Finding]:
    """Cells outside the column's range or choices, and required cells that are blank.

    Columns that are ``broken`` already and rows that are blank are left out.
    """
    import pandera.pandas as pa  # imported here: an unchanged run never checks

    columns = {}
    for column in (known for known in table.columns if known.name not in broken):
        checks = []
        if column.minimum is not None:
            word = "not above 0" if 0 < column.minimum < 1 else f"below {column.minimum:g}"
            checks.append(pa.Check.ge(column.minimum, error=word))
        if column.maximum is not None:
            checks.append(pa.Check.le(column.maximum, error=f"above {column.maximum:g}"))
        if column.choices:
            words = ", ".join(column.choices)
            checks.append(pa.Check.isin(column.choices, error=f"none of {words}"))
        is_needed = column.is_required and column.name not in table.key
        columns[column.name] = pa.Column(checks=checks, nullable=not is_needed)
    findings = _check_order(table, frame.drop(columns=list(broken), errors="ignore"), source)
    try:
        pa.DataFrameSchema(columns).validate(frame[~is_blank], lazy=True)
    except pa.errors.SchemaErrors as error:
        findings += [
            _value_finding(table, frame, column, check, cases, source)
            for (column, check), cases in error.failure_cases.groupby(["column", "check"])
        ]
    return findings


def _check_order(table: schema.Table, frame: pd.DataFrame, source: Source) -> list[Finding]:
    """Ends that come before their beginnings, and rows that name a month and a quarter."""
    findings = []
    for first, last in _IN_ORDER:
        if {first, last} <= set(frame.columns) and (wrong := frame[last] < frame[first]).any():
            remedy = f"Mend one of them in {source.label}."
            message = f"it comes before {first}."
            shown = frame[last].dt.strftime("%Y-%m-%d")
            findings.append(
                at(table.name, frame, wrong, source, last, message, remedy, shown=shown)
            )
    if table.name == "calendar" and {"first_date", "last_date", "working_days"} <= set(frame):
        days = (frame["last_date"] - frame["first_date"]).dt.days + 1
        if (long := frame["working_days"] > days).any():
            words = ("more days than the period has.", f"Mend it in {source.label}.")
            column = "working_days"
            findings.append(
                at("calendar", frame, long, source, column, *words, shown=frame[column])
            )
    if {"month", "quarter"} <= set(frame) and (
        both := frame[["month", "quarter"]].notna().all(axis=1)
    ).any():
        remedy = f"Leave one of them blank in {source.label}."
        words = "a row is for a month or for a quarter, not for both."
        findings.append(at(table.name, frame, both, source, "quarter", words, remedy))
    return findings


def _value_finding(table, frame, column, check, cases, source) -> Finding:
    mask = frame.index.isin(cases["index"].dropna().astype("int64"))
    remedy, known = f"Mend these cells in {source.label}.", table.column(column)
    if check == "above 1" and known.minimum == 0:
        remedy = f"Write a share, as 0.8 for 80 %, in {source.label}."
    if check == "below -1":
        remedy = (
            f"Demand cannot fall by more than all: write -0.3 for 30 % less, in {source.label}."
        )
    if known.choices and check != "not_nullable":
        hint = near(str(frame[column][mask].iloc[0]), known.choices)
        remedy += f" {hint}" if hint else ""
    if check == "not_nullable":
        return at(table.name, frame, mask, source, column, "a required cell is blank.", remedy)
    message = f"an impossible value: {check}."
    return at(table.name, frame, mask, source, column, message, remedy, shown=frame[column])


def _fill_keys(table: schema.Table, frame: pd.DataFrame) -> pd.DataFrame:
    """Level columns of the key that are left out or blank mean ``all``."""
    required = {column.name for column in table.columns if column.is_required}
    optional = [name for name in table.key if name in schema.LEVELS and name not in required]
    filled = {name: frame[name].fillna(schema.ALL).astype("str") for name in optional}
    return frame.assign(**filled)


def _check_keys(table: schema.Table, frame: pd.DataFrame, source: Source) -> list[Finding]:
    """Blank cells in required keys, the reserved word as an item, rows that share one key."""
    by_day = table.name == "sales" and frame["date"].notna().any()
    key = ["date" if name == "month" and by_day else name for name in table.key]
    if by_day:
        frame = frame.assign(date=frame["date"].fillna(frame["month"]))
    named = [column.name for column in table.columns if column.is_required]
    needed = [n for n in key if n in named or (table.name == "sales" and n in ("month", "date"))]
    blanks = {name: frame[name].isna() for name in needed}
    messages = dict.fromkeys(needed, "a key cell is blank.")
    for names in table.one_of:
        if not set(names) & set(needed):
            words = " or ".join(names)
            blanks[words] = frame[list(names)].replace(schema.ALL, None).isna().all(axis=1)
            messages[words] = "none of them is given."
    remedy = f"Fill it in {source.label}, or take the row out (a row of totals?)."
    findings = [
        at(table.name, frame, blank, source, name, messages[name], remedy)
        for name, blank in blanks.items()
        if blank.any()
    ]
    if "item" in named and (reserved := frame["item"] == schema.ALL).any():
        message, remedy = "`all` is reserved: it means every item.", "Call the item otherwise, or "
        remedy += f"take a row of totals out of {source.label}."
        findings.append(at(table.name, frame, reserved, source, "item", message, remedy))
    when = [name for name in ("entered_at",) if table.name in schema.ENTERED]
    double = frame.duplicated(key + when, keep=False) & frame[key].notna().any(axis=1)
    if double.any() and not findings:
        first = frame[key].iloc[np.flatnonzero(double)[0]].dropna().items()
        forms = {"month": "%Y-%m", "date": "%Y-%m-%d"}
        values = ", ".join(
            f"{name} {short(f'{cell:{forms.get(table.column(name).kind, str())}}')}"
            for name, cell in first
        )
        message, remedy = f"rows share one key ({values}).", "Sum or remove the doubles."
        findings.append(at(table.name, frame, double, source, "", message, remedy))
    return findings


def sum_days(sales: pd.DataFrame) -> pd.DataFrame:
    """Sales by day summed into months; amounts add, flags hold if they hold on any day."""
    by_day = sales["date"].notna()
    if not by_day.any():
        return sales
    table = schema.RAW["sales"]
    numbers = [c.name for c in table.columns if c.kind == "number"]
    flags = [c.name for c in table.columns if c.kind == "flag"]
    grouped = sales.groupby(schema.SERIES_MONTH, sort=True)
    summed = grouped[numbers].sum(min_count=1)
    for flag in flags:
        if sales[flag].notna().any():
            summed[flag] = grouped[flag].max()
        else:
            summed[flag] = pd.array([pd.NA] * len(summed), dtype="boolean")
    return summed.reset_index().assign(date=pd.NaT)[table.column_names]


def check_processed(name: str, frame: pd.DataFrame) -> None:
    """Hold a table that a step made to its contract.

    Raises
    ------
    ContractError
        If a column others rely on is missing, a key cell is blank, or two rows share one key.
    """
    table = schema.PROCESSED[name]
    lacking = [column for column in table.columns if column not in frame.columns]
    if lacking:
        _refuse(name, ", ".join(lacking), "columns are missing.", "Mend the step that makes it.")
    key = list(table.key)
    if key and frame[key].isna().any(axis=None):
        _refuse(name, ", ".join(key), "a key cell is blank.", "Mend the step that makes it.")
    if key and frame.duplicated(key).any():
        first = frame.loc[frame.duplicated(key), key].iloc[0].to_dict()
        _refuse(name, ", ".join(key), f"two rows share the key {first}.", "Mend the step.")


def _refuse(table: str, column: str, message: str, remedy: str) -> None:
    finding = Finding("breach", table, column, message, remedy)
    row = {name: getattr(finding, name, float("nan")) for name in COLUMNS}
    raise ContractError(pd.DataFrame([row]))
