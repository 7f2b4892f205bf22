"""Scenarios that were decided: what was chosen in a meeting becomes part of the plan.

An option may name a scenario; choosing it makes the scenario's changes part of every plan from then
on, until its months have passed or another option is chosen. What moves demand joins the plan's
overrides, the rest is planned by the supply review.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import hierarchy
from sopkit.demand.overrides import COLUMNS
from sopkit.reconciliation import changes, scenarios

Tables = dict[str, pd.DataFrame]
IN_DEMAND = ("demand", "event", "price", "currency")  # what the demand plan holds; the rest: supply
_COLUMNS = ["decision", "option", "scenario", "title", "author", "entered_at", "changes"]


def decided(
    choices: pd.DataFrame, options: pd.DataFrame, files: pd.DataFrame, *, cycle: pd.Timestamp
) -> pd.DataFrame:
    """Scenarios that are part of the cycle's plan, in the order in which they are applied.

    Parameters
    ----------
    choices, options : DataFrame
        Raw tables as known in the cycle; of two choices of one decision the later counts.
    files : DataFrame
        From ``store.scenario_files``. What happens to us (kind outside) is no choice. One that
        cannot be read is left out here; it is a breach of the raw tables, so no run plans without.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    DataFrame
        ``decision, option, scenario, title, author, entered_at`` and ``changes``, as in
        ``scenarios.Scenario.changes``. One that another stands on comes first, each once.
    """
    sound = scenarios.well_formed(files)
    latest = choices.sort_values(["cycle", "entered_at"]).drop_duplicates("decision", keep="last")
    chosen = latest.merge(
        options[["decision", "option", "scenario"]].drop_duplicates(["decision", "option"]),
        on=["decision", "option"],
        how="inner",
        validate="one_to_one",
    )
    rows: dict[str, tuple] = {}
    for row in chosen.sort_values("entered_at").to_dict("records"):
        for own in scenarios.stack(sound, row["scenario"]):
            if own.kind == "choice" and scenarios.counts(own, cycle):
                said = (row["decision"], row["option"], own.name, own.title, row["author"])
                rows.setdefault(own.name, (*said, row["entered_at"], list(own.changes)))
    return pd.DataFrame(list(rows.values()), columns=_COLUMNS)


def in_demand(tables: Tables, *, cycle: pd.Timestamp) -> tuple[pd.DataFrame, Tables]:
    """The demand plan with what was decided, and its rows for the overrides' tables.

    Parameters
    ----------
    tables : dict of DataFrame
        What the demand review reads, its ``demand_plan`` and ``forecast``, and ``decided``.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    plan : DataFrame
        Table `demand_plan`; ``price_rate`` where prices were decided.
    rows : dict of DataFrame
        Further rows of `override_effects` and `override_changes`.

    Raises
    ------
    UsageError
        If a decided scenario can no longer be planned.
    """
    plan, effects, moves = tables["demand_plan"], [], []
    for row in tables["decided"].to_dict("records"):
        asked = [change for change in row["changes"] if change["what"] in IN_DEMAND]
        moved = _applied(tables | {"demand_plan": plan}, asked, row, cycle)
        after = moved.get("demand_plan", plan)
        effect, move = _effects(plan, after, row, tables, cycle)
        effects.append(effect)
        moves.append(move)
        plan = after
    rows = {"override_effects": effects, "override_changes": moves}
    return plan, {name: pd.concat(parts) for name, parts in rows.items() if parts}


def in_supply(tables: Tables, *, cycle: pd.Timestamp) -> Tables:
    """The tables with what was decided beside demand: hours, costs, lead times, suppliers, service.

    Table ``given_capacity`` keeps `capacity` as it was given: assumptions are judged by it.

    Raises
    ------
    UsageError
        If a decided scenario can no longer be planned.
    """
    tables = tables | {"given_capacity": tables["capacity"]}
    for row in tables["decided"].to_dict("records"):
        asked = [change for change in row["changes"] if change["what"] not in IN_DEMAND]
        tables = tables | _applied(tables, asked, row, cycle)
    return tables


def in_words(rows: pd.DataFrame) -> str:
    """Which scenarios are part of the plan, by whose decision; empty where none is.

    Examples
    --------
    >>> row = {"decision": "D1", "option": "shift", "title": "Second shift", "author": "R. Osei"}
    >>> in_words(pd.DataFrame([row]))
    '“Second shift” (decision D1, R. Osei)'
    """
    said = rows[["title", "decision", "author"]].itertuples(index=False)
    return " and ".join(f"“{title}” (decision {name}, {author})" for title, name, author in said)


def _applied(tables: Tables, asked: list[dict], row: dict, cycle: pd.Timestamp) -> Tables:
    """Tables that a decided scenario makes different; months that have passed are left out."""
    ahead = [change for change in asked if not change.get("last_month", pd.NaT) < cycle]
    try:
        return changes.applied(tables, ahead, cycle=cycle)
    except months.UsageError as error:
        raise months.UsageError(
            f"decision {row['decision']} made scenario {row['scenario']!r} part of the plan, but "
            f"{error} Correct data/raw/scenarios/{row['scenario']}.yml, take it out where raw "
            f"tables hold it by now, or choose again: sopkit decide {row['decision']} --option "
            "OPTION --by NAME"
        ) from error


def _effects(
    before: pd.DataFrame, after: pd.DataFrame, row: dict, tables: Tables, cycle: pd.Timestamp
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of `override_effects` (a month each) and of `override_changes` for one decision."""
    subject = f"decision {row['decision']}: {row['title']}"
    change = after["consensus"].to_numpy() - before["consensus"].to_numpy()
    own = before[schema.SERIES_MONTH].assign(
        author=row["author"], subject=subject, before=before["consensus"], change=change
    )
    own = own[np.abs(change) > 1e-9]
    rates = tables["money_rates"]
    valued = own.merge(rates, on=schema.SERIES, how="left", validate="many_to_one")
    valued = valued.assign(change_value=valued["change"] * valued["unit_price_value"])
    valued = hierarchy.in_planning_units(valued, tables["items"])
    names = ["before", "change", "change_value"]
    months_ = valued.groupby("month", as_index=False)[names].sum(min_count=1)
    effects = months_.assign(
        author=row["author"],
        cycle=cycle,
        kind="decision",
        subject=subject,
        asked=row["title"],
        after=months_["before"] + months_["change"],
        base_change=np.nan,
        is_locked=False,
        state="applied",
        finding="",
        reason=f"option {row['option']} was chosen",
    )
    return effects[COLUMNS], own
