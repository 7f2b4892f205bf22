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
from sopkit.explore import frame, lines

_EVERY = {
    "family": "all families",
    "item": "all items",
    "channel": "all channels",
    "layer": "all layers",
}
_LEVELS = ("family", "item", "channel")
_ON_PAGE = "data_review", "Which corrections need somebody's eye?"
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
    """Corrections that can be answered, most money first, with their ``name`` and ``words``.

    Parameters
    ----------
    tables : dict
        From ``load``.
    chosen : dict
        Member of ``family``, ``item``, ``channel`` and ``layer``; ``all`` is every one.
    """
    rows = tables["corrections"]
    rows = rows[rows["layer"].isin(corrections.LAYERS)]
    for name, member in chosen.items():
        if member != schema.ALL:
            rows = rows[rows[name].isin([member, schema.ALL])]
    words = [_words(row, tables) for row in rows.to_dict("records")]
    return rows.assign(name=rows["correction"], words=words)


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


def drawn(tables: dict, chosen: dict[str, str]) -> exhibits.Exhibit:
    """Sales beside demand of what is chosen, and what was corrected."""
    named = {name: chosen[name] for name in _LEVELS if chosen[name] != schema.ALL}
    sold, cells = tables["demand_history"], tables["known"]["cells"]
    is_shown = pd.Series(True, index=cells.index)
    for name, member in named.items():
        is_shown &= cells[name] == member
    of = ", ".join(named.values()) or "all items"
    own, units = sold[is_shown.to_numpy()], tables["planning_units"]
    return exhibits.figure(
        charts.sales(own, units, cycle=tables["cycle"], of=of),
        alt=f"Units sold by month beside demand, and what was corrected, {of}",
        missing="Nothing was sold there.",
    )


def _change(tables: dict, chosen: tuple[str, ...]) -> str:
    """What the other answer to the chosen corrections would change, in units and money."""
    table = hierarchy.in_planning_units(tables["corrections"], tables["planning_units"])
    own = table[table["correction"].isin(chosen)]
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


class _Corrections:
    """Corrections as lines to answer."""

    word, one, every, needs_note = "Corrections", "correction", _EVERY, True
    buttons = {
        corrections.ACCEPTED: ("Accept", "The correction counts"),
        corrections.REFUSED: ("Refuse", "The history stays as it was sold"),
    }

    def __init__(self, workspace: str | Path, cycle: pd.Timestamp, keep: Callable) -> None:
        self.workspace, self.cycle, self.write = Path(workspace).resolve(), cycle, keep
        self.now, self.more = load(workspace, cycle), {}

    def members(self, level: str) -> pd.Series:
        return self.now["corrections"][level]

    def listed(self, chosen: dict[str, str]) -> pd.DataFrame:
        return listed(self.now, chosen)

    def show(self, view: frame.View, chosen: dict[str, str], lines: tuple[str, ...]) -> None:
        rows = listed(self.now, chosen).drop(columns=["name", "words"])
        picture = drawn(self.now, chosen)
        view.show(_change(self.now, lines), picture, page=_ON_PAGE, data={"corrections": rows})

    def keep(self, answer: str, lines_: tuple[str, ...], *, author: str, note: str) -> str:
        asked = (lines_, ()) if answer == corrections.ACCEPTED else ((), lines_)
        before = _learned(self.now)
        path = self.write(self.workspace, self.cycle, *asked, author=author, note=note)
        root = store.open_workspace(self.workspace)
        self.now = with_policies(self.now, store.raw_table(root, "policies", self.cycle))
        change = exhibits.format_amount(_learned(self.now) - before, "signed_quantity")
        words = f"{len(lines_)} {answer}, written to {path.relative_to(root).as_posix()}"
        return f"{words}: what models learn from changes by {change} units. {lines.NEXT}"


def explorer(workspace: str | Path, cycle: pd.Timestamp, keep: Callable) -> widgets.VBox:
    """The corrections as one widget; only its buttons write: one further file each time.

    Parameters
    ----------
    workspace : str or Path
        Folder that holds ``data/raw``.
    cycle : Timestamp
        A cycle that has been run; where it has not, the explorer says so.
    keep : callable
        What keeps answers: ``policies.correct``.
    """
    try:
        own = _Corrections(workspace, cycle, keep)
    except months.UsageError as error:
        return frame.missing(error)
    return lines.Panel(own, frame.View(workspace, cycle)).box
