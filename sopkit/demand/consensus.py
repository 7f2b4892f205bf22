"""One number of all views: statistical + events + departments + overrides = consensus, exactly."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema

_YEAR = 12


def events_layer(
    events: pd.DataFrame, base: pd.DataFrame, *, cycle: pd.Timestamp
) -> tuple[np.ndarray, pd.DataFrame]:
    """What is known to come, at the planner's expected rate times its probability.

    Parameters
    ----------
    events : DataFrame
        Table `events`.
    base : DataFrame
        Statistical forecast: series, ``month``, all levels, ``quantity``, ``factor`` to the common
        unit.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    change : array (n,)
        Units by row of base; rates of several events multiply.
    effects : DataFrame
        Table `event_effects`, a row an event that acts in a month of the plan: ``change`` in the
        common unit, ``finding``.

    Notes
    -----
    What the forecast has learned from history is not added again: an event that began before the
    cycle, or one that took place in the same month of an earlier year with the same kind and
    levels, changes nothing here and says so.
    """
    events = events.assign(**{name: events[name].fillna(schema.ALL) for name in schema.LEVELS})
    share = np.ones(len(base))
    rows, month = [], base["month"]
    for event in events.sort_values(["first_month", "event"]).to_dict("records"):
        named = [level for level in schema.LEVELS if event[level] != schema.ALL]
        last = event["last_month"] if pd.notna(event["last_month"]) else month.max()
        covered = ((month >= event["first_month"]) & (month <= last)).to_numpy(dtype=bool)
        for level in named:
            covered = covered & (base[level] == event[level]).to_numpy(dtype=bool)
        if last < cycle or event["first_month"] > month.max():
            continue
        why = _learned(event, events, cycle)
        chance = 1.0 if pd.isna(event["probability_rate"]) else event["probability_rate"]
        before = share.copy()
        if not why and covered.any():
            share[covered] *= max(1.0 + chance * event["expected_rate"], 0.0)
        units = (base["quantity"] * base["factor"] * (share - before)).sum()
        missing = "" if covered.any() else "covers nothing in the plan: correct its names"
        rows.append(
            {
                "event": event["event"],
                "kind": event["kind"].replace("_", " "),
                "first_month": event["first_month"],
                "last_month": event["last_month"],
                "owner": event["owner"],
                "expected_rate": event["expected_rate"],
                "probability_rate": chance,
                "change": units,
                "finding": why or missing,
            }
        )
    columns = (
        "event kind first_month last_month owner expected_rate probability_rate change finding"
    )
    effects = pd.DataFrame(rows, columns=columns.split())
    kinds = {"first_month": months.DTYPE, "last_month": months.DTYPE}
    effects = effects.astype(kinds | {"change": "float64", "expected_rate": "float64"})
    return (base["quantity"] * (share - 1.0)).to_numpy(dtype="float64"), effects


def _learned(event: dict, events: pd.DataFrame, cycle: pd.Timestamp) -> str:
    """Why history already tells the forecast of an event; empty if it does not."""
    if event["first_month"] < cycle:
        return "began before this cycle: the forecast has learned from it"
    alike = events["kind"] == event["kind"]
    for level in schema.LEVELS:
        alike = alike & (events[level] == event[level])
    apart = months.number(pd.Series([event["first_month"]])).iloc[0] - months.number(
        events["first_month"]
    )
    same = alike & (apart > 0) & (apart % _YEAR == 0) & (events["first_month"] < cycle)
    if same.any():
        return "took place in the same month of earlier years: it is in the season"
    return ""


def demand_plan(
    base: pd.DataFrame, views: pd.DataFrame, skill: pd.DataFrame, events: np.ndarray | float = 0.0
) -> pd.DataFrame:
    """Table ``demand_plan`` before overrides (house §3).

    Parameters
    ----------
    base : DataFrame
        Table `forecast`.
    views : DataFrame
        Table `views`.
    skill : DataFrame
        Table `view_skill`: the weight each department's past has earned.
    events : array (n,)
        Change by events of each row of base, units. A view is measured against both.

    Returns
    -------
    DataFrame
        Key ``item, location, channel, month``; units; ``events`` and ``departments`` are the
        changes they make. A department without a number for a key changes nothing there.

    Examples
    --------
    >>> key = {"item": ["A"], "location": ["all"], "channel": ["all"], "month": ["2026-01"]}
    >>> forecast = pd.DataFrame({**key, "quantity": [100.0]})
    >>> views = pd.DataFrame({"department": ["sales"], **key, "quantity": [130.0]})
    >>> skill = pd.DataFrame({"department": ["sales"], "weight_share": [0.25]})
    >>> demand_plan(forecast, views, skill, np.array([10.0]))["consensus"].tolist()
    [115.0]
    """
    plan = base[[*schema.SERIES_MONTH, "quantity"]].rename(columns={"quantity": "statistical"})
    plan = plan.assign(events=np.zeros(len(plan)) + events)
    plan = plan.assign(known=plan["statistical"] + plan["events"])
    weight = skill.set_index("department")["weight_share"]
    known = views.assign(weight=views["department"].map(weight).fillna(0.0))
    # inner: a view outside the plan's keys was already reported as unplaced
    beside = known.merge(plan, on=schema.SERIES_MONTH, how="inner", validate="many_to_one")
    beside = beside.assign(change=beside["weight"] * (beside["quantity"] - beside["known"]))
    change = beside.groupby(schema.SERIES_MONTH, as_index=False)["change"].sum()
    plan = plan.merge(change, on=schema.SERIES_MONTH, how="left", validate="one_to_one")
    plan = plan.assign(departments=plan["change"].fillna(0.0)).drop(columns=["change", "known"])
    return with_overrides(plan, 0.0)


def with_overrides(plan: pd.DataFrame, overrides: np.ndarray | float) -> pd.DataFrame:
    """The plan with what people changed by hand, and the consensus that all layers sum to.

    ``constrained`` is the consensus: what sales agreed to of supply's feedback comes after.
    """
    plan = plan.assign(overrides=np.zeros(len(plan)) + overrides)
    total = plan["statistical"] + plan["events"] + plan["departments"] + plan["overrides"]
    return plan.assign(consensus=total, constrained=total)
