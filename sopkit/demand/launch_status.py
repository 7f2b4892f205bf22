"""What is not ready for a launch: its month, like items, parts, capacity, price, a marketing event.

No forecast of this cycle stands yet when products are reviewed: a launch promises what its like
items sold in the same months of the last year, times weight, scale and ramp.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import launches

READY, NOT_READY, UNKNOWN = "ready", "not ready", "unknown"
_YEARS = 2  # ahead that the last year is repeated
_AROUND = (-1, 2)  # months beside the launch in which an event is looked for
_LEVELS = ("item", "family", "category")
CHECKS = ["launch month", "like items", "component", "capacity", "price", "marketing event"]
_COLUMNS = {
    "item": "str",
    "check": "str",
    "stage": "str",
    "owner": "str",
    "launch_month": months.DTYPE,
    "state": "str",
    "finding": "str",
    "due_month": months.DTYPE,
    "amount_value": "float64",
}


def as_last_year(history: pd.DataFrame, *, cycle: pd.Timestamp) -> pd.DataFrame:
    """The last twelve months of each series, repeated over the months ahead.

    Parameters
    ----------
    history : DataFrame
        Table `demand_history`.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    DataFrame
        Key ``item, location, channel, month``: ``quantity``, units.
    """
    last = history[history["month"] >= months.shift(cycle, -launches.YEAR)]
    last = last[[*schema.SERIES_MONTH, "baseline"]].rename(columns={"baseline": "quantity"})
    parts = [
        last.assign(month=months.from_number(months.number(last["month"]) + 12 * (year + 1)))
        for year in range(_YEARS)
    ]
    return pd.concat(parts, ignore_index=True)


def launch_status(
    tables: dict[str, pd.DataFrame],
    promise: pd.DataFrame,
    ready: pd.DataFrame,
    hours: pd.DataFrame,
    *,
    cycle: pd.Timestamp,
) -> pd.DataFrame:
    """Table ``launch_status``: each launch that has not sold yet, check by check.

    Parameters
    ----------
    tables : dict of DataFrame
        Raw `launches`, `items`, `events`; `demand_history`, `money_rates`.
    promise : DataFrame
        From ``launches.promised``: units by month ahead.
    ready : DataFrame
        When each launch can be, by its parts: ``item, possible_month, lead_months, chain``, and
        ``amount_value``, revenue lost until then; of one that is missing here nothing is known.
    hours : DataFrame
        ``item, resource, month, needed_hours, free_hours`` of the launches' months.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    DataFrame
        Key ``item, check``, what is not ready first: ``stage`` and ``owner`` as told,
        ``launch_month``, ``state`` (ready, not ready, unknown), ``finding``, ``due_month`` in which
        it must be settled, and ``amount_value``: revenue promised that hangs on it, missing where
        that is not known.
    """
    told, items = tables["launches"], tables["items"].drop_duplicates("item").set_index("item")
    sold = tables["demand_history"].groupby("item")["sales"].sum()
    price = tables["money_rates"].groupby("item")["unit_price_value"].mean()
    by_month = promise.groupby(["item", "month"], as_index=False)[["quantity"]].sum()
    each = price.reindex(by_month["item"]).to_numpy(dtype="float64")
    by_month = by_month.assign(amount_value=by_month["quantity"] * each)
    rows = []
    for item, own in told[~told["item"].isin(sold[sold > 0].index)].groupby("item", sort=True):
        listed = items.loc[item] if item in items.index else pd.Series(dtype="object")
        first = listed.get("launch_month", pd.NaT)
        money = by_month[by_month["item"] == item].set_index("month")["amount_value"]
        found = {
            "launch month": _month(first, cycle),
            "like items": _likes(own, told, sold, money),
            "component": _parts(first, ready[ready["item"] == item], cycle),
            "capacity": _capacity(hours[hours["item"] == item], money),
            "price": _price(price.get(item, np.nan), first),
            "marketing event": _event(item, listed, first, tables["events"]),
        }
        head = {"item": item, "launch_month": first, **_said(own)}
        rows += [head | {"check": check} | row for check, row in found.items()]
    table = pd.DataFrame(rows, columns=list(_COLUMNS)).astype(_COLUMNS)
    order = table["state"].map([NOT_READY, UNKNOWN, READY].index)
    table = table.assign(order=order, money=-table["amount_value"])
    return table.sort_values(["order", "money", "item"], kind="stable", ignore_index=True)[
        list(_COLUMNS)
    ]


def _said(own: pd.DataFrame) -> dict:
    """Stage and owner of a launch, blank where nobody said it."""
    return {name: next(iter(own[name].dropna()), "") for name in ("stage", "owner")}


def _row(state: str, finding: str, due=pd.NaT, amount: float = np.nan) -> dict:
    return {"state": state, "finding": finding, "due_month": due, "amount_value": amount}


def _month(first: pd.Timestamp, cycle: pd.Timestamp) -> dict:
    if pd.isna(first):
        return _row(NOT_READY, "items.csv has no launch_month: it is not planned", cycle)
    if first < cycle:
        return _row(NOT_READY, f"{months.label(first)} has passed, and nothing is sold yet", cycle)
    return _row(READY, f"{months.label(first)}")


def _likes(own: pd.DataFrame, told: pd.DataFrame, sold: pd.Series, money: pd.Series) -> dict:
    """Like items that sell; what they weigh where that is not all; who replaces the same item."""
    is_sold = own["like_item"].map(sold).gt(0)
    names, weight = own.loc[is_sold, "like_item"], own.loc[is_sold, "weight_share"].sum()
    others = told[told["replaces_item"].isin(own["replaces_item"].dropna())]
    others = [name for name in others["item"].unique() if name not in set(own["item"])]
    words = [f"{', '.join(own.loc[~is_sold, 'like_item'])} never sold"] if not is_sold.all() else []
    if abs(weight - 1.0) > schema.WEIGHT_TOLERANCE:
        words.append(f"planned from {weight:.0%} of what it is like")
    state, amount = (NOT_READY, money.sum(min_count=1)) if words else (READY, np.nan)
    words = words or [f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} sold"]
    if others:
        words.append(f"{', '.join(others)} replaces the same item: both share what it still sells")
    return _row(state, "; ".join(words), amount=amount)


def _parts(first: pd.Timestamp, ready: pd.DataFrame, cycle: pd.Timestamp) -> dict:
    if ready.empty:
        return _row(UNKNOWN, "no stock in inventory.csv, or its month is not planned")
    part = ready.iloc[0]
    if part["possible_month"] > first:
        words = f"possible from {months.label(part['possible_month'])}: {part['chain']}"
        return _row(NOT_READY, words, cycle, part["amount_value"])
    due = max(months.shift(first, -int(part["lead_months"])), cycle)
    return _row(READY, f"possible from {months.label(part['possible_month'])}", due)


def _capacity(hours: pd.DataFrame, money: pd.Series) -> dict:
    known = hours[hours["free_hours"].notna()]
    if known.empty:
        return _row(UNKNOWN, "no load of the last cycle, or no hours a unit are known")
    lacking = known.assign(lacking=known["needed_hours"] - known["free_hours"].clip(lower=0.0))
    short = lacking[lacking["lacking"] > 0]
    if short.empty:
        return _row(READY, f"free hours of {', '.join(sorted(known['resource'].unique()))}")
    worst = short.loc[short["lacking"].idxmax()]
    share = (short["lacking"] / short["needed_hours"]).groupby(short["month"]).max()
    words = f"{worst['resource']} lacks {worst['lacking']:,.0f} of {worst['needed_hours']:,.0f} "
    words += f"hours in {months.label(worst['month'])}, beside the last plan"
    return _row(NOT_READY, words, short["month"].min(), (share * money).sum(min_count=1))


def _price(price: float, first: pd.Timestamp) -> dict:
    if np.isnan(price):
        return _row(NOT_READY, "no price in prices.csv or items.csv: it counts no money", first)
    return _row(READY, f"{price:,.2f} on average")


def _event(item: str, listed: pd.Series, first: pd.Timestamp, events: pd.DataFrame) -> dict:
    if events.empty or pd.isna(first):
        return _row(UNKNOWN, "no events.csv, or no launch month")
    names = {"item": item} | {level: listed.get(level) for level in _LEVELS[1:]}
    start, end = (months.shift(first, count) for count in _AROUND)
    near = events[(events["first_month"] <= end) & ~(events["last_month"] < start)]
    near = near[(near["first_month"] >= start) & (near["kind"] == "promotion")]
    for level, name in names.items():
        near = near[near[level].isna() | near[level].isin([schema.ALL, name])]
    if near.empty:
        words = f"no promotion covers it from {months.label(start)} to {months.label(end)}"
        return _row(NOT_READY, words, first)
    return _row(READY, f"{near['event'].iloc[0]}")


def by_launch(status: pd.DataFrame) -> pd.DataFrame:
    """Table ``launch_status`` as pages show it: a row a launch, the most that is not ready first.

    Parameters
    ----------
    status : DataFrame
        From ``launch_status``.

    Returns
    -------
    DataFrame
        ``item, stage, owner, launch_month``; the state of each check in a column of its name;
        ``finding`` and ``due_month`` (first) of what is not ready; ``amount_value``, the most that
        hangs on one of them.
    """
    head = ["item", "stage", "owner", "launch_month"]
    told = status.drop_duplicates("item")[head].set_index("item")
    open_ = status[status["state"] == NOT_READY]
    open_ = open_.assign(words=open_["check"] + ": " + open_["finding"])
    found = open_.groupby("item").agg(
        finding=("words", "; ".join), due_month=("due_month", "min"), count=("check", "size")
    )
    found = found.assign(amount_value=open_.groupby("item")["amount_value"].max())
    states = status.pivot(index="item", columns="check", values="state").reindex(columns=CHECKS)
    table = told.join(states).join(found).reset_index()
    table = table.sort_values(["count", "amount_value"], ascending=False, ignore_index=True)
    return table.drop(columns="count").fillna({"finding": ""})


def exceptions(status: pd.DataFrame, materiality_value: float) -> pd.DataFrame:
    """What is not ready, a row a launch, as in table ``product_review_exceptions``.

    Parameters
    ----------
    status : DataFrame
        From ``launch_status``.
    materiality_value : float
        Money below which an exception is left to the count.
    """
    open_ = status[status["state"] == NOT_READY]
    words = open_["check"] + " (" + open_["finding"] + ")"
    rows = (
        open_.assign(words=words)
        .groupby("item", as_index=False)
        .agg(
            words=("words", "; ".join),
            amount_value=("amount_value", lambda money: money.max()),
            owner=("owner", "first"),
        )
    )
    owner = rows["owner"].replace("", "its owner")
    return pd.DataFrame(
        {
            "subject": "Launch " + rows["item"],
            "finding": "not ready: " + rows["words"],
            "amount_value": rows["amount_value"],
            "proposal": owner + " settles it, or moves the launch",
            "is_material": ~(rows["amount_value"] < materiality_value),
        }
    )
