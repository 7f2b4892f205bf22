"""What words a scenario file may hold, what they mean, and all that can be wrong with one."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from difflib import SequenceMatcher

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
_EXAMPLES = """
- demand: {family: Tents, first_month: 2026-05, last_month: 2026-06, rate: -0.2}
- event: {event: Tent week online, probability_rate: 0}
- price: {family: Tents, first_month: 2026-05, rate: 0.05, elasticity: -1.2}
- capacity: {resource: sewing, first_month: 2026-03, last_month: 2026-08, hours: 2400}
- cost: {kind: holding, family: Tents, rate: 0.1}
- lead_time: {supplier: Alpen Textil, days: 14}
- supplier_loss: {supplier: Alpen Textil, first_month: 2026-04, last_month: 2026-04}
- service_level: {family: Tents, level: 0.98}
- currency: {currency: SEK, first_month: 2026-02, rate: -0.05}
"""
EXAMPLES = {line[2:].split(":")[0]: line for line in _EXAMPLES.strip().split("\n")}
_MEANINGS = f"""
item, location, channel | as in the plan; left out or `all`: every one
family, category | of items; left out or `all`: every one
region | of locations; left out or `all`: every one
segment | of channels; left out or `all`: every one
resource | of resources; `all`: every one
supplier | of suppliers
currency | of locations
event | of events; a new one needs kind, first_month and expected_rate
kind | of an event: {", ".join(schema.RAW["events"].column("kind").choices)}; \
of a cost: {", ".join(COSTS)}
first_month | first month that changes, YYYY-MM; left out: from the cycle on
last_month | last month that changes, YYYY-MM; left out: to the end of the horizon
rate | share of what is planned: 0.2 is 20 % more, -0.2 is 20 % less
quantity | units a month more (below zero: less), in the planning unit, over all that is named
hours | regular hours a month more (below zero: fewer)
overtime_hours | hours of overtime a month more, alone or beside hours
days | days of lead time more
level | service level itself, a share below 1: 0.98
elasticity | change of demand per change of price, below zero; left out: demand stays
expected_rate | of an event: share by which demand rises in its months
probability_rate | of an event: its chance, 0 to 1; 0 calls it off
cost_value | of an event: what it costs, in the company's currency
"""
_SEE = "“Words of changes” in data/raw/README.md says more."
NAMED = {  # word: the table that knows its names; `sales` knows those of the plan, too
    "item": "items",
    "family": "items",
    "category": "items",
    "location": "locations",
    "region": "locations",
    "currency": "locations",
    "channel": "channels",
    "segment": "channels",
    "resource": "resources",
    "supplier": "suppliers",
    "event": "events",
}
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
_NEEDED = ("statement", "owner", "kind")
_FIELDS = (
    "name",
    *_NEEDED,
    "first_cycle",
    "stands_on",
    "probability_rate",
    "cost_value",
    "changes",
    "author",
    "entered_at",
)


_INTRODUCTION = """## scenarios

A file `scenarios/<name>.yml` is one scenario: a small difference on the plan, shown on page 05.
Amounts are differences, a rate multiplies (-0.2 is a fifth less); only `level` is set.
One that names a member of a table that is not given is not planned, and page 05 says so.

```yaml
name: Wet May              # optional, else the name of the file
statement: A wet May keeps campers at home, and the price list is put off
owner: A. Lund
kind: outside              # it may happen to us; choice: we may decide it
first_cycle: 2026-01       # optional: cycles before it leave it out, also when they are run again
probability_rate: 0.2      # optional, of an outside one
cost_value: 20000          # optional: spent once, beyond what the plan shows
stands_on: [weak_krona]    # optional: files whose changes come first
changes:
- demand: {family: Tents, first_month: 2026-05, last_month: 2026-06, rate: -0.2}
- event: {event: Tent week online, probability_rate: 0}
```

It counts from `first_cycle` on, without one as soon as all its months lie in the horizon, until
they are over. `author` and `entered_at` say who wrote it, and when.
"""


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
        Names that are known, by the word that gives them; of a word without any none is asked.
        ``stands_on`` names the other files.
    cycle, last : Timestamp
        Month in which the plan is made, last month planned.
    """
    if not isinstance(content, dict):
        return [("the file is no list of `name: value`.", "Write lines such as `kind: outside`.")]
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
        said, others = " ".join(map(str, on if isinstance(on, list) else [on])), known["stands_on"]
        hint = max(others, key=lambda name: SequenceMatcher(None, said, name).ratio(), default="")
        hint = f"Write names of files: [{hint}]." if hint else "There is no other scenario."
        found.append(("stands_on is no list of scenarios.", hint))
    if not isinstance(changes, list) or not (changes or on):
        found.append(
            ("there are no changes.", f"Write changes:, then a line each: {EXAMPLES['demand']}.")
        )
        return found
    is_due = first is None or first <= cycle
    for place, entry in enumerate(changes, start=1):
        said = _change_problems(entry, known if is_due else None, first, last)
        found += [(f"change {place}{message}", remedy) for message, remedy in said]
    return found


_MISSING = {
    "statement": "Say in one sentence what happens or is done.",
    "owner": "Say who answers for it.",
    "kind": "Write outside (it may happen to us) or choice (we may decide it).",
}


def unknown(content: dict, known: dict) -> list[tuple[str, str]]:
    """What a sound file names of tables that hold no such name, so that it cannot be planned.

    Returns
    -------
    list of tuple
        ``(message, remedy)`` each.
    """
    found = []
    for place, entry in enumerate(content.get("changes") or [], start=1):
        ((what, words),) = entry.items()
        for word in sorted(words.keys() & NAMED.keys()):
            is_new = what == "event" and not _lacking(words)
            if known[word] or words[word] in (None, schema.ALL) or (word == "event" and is_new):
                continue
            message = f"change {place} ({what}): not planned, since no {word} is known."
            hint = f"data/raw/{NAMED[word]}.csv would name {words[word]!r}."
            hint += f" A new one needs {', '.join(_lacking(words))}." if word == "event" else ""
            found.append((message, hint))
    return found


def described() -> str:
    """The part of the dictionary on scenarios: an example, every change and its words."""
    lines = [_INTRODUCTION, "### Words of changes", "", "| change | one of | example |"]
    lines += ["|---|---|---|"]
    for name, form in FORMS.items():
        ways = " or ".join(" and ".join(way) for way in form.ways)
        lines.append(f"| {name} | {ways} | `{EXAMPLES[name]}` |")
    lines += ["", "**Bold**: that change needs the word.", "", "| word | in changes of | meaning |"]
    lines += ["|---|---|---|"]
    for line in _MEANINGS.strip().split("\n"):
        words, meaning = line.split(" | ")
        for word in words.split(", "):
            used = [name for name, form in FORMS.items() if word in form.words]
            named = (f"**{name}**" if word in FORMS[name].needed else name for name in used)
            lines.append(f"| {word} | {', '.join(named)} | {meaning} |")
    return "\n".join(lines)


def _lacking(words: dict) -> list[str]:
    """What a new event must still say."""
    return [n for n in ("kind", "first_month", "expected_rate") if words.get(n) is None]


def _written(word: object) -> str:
    """A word as it was written: YAML takes ``on`` for a truth."""
    return "on" if word is True else str(word)


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _change_problems(entry: object, known: dict | None, first, last) -> list[tuple[str, str]]:
    """Everything wrong with one change; without known names, those and months are not asked."""
    if not isinstance(entry, dict) or len(entry) != 1 or not isinstance([*entry.values()][0], dict):
        said = entry if isinstance(entry, (dict, str)) else ()
        example = next(
            (line for name, line in EXAMPLES.items() if name in said), EXAMPLES["demand"]
        )
        return [(" is not one kind of change with its words.", f"Write it as {example}.")]
    ((what, words),) = entry.items()
    if what not in FORMS:
        return [(f": no kind of change {str(what)!r}.", f"{nearest(str(what), [*FORMS])} {_SEE}")]
    form, head = FORMS[what], f" ({what})"
    found = [
        (f"{head}: no word {str(word)!r}.", f"{nearest(str(word), form.words)} {_SEE}")
        for word in words
        if word not in form.words
    ]
    found += [
        (f"{head}: {word} is missing.", f"Write it as {EXAMPLES[what]}.")
        for word in form.needed
        if words.get(word) is None
    ]
    given = [way for way in form.ways if any(words.get(name) is not None for name in way)]
    if form.ways and len(given) != 1:
        ways = " or ".join(" and ".join(way) for way in form.ways)
        count = "neither is" if not given else "both are"
        count = f"{ways} is missing" if len(form.ways) == 1 else f"of {ways} {count} given"
        found.append((f"{head}: {count}.", f"Give {ways}. {_SEE}"))
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
    if not names or value in names or value == schema.ALL:  # without any: ``unknown`` says so
        return []
    if what == "event" and word == "event":  # a new one says all that an event must say
        lacking = _lacking(words)
        if not lacking:
            return []
        hint = f"{nearest(value, names)} A new one needs {', '.join(lacking)}."
        return [(f"{head}: no event {value!r}.", hint)]
    return [(f"{head}: no {word} {value!r}.", nearest(value, names))]


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
    if is_due and first is not None and not first <= month <= last:
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
