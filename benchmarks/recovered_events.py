"""What is planted in the sample company, found again: events, an index that leads, an idle series.

Twelve companies of different random numbers. An event is recovered if its true rate lies in the
90 percent interval that the plan uses; the interval's width stands beside the effect's size. Then,
at past origins that see earlier months only, the forecast with drivers beside the one without: on
promoted cells and on all others, WAPE of item, location, channel and month. Nothing of it is
compared with peers, who have no such data.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import contract, demand_meeting, sample, schema
from sopkit.demand import accuracy, consensus, drivers, forecasting, hierarchy, history

SEEDS = 12
STUDIED = range(2)  # seeds of the second study
ORIGINS = pd.to_datetime(["2025-03-01", "2025-05-01", "2025-09-01", "2025-11-01"])
AHEAD = 3  # months forecast from each origin
Tables = dict[str, pd.DataFrame]


def company(seed: int, *, is_clean: bool = False) -> Tables:
    """Typed raw tables, absent ones empty, with what the driver step needs beside them."""
    given = sample.tables(seed, is_clean=is_clean)
    made = {}
    for name in ("sales", "items", "locations", "channels", "events", "market", "policies"):
        frame = given.get(name, contract.empty(name))
        made[name] = contract.check_table(name, frame, contract.Source(name)).frame
    return made


def learned(raw: Tables, cycle: pd.Timestamp) -> Tables:
    """Demand and drivers as a cycle would know them."""
    sales = raw["sales"][raw["sales"]["month"] < cycle]
    market = raw["market"][raw["market"]["month"] < cycle]
    demand = history.demand_history(sales, raw["items"], cycle=cycle)
    keys = demand[schema.SERIES].drop_duplicates()
    known = raw | {"market": market, "planning_units": raw["items"].assign(planning_factor=1.0)}
    known["money_rates"] = keys.assign(unit_price_value=1.0, unit_cost_value=0.5)
    return known | drivers.drivers(demand, known, cycle=cycle)


def recovered(seed: int) -> pd.DataFrame:
    """Each past event and market series: what was planted, what is told."""
    raw, truth = company(seed), sample.truths(seed)
    told = learned(raw, sample.CYCLE)["driver_effects"]
    planted = truth["events"].set_index("event")["true_rate"]
    return told.assign(seed=seed, true_rate=told["driver"].map(planted))


def forecasts(raw: Tables, cycle: pd.Timestamp, *, with_drivers: bool) -> pd.DataFrame:
    """Plan of the next months beside what came, by series: with or without drivers."""
    known = learned(raw, cycle)
    demand = known["demand_history"]
    if not with_drivers:
        nothing = {name: pd.Series(0.0, index=demand.index) for name in history.EFFECTS}
        demand = history.with_effects(demand, nothing)
        known |= {name: known[name][:0] for name in ("driver_effects", "market_rates")}
    known["demand_history"] = demand
    tests = demand_meeting.forecast_tests(known, horizon=AHEAD)
    ends = schema.lookup(tests.history.keys["item"], raw["items"], "end_month")
    base = forecasting.forecast(tests, ends)
    levels = (raw[name] for name in ("items", "locations", "channels"))
    base = hierarchy.with_levels(base, *levels).assign(factor=1.0)
    change, _ = consensus.events_layer(
        raw["events"],
        base,
        cycle=cycle,
        effects=known["driver_effects"],
        market=known["market_rates"],
    )
    planned = base.assign(plan=base["quantity"] + change)
    whole = history.demand_history(raw["sales"], raw["items"], cycle=sample.CYCLE)
    came = whole[schema.SERIES_MONTH].assign(came=accuracy.measured(whole))
    sold = raw["sales"][[*schema.SERIES_MONTH, "is_promotion"]]
    # inner: what came is known for every month planned; left: a month without sales is not promoted
    planned = planned.merge(came, on=schema.SERIES_MONTH, how="inner", validate="one_to_one")
    planned = planned.merge(sold, on=schema.SERIES_MONTH, how="left", validate="one_to_one")
    return planned.assign(is_promotion=planned["is_promotion"].eq(True))


def error(planned: pd.DataFrame, level: list[str]) -> pd.Series:
    """WAPE by whether the cell was promoted, cells added up by ``level``."""
    cells = planned.groupby(["is_promotion", *level])[["plan", "came"]].sum()
    off = (cells["plan"] - cells["came"]).abs().groupby("is_promotion").sum()
    return off / cells["came"].groupby("is_promotion").sum()


def first_study() -> None:
    """Print how many planted effects are recovered."""
    told = pd.concat([recovered(seed) for seed in range(SEEDS)], ignore_index=True)
    events = told.dropna(subset="true_rate")
    inside = events["true_rate"].between(events["used_lower"], events["used_upper"])
    by_data = events["true_rate"].between(events["rate_lower"], events["rate_upper"])
    events = events.assign(inside=inside, inside_data=by_data)
    events = events.assign(width=events["used_upper"] - events["used_lower"])
    rows = events.groupby("driver", sort=False).agg(
        true_rate=("true_rate", "first"),
        used=("used_rate", "mean"),
        width=("width", "median"),
        inside=("inside", "mean"),
        inside_by_data_alone=("inside_data", "mean"),
    )
    print(rows.round(3).to_string())
    print(f"all events: {inside.mean():.3f} inside, {by_data.mean():.3f} by data alone")
    market = told[told["kind"] == drivers.SERIES_KIND]
    used = market[market["state"] == "used"]
    truth = np.log(1.1) * sample.truths(0)["market_lead"]["elasticity"]
    right = used[(used["driver"] == "outdoor retail index") & (used["family"] == "Tents")]
    hit = np.log1p(right["rate_lower"]).le(truth) & np.log1p(right["rate_upper"]).ge(truth)
    print(f"index leads tents: found in {len(right)} of {SEEDS}, lags {right['lag'].tolist()},")
    print(f"true elasticity inside in {hit.sum()}; other series believed: {len(used) - len(right)}")


def second_study() -> None:
    """Print errors with drivers beside those without."""
    rows = []
    for is_clean in (False, True):
        for seed in STUDIED:
            raw = company(seed, is_clean=is_clean)
            for with_drivers in (False, True):
                parts = [
                    forecasts(raw, origin, with_drivers=with_drivers).assign(origin=origin)
                    for origin in ORIGINS
                ]
                planned = pd.concat(parts, ignore_index=True)
                for level in (schema.SERIES_MONTH, ["family", "channel", "month"]):
                    off = error(planned, [*level, "origin"])
                    row = {"is_clean": is_clean, "seed": seed, "with_drivers": with_drivers}
                    row |= {"level": "series" if level is schema.SERIES_MONTH else "family"}
                    rows.append(row | {"promoted": off[True], "others": off[False]})
    table = pd.DataFrame(rows)
    print(table.groupby(["is_clean", "level", "with_drivers"])[["promoted", "others"]].mean())


def main() -> None:
    """Print both studies."""
    first_study()
    second_study()


if __name__ == "__main__":
    main()
