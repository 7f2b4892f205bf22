"""The vocabulary is whole: keys are columns, units are in names, defaults can be meant."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from sopkit import agenda, data_meeting, schema, steps, store

RAW = list(schema.RAW.values())
PROCESSED = list(schema.PROCESSED.values())


@pytest.mark.parametrize("table", RAW, ids=lambda table: table.name)
def test_a_raw_table_names_each_column_once_and_explains_it(table):
    assert len(set(table.column_names)) == len(table.columns)
    assert set(table.key) <= set(table.column_names)
    assert {name for names in table.one_of for name in names} <= set(table.column_names)
    assert all(column.meaning for column in table.columns)
    assert table.meaning and table.group
    assert table.known in {"measured", "snapshot", "dated", "standing"}


@pytest.mark.parametrize("table", RAW, ids=lambda table: table.name)
def test_the_kind_of_a_column_agrees_with_its_name(table):
    for column in table.columns:
        assert column.kind in {"text", "month", "date", "time", "number", "flag"}
        assert column.name.startswith("is_") == (column.kind == "flag"), column.name
        if column.name.endswith(("_value", "_hours", "_days", "_months", "_rate", "_share")):
            assert column.kind == "number", column.name
        if column.name.endswith("_month") or column.name in ("month", "cycle", "quarter"):
            assert column.kind == "month", column.name


@pytest.mark.parametrize("table", PROCESSED, ids=lambda table: table.name)
def test_the_key_of_a_processed_table_is_among_its_columns(table):
    assert set(table.key) <= set(table.columns)
    assert len(set(table.columns)) == len(table.columns)
    assert table.meaning


def test_only_sales_units_may_be_negative_and_a_share_ends_at_one():
    assert schema.RAW["sales"].column("quantity").minimum is None
    assert schema.RAW["inventory"].column("on_hand").minimum == 0.0
    assert schema.RAW["channels"].column("contract_rate").maximum == 1.0


def test_the_sample_company_uses_no_column_the_schema_lacks(sample_raw):
    strangers = {
        name: sorted(set(frame) - set(schema.RAW[name].column_names))
        for name, frame in sample_raw.items()
    }
    assert {name: columns for name, columns in strangers.items() if columns} == {}


def test_every_setting_of_company_yml_has_a_default_and_a_meaning():
    assert all(setting.meaning for setting in schema.COMPANY.values())
    assert schema.COMPANY["horizon"].default == 18
    assert schema.COMPANY["tolerance_rate"].default == 0.01


# nobody reads them, but sentences hold the word
_ALSO_WORDS = {"test", "meetings", "model", "parameters"}


def _texts() -> set[str]:
    """Words of every string that a calculation or a notebook holds; docstrings and checks apart."""
    root = Path(schema.__file__).parent
    apart = {root / f"{name}.py" for name in ("schema", "sample", "contract", "across")}
    paths = set(root.rglob("*.py")) - apart - set((root / "northtrail").glob("*.py"))
    codes = [path.read_text(encoding="utf-8") for path in paths]
    for path in (root.parent / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        codes += ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    words = set()
    for code in codes:
        tree = ast.parse(code)
        docs = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
        texts = [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and id(n) not in docs]
        words |= {w for n in texts if isinstance(n.value, str) for w in re.findall(r"\w+", n.value)}
    return words


def test_columns_said_to_be_unused_are_exactly_those_no_code_or_notebook_names():
    words = _texts()
    columns = [column for table in RAW if table.is_used for column in table.columns]
    said = {column.name for column in columns if not column.is_used}
    assert {column.name for column in columns} - words == said - _ALSO_WORDS


def test_tables_said_to_be_unused_are_exactly_those_that_no_step_asks_for():
    code = Path(steps.__file__).read_text(encoding="utf-8")
    code += Path(store.__file__).read_text(encoding="utf-8")
    code += Path(data_meeting.__file__).read_text(encoding="utf-8")
    read = {t.name for t in RAW if re.search(rf'"{t.name}"', code)}
    read |= {name for step in agenda.STEPS for name in step.raw if step.name != "data_review"}
    assert {t.name for t in RAW if not t.is_used} == {t.name for t in RAW} - read


def test_settings_said_to_be_unused_are_exactly_those_that_no_code_names():
    said = {name for name, setting in schema.COMPANY.items() if not setting.is_used}
    checked_alone = {"tolerance_rate"}
    assert set(schema.COMPANY) - _texts() - checked_alone == said - _ALSO_WORDS


def test_a_standing_table_can_say_since_when_a_row_is_known():
    for table in RAW:
        assert ("known_month" in table.column_names) == (table.known == "standing"), table.name
