"""What sales agreed to of supply's feedback: the consensus becomes the constrained plan.

An answer moves units of a series' month into a later one, or drops them. Consensus says what
customers want and stays; `constrained` is what they are promised, and what supply plans.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema

REFUSED = "refused"
COLUMNS = (
    "feedback item location channel month later_month state quantity amount_value "
    "refused_quantity author note entered_at finding"
).split()
_KEY = ["feedback", *schema.SERIES_MONTH, "later_month"]
_HALF = 0.5  # units short of what was agreed from which it is told


def latest(answers: pd.DataFrame, *, cycle: pd.Timestamp) -> pd.DataFrame:
    """Of each line, series, month and later month of a cycle the last answer, which counts alone.

    Parameters
    ----------
    answers : DataFrame
        Raw table: every answer ever given. Other cycles' are left out: they were planned then, and
        what is late now is asked anew.
    cycle : Timestamp
        Month in which the plan is made.
    """
    own = answers[answers["cycle"] == cycle].sort_values("entered_at", kind="stable")
    return own.drop_duplicates(_KEY, keep="last")


def applied(
    plan: pd.DataFrame, answers: pd.DataFrame, rates: pd.DataFrame, *, cycle: pd.Timestamp
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The plan with column ``constrained``, and table ``agreed``.

    Parameters
    ----------
    plan : DataFrame
        Table `demand_plan`.
    answers : DataFrame
        Raw table, of which ``latest`` count.
    rates : DataFrame
        Table `money_rates`.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    plan : DataFrame
        ``constrained`` = consensus + what was agreed, units; below zero only where consensus is.
    agreed : DataFrame
        A row an answer, by month: ``quantity`` of it that is moved (0 where nothing is),
        ``amount_value`` at the series' price (missing without one), ``refused_quantity`` of lines
        whose last answer is no (missing elsewhere), ``finding``: why not all of it is moved.
        Answers with a finding come first, then the line of most money.

    Notes
    -----
    Months follow one another, so what was moved into a month can be moved on. A month gives no more
    than it holds by then: each of its answers gets the same share.
    """
    own = latest(answers, cycle=cycle).sort_values(
        ["month", *schema.SERIES, "later_month", "feedback"], ignore_index=True
    )
    known = pd.MultiIndex.from_frame(plan[schema.SERIES_MONTH])
    start, end = (
        known.get_indexer(pd.MultiIndex.from_frame(own[[*schema.SERIES, name]]))
        for name in ("month", "later_month")
    )
    finding = pd.Series(
        [_unfit(*row) for row in zip(own.to_dict("records"), start, end, strict=True)], dtype="str"
    )
    asked = own["quantity"].fillna(0.0).where(finding == "", 0.0).to_numpy(dtype="float64")
    moved, left = _moved(plan["consensus"].clip(lower=0.0), asked, own["month"], start, end)
    short = asked - moved > _HALF
    words = [
        f"{given:,.0f} of {of:,.0f} units: no more is planned there now"
        for given, of in zip(moved, asked, strict=True)
    ]
    last = own.groupby("feedback")["entered_at"].transform("max")
    is_no = (own["state"] == REFUSED) & (own["entered_at"] == last)
    price = own.merge(rates, on=schema.SERIES, how="left", validate="many_to_one")
    table = own.assign(
        quantity=moved,
        amount_value=moved * price["unit_price_value"],
        refused_quantity=own["refused_quantity"].fillna(0.0).where(is_no),
        finding=finding.mask(short, words).astype("str"),
    )
    change = left - plan["consensus"].clip(lower=0.0).to_numpy()
    worth = table.groupby("feedback")["amount_value"].transform("sum")
    order = table.assign(is_whole=table["finding"] == "", worth=-worth)
    table = order.sort_values(["is_whole", "worth"], kind="stable", ignore_index=True)
    return plan.assign(constrained=plan["consensus"] + change), table[COLUMNS]


def _unfit(answer: dict, start: int, end: int) -> str:
    """Why an answer moves nothing; empty where it does, or is not meant to."""
    if answer["state"] == REFUSED and not answer["quantity"] > 0:
        return ""
    if start < 0:
        return f"the plan holds no such series in {months.label(answer['month'])}: nothing is moved"
    if pd.isna(answer["quantity"]):
        return "it names no quantity: nothing is moved"
    if pd.isna(answer["later_month"]):
        return ""
    if answer["later_month"] <= answer["month"]:
        return "it comes no later than it is wanted: nothing is moved"
    return (
        ""
        if end >= 0
        else f"{months.label(answer['later_month'])} is not planned: nothing is moved"
    )


def _moved(
    holds: pd.Series, asked: np.ndarray, month: pd.Series, start: np.ndarray, end: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What each answer moves, and what every row of the plan holds in the end."""
    left, moved = holds.to_numpy(dtype="float64").copy(), np.zeros(len(asked))
    for _, rows in month[asked > 0].groupby(month).groups.items():
        at = start[rows]
        wanted = np.bincount(at, asked[rows], len(left))
        most = np.maximum(wanted, left)
        share = left / np.where(most > 0, most, 1.0)
        moved[rows] = asked[rows] * share[at]
        left = np.maximum(left - wanted * share, 0.0)
        comes = end[rows] >= 0
        left += np.bincount(end[rows][comes], moved[rows][comes], len(left))
    return moved, left
