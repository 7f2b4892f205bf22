"""Decisions, actions, assumptions, risks and opportunities, carried from cycle to cycle.

A decision is wanted until somebody chooses an option, in its own cycle or a later one; put again in
a later cycle it is wanted anew. Of an action or a risk told in several cycles the last row counts.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months

MOST_DECISIONS = 5
_PRESSING = ("overdue", "due", "wanted", "open", "decided", "done", "dropped")
_TOLD = ("overdue", "done", "dropped", "decided", "due", "open")  # what came first, then what waits
_STATE = {"broken": 0, "expired": 1, "untested": 2, "held": 3}
_RATING = {"red": 0, "amber": 1, "green": 2}
_NUMBERS = ("cost_value", "effect_value", "probability_rate", "amount_value")
_COLUMNS = (
    "kind name statement owner due status quality impact finding cost_value effect_value "
    "probability_rate amount_value"
).split()
Tables = dict[str, pd.DataFrame]


def register(
    tables: Tables, assumptions: pd.DataFrame, outcomes: pd.DataFrame, *, cycle: pd.Timestamp
) -> pd.DataFrame:
    """Table ``register``: everything open, newly over or newly measured, most pressing first.

    Parameters
    ----------
    tables : dict of DataFrame
        Raw tables ``decisions``, ``options``, ``choices``, ``actions``, ``risks``, as known in
        the cycle; ``decided``, the scenarios that are part of the plan.
    assumptions : DataFrame
        From ``assumptions.judged``.
    outcomes : DataFrame
        From ``outcomes.outcomes``.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    DataFrame
        Key ``kind, name``; ``kind``: decision, action, assumption, risk, opportunity. ``due``: a
        month or day in words. ``status`` of decisions: overdue, wanted, decided; of actions:
        overdue, due, open, done, dropped; of risks: open, passed. ``finding``: who chose what
        and whether the plan holds it, what came of a promise, the sign of an assumption.
        ``cost_value`` and ``effect_value``: of the option chosen, of a risk; ``amount_value``:
        effect × probability of a risk, planned revenue that a broken assumption speaks of.
    """
    parts = [
        _decided(tables, cycle),
        _promised(tables["actions"], outcomes, cycle),
        _held(assumptions),
        _risks(tables["risks"], cycle),
    ]
    table = pd.concat(parts, ignore_index=True).reindex(columns=_COLUMNS)
    texts = dict.fromkeys(("kind", "name", "statement", "owner", "due", "status", "finding"), "")
    return table.fillna(texts).astype(dict.fromkeys(_NUMBERS, "float64"))


def news(register: pd.DataFrame) -> pd.DataFrame:
    """Rows of table `register` that tell what became of actions and decisions.

    Overdue ones first, then those that came to an end, those decided, and those under way.
    """
    is_told = register["kind"].eq("action") | register["status"].eq("decided")
    told = register[is_told]
    rank = told["status"].map({name: place for place, name in enumerate(_TOLD)})
    return told.assign(rank=rank).sort_values("rank", kind="stable").drop(columns="rank")


def _latest(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The last row of each name: of the latest cycle, then the latest entered."""
    by = [column for column in ("cycle", "entered_at") if column in table]
    ordered = table.sort_values(by, kind="stable", na_position="first")
    return ordered.drop_duplicates(name, keep="last")


def _decisions(tables: Tables, *, cycle: pd.Timestamp) -> pd.DataFrame:
    """Decisions known in the cycle, the most urgent first: state, option chosen, its money."""
    known = _latest(tables["decisions"], "decision")
    names = {"cycle": "decided_cycle", "option": "chosen", "author": "by"}
    chosen = _latest(tables["choices"], "decision").rename(columns=names)
    columns = ["decision", *names.values()]
    table = known.merge(chosen[columns], on="decision", how="left", validate="one_to_one")
    stale = table["decided_cycle"] < table["cycle"]
    table = table.assign(**{name: table[name].mask(stale) for name in names.values()})
    options = tables["options"].rename(columns={"option": "chosen"})
    names = ["decision", "chosen", "statement", "cost_value", "effect_value", "scenario"]
    options = options[names]
    table = table.merge(
        options,
        on=["decision", "chosen"],
        how="left",
        validate="one_to_one",
        suffixes=("", "_chosen"),
    )
    status = np.where(table["decide_by"] < cycle, "overdue", "wanted")
    table = table.assign(status=np.where(table["chosen"].notna(), "decided", status))
    return table.sort_values(["decide_by", "decision"], ignore_index=True)


def _decided(tables: Tables, cycle: pd.Timestamp) -> pd.DataFrame:
    """Decisions wanted, and those decided in the last cycle or this one."""
    table = _decisions(tables, cycle=cycle)
    is_new = table["decided_cycle"] >= months.shift(cycle, -1)
    table = _ranked(table[table["status"].ne("decided") | is_new])
    statement = ": " + table["statement_chosen"]
    words = table["chosen"] + statement.fillna("") + " (" + table["by"] + ")" + _estimated(table)
    words += _planned(table["scenario"], set(tables["decided"]["scenario"]))
    return table.assign(
        kind="decision",
        name=table["decision"],
        due=table["decide_by"].dt.strftime("%Y-%m-%d"),
        finding=words.where(table["chosen"].notna(), ""),
    )


def _estimated(table: pd.DataFrame) -> pd.Series:
    """What the owner of an option expected of it, in words."""
    pairs = zip(table["cost_value"], table["effect_value"], strict=True)
    words = [
        ("" if np.isnan(cost) else f"; cost {cost:,.0f}")
        + ("" if np.isnan(gain) else f"; gain {gain:+,.0f}".replace("-", "−"))
        for cost, gain in pairs
    ]
    return pd.Series(words, index=table.index, dtype="str")


def _planned(scenario: pd.Series, decided: set[str]) -> pd.Series:
    """Whether the plan holds what was chosen, in words."""
    said = {name: f"; in the plan as scenario {name}" for name in decided}
    said[""] = "; its option names no scenario, so the plan is as it was"
    words = [said.get(n, f"; its scenario {n} is no part of the plan") for n in scenario.fillna("")]
    return pd.Series(words, index=scenario.index, dtype="str")


def _ranked(table: pd.DataFrame) -> pd.DataFrame:
    rank = table["status"].map({name: place for place, name in enumerate(_PRESSING)})
    return table.assign(rank=rank).sort_values("rank", kind="stable", ignore_index=True)


def _promised(actions: pd.DataFrame, outcomes: pd.DataFrame, cycle: pd.Timestamp) -> pd.DataFrame:
    """Actions that are open, over since the last cycle, or first measured in one of the two.

    Overdue ones stand first, then those that were measured.
    """
    latest = _latest(actions, "action").sort_values(["due_month", "action"])
    since = months.shift(cycle, -1)
    is_over = latest["status"].isin(["done", "dropped"])
    is_new = (latest["cycle"] >= since) | (
        months.number(latest["effect_last_month"]) + 1 >= (months.number(since))
    )
    latest = latest[~is_over | is_new]
    due = latest["due_month"]
    state = np.where(due < cycle, "overdue", np.where(due == cycle, "due", "open"))
    measured = outcomes.set_index("action")
    table = latest.assign(
        kind="action",
        name=latest["action"],
        due=due.dt.strftime("%Y-%m"),
        status=latest["status"].where(latest["status"].ne("open"), state),
        finding=latest["action"].map(measured["words"]),
    )
    table = _ranked(table)
    is_late, is_known = table["status"].eq("overdue"), table["name"].map(measured["measured"])
    waits = ~is_late & is_known.isna()
    return table.assign(waits=waits).sort_values("waits", kind="stable", ignore_index=True)


def _held(assumptions: pd.DataFrame) -> pd.DataFrame:
    """Assumptions, broken and shaky ones first."""
    held = assumptions.sort_values(
        ["state", "quality", "impact"],
        key=lambda column: column.map(_STATE if column.name == "state" else _RATING),
        kind="stable",
    )
    return held.assign(
        kind="assumption",
        name=held["assumption"],
        due=held["expires_month"].dt.strftime("%Y-%m"),
        status=held["state"],
    )


def _risks(risks: pd.DataFrame, cycle: pd.Timestamp) -> pd.DataFrame:
    """Risks and opportunities, the weightiest first; those whose months are over have passed."""
    latest = _latest(risks, "risk")
    table = latest.assign(
        name=latest["risk"],
        due=_months_of(latest),
        status=np.where(latest["last_month"] < cycle, "passed", "open"),
        finding="",
        amount_value=latest["effect_value"] * latest["probability_rate"],
    )
    size = -table["amount_value"].abs()
    by = ["status", "size", "risk"]
    return table.assign(size=size).sort_values(by, ignore_index=True)


def _months_of(risks: pd.DataFrame) -> pd.Series:
    """Months of an effect in words."""
    first, last = (risks[f"{end}_month"].dt.strftime("%Y-%m") for end in ("first", "last"))
    both = (first + " to " + last).where(first.ne(last), first)
    return both.fillna(first.add(" on")).fillna("until " + last).fillna("")


def options_of(tables: Tables, scenarios: pd.DataFrame, *, cycle: pd.Timestamp) -> pd.DataFrame:
    """Table ``decision_options``: the most urgent decisions wanted, each with its options.

    Parameters
    ----------
    tables : dict of DataFrame
        Raw tables ``decisions``, ``options``, ``choices``.
    scenarios : DataFrame
        Table of that name: where an option names one, its contribution stands beside the owner's
        estimate.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    DataFrame
        A row an option, five decisions at most: ``cost_value`` and ``effect_value`` as estimated,
        ``model_value`` = contribution of its scenario − that of the plan.
    """
    table = _decisions(tables, cycle=cycle)
    first = table[table["status"].ne("decided")].head(MOST_DECISIONS)
    first = first[["decision", "statement", "owner", "decide_by", "status"]]
    # left: a decision without options is still to be taken
    table = first.merge(
        tables["options"],
        on="decision",
        how="left",
        validate="one_to_many",
        suffixes=("", "_option"),
    )
    gains = scenarios[scenarios["kpi"] == "contribution_value"].set_index("scenario")["difference"]
    model = table["scenario"].map(gains).astype("float64")
    by = table["decide_by"].dt.strftime("%Y-%m-%d")
    shown = by.where(table["status"].ne("overdue"), by + " (overdue)")
    names = "decision statement owner decide_by status option statement_option cost_value"
    names += " effect_value scenario model_value"
    return table.assign(decide_by=shown, model_value=model)[names.split()]
