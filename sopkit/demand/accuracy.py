"""How wrong forecasts were: by level, model and lag.

Signs (house §3): error = forecast − actual, so a positive bias means the forecast was too high.
Errors are measured after adding up to the level, because that is where decisions are made.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import forecasting, hierarchy

LEVELS = ["total", "family", "location", "channel", "item"]
_LEAST_COVERED = 0.5  # of what came at a member: below it a model is not judged there
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


def by_level(
    tests: forecasting.Backtest, history: pd.DataFrame, items: pd.DataFrame
) -> pd.DataFrame:
    """Table ``accuracy``: each level's members, each model, each lag and all lags together.

    Parameters
    ----------
    tests : Backtest
        From ``forecasting.backtest``.
    history : DataFrame
        Table `demand_history`, in planning units: scales the errors for MASE.
    items : DataFrame
        Table `items`: families, and planning factors to add items up by.

    Returns
    -------
    DataFrame
        Key ``level, member, model, lag`` (−1: all lags together; of single items lags are told for
        the combination and seasonal naive alone): ``wape``, ``bias_rate``, ``mase``, ``volume``
        (sum of actuals); ``nervousness_rate``: how far the forecast of a month moved since the
        cycle before, share of what came; ``gain_rate``: by how much that lowered the WAPE.

    Notes
    -----
    Forecasts are added up before they are judged; where a model is not for a series, the
    combination stands in, so that all models are judged on the same demand. A member has no row
    of a model that is for less than half of what came there. MASE: Hyndman & Koehler (2006),
    seasonal naive scale.
    """
    keys = hierarchy.with_levels(tests.history.keys, items)
    factor = hierarchy.factors(keys["item"], items).to_numpy()
    known = np.isfinite(tests.actual) & np.isfinite(tests.combined)
    combined = np.where(known, tests.combined, 0.0) * factor
    actual = np.where(known, tests.actual, 0.0) * factor
    says, covers = {forecasting.COMBINED: combined}, {forecasting.COMBINED: actual}
    for name, own in zip(forecasting.MODELS, tests.forecasts, strict=True):
        is_for = known & np.isfinite(own)
        if is_for.any():
            says[name] = np.where(is_for, own * factor, combined)
            covers[name] = np.where(is_for, actual, 0.0)
    net = hierarchy.with_levels(history, items).assign(actual=measured(history))
    parts = []
    for level in LEVELS:
        named = keys.assign(member=_member(keys, level))
        code, members = pd.factorize(named["member"], sort=True)
        scale = _yearly_scale(net.assign(member=_member(net, level)))
        scale = scale.set_index("member")["scale"].reindex(members).to_numpy()
        summed = {name: _sums(own, code, len(members)) for name, own in says.items()}
        came, is_known = _sums(actual, code, len(members)), _sums(known, code, len(members)) > 0
        for name, own in summed.items():
            covered = _sums(np.abs(covers[name]).sum(axis=(0, 1)), code, len(members))
            whole = _sums(np.abs(actual).sum(axis=(0, 1)), code, len(members))
            is_judged = is_known & (covered >= _LEAST_COVERED * whole)
            table = _scores(own, came, is_judged, tests.origins)
            if level == "item" and name not in (forecasting.COMBINED, forecasting.NAIVE):
                table = {column: rows[-1:] for column, rows in table.items()}
            parts.append(_as_rows(table, level, np.asarray(members, dtype=object), name, scale))
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return pd.DataFrame(whole).astype({"level": "str", "member": "str", "model": "str"})


def _sums(array: np.ndarray, code: np.ndarray, count: int) -> np.ndarray:
    """Sums over the series of each member, along the last axis."""
    order = np.argsort(code, kind="stable")
    starts = np.searchsorted(code[order], np.arange(count))
    return np.add.reduceat(array[..., order].astype("float64"), starts, axis=-1)


def _scores(
    said: np.ndarray, came: np.ndarray, is_known: np.ndarray, origins: list[int]
) -> dict[str, np.ndarray]:
    """Sums of errors by lag and, last, of all lags (n_lags + 1, n_members)."""
    error = np.where(is_known, said - came, 0.0)
    moves, gains, volumes = (np.zeros(said.shape[1:]) for _ in range(3))
    pairs = [(k, k + 1) for k in range(len(origins) - 1) if origins[k + 1] == origins[k] + 1]
    for before, after in pairs:
        both = is_known[after, :-1] & is_known[before, 1:]
        moves[:-1] += np.where(both, np.abs(said[after, :-1] - said[before, 1:]), 0.0)
        closer = np.abs(error[before, 1:]) - np.abs(error[after, :-1])
        gains[:-1] += np.where(both, closer, 0.0)
        volumes[:-1] += np.where(both, np.abs(came[after, :-1]), 0.0)
    sums = {
        "error": error.sum(axis=0),
        "absolute": np.abs(error).sum(axis=0),
        "volume": np.where(is_known, np.abs(came), 0.0).sum(axis=0),
        "rows": is_known.sum(axis=0).astype("float64"),
        "moves": moves,
        "gains": gains,
        "moved_volume": volumes,
    }
    return {name: np.vstack([rows, rows.sum(axis=0)]) for name, rows in sums.items()}


def _as_rows(
    sums: dict[str, np.ndarray], level: str, members: np.ndarray, model: str, scale: np.ndarray
) -> dict[str, np.ndarray]:
    """Columns of the rows that were measured, one a member and lag."""
    count = len(sums["rows"])
    lags = np.array([*range(count - 1), EVERY_LAG])
    kept = np.flatnonzero(sums["rows"].ravel() > 0)
    own = {name: rows.ravel()[kept] for name, rows in sums.items()}
    lag, member = np.divmod(kept, len(members))
    volume = np.where(own["volume"] > 0, own["volume"], np.nan)
    moved = np.where(own["moved_volume"] > 0, own["moved_volume"], np.nan)
    usual = np.where(scale[member] > 0, scale[member], np.nan)
    return {
        "level": np.full(len(kept), level, dtype=object),
        "member": members[member],
        "model": np.full(len(kept), model, dtype=object),
        "lag": lags[lag],
        "wape": own["absolute"] / volume,
        "bias_rate": own["error"] / volume,
        "mase": own["absolute"] / own["rows"] / usual,
        "volume": own["volume"],
        "nervousness_rate": own["moves"] / moved,
        "gain_rate": own["gains"] / moved,
    }


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
