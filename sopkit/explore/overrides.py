"""What would a number changed by hand do? The consensus by family and month, open to be written in.

A change is spread to items by the engine of the demand step before anything is kept: a sentence
says what it is worth and which hours it takes, tables which series and resources move. What is kept
becomes rows of table `overrides`, in a file of its own; taking it back is a further row.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import ipywidgets as widgets
import numpy as np
import pandas as pd

from sopkit import exhibits, months, schema, steps, store
from sopkit.demand import consensus, overrides, value_added
from sopkit.explore.accuracy import LOOK
from sopkit.supply import capacity

KINDS = [("set to", "set"), ("add", "add"), ("times", "scale")]
REASONS = (
    "promotion or event",
    "new customer or order",
    "lost customer or order",
    "price change",
    "competitor",
    "launch or phase-out",
    "correction of the forecast",
    "other",
)
_CELL = [*schema.LEVELS, "month"]
_CHANGES = (
    "subject family author month asked before after change change_value series state finding "
    "reason".split()
)
_ACROSS = 12  # months shown side by side
_EXPIRY = 12  # cycles ahead in which an override may be said to expire
_WHOLE = 100.0  # units from which a grid needs no decimals
_BUTTONS = ("Enter", "Keep", "Undo", "Discard all")
_NEXT = "the next `sopkit run` takes it in."
_NOBODY = "somebody"  # who makes a change before a name is typed
_FAMILY_TOUCHES = 6  # past changes of a family from which they are told apart
_SEEN = 0.05  # hours from which a change is shown
_LOOK = f"""{LOOK}<style>
.sopkit table {{ line-height: 1.25; }}
.sopkit tr.alert td {{ font-weight: 600; }}
.sopkit .cell > .widget-label {{ position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); }}
.sopkit .cell input {{ text-align: right; padding: 0 0.4em; appearance: textfield; }}
.sopkit .cell input::-webkit-inner-spin-button {{ appearance: none; }}
.sopkit .changed input {{ font-weight: 700; border-width: 2px; border-color: #1f5fa8; }}
</style>"""


def row(tables: dict, kind: str, amount: float, month: pd.Timestamp, **levels: str) -> pd.DataFrame:
    """One change as a row of table `overrides`, with neither author nor reason yet.

    Parameters
    ----------
    tables : dict
        From ``load``.
    kind : str
        set, add or scale.
    amount : float
        In the common unit; the factor of a scale, 1.1 for a tenth more.
    month : Timestamp
        Month changed.
    **levels : str
        Member of each level that narrows it; a level left out, or ``all``, does not.
    """
    values = {name: levels.get(name, schema.ALL) for name in schema.LEVELS}
    values |= {"month": month, "kind": kind, "rate" if kind == "scale" else "quantity": amount}
    return _typed(pd.DataFrame([values | {"cycle": tables["cycle"]}]), tables["overrides"])


def signed(
    rows: pd.DataFrame, author: str, reason: str, *, is_locked: bool, expires: pd.Timestamp | str
) -> pd.DataFrame:
    """Changes with who makes them, for how long, and why where they do not say it themselves."""
    said = {"author": " ".join(author.split()) or _NOBODY, "reason": rows["reason"].fillna(reason)}
    return rows.assign(**said, is_locked=is_locked, expires_cycle=pd.to_datetime(expires))


def _typed(rows: pd.DataFrame, like: pd.DataFrame) -> pd.DataFrame:
    return rows.reindex(columns=like.columns).astype(like.dtypes)


def load(workspace: str | Path, cycle: pd.Timestamp) -> dict:
    """What the explorer works on: the plan of a cycle that was run, before and with overrides.

    Raises
    ------
    UsageError
        If the cycle has not been run or has no demand.
    """
    inputs = store.inputs(workspace, "demand_review", cycle)
    inputs |= store.inputs(workspace, "supply_review", cycle)
    try:
        load = store.read(workspace, "resource_load", cycle)
    except months.UsageError:  # the supply step has not been run
        load = None
    try:
        touched = store.read(workspace, "touches", cycle)
    except months.UsageError:  # run before past overrides were judged
        touched = None
    return prepared(inputs, load, touched, cycle=cycle)


def prepared(
    inputs: dict,
    load: pd.DataFrame | None = None,
    touched: pd.DataFrame | None = None,
    *,
    cycle: pd.Timestamp,
) -> dict:
    """A plan with what changes of it are measured by.

    Parameters
    ----------
    inputs : dict of DataFrame
        What the demand and the supply step read, `demand_plan` among it.
    load : DataFrame, optional
        Table `resource_load`; left out, hours as demand itself would take them.
    touched : DataFrame, optional
        Table `touches`: what past overrides were worth.
    cycle : Timestamp
        Month in which the plan was made.
    """
    planned = inputs["demand_plan"]
    if planned.empty:
        raise months.UsageError("There is no demand plan, so nothing can be changed here.")
    plan = consensus.with_overrides(planned, 0.0)
    base = steps.plan_base(inputs, plan[schema.SERIES_MONTH])
    entered, base, past = steps.beneath_overrides(inputs, plan, base, cycle=cycle)
    resources = inputs["resources"]
    bills = capacity.bills(inputs["routings"], inputs["items"], resources, inputs["production"])
    if load is None or load.empty:
        ahead = pd.DatetimeIndex(sorted(base["month"].unique()))
        hours = capacity.available_hours(resources, inputs["capacity"], inputs["calendar"], ahead)
        made = planned[["item", "month"]].assign(quantity=planned["consensus"])
        load = capacity.resource_load(made, made, bills, hours)
    tables = {"cycle": cycle, "base": base, "past": past, "bills": bills, "load": load}
    tables |= {"overrides": inputs["overrides"], "entered": entered}
    tables["touches"] = pd.DataFrame(columns=["author"]) if touched is None else touched
    tables["currency"] = inputs["company"]["currency"].iloc[0]
    tables["unit"] = inputs["planning_units"]["planning_unit"].iloc[0]
    return with_kept(tables, inputs["overrides"].iloc[:0])


def with_kept(tables: dict, rows: pd.DataFrame) -> dict:
    """The tables after changes were kept: they are among the overrides entered."""
    names = ("overrides", "entered")  # as written, and in the company's money
    more = {name: pd.concat([tables[name], _stamped(tables, rows)]) for name in names}
    tables = tables | {name: table.reset_index(drop=True) for name, table in more.items()}
    _, value, effects = _applied(tables, tables["overrides"].iloc[:0])
    return tables | {"value": value, "effects": effects}


def _stamped(tables: dict, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows entered for this cycle after all that were entered before them."""
    last = tables["overrides"]["entered_at"].max()
    last = tables["cycle"] if pd.isna(last) else max(last, tables["cycle"])
    return _typed(rows.assign(cycle=tables["cycle"], entered_at=last), tables["overrides"])


def _applied(tables: dict, rows: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray, pd.DataFrame]:
    """Overrides that count with further ones as the last, the plan they make, what each did."""
    every = pd.concat([tables["entered"], _stamped(tables, rows)])
    alive = overrides.alive(every, cycle=tables["cycle"])
    base, past = tables["base"], tables["past"]
    change, effects, _ = overrides.apply(alive, base, past, cycle=tables["cycle"])
    value = (base["quantity"] + change["overrides"]) * base["factor"]
    return alive, value.to_numpy(), effects


def grid(tables: dict, value: np.ndarray, levels: dict[str, str]) -> pd.DataFrame:
    """A plan by family and month, the company first; narrowed to members of other levels."""
    base = tables["base"]
    rows = base[["family", "month"]].assign(value=value)[_within(base, levels)]
    wide = rows.pivot_table(index="family", columns="month", values="value", aggfunc="sum")
    names = sorted(wide.index, key=lambda name: (name == schema.UNASSIGNED, name))
    total = wide.sum(min_count=1).to_frame(schema.COMPANY_LABEL).T
    every = sorted(base["month"].unique())
    wide = wide.loc[[name for name in names if len(names) > 1 or name != schema.UNASSIGNED]]
    return pd.concat([total, wide]).reindex(columns=every)


def _within(base: pd.DataFrame, levels: dict[str, str]) -> np.ndarray:
    inside = np.ones(len(base), dtype=bool)
    for name, member in levels.items():
        inside &= (base[name] == member).to_numpy(dtype=bool) | (member == schema.ALL)
    return inside


def frozen_until(tables: dict, levels: dict[str, str]) -> dict[tuple, str]:
    """The first month that may be changed, by family (and company) and month wholly frozen."""
    base, cycle = tables["base"], tables["cycle"]
    rows = base.loc[_within(base, levels), ["family", "month", "frozen_months"]]
    rows = pd.concat([rows, rows.assign(family=schema.COMPANY_LABEL)])
    least = rows.groupby(["family", "month"])["frozen_months"].min()
    frozen = least[
        least > months.number(least.index.get_level_values("month")) - months.number(cycle)
    ]
    return {cell: months.label(months.shift(cycle, int(n))) for cell, n in frozen.items()}


def preview(tables: dict, rows: pd.DataFrame) -> dict:
    """What changes would do, beside the plan with the overrides entered so far.

    Parameters
    ----------
    tables : dict
        From ``load``.
    rows : DataFrame
        Changes, from ``row`` and ``signed``; the later one wins a cell.

    Returns
    -------
    dict
        ``value`` of each row of the plan, common unit; ``changes``: the rows with ``subject``,
        ``asked``, ``before``, ``after``, ``change``, ``change_value`` (missing without a price),
        ``series`` moved, ``state`` and ``finding``; ``total`` of all that moves, ``series`` that
        move, ``hours`` that change, and ``notes`` on other overrides.
    """
    rows = rows.drop_duplicates([*_CELL, "author"], keep="last")
    base, was = tables["base"], tables["value"]
    alive, value, effects = _applied(tables, rows)
    own, others = effects.tail(len(rows)), effects.head(len(effects) - len(rows))
    price = base["unit_price_value"] / base["factor"].where(base["factor"] > 0)
    moved = base[schema.SERIES_MONTH].assign(before=was, after=value, change=value - was)
    moved["change_value"] = moved["change"] * price.to_numpy()
    is_moved = moved["change"].abs().to_numpy() > 1e-9
    made = []
    for (_, one), effect in zip(rows.iterrows(), own.to_dict("records"), strict=True):
        inside = _within(base, {name: one[name] for name in schema.LEVELS})
        inside &= (base["month"] == one["month"]).to_numpy(dtype=bool)
        sums = moved.loc[inside, ["before", "after", "change"]].sum()
        here = moved[inside & is_moved]
        said = {name: effect[name] for name in ("asked", "state", "finding", "month", "reason")}
        said |= {name: one[name] for name in ("family", "author")}
        named = [one[name] for name in schema.LEVELS if one[name] != schema.ALL]
        said |= {"subject": ", ".join(named) or "The whole company", "series": len(here)}
        made.append({**said, **sums, "change_value": here["change_value"].sum(skipna=False)})
    counted = overrides.alive(tables["entered"], cycle=tables["cycle"])[[*_CELL, "author"]]
    mine = pd.MultiIndex.from_frame(rows[[*_CELL, "author"]])
    gone = pd.MultiIndex.from_frame(counted).isin(mine)
    known = dict(zip(_keys(tables["effects"]), tables["effects"]["finding"], strict=True))
    news = zip(_keys(others), others["finding"], strict=True)
    notes = [
        f"{key}: {text or 'nothing stands against it now'}"
        for key, text in news
        if known.get(key) != text
    ]
    notes += [f"{key}: replaced by the new one" for key in _keys(tables["effects"][gone])]
    return {
        "value": value,
        "changes": pd.DataFrame(made, columns=_CHANGES),
        "total": moved.loc[is_moved, ["change", "change_value"]].sum(skipna=False),
        "series": moved[is_moved].sort_values("change", key=abs, ascending=False, kind="stable"),
        "hours": _hours(tables, moved[is_moved], base.loc[is_moved, "factor"]),
        "notes": notes,
    }


def _keys(effects: pd.DataFrame) -> list[str]:
    """Each override in words: who, what, where, when."""
    return [
        f"{one['author']}'s {one['kind']} of {one['subject']} in {months.label(one['month'])}"
        for one in effects.to_dict("records")
    ]


def _hours(tables: dict, moved: pd.DataFrame, factor: pd.Series) -> pd.DataFrame:
    """Hours that the change of demand adds to each resource's load."""
    units = moved[["item", "month"]]
    scale = 1.0 / factor.where(factor > 0, 1.0)
    before, after = (units.assign(quantity=moved[name] * scale) for name in ("before", "after"))
    load = tables["load"]
    hours = load[["resource", "month", "regular_hours", "overtime_hours"]]
    table = capacity.resource_load(after, before, tables["bills"], hours)
    change = table["load_hours"] - table["wanted_hours"]
    # left: the load has the keys of the hours
    told = hours.merge(load[["resource", "month", "load_hours"]], how="left", validate="1:1")
    told = told.rename(columns={"load_hours": "before"}).assign(change=change.to_numpy())
    told["after"] = (told["before"] + told["change"]).clip(lower=0.0)
    regular = told["regular_hours"].where(told["regular_hours"] > 0)
    told["before_rate"], told["after_rate"] = told["before"] / regular, told["after"] / regular
    told["beyond"] = (told["after"] - told["regular_hours"] - told["overtime_hours"]).clip(lower=0)
    told = told[told["change"].abs() >= _SEEN]
    return told.sort_values(["after_rate", "month"], ascending=[False, True], ignore_index=True)


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
    if author in ("", _NOBODY):
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


def view(tables: dict, seen: dict) -> list[exhibits.Exhibit]:
    """What the explorer shows for changes not kept yet, from ``preview``: words and two tables."""
    if seen["changes"].empty:
        count = int(tables["effects"]["state"].ne("refused").sum())
        known = "no override counts yet" if not count else f"overrides that count: {count}"
        refused = len(tables["effects"]) - count
        known += f"; refused: {refused}, see page 03" if refused else ""
        lines = [f"Nothing is changed. In the plan shown, {known}."]
        if set(tables["base"]["family"]) == {schema.UNASSIGNED}:
            lines.append("No item has a family: the whole company alone can be changed here.")
        return list(map(exhibits.note, lines))
    hours, unit = seen["hours"], tables["unit"]
    heads = {"item": "Item", "location": "Location", "channel": "Channel", "month": "Month"}
    gaps = {"before": "Before", "after": "After", "change": "Difference"}
    sizes = {"before": "quantity", "after": "quantity", "change": "signed_quantity"}
    rates = {"before_rate": "Of regular, before", "after_rate": "Of regular, after"}
    missing = "No hours change: what moves takes none of a resource in the months planned."
    if tables["load"].empty:
        missing = "No resources are given, so no hours can be told: data/raw/resources.csv."
    return [
        *map(exhibits.note, sentences(tables, seen)),
        *map(exhibits.note, past_skill(tables["touches"], seen["changes"], tables["currency"])),
        exhibits.table(
            seen["series"],
            caption=f"The ten series that move most, {unit}",
            columns=heads | gaps,
            kinds=sizes | {"month": "month"},
            rows=10,
            missing="No series moves.",
        ),
        exhibits.table(
            hours,
            caption="Hours that change: the plan's load, and with the change of demand",
            columns={"resource": "Resource", "month": "Month", **gaps, **rates},
            kinds=sizes | dict.fromkeys(rates, "rate") | {"month": "month"},
            missing=missing,
            row_classes=(hours["beyond"] > 0).map({True: "alert", False: ""}),
        ),
    ]


def lacking(rows: pd.DataFrame, author: str, reason: str, text: str) -> str:
    """What a person must still say before changes can be kept; empty if nothing."""
    if rows.empty:
        return "Nothing is changed, so nothing can be kept."
    if not text.strip() and (not reason or reason == REASONS[-1]):
        return "Say why: choose a reason, or write one."
    return "" if author.strip() else "Say who you are: the author's name is missing."


def taken_back(tables: dict, kept: pd.DataFrame) -> pd.DataFrame:
    """The row that puts a cell back: the author's word before, else a change of nothing.

    Parameters
    ----------
    tables : dict
        As they were before the row was kept.
    kept : DataFrame
        One row that was kept.
    """
    before = overrides.alive(tables["overrides"], cycle=tables["cycle"])
    # inner: the same author's word on the same cell
    own = before.merge(kept[[*_CELL, "author"]], how="inner", validate="one_to_one")
    if len(own):
        return _typed(own, tables["overrides"])
    none = {"kind": "add", "quantity": 0.0, "rate": np.nan, "is_locked": False}
    back = kept.assign(**none, reason="taken back: " + kept["reason"])
    return _typed(back, tables["overrides"])


def explorer(
    workspace: str | Path, cycle: pd.Timestamp, keep: Callable[..., Path] | None = None
) -> widgets.VBox:
    """The grid as one widget; only Keep, and Undo after it, write: one further file each time.

    Parameters
    ----------
    workspace : str or Path
        Folder that holds ``data/raw``.
    cycle : Timestamp
        A cycle whose demand step has been run; where it has not, the explorer says so.
    keep : callable, optional
        What writes the rows: ``store.add`` where it is left out.
    """
    try:
        tables = load(workspace, cycle)
    except months.UsageError as error:
        return widgets.VBox([widgets.HTML(_LOOK + exhibits.note(str(error)).html)])
    closed = store.kept_closed(Path(workspace).resolve(), cycle).get("demand_review")
    after = f"demand_review is {closed.said}: it counts when reopened." if closed else _NEXT
    span = sorted(tables["base"]["month"].unique())
    own = _controls(tables, span)
    buttons = {name: widgets.Button(description=name) for name in _BUTTONS}
    sheet, told, shown = (
        widgets.GridBox(layout={"overflow": "auto"}),
        widgets.HTML(),
        widgets.HTML(),
    )
    now = {"tables": tables, "rows": tables["overrides"].iloc[:0], "kept": [], "is_drawn": False}
    cells: dict[tuple, widgets.FloatText] = {}

    def levels(family: str) -> dict[str, str]:
        named = {"family": schema.ALL if family == schema.COMPANY_LABEL else family}
        return named | {level: name for level, name in (own["place"].value, own["channel"].value)}

    def why() -> str:
        words = ": ".join(filter(None, [own["reason"].value, own["text"].value.strip()]))
        return words.removeprefix(f"{REASONS[-1]}: ")

    def signed_rows(rows: pd.DataFrame) -> pd.DataFrame:
        by = {"is_locked": own["lock"].value, "expires": own["expires"].value}
        return signed(rows, own["author"].value, why(), **by)

    def redraw(_change: object = None) -> None:
        seen, words = preview(now["tables"], signed_rows(now["rows"])), []
        is_refused = seen["changes"]["state"].eq("refused").to_numpy(dtype=bool)
        if is_refused.any():
            words = sentences(now["tables"], seen | {"changes": seen["changes"][is_refused]})
            now["rows"] = now["rows"][~is_refused]
            seen = preview(now["tables"], signed_rows(now["rows"]))
        fill(seen["value"])
        parts = [*map(exhibits.note, words[: is_refused.sum()]), *view(now["tables"], seen)]
        shown.value = _LOOK + "".join(part.html for part in parts)

    def fill(value: np.ndarray) -> None:
        table = grid(now["tables"], value, levels(schema.COMPANY_LABEL))
        frozen = frozen_until(now["tables"], levels(schema.COMPANY_LABEL))
        digits = 0 if table.to_numpy().max() >= _WHOLE else 2
        pending = set(now["rows"][_CELL].itertuples(index=False, name=None))
        now["is_drawn"] = True  # what is set here, nobody has written
        for (family, month), cell in cells.items():
            amount = table[month].get(family, np.nan)
            cell.value = round(float(np.nan_to_num(amount)), digits)
            named = levels(family)
            begins = frozen.get((family, month), "")
            cell.disabled = bool(np.isnan(amount) or family == schema.UNASSIGNED or begins)
            said = f" is frozen: changes begin with {begins}" if begins else ""
            cell.tooltip = cell.description + said
            is_changed = (*(named.get(x, schema.ALL) for x in schema.LEVELS), month) in pending
            (cell.add_class if is_changed else cell.remove_class)("changed")
        now["is_drawn"] = False

    def change(kind: str, amount: float, family: str, month: pd.Timestamp) -> None:
        more = row(now["tables"], kind, amount, month, **levels(family))
        if why() not in (
            "",
            REASONS[-1],
        ):  # the reason that stands is that of the changes made so far
            now["rows"] = now["rows"].assign(reason=now["rows"]["reason"].fillna(why()))
        rows = pd.concat([now["rows"], more]).drop_duplicates(_CELL, keep="last")
        now["rows"], told.value = rows.reset_index(drop=True), ""
        redraw()

    def written(family: str, month: pd.Timestamp, event: dict) -> None:
        if not now["is_drawn"]:
            own["family"].value, own["month"].value = family, month
            change("set", event["new"], family, month)

    def lay_out(_change: object = None) -> None:
        part = span[own["months"].value :][:_ACROSS]
        names = grid(tables, tables["value"], {}).index
        head = [
            widgets.Label(tables["unit"].capitalize()),
            *map(widgets.Label, map(months.label, part)),
        ]
        cells.clear()
        for family in names:
            head.append(widgets.Label(family))
            for month in part:
                cell = widgets.FloatText(description=f"{family} {months.label(month)}")
                cell.layout.width = "auto"
                cell.add_class("cell")
                cell.observe(partial(written, family, month), "value")
                cells[family, month] = cell
                head.append(cell)
        sheet.layout.grid_template_columns = f"11em repeat({len(part)}, 5.3em)"
        redraw()
        sheet.children = head

    def put(rows: pd.DataFrame, author: str) -> str:
        """The file that rows were written to; why not where they were not, and empty then."""
        sent = rows.drop(columns=["cycle", "author", "entered_at"])
        try:
            path = (keep or store.add)(workspace, "overrides", sent, cycle=cycle, author=author)
        except (ValueError, OSError) as error:
            told.value = exhibits.note(f"Nothing was written: {error}").html
            return ""
        now["tables"] = with_kept(now["tables"], rows)
        return Path(path).relative_to(Path(workspace).resolve()).as_posix()

    def press_keep(_button: object) -> None:
        reason, author = own["reason"].value, own["author"].value
        told_all = now["rows"]["reason"].notna().all()
        text = why() or " ".join(now["rows"]["reason"][:1]) if told_all else own["text"].value
        missing = lacking(now["rows"], author, reason, text)
        if missing:
            told.value = exhibits.note(missing).html
            return
        rows = signed_rows(now["rows"])
        back = [taken_back(now["tables"], rows.iloc[[k]]) for k in range(len(rows))]
        file = put(rows, rows["author"].iloc[0])
        if file:
            now["kept"] += back
            now["rows"] = now["rows"].iloc[:0]
            own["lock"].value = False  # the next change has its own
            for name in ("reason", "text", "expires"):
                own[name].value = ""
            told.value = exhibits.note(f"Written to {file}: {after}").html
            redraw()

    def press_undo(_button: object) -> None:
        told.value = ""
        if len(now["rows"]):
            now["rows"] = now["rows"].iloc[:-1]
        elif now["kept"]:
            back = now["kept"][-1]
            file = put(back, back["author"].iloc[0])
            if file:
                now["kept"].pop()
                told.value = exhibits.note(f"Taken back by a further entry, {file}: {after}").html
        else:
            told.value = exhibits.note("There is nothing to take back.").html
        redraw()

    def press_discard(_button: object) -> None:
        now["rows"], told.value = now["rows"].iloc[:0], ""
        redraw()

    def press_enter(_button: object) -> None:
        change(own["kind"].value, own["amount"].value, own["family"].value, own["month"].value)

    own["months"].observe(lay_out, "value")
    for name in ("place", "channel", "reason", "text", "author", "expires", "lock"):
        own[name].observe(redraw, "value")
    presses = (press_enter, press_keep, press_undo, press_discard)
    for button, press in zip(buttons.values(), presses, strict=True):
        button.on_click(press)
    lay_out()
    enter, *others = buttons.values()
    parts = [*own.values()]
    lines = [parts[:3], [*parts[3:7], enter], parts[7:], others]
    first, *rest = [widgets.HBox(line, layout={"flex_flow": "row wrap"}) for line in lines]
    box = widgets.VBox([first, sheet, *rest, told, shown])
    box.add_class("sopkit")
    return box


def _controls(tables: dict, span: list[pd.Timestamp]) -> dict[str, widgets.Widget]:
    """What is chosen, in the order in which it stands."""
    base, look = tables["base"], {"style": {"description_width": "6em"}}
    rooms = {"months": "20em", "kind": "14em", "month": "14em", "text": "27em", "reason": "23em"}

    def made(kind: type, name: str, word: str, **more: object) -> widgets.Widget:
        layout = {"width": rooms.get(name, "20em")}
        return kind(description=word, layout=layout, **look, **more)

    def choice(name: str, word: str, options: list) -> widgets.Widget:
        return made(widgets.Dropdown, name, word, options=options)

    def members(every: str, *levels: str) -> list[tuple]:
        known = [(level, name) for level in levels for name in sorted(set(base[level]))]
        known = [pair for pair in known if pair[1] not in (schema.ALL, schema.UNASSIGNED)]
        return [(every, (levels[0], schema.ALL)), *((f"{a} {b}", (a, b)) for a, b in known)]

    def labelled(every: list) -> list[tuple]:
        return [(months.label(month), month) for month in every]

    starts = range(0, len(span), _ACROSS)
    words = [labelled(span[first:][:_ACROSS]) for first in starts]
    parts = [(f"{part[0][0]} to {part[-1][0]}", k) for part, k in zip(words, starts, strict=True)]
    families = grid(tables, tables["value"], {}).index.drop(schema.UNASSIGNED, errors="ignore")
    ends = labelled([months.shift(tables["cycle"], k) for k in range(_EXPIRY + 1)])
    reasons = [("choose a reason", ""), *((reason, reason) for reason in REASONS)]
    return {
        "place": choice("place", "Place", members("all places", "region", "location")),
        "channel": choice("channel", "Channel", members("all channels", "segment", "channel")),
        "months": choice("months", "Months", parts),
        "family": choice("family", "Change", list(families)),
        "month": choice("month", "in", labelled(span)),
        "kind": choice("kind", "How", KINDS),
        "amount": made(widgets.FloatText, "amount", "Amount"),
        "reason": choice("reason", "Reason", reasons),
        "text": made(widgets.Text, "text", "In words", continuous_update=False),
        "author": made(widgets.Text, "author", "Your name", continuous_update=False),
        "expires": choice("expires", "Last cycle", [("does not expire", ""), *ends]),
        "lock": made(widgets.Checkbox, "lock", "Lock: nothing else moves it", indent=False),
    }
