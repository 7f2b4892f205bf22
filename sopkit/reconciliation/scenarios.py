"""What a scenario file says: a small difference on the base, checked before it counts.

A file is one YAML mapping (``data/raw/scenarios/<name>.yml``). Its amounts are differences: they
are added to what is planned, a rate multiplies it (−0.2 is a fifth less); only a service level is
set. ``changes`` of this room applies them, ``comparison`` lays scenarios side by side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.across import circle
from sopkit.contract import Finding, nearest
from sopkit.reconciliation.scenario_format import NAMED, SPAN, month_of, problems, unknown

PLANNED = "as planned"  # the base, by name
NAMED_IN = ("sales", *dict.fromkeys(NAMED.values()))


@dataclass(frozen=True)
class Scenario:
    """One scenario: ``kind`` says whether it happens to us (outside) or is decided (choice).

    ``changes`` are dicts of words as in the file, months as Timestamps, with ``what`` they change;
    ``first_cycle`` is missing where any cycle whose horizon holds all its months counts it.
    ``stands_on`` names scenarios whose changes come first. ``cost_value`` is spent once, beyond
    what the plan shows.
    """

    name: str
    title: str
    statement: str
    owner: str
    kind: str
    first_cycle: pd.Timestamp
    stands_on: tuple[str, ...] = ()
    changes: tuple[dict, ...] = ()
    probability_rate: float = np.nan
    cost_value: float = 0.0


def known_names(tables: dict[str, pd.DataFrame]) -> dict[str, list[str]]:
    """Every name a change may give, by the word that gives it.

    Parameters
    ----------
    tables : dict of DataFrame
        Raw tables; without `items` its names are those of `sales`, or of a plan.
    """
    known = {word: set(tables[place][word].dropna()) for word, place in NAMED.items()}
    for name in ("sales", "demand_plan"):
        for word in schema.SERIES if name in tables else ():
            known[word] |= set(tables[name][word].dropna())
    return {word: sorted(names - {schema.ALL}) for word, names in known.items()}


def read_all(
    files: pd.DataFrame, tables: dict[str, pd.DataFrame], *, cycle: pd.Timestamp, horizon: int
) -> tuple[dict[str, Scenario], list[Finding]]:
    """The scenarios that count in a cycle, by name, and everything wrong with any file.

    Parameters
    ----------
    files : DataFrame
        ``scenario`` (file name without .yml), ``content`` (what the YAML holds) and ``problem``
        (why it could not be read; else empty).
    tables : dict of DataFrame
        Raw tables, for the names that are known.
    cycle : Timestamp
        Month in which the plan is made. A scenario counts from its ``first_cycle`` on, or without
        one as soon as the horizon holds its months, until all months that it changes have passed.
    horizon : int
        Months planned.

    Returns
    -------
    scenarios : dict of Scenario
        Sound ones that count, in the order of their files.
    findings : list of Finding
        Breaches: file, position of the change, word, remedy. Names and months of a scenario whose
        ``first_cycle`` comes later are not asked. Notices: what counts but names something of a
        table that is not given, and months that no horizon reaches yet.
    """
    known, sound, findings = known_names(tables), {}, []
    last = months.shift(cycle, horizon - 1)
    for name, content, problem in files[["scenario", "content", "problem"]].itertuples(index=False):
        others = [other for other in files["scenario"] if other != name]
        asked = known | {"stands_on": others}
        said = [(problem, "")] if problem else problems(content, asked, cycle, last)
        findings += [_breach(name, *pair) for pair in said]
        if not said:
            sound[name] = from_content(name, content)
    later = _later(sound, cycle, last)
    current = {n: s for n, s in sound.items() if n not in later and not _is_over(s, cycle)}
    findings += _together(sound, set(files["scenario"]), current)
    contents = dict(zip(files["scenario"], files["content"], strict=True))
    said = [(name, *pair) for name in current for pair in unknown(contents[name], known)]
    said += [(name, *_FAR) for name in sorted(later) if sound[name].first_cycle is pd.NaT]
    findings += [_finding("notice", *row) for row in said]
    shown = tables["options"]["scenario"].dropna() if "options" in tables else pd.Series()
    for name in sorted(set(shown) - set(files["scenario"])):
        words = f"no scenario {name!r} in data/raw/scenarios."
        hint = nearest(name, sorted(files["scenario"])) if len(files) else "There is none yet."
        findings.append(Finding("notice", "options", "scenario", words, hint))
    return current, findings


_FAR = (
    "not planned yet: its months, or what it stands on, come later.",
    "It is planned as soon as the horizon holds them all.",
)


def _finding(state: str, name: str, message: str, remedy: str) -> Finding:
    return Finding(state, f"scenarios/{name}.yml", "", message, remedy)


def _breach(name: str, message: str, remedy: str) -> Finding:
    return _finding("breach", name, message, remedy)


def _later(sound: dict[str, Scenario], cycle: pd.Timestamp, last: pd.Timestamp) -> set[str]:
    """Scenarios that only later cycles count, or that stand on one of them."""
    later = {name for name, own in sound.items() if own.first_cycle > cycle}
    for name, own in sound.items():
        named = [change[word] for change in own.changes for word in SPAN if word in change]
        if own.first_cycle is pd.NaT and any(month > last for month in named):
            later.add(name)
    for _ in sound:
        later |= {name for name, own in sound.items() if later.intersection(own.stands_on)}
    return later


def counts(scenario: Scenario, cycle: pd.Timestamp) -> bool:
    """Whether a scenario has begun to count in a cycle and does not lie wholly behind it."""
    return not scenario.first_cycle > cycle and not _is_over(scenario, cycle)


def _is_over(scenario: Scenario, cycle: pd.Timestamp) -> bool:
    """Whether every month that it changes has passed; what names no last month goes on."""
    ends = [change.get("last_month", pd.NaT) for change in scenario.changes]
    return bool(ends) and all(end < cycle for end in ends)


def stack(scenarios: dict[str, Scenario], name: str) -> list[Scenario]:
    """A scenario and those it stands on, in the order in which they are applied, each once."""
    order: list[Scenario] = []
    for below in scenarios[name].stands_on if name in scenarios else ():
        order += [own for own in stack(scenarios, below) if own not in order]
    return [*order, scenarios[name]] if name in scenarios else order


def _together(
    sound: dict[str, Scenario], files: set[str], counts: dict[str, Scenario]
) -> list[Finding]:
    """What only several files can tell: what they stand on, circles, names, chances."""
    found = []
    for name, own in sound.items():
        for below in own.stands_on:
            if below not in files:
                others = sorted(files - {name})
                hint = nearest(below, others) if others else "There is no other scenario."
                found.append(_breach(name, f"stands_on: no scenario {below!r}.", hint))
            elif below in sound and sound[below].first_cycle > own.first_cycle:
                begins = months.label(sound[below].first_cycle)
                words = f"stands_on: {below} counts from {begins} on only."
                found.append(
                    _breach(name, words, "Give this one the same first_cycle, or a later.")
                )
    links = [(name, below) for name, own in sound.items() for below in own.stands_on]
    if chain := circle([name for name, _ in links], [below for _, below in links]):
        words = f"stands_on: a circle: {' → '.join(chain)}."
        found.append(_breach(chain[0], words, "Take one of its links out."))
    titles: dict[str, str] = {PLANNED: "the plan itself"}
    for name, own in sound.items():
        other = titles.setdefault(own.title.casefold(), f"{name}.yml")
        if other != f"{name}.yml":
            words = f"name {own.title!r} is that of {other}."
            found.append(_breach(name, words, "Give each scenario a name of its own."))
    chances = [own.probability_rate for own in counts.values()]
    chance = sum(rate for rate in chances if rate == rate)
    if chance > 1.0 + 1e-9:
        words = f"the scenarios that count now have chances of {chance:g} in all."
        remedy = "One of them, or the plan, comes true: lower probability_rate, 1 in all at most."
        found.append(Finding("breach", "scenarios", "", words, remedy))
    return found


def as_changes(entries: list[dict]) -> list[dict]:
    """Changes as a file lists them, as ``Scenario.changes`` holds them.

    Examples
    --------
    >>> as_changes([{"demand": {"family": "Tents", "rate": 0.1}}])
    [{'what': 'demand', 'family': 'Tents', 'rate': 0.1}]
    """
    changes = []
    for entry in entries:
        ((what, words),) = entry.items()
        given = {word: value for word, value in words.items() if value is not None}
        given |= {word: month_of(given[word]) for word in SPAN if word in given}
        changes.append({"what": what, **given})
    return changes


def well_formed(files: pd.DataFrame) -> dict[str, Scenario]:
    """Scenarios whose files can be read, whatever names and months they hold, by name.

    Parameters
    ----------
    files : DataFrame
        As in ``read_all``, which says what is wrong with the others.
    """
    ever = pd.Timestamp(1900, 1, 1), pd.Timestamp(2199, 12, 1)  # no month is too early or too late
    return {
        name: from_content(name, content)
        for name, content, problem in files[["scenario", "content", "problem"]].itertuples(
            index=False
        )
        if not problem and not problems(content, {"stands_on": []}, *ever)
    }


def from_content(name: str, content: dict) -> Scenario:
    """A sound file as a scenario.

    Parameters
    ----------
    name : str
        Of the file, without .yml.
    content : dict
        What it holds, as ``read_all`` found it sound.
    """
    chance = content.get("probability_rate")
    return Scenario(
        name,
        content.get("name") or name,
        content["statement"],
        content["owner"],
        content["kind"],
        month_of(content["first_cycle"]) if content.get("first_cycle") else pd.NaT,
        tuple(content.get("stands_on") or ()),
        tuple(as_changes(content.get("changes") or [])),
        np.nan if chance is None else float(chance),
        float(content.get("cost_value") or 0.0),
    )
