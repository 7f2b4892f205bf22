"""What is wrong with a table is said so that a person can mend it."""

from __future__ import annotations

import decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sopkit import across, contract, months, schema

CSV = contract.Source("data/raw/sales.csv", 2, "line")
ITEMS = contract.Source("data/raw/items.csv", 2, "line")
CYCLE = pd.Timestamp("2026-01-01")


def sales(**columns) -> pd.DataFrame:
    """Two good rows of sales as text, some columns replaced."""
    return pd.DataFrame(
        {"item": ["A", "B"], "month": ["2025-11", "2025-12"], "quantity": ["1", "2"]} | columns
    )


def check(frame: pd.DataFrame, name: str = "sales") -> list[contract.Finding]:
    return contract.check_table(name, frame, CSV).findings


def only(findings: list[contract.Finding], state: str = "breach") -> contract.Finding:
    """The one finding there is, of the state it should have."""
    assert [finding.state for finding in findings] == [state], findings
    return findings[0]


def typed(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    checked = contract.check_table(name, frame, CSV)
    assert not [f for f in checked.findings if f.state == "breach"], checked.findings
    return checked.frame


# (1) by hand


def test_text_becomes_typed_columns_and_absent_levels_mean_all():
    raw = sales(quantity=["1.5", "-2"], is_stockout=["yes", ""], channel=["", "Web"])
    frame = contract.check_table("sales", raw, CSV).frame
    assert list(frame) == schema.RAW["sales"].column_names
    assert frame["month"].tolist() == [pd.Timestamp("2025-11-01"), pd.Timestamp("2025-12-01")]
    assert frame["month"].dtype == months.DTYPE
    assert frame["quantity"].tolist() == [1.5, -2.0]
    assert frame["is_stockout"][0] and pd.isna(frame["is_stockout"][1])
    assert frame["location"].tolist() == ["all", "all"]
    assert frame["channel"].tolist() == ["all", "Web"]
    assert frame["revenue_value"].isna().all()


def test_items_named_na_and_00123_keep_their_names():
    raw = sales(item=["NA", "00123"])
    assert typed("sales", raw)["item"].tolist() == ["NA", "00123"]


def test_whole_numbers_that_a_spreadsheet_made_of_items_lose_their_decimals():
    raw = sales(item=[417.0, 2001.0])
    assert typed("sales", raw)["item"].tolist() == ["417", "2001"]


def test_days_are_summed_into_months_and_a_flag_holds_if_it_holds_on_any_day():
    raw = pd.DataFrame(
        {
            "item": ["A", "A", "A"],
            "date": ["2025-11-03", "2025-11-28", "2025-12-01"],
            "quantity": ["1", "2", "4"],
            "is_stockout": ["no", "yes", "no"],
        }
    )
    summed = contract.sum_days(typed("sales", raw))
    assert summed["month"].map(months.label).tolist() == ["2025-11", "2025-12"]
    assert summed["quantity"].tolist() == [3.0, 4.0]
    assert summed["is_stockout"].tolist() == [True, False]
    assert summed["revenue_value"].isna().all()  # unknown stays unknown, it is not zero
    assert list(summed) == schema.RAW["sales"].column_names


def test_a_finding_reads_as_one_sentence_with_its_remedy_and_its_money():
    finding = contract.Finding(
        "breach",
        "sales",
        "quantity",
        "not a number.",
        "Write a plain number.",
        1,
        "line 3",
        sales_rows=(1,),
    )
    tables = {"sales": typed("sales", sales(quantity=["3", "1"])), "items": contract.empty("items")}
    table = across.findings_table([finding], tables)
    assert contract.sentence(table.iloc[0].to_dict()) == (
        "breach: sales.quantity: not a number. (1 row, first: line 3) Write a plain number. "
        "It touches 25.0% of twelve months' money."
    )


# (3) invariants


def test_the_sample_company_is_clean(sample_raw):
    findings = {
        name: contract.check_table(name, frame, contract.Source(name)).findings
        for name, frame in sample_raw.items()
    }
    assert {name: found for name, found in findings.items() if found} == {}


def test_checking_twice_gives_the_same_table_and_leaves_its_argument_alone():
    raw = sales(is_stockout=["yes", "no"])
    copy = raw.copy()
    once = contract.check_table("sales", raw, CSV)
    pd.testing.assert_frame_equal(raw, copy)
    twice = contract.check_table("sales", once.frame, CSV)
    assert twice.findings == []
    pd.testing.assert_frame_equal(twice.frame, once.frame)


def test_an_absent_table_has_the_types_of_one_that_was_given():
    given_types = typed("sales", sales()).dtypes
    pd.testing.assert_series_equal(contract.empty("sales").dtypes, given_types)


def test_summing_days_keeps_the_total_and_leaves_its_argument_alone(sample_tables):
    days = sample_tables["sales"].head(500)
    days = days.assign(date=days["month"] + pd.Timedelta(days=9)).drop(columns="month")
    days = typed("sales", days)
    copy = days.copy()
    summed = contract.sum_days(days)
    pd.testing.assert_frame_equal(days, copy)
    assert summed["quantity"].sum() == days["quantity"].sum()
    assert not summed.duplicated(schema.SERIES_MONTH).any()
    shuffled = contract.sum_days(days.sample(frac=1.0, random_state=1))
    pd.testing.assert_frame_equal(shuffled, summed)


@given(st.lists(st.floats(-1e12, 1e12).map(lambda x: round(x, 2)), min_size=1, max_size=6))
def test_any_number_written_plainly_is_read_back(numbers):
    raw = pd.DataFrame({"item": "A", "month": "2025-01", "quantity": [repr(x) for x in numbers]})
    raw["location"] = [f"L{k}" for k in range(len(raw))]
    assert typed("sales", raw)["quantity"].tolist() == numbers


@given(st.text(max_size=12), st.sampled_from(["item", "month", "quantity", "is_stockout", "date"]))
def test_no_text_in_any_cell_crashes_the_check_or_passes_in_silence(text, column):
    raw = sales(date=["2025-11-01", "2025-12-01"], is_stockout=["yes", "no"])
    raw[column] = [text, raw[column][1]]
    checked = contract.check_table("sales", raw, CSV)
    is_lost = bool(text.strip()) and pd.isna(checked.frame[column][0])
    assert not is_lost or [f for f in checked.findings if f.state == "breach"]


# (5) columns


def test_a_missing_column_is_a_breach_that_names_the_nearest_present_one():
    raw = sales().rename(columns={"quantity": "quantitty"})
    missing = [f for f in check(raw) if f.state == "breach"]
    assert "required column is missing" in only(missing).message
    assert missing[0].remedy == (
        "Rename the column 'quantitty' of data/raw/sales.csv to 'quantity'."
    )


def test_a_missing_column_with_no_likeness_is_to_be_added_or_mapped():
    found = only(check(sales().drop(columns="quantity")))
    assert "Add the column 'quantity' to data/raw/sales.csv" in found.remedy
    assert "data/raw/sources.yml" in found.remedy


def test_sales_without_month_and_date_name_both():
    found = only(check(sales().drop(columns="month")))
    assert found.remedy == "Add month or date to data/raw/sales.csv."


def test_an_unknown_column_is_a_notice_with_the_nearest_known_one():
    found = only(check(sales(revenue=["1", "2"])), "notice")
    assert found.column == "revenue"
    assert found.remedy == "Did you mean 'revenue_value'?"


def test_an_unknown_column_near_nothing_lists_the_known_ones():
    assert only(check(sales(zzz=["1", "2"])), "notice").remedy.startswith("Known: item, location")


def test_spaces_around_a_column_name_do_not_matter():
    raw = sales().rename(columns={"quantity": " quantity "})
    assert typed("sales", raw)["quantity"].tolist() == [1.0, 2.0]


def test_a_column_that_is_there_twice_is_a_breach():
    raw = sales()
    raw.insert(3, "quantity", ["7", "8"], allow_duplicates=True)
    found = only(check(raw))
    assert "has the column 'quantity' twice" in found.message
    assert found.remedy == "Keep one of them."


def test_sales_or_items_without_rows_are_a_breach_and_another_empty_table_a_notice():
    assert only(check(sales().head(0))).remedy == "Fill data/raw/sales.csv."
    assert "or remove it" in only(check(pd.DataFrame({"item": []}), "items")).remedy
    channels = pd.DataFrame({"channel": []})
    assert "or remove it" in only(check(channels, "channels"), "notice").remedy


# (5) cells


def test_a_blank_key_cell_is_a_breach_with_its_line():
    found = only(check(sales(item=["A", " "])))
    assert (found.column, found.rows, found.first_row) == ("item", 1, "line 3")
    assert found.message == "a key cell is blank."
    assert found.remedy.startswith("Fill it in data/raw/sales.csv")


def test_a_row_of_sales_with_neither_month_nor_date_is_a_breach():
    found = only(check(sales(month=["2025-11", ""])))
    assert (found.message, found.first_row) == ("a key cell is blank.", "line 3")


@pytest.mark.parametrize("column", ["month", "quarter"])
def test_a_submission_with_neither_month_nor_quarter_is_a_breach(column):
    raw = pd.DataFrame(
        {"department": ["Sales"], "cycle": ["2026-01"], column: [""], "quantity": ["5"]}
    )
    found = only(check(raw, "submissions"))
    assert found.first_row == "line 2"
    assert "month or quarter" in found.column + found.message + found.remedy


def test_a_blank_required_cell_is_a_breach_with_its_line():
    found = only(check(sales(quantity=["1", ""])))
    assert (found.message, found.first_row) == ("a required cell is blank.", "line 3")
    assert found.remedy == "Mend these cells in data/raw/sales.csv."


def test_rows_that_share_a_key_are_a_breach_that_shows_the_key():
    found = only(check(sales(item=["A", "A"], month=["2025-11", "2025-11-30"])))
    assert found.rows == 2
    assert "item A" in found.message and "2025-11" in found.message
    assert found.remedy == "Sum or remove the doubles."


def test_a_level_left_out_and_the_word_all_are_the_same_key():
    raw = sales(item=["A", "A"], month=["2025-11"] * 2, location=["", "all"])
    assert "rows share one key" in only(check(raw)).message


def test_the_same_day_twice_is_a_double_and_two_days_of_a_month_are_not():
    days = sales(item=["A", "A"], date=["2025-11-03", "2025-11-04"]).drop(columns="month")
    assert check(days) == []
    assert "rows share one key" in only(check(days.assign(date="2025-11-03"))).message


def test_an_ambiguous_date_is_a_breach_that_names_sources_yml():
    found = only(check(sales(month=["2025-11", "01/02/2025"])))
    assert "ambiguous date" in found.message
    assert found.first_row == "line 3 holds '01/02/2025'"
    assert "Write YYYY-MM-DD" in found.remedy and "data/raw/sources.yml" in found.remedy


@pytest.mark.parametrize("text", ["Mai 2025", "202501", "1899-12"])
def test_a_date_that_is_none_is_a_breach_that_shows_the_form(text):
    found = only(check(sales(month=["2025-11", text])))
    assert found.message == "not a date."
    assert "Write YYYY-MM-DD or YYYY-MM" in found.remedy


@pytest.mark.parametrize("text", ["2025-13", "2025-02-30"])
def test_a_day_or_month_that_no_calendar_has_is_a_breach_that_shows_the_cell(text):
    found = only(check(sales(month=["2025-11", text])))
    assert found.message == "no such day or month."
    assert found.first_row == f"line 3 holds {text!r}"


def test_a_point_before_three_figures_everywhere_is_ambiguous():
    found = only(check(sales(quantity=["1.234", "7"])))
    assert "1.234 may be 1234" in found.message
    assert "data/raw/sources.yml whether the point marks decimals or thousands" in found.remedy
    assert found.rows == 1


def test_a_point_before_three_figures_is_a_decimal_where_another_cell_shows_it():
    assert typed("sales", sales(quantity=["1.234", "7.5"]))["quantity"].tolist() == [1.234, 7.5]


def test_a_comma_in_a_number_is_ambiguous_with_the_form_to_write():
    found = only(check(sales(quantity=["1", "1,5"])))
    assert "the comma may mark thousands" in found.message
    assert "Write 1234.5" in found.remedy and "data/raw/sources.yml" in found.remedy


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("many", "Write a plain number such as 1234.5."),
        ("nan", "Leave the cell blank where nothing is known."),
        ("inf", "Write a plain number such as 1234.5."),
        ("1e400", "Write a plain number such as 1234.5."),
        ("5%", "Write a number: 0.2 for 20 %, or 1.2 where a factor is meant."),
        ("1 000", "Write nothing between the digits, as 1234.5."),
        ("1.234.567", "Write a plain number such as 1234.5."),
    ],
)
def test_a_text_in_a_number_column_is_a_breach_that_says_what_to_write(text, remedy):
    found = only(check(sales(quantity=["1", text])))
    assert found.first_row == f"line 3 holds {text!r}"
    assert found.remedy == remedy


def test_figures_of_another_script_are_a_breach_and_not_a_blank():
    found = only(check(sales(revenue_value=["1", "٣"])))  # ARABIC-INDIC DIGIT THREE
    assert found.column == "revenue_value"


def test_numbers_that_are_typed_already_are_never_ambiguous():
    values = [decimal.Decimal("1.234"), decimal.Decimal("5.678")]
    raw = sales(quantity=pd.Series(values, dtype="object"))
    assert typed("sales", raw)["quantity"].tolist() == [1.234, 5.678]
    assert typed("sales", sales(quantity=[1.234, 5.678]))["quantity"].tolist() == [1.234, 5.678]


def test_an_infinite_float_is_a_breach():
    assert only(check(sales(quantity=[1.0, np.inf]))).message == "not a number."


def test_a_word_that_is_no_flag_is_a_breach():
    found = only(check(sales(is_stockout=["yes", "maybe"])))
    assert found.remedy == "Write true or false."
    assert found.first_row == "line 3 holds 'maybe'"


def test_a_line_break_in_a_text_is_a_breach():
    assert "Remove line breaks" in only(check(sales(item=["A\nB", "C"]))).remedy


def test_a_negative_sale_is_a_return_and_no_finding():
    assert check(sales(quantity=["1", "-2"])) == []


def test_an_impossible_negative_is_a_breach_that_shows_the_cell():
    raw = pd.DataFrame({"item": ["A", "B"], "unit_cost_value": ["2", "-3"]})
    found = only(check(raw, "items"))
    assert found.message == "an impossible value: below 0."
    assert found.first_row in ("line 3 holds -3", "line 3 holds -3.0")  # no word of numpy's


def test_a_share_above_one_is_a_breach():
    raw = pd.DataFrame({"channel": ["Web"], "contract_rate": ["80"]})
    assert only(check(raw, "channels")).message == "an impossible value: above 1."


def test_an_unknown_choice_is_a_breach_that_lists_the_known_ones():
    raw = pd.DataFrame({"item": ["A"], "month": ["2026-01"], "kind": ["buy"], "quantity": ["1"]})
    found = only(check(raw, "scheduled_receipts"))
    assert found.message == "an impossible value: none of purchase, production, transfer."
    assert found.first_row == "line 2 holds 'buy'"


def test_every_column_that_cannot_be_read_is_reported_at_once():
    found = check(sales(quantity=["x", "1"], month=["y", "2025-12"]))
    assert sorted(f.column for f in found) == ["month", "quantity"]


def test_a_table_in_which_no_month_can_be_read_still_says_why():
    checked = contract.check_table("sales", sales(month=["01/02/2025", "01/03/2025"]), CSV)
    tables = {"sales": checked.frame, "items": contract.empty("items")}
    table = across.findings_table(checked.findings, tables)
    assert "ambiguous date" in table["message"][0]


# (5) tables a step made


def forecast() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "item": ["A"],
            "location": ["all"],
            "channel": ["all"],
            "month": [CYCLE],
            "quantity": [1.0],
            "quantity_lower": [0.5],
            "quantity_upper": [2.0],
            "coherence": [0.0],
            "model": ["theta"],
        }
    )


def test_a_table_a_step_made_is_held_to_its_columns_and_key():
    contract.check_processed("forecast", forecast())
    with pytest.raises(contract.ContractError, match="quantity_upper.*columns are missing"):
        contract.check_processed("forecast", forecast().drop(columns="quantity_upper"))
    with pytest.raises(contract.ContractError, match="a key cell is blank"):
        contract.check_processed("forecast", forecast().assign(item=None))
    with pytest.raises(contract.ContractError, match="two rows share the key .*'A'") as refused:
        contract.check_processed("forecast", pd.concat([forecast()] * 2))
    assert refused.value.findings["table"].tolist() == ["forecast"]


def test_an_error_lists_breaches_only_and_keeps_the_notices():
    findings = [
        contract.Finding("breach", "sales", "item", "b.", "B.", 0),
        contract.Finding("notice", "sales", "x", "n.", "N.", 0),
    ]
    tables = {"sales": contract.empty("sales"), "items": contract.empty("items")}
    error = contract.ContractError(across.findings_table(findings, tables))
    assert str(error) == "breach: sales.item: b. B."
    assert len(error.findings) == 2


def test_a_broken_column_does_not_hide_faults_of_the_others():
    costs = {"unit_cost_value": ["many", "1", "2"], "unit_price_value": ["1", "-3", "2"]}
    frame = pd.DataFrame({"item": ["A", "A", None], **costs})
    source = contract.Source("items.csv", 2, "line")
    found = contract.check_table("items", frame, source).findings
    told = {(finding.column, finding.first_row.split(" holds")[0]) for finding in found}
    assert told == {
        ("unit_cost_value", "line 2"),
        ("unit_price_value", "line 3"),
        ("item", "line 4"),
    }
    without = frame.drop(columns="item")
    columns = [f.column for f in contract.check_table("items", without, source).findings]
    assert columns == ["item", "unit_cost_value", "unit_price_value"]


def test_a_blank_row_does_not_hide_impossible_values_of_the_others():
    frame = pd.DataFrame({"item": ["A", None], "unit_cost_value": ["-4", None]})
    found = contract.check_table("items", frame, contract.Source("items.csv", 2, "line")).findings
    assert [finding.column for finding in found] == ["", "unit_cost_value"]
    assert found[0].rows == 1 and "a blank row" in found[0].message
