"""What is wrong with the time in the raw tables: months without sales, calendars, quarters."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months
from sopkit.contract import Finding, Source, at, counted, some


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
        remedy = "Choose a later cycle, or bring the history into sales."
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
        message = f"no sales at all in {some(holes)}: a load may have failed."
        findings.append(breach(message, remedy))
    later = int((sales["month"] >= cycle).sum())
    if later:
        message = counted(later, "row", "rows") + f" of {months.label(cycle)} or later "
        message += f"{'waits' if later == 1 else 'wait'} for a later cycle."
        remedy = "If that month is whole, plan the next cycle with --cycle."
        findings.append(Finding("notice", "sales", "month", message, remedy, later))
    findings += _silent_members(sales, cycle, source, unknown_sales)
    return findings + _gaps(sales[sales["month"] < cycle], source, unknown_sales)


def _gaps(sales, source, unknown_sales) -> list[Finding]:
    """Locations and channels without any sale in a month between two in which they sold."""
    findings = []
    for column in ("location", "channel"):
        pairs = sales[["month", column]].drop_duplicates()
        sold = pd.crosstab(pairs["month"], pairs[column]) > 0
        between = sold.cummax() & sold[::-1].cummax()[::-1]
        holes = (between & ~sold)[sold.any(axis=1)]
        for member in holes.columns[holes.any()].difference(unknown_sales):
            labels = [months.label(month) for month in holes.index[holes[member]]]
            labels = [label for label in labels if label not in unknown_sales]
            if labels and sales[column].nunique() > 1:
                message = f"{member} sold nothing in {some(labels)} while others sold; it counts "
                remedy = f"If a load failed, mend {source.label}; if it is unknown, list {member} "
                remedy += "under unknown_sales in company.yml."
                what = (message + "as zero.", remedy, len(labels))
                findings.append(Finding("notice", "sales", column, *what))
    return findings


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


def check_periods(
    tables: dict[str, pd.DataFrame],
    sources: dict[str, Source],
    company: pd.Series,
    cycle: pd.Timestamp,
) -> list[Finding]:
    """Calendars with holes, fiscal years that are no twelve periods, days and quarters outside.

    Parameters
    ----------
    tables, sources, company, cycle
        As for ``across.check_across``.
    """
    calendar, sales = tables["calendar"].sort_values("month", ignore_index=True), tables["sales"]
    findings = []

    def breach(table: str, column: str, message: str, remedy: str) -> None:
        findings.append(Finding("breach", table, column, message, remedy))

    if len(calendar):
        label = sources["calendar"].label
        after = calendar["last_date"] + pd.Timedelta(days=1)
        jumps = calendar["first_date"].iloc[1:].ne(after.shift(1).iloc[1:])
        if jumps.any():
            before, row = calendar.loc[jumps.idxmax() - 1], calendar.loc[jumps.idxmax()]
            message = f"{months.label(row['month'])} begins {row['first_date']:%Y-%m-%d}, the "
            message += f"period before it ends {before['last_date']:%Y-%m-%d}."
            breach("calendar", "first_date", message, f"Mend first_date or last_date in {label}.")
        known = calendar.dropna(subset=["fiscal_year"])
        sizes = known.groupby("fiscal_year")["month"].agg(["size", "max"])
        whole = sizes.iloc[1:-1]
        if (whole["size"] != 12).any():
            year = whole.index[whole["size"] != 12][0]
            message = f"the fiscal year {year:g} has {whole.loc[year, 'size']} periods, not twelve."
            breach("calendar", "fiscal_year", message, f"Mend fiscal_year in {label}.")
        outside = sales["date"].notna() & sales["month"].isna()
        if outside.any():
            message, remedy = "a day that no period of the calendar holds.", f"Extend {label}."
            shown = sales["date"].dt.strftime("%Y-%m-%d")
            told = (sources["sales"], "date", message, remedy)
            findings.append(at("sales", sales, outside, *told, shown=shown))
        span = months.horizon(cycle, company["horizon"], company["fiscal_year_first_month"])
        needed = (min(sales["month"].min(), cycle), months.shift(cycle, span - 1))
        given = (calendar["month"].min(), calendar["month"].max())
        if not findings and (given[0] > needed[0] or given[1] < needed[1]):
            message = "it holds {} to {}; sales and plan go from {} to {}."
            message = message.format(*map(months.label, (*given, *needed)))
            remedy = f"Extend {label}: other months count as calendar months of the usual days."
            findings.append(Finding("notice", "calendar", "month", message, remedy))
    for name in sources:
        if "quarter" in tables[name].columns:
            quarter = tables[name]["quarter"]
            off = (quarter.dt.month - company["fiscal_year_first_month"]) % 3 > 0
            if off.any():
                message = "no quarter of the fiscal year begins in this month."
                remedy = "Write the quarter's first month, or set fiscal_year_first_month in "
                told = (sources[name], "quarter", message, remedy + "company.yml.")
                shown = quarter.dt.strftime("%Y-%m")
                findings.append(at(name, tables[name], off, *told, shown=shown))
    last = months.shift(cycle, -1)
    for name in ("inventory", "production"):
        ends = tables[name]["month"][tables[name]["month"] < cycle].max()
        if name in sources and not ends >= last:
            message = f"it has no row before the cycle {months.label(cycle)}."
            if pd.notna(ends):
                message = f"it ends {months.label(ends)}, before the last closed month "
                message += f"{months.label(last)}."
            remedy = f"Load {months.label(last)} into {sources[name].label}."
            findings.append(Finding("notice", name, "month", message, remedy))
    return findings
