"""exports.yml: what the ERP calls the columns, and what is said of a file that cannot be meant."""

from __future__ import annotations

import re

import pytest
import yaml

from sopkit import exports, sources
from sopkit.extracts import EXTRACTS


def _said(tmp_path, text: str):
    (tmp_path / sources.EXPORTS).write_text(text, encoding="utf-8")
    return sources.export_forms(tmp_path)


def test_without_the_file_every_column_keeps_our_name(tmp_path):
    forms = sources.export_forms(tmp_path)
    assert list(forms) == list(EXTRACTS)
    for name, form in forms.items():
        assert form.columns == {column: column for column in EXTRACTS[name].columns}
        assert form.signs == (",", ".") and form.date_format == "YYYY-MM-DD"


def test_columns_come_in_the_order_said_and_all_holds_where_an_extract_is_silent(tmp_path):
    forms = _said(
        tmp_path,
        "all: {decimal: comma, separator: semicolon}\n"
        "sales:\n  columns: {month: PERIOD, item: ' MATERIAL ', quantity:}\n"
        "finance: {separator: tab, date_format: YYYYMM}\nproduct:\n",
    )
    columns = list(forms["sales"].columns.items())
    assert columns == [("month", "PERIOD"), ("item", "MATERIAL"), ("quantity", "quantity")]
    assert forms["sales"].signs == (";", ",")
    assert forms["finance"].signs == ("\t", ",") and forms["finance"].date_format == "YYYYMM"
    assert list(forms["product"].columns) == list(EXTRACTS["product"].columns)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sale: {}", "exports.yml: no extract 'sale'. Did you mean 'sales'"),
        ("sales: [item]", "sales: write lines of `name: value`"),
        ("sales: {colums: {}}", "sales: no setting 'colums'. Did you mean 'columns'"),
        ("all: {columns: {item: A}}", "all: no setting 'columns'"),
        ("sales: {columns: {itm: A}}", "sales: columns: no column 'itm'. Did you mean 'item'"),
        ("sales: {columns: {}}", "columns: write lines of `our name: ERP's name`"),
        ("sales: {columns: {item: 7}}", "item: 7 is no text. Write a name, in quotes."),
        ("sales: {columns: {item: ' '}}", "item: ' ' is no text"),
        (
            "sales: {columns: {item: Code, family: CODE}}",
            "item and family both become 'Code'. Give each its own.",
        ),
        ("sales: {columns: {item: , family: item}}", "item and family both become 'item'"),
        ("sales: {separator: semi}", "separator: 'semi'? Did you mean 'semicolon'"),
        ("sales: {decimal: [1]}", "decimal: [1]?"),
        ("sales: {decimal: comma}", "a comma cannot stand both between values and before"),
        ("sales: {date_format: '%Y'}", "date_format: '%Y'? Write it with YYYY, MM and DD"),
        ("sales: {date_format: DD.YYYY}", "date_format: 'DD.YYYY'?"),
        ("sales: {date_format: MM.MM.YYYY}", "date_format: 'MM.MM.YYYY'?"),
        ("sales: {date_format: 2026}", "date_format: 2026?"),
        ("sales: {}\nsales: {}", "sales stands there twice"),
    ],
)
def test_what_cannot_be_meant_names_the_file_the_key_and_what_to_write(tmp_path, text, words):
    with pytest.raises(sources.SourceError, match=re.escape(words)) as raised:
        _said(tmp_path, text)
    assert str(raised.value).startswith("exports.yml: ")


def test_the_file_is_no_stranger_in_data_raw(tmp_path):
    (tmp_path / "exports.yml").write_text("all: {separator: tab}\n")
    assert sources.strangers(tmp_path) == []


def test_the_dictionarys_example_is_sound_and_every_column_is_told():
    text = exports.described()
    example = yaml.safe_load(re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1])
    assert exports.problem(example) == ""
    assert exports.settled(example)["sales"].columns["item"] == "MATERIAL"
    for name, extract in EXTRACTS.items():
        part = text.split(f"### Extract {name}\n")[1].split("###")[0]
        assert re.findall(r"\| (\w+) \|", part)[1:] == list(extract.columns)
