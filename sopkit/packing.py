"""What a cycle's pack says of itself: stamps, extracts, PDF, kept revisions, the list of cycles.

Pages are made by ``pages``, here they are told what is closed and what is open, now and after each
closing.
"""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import pandas as pd
from markupsafe import escape

from sopkit import extracts, months, parameters, publication, schema, store, workbooks
from sopkit.agenda import STEPS, Step, rests_on, step
from sopkit.executive import approval

_PACKAGES = ("sopkit", "pandas", "numpy", "matplotlib", "papermill", "nbconvert", "duckdb")


def imprint(workspace: Path, cycle: pd.Timestamp):
    """What the pages of this cycle say of themselves."""
    from sopkit.pages import pack

    commit = git_commit()
    version = versions()["sopkit"] + (f" ({commit})" if commit else "")
    known = store.gates(workspace, cycle)
    stamps = {s.name: approval.stamp(known, s.name, rests_on(s.name)) for s in STEPS}
    company = store.company(workspace)["name"].iloc[0]
    own = ", ".join(parameters.own_notebooks(workspace))
    version += f" · with the workspace's own {own}" if own else ""
    return pack.Imprint(company, cycle, version, stamps, _earlier(workspace, cycle))


def _earlier(workspace: Path, cycle: pd.Timestamp) -> dict[str, str]:
    """By file of a pack: the last cycle before this one that has such a page."""
    folders = sorted((workspace / publication.REPORTS).glob("????-??"))
    files = ["index.html", *(f"{known.notebook}.html" for known in STEPS)]
    return {
        file: folder.name
        for folder in folders
        if folder.name < months.label(cycle)
        for file in files
        if (folder / file).is_file()
    }


def finish(
    workspace: Path, cycle: pd.Timestamp, folder: Path, made: Iterable[str]
) -> tuple[str, ...]:
    """Stamps, the executive page's PDF where it differs, first page; what people should know."""
    from sopkit.pages import pack, pdf

    said = imprint(workspace, cycle)
    changed, notes = {*pack.restamp(folder, said), *made}, ()
    if approval.LAST in changed:
        why = pdf.write_pdf(folder / f"{step(approval.LAST).notebook}.html")
        notes = (why,) if why else ()
    pack.write_index(folder, said)
    return notes


def restamp(workspace: Path, cycle: pd.Timestamp) -> tuple[str, ...]:
    """Print what is closed and what is open on the published pages; what people should know."""
    folder = workspace / publication.REPORTS / months.label(cycle)
    if not (folder / "index.html").is_file():
        return ()
    _shelve_extracts(workspace, cycle, folder)
    notes = finish(workspace, cycle, folder, ())
    list_cycles(workspace)
    return notes


def _shelve_extracts(workspace: Path, cycle: pd.Timestamp, folder: Path) -> None:
    """Put extracts of steps that are open again beside their revision: nobody agrees to them."""
    known = store.gates(workspace, cycle)
    for extract in extracts.EXTRACTS.values():
        gate = known[extract.step]
        shelf = folder / publication.REVISIONS / str(gate.revision) / publication.EXTRACTS
        for name in (f"{extract.name}.csv", f"{extract.book}.xlsx"):
            path = folder / publication.EXTRACTS / name
            if path.is_file() and not gate.is_closed:
                shelf.mkdir(parents=True, exist_ok=True)
                path.replace(shelf / name)


def keep_page(
    workspace: Path, cycle: pd.Timestamp, current: Step, number: int
) -> tuple[Path, tuple[str, ...]]:
    """After a closing: write its extracts, stamp the pages, keep its page beside the revision.

    Returns
    -------
    page : Path
        The page that was kept.
    notes : tuple of str
        What people should know of it.
    """
    from sopkit.pages import pack

    folder = workspace / publication.REPORTS / months.label(cycle)
    said = _write_extracts(workspace, cycle, current.name, folder / publication.EXTRACTS)
    said += restamp(workspace, cycle)
    page = pack.keep_page(folder, current, number)
    pack.write_index(folder, imprint(workspace, cycle))  # it lists what is there now
    return page, said


def _write_extracts(
    workspace: Path, cycle: pd.Timestamp, name: str, folder: Path
) -> tuple[str, ...]:
    """What a function's own systems take from a closed step; what people should know of it."""
    wanted = extracts.reads(name)
    if not wanted:
        return ()
    tables = {
        table: store.raw_table(workspace, table, cycle)
        if table in schema.RAW
        else store.read(workspace, table, cycle)
        for table in wanted
    }
    made = extracts.extracts(name, tables | {"company": store.company(workspace)}, cycle=cycle)
    return tuple(workbooks.write_extracts(folder, made, store.export_forms(workspace)))


def settle_closings(workspace: Path, cycle: pd.Timestamp) -> tuple[str, ...]:
    """Finish what a cut closing left; keep what was closed elsewhere and made here anew."""
    folder = workspace / publication.REPORTS / months.label(cycle)
    record = publication.run_record(publication.folder(workspace, cycle))
    _shelve_extracts(workspace, cycle, folder)
    notes: list[str] = []
    for current in STEPS:
        gate = store.gates(workspace, cycle)[current.name]
        if not gate.is_closed or current.name not in record.get("steps", {}):
            continue
        if gate.revision not in publication.revisions(workspace, cycle, current.name):
            again = (workspace, cycle, current.name, gate.revision, current.writes)
            publication.keep_revision(*again)
            notes.append(
                f"{current.name} was closed on another machine, or its tables were taken away: "
                f"revision {gate.revision} was made here anew, from what stands in data/raw now."
            )
        page = f"{current.notebook}.html"
        kept = folder / publication.REVISIONS / str(gate.revision) / page
        if (folder / page).is_file() and not kept.is_file():
            notes += keep_page(workspace, cycle, current, gate.revision)[1]
    return tuple(notes)


def list_cycles(workspace: Path) -> None:
    """Write the list of cycles, unless it says already what it should; one at a time does so."""
    index = workspace / publication.REPORTS / "index.html"
    with publication.changing(workspace):  # else another cycle's run would lose its line
        rows = listed(workspace)
        text = index.read_text(encoding="utf-8") if index.is_file() else ""
        if all(str(escape(word)) in text for row in rows for word in row.values()):
            return
        from sopkit.pages import pack

        pack.write_cycles(index.parent, rows, store.company(workspace)["name"].iloc[0])


def listed(workspace: Path) -> list[dict[str, str]]:
    """Published cycles that have pages, for the list of cycles."""
    rows = []
    for cycle in publication.cycles(workspace):
        label = months.label(cycle)
        if not (workspace / publication.REPORTS / label / "index.html").is_file():
            continue
        steps = publication.run_record(publication.folder(workspace, cycle)).get("steps", {})
        is_whole = set(steps) == {known.name for known in STEPS}
        last = max((done["finished_at"] for done in steps.values()), default="")
        state = "latest run" if is_whole else f"{len(steps)} of {len(STEPS)} steps"
        gates = store.gates(workspace, cycle)
        if closed := [name for name, gate in gates.items() if gate.is_closed]:
            state = f"{len(closed)} of {len(STEPS)} steps closed"
        if approval.is_approved(gates):
            state = gates[approval.LAST].said.replace(approval.CLOSED, "approved", 1)
        when = last.replace("T", " ").replace("+00:00", " UTC")
        rows.append({"cycle": label, "state": state, "when": when, "href": f"{label}/index.html"})
    return rows


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that figures and pages rest on."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed as a package"
    return found


def git_commit() -> str:
    """Commit of the package's repository; empty where it is none."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""
