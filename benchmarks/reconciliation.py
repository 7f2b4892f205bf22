"""The reconciliation on the sample company: how exactly gaps add up, and how long answers take.

Gap tree: the largest difference between a gap and its parts, and between members and the company.
Twenty scenarios; the scenario explorer's answer to a slider; a thousand possible futures of sixty
items and eighteen months through the supply plan.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import _bench
import pandas as pd

from sopkit import months, pre_sop, schema, steps, store, what_if
from sopkit.__main__ import main as sopkit
from sopkit.explore import scenario_view
from sopkit.explore import scenarios as explorer
from sopkit.reconciliation import gap_tree, risk, scenarios

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


ITEMS, MONTHS = 60, 18  # of the futures


def sums(tree: pd.DataFrame, parts: pd.DataFrame) -> pd.DataFrame:
    """The largest difference, in money, at each place where gaps must add up."""
    is_whole = tree["against"].isin([gap_tree.BUDGET, gap_tree.LAST_YEAR])
    levels = tree[is_whole].groupby(["against", "measure", "period", "level"])
    levels = levels[["gap_value", *gap_tree.PARTS]].sum()
    spread = levels.groupby(level=[0, 1, 2]).agg(lambda amounts: amounts.max() - amounts.min())
    rows = [
        (
            f"parts and gap, {len(table):,} {name}",
            table[gap_tree.PARTS].sum(axis=1),
            table["gap_value"],
        )
        for name, table in (("cells", parts), ("nodes", tree))
    ]
    told = [(name, (left - right).abs().max()) for name, left, right in rows]
    told.append(("members and company", spread.max().max()))
    return pd.DataFrame(told, columns=["what", "difference"])


def futures(tables: steps.Tables, results: steps.Tables, cycle: pd.Timestamp) -> pd.DataFrame:
    """Seconds of the risk part for so many items and months of the cycle's plan."""
    items = tables["demand_plan"]["item"].drop_duplicates().head(ITEMS)
    last = months.shift(cycle, MONTHS - 1)

    def cut(table: pd.DataFrame) -> pd.DataFrame:
        is_kept = pd.Series(True, index=table.index)
        if "item" in table:
            is_kept &= table["item"].isin([*items, schema.ALL])
        if {"item", "month"} <= {*table}:
            is_kept &= ~(table["month"] > last)
        return table[is_kept]

    names = "forecast demand_plan supply_plan inventory_projection".split()
    smaller = tables | {name: cut(tables[name]) for name in names}
    begun = time.perf_counter()
    found = pre_sop.futures(
        smaller, results | {"plan_money": cut(results["plan_money"])}, cycle=cycle
    )
    seconds = time.perf_counter() - begun
    series = smaller["forecast"][schema.SERIES].drop_duplicates()
    count = risk.count_paths(len(series), MONTHS)
    what = f"{count:,} futures × {MONTHS} months × {items.size} items ({len(series)} series)"
    tried = len(found["risk_levers"])
    return pd.DataFrame([(f"{what}, {tried} levers tried", seconds)], columns=["what", "seconds"])


def main() -> None:
    """Print the tables."""
    _bench.arguments(__doc__.splitlines()[0])
    cycle = months.parse_cycle(CYCLE)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        sopkit(["init", folder])
        sopkit(["run", "--workspace", folder, "--cycle", CYCLE])
        tables = store.inputs(root, "reconciliation", cycle)
        money = [store.read(root, name, cycle) for name in ("financials", "closed_financials")]
        begun = time.perf_counter()
        base = what_if.start(tables, *money, cycle=cycle)
        rows = [("the plan itself", time.perf_counter() - begun)]
        items = tables["items"]
        planned = items[items["item"].isin(tables["demand_plan"]["item"])]
        sets = twenty(sorted(planned["family"].dropna().unique()))
        for entries in sets:
            begun = time.perf_counter()
            what_if.answer(base, scenarios.as_changes(entries))
            rows.append((str(entries[0]), time.perf_counter() - begun))
        table = pd.DataFrame(rows, columns=["scenario", "seconds"])
        total = table["seconds"].sum()
        rows = [("the plan itself", rows[0][1]), (f"{len(sets)} scenarios", total - rows[0][1])]
        rows += [("a scenario, median", table["seconds"][1:].median())]
        rows += [("a scenario, slowest", table["seconds"][1:].max()), ("in all", total)]
        title = f"{len(sets)} scenarios on the sample company"
        _bench.show(title, pd.DataFrame(rows, columns=["what", "seconds"]), {"seconds": 2})
        results = steps.reconciliation(tables, cycle=cycle)
        exact = sums(results["gap_tree"], results["gap_parts"])
        _bench.show("Gap tree, money", exact, {"difference": 9})
        _bench.show("Risk", futures(tables, results, cycle), {"seconds": 2})
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
