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
    """
    net = history.assign(net=history["sales"])
    priced = _in_money(net.drop(columns="revenue_value"), rates, "net")
    booked = history["revenue_value"].to_numpy()
    revenue = np.where(np.isfinite(booked), booked, priced["revenue_value"])
    cost = priced["revenue_value"] - priced["margin_value"]
    return priced.assign(revenue_value=revenue, margin_value=revenue - cost)


def closed_months(history: pd.DataFrame, rates: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """``closed_series`` summed by family and month, and for the company."""
    sold = closed_series(history, rates)
    return by_family(sold, items, ["net", "revenue_value", "margin_value"])


def budget_by_family(
    budget: pd.DataFrame, items: pd.DataFrame, outlook: pd.DataFrame
) -> pd.DataFrame:
    """The budget by family and month, and for the company; the last version counts.

    A budget above family level stands for the company only, and where a month has one, it is the
    company's; else the families' sum is. A family of which any part is budgeted by quarter is
    compared by quarter (``quarters``) and has no month; in the company's sum it is spread over its
    months like the outlook's revenue, evenly where a month has none, and ``budget_spread_value``
    says how much that is. ``budget_is_whole`` marks the company's own rows, which cover every
    family.

    Parameters
    ----------
    budget : DataFrame
        Table `budget`, money in the company's currency.
    items : DataFrame
        Table `items`.
    outlook : DataFrame
        Key ``family, month``: ``revenue_value``, closed and planned.
    """
    rows = _last_version(budget, items)
    monthly = rows[rows["month"].notna()].assign(spread_value=0.0)
    spread = _spread_quarters(rows[rows["month"].isna()], outlook)
    spread = spread.assign(spread_value=spread["revenue_value"])
    both = pd.concat([monthly, spread], ignore_index=True)
    above = both["family"] == schema.ALL
    counted = above | ~both["month"].isin(both.loc[above, "month"])
    measures = ["quantity", "revenue_value", "margin_value", "spread_value"]
    whole = hierarchy.aggregate(both[counted], ["month"], measures)
    whole = whole.assign(family=schema.COMPANY_LABEL)
    whole = whole.assign(is_whole=whole["month"].isin(both.loc[above, "month"]))
    families = hierarchy.aggregate(both[~above], ["family", "month"], measures)
    is_by_month = families["spread_value"].eq(0.0)
    unspread = {name: families[name].where(is_by_month) for name in measures[:3]}
    families = families.assign(**unspread)
    table = pd.concat([whole, families.assign(is_whole=False)], ignore_index=True)
    return table[["family", "month", *measures, "is_whole"]].rename(
        columns={name: f"budget_{name}" for name in [*measures, "is_whole"]}
    )


def _last_version(budget: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """Rows of the last version, each with its family (``all``: the company's), planning units."""
    last = budget["version"].dropna().max() if budget["version"].notna().any() else None
    rows = budget if last is None else budget[budget["version"] == last]
    named = schema.lookup(rows["item"], items, "family")
    named = named.where(rows["item"] != schema.ALL, rows["family"])
    rows = hierarchy.in_planning_units(rows, items)
    return rows.assign(family=named.fillna(schema.UNASSIGNED))


def _spread_quarters(quarterly: pd.DataFrame, outlook: pd.DataFrame) -> pd.DataFrame:
    """Rows by quarter as rows by month, in proportion to the outlook's revenue."""
    first = months.number(quarterly["quarter"])
    every = [
        quarterly.assign(month=months.from_number(first + k), row=range(len(quarterly)))
        for k in range(3)
    ]
    rows = pd.concat(every, ignore_index=True)
    family = rows["family"].replace(schema.ALL, schema.COMPANY_LABEL)
    revenue = outlook.set_index(["family", "month"])["revenue_value"].clip(lower=0.0)
    weight = revenue.reindex(pd.MultiIndex.from_arrays([family, rows["month"]])).to_numpy()
    by_row = pd.Series(weight).groupby(rows["row"])
    is_known = by_row.transform("count").eq(3) & by_row.transform("sum").gt(0.0)
    share = np.where(is_known, weight / by_row.transform("sum").where(is_known, 1.0), 1.0 / 3.0)
    measures = ["quantity", "revenue_value", "margin_value"]
    return rows.assign(**{name: rows[name] * share for name in measures})


def quarters(
    budget: pd.DataFrame,
    items: pd.DataFrame,
    outlook: pd.DataFrame,
    *,
    fiscal_year_first_month: int,
) -> pd.DataFrame:
    """Table ``quarters``: whole quarters of the outlook beside the budget, by family.

    Parameters
    ----------
    budget, items : DataFrame
        As for ``budget_by_family``.
    outlook : DataFrame
        Key ``family, month``: closed and planned months with ``revenue_value`` and
        ``budget_revenue_value`` (a family's months and the company's).
    fiscal_year_first_month : int
        1 to 12.

    Returns
    -------
    DataFrame
        Key ``family, quarter`` (first month): ``revenue_value``, ``budget_revenue_value``,
        ``variance_value`` = outlook − budget, ``is_by_quarter`` where the budget was given so.
    """
    into = (outlook["month"].dt.month - fiscal_year_first_month) % 3
    start = months.from_number(months.number(outlook["month"]) - into)
    grouped = outlook.assign(quarter=start).groupby(["family", "quarter"])
    measures = ["revenue_value", "budget_revenue_value"]
    table = grouped[measures].sum(min_count=3).reset_index()
    rows = _last_version(budget, items)
    rows = rows[rows["family"] != schema.ALL]
    into = (rows["month"].dt.month - fiscal_year_first_month) % 3
    begins = months.from_number((months.number(rows["month"]) - into).fillna(0.0))
    is_by_quarter = rows["month"].isna()
    rows = rows.assign(quarter=rows["quarter"].where(is_by_quarter, begins), given=is_by_quarter)
    given = rows.groupby(["family", "quarter"], as_index=False).agg(
        given_value=("revenue_value", "sum"), given=("given", "any")
    )
    given = given[given["given"]].drop(columns="given")
    table = table.merge(given, on=["family", "quarter"], how="left", validate="one_to_one")
    is_by_quarter = table["given_value"].notna()
    promised = table["given_value"].fillna(table["budget_revenue_value"])
    table = table.drop(columns="given_value").assign(
        budget_revenue_value=promised,
        variance_value=table["revenue_value"] - promised,
        is_by_quarter=is_by_quarter,
    )
    return table[table["revenue_value"].notna()].reset_index(drop=True)


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
        revenue whose cost is), ``supply_revenue_value`` of what can be supplied.
    """
    table = plan_money.assign(
        supply_revenue_value=plan_money["constrained_revenue_value"],
        costed_revenue_value=plan_money["revenue_value"].where(plan_money["margin_value"].notna()),
        priced_quantity=plan_money["quantity"].where(plan_money["revenue_value"].notna()),
    )
    measures = ["quantity", "priced_quantity", "revenue_value", "margin_value"]
    measures += ["costed_revenue_value", "supply_revenue_value"]
    return hierarchy.aggregate(table, ["item", "month"], measures)


def financials(item_plan: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """The measures of ``item_financials`` by family and month, and for the company (``Company``).

    Quantities are in planning units. With ``beside`` it becomes table ``financials``.
    """
    measures = [name for name in item_plan.columns if name not in ("item", "month")]
    return by_family(item_plan, items, measures).sort_values(["family", "month"], ignore_index=True)


def beside(table: pd.DataFrame, budget: pd.DataFrame, closed: pd.DataFrame) -> pd.DataFrame:
    """The table with each month's budget (``budget_…``) and last year (``last_year_…``) beside it.

    ``budgeted_revenue_value`` is the revenue that the budget speaks of: a company whose budget
    leaves families out is compared without them.

    Parameters
    ----------
    table : DataFrame
        Key ``family, month``.
    budget : DataFrame
        From ``budget_by_family``.
    closed : DataFrame
        From ``closed_months``.
    """
    for other in (budget, _last_year(closed, table["month"].unique())):
        table = table.merge(other, on=["family", "month"], how="left", validate="one_to_one")
    is_company = table["family"] == schema.COMPANY_LABEL
    has_budget = table[["budget_revenue_value", "budget_spread_value"]].notna().any(axis=1)
    budgeted = table["revenue_value"].where(has_budget)
    families = budgeted[~is_company].groupby(table["month"]).sum(min_count=1)
    is_partial = is_company & ~table.pop("budget_is_whole").eq(True)
    partial = table["month"].map(families).where(has_budget)
    return table.assign(budgeted_revenue_value=budgeted.mask(is_partial, partial))


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
