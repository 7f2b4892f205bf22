"""Beyond one process: seconds and memory of 100,000 generated series, by Dask's workers and alone.

Series × 60 months, 18 ahead, in 200 families; the statistical part of the demand review. One worker
and two are told in one run; ``--series 5000`` is a quick look. Leave the machine alone meanwhile.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import _bench
import numpy as np
import pandas as pd

from sopkit import contract, demand_meeting, months, partitions, publication, schema
from sopkit.demand import drivers, history, levels

MONTHS, HORIZON, FAMILIES, SEED = 60, 18, 200, 20260101
CYCLE, ALONE = pd.Timestamp("2026-01-01"), "alone"


def generate(count: int, seed: int = SEED) -> dict[str, pd.DataFrame]:
    """Tables `demand_history`, `items` and `money_rates`; a tenth of series began late.

    Half have their family's season, all a trend, a fifth are intermittent; quantities are whole.
    """
    rng = np.random.default_rng(seed)
    family, month = rng.integers(0, FAMILIES, count), np.arange(MONTHS)
    peak, level = rng.integers(0, 12, FAMILIES)[family], np.exp(rng.normal(4.5, 1.2, count))
    height = rng.uniform(0.1, 0.6, count) * (rng.random(count) < 0.5)
    season = 1 + height[:, None] * np.sin(2 * np.pi * (month - peak[:, None]) / 12)
    trend = np.exp(month * rng.uniform(-0.010, 0.015, count)[:, None])
    is_bought = (rng.random(count)[:, None] >= 0.2) | (rng.random((count, MONTHS)) < 0.25)
    demand = rng.poisson(level[:, None] * trend * season * rng.gamma(20, 1 / 20, season.shape))
    demand = (demand * is_bought).astype("float64")
    begun = np.where(rng.random(count) < 0.1, rng.integers(12, MONTHS - 3, count), 0)
    series, row = np.nonzero(month >= begun[:, None])
    names = pd.Series([f"item {number:06d}" for number in range(count)], dtype="str")
    sales, nothing = demand[series, row], np.zeros(len(row))
    sold = pd.DataFrame(
        {
            "item": names.take(series).to_numpy(),
            "location": pd.Series(schema.ALL, index=range(len(row)), dtype="str"),
            "channel": pd.Series(schema.ALL, index=range(len(row)), dtype="str"),
            "month": months.span(pd.Timestamp("2021-01-01"), MONTHS).to_numpy()[row],
            **{name: sales for name in ("sales", "demand", "baseline")},
            **dict.fromkeys([*history.LAYERS, *history.EFFECTS], nothing),
            "is_stockout": nothing > 0,
        }
    )
    words = np.array([f"family {number:03d}" for number in range(FAMILIES)])
    items = pd.DataFrame({"item": names, "family": words[family], "category": "all"})
    items = items.assign(
        planning_factor=1.0, end_month=pd.Series(pd.NaT, index=items.index, dtype=months.DTYPE)
    )
    keys = items[["item"]].assign(location=schema.ALL, channel=schema.ALL)
    return {
        "demand_history": sold,
        "items": items,
        "money_rates": keys.assign(unit_price_value=10.0, unit_cost_value=6.0),
    }


def forecast(folder: Path, who: str) -> None:
    """Make the tables, by so many workers or alone; a child's work, that memory is its own."""
    path = folder / "demand_history.parquet"
    names = ("demand_history", *demand_meeting.BY_ITEM)
    tables = {name: contract.empty(name) for name in schema.RAW}
    tables |= {name: pd.read_parquet(folder / f"{name}.parquet") for name in names}
    tables |= drivers.drivers(
        tables["demand_history"], tables | {"planning_units": tables["items"]}, cycle=CYCLE
    )
    tables["company"] = pd.DataFrame([{"coherence": levels.MEASURED}])
    if who == ALONE:
        made = demand_meeting.statistical(tables, horizon=HORIZON)
    else:
        made = partitions.statistical(tables, horizon=HORIZON, path=path, workers=int(who))
    print(len(made["forecast"]))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, default=100_000, help="default: 100,000")
    words = "who is measured: numbers of workers, and alone (default: 1 2 alone)"
    parser.add_argument("--who", nargs="+", default=["1", "2", ALONE], help=words)
    parser.add_argument("--made", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.made:
        forecast(options.made, options.who[0])
        return
    cores = ",".join(map(str, sorted(os.sched_getaffinity(0))))
    rows = []
    with tempfile.TemporaryDirectory() as place:
        _bench.say(f"generating {options.series:,} series")
        for name, table in generate(options.series).items():
            publication.write_parquet(table, Path(place) / f"{name}.parquet")
        for who in options.who:
            _bench.say(f"forecasting: {who}")
            own = [sys.executable, str(Path(__file__).resolve()), "--made", place, "--who", who]
            cost = _bench.measured(own, cores=cores)
            words = "this process alone" if who == ALONE else f"Dask, workers: {who}"
            rows.append((words, cost.seconds, cost.memory_mb))
            _bench.say(f"{words}: {cost.seconds:.0f} s, {cost.memory_mb:,.0f} MB")
    table = pd.DataFrame(rows, columns=["what", "seconds", "memory MB"])
    table = table.assign(**{"first ÷ this": table["seconds"].iloc[0] / table["seconds"]})
    title = f"{options.series:,} series × {MONTHS} months, {HORIZON} ahead"
    digits = {"seconds": 1, "memory MB": 0, "first ÷ this": 2}
    _bench.show(f"{title}, processors {cores}", table, digits)
    print("seconds: reading, starting workers and gathering included; memory: of all processes.")


if __name__ == "__main__":
    main()
