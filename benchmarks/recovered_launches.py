"""Launches of the sample company: what is planned beside what is planted, over many seeds.

Three items are launched in the months planned, one of them in the place of its like item. Expected
demand is planted; the plan sees history and `launches` alone.
"""

from __future__ import annotations

import argparse
import time

import _bench
import numpy as np
import pandas as pd

from sopkit import contract, demand_meeting, sample, schema
from sopkit.demand import forecasting, history, intervals, launch_bounds, launches, ramps

HORIZON = 24
LEVEL = 0.9
COLUMNS = ["planted", "planned", "error", "width", "within"]


def recovered(seed: int) -> pd.DataFrame:
    """Units of each launch, planted and planned, with the bounds of ``LEVEL``, by period."""
    given = sample.tables(seed)
    tables = {
        name: contract.check_table(name, given[name], contract.Source(name)).frame
        for name in ("sales", "items", "launches")
    }
    items, basis = tables["items"], sample.company()["sales_basis"]
    demand = history.demand_history(tables["sales"], items, cycle=sample.CYCLE, basis=basis)
    tests = demand_meeting.forecast_tests(tables | {"demand_history": demand}, horizon=HORIZON)
    ends = schema.lookup(tests.history.keys["item"], items, "end_month")
    both = (forecasting.forecast(tests, x) for x in (ends, ends.where(ends.isna())))
    curves = ramps.learned(demand, items)
    told = tables["launches"]
    means, sure = launches.planned(told, items, demand, *both, curves)
    found = intervals.calibrate(tests)
    names = ("error_widths", "error_multiples")
    widths, multiples = (found[name] for name in names)
    truth = sample.truths(seed)["expected"]
    parts = []
    for period, first, last in (("2026", 0, 12), ("2027", 12, 24), ("both years", 0, 24)):
        span = sorted(means["month"].unique())[first:last]
        own = means[means["month"].isin(span)]
        made = launch_bounds.widths(told, own, sure, widths, multiples)
        total = launch_bounds.totals(own, sure, made, multiples, level=LEVEL)
        came = truth[truth["month"].isin(span)].groupby("item")["quantity"].sum()
        planted = came.reindex(total["item"]).to_numpy()
        parts.append(total.assign(planted=planted, period=period, seed=seed))
    return pd.concat(parts, ignore_index=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    seeds, start = parser.parse_args().seeds, time.perf_counter()
    table = pd.concat([recovered(seed) for seed in range(seeds)], ignore_index=True)
    table = table.assign(
        planned=table["quantity"],
        error=np.abs(np.log(table["quantity"] / table["planted"])),
        width=(table["quantity_upper"] - table["quantity_lower"]) / table["planted"],
        within=table["planted"].between(table["quantity_lower"], table["quantity_upper"]),
    )
    by = {"planted": "mean", "planned": "mean", "error": "median", "width": "median"}
    by |= {"within": "mean"}
    rows = table.groupby(["item", "period"]).agg(by).reset_index()
    whole = table.assign(item="all", period="").groupby(["item", "period"]).agg(by).reset_index()
    title = f"Planted launches of {seeds} sample companies: units, {LEVEL:.0%} intervals"
    digits = {"planted": 0, "planned": 0, "error": 3, "width": 2, "within": 2}
    _bench.show(title, pd.concat([rows, whole])[["item", "period", *COLUMNS]], digits)
    print("error: |log(planned / planted)|, median. width: of the interval beside what is planted.")
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
