"""What became of promises: actions that were to move a KPI, measured when their months are over.

The baseline is the KPI over the same months of the year before, so that the season is in both;
measured = the KPI over the months of the effect − the baseline, all else being equal.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.executive import kpis

BASELINE = "the same months of the year before"
_KEPT_RATE, _PARTLY_RATE = 0.8, 0.2  # shares of the promise from which it is kept, partly kept
_ASKED = ("effect_first_month", "effect_last_month", "effect_amount")
_NUMBERS = ("promised", "before", "after", "measured", "share")
_COLUMNS = (
    "action cycle statement owner kpi meaning unit subject first_month last_month promised before "
    "after measured share verdict finding words"
).split()


def outcomes(
    actions: pd.DataFrame, sold: pd.DataFrame, held: pd.DataFrame, *, cycle: pd.Timestamp
) -> pd.DataFrame:
    """Table ``outcomes``: each action that promised to move a KPI, beside what came.

    Parameters
    ----------
    actions : DataFrame
        Raw table of that name; the latest row of an action counts.
    sold, held : DataFrame
        From ``measures``.
    cycle : Timestamp
        Month in which the plan is made; effects that end before it are measured.

    Returns
    -------
    DataFrame
        Key ``action``: ``promised`` (in the KPI's ``unit``), ``before`` (baseline), ``after``,
        ``measured`` = after − before, ``share`` = measured ÷ promised; ``verdict``: kept (four
        fifths or more), partly (a fifth or more), not kept, running, dropped, cannot be measured
        (``finding`` says why); ``words``: the whole in one sentence.
    """
    latest = actions.sort_values("cycle", kind="stable").drop_duplicates("action", keep="last")
    latest = latest[latest["kpi"].notna()]
    rows = [_judged(row, sold, held, cycle) for row in latest.to_dict("records")]
    rows = [row | {"words": _said(row)} for row in rows]
    table = pd.DataFrame(rows, columns=_COLUMNS)
    dates = dict.fromkeys(("cycle", "first_month", "last_month"), months.DTYPE)
    texts = dict.fromkeys(set(_COLUMNS) - {*_NUMBERS, *dates}, "str")
    return table.astype(texts | dict.fromkeys(_NUMBERS, "float64") | dates)


def _judged(action: dict, sold: pd.DataFrame, held: pd.DataFrame, cycle: pd.Timestamp) -> dict:
    """The row of one action."""
    given = {name: action[name] for name in schema.LEVELS}
    levels = {k: v for k, v in given.items() if isinstance(v, str) and v != schema.ALL}
    first, last = action["effect_first_month"], action["effect_last_month"]
    meaning, unit = kpis.told_as(action["kpi"])
    row = action | dict.fromkeys(("before", "after", "measured", "share"), np.nan)
    row |= {
        "meaning": meaning,
        "unit": unit,
        "subject": ", ".join(levels.values()) or "the whole company",
        "first_month": first,
        "last_month": last,
        "promised": action["effect_amount"],
        "verdict": "cannot be measured",
        "finding": "",
    }
    blank = [name for name in _ASKED if pd.isna(action[name])]
    if action["status"] == "dropped":
        return row | {"verdict": "dropped"}
    if blank or not action["effect_amount"]:
        lacking = ", ".join(blank) or "an effect_amount other than 0"
        return row | {"finding": f"data/raw/actions.csv does not say {lacking}"}
    if last < first:
        return row | {"finding": "its last month lies before its first"}
    if last >= cycle:
        return row | {"verdict": "running", "finding": f"running until {months.label(last)}"}
    try:
        count = int(months.number(last) - months.number(first)) + 1
        after, before = (
            kpis.over(action["kpi"], sold, held, months.span(start, count), levels)
            for start in (first, months.shift(first, -12))
        )
    except kpis.NotMeasured as why:
        return row | {"finding": str(why)}
    share = (after - before) / action["effect_amount"]
    words = "kept" if share >= _KEPT_RATE else "partly" if share >= _PARTLY_RATE else "not kept"
    verdict = words if np.isfinite(share) else "cannot be measured"
    return row | {
        "before": before,
        "after": after,
        "measured": after - before,
        "share": share,
        "verdict": verdict,
        "finding": "" if np.isfinite(share) else "nothing was sold or stored in its months",
    }


def _said(row: dict) -> str:
    """One outcome in a sentence.

    Examples
    --------
    >>> row = {"promised": -0.5, "measured": -0.2, "unit": "months", "verdict": "partly"}
    >>> _said(row | {"meaning": "Stock", "subject": "Tents", "finding": ""})
    'partly: promised −0.5 months, came −0.2 months (Tents: stock)'
    """
    meaning = row["meaning"][:1].lower() + row["meaning"][1:]
    what = f" ({row['subject']}: {meaning})"
    promised, came = (_amount(row[name], row["unit"]) for name in ("promised", "measured"))
    if np.isfinite(row["measured"]):
        return f"{row['verdict']}: promised {promised}, came {came}{what}"
    if row["verdict"] == "running":
        return f"{row['finding']}: promised {promised}{what}"
    return row["verdict"] + (f": {row['finding']}" if row["finding"] else "") + what


def _amount(amount: float, unit: str) -> str:
    """A change of a KPI in its unit; a rate in points."""
    if unit == "rate":
        text, unit = f"{amount * 100:+.1f}", "points"
    else:
        text = f"{amount:+,.0f}" if abs(amount) >= 100 else f"{amount:+.2g}"
    return text.replace("-", "−") + (f" {unit}" if unit != "value" else "")
