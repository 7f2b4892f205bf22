"""How work on parts of a portfolio is called: what is learned across series is learned once.

Every function works on one part; what parts say together is handed to each of them. ``ALONE``
calls them one after the other; ``sopkit.partitions`` has workers call the same functions.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any


class Alone:
    """Functions of parts, called here and now."""

    def each(self, function: Callable, *parts: list, **common: Any) -> list:
        """What a function makes of every part; ``common`` is handed to all."""
        return [function(*row, **common) for row in zip(*parts, strict=True)]

    def fold(self, function: Callable, parts: list) -> Any:
        """What ``function(part, before)`` makes of one part after the other."""
        return reduce(lambda before, part: function(part, before), parts, None)

    def once(self, function: Callable, *known: Any) -> Any:
        """What a function makes of what all parts have said, in their order."""
        return function(*known)


ALONE = Alone()
