"""Disconnects about stock: what service, goals and customers were promised of it: a rule each.

As in ``_readiness`` each rule takes the tables that ``disconnects.RULES`` names and gives rows of
`disconnects`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import hierarchy
from sopkit.reconciliation._subjects import acting_by, covered, lead_months, named, words

Tables = dict[str, pd.DataFrame]
PEAK_MONTHS = 3  # month ends that a season's peak may draw on safety stock
LOW_RATE = 0.5  # of safety stock
HALF = 0.5  # units: less is rounding


def safety_stocks(known: Tables, *, cycle: pd.Timestamp) -> list[dict]:
    """A family held at less than half of its safety stock for longer than a season's peak.

    Counted from the longest lead time of its items on, since before it the past decides, and for
    more than three month ends in a row: safety stock is there to be drawn on in a peak. Items that
    `items` does not know are nobody's to stock.
    """
    items = known["items"]
    table = hierarchy.with_levels(known["inventory_projection"], items)
    table = table[(table["safety_stock"] > 0) & table["family"].ne(schema.UNASSIGNED)]
    cost = schema.lookup(table["item"], items, "unit_cost_value").astype("float64")
    lack = (table["safety_stock"] - table["closing"]).clip(lower=0.0)
    factor = hierarchy.factors(table["item"], items)
    table = table.assign(lack=lack * factor, value=lack * cost, safe=table["safety_stock"] * factor)
    rows = []
    for family, own in table.groupby("family"):
        sums = own.groupby("month")[["lack", "safe", "value"]].sum(min_count=1)
        sums = sums[sums.index >= months.shift(cycle, lead_months(known, own["item"].unique()))]
        is_low = sums["lack"] > LOW_RATE * sums["safe"]
        run = is_low.groupby((~is_low).cumsum()).transform("sum")
        long = sums[is_low & (run > PEAK_MONTHS)]
        if long.empty:
            continue
        worst = long["lack"].idxmax()
        rows.append(
            {
                "subject": family,
                "first_month": long.index.min(),
                "last_month": long.index.max(),
                "finding": f"{len(long)} month ends with less than half of its safety stock, least "
                f"in {months.label(worst)} ({long.loc[worst, 'lack']:,.0f} units lacking)",
                "amount_value": long.loc[worst, "value"],
                "amount_quantity": long.loc[worst, "lack"],
                "talk_from": "supply planning",
                "talk_to": "finance and sales",
                **acting_by(
                    "fund the stock and the hours, or promise a lower service level",
                    long.index.min(),
                    lead_months(known, own["item"].unique()),
                    cycle,
                ),
            }
        )
    return rows


def contracts(known: Tables, *, cycle: pd.Timestamp) -> list[dict]:
    """What customers were promised, by contract or order, and will not get in its month.

    Promised are the open orders of an item, and its plan times the contracted share of each
    channel; the larger counts. One unit counts: a promise kept a month later is broken. Months
    within the item's lead time are left out: what is late in them was decided in the past.
    """
    plan = known["plan"]
    share = schema.lookup(plan["channel"], known["channels"], "contract_rate", on="channel")
    table = plan.assign(contracted=plan["quantity"] * share.astype("float64").fillna(0.0))
    names = ["contracted", "constrained", "constrained_revenue_value"]
    by = ["item", "family", "month"]
    table = table.groupby(by, as_index=False)[names].sum(min_count=1)
    book = known["orders"].groupby(["item", "month"], as_index=False)[["quantity"]].sum()
    table = table.merge(book, on=["item", "month"], how="left", validate="one_to_one")
    short = table[["contracted", "quantity"]].max(axis=1) - table["constrained"]
    price = (plan["revenue_value"].groupby(plan["item"]).sum(min_count=1)) / (
        plan["quantity"].groupby(plan["item"]).sum()
    )
    table = table.assign(short=short, value=short * table["item"].map(price))
    factor = hierarchy.factors(table["item"], known["items"])
    table = table.assign(units=short * factor)[table["short"] > HALF]
    rows = []
    for family, own in table.groupby("family"):
        lead = lead_months(known, own["item"])
        own = own[own["month"] >= months.shift(cycle, lead)]
        if own.empty:
            continue
        first = own["month"].min()
        rows.append(
            {
                "subject": family,
                "first_month": first,
                "last_month": own["month"].max(),
                "finding": f"{own['units'].sum():,.0f} units under contract or on order are not "
                "delivered in their month",
                "amount_value": own["value"].sum(min_count=1),
                "amount_quantity": own["units"].sum(),
                "talk_from": "sales",
                "talk_to": "supply planning",
                **acting_by("serve these customers first, or tell them", first, lead, cycle),
            }
        )
    return rows


def stock_goals(known: Tables, *, cycle: pd.Timestamp) -> list[dict]:
    """A goal for stock, in money or months, below what the safety stocks alone need.

    Working stock comes on top, so a goal above the safety stocks may still be missed; only what
    cannot be reached in any month is a contradiction.
    """
    goals = known["targets"]
    goals = goals[goals["kpi"].isin(["inventory_value", "inventory_cover_months"])]
    table = hierarchy.with_levels(known["inventory_projection"], known["items"])
    table = table.assign(
        cost=schema.lookup(table["item"], known["items"], "unit_cost_value").astype("float64"),
        factor=hierarchy.factors(table["item"], known["items"]),
    )
    rows = []
    for goal in goals.to_dict("records"):
        if set(named(goal)) - {"item", "family", "category"}:
            continue
        own = table[covered(table, goal)]
        own = own[own["month"].between(goal["first_month"], goal["last_month"])]
        if own.empty:
            continue
        is_cover, count = goal["kpi"] == "inventory_cover_months", own["month"].nunique()
        safe = (own["safety_stock"] * own["factor" if is_cover else "cost"]).sum(min_count=1)
        sold = (own["demand"] * own["factor"]).sum() if is_cover else count
        needed = safe / sold if sold > 0 else np.nan
        if not needed > goal["target"]:
            continue
        worth = (own["demand"] * own["cost"]).sum(min_count=1) / count if is_cover else 1.0
        shown = ".1f" if is_cover else ",.0f"
        rows.append(
            {
                "subject": words(goal),
                "first_month": max(goal["first_month"], cycle),
                "last_month": goal["last_month"],
                "finding": f"{'cover in months' if is_cover else 'stock at cost'}: the goal is "
                f"{goal['target']:{shown}}, safety stocks alone need {needed:{shown}}",
                "amount_value": (needed - goal["target"]) * worth,
                "amount_quantity": np.nan,
                "talk_from": goal["owner"] if isinstance(goal["owner"], str) else "finance",
                "talk_to": "supply planning",
                "proposal": "raise the goal, or promise a lower service level",
                "decide_by": pd.NaT,
            }
        )
    return rows
