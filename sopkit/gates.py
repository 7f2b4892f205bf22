"""What people say of a cycle in its meetings: close, reopen, decide, revise, how it went.

Each is one new file under ``data/raw``; what it does to tables and pages follows from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sopkit import agenda, contract, decided, months, packing, publication, store
from sopkit import cycle as batch
from sopkit.demand import agreed
from sopkit.executive import approval
from sopkit.months import Frozen, UsageError
from sopkit.reconciliation import scenarios
from sopkit.supply import answers, feedback


@dataclass(frozen=True)
class Closing:
    """What a closing did: the revision it made, the file it wrote, what its pages became."""

    step: str
    revision: int
    path: Path
    page: Path
    notes: tuple[str, ...] = ()


def close(
    workspace: Path, cycle: pd.Timestamp, step: str, *, author: str, note: str = ""
) -> Closing:
    """Close a step: its tables become a revision that no run touches.

    Closing ``executive_review`` approves the plan, and nothing of the cycle changes any more.

    Parameters
    ----------
    workspace : Path
        From ``store.open_workspace``.
    cycle : Timestamp
        Month in which the plan is made.
    step : str
        A step of ``agenda.STEPS``.
    author : str
        Who says so: a statement, no proof.
    note : str
        Why, or what was agreed.

    Raises
    ------
    UsageError
        If the step has not run, rests on an open step, is closed already, or anything that it reads
        has changed since it ran; nothing is written then.
    Busy
        If a run, or another closing, holds the cycle.
    """
    current = agenda.step(step)
    store.file_word(author)  # a name, before anything is kept
    with batch.lock(workspace, cycle, f"close {step}"):
        number = _closable(workspace, cycle, current)
        publication.keep_revision(workspace, cycle, step, number, current.writes)
        rows = _rows([(step, number, approval.CLOSED, note)])
        path = store.add(workspace, "closings", rows, cycle=cycle, author=author)
        page, notes = packing.keep_page(workspace, cycle, current, number)
    return Closing(step, number, path, page, notes)


def _closable(workspace: Path, cycle: pd.Timestamp, current: agenda.Step) -> int:
    """Number of the revision that closing the step makes, if it can be closed."""
    known, label = store.gates(workspace, cycle), months.label(cycle)
    others = [step.name for step in agenda.STEPS if step.name != current.name]
    needed = others if current.name == approval.LAST else agenda.rests_on(current.name)
    if why := approval.objection_to_closing(known, current.name, tuple(needed)):
        is_frozen = approval.is_approved(known) or known[current.name].is_closed
        raise (Frozen if is_frozen else UsageError)(f"cycle {label}: {why}")
    again = f"sopkit run --cycle {label}"
    if publication.is_cut(workspace, cycle):
        words = f"the last run of cycle {label} was cut, and its steps are not published."
        raise UsageError(f"{words} Finish it, look at the page, then close: {again}")
    record = publication.run_record(publication.folder(workspace, cycle))
    done = record.get("steps", {}).get(current.name)
    if not done or record.get("origin") or not done["hash"]:
        raise UsageError(f"{current.name} of cycle {label} has not been run: {again}")
    if not publication.is_intact(workspace, cycle, current.name):
        words = f"tables of {current.name} are not as it left them: somebody changed them."
        raise UsageError(f"{words} Make them anew, look at the page, then close: {again}")
    if changed := batch.changed(workspace, cycle, current, done):
        words = (
            f"{', '.join(changed[:5])} changed since {current.name} ran on {done['finished_at']}"
        )
        more = f" and {len(changed) - 5} more" if len(changed) > 5 else ""
        raise UsageError(f"{words}{more}. Run it, look at the page, then close: {again}")
    return known[current.name].revision + 1


def _rows(said: list[tuple]) -> pd.DataFrame:
    return pd.DataFrame(said, columns=["step", "revision", "state", "note"])


def reopen(
    workspace: Path, cycle: pd.Timestamp, step: str, *, author: str, note: str
) -> tuple[str, ...]:
    """Open a closed step again, and every closed one that rests on it.

    Parameters
    ----------
    workspace, cycle, step, author
        As in ``close``.
    note : str
        Why.

    Returns
    -------
    tuple of str
        Steps that are open again, in order. Their revisions stay; the next run shows what differs.

    Raises
    ------
    UsageError
        If the step is not closed, or the plan is approved.
    Busy
        If a run, or another closing, holds the cycle.
    """
    agenda.step(step)
    if not note.strip():
        raise UsageError(f'say why {step} is reopened: --note "sales lost a customer"')
    with batch.lock(workspace, cycle, f"reopen {step}"):
        known = store.gates(workspace, cycle)
        if why := approval.objection_to_reopening(known, step, cycle):
            is_frozen = approval.is_approved(known)
            raise (Frozen if is_frozen else UsageError)(f"cycle {months.label(cycle)}: {why}")
        return _reopened(workspace, cycle, (step,), author, note)


def _reopened(
    workspace: Path, cycle: pd.Timestamp, steps: tuple[str, ...], author: str, note: str
) -> tuple[str, ...]:
    """Reopen closed ones of some steps, and of those that rest on them."""
    known = store.gates(workspace, cycle)
    after = {later for step in steps for later in agenda.dependents(step)}
    opened = [name for name, gate in known.items() if gate.is_closed and name in after | {*steps}]
    if opened:
        first = ", ".join(name for name in steps if name in opened) or "a step before it"
        because = {name: note if name in steps else f"{first} reopened: {note}" for name in opened}
        said = [(n, known[n].revision, approval.REOPENED, because[n]) for n in opened]
        store.add(workspace, "closings", _rows(said), cycle=cycle, author=author)
        packing.restamp(workspace, cycle)
    return tuple(opened)


@dataclass(frozen=True)
class Decision:
    """What a choice did: the option taken and the one before it, and what became of the plan.

    ``scenario`` is part of it now, those of ``left`` no more; steps ``reopened`` plan it anew.
    """

    decision: str
    option: str
    statement: str
    before: str
    scenario: str
    left: tuple[str, ...]
    reopened: tuple[str, ...]
    path: Path


def decide(
    workspace: Path, cycle: pd.Timestamp, decision: str, option: str, *, author: str, note: str = ""
) -> Decision:
    """Choose an option of a decision; the scenario it names becomes part of the plan.

    Parameters
    ----------
    workspace, cycle, author, note
        As in ``close``.
    decision : str
        One of `decisions`, of this cycle or an earlier one.
    option : str
        One of its `options`. The latest choice counts.

    Raises
    ------
    UsageError
        If there is no such decision or option, its scenario cannot be chosen, or the plan is
        approved; nothing is written then.
    Busy
        If a run, or a closing, holds the cycle.
    """
    asked, offered = (store.raw_table(workspace, n, cycle) for n in ("decisions", "options"))
    names = sorted(asked["decision"].unique())
    if decision not in names:
        hint = contract.nearest(decision, names) if names else "data/raw/decisions.csv holds none."
        raise UsageError(f"no decision {decision!r} by cycle {months.label(cycle)}. {hint}")
    own = offered[offered["decision"] == decision]
    if own.empty:
        raise UsageError(
            f"decision {decision} has no options, so nothing can be chosen. Add them to "
            "data/raw/options.csv: decision, option, statement, cost_value, effect_value."
        )
    if option not in set(own["option"]):
        hint = contract.nearest(option, sorted(own["option"]))
        raise UsageError(f"decision {decision} has no option {option!r}. {hint}")
    chosen = own[own["option"] == option].iloc[-1]
    scenario = chosen["scenario"] if isinstance(chosen["scenario"], str) else ""
    _require_choice(workspace, cycle, scenario)
    with batch.lock(workspace, cycle, f"decide {decision}"):
        before = store.raw_table(workspace, "choices", cycle)
        before = before[before["decision"] == decision].sort_values("cycle")["option"].tail(1)
        planned = store.decided_scenarios(workspace, cycle)
        row = pd.DataFrame({"decision": [decision], "option": [option], "note": [note]})
        path = store.add(workspace, "choices", row, cycle=cycle, author=author)
        now = store.decided_scenarios(workspace, cycle)
        because = f"decision {decision}: {option}"
        moved = _moved_steps(planned, now)
        opened = _reopened(workspace, cycle, moved, author, because) if moved else ()
    last = before.iloc[0] if len(before) else ""
    left = tuple(name for name in planned["scenario"] if name not in set(now["scenario"]))
    return Decision(decision, option, chosen["statement"], last, scenario, left, opened, path)


def _require_choice(workspace: Path, cycle: pd.Timestamp, scenario: str) -> None:
    """Refuse an option whose scenario is missing, happens to us, or does not count now."""
    if not scenario:
        return
    files, where = store.scenario_files(workspace), f"data/raw/scenarios/{scenario}.yml"
    known = scenarios.well_formed(files)
    if scenario in set(files["scenario"]) - known.keys():
        raise UsageError(f"{where} cannot be read; what is wrong with it: sopkit check")
    if scenario not in known:
        hint = contract.nearest(scenario, sorted(known)) if known else "There is none yet."
        raise UsageError(f"the option names scenario {scenario!r}, which is not there. {hint}")
    own = known[scenario]
    if own.kind != "choice":
        raise UsageError(f"{where} is of kind {own.kind}: it happens to us, nobody chooses it.")
    if not scenarios.counts(own, cycle):
        label = months.label(cycle)
        raise UsageError(
            f"{where} does not count in cycle {label}: see its first_cycle and months."
        )


def _moved_steps(before: pd.DataFrame, after: pd.DataFrame) -> tuple[str, ...]:
    """Steps that plan scenarios which joined or left the plan."""
    changed = set(before["scenario"]) ^ set(after["scenario"])
    rows = pd.concat([before, after])
    asked = rows.loc[rows["scenario"].isin(changed), "changes"].explode().dropna()
    kinds = {change["what"] in decided.IN_DEMAND for change in asked}
    names = {True: "demand_review", False: "supply_review"}
    return tuple(names[kind] for kind in sorted(kinds, reverse=True))


@dataclass(frozen=True)
class Answers:
    """What answers to feedback did: lines by state, steps that are open again, the file."""

    accepted: tuple[str, ...]
    refused: tuple[str, ...]
    reopened: tuple[str, ...]
    path: Path


def revise(
    workspace: Path,
    cycle: pd.Timestamp,
    accepted: dict[str, float | None],
    refused: tuple[str, ...] = (),
    *,
    author: str,
    note: str = "",
) -> Answers:
    """Say yes or no to lines of table `feedback`; the next run plans what was agreed.

    Parameters
    ----------
    workspace, cycle, author, note
        As in ``close``.
    accepted, refused
        As in ``supply.answers.rows``.

    Raises
    ------
    UsageError
        If a line cannot be answered so, somebody else has answered it since the last run, or the
        plan is approved; nothing is written then.
    Busy
        If a run, or a closing, holds the cycle.
    """
    store.file_word(author)  # a name, before anything is kept
    store.require_unapproved(workspace, cycle, "nothing was answered")
    with batch.lock(workspace, cycle, "revise"):
        rows = answers.rows(store.read(workspace, "feedback", cycle), accepted, refused)
        _require_unanswered(workspace, cycle, rows, author)
        rows = rows.assign(note=note)
        path = store.add(workspace, "answers", rows, cycle=cycle, author=author)
        opened = _reopened(workspace, cycle, ("demand_review",), author, "answers to feedback")
    said = rows.groupby("state")["feedback"].unique()
    yes, no = (tuple(said.get(state, ())) for state in (feedback.ACCEPTED, feedback.REFUSED))
    return Answers(yes, no, opened, path)


def _require_unanswered(
    workspace: Path, cycle: pd.Timestamp, rows: pd.DataFrame, author: str
) -> None:
    """Refuse to answer what somebody else has answered and no run has planned yet."""
    said = agreed.latest(store.raw_table(workspace, "answers", cycle), cycle=cycle)
    said = said[said["feedback"].isin(rows["feedback"])]
    planned = store.read(workspace, "agreed", cycle)
    marks = ["feedback", "entered_at"]
    is_planned = pd.MultiIndex.from_frame(said[marks]).isin(
        pd.MultiIndex.from_frame(planned[marks])
    )
    others = said[~is_planned & (said["author"] != " ".join(author.split()))]
    for row in others.to_dict("records")[:1]:
        words = f"line {row['feedback']} was {row['state']} by {row['author']} since the last run"
        again = f"sopkit run --cycle {months.label(cycle)}"
        raise UsageError(f"{words}. Plan that first, then look again: {again}")


def pulse(
    workspace: Path, cycle: pd.Timestamp, step: str, score: int, *, author: str, note: str = ""
) -> Path:
    """Keep one person's answer to “was this meeting worth its time?”, 1 (no) to 5 (yes).

    Raises
    ------
    UsageError
        If the score is none of 1 to 5.
    """
    agenda.step(step)
    if score not in range(1, 6):
        raise UsageError(f"--score {score}: choose 1 (not worth its time) to 5 (well worth it).")
    row = pd.DataFrame({"step": [step], "score": [score], "note": [note]})
    return store.add(workspace, "pulse", row, cycle=cycle, author=author)
