"""What only several raw tables together can tell, and the money that each finding touches."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.contract import COLUMNS, Finding, Source, at, nearest


def check_across(
    tables: dict[str, pd.DataFrame], sources: dict[str, Source], tolerance_rate: float
) -> list[Finding]:
    """What only two tables together can tell: unknown members and things left unsaid.

    Parameters
    ----------
    tables : dict of DataFrame
        Typed raw tables; those that were not given are empty.
    sources : dict of Source
        The tables that were given.
    tolerance_rate : float
        Share of money that sales of unknown items may touch before a run stops, 0 to 1.
    """
    findings = []
    if "items" in sources:
        findings += _unknown_items(tables, sources, tolerance_rate)
        findings += _left_unsaid(tables, sources)
    pairs = [
        ("routings", "resource", "resources"),
        ("capacity", "resource", "resources"),
        ("sales", "location", "locations"),
        ("sales", "channel", "channels"),
        ("options", "decision", "decisions"),
    ]
    for name, column, other in pairs:
        if name in sources and other in sources:
            findings += _unknown_members(tables, name, column, other, sources)
    return findings


def _unknown_items(tables, sources, tolerance_rate) -> list[Finding]:
    """Items that ``items`` does not know: a breach where they touch too much money."""
    known = set(tables["items"]["item"])
    findings = []
    for name in sources:
        column = "component" if name == "components" else "item"
        if name == "items" or column not in tables[name].columns:
            continue
        rows = tables[name][column]
        unknown = rows.notna() & (rows != schema.ALL) & ~rows.isin(known)
        if not unknown.any():
            continue
        members = tuple(sorted(rows[unknown].unique()))
        is_breach = name == "sales" and (money_share(tables, items=members) > tolerance_rate)
        remedy = f"Add {_some(members)} to {sources['items'].label}"
        remedy += ", or raise tolerance_rate in company.yml." if is_breach else "."
        message = f"{len(members)} items are not in items; they count as unassigned."
        state = "breach" if is_breach else "notice"
        findings.append(
            at(name, tables[name], unknown, sources[name], column, message, remedy, state=state)
        )
    return findings


def _some(members: tuple[str, ...]) -> str:
    return ", ".join(members[:5]) + (f" and {len(members) - 5} more" if len(members) > 5 else "")


def _left_unsaid(tables, sources) -> list[Finding]:
    """Sold items without family, cost, price or routing."""
    items = tables["items"]
    sold = items[items["item"].isin(set(tables["sales"]["item"]))]
    asked = {
        "family": sold["family"].isna(),
        "unit_cost_value": sold["unit_cost_value"].isna(),
        "unit_price_value": sold["unit_price_value"].isna()
        & ~sold["item"].isin(tables["prices"]["item"])
        & tables["sales"]["revenue_value"].isna().all(),
    }
    if "routings" in sources:
        routed = set(tables["routings"]["item"]) | set(tables["routings"]["family"])
        made = ~sold["is_purchased"].fillna(False).astype(bool)
        asked["routing"] = made & ~sold["item"].isin(routed) & ~sold["family"].isin(routed)
    findings = []
    for column, lacking in asked.items():
        if lacking.any():
            members = tuple(sold.loc[lacking, "item"])
            place = "routings" if column == "routing" else "items"
            message = f"{len(members)} sold items have no {column}."
            remedy, first = f"Fill it in {sources[place].label}.", f"item {members[0]}"
            count = len(members)
            findings.append(
                Finding("notice", place, column, message, remedy, count, first, members)
            )
    return findings


def _unknown_members(tables, name, column, other, sources) -> list[Finding]:
    rows = tables[name][column]
    unknown = (rows != schema.ALL) & ~rows.isin(set(tables[other][column]))
    if not unknown.any():
        return []
    members = tuple(sorted(rows[unknown].dropna().unique()))
    hint = nearest(members[0], sorted(tables[other][column].astype(str)))
    message, remedy = (
        f"{_some(members)} not in {other}.",
        f"Add it to {sources[other].label}. {hint}",
    )
    return [at(name, tables[name], unknown, sources[name], column, message, remedy, state="notice")]


def check_sales_months(
    sales: pd.DataFrame, cycle: pd.Timestamp, source: Source, unknown_sales: list[str]
) -> list[Finding]:
    """Months without any sales: the last one stops a run, and so does a hole.

    A channel or location silent in the last closed month counts as zero, and is a notice.
    """

    def breach(message: str, remedy: str) -> Finding:
        return Finding("breach", "sales", "month", message, remedy)

    seen = pd.DatetimeIndex(sorted(sales.loc[sales["month"] < cycle, "month"].unique()))
    if seen.empty:
        remedy = "Choose a later --cycle, or bring the history into sales."
        return [breach(f"no sales are known before the cycle {months.label(cycle)}.", remedy)]
    last_closed = months.shift(cycle, -1)
    last, count = months.label(last_closed), int(months.number(cycle) - months.number(seen[0]))
    missing = months.span(seen[0], count).difference(seen)
    labels = [months.label(month) for month in missing]
    labels = [label for label in labels if label not in unknown_sales]
    findings = []
    if last in labels:
        remedy = f"Load it into {source.label}, plan an earlier cycle with --cycle, or list {last} "
        remedy += "under unknown_sales in company.yml."
        findings.append(breach(f"the month {last} is not closed: it has no sales.", remedy))
    holes = [label for label in labels if label != last]
    if holes:
        remedy = f"Load them into {source.label}, or list them under unknown_sales in company.yml."
        message = f"no sales at all in {_some(tuple(holes))}: a load may have failed."
        findings.append(breach(message, remedy))
    later = int((sales["month"] >= cycle).sum())
    if later:
        message = f"{later:,} rows of {months.label(cycle)} or later wait for a later cycle."
        remedy = "If that month is whole, plan the next cycle with --cycle."
        findings.append(Finding("notice", "sales", "month", message, remedy, later))
    return findings + _silent_members(sales, cycle, source, unknown_sales)


def _silent_members(sales, cycle, source, unknown_sales) -> list[Finding]:
    """Locations and channels that sold in the six months before, and nothing in the last."""
    last = months.shift(cycle, -1)
    recent = sales[sales["month"].between(months.shift(cycle, -7), months.shift(cycle, -2))]
    findings = []
    for column in ("location", "channel"):
        now = set(sales.loc[sales["month"] == last, column])
        silent = sorted(set(recent[column]) - now - set(unknown_sales))
        for member in silent if now else []:
            rows = np.flatnonzero((sales[column] == member) & (sales["month"] < last))
            message = f"{member} sold nothing in {months.label(last)}; it counts as zero."
            remedy = f"If the load failed, mend {source.label}; if it is unknown, list {member} "
            remedy += "under unknown_sales in company.yml."
            touched = tuple(int(row) for row in rows)
            finding = Finding("notice", "sales", column, message, remedy, sales_rows=touched)
            findings.append(finding)
    return findings


def _row_money(tables: dict[str, pd.DataFrame]) -> pd.Series:
    """Money of each sales row in the last twelve months; units where any sold item has no price."""
    sales, items = tables["sales"], tables["items"]
    price = schema.lookup(sales["item"], items, "unit_price_value")
    money = sales["revenue_value"].fillna(sales["quantity"] * price)
    money = sales["quantity"] if money.isna().any() else money
    last = sales["month"].max()
    if pd.isna(last):
        return money.abs().fillna(0.0)
    recent = sales["month"] > last - pd.DateOffset(months=12)
    return money.abs().where(recent, 0.0).fillna(0.0)


def money_share(
    tables: dict[str, pd.DataFrame], items: tuple[str, ...] = (), rows: tuple[int, ...] = ()
) -> float:
    """Share of the last twelve months' money in some items' sales, or in some sales rows.

    Counted in units where the price of any row is unknown, so that nothing unpriced weighs nothing.
    """
    money = _row_money(tables)
    if not money.sum():
        return float("nan")
    touched = money.iloc[list(rows)] if rows else money[tables["sales"]["item"].isin(items)]
    return float(touched.sum() / money.sum())


def findings_table(findings: list[Finding], tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Findings as a table, breaches first, ranked by the money they touch."""
    records = []
    for finding in findings:
        is_priced = bool(finding.items or finding.sales_rows) and not tables["sales"].empty
        share = (
            money_share(tables, finding.items, finding.sales_rows) if is_priced else float("nan")
        )
        records.append({name: getattr(finding, name, share) for name in COLUMNS})
    found = pd.DataFrame(records, columns=COLUMNS)
    found = found.astype({"money_share": "float64", "rows": "int64"})
    return found.sort_values(
        ["state", "money_share", "table"], ascending=[True, False, True], kind="stable"
    ).reset_index(drop=True)
