"""One step's notebook: executed in a kernel of its own, its page rendered, its failure told."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sopkit import months, packing, publication
from sopkit.parameters import NOTEBOOKS, notebook_path


class StepFailed(RuntimeError):
    """A step's notebook raised; its page says why, the last good pack stays."""

    def __init__(self, step_name: str, reason: str, page: Path) -> None:
        self.step_name, self.reason, self.page = step_name, reason, page
        super().__init__(f"step {step_name} failed: {reason}")


def execute(workspace, current, cycle, parameters, kernel, progress) -> None:
    """Execute one step's notebook in a kernel of its own, and render its page."""
    import papermill
    from nbclient.exceptions import DeadKernelError

    from sopkit import kernels
    from sopkit.pages import pack

    target = staged_pages(workspace, cycle)
    executed = target / "executed" / f"{current.notebook}.ipynb"
    executed.parent.mkdir(parents=True, exist_ok=True)
    values = {"workspace": str(workspace), "cycle": months.label(cycle)} | parameters
    kernels.watch(lambda cell, cells: progress(current.name, cell, cells, current.title))
    try:
        papermill.execute_notebook(
            notebook_path(workspace, current.notebook),
            executed,
            parameters=values,
            engine_name=kernels.ENGINE,
            km=kernel,
            kernel_name="python3",
            progress_bar=False,
            cwd=home(workspace),
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


def home(workspace: Path) -> Path:
    """Folder in which notebooks run: the workspace's notebooks, where it has some."""
    own = workspace / NOTEBOOKS
    return own if own.is_dir() else workspace


def staged_pages(workspace: Path, cycle: pd.Timestamp) -> Path:
    """Where a cycle's pages wait for publication; survives a failed run."""
    return workspace / publication.REPORTS / ".staging" / months.label(cycle)
