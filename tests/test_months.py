"""Months, cycles, horizons and lags."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sopkit import months

A_MONTH = st.tuples(st.integers(1900, 2199), st.integers(1, 12)).map(
    lambda part: pd.Timestamp(part[0], part[1], 1)
)
JANUARY = pd.Timestamp("2026-01-01")


def test_the_months_around_a_new_year_are_counted_by_hand():
    assert months.parse_cycle("2026-01") == JANUARY
    assert months.label(months.shift(JANUARY, -1)) == "2025-12"
    assert months.label(months.shift(JANUARY, 13)) == "2027-02"
    assert [months.label(m) for m in months.span(pd.Timestamp("2025-11-01"), 3)] == [
        "2025-11",
        "2025-12",
        "2026-01",
    ]
    assert [months.label(m) for m in months.closed(JANUARY, 2)] == ["2025-11", "2025-12"]


@pytest.mark.parametrize(
    ("cycle", "first_month", "at_least", "expected"),
    [
        ("2026-01", 1, 18, 24),  # this year and the next
        ("2026-12", 1, 1, 13),  # the last month of a year, and the next year
        ("2026-06", 7, 1, 13),
        ("2026-07", 7, 1, 24),
        ("2025-10", 1, 18, 18),  # December 2026 is 15 months away: at least 18 wins
        ("2026-01", 1, 36, 36),
    ],
)
def test_a_horizon_reaches_the_end_of_the_next_fiscal_year(cycle, first_month, at_least, expected):
    assert months.horizon(months.parse_cycle(cycle), at_least, first_month) == expected


@pytest.mark.parametrize(
    ("month", "first_month", "year"),
    [
        ("2025-12", 1, 2025),
        ("2026-01", 1, 2026),
        ("2025-06", 7, 2025),
        ("2025-07", 7, 2026),
        ("2025-11", 12, 2025),
        ("2025-12", 12, 2026),
        ("2026-01", 2, 2026),
        ("2026-02", 2, 2027),
    ],
)
def test_a_fiscal_year_is_named_for_the_year_it_ends_in(month, first_month, year):
    one = pd.Series([months.parse_cycle(month)])
    assert months.fiscal_year(one, first_month).tolist() == [year]


def test_any_day_belongs_to_the_month_that_holds_it():
    days = pd.Series(pd.to_datetime(["2024-02-29 23:59", "2025-03-01 00:00", None]), name="day")
    floored = months.floor(days)
    assert floored[:2].tolist() == [pd.Timestamp("2024-02-01"), pd.Timestamp("2025-03-01")]
    assert floored.isna().tolist() == [False, False, True]
    assert floored.dtype == months.DTYPE and floored.name == "day"


def test_flooring_keeps_the_index_and_leaves_its_argument_alone():
    days = pd.Series(pd.to_datetime(["2025-03-31"]), index=[7])
    copy = days.copy()
    assert months.floor(days).index.tolist() == [7]
    pd.testing.assert_series_equal(copy, days)


@given(A_MONTH, st.integers(-400, 400))
def test_shifting_forth_and_back_ends_where_it_began(month, count):
    there = months.shift(month, count)
    assert months.shift(there, -count) == month
    assert months.number(there) - months.number(month) == count


@given(A_MONTH)
def test_a_month_survives_its_label_and_its_number(month):
    assert months.parse_cycle(months.label(month)) == month
    assert pd.Timestamp(months.from_number(months.number(month)).item()) == month


@given(A_MONTH, st.integers(1, 30))
def test_a_span_has_every_month_once_and_the_projects_type(month, count):
    span = months.span(month, count)
    assert span.dtype == months.DTYPE
    assert np.diff(months.number(span)).tolist() == [1] * (count - 1)
    assert (span.day == 1).all()


@given(A_MONTH, st.integers(1, 12), st.integers(1, 40))
def test_a_horizon_is_never_too_short_and_ends_with_a_fiscal_year_or_as_asked(
    cycle, first_month, at_least
):
    count = months.horizon(cycle, at_least, first_month)
    after = months.shift(cycle, count)
    assert count >= at_least
    assert count == at_least or after.month == first_month
    # the whole of the next fiscal year lies inside
    years = months.fiscal_year(pd.Series([cycle, months.shift(after, -1)]), first_month)
    assert years[1] - years[0] >= 1


@pytest.mark.parametrize(
    "text", ["2026-13", "2026-00", "2026-1", "01/2026", "1899-12", "2200-01", "", "2026-01-01"]
)
def test_a_cycle_that_is_no_month_is_refused_with_the_form_to_write(text):
    with pytest.raises(months.UsageError, match="Write it as YYYY-MM") as refused:
        months.parse_cycle(text)
    assert repr(text) in str(refused.value)


# the company's own calendar


def weeks(*counts: int, first: str = "2025-09-29") -> pd.DataFrame:
    """Table `calendar`: periods of so many weeks, the first called October 2025."""
    edges = pd.Timestamp(first) + pd.to_timedelta(np.cumsum([0, *counts]) * 7, unit="D")
    return pd.DataFrame(
        {
            "month": months.span(pd.Timestamp("2025-10-01"), len(counts)),
            "first_date": edges[:-1],
            "last_date": edges[1:] - pd.Timedelta(days=1),
        }
    )


QUARTER = weeks(4, 4, 5)  # 29 September, 27 October, 24 November to 28 December


def periods(*days: str, calendar: pd.DataFrame = QUARTER) -> list:
    found = months.of_days(pd.Series(pd.to_datetime(list(days))), calendar)
    assert found.dtype == months.DTYPE
    return found.dt.strftime("%Y-%m").tolist()


def test_both_ends_of_a_period_of_weeks_belong_to_it_by_hand():
    assert periods("2025-09-29", "2025-10-26") == ["2025-10", "2025-10"]
    assert periods("2025-10-27", "2025-11-23", "2025-11-24") == ["2025-11", "2025-11", "2025-12"]
    assert periods("2025-12-28") == ["2025-12"]


def test_a_day_before_after_or_between_periods_has_none():
    assert pd.isna(periods("2025-09-28", "2025-12-29")).all()
    holed = QUARTER.drop(index=1)
    assert pd.isna(periods("2025-11-01", calendar=holed)).all()
    assert periods("2025-10-26", "2025-11-24", calendar=holed) == ["2025-10", "2025-12"]


def test_an_hour_of_a_periods_last_day_belongs_to_it():
    assert periods("2025-10-26 23:59") == ["2025-10"]


def test_a_missing_day_has_no_period_and_moves_no_other():
    days = pd.Series(pd.to_datetime(["2025-11-24", None, "2025-09-29"]), index=[7, 5, 3])
    found = months.of_days(days, QUARTER)
    assert found.index.tolist() == [7, 5, 3]
    assert found.dropna().dt.strftime("%Y-%m").tolist() == ["2025-12", "2025-10"]


def test_the_order_of_the_calendar_changes_nothing():
    days = ("2025-10-26", "2025-10-27", "2025-12-28")
    assert periods(*days, calendar=QUARTER[::-1]) == periods(*days)


def test_without_a_calendar_a_day_belongs_to_its_month():
    assert periods("2025-09-29", "2025-10-27", calendar=QUARTER.iloc[:0]) == ["2025-09", "2025-10"]


@given(st.lists(st.integers(0, 370), min_size=1, max_size=20))
def test_every_day_of_a_year_of_53_weeks_has_the_one_period_that_holds_it(offsets):
    calendar = weeks(*[4, 4, 5] * 3, 4, 4, 6)
    days = calendar["first_date"].min() + pd.to_timedelta(pd.Series(offsets), unit="D")
    found = months.of_days(days, calendar)
    for day, month in zip(days, found, strict=True):
        holding = calendar[(calendar["first_date"] <= day) & (day <= calendar["last_date"])]
        assert holding["month"].tolist() == [month]
    assert (calendar["last_date"].max() - calendar["first_date"].min()).days + 1 == 371


def test_the_last_day_of_a_period_is_the_calendars_else_the_months():
    assert months.last_day(pd.Timestamp("2025-11-01"), QUARTER) == pd.Timestamp("2025-11-23")
    assert months.last_day(pd.Timestamp("2026-02-01"), QUARTER) == pd.Timestamp("2026-02-28")


def named_years(first: int, shift: int, start: str, count: int) -> pd.DataFrame:
    span = pd.Series(months.span(months.parse_cycle(start), count))
    return pd.DataFrame({"month": span, "fiscal_year": months.fiscal_year(span, first, shift)})


@given(st.integers(1, 12), st.integers(-1, 1), A_MONTH, st.integers(13, 40))
def test_a_calendar_tells_the_terms_by_which_its_years_are_named(first, shift, start, count):
    calendar = named_years(first, shift, months.label(start), count).astype({"fiscal_year": float})
    assert months.fiscal_terms(calendar.sample(frac=1, random_state=1), 4) == (first, shift)


def test_a_fiscal_year_is_named_by_its_first_year_where_the_calendar_says_so():
    april = named_years(4, -1, "2025-01", 24)  # April 2025 to March 2026 is the year 2025
    assert months.fiscal_terms(april, 1) == (4, -1)
    span = pd.Series(pd.to_datetime(["2025-03-01", "2025-04-01", "2026-03-01"]))
    assert months.fiscal_year(span, 4, -1).tolist() == [2024, 2025, 2025]


def test_a_calendar_without_fiscal_years_leaves_the_setting():
    assert months.fiscal_terms(QUARTER.assign(fiscal_year=np.nan), 7) == (7, 0)


def test_a_calendar_of_one_whole_fiscal_year_tells_where_it_begins():
    """July 2025 to June 2026, all called 2026: twelve periods can only begin in July."""
    assert months.fiscal_terms(named_years(7, 0, "2025-07", 12), 1) == (7, 0)
