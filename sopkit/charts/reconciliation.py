"""Charts of the reconciliation: demand, supply, budget and last year in money."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from sopkit import months
from sopkit.charts import _style
from sopkit.charts._waterfall import waterfall
from sopkit.reconciliation.bridge import LAST, NOW
from sopkit.reconciliation.gap_tree import PARTS

_SHOWN = 12  # closed months shown before the plan
_MOST_CAUSES = 9  # of the bridge, told apart


@_style.drawn
def revenue(
    financials: pd.DataFrame, closed: pd.DataFrame, *, fences: months.Fences, currency: str
) -> Figure | None:
    """Revenue by month: demand plan, what can be supplied, budget, last year.

    Parameters
    ----------
    financials, closed : DataFrame
        Tables `financials` and `closed_financials`.
    fences : Fences
        Month in which the plan is made, frozen and firm months.
    currency : str
        Reporting currency.
    """
    plan, past = _style.company(financials), _style.company(closed).tail(_SHOWN)
    if plan["revenue_value"].isna().all():
        return None
    lines = {
        "can be supplied": plan["supply_revenue_value"],
        "last year": plan["last_year_revenue_value"],
        "sold": past["revenue_value"],
        "demand plan": plan["revenue_value"],
        "budget": pd.concat([past["budget_revenue_value"], plan["budget_revenue_value"]]),
    }
    title = f"Revenue by month, {currency}, whole company"
    part = {"title": title, "unit": f"{currency} a month", "lines": lines, "fences": fences}
    return _style.over_time(part, height=4.6)


@_style.drawn
def bridge(table: pd.DataFrame, units: pd.DataFrame, *, subject: str) -> Figure | None:
    """From the last cycle's plan to this one's: a bar a cause, standing on what went before.

    Parameters
    ----------
    table : DataFrame
        From ``bridge.summed`` over one thing: ``cause``, ``detail``, ``change``.
    units : DataFrame
        Table `planning_units`.
    subject : str
        What is planned, and over which months.
    """
    if table.empty:
        return None
    ends = table["cause"].isin([LAST, NOW])
    moves = table[~ends & (table["change"].abs() > 0.5)]
    large = moves.reindex(moves["change"].abs().nlargest(_MOST_CAUSES).index).sort_index()
    rest = moves["change"].sum() - large["change"].sum()
    names = [detail or cause for detail, cause in zip(large["detail"], large["cause"], strict=True)]
    changes = large["change"].tolist()
    if abs(rest) > 0.5:
        names, changes = [*names, "all others"], [*changes, rest]
    last, now = (float(table.loc[table["cause"] == end, "change"].iloc[0]) for end in (LAST, NOW))
    title = f"Why the demand plan moved: {subject}"
    ends = {LAST: last, NOW: now}
    return waterfall(title, ends, list(zip(names, changes, strict=True)), _style.unit(units))


@_style.drawn
def gap_parts(tree: pd.DataFrame, *, measure: str, currency: str) -> Figure | None:
    """From the comparator to what can be supplied: a bar a part of the company's gap.

    Parameters
    ----------
    tree : DataFrame
        Rows of table `gap_tree` against one comparator in one period, the company's among them.
    measure : str
        ``revenue`` or ``margin``.
    currency : str
        Reporting currency.
    """
    own = tree[(tree["level"] == "company") & (tree["measure"] == measure)]
    if own.empty:
        return None
    row = own.iloc[0]
    ends = {row["against"]: row["before_value"], "can be supplied": row["plan_value"]}
    moves = [(part, row[part]) for part in PARTS if abs(row[part]) > 0.5]
    title = (
        f"From {row['against']} to what can be supplied: {measure} of {row['period']}, {currency}"
    )
    return waterfall(title, ends, moves, currency)
