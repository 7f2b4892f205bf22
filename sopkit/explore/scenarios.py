"""What if hours, demand or a cost were different? An explorer over one cycle's supply plan.

Change hours, demand and one kind of cost; the plan of least cost is made anew at once. A sentence
says what that changes, a table lays costs side by side, a chart load and stock, before and after.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from pathlib import Path

import ipywidgets as widgets
import numpy as np
import pandas as pd

from sopkit import exhibits, months, schema, steps, store
from sopkit.charts import supply as charts
from sopkit.demand import hierarchy
from sopkit.explore.accuracy import LOOK
from sopkit.supply import families, least_cost, plans
from sopkit.supply.plans import Plan
from sopkit.supply.tasks import Task

COSTS = {  # what a cost is called, and what of a task it stands in
    "holding stock": ("holding_cost",),
    "backlog": ("backlog_cost",),
    "overtime hours": ("overtime_cost",),
    "subcontracting": ("subcontract_cost",),
    "changes of rate": ("increase_cost", "decrease_cost"),
}
RATES = [(f"{n:+d}%".replace("-", "−") if n else "as planned", n / 100) for n in range(-30, 31, 5)]
TIMES = [(f"{times:g}", times) for times in (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0)]
_HOURS = ("regular_hours", "overtime_hours", "hours_per_worker", "overtime_per_worker")
_SIGNED = {"value": "signed_value", "quantity": "signed_quantity", "count": "signed_quantity"}
_LOOK = f"""{LOOK}<style>
.sopkit table {{ line-height: 1.25; }}
.sopkit a {{ text-decoration: underline; }}
.sopkit .widget-hslider .widget-readout {{ min-width: 6em; }}
.sopkit .months .widget-readout {{ min-width: 11.5em; }}
</style>"""
_LATE = 0.5  # units owed from which an item runs late, as on page 04


@dataclass(frozen=True)
class Change:
    """What is different: shares of hours and demand in months (first, last), one cost's factor.

    No resource or family means all of them; no months mean all months.
    """

    resource: str = ""
    hours_rate: float = 0.0
    hours_months: tuple[pd.Timestamp, ...] = ()
    family: str = ""
    demand_rate: float = 0.0
    demand_months: tuple[pd.Timestamp, ...] = ()
    cost: str = ""
    times: float = 1.0


def changed(task: Task, change: Change, family: np.ndarray) -> Task:
    """The task with a change made; safety stock stays as it is.

    Parameters
    ----------
    task : Task
        As planned.
    change : Change
        What is different. Hours are regular ones and overtime, those of workers too.
    family : array (i,)
        Name of each item's family.

    Examples
    --------
    >>> task = Task(demand=[[10, 10], [10, 10]], hours=[[1], [1]], regular_hours=20)
    >>> other = changed(task, Change(family="Tents", demand_rate=0.2), ["Tents", "Packs"])
    >>> other.demand.tolist()
    [[12.0, 10.0], [12.0, 10.0]]
    """
    values = {}
    if change.hours_rate:
        own = np.array([change.resource in ("", name) for name in task.resources], dtype=bool)
        for name in _HOURS:
            chosen = own & task.is_staffed if name.endswith("_worker") else own
            where = np.outer(_within(task, change.hours_months), chosen)
            values[name] = getattr(task, name) * (1.0 + change.hours_rate * where)
    if change.demand_rate:
        own = np.array([change.family in ("", name) for name in family], dtype=bool)
        where = np.outer(_within(task, change.demand_months), own)
        values["demand"] = demand = task.demand * (1.0 + change.demand_rate * where)
        values["minimum_sales"] = np.minimum(task.minimum_sales, demand)
        # what is made to order keeps no stock but what there is, which less demand uses up later
        most, left = task.maximum_stock.copy(), np.maximum(task.opening, 0.0)
        for t in range(task.n_months):
            left = np.maximum(left + task.receipts[t] - demand[t], 0.0)
            most[t] = np.maximum(most[t], left)
        values["maximum_stock"] = most
    for name in COSTS.get(change.cost, ()) if change.times != 1.0 else ():
        values[name] = _rate(task, name) * change.times
    return replace(task, **values) if values else task


def _rate(task: Task, name: str) -> np.ndarray:
    """A cost as it is paid: an hour of overtime as a regular one where nothing else is said."""
    return task.overtime_rate if name == "overtime_cost" else getattr(task, name)


def _within(task: Task, chosen: tuple[pd.Timestamp, ...]) -> np.ndarray:
    first, last = chosen or (task.months[0], task.months[-1])
    return (task.months >= first) & (task.months <= last)


def measures(task: Task, plan: Plan, factor: np.ndarray | float = 1.0) -> pd.DataFrame:
    """What a plan costs by kind, and how well it serves: ``what, amount, kind`` of amount.

    Parameters
    ----------
    task, plan : Task, Plan
        Problem and answer. Costs are as on page 04, what stock below target is worth among them;
        where nothing has a cost, none are listed.
    factor : array (i,)
        Planning factor of each item, so that units may be added up.
    """
    end, full = plans.outcome(task, plan), plans.completed(task, plan)
    owed = np.maximum(-end.closing, 0.0)
    late = full.lost + np.minimum(owed, task.demand - full.lost)
    below = np.maximum(task.safety_stock - np.maximum(end.closing, 0.0), 0.0)
    rows = []
    if task.is_priced:
        costs = plans.sheet(task, plan)
        rows = [(kind, amount, "value") for kind, amount, _ in costs.itertuples(index=False)]
        rows.append(("all costs", costs["amount_value"].sum(), "value"))
    late_items = task.keys["item"][(owed > _LATE).any(axis=0)].nunique()
    rows += [
        ("items late", late_items, "count"),
        ("units late", (late * factor).sum(), "quantity"),
        ("hours of overtime", end.overtime.sum(), "quantity"),
        ("units below safety stock, a month", (below * factor).sum(axis=1).mean(), "quantity"),
    ]
    return pd.DataFrame(rows, columns=["what", "amount", "kind"]).astype({"amount": "float64"})


def compared(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Two plans' ``measures`` side by side: ``what, kind, before, after, difference``."""
    table = before.rename(columns={"amount": "before"}).assign(after=after["amount"])
    table["difference"] = table["after"] - table["before"]
    is_cost = table["kind"] == "value"
    is_seen = ~is_cost | (table[["before", "after"]].abs().max(axis=1) >= _LATE)
    return table[is_seen][["what", "kind", "before", "after", "difference"]]


def sentence(table: pd.DataFrame, change: Change, task: Task, currency: str, nouns: tuple) -> str:
    """One sentence: what was changed, and what that does to cost and service.

    Parameters
    ----------
    table : DataFrame
        From ``compared``.
    change, task : Change, Task
        What is different, and the task as planned.
    currency : str
        Of the company.
    nouns : (str, str)
        What runs late, one and several: item, items.
    """
    rows, words = table.set_index("what"), _words(change, task)

    def told(what: str, column: str = "after") -> str:
        kind, amount = rows.loc[what, "kind"], np.round(abs(rows.loc[what, column]))
        return exhibits.format_amount(amount, kind, currency)

    def beside(what: str, fewer: str, more: str, same: str) -> str:
        gap = rows.loc[what, "difference"]
        if abs(gap) < _LATE:
            return f"{same} ({told(what)})"
        side = fewer if gap < 0 else more
        return f"{told(what, 'difference')} {side} ({told(what)} instead of {told(what, 'before')})"

    hours, is_priced = "hours of overtime", "all costs" in rows.index
    if not words:
        said = f"{told('units late')} units are late, {told(hours)} {hours} are worked"
        said = f"the supply costs {told('all costs')}" if is_priced else said
        return f"As planned, {said}; {nouns[1]} that run late: {told('items late')}."
    is_one = abs(rows.loc["items late", "difference"]) == 1
    who, run = (nouns[0], "runs late") if is_one else (nouns[1], "run late")
    late = beside("items late", f"{who} fewer {run}", f"{who} more {run}", f"as many {who} {run}")
    said = f"{beside(hours, f'{hours} fewer', f'{hours} more', f'as many {hours}')} are worked"
    first = ("units fewer are late", "units more are late", "as many units are late")
    said = f"{beside('units late', *first)}, {said}"
    if is_priced:
        said = f"the plan costs {beside('all costs', 'less', 'more', 'the same')}"
    return f"With {words}, {said}, and {late}."


def _words(change: Change, task: Task) -> str:
    """What is different, in words; empty where nothing is."""
    said = []
    for rate, what, less, chosen in (
        (change.hours_rate, f"hours of {change.resource or 'all resources'}", "fewer", "hours"),
        (change.demand_rate, f"demand for {change.family or 'all families'}", "less", "demand"),
    ):
        span = getattr(change, f"{chosen}_months") or (task.months[0], task.months[-1])
        when = " to ".join(dict.fromkeys(map(months.label, span)))
        side = "more" if rate > 0 else less
        said += [f"{abs(rate):.0%} {side} {what} in {when}"] if rate else []
    if change.cost and change.times != 1.0:
        said.append(f"the cost of {change.cost} times {change.times:g}")
    return " and ".join(filter(None, [", ".join(said[:-1]), *said[-1:]]))


def load(workspace: str | Path, cycle: pd.Timestamp) -> dict:
    """What the explorer works on: the supply task of a cycle, kept by the solver, and its plan.

    Raises
    ------
    UsageError
        If the cycle has not been run, has no demand, or no plan keeps its rules.
    """
    inputs = store.inputs(workspace, "supply_review", cycle)
    if inputs["demand_plan"].empty:
        raise months.UsageError("There is no demand to supply, so nothing can be tried here.")
    task, _ = steps.supply_task(inputs, cycle=cycle)
    items, company = inputs["items"], inputs["company"].iloc[0]
    family = schema.lookup(task.keys["item"], items, "family").fillna(task.keys["item"])
    factor = hierarchy.factors(task.keys["item"], items)
    words = {"currency": company["currency"], "units": inputs["planning_units"]}
    return prepared(task, family.to_numpy(), factor.to_numpy()) | words


def prepared(task: Task, family: np.ndarray, factor: np.ndarray) -> dict:
    """A task with its solver and the plan before any change; of families where it is large."""
    is_large = task.demand.size > families.MOST_CELLS
    code = families.codes(task, family) if is_large else np.arange(len(task.keys))
    first = np.unique(code, return_index=True)[1]
    tables = {"task": task, "family": np.asarray(family), "first": first}
    tables |= {"code": code if is_large else None, "factor": np.asarray(factor)[first]}
    tables["nouns"] = ("family", "families") if is_large else ("item", "items")
    tables["session"] = least_cost.Session(_shown(tables, task))
    try:
        tables["before"] = tables["session"].task, tables["session"].solve()
    except ValueError as error:
        raise months.UsageError(f"The supply of this cycle cannot be planned: {error}") from error
    return tables


def _shown(tables: dict, task: Task) -> Task:
    """The task that is solved: of items, or of their families."""
    if tables["code"] is None:
        return task
    grouped = families.grouped(task, tables["code"])
    names = tables["family"][tables["first"]]
    return replace(grouped, keys=grouped.keys.assign(item=names))


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


def view(tables: dict, change: Change) -> list[exhibits.Exhibit]:
    """What the explorer shows for a change: sentence, table with its download, chart.

    Where no plan can keep all rules, the sentence says so and stands alone.

    Parameters
    ----------
    tables : dict
        From ``load``.
    change : Change
        What is different.
    """
    task = changed(tables["task"], change, tables["family"])
    words, before = _words(change, task), tables["before"]
    try:
        shown = before[0] if task is tables["task"] else _shown(tables, task)
        after = before if shown is before[0] else (shown, tables["session"].solve(shown))
    except ValueError as error:
        return [exhibits.note(f"With {words} there is no plan: {error}")]
    table = compared(*(measures(*way, tables["factor"]) for way in (before, after)))
    names, currency, nouns = tables["family"][tables["first"]], tables["currency"], tables["nouns"]
    weight = tables["factor"] * np.isin(names, change.family or names)
    ahead, resource = by_month(before, after, weight, change.resource)
    subject = change.family or "all families"
    chart = charts.what_if(ahead, tables["units"], resource=resource, subject=subject)
    heads = dict(what="What", before="Before", after="After", difference="Difference")
    what = table["what"].replace("items late", f"{nouns[1]} late").str.capitalize()
    return [
        exhibits.note(sentence(table, change, task, currency, nouns)),
        exhibits.table(
            table.round().assign(what=what, signed=table["kind"].map(_SIGNED)),
            caption="Cost and service over the horizon, before and after",
            columns=heads,
            kinds={"before": "kind", "after": "kind", "difference": "signed"},
            currency=currency,
            rows=len(table),
        ),
        _download(table, words),
        exhibits.figure(chart, alt=f"Load and stock of {subject} by month, before and after"),
    ]


def _download(table: pd.DataFrame, words: str) -> exhibits.Exhibit:
    """A link that saves the table with full figures; it needs no file and no server."""
    text = table.assign(change=words or "none").to_csv(index=False)
    data = base64.b64encode(text.encode("utf-8-sig")).decode("ascii")
    address = f"data:text/csv;charset=utf-8;base64,{data}"
    link = f'<a download="what_if.csv" href="{address}">Download this table (CSV)</a>'
    return exhibits.Exhibit(f'<p class="source">{link}</p>')


def explorer(workspace: str | Path, cycle: pd.Timestamp) -> widgets.VBox:
    """The explorer as one widget; nothing it does changes a file.

    Parameters
    ----------
    workspace : str or Path
        Folder that holds ``data/raw``.
    cycle : Timestamp
        A cycle whose demand step has been run; where it has not, the explorer says so.
    """
    try:
        tables = load(workspace, cycle)
    except months.UsageError as error:
        return widgets.VBox([widgets.HTML(_LOOK + exhibits.note(str(error)).html)])
    task = tables["task"]
    look = {"style": {"description_width": "6em"}, "layout": {"width": "20em"}}
    span = [(months.label(month), month) for month in task.months]
    whole = (task.months[0], task.months[-1])

    def choice(word: str, every: str, names: list[str]) -> widgets.Dropdown:
        options = [(every, ""), *((name, name) for name in names)]
        return widgets.Dropdown(options=options, value="", description=word, **look)

    def slider(word: str, options: list[tuple], value: object) -> widgets.Widget:
        is_range = isinstance(value, tuple)
        kind = widgets.SelectionRangeSlider if is_range else widgets.SelectionSlider
        made = kind(options=options, value=value, description=word, continuous_update=False, **look)
        if is_range:
            made.layout.width = "27em"
            made.add_class("months")
        return made

    given = [
        name
        for name, parts in COSTS.items()
        if task.is_priced and any((_rate(task, part) > 0).any() for part in parts)
    ]
    controls = {
        "resource": choice("Resource", "all resources", task.resources),
        "hours_rate": slider("Hours", RATES, 0.0),
        "hours_months": slider("Hours in", span, whole),
        "family": choice("Family", "all families", sorted(set(tables["family"]))),
        "demand_rate": slider("Demand", RATES, 0.0),
        "demand_months": slider("Demand in", span, whole),
        "cost": choice("Cost", "choose a cost" if given else "no costs are known", given),
        "times": slider("Cost times", TIMES, 1.0),
    }
    start = {name: control.value for name, control in controls.items()}
    reset = widgets.Button(description="Reset", tooltip="Everything as planned")
    shown = widgets.HTML()

    def redraw(_change: object = None) -> None:
        chosen = {name: control.value for name, control in controls.items()}
        shown.value = _LOOK + "".join(part.html for part in view(tables, Change(**chosen)))

    def watch() -> None:
        for control in controls.values():
            control.observe(redraw, "value")

    def put_back(_button: object) -> None:
        for name, control in controls.items():
            control.unobserve(redraw, "value")
            control.value = start[name]
        watch()
        redraw()

    watch()
    reset.on_click(put_back)
    redraw()
    own = [*controls.values(), reset]
    rows = [
        widgets.HBox(own[first : first + 3], layout={"flex_flow": "row wrap"})
        for first in range(0, len(own), 3)
    ]
    box = widgets.VBox([*rows, shown])
    box.add_class("sopkit")
    return box
