"""What events and market series did to demand, each a layer of its own that history can do without.

Effects are estimated on sums of series (``driver_groups``, ``driver_model``), weighed with what
planners expected (``event_rates``) and taken out of the series they cover; what acts on in the
plan's months is put back there by ``consensus.events_layer``, at the same rate.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import (
    corrections,
    driver_groups,
    driver_model,
    elasticity,
    event_rates,
    forecasting,
    hierarchy,
    history,
    market_leads,
    promotions,
)

AHEAD = 36  # months ahead for which market series are told
SERIES_KIND = "market series"
_REFUSED = {"state": event_rates.REFUSED, "finding": "refused: it stays in the history"}
_IN_PART = "; refused for a part of it only, so it counts: refuse all that it covers"
_UNSOLD = "covers no group of series that sold enough in every month"
_UNTRIED = "its family has no series that sold enough"
COLUMNS = (
    "kind driver family first_month last_month lag rate rate_lower rate_upper expected_rate "
    "used_rate used_lower used_upper p_value units amount_value state finding"
).split()
_TYPES = dict.fromkeys(["first_month", "last_month"], months.DTYPE) | dict.fromkeys(
    [name for name in COLUMNS if name.endswith(("rate", "value", "lower", "upper", "lag"))]
    + ["units"],
    "float64",
)
Tables = dict[str, pd.DataFrame]


def drivers(demand: pd.DataFrame, tables: Tables, *, cycle: pd.Timestamp) -> Tables:
    """What drivers did, and the history without them.

    Parameters
    ----------
    demand : DataFrame
        Table `demand_history`.
    tables : dict of DataFrame
        Raw `sales`, `items`, `locations`, `channels`, `events`, `market`, `policies`, and
        `planning_units`, `money_rates`.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    dict of DataFrame
        ``driver_effects``, a row a past event and market series: ``rate`` with its 90 % interval is
        what data tell of demand, for a market series of ten percent more of it (of one standard
        deviation where it is not above zero); ``used_rate`` of an event, with its interval, is
        weighed with the planner's; ``units`` in the planning unit; and a row a family, the rate of
        one percent more of price (``elasticity``). ``market_rates``.
        ``origin_rates``: rates of events that acted at an origin of the back-test, as the months
        before it told. ``promotion_returns``. ``demand_history`` with its effects and baseline.
    """
    events = tables["events"]  # a past one whose chance is 0 did not take place
    past = events[(events["first_month"] < cycle) & (events["probability_rate"] != 0)]
    past = past.sort_values(["first_month", "event"]).to_dict("records")
    leads: list[market_leads.Lead] = []
    rows: list[dict] = []
    then: list[dict] = []
    moved: dict[str, np.ndarray] = {}
    if (past or len(tables["market"]) or tables["sales"]["revenue_value"].any()) and len(demand):
        series = _series(demand, tables)
        rows, leads, then = _estimated(demand, series, past, tables)
        rows, leads = _agreed(rows, leads, past, series, demand, tables["policies"])
        demand, moved = _removed(demand, series, past, rows, leads)
        rows = _with_amounts(rows, moved, demand, tables)
    effects = pd.DataFrame(rows, columns=COLUMNS).astype(_TYPES)
    month = pd.DatetimeIndex(sorted(demand["month"].unique()))
    known = market_leads.rates(leads, month, ahead=AHEAD)
    rates = pd.DataFrame(then, columns=["driver", "origin", "rate"])
    rates = rates.astype({"origin": months.DTYPE, "rate": "float64"})
    told = {"driver_effects": effects, "market_rates": known, "origin_rates": rates}
    paid = promotions.returns(demand, moved, effects, tables["events"], tables["money_rates"])
    return told | {"promotion_returns": paid, "demand_history": demand}


def _series(demand: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Series of a history sorted by key, with all that groups are made by."""
    keys = demand[schema.SERIES].drop_duplicates().sort_values(schema.SERIES, ignore_index=True)
    levels = (tables[name] for name in ("items", "locations", "channels"))
    series = hierarchy.with_levels(keys, *levels)
    ends = {
        n: schema.lookup(keys["item"], tables["items"], n) for n in ("launch_month", "end_month")
    }
    ends = {name: pd.to_datetime(month) for name, month in ends.items()}
    return series.assign(factor=hierarchy.factors(keys["item"], tables["planning_units"]), **ends)


def _estimated(
    demand: pd.DataFrame, series: pd.DataFrame, past: list[dict], tables: Tables
) -> tuple[list[dict], list[market_leads.Lead], list[dict]]:
    """Rows of `driver_effects` without amounts, believed leads, rows of `origin_rates`."""
    market = tables["market"]
    regions = market["region"].dropna().unique() if "region" in market else []
    named = [*past, *({"region": region} for region in regions)]
    covered = driver_groups.groups(demand, series, named)
    if covered.groups is None:
        nothing = np.full(len(past), np.nan)
        alone = np.arange(len(past))
        silent = {(name, schema.ALL): covered.left_out for name in market["series"].unique()}
        rows = _events(past, nothing, nothing, covered.left_out, series, alone)
        return rows + _market_rows([], pd.DataFrame(), silent), [], []
    columns = np.array([_column(event, covered) for event in past])
    columns = columns.reshape(len(past), *covered.groups.log.shape)
    why = np.where(columns.any(axis=(1, 2)), event_rates.SEASONAL, _UNSOLD)
    # of events that cover the same the first stands for all: a column of zeros is not told
    first: dict[bytes, int] = {}
    same = np.array([first.setdefault(own.tobytes(), k) for k, own in enumerate(columns)], int)
    columns[same != np.arange(len(past))] = 0.0
    fit = driver_model.fit(covered.groups, columns)
    known = market_leads.series(market, covered.panel.months)
    leads, tries = market_leads.believed(covered, fit, known)
    leads, silent, columns, fit = market_leads.together(covered, columns, leads, fit)
    rows = _events(past, fit.effect, fit.error, why, series, same)
    then = _at_origins(past, columns, fit, covered, same)
    silent |= market_leads.flaws(market, covered.panel.months)
    apart = market[~market["family"].fillna(schema.ALL).isin([*covered.families, schema.ALL])]
    silent = {(name, schema.ALL): _UNTRIED for name in apart["series"].unique()} | silent
    priced = elasticity.elasticities(covered, columns, past, tables["sales"])
    return rows + _market_rows(leads, tries, silent) + priced, leads, then


def _at_origins(
    past: list[dict],
    columns: np.ndarray,
    fit: driver_model.Fit,
    covered: driver_groups.Covered,
    same: np.ndarray,
) -> list[dict]:
    """Rates of events that acted at origins of the back-test, from the months before each."""
    month, rows = covered.panel.months, []
    expected = _hoped(past, same)
    for origin in forecasting.replayed_origins(len(month))[:-1]:
        is_acting = [
            bool(driver_groups.active(event, month[origin - 1 : origin + 1]).all())
            and np.isfinite(fit.effect[same[k]])
            for k, event in enumerate(past)
        ]
        if origin < driver_model.SHORTEST or not any(is_acting):
            continue
        of_then = driver_model.fit(covered.groups.until(origin), columns[:, :origin], fit.noise)
        told, error = event_rates.shared(of_then.effect, of_then.error, expected, same)
        apart = event_rates.spread(told, error, expected)
        mean = event_rates.weighed((told, error), (expected, apart))[0]
        mean = np.where(np.isfinite(mean), mean, expected)
        chosen = [(event, mean[k]) for k, event in enumerate(past) if is_acting[k]]
        rows += [
            {"driver": event["event"], "origin": month[origin], "rate": float(np.expm1(rate))}
            for event, rate in chosen
        ]
    return rows


def _hoped(past: list[dict], same: np.ndarray) -> np.ndarray:
    """What each event was expected to do, a logarithm; twins of a kind are one thing told twice."""
    expected = event_rates.as_log(np.array([event["expected_rate"] for event in past]))
    twins = pd.DataFrame({"same": same, "kind": [event["kind"] for event in past]})
    return expected / twins.groupby(["same", "kind"])["same"].transform("size").to_numpy()


def _column(event: dict, covered: driver_groups.Covered) -> np.ndarray:
    """Share of each group that an event covers in each month (n_months, n_groups)."""
    own = driver_groups.covers(covered.series, event)
    return driver_groups.active(event, covered.panel.months)[:, None] * driver_groups.shares(
        covered, own
    )


def _events(
    past: list[dict], effect: np.ndarray, error: np.ndarray, why, series, same: np.ndarray
) -> list[dict]:
    """Rows of events: what data tell, what planners expected, what is used."""
    expected = _hoped(past, same)
    effect, error = event_rates.shared(effect, error, expected, same)
    apart = event_rates.spread(effect, error, expected)
    mean, deviation = event_rates.weighed((effect, error), (expected, apart))
    whys = np.broadcast_to(why, len(past))
    rows = []
    for k, event in enumerate(past):
        is_told = bool(np.isfinite(effect[k]))
        ends = [effect[k] + side * event_rates.QUANTILE * error[k] for side in (0, -1, 1)]
        rate, lower, upper = np.expm1(ends)
        used = float(np.expm1(mean[k])) if is_told else np.nan
        is_known = driver_groups.covers(series, event).any()
        reason = whys[k] if is_known else "covers no series: correct its names"
        if is_told:
            twins = [past[i]["event"] for i in np.flatnonzero(same == same[k]) if i != k]
            reason = _finding(rate, event, used, twins)
        rows.append(
            {
                "kind": event["kind"].replace("_", " "),
                "driver": event["event"],
                "family": in_words(event),
                "first_month": event["first_month"],
                "last_month": event["last_month"],
                "rate": rate,
                "rate_lower": lower,
                "rate_upper": upper,
                "expected_rate": event["expected_rate"],
                "used_rate": used,
                "used_lower": np.expm1(mean[k] - event_rates.QUANTILE * deviation[k]),
                "used_upper": np.expm1(mean[k] + event_rates.QUANTILE * deviation[k]),
                "p_value": driver_model.p_value(effect[k], error[k]),
                "state": _state(is_told, reason),
                "finding": reason,
            }
        )
    return rows


def _state(is_told: bool, reason: str) -> str:
    if is_told:
        return event_rates.USED
    return reason if reason == event_rates.SEASONAL else event_rates.ONLY_EXPECTED


def _finding(rate: float, event: dict, used: float, twins: list[str]) -> str:
    words = f"data say {rate:+.1%}, {event['expected_rate']:+.1%} was expected: {used:+.1%} is "
    words += "taken out of history"
    if event["probability_rate"] < 1:
        words += f"; entered with a chance of {event['probability_rate']:.0%}, measured as it came"
    if twins:
        words += f"; covers the same as {', '.join(twins)}: one effect, shared by what was expected"
    return words


def in_words(row: dict) -> str:
    """The levels that a row names, ``all`` where it names none.

    Examples
    --------
    >>> in_words({"family": "Tents", "channel": "Online", "region": "all"})
    'Tents, Online'
    """
    named = [row.get(level) for level in schema.LEVELS]
    told = [name for name in named if isinstance(name, str) and name not in ("", schema.ALL)]
    return ", ".join(told) or schema.ALL


def _market_rows(
    leads: list[market_leads.Lead], tries: pd.DataFrame, silent: dict[tuple[str, str], str]
) -> list[dict]:
    """Rows of market series: those that move a family, those left out, best tries of the others."""
    rows = []
    for lead in leads:
        step = np.log(1.1) if lead.series.is_log else 1.0
        ends = [lead.effect + side * event_rates.QUANTILE * lead.error for side in (0, -1, 1)]
        rate, lower, upper = np.expm1(np.array(ends) * step)
        more = "ten percent more" if lead.series.is_log else "one standard deviation more"
        words = f"{more} of it moves demand by {rate:+.1%}, {lead.lag} months later"
        row = {"kind": SERIES_KIND, "driver": lead.series.name, "family": lead.family}
        row |= {"lag": lead.lag, "rate": rate, "rate_lower": lower, "rate_upper": upper}
        row |= {"used_rate": rate, "p_value": lead.p_value, "state": event_rates.USED}
        rows.append(row | {"finding": words})
    told = {(row["driver"], row["family"]) for row in rows}
    for (name, family), words in silent.items():
        if (name, family) not in told:
            row = {"kind": SERIES_KIND, "driver": name, "family": family}
            rows.append(row | {"state": event_rates.UNTOLD, "finding": words})
    known = [row["driver"] for row in rows]
    for one in tries.to_dict("records"):
        if one["driver"] in known:
            continue
        words = f"no more than chance: best try {one['family']} {one['lag']} months later, "
        words += f"p {one['p_value']:.3f}, {one['needed']:.4f} would do{one['remark']}"
        row = {"kind": SERIES_KIND, "driver": one["driver"], "family": schema.ALL}
        row |= {"p_value": one["p_value"], "state": event_rates.UNTOLD, "finding": words}
        rows.append(row)
    return rows


def _agreed(
    rows: list[dict],
    leads: list[market_leads.Lead],
    past: list[dict],
    series: pd.DataFrame,
    demand: pd.DataFrame,
    policies: pd.DataFrame,
) -> tuple[list[dict], list[market_leads.Lead]]:
    """Rows and leads as people want them: what is refused stays in the history.

    An effect counts whole: it is refused where each of its months and series is.
    """
    if not policies["layer"].isin(["promotion", "event", "market"]).any():
        return rows, leads
    every = {event["event"]: event for event in past}
    month = pd.DatetimeIndex(sorted(demand["month"].unique()))
    kept, told = [], []
    for row in rows:
        event = every.get(row["driver"]) if row["kind"] != SERIES_KIND else None
        named = event or {"family": row["family"]}
        when = month[driver_groups.active(event, month)] if event else month
        own = series[driver_groups.covers(series, named)]
        cells = own.merge(pd.DataFrame({"month": when}), how="cross")
        layer = "market" if event is None else _layer_of(event["kind"])
        no = corrections.refused(policies, cells, layer)
        if row["state"] == event_rates.USED and len(no) and no.any():
            row = row | (_REFUSED if no.all() else {"finding": row["finding"] + _IN_PART})
        told.append(row)
        if event is None and row["state"] == event_rates.USED:
            kept.append((row["driver"], row["family"]))
    return told, [lead for lead in leads if (lead.series.name, lead.family) in kept]


def _layer_of(kind: str) -> str:
    """The layer of history that an event's effect stands in."""
    return "promotion" if kind == "promotion" else "event"


def _removed(
    demand: pd.DataFrame,
    series: pd.DataFrame,
    past: list[dict],
    rows: list[dict],
    leads: list[market_leads.Lead],
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """The history with its effects, and units of each driver by row of it."""
    keys = pd.MultiIndex.from_frame(series[schema.SERIES])
    place = keys.get_indexer(pd.MultiIndex.from_frame(demand[schema.SERIES]))
    number = months.number(demand["month"]).to_numpy()
    number = number - number.min()
    used = {row["driver"]: row["used_rate"] for row in rows if row["state"] == event_rates.USED}
    steps = []
    for event in past:
        if event["event"] in used:
            own = driver_groups.covers(series, event)[place] & driver_groups.active(
                event, demand["month"]
            )
            name = _layer_of(event["kind"])
            steps.append((name, event["event"], np.where(own, 1.0 + used[event["event"]], 1.0)))
    steps.sort(key=lambda step: step[0] != "promotion")
    for lead in leads:
        own = driver_groups.covers(series, {"family": lead.family, "region": lead.series.region})
        told = np.concatenate([np.zeros(lead.lag), lead.series.values])[number]
        factor = np.where(own[place], np.exp(lead.effect * told), 1.0)
        steps.append(("market", f"{lead.series.name}: {lead.family}", factor))
    effects = {name: np.zeros(len(demand)) for name in ("promotion", "event", "market")}
    left, units = (demand["demand"] - demand["level_shift"]).to_numpy(dtype="float64"), {}
    for name, driver, factor in steps:
        before = left / np.maximum(factor, 1e-6)
        units[driver] = left - before
        effects[name] = effects[name] + units[driver]
        left = before
    made = {name: pd.Series(values, index=demand.index) for name, values in effects.items()}
    return history.with_effects(demand, made), units


def _with_amounts(
    rows: list[dict], units: dict[str, np.ndarray], demand: pd.DataFrame, tables: Tables
) -> list[dict]:
    """The rows with what each driver moved in history: in the planning unit, and in money."""
    factor = hierarchy.factors(demand["item"], tables["planning_units"]).to_numpy()
    priced = demand[schema.SERIES].merge(
        tables["money_rates"], on=schema.SERIES, how="left", validate="many_to_one"
    )
    price = priced["unit_price_value"].to_numpy()
    told = []
    for row in rows:
        is_of_family = row["kind"] in (SERIES_KIND, elasticity.KIND)
        name = f"{row['driver']}: {row['family']}" if is_of_family else row["driver"]
        own = units.get(name, np.zeros(len(demand)))
        value = np.nansum(own * price) if np.isfinite(price[own != 0]).any() else np.nan
        told.append(row | {"units": float((own * factor).sum()), "amount_value": value})
    return told
