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
            "budget_variance_value": table["revenue_value"] - table["budget_revenue_value"],
            "last_year": table["last_year_quantity"],
            "last_year_variance_value": table["revenue_value"] - table["last_year_revenue_value"],
        }
    )


def exceptions(gap_table: pd.DataFrame) -> pd.DataFrame:
    """Table ``reconciliation_exceptions``: each family's gaps over the horizon, by money.

    Parameters
    ----------
    gap_table : DataFrame
        Table `gaps`.

    Returns
    -------
    DataFrame
        ``subject, finding, amount_value, proposal``: the value of demand that is late at the worst
        month, and plan − budget over the months that have one.
    """
    families = gap_table[gap_table["family"] != schema.COMPANY_LABEL]
    rows = []
    for family, own in families.groupby("family"):
        worst = own.loc[own["gap"].idxmin()] if own["gap"].notna().any() else None
        if worst is not None and worst["gap"] < -0.5:
            rows.append(
                (
                    family,
                    f"supply short of demand, most in {months.label(worst['month'])} "
                    f"({worst['gap']:,.0f} units)",
                    own["gap_value"].min(),
                    "operations: free supply, or tell sales",
                )
            )
        variance = own["budget_variance_value"].sum(min_count=1)
        if pd.notna(variance):
            word = "above" if variance > 0 else "below"
            rows.append(
                (
                    family,
                    f"plan {word} budget over {own['budget_variance_value'].count()} months",
                    variance,
                    "finance and sales: explain, or plan again",
                )
            )
    columns = ["subject", "finding", "amount_value", "proposal"]
    table = pd.DataFrame(rows, columns=columns)
    order = table["amount_value"].abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)
