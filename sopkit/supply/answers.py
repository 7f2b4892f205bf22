"""What sales says to supply's feedback: rows to keep, rounds of answers, what they leave late.

Rows of an answer hold all that is moved by then of a series' month into a later one, so the latest
of one key counts alone, and any answer can be given again. Earlier ones stay: they are the history.
"""

from __future__ import annotations

import pandas as pd

from sopkit import contract, months, schema
from sopkit.supply.feedback import ACCEPTED, OPEN, REFUSED

EVERY = "all"  # in place of a line: all that are open
_KEY = ["feedback", *schema.SERIES_MONTH, "later_month"]
_BATCH = ["entered_at", "author", "note"]
_COUNTS = ["accepted", "refused", "taken_back"]
_ROUND = ["round", "entered_at", "author", *_COUNTS, "open", "quantity", "amount_value", "note"]
_HALF = 0.5  # units by which a part may exceed its line


def rows(
    table: pd.DataFrame, accepted: dict[str, float | None], refused: tuple[str, ...]
) -> pd.DataFrame:
    """Rows of raw table `answers` that say yes or no to lines.

    Parameters
    ----------
    table : DataFrame
        Table `feedback` as the last run left it.
    accepted : dict
        Line: units accepted of it, None for all; zero takes back what was said before.
        ``all`` is every open line that is not named otherwise.
    refused : tuple of str
        Lines refused, or ``all``; what was accepted of them before stays.

    Returns
    -------
    DataFrame
        ``feedback, item, location, channel, month, later_month, state, quantity``: with each key
        all that is moved by then, for the later answer counts alone; ``refused_quantity``.

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
    if units == 0.0:
        left, before, units = (before if len(before) else left), before[:0], None
        left = left.assign(quantity=0.0)
    elif left.empty or (state == REFUSED and left["state"].eq(REFUSED).all()):
        words = own["state"].iloc[0]
        by = f" by {own['author'].iloc[0]}" if own["author"].iloc[0] else ""
        back = f". To take it back: --accept {line}=0" if words == ACCEPTED else ""
        raise months.UsageError(f"line {line} was {words}{by} already{back}.")
    whole = left["quantity"].sum()
    if units is not None and not 0.0 < units <= whole + _HALF:
        raise months.UsageError(f"line {line} holds {whole:,.0f} units, not {units:,.0f}.")
    share = 1.0 if units is None or whole == 0 else min(units / whole, 1.0)
    both = left[[*_KEY, "quantity"]].merge(
        before[[*_KEY, "quantity"]].rename(columns={"quantity": "before"}),
        on=_KEY,
        how="left",
        validate="one_to_one",
    )
    now = both["quantity"] * share if state == ACCEPTED else 0.0
    moved = both["before"].fillna(0.0) + now
    is_blank = (state == REFUSED) & (moved == 0)
    no = both["quantity"] if state == REFUSED else float("nan")
    return both[_KEY].assign(state=state, quantity=moved.mask(is_blank), refused_quantity=no)


def rounds(
    answers: pd.DataFrame, lines: pd.DataFrame, rates: pd.DataFrame, *, cycle: pd.Timestamp
) -> pd.DataFrame:
    """Table ``feedback_rounds``: batches of answers, then what is open now.

    Parameters
    ----------
    answers : DataFrame
        Raw table: every answer ever given.
    lines : DataFrame
        Table `feedback`, quantities in the planning unit.
    rates : DataFrame
        Table `money_rates`, with ``planning_factor``.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    DataFrame
        Key ``round``: ``entered_at`` in words, ``author``, ``note``; lines ``accepted``,
        ``refused``, ``taken_back``, and ``open`` (known now alone); ``quantity`` and
        ``amount_value`` that each batch accepted (taken back: below zero), in the last row those
        that are open. No later answer changes an earlier round.
    """
    made, said = [], _given(answers, rates, cycle)
    for (when, author, note), own in said.groupby(_BATCH):
        is_no = own["state"] == REFUSED
        kinds = dict(zip(_COUNTS, (~is_no & ~own["is_back"], is_no, own["is_back"]), strict=True))
        row = {name: own.loc[chosen, "feedback"].nunique() for name, chosen in kinds.items()}
        row |= {"entered_at": f"{when:%Y-%m-%d %H:%M}", "author": author, "note": note}
        made.append(row | _sum(own))
    left = lines[lines["state"] == OPEN]
    now = {"entered_at": "open now", "author": "", "note": ""} | dict.fromkeys(_COUNTS, 0)
    made.append(now | {"open": left["feedback"].nunique()} | _sum(left))
    return pd.DataFrame(made).assign(round=range(1, len(made) + 1))[_ROUND]


def _given(answers: pd.DataFrame, rates: pd.DataFrame, cycle: pd.Timestamp) -> pd.DataFrame:
    """What each answer changed beside the one before it; ``is_back``: nothing is left of it."""
    own = answers[answers["cycle"] == cycle].sort_values(["entered_at", *_KEY], ignore_index=True)
    own = own.assign(quantity=own["quantity"].fillna(0.0), note=own["note"].astype("str"))
    before = own.groupby(_KEY, dropna=False)["quantity"].shift(fill_value=0.0)
    priced = own.merge(rates, on=schema.SERIES, how="left", validate="many_to_one")
    change = own["quantity"] - before
    return own.assign(
        note=own["note"].fillna(""),
        is_back=(own["state"] == ACCEPTED) & (own["quantity"] == 0),
        quantity=change * priced["planning_factor"].fillna(1.0),
        amount_value=change * priced["unit_price_value"],
    )


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
