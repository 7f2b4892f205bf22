"""What all explorers share: controls, one layout, pictures, links to pages, downloads.

Controls stand on top, then one sentence, one line of links, one picture, tables. Everything can be
reached by keyboard, has a name, and follows JupyterLab's light and dark theme.
"""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Callable, Iterable
from functools import lru_cache
from html import escape
from pathlib import Path
from urllib.parse import quote

import ipywidgets as widgets
import pandas as pd
import traitlets

from sopkit import agenda, cells, exhibits, months, naming, publication

_LISTED = 300  # options that a list holds at a time; the rest is found by searching
# In command mode JupyterLab takes arrows and letters from whatever has the focus and is no text
# field, unless it bears this mark: lists and sliders would be dead, and D twice deletes the cell.
# ipywidgets names the handles of a slider for the eye only.
_ON_FOCUS = (
    "this.closest('.sopkit').addEventListener('focusin', ({target}) => {"
    "  target.setAttribute('data-lm-suppress-shortcuts', '');"
    "  const words = target.closest('.widget-slider')?.querySelector('label');"
    "  if (words) target.setAttribute('aria-label', words.textContent); })"
)
# the pages' style sheet is not there in a notebook; colours are those of the theme
LOOK = (
    f'<style onload="{_ON_FOCUS}">'
    """
.sopkit, .sopkit .widget-html-content { color: var(--jp-ui-font-color1);
  line-height: 1.45; white-space: normal; }
.sopkit .sentence { font-size: 1.15em; font-weight: 600; margin: 0.7em 0 0.3em; max-width: 60em; }
.sopkit .links, .sopkit .source { margin: 0.2em 0 0.8em; color: var(--jp-ui-font-color2); }
.sopkit figure { margin: 1em 0; overflow-x: auto; }
.sopkit figcaption, .sopkit .note { font-weight: 600; margin: 0.5em 0; }
.sopkit table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.sopkit caption { text-align: left; font-weight: 600; padding-bottom: 0.3em; }
.sopkit :is(th, td) { padding: 0.15em 0.9em; text-align: right; font-weight: normal; }
.sopkit :is(th, td):first-child { text-align: left; padding-left: 0; }
.sopkit .w5 :is(th, td):nth-child(5), .sopkit :is(.t4, .w4) :is(th, td):nth-child(4) {
  text-align: left; }
.sopkit thead th { border-bottom: 1px solid var(--jp-border-color0); }
.sopkit tbody tr:hover { background: var(--jp-layout-color2); }
.sopkit img { max-width: 100%; background: white; border-radius: 2px; }
.sopkit a { color: var(--jp-content-link-color); text-decoration: underline; }
.sopkit select option { color: var(--jp-ui-font-color1); background: var(--jp-layout-color1); }
.sopkit :is(a, button, input, select, textarea):focus-visible {
  outline: 2px solid var(--jp-brand-color1); outline-offset: 1px; }
.sopkit .widget-readout { min-width: 11em; }
.sopkit .wrapped { flex-flow: row wrap; align-items: flex-start; }
</style>"""
)


def choice(
    word: str, options: Iterable, value: object = None, *, width: str = "18em", tip: str = ""
) -> widgets.Dropdown:
    """A labelled list to choose one of; the first option where no value is given."""
    made = _labelled(widgets.Dropdown, word, tip, width, options=list(options))
    if value is not None:
        made.value = value
    return made


def _labelled(kind: type, word: str, tip: str, width: str, **more) -> widgets.Widget:
    style = {"description_width": "6.5em"}
    look = {"style": style, "layout": {"width": width}, "tooltip": tip or word}
    return kind(description=word, **look, **more)


class Names(widgets.VBox):
    """A list of names, searched by typing; shows the first 300 that hold what is typed.

    ``options`` are pairs of words and value, ``value`` what is chosen (None: nothing yet).
    """

    value = traitlets.Any(None, allow_none=True)

    def __init__(self, word: str, options: Iterable, *, rows: int, width: str, tip: str) -> None:
        hint = tip or f"Type a part of a name to shorten the list: {word}"
        self._find = _labelled(widgets.Text, "Find", hint, width, placeholder="part of a name")
        self._list = _labelled(widgets.Select, word, tip, width, rows=rows)
        super().__init__([self._find, self._list])
        self._find.observe(self._fill, "value")
        self._list.observe(self._choose, "value")
        self.options = options

    @property
    def options(self) -> list[tuple[str, object]]:
        """All names, found or not."""
        return self._options

    @options.setter
    def options(self, options: Iterable) -> None:
        pairs = (one if isinstance(one, tuple) else (one, one) for one in options)
        self._options = [(str(words), value) for words, value in pairs]
        self._find.layout.display = None if len(self._options) > self._list.rows else "none"
        self._fill()

    @property
    def label(self) -> str:
        """The words of what is chosen."""
        return next((words for words, value in self._options if value == self.value), "")

    def _fill(self, _change: object = None) -> None:
        """The list as searched; what is chosen stays chosen where it is still listed."""
        part = self._find.value.strip().casefold()
        found = [one for one in self._options if part in one[0].casefold()][:_LISTED]
        kept = self.value if self.value in [value for _, value in found] else None
        self._list.unobserve(self._choose, "value")
        self._list.options = found
        self._list.value = kept
        self._list.observe(self._choose, "value")

    def _choose(self, change: dict) -> None:
        self.value = change["new"]

    @traitlets.observe("value")
    def _follow(self, change: dict) -> None:
        if self._list.value != change["new"]:
            self._fill()


def names(
    word: str, options: Iterable, *, rows: int = 8, width: str = "26em", tip: str = ""
) -> Names:
    """A list of many names to choose one of, searched by typing."""
    return Names(word, options, rows=rows, width=width, tip=tip)


def span(word: str, months_: list[pd.Timestamp], *, tip: str = "") -> widgets.Widget:
    """A slider with two ends over months, all of them chosen at first."""
    options = [(months.label(one), one) for one in months_]
    tip, value = tip or "First and last month", (months_[0], months_[-1])
    more = {"options": options, "value": value, "continuous_update": False}
    return _labelled(widgets.SelectionRangeSlider, word, tip, "26em", **more)


def many(word: str, *, rows: int, width: str = "62em", tip: str = "") -> widgets.SelectMultiple:
    """A list of which several can be chosen."""
    made = _labelled(widgets.SelectMultiple, word, tip, width, rows=rows)
    made.layout.max_width = "100%"
    return made


def text(word: str, *, width: str = "18em", tip: str = "") -> widgets.Text:
    """A line to type into; what is typed counts once it is left."""
    return _labelled(widgets.Text, word, tip, width, continuous_update=False)


def number(word: str, *, most: float = 1e12, tip: str = "") -> widgets.BoundedFloatText:
    """A number from zero to ``most`` to type."""
    return _labelled(widgets.BoundedFloatText, word, tip, "16em", max=most)


def button(word: str, tip: str = "", *, primary: bool = False) -> widgets.Button:
    """A button; what it does stands in its tip."""
    style = "primary" if primary else ""
    return widgets.Button(description=word, tooltip=tip or word, button_style=style)


def row(*controls: widgets.Widget) -> widgets.HBox:
    """Controls side by side, in further lines where the screen is narrow."""
    made = widgets.HBox(controls, layout={"flex_flow": "row wrap"})
    made.add_class("wrapped")
    return made


def box(*parts: widgets.Widget) -> widgets.VBox:
    """Parts below each other in the explorers' look."""
    made = widgets.VBox([widgets.HTML(LOOK), *parts])
    made.add_class("sopkit")
    return made


def missing(error: Exception) -> widgets.VBox:
    """What is missing, in clear words, and which command brings it."""
    made = widgets.VBox([widgets.HTML(LOOK + exhibits.note(str(error)).html)])
    made.add_class("sopkit")
    return made


class View:
    """Controls on top, one sentence, one line of links, one picture, tables.

    Parameters
    ----------
    workspace : str or Path
        Folder that holds ``data/raw``.
    cycle : Timestamp
        The cycle looked at: its pages are linked to.
    controls : Widget
        What is chosen, in lines; ``frame.row`` makes one.
    """

    def __init__(
        self, workspace: str | Path, cycle: pd.Timestamp, *controls: widgets.Widget
    ) -> None:
        self.workspace, self.cycle = workspace, cycle
        self.controls = widgets.VBox(controls)
        self.sentence, self.links, self.picture, self.tables = (widgets.HTML() for _ in range(4))
        parts = [self.controls, self.sentence, self.links, self.picture, self.tables]
        self.box = widgets.VBox(parts)

    def show(
        self,
        sentence: str | Callable[[], str],
        picture: exhibits.Exhibit | None = None,
        tables: Iterable[exhibits.Exhibit] = (),
        page: tuple[str, str] | None = None,
        data: dict[str, pd.DataFrame] | Callable[[], dict[str, pd.DataFrame]] | None = None,
    ) -> None:
        """Put what was found in place of what is shown: the picture is sent before the rest.

        Parameters
        ----------
        sentence : str, or callable that gives it
            What is seen, in words.
        picture : Exhibit, optional
            One picture.
        tables : iterable of Exhibit
            Below it; a generator makes them once the picture is sent.
        page : (str, str), optional
            Step and heading of the section that shows the same on a page.
        data : dict of DataFrame, optional
            File name → table to save; or a function that gives it.
        """
        self.picture.value = picture.html if picture else ""
        self.sentence.value = status(sentence() if callable(sentence) else sentence)
        self.tables.value = "".join(one.html for one in tables)
        links = []
        if page:
            links.append(f"On the page: {page_link(self.workspace, self.cycle, *page)}")
        data = data() if callable(data) else data
        if data:
            files = ", ".join(download(name, table) for name, table in data.items())
            links.append(f"Download: {files}")
        self.links.value = f'<p class="links">{" · ".join(links)}</p>' if links else ""


def picture(drawn, *, alt: str, missing: str = "") -> exhibits.Exhibit:
    """A chart of one panel as an SVG picture, in a third of the time that a page takes for it.

    Margins are fixed instead of fitted, and it is drawn once instead of twice.

    Parameters
    ----------
    drawn : matplotlib Figure or None
        What a function of ``charts`` returned.
    alt, missing : str
        As in ``exhibits.figure``.
    """
    if drawn is None:
        return exhibits.note(missing or f"Nothing to draw: {alt}.", "missing")
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    drawn.set_layout_engine(None)
    drawn.subplots_adjust(left=0.08, right=0.76, top=0.86, bottom=0.14)
    buffer = io.StringIO()
    with rc_context({"svg.hashsalt": "sopkit", "svg.fonttype": "none"}):
        FigureCanvasSVG(drawn).print_svg(buffer, metadata={"Date": None, "Creator": None})
    code = base64.b64encode(buffer.getvalue().encode()).decode("ascii")
    image = f'<img src="data:image/svg+xml;base64,{code}" alt="{escape(alt)}">'
    return exhibits.Exhibit(f'<figure class="chart">{image}</figure>')


def status(sentence: str) -> str:
    """Markup of a sentence that screen readers say when it changes."""
    words = exhibits.isolated(escape(sentence, quote=False))
    return f'<p class="sentence" role="status" aria-live="polite">{words}</p>'


def page_link(workspace: str | Path, cycle: pd.Timestamp, step_name: str, heading: str) -> str:
    """Markup of a link to the section of a page that shows the same.

    The running Jupyter server serves the page where the workspace lies below its root; elsewhere
    the page's path stands as text.

    Parameters
    ----------
    workspace : str or Path
        Folder that holds ``data/raw``.
    cycle : Timestamp
        Whose page.
    step_name, heading : str
        A step of ``agenda.STEPS``, and a heading of its page.
    """
    notebook = agenda.step(step_name).notebook
    page = publication.REPORTS / months.label(cycle) / f"{Path(notebook).stem}.html"
    path = Path(workspace).resolve() / page
    if not path.exists():
        command = f"sopkit run --cycle {months.label(cycle)}"
        return f"{escape(page.as_posix())} is not made yet ({escape(command)})"
    base, root = _server(os.environ.get("JPY_PARENT_PID", ""))
    if root is None or not path.is_relative_to(root):
        return escape(f"{path}, {heading}", quote=False)
    place = quote(path.relative_to(root).as_posix())
    address = f"{base}files/{place}#{quote(naming.anchor(heading))}"
    return f'<a href="{escape(address)}" target="_blank">{escape(heading, quote=False)}</a>'


@lru_cache(maxsize=4)
def _server(parent: str) -> tuple[str, Path | None]:
    """Base address and root folder of the Jupyter server that started this kernel."""
    if not parent.isdigit():
        return "", None
    try:
        from jupyter_server.serverapp import list_running_servers
    except ImportError:  # a notebook outside Jupyter's own server
        return "", None
    for one in list_running_servers():
        if one["pid"] == int(parent):
            return one["base_url"], Path(one["root_dir"]).resolve()
    return "", None


def download(name: str, table: pd.DataFrame) -> str:
    """Markup of a link that saves a table as CSV; cells that a spreadsheet would run are text.

    Parameters
    ----------
    name : str
        File name, with or without ``.csv``.
    table : DataFrame
        Full precision, as it is saved.
    """
    name = name if name.endswith(".csv") else f"{name}.csv"
    text = cells.all_harmless(table).to_csv(index=False, date_format="%Y-%m")
    code = base64.b64encode(text.encode("utf-8-sig")).decode("ascii")
    source = f"data:text/csv;charset=utf-8;base64,{code}"
    return f'<a download="{escape(name)}" href="{source}">{escape(name)}</a>'
