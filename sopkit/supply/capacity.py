"""Units → hours: what a plan takes of each resource, beside what there is (rough-cut capacity).

A bill of capacity says the hours that a unit takes of each resource, and how many months before
the unit is due. Where nobody wrote one, overall factors stand in: hours of the past, by share.
An item is made by its usual route, named ``""``, or by an alternative one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sopkit import contract, months, schema

KEY = ["item", "route", "resource"]
COLUMNS = [*KEY, "hours_per_unit", "offset_months"]


def bills(
    routings: pd.DataFrame,
    items: pd.DataFrame,
    resources: pd.DataFrame,
    production: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Bills of capacity: hours a unit of each item takes of each resource, by route.

    Parameters
    ----------
    routings : DataFrame
        Table `routings`, by item or by family. A family's rows hold for its items that are made;
        an item's own rows of a route win over its family's rows of that route.
    items, resources : DataFrame
        Raw tables. A resource that `resources` lacks is not limited here: its rows are left out.
    production : DataFrame, optional
        Table `production`. Made items and services without any routing, whose hours it tells, get
        overall factors: their hours a unit, by the share of each resource in the past load of
        routed items, of their family where it had any load, else of all.

    Returns
    -------
    DataFrame
        Key ``item, route, resource``: ``hours_per_unit``; ``offset_months`` before the unit is due.

    Raises
    ------
    ValueError
        If an offset is no count of whole months.

    Notes
    -----
    Source: Vollmann, Berry & Whybark, Manufacturing Planning and Control: capacity bills, resource
    profiles (offsets) and, in ``overall_factors``, capacity planning using overall factors (CPOF).

    Examples
    --------
    >>> items = pd.DataFrame({"item": ["A", "B"], "family": "Tents"})
    >>> routings = pd.DataFrame({"item": ["all", "B"], "family": "Tents", "resource": "sewing",
    ...     "hours_per_unit": [2.0, 5.0], "offset_months": [1, None]})
    >>> bills(routings, items, pd.DataFrame({"resource": ["sewing"]})).values.tolist()
    [['A', '', 'sewing', 2.0, 1], ['B', '', 'sewing', 5.0, 0]]
    """
    written = _with_route(routings).fillna({"offset_months": 0.0})
    _refuse_parts_of_months(written)
    own = written[written["item"] != schema.ALL]
    by_family = written[written["item"] == schema.ALL].drop(columns="item")
    # inner: families without an item that is made load nothing
    made = _made_items(items)[["item", "family"]]
    spread = by_family.merge(made, on="family", how="inner", validate="many_to_many")
    every = pd.concat([own, spread[~_among(spread, own)]])
    summed = every.groupby(KEY, as_index=False).agg(
        hours_per_unit=("hours_per_unit", "sum"), offset_months=("offset_months", "max")
    )
    parts = [] if production is None else _factors_of_the_past(summed, items, production)
    table = pd.concat([summed, *parts])
    table = table[table["resource"].isin(resources["resource"])]
    table = table.astype({"hours_per_unit": "float64", "offset_months": "int64"})
    return table.sort_values(KEY, ignore_index=True)[COLUMNS]


def overall_factors(hours_per_unit: pd.Series, share: pd.Series) -> pd.DataFrame:
    """Bills from overall factors: direct hours a unit, times each resource's historical share.

    Parameters
    ----------
    hours_per_unit : Series
        Direct hours a unit, by item.
    share : Series
        Share of each resource in all direct hours of the past; the shares add up to 1.

    Returns
    -------
    DataFrame
        As of ``bills``: the usual route, no offset.

    Raises
    ------
    ValueError
        If the shares do not add up to 1 (0.01 more or less may be rounding) or one is below zero.

    Examples
    --------
    >>> hours, share = pd.Series({"A": 0.95}), pd.Series({"100": 0.6, "200": 0.4})
    >>> overall_factors(hours, share)["hours_per_unit"].round(2).tolist()
    [0.57, 0.38]
    """
    if not (abs(share.sum() - 1.0) <= 0.01 and (share >= 0.0).all()):
        raise ValueError(
            f"the shares of {contract.some([str(name) for name in share.index])} add up to "
            f"{share.sum():g}. Give each as a part of 1, 0.6 for 60 %, and none below zero."
        )
    by_item = hours_per_unit.rename_axis("item").rename("hours").reset_index()
    by_resource = share.rename_axis("resource").rename("share").reset_index()
    table = by_item.merge(by_resource, how="cross")
    table = table.assign(route="", hours_per_unit=table["hours"] * table["share"], offset_months=0)
    return table.sort_values(KEY, ignore_index=True)[COLUMNS]


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

    Examples
    --------
    >>> resources = pd.DataFrame(
    ...     {"resource": ["sewing"], "regular_hours": [100.0], "overtime_hours": [10.0]})
    >>> span = months.span(pd.Timestamp("2026-01-01"), 2)
    >>> calendar = pd.DataFrame({"month": span, "working_days": [22, 18]})
    >>> capacity = contract.empty("capacity")
    >>> available_hours(resources, capacity, calendar, span)["regular_hours"].round(6).tolist()
    [110.0, 90.0]
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
    made: pd.DataFrame, unlimited: pd.DataFrame, bills: pd.DataFrame, available: pd.DataFrame
) -> pd.DataFrame:
    """Table ``resource_load`` (house §3).

    Parameters
    ----------
    made : DataFrame
        Production of the plan by ``item``, ``month`` in which it is due, and ``route`` (the usual
        one where the column or its cell is blank): ``quantity``, units.
    unlimited : DataFrame
        The same, as demand would have it with no limit on hours.
    bills : DataFrame
        From ``bills``. Work falls ``offset_months`` before the units are due; what would fall
        before the first month of ``available`` is done already and left out.
    available : DataFrame
        From ``available_hours``.

    Returns
    -------
    DataFrame
        Key ``resource, month``; ``load_hours`` of the plan, ``wanted_hours`` without limit,
        ``utilisation_rate`` = load over regular hours, ``overload_hours`` = load beyond regular and
        overtime hours. The last months lack the work for units due after the plan's end.

    Raises
    ------
    ValueError
        If units are made by a named route that ``bills`` lacks.

    Examples
    --------
    >>> month = months.span(pd.Timestamp("2026-01-01"), 2)
    >>> available = pd.DataFrame({"resource": "sewing", "month": month,
    ...     "regular_hours": 50.0, "overtime_hours": 5.0})
    >>> bill = overall_factors(pd.Series({"A": 2.0}), pd.Series({"sewing": 1.0}))
    >>> made = pd.DataFrame({"item": "A", "month": month, "quantity": [20.0, 30.0]})
    >>> load = resource_load(made, made, bill.assign(offset_months=1), available)
    >>> load[["load_hours", "utilisation_rate", "overload_hours"]].values.tolist()
    [[60.0, 1.2, 5.0], [0.0, 0.0, 0.0]]
    """
    table = available
    for name, plan in (("load_hours", made), ("wanted_hours", unlimited)):
        hours = _hours(plan, bills).rename(columns={"hours": name})
        table = table.merge(hours, on=["resource", "month"], how="left", validate="1:1")
    table = table.fillna({"load_hours": 0.0, "wanted_hours": 0.0})
    load, regular = table["load_hours"], table["regular_hours"]
    return table.assign(
        utilisation_rate=load / regular.where(regular > 0.0),
        overload_hours=(load - regular - table["overtime_hours"]).clip(lower=0.0),
    )


def routes(bills: pd.DataFrame, items_in_order: Sequence[str] | pd.Index) -> pd.DataFrame:
    """Each way to make each item: the usual ones in the order of the items, then the others.

    Parameters
    ----------
    bills : DataFrame
        From ``bills``.
    items_in_order : list or Index
        Items; one may stand there twice, as for two sites.

    Returns
    -------
    DataFrame
        ``item``, ``route``, ``position`` of the item in the order; alternatives by position and
        name.

    Examples
    --------
    >>> bill = overall_factors(pd.Series({"A": 1.0}), pd.Series({"sewing": 1.0}))
    >>> routes(pd.concat([bill, bill.assign(route="night")]), ["B", "A"]).values.tolist()
    [['B', '', 0], ['A', '', 1], ['A', 'night', 1]]
    """
    order = pd.DataFrame({"item": pd.Series(list(items_in_order), dtype="str")})
    order = order.assign(position=range(len(order)))
    named = bills.loc[bills["route"] != "", ["item", "route"]].drop_duplicates()
    # inner: most items have no alternative
    others = order.merge(named, on="item", how="inner", validate="many_to_many")
    others = others.sort_values(["position", "route"])
    every = pd.concat([order.assign(route=""), others], ignore_index=True)
    return every[["item", "route", "position"]]


def as_arrays(
    bills: pd.DataFrame,
    items_in_order: Sequence[str] | pd.Index,
    resources_in_order: Sequence[str] | pd.Index,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bills as arrays over ``routes`` and resources.

    Parameters
    ----------
    bills : DataFrame
        From ``bills``.
    items_in_order : list or Index
        Items, as of ``routes``; bills of others are left out.
    resources_in_order : list or Index
        Resources, each once.

    Returns
    -------
    tuple of ndarray
        ``route_item`` (n_routes,): position of each route's item, the first n_items being the usual
        routes. ``hours`` (n_routes, n_resources): hours a unit, zero where there is no bill.
        ``offset`` (n_routes, n_resources): months before the unit is due.

    Raises
    ------
    ValueError
        If a bill is of a resource that stands not in the order.

    Examples
    --------
    >>> bill = overall_factors(pd.Series({"A": 2.0}), pd.Series({"sewing": 1.0}))
    >>> route_item, hours, offset = as_arrays(bill, ["A", "B"], ["cutting", "sewing"])
    >>> route_item.tolist(), hours.tolist()
    ([0, 1], [[0.0, 2.0], [0.0, 0.0]])
    """
    every, columns = routes(bills, items_in_order), pd.Index(resources_in_order)
    # inner: a route without bill keeps its zeros
    cells = every.assign(row=range(len(every))).merge(
        bills, on=["item", "route"], how="inner", validate="many_to_many"
    )
    column = columns.get_indexer(cells["resource"])
    if (column < 0).any():
        strange = sorted(cells.loc[column < 0, "resource"].unique())
        raise ValueError(
            f"bills name {contract.some(strange)}, which resources_in_order lacks. Give the "
            "resources from which the bills were made."
        )
    hours = np.zeros((len(every), len(columns)))
    offset = np.zeros(hours.shape, dtype="int64")
    hours[cells["row"], column] = cells["hours_per_unit"]
    offset[cells["row"], column] = cells["offset_months"]
    return every["position"].to_numpy(dtype="int64"), hours, offset


def _with_route(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a route on every row, ``""`` where it names none."""
    route = table["route"].fillna("") if "route" in table else ""
    return table.assign(route=route).astype({"route": "str"})


def _made_items(items: pd.DataFrame) -> pd.DataFrame:
    """Items and services that are not purchased, each once; a blank flag is no purchase."""
    once = items.drop_duplicates("item")
    if "is_purchased" not in once:
        return once
    return once[~once["is_purchased"].fillna(False).astype(bool)]


def _among(rows: pd.DataFrame, others: pd.DataFrame) -> np.ndarray:
    """Whether each row's item and route stand among the others'."""
    pairs = (pd.MultiIndex.from_frame(table[["item", "route"]]) for table in (rows, others))
    return next(pairs).isin(next(pairs))


def _refuse_parts_of_months(written: pd.DataFrame) -> None:
    """Raise where an offset is no count of whole months."""
    parts = written[written["offset_months"] % 1 != 0]
    if len(parts):
        row = parts.sort_values(["item", "family", *KEY[1:]]).iloc[0]
        name = row["family"] if row["item"] == schema.ALL else row["item"]
        raise ValueError(
            f"routings.offset_months of {name}, resource {row['resource']}, is "
            f"{row['offset_months']:g}. Write whole months in data/raw/routings.csv."
        )


def _factors_of_the_past(
    written: pd.DataFrame, items: pd.DataFrame, production: pd.DataFrame
) -> list[pd.DataFrame]:
    """Overall factors, family by family, of the made items that have no bill."""
    told = production.dropna(subset=["hours"]).groupby("item")[["quantity", "hours"]].sum()
    wanted = set(_made_items(items)["item"]) - set(written["item"])
    told = told[(told["quantity"] > 0.0) & told.index.isin(wanted)]
    units = production.groupby("item", as_index=False)["quantity"].sum()
    # inner: what was not made had no load; no table tells how much took another route
    past = written[written["route"] == ""].merge(units, on="item", how="inner", validate="m:1")
    past = past.assign(
        load=past["quantity"] * past["hours_per_unit"],
        family=schema.lookup(past["item"], items, "family"),
    )
    factors = []
    family = schema.lookup(told.index.to_series(), items, "family").fillna("")
    for name, own in (told["hours"] / told["quantity"]).groupby(family):
        of_family = past[past["family"] == name]
        load = (
            (of_family if of_family["load"].sum() > 0.0 else past).groupby("resource")["load"].sum()
        )
        if load.sum() > 0.0:
            factors.append(overall_factors(own, load / load.sum()))
    return factors


def _hours(plan: pd.DataFrame, bills: pd.DataFrame) -> pd.DataFrame:
    """Hours of a plan by resource and the month in which the work is done."""
    units = _with_route(plan).groupby(["item", "route", "month"], as_index=False)["quantity"].sum()
    strange = units[(units["route"] != "") & ~_among(units, bills)]
    if len(strange):
        item, route = strange.iloc[0][["item", "route"]]
        raise ValueError(
            f"item {item} is made by route {route!r}, which is not in bills. Add its hours to "
            "data/raw/routings.csv, or leave its route blank."
        )
    # inner: an item without bill takes no hours
    work = units.merge(bills, on=["item", "route"], how="inner", validate="many_to_many")
    done = months.from_number(months.number(work["month"]) - work["offset_months"])
    work = work.assign(month=done, hours=work["quantity"] * work["hours_per_unit"])
    return work.groupby(["resource", "month"], as_index=False)["hours"].sum()
