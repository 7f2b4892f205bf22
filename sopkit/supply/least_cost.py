"""The plan of least cost: a linear or mixed-integer programme, solved by HiGHS.

``solve`` answers a ``tasks.Task`` once; a ``Session`` keeps the model in HiGHS and answers changed
tasks from the last basis. ``prices`` says what one more hour would save.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import highspy
import numpy as np
import pandas as pd

from sopkit.supply import plans, programme
from sopkit.supply.plans import Plan
from sopkit.supply.tasks import Task

WHOLE = ("workers", "set-ups", "lots")
_WORTH = 0.9  # hours are told together while each saves so much of the first one's value
TOLERANCE_RATE = 0.005  # plans within so much of least cost are taken as equally good
_LARGE = 150_000  # columns from which interior point beats simplex
_ZERO = 1e-9  # units below which HiGHS means none
_LATE = ("backlog", "lost")  # columns of what customers do not get in time
_GAP, _SECONDS = 1e-6, 60.0  # of a whole-number search: relative gap, longest time


class Session:
    """A task's model kept in HiGHS, answering changed tasks from where it stands.

    Parameters
    ----------
    task : Task
        The problem. Costs that are unknown count nothing; where none at all is known the plan
        serves demand by priority, then safety stock, then takes least overtime and
        subcontracting, then least stock.
    whole : iterable of str
        What is decided in whole numbers: ``workers`` (crews), ``set-ups``, ``lots``.
    near : Plan, optional
        Last plan. The one nearest to it, by the sum of units moved, is taken of the plans within
        ``TOLERANCE_RATE`` of least cost in which no item is owed or lost more in any month than
        at least cost, and none has less safety stock over all months. Missing values were not
        planned.

    Raises
    ------
    ValueError
        If ``whole`` holds an unknown word.

    Examples
    --------
    >>> from dataclasses import replace
    >>> task = Task(demand=[40, 60, 75, 25], opening=10, hours=1, regular_hours=40,
    ...     overtime_hours=np.inf, regular_cost=400, overtime_cost=450, holding_cost=20,
    ...     is_backlog_allowed=False)
    >>> session = Session(task)
    >>> session.solve().made.ravel().tolist()
    [40.0, 50.0, 75.0, 25.0]
    >>> round(session.objective)
    78450
    >>> plan = session.solve(replace(task, regular_hours=50))  # what if we had ten hours more?
    >>> round(session.objective)
    77350
    """

    def __init__(self, task: Task, *, whole: Iterable[str] = (), near: Plan | None = None):
        self.whole = tuple(whole)
        unknown = set(self.whole) - set(WHOLE)
        if unknown:
            raise ValueError(f"whole numbers of {sorted(unknown)}: choose of {', '.join(WHOLE)}.")
        self.task, self.objective, self._start = task, np.nan, None
        self._near = None if near is None else plans.completed(task, near).made
        self._highs = highspy.Highs()
        self._highs.silent()
        for name, value in (("mip_rel_gap", _GAP), ("threads", 1)):
            self._highs.setOptionValue(name, value)
        self._highs.setOptionValue("time_limit", _SECONDS if self.whole else np.inf)
        self._load(task)

    def _load(self, task: Task) -> None:
        """Pass the whole model to HiGHS."""
        model = programme.build(task, self.whole, self._near, True)
        matrix, self._vectors = model.matrix(), model.vectors()
        self._columns, self._rows, self.n_entries = model.at, model.rows, matrix.nnz
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = model.n_columns, model.n_rows
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = (
            self._vectors[name] for name in ("cost", "lower", "upper")
        )
        lp.row_lower_, lp.row_upper_ = self._vectors["row_lower"], self._vectors["row_upper"]
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_, lp.a_matrix_.index_ = matrix.indptr, matrix.indices
        lp.a_matrix_.value_ = matrix.data
        self._counted = np.concatenate([np.zeros(0, dtype="int32"), *model.whole]).astype("int32")
        if len(self._counted):
            kinds = np.full(model.n_columns, highspy.HighsVarType.kContinuous)
            kinds[self._counted] = highspy.HighsVarType.kInteger
            lp.integrality_ = list(kinds)
        self._highs.clearModel()
        self._highs.passModel(lp)
        is_large = model.n_columns >= _LARGE and not len(self._counted)
        self._highs.setOptionValue("solver", "ipm" if is_large else "choose")
        self._highs.setOptionValue("presolve", "off" if is_large else "choose")  # it finds little
        self.task, self._is_fresh = task, True

    def _change(self, task: Task) -> None:
        """Tell HiGHS what differs; costs and bounds keep the basis, coefficients do not."""
        # how large a lot may be follows from demand, and stands in the matrix
        same = "set-ups" not in self.whole and all(
            np.array_equal(getattr(task, name), getattr(self.task, name), equal_nan=True)
            for name in programme.MATRIX
            if getattr(task, name) is not getattr(self.task, name)
        )
        if not same:
            return self._load(task)
        self._highs.setOptionValue("solver", "choose")  # simplex goes on from the last basis
        vectors, old = programme.build(task, self.whole, self._near, False).vectors(), self._vectors
        for names, send in (
            (("cost",), self._highs.changeColsCost),
            (("lower", "upper"), self._highs.changeColsBounds),
            (("row_lower", "row_upper"), self._highs.changeRowsBounds),
        ):
            moved = np.any([vectors[name] != old[name] for name in names], axis=0)
            which = np.flatnonzero(moved).astype("int32")
            if len(which):
                send(len(which), which, *(vectors[name][which] for name in names))
        self.task, self._vectors = task, vectors
        return None

    def stay(self) -> None:
        """Begin every later answer where the last one ended.

        So it depends on its task alone, not on those asked in between.
        """
        self._start = self._highs.getBasis()

    def solve(self, task: Task | None = None) -> Plan:
        """The best plan of the task, or of a changed one.

        Parameters
        ----------
        task : Task, optional
            A changed task with the same axes, as from ``dataclasses.replace``.

        Returns
        -------
        Plan
            ``objective`` is its cost and weights.

        Raises
        ------
        ValueError
            If no plan keeps all rules, or nothing bounds the cost.
        """
        if task is not None and task is not self.task:
            self._change(task)
        if self._start is not None:
            self._highs.clearSolver()  # else weights of the last answer choose among equal plans
            self._highs.setBasis(self._start)
        if not self.task.is_priced:
            self.objective, self.prices = np.nan, np.zeros(self.task.regular_hours.shape)
            return self._plan(self._in_order())
        self._run()
        self.prices = self._hour_prices()
        values = self._settle() if len(self._counted) else self._values()
        if self._near is not None:
            values = self._nearest(values)
        self.objective = float(values @ self._vectors["cost"]) + programme.constant(self.task)
        return self._plan(values)

    def _run(self) -> None:
        self._highs.run()
        status, known = self._highs.getModelStatus(), highspy.HighsModelStatus
        if status in (known.kInfeasible, known.kUnboundedOrInfeasible):
            raise ValueError(
                "no plan keeps all rules: allow backlog or lost sales, or loosen least stock, "
                "changes of rate, storage or the bounds of the workforce."
            )
        if status == known.kUnbounded:
            raise ValueError(
                "nothing bounds the cost: something sells or ends for more than it costs."
            )
        if status != known.kOptimal and self._highs.getInfo().primal_solution_status != 2:
            raise ValueError(
                f"HiGHS found no plan in time: {self._highs.modelStatusToString(status)}"
            )

    def _settle(self) -> np.ndarray:
        """Solve once more with whole numbers exactly whole, and give them back their freedom."""
        which, count = self._counted, len(self._counted)
        fixed = np.round(self._values()[which])
        kinds = highspy.HighsVarType
        self._highs.changeColsIntegrality(
            count, which, np.full(count, int(kinds.kContinuous), "uint8")
        )
        self._highs.changeColsBounds(count, which, fixed, fixed)
        self._highs.run()
        values = self._values()
        self._highs.changeColsIntegrality(
            count, which, np.full(count, int(kinds.kInteger), "uint8")
        )
        bounds = (self._vectors[name][which] for name in ("lower", "upper"))
        self._highs.changeColsBounds(count, which, *bounds)
        return values

    def _values(self) -> np.ndarray:
        return np.array(self._highs.getSolution().col_value)

    def _minimise(self, cost: np.ndarray) -> np.ndarray:
        every = np.arange(len(cost), dtype="int32")
        self._highs.changeColsCost(len(cost), every, cost)
        self._run()
        return self._values()

    def _minimise_and_hold(self, cost: np.ndarray) -> np.ndarray:
        values = self._minimise(cost)
        found = float(values @ cost)
        self._hold(cost, found + 1e-9 * abs(found) + 1e-6)
        return values

    def _hold(self, cost: np.ndarray, most: float) -> None:
        which = np.flatnonzero(cost).astype("int32")
        self._highs.addRow(-np.inf, most, len(which), which, cost[which])

    def _hold_most(self, names: Iterable[str], values: np.ndarray) -> None:
        """No item's backlog or lost sales larger in any month than in some solution."""
        which = np.concatenate([self._columns[name].ravel() for name in names])
        which = which[which >= 0].astype("int32")
        lower, most = self._vectors["lower"][which], np.maximum(values[which], 0.0) + _ZERO
        self._highs.changeColsBounds(len(which), which, lower, most)

    def _release(self, first: int) -> None:
        """Take held objectives away again and give costs and bounds back."""
        rows = np.arange(first, self._highs.getNumRow(), dtype="int32")
        self._highs.deleteRows(len(rows), rows)
        cost, lower, upper = (self._vectors[name] for name in ("cost", "lower", "upper"))
        every = np.arange(len(cost), dtype="int32")
        self._highs.changeColsCost(len(cost), every, cost)
        self._highs.changeColsBounds(len(cost), every, lower, upper)

    def _distance(self) -> np.ndarray:
        cost = np.zeros(len(self._vectors["cost"]))
        cost[np.concatenate([self._columns["more"].ravel(), self._columns["less"].ravel()])] = 1.0
        return cost

    def _nearest(self, best: np.ndarray) -> np.ndarray:
        """Of the plans nearly as cheap as the best, and as punctual, the nearest to the last."""
        cost, first = self._vectors["cost"], self._highs.getNumRow()
        money = abs(plans.costs(self.task, self._plan(best))["amount_value"].sum())
        self._hold(cost, float(best @ cost) + TOLERANCE_RATE * money)
        self._hold_most(_LATE, best)
        safe = self._columns["safe"].T.astype("int32")
        for own in safe[(safe >= 0).all(axis=1)]:  # each item's safety stock, over all months
            self._highs.addRow(best[own].sum() - 1e-6, np.inf, len(own), own, np.ones(len(own)))
        values = self._minimise(self._distance())
        values = self._settle() if len(self._counted) else values
        self._release(first)
        return values

    def _in_order(self) -> np.ndarray:
        """Without costs: demand by priority, safety stock, least overtime and help, least stock."""
        at, task, zero = self._columns, self.task, np.zeros(len(self._vectors["cost"]))
        first, orders = self._highs.getNumRow(), [zero.copy() for _ in range(4)]
        n_items = len(task.keys)
        per_unit = np.maximum(task.hours[:n_items].sum(axis=1), 1e-3)
        for order, name, weight in (
            (0, "backlog", task.priority),
            (0, "lost", task.priority * task.n_months),
            (1, "safe", -1.0),
            (1, "backlog", (task.safety_stock > 0).any(axis=0)),
            (2, "overtime", 1.0),
            (2, "subcontract", per_unit),
            (3, "stock", 1.0),
            (3, "safe", 1.0),
        ):
            index, weight = np.broadcast_arrays(at[name], weight)
            orders[order][index[index >= 0]] = weight[index >= 0]
        *wanted, stock = orders
        for cost in wanted:
            self._minimise_and_hold(cost)
        if self._near is not None:
            self._hold_most(_LATE, self._minimise(stock))
            self._minimise_and_hold(self._distance())
        values = self._minimise_and_hold(stock)
        values = self._settle() if len(self._counted) else values
        self._release(first)
        return values

    def _plan(self, values: np.ndarray) -> Plan:
        def take(name: str) -> np.ndarray:
            index = self._columns[name]
            taken = np.where(index >= 0, values[np.maximum(index, 0)], 0.0)
            return np.where(taken > _ZERO, taken, 0.0)  # rounding may end just below none

        task = self.task
        workers = np.broadcast_to(task.workers, task.regular_hours.shape).copy()
        if task.is_staffed.any():
            staffed = task.is_staffed
            workers[:, staffed] = take("crews") * task.crew_size[staffed]
        names = ("made", "subcontract", "arrived", "lost", "scrap", "parts")
        return Plan(**{name: take(name) for name in names}, workers=workers)

    def _hour_prices(self) -> np.ndarray:
        """What one more hour of overtime saves, (t, r); zero in whole numbers, which have none."""
        found = self._highs.getSolution()
        prices = np.zeros(self.task.regular_hours.shape)
        if self.whole or not found.dual_valid:
            return prices
        prices[:] = -np.array(found.col_dual)[self._columns["overtime"]]
        limit = self._vectors["upper"][self._columns["overtime"]]
        staffed = np.flatnonzero(self.task.is_staffed)
        if len(staffed):
            rows = self._rows["overtime of workers"]
            prices[:, staffed] = -np.array(found.row_dual)[rows]
            limit[:, staffed] = self._vectors["row_upper"][rows]
        is_free = limit > self.task.overtime_hours  # firm work is beyond all hours anyway
        return np.where(is_free, 0.0, np.maximum(prices, 0.0))


def solve(task: Task, *, whole: Iterable[str] = (), near: Plan | None = None) -> Plan:
    """The plan of least cost; parameters as in ``Session``.

    Examples
    --------
    >>> task = Task(demand=[69, 29, 36, 61], setup_cost=[85, 102, 102, 101], holding_cost=1,
    ...     is_backlog_allowed=False)
    >>> solve(task, whole=["set-ups"]).made.ravel().tolist()
    [98.0, 0.0, 97.0, 0.0]
    """
    return Session(task, whole=whole, near=near).solve()


def scarcity(task: Task) -> tuple[np.ndarray, np.ndarray]:
    """What one more hour (t, r) and one more unit of a material (t, m) would save, pay taken off.

    Zero where nothing is scarce or no cost is given.
    """
    session = Session(task)
    session.solve()
    units = np.zeros(task.is_scarce.shape)
    if task.is_priced and units.size:
        found = np.array(session._highs.getSolution().row_dual)
        units[task.is_scarce] = np.maximum(found[session._rows["materials"]], 0.0)
    return session.prices, units


def hour_values(task: Task, *, count: int = 5) -> pd.DataFrame:
    """Where one more hour of overtime saves most, how many are worth it, and what the next save.

    Parameters
    ----------
    task : Task
        The problem, with costs.
    count : int
        Resource months, of the largest values, whose ranges are followed.

    Returns
    -------
    DataFrame
        Key ``resource, month``: ``value`` of the first hour, its pay taken off; ``hours`` that are
        worth at least nine tenths of it, and ``next_value`` of those after them. Beyond ``count``
        both are missing and the value is the solver's price, no less than what an hour saves. By
        value, largest first; months in which an hour saves nothing are left out, and all are where
        no cost is given.

    Notes
    -----
    Each range is found by solving again with more hours, so what is told has been tried: the cost
    is convex in the hours, and its pieces are followed until they meet.
    """
    session = Session(task)
    session.solve()
    base, prices = session.objective, session.prices
    order = np.argsort(-prices, axis=None, kind="stable")
    rows = []
    for t, resource in zip(*np.unravel_index(order, prices.shape), strict=True):
        if prices[t, resource] <= 1e-6:
            break
        tried = sorted((row[2] for row in rows if row[3] == row[3]), reverse=True)
        if len(tried) >= count and prices[t, resource] <= tried[count - 1]:
            price = (prices[t, resource], np.nan, np.nan)  # no less than what the hour saves
            rows.append((task.resources[resource], task.months[t], *price))
            continue

        def at(extra: float, t=t, resource=resource) -> tuple[float, float]:
            hours = task.overtime_hours.copy()
            hours[t, resource] += extra
            session.solve(replace(task, overtime_hours=hours))
            return session.objective, session.prices[t, resource]

        most = max(plans.regular_hours(task, task.workers)[t, resource], 1.0)
        found = _first_piece(base, prices[t, resource], most, at)
        if found[0] > 1e-6:
            found = _while_worth(*found, most, at)
            rows.append((task.resources[resource], task.months[t], *found))
    table = pd.DataFrame(rows, columns=["resource", "month", "value", "hours", "next_value"])
    table = table.astype({"value": "float64", "hours": "float64", "next_value": "float64"})
    return table.sort_values("value", ascending=False, kind="stable", ignore_index=True)


def _while_worth(
    value: float, hours: float, next_value: float, most: float, at
) -> tuple[float, float, float]:
    """As many hours as are worth nearly the first one's value each, and what the next is worth."""
    least = value * _WORTH
    if next_value < least or hours >= most:
        return value, hours, next_value
    low, high = hours, most
    slope = at(high)[1]
    if slope >= least:
        return value, high, slope
    while high - low > max(1.0, 0.05 * high):  # an hour, or a twentieth, is near enough
        middle = (low + high) / 2.0
        own = at(middle)[1]
        low, high, slope = (middle, high, slope) if own >= least else (low, middle, own)
    return value, low, slope


def _first_piece(base: float, value: float, most: float, at) -> tuple[float, float, float]:
    """First straight piece of a convex cost: value an hour, its length, the next value."""
    small = 1e-7 * max(abs(base), 1.0)
    right, (cost, slope) = most, at(most)
    for _ in range(30):
        if value - slope <= 1e-6:
            return value, right, slope
        meet = (base - cost - slope * right) / (value - slope)
        if meet <= 1e-6:  # a corner: the next piece begins at once
            return slope, right, slope
        there, own = at(meet)
        if there <= base - value * meet + small:
            return value, meet, slope
        right, cost, slope = meet, there, own
    return value, right, slope
