"""What only several raw tables together can tell, and the money that each finding touches."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter

import numpy as np
import pandas as pd

from sopkit import currencies, months, schema
from sopkit.contract import COLUMNS, Finding, Source, at, nearest

_MEMBERS = {  # column: the table that lists its members, and the column there
    "family": ("items", "family"),
    "category": ("items", "category"),
    "location": ("locations", "location"),
    "supplied_from": ("locations", "location"),
    "region": ("locations", "region"),
    "channel": ("channels", "channel"),
    "segment": ("channels", "segment"),
    "resource": ("resources", "resource"),
    "decision": ("decisions", "decision"),
}


def check_across(
    tables: dict[str, pd.DataFrame],
    sources: dict[str, Source],
    company: pd.Series,
    cycle: pd.Timestamp,
) -> list[Finding]:
    """What only several tables together can tell: unknown members, rates, units, periods.

    Parameters
    ----------
    tables : dict of DataFrame
        Typed raw tables; those that were not given are empty.
    sources : dict of Source
        The tables that were given.
    company : Series
        Settings, defaults filled.
    cycle : Timestamp
        Month in which the plan is made.
    """
    findings = []
    if "items" in sources:
        counted = valued(tables, company, cycle)
        findings += _unknown_items(counted, sources, company["tolerance_rate"])
        findings += _left_unsaid(tables, sources)
        findings += _units(tables, sources, company["tolerance_rate"])
    for name in sources:
        for column, (other, named) in _MEMBERS.items():
            if name != other and column in tables[name].columns and other in sources:
                findings += _unknown_members(tables, name, column, other, named, sources)
    findings += _circles(tables, sources)
    findings += _rates(tables, sources, company["currency"], cycle)
    findings += _periods(tables, sources, company, cycle)
    findings += _controls(tables, sources)
    findings += _departments(tables, sources, company["departments"])
    return findings


def valued(
    tables: dict[str, pd.DataFrame], company: pd.Series, cycle: pd.Timestamp
) -> dict[str, pd.DataFrame]:
    """The tables with money of sales in the company's currency, missing where no rate is known."""
    known = tables | {"company": company.to_frame().T}
    kind = {"cycle": cycle, "kind": currencies.ACTUAL}
    sales = currencies.in_company_currency(tables["sales"], ["revenue_value"], known, **kind)
    return tables | {"sales": sales}


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
    sold = items[items["item"].isin(tables["sales"]["item"].unique())]
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


def _unknown_members(tables, name, column, other, named, sources) -> list[Finding]:
    """Members that the table which lists them does not know, each with the nearest it knows."""
    rows, known = tables[name][column], set(tables[other][named].dropna())
    unknown = rows.notna() & (rows != schema.ALL) & ~rows.isin(known)
    if not unknown.any() or not known:
        return []
    members = tuple(sorted(rows[unknown].unique()))
    word = "is" if len(members) == 1 else "are"
    message = f"{_some(members)} {word} not in {other}."
    remedy = (
        f"Correct it, or add it to {sources[other].label}. {nearest(members[0], sorted(known))}"
    )
    return [at(name, tables[name], unknown, sources[name], column, message, remedy, state="notice")]


def _units(tables, sources, tolerance_rate) -> list[Finding]:
    """Items of several units that neither a planning factor nor a price makes comparable."""
    items, sales = tables["items"], tables["sales"]
    sold = items[items["item"].isin(sales["item"].unique())]
    units, lacking = sold["unit"].fillna("").unique(), sold["planning_factor"].isna()
    if not lacking.any() or (lacking.all() and len(units) <= 1):
        return []
    paid = sales.loc[sales["revenue_value"].notna(), "item"].unique()
    priced = {*tables["prices"]["item"], *paid}
    without = lacking & sold["unit_price_value"].isna() & ~sold["item"].isin(priced)
    label = sources["items"].label
    if len(units) <= 1:
        lacking_items = tuple(sold.loc[lacking, "item"])
        message = f"{len(lacking_items)} items have none while others have; each counts as one."
    else:
        shown = ", ".join(sorted(unit or "no unit" for unit in units)[:5])
        message = f"items are counted in {shown}, and not all have a planning_factor: totals are "
        message += "added in money."
        lacking_items = tuple(sold.loc[lacking, "item"])
    remedy, first = f"Give each item of {label} its planning_factor.", f"item {lacking_items[0]}"
    count = len(lacking_items)
    findings = [
        Finding("notice", "items", "planning_factor", message, remedy, count, first, lacking_items)
    ]
    if len(units) > 1 and without.any():
        members = tuple(sold.loc[without, "item"])
        share = sales["quantity"][sales["item"].isin(members)].sum() / sales["quantity"].sum()
        state = "breach" if share > tolerance_rate else "notice"
        message = f"{len(members)} items have neither planning_factor nor price, so no total can "
        message += "hold them."
        remedy = f"Give {_some(members)} a planning_factor or a price in {label}."
        findings.append(
            Finding(state, "items", "planning_factor", message, remedy, len(members), "", members)
        )
    return findings


def _circles(tables, sources) -> list[Finding]:
    """Sites that supply each other and items that are components of themselves, by their chain."""
    pairs = [("locations", "location", "supplied_from"), ("components", "item", "component")]
    findings = []
    for name, child, parent in pairs:
        edges = tables[name][[child, parent]].dropna()
        chain = _circle(edges[child].tolist(), edges[parent].tolist())
        if chain:
            message, remedy = f"a circle: {' → '.join(chain)}.", "Take one of its links out in "
            remedy += f"{sources[name].label}."
            findings.append(Finding("breach", name, parent, message, remedy))
    return findings


def _circle(children: list[str], parents: list[str]) -> list[str]:
    """A circle among the links, as a chain that ends where it begins; empty if there is none."""
    order = TopologicalSorter()
    for child, parent in zip(children, parents, strict=True):
        order.add(child, parent)
    try:
        order.prepare()
    except CycleError as error:
        return error.args[1][::-1]
    return []


def _rates(tables, sources, currency, cycle) -> list[Finding]:
    """Foreign money whose rate is not known: of closed months, and for the plan."""
    sales, rates = tables["sales"], tables["rates"]
    named = currencies.foreign(sales["location"], tables["locations"], currency)
    if named.isna().all():
        return []
    if currency == schema.COMPANY["currency"].default:
        words = ", ".join(sorted(named.dropna().unique()))
        message = f"locations name currencies ({words}), company.yml does not name its own."
        return [Finding("breach", "locations", "currency", message, "Add currency to company.yml.")]
    where = sources["rates"].label if "rates" in sources else "data/raw/rates.csv"
    closed = sales["month"] < cycle
    has_money = closed & sales["revenue_value"].notna() & named.notna()
    rate = currencies.rates_of(named, sales["month"], rates, cycle, currencies.ACTUAL)
    lacking = has_money & ~(rate > 0)
    findings = []
    if lacking.any():
        first = f"{named[lacking].iloc[0]} in {months.label(sales.loc[lacking, 'month'].min())}"
        message = f"no actual rate of {first}."
        remedy = f"Add it to {where}: currency, month, kind actual, rate."
        findings.append(
            at("sales", sales, lacking, sources["sales"], "revenue_value", message, remedy)
        )
    currency_names = pd.Series(sorted(named.dropna().unique()))
    ahead = pd.Series(cycle, index=currency_names.index)
    plan = currencies.rates_of(currency_names, ahead, rates, cycle, currencies.PLAN)
    unknown = list(currency_names[~(plan > 0)])
    if unknown:
        message = f"no rate of {', '.join(unknown)} to plan with in {months.label(cycle)}."
        remedy = f"Add it to {where}: currency, month, kind budget, rate."
        findings.append(Finding("breach", "rates", "rate", message, remedy))
    return findings


def _periods(tables, sources, company, cycle) -> list[Finding]:
    """Calendars with holes, fiscal years that are no twelve periods, days and quarters outside."""
    calendar, sales = tables["calendar"].sort_values("month", ignore_index=True), tables["sales"]
    findings = []

    def breach(table: str, column: str, message: str, remedy: str) -> None:
        findings.append(Finding("breach", table, column, message, remedy))

    if len(calendar):
        label = sources["calendar"].label
        after = calendar["last_date"] + pd.Timedelta(days=1)
        jumps = calendar["first_date"].iloc[1:].ne(after.shift(1).iloc[1:])
        if jumps.any():
            month = months.label(calendar.loc[jumps.idxmax(), "month"])
            message = f"the period {month} does not begin on the day after the one before it ends."
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
            findings.append(
                at("sales", sales, outside, sources["sales"], "date", message, remedy, shown=shown)
            )
    for name in sources:
        if "quarter" in tables[name].columns:
            quarter = tables[name]["quarter"]
            off = quarter.notna() & (
                (quarter.dt.month - company["fiscal_year_first_month"]) % 3 > 0
            )
            if off.any():
                message = "no quarter of the fiscal year begins in this month."
                remedy = "Write the quarter's first month, or set fiscal_year_first_month in "
                remedy += "company.yml."
                shown = quarter.dt.strftime("%Y-%m")
                findings.append(
                    at(
                        name,
                        tables[name],
                        off,
                        sources[name],
                        "quarter",
                        message,
                        remedy,
                        shown=shown,
                    )
                )
    last = months.shift(cycle, -1)
    for name in ("inventory", "production"):
        ends = tables[name]["month"][tables[name]["month"] < cycle].max()
        if name in sources and not ends >= last:
            end = months.label(ends) if pd.notna(ends) else "before it begins"
            message = f"it ends {end}, before the last closed month {months.label(last)}."
            remedy = f"Load {months.label(last)} into {sources[name].label}."
            findings.append(Finding("notice", name, "month", message, remedy))
    return findings


def _controls(tables, sources) -> list[Finding]:
    """Controls of tables or columns that do not exist, or were not given."""
    findings = []
    controls = tables["controls"]
    for (name, measure), _ in controls.groupby(["table", "measure"]):
        rows = (controls["table"] == name) & (controls["measure"] == measure)
        column, word, known = "table", name, sorted(schema.RAW)
        if name in schema.RAW and "month" in schema.RAW[name].column_names:
            numbers = [c.name for c in schema.RAW[name].columns if c.kind == "number"]
            if measure in numbers:
                continue
            column, word, known = "measure", measure, numbers
        message, hint = f"{word} cannot be controlled by month.", nearest(word, known)
        findings.append(at("controls", controls, rows, sources["controls"], column, message, hint))
    return findings


def _departments(tables, sources, departments) -> list[Finding]:
    """Departments that submit in the latest cycle, and that company.yml does not name."""
    said = tables["submissions"]
    latest = said["cycle"] == said["cycle"].max()
    strange = latest & ~said["department"].isin(departments)
    if not departments or not strange.any():
        return []
    name = said.loc[strange, "department"].iloc[0]
    message = f"{name} is not among the departments of company.yml."
    hint = nearest(name, list(departments))
    source = sources["submissions"]
    return [at("submissions", said, strange, source, "department", message, hint, state="notice")]


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
    return _share(_row_money(tables), tables["sales"]["item"], items, rows)


def _share(money: pd.Series, item_of_row: pd.Series, items: tuple, rows: tuple) -> float:
    if not money.sum():
        return float("nan")
    touched = money.iloc[list(rows)] if rows else money[item_of_row.isin(items)]
    return float(touched.sum() / money.sum())


def findings_table(findings: list[Finding], tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Findings as a table, breaches first, ranked by the money they touch."""
    records = []
    touching = [finding.items or finding.sales_rows for finding in findings]
    has_money = any(touching) and not tables["sales"].empty
    money = _row_money(tables) if has_money else None
    for finding, touches in zip(findings, touching, strict=True):
        share = float("nan")
        if has_money and touches:
            share = _share(money, tables["sales"]["item"], finding.items, finding.sales_rows)
        records.append({name: getattr(finding, name, share) for name in COLUMNS})
    found = pd.DataFrame(records, columns=COLUMNS)
    found = found.astype({"money_share": "float64", "rows": "int64"})
    return found.sort_values(
        ["state", "money_share", "table"], ascending=[True, False, True], kind="stable"
    ).reset_index(drop=True)
