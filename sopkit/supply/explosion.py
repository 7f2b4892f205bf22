"""What must be made or bought for a plan, month by month, through all levels of bills of material.

Time-phased net requirements, as of material requirements planning: what parents make, as many
months before as the bill says, less stock and receipts; a part that is made is planned lot for lot
and exploded on. Arrays are (n, t): parts at sites by months.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sopkit import schema
from sopkit.across import circle


@dataclass(frozen=True, eq=False)
class Exploded:
    """Requirements (n, t) of parts at sites.

    ``keys`` holds ``item, location, is_bought`` (the others are made); ``gross`` is what is needed,
    ``net`` what stock and ``scheduled`` receipts leave open, by the month in which it is needed;
    ``planned`` is ``net`` of what is made, not before its lead time has passed; ``opening`` (n,) is
    stock. ``span`` (t,) are the months.
    """

    keys: pd.DataFrame
    span: pd.DatetimeIndex
    gross: np.ndarray
    scheduled: np.ndarray
    net: np.ndarray
    planned: np.ndarray
    opening: np.ndarray


def bill(components: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """Bills of material of what is made: ``item, component, quantity_per, offset_months``.

    Parameters
    ----------
    components, items : DataFrame
        Raw tables. A blank ``quantity_per`` is 1, a blank ``offset_months`` 0; what is bought
        comes whole, so its components count for nothing.

    Raises
    ------
    ValueError
        If an item is a component of itself, by its chain.

    Examples
    --------
    >>> components = pd.DataFrame({"item": ["A", "B"], "component": ["B", "A"]})
    >>> bill(components, pd.DataFrame({"item": ["A", "B"], "is_purchased": False}))
    Traceback (most recent call last):
    ...
    ValueError: components: a circle: A → B → A. Take one of its links out.
    """
    if chain := circle(components["item"].tolist(), components["component"].tolist()):
        raise ValueError(f"components: a circle: {' → '.join(chain)}. Take one of its links out.")
    is_bought = schema.lookup(components["item"], items, "is_purchased").fillna(False).astype(bool)
    made = components[~is_bought]
    return made[["item", "component"]].assign(
        quantity_per=made["quantity_per"].fillna(1.0).astype("float64"),
        offset_months=made["offset_months"].fillna(0.0).astype("int64"),
    )


def is_bought(members: pd.Series, items: pd.DataFrame, bills: pd.DataFrame) -> pd.Series:
    """Whether items are bought: flagged so, or flagged nowhere and without a bill of their own."""
    flag = schema.lookup(members, items, "is_purchased").astype("object")
    return flag.fillna(~members.isin(bills["item"])).astype(bool)


def spare(projection: pd.DataFrame) -> pd.DataFrame:
    """What a plan's own stock could give without falling below safety stock, then or later.

    Parameters
    ----------
    projection : DataFrame
        Table `inventory_projection`, by item, site, then month.

    Returns
    -------
    DataFrame
        Key ``item, location, month``: ``quantity``, units that become free in the month.

    Examples
    --------
    >>> projection = pd.DataFrame({"item": "A", "location": "plant", "month": [1, 2, 3],
    ...     "closing": [9.0, 6.0, 8.0], "safety_stock": 5.0})
    >>> spare(projection)["quantity"].tolist()
    [1.0, 0.0, 2.0]
    """
    table = projection.sort_values(schema.SITE_MONTH, ignore_index=True)
    keys = [table[name] for name in schema.SITE]
    above = (table["closing"] - table["safety_stock"]).clip(lower=0.0)
    least = above[::-1].groupby([key[::-1] for key in keys]).cummin()[::-1]
    new = least - least.groupby(keys).shift(fill_value=0.0)
    return table[schema.SITE_MONTH].assign(quantity=new)


def explode(
    made: pd.DataFrame,
    bills: pd.DataFrame,
    items: pd.DataFrame,
    *,
    lead_months: pd.Series,
    stock: pd.Series,
    receipts: pd.DataFrame,
    span: pd.DatetimeIndex,
) -> Exploded:
    """Time-phased net requirements of all parts.

    Parameters
    ----------
    made : DataFrame
        Key ``item, location, month`` (due), planned already: ``quantity`` made new, ``in_work``
        begun (what it needed before the first month has been taken), ``purchased`` ordered whole.
        What subcontractors make is not in it: they bring their material.
    bills : DataFrame
        From ``bill``.
    items : DataFrame
        Raw table: what is bought.
    lead_months : Series
        Months that making takes, by item; missing is 0.
    stock, receipts : Series, DataFrame
        Stock by ``item, location`` at the start; units by ``item, location, month`` on their way.
        Of planned items what their plan can spare.
    span : DatetimeIndex
        Months planned.

    Returns
    -------
    Exploded
        Parts stand at the site of what they go into. A made part's components are needed when its
        lead time begins, or its ``offset_months`` before it is due if that is earlier. What would
        be needed before the first month is needed in it.
    """
    keys, level = _levels(made[schema.SITE], bills)
    index = pd.MultiIndex.from_frame(keys)

    def laid(table: pd.DataFrame, column: str = "quantity") -> np.ndarray:
        at, month = index.get_indexer(pd.MultiIndex.from_frame(table[schema.SITE])), table["month"]
        when = span.get_indexer(pd.DatetimeIndex(month))
        is_in, result = (at >= 0) & (when >= 0), np.zeros((len(index), len(span)))
        np.add.at(result, (at[is_in], when[is_in]), table[column].to_numpy("float64")[is_in])
        return result

    bought = is_bought(keys["item"], items, bills).to_numpy()
    lead = lead_months.reindex(keys["item"]).fillna(0.0).to_numpy("int64")
    edges = keys.assign(parent=range(len(keys))).merge(
        bills, on="item", how="inner", validate="many_to_many"
    )
    child = edges[["component", "location"]].set_axis(schema.SITE, axis=1)
    edges = edges.assign(child=index.get_indexer(pd.MultiIndex.from_frame(child)))
    opening = stock.reindex(index).fillna(0.0).to_numpy("float64")
    scheduled, new, begun = laid(receipts), laid(made), laid(made, "in_work")
    gross, net, planned = (np.zeros_like(new) for _ in range(3))
    for depth in range(level.max(initial=-1) + 1):
        rows = level == depth
        net[rows] = _net(gross[rows], opening[rows], scheduled[rows])
        own = np.flatnonzero(rows & ~bought)
        planned[own] = _not_before(net[own], lead[own])
        for wait, group in edges[edges["parent"].isin(own)].groupby("offset_months"):
            parent, child, per = (group[n].to_numpy() for n in ("parent", "child", "quantity_per"))
            for apart in np.unique(lead[parent]):
                of = lead[parent] == apart
                use = _earlier(planned[parent[of]], max(wait, int(apart)))
                use += _earlier(new[parent[of]], wait)
                use += _earlier(begun[parent[of]], wait, is_taken=True)
                np.add.at(gross, child[of], use * per[of, None])
    whole = laid(made, "purchased")
    keys = keys.assign(is_bought=bought)
    return Exploded(keys, span, gross + whole, scheduled, net + whole, planned, opening)


def _levels(tops: pd.DataFrame, bills: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Parts at sites below some items, with their low-level codes: the longest way down to each."""
    layer, layers = tops.drop_duplicates(), []
    while len(layer):
        layers.append(layer.assign(level=len(layers)))
        parts = layer.merge(bills, on="item", how="inner", validate="many_to_many")
        layer = parts[["component", "location"]].set_axis(schema.SITE, axis=1).drop_duplicates()
    if not layers:
        return tops, np.zeros(0, dtype="int64")
    table = pd.concat(layers).groupby(schema.SITE, as_index=False)["level"].max()
    return table[schema.SITE], table["level"].to_numpy()


def _net(gross: np.ndarray, opening: np.ndarray, scheduled: np.ndarray) -> np.ndarray:
    """What stock and receipts leave open, in the month in which it is needed."""
    lacking = gross.cumsum(axis=1) - opening[:, None] - scheduled.cumsum(axis=1)
    total = np.maximum.accumulate(np.maximum(lacking, 0.0), axis=1)
    return np.diff(total, axis=1, prepend=0.0)


def _not_before(amount: np.ndarray, lead: np.ndarray) -> np.ndarray:
    """Amounts (n, t), those of months within the lead time moved to its end."""
    is_open = np.arange(amount.shape[1]) >= lead[:, None]
    return np.diff(np.where(is_open, amount.cumsum(axis=1), 0.0), axis=1, prepend=0.0)


def _earlier(amount: np.ndarray, count: int, *, is_taken: bool = False) -> np.ndarray:
    """Amounts some months earlier; of before the first month in it, unless they are taken."""
    moved = np.zeros_like(amount)
    kept = amount[:, count:]
    moved[:, : kept.shape[1]] = kept
    if not is_taken:
        moved[:, 0] += amount[:, :count].sum(axis=1)
    return moved


def uses(tops: pd.DataFrame, bills: pd.DataFrame) -> pd.DataFrame:
    """How many units of each part go into one unit of each item, through all levels.

    Parameters
    ----------
    tops : DataFrame
        ``item, location, quantity`` made over the horizon.
    bills : DataFrame
        From ``bill``.

    Returns
    -------
    DataFrame
        Key ``item, location, wanted_for``: ``per`` (units of ``item`` in one of ``wanted_for``),
        ``quantity`` of it made; the items themselves among them, ``per`` 1.

    Examples
    --------
    >>> tops = pd.DataFrame({"item": ["A"], "location": ["plant"], "quantity": [5.0]})
    >>> bills = pd.DataFrame({"item": ["A", "A", "B"], "component": ["B", "C", "C"],
    ...     "quantity_per": [2.0, 1.0, 3.0]})
    >>> uses(tops, bills)[["item", "wanted_for", "per"]].values.tolist()
    [['A', 'A', 1.0], ['B', 'A', 2.0], ['C', 'A', 7.0]]
    """
    layer = tops.assign(wanted_for=tops["item"], per=1.0)
    parts = [layer]
    while len(layer):
        rows = layer.merge(bills, on="item", how="inner", validate="many_to_many")
        rows = rows.assign(item=rows["component"], per=rows["per"] * rows["quantity_per"])
        layer = rows[list(parts[0].columns)]
        parts.append(layer)
    key = [*schema.SITE, "wanted_for", "quantity"]
    return pd.concat(parts).groupby(key, as_index=False)[["per"]].sum()
