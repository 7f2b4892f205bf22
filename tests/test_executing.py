"""Steps that fail: what their page, their notebook and their exception say, and who hears of it."""

from __future__ import annotations

import nbformat
import pandas as pd
import pytest

from sopkit import executing, kernels, publication
from sopkit.agenda import STEPS

CYCLE = pd.Timestamp("2026-01-01")
SAID = "breach: sales.quantity: not a number (2 rows, first: row 5) Write 12.5."


@pytest.fixture(scope="module", autouse=True)
def light():
    """Kernels that import nothing in advance: these notebooks need nothing."""
    before, kernels._READY = kernels._READY, ["ipykernel.kernelapp"]
    kernels.forget()
    yield
    kernels._READY = before
    kernels.forget()


@pytest.fixture
def failed(sales_only):
    """``failed(code)``: how a step ends whose notebook's third cell holds that code."""

    def run(code: str) -> executing.StepFailed:
        parameters = nbformat.v4.new_code_cell('workspace: str = "."\ncycle: str = ""')
        parameters.metadata["tags"] = ["parameters"]
        cells = [nbformat.v4.new_markdown_cell("# Data"), parameters]
        cells += [nbformat.v4.new_code_cell(f"# look\n{code}"), nbformat.v4.new_code_cell("1")]
        folder = sales_only / "notebooks"
        folder.mkdir(exist_ok=True)
        nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "01_data_review.ipynb")
        kernel = kernels.start(folder)
        with pytest.raises(executing.StepFailed) as stopped:
            executing.execute(
                sales_only, STEPS[0], CYCLE, {}, kernel, progress=lambda event, **facts: None
            )
        return stopped.value

    return run


def _kept(root) -> nbformat.NotebookNode:
    """What the cell that failed left in the executed notebook."""
    path = executing.staged_pages(root, CYCLE) / "executed/01_data_review.ipynb"
    cells = nbformat.read(path, as_version=4).cells
    return next(output for cell in cells for output in cell.get("outputs", []))


def test_a_cell_that_raises_is_named_with_its_line_and_the_rows_it_names(failed, sales_only):
    said = failed(f"class ContractError(ValueError): ...\nraise ContractError({SAID!r})")
    assert (said.step_name, said.cell, said.line) == ("data_review", 3, "# look")
    page = said.page.read_text(encoding="utf-8")
    assert "<b>data_review</b> stopped at cell 3" in page and "<code># look</code>" in page
    assert "<th>sales.quantity</th><td>not a number</td><td>2 rows</td><td>row 5</td>" in page
    assert f"sopkit run --workspace {sales_only} --cycle 2026-01</pre>" in page
    link = "../.staging/2026-01/executed/01_data_review.ipynb"
    assert f'href="{link}"' in page and (said.page.parent / link).is_file()
    assert _kept(sales_only).ename == "ContractError"
    noted = publication.failures(sales_only)[CYCLE]
    assert (noted["step"], noted["cell"]) == ("data_review", 3) and SAID in noted["reason"]


def test_a_step_that_takes_too_long_is_stopped_for_good_and_says_how_to_give_more(
    failed, sales_only
):
    rule = "timeout_minutes: {default: 60, data_review: 0.02}\n"
    (sales_only / "data/raw/company.yml").write_text(rule)
    said = failed("import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(600)")
    words = "cell 3 ran longer than 0.02 minutes, so the step was stopped"
    assert said.reason == words and _kept(sales_only).evalue == words
    assert "timeout_minutes: {data_review: 0.04}" in said.page.read_text(encoding="utf-8")
    pid = (sales_only / "notebooks/pid").read_text()
    assert not executing.Path(f"/proc/{pid}/stat").is_file()


@pytest.mark.parametrize(
    ("number", "words"), [("KILL", "was killed (SIGKILL)"), ("SEGV", "crashed (SIGSEGV)")]
)
def test_a_kernel_that_dies_says_how_and_where(failed, sales_only, number, words):
    said = failed(f"import os, signal\nos.kill(os.getpid(), signal.SIG{number})")
    assert said.reason.startswith(f"its kernel {words}") and "GB at most" in said.reason
    assert said.cell == 3 and "journalctl" in said.page.read_text() or number == "SEGV"
    assert _kept(sales_only).evalue == said.reason
