"""A department's workbook out, with the last run's numbers, and in again, with a receipt."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from sopkit import contract, filled, months, publication, receipts, schema, steps, store, templates
from sopkit.demand import consensus, hierarchy, nesting, submissions
from sopkit.months import UsageError

_LEVELS = ["family", "location", "channel"]  # a department's first sheet may be by


@dataclass(frozen=True)
class Outcome:
    """What became of a handed-in workbook; ``added`` is None where nothing was taken."""

    filled: filled.Filled
    taken: pd.DataFrame
    added: Path | None
    receipt: Path


def template(
    workspace: str | Path,
    department: str,
    *,
    cycle: pd.Timestamp | None = None,
    path: Path | None = None,
    written_at: pd.Timestamp | None = None,
) -> Path:
    """Write a department's workbook from the last run of a cycle.

    Parameters
    ----------
    workspace : str or Path
        Folder that holds ``data/raw``.
    department : str
        One of ``company.yml``, if any stands there, in any case.
    cycle : Timestamp, optional
        Left out: the last one that was run.
    path : Path, optional
        Workbook to write; left out: ``<department>_<cycle>.xlsx`` here.
    written_at : Timestamp, optional
        When, in UTC; left out: now.

    Returns
    -------
    Path
        The workbook, from the root on.

    Raises
    ------
    UsageError
        If the department is unknown, no run is there, or the file exists already.
    """
    root = store.open_workspace(workspace)
    ran = publication.cycles(root)
    if not ran and cycle is None:
        raise UsageError("no cycle has been run, so there is nothing to show. Run: sopkit run")
    cycle = cycle if cycle is not None else ran[-1]
    known = list(store.company(root)["departments"].iloc[0])
    name = _own_name(department, known, store.raw_table(root, "submissions", cycle))
    if known and name not in known:
        hint = contract.nearest(name, known)
        raise UsageError(f"no department {name!r} in company.yml. {hint}")
    target = (path or Path(f"{store.file_word(name)}_{months.label(cycle)}.xlsx")).absolute()
    if target.exists():
        raise UsageError(
            f"{target} exists already, perhaps filled in. Choose another with -o FILE."
        )
    now = written_at if written_at is not None else pd.Timestamp.now(tz="UTC").tz_localize(None)
    tables = store.inputs(root, "demand_review", cycle)
    forecast = _shown(root, cycle)
    said = tables["submissions"]
    said = said[said["department"] == name]
    base = _base(tables, forecast, name, cycle, now, _spoken(said))
    stands, also = _standing(said[said["cycle"] == cycle], base)
    templates.write(target, replace(base, stands=stands, also_stands=also))
    return target


def _own_name(department: str, known: list[str], said: pd.DataFrame) -> str:
    """A department's name as company.yml, else `submissions`, has it, whatever case it comes in."""
    name = " ".join(department.split())
    names = known or list(said["department"].unique())
    return next((own for own in names if own.casefold() == name.casefold()), name)


def _shown(root: Path, cycle: pd.Timestamp) -> pd.DataFrame:
    """The forecast with its events, which departments are compared with."""
    plan = store.read(root, "demand_plan", cycle)
    return plan[schema.SERIES_MONTH].assign(quantity=consensus.with_events(plan))


def _base(tables, forecast, department, cycle, now, levels) -> templates.Base:
    """What is shown: forecast, last year and last plan by family, and the forecast by series."""
    company, items = tables["company"].iloc[0], tables["items"]
    forecast = forecast[[*schema.SERIES_MONTH, "quantity"]]
    history, last = tables["demand_history"], tables["ledger_demand_plan"]
    past = history.assign(
        month=months.from_number(months.number(history["month"]) + 12), last_year=history["demand"]
    )
    last = last[last["cycle"] == last["cycle"].max()].rename(columns={"consensus": "last_plan"})
    shown = {
        "forecast": forecast.rename(columns={"quantity": "forecast"}),
        "last_year": past,
        "last_plan": last,
    }
    key = [*levels, "month"]
    wide = None
    for name, frame in shown.items():
        whole = frame[[*schema.SERIES_MONTH, name]].astype({name: "float64"})
        common = hierarchy.with_levels(hierarchy.in_planning_units(whole, items), items)
        summed = hierarchy.aggregate(common, key, [name])
        # left: only months and keys of the forecast are shown
        wide = summed if wide is None else wide.merge(summed, on=key, how="left", validate="1:1")
    series = hierarchy.with_levels(shown["forecast"], items)
    about = forecast[["item"]].drop_duplicates()
    about = about.assign(
        description=schema.lookup(about["item"], items, "description"),
        unit=schema.lookup(about["item"], items, "unit"),
    )
    priced = forecast.merge(tables["money_rates"], on=schema.SERIES, how="left", validate="m:1")
    priced = hierarchy.with_levels(priced, items)
    priced = priced[priced["unit_price_value"].notna()]
    common = priced["quantity"] * hierarchy.factors(priced["item"], items)
    money = (priced["quantity"] * priced["unit_price_value"]).groupby(priced["family"]).sum()
    units = common.groupby(priced["family"]).sum()
    return templates.Base(
        department=department,
        cycle=cycle,
        written_at=now,
        company=company["name"],
        currency=company["currency"],
        unit=company["planning_unit"],
        frozen=company["frozen_months"],
        levels=levels,
        families=wide,
        items=series[[*schema.SERIES, "family", "month", "forecast"]],
        about_items=about,
        prices=money / units.where(units > 0),
        due=steps.due_day(tables, cycle),
    )


def _standing(said: pd.DataFrame, base: templates.Base) -> tuple[dict, list[str]]:
    """A department's numbers in force: those that a cell can hold, and the others in words."""
    families = base.families.drop_duplicates(base.levels)[base.levels]
    cells = {}  # key of `submissions` by which a cell's number is entered: sheet, key of the sheet
    for sheet, frame in ((templates.FAMILIES, families), (templates.ITEMS, base.items)):
        is_item = sheet == templates.ITEMS
        frame = frame.drop_duplicates([n for n in templates.KEY_LEVELS if n in frame])
        for row in frame.to_dict("records"):
            place = tuple(row.get(level, schema.ALL) for level in templates.KEY_LEVELS)
            cells[_key(row | ({"family": schema.ALL} if is_item else {}))] = sheet, place
    stands, also = {}, defaultdict(list)
    for row in submissions.in_force(said).to_dict("records"):
        sheet, place = cells.get(_key(row), ("", ()))
        if sheet and pd.notna(row["quantity"]) and row["month"] in base.span:
            stands[sheet, place, row["month"]] = row["quantity"]
        else:
            head, _, words = submissions.in_words(row).rpartition(", ")
            also[head].append(words)
    return stands, [f"{head}, {'; '.join(words)}" for head, words in also.items()]


def _key(row: dict) -> tuple:
    return tuple(row.get(level, schema.ALL) for level in schema.LEVELS)


def _spoken(said: pd.DataFrame) -> list[str]:
    """Levels that a department spoke at when it last submitted by family: it goes on like that."""
    by_family = said[(said["family"] != schema.ALL) & (said["item"] == schema.ALL)]
    latest = by_family[by_family["cycle"] == by_family["cycle"].max()]
    return ["family", *(n for n in _LEVELS[1:] if len(latest) and latest[n].ne(schema.ALL).any())]


def submit(
    workspace: str | Path, path: Path, *, author: str, entered_at: pd.Timestamp | None = None
) -> Outcome:
    """Take a filled-in workbook: add what is good, list what is not, write the receipt.

    Parameters
    ----------
    workspace : str or Path
        Folder that holds ``data/raw``.
    path : Path
        The workbook.
    author : str
        Who hands it in.
    entered_at : Timestamp, optional
        When, in UTC; left out: now.

    Raises
    ------
    SourceError
        If it is no workbook that ``template`` wrote.
    UsageError
        If there is no such file, the author has no name, or the cycle's plan is approved.
    """
    root = store.open_workspace(workspace)
    name = " ".join(author.split())
    store.file_word(name)
    if not path.is_file():
        raise UsageError(f"there is no file {path}.")
    now = entered_at if entered_at is not None else pd.Timestamp.now(tz="UTC").tz_localize(None)
    company = store.company(root)
    said = filled.read(path, company["frozen_months"].iloc[0])
    store.require_unapproved(root, said.cycle, f"{path.name} was not taken")
    before = store.raw_table(root, "submissions", said.cycle)
    said.department = _own_name(said.department, company["departments"].iloc[0], before)
    before = before[(before["department"] == said.department) & (before["cycle"] == said.cycle)]
    taken = _beside_plan(root, said, _against(said, before, name), before, now)
    rows, added = said.table(), None
    columns = [c for c in schema.RAW["submissions"].column_names if c in rows]
    agreed = before[before["is_unchanged"].fillna(False).astype(bool)]["entered_at"]
    if len(taken) or (said.is_unchanged and agreed.empty):
        added = store.add(
            root, "submissions", rows[columns], cycle=said.cycle, author=name, entered_at=now
        )
    if said.is_unchanged and len(agreed):
        when = f" on {agreed.max():%Y-%m-%d}" if agreed.notna().any() else ""
        said.notes.append(f"“No change” was said{when} already, so nothing was added.")
    _remark(said, before, taken, steps.due_day({"company": company}, said.cycle), now)
    shown = str(added.relative_to(root)) if added else ""
    page = receipts.page(said, taken, name, now, path.name, shown)
    words = [store.file_word(word) for word in (said.department, name)]
    receipt = "_".join([*words, f"{now:%Y-%m-%dT%H%M%SZ}"])
    return Outcome(said, taken, added, store.keep_receipt(root, said.cycle, receipt, page))


def _remark(said, before, taken, due: pd.Timestamp | None, now: pd.Timestamp) -> None:
    """What else the receipt must say: what goes on counting, and whether it was in time."""
    stands = submissions.in_force(before)
    if said.is_unchanged and len(stands):
        said.notes.append("What this department had submitted before for this cycle still counts.")
    withdrawn = taken["is_withdrawn"].sum()
    if withdrawn and withdrawn == len(taken) == len(stands):
        said.notes.append(
            f"No number of {said.department} stands for this cycle now: if it agrees with the "
            f"forecast, write yes beside “{templates.NO_CHANGE}”."
        )
    if due is not None:
        timing = "late" if now.normalize() > due else "in time"
        said.notes.append(f"Handed in on {now:%Y-%m-%d}, {timing}: due by {due:%Y-%m-%d}.")


def _against(said: filled.Filled, before: pd.DataFrame, author: str) -> pd.DataFrame:
    """Hold each cell against what the department has said already for this cycle.

    A number that stands just so already joins those that are left, and keeps the time it came.
    Somebody else's other number since the template was written is not overwritten: such a cell
    joins those that are refused, and where it was left as shown, theirs stays.
    """
    has_word = before["is_withdrawn"].fillna(False) | before["quantity"].notna()
    has_word |= before["revenue_value"].notna()
    there = {(_key(row), row["month"]): row for row in before[has_word].to_dict("records")}
    for row in said.left:
        then = there.get((_key(row), row["month"]), {})
        if not _is_near(_units(then), row["stood"]):
            shown, now_is = _number_of({"quantity": row["stood"]}), _number_of(then) or "withdrawn"
            said.notes.append(
                f"{_named(row)}: the {shown} shown is {now_is} now, by {_author_of(then)}; that "
                "stays. Change it in a new template."
            )
    kept = []
    for row in said.rows:
        then = there.get((_key(row), row["month"]), {})
        was, says = _units(then), row["quantity"]
        if row["is_withdrawn"] and then.get("is_withdrawn") is True:
            said.notes.append(f"{_named(row)}: withdrawn by {_author_of(then)} already.")
            continue
        if says is not None and _is_near(was, says):
            said.left.append(row | {"what": _named(row)})
            continue
        is_new = pd.notna(then.get("entered_at")) and then["entered_at"] > said.written_at
        is_new |= row["stood"] is not None and not _is_near(was, row["stood"])
        if then and is_new and then["author"] != author:
            done = f"submitted {_number_of(then)} for" if _number_of(then) else "withdrawn"
            says = f"says {_number_of(row)}" if _number_of(row) else "withdraws it"
            why = f"{_author_of(then)} has {done} it since this template was written; "
            why += f"this workbook {says}."
            cell = {name: row[name] for name in ("sheet", "cell", "holds")}
            remedy = "Agree on one number, then submit a new template."
            said.refused.append(cell | {"what": _named(row), "why": why, "remedy": remedy})
            continue
        by = f" by {then['author']}" if isinstance(then.get("author"), str) else ""
        replaces = bool(then) and then.get("is_withdrawn") is not True
        word = "was" if row["is_withdrawn"] else "in place of"
        remark = f"{word} {_number_of(then)}{by}" if replaces else ""
        kept.append(row | {"what": _named(row, ""), "remark": remark, "replaces": replaces})
    said.rows = kept
    return pd.DataFrame(kept, columns=[*filled.TAKEN, "what", "remark", "replaces"])


def _is_near(one: float | None, other: float | None) -> bool:
    return one is other or (None not in (one, other) and abs(one - other) <= 1e-3)


def _units(then: dict) -> float | None:
    """The number in force in units, if there is one."""
    is_given = pd.notna(then.get("quantity")) and then.get("is_withdrawn") is not True
    return then["quantity"] if is_given else None


def _author_of(then: dict) -> str:
    return then["author"] if isinstance(then.get("author"), str) else "somebody"


def _named(row: dict, month: str = "%Y-%m") -> str:
    named = [row[level] for level in templates.KEY_LEVELS if row[level] != schema.ALL]
    return ", ".join([*named, *([f"{row['month']:{month}}"] if month else [])])


def _number_of(row: dict) -> str:
    """A row's number in words; empty where it holds none or was withdrawn."""
    return "" if row.get("is_withdrawn") is True else submissions.number_in_words(row)


def _beside_plan(root: Path, said, taken: pd.DataFrame, before, now) -> pd.DataFrame:
    """Lay the numbers on the plan: what holds what, what crosses, and where the forecast moved."""
    try:
        tables = store.inputs(root, "demand_review", said.cycle)
        forecast = _shown(root, said.cycle)
    except UsageError:  # the cycle's tables are not there any more
        said.notes.append("The forecast of the cycle is not there to compare with.")
        return taken
    base = _base(tables, forecast, said.department, said.cycle, said.written_at, said.levels)
    taken = _held(said, taken, before, tables, forecast, now)
    if base.mark == said.base or taken.empty:
        return taken
    said.notes.append(
        "The forecast moved since the template was written: the numbers below were made on the "
        "forecast shown there."
    )
    parts = []
    for frame in (base.families, base.items.assign(family=schema.ALL)):
        frame = frame.assign(**{n: schema.ALL for n in templates.KEY_LEVELS if n not in frame})
        parts.append(frame[[*templates.KEY_LEVELS, "month", "forecast"]])
    # left: a row whose key is gone from the forecast keeps its number
    both = taken[[*templates.KEY_LEVELS, "month", "base"]].merge(
        pd.concat(parts), on=[*templates.KEY_LEVELS, "month"], how="left", validate="m:1"
    )
    moved = (both["forecast"] - both["base"]).abs() > 1e-3
    words = [
        f"forecast now {n:,.6g}" if m else "" for n, m in zip(both["forecast"], moved, strict=True)
    ]
    return taken.assign(remark=_joined(taken["remark"], words))


def _joined(remarks, more) -> list[str]:
    return ["; ".join(filter(None, both)) for both in zip(remarks, more, strict=True)]


def _held(said, taken, before, tables, forecast, now) -> pd.DataFrame:
    """Refuse what crosses an earlier number or covers nothing; say which total holds what."""
    if taken.empty:
        return taken
    own = said.table().assign(entered_at=now)
    own = own.assign(**{level: schema.ALL for level in schema.LEVELS if level not in own})
    own = (
        own.reindex(columns=before.columns)
        .astype(before.dtypes)
        .assign(mark=(taken["sheet"] + "!" + taken["cell"]).to_numpy())
    )
    whole = pd.concat([before.assign(mark=""), own], ignore_index=True)
    whole = whole.drop_duplicates(list(schema.RAW["submissions"].key), keep="last")
    alike = steps.said_alike(tables | {"submissions": whole}, cycle=said.cycle)
    base = steps.plan_base(tables, forecast)
    placed = submissions.placement(alike, base, tables["items"], cycle=said.cycle)[1]
    for row in placed[
        (placed["mark"] == "") & placed["state"].isin([nesting.CROSSES, nesting.UNMET])
    ].to_dict("records"):
        said.notes.append(f"{submissions.in_words(row)}, said before: {row['finding']}.")
    found = placed[placed["mark"] != ""].set_index("mark").to_dict("index")
    kept = []
    for row, mark in zip(taken.to_dict("records"), own["mark"], strict=True):
        now_is = found.get(mark, {"within": "", "state": "", "finding": ""})
        if now_is["state"] in (nesting.CROSSES, nesting.NOTHING):
            cell = {name: row[name] for name in filled.REFUSED[:4]} | {"what": _named(row)}
            remedy = "Say both at one level, or one inside the other."
            said.refused.append(cell | {"why": f"it {now_is['finding']}.", "remedy": remedy})
            continue
        within = f"held within {now_is['within']}" if now_is["within"] else ""
        remark = "; ".join(filter(None, (row["remark"], within, now_is["finding"])))
        kept.append(row | {"remark": remark})
    said.rows = kept
    return pd.DataFrame(kept, columns=taken.columns)
