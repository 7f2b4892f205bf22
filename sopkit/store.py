"""What is read and written under a workspace's ``data/``, and when each row is known.

The only module that knows paths there. Raw tables come checked and typed, cut to what was known in
the cycle (house §4); processed tables are held to their contract on every read and write.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import json
import os
import re
import shutil
import unicodedata
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path

import pandas as pd

from sopkit import (
    across,
    agenda,
    contract,
    months,
    periods,
    receipts,
    rules,
    schema,
    sources,
    stacking,
)
from sopkit.demand import guards
from sopkit.executive import kpis
from sopkit.months import UsageError
from sopkit.reconciliation import goals, levers, scenarios

RAW = Path("data/raw")
PROCESSED = Path("data/processed")
REPORTS = Path("reports")
SCENARIOS = "scenarios"  # a folder of data/raw
RECEIPTS = "receipts"  # a folder of each cycle's reports
RUN = "run.json"
_PENDING = "run.json.new"
_ANY_CYCLE = pd.Timestamp(2199, 12, 1)  # a month after every row
_LEDGER_CYCLES = 36  # past cycles a ledger reaches back
_WHOLE_MONTH_DAYS = 3  # a month is whole if dated sales end no earlier than this before its end


def open_workspace(workspace: str | Path) -> Path:
    """The workspace's folder, after finishing or undoing a publication that was cut in between.

    Raises
    ------
    UsageError
        If it holds no ``data/raw``.
    """
    root = Path(workspace).resolve()
    if not (root / RAW).is_dir():
        raise UsageError(
            f"{root} is no workspace: it has no folder data/raw. "
            f"Make one with: sopkit init {workspace}"
        )
    _recover(root)
    return root


def settings(workspace: Path) -> dict:
    """Content of ``company.yml`` as written; empty where there is none.

    Raises
    ------
    SourceError
        If a setting of ``schema.COMPANY`` has the wrong type.
    """
    path = workspace / RAW / "company.yml"
    given = sources.load_yaml(path) if path.is_file() else {}
    given = {name: value for name, value in given.items() if not rules.is_left_out(name, value)}
    for name in schema.COMPANY.keys() & given.keys():
        objection = rules.objection(name, given[name])
        if objection:
            raise sources.SourceError(f"company.yml: {name}: {objection}")
    return given


def company(workspace: Path, calendar: pd.DataFrame | None = None) -> pd.DataFrame:
    """Settings as a table of one row, defaults filled; `calendar` is read where it is left out."""
    row = {name: setting.default for name, setting in schema.COMPANY.items()}
    row |= {name: value for name, value in settings(workspace).items() if name in row}
    calendar = _load(workspace, "calendar", None)[0] if calendar is None else calendar
    start, shift = months.fiscal_terms(calendar, row["fiscal_year_first_month"])
    row |= {"fiscal_year_first_month": start, "fiscal_year_shift": shift}
    return pd.DataFrame({name: [value] for name, value in row.items()})


def default_cycle(workspace: Path, *, anew: bool = True) -> pd.Timestamp:
    """The month after the last whole month of sales.

    The last month in `sales` is whole unless dated rows end more than three days before it does,
    or ``company.yml`` names an earlier ``last_closed_month``. A database is asked ``anew``.
    """
    if anew:
        _fetch(workspace, None, ["sales", "calendar"])
    sales = _by_period(workspace, "sales", None)[0]
    if sales.empty or sales["month"].isna().all():
        raise contract.ContractError(check(workspace, None))
    last = sales["month"].max()
    end, day = months.last_day(last, _load(workspace, "calendar", None)[0]), sales["date"].max()
    if pd.notna(day) and (end - day).days > _WHOLE_MONTH_DAYS:
        last = months.shift(last, -1)
    limit = settings(workspace).get("last_closed_month")
    if limit is not None:
        last = min(last, months.parse_cycle(limit))
    return months.shift(last, 1)


def _raw_paths(workspace: Path) -> dict[str, Path]:
    found = sources.find(workspace / RAW)
    if "sales" not in found:
        raise sources.SourceError(
            "data/raw holds no sales: sales.csv, sales.xlsx, sales.parquet, or `sales` in "
            "sources.yml. It is the one table sopkit needs: item, month, quantity."
        )
    return found


def _load(
    workspace: Path, name: str, cycle: pd.Timestamp | None
) -> tuple[pd.DataFrame, list[contract.Finding], contract.Source | None]:
    """One raw table, typed, with its findings; from what an earlier check kept, if unchanged.

    A database's table is read from what was fetched last; it is asked only where nothing was.
    """
    path = _raw_paths(workspace).get(name)
    if path is None:
        return contract.empty(name), [], None
    _fetch(workspace, cycle, [name], anew=False)
    kept = _kept(workspace, name, path, cycle)
    note = kept.with_suffix(".json")
    if kept.is_file() and note.is_file():
        content = json.loads(note.read_text(encoding="utf-8"))
        findings = [contract.Finding(**finding) for finding in content["findings"]]
        return pd.read_parquet(kept), findings, contract.Source(**content["source"])
    bound = cycle if path.name == sources.MAPPING else None  # a file is the same in every cycle
    return _checked(path, name, bound, _snapshot(workspace, name, bound), kept.name)


@lru_cache(maxsize=2)
def _checked(path: Path, name: str, cycle: pd.Timestamp | None, snapshot: Path, mark: str) -> tuple:
    """A table read and checked; kept in memory, since a command needs sales more than once."""
    folder = path.parent
    paths = [path] if path.is_file() else []
    parts = []
    for file in [*paths, *sources.added(folder, name)]:
        if file != path and file.suffix == ".xlsx":  # a department's filled-in workbook
            raw, source, refused = sources.read_filled(file)
        else:
            (raw, source), refused = sources.read(file, name, cycle, snapshot), []
        found = contract.check_table(name, raw, source)
        odd = [
            contract.Finding("notice", name, "quantity", why, remedy, 1, f"{where} holds {holds!r}")
            for where, holds, why, remedy in refused
        ]
        parts.append((replace(found, findings=[*found.findings, *odd]), source))
    checked, source = parts[0]
    if len(parts) > 1 or name in schema.ENTERED:  # else one file without doubles
        checked, source = stacking.stack(name, parts)
    return checked.frame, checked.findings, source


def _or_breach(workspace: Path, name: str, cycle: pd.Timestamp | None) -> tuple:
    """As ``_by_period``; a file that cannot be read is a breach of its table, not of all."""
    try:
        return _by_period(workspace, name, cycle)
    except sources.SourceError as error:
        return contract.empty(name), [contract.Finding("breach", name, "", str(error), "")], None


def _by_period(workspace: Path, name: str, cycle: pd.Timestamp | None) -> tuple:
    """As ``_load``, with days of sales in the periods of the company's calendar."""
    frame, findings, source = _load(workspace, name, cycle)
    if name == "sales" and frame["date"].notna().any():
        period = months.of_days(frame["date"], _load(workspace, "calendar", cycle)[0])
        by_day = frame["date"].notna()
        odd = by_day & period.notna() & (frame["month"] != period)
        odd &= frame["month"] != months.floor(frame["date"])  # that one is taken from the date
        if odd.any():
            day, month = period[odd].iloc[0], frame["month"][odd].iloc[0]
            words = (
                f"the day lies in {months.label(day)}, the row's month is {months.label(month)}."
            )
            remedy = f"Leave one of them blank in {source.label}."
            findings = [*findings, contract.at(name, frame, odd, source, "date", words, remedy)]
        frame = frame.assign(month=period.where(by_day, frame["month"]))
    return frame, findings, source


def _kept(workspace: Path, name: str, path: Path, cycle: pd.Timestamp | None) -> Path:
    """Where a checked raw table is kept, named by all it is made from."""
    bound = cycle if cycle is not None else _ANY_CYCLE
    snapshot = _snapshot(workspace, name, cycle)
    mark = sources.fingerprint(workspace / RAW, name, path, bound, snapshot) + code_hash()[:8]
    return workspace / PROCESSED / ".cache" / f"{name}-{mark}.parquet"


def _snapshot(workspace: Path, name: str, cycle: pd.Timestamp | None) -> Path:
    """Where the rows that a database gave for a cycle are kept; without one, of every month."""
    label = months.label(cycle if cycle is not None else _ANY_CYCLE)
    return workspace / PROCESSED / ".cache" / "fetched" / label / f"{name}.parquet"


def _fetch(
    workspace: Path, cycle: pd.Timestamp | None, names: list[str], *, anew: bool = True
) -> None:
    """Ask the company's databases for these tables and keep the rows, all of one state.

    A run sees one state to its end: while it holds the cycle, only what is missing is fetched.
    """
    origins = sources.from_databases(workspace / RAW)
    names = [name for name in names if name in origins]
    paths = {name: _snapshot(workspace, name, cycle) for name in names}
    lacking = [name for name in names if not _is_rows_of(paths[name], origins[name])]
    if not names or not (anew or lacking):
        return
    import filelock

    lock = filelock.FileLock(lock_file(workspace, cycle if cycle is not None else _ANY_CYCLE))
    with contextlib.suppress(filelock.Timeout):
        lock.acquire(timeout=0)
    try:
        wanted = names if anew and lock.is_locked else lacking
        for name, frame in sources.fetch(workspace / RAW, wanted, cycle).items():
            frame.attrs["origin"] = origins[name]
            _write_parquet(frame, paths[name])
            if cycle is not None:  # what is kept for every month must not be older
                of_all = _snapshot(workspace, name, None)
                of_all.unlink(missing_ok=True)
                if "$cycle" not in origins[name]:
                    _write_parquet(frame, of_all)
    finally:
        lock.release()


def _is_rows_of(path: Path, origin: str) -> bool:
    """Whether rows were kept there, and by the SELECT that ``sources.yml`` holds now."""
    return path.is_file() and pd.read_parquet(path, columns=[]).attrs.get("origin") == origin


def _keep(workspace: Path, loaded: dict[str, tuple], cycle: pd.Timestamp) -> None:
    """Keep checked raw tables, so that the steps of a run need not read and check them again."""
    paths = _raw_paths(workspace)
    for name, (frame, findings, source) in loaded.items():
        if source is None or (kept := _kept(workspace, name, paths[name], cycle)).is_file():
            continue
        for old in kept.parent.glob(f"{name}-*"):
            old.unlink(missing_ok=True)
        content = {"findings": [asdict(finding) for finding in findings], "source": asdict(source)}
        _write_parquet(frame, kept)
        _write_text(json.dumps(content), kept.with_suffix(".json"))


def _write_parquet(frame: pd.DataFrame, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    frame.to_parquet(part, index=False)
    part.replace(path)


def _write_text(text: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def raw_tables(
    workspace: Path, cycle: pd.Timestamp, *, anew: bool = True
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame]:
    """Every raw table as known in the cycle, and all findings; databases are asked ``anew``.

    Raises
    ------
    ContractError
        If any finding is a breach.
    """
    if anew:
        _fetch(workspace, cycle, list(schema.RAW))
    _raw_paths(workspace)  # without sales, or with an unreadable sources.yml, nothing can be told
    loaded = {name: _or_breach(workspace, name, cycle) for name in schema.RAW}
    findings = [finding for _, found, _ in loaded.values() for finding in found]
    broken = {name for name, (_, found, _) in loaded.items() if contract.has_breach(found)}
    tables = {name: frame for name, (frame, _, _) in loaded.items()}
    whole = tables | {name: contract.empty(name) for name in broken}
    given = {name: source for name, (_, _, source) in loaded.items() if source is not None}
    given = {name: source for name, source in given.items() if name not in broken}
    terms = company(workspace, whole["calendar"]).iloc[0]
    units = {kpi: unit for kpi, (_, unit, _) in (kpis.DEFINITIONS | goals.DEFINITIONS).items()}
    words = {"kpi": list(units), "step": [step.name for step in agenda.STEPS]}
    findings += across.check_across(whole, given, terms, cycle, words, broken)
    if not broken & {"sales", "calendar"}:
        findings += periods.check_periods(whole, given, terms, cycle)
        silent = terms["unknown_sales"]
        findings += periods.check_sales_months(whole["sales"], cycle, given["sales"], silent)
    if not broken & {"targets", "rates"}:
        findings += goals.check_targets(whole, given, terms, cycle, units)
    findings += levers.check_levers(whole, given)
    if not broken & {"items", "locations", "channels"}:
        findings += guards.check_overrides(whole, given, terms, cycle)
    if not broken & set(scenarios.NAMED_IN):
        findings += _scenarios(workspace, whole, terms, cycle)[1]
    valued = tables if broken & across.MONEY else across.valued(whole, terms, cycle)
    for name in sources.strangers(workspace / RAW):
        stem, kind = Path(name).stem, Path(name).suffix
        if "/" in name:
            findings.append(_stray(name))
            continue
        hint = contract.near(stem, schema.RAW, 0.75) if kind in sources.SUFFIXES else ""
        hint = hint or "sopkit reads .csv, .xlsx and .parquet named after a table: see README.md."
        if stem in schema.RAW:
            hint = f"Save it as {stem}.xlsx or {stem}.csv: {kind or 'this form'} is not read."
        findings.append(contract.Finding("notice", name, "", "a file nobody reads.", hint))
    table = across.findings_table(findings, valued)
    if (table["state"] == "breach").any():
        raise contract.ContractError(table)
    _keep(workspace, loaded, cycle)
    return {name: known(frame, name, cycle) for name, frame in tables.items()}, table


def _stray(name: str) -> contract.Finding:
    """A notice on a file in a table's folder that is not read, or on a folder like a table's."""
    own, _, file = name.partition("/")
    form = ".yml" if own == SCENARIOS else ".csv"
    hint = f"Save it as {form} in data/raw/{own}/, or take it out."
    if not file:
        hint = contract.near(own, [*schema.RAW, SCENARIOS], 0.75)
    what = "a file" if file else "a folder"
    return contract.Finding("notice", name, "", f"{what} nobody reads.", hint)


def check(workspace: Path, cycle: pd.Timestamp | None) -> pd.DataFrame:
    """All findings of the raw tables, breaches first; never raises for what it finds."""
    try:
        cycle = cycle if cycle is not None else _cycle_or_none(workspace)
        return raw_tables(workspace, cycle)[1]
    except contract.ContractError as error:
        return error.findings


def _cycle_or_none(workspace: Path) -> pd.Timestamp:
    """The default cycle; a far month where sales cannot tell, so that all tables are checked."""
    _fetch(workspace, None, ["sales", "calendar"])
    sales, found, _ = _or_breach(workspace, "sales", None)
    if contract.has_breach(found) or sales.empty or sales["month"].isna().all():
        return _ANY_CYCLE
    return default_cycle(workspace, anew=False)


def add(
    workspace: str | Path,
    table: str,
    rows: pd.DataFrame,
    *,
    cycle: pd.Timestamp,
    author: str,
    entered_at: pd.Timestamp | None = None,
) -> Path:
    """Add what a person enters to a raw table, as one new file; nothing is ever overwritten.

    Parameters
    ----------
    workspace : str or Path
        Folder that holds ``data/raw``.
    table : str
        One of ``schema.ENTERED``.
    rows : DataFrame
        Columns of the table; ``cycle``, ``author`` and ``entered_at`` are filled in here.
    cycle : Timestamp
        Month in which the plan is made.
    author : str
        Who says so: a statement, no proof.
    entered_at : Timestamp, optional
        When, in UTC; left out: now.

    Returns
    -------
    Path
        ``data/raw/<table>/<cycle>_<author>_<hash>.csv``.

    Raises
    ------
    UsageError
        If the table is none that people enter, or the author has no name.
    ContractError
        If a row breaks the table's contract; nothing is written then.
    """
    root = open_workspace(workspace)
    if table not in schema.ENTERED:
        hint = contract.nearest(table, schema.ENTERED)
        raise UsageError(f"nobody enters {table!r} through sopkit. {hint}")
    name = " ".join(str(author).split())
    when = entered_at if entered_at is not None else pd.Timestamp.now(tz="UTC")
    when = when.tz_convert("UTC") if when.tz is not None else when
    stamp = when.tz_localize(None).isoformat(timespec="milliseconds") + "Z"
    lines = rows.assign(cycle=cycle, author=name, entered_at=stamp)
    wanted = [column for column in schema.RAW[table].column_names if column in lines]
    lines = lines[[*wanted, *(column for column in lines if column not in wanted)]]
    text = lines.to_csv(index=False, date_format="%Y-%m-%d")
    mark = hashlib.sha256(text.encode()).hexdigest()[:12]
    path = root / RAW / table / f"{months.label(cycle)}_{file_word(name)}_{mark}.csv"
    label = f"data/raw/{table}/{path.name}"
    written = pd.read_csv(io.StringIO(text), dtype="str", keep_default_na=False)
    findings = contract.check_table(table, written, contract.Source(label, 2, "line")).findings
    odd = [f for f in findings if f.state == "breach" or f.message.startswith("the table has no")]
    if odd:
        odd = [replace(finding, state="breach") for finding in odd]
        raise contract.ContractError(across.findings_table(odd, {}))
    _write_once(text, path)  # there already: the same rows by the same person at the same time
    return path


def scenario_files(workspace: Path) -> pd.DataFrame:
    """Scenario files by name: ``scenario, content, problem`` (why it cannot be read)."""
    rows = []
    for path in sources.scenarios(workspace / RAW):
        try:
            rows.append((path.stem, sources.load_yaml(path), ""))
        except sources.SourceError as error:
            rows.append((path.stem, None, str(error).removeprefix(f"{path.name}: ")))
    return pd.DataFrame(rows, columns=["scenario", "content", "problem"])


def _scenarios(
    workspace: Path, tables: dict[str, pd.DataFrame], terms: pd.Series, cycle: pd.Timestamp
) -> tuple:
    """The scenarios that count in the cycle, and what is wrong with any file."""
    files = scenario_files(workspace)
    ahead = months.horizon(cycle, terms["horizon"], terms["fiscal_year_first_month"])
    return scenarios.read_all(files, tables, cycle=cycle, horizon=ahead)


def add_scenario(workspace: str | Path, content: dict, *, cycle: pd.Timestamp, author: str) -> Path:
    """Write a scenario as one new file; nothing is ever overwritten.

    Parameters
    ----------
    workspace : str or Path
        Folder that holds ``data/raw``.
    content : dict
        As a scenario file holds it; its ``name`` gives the file's. ``first_cycle``, ``author`` and
        ``entered_at`` are filled in here.
    cycle : Timestamp
        Month in which the plan is made.
    author : str
        Who says so: a statement, no proof.

    Returns
    -------
    Path
        ``data/raw/scenarios/<name>.yml``.

    Raises
    ------
    UsageError
        If there is such a file, or the scenario is not sound; nothing is written then.
    """
    import yaml

    root = open_workspace(workspace)
    name = file_word(str(content.get("name", ""))).lower()
    path = root / RAW / SCENARIOS / f"{name}.yml"
    stamp = pd.Timestamp.now(tz="UTC").strftime("%Y-%m-%dT%H:%M:%SZ")
    by = {"author": " ".join(author.split()), "entered_at": stamp}
    whole = {**content, "first_cycle": months.label(cycle), **by}
    text = yaml.safe_dump(whole, sort_keys=False, allow_unicode=True)
    one = pd.DataFrame({"scenario": [name], "content": [yaml.safe_load(text)], "problem": ""})
    others = scenario_files(root)
    if name in set(others["scenario"]):
        raise UsageError(f"data/raw/scenarios/{path.name} is there already. Choose another name.")
    named = {table: raw_table(root, table, cycle) for table in scenarios.NAMED_IN}
    terms = company(root).iloc[0]
    ahead = months.horizon(cycle, terms["horizon"], terms["fiscal_year_first_month"])
    both = pd.concat([one, others], ignore_index=True)
    odd = scenarios.read_all(both, named, cycle=cycle, horizon=ahead)[1]
    odd = [finding for finding in odd if finding.table in (f"scenarios/{path.name}", SCENARIOS)]
    if odd:
        raise UsageError(" ".join(f"{finding.message} {finding.remedy}" for finding in odd))
    if not _write_once(text, path):
        raise UsageError(f"data/raw/scenarios/{path.name} is there already. Choose another name.")
    return path


def _write_once(text: str, path: Path) -> bool:
    """Write a file whole or not at all, over no other; whether it was not there before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    try:
        os.link(part, path)
    except FileExistsError:
        return False
    finally:
        part.unlink()
    return True


def file_word(text: str) -> str:
    """A person's or department's name as part of a file's name; it leaves no folder.

    Raises
    ------
    UsageError
        If it holds neither letter nor digit.

    Examples
    --------
    >>> file_word("../M. Keller"), file_word("Zoë")
    ('M-Keller', 'Zoë')
    """
    word = re.sub(r"[\W_]+", "-", unicodedata.normalize("NFKC", text)).strip("-")[:40]
    if not word:
        raise UsageError(f'{text!r} is no name: write letters or digits, as in --by "M. Keller".')
    return word


def keep_receipt(workspace: Path, cycle: pd.Timestamp, name: str, page: str) -> Path:
    """Write a receipt among the cycle's pages, over no other; a later run leaves it there."""
    folder = workspace / REPORTS / months.label(cycle) / RECEIPTS
    part = folder / f".{name}.{os.getpid()}.part"
    _write_text(page, part)
    try:
        for count in itertools.count(1):
            path = folder / f"{name}{f'_{count}' if count > 1 else ''}.html"
            with contextlib.suppress(FileExistsError):
                os.link(part, path)
                return path
    finally:
        part.unlink()


def handed_in(workspace: str | Path, cycle: pd.Timestamp) -> pd.DataFrame:
    """A cycle's receipts as ``receipts.listed``, with addresses as seen from its pages."""
    base = Path(workspace).resolve() / REPORTS / months.label(cycle)
    found = sorted((base / RECEIPTS).glob("*.html"))
    texts = {path.relative_to(base).as_posix(): path.read_text("utf-8") for path in found}
    return receipts.listed(texts)


def known(frame: pd.DataFrame, name: str, cycle: pd.Timestamp) -> pd.DataFrame:
    """Rows of a raw table that were known in the cycle (house §4).

    Measured: months before the cycle, days summed into months. Snapshot: those of the cycle, of
    which the overdue count in its month; without a cycle those of its month and later. Dated:
    entered for this cycle or an earlier one. Standing: all but those whose ``known_month`` is
    later.
    """
    when = schema.RAW[name].known
    if "currency" not in schema.RAW[name].column_names:  # across has compared it
        frame = frame.drop(columns="currency", errors="ignore")
    if when == "measured":
        if name == "sales":
            frame = contract.sum_days(frame)
        frame = frame[frame["month"] < cycle]
    elif when == "snapshot":
        is_ahead = frame["cycle"].isna() & (frame["month"] >= cycle)
        frame = frame[is_ahead | (frame["cycle"] == cycle)]
        frame = frame.assign(month=frame["month"].clip(lower=cycle))
    elif when == "standing":
        frame = frame[~(frame["known_month"] > cycle)]
    elif when == "dated":
        column = "cycle" if "cycle" in frame.columns else "first_cycle"
        frame = frame[frame[column] <= cycle]
    return frame.reset_index(drop=True)


def inputs(
    workspace: str | Path,
    step_name: str,
    cycle: pd.Timestamp,
    *,
    raw: tuple[dict[str, pd.DataFrame], pd.DataFrame] | None = None,
) -> dict[str, pd.DataFrame]:
    """Exactly the tables that a step declares, and ``company``.

    Parameters
    ----------
    workspace : str or Path
        Folder that holds ``data/raw``.
    step_name : str
        A step of ``agenda.STEPS``.
    cycle : Timestamp
        Month in which the plan is made.
    raw : tuple, optional
        What ``raw_tables`` gave for the cycle, where the caller holds it; left out: read.

    Returns
    -------
    dict of DataFrame
        Raw tables (empty where not given), this cycle's processed tables, past cycles' tables as
        ``ledger_<name>`` and the last cycle's as ``previous_<name>``, with columns ``cycle`` and
        ``origin``; rows of the month under way, for the step that may see it, as
        ``running_<name>``; scenario files as ``scenario_files``.
        ``planning_factor`` of items and ``planning_unit`` of the company are as settled by the
        data review.
    """
    root, step = open_workspace(workspace), agenda.step(step_name)
    tables: dict[str, pd.DataFrame] = {"company": company(root)}
    if "findings" in step.processed:
        given, tables["findings"] = raw or raw_tables(root, cycle, anew=False)
    else:
        given = raw[0] if raw else {name: raw_table(root, name, cycle) for name in step.raw}
    tables |= {name: given[name] for name in step.raw}
    for name in step.processed:
        if name != "findings":
            tables[name] = _read_file(_current(root, name, cycle), name, cycle)
    for name in step.ledger:
        tables[f"ledger_{name}"] = ledger(root, name, before=cycle)
    for name in step.previous:
        tables[f"previous_{name}"] = ledger(root, name, before=cycle, most=1)
    if SCENARIOS in step.files:
        tables["scenario_files"] = scenario_files(root)
    for name in step.running:
        tables[f"running_{name}"] = _running(root, name, cycle).iloc[: 0 if raw else None]
    if "planning_units" in tables:
        settled = tables["planning_units"]
        factor = schema.lookup(tables["items"]["item"], settled, "planning_factor")
        tables["items"] = tables["items"].assign(planning_factor=factor)
        tables["company"]["planning_unit"] = settled["planning_unit"].iloc[0]
    return tables


def _running(workspace: Path, name: str, cycle: pd.Timestamp) -> pd.DataFrame:
    """A measured table's rows of the cycle's month, if that is under way, and of the year before.

    Once a later month has rows, or in a cycle that is made again later, the month is over.
    """
    frame = _by_period(workspace, name, cycle)[0]
    is_near = frame["month"].between(months.shift(cycle, -12), cycle)
    return frame[is_near & (frame["month"].max() == cycle)].reset_index(drop=True)


def raw_table(workspace: Path, name: str, cycle: pd.Timestamp) -> pd.DataFrame:
    """One raw table as known in the cycle, checked for itself; empty where it is not given."""
    return known(_by_period(workspace, name, cycle)[0], name, cycle)


def _current(workspace: Path, name: str, cycle: pd.Timestamp) -> Path:
    """File of a processed table: the staged one of a run under way, else the published one."""
    staged = staging(workspace, cycle) / f"{name}.parquet"
    return staged if staged.is_file() else folder(workspace, cycle) / f"{name}.parquet"


def _read_file(path: Path, name: str, cycle: pd.Timestamp) -> pd.DataFrame:
    if not path.is_file():
        maker = next(step for step in agenda.STEPS if name in step.writes)
        raise UsageError(
            f"{name} of cycle {months.label(cycle)} has not been made yet. Run the step "
            f"{maker.name} first: sopkit run --cycle {months.label(cycle)}"
        )
    frame = pd.read_parquet(path)
    contract.check_processed(name, frame)
    return frame


@lru_cache(maxsize=9 * _LEDGER_CYCLES)
def _left(path: Path, name: str, cycle: pd.Timestamp, _changed_at: int) -> pd.DataFrame:
    """What a cycle left, kept in memory: several steps, and all cycles of a replay, read it."""
    return _read_file(path, name, cycle)


def read(workspace: str | Path, table: str, cycle: pd.Timestamp) -> pd.DataFrame:
    """A published processed table of one cycle."""
    if table not in schema.PROCESSED:
        known_words = contract.nearest(table, sorted(schema.PROCESSED))
        raise UsageError(f"no processed table {table!r}. {known_words}")
    root = open_workspace(workspace)
    return _read_file(folder(root, cycle) / f"{table}.parquet", table, cycle)


def cycles(workspace: Path) -> list[pd.Timestamp]:
    """Cycles that have been published, oldest first."""
    base = workspace / PROCESSED
    found = sorted(base.glob(f"*/{RUN}")) if base.is_dir() else []
    return [
        months.parse_cycle(path.parent.name)
        for path in found
        if not path.parent.name.startswith(".")
    ]


def ledger(
    workspace: str | Path,
    table: str,
    *,
    before: pd.Timestamp | None = None,
    most: int = _LEDGER_CYCLES,
) -> pd.DataFrame:
    """One processed table of all cycles, stacked, with columns ``cycle`` and ``origin``.

    A cycle is what its latest run left (origin ``run``), else a replay of it: ``replay``, or
    ``hindsight`` where the replay knew more of its future than people did.

    Parameters
    ----------
    workspace : str or Path
        Folder that holds ``data/raw``.
    table : str
        A table of ``schema.PROCESSED``.
    before : Timestamp, optional
        Only cycles before this one.
    most : int
        The latest cycles, so many at most.
    """
    root = Path(workspace).resolve()
    past = [cycle for cycle in cycles(root) if before is None or cycle < before]
    paths = {cycle: folder(root, cycle) / f"{table}.parquet" for cycle in past[-most:]}
    parts = [
        _left(path, table, cycle, path.stat().st_mtime_ns).assign(
            cycle=cycle, origin=run_record(path.parent).get("origin", "run")
        )
        for cycle, path in paths.items()
        if path.is_file()
    ]
    if parts:
        whole = pd.concat(parts, ignore_index=True)
        dated = [name for name in ("cycle", "month") if name in whole]  # an empty one has no type
        return whole.astype(dict.fromkeys(dated, months.DTYPE))
    made = schema.PROCESSED[table]
    kinds = {name: months.DTYPE if name == "month" else "str" for name in made.key}
    kinds = {"cycle": months.DTYPE, "origin": "str", **kinds}
    kinds = dict.fromkeys(made.columns, "float64") | kinds
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})


def publish_step(
    workspace: str | Path, step_name: str, cycle: pd.Timestamp, results: dict[str, pd.DataFrame]
) -> pd.DataFrame:
    """Stage a step's tables; the run that called for them publishes all at once at its end.

    Returns
    -------
    DataFrame
        What was written: table, rows, first and last month.

    Raises
    ------
    ContractError
        If a table breaks its contract, or the step did not make exactly what it declares.
    """
    step = agenda.step(step_name)
    if set(results) != set(step.writes):
        odd = ", ".join(sorted(set(results) ^ set(step.writes)))
        raise UsageError(f"{step_name} must write exactly its declared tables; differs in: {odd}.")
    target = staging(open_workspace(workspace), cycle)
    rows = []
    for name in step.writes:
        frame, key = results[name], list(schema.PROCESSED[name].key)
        contract.check_processed(name, frame)
        frame = frame.sort_values(key, kind="stable") if key else frame
        _write_parquet(frame.reset_index(drop=True), target / f"{name}.parquet")
        month = frame["month"] if "month" in frame else pd.Series(dtype=months.DTYPE)
        rows.append((name, len(frame), month.min(), month.max()))
    return pd.DataFrame(rows, columns=["table", "rows", "first_month", "last_month"])


def folder(workspace: Path, cycle: pd.Timestamp) -> Path:
    """Where a cycle's published tables stand."""
    return workspace / PROCESSED / months.label(cycle)


def staging(workspace: Path, cycle: pd.Timestamp) -> Path:
    """Where a cycle's tables wait for publication; survives a failed run."""
    return workspace / PROCESSED / ".staging" / months.label(cycle)


def lock_file(workspace: Path, cycle: pd.Timestamp) -> Path:
    """The file whose lock a run of this cycle holds."""
    path = workspace / PROCESSED / ".locks" / f"{months.label(cycle)}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _holder_file(workspace: Path, cycle: pd.Timestamp) -> Path:
    return lock_file(workspace, cycle).with_suffix(".json")


def holder(workspace: Path, cycle: pd.Timestamp) -> dict:
    """Who holds a cycle's lock, or held it when it was cut; empty where nobody."""
    path = _holder_file(workspace, cycle)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def note_holder(workspace: Path, cycle: pd.Timestamp, who: dict, *, is_more: bool = False) -> None:
    """Write who holds a cycle (``is_more``: beside what is noted); nobody takes the note away."""
    if who:
        known = holder(workspace, cycle) if is_more else {}
        _write_text(json.dumps(known | who), _holder_file(workspace, cycle))
    else:
        _holder_file(workspace, cycle).unlink(missing_ok=True)


def holders(workspace: Path) -> dict[pd.Timestamp, dict]:
    """Notes of all cycles that are held, or were when their run was cut."""
    labels = sorted(path.stem for path in (workspace / PROCESSED / ".locks").glob("*.json"))
    return {cycle: holder(workspace, cycle) for cycle in map(months.parse_cycle, labels)}


def file_hash(path: Path) -> str:
    """A short hash of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:20]


@lru_cache(maxsize=1)
def code_hash() -> str:
    """A hash of the package's own source: another code may give other tables."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*")):
        if path.is_file() and path.suffix in (".py", ".j2", ".css", ".js"):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:20]


def input_hash(workspace: Path, step_name: str, cycle: pd.Timestamp) -> str:
    """A hash of everything a step reads: raw files, company.yml, staged tables, past cycles."""
    step, digest = agenda.step(step_name), hashlib.sha256()
    found = _raw_paths(workspace)
    for name in sorted({*step.raw, "calendar"}):  # the calendar tells the fiscal year
        if name in found:
            snapshot = _snapshot(workspace, name, cycle)
            mark = sources.fingerprint(workspace / RAW, name, found[name], cycle, snapshot)
            digest.update(f"{name}={mark};".encode())
    if "submissions" in step.raw:  # a page lists what was handed in, also where nothing was taken
        digest.update(repr(handed_in(workspace, cycle)["href"].tolist()).encode())
    for path in sources.scenarios(workspace / RAW) if SCENARIOS in step.files else ():
        digest.update(f"{path.name}={file_hash(path)};".encode())
    options = workspace / RAW / "company.yml"
    digest.update(options.read_bytes() if options.is_file() else b"")
    for name in step.processed:
        path = _current(workspace, name, cycle)
        if name != "findings":
            digest.update(f"{name}={file_hash(path) if path.is_file() else None};".encode())
    before = [month for month in cycles(workspace) if month < cycle][-_LEDGER_CYCLES:]
    for past in before:
        for name in (*step.ledger, *(step.previous if past == before[-1] else ())):
            path = folder(workspace, past) / f"{name}.parquet"
            digest.update(f"{past}{name}={file_hash(path) if path.is_file() else None};".encode())
    return digest.hexdigest()[:20]


def run_record(path: Path) -> dict:
    """A run's record (``run.json``), empty where there is none."""
    file = path / RUN
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def write_record(path: Path, record: dict) -> None:
    """Write a run's record beside its tables, whole or not at all."""
    _write_text(json.dumps(record, indent=1, sort_keys=True), path / RUN)


def _places(workspace: Path, cycle_label: str) -> list[tuple[Path, Path, Path]]:
    """Published, staged and previous folder of a cycle, under processed and reports."""
    roots = [workspace / PROCESSED, workspace / REPORTS]
    return [
        (root / cycle_label, root / ".staging" / cycle_label, root / ".previous" / cycle_label)
        for root in roots
    ]


def publish(workspace: Path, cycle: pd.Timestamp, record: dict) -> None:
    """Put the staged tables and pages in the place of the published ones, all or nothing.

    The previous ones step aside, the staged ones step in, and the rename of ``run.json`` commits.
    A crash before it is undone, a crash after it finished, by whoever opens the workspace next.
    """
    places = _places(workspace, months.label(cycle))
    staged = staging(workspace, cycle)
    record = record | {"has_pages": places[1][1].is_dir()}
    _write_text(json.dumps(record, indent=1, sort_keys=True), staged / _PENDING)
    (staged / RUN).unlink(missing_ok=True)
    for current, ready, previous in places:
        if not ready.is_dir():
            continue
        if (current / RECEIPTS).is_dir():
            shutil.copytree(current / RECEIPTS, ready / RECEIPTS, dirs_exist_ok=True)
        if previous.is_dir():
            shutil.rmtree(previous)
        previous.parent.mkdir(parents=True, exist_ok=True)
        if current.is_dir():
            current.rename(previous)
        ready.rename(current)
    (places[0][0] / _PENDING).rename(places[0][0] / RUN)
    for _, _, previous in places:
        if previous.is_dir():
            shutil.rmtree(previous)


def _recover(workspace: Path) -> None:
    """Finish or undo a publication that was cut in between."""
    base = workspace / PROCESSED
    labels = {path.parent.name for path in base.glob(f"*/{_PENDING}")} if base.is_dir() else set()
    for label in labels:
        record = json.loads((base / label / _PENDING).read_text(encoding="utf-8"))
        places = _places(workspace, label)
        for current, ready, previous in reversed(places if record["has_pages"] else places[:1]):
            if current.is_dir() and not ready.is_dir():
                ready.parent.mkdir(parents=True, exist_ok=True)
                current.rename(ready)
            if previous.is_dir() and not current.is_dir():
                previous.rename(current)
        (places[0][1] / _PENDING).rename(places[0][1] / RUN)
    for root in (base, workspace / REPORTS):
        for path in (root / ".previous").glob("*") if (root / ".previous").is_dir() else []:
            committed = (base / path.name / RUN).is_file()
            if committed and (root / path.name).is_dir():
                shutil.rmtree(path)
            elif not (root / path.name).is_dir():
                path.rename(root / path.name)
