"""A department's workbook out: last year, forecast and last plan shown, numbers to be filled in.

One sheet by family, one by item, a page of words, and two hidden sheets: the keys with the numbers
shown (so that a reader can tell what was changed, and on which base), and the lists to choose from.
The department's numbers that stand already are in the cells to be filled in, where these can hold
them, and in words above them where not.
Text from data stays text: a name that begins with ``=`` is never a formula.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from sopkit import months, schema, whole
from sopkit.months import frozen_until

KEYS, LISTS = "sopkit", "lists"  # hidden sheets
FAMILIES, ITEMS, README = "Families", "Items", "Read me"
FORM = "sopkit template 1"
LAST_YEAR, FORECAST, LAST_PLAN, YOURS = (
    "Demand last year",
    "Forecast with events",
    "Last plan",
    "Your number",
)
SHOWN = {LAST_YEAR: "last_year", FORECAST: "forecast", LAST_PLAN: "last_plan"}
WHAT, REASON, NO_CHANGE = "What", "Reason", "No change"
KEY_LEVELS = ["item", "family", "location", "channel"]  # of the hidden sheet
REASONS = [
    "New customer",
    "Lost customer",
    "Promotion",
    "Price change",
    "Launch or end of an item",
    "Market or season",
    "Competitor",
    "Supply or stock",
    "Error in the data",
    "Other",
]
_MOST_LINES = 6  # of numbers in force that no cell holds, above the families; all are in Read me
_MOST_LETTERS = 120  # of such a line
_HEAD, _GIVEN_FILL, _ENTRY_FILL, _FROZEN_FILL = "1F3A5F", "F3F4F6", "FFF7DB", "D9DCE1"
_WIDTHS = {"family": 24, "item": 14, "description": 26, WHAT: 21, REASON: 24}


@dataclass(frozen=True)
class Base:
    """What a workbook shows a department.

    ``families`` and ``items`` hold one row a key and month: level columns, ``month``, ``forecast``;
    `families` also ``last_year`` and ``last_plan``, in the planning unit; `items` in each item's
    own. ``about_items`` has ``item, description, unit``, ``prices`` a price a unit by family.
    ``stands`` are the department's numbers in force, by sheet, key (``KEY_LEVELS``) and month;
    ``also_stands`` those that no cell can hold, in words; ``due`` the day they are wanted.
    """

    department: str
    cycle: pd.Timestamp
    written_at: pd.Timestamp
    company: str
    currency: str
    unit: str
    frozen: dict[str, float]
    levels: list[str]
    families: pd.DataFrame
    items: pd.DataFrame
    about_items: pd.DataFrame
    prices: pd.Series
    stands: dict[tuple[str, tuple, pd.Timestamp], float] = field(default_factory=dict)
    also_stands: list[str] = field(default_factory=list)
    due: pd.Timestamp | None = None

    @property
    def shown(self) -> dict[str, str]:
        """Rows to compare with, those that hold any number: there may be no last plan yet."""
        return {what: name for what, name in SHOWN.items() if self.families[name].notna().any()}

    @property
    def mark(self) -> str:
        """A hash of the forecast shown: another one means that it moved since."""
        rows = [
            frame[["month", *names]].assign(n=frame["forecast"].round(4)).to_csv(index=False)
            for frame, names in ((self.families, self.levels), (self.items, schema.SERIES))
        ]
        return hashlib.sha256("".join(rows).encode()).hexdigest()[:16]

    @property
    def span(self) -> list[pd.Timestamp]:
        """Months across."""
        return sorted(self.families["month"].unique())


def write(path: Path, base: Base) -> None:
    """Write the workbook; it opens on the families, ready to be filled in.

    Parameters
    ----------
    path : Path
        Workbook to write.
    base : Base
        What it shows.
    """
    from openpyxl import Workbook

    book = Workbook()
    _add_styles(book)
    sheet = book.active
    sheet.title = FAMILIES
    _families(sheet, base)
    _items(book.create_sheet(ITEMS), base)
    _read_me(book.create_sheet(README), base)
    _lists(book.create_sheet(LISTS))
    _keys(book.create_sheet(KEYS), base)
    with whole.replacing(path) as part:
        book.save(part)


def _add_styles(book) -> None:
    from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Protection, Side

    def fill(color: str) -> PatternFill:
        return PatternFill("solid", start_color=color)

    line = Side("thin", color="C9CED6")
    whole, tenth, head = "#,##0", "#,##0.0", {"color": "FFFFFF", "bold": True}
    for name, font, shade, number, is_locked in [
        ("head", head, _HEAD, "@", True),
        ("head month", head, _HEAD, "mmm yyyy", True),
        ("given text", {"color": "475467"}, _GIVEN_FILL, "@", True),
        ("given whole", {"color": "475467"}, _GIVEN_FILL, whole, True),
        ("given tenth", {"color": "475467"}, _GIVEN_FILL, tenth, True),
        ("key text", {"bold": True}, None, "@", True),
        ("entry text", {}, _ENTRY_FILL, "General", False),
        ("entry whole", {"bold": True}, _ENTRY_FILL, whole, False),
        ("entry tenth", {"bold": True}, _ENTRY_FILL, tenth, False),
        ("frozen", {"color": "475467"}, _FROZEN_FILL, whole, True),
    ]:
        style = NamedStyle(name, font=Font(name="Calibri", size=11, **font), number_format=number)
        if shade:
            style.fill = fill(shade)
        style.border = Border(bottom=line)
        style.protection = Protection(locked=is_locked)
        if name.startswith("head"):
            style.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)
        book.add_named_style(style)


def _put(sheet, row: int, column: int, value: object, style: str) -> None:
    """One cell: text as text, a missing number as nothing."""
    cell = sheet.cell(row, column)
    if isinstance(value, str):
        cell.value = value
        cell.data_type = "s"
    elif value is not None and not pd.isna(value):
        cell.value = round(float(value), 4)
    cell.style = style


def _title(sheet, base: Base, words: str) -> None:
    from openpyxl.styles import Font

    department = base.department[:1].upper() + base.department[1:]
    texts = (f"{base.company} · {department} · cycle {months.label(base.cycle)}", words)
    for row, (text, font) in enumerate(
        zip(texts, (Font(size=16, bold=True, color=_HEAD), Font(color="475467")), strict=True), 1
    ):
        cell = sheet.cell(row, 1, text)
        cell.data_type, cell.font = "s", font


def _heads(sheet, row: int, words: list[str], base: Base, first_month: int) -> None:
    for column, word in enumerate(words, 1):
        _put(sheet, row, column, word, "head")
    for column, month in enumerate(base.span, first_month):
        cell = sheet.cell(row, column, month.to_pydatetime())
        cell.style = "head month"
    sheet.row_dimensions[row].height = 32


def _families(sheet, base: Base) -> None:
    """Up to four rows a family: those to compare with, and one to fill in."""
    levels, span = base.levels, base.span
    also = base.also_stands[:_MOST_LINES]
    head, first = 5 + len(also), len(levels) + 4
    due = f"Due by {base.due:%Y-%m-%d}. " if base.due is not None else ""
    words = f"{due}Quantities in {base.unit}, prices in {base.currency} a unit. "
    _title(sheet, base, words + "Fill in yellow cells only (see Read me).")
    sheet.cell(3, 1, f"{NO_CHANGE} (yes/no):").style = "key text"
    _put(sheet, 3, 2, "no", "entry text")
    for row, line in enumerate(also, 4):
        more = len(base.also_stands) - len(also) if row == 3 + len(also) else 0
        line = line if len(line) <= _MOST_LETTERS else f"{line[:_MOST_LETTERS]} … (see Read me)"
        line += f" and {more} more: see Read me" if more else ""
        sheet.cell(row, 1, f"Also in force: {line}").data_type = "s"
    names = [*(level.capitalize() for level in levels), WHAT, REASON, f"{base.currency} a unit"]
    _heads(sheet, head, names, base, first)
    wide = {
        what: base.families.pivot(index=levels, columns="month", values=column)
        for what, column in base.shown.items()
    }
    style = _digits(base.families["forecast"])
    row, entry_rows = head, []
    for key in wide[FORECAST].index:
        key_words = key if isinstance(key, tuple) else (key,)
        own = dict(zip(levels, key_words, strict=True))
        place = tuple(own.get(level, schema.ALL) for level in KEY_LEVELS)
        for what in (*base.shown, YOURS):
            row += 1
            is_entry = what == YOURS
            for column, word in enumerate([*key_words, what], 1):
                _put(sheet, row, column, word, "key text" if is_entry else "given text")
            _put(sheet, row, first - 2, None, "entry text" if is_entry else "given text")
            price = base.prices.get(key_words[0]) if is_entry else None
            _put(sheet, row, first - 1, price, "given tenth")
            open_from = frozen_until(base.frozen, key_words[0], base.cycle)
            for column, month in enumerate(span, first):
                if is_entry:
                    look = f"entry {style}" if month >= open_from else "frozen"
                    _put(sheet, row, column, base.stands.get((FAMILIES, place, month)), look)
                else:
                    _put(sheet, row, column, wide[what].at[key, month], f"given {style}")
            entry_rows += [row] if is_entry else []
    widths = [*(_WIDTHS.get(level, 14) for level in levels), _WIDTHS[WHAT], _WIDTHS[REASON], 11]
    _finish(sheet, head, first, widths, len(span))
    _rules(sheet, entry_rows, first, len(span), "B3")


def _items(sheet, base: Base) -> None:
    """One row a series: months to fill in, the forecast beside them."""
    head, series, span = 3, schema.SERIES, base.span
    words = "For those who want detail: quantities in each item's own unit. A number here is held "
    _title(sheet, base, words + "within its family's of the first sheet, where both stand.")
    names = ["item", "description", "family", "location", "channel", "unit"]
    first = len(names) + 2
    _heads(sheet, head, [*(name.capitalize() for name in names), REASON], base, first)
    beside = first + len(span)
    for column, month in enumerate(span, beside):
        _put(sheet, head, column, f"Forecast {months.label(month)}", "head")
    wide = base.items.pivot(index=[*series, "family"], columns="month", values="forecast")
    about = base.about_items.set_index("item")
    for row, (key, amounts) in enumerate(zip(wide.index, wide.to_numpy(), strict=True), head + 1):
        item, location, channel, family = key
        known = about.loc[item] if item in about.index else {}
        told = [str(known.get(name, "")) for name in ("description", "unit")]
        told = ["" if word in ("nan", "None", "<NA>") else word for word in told]
        for column, word in enumerate([item, told[0], family, location, channel, told[1]], 1):
            _put(sheet, row, column, word, "key text" if column == 1 else "given text")
        _put(sheet, row, first - 1, None, "entry text")
        open_from = frozen_until(base.frozen, family, base.cycle)
        for place, (month, amount) in enumerate(zip(span, amounts, strict=True)):
            look = "entry tenth" if month >= open_from else "frozen"
            own = base.stands.get((ITEMS, (item, family, location, channel), month))
            _put(sheet, row, first + place, own, look)
            _put(sheet, row, beside + place, amount, "given tenth")
    widths = [_WIDTHS["item"], _WIDTHS["description"], _WIDTHS["family"], 12, 12, 10, 24]
    _finish(sheet, head, first, widths, 2 * len(span))
    _rules(sheet, list(range(head + 1, head + 1 + len(wide))), first, len(span), "")


def _digits(amounts: pd.Series) -> str:
    return "whole" if amounts.median() >= 100 else "tenth"


def _finish(sheet, head: int, first: int, widths: list[int], count: int) -> None:
    """Widths, frozen panes, protection without a password, and how it prints."""
    from openpyxl.utils import get_column_letter

    for column, width in enumerate([*widths, *[11] * count], 1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    sheet.freeze_panes = sheet.cell(head + 1, first)
    sheet.protection.sheet = True
    for name in ("formatColumns", "formatRows", "autoFilter", "sort"):
        setattr(sheet.protection, name, False)  # False: allowed
    sheet.sheet_view.showGridLines = False
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", 9
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.print_title_rows = f"{head}:{head}"
    sheet.oddFooter.center.text = "Page &P of &N"


def _rules(sheet, rows: list[int], first: int, count: int, no_change: str) -> None:
    """What may be typed: reasons from a list (others too), numbers not below zero, yes or no."""
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    reasons = DataValidation("list", formula1=f"{LISTS}!$A$1:$A${len(REASONS)}", allow_blank=True)
    reasons.showErrorMessage = False
    numbers = DataValidation("decimal", operator="greaterThanOrEqual", formula1="0")
    numbers.errorTitle, numbers.error = "A quantity", "Write a number, 0 or more; no formula."
    numbers.showErrorMessage = numbers.allow_blank = True
    left, right = get_column_letter(first), get_column_letter(first + count - 1)
    reason = get_column_letter(first - (2 if no_change else 1))
    is_one = rows and rows[-1] - rows[0] + 1 == len(rows)
    spans = [(rows[0], rows[-1])] if is_one else [(row, row) for row in rows]
    for top, bottom in spans:
        reasons.add(f"{reason}{top}:{reason}{bottom}")
        numbers.add(f"{left}{top}:{right}{bottom}")
    sheet.add_data_validation(reasons)
    sheet.add_data_validation(numbers)
    if no_change:
        answer = DataValidation("list", formula1=f"{LISTS}!$B$1:$B$2", allow_blank=True)
        answer.showErrorMessage = True
        answer.add(no_change)
        sheet.add_data_validation(answer)


def _read_me(sheet, base: Base) -> None:
    open_from = frozen_until(base.frozen, "", base.cycle)
    frozen = "frozen months are locked"
    if open_from > base.cycle:
        frozen = f"the months before {months.label(open_from)} are frozen"
    lines = [
        f"1. Write your own number into a yellow cell of {FAMILIES} where you expect something "
        "other than the forecast with its events.",
        "2. Leave a cell empty where you agree with the forecast. A number that stands there is "
        "one your department gave for this cycle: left as it is it stays, changed it is replaced, "
        "cleared it is withdrawn. If nothing is to change at all, write yes beside "
        f"“{NO_CHANGE}”: that counts as submitted.",
        "3. Choose a reason, or write one; it goes with the numbers you add or change. A number "
        "more than 50 % off the forecast needs one.",
        f"4. {ITEMS} is for detail by item, location and channel. A number there is held within "
        "its family's number for the month, and the rest of that goes to the other items by the "
        "forecast; without a family's number the other items keep the forecast.",
        f"5. Grey cells are for comparison, and {frozen} (by family where your company says so): "
        "numbers written there are refused and listed.",
        '6. Save the file and hand it in: sopkit submit FILE --by "YOUR NAME"'
        f"{f', by {base.due:%Y-%m-%d}' if base.due is not None else ''}. The receipt says "
        "what was taken, and what was not and why.",
        *(f"Also in force: {line}" for line in base.also_stands),
    ]
    from openpyxl.styles import Alignment

    _title(sheet, base, f"How to fill in this workbook. Quantities in {base.unit}.")
    for row, line in enumerate(lines, 4):
        cell = sheet.cell(row, 1, line)
        cell.data_type, cell.alignment = "s", Alignment(wrap_text=True, vertical="top")
        sheet.row_dimensions[row].height = 17 * (1 + len(line) // 105)
    sheet.column_dimensions["A"].width = 110
    sheet.page_setup.orientation = "landscape"
    sheet.sheet_view.showGridLines = False


def _lists(sheet) -> None:
    for row, word in enumerate(REASONS, 1):
        sheet.cell(row, 1, word)
    for row, word in enumerate(("yes", "no"), 1):
        sheet.cell(row, 2, word)
    sheet.sheet_state = "hidden"


def _keys(sheet, base: Base) -> None:
    """Department, cycle and base, and every number shown by its key."""
    told = {
        "form": FORM,
        "department": base.department,
        "cycle": months.label(base.cycle),
        "written_at": base.written_at.isoformat(timespec="seconds"),
        "base": base.mark,
        "levels": " ".join(base.levels),
    }
    for row, (name, word) in enumerate(told.items(), 1):
        _put(sheet, row, 1, name, "given text")
        _put(sheet, row, 2, word, "given text")
    span = base.span
    head = ["sheet", "what", *KEY_LEVELS, *map(months.label, span)]
    row = len(told) + 2
    for column, word in enumerate(head, 1):
        _put(sheet, row, column, word, "given text")
    parts = [(FAMILIES, what, base.families, column) for what, column in base.shown.items()]
    own = [(name, *key, month, units) for (name, key, month), units in base.stands.items()]
    stands = pd.DataFrame(own, columns=["sheet", *KEY_LEVELS, "month", "own"])
    parts += [(name, YOURS, frame, "own") for name, frame in stands.groupby("sheet")]
    for name, what, frame, values in [*parts, (ITEMS, FORECAST, base.items, "forecast")]:
        filled = frame.assign(**{n: schema.ALL for n in KEY_LEVELS if n not in frame})
        wide = filled.pivot(index=KEY_LEVELS, columns="month", values=values)
        wide = wide.reindex(columns=span)
        for key, amounts in zip(wide.index, wide.to_numpy(), strict=True):
            row += 1
            for column, value in enumerate([name, what, *key, *amounts], 1):
                if isinstance(value, str):
                    sheet.cell(row, column, value).data_type = "s"
                elif not pd.isna(value):
                    sheet.cell(row, column, round(float(value), 4))
    sheet.sheet_state = "hidden"
    sheet.protection.sheet = True
