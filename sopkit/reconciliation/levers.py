"""Levers: what the register may say, and what each would bring to the plan, month by month.

A lever acts ``lead_time_months`` after the cycle at the earliest; months before are lost. Its
expected effect, effect times chance, is what counts. Demand of a level is shared among its series
like their plan of the month.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.contract import Finding, Source, at, nearest
from sopkit.reconciliation._subjects import covered, named, words
from sopkit.supply.tasks import Task

Tables = dict[str, pd.DataFrame]


@dataclass(frozen=True, eq=False)
class Laid:
    """Levers (l) on the axes of a task: months (t), resources (r), items at sites (i).

    ``hours`` (l, t, r) and ``units`` (l, t, i) are expected; ``revenue`` (l, t) is that of a
    month's units, ``value`` what they bring less what the task does not count of their cost.
    ``people`` (l, t) are needed whether it works or not. ``table`` has a row a lever: the
    register's columns, ``what`` it would bring, ``decide_by``, and in ``finding`` why it cannot
    act, empty where it can.
    """

    table: pd.DataFrame
    months: pd.DatetimeIndex
    hours: np.ndarray
    units: np.ndarray
    value: np.ndarray
    revenue: np.ndarray
    people: np.ndarray


def check_levers(tables: Tables, sources: dict[str, Source]) -> list[Finding]:
    """Breaches of `levers`: both hours and demand, or another lever that is not there.

    Parameters
    ----------
    tables, sources
        As for ``across.check_across``.
    """
    rows = tables["levers"]
    if rows.empty:
        return []
    source = sources["levers"]
    both = [
        bool(isinstance(row["resource"], str) and named(row)) for row in rows.to_dict("records")
    ]
    found = []
    if any(both):
        message = "a lever adds hours of a resource or units of demand, not both."
        remedy = f"Leave resource or the levels blank in {source.label}, or write two levers."
        found.append(at("levers", rows, both, source, "resource", message, remedy))
    known = list(rows["lever"])
    strange: dict[str, list[bool]] = {}
    for place, row in enumerate(rows.itertuples(index=False)):
        for other in excluded(row.excludes, known):
            if other == row.lever or other not in known:
                strange.setdefault(other, [False] * len(rows))[place] = True
    for other, own in strange.items():
        is_known = other in known
        message = f"{other} excludes itself." if is_known else f"no lever {other!r}."
        others = sorted(set(known) - {rows["lever"][own].iloc[0]})
        hint = nearest(other, others) if others and not is_known else ""
        remedy = f"Name another lever, or leave it blank, in {source.label}. {hint}".strip()
        where = ("levers", rows, own, source, "excludes", message, remedy)
        found.append(at(*where, shown=rows["excludes"]))
    return found


def excluded(text: str | float, known: list[str]) -> list[str]:
    """Names in a cell of ``excludes``.

    Examples
    --------
    >>> excluded("L2, L3", ["L1", "L2", "L3"]), excluded(float("nan"), ["L1"])
    (['L2', 'L3'], [])
    """
    if not isinstance(text, str) or text in known:
        return [text] if isinstance(text, str) else []
    return [name for name in re.split(r"\s*[,;]\s*", text.strip()) if name]


def laid_out(
    levers: pd.DataFrame,
    plan: pd.DataFrame,
    task: Task,
    resources: pd.DataFrame,
    *,
    cycle: pd.Timestamp,
) -> Laid:
    """What each lever would bring, on the axes of the supply plan.

    Parameters
    ----------
    levers : DataFrame
        Raw table `levers`.
    plan : DataFrame
        The demand plan with all levels: ``consensus``, ``factor`` to the planning unit, ``site``
        that stocks it, ``price_value``, and ``worth_value``, what a unit brings (missing
        where price or cost is unknown).
    task : Task
        The supply plan's problem.
    resources : DataFrame
        Raw table `resources`.
    cycle : Timestamp
        Month in which the plan is made.
    """
    size = len(levers), task.n_months
    table = _dated(levers, task.months, cycle)
    hours, units = np.zeros((*size, len(task.resources))), np.zeros((*size, len(task.keys)))
    value, revenue, people = (np.zeros(size) for _ in range(3))
    sites = pd.MultiIndex.from_frame(task.keys)
    plan = plan.assign(
        at=sites.get_indexer(pd.MultiIndex.from_frame(plan[["item", "site"]])),
        t=task.months.get_indexer(plan["month"]),
    )
    a_person = resources.drop_duplicates("resource").set_index("resource")["hours_per_worker"]
    findings = list(table["finding"])
    for k, row in enumerate(table.to_dict("records")):
        acts = (task.months >= row["first_month"]) & (task.months <= row["last_month"])
        if row["finding"]:
            continue
        if not task.is_priced:
            findings[k] = "no cost of supply is known to tell what it saves: see planning_costs.csv"
        elif row["what"] == "units":
            findings[k] = _add_units(row, plan, acts, units[k], value[k], revenue[k])
        elif row["resource"] in task.resources:
            hours[k, acts, task.resources.index(row["resource"])] = row["effect_expected"]
            people[k, acts] = row["effect_amount"] / a_person.get(row["resource"], np.nan)
        else:
            where = "see resources.csv and routings.csv"
            findings[k] = f"no hours of {row['resource']!r} are planned: {where}"
    amounts = (hours, units, value, revenue, np.nan_to_num(people))
    return Laid(table.assign(finding=findings), task.months, *amounts)


def _dated(levers: pd.DataFrame, ahead: pd.DatetimeIndex, cycle: pd.Timestamp) -> pd.DataFrame:
    """Each lever's months of the plan, when it must be decided, and whether that has passed."""
    table = levers.reset_index(drop=True)
    lead = np.ceil(table["lead_time_months"].fillna(0.0)).astype("int64")
    wanted, last = table["first_month"].fillna(cycle), table["last_month"].fillna(ahead[-1])

    def before(month: pd.Series) -> pd.Series:
        return pd.Series(months.from_number(months.number(month) - lead), index=table.index)

    soonest = pd.Series(months.from_number(months.number(cycle) + lead), index=table.index)
    first, latest = wanted.where(wanted > soonest, soonest), before(last)
    is_after = first > ahead[-1]
    is_late = (first > last) & ~(is_after & table["last_month"].isna())
    said = ("too late: it had to be decided by " + latest.map(months.label)).where(is_late, "")
    said = said.mask(is_after & ~is_late, "it acts beyond the months that are planned")
    rows = table.to_dict("records")
    is_hours = [isinstance(row["resource"], str) for row in rows]
    subject = [
        row["resource"] if own else words(row) for row, own in zip(rows, is_hours, strict=True)
    ]
    return table.assign(
        first_month=first,
        last_month=last,
        decide_by=before(wanted).clip(lower=cycle).where(~is_late, latest),
        cost_value=table["cost_value"].fillna(0.0),
        effect_expected=table["effect_amount"] * table["success_rate"].fillna(1.0),
        subject=subject,
        what=np.where(is_hours, "hours", "units"),
        finding=said,
    )


def _add_units(
    row: dict, plan: pd.DataFrame, acts: np.ndarray, units: np.ndarray, *worth: np.ndarray
) -> str:
    """Put a lever's units, worth and revenue in place; returns why it cannot act, or nothing."""
    own = plan[covered(plan, row)]
    own = own[(own["t"] >= 0) & (own["at"] >= 0)]
    weight = (own["consensus"] * own["factor"]).clip(lower=0.0)
    usual = weight.groupby([own[name] for name in schema.SERIES]).transform("sum")
    is_empty = weight.groupby(own["t"]).transform("sum") <= 0
    weight = weight.where(~is_empty, usual)  # a month without a plan: as in all months
    total = weight.groupby(own["t"]).transform("sum")
    if not (total > 0).any():
        return f"nothing of {row['subject']} is in the plan, so nothing shows what it would sell"
    if own["worth_value"].isna().all():
        return f"no price or no cost of {row['subject']} is known: see prices.csv and items.csv"
    acting = own["t"].map(dict(enumerate(acts))).astype(bool)
    amount = row["effect_expected"] * weight / total.where(total > 0) / own["factor"]
    amount = amount.where(acting, 0.0).fillna(0.0)
    np.add.at(units, (own["t"].to_numpy(), own["at"].to_numpy()), amount.to_numpy())
    for into, name in zip(worth, ("worth_value", "price_value"), strict=True):
        np.add.at(into, own["t"].to_numpy(), (amount * own[name].fillna(0.0)).to_numpy())
    return ""


def beyond_decisions(
    choice: pd.DataFrame, laid: Laid, decided: pd.DataFrame, plan: pd.DataFrame
) -> pd.DataFrame:
    """Table ``lever_choice`` whose reasons begin with the decisions that add the same already.

    Parameters
    ----------
    choice : DataFrame
        From ``verdicts.choice``.
    laid : Laid
        The levers.
    decided : DataFrame
        Scenarios that are part of the plan: ``decision`` and ``changes``, as in
        ``scenarios.Scenario.changes``.
    plan : DataFrame
        The demand plan with all levels.
    """
    said = {}
    for row in laid.table.to_dict("records"):
        own = [any(_adds_there(row, c, plan) for c in changes) for changes in decided["changes"]]
        found = list(dict.fromkeys(decided.loc[own, "decision"]))
        if found:
            one = len(found) == 1
            names = f"decision {found[0]}" if one else f"decisions {' and '.join(found)}"
            said[row["lever"]] = f"beyond {names}, which {'adds' if one else 'add'} there already: "
    first = choice["lever"].map(lambda lever: said.get(lever, ""))
    return choice.assign(reason=first + choice["reason"])


def _adds_there(row: dict, change: dict, plan: pd.DataFrame) -> bool:
    """Whether a change adds hours or demand where a lever does, in a month in which it acts."""
    first = max(row["first_month"], change.get("first_month", row["first_month"]))
    last = min(row["last_month"], change.get("last_month", row["last_month"]))
    more = max(change.get(n, 0.0) for n in ("rate", "quantity", "hours", "overtime_hours"))
    if first > last or more <= 0:
        return False
    if row["what"] == "hours":
        return change["what"] == "capacity" and change["resource"] in (row["resource"], schema.ALL)
    both = covered(plan, row) & covered(plan, change) & plan["month"].between(first, last)
    return change["what"] == "demand" and bool(both.any())


def as_change(row: dict) -> dict:
    """A lever as a change of a scenario: its expected effect, in the months in which it acts."""
    span = {name: row[name] for name in ("first_month", "last_month")}
    if row["what"] == "hours":
        return {
            "what": "capacity",
            "resource": row["resource"],
            **span,
            "hours": row["effect_expected"],
        }
    members = {level: row[level] for level in named(row)}
    return {"what": "demand", **members, **span, "quantity": row["effect_expected"]}
