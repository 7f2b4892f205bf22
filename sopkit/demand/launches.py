"""What new items are planned to sell, from the items they are like, until their own sales tell.

What a launch *promises* is what its like items sell, times weight, scale and ramp. Its first months
on sale scale the promise; then the statistical models take over, month by month.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import ramps

MODEL = "like items"  # in tables `forecast` and `model_weights`
YEAR = 12  # closed months after which a launch is an item like any other, or was none
SPREAD = 0.25  # of the logarithm of what comes over what was promised, until past launches tell
NOISE = 0.25  # of the logarithm of a month of an item, beside that
_USUAL_LAUNCHES = 4.0  # past launches that count as much as the usual spread
_KNOWN_MONTHS = 6  # closed months after which a launch says how far promises are off
_FULL_MONTHS = 6  # closed months after the ramp in which models take over
_FADING_MONTHS = 5  # before its end in which a like item no longer sells as it did
_YOUNG = 36  # months on sale up to which models take a like item's ramp for growth
_FURTHEST = 10.0  # times the promise: no launch counts as more, or as less than its inverse


def keys(launches: pd.DataFrame, history: pd.DataFrame) -> pd.DataFrame:
    """Series that new items will have: those of their like items.

    Parameters
    ----------
    launches, history : DataFrame
        Raw table; any with the columns of a series.

    Returns
    -------
    DataFrame
        Key ``item, location, channel``.
    """
    told = launches[["item", "like_item"]].rename(columns={"item": "new", "like_item": "item"})
    rows = told.merge(
        history[schema.SERIES].drop_duplicates(), on="item", how="inner", validate="many_to_many"
    )
    return rows.assign(item=rows["new"])[schema.SERIES].drop_duplicates(ignore_index=True)


def like_sales(
    history: pd.DataFrame, means: pd.DataFrame, items: pd.DataFrame, *, cycle: pd.Timestamp
) -> pd.DataFrame:
    """What items sell as if they did not end: closed months, then the forecast.

    Parameters
    ----------
    history : DataFrame
        Table `demand_history`: the baseline counts.
    means : DataFrame
        ``item, location, channel, month, quantity`` of the months ahead, before series end.
    items : DataFrame
        Raw table: ``end_month``. An item that fades already counts, from five months before its
        end on, as in the same months of the year before that; so does from the cycle on one that
        has been sold for one to three years: models take its ramp for growth.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    DataFrame
        Key ``item, location, channel, month``: ``quantity``, units.
    """
    past = history[[*schema.SERIES_MONTH, "baseline"]].rename(columns={"baseline": "quantity"})
    table = pd.concat([past, means[[*schema.SERIES_MONTH, "quantity"]]], ignore_index=True)
    number, now = months.number(table["month"]), months.number(cycle)
    begun = months.number(past.groupby("item")["month"].min())
    age = now - begun.where(begun > begun.min()).reindex(table["item"]).set_axis(table.index)
    end = months.number(schema.lookup(table["item"], items, "end_month")) - _FADING_MONTHS
    since = end.where(end < now).fillna(now).where((end < now) | age.between(YEAR, _YOUNG))
    back = (np.floor((number - since) / YEAR) + 1).clip(lower=0).fillna(0) * YEAR
    same = months.from_number((number - back).astype("int64")).astype(months.DTYPE)
    before = table.rename(columns={"month": "same", "quantity": "before"})
    # left: a month before the first sale of a series has none
    found = table.assign(same=same).merge(
        before, on=[*schema.SERIES, "same"], how="left", validate="many_to_one"
    )
    return table.assign(quantity=found["before"].fillna(table["quantity"]).to_numpy())


def promised(
    launches: pd.DataFrame,
    items: pd.DataFrame,
    sales: pd.DataFrame,
    curves: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Units that new items promise from their first month on, as their like items sell.

    Parameters
    ----------
    launches : DataFrame
        Raw table: each like item counts with ``weight_share`` times ``scale_rate`` (blank: 1), and
        grows evenly over ``ramp_months``; where that is blank, as ``curves`` say.
    items : DataFrame
        Raw table: ``launch_month``, ``end_month``, ``family``. Without a first month nothing is
        promised.
    sales : DataFrame
        ``item, location, channel, month, quantity`` of like items.
    curves : DataFrame, optional
        Table `launch_ramps`; left out, or without a row: a new item sells in full at once.

    Returns
    -------
    DataFrame
        Key ``item, location, channel, month``: ``quantity``.

    Examples
    --------
    >>> launches = pd.DataFrame({"item": ["N"], "like_item": ["A"], "weight_share": [1.0],
    ...     "scale_rate": [0.5], "ramp_months": [2.0]})
    >>> items = pd.DataFrame({"item": ["N"], "launch_month": [pd.Timestamp("2026-02-01")],
    ...     "end_month": [pd.NaT], "family": ["Tents"]})
    >>> sales = pd.DataFrame({"item": "A", "location": "all", "channel": "all",
    ...     "month": pd.date_range("2026-01", periods=3, freq="MS"), "quantity": 100.0})
    >>> promised(launches, items, sales)["quantity"].tolist()
    [25.0, 50.0]
    """
    told = launches[["item", "like_item", "weight_share", "scale_rate", "ramp_months"]]
    told = told.assign(
        first=schema.lookup(told["item"], items, "launch_month"),
        last=schema.lookup(told["item"], items, "end_month"),
        family=schema.lookup(told["item"], items, "family"),
    ).rename(columns={"item": "new", "like_item": "item"})
    rows = told.merge(
        sales[[*schema.SERIES_MONTH, "quantity"]], on="item", how="inner", validate="many_to_many"
    )
    rows = rows[(rows["month"] >= rows["first"]) & ~(rows["month"] > rows["last"])]
    age = months.number(rows["month"]) - months.number(rows["first"])
    told_ramp = ((age + 1) / rows["ramp_months"].where(rows["ramp_months"] > 0)).clip(upper=1.0)
    grown = told_ramp.fillna(ramps.share(rows["family"], age, curves))
    weight = rows["weight_share"] * rows["scale_rate"].fillna(1.0) * grown
    rows = rows.assign(item=rows["new"], quantity=rows["quantity"] * weight)
    return rows.groupby(schema.SERIES_MONTH, as_index=False)[["quantity"]].sum()


def ratios(
    promise: pd.DataFrame, history: pd.DataFrame, items: pd.DataFrame, *, cycle: pd.Timestamp
) -> tuple[pd.DataFrame, float]:
    """What launches sold of what they promised, and how far that speaks for the months to come.

    Parameters
    ----------
    promise : DataFrame
        From ``promised``, of closed months; later ones do not count.
    history : DataFrame
        Table `demand_history`.
    items : DataFrame
        Raw table: ``launch_month``.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    table : DataFrame
        Key ``item``: ``own`` and ``promised`` units of its first twelve closed ``months``;
        ``ratio`` of them, drawn to 1 while months are few; ``spread``: standard deviation of the
        logarithm of what is still unknown of it.
    spread : float
        The same of a launch that nobody has seen yet.

    Notes
    -----
    The logarithm of own over promised is normal around 0 with the spread of past launches; a month
    tells it with a noise of its own.

    Examples
    --------
    >>> key = {"item": "N", "month": pd.date_range("2025-11", periods=2, freq="MS")}
    >>> table, spread = ratios(pd.DataFrame(key | {"quantity": 100.0}),
    ...     pd.DataFrame(key | {"baseline": 150.0}),
    ...     pd.DataFrame({"item": ["N"], "launch_month": [pd.Timestamp("2025-11-01")]}),
    ...     cycle=pd.Timestamp("2026-01-01"))
    >>> table[["own", "promised", "months"]].values.tolist(), table["ratio"].round(2).tolist()
    ([[300.0, 200.0, 2.0]], [1.31])
    """
    first = schema.lookup(promise["item"], items, "launch_month")
    age = months.number(promise["month"]) - months.number(first)
    said = promise[(promise["month"] < cycle) & (age < YEAR)]
    said = said.groupby(["item", "month"], as_index=False)[["quantity"]].sum()
    sold = history.groupby(["item", "month"], as_index=False)[["baseline"]].sum()
    # left: a month in which a launch sold nothing at all yet is zero
    both = said.merge(sold, on=["item", "month"], how="left", validate="one_to_one")
    sums = both.groupby("item", as_index=False).agg(
        own=("baseline", "sum"), promised=("quantity", "sum"), months=("month", "size")
    )
    sums = sums[sums["promised"] > 0].reset_index(drop=True)
    log = np.log((sums["own"] / sums["promised"]).clip(1.0 / _FURTHEST, _FURTHEST))
    known = log[sums["months"] >= _KNOWN_MONTHS]
    squares = _USUAL_LAUNCHES * SPREAD**2 + (known**2).sum()
    spread = float(np.sqrt(squares / (_USUAL_LAUNCHES + len(known))))
    trust = spread**2 / (spread**2 + NOISE**2 / sums["months"])
    left = spread * np.sqrt(1.0 - trust)
    return sums.assign(ratio=np.exp(trust * log), spread=left), spread


def planned(
    launches: pd.DataFrame,
    items: pd.DataFrame,
    history: pd.DataFrame,
    means: pd.DataFrame,
    endless: pd.DataFrame,
    curves: pd.DataFrame | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The forecast with the launches in it, and how sure each of these is.

    Parameters
    ----------
    launches, items : DataFrame
        Raw tables. A launch is planned from its ``launch_month`` on, until it has been on sale for
        a year. What an item that it replaces (``replaces_item``) is still forecast to sell is taken
        off, never below zero: it is not counted twice, and taken off once where several replace it.
    history : DataFrame
        Table `demand_history`, to the month before the cycle.
    means, endless : DataFrame
        From ``forecasting.forecast``, with and without the months in which items end.
    curves : DataFrame, optional
        Table `launch_ramps`.

    Returns
    -------
    means : DataFrame
        With rows of the launches' series, zero before their first month: what is promised, as far
        as the first months kept it, and more and more what the models say of the item itself;
        ``model`` is "like items".
    sure : DataFrame
        Key ``item, location, channel``: ``weight_share`` of what is promised in the mix,
        ``spread`` of its level (standard deviation of the logarithm).
    """
    cycle, first = means["month"].min(), items.set_index("item")["launch_month"]
    age = months.number(cycle) - months.number(first.reindex(launches["item"]))
    alive = launches[(age < YEAR).to_numpy()]
    promise = promised(launches, items, like_sales(history, endless, items, cycle=cycle), curves)
    known, spread = ratios(promise, history, items, cycle=cycle)
    ahead = promise[promise["item"].isin(alive["item"]) & (promise["month"] >= cycle)]
    ahead = _not_twice(ahead, alive, means)
    level = known.set_index("item").reindex(ahead["item"]).set_axis(ahead.index)
    ahead = ahead.assign(quantity=ahead["quantity"] * level["ratio"].fillna(1.0))
    sure = ahead[schema.SERIES].assign(spread=level["spread"].fillna(spread)).drop_duplicates()
    sure = sure.assign(weight_share=_weights(sure, alive, history))
    return _mixed(means, ahead, sure[sure["weight_share"] > 0].reset_index(drop=True))


def _not_twice(ahead: pd.DataFrame, launches: pd.DataFrame, means: pd.DataFrame) -> pd.DataFrame:
    """What new items sell beside what the items that they replace still sell, month by month.

    Launches that replace the same item share what it sells by their own size.
    """
    pairs = launches[["item", "replaces_item"]].dropna().drop_duplicates()
    old = means[[*schema.SERIES_MONTH, "quantity"]]
    old = old.rename(columns={"item": "replaces_item", "quantity": "old"})
    both = pairs.merge(ahead, on="item", how="inner", validate="many_to_many")
    place = ["replaces_item", *schema.SERIES_MONTH[1:]]
    both = both.merge(old, on=place, how="inner", validate="many_to_one")
    whole = both.groupby(place)["quantity"].transform("sum")
    both = both.assign(old=both["old"] * both["quantity"] / whole.where(whole > 0))
    old = both.groupby(schema.SERIES_MONTH)["old"].sum()
    old = old.reindex(pd.MultiIndex.from_frame(ahead[schema.SERIES_MONTH])).fillna(0.0)
    return ahead.assign(quantity=(ahead["quantity"] - old.to_numpy()).clip(lower=0.0))


def _weights(sure: pd.DataFrame, launches: pd.DataFrame, history: pd.DataFrame) -> pd.Series:
    """Weight of what is promised: all before the first sale, none six months after the ramp."""
    sold = history.groupby(schema.SERIES).size()
    sold = sold.reindex(pd.MultiIndex.from_frame(sure[schema.SERIES])).fillna(0.0).to_numpy()
    ramp = launches.groupby("item")["ramp_months"].max().reindex(sure["item"]).to_numpy()
    until = np.fmin(ramp + _FULL_MONTHS, YEAR)
    return pd.Series(np.maximum(1.0 - sold / until, 0.0), index=sure.index)


def _mixed(
    means: pd.DataFrame, ahead: pd.DataFrame, sure: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The forecast with what launches promise in it, by weight, every month of each series."""
    rows = sure.merge(means[["month"]].drop_duplicates(), how="cross")
    # left: months before the launch or after its end, and series without models of their own
    for name, table in (("promise", ahead), ("own", means)):
        table = table[[*schema.SERIES_MONTH, "quantity"]].rename(columns={"quantity": name})
        rows = rows.merge(table, on=schema.SERIES_MONTH, how="left", validate="one_to_one")
    weight, parts = rows["weight_share"], rows[["promise", "own"]].fillna(0.0)
    mixed = weight * parts["promise"] + (1.0 - weight) * parts["own"]
    rows = rows.assign(quantity=mixed, model=MODEL)
    is_new = pd.MultiIndex.from_frame(means[schema.SERIES]).isin(
        pd.MultiIndex.from_frame(sure[schema.SERIES])
    )
    whole = pd.concat([means[~is_new], rows[list(means.columns)]], ignore_index=True)
    return whole.sort_values(schema.SERIES_MONTH, ignore_index=True), sure


def in_weights(weights: pd.DataFrame, sure: pd.DataFrame) -> pd.DataFrame:
    """Table ``model_weights`` with what like items weigh in launches beside the models.

    Parameters
    ----------
    weights, sure : DataFrame
        From ``forecasting.weights`` and ``planned``.
    """
    share = sure.set_index(schema.SERIES)["weight_share"]
    share = share.reindex(pd.MultiIndex.from_frame(weights[schema.SERIES])).fillna(0.0)
    left = 1.0 - share.to_numpy(dtype="float64")
    new = sure[[*schema.SERIES, "weight_share"]].assign(model=MODEL, error_rate=np.nan)
    table = pd.concat([weights.assign(weight_share=weights["weight_share"] * left), new])
    return table.sort_values([*schema.SERIES, "model"], ignore_index=True)[list(weights)]


def lost(late: pd.DataFrame, launches: pd.DataFrame, plan: pd.DataFrame) -> pd.DataFrame:
    """What is not sold when launches begin later.

    Parameters
    ----------
    late : DataFrame
        ``item, launch_month, possible_month``.
    launches : DataFrame
        Raw table: over ``ramp_months`` sales grow, from whichever month they begin in.
    plan : DataFrame
        ``item, month, quantity, revenue_value`` of the demand plan.

    Returns
    -------
    DataFrame
        Rows of ``late`` with ``quantity`` (units) and ``amount_value`` (revenue): what is planned
        for the months between, and what the ramp that begins later sells less after them; missing
        where nothing is planned, or priced.
    """
    own = plan.merge(late, on="item", how="inner", validate="many_to_one")
    ramp = launches.groupby("item")["ramp_months"].max().reindex(own["item"]).set_axis(own.index)
    grown = [
        ((months.number(own["month"]) - months.number(own[name]) + 1) / ramp.fillna(1.0)).clip(0, 1)
        for name in ("launch_month", "possible_month")
    ]
    share = 1.0 - (grown[1] / grown[0].where(grown[0] > 0)).fillna(1.0)
    measures = ["quantity", "revenue_value"]
    sums = own[measures].mul(share, axis=0).groupby(own["item"]).sum(min_count=1)
    units, value = sums.reindex(late["item"]).to_numpy(dtype="float64").T
    return late.assign(quantity=units, amount_value=value)
