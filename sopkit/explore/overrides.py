"""What would a number changed by hand do? The consensus by family and month, open to be written in.

A change is spread to items by the engine of the demand step before anything is kept: a sentence
says what it is worth and which hours it takes, tables which series and resources move. What is kept
becomes rows of table `overrides`, in a file of its own; taking it back is a further row.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ipywidgets as widgets
import numpy as np
import pandas as pd

from sopkit import exhibits, months, schema, store
from sopkit.charts import demand as charts
from sopkit.explore import frame, override_plan, override_words
from sopkit.explore.override_plan import CELL
from sopkit.explore.override_sheet import LOOK, Sheet, windows
from sopkit.explore.work import Work

KINDS = [("set to", "set"), ("add", "add"), ("times", "scale")]
REASONS = (
    "promotion or event",
    "new customer or order",
    "lost customer or order",
    "price change",
    "competitor",
    "launch or phase-out",
    "correction of the forecast",
    "other",
)
PAGE = ("demand_review", "What do people change by hand?")
_EXPIRY = 12  # cycles ahead in which an override may be said to expire
_NEXT = "the next `sopkit run` takes it in."
_SIGNED = ("reason", "text", "author", "expires", "lock")  # what is said of all changes


def lacking(rows: pd.DataFrame, author: str, reason: str, text: str) -> str:
    """What a person must still say before changes can be kept; empty if nothing."""
    if rows.empty:
        return "Nothing is changed, so nothing can be kept."
    if not text.strip() and (not reason or reason == REASONS[-1]):
        return "Say why: choose a reason, or write one."
    return "" if author.strip() else "Say who you are: the author's name is missing."


def explorer(
    workspace: str | Path, cycle: pd.Timestamp, keep: Callable[..., Path] | None = None
) -> widgets.VBox:
    """The grid as one widget; only Keep, and Undo after it, write: one further file each time.

    Parameters
    ----------
    workspace : str or Path
        Folder that holds ``data/raw``.
    cycle : Timestamp
        A cycle whose demand step has been run; where it has not, the explorer says so.
    keep : callable, optional
        What writes the rows: ``store.add`` where it is left out.
    """
    place = widgets.VBox()
    box = frame.box(widgets.HTML(LOOK), place)

    def job(tick: Callable) -> dict:
        tick(0.1, f"Reading the plan of cycle {months.label(cycle)}, and what people changed…")
        return override_plan.load(workspace, cycle)

    def done(tables: dict) -> None:
        desk = _Desk(workspace, cycle, tables, keep or store.add)
        box.children = [*box.children[:-1], desk.view.box]

    Work(place).start(job, done)
    return box


class _Desk:
    """One person's changes: those not kept yet, those kept, and what is shown of them."""

    def __init__(
        self, workspace: str | Path, cycle: pd.Timestamp, tables: dict, keep: Callable
    ) -> None:
        self.workspace, self.cycle, self.tables, self.keep = workspace, cycle, tables, keep
        self.rows, self.kept, self.notes = tables["overrides"].iloc[:0], [], []
        self.own, self.told = _controls(tables), widgets.HTML()
        self.sheet = Sheet(tables, self.write)
        enter = frame.button("Enter", "Make the change that is described here")
        keep_it = frame.button("Keep", "Write these changes as one new file", primary=True)
        undo = frame.button("Undo", "Drop the last change, or take back the last one kept")
        discard = frame.button("Discard all", "Drop every change that is not kept yet")
        one, two, three = _rows(self.own)
        lines = [frame.row(*one), self.sheet.box, frame.row(*two, enter), frame.row(*three)]
        lines += [frame.row(keep_it, undo, discard), self.told]
        self.view = frame.View(workspace, cycle, *lines)
        self.standing, keep_it.disabled = _standing(workspace, cycle)
        presses = (self.press_enter, self.press_keep, self.press_undo, self.press_discard)
        for button, press in zip((enter, keep_it, undo, discard), presses, strict=True):
            button.on_click(press)
        self._watch()
        self.narrow()
        self.tell(self.standing if keep_it.disabled else "")

    def _watch(self) -> None:
        for name in _SIGNED:
            self.own[name].observe(self.redraw, "value")
        for name in ("place", "channel", "months"):
            self.own[name].observe(self.narrow, "value")

    def levels(self, family: str = schema.COMPANY_LABEL) -> dict[str, str]:
        """What a change of a family is narrowed to."""
        named = {"family": schema.ALL if family == schema.COMPANY_LABEL else family}
        chosen = (self.own["place"].value, self.own["channel"].value)
        return named | {level: name for level, name in chosen}

    def why(self) -> str:
        """The reason as chosen and written."""
        words = filter(None, [self.own["reason"].value, self.own["text"].value.strip()])
        return ": ".join(words).removeprefix(f"{REASONS[-1]}: ")

    def signed(self) -> pd.DataFrame:
        """The changes, with who makes them and why."""
        by = {"is_locked": self.own["lock"].value, "expires": self.own["expires"].value}
        return override_plan.signed(self.rows, self.own["author"].value, self.why(), **by)

    def tell(self, words: str) -> None:
        """Say below the buttons what came of pressing one."""
        self.told.value = frame.status(words) if words else ""

    def narrow(self, _change: object = None) -> None:
        """Show the place, channel and months that are chosen."""
        self.sheet.turn_to(self.own["months"].value)
        self.sheet.narrow(self.tables, self.levels())
        self.redraw()

    def redraw(self, _change: object = None) -> None:
        """Show what the changes do, the picture first; what is refused is dropped, and said why."""
        rows = self.signed()
        made = override_plan.applied(self.tables, rows)
        picture = self._draw(made[0])
        seen, refused = override_plan.preview(self.tables, rows, made), []
        is_refused = seen["changes"]["state"].eq("refused").to_numpy(dtype=bool)
        if is_refused.any():
            told = seen | {"changes": seen["changes"][is_refused]}
            refused = override_words.sentences(self.tables, told)[: is_refused.sum()]
            self.rows = self.rows[~is_refused]
            seen = override_plan.preview(self.tables, self.signed())
            picture = self._draw(seen["value"])
        table = override_plan.grid(self.tables, seen["value"], self.levels())
        self.sheet.fill(table, self._pending())
        shown = override_words.view(self.tables, seen, refused)
        shown["data"]["plan_by_family_and_month"] = table.rename_axis("family").reset_index()
        self.view.show(picture=picture, page=PAGE, **shown)

    def _pending(self) -> set[tuple]:
        """Family and month of the changes that hold for exactly what is shown."""
        here, found = self.levels(), set()
        for one in self.rows[CELL].to_dict("records"):
            named = here | {"family": one["family"]}
            if all(one[name] == named.get(name, schema.ALL) for name in schema.LEVELS):
                is_whole = one["family"] == schema.ALL
                found.add((schema.COMPANY_LABEL if is_whole else one["family"], one["month"]))
        return found

    def _draw(self, value: np.ndarray) -> exhibits.Exhibit:
        """The plan of what was changed last, before and after, by month; it is sent at once."""
        last = self.rows.iloc[-1] if len(self.rows) else dict.fromkeys(schema.LEVELS, schema.ALL)
        levels = {name: last[name] for name in schema.LEVELS}
        lines = override_plan.by_month(self.tables, value, levels)
        subject = ", ".join(name for name in levels.values() if name != schema.ALL)
        subject = subject or "the whole company"
        chart = charts.by_hand(lines, self.tables["unit"], subject=subject)
        alt = f"Demand plan of {subject} by month, before and after"
        made = frame.picture(chart, alt=alt)
        self.view.picture.value = made.html
        return made

    def write(self, family: str, month: pd.Timestamp, amount: float) -> None:
        """Take what somebody wrote into a cell."""
        self.own["family"].value, self.own["month"].value = family, month
        self.change("set", amount, family, month)

    def change(self, kind: str, amount: float, family: str, month: pd.Timestamp) -> None:
        """Add a change; the reason that stood belongs to those made before it."""
        more = override_plan.row(self.tables, kind, amount, month, **self.levels(family))
        if self.why() not in ("", REASONS[-1]):
            self.rows = self.rows.assign(reason=self.rows["reason"].fillna(self.why()))
        rows = pd.concat([self.rows, more]).drop_duplicates(CELL, keep="last")
        self.rows = rows.reset_index(drop=True)
        self.tell("")
        self.redraw()

    def put(self, rows: pd.DataFrame, words: str) -> bool:
        """Whether rows were written; which file, or why not, is told."""
        author = rows["author"].iloc[0]
        sent = rows.drop(columns=["cycle", "author", "entered_at"])
        try:
            path = self.keep(self.workspace, "overrides", sent, cycle=self.cycle, author=author)
        except (ValueError, OSError) as error:
            self.tell(f"Nothing was written: {error}")
            return False
        self.tables = override_plan.with_kept(self.tables, rows)
        file = Path(path).relative_to(Path(self.workspace).resolve()).as_posix()
        self.tell(f"{words} {file}: {self.standing}")
        return True

    def press_enter(self, _button: object) -> None:
        """Make the change that is described by the controls."""
        self.change(*(self.own[name].value for name in ("kind", "amount", "family", "month")))

    def press_keep(self, _button: object) -> None:
        """Write all changes as one file."""
        own, is_told = self.own, self.rows["reason"].notna().all()
        text = self.why() or " ".join(self.rows["reason"][:1]) if is_told else own["text"].value
        missing = lacking(self.rows, own["author"].value, own["reason"].value, text)
        if missing:
            self.tell(missing)
            return
        rows = self.signed()
        back = [override_plan.taken_back(self.tables, rows.iloc[[k]]) for k in range(len(rows))]
        if self.put(rows, "Written to"):
            self.kept += back
            self.rows = self.rows.iloc[:0]
            own["lock"].value = False  # the next change has its own
            for name in ("reason", "text", "expires"):
                own[name].value = ""
            self.redraw()

    def press_undo(self, _button: object) -> None:
        """Drop the last change; without one, take back the last that was kept."""
        self.tell("")
        if len(self.rows):
            self.rows = self.rows.iloc[:-1]
        elif not self.kept:
            self.tell("There is nothing to take back.")
        elif self.put(self.kept[-1], "Taken back by a further entry,"):
            self.kept.pop()
        self.redraw()

    def press_discard(self, _button: object) -> None:
        """Drop every change that is not kept."""
        self.rows = self.rows.iloc[:0]
        self.tell("")
        self.redraw()


def _standing(workspace: str | Path, cycle: pd.Timestamp) -> tuple[str, bool]:
    """When what is kept will count, and whether nothing can be kept any more."""
    root = Path(workspace).resolve()
    try:
        store.require_unapproved(root, cycle, "Nothing can be kept here")
    except months.UsageError as error:
        return str(error), True
    closed = store.kept_closed(root, cycle).get("demand_review")
    return (f"demand_review is {closed.said}: it counts when reopened." if closed else _NEXT), False


def _rows(own: dict[str, widgets.Widget]) -> list[list[widgets.Widget]]:
    """Controls line by line: what is shown, one change, what is said of all of them."""
    parts = list(own.values())
    return [parts[:3], parts[3:7], parts[7:]]


def _controls(tables: dict) -> dict[str, widgets.Widget]:
    """What is chosen, in the order in which it stands."""
    base, span = tables["base"], sorted(tables["base"]["month"].unique())
    families = override_plan.grid(tables, tables["value"], {}).index
    families = list(families.drop(schema.UNASSIGNED, errors="ignore"))
    ends = _labelled([months.shift(tables["cycle"], k) for k in range(_EXPIRY + 1)])
    reasons = [("choose a reason", ""), *((reason, reason) for reason in REASONS)]
    lock = widgets.Checkbox(description="Lock: nothing else moves it", indent=False)
    return {
        "place": frame.choice("Place", _members(base, "all places", "region", "location")),
        "channel": frame.choice("Channel", _members(base, "all channels", "segment", "channel")),
        "months": frame.choice("Months", windows(span), width="23em"),
        "family": frame.choice("Change", families),
        "month": frame.choice("in", _labelled(span), width="14em"),
        "kind": frame.choice("How", KINDS, width="14em"),
        "amount": _field(widgets.FloatText, "Amount", "14em"),
        "reason": frame.choice("Reason", reasons, width="21em"),
        "text": _field(widgets.Text, "In words", "25em", continuous_update=False),
        "author": _field(widgets.Text, "Your name", "18em", continuous_update=False),
        "expires": frame.choice("Last cycle", [("does not expire", ""), *ends]),
        "lock": lock,
    }


def _field(kind: type, word: str, width: str, **more: object) -> widgets.Widget:
    style = {"description_width": "6.5em"}
    return kind(description=word, layout={"width": width}, style=style, tooltip=word, **more)


def _labelled(every: list) -> list[tuple]:
    return [(months.label(month), month) for month in every]


def _members(base: pd.DataFrame, every: str, *levels: str) -> list[tuple]:
    """Members of some levels to choose from, all together first."""
    known = [(level, name) for level in levels for name in sorted(set(base[level]))]
    known = [pair for pair in known if pair[1] not in (schema.ALL, schema.UNASSIGNED)]
    return [(every, (levels[0], schema.ALL)), *((f"{a} {b}", (a, b)) for a, b in known)]
