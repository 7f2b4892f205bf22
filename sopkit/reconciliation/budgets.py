"""The budget beside the plan: by family and month, by quarter, and last year, which all have."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import hierarchy


def budget_by_family(
    budget: pd.DataFrame, items: pd.DataFrame, outlook: pd.DataFrame
) -> pd.DataFrame:
    """The budget by family and month, and for the company; the last version counts.

    A budget above family level stands for the company only, and where a month has one, it is the
    company's; else the families' sum is. A family of which any part is budgeted by quarter is
    compared by quarter (``quarters``) and has no month; in the company's sum it is spread over its
    months like the outlook's revenue, evenly where a month has none, and ``budget_spread_value``
    says how much that is. ``budget_is_whole`` marks the company's own rows, which cover every
    family.

    Parameters
    ----------
    budget : DataFrame
        Table `budget`, money in the company's currency.
    items : DataFrame
        Table `items`.
    outlook : DataFrame
        Key ``family, month``: ``revenue_value``, closed and planned.
    """
    rows = last_version(budget, items)
    monthly = rows[rows["month"].notna()].assign(spread_value=0.0)
    spread = _spread_quarters(rows[rows["month"].isna()], outlook)
    spread = spread.assign(spread_value=spread["revenue_value"])
    both = pd.concat([monthly, spread], ignore_index=True)
    above = both["family"] == schema.ALL
    counted = above | ~both["month"].isin(both.loc[above, "month"])
    measures = ["quantity", "revenue_value", "margin_value", "spread_value"]
    whole = hierarchy.aggregate(both[counted], ["month"], measures)
    whole = whole.assign(family=schema.COMPANY_LABEL)
    whole = whole.assign(is_whole=whole["month"].isin(both.loc[above, "month"]))
    families = hierarchy.aggregate(both[~above], ["family", "month"], measures)
    is_by_month = families["spread_value"].eq(0.0)
    unspread = {name: families[name].where(is_by_month) for name in measures[:3]}
    families = families.assign(**unspread)
    table = pd.concat([whole, families.assign(is_whole=False)], ignore_index=True)
    return table[["family", "month", *measures, "is_whole"]].rename(
        columns={name: f"budget_{name}" for name in [*measures, "is_whole"]}
    )


def last_version(budget: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """Rows of the last version, each with its family (``all``: the company's), planning units."""
    last = budget["version"].dropna().max() if budget["version"].notna().any() else None
    rows = budget if last is None else budget[budget["version"] == last]
    named = schema.lookup(rows["item"], items, "family")
    named = named.where(rows["item"] != schema.ALL, rows["family"])
    rows = hierarchy.in_planning_units(rows, items)
    return rows.assign(family=named.fillna(schema.UNASSIGNED))


def _spread_quarters(quarterly: pd.DataFrame, outlook: pd.DataFrame) -> pd.DataFrame:
    """Rows by quarter as rows by month, in proportion to the outlook's revenue."""
    first = months.number(quarterly["quarter"])
    every = [
        quarterly.assign(month=months.from_number(first + k), row=range(len(quarterly)))
        for k in range(3)
    ]
    rows = pd.concat(every, ignore_index=True)
    family = rows["family"].replace(schema.ALL, schema.COMPANY_LABEL)
    revenue = outlook.set_index(["family", "month"])["revenue_value"].clip(lower=0.0)
    weight = revenue.reindex(pd.MultiIndex.from_arrays([family, rows["month"]])).to_numpy()
    by_row = pd.Series(weight).groupby(rows["row"])
    is_known = by_row.transform("count").eq(3) & by_row.transform("sum").gt(0.0)
    share = np.where(is_known, weight / by_row.transform("sum").where(is_known, 1.0), 1.0 / 3.0)
    measures = ["quantity", "revenue_value", "margin_value"]
    return rows.assign(**{name: rows[name] * share for name in measures})


def quarters(
    budget: pd.DataFrame,
    items: pd.DataFrame,
    outlook: pd.DataFrame,
    *,
    fiscal_year_first_month: int,
) -> pd.DataFrame:
    """Table ``quarters``: whole quarters of the outlook beside the budget, by family.

    Parameters
    ----------
    budget, items : DataFrame
        As for ``budget_by_family``.
    outlook : DataFrame
        Key ``family, month``: closed and planned months with ``revenue_value`` and
        ``budget_revenue_value`` (a family's months and the company's).
    fiscal_year_first_month : int
        1 to 12.

    Returns
    -------
    DataFrame
        Key ``family, quarter`` (first month): ``revenue_value``, ``budget_revenue_value``,
        ``variance_value`` = outlook − budget, ``is_by_quarter`` where the budget was given so.
    """
    into = (outlook["month"].dt.month - fiscal_year_first_month) % 3
    start = months.from_number(months.number(outlook["month"]) - into)
    grouped = outlook.assign(quarter=start).groupby(["family", "quarter"])
    measures = ["revenue_value", "budget_revenue_value"]
    table = grouped[measures].sum(min_count=3).reset_index()
    rows = last_version(budget, items)
    rows = rows[rows["family"] != schema.ALL]
    into = (rows["month"].dt.month - fiscal_year_first_month) % 3
    begins = months.from_number((months.number(rows["month"]) - into).fillna(0.0))
    is_by_quarter = rows["month"].isna()
    rows = rows.assign(quarter=rows["quarter"].where(is_by_quarter, begins), given=is_by_quarter)
    given = rows.groupby(["family", "quarter"], as_index=False).agg(
        given_value=("revenue_value", "sum"), given=("given", "any")
    )
    given = given[given["given"]].drop(columns="given")
    table = table.merge(given, on=["family", "quarter"], how="left", validate="one_to_one")
    is_by_quarter = table["given_value"].notna()
    promised = table["given_value"].fillna(table["budget_revenue_value"])
    table = table.drop(columns="given_value").assign(
        budget_revenue_value=promised,
        variance_value=table["revenue_value"] - promised,
        is_by_quarter=is_by_quarter,
    )
    return table[table["revenue_value"].notna()].reset_index(drop=True)


def beside(table: pd.DataFrame, budget: pd.DataFrame, closed: pd.DataFrame) -> pd.DataFrame:
    """The table with each month's budget (``budget_…``) and last year (``last_year_…``) beside it.

    ``budgeted_revenue_value`` is the revenue that the budget speaks of: a company whose budget
    leaves families out is compared without them.

    Parameters
    ----------
    table : DataFrame
        Key ``family, month``.
    budget : DataFrame
        From ``budget_by_family``.
    closed : DataFrame
        From ``closed_months``.
    """
    for other in (budget, _last_year(closed, table["month"].unique())):
        table = table.merge(other, on=["family", "month"], how="left", validate="one_to_one")
    is_company = table["family"] == schema.COMPANY_LABEL
    has_budget = table[["budget_revenue_value", "budget_spread_value"]].notna().any(axis=1)
    budgeted = table["revenue_value"].where(has_budget)
    families = budgeted[~is_company].groupby(table["month"]).sum(min_count=1)
    is_partial = is_company & ~table.pop("budget_is_whole").eq(True)
    partial = table["month"].map(families).where(has_budget)
    return table.assign(budgeted_revenue_value=budgeted.mask(is_partial, partial))


def _last_year(closed: pd.DataFrame, month_index: pd.DatetimeIndex) -> pd.DataFrame:
    """Closed months moved one year on, so that they stand beside the month planned."""
    moved = closed.assign(month=months.from_number(months.number(closed["month"]) + 12))
    moved = moved[moved["month"].isin(month_index)]
    return moved.rename(
        columns={
            "net": "last_year_quantity",
            "revenue_value": "last_year_revenue_value",
            "margin_value": "last_year_margin_value",
        }
    )
