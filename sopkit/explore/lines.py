"""Lines that a person answers: narrow the list, choose, type name and note, press.

``history`` and ``feedback`` are this with lines of their own. Only buttons write: one further file
each time.
"""

from __future__ import annotations

from functools import partial
from typing import Protocol

import ipywidgets as widgets
import pandas as pd

from sopkit import schema
from sopkit.explore import frame

_SHOWN = 12  # lines listed at a time
_SEARCHED = 300  # names from which a list is searched by typing
NEXT = "The next run plans it: sopkit run"


class Subject(Protocol):
    """What the lines are about.

    ``word``: what a line is called, many of them; ``one``: one of them; ``every``: levels to
    narrow by, with the words for all of them; ``buttons``: answers, with their word and tip;
    ``more``: controls of its own, by name; ``needs_note``: whether an answer must say why.
    """

    word: str
    one: str
    every: dict[str, str]
    buttons: dict[str, tuple[str, str]]
    more: dict[str, widgets.Widget]
    needs_note: bool

    def members(self, level: str) -> pd.Series:
        """What a level holds."""

    def listed(self, chosen: dict[str, str]) -> pd.DataFrame:
        """Lines within what is chosen: their ``name`` and ``words``."""

    def show(self, view: frame.View, chosen: dict[str, str], lines: tuple[str, ...]) -> None:
        """Put into the view what chosen lines mean."""

    def keep(self, answer: str, lines: tuple[str, ...], *, author: str, note: str) -> str:
        """Write an answer; what was written, in words."""


class Panel:
    """The widget: controls, what is told after a press, what is shown.

    Parameters
    ----------
    subject : Subject
        What the lines are about.
    view : View
        Of ``frame``, without controls yet.
    """

    def __init__(self, subject: Subject, view: frame.View) -> None:
        self.subject, self.view = subject, view
        self.own, self.told = _controls(subject), widgets.HTML()
        buttons = []
        for answer, (word, tip) in subject.buttons.items():
            made = frame.button(word, tip, primary=not buttons)
            made.on_click(partial(self._press, answer))
            buttons.append(made)
        narrowing = frame.row(*(self.own[name] for name in subject.every))
        written = frame.row(*subject.more.values(), self.own["author"], self.own["note"], *buttons)
        view.controls.children = [narrowing, self.own["lines"], written, self.told]
        for name in subject.every:
            self.own[name].observe(self._narrow, "value")
        for control in (self.own["lines"], *subject.more.values()):
            control.observe(self._redraw, "value")
        self._narrow()
        self.box = frame.box(view.box)

    def chosen(self) -> dict[str, str]:
        """The member of each level; ``all`` is every one."""
        return {name: self.own[name].value or schema.ALL for name in self.subject.every}

    def _narrow(self, _change: object = None) -> None:
        rows = self.subject.listed(self.chosen())
        lines = self.own["lines"]
        lines.unobserve(self._redraw, "value")
        lines.value = ()
        lines.options = list(zip(rows["words"], rows["name"], strict=True))
        lines.observe(self._redraw, "value")
        self._redraw()

    def _redraw(self, _change: object = None) -> None:
        self.subject.show(self.view, self.chosen(), self.own["lines"].value)

    def _missing(self) -> str:
        """What has to be said before an answer can be kept."""
        if not self.own["lines"].value:
            return f"Choose at least one {self.subject.one}."
        if not self.own["author"].value.strip():
            return "Say who you are: your name is missing."
        if self.subject.needs_note and not self.own["note"].value.strip():
            return "Say why: the note is missing."
        return ""

    def _press(self, answer: str, _button: object) -> None:
        if missing := self._missing():
            self.told.value = frame.status(missing)
            return
        said = {name: self.own[name].value for name in ("author", "note")}
        try:
            words = self.subject.keep(answer, self.own["lines"].value, **said)
        except (ValueError, OSError, RuntimeError) as error:
            self.told.value = frame.status(f"Nothing was written: {error}")
            return
        self.told.value = frame.status(words)
        self._narrow()


def _controls(subject: Subject) -> dict[str, widgets.Widget]:
    """What is chosen and written, by name."""
    made = {}
    for level, word in subject.every.items():
        known = sorted(set(subject.members(level)) - {schema.ALL, schema.UNASSIGNED})
        kind = frame.names if len(known) > _SEARCHED else frame.choice
        options = [(word, schema.ALL), *((member, member) for member in known)]
        made[level] = kind(level.capitalize(), options, tip=f"Narrow the list: {level}")
    made["lines"] = frame.many(
        subject.word, rows=_SHOWN, tip="Several with Ctrl or Shift; what they mean stands below"
    )
    made["author"] = frame.text("Your name", tip="Kept with the answer")
    made["note"] = frame.text("Note", tip="Why; kept with the answer", width="28em")
    return made
