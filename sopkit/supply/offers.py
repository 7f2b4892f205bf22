"""The plan of least cost with offers open to it: hours and sales that it may use in part.

Each offer is a set of columns beside the programme's own, closed at first; ``Offers.saved`` opens
some and says what the plan then saves, and what each would save further. Service is no worse than
planned: no item owes more in any month, and none has less of its safety stock. Units owed cost what
the task says, given or assumed; weights that are no money count nothing.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.sparse import csc_matrix

from sopkit.supply import least_cost, plans, programme
from sopkit.supply.tasks import Task

_ZERO = 1e-9


class InTime(least_cost.Session):
    """A task's programme in which nobody waits longer, and nothing more is lost, than in a plan.

    Parameters
    ----------
    task, plan : Task, Plan
        The problem, priced, and an answer.

    Examples
    --------
    Overtime costs 8 more than regular hours, owing a unit for a month 5.

    >>> task = Task(demand=[12, 0], hours=1, regular_hours=10, regular_cost=1, overtime_hours=5,
    ...     overtime_cost=9, backlog_cost=5)
    >>> round(InTime(task, least_cost.solve(task)).extra(0, 0, 2.0), 6)
    3.0
    """

    def __init__(self, task: Task, plan: plans.Plan):
        super().__init__(task)
        plan = plans.completed(task, plan)
        self._late = {
            "backlog": np.maximum(-plans.outcome(task, plan).closing, 0.0),
            "lost": plan.lost,
        }
        held = np.zeros(self._highs.getNumCol())
        for name, units in self._late.items():
            at = self._columns[name]
            held[at[at >= 0]] = units[at >= 0]
        self._hold_most([*self._late], held)
        self._run()
        self.stay()
        self._base = self._highs.getInfo().objective_function_value

    def extra(self, item: int, month: int, units: float) -> float:
        """What each of some units costs more in time than late; missing where it cannot be."""
        name = "lost" if self._late["lost"][month, item] >= units else "backlog"
        column, most = int(self._columns[name][month, item]), self._late[name][month, item]
        self._highs.setBasis(self._start)
        self._highs.changeColBounds(column, 0.0, max(most - units, 0.0))
        try:
            self._run()
            cost = self._highs.getInfo().objective_function_value - self._base
        except ValueError:
            cost = np.nan
        self._highs.changeColBounds(column, 0.0, most + _ZERO)
        return max(cost, 0.0) / units


class Offers(least_cost.Session):
    """A task's programme, which may use offers beside what the task holds.

    Parameters
    ----------
    task : Task
        The problem, priced.
    hours : array (l, t, r)
        Hours that each offer adds to each resource and month; what they cost is the offer's.
    units : array (l, t, i)
        Units that each offer could sell beside demand, month by month in this mix or in a share
        of it.
    value : array (l, t)
        What all units of an offer's month bring, less the costs that the task does not hold.
    owed_value : array (i,)
        The same of one unit that is still owed at the end.
    until : int, optional
        Position of a month: only what is delivered to its end counts, ``value`` and ``owed_value``
        of it, and no cost.

    Raises
    ------
    ValueError
        If no plan keeps all rules.

    Examples
    --------
    A hundred hours a month make what is wanted but for twenty units; each owed costs 5 a month.

    >>> task = Task(demand=[120, 100], hours=1, regular_hours=100, backlog_cost=5)
    >>> none = np.zeros((1, 2, 1))
    >>> extra = Offers(task, np.array([[[30], [0]]]), none, none[:, :, 0], np.zeros(1))
    >>> saved, slope = extra.saved(np.array([1.0]))
    >>> round(saved, 6), round(extra.saved(np.array([0.5]))[0], 6)
    (200.0, 150.0)
    """

    def __init__(
        self,
        task: Task,
        hours: np.ndarray,
        units: np.ndarray,
        value: np.ndarray,
        owed_value: np.ndarray,
        *,
        until: int | None = None,
    ):
        super().__init__(task)
        self._run()
        self._aim(owed_value, until)
        self._hold_service()
        self._add(hours, units, value)
        self._run()
        self.stay()
        self._base = self._highs.getInfo().objective_function_value

    def _aim(self, owed_value: np.ndarray, until: int | None) -> None:
        """Costs alone are sought from here on, or what is delivered until a month."""
        self._kept, at = self._values(), self._columns
        money = replace(self.task, below_safety_cost=0.0, ending_cost=0.0)
        cost = programme.build(money, (), None, False).vectors()["cost"]
        if until is not None:
            cost = np.zeros(len(cost))
            lost = at["lost"][: until + 1]
            cost[lost[lost >= 0]] = np.broadcast_to(owed_value, lost.shape)[lost >= 0]
        cost[at["backlog"][-1 if until is None else until]] += owed_value
        self._highs.changeColsCost(len(cost), np.arange(len(cost), dtype="int32"), cost)

    def _hold_service(self) -> None:
        """No backlog larger and no safety stock smaller than in the plan without offers."""
        self._hold_most(["backlog"], self._kept)
        safe = self._columns["safe"]
        safe = safe[safe >= 0].astype("int32")
        lower, upper = (self._vectors[name][safe] for name in ("lower", "upper"))
        least = np.maximum(lower, self._kept[safe] - _ZERO)
        self._highs.changeColsBounds(len(safe), safe, least, upper)

    def _add(self, hours: np.ndarray, units: np.ndarray, value: np.ndarray) -> None:
        """Columns of each offer's months, between none and all of what it brings."""
        is_open = (hours.any(axis=2) | units.any(axis=2)).ravel()
        self._offer, self._month = np.divmod(np.flatnonzero(is_open), self.task.n_months)
        self._size, self._first = len(hours), self._highs.getNumCol()
        own = self._offer, self._month
        rows = np.hstack([self._rows["load"][self._month], self._rows["balance"][self._month]])
        entries = np.hstack([-hours[own], -units[own]])
        place = np.broadcast_to(np.arange(len(rows))[:, None], rows.shape)
        size = (self._highs.getNumRow(), len(rows))
        matrix = csc_matrix((entries.ravel(), (rows.ravel(), place.ravel())), shape=size)
        matrix.eliminate_zeros()
        beside = (matrix.indptr[:-1], matrix.indices, matrix.data)
        closed = np.zeros(len(rows))
        self._highs.addCols(len(rows), -value[own], closed, closed, matrix.nnz, *beside)

    def saved(self, share: np.ndarray) -> tuple[float, np.ndarray]:
        """What the plan saves with a share (l,) of each offer open, and its slope.

        The saving is concave in the shares, so no shares ``x`` save more than
        ``saved + slope @ (x - share)``.
        """
        columns = np.arange(self._first, self._highs.getNumCol(), dtype="int32")
        most = np.asarray(share, dtype="float64")[self._offer]
        self._highs.changeColsBounds(len(columns), columns, np.zeros(len(columns)), most)
        self._highs.setBasis(self._start)
        self._run()
        found = self._highs.getSolution()
        more = np.maximum(-np.array(found.col_dual)[self._first :], 0.0)
        slope = np.bincount(self._offer, more, minlength=self._size)
        return self._base - self._highs.getInfo().objective_function_value, slope
