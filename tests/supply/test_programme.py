"""The programme says what a task says: an independent one for scipy, and every rule kept."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog

from sopkit.supply import least_cost, plans, programme
from sopkit.supply.tasks import Task

SEEDS = range(60)


class Sheet:
    """A linear programme with a name for each variable, for ``slow_least_cost``."""

    def __init__(self):
        self.names, self.cost, self.bounds, self.rows = {}, [], [], {"=": [], "<": []}

    def add(self, *name, upper=np.inf, lower=0.0, cost=0.0):
        self.names[name] = len(self.cost)
        self.cost.append(0.0 if np.isnan(cost) else cost)
        self.bounds.append((lower, upper))

    def say(self, parts: dict, sign: str, right: float):
        self.rows[sign].append((parts, right))

    def solve(self):
        laid = {}
        for sign, rows in self.rows.items():
            matrix = np.zeros((len(rows), len(self.cost)))
            for k, (parts, _) in enumerate(rows):
                for name, factor in parts.items():
                    matrix[k, self.names[name]] += factor
            laid[sign] = matrix, np.array([right for _, right in rows])
        return linprog(self.cost, *laid["<"], *laid["="], bounds=self.bounds, method="highs-ds")


def wanted_at(task: Task, i: int, t: int) -> float:
    """Units that customers, and sites supplied from here, take in a month; past the end a mean."""
    life = task.shelf_life_months[i]
    past_end = task.demand[-int(life) if np.isfinite(life) else -1 :, i].mean()
    wanted = task.demand[t, i] if t < task.n_months else past_end
    for child in np.flatnonzero(task.supplied_from == i):
        wanted += wanted_at(task, child, t + task.lead_months[child])
    return wanted


def taken_of(task: Task, materials: np.ndarray, month: int) -> list[tuple[tuple, float]]:
    """What is made, and how much of some materials a unit takes in a month."""
    found = []
    for due in range(task.n_months):
        for m in materials:
            for kind, pers, offsets in (
                ("made", task.material_per, task.material_offset),
                ("part", task.part_per, task.part_offset),
            ):
                for k in np.flatnonzero(pers[:, m]):
                    if max(due - offsets[k, m], 0) == month:
                        found.append(((kind, int(k), due), float(pers[k, m])))
    return found


def slow_least_cost(task: Task) -> float:
    """Every rule written out by itself, month by month, and handed to scipy."""
    s, (count, n) = Sheet(), task.demand.shape
    staffed = np.isfinite(task.workers)
    routes_of = [np.flatnonzero(task.route_item == i) for i in range(n)]
    children = [np.flatnonzero(task.supplied_from == i) for i in range(n)]
    total = 0.0
    for t in range(count):
        for i in range(n):
            is_fed, late = (
                task.supplied_from[i] >= 0,
                max(task.lead_months[i], task.frozen_months[i]),
            )
            for p in routes_of[i]:
                offsets = [task.offset_months[p, r] for r in range(2) if task.hours[p, r] > 0]
                can = not is_fed and t >= max([late, *offsets])
                price = (
                    task.purchase_cost[t, i] if task.is_purchased[i] else task.material_cost[t, p]
                )
                s.add("made", p, t, upper=np.inf if can else 0.0, cost=price)
            parts = {("made", p, t): 1.0 for p in routes_of[i]}
            if np.isfinite(task.supply_limit[t, i]):
                s.say(parts, "<", task.supply_limit[t, i])
            can = np.isfinite(task.subcontract_cost[t, i]) and not is_fed and t >= late
            most = task.subcontract_limit[t, i] if can else 0.0
            s.add("helped", i, t, upper=most, cost=task.subcontract_cost[t, i])
            most = task.supply_limit[t, i] if is_fed and t >= late else 0.0
            s.add("arrived", i, t, upper=most, cost=task.transfer_cost[i])
            most = task.demand[t, i] - task.minimum_sales[t, i] if task.is_loss_allowed[i] else 0.0
            price = np.nan_to_num(task.price[t, i])
            s.add("lost", i, t, upper=most, cost=task.lost_sale_cost[t, i] + price)
            total -= price * task.demand[t, i]
            life = task.shelf_life_months[i]
            s.add("scrap", i, t, upper=np.inf if np.isfinite(life) else 0.0)
            most = task.maximum_stock[t, i]
            if np.isfinite(life):
                ahead = [wanted_at(task, i, k) for k in range(t + 1, t + 1 + int(life))]
                most = min(most, sum(ahead))
            s.add("stock", i, t, upper=most, lower=task.minimum_stock[t, i])
            s.add("owed", i, t, cost=task.backlog_cost[t, i])
            s.add("short", i, t, cost=task.below_safety_cost[t, i])
            parts = {("stock", i, t): -1.0, ("owed", i, t): 1.0, ("short", i, t): -1.0}
            if task.safety_stock[:, i].any():
                s.say(parts, "<", -task.safety_stock[t, i])
            if t == count - 1:  # undone: below safety stock, and owed where there is none
                undone = "short" if task.safety_stock[:, i].any() else "owed"
                s.cost[s.names[undone, i, t]] += task.ending_cost[i]
            hold = np.nan_to_num(task.holding_cost[t, i])
            if task.is_average_stock:
                s.cost[s.names["stock", i, t]] += hold / 2
                if t:
                    s.cost[s.names["stock", i, t - 1]] += hold / 2
                else:
                    total += hold / 2 * max(task.opening[i], 0.0)
            else:
                s.cost[s.names["stock", i, t]] += hold
    for k in range(len(task.materials)):
        is_made = task.part_per[k].any() and task.material_item[k] < 0
        for t in range(count):
            s.add("part", k, t, upper=np.inf if is_made and t >= task.part_lead[k] else 0.0)
    for k in np.flatnonzero(task.material_item < 0):
        parts, there = {}, 0.0
        for t in range(count):  # no more is taken until a month than has come
            there += task.material_inflow[t, k]
            parts["part", int(k), t] = parts.get(("part", int(k), t), 0.0) - 1.0
            for name, per in taken_of(task, [k], t):
                parts[name] = parts.get(name, 0.0) + per
            if np.isfinite(there):
                s.say(dict(parts), "<", there)
    for t in range(count):
        for i in range(n):
            parts = {("made", p, t): 1.0 for p in routes_of[i]}
            parts |= {("helped", i, t): 1.0, ("arrived", i, t): 1.0, ("lost", i, t): 1.0}
            parts |= {("scrap", i, t): -1.0, ("stock", i, t): -1.0, ("owed", i, t): 1.0}
            for child in children[i]:
                if t + task.lead_months[child] < count:
                    parts["arrived", child, t + task.lead_months[child]] = -1.0
            for name, per in taken_of(task, np.flatnonzero(task.material_item == i), t):
                parts[name] = parts.get(name, 0.0) - per
            right = task.demand[t, i] - task.receipts[t, i]
            if t:
                parts |= {("stock", i, t - 1): 1.0, ("owed", i, t - 1): -1.0}
            else:
                right -= task.opening[i]
            s.say(parts, "=", right)
            if (
                len(children[i]) or i in task.material_item
            ):  # only customers are owed, no units that are sent on
                parts = {("owed", i, t): 1.0, ("lost", i, t): 1.0}
                right = task.demand[t, i]
                if t:
                    parts["owed", i, t - 1] = -1.0
                else:
                    right += max(-task.opening[i], 0.0)
                s.say(parts, "<", right)
        for r in range(2):
            wage = np.nan_to_num(task.regular_cost[t, r])
            paid = bool(task.is_idle_paid[r])
            s.add("worked", r, t, cost=0.0 if paid else wage)
            s.add("over", r, t, cost=task.overtime_cost[t, r])
            fixed = sum(
                task.in_work[t + task.offset_months[i, r], i] * task.hours[i, r]
                for i in range(n)
                if task.hours[i, r] > 0 and t + task.offset_months[i, r] < count
            )
            parts = {("worked", r, t): -1.0, ("over", r, t): -1.0}
            for p in range(len(task.route_item)):
                due = t + task.offset_months[p, r]
                if task.hours[p, r] > 0 and due < count:
                    parts["made", p, due] = task.hours[p, r]
            s.say(parts, "=", -fixed)
            if not staffed[r]:
                s.say({("worked", r, t): 1.0}, "<", task.regular_hours[t, r])
                most = max(task.overtime_hours[t, r], fixed - task.regular_hours[t, r])
                if np.isfinite(most):
                    s.say({("over", r, t): 1.0}, "<", most)
                total += wage * task.regular_hours[t, r] if paid else 0.0
                continue
            per, extra = task.hours_per_worker[t, r], task.overtime_per_worker[t, r]
            low, high = task.minimum_workers[t, r], task.maximum_workers[t, r]
            s.add("workers", r, t, lower=low, upper=high, cost=wage * per if paid else 0.0)
            s.add("hired", r, t, cost=task.hiring_cost[r])
            s.add("laid off", r, t, cost=task.layoff_cost[r])
            parts = {("workers", r, t): 1.0, ("hired", r, t): -1.0, ("laid off", r, t): 1.0}
            stay, right = 1.0 - task.attrition_rate[r], 0.0
            if t:
                parts["workers", r, t - 1] = -stay
            else:
                right = task.workers[r] * stay
            s.say(parts, "=", right)
            s.say({("worked", r, t): 1.0, ("workers", r, t): -per}, "<", 0.0)
            most = max(task.overtime_hours[t, r], fixed - (per + extra) * task.workers[r])
            if np.isfinite(most):
                s.say({("over", r, t): 1.0, ("workers", r, t): -extra}, "<", most)
        for site in np.unique(task.site):
            limit = task.storage_limit[task.site == site].min()
            if np.isfinite(limit):
                own = np.flatnonzero(task.site == site)
                firm = task.opening + (task.receipts - task.demand)[: t + 1].sum(axis=0)
                limit = max(limit, np.maximum(firm[own], 0.0).sum())
                s.say({("stock", i, t): 1.0 for i in own}, "<", limit)
        for g in range(len(task.previous_rate)):
            s.add("up", g, t, cost=task.increase_cost[g])
            s.add("down", g, t, cost=task.decrease_cost[g])
            parts, right = {("up", g, t): -1.0, ("down", g, t): 1.0}, 0.0
            own = [i for i in range(n) if task.rate_group[i] == g]
            own = [i for i in own if not task.is_purchased[i] and task.supplied_from[i] < 0]
            for when, sign in ((t, 1.0), (t - 1, -1.0)):
                if when < 0:
                    continue
                for i in own:
                    right -= sign * task.in_work[when, i] / task.working_days[when]
                    for p in routes_of[i]:
                        parts["made", p, when] = sign / task.working_days[when]
            if t == 0 and np.isnan(task.previous_rate[g]):
                continue
            s.say(parts, "=", right + (task.previous_rate[g] if t == 0 else 0.0))
    return s.solve().fun + total


# (3) invariants


@pytest.mark.parametrize("seed", SEEDS)
def test_every_plan_keeps_every_rule(random_task, seed):
    task = random_task(seed)
    plan = least_cost.solve(task)
    end, near = plans.outcome(task, plan), 1e-6
    t = np.arange(task.n_months)[:, None]
    for array in (plan.made, plan.subcontract, plan.arrived, plan.lost, plan.scrap):
        assert (array >= 0).all()
    # stock is carried: opening + supply − demand = closing
    into = end.made + plan.subcontract + plan.arrived + task.receipts
    out = task.demand - plan.lost + plan.scrap + end.sent
    np.testing.assert_allclose(end.opening + into - out, end.closing, atol=near)
    assert (end.closing <= task.maximum_stock + near).all()
    # nothing new before it can arrive
    late = np.maximum(task.lead_months, task.frozen_months)
    is_fed = task.supplied_from >= 0
    assert not (plan.made * ((t < task.first_month) | is_fed[task.route_item])).any()
    assert not (plan.subcontract * ((t < late) | is_fed)).any()
    assert not (plan.arrived * ((t < late) | ~is_fed)).any()
    assert (end.made <= task.supply_limit + near).all()
    assert (plan.arrived <= task.supply_limit + near).all()
    can = np.isfinite(task.subcontract_cost)
    assert (plan.subcontract <= np.where(can, task.subcontract_limit, 0.0) + near).all()
    # a site sends what it has: no more is owed than its customers asked for
    asked = np.cumsum(task.demand - plan.lost, axis=0) + np.maximum(-task.opening, 0.0)
    assert (-end.closing <= asked + near).all()
    most = np.where(task.is_loss_allowed, task.demand - task.minimum_sales, 0.0)
    assert (plan.lost <= most + near).all()
    assert not plan.scrap[:, np.isinf(task.shelf_life_months)].any()
    # hours, workforce, storage; what is firm comes whatever it takes
    fixed = plans.load_hours(task, np.zeros_like(plan.made))
    limit = plans.overtime_limit(task, plan.workers)
    limit = np.maximum(limit, np.nan_to_num(fixed - plans.regular_hours(task, task.workers)))
    assert (end.overtime <= limit + near).all()
    staffed = task.is_staffed
    assert (plan.workers >= task.minimum_workers - near)[:, staffed].all()
    assert (plan.workers <= task.maximum_workers + near)[:, staffed].all()
    firm = np.maximum(task.opening + np.cumsum(task.receipts - task.demand, axis=0), 0.0)
    for site in np.unique(task.site):
        own = task.site == site
        limit = np.maximum(task.storage_limit[own].min(), firm[:, own].sum(axis=1))
        assert (np.maximum(end.closing[:, own], 0.0).sum(axis=1) <= limit + near).all()
    # stock sells within its shelf life
    for i in np.flatnonzero(np.isfinite(task.shelf_life_months)):
        life = int(task.shelf_life_months[i])
        for k in range(task.n_months):
            wanted = sum(wanted_at(task, i, later) for later in range(k + 1, k + 1 + life))
            assert end.closing[k, i] <= wanted + near


@pytest.mark.parametrize("seed", range(60, 80))
def test_changes_of_rate_keep_their_limit(random_task, seed):
    limit = np.array([8.0, 5.0, 1.0, 4.0, 1.0, 1.0])
    free = {"storage_limit": np.inf, "shelf_life_months": np.inf, "supply_limit": np.inf}
    free |= {"frozen_months": 0, "in_work": 0.0, "previous_rate": np.nan, "overtime_hours": 900.0}
    task = random_task(seed, maximum_rate_change=limit, offset_months=0, working_days=1.0, **free)
    task = replace(task, lead_months=np.where(task.supplied_from >= 0, task.lead_months, 0))
    task = replace(task, maximum_stock=np.inf)
    change = np.abs(plans.outcome(task, least_cost.solve(task)).rate_change)
    assert (change <= limit + 1e-6).all()
    loose = replace(task, maximum_rate_change=np.inf)
    change = np.abs(plans.outcome(task, least_cost.solve(loose)).rate_change)
    assert (change > limit + 1e-6).any()  # the case does need the rule


@pytest.mark.parametrize("seed", SEEDS)
def test_bounds_and_costs_are_the_same_without_the_matrix(random_task, seed):
    task, near = random_task(seed), None
    if seed % 2:
        near = np.where(np.arange(task.n_months)[:, None] < 3, np.nan, 7.0)
        near = near * np.ones(len(task.route_item))
    whole = ("workers", "set-ups", "lots") if seed % 3 == 0 else ()
    task = replace(task, lot_size=np.array([5, 0, 0, 7, 0, 0, 0]), setup_cost=9.0)
    full, bare = (programme.build(task, whole, near, has).vectors() for has in (True, False))
    for name, values in full.items():
        assert np.array_equal(values, bare[name]), name
        assert not np.isnan(values).any(), name


# (4) an obvious slow version


@pytest.mark.parametrize("seed", SEEDS)
def test_least_cost_equals_an_independent_programme(random_task, seed):
    task = random_task(seed)
    session = least_cost.Session(task)
    session.solve()
    assert session.objective == pytest.approx(slow_least_cost(task), rel=1e-7, abs=1e-5)


@pytest.mark.parametrize("seed", range(20))
def test_least_cost_with_materials_equals_an_independent_programme(random_task, bills, seed):
    task = bills(random_task(seed, in_work=0.0), seed)
    session = least_cost.Session(task)
    session.solve()
    assert session.objective == pytest.approx(slow_least_cost(task), rel=1e-7, abs=1e-5)
