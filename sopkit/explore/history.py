"""Which corrections of the history stand? Sales beside demand, yes or no by clicking.

Corrections are narrowed to a family, an item, a channel or a layer; what the other answer to
chosen ones would change is told at once. What is answered is kept as `sopkit correct` keeps it,
and the next run plans it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ipywidgets as widgets
import pandas as pd

from sopkit import data_meeting, exhibits, months, schema, store
from sopkit.charts import data as charts
from sopkit.demand import corrections, hierarchy, history
from sopkit.explore.accuracy import LOOK

_EVERY = {
    "family": "all families",
    "item": "all items",
    "channel": "all channels",
    "layer": "all layers",
}
_LEVELS = ("family", "item", "channel")
_SHOWN = 12  # corrections listed at a time
_NEXT = "The next run plans it: sopkit run"
_OF_DRIVERS = ["promotion", "event", "market"]  # as the last run measured them
_TABLES = ("sales", "items", "locations", "channels", "events", "inventory", "policies")


def load(workspace: str | Path, cycle: pd.Timestamp) -> dict:
    """What the explorer works on: the history as found, and what people said by now.

    Raises
    ------
    UsageError
        If the cycle has not been run.
    """
    root = store.open_workspace(workspace)
    tables = {name: store.raw_table(root, name, cycle) for name in _TABLES}
    for name in ("money_rates", "planning_units"):
        tables[name] = store.read(root, name, cycle)
    tables["company"] = store.company(root)
    known = data_meeting.correctable(tables, cycle=cycle)
    effects = store.read(root, "demand_history", cycle)[[*schema.SERIES_MONTH, *_OF_DRIVERS]]
    known |= {"effects": effects}
    return with_policies(tables | {"known": known, "cycle": cycle}, tables["policies"])


def with_policies(tables: dict, policies: pd.DataFrame) -> dict:
    """The tables with history and corrections as these rows of `policies` make them.

    What events and markets did stays as the last run measured it.
    """
    made = data_meeting.corrected(
        tables | {"policies": policies},
        tables["known"],
        tables["money_rates"],
        tables["planning_units"],
    )
    sold = made["demand_history"]
    # left: what drivers did to a series sold since the last run is not known yet
    run = sold[schema.SERIES_MONTH].merge(
        tables["known"]["effects"], on=schema.SERIES_MONTH, how="left", validate="one_to_one"
    )
    run = run[_OF_DRIVERS].fillna(0.0).set_axis(sold.index)
    made["demand_history"] = history.with_effects(sold, {name: run[name] for name in run})
    return tables | {"policies": policies} | made


def listed(tables: dict, chosen: dict[str, str]) -> pd.DataFrame:
    """Corrections that can be answered, most money first, with what each says in ``words``.

    Parameters
    ----------
    tables : dict
        From ``load``.
    chosen : dict
        Member of ``family``, ``item``, ``channel`` and ``layer``; ``all`` is every one.
    """
    lines = tables["corrections"]
    lines = lines[lines["layer"].isin(corrections.LAYERS)]
    for name, member in chosen.items():
        if member != schema.ALL:
            lines = lines[lines[name].isin([member, schema.ALL])]
    return lines.assign(words=[_words(row, tables) for row in lines.to_dict("records")])


def _words(row: dict, tables: dict) -> str:
    """``C2BD7R  outlier, BP-527, East, Retail, 2025-04: −120, 9.8 k EUR, applied``."""
    places = [row[name] for name in schema.SERIES if row[name] != schema.ALL]
    where = ", ".join(places if row["item"] != schema.ALL else [row["family"], *places])
    units = exhibits.format_amount(row["quantity"], "signed_quantity")
    currency = tables["company"]["currency"].iloc[0]
    money = exhibits.format_amount(row["amount_value"], "signed_value", currency)
    by = f" by {row['author']}" if row["author"] else ""
    layer, when = row["layer"].replace("_", " "), months.label(row["month"])
    return f"{row['correction']}  {layer}, {where}, {when}: {units}, {money}, {row['state']}{by}"


def view(tables: dict, chosen: dict[str, str], lines: tuple[str, ...]) -> list[exhibits.Exhibit]:
    """What the explorer shows: a sentence on the chosen corrections, sales beside demand."""
    named = {name: chosen[name] for name in _LEVELS if chosen[name] != schema.ALL}
    history, cells = tables["demand_history"], tables["known"]["cells"]
    is_shown = pd.Series(True, index=cells.index)
    for name, member in named.items():
        is_shown &= cells[name] == member
    of = ", ".join(named.values()) or "all items"
    return [
        exhibits.note(_change(tables, lines)),
        exhibits.figure(
            charts.sales(
                history[is_shown.to_numpy()], tables["planning_units"], cycle=tables["cycle"], of=of
            ),
            alt=f"Units sold by month beside demand, and what was corrected, {of}",
            missing="Nothing was sold there.",
        ),
    ]


def _change(tables: dict, lines: tuple[str, ...]) -> str:
    """What the other answer to the chosen corrections would change, in units and money."""
    table = hierarchy.in_planning_units(tables["corrections"], tables["planning_units"])
    own = table[table["correction"].isin(lines)]
    counts = own.index.isin(corrections.counting(own).index)
    said = [
        f"{len(table):,} corrections, {(table['state'] == corrections.PROPOSED).sum()} proposed"
    ]
    currency = tables["company"]["currency"].iloc[0]
    for word, part, sign in (
        ("Refusing those chosen that count changes the history by", own[counts], -1.0),
        ("Accepting those chosen that do not changes it by", own[~counts], 1.0),
    ):
        if len(part):
            units = exhibits.format_amount(sign * part["quantity"].sum(), "signed_quantity")
            money = sign * part["amount_value"].sum()
            worth = exhibits.format_amount(money, "signed_value", currency)
            said.append(f"{word} {units} units, {worth}")
    return ". ".join(said) + "."


def _learned(tables: dict) -> float:
    """Baseline of the whole history, common unit."""
    history = hierarchy.in_planning_units(tables["demand_history"], tables["planning_units"])
    return history["baseline"].sum()


def explorer(workspace: str | Path, cycle: pd.Timestamp, keep: Callable) -> widgets.VBox:
    """The corrections as one widget; only its buttons write: one further file each time.

    Parameters
    ----------
    workspace : str or Path
        Folder that holds ``data/raw``.
    cycle : Timestamp
        A cycle that has been run; where it has not, the explorer says so.
    keep : callable
        What keeps answers: ``gates.correct``.
    """
    try:
        now = load(workspace, cycle)
    except months.UsageError as error:
        return widgets.VBox([widgets.HTML(LOOK + exhibits.note(str(error)).html)])
    own = _controls(now)
    buttons = {
        corrections.ACCEPTED: widgets.Button(description="Accept"),
        corrections.REFUSED: widgets.Button(description="Refuse"),
    }
    told, shown = widgets.HTML(), widgets.HTML()

    def chosen() -> dict[str, str]:
        return {name: own[name].value for name in _EVERY}

    def redraw(_change: object = None) -> None:
        parts = view(now, chosen(), own["lines"].value)
        shown.value = LOOK + "".join(part.html for part in parts)

    def narrow(_change: object = None) -> None:
        rows = listed(now, chosen())
        own["lines"].options = list(zip(rows["words"], rows["correction"], strict=True))
        redraw()

    def press(state: str) -> None:
        lines, who, why = own["lines"].value, own["author"].value, own["note"].value
        missing = "" if why.strip() else "Say why: the note is missing."
        missing = missing if who.strip() else "Say who you are: your name is missing."
        missing = missing if lines else "Choose at least one correction."
        if missing:
            told.value = exhibits.note(missing).html
            return
        is_yes = state == corrections.ACCEPTED
        asked = (lines, ()) if is_yes else ((), lines)
        try:
            before = _learned(now)
            path = keep(Path(workspace).resolve(), cycle, *asked, author=who, note=why)
        except (ValueError, OSError, RuntimeError) as error:
            told.value = exhibits.note(f"Nothing was written: {error}").html
            return
        said = store.raw_table(store.open_workspace(workspace), "policies", cycle)
        now.update(with_policies(now, said))
        change = exhibits.format_amount(_learned(now) - before, "signed_quantity")
        file = path.relative_to(Path(workspace).resolve()).as_posix()
        words = f"{len(lines)} {state}, written to {file}: what models learn from changes by"
        told.value = exhibits.note(f"{words} {change} units. {_NEXT}").html
        own["lines"].value = ()
        narrow()

    for name in _EVERY:
        own[name].observe(narrow, "value")
    own["lines"].observe(redraw, "value")
    for state, button in buttons.items():
        button.on_click(lambda _button, state=state: press(state))
    narrow()
    rows = [[own[name] for name in _EVERY], [own["lines"]]]
    rows += [[own[name] for name in ("author", "note")], list(buttons.values())]
    box = widgets.VBox(
        [*(widgets.HBox(row, layout={"flex_flow": "row wrap"}) for row in rows), told, shown]
    )
    box.add_class("sopkit")
    return box


def _controls(tables: dict) -> dict[str, widgets.Widget]:
    """What is chosen and written, by name."""
    look, words = {"style": {"description_width": "6em"}}, {"author": "Your name", "note": "Note"}

    def members(name: str) -> list[tuple[str, str]]:
        known = sorted(set(tables["corrections"][name]) - {schema.ALL, schema.UNASSIGNED})
        return [(_EVERY[name], schema.ALL), *((member, member) for member in known)]

    made = {
        name: widgets.Dropdown(options=members(name), description=name.capitalize(), **look)
        for name in _EVERY
    }
    wide = {"width": "62em"}
    made["lines"] = widgets.SelectMultiple(
        rows=_SHOWN, description="Corrections", layout=wide, **look
    )
    for name, word in words.items():
        made[name] = widgets.Text(description=word, continuous_update=False, **look)
    return made
