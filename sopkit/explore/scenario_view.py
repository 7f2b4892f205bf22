"""What the scenario explorer shows: a sentence, KPIs beside the plan's, costs, load and stock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from sopkit import exhibits, months, what_if
from sopkit.charts import supply as charts
from sopkit.reconciliation import comparison, scenarios, wording
from sopkit.supply import plans
from sopkit.supply.plans import Plan
from sopkit.supply.tasks import Task

_SIGNED = {"value": "signed_value", "quantity": "signed_quantity", "count": "signed_quantity"}
_SIGNED |= {"rate": "signed_rate", "signed_value": "signed_value"}
_SEEN = 0.5  # money, units or hours below which nothing has changed


def unseen(_share: float, _words: str) -> None:
    """Nobody watches."""


@dataclass(frozen=True)
class Asked:
    """What is asked: rates by family, resource and kind of cost, a service level, what it is on.

    Rates of zero change nothing, a service level of zero is as planned; months are first and last.
    """

    on: str = ""
    demand: dict[str, float] = field(default_factory=dict)
    demand_months: tuple[pd.Timestamp, ...] = ()
    hours: dict[str, float] = field(default_factory=dict)
    hours_months: tuple[pd.Timestamp, ...] = ()
    costs: dict[str, float] = field(default_factory=dict)
    level: float = 0.0
    cost_value: float = 0.0


def entries(asked: Asked) -> list[dict]:
    """The changes as a scenario file lists them.

    Examples
    --------
    >>> entries(Asked(demand={"Tents": -0.2, "Packs": 0.0}, costs={"holding": 0.1}))
    [{'demand': {'family': 'Tents', 'rate': -0.2}}, {'cost': {'kind': 'holding', 'rate': 0.1}}]
    """
    found: list[dict] = []
    for what, word, rates, span in (
        ("demand", "family", asked.demand, asked.demand_months),
        ("capacity", "resource", asked.hours, asked.hours_months),
        ("cost", "kind", asked.costs, ()),
    ):
        when = dict(zip(("first_month", "last_month"), map(months.label, span), strict=False))
        found += [{what: {word: n, **when, "rate": rate}} for n, rate in rates.items() if rate]
    return found + ([{"service_level": {"level": asked.level}}] if asked.level else [])


def answer(tables: dict, asked: Asked) -> dict:
    """As ``what_if.answer``, what is asked applied after the scenario that it stands on."""
    below = scenarios.stack(tables["known"], asked.on)
    before = [change for part in below for change in part.changes]
    once = asked.cost_value + sum(part.cost_value for part in below)
    own = scenarios.as_changes(entries(asked))
    return what_if.answer(tables["base"], [*before, *own], once_value=once)


def view(tables: dict, asked: Asked, beside: tuple[str, ...] = (), tick: Callable = unseen) -> dict:
    """What the explorer shows: sentence, picture, tables, and what to download.

    Where no plan can keep all rules, the sentence says so and stands alone.

    Parameters
    ----------
    tables : dict
        From ``scenarios.load``.
    asked : Asked
        What is different.
    beside : tuple of str
        Saved scenarios that stand in further columns.
    tick : callable
        ``tick(share, words)`` is called between plans; it may raise to give up.
    """
    before, words = tables["base"]["planned"], _said(tables, asked)
    tick(0.1, f"Planning {words}…" if words else "Planning…")
    try:
        after = answer(tables, asked)
    except ValueError as error:
        return {"sentence": f"With {words} there is no plan: {error}"}
    table = compared(before["kpis"], after["kpis"])
    table, heads = _beside(tables, table, beside, tick)
    shown = table.assign(signed=table["unit"].map(_SIGNED))
    costs = _costs(before, after)
    ahead, picture = _picture(tables, before, after, asked)
    files = {"what_if": table.assign(change=words or "none"), "what_supply_costs": costs}
    return {
        "sentence": _sentence(table, words, tables["currency"]),
        "picture": picture,
        "tables": [_kpis(shown, heads, tables["currency"]), _cost_table(tables, costs)],
        "data": files | {"load_and_stock_by_month": ahead},
    }


def _beside(
    tables: dict, table: pd.DataFrame, beside: tuple[str, ...], tick: Callable
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Saved scenarios in further columns of a table, and what stands above these."""
    heads = {}
    for count, name in enumerate(beside, 1):
        title = tables["known"][name].title
        tick(count / (len(beside) + 1), f"Planning “{title}”…")
        try:
            own = answer(tables, Asked(on=name))["kpis"].set_index("kpi")["amount"]
        except ValueError:
            title, own = f"{title} (no plan)", pd.Series(dtype="float64")
        heads[f"beside_{name}"] = title
        table = table.assign(**{f"beside_{name}": table["kpi"].map(own)})
    return table, heads


def _kpis(shown: pd.DataFrame, heads: dict[str, str], currency: str) -> exhibits.Exhibit:
    columns = dict(what="What", before="The plan", after="With this", difference="Difference")
    kinds = {"before": "unit", "after": "unit", "difference": "signed"}
    return exhibits.table(
        shown,
        caption="The plan and what is asked, over the horizon, both at least cost",
        columns=columns | heads,
        kinds=kinds | dict.fromkeys(heads, "unit"),
        currency=currency,
        rows=len(shown),
    )


def _picture(
    tables: dict, before: dict, after: dict, asked: Asked
) -> tuple[pd.DataFrame, exhibits.Exhibit]:
    """Load and stock by month, as a table and as a picture."""
    subject = ", ".join(name for name, rate in asked.demand.items() if rate) or "all families"
    ahead, resource = _ahead(tables, before, after, asked)
    own = {"resource": resource, "subject": subject, "fences": tables["fences"]}
    chart = charts.what_if(ahead, tables["units"], **own)
    alt = f"Load and stock of {subject} by month, before and after"
    return ahead, exhibits.figure(chart, alt=alt)


def compared(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Two plans' KPIs side by side: ``kpi, what, unit, before, after, difference``, known ones."""
    table = before.rename(columns={"amount": "before"}).assign(after=after["amount"].to_numpy())
    table["difference"] = table["after"] - table["before"]
    what = [comparison.KPIS[name][0] for name in table["kpi"]]
    unit = [comparison.KPIS[name][1] for name in table["kpi"]]
    table = table.assign(what=what, unit=unit)
    known = table[["before", "after"]].notna().any(axis=1)
    columns = ["kpi", "what", "unit", "before", "after", "difference"]
    return table.loc[known, columns].reset_index(drop=True)


def _costs(before: dict, after: dict) -> pd.DataFrame:
    """What supply costs by kind, before and after; kinds that cost nothing are left out."""
    sheets = [
        plans.sheet(way["task"], way["plan"]).set_index("cost_kind")["amount_value"]
        for way in (before, after)
    ]
    table = pd.DataFrame(dict(zip(("before", "after"), sheets, strict=True))).fillna(0.0)
    is_priced = before["task"].is_priced
    table = table[table.abs().max(axis=1) >= _SEEN] if is_priced else table[:0]
    table = table.assign(difference=table["after"] - table["before"])
    return table.rename_axis("kind").reset_index()


def _cost_table(tables: dict, costs: pd.DataFrame) -> exhibits.Exhibit:
    return exhibits.table(
        costs,
        caption="What supply costs, by kind",
        columns=dict(kind="Kind", before="The plan", after="With this", difference="Difference"),
        kinds=dict(before="value", after="value", difference="signed_value"),
        currency=tables["currency"],
        missing="No cost is known: data/raw/planning_costs.csv and resources.csv would show here "
        "what supply costs, by kind.",
    )


def _said(tables: dict, asked: Asked) -> str:
    """What is different, in words; empty where nothing is."""
    known, parts = tables["known"], []
    parts += [f"“{known[asked.on].title}”"] if asked.on in known else []
    parts += [wording.words(change) for change in scenarios.as_changes(entries(asked))]
    if asked.cost_value:
        amount = exhibits.format_amount(asked.cost_value, "value", tables["currency"])
        parts.append(f"{amount} spent once")
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def _sentence(table: pd.DataFrame, words: str, currency: str) -> str:
    """One sentence: what was changed, and what that does to money and service.

    Parameters
    ----------
    table : DataFrame
        From ``compared``.
    words : str
        What is different; blank for nothing.
    currency : str
        Of the company.
    """
    rows = table.set_index("kpi")

    def told(kpi: str, column: str = "after") -> str:
        kind, amount = rows.loc[kpi, "unit"], abs(rows.loc[kpi, column])
        amount = np.round(amount) if kind != "rate" else amount
        return exhibits.format_amount(amount, kind, currency)

    def beside(kpi: str, less: str, more: str, same: str) -> str:
        gap = rows.loc[kpi, "difference"]
        if abs(gap) < _SEEN:
            return f"{same} ({told(kpi)})"
        side = less if gap < 0 else more
        return f"{told(kpi, 'difference')} {side} ({told(kpi)} instead of {told(kpi, 'before')})"

    money = next((kpi for kpi in _MONEY if kpi in rows.index), "")
    late = "late_items"
    if not words:
        most = f"{_MONEY[money][0]} is {told(money)}" if money else "nothing has a price"
        units = f"{told('late_quantity')} units are late"
        return f"As planned, {most}, {units}; items that run late: {told(late)}."
    is_one = abs(rows.loc[late, "difference"]) == 1
    who, run = ("item", "runs late") if is_one else ("items", "run late")
    items = beside(late, f"{who} fewer {run}", f"{who} more {run}", f"as many {who} {run}")
    hours = ("hours of overtime fewer", "hours of overtime more", "as many hours of overtime")
    parts = [beside(money, *_MONEY[money][1:])] if money else []
    parts.append(beside("late_quantity", "units fewer are late", "units more are late", _SAME))
    parts.append(f"{beside('overtime_hours', *hours)} are worked")
    return f"With {words}, {', '.join(parts)}, and {items}."


_SAME = "as many units are late"
_MONEY = {  # KPI told: what it is called, less, more, the same
    "contribution_value": (
        "contribution",
        "of contribution are lost",
        "of contribution are won",
        "contribution stays",
    ),
    "supply_cost_value": (
        "the cost of supply",
        "of cost are saved",
        "of cost are added",
        "supply costs the same",
    ),
}


def _ahead(tables: dict, before: dict, after: dict, asked: Asked) -> tuple[pd.DataFrame, str]:
    """``by_month`` of what is asked: its families, and the resource that changes most."""
    task = before["task"]
    named = [name for name, rate in asked.demand.items() if rate]
    own = np.isin(tables["family"], named) if named else np.ones(len(task.keys), dtype=bool)
    moved = [name for name, rate in asked.hours.items() if rate]
    resource = moved[0] if len(moved) == 1 else ""
    ways = [(way["task"], way["plan"]) for way in (before, after)]
    if not resource and task.resources:
        load = [plans.outcome(*way).load for way in ways]
        change = np.abs(load[1] - load[0]).max(axis=0)
        resource = task.resources[int(change.argmax())] if change.max() >= _SEEN else ""
    return by_month(*ways, tables["factor"] * own, resource)


def by_month(
    before: tuple[Task, Plan], after: tuple[Task, Plan], weight: np.ndarray, resource: str = ""
) -> tuple[pd.DataFrame, str]:
    """Load of a resource beside its hours, and stock of some items, by month, before and after.

    Parameters
    ----------
    before, after : (Task, Plan)
        Problem and answer.
    weight : array (i,)
        Planning factor of each item whose stock is added up, zero for the others.
    resource : str
        The busiest one before the change where it is left out.

    Returns
    -------
    (DataFrame, str)
        ``month``, ``stock``, ``owed`` (below zero), ``safety_stock``, ``load_hours``,
        ``regular_hours``, ``overtime_hours``, as they are after; ``…_before``; and the resource,
        blank where none is used.
    """
    columns: dict[str, object] = {"month": after[0].months}
    for mark, (task, plan) in (("_before", before), ("", after)):
        end = plans.outcome(task, plan)
        if mark:
            busy = end.load / np.where(end.available > 0, end.available, np.inf)
            peaks = pd.Series(busy.max(axis=0), index=task.resources)
            resource = resource or (peaks.idxmax() if peaks.max() > 0 else "")
        held, owed = np.maximum(end.closing, 0.0), np.minimum(end.closing, 0.0)
        values = {"stock": held @ weight, "owed": owed @ weight}
        values["safety_stock"] = task.safety_stock @ weight
        if resource:
            limit = plans.overtime_limit(task, end.workers)
            hours = dict(load_hours=end.load, regular_hours=end.available, overtime_hours=limit)
            at = list(task.resources).index(resource)
            values |= {name: hour[:, at] for name, hour in hours.items()}
        columns |= {name + mark: value for name, value in values.items()}
    return pd.DataFrame(columns), resource
