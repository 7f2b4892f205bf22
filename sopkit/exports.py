"""How the company's ERP wants its extracts (``exports.yml``): columns' names, dates, decimals.

What is not said there stays as it is: our own names, every column, days as YYYY-MM-DD, commas
between values, a point before decimals.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from sopkit.contract import nearest
from sopkit.extracts import EXTRACTS

ALL = "all"  # what stands under it holds for every extract that does not say otherwise
_SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
_DECIMALS = {"point": ".", "comma": ","}
_DATE = re.compile(r"(?=.*YYYY)(?=.*MM)(YYYY|MM|DD|[-./ ])+")
_TWICE = re.compile(r"(YYYY|MM|DD).*\1")


@dataclass(frozen=True)
class Export:
    """Form of one extract; ``columns``: our name → theirs, in the order of the file."""

    columns: dict[str, str]
    date_format: str = "YYYY-MM-DD"
    separator: str = "comma"
    decimal: str = "point"

    @property
    def signs(self) -> tuple[str, str]:
        """What stands between values, and before decimals."""
        return _SEPARATORS[self.separator], _DECIMALS[self.decimal]


def settled(content: dict) -> dict[str, Export]:
    """Form of every extract, from a content of ``exports.yml`` in which ``problem`` found nothing.

    Examples
    --------
    >>> forms = settled({"all": {"decimal": "comma", "separator": "pipe"},
    ...     "finance": {"columns": {"month": "PERIOD", "family": None}}})
    >>> forms["finance"].columns, forms["finance"].signs
    ({'month': 'PERIOD', 'family': 'family'}, ('|', ','))
    """
    made = {}
    for name, extract in EXTRACTS.items():
        said = (content.get(ALL) or {}) | (content.get(name) or {})
        columns = said.pop("columns", None) or dict.fromkeys(extract.columns)
        made[name] = Export(
            {ours: (theirs or ours).strip() for ours, theirs in columns.items()}, **said
        )
    return made


def problem(content: dict) -> str:
    """What is wrong with a content of ``exports.yml``, and what to write; empty where nothing is.

    Examples
    --------
    >>> problem({"sale": {}})[:31]
    "no extract 'sale'. Did you mean"
    """
    for name, said in content.items():
        if name not in (known := [*EXTRACTS, ALL]):
            return f"no extract {name!r}. {nearest(str(name), known)}"
        if said is not None and not isinstance(said, dict):
            return f"{name}: write lines of `name: value` there, such as `decimal: comma`."
        for word, value in (said or {}).items():
            found = _odd(name, word, value)
            if found:
                return f"{name}: {found}"
    for name, form in settled(content).items():
        if form.separator == form.decimal:
            return (
                f"{name}: a comma cannot stand both between values and before decimals. "
                "Write `separator: semicolon`."
            )
    return ""


def _odd(name: str, word: object, value: object) -> str:
    """What is wrong with one line of an extract."""
    choices = {"separator": list(_SEPARATORS), "decimal": list(_DECIMALS)}
    known = [*([] if name == ALL else ["columns"]), "date_format", *choices]
    if word not in known:
        return f"no setting {word!r}. {nearest(str(word), known)}"
    if word in choices and value not in choices[word]:
        return f"{word}: {value!r}? {nearest(str(value), choices[word])}"
    if word == "date_format" and not _is_date_format(value):
        return f"date_format: {value!r}? Write it with YYYY, MM and DD, as in DD.MM.YYYY or YYYYMM."
    return _odd_columns(EXTRACTS[name].columns, value) if word == "columns" else ""


def _is_date_format(value: object) -> bool:
    return isinstance(value, str) and bool(_DATE.fullmatch(value)) and not _TWICE.search(value)


def _odd_columns(ours: dict[str, str], value: object) -> str:
    """What is wrong with the columns of an extract."""
    if not isinstance(value, dict) or not value:
        return "columns: write lines of `our name: ERP's name`, such as `item: MATERIAL`."
    for name, theirs in value.items():
        if name not in ours:
            return f"columns: no column {name!r}. {nearest(str(name), list(ours))}"
        if theirs is not None and (not isinstance(theirs, str) or not theirs.strip()):
            return f"columns: {name}: {theirs!r} is no text. Write a name, in quotes."
    names = {name: (theirs or name).strip() for name, theirs in value.items()}
    word, times = Counter(map(str.casefold, names.values())).most_common(1)[0]
    if times > 1:
        both = [name for name, theirs in names.items() if theirs.casefold() == word]
        return f"columns: {' and '.join(both)} both become {names[both[0]]!r}. Give each its own."
    return ""


_INTRODUCTION = """## exports.yml

Closing a step publishes extracts for the company's own systems: each as a sheet of an Excel
workbook and as CSV, in `reports/<cycle>/extracts/`. Without this file they have the columns below,
under our own names. `columns` lists the columns wanted, in their order, each with the name that
the ERP knows it by (blank: ours); what it does not list is left out, and rows that then share all
texts and days are added up, so that each stands once. `all` holds for every extract
that does not say otherwise.

```yaml
all:
  separator: semicolon    # comma, semicolon, tab or pipe
  decimal: comma          # point or comma
  date_format: DD.MM.YYYY
sales:
  columns:
    item: MATERIAL
    location: SALES_DISTRICT
    month: PERIOD
    quantity: PLAN_QTY
  date_format: YYYYMM
```

CSV is UTF-8 without a mark, a header, lines that end in CRLF, values in double quotes where they
need them, numbers with at most six decimals and no thousands separators. Texts stay as they are
(`00123` keeps its zeros); one that begins with `=`, `+`, `-` or `@` and is no number gets an
apostrophe before it in CSV, so that no spreadsheet runs it, and the closing says so. In Excel it
needs none. An extract without rows, or with nothing in them but their key, is left out."""


def described() -> str:
    """The part of the dictionary on extracts: an example, and every column."""
    lines = [_INTRODUCTION]
    for name, extract in EXTRACTS.items():
        lines += ["", f"### Extract {name}", ""]
        lines += [f"Published as {extract.step} is closed: {extract.meaning}.", ""]
        lines += ["| column | meaning |", "|---|---|"]
        lines += [f"| {column} | {meaning} |" for column, meaning in extract.columns.items()]
    return "\n".join(lines)
