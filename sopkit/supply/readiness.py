"""Launches before all that goes into the item can be there, and what they wait for.

Stock on hand is there at once; else the first receipt or, if that is sooner, what is ordered now
counts. A made part waits for its own parts. A lead time that nobody wrote delays nothing. One whole
month late counts, since months are what is planned.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from sopkit import months
from sopkit.supply import explosion


def late_launches(
    tables: dict[str, pd.DataFrame], sources: pd.DataFrame, span: pd.DatetimeIndex
) -> pd.DataFrame:
    """Launches of the months planned that come too early: rows of ``launches``."""
    found = launches(tables, sources, span)
    return found[found["possible_month"] > found["launch_month"]].reset_index(drop=True)


def launches(
    tables: dict[str, pd.DataFrame], sources: pd.DataFrame, span: pd.DatetimeIndex
) -> pd.DataFrame:
    """When each launch of the months planned can be, by what goes into the item.

    Parameters
    ----------
    tables : dict of DataFrame
        Raw `items`, `components`, `inventory` (where it is empty nothing is known to lack) and
        `scheduled_receipts`.
    sources : DataFrame
        From ``sourcing.sources``, of all items and components.
    span : DatetimeIndex
        Months planned, from the cycle on.

    Returns
    -------
    DataFrame
        Key ``item``: ``launch_month``; ``possible_month``, the first in which it can be made, or
        sold where it is bought; ``component`` that it waits for (bought: the item itself);
        ``supplier``; ``lead_months`` from an order to the item; ``chain``: all that in words.
    """
    known = dict(tables, sources=sources.sort_values("lead_time_days", kind="stable"), span=span)
    known |= {"bills": explosion.bill(tables["components"], tables["items"])}
    items = tables["items"]
    new = items[items["launch_month"].between(span[0], span[-1]) & (len(tables["inventory"]) > 0)]
    rows = []
    for item, launch in zip(new["item"], new["launch_month"], strict=True):
        part = _ready(item, known, is_launch=True)
        chain = f"{item}, launch {months.label(launch)} ← {part.chain}"
        told = (item, launch, part.month, part.name, part.supplier, part.lead_months, chain)
        rows.append(told)
    columns = "item launch_month possible_month component supplier lead_months chain".split()
    kinds = dict.fromkeys(columns, "str") | {"lead_months": "int64"}
    kinds |= dict.fromkeys(["launch_month", "possible_month"], months.DTYPE)
    return pd.DataFrame(rows, columns=columns).astype(kinds)


@dataclass(frozen=True)
class _Part:
    """When a part can be there, what it waits for in the end, and the way there in words."""

    month: pd.Timestamp
    name: str
    supplier: str = ""
    lead_months: int = 0
    chain: str = ""


def _ready(name: str, known: dict, *, is_launch: bool = False) -> _Part:
    """The first month in which a part can be there; of a launch, in which all else can."""
    cycle, stock, due = known["span"][0], known["inventory"], known["scheduled_receipts"]
    stock = stock[(stock["item"] == name) & (stock["month"] == months.shift(cycle, -1))]
    if stock["on_hand"].sum() > 0:
        return _Part(cycle, name, chain=f"{name}, in stock")
    due = due[(due["item"] == name) & (due["month"] >= cycle) & (due["quantity"] > 0)]
    due = due[due["cycle"].isna() | (due["cycle"] == cycle)].sort_values("month").head(1)
    part = _begun(name, known, is_launch)
    if due.empty:
        return part
    first = due["month"].iloc[0]
    chain = f"{part.chain}; {due['quantity'].iloc[0]:,.0f} are due in {months.label(first)}"
    return replace(part, month=min(part.month, first), chain=chain)


def _begun(name: str, known: dict, is_launch: bool) -> _Part:
    """When a part can be there if it is ordered now, or made as soon as its own parts are there."""
    cycle, source = known["span"][0], known["sources"]
    source = source[source["item"] == name].head(1)
    is_bought = explosion.is_bought(pd.Series([name]), known["items"], known["bills"]).iloc[0]
    lead = 0 if source.empty or (is_launch and not is_bought) else source["lead_time_months"].sum()
    supplier = source["supplier"].sum() if is_bought and len(source) else ""
    words = f"{name}, {source['lead_time_days'].sum():.0f} days"
    words += f" from {supplier}" if supplier else f" to {'buy' if is_bought else 'make'}"
    there = months.shift(cycle, int(lead))
    words += f", ordered now it comes in {months.label(there)}" if is_bought else ""
    latest = _Part(there, name, supplier, int(lead), words)
    bill = known["bills"][known["bills"]["item"] == name]
    for component, offset in zip(bill["component"], bill["offset_months"], strict=True):
        part, wait = _ready(component, known), int(max(offset, lead))
        month = months.shift(part.month, wait)
        if month > latest.month:
            needed = f", needed {wait} month{'s' * (wait > 1)} before" if wait else ""
            above = "" if is_launch else f"{name} ← "
            chain, waited = f"{above}{part.chain}{needed}", part.lead_months + wait
            latest = replace(part, month=month, lead_months=waited, chain=chain)
    return latest
