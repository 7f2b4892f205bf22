"""Rows that a message names, taken apart again for a small table on the page of a failure."""

from __future__ import annotations

import re

# as ``contract.sentence`` writes it: state, table and column, what, rows, remedy
_SENTENCE = re.compile(
    r"(?:\w+Error: )?(?:breach|notice): (?P<where>[^:]+): (?P<what>.*?)"
    r"(?: \((?P<rows>[\d,]+ rows?), first: (?P<first>.*?)\) (?P<remedy>.*))?"
)


def found(text: str) -> list[dict[str, str]]:
    """Place, words, rows, first row and remedy of each line; empty unless every line has a place.

    Examples
    --------
    >>> found("breach: sales.quantity: not a number (2 rows, first: row 5) Write 12.5.")[0]["first"]
    'row 5'
    >>> found("ValueError: no")
    []
    """
    lines = [_SENTENCE.fullmatch(line) for line in text.splitlines()]
    return [line.groupdict(default="") for line in lines] if all(lines) else []
