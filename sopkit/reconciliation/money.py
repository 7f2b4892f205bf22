"""What the plan is worth, series by series and at every level, and what it ties up.

``constrained`` is what customers receive of the supply plan (table `allocation`); costs come from
table `supply_costs`, stock from `inventory_projection`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import hierarchy
from sopkit.supply import sites

LEVELS = ("company", "family", "category", "channel", "segment", "region")
_BY_ITEM = LEVELS[:3]  # stock is held, and suppliers are paid, for items and not for customers
_QUANTITIES = {"": "quantity", "constrained_": "constrained"}
_REVENUES = (
    "revenue_value margin_value constrained_revenue_value constrained_margin_value "
    "held_rate_revenue_value"
).split()
_COSTS = ["production_cost_value", "overtime_cost_value", "purchase_cost_value"]
_STOCKS = ["inventory_value", "receivable_value", "payable_value", "cash_value"]
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def plan_money(
    plan: pd.DataFrame, received: pd.DataFrame, rates: pd.DataFrame, factors: pd.DataFrame
) -> pd.DataFrame:
    """Table ``plan_money``: the demand plan and what supply delivers of it, in units and money.

    Parameters
    ----------
    plan : DataFrame
        Table `demand_plan`.
    received : DataFrame
        Table `allocation`: ``delivered`` by series and month.
    rates : DataFrame
        Table `money_rates`, at the cycle's exchange rate.
    factors : DataFrame
        From ``currencies.month_factors``, by row of the plan. Costs stay.

    Returns
    -------
    DataFrame
        Key ``item, location, channel, month``. ``quantity`` of demand and ``constrained``, what
        supply delivers of it. ``revenue_value`` and
        ``margin_value`` of demand, ``constrained_revenue_value`` and ``constrained_margin_value``;
        missing where price or cost is unknown. ``held_rate_revenue_value`` and
        ``last_year_rate_revenue_value``: revenue of demand at other exchange rates.

    Notes
    -----
    Deliveries of series and months that are not planned stand nowhere.
    """
    table = plan[schema.SERIES_MONTH].assign(quantity=plan["consensus"]).reset_index(drop=True)
    shared = received[[*schema.SERIES_MONTH, "delivered"]]
    table = table.merge(shared, on=schema.SERIES_MONTH, how="left", validate="one_to_one")
    table = table.rename(columns={"delivered": "constrained"})
    priced = table.merge(rates, on=schema.SERIES, how="left", validate="many_to_one")
    price, cost = priced["unit_price_value"], priced["unit_cost_value"]
    at = {name: price * factors[name].to_numpy() for name in factors}
    money = {}
    for prefix, name in _QUANTITIES.items():
        money[f"{prefix}revenue_value"] = priced[name] * at["plan"]
        money[f"{prefix}margin_value"] = priced[name] * (at["plan"] - cost)
    for name in ("held", "last_year"):
        money[f"{name}_rate_revenue_value"] = priced["quantity"] * at[name]
    return table.assign(**money)


def by_level(
    tables: dict[str, pd.DataFrame],
    plan_money: pd.DataFrame,
    booked: pd.DataFrame,
    *,
    fiscal_year_first_month: int,
) -> pd.DataFrame:
    """Table ``money_by_level``: what the plan is worth, costs and ties up, at every level.

    Parameters
    ----------
    tables : dict of DataFrame
        `items`, `locations`, `channels`, `suppliers`, `production`, `money_rates`,
        `supply_costs`, `inventory_projection`.
    plan_money : DataFrame
        Table `plan_money`.
    booked : DataFrame
        Revenue of closed months, from ``finance.closed_series``.
    fiscal_year_first_month : int
        1 to 12.

    Returns
    -------
    DataFrame
        Key ``level, member, period_kind, period``, in that order, the largest member of a period
        first: levels that have members; period kind month,
        quarter or year (fiscal, whole within the plan), ``period`` its first month. Revenue and
        margin of demand and of what supply delivers (``constrained_…``), revenue at the last
        actual exchange rates (``held_rate_…``), costs of `supply_costs`; at period end
        ``inventory_value`` at unit cost, ``receivable_value``, ``payable_value``, and
        ``cash_value``, which they tie up: stock + receivables − payables, of those known. An item's
        costs are shared among channels and regions like what they receive of it over the horizon;
        stock, payables and cash stand at company, family and category alone. Members of a level
        add up to the company.

    Notes
    -----
    Sales and receipts are spread evenly over their month: of those k months back the share
    days / 30.4 − k (0 to 1) is not paid yet. A channel or supplier whose days are not known counts
    as paid at once; where none is known, receivables or payables are missing.
    """
    flows = _with_costs(plan_money, tables["supply_costs"])
    stocks = _tied_up(tables, plan_money, booked)
    span = pd.DatetimeIndex(sorted(plan_money["month"].unique()))
    stocks = stocks[stocks["month"].isin(span)]
    both = hierarchy.with_levels(
        pd.concat([flows, stocks], ignore_index=True),
        tables["items"],
        tables["locations"],
        tables["channels"],
    ).assign(company=schema.COMPANY_LABEL)
    parts = []
    for level in LEVELS:
        if level != "company" and both[level].dropna().isin([schema.ALL, schema.UNASSIGNED]).all():
            continue
        own = both if level in _BY_ITEM else both[both["channel"].notna()].assign(cash_value=np.nan)
        monthly = hierarchy.aggregate(own, [level, "month"], [*_REVENUES, *_COSTS, *_STOCKS])
        monthly = monthly.rename(columns={level: "member"}).assign(level=level)
        parts += [_by_period(monthly, kind, span, fiscal_year_first_month) for kind in _MONTHS]
    table = pd.concat(parts, ignore_index=True)
    rank = {name: place for place, name in enumerate((*LEVELS, *_MONTHS))}
    table = table.assign(at=table["level"].map(rank), kind=table["period_kind"].map(rank))
    by = ["at", "kind", "period", "revenue_value", "member"]
    table = table.sort_values(by, ascending=[True, True, True, False, True], ignore_index=True)
    return table.drop(columns=["at", "kind"])


def _with_costs(plan_money: pd.DataFrame, costs: pd.DataFrame) -> pd.DataFrame:
    """Revenue by series and month, with each item's costs shared among its series."""
    table = plan_money[[*schema.SERIES_MONTH, *_REVENUES]]
    own = plan_money.assign(units=plan_money["constrained"].clip(lower=0.0))
    own = own.groupby(schema.SERIES, as_index=False)["units"].sum()
    strange = costs.loc[~costs["item"].isin(own["item"]), ["item"]].drop_duplicates()
    places = {"location": schema.UNASSIGNED, "channel": schema.UNASSIGNED}
    own = pd.concat([own, strange.assign(units=1.0, **places)], ignore_index=True)
    total = own.groupby("item")["units"].transform("sum")
    own["units"] = own["units"].where(total > 0, 1.0)
    own["share"] = own["units"] / own.groupby("item")["units"].transform("sum")
    monthly = hierarchy.aggregate(costs, ["item", "month"], _COSTS)
    shared = own.merge(monthly, on="item", how="inner", validate="many_to_many")
    shared = shared.assign(**{name: shared[name] * shared["share"] for name in _COSTS})
    return pd.concat([table, shared[[*schema.SERIES_MONTH, *_COSTS]]], ignore_index=True)


def _tied_up(
    tables: dict[str, pd.DataFrame], plan_money: pd.DataFrame, booked: pd.DataFrame
) -> pd.DataFrame:
    """Stock, receivables and payables at month end, each in rows of its own."""
    unit_cost = tables["money_rates"].groupby("item")["unit_cost_value"].mean()
    stock, items = tables["inventory_projection"], tables["items"]
    worth = stock["closing"].clip(lower=0.0) * unit_cost.reindex(stock["item"]).to_numpy()
    stock = stock[["item", "month"]].assign(inventory_value=worth, cash_value=worth)

    sold = plan_money.assign(amount=plan_money["constrained_revenue_value"])
    sold = pd.concat([booked.assign(amount=booked["revenue_value"]), sold], ignore_index=True)
    days = schema.lookup(sold["channel"], tables["channels"], "payment_days", on="channel")
    owed = outstanding(sold[[*schema.SERIES_MONTH, "amount"]], days)
    owed = owed.assign(receivable_value=owed["amount"], cash_value=owed.pop("amount"))

    costs, made = tables["supply_costs"], tables["production"]
    made = made[(made["month"] < costs["month"].min()) & made["item"].isin(costs["item"])]
    is_bought = schema.lookup(made["item"], items, "is_purchased").fillna(False).astype(bool)
    paid = made["quantity"] * unit_cost.reindex(made["item"]).to_numpy()
    before = made.assign(amount=paid)[is_bought]
    bought = costs.assign(amount=costs["purchase_cost_value"])
    bought = pd.concat([before, bought], ignore_index=True)[["item", "month", "amount"]]
    days = sites.of_quickest_supplier(bought["item"], items, tables["suppliers"], "payment_days")
    due = outstanding(bought, days)
    due = due.assign(payable_value=due["amount"], cash_value=-due.pop("amount"))
    return pd.concat([stock, owed, due], ignore_index=True)


def outstanding(flow: pd.DataFrame, days: pd.Series) -> pd.DataFrame:
    """What of a monthly ``amount`` is not paid yet at each month end, days after it arose.

    Examples
    --------
    >>> flow = pd.DataFrame({"month": pd.to_datetime(["2026-01-01"]), "amount": [100.0]})
    >>> outstanding(flow, pd.Series([45.6]))["amount"].round(6).tolist()
    [100.0, 50.0]
    """
    reach = days / sites.DAYS_A_MONTH
    parts = [flow[:0]]
    for k in range(int(np.ceil(reach.max())) if reach.notna().any() else 0):
        share = (reach - k).clip(0.0, 1.0).fillna(0.0)
        month = months.from_number(months.number(flow["month"]) + k)
        parts.append(flow.assign(month=month, amount=flow["amount"] * share))
    return pd.concat(parts, ignore_index=True)


def _by_period(
    monthly: pd.DataFrame, kind: str, span: pd.DatetimeIndex, first_month: int
) -> pd.DataFrame:
    """Whole periods: flows added up, stocks as at their end."""
    size = _MONTHS[kind]

    def starts(month: pd.Series | pd.DatetimeIndex) -> np.ndarray:
        number = months.number(month)
        return months.from_number(number - (number + 1 - first_month) % size)

    counted = pd.Series(starts(span)).value_counts()
    table = monthly.assign(period=starts(monthly["month"]), period_kind=kind)
    table = table[table["period"].isin(counted.index[counted == size])]
    key = ["level", "member", "period_kind", "period"]
    sums = hierarchy.aggregate(table, key, [*_REVENUES, *_COSTS])
    last = months.number(table["month"]) - months.number(table["period"]) == size - 1
    return sums.merge(table.loc[last, [*key, *_STOCKS]], on=key, how="left", validate="one_to_one")
