"""Whether planted stock-outs of the sample company are recovered, and steps seen where they are.

Twenty seeds of the sample company: units lost beside what ``lost_sales`` estimates, and steps in
level that are planted into a clean history beside those that are found.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import contract, data_meeting, sample, schema
from sopkit.demand import corrections, level_shifts, lost_sales

SEEDS = range(20)
CLEAN_SEEDS = range(6)
STEPS = (-0.5, -0.3, 0.3)  # planted into one family of one channel, from this month on
FROM, FAMILY, CHANNEL = pd.Timestamp("2024-05-01"), "Backpacks", "Wholesale"
KEY = ["item", "month"]


def tables(seed: int, *, is_clean: bool = False) -> dict[str, pd.DataFrame]:
    """Raw tables of a seed that the history is made from, typed."""
    raw = sample.tables(seed, is_clean=is_clean)
    names = ("sales", "items", "locations", "channels", "events", "inventory", "policies")
    made = {
        name: contract.check_table(name, raw[name], contract.Source(name)).frame
        if name in raw
        else contract.empty(name)
        for name in names
    }
    return made | {"company": pd.DataFrame({"sales_basis": ["shipped"]})}


def recovered(seed: int) -> pd.DataFrame:
    """Units lost by item and month beside their estimate and its interval."""
    known = tables(seed)
    made = data_meeting.correctable(known, cycle=sample.CYCLE)
    found, none = made["found"], known["policies"]
    steps = pd.DataFrame(columns=level_shifts.COLUMNS)
    settled = corrections.settled(found, made["silent"], steps, none, made["cells"])
    rates = found[schema.SERIES].drop_duplicates().assign(unit_price_value=1.0)
    told = lost_sales.by_item(settled, known["items"], rates)
    lost = sample.truths(seed)["lost_units"].groupby(KEY, as_index=False)["quantity"].sum()
    both = lost.rename(columns={"quantity": "lost"}).merge(
        told, on=KEY, how="left", validate="one_to_one"
    )
    return both.assign(seed=seed)


def seen_steps(seed: int) -> dict[float, tuple[int, int]]:
    """Steps found in a clean history where one is planted: its own, and others."""
    known = tables(seed, is_clean=True)
    made = data_meeting.correctable(known, cycle=sample.CYCLE)
    cells = made["cells"]
    is_moved = (
        (cells["family"] == FAMILY) & (cells["channel"] == CHANNEL) & (cells["month"] >= FROM)
    )
    counts = {}
    for rate in (0.0, *STEPS):
        demand = made["found"]["demand"] * np.where(is_moved, 1.0 + rate, 1.0)
        units = known["items"][["item", "planning_factor"]]
        args = (made["found"].assign(demand=demand), cells, known["items"], units)
        told = level_shifts.found(*args, known["events"])
        is_near = (told["month"] - FROM).abs() <= pd.Timedelta(days=62)
        own = is_near & (told["family"] == FAMILY) & (told["channel"] == CHANNEL)
        counts[rate] = (int(own.any()), int((~own).sum()))
    return counts


def main() -> None:
    """Print both tables."""
    rows = pd.concat([recovered(seed) for seed in SEEDS])
    error = rows["quantity"] / rows["lost"] - 1.0
    is_inside = (rows["lost"] >= rows["quantity_lower"]) & (rows["lost"] <= rows["quantity_upper"])
    width = (rows["quantity_upper"] - rows["quantity_lower"]) / rows["lost"]
    print(f"{len(rows)} item-months without stock, {len(SEEDS)} seeds")
    print(f"  inside the 90 % interval  {is_inside.mean():.1%}")
    print(f"  median width / effect     {width.median():.2f}")
    print(f"  mean error                {error.mean():+.1%}, spread {error.std():.1%}")
    counts = [seen_steps(seed) for seed in CLEAN_SEEDS]
    print(f"Steps of {FAMILY}, {CHANNEL}, in {len(CLEAN_SEEDS)} clean histories")
    for rate in (0.0, *STEPS):
        own = sum(count[rate][0] for count in counts)
        others = sum(count[rate][1] for count in counts)
        print(f"  planted {rate:+.0%}: found in {own} of {len(counts)}, elsewhere {others}")


if __name__ == "__main__":
    main()
