"""Nixtla's statsforecast beside ours: the only file that knows its column names.

``forecast`` is called by the benchmarks; it runs this very file with the peers' interpreter, once
a model. There each model is timed alone, in a ``StatsForecast`` object that holds just this model,
after a warm-up on five series: neither imports nor compilation are counted. Each is timed twice,
with intervals of 80 and 95 % (``seconds``) and without (``points_seconds``), for some simulate
them at many times the cost of the forecast. Ours always has them.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from argparse import Namespace
from pathlib import Path

import _bench
import pandas as pd

SEASON = 12
LEVELS = (80, 95)
_POINT_ONLY = ("CrostonSBA", "CrostonOptimized", "TSB")  # no intervals of their own


def forecast(
    training: pd.DataFrame, data: str, models: list[str], *, horizon: int, options: Namespace
) -> pd.DataFrame:
    """Forecasts of each model, from the cache where it has them.

    Parameters
    ----------
    training : DataFrame
        Key ``item, step`` (whole numbers without a gap); ``quantity``.
    data : str
        Name of the data, for the names of the cache's files.
    models : list of str
        Names in ``_model``.
    horizon : int
        Steps ahead.
    options : Namespace
        From ``_bench.arguments``.

    Returns
    -------
    DataFrame
        Key ``model, item, step`` (1 is the first month ahead); ``quantity``, ``lower_80``,
        ``upper_80``, ``lower_95``, ``upper_95``; in each row, of the whole model, ``seconds`` and
        ``points_seconds``.
    """
    training = training[["item", "step", "quantity"]].reset_index(drop=True)
    mark = hashlib.sha256(pd.util.hash_pandas_object(training).to_numpy().tobytes()).hexdigest()[:8]
    jobs = _bench.count(options.cores)
    parts = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.cache or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        given = Path(temporary) / "training.parquet"
        training.to_parquet(given)
        for model in models:
            made = folder / f"{data}-{model}-{horizon}-{jobs}core-{mark}.parquet"
            if not made.is_file():
                _bench.say(f"{data}: {model} on {training['item'].nunique():,} series")
                command = [options.peers, __file__, given, made, model, horizon, jobs]
                _bench.measured([str(part) for part in command], cores=options.cores)
            table = pd.read_parquet(made).assign(model=model)
            if table["quantity"].isna().any():
                sys.exit(f"{made}: {model} left forecasts out; nothing can be compared.")
            parts.append(table)
    return pd.concat(parts, ignore_index=True)


def mean_of(forecasts: pd.DataFrame, models: list[str], name: str) -> pd.DataFrame:
    """The plain mean of several models, bounds too; its seconds are theirs together."""
    chosen = forecasts[forecasts["model"].isin(models)]
    mean = chosen.drop(columns="model").groupby(["item", "step"], as_index=False).mean()
    times = ["seconds", "points_seconds"]
    return mean.assign(model=name, **{time: mean[time] * len(models) for time in times})


def _model(name: str):
    """A model of statsforecast with its usual settings."""
    from statsforecast import models

    given = {"CrostonSBA": {}, "CrostonOptimized": {}, "TSB": {"alpha_d": 0.1, "alpha_p": 0.1}}
    return getattr(models, name)(**given.get(name, {"season_length": SEASON}), alias=name)


def _main(given: str, made: str, model: str, horizon: int, jobs: int) -> None:
    """Run by the peers' interpreter: one model on all series, timed."""
    from statsforecast import StatsForecast
    from statsforecast.models import Naive

    training = pd.read_parquet(given)
    training = training.rename(columns={"item": "unique_id", "step": "ds", "quantity": "y"})
    level = [] if model in _POINT_ONLY else list(LEVELS)

    def run(series: pd.DataFrame, jobs: int, level: list[int]) -> tuple[pd.DataFrame, float]:
        # a series too short for the model gets its last value
        peers = StatsForecast([_model(model)], freq=1, n_jobs=jobs, fallback_model=Naive())
        begun = time.monotonic()
        table = peers.forecast(df=series, h=horizon, level=level or None)
        return table, time.monotonic() - begun

    run(training[training["unique_id"].isin(training["unique_id"].unique()[:5])], 1, level)
    points_seconds = run(training, jobs, [])[1]
    table, seconds = run(training, jobs, level)
    step = table["ds"] - table["unique_id"].map(training.groupby("unique_id")["ds"].max())
    table = table.assign(step=step, seconds=seconds, points_seconds=points_seconds)
    names = {"unique_id": "item", model: "quantity"}
    for share in LEVELS:
        names |= {f"{model}-lo-{share}": f"lower_{share}", f"{model}-hi-{share}": f"upper_{share}"}
    part = Path(made + ".part")  # a run that is cut leaves no half file in the cache
    table.rename(columns=names).drop(columns="ds").to_parquet(part, index=False)
    part.replace(made)


if __name__ == "__main__":
    _main(*sys.argv[1:4], *map(int, sys.argv[4:]))
