"""What is left over when items end: stock and receipts beside what they still sell."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months
from sopkit.demand import launch_status, launches

LAST_PLAN, RUN_RATE = "last cycle's plan", "the last year's months"
_AHEAD = 24  # months in which an end is looked at
_MOST_MONTHS = 3  # by which an end is moved rather than the rest promoted
_COLUMNS = {
    "item": "str",
    "description": "str",
    "end_month": months.DTYPE,
    "beside": "str",
    "stock": "float64",
    "receipts": "float64",
    "planned": "float64",
    "residual": "float64",
    "residual_value": "float64",
    "out_month": months.DTYPE,
    "proposal": "str",
}


def phase_outs(tables: dict[str, pd.DataFrame], *, cycle: pd.Timestamp) -> pd.DataFrame:
    """Table ``phase_outs``: items that end in the next two years, or ended in the last.

    Parameters
    ----------
    tables : dict of DataFrame
        Raw `items`, `inventory`, `scheduled_receipts`; `demand_history`; the last cycle's plan as
        ``previous_demand_plan``, where it holds an item, else the last year's months are repeated.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    DataFrame
        Key ``item``, the most money left over first: ``end_month``; ``beside`` what is sold until
        then; ``stock`` now, of all places, less what customers are owed; ``receipts`` due by the
        end; units ``planned`` until then; ``residual`` units and their cost (``residual_value``);
        ``out_month``, in which stock and receipts run out, missing if they do not; ``proposal``.
        Stock and what follows from it are missing where nothing of the item is counted.
    """
    items = tables["items"].drop_duplicates("item").set_index("item")
    window = months.shift(cycle, -launches.YEAR), months.shift(cycle, _AHEAD)
    ending = items[items["end_month"].between(*window)]
    stock = tables["inventory"]
    stock = stock[stock["month"] == months.shift(cycle, -1)]
    stock = (stock["on_hand"] - stock["backlog"].fillna(0.0)).groupby(stock["item"]).sum()
    due = tables["scheduled_receipts"]
    due = due[(due["kind"] != "transfer") & (due["month"] >= cycle)]
    due = due[due["cycle"].isna() | (due["cycle"] == cycle)]
    plan = tables["previous_demand_plan"].rename(columns={"consensus": "quantity"})
    usual = launch_status.as_last_year(tables["demand_history"], cycle=cycle)
    rows = []
    for item, listed in ending.iterrows():
        end, is_planned = listed["end_month"], item in set(plan["item"])
        sold = (plan if is_planned else usual).query("item == @item and month >= @cycle")
        left = _left(stock.get(item, np.nan), due[due["item"] == item], sold, end, cycle)
        left["residual_value"] = left["residual"] * listed["unit_cost_value"]
        beside = LAST_PLAN if is_planned else RUN_RATE
        head = {"item": item, "description": listed["description"], "end_month": end}
        rows.append(head | {"beside": beside} | left)
    table = pd.DataFrame(rows, columns=list(_COLUMNS)).astype(_COLUMNS)
    return table.sort_values(["residual_value", "item"], ascending=[False, True], ignore_index=True)


def _left(
    stock: float, due: pd.DataFrame, sold: pd.DataFrame, end: pd.Timestamp, cycle: pd.Timestamp
) -> dict:
    """What is there and due, sold until the end, left over, and what to do about it."""
    months_left = months.span(cycle, max(int(months.number(end) - months.number(cycle)) + 1, 0))
    by_month = sold.groupby("month")["quantity"].sum()
    wanted = by_month.reindex(months_left).fillna(0.0)
    comes = due.groupby("month")["quantity"].sum().reindex(months_left).fillna(0.0)
    after = stock + (comes - wanted).cumsum()
    residual = max(stock + comes.sum() - wanted.sum(), 0.0) if np.isfinite(stock) else np.nan
    loose = due[due["is_firm"].eq(False)]["quantity"].sum()
    a_month = wanted.mean()
    row = {"stock": stock, "receipts": comes.sum(), "planned": wanted.sum(), "residual": residual}
    row["out_month"] = after.index[after < 0][0] if (after < 0).any() else pd.NaT
    return row | {"proposal": _proposal(residual, row, loose, a_month, end, end < cycle)}


def _proposal(
    residual: float, row: dict, loose: float, a_month: float, end: pd.Timestamp, is_over: bool
) -> str:
    if np.isnan(residual):
        return "count its stock: data/raw/inventory.csv has none"
    if pd.notna(row["out_month"]):
        lacking = row["planned"] - row["stock"] - row["receipts"]
        return f"supply {max(lacking, 0.0):,.0f} more until the end, or end it sooner"
    if residual < 1.0:
        return "nothing is left over"
    if is_over:
        return "sell off or write off what is left"
    if loose >= residual:
        return f"stop {residual:,.0f} of the receipts that are not firm"
    extra = residual / a_month if a_month > 0 else np.inf
    if extra <= _MOST_MONTHS:
        later = months.shift(end, int(np.ceil(extra)))
        return f"stop orders, and extend the end to {months.label(later)}"
    return "stop orders, and promote or write off the rest"
