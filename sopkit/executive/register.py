"""Decisions wanted, actions promised, assumptions held: carried from cycle to cycle."""

from __future__ import annotations

import pandas as pd

from sopkit import months

MOST_DECISIONS = 5
_PRESSING = {"overdue": "0", "open": "1", "done": "2", "dropped": "3"}
_STATE = {"broken": 0, "expired": 1, "untested": 2, "held": 3}
_RATING = {"red": 0, "amber": 1, "green": 2}


def register(
    decisions: pd.DataFrame,
    actions: pd.DataFrame,
    assumptions: pd.DataFrame,
    *,
    cycle: pd.Timestamp,
) -> pd.DataFrame:
    """Table ``register``: everything open or newly done, most pressing first.

    Parameters
    ----------
    decisions, actions : DataFrame
        Raw tables of those names, as known in the cycle.
    assumptions : DataFrame
        From ``assumptions.judged``.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    DataFrame
        Key ``kind, name``: ``statement``, ``owner``, ``due`` (a month or day), ``status``; of
        assumptions ``quality``, ``impact``, ``finding`` and ``amount_value`` of broken ones.
    """
    now = decisions[decisions["cycle"] == cycle].sort_values("decide_by")
    wanted = pd.DataFrame(
        {
            "kind": "decision",
            "name": now["decision"],
            "statement": now["statement"],
            "owner": now["owner"],
            "due": now["decide_by"].dt.strftime("%Y-%m-%d"),
            "status": "wanted",
        }
    )
    latest = actions.sort_values("cycle").drop_duplicates("action", keep="last")
    is_over = latest["status"].isin(["done", "dropped"])
    latest = latest[~is_over | (latest["cycle"] >= months.shift(cycle, -1))]
    promised = pd.DataFrame(
        {
            "kind": "action",
            "name": latest["action"],
            "statement": latest["statement"],
            "owner": latest["owner"],
            "due": latest["due_month"].dt.strftime("%Y-%m"),
            "status": _action_state(latest, cycle),
        }
    )
    promised = promised.sort_values(
        ["status", "due"], key=lambda column: column.map(_PRESSING).fillna(column), kind="stable"
    )
    held = assumptions.sort_values(
        ["state", "quality", "impact"],
        key=lambda column: column.map(_STATE if column.name == "state" else _RATING),
        kind="stable",
    )
    logged = pd.DataFrame(
        {
            "kind": "assumption",
            "name": held["assumption"],
            "statement": held["statement"],
            "owner": held["owner"],
            "due": held["expires_month"].dt.strftime("%Y-%m"),
            "status": held["state"],
            "quality": held["quality"],
            "impact": held["impact"],
            "finding": held["finding"],
            "amount_value": held["amount_value"],
        }
    )
    table = pd.concat([wanted, promised, logged], ignore_index=True)
    names = "kind name statement owner due status quality impact finding amount_value"
    return table.reindex(columns=names.split()).astype({"amount_value": "float64"})


def _action_state(actions: pd.DataFrame, cycle: pd.Timestamp) -> pd.Series:
    """Overdue for what is open past its month, else the status people gave."""
    late = (actions["status"] == "open") & (actions["due_month"] < cycle)
    return actions["status"].mask(late, "overdue")


def options_of(decisions: pd.DataFrame, options: pd.DataFrame) -> pd.DataFrame:
    """Each decision of the cycle with its options, money and deadline, at most five decisions."""
    first = decisions.sort_values("decide_by").head(MOST_DECISIONS)
    table = first.merge(
        options, on="decision", how="left", validate="one_to_many", suffixes=("", "_option")
    )
    return table.assign(decide_by=table["decide_by"].dt.strftime("%Y-%m-%d"))[
        [
            "decision",
            "statement",
            "owner",
            "decide_by",
            "option",
            "statement_option",
            "cost_value",
            "effect_value",
        ]
    ]
