"""The ledger: seconds of a replay, of value added with its bootstrap, and habits found by seed.

Replay and value added are timed on AdventureWorks (``ADVENTUREWORKS_DATA``), all cycles that leave
13 months of history. Habits are looked for in the sample company: twelve replayed cycles a seed,
sales planted 7 % too high, and a department without effect beside it, which repeats the
forecast with events that it was shown with noise of 2 % a family and month.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from sopkit import months, replay, sample, steps, store
from sopkit.demand import hierarchy, lags, value_added

ROOT = Path(__file__).resolve().parent.parent
SEEDS, CYCLES, NOISE = 20, 12, 0.02
COPY = "copy"  # the department without effect


def workspace(folder: str) -> Path:
    """An empty workspace."""
    (Path(folder) / "data/raw").mkdir(parents=True)
    return Path(folder)


def adventureworks() -> None:
    """Seconds of all cycles that leave 13 months of history, and of value added over them."""
    with tempfile.TemporaryDirectory() as folder:
        root = workspace(folder)
        for name in ("sources.yml", "company.yml"):
            text = (ROOT / "examples/adventureworks" / name).read_text()
            (root / "data/raw" / name).write_text(text)
        first, last = pd.Timestamp("2012-06-01"), pd.Timestamp("2014-05-01")
        begun = time.perf_counter()
        done = replay.replay(root, first, last)
        seconds = time.perf_counter() - begun
        print(f"AdventureWorks: {len(done['made'])} cycles replayed in {seconds:.0f} s")
        now = months.shift(last, 1)
        past = laid(root, now)
        begun = time.perf_counter()
        for level, each_lag in (("total", True), ("family", False), ("promotion", False)):
            value_added.value_added(past, level=level, each_lag=each_lag)
        seconds = time.perf_counter() - begun
        rows = f"{len(past.rows):,} rows, {value_added.DRAWS:,} draws"
        print(f"value added of the company, families and promotions: {seconds:.1f} s, {rows}")


def laid(root: Path, now: pd.Timestamp, extra: pd.DataFrame | None = None) -> lags.Past:
    """Past plans as the data review of a cycle sees them; ``extra`` are further views."""
    tables = store.inputs(root, "data_review", now)
    made = steps.data_review(tables, cycle=now)
    factor = made["planning_units"].set_index("item")["planning_factor"]
    items = tables["items"].assign(planning_factor=tables["items"]["item"].map(factor))
    tables["ledger_views"] = pd.concat([tables["ledger_views"], extra])
    history, rates = made["demand_history"], made["money_rates"]
    tables |= {"items": items}
    past = steps.past_plans(tables, history, rates, made["restatements"])[0]
    return lags.with_promotions(past, tables["sales"], tables["events"])


def copied(root: Path, seed: int) -> pd.DataFrame:
    """Views of a department that repeats the forecast it was shown, with a hair of noise."""
    plans = store.ledger(root, "demand_plan")
    items = store.raw_table(root, "items", plans["cycle"].max())
    plans = hierarchy.with_levels(plans, items)
    groups = plans.groupby(["family", "cycle", "month"]).ngroup().to_numpy()
    noise = np.random.default_rng(seed).normal(0.0, NOISE, groups.max() + 1)
    is_known = plans["origin"] != lags.HINDSIGHT
    shown = plans["statistical"] + plans["events"].where(is_known, 0.0)
    said = shown * np.exp(noise[groups])
    columns = ["item", "location", "channel", "month", "cycle", "origin"]
    return plans[columns].assign(department=COPY, quantity=said)


def habits() -> None:
    """What is found of planted habits, seed by seed."""
    found = []
    for seed in range(SEEDS):
        with tempfile.TemporaryDirectory() as folder:
            root = workspace(folder)
            sample.write(root / "data/raw", seed)
            now = store.default_cycle(root)
            replay.replay(root, months.shift(now, -CYCLES), months.shift(now, -1))
            table = value_added.value_added(laid(root, now, copied(root, seed)))
        near = table[(table["lag"] == value_added.NEAR) & (table["level"] == "total")]
        near = near[near["is_department"]].set_index("layer")
        found.append(near.assign(seed=seed))
        row = near.loc[["sales", "marketing", "finance", COPY]]
        words = (
            f"{name} {r.verdict}, bias {r.bias_rate:+.1%} {r.habit}" for name, r in row.iterrows()
        )
        print(f"seed {seed}: " + "; ".join(words), flush=True)
    table = pd.concat(found)
    sales, copy = table.loc["sales"], table.loc[COPY]
    high = (sales["habit"] == value_added.HIGH).sum()
    alarms = copy["verdict"].isin([value_added.HELPS, value_added.HARMS]).sum()
    print(
        f"sales' habit found in {high} of {SEEDS} seeds, bias {sales['bias_rate'].mean():+.1%} "
        f"({sales['bias_rate'].min():+.1%} to {sales['bias_rate'].max():+.1%})"
    )
    print(f"a department without effect got a verdict in {alarms} of {SEEDS} seeds")


if __name__ == "__main__":
    if "ADVENTUREWORKS_DATA" in os.environ:
        adventureworks()
    else:
        print("AdventureWorks: set ADVENTUREWORKS_DATA to the folder that holds sop/ and oltp/")
    if "--quick" not in sys.argv:
        habits()
