"""Sales → demand: what customers wanted, each correction a layer of its own.

``sales + returns + unfilled + stockout + outlier = demand``, ``baseline + effects = demand``. Zeros
are filled from a series' first sale to the last closed month or the item's end. A correction is
never silent: ``corrections`` lists each with its reason and its money, and people may refuse it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import hierarchy, panel, usual

LAYERS = ["returns", "unfilled", "stockout", "outlier"]
# of what is known to have moved demand: the baseline is demand without
EFFECTS = ["level_shift", "promotion", "event", "market"]
OUTLIER_DEVIATIONS = 5.0  # robust standard deviations of a series' own seasonally adjusted months
LARGEST_ZERO_SHARE = 0.3  # above it a series is lumpy by nature, and no month is an outlier


def demand_history(
    sales: pd.DataFrame,
    items: pd.DataFrame,
    *,
    cycle: pd.Timestamp,
    basis: str | None = None,
    explained: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Table ``demand_history`` (house §3), with every correction that was found.

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
    explained : DataFrame, optional
        From ``explained_months``; those and months that sales flag as promoted are no outliers.

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
    filled = _fill_zeros(sales, cycle, basis, explained)
    sold = panel.from_table(filled, "sales")
    flagged = panel.from_table(filled, "is_stockout").values == 1.0
    returns = np.where(sold.values < 0, -sold.values, 0.0)
    ordered = panel.from_table(filled, "ordered_quantity").values
    has_order = np.isfinite(ordered)
    unfilled = np.where(has_order, np.maximum(ordered, 0.0) - sold.values - returns, 0.0)
    flagged &= ~has_order
    net = sold.values + returns + unfilled
    known = flagged, panel.from_table(filled, "is_explained").values == 1.0
    groups = family_codes(sold.keys, items)
    stockout, outlier = _corrections(net, *known, groups, net)
    # a first look at the season is bent by the very months that are corrected
    stockout, outlier = _corrections(net, *known, groups, net + stockout + outlier)
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


def _fill_zeros(
    sales: pd.DataFrame, cycle: pd.Timestamp, basis: str | None, explained: pd.DataFrame | None
) -> pd.DataFrame:
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
    columns = [*schema.SERIES_MONTH, "sales", "ordered_quantity", "revenue_value"]
    columns += ["is_stockout", "is_promotion"]
    filled = every.merge(known[columns], on=schema.SERIES_MONTH, how="left", validate="1:1")
    has_revenue = known["revenue_value"].notna().any()
    revenue = (
        filled["revenue_value"]
        .fillna(0.0)
        .where(filled["revenue_value"].notna() | filled["sales"].isna(), np.nan)
    )
    is_explained = filled["is_promotion"].fillna(False).astype(bool)
    if explained is not None:
        cells = pd.MultiIndex.from_frame(filled[schema.SERIES_MONTH])
        is_explained |= cells.isin(pd.MultiIndex.from_frame(explained))
    return filled.assign(
        sales=filled["sales"].fillna(0.0),
        revenue_value=revenue if has_revenue else np.nan,
        is_stockout=filled["is_stockout"].fillna(False).astype("float64"),
        is_explained=is_explained.astype("float64"),
    )


def _corrections(
    net: np.ndarray,
    flagged: np.ndarray,
    explained: np.ndarray,
    groups: np.ndarray,
    learned_from: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Layers of lost sales and of outliers, with the season learned from the last array."""
    adjusted, middle, season = usual.usual(net, flagged, groups, learned_from)
    lost = np.where(flagged, np.maximum(middle * season - net, 0.0), 0.0)
    outlier = np.where(explained, 0.0, _outliers(adjusted, middle, season, net))
    return np.nan_to_num(lost), outlier


def family_codes(
    keys: pd.DataFrame, items: pd.DataFrame, families: pd.Index | None = None
) -> np.ndarray:
    """A number for each series' family, its place in ``families``; −1 where the item has none."""
    family = schema.lookup(keys["item"], items, "family")
    return pd.factorize(family)[0] if families is None else families.get_indexer(family)


def _outliers(
    adjusted: np.ndarray, middle: np.ndarray, season: np.ndarray, net: np.ndarray
) -> np.ndarray:
    """Layer that brings far-out months to the edge of what is usual; zero elsewhere."""
    spread = 1.4826 * usual.median(np.abs(adjusted - middle))
    reach = np.maximum(OUTLIER_DEVIATIONS * spread, 0.5 * np.nan_to_num(middle))
    edge = np.clip(adjusted, middle - reach, middle + reach)
    known = np.isfinite(net)
    zero_share = (net == 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    is_regular = (zero_share <= LARGEST_ZERO_SHARE) & (known.sum(axis=0) >= 24)
    layer = np.where(is_regular, (edge - adjusted) * season, 0.0)
    return np.nan_to_num(layer)


def explained_months(cells: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """Months of series that an event covers, of which none is an outlier.

    Parameters
    ----------
    cells : DataFrame
        Series with all their levels.
    events : DataFrame
        Table `events`. One without a last month is for good: it moves the level, no single month.

    Returns
    -------
    DataFrame
        Key ``item, location, channel, month``.
    """
    parts = [pd.DataFrame(columns=schema.SERIES_MONTH).astype({"month": months.DTYPE})]
    for event in events[events["last_month"].notna()].to_dict("records"):
        count = int(months.number(event["last_month"]) - months.number(event["first_month"])) + 1
        span = pd.DataFrame({"month": months.span(event["first_month"], count)})
        own = cells.loc[hierarchy.covered(event, cells), schema.SERIES]
        parts.append(own.merge(span, how="cross"))
    return pd.concat(parts, ignore_index=True).drop_duplicates(ignore_index=True)
