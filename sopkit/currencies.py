"""Money in several currencies → the company's currency.

A location names its currency; money of its rows (sales, prices, budget, submissions) is in it.
Closed months take the actual rate of their month, plans the budget rate of theirs, else the last
actual rate known in the cycle. A rate is units of the company's currency for one of the other.
"""

from __future__ import annotations

import pandas as pd

from sopkit import months, schema

ACTUAL, PLAN, HELD = "actual", "plan", "held"


def foreign(places: pd.Series, locations: pd.DataFrame, currency: str) -> pd.Series:
    """Currency of each place where it is not the company's, else missing."""
    named = schema.lookup(places, locations, "currency", on="location")
    return named.where(named != currency)


def rates_of(
    currencies: pd.Series, months_of: pd.Series, rates: pd.DataFrame, cycle: pd.Timestamp, kind: str
) -> pd.Series:
    """The rate of each row, missing where none is known.

    Parameters
    ----------
    currencies, months_of : Series
        Currency and month of each row.
    rates : DataFrame
        Table `rates`.
    cycle : Timestamp
        Month in which the plan is made: actual rates from then on are not known yet.
    kind : str
        ``ACTUAL`` (of closed months), ``PLAN`` or ``HELD`` (the last actual rate, for good).
    """
    past = rates[(rates["kind"] == "actual") & (rates["month"] < cycle)]
    given = past if kind == ACTUAL else rates[rates["kind"] == "budget"]
    exact = given.set_index(["currency", "month"])["rate"]
    wanted = pd.MultiIndex.from_arrays([currencies.astype("object"), months_of])
    found = pd.Series(exact.reindex(wanted).to_numpy(), index=currencies.index)
    if kind == ACTUAL:
        return found
    last = past.sort_values("month").drop_duplicates("currency", keep="last")
    held = currencies.map(last.set_index("currency")["rate"])
    return held if kind == HELD else found.fillna(held)


def month_factors(
    table: pd.DataFrame, tables: dict[str, pd.DataFrame], *, cycle: pd.Timestamp
) -> pd.DataFrame:
    """What money of a row at the cycle's rate is multiplied by to stand at another rate.

    Parameters
    ----------
    table : DataFrame
        Has ``location`` and ``month``.
    tables, cycle
        As for ``in_company_currency``.

    Returns
    -------
    DataFrame
        By row: ``plan``, to the rate of its month; ``held``, to the last actual rate;
        ``last_year``, to the rate of its month a year before, actual where that is closed.
    """
    one = table[["location", "month"]].assign(amount=1.0)
    before = one.assign(month=months.from_number(months.number(one["month"]) - 12))

    def at(rows: pd.DataFrame, kind: str = PLAN) -> pd.Series:
        return in_company_currency(rows, ["amount"], tables, cycle=cycle, kind=kind)["amount"]

    now, closed = at(one.drop(columns="month")), before["month"] < cycle
    last_year = at(before, ACTUAL).where(closed, at(before))
    amounts = {"plan": at(one), "held": at(one, HELD), "last_year": last_year}
    return pd.DataFrame({name: amount / now for name, amount in amounts.items()})


def in_company_currency(
    table: pd.DataFrame,
    measures: list[str],
    tables: dict[str, pd.DataFrame],
    *,
    cycle: pd.Timestamp,
    kind: str = PLAN,
) -> pd.DataFrame:
    """The table with the money of foreign locations converted.

    Parameters
    ----------
    table : DataFrame
        Has ``location``, and ``month``, ``quarter`` or neither (then the cycle's rate counts).
    measures : list of str
        Columns of money, in the currency of the row's location.
    tables : dict of DataFrame
        ``locations``, ``rates`` and ``company``.
    cycle : Timestamp
        Month in which the plan is made.
    kind : str
        ``ACTUAL``, ``PLAN`` or ``HELD``.
    """
    named = foreign(table["location"], tables["locations"], tables["company"]["currency"].iloc[0])
    if named.isna().all():
        return table
    when = pd.Series(cycle, index=table.index)
    for column in ("quarter", "month"):
        when = table[column].fillna(when) if column in table.columns else when
    rate = rates_of(named, when, tables["rates"], cycle, kind).where(named.notna(), 1.0)
    return table.assign(**{name: table[name] * rate for name in measures})
