"""What words a scenario file may hold, and everything that can be wrong with one."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.contract import nearest

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
SPAN = ["first_month", "last_month"]
_SHORT = {"levels": schema.LEVELS, "months": SPAN}
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


def problems(content: object, known: dict, cycle: pd.Timestamp, last: pd.Timestamp) -> list[tuple]:
    """Everything wrong with one file: ``(message, remedy)`` each.

    Parameters
    ----------
    content : object
        What the YAML holds.
    known : dict of list
        Names that are known, by the word that gives them.
    cycle, last : Timestamp
        Month in which the plan is made, last month planned.
    """
    if not isinstance(content, dict):
        return [("the file is no list of `name: value`.", "See data/raw/README.md for an example.")]
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
        if not isinstance(content.get(word) or "", str):
            found.append((f"{word} is {content[word]!r}, no text.", "Write it in quotes."))
    if content.get("kind") and content["kind"] not in KINDS:
        found.append(
            (f"kind {content['kind']!r} is unknown.", nearest(str(content["kind"]), KINDS))
        )
    for word in ("probability_rate", "cost_value"):
        found += _amount_problem(word, content.get(word), "")
    if content.get("kind") == "choice" and content.get("probability_rate") is not None:
        found.append(("a choice has no probability_rate.", "Take it out, or write kind: outside."))
    first = month_of(content.get("first_cycle"))
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
        if word in SPAN:
            found += _month_problem(word, value, head, known is not None, first, last)
        elif word in _RANGES:
            found += _amount_problem(word, value, head)
        elif word in form.words:
            found += _name_problem(what, word, value, words, head, known)
    begins, ends = (month_of(words.get(word)) for word in SPAN)
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
    month = month_of(value)
    if month is None:
        return [(f"{head}: {word} {str(value)!r} is no month.", "Write YYYY-MM.")]
    if is_due and not first <= month <= last:
        span = f"{months.label(first)} (its first_cycle) to {months.label(last)}"
        words = f"{head}: {word} {months.label(month)} lies outside the horizon."
        return [(words, f"Write a month from {span}.")]
    return []


def month_of(value: object) -> pd.Timestamp | None:
    """A month as people write it; YAML makes a date of YYYY-MM-DD. None where it is no month."""
    if isinstance(value, datetime.date):
        return pd.Timestamp(value.year, value.month, 1) if value.day == 1 else None
    try:
        return months.parse_cycle(value)
    except months.UsageError:
        return None
