"""When money comes and goes: customers' payments and those to suppliers, by month.

As in ``money.by_level`` sales and receipts are spread evenly over their month and paid so many days
after; so receipts of a month are its sales less the growth of what customers owe.
"""

from __future__ import annotations

import pandas as pd

from sopkit import months, schema
from sopkit.reconciliation import money
from sopkit.supply import purchasing, sites

SOLD, BOUGHT = "receipts of sales", "payments of purchases"
_EVERYBODY, _UNNAMED = "all customers", "suppliers without a name"


def flows(
    tables: dict[str, pd.DataFrame], plan_money: pd.DataFrame, booked: pd.DataFrame
) -> pd.DataFrame:
    """What is sold to each channel and received of each supplier, with payment days.

    Parameters
    ----------
    tables : dict of DataFrame
        `company`, `items`, `locations`, `channels`, `suppliers`, `money_rates`,
        `purchase_orders`; `production` (what of bought items came in closed months) and
        `scheduled_receipts`.
    plan_money : DataFrame
        Table `plan_money`: what supply delivers is sold.
    booked : DataFrame
        Revenue of closed months, from ``finance.closed_series``.

    Returns
    -------
    DataFrame
        ``kind``, ``party``, ``month``, ``amount_value`` (what suppliers deliver is negative,
        missing where nothing prices it), ``payment_days`` (missing where no terms are known). What
        is on its way or came before is at unit cost, of the quickest supplier.
    """
    sold = plan_money.assign(revenue_value=plan_money["constrained_revenue_value"])
    sold = pd.concat([booked, sold], ignore_index=True)
    days = schema.lookup(sold["channel"], tables["channels"], "payment_days", on="channel")
    sold = sold.assign(
        kind=SOLD,
        party=sold["channel"].replace(schema.ALL, _EVERYBODY),
        amount_value=sold["revenue_value"],
        payment_days=days,
    )
    orders = tables["purchase_orders"].rename(columns={"supplier": "party"})
    came = _coming(tables, plan_money["month"].min())
    items, suppliers = tables["items"], tables["suppliers"]
    cost = tables["money_rates"].groupby("item")["unit_cost_value"].mean()
    cost = cost.reindex(came["item"]).set_axis(came.index)
    cost = cost.fillna(schema.lookup(came["item"], items, "unit_cost_value"))
    quickest = {
        name: sites.of_quickest_supplier(came["item"], items, suppliers, name)
        for name in ("supplier", "payment_days")
    }
    came = came.assign(
        party=quickest["supplier"],
        amount_value=came["quantity"] * cost,
        payment_days=quickest["payment_days"],
    )
    columns = ["kind", "party", "month", "amount_value", "payment_days"]
    paid = pd.concat([orders.assign(kind=BOUGHT), came.assign(kind=BOUGHT)], ignore_index=True)
    paid = paid.assign(amount_value=-paid["amount_value"])
    paid = paid.assign(party=paid["party"].replace("", None).fillna(_UNNAMED))
    kinds = dict.fromkeys(["amount_value", "payment_days"], "float64")
    kinds |= {"month": months.DTYPE, "party": "str", "kind": "str"}
    return pd.concat([sold[columns], paid[columns]], ignore_index=True).astype(kinds)


def _coming(tables: dict[str, pd.DataFrame], cycle: pd.Timestamp) -> pd.DataFrame:
    """What suppliers delivered in closed months, and what of theirs is on its way and counts."""
    due, made = tables["scheduled_receipts"], tables["production"]
    due = purchasing.on_its_way(tables, due[due["kind"] == "purchase"], cycle=cycle)
    is_bought = schema.lookup(made["item"], tables["items"], "is_purchased").fillna(False)
    made = made[is_bought.astype(bool) & (made["month"] < cycle)]
    return pd.concat([due, made], ignore_index=True)


def cash_flow(flows: pd.DataFrame, span: pd.DatetimeIndex) -> pd.DataFrame:
    """Table ``cash_flow``: what is paid in each month, where terms are known.

    Parameters
    ----------
    flows : DataFrame
        From ``flows``.
    span : DatetimeIndex
        Months planned.

    Returns
    -------
    DataFrame
        Key ``month, kind, party``: ``amount_value``, positive where money comes in.

    Examples
    --------
    >>> flows = pd.DataFrame({"kind": "receipts of sales", "party": "Web", "amount_value": [100.0],
    ...     "month": pd.to_datetime(["2026-01-01"]), "payment_days": 45.6})
    >>> told = cash_flow(flows, pd.date_range("2026-01", periods=3, freq="MS"))
    >>> told["amount_value"].round(6).tolist()
    [0.0, 50.0, 50.0]
    """
    known = flows[flows["payment_days"].notna() & flows["amount_value"].notna()]
    known = known.reset_index(drop=True).rename(columns={"amount_value": "amount"})
    owed = money.outstanding(known, known["payment_days"])
    before = owed.assign(month=months.from_number(months.number(owed["month"]) + 1))
    every = pd.concat([known, before, owed.assign(amount=-owed["amount"])], ignore_index=True)
    paid = every.groupby(["month", "kind", "party"], as_index=False)[["amount"]].sum()
    paid = paid[paid["month"].isin(span)].reset_index(drop=True)
    return paid.rename(columns={"amount": "amount_value"})


def without_terms(flows: pd.DataFrame) -> list[str]:
    """Channels and suppliers whose payment days are not known, the most money first."""
    lacking = flows[flows["payment_days"].isna() & flows["amount_value"].notna()]
    sums = lacking.groupby("party")["amount_value"].sum().abs()
    return sums.sort_values(ascending=False, kind="stable").index.tolist()
