"""What was found once, kept for as long as it is made from the very same tables.

Scenarios change a few of a cycle's tables; whatever rests on the others is not worked out again.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd


class Kept(dict):
    """Results by what they were made from; for functions that change none of their arguments.

    Examples
    --------
    >>> table, kept = pd.DataFrame({"quantity": [1.0, 2.0]}), Kept()
    >>> kept.of(len, table), kept.of(len, table.copy()), len(kept)
    (2, 2, 2)
    >>> kept.of(len, table), len(kept)
    (2, 2)
    """

    def of(self, make: Callable, *given: object) -> object:
        """``make(*given)``, made once; nobody may change it.

        Parameters
        ----------
        make : callable
            A pure function.
        *given
            Words, numbers and what holds nothing else are told apart by their text, tables and
            anything else by identity.
        """
        mark = (make, *(repr(thing) if _is_plain(thing) else id(thing) for thing in given))
        if mark not in self:
            self[mark] = make(*given), given  # as long as they live, nothing else has their id
        return self[mark][0]

    def same(self, table: pd.DataFrame) -> pd.DataFrame:
        """The equal table that was handed in before, else this one."""
        known = self.setdefault("tables", [])
        found = next((other for other in known if other.equals(table)), None)
        if found is None:
            known.append(table)
            return table
        return found


def _is_plain(thing: object) -> bool:
    """Whether a text tells all of a thing."""
    if isinstance(thing, dict):
        return all(map(_is_plain, thing.values()))
    return thing is None or isinstance(thing, str | int | float | pd.Timestamp)
