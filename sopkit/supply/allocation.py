"""Who gets what there is: each site's deliveries shared among the series it serves, by a rule.

A series is what a channel of a location wants of an item. What it is owed is carried from month to
month and served before what it wants anew, and no site gives more or less than the supply plan
delivers (table `deliveries`).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import schema

RULES = ("contract", "priority", "fair share", "margin")
_FIRST_MONTHS = 3  # what a site owed before is shared like the demand of so many months
_NOTHING = 1e-9  # units that are none
_EFFECTS = [
    *("rule", "channel", "service_rate", "late_quantity", "late_value", "margin_late_value"),
    *("contract_kept_rate", "is_chosen"),
]
_COLUMNS = [*schema.SERIES_MONTH, "site", "demand", "delivered", "on_time", "owed", "lost"]


def allocation(
    wanted: pd.DataFrame,
    delivered: pd.DataFrame,
    channels: pd.DataFrame,
    rates: pd.DataFrame,
    *,
    rule: str,
) -> pd.DataFrame:
    """Table ``allocation``: what each series receives, month by month.

    Parameters
    ----------
    wanted : DataFrame
        From ``sites.series_demand``. Units that were ``refused`` are served last, in their month
        and as long as they wait, so that they take nothing of those who agreed.
    delivered : DataFrame
        Table `deliveries`.
    channels : DataFrame
        Raw table: ``priority`` (1 is served first, blank last), ``contract_rate`` (share of the
        month's demand that a channel is to get, 0 where blank).
    rates : DataFrame
        Table `money_rates`: the margin of a series is its price less its cost; unknown comes last.
    rule : str
        One of ``RULES``. *fair share*: in proportion to what is wanted. *priority*: all that a
        channel wants before the next one gets any, fair share among equals. *margin*: the same,
        by margin a unit. *contract*: contract minima first, in proportion where even they exceed
        what there is; then by priority.

    Returns
    -------
    DataFrame
        Key ``item, location, channel, month``, every series in every month: ``site``, ``demand``,
        ``delivered``, ``on_time`` (of the month's own demand), ``owed`` at month end, ``lost``;
        units. Sums over a site are those of `deliveries`; ``on_time`` may be more, where a new
        wish was served while another series still waits.

    Notes
    -----
    An item without any deliveries is delivered as wanted. What a site delivers that serves no
    series of an item goes to all of them like their demand.

    Examples
    --------
    >>> wanted = pd.DataFrame({"item": "A", "location": "N", "channel": ["web", "shop"],
    ...     "month": 1, "demand": [6.0, 4.0], "site": "plant", "refused": 0.0})
    >>> delivered = pd.DataFrame({"item": "A", "location": "plant", "month": [1], "demand": 10.0,
    ...     "deliverable": 5.0, "lost": 0.0, "owed": 5.0})
    >>> channels = pd.DataFrame({"channel": ["web", "shop"], "priority": [2.0, 1.0],
    ...     "contract_rate": [0.5, 0.0]})
    >>> rates = wanted[schema.SERIES].assign(unit_price_value=3.0, unit_cost_value=[1.0, 2.0])
    >>> {rule: allocation(wanted, delivered, channels, rates, rule=rule)["delivered"].tolist()
    ...     for rule in RULES}
    {'contract': [3.0, 2.0], 'priority': [1.0, 4.0], 'fair share': [3.0, 2.0], 'margin': [5.0, 0.0]}
    """
    if wanted.empty:
        return wanted.reindex(columns=_COLUMNS).astype(dict.fromkeys(_COLUMNS[5:], "float64"))
    keys = wanted[[*schema.SERIES, "site"]].drop_duplicates(schema.SERIES, ignore_index=True)
    span = pd.Index(np.unique(pd.concat([wanted["month"], delivered["month"]])), name="month")
    demand = _wide(wanted, schema.SERIES, "demand", span, keys[schema.SERIES])
    at_site = keys[["item", "site"]].rename(columns={"site": "location"})
    places = at_site.drop_duplicates(ignore_index=True)
    group = pd.MultiIndex.from_frame(places).get_indexer(pd.MultiIndex.from_frame(at_site))
    given, lost, owed = (
        _wide(delivered, schema.SITE, name, span, places)
        for name in ("deliverable", "lost", "owed")
    )
    is_planned = places["item"].isin(delivered["item"]).to_numpy()[group]
    before = (owed + given + lost - _sums(demand, group, len(places)))[0]
    waiting = _like_demand(demand, group, len(places)) * np.maximum(before, 0.0)[group]
    waiting = np.where(is_planned, waiting, 0.0)
    last = _wide(wanted, schema.SERIES, "refused", span, keys[schema.SERIES])
    order = _order(keys, channels, rates, rule)
    shared = _shared(demand, waiting, given, lost, group, order, last)
    shared = {name: np.where(is_planned, units, 0.0) for name, units in shared.items()}
    for name in ("delivered", "on_time"):
        shared[name] = np.where(is_planned, shared[name], demand)
    shared["delivered"] += _passing(delivered, keys, places, demand, span)
    rows = keys.loc[keys.index.repeat(len(span))].reset_index(drop=True)
    rows = rows.assign(month=np.tile(span, len(keys)), demand=demand.T.ravel())
    return rows.assign(**{n: units.T.ravel() for n, units in shared.items()})[_COLUMNS]


def _wide(
    table: pd.DataFrame, by: list[str], value: str, span: pd.Index, keys: pd.DataFrame
) -> np.ndarray:
    """A column over months and keys (t, k); 0 where there is no row."""
    place = pd.MultiIndex.from_frame(keys).get_indexer(pd.MultiIndex.from_frame(table[by]))
    wide = np.zeros((len(span), len(keys)))
    known = place >= 0
    at = (span.get_indexer(table["month"])[known], place[known])
    np.add.at(wide, at, table[value].to_numpy(dtype="float64")[known])
    return wide


def _sums(units: np.ndarray, group: np.ndarray, count: int) -> np.ndarray:
    """Sums by group of the last axis."""
    rows = np.atleast_2d(units)
    sums = np.array([np.bincount(group, row, count) for row in rows])
    return sums if units.ndim == 2 else sums[0]


def _like_demand(demand: np.ndarray, group: np.ndarray, count: int) -> np.ndarray:
    """Share of each series in its group, by demand of the first months, of all, or alike."""
    weight = np.maximum(demand[:_FIRST_MONTHS], 0.0).sum(axis=0)
    for instead in (np.maximum(demand, 0.0).sum(axis=0), np.ones(demand.shape[1])):
        weight = np.where(_sums(weight, group, count)[group] > 0, weight, instead)
    return weight / _sums(weight, group, count)[group]


def _order(
    keys: pd.DataFrame, channels: pd.DataFrame, rates: pd.DataFrame, rule: str
) -> tuple[np.ndarray, np.ndarray]:
    """Rank of each series, the lowest first, and the share of its demand it gets before that."""
    named = {
        name: schema.lookup(keys["channel"], channels, name, on="channel").to_numpy("float64")
        for name in ("priority", "contract_rate")
    }
    rank, least = np.zeros(len(keys)), np.zeros(len(keys))
    if rule in ("priority", "contract"):
        rank = named["priority"]
    if rule == "contract":
        least = np.nan_to_num(named["contract_rate"])
    if rule == "margin":
        own = keys.merge(rates, on=schema.SERIES, how="left", validate="one_to_one")
        rank = (own["unit_cost_value"] - own["unit_price_value"]).to_numpy(dtype="float64")
    return np.where(np.isnan(rank), np.inf, rank), least


def _shared(
    demand: np.ndarray,
    waiting: np.ndarray,
    given: np.ndarray,
    lost: np.ndarray,
    group: np.ndarray,
    order: tuple[np.ndarray, np.ndarray],
    refused: np.ndarray,
) -> dict[str, np.ndarray]:
    """What each series (t, s) gets of its group's units (t, g), what waits and what is lost."""
    rank, least = order
    found = {name: np.zeros_like(demand) for name in ("delivered", "on_time", "owed", "lost")}
    even = _like_demand(demand, group, given.shape[1])
    equal, ranked = _tiers(group, np.zeros_like(rank)), _tiers(group, rank)
    last = np.zeros(demand.shape[1])
    for t, own in enumerate(demand):
        open_, amount = waiting + own, given[t]
        last = np.minimum(last + refused[t], np.maximum(open_, 0.0))
        first = open_ - last
        got = _served(np.minimum(least * own, first), amount, group, equal)
        rest = amount - _sums(got, group, len(amount))
        got = got + _served(first - got, rest, group, ranked)
        rest = amount - _sums(got, group, len(amount))
        late = _served(last, rest, group, ranked)
        got, last = got + late, last - late
        rest = amount - _sums(got, group, len(amount))
        got = got + rest[group] * even  # none, but where deliveries contradict what is wanted
        missed = np.maximum(open_ - got, 0.0)
        fresh = np.minimum(missed, np.maximum(own, 0.0))
        gone = _served(fresh, lost[t], group, equal)
        rest = lost[t] - _sums(gone, group, len(amount))
        gone = gone + _served(missed - gone, rest, group, equal)
        on_time = np.clip(got - waiting, 0.0, np.maximum(own, 0.0))
        waiting = open_ - got - gone
        waiting = np.where(np.abs(waiting) < _NOTHING, 0.0, waiting)
        for name, units in zip(found, (got, on_time, waiting, gone), strict=True):
            found[name][t] = units
    return found


def _tiers(group: np.ndarray, rank: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tier of each series (same group and rank), and the group of each tier, in order."""
    pairs, tier = np.unique(np.column_stack([group, rank]), axis=0, return_inverse=True)
    return tier.ravel(), pairs[:, 0].astype("int64")


def _served(
    wanted: np.ndarray, amount: np.ndarray, group: np.ndarray, tiers: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """What series get of their group's amount: tier after tier, in proportion within one."""
    tier, owner = tiers
    asked = np.bincount(tier, np.maximum(wanted, 0.0), len(owner))
    up_to = np.cumsum(asked) - asked
    first = np.searchsorted(owner, np.arange(len(amount)))
    left = np.maximum(amount, 0.0)[owner] - (up_to - up_to[first][owner])
    part = np.clip(left, 0.0, asked) / np.where(asked > 0, asked, 1.0)
    return np.maximum(wanted, 0.0) * part[tier]


def _passing(
    delivered: pd.DataFrame,
    keys: pd.DataFrame,
    places: pd.DataFrame,
    demand: np.ndarray,
    span: pd.Index,
) -> np.ndarray:
    """What sites deliver that serve no series of an item, shared among all series of it."""
    is_own = pd.MultiIndex.from_frame(delivered[schema.SITE]).isin(pd.MultiIndex.from_frame(places))
    members = keys[["item"]].drop_duplicates(ignore_index=True)
    item = pd.Index(members["item"]).get_indexer(keys["item"])
    given = _wide(delivered[~is_own], ["item"], "deliverable", span, members)
    return given[:, item] * _like_demand(demand, item, len(members))


def effects(
    wanted: pd.DataFrame,
    delivered: pd.DataFrame,
    channels: pd.DataFrame,
    rates: pd.DataFrame,
    *,
    rule: str,
) -> pd.DataFrame:
    """Table ``allocation_rules``: what each rule would mean for each channel.

    Parameters
    ----------
    wanted, delivered, channels : DataFrame
        As for ``allocation``; the same deliveries under every rule.
    rates : DataFrame
        Table `money_rates`, with ``planning_factor``.
    rule : str
        The one that was chosen.

    Returns
    -------
    DataFrame
        Key ``rule, channel``, the chosen rule first (channel ``all``: the company):
        ``service_rate``, share of demand
        delivered in its month; ``late_quantity``, planning units that are not; ``late_value`` and
        ``margin_late_value``, their revenue and margin (missing where no price is known);
        ``contract_kept_rate``, share of contract minima that was delivered (missing where there
        are none); ``is_chosen``.
    """
    contract = schema.lookup(wanted["channel"], channels, "contract_rate", on="channel").fillna(0.0)
    agreed = wanted.assign(agreed=contract.astype("float64") * wanted["demand"])
    parts = []
    for name in sorted(RULES, key=lambda other: other != rule):
        table = allocation(wanted, delivered, channels, rates, rule=name)
        table = table.merge(
            agreed[[*schema.SERIES_MONTH, "agreed"]],
            on=schema.SERIES_MONTH,
            how="left",
            validate="one_to_one",
        ).merge(rates, on=schema.SERIES, how="left", validate="many_to_one")
        parts.append(_by_channel(table).assign(rule=name, is_chosen=name == rule))
    return pd.concat(parts, ignore_index=True)[_EFFECTS]


def _by_channel(table: pd.DataFrame) -> pd.DataFrame:
    """The effect of one rule by channel, and on the company."""
    late, factor = table["demand"] - table["on_time"], table["planning_factor"].fillna(1.0)
    margin = table["unit_price_value"] - table["unit_cost_value"]
    late = late.where(late > _NOTHING, 0.0)
    short = table["agreed"] - table["delivered"]
    rows = table[["channel"]].assign(
        demand=table["demand"] * factor,
        late_quantity=late * factor,
        late_value=late * table["unit_price_value"],
        margin_late_value=late * margin,
        agreed=table["agreed"] * factor,
        missed=short.clip(lower=0.0) * factor,
    )
    rows = pd.concat([rows[rows["channel"] != schema.ALL], rows.assign(channel=schema.ALL)])
    sums = rows.groupby("channel", as_index=False).sum(min_count=1)
    wanted, agreed = (sums[name].where(sums[name] > 0) for name in ("demand", "agreed"))
    return sums.assign(
        service_rate=1.0 - sums["late_quantity"] / wanted,
        contract_kept_rate=1.0 - sums["missed"] / agreed,
    )
