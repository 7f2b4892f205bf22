"""A department's workbook out, with the last run's numbers, and in again, with a receipt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sopkit import contract, filled, months, receipts, schema, store, templates
from sopkit.demand import hierarchy
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
        One of ``company.yml``, if any stands there.
    cycle : Timestamp, optional
        Left out: the last one that was run.
    path : Path, optional
        Workbook to write; left out: ``<department>_<cycle>.xlsx`` here.
    written_at : Timestamp, optional
        When, in UTC; left out: now.

    Raises
    ------
    UsageError
        If the department is unknown, no run is there, or the file exists already.
    """
    root = store.open_workspace(workspace)
    name = " ".join(department.split())
    known = list(store.company(root)["departments"].iloc[0])
    if known and name not in known:
        hint = contract.nearest(name, known)
        raise UsageError(f"no department {name!r} in company.yml. {hint}")
    ran = store.cycles(root)
    if not ran and cycle is None:
        raise UsageError("no cycle has been run, so there is nothing to show. Run: sopkit run")
    cycle = cycle if cycle is not None else ran[-1]
    target = path or Path(f"{store.file_word(name)}_{months.label(cycle)}.xlsx")
    if target.exists():
        raise UsageError(
            f"{target} exists already, perhaps filled in. Choose another with -o FILE."
        )
    now = written_at if written_at is not None else pd.Timestamp.now(tz="UTC").tz_localize(None)
    templates.write(target, _base(root, name, cycle, now))
    return target


def _base(
    root: Path, department: str, cycle: pd.Timestamp, now: pd.Timestamp, levels=None
) -> templates.Base:
    """What is shown: forecast, last year and last plan by family, and the forecast by series."""
    tables = store.inputs(root, "demand_review", cycle)
    company, items = tables["company"].iloc[0], tables["items"]
    forecast = store.read(root, "forecast", cycle)[[*schema.SERIES_MONTH, "quantity"]]
    said = tables["submissions"]
    levels = levels or _spoken(said[said["department"] == department])
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
    )


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
        If there is no such file, or the author has no name.
    """
    root = store.open_workspace(workspace)
    name = " ".join(author.split())
    store.file_word(name)
    if not path.is_file():
        raise UsageError(f"there is no file {path}.")
    said = filled.read(path, store.company(root)["frozen_months"].iloc[0])
    before = store.raw_table(root, "submissions", said.cycle)
    before = before[(before["department"] == said.department) & (before["cycle"] == said.cycle)]
    taken = _against(said, before, name)
    taken = _beside_forecast(root, said, taken)
    rows, added = said.table(), None
    if said.is_unchanged and len(before):
        said.notes.append("What this department had submitted before for this cycle still counts.")
    if len(taken) or said.is_unchanged:
        columns = [c for c in schema.RAW["submissions"].column_names if c in rows]
        added = store.add(
            root, "submissions", rows[columns], cycle=said.cycle, author=name, entered_at=entered_at
        )
    shown = str(added.relative_to(root)) if added else ""
    page = receipts.page(said, taken, name, path.name, shown)
    words = [store.file_word(word) for word in (said.department, name)]
    receipt = "_".join([*words, store.file_hash(path)[:12]])
    return Outcome(said, taken, added, store.keep_receipt(root, said.cycle, receipt, page))


def _against(said: filled.Filled, before: pd.DataFrame, author: str) -> pd.DataFrame:
    """Hold each number against what the department has said already for this cycle.

    Somebody else's other number since the template was written is not overwritten; a number at
    another level is not added to. Such cells join those that are refused.
    """
    kept, remarks = [], []
    before = before[before[["quantity", "revenue_value"]].notna().any(axis=1)]
    for row in said.rows:
        there = before[_is_in_month(before, row["month"])]
        same = pd.Series(True, index=there.index)
        touches = same.copy()
        for level in schema.LEVELS:
            own = row.get(level, schema.ALL)
            same &= there[level] == own
            mine = row["of_family"] if level == "family" else own
            touches &= (there[level] == mine) | (there[level] == schema.ALL) | (mine == schema.ALL)
        same &= there["month"].notna() & there["quantity"].notna()
        other, old = there[touches & ~same], there[same]
        what = ", ".join([*_named(row), months.label(row["month"])])
        cell = {name: row[name] for name in ("sheet", "cell", "holds")} | {"what": what}
        if len(other):
            first = other.iloc[0]
            why = f"{said.department} has said {_number_of(first)} for {_name_of(first)} already"
            why += f" (by {first['author']}): the two would add up."
            remedy = "Leave one of them: a number for the same rows as that one replaces it."
            said.refused.append(cell | {"why": why, "remedy": remedy})
            continue
        remark = ""
        if len(old):
            then = old.iloc[0]
            differs = abs(then["quantity"] - row["quantity"]) > 1e-6
            is_later = pd.notna(then["entered_at"]) and then["entered_at"] > said.written_at
            if differs and is_later and then["author"] != author:
                why = f"{then['author']} has submitted {then['quantity']:,.6g} for it since this "
                why += f"template was written; this workbook says {row['quantity']:,.6g}."
                remedy = "Agree on one number, then submit a new template."
                said.refused.append(cell | {"why": why, "remedy": remedy})
                continue
            if differs:
                remark = f"in place of {then['quantity']:,.6g}"
                remark += f" by {then['author']}" if isinstance(then["author"], str) else ""
        kept.append(row)
        remarks.append(remark)
    said.rows = kept
    taken = pd.DataFrame(kept, columns=filled.TAKEN)
    return taken.assign(what=[", ".join(_named(row)) for row in kept], remark=remarks)


def _named(row: dict) -> list[str]:
    return [row[level] for level in templates.KEY_LEVELS if row[level] != schema.ALL]


def _is_in_month(rows: pd.DataFrame, month: pd.Timestamp) -> pd.Series:
    """Rows for the month, or for the quarter that holds it."""
    into = months.number(month) - months.number(rows["quarter"])
    return (rows["month"] == month) | into.between(0, 2)


def _number_of(row: pd.Series) -> str:
    if pd.notna(row["quantity"]):
        return f"{row['quantity']:,.6g}"
    return f"money of {row['revenue_value']:,.6g}"


def _name_of(row: pd.Series) -> str:
    named = [row[level] for level in schema.LEVELS if row[level] != schema.ALL]
    when = row["month"] if pd.notna(row["month"]) else row["quarter"]
    word = "" if pd.notna(row["month"]) else "quarter from "
    return ", ".join([*named, word + months.label(when)])


def _beside_forecast(root: Path, said: filled.Filled, taken: pd.DataFrame) -> pd.DataFrame:
    """Say where the forecast moved since the template was written."""
    try:
        base = _base(root, said.department, said.cycle, said.written_at, said.levels)
    except UsageError:  # the cycle's tables are not there any more
        said.notes.append("The forecast of the cycle is not there to compare with.")
        return taken
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
    both = pd.concat(parts)
    # left: a row whose key is gone from the forecast keeps its number
    now = taken.merge(both, on=[*templates.KEY_LEVELS, "month"], how="left", validate="m:1")
    moved = (now["forecast"] - now["base"]).abs() > 1e-3
    remarks = [
        "; ".join(filter(None, (remark, f"forecast now {amount:,.6g}" if is_moved else "")))
        for remark, amount, is_moved in zip(taken["remark"], now["forecast"], moved, strict=True)
    ]
    return taken.assign(remark=remarks)
