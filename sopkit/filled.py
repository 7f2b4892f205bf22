"""A department's workbook in: every good cell a row of `submissions`, every other one told why not.

Sheets and columns are found by their heads, rows by their keys, so that a moved column, a deleted
row, a new name of a sheet or a lifted protection does no harm. A cell that the template showed a
standing number in says nothing where it was left, and withdraws it where it was cleared. Nothing is
guessed.
"""

from __future__ import annotations

import datetime
import io
import math
import re
import warnings
import zipfile
from collections import defaultdict
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import pandas as pd

from sopkit import cells, files, months, schema, templates
from sopkit.contract import Source, near, plain
from sopkit.databases import SourceError
from sopkit.demand.submissions import number_in_words
from sopkit.templates import FAMILIES, FORECAST, ITEMS, REASON, WHAT, YOURS

_MOST_BYTES = 50_000_000
_HEAD_ROWS = 40  # rows in which a sheet's heads are looked for
_BIG_CHANGE = 0.5  # share off the base from which a reason is needed
_SLIP = 100.0  # times the largest number of the sheet, from which a number is taken for a slip
_LEVELS = ["family", "item", "location", "channel"]
REFUSED = ["sheet", "cell", "what", "holds", "why", "remedy"]
TAKEN = [*_LEVELS, "month", "quantity", "reason", "sheet", "cell", "base", "of_family", "holds"]
TAKEN += ["stood", "is_withdrawn"]  # the number that the template showed, and whether it is cleared
_NO_CHANGE = re.compile(rf"{templates.NO_CHANGE}\b.*", re.IGNORECASE)


@dataclass
class Filled:
    """What a workbook says: rows taken, cells refused or left as shown, and what else to know."""

    department: str
    cycle: pd.Timestamp
    written_at: pd.Timestamp
    base: str
    levels: list[str]
    author: str = ""
    saved_at: pd.Timestamp | None = None
    is_unchanged: bool = False
    rows: list[dict] = field(default_factory=list)
    left: list[dict] = field(default_factory=list)
    refused: list[dict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def refuse(self, cell: _Cell, why: str, remedy: str) -> None:
        """List one cell that is not taken; a number that the template showed there stays."""
        why += f" The {cell.before} shown stays." if cell.before else ""
        words = (cell.sheet, cell.address, cell.what, cell.words, why, remedy)
        self.refused.append(dict(zip(REFUSED, words, strict=True)))

    def table(self) -> pd.DataFrame:
        """Rows of `submissions` with ``sheet`` and ``cell``; one where nothing is to change."""
        frame = pd.DataFrame(self.rows, columns=TAKEN)
        if self.is_unchanged and not self.rows:
            said = {"month": self.cycle, "is_unchanged": True, "sheet": FAMILIES, "cell": "B3"}
            frame = pd.DataFrame([said])
        elif not frame["is_withdrawn"].any():
            frame = frame.drop(columns="is_withdrawn")
        return frame.assign(department=self.department, cycle=self.cycle)


@dataclass(frozen=True)
class _Cell:
    sheet: str
    row: int
    column: int
    value: object = None
    kind: str = ""
    form: str = ""
    what: str = ""  # key and month in words
    stood: float | None = None  # the number that the template showed there

    @property
    def address(self) -> str:
        """As Excel calls it."""
        from openpyxl.utils import get_column_letter

        return f"{get_column_letter(self.column)}{self.row}"

    @property
    def text(self) -> str:
        """Its content as text, without spaces around it."""
        return " ".join(str(self.value).split()) if self.value is not None else ""

    @property
    def before(self) -> str:
        """The number that the template showed there, in words."""
        return number_in_words({"quantity": self.stood})

    @property
    def remedy(self) -> str:
        """What to write instead; clearing would withdraw a number that stands."""
        if self.before:
            return f"Write {self.before} again to leave it, or a plain number to change it."
        return "Write a plain number, or clear the cell."

    @property
    def words(self) -> str:
        """Its content as a person may read it, cut where it is long."""
        if self.value is None and self.before:
            return f"nothing (it held {self.before})"
        number = isinstance(self.value, (int, float)) and not isinstance(self.value, bool)
        if number and "%" in self.form:
            return f"{self.value:.6g} shown as {self.value:.0%}"
        text = f"{self.value:.15g}" if number else self.text
        return text if len(text) <= 60 else text[:57] + "…"


def number(text: str) -> float | None:
    """A number as people of any country write it; None where it is none, or can be meant in two.

    Examples
    --------
    >>> number("1.234,5"), number("1,234.5"), number("1 234,5"), number("12,5"), number("0,125")
    (1234.5, 1234.5, 1234.5, 12.5, 0.125)
    >>> number("1.234.567"), number("1.234"), number("1,234"), number("many")
    (1234567.0, None, None, None)
    """
    digits = re.sub(r"(?<=\d)[ \u00a0\u202f'\u2019](?=\d{3}(\D|$))", "", text.strip())
    if not re.fullmatch(r"[+-]?\d[\d.,]*", digits):
        return None
    sign, digits = (-1.0 if digits[0] == "-" else 1.0), digits.lstrip("+-")
    marks = [mark for mark in digits if mark in ".,"]
    if len(set(marks)) == 2:
        mark = marks[-1]
        thousands = "," if mark == "." else "."
        whole, _, part = digits.rpartition(mark)
        if marks.count(mark) > 1 or not re.fullmatch(
            rf"[1-9]\d{{0,2}}(\{thousands}\d{{3}})+", whole
        ):
            return None
        return sign * float(f"{whole.replace(thousands, '')}.{part or 0}")
    if len(marks) > 1:
        grouped = re.fullmatch(r"[1-9]\d{0,2}([.,]\d{3})+", digits)
        return sign * float(re.sub("[.,]", "", digits)) if grouped else None
    if marks and re.fullmatch(r"[1-9]\d{0,2}[.,]\d{3}", digits) and " " not in text:
        return None
    return sign * float(digits.replace(",", "."))


def read(path: Path, frozen: dict[str, float]) -> Filled:
    """What a filled-in workbook says.

    Parameters
    ----------
    path : Path
        The workbook.
    frozen : dict
        ``frozen_months`` of ``company.yml``.

    Raises
    ------
    SourceError
        If it is no workbook, or none that ``sopkit template`` wrote.
    """
    sheets, about = _open(path)
    filled, keys = _keys(path, sheets)
    filled.author, filled.saved_at = about
    found = 0
    given: dict[tuple, list[tuple[_Cell, dict]]] = defaultdict(list)
    for name, rows in sheets.items():
        if name in (templates.KEYS, templates.LISTS):
            continue
        kind, head = _kind(rows)
        if kind:
            found += 1
            _sheet(name, kind, rows, head, filled, keys, frozen, given)
        elif name != templates.README and any(cell.text for row in rows for cell in row):
            filled.notes.append(f"The sheet “{name}” is none of the template: nobody read it.")
    if not found:
        raise SourceError(
            f"{path.name}: no sheet has the heads Family and {WHAT}, or Item and Channel. "
            f"{_anew(filled)}"
        )
    _settle(filled, given)
    if filled.is_unchanged:
        _keep_cleared(filled)
    if filled.is_unchanged and filled.rows:
        filled.is_unchanged = False
        filled.notes.append(
            f"“{templates.NO_CHANGE}” says yes, but numbers stand there: the numbers count."
        )
    return filled


def as_raw(path: Path, frozen: dict[str, float]) -> tuple[pd.DataFrame, Source, list[tuple]]:
    """A workbook in ``data/raw/submissions``: its rows, what to call each, and what was refused.

    Returns
    -------
    frame : DataFrame
        Rows of `submissions`.
    source : Source
        Calls each row by its sheet and cell.
    refused : list of tuple
        Sheet and cell, what stands there, why it is not taken, remedy.
    """
    filled = read(path, frozen)
    label = f"data/raw/submissions/{path.name}"
    frame = filled.table()
    where = [
        (place, f"sheet {sheet}, cell {cell} of {plain(label)}", None)
        for place, (sheet, cell) in enumerate(zip(frame["sheet"], frame["cell"], strict=True))
    ]
    columns = [c for c in schema.RAW["submissions"].column_names if c in frame]
    frame = frame[columns].assign(author=filled.author or path.stem, entered_at=filled.saved_at)
    refused = [
        (
            f"sheet {row['sheet']}, cell {row['cell']} of {label}",
            row["holds"],
            row["why"],
            row["remedy"],
        )
        for row in filled.refused
    ]
    return frame, Source(label, runs=tuple(where)), refused


def _open(path: Path) -> tuple[dict[str, list[list[_Cell]]], tuple]:
    """Every sheet's rows of cells, and who saved the workbook when."""
    from openpyxl import load_workbook

    files.require_bearable(path)
    if path.stat().st_size > _MOST_BYTES:
        raise SourceError(f"{path.name}: larger than {_MOST_BYTES / 1e6:.0f} MB: no template.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # what openpyxl leaves out is none of ours
            book = load_workbook(io.BytesIO(path.read_bytes()), read_only=True)
            sheets = {}
            for sheet in book.worksheets:
                sheet.reset_dimensions()
                sheets[sheet.title] = [
                    [
                        _Cell(sheet.title, row, column, c.value, c.data_type, c.number_format or "")
                        for column, c in enumerate(cells_, 1)
                        if c.value is not None
                    ]
                    for row, cells_ in enumerate(sheet.iter_rows(), 1)
                ]
            saved, author = book.properties.modified, book.properties.lastModifiedBy
    except (ValueError, KeyError, IndexError, TypeError, zipfile.BadZipFile, SyntaxError) as error:
        raise SourceError(
            f"{path.name}: no Excel workbook that can be read: perhaps another kind of file under "
            "this name, or locked by a password. Save it again as .xlsx."
        ) from error
    when = pd.Timestamp(saved) if saved else None
    when = when.tz_convert("UTC").tz_localize(None) if when is not None and when.tz else when
    return sheets, (" ".join((author or "").split()), when)


def _anew(filled: Filled | None = None) -> str:
    name = filled.department if filled else "NAME"
    return (
        "Write a new template and copy the numbers into it: "
        f"sopkit template --department {name!r}".replace("'NAME'", "NAME")
    )


def _keys(path: Path, sheets: dict) -> tuple[Filled, dict[tuple, dict]]:
    """Department, cycle and base; and by sheet, what and key the family and the numbers shown."""
    rows = sheets.get(templates.KEYS, [])
    told = {row[0].text: row[1].text for row in rows[:8] if len(row) == 2}
    if told.get("form") != templates.FORM:
        raise SourceError(
            f"{path.name}: its hidden sheet “{templates.KEYS}” is missing, so nobody can tell the "
            f"department, the cycle and what was shown. {_anew()}"
        )
    try:
        filled = Filled(
            told["department"],
            months.parse_cycle(told["cycle"]),
            pd.Timestamp(told["written_at"]),
            told["base"],
            told["levels"].split(),
        )
        at = next(
            place for place, row in enumerate(rows) if len(row) > 6 and row[0].text == "sheet"
        )
        head = {cell.column: cell.text for cell in rows[at]}
        keys: dict[tuple, dict] = {}
        for row in rows[at + 1 :]:
            words = {head[cell.column]: cell.value for cell in row if cell.column in head}
            key = tuple(str(words.pop(level)) for level in templates.KEY_LEVELS)
            sheet, what = words.pop("sheet"), words.pop("what")
            shown = {months.parse_cycle(month): float(a) for month, a in words.items()}
            keys[sheet, what, key] = shown
        is_whole = not pd.isna(filled.written_at) and filled.written_at.tz is None
        if not is_whole or not {"family"} <= set(filled.levels) <= set(templates.KEY_LEVELS):
            raise ValueError("a time or a level that no template writes")
    except (KeyError, ValueError, TypeError, StopIteration) as error:
        raise SourceError(
            f"{path.name}: its hidden sheet “{templates.KEYS}” was changed. {_anew()}"
        ) from error
    return filled, keys


def _kind(rows: list[list[_Cell]]) -> tuple[str, int]:
    """Which sheet of the template it is, by its heads, and the place of these; empty if none."""
    for place, row in enumerate(rows[:_HEAD_ROWS]):
        words = {cell.text.casefold() for cell in row}
        if {"family", WHAT.casefold()} <= words:
            return FAMILIES, place
        if {"item", "location", "channel"} <= words:
            return ITEMS, place
    return "", 0


def _month(cell: _Cell) -> pd.Timestamp | None:
    """The month that a column's head names."""
    if isinstance(cell.value, datetime.datetime):
        return months.floor(pd.Series([pd.Timestamp(cell.value)])).iloc[0]
    values, bad, _ = cells.parse(pd.Series([cell.text], dtype="str"), "month")
    return None if bad.iloc[0] or pd.isna(values.iloc[0]) else values.iloc[0]


def _sheet(name, kind, rows, head, filled, keys, frozen, given) -> None:
    """Read one sheet: cells that can be taken go to ``given`` by key and month."""
    columns = {cell.column: cell for cell in rows[head]}
    by_word = {cell.text.casefold(): column for column, cell in columns.items()}
    spans = {column: _month(cell) for column, cell in columns.items()}
    spans = {column: month for column, month in spans.items() if month is not None}
    shown = {
        column: _month(_Cell(name, head, column, cell.text[len("Forecast ") :]))
        for column, cell in columns.items()
        if cell.text.casefold().startswith("forecast ")
    }
    known = {"description", "unit", WHAT.casefold(), REASON.casefold(), *_LEVELS}
    ignored = {column for word, column in by_word.items() if word in known}
    ignored |= {column for word, column in by_word.items() if word.endswith(" a unit")} | set(shown)
    own = {
        key: base for (sheet, what, key), base in keys.items() if (sheet, what) == (kind, FORECAST)
    }
    lookup = {_fold(_visible(kind, key, filled.levels)): key for key in own}
    stood = {
        key: shown for (sheet, what, key), shown in keys.items() if (sheet, what) == (kind, YOURS)
    }
    most = max((a for base in own.values() for a in base.values() if a), default=0.0) or math.inf
    for row in rows[:head]:
        _no_change(row, filled)
    for row in rows[head + 1 :]:
        by_column = {cell.column: cell for cell in row}

        def word(title: str, by_column=by_column) -> str:
            cell = by_column.get(by_word.get(title.casefold(), 0))
            return cell.text if cell else ""

        levels = [n for n in (filled.levels if kind == FAMILIES else schema.SERIES)]
        said = tuple(word(level) for level in levels)
        key, what = lookup.get(_fold(said)), word(WHAT)
        if kind == FAMILIES and _fold((what,)) != _fold((YOURS,)):
            _compare(filled, keys, kind, key, what, by_column, spans)
            continue
        if kind == ITEMS:
            _compare(filled, keys, kind, key, FORECAST, by_column, shown)
        reason, shown_here = word(REASON), stood.get(key, {})
        cleared = {
            column: _Cell(name, row[0].row, column)
            for column, month in spans.items()
            if month in shown_here and not (column in by_column and by_column[column].text)
        }
        for cell in [*row, *cleared.values()]:
            is_cleared = cleared.get(cell.column) is cell
            if cell.column in ignored or not (cell.text or is_cleared):
                continue
            month = spans.get(cell.column)
            named = [*said, f"{month:%Y-%m}" if month is not None else ""]
            named = [text for text in named if text not in ("", schema.ALL)]
            before = shown_here.get(month)
            cell = replace(cell, what=", ".join(named), stood=before)
            if month is None:
                head_word = columns[cell.column].text if cell.column in columns else ""
                words = f"the head of its column is {head_word!r}: no month."
                filled.refuse(cell, words, "Write the month there as YYYY-MM, or clear the cell.")
                continue
            amount = None if is_cleared else _amount(cell, filled)
            if amount is None and not is_cleared:
                continue
            is_left = None not in (amount, before) and math.isclose(amount, before, abs_tol=1e-3)
            family = key[1] if key else ""
            base = own[key].get(month) if key else None
            limits = (
                key,
                said,
                lookup,
                month,
                templates.frozen_until(frozen, family, filled.cycle),
            )
            if not is_left and _is_refused(cell, filled, limits, own, amount, base, reason, most):
                continue
            taken = dict(zip(templates.KEY_LEVELS, key, strict=True))
            taken |= {"month": month, "quantity": amount, "reason": reason or None, "base": base}
            taken |= {"sheet": name, "cell": cell.address, "of_family": family, "holds": cell.words}
            taken |= {"family": schema.ALL} if kind == ITEMS else {}
            taken |= {"stood": before, "is_withdrawn": is_cleared}
            given[kind, key, month].append((cell, taken | {"is_left": is_left}))


def _visible(kind: str, key: tuple, levels: list[str]) -> tuple:
    """The part of a key that stands on its sheet."""
    by_level = dict(zip(templates.KEY_LEVELS, key, strict=True))
    return tuple(by_level[level] for level in (levels if kind == FAMILIES else schema.SERIES))


def _fold(words: tuple) -> tuple:
    return tuple(" ".join(str(word).split()).casefold() for word in words)


def _no_change(row: list[_Cell], filled: Filled) -> None:
    for label, answer in pairwise(row):
        if not _NO_CHANGE.fullmatch(label.text):
            continue
        word = answer.text.casefold()
        if word in ("yes", "y", "true", "x"):
            filled.is_unchanged = True
        elif word not in ("no", "n", "false"):
            filled.refuse(answer, "neither yes nor no.", "Write yes or no.")


def _compare(filled, keys, kind, key, what, by_column, spans) -> None:
    """Numbers written over what is only shown, or into a row that is not for them."""
    titles = {title.casefold(): title for title in templates.SHOWN}
    title = titles.get(what.casefold())
    shown = keys.get((kind, title, key), {}) if key and title else None
    for column, month in spans.items():
        cell = by_column.get(column)
        if cell is None or not cell.text or (shown is None and title):
            continue
        is_number = isinstance(cell.value, (int, float)) and not isinstance(cell.value, bool)
        before = (shown or {}).get(month)
        same = is_number and before is not None and math.isclose(cell.value, before, abs_tol=1e-3)
        if shown is not None and not same:
            words = f"it is only shown there ({'nothing' if before is None else f'{before:,.6g}'})."
            where = (
                f"in the row “{YOURS}”" if kind == FAMILIES else f"in the column of {month:%Y-%m}"
            )
            filled.refuse(cell, words, f"Write your own number {where}.")
        elif not title and not same:
            words = f"its row is called {what!r}, not “{YOURS}”."
            filled.refuse(cell, words, f"Write “{YOURS}” in the column {WHAT}.")


def _amount(cell: _Cell, filled: Filled) -> float | None:
    """The number of a cell; None, and the cell refused, where it holds none."""
    value = cell.value
    if cell.kind == "f" or (isinstance(value, str) and value.lstrip().startswith("=")):
        words = ("a formula.", "Write the number itself (paste as values).")
    elif cell.kind == "e":
        words = ("an Excel error.", "Write the number itself.")
    elif isinstance(value, (datetime.date, datetime.time, datetime.timedelta)):
        words = ("a date.", "Format the cell as a number and write the quantity.")
    elif isinstance(value, bool):
        words = ("neither a number nor empty.", cell.remedy)
    elif isinstance(value, (int, float)):
        if "%" not in cell.form:
            return float(value)
        words = ("a percentage.", "Write the quantity, and format the cell as a number.")
    else:
        amount = number(cell.text)
        if amount is not None:
            return amount
        words = ("not a number.", cell.remedy)
        if "%" in cell.text:
            words = ("a percentage.", "Write the quantity itself.")
        elif re.fullmatch(r"[+-]?[\d.,]+", cell.text):
            words = ("it can be meant in two ways.", "Write it without a mark for thousands.")
    filled.refuse(cell, *words)
    return None


def _is_refused(cell, filled, limits, own, amount, base, reason, most) -> bool:
    """Whether a number cannot be taken where it stands; it is listed then."""
    key, said, lookup, month, open_from = limits
    words, back = None, "Clear the cell"
    back = back if cell.stood is None else f"Write {cell.before} there again"
    if key is None:
        hint = near(said[0], {_shown(known)[0] for known in lookup.values()} - {schema.ALL})
        named = ", ".join(word or "(blank)" for word in said)
        words = (
            f"the template has no row {named}.",
            hint or "Write the key as the template had it.",
        )
    elif month < filled.cycle:
        words = (f"{month:%Y-%m} lies before the cycle {filled.cycle:%Y-%m}.", "Clear the cell.")
    elif month < open_from:
        words = (
            f"{month:%Y-%m} is frozen: changes begin with {open_from:%Y-%m}.",
            f"{back}, or ask for frozen_months of company.yml.",
        )
    elif month not in {known for base in own.values() for known in base}:
        words = (f"the template has no month {month:%Y-%m}.", "Clear the cell.")
    elif amount is None:
        return False
    elif amount < 0 or not math.isfinite(amount):
        words = ("a quantity below zero.", "Write 0 or more.")
    elif amount > _SLIP * most:
        words = (
            f"more than {_SLIP:.0f} times the largest forecast of the sheet ({most:,.0f}).",
            "Mend it; if it is meant, enter it in data/raw/submissions.",
        )
    elif not reason and abs(amount - (base or 0.0)) > _BIG_CHANGE * abs(base or 0.0):
        rate = f"{amount / base - 1.0:+.0%} off" if base else "a number where there is no forecast,"
        shown = f" the forecast of {base:,.6g}" if base else ""
        words = (f"{rate}{shown} without a reason.", f"Choose a reason in the column {REASON}.")
    if words:
        filled.refuse(cell, *words)
    return words is not None


def _shown(key: tuple) -> tuple:
    """A key's own name first: the item, or else the family."""
    return (key[0] if key[0] != schema.ALL else key[1], *key[2:])


def _settle(filled: Filled, given: dict) -> None:
    """Take each key and month once: not two numbers."""
    for entries in given.values():
        if len({taken["quantity"] for _, taken in entries}) > 1:
            places = " and ".join(f"{cell.sheet}!{cell.address}" for cell, _ in entries)
            for cell, _ in entries:
                words = f"{places} give different numbers for one key and month."
                filled.refuse(cell, words, "Leave one of them.")
            continue
        taken = dict(entries[0][1])
        (filled.left if taken.pop("is_left") else filled.rows).append(taken)


def _keep_cleared(filled: Filled) -> None:
    """Where nothing is to change, a cleared cell withdraws nothing."""
    words = f"“{templates.NO_CHANGE}” says yes, so the number that stood there stays."
    for row in [row for row in filled.rows if row["is_withdrawn"]]:
        cell = {name: row[name] for name in ("sheet", "cell", "holds")}
        named = [row[n] for n in templates.KEY_LEVELS if row[n] != schema.ALL]
        what = ", ".join([*named, months.label(row["month"])])
        remedy = f"To withdraw it, write no beside “{templates.NO_CHANGE}”."
        filled.refused.append(cell | {"what": what, "why": words, "remedy": remedy})
    filled.rows = [row for row in filled.rows if not row["is_withdrawn"]]
