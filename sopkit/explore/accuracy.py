"""How wrong, where, which way, since when, and who would have been better? An explorer.

Two tabs of one family: the models of the back-test, and the layers of past cycles' plans. A group
is chosen from a list, the worst first, and within it the next; the path above leads back.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import ipywidgets as widgets
import pandas as pd

from sopkit import months
from sopkit.demand import lags, value_added
from sopkit.explore import cube, errors, frame, ledger
from sopkit.explore.cube import MEASURES
from sopkit.explore.work import Work

_ALL = ""  # every member
_SEEN_ON = {  # where the pages show the same
    "back-test": ("demand_review", "Why this forecast?"),
    "past plans": ("data_review", "How good were the last plans?"),
}
_HOW = ("layer", "lag", "measure", "picture", "stood")


def explorer(workspace: str | Path, cycle: pd.Timestamp) -> widgets.VBox:
    """The explorer as one widget: the models' back-test, and past plans once they are opened.

    Parameters
    ----------
    workspace : str or Path
        Folder that holds ``data/raw``.
    cycle : Timestamp
        A cycle whose demand step has been run; where it has not, the explorer says so.
    """
    tabs = widgets.Tab([widgets.VBox(), widgets.VBox()], titles=("Models", "Past plans"))
    work = [Work(place) for place in tabs.children]
    opened = set()

    def show(number: int) -> None:
        if number in opened:
            return
        opened.add(number)
        load, place = (ledger.models, ledger.plans)[number], tabs.children[number]

        def put(tables: dict) -> None:
            place.children = [Panel(workspace, cycle, tables).box]

        work[number].start(partial(load, workspace, cycle), put)

    tabs.observe(lambda change: show(change["new"]), "selected_index")
    show(0)
    box = frame.box(tabs)
    box.work = work
    return box


class Panel:
    """One tab: controls, and what they choose.

    Parameters
    ----------
    workspace : str or Path
        Folder that holds ``data/raw``.
    cycle : Timestamp
        The cycle looked from.
    tables : dict
        From ``ledger.models`` or ``ledger.plans``.
    """

    def __init__(self, workspace: str | Path, cycle: pd.Timestamp, tables: dict) -> None:
        self.workspace, self.cycle, self.tables = workspace, cycle, tables
        self.fixed: list[tuple[str, str]] = []  # what the lists stand within
        self.own = _controls(tables)
        self._is_quiet = False  # while the program sets controls
        self._drawn = None
        self.path = frame.row()
        deeper = frame.button("Go on within", "The second list becomes the first")
        buttons = [
            frame.button(word, f"Every row behind this, written to reports/exports as {word}")
            for word in ("CSV", "Excel")
        ]
        self.told = widgets.HTML()
        self.view = frame.View(workspace, cycle, *self._lines(deeper, buttons))
        self.box = self.view.box
        deeper.on_click(self._deeper)
        for control, kind in zip(buttons, ("csv", "xlsx"), strict=True):
            control.on_click(partial(self._export, kind))
        for control in self.own.values():
            control.observe(self._changed, "value")
        self._changed()

    def _lines(self, deeper: widgets.Button, buttons: list[widgets.Button]) -> list:
        own = self.own
        lists = [widgets.VBox([own[f"level{k}"], own[f"member{k}"]]) for k in (1, 2)]
        how = [own[name] for name in _HOW]
        behind = widgets.HBox([widgets.Label("Every row behind this:"), *buttons])
        return [
            self.path,
            frame.row(*lists, widgets.VBox(how[:3] + [own["period"]])),
            frame.row(deeper, *how[3:], behind),
            self.told,
        ]

    def choice(self, upto: int = 2) -> cube.Choice:
        """What the controls choose; ``upto``: how many of the lists count."""
        own, path = self.own, list(self.fixed)
        for k in range(1, upto + 1):
            if own[f"member{k}"].value:
                path.append((own[f"level{k}"].value, own[f"member{k}"].value))
        first, last = own["period"].value
        how = {name: own[name].value for name in ("layer", "lag", "measure")}
        return cube.Choice(first, last, path=tuple(path), **how)

    def _changed(self, change: dict | None = None) -> None:
        """Everything shown anew, once for each press; the lists last."""
        if self._is_quiet:
            return
        self._is_quiet = True
        try:
            self._follow(change["owner"] if change else None)
            self._redraw()
        finally:
            self._is_quiet = False

    def _follow(self, moved: widgets.Widget | None) -> None:
        """A group of another level is not chosen any more; the lists never stand at one level."""
        own, taken = self.own, [level for level, _ in self.fixed]
        for k in (1, 2):
            level = own[f"level{k}"]
            free = [(ledger.LEVELS[n], n) for n in self.tables["levels"] if n not in taken]
            if tuple(free) != level.options:
                kept = level.value
                level.options = free
                level.value = kept if kept in [name for _, name in free] else free[0][1]
                moved = level if level.value != kept else moved
            if moved is level:
                own[f"member{k}"].value = _ALL
            taken.append(level.value)

    def _redraw(self) -> None:
        own, tables, choice = self.own, self.tables, self.choice()
        own["stood"].layout.display = None if own["picture"].value == "stood" else "none"
        part = cube.part(tables["cube"], choice)
        table = cube.by_layer(part)
        kind, level = own["picture"].value, own["level2"].value
        cycle = own["stood"].value if kind == "stood" else self.cycle
        self.view.show(
            lambda: errors.sentence(tables, part, table),
            errors.picture(tables, part, table, kind=kind, cycle=cycle),
            errors.tables_of(tables, part, table, level),
            _SEEN_ON[tables["what"]],
            lambda: errors.files(part, table, level),
        )
        self._show_path(choice.path)
        for k in (1, 2):
            self._offer(k)

    def _offer(self, k: int) -> None:
        """Members of a list, the worst first; the one chosen stays, judged or not."""
        control, level = self.own[f"member{k}"], self.own[f"level{k}"].value
        groups = cube.ranked(cube.part(self.tables["cube"], self.choice(k - 1)), level)
        words = errors.labels(self.tables, groups, level, self.own["measure"].value)
        options = [("all of them", _ALL), *zip(words, groups["member"], strict=True)]
        if control.value not in [value for _, value in options]:
            options.append((f"{control.value} · nothing judged", control.value))
        if options != control.options:
            control.options = options

    def _show_path(self, path: tuple[tuple[str, str], ...]) -> None:
        """A button for each step down; pressing one goes back up to it."""
        if self._drawn == path:
            return
        self._drawn = path
        words = [ledger.LEVELS["total"], *(errors.named(self.tables, *one) for one in path)]
        buttons = []
        for depth, word in enumerate(words):
            made = frame.button(word, f"Back up to: {word}")
            made.layout.width = "auto"
            made.on_click(partial(self._up, depth))
            buttons += [widgets.Label("›"), made] if depth else [made]
        self.path.children = buttons

    def _up(self, depth: int, _button: object = None) -> None:
        """Back to the first steps of the path; the lists show what lies within."""
        self._is_quiet = True
        count, own = len(self.fixed), self.own
        if depth < count:
            self.fixed = self.fixed[:depth]
            own["member1"].value = own["member2"].value = _ALL
        elif depth <= count + bool(own["member1"].value):
            own["member2"].value = _ALL
            if depth == count:
                own["member1"].value = _ALL
        self._is_quiet = False
        self._changed()

    def _deeper(self, _button: object = None) -> None:
        """The second list becomes the first, within what the first has chosen."""
        own = self.own
        if not own["member1"].value or len(self.fixed) + 2 >= len(self.tables["levels"]):
            self.told.value = frame.status("Choose a group in the first list, to go on within it.")
            return
        self.told.value = ""
        self._is_quiet = True
        self.fixed.append((own["level1"].value, own["member1"].value))
        taken = [level for level, _ in self.fixed]
        second, chosen = own["level2"].value, own["member2"].value
        free = [(ledger.LEVELS[n], n) for n in self.tables["levels"] if n not in taken]
        own["level1"].options, own["level1"].value = free, second
        own["member1"].options, own["member1"].value = [(chosen, chosen)], chosen
        own["member2"].value = _ALL
        rest = [one for one in free if one[1] != second]
        own["level2"].options, own["level2"].value = rest, rest[0][1]
        self._is_quiet = False
        self._changed()

    def _export(self, kind: str, _button: object) -> None:
        self.told.value = frame.status("Writing…")
        part = cube.part(self.tables["cube"], self.choice())
        level = self.own["level2"].value
        try:
            path, count = errors.export(self.workspace, self.tables, part, level, kind)
            where = path.relative_to(Path(self.workspace).resolve()).as_posix()
            words = f"{count:,} rows written to {where} of the workspace."
        except (months.UsageError, OSError) as error:
            words = f"Nothing was written: {error}"
        self.told.value = frame.status(words)


def _controls(tables: dict) -> dict[str, widgets.Widget]:
    """What is chosen, by name."""
    made = tables["cube"]
    levels = [(ledger.LEVELS[name], name) for name in tables["levels"]]
    lag = made.cells["lag"]
    is_near = lag.between(*value_added.NEAR_LAGS).any()
    near = [value_added.NEAR] if is_near else []
    ahead = [*near, lags.EVERY_LAG, lags.DECISION_LAG, *sorted(map(int, lag.unique()))]
    plan = next((name for name in (lags.CONSENSUS,) if name in made.layers), made.layers[0])
    closed, cycles = (sorted(made.cells[name].unique()) for name in ("month", "cycle"))
    pictures = [(word, name) for name, word in errors.PICTURES.items()]
    pictures = [one for one in pictures if one[1] != "stood" or "plans" in tables]
    second = "location" if "location" in tables["levels"] else tables["levels"][-1]
    own = {
        "level1": frame.choice("Groups by", levels, tip="What the company is divided by"),
        "member1": frame.names(
            "Group", [("all of them", _ALL)], width="33em", tip="The worst first"
        ),
        "level2": frame.choice("Within it by", levels, second, tip="What the group is divided by"),
        "member2": frame.names(
            "Part", [("all of them", _ALL)], width="33em", tip="The worst first"
        ),
        "layer": frame.choice(tables["who"], made.layers, plan, tip="Whose errors"),
        "lag": frame.choice("Ahead", [(errors.ahead(k), k) for k in ahead], tip="Months ahead"),
        "measure": frame.choice("Measure", [(word, n) for n, (word, _) in MEASURES.items()]),
        "period": frame.span("Months", closed),
        "picture": frame.choice("Picture", pictures),
        "stood": frame.choice("Cycle", [(months.label(one), one) for one in cycles]),
    }
    for name in ("member1", "member2"):
        own[name].value = _ALL
    return own
