"""Files and SELECTs become raw tables as they were written, or say what to do."""

from __future__ import annotations

import openpyxl
import pandas as pd
import pytest
import yaml

from sopkit import contract, files, schema, sources

CYCLE = pd.Timestamp("2026-01-01")
HEADER = "item,month,quantity\n"


@pytest.fixture
def write(tmp_path):
    """``write("sales.csv", text or bytes)``: the path of the file made."""

    def make(name: str, content: str | bytes):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return make


@pytest.fixture
def select(tmp_path, write):
    """``select(query, **files)``: what a SELECT of sources.yml gives for `sales`."""

    def run(query: str, cycle: pd.Timestamp | None = CYCLE, **files) -> pd.DataFrame:
        content = {"files": {k: str(v) for k, v in files.items()}, "tables": {"sales": query}}
        path = write("sources.yml", yaml.safe_dump(content))
        return sources.read(path, "sales", cycle)[0]

    return run


def read(path, name: str = "sales") -> pd.DataFrame:
    return sources.read(path, name, CYCLE)[0]


# (1) by hand


def test_a_csv_is_read_as_text_na_and_00123_and_blanks_kept(write):
    path = write("sales.csv", HEADER + "NA,2025-01,1\n00123,2025-02,\n")
    frame, source = sources.read(path, "sales", CYCLE)
    assert frame["item"].tolist() == ["NA", "00123"]
    assert frame["quantity"].tolist() == ["1", ""]
    assert (source.label, source.row(0)) == ("data/raw/sales.csv", "line 2")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_header_tells_the_separator(write, separator):
    lines = [["item", "month", "quantity"], ["A", "2025-01", "1"]]
    path = write("sales.csv", "\n".join(separator.join(line) for line in lines))
    assert read(path).to_dict("records") == [{"item": "A", "month": "2025-01", "quantity": "1"}]


def test_a_decimal_comma_in_a_semicolon_file_reaches_the_contract_as_written(write):
    path = write("sales.csv", "item;month;quantity\nA;2025-01;1,5\n")
    assert read(path)["quantity"].tolist() == ["1,5"]


def test_a_byte_order_mark_is_no_part_of_the_first_column(write):
    path = write("sales.csv", b"\xef\xbb\xbf" + HEADER.encode() + b"A,2025-01,1\n")
    assert list(read(path)) == ["item", "month", "quantity"]


def test_a_quoted_cell_may_hold_the_separator_and_a_line_break_counts_as_one_row(write):
    path = write("items.csv", 'item,description\nA,"Tent, green"\nB,"two\nlines"\n')
    assert read(path, "items")["description"].tolist() == ["Tent, green", "two\nlines"]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".parquet"])
def test_csv_excel_and_parquet_give_the_same_typed_table(tmp_path, tiny_sales, suffix):
    path = tmp_path / f"sales{suffix}"
    plain = tiny_sales[[*schema.SERIES_MONTH, "quantity", "revenue_value"]]
    if suffix == ".csv":
        plain.to_csv(path, index=False)
    elif suffix == ".xlsx":
        plain.to_excel(path, index=False)
    else:
        plain.to_parquet(path, index=False)
    checked = contract.check_table("sales", *sources.read(path, "sales", CYCLE))
    assert checked.findings == []
    pd.testing.assert_frame_equal(checked.frame[list(plain)], plain)


def test_a_workbook_keeps_texts_numbers_and_blanks_apart(tmp_path):
    path = tmp_path / "sales.xlsx"
    pd.DataFrame(
        {
            "item": ["00123", "NA", 417],
            "month": ["2025-01"] * 3,
            "quantity": [1, 2.5, 3],
            "revenue_value": [1.234, None, 5.678],
        }
    ).to_excel(path, index=False)
    frame, source = sources.read(path, "sales", CYCLE)
    checked = contract.check_table("sales", frame, source)
    assert checked.findings == []
    assert checked.frame["item"].tolist() == ["00123", "NA", "417"]
    assert checked.frame["revenue_value"].fillna(-1).tolist() == [1.234, -1, 5.678]
    assert source.row(0) == "row 2"
    assert source.label == "data/raw/sales.xlsx, sheet Sheet1"


def test_a_workbook_gives_the_sheet_of_the_tables_name_else_its_first(tmp_path):
    path = tmp_path / "sales.xlsx"
    for sheets, wanted in ((["Notes", "Sales"], "Sales"), (["Data", "Notes"], "Data")):
        with pd.ExcelWriter(path) as writer:
            for sheet in sheets:
                pd.DataFrame({"item": [f"from {sheet}"]}).to_excel(
                    writer, sheet_name=sheet, index=False
                )
        frame, source = sources.read(path, "sales", CYCLE)
        assert frame["item"].tolist() == [f"from {wanted}"]
        assert source.label == f"data/raw/sales.xlsx, sheet {wanted}"


def test_excels_unicode_text_is_read(write, select):
    text = "item\tmonth\tquantity\nKäse\t2025-01\t1\n"
    path = write("sales.csv", text.encode("utf-16"))
    assert read(path)["item"].tolist() == ["Käse"]
    assert select("SELECT * FROM extract", extract=path)["item"].tolist() == ["Käse"]


def _checked(path, name: str = "sales") -> contract.Checked:
    return contract.check_table(name, *sources.read(path, name, CYCLE))


FORMATS = "formats:\n  all: {dates: day_first, decimal: comma}\n"


def test_a_semicolon_file_with_decimal_commas_is_read_as_formats_say(write):
    path = write("sales.csv", "item;date;quantity\n00123;31.12.2025;1.234,5\nNA;2025-03-04;7\n")
    found = " ".join(finding.remedy for finding in _checked(path).findings)
    assert "formats: {sales: {dates: day_first}}" in found
    assert "formats: {sales: {decimal: comma}}" in found
    write("sources.yml", FORMATS)
    checked = _checked(path)
    assert checked.findings == []
    assert checked.frame["quantity"].tolist() == [1234.5, 7.0]
    assert checked.frame["date"].dt.strftime("%Y-%m-%d").tolist() == ["2025-12-31", "2025-03-04"]


def test_a_tables_own_format_wins_over_that_of_all(write):
    path = write("sales.csv", "item;date;quantity\nA;12/31/2025;1,5\n")
    write("sources.yml", FORMATS + "  sales: {dates: month_first}\n")
    checked = _checked(path)
    assert checked.findings == []
    assert checked.frame["date"].tolist() == [pd.Timestamp("2025-12-31")]
    assert checked.frame["quantity"].tolist() == [1.5]


def test_formats_apply_to_texts_of_a_workbook_and_leave_its_numbers(tmp_path, write):
    path = tmp_path / "sales.xlsx"
    dates = ["31.12.2025", pd.Timestamp("2025-03-04")]
    frame = pd.DataFrame({"item": "A", "date": dates, "quantity": ["1.234,5", 1.234]})
    frame.to_excel(path, index=False)
    write("sources.yml", FORMATS)
    checked = _checked(path)
    assert checked.findings == []
    assert checked.frame["quantity"].tolist() == [1234.5, 1.234]
    assert checked.frame["date"].dt.strftime("%Y-%m-%d").tolist() == ["2025-12-31", "2025-03-04"]


def test_formats_apply_to_texts_of_a_select_and_leave_its_numbers(write):
    query = "SELECT 'A' AS item, '01.12.2025' AS date, 1.234 AS quantity, '1,5' AS revenue_value"
    path = write("sources.yml", yaml.safe_dump({"tables": {"sales": query}}))
    assert "strptime(d" in " ".join(finding.remedy for finding in _checked(path).findings)
    write("sources.yml", path.read_text() + FORMATS)
    checked = _checked(path)
    assert checked.findings == []
    assert checked.frame.loc[0, ["quantity", "revenue_value"]].tolist() == [1.234, 1.5]
    assert checked.frame["date"].tolist() == [pd.Timestamp("2025-12-01")]


def test_a_select_maps_a_foreign_extract_and_keeps_its_texts(write, select):
    extract = write("extract.csv", "Material;Monat;Menge\n00123;2025-01;5\nNA;2025-02;7\n")
    frame = select(
        "SELECT Material AS item, Monat AS month, Menge AS quantity FROM extract", extract=extract
    )
    assert frame["item"].tolist() == ["00123", "NA"]
    assert frame["quantity"].tolist() == ["5", "7"]


@pytest.mark.parametrize("suffix", [".xlsx", ".parquet"])
def test_a_select_reads_workbooks_and_parquet(tmp_path, select, suffix):
    path = tmp_path / f"extract{suffix}"
    frame = pd.DataFrame({"Material": ["00123", "NA"], "Menge": [5, 7]})
    frame.to_excel(path, index=False) if suffix == ".xlsx" else frame.to_parquet(path)
    got = select(
        "SELECT Material AS item, CAST(Menge AS INTEGER) + 1 AS quantity FROM extract", extract=path
    )
    assert got["item"].tolist() == ["00123", "NA"]
    assert got["quantity"].tolist() == [6, 8]


def test_a_select_sees_the_cycle(write, select):
    extract = write("extract.csv", "item,month\nA,2025-12-01\nA,2026-01-01\n")
    query = "SELECT * FROM extract WHERE CAST(month AS DATE) < $cycle"
    assert select(query, extract=extract)["month"].tolist() == ["2025-12-01"]
    assert len(select(query, cycle=None, extract=extract)) == 2  # no cycle: every row


def test_a_variable_of_the_environment_leads_to_the_file(write, select, monkeypatch):
    extract = write("extract.csv", "item\nA\n")
    monkeypatch.setenv("SOPKIT_TEST_EXTRACTS", str(extract.parent))
    got = select("SELECT * FROM extract", extract="${SOPKIT_TEST_EXTRACTS}/extract.csv")
    assert got["item"].tolist() == ["A"]


# (3) invariants


def test_find_names_the_file_of_each_table_and_strangers_the_rest(write, tmp_path):
    write("sales.csv", HEADER)
    write("items.parquet", b"")
    write("sources.yml", "tables: {budget: SELECT 1}")
    write("old_sales.csv", "")
    write(".hidden", "")
    found = {name: path.name for name, path in sources.find(tmp_path).items()}
    assert found == {"sales": "sales.csv", "items": "items.parquet", "budget": "sources.yml"}
    assert sources.strangers(tmp_path) == ["old_sales.csv"]


def test_a_fingerprint_changes_with_the_bytes_and_with_nothing_else(write, tmp_path):
    path = write("sales.csv", HEADER + "A,2025-01,1\n")
    before = sources.fingerprint(tmp_path, "sales", path, CYCLE)
    assert sources.fingerprint(tmp_path, "sales", path, pd.Timestamp("2030-01-01")) == before
    write("sales.csv", HEADER + "A,2025-01,2\n")
    assert sources.fingerprint(tmp_path, "sales", path, CYCLE) != before


def test_a_fingerprint_changes_with_the_formats_of_its_own_table(write, tmp_path):
    path = write("sales.csv", HEADER + "A,2025-01,1\n")
    before = sources.fingerprint(tmp_path, "sales", path, CYCLE)
    write("sources.yml", "formats: {items: {decimal: comma}}")
    assert sources.fingerprint(tmp_path, "sales", path, CYCLE) == before
    write("sources.yml", "formats: {sales: {decimal: comma}}")
    assert sources.fingerprint(tmp_path, "sales", path, CYCLE) != before


def test_the_fingerprint_of_a_select_holds_its_files_its_text_and_a_bound_cycle(write, tmp_path):
    extract, other = write("extract.csv", "item\nA\n"), write("other.csv", "item\nA\n")

    def print_of(query: str, cycle: pd.Timestamp = CYCLE) -> str:
        files = {"extract": str(extract), "other": str(other)}
        path = write("sources.yml", yaml.safe_dump({"files": files, "tables": {"sales": query}}))
        return sources.fingerprint(tmp_path, "sales", path, cycle)

    plain, bound = "SELECT * FROM extract", "SELECT $cycle, * FROM extract"
    later = pd.Timestamp("2026-02-01")
    before = print_of(plain)
    assert print_of(plain, later) == before
    assert print_of(bound, later) != print_of(bound)
    assert print_of(plain + " LIMIT 1") != before
    write("other.csv", "item\nB\n")
    assert print_of(plain) == before  # the SELECT does not read it
    write("extract.csv", "item\nB\n")
    assert print_of(plain) != before


# (5) errors of files


@pytest.mark.parametrize("content", ["", "\n", "  \nA,1\n"])
def test_an_empty_file_needs_a_header(write, content):
    with pytest.raises(sources.SourceError, match="sales.csv: the file is empty.*header line"):
        read(write("sales.csv", content))


def test_a_file_with_a_header_only_is_left_to_the_contract(write):
    assert read(write("sales.csv", HEADER)).empty


def test_a_file_that_is_not_utf_8_says_how_to_save_it(write):
    path = write("sales.csv", HEADER.encode() + "Käse,2025-01,1\n".encode("latin-1"))
    with pytest.raises(sources.SourceError, match="not UTF-8 text. Save the file as CSV UTF-8"):
        read(path)
    with pytest.raises(sources.SourceError, match="often Windows-1252"):
        read(path)


@pytest.mark.parametrize("content", [HEADER.encode("utf-16-le"), b"\xff\xfea"])
def test_a_file_whose_bytes_are_no_whole_text_says_how_to_save_it(write, content):
    with pytest.raises(sources.SourceError, match="Save .* as CSV UTF-8"):
        read(write("sales.csv", content))


@pytest.mark.parametrize(
    ("rows", "line"), [("A,2025-01,1\nA,2025-02,2,5\n", 3), ("A,2025-01,1,5\nA,2025-02,2,5\n", 2)]
)
@pytest.mark.parametrize("first", ["", "sep=,\n"])
def test_a_row_with_a_cell_too_many_is_refused_and_never_cut(write, rows, line, first):
    words = f"line {line + bool(first)} has 4 cells, the header 3. Put a cell .* quotation marks"
    with pytest.raises(sources.SourceError, match=words):
        read(write("sales.csv", first + HEADER + rows))


def test_a_title_above_the_header_is_to_be_taken_out(write):
    with pytest.raises(sources.SourceError, match="line 2 has 3 cells.*title above the header"):
        read(write("sales.csv", "Sales of 2025\n" + HEADER + "A,2025-01,1\n"))


def test_a_quotation_mark_that_is_never_closed_is_shown_by_its_line(write):
    with pytest.raises(sources.SourceError, match="quotation mark in line 3 is never closed"):
        read(write("sales.csv", HEADER + 'A,2025-01,1\n"B,2025-02,1\nC,2025-02,2\n'))


@pytest.mark.parametrize("separator", [",", ";", "|"])
def test_a_first_line_of_excel_that_names_the_separator_is_no_row(write, separator):
    text = f"sep={separator}\r\n" + (HEADER + "A,2025-01,1\n").replace(",", separator)
    frame, source = sources.read(write("sales.csv", text), "sales", CYCLE)
    assert frame.to_numpy().tolist() == [["A", "2025-01", "1"]]
    assert source.row(0) == "line 3"


def test_an_error_of_excel_is_never_read_as_a_blank_cell(tmp_path):
    path = tmp_path / "items.xlsx"
    pd.DataFrame({"item": ["A", "B"], "family": ["#N/A", None]}).to_excel(path, index=False)
    book = openpyxl.load_workbook(path)
    book.active["B2"].data_type = "e"
    book.save(path)
    findings = contract.check_table("items", *sources.read(path, "items", CYCLE)).findings
    assert [(f.column, f.message, f.rows) for f in findings] == [("family", "an Excel error.", 1)]


def test_files_that_excel_leaves_while_a_workbook_is_open_are_no_strangers(write, tmp_path):
    write("~$items.xlsx", "ada")
    assert sources.strangers(tmp_path) == []


def test_a_header_that_names_a_column_twice_is_a_breach(write):
    path = write("sales.csv", "item,month,quantity,quantity\nA,2025-01,1,2\n")
    checked = contract.check_table("sales", *sources.read(path, "sales", CYCLE))
    assert ["breach"] == [finding.state for finding in checked.findings]
    assert "has the column 'quantity' twice" in checked.findings[0].message


def test_blank_lines_at_the_end_of_a_file_are_no_rows(write):
    path = write("sales.csv", HEADER + "A,2025-01,1\n\n\n")
    assert contract.check_table("sales", *sources.read(path, "sales", CYCLE)).findings == []


@pytest.mark.parametrize(
    ("name", "fix"),
    [("sales.xlsx", "Save it again as .xlsx"), ("sales.parquet", "Export it again")],
)
def test_a_text_under_a_wrong_name_says_what_to_do(write, name, fix):
    with pytest.raises(sources.SourceError, match=fix):
        read(write(name, HEADER))


def test_two_files_of_one_table_are_refused(write, tmp_path):
    write("sales.csv", HEADER)
    write("sales.parquet", b"")
    with pytest.raises(sources.SourceError, match="sales.csv and sales.parquet.*Keep one of them"):
        sources.find(tmp_path)


def test_a_file_and_a_select_of_one_table_are_refused(write, tmp_path):
    write("sales.csv", HEADER)
    write("sources.yml", "tables: {sales: SELECT 1}")
    with pytest.raises(sources.SourceError, match="sales.csv and sources.yml"):
        sources.find(tmp_path)


# (5) errors of sources.yml


def test_an_unknown_table_of_sources_yml_hints_at_the_nearest(write, tmp_path):
    write("sources.yml", "tables: {sale: SELECT 1}")
    with pytest.raises(sources.SourceError, match="no table 'sale'. Did you mean 'sales'"):
        sources.find(tmp_path)


def test_an_unknown_section_of_sources_yml_hints_at_the_nearest(write, tmp_path):
    write("sources.yml", "table: {sales: SELECT 1}")
    with pytest.raises(sources.SourceError, match="Did you mean 'tables'"):
        sources.mapping(tmp_path)


@pytest.mark.parametrize(
    "content",
    ["tables: [sales]", "files: extract.csv", "tables: {sales: }", "tables: {sales: 5}", "1: x"],
)
def test_a_sources_yml_of_another_shape_is_refused_by_name(write, tmp_path, content):
    path = write("sources.yml", content)
    with pytest.raises(sources.SourceError, match="sources.yml"):
        sources.mapping(tmp_path)
        read(path)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("sale: {dates: day_first}", "formats: sale: no table 'sale'. Did you mean 'sales'"),
        ("sales: {date: day_first}", "formats: sales: 'date'. Did you mean 'dates'"),
        ("sales: {dates: dayfirst}", "dates: 'dayfirst'. Did you mean 'day_first'"),
        ("sales: {decimal: ','}", "decimal: ','. Known: comma, point"),
        ("sales: day_first", "write `dates` or `decimal` there"),
        ("sales: {dates: [day_first]}", "dates: .*Did you mean 'day_first'"),
    ],
)
def test_a_format_nobody_knows_is_refused_with_the_nearest_word(write, tmp_path, line, words):
    write("sources.yml", f"formats:\n  {line}\n")
    with pytest.raises(sources.SourceError, match=words):
        sources.mapping(tmp_path)


def test_yaml_that_cannot_be_read_names_its_line(write, tmp_path):
    write("sources.yml", "files:\n  a: [1\ntables: {}\n")
    with pytest.raises(sources.SourceError, match=r"not readable as YAML in line \d"):
        sources.mapping(tmp_path)


def test_yaml_that_is_a_list_says_what_is_expected(write, tmp_path):
    write("sources.yml", "- sales\n")
    with pytest.raises(sources.SourceError, match="lines of `name: value`, such as `files: "):
        sources.mapping(tmp_path)


def test_yaml_cannot_make_objects(write, tmp_path):
    write("sources.yml", "files: !!python/object/apply:os.getcwd []\n")
    with pytest.raises(sources.SourceError, match="not readable as YAML"):
        sources.mapping(tmp_path)


def test_changing_what_a_yaml_gave_does_not_change_what_it_gives_next(write):
    path = write("company.yml", "departments: [Sales]\n")
    files.load_yaml(path)["departments"].append("Nobody")
    assert files.load_yaml(path) == {"departments": ["Sales"]}


def test_a_variable_that_is_not_set_says_how_to_set_it(select):
    with pytest.raises(sources.SourceError, match="export SOPKIT_NOT_SET="):
        select("SELECT * FROM extract", extract="${SOPKIT_NOT_SET}/extract.csv")


def test_a_file_that_is_not_there_names_its_path(select, tmp_path):
    with pytest.raises(sources.SourceError, match="'extract' is not at .*Correct its path"):
        select("SELECT * FROM extract", extract=tmp_path / "none.csv")


@pytest.mark.parametrize(("name", "content"), [("x.csv", b"item\nK\xe4se\n"), ("x.xlsx", b"no")])
def test_a_mapped_file_that_cannot_be_read_is_named(write, select, name, content):
    with pytest.raises(sources.SourceError, match=name):
        select("SELECT * FROM extract", extract=write(name, content))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SELEC * FROM x", "neither SELECT nor WITH"),
        ("SELECT * FROM nowhere", "names nowhere, which is not under `files`. Correct"),
        ("SELECT $other", "other"),
        ("", "sales"),
    ],
)
def test_bad_sql_names_the_table_and_what_the_database_says(select, query, words):
    with pytest.raises(sources.SourceError, match=words) as refused:
        select(query)
    assert "sources.yml" in str(refused.value) and "sales" in str(refused.value)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM '{secret}'",
        "SELECT * FROM read_csv('{secret}')",
        "SELECT * FROM read_text('{secret}')",
        "SELECT * FROM glob('{folder}/*')",
    ],
)
def test_a_select_reaches_no_file_it_was_not_given(write, select, tmp_path, query):
    secret, extract = write("secret.csv", "a\n1\n"), write("extract.csv", "item\nA\n")
    text = query.format(secret=secret, folder=tmp_path)
    with pytest.raises(
        sources.SourceError, match="opens no file itself. Name the file under `files`"
    ):
        select(text, extract=extract)
    assert {path.name for path in tmp_path.iterdir()} == {
        "secret.csv",
        "extract.csv",
        "sources.yml",
    }


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("SET enable_external_access=true", "neither SELECT nor WITH"),
        ("COPY (SELECT 1) TO '/tmp/stolen.csv'", "neither SELECT nor WITH"),
        ("ATTACH '/tmp/new.db'", "neither SELECT nor WITH"),
        ("SELECT 1; DROP TABLE extract", "second statement"),
    ],
)
def test_nothing_but_one_select_is_run(select, query, words):
    with pytest.raises(sources.SourceError, match=words):
        select(query)


def test_a_column_that_no_file_has_is_told_with_the_nearest(write, select):
    words = "no column articel. Did you mean 'article'.*Correct the SELECT of sales"
    with pytest.raises(sources.SourceError, match=words):
        select("SELECT articel FROM extract", extract=write("x.csv", "article,n\nA,1\n"))


def test_a_relative_path_begins_at_the_workspace(tmp_path):
    raw = tmp_path / "data/raw"
    raw.mkdir(parents=True)
    (tmp_path / "extract.csv").write_text("item\nA\n")
    text = "files: {x: extract.csv}\ntables: {sales: SELECT * FROM x}\n"
    (raw / "sources.yml").write_text(text)
    assert read(raw / "sources.yml")["item"].tolist() == ["A"]
    (tmp_path / "extract.csv").unlink()
    with pytest.raises(sources.SourceError, match=f"not at {tmp_path}/extract.csv"):
        read(raw / "sources.yml")


@pytest.mark.parametrize("text", ["a: 1\nb: 2\na: 3\n", "b: {a: 1, c: 2, a: 1}\n"])
def test_a_name_that_stands_twice_in_one_place_is_refused(write, text):
    with pytest.raises(sources.SourceError, match="company.yml: a stands there twice"):
        files.load_yaml(write("company.yml", text))


def test_a_name_in_two_places_and_a_yaml_that_holds_itself_are_read(write):
    text = "b: {a: 1}\na: 2\nc: &c {a: *c}\n"
    assert files.load_yaml(write("company.yml", text))["b"] == {"a": 1}


def test_a_select_sees_no_variable_of_this_program(select):
    with pytest.raises(sources.SourceError, match="names frame, which is not under"):
        select("SELECT * FROM frame")
