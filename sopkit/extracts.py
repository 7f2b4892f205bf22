"""What each function takes from the plan into its own system, published as a step is closed.

An extract is a table in the units of the items and in the company's currency, at the grain at which
its function works; nothing in it is a subtotal. ``exports`` says under which names the company's
ERP wants the columns, ``workbooks`` writes the files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

from sopkit import currencies, schema
from sopkit.demand import classification, hierarchy

Tables = dict[str, pd.DataFrame]

# An extract: name | workbook, in which it is a sheet | step whose closing publishes it | what its
# rows are. Below it the tables it reads, then its columns and what they mean.
_EXTRACTS = """
sales | sales | demand_review | the demand plan by territory and channel, for sales
  reads: demand_plan money_rates items locations channels rates
  region: level above the territory
  location: territory
  location_owner: who answers for sales of the territory, from `locations`
  segment: level above the channel
  channel: sales channel or customer group
  channel_owner: who answers for sales of the channel, from `channels`
  family: level above the item
  item: stock-keeping unit or service
  month: month in which customers want it
  quantity: units of the demand plan
  revenue_value: what they bring at the prices of the plan; blank where no price is known
production | production | supply_review | what is to be made, for production
  reads: supply_plan items
  location: site that makes it
  family: level above the item
  item: stock-keeping unit
  description: name people read
  month: month in which it goes into stock
  regular: units made in regular hours
  overtime: units made in overtime
  subcontract: units made by others
  quantity: units made, the sum of the three
production_hours | production | supply_review | hours it takes of each resource, for production
  reads: resource_load resources
  resource: machine group, work centre or crew
  location: site where it stands
  month: month in which the work is done
  load_hours: hours the plan takes
  regular_hours: regular hours there are
  overtime_hours: further hours in overtime there are
  overload_hours: hours the plan takes beyond both
purchasing | purchasing | supply_review | what is to be ordered, components too, for purchasing
  reads: purchase_orders items
  supplier: who is to deliver it; blank where nobody is named
  location: site that receives it
  family: level above the item
  item: stock-keeping unit or component
  description: name people read
  month: month in which it comes
  order_by_date: last day to order it; the cycle's first day where it is late already
  quantity: units to order, without what is on its way
  purchase_value: what they cost at the purchase price; blank where none is known
finance | finance | reconciliation | the plan in money by family, for finance
  reads: money_by_level
  family: family; `unassigned` where no item has one
  month: month
  revenue_value: revenue of demand
  margin_value: margin of demand
  constrained_revenue_value: revenue of what supply delivers of it
  constrained_margin_value: margin of what supply delivers of it
  production_cost_value: cost of making
  overtime_cost_value: cost of overtime
  purchase_cost_value: cost of what suppliers deliver
  inventory_value: stock at month end at unit cost
  receivable_value: what customers owe at month end
  payable_value: what suppliers are owed at month end
  cash_value: what these three tie up: stock + receivables - payables
product | product | product_review | every series' class and policy, for products
  reads: classes items money_rates
  family: level above the item
  item: stock-keeping unit or service
  description: name people read
  location: market or region
  channel: sales channel or customer group
  lifecycle: where the item stands: new, active, ending, ended or silent
  launch_month: first month of sale
  end_month: last month of sale
  abc: class by money
  xyz: class by how regular it sells
  demand_class: smooth, erratic, intermittent or lumpy
  policy: what planning does with it
  revenue_value: twelve months' demand at today's price; blank where no price is known
product_launches | product | product_review | what new items are planned like, for products
  reads: launches items
  item: the new item
  description: name people read
  family: level above the item
  launch_month: first month of sale
  like_item: item it is planned like
  weight_share: its weight among the like items
  scale_rate: size beside the like item
  ramp_months: months until it sells in full
  replaces_item: item it takes over from
  stage: how far it is
  owner: who answers for it
"""


@dataclass(frozen=True)
class Extract:
    """One extract; ``book`` is the workbook it is a sheet of, ``columns`` name → meaning."""

    name: str
    book: str
    step: str
    reads: tuple[str, ...]
    meaning: str
    columns: dict[str, str]


def _extracts() -> dict[str, Extract]:
    made = {}
    for block in re.split(r"\n(?=\S)", _EXTRACTS.strip()):
        head, *lines = block.split("\n")
        columns = dict(line.strip().split(": ", 1) for line in lines)
        read = tuple(columns.pop("reads").split())
        name, book, step, meaning = head.split(" | ")
        made[name] = Extract(name, book, step, read, meaning, columns)
    return made


EXTRACTS = _extracts()


def reads(step: str) -> list[str]:
    """Raw and processed tables that the extracts of a step read, by name; none where it has none.

    Examples
    --------
    >>> reads("reconciliation"), reads("executive_review")
    (['money_by_level'], [])
    """
    return sorted({name for e in EXTRACTS.values() if e.step == step for name in e.reads})


def extracts(step: str, tables: Tables, *, cycle: pd.Timestamp) -> Tables:
    """The extracts that the closing of a step publishes.

    Parameters
    ----------
    step : str
        Step that is closed.
    tables : dict of DataFrame
        Those of ``reads``, and ``company``. The processed ones are those of the closed revision.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    dict of DataFrame
        Name → rows with the columns of ``EXTRACTS``, in its order; empty where nothing is planned,
        or nothing is known beside the keys.
    """
    build = {
        "sales": lambda: _sales(tables, cycle),
        "production": lambda: _production(tables["supply_plan"], tables["items"]),
        "production_hours": lambda: _hours(tables["resource_load"], tables["resources"]),
        "purchasing": lambda: _purchasing(tables["purchase_orders"], tables["items"]),
        "finance": lambda: _finance(tables["money_by_level"]),
        "product": lambda: _product(tables),
        "product_launches": lambda: _described(tables["launches"], tables["items"]),
    }
    made = {}
    for name, extract in EXTRACTS.items():
        if extract.step == step:
            order = list(extract.columns)
            table = build[name]()[order].sort_values(_keys(order), ignore_index=True)
            is_blank = table.drop(columns=_keys(order)).isna().all(axis=None)
            made[name] = table.iloc[:0] if is_blank else table
    return made


def _keys(columns: list[str]) -> list[str]:
    """Columns that rows are sorted by: texts and months, as they stand."""
    known = "family item like_item location channel resource supplier month".split()
    return [name for name in columns if name in known]


def _sales(tables: Tables, cycle: pd.Timestamp) -> pd.DataFrame:
    """The demand plan at the prices that `plan_money` takes, with who answers for it."""
    plan, places, channels = tables["demand_plan"], tables["locations"], tables["channels"]
    plan = plan.merge(tables["money_rates"], on=schema.SERIES, how="left", validate="many_to_one")
    at_month = currencies.month_factors(plan, tables, cycle=cycle)["plan"]
    plan = plan.assign(
        quantity=plan["consensus"],
        revenue_value=plan["consensus"] * plan["unit_price_value"] * at_month,
        location_owner=schema.lookup(plan["location"], places, "owner", on="location"),
        channel_owner=schema.lookup(plan["channel"], channels, "owner", on="channel"),
    )
    return hierarchy.with_levels(plan, tables["items"], places, channels)


def _production(plan: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    made = plan.assign(quantity=plan[["regular", "overtime", "subcontract"]].sum(axis=1))
    return _described(made[made["quantity"] > 0], items)


def _hours(load: pd.DataFrame, resources: pd.DataFrame) -> pd.DataFrame:
    return load.assign(
        location=schema.lookup(load["resource"], resources, "location", on="resource")
    )


def _purchasing(orders: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    renamed = orders.rename(columns={"order_by": "order_by_date", "amount_value": "purchase_value"})
    return _described(renamed.assign(supplier=orders["supplier"].replace("", None)), items)


def _product(tables: Tables) -> pd.DataFrame:
    classes = classification.in_money(tables["classes"], tables["money_rates"])
    return _described(classes, tables["items"])


def _finance(money: pd.DataFrame) -> pd.DataFrame:
    """Months of the families, of the company where no item has a family."""
    monthly = money[money["period_kind"] == "month"]
    family = monthly[monthly["level"] == "family"].rename(columns={"member": "family"})
    if family.empty:
        family = monthly[monthly["level"] == "company"].assign(family=schema.UNASSIGNED)
    return family.rename(columns={"period": "month"})


def _described(table: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """The table with what `items` says of its items."""
    known = ("description", "launch_month", "end_month")
    said = {name: schema.lookup(table["item"], items, name) for name in known}
    return hierarchy.with_levels(table, items).assign(**said)
