"""Prices and costs, and what units are worth at them: closed months, plan by item and family."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import hierarchy

RECENT_MONTHS = 3  # closed months whose revenue ÷ quantity stands in for a price
_OLDER_MONTHS = 36  # where neither those nor `items` know one


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
        named; else revenue ÷ quantity of the last three closed months; else `items`; else revenue
        ÷ quantity of the last three years.
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
    by_item = schema.lookup(keys["item"], items, "unit_price_value").to_numpy(dtype="float64")
    ways = {
        "prices": listed["unit_price_value"].to_numpy(dtype="float64"),
        "recent sales": _sold_at(keys, sales, months.closed(cycle, RECENT_MONTHS)),
        "items": by_item,
        "older sales": _sold_at(keys, sales, months.closed(cycle, _OLDER_MONTHS)),
    }
    price, source = np.full(len(keys), np.nan), np.full(len(keys), "none", dtype=object)
    for name, known in ways.items():
        is_new = np.isnan(price) & np.isfinite(known)
        price, source = np.where(is_new, known, price), np.where(is_new, name, source)
    cost = listed["unit_cost_value"].to_numpy(dtype="float64")
    by_item_cost = schema.lookup(keys["item"], items, "unit_cost_value").to_numpy(dtype="float64")
    return keys[schema.SERIES].assign(
        unit_price_value=price,
        unit_cost_value=np.where(np.isfinite(cost), cost, by_item_cost),
        price_source=source.astype("str"),
    )


def _sold_at(keys: pd.DataFrame, sales: pd.DataFrame, closed: pd.DatetimeIndex) -> np.ndarray:
    """Revenue ÷ quantity of each series in some closed months; missing where none was booked."""
    own = sales[sales["month"].isin(closed) & sales["revenue_value"].notna()]
    sums = own.groupby(schema.SERIES)[["revenue_value", "quantity"]].sum(min_count=1)
    sums = sums.reindex(pd.MultiIndex.from_frame(keys[schema.SERIES]))
    return (sums["revenue_value"] / sums["quantity"].where(sums["quantity"] > 0)).to_numpy()


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
    """Sums by family and month in planning units, the company's own sum as one more family."""
    levelled = hierarchy.with_levels(hierarchy.in_planning_units(table, items), items)
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


def closed_series(history: pd.DataFrame, rates: pd.DataFrame) -> pd.DataFrame:
    """Net sales of closed months by series: units (``net``), revenue and margin, at today's cost.

    Revenue is what was booked; where sales carry none, units at today's price.

    Parameters
    ----------
    history, rates : DataFrame
        Tables `demand_history` and `money_rates`.
    """
    net = history.assign(net=history["sales"])
    priced = _in_money(net.drop(columns="revenue_value"), rates, "net")
    revenue = history["revenue_value"].to_numpy()
    revenue = np.where(np.isfinite(revenue), revenue, priced["revenue_value"])
    cost = priced["revenue_value"] - priced["margin_value"]
    return priced.assign(revenue_value=revenue, margin_value=revenue - cost)


def closed_months(history: pd.DataFrame, rates: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """``closed_series`` summed by family and month, and for the company."""
    sold = closed_series(history, rates)
    return by_family(sold, items, ["net", "revenue_value", "margin_value"])


def item_financials(plan_money: pd.DataFrame) -> pd.DataFrame:
    """Table ``item_financials``: the plan in money by item and month.

    Parameters
    ----------
    plan_money : DataFrame
        Table `plan_money`.

    Returns
    -------
    DataFrame
        Key ``item, month``: ``quantity``, ``revenue_value``, ``margin_value`` of demand
        (``priced_quantity`` are the units whose price is known, ``costed_revenue_value`` the
        revenue whose cost is), ``supply_quantity``, ``supply_revenue_value``,
        ``supply_margin_value`` of what can be supplied.
    """
    table = plan_money.assign(
        supply_quantity=plan_money["constrained"],
        supply_revenue_value=plan_money["constrained_revenue_value"],
        supply_margin_value=plan_money["constrained_margin_value"],
        costed_revenue_value=plan_money["revenue_value"].where(plan_money["margin_value"].notna()),
        priced_quantity=plan_money["quantity"].where(plan_money["revenue_value"].notna()),
    )
    measures = ["quantity", "priced_quantity", "revenue_value", "margin_value"]
    measures += ["costed_revenue_value", "supply_quantity"]
    measures += ["supply_revenue_value", "supply_margin_value"]
    return hierarchy.aggregate(table, ["item", "month"], measures)


def financials(item_plan: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """The measures of ``item_financials`` by family and month, and for the company (``Company``).

    Quantities are in planning units. With ``budgets.beside`` it becomes table ``financials``.
    """
    measures = [name for name in item_plan.columns if name not in ("item", "month")]
    return by_family(item_plan, items, measures).sort_values(["family", "month"], ignore_index=True)


_PLANNING = (
    "holding_cost_value backorder_cost_value rate_change_cost_value maximum_rate_change "
    "subcontract_cost_value subcontract_limit setup_cost_value lost_sale_cost_value"
).split()


def item_rates(
    rates: pd.DataFrame,
    planning_costs: pd.DataFrame,
    items: pd.DataFrame,
    carrying_rate: float = np.nan,
) -> pd.DataFrame:
    """Price, cost and planning costs a unit by item; its family's where it has none of its own.

    Parameters
    ----------
    rates : DataFrame
        Table `money_rates`; an item's price is the mean over its series.
    planning_costs, items : DataFrame
        Raw tables.
    carrying_rate : float
        Cost of holding stock a year, share of unit cost, where `planning_costs` has none.

    Returns
    -------
    DataFrame
        Key ``item``; ``rate_group``: what changes its rate together, the item where it has costs of
        its own, else its family; ``lot_size``; ``is_assumed``: whether holding cost is the carrying
        rate's.
    """
    table = rates.groupby("item", as_index=False)[["unit_price_value", "unit_cost_value"]].mean()
    family = schema.lookup(table["item"], items, "family")
    own = planning_costs[planning_costs["item"] != schema.ALL].set_index("item")
    of_family = planning_costs[planning_costs["item"] == schema.ALL].set_index("family")
    for name in _PLANNING:
        table[name] = table["item"].map(own[name]).fillna(family.map(of_family[name]))
    is_assumed = table["holding_cost_value"].isna() & table["unit_cost_value"].notna()
    carried = table["unit_cost_value"] * carrying_rate / 12.0
    return table.assign(
        holding_cost_value=table["holding_cost_value"].fillna(carried),
        rate_group=family.mask(table["item"].isin(own.index), table["item"]).fillna(table["item"]),
        lot_size=schema.lookup(table["item"], items, "lot_size"),
        is_assumed=is_assumed,
    )
