"""Demand, supply and budget side by side. gap = supply − demand; variance = plan − budget."""

from __future__ import annotations

import pandas as pd

from sopkit import months, schema


def gaps(financials: pd.DataFrame, deliverable: pd.DataFrame) -> pd.DataFrame:
    """Table ``gaps``: by family and month, in units and money.

    Parameters
    ----------
    financials : DataFrame
        Table `financials`.
    deliverable : DataFrame
        Key ``family, month`` (``Company`` is the whole): ``deliverable``, units.

    Returns
    -------
    DataFrame
        Key ``family, month``: ``demand``, ``supply`` (what customers receive), ``gap`` =
        supply − demand and ``gap_value``; ``budget`` and ``budget_variance_value`` = plan −
        budget; ``last_year`` and ``last_year_variance_value``. Missing where there is no budget.
    """
    table = financials.merge(deliverable, on=["family", "month"], how="left", validate="one_to_one")
    return pd.DataFrame(
        {
            "family": table["family"],
            "month": table["month"],
            "demand": table["quantity"],
            "supply": table["deliverable"],
            "gap": table["deliverable"] - table["quantity"],
            "gap_value": table["supply_revenue_value"] - table["revenue_value"],
            "budget": table["budget_quantity"],
            "budget_variance_value": table["budgeted_revenue_value"]
            - table["budget_revenue_value"],
            "last_year": table["last_year_quantity"],
            "last_year_variance_value": table["revenue_value"] - table["last_year_revenue_value"],
        }
    )


def exceptions(
    gap_table: pd.DataFrame, quarters: pd.DataFrame, materiality_value: float
) -> pd.DataFrame:
    """Table ``reconciliation_exceptions``: each family's gaps over the horizon, by money.

    Parameters
    ----------
    gap_table : DataFrame
        Table `gaps`.
    quarters : DataFrame
        Table `quarters`: families budgeted by quarter are compared there.
    materiality_value : float
        Money below which an exception is left to the count.

    Returns
    -------
    DataFrame
        ``subject, finding, amount_value, proposal, is_material``: the value of what customers
        wait for in the worst month (gaps run up, since late supply catches up), and plan − budget
        over the months that have one.
    """
    families = gap_table[gap_table["family"] != schema.COMPANY_LABEL]
    rows = []
    by_quarter = quarters[quarters["is_by_quarter"]].groupby("family")["variance_value"]
    by_quarter = by_quarter.agg(["sum", "size"])
    for family, own in families.sort_values("month").groupby("family"):
        waiting = own["gap"].cumsum()
        if waiting.min() < -0.5:
            month = own.loc[waiting.idxmin(), "month"]
            words = f"customers wait, most in {months.label(month)} ({-waiting.min():,.0f} units)"
            value = own["gap_value"].cumsum().min()
            rows.append((family, words, value, "operations: free supply, or tell sales"))
        variance = own["budget_variance_value"].sum(min_count=1)
        span = f"{own['budget_variance_value'].count()} months"
        if family in by_quarter.index:
            variance, count = by_quarter.loc[family]
            span = f"{count:g} quarters"
        if pd.notna(variance):
            word = "above" if variance > 0 else "below"
            words = f"plan {word} budget over {span}"
            rows.append((family, words, variance, "finance and sales: explain, or plan again"))
    table = pd.DataFrame(rows, columns=["subject", "finding", "amount_value", "proposal"])
    size = table["amount_value"].astype("float64").abs()
    order = size.sort_values(ascending=False, kind="stable").index
    return table.assign(is_material=~(size < materiality_value)).loc[order].reset_index(drop=True)
