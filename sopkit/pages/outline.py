"""The order of a page: a name for each heading, what comes last, what stands before and after it.

Headings have names, so that the list of contents, other pages and explorers can lead there.
"""

from __future__ import annotations

import html
import re

import nbformat

from sopkit import naming
from sopkit.agenda import STEPS

FEWEST = 3  # headings from which a page has a list of its contents
_HEADING = re.compile(r"<h2>(.*?)</h2>", re.DOTALL)
_OF_THE_SHELL = frozenset({"content", "tools"})  # ids that page.html.j2 gives
_ABOUT = re.compile(r"^- \*\*(?:Reads|Writes)\*\*.*\n?", re.MULTILINE)
_DECIDES = re.compile(r"^- (\*\*Decides\*\*)", re.MULTILINE)
_READING = re.compile(r"<p>(How to read it|How it was made|What would worry us):")
_WORRY = re.compile(r"^(What would worry us):", re.MULTILINE)


def arranged(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The answer first: what a page reads and writes goes from its first cell to its end.

    The shell has the only ``h1``: the first title is left out, others become an ``h2``.
    """
    texts = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    for cell in texts[:1]:
        cell.source = re.sub(r"\A\s*# .*\n?", "", cell.source)
        about = "".join(_ABOUT.findall(cell.source))
        cell.source = _DECIDES.sub(r"\1", _ABOUT.sub("", cell.source))
        if about:
            tagged = {"tags": ["about"]}
            last = nbformat.v4.new_markdown_cell(about, id="about", metadata=tagged)
            notebook.cells.append(last)
    for cell in texts:
        cell.source = re.sub(r"^# ", "## ", cell.source, flags=re.MULTILINE)
    return notebook


def explained(body: str) -> str:
    """Lines that say how to read an exhibit look alike on every page."""
    marked = _READING.sub(r'<p class="reading"><b>\1:</b>', body)
    return _WORRY.sub(r"<br><b>\1:</b>", marked)


def anchored(body: str) -> tuple[str, list[tuple[str, str]]]:
    """Name each heading of a page.

    Parameters
    ----------
    body : str
        Markup of a page without its shell.

    Returns
    -------
    body : str
        Each ``h2`` with an id: ``naming.anchor`` of its words, the second of a name ends in ``-2``.
    places : list of tuple
        Id and words of each heading, in order.

    Examples
    --------
    >>> anchored("<h2>Is it sure?</h2><h2>Is it sure?</h2>")[1]
    [('is-it-sure', 'Is it sure?'), ('is-it-sure-2', 'Is it sure?')]
    """
    taken, places = set(_OF_THE_SHELL), []

    def name(found: re.Match) -> str:
        words = html.unescape(re.sub(r"<[^>]+>", "", found[1])).strip()
        place = _free(naming.anchor(words), taken)
        taken.add(place)
        places.append((place, words))
        return f'<h2 id="{place}">{found[1]}</h2>'

    return _HEADING.sub(name, body), places


def _free(name: str, taken: set[str]) -> str:
    """The name, numbered from the second on."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free


def beside(page: str) -> list[tuple[str, str, str, str]]:
    """The meetings before and after that of a page: side, words, title and address."""
    files = [f"{step.notebook}.html" for step in STEPS]
    if page not in files:
        return []
    here = files.index(page)
    sides = [("before", "Meeting before", here - 1), ("after", "Next meeting", here + 1)]
    return [
        (side, words, STEPS[there].title, files[there])
        for side, words, there in sides
        if 0 <= there < len(files)
    ]
