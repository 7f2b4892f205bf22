"""Changes made by hand in words and tables: what each is worth, and whose past ones were right."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import exhibits, months, schema
from sopkit.demand import value_added
from sopkit.explore.override_plan import NOBODY

_FAMILY_TOUCHES = 6  # past changes of a family from which they are told apart


def sentences(tables: dict, seen: dict) -> list[str]:
    """One sentence a change, one on all of them where there are several, then the findings."""
    made, hours = seen["changes"], _busiest(seen["hours"])
    words, currency, unit = [], tables["currency"], tables["unit"]

    def worth(change: float, value: float, counted: str = "") -> str:
        money = f", {exhibits.format_amount(value, 'signed_value', currency)}"
        gap = exhibits.format_amount(np.round(change), "signed_quantity")
        return f"{gap}{counted}{money if np.isfinite(value) else ''}"

    for one in made.to_dict("records"):
        where = f"{one['subject']} in {months.label(one['month'])}"
        if one["state"] == "refused":
            words.append(f"{where} is left as it is: {one['finding']}.")
            continue
        now, then = (
            exhibits.format_amount(np.round(one[x]), "quantity") for x in ("before", "after")
        )
        gap = worth(one["change"], one["change_value"])
        differs = made["reason"].nunique() > 1
        why = f"; reason: {one['reason'] or 'none yet'}" if differs else ""
        said = f"{where}: {now} → {then} {unit} ({gap}), spread over {one['series']} series{why}"
        words.append(said + (f"; {hours}." if hours and len(made) == 1 else "."))
        words += [f"Note: {one['finding']}."] if one["finding"] else []
    if len(made) > 1:
        said = f"All {len(made)} changes together: {worth(*seen['total'], f' {unit}')}"
        words.append(said + (f"; {hours}." if hours else "."))
    return words + [f"{note}." for note in seen["notes"]]


def past_skill(touched: pd.DataFrame, changes: pd.DataFrame, currency: str = "") -> list[str]:
    """What an author's past changes of this kind were worth, before another one is kept.

    Parameters
    ----------
    touched : DataFrame
        Table `touches`.
    changes : DataFrame
        Changes of one author, of ``preview``.
    currency : str
        Of the company.

    Returns
    -------
    list of str
        A sentence a direction, and one a family of which six such changes were judged; nothing
        before a name is typed.
    """
    new = changes[(changes["state"] != "refused") & (changes["change"].abs() > 1e-9)]
    author, words = "".join(new["author"].unique()[:1]), []
    if author in ("", NOBODY):
        return []
    own = touched[touched["author"].str.casefold() == author.casefold()]
    if own.empty:
        return [f"No past override of {author} has met its month yet."]
    for way, word in (("up", "increase"), ("down", "decrease")):
        rows = new[(new["change"] > 0) == (way == "up")]
        if rows.empty:
            continue
        skill = _of(own, way)
        if skill is None:
            words.append(f"No past {word} of {author} has met its month yet.")
            continue
        words.append(f"{author}'s " + _worth(skill, word, rows["change"].sum(), currency))
        for family, part in rows[rows["family"] != schema.ALL].groupby("family"):
            named = (", " + own["subject"] + ", ").str.contains(f", family {family}, ", regex=False)
            skill = _of(own[named], way)
            if skill is not None and skill["touches"] >= _FAMILY_TOUCHES:
                said = _worth(skill, word, part["change"].sum(), currency)
                words.append(f"{family}: {author}'s {said}")
    return words


def _of(touched: pd.DataFrame, way: str) -> dict | None:
    """Table `author_skill` of one author and direction; nothing where none was judged."""
    table = value_added.authors(touched)
    rows = table[table["direction"] == way].to_dict("records")
    return rows[0] if rows else None


def _worth(skill: dict, word: str, change: float, currency: str) -> str:
    """``14 past increases: 5 helped; …``: how often, at what cost, and what that speaks for."""
    count, keep = skill["touches"], skill["keep_rate"]
    said = (
        f"{count} past {word}{'' if count == 1 else 's'}: {skill['helped_rate'] * count:.0f} helped"
    )
    if skill["lost_value"] >= 1.0:
        said += (
            f"; harmful ones cost {exhibits.format_amount(skill['lost_value'], 'value', currency)}"
        )
    now, then = (
        exhibits.format_amount(np.round(x), "signed_quantity") for x in (change, change * keep)
    )
    rate = exhibits.format_amount(np.round(keep, 2), "rate")
    return f"{said}; the past speaks for keeping {rate} of the next: {then} instead of {now}."


def _busiest(hours: pd.DataFrame) -> str:
    """The resource that comes nearest to its hours, in words; empty where none changes."""
    if hours.empty or hours["after_rate"].isna().all():
        return ""
    top = hours.loc[hours["after_rate"].idxmax()]
    rates = (exhibits.format_amount(top[x], "rate") for x in ("before_rate", "after_rate"))
    said = f"{top['resource']} goes from {' to '.join(rates)} of its regular hours"
    beyond = ", more than overtime can give" if top["beyond"] > 0 else ""
    return f"{said} in {months.label(top['month'])}{beyond}"


def view(tables: dict, seen: dict, refused: list[str]) -> dict:
    """What the explorer shows for changes not kept yet: sentence, tables, and what to download.

    Parameters
    ----------
    tables : dict
        From ``override_plan.load``.
    seen : dict
        From ``override_plan.preview``.
    refused : list of str
        Why changes were not taken, in words.
    """
    if seen["changes"].empty:
        return {"sentence": " ".join([*refused, *_unchanged(tables)]), "tables": [], "data": {}}
    first, *others = sentences(tables, seen)
    if len(seen["changes"]) > 1:  # what all of them do together comes first
        at = next(k for k, words in enumerate([first, *others]) if words.startswith("All "))
        every = [first, *others]
        first, others = every.pop(at), every
    others += past_skill(tables["touches"], seen["changes"], tables["currency"])
    data = {"changes": seen["changes"], "series_that_move": seen["series"]}
    return {
        "sentence": " ".join([*refused, first]),
        "tables": [*map(exhibits.note, others), _series(tables, seen), _resources(tables, seen)],
        "data": data | {"hours_that_change": seen["hours"]},
    }


def _unchanged(tables: dict) -> list[str]:
    """That nothing is changed yet, and what counts already."""
    count = int(tables["effects"]["state"].ne("refused").sum())
    known = "no override counts yet" if not count else f"overrides that count: {count}"
    refused = len(tables["effects"]) - count
    known += f"; refused: {refused}, see page 03" if refused else ""
    lines = [f"Nothing is changed. In the plan shown, {known}."]
    if set(tables["base"]["family"]) == {schema.UNASSIGNED}:
        lines.append("No item has a family: the whole company alone can be changed here.")
    return lines


_GAPS = {"before": "Before", "after": "After", "change": "Difference"}
_SIZES = {"before": "quantity", "after": "quantity", "change": "signed_quantity", "month": "month"}


def _series(tables: dict, seen: dict) -> exhibits.Exhibit:
    heads = {"item": "Item", "location": "Location", "channel": "Channel", "month": "Month"}
    return exhibits.table(
        seen["series"],
        caption=f"The ten series that move most, {tables['unit']}",
        columns=heads | _GAPS,
        kinds=_SIZES,
        rows=10,
        missing="No series moves.",
    )


def _resources(tables: dict, seen: dict) -> exhibits.Exhibit:
    rates = {"before_rate": "Of regular, before", "after_rate": "Of regular, after"}
    missing = "No hours change: what moves takes none of a resource in the months planned."
    if tables["load"].empty:
        missing = "No resources are given, so no hours can be told: data/raw/resources.csv."
    return exhibits.table(
        seen["hours"],
        caption="Hours that change: the plan's load, and with the change of demand",
        columns={"resource": "Resource", "month": "Month", **_GAPS, **rates},
        kinds=_SIZES | dict.fromkeys(rates, "rate"),
        missing=missing,
        row_classes=(seen["hours"]["beyond"] > 0).map({True: "alert", False: ""}),
    )
