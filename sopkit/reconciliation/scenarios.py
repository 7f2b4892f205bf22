"""What a scenario file says: a small difference on the base, checked before it counts.

A file is one YAML mapping (``data/raw/scenarios/<name>.yml``). Its amounts are differences: they
are added to what is planned, a rate multiplies it (−0.2 is a fifth less); only a service level is
set. ``changes`` of this room applies them, ``comparison`` lays scenarios side by side.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.across import circle
from sopkit.contract import Finding, nearest

PLANNED = "as planned"  # the base, by name
KINDS = ("outside", "choice")
COSTS = {  # kind of cost: the table and the column that hold it
    "unit": ("money_rates", "unit_cost_value"),
    "holding": ("planning_costs", "holding_cost_value"),
    "backorder": ("planning_costs", "backorder_cost_value"),
    "rate change": ("planning_costs", "rate_change_cost_value"),
    "subcontract": ("planning_costs", "subcontract_cost_value"),
    "lost sale": ("planning_costs", "lost_sale_cost_value"),
    "regular": ("resources", "regular_cost_value"),
    "overtime": ("resources", "overtime_cost_value"),
}
# A change: name | words that name what it touches (* needed) | further words | amounts, of which
# one group is given. `levels` are all level columns, `months` first_month and last_month.
_FORMAT = """
demand | levels | months | rate, quantity
event | event* levels | kind months expected_rate probability_rate cost_value |
price | levels | months elasticity | rate
capacity | resource* | months | rate, hours overtime_hours
cost | kind* item family resource | | rate
lead_time | item family supplier | | days, rate
supplier_loss | supplier* | months |
service_level | family | | level
currency | currency* | months | rate
"""
_SHORT = {"levels": schema.LEVELS, "months": ["first_month", "last_month"]}
_RANGES = {  # least, most, and what to write instead
    "rate": (-1.0, 5.0, "Write a share of what is planned: 0.2 for 20 % more, -0.2 for 20 % less."),
    "expected_rate": (-1.0, 5.0, "Write a share: 0.2 for 20 % more, -0.2 for 20 % less."),
    "probability_rate": (0.0, 1.0, "Write a share from 0 to 1."),
    "level": (0.01, 0.9999, "Write a share above 0 and below 1: 0.98 for 98 %."),
    "elasticity": (-10.0, 0.0, "Demand falls where the price rises: write it below zero."),
    "quantity": (-np.inf, np.inf, "Write a number: units a month, in the planning unit."),
    "hours": (-np.inf, np.inf, "Write a number: hours a month."),
    "overtime_hours": (-np.inf, np.inf, "Write a number: hours a month."),
    "days": (-1000.0, 1000.0, "Write a number of days."),
    "cost_value": (0.0, np.inf, "Write an amount of money, not below zero."),
}
NAMED_IN = ("sales", "items", "locations", "channels", "resources", "suppliers", "events")
_NEEDED = ("statement", "owner", "kind", "first_cycle")
_FIELDS = (
    "name",
    *_NEEDED,
    "stands_on",
    "probability_rate",
    "cost_value",
    "changes",
    "author",
    "entered_at",
)


@dataclass(frozen=True)
class Form:
    """The words of one kind of change; ``ways`` are groups of amounts, of which one is given."""

    names: tuple[str, ...]
    needed: tuple[str, ...]
    further: tuple[str, ...]
    ways: tuple[tuple[str, ...], ...]

    @property
    def words(self) -> tuple[str, ...]:
        """Every word it may hold."""
        return (*self.names, *self.further, *(name for way in self.ways for name in way))


def _forms() -> dict[str, Form]:
    made = {}
    for line in _FORMAT.strip().split("\n"):
        name, *parts = (part.strip() for part in line.split("|"))
        names, further = (
            tuple(n for word in part.split() for n in _SHORT.get(word, [word]))
            for part in parts[:2]
        )
        ways = tuple(tuple(way.split()) for way in parts[2].split(",") if way)
        needed = tuple(word.rstrip("*") for word in names if word.endswith("*"))
        made[name] = Form(tuple(word.rstrip("*") for word in names), needed, further, ways)
    return made


FORMS = _forms()


@dataclass(frozen=True)
class Scenario:
    """One scenario: ``kind`` says whether it happens to us (outside) or is decided (choice).

    ``changes`` are dicts of words as in the file, months as Timestamps, with ``what`` they change;
    ``stands_on`` names scenarios whose changes come first. ``cost_value`` is spent once, beyond what the
    plan shows.
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
    places = {"item": "items", "family": "items", "category": "items", "supplier": "suppliers"}
    places |= {"location": "locations", "region": "locations", "currency": "locations"}
    places |= {"channel": "channels", "segment": "channels", "event": "events"}
    places["resource"] = "resources"
    known = {word: set(tables[place][word].dropna()) for word, place in places.items()}
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
        Month in which the plan is made. A scenario counts from its ``first_cycle`` on, until all
        months that it changes have passed.
    horizon : int
        Months planned.

    Returns
    -------
    scenarios : dict of Scenario
        Sound ones that count, in the order of their files.
    findings : list of Finding
        Breaches: file, position of the change, word, remedy. Names and months of a scenario that
        does not count in this cycle are not asked.
    """
    known, sound, findings = known_names(tables), {}, []
    last = months.shift(cycle, horizon - 1)
    for name, content, problem in files[["scenario", "content", "problem"]].itertuples(index=False):
        said = [(problem, "")] if problem else _problems(content, known, cycle, last)
        findings += [_breach(name, *pair) for pair in said]
        if not said:
            sound[name] = _scenario(name, content)
    findings += _together(sound, set(files["scenario"]), cycle)
    shown = tables["options"]["scenario"].dropna() if "options" in tables else pd.Series()
    for name in sorted(set(shown) - set(files["scenario"])):
        words = f"no scenario {name!r} in data/raw/scenarios."
        hint = nearest(name, sorted(files["scenario"])) if len(files) else "There is none yet."
        findings.append(Finding("notice", "options", "scenario", words, hint))
    counts = {n: s for n, s in sound.items() if s.first_cycle <= cycle and not is_over(s, cycle)}
    return counts, findings


def _breach(name: str, message: str, remedy: str) -> Finding:
    return Finding("breach", f"scenarios/{name}.yml", "", message, remedy)


def is_over(scenario: Scenario, cycle: pd.Timestamp) -> bool:
    """Whether every month that it changes has passed; what names no last month goes on."""
    ends = [change.get("last_month", pd.NaT) for change in scenario.changes]
    return bool(ends) and all(end < cycle for end in ends)


def stack(scenarios: dict[str, Scenario], name: str) -> list[Scenario]:
    """A scenario and those it stands on, in the order in which they are applied, each once."""
    order: list[Scenario] = []
    for below in scenarios[name].stands_on if name in scenarios else ():
        order += [own for own in stack(scenarios, below) if own not in order]
    return [*order, scenarios[name]] if name in scenarios else order


def _problems(content: object, known: dict, cycle: pd.Timestamp, last: pd.Timestamp) -> list[tuple]:
    """Everything wrong with one file: ``(message, remedy)`` each."""
    if not isinstance(content, dict):
        return [("the file is no list of `name: value`.", "See the README for an example.")]
    found = [
        (f"no word {_written(word)!r}.", nearest(_written(word), _FIELDS))
        for word in content
        if word not in _FIELDS
    ]
    found += [
        (f"{word} is missing.", _MISSING[word])
        for word in _NEEDED
        if content.get(word) in (None, "")
    ]
    for word in ("name", "statement", "owner"):
        if not isinstance(content.get(word, ""), str):
            found.append((f"{word} is {content[word]!r}, no text.", "Write it in quotes."))
    if content.get("kind") and content["kind"] not in KINDS:
        found.append(
            (f"kind {content['kind']!r} is unknown.", nearest(str(content["kind"]), KINDS))
        )
    for word in ("probability_rate", "cost_value"):
        found += _amount_problem(word, content.get(word), "")
    if content.get("kind") == "choice" and content.get("probability_rate") is not None:
        found.append(("a choice has no probability_rate.", "Take it out, or write kind: outside."))
    first = _month(content.get("first_cycle"))
    if content.get("first_cycle") is not None and first is None:
        found.append((f"first_cycle {content['first_cycle']!r} is no month.", "Write YYYY-MM."))
    on, changes = content.get("stands_on") or [], content.get("changes") or []
    if not _are_texts(on):
        found.append(
            ("stands_on is no list of scenarios.", "Write names of files: [dealers_delay].")
        )
    if not isinstance(changes, list) or not (changes or on):
        found.append(
            ("there are no changes.", "Write a list: changes, then a line each with `- `.")
        )
        return found
    is_due = first is not None and first <= cycle
    for place, entry in enumerate(changes, start=1):
        said = _change_problems(entry, known if is_due else None, first, last)
        found += [(f"change {place}{message}", remedy) for message, remedy in said]
    return found


_MISSING = {
    "statement": "Say in one sentence what happens or is done.",
    "owner": "Say who answers for it.",
    "kind": "Write outside (it may happen to us) or choice (we may decide it).",
    "first_cycle": "Write the cycle in which it was first asked: first_cycle: 2026-01.",
}


def _written(word: object) -> str:
    """A word as it was written: YAML takes ``on`` for a truth."""
    return "on" if word is True else str(word)


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _change_problems(entry: object, known: dict | None, first, last) -> list[tuple[str, str]]:
    """Everything wrong with one change; without known names, those and months are not asked."""
    if not isinstance(entry, dict) or len(entry) != 1 or not isinstance([*entry.values()][0], dict):
        example = "- demand: {family: Tents, rate: -0.2}"
        return [(" is not one kind of change with its words.", f"Write it as {example}.")]
    ((what, words),) = entry.items()
    if what not in FORMS:
        return [(f": no kind of change {str(what)!r}.", nearest(str(what), [*FORMS]))]
    form, head = FORMS[what], f" ({what})"
    found = [
        (f"{head}: no word {str(word)!r}.", nearest(str(word), form.words))
        for word in words
        if word not in form.words
    ]
    found += [
        (f"{head}: {word} is missing.", f"Say which: {word}: NAME.")
        for word in form.needed
        if words.get(word) is None
    ]
    given = [way for way in form.ways if any(words.get(name) is not None for name in way)]
    if form.ways and len(given) != 1:
        ways = " or ".join(" and ".join(way) for way in form.ways)
        count = "neither is" if not given else "both are"
        count = f"{ways} is missing" if len(form.ways) == 1 else f"of {ways} {count} given"
        found.append((f"{head}: {count}.", f"Give {ways}."))
    for word, value in words.items():
        if word in _SHORT["months"]:
            found += _month_problem(word, value, head, known is not None, first, last)
        elif word in _RANGES:
            found += _amount_problem(word, value, head)
        elif word in form.words:
            found += _name_problem(what, word, value, words, head, known)
    begins, ends = (_month(words.get(word)) for word in _SHORT["months"])
    if begins is not None and ends is not None and begins > ends:
        found.append((f"{head}: first_month lies after last_month.", "Swap them."))
    return found


def _name_problem(what: str, word: str, value: object, words: dict, head: str, known) -> list:
    """Why a name cannot be meant."""
    if not isinstance(value, str):
        return [(f"{head}: {word} is {value!r}, no text.", "Write a name, in quotes if need be.")]
    names = (known or {}).get(word)
    if word == "kind":
        names = [*COSTS] if what == "cost" else list(schema.RAW["events"].column("kind").choices)
    if names is None or value in names or value == schema.ALL:
        return []
    if what == "event" and word == "event":  # a new one says all that an event must say
        lacking = [n for n in ("kind", "first_month", "expected_rate") if words.get(n) is None]
        if not lacking:
            return []
        hint = f"{nearest(value, names)} A new one needs {', '.join(lacking)}."
        return [(f"{head}: no event {value!r}.", hint)]
    remedy = nearest(value, names) if names else f"No {word} is known: see data/raw/README.md."
    return [(f"{head}: no {word} {value!r}.", remedy)]


def _amount_problem(word: str, value: object, head: str) -> list[tuple[str, str]]:
    """Why an amount cannot be meant."""
    if value is None:
        return []
    low, high, remedy = _RANGES[word]
    lead = f"{head}: " if head else ""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not low <= value <= high:
        return [(f"{lead}{word} {value!r} cannot be meant.", remedy)]
    return []


def _month_problem(word: str, value, head: str, is_due: bool, first, last) -> list[tuple]:
    """Why a month cannot be meant: its form, or outside the months that may be changed."""
    month = _month(value)
    if month is None:
        return [(f"{head}: {word} {str(value)!r} is no month.", "Write YYYY-MM.")]
    if is_due and not first <= month <= last:
        span = f"{months.label(first)} (its first_cycle) to {months.label(last)}"
        words = f"{head}: {word} {months.label(month)} lies outside the horizon."
        return [(words, f"Write a month from {span}.")]
    return []


def _month(value: object) -> pd.Timestamp | None:
    """A month as people write it; YAML makes a date of YYYY-MM-DD. None where it is no month."""
    if isinstance(value, datetime.date):
        return pd.Timestamp(value.year, value.month, 1) if value.day == 1 else None
    try:
        return months.parse_cycle(value)
    except months.UsageError:
        return None


def _together(sound: dict[str, Scenario], files: set[str], cycle: pd.Timestamp) -> list[Finding]:
    """What only several files can tell: what they stand on, circles, names, chances."""
    found = []
    for name, own in sound.items():
        for below in own.stands_on:
            if below not in files:
                hint = nearest(below, sorted(files - {name}))
                found.append(_breach(name, f"stands_on: no scenario {below!r}.", hint))
            elif below in sound and sound[below].first_cycle > own.first_cycle:
                words = f"stands_on: {below} counts from {months.label(sound[below].first_cycle)} on only."
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
    due = [s for s in sound.values() if s.first_cycle <= cycle and not is_over(s, cycle)]
    chance = sum(s.probability_rate for s in due if s.probability_rate == s.probability_rate)
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
        given |= {word: _month(given[word]) for word in _SHORT["months"] if word in given}
        changes.append({"what": what, **given})
    return changes


def _scenario(name: str, content: dict) -> Scenario:
    """A sound file as a scenario."""
    chance = content.get("probability_rate")
    return Scenario(
        name,
        content.get("name") or name,
        content["statement"],
        content["owner"],
        content["kind"],
        _month(content["first_cycle"]),
        tuple(content.get("stands_on") or ()),
        tuple(as_changes(content.get("changes") or [])),
        np.nan if chance is None else float(chance),
        float(content.get("cost_value") or 0.0),
    )
