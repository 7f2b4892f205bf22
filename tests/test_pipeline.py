"""The whole road: raw tables in, six executed notebooks, a pack out; the same again, identical."""

from __future__ import annotations

import json
import shutil

import pandas as pd
import pytest

from sopkit import agenda, kernels, months, publication, sample, schema, store
from sopkit.__main__ import main
from sopkit.demand import hierarchy

pytestmark = pytest.mark.slow
CYCLE = pd.Timestamp("2026-01-01")


def _without_what_if(raw) -> None:
    """Take scenarios and levers out: they cost time, where they are not asked about."""
    shutil.rmtree(raw / "scenarios", ignore_errors=True)
    (raw / "levers.csv").unlink(missing_ok=True)


def test_a_run_writes_every_declared_table_and_page(sample_workspace):
    tables = {path.stem for path in publication.folder(sample_workspace, CYCLE).glob("*.parquet")}
    assert tables == {name for step in agenda.STEPS for name in step.writes}
    assert tables == set(schema.PROCESSED)
    reports = sample_workspace / "reports" / "2026-01"
    pages = {path.stem for path in reports.glob("*.html")}
    assert pages == {"index", *(step.notebook for step in agenda.STEPS)}
    assert (sample_workspace / "reports" / "index.html").is_file()
    assert 'href="sop_grid.xlsx"' in (reports / "index.html").read_text()
    assert (reports / "sop_grid.xlsx").is_file()
    assert not (sample_workspace / "data/processed/.staging/2026-01").exists()


def test_the_record_names_hashes_versions_and_seconds(sample_workspace):
    record = publication.run_record(publication.folder(sample_workspace, CYCLE))
    assert list(record["steps"]) == sorted(step.name for step in agenda.STEPS)
    for step in agenda.STEPS:
        done = record["steps"][step.name]
        assert set(done["files"]) == set(step.writes)
        assert done["seconds"] > 0
        for name, mark in done["files"].items():
            path = publication.folder(sample_workspace, CYCLE) / f"{name}.parquet"
            assert publication.file_hash(path) == mark
    assert record["versions"]["pandas"] == pd.__version__


def test_running_steps_again_gives_identical_tables_and_pages(sample_workspace, tmp_path):
    root = tmp_path / "again"
    shutil.copytree(sample_workspace, root)
    kernels.forget()  # another process, in which sets have another order
    assert main(["run", "--workspace", str(root), "--force"]) == 0
    for first in publication.folder(sample_workspace, CYCLE).glob("*.parquet"):
        assert first.read_bytes() == (publication.folder(root, CYCLE) / first.name).read_bytes(), (
            first
        )
    for first in (sample_workspace / "reports/2026-01").glob("*.html"):
        second = root / "reports/2026-01" / first.name
        assert first.read_text() == second.read_text(), first.name


def test_an_unchanged_run_executes_nothing(sample_workspace, tmp_path, capsys):
    root = tmp_path / "again"
    shutil.copytree(sample_workspace, root)
    before = publication.run_record(publication.folder(root, CYCLE))
    assert main(["run", "--workspace", str(root)]) == 0
    assert "unchanged, kept: data_review" in capsys.readouterr().out
    assert publication.run_record(publication.folder(root, CYCLE)) == before


def test_a_changed_parameter_runs_only_what_depends_on_it(sample_workspace, tmp_path, capsys):
    root = tmp_path / "level"
    shutil.copytree(sample_workspace, root)
    shutil.rmtree(root / "data/raw/scenarios")  # the data review does not read them
    assert main(["run", "--workspace", str(root), "-p", "strategy=level"]) == 0
    said = capsys.readouterr().out
    assert "unchanged, kept: data_review, product_review, demand_review" in said
    plan = store.read(root, "supply_plan", CYCLE)
    assert not plan.equals(store.read(sample_workspace, "supply_plan", CYCLE))


def test_the_next_cycle_shows_the_last_plan_and_its_error(sample_workspace, tmp_path, computed):
    root = tmp_path / "next"
    shutil.copytree(sample_workspace, root)
    sales = (root / "data/raw/sales.csv").read_text().splitlines()
    december = [line for line in sales if ",2025-12-01," in line]
    january = [line.replace("2025-12-01", "2026-01-01") for line in december]
    (root / "data/raw/sales.csv").write_text("\n".join([*sales, *january, ""]))
    with (root / "data/raw/rates.csv").open("a") as rates:
        rates.write("SEK,2026-01-01,actual,0.09\n")
    _without_what_if(root / "data/raw")
    later = pd.Timestamp("2026-02-01")
    computed(root, later)
    grid = store.read(root, "sop_grid", later)
    company = grid[(grid["family"] == "Company") & (grid["measure"] == "Sales")]
    last = company[company["row"] == "Last plan"].set_index("month")["amount"]
    units = store.read(root, "planning_units", CYCLE)
    plan = hierarchy.in_planning_units(store.read(root, "demand_plan", CYCLE), units)
    plan = plan.groupby("month")["consensus"].sum()
    assert last[CYCLE] == pytest.approx(plan[CYCLE])
    errors = store.read(root, "lag_accuracy", later)
    assert sorted(errors["lag"].unique()) == [-1, 0]
    assert (errors["cycles"] == 1).all()


def test_a_past_that_changed_is_shown_and_old_plans_still_add_up(tmp_path, computed):
    raw, december = tmp_path / "data/raw", pd.Timestamp("2025-12-01")
    sample.write(raw, cycle=december)
    _without_what_if(raw)
    computed(tmp_path, december)
    shutil.rmtree(raw)
    sample.write(raw)
    _without_what_if(raw)
    computed(tmp_path, CYCLE)
    only = ["--cycle", "2026-01", "--only", "data_review"]
    assert main(["run", "--workspace", str(tmp_path), *only]) == 0
    planted, found = sample.truths(), store.read(tmp_path, "restatements", CYCLE)
    kinds = found.set_index("kind")
    assert sorted(kinds.index) == ["closed month", "department", "family", "item code"]
    changed = kinds.loc["closed month"]
    assert {changed["subject"]} == set(planted["restated"]["item"])
    assert changed["month"] == planted["restated"]["month"].iloc[0]
    page = (tmp_path / "reports/2026-01/01_data_review.html").read_text()
    for subject in kinds["subject"]:
        assert subject in page
    grid = store.read(tmp_path, "sop_grid", CYCLE)
    last = grid[(grid["row"] == "Last plan") & (grid["measure"] == "Sales")]
    last = last.pivot(index="family", columns="month", values="amount")
    company = last.loc["Company"]
    assert last.drop("Company").sum().to_numpy() == pytest.approx(company.to_numpy())
    units = store.read(tmp_path, "planning_units", december)
    then = hierarchy.in_planning_units(store.read(tmp_path, "demand_plan", december), units)
    by_month = then.groupby("month")["consensus"].sum()
    assert company.to_numpy() == pytest.approx(by_month[company.index].to_numpy())
    today = store.inputs(tmp_path, "demand_review", CYCLE)["items"].set_index("item")["family"]
    moved = kinds.loc["family", "subject"]
    own = then[then["item"].map(today).eq(today[moved]) & then["item"].ne(moved)]
    without = own.groupby("month")["consensus"].sum()
    assert (last.loc[today[moved]] > without[last.columns] + 1.0).any()


def test_a_company_with_only_sales_gets_its_whole_pack(sales_only):
    assert main(["run", "--workspace", str(sales_only)]) == 0
    plan = store.read(sales_only, "demand_plan", CYCLE)
    assert set(plan["item"]) == {"NA", "00123"}
    assert plan["consensus"].gt(0).all()
    page = (sales_only / "reports/2026-01/05_reconciliation.html").read_text()
    assert "budget" in page and 'class="missing"' in page
    assert "units (no price is known)" in page


def test_a_failing_notebook_keeps_the_last_pack_and_says_why(sample_workspace, tmp_path, capsys):
    root = tmp_path / "broken"
    shutil.copytree(sample_workspace, root)
    notebooks = root / "notebooks"
    shutil.copytree(store.Path(__file__).parent.parent / "notebooks", notebooks)
    path = notebooks / "06_executive_review.ipynb"
    content = json.loads(path.read_text())
    content["cells"][3]["source"] = "raise ValueError('the last step is broken')"
    content["cells"][3]["cell_type"] = "code"
    content["cells"][3] |= {"outputs": [], "execution_count": None}
    path.write_text(json.dumps(content))
    before = (root / "reports/2026-01/06_executive_review.html").read_bytes()
    assert main(["run", "--workspace", str(root)]) == 1
    said = capsys.readouterr().err
    assert "step executive_review failed" in said and "the last step is broken" in said
    assert "Traceback" not in said
    assert (root / "reports/2026-01/06_executive_review.html").read_bytes() == before
    assert "the last step is broken" in (root / "reports/2026-01/failed.html").read_text()
    shutil.rmtree(notebooks)
    assert main(["run", "--workspace", str(root)]) == 0
    assert not (root / "reports/2026-01/failed.html").exists()


def test_months_follow_the_sample(sample_workspace):
    assert store.default_cycle(sample_workspace) == CYCLE
    assert publication.cycles(sample_workspace) == [CYCLE]
    plan = store.read(sample_workspace, "demand_plan", CYCLE)
    assert plan["month"].nunique() == months.horizon(CYCLE, 18)
