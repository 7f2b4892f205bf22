"""The company's rules (``company.yml``): whether a setting can be meant, and what to write."""

from __future__ import annotations

import datetime

from sopkit import months, schema


def is_left_out(name: str, value: object) -> bool:
    """Whether a blank setting means that it was left out."""
    return value is None and name in schema.COMPANY and schema.COMPANY[name].default is None


def objection(name: str, value: object) -> str:
    """Why a setting of ``company.yml`` cannot be meant, and what to write; empty if it can.

    Examples
    --------
    >>> objection("tolerance_rate", 2)[:22], objection("horizon", 18)
    ('2 cannot be meant. Exp', '')
    """
    setting = schema.COMPANY[name]
    if not _can_be_meant(setting, value):
        words = f"{_as_written(value)} cannot be meant. Expected: {setting.meaning}."
        return words + _example(setting, value)
    if name == "last_closed_month":
        try:
            months.parse_cycle(value)
        except months.UsageError as error:
            return str(error)
    return ""


def _as_written(value: object) -> str:
    """A value as people write it in YAML."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {_as_written(part)}' for name, part in value.items())}}}"
    word = {"None": "blank", "True": "yes", "False": "no"}.get(repr(value))
    return word or (repr(value) if isinstance(value, str) else str(value))


def _example(setting: schema.Setting, value: object) -> str:
    """What to write instead, where that can be told."""
    amounts = list(value.values()) if isinstance(value, dict) else [value]
    amounts = [a for a in amounts if isinstance(a, (int, float)) and not isinstance(a, bool)]
    if isinstance(setting.default, list):
        names = dict.fromkeys(map(str, value if isinstance(value, list) else [value]))
        return f" Write a list of texts, each once: [{', '.join(map(repr, names))}]."
    if isinstance(setting.default, dict) and not isinstance(value, dict):
        return f" Write {{default: {_as_written(value)}}}."
    if isinstance(value, datetime.date):
        return f" Write {value:%Y-%m}."
    if setting.most is not None and setting.most <= 1 and max(amounts, default=0) > 1:
        return f" Write {max(amounts) / 100:g} for {max(amounts):g}."
    return ""


def _can_be_meant(setting: schema.Setting, value: object) -> bool:
    """Whether the value has the type of the setting's default and lies in its range."""
    number = (int, float)
    kind = number if isinstance(setting.default, number) else type(setting.default)
    if setting.default is None:
        kind = str if setting.least is None else number
    if not isinstance(value, kind) or isinstance(value, bool):
        return False
    if isinstance(value, list):
        return all(isinstance(name, str) for name in value) and len(set(value)) == len(value)
    if setting.choices:
        return value in setting.choices
    if setting.least is None:
        return True
    low, high = setting.least, float("inf") if setting.most is None else setting.most
    amounts = list(value.values()) if isinstance(value, dict) else [value]
    is_number = [isinstance(a, number) and not isinstance(a, bool) for a in amounts]
    return all(is_number) and all(low <= amount <= high for amount in amounts)
