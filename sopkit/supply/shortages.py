"""What cannot be met, where hours run short, and the last month in which to decide.

First furniture: shortages and overloads are listed and priced, each with its deadline.
"""

from __future__ import annotations

import pandas as pd

from sopkit import months, schema


def deliveries(projection: pd.DataFrame) -> pd.DataFrame:
    """Table ``deliveries``: what customers receive each month, and how much of it in time.

    Parameters
    ----------
    projection : DataFrame
        Table `inventory_projection`.

    Returns
    -------
    DataFrame
        Key ``item, location, month``; units: ``demand``, ``lost`` sales among it; ``deliverable`` =
        what is not lost, less the growth of backlog; ``on_time`` = demand of the month delivered
        in it, what is owed first; ``owed`` at month end.

    Examples
    --------
    >>> projection = pd.DataFrame({"item": "A", "location": "plant", "month": [1, 2], "scrap": 0.0,
    ...     "opening": [5.0, -3.0], "demand": [10.0, 10.0], "closing": [-3.0, 0.0], "lost": 0.0})
    >>> deliveries(projection)[["deliverable", "on_time"]].values.tolist()
    [[7.0, 7.0], [13.0, 10.0]]
    """
    before = -projection["opening"].clip(upper=0.0)
    after = -projection["closing"].clip(upper=0.0)
    served, lost = projection["demand"] - projection["scrap"], projection["lost"]
    return projection[schema.SITE_MONTH].assign(
        demand=served + lost,
        deliverable=served + before - after,
        on_time=(served - after).clip(lower=0.0),
        lost=lost,
        owed=after,
    )


def exceptions(
    projection: pd.DataFrame,
    replenishment: pd.DataFrame,
    prices: pd.DataFrame,
    load: pd.DataFrame,
    bills: pd.DataFrame,
    materiality_value: float,
) -> pd.DataFrame:
    """Table ``supply_review_exceptions``: late items and overloaded resources, by money.

    Parameters
    ----------
    projection, load : DataFrame
        Tables `inventory_projection` and `resource_load`.
    replenishment : DataFrame
        From ``sites.replenishment``.
    prices : DataFrame
        Key ``item``: ``unit_price_value``.
    bills : DataFrame
        From ``capacity.bills``.
    materiality_value : float
        Money below which an exception is left to the count.

    Returns
    -------
    DataFrame
        ``subject``, ``finding``, ``amount_value`` (the largest backlog at its price; for a
        resource the backlog of all items that pass it), ``proposal`` with the last month to
        decide, ``is_material``.
    """
    late = projection[projection["closing"] < -0.5].merge(
        replenishment, on=schema.SITE, how="left", validate="many_to_one"
    )
    late = late.merge(prices, on="item", how="left", validate="many_to_one")
    late = late.assign(amount_value=-late["closing"] * late["unit_price_value"])
    cycle = projection["month"].min()
    has_sites = projection["location"].nunique() > 1
    rows = [
        _late_item(f"{item} at {site}" if has_sites else item, own, cycle)
        for (item, site), own in late.groupby(schema.SITE)
    ]
    rows += _overloads(load, bills, late)
    columns = ["subject", "finding", "amount_value", "proposal"]
    table = pd.DataFrame(rows, columns=columns)
    is_material = ~(table["amount_value"].astype("float64") < materiality_value)
    table = table.assign(is_material=is_material)
    return table.sort_values("amount_value", ascending=False, ignore_index=True)


def _late_item(item: str, own: pd.DataFrame, cycle: pd.Timestamp) -> dict:
    first, worst = own["month"].min(), own.loc[own["closing"].idxmin()]
    terms = own.iloc[0]
    lead, frozen = int(terms["lead_time_months"]), int(terms["frozen_months"])
    how = "order" if terms["is_purchased"] else "free hours or make earlier"
    how = f"send more from {terms['supplied_from']}" if pd.notna(terms["supplied_from"]) else how
    decide_by = months.shift(first, -max(lead, frozen))
    proposal = f"{how}; decide by {months.label(decide_by)}"
    if decide_by < cycle:
        why = "its months are frozen" if frozen > lead else f"{lead} months lead time"
        proposal = f"too late to avoid: expedite, or tell customers ({why})"
    return {
        "subject": f"Item {item}",
        "finding": f"late from {months.label(first)}, {-worst['closing']:,.0f} owed in "
        f"{months.label(worst['month'])}",
        "amount_value": own["amount_value"].max(),
        "proposal": proposal,
    }


def _overloads(load: pd.DataFrame, bills: pd.DataFrame, late: pd.DataFrame) -> list[dict]:
    """One row a resource whose wanted hours exceed regular and overtime hours."""
    limit = load["regular_hours"] + load["overtime_hours"]
    over = load[load["wanted_hours"] > limit * 1.0001]
    rows = []
    for resource, own in over.groupby("resource"):
        worst = own.loc[(own["wanted_hours"] - own["regular_hours"]).idxmax()]
        missing = worst["wanted_hours"] - worst["regular_hours"] - worst["overtime_hours"]
        first, count = own["month"].min(), len(own)
        decide_by = months.shift(first, -1)
        passing = bills.loc[bills["resource"] == resource, "item"]
        touched = late[late["item"].isin(passing) & late["month"].isin(own["month"])]
        money = touched.groupby(schema.SITE)["amount_value"].max().sum(min_count=1)
        rows.append(
            {
                "subject": f"Resource {resource}",
                "finding": f"wanted beyond all hours in {count} month{'s' * (count > 1)}, most in "
                f"{months.label(worst['month'])} ({missing:,.0f} hours too few)",
                "amount_value": money,
                "proposal": f"add hours or build stock before; decide by {months.label(decide_by)}"
                if decide_by >= load["month"].min()
                else "too late to build stock: add hours now, or tell customers",
            }
        )
    return rows
