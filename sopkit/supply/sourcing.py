"""Who delivers what is bought: suppliers of each item, their lead times, prices and limits."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import schema
from sopkit.supply import sites

TERMS = (
    "lead_time_days unit_cost_value monthly_limit minimum_order break_quantity break_cost_value "
    "payment_days"
).split()


def sources(members: pd.Series, items: pd.DataFrame, suppliers: pd.DataFrame) -> pd.DataFrame:
    """Suppliers of items: their own rows, else those of their family, else one without a name.

    Parameters
    ----------
    members : Series
        Items, each counted once.
    items, suppliers : DataFrame
        Raw tables. An item nobody delivers by name has the lead time and cost of `items`; so has a
        supplier without a price.

    Returns
    -------
    DataFrame
        Key ``item, supplier``, the cheapest supplier of an item first, then the quickest:
        ``lead_time_days`` (0 where nobody wrote one), ``lead_time_months`` (whole months before an
        order placed now arrives), ``unit_cost_value`` (missing where unknown), ``monthly_limit``
        (units, infinite where there is none), ``minimum_order`` (units, 0 where there is none; the
        limit where it is above it, for the plan counts on that much),
        ``break_quantity`` (infinite where there is none), ``break_cost_value``, ``payment_days``
        (missing where unknown).

    Examples
    --------
    >>> items = pd.DataFrame({"item": ["A", "B"], "family": ["F", "F"], "lead_time_days": [9, 45],
    ...     "unit_cost_value": [2.0, 3.0]})
    >>> suppliers = pd.DataFrame({"item": ["A", "A"], "family": "all", "supplier": ["near", "far"],
    ...     "lead_time_days": [20, 70], "unit_cost_value": [2.5, 1.5], "monthly_limit": [None, 50],
    ...     "minimum_order": None, "break_quantity": None, "break_cost_value": None,
    ...     "payment_days": None})
    >>> found = sources(items["item"], items, suppliers)
    >>> found[["item", "supplier", "lead_time_months", "unit_cost_value"]].values.tolist()
    [['A', 'far', 2, 1.5], ['A', 'near', 1, 2.5], ['B', '', 1, 3.0]]
    """
    wanted = pd.DataFrame({"item": members.unique()}).astype({"item": "str"})
    wanted = wanted.assign(family=schema.lookup(wanted["item"], items, "family").astype("str"))
    told = suppliers[["item", "family", "supplier", *TERMS]]
    by_item = told[told["item"] != schema.ALL].drop(columns="family")
    own = wanted.merge(by_item, on="item", how="inner", validate="one_to_many")
    others = wanted[~wanted["item"].isin(own["item"])]
    by_family = told[(told["item"] == schema.ALL) & (told["family"] != schema.ALL)]
    by_family = by_family.drop(columns="item")
    of_family = others.merge(by_family, on="family", how="left", validate="many_to_many")
    found = pd.concat([own, of_family], ignore_index=True)
    found = found.astype(dict.fromkeys(TERMS, "float64"))
    days, cost = (
        found[name].fillna(schema.lookup(found["item"], items, name)).astype("float64")
        for name in ("lead_time_days", "unit_cost_value")
    )
    days, limit = days.fillna(0.0), found["monthly_limit"].fillna(np.inf)
    found = found.assign(
        supplier=found["supplier"].fillna("").astype("str"),
        lead_time_days=days,
        lead_time_months=np.floor(days / sites.DAYS_A_MONTH + 0.5).astype("int64"),
        unit_cost_value=cost,
        monthly_limit=limit,
        minimum_order=found["minimum_order"].fillna(0.0).clip(upper=limit),
        break_quantity=found["break_quantity"].where(found["break_cost_value"].notna(), np.inf),
    ).fillna({"break_quantity": np.inf})
    order = ["item", "unit_cost_value", "lead_time_days", "supplier"]
    columns = ["item", "supplier", "lead_time_months", *TERMS]
    return found.sort_values(order, ignore_index=True)[columns]
