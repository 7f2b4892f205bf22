"""Units → hours: what a plan takes of each resource, beside what there is."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import schema


def hours_per_unit(
    routings: pd.DataFrame, items: pd.DataFrame, resources: pd.DataFrame
) -> pd.DataFrame:
    """Hours a unit of each item takes of each resource.

    Parameters
    ----------
    routings : DataFrame
        Table `routings`, by item or by family; an item's own rows win over its family's.
    items, resources : DataFrame
        Raw tables.

    Returns
    -------
    DataFrame
        Items down, resources across, hours a unit, zero where an item does not pass.
    """
    names = sorted(set(resources["resource"]))
    family = items.drop_duplicates("item")[["item", "family"]]
    own = routings[routings["item"] != schema.ALL]
    by_family = routings[routings["item"] == schema.ALL].drop(columns="item")
    # inner: families without items load nothing
    spread = by_family.merge(family, on="family", how="inner", validate="many_to_many")
    spread = spread[~spread["item"].isin(own["item"])]
    every = pd.concat([own, spread])
    every = every[every["resource"].isin(names)]
    table = every.groupby(["item", "resource"])["hours_per_unit"].sum().unstack(fill_value=0.0)
    return table.reindex(columns=names, fill_value=0.0)


def available_hours(
    resources: pd.DataFrame,
    capacity: pd.DataFrame,
    calendar: pd.DataFrame,
    month_index: pd.DatetimeIndex,
) -> pd.DataFrame:
    """Regular and overtime hours of each resource and month: `capacity`, else `resources`.

    Parameters
    ----------
    resources, capacity, calendar : DataFrame
        Raw tables. Hours of `resources` hold for a month of the calendar's mean working days;
        other months have more or less in proportion. Hours of `capacity` hold as they stand.
    month_index : DatetimeIndex
        Months planned.

    Returns
    -------
    DataFrame
        Key ``resource, month``: ``regular_hours``, ``overtime_hours``.
    """
    worked = calendar.drop_duplicates("month").set_index("month")["working_days"]
    days = (worked / worked.mean()).reindex(month_index).fillna(1.0)
    every = resources[["resource", "regular_hours", "overtime_hours"]].merge(
        pd.DataFrame({"month": month_index, "days": days.to_numpy()}), how="cross"
    )
    hours = every[["regular_hours", "overtime_hours"]].mul(every["days"], axis=0)
    every = every.assign(**hours).drop(columns="days")
    given = capacity[["resource", "month", "regular_hours", "overtime_hours"]]
    both = every.merge(
        given, on=["resource", "month"], how="left", suffixes=("", "_given"), validate="1:1"
    )
    return both.assign(
        regular_hours=both["regular_hours_given"].fillna(both["regular_hours"]),
        overtime_hours=both["overtime_hours_given"].fillna(both["overtime_hours"]).fillna(0.0),
    )[["resource", "month", "regular_hours", "overtime_hours"]].sort_values(
        ["resource", "month"], ignore_index=True
    )


def resource_load(
    made: pd.DataFrame, unlimited: pd.DataFrame, hours: pd.DataFrame, available: pd.DataFrame
) -> pd.DataFrame:
    """Table ``resource_load`` (house §3).

    Parameters
    ----------
    made : DataFrame
        Production of the plan by ``item`` and ``month``: ``quantity``, units.
    unlimited : DataFrame
        The same, as demand would have it with no limit on hours.
    hours : DataFrame
        From ``hours_per_unit``.
    available : DataFrame
        From ``available_hours``.

    Returns
    -------
    DataFrame
        Key ``resource, month``; ``load_hours`` of the plan, ``wanted_hours`` without limit,
        ``utilisation_rate`` = load over regular hours.
    """
    table = available
    if hours.empty:
        return table.assign(load_hours=0.0, wanted_hours=0.0, utilisation_rate=np.nan)
    for name, plan in (("load_hours", made), ("wanted_hours", unlimited)):
        units = plan.pivot_table("quantity", "month", "item", aggfunc="sum", fill_value=0.0)
        units = units.reindex(columns=hours.index, fill_value=0.0)
        load = (units @ hours).rename_axis(index="month", columns="resource")
        long = load.stack().rename(name).reset_index()
        table = table.merge(long, on=["resource", "month"], how="left", validate="1:1")
    table = table.fillna({"load_hours": 0.0, "wanted_hours": 0.0})
    regular = table["regular_hours"].to_numpy()
    rate = np.where(regular > 0, table["load_hours"] / np.where(regular > 0, regular, 1.0), np.nan)
    return table.assign(utilisation_rate=rate)
