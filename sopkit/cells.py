"""Cells as written → typed values: text, numbers, flags, dates. What cannot be read is marked.

Nothing is guessed: a number or a date that can be meant in two ways is not read at all.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months

_NUMBER = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
_DOTTED_THOUSANDS = r"[+-]?[1-9][0-9]{0,2}(\.[0-9]{3})+"
_DAY = r"([0-9]{4})-([0-9]{1,2})(-([0-9]{1,2}))?([ T][0-9:.]+(Z|[+-][0-9:]+)?)?"
_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_YEARS = (1900, 2199)
Parsed = tuple[pd.Series, pd.Series, tuple[str, str]]


def parse(raw: pd.Series, kind: str) -> Parsed:
    """Typed values of one column, which cells cannot be read, and what to say of these.

    Parameters
    ----------
    raw : Series
        As read: text, or a type that a typed source gave.
    kind : str
        text, number, flag, date or month, as in ``schema.Column``.

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
    """
    parsers = {"text": _parse_text, "number": _parse_number, "flag": _parse_flag}
    values, bad, expected = parsers.get(kind, _parse_date)(raw.reset_index(drop=True))
    return (months.floor(values) if kind == "month" else values), bad, expected


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
    text = _as_text(raw)
    controls = text.str.contains(r"[\x00-\x1f]", regex=True, na=False)
    expected = ("a text holds a control character.", "Remove line breaks and tabs in the cell.")
    return text, controls, expected


def _parse_number(raw: pd.Series) -> Parsed:
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


def _parse_flag(raw: pd.Series) -> Parsed:
    words = _as_text(raw).str.lower()
    values = words.map(_FLAGS).astype("boolean")
    bad = words.notna() & values.isna()
    return values, bad, ("neither true nor false.", "Write true or false.")


def _parse_date(raw: pd.Series) -> Parsed:
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
