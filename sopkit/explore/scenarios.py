"""What if demand, hours, costs or service were different? An explorer over one cycle's plan.

Sliders change demand by family, hours by resource, costs and the service level, alone or on a saved
scenario; the plan of least cost is made anew while they move, by the steps of the batch. What is
asked can be saved as a scenario file, which the next run plans for page 05.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import ipywidgets as widgets
import pandas as pd

from sopkit import decided, exhibits, months, schema, store, what_if
from sopkit.demand import hierarchy
from sopkit.explore import scenario_view
from sopkit.explore.accuracy import LOOK
from sopkit.explore.scenario_view import Asked
from sopkit.reconciliation import changes, scenario_format, scenarios

RATES = [(f"{n:+d}%".replace("-", "−") if n else "as planned", n / 100) for n in range(-50, 51, 5)]
LEVELS = [("as planned", 0.0), *((f"{n:g}%", n / 100) for n in (80, 85, 90, 95, 97, 98, 99, 99.5))]
_SECONDS = 0.1  # a slider must rest so long before the plan is made anew: the last position wins
_LOOK = f"""{LOOK}<style>
.sopkit table {{ line-height: 1.25; }}
.sopkit a {{ text-decoration: underline; }}
.sopkit .widget-hslider .widget-readout {{ min-width: 6em; }}
.sopkit .months .widget-readout {{ min-width: 11.5em; }}
.sopkit .column {{ max-height: 24em; overflow-y: auto; }}
</style>"""
_NEXT = "the next run plans it for page 05: sopkit run"


def load(workspace: str | Path, cycle: pd.Timestamp) -> dict:
    """What the explorer works on: the base of a cycle's scenarios, and those that are saved.

    Raises
    ------
    UsageError
        If the cycle has not been run, has no demand, or no plan keeps its rules.
    """
    tables = decided.in_supply(store.inputs(workspace, "reconciliation", cycle), cycle=cycle)
    money = (store.read(workspace, name, cycle) for name in ("financials", "closed_financials"))
    base = what_if.start(tables, *money, cycle=cycle)
    task, items, company = base["planned"]["task"], tables["items"], tables["company"].iloc[0]
    family = schema.lookup(task.keys["item"], items, "family").fillna(schema.UNASSIGNED)
    return {
        "base": base,
        "known": _saved(workspace, tables, cycle),
        "family": family.to_numpy(dtype="str"),
        "families": sorted(set(items["family"].dropna()) & set(family)),
        "costs": _known_costs(tables, cycle) if task.is_priced else [],
        "factor": hierarchy.factors(task.keys["item"], items).to_numpy(),
        "currency": company["currency"],
        "units": tables["planning_units"],
        "fences": months.fences(company, cycle),
    }


def _saved(
    workspace: str | Path, tables: dict[str, pd.DataFrame], cycle: pd.Timestamp
) -> dict[str, scenarios.Scenario]:
    """The sound scenarios of the workspace that count in the cycle, by name."""
    company, files = tables["company"].iloc[0], store.scenario_files(Path(workspace).resolve())
    ahead = months.horizon(cycle, company["horizon"], company["fiscal_year_first_month"])
    known = scenarios.read_all(files, tables, cycle=cycle, horizon=ahead)[0]
    return {n: own for n, own in known.items() if n not in set(tables["decided"]["scenario"])}


def _known_costs(tables: dict[str, pd.DataFrame], cycle: pd.Timestamp) -> list[str]:
    """Kinds of cost that a slider can change."""
    known = []
    for kind in scenario_format.COSTS:
        try:
            changes.applied(tables, [{"what": "cost", "kind": kind, "rate": 0.1}], cycle=cycle)
        except months.UsageError:
            continue
        known.append(kind)
    return known


def soon(call: Callable[[], None]) -> Callable[[object], None]:
    """A watcher that calls once no further change has come for a moment; at once outside a kernel.

    While a plan is made, positions that a slider passed wait unseen: the last one is planned next.
    """
    waiting: list = []

    def later(_change: object = None) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            call()
            return
        for handle in waiting:
            handle.cancel()
        waiting[:] = [loop.call_later(_SECONDS, call)]

    return later


def explorer(workspace: str | Path, cycle: pd.Timestamp) -> widgets.VBox:
    """The explorer as one widget; only Save writes: one further file each time.

    Parameters
    ----------
    workspace : str or Path
        Folder that holds ``data/raw``.
    cycle : Timestamp
        A cycle that has been run; where it has not, the explorer says so.
    """
    try:
        tables = load(workspace, cycle)
    except months.UsageError as error:
        return widgets.VBox([widgets.HTML(_LOOK + exhibits.note(str(error)).html)])
    own = _controls(tables)
    start = {name: {n: c.value for n, c in group.items()} for name, group in own.items()}
    form, reset = _form(), widgets.Button(description="Reset", tooltip="Everything as planned")
    save = widgets.Button(description="Save as a scenario")
    told, shown = widgets.HTML(), widgets.HTML()

    def asked() -> Asked:
        values = {
            name: {n: control.value for n, control in group.items()} for name, group in own.items()
        }
        rest = values.pop("rest")
        rest.pop("beside")
        return Asked(**values, **rest, cost_value=float(form["cost_value"].value))

    def redraw() -> None:
        parts = scenario_view.view(tables, asked(), tuple(own["rest"]["beside"].value))
        shown.value = _LOOK + "".join(part.html for part in parts)

    watcher = soon(redraw)

    def watch(is_on: bool) -> None:
        for control in [c for group in own.values() for c in group.values()]:
            (control.observe if is_on else control.unobserve)(watcher, "value")

    def put_back(_button: object) -> None:
        watch(False)
        for name, group in own.items():
            for word, control in group.items():
                control.value = start[name][word]
        form["cost_value"].value, told.value = 0.0, ""
        watch(True)
        redraw()

    def press_save(_button: object) -> None:
        text = {name: control.value for name, control in form.items()}
        content, lacking = content_of(asked(), text)
        if lacking:
            told.value = exhibits.note(lacking).html
            return
        try:
            path = store.add_scenario(workspace, content, cycle=cycle, author=text["author"])
        except (ValueError, OSError) as error:
            told.value = exhibits.note(f"Nothing was written: {error}").html
            return
        tables["known"] = _saved(workspace, tables["base"]["tables"], cycle)
        watch(False)
        for name in ("on", "beside"):
            control = own["rest"][name]
            chosen, control.options = control.value, _saved_options(tables, name)
            control.value = chosen
        watch(True)
        file = path.relative_to(Path(workspace).resolve()).as_posix()
        told.value = exhibits.note(f"Written to {file}: {_NEXT}").html

    watch(True)
    form["cost_value"].observe(watcher, "value")
    reset.on_click(put_back)
    save.on_click(press_save)
    redraw()
    box = widgets.VBox(
        [*_laid_out(tables, own, [reset]), shown, *_rows([*form.values(), save]), told]
    )
    box.add_class("sopkit")
    return box


def content_of(asked: Asked, text: dict[str, str]) -> tuple[dict, str]:
    """What a scenario file of this would hold, and what a person must still say; empty if nothing.

    Parameters
    ----------
    asked : Asked
        What is different.
    text : dict
        ``name, statement, kind, owner, author`` as written.
    """
    changed = scenario_view.entries(asked)
    words = {name: " ".join(str(text[name]).split()) for name in ("name", "statement", "owner")}
    words["owner"] = words["owner"] or text["author"].strip()
    content: dict = {name: word for name, word in words.items() if word} | {"kind": text["kind"]}
    content |= {"stands_on": [asked.on]} if asked.on else {}
    content |= {"cost_value": asked.cost_value} if asked.cost_value else {}
    content |= {"changes": changed} if changed else {}
    if not changed and not asked.on:
        return content, "Nothing is changed, so there is nothing to save: move a slider first."
    for name, what in (("name", "Give it a name"), ("statement", "Say in one sentence what it is")):
        if not words[name]:
            return content, f"{what}."
    if not text["author"].strip():
        return content, "Say who you are: your name is missing."
    return content, "" if text["kind"] else "Say whether it happens to us, or we decide it."


def _saved_options(tables: dict, name: str) -> list[tuple[str, str]]:
    """Saved scenarios to choose from."""
    options = [(own.title, key) for key, own in tables["known"].items()]
    return [("the plan", ""), *options] if name == "on" else options


_STYLE = {"style": {"description_width": "9em"}, "layout": {"width": "24em"}}


def _slider(word: str, options: list[tuple], value: object) -> widgets.Widget:
    kind = widgets.SelectionSlider
    if isinstance(value, tuple):
        kind = widgets.SelectionRangeSlider
    made = kind(options=options, value=value, description=word, **_STYLE)
    if isinstance(value, tuple):
        made.layout.width = "27em"
        made.add_class("months")
    return made


def _controls(tables: dict) -> dict[str, dict[str, widgets.Widget]]:
    """What is changed, by the fields of ``Asked``; ``rest`` holds those that are one control."""
    task = tables["base"]["planned"]["task"]
    span = [(months.label(month), month) for month in task.months]
    whole = (task.months[0], task.months[-1])

    def sliders(names: list[str]) -> dict[str, widgets.Widget]:
        every = {schema.ALL: "all families"}
        return {name: _slider(every.get(name, name), RATES, 0.0) for name in names}

    every = [schema.ALL] if not tables["families"] else tables["families"]
    choices = {"options": _saved_options(tables, "beside"), "rows": 4, **_STYLE}
    return {
        "demand": sliders(every),
        "hours": sliders(list(task.resources)),
        "costs": {kind: _slider(f"{kind} cost", RATES, 0.0) for kind in tables["costs"]},
        "rest": {
            "on": widgets.Dropdown(
                options=_saved_options(tables, "on"), value="", description="Stands on", **_STYLE
            ),
            "beside": widgets.SelectMultiple(description="Beside it", **choices),
            "demand_months": _slider("Demand in", span, whole),
            "hours_months": _slider("Hours in", span, whole),
            "level": _slider("Service level", LEVELS, 0.0),
        },
    }


def _form() -> dict[str, widgets.Widget]:
    """What is written to save a scenario."""
    kinds = [("choose", ""), ("happens to us", "outside"), ("we decide it", "choice")]
    words = {"name": "Name", "statement": "In a sentence", "owner": "Owner", "author": "Your name"}
    made = {
        name: widgets.Text(description=word, continuous_update=False, **_STYLE)
        for name, word in words.items()
    }
    made["statement"].layout.width = "48em"
    kind = widgets.Dropdown(options=kinds, description="It", **_STYLE)
    once = widgets.BoundedFloatText(min=0.0, max=1e12, description="Spent once", **_STYLE)
    first = {"name": made.pop("name"), "statement": made.pop("statement")}
    return first | {"kind": kind, "cost_value": once} | made


def _rows(parts: list[widgets.Widget]) -> list[widgets.HBox]:
    return [
        widgets.HBox(parts[first : first + 3], layout={"flex_flow": "row wrap"})
        for first in range(0, len(parts), 3)
    ]


def _laid_out(tables: dict, own: dict, buttons: list) -> list[widgets.Widget]:
    """Three columns of sliders, with what is missing said where there are none."""
    rest, missing = own["rest"], {}
    missing["hours"] = "No resources are given, so no hours can be changed: data/raw/resources.csv."
    missing["costs"] = "No costs are known: data/raw/planning_costs.csv, resources.csv, items.csv."
    columns = []
    for name, word, more in (
        ("demand", "Demand", [rest["demand_months"]]),
        ("hours", "Hours", [rest["hours_months"]]),
        ("costs", "Costs and service", [rest["level"]]),
    ):
        sliders = [*own[name].values()] or [widgets.HTML(exhibits.note(missing[name]).html)]
        inside = widgets.VBox(sliders)
        inside.add_class("column")
        columns.append(widgets.VBox([widgets.HTML(f"<b>{word}</b>"), *more, inside]))
    top = widgets.HBox([rest["on"], rest["beside"], *buttons], layout={"flex_flow": "row wrap"})
    return [top, widgets.HBox(columns, layout={"flex_flow": "row wrap"})]
