"""Where we stand: each KPI beside its target and the last cycle, and its course over the cycles."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import lags
from sopkit.executive.kpis import KPIS, Kpi

_SAME = 5e-4  # share by which an amount may move and still be the same to a reader
_PRESSING = {"missed": 0, "near": 1, "met": 2, "no target": 3, "not measured": 4}


def status(
    amounts: pd.Series,
    targets: pd.DataFrame,
    past: pd.DataFrame,
    reasons: dict[str, str],
    *,
    cycle: pd.Timestamp,
) -> pd.DataFrame:
    """Table ``kpis``: amount beside target and beside the last cycle's, the missed ones first.

    Parameters
    ----------
    amounts : Series
        From ``kpis.measure``.
    targets : DataFrame
        Table `targets`, money in the company's currency; those that hold in the cycle month for
        the whole company count.
    past : DataFrame
        The ledger of this table; cycles that were run count, a replay had no meetings.
    reasons : dict
        KPI → why it is not measured, where that is not what ``kpis`` says; blank if it is.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    DataFrame
        Key ``kpi``. ``status``: met, near, missed, no target, not measured (``finding`` says what
        would show it). ``direction``: better, worse, unchanged, blank where nobody knows.
    """
    holds = (targets["first_month"] <= cycle) & (targets["last_month"] >= cycle)
    whole = (targets[schema.LEVELS] == schema.ALL).all(axis=1)
    latest = targets[holds & whole].sort_values("first_month").drop_duplicates("kpi", keep="last")
    goals = latest.set_index("kpi")[["target", "owner"]].reindex(list(KPIS))
    last = _run(past)
    before = last[last["cycle"] == last["cycle"].max()].set_index("kpi")["amount"]
    table = pd.DataFrame(
        {
            "kpi": list(KPIS),
            "meaning": [kpi.meaning for kpi in KPIS.values()],
            "formula": [kpi.formula for kpi in KPIS.values()],
            "amount": amounts.reindex(list(KPIS)).to_numpy(),
            "unit": [kpi.unit for kpi in KPIS.values()],
            "good": [kpi.good for kpi in KPIS.values()],
            "target": goals["target"].to_numpy(dtype="float64"),
            "owner": goals["owner"].fillna("").to_numpy(),
            "last_amount": before.reindex(list(KPIS)).to_numpy(dtype="float64"),
        }
    )
    rows = table.to_dict("records")
    states = [_status(row["amount"], row["target"], KPIS[row["kpi"]]) for row in rows]
    usual = {name: f"{kpi.switched_on_by} would show it" for name, kpi in KPIS.items()}
    why = [reasons.get(name) or usual[name] for name in table["kpi"]]
    table = table.assign(
        status=states,
        direction=[_direction(row["amount"], row["last_amount"], row["good"]) for row in rows],
        finding=pd.Series(why).where(table["amount"].isna(), ""),
    )
    return table.sort_values(
        "status", key=lambda words: words.map(_PRESSING), kind="stable", ignore_index=True
    )


def _status(amount: float, target: float, kpi: Kpi) -> str:
    """Met, near (within a share of the target), missed; or why it cannot be said.

    Examples
    --------
    >>> _status(0.96, 0.97, KPIS["on_time_rate"]), _status(-0.02, 0.03, KPIS["plan_bias_rate"])
    ('near', 'met')
    """
    if np.isnan(amount):
        return "not measured"
    if np.isnan(target):
        return "no target"
    if kpi.good == "near zero":
        shortfall = abs(amount) - target
    else:
        shortfall = amount - target if kpi.good == "low" else target - amount
    if shortfall <= 0:
        return "met"
    return "near" if shortfall <= kpi.near_rate * abs(target) else "missed"


def _direction(amount: float, last: float, good: str) -> str:
    """Whether it is better than in the last cycle.

    Examples
    --------
    >>> _direction(0.96, 0.93, "high"), _direction(-0.02, 0.01, "near zero")
    ('better', 'worse')
    """
    if np.isnan(amount) or np.isnan(last):
        return ""
    gain = {"high": amount - last, "low": last - amount, "near zero": abs(last) - abs(amount)}[good]
    if abs(gain) <= _SAME * max(abs(last), abs(amount)):
        return "unchanged"
    return "better" if gain > 0 else "worse"


def history(past: pd.DataFrame, now: pd.DataFrame, *, cycle: pd.Timestamp) -> pd.DataFrame:
    """Table ``kpi_history``: each KPI in past cycles and this one.

    Parameters
    ----------
    past : DataFrame
        As for ``status``.
    now : DataFrame
        From ``status``.
    cycle : Timestamp
        Month in which the plan is made.
    """
    names = ["kpi", "cycle", "amount", "target", "status"]
    both = pd.concat([_run(past)[names], now.assign(cycle=cycle)[names]], ignore_index=True)
    kinds = {"cycle": months.DTYPE, "amount": "float64", "target": "float64", "status": "str"}
    return both.astype(kinds)


def _run(past: pd.DataFrame) -> pd.DataFrame:
    """Past rows of KPIs there still are, of cycles that people went through."""
    return past[~past["origin"].isin(lags.REMADE) & past["kpi"].isin(list(KPIS))]
