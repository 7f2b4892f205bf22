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
import re
import unicodedata
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path

import pandas as pd

from sopkit import (
    across,
    agenda,
    contract,
    decided,
    files,
    months,
    periods,
    publication,
    receipts,
    rules,
    schema,
    sources,
    stacking,
    whole,
)
from sopkit.demand import guards, history, lags
from sopkit.executive import approval, kpis
from sopkit.months import Frozen, UsageError
from sopkit.reconciliation import goals, levers, scenarios

RAW = Path("data/raw")
SCENARIOS = "scenarios"  # a folder of data/raw
_ANY_CYCLE = pd.Timestamp(2199, 12, 1)  # a month after every row
_AFTER_APPROVAL = ("closings", "actions", "pulse")  # what people may enter for an approved cycle
_LEDGER_CYCLES = 36  # past cycles a ledger reaches back
_STANDS_FOR = {  # columns that older files lack: the one that stands for it, or none of it
    "demand_plan": {"constrained": "consensus"},
    "forecast": {"coherence": None},
    "view_assumptions": {"forecast": "statistical"},
    "demand_history": {"baseline": "demand"} | dict.fromkeys(history.EFFECTS),
}
_RESERVED = re.compile("con|prn|aux|nul|(com|lpt)[0-9]", re.IGNORECASE)  # by Windows
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
    publication.recover(root)
    return root


def settings(workspace: Path) -> dict:
    """Content of ``company.yml`` as written; empty where there is none.

    Raises
    ------
    SourceError
        If a setting of ``schema.COMPANY`` has the wrong type.
    """
    path = workspace / RAW / "company.yml"
    given = files.load_yaml(path) if path.is_file() else {}
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


def calendar(workspace: Path) -> pd.DataFrame:
    """Table `calendar`, empty where the company names no periods of its own."""
    return _load(workspace, "calendar", None)[0]


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
    if (known := _recalled(kept)) is not None:
        return known
    bound = cycle if path.name == sources.MAPPING else None  # a file is the same in every cycle
    return _checked(path, name, bound, _snapshot(workspace, name, bound), kept.name)


def _recalled(kept: Path) -> tuple | None:
    """What an earlier check kept; None where it is not there, or was spoilt: then it goes."""
    try:
        content = json.loads(kept.with_suffix(".json").read_text(encoding="utf-8"))
        frame = pd.read_parquet(kept, page_checksum_verification=True)
    except FileNotFoundError:
        return None
    except (OSError, ValueError):  # pyarrow's errors are either; it is made anew
        kept.unlink(missing_ok=True)
        return None
    findings = [contract.Finding(**finding) for finding in content["findings"]]
    return frame, findings, contract.Source(**content["source"])


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
    return workspace / publication.PROCESSED / ".cache" / f"{name}-{mark}.parquet"


def _snapshot(workspace: Path, name: str, cycle: pd.Timestamp | None) -> Path:
    """Where the rows that a database gave for a cycle are kept; without one, of every month."""
    label = months.label(cycle if cycle is not None else _ANY_CYCLE)
    return workspace / publication.PROCESSED / ".cache" / "fetched" / label / f"{name}.parquet"


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

    lock = filelock.FileLock(
        publication.lock_file(workspace, cycle if cycle is not None else _ANY_CYCLE)
    )
    with contextlib.suppress(filelock.Timeout):
        lock.acquire(timeout=0)
    try:
        wanted = names if anew and lock.is_locked else lacking
        for name, frame in sources.fetch(workspace / RAW, wanted, cycle).items():
            frame.attrs["origin"] = origins[name]
            publication.write_parquet(frame, paths[name])
            if cycle is not None:  # what is kept for every month must not be older
                of_all = _snapshot(workspace, name, None)
                of_all.unlink(missing_ok=True)
                if "$cycle" not in origins[name]:
                    publication.write_parquet(frame, of_all)
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
        publication.write_parquet(frame, kept)
        whole.write_text(json.dumps(content), kept.with_suffix(".json"))


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
    if table not in _AFTER_APPROVAL:
        require_unapproved(root, cycle, f"{table} are not taken")
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
    sources.added(root / RAW, table)  # which refuses a folder that leads out of the workspace
    label = f"data/raw/{table}/{path.name}"
    written = pd.read_csv(io.StringIO(text), dtype="str", keep_default_na=False)
    findings = contract.check_table(table, written, contract.Source(label, 2, "line")).findings
    odd = [f for f in findings if f.state == "breach" or f.message.startswith("the table has no")]
    if odd:
        odd = [replace(finding, state="breach") for finding in odd]
        raise contract.ContractError(across.findings_table(odd, {}))
    whole.write_once(text, path)  # there already: the same rows by the same person at the same time
    return path


def gates(workspace: Path, cycle: pd.Timestamp) -> dict[str, approval.Gate]:
    """Which step of a cycle is closed."""
    return approval.gates(raw_table(workspace, "closings", cycle), cycle=cycle)


def kept_closed(workspace: Path, cycle: pd.Timestamp) -> dict[str, approval.Gate]:
    """Closed steps whose tables are kept here, so that nothing makes them anew.

    What was closed on another machine is none of them: its closing came by git, its tables did not.
    """
    return {
        step: gate
        for step, gate in gates(workspace, cycle).items()
        if gate.is_closed and gate.revision in publication.revisions(workspace, cycle, step)
    }


def require_unapproved(workspace: Path, cycle: pd.Timestamp, what: str) -> None:
    """Refuse what would change an approved cycle.

    Raises
    ------
    Frozen
        If its plan is approved.
    """
    known = gates(workspace, cycle)
    if approval.is_approved(known):
        later = months.label(months.shift(cycle, 1))
        words = approval.approved_words(known, cycle)
        raise Frozen(f"{what}: {words}. What is new belongs to cycle {later}.")


def export_forms(workspace: Path) -> dict:
    """How ``exports.yml`` wants each extract.

    Raises
    ------
    SourceError
        If it names what there is none of.
    """
    return sources.export_forms(workspace / RAW)


def scenario_files(workspace: Path) -> pd.DataFrame:
    """Scenario files by name: ``scenario, content, problem`` (why it cannot be read)."""
    rows = []
    for path in sources.scenarios(workspace / RAW):
        try:
            rows.append((path.stem, files.load_yaml(path), ""))
        except sources.SourceError as error:
            rows.append((path.stem, None, str(error).removeprefix(f"{path.name}: ")))
    return pd.DataFrame(rows, columns=["scenario", "content", "problem"])


def decided_scenarios(workspace: Path, cycle: pd.Timestamp) -> pd.DataFrame:
    """Scenarios that were chosen, as ``decided.decided``."""
    tables = [raw_table(workspace, name, cycle) for name in ("choices", "options")]
    return decided.decided(*tables, scenario_files(workspace), cycle=cycle)


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
    entry = {**content, "first_cycle": months.label(cycle), **by}
    text = yaml.safe_dump(entry, sort_keys=False, allow_unicode=True)
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
    if not whole.write_once(text, path):
        raise UsageError(f"data/raw/scenarios/{path.name} is there already. Choose another name.")
    return path


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
    word += "_" if _RESERVED.fullmatch(word) else ""
    if not word:
        raise UsageError(f'{text!r} is no name: write letters or digits, as in --by "M. Keller".')
    return word


def keep_receipt(workspace: Path, cycle: pd.Timestamp, name: str, page: str) -> Path:
    """Write a receipt among the cycle's pages, over no other; a later run leaves it there."""
    folder = workspace / publication.REPORTS / months.label(cycle) / publication.RECEIPTS
    names = (f"{name}{f'_{count}' if count > 1 else ''}.html" for count in itertools.count(1))
    with publication.changing(workspace):  # else the folder may step aside meanwhile
        return next(folder / own for own in names if whole.write_once(page, folder / own))


def handed_in(workspace: str | Path, cycle: pd.Timestamp) -> pd.DataFrame:
    """A cycle's receipts as ``receipts.listed``, with addresses as seen from its pages."""
    base = Path(workspace).resolve() / publication.REPORTS / months.label(cycle)
    found = sorted((base / publication.RECEIPTS).glob("*.html"))
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
        frame = frame.drop(columns="currency", errors="ignore") if "currency" in frame else frame
    if frame.empty:
        return frame
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
        ``running_<name>``; tables as they were closed before each reopening as
        ``revision_<name>``, with ``revision``; scenario files as ``scenario_files``. Of `closings`
        reopenings alone, of `pulse` past cycles alone.
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
    tables |= {name: _of_part(root, name, cycle) for name in step.raw if name in _OF_PART}
    for name in step.processed:
        if name != "findings":
            tables[name] = _read_file(current_file(root, name, cycle), name, cycle)
    for name in step.ledger:
        tables[f"ledger_{name}"] = ledger(root, name, before=cycle)
    for name in step.revisions:
        tables[f"revision_{name}"] = _revised(root, name, cycle)
    for name in step.previous:
        tables[f"previous_{name}"] = ledger(root, name, before=cycle, most=1)
    if SCENARIOS in step.files:
        tables["scenario_files"] = scenario_files(root)
    if "decided" in step.files:
        tables["decided"] = decided_scenarios(root, cycle)
    for name in step.running:
        tables[f"running_{name}"] = _running(root, name, cycle).iloc[: 0 if raw else None]
    if "planning_units" in tables:
        settled = tables["planning_units"]
        factor = schema.lookup(tables["items"]["item"], settled, "planning_factor")
        tables["items"] = tables["items"].assign(planning_factor=factor)
        tables["company"]["planning_unit"] = settled["planning_unit"].iloc[0]
    return tables


_OF_PART = ("closings", "pulse")  # tables of which no step sees what is said about it itself


def _of_part(workspace: Path, name: str, cycle: pd.Timestamp) -> pd.DataFrame:
    """Reopenings alone, for a closing must not change what it closes; pulse of past cycles."""
    frame = raw_table(workspace, name, cycle)
    is_seen = frame["cycle"] < cycle
    if name == "closings":
        is_seen = frame["state"] == approval.REOPENED
    return frame[is_seen].reset_index(drop=True)


def _reopened(workspace: Path, table: str, cycle: pd.Timestamp) -> dict[int, Path]:
    """Files of a table as it was closed before each reopening, by revision."""
    maker = next(step.name for step in agenda.STEPS if table in step.writes)
    rows = _of_part(workspace, "closings", cycle)
    rows = rows[(rows["cycle"] == cycle) & (rows["step"] == maker)]
    kept = sorted(
        {*rows["revision"].astype(int)} & {*publication.revisions(workspace, cycle, maker)}
    )
    return {n: publication.revision(workspace, cycle, n) / f"{table}.parquet" for n in kept}


def _revised(workspace: Path, table: str, cycle: pd.Timestamp) -> pd.DataFrame:
    """A table as it was closed before each reopening, with its ``revision``."""
    paths = _reopened(workspace, table, cycle)
    parts = [_read_file(path, table, cycle).assign(revision=n) for n, path in paths.items()]
    if parts:
        return pd.concat(parts, ignore_index=True)
    return _empty(table, {"revision": "int64"})


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


def current_file(workspace: Path, name: str, cycle: pd.Timestamp) -> Path:
    """File of a processed table: the staged one of a run under way, else the published one."""
    staged = publication.staging(workspace, cycle) / f"{name}.parquet"
    return staged if staged.is_file() else publication.folder(workspace, cycle) / f"{name}.parquet"


def _read_file(path: Path, name: str, cycle: pd.Timestamp) -> pd.DataFrame:
    if not path.is_file():
        maker = next(step for step in agenda.STEPS if name in step.writes)
        raise UsageError(
            f"{name} of cycle {months.label(cycle)} has not been made yet. Run the step "
            f"{maker.name} first: sopkit run --cycle {months.label(cycle)}"
        )
    frame = _whole_table(path, name, cycle)
    older = {new: old for new, old in _STANDS_FOR.get(name, {}).items() if new not in frame}
    frame = frame.assign(**{new: frame[old] if old else 0.0 for new, old in older.items()})
    contract.check_processed(name, frame)
    return frame


def _whole_table(path: Path, name: str, cycle: pd.Timestamp) -> pd.DataFrame:
    """A processed table, its sums checked.

    Raises
    ------
    SourceError
        If it is not as it was written: cut off, or bits of it changed.
    """
    try:
        return pd.read_parquet(path, page_checksum_verification=True)
    except Exception as error:  # what spoilt bytes make pyarrow raise is of any kind
        maker = next(step.name for step in agenda.STEPS if name in step.writes)
        again = f"sopkit run --cycle {months.label(cycle)} --from {maker}"
        remedy = f"Make it anew: {again}"
        if publication.REVISIONS in path.parts:
            remedy = "It belongs to a closed revision: bring the file back from a backup."
        said = " ".join(str(error).split())[:120]
        raise sources.SourceError(
            f"table {name} of cycle {months.label(cycle)} is spoilt, {path} cannot be read "
            f"({said}). {remedy}"
        ) from error


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
    return _read_file(publication.folder(root, cycle) / f"{table}.parquet", table, cycle)


def ledger(
    workspace: str | Path,
    table: str,
    *,
    before: pd.Timestamp | None = None,
    most: int = _LEDGER_CYCLES,
) -> pd.DataFrame:
    """One processed table of all cycles, stacked, with columns ``cycle`` and ``origin``.

    A cycle is what was closed last (origin ``approved`` where its plan was approved, else
    ``closed``), else what its latest run left (``run``), else a replay of it: ``replay``, or
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
    past = [cycle for cycle in publication.cycles(root) if before is None or cycle < before]
    left = {cycle: _left_by(root, cycle, table) for cycle in past[-most:]}
    parts = [
        _left(path, table, cycle, path.stat().st_mtime_ns).assign(cycle=cycle, origin=origin)
        for cycle, (path, origin) in left.items()
        if path.is_file()
    ]
    if parts:
        whole = pd.concat(parts, ignore_index=True)
        dated = [name for name in ("cycle", "month") if name in whole]  # an empty one has no type
        return whole.astype(dict.fromkeys(dated, months.DTYPE))
    return _empty(table, {"cycle": months.DTYPE, "origin": "str"})


def _empty(table: str, first: dict[str, str]) -> pd.DataFrame:
    """A processed table without rows, behind columns of its own."""
    made = schema.PROCESSED[table]
    kinds = {name: months.DTYPE if name == "month" else "str" for name in made.key}
    kinds = dict.fromkeys(made.columns, "float64") | {**first, **kinds}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})


def _left_by(root: Path, cycle: pd.Timestamp, table: str) -> tuple[Path, str]:
    """File of a past cycle's table that the ledger reads, and its origin."""
    maker = next(step.name for step in agenda.STEPS if table in step.writes)
    kept = publication.revisions(root, cycle, maker)
    if not kept:
        path = publication.folder(root, cycle)
        origin = publication.run_record(path).get("origin", lags.RUN)
        return path / f"{table}.parquet", origin
    is_approved = bool(publication.revisions(root, cycle, approval.LAST))
    origin = lags.APPROVED if is_approved else lags.CLOSED
    return publication.revision(root, cycle, kept[-1]) / f"{table}.parquet", origin


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
    root = open_workspace(workspace)
    if gate := kept_closed(root, cycle).get(step_name):
        raise Frozen(
            f"{step_name} of cycle {months.label(cycle)} is closed (revision {gate.revision}, "
            f"{gate.said}), so its tables stay. "
            f'To change it: sopkit reopen {step_name} --by NAME --note "why"'
        )
    target = publication.staging(root, cycle)
    rows = []
    for name in step.writes:
        frame, key = results[name], list(schema.PROCESSED[name].key)
        contract.check_processed(name, frame)
        frame = frame.sort_values(key, kind="stable") if key else frame
        publication.write_parquet(frame.reset_index(drop=True), target / f"{name}.parquet")
        month = frame["month"] if "month" in frame else pd.Series(dtype=months.DTYPE)
        rows.append((name, len(frame), month.min(), month.max()))
    return pd.DataFrame(rows, columns=["table", "rows", "first_month", "last_month"])


@lru_cache(maxsize=1)
def code_hash() -> str:
    """A hash of the package's own source: another code may give other tables."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*")):
        if path.is_file() and path.suffix in (".py", ".j2", ".css", ".js"):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:20]


def input_marks(workspace: Path, step_name: str, cycle: pd.Timestamp) -> dict[str, str]:
    """A mark for each thing a step reads: raw files, company.yml, tables, past cycles."""
    step, marks = agenda.step(step_name), {}
    found = _raw_paths(workspace)
    for name in sorted({*step.raw, "calendar"}):  # the calendar tells the fiscal year
        if name in _OF_PART:
            rows = _of_part(workspace, name, cycle)
            marks[name] = _short_hash(rows.to_csv(index=False).encode())
        elif name in found:
            snapshot = _snapshot(workspace, name, cycle)
            marks[name] = sources.fingerprint(workspace / RAW, name, found[name], cycle, snapshot)
    if "submissions" in step.raw:  # a page lists what was handed in, also where nothing was taken
        marks["receipts"] = repr(handed_in(workspace, cycle)["href"].tolist())
    for path in sources.scenarios(workspace / RAW) if SCENARIOS in step.files else ():
        marks[f"{SCENARIOS}/{path.name}"] = publication.file_hash(path)
    if "decided" in step.files:
        marks["decisions"] = decided_scenarios(workspace, cycle).to_json(date_format="iso")
    rules_of_tables = {k: v for k, v in settings(workspace).items() if k not in schema.OF_RUNS}
    marks["company.yml"] = _short_hash(repr(sorted(rules_of_tables.items())).encode())
    for name in step.processed:
        if name != "findings":
            marks[name] = _mark(current_file(workspace, name, cycle))
    before = [month for month in publication.cycles(workspace) if month < cycle][-_LEDGER_CYCLES:]
    for past in before:
        for name in (*step.ledger, *(step.previous if past == before[-1] else ())):
            path = _left_by(workspace, past, name)[0]
            marks[f"{name} of {months.label(past)}"] = _mark(path)
    for name in step.revisions:
        paths = _reopened(workspace, name, cycle)
        marks |= {f"{name}, revision {number}": _mark(path) for number, path in paths.items()}
    return marks


def _mark(path: Path) -> str:
    return publication.file_hash(path) if path.is_file() else ""


def _short_hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:20]
