"""What supply sends back to sales: who gets how much later, line by line, and how it was answered.

A line is what one person can say yes to: units of an item that a channel wants in a month. Its
rows say where, how many come in which later month, or not within the plan. Sales accepts or
refuses a line by its short name; accepted units are wanted later from then on, and the supply plan
is made again.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, naming, schema

LINE = ["item", "channel", "month"]
OPEN, ACCEPTED, REFUSED = "open", "accepted", "refused"
COLUMNS = (
    "feedback item location channel month later_month site quantity amount_value promised_quantity "
    "cause limit state author note remark"
).split()
_SHORTEST = 4  # letters of a line's name after its F
_HALF = 0.5  # units of a line from which it is told


def lots(allocation: pd.DataFrame) -> pd.DataFrame:
    """Which part of each series' month comes in which later month: first wanted, first served.

    Parameters
    ----------
    allocation : DataFrame
        Table `allocation`: ``demand, delivered, owed, lost`` of every month of each series, units.

    Returns
    -------
    DataFrame
        Key ``item, location, channel, month, later_month``: ``site``, ``quantity`` above zero;
        ``later_month`` is missing where it does not come within the plan, or is lost. What was owed
        before the first month is served first and is no part of it.

    Examples
    --------
    >>> got = pd.DataFrame({"item": "A", "location": "all", "channel": "Web", "site": "plant",
    ...     "month": months.span(pd.Timestamp("2026-01-01"), 3), "demand": [10.0, 10, 10],
    ...     "delivered": [7.0, 11, 10], "owed": [3.0, 2, 2], "lost": 0.0})
    >>> lots(got)[["month", "later_month", "quantity"]].astype("str").values.tolist()[:2]
    [['2026-01-01', '2026-02-01', '3.0'], ['2026-02-01', '2026-03-01', '2.0']]
    """
    rows = allocation.sort_values(schema.SERIES_MONTH, ignore_index=True)
    ahead = pd.DatetimeIndex(sorted(rows["month"].unique()))
    count, month = len(ahead), ahead.get_indexer(rows["month"])
    groups = rows.groupby(schema.SERIES, sort=False)
    series, first = groups.ngroup().to_numpy(), ~rows.duplicated(schema.SERIES)
    begin = rows[first]
    owed = begin["owed"] - begin["demand"] + begin["delivered"] + begin["lost"]
    shape = (len(begin), count)
    place, demand, delivered, lost = (np.zeros(shape) for _ in range(4))
    for grid, values in (
        (place, np.arange(len(rows))),
        (demand, rows["demand"] - rows["lost"]),
        (delivered, rows["delivered"]),
        (lost, rows["lost"]),
    ):
        grid[series, month] = values
    none = np.zeros((len(begin), 1))
    wanted = owed.to_numpy()[:, None] + np.cumsum(np.hstack([none, demand]), axis=1)
    served = np.cumsum(np.hstack([none, delivered]), axis=1)
    lot_begins, lot_ends, found = wanted[:, :-1], wanted[:, 1:], []
    for later in range(count + 1):  # the last one: not within the plan
        part = lost + (lot_ends - np.maximum(lot_begins, served[:, [-1]])).clip(min=0.0)
        if later < count:
            came = served[:, [later]], served[:, [later + 1]]
            part = np.minimum(lot_ends, came[1]) - np.maximum(lot_begins, came[0])
            part[:, later:] = 0.0  # in its own month, or in one before
        at = part > 1e-9
        own = rows.iloc[place[at].astype("int64")][[*schema.SERIES_MONTH, "site"]]
        comes = ahead[later] if later < count else pd.NaT
        found.append(own.assign(later_month=comes, quantity=part[at]))
    table = pd.concat(found).astype({"later_month": months.DTYPE})
    by = [*schema.SERIES_MONTH, "later_month"]
    return table.sort_values(by, ignore_index=True)[[*by, "site", "quantity"]]


def names(keys: pd.DataFrame) -> pd.Series:
    """A short name for each item, channel and month: the same on every machine and in every round.

    Parameters
    ----------
    keys : DataFrame
        ``item, channel, month`` of all that a plan may hold, each once: two of one name get a
        letter more.

    Returns
    -------
    Series
        Indexed by ``item, channel, month``.

    Examples
    --------
    >>> month = pd.to_datetime(["2026-05-01"])
    >>> names(pd.DataFrame({"item": ["A"], "channel": ["Web"], "month": month})).tolist()
    ['FDTPW']
    """
    words = keys["item"] + "\n" + keys["channel"] + "\n" + keys["month"].dt.strftime("%Y-%m")
    short = naming.short_names(words, "F", _SHORTEST)
    return short.set_axis(pd.MultiIndex.from_frame(keys))


def lines(
    allocation: pd.DataFrame,
    plan: pd.DataFrame,
    shortages: pd.DataFrame,
    agreed: pd.DataFrame,
    rates: pd.DataFrame,
) -> pd.DataFrame:
    """Table ``feedback``: what cannot be delivered in its month, and what sales says to it.

    Parameters
    ----------
    allocation, plan, shortages, agreed, rates : DataFrame
        Tables `allocation`, `demand_plan`, `shortages`, `agreed` and `money_rates`.

    Returns
    -------
    DataFrame
        ``feedback`` (the line's name), ``item, location, channel, month, later_month, site``,
        ``quantity``, ``amount_value`` at the series' price, ``cause`` and ``limit`` of the
        shortage, ``state``, ``author`` and ``note`` of the answer. Open lines first, then refused
        and accepted ones, those that are not kept before the others, in each the line of most
        money. Of a refused line nothing is offered again, whatever comes of it.
        ``promised_quantity`` of these units an earlier answer had moved into ``month``; ``remark``
        of an accepted line that is not kept: when it comes.

    Notes
    -----
    Orders beyond the plan that come late are no line: sales puts them into the plan first. A line
    of less than half a unit is none.
    """
    of_line = names(allocation[LINE].drop_duplicates())
    late = _within_plan(lots(allocation), plan)
    late = late.assign(feedback=of_line.reindex(pd.MultiIndex.from_frame(late[LINE])).to_numpy())
    total = late.groupby("feedback")["quantity"].transform("sum")
    why = shortages[[*schema.SITE_MONTH, "cause", "limit"]].rename(columns={"location": "site"})
    late = late[total >= _HALF].merge(
        why, on=["item", "site", "month"], how="left", validate="many_to_one"
    )
    priced = late.merge(rates, on=schema.SERIES, how="left", validate="many_to_one")
    late = late.assign(amount_value=late["quantity"] * priced["unit_price_value"])
    last = agreed[agreed["refused_quantity"].notna()].drop_duplicates("feedback")
    last = last[["feedback", "author", "note"]]
    late = late.merge(last, on="feedback", how="left", validate="many_to_one")
    state = late["feedback"].isin(last["feedback"]).map({True: REFUSED, False: OPEN})
    site = allocation[[*schema.SERIES, "site"]].drop_duplicates(schema.SERIES)
    said = agreed[agreed["quantity"] > 0].merge(
        site, on=schema.SERIES, how="left", validate="many_to_one"
    )
    said = said.assign(state=ACCEPTED, cause="", limit="")
    told = pd.concat([late.assign(state=state), said])
    return _most_money_first(_beside_promises(told, plan))


def _beside_promises(lines: pd.DataFrame, plan: pd.DataFrame) -> pd.DataFrame:
    """Lines with what of them was promised before, and which promises are not kept.

    What was promised to come in a month is served first in it: it waits on where more is late than
    the month's own demand, in the first lots. The answer that promised it says when it comes.
    """
    yes = lines[(lines["state"] == ACCEPTED) & lines["later_month"].notna()]
    came = yes.groupby([*schema.SERIES, "later_month"])["quantity"].sum()
    came.index = came.index.set_names(schema.SERIES_MONTH)
    lines = lines.sort_values([*schema.SERIES_MONTH, "later_month"], ignore_index=True)
    key = pd.MultiIndex.from_frame(lines[schema.SERIES_MONTH])
    wanted = plan.set_index(schema.SERIES_MONTH)["consensus"].clip(lower=0.0)
    lines = lines.astype({"quantity": "float64"})  # of no lines it has no type
    of_month = lines.groupby(schema.SERIES_MONTH)["quantity"]
    again = of_month.transform("sum") - wanted.reindex(key, fill_value=0.0).to_numpy()
    again = np.minimum(again, came.reindex(key, fill_value=0.0).to_numpy()).clip(lower=0.0)
    promised = (again - of_month.cumsum() + lines["quantity"]).clip(0.0, lines["quantity"])
    lines = lines.assign(promised_quantity=promised, again=again)
    broken = lines[lines["promised_quantity"] >= _HALF]
    broken = broken.drop_duplicates(schema.SERIES_MONTH, keep="last").set_index(schema.SERIES_MONTH)
    into = pd.MultiIndex.from_frame(lines[[*schema.SERIES, "later_month"]])
    is_broken = into.isin(broken.index) & (lines["state"] == ACCEPTED)
    when = pd.Series(broken["later_month"].reindex(into).to_numpy()).dt.strftime("comes %Y-%m")
    owed = came.reindex(into, fill_value=0.0).to_numpy()
    is_whole = owed - broken["again"].reindex(into, fill_value=0.0).to_numpy() < _HALF
    kept = np.where(is_whole, "not kept: ", "not all of it is kept: the rest ")
    words = kept + when.fillna("does not come within the plan").to_numpy()
    return lines.assign(remark=np.where(is_broken, words, ""))


def _within_plan(late: pd.DataFrame, plan: pd.DataFrame) -> pd.DataFrame:
    """What comes late of each series' month, no more than the plan holds of it."""
    holds = plan[[*schema.SERIES_MONTH, "constrained"]]
    both = late.merge(holds, on=schema.SERIES_MONTH, how="left", validate="many_to_one")
    total = late.groupby(schema.SERIES_MONTH)["quantity"].transform("sum")
    share = (both["constrained"].fillna(0.0).clip(lower=0.0) / total).clip(upper=1.0)
    return late.assign(quantity=late["quantity"] * share)


def _most_money_first(table: pd.DataFrame) -> pd.DataFrame:
    """Rows in the order in which sales reads them."""
    text = [
        "feedback",
        *schema.SERIES,
        "site",
        "cause",
        "limit",
        "state",
        "author",
        "note",
        "remark",
    ]
    table = table.astype(dict.fromkeys(text, "str")).fillna(dict.fromkeys(text, ""))
    by = [table["state"], table["feedback"]]
    money = table["amount_value"].fillna(0.0).groupby(by).transform("sum")
    place = table["state"].map({OPEN: 0, REFUSED: 1, ACCEPTED: 3}).astype("int64")
    place = place - table["remark"].ne("")  # promises that are not kept, before others
    units = table["quantity"].groupby(by).transform("sum")
    order = table.assign(place=place, money=-money, units=-units).sort_values(
        ["place", "money", "units", "feedback", "month", "location", "later_month"],
        ignore_index=True,
    )
    return order[COLUMNS]
