"""Where plans contradict one another, ranked by money, and who should talk to whom.

A rule is a function of a few tables in ``_readiness``, ``_stocks`` or ``_promises``; its docstring
gives its threshold and why. A further rule is one function and one line of ``RULES``.
"""

from __future__ import annotations

import pandas as pd

from sopkit import months
from sopkit.reconciliation import _promises, _readiness, _stocks

# rule: (function, tables without a row of which it has nothing to say)
RULES = {
    "event without spare supply": (_readiness.events, "event_effects inventory_projection"),
    "launch before its parts": (_readiness.launches, "late_launches"),
    "phase-out not planned": (_readiness.phase_outs, "items inventory_projection"),
    "safety stock not funded": (_stocks.safety_stocks, "items inventory_projection inventory"),
    "promised and not delivered": (_stocks.contracts, "deliveries"),
    "budget without support": (_promises.budgets, "budget financials"),
    "assumption still used": (_promises.assumptions, "assumption_states"),
    "stock goal not funded": (_stocks.stock_goals, "targets inventory_projection items"),
    "goal above supply": (_promises.goals, "strategy_check"),
    "price not entered": (_promises.prices, "event_effects prices"),
}
_ONE_TALK = ("budget without support", "goal above supply")
COLUMNS = (
    "rule subject first_month last_month finding amount_value amount_quantity talk_from talk_to "
    "proposal decide_by"
).split()


def uses(bills: pd.DataFrame, items: pd.Series) -> pd.DataFrame:
    """Hours a unit of each item by its usual route; an item without hours is its own resource.

    Parameters
    ----------
    bills : DataFrame
        From ``capacity.bills``.
    items : Series
        Items planned.

    Returns
    -------
    DataFrame
        ``item``, ``resource`` (missing for an item without bill), ``hours_per_unit`` (then 1).
    """
    usual = bills[bills["route"] == ""][["item", "resource", "hours_per_unit"]]
    usual = usual[usual["hours_per_unit"] > 0]
    every = pd.Series(items.unique(), name="item")
    apart = every[~every.isin(usual["item"])].to_frame().assign(resource=None, hours_per_unit=1.0)
    return pd.concat([usual, apart.astype({"resource": "str"})], ignore_index=True)


def disconnects(
    known: dict[str, pd.DataFrame], *, cycle: pd.Timestamp, materiality_value: float
) -> pd.DataFrame:
    """Table ``disconnects``: every contradiction that a rule finds, the largest in money first.

    Parameters
    ----------
    known : dict of DataFrame
        The tables that ``RULES`` names and, from raw tables, `events`, `launches`, `channels`,
        `orders`; ``plan`` (`plan_money` with all levels and ``factor``), ``uses`` (from ``uses``),
        ``terms`` (``sites.replenishment``).
    cycle : Timestamp
        Month in which the plan is made.
    materiality_value : float
        Money below which a row is counted and not shown.

    Returns
    -------
    DataFrame
        ``rule``, ``subject``, ``first_month``, ``last_month`` (missing: for good), ``finding``,
        ``amount_value`` (money at stake, positive; missing where nothing prices it) and
        ``amount_quantity`` (common unit), ``talk_from`` and ``talk_to`` (``talk``: both),
        ``proposal``, ``decide_by`` (last month in which the proposal still helps, missing where no
        lead time tells it), ``is_material``. Of budgets and goals for the same members the largest
        stands here and its finding names the others: one talk settles them.
    """
    found = [
        {"rule": rule} | row
        for rule, (function, needs) in RULES.items()
        if all(len(known[name]) for name in needs.split())
        for row in function(known, cycle=cycle)
    ]
    table = pd.DataFrame(found, columns=COLUMNS)
    dates = dict.fromkeys(("first_month", "last_month", "decide_by"), months.DTYPE)
    amounts = dict.fromkeys(("amount_value", "amount_quantity"), "float64")
    words = dict.fromkeys(set(COLUMNS) - {*dates, *amounts}, "str")
    table = table.astype(words | dates | amounts)
    table = table.assign(talk=table["talk_from"] + " with " + table["talk_to"])
    table = table.sort_values("amount_value", ascending=False, kind="stable")
    table = _in_one_talk(table).reset_index(drop=True)
    return table.assign(is_material=~(table["amount_value"] < materiality_value))


def _in_one_talk(table: pd.DataFrame) -> pd.DataFrame:
    """Budgets and goals for the same members as one row, that of the largest, naming the others."""
    is_one = table["rule"].isin(_ONE_TALK)
    is_told = is_one & table["subject"].where(is_one).duplicated()
    money = [f" ({value:,.0f} in money)" for value in table["amount_value"]]
    money = pd.Series(money, index=table.index).where(table["amount_value"].notna(), "")
    also = ("; also " + table["finding"] + money).where(is_told, "")
    also = also.groupby(table["subject"]).agg("".join)
    finding = table["finding"] + table["subject"].map(also).where(is_one, "")
    return table.assign(finding=finding)[~is_told]
