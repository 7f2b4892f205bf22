"""Production planning: seconds to build and solve beside PuLP, Pyomo and linopy, and stability.

All tools hand the same linear programme to the same version of HiGHS, one thread, in one run. The
stability of the sample company's plan is measured with demand moved at random by up to 2 %.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import _bench
import numpy as np
import pandas as pd
from _instances import instance

from sopkit import months, sample, store, supply_problem
from sopkit.__main__ import main as sopkit
from sopkit.supply import families, least_cost, plans, tasks

SIZES = {(100, 18, 10): 20, (1_000, 18, 20): 10, (5_000, 18, 20): 2}  # and changes of capacity
CUT = 0.97  # of the regular hours of one resource and month
LARGEST_FOR_PEERS = 1_000  # items; beyond, minutes of building tell nothing new
TOOLS = ("PuLP", "Pyomo", "linopy")
MOVED, DRAWS = 0.02, 10  # largest change of demand, and how often it is drawn
CYCLE = "2026-01"


def task_of(p: dict[str, np.ndarray]) -> tasks.Task:
    """The instance as sopkit states it."""
    return tasks.Task(
        demand=p["demand"],
        opening=p["opening"],
        safety_stock=p["safety"][None],
        hours=p["hours"],
        regular_hours=p["regular"],
        overtime_hours=p["overtime"],
        rate_group=p["family"],
        overtime_cost=p["overtime_cost"][None],
        holding_cost=p["holding_cost"][None],
        backlog_cost=p["backlog_cost"][None],
        below_safety_cost=p["below_cost"][None],
        increase_cost=p["change_cost"],
        decrease_cost=p["change_cost"],
    )


def ours(p: dict[str, np.ndarray], changes: int) -> dict[str, float]:
    """Seconds of building, solving, and solving again after a change of one month's capacity."""
    begun = time.perf_counter()
    task = task_of(p)
    session = least_cost.Session(task)
    built = time.perf_counter()
    plan = session.solve()
    solved = time.perf_counter()
    objective = session.objective
    load, seconds = plans.load_hours(task, plan.made), []
    for place in np.argsort(-load, axis=None)[:changes]:  # the busiest resources and months
        hours = p["regular"].copy()
        hours[np.unravel_index(place, hours.shape)] *= CUT
        again = time.perf_counter()
        changed = replace(task, regular_hours=hours)
        session.solve(changed)
        seconds.append(time.perf_counter() - again)
        assert session.objective >= objective * (1 - 1e-9)
    cold = least_cost.Session(changed)
    cold.solve()
    assert abs(session.objective / cold.objective - 1) < 1e-6
    return {
        "build": built - begun,
        "solve": solved - built,
        "re-solve": float(np.median(seconds)),
        "worst": max(seconds),
        "objective": objective,
    }


def by_families(p: dict[str, np.ndarray]) -> dict[str, float]:
    """Seconds of the plan by families, shared out among items; its cost and weights."""
    begun = time.perf_counter()
    task = task_of(p)
    built = time.perf_counter()
    plan = families.solve(task, p["family"].astype("str"))
    solved = time.perf_counter()
    objective = plans.costs(task, plan)["amount_value"].sum() + plans.weights(task, plan)
    return {"build": built - begun, "solve": solved - built, "objective": objective}


def speed(options) -> pd.DataFrame:
    """One row a size and tool."""
    rows = []
    for size, changes in SIZES.items():
        problem, name = instance(*size), " × ".join(f"{n:,}" for n in size)
        _bench.say(f"{name}: sopkit")
        rows.append({"size": name, "tool": "sopkit"} | ours(problem, changes))
        if size[0] > LARGEST_FOR_PEERS:
            rows.append({"size": name, "tool": "sopkit, families first"} | by_families(problem))
            continue
        if options.no_peers:
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "problem.npz"
            np.savez(path, **problem)
            for tool in TOOLS:
                _bench.say(f"{name}: {tool}")
                script = Path(__file__).with_name("_planners.py")
                found = subprocess.run(
                    [options.peers, script, path, tool], capture_output=True, text=True, check=True
                )
                build, solve, objective = map(float, found.stdout.split("\n")[-2].split())
                row = {"build": build, "solve": solve, "objective": objective}
                rows.append({"size": name, "tool": tool} | row)
    table = pd.DataFrame(rows)
    table["whole"] = table["build"] + table["solve"]
    return table


def stability() -> pd.DataFrame:
    """How far the plan moves when demand does: with the last plan known, and without."""
    cycle = months.parse_cycle(CYCLE)
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "data" / "raw"
        raw.mkdir(parents=True)
        sample.write(raw)
        sopkit(["run", "--workspace", folder])
        tables = store.inputs(folder, "supply_review", cycle)
    task, _ = supply_problem.task(tables, cycle=cycle)
    family = tables["items"].set_index("item")["family"].reindex(task.keys["item"]).fillna("none")
    codes, _ = pd.factorize(family)
    first = least_cost.solve(task)
    rng, rows = np.random.default_rng(0), []
    for _ in range(DRAWS):
        moved = task.demand * rng.uniform(1 - MOVED, 1 + MOVED, task.demand.shape)
        other = replace(task, demand=moved)
        change = np.abs(_by_family(moved - task.demand, codes)).sum()
        for way, near in (("near the last plan", first), ("plain least cost", None)):
            plan = least_cost.solve(other, near=near)
            made = plans.by_item(task, plan.made - first.made)
            made = np.where(task.is_purchased, 0.0, made)
            frozen = np.arange(task.n_months)[:, None] < task.frozen_months
            rows.append(
                {
                    "way": way,
                    "moved ÷ demand's": np.abs(_by_family(made, codes)).sum() / change,
                    "frozen units moved": np.abs(made[frozen]).sum(),
                    "cost over least %": 0.0,
                    "cost": plans.costs(other, plan)["amount_value"].sum()
                    + plans.weights(other, plan),
                }
            )
    table = pd.DataFrame(rows)
    least = table.loc[table["way"] == "plain least cost", "cost"].repeat(2).to_numpy()
    table["cost over least %"] = (table.pop("cost").to_numpy() / least - 1) * 100
    mean = table.groupby("way", sort=False).mean()
    mean["worst"] = table.groupby("way")["moved ÷ demand's"].max()
    return mean.reset_index()


def _by_family(units: np.ndarray, codes: np.ndarray) -> np.ndarray:
    total = np.zeros((len(units), codes.max() + 1))
    np.add.at(total, (slice(None), codes), units)
    return total


def main() -> None:
    """Print the tables."""
    options = _bench.arguments(__doc__.splitlines()[0])
    core = int(options.cores.split(",")[0].split("-")[0])
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})  # children inherit it
    table = speed(options)
    digits = {"build": 3, "solve": 2, "re-solve": 3, "worst": 3, "whole": 2, "objective": 1}
    columns = ["size", "tool", *digits]
    title = (
        "Items × months × resources: seconds to build and solve, one core, HiGHS with one thread"
    )
    _bench.show(title, table[columns], digits)
    print("re-solve: median, and worst, of changes of one resource's hours in one month by -3 %.")
    moved = stability()
    title = f"Sample company, demand moved by up to {MOVED:.0%} at random, mean of {DRAWS} draws"
    _bench.show(title, moved, dict.fromkeys(moved.columns[1:], 2))
    print("moved: sum over families and months of |units made − last plan's|, over that of demand.")


if __name__ == "__main__":
    sys.exit(main())
