"""What the tables of a cycle say of one slice of them, as one series: months, events, the panel.

A slice names members of levels (``family``, ``item``, ``location``, ``channel`` …); what it does
not name is added up, in planning units.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand.workshop import PANEL

MOST_HIDDEN = 0.2  # share of demand that nobody measured, above which a month is not known
_USUAL_MONTHS = 24  # over which series of a slice are weighed by their size


@dataclass(frozen=True)
class Series:
    """One slice, as ``workshop`` takes it.

    ``values`` (n_months,), NaN where not known, ``month``; rates of ``events`` (n_months +
    horizon, n_kinds); ``panel`` ahead; ``past`` forecasts.
    """

    values: np.ndarray
    month: pd.DatetimeIndex
    events: pd.DataFrame
    panel: pd.DataFrame
    past: pd.DataFrame


def of_slice(tables: dict[str, pd.DataFrame], named: dict[str, str], *, has_events: bool) -> Series:
    """One slice of a cycle as a series.

    Parameters
    ----------
    tables : dict of DataFrame
        ``demand_history``, ``forecast``, ``demand_plan`` and ``backtest`` with their levels, in
        planning units; raw ``events``.
    named : dict
        Level → member; empty is the whole company.
    has_events : bool
        Demand with what events did to it, and events as rates; else the baseline, without.

    Raises
    ------
    UsageError
        If nothing was ever sold in the slice.
    """
    history = _chosen(tables["demand_history"], named)
    if history.empty:
        raise months.UsageError("Nothing was ever sold there: choose other members.")
    measure = "demand" if has_events else "baseline"
    by_month = history.assign(hidden=history["demand"].where(history["is_stockout"], 0.0))
    sums = by_month.groupby("month")[["demand", "baseline", "hidden"]].sum()
    is_known = sums["hidden"] <= MOST_HIDDEN * sums["demand"].clip(lower=0.0)
    values = sums[measure].where(is_known)
    keys = history[schema.SERIES].drop_duplicates()
    plan = _chosen(tables["demand_plan"], named).merge(
        keys, on=schema.SERIES, how="inner", validate="many_to_one"
    )
    ahead = pd.DatetimeIndex(sorted(plan["month"].unique()))
    every = sums.index.append(ahead)
    acting = tables["events"] if has_events else tables["events"].iloc[:0]
    panel = _panel(plan, tables["forecast"], len(keys), has_events)
    past = _past(_chosen(tables["backtest"], named), sums["demand"], values)
    return Series(
        values.to_numpy(),
        pd.DatetimeIndex(sums.index),
        event_rates(acting, history, every, first_ahead=len(sums)),
        panel,
        past,
    )


def event_rates(
    events: pd.DataFrame, history: pd.DataFrame, month: pd.DatetimeIndex, *, first_ahead: int
) -> pd.DataFrame:
    """By how much events were expected to move the sum of some series, month by month and kind.

    Parameters
    ----------
    events : DataFrame
        Table `events`.
    history : DataFrame
        Table `demand_history` of these series, with the levels above its keys.
    month : DatetimeIndex (n,)
        Months wanted.
    first_ahead : int
        Position of the first month ahead: from there on a rate counts by its probability.

    Returns
    -------
    DataFrame
        (n,) rows, a column a kind in words: rate × share of the series that the event touches.

    Examples
    --------
    >>> month = months.span(pd.Timestamp("2025-11-01"), 3)
    >>> history = pd.DataFrame({"item": ["A", "B"], "month": month[0], "demand": [30.0, 10.0]})
    >>> event = {"kind": "promotion", "first_month": month[1], "last_month": month[1]}
    >>> event |= {"item": "A", "expected_rate": 0.2, "probability_rate": 0.5}
    >>> events = pd.DataFrame([event])
    >>> event_rates(events, history, month, first_ahead=2)["promotion"].round(3).tolist()
    [0.0, 0.15, 0.0]
    """
    recent = history[history["month"] > months.shift(history["month"].max(), -_USUAL_MONTHS)]
    total = recent["demand"].sum()
    factors: dict[str, np.ndarray] = {}
    is_ahead = np.arange(len(month)) >= first_ahead
    for event in events.to_dict("records"):
        touched = np.ones(len(recent), dtype=bool)
        for level in schema.LEVELS:
            name = event.get(level)
            if pd.notna(name) and name != schema.ALL:
                touched &= (recent[level] == name).to_numpy() if level in recent else False
        share = recent["demand"].to_numpy()[touched].sum() / total if total > 0 else 0.0
        if share <= 0:
            continue
        acts = month >= event["first_month"]
        if pd.notna(event["last_month"]):
            acts &= month <= event["last_month"]
        chance = 1.0 if pd.isna(event["probability_rate"]) else event["probability_rate"]
        rate = share * event["expected_rate"] * np.where(is_ahead, chance, 1.0)
        kind = event["kind"].replace("_", " ")
        factors[kind] = factors.get(kind, np.ones(len(month))) * np.where(acts, 1.0 + rate, 1.0)
    return pd.DataFrame(factors, index=range(len(month))) - 1.0


def _chosen(table: pd.DataFrame, named: dict[str, str]) -> pd.DataFrame:
    for level, member in named.items():
        table = table[table[level] == member]
    return table


def _panel(
    plan: pd.DataFrame, forecast: pd.DataFrame, count: int, has_events: bool
) -> pd.DataFrame:
    """The panel's answer by month; its 80 % bounds for a single series only: they do not add up."""
    quantity = plan["statistical"] + (plan["events"] if has_events else 0.0)
    said = plan.assign(quantity=quantity).groupby("month", as_index=False)["quantity"].sum()
    bounds = ["quantity_lower", "quantity_upper"]
    if count > 1 or plan.empty:
        return said.assign(**dict.fromkeys(bounds, np.nan))
    own = plan[[*schema.SERIES_MONTH, "events"]].merge(
        forecast[[*schema.SERIES_MONTH, *bounds]],
        on=schema.SERIES_MONTH,
        how="left",
        validate="one_to_one",
    )
    moved = own["events"] if has_events else 0.0
    limits = own[["month"]].assign(**{name: own[name] + moved for name in bounds})
    return said.merge(limits, on="month", how="left", validate="one_to_one")


def _past(tests: pd.DataFrame, demand: pd.Series, values: pd.Series) -> pd.DataFrame:
    """What the panel would have said at past origins: what came, and its errors upon it.

    A month is left out where more than a fifth of its demand was not judged.
    """
    tests = tests.assign(error=tests["combined"] - tests["actual"])
    sums = tests.groupby(["origin", "month"], as_index=False)[["error", "actual"]].sum()
    came, whole = values.reindex(sums["month"]).to_numpy(), demand.reindex(sums["month"]).to_numpy()
    is_judged = np.isfinite(came) & (sums["actual"].to_numpy() >= (1 - MOST_HIDDEN) * whole)
    said = sums[["origin", "month"]].assign(**{PANEL: came + sums["error"].to_numpy()})
    return said[is_judged].reset_index(drop=True)
