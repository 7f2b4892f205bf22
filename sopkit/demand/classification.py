"""How each series behaves: share of money, steadiness, intermittency, stage of life.

ABC by money (A to 80 %, B to 95 %), XYZ by the coefficient of variation of seasonally adjusted
demand (X to 0.25, Y to 0.5), demand class by Syntetos, Boylan & Croston (2005).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import combining, forecasting, panel, seasons
from sopkit.demand.combining import INTERVAL_LIMIT

ABC_LIMITS = (0.8, 0.95)
XYZ_LIMITS = (0.25, 0.5)
VARIATION_LIMIT = 0.49  # squared coefficient of variation of demand sizes
NEW_MONTHS = 12
_POLICIES = {
    "new": "watch the launch",
    "ending": "run out the stock",
    "ended": "no plan",
    "silent": "confirm the end",
}


def classify(
    history: pd.DataFrame,
    items: pd.DataFrame,
    money_rates: pd.DataFrame,
    groups: np.ndarray,
    *,
    cycle: pd.Timestamp,
) -> pd.DataFrame:
    """Table ``classes`` (house §3).

    Parameters
    ----------
    history : DataFrame
        Table `demand_history`.
    items : DataFrame
        Table `items`: launch and end months.
    money_rates : DataFrame
        Table `money_rates`: price a unit of each series.
    groups : array (n_series,)
        Family of each series, −1 for none, in the order of the sorted keys.
    cycle : Timestamp
        Month after the last closed one.

    Returns
    -------
    DataFrame
        Key ``item, location, channel``; ``revenue_value`` is the last twelve months' demand at
        today's price (units where no price is known).
    """
    demand = panel.from_table(history, "demand")
    price = demand.keys.merge(money_rates, on=schema.SERIES, how="left", validate="1:1")
    year = np.nan_to_num(demand.values[-12:]).sum(axis=0)
    unit_price = price["unit_price_value"].to_numpy()
    money = year * (np.nan_to_num(unit_price) if np.isfinite(unit_price).any() else 1.0)
    lifecycle = _lifecycle(demand, items, cycle)
    abc = _abc_classes(money)
    season = seasons.seasonal_indices(demand.values, groups)
    demand_class = _demand_classes(demand.values)
    return demand.keys.assign(
        abc=abc,
        xyz=_xyz_classes(demand.values, season),
        demand_class=demand_class,
        kind=np.array(combining.KINDS)[combining.kinds(demand.values, season)],
        lifecycle=lifecycle,
        policy=_policies(lifecycle, abc, demand_class),
        revenue_value=money,
    )


def _abc_classes(money: np.ndarray) -> np.ndarray:
    """A for the series that make the first 80 % of money, B to 95 %, C the rest.

    Examples
    --------
    >>> _abc_classes(np.array([10.0, 80.0, 10.0, 0.0])).tolist()
    ['B', 'A', 'B', 'C']
    """
    order = np.argsort(-money, kind="stable")
    total = money.sum()
    before = np.empty(len(money))
    before[order] = (np.cumsum(money[order]) - money[order]) / (total if total else 1.0)
    first, second = ABC_LIMITS
    ranked = np.select([before < first - 1e-12, before < second - 1e-12], ["A", "B"], "C")
    return np.where(money > 0, ranked, "C")


def _xyz_classes(values: np.ndarray, season: np.ndarray) -> np.ndarray:
    """X steady, Y moving, Z erratic: variation of the last 24 seasonally adjusted months."""
    recent = (values / seasons.tile_season(season, len(values)))[-24:]
    known = np.isfinite(recent)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, recent, 0.0).sum(axis=0) / count
    spread = np.sqrt((np.where(known, recent - mean, 0.0) ** 2).sum(axis=0) / count)
    variation = np.where(mean > 0, spread / np.where(mean > 0, mean, 1.0), np.inf)
    return np.select([variation <= limit for limit in XYZ_LIMITS], ["X", "Y"], "Z")


def _demand_classes(values: np.ndarray) -> np.ndarray:
    """Smooth, erratic, intermittent or lumpy, by interval between and variation of demands."""
    known = np.isfinite(values)
    demands = np.where(known & (values > 0), values, np.nan)
    count = np.isfinite(demands).sum(axis=0)
    interval = known.sum(axis=0) / np.maximum(count, 1)
    mean = np.nansum(demands, axis=0) / np.maximum(count, 1)
    variance = np.nansum((demands - mean) ** 2, axis=0) / np.maximum(count, 1)
    variation = variance / np.where(mean > 0, mean**2, 1.0)
    often, steady = interval <= INTERVAL_LIMIT, variation <= VARIATION_LIMIT
    return np.select(
        [count == 0, often & steady, often, steady],
        ["none", "smooth", "erratic", "intermittent"],
        "lumpy",
    )


def _lifecycle(demand: panel.Panel, items: pd.DataFrame, cycle: pd.Timestamp) -> np.ndarray:
    """New, active, ending, ended, or silent (nothing sold for twelve months)."""
    end = schema.lookup(demand.keys["item"], items, "end_month").to_numpy(dtype=months.DTYPE)
    age = np.isfinite(demand.values).sum(axis=0)
    is_silent = np.nan_to_num(demand.values[-12:]).sum(axis=0) == 0
    return np.select(
        [end < cycle.to_datetime64(), ~np.isnat(end), is_silent, age <= NEW_MONTHS],
        ["ended", "ending", "silent", "new"],
        "active",
    )


def _policies(lifecycle: np.ndarray, abc: np.ndarray, demand_class: np.ndarray) -> np.ndarray:
    """What the planner should do with each series."""
    by_life = pd.Series(lifecycle).map(_POLICIES)
    irregular = np.isin(demand_class, ["intermittent", "lumpy"])
    routine = np.select(
        [irregular, abc == "A"], ["stock by service level", "review by hand"], "leave to statistics"
    )
    return by_life.where(by_life.notna(), pd.Series(routine)).to_numpy()


def in_money(classes: pd.DataFrame, money_rates: pd.DataFrame) -> pd.DataFrame:
    """Table `classes` with ``revenue_value`` in money alone: missing where no price is known.

    Examples
    --------
    >>> key = {"item": ["A", "B"], "location": "all", "channel": "all"}
    >>> rates = pd.DataFrame(key | {"unit_price_value": [2.0, np.nan]})
    >>> in_money(pd.DataFrame(key | {"revenue_value": [8.0, 0.0]}), rates)["revenue_value"].tolist()
    [8.0, nan]
    """
    priced = classes.merge(money_rates, on=schema.SERIES, how="left", validate="one_to_one")
    is_known = priced["unit_price_value"].notna().to_numpy()
    return classes.assign(revenue_value=classes["revenue_value"].where(is_known))


def kinds_of_demand(classes: pd.DataFrame) -> pd.DataFrame:
    """Table ``demand_kinds``: how much there is of each kind of demand, and what forecasts it.

    Parameters
    ----------
    classes : DataFrame
        Table `classes`.

    Returns
    -------
    DataFrame
        Key ``kind``, the largest in money first: ``series``, ``revenue_share`` (of units where no
        price is known), ``models`` in words.
    """
    sums = classes.groupby("kind").agg(
        series=("kind", "size"), revenue_value=("revenue_value", "sum")
    )
    sums = sums.reindex(pd.Index(combining.KINDS, name="kind"), fill_value=0).reset_index()
    total = sums["revenue_value"].sum()
    words = [
        ", ".join(model.words for model in forecasting.MODELS.values() if number in model.kinds)
        for number in range(len(combining.KINDS))
    ]
    share = sums["revenue_value"] / (total if total else np.nan)
    table = sums.assign(revenue_share=share, models=words).sort_values(
        "revenue_value", ascending=False, kind="stable", ignore_index=True
    )
    return table[["kind", "series", "revenue_share", "models"]]


def lifecycle(classes: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """Table ``lifecycle``: items being launched, phased out, ended or silent, by money.

    Parameters
    ----------
    classes : DataFrame
        Table `classes`, from ``in_money``.
    items : DataFrame
        Table `items`: description, launch and end month.
    """
    moving = classes[classes["lifecycle"].isin(["new", "ending", "ended", "silent"])]
    grouped = moving.groupby(["item", "lifecycle"], as_index=False).agg(
        series=("channel", "size"),
        revenue_value=("revenue_value", lambda money: money.sum(min_count=1)),
    )
    known = items.drop_duplicates("item")[["item", "description", "launch_month", "end_month"]]
    table = grouped.merge(known, on="item", how="left", validate="many_to_one")
    every = classes.groupby("item").size().reindex(table["item"]).to_numpy()
    table = table.assign(all_series=every)
    order = ["lifecycle", "revenue_value", "item"]
    return table.sort_values(order, ascending=[True, False, True], ignore_index=True)


def exceptions(
    classes: pd.DataFrame, history: pd.DataFrame, items: pd.DataFrame, materiality_value: float
) -> pd.DataFrame:
    """Table ``product_review_exceptions``: what a product manager should look at, by money.

    Parameters
    ----------
    classes : DataFrame
        Table `classes`, from ``in_money``.
    history : DataFrame
        Table `demand_history`: shows items still sold after their end.
    items : DataFrame
        Table `items`: ``end_month``.
    materiality_value : float
        Money below which an exception is left to the count.

    Returns
    -------
    DataFrame
        ``subject, finding, amount_value, proposal, is_material``.
    """
    last_year = history[history["month"] > history["month"].max() - pd.DateOffset(months=12)]
    after = last_year["month"] > schema.lookup(last_year["item"], items, "end_month")
    units = last_year[after].groupby("item")["demand"].sum()
    sold = lifecycle(classes, items)
    findings = {
        "ended": ("sold although its end has passed", "confirm the end month"),
        "silent": ("no sale for twelve months", "set its end month, or say why it stays"),
        "ending": ("will end within the horizon", "plan the remaining stock and a successor"),
        "new": ("on sale for a year or less", "compare with the launch plan"),
    }
    rows = sold[sold["lifecycle"].isin(findings)]
    rows = rows[(rows["lifecycle"] != "ended") | (rows["item"].map(units).fillna(0.0) > 0)]
    counts = rows[["series", "all_series"]].astype("str")
    part = " in " + counts["series"] + " of " + counts["all_series"] + " series"
    part = part.where(rows["series"] < rows["all_series"], "")
    table = pd.DataFrame(
        {
            "subject": "Item " + rows["item"],
            "finding": rows["lifecycle"].map(lambda life: findings[life][0]) + part,
            "amount_value": rows["revenue_value"],
            "proposal": rows["lifecycle"]
            .map(lambda life: findings[life][1])
            .mask((part != "") & (rows["lifecycle"] == "silent"), "say why these series stay"),
            "is_material": ~(rows["revenue_value"] < materiality_value),
        }
    )
    return table.sort_values("amount_value", ascending=False, kind="stable", ignore_index=True)
