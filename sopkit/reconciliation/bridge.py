"""Why the demand plan moved since the last cycle: every cause in units, summing exactly.

The statistical part is taken apart by putting in one change after the other and forecasting anew
with the weights of then (``forecasting.with_weights``): the history restated, its cleaning, the
months that have closed since, and last the models and weights of today. What making levels add up
changes is taken out of both forecasts, and a cause of its own.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import forecasting, history, launches, panel

LAST, NOW = "last plan", "plan now"
CAUSES = (
    "item moved family",
    "no longer planned",
    "newly planned",
    "end of sale",
    "another version of sopkit",
    "history restated",
    "cleaning",
    "new actuals",
    "model or weights",
    "coherence",
    "events",
    "department",
    "override",
)
_LAYERS = ["statistical", "events", "departments", "overrides"]
_BASE = ["sales", "returns", "unfilled"]
COLUMNS = [*schema.SERIES_MONTH, "family", "cause", "detail", "change"]


def bridge(
    now: dict[str, pd.DataFrame],
    then: dict[str, pd.DataFrame],
    items: pd.DataFrame,
    *,
    cycle: pd.Timestamp,
) -> pd.DataFrame:
    """Table ``bridge``: from the last cycle's demand plan to this one's.

    Parameters
    ----------
    now, then : dict of DataFrame
        This and the last cycle's tables `demand_history`, `demand_plan`, `model_weights`, `views`,
        `view_skill`, `override_changes`, `forecast`; of then also `known_members`. All under
        today's item codes; empty where there was no cycle.
    items : DataFrame
        Table `items`: today's families, last months of sale.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    DataFrame
        Series, ``month``, ``family``, ``cause``, ``detail`` (department, or author and level of an
        override) and ``change`` in item units, for the months that both plans hold. Rows of cause
        ``last plan`` plus all others are the plan now, at the series and at every level; before its
        move an item counts in the family of then.

    Notes
    -----
    The order of substitution matters where causes act together: what the new weights make of the
    new months counts as ``model or weights``. Where the last cycle left no weights the whole
    statistical change stands there.
    """
    old, new = then["demand_plan"], now["demand_plan"]
    if old.empty or new.empty:
        return pd.DataFrame(columns=COLUMNS).astype({"change": "float64"})
    last = min(old["month"].max(), new["month"].max())
    old, new = (plan[plan["month"].between(cycle, last)] for plan in (old, new))
    key = schema.SERIES_MONTH
    # outer: series that only one of the plans holds are causes of their own
    both = old[[*key, *_LAYERS, "consensus"]].merge(
        new[[*key, *_LAYERS, "consensus"]],
        on=key,
        how="outer",
        validate="one_to_one",
        suffixes=("_then", "_now"),
        indicator=True,
    )
    family = schema.lookup(both["item"], items, "family").fillna(schema.UNASSIGNED)
    was = then["known_members"]
    was = was[was["kind"] == "item"].set_index("member")["detail"].astype("str")
    family_then = both["item"].map(was).astype("str").where(both["item"].isin(was.index), family)
    both = both.assign(family=family, family_then=family_then)
    parts = [_rows(both, LAST, both["consensus_then"], family_of="family_then")]
    moved = both[both["family"] != both["family_then"]]
    parts.append(_rows(moved, CAUSES[0], -moved["consensus_then"], family_of="family_then"))
    parts.append(_rows(moved, CAUSES[0], moved["consensus_then"]))
    gone, come = (both[both["_merge"] == side] for side in ("left_only", "right_only"))
    parts.append(_rows(gone, CAUSES[1], -gone["consensus_then"]))
    parts.append(_rows(come, CAUSES[2], come["consensus_now"]))
    kept = both[both["_merge"] == "both"].reset_index(drop=True)
    parts += _statistical(kept, now, then, items, cycle)
    parts.append(_rows(kept, "events", kept["events_now"] - kept["events_then"]))
    parts += _by_department(kept, now, then)
    parts += _by_override(kept, now, then)
    table = pd.concat(parts, ignore_index=True)
    return table[table["change"] != 0].reset_index(drop=True)[COLUMNS]


def _rows(
    table: pd.DataFrame, cause: str, change: pd.Series, detail="", family_of: str = "family"
) -> pd.DataFrame:
    made = table[schema.SERIES_MONTH].assign(family=table[family_of], cause=cause, detail=detail)
    return made.assign(change=change.fillna(0.0).astype("float64"))


def _statistical(kept, now, then, items, cycle) -> list[pd.DataFrame]:
    """The change of the statistical forecast, one cause after the other."""
    start, end = kept["statistical_then"].to_numpy(), kept["statistical_now"].to_numpy()
    if kept.empty:
        return []
    shifts = [_coherence(kept, tables) for tables in (then, now)]
    start, end = start - shifts[0], end - shifts[1]
    coherence = _rows(kept, "coherence", pd.Series(shifts[1] - shifts[0]))
    if then["model_weights"].empty or then["demand_history"].empty:
        return [_rows(kept, "model or weights", pd.Series(end - start)), coherence]
    before, today = then["demand_history"], now["demand_history"]
    first = months.shift(before["month"].max(), 1)
    ends = schema.lookup(kept["item"], items, "end_month")
    is_over = (kept["month"] > ends).to_numpy()

    def said(frame: pd.DataFrame, amount: pd.Series) -> np.ndarray:
        """The forecast of the kept rows by the weights of then, before series end."""
        series = panel.from_table(frame.assign(amount=amount), "amount")
        groups = history.family_codes(series.keys, items)
        ahead = months.number(kept["month"].max()) - months.number(series.months[-1])
        made = forecasting.with_weights(
            series, groups, then["model_weights"], horizon=int(max(ahead, horizon))
        )
        # left: a series that history then did not hold has no forecast of then
        return (
            kept[schema.SERIES_MONTH]
            .merge(made, on=schema.SERIES_MONTH, how="left", validate="one_to_one")["quantity"]
            .to_numpy()
        )

    horizon = int(months.number(then["demand_plan"]["month"].max()) - months.number(first)) + 1
    past = today[today["month"] < first]
    layers = _layers_of_then(past, before)
    stages = [said(before, _learned_from(before))]
    stages.append(said(past, past[_BASE].sum(axis=1) + layers))
    stages.append(said(past, _learned_from(past)))
    stages.append(said(today, _learned_from(today)))
    is_new = _apart(kept, now, then)  # models alone do not tell what these were
    stages = [np.where(np.isfinite(stage) & ~is_new, stage, start) for stage in stages]
    was_over = (start == 0) & (stages[0] != 0)
    path = [start, np.where(was_over, 0.0, stages[0]), np.where(is_over, 0.0, stages[0])]
    path += [np.where(is_over, 0.0, stage) for stage in stages[1:]]
    path = [*_snapped(path), end]
    causes = ["another version of sopkit", "end of sale", "history restated", "cleaning"]
    causes += ["new actuals", "model or weights"]
    parts = [
        _rows(kept, cause, pd.Series(after - ahead))
        for cause, ahead, after in zip(causes, path[:-1], path[1:], strict=True)
    ]
    return [*parts, coherence]


def _coherence(kept: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> np.ndarray:
    """What making levels add up changed of each row's forecast; nothing where none was made."""
    made = tables["forecast"]
    if made.empty or "coherence" not in made:  # a cycle run before there was coherence
        return np.zeros(len(kept))
    key = schema.SERIES_MONTH
    # left: a series that was launched by hand has no forecast
    both = kept[key].merge(made[[*key, "coherence"]], on=key, how="left", validate="one_to_one")
    return both["coherence"].fillna(0.0).to_numpy()


def _apart(kept: pd.DataFrame, *cycles: dict[str, pd.DataFrame]) -> np.ndarray:
    """Whether like items, or one model alone, forecast a row's series, now or then.

    One alone is mostly what people chose: its parameters are not known here.
    """
    weights = pd.concat([tables["model_weights"] for tables in cycles])
    own = weights[(weights["model"] == launches.MODEL) | (weights["weight_share"] == 1.0)]
    return pd.MultiIndex.from_frame(kept[schema.SERIES]).isin(
        pd.MultiIndex.from_frame(own[schema.SERIES])
    )


def _snapped(path: list[np.ndarray]) -> list[np.ndarray]:
    """Stages that differ from the one before by rounding alone are that one."""
    made = path[:1]
    for stage in path[1:]:
        made.append(np.where(np.isclose(stage, made[-1], rtol=1e-10, atol=1e-9), made[-1], stage))
    return made


def _learned_from(demand: pd.DataFrame) -> pd.Series:
    """What models learn from; histories of earlier versions know no baseline."""
    return demand["baseline"] if "baseline" in demand else demand["demand"]


def _layers_of_then(past: pd.DataFrame, before: pd.DataFrame) -> pd.Series:
    """What cleaning and drivers made of each month when the last cycle read it; zero where not."""
    layers = _learned_from(before) - before[_BASE].sum(axis=1)
    layers = before[schema.SERIES_MONTH].assign(layers=layers)
    # left: a month that was not in the history of then had no layer
    both = past[schema.SERIES_MONTH].merge(
        layers, on=schema.SERIES_MONTH, how="left", validate="one_to_one"
    )
    return both["layers"].fillna(0.0).set_axis(past.index)


def _by_override(kept, now, then) -> list[pd.DataFrame]:
    """The change that each override makes; what is left has no name."""
    parts, left = [], kept["overrides_now"] - kept["overrides_then"]
    both = [_overrides(tables) for tables in (then, now)]
    for name in sorted({*both[0], *both[1]}):
        own = pd.Series(0.0, index=kept.index)
        for moves, sign in zip(both, (-1.0, 1.0), strict=True):
            if name in moves:
                # left: rows that this one did not touch
                laid = kept[schema.SERIES_MONTH].merge(
                    moves[name], on=schema.SERIES_MONTH, how="left", validate="one_to_one"
                )
                own = own + sign * laid["change"].fillna(0.0)
        left = left - own
        parts.append(_rows(kept, "override", own, detail=name))
    left = left.where(left.abs() > 1e-9, 0.0)
    return [*parts, _rows(kept, "override", left, detail="overrides not told apart")]


def _by_department(kept, now, then) -> list[pd.DataFrame]:
    """What departments move, told apart by the number they gave and the weight it has."""
    weights = [_weights(tables) for tables in (then, now)]
    distances = [_distances(tables, kept) for tables in (then, now)]
    parts, left = [], kept["departments_now"] - kept["departments_then"]
    for name in sorted({*distances[0], *distances[1]}):
        before, after = (own.get(name, pd.Series(0.0, index=kept.index)) for own in distances)
        was, is_now = (own.get(name, 0.0) for own in weights)
        by_weight = (is_now - was) * before
        by_number = is_now * (after - before)
        left = left - by_weight - by_number
        parts.append(_rows(kept, "department", by_number, detail=f"{name}: its number"))
        parts.append(_rows(kept, "department", by_weight, detail=f"{name}: its weight"))
    left = left.where(left.abs() > 1e-9, 0.0)
    return [*parts, _rows(kept, "department", left, detail="departments not told apart")]


def _weights(tables: dict[str, pd.DataFrame]) -> dict[str, float]:
    skill = tables["view_skill"]
    return dict(zip(skill["department"], skill["weight_share"], strict=True))


def _distances(tables: dict[str, pd.DataFrame], kept: pd.DataFrame) -> dict[str, pd.Series]:
    """How far each department's view lies from what was known, by row of the plans kept."""
    plan, views = tables["demand_plan"], tables["views"]
    if views.empty:
        return {}
    known = plan[schema.SERIES_MONTH].assign(known=plan["statistical"] + plan["events"])
    # inner: a view outside the plan moves nothing
    both = views.merge(known, on=schema.SERIES_MONTH, how="inner", validate="many_to_one")
    both = both.assign(distance=both["quantity"] - both["known"])
    return {
        str(name): kept[schema.SERIES_MONTH]
        .merge(own, on=schema.SERIES_MONTH, how="left", validate="one_to_one")["distance"]
        .fillna(0.0)
        for name, own in both.groupby("department")
    }


def _overrides(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    moves = tables["override_changes"]
    if moves.empty:
        return {}
    return {
        f"override of {author}: {subject}": own[[*schema.SERIES_MONTH, "change"]]
        for (author, subject), own in moves.groupby(["author", "subject"])
    }


def summed(table: pd.DataFrame, *, by: list[str] | None = None) -> pd.DataFrame:
    """The bridge added up: by nothing, family, month or any of its columns.

    Parameters
    ----------
    table : DataFrame
        From ``bridge``, quantities in the planning unit.
    by : list of str, optional
        Columns to tell apart.

    Returns
    -------
    DataFrame
        Those columns, ``cause``, ``detail``, ``change``: last plan first, causes in the order of
        substitution, the plan now last.
    """
    keys = by or []
    causes = table.groupby([*keys, "cause", "detail"], as_index=False)["change"].sum()
    ends = table.assign(cause=NOW, detail="")
    ends = ends.groupby([*keys, "cause", "detail"], as_index=False)["change"].sum()
    order = {name: place for place, name in enumerate((LAST, *CAUSES, NOW))}
    both = pd.concat([causes, ends], ignore_index=True)
    both = both.assign(order=both["cause"].map(order))
    return both.sort_values([*keys, "order", "detail"], ignore_index=True).drop(columns="order")


def moves(table: pd.DataFrame, price: pd.Series) -> pd.DataFrame:
    """Table ``plan_moves``: how far the plan of each family and month moved, and why.

    Parameters
    ----------
    table : DataFrame
        From ``bridge``, quantities in the planning unit.
    price : Series
        Price of a planning unit, by row of table; missing where unknown.

    Returns
    -------
    DataFrame
        Key ``family, month``: ``last_plan``, ``plan``, ``change``, ``change_value``, ``causes``
        (the three largest, in words); largest money first.
    """
    is_last = table["cause"] == LAST
    priced = table.assign(value=(table["change"] * price).where(~is_last, 0.0))
    priced = priced.assign(last_plan=table["change"].where(is_last, 0.0))
    keys = ["family", "month"]
    sums = priced.groupby(keys, as_index=False)[["last_plan", "change", "value"]].sum()
    told = summed(table, by=keys).groupby(keys)[["cause", "detail", "change"]].apply(words)
    causes = told.reindex(pd.MultiIndex.from_frame(sums[keys])).to_numpy() if len(sums) else []
    made = sums.assign(
        plan=sums["change"],
        change=sums["change"] - sums["last_plan"],
        change_value=sums["value"],
        causes=causes,
    )
    order = made["change_value"].abs().sort_values(ascending=False, kind="stable").index
    columns = [*keys, "last_plan", "plan", "change", "change_value", "causes"]
    return made.loc[order, columns].reset_index(drop=True)


def words(table: pd.DataFrame, most: int = 3) -> str:
    """The largest causes of a bridge that is ``summed`` over one thing, in words.

    Examples
    --------
    >>> rows = [(LAST, "", 100.0), ("new actuals", "", 12.0), ("department", "sales", -30.0)]
    >>> words(pd.DataFrame([*rows, (NOW, "", 82.0)], columns=["cause", "detail", "change"]))
    'sales −30, new actuals +12'
    """
    moves = table[~table["cause"].isin([LAST, NOW])]
    moves = moves[moves["change"].abs() > 0.5]
    top = moves.reindex(moves["change"].abs().sort_values(ascending=False, kind="stable").index)
    return ", ".join(
        f"{row['detail'] or row['cause']} {row['change']:+,.0f}".replace("-", "−")
        for row in top.head(most).to_dict("records")
    )
