"""Were the supply plan and the stock plan kept? Past cycles' plans beside what was made and stored.

Signs (house §3): error = plan − actual, so a positive bias means that less was made or stored than
was planned.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema

_COLUMNS = ["plan", "lag", "wape", "bias_rate", "volume", "cycles"]
SUPPLY, INVENTORY = "supply", "inventory"


def plan_attainment(
    supply: pd.DataFrame,
    projection: pd.DataFrame,
    production: pd.DataFrame,
    inventory: pd.DataFrame,
    family: pd.Series,
) -> pd.DataFrame:
    """Table ``plan_attainment``: supply and stock as planned beside what came, by lag.

    Parameters
    ----------
    supply, projection : DataFrame
        The ledger of `supply_plan` and `inventory_projection` under today's codes, in the planning
        unit, with ``cycle``.
    production, inventory : DataFrame
        Raw tables in the planning unit; empty where not given.
    family : Series
        Family by item.

    Returns
    -------
    DataFrame
        Key ``plan`` (supply, inventory) and ``lag``: ``wape``, ``bias_rate``, ``volume``,
        ``cycles``, by family and month. Supply is what was to be made, regular and overtime, of
        items that `production` knows; stock is net of backlog.
    """
    made = supply[supply["item"].isin(production["item"])]
    made = made.assign(planned=made["regular"] + made["overtime"])
    made = made[made["month"].between(production["month"].min(), production["month"].max())]
    came = production.groupby(schema.SITE_MONTH, as_index=False)["quantity"].sum()
    # left: a month without a row of production is one in which nothing was made
    made = made.merge(came, on=schema.SITE_MONTH, how="left", validate="many_to_one")
    made = made.assign(actual=made["quantity"].fillna(0.0))
    net = inventory.assign(actual=inventory["on_hand"] - inventory["backlog"].fillna(0.0))
    net = net.groupby(schema.SITE_MONTH, as_index=False)["actual"].sum()
    # inner: stock that nobody counted cannot be compared
    held = projection.assign(planned=projection["closing"]).merge(
        net, on=schema.SITE_MONTH, how="inner", validate="many_to_one"
    )
    told = {SUPPLY: made, INVENTORY: held}
    rows = [r for plan, both in told.items() if len(both) for r in _by_lag(both, plan, family)]
    kinds = {"wape": "float64", "bias_rate": "float64", "lag": "int64", "volume": "float64"}
    return pd.DataFrame(rows, columns=_COLUMNS).astype(kinds)


def _by_lag(both: pd.DataFrame, plan: str, family: pd.Series) -> list[tuple]:
    lag = months.number(both["month"]) - months.number(both["cycle"])
    named = both["item"].map(family).fillna(schema.UNASSIGNED)
    sums = both.assign(lag=lag, family=named)
    sums = sums.groupby(["family", "cycle", "month", "lag"], as_index=False)[
        ["planned", "actual"]
    ].sum()
    rows = []
    for ahead, own in sums.groupby("lag"):
        error, size = own["planned"] - own["actual"], own["actual"].abs().sum()
        rates = (error.abs().sum() / size, error.sum() / size) if size else (np.nan, np.nan)
        rows.append((plan, ahead, *rates, size, own["cycle"].nunique()))
    return rows
