"""Other people's data: nothing is run, obeyed, followed out of the workspace or repeated."""

from __future__ import annotations

import json
import pickle
import re
import shutil
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sopkit import cells, cycle, files, filled, packing, parameters, sources, store
from sopkit.__main__ import main

ROOT = Path(__file__).resolve().parent.parent
MONTH = pd.Timestamp("2026-01-01")


def test_nothing_of_the_package_loads_what_could_run():
    """No pickle, no eval, no shell, no YAML but the safe one."""
    risky = re.compile(
        r"pickle|allow_pickle|shell=True|os\.system|(?<![\w.])(eval|exec)\(|yaml\.(load|unsafe_load)\("
    )
    found = [
        (path.name, line)
        for path in sorted((ROOT / "sopkit").rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if risky.search(line)
    ]
    assert found == []


class _Runs:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


def test_a_parquet_file_with_an_object_of_python_in_it_runs_nothing(tmp_path):
    bait = {
        "ARROW:extension:name": "arrow.py_extension_type",
        "ARROW:extension:metadata": pickle.dumps(_Runs(tmp_path / "ran")).decode("latin-1"),
    }
    column = pa.field("item", pa.string(), metadata=bait)
    pq.write_table(pa.table([["A"]], schema=pa.schema([column])), tmp_path / "sales.parquet")
    assert files.read_parquet(tmp_path / "sales.parquet")["item"].tolist() == ["A"]
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("read", [files.require_bearable, lambda path: filled.read(path, {})])
def test_a_workbook_that_would_fill_the_memory_is_refused_unopened(tmp_path, read):
    path = tmp_path / "Sales.xlsx"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("xl/worksheets/sheet1.xml", "<x/>")
        packed.filelist[-1].file_size = 4_000_000_000
    with pytest.raises(sources.SourceError, match=r"Sales\.xlsx: unpacked it would fill 4,000 MB"):
        read(path)


@pytest.mark.parametrize(
    "before", ["", " ", "\t", "\r", "\n", "\u00a0", "\u3000", "\u200b", "\ufeff"]
)
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_no_space_hides_a_formula_from_a_spreadsheet(before, sign):
    assert cells.harmless(f"{before}{sign}cmd|'/C calc'!A0").startswith("'")
    assert cells.harmless(" -5") == " -5" and cells.harmless("A = 1") == "A = 1"


@pytest.mark.parametrize("name", ["con", "NUL", "Com1", "lpt9"])
def test_a_name_that_windows_keeps_for_a_device_names_no_file(name):
    assert store.file_word(name) == f"{name}_"


@pytest.mark.parametrize("table", ["overrides", "scenarios"])
def test_a_folder_that_leads_out_of_the_workspace_is_neither_read_nor_written(
    sales_only, tmp_path, table, capsys
):
    outside = tmp_path / "outside"
    outside.mkdir()
    (sales_only / "data/raw" / table).symlink_to(outside)
    if table == "overrides":
        said = pd.DataFrame({"item": ["NA"], "month": [MONTH], "kind": ["set"], "reason": ["x"]})
        with pytest.raises(sources.SourceError, match="overrides: a link to a file outside"):
            store.add(sales_only, table, said.assign(quantity=5.0), cycle=MONTH, author="Ada")
    assert main(["check", "--workspace", str(sales_only)]) == 1
    assert f"{table}: a link to a file outside the workspace" in "".join(capsys.readouterr())
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(
    "words", ["../..", "2026-01/../..", "/etc", "2026-01\0", "con", "２０２６-01"]
)
def test_no_cycle_leads_out_of_the_workspace(sales_only, words, capsys):
    before = sorted(sales_only.parent.rglob("*"))
    for command in ("run", "check", "forecast"):
        assert main([command, "--workspace", str(sales_only), "--cycle", words]) == 2
    assert "Write it as YYYY-MM" in capsys.readouterr().err
    assert sorted(sales_only.parent.rglob("*")) == before


def test_what_a_variable_holds_is_in_no_message_and_no_file(sales_only, monkeypatch, capfd):
    monkeypatch.setenv("PLACE", "/canary-7731")
    text = "files: {p: '${PLACE}/p.csv'}\ntables: {prices: SELECT * FROM p}\n"
    (sales_only / "data/raw/sources.yml").write_text(text)
    assert main(["check", "--workspace", str(sales_only)]) == 1
    said = "".join(capfd.readouterr())
    assert "prices: sources.yml: the file 'p' is not at ${PLACE}/p.csv" in said
    written = [path.read_bytes() for path in sales_only.rglob("*") if path.is_file()]
    assert "canary-7731" not in said and not any(b"canary-7731" in text for text in written)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM 'https://example.org/x.csv'",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_blob('/etc/passwd')",
        "SELECT * FROM sqlite_scan('/etc/passwd', 't')",
        "WITH x AS (SELECT 1) COPY x TO '/tmp/stolen.csv'",
        "SELECT 1; INSTALL httpfs",
        "INSTALL httpfs",
        "SELECT * FROM query('INSTALL httpfs')",
    ],
)
def test_a_select_over_files_reaches_neither_disk_nor_network(sales_only, query, capsys):
    lines = json.dumps({"tables": {"prices": query}})  # JSON is YAML
    (sales_only / "data/raw/sources.yml").write_text(lines)
    assert main(["check", "--workspace", str(sales_only)]) == 1
    said = "".join(capsys.readouterr())
    assert "prices: sources.yml: prices: " in said and "root:" not in said


def test_a_notebook_of_the_workspace_is_code_and_a_run_says_so(sales_only):
    assert parameters.own_notebooks(sales_only) == []
    own = sales_only / "notebooks/01_data_review.ipynb"
    own.parent.mkdir()
    shutil.copy(ROOT / "notebooks/01_data_review.ipynb", own)
    content = json.loads(own.read_text())
    content["metadata"]["saved_by"] = "JupyterLab"
    own.write_text(json.dumps(content))
    assert parameters.own_notebooks(sales_only) == []  # the same cells
    content["cells"][-1]["source"] = "import os"
    own.write_text(json.dumps(content))
    assert parameters.own_notebooks(sales_only) == ["01_data_review"]
    assert "with the workspace's own 01_data_review" in packing.imprint(sales_only, MONTH).version
    said = cycle._foreign(["01_data_review"])[0]
    assert said.startswith("notebooks/01_data_review.ipynb differs from the package's")


def test_jupyterlab_listens_to_this_machine_alone_and_keeps_its_token():
    lines = (ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    started = [line for line in lines if "jupyter lab" in line]
    assert started and all("--ip=127.0.0.1" in line for line in started)
    assert not any(re.search("token|password|allow_origin|0\\.0\\.0\\.0", line) for line in started)
