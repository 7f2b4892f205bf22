"""Do we make the year: actual to date and plan to go, beside budget, last year, last outlook.

All of it by fiscal year, for this one and the next. A sum that lacks the amount of a month it needs
is missing; a family that has no row in a month sold or plans nothing there.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema

MEASURES = {"revenue": "revenue_value", "margin": "margin_value", "units": "quantity"}
_UNITS = {"revenue": "value", "margin": "value", "units": "quantity"}
KEY = ["fiscal_year", "family", "measure"]


def monthly(closed: pd.DataFrame, financials: pd.DataFrame) -> pd.DataFrame:
    """Closed and planned months one below the other, a row a family, month and measure.

    Parameters
    ----------
    closed, financials : DataFrame
        Tables `closed_financials` and `financials`.

    Returns
    -------
    DataFrame
        Key ``family, month, measure`` (revenue and margin in money, units in the planning unit):
        ``amount``, ``supplied`` (what supply can follow), ``budget``, and ``budgeted``, the part of
        the amount that the budget speaks of.
    """
    both = pd.concat([closed.rename(columns={"net": "quantity"}), financials], ignore_index=True)
    parts = []
    for measure, name in MEASURES.items():
        budgeted = both["budgeted_revenue_value"] if measure == "revenue" else both[name]
        parts.append(
            both[["family", "month"]].assign(
                measure=measure,
                amount=both[name],
                supplied=both[f"supply_{name}"].fillna(both[name]),
                budget=both[f"budget_{name}"],
                budgeted=budgeted,
            )
        )
    return pd.concat(parts, ignore_index=True)


def outlook(
    months_of: pd.DataFrame,
    quarters: pd.DataFrame,
    last: pd.DataFrame,
    *,
    cycle: pd.Timestamp,
    terms: tuple[int, int],
) -> pd.DataFrame:
    """Table ``outlook``.

    Parameters
    ----------
    months_of : DataFrame
        From ``monthly``.
    quarters : DataFrame
        Table `quarters`: revenue that is budgeted by quarter has its year from there.
    last : DataFrame
        Table `outlook` of the last cycle; empty where there was none.
    cycle : Timestamp
        Month in which the plan is made.
    terms : tuple of int
        First month of the fiscal year, and by how much its name differs from the year it ends in.

    Returns
    -------
    DataFrame
        Key ``fiscal_year, family, measure``, this year and the next, the company first, then the
        largest; ``unit`` (value or quantity): ``actual`` of its closed
        months, ``plan_to_go`` and ``supplied_to_go``, their sums ``outlook`` and
        ``supplied_outlook``; ``budget`` (every month of the year has one), ``budgeted``, what the
        budget speaks of; ``last_year`` (the outlook of this year is the next one's);
        ``last_outlook``; ``months_closed``, ``months_to_go``. Growth on the same months of last
        year: ``growth_to_date_rate``, ``growth_planned_rate`` of the months to go, and
        ``growth_needed_rate``, what they would need to make the budget.
    """
    this_year = int(months.fiscal_year(pd.Series([cycle]), *terms).iloc[0])
    own = _in_years(months_of, cycle, terms)
    before = months_of.assign(month=months.from_number(months.number(months_of["month"]) + 12))
    before = _in_years(before, cycle, terms)
    is_shown, is_before = (t["fiscal_year"].isin([this_year, this_year + 1]) for t in (own, before))
    own, before = own[is_shown], before[is_before]
    keys = pd.concat([own[KEY], before[KEY]]).drop_duplicates().sort_values(KEY)
    index = pd.MultiIndex.from_frame(keys)

    def part(rows: pd.DataFrame, name: str, *, is_closed: bool) -> pd.Series:
        rows = rows[rows["is_closed"] == is_closed]
        return _strict(rows, KEY, name).reindex(index, fill_value=0.0)

    actual, to_go = (part(own, "amount", is_closed=closed) for closed in (True, False))
    supplied, whole = part(own, "supplied", is_closed=False), actual + to_go
    known = own.drop_duplicates(["fiscal_year", "month"]).groupby("fiscal_year")["is_closed"]
    year = index.get_level_values("fiscal_year")
    closed_count = year.map(known.sum()).to_numpy()
    to_go_count = year.map(known.size() - known.sum()).to_numpy()
    past = before.drop_duplicates(["fiscal_year", "month"]).groupby("fiscal_year")["is_closed"]
    to_date_then = part(before, "amount", is_closed=True)
    to_date_then = to_date_then.where(year.map(past.sum()).to_numpy() == closed_count)
    to_go_then = part(before, "amount", is_closed=False)
    then_count = year.map(past.size() - past.sum()).to_numpy()
    to_go_then = to_go_then.where(then_count == to_go_count)
    budget = _budget(own, quarters, whole, terms)
    needed = to_go + budget["budget"] - budget["budgeted"]
    last = last.set_index(KEY)["outlook"].reindex(index) if len(last) else np.nan
    table = pd.DataFrame(
        {
            "unit": index.get_level_values("measure").map(_UNITS),
            "actual": actual,
            "plan_to_go": to_go,
            "supplied_to_go": supplied,
            "outlook": whole,
            "supplied_outlook": actual + supplied,
            "budget": budget["budget"],
            "budgeted": budget["budgeted"],
            "last_year": to_date_then + to_go_then,
            "last_outlook": last,
            "months_closed": closed_count,
            "months_to_go": to_go_count,
            "growth_to_date_rate": _growth(actual, to_date_then),
            "growth_planned_rate": _growth(to_go, to_go_then),
            "growth_needed_rate": _growth(needed, to_go_then),
        },
        index=index,
    ).reset_index()
    table = table.assign(is_part=table["family"] != schema.COMPANY_LABEL, size=-table["outlook"])
    by = ["fiscal_year", "is_part", "size", "family", "measure"]
    return table.sort_values(by, ignore_index=True).drop(columns=["is_part", "size"])


def _in_years(rows: pd.DataFrame, cycle: pd.Timestamp, terms: tuple[int, int]) -> pd.DataFrame:
    """The rows with their fiscal year, and whether their month is closed."""
    year = months.fiscal_year(rows["month"], *terms).astype("int64")
    return rows.assign(fiscal_year=year, is_closed=rows["month"] < cycle)


def _strict(rows: pd.DataFrame, key: list[str], name: str) -> pd.Series:
    """Sums by key, missing where any part is."""
    groups = rows.groupby(key)[name]
    return groups.sum().where(groups.count() == groups.size())


def _growth(amount: pd.Series, before: pd.Series) -> pd.Series:
    return amount / before.where(before > 0) - 1.0


def _budget(
    own: pd.DataFrame, quarters: pd.DataFrame, whole: pd.Series, terms: tuple[int, int]
) -> pd.DataFrame:
    """Budget of each year, where all of it has one, and what of the outlook it speaks of."""
    groups = own.groupby(KEY)["budget"]
    by_month = groups.sum().where(groups.count() == 12)
    year = months.fiscal_year(quarters["quarter"], *terms).astype("int64")
    groups = quarters.assign(fiscal_year=year, measure="revenue").groupby(KEY)
    by_quarter = groups["budget_revenue_value"]
    by_quarter = by_quarter.sum().where(by_quarter.count() == 4)
    budget = by_quarter.combine_first(by_month).reindex(whole.index)
    table = pd.DataFrame({"budget": budget, "budgeted": _strict(own, KEY, "budgeted")})
    table = table.reindex(whole.index).reset_index()
    # margin and units say which families a budget covers only through the families themselves
    is_company, is_revenue = table["family"] == schema.COMPANY_LABEL, table["measure"] == "revenue"
    is_covered = np.isclose(table["budgeted"], whole, rtol=1e-9) & is_revenue & is_company
    years = table.loc[is_covered, "fiscal_year"]
    by = ["fiscal_year", "measure"]
    all_have = table["budget"].notna().where(~is_company, True)
    all_have = all_have.groupby([table[name] for name in by]).transform("all")
    is_partial = is_company & ~is_revenue & ~table["fiscal_year"].isin(years) & ~all_have
    return table.assign(budget=table["budget"].mask(is_partial)).set_index(KEY)


def outlook_bridge(
    table: pd.DataFrame,
    months_of: pd.DataFrame,
    last_plan: pd.DataFrame,
    exchange: pd.Series,
    *,
    cycle: pd.Timestamp,
    terms: tuple[int, int],
) -> pd.DataFrame:
    """Table ``outlook_bridge``: from budget, last year and last outlook to the company's outlook.

    Parameters
    ----------
    table, months_of : DataFrame
        From ``outlook`` and ``monthly``.
    last_plan : DataFrame
        Table `financials` of the last cycle; empty where there was none.
    exchange : Series
        By month: planned revenue less what it were at the exchange rates of a year before.
    cycle, terms
        As for ``outlook``.

    Returns
    -------
    DataFrame
        Key ``fiscal_year, comparator, step``; ``kind`` total or step, ``amount_value`` of revenue;
        ``place`` in the bridge: the comparator, steps that add up to the outlook, the outlook,
        and, but for the last outlook, ``supply`` and the outlook as supplied. Months to go are told
        apart by family: volume at the comparator's mean price, the rest price and mix within the
        family. Families whose comparator has no units, and a budget of no family, are
        ``not told apart``.
    """
    key = ["family", "month"]
    ours, units = (
        months_of[months_of["measure"] == measure].drop(columns="measure")
        for measure in ("revenue", "units")
    )
    both = ours.merge(units, on=key, validate="one_to_one", suffixes=("", "_units"))
    both = both.rename(columns={"amount_units": "units"})
    a_year_on = months.from_number(months.number(both["month"]) + 12)
    beside = {  # comparator: its column, its own months, what of ours it is compared with
        "budget": (both.assign(then=both["budget"], then_units=both["budget_units"]), "budgeted"),
        "last year": (
            both.assign(month=a_year_on, then=both["amount"], then_units=both["units"]),
            "amount",
        ),
        "last outlook": (
            last_plan.assign(then=last_plan["revenue_value"], then_units=last_plan["quantity"]),
            "amount",
        ),
    }
    company = table[(table["family"] == schema.COMPANY_LABEL) & (table["measure"] == "revenue")]
    rows = []
    for total in company.to_dict("records"):
        for name, (then, compared) in beside.items():
            start, end = total[name.replace(" ", "_")], total["outlook"]
            if np.isnan(start) or np.isnan(end):
                continue
            parts = [
                _of_year(_in_years(part, cycle, terms), total["fiscal_year"], columns)
                for part, columns in ((both, [compared, "units"]), (then, ["then", "then_units"]))
            ]
            like = total["budgeted"] if name == "budget" else end
            told = _told_apart(*parts)
            rates = _in_years(exchange.rename("rates").reset_index(), cycle, terms)
            is_own = (rates["fiscal_year"] == total["fiscal_year"]) & (name == "last year")
            told["exchange rates"] = float(rates.loc[is_own, "rates"].sum())
            told["price and mix, months to go"] -= told["exchange rates"]
            now, before = (part.iloc[:, 0].get(schema.COMPANY_LABEL, 0.0) for part in parts)
            told["months to go, not told apart"] = now - before - sum(told.values())
            steps = {"closed months": like - now - (start - before)} | told
            steps["families without a budget"] = end - like
            supply = total["supplied_outlook"] - end
            steps = {step: amount for step, amount in steps.items() if abs(amount) > 1e-6}
            totals = {name: start} | steps | {"outlook": end}
            if name != "last outlook":  # which was of demand, too
                totals |= {"supply": supply, "outlook as supplied": end + supply}
            for place, (step, amount) in enumerate(totals.items()):
                kind = "step" if step in steps or step == "supply" else "total"
                rows.append((total["fiscal_year"], name, step, place, kind, amount))
    columns = ["fiscal_year", "comparator", "step", "place", "kind", "amount_value"]
    made = pd.DataFrame(rows, columns=columns)
    return made.astype({"amount_value": "float64"})


def _of_year(rows: pd.DataFrame, year: int, columns: list[str]) -> pd.DataFrame:
    """Sums by family of the months to go of a year, missing where a month lacks one."""
    own = rows[(rows["fiscal_year"] == year) & ~rows["is_closed"]]
    return pd.DataFrame({name: _strict(own, ["family"], name) for name in columns})


def _told_apart(ours: pd.DataFrame, then: pd.DataFrame) -> dict[str, float]:
    """Volume and price of the families of which revenue and units are known on both sides."""
    every = ours.index.union(then.index).drop(schema.COMPANY_LABEL, errors="ignore")
    now, units = (ours[name].reindex(every, fill_value=0.0) for name in ours)
    before, then_units = (then[name].reindex(every, fill_value=0.0) for name in then)
    at_price = (units - then_units) * before / then_units.where(then_units > 0)
    change = now - before
    is_new = then_units.eq(0.0) & before.eq(0.0)
    volume = at_price.where(~is_new, change)
    is_known = (volume + change).notna()
    return {
        "volume, months to go": float(volume[is_known].sum()),
        "price and mix, months to go": float((change - volume)[is_known].sum()),
    }
