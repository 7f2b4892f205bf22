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
from sopkit.explore.accuracy import LOOK
from sopkit.supply import answers
from sopkit.supply.feedback import ACCEPTED, OPEN, REFUSED

_EVERY = {"channel": "all channels", "owner": "everybody's", "family": "all families"}
_SHOWN = 12  # lines listed at a time
_NEXT = "The next run plans it: sopkit run"
_SAY = {ACCEPTED: "accepted", REFUSED: "refused", "back": "taken back"}


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
    """Lines that can be answered, most money first: a row a line, with what it says in ``words``.

    Parameters
    ----------
    tables : dict
        From ``load``.
    chosen : dict
        Member of ``channel``, ``owner`` and ``family``; ``all`` or left out is every one.
    """
    lines = tables["feedback"]
    for name, member in chosen.items():
        if member != schema.ALL:
            lines = lines[lines["feedback"].isin(lines.loc[lines[name] == member, "feedback"])]
    names = schema.lookup(lines["item"], tables["items"], "description").fillna(lines["item"])
    by = ["feedback", "name", "channel", "month", "state"]
    said = lines.assign(name=names.astype("str"))
    sums = said.groupby(by, as_index=False, sort=False)[["quantity", "amount_value"]].sum(
        min_count=1
    )
    return sums.assign(words=[_words(row, tables) for row in sums.to_dict("records")])


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
    return (
        f"{row['feedback']}  {row['name']}{whom}, {wanted}: {units}, {money}{cause}, {row['state']}"
    )


def preview(tables: dict, accepted: dict[str, float | None]) -> pd.DataFrame:
    """The demand plan with every answer kept so far, and with lines accepted beside them."""
    said = tables["answers"]
    if accepted:
        more = answers.rows(tables["feedback"], accepted, ()).assign(cycle=tables["cycle"])
        said = pd.concat([said, more.reindex(columns=said.columns).astype(said.dtypes)])
    plan, rates = tables["demand_plan"], tables["money_rates"]
    return agreed.applied(plan, said, rates, cycle=tables["cycle"])[0]


def view(tables: dict, accepted: dict[str, float | None]) -> list[exhibits.Exhibit]:
    """What the explorer shows for lines that are chosen: a sentence, their rows, the plan."""
    lines = tables["feedback"]
    left = lines.loc[lines["state"] == OPEN, "feedback"].nunique()
    try:
        plan = preview(tables, accepted)
    except months.UsageError as error:  # answered already, or more units than there are
        return [exhibits.note(str(error))]
    own = lines[lines["feedback"].isin(accepted)]
    money = exhibits.format_amount(own["amount_value"].sum(), "value", tables["currency"])
    said = f"Open since the last run: {left}. Chosen: {len(accepted)}"
    shown = [exhibits.note(f"{said}, worth {money}." if accepted else f"{said}.")]
    if accepted:
        shown.append(
            logs.feedback(
                own,
                tables["items"],
                caption="Chosen: wanted in one month, comes in another, in the item's own unit",
                why="Why",
                currency=tables["currency"],
                source="feedback",
                missing="",
            )
        )
    return shown + [
        exhibits.figure(
            charts.agreed(plan, tables["planning_units"]),
            alt="Demand plan by month beside what sales agrees to, and the units that move",
            missing="Nothing is agreed yet: choose lines to see what accepting them makes of the "
            "plan.",
        )
    ]


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
        now = load(workspace, cycle)
    except months.UsageError as error:
        return widgets.VBox([widgets.HTML(LOOK + exhibits.note(str(error)).html)])
    own = _controls(now)
    buttons = {
        ACCEPTED: widgets.Button(description="Accept"),
        REFUSED: widgets.Button(description="Refuse"),
        "back": widgets.Button(description="Take back", tooltip="As if it were not answered"),
    }
    told, shown = widgets.HTML(), widgets.HTML()

    def accepted() -> dict[str, float | None]:
        lines, units = own["lines"].value, own["units"].value
        return dict.fromkeys(lines, units if len(lines) == 1 and units > 0 else None)

    def redraw(_change: object = None) -> None:
        own["units"].disabled = len(own["lines"].value) != 1
        shown.value = LOOK + "".join(part.html for part in view(now, accepted()))

    def narrow(_change: object = None) -> None:
        rows = listed(now, {name: own[name].value for name in _EVERY})
        words = rows.drop_duplicates("feedback")  # open before what was accepted of the same
        own["lines"].options = list(zip(words["words"], words["feedback"], strict=True))
        redraw()

    def press(state: str) -> None:
        lines, who = own["lines"].value, own["author"].value
        missing = "" if who.strip() else "Say who you are: your name is missing."
        if not lines:
            missing = "Choose at least one line."
        if missing:
            told.value = exhibits.note(missing).html
            return
        asked = {"accepted": accepted(), "refused": ()}
        if state != ACCEPTED:
            asked = {"accepted": dict.fromkeys(lines, 0.0), "refused": ()}
        if state == REFUSED:
            asked = {"accepted": {}, "refused": lines}
        try:
            done = keep(
                Path(workspace).resolve(), cycle, **asked, author=who, note=own["note"].value
            )
        except (ValueError, OSError, RuntimeError) as error:
            told.value = exhibits.note(f"Nothing was written: {error}").html
            return
        now.update(load(workspace, cycle))
        opened = f"Open again: {', '.join(done.reopened)}. " if done.reopened else ""
        file = done.path.relative_to(Path(workspace).resolve()).as_posix()
        words = f"{len(lines)} {_SAY[state]}, written to {file}. {opened}{_NEXT}"
        told.value = exhibits.note(words).html
        own["lines"].value, own["units"].value = (), 0.0

    for name in _EVERY:
        own[name].observe(narrow, "value")
    for name in ("lines", "units"):
        own[name].observe(redraw, "value")
    for state, button in buttons.items():
        button.on_click(lambda _button, state=state: press(state))
    narrow()
    rows = [[own[name] for name in _EVERY], [own["lines"]]]
    rows += [[own[name] for name in ("units", "author", "note")], list(buttons.values())]
    box = widgets.VBox(
        [*(widgets.HBox(row, layout={"flex_flow": "row wrap"}) for row in rows), told, shown]
    )
    box.add_class("sopkit")
    return box


def _controls(tables: dict) -> dict[str, widgets.Widget]:
    """What is chosen and written, by name."""
    look, words = {"style": {"description_width": "6em"}}, {"author": "Your name", "note": "Note"}

    def members(name: str) -> list[tuple[str, str]]:
        known = sorted(set(tables["feedback"][name]) - {schema.ALL, schema.UNASSIGNED})
        return [(_EVERY[name], schema.ALL), *((member, member) for member in known)]

    made = {
        name: widgets.Dropdown(options=members(name), description=name.capitalize(), **look)
        for name in _EVERY
    }
    wide = {"width": "62em"}
    made["lines"] = widgets.SelectMultiple(rows=_SHOWN, description="Lines", layout=wide, **look)
    made["units"] = widgets.BoundedFloatText(max=1e12, description="Part, units", **look)
    made["units"].tooltip = "Of one line; 0 is all of it"
    for name, word in words.items():
        made[name] = widgets.Text(description=word, continuous_update=False, **look)
    return made
