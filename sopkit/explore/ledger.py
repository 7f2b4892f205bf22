"""The ledger sliced at will: every past cycle's every layer beside what came, in a moment.

Pure but for ``load``. Layers are compared on the series and months of which all of them spoke.
Signs (house §3): error = plan − what came, so plus says that a plan was too high.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from sopkit import exhibits, months, schema, steps, store, ties
from sopkit.demand import accuracy, hierarchy, lags, value_added

LEVELS = {
    "total": "Whole company",
    "family": "Family",
    "category": "Category",
    "location": "Location",
    "region": "Region",
    "channel": "Channel",
    "segment": "Segment",
    "item": "Item",
    "abc": "Class (A, B, C)",
    "model": "Model (heaviest)",
}
MEASURES = {  # name of a column: what people call it, and the kind of its figures
    "wape": ("WAPE", "rate"),
    "bias_rate": ("Bias", "signed_rate"),
    "value_wape": ("WAPE in money", "rate"),
    "mase": ("MASE", "decimal"),
    "rmsse": ("RMSSE", "decimal"),
}
ALL = ""  # every member, or no slice
_UNKNOWN = "not known"
_COVERS = 0.8  # of what the chosen layer spoke of: from there on a layer is shown beside it


@dataclass(frozen=True)
class Choice:
    """What is looked at; an empty member means all of them, an empty slice none.

    ``lag``: months ahead; ``lags.EVERY_LAG``, ``lags.DECISION_LAG`` and ``value_added.NEAR`` as in
    their tables. ``first`` and ``last``: months planned, both included.
    """

    first: pd.Timestamp
    last: pd.Timestamp
    level: str = "family"
    member: str = ALL
    slice_level: str = ALL
    slice_member: str = ALL
    layer: str = lags.STATISTICAL
    lag: int = value_added.NEAR
    measure: str = "wape"


def load(workspace: str | Path, cycle: pd.Timestamp) -> dict:
    """Past cycles before ``cycle`` as the explorer reads them: ``past``, ``plans``, ``history``.

    Raises
    ------
    UsageError
        If the cycle has not been run, or no month planned by a cycle before it has closed.
    """
    root = store.open_workspace(workspace)
    raw = ("items", "locations", "channels", "plan_history")
    tables = {name: store.raw_table(root, name, cycle) for name in raw}
    made = ("demand_history", "money_rates", "planning_units", "restatements")
    demand, rates, units, restated = (store.read(root, name, cycle) for name in made)
    for name in ("demand_plan", "views", "restatements"):
        tables[f"ledger_{name}"] = store.ledger(root, name, before=cycle)
    series = []
    for name, column in (("classes", "abc"), ("forecast", "model")):
        try:
            found = store.read(root, name, cycle)[[*schema.SERIES, column]]
            series.append(found.drop_duplicates(schema.SERIES))
        except months.UsageError:  # that step has not been run
            continue
    company = store.company(root)["currency"].iloc[0]
    changes = pd.concat([tables["ledger_restatements"], restated])
    found = prepared(tables, demand, rates, units, changes, series, currency=company)
    if found["past"].rows.empty:
        first, last = (months.label(months.shift(cycle, -k)) for k in (12, 1))
        raise months.UsageError(
            "No month planned by a past cycle has closed yet, so there is nothing to look back on. "
            f"Past cycles can be made anew: sopkit replay --from {first} --to {last}"
        )
    return found


def prepared(
    tables: dict[str, pd.DataFrame],
    demand: pd.DataFrame,
    rates: pd.DataFrame,
    units: pd.DataFrame,
    changes: pd.DataFrame,
    series: list[pd.DataFrame],
    *,
    currency: str = "",
) -> dict:
    """What the views read, from tables; everything in the planning unit.

    Parameters
    ----------
    tables : dict of DataFrame
        `items`, `locations`, `channels`, `plan_history`, ``ledger_demand_plan``, ``ledger_views``.
    demand, rates, units : DataFrame
        Tables `demand_history`, `money_rates`, `planning_units` of the cycle looked from.
    changes : DataFrame
        All `restatements` known.
    series : list of DataFrame
        What is known of each series: its class, its model.
    currency : str
        Of the company.
    """
    factor = schema.lookup(tables["items"]["item"], units, "planning_factor")
    tables = tables | {"items": tables["items"].assign(planning_factor=factor)}
    past = steps.past_plans(tables, demand, rates, changes)[0]
    plans, views = (
        hierarchy.in_planning_units(
            ties.todays_codes(tables[f"ledger_{name}"], changes), tables["items"]
        )
        for name in ("demand_plan", "views")
    )
    parts = ["statistical", "events", "departments", "overrides"]
    layers = plans[parts].cumsum(axis=1).set_axis(lags.PLAN_LAYERS[1:], axis=1)
    is_seen = plans["origin"] == lags.HINDSIGHT  # it knew events that people could not know
    layers[layers.columns[1:]] = layers[layers.columns[1:]].mask(is_seen)
    plans = pd.concat([plans[[*schema.SERIES_MONTH, "cycle"]], layers], axis=1)
    actual = hierarchy.in_planning_units(
        demand[schema.SERIES_MONTH].assign(
            actual=(came := accuracy.measured(demand)),
            wanted=came.mask(demand["is_stockout"], demand["demand"]),
            judged=came.mask(demand["is_stockout"]),
        ),
        tables["items"],
    )
    every = [table[schema.SERIES] for table in (past.rows, plans, views, actual)]
    keys = pd.concat([one.drop_duplicates() for one in every]).drop_duplicates(ignore_index=True)
    known = [tables[name] for name in ("items", "locations", "channels")]
    keys = hierarchy.with_levels(keys, *known)
    for one in series:
        keys = keys.merge(one, on=schema.SERIES, how="left", validate="one_to_one")
    kept = ["cycle", "month", "lag", "origin", "actual", "unit_price_value", "decision_lag"]
    rows = past.rows[[*schema.SERIES, *kept]]
    return {
        "past": replace(past, rows=_marked(rows.astype({"origin": "category"}), keys)),
        "groups": {},  # of each level looked at so far
        "plans": _marked(plans, keys),
        "views": _marked(views, keys),
        "history": _marked(actual, keys),
        "levels": [name for name in LEVELS if name == "total" or name in keys.columns],
        "names": tables["items"].set_index("item")["description"].dropna(),
        "currency": currency,
        "units": units,
    }


def _marked(table: pd.DataFrame, keys: pd.DataFrame) -> pd.DataFrame:
    """Rows with all that is known of their series, as categories: they are chosen often."""
    place = pd.MultiIndex.from_frame(keys[schema.SERIES]).get_indexer(
        pd.MultiIndex.from_frame(table[schema.SERIES])
    )
    named = keys.astype("object").fillna(_UNKNOWN).astype("category")
    marks = {name: named[name].array.take(place) for name in keys}
    return table.assign(**marks, series=place)


def _within(rows: pd.DataFrame, choice: Choice) -> np.ndarray:
    """Whether rows belong to the slice and to the member."""
    inside = np.ones(len(rows), dtype=bool)
    pairs = ((choice.level, choice.member), (choice.slice_level, choice.slice_member))
    for level, member in pairs:
        if member != ALL and level not in (ALL, "total"):
            inside &= (rows[level] == member).to_numpy(dtype=bool)
    return inside


def _seen(
    tables: dict, choice: Choice, level: str, *, all_lags: bool = False
) -> tuple[lags.Past, lags.Groups]:
    """The rows that a choice is about, of which its layer spoke, grouped by members of a level.

    The groups of a level are those of all rows, found once: looking for them takes longest.
    """
    past = tables["past"]
    rows, inside = past.rows, _within(past.rows, choice)
    inside &= ((rows["month"] >= choice.first) & (rows["month"] <= choice.last)).to_numpy()
    if choice.lag == value_added.NEAR and not all_lags:
        inside &= rows["lag"].between(*value_added.NEAR_LAGS).to_numpy()
    elif choice.lag == lags.DECISION_LAG and not all_lags:
        inside &= (rows["lag"] == rows["decision_lag"]).to_numpy()
    elif choice.lag != lags.EVERY_LAG and not all_lags:
        inside &= (rows["lag"] == choice.lag).to_numpy()
    inside &= np.isfinite(past.said[choice.layer])
    if level not in tables["groups"]:
        tables["groups"][level] = lags.grouped(past, level)
    groups = tables["groups"][level]
    return past.where(inside), replace(groups, place=groups.place[inside])


def _beside(own: lags.Past, layer: str) -> tuple[list[str], float]:
    """Layers that can be compared with one: they spoke of most of what it spoke of.

    Returns
    -------
    layers : list of str
        In the order in which a plan is made; the one given is among them.
    share : float
        Of its rows of which all of them spoke.
    """
    together, shown = np.isfinite(own.said[layer]), {layer}
    whole = max(together.sum(), 1)
    for name in own.said:
        both = together & np.isfinite(own.said[name])
        if both.sum() >= _COVERS * whole:
            together, shown = both, shown | {name}
    return [name for name in own.said if name in shown], float(together.sum() / whole)


def _scales(history: pd.DataFrame, choice: Choice) -> pd.DataFrame:
    """Mean absolute and mean squared change from the same month a year before, by member."""
    rows = history[_within(history, choice)]
    member = rows[choice.level] if choice.level != "total" else schema.COMPANY_LABEL
    by = rows[["month", "actual"]].assign(member=member).groupby(["member", "month"], observed=True)
    change = by["actual"].sum().unstack("month").diff(12, axis=1)
    table = pd.DataFrame(
        {"absolute": change.abs().mean(axis=1), "square": (change**2).mean(axis=1)}
    )
    return table.where(table > 0)


def _measured(
    sums: lags.Sums, part: np.ndarray, many: int, scale: pd.DataFrame
) -> dict[str, np.ndarray]:
    """Measures but that in money, (n_layers, many); ``part`` is each sum's."""
    error = sums.said - sums.actual

    def total(values: np.ndarray) -> np.ndarray:
        return np.stack([np.bincount(part, own, many) for own in np.atleast_2d(values)])

    usual = scale.reindex(sums.members[sums.member])
    near, square = usual["absolute"].to_numpy(), usual["square"].to_numpy()
    is_known = np.isfinite(near)
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.where((whole := total(np.abs(sums.actual))) > 0, whole, np.nan)
        absolute, squared = np.abs(error) * is_known, error**2 * is_known
        return {
            "wape": total(np.abs(error)) / size,
            "bias_rate": total(error) / size,
            "mase": total(absolute) / total(np.where(is_known, near, 0.0)),
            "rmsse": np.sqrt(total(squared) / total(np.where(is_known, square, 0.0))),
        }


def measures(tables: dict, choice: Choice) -> dict:
    """All that is measured for a choice.

    Returns
    -------
    dict
        ``layers`` compared and the ``share`` of the chosen layer's rows they have in common;
        ``sums``: what they are measured on; ``members``: a row each with a column a layer, the
        worst first; ``whole``: a row a layer and a column a measure, every member judged by
        itself; ``coverage``: share of what came of which the chosen layer spoke at all
        (missing at the lead time, where each item has months of its own); ``origins``: how many
        cycles of each; ``months`` and ``cycles`` judged.
    """
    own, groups = _seen(tables, choice, choice.level)
    layers, share = _beside(own, choice.layer)
    sums, money = (lags.added_up(own, groups, layers, is_money=flag) for flag in (False, True))
    scale = _scales(tables["history"], choice)
    made, worth = (
        _measured(one, np.zeros(len(one.member), dtype="int64"), 1, scale) for one in (sums, money)
    )
    made["value_wape"] = worth["wape"]
    table = {name: made[name][:, 0] for name in MEASURES}
    cycles = own.rows[["cycle", "origin"]].drop_duplicates()
    return {
        "layers": layers,
        "share": share,
        "sums": sums,
        "members": _members(sums, money, scale, layers, choice),
        "whole": pd.DataFrame(table, index=pd.Index(layers, name="layer")).reset_index(),
        "origins": cycles.groupby("origin", observed=True)["cycle"].nunique(),
        "coverage": _coverage(tables["history"], own, groups, choice),
        "months": len(np.unique(sums.month)),
        "cycles": len(np.unique(sums.cycle)),
    }


def _coverage(history: pd.DataFrame, own: lags.Past, groups: lags.Groups, choice: Choice) -> float:
    """Share of what came, over cycles and months judged, of which the chosen layer spoke."""
    if choice.lag == lags.DECISION_LAG:
        return np.nan
    told = np.bincount(groups.place, minlength=len(groups.member)) > 0
    pairs = np.unique(np.stack([groups.cycle[told], groups.month[told]]), axis=1)
    came = history[_within(history, choice)].groupby("month")["judged"].sum()
    whole = came.set_axis(months.number(came.index)).reindex(pairs[1]).sum()
    return own.rows["actual"].sum() / whole if whole > 0 else np.nan


def _members(
    sums: lags.Sums, money: lags.Sums, scale: pd.DataFrame, layers: list[str], choice: Choice
) -> pd.DataFrame:
    """Members, the worst first: each layer's measure, bias of the chosen, what came."""
    many, place = len(sums.members), layers.index(choice.layer)
    made = _measured(sums, sums.member, many, scale)
    made["value_wape"] = _measured(money, money.member, many, scale)["wape"]
    pairs = np.unique(np.stack([sums.member, sums.month]), axis=1)[0]
    judged = np.bincount(sums.member, minlength=many)
    table = pd.DataFrame(dict(zip(layers, made[choice.measure], strict=True)))
    table.insert(0, "member", list(map(str, sums.members)))
    table = table.assign(
        bias_rate=made["bias_rate"][place],
        came=np.bincount(sums.member, sums.actual, many) / np.maximum(judged, 1),
        months=np.bincount(pairs, minlength=many),
    )
    table = table[table["months"] > 0]
    return table.sort_values(choice.layer, key=abs, ascending=False, ignore_index=True)


def worst(tables: dict, choice: Choice) -> tuple[pd.DataFrame, int]:
    """Items by the money that the chosen layer was off by, the most first.

    Returns
    -------
    items : DataFrame
        ``item, error_value`` (a month planned, at today's prices), ``error_share`` of all items,
        ``finding`` in words, ``came_value`` a month.
    unpriced : int
        Items left out, since no price is known.
    """
    own, groups = _seen(tables, choice, "item")
    sums = lags.added_up(own, groups, [choice.layer], is_money=True)
    number, many = sums.member, len(sums.members)
    error = sums.said[0] - sums.actual
    rounds = max(len(np.unique(np.stack([sums.cycle, sums.month]), axis=1)[0]), 1)
    absolute, net, came = (
        np.bincount(number, values, many) for values in (np.abs(error), error, sums.actual)
    )
    at = pd.DataFrame({"member": number, "month": sums.month, "error": error})
    by_month = at.groupby(["member", "month"])["error"].sum()
    same = np.sign(by_month) == np.sign(net[by_month.index.get_level_values("member")])
    count = same.groupby(level="member").agg(["sum", "size"])
    count = count.reindex(range(many), fill_value=0).to_numpy()
    table = pd.DataFrame(
        {
            "item": [str(name) for name in sums.members],
            "error_value": absolute / rounds,
            "error_share": absolute / max(absolute.sum(), 1e-12),
            "finding": list(map(_habit, net, came, *count.T)),
            "came_value": came / rounds,
        }
    )
    is_priced = count[:, 1] > 0
    table = table[is_priced].sort_values("error_value", ascending=False, ignore_index=True)
    told = np.bincount(groups.member[groups.place], minlength=many) > 0
    return table, int((told & ~is_priced).sum())


def _habit(net: float, came: float, same: int, count: int) -> str:
    """How far an item's plans were off, to which side, and how often."""
    if came <= 0:
        return f"planned, and nothing came in {count} months" if net > 0 else "nothing to judge by"
    side = "too high" if net > 0 else "too low"
    size = exhibits.format_amount(abs(net) / came, "rate")
    return f"{size} {side}, {same} of {count} months {side}"


def stood(tables: dict, choice: Choice, cycle: pd.Timestamp) -> dict[str, pd.Series]:
    """What one cycle said of all months it planned, and what came, by month.

    Returns
    -------
    dict of Series
        ``sold`` before the cycle; from it on ``came`` of the series that the chosen layer planned,
        which is what it is judged by, and ``whole`` of all; what layers said: the chosen one and
        the statistical forecast (last year's month and imported plans for closed months alone).
        What a stock-out hid is put back as estimated: else a plan would look too high there.
    """
    history = tables["history"]
    history = history[_within(history, choice)]
    later, lines, planned = history[history["month"] >= cycle], {}, np.array([], dtype="int64")
    for layer in dict.fromkeys([choice.layer, lags.STATISTICAL]):
        past, rows, column = tables["past"], tables["plans"], layer
        if past.kinds[layer] == "department":
            rows, column = tables["views"][tables["views"]["department"] == layer], "quantity"
        elif layer not in rows.columns:
            rows = past.rows.assign(**{layer: past.said[layer]})
        rows = rows[(rows["cycle"] == cycle).to_numpy()]
        rows = rows[_within(rows, choice) & rows[column].notna()]
        if len(rows):
            lines[layer] = rows.groupby("month")[column].sum()
        if layer == choice.layer:
            planned = rows["series"].unique()
    parts = {"sold": history[history["month"] < cycle], "whole": later}
    parts["came"] = later[later["series"].isin(planned)]
    return {name: part.groupby("month")["wanted"].sum() for name, part in parts.items()} | lines


def behind(found: dict, choice: Choice) -> pd.DataFrame:
    """Every row behind what is shown: member, cycle, month; what each layer said, what came."""
    sums = found["sums"]
    table = pd.DataFrame(
        {
            "level": choice.level,
            "member": np.asarray([str(name) for name in sums.members], dtype=object)[sums.member],
            "cycle": months.from_number(sums.cycle),
            "month": months.from_number(sums.month),
            "months_ahead": sums.lag,
            "came": sums.actual,
        }
    )
    return table.assign(**dict(zip(found["layers"], sums.said, strict=True)))


def fallen(tables: dict, choice: Choice) -> pd.DataFrame:
    """Rows of table ``waterfall``: what a choice is about, added up, at every months ahead."""
    own, groups = _seen(tables, choice, "total", all_lags=True)
    sums = lags.added_up(own, groups, [choice.layer])
    table = {"cycle": months.from_number(sums.cycle), "month": months.from_number(sums.month)}
    table |= {"quantity": sums.said[0], "actual": sums.actual, "level": "total"}
    return pd.DataFrame(table | {"member": schema.COMPANY_LABEL, "layer": choice.layer})
