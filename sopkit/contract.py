"""What is wrong with a table, said so that a person can mend it.

Checked in stages, each only when the one before is clean: columns, parse, values, keys, across
tables. A *breach* stops a run, a *notice* does not; both name table, column, rows, remedy and the
share of twelve months' money they touch. Nothing here reads a file.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sopkit import months, schema

_NUMBER = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
_DOTTED_THOUSANDS = r"[+-]?[1-9][0-9]{0,2}(\.[0-9]{3})+"
_DAY = r"([0-9]{4})-([0-9]{1,2})(-([0-9]{1,2}))?([ T][0-9:.]+(Z|[+-][0-9:]+)?)?"
_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_YEARS = (1900, 2199)
COLUMNS = ["state", "table", "column", "rows", "first_row", "message", "remedy", "money_share"]


class ContractError(ValueError):
    """Raw tables that must not be planned on; ``findings`` lists every breach and notice."""

    def __init__(self, findings: pd.DataFrame) -> None:
        self.findings = findings
        breaches = findings[findings["state"] == "breach"]
        super().__init__("\n".join(sentence(row) for row in breaches.to_dict("records")))


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
    """Where a table came from: how to call it, and the number of its first row of data."""

    label: str
    first_row: int = 1
    row_word: str = "row"

    def row(self, position: int) -> str:
        """The row as the file's own editor numbers it."""
        return f"{self.row_word} {position + self.first_row}"


@dataclass(frozen=True)
class Checked:
    """A typed table and what the check found on the way."""

    frame: pd.DataFrame
    findings: list[Finding] = field(default_factory=list)


def sentence(row: dict) -> str:
    """One finding as a sentence: table, column, rows, what, remedy, money."""
    where = f"{row['table']}.{row['column']}" if row["column"] else row["table"]
    share = row["money_share"]
    money = f" It touches {share:.1%} of twelve months' money." if share == share else ""
    plural = "" if row["rows"] == 1 else "s"
    count = f" ({row['rows']} row{plural}, first: {row['first_row']})" if row["first_row"] else ""
    return f"{row['state']}: {where}: {row['message']}{count} {row['remedy']}{money}"


def nearest(word: str, known: list[str]) -> str:
    """A hint that names the nearest known word, or lists them all.

    Examples
    --------
    >>> nearest("quantitty", ["item", "quantity"])
    "Did you mean 'quantity'?"
    """
    match = difflib.get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return f"Did you mean {match[0]!r}?" if match else f"Known: {', '.join(known)}."


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
        ``all``), and the findings. After a breach the table holds what could be read.
    """
    table = schema.RAW[name]
    frame = frame.rename(columns=lambda column: str(column).strip())
    findings = _check_columns(table, frame, source)
    typed, parse_findings = _parse(table, frame, source)
    findings += parse_findings
    if not _has_breach(findings):
        findings += _check_values(table, typed, source)
    filled = _fill_keys(table, typed)
    if table.name == "sales":
        filled = filled.assign(month=filled["month"].fillna(months.floor(filled["date"])))
    if not _has_breach(findings):
        findings += _check_keys(table, filled, source)
    return Checked(filled, findings)


def empty(name: str) -> pd.DataFrame:
    """The table with all its columns, typed, and no row."""
    table = schema.RAW[name]
    return _fill_keys(table, pd.DataFrame({c.name: _no_values(c, 0) for c in table.columns}))


def _has_breach(findings: list[Finding]) -> bool:
    return any(finding.state == "breach" for finding in findings)


def _check_columns(table: schema.Table, frame: pd.DataFrame, source: Source) -> list[Finding]:
    """Columns that are missing, unknown or twice there, and a table without rows."""

    def breach(column: str, message: str, remedy: str) -> Finding:
        return Finding("breach", table.name, column, message, remedy)

    present = list(frame.columns)
    findings = [
        breach(name, f"{source.label} has the column {name!r} twice.", "Keep one of them.")
        for name in sorted({name for name in present if present.count(name) > 1})
    ]
    unknown = [name for name in present if name not in table.column_names]
    for column in table.columns:
        if column.is_required and column.name not in present:
            remedy = _nearest_present(column.name, unknown, source)
            findings.append(breach(column.name, "a required column is missing.", remedy))
    if table.one_of and not set(table.one_of) & set(present):
        words = " or ".join(table.one_of)
        findings.append(breach(words, "one of these columns is required.", f"Add {words}."))
    for name in unknown:
        hint = nearest(name, table.column_names)
        findings.append(Finding("notice", table.name, name, "a column nobody reads.", hint))
    if frame.empty:
        state = "breach" if table.name == "sales" else "notice"
        remedy = f"Fill {source.label}" + ("." if state == "breach" else ", or remove it.")
        findings.append(Finding(state, table.name, "", "the table has no rows.", remedy))
    return findings


def _nearest_present(name: str, unknown: list[str], source: Source) -> str:
    match = difflib.get_close_matches(name, unknown, n=1, cutoff=0.5)
    if match:
        return f"Rename the column {match[0]!r} of {source.label} to {name!r}."
    return f"Add the column {name!r} to {source.label}, or map it in data/raw/sources.yml."


def _no_values(column: schema.Column, count: int) -> pd.Series:
    kinds = {"text": "str", "number": "float64", "flag": "boolean"}
    dtype = kinds.get(column.kind, months.DTYPE)
    return pd.Series([None] * count, dtype=dtype)


def _parse(
    table: schema.Table, frame: pd.DataFrame, source: Source
) -> tuple[pd.DataFrame, list[Finding]]:
    """Typed columns, and a breach for each column with cells that cannot be read."""
    parsers = {"text": _parse_text, "number": _parse_number, "flag": _parse_flag}
    typed, findings = {}, []
    for column in table.columns:
        if column.name not in frame.columns:
            typed[column.name] = _no_values(column, len(frame))
            continue
        raw = frame[column.name]
        raw = raw.iloc[:, 0] if isinstance(raw, pd.DataFrame) else raw
        values, bad, expected = parsers.get(column.kind, _parse_date)(raw.reset_index(drop=True))
        typed[column.name] = months.floor(values) if column.kind == "month" else values
        if bad.any():
            findings.append(_at(table.name, raw, bad, source, column.name, *expected, shown=raw))
    return pd.DataFrame(typed), findings


def _at(
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
    """A finding on the rows where ``mask`` holds; ``shown`` gives the first row's cell."""
    positions = np.flatnonzero(mask)
    first = source.row(positions[0])
    if shown is not None:
        cell = shown.iloc[positions[0]]
        first += f" holds {cell!r}" if isinstance(cell, str) else f" holds {cell}"
    has_items = isinstance(frame, pd.DataFrame) and "item" in frame
    items = tuple(frame["item"].iloc[positions].dropna().unique()) if has_items else ()
    rows = tuple(int(row) for row in positions) if name == "sales" else ()
    return Finding(state, name, column, message, remedy, len(positions), first, items, rows)


def _is_text(raw: pd.Series) -> bool:
    return pd.api.types.is_object_dtype(raw) or pd.api.types.is_string_dtype(raw)


def _as_text(raw: pd.Series) -> pd.Series:
    """Cells as text, blanks missing; whole floats lose their .0 (Excel writes 417 as 417.0)."""
    if not _is_text(raw):
        if pd.api.types.is_float_dtype(raw) and (raw.dropna() % 1 == 0).all():
            raw = raw.astype("Int64")
        return raw.astype("str").where(raw.notna())
    text = raw.astype("str").str.strip().where(raw.notna())
    return text.where(text != "")


def _parse_text(raw: pd.Series) -> tuple[pd.Series, pd.Series, tuple[str, str]]:
    text = _as_text(raw)
    controls = text.str.contains(r"[\x00-\x1f]", regex=True, na=False)
    expected = ("a text holds a control character.", "Remove line breaks and tabs in the cell.")
    return text, controls, expected


def _parse_number(raw: pd.Series) -> tuple[pd.Series, pd.Series, tuple[str, str]]:
    if pd.api.types.is_object_dtype(raw) and not raw.map(lambda cell: isinstance(cell, str)).any():
        raw = pd.to_numeric(raw, errors="coerce")  # numbers of another kind, such as decimals
    if not _is_text(raw):
        values = pd.to_numeric(raw, errors="coerce").astype("float64")
        bad = np.isinf(values) | (values.isna() & raw.notna())
        return values, bad, ("not a number.", "Write a plain number.")
    text = _as_text(raw)
    given = text.notna()
    plain = text.str.fullmatch(_NUMBER).fillna(False).astype(bool)
    values = pd.to_numeric(text.where(plain), errors="coerce").astype("float64")
    dotted = plain & text.str.contains(".", regex=False, na=False)
    if dotted.any() and text[dotted].str.fullmatch(_DOTTED_THOUSANDS).all():
        remedy = "Say in data/raw/sources.yml whether the point marks decimals or thousands."
        return values, dotted, ("an ambiguous number: 1.234 may be 1234.", remedy)
    bad = given & (~plain | ~np.isfinite(values.fillna(0.0)))
    if text[bad].str.contains(",", regex=False).any():
        remedy = "Write 1234.5, or convert the text in data/raw/sources.yml."
        return values, bad, ("an ambiguous number: the comma may mark thousands.", remedy)
    return values, bad, ("not a number.", "Write a plain number such as 1234.5.")


def _parse_flag(raw: pd.Series) -> tuple[pd.Series, pd.Series, tuple[str, str]]:
    words = _as_text(raw).str.lower()
    values = words.map(_FLAGS).astype("boolean")
    bad = words.notna() & values.isna()
    return values, bad, ("neither true nor false.", "Write true or false.")


def _parse_date(raw: pd.Series) -> tuple[pd.Series, pd.Series, tuple[str, str]]:
    low, high = _YEARS
    expected = (
        "not a date.",
        f"Write YYYY-MM-DD or YYYY-MM, {low} to {high}; other forms are mapped in "
        "data/raw/sources.yml.",
    )
    if pd.api.types.is_datetime64_any_dtype(raw):
        days = raw.dt.tz_localize(None) if raw.dt.tz is not None else raw
        outside = days.notna() & ~days.dt.year.between(low, high)
        return days.where(~outside).astype(months.DTYPE), outside, expected
    text = _as_text(raw)
    part = text.str.extract(_DAY)
    day = part[0] + "-" + part[1].str.zfill(2) + "-" + part[3].fillna("01").str.zfill(2)
    days = pd.to_datetime(day, format="%Y-%m-%d", errors="coerce").astype(months.DTYPE)
    whole = text.str.fullmatch(_DAY).fillna(False).astype(bool)
    bad = text.notna() & (~whole | days.isna() | ~days.dt.year.between(low, high))
    if text[bad].str.fullmatch(r"\d{1,2}[/.]\d{1,2}[/.]\d{2,4}").any():
        remedy = "Write YYYY-MM-DD, or say in data/raw/sources.yml which part is the day."
        expected = ("an ambiguous date: day and month cannot be told apart.", remedy)
    return days.where(~bad), bad, expected


def _check_values(table: schema.Table, frame: pd.DataFrame, source: Source) -> list[Finding]:
    """Cells outside the column's range or choices, and required cells that are blank."""
    import pandera.pandas as pa  # imported here: an unchanged run never checks

    columns = {}
    for column in table.columns:
        checks = []
        if column.minimum is not None:
            checks.append(pa.Check.ge(column.minimum, error=f"below {column.minimum:g}"))
        if column.maximum is not None:
            checks.append(pa.Check.le(column.maximum, error=f"above {column.maximum:g}"))
        if column.choices:
            words = ", ".join(column.choices)
            checks.append(pa.Check.isin(column.choices, error=f"none of {words}"))
        is_needed = column.is_required and column.name not in table.key
        columns[column.name] = pa.Column(checks=checks, nullable=not is_needed)
    try:
        pa.DataFrameSchema(columns).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as error:
        return [
            _value_finding(table, frame, column, check, cases, source)
            for (column, check), cases in error.failure_cases.groupby(["column", "check"])
        ]
    return []


def _value_finding(table, frame, column, check, cases, source) -> Finding:
    mask = frame.index.isin(cases["index"].dropna().astype("int64"))
    remedy = f"Mend these cells in {source.label}."
    if check == "not_nullable":
        return _at(table.name, frame, mask, source, column, "a required cell is blank.", remedy)
    message = f"an impossible value: {check}."
    return _at(table.name, frame, mask, source, column, message, remedy, shown=frame[column])


def _fill_keys(table: schema.Table, frame: pd.DataFrame) -> pd.DataFrame:
    """Level columns of the key that are left out or blank mean ``all``."""
    required = {column.name for column in table.columns if column.is_required}
    optional = [name for name in table.key if name in schema.LEVELS and name not in required]
    filled = {name: frame[name].fillna(schema.ALL).astype("str") for name in optional}
    return frame.assign(**filled)


def _check_keys(table: schema.Table, frame: pd.DataFrame, source: Source) -> list[Finding]:
    """Blank cells in required keys and rows that share one key."""
    key = ["date" if name == "month" and table.name == "sales" else name for name in table.key]
    if "date" in key:
        frame = frame.assign(date=frame["date"].fillna(frame["month"]))
    needed = [name for name in key if table.column(name).is_required or name == "date"]
    blanks = {name: frame[name].isna() for name in needed}
    messages = dict.fromkeys(needed, "a key cell is blank.")
    if table.one_of and not {*table.one_of, "date"} & {*schema.LEVELS, *needed}:
        words = " or ".join(table.one_of)
        blanks[words] = frame[list(table.one_of)].isna().all(axis=1)
        messages[words] = "neither is given."
    findings = [
        _at(table.name, frame, blank, source, name, messages[name], f"Fill it in {source.label}.")
        for name, blank in blanks.items()
        if blank.any()
    ]
    double = frame.duplicated(key, keep=False) & frame[key].notna().any(axis=1)
    if double.any() and not findings:
        cells = frame[key].iloc[np.flatnonzero(double)[0]].dropna().items()
        values = ", ".join(
            f"{name} {months.label(cell) if isinstance(cell, pd.Timestamp) else cell}"
            for name, cell in cells
        )
        message, remedy = f"rows share one key ({values}).", "Sum or remove the doubles."
        findings.append(_at(table.name, frame, double, source, "", message, remedy))
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


def check_across(
    tables: dict[str, pd.DataFrame], sources: dict[str, Source], tolerance_rate: float
) -> list[Finding]:
    """What only two tables together can tell: unknown members and things left unsaid.

    Parameters
    ----------
    tables : dict of DataFrame
        Typed raw tables; those that were not given are empty.
    sources : dict of Source
        The tables that were given.
    tolerance_rate : float
        Share of money that sales of unknown items may touch before a run stops, 0 to 1.
    """
    findings = []
    if "items" in sources:
        findings += _unknown_items(tables, sources, tolerance_rate)
        findings += _left_unsaid(tables, sources)
    pairs = [
        ("routings", "resource", "resources"),
        ("capacity", "resource", "resources"),
        ("sales", "location", "locations"),
        ("sales", "channel", "channels"),
        ("options", "decision", "decisions"),
    ]
    for name, column, other in pairs:
        if name in sources and other in sources:
            findings += _unknown_members(tables, name, column, other, sources)
    return findings


def _unknown_items(tables, sources, tolerance_rate) -> list[Finding]:
    """Items that ``items`` does not know: a breach where they touch too much money."""
    known = set(tables["items"]["item"])
    findings = []
    for name in sources:
        column = "component" if name == "components" else "item"
        if name == "items" or column not in tables[name].columns:
            continue
        rows = tables[name][column]
        unknown = rows.notna() & (rows != schema.ALL) & ~rows.isin(known)
        if not unknown.any():
            continue
        members = tuple(sorted(rows[unknown].unique()))
        is_breach = name == "sales" and (_money_share(tables, items=members) > tolerance_rate)
        remedy = f"Add {_some(members)} to {sources['items'].label}"
        remedy += ", or raise tolerance_rate in company.yml." if is_breach else "."
        message = f"{len(members)} items are not in items; they count as unassigned."
        state = "breach" if is_breach else "notice"
        findings.append(
            _at(name, tables[name], unknown, sources[name], column, message, remedy, state=state)
        )
    return findings


def _some(members: tuple[str, ...]) -> str:
    return ", ".join(members[:5]) + (f" and {len(members) - 5} more" if len(members) > 5 else "")


def _left_unsaid(tables, sources) -> list[Finding]:
    """Sold items without family, cost, price or routing."""
    items = tables["items"]
    sold = items[items["item"].isin(set(tables["sales"]["item"]))]
    asked = {
        "family": sold["family"].isna(),
        "unit_cost_value": sold["unit_cost_value"].isna(),
        "unit_price_value": sold["unit_price_value"].isna()
        & ~sold["item"].isin(tables["prices"]["item"])
        & tables["sales"]["revenue_value"].isna().all(),
    }
    if "routings" in sources:
        routed = set(tables["routings"]["item"]) | set(tables["routings"]["family"])
        made = ~sold["is_purchased"].fillna(False).astype(bool)
        asked["routing"] = made & ~sold["item"].isin(routed) & ~sold["family"].isin(routed)
    findings = []
    for column, lacking in asked.items():
        if lacking.any():
            members = tuple(sold.loc[lacking, "item"])
            place = "routings" if column == "routing" else "items"
            message = f"{len(members)} sold items have no {column}."
            remedy, first = f"Fill it in {sources[place].label}.", f"item {members[0]}"
            count = len(members)
            findings.append(
                Finding("notice", place, column, message, remedy, count, first, members)
            )
    return findings


def _unknown_members(tables, name, column, other, sources) -> list[Finding]:
    rows = tables[name][column]
    unknown = (rows != schema.ALL) & ~rows.isin(set(tables[other][column]))
    if not unknown.any():
        return []
    members = tuple(sorted(rows[unknown].dropna().unique()))
    hint = nearest(members[0], sorted(tables[other][column].astype(str)))
    message, remedy = (
        f"{_some(members)} not in {other}.",
        f"Add it to {sources[other].label}. {hint}",
    )
    return [
        _at(name, tables[name], unknown, sources[name], column, message, remedy, state="notice")
    ]


def check_sales_months(
    sales: pd.DataFrame, cycle: pd.Timestamp, source: Source, unknown_sales: list[str]
) -> list[Finding]:
    """Months without any sales: the last one stops a run, and so does a hole.

    A channel or location silent in the last closed month counts as zero, and is a notice.
    """

    def breach(message: str, remedy: str) -> Finding:
        return Finding("breach", "sales", "month", message, remedy)

    seen = pd.DatetimeIndex(sorted(sales.loc[sales["month"] < cycle, "month"].unique()))
    if seen.empty:
        remedy = "Choose a later --cycle, or bring the history into sales."
        return [breach(f"no sales are known before the cycle {months.label(cycle)}.", remedy)]
    last_closed = months.shift(cycle, -1)
    last, count = months.label(last_closed), int(months.number(cycle) - months.number(seen[0]))
    missing = months.span(seen[0], count).difference(seen)
    labels = [months.label(month) for month in missing]
    labels = [label for label in labels if label not in unknown_sales]
    findings = []
    if last in labels:
        remedy = f"Load it into {source.label}, plan an earlier cycle with --cycle, or list {last} "
        remedy += "under unknown_sales in company.yml."
        findings.append(breach(f"the month {last} is not closed: it has no sales.", remedy))
    holes = [label for label in labels if label != last]
    if holes:
        remedy = f"Load them into {source.label}, or list them under unknown_sales in company.yml."
        message = f"no sales at all in {', '.join(holes[:6])}: a load may have failed."
        findings.append(breach(message, remedy))
    return findings + _silent_members(sales, cycle, source, unknown_sales)


def _silent_members(sales, cycle, source, unknown_sales) -> list[Finding]:
    """Locations and channels that sold in the six months before, and nothing in the last."""
    last = months.shift(cycle, -1)
    recent = sales[sales["month"].between(months.shift(cycle, -7), months.shift(cycle, -2))]
    findings = []
    for column in ("location", "channel"):
        now = set(sales.loc[sales["month"] == last, column])
        silent = sorted(set(recent[column]) - now - set(unknown_sales))
        for member in silent if now else []:
            rows = np.flatnonzero((sales[column] == member) & (sales["month"] < last))
            message = f"{member} sold nothing in {months.label(last)}; it counts as zero."
            remedy = f"If the load failed, mend {source.label}; if it is unknown, list {member} "
            remedy += "under unknown_sales in company.yml."
            touched = tuple(int(row) for row in rows)
            finding = Finding("notice", "sales", column, message, remedy, sales_rows=touched)
            findings.append(finding)
    return findings


def _row_money(tables: dict[str, pd.DataFrame]) -> pd.Series:
    """Money of each sales row in the last twelve months; units where any sold item has no price."""
    sales, items = tables["sales"], tables["items"]
    price = schema.lookup(sales["item"], items, "unit_price_value")
    money = sales["revenue_value"].fillna(sales["quantity"] * price)
    money = sales["quantity"] if money.isna().any() else money
    last = sales["month"].max()
    if pd.isna(last):
        return money.abs().fillna(0.0)
    recent = sales["month"] > last - pd.DateOffset(months=12)
    return money.abs().where(recent, 0.0).fillna(0.0)


def _money_share(
    tables: dict[str, pd.DataFrame], items: tuple[str, ...] = (), rows: tuple[int, ...] = ()
) -> float:
    """Share of the last twelve months' money in some items' sales, or in some sales rows.

    Counted in units where the price of any row is unknown, so that nothing unpriced weighs nothing.
    """
    money = _row_money(tables)
    if not money.sum():
        return float("nan")
    touched = money.iloc[list(rows)] if rows else money[tables["sales"]["item"].isin(items)]
    return float(touched.sum() / money.sum())


def findings_table(findings: list[Finding], tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Findings as a table, breaches first, ranked by the money they touch."""
    records = []
    for finding in findings:
        is_priced = bool(finding.items or finding.sales_rows) and not tables["sales"].empty
        share = (
            _money_share(tables, finding.items, finding.sales_rows) if is_priced else float("nan")
        )
        records.append({name: getattr(finding, name, share) for name in COLUMNS})
    found = pd.DataFrame(records, columns=COLUMNS)
    found = found.astype({"money_share": "float64", "rows": "int64"})
    return found.sort_values(
        ["state", "money_share", "table"], ascending=[True, False, True], kind="stable"
    ).reset_index(drop=True)


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
