"""Growth: the whole batch on generated companies of more and more series.

    .venv/bin/python benchmarks/growth.py [SERIES …]    (left out: 1000 10000)

Sales are those of `portfolio.py`; half of the items are made on ten resources, half are bought of
forty suppliers, all have stock, prices and costs. Printed for each size: seconds of the run and of
an unchanged run, the most memory that all its processes held at one time (what they share counted
once), the largest page, its files, and what is held for each series.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import portfolio
import psutil

ROOT = Path(__file__).resolve().parent.parent
LAST = pd.Timestamp("2025-12-01")
MB = 2**20


def company(raw: Path, count: int) -> None:
    """The raw tables of a company that sells so many items."""
    raw.mkdir(parents=True)
    rng = np.random.default_rng(portfolio.SEED)
    sales = portfolio.generate(count=count)
    span = pd.date_range(end=LAST, periods=portfolio.MONTHS, freq="MS")
    month = span[sales["step"].to_numpy() - 1]
    price = pd.Series(rng.uniform(5, 200, count).round(2), sales["item"].unique())
    revenue = sales["quantity"] * sales["item"].map(price)
    sales = sales.drop(columns="step").assign(month=month, revenue_value=revenue)
    sales.to_parquet(raw / "sales.parquet", index=False)
    last = sales.drop_duplicates("item", keep="last").reset_index(drop=True)
    name, number = last["item"], np.arange(count)
    family = pd.Series([f"family {k // 50:04d}" for k in number])
    is_bought = number % 100 >= 50
    items = {"item": name, "family": family, "category": family.str[:9], "is_purchased": is_bought}
    items |= {"unit_price_value": name.map(price), "unit_cost_value": name.map(price) * 0.6}
    items |= {"lead_time_days": np.where(is_bought, 45, 20)}
    pd.DataFrame(items).to_csv(raw / "items.csv", index=False)
    stock = {"item": name, "month": "2025-12", "on_hand": last["quantity"] * 2}
    pd.DataFrame(stock).to_csv(raw / "inventory.csv", index=False)
    families = family.unique()
    made = families[::2]
    routes = {"family": made, "resource": [f"line {k % 10}" for k in range(len(made))]}
    pd.DataFrame(routes | {"hours_per_unit": 0.05}).to_csv(raw / "routings.csv", index=False)
    usual = sales.loc[sales["month"] == sales["month"].max()].set_index("item")["quantity"]
    load = usual.reindex(name[~is_bought]).sum() * 0.05 / 10
    lines = {"resource": [f"line {k}" for k in range(10)], "regular_hours": load * 1.1}
    lines |= {"overtime_hours": load * 0.3, "regular_cost_value": 30, "overtime_cost_value": 45}
    pd.DataFrame(lines).to_csv(raw / "resources.csv", index=False)
    bought = families[1::2]
    sold_by = {"family": bought, "supplier": [f"supplier {k % 40}" for k in range(len(bought))]}
    pd.DataFrame(sold_by | {"lead_time_days": 45}).to_csv(raw / "suppliers.csv", index=False)
    costs = {"family": families, "holding_cost_value": 0.5, "backorder_cost_value": 8}
    pd.DataFrame(costs).to_csv(raw / "planning_costs.csv", index=False)


class Memory(threading.Thread):
    """The most that a process and all those below it hold at one time, looked at every second."""

    def __init__(self, number: int) -> None:
        super().__init__(daemon=True)
        self.process, self.most = psutil.Process(number), 0
        self.start()

    def run(self) -> None:
        """Look until the process has ended."""
        while self.process.is_running() and self.process.status() != psutil.STATUS_ZOMBIE:
            held = 0
            for own in [self.process, *self.process.children(recursive=True)]:
                try:
                    held += own.memory_full_info().pss
                except psutil.Error:  # it has ended meanwhile
                    continue
            self.most = max(self.most, held)
            time.sleep(1.0)


def run(workspace: Path) -> tuple[float, int, str]:
    """Seconds, memory, and what was said."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    line = [sys.executable, "-m", "sopkit", "run", "--workspace", str(workspace)]
    begun = time.perf_counter()
    process = subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, text=True)
    memory = Memory(process.pid)
    said = process.communicate()[0]
    if process.returncode:
        sys.exit(f"sopkit run ended with {process.returncode}")
    return time.perf_counter() - begun, memory.most, said


def main(sizes: list[int]) -> None:
    """Print a line a size."""
    head = "| series | rows of sales | run, s | again, s | memory, MB | MB a 1,000 series "
    print(head + "| largest page, MB | pack, MB |\n|---|---|---|---|---|---|---|---|")
    before = None
    for count in sizes:
        with tempfile.TemporaryDirectory() as place:
            workspace = Path(place) / "company"
            company(workspace / "data/raw", count)
            seconds, memory, said = run(workspace)
            again = run(workspace)[0]
            pages = list((workspace / "reports").rglob("*.html"))
            largest = max(page.stat().st_size for page in pages) / MB
            files = [path for path in (workspace / "reports").rglob("*") if path.is_file()]
            pack = sum(path.stat().st_size for path in files) / MB
            rows = len(pd.read_parquet(workspace / "data/raw/sales.parquet", columns=["item"]))
        more = (memory - before[1]) / (count - before[0]) * 1000 / MB if before else float("nan")
        before = count, memory
        words = [f"{count:,}", f"{rows:,}", f"{seconds:.0f}", f"{again:.1f}", f"{memory / MB:,.0f}"]
        print("| " + " | ".join([*words, f"{more:.0f}", f"{largest:.2f}", f"{pack:.0f}"]) + " |")
        print("\n".join(line for line in said.splitlines() if line.startswith("  ")), flush=True)


if __name__ == "__main__":
    main([int(word) for word in sys.argv[1:]] or [1_000, 10_000])
