"""How demand answers to price: the elasticity of each family, where past prices can tell it.

A price is revenue ÷ quantity of a series in the currency of its location: what customers pay, so
that exchange rates move nothing. Shares of series are fixed, so that mix moves nothing either.
Quantity stands in demand and under the price too, hence a booking error of one month looks like an
elasticity of −1. So only what lasts counts: the price as the months beside tell it (an
instrument); promoted months are filled from the last price before. Effects then stand in the
regression of ``driver_model``, beside events, market series and promoted months.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import driver_groups, driver_model, event_rates, panel

KIND = "elasticity"  # of rows in `driver_effects`
TOLD = "told"  # unlike ``event_rates.USED`` nothing is taken out of history
_YEAR = 12
_LEAST_VARIED = 0.01  # standard deviation of log prices beside trend and season
_LEAST_LASTING = 0.5  # of prices in the months beside: correlation, and slope of what else is known
_LEAST_PRICED = 0.5  # share of a family's units whose price is known
_FALSE_RATE = 0.05  # chance that any family is told an elasticity it has not
_BRIEF = "but too little of it lasts beyond a month or stands apart from events"
_ONE_PERCENT = np.log(1.01)


def elasticities(
    covered: driver_groups.Covered, columns: np.ndarray, past: list[dict], sales: pd.DataFrame
) -> list[dict]:
    """Rows of `driver_effects`: what one percent of price does to demand of each family.

    Parameters
    ----------
    covered : Covered
        Groups of series.
    columns : array (n_drivers, n_months, n_groups)
        Events in the order of ``past``, then market series.
    past : list of dict
        Rows of `events`. Those of kind price are left to prices here: both tell the same.
    sales : DataFrame
        Raw table, revenue in the currency of each location.

    Returns
    -------
    list of dict
        ``rate`` of one percent more, with its interval of 90 %. Told only where it is below zero
        beyond chance, all families tried considered; the finding says why not.

    Notes
    -----
    Prices that people set by the demand they saw coming bias it; nothing here can tell that.
    """
    if not sales["revenue_value"].notna().any():
        return []
    price, promoted = _prices(covered, past, sales)
    is_price = np.array([event["kind"] == "price" for event in past], dtype=bool)
    beside = [*np.delete(columns, np.flatnonzero(is_price), axis=0)]
    rows, made, prices = [], {}, np.zeros_like(covered.groups.log)
    for number, family in enumerate(covered.families):
        own = covered.groups.family == number
        index, priced = _index(covered, price, own)
        column, words = _lasting(index[:, own], covered.groups.season)
        if priced < _LEAST_PRICED:
            column, words = None, f"prices of only {priced:.0%} of its units are known throughout"
        rows.append({"kind": KIND, "driver": "price", "family": family, "finding": words})
        if column is not None:
            made[number] = np.zeros(index.shape)
            made[number][:, own] = column
            part = promoted * own
            beside += [part] if part.any() else []
            prices += index * own
    if made:
        drivers = np.stack([*made.values(), *beside])
        told = driver_model.fit(covered.groups, drivers)
        # what the instrument says of the price itself, in the same regression
        first = driver_model.fit(replace(covered.groups, log=prices), drivers, told.noise).effect
        for place, number in enumerate(made):
            lasts = float(first[place])
            words = rows[number]["finding"]
            if not lasts >= _LEAST_LASTING:
                rows[number] |= {"finding": f"{words}, {_BRIEF}"}
                continue
            effect, error = told.effect[place] / lasts, told.error[place] / lasts
            rows[number] |= _told(float(effect), float(error), len(made), words)
    return [{"state": event_rates.UNTOLD} | row for row in rows]


def _told(effect: float, error: float, tried: int, words: str) -> dict:
    """What is known of one family: its rate and interval, and whether they are beyond chance."""
    low, high = (effect + side * event_rates.QUANTILE * error for side in (-1, 1))
    rate, lower, upper = np.expm1(np.array([effect, low, high]) * _ONE_PERCENT)
    p_value = driver_model.p_value(effect, error)
    row = {"rate": rate, "rate_lower": lower, "rate_upper": upper, "p_value": p_value}
    words = f"{words}: elasticity {effect:.1f}, from {low:.1f} to {high:.1f}"
    if effect < 0 and p_value <= _FALSE_RATE / tried:
        return row | {"state": TOLD, "finding": words}
    return row | {"finding": f"{words}, no more than chance brings"}


def _prices(
    covered: driver_groups.Covered, past: list[dict], sales: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray]:
    """Log prices of series (n_months, n_series), promoted months filled; flags by group.

    Flags are shares of groups marked as promoted where no event of `events` acts: those have
    columns of their own.
    """
    keys, when = covered.panel.keys, covered.panel.months
    own = sales[sales["month"].isin(when)].assign(flag=lambda t: t["is_promotion"].eq(True))
    sums = own.groupby(schema.SERIES_MONTH)[["revenue_value", "quantity", "flag"]].sum(min_count=1)
    every = keys.merge(pd.DataFrame({"month": when}), how="cross")
    sums = sums.reindex(pd.MultiIndex.from_frame(every[schema.SERIES_MONTH])).reset_index()

    def laid(name: str) -> np.ndarray:
        return panel.from_table(sums, name, when).values.astype("float64")

    revenue, quantity, flag = laid("revenue_value"), laid("quantity"), laid("flag") > 0
    is_sold = (revenue > 0) & (quantity > 0)
    log = np.log(np.where(is_sold, revenue, 1.0) / np.where(is_sold, quantity, 1.0))
    acting = np.zeros(log.shape, dtype=bool)
    for event in past:
        if event["kind"] == "promotion":
            active = driver_groups.active(event, when)[:, None]
            acting |= active & driver_groups.covers(covered.series, event)
    usual = pd.DataFrame(np.where(is_sold & ~flag & ~acting, log, np.nan)).ffill().bfill()
    shares = [driver_groups.shares(covered, row) for row in flag & ~acting]
    return usual.to_numpy(), np.stack(shares)


def _index(
    covered: driver_groups.Covered, price: np.ndarray, own: np.ndarray
) -> tuple[np.ndarray, float]:
    """Log price of each group at fixed shares of its series, and the share of own units priced."""
    is_known = np.isfinite(price).all(axis=0)
    units = np.nan_to_num(covered.panel.values).sum(axis=0) * covered.series["factor"].to_numpy()
    of = (covered.group[:, None] == np.arange(len(own))) * units[:, None]
    total, priced = of.sum(axis=0), (of * is_known[:, None]).sum(axis=0)
    moved = np.where(is_known, price - price.mean(axis=0), 0.0)
    index = moved @ of / np.where(total > 0, total, 1.0)
    return index, float(priced[own].sum() / total[own].sum())


def _lasting(index: np.ndarray, season: np.ndarray) -> tuple[np.ndarray | None, str]:
    """Log prices (n_months, n_groups) as the months beside tell them; None where nothing lasts."""
    beside = np.concatenate([index[1:2], index, index[-2:-1]])
    beside = (beside[:-2] + beside[2:]) / 2.0
    usual = np.column_stack([np.eye(_YEAR)[season], np.linspace(-1.0, 1.0, len(index))])
    take = usual @ np.linalg.pinv(usual)
    own, near = index - take @ index, beside - take @ beside
    varied = float(np.sqrt((own**2).mean()))
    words = f"its price varies by {varied:.1%} beside trend and season"
    if varied < _LEAST_VARIED:
        return None, f"{words}: too little"
    strength = (own * near).sum() / np.sqrt((own**2).sum() * (near**2).sum())
    if not strength >= _LEAST_LASTING:
        return None, f"{words}, {_BRIEF}"
    return beside, words


def remarked(
    told: pd.DataFrame,
    events: pd.DataFrame,
    prices: pd.DataFrame,
    base: pd.DataFrame,
    effects: pd.DataFrame,
    *,
    cycle: pd.Timestamp,
) -> pd.DataFrame:
    """What elasticities make of prices to come, said beside what planners expect of them.

    Parameters
    ----------
    told : DataFrame
        Table `event_effects`.
    events, prices : DataFrame
        Raw tables.
    base : DataFrame
        Statistical forecast: series, ``month``, all levels, ``quantity``, ``factor``.
    effects : DataFrame
        Table `driver_effects`.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    DataFrame
        Table `event_effects`: coming events of kind price have more in ``finding``, and a change of
        listed prices that no such event stands for has a row. No number of the plan changes.
    """
    known = effects[(effects["kind"] == KIND) & (effects["state"] == TOLD)].set_index("family")
    if known.empty:
        return told
    base = base[base["month"] >= cycle]
    base = base.assign(change=_changes(prices, base), units=base["quantity"] * base["factor"])
    base = base[base["family"].isin(known.index)]
    is_coming = (events["kind"] == "price") & (events["first_month"] >= cycle)
    said, is_said = {}, np.zeros(len(base), dtype=bool)
    for event in events[is_coming].to_dict("records"):
        first = (base["month"] == event["first_month"]).to_numpy()
        own = first & driver_groups.covers(base, event)
        is_said |= own
        parts = [_said(known.loc[name], part) for name, part in base[own].groupby("family")]
        said[event["event"]] = "; ".join(parts)
    both = zip(told["finding"], map(said.get, told["event"]), strict=True)
    words = ["; ".join(filter(None, pair)) for pair in both]
    told = told.assign(finding=pd.Series(words, index=told.index, dtype="object"))
    rows = []
    for (family, month), part in base[~is_said].groupby(["family", "month"]):
        if part["change"].ne(0.0).any():
            row = {"event": f"prices of {family} from {months.label(month)}"}
            row |= {"kind": "price change", "first_month": month, "change": 0.0}
            words = f"{_said(known.loc[family], part)}; no event of kind price plans it"
            rows.append(row | {"finding": words})
    more = pd.DataFrame(rows, columns=list(told)).astype(told.dtypes)
    return pd.concat([told, more], ignore_index=True) if rows else told


def _changes(prices: pd.DataFrame, base: pd.DataFrame) -> np.ndarray:
    """Change (n,) of the listed log price that begins in each row's month; 0 where none does.

    The most specific list of a series counts, as it does for money.
    """
    # inner: series without a list have no change
    lists = (
        base[schema.SERIES]
        .drop_duplicates()
        .merge(prices, on="item", how="inner", suffixes=("", "_listed"), validate="many_to_many")
    )
    is_above, rank = lists["unit_price_value"] > 0, np.zeros(len(lists))
    for weight, name in ((1, "location"), (2, "channel")):
        is_named = lists[f"{name}_listed"] != schema.ALL
        rank += np.where(is_named, np.where(lists[f"{name}_listed"] == lists[name], weight, -9), 0)
    lists = lists.assign(rank=rank, log=np.log(lists["unit_price_value"].where(is_above)))[
        rank >= 0
    ]
    is_best = lists["rank"] == lists.groupby(schema.SERIES)["rank"].transform("max")
    lists = lists[is_best].sort_values("first_month")
    lists = lists.assign(change=lists.groupby(schema.SERIES)["log"].diff().fillna(0.0))
    known = lists.set_index([*schema.SERIES, "first_month"])["change"]
    wanted = pd.MultiIndex.from_frame(base[schema.SERIES_MONTH])
    return known.reindex(wanted).fillna(0.0).to_numpy()


def _said(row: pd.Series, part: pd.DataFrame) -> str:
    """What an elasticity makes of the mean change of listed prices in a month of a family."""
    family = row.name
    units = part["units"].sum()
    change = float((part["change"] * part["units"]).sum() / units) if units > 0 else 0.0
    if not change:
        when = months.label(part["month"].iloc[0])
        return (
            f"one percent more of price moves {family} by {row['rate']:+.1%}; no change of its "
            f"prices from {when} is listed"
        )
    ends = row[["rate", "rate_lower", "rate_upper"]].to_numpy(dtype="float64")
    moved, *around = np.expm1(np.log1p(ends) / _ONE_PERCENT * change)
    low, high = sorted(around)
    return (
        f"listed prices of {family} change by {np.expm1(change):+.1%}: past prices tell of "
        f"{moved:+.1%} in demand, from {low:+.1%} to {high:+.1%}"
    )
