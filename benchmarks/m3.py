"""M3 monthly: 1,428 series, 18 months ahead. Accuracy, seconds and coverage beside peers.

The protocol is that of shared/data/m3/README.md. Forecasts use each series' training part alone.
"""

from __future__ import annotations

import _bench
import _ours
import _peers
import _scores
import pandas as pd

HORIZON = 18
MODELS = ["SeasonalNaive", "AutoETS", "DynamicOptimizedTheta", "AutoCES"]
MEAN = "mean of the last three"
PUBLISHED = {"ForecastPro": "ForecastPro (published)", "THETA": "Theta (published)"}
OURS = "sopkit"
DIGITS = {"sMAPE": 3, "MASE": 4, "OWA": 4}
DIGITS |= dict.fromkeys(("points s", "seconds", "÷ command", "÷ engine"), 1)
LEVELS = (80, 95)


def read() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Training part ``item, step, quantity``, and the held-out actuals ``item, step, actual``."""
    series = pd.read_csv(_bench.data("m3") / "m3_monthly.csv.gz")
    series = series.rename(columns={"series": "item", "t": "step", "value": "quantity"})
    is_training = series["split"] == "train"
    training = series.loc[is_training, ["item", "step", "quantity"]]
    actual = series[~is_training].rename(columns={"quantity": "actual"})
    actual = actual.assign(
        step=actual["step"] - actual["item"].map(training.groupby("item").size())
    )
    return training, actual[["item", "step", "actual"]]


def published() -> pd.DataFrame:
    """Forecasts submitted to the competition by the methods in ``PUBLISHED``."""
    wide = pd.read_csv(_bench.data("m3") / "m3_monthly_forecasts_24methods.csv.gz")
    wide = wide[wide["method"].isin(PUBLISHED)].rename(columns={"series": "item"})
    long = wide.melt(["method", "item"], var_name="step", value_name="quantity")
    step = long["step"].str.removeprefix("h").astype(int)
    return long.assign(step=step, model=long["method"].map(PUBLISHED))


def score(
    forecasts: pd.DataFrame, scales: pd.Series, whole: _bench.Cost, engine: _bench.Cost
) -> pd.DataFrame:
    """One row a model: sMAPE, MASE, OWA, seconds, and these beside our command and our engine."""
    rows = []
    for model, table in forecasts.groupby("model", sort=False):
        smape, mase = _scores.smape(table), _scores.mase(table, scales)
        points, seconds = table[["points_seconds", "seconds"]].iloc[0]
        owa = _scores.owa(smape, mase)
        least = seconds if pd.isna(points) else points  # ours always makes intervals
        ratios = (least / whole.seconds, least / engine.seconds)
        rows.append((model, smape, mase, owa, points, seconds, *ratios))
    return pd.DataFrame(rows, columns=["model", *DIGITS])


def covered(forecasts: pd.DataFrame, scales: pd.Series, level: int) -> pd.DataFrame:
    """Share of actuals inside each model's interval at each step, at all; its scaled width."""
    columns = {}
    for model, table in forecasts.groupby("model", sort=False):
        ends = (f"lower_{level}", f"upper_{level}")
        if table[ends[0]].notna().all():
            share = _scores.coverage(table, *ends)
            columns[model] = pd.concat(
                [share, pd.Series({"width": _scores.width(table, *ends, scales)})]
            )
    return pd.DataFrame(columns).rename_axis("step").reset_index()


def main() -> None:
    """Print both tables."""
    options = _bench.arguments(__doc__.splitlines()[0])
    training, actual = read()
    scales = _scores.scale(training)
    ours, whole, engine = _ours.run(training, "m3", horizon=HORIZON, cores=options.cores)
    parts = [ours.assign(model=OURS, seconds=whole.seconds, points_seconds=None)]
    if not options.no_peers:
        peers = _peers.forecast(training, "m3", MODELS, horizon=HORIZON, options=options)
        parts += [peers, _peers.mean_of(peers, MODELS[1:], MEAN)]
    forecasts = pd.concat([*parts, published()], ignore_index=True)
    forecasts = forecasts.merge(actual, on=["item", "step"], how="left", validate="many_to_one")
    table = score(forecasts, scales, whole, engine)
    cores = f"{_bench.count(options.cores)} core"
    _bench.show(f"M3 monthly, 1,428 series, 18 months ahead, {cores}", table, DIGITS)
    print("points s: peers without intervals. seconds: with those of 80 and 95 %.")
    print("÷: peers' points s beside sopkit's seconds, which have its intervals in them.")
    print(
        f"sopkit: {whole.seconds:.1f} s the whole command, {engine.seconds:.1f} s its engine alone."
    )
    for level in LEVELS:
        table = covered(forecasts, scales, level)
        title = (
            f"Share of actuals inside the {level} % interval, by month ahead; width: scaled, mean"
        )
        _bench.show(title, table, dict.fromkeys(table.columns[1:], 3))
    show_totals(forecasts[forecasts["model"] == OURS])


def show_totals(ours: pd.DataFrame) -> None:
    """Print the share of totals over the first months that lie inside our intervals for totals."""
    ordered = ours.sort_values(["item", "step"])
    total = ordered.groupby("item")["actual"].cumsum()
    columns = {}
    for level in LEVELS:
        inside = total.between(ordered[f"total_lower_{level}"], ordered[f"total_upper_{level}"])
        share = inside.groupby(ordered["step"]).mean().rename(index=str)
        columns[f"{level} %"] = pd.concat([share, pd.Series({"all": inside.mean()})])
    table = pd.DataFrame(columns).rename_axis("months").reset_index()
    _bench.show("Share of totals over the first months inside sopkit's interval", table,
                dict.fromkeys(table.columns[1:], 3))  # fmt: skip


if __name__ == "__main__":
    main()
