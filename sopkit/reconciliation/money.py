"""What the plan is worth, series by series and at every level, and what it ties up.

``constrained`` is what customers receive of the supply plan (table `deliveries`); costs come from
table `supply_costs`, stock from `inventory_projection`.
"""

from __future__ import annotations

import pandas as pd

from sopkit import schema
from sopkit.supply import sites

_QUANTITIES = {"": "quantity", "constrained_": "constrained"}


def plan_money(
    plan: pd.DataFrame,
    delivered: pd.DataFrame,
    rates: pd.DataFrame,
    items: pd.DataFrame,
    locations: pd.DataFrame,
    factors: pd.DataFrame,
) -> pd.DataFrame:
    """Table ``plan_money``: the demand plan and what supply delivers of it, in units and money.

    Parameters
    ----------
    plan : DataFrame
        Table `demand_plan`.
    delivered : DataFrame
        Table `deliveries`: ``deliverable`` by item, site and month.
    rates : DataFrame
        Table `money_rates`, at the cycle's exchange rate.
    items, locations : DataFrame
        Raw tables: they say which site serves a series.
    factors : DataFrame
        From ``currencies.month_factors``, by row of the plan. Costs stay.

    Returns
    -------
    DataFrame
        Key ``item, location, channel, month``. ``quantity`` of demand and ``constrained``, what
        supply delivers of it: each site's deliveries shared among the series it serves like their
        demand of the month, in a month without any like that of the horizon; they add up to
        `deliveries`. An item that has none there is delivered as wanted. ``revenue_value`` and
        ``margin_value`` of demand, ``constrained_revenue_value`` and ``constrained_margin_value``;
        missing where price or cost is unknown. ``held_rate_revenue_value`` and
        ``last_year_rate_revenue_value``: revenue of demand at other exchange rates.

    Notes
    -----
    A site that serves no series of an item (it only feeds others) hands what it delivers to all of
    them. Deliveries of items and months that are not planned stand nowhere.
    """
    table = plan[schema.SERIES_MONTH].assign(quantity=plan["consensus"]).reset_index(drop=True)
    table = table.assign(site=sites.stocking_site(table, items, locations))
    given = delivered.rename(columns={"location": "site"})
    served = pd.MultiIndex.from_frame(table[["item", "site"]])
    is_served = pd.MultiIndex.from_frame(given[["item", "site"]]).isin(served)
    constrained = _shared(table, given[is_served], ["item", "site", "month"])
    constrained = constrained + _shared(table, given[~is_served], ["item", "month"])
    is_supplied = table["item"].isin(given["item"])
    table = table.assign(constrained=constrained.where(is_supplied, table["quantity"]))
    priced = table.merge(rates, on=schema.SERIES, how="left", validate="many_to_one")
    price, cost = priced["unit_price_value"], priced["unit_cost_value"]
    at = {name: price * factors[name].to_numpy() for name in factors}
    money = {}
    for prefix, name in _QUANTITIES.items():
        money[f"{prefix}revenue_value"] = priced[name] * at["plan"]
        money[f"{prefix}margin_value"] = priced[name] * (at["plan"] - cost)
    for name in ("held", "last_year"):
        money[f"{name}_rate_revenue_value"] = priced["quantity"] * at[name]
    return table.drop(columns="site").assign(**money)


def _shared(table: pd.DataFrame, given: pd.DataFrame, by: list[str]) -> pd.Series:
    """What is given by some columns, shared among the rows like their demand."""
    keys = [table[name] for name in by]
    wanted = table["quantity"].clip(lower=0.0)
    ever = wanted.groupby([table[name] for name in schema.SERIES]).transform("sum")
    weight = wanted
    for instead in (ever, 1.0):
        weight = weight.where(weight.groupby(keys).transform("sum") > 0, instead)
    sums = given.groupby(by, as_index=False)[["deliverable"]].sum()
    amount = table[by].merge(sums, on=by, how="left", validate="many_to_one")["deliverable"]
    return amount.fillna(0.0) * weight / weight.groupby(keys).transform("sum")
