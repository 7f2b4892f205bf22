"""Run a cycle: check, execute each step's notebook, render its page, publish all at once.

What a step reads and writes stands in ``STEPS``. A step is skipped when its inputs, notebook,
parameters and the package are what they were when it last ran; a failed run resumes at its step.
"""

from __future__ import annotations

import ast
import contextlib
import getpass
import hashlib
import json
import os
import platform
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from sopkit import months, packing, partitions, publication, schema, steps, store, workbooks
from sopkit.agenda import STEPS, THROUGH_DATA, Step, step
from sopkit.contract import nearest
from sopkit.executive import approval
from sopkit.months import UsageError
from sopkit.sources import SourceError
from sopkit.supply import strategies

NOTEBOOKS = Path("notebooks")
_OWN_PARAMETERS = ("workspace", "cycle")
_ALLOWED = {"horizon": range(1, 121), "strategy": strategies.NAMES}
_KINDS = {int: "a whole number", float: "a number", bool: "True or False", str: "a text"}


_OURS = ("its notebook", "its parameters", "sopkit itself")  # what a step rests on beside data


class Busy(RuntimeError):
    """Another run holds this cycle's lock; the message says whose it is."""


class StepFailed(RuntimeError):
    """A step's notebook raised; its page says why, the last good pack stays."""

    def __init__(self, step_name: str, reason: str, page: Path) -> None:
        self.step_name, self.reason, self.page = step_name, reason, page
        super().__init__(f"step {step_name} failed: {reason}")


@dataclass(frozen=True)
class Outcome:
    """What a run did: seconds of each step executed, steps unchanged, steps closed, the pack.

    ``waiting``: by closed step what has changed since, and waits until somebody reopens it.
    """

    cycle: pd.Timestamp
    seconds: dict[str, float] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()
    index: Path | None = None
    findings: pd.DataFrame | None = None
    closed: tuple[str, ...] = ()
    waiting: dict[str, list[str]] = field(default_factory=dict)
    is_approved: bool = False
    notes: tuple[str, ...] = ()


def _silent(step_name: str, cell: int, cells: int, words: str) -> None:
    """Progress that nobody watches."""


def _notebook_path(workspace: Path, name: str) -> Path:
    """The workspace's own notebook, else the package's."""
    own = workspace / NOTEBOOKS / f"{name}.ipynb"
    return own if own.is_file() else _package_notebooks() / f"{name}.ipynb"


def _package_notebooks() -> Path:
    """Folder of the notebooks that come with the package."""
    return Path(__file__).resolve().parent.parent / NOTEBOOKS


def parameters_of(notebook: Path) -> dict[str, object]:
    """Names and defaults of a notebook's parameters cell.

    Raises
    ------
    UsageError
        If the notebook has no cell tagged ``parameters``, or it holds more than literals.
    """
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if "parameters" in cell["metadata"].get("tags", []):
            body = ast.parse("".join(cell["source"])).body
            try:
                return {node.target.id: ast.literal_eval(node.value) for node in body}
            except (AttributeError, ValueError) as error:
                raise UsageError(
                    f"{notebook.name}: a line of the parameters cell is not `name: type = value`."
                ) from error
    raise UsageError(f"{notebook.name} has no cell tagged `parameters`.")


def settle_parameters(workspace: Path, given: dict[str, object]) -> dict[str, dict[str, object]]:
    """Parameters of each step: ``-p`` wins over ``company.yml``, that over the notebook's default.

    Raises
    ------
    UsageError
        If a name is no parameter of any notebook, or a value has the wrong type or range.
    SourceError
        If ``company.yml`` names no setting and no parameter, or ``exports.yml`` no extract.
    """
    store.export_forms(workspace)
    defaults = {s.name: parameters_of(_notebook_path(workspace, s.notebook)) for s in STEPS}
    known = {name for own in defaults.values() for name in own} - set(_OWN_PARAMETERS)
    options = store.settings(workspace)
    for name in options:
        if name not in known | set(schema.COMPANY):
            words = nearest(name, sorted(known | set(schema.COMPANY)))
            raise SourceError(f"company.yml: no setting {name!r}. {words}")
    for name in given:
        if name not in known:
            raise UsageError(f"no parameter {name!r}. {nearest(name, sorted(known))}")
    wanted = {name: value for name, value in options.items() if name in known} | given
    try:
        for own in defaults.values():
            for name in own.keys() & (wanted.keys() - given.keys()):
                _typed(name, wanted[name], own[name])
    except UsageError as error:
        raise SourceError(f"company.yml: {error}") from error
    return {
        name: {
            key: _typed(key, wanted.get(key, value), value)
            for key, value in own.items()
            if key not in _OWN_PARAMETERS
        }
        for name, own in defaults.items()
    }


def _typed(name: str, value: object, default: object) -> object:
    """The value in the type of the parameter's default; text from ``-p`` is read as a literal."""
    if isinstance(value, str) and not isinstance(default, str):
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            pass
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not type(default):
        raise UsageError(
            f"parameter {name}: {value!r} is not {_KINDS.get(type(default), type(default))}, "
            f"as its default {default!r} is."
        )
    allowed = _ALLOWED.get(name)
    if allowed is not None and value not in allowed:
        words = (
            f"{min(allowed)} to {max(allowed)}"
            if isinstance(allowed, range)
            else ", ".join(allowed)
        )
        raise UsageError(f"parameter {name}: {value!r} cannot be meant. Choose {words}.")
    return value


def resolve(workspace: Path, cycle: str | None) -> pd.Timestamp:
    """The cycle asked for, else the month after the last whole month of sales."""
    return months.parse_cycle(cycle) if cycle else store.default_cycle(workspace)


def run(
    workspace: Path,
    cycle: pd.Timestamp,
    *,
    start: str | None = None,
    only: str | None = None,
    parameters: dict[str, object] | None = None,
    progress: Callable[[str, int, int, str], None] = _silent,
) -> Outcome:
    """Run the cycle's steps and publish their tables and pages.

    Parameters
    ----------
    workspace : Path
        From ``store.open_workspace``.
    cycle : Timestamp
        Month in which the plan is made.
    start : str, optional
        Execute this step and all later ones anew, whatever has changed.
    only : str, optional
        Execute this step alone anew.
    parameters : dict, optional
        Notebook parameters that win over ``company.yml``.
    progress : callable
        Told ``step, cell, cells, words`` as the run goes on.

    Raises
    ------
    ContractError
        If the raw tables have a breach; nothing is written.
    StepFailed
        If a notebook raises; its page and executed notebook are kept, the last pack stays.
    Busy
        If another run holds the cycle.
    """
    settled = settle_parameters(workspace, parameters or {})
    anew = _anew(start, only)
    known = store.gates(workspace, cycle)
    kept = store.kept_closed(workspace, cycle)
    if approval.is_approved(known) and (anew or parameters):
        store.require_unapproved(workspace, cycle, "nothing was run")
    if approval.is_approved(known) and set(kept) == set(known):
        with lock(workspace, cycle):
            notes = packing.settle_closings(workspace, cycle)
        index = workspace / publication.REPORTS / months.label(cycle) / "index.html"
        return Outcome(cycle, closed=tuple(known), index=index, is_approved=True, notes=notes)
    _require_open(kept, anew)
    findings = store.raw_tables(workspace, cycle)[1]
    with lock(workspace, cycle):
        return _run_locked(workspace, cycle, settled, anew, only, findings, progress)


def _anew(start: str | None, only: str | None) -> set[str]:
    """Steps to execute whatever their hash says."""
    names = [known.name for known in STEPS]
    if start and only:
        raise UsageError("--from and --only exclude each other.")
    if only:
        return {step(only).name}
    return set(names[names.index(step(start).name) :]) if start else set()


def _require_open(closed: dict[str, approval.Gate], anew: set[str]) -> None:
    """Refuse to make a closed step anew."""
    for name in sorted(anew & closed.keys()):
        gate = closed[name]
        raise UsageError(
            f"{name} is closed (revision {gate.revision}, {gate.said}), so it is not run again. "
            f'To change it: sopkit reopen {name} --by NAME --note "why"'
        )


_HELD: set[tuple[Path, int]] = set()  # cycles that a thread of this process holds


@contextlib.contextmanager
def lock(workspace: Path, cycle: pd.Timestamp, what: str = "run") -> Iterator[None]:
    """Hold the cycle; a note beside the lock says who does, and stays where the run is cut.

    Who holds it already goes on holding it: a command may lock more than one of its parts.
    """
    import filelock

    mark = publication.lock_file(workspace, cycle), threading.get_ident()
    if mark in _HELD:
        yield
        return
    held = filelock.FileLock(publication.lock_file(workspace, cycle))
    try:
        held.acquire(timeout=0)
    except filelock.Timeout as error:
        raise Busy(_busy(cycle, publication.holder(workspace, cycle))) from error
    since = pd.Timestamp.now(tz="UTC").isoformat(sep=" ", timespec="minutes")
    who = {"process": os.getpid(), "host": platform.node(), "user": _user(), "since": since}
    who |= {"what": what}
    _HELD.add(mark)
    try:
        publication.settle(workspace, months.label(cycle))
        publication.note_holder(workspace, cycle, who)
        yield
    except (Exception, GeneratorExit):
        publication.note_holder(workspace, cycle, {})
        raise
    else:
        publication.note_holder(workspace, cycle, {})
    finally:
        _HELD.discard(mark)
        held.release()


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no such user, in a container
        return "somebody"


def _busy(cycle: pd.Timestamp, holder: dict) -> str:
    what = holder.get("what", "run")
    doing = "run" if what == "run" else f"changed (sopkit {what})"
    words = f"cycle {months.label(cycle)} is being {doing}"
    if not holder:
        return f"{words} by another process. Try again when it has ended."
    user, host, number = (holder.get(name, "unknown") for name in ("user", "host", "process"))
    when = str(holder.get("since", "some time")).replace("+00:00", " UTC")
    said = f"{words} by {user} on {host}, process {number}, since {when}."
    if host == platform.node():
        return f"{said} Wait until it ends, or stop that process."
    return (
        f"{said} Wait until it ends, or stop that process. Has {host} died? The file server ends "
        f"its lock after some minutes; else take away {publication.LOCKS}/"
        f"{months.label(cycle)}.lock by hand."
    )


def cut(workspace: Path) -> dict[str, str]:
    """Cycles whose last command was cut (a kill, a power failure), with what it was at."""
    import filelock

    found = {}
    for cycle, holder in publication.holders(workspace).items():
        held = filelock.FileLock(publication.lock_file(workspace, cycle))
        with contextlib.suppress(filelock.Timeout), held.acquire(timeout=0):
            what = holder.get("what", "run")
            at = f"the last run was cut at {holder.get('step', STEPS[0].name)}"
            found[months.label(cycle)] = at if what == "run" else f"sopkit {what} was cut"
    return found


def _run_locked(workspace, cycle, settled, anew, only, findings, progress) -> Outcome:
    from sopkit import kernels

    closed = store.kept_closed(workspace, cycle)  # once more, now that nobody else can close
    _require_open(closed, anew)
    publication.prepare(workspace, cycle)
    staged = publication.staging(workspace, cycle)
    record = publication.run_record(staged)
    _require_earlier(record, only)
    seconds: dict[str, float] = {}
    skipped: list[str] = []
    waiting: list = []
    try:
        for position, current in enumerate(STEPS):
            if current.name in closed:
                continue
            marks = _step_marks(workspace, current, cycle, settled[current.name])
            is_other = only is not None and current.name != only
            is_kept = is_other or _is_done(record, staged, current, _digest(marks))
            if current.name not in anew and is_kept:
                skipped.append(current.name)
                continue
            ahead = 2 if only is None and position + 1 < len(STEPS) else 1
            while len(waiting) < ahead:
                waiting.append(kernels.start(_home(workspace)))
            kernel = waiting.pop(0)
            publication.note_holder(workspace, cycle, {"step": current.name}, is_more=True)
            record = _without(record, current.name)  # until it is done, nothing of it is kept
            publication.write_record(staged, record)
            begun = time.monotonic()
            _execute(workspace, current, cycle, settled[current.name], kernel, progress)
            seconds[current.name] = time.monotonic() - begun
            record = _note(record, staged, current, marks, seconds[current.name], settled)
            publication.write_record(staged, record)
    finally:
        for kernel in waiting:
            kernels.stop(kernel)
    outcome = _finish(workspace, cycle, record, seconds, skipped, findings)
    notes = (*outcome.notes, *packing.settle_closings(workspace, cycle))
    waiting = {name: since_closed(workspace, cycle, name) for name in closed}
    return replace(outcome, closed=tuple(closed), notes=notes, waiting=waiting)


def _require_earlier(record: dict, only: str | None) -> None:
    """Refuse to run one step alone before the steps whose tables it reads."""
    names = [known.name for known in STEPS]
    for name in names[: names.index(only)] if only else []:
        if name not in record.get("steps", {}):
            raise UsageError(f"step {name} has not run yet. Run the whole cycle once: sopkit run")


def _without(record: dict, name: str) -> dict:
    """The run's record as if a step had not been done."""
    steps = {known: done for known, done in record.get("steps", {}).items() if known != name}
    return record | {"steps": steps}


def _made(workspace: Path, cycle: pd.Timestamp, record: dict) -> list[str]:
    """Steps that were done since the cycle was published, by this run or one that was cut."""
    before = publication.run_record(publication.folder(workspace, cycle)).get("steps", {})
    return [name for name, done in record.get("steps", {}).items() if before.get(name) != done]


def _finish(workspace, cycle, record, seconds, skipped, findings) -> Outcome:
    """Publish what was made; an unchanged cycle is left as it is."""
    reports, notes = workspace / publication.REPORTS, ()
    if made := _made(workspace, cycle, record):
        from sopkit.pages import pack

        folder = _staged_pages(workspace, cycle)
        grid = publication.staging(workspace, cycle) / "sop_grid.parquet"
        if grid.is_file():
            workbooks.write_grid(folder / pack.WORKBOOK, pd.read_parquet(grid))
        notes = packing.finish(workspace, cycle, folder, made)
        publication.publish(workspace, cycle, record)
    else:
        publication.discard(workspace, cycle)
        (reports / months.label(cycle) / "failed.html").unlink(missing_ok=True)
    packing.list_cycles(workspace)
    index = reports / months.label(cycle) / "index.html"
    return Outcome(cycle, seconds, tuple(skipped), index, findings, notes=notes)


def _home(workspace: Path) -> Path:
    """Folder in which notebooks run: the workspace's notebooks, where it has some."""
    own = workspace / NOTEBOOKS
    return own if own.is_dir() else workspace


def _staged_pages(workspace: Path, cycle: pd.Timestamp) -> Path:
    return workspace / publication.REPORTS / ".staging" / months.label(cycle)


def _step_marks(
    workspace: Path, current: Step, cycle: pd.Timestamp, parameters: dict[str, object]
) -> dict[str, str]:
    """A mark for each thing a step depends on."""
    return store.input_marks(workspace, current.name, cycle) | {
        _OURS[0]: publication.file_hash(_notebook_path(workspace, current.notebook)),
        _OURS[1]: repr(sorted(parameters.items())),
        _OURS[2]: store.code_hash(),
    }


def _digest(marks: dict[str, str]) -> str:
    """One hash of all marks."""
    return hashlib.sha256(json.dumps(marks, sort_keys=True).encode()).hexdigest()[:20]


def _is_done(record: dict, staged: Path, current: Step, mark: str) -> bool:
    """The step ran with this very hash and its files are as it left them."""
    done = record.get("steps", {}).get(current.name)
    if not done or done["hash"] != mark:
        return False
    paths = {name: staged / f"{name}.parquet" for name in current.writes}
    return all(
        path.is_file() and publication.file_hash(path) == done["files"][name]
        for name, path in paths.items()
    )


def _note(record, staged, current, marks, seconds, settled, mark=None) -> dict:
    """The run's record with one more step done; ``mark`` stands in for the hash of its inputs."""
    files = {name: publication.file_hash(staged / f"{name}.parquet") for name in current.writes}
    done = {
        "hash": _digest(marks) if mark is None else mark,
        "inputs": marks,
        "files": files,
        "seconds": round(seconds, 2),
        "parameters": settled[current.name],
        "finished_at": pd.Timestamp.now(tz="UTC").isoformat(timespec="seconds"),
    }
    steps = record.get("steps", {}) | {current.name: done}
    return {"steps": steps, "versions": packing.versions(), "git_commit": packing.git_commit()}


def _execute(workspace, current, cycle, parameters, kernel, progress) -> None:
    """Execute one step's notebook in a kernel of its own, and render its page."""
    import papermill
    from nbclient.exceptions import DeadKernelError

    from sopkit import kernels
    from sopkit.pages import pack

    target = _staged_pages(workspace, cycle)
    executed = target / "executed" / f"{current.notebook}.ipynb"
    executed.parent.mkdir(parents=True, exist_ok=True)
    values = {"workspace": str(workspace), "cycle": months.label(cycle)} | parameters
    kernels.watch(lambda cell, cells: progress(current.name, cell, cells, current.title))
    try:
        papermill.execute_notebook(
            _notebook_path(workspace, current.notebook),
            executed,
            parameters=values,
            engine_name=kernels.ENGINE,
            km=kernel,
            kernel_name="python3",
            progress_bar=False,
            cwd=_home(workspace),
        )
    except papermill.PapermillExecutionError as error:
        if error.ename == "KeyboardInterrupt":
            raise KeyboardInterrupt from error
        reason = f"{error.ename}: {error.evalue}"
        traceback = "\n".join(error.traceback)
        _fail(workspace, current, cycle, f"cell {error.exec_count}", reason, traceback, executed)
    except DeadKernelError as error:
        if isinstance(error.__context__, KeyboardInterrupt):  # the run was stopped, not the kernel
            raise KeyboardInterrupt from error
        reason = "the kernel died; it may have run out of memory"
        _fail(workspace, current, cycle, "unknown cell", reason, str(error), executed)
    except KeyboardInterrupt:
        kernels.hush()
        raise
    finally:
        kernels.stop(kernel)
    pack.write_page(executed, target, current, packing.imprint(workspace, cycle))


def _fail(workspace, current, cycle, cell, reason, traceback, executed) -> None:
    """Keep the evidence and say on a page what happened; the last good pack stays."""
    from sopkit.pages import pack

    folder = workspace / publication.REPORTS / months.label(cycle)
    folder.mkdir(parents=True, exist_ok=True)
    error = f"{reason}. The executed notebook with its error is kept at {executed}."
    page = pack.write_failure(
        folder,
        current,
        packing.imprint(workspace, cycle),
        cell=cell,
        error=error,
        traceback=traceback,
    )
    raise StepFailed(current.name, reason, page)


def status(workspace: Path) -> list[dict[str, str]]:
    """Each cycle's steps: when they ran, and whether what they rest on has changed since."""
    rows = []
    for cycle in publication.cycles(workspace):
        record, is_stale = publication.run_record(publication.folder(workspace, cycle)), False
        done_steps = record.get("steps", {})
        closed = store.kept_closed(workspace, cycle)
        is_over = approval.LAST in closed
        for current in STEPS:
            done = done_steps.get(current.name)
            if not done and record.get("origin"):
                continue  # a replay makes no more
            if gate := closed.get(current.name):
                words = "approved" if current.name == approval.LAST else "closed"
                said = gate.said.removeprefix(f"{gate.state} ")
                if not publication.is_intact(workspace, cycle, current.name):
                    said += "; its tables are not as they were closed: somebody changed them"
                elif waiting := [] if is_over else since_closed(workspace, cycle, current.name):
                    said += f"; changed since then, not in the plan: {', '.join(waiting)}"
                row = {"state": f"{words}, revision {gate.revision}", "finished_at": said}
                rows.append({"cycle": months.label(cycle), "step": current.name, **row})
                continue
            state = _state(workspace, cycle, current, done) if done else "not run"
            # what rests on a step that is out of date is so too
            state = "out of date" if is_stale and state == "up to date" else state
            is_stale = is_stale or state != "up to date"
            when = done["finished_at"] if done else ""
            label = months.label(cycle)
            rows.append({"cycle": label, "step": current.name, "state": state, "finished_at": when})
    return rows


def _state(workspace: Path, cycle: pd.Timestamp, current: Step, done: dict) -> str:
    if not done["hash"] or ":" in done["hash"]:
        return "replayed" if done["hash"] else "tables only"
    try:
        mark = _digest(_step_marks(workspace, current, cycle, done["parameters"]))
    except SourceError:
        return "cannot tell: sources unreachable"
    return "up to date" if done["hash"] == mark else "out of date"


def changed(workspace: Path, cycle: pd.Timestamp, current: Step, done: dict) -> list[str]:
    """What a step rests on that is no longer as it was when the step ran."""
    before, now = done.get("inputs", {}), _step_marks(workspace, current, cycle, done["parameters"])
    return sorted(name for name in before.keys() | now if before.get(name) != now.get(name))


def since_closed(workspace: Path, cycle: pd.Timestamp, name: str) -> list[str]:
    """What has changed since a step was closed, and waits until somebody reopens it."""
    record = publication.run_record(publication.folder(workspace, cycle))
    done = record.get("steps", {}).get(name)
    if done is None:
        return []  # its record was spoilt: nobody can tell
    things = [t for t in changed(workspace, cycle, step(name), done) if t not in _OURS]
    if name == STEPS[0].name:  # what it only lists is planned by the steps that read it themselves
        things = [t for t in things if t in THROUGH_DATA or t not in schema.RAW]
    return things


def forecast(
    workspace: Path,
    cycle: pd.Timestamp,
    *,
    horizon: int | None = None,
    workers: dict[str, object] | None = None,
) -> pd.DataFrame:
    """The demand step alone, without notebooks: its tables are published as a run would.

    Parameters
    ----------
    workspace : Path
        From ``store.open_workspace``.
    cycle : Timestamp
        Month in which the plan is made.
    horizon : int, optional
        Months ahead, exactly. Left out: ``company.yml``, never short of the next fiscal year's end.
    workers : dict, optional
        Who forecasts in parts: arguments of ``partitions.statistical``; left out: this process.

    Returns
    -------
    DataFrame
        What was written: table, rows, first and last month.
    """
    if workers is not None:
        partitions.require(workers["scheduler"])
    store.raw_tables(workspace, cycle)  # raises on a breach, before anything is written
    options = store.company(workspace).iloc[0]
    ahead = horizon or months.horizon(cycle, options["horizon"], options["fiscal_year_first_month"])
    given = {}
    if workers is not None:

        def by_workers(tables: dict, *, horizon: int) -> dict:
            path = store.current_file(workspace, "demand_history", cycle)
            return partitions.statistical(tables, horizon=horizon, path=path, **workers)

        given = {"demand_review": {"forecaster": by_workers}}
    own = {"data_review": {}, "demand_review": {"horizon": ahead}}
    return compute(workspace, cycle, own, given=given)


def compute(
    workspace: Path,
    cycle: pd.Timestamp,
    parameters: dict[str, dict[str, object]],
    *,
    raw: tuple | None = None,
    origin: str = "",
    given: dict[str, dict[str, object]] | None = None,
) -> pd.DataFrame:
    """Run steps without notebooks and publish their tables as a run would.

    Parameters
    ----------
    workspace : Path
        From ``store.open_workspace``.
    cycle : Timestamp
        Month in which the plan is made.
    parameters : dict
        Steps in the order of ``STEPS``, each with its parameters.
    raw : tuple, optional
        What ``store.raw_tables`` gave for the cycle; left out: read.
    origin : str
        Written into the run's record, where it was no run. What a run has left, finished or cut,
        is then not touched; steps that such an earlier computation made from the same inputs are
        left as they are.
    given : dict, optional
        What steps are handed beside their parameters; it changes how a step is made, not what.

    Returns
    -------
    DataFrame
        What was written: table, rows, first and last month; empty if nothing was.

    Raises
    ------
    Busy
        If a run holds the cycle.
    """
    nothing = pd.DataFrame(columns=["table", "rows", "first_month", "last_month"])
    with lock(workspace, cycle):
        if origin and has_run(workspace, cycle):
            return nothing
        store.require_unapproved(workspace, cycle, "nothing was made")
        _require_open(store.kept_closed(workspace, cycle), set(parameters))
        publication.prepare(workspace, cycle)
        staged = publication.staging(workspace, cycle)
        record, written = publication.run_record(staged), []
        for name, own in parameters.items():
            marks = _step_marks(workspace, step(name), cycle, own)
            mark = f"{origin}:{_digest(marks)}" if origin else ""
            if mark and _is_done(record, staged, step(name), mark):
                continue
            begun = time.monotonic()
            tables = store.inputs(workspace, name, cycle, raw=raw)
            handed = (given or {}).get(name, {})
            results = getattr(steps, name)(tables, cycle=cycle, **own, **handed)
            written.append(store.publish_step(workspace, name, cycle, results))
            seconds = time.monotonic() - begun
            record = _note(record, staged, step(name), marks, seconds, parameters, mark)
            record |= {"origin": origin} if origin else {}
        if not written:
            publication.discard(workspace, cycle)
            return nothing
        publication.publish(workspace, cycle, record)
    return pd.concat(written, ignore_index=True)


def has_run(workspace: Path, cycle: pd.Timestamp) -> bool:
    """Whether a run has left the cycle, finished or cut, so that no replay may touch it."""
    places = publication.folder(workspace, cycle), publication.staging(workspace, cycle)
    records = [publication.run_record(place) for place in places]
    return any(record and not record.get("origin") for record in records)
