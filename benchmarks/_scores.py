"""Error measures, a few lines each. error = forecast − actual: positive is too high.

A table of forecasts has a row for each ``item`` and ``step`` (1 is the first month ahead), with
``actual`` and ``quantity``, the forecast. A training table has ``item, step, quantity``.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

NAIVE2 = {"smape": 16.8907, "mase": 1.0369}  # recomputed from its submitted M3 monthly forecasts


def smape(table: pd.DataFrame) -> float:
    """Mean of 200·|a − f| / (|a| + |f|) over all points; 0 where both are 0."""
    size = table["actual"].abs() + table["quantity"].abs()
    return float((200 * _error(table).abs() / size.where(size > 0, 1.0)).mean())


def scale(training: pd.DataFrame, *, season: int = 12, power: int = 1) -> pd.Series:
    """Mean |y_t − y_{t−season}| ** power of each item over its training part."""
    ordered = training.sort_values(["item", "step"])
    change = ordered.groupby("item")["quantity"].diff(season).abs() ** power
    return change.groupby(ordered["item"]).mean()


def mase(table: pd.DataFrame, scales: pd.Series) -> float:
    """Mean over items of: mean |error| ÷ the item's scale (Hyndman & Koehler 2006)."""
    return float((_error(table).abs().groupby(table["item"]).mean() / scales).mean())


def owa(smape_percent: float, mase_ratio: float) -> float:
    """Overall weighted average beside Naive2 (M4's rule, on M3 monthly)."""
    return (smape_percent / NAIVE2["smape"] + mase_ratio / NAIVE2["mase"]) / 2


def rmsse(table: pd.DataFrame, scales: pd.Series) -> float:
    """Mean over items of: √(mean error² ÷ the item's scale of power 2) (M5's, unweighted)."""
    return float(np.sqrt((_error(table) ** 2).groupby(table["item"]).mean() / scales).mean())


def wape(table: pd.DataFrame) -> float:
    """Σ|error| ÷ Σ|actual|.

    Examples
    --------
    >>> wape(pd.DataFrame({"quantity": [12.0, 9.0], "actual": [10.0, 10.0]}))
    0.15
    """
    return float(_error(table).abs().sum() / table["actual"].abs().sum())


def bias(table: pd.DataFrame) -> float:
    """Σ error ÷ Σ|actual|; positive is too high.

    Examples
    --------
    >>> bias(pd.DataFrame({"quantity": [12.0, 9.0], "actual": [10.0, 10.0]}))
    0.05
    """
    return float(_error(table).sum() / table["actual"].abs().sum())


def coverage(table: pd.DataFrame, lower: str, upper: str) -> pd.Series:
    """Share of actuals within the interval: at each step, and at all of them (``all``)."""
    inside = table["actual"].between(table[lower], table[upper])
    return pd.concat([inside.groupby(table["step"]).mean(), pd.Series({"all": inside.mean()})])


def width(table: pd.DataFrame, lower: str, upper: str, scales: pd.Series) -> float:
    """Mean width of the interval ÷ the item's scale: of two that cover alike, less is better."""
    return float(((table[upper] - table[lower]) / table["item"].map(scales)).mean())


def _error(table: pd.DataFrame) -> pd.Series:
    return table["quantity"] - table["actual"]
