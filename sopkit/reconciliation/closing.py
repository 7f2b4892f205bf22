"""The best set of levers: which to pull within limits, what each adds, and why others are left.

What a set saves is asked of the supply plan itself, since levers on one bottleneck share its gap.
The saving is concave in the levers, so each answer bounds all other sets by a plane; the best set
under the planes is asked next, until it has been asked before. A mixed-integer programme of a few
rows (HiGHS), exact: Kelley's cutting planes, as Benders used them for decisions above a plan.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

_SAME = 1e-7  # share of the money at stake within which two sets are worth the same
_ROUNDED = 1e-9


@dataclass(eq=False)
class Search:
    """Best sets of levers, whose answers are kept.

    Parameters
    ----------
    saved : callable
        For shares (l,) of the levers: what they save or earn, a concave function, and its slope
        (l,). ``offers.Offers.saved`` is one.
    cost : array (l,)
        Money that each lever costs.
    uses : array (k, l)
        What each lever uses of each limit.
    limits : array (k,)
        How much of each there is.
    pairs : list of tuple
        Positions of levers that cannot be used together.

    Examples
    --------
    Ten hours are missing, worth 5 each. Two levers bring eight of them; both together no more than
    ten:

    >>> def saved(share):
    ...     hours = 8 * share.sum()
    ...     return 5.0 * min(hours, 10.0), np.full(2, 40.0 if hours < 10 else 0.0)
    >>> search = Search(saved, cost=np.array([20.0, 15.0]))
    >>> search.best().tolist(), float(search.net(search.best()))
    ([False, True], 25.0)
    """

    saved: Callable[[np.ndarray], tuple[float, np.ndarray]]
    cost: np.ndarray
    uses: np.ndarray | None = None
    limits: np.ndarray | None = None
    pairs: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self):
        count = len(self.cost)
        self._known: dict[tuple, tuple[float, np.ndarray]] = {}
        rows = np.zeros((len(self.pairs), count))
        for row, pair in zip(rows, self.pairs, strict=True):
            row[list(pair)] = 1.0
        uses = np.zeros((0, count)) if self.uses is None else np.asarray(self.uses, dtype="float64")
        limits = np.zeros(0) if self.limits is None else np.asarray(self.limits, dtype="float64")
        size = np.maximum(limits, uses.max(axis=1, initial=0.0))  # limits count alike
        size = np.where(size > 0, size, 1.0)
        self._rows = np.vstack([rows, uses / size[:, None]])
        self._most = np.concatenate([np.ones(len(rows)), limits / size])
        self._asked(np.zeros(count))
        self._scale = max(self.gain(np.ones(count)), self.cost.sum(), 1.0)  # the money at stake

    def gain(self, chosen: np.ndarray) -> float:
        """What a set (l,) saves or earns, its cost not taken off."""
        return self._asked(chosen)[0]

    def net(self, chosen: np.ndarray) -> float:
        """What a set brings beyond its cost."""
        return self.gain(chosen) - float(self.cost @ chosen)

    def best(
        self, fixed: dict[int, bool] | None = None, *, without: np.ndarray | None = None
    ) -> np.ndarray | None:
        """The set (l,) that brings most beyond its cost; a lever that adds nothing is not in it.

        Parameters
        ----------
        fixed : dict, optional
            Position of a lever: whether it is in the set.
        without : array (k,) of bool, optional
            Limits that do not hold.

        Returns
        -------
        array (l,) of bool, or None
            None where no set keeps all limits.
        """
        fixed, refused = fixed or {}, []
        held = np.ones(len(self._most), dtype=bool)
        if without is not None:
            held[len(self.pairs) :] = ~without
        best = self._under_planes(fixed, held, refused)
        while best is not None:
            if not self._is_allowed(best, held):
                refused.append(best)
            elif tuple(best) in self._known:
                break
            else:
                self._asked(best)
            best = self._under_planes(fixed, held, refused)
        for lever in np.flatnonzero(best) if best is not None else ():
            fewer = best & (np.arange(len(best)) != lever)
            is_idle = self.net(fewer) >= self.net(best) - _SAME * self._scale
            best = fewer if is_idle and lever not in fixed else best
        return best

    def cheapest(self, needed: float, fixed: dict[int, bool] | None = None) -> np.ndarray | None:
        """The set (l,) of least cost that saves or earns so much; None where none does."""
        fixed, refused = fixed or {}, []
        held = np.ones(len(self._most), dtype=bool)
        least = needed - _SAME * self._scale
        found = self._under_planes(fixed, held, refused, needed)
        while found is not None and not (
            self._is_allowed(found, held) and self.gain(found) >= least
        ):
            refused.append(found)
            found = self._under_planes(fixed, held, refused, needed)
        for lever in np.flatnonzero(found) if found is not None else ():
            fewer = found & (np.arange(len(found)) != lever)
            found = fewer if self.gain(fewer) >= least and lever not in fixed else found
        return found

    def _is_allowed(self, chosen: np.ndarray, held: np.ndarray) -> bool:
        """Whether a set keeps its limits exactly, not within the solver's tolerance alone."""
        return bool((self._rows[held] @ chosen <= self._most[held] + _ROUNDED).all())

    def _asked(self, chosen: np.ndarray) -> tuple[float, np.ndarray]:
        mark = tuple(np.asarray(chosen, dtype=bool))
        if mark not in self._known:
            self._known[mark] = self.saved(np.array(mark, dtype="float64"))
        return self._known[mark]

    def _under_planes(
        self, fixed: dict[int, bool], held: np.ndarray, refused: list[np.ndarray], needed=None
    ) -> np.ndarray | None:
        """The best set, or the cheapest that saves what is needed, if all saved as planes allow."""
        from scipy.optimize import (  # here: `status` must not wait for it
            Bounds,
            LinearConstraint,
            milp,
        )

        count = len(self.cost)
        low, high = np.zeros(count + 1), np.append(np.ones(count), np.inf)
        low[-1] = -np.inf if needed is None else needed / self._scale  # what is saved
        for lever, is_in in fixed.items():
            low[lever] = high[lever] = float(is_in)
        slopes = np.array([slope for _, slope in self._known.values()])
        at = np.array([gain - slope @ np.array(one) for one, (gain, slope) in self._known.items()])
        planes = np.hstack([-slopes / self._scale, np.ones((len(at), 1))])
        again = np.array(refused, dtype="float64").reshape(-1, count)
        rows = np.vstack([self._rows[held], 2.0 * again - 1.0])  # not a refused set again
        most = np.concatenate([self._most[held], again.sum(axis=1) - 1.0])
        found = milp(
            np.append(self.cost / self._scale, -1.0 if needed is None else 0.0),
            integrality=np.append(np.ones(count), 0),
            bounds=Bounds(low, high),
            constraints=[
                LinearConstraint(planes, -np.inf, at / self._scale),
                LinearConstraint(np.pad(rows, ((0, 0), (0, 1))), -np.inf, most),
            ],
            options={"mip_rel_gap": 0.0},
        )
        return None if found.x is None else found.x[:count] > 0.5
