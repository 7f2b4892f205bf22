"""What does sales say to what cannot be delivered in time? Lines to accept or refuse, by clicking.

Lines of table `feedback` are narrowed to a channel, an owner or a family; those that are chosen
show at once what the plan becomes. What is answered is kept as `sopkit revise` keeps it, and the
next run plans it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ipywidgets as widgets
import pandas as pd

from sopkit import exhibits, logs, months, schema, store
from sopkit.charts import demand as charts
from sopkit.demand import agreed, hierarchy
from sopkit.explore import frame, lines
from sopkit.supply import answers
from sopkit.supply.feedback import ACCEPTED, OPEN, REFUSED

_EVERY = {"channel": "all channels", "owner": "everybody's", "family": "all families"}
_BACK = "back"
_SAY = {ACCEPTED: "accepted", REFUSED: "refused", _BACK: "taken back"}
_ON_PAGE = "demand_review", "What did sales agree to?"


def load(workspace: str | Path, cycle: pd.Timestamp) -> dict:
    """What the explorer works on: lines of a cycle that was run, the plan, answers kept so far.

    Raises
    ------
    UsageError
        If the cycle has not been run.
    """
    root = store.open_workspace(workspace)
    names = ("items", "locations", "channels", "answers")
    tables = {name: store.raw_table(root, name, cycle) for name in names}
    for name in ("feedback", "demand_plan", "money_rates", "planning_units"):
        tables[name] = store.read(root, name, cycle)
    lines = tables["feedback"]
    owner = schema.lookup(lines["channel"], tables["channels"], "owner", on="channel")
    of_place = schema.lookup(lines["location"], tables["locations"], "owner", on="location")
    levels = hierarchy.with_levels(lines, tables["items"])
    return tables | {
        "cycle": cycle,
        "currency": store.company(root)["currency"].iloc[0],
        "feedback": levels.assign(owner=owner.fillna(of_place).fillna("nobody").astype("str")),
    }


def listed(tables: dict, chosen: dict[str, str]) -> pd.DataFrame:
    """Lines that can be answered, most money first: a row a line, with its ``name`` and ``words``.

    Parameters
    ----------
    tables : dict
        From ``load``.
    chosen : dict
        Member of ``channel``, ``owner`` and ``family``; ``all`` or left out is every one.
    """
    rows = tables["feedback"]
    for name, member in chosen.items():
        if member != schema.ALL:
            rows = rows[rows["feedback"].isin(rows.loc[rows[name] == member, "feedback"])]
    names = schema.lookup(rows["item"], tables["items"], "description").fillna(rows["item"])
    by = ["feedback", "called", "channel", "month", "state"]
    said = rows.assign(called=names.astype("str"))
    sums = said.groupby(by, as_index=False, sort=False)[["quantity", "amount_value"]].sum(
        min_count=1
    )
    words = [_words(row, tables) for row in sums.to_dict("records")]
    found = sums.assign(name=sums["feedback"], words=words)
    return found.drop_duplicates("name")  # open before what was accepted of the same


def _words(row: dict, tables: dict) -> str:
    """``FDTPW  Tent, Retail, 2026-07: 670 units, 136 k EUR (hours: sewing), open``."""
    own = tables["feedback"]
    own = own[(own["feedback"] == row["feedback"]) & (own["state"] == row["state"])]
    comes = own["later_month"].dropna().map(months.label).unique()
    when = " and ".join(sorted(comes)) or "not within the plan"
    units = exhibits.format_amount(row["quantity"], "quantity")
    money = exhibits.format_amount(row["amount_value"], "value", tables["currency"])
    whom = "" if row["channel"] == schema.ALL else f", {row['channel']}"
    limit = own["limit"].where(own["limit"] != own["site"], "")  # a site that binds is no news
    cause = f" ({own['cause'].iloc[0]}: {limit.iloc[0]})".replace(": )", ")").replace(" ()", "")
    wanted = f"{months.label(row['month'])} → {when}"
    who = f"{row['feedback']}  {row['called']}{whom}"
    return f"{who}, {wanted}: {units}, {money}{cause}, {row['state']}"


def preview(tables: dict, accepted: dict[str, float | None]) -> pd.DataFrame:
    """The demand plan with every answer kept so far, and with lines accepted beside them."""
    said = tables["answers"]
    if accepted:
        more = answers.rows(tables["feedback"], accepted, ()).assign(cycle=tables["cycle"])
        said = pd.concat([said, more.reindex(columns=said.columns).astype(said.dtypes)])
    plan, rates = tables["demand_plan"], tables["money_rates"]
    return agreed.applied(plan, said, rates, cycle=tables["cycle"])[0]


class _Feedback:
    """Lines of feedback to answer."""

    word, one, every, needs_note = "Lines", "line", _EVERY, False
    buttons = {
        ACCEPTED: ("Accept", "Sales agrees: the units move to the month in which they come"),
        REFUSED: ("Refuse", "The line stays as a gap"),
        _BACK: ("Take back", "As if it were not answered"),
    }

    def __init__(self, workspace: str | Path, cycle: pd.Timestamp, keep: Callable) -> None:
        self.workspace, self.cycle, self.write = Path(workspace).resolve(), cycle, keep
        self.now = load(workspace, cycle)
        part = frame.number("Part, units", tip="Of one line; 0 is all of it")
        self.more = {"units": part}

    def members(self, level: str) -> pd.Series:
        return self.now["feedback"][level]

    def listed(self, chosen: dict[str, str]) -> pd.DataFrame:
        return listed(self.now, chosen)

    def _accepted(self, lines_: tuple[str, ...]) -> dict[str, float | None]:
        units = self.more["units"].value
        return dict.fromkeys(lines_, units if len(lines_) == 1 and units > 0 else None)

    def show(self, view: frame.View, chosen: dict[str, str], lines: tuple[str, ...]) -> None:
        self.more["units"].disabled = len(lines) != 1
        accepted, every = self._accepted(lines), self.now["feedback"]
        try:
            plan = preview(self.now, accepted)
        except months.UsageError as error:  # answered already, or more units than there are
            view.show(str(error), page=_ON_PAGE)
            return
        own = every[every["feedback"].isin(accepted)]
        view.show(
            _sentence(self.now, own, len(accepted)),
            exhibits.figure(
                charts.agreed(plan, self.now["planning_units"]),
                alt="Demand plan by month beside what sales agrees to, and the units that move",
                missing="Nothing is agreed yet: choose lines to see what accepting them makes of "
                "the plan.",
            ),
            [_chosen(self.now, own)] if accepted else [],
            _ON_PAGE,
            {"feedback": every, "plan_as_agreed": plan},
        )

    def keep(self, answer: str, lines_: tuple[str, ...], *, author: str, note: str) -> str:
        asked = {"accepted": self._accepted(lines_), "refused": ()}
        if answer == _BACK:
            asked["accepted"] = dict.fromkeys(lines_, 0.0)
        if answer == REFUSED:
            asked = {"accepted": {}, "refused": lines_}
        done = self.write(self.workspace, self.cycle, **asked, author=author, note=note)
        self.now = load(self.workspace, self.cycle)
        self.more["units"].value = 0.0
        opened = f"Open again: {', '.join(done.reopened)}. " if done.reopened else ""
        file = done.path.relative_to(self.workspace).as_posix()
        return f"{len(lines_)} {_SAY[answer]}, written to {file}. {opened}{lines.NEXT}"


def _sentence(tables: dict, own: pd.DataFrame, count: int) -> str:
    """How many lines are open, how many are chosen, and what they are worth."""
    every = tables["feedback"]
    left = every.loc[every["state"] == OPEN, "feedback"].nunique()
    said = f"Open since the last run: {left}. Chosen: {count}"
    money = exhibits.format_amount(own["amount_value"].sum(), "value", tables["currency"])
    return f"{said}, worth {money}." if count else f"{said}."


def _chosen(tables: dict, own: pd.DataFrame) -> exhibits.Exhibit:
    return logs.feedback(
        own,
        tables["items"],
        caption="Chosen: wanted in one month, comes in another, in the item's own unit",
        why="Why",
        currency=tables["currency"],
        source="feedback",
        missing="",
    )


def explorer(workspace: str | Path, cycle: pd.Timestamp, keep: Callable) -> widgets.VBox:
    """The lines as one widget; only its buttons write: one further file each time.

    Parameters
    ----------
    workspace : str or Path
        Folder that holds ``data/raw``.
    cycle : Timestamp
        A cycle that has been run; where it has not, the explorer says so.
    keep : callable
        What keeps answers and opens closed steps: ``gates.revise``.
    """
    try:
        own = _Feedback(workspace, cycle, keep)
    except months.UsageError as error:
        return frame.missing(error)
    return lines.Panel(own, frame.View(workspace, cycle)).box
