"""Workbooks out and in: planted faults, each told on a receipt, and no good cell lost."""

from __future__ import annotations

import datetime
import html
import json
import re
import shutil
from dataclasses import dataclass, field

import openpyxl
import pandas as pd
import pytest

from sopkit import cycle, departments, filled, months, receipts, store, templates
from sopkit.__main__ import main
from sopkit.demand import submissions
from sopkit.months import UsageError
from sopkit.sources import SourceError

CYCLE = pd.Timestamp("2026-01-01")
WRITTEN, LATER = pd.Timestamp("2026-01-05 08:00"), pd.Timestamp("2026-01-06 09:00")
EVIL = "=1+1 <b>&"  # a family
GOOD = "Tents", "2026-03"  # a family and month that no case touches: always filled in well


@pytest.fixture(scope="session")
def planned(tmp_path_factory):
    """A workspace with two families in two markets, planned in 2025-12 and 2026-01."""
    root = tmp_path_factory.mktemp("planned")
    raw = root / "data/raw"
    raw.mkdir(parents=True)
    series = [
        ("00417", "East", 400),
        ("00417", "West", 300),
        ("T2", "East", 200),
        ("X", "East", 90),
    ]
    rows = [
        f"{item},{place},{month:%Y-%m},{level + 10 * month.month}"
        for item, place, level in series
        for month in months.span(pd.Timestamp("2023-07-01"), 30)
    ]
    (raw / "sales.csv").write_text("\n".join(["item,location,month,quantity", *rows, ""]))
    (raw / "items.csv").write_text(
        "item,description,family,unit,unit_price_value\n00417,Fjell 1,Tents,piece,500\n"
        f'T2,"=A1&""x""",Tents,piece,300\nX,Odd,{EVIL},piece,10\n'
    )
    (raw / "company.yml").write_text(
        "name: Trial\ncurrency: EUR\ndepartments: [sales, marketing]\nhorizon: 12\n"
        "frozen_months: {default: 1}\n"
    )
    for month in ("2025-12", "2026-01"):
        cycle.forecast(root, months.parse_cycle(month), horizon=12)
    departments.template(root, "sales", path=root / "sales.xlsx", written_at=WRITTEN)
    return root


@pytest.fixture
def workspace(planned, tmp_path):
    """A copy that a test may change."""
    return shutil.copytree(planned, tmp_path / "ws")


class Book:
    """A template being filled in."""

    def __init__(self, path):
        self.path, self.book = path, openpyxl.load_workbook(path)
        self.families, self.items = self.book["Families"], self.book["Items"]

    def cell(self, family: str, month: str, what: str = templates.YOURS):
        sheet = self.families
        row = next(
            r for r in range(6, sheet.max_row + 1)
            if [sheet.cell(r, 1).value, sheet.cell(r, 2).value] == [family, what]
        )  # fmt: skip
        return sheet.cell(row, _column(sheet, 5, month))

    def item(self, item: str, location: str, month: str):
        sheet = self.items
        row = next(
            r for r in range(4, sheet.max_row + 1)
            if [sheet.cell(r, 1).value, sheet.cell(r, 4).value] == [item, location]
        )  # fmt: skip
        return sheet.cell(row, _column(sheet, 3, month))

    def forecast(self, family: str, month: str) -> float:
        return self.cell(family, month, templates.FORECAST).value

    def reason(self, family: str, word: str) -> None:
        column = next(c.column for c in self.families[5] if c.value == templates.REASON)
        self.families.cell(self.cell(family, "2026-03").row, column).value = word

    def save(self):
        self.book.save(self.path)


def _column(sheet, head: int, month: str) -> int:
    wanted = datetime.datetime.strptime(month, "%Y-%m")
    return next(cell.column for cell in sheet[head] if cell.value == wanted)


def _good(book: Book) -> float:
    """Fill in the cell that must never be lost."""
    amount = round(book.forecast(*GOOD) * 1.1)
    book.cell(*GOOD).value = amount
    return float(amount)


def _set(family, month, value, form=None):
    def edit(book):
        cell = book.cell(family, month)
        cell.value = value
        if form:
            cell.number_format = form

    return edit


def _moved_columns(book):
    sheet = book.families
    sheet.insert_cols(2)
    sheet.cell(5, 2).value = "my notes"
    book.items.insert_cols(1)


def _deleted_row(book):
    book.families.delete_rows(book.cell(EVIL, "2026-03").row)
    book.items.delete_rows(5)


def _no_protection(book):
    book.families.protection.sheet = False
    book.cell(EVIL, "2026-04", templates.FORECAST).value = 7


def _changed_key(book):
    cell = book.cell(EVIL, "2026-04")
    cell.value = 100
    book.families.cell(cell.row, 1).value = "Tentz"


def _renamed(book):
    book.families.title = "Meine Zahlen"


def _extra_sheet(book):
    book.book.create_sheet("Thoughts")["A1"] = "a good year"


def _text_heads(book):
    for column in range(1, book.families.max_column + 1):
        cell = book.families.cell(5, column)
        if isinstance(cell.value, datetime.datetime):
            cell.value, cell.number_format = cell.value.strftime("%b %Y"), "@"
    book.families.cell(5, book.families.max_column).value = "Winter"
    book.families.cell(book.families.max_row, book.families.max_column).value = 5


def _duplicated_row(book):
    sheet, cell = book.families, book.cell(EVIL, "2026-04")
    cell.value = 100
    for column in range(1, sheet.max_column + 1):
        sheet.cell(sheet.max_row + (column == 1), column).value = sheet.cell(cell.row, column).value
    sheet.cell(sheet.max_row, cell.column).value = 120


def _trailing_spaces(book):
    row = book.cell(*GOOD).row
    book.families.cell(row, 1).value = " tents  "
    book.families.cell(row, 2).value = "Your number "


def _both_levels(book):
    book.cell("Tents", "2026-04").value = round(book.forecast("Tents", "2026-04"))
    book.item("00417", "West", "2026-04").value = 350
    book.item("00417", "West", "2026-05").value = 350


@dataclass
class Fault:
    """A workbook with a fault: the cells taken beside the good one, what is said of the others."""

    edit: object
    refused: list[str] = field(default_factory=list)
    taken: int = 0
    notes: str = ""
    is_good_there: bool = True


FAULTS = {
    "moved columns": Fault(_moved_columns),
    "text in a number": Fault(_set(EVIL, "2026-04", "about 90"), ["not a number"]),
    "deleted rows": Fault(_deleted_row),
    "pasted formula": Fault(_set(EVIL, "2026-04", "=SUM(A1:A9)"), ["a formula"]),
    "decimals of another country": Fault(_set("Tents", "2026-04", "1.034,5"), taken=1),
    "decimals that can be meant twice": Fault(_set(EVIL, "2026-04", "1.034"), ["in two ways"]),
    "protection removed": Fault(_no_protection, ["it is only shown there"]),
    "changed key": Fault(_changed_key, ["has no row Tentz. Did you mean 'Tents'"]),
    "renamed sheet": Fault(_renamed),
    "extra sheet": Fault(_extra_sheet, notes="“Thoughts” is none of the template"),
    "frozen month": Fault(_set(EVIL, "2026-01", 100), ["2026-01 is frozen: changes begin with"]),
    "big change without a reason": Fault(_set(EVIL, "2026-04", 900), ["without a reason"]),
    "month heads as texts": Fault(_text_heads, ["the head of its column is 'Winter'"]),
    "duplicated row": Fault(_duplicated_row, ["give different numbers", "give different numbers"]),
    "trailing spaces": Fault(_trailing_spaces),
    "percent format": Fault(_set(EVIL, "2026-04", 1.1, "0%"), ["a percentage"]),
    "percent as text": Fault(_set(EVIL, "2026-04", "110 %"), ["a percentage"]),
    "negative number": Fault(_set(EVIL, "2026-04", -5), ["below zero"]),
    "huge number": Fault(_set(EVIL, "2026-04", 1e15), ["100 times the largest forecast"]),
    "a date in a number": Fault(_set(EVIL, "2026-04", datetime.datetime(2026, 4, 1)), ["a date"]),
    "an Excel error": Fault(_set(EVIL, "2026-04", "#REF!"), ["an Excel error"]),
    "yes or no": Fault(lambda book: book.families.__setitem__("B3", "maybe"), ["neither yes nor"]),
    "no change beside numbers": Fault(
        lambda book: book.families.__setitem__("B3", "yes"), notes="the numbers count"
    ),
    "a family's number beside its items'": Fault(_both_levels, taken=3),
    "nothing wrong": Fault(lambda book: None),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_stands_on_the_receipt_and_no_good_cell_is_lost(workspace, name):
    fault, book = FAULTS[name], Book(workspace / "sales.xlsx")
    amount = _good(book)
    fault.edit(book)
    book.save()
    outcome = departments.submit(workspace, book.path, author="Zoë", entered_at=LATER)
    said = [f"{row['why']} {row['remedy']}" for row in outcome.filled.refused]
    assert len(said) == len(fault.refused), said
    for words, wanted in zip(said, fault.refused, strict=True):
        assert wanted in words
    assert len(outcome.taken) == 1 + fault.taken
    added = pd.read_csv(outcome.added)
    good = added[(added["family"] == GOOD[0]) & (added["month"] == "2026-03-01")]
    assert good["quantity"].tolist() == [amount]
    page = outcome.receipt.read_text(encoding="utf-8")
    cells = set(re.findall(r"<td class=\"c\">([A-Z]+\d+)</td>", page))
    assert cells >= {row["cell"] for row in outcome.filled.refused} | set(outcome.taken["cell"])
    assert fault.notes in " ".join(outcome.filled.notes) and bool(fault.notes) == bool(
        outcome.filled.notes
    )
    assert EVIL not in page and "<script" not in page  # escaped
    found = store.raw_tables(workspace, CYCLE)[0]["submissions"]
    assert len(found) == 1 + fault.taken and set(found["author"]) == {"Zoë"}


def _not_excel(path):
    path.write_text("family;2026-03\nTents;5\n")


def _no_hidden_sheet(path):
    book = openpyxl.load_workbook(path)
    del book[templates.KEYS]
    book.save(path)


def _spoilt_hidden_sheet(path):
    book = openpyxl.load_workbook(path)
    book[templates.KEYS]["B3"] = "next month"
    book.save(path)


def _empty_workbook(path):
    openpyxl.Workbook().save(path)


def _no_sheets(path):
    book = openpyxl.load_workbook(path)
    del book["Families"], book["Items"]
    book.save(path)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_not_excel, "no Excel workbook: perhaps a CSV"),
        (_no_hidden_sheet, "hidden sheet “sopkit” is missing.*sopkit template --department NAME"),
        (_spoilt_hidden_sheet, "hidden sheet “sopkit” was changed"),
        (_empty_workbook, "hidden sheet “sopkit” is missing"),
        (_no_sheets, "no sheet has the heads"),
        (lambda path: path.write_bytes(b""), "no Excel workbook"),
    ],
)
def test_what_is_no_template_is_a_clear_error_and_nothing_is_written(workspace, spoil, words):
    spoil(workspace / "sales.xlsx")
    with pytest.raises(SourceError, match=words):
        departments.submit(workspace, workspace / "sales.xlsx", author="Zoë")
    assert not (workspace / "data/raw/submissions").exists()
    assert not (workspace / "reports").exists()


def test_the_template_shows_last_year_forecast_and_last_plan_and_opens_only_what_may_change(
    planned,
):
    book = Book(planned / "sales.xlsx")
    assert book.book.sheetnames == ["Families", "Items", "Read me", "lists", "sopkit"]
    hidden = [sheet.title for sheet in book.book if sheet.sheet_state == "hidden"]
    assert hidden == ["lists", "sopkit"]
    assert book.cell("Tents", "2026-03", templates.LAST_YEAR).value == 900 + 3 * 30
    march = pd.Timestamp("2026-03-01")
    forecast = store.read(planned, "forecast", CYCLE)
    forecast = forecast[forecast["month"] == march]
    own = forecast[forecast["item"] != "X"]["quantity"].sum()
    assert book.forecast("Tents", "2026-03") == pytest.approx(own, abs=1e-3)
    last = store.ledger(planned, "demand_plan", before=CYCLE)
    own = last[(last["item"] != "X") & (last["month"] == march)]["consensus"].sum()
    shown = book.cell("Tents", "2026-03", templates.LAST_PLAN).value
    assert shown == pytest.approx(own, abs=1e-3)
    for sheet in (book.families, book.items):
        assert sheet.protection.sheet and sheet.protection.password is None
        assert sheet.freeze_panes and sheet.page_setup.orientation == "landscape"
    assert not book.cell("Tents", "2026-02").protection.locked
    assert book.cell("Tents", "2026-01").protection.locked  # frozen
    assert book.cell("Tents", "2026-02", templates.FORECAST).protection.locked
    assert "units" in book.families["A2"].value and "EUR" in book.families["A2"].value


def test_no_text_of_the_data_becomes_a_formula(planned):
    book = openpyxl.load_workbook(planned / "sales.xlsx")
    kinds = {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row}
    assert "f" not in kinds
    texts = {cell.value for row in book["Items"].iter_rows() for cell in row}
    assert {'=A1&"x"', EVIL} <= texts


def test_a_template_never_overwrites_and_names_departments(workspace):
    with pytest.raises(UsageError, match="exists already, perhaps filled in"):
        departments.template(workspace, "sales", path=workspace / "sales.xlsx")
    with pytest.raises(UsageError, match="Did you mean 'marketing'"):
        departments.template(workspace, "marketting", path=workspace / "m.xlsx")


def test_a_number_that_somebody_withdrew_since_is_a_conflict_too(workspace):
    book = _second(workspace)
    book.cell("Tents", "2026-03").value = 930
    book.cell("Tents", "2026-04").value = None
    book.save()
    rows = [{"month": f"2026-0{k}", "family": "Tents", "is_withdrawn": True} for k in (3, 4)]
    rows = pd.DataFrame(rows).assign(department="sales")
    store.add(workspace, "submissions", rows, cycle=CYCLE, author="Bob", entered_at=LATER)
    later = LATER + pd.Timedelta(hours=1)
    outcome = departments.submit(workspace, book.path, author="Zoë", entered_at=later)
    (refused,) = outcome.filled.refused
    assert refused["why"].startswith("Bob has withdrawn it since this template was written; this")
    assert outcome.filled.notes == ["Tents, 2026-04: withdrawn by Bob already."]
    assert outcome.added is None


def test_a_template_needs_a_run(sales_only, tmp_path):
    with pytest.raises(UsageError, match="sopkit run"):
        departments.template(sales_only, "sales", path=tmp_path / "x.xlsx")


def test_no_change_submits_nothing_and_counts_as_submitted(workspace):
    book = Book(workspace / "sales.xlsx")
    book.families["B3"] = "Yes"
    book.save()
    outcome = departments.submit(workspace, book.path, author="Zoë", entered_at=LATER)
    assert "No change” was taken" in outcome.receipt.read_text() and outcome.taken.empty
    before = store.read(workspace, "demand_plan", CYCLE)
    cycle.forecast(workspace, CYCLE, horizon=12)
    status = store.read(workspace, "view_status", CYCLE).set_index("department")["state"]
    assert status.to_dict() == {"sales": "submitted", "marketing": "has not submitted"}
    pd.testing.assert_frame_equal(store.read(workspace, "demand_plan", CYCLE), before)
    assert outcome.receipt.is_file()  # a run leaves it there


def test_an_unfilled_template_submits_nothing_and_says_so(workspace):
    outcome = departments.submit(workspace, workspace / "sales.xlsx", author="Zoë")
    assert outcome.added is None and "Nothing was filled in" in outcome.receipt.read_text()
    assert not (workspace / "data/raw/submissions").exists()


def test_a_submitted_number_becomes_the_departments_view(workspace):
    book = Book(workspace / "sales.xlsx")
    amount = _good(book)
    book.item("X", "East", "2026-05").value = 130
    book.save()
    departments.submit(workspace, book.path, author="Zoë", entered_at=LATER)
    cycle.forecast(workspace, CYCLE, horizon=12)
    views = store.read(workspace, "views", CYCLE)
    sums = views.groupby("month")["quantity"].sum()
    assert sums.to_dict() == {
        pd.Timestamp("2026-03-01"): pytest.approx(amount),
        pd.Timestamp("2026-05-01"): pytest.approx(130.0),
    }


def test_a_stale_base_takes_what_was_changed_and_says_on_which_forecast(workspace):
    book = Book(workspace / "sales.xlsx")
    amount = _good(book)
    book.save()
    path = workspace / "data/raw/sales.csv"
    path.write_text(path.read_text().replace("T2,East,2025-12,320", "T2,East,2025-12,900"))
    cycle.forecast(workspace, CYCLE, horizon=12)
    outcome = departments.submit(workspace, book.path, author="Zoë", entered_at=LATER)
    assert outcome.taken["quantity"].tolist() == [amount] and not outcome.filled.refused
    assert "forecast now" in outcome.taken["remark"].iloc[0]
    assert "The forecast moved since" in outcome.receipt.read_text()


def _say(workspace, units, author, when):
    rows = pd.DataFrame(
        [{"department": "sales", "month": "2026-03", "family": "Tents", "quantity": units}]
    )
    store.add(workspace, "submissions", rows, cycle=CYCLE, author=author, entered_at=when)


@pytest.mark.parametrize(
    ("author", "when", "counts"),
    [
        ("Ann", LATER, "theirs"),  # since the template was written: nobody is overwritten
        ("Ann", WRITTEN - pd.Timedelta(hours=1), "mine"),
        ("Zoë", LATER, "mine"),  # one's own earlier number
    ],
)
def test_a_number_of_somebody_else_since_then_is_a_conflict(workspace, author, when, counts):
    book = Book(workspace / "sales.xlsx")
    amount = _good(book)
    book.cell(EVIL, "2026-04").value = round(book.forecast(EVIL, "2026-04"))
    book.save()
    _say(workspace, 777.0, author, when)
    later = LATER + pd.Timedelta(hours=1)
    outcome = departments.submit(workspace, book.path, author="Zoë", entered_at=later)
    found = store.raw_tables(workspace, CYCLE)[0]["submissions"].set_index("family")["quantity"]
    assert found["Tents"] == (777.0 if counts == "theirs" else amount)
    assert EVIL in found.index  # the other cell is good
    why = " ".join(row["why"] for row in outcome.filled.refused)
    assert ("777" in why and f"{amount:,.6g}" in why) == (counts == "theirs")


def test_detail_is_held_within_what_was_said_of_its_family_and_the_receipt_says_so(workspace):
    book = Book(workspace / "sales.xlsx")
    book.item("T2", "East", "2026-03").value = 230
    book.item("T2", "East", "2026-04").value = 240
    book.save()
    _say(workspace, 1_000.0, "Zoë", LATER)
    outcome = departments.submit(workspace, book.path, author="Zoë", entered_at=LATER)
    assert outcome.taken["quantity"].tolist() == [230.0, 240.0] and not outcome.filled.refused
    assert outcome.taken["remark"].tolist() == ["held within family Tents, 2026-03: 1,000", ""]
    assert "held within family Tents" in outcome.receipt.read_text()
    cycle.forecast(workspace, CYCLE, horizon=12)
    views = store.read(workspace, "views", CYCLE)
    march = views[views["month"] == "2026-03-01"].set_index("item")["quantity"]
    assert march.sum() == pytest.approx(1_000.0) and march["T2"] == pytest.approx(230.0)


def test_a_total_that_its_details_exceed_stands_on_the_receipt(workspace):
    book = Book(workspace / "sales.xlsx")
    book.item("T2", "East", "2026-03").value = 230
    book.save()
    _say(workspace, 200.0, "Zoë", LATER)
    outcome = departments.submit(workspace, book.path, author="Zoë", entered_at=LATER)
    assert outcome.filled.notes == [
        "family Tents, 2026-03: 200, said before: its details come to 230."
    ]


def test_a_number_that_crosses_an_earlier_one_is_refused_in_words(workspace):
    book = Book(workspace / "sales.xlsx")
    _good(book)
    book.cell(EVIL, "2026-03").value = round(book.forecast(EVIL, "2026-03"))
    book.save()
    said = {"department": "sales", "month": "2026-03", "location": "East", "quantity": 600.0}
    said = pd.DataFrame([said])
    store.add(workspace, "submissions", said, cycle=CYCLE, author="Zoë", entered_at=WRITTEN)
    outcome = departments.submit(workspace, book.path, author="Zoë", entered_at=LATER)
    assert outcome.taken["family"].tolist() == [EVIL]  # all of it is in the East
    (refused,) = outcome.filled.refused
    assert refused["why"] == "it crosses location East, 2026-03: 600, said before, and is left out."
    assert "Say both at one level" in refused["remedy"]


# numbers that stand


def _second(workspace, name="second.xlsx") -> Book:
    """Sales has said 900 and 950 of tents and 350 of 00417 in the West; its next template."""
    rows = [
        {"month": "2026-03", "family": "Tents", "quantity": 900.0},
        {"month": "2026-04", "family": "Tents", "quantity": 950.0},
        {"month": "2026-05", "item": "00417", "location": "West", "quantity": 350.0},
        {"month": "2026-01", "family": EVIL, "quantity": 80.0},  # frozen
    ]
    rows = pd.DataFrame(rows).assign(department="sales", reason="Promotion")
    store.add(workspace, "submissions", rows, cycle=CYCLE, author="Ann", entered_at=WRITTEN)
    departments.template(workspace, "sales", path=workspace / name, written_at=WRITTEN)
    return Book(workspace / name)


def _force(workspace) -> dict:
    """Month and number of what counts of sales."""
    found = submissions.in_force(store.raw_table(workspace, "submissions", CYCLE))
    return dict(zip(found["month"].map(months.label), found["quantity"], strict=True))


def test_a_template_shows_what_stands_and_left_as_it_is_nothing_is_said_again(workspace):
    book = _second(workspace)
    shown = [book.cell("Tents", month).value for month in ("2026-03", "2026-04", "2026-05")]
    assert shown == [900, 950, None]
    assert book.item("00417", "West", "2026-05").value == 350
    assert book.cell(EVIL, "2026-01").value == 80 and book.cell(EVIL, "2026-01").protection.locked
    outcome = departments.submit(workspace, book.path, author="Zoë", entered_at=LATER)
    assert outcome.added is None and outcome.taken.empty and not outcome.filled.refused
    said = "Nothing was changed, so nothing was submitted anew; 4 stay as they were."
    assert said in outcome.receipt.read_text()
    assert _force(workspace) == {"2026-03": 900, "2026-04": 950, "2026-05": 350, "2026-01": 80}


def test_a_changed_cell_replaces_a_cleared_one_withdraws_and_the_others_stay(workspace):
    book = _second(workspace)
    book.cell("Tents", "2026-03").value = 930
    book.cell("Tents", "2026-04").value = None
    book.cell("Tents", "2026-06").value = round(book.forecast("Tents", "2026-06"))
    book.save()
    outcome = departments.submit(workspace, book.path, author="Zoë", entered_at=LATER)
    said = "2 numbers were taken, 1 of them in place of an earlier one; 1 was withdrawn; 2 stay as"
    page = outcome.receipt.read_text()
    assert said in page and "in place of 900 by Ann" in page and "<h2>Withdrawn</h2>" in page
    assert "was 950 by Ann" in page
    force = _force(workspace)
    assert force.pop("2026-06") > 0
    assert force == {"2026-03": 930, "2026-05": 350, "2026-01": 80}
    third = workspace / "third.xlsx"
    departments.template(workspace, "sales", path=third)
    book = Book(third)
    assert [book.cell("Tents", m).value for m in ("2026-03", "2026-04")] == [930, None]
    assert main(["check", "--workspace", str(workspace)]) == 0
    cycle.forecast(workspace, CYCLE, horizon=12)
    sums = store.read(workspace, "views", CYCLE).groupby("month")["quantity"].sum()
    assert pd.Timestamp("2026-04-01") not in sums.index
    assert sums[pd.Timestamp("2026-03-01")] == pytest.approx(930.0)
    book.cell("Tents", "2026-04").value = 940  # said again after it was withdrawn
    book.save()
    again = departments.submit(
        workspace, third, author="Zoë", entered_at=LATER + pd.Timedelta(days=1)
    )
    assert again.taken["replaces"].tolist() == [False] and _force(workspace)["2026-04"] == 940


def test_no_change_keeps_what_stands_also_where_a_cell_was_cleared(workspace):
    book = _second(workspace)
    before = _force(workspace)
    book.families["B3"] = "yes"
    book.cell("Tents", "2026-04").value = None
    book.save()
    outcome = departments.submit(workspace, book.path, author="Zoë", entered_at=LATER)
    (refused,) = outcome.filled.refused
    assert refused["holds"] == "nothing (it held 950)" and "stood there stays" in refused["why"]
    assert "still counts" in outcome.filled.notes[0]
    assert _force(workspace) == before
    rows = store.raw_table(workspace, "submissions", CYCLE)
    assert rows["is_unchanged"].fillna(False).sum() == 1


def test_text_written_over_a_number_leaves_it_and_says_so(workspace):
    book = _second(workspace)
    book.cell("Tents", "2026-03").value = "many"
    book.save()
    (refused,) = departments.submit(workspace, book.path, author="Zoë").filled.refused
    assert refused["why"] == "not a number. The 900 shown stays."
    assert refused["remedy"] == "Write 900 again to leave it, or a plain number to change it."
    assert _force(workspace)["2026-03"] == 900


def test_a_workbook_dropped_into_the_folder_withdraws_too(workspace):
    book = _second(workspace)
    book.cell("Tents", "2026-03").value = None
    book.path = workspace / "data/raw/submissions/second.xlsx"
    book.save()
    assert "2026-03" not in _force(workspace) and len(_force(workspace)) == 3


def test_what_stands_in_a_frozen_month_cannot_be_cleared(workspace):
    book = _second(workspace)
    book.cell(EVIL, "2026-01").value = None
    book.save()
    outcome = departments.submit(workspace, book.path, author="Zoë", entered_at=LATER)
    (refused,) = outcome.filled.refused
    assert "2026-01 is frozen" in refused["why"] and "Write 80 there again" in refused["remedy"]
    assert _force(workspace)["2026-01"] == 80


def test_withdrawing_all_leaves_the_department_without_a_submission_and_says_so(workspace):
    _say(workspace, 900.0, "Ann", WRITTEN)
    departments.template(workspace, "sales", path=workspace / "second.xlsx")
    book = Book(workspace / "second.xlsx")
    book.cell("Tents", "2026-03").value = None
    book.save()
    outcome = departments.submit(workspace, book.path, author="Zoë", entered_at=LATER)
    assert "No number of sales stands for this cycle now" in outcome.filled.notes[0]
    assert "No number was taken; 1 was withdrawn." in outcome.receipt.read_text()
    cycle.forecast(workspace, CYCLE, horizon=12)
    state = store.read(workspace, "view_status", CYCLE).set_index("department")["state"]
    assert state["sales"] == "has not submitted"


@pytest.mark.parametrize("mine", [900, None, 800])
def test_a_number_that_somebody_else_changed_since_stays(workspace, mine):
    book = _second(workspace)
    book.cell("Tents", "2026-03").value = mine
    book.save()
    _say(workspace, 777.0, "Bob", LATER)
    later = LATER + pd.Timedelta(hours=1)
    outcome = departments.submit(workspace, book.path, author="Zoë", entered_at=later)
    assert _force(workspace)["2026-03"] == 777.0 and outcome.added is None
    said = " ".join([*outcome.filled.notes, *(row["why"] for row in outcome.filled.refused)])
    since = "Bob has submitted 777 for it since this template was written; this workbook "
    expected = {
        900: "Tents, 2026-03: the 900 shown is 777 now, by Bob; that stays. Change it in a new",
        None: since + "withdraws it.",
        800: since + "says 800.",
    }
    assert expected[mine] in said
    assert bool(outcome.filled.refused) == (mine != 900)


def test_numbers_that_no_cell_can_hold_stand_in_words_above_the_families(workspace):
    (workspace / "data/raw/submissions.csv").write_text(
        "department,cycle,month,quarter,family,location,quantity,revenue_value\n"
        f"sales,2026-01,2026-02,,Tents,,,9000\nsales,2026-01,,2026-04,{EVIL},,300,\n"
        "sales,2026-01,2026-02,,,East,500,\nsales,2026-01,2026-03,,,East,510,\n"
    )
    book = Book(departments.template(workspace, "sales", path=workspace / "new.xlsx"))
    sheet = book.families
    lines = [sheet.cell(row, 1).value for row in range(4, 8)]
    assert lines[:3] == [
        "Also in force: family Tents, 2026-02: money of 9,000",
        f"Also in force: family {EVIL}, quarter from 2026-04: 300",
        "Also in force: location East, 2026-02: 500; 2026-03: 510",
    ]
    assert sheet.cell(8, 1).value == "Family"
    assert lines[0] in [cell.value for (cell,) in book.book["Read me"].iter_rows(max_col=1)]
    sheet.cell(sheet.max_row, sheet.max_column).value = 120
    book.save()
    outcome = departments.submit(workspace, book.path, author="Zoë", entered_at=LATER)
    assert len(outcome.taken) + len(outcome.filled.refused) == 1  # the lines above do no harm


def test_where_there_is_no_earlier_plan_its_row_is_left_out(planned, tmp_path):
    root = shutil.copytree(planned, tmp_path / "first")
    shutil.rmtree(root / "data/processed/2025-12")
    sheet = Book(departments.template(root, "sales", path=root / "first.xlsx")).families
    words = {sheet.cell(row, 2).value for row in range(6, sheet.max_row + 1)}
    assert words == {templates.LAST_YEAR, templates.FORECAST, templates.YOURS}


@pytest.mark.parametrize(
    ("day", "due", "timing"), [(7, "2026-01-09", "late"), (8, "2026-01-12", "in time")]
)
def test_the_template_and_the_receipt_say_when_numbers_are_due(workspace, day, due, timing):
    options = workspace / "data/raw/company.yml"
    options.write_text(options.read_text() + f"meetings: {{demand_review: {day}}}\n")
    book = Book(departments.template(workspace, "sales", path=workspace / "new.xlsx"))
    assert book.families["A2"].value.startswith(f"Due by {due}. ")
    _good(book)
    book.save()
    when = pd.Timestamp("2026-01-12 23:00")
    page = departments.submit(workspace, book.path, author="Zoë", entered_at=when).receipt
    assert f"Handed in on 2026-01-12, {timing}: due by {due}." in page.read_text()


@pytest.mark.parametrize("name", ["Sales", " SALES  "])
def test_a_department_is_known_in_any_case(workspace, name):
    book = Book(departments.template(workspace, name, path=workspace / "new.xlsx"))
    _good(book)
    book.book[templates.KEYS]["B2"] = name  # as an older template may hold it
    book.save()
    outcome = departments.submit(workspace, book.path, author="Zoë", entered_at=LATER)
    assert pd.read_csv(outcome.added)["department"].tolist() == ["sales"]


def test_where_no_department_is_named_the_one_that_has_spoken_is_meant(workspace):
    options = workspace / "data/raw/company.yml"
    options.write_text(options.read_text().replace("departments: [sales, marketing]\n", ""))
    _say(workspace, 900.0, "Ann", WRITTEN)
    book = Book(departments.template(workspace, "SALES", path=workspace / "new.xlsx"))
    assert book.cell("Tents", "2026-03").value == 900


def test_receipts_of_a_cycle_are_listed_and_what_nobody_repaired_is_open(workspace):
    assert store.handed_in(workspace, CYCLE).empty
    book = Book(workspace / "sales.xlsx")
    _good(book)
    book.cell(EVIL, "2026-04").value = "many"
    book.save()
    mark = store.input_marks(workspace, "demand_review", CYCLE)
    departments.submit(workspace, book.path, author="Zoë", entered_at=LATER)
    departments.submit(workspace, book.path, author='An "<b>', entered_at=LATER)
    assert store.input_marks(workspace, "demand_review", CYCLE) != mark
    book.cell(EVIL, "2026-04").value = None
    book.save()
    later = LATER + pd.Timedelta(hours=1)
    departments.submit(workspace, book.path, author="Zoë", entered_at=later)
    table = store.handed_in(workspace, CYCLE)
    assert table[["author", "taken", "refused", "state"]].values.tolist() == [
        ["Zoë", 0, 0, ""],
        ["Zoë", 1, 1, "repaired"],
        ['An "<b>', 0, 1, "repaired"],
    ]
    assert table["handed_in"].tolist() == ["2026-01-06 10:00"] + ["2026-01-06 09:00"] * 2
    for href in table["href"]:
        assert (workspace / "reports/2026-01" / href).is_file()


def _states(workspace) -> list[str]:
    return store.handed_in(workspace, CYCLE)["state"].tolist()


def test_a_refused_cell_stays_open_until_a_number_for_it_is_taken(workspace):
    book = Book(workspace / "sales.xlsx")
    book.cell(EVIL, "2026-04").value = "many"
    book.cell("Tents", "2026-04").value = "more"
    book.save()
    departments.submit(workspace, book.path, author="Zoë", entered_at=LATER)
    hours = [LATER + pd.Timedelta(hours=k) for k in range(6)]
    second = workspace / "second.xlsx"
    departments.template(workspace, "sales", path=second, written_at=hours[1])
    other = Book(second)
    _good(other)
    other.save()
    departments.submit(workspace, second, author="Zoë", entered_at=hours[2])
    assert _states(workspace) == ["", "not repaired"]
    other.cell("Tents", "2026-04").value = round(other.forecast("Tents", "2026-04"))
    other.save()
    departments.submit(workspace, second, author="Ann", entered_at=hours[3])
    assert _states(workspace) == ["", "", "1 of 2 repaired"]
    book.cell(EVIL, "2026-04").value = "few"
    book.cell("Tents", "2026-04").value = None
    book.save()
    departments.submit(workspace, book.path, author="Zoë", entered_at=hours[4])
    assert _states(workspace) == ["not repaired", "", "", "1 of 2 repaired"]
    book.cell(EVIL, "2026-04").value = None
    book.save()
    departments.submit(workspace, book.path, author="Zoë", entered_at=hours[5])
    assert _states(workspace) == ["", "repaired", "", "", "repaired"]


def test_another_departments_workbook_repairs_nothing(workspace):
    book = Book(workspace / "sales.xlsx")
    book.cell("Tents", "2026-03").value = "many"
    book.save()
    departments.submit(workspace, book.path, author="Zoë", entered_at=LATER)
    path = departments.template(
        workspace, "marketing", path=workspace / "m.xlsx", written_at=WRITTEN
    )
    other = Book(path)
    _good(other)
    other.save()
    later = LATER + pd.Timedelta(hours=1)
    departments.submit(workspace, path, author="Zoë", entered_at=later)
    assert _states(workspace) == ["", "not repaired"]


def test_receipts_without_their_cells_are_read_as_before():
    facts = {"department": "sales", "author": "Zoë", "taken": 1, "withdrawn": 0, "left": 0}
    rows = [(9, 2), (10, 1), (11, 0)]
    pages = {}
    for hour, refused in rows:
        row = facts | {"handed_in": f"2026-01-06T{hour:02}:00:00", "refused": refused}
        row |= {"author": "Ann" if hour == 10 else "Zoë"}
        pages[f"{hour}.html"] = f'<meta name="sopkit" content="{html.escape(json.dumps(row))}">'
    table = receipts.listed(pages)
    assert table["state"].tolist() == ["", "not repaired", "handed in anew"]


def test_a_workbook_handed_in_again_adds_nothing_and_keeps_both_receipts(workspace):
    book = Book(workspace / "sales.xlsx")
    amount = _good(book)
    book.cell(EVIL, "2026-04").value = "many"
    book.save()
    first = departments.submit(workspace, book.path, author="Zoë", entered_at=LATER)
    text = first.receipt.read_text()
    again = departments.submit(workspace, book.path, author="Zoë", entered_at=LATER)
    assert again.added is None and again.taken.empty
    said = "No number was taken; 1 stays as it was; 1 cell was not taken."
    assert said in again.receipt.read_text()
    assert first.receipt.name == "sales_Zoë_2026-01-06T090000Z.html"
    assert again.receipt.name == "sales_Zoë_2026-01-06T090000Z_2.html"
    assert first.receipt.read_text() == text
    later = LATER + pd.Timedelta(days=9)
    book.cell(EVIL, "2026-04").value = round(book.forecast(EVIL, "2026-04"))
    book.save()
    mended = departments.submit(workspace, book.path, author="Ann", entered_at=later)
    assert "1 number was taken; 1 stays as it was." in mended.receipt.read_text()
    rows = store.raw_table(workspace, "submissions", CYCLE).set_index("family")
    assert rows.loc["Tents", ["quantity", "author", "entered_at"]].tolist() == [
        amount, "Zoë", LATER,
    ]  # fmt: skip
    assert rows.loc[EVIL, "entered_at"] == later


def test_no_change_said_again_is_not_added_again(workspace):
    book = Book(workspace / "sales.xlsx")
    book.families["B3"] = "yes"
    book.save()
    departments.submit(workspace, book.path, author="Zoë", entered_at=LATER)
    later = LATER + pd.Timedelta(days=9)
    again = departments.submit(workspace, book.path, author="Zoë", entered_at=later)
    assert again.added is None
    assert "“No change” was said on 2026-01-06 already" in again.filled.notes[0]


@pytest.mark.parametrize(
    ("replaces", "words"),
    [
        ([False], "1 number was taken."),
        ([True], "1 number was taken, in place of an earlier one."),
        ([True, True], "2 numbers were taken, all in place of earlier ones."),
        ([True, False], "2 numbers were taken, 1 of them in place of an earlier one."),
        ([True, True, False], "3 numbers were taken, 2 of them in place of earlier ones."),
    ],
)
def test_what_stands_in_place_of_what_is_said_in_plain_words(replaces, words):
    said = filled.Filled("sales", CYCLE, WRITTEN, "", ["family"])
    taken = pd.DataFrame({"replaces": replaces, "is_withdrawn": False})
    assert receipts.summary(said, taken) == words


def test_a_department_goes_on_at_the_levels_it_has_spoken_at(workspace):
    (workspace / "data/raw/submissions.csv").write_text(
        "department,cycle,month,family,location,quantity\nsales,2025-12,2026-02,Tents,East,700\n"
    )
    path = departments.template(workspace, "sales", path=workspace / "new.xlsx")
    heads = [cell.value for cell in openpyxl.load_workbook(path)["Families"][5]]
    assert heads[:4] == ["Family", "Location", "What", "Reason"]


def test_a_workbook_dropped_into_the_folder_enters_with_the_batch(workspace):
    book = Book(workspace / "sales.xlsx")
    amount = _good(book)
    book.cell(EVIL, "2026-04").value = "many"
    book.book.properties.lastModifiedBy = "Ann"
    folder = workspace / "data/raw/submissions"
    folder.mkdir()
    before = store.input_marks(workspace, "demand_review", CYCLE)
    book.path = folder / "from sales.xlsx"
    book.save()
    assert store.input_marks(workspace, "demand_review", CYCLE) != before
    tables, findings = store.raw_tables(workspace, CYCLE)
    row = tables["submissions"].iloc[0]
    assert (row["quantity"], row["author"], row["family"]) == (amount, "Ann", "Tents")
    told = findings[findings["table"] == "submissions"]
    assert told["first_row"].tolist() == [
        f"sheet Families, cell {book.cell(EVIL, '2026-04').coordinate} of "
        "data/raw/submissions/from sales.xlsx holds 'many'"
    ]
    assert told["message"].tolist() == ["not a number."]
    cycle.forecast(workspace, CYCLE, horizon=12)
    assert store.read(workspace, "views", CYCLE)["quantity"].sum() == pytest.approx(amount)


def test_the_command_line_writes_and_takes_a_workbook(workspace, capsys, monkeypatch):
    monkeypatch.chdir(workspace)
    assert main(["template", "--department", "marketing", "--cycle", "2026-01"]) == 0
    assert f"sopkit submit {workspace}/marketing_2026-01.xlsx" in capsys.readouterr().out
    book = Book(workspace / "marketing_2026-01.xlsx")
    _good(book)
    book.save()
    assert main(["submit", "marketing_2026-01.xlsx", "--by", "M. Keller"]) == 0
    said = capsys.readouterr().out
    assert "1 number was taken." in said and "receipts/marketing_M-Keller_" in said
    assert said.endswith("The pages show it after the next run: sopkit run --cycle 2026-01\n")
    where = ["--workspace", str(workspace)]
    assert main(["template", "--department", "Marketing", "-o", "m.xlsx", *where]) == 0
    assert f"/m.xlsx --by NAME --workspace {workspace}" in capsys.readouterr().out
    book.cell(EVIL, "2026-04").value = "many"
    book.save()
    assert main(["submit", "marketing_2026-01.xlsx", "--by", "M. Keller"]) == 1
    said = capsys.readouterr().out
    assert "holds 'many': not a number. Write a plain number" in said
    assert main(["submit", "nowhere.xlsx", "--by", "M. Keller"]) == 2
    assert main(["submit", "marketing_2026-01.xlsx", "--by", ".."]) == 2
    assert main(["submit", "data/raw/sales.csv", "--by", "M. Keller"]) == 1
    assert "Traceback" not in capsys.readouterr().err
    assert main(["check"]) == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [("B4", "yesterday"), ("B4", ""), ("B6", "moon"), ("B6", "item"), ("H9", "many"), ("A8", "x")],
)
def test_a_hidden_sheet_that_somebody_changed_is_an_error_not_a_guess(workspace, name, value):
    book = Book(workspace / "sales.xlsx")
    _good(book)
    book.book[templates.KEYS][name] = value
    book.save()
    with pytest.raises(
        SourceError, match="hidden sheet “sopkit” was changed. Write a new template"
    ):
        departments.submit(workspace, book.path, author="Zoë", entered_at=LATER)
