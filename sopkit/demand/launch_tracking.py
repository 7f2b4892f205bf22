"""How recent launches run beside the plan made before them: scale them anew, or wait.

A month of a launch says little: the ratio of what came to what was planned has an interval, and a
verdict stands only where that leaves 1 out and the effect is material.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months
from sopkit.demand import launches

PLANNED, PROMISED = "the plan before its launch", "its like items"
_TENTH = 1.2816  # standard deviations between mean and the 10 % quantile
_COLUMNS = {
    "item": "str",
    "launch_month": months.DTYPE,
    "months": "int64",
    "beside": "str",
    "planned": "float64",
    "actual": "float64",
    "ratio": "float64",
    "ratio_lower": "float64",
    "ratio_upper": "float64",
    "scale_rate": "float64",
    "amount_value": "float64",
    "verdict": "str",
}


def launch_tracking(
    tables: dict[str, pd.DataFrame],
    promise: pd.DataFrame,
    past: pd.DataFrame,
    *,
    cycle: pd.Timestamp,
) -> pd.DataFrame:
    """Table ``launch_tracking``: items launched in the last twelve months.

    Parameters
    ----------
    tables : dict of DataFrame
        Raw `items`, `launches`; `demand_history`, `money_rates`; ``company``.
    promise : DataFrame
        From ``launches.promised``, of closed months.
    past : DataFrame
        Past cycles' `demand_plan`: the last one up to the launch counts, where it holds the item.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    DataFrame
        Key ``item``: ``launch_month``; closed ``months``; ``beside`` which plan; units ``planned``
        and ``actual``; their ``ratio``, which lies within lower and upper at 80 %; ``scale_rate``,
        of now times the ratio as far as its months speak for it; ``amount_value``: revenue of a
        year between both; ``verdict``.
    """
    first = tables["items"].drop_duplicates("item").set_index("item")["launch_month"]
    recent = first[first.between(months.shift(cycle, -launches.YEAR), months.shift(cycle, -1))]
    price = tables["money_rates"].groupby("item")["unit_price_value"].mean()
    sold = tables["demand_history"].groupby(["item", "month"])["baseline"].sum()
    scale = tables["launches"].groupby("item")["scale_rate"].mean().fillna(1.0)
    least = tables["company"]["materiality_value"].iloc[0]
    rows = []
    for item, launch in recent.sort_index().items():
        beside, plan = _before(item, launch, past, promise)
        span = months.span(launch, int(months.number(cycle) - months.number(launch)))
        came = sold.reindex(pd.MultiIndex.from_product([[item], span])).sum()
        planned = plan.reindex(span).sum(min_count=1)
        row = _judged(planned, came, len(span), price.get(item, np.nan), least)
        row["scale_rate"] *= scale.get(item, 1.0)
        rows.append({"item": item, "launch_month": launch, "beside": beside} | row)
    return pd.DataFrame(rows, columns=list(_COLUMNS)).astype(_COLUMNS)


def _before(
    item: str, launch: pd.Timestamp, past: pd.DataFrame, promise: pd.DataFrame
) -> tuple[str, pd.Series]:
    """What was planned before a launch, by month, and who planned it."""
    own = past[(past["item"] == item) & (past["cycle"] <= launch)]
    own = own[own["cycle"] == own["cycle"].max()]
    if len(own):
        return PLANNED, own.groupby("month")["consensus"].sum()
    own = promise[promise["item"] == item]
    return (PROMISED if len(own) else "no plan"), own.groupby("month")["quantity"].sum()


def _judged(planned: float, actual: float, count: int, price: float, least: float) -> dict:
    """Ratio, interval and verdict of a launch."""
    row = {"months": count, "planned": planned, "actual": actual, "scale_rate": np.nan}
    row |= dict.fromkeys(("ratio", "ratio_lower", "ratio_upper", "amount_value"), np.nan)
    if not planned > 0:
        return row | {"verdict": "no plan to compare it with: like items in launches.csv give one"}
    ratio, noise = max(actual, 0.0) / planned, launches.NOISE / np.sqrt(count)
    reach, money = np.exp(_TENTH * noise), abs(actual - planned) / count * 12 * price
    trust = launches.SPREAD**2 / (launches.SPREAD**2 + noise**2)
    row |= {"ratio": ratio, "ratio_lower": ratio / reach, "ratio_upper": ratio * reach}
    row |= {"amount_value": money, "scale_rate": ratio**trust}
    if ratio / reach <= 1.0 <= ratio * reach:
        return row | {"verdict": "wait: too early to tell"}
    if money < least:
        return row | {"verdict": "wait: below materiality"}
    return row | {"verdict": f"re-scale now to {ratio**trust:.2f} of its plan"}
