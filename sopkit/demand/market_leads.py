"""Which market series move demand, with what lag, and what they bring in months ahead.

A series counts as it stands beside its own trend and season: these belong to demand's own. Many
series at many lags in many families are tried, so one is believed only if its z value is beyond
what so many tries bring by chance (Benjamini and Hochberg), and if it would have helped in the
last twelve months, known from the months before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import stats

from sopkit import months, schema
from sopkit.demand import driver_groups, driver_model

MARKET = "market size"  # the company's own market in money: it leads nothing in its own month
LAGS = 12  # months, the longest lead tried
_YEAR = 12
_FALSE_RATE = 0.1  # share of the series believed that may move nothing
_SHORTEST = 36  # months a series must be known


@dataclass(frozen=True)
class Series:
    """A market series beside its trend and season, zero where unknown, over the history's months.

    ``values`` are logarithms, or standard deviations where it is not above zero throughout;
    ``memory`` is what it keeps of a month in the next.
    """

    name: str
    family: str
    region: str
    values: np.ndarray
    memory: float
    is_log: bool


@dataclass(frozen=True)
class Lead:
    """A series that moves a family after ``lag`` months; ``effect`` on the logarithm of demand."""

    series: Series
    family: str
    lag: int
    p_value: float
    effect: float = np.nan
    error: float = np.nan


def series(market: pd.DataFrame, known: pd.DatetimeIndex) -> list[Series]:
    """The series of table `market` that are known long enough, beside their trend and season."""
    filled = market.assign(**{n: market[n].fillna(schema.ALL) for n in ("family", "region")})
    made = []
    for (name, family, region), rows in filled.groupby(["series", "family", "region"]):
        values = rows.set_index("month")["value"].reindex(known).to_numpy(dtype="float64")
        is_known = np.isfinite(values)
        if is_known.sum() < _SHORTEST or not values[is_known].std() > 0:
            continue
        is_log = bool((values[is_known] > 0).all())
        values = np.log(np.where(is_known, values, 1.0)) if is_log else values
        time = np.arange(len(values))
        beside = np.column_stack([np.eye(_YEAR)[known.month.to_numpy() - 1], time])
        usual = np.linalg.lstsq(beside[is_known], values[is_known], rcond=None)[0]
        values = np.where(is_known, values - beside @ usual, 0.0)
        values = values if is_log else values / values[is_known].std()
        memory = (values[1:] @ values[:-1]) / (values @ values) + 4.0 / len(values)
        made.append(Series(name, family, region, values, float(np.clip(memory, 0, 0.95)), is_log))
    return made


def column(covered: driver_groups.Covered, lead: Lead) -> np.ndarray:
    """What a lead says of each month and group (n_months, n_groups)."""
    own = covered.groups.family == covered.families.index(lead.family)
    share = driver_groups.shares(covered, driver_groups.covers(covered.series, _levels(lead)))
    return _later(lead.series.values, lead.lag)[:, None] * (share * own)


def _levels(lead: Lead) -> dict:
    return {"family": lead.family, "region": lead.series.region}


def _later(values: np.ndarray, lag: int) -> np.ndarray:
    """The values so many months later, zero before the first."""
    return np.concatenate([np.zeros(lag), values[: len(values) - lag]])


def believed(
    covered: driver_groups.Covered, fit: driver_model.Fit, known: list[Series]
) -> tuple[list[Lead], pd.DataFrame]:
    """Leads that are beyond chance, and the best try of each series.

    Parameters
    ----------
    covered : Covered
        Groups of series.
    fit : Fit
        Effects of events on them.
    known : list of Series
        From ``series``.

    Returns
    -------
    leads : list of Lead
        One lag at most of each series and family, effects still unknown.
    tries : DataFrame
        ``driver, family, lag, p_value, needed``: the best try of each series.
    """
    rows = []
    for one in known:
        named = covered.families if one.family == schema.ALL else [one.family]
        lags = range(1 if one.name == MARKET else 0, LAGS + 1)
        for family in [name for name in named if name in covered.families]:
            leads = [Lead(one, family, lag, np.nan) for lag in lags]
            columns = np.stack([column(covered, lead) for lead in leads])
            number = covered.families.index(family)
            z, gain = driver_model.tried(covered.groups, fit, columns, number)
            told = zip(leads, 2.0 * stats.norm.sf(np.abs(z)), gain, strict=True)
            rows += [(replace(lead, p_value=float(p)), float(g)) for lead, p, g in told]
    if not rows:
        return [], pd.DataFrame(columns=["driver", "family", "lag", "p_value", "needed"])
    from statsmodels.stats.multitest import multipletests  # here: `status` must not wait for it

    p_values = np.array([lead.p_value for lead, _ in rows])
    is_beyond = multipletests(p_values, alpha=_FALSE_RATE, method="fdr_bh")[0]
    best: dict[tuple, Lead] = {}
    for (lead, gain), is_sure in zip(rows, is_beyond, strict=True):
        key = (lead.series.name, lead.series.region, lead.family)
        if is_sure and gain > 0 and (key not in best or lead.p_value < best[key].p_value):
            best[key] = lead
    tries = pd.DataFrame(
        {
            "driver": [lead.series.name for lead, _ in rows],
            "family": [lead.family for lead, _ in rows],
            "lag": [lead.lag for lead, _ in rows],
            "p_value": p_values,
            "needed": _FALSE_RATE / len(rows),
        }
    )
    first = tries.sort_values("p_value", kind="stable").drop_duplicates("driver")
    return list(best.values()), first.sort_values("driver", ignore_index=True)


def rates(leads: list[Lead], known: pd.DatetimeIndex, *, ahead: int) -> pd.DataFrame:
    """Table ``market_rates``: by how much each lead moves demand, month by month.

    Returns
    -------
    DataFrame
        Key ``driver, family, region, month``: ``rate`` beside the series' long-run mean. It is
        known for ``lag_months`` ahead; beyond, each month keeps ``memory_share`` of the one before.
    """
    parts = []
    for lead in leads:
        count, lag = len(known), lead.lag
        told = np.concatenate([np.zeros(lag), lead.series.values])[: count + ahead]
        fading = told[-1] * lead.series.memory ** np.arange(1, count + ahead - len(told) + 1)
        moved = np.expm1(lead.effect * np.concatenate([told, fading]))
        rows = {"driver": lead.series.name, "family": lead.family, "region": lead.series.region}
        rows |= {"month": months.span(known[0], count + ahead), "rate": moved, "lag_months": lag}
        parts.append(pd.DataFrame(rows | {"memory_share": lead.series.memory}))
    columns = "driver family region month rate lag_months memory_share".split()
    typed = {"rate": "float64", "month": months.DTYPE, "memory_share": "float64"}
    empty = pd.DataFrame(columns=columns).astype(typed)
    return pd.concat(parts, ignore_index=True)[columns] if parts else empty
