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
from scipy.sparse import csc_matrix

from sopkit.supply import plans
from sopkit.supply.plans import Plan
from sopkit.supply.tasks import Task

WHOLE = ("workers", "set-ups", "lots")
TOLERANCE_RATE = 0.005  # plans within so much of least cost are taken as equally good
_LARGE = 150_000  # columns from which interior point beats simplex
_ZERO = 1e-9  # units below which HiGHS means none
_GAP, _SECONDS = 1e-6, 60.0  # of a whole-number search: relative gap, longest time
_MATRIX = (  # what stands in the matrix; anything else changes bounds and costs alone
    "hours offset_months setup_hours route_item supplied_from lead_months rate_group working_days "
    "attrition_rate hours_per_worker overtime_per_worker crew_size workers is_purchased site "
    "lot_size setup_cost increase_cost decrease_cost maximum_rate_change safety_stock "
    "shelf_life_months storage_limit is_loss_allowed subcontract_cost"
).split()


class _Model:
    """Columns and rows as they are added; the matrix is only gathered where it is wanted."""

    def __init__(self, has_matrix: bool = True):
        self.at: dict[str, np.ndarray] = {}
        self.rows: dict[str, np.ndarray] = {}
        self.lower, self.upper, self.cost = [], [], []
        self.row_lower, self.row_upper = [], []
        self.n_columns, self.n_rows = 0, 0
        self.whole: list[np.ndarray] = []
        self.has_matrix, self.entries = has_matrix, []

    def column(self, name: str, shape: tuple, lower=0.0, upper=np.inf, cost=0.0, *, whole=False):
        index = np.arange(np.prod(shape, dtype=int)).reshape(shape) + self.n_columns
        self.n_columns += index.size
        values = (self.lower, lower), (self.upper, upper), (self.cost, np.nan_to_num(cost))
        for into, value in values:
            into.append(np.broadcast_to(value, shape).ravel())
        if whole:
            self.whole.append(index.ravel())
        self.at[name] = index
        return index

    def row(self, name: str, shape: tuple, lower, upper):
        index = np.arange(np.prod(shape, dtype=int)).reshape(shape) + self.n_rows
        self.n_rows += index.size
        self.row_lower.append(np.broadcast_to(lower, shape).ravel())
        self.row_upper.append(np.broadcast_to(upper, shape).ravel())
        self.rows[name] = index
        return index

    def put(self, rows: np.ndarray, columns: np.ndarray, value) -> None:
        """Coefficients; a row or column below zero, or a coefficient of zero, is left out."""
        if self.has_matrix:
            rows, columns, value = np.broadcast_arrays(rows, columns, value)
            keep = (rows >= 0) & (columns >= 0) & (value != 0)
            self.entries.append((rows[keep], columns[keep], value[keep]))

    def vectors(self) -> dict[str, np.ndarray]:
        names = ("lower", "upper", "cost", "row_lower", "row_upper")
        return {name: np.concatenate([np.zeros(0), *getattr(self, name)]) for name in names}

    def matrix(self) -> csc_matrix:
        rows, columns, values = (np.concatenate(part) for part in zip(*self.entries, strict=True))
        return csc_matrix((values, (rows, columns)), shape=(self.n_rows, self.n_columns))


def _before(index: np.ndarray) -> np.ndarray:
    """The same columns a month earlier; −1 before the first."""
    return np.vstack([np.full_like(index[:1], -1), index[:-1]])


def _model(task: Task, whole: Iterable[str], near: np.ndarray | None, has_matrix: bool) -> _Model:
    m = _Model(has_matrix)
    t = np.arange(task.n_months)[:, None]
    made = _supply(m, task, t, near)
    _stock(m, task)
    _balance(m, task, t)
    _hours(m, task, t, "workers" in whole)
    _rates(m, task)
    if "lots" in whole and (task.lot_size > 0).any():
        lots = np.where(task.lot_size > 0, task.lot_size, np.nan)[task.route_item]
        is_lot = np.isfinite(lots)
        count = m.column("lots", (task.n_months, int(is_lot.sum())), whole=True)
        rows = m.row("lots", count.shape, 0.0, 0.0)
        m.put(rows, made[:, is_lot], 1.0)
        m.put(rows, count, -lots[is_lot])
    if "set-ups" in whole:
        _setups(m, task)
    return m


def _supply(m: _Model, task: Task, t: np.ndarray, near: np.ndarray | None) -> np.ndarray:
    """What is made, bought, made by others, sent between sites."""
    count, item = task.n_months, task.route_item
    is_bought, is_fed = task.is_purchased[item], (task.supplied_from >= 0)
    is_open = (t >= task.first_month) & ~is_fed[item]
    unit = np.where(is_bought, task.purchase_cost[:, item], task.material_cost)
    most = np.where(is_open, task.supply_limit[:, item], 0.0)
    made = m.column("made", (count, len(item)), 0.0, most, unit)
    # who makes for others needs no hours of ours, and as long as we do
    can = np.isfinite(task.subcontract_cost) & ~is_fed
    can &= t >= np.maximum(task.lead_months, task.frozen_months)
    chosen = np.flatnonzero(np.isfinite(task.subcontract_cost).any(axis=0))
    index = np.full((count, len(task.keys)), -1)
    limit = np.where(can, task.subcontract_limit, 0.0)[:, chosen]
    cost = task.subcontract_cost[:, chosen]
    index[:, chosen] = m.column("subcontracted", (count, len(chosen)), 0.0, limit, cost)
    m.at["subcontract"] = index
    fed = np.flatnonzero(is_fed)
    arrives = t >= np.maximum(task.lead_months, task.frozen_months)[fed]
    index = np.full((count, len(task.keys)), -1)
    limit = np.where(arrives, task.supply_limit[:, fed], 0.0)
    index[:, fed] = m.column("sent", (count, len(fed)), 0.0, limit, task.transfer_cost[fed])
    m.at["arrived"] = index
    if near is not None:  # how far from the last plan
        known = np.isfinite(near)
        more, less = (m.column(name, near.shape, 0.0, np.inf) for name in ("more", "less"))
        wanted = np.where(known, near, 0.0)
        rows = m.row(
            "near", near.shape, np.where(known, wanted, -np.inf), np.where(known, wanted, np.inf)
        )
        m.put(rows, made, 1.0)
        m.put(rows, more, -1.0)
        m.put(rows, less, 1.0)
    return made


def _stock(m: _Model, task: Task) -> None:
    """Stock, backlog, lost sales and scrap, with their limits and costs."""
    shape, last = task.demand.shape, task.n_months - 1
    hold = np.nan_to_num(task.holding_cost)
    if task.is_average_stock:  # half of each month's closing stock, half of the next one's opening
        hold = (hold + np.vstack([hold[1:], np.zeros_like(hold[:1])])) / 2.0
    hold[last] -= task.ending_value
    least, most = task.minimum_stock.copy(), np.minimum(task.maximum_stock, _sellable(task))
    least[last] = np.maximum(least[last], task.ending_stock)
    owe = np.nan_to_num(task.backlog_cost)
    owe[last] += task.ending_value
    owed = np.where(task.is_backlog_allowed, np.inf, np.zeros(shape))
    owed[last, task.is_backlog_cleared] = 0.0
    m.column("stock", shape, least, most, hold)
    m.column("backlog", shape, 0.0, owed, owe)
    for name, chosen, limit, cost in (
        ("lost", task.is_loss_allowed, task.demand - task.minimum_sales, task.lost_sale_cost),
        ("scrap", np.isfinite(task.shelf_life_months), None, 0.0),
    ):
        which, index = np.flatnonzero(chosen), np.full(shape, -1)
        limit = np.inf if limit is None else np.maximum(limit, 0.0)[:, which]
        if name == "lost":
            cost = (np.nan_to_num(cost) + np.nan_to_num(task.price))[:, which]
        index[:, which] = m.column(f"any {name}", (shape[0], len(which)), 0.0, limit, cost)
        m.at[name] = index
    wanted = np.flatnonzero((task.safety_stock > 0).any(axis=0))
    short = m.column(
        "short", (shape[0], len(wanted)), 0.0, np.inf, task.below_safety_cost[:, wanted]
    )
    rows = m.row("safety", short.shape, task.safety_stock[:, wanted], np.inf)
    m.put(rows, m.at["stock"][:, wanted], 1.0)
    m.put(rows, short, 1.0)
    limited = np.unique(task.site[np.isfinite(task.storage_limit)])
    if len(limited):
        limit = [task.storage_limit[task.site == site].min() for site in limited]
        rows = m.row("storage", (shape[0], len(limited)), -np.inf, np.array(limit))
        for k, site in enumerate(limited):
            m.put(rows[:, [k]], m.at["stock"][:, task.site == site], 1.0)


def _sellable(task: Task) -> np.ndarray:
    """Most stock that can sell within its shelf life; past the horizon as in its last months."""
    most = np.full(task.demand.shape, np.inf)
    for item in np.flatnonzero(np.isfinite(task.shelf_life_months)):
        life = int(task.shelf_life_months[item])
        tail = task.demand[-max(life, 1) :, item].mean()
        total = np.cumsum(np.concatenate([[0.0], task.demand[:, item], np.full(life, tail)]))
        most[:, item] = (total[life:] - total[: len(total) - life])[1 : task.n_months + 1]
    return most


def _balance(m: _Model, task: Task, t: np.ndarray) -> None:
    """Opening + supply − demand = closing, for each item of each site."""
    due = task.demand - task.receipts
    due = due - np.where(t == 0, task.opening, 0.0)
    rows = m.row("balance", task.demand.shape, due, due)
    stock, backlog = m.at["stock"], m.at["backlog"]
    for columns, sign in (
        (stock, -1.0),
        (_before(stock), 1.0),
        (backlog, 1.0),
        (_before(backlog), -1.0),
        (m.at["subcontract"], 1.0),
        (m.at["arrived"], 1.0),
        (m.at["lost"], 1.0),
        (m.at["scrap"], -1.0),
    ):
        m.put(rows, columns, sign)
    m.put(rows[:, task.route_item], m.at["made"], 1.0)
    fed = np.flatnonzero(task.supplied_from >= 0)
    left = t - task.lead_months[fed]  # what arrives in t left the other site then
    leaving = np.where(left >= 0, rows[np.maximum(left, 0), task.supplied_from[fed]], -1)
    m.put(leaving, m.at["arrived"][:, fed], -1.0)


def _hours(m: _Model, task: Task, t: np.ndarray, is_whole: bool) -> None:
    """Hours worked in regular time and overtime, and the workforce."""
    shape = (task.n_months, task.hours.shape[1])
    staffed = np.flatnonzero(task.is_staffed)
    fixed = plans.load_hours(task, np.zeros((task.n_months, len(task.route_item))))
    regular = np.where(task.is_staffed, np.inf, task.regular_hours)
    least = np.where(task.is_idle_allowed | task.is_staffed, 0.0, task.regular_hours)
    wage = np.nan_to_num(task.regular_cost)
    worked = m.column("regular", shape, least, regular, np.where(task.is_idle_paid, 0.0, wage))
    beyond = np.maximum(fixed - task.regular_hours, task.overtime_hours)  # firm work is worked
    limit = np.where(task.is_staffed, np.inf, beyond)
    over = m.column("overtime", shape, 0.0, limit, task.overtime_cost)
    rows = m.row("load", shape, -fixed, -fixed)
    m.put(rows, worked, -1.0)
    m.put(rows, over, -1.0)
    route, resource = np.nonzero(task.hours)
    when = t - task.offset_months[route, resource]
    at = np.where(when >= 0, rows[np.maximum(when, 0), resource], -1)
    m.put(at, m.at["made"][:, route], task.hours[route, resource])
    if not len(staffed):
        return
    size = (task.n_months, len(staffed))
    per, crew = task.hours_per_worker[:, staffed], task.crew_size[staffed]
    bounds = (task.minimum_workers[:, staffed] / crew, task.maximum_workers[:, staffed] / crew)
    pay = np.where(task.is_idle_paid[staffed], wage[:, staffed] * per * crew, 0.0)
    crews = m.column("crews", size, *bounds, pay, whole=is_whole)
    hired = m.column("hired", size, 0.0, np.inf, task.hiring_cost[staffed])
    laid = m.column("laid off", size, 0.0, np.inf, task.layoff_cost[staffed])
    stay = 1.0 - task.attrition_rate[staffed]
    before = np.where(t == 0, task.workers[staffed] * stay, 0.0)
    rows = m.row("workforce", size, before, before)
    m.put(rows, crews, crew)
    m.put(rows, _before(crews), -crew * stay)
    m.put(rows, hired, -1.0)
    m.put(rows, laid, 1.0)
    tight = np.where(task.is_idle_allowed[staffed], -np.inf, 0.0)
    rows = m.row("regular of workers", size, tight, 0.0)
    m.put(rows, worked[:, staffed], 1.0)
    m.put(rows, crews, -per * crew)
    most = task.overtime_per_worker[:, staffed]
    there = (per + np.where(np.isfinite(most), most, 0.0)) * task.workers[staffed]
    beyond = np.maximum(fixed[:, staffed] - there, task.overtime_hours[:, staffed])
    beyond = np.where(np.isfinite(most), beyond, np.inf)
    rows = m.row("overtime of workers", size, -np.inf, beyond)
    m.put(rows, over[:, staffed], 1.0)
    m.put(rows, crews, np.where(np.isfinite(most), -most * crew, 0.0))


def _rates(m: _Model, task: Task) -> None:
    """Changes of each group's rate of production, where they cost something or are limited."""
    limit = task.maximum_rate_change
    priced = np.isfinite(task.increase_cost) | np.isfinite(task.decrease_cost)
    groups = np.flatnonzero(priced | np.isfinite(limit))
    if not len(groups):
        return
    size = (task.n_months, len(groups))
    bound = np.broadcast_to(limit[groups], size)
    up = m.column("up", size, 0.0, bound, task.increase_cost[groups])
    down = m.column("down", size, 0.0, bound, task.decrease_cost[groups])
    fixed = np.zeros((task.n_months, len(limit)))
    np.add.at(fixed, (slice(None), task.rate_group), task.in_work)
    fixed = (fixed / task.working_days[:, None])[:, groups]
    known = np.isfinite(task.previous_rate[groups])
    before = np.vstack([np.where(known, task.previous_rate[groups], 0.0), fixed[:-1]])
    least = before - fixed
    most = least.copy()
    least[0, ~known], most[0, ~known] = -np.inf, np.inf  # the first change is free
    rows = m.row("rate", size, least, most)
    m.put(rows, up, -1.0)
    m.put(rows, down, 1.0)
    place = np.full(len(limit), -1)
    place[groups] = np.arange(len(groups))
    is_made = ~task.is_purchased & (task.supplied_from < 0)
    of_route = np.where(is_made, place[task.rate_group], -1)[task.route_item]
    at = np.where(of_route >= 0, rows[:, of_route], -1)
    after = np.where(of_route >= 0, np.vstack([rows[1:], 0 * rows[:1] - 1])[:, of_route], -1)
    per_day = 1.0 / task.working_days[:, None]
    m.put(at, m.at["made"], per_day)
    m.put(after, m.at["made"], -per_day)


def _setups(m: _Model, task: Task) -> None:
    """A set-up in each month in which an item's usual route delivers."""
    n_items = len(task.keys)
    timed = task.setup_hours[:n_items].any(axis=1)
    chosen = np.flatnonzero(np.isfinite(task.setup_cost).any(axis=0) | timed)
    shape = (task.n_months, len(chosen))
    is_set = m.column("is set", shape, 0.0, 1.0, task.setup_cost[:, chosen], whole=True)
    # no lot is larger than all that is owed and can still be wanted
    owed = task.demand.cumsum(axis=0) * task.is_backlog_allowed + np.maximum(-task.opening, 0.0)
    rest = task.demand[::-1].cumsum(axis=0)[::-1]
    kept = np.maximum(task.safety_stock.max(axis=0), task.minimum_stock.max(axis=0))
    largest = np.minimum(owed + rest + np.maximum(kept, task.ending_stock), task.supply_limit)
    largest = largest[:, chosen]
    rows = m.row("set-ups", shape, -np.inf, 0.0)
    place = np.full(n_items, -1)
    place[chosen] = np.arange(len(chosen))
    of_route = place[task.route_item]  # alternative ways share the set-up
    m.put(np.where(of_route >= 0, rows[:, of_route], -1), m.at["made"], 1.0)
    m.put(rows, is_set, -largest)
    route, resource = np.nonzero(task.setup_hours[chosen])
    m.put(m.rows["load"][:, resource], is_set[:, route], task.setup_hours[chosen[route], resource])


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
        Last plan. Of the plans within ``TOLERANCE_RATE`` of least cost the one nearest to it is
        taken: least sum of units moved. Missing values were not planned.

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
        self.task, self.objective = task, np.nan
        self._near = None if near is None else np.asarray(near.made, dtype="float64")
        self._highs = highspy.Highs()
        self._highs.silent()
        for name, value in (("mip_rel_gap", _GAP), ("threads", 1)):
            self._highs.setOptionValue(name, value)
        self._highs.setOptionValue("time_limit", _SECONDS if self.whole else np.inf)
        self._load(task)

    def _load(self, task: Task) -> None:
        """Pass the whole model to HiGHS."""
        model = _model(task, self.whole, self._near, True)
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
        self.task, self._is_fresh = task, True

    def _change(self, task: Task) -> None:
        """Tell HiGHS what differs; costs and bounds keep the basis, coefficients do not."""
        same = all(
            np.array_equal(getattr(task, name), getattr(self.task, name), equal_nan=True)
            for name in _MATRIX
            if getattr(task, name) is not getattr(self.task, name)
        )
        if not same:
            return self._load(task)
        vectors, old = _model(task, self.whole, self._near, False).vectors(), self._vectors
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
        if not self.task.is_priced:
            return self._plan(self._in_order())
        self._run()
        self.prices = self._hour_prices()
        values = self._settle() if len(self._counted) else self._values()
        if self._near is not None:
            values = self._nearest(self._plan(values), float(values @ self._vectors["cost"]))
        self.objective = float(values @ self._vectors["cost"]) + _constant(self.task)
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

    def _settle(self) -> None:
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

    def _hold(self, cost: np.ndarray, most: float) -> None:
        which = np.flatnonzero(cost).astype("int32")
        self._highs.addRow(-np.inf, most, len(which), which, cost[which])

    def _release(self, first: int) -> None:
        """Take held objectives away again and give the costs back."""
        rows = np.arange(first, self._highs.getNumRow(), dtype="int32")
        self._highs.deleteRows(len(rows), rows)
        cost = self._vectors["cost"]
        self._highs.changeColsCost(len(cost), np.arange(len(cost), dtype="int32"), cost)

    def _distance(self) -> np.ndarray:
        cost = np.zeros(len(self._vectors["cost"]))
        cost[np.concatenate([self._columns["more"].ravel(), self._columns["less"].ravel()])] = 1.0
        return cost

    def _nearest(self, best: Plan, least: float) -> np.ndarray:
        """Of the plans nearly as good as the best, the one nearest to the last plan."""
        cost, first = self._vectors["cost"], self._highs.getNumRow()
        money = abs(plans.costs(self.task, best)["amount_value"].sum())
        self._hold(cost, least + TOLERANCE_RATE * money)
        values = self._minimise(self._distance())
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
            (1, "short", 1.0),
            (2, "overtime", 1.0),
            (2, "subcontract", per_unit),
            (3, "stock", 1.0),
        ):
            index, weight = np.broadcast_arrays(at[name], weight)
            orders[order][index[index >= 0]] = weight[index >= 0]
        if self._near is not None:
            orders.insert(3, self._distance())
        for cost in orders:
            values = self._minimise(cost)
            self._hold(cost, float(values @ cost) * (1 + 1e-9) + 1e-6)
        self._release(first)
        return values

    def _plan(self, values: np.ndarray) -> Plan:
        def take(name: str) -> np.ndarray:
            index = self._columns[name]
            taken = np.where(index >= 0, values[np.maximum(index, 0)], 0.0)
            return np.where(np.abs(taken) > _ZERO, taken, 0.0)

        task = self.task
        workers = np.broadcast_to(task.workers, task.regular_hours.shape).copy()
        if task.is_staffed.any():
            staffed = task.is_staffed
            workers[:, staffed] = take("crews") * task.crew_size[staffed]
        names = ("made", "subcontract", "arrived", "lost", "scrap")
        return Plan(**{name: take(name) for name in names}, workers=workers)

    def _hour_prices(self) -> np.ndarray:
        """What one more hour of overtime saves, (t, r); zero in whole numbers, which have none."""
        found = self._highs.getSolution()
        prices = np.zeros(self.task.regular_hours.shape)
        if self.whole or not found.dual_valid:
            return prices
        prices[:] = -np.array(found.col_dual)[self._columns["overtime"]]
        staffed = np.flatnonzero(self.task.is_staffed)
        if len(staffed):
            prices[:, staffed] = -np.array(found.row_dual)[self._rows["overtime of workers"]]
        return np.maximum(prices, 0.0)


def _constant(task: Task) -> float:
    """Costs that no decision changes: fixed hours paid anyway, opening stock, revenue of demand."""
    is_paid = task.is_idle_paid & ~task.is_staffed
    paid = np.where(is_paid, task.regular_hours * np.nan_to_num(task.regular_cost), 0.0).sum()
    opening = np.maximum(task.opening, 0.0) @ np.nan_to_num(task.holding_cost[0]) / 2.0
    revenue = (np.nan_to_num(task.price) * task.demand).sum()
    return float(paid + opening * task.is_average_stock - revenue)


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


def hour_values(task: Task, *, count: int = 5) -> pd.DataFrame:
    """Where one more hour of overtime saves most, how many are worth it, and what the next save.

    Parameters
    ----------
    task : Task
        The problem, with costs.
    count : int
        Most resource months told.

    Returns
    -------
    DataFrame
        Key ``resource`` (its position), ``month``: ``value`` an hour; ``hours`` until the value
        changes; ``next_value`` an hour from there on. By value, largest first; months in which an
        hour saves nothing are left out.

    Notes
    -----
    Each range is found by solving again with more hours, so what is told has been tried: the cost
    is convex in the hours, and its pieces are followed until they meet.
    """
    session = Session(task)
    session.solve()
    base, prices = session.objective, session.prices
    order = np.argsort(-prices, axis=None, kind="stable")[:count]
    rows = []
    for t, resource in zip(*np.unravel_index(order, prices.shape), strict=True):
        if prices[t, resource] <= 1e-6:
            break

        def at(extra: float, t=t, resource=resource) -> tuple[float, float]:
            hours = task.overtime_hours.copy()
            hours[t, resource] += extra
            session.solve(replace(task, overtime_hours=hours))
            return session.objective, session.prices[t, resource]

        most = max(plans.regular_hours(task, task.workers)[t, resource], 1.0)
        found = _first_piece(base, prices[t, resource], most, at)
        rows.append((resource, task.months[t], *found))
    table = pd.DataFrame(rows, columns=["resource", "month", "value", "hours", "next_value"])
    return table.astype({"value": "float64", "hours": "float64", "next_value": "float64"})


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
