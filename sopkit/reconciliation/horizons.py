"""How far the plan looks and how fine: months by item, then years against capacity."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import hierarchy

NEAR_MONTHS = 3  # months in which the plan is looked at by item
DAMPING = 0.5  # of the growth of the planned years, what lives on in each further year
MOST_GROWTH = 0.25  # a year; more is a launch, not a trend
_AMOUNTS = ["quantity", "revenue_value"]
_COLUMNS = (
    "level member fiscal_year basis quantity revenue_value hours regular_hours overtime_hours "
    "utilisation_rate extra_hours extra_workers"
).split()


def near_items(plan_money: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """Table ``near_items``: the first three months by item, the largest in money first.

    Parameters
    ----------
    plan_money, items : DataFrame
        Tables `plan_money` and `items`.

    Returns
    -------
    DataFrame
        Key ``item``: ``description``, ``family``, ``first_quantity`` to ``third_quantity`` of
        demand in the item's own unit, ``gap`` = what supply delivers in the three months less
        demand, ``revenue_value`` of demand.
    """
    span = sorted(plan_money["month"].unique())[:NEAR_MONTHS]
    near = plan_money[plan_money["month"].isin(span)]
    near = near.assign(gap=near["constrained"] - near["quantity"])
    names = ["first_quantity", "second_quantity", "third_quantity"]
    for name, month in zip(names, [*span, *[pd.NaT] * NEAR_MONTHS], strict=False):
        near[name] = near["quantity"].where(near["month"] == month, 0.0)
    sums = hierarchy.aggregate(near, ["item"], [*names, "gap", "revenue_value"])
    sums = hierarchy.with_levels(sums, items).drop(columns="category")
    sums.insert(1, "description", schema.lookup(sums["item"], items, "description"))
    by = "revenue_value" if sums["revenue_value"].notna().any() else "first_quantity"
    return sums.sort_values([by, "item"], ascending=[False, True], ignore_index=True)


def strategic_years(
    booked: pd.DataFrame,
    plan_money: pd.DataFrame,
    items: pd.DataFrame,
    budget: pd.DataFrame,
    bills: pd.DataFrame,
    available: pd.DataFrame,
    resources: pd.DataFrame,
    *,
    years: list[int],
    terms: tuple[int, int],
) -> pd.DataFrame:
    """Table ``strategic_years``: demand of the years ahead, and the hours it needs and there are.

    Parameters
    ----------
    booked, plan_money : DataFrame
        Closed months (``finance.closed_series``) and table `plan_money`.
    items, resources : DataFrame
        Raw tables.
    budget : DataFrame
        From ``budgets.budget_by_family``.
    bills : DataFrame
        From ``capacity.bills``; hours are those of the usual route.
    available : DataFrame
        From ``capacity.available_hours``, for every month of the years.
    years : list of int
        Fiscal years shown.
    terms : tuple of int
        First month of the fiscal year, and by how much its name differs from the year it ends in.

    Returns
    -------
    DataFrame
        Key ``level, member, fiscal_year``: ``family`` (and `Company`) with ``quantity`` in planning
        units, ``revenue_value`` and ``basis`` (plan, budget or extrapolated); ``resource`` with
        ``hours`` needed, ``regular_hours``, ``overtime_hours``, ``utilisation_rate`` of regular
        hours, and what demand asks beyond them: ``extra_hours``, ``extra_workers``. Years that are
        sold and planned in part only are left out.

    Notes
    -----
    A year beyond the plan is the family's budget where all its months have one in units; else it
    grows on the year before like the last planned year did on its own (at most ``MOST_GROWTH``),
    damped to a half each year, as long-range forecasts do better damped (Gardner & McKenzie 1985).
    Price and hours a unit stay those of the last planned year.
    """
    sold = booked.rename(columns={"net": "quantity"})
    key = [*schema.SERIES_MONTH, *_AMOUNTS]
    every = pd.concat([sold[key], plan_money[key]], ignore_index=True)
    every = every.assign(fiscal_year=months.fiscal_year(every["month"], *terms).astype("int64"))
    size = every.groupby("fiscal_year")["month"].nunique()
    planned = [year for year in years if size.get(year) == 12]
    if not planned:
        return pd.DataFrame(columns=_COLUMNS).astype(dict.fromkeys(_COLUMNS[4:], "float64"))
    every = every[every["fiscal_year"].isin([planned[-1] - 1, *planned])]
    by_item = hierarchy.aggregate(every, ["item", "fiscal_year"], _AMOUNTS)
    work = by_item.merge(bills[bills["route"] == ""], on="item", how="inner", validate="m:m")
    work = work.assign(hours=work["quantity"] * work["hours_per_unit"])
    work = hierarchy.with_levels(work, items)
    hours = work.groupby(["family", "resource", "fiscal_year"])["hours"].sum()
    common = hierarchy.with_levels(hierarchy.in_planning_units(by_item, items), items)
    families = hierarchy.aggregate(common, ["family", "fiscal_year"], _AMOUNTS)
    families = families.assign(basis="plan")
    is_whole = size.get(planned[-1] - 1) == 12
    shown = families[families["fiscal_year"].isin(planned)]
    further = [year for year in years if year > planned[-1]]
    beyond = _beyond(families, further, is_whole, _whole_budget(budget, terms))
    families = pd.concat([shown, beyond], ignore_index=True)
    whole = hierarchy.aggregate(families, ["fiscal_year"], _AMOUNTS)
    bases = families.groupby("fiscal_year")["basis"]
    basis = bases.agg(lambda kinds: " and ".join(sorted(kinds.unique())))
    whole = whole.assign(family=schema.COMPANY_LABEL, basis=whole["fiscal_year"].map(basis))
    demand = pd.concat([whole, families], ignore_index=True).rename(columns={"family": "member"})
    load = _load(hours, families, planned[-1], available, resources, terms)
    parts = [demand.assign(level="family"), load.assign(level="resource")]
    return pd.concat(parts, ignore_index=True).reindex(columns=_COLUMNS)


def _whole_budget(budget: pd.DataFrame, terms: tuple[int, int]) -> pd.DataFrame:
    """Quantity and revenue by fiscal year and family, of years that are budgeted in every month."""
    year = months.fiscal_year(budget["month"], *terms).astype("int64")
    names = {f"budget_{name}": name for name in _AMOUNTS}
    groups = budget.assign(fiscal_year=year).groupby(["fiscal_year", "family"])[list(names)]
    return groups.sum().where(groups.count() == 12).rename(columns=names)


def _beyond(
    families: pd.DataFrame, further: list[int], is_growth_known: bool, budget: pd.DataFrame
) -> pd.DataFrame:
    """Demand of the families in the years after the last planned one."""
    wide = families.pivot(index="family", columns="fiscal_year", values="quantity")
    last = families["fiscal_year"].max()
    quantity = wide[last].fillna(0.0)
    growth = pd.Series(0.0, index=wide.index)
    if is_growth_known and last - 1 in wide:
        before = wide[last - 1]
        growth = (quantity / before.where(before > 0) - 1.0).clip(upper=MOST_GROWTH).fillna(0.0)
    revenue = families[families["fiscal_year"] == last].set_index("family")["revenue_value"]
    price = revenue.reindex(wide.index) / quantity.where(quantity > 0)
    parts = [families[:0]]
    for k, year in enumerate(further, start=1):
        wanted = pd.MultiIndex.from_product([[year], wide.index])
        given = budget.reindex(wanted).set_axis(wide.index)
        extrapolated = quantity * (1.0 + growth * DAMPING**k)
        quantity = given["quantity"].fillna(extrapolated)
        revenue = given["revenue_value"].fillna((quantity * price).where(quantity > 0, 0.0))
        basis = given["quantity"].notna().map({True: "budget", False: "extrapolated"})
        amounts = {"quantity": quantity, "revenue_value": revenue, "basis": basis}
        parts.append(pd.DataFrame(amounts).reset_index().assign(fiscal_year=year))
    return pd.concat(parts, ignore_index=True)


def _load(
    hours: pd.Series,
    families: pd.DataFrame,
    last: int,
    available: pd.DataFrame,
    resources: pd.DataFrame,
    terms: tuple[int, int],
) -> pd.DataFrame:
    """Hours that the families' demand needs of each resource and year, beside those there are."""
    needed = hours.reset_index()
    quantity = families.set_index(["family", "fiscal_year"])["quantity"]
    at_last = quantity.xs(last, level="fiscal_year")
    ratio = (quantity / at_last.where(at_last > 0)).rename("ratio").reset_index()
    ratio = ratio[ratio["fiscal_year"] > last]
    base = needed[needed["fiscal_year"] == last].drop(columns="fiscal_year")
    further = base.merge(ratio, on="family", how="inner", validate="many_to_many")
    further = further.assign(hours=further["hours"] * further["ratio"])
    sums = pd.concat([needed, further]).groupby(["resource", "fiscal_year"])["hours"].sum()
    year = months.fiscal_year(available["month"], *terms).astype("int64")
    given = available.assign(fiscal_year=year)
    given = given[given["fiscal_year"].isin(families["fiscal_year"])]
    names = ["regular_hours", "overtime_hours"]
    table = given.groupby(["resource", "fiscal_year"])[names].sum()
    table = table.assign(hours=sums.reindex(table.index, fill_value=0.0)).reset_index()
    regular = table["regular_hours"]
    extra = (table["hours"] - regular).clip(lower=0.0)
    people = schema.lookup(table["resource"], resources, "workers", on="resource")
    return table.rename(columns={"resource": "member"}).assign(
        utilisation_rate=table["hours"] / regular.where(regular > 0),
        extra_hours=extra,
        extra_workers=extra * people.where(people > 0) / regular.where(regular > 0),
        basis=np.where(table["fiscal_year"] > last, "extrapolated", "plan"),
    )
