"""The same linear programme in PuLP, Pyomo and linopy, as their manuals write one.

Run by the python of the peers' environment:

    python _planners.py PROBLEM.npz TOOL

prints one line: build seconds, solve seconds, objective. All hand it to the same HiGHS, one thread.
"""

from __future__ import annotations

import sys
import time

import numpy as np


def pulp(p: dict) -> tuple[float, float, float]:
    """As in PuLP's case studies: dictionaries of variables, sums of expressions."""
    import pulp as lp

    begun = time.perf_counter()
    months, items = p["demand"].shape
    resources, families = p["hours"].shape[1], len(p["change_cost"])
    at, rt = ([(t, k) for t in range(months) for k in range(n)] for n in (items, resources))
    gt = [(t, g) for t in range(months) for g in range(families)]
    made, stock, owed, short = (
        lp.LpVariable.dicts(n, at, 0) for n in ("made", "stock", "owed", "short")
    )
    regular, over = (lp.LpVariable.dicts(n, rt, 0) for n in ("regular", "over"))
    up, down = (lp.LpVariable.dicts(n, gt, 0) for n in ("up", "down"))
    model = lp.LpProblem("plan", lp.LpMinimize)
    model += lp.lpSum(
        [p["holding_cost"][i] * stock[t, i] for t, i in at]
        + [p["backlog_cost"][i] * owed[t, i] for t, i in at]
        + [p["below_cost"][i] * short[t, i] for t, i in at]
        + [p["overtime_cost"][r] * over[t, r] for t, r in rt]
        + [p["change_cost"][g] * (up[t, g] + down[t, g]) for t, g in gt]
    )
    members = [np.flatnonzero(p["family"] == g) for g in range(families)]
    passing = [np.flatnonzero(p["hours"][:, r]) for r in range(resources)]
    for t, i in at:
        before = stock[t - 1, i] - owed[t - 1, i] if t else p["opening"][i]
        model += before + made[t, i] - p["demand"][t, i] == stock[t, i] - owed[t, i]
        model += stock[t, i] - owed[t, i] + short[t, i] >= p["safety"][i]
    for t, r in rt:
        load = lp.lpSum(p["hours"][i, r] * made[t, i] for i in passing[r])
        model += load == regular[t, r] + over[t, r]
        regular[t, r].upBound, over[t, r].upBound = p["regular"][t, r], p["overtime"][t, r]
    for t, g in gt:
        if t:
            change = lp.lpSum(made[t, i] - made[t - 1, i] for i in members[g])
            model += change == up[t, g] - down[t, g]
    built = time.perf_counter()
    model.solve(lp.HiGHS(msg=False, threads=1))
    return built - begun, time.perf_counter() - built, lp.value(model.objective)


def pyomo(p: dict) -> tuple[float, float, float]:
    """As in Pyomo's book: a concrete model with indexed components and rules."""
    import pyomo.environ as pe
    from pyomo.contrib.appsi.solvers import Highs

    begun = time.perf_counter()
    months, items = p["demand"].shape
    resources, families = p["hours"].shape[1], len(p["change_cost"])
    m = pe.ConcreteModel()
    m.T, m.I, m.R, m.G = (pe.RangeSet(0, n - 1) for n in (months, items, resources, families))
    m.made, m.stock, m.owed, m.short = (
        pe.Var(m.T, m.I, domain=pe.NonNegativeReals) for _ in range(4)
    )
    m.regular = pe.Var(m.T, m.R, bounds=lambda _, t, r: (0, p["regular"][t, r]))
    m.over = pe.Var(m.T, m.R, bounds=lambda _, t, r: (0, p["overtime"][t, r]))
    m.up, m.down = (pe.Var(m.T, m.G, domain=pe.NonNegativeReals) for _ in range(2))
    members = [np.flatnonzero(p["family"] == g) for g in range(families)]
    passing = [np.flatnonzero(p["hours"][:, r]) for r in range(resources)]

    def balance(m, t, i):
        before = m.stock[t - 1, i] - m.owed[t - 1, i] if t else p["opening"][i]
        return before + m.made[t, i] - p["demand"][t, i] == m.stock[t, i] - m.owed[t, i]

    def change(m, t, g):
        if t == 0:
            return pe.Constraint.Skip
        moved = pe.quicksum(m.made[t, i] - m.made[t - 1, i] for i in members[g])
        return moved == m.up[t, g] - m.down[t, g]

    m.balance = pe.Constraint(m.T, m.I, rule=balance)
    m.safety = pe.Constraint(
        m.T,
        m.I,
        rule=lambda m, t, i: m.stock[t, i] - m.owed[t, i] + m.short[t, i] >= p["safety"][i],
    )
    m.hours = pe.Constraint(
        m.T,
        m.R,
        rule=lambda m, t, r: (
            pe.quicksum(p["hours"][i, r] * m.made[t, i] for i in passing[r])
            == m.regular[t, r] + m.over[t, r]
        ),
    )
    m.change = pe.Constraint(m.T, m.G, rule=change)
    m.cost = pe.Objective(
        expr=pe.quicksum(
            p["holding_cost"][i] * m.stock[t, i]
            + p["backlog_cost"][i] * m.owed[t, i]
            + p["below_cost"][i] * m.short[t, i]
            for t in m.T
            for i in m.I
        )
        + pe.quicksum(p["overtime_cost"][r] * m.over[t, r] for t in m.T for r in m.R)
        + pe.quicksum(p["change_cost"][g] * (m.up[t, g] + m.down[t, g]) for t in m.T for g in m.G)
    )
    built = time.perf_counter()
    solver = Highs()
    solver.highs_options = {"threads": 1}
    solver.solve(m)
    return built - begun, time.perf_counter() - built, pe.value(m.cost)


def linopy(p: dict) -> tuple[float, float, float]:
    """As in linopy's manual: labelled arrays of variables, whole constraints at once."""
    import linopy as lo
    import pandas as pd
    import xarray as xr

    begun = time.perf_counter()
    months, items = p["demand"].shape
    resources, families = p["hours"].shape[1], len(p["change_cost"])
    t, i, r, g = (
        pd.RangeIndex(n, name=name)
        for n, name in ((months, "t"), (items, "i"), (resources, "r"), (families, "g"))
    )
    m = lo.Model()
    made, stock, owed, short = (
        m.add_variables(lower=0, coords=[t, i], name=n) for n in ("made", "stock", "owed", "short")
    )
    limits = {n: xr.DataArray(p[n], coords=[t, r]) for n in ("regular", "overtime")}
    regular = m.add_variables(lower=0, upper=limits["regular"], name="regular")
    over = m.add_variables(lower=0, upper=limits["overtime"], name="over")
    up, down = (m.add_variables(lower=0, coords=[t, g], name=n) for n in ("up", "down"))
    demand, hours = (
        xr.DataArray(p["demand"], coords=[t, i]),
        xr.DataArray(p["hours"], coords=[i, r]),
    )
    safety = xr.DataArray(p["safety"], coords=[i])
    opening = xr.DataArray(np.where(np.arange(months)[:, None] == 0, p["opening"], 0.0), [t, i])
    net = stock - owed
    m.add_constraints(net - net.shift(t=1) - made == opening - demand, name="balance")
    m.add_constraints(net + short >= safety, name="safety")
    m.add_constraints((made * hours).sum("i") - regular - over == 0, name="load")
    belongs = xr.DataArray((p["family"][:, None] == np.arange(families)).astype(float), [i, g])
    rate = (made * belongs).sum("i")
    m.add_constraints(
        (rate - rate.shift(t=1) - up + down).isel(t=slice(1, None)) == 0, name="change"
    )
    costs = {
        n: xr.DataArray(p[n], coords=[i]) for n in ("holding_cost", "backlog_cost", "below_cost")
    }
    m.add_objective(
        (stock * costs["holding_cost"]).sum()
        + (owed * costs["backlog_cost"]).sum()
        + (short * costs["below_cost"]).sum()
        + (over * xr.DataArray(p["overtime_cost"], coords=[r])).sum()
        + ((up + down) * xr.DataArray(p["change_cost"], coords=[g])).sum()
    )
    built = time.perf_counter()
    m.solve("highs", io_api="direct", output_flag=False, threads=1)
    return built - begun, time.perf_counter() - built, float(m.objective.value)


if __name__ == "__main__":
    problem = dict(np.load(sys.argv[1]))
    tool = {"PuLP": pulp, "Pyomo": pyomo, "linopy": linopy}[sys.argv[2]]
    print(*(f"{value:.9g}" for value in tool(problem)))
