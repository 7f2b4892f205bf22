"""What only several raw tables together can tell, and the money that each finding touches."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from graphlib import CycleError, TopologicalSorter

import pandas as pd

from sopkit import currencies, methods, months, schema
from sopkit.contract import COLUMNS, Finding, Source, at, counted, near, nearest, some

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
    "like_item": ("items", "item"),
    "replaces_item": ("items", "item"),
}
_ABOVE = {  # level: the table that tells the levels above it; the lowest last
    "family": ("items", ("category",)),
    "item": ("items", ("family", "category")),
    "location": ("locations", ("region",)),
    "channel": ("channels", ("segment",)),
}
MONEY = {"sales", "locations", "rates"}  # what money of sales is made from
_PLANNED_MONEY = {  # table: its columns of money to come, in the currency of the row's location
    "budget": ["revenue_value", "margin_value"],
    "prices": ["unit_price_value", "unit_cost_value"],
    "submissions": ["revenue_value"],
    "overrides": ["revenue_value"],
}
_MEASURES = {"targets": "kpi", "controls": "measure"}  # columns that name what is money
_LARGE_RATE = 3.0  # change of demand by an event that more likely was written in percent
_BY_FAMILY = ("service_levels", "frozen_months", "firm_months")  # settings


def check_across(
    tables: dict[str, pd.DataFrame],
    sources: dict[str, Source],
    company: pd.Series,
    cycle: pd.Timestamp,
    names: dict[str, list[str]] | None = None,
    broken: Collection[str] = (),
) -> list[Finding]:
    """What only several tables together can tell: unknown members, rates, units, controls.

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
    names : dict of list, optional
        Words that sopkit itself knows, by the column that holds them: ``kpi``, ``step``.
    broken : collection of str, optional
        Tables refused before, empty here and not among the sources: what needs them is not checked.
    """

    def is_whole(needed: str) -> bool:
        return not set(needed.split()) & set(broken)

    findings = []
    if "items" in sources and is_whole("sales locations rates"):
        findings += _unknown_items(
            valued(tables, company, cycle), sources, company["tolerance_rate"]
        )
    if "items" in sources and is_whole("sales prices routings"):
        findings += _left_unsaid(tables, sources)
        findings += _units(tables, sources, company["tolerance_rate"])
    for name in sources:
        for column in _MEMBERS.keys() & set(tables[name].columns):
            other, named = _MEMBERS[column]
            if other in sources and (name, column) != (other, named):
                known, where = set(tables[other][named].dropna()), f"in {other}"
                remedy = f"Correct it, or add it to {sources[other].label}."
                findings += _unknown_members(tables, sources, name, column, known, where, remedy)
        for column, known in (names or {}).items():
            if column in tables[name].columns:
                where = f"a {column} of sopkit"
                findings += _unknown_members(tables, sources, name, column, known, where)
    findings += _alike(tables, sources)
    findings += _settings(tables, company, (names or {}).get("step", []))
    findings += _circles(tables, sources)
    if is_whole("sales locations rates"):
        findings += _rates(tables, sources, company["currency"], cycle)
        findings += _unpriced_plans(tables, sources, company, cycle)
    if is_whole("locations"):
        findings += _other_currencies(tables, sources, company["currency"])
    if is_whole(" ".join(tables["controls"]["table"].dropna())):
        findings += _controls(tables, sources)
    if is_whole("sales locations"):
        findings += _sites(tables, sources)
    if is_whole("routings capacity"):
        findings += _hours(tables, sources)
    findings += _at_once(tables, sources)
    findings += _minimums(tables, sources)
    findings += _events(tables, sources)
    if is_whole("items launches"):
        findings += _launches(tables, sources)
    findings += _overrides(tables, sources) + _policies(tables, sources)
    return findings + _submissions(tables, sources, company)


def valued(
    tables: dict[str, pd.DataFrame], company: pd.Series, cycle: pd.Timestamp
) -> dict[str, pd.DataFrame]:
    """The tables with money of sales in the company's currency, missing where no rate is known."""
    known = tables | {"company": company.to_frame().T}
    kind = {"cycle": cycle, "kind": currencies.ACTUAL}
    sales = currencies.in_company_currency(tables["sales"], ["revenue_value"], known, **kind)
    return tables | {"sales": sales}


def _on(tables, sources, name, mask, column, message, remedy, state="notice", shown=None):
    """A finding on rows of one table."""
    frame, source = tables[name], sources[name]
    return at(name, frame, mask, source, column, message, remedy, state=state, shown=shown)


def _unknown_items(tables, sources, tolerance_rate) -> list[Finding]:
    """Items that ``items`` does not know: a breach where they touch too much money."""
    known = set(tables["items"]["item"])
    findings = []
    for name in sources:
        column = "component" if name == "components" else "item"
        if name in ("items", "launches") or column not in tables[name].columns:
            continue
        rows = tables[name][column]
        unknown = rows.notna() & (rows != schema.ALL) & ~rows.isin(known)
        if not unknown.any():
            continue
        members = tuple(sorted(rows[unknown].unique()))
        is_breach = name == "sales" and (money_share(tables, items=members) > tolerance_rate)
        remedy = f"Add {some(members)} to {sources['items'].label}"
        remedy += ", or raise tolerance_rate in company.yml." if is_breach else "."
        alike = {_plain(item): item for item in known}.get(_plain(members[0]))
        if alike:
            remedy += f" Did you mean {alike!r}?"
            remedy += " Excel drops leading zeros." if alike.startswith("0") else ""
        message = counted(len(members), "item is not", "items are not") + " in items; "
        message += ("it counts" if len(members) == 1 else "they count") + " as unassigned."
        state = "breach" if is_breach else "notice"
        findings.append(_on(tables, sources, name, unknown, column, message, remedy, state))
    return findings


def _plain(item: str) -> str:
    """An item's letters and figures, without what a spreadsheet or a hand may change."""
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", item)).casefold().lstrip("0")


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
            message = f"{counted(len(members), 'sold item has', 'sold items have')} no {column}."
            remedy, first = f"Fill it in {sources[place].label}.", f"item {members[0]}"
            rows = (len(members), first, members)
            findings.append(Finding("notice", place, column, message, remedy, *rows))
    return findings


def _unknown_members(tables, sources, name, column, known, where, remedy="") -> list[Finding]:
    """Members that are not known where they should be, with the nearest to the first of them."""
    rows = tables[name][column]
    unknown = rows.notna() & (rows != schema.ALL) & ~rows.isin(known)
    if not unknown.any() or not known:
        return []
    members = tuple(sorted(rows[unknown].unique()))
    message = f"{some(members)} {'is' if len(members) == 1 else 'are'} not {where}."
    remedy = f"{remedy} {nearest(members[0], sorted(known))}".strip()
    return [_on(tables, sources, name, unknown, column, message, remedy)]


def _alike(tables, sources) -> list[Finding]:
    """Names that differ in capitals or wide signs only: one may have been written in two ways."""
    findings = []
    for name, column in sorted(where for where in set(_MEMBERS.values()) if where[0] in sources):
        known = tables[name][column].dropna().drop_duplicates()
        plain = known.astype("str").str.normalize("NFKC").str.casefold()
        twins = known[plain.duplicated(keep=False)]
        if len(twins):
            message = f"{some(sorted(twins))} differ in capitals only; each counts for itself."
            if not twins.str.casefold().duplicated().any():
                message = message.replace("capitals", "wide signs or spaces")
            remedy = f"Write one of them everywhere, in {sources[name].label} too."
            findings.append(Finding("notice", name, column, message, remedy, len(twins)))
    return findings


def _settings(tables, company, steps) -> list[Finding]:
    """Members that settings of company.yml name and no table knows."""
    families, sales = set(tables["items"]["family"].dropna()), tables["sales"]
    silent = [str(word) for word in company["unknown_sales"]]
    silent = [word for word in silent if not re.fullmatch(r"\d{4}-\d\d", word)]
    places = {*sales["location"], *sales["channel"]} if silent else {}
    asked = [(name, company[name], {"default", *families}) for name in _BY_FAMILY if families]
    asked += [("unknown_sales", silent, places), ("meetings", company["meetings"], steps)]
    asked += [("timeout_minutes", company["timeout_minutes"], {"default", *steps} if steps else {})]
    said = [(name, str(word), sorted(known)) for name, words, known in asked for word in words]
    return [
        Finding("notice", "company.yml", name, f"nobody knows {word!r}.", nearest(word, known))
        for name, word, known in said
        if known and word not in known
    ]


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
    members = tuple(sold.loc[lacking, "item"])
    message = counted(len(members), "item has", "items have")
    message += " none while others have; each counts as one."
    if len(units) > 1:
        shown = some(sorted(unit or "no unit" for unit in units))
        message = f"items are counted in {shown}, and not all have a planning_factor: totals are "
        message += "added in money."
    remedy = f"Give each item of {label} its planning_factor."
    rows = (len(members), f"item {members[0]}", members)
    findings = [Finding("notice", "items", "planning_factor", message, remedy, *rows)]
    if len(units) > 1 and without.any():
        members = tuple(sold.loc[without, "item"])
        share = sales["quantity"][sales["item"].isin(members)].sum() / sales["quantity"].sum()
        state = "breach" if share > tolerance_rate else "notice"
        message = counted(len(members), "item has", "items have")
        message += " neither planning_factor nor price, so no total can hold them."
        remedy = f"Give {some(members)} a planning_factor or a price in {label}."
        rows = (len(members), "", members)
        findings.append(Finding(state, "items", "planning_factor", message, remedy, *rows))
    return findings


def _circles(tables, sources) -> list[Finding]:
    """Sites that supply each other, items in or in place of themselves, by their chain."""
    pairs = [("locations", "location", "supplied_from"), ("components", "item", "component")]
    pairs += [("launches", "item", "replaces_item")]
    findings = []
    for name, child, parent in pairs:
        edges = tables[name][[child, parent]].dropna()
        if name == "locations":  # a site that names itself is the head of its chain
            edges = edges[edges[child] != edges[parent]]
        if chain := circle(edges[child].tolist(), edges[parent].tolist()):
            remedy = f"Take one of its links out in {sources[name].label}."
            message = f"a circle: {' → '.join(chain)}."
            findings.append(Finding("breach", name, parent, message, remedy))
    return findings


def circle(children: list[str], parents: list[str]) -> list[str]:
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
    closed, findings = sales["month"] < cycle, []
    if not closed.any():  # the cause is said of sales
        return []
    if (own := rates["currency"] == currency).any():
        message = f"a rate of {currency}, the company's own currency: nobody reads it."
        remedy = f"Take it out of {where}."
        findings.append(_on(tables, sources, "rates", own, "currency", message, remedy))
    has_money = closed & sales["revenue_value"].notna() & named.notna()
    rate = currencies.rates_of(named, sales["month"], rates, cycle, currencies.ACTUAL)
    lacking, given = has_money & ~(rate > 0), set(rates["currency"])
    if lacking.any():
        first = sales.loc[lacking, "month"].idxmin()
        name, message = named[first], f"no actual rate of {named[first]} in "
        message += f"{months.label(sales.loc[first, 'month'])}."
        hint = "" if name in given else near(name, given)
        remedy = f"Add it to {where}: currency, month, kind actual, rate. {hint}".strip()
        rows = (lacking, "revenue_value", message, remedy, "breach")
        findings.append(_on(tables, sources, "sales", *rows))
    currency_names = pd.Series(sorted(named.dropna().unique()))
    ahead = pd.Series(cycle, index=currency_names.index)
    plan = currencies.rates_of(currency_names, ahead, rates, cycle, currencies.PLAN)
    unknown = list(currency_names[~(plan > 0)])
    if unknown:
        message = f"no rate of {', '.join(unknown)} to plan with in {months.label(cycle)}."
        hint = "" if unknown[0] in given else near(unknown[0], given)
        remedy = f"Add it to {where}: currency, month, kind budget, rate. {hint}".strip()
        findings.append(Finding("breach", "rates", "rate", message, remedy))
    return findings


def _unpriced_plans(tables, sources, company, cycle) -> list[Finding]:
    """Money to come of places that sold nothing yet, in a currency without a rate to plan with."""
    named, rates = tables["locations"].set_index("location")["currency"].to_dict(), tables["rates"]
    told = {named.get(place) for place in tables["sales"]["location"].unique()}
    findings, known = [], tables | {"company": company.to_frame().T}
    for name, measures in _PLANNED_MONEY.items():
        rows = tables[name]
        converted = currencies.in_company_currency(rows, measures, known, cycle=cycle)
        lacking = (rows[measures].notna() & converted[measures].isna()).any(axis=1)
        own = rows["location"].map(named)
        lacking &= ~own.isin(told)  # of the others the rates tell it
        if name in sources and lacking.any():
            currency = own[lacking].iloc[0]
            message = f"no rate of {currency} to plan with: this money cannot be compared."
            where = sources["rates"].label if "rates" in sources else "data/raw/rates.csv"
            remedy = f"Add it to {where}: currency, month, kind budget, rate."
            remedy = f"{remedy} {near(currency, set(rates['currency']))}".strip()
            findings.append(
                _on(tables, sources, name, lacking, measures[0], message, remedy, "breach")
            )
    return findings


def _other_currencies(tables, sources, currency) -> list[Finding]:
    """Money said in a column `currency`, which is not read, to be in another than it is taken for.

    Where the company names no currency of its own, one that all rows name is taken to be it.
    """
    findings = []
    for name in sources:
        rows, own = tables[name], schema.RAW[name].column_names
        if "currency" in own or "currency" not in rows:
            continue
        said, (taken, place) = rows["currency"], _taken_for(name, tables, currency)
        if currency == schema.COMPANY["currency"].default and said.nunique() == 1:
            continue
        is_money = rows[[column for column in own if column.endswith("_value")]].notna().any(axis=1)
        if name in _MEASURES:
            is_money = rows[_MEASURES[name]].str.endswith("_value", na=False)
        is_other = is_money & said.notna() & (said.str.casefold() != taken.str.casefold())
        if is_other.any():
            words = f"{place}, else the company's" if place else "the company's currency"
            message = f"it is not read: money of {name} is in {words}, here "
            message += f"{taken[is_other].iloc[0]}."
            remedy = "Convert the money" + (f" or name {place}, with its rates" if place else "")
            remedy += f"; then take the column out of {sources[name].label}."
            told = ("currency", message, remedy, "breach", said)
            findings.append(_on(tables, sources, name, is_other, *told))
    return findings


def _taken_for(name, tables, currency) -> tuple[pd.Series, str]:
    """The currency that money of each row is taken for, and what says it; blank: the company."""
    rows = tables[name]
    if name == "targets":
        return rows["unit"].fillna("value").replace("value", currency), "its unit"
    if name in {"sales", *_PLANNED_MONEY}:
        named = schema.lookup(rows["location"], tables["locations"], "currency", on="location")
        return named.fillna(currency), "the currency of its location (locations.currency)"
    return pd.Series(currency, index=rows.index, dtype="str"), ""


def _sites(tables, sources) -> list[Finding]:
    """Stock and receipts at places that neither sell nor supply a place that sells."""
    above = tables["locations"].set_index("location")["supplied_from"].dropna().to_dict()
    served = set(tables["sales"]["location"].unique())
    for _ in above:
        served |= {above[place] for place in served & above.keys()}
    findings = []
    for name in ("inventory", "scheduled_receipts"):
        apart = ~tables[name]["location"].isin(served)
        if name in sources and apart.any():
            places = tuple(sorted(tables[name].loc[apart, "location"].unique()))
            words = (
                f"{some(places)} neither sells nor supplies a place that does, so it is not used."
            )
            if schema.ALL in places:
                words = (
                    "no location is given, but sales name locations: nobody can tell whose it is."
                )
            remedy = (
                "Name the place that holds it, or who supplies whom in supplied_from of locations."
            )
            state = "breach" if apart.all() or schema.ALL in places else "notice"
            findings.append(_on(tables, sources, name, apart, "location", words, remedy, state))
    return findings


def _hours(tables, sources) -> list[Finding]:
    """Resources that items pass and that have no hours in any month."""
    used, given = tables["routings"]["resource"], tables["capacity"]
    has_hours = set(given.loc[given["regular_hours"] > 0, "resource"])
    empty = ~(tables["resources"]["regular_hours"] > 0)
    empty &= tables["resources"]["resource"].isin(used)
    empty &= ~tables["resources"]["resource"].isin(has_hours)
    if "resources" not in sources or not empty.any():
        return []
    names = some(tuple(tables["resources"].loc[empty, "resource"]))
    message = f"{names} has no hours in any month, so what passes it cannot be made."
    remedy = "Write the hours of a usual month, or take the resource out of routings."
    return [_on(tables, sources, "resources", empty, "regular_hours", message, remedy)]


def _at_once(tables, sources) -> list[Finding]:
    """Bought items that would arrive in the moment they are ordered."""
    items, suppliers, findings = tables["items"], tables["suppliers"], []
    at_once = items["is_purchased"].fillna(False).astype(bool) & (items["lead_time_days"] == 0)
    for name, rows in (("items", at_once), ("suppliers", suppliers["lead_time_days"] == 0)):
        if name in sources and rows.any():
            message = "a lead time of 0 days: what is ordered would be in stock at once."
            remedy = "Write the days from order to receipt, or leave the cell blank."
            remedy = remedy if name == "items" else "Write the days from order to receipt."
            findings.append(_on(tables, sources, name, rows, "lead_time_days", message, remedy))
    return findings


def _minimums(tables, sources) -> list[Finding]:
    """Suppliers that take no order as small as all they can deliver in a month."""
    least = tables["suppliers"]["minimum_order"]
    above = least > tables["suppliers"]["monthly_limit"]
    if "suppliers" not in sources or not above.any():
        return []
    message = "it is above monthly_limit: the limit counts as the minimum."
    remedy = f"Correct one of the two in {sources['suppliers'].label}."
    told = ("minimum_order", message, remedy)
    return [_on(tables, sources, "suppliers", above, *told, shown=least)]


def _controls(tables, sources) -> list[Finding]:
    """Controls of tables or columns that do not exist, or were not given."""
    findings = []
    controls = tables["controls"]
    for (name, measure), _ in controls.groupby(["table", "measure"]):
        rows = (controls["table"] == name) & (controls["measure"] == measure)
        column, word = "table", f"no table {name!r} with months."
        known = [n for n, table in schema.RAW.items() if "month" in table.column_names]
        if name in schema.RAW and "month" in schema.RAW[name].column_names:
            numbers = [c.name for c in schema.RAW[name].columns if c.kind == "number"]
            if measure in numbers:
                if name not in sources:
                    word = f"{name} was not given, so finance's total has nothing beside it."
                    told = ("table", word, f"Bring {name}, or take the row out.")
                    findings.append(_on(tables, sources, "controls", rows, *told))
                continue
            column, word, known = "measure", f"{name} has no numbers {measure!r}.", numbers
        hint = nearest(name if column == "table" else measure, sorted(known))
        remedy = f"Mend it in {sources['controls'].label}. {hint}"
        findings.append(_on(tables, sources, "controls", rows, column, word, remedy, "breach"))
    return findings


def _submissions(tables, sources, company) -> list[Finding]:
    """Of the latest cycle: departments that company.yml does not name."""
    said, name = tables["submissions"], "submissions"
    if name not in sources:
        return []
    latest = said["cycle"] == said["cycle"].max()
    named = {name: said.assign(department=said["department"].where(latest))}
    where, known = "among the departments of company.yml", set(company["departments"])
    return _unknown_members(named, sources, name, "department", known, where)


def _launches(tables, sources) -> list[Finding]:
    """New items that are not planned, or at another size than told: months, weights."""
    told, items, name = tables["launches"], tables["items"], "launches"
    if name not in sources:
        return []
    findings, where = [], sources["items"].label if "items" in sources else "data/raw/items.csv"
    is_new = ~told["item"].isin(tables["sales"]["item"])
    is_known = told["item"].isin(items["item"])
    begins = schema.lookup(told["item"], items, "launch_month").notna()
    for rows, words, near_to in (
        (is_new & ~is_known, "not in items, so not planned", sorted(items["item"])),
        (is_new & is_known & ~begins, "without launch_month in items, so not planned", []),
    ):
        if rows.any():
            members = sorted(told.loc[rows, "item"].unique())
            remedy = f"Add it to {where} with its launch_month."
            remedy += f" {nearest(members[0], near_to)}" if near_to else ""
            message = f"{some(members)}: {words}."
            findings.append(_on(tables, sources, name, rows, "item", message, remedy))
    total = told.groupby("item")["weight_share"].transform("sum")
    for item, own in total[(total - 1.0).abs() > schema.WEIGHT_TOLERANCE].groupby(told["item"]):
        message = f"the weights of {item} sum to {own.iloc[0]:.2f}: they are used as they are."
        remedy = "Make them 1; scale_rate says how large it is beside its like items."
        rows = told["item"] == item
        findings.append(_on(tables, sources, name, rows, "weight_share", message, remedy))
    if (own := told["item"] == told["like_item"]).any():
        remedy = f"Name another like item in {sources[name].label}, or take the row out."
        words = ("an item cannot be like itself.", remedy)
        findings.append(_on(tables, sources, name, own, "like_item", *words, state="breach"))
    return findings


def _overrides(tables, sources) -> list[Finding]:
    """Changes by hand of months that had passed when they were entered."""
    said, name = tables["overrides"], "overrides"
    past = said["month"] < said["cycle"]
    if name not in sources or not past.any():
        return []
    message = "a month before the cycle it was entered in: it changes nothing."
    remedy = f"Correct the month or the cycle in {sources[name].label}."
    return [_on(tables, sources, name, past, "month", message, remedy)]


def _events(tables, sources) -> list[Finding]:
    """Events that make demand four times as large, and those that are there twice."""
    said, findings = tables["events"], []
    if "events" not in sources:
        return findings
    place = sources["events"].label
    large, rate = said["expected_rate"] > _LARGE_RATE, "expected_rate"
    if large.any():
        first = said.loc[large, rate].iloc[0]
        message = f"{first:g} means {first:+,.0%}."
        remedy = f"Write {first / 100:g} for {first:g} %, in {place}."
        told = (rate, message, remedy)
        findings.append(_on(tables, sources, "events", large, *told, shown=said[rate]))
    key = ["kind", "first_month", "last_month", *schema.LEVELS]
    twice = said.assign(**said[schema.LEVELS].fillna(schema.ALL)).duplicated(key, keep=False)
    if twice.any():
        message = f"{some(said.loc[twice, 'event'])} are alike in kind, months and levels: of past "
        message += "ones the effect is shared, of coming ones each counts."
        remedy = f"If they are one, keep one of them in {place}."
        findings.append(_on(tables, sources, "events", twice, "event", message, remedy))
    return findings


def _policies(tables, sources) -> list[Finding]:
    """Rows of `policies` that count for nothing: what they lack, models that nobody knows."""
    said, name = tables["policies"], "policies"
    if name not in sources:
        return []
    own, findings = said["kind"] == "layer", []
    remedy = f"Fill it in {sources[name].label}."
    for column, words in (
        ("layer", "kind is layer, and none is named: the row counts for nothing."),
        ("is_accepted", "neither true nor false: the row counts for nothing."),
    ):
        if (lacking := own & said[column].isna()).any():
            findings.append(_on(tables, sources, name, lacking, column, words, remedy))
    return findings + _choices(tables, sources)


def _choices(tables, sources) -> list[Finding]:
    """Models that cannot be chosen, and more series than statsmodels can be asked for."""
    said, name = tables["policies"], "policies"
    chosen = said[said["kind"] == "model"]
    words = chosen[["model", "parameters"]].fillna("")
    why = pd.Series([methods.objection(*row) for row in words.itertuples(index=False)], words.index)
    findings = []
    for text in why[why != ""].unique():
        rows = why.reindex(said.index, fill_value="") == text
        column = "parameters" if words.loc[why == text, "model"].isin(methods.METHODS).all() else ""
        message = f"{text} The row counts for nothing."
        remedy = f"Correct it in {sources[name].label}."
        findings.append(_on(tables, sources, name, rows, column or "model", message, remedy))
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
