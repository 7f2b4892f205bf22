"""What supply sends back to sales: who gets how much later, line by line, and how it was answered.

A line is what one person can say yes to: units of an item that a channel wants in a month. Its
rows say where, how many come in which later month, or not within the plan. Sales accepts or
refuses a line by its short name; accepted units are wanted later from then on, and the supply plan
is made again.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from sopkit import contract, months, schema

LINE = ["item", "channel", "month"]
EVERY = "all"  # in place of a line: all that are open
OPEN, ACCEPTED, REFUSED = "open", "accepted", "refused"
COLUMNS = (
    "feedback item location channel month later_month site quantity amount_value cause limit state "
    "author note"
).split()
_LETTERS = "23456789BCDFGHJKMNPQRSTVWXZ"  # none looks like another, no vowel makes a word
_SHORTEST, _LONGEST = 4, 10  # letters of a line's name after its F
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
        part = lost + lot_ends - np.maximum(lot_begins, served[:, [-1]])
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
    whole = pd.Series([_letters(word) for word in words], dtype="str")
    short = whole.str[:_SHORTEST]
    for size in range(_SHORTEST + 1, _LONGEST + 1):
        short = short.mask(short.duplicated(keep=False), whole.str[:size])
    return ("F" + short).set_axis(pd.MultiIndex.from_frame(keys))


def _letters(text: str) -> str:
    """A hash as letters of the alphabet."""
    number, found = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big"), ""
    for _ in range(_LONGEST):
        number, rest = divmod(number, len(_LETTERS))
        found += _LETTERS[rest]
    return found


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
        and accepted ones, in each the line of most money. Of a refused line nothing is offered
        again, whatever comes of it.

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
    last = agreed.sort_values("entered_at").drop_duplicates("feedback", keep="last")
    last = last.loc[last["state"] == REFUSED, ["feedback", "author", "note"]]
    late = late.merge(last, on="feedback", how="left", validate="many_to_one")
    state = late["feedback"].isin(last["feedback"]).map({True: REFUSED, False: OPEN})
    site = allocation[[*schema.SERIES, "site"]].drop_duplicates(schema.SERIES)
    said = agreed[agreed["quantity"] > 0].merge(
        site, on=schema.SERIES, how="left", validate="many_to_one"
    )
    said = said.assign(state=ACCEPTED, cause="", limit="")
    return _most_money_first(pd.concat([late.assign(state=state), said[COLUMNS]]))


def _within_plan(late: pd.DataFrame, plan: pd.DataFrame) -> pd.DataFrame:
    """What comes late of each series' month, no more than the plan holds of it."""
    holds = plan[[*schema.SERIES_MONTH, "constrained"]]
    both = late.merge(holds, on=schema.SERIES_MONTH, how="left", validate="many_to_one")
    total = late.groupby(schema.SERIES_MONTH)["quantity"].transform("sum")
    share = (both["constrained"].fillna(0.0).clip(lower=0.0) / total).clip(upper=1.0)
    return late.assign(quantity=late["quantity"] * share)


def _most_money_first(table: pd.DataFrame) -> pd.DataFrame:
    """Rows in the order in which sales reads them."""
    text = ["feedback", *schema.SERIES, "site", "cause", "limit", "state", "author", "note"]
    table = table.fillna(dict.fromkeys(text, "")).astype(dict.fromkeys(text, "str"))
    by = [table["state"], table["feedback"]]
    money = table["amount_value"].fillna(0.0).groupby(by).transform("sum")
    place = table["state"].map({OPEN: 0, REFUSED: 1, ACCEPTED: 2})
    units = table["quantity"].groupby(by).transform("sum")
    order = table.assign(place=place, money=-money, units=-units).sort_values(
        ["place", "money", "units", "feedback", "month", "location", "later_month"],
        ignore_index=True,
    )
    return order[COLUMNS]


def rounds(agreed: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """Table ``feedback_rounds``: batches of answers, then what is open now.

    Parameters
    ----------
    agreed, lines : DataFrame
        Tables `agreed` and `feedback`, quantities in the planning unit.

    Returns
    -------
    DataFrame
        Key ``round``: ``entered_at`` in words, ``author``, ``note``; lines ``accepted``,
        ``refused`` and ``open``; ``quantity`` and ``amount_value`` that were moved by them, in the
        last row those that are open. A later answer to the same line stands in its own round alone.
    """
    rows = []
    batches = agreed.fillna({"note": ""}).groupby(["entered_at", "author", "note"])
    for (when, author, note), own in batches:
        counts = own.groupby("state")["feedback"].nunique()
        said = {state: int(counts.get(state, 0)) for state in (ACCEPTED, REFUSED)}
        when = f"{when:%Y-%m-%d %H:%M}"
        rows.append(
            {"entered_at": when, "author": author, "note": note, "open": 0} | said | _sum(own)
        )
    left = lines[lines["state"] == OPEN]
    now = {"entered_at": "open now", "author": "", "note": "", ACCEPTED: 0, REFUSED: 0}
    rows.append(now | {"open": left["feedback"].nunique()} | _sum(left))
    return pd.DataFrame(rows).assign(round=range(1, len(rows) + 1))


def _sum(rows: pd.DataFrame) -> dict[str, float]:
    return {
        "quantity": rows["quantity"].sum(),
        "amount_value": rows["amount_value"].sum(skipna=False) if len(rows) else 0.0,
    }


def beside_consensus(deliveries: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """Table `deliveries` beside what customers wanted first: what was agreed to come late is late.

    Parameters
    ----------
    deliveries, lines : DataFrame
        Tables `deliveries` and `feedback`.

    Examples
    --------
    >>> span = months.span(pd.Timestamp("2026-01-01"), 2)
    >>> got = pd.DataFrame({"item": "A", "location": "plant", "month": span, "demand": [6.0, 14],
    ...     "on_time": [6.0, 14]})
    >>> line = pd.DataFrame({"item": ["A"], "site": "plant", "month": span[:1],
    ...     "later_month": span[1:], "quantity": 4.0, "state": ACCEPTED})
    >>> beside_consensus(got, line)[["demand", "on_time"]].values.tolist()
    [[10.0, 6.0], [10.0, 10.0]]
    """
    moved = lines[lines["state"] == ACCEPTED]
    keys = pd.MultiIndex.from_frame(deliveries[schema.SITE_MONTH])
    left, came = (
        moved.groupby(["item", "site", name])["quantity"].sum().reindex(keys, fill_value=0.0)
        for name in ("month", "later_month")
    )
    own = (deliveries["on_time"] - came.to_numpy()).clip(lower=0.0)
    demand = deliveries["demand"] + left.to_numpy() - came.to_numpy()
    return deliveries.assign(demand=demand, on_time=own)


def answers(
    table: pd.DataFrame, accepted: dict[str, float | None], refused: tuple[str, ...]
) -> pd.DataFrame:
    """Rows of raw table `answers` that say yes or no to lines.

    Parameters
    ----------
    table : DataFrame
        Table `feedback` as the last run left it.
    accepted : dict
        Line: units accepted of it, None for all; zero takes back what was accepted before.
        ``all`` is every open line that is not named otherwise.
    refused : tuple of str
        Lines refused, or ``all``; what was accepted of them before stays.

    Returns
    -------
    DataFrame
        ``feedback, item, location, channel, month, later_month, state, quantity``: with each key
        all that is moved by then, for the later answer counts alone.

    Raises
    ------
    UsageError
        If there is no such line, it was answered so already, or holds fewer units.
    """
    every = [name for name in (*accepted, *refused) if name != EVERY]
    left = table.loc[(table["state"] == OPEN) & ~table["feedback"].isin(every), "feedback"]
    if EVERY in (*accepted, *refused) and left.empty:
        raise months.UsageError("no line is open.")
    if EVERY in accepted:
        accepted = accepted | dict.fromkeys(left.unique())
    if EVERY in refused:
        refused = (*refused, *left.unique())
    accepted = {line: units for line, units in accepted.items() if line != EVERY}
    refused = tuple(line for line in refused if line != EVERY)
    for line in [*accepted, *refused]:
        if line not in set(table["feedback"]):
            known = sorted(set(table["feedback"]))
            hint = contract.nearest(line, known) if known else "Nothing is late."
            raise months.UsageError(f"no line {line!r}. {hint}")
    if both := sorted(accepted.keys() & set(refused)):
        raise months.UsageError(f"line {both[0]} is both accepted and refused.")
    parts = [_said(table, line, ACCEPTED, units) for line, units in accepted.items()]
    parts += [_said(table, line, REFUSED, None) for line in refused]
    return pd.concat(parts, ignore_index=True)


def _said(table: pd.DataFrame, line: str, state: str, units: float | None) -> pd.DataFrame:
    """One line's rows with what was moved before, and what is accepted of it now."""
    own = table[table["feedback"] == line]
    left, before = own[own["state"] != ACCEPTED], own[own["state"] == ACCEPTED]
    if units == 0.0 and len(before):
        left, before, units = before.assign(quantity=0.0), before[:0], None
    elif left.empty or (state == REFUSED and left["state"].eq(REFUSED).all()):
        words = own["state"].iloc[0]
        by = f" by {own['author'].iloc[0]}" if own["author"].iloc[0] else ""
        back = f". To take it back: --accept {line}=0" if words == ACCEPTED else ""
        raise months.UsageError(f"line {line} was {words}{by} already{back}.")
    whole = left["quantity"].sum()
    if units is not None and not 0.0 < units <= whole + _HALF:
        raise months.UsageError(f"line {line} holds {whole:,.0f} units, not {units:,.0f}.")
    share = 1.0 if units is None or whole == 0 else min(units / whole, 1.0)
    by = ["feedback", *schema.SERIES_MONTH, "later_month"]
    rows = left[[*by, "quantity"]].merge(
        before[[*by, "quantity"]].rename(columns={"quantity": "before"}),
        on=by,
        how="left",
        validate="one_to_one",
    )
    now = rows["quantity"] * share if state == ACCEPTED else 0.0
    moved = rows["before"].fillna(0.0) + now
    is_blank = (state == REFUSED) & (moved == 0)
    return rows[by].assign(state=state, quantity=moved.mask(is_blank))
