"""One number of all views: statistical + events + departments + overrides = consensus, exactly."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import driver_groups, event_rates, hierarchy

_YEAR = 12
_EFFECTS = {
    "event": "object",
    "kind": "object",
    "first_month": months.DTYPE,
    "last_month": months.DTYPE,
    "owner": "object",
    "expected_rate": "float64",
    "used_rate": "float64",
    "probability_rate": "float64",
    "change": "float64",
    "finding": "object",
    "unplanned_value": "float64",
}


def events_layer(
    events: pd.DataFrame,
    base: pd.DataFrame,
    *,
    cycle: pd.Timestamp,
    effects: pd.DataFrame | None = None,
    market: pd.DataFrame | None = None,
) -> tuple[np.ndarray, pd.DataFrame]:
    """What is known to come, and what was taken out of history and acts on.

    Parameters
    ----------
    events : DataFrame
        Table `events`.
    base : DataFrame
        Statistical forecast: series, ``month``, all levels, ``quantity``, ``factor`` to the common
        unit.
    cycle : Timestamp
        Month in which the plan is made.
    effects : DataFrame, optional
        Table `driver_effects`: what past events did, and was taken out of history.
    market : DataFrame, optional
        Table `market_rates`: by how much market series move demand in months ahead.

    Returns
    -------
    change : array (n,)
        Units by row of base; rates of several events multiply.
    effects : DataFrame
        Table `event_effects`, a row an event or market series that acts in a month of the plan:
        ``change`` in the common unit, ``used_rate`` (before its probability), ``finding``. And a
        row for each month ahead in which a promotion that comes every year is not planned:
        ``unplanned_value`` is what it would add, in money where base has ``unit_price_value``.

    Notes
    -----
    An event that was taken out of history and still acts is put back at the same rate. One that
    history holds still (it began before the cycle, or took place in the same month of an earlier
    year with the same kind and levels, and none of these was taken out) changes nothing here and
    says so; where only some of these were taken out, it acts by their share. A coming one acts at
    the planner's rate weighed with what past ones brought (``event_rates.coming``), times its
    probability. One that began before the cycle with a chance of 0 did not take place.
    """
    change, rows = moved_by_events(events, base, cycle=cycle, effects=effects, market=market)
    planned = base.assign(quantity=base["quantity"] + change)
    rows += _not_planned_again(_counting(events, cycle), _known(effects), planned, cycle)
    return change, pd.DataFrame(rows, columns=list(_EFFECTS)).astype(_EFFECTS)


def moved_by_events(
    events: pd.DataFrame,
    base: pd.DataFrame,
    *,
    cycle: pd.Timestamp,
    effects: pd.DataFrame | None = None,
    market: pd.DataFrame | None = None,
) -> tuple[np.ndarray, list[dict]]:
    """As ``events_layer``, without promotions that are not planned; effects as rows."""
    moves = _moves(events, base, cycle, effects, market)
    factor = base["factor"].to_numpy(dtype="float64")
    rows = [row | {"change": float((units * factor).sum())} for row, units in moves]
    return sum((units for _, units in moves), np.zeros(len(base))), rows


def growth_layers(
    events: pd.DataFrame,
    base: pd.DataFrame,
    *,
    cycle: pd.Timestamp,
    effects: pd.DataFrame,
    market: pd.DataFrame,
) -> pd.DataFrame:
    """Table ``growth_layers``: what ``events_layer`` adds, told apart by kind.

    Parameters
    ----------
    events, base, cycle, effects, market
        As there; base also has ``unit_price_value``.

    Returns
    -------
    DataFrame
        Key ``family, month, kind``: ``units`` in the common unit, ``amount_value`` at the prices of
        the plan, missing without one. Kinds that add nothing are left out.
    """
    parts = []
    for row, units in _moves(events, base, cycle, effects, market):
        part = base[["family", "month"]].assign(kind=row["kind"], units=units * base["factor"])
        parts.append(part.assign(amount_value=units * base["unit_price_value"])[units != 0])
    columns = {"family": "object", "month": months.DTYPE, "kind": "object"}
    columns |= {"units": "float64", "amount_value": "float64"}
    table = pd.concat(parts) if parts else pd.DataFrame(columns=list(columns)).astype(columns)
    return hierarchy.aggregate(table, ["family", "month", "kind"], ["units", "amount_value"])


def _moves(
    events: pd.DataFrame,
    base: pd.DataFrame,
    cycle: pd.Timestamp,
    effects: pd.DataFrame | None,
    market: pd.DataFrame | None,
) -> list[tuple[dict, np.ndarray]]:
    """Row of `event_effects` and units by row of base of all that acts, one upon the other."""
    events, known, acting = _counting(events, cycle), _known(effects), []
    past = event_rates.past_events(events, known)
    for event in events.sort_values(["first_month", "event"]).to_dict("records"):
        last = event["last_month"] if pd.notna(event["last_month"]) else base["month"].max()
        if last < cycle or event["first_month"] > base["month"].max():
            continue
        covered = driver_groups.covers(base, event) & driver_groups.active(event, base["month"])
        rate, chance, finding = _to_act(event, events, known, past, cycle)
        factor = max(1.0 + chance * rate, 0.0) if np.isfinite(rate) else 1.0
        finding = finding if covered.any() else "covers nothing in the plan: correct its names"
        names = ["event", "first_month", "last_month", "owner", "expected_rate"]
        row = {name: event[name] for name in names} | {"kind": event["kind"].replace("_", " ")}
        row |= {"used_rate": rate, "probability_rate": chance, "finding": finding}
        acting.append((row, np.where(covered, factor, 1.0)))
    acting += _market_moves(base, market)
    moves, quantity = [], base["quantity"].to_numpy(dtype="float64")
    for row, factor in acting:
        moves.append((row, quantity * (factor - 1.0)))
        quantity = quantity * factor
    return moves


def _counting(events: pd.DataFrame, cycle: pd.Timestamp) -> pd.DataFrame:
    """Events that took place or may still do, every level told."""
    events = events.assign(**{name: events[name].fillna(schema.ALL) for name in schema.LEVELS})
    return events[(events["first_month"] >= cycle) | (events["probability_rate"] != 0)]


def _known(effects: pd.DataFrame | None) -> pd.DataFrame:
    return pd.DataFrame(columns=["driver", "state"]) if effects is None else effects


def _to_act(
    event: dict, events: pd.DataFrame, known: pd.DataFrame, past: pd.DataFrame, cycle: pd.Timestamp
) -> tuple[float, float, str]:
    """Rate and chance at which an event acts on the plan, NaN where history holds it, and why."""
    chance = 1.0 if pd.isna(event["probability_rate"]) else event["probability_rate"]
    used = known[(known["state"] == event_rates.USED) & known["driver"].isin(events["event"])]
    own = used[used["driver"] == event["event"]]
    if len(own):
        row = own.iloc[0]
        words = f"{row['rate']:+.1%} measured, {row['used_rate']:+.1%} used"
        return row["used_rate"], 1.0, f"{words}: taken out of history, and put back here"
    if event["first_month"] < cycle:
        return np.nan, chance, "began before this cycle: the forecast has learned from it"
    earlier = _earlier(event, events, cycle)
    is_out = earlier["event"].isin(used["driver"])
    if len(earlier) and not is_out.any():
        why = "took place in the same month of earlier years: it is in the season"
        return np.nan, chance, why
    rate, chance, finding = _weighed(event, past, chance)
    # those before the first that was taken out may be older than history
    is_out = is_out[earlier["first_month"] >= earlier["first_month"][is_out].min()]
    if not is_out.all():
        rate = float(np.expm1(is_out.mean() * event_rates.as_log(rate)))
        finding += f"; {is_out.sum()} of {len(is_out)} past ones were taken out of history, the "
        finding += f"others are in the season: {rate:+.1%} is put back"
    return rate, chance, finding


def _weighed(event: dict, past: pd.DataFrame, chance: float) -> tuple:
    rate, finding = event["expected_rate"], ""
    if len(past) and event["kind"] != "price":  # a price is a decision, no repetition of past ones
        rate, finding = event_rates.rate_of(event, past)
    return rate, chance, finding


def _market_moves(base: pd.DataFrame, market: pd.DataFrame | None) -> list[tuple[dict, np.ndarray]]:
    """Row of `event_effects` of each market series, and what it multiplies rows of base by."""
    if market is None:
        return []
    acting = []
    for (name, family, region), rows in market.groupby(["driver", "family", "region"]):
        covered = driver_groups.covers(base, {"family": family, "region": region})
        rate = base["month"].map(rows.set_index("month")["rate"]).fillna(0.0).to_numpy()
        ahead = rows[rows["month"].isin(base["month"])]
        lag = int(rows["lag_months"].iloc[0])
        finding = f"known {lag} months ahead; then it returns to its mean, and demand with it"
        row = {"event": f"{name}: {family}", "kind": "market series", "finding": finding}
        row |= {"first_month": base["month"].min(), "last_month": base["month"].max()}
        row |= {"used_rate": ahead["rate"].iloc[0] if len(ahead) else 0.0, "probability_rate": 1.0}
        acting.append((row, np.where(covered, 1.0 + rate, 1.0)))
    return acting


def _not_planned_again(
    events: pd.DataFrame, known: pd.DataFrame, base: pd.DataFrame, cycle: pd.Timestamp
) -> list[dict]:
    """Promotions taken out of history that came in each of two last years: months without one."""
    used = known.loc[known["state"] == event_rates.USED, "driver"]
    promotions = events[events["kind"] == "promotion"]
    own = promotions[promotions["event"].isin(used)]
    past, rows = event_rates.past_events(promotions, known), []
    for _, same in own.groupby([*schema.LEVELS, own["first_month"].dt.month]):
        last = same.sort_values("first_month").iloc[-1].to_dict()
        alike = promotions[(promotions[schema.LEVELS] == same[schema.LEVELS].iloc[0]).all(axis=1)]
        since = months.number(cycle) - months.number(same["first_month"])
        if not {0, 1} <= set((since - 1) // _YEAR):  # in each of the two years before the cycle
            continue
        for years in range(1, 1 + (base["month"].max().year - last["first_month"].year)):
            event = last | {n: months.shift(last[n], _YEAR * years) for n in _ENDS}
            if event["first_month"] in [*alike["first_month"]]:
                continue
            rows += _without(event, past, base)
    return rows


_ENDS = ("first_month", "last_month")


def _without(event: dict, past: pd.DataFrame, base: pd.DataFrame) -> list[dict]:
    """The row of a promotion that is not planned, with what it would add; none if nothing."""
    own = driver_groups.covers(base, event) & driver_groups.active(event, base["month"])
    units = base["quantity"].where(own, 0.0) * _weighed(event, past, 1.0)[0]
    if not units.any():
        return []
    name, when = event["event"], months.label(event["first_month"])
    finding = f"ran each {event['first_month']:%B}; none is planned for {when}, history is without "
    finding += f"it: as {name} it would add {(units * base['factor']).sum():,.0f} units"
    row = {"event": f"{name}, again in {when}", "kind": "promotion not planned", "change": 0.0}
    row |= {column: event[column] for column in (*_ENDS, "owner", "expected_rate")}
    price = base.get("unit_price_value", pd.Series(np.nan, index=base.index))
    return [row | {"finding": finding, "unplanned_value": (units * price).sum(min_count=1)}]


def _earlier(event: dict, events: pd.DataFrame, cycle: pd.Timestamp) -> pd.DataFrame:
    """Past events of the same kind and levels in the same month of earlier years."""
    alike = (events["kind"] == event["kind"]) & (events["first_month"] < cycle)
    for level in schema.LEVELS:
        alike = alike & (events[level] == event[level])
    return events[alike & (events["first_month"].dt.month == event["first_month"].month)]


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
    plan = plan.assign(known=with_events(plan))
    weight = skill.set_index("department")["weight_share"]
    known = views.assign(weight=views["department"].map(weight).fillna(0.0))
    # inner: a view outside the plan's keys was already reported as unplaced
    beside = known.merge(plan, on=schema.SERIES_MONTH, how="inner", validate="many_to_one")
    beside = beside.assign(change=beside["weight"] * (beside["quantity"] - beside["known"]))
    change = beside.groupby(schema.SERIES_MONTH, as_index=False)["change"].sum()
    plan = plan.merge(change, on=schema.SERIES_MONTH, how="left", validate="one_to_one")
    plan = plan.assign(departments=plan["change"].fillna(0.0)).drop(columns=["change", "known"])
    return with_overrides(plan, 0.0)


def with_events(plan: pd.DataFrame) -> pd.Series:
    """What departments are compared with: the statistical forecast of a plan, and its events."""
    return plan["statistical"] + plan["events"]


def with_overrides(plan: pd.DataFrame, overrides: np.ndarray | float) -> pd.DataFrame:
    """The plan with what people changed by hand, and the consensus that all layers sum to.

    ``constrained`` is the consensus: what sales agreed to of supply's feedback comes after.
    """
    plan = plan.assign(overrides=np.zeros(len(plan)) + overrides)
    total = with_events(plan) + plan["departments"] + plan["overrides"]
    return plan.assign(consensus=total, constrained=total)
