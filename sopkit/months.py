"""Cycles, months, horizons and lags: the only place where a month is made from text.

A month is ``datetime64[us]``, the first day, without a time zone. The cycle is the month after the
last closed one; ``lag`` counts months from the cycle to the month planned (the cycle itself is 0).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

DTYPE = "datetime64[us]"
_CYCLE_FORM = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)


class UsageError(ValueError):
    """A command or parameter that cannot be meant; the message says what can be."""


class Frozen(UsageError):
    """What is closed or approved would have to change; the message says what can be done."""


def parse_cycle(text: str) -> pd.Timestamp:
    """First day of the cycle's month.

    Parameters
    ----------
    text : str
        ``YYYY-MM``.

    Raises
    ------
    UsageError
        If the text is no month between 1900-01 and 2199-12.

    Examples
    --------
    >>> parse_cycle("2026-01")
    Timestamp('2026-01-01 00:00:00')
    """
    match = _CYCLE_FORM.fullmatch(str(text))
    if not match or not 1900 <= int(match[1]) <= 2199:
        raise UsageError(
            f"cycle {str(text)!r} is not a month. Write it as YYYY-MM with a month from 01 to 12, "
            "for example 2026-01."
        )
    return pd.Timestamp(int(match[1]), int(match[2]), 1)


def label(month: pd.Timestamp) -> str:
    """``YYYY-MM``, as folders and commands write a month.

    Examples
    --------
    >>> label(pd.Timestamp("2026-01-01"))
    '2026-01'
    """
    return f"{month.year:04d}-{month.month:02d}"


def shift(month: pd.Timestamp, count: int) -> pd.Timestamp:
    """The month ``count`` months later.

    Examples
    --------
    >>> label(shift(pd.Timestamp("2026-01-01"), -2))
    '2025-11'
    """
    return month + pd.DateOffset(months=count)


def span(first: pd.Timestamp, count: int) -> pd.DatetimeIndex:
    """``count`` months from ``first`` on.

    Examples
    --------
    >>> span(pd.Timestamp("2026-01-01"), 2).strftime("%Y-%m").tolist()
    ['2026-01', '2026-02']
    """
    return pd.date_range(first, periods=count, freq="MS", unit="us", name="month")


def closed(cycle: pd.Timestamp, count: int) -> pd.DatetimeIndex:
    """The last ``count`` closed months before the cycle."""
    return span(shift(cycle, -count), count)


def number(month: pd.Series | pd.DatetimeIndex | pd.Timestamp):
    """Months since year 0, so that a difference is a count of months."""
    part = month.dt if isinstance(month, pd.Series) else month
    return part.year * 12 + part.month - 1


def horizon(cycle: pd.Timestamp, at_least: int, fiscal_year_first_month: int = 1) -> int:
    """Months to plan: ``at_least``, and never short of the next fiscal year's end.

    Examples
    --------
    >>> horizon(pd.Timestamp("2026-01-01"), 18)
    24
    >>> horizon(pd.Timestamp("2025-10-01"), 18)
    18
    """
    into_year = (cycle.month - fiscal_year_first_month) % 12
    return max(int(at_least), int(24 - into_year))


def fiscal_year(month: pd.Series, fiscal_year_first_month: int = 1, shift: int = 0) -> pd.Series:
    """Fiscal year of each month: the year in which it ends, plus the shift of its name.

    Examples
    --------
    >>> fiscal_year(pd.Series(pd.to_datetime(["2025-06-01", "2025-07-01"])), 7).tolist()
    [2025, 2026]
    """
    shifted = number(month) + (13 - fiscal_year_first_month) % 12
    return shifted // 12 + shift


def floor(days: pd.Series) -> pd.Series:
    """Each day's month, as its first day in the project's month type."""
    return pd.Series(
        days.to_numpy().astype("datetime64[M]").astype(DTYPE), index=days.index, name=days.name
    )


def from_number(numbers: np.ndarray) -> np.ndarray:
    """Months from their count since year 0 (the inverse of ``number``)."""
    return (np.asarray(numbers, dtype="int64") - 1970 * 12).astype("datetime64[M]").astype(DTYPE)


def of_days(days: pd.Series, calendar: pd.DataFrame) -> pd.Series:
    """The period of each day: by the company's calendar where it has one, else by the month.

    Parameters
    ----------
    days : Series
        Dates.
    calendar : DataFrame
        Table `calendar`: ``month``, ``first_date``, ``last_date``; may be empty.

    Returns
    -------
    Series
        First day of each period's month; missing where no period of a given calendar holds the day.

    Examples
    --------
    >>> days = pd.Series(pd.to_datetime(["2025-01-31"]))
    >>> period = {"month": "2025-02-01", "first_date": "2025-01-27", "last_date": "2025-02-23"}
    >>> calendar = pd.DataFrame([period]).astype("datetime64[us]")
    >>> of_days(days, calendar).dt.strftime("%Y-%m").tolist()
    ['2025-02']
    """
    if calendar.empty:
        return floor(days)
    ordered = calendar.sort_values("first_date", ignore_index=True)
    days = days.dt.floor("D")
    position = ordered["first_date"].searchsorted(days, side="right") - 1
    found = ordered[["month", "last_date"]].reindex(position).set_index(days.index)
    return found["month"].where(days <= found["last_date"]).astype(DTYPE)


def last_day(month: pd.Timestamp, calendar: pd.DataFrame) -> pd.Timestamp:
    """Last day of a period: by the company's calendar where it has that period."""
    named = calendar.loc[calendar["month"] == month, "last_date"]
    return named.iloc[0] if len(named) else month + pd.offsets.MonthEnd(0)


def fiscal_terms(calendar: pd.DataFrame, default: int) -> tuple[int, int]:
    """First month of the fiscal year, and by how much its name differs from the year it ends in.

    Parameters
    ----------
    calendar : DataFrame
        Table `calendar`; where it names no fiscal years the default holds.
    default : int
        First month, 1 to 12.

    Examples
    --------
    >>> named = pd.to_datetime(["2025-06-01", "2025-07-01"])
    >>> fiscal_terms(pd.DataFrame({"month": named, "fiscal_year": [2024, 2025]}), 1)
    (7, -1)
    """
    years = calendar.dropna(subset=["fiscal_year"]).sort_values("month", ignore_index=True)
    if years.empty:
        return default, 0
    known = years.groupby("fiscal_year")["month"].agg(["min", "size"])
    is_told = (known["size"] == 12) | (known.index > known.index.min())
    first = int(known.loc[is_told, "min"].iloc[0].month) if is_told.any() else default
    shift = years["fiscal_year"] - fiscal_year(years["month"], first)
    return first, int(shift.iloc[0])


def working_day(cycle: pd.Timestamp, number: int) -> pd.Timestamp:
    """A working day of the cycle's month, Monday to Friday; holidays are not known.

    Examples
    --------
    >>> working_day(pd.Timestamp("2026-01-01"), 8).day
    12
    """
    return pd.bdate_range(cycle, periods=number)[-1]


def frozen_months(frozen: dict[str, float], families: pd.Series) -> pd.Series:
    """Months from the cycle on that may not be changed, by family.

    Parameters
    ----------
    frozen : dict
        ``frozen_months`` of ``company.yml``: by family or ``default``.
    families : Series
        Families asked for.

    Examples
    --------
    >>> frozen_months({"default": 1, "Tents": 2}, pd.Series(["Tents", "Stoves"])).tolist()
    [2, 1]
    """
    return families.map(frozen).fillna(frozen.get("default", 0)).astype("int64")


def frozen_until(frozen: dict[str, float], family: str, cycle: pd.Timestamp) -> pd.Timestamp:
    """The first month that may be changed again.

    Examples
    --------
    >>> frozen_until({"default": 1, "Tents": 2}, "Tents", pd.Timestamp("2026-01-01"))
    Timestamp('2026-03-01 00:00:00')
    """
    return shift(cycle, int(frozen.get(family, frozen.get("default", 0))))


@dataclass(frozen=True)
class Fences:
    """Months from the cycle on that are frozen, and that change only with a reason (firm)."""

    cycle: pd.Timestamp
    frozen: dict[str, int]
    firm: dict[str, int]

    def ends(self, family: str = "") -> dict[str, pd.Timestamp]:
        """First month after each fence, of a family, else of the one that is held longest.

        Examples
        --------
        >>> held = Fences(pd.Timestamp("2026-01-01"), {"default": 1}, {"default": 2, "Tents": 4})
        >>> [label(end) for end in held.ends("Tents").values()]
        ['2026-02', '2026-05']
        """
        counts = {"frozen": self.frozen, "firm": self.firm}
        known = {
            name: months.get(family, months.get("default", 0))
            if family
            else max(months.values(), default=0)
            for name, months in counts.items()
        }
        return {name: shift(self.cycle, int(count)) for name, count in known.items()}


def fences(company: pd.Series, cycle: pd.Timestamp) -> Fences:
    """The fences of ``company.yml`` in a cycle: ``frozen_months`` and ``firm_months``."""
    return Fences(cycle, company["frozen_months"], company["firm_months"])
