"""What people answer on the history and on models: corrections they refuse, models they choose.

Each answer is one new file of the raw table `policies`; the next run plans with it.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sopkit import contract, methods, months, schema, store
from sopkit import cycle as batch
from sopkit.demand import choices, corrections, hierarchy
from sopkit.months import Frozen, UsageError

_OF_STEP = {  # what an answer changes, and what did not happen where it is refused
    "data_review": ("history", "nothing was corrected"),
    "demand_review": ("forecast", "no model was chosen"),
}


def correct(
    workspace: Path,
    cycle: pd.Timestamp,
    accepted: tuple[str, ...] = (),
    refused: tuple[str, ...] = (),
    *,
    author: str,
    note: str,
) -> Path:
    """Accept or refuse corrections of the history by name; the next run plans without or with them.

    Parameters
    ----------
    workspace, cycle, author
        As in ``gates.close``.
    accepted, refused : tuple of str
        Names in table `corrections`.
    note : str
        Why.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    UsageError
        If a correction is not known or was answered so already, no reason is given, the data
        review is closed or the plan approved; nothing is written then.
    Busy
        If a run, or a closing, holds the cycle.
    """
    with batch.lock(workspace, cycle, "correct"):
        table = store.read(workspace, "corrections", cycle)
        rows = corrections.rows(table, accepted, refused)
        return _kept_policies(workspace, cycle, rows, author, note)


def correct_levels(
    workspace: Path,
    cycle: pd.Timestamp,
    layer: str,
    members: dict[str, str],
    month: pd.Timestamp | None = None,
    *,
    is_accepted: bool,
    author: str,
    note: str,
) -> Path:
    """Accept or refuse a layer of the history for members of some levels, all months or one.

    Parameters
    ----------
    workspace, cycle, author, note
        As in ``correct``.
    layer, members, month, is_accepted
        As in ``corrections.rows_of_levels``.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    UsageError
        If the layer or a member is not known, the last run has no such correction, and as in
        ``correct``.
    """
    rows = corrections.rows_of_levels(layer, members, month, is_accepted=is_accepted)
    places = _places(workspace, cycle)
    _sold(workspace, cycle, members, places)
    with batch.lock(workspace, cycle, "correct"):
        cells = _changed_cells(workspace, cycle, layer, places, is_accepted=is_accepted)
        corrections.require_some(cells, layer, members, month)
        return _kept_policies(workspace, cycle, rows, author, note)


def _places(workspace: Path, cycle: pd.Timestamp) -> list[pd.DataFrame]:
    """Tables that say the levels above items, locations and channels."""
    names = ("items", "locations", "channels")
    return [store.raw_table(workspace, name, cycle) for name in names]


def _sold(
    workspace: Path, cycle: pd.Timestamp, members: dict[str, str], places: list[pd.DataFrame]
) -> pd.DataFrame:
    """Series ever sold, with all their levels, if each member is one of theirs."""
    sold = store.raw_table(workspace, "sales", cycle)[schema.SERIES].drop_duplicates()
    known = hierarchy.with_levels(sold, *places)
    for level, member in members.items():
        if member not in set(known[level]):
            hint = contract.nearest(member, sorted(known[level].unique()))
            raise UsageError(f"nothing was sold of {level} {member!r}. {hint}")
    return known


def choose_model(
    workspace: Path,
    cycle: pd.Timestamp,
    model: str,
    members: dict[str, str],
    parameters: str = "",
    *,
    author: str,
    note: str,
) -> Path:
    """Choose the model that forecasts the series of some levels, in this cycle and later ones.

    Parameters
    ----------
    workspace, cycle, author, note
        As in ``correct``.
    model : str
        One of ``methods.METHODS``; ``combined`` takes back what was chosen before.
    members : dict
        Level: member; a level left out means every member.
    parameters : str
        Held by the model, as ``alpha=0.2; gamma=0.1``; those left out are estimated.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    UsageError
        If the model, a parameter or a member is not known, statsmodels would have too many series,
        nothing is there to take back, no reason is given, the demand review is closed or the plan
        approved; nothing is written then.
    Busy
        If a run, or a closing, holds the cycle.
    """
    if why := methods.objection(model, parameters):
        raise UsageError(why)
    series = _sold(workspace, cycle, members, _places(workspace, cycle))
    is_meant = hierarchy.covered(members, series)
    words = choices.subject(dict.fromkeys(schema.LEVELS, schema.ALL) | members)
    if not is_meant.any():
        raise UsageError(f"nothing was sold of {words} together. Leave a level out.")
    if model in methods.SINGLE and is_meant.sum() > methods.MOST_SINGLE:
        words += f" holds {is_meant.sum():,} series; {model} forecasts at most"
        raise UsageError(f"{words} {methods.MOST_SINGLE}. Name more levels, or another model.")
    with batch.lock(workspace, cycle, "choose"):
        said = choices.rows(store.raw_table(workspace, "policies", cycle))
        has_choice = (choices.in_force(said, series)[is_meant] >= 0).any()
        if model == methods.COMBINED and not has_choice:
            raise UsageError(f"nobody chose a model for {words}: the combination forecasts it.")
        row = {"kind": "model", "model": model, "parameters": parameters} | members
        rows = pd.DataFrame([row])
        return _kept_policies(workspace, cycle, rows, author, note, step="demand_review")


def _changed_cells(
    workspace: Path,
    cycle: pd.Timestamp,
    layer: str,
    places: list[pd.DataFrame],
    *,
    is_accepted: bool,
) -> pd.DataFrame:
    """Months and levels of what the last run corrected, or left, in a layer of the history."""
    if layer in corrections.OF_DRIVERS:  # a refused one is none any more: it may be taken back
        table = store.read(workspace, "demand_history", cycle)
        table = table if is_accepted else table[table[layer] != 0]
        return hierarchy.with_levels(table[schema.SERIES_MONTH], *places)
    table = store.read(workspace, "corrections", cycle).query("layer == @layer")
    if layer == "level_shift":  # of a family, or of a series: no other level
        return table[["family", *schema.SERIES_MONTH]]
    return hierarchy.with_levels(table[schema.SERIES_MONTH], *places)


def _kept_policies(
    workspace: Path,
    cycle: pd.Timestamp,
    rows: pd.DataFrame,
    author: str,
    note: str,
    step: str = "data_review",
) -> Path:
    """Add rows to `policies` where what they change of the cycle may still change."""
    if not note.strip():
        raise UsageError('say why: --note "the whole trade was on strike"')
    held, refusal = _OF_STEP[step]
    store.require_unapproved(workspace, cycle, refusal)
    if store.gates(workspace, cycle)[step].is_closed:
        again = f"sopkit reopen {step} --by NAME --note WHY"
        words = f"the {step.replace('_', ' ')} of cycle {months.label(cycle)} is closed"
        raise Frozen(f"{words}, and with it the {held}. Open it first: {again}")
    rows = rows.assign(reason=" ".join(note.split()))
    return store.add(workspace, "policies", rows, cycle=cycle, author=author)
