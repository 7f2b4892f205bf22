"""Which market series move demand, with what lag, and what they bring in months ahead.

A series counts as it stands beside its own trend and season: these belong to demand's own. Many
series at many lags in many families are tried, so one is believed only if its z value is beyond
what so many tries bring by chance (Benjamini and Hochberg), and if it would have helped in the
last twelve months, known from the months before. Those believed then stand together: of series
that are nearly the same one stays, and none whose interval, beside the others, holds zero.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import ndtr

from sopkit import months, schema
from sopkit.demand import driver_groups, driver_model, event_rates

MARKET = "market size"  # the company's own market in money: it leads nothing in its own month
LAGS = 12  # months, the longest lead tried
_YEAR = 12
_FALSE_RATE = 0.1  # share of the series believed that may move nothing
_SHORTEST = 36  # months a series must be known
_ALIKE = 0.95  # correlation, above which two series are nearly the same


@dataclass(frozen=True)
class Series:
    """A market series beside its trend and season, zero where unknown, over the history's months.

    ``values`` are logarithms, or standard deviations where it is not above zero throughout;
    ``memory`` is what it keeps of a month in the next; it is ``silent`` for so many last months.
    """

    name: str
    family: str
    region: str
    values: np.ndarray
    memory: float
    is_log: bool
    silent: int = 0


@dataclass(frozen=True)
class Lead:
    """A series that moves a family after ``lag`` months; ``effect`` on the logarithm of demand.

    ``sign`` is what it is where the series stands alone.
    """

    series: Series
    family: str
    lag: int
    p_value: float
    effect: float = np.nan
    error: float = np.nan
    sign: float = 0.0


def series(market: pd.DataFrame, known: pd.DatetimeIndex) -> list[Series]:
    """The series of table `market` that are known long enough, beside their trend and season."""
    made = []
    for name, family, region, values in _each(market, known):
        is_known = np.isfinite(values)
        if _flaw(values, known):
            continue
        is_log = bool((values[is_known] > 0).all())
        values = np.log(np.where(is_known, values, 1.0)) if is_log else values
        time = np.arange(len(values))
        beside = np.column_stack([np.eye(_YEAR)[known.month.to_numpy() - 1], time])
        usual = np.linalg.lstsq(beside[is_known], values[is_known], rcond=None)[0]
        values = np.where(is_known, values - beside @ usual, 0.0)
        values = values if is_log else values / values[is_known].std()
        memory = (values[1:] @ values[:-1]) / (values @ values) + 4.0 / len(values)
        memory, silent = float(np.clip(memory, 0, 0.95)), int(is_known[::-1].argmax())
        made.append(Series(name, family, region, values, memory, is_log, silent))
    return made


def flaws(market: pd.DataFrame, known: pd.DatetimeIndex) -> dict[tuple[str, str], str]:
    """Why a series, by its name and family, cannot be tried."""
    told = (
        (name, family, _flaw(values, known)) for name, family, _, values in _each(market, known)
    )
    return {(name, family): why for name, family, why in told if why}


def _each(market: pd.DataFrame, known: pd.DatetimeIndex) -> list[tuple]:
    """Name, family, region of each series, and its values in the months known, NaN where none."""
    filled = market.assign(**{n: market[n].fillna(schema.ALL) for n in ("family", "region")})
    return [
        (*key, rows.set_index("month")["value"].reindex(known).to_numpy(dtype="float64"))
        for key, rows in filled.groupby(["series", "family", "region"])
    ]


def _flaw(values: np.ndarray, known: pd.DatetimeIndex) -> str:
    """Why a series cannot be tried: short, constant, silent or with gaps; empty if it can."""
    place = np.flatnonzero(np.isfinite(values))
    if len(place) < _SHORTEST:
        return f"known in {len(place)} months of the history: {_SHORTEST} are needed"
    if not values[place].std() > 0:
        return "it never changes"
    if len(values) - 1 - place[-1] > LAGS:
        return f"silent since {months.label(known[place[-1] + 1])}: it says nothing of months ahead"
    if (gap := np.diff(place)).max() > 2:  # months between values: two bridge a single one
        first = known[place[gap.argmax()] + 1]
        return f"{gap.max() - 1} months without a value from {months.label(first)}: fill the gap"
    return ""


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
        ``driver, family, lag, p_value, needed, remark``: the best try of each series.
    """
    rows = []
    for one in known:
        named = covered.families if one.family == schema.ALL else [one.family]
        # a series that is silent says something of months ahead only where it leads by more
        lags = range(max(one.silent + 1 if one.silent else 0, one.name == MARKET), LAGS + 1)
        for family in [name for name in named if name in covered.families]:
            leads = [Lead(one, family, lag, np.nan) for lag in lags]
            columns = np.stack([column(covered, lead) for lead in leads])
            number = covered.families.index(family)
            z, gain = driver_model.tried(covered.groups, fit, columns, number)
            told = zip(leads, 2.0 * ndtr(-np.abs(z)), z, gain, strict=True)
            rows += [
                (replace(lead, p_value=float(p), sign=float(np.sign(value))), float(g))
                for lead, p, value, g in told
            ]
    if not rows:
        columns = ["driver", "family", "lag", "p_value", "needed", "remark"]
        return [], pd.DataFrame(columns=columns)
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
            "remark": [_silence(lead.series, covered.panel.months) for lead, _ in rows],
        }
    )
    first = tries.sort_values("p_value", kind="stable").drop_duplicates("driver")
    return list(best.values()), first.sort_values("driver", ignore_index=True)


def _silence(one: Series, known: pd.DatetimeIndex) -> str:
    """Since when a series is silent, in words."""
    if not one.silent:
        return ""
    since, least = months.label(known[-one.silent]), one.silent + 1
    return f"; silent since {since}, so only leads of {least} months and more were tried"


def together(
    covered: driver_groups.Covered, columns: np.ndarray, leads: list[Lead], fit: driver_model.Fit
) -> tuple[list[Lead], dict[tuple[str, str], str], np.ndarray, driver_model.Fit]:
    """Leads that still say something beside each other, with their effects.

    Parameters
    ----------
    covered : Covered
        Groups of series.
    columns : array (n_events, n_months, n_groups)
        What events cover.
    leads : list of Lead
        From ``believed``.
    fit : Fit
        Effects of the events alone.

    Returns
    -------
    leads : list of Lead
        Of those of a family that are nearly the same the one beyond chance by most; none whose 90 %
        interval holds zero, or whose effect turns round beside the others.
    left_out : dict
        Why not, by series and family.
    columns, fit
        Of the events and these leads.
    """
    kept: list[Lead] = []
    why: dict[tuple[str, str], str] = {}
    for lead in sorted(leads, key=lambda lead: lead.p_value):
        if twin := next((one for one in kept if _is_alike(lead, one)), None):
            words = (
                f"nearly the same as {twin.series.name} {twin.lag} months later, which says more"
            )
            why[lead.series.name, lead.family] = words
        else:
            kept.append(lead)
    while kept:
        more = np.stack([column(covered, lead) for lead in kept])
        every = np.concatenate([columns, more])
        both = driver_model.fit(covered.groups, every)
        effect, error = both.effect[len(columns) :], both.error[len(columns) :]
        # one that turns its sign beside the others says how it differs from them, not what it leads
        is_itself = np.sign(effect) == [lead.sign for lead in kept]
        sure = np.where(is_itself, np.nan_to_num(np.abs(effect) / error), 0.0)
        if sure.min() > event_rates.QUANTILE:
            told = zip(kept, effect, error, strict=True)
            kept = [replace(lead, effect=float(e), error=float(s)) for lead, e, s in told]
            return kept, why, every, both
        lead = kept.pop(place := int(sure.argmin()))
        words = "beside the other series it says nothing more: its interval holds zero"
        words = words if is_itself[place] else "beside the other series its effect turns round"
        why[lead.series.name, lead.family] = words
    return kept, why, columns, fit


def _is_alike(one: Lead, other: Lead) -> bool:
    """Whether two leads of a family say the same at their lags."""
    if one.family != other.family or one.series.region != other.series.region:
        return False
    pair = [
        _later(lead.series.values, lead.lag)[max(one.lag, other.lag) :] for lead in (one, other)
    ]
    return abs(np.corrcoef(*pair)[0, 1]) > _ALIKE


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
        count, lag = len(known), lead.lag - lead.series.silent
        heard = lead.series.values[: count - lead.series.silent]
        told = np.concatenate([np.zeros(lead.lag), heard])[: count + ahead]
        fading = told[-1] * lead.series.memory ** np.arange(1, count + ahead - len(told) + 1)
        moved = np.expm1(lead.effect * np.concatenate([told, fading]))
        rows = {"driver": lead.series.name, "family": lead.family, "region": lead.series.region}
        rows |= {"month": months.span(known[0], count + ahead), "rate": moved, "lag_months": lag}
        parts.append(pd.DataFrame(rows | {"memory_share": lead.series.memory}))
    columns = "driver family region month rate lag_months memory_share".split()
    typed = {"rate": "float64", "month": months.DTYPE, "memory_share": "float64"}
    empty = pd.DataFrame(columns=columns).astype(typed)
    return pd.concat(parts, ignore_index=True)[columns] if parts else empty
