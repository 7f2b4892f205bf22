"""The places of a page: a name for each heading, so that lists and explorers can lead there."""

from __future__ import annotations

import html
import re

from sopkit import naming

_HEADING = re.compile(r"<h2>(.*?)</h2>", re.DOTALL)
_OF_THE_SHELL = frozenset({"content", "tools"})  # ids that page.html.j2 gives


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
