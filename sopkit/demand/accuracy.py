"""How wrong forecasts were: by level, model and lag.

Signs (house §3): error = forecast − actual, so a positive bias means the forecast was too high.
Errors are measured after adding up to the level, because that is where decisions are made.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import hierarchy

LEVELS = ["total", "family", "location", "channel", "item"]
EVERY_LAG = -1  # lag of rows that measure all lags together


def wape(forecast: np.ndarray, actual: np.ndarray) -> float:
    """Sum of absolute errors over the sum of actuals; NaN where nothing was sold.

    Examples
    --------
    >>> wape(np.array([12.0, 8.0]), np.array([10.0, 10.0]))
    0.2
    """
    total = np.abs(actual).sum()
    return float(np.abs(forecast - actual).sum() / total) if total else float("nan")


def bias_rate(forecast: np.ndarray, actual: np.ndarray) -> float:
    """Sum of errors over the sum of actuals; positive: too high.

    Examples
    --------
    >>> bias_rate(np.array([12.0, 13.0]), np.array([10.0, 10.0]))
    0.25
    """
    total = np.abs(actual).sum()
    return float((forecast - actual).sum() / total) if total else float("nan")


def measured(history: pd.DataFrame) -> pd.Series:
    """What plans are judged by, units: net sales, or orders where they are the basis of demand.

    Nothing that was estimated is in it. Months in which stock ran out (``is_stockout``) hide what
    customers wanted, and are left out by whoever judges.
    """
    return history["sales"] + history["returns"] + history.get("unfilled", 0.0)


def _score(
    tests: pd.DataFrame, by: list[str], models: list[str], scale: pd.DataFrame
) -> pd.DataFrame:
    """Errors of each model over the groups of ``by``.

    Parameters
    ----------
    tests : DataFrame
        Rows at the level measured: ``actual`` and a column a model, units.
    by : list of str
        Columns that name a group, of ``tests``.
    models : list of str
        Columns to measure.
    scale : DataFrame
        ``member`` and ``scale``: mean absolute difference to the same month a year before.

    Returns
    -------
    DataFrame
        ``by`` and ``model``, ``wape``, ``bias_rate``, ``mase``, ``volume`` (sum of actuals).
    """
    long = tests.melt([*by, "actual"], models, "model", "quantity")
    error = long["quantity"] - long["actual"]
    long = long.assign(error=error, absolute=error.abs(), volume=long["actual"].abs(), rows=1)
    sums = long.groupby([*by, "model"], as_index=False)[
        ["error", "absolute", "volume", "rows"]
    ].sum()
    sums = sums.merge(scale, on="member", how="left", validate="many_to_one")
    volume = sums["volume"].where(sums["volume"] > 0)
    return sums.assign(
        wape=sums["absolute"] / volume,
        bias_rate=sums["error"] / volume,
        mase=sums["absolute"] / sums["rows"] / sums["scale"].where(sums["scale"] > 0),
    )[[*by, "model", "wape", "bias_rate", "mase", "volume"]]


def by_level(
    tests: pd.DataFrame,
    history: pd.DataFrame,
    items: pd.DataFrame,
    models: list[str],
    levels: list[str] | None = None,
) -> pd.DataFrame:
    """Table ``accuracy``: each level's members, each model, each lag and all lags together.

    Parameters
    ----------
    tests : DataFrame
        Table `backtest`.
    history : DataFrame
        Table `demand_history`: scales the errors for MASE.
    items : DataFrame
        Table `items`: families.
    models : list of str
        Columns of ``tests`` to measure.
    levels : list of str, optional
        Of ``LEVELS``; all where left out.

    Notes
    -----
    ``lag`` −1 measures all lags together. MASE: Hyndman & Koehler (2006), seasonal naive scale.
    """
    tests = hierarchy.with_levels(tests, items)
    net = hierarchy.with_levels(history, items)
    net = net.assign(actual=measured(net))
    parts = []
    for level in levels or LEVELS:
        named = {"level": level, "member": lambda t, level=level: _member(t, level)}
        rows = tests.assign(**named)
        summed = rows.groupby(["level", "member", "origin", "month", "lag"], as_index=False)[
            ["actual", *models]
        ].sum()
        scale = _yearly_scale(net.assign(**named))
        parts.append(_score(summed, ["level", "member", "lag"], models, scale))
        whole = _score(summed, ["level", "member"], models, scale)
        parts.append(whole.assign(lag=EVERY_LAG))
    return pd.concat(parts, ignore_index=True)


def _member(table: pd.DataFrame, level: str) -> pd.Series:
    if level == "total":
        return pd.Series(schema.COMPANY_LABEL, index=table.index, dtype="str")
    return table[level]


def _yearly_scale(history: pd.DataFrame) -> pd.DataFrame:
    """Mean absolute difference to the same month a year before, by member, units."""
    wide = history.groupby(["member", "month"])["actual"].sum().unstack("month")
    difference = wide.diff(12, axis=1).abs().mean(axis=1)
    return difference.rename("scale").reset_index()


def of_plans(ledger: pd.DataFrame, history: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """Table ``plan_accuracy``: how far past cycles' demand plans were off, by lag.

    Parameters
    ----------
    ledger : DataFrame
        Past cycles' `demand_plan` with a column ``cycle``; empty in a first cycle.
    history : DataFrame
        Table `demand_history`: net sales, months hidden by stock-outs left out.
    items : DataFrame
        Table `items`: families.

    Returns
    -------
    DataFrame
        Key ``layer, lag``; layer is ``statistical`` or ``consensus``; measured by family and month.
    """
    columns = ["layer", "lag", "wape", "bias_rate", "volume", "cycles"]
    net = history.assign(actual=measured(history))
    net = net.loc[~net["is_stockout"], [*schema.SERIES_MONTH, "actual"]]
    # inner: months not closed yet, and months hidden by stock-outs, cannot be judged
    both = ledger.merge(net, on=schema.SERIES_MONTH, how="inner", validate="many_to_one")
    if both.empty:
        return pd.DataFrame(columns=columns).astype({"wape": "float64", "lag": "int64"})
    both = hierarchy.with_levels(both, items)
    both = both.assign(lag=months.number(both["month"]) - months.number(both["cycle"]))
    layers = ["statistical", "consensus"]
    keys = ["family", "cycle", "month", "lag"]
    sums = both.groupby(keys, as_index=False)[[*layers, "actual"]].sum()
    rows = [
        (
            layer,
            lag,
            wape(own[layer].to_numpy(), own["actual"].to_numpy()),
            bias_rate(own[layer].to_numpy(), own["actual"].to_numpy()),
            own["actual"].sum(),
            own["cycle"].nunique(),
        )
        for lag, own in sums.groupby("lag")
        for layer in layers
    ]
    return pd.DataFrame(rows, columns=columns)
