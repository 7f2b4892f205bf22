"""Cells as written → typed values: text, numbers, flags, dates. What cannot be read is marked.

Nothing is guessed: a number or a date that can be meant in two ways is read as `formats` of
``sources.yml`` says, and not at all where it says nothing. Years have four digits.
Cells that go out are ``harmless``: no spreadsheet takes a text for a formula.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from sopkit import months

_NUMBER = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
_DOTTED_THOUSANDS = r"[+-]?[1-9][0-9]{0,2}(\.[0-9]{3})+"
_CLOCK = r"([01]?[0-9]|2[0-3])(:?[0-5][0-9]){0,2}([.][0-9]+)?"  # never 24:00: which day is it of?
_ZONE = r"(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)"
_DAY = rf"([0-9]{{4}})-([0-9]{{1,2}})(-([0-9]{{1,2}}))?([ T]{_CLOCK}{_ZONE}?)?"
_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_YEARS = (1900, 2199)
_TIME = rf"([ T]{_CLOCK}( ?[AaPp][Mm])?)?"
_LARGEST, _SMALLEST = 1e15, 1e-12  # beyond, sums lose units or products overflow: a slip
_LONGEST = 10_000  # signs of a text
# signs that nobody sees, and that part names which look the same; joiners of letters stay
_UNSEEN = "\x00-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
_CLEAR = [  # dates that can be meant in one way only
    re.compile(form + _TIME, re.ASCII)
    for form in (
        r"(?P<y>\d{4})(?P<mark>[/.])(?P<m>\d{1,2})(?P=mark)(?P<d>\d{1,2})",
        r"(?P<y>\d{4})/(?P<m>\d{1,2})",
        r"(?P<y>\d{4})(?P<m>\d\d)(?P<d>\d\d)",
        r"((?P<d>\d{1,2})[ -])?(?P<m>[A-Za-z]{3,9})[ -](?P<y>\d{4})",
    )
]
_SAID = {  # dates whose order `formats` tells
    word: re.compile(rf"{first}(?P<mark>[/.-]){second}(?P=mark)(?P<y>\d{{4}}){_TIME}", re.ASCII)
    for word, first, second in (
        ("day_first", r"(?P<d>\d{1,2})", r"(?P<m>\d{1,2})"),
        ("month_first", r"(?P<m>\d{1,2})", r"(?P<d>\d{1,2})"),
    )
}
_MONTH_NAMES = (
    "january february march april may june july august september october november december"
).split()
_YEAR_AND_MONTH = r"[12][0-9]{3}(0[1-9]|1[0-2])"
_UNSURE = r"([0-9]{1,2}[/.-]){2}[0-9]{4}([ T].*)?"
_SHORT_YEAR = r"(([0-9]{1,2}[/.-]){2}|([0-9]{1,2}[ -])?[A-Za-z]{3,9}[ '-])[0-9]{2}([ T].*)?"
_MARKS = {"comma": (".", ",", "1.234,5"), "point": (",", ".", "1,234.5")}
_EXCEL_ERROR = r"#(?:N/A|REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!|ERROR)"
_NO_NUMBER = "not a number."
_HINTS = [  # kinds, how the first cell that cannot be read looks, message (empty: as it is), remedy
    (".*", _EXCEL_ERROR, "an Excel error.", "Mend the formula in the workbook and save it again."),
    ("number", "=.*", _NO_NUMBER, "Write the value, not the formula."),
    ("number", "[+-]?[0-9.,]+ ?%", _NO_NUMBER,
     "Write a number: 0.2 for 20 %, or 1.2 where a factor is meant."),
    ("number", r"\(([0-9.,]+)\)|([0-9.,]+)-", _NO_NUMBER, r"Write the minus in front: -\1\2."),
    ("number", "[+-]?[0-9]{1,3}([ '\u2019\u00a0\u202f][0-9]{3})+([.,][0-9]+)?", _NO_NUMBER,
     "Write nothing between the digits, as 1234.5."),
    ("number", "[^0-9.,+-]{1,4} ?[0-9.,]+|[0-9.,]+ ?[^0-9.,()-]{1,9}", _NO_NUMBER,
     "Write the number alone, without currency sign or unit."),
    ("number|date|month|flag", r"[-\u2013\u2014?.]+|n\.?/?a\.?|nan|none|null|nil", "",
     "Leave the cell blank where nothing is known."),
    ("date|month", r"\d{4}-\d{1,2}-\d{1,2}[ T].*", "no such time of day.",
     "Write the day alone, YYYY-MM-DD."),
    ("date|month", "9999.*", "", "Leave the cell blank where there is no end."),
    ("date|month", r"(19|2[01])\d\d([-/])\d{1,2}(\2\d{1,2})?", "no such day or month.",
     "Write a day of the calendar, YYYY-MM-DD or YYYY-MM."),
    ("date|month", r"[1-7]\d{4}(\.\d+)?", "Excel's count of days.",
     "Format the column as a date and save it again."),
    ("date|month", r"(\d{4})?[ -]?Q[1-4][ /-]?(\d{4})?", "a quarter.",
     "Write its first month, as 2026-04 for 2026 Q2."),
    ("date|month", r"(\d{4})?[ -]?(CW|KW|W|WK)[ -]?\d{1,2}([ /-]\d{4})?", "a week.",
     "Write its first day, YYYY-MM-DD."),
]  # fmt: skip
_FEW = 1_000  # rows below which texts are read one by one
# what a spreadsheet may take for a formula, wide signs and behind spaces too; a number alone stays
_FORMULA = re.compile(
    r"(?!\s*[+-]?[.]?[0-9][0-9.,]*(?:[eE][+-]?[0-9]+)?%?$)"
    r"(?:[\x00-\x1f]|[\s\u200b\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]).*",
    re.DOTALL,
)
_NO_TEXT = (bytes, dict, list, tuple, set, np.ndarray)
Parsed = tuple[pd.Series, pd.Series, tuple[str, str]]


def harmless(text: str) -> str:
    """The text as CSV may hold it: an apostrophe stands before what looks like a formula.

    All texts that leave for a spreadsheet as CSV go through here. In a workbook a cell of text
    needs none. A text that is a number, ``-5`` or ``+4.2%``, can do no harm and stays.

    Examples
    --------
    >>> [harmless(text) for text in ("=1+1", "@SUM(A1)", "-1+cmd", "-5", "+4.2%", "–", "Tents")]
    ["'=1+1", "'@SUM(A1)", "'-1+cmd", '-5', '+4.2%', '–', 'Tents']
    """
    return f"'{text}" if _FORMULA.fullmatch(text) else text


def all_harmless(table: pd.DataFrame) -> pd.DataFrame:
    """The table with each text, and each column's name, ``harmless``."""
    texts = [name for name in table if _is_text(table[name]) or table[name].dtype == "category"]
    mended = {
        name: table[name].map(lambda cell: harmless(cell) if isinstance(cell, str) else cell)
        for name in texts
    }
    return table.assign(**mended).rename(columns=lambda name: harmless(str(name)))


def parse(
    raw: pd.Series, kind: str, table: str = "all", *, dates: str = "", decimal: str = ""
) -> Parsed:
    """Typed values of one column, which cells cannot be read, and what to say of these.

    Parameters
    ----------
    raw : Series
        As read: text, or a type that a typed source gave.
    kind : str
        text, number, flag, date, month or time, as in ``schema.Column``.
    table : str
        Under which name the remedies say `formats`.
    dates, decimal : str
        What `formats` says of text: day_first or month_first, comma or point; empty: nothing.

    Returns
    -------
    values, bad : Series
        Blank cells are missing and not bad.
    expected : tuple of str
        Message and remedy for the bad cells.

    Examples
    --------
    >>> values, bad, expected = parse(pd.Series(["12.5", "many", ""]), "number")
    >>> values.tolist(), bad.tolist(), expected[0]
    ([12.5, nan, nan], [False, True, False], 'not a number.')
    >>> parse(pd.Series(["1.234,5"]), "number", decimal="comma")[0].tolist()
    [1234.5]
    """
    raw = raw.reset_index(drop=True)
    if raw.dtype == "str" and len(raw) > _FEW:  # read each distinct text once
        codes, distinct = pd.factorize(raw, use_na_sentinel=False)
        if len(distinct) < len(raw) / 2:
            texts = pd.Series(distinct, dtype="str")
            values, bad, expected = parse(texts, kind, table, dates=dates, decimal=decimal)
            return *(s.take(codes).reset_index(drop=True) for s in (values, bad)), expected
    if kind == "number":
        values, bad, expected = _parse_number(raw, decimal, table)
    elif kind in ("text", "flag"):
        values, bad, expected = (_parse_text if kind == "text" else _parse_flag)(raw)
    else:
        values, bad, expected = _parse_date(raw, dates, table)
    values = _with_time(values, raw) if kind == "time" else values
    values = months.floor(values) if kind == "month" else values
    return values, bad, _hint(raw[bad], "date" if kind == "time" else kind, expected)


def _hint(bad: pd.Series, kind: str, expected: tuple[str, str]) -> tuple[str, str]:
    """Message and remedy by how the first bad cell looks; as they are where that tells nothing."""
    cell = str(bad.iloc[0]).strip() if len(bad) else ""
    for kinds, form, message, remedy in _HINTS if cell else []:
        looks = re.fullmatch(form, cell, re.IGNORECASE) if re.fullmatch(kinds, kind) else None
        if looks:
            return message or expected[0], looks.expand(remedy)
    return expected


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


def _parse_text(raw: pd.Series) -> Parsed:
    """Texts as Unicode composes them, so that an é of two signs is the é of one."""
    text = _as_text(raw)
    text = text.where(text.str.isascii().fillna(True).astype(bool), text.str.normalize("NFC"))
    if (
        pd.api.types.is_object_dtype(raw)
        and (other := raw.map(lambda c: isinstance(c, _NO_TEXT))).any()
    ):
        return text, other, ("bytes or a list, no text.", "Export the column as plain text.")
    if (long := text.str.len() > _LONGEST).any():
        remedy = f"Cut it, or close a quotation mark: {_LONGEST:,} may stand in a cell."
        return text, long, (f"a text of more than {_LONGEST:,} signs.", remedy)
    bad = text.str.contains(rf"[{_UNSEEN}]|^{_EXCEL_ERROR}$", regex=True, na=False)
    remedy = "Remove line breaks, tabs and signs without width in the cell."
    return text, bad, ("a text holds a control character.", remedy)


def _parse_number(raw: pd.Series, decimal: str, table: str) -> Parsed:
    """As ``_any_number``; numbers that no company's data hold are marked too."""
    values, bad, expected = _any_number(raw, decimal, table)
    size = values.abs()
    if not bad.any() and (odd := (size > _LARGEST) | (size < _SMALLEST) & (size > 0)).any():
        words = "a number beyond 10^15." if size[odd].iloc[0] > 1 else "a number below 10^-12."
        return values.mask(odd), odd, (words, "Mend the slip, or count in another unit.")
    return values, bad, expected


def _any_number(raw: pd.Series, decimal: str, table: str) -> Parsed:
    if not _is_text(raw):
        if pd.api.types.is_bool_dtype(raw) or not pd.api.types.is_numeric_dtype(raw):
            nothing = pd.Series(np.nan, index=raw.index)
            return nothing, raw.notna(), (_NO_NUMBER, "Write a plain number.")
        values = pd.to_numeric(raw, errors="coerce").astype("float64")
        bad = np.isinf(values) | (values.isna() & raw.notna())
        return values, bad, (_NO_NUMBER, "Write a plain number.")
    numbers = None
    if pd.api.types.is_object_dtype(raw):  # a workbook's numbers beside texts, or decimals
        is_number = raw.notna() & ~raw.map(lambda cell: isinstance(cell, str))
        numbers = pd.to_numeric(raw.where(is_number), errors="coerce").astype("float64")
        wrong_number = is_number & (~np.isfinite(numbers) | raw.map(lambda c: isinstance(c, bool)))
        raw = raw.mask(is_number)
    values, bad, expected = _parse_number_text(_as_text(raw), decimal, table)
    if numbers is not None:
        values, bad = values.fillna(numbers), bad | wrong_number
    return values, bad, expected


def _parse_number_text(text: pd.Series, decimal: str, table: str) -> Parsed:
    given = text.notna()
    shaped, written = given, text
    if decimal:
        thousands, point, example = _MARKS[decimal]
        groups = rf"([{thousands}][0-9]{{3}})+|([ \u00a0\u202f][0-9]{{3}})+"
        form = rf"[+-]?([1-9][0-9]{{0,2}}({groups})|[0-9]*)([{point}][0-9]*)?([eE][+-]?[0-9]+)?"
        shaped = text.str.fullmatch(form).fillna(False).astype(bool)
        text = text.str.replace(rf"[{thousands} \u00a0\u202f]", "", regex=True)
        text = text.str.replace(point, ".", regex=False)
    plain = shaped & text.str.fullmatch(_NUMBER).fillna(False).astype(bool)
    values = pd.to_numeric(text.where(plain), errors="coerce").astype("float64")
    bad = given & (~plain | ~np.isfinite(values.fillna(0.0)))
    if decimal:
        remedy = f"Write it like {example}, or correct `formats` in data/raw/sources.yml."
        return values.mask(bad), bad, (f"not a number with a decimal {decimal}.", remedy)
    dotted = plain & written.str.contains(".", regex=False, na=False)
    if dotted.any() and written[dotted].str.fullmatch(_DOTTED_THOUSANDS).all():
        remedy = (
            "Say in data/raw/sources.yml whether the point marks decimals or thousands: "
            f"formats: {{{table}: {{decimal: point}}}}, or comma where 1.234 is 1234."
        )
        return values, dotted, ("an ambiguous number: 1.234 may be 1234.", remedy)
    if written[bad].str.contains(",", regex=False).any():
        remedy = (
            "Write 1234.5, or say in data/raw/sources.yml what marks the decimals: "
            f"formats: {{{table}: {{decimal: comma}}}} for 1.234,5, or point for 1,234.5. "
            "A SELECT over files may convert it: replace(n, ',', '.')."
        )
        return values, bad, ("an ambiguous number: the comma may mark thousands.", remedy)
    return values, bad, (_NO_NUMBER, "Write a plain number such as 1234.5.")


def _parse_flag(raw: pd.Series) -> Parsed:
    words = _as_text(raw).str.lower()
    values = words.map(_FLAGS).astype("boolean")
    bad = words.notna() & values.isna()
    return values, bad, ("neither true nor false.", "Write true or false.")


def _parse_date(raw: pd.Series, dates: str, table: str) -> Parsed:
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
    whole = text.str.fullmatch(_DAY).fillna(False).astype(bool)
    others = text[text.notna() & ~whole]
    if len(others) and text.dropna().str.fullmatch(_YEAR_AND_MONTH).all():
        day = text.str[:4] + "-" + text.str[4:] + "-01"
    elif len(others):  # never ISO: that is read as ISO whatever is said
        read = {cell: _read_other(cell, dates) for cell in others.unique()}
        day = day.where(whole, text.map(read))
    days = pd.to_datetime(day, format="%Y-%m-%d", errors="coerce").astype(months.DTYPE)
    bad = text.notna() & (days.isna() | ~days.dt.year.between(low, high))
    if text[bad].str.fullmatch(_SHORT_YEAR).any():
        expected = ("a year of two digits.", "Write it with four, best as YYYY-MM-DD.")
    elif dates and text[bad].str.fullmatch(_UNSURE).any():
        remedy = "Write YYYY-MM-DD, or correct `formats` in data/raw/sources.yml."
        expected = (f"not a date with the {dates.removesuffix('_first')} first.", remedy)
    elif text[bad].str.fullmatch(_UNSURE).any():
        remedy = (
            "Write YYYY-MM-DD, or say in data/raw/sources.yml which part is the day: "
            f"formats: {{{table}: {{dates: day_first}}}}, or month_first. "
            "A SELECT over files may convert it: strptime(d, '%d/%m/%Y')."
        )
        expected = ("an ambiguous date: day and month cannot be told apart.", remedy)
    return days.where(~bad), bad, expected


def _with_time(days: pd.Series, raw: pd.Series) -> pd.Series:
    """Days with the time of day that their ISO text gives, in UTC; without one at its beginning."""
    if not _is_text(raw):
        return days
    text = _as_text(raw)
    has_time = days.notna() & text.str.fullmatch(_DAY) & text.str.contains("[ T]", na=False)
    exact = pd.to_datetime(text.where(has_time), format="ISO8601", errors="coerce", utc=True)
    return exact.dt.tz_localize(None).astype(months.DTYPE).fillna(days)


def _read_other(cell: str, dates: str) -> str | None:
    """A date that is not in ISO form as YYYY-MM-DD; None where it cannot be meant in one way."""
    for form in [*_CLEAR, *([_SAID[dates]] if dates else [])]:
        if match := form.fullmatch(cell):
            word = match["m"].lower()
            names = [n for n, name in enumerate(_MONTH_NAMES, 1) if name.startswith(word)]
            month = names[0] if names else word
            return f"{match['y']}-{month:0>2}-{match.groupdict().get('d') or '1':0>2}"
    return None
