"""Spare parts: 2,509 intermittent series, 12 months held out. Accuracy and bias beside peers.

Of the 2,674 parts those 165 are left out whose last months are blank in the data: blank is
unknown, not zero. Parts that never sold in the training part do count: sopkit, like any system fed
with sales, does not know them, and its forecast of them is 0.
"""

from __future__ import annotations

import _bench
import _ours
import _peers
import _scores
import pandas as pd

HORIZON = 12
MODELS = ["CrostonSBA", "TSB", "CrostonOptimized", "SeasonalNaive"]
DIGITS = {"RMSSE": 4, "MASE1": 4, "WAPE": 3, "bias": 3, "seconds": 1}


def read() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training part ``item, step, quantity``, and the held-out actuals ``item, step, actual``."""
    series = pd.read_csv(_bench.data("carparts") / "carparts.csv.gz", dtype={"series": "str"})
    series = series.rename(columns={"series": "item", "value": "quantity"})
    series = series[
        series.groupby("item")["quantity"].transform("count") == series["month"].nunique()
    ]
    series = series.assign(step=series["month"].rank(method="dense").astype(int))
    first = series["step"].max() - HORIZON
    actual = series[series["step"] > first].rename(columns={"quantity": "actual"})
    training = series.loc[series["step"] <= first, ["item", "step", "quantity"]]
    return training, actual.assign(step=actual["step"] - first)[["item", "step", "actual"]]


def scales(training: pd.DataFrame, *, power: int) -> pd.Series:
    """Mean |y_t − y_{t−1}| ** power of each item from its first sale on.

    A part without any change in its training part (never sold, or sold in the last month alone)
    has no scale: it takes the mean of all others', so that its errors count.
    """
    has_begun = training.groupby("item")["quantity"].cumsum() > 0
    own = _scores.scale(training[has_begun], season=1, power=power)
    own = own.reindex(training["item"].unique())
    return own.where(own > 0, own[own > 0].mean())


def main() -> None:
    """Print the table."""
    options = _bench.arguments(__doc__.splitlines()[0])
    training, actual = read()
    ours, whole, engine = _ours.run(training, "carparts", horizon=HORIZON, cores=options.cores)
    parts = [ours.assign(model="sopkit", seconds=whole.seconds)]
    if not options.no_peers:
        parts.append(
            _peers.forecast(training, "carparts", MODELS, horizon=HORIZON, options=options)
        )
    # what any error of single parts rewards: most months are zero
    parts.append(actual[["item", "step"]].assign(model="always zero", quantity=0.0))
    absolute, squared = scales(training, power=1), scales(training, power=2)
    rows = []
    for table in parts:
        for model, given in table.groupby("model", sort=False):
            scored = actual.merge(given, on=["item", "step"], how="left", validate="one_to_one")
            scored = scored.fillna({"quantity": 0.0})  # parts that sopkit was never told of
            errors = (_scores.rmsse(scored, squared), _scores.mase(scored, absolute))
            seconds = given["seconds"].iloc[0] if "seconds" in given else None
            rows.append((model, *errors, _scores.wape(scored), _scores.bias(scored), seconds))
    never = int((training.groupby("item")["quantity"].sum() == 0).sum())
    title = f"Spare parts, {training['item'].nunique():,} series ({never} never sold before)"
    title += f", 12 months ahead, {_bench.count(options.cores)} core"
    _bench.show(title, pd.DataFrame(rows, columns=["model", *DIGITS]), DIGITS)
    print("RMSSE, MASE1: scaled by the change from month to month. bias: of the total, + too high.")
    print(
        f"sopkit: {whole.seconds:.1f} s the whole command, {engine.seconds:.1f} s its engine alone."
    )


if __name__ == "__main__":
    main()
