"""Past plans: which layer was how good, whose members, how far ahead, in which months.

A sentence says what is seen; tables lay layers, measures and worst offenders side by side; a chart
shows the plan as it stood in any cycle, a heat map all of them. Signs stand on each exhibit.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import ipywidgets as widgets
import numpy as np
import pandas as pd

from sopkit import exhibits, months, publication, store, workbooks
from sopkit.charts import accuracy as charts
from sopkit.charts import data as pages
from sopkit.demand import lags, value_added
from sopkit.explore import ledger
from sopkit.explore.ledger import ALL, LEVELS, MEASURES, Choice

_ORIGINS = {
    lags.APPROVED: "as approved",
    lags.CLOSED: "as closed",
    lags.RUN: "as run at the time",
    lags.REPLAY: "replayed from what was known then",
    lags.HINDSIGHT: "replayed with hindsight",
    "imported": "from the tool before",
}
_SIGN = "error = plan − what came; plus: too high"
_WHOLE = 0.98  # of what came: where a layer spoke of less, that is said
_MOST_SHEET_ROWS = 1_048_000  # a worksheet holds no more


def _subject(choice: Choice) -> str:
    """Who is looked at, in words."""
    if choice.level == "total":
        return choice.slice_member or LEVELS["total"]
    level = LEVELS[choice.level]
    words = choice.member or f"Every {level[:1].lower()}{level[1:]}"
    return f"{words}, {choice.slice_member}" if choice.slice_member else words


def _ahead(lag: int) -> str:
    """Months ahead in words.

    Examples
    --------
    >>> _ahead(0), _ahead(1), _ahead(value_added.NEAR)
    ('in the month itself', '1 month ahead', '1 to 3 months ahead')
    """
    words = {
        lags.EVERY_LAG: "all months ahead",
        lags.DECISION_LAG: "at the lead time",
        value_added.NEAR: "{} to {} months ahead".format(*value_added.NEAR_LAGS),
        0: "in the month itself",
    }
    return words.get(lag) or f"{lag} month{'' if lag == 1 else 's'} ahead"


def _sentence(found: dict, choice: Choice) -> str:
    """What is seen: error and side of the chosen layer, the others beside it, on how much."""
    span = f"{months.label(choice.first)} to {months.label(choice.last)}"
    head = f"{_subject(choice)}, {choice.layer}, {_ahead(choice.lag)}, {span}"
    whole = found["whole"].set_index("layer")
    own = whole.loc[choice.layer]
    if not found["months"] or not np.isfinite(own["wape"]):
        return f"{head}: nothing was planned and has come."
    name, kind = MEASURES[choice.measure]

    def size(layer: str) -> str:
        amount = whole.loc[layer, choice.measure]
        if choice.measure == "bias_rate":
            return _side(amount)
        return exhibits.format_amount(amount, kind)

    if choice.measure == "bias_rate":
        said = size(choice.layer)
    else:
        unit = " in units" if choice.measure == "value_wape" else ""
        said = f"{name} {size(choice.layer)}, {_side(own['bias_rate'])}{unit}"
    others = [f"{layer} {size(layer)}" for layer in found["layers"] if layer != choice.layer]
    by = f"; beside it {', '.join(others)}" if others else ""
    if others and found["share"] < 1.0 - 1e-9:
        common = exhibits.format_amount(found["share"], "rate")
        by += f" (on the {common} of its figures of which all of them spoke)"
    count = ", ".join(
        f"{number} {_ORIGINS.get(origin, origin)}" for origin, number in found["origins"].items()
    )
    early = ""
    if found["months"] < value_added.FEWEST_MONTHS:
        early = f" Too early to say: a verdict needs {value_added.FEWEST_MONTHS} months."
    plural = "" if found["months"] == 1 else "s"
    judged = f"{found['months']} month{plural} judged, cycles: {count}"
    if found["coverage"] < _WHOLE:
        spoke = exhibits.format_amount(found["coverage"], "rate")
        judged += f"; it spoke of {spoke} of what came, and the rest is judged nowhere"
    return f"{head}: {said}{by}. {judged}.{early}"


def _side(bias: float) -> str:
    if not np.isfinite(bias) or abs(bias) < 0.0005:
        return "to neither side"
    size = exhibits.format_amount(abs(bias), "rate")
    return f"{size} too {'high' if bias > 0 else 'low'}"


def view(tables: dict, choice: Choice) -> list[exhibits.Exhibit]:
    """The sentence first; members by layer, layers by measure, worst offenders."""
    found = ledger.measures(tables, choice)
    name, kind = MEASURES[choice.measure]
    more = {"bias_rate": "Bias", "came": "Came a month", "months": "Months"}
    kinds = dict.fromkeys(found["layers"], kind)
    kinds |= {"bias_rate": "signed_rate", "came": "quantity", "months": "count"}
    heads = {layer: _heading(layer) for layer in found["layers"]}
    if choice.measure == "bias_rate":
        more.pop("bias_rate")
    else:
        more["bias_rate"] = f"Bias of {choice.layer}"
    shown = [exhibits.note(_sentence(found, choice))]
    where = f"{_subject(choice)}, {_ahead(choice.lag)}"
    if choice.member == ALL and choice.level != "total":
        shown.append(
            exhibits.table(
                found["members"],
                caption=f"{where}: {name} of each layer, worst first ({_SIGN})",
                columns={"member": LEVELS[choice.level], **heads, **more},
                kinds=kinds,
                rows=12,
                missing="Nothing was planned and has come here.",
            )
        )
    shown.append(
        exhibits.table(
            found["whole"].assign(layer=found["whole"]["layer"].map(_heading)),
            caption=f"{where}: every measure of each layer ({_SIGN})",
            columns={"layer": "Layer"} | {name: word for name, (word, _) in MEASURES.items()},
            kinds={name: own for name, (_, own) in MEASURES.items()},
        )
    )
    items, unpriced = ledger.worst(tables, choice)
    is_one = unpriced == 1
    left = f"{unpriced} item{' without a price is' if is_one else 's without a price are'} left out"
    named = items["item"].map(tables["names"]).fillna("")
    shown.append(
        exhibits.table(
            items.assign(item=items["item"].str.cat(named, " ").str.strip()),
            caption=f"{where}: most money off, in a month planned, at today's prices ({_SIGN})",
            columns={
                "item": "Item",
                "error_value": "Off by",
                "error_share": "Of all error",
                "finding": f"What {choice.layer} did",
                "came_value": "Came",
            },
            kinds={"error_value": "value", "error_share": "rate", "came_value": "value"},
            currency=tables["currency"],
            rows=10,
            missing="No price is known here, so nothing can be ranked by money.",
        )
    )
    if unpriced:
        shown.append(exhibits.note(f"{left}.", "source"))
    return shown


def view_fallen(tables: dict, choice: Choice) -> exhibits.Exhibit:
    """The heat map of every cycle's plan of every month, at all months ahead."""
    who, table = _subject(choice), ledger.fallen(tables, choice)
    chart = pages.waterfall(table.assign(member=who), member=who, layer=choice.layer)
    alt = f"Heat map of {choice.layer} less what came by cycle and month, {who}"
    return exhibits.figure(chart, alt=alt, missing="Nothing has come to compare with.")


def _heading(layer: str) -> str:
    return layer[:1].upper() + layer[1:]


def view_then(tables: dict, choice: Choice, cycle: pd.Timestamp) -> exhibits.Exhibit:
    """The plan as it stood in one cycle, beside what had been sold and what came afterwards."""
    who, label = _subject(choice), months.label(cycle)
    lines = ledger.stood(tables, choice, cycle)
    chart = charts.plan_as_it_stood(lines, tables["units"], subject=who, cycle=cycle)
    alt = f"{who} as planned in cycle {label}, and what came"
    return exhibits.figure(chart, alt=alt, missing=f"Cycle {label} says nothing of {who}.")


def _export(workspace: str | Path, tables: dict, choice: Choice, kind: str) -> tuple[Path, int]:
    """Write every row behind a choice to ``reports/exports``.

    Parameters
    ----------
    workspace : str or Path
        Folder that holds ``data/raw``.
    tables : dict
        From ``load``.
    choice : Choice
        What is shown.
    kind : str
        csv: rows of ``behind``; xlsx: a sheet of the choice, one of members, one of those rows.

    Returns
    -------
    path : Path
        The file; one of the same name is replaced.
    rows : int
        Rows of ``behind`` in it.

    Raises
    ------
    UsageError
        If a worksheet cannot hold the rows.
    """
    found = ledger.measures(tables, choice)
    rows = ledger.behind(found, choice)
    if kind == "xlsx" and len(rows) > _MOST_SHEET_ROWS:
        words = f"{len(rows):,} rows are more than a worksheet holds: take CSV, or fewer months."
        raise months.UsageError(words)
    words = ("past plans", _subject(choice), choice.layer, _ahead(choice.lag))
    span = f"{months.label(choice.first)}_{months.label(choice.last)}"
    name = f"{'_'.join(map(store.file_word, words))}_{span}.{kind}"
    said = [("Seen", _sentence(found, choice)), ("Signs", _SIGN)]
    said += [(LEVELS.get(choice.slice_level, "Slice"), choice.slice_member or "everything")]
    sheets = {
        "Choice": pd.DataFrame(said, columns=["what", "said"]),
        "Members": found["members"],
        "Rows": rows,
    }
    path = store.open_workspace(workspace) / publication.REPORTS / "exports" / name
    workbooks.write_tables(path, sheets if kind == "xlsx" else {"Rows": rows})
    return path, len(rows)


def panel(workspace: str | Path, cycle: pd.Timestamp) -> widgets.VBox:
    """Past plans as one widget; only its two buttons write, into ``reports/exports``.

    Parameters
    ----------
    workspace : str or Path
        Folder that holds ``data/raw``.
    cycle : Timestamp
        A cycle that has been run: plans made before it are looked at. Where there is none, that
        is said.
    """
    try:
        tables = ledger.load(workspace, cycle)
    except months.UsageError as error:
        return widgets.VBox([widgets.HTML(exhibits.note(str(error)).html)])
    own = _controls(tables)
    said, then, shown, fallen, told = (widgets.HTML() for _ in range(5))
    is_quiet = []  # filled while controls are set by the program
    looked_at: list[Choice] = []
    drawn = []  # what the pictures show: months ahead and measure do not change them

    def choice() -> Choice:
        first, last = own["period"].value
        names = ("level", "member", "slice_level", "slice_member", "layer", "lag", "measure")
        made = Choice(first, last, **{name: own[name].value for name in names})
        return made if made.slice_member else replace(made, slice_level=ALL)

    def redraw_then(_change: object = None) -> None:
        then.value = view_then(tables, drawn[0], own["cycle"].value).html

    def redraw(_change: object = None) -> None:
        if is_quiet or looked_at == [choice()]:
            return
        looked_at[:] = [choice()]
        first, *others = view(tables, choice())
        said.value, told.value = first.html, ""
        shown.value = "".join(exhibit.html for exhibit in others)
        pictured = replace(choice(), lag=lags.EVERY_LAG, measure="")
        pictured = pictured if pictured.member else replace(pictured, level="total")
        if drawn != [pictured]:
            drawn[:] = [pictured]
            redraw_then()
            fallen.value = view_fallen(tables, pictured).html

    def members(level: str, control: widgets.Dropdown, change: dict) -> None:
        is_quiet.append(level)
        control.options = _members(tables, change["new"])
        is_quiet.clear()
        redraw()

    def press(kind: str, _button: object) -> None:
        told.value = exhibits.note("Writing…").html
        try:
            path, count = _export(workspace, tables, choice(), kind)
            where = path.relative_to(Path(workspace).resolve()).as_posix()
            words = f"{count:,} rows written to {where} of the workspace."
        except (months.UsageError, OSError) as error:
            words = f"Nothing was written: {error}"
        told.value = exhibits.note(words).html

    for level, member in (("level", "member"), ("slice_level", "slice_member")):
        own[level].observe(partial(members, level, own[member]), "value")
    for name in ("member", "slice_member", "layer", "lag", "measure", "period"):
        own[name].observe(redraw, "value")
    own["cycle"].observe(redraw_then, "value")
    buttons = [widgets.Button(description=word) for word in ("CSV", "Excel")]
    for button, kind in zip(buttons, ("csv", "xlsx"), strict=True):
        button.on_click(partial(press, kind))
    redraw()
    *chosen, slider = own.values()
    lines = (chosen[:4], chosen[4:])
    rows = [widgets.HBox(line, layout={"flex_flow": "row wrap"}) for line in lines]
    behind = widgets.HBox([widgets.Label("Every row behind this:"), *buttons])
    return widgets.VBox([*rows, said, slider, then, shown, fallen, behind, told])


def _members(tables: dict, level: str) -> list[tuple[str, str]]:
    """Members of a level to choose from, all of them first, then those that sold most."""
    if level in (ALL, "total"):
        return [("everything", ALL)]
    volume = tables["history"].groupby(level, observed=True)["actual"].sum()
    told = tables["past"].rows[level].unique()
    ranked = volume.sort_values(ascending=False).index
    names = [name for name in ranked if name in set(told)]
    labels = tables["names"] if level == "item" else {}
    return [("all of them", ALL), *((f"{n} {labels.get(n, '')}".strip(), n) for n in names)]


def _controls(tables: dict) -> dict[str, widgets.Widget]:
    """What is chosen, in the order in which it stands; the slider through cycles last."""
    past = tables["past"]
    levels = [(LEVELS[name], name) for name in tables["levels"]]
    layers = [name for name, values in past.said.items() if np.isfinite(values).any()]
    plan = lags.CONSENSUS if lags.CONSENSUS in layers else lags.STATISTICAL
    single, near = sorted(map(int, past.rows["lag"].unique())), value_added.NEAR
    ahead = [near, lags.EVERY_LAG, lags.DECISION_LAG, *single]
    is_near = past.rows["lag"].between(*value_added.NEAR_LAGS).any()
    closed, cycles = (sorted(past.rows[name].unique()) for name in ("month", "cycle"))
    named = [(word, name) for name, (word, _) in MEASURES.items()]

    def choice(word: str, options: list, value: object) -> widgets.Dropdown:
        more = {"layout": {"width": "18.5em"}, "style": {"description_width": "4.7em"}}
        return widgets.Dropdown(options=options, value=value, description=word, **more)

    def slider(kind: type, word: str, span: list, value: object) -> widgets.Widget:
        options, width = [(f"{one:%b %Y}", one) for one in span], {"width": "42em"}
        more = {"layout": width, "style": {"description_width": "7em"}}
        made = kind(options=options, value=value, description=word, continuous_update=False, **more)
        made.add_class("past")
        return made

    return {
        "level": choice("Level", levels, "family"),
        "member": choice("Group", _members(tables, "family"), ALL),
        "slice_level": choice("Only", [("everything", ALL), *levels[1:]], ALL),
        "slice_member": choice("of it", _members(tables, ALL), ALL),
        "layer": choice("Layer", layers, plan),
        "lag": choice("Ahead", [(_ahead(k), k) for k in ahead], near if is_near else ahead[1]),
        "measure": choice("Measure", named, "wape"),
        "period": slider(widgets.SelectionRangeSlider, "Months", closed, (closed[0], closed[-1])),
        "cycle": slider(
            widgets.SelectionSlider, "As it stood in", cycles, cycles[len(cycles) // 2]
        ),
    }
