"""sopkit as a user runs it: a workspace that holds sales.csv alone, one command, its table.

Run as a script (``_ours.py WORKSPACE CYCLE HORIZON FILE``) it times the statistical engine alone,
in a process of its own, on a cycle that has been forecast before.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import _bench
import pandas as pd
from _bench import Cost

COLUMNS = ["item", "location", "channel", "month", "quantity", "quantity_lower", "quantity_upper"]
LAST_CLOSED = pd.Period("2019-12", "M")  # where series without dates of their own end
CYCLE = str(LAST_CLOSED + 1)


def monthly(training: pd.DataFrame) -> pd.DataFrame:
    """Sales ``item, month, quantity`` of series by ``step``, shifted to end in one month."""
    back = training.groupby("item")["step"].transform("max") - training["step"]
    month = pd.PeriodIndex.from_ordinals(LAST_CLOSED.ordinal - back, freq="M")
    return training.assign(month=month.astype(str))[["item", "month", "quantity"]]


def make_workspace(root: Path, sales: pd.DataFrame) -> Path:
    """A workspace with ``data/raw/sales.csv`` alone; no row where nothing was sold, as extracts."""
    raw = root / "data" / "raw"
    raw.mkdir(parents=True)
    sold = sales.loc[sales["quantity"] != 0, ["item", "month", "quantity"]]
    sold.to_csv(raw / "sales.csv", index=False)
    return root


def forecast(root: Path, cycle: str, *, horizon: int, cores: str) -> tuple[pd.DataFrame, Cost]:
    """The table `forecast` with its ``step`` ahead (lag + 1), and what the whole command took."""
    command = [sys.executable, "-m", "sopkit", "forecast", "--cycle", cycle]
    command += ["--horizon", str(horizon), "--workspace", str(root)]
    cost = _bench.measured(command, cores=cores)
    table = pd.read_parquet(root / "data" / "processed" / cycle / "forecast.parquet")[COLUMNS]
    ahead = table["month"].dt.year * 12 + table["month"].dt.month
    first = pd.Period(cycle, "M")
    return table.assign(step=ahead - (first.year * 12 + first.month) + 1), cost


def with_quantiles(root: Path, cycle: str, table: pd.DataFrame) -> pd.DataFrame:
    """The forecast with bounds of 80 and 95 %, of months and of totals from the cycle on."""
    from sopkit.demand import intervals

    folder = root / "data" / "processed" / cycle
    sure = [pd.read_parquet(folder / f"error_{name}.parquet") for name in ("widths", "multiples")]
    table = table.sort_values(["item", "location", "channel", "month"], ignore_index=True)
    for level in (80, 95):
        for side, sign in (("lower", -1), ("upper", 1)):
            probability = 0.5 + sign * level / 200
            for measure, name in (("month", ""), ("total", "total_")):
                made = intervals.quantiles(table, *sure, probability=probability, measure=measure)
                table = table.assign(**{f"{name}{side}_{level}": made["quantity"]})
    return table


def engine(root: Path, cycle: str, *, horizon: int, cores: str) -> Cost:
    """What the engine alone took: seconds of its call, peak memory of its process."""
    with tempfile.TemporaryDirectory() as folder:
        note = Path(folder) / "seconds"
        command = [sys.executable, __file__, str(root), cycle, str(horizon), str(note)]
        cost = _bench.measured(command, cores=cores)
        return Cost(float(note.read_text()), cost.memory_mb)


def run(
    training: pd.DataFrame, name: str, *, horizon: int, cores: str
) -> tuple[pd.DataFrame, Cost, Cost]:
    """Forecasts of series by ``step``, the cost of the whole command and of the engine alone."""
    with tempfile.TemporaryDirectory() as folder:
        root = make_workspace(Path(folder), monthly(training))
        _bench.say(f"{name}: sopkit forecast on {training['item'].nunique():,} series")
        table, whole = forecast(root, CYCLE, horizon=horizon, cores=cores)
        table = with_quantiles(root, CYCLE, table)
        _bench.say(f"{name}: the engine of sopkit alone")
        return table, whole, engine(root, CYCLE, horizon=horizon, cores=cores)


def _run_engine(tables: dict[str, pd.DataFrame], horizon: int) -> None:
    """The one call that is the engine; `tables` are the inputs of the demand review."""
    from sopkit import demand_meeting

    demand_meeting.forecast_demand(tables, horizon=horizon)


def _main(root: str, cycle: str, horizon: str, note: str) -> None:
    """Time the engine on a published cycle; reading its inputs is not counted."""
    from sopkit import months, store

    tables = store.inputs(Path(root), "demand_review", months.parse_cycle(cycle))
    begun = time.monotonic()
    _run_engine(tables, int(horizon))
    Path(note).write_text(str(time.monotonic() - begun))


if __name__ == "__main__":
    _main(*sys.argv[1:])
