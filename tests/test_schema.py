"""The vocabulary is whole: keys are columns, units are in names, defaults can be meant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sopkit import schema

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
        assert column.kind in {"text", "month", "date", "number", "flag"}
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


def _code() -> str:
    root = Path(schema.__file__).parent
    sample = {root / "schema.py", root / "sample.py", *(root / "northtrail").glob("*.py")}
    readers = [path for path in root.rglob("*.py") if path not in sample]
    readers += (root.parent / "notebooks").glob("*.ipynb")
    return "\n".join(path.read_text(encoding="utf-8") for path in readers)


def test_columns_said_to_be_unused_are_exactly_those_no_code_or_notebook_names():
    text = _code()
    columns = [column for table in RAW if table.is_used for column in table.columns]
    said = {column.name for column in columns if not column.is_used}
    assert {c.name for c in columns if not re.search(rf"\b{c.name}\b", text)} == said


def test_tables_said_to_be_unused_are_exactly_those_that_no_code_asks_for():
    text = _code()
    read = {t.name for t in RAW if re.search(rf'tables(\.get\(|\[)"{t.name}"', text)}
    assert {t.name for t in RAW if not t.is_used} == {t.name for t in RAW} - read


def test_settings_said_to_be_unused_are_exactly_those_that_no_code_names():
    text = _code()
    said = {name for name, setting in schema.COMPANY.items() if not setting.is_used}
    assert {n for n in schema.COMPANY if not re.search(rf"\b{n}\b", text)} == said


def test_a_standing_table_can_say_since_when_a_row_is_known():
    for table in RAW:
        assert ("known_month" in table.column_names) == (table.known == "standing"), table.name
