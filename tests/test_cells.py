"""Cells as people write them: read where they can be meant in one way or `formats` says which."""

from __future__ import annotations

import datetime
from decimal import Decimal

import pandas as pd
import pytest

from sopkit import cells


def read(given: list, kind: str, **said):
    """Values, as text for dates; the message and remedy of bad cells, joined."""
    values, bad, expected = cells.parse(pd.Series(given), kind, "sales", **said)
    shown = values.dt.strftime("%Y-%m-%d") if kind in ("date", "month") else values
    return shown.astype("object").where(values.notna(), None).tolist(), bad.tolist(), expected


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("2025-01-31", "2025-01-31"),
        ("2025-01", "2025-01-01"),
        ("2025-1", "2025-01-01"),
        ("2025-1-5", "2025-01-05"),
        ("2025-01-31T23:59:59Z", "2025-01-31"),
        ("2025/01", "2025-01-01"),
        ("2025/01/31", "2025-01-31"),
        ("2025/1/5 14:30:00", "2025-01-05"),
        ("2025.01.31", "2025-01-31"),
        ("20250131", "2025-01-31"),
        ("Jan 2025", "2025-01-01"),
        ("sept 2025", "2025-09-01"),
        ("December-2025", "2025-12-01"),
        ("31-JAN-2025", "2025-01-31"),
        ("31 January 2025", "2025-01-31"),
        (datetime.date(2025, 1, 31), "2025-01-31"),
        (pd.Timestamp("2025-01-31 23:59", tz="Asia/Tokyo"), "2025-01-31"),
    ],
)
@pytest.mark.parametrize("dates", ["", "day_first", "month_first"])
def test_a_date_that_can_be_meant_in_one_way_is_read_whatever_is_said(cell, day, dates):
    assert read([cell], "date", dates=dates)[:2] == ([day], [False])


@pytest.mark.parametrize(
    ("dates", "cell", "day"),
    [
        ("day_first", "01/02/2025", "2025-02-01"),
        ("day_first", "1.2.2025", "2025-02-01"),
        ("day_first", "31-12-2025", "2025-12-31"),
        ("day_first", "01/02/2025 00:00:00", "2025-02-01"),
        ("month_first", "01/02/2025", "2025-01-02"),
        ("month_first", "12/31/2025", "2025-12-31"),
        ("month_first", "1/2/2025 11:59 PM", "2025-01-02"),
    ],
)
def test_formats_say_which_part_is_the_day(dates, cell, day):
    assert read([cell, "2025-03-04"], "date", dates=dates)[0] == [day, "2025-03-04"]


def test_an_ambiguous_date_shows_the_line_to_add_and_how_a_select_converts():
    for cell in ("01/02/2025", "31/01/2025", "01-02-2025", "01.02.2025 10:00"):
        _, bad, (message, remedy) = read([cell, None], "date")
        assert bad == [True, False]
        assert "ambiguous date" in message
        assert "formats: {sales: {dates: day_first}}" in remedy
    assert "strptime(d, '%d/%m/%Y')" in remedy


@pytest.mark.parametrize("dates", ["", "day_first", "month_first"])
@pytest.mark.parametrize("cell", ["01/02/25", "1.2.25", "01-02-25 00:00", "Jan-25", "31-Jan-25"])
def test_a_year_of_two_digits_is_refused_whatever_is_said(cell, dates):
    values, bad, (message, remedy) = read([cell], "date", dates=dates)
    assert (values, bad) == ([None], [True])
    assert message == "a year of two digits." and "YYYY-MM-DD" in remedy


@pytest.mark.parametrize(
    ("dates", "cell"), [("day_first", "01/31/2025"), ("month_first", "31/01/2025")]
)
def test_a_date_against_what_formats_say_is_bad_and_never_turned_round(dates, cell):
    values, bad, (message, remedy) = read([cell], "date", dates=dates)
    assert (values, bad) == ([None], [True])
    assert dates.removesuffix("_first") in message and "`formats`" in remedy


@pytest.mark.parametrize(
    "cell", ["Mai 2025", "2025.01", "20251331", "1899/12", "01/02.2025", "soon", "٢٠٢٥/01"]
)
def test_other_words_are_no_dates(cell):
    assert read([cell], "date", dates="day_first")[1] == [True]


@pytest.mark.parametrize("given", [["202501", "202512", ""], [202501, 202512, None]])
def test_six_digits_are_months_where_all_cells_are(given):
    assert read(given, "month")[0] == ["2025-01-01", "2025-12-01", None]


@pytest.mark.parametrize("other", ["202513", "2025-03", "311225"])
def test_six_digits_beside_another_form_are_not_read(other):
    assert read(["202501", other], "month")[1][0]


@pytest.mark.parametrize(
    ("decimal", "cell", "value"),
    [
        ("comma", "1.234,5", 1234.5),
        ("comma", "1.234", 1234.0),
        ("comma", "1.234.567", 1234567.0),
        ("comma", "-0,25", -0.25),
        ("comma", "12", 12.0),
        ("comma", "1\u202f234,5", 1234.5),
        ("comma", "1,5E+03", 1500.0),
        ("point", "1,234.5", 1234.5),
        ("point", "1.234", 1.234),
        ("point", "1,234", 1234.0),
        ("point", "1234.5", 1234.5),
        ("point", ".5", 0.5),
    ],
)
def test_formats_say_what_marks_decimals(decimal, cell, value):
    assert read([cell], "number", decimal=decimal)[:2] == ([value], [False])


@pytest.mark.parametrize(
    ("decimal", "cell"),
    [
        ("comma", "12.5"),
        ("comma", "0.123"),
        ("comma", "1.23,5"),
        ("comma", "1234.567"),
        ("comma", "1,234.5"),
        ("comma", "1,2,3"),
        ("comma", ","),
        ("point", "1,5"),
        ("point", "1.234,5"),
        ("point", "12,34"),
        ("point", "many"),
    ],
)
def test_a_number_against_what_formats_say_is_bad(decimal, cell):
    values, bad, (message, remedy) = read([cell, "1"], "number", decimal=decimal)
    assert (values, bad) == ([None, 1.0], [True, False])
    assert f"decimal {decimal}" in message and "`formats`" in remedy


def test_an_ambiguous_number_shows_the_lines_to_add():
    remedy = read(["1.234", "5.678"], "number")[2][1]
    assert "formats: {sales: {decimal: point}}" in remedy and "comma" in remedy
    remedy = read(["1,5"], "number")[2][1]
    assert "formats: {sales: {decimal: comma}}" in remedy and "replace(n" in remedy


def test_numbers_of_a_workbook_are_never_read_as_texts():
    mixed = pd.Series([1.234, "1.234,5", None, Decimal("5.678"), 7], dtype="object")
    values, bad, _ = cells.parse(mixed, "number", decimal="comma")
    assert values.fillna(-1).tolist() == [1.234, 1234.5, -1, 5.678, 7]
    assert not bad.any()


def test_a_date_among_numbers_is_bad():
    mixed = pd.Series([1.0, pd.Timestamp("2025-01-01"), "2", float("inf")], dtype="object")
    assert cells.parse(mixed, "number")[1].tolist() == [False, True, False, True]


@pytest.mark.parametrize(
    ("kind", "cell", "words"),
    [
        (
            "number",
            "20%",
            "not a number. Write a number: 0.2 for 20 %, or 1.2 where a factor is meant.",
        ),
        ("number", "€150", "not a number. Write the number alone"),
        ("number", "150 EUR", "not a number. Write the number alone"),
        ("number", "6 weeks", "not a number. Write the number alone"),
        ("number", "(47)", "not a number. Write the minus in front: -47."),
        ("number", "47-", "not a number. Write the minus in front: -47."),
        ("number", "1 234", "not a number. Write nothing between the digits, as 1234.5."),
        ("number", "1'234.50", "not a number. Write nothing between the digits"),
        ("number", "=40+7", "not a number. Write the value, not the formula."),
        ("number", "-", "not a number. Leave the cell blank where nothing is known."),
        ("number", "n/a", "not a number. Leave the cell blank"),
        ("number", "inf", "not a number. Write a plain number such as 1234.5."),
        ("date", "2026-02-30", "no such day or month. Write a day of the calendar"),
        ("month", "2025-13", "no such day or month. Write a day of the calendar"),
        ("month", "45108", "Excel's count of days. Format the column as a date"),
        ("month", 45108, "Excel's count of days. Format the column as a date"),
        ("month", "2026 Q2", "a quarter. Write its first month, as 2026-04 for 2026 Q2."),
        ("month", "Q2/2026", "a quarter. Write its first month"),
        ("date", "2026-W03", "a week. Write its first day"),
        ("month", "9999-12-31", "not a date. Leave the cell blank where there is no end."),
        ("month", "0025-07", "not a date. Write YYYY-MM-DD or YYYY-MM, 1900 to 2199"),
        ("month", "TBD", "not a date. Write YYYY-MM-DD"),
        *((kind, "#N/A", "an Excel error. Mend the formula") for kind in ("number", "date")),
        *((kind, "#REF!", "an Excel error. Mend the formula") for kind in ("text", "flag")),
    ],
)
def test_what_cannot_be_read_is_told_by_how_it_looks(kind, cell, words):
    _, bad, expected = read([cell], kind)
    assert bad == [True] and " ".join(expected).startswith(words)


def test_a_hash_in_a_name_is_no_excel_error():
    assert read(["#1 seller", "N/A", "NA", "x #REF!"], "text")[1] == [False] * 4


def test_a_time_keeps_its_hour_in_utc_and_a_day_begins_at_midnight():
    raw = pd.Series(["2026-01-05T10:00:00.250Z", "2026-01-05 10:00+01:00", "2026-01-05", ""])
    values, bad, _ = cells.parse(raw, "time")
    assert not bad.any()
    assert values.tolist()[:3] == [
        pd.Timestamp("2026-01-05 10:00:00.250"),
        pd.Timestamp("2026-01-05 09:00"),
        pd.Timestamp("2026-01-05"),
    ]
    assert pd.isna(values.iloc[3])
    assert cells.parse(pd.Series(["soon"]), "time")[1].all()


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d"])
def test_a_text_that_a_spreadsheet_would_run_goes_out_with_an_apostrophe(sign):
    given = pd.DataFrame(
        {f"{sign}head": [f"{sign}cmd|' /C calc'!A0", "Zelt", None], "n": [-5.0, 1, 2]}
    )
    out = cells.all_harmless(given)
    assert list(out) == [f"'{sign}head", "n"]
    assert out.iloc[:, 0].tolist()[:2] == [f"'{sign}cmd|' /C calc'!A0", "Zelt"]
    assert out.iloc[2, 0] is None or pd.isna(out.iloc[2, 0])
    assert out["n"].tolist() == [-5.0, 1, 2] and list(given)[0][0] == sign


def test_numbers_dashes_and_names_go_out_as_they_are():
    for text in (
        "-5",
        "-3.87e-07",
        "-.5",
        "+4.2%",
        "-1,234.5",
        "–",
        "−5",
        "",
        "00123",
        "A-1",
        "'=1",
    ):
        assert cells.harmless(text) == text
    assert cells.harmless("-5+1") == "'-5+1" and cells.harmless("+") == "'+"
