"""A plan in money: revenue and margin, beside budget and last year."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import hierarchy

RECENT_MONTHS = 3  # closed months whose revenue ÷ quantity stands in for a price


def money_rates(
    keys: pd.DataFrame,
    prices: pd.DataFrame,
    items: pd.DataFrame,
    sales: pd.DataFrame,
    *,
    cycle: pd.Timestamp,
) -> pd.DataFrame:
    """Table ``money_rates``: price and cost a unit of each series in the cycle's first month.

    Parameters
    ----------
    keys : DataFrame
        Series: ``item, location, channel``.
    prices, items, sales : DataFrame
        Raw tables. Price: the latest row of `prices` that has begun, location and channel where
        named; else revenue ÷ quantity of the last three closed months; else `items`.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    DataFrame
        Key ``item, location, channel``; missing price or cost where nothing says it;
        ``price_source`` names where the price came from.
    """
    keys = keys.reset_index(drop=True)
    listed = _listed(keys, prices[prices["first_month"] <= cycle])
    recent = sales[
        sales["month"].between(months.shift(cycle, -RECENT_MONTHS), months.shift(cycle, -1))
    ]
    recent = recent[recent["revenue_value"].notna()]  # a row without money tells no price
    sums = recent.groupby(schema.SERIES)[["revenue_value", "quantity"]].sum(min_count=1)
    sums = sums.reindex(pd.MultiIndex.from_frame(keys[schema.SERIES]))
    ratio = (sums["revenue_value"] / sums["quantity"].where(sums["quantity"] > 0)).to_numpy()
    by_item = schema.lookup(keys["item"], items, "unit_price_value").to_numpy(dtype="float64")
    listed_price = listed["unit_price_value"].to_numpy(dtype="float64")
    price = np.where(np.isfinite(listed_price), listed_price, ratio)
    source = np.where(np.isfinite(listed_price), "prices", "recent sales")
    source = np.where(np.isfinite(price), source, "items")
    price = np.where(np.isfinite(price), price, by_item)
    cost = listed["unit_cost_value"].to_numpy(dtype="float64")
    by_item_cost = schema.lookup(keys["item"], items, "unit_cost_value").to_numpy(dtype="float64")
    return keys[schema.SERIES].assign(
        unit_price_value=price,
        unit_cost_value=np.where(np.isfinite(cost), cost, by_item_cost),
        price_source=np.where(np.isfinite(price), source, "none"),
    )


def _listed(keys: pd.DataFrame, prices: pd.DataFrame) -> pd.DataFrame:
    """Latest listed price and cost of each series; the most specific row wins."""
    result = keys[schema.SERIES].assign(unit_price_value=np.nan, unit_cost_value=np.nan)
    for by in ([], ["location"], ["channel"], ["location", "channel"]):
        others = [name for name in ("location", "channel") if name not in by]
        rows = prices[(prices[others] == schema.ALL).all(axis=1)]
        rows = rows[(rows[by] != schema.ALL).all(axis=1)] if by else rows
        latest = rows.sort_values("first_month").drop_duplicates(["item", *by], keep="last")
        found = result[["item", *by]].merge(
            latest[["item", *by, "unit_price_value", "unit_cost_value"]],
            on=["item", *by],
            how="left",
            validate="many_to_one",
        )
        for name in ("unit_price_value", "unit_cost_value"):
            result[name] = found[name].where(found[name].notna(), result[name])
    return result


def by_family(table: pd.DataFrame, items: pd.DataFrame, measures: list[str]) -> pd.DataFrame:
    """Sums by family and month, with the company's own sum as one more family."""
    levelled = hierarchy.with_levels(table, items)
    families = hierarchy.aggregate(levelled, ["family", "month"], measures)
    whole = hierarchy.aggregate(levelled, ["month"], measures)
    return pd.concat([whole.assign(family=schema.COMPANY_LABEL), families], ignore_index=True)[
        ["family", "month", *measures]
    ]


def _in_money(table: pd.DataFrame, rates: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """Revenue and margin of a quantity by series and month; margin missing without cost.

    Examples
    --------
    >>> key = {"item": ["A"], "location": ["all"], "channel": ["all"]}
    >>> rates = pd.DataFrame({**key, "unit_price_value": [10.0], "unit_cost_value": [6.0]})
    >>> plan = pd.DataFrame({**key, "month": ["2026-01"], "quantity": [5.0]})
    >>> _in_money(plan, rates, "quantity")[["revenue_value", "margin_value"]].values.tolist()
    [[50.0, 20.0]]
    """
    columns = [*schema.SERIES, "unit_price_value", "unit_cost_value"]
    priced = table.merge(rates[columns], on=schema.SERIES, how="left", validate="many_to_one")
    revenue = priced[quantity] * priced["unit_price_value"]
    margin = revenue - priced[quantity] * priced["unit_cost_value"]
    return priced.assign(revenue_value=revenue, margin_value=margin).drop(
        columns=["unit_price_value", "unit_cost_value"]
    )


def closed_months(history: pd.DataFrame, rates: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """Net sales of closed months by family: units, revenue and margin (at today's cost).

    Revenue is what was booked; where sales carry none, units at today's price.
    """
    net = history.assign(net=history["sales"])
    priced = _in_money(net.drop(columns="revenue_value"), rates, "net")
    booked = history["revenue_value"].to_numpy()
    revenue = np.where(np.isfinite(booked), booked, priced["revenue_value"])
    cost = priced["revenue_value"] - priced["margin_value"]
    priced = priced.assign(revenue_value=revenue, margin_value=revenue - cost)
    return by_family(priced, items, ["net", "revenue_value", "margin_value"])


def budget_by_family(budget: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """The budget by family and month, and for the company; the last version counts.

    A budget above family level stands for the company only: it is never spread, and where a month
    has one, it is the company's; else the families' sum is. Quarters are left to quarterly
    comparison and do not appear by month.
    """
    last = budget["version"].dropna().max() if budget["version"].notna().any() else None
    rows = budget if last is None else budget[budget["version"] == last]
    rows = rows[rows["month"].notna()]
    named = schema.lookup(rows["item"], items, "family")
    named = named.where(rows["item"] != schema.ALL, rows["family"])
    rows = rows.assign(family=named.fillna(schema.UNASSIGNED))
    measures = ["quantity", "revenue_value", "margin_value"]
    is_whole = rows["family"] == schema.ALL
    counted = is_whole | ~rows["month"].isin(rows.loc[is_whole, "month"])
    whole = hierarchy.aggregate(rows[counted], ["month"], measures)
    whole = whole.assign(family=schema.COMPANY_LABEL)
    families = rows[~is_whole]
    families = hierarchy.aggregate(families, ["family", "month"], measures)
    table = pd.concat([whole, families], ignore_index=True)
    return table[["family", "month", *measures]].rename(
        columns={name: f"budget_{name}" for name in measures}
    )


def _last_year(closed: pd.DataFrame, month_index: pd.DatetimeIndex) -> pd.DataFrame:
    """Closed months moved one year on, so that they stand beside the month planned."""
    moved = closed.assign(month=months.from_number(months.number(closed["month"]) + 12))
    moved = moved[moved["month"].isin(month_index)]
    return moved.rename(
        columns={
            "net": "last_year_quantity",
            "revenue_value": "last_year_revenue_value",
            "margin_value": "last_year_margin_value",
        }
    )


def financials(
    plan: pd.DataFrame,
    delivered: pd.DataFrame,
    rates: pd.DataFrame,
    items: pd.DataFrame,
    budget: pd.DataFrame,
    closed: pd.DataFrame,
) -> pd.DataFrame:
    """Table ``financials``: the plan in money by family and month, and for the company.

    Parameters
    ----------
    plan : DataFrame
        Table `demand_plan`.
    delivered : DataFrame
        Key ``item, month``: ``deliverable``, units that customers receive.
    rates, items, budget : DataFrame
        Tables of those names.
    closed : DataFrame
        From ``closed_months``.

    Returns
    -------
    DataFrame
        Key ``family, month`` (``Company`` is the whole): ``quantity``, ``revenue_value``,
        ``margin_value`` of demand (``priced_quantity`` are the units whose price is known,
        ``costed_revenue_value`` the revenue whose cost is),
        ``supply_revenue_value`` of what can be supplied, at the item's mean price of the month, in
        a month without demand at that of its whole plan; budget and last year beside them.
    """
    priced = _in_money(plan, rates, "consensus").rename(columns={"consensus": "quantity"})
    costed = priced["revenue_value"].where(priced["margin_value"].notna())
    known = priced["quantity"].where(priced["revenue_value"].notna())
    priced = priced.assign(costed_revenue_value=costed, priced_quantity=known)
    measures = ["quantity", "priced_quantity", "revenue_value", "margin_value"]
    measures.append("costed_revenue_value")
    monthly = hierarchy.aggregate(priced, ["item", "month"], measures)
    monthly = monthly.merge(delivered, on=["item", "month"], how="left", validate="one_to_one")
    whole = monthly.groupby("item")[measures].transform("sum")
    base = monthly[measures].where(monthly["quantity"] > 0, whole)
    price = base["revenue_value"] / base["quantity"].where(base["quantity"] > 0)
    supplied = monthly["deliverable"].fillna(monthly["quantity"]) * price
    monthly = monthly.assign(supply_revenue_value=supplied.fillna(monthly["revenue_value"]))
    table = by_family(monthly, items, [*measures, "supply_revenue_value"])
    table = beside(table, items, budget, closed)
    return table.sort_values(["family", "month"], ignore_index=True)


def beside(
    table: pd.DataFrame, items: pd.DataFrame, budget: pd.DataFrame, closed: pd.DataFrame
) -> pd.DataFrame:
    """The table with each month's budget (``budget_…``) and last year (``last_year_…``) beside it.

    Parameters
    ----------
    table : DataFrame
        Key ``family, month``.
    items, budget : DataFrame
        Raw tables.
    closed : DataFrame
        From ``closed_months``.
    """
    for other in (budget_by_family(budget, items), _last_year(closed, table["month"].unique())):
        table = table.merge(other, on=["family", "month"], how="left", validate="one_to_one")
    return table


def item_rates(
    rates: pd.DataFrame, planning_costs: pd.DataFrame, items: pd.DataFrame
) -> pd.DataFrame:
    """Price, cost and planning costs a unit by item; its family's where it has none of its own.

    Parameters
    ----------
    rates : DataFrame
        Table `money_rates`; an item's price is the mean over its series.
    planning_costs, items : DataFrame
        Raw tables.

    Returns
    -------
    DataFrame
        Key ``item``.
    """
    table = rates.groupby("item", as_index=False)[["unit_price_value", "unit_cost_value"]].mean()
    family = schema.lookup(table["item"], items, "family")
    own = planning_costs[planning_costs["item"] != schema.ALL].set_index("item")
    of_family = planning_costs[planning_costs["item"] == schema.ALL].set_index("family")
    for name in ("holding_cost_value", "backorder_cost_value", "rate_change_cost_value"):
        table[name] = table["item"].map(own[name]).fillna(family.map(of_family[name]))
    return table
