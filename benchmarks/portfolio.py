"""A large portfolio: seconds and memory of 10,000 generated series × 60 months, 18 ahead.

Of accuracy it says nothing: the series are made up. AutoETS is run on 300 of them, and its seconds
are extrapolated in proportion.
"""

from __future__ import annotations

import _bench
import _ours
import _peers
import numpy as np
import pandas as pd

SERIES, MONTHS, HORIZON = 10_000, 60, 18
SAMPLE = 300  # series that AutoETS is timed on
SEED = 20260101


def generate(seed: int = SEED, count: int = SERIES) -> pd.DataFrame:
    """Sales ``item, step, quantity`` of the portfolio, from each item's first month on.

    Half have a season, all a trend between −1 and 1.5 % a month; a fifth each are intermittent
    (three months in four without sales), have a level shift of a quarter to fourfold, or began in
    the last four years, as the case may be several at once. Quantities are whole: a negative
    binomial round the expected value.
    """
    rng = np.random.default_rng(seed)
    month = np.arange(MONTHS)[:, None]
    level = np.exp(rng.normal(4.5, 1.2, count))
    trend = np.exp(month * rng.uniform(-0.010, 0.015, count))
    height = rng.uniform(0.1, 0.6, count) * (rng.random(count) < 0.5)
    season = 1 + height * np.sin(2 * np.pi * (month + rng.integers(0, 12, count)) / 12)
    is_shifted = (rng.random(count) < 0.2) & (month >= rng.integers(12, MONTHS, count))
    shift = np.where(is_shifted, np.exp(rng.uniform(-1.4, 1.4, count)), 1.0)
    is_bought = (rng.random(count) >= 0.2) | (rng.random((MONTHS, count)) < 0.25)
    expected = level * trend * season * shift
    firmness = rng.uniform(5, 50, count)  # the lower, the noisier
    quantity = rng.negative_binomial(firmness, firmness / (firmness + expected)) * is_bought
    start = np.where(rng.random(count) < 0.2, rng.integers(12, MONTHS - 3, count), 0)
    step, series = np.nonzero(month >= start)
    names = np.array([f"item {number:05d}" for number in range(count)])
    table = {"item": names[series], "step": step + 1, "quantity": quantity[step, series]}
    return pd.DataFrame(table).astype({"quantity": "float64"})


def main() -> None:
    """Print the table."""
    options = _bench.arguments(__doc__.splitlines()[0])
    sales = generate()
    _, whole, engine = _ours.run(sales, "portfolio", horizon=HORIZON, cores=options.cores)
    rows = [
        ("sopkit forecast, the whole command", whole.seconds, whole.memory_mb),
        ("sopkit, its engine alone", engine.seconds, engine.memory_mb),
    ]
    if not options.no_peers:
        chosen = sales["item"].unique()[:: SERIES // SAMPLE][:SAMPLE]
        few = sales[sales["item"].isin(chosen)].sort_values(["item", "step"])
        made = _peers.forecast(few, "portfolio", ["AutoETS"], horizon=HORIZON, options=options)
        seconds = made["points_seconds"].iloc[0] * SERIES / SAMPLE
        rows.append(
            (f"AutoETS without intervals, extrapolated from {SAMPLE} series", seconds, None)
        )
    table = pd.DataFrame(rows, columns=["what", "seconds", "memory MB"])
    table = table.assign(**{"÷ engine": table["seconds"] / engine.seconds})
    title = (
        f"{SERIES:,} series × {MONTHS} months, {HORIZON} ahead, {_bench.count(options.cores)} core"
    )
    _bench.show(title, table, {"seconds": 1, "memory MB": 0, "÷ engine": 1})
    print("memory: peak of all processes; the engine's includes reading its inputs.")


if __name__ == "__main__":
    main()
