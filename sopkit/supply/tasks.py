"""A supply problem in arrays: what is wanted, what there is, the rules and the costs.

Axes: t months, i items at sites, p routes (ways to make or buy an item), r resources, m materials
that production takes, g groups whose rate of production changes together. A textbook's problem is
stated as ``Task(demand=…, …)``, tables become one in ``from_tables``; every strategy answers with a
``plans.Plan``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.supply import capacity, sites

_SIGNED = {"opening", "supplied_from", "route_item", "site", "rate_group", "safety_stock"}
_SIGNED |= {"material_item"}
_WHOLE = {"supplied_from", "lead_months", "frozen_months", "route_item", "offset_months"}
_WHOLE |= {"site", "rate_group", "material_item", "material_offset", "part_offset", "part_lead"}
_FIRST = "2000-01"


def _on(axes: str, default=None):
    """A field with its axes."""
    return field(default=default, metadata={"axes": axes})


@dataclass(frozen=True, eq=False, kw_only=True)
class Task:
    """A supply problem: what is wanted, what there is, the rules, and what things cost.

    Every value may be a number, a list or an array: numbers hold everywhere, one value a month (t)
    or one an item (i), resource (r), route (p) or group (g) spread over the other axis. A cost that
    is not a number (the default) is unknown: it counts nothing and no sheet lists it.

    Parameters
    ----------
    demand : array (t, i)
        Units wanted. With ``is_loss_allowed`` it is a ceiling that need not be met.
    keys, months, resources : DataFrame, DatetimeIndex, list, optional
        Names of the items (``item, location``), months and resources.
    opening, ending_stock : array (i,)
        Stock before the first month (below zero: backlog), least stock after the last.
    receipts, in_work, committed : array (t, i)
        Units already on their way; the part of them whose hours are still to be worked; units that
        leave here because they are a receipt on its way to another site.
    safety_stock, minimum_stock, maximum_stock : array (t, i)
        Stock aimed for (each unit below it, owed ones too, counts ``below_safety_cost`` in the
        search for a plan, and no money), the least and the most allowed at month end. A maximum of
        zero is made to order; services hold none.
    is_backlog_allowed, is_backlog_cleared, is_loss_allowed : array (i,)
        Whether units may be owed (left out: where owing has a cost, or nothing has any), whether
        none may be at the end, whether sales may be lost.
    minimum_sales : array (t, i)
        Units of demand that may not be lost.
    shelf_life_months : array (i,)
        Stock at month end must sell within so many months; what cannot is scrapped.
    supplied_from : array (i,)
        Position of the item at the site that sends it here, −1 where it is made or bought; then
        ``lead_months`` is the way between the sites.
    lead_months, frozen_months : array (i,)
        Months in which nothing new can arrive, or may.
    lot_size : array (i,)
        Units are made or bought in multiples of it where lots are whole.
    supply_limit, subcontract_limit : array (t, i)
        Most units made or bought, and made by others. Without ``subcontract_cost`` none are.
    site, storage_limit : array (i,)
        Code of the item's site, and units that all items of it may keep.
    priority : array (i,)
        Weight of a unit owed where no costs are known.
    rate_group, previous_rate, maximum_rate_change, working_days : arrays (i,), (g,), (g,), (t,)
        Items whose production together has a rate (units over working days), the rate before the
        first month (unknown: the first change is free), the largest change.
    route_item, hours, offset_months, setup_hours : arrays (p,), (p, r)
        Item that each route makes (the first routes are the usual ones of all items, in order),
        hours of a unit, how many months before, hours of a set-up.
    materials : DataFrame, optional
        Names of the materials (``item, location``).
    material_per, material_offset : array (p, m)
        Units of a material that a unit of a route takes, and how many months before. What falls
        before the first month is taken in it; of ``in_work`` it is issued already.
    material_inflow : array (t, m)
        Most new units that can be there in a month, in the first with stock; infinite: without
        limit from that month on.
    material_item : array (m,)
        Position of the item that a material is, where it is sold too and one stock serves both;
        −1 where it has its own.
    part_per, part_offset, part_lead : arrays (m, m), (m, m), (m,)
        Of a material that is made here: units it takes of others, how many months before, and
        months in which no new ones can be there. One without any is not made.
    regular_hours, overtime_hours : array (t, r)
        Hours there are. With ``workers`` regular hours follow from the workforce, and
        ``overtime_hours`` come on top of what its workers may do.
    workers : array (r,)
        Workforce before the first month; missing where it does not change.
    hours_per_worker, overtime_per_worker, minimum_workers, maximum_workers : array (t, r)
        Regular hours and most overtime of a worker a month; bounds of the workforce.
    attrition_rate, crew_size : array (r,)
        Share of the workforce that leaves each month by itself; workers come in whole crews.
    is_idle_paid, is_idle_allowed : array (r,)
        Whether hours not worked are paid, and whether there may be any.
    regular_cost, overtime_cost, hiring_cost, layoff_cost : arrays (t, r), (r,)
        Of an hour (of overtime: as a regular one where left out), of a worker.
    material_cost : array (t, p)
        Of a unit made by a route; units of a subcontractor carry none.
    purchase_cost, subcontract_cost, setup_cost, holding_cost, backlog_cost, lost_sale_cost
        Arrays (t, i), of a unit or set-up; holding and backlog at each month end.
    transfer_cost, price, increase_cost, decrease_cost : arrays (i,), (t, i), (g,)
        Of a unit sent here; revenue of a unit sold; of a unit by which the rate changes.
    below_safety_cost, ending_cost : arrays (t, i), (i,)
        Weights of the search that are no money spent: of a unit below safety stock, and further
        of one below it or owed at the end; less than it costs to supply, and it is not supplied.
    is_assumed : array (i,)
        Whether holding and backlog costs are assumed, not given.
    is_average_stock : bool
        Holding is paid on the mean of opening and closing stock, not on closing stock.

    Raises
    ------
    ValueError
        If a value has the wrong shape, is negative where none can be, or is missing in demand.

    Examples
    --------
    Two products for three months on one machine of 100 hours:

    >>> task = Task(demand=[[40, 10], [60, 20], [80, 30]], hours=[[1.0], [0.5]], regular_hours=100)
    >>> task.regular_hours.tolist()
    [[100.0], [100.0], [100.0]]
    """

    demand: np.ndarray = _on("ti", np.nan)
    keys: pd.DataFrame | None = None
    months: pd.DatetimeIndex | None = None
    resources: list[str] | None = None
    opening: np.ndarray = _on("i", 0.0)
    receipts: np.ndarray = _on("ti", 0.0)
    in_work: np.ndarray = _on("ti", 0.0)
    committed: np.ndarray = _on("ti", 0.0)
    safety_stock: np.ndarray = _on("ti", 0.0)
    minimum_stock: np.ndarray = _on("ti", 0.0)
    maximum_stock: np.ndarray = _on("ti", np.inf)
    ending_stock: np.ndarray = _on("i", 0.0)
    is_backlog_allowed: np.ndarray | None = _on("i", None)
    is_backlog_cleared: np.ndarray = _on("i", False)
    is_loss_allowed: np.ndarray = _on("i", False)
    minimum_sales: np.ndarray = _on("ti", 0.0)
    shelf_life_months: np.ndarray = _on("i", np.inf)
    supplied_from: np.ndarray = _on("i", -1)
    lead_months: np.ndarray = _on("i", 0)
    frozen_months: np.ndarray = _on("i", 0)
    is_purchased: np.ndarray = _on("i", False)
    is_service: np.ndarray = _on("i", False)
    lot_size: np.ndarray = _on("i", 0.0)
    supply_limit: np.ndarray = _on("ti", np.inf)
    subcontract_limit: np.ndarray = _on("ti", np.inf)
    site: np.ndarray = _on("i", 0)
    storage_limit: np.ndarray = _on("i", np.inf)
    priority: np.ndarray = _on("i", 1.0)
    rate_group: np.ndarray | None = _on("i", None)
    previous_rate: np.ndarray = _on("g", np.nan)
    maximum_rate_change: np.ndarray = _on("g", np.inf)
    working_days: np.ndarray = _on("t", 1.0)
    route_item: np.ndarray | None = _on("p", None)
    hours: np.ndarray | None = _on("pr", None)
    offset_months: np.ndarray = _on("pr", 0)
    setup_hours: np.ndarray = _on("pr", 0.0)
    materials: pd.DataFrame | None = None
    material_per: np.ndarray = _on("pm", 0.0)
    material_offset: np.ndarray = _on("pm", 0)
    material_inflow: np.ndarray = _on("tm", np.inf)
    material_item: np.ndarray = _on("m", -1)
    part_per: np.ndarray = _on("mm", 0.0)
    part_offset: np.ndarray = _on("mm", 0)
    part_lead: np.ndarray = _on("m", 0)
    regular_hours: np.ndarray = _on("tr", 0.0)
    overtime_hours: np.ndarray = _on("tr", 0.0)
    workers: np.ndarray = _on("r", np.nan)
    hours_per_worker: np.ndarray = _on("tr", 1.0)
    overtime_per_worker: np.ndarray = _on("tr", 0.0)
    minimum_workers: np.ndarray = _on("tr", 0.0)
    maximum_workers: np.ndarray = _on("tr", np.inf)
    attrition_rate: np.ndarray = _on("r", 0.0)
    crew_size: np.ndarray = _on("r", 1.0)
    is_idle_paid: np.ndarray = _on("r", False)
    is_idle_allowed: np.ndarray = _on("r", True)
    regular_cost: np.ndarray = _on("tr", np.nan)
    overtime_cost: np.ndarray = _on("tr", np.nan)
    hiring_cost: np.ndarray = _on("r", np.nan)
    layoff_cost: np.ndarray = _on("r", np.nan)
    material_cost: np.ndarray = _on("tp", np.nan)
    purchase_cost: np.ndarray = _on("ti", np.nan)
    subcontract_cost: np.ndarray = _on("ti", np.nan)
    setup_cost: np.ndarray = _on("ti", np.nan)
    holding_cost: np.ndarray = _on("ti", np.nan)
    backlog_cost: np.ndarray = _on("ti", np.nan)
    lost_sale_cost: np.ndarray = _on("ti", np.nan)
    transfer_cost: np.ndarray = _on("i", np.nan)
    price: np.ndarray = _on("ti", np.nan)
    increase_cost: np.ndarray = _on("g", np.nan)
    decrease_cost: np.ndarray = _on("g", np.nan)
    below_safety_cost: np.ndarray = _on("ti", 0.0)
    ending_cost: np.ndarray = _on("i", 0.0)
    is_assumed: np.ndarray = _on("i", False)
    is_average_stock: bool = False

    def __post_init__(self):
        demand = np.asarray(self.demand, dtype="float64")
        if demand.ndim not in (1, 2):
            raise ValueError("demand is a list by month, or an array of months by items.")
        demand = demand[:, None] if demand.ndim == 1 else demand
        count, n_items = demand.shape
        hours = np.zeros((n_items, 0)) if self.hours is None else np.asarray(self.hours, float)
        hours = np.atleast_1d(hours)
        hours = hours[:, None] if hours.ndim == 1 else hours
        route = np.arange(n_items) if self.route_item is None else self.route_item
        group = np.arange(n_items) if self.rate_group is None else np.asarray(self.rate_group)
        size = {"t": count, "i": n_items, "p": len(route), "r": hours.shape[1]}
        size["g"] = int(group.max(initial=-1)) + 1
        if self.materials is None:
            named = pd.DataFrame({"item": [], "location": []}, dtype="str")
            object.__setattr__(self, "materials", named)
        size["m"] = len(self.materials)
        values = {"demand": demand, "hours": hours, "route_item": route, "rate_group": group}
        for name, axes in AXES.items():
            value = values.get(name, getattr(self, name))
            if name == "is_backlog_allowed" and value is None:
                continue  # follows from what has a cost, below
            object.__setattr__(self, name, spread(name, value, tuple(size[a] for a in axes)))
        _check_places(self.supplied_from, self.route_item, self.material_item)
        if self.is_backlog_allowed is None:
            is_given = np.isfinite(self.backlog_cost).any(axis=0) | (not self.is_priced)
            object.__setattr__(self, "is_backlog_allowed", is_given)
        if self.keys is None:
            names = [f"item {k + 1}" for k in range(n_items)]
            object.__setattr__(self, "keys", pd.DataFrame({"item": names, "location": schema.ALL}))
        if self.resources is None:
            names = [f"resource {k + 1}" for k in range(size["r"])]
            object.__setattr__(self, "resources", names)
        if self.months is None:
            object.__setattr__(self, "months", months.span(months.parse_cycle(_FIRST), count))

    @property
    def n_months(self) -> int:
        """Months planned."""
        return len(self.demand)

    @property
    def is_staffed(self) -> np.ndarray:
        """Whether each resource's workforce may change, (r,)."""
        return np.isfinite(self.workers)

    @property
    def is_priced(self) -> bool:
        """Whether any cost is given, and not only assumed."""
        found = [np.isfinite(getattr(self, name)) for name in (*COSTS, "price")]
        for k, name in enumerate(COSTS):
            if name in ("holding_cost", "backlog_cost"):
                found[k] = found[k] & ~self.is_assumed
        return any(known.any() for known in found)

    @property
    def overtime_rate(self) -> np.ndarray:
        """Cost of an hour of overtime (t, r): as a regular one where it is not given."""
        return np.where(np.isfinite(self.overtime_cost), self.overtime_cost, self.regular_cost)

    @property
    def is_scarce(self) -> np.ndarray:
        """Months in which all that there can be of a material is a number of units, (t, m)."""
        return np.isfinite(np.cumsum(self.material_inflow, axis=0)) & (self.material_item < 0)

    @property
    def first_month(self) -> np.ndarray:
        """Position of the first month in which each route can deliver, (p,)."""
        first = np.maximum(self.lead_months, self.frozen_months)[self.route_item]
        worked = np.where(self.hours > 0, self.offset_months, 0).max(axis=1, initial=0)
        return np.maximum(first, worked)


AXES = {f.name: f.metadata["axes"] for f in fields(Task) if f.metadata}
WEIGHTS = ("below_safety_cost", "ending_cost")
COSTS = tuple(name for name in AXES if name.endswith("_cost") and name not in WEIGHTS)


def spread(name: str, value, shape: tuple[int, ...]) -> np.ndarray:
    """A named value on its axes; a list over months or over the other axis, whichever it fits."""
    kind = "int64" if name in _WHOLE else "bool" if name.startswith("is_") else "float64"
    try:
        array = np.asarray(value, dtype=kind)
        if kind == "int64" and (array != np.asarray(value, dtype="float64")).any():
            raise ValueError(f"{name} has parts of one ({value}); write whole numbers.")
        if array.ndim == 1 and len(shape) == 2:
            fits = [k for k in (0, 1) if len(array) == shape[k]]
            if len(fits) == 2 and shape != (1, 1):
                raise ValueError(
                    f"{name} is a list that fits both axes of {shape}; give an array of that shape."
                )
            array = array[:, None] if fits == [0] else array
        array = np.broadcast_to(array, shape).copy()
    except (ValueError, TypeError) as error:
        if str(error).startswith(f"{name} "):
            raise
        found = np.shape(value)
        raise ValueError(
            f"{name} has shape {found}, but {shape} is needed; give a number, a list along one "
            f"axis, or an array of that shape."
        ) from error
    if name == "demand" and not np.isfinite(array).all():
        raise ValueError("demand has missing values; write 0 where nothing is wanted.")
    if name not in _SIGNED and kind != "bool" and (array < 0).any():
        place = tuple(int(k) for k in np.argwhere(array < 0)[0])
        raise ValueError(f"{name} is negative ({array[place]:g}) at {place}; it must be 0 or more.")
    return array


def _check_places(
    supplied_from: np.ndarray, route_item: np.ndarray, material_item: np.ndarray
) -> None:
    """Raise where positions of items are none, or a chain of sites runs in a circle."""
    count = len(supplied_from)
    named = {"supplied_from": supplied_from, "route_item": route_item}
    for name, places in (named | {"material_item": material_item}).items():
        if (places >= count).any():
            raise ValueError(
                f"{name} has {places.max()}, but there are {count} items; positions start at 0."
            )
    if not np.array_equal(route_item[:count], np.arange(count)):
        raise ValueError(
            f"route_item starts with {route_item[:count].tolist()}; the first routes are the usual "
            "ones of all items, in order: 0, 1, 2 …"
        )
    sites.depths(supplied_from)


def from_tables(
    demand: pd.DataFrame,
    terms: pd.DataFrame,
    opening: pd.Series,
    receipts: pd.DataFrame,
    bills: pd.DataFrame,
    available: pd.DataFrame,
    resources: pd.DataFrame,
    rates: pd.DataFrame,
    locations: pd.DataFrame,
    made_before: pd.DataFrame,
    *,
    is_lost: bool = False,
    has_setups: bool = False,
    stops: pd.DataFrame | None = None,
    sources: pd.DataFrame | None = None,
) -> Task:
    """Lay the tables of a supply plan out as a task.

    Parameters
    ----------
    demand : DataFrame
        From ``sites.site_demand``.
    terms : DataFrame
        From ``sites.replenishment``, with ``safety_stock`` and ``shelf_life_months``.
    opening : Series
        Stock before the first month by ``item, location``; below zero is backlog.
    receipts : DataFrame
        From ``sites.receipts``.
    bills, available : DataFrame
        From ``capacity.bills`` and ``capacity.available_hours``.
    resources, locations : DataFrame
        Raw tables. People who work at a resource are paid for all its hours; their number changes
        where ``maximum_workers`` is given.
    rates : DataFrame
        From ``finance.item_rates``.
    made_before : DataFrame
        Production of the month before the first: ``item, location, quantity``.
    is_lost : bool
        Unmet demand of stocked goods is lost, at their ``lost_sale_cost_value``, else their price;
        what has neither is owed.
    has_setups : bool
        Set-ups cost what ``setup_cost_value`` says.
    stops : DataFrame, optional
        ``item, month`` in which nothing new of an item is made, bought or made by others.
    sources : DataFrame, optional
        From ``sourcing.sources``: their monthly limits bound what is bought; suppliers slower than
        an item's quickest one deliver so many months later.

    Notes
    -----
    A unit below safety stock weighs what the service level makes it worth: holding cost times
    level / (1 − level), the newsvendor's ratio, and never more than half a unit owed. Where the
    cost of owing is not given, that ratio stands for it and is marked assumed. What is undone at
    the end weighs what it costs to supply, so that no plan saves by leaving it.
    """
    wide = demand.pivot(index="month", columns=schema.SITE, values="demand").fillna(0.0)
    index, month_index = wide.columns, pd.DatetimeIndex(wide.index, name="month")
    keys = index.to_frame(index=False)

    def by_month(table: pd.DataFrame, over: object, names: pd.Index, value: str) -> np.ndarray:
        laid = table.pivot(index="month", columns=over, values=value)
        return laid.reindex(index=month_index, columns=names).fillna(0.0).to_numpy("float64")

    names = pd.Index(sorted(available["resource"].unique()))
    regular, overtime = (
        by_month(available, "resource", names, name) for name in ("regular_hours", "overtime_hours")
    )
    route, hours, offset = capacity.as_arrays(bills, keys["item"], list(names))
    own = terms.set_index(schema.SITE).loc[index].reset_index()
    rate = keys[["item"]].merge(rates, on="item", how="left", validate="many_to_one")
    group, labels = pd.factorize(
        rate["rate_group"].fillna(keys["item"]) + " at " + keys["location"]
    )
    by_group = rate.groupby(group)[["rate_change_cost_value", "maximum_rate_change"]].first()
    before = made_before.set_index(schema.SITE)["quantity"].reindex(index).fillna(0.0)
    before = before.groupby(group).sum() if len(made_before) else pd.Series(np.nan, by_group.index)
    staff = resources.drop_duplicates("resource").set_index("resource").reindex(names)
    people = staff["workers"].where(staff["workers"] > 0)
    can_change = people.notna() & staff["maximum_workers"].notna()
    work = np.where(can_change, people, 1.0)
    usual = staff["regular_hours"].to_numpy(dtype="float64")  # of a usual month, for all
    each = staff["hours_per_worker"].fillna(staff["regular_hours"] / people).fillna(1.0).to_numpy()
    per_worker = each * regular / np.where(usual > 0, usual, 1.0)
    start = opening.reindex(index).fillna(0.0).to_numpy(dtype="float64")
    due = by_month(receipts, schema.SITE, index, "quantity")
    above = sites.supplied_from(own)
    # the dearer of both: an hour of which no overtime cost is known is no gift
    an_hour = staff[["regular_cost_value", "overtime_cost_value"]].max(axis=1).fillna(0.0)
    is_made = has_setups & (above < 0) & ~own["is_purchased"].to_numpy(dtype=bool)
    setups = np.where(is_made, rate["setup_cost_value"], np.nan)
    limit = _most_bought(sources, own, len(wide))
    limit = np.where(_is_stopped(stops, keys["item"], month_index) & (above < 0), 0.0, limit)
    return Task(
        keys=keys,
        months=month_index,
        resources=list(names),
        demand=wide.to_numpy(dtype="float64"),
        opening=start,
        receipts=due,
        in_work=by_month(receipts, schema.SITE, index, "in_work"),
        committed=by_month(receipts, schema.SITE, index, "committed"),
        safety_stock=np.tile(own["safety_stock"], (len(wide), 1)),
        maximum_stock=_to_order(own, wide.to_numpy(), start, due),
        shelf_life_months=own["shelf_life_months"].fillna(np.inf),
        supplied_from=above,
        lead_months=own["lead_time_months"],
        frozen_months=own["frozen_months"],
        is_purchased=own["is_purchased"],
        is_service=own["is_service"],
        lot_size=rate["lot_size"].fillna(0.0),
        supply_limit=limit,
        subcontract_limit=np.minimum(rate["subcontract_limit"].fillna(np.inf).to_numpy(), limit),
        site=pd.factorize(keys["location"])[0],
        storage_limit=schema.lookup(
            keys["location"], locations, "storage_limit", on="location"
        ).fillna(np.inf),
        rate_group=group,
        previous_rate=before,
        maximum_rate_change=by_group["maximum_rate_change"].fillna(np.inf),
        route_item=route,
        hours=hours,
        offset_months=offset,
        regular_hours=regular,
        overtime_hours=np.where(can_change, 0.0, overtime),
        workers=people.where(can_change),
        hours_per_worker=per_worker,
        overtime_per_worker=np.where(can_change, overtime / work, 0.0),
        minimum_workers=np.tile(staff["minimum_workers"].fillna(0.0), (len(wide), 1)),
        maximum_workers=np.tile(staff["maximum_workers"].fillna(np.inf), (len(wide), 1)),
        is_idle_paid=people.notna(),
        regular_cost=np.tile(staff["regular_cost_value"], (len(wide), 1)),
        overtime_cost=np.tile(staff["overtime_cost_value"], (len(wide), 1)),
        hiring_cost=staff["hiring_cost_value"],
        layoff_cost=staff["layoff_cost_value"],
        increase_cost=by_group["rate_change_cost_value"],
        decrease_cost=by_group["rate_change_cost_value"],
        setup_cost=np.tile(setups, (len(wide), 1)),
        **_lost_sales(own, rate, is_lost, len(wide)),
        **_unit_costs(own, rate, hours[: len(own)] @ an_hour, above),
    )


def _most_bought(sources: pd.DataFrame | None, own: pd.DataFrame, count: int) -> np.ndarray:
    """Units (t, i) that suppliers can deliver in a month; infinite of what is not bought."""
    most = np.full((count, len(own)), np.inf)
    if sources is None:
        return most
    bought = own[["item", "lead_time_months"]].assign(place=np.arange(len(own)))
    rows = bought[own["is_purchased"]].merge(
        sources[["item", "lead_time_months", "monthly_limit"]],
        on="item",
        how="inner",
        suffixes=("", "_of_supplier"),
        validate="many_to_many",
    )
    lead = rows["lead_time_months_of_supplier"]
    slower = lead - lead.groupby(rows["place"]).transform("min")
    after = np.where(slower > 0, rows["lead_time_months"] + slower, 0)
    is_there = np.arange(count)[:, None] >= after
    most[:, own["is_purchased"]] = 0.0
    np.add.at(most.T, rows["place"], np.where(is_there, rows["monthly_limit"], 0.0).T)
    return most


def _is_stopped(
    stops: pd.DataFrame | None, items: pd.Series, month_index: pd.DatetimeIndex
) -> np.ndarray:
    """Whether nothing new of an item comes in a month (t, i)."""
    every = pd.MultiIndex.from_product([month_index, items])
    named = pd.MultiIndex.from_frame(stops[["month", "item"]]) if stops is not None else every[:0]
    return every.isin(named).reshape(len(month_index), len(items))


def _to_order(own: pd.DataFrame, demand: np.ndarray, opening: np.ndarray, due: np.ndarray):
    """Most stock (t, i): none of services and what is made to order, what there is sold first."""
    most, left = np.full(demand.shape, np.inf), np.maximum(opening, 0.0)
    is_to_order = (own["is_service"] | own["is_made_to_order"]).to_numpy(dtype=bool)
    for t in range(len(demand)):
        left = np.maximum(left + due[t] - demand[t], 0.0)
        most[t, is_to_order] = left[is_to_order]
    return most


def _lost_sales(
    own: pd.DataFrame, rate: pd.DataFrame, is_lost: bool, count: int
) -> dict[str, np.ndarray]:
    cost = rate["lost_sale_cost_value"].fillna(rate["unit_price_value"])
    is_stocked = ~(own["is_service"] | own["is_made_to_order"])
    chosen = is_lost & is_stocked & cost.notna()
    return {
        "is_loss_allowed": chosen,
        "is_backlog_allowed": ~chosen,
        "lost_sale_cost": np.tile(cost.where(chosen), (count, 1)),
    }


def _unit_costs(
    own: pd.DataFrame, rate: pd.DataFrame, making: np.ndarray, above: np.ndarray
) -> dict[str, np.ndarray]:
    """Costs a unit, and the weights of the search."""
    service = own["service_level_rate"].to_numpy()
    held, owed, bought, helped = (
        rate[name].to_numpy(dtype="float64")
        for name in (
            "holding_cost_value",
            "backorder_cost_value",
            "unit_cost_value",
            "subcontract_cost_value",
        )
    )
    worth = held * service / (1.0 - service)
    owing = np.where(np.isfinite(owed), owed, worth)
    if np.isfinite(owing).any():  # else what has no cost would be owed to the end for nothing
        owing = np.where(np.isfinite(owing), owing, np.nanmin(owing))
    is_bought, is_fed = own["is_purchased"].to_numpy(dtype=bool), above >= 0
    supply = np.where(is_bought, np.nan_to_num(bought), making)
    for _ in range(sites.depths(above).max(initial=0)):  # as at the head of the chain
        supply = np.where(is_fed, supply[above], supply)
    by_item = {
        "purchase_cost": np.where(is_bought, bought, np.nan),
        "subcontract_cost": np.where(is_bought | is_fed | own["is_service"], np.nan, helped),
        "holding_cost": held,
        "backlog_cost": owing,
        "below_safety_cost": np.nan_to_num(np.fmin(worth, owed / 2.0)),
    }
    return {name: values[None, :] for name, values in by_item.items()} | {
        "ending_cost": supply,
        "is_assumed": rate["is_assumed"].fillna(False).astype(bool) | ~np.isfinite(owed),
    }
