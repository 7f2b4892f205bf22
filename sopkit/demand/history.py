"""Sales → demand: what customers wanted, each correction a layer of its own.

``sales + returns + unfilled + stockout + outlier = demand``. Zeros are filled from a series'
first sale to the last closed month or the item's end. A correction is never silent:
``corrections`` lists each with its reason and its money.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import panel, seasons

LAYERS = ["returns", "unfilled", "stockout", "outlier"]
EFFECTS = [
    "promotion",
    "event",
    "market",
]  # of what is known to have moved demand: the baseline is demand without
OUTLIER_DEVIATIONS = 5.0  # robust standard deviations of a series' own seasonally adjusted months
_LARGEST_ZERO_SHARE = 0.3  # above it a series is lumpy by nature, and no month is an outlier
_REASONS = {
    "returns": "net returns set to zero",
    "unfilled": "customers ordered more, or less, than was shipped in the month",
    "stockout": "stock ran out; lost sales estimated from the months around",
    "outlier": "far outside the months around; set to the nearest usual value",
}


def demand_history(
    sales: pd.DataFrame, items: pd.DataFrame, *, cycle: pd.Timestamp, basis: str | None = None
) -> pd.DataFrame:
    """Table ``demand_history`` (house §3).

    Parameters
    ----------
    sales : DataFrame
        Table `sales`, months before the cycle.
    items : DataFrame
        Table `items`; ``end_month`` ends a series, ``family`` shares its season.
    cycle : Timestamp
        Month after the last closed one.
    basis : str, optional
        ``shipped`` or ``ordered`` (layer `unfilled` is ordered less shipped, and months with
        orders need no estimate of lost sales); left out: ordered where sales say it.

    Returns
    -------
    DataFrame
        Key ``item, location, channel, month``; units; ``is_stockout`` where stock-outs hid what
        customers wanted and no order tells it; every series runs to the month before the
        cycle (zero after its item's end).

    Notes
    -----
    Lost sales: median of the seasonally adjusted months with stock up to six months before and
    after, times the season. Outlier: further from the same median than five robust standard
    deviations (1.4826 × median absolute deviation) and than half of it, in a series of two years
    or more with few zeros. The season is taken twice, the second time without what was found.
    """
    filled = _fill_zeros(sales, cycle, basis)
    sold = panel.from_table(filled, "sales")
    flagged = panel.from_table(filled, "is_stockout").values == 1.0
    returns = np.where(sold.values < 0, -sold.values, 0.0)
    ordered = panel.from_table(filled, "ordered_quantity").values
    has_order = np.isfinite(ordered)
    unfilled = np.where(has_order, np.maximum(ordered, 0.0) - sold.values - returns, 0.0)
    flagged &= ~has_order
    net = sold.values + returns + unfilled
    groups = family_codes(sold.keys, items)
    stockout, outlier = _corrections(net, flagged, groups, net)
    # a first look at the season is bent by the very months that are corrected
    stockout, outlier = _corrections(net, flagged, groups, net + stockout + outlier)
    arrays = {
        "sales": sold.values,
        "returns": returns,
        "unfilled": unfilled,
        "stockout": stockout,
        "outlier": outlier,
    }
    arrays["demand"] = net + stockout + outlier
    arrays["revenue_value"] = panel.from_table(filled, "revenue_value").values
    arrays["is_stockout"] = flagged.astype("float64")  # months whose demand nobody measured
    table = panel.to_table(sold.keys, sold.months, arrays)
    table = table[table["sales"].notna()].reset_index(drop=True)
    return with_effects(table.assign(is_stockout=table["is_stockout"] == 1.0), {})


def with_effects(history: pd.DataFrame, effects: dict[str, pd.Series]) -> pd.DataFrame:
    """The history with what moved demand as layers of its own, and the baseline that is left.

    Parameters
    ----------
    history : DataFrame
        Table `demand_history`.
    effects : dict of Series
        Units of each of ``EFFECTS`` by row of history; one that is missing stays as it was, or is
        zero.

    Returns
    -------
    DataFrame
        With a column for each of ``EFFECTS`` and ``baseline`` = demand − their sum, what models
        learn from.
    """
    known = {name: effects.get(name, history.get(name, 0.0)) for name in EFFECTS}
    history = history.assign(**known)
    return history.assign(baseline=history["demand"] - history[EFFECTS].sum(axis=1))


def _fill_zeros(sales: pd.DataFrame, cycle: pd.Timestamp, basis: str | None) -> pd.DataFrame:
    """Every series from its first sale to the last closed month, zero where nothing was sold."""
    if basis == "shipped":
        sales = sales.assign(ordered_quantity=np.nan)
    first = sales["month"].min()
    count = int(months.number(cycle) - months.number(first))
    starts = sales.groupby(schema.SERIES, as_index=False)["month"].min()
    every = starts.rename(columns={"month": "start"}).merge(
        pd.DataFrame({"month": months.span(first, count)}), how="cross"
    )
    every = every[every["month"] >= every["start"]].drop(columns="start")
    known = sales.rename(columns={"quantity": "sales"})
    columns = [*schema.SERIES_MONTH, "sales", "ordered_quantity", "revenue_value", "is_stockout"]
    filled = every.merge(known[columns], on=schema.SERIES_MONTH, how="left", validate="1:1")
    has_revenue = known["revenue_value"].notna().any()
    revenue = (
        filled["revenue_value"]
        .fillna(0.0)
        .where(filled["revenue_value"].notna() | filled["sales"].isna(), np.nan)
    )
    return filled.assign(
        sales=filled["sales"].fillna(0.0),
        revenue_value=revenue if has_revenue else np.nan,
        is_stockout=filled["is_stockout"].fillna(False).astype("float64"),
    )


def _corrections(
    net: np.ndarray, flagged: np.ndarray, groups: np.ndarray, learned_from: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Layers of lost sales and of outliers, with the season learned from the third array."""
    indices = seasons.seasonal_indices(learned_from, groups)
    season = seasons.tile_season(indices, len(net))
    adjusted = np.where(flagged, np.nan, net / season)
    lost = np.where(flagged, np.maximum(_moving_median(adjusted, 6) * season - net, 0.0), 0.0)
    return np.nan_to_num(lost), _outliers(adjusted, season, net)


def family_codes(keys: pd.DataFrame, items: pd.DataFrame) -> np.ndarray:
    """A number for each series' family; −1 where the item has none."""
    return pd.factorize(schema.lookup(keys["item"], items, "family"))[0]


def _moving_median(values: np.ndarray, reach: int) -> np.ndarray:
    """Median of the months from ``reach`` before to ``reach`` after, the month itself left out."""
    count = len(values)
    padded = np.pad(values, ((reach, reach), (0, 0)), constant_values=np.nan)
    offsets = [k for k in range(2 * reach + 1) if k != reach]
    stack = np.stack([padded[k : k + count] for k in offsets])
    with np.errstate(all="ignore"):
        return _nanmedian(stack)


def _nanmedian(stack: np.ndarray) -> np.ndarray:
    """Median over the first axis, NaN (without a warning) where nothing is known."""
    ordered = np.sort(stack, axis=0)
    known = np.isfinite(stack).sum(axis=0)
    low, high = np.maximum((known - 1) // 2, 0), known // 2
    high = np.minimum(high, len(stack) - 1)
    pair = np.take_along_axis(ordered, np.stack([low, high]), axis=0)
    return np.where(known > 0, pair.mean(axis=0), np.nan)


def _outliers(adjusted: np.ndarray, season: np.ndarray, net: np.ndarray) -> np.ndarray:
    """Layer that brings far-out months to the edge of what is usual; zero elsewhere."""
    usual = _moving_median(adjusted, 6)
    spread = 1.4826 * _nanmedian(np.abs(adjusted - usual))
    reach = np.maximum(OUTLIER_DEVIATIONS * spread, 0.5 * np.nan_to_num(usual))
    edge = np.clip(adjusted, usual - reach, usual + reach)
    known = np.isfinite(net)
    zero_share = (net == 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    is_regular = (zero_share <= _LARGEST_ZERO_SHARE) & (known.sum(axis=0) >= 24)
    layer = np.where(is_regular, (edge - adjusted) * season, 0.0)
    return np.nan_to_num(layer)


def corrections(history: pd.DataFrame, money_rates: pd.DataFrame) -> pd.DataFrame:
    """Table ``corrections``: one row for each month and layer that is not zero, largest first.

    Parameters
    ----------
    history : DataFrame
        Table `demand_history`.
    money_rates : DataFrame
        Table `money_rates`: price a unit of each series.
    """
    long = history.melt(schema.SERIES_MONTH, LAYERS, "layer", "quantity")
    long = long[long["quantity"] != 0]
    priced = long.merge(
        money_rates[[*schema.SERIES, "unit_price_value"]],
        on=schema.SERIES,
        how="left",
        validate="many_to_one",
    )
    priced = priced.assign(
        amount_value=priced["quantity"] * priced["unit_price_value"],
        reason=priced["layer"].map(_REASONS),
    )
    order = priced["amount_value"].abs().fillna(0.0)
    columns = [*schema.SERIES_MONTH, "layer", "quantity", "amount_value", "reason"]
    return (
        priced.assign(size=order)
        .sort_values(["size", *schema.SERIES_MONTH], ascending=[False, *[True] * 4])[columns]
        .reset_index(drop=True)
    )
