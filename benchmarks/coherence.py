"""Levels that add up: how fast beside hierarchicalforecast, and what it gains on Medicare scripts.

Speed: forecasts of crossed levels, 18 months, a third of the series at zero, on one core; the peer
is MinTraceSparse of hierarchicalforecast, non-negative, with the same (structural) weights. Gain:
the 336 series of pbs with all their levels, twelve origins and more before June of six years.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import _bench
import numpy as np
import pandas as pd

from sopkit.demand import coherence, forecasting, levels, panel, summing

MONTHS = 18
SIZES = {"6,000 nodes": (4_860, 30), "50,000 nodes": (38_000, 150)}  # series, families
LOCKED = 20  # nodes above the series
CROSSED = [
    (),
    ("category",),
    ("family",),
    ("region",),
    ("location",),
    ("channel",),
    ("family", "location"),
    ("family", "channel"),
    ("item",),
]
YEARS = range(2003, 2009)  # the last years of pbs; each ends in June
TOLD = ["level", "own_wape", "bottom_up_wape", "coherent_wape", "gain_rate"]


def lattice(count: int, families: int) -> tuple[summing.Summing, np.ndarray]:
    """Items in families and categories, by four locations in two regions; and their forecasts."""
    rng = np.random.default_rng(0)
    item, location = np.arange(count) // 4, np.arange(count) % 4
    keys = pd.DataFrame({"item": item, "location": location, "family": item % families})
    keys = keys.assign(region=location // 2, category=keys["family"] // 5)
    keys = keys.assign(channel=rng.integers(0, 3, count)).astype("str")
    tree = summing.summing(keys, CROSSED)
    size = rng.gamma(1.0, 1.0, (count, 1))
    series = np.maximum(rng.normal(3.0, 5.0, (count, MONTHS)), 0.0) * size
    base = tree.matrix @ series
    base *= 1.0 + 0.1 * rng.normal(size=base.shape)
    base[-count:] += rng.normal(0.0, 2.0, (count, MONTHS))
    return tree, base


def locked(tree: summing.Summing, amounts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bounds with some nodes above the series held a tenth higher than they would be."""
    count = tree.above.shape[0]
    low = np.where(np.arange(len(amounts)) < count, -np.inf, 0.0)[:, None].repeat(MONTHS, axis=1)
    high = np.full(amounts.shape, np.inf)
    rows = np.random.default_rng(1).choice(np.arange(1, count), LOCKED, replace=False)
    low[rows] = high[rows] = 1.1 * amounts[rows]
    return low, high


def worth(tree: summing.Summing, base: np.ndarray, amounts: np.ndarray) -> float:
    """Weighted sum of squares that the projection makes least."""
    return float((((amounts - base) ** 2) / coherence.structural(tree).variance[:, None]).sum())


def peer(tree: summing.Summing, base: np.ndarray, python: Path, cores: str) -> tuple[float, float]:
    """Seconds of the peer and what it reaches of the least sum of squares."""
    with tempfile.TemporaryDirectory() as folder:
        given, answer = Path(folder) / "given.npz", Path(folder) / "answer.npz"
        own = tree.matrix
        parts = {"data": own.data, "indices": own.indices, "indptr": own.indptr}
        np.savez(given, matrix=own.shape, base=base, **parts)
        script = str(Path(__file__).with_name("_hierarchical.py"))
        _bench.measured([str(python), script, str(given), str(answer)], cores=cores)
        told = np.load(answer)
        return float(told["seconds"]), worth(tree, base, told["amounts"])


def speed(options) -> pd.DataFrame:
    """Seconds of each size, with and without locks, beside the peer."""
    rows = []
    for name, size in SIZES.items():
        _bench.say(name)
        tree, base = lattice(*size)
        errors, what = coherence.structural(tree), f"{len(base):,} nodes × {MONTHS} months"
        begun = time.perf_counter()
        made = coherence.make_coherent(tree, base, errors, lower=0.0)
        seconds = time.perf_counter() - begun
        rows.append((what, "sopkit", seconds, worth(tree, base, made.amounts)))
        low, high = locked(tree, made.amounts)
        begun = time.perf_counter()
        held = coherence.make_coherent(tree, base, errors, lower=low, upper=high)
        seconds = time.perf_counter() - begun
        rows.append((what, f"sopkit, {LOCKED} locks", seconds, worth(tree, base, held.amounts)))
        if not options.no_peers and size == next(iter(SIZES.values())):
            rows.append((what, "MinTraceSparse", *peer(tree, base, options.peers, options.cores)))
    return pd.DataFrame(rows, columns=["problem", "method", "seconds", "squares"])


def gains() -> pd.DataFrame:
    """Errors of each level of pbs, mean of the years."""
    path = _bench.data("pbs") / "PBS.csv.gz"
    sold = pd.read_csv(path, usecols=[0, 1, 2, 3, 5, 7], parse_dates=["Month"])
    sold.columns = ["month", "location", "channel", "family", "item", "demand"]
    family = sold.drop_duplicates("item").set_index("item")["family"]
    parts = []
    for year in YEARS:
        _bench.say(f"pbs until June {year}")
        known = sold[sold["month"] <= f"{year}-06-01"]
        wide = known.groupby(["item", "location", "channel", "month"])["demand"].sum()
        wide = wide.unstack("month")
        keys = wide.index.to_frame(index=False).assign(family=lambda t: t["item"].map(family))
        values = wide.to_numpy().T
        is_before = np.arange(len(values))[:, None] < np.isfinite(values).argmax(axis=0)
        values = np.where(is_before, np.nan, np.nan_to_num(values))
        history = panel.Panel(keys, pd.DatetimeIndex(wide.columns), values)
        groups = pd.factorize(keys["family"])[0]
        tests = forecasting.backtest(history, history, groups, horizon=1)
        factor, is_over = np.ones(len(keys)), np.zeros(tests.mean.shape, dtype=bool)
        made = levels.forecast_levels(tests, keys, factor, is_over)
        table = levels.used(tests, made, factor, levels.MEASURED)[1]
        parts.append(table[table["member"] == "all"][[*TOLD, "is_used"]])
    whole = pd.concat(parts)
    used = whole.groupby("level", sort=False)["is_used"].sum().rename("years used")
    return whole.groupby("level", sort=False)[TOLD[1:]].mean().join(used).reset_index()


def main() -> None:
    """Print the tables."""
    options = _bench.arguments(__doc__.splitlines()[0])
    _bench.show("Coherence, non-negative", speed(options), {"seconds": 2, "squares": 3})
    table = gains()
    _bench.show("pbs: error of each level, mean of six years", table, dict.fromkeys(TOLD[1:], 4))


if __name__ == "__main__":
    sys.exit(main())
