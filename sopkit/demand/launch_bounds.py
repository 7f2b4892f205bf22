"""How sure launches are: the scatter of their like items, and a level that nobody has seen yet.

As in ``intervals`` errors are measured on square roots. All series of a launch miss its level
alike, while their scatter is their own.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtri

from sopkit import schema
from sopkit.demand import intervals
from sopkit.demand.launches import MODEL


def widths(
    launches: pd.DataFrame,
    means: pd.DataFrame,
    sure: pd.DataFrame,
    error_widths: pd.DataFrame,
    error_multiples: pd.DataFrame,
) -> pd.DataFrame:
    """Table ``error_widths`` with the launches in it.

    Parameters
    ----------
    launches : DataFrame
        Raw table.
    means, sure : DataFrame
        From ``planned``.
    error_widths, error_multiples : DataFrame
        From ``intervals.calibrate``.

    Returns
    -------
    DataFrame
        As ``error_widths``: the scatter of a launch is that of its like items (by weight; on roots
        it hardly depends on size), its kind that of the heaviest; the unknown of its level adds to
        that, so that a month and the total of the horizon each have their spread. Futures hold the
        spread of months; that all months of a launch miss alike, totals alone hold.
    """
    named = launches[["item", "like_item", "weight_share"]]
    told = named.rename(columns={"item": "new", "like_item": "item"}).merge(
        error_widths, on="item", how="inner", validate="many_to_many"
    )
    told = told.assign(item=told["new"]).sort_values("weight_share", ascending=False)
    squares = told[["width", "total_width"]].pow(2).mul(told["weight_share"], axis=0)
    index = [told[name] for name in schema.SERIES]
    mean = squares.groupby(index).sum().div(told["weight_share"].groupby(index).sum(), axis=0)
    made = mean.assign(kind=told.groupby(schema.SERIES)["kind"].first()).reset_index()
    made = sure.merge(made, on=schema.SERIES, how="inner", validate="one_to_one")
    sold = means[means["quantity"] > 0].groupby(schema.SERIES)["quantity"].agg(["mean", "sum"])
    sold = sold.reindex(pd.MultiIndex.from_frame(made[schema.SERIES])).fillna(0.0)
    for name, size, measure in (
        ("width", "mean", intervals.MONTH),
        ("total_width", "sum", intervals.TOTAL),
    ):
        unknown = _unknown(made, sold[size])
        reach = made["kind"].map(_reach(error_multiples, measure)).astype("float64")
        made = made.assign(**{name: np.sqrt(made[name] + (unknown / reach) ** 2)})
    others = pd.concat([error_widths, made[list(error_widths.columns)]], ignore_index=True)
    others = others.drop_duplicates(schema.SERIES, keep="last")
    return others.sort_values(schema.SERIES, ignore_index=True)


def _reach(multiples: pd.DataFrame, measure: str) -> pd.Series:
    """Standard deviations, by kind, of the errors furthest ahead, in widths."""
    own = multiples[multiples["measure"] == measure]
    last = own[own["lag"] == own["lag"].max()]
    wide = last.pivot(index="kind", columns="probability", values="multiple")
    return (wide[0.9] - wide[0.1]) / (ndtri(0.9) - ndtri(0.1))


def _unknown(series: pd.DataFrame, quantity: pd.Series) -> np.ndarray:
    """Standard deviation, on roots, of a quantity whose level has a spread."""
    return 0.5 * series["spread"] * series["weight_share"] * np.sqrt(quantity.to_numpy())


def totals(
    means: pd.DataFrame,
    sure: pd.DataFrame,
    widths: pd.DataFrame,
    multiples: pd.DataFrame,
    *,
    level: float = intervals.LEVEL,
) -> pd.DataFrame:
    """Table ``launch_totals`` without money: each launch over all months planned.

    Parameters
    ----------
    means, sure : DataFrame
        From ``launches.planned``.
    widths, multiples : DataFrame
        From ``widths`` and ``intervals.calibrate``.
    level : float
        Chance that the total lies within its bounds.

    Returns
    -------
    DataFrame
        Key ``item``: ``first_month`` planned; ``quantity``, ``quantity_lower``,
        ``quantity_upper``, units; ``weight_share`` of what is promised beside models' forecasts.
    """
    own = means[(means["model"] == MODEL) & (means["quantity"] > 0)]
    sums = own.groupby(schema.SERIES, as_index=False).agg(
        quantity=("quantity", "sum"), first_month=("month", "min")
    )
    known = sums.merge(sure, on=schema.SERIES, how="inner", validate="one_to_one")
    known = known.merge(widths, on=schema.SERIES, how="inner", validate="one_to_one")
    reach = known["kind"].map(_reach(multiples, intervals.TOTAL)).astype("float64")
    shared = _unknown(known, known["quantity"])
    scatter = ((known["total_width"] * reach) ** 2 - shared**2).clip(lower=0.0)
    known = known.assign(
        shared=2.0 * shared * np.sqrt(known["quantity"]), scatter=4.0 * scatter * known["quantity"]
    )
    table = known.groupby("item", as_index=False).agg(
        first_month=("first_month", "min"),
        quantity=("quantity", "sum"),
        shared=("shared", "sum"),
        scatter=("scatter", "sum"),
        weight_share=("weight_share", "mean"),
    )
    root = np.sqrt(table["quantity"])
    spread = np.sqrt(table["shared"] ** 2 + table["scatter"]) / (2.0 * root)
    away = spread * ndtri((1.0 + level) / 2.0)
    return table[["item", "first_month", "quantity", "weight_share"]].assign(
        quantity_lower=(root - away).clip(lower=0.0) ** 2, quantity_upper=(root + away) ** 2
    )
