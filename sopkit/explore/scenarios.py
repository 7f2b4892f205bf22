"""What if demand, hours, costs or service were different? An explorer over one cycle's plan.

Sliders change demand by family, hours by resource, costs and the service level, alone or on a saved
scenario; the plan of least cost is made anew while they move, by the steps of the batch. What is
asked can be saved as a scenario file, which the next run plans for page 05.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import ipywidgets as widgets
import pandas as pd

from sopkit import decided, months, schema, store, what_if
from sopkit.demand import hierarchy
from sopkit.explore import frame, scenario_controls, scenario_view
from sopkit.explore.scenario_view import Asked
from sopkit.explore.work import Work
from sopkit.reconciliation import changes, scenario_format, scenarios

PAGE = ("reconciliation", "What if?")
_SECONDS = 0.1  # a slider must rest so long before the plan is made anew: the last position wins
_NEXT = "the next run plans it for page 05: sopkit run"


def load(workspace: str | Path, cycle: pd.Timestamp, tick: Callable = scenario_view.unseen) -> dict:
    """What the explorer works on: the base of a cycle's scenarios, and those that are saved.

    ``tick(share, words)`` is called between its parts; it may raise to give up.

    Raises
    ------
    UsageError
        If the cycle has not been run, has no demand, or no plan keeps its rules.
    """
    tick(0.1, f"Reading the plan of cycle {months.label(cycle)}…")
    tables = decided.in_supply(store.inputs(workspace, "reconciliation", cycle), cycle=cycle)
    money = (store.read(workspace, name, cycle) for name in ("financials", "closed_financials"))
    tick(0.3, "Planning supply at least cost, as it stands…")
    base = what_if.start(tables, *money, cycle=cycle)
    task, items, company = base["planned"]["task"], tables["items"], tables["company"].iloc[0]
    family = schema.lookup(task.keys["item"], items, "family").fillna(schema.UNASSIGNED)
    tick(0.8, "Reading saved scenarios, trying which costs are known…")
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
    place = widgets.VBox()
    box = frame.box(widgets.HTML(scenario_controls.LOOK), place)

    def done(tables: dict) -> None:
        box.children = [*box.children[:-1], _Room(workspace, cycle, tables).box]

    Work(place).start(lambda tick: load(workspace, cycle, tick), done)
    return box


class _Room:
    """One question at a time: what is chosen, the plan it asks for, and the form that saves it."""

    def __init__(self, workspace: str | Path, cycle: pd.Timestamp, tables: dict) -> None:
        self.workspace, self.cycle, self.tables = workspace, cycle, tables
        self.own, self.form = scenario_controls.controls(tables), scenario_controls.form()
        self.start = self._values()
        reset = frame.button("Reset", "Everything as planned")
        save = frame.button("Save as a scenario", "Write one new file", primary=True)
        place = widgets.VBox(layout={"min_height": "4.5em"})  # nothing below jumps
        lines = scenario_controls.laid_out(self.own, [reset])
        self.view = frame.View(workspace, cycle, *lines, place)
        self.work, self.planning, self.told = Work(place), threading.Lock(), widgets.HTML()
        rows = scenario_controls.rows([*self.form.values(), save])
        self.box = widgets.VBox([self.view.box, *rows, self.told])
        self.watcher = soon(self.redraw)
        self.watch(is_on=True)
        self.form["cost_value"].observe(self.watcher, "value")
        reset.on_click(self.put_back)
        save.on_click(self.press_save)
        self.redraw()

    def _values(self) -> dict[str, dict]:
        return {name: {n: c.value for n, c in group.items()} for name, group in self.own.items()}

    def asked(self) -> Asked:
        """What is different, as it is chosen."""
        values = self._values()
        rest = values.pop("rest")
        rest.pop("beside")
        return Asked(**values, **rest, cost_value=float(self.form["cost_value"].value))

    def redraw(self) -> None:
        """Plan what is asked; a newer question takes the place of the one under way."""
        asked, beside = self.asked(), tuple(self.own["rest"]["beside"].value)

        def job(tick: Callable) -> dict:
            with self.planning:  # the solver keeps its last plan: one question at a time
                return scenario_view.view(self.tables, asked, beside, tick)

        self.work.start(job, lambda shown: self.view.show(page=PAGE, **shown))

    def watch(self, *, is_on: bool) -> None:
        """Follow the controls, or set them unseen."""
        for control in [c for group in self.own.values() for c in group.values()]:
            (control.observe if is_on else control.unobserve)(self.watcher, "value")

    def put_back(self, _button: object) -> None:
        """Everything as planned."""
        self.watch(is_on=False)
        for name, group in self.own.items():
            for word, control in group.items():
                control.value = self.start[name][word]
        self.form["cost_value"].value = 0.0
        self.tell("")
        self.watch(is_on=True)
        self.redraw()

    def tell(self, words: str) -> None:
        """Say below the form what came of pressing Save."""
        self.told.value = frame.status(words) if words else ""

    def press_save(self, _button: object) -> None:
        """Write what is asked as a scenario file."""
        text = {name: control.value for name, control in self.form.items()}
        content, lacking = content_of(self.asked(), text)
        if lacking:
            self.tell(lacking)
            return
        own = {"cycle": self.cycle, "author": text["author"]}
        try:
            path = store.add_scenario(self.workspace, content, **own)
        except (ValueError, OSError) as error:
            self.tell(f"Nothing was written: {error}")
            return
        self._offer_saved()
        file = path.relative_to(Path(self.workspace).resolve()).as_posix()
        self.tell(f"Written to {file}: {_standing(self.workspace, self.cycle)}")

    def _offer_saved(self) -> None:
        """The scenario just saved can be chosen, too."""
        tables = self.tables["base"]["tables"]
        self.tables["known"] = _saved(self.workspace, tables, self.cycle)
        self.watch(is_on=False)
        for name in ("on", "beside"):
            control = self.own["rest"][name]
            chosen = control.value
            control.options = scenario_controls.saved_options(self.tables, name)
            control.value = chosen
        self.watch(is_on=True)


def _standing(workspace: str | Path, cycle: pd.Timestamp) -> str:
    """When what is saved will be planned."""
    root = Path(workspace).resolve()
    try:
        store.require_unapproved(root, cycle, "it counts from the next cycle on")
    except months.UsageError as error:
        return str(error)
    closed = store.kept_closed(root, cycle).get("reconciliation")
    return f"reconciliation is {closed.said}: it is planned when reopened." if closed else _NEXT


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
