"""Scenarios: seconds of twenty on the sample company, and of the explorer's answer to a slider."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import _bench
import pandas as pd

from sopkit import months, steps, store
from sopkit.__main__ import main as sopkit
from sopkit.explore import scenario_view
from sopkit.explore import scenarios as explorer
from sopkit.reconciliation import scenarios

CYCLE = "2026-01"
COUNT = 20  # scenarios of the first table
MOVES = (0.05, 0.1, 0.15, 0.2, 0.25)  # positions that a slider passes


def twenty(families: list[str]) -> list[list[dict]]:
    """Scenarios that all differ: demand, hours, costs, service, a supplier and a currency."""
    when = {"first_month": "2026-04", "last_month": "2026-09"}
    sets = [[{"demand": {"family": name, **when, "rate": -0.1}}] for name in families[:8]]
    sets += [[{"capacity": {"resource": "sewing", **when, "rate": k / 20}}] for k in range(-3, 4)]
    sets += [[{"cost": {"kind": kind, "rate": 0.2}}] for kind in ("holding", "overtime")]
    sets += [[{"service_level": {"level": 0.98}}]]
    sets += [[{"supplier_loss": {"supplier": "Lumen Works", "first_month": "2026-03"}}]]
    sets += [[{"currency": {"currency": "SEK", "rate": -0.05}}]]
    return sets[:COUNT]


def main() -> None:
    """Print both tables."""
    _bench.arguments(__doc__.splitlines()[0])
    cycle = months.parse_cycle(CYCLE)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        sopkit(["init", folder])
        sopkit(["run", "--workspace", folder, "--cycle", CYCLE])
        tables = store.inputs(root, "reconciliation", cycle)
        money = [store.read(root, name, cycle) for name in ("financials", "closed_financials")]
        begun = time.perf_counter()
        base = steps.scenario_base(tables, *money, cycle=cycle)
        rows = [("the plan itself", time.perf_counter() - begun)]
        items = tables["items"]
        planned = items[items["item"].isin(tables["demand_plan"]["item"])]
        sets = twenty(sorted(planned["family"].dropna().unique()))
        for entries in sets:
            begun = time.perf_counter()
            steps.what_if(base, scenarios.as_changes(entries))
            rows.append((str(entries[0]), time.perf_counter() - begun))
        table = pd.DataFrame(rows, columns=["scenario", "seconds"])
        total = table["seconds"].sum()
        rows = [("the plan itself", rows[0][1]), (f"{len(sets)} scenarios", total - rows[0][1])]
        rows += [("a scenario, median", table["seconds"][1:].median())]
        rows += [("a scenario, slowest", table["seconds"][1:].max()), ("in all", total)]
        title = f"{len(sets)} scenarios on the sample company"
        _bench.show(title, pd.DataFrame(rows, columns=["what", "seconds"]), {"seconds": 2})
        seen, rows = explorer.load(root, cycle), []
        span = tuple(seen["base"]["planned"]["task"].months[[0, -1]])
        for name, word in (("Tents", "demand"), ("sewing", "hours")):
            for rate in MOVES:
                asked = scenario_view.Asked(**{word: {name: rate}, f"{word}_months": span})
                begun = time.perf_counter()
                scenario_view.view(seen, asked)
                rows.append((f"{word} of {name}", time.perf_counter() - begun))
        table = pd.DataFrame(rows, columns=["slider", "seconds"])
        table = table.groupby("slider")["seconds"].agg(["median", "max"]).reset_index()
        _bench.show("A slider moved, until all is shown", table, {"median": 2, "max": 2})


if __name__ == "__main__":
    main()
