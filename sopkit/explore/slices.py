"""A slice of the company, chosen by a list of members for each level."""

from __future__ import annotations

import ipywidgets as widgets
import pandas as pd

from sopkit import schema
from sopkit.explore import frame

_MANY = 300  # members above which a list is searched
_UNSOLD = "never sold"
_LEVELS = ("category", "family", "item", "region", "location", "segment", "channel")


def lists(series: pd.DataFrame, items: pd.DataFrame) -> dict[str, widgets.Widget]:
    """A list of members for each level that has more than one.

    Parameters
    ----------
    series : DataFrame
        What was sold: a column a level.
    items : DataFrame
        Raw ``items``.
    """
    made = {}
    for level in _LEVELS:
        members = sorted(set(series[level]) - {schema.ALL})
        if level == "item":
            options = items_listed(items, members)
        elif len(members) > 1:
            options = [(f"every {level}", schema.ALL), *((name, name) for name in members)]
        else:
            continue
        build = frame.names if len(options) > _MANY else frame.choice
        made[level] = build(level.capitalize(), options)
    return made


def items_listed(items: pd.DataFrame, sold: list[str]) -> list[tuple[str, str]]:
    """Items sold by name, then those never sold, which no model forecasts."""
    named = items.drop_duplicates("item").set_index("item")["description"]
    words = {item: str(text) for item, text in named.dropna().items()}
    unsold = sorted(set(items["item"]) - set(sold))
    pairs = [(f"{item} {words.get(item, '')}".strip(), item) for item in sold]
    pairs += [(f"{item} ({_UNSOLD})", item) for item in unsold]
    return [("every item", schema.ALL), *pairs]


def named(levels: dict[str, widgets.Widget]) -> dict[str, str]:
    """Members that are chosen, by level."""
    every = {level: control.value for level, control in levels.items()}
    return {level: name for level, name in every.items() if name not in (None, schema.ALL)}


def subject(chosen: dict[str, str]) -> str:
    """``Tents, South``; the company where nothing is named."""
    return ", ".join(chosen.values()) or schema.COMPANY_LABEL
