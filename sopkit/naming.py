"""Short names of lines that a person answers, and of places on pages: the same in every run."""

from __future__ import annotations

import hashlib
import re

import pandas as pd

_LETTERS = "23456789BCDFGHJKMNPQRSTVWXZ"  # none looks like another, no vowel makes a word
_LONGEST = 10  # letters of a name after its first
_LONGEST_ANCHOR = 60  # letters
_HEBREW_OR_ARABIC = "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]"
# what is written from right to left, with what stands between its words
LEFTWARD = re.compile(rf"{_HEBREW_OR_ARABIC}+(?:(?:&amp;|\W)+{_HEBREW_OR_ARABIC}+)*")


def short_names(words: pd.Series, first: str, shortest: int) -> pd.Series:
    """A short name for each of some words, each given once: two of one name get a letter more.

    Parameters
    ----------
    words : Series of str
        What a line is, in full.
    first : str
        Letter with which every name begins.
    shortest : int
        Letters after it, as long as names differ.

    Examples
    --------
    >>> short_names(pd.Series(["A in May", "B in May"]), "C", 5).str.len().tolist()
    [6, 6]
    """
    whole = pd.Series([_letters(word) for word in words], index=words.index, dtype="str")
    short = whole.str[:shortest]
    for size in range(shortest + 1, _LONGEST + 1):
        short = short.mask(short.duplicated(keep=False), whole.str[:size])
    return first + short


def _letters(text: str) -> str:
    """A hash as letters of the alphabet."""
    number, found = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"), ""
    for _ in range(_LONGEST):
        number, rest = divmod(number, len(_LETTERS))
        found += _LETTERS[rest]
    return found


def anchor(words: str) -> str:
    """A heading as the name of its place on a page: links to it outlive another wording nearby.

    Parameters
    ----------
    words : str
        A heading.

    Returns
    -------
    str
        Lower-case letters and digits of any script, joined by hyphens, 60 at most.

    Examples
    --------
    >>> anchor("What does history say, and where does the plan go?")
    'what-does-history-say-and-where-does-the-plan-go'
    """
    return re.sub(r"[\W_]+", "-", words.casefold())[:_LONGEST_ANCHOR].strip("-") or "part"
