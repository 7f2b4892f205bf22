"""Every way we know to break the raw tables, and what sopkit says to each.

One small sound company, and a table of cases: what is broken, the edit that breaks it, how it must
end, and words that the message must hold. ``broken_inputs.md`` shows the same cases with their real
messages; it is written anew by ``python tests/test_broken_inputs.py``.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from sopkit import months, store
from sopkit.__main__ import main

TABLE = Path(__file__).with_name("broken_inputs.md")
SPAN = months.span(pd.Timestamp("2023-07-01"), 30)  # closed months: the cycle is 2026-01
PERIODS = months.span(pd.Timestamp("2023-01-01"), 60)


def _lines(header: str, rows: list[str]) -> str:
    return "\n".join([header, *rows, ""])


def _sales() -> str:
    """Three items in two markets; the sums repeat each year."""
    series = [("TENT-2", 40, 100), ("TENT-3", 20, 150), ("00123", 30, 40)]
    rows = [
        f"{item},{place},{month:%Y-%m},{base + month.month},{(base + month.month) * price}"
        for month in SPAN
        for item, base, price in series
        for place in ("North,Web", "North,Retail", "South,Retail")
    ]
    return _lines("item,location,channel,month,quantity,revenue_value", rows)


def _calendar() -> str:
    rows = [
        f"{month:%Y-%m},{month:%Y-%m-%d},{month + pd.offsets.MonthEnd():%Y-%m-%d},21,{month.year},"
        f"{month.quarter}"
        for month in PERIODS
    ]
    return _lines("month,first_date,last_date,working_days,fiscal_year,fiscal_quarter", rows)


GOALS_IN_SEK = """\
kpi,first_month,last_month,target,unit,currency
revenue_value,2026-01,2026-12,9000,value,SEK
growth_rate,2026-01,2026-12,0.1,rate,SEK
"""
SOUND = {
    "sales.csv": _sales(),
    "calendar.csv": _calendar(),
    "rates.csv": _lines("currency,month,kind,rate", [f"GBP,{m:%Y-%m},actual,1.15" for m in SPAN])
    + "GBP,2026-01,budget,1.2\n",
    "items.csv": """\
item,description,family,category,unit,unit_cost_value,unit_price_value,launch_month,end_month,\
lead_time_days,is_purchased
TENT-2,Tent for two,Tents,Outdoor,piece,60,100,2020-01,,10,no
TENT-3,Tent for three,Tents,Outdoor,piece,90,150,2020-01,2028-12,10,no
00123,Gas stove,Stoves,Outdoor,piece,20,40,2021-03,,45,yes
""",
    "locations.csv": """\
location,region,supplied_from,currency
North,Mainland,,EUR
South,Islands,North,GBP
""",
    "channels.csv": "channel,segment\nWeb,Consumers\nRetail,Trade\n",
    "prices.csv": """\
item,location,channel,first_month,unit_price_value
TENT-2,North,Web,2025-01,100
TENT-3,North,Web,2025-01,150
00123,North,,2025-01,40
""",
    "budget.csv": """\
version,family,month,quarter,quantity,revenue_value
2026,Tents,,2026-01,450,52000
2026,Tents,,2026-04,480,55000
2026,Stoves,2026-01,,60,2400
2026,Stoves,2026-02,,62,2500
""",
    "events.csv": """\
event,kind,first_month,last_month,family,expected_rate,probability_rate,owner
Spring sale,promotion,2026-04,2026-05,Tents,0.2,0.8,Ada
""",
    "orders.csv": "item,location,channel,month,quantity\nTENT-2,North,Web,2026-01,12\n",
    "submissions.csv": """\
department,cycle,month,quarter,family,quantity,revenue_value,reason
Sales,2026-01,2026-02,,Tents,120,,fair in May
Finance,2026-01,,2026-04,Stoves,,7000,as last year
""",
    "inventory.csv": """\
item,location,month,on_hand
TENT-2,North,2025-11,80
TENT-2,North,2025-12,75
TENT-3,North,2025-12,40
00123,North,2025-12,90
""",
    "scheduled_receipts.csv": """\
item,location,month,kind,quantity,is_firm
00123,North,2026-02,purchase,100,yes
""",
    "resources.csv": """\
resource,location,regular_hours,overtime_hours,regular_cost_value,overtime_cost_value
Sewing,North,120,30,25,38
""",
    "capacity.csv": "resource,month,regular_hours\nSewing,2026-08,60\n",
    "routings.csv": "family,resource,hours_per_unit\nTents,Sewing,0.5\n",
    "components.csv": "item,component,quantity_per\nTENT-3,TENT-2,1\nTENT-2,00123,1\n",
    "suppliers.csv": "item,supplier,lead_time_days,unit_cost_value\n00123,Brenner,45,20\n",
    "planning_costs.csv": "family,holding_cost_value,backorder_cost_value\nTents,1,20\n",
    "controls.csv": """\
table,measure,month,channel,amount
sales,revenue_value,2025-12,Web,20000
sales,quantity,2025-12,,250
""",
    "targets.csv": """\
kpi,first_month,last_month,target,unit
margin_rate,2026-01,2026-12,0.35,rate
""",
    "launches.csv": "item,like_item,weight_share\nTENT-3,TENT-2,1\n",
    "market.csv": "series,month,value\nCamping trips,2025-11,104\nCamping trips,2025-12,101\n",
    "decisions.csv": """\
decision,cycle,statement,owner,decide_by
Second shift,2026-01,Do we run a second shift in May?,Ada,2026-02-15
""",
    "options.csv": """\
decision,option,statement,cost_value,effect_value
Second shift,Yes,Hire four people,9000,20000
""",
    "actions.csv": """\
action,cycle,statement,owner,due_month,status
Clear old tents,2025-12,Sell 200 old tents,Ben,2026-03,open
""",
    "assumptions.csv": """\
assumption,statement,owner,quality,impact,first_cycle,expires_month
Rate,The pound stays at 1.20,Ada,amber,green,2025-06,2026-06
""",
    "scenarios/wet_may.yml": """\
name: Wet May
statement: A wet May keeps campers at home
owner: Ada
kind: outside
first_cycle: 2026-01
probability_rate: 0.2
changes:
- demand: {family: Tents, first_month: 2026-05, last_month: 2026-06, rate: -0.2}
- capacity: {resource: Sewing, first_month: 2026-03, hours: 20}
- event: {event: Spring sale, probability_rate: 0}
- supplier_loss: {supplier: Brenner, first_month: 2026-03, last_month: 2026-03}
- currency: {currency: GBP, rate: -0.05}
""",
    "company.yml": """\
name: Hill and Shore
currency: EUR
departments: [Sales, Finance]
horizon: 18
tolerance_rate: 0.01
service_levels: {default: 0.95, Tents: 0.97}
""",
}

Edit = Callable[[str], "str | bytes | None"]


def put(old: str, new: str) -> Edit:
    """The first place where a text stands, changed."""

    def edit(text: str) -> str:
        assert old in text, f"the sound file holds no {old!r}"
        return text.replace(old, new, 1)

    return edit


def put_all(old: str, new: str) -> Edit:
    """Every place where a text stands, changed."""
    return lambda text: text.replace(old, new)


def add(*rows: str) -> Edit:
    """Further rows."""
    return lambda text: text + _lines(rows[0], list(rows[1:]))


def drop(pattern: str) -> Edit:
    """The rows that hold a pattern, left out."""
    return lambda text: "".join(
        line for line in text.splitlines(keepends=True) if not re.search(pattern, line)
    )


def whole(content: str | bytes | None) -> Edit:
    """Another file, or none."""
    return lambda _: content


def column(name: str, cells: str = "") -> Edit:
    """A further column with the same cell in every row."""

    def edit(text: str) -> str:
        header, *rows = text.splitlines()
        return _lines(f"{header},{name}", [f"{row},{cells}" for row in rows])

    return edit


def without(name: str) -> Edit:
    """The table without one of its columns (no cell of it holds a comma)."""

    def edit(text: str) -> str:
        rows = [line.split(",") for line in text.splitlines()]
        place = rows[0].index(name)
        return _lines(*_split([",".join(row[:place] + row[place + 1 :]) for row in rows]))

    return edit


def _split(lines: list[str]) -> tuple[str, list[str]]:
    return lines[0], lines[1:]


def blank(name: str) -> Edit:
    """The table with one of its columns empty."""

    def edit(text: str) -> str:
        rows = [line.split(",") for line in text.splitlines()]
        place = rows[0].index(name)
        emptied = [",".join([*row[:place], "", *row[place + 1 :]]) for row in rows[1:]]
        return _lines(",".join(rows[0]), emptied)

    return edit


def workbook(text: str) -> bytes:
    """A table as an Excel workbook, numbers as numbers."""
    content = io.BytesIO()
    rows = [[_as_number(cell) for cell in line.split(",")] for line in text.splitlines()]
    pd.DataFrame(rows).to_excel(content, index=False, header=False)
    return content.getvalue()


def _as_number(cell: str) -> object:
    return float(cell) if re.fullmatch(r"[1-9][0-9.]*", cell) else cell or None


@dataclass(frozen=True)
class Case:
    """One broken input and how it must end."""

    group: str
    broken: str
    edits: dict[str, Edit]
    state: str  # breach, notice, refused or misused
    words: tuple[str, ...]
    command: str = "check"

    @property
    def code(self) -> int:
        """The exit code: 0 done, 1 the data are wrong, 2 the command cannot be meant."""
        return {"notice": 0, "breach": 1, "refused": 1, "misused": 2}[self.state]


def _cases(group: str, *rows: tuple) -> list[Case]:
    """Cases of one heading: (what is broken, edit of each file, state, words…)."""
    return [
        Case(group, broken, edits, state, tuple(words)) for broken, edits, state, *words in rows
    ]


CASES = [
    *_cases(
        "Files",
        ("no sales at all", {"sales.csv": whole(None)}, "refused", "data/raw holds no sales"),
        ("sales.csv is empty", {"sales.csv": whole("")}, "breach", "sales.csv", "header line"),
        (
            "sales.csv holds a header and no rows",
            {"sales.csv": whole("item,month,quantity\n")},
            "breach",
            "sales: the table has no rows.",
            "Fill data/raw/sales.csv",
        ),
        (
            "budget.csv holds a header and no rows",
            {"budget.csv": whole("month,quantity\n")},
            "notice",
            "budget: the table has no rows.",
            "Fill data/raw/budget.csv, or remove it.",
        ),
        (
            "items.csv saved as Windows-1252",
            {
                "items.csv": lambda text: text.replace("Gas stove", "Kocher für Gas").encode(
                    "cp1252"
                )
            },
            "breach",
            "items.csv",
            "CSV UTF-8",
        ),
        (
            "items.csv is a picture",
            {"items.csv": whole(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1")},
            "breach",
            "items.csv",
            "CSV UTF-8",
        ),
        (
            "budget.csv holds bytes of nothing",
            {"budget.csv": lambda text: text + "2026,Tents,2026-05,,9,9\0\n"},
            "breach",
            "budget.csv",
            "CSV UTF-8",
        ),
        (
            "both items.csv and items.xlsx",
            {"items.xlsx": lambda _: workbook(SOUND["items.csv"])},
            "refused",
            "items: items.csv and items.xlsx both give this table. Keep one of them.",
        ),
        (
            "both items.csv and a SELECT for items",
            {"sources.yml": whole("tables:\n  items: SELECT 'A' AS item\n")},
            "refused",
            "items.csv and sources.yml both give this table.",
        ),
        (
            "a CSV file renamed to items.xlsx",
            {"items.csv": whole(None), "items.xlsx": lambda _: SOUND["items.csv"]},
            "breach",
            "items.xlsx",
            "Save it again as .xlsx.",
        ),
        (
            "inventory.xlsx with an empty sheet",
            {"inventory.csv": whole(None), "inventory.xlsx": lambda _: workbook("")},
            "breach",
            "inventory.xlsx",
            "is empty",
            "header row",
        ),
        (
            "inventory.parquet cut off",
            {"inventory.csv": whole(None), "inventory.parquet": whole(b"PAR1 and no more")},
            "breach",
            "inventory.parquet",
            "Export it again.",
        ),
        (
            "a row of prices.csv with a cell too many",
            {"prices.csv": put("2025-01,150\n", "2025-01,150,7\n")},
            "breach",
            "prices.csv",
            "line 3",
            "line 3 has 6 cells, the header 5.",
            "quotation marks",
        ),
        (
            "a quotation mark that is never closed",
            {"items.csv": put("Gas stove", '"Gas stove')},
            "breach",
            "items.csv: a quotation mark in line 4 is never closed.",
        ),
        (
            "a file whose name is near a table's",
            {"inventroy.csv": lambda _: SOUND["inventory.csv"]},
            "notice",
            "inventroy.csv: a file nobody reads. Did you mean 'inventory'?",
        ),
        (
            "an old .xls workbook",
            {"market.csv": whole(None), "market.xls": whole(b"\xd0\xcf\x11\xe0")},
            "notice",
            "market.xls: a file nobody reads.",
            "Save it as market.xlsx or market.csv: .xls is not read.",
        ),
        (
            "items.csv holds a header and no rows",
            {"items.csv": whole("item,family\n")},
            "breach",
            "items: the table has no rows.",
            "Fill data/raw/items.csv, or remove it.",
        ),
        (
            "a row of prices.csv with a cell too few",
            {"prices.csv": put("2025-01,150\n", "2025-01\n")},
            "breach",
            "prices.unit_price_value: a required cell is blank.",
            "line 3",
        ),
        (
            "a web page saved as items.csv",
            {"items.csv": whole("<html><td>item</td></html>\n")},
            "breach",
            "items: line 1 names no column of items.",
        ),
        (
            "a file that is near no table",
            {"notes.csv": whole("a\n1\n")},
            "notice",
            "notes.csv: a file nobody reads.",
            "named after a table: see README.md.",
        ),
    ),
    *_cases(
        "sources.yml",
        (
            "no YAML",
            {"sources.yml": whole("tables:\n  sales: [\n")},
            "refused",
            "sources.yml: not readable as YAML in line 3.",
        ),
        ("a list", {"sources.yml": whole("- sales\n")}, "refused", "lines of `name: value`"),
        (
            "an unknown section",
            {"sources.yml": whole("table:\n  orders: SELECT 1\n")},
            "refused",
            "sources.yml: no section 'table'. Did you mean 'tables'?",
        ),
        (
            "an unknown table",
            {"sources.yml": whole("tables:\n  salse: SELECT 1\n")},
            "refused",
            "sources.yml: tables: salse: no table 'salse'. Did you mean 'sales'?",
        ),
        (
            "a SELECT that is none",
            {"sources.yml": whole("tables:\n  production: SELEC item FROM erp\n")},
            "breach",
            "sources.yml: production: the text begins with neither SELECT nor WITH.",
        ),
        (
            "a SELECT over a file that is not named",
            {"sources.yml": whole("tables:\n  production: SELECT * FROM erp\n")},
            "breach",
            "sources.yml: production: the SELECT names erp, which is not under `files`.",
            "Correct the SELECT of production.",
        ),
        (
            "a SELECT of a column that the file lacks",
            {
                "sources.yml": whole(
                    "files:\n  plan: COMPANY/data/raw/budget.csv\n"
                    "tables:\n  production: SELECT article AS item FROM plan\n"
                )
            },
            "breach",
            "sources.yml: production: there is no column article. Known: ",
            "Correct the SELECT of production.",
        ),
        (
            "a SELECT that opens a file itself",
            {"sources.yml": whole("tables:\n  production: SELECT * FROM read_csv('/etc/hosts')\n")},
            "breach",
            "sources.yml: production: a SELECT opens no file itself.",
            "Name the file under `files`",
        ),
        (
            "a name twice in company.yml",
            {"company.yml": add("horizon: 24")},
            "refused",
            "company.yml: horizon stands there twice. Keep one of them.",
        ),
        (
            "a statement that gives no rows",
            {"sources.yml": whole("tables:\n  production: ''\n")},
            "refused",
            "sources.yml: tables: production: write one SELECT there, as text.",
        ),
        (
            "a variable that is not set",
            {
                "sources.yml": whole(
                    "files:\n  p: ${NO_SUCH_FOLDER}/p.csv\ntables:\n  production: SELECT * FROM p\n"
                )
            },
            "breach",
            "sources.yml: the variable NO_SUCH_FOLDER is not set.",
            "export NO_SUCH_FOLDER=",
        ),
        (
            "a path where no file is",
            {
                "sources.yml": whole(
                    "files:\n  p: /nowhere/p.csv\ntables:\n  production: SELECT * FROM p\n"
                )
            },
            "breach",
            "sources.yml: the file 'p' is not at /nowhere/p.csv. Correct its path.",
        ),
        (
            "the address of a database with its password",
            {"sources.yml": whole("databases:\n  erp: postgresql://ada:secret@erp/db\n")},
            "refused",
            "sources.yml: databases: erp: only a variable may stand here.",
            "${ERP_DATABASE_URL}",
        ),
        (
            "a table from a database that is not named",
            {
                "sources.yml": whole(
                    "databases:\n  erp: ${ERP_DATABASE_URL}\n"
                    "tables:\n  production: {database: epr, select: SELECT 1}\n"
                )
            },
            "refused",
            "no database 'epr' under databases. Did you mean 'erp'?",
        ),
        (
            "a database whose variable is not set",
            {
                "sources.yml": whole(
                    "databases:\n  erp: ${NO_SUCH_DATABASE}\n"
                    "tables:\n  production: {database: erp, select: SELECT 1 AS item}\n"
                )
            },
            "refused",
            "production: the variable NO_SUCH_DATABASE is not set.",
        ),
        (
            "a deletion instead of a SELECT",
            {
                "sources.yml": whole(
                    "databases:\n  erp: ${NO_SUCH_DATABASE}\n"
                    "tables:\n  production: {database: erp, select: DELETE FROM sales}\n"
                )
            },
            "refused",
            "sources.yml: production: the text begins with neither SELECT nor WITH.",
        ),
        (
            "an unknown word under formats",
            {"sources.yml": whole("formats:\n  sales: {dates: dayfirst}\n")},
            "refused",
            "sources.yml: formats: sales: dates: 'dayfirst'? Did you mean 'day_first'?",
        ),
        (
            "formats of a file that holds other dates",
            {
                "sources.yml": whole("formats:\n  sales: {dates: month_first}\n"),
                "sales.csv": put("North,Web,2023-07", "North,Web,31/07/2023"),
            },
            "breach",
            "sales.month: not a date with the month first.",
            "correct `formats` in data/raw/sources.yml",
        ),
        (
            "formats that say comma where a point stands",
            {
                "sources.yml": whole("formats:\n  items: {decimal: comma}\n"),
                "items.csv": put("piece,60,100", "piece,60.5,100"),
            },
            "breach",
            "items.unit_cost_value: not a number with a decimal comma.",
            "line 2 holds '60.5'",
        ),
        (
            "a SELECT whose columns have other names",
            {"sources.yml": whole("tables:\n  production: SELECT 'A' AS item, 1 AS quantity\n")},
            "breach",
            "production.month: a required column is missing.",
            "the SELECT of production in sources.yml",
        ),
        (
            "tables as a list",
            {"sources.yml": whole("tables: [sales]\n")},
            "refused",
            "sources.yml: tables must be lines of `name: text`.",
        ),
    ),
    *_cases(
        "Columns",
        (
            "a required column is missing",
            {"items.csv": without("item")},
            "breach",
            "items.item: a required column is missing.",
            "Add the column 'item' to data/raw/items.csv",
        ),
        (
            "a required column is misspelt",
            {"sales.csv": put("quantity", "quantitty")},
            "breach",
            "sales.quantity: a required column is missing.",
            "Rename the column 'quantitty' of data/raw/sales.csv to 'quantity'.",
        ),
        (
            "a required column in capitals",
            {"sales.csv": put("quantity", "Quantity")},
            "breach",
            "sales.quantity: a required column is missing.",
            "Rename the column 'Quantity' of data/raw/sales.csv to 'quantity'.",
        ),
        (
            "neither month nor date in sales",
            {"sales.csv": put("month", "period")},
            "breach",
            "sales.month or date: one of these columns is required.",
        ),
        (
            "neither month nor quarter in the budget",
            {"budget.csv": put("month,quarter", "monat,quartal")},
            "breach",
            "budget.month or quarter: one of these columns is required.",
            "Rename the column 'monat' of data/raw/budget.csv to 'month'.",
        ),
        (
            "neither item nor family in routings",
            {"routings.csv": put("family", "article")},
            "breach",
            "routings.item or family: one of these columns is required.",
        ),
        (
            "a column twice",
            {"items.csv": put("description", "family")},
            "breach",
            "items.family: data/raw/items.csv has the column 'family' twice.",
            "Keep one of them.",
        ),
        (
            "an optional column is misspelt",
            {"items.csv": put("lead_time_days", "lead_time_day")},
            "notice",
            "items.lead_time_day: a column nobody reads.",
            "Did you mean 'lead_time_days'?",
        ),
        (
            "a column nobody knows",
            {"channels.csv": column("colour", "red")},
            "notice",
            "channels.colour: a column nobody reads.",
            "Known: channel, segment",
        ),
        (
            "a column without a name",
            {"channels.csv": column("", "red")},
            "notice",
            "channels: column 3 has no name, so nobody reads it.",
            "Name it, or take it out of data/raw/channels.csv.",
        ),
        (
            "a required column is all blank",
            {"sales.csv": blank("quantity")},
            "breach",
            "sales.quantity: a required cell is blank.",
            "270 rows, first: line 2",
        ),
        (
            "the column of families is all blank",
            {"items.csv": blank("family"), "scenarios/wet_may.yml": whole(None)},
            "notice",
            "items.family: 3 sold items have no family.",
            "Fill it in data/raw/items.csv.",
        ),
        (
            "no header: the first row is data",
            {"channels.csv": whole("Web,Consumers\nRetail,Trade\n")},
            "breach",
            "channels: line 1 names no column of channels.",
            "Write them there (channel …)",
        ),
        (
            "a column with its unit in the name",
            {"inventory.csv": put("on_hand", "on_hand (pcs)")},
            "breach",
            "inventory.on_hand: a required column is missing.",
            "Rename the column 'on_hand (pcs)' of data/raw/inventory.csv to 'on_hand'.",
        ),
        (
            "a second header among the rows",
            {"inventory.csv": put("00123,North", "item,location,month,on_hand\n00123,North")},
            "breach",
            "inventory.month: not a date.",
            "line 5 holds 'month'",
        ),
    ),
    *_cases(
        "Cells",
        (
            "a word for a number",
            {"sales.csv": put("2023-07,47,4700", "2023-07,many,4700")},
            "breach",
            "sales.quantity: not a number.",
            "(1 row, first: line 2 holds 'many')",
            "Write a plain number such as 1234.5.",
        ),
        (
            "1.234: a decimal or a thousand",
            {"inventory.csv": put_all("2025-12,75", "2025-12,1.234")},
            "breach",
            "inventory.on_hand: an ambiguous number: 1.234 may be 1234.",
            "formats: {inventory: {decimal: point}}",
        ),
        (
            "1,234 in quotation marks",
            {"inventory.csv": put("2025-12,75", '2025-12,"1,234"')},
            "breach",
            "inventory.on_hand: an ambiguous number: the comma may mark thousands.",
            "formats: {inventory: {decimal: comma}}",
        ),
        (
            "a percent sign",
            {"events.csv": put("0.2,0.8", "20%,0.8")},
            "breach",
            "events.expected_rate: not a number.",
            "line 2 holds '20%'",
            "Write a number: 0.2 for 20 %, or 1.2 where a factor is meant.",
        ),
        (
            "a currency sign",
            {"prices.csv": put("2025-01,150", "2025-01,€150")},
            "breach",
            "prices.unit_price_value: not a number.",
            "line 3 holds '€150'",
        ),
        (
            "an Excel error in a number",
            {"items.csv": put("piece,60", "piece,#N/A")},
            "breach",
            "items.unit_cost_value: an Excel error.",
            "line 2 holds '#N/A'",
            "Mend the formula in the workbook and save it again.",
        ),
        (
            "an Excel error as a family",
            {"items.csv": put("Tents,Outdoor", "#REF!,Outdoor")},
            "breach",
            "items.family: an Excel error.",
            "line 2 holds '#REF!'",
        ),
        (
            "a number in brackets",
            {"sales.csv": put("2023-07,47,4700", "2023-07,(47),4700")},
            "breach",
            "sales.quantity: not a number.",
            "line 2 holds '(47)'",
            "Write the minus in front: -47.",
        ),
        (
            "an infinite number",
            {"items.csv": put("piece,60", "piece,inf")},
            "breach",
            "items.unit_cost_value: not a number.",
            "line 2 holds 'inf'",
        ),
        (
            "a word for a number in a workbook",
            {
                "inventory.csv": whole(None),
                "inventory.xlsx": lambda _: workbook(
                    SOUND["inventory.csv"].replace(",75", ",counting")
                ),
            },
            "breach",
            "inventory.on_hand: not a number.",
            "row 3 holds 'counting'",
        ),
        (
            "01/02/2025: January or February",
            {"submissions.csv": put("2026-02", "01/02/2026")},
            "breach",
            "submissions.month: an ambiguous date: day and month cannot be told apart.",
            "formats: {submissions: {dates: day_first}}",
        ),
        (
            "a day that does not exist",
            {"decisions.csv": put("2026-02-15", "2026-02-30")},
            "breach",
            "decisions.decide_by: no such day or month.",
            "line 2 holds '2026-02-30'",
        ),
        (
            "a year of two digits",
            {"sales.csv": put("2023-07,47", "Jul-23,47")},
            "breach",
            "sales.month: a year of two digits.",
            "line 2 holds 'Jul-23'",
        ),
        (
            "the year 0025",
            {"sales.csv": put("2023-07,47", "0025-07,47")},
            "breach",
            "sales.month: not a date.",
            "line 2 holds '0025-07'",
        ),
        (
            "a thirteenth month",
            {"sales.csv": put("2023-07,47", "2025-13,47")},
            "breach",
            "sales.month: no such day or month.",
            "line 2 holds '2025-13'",
        ),
        (
            "a quarter as people write it",
            {"budget.csv": put("2026-04", "2026 Q2")},
            "breach",
            "budget.quarter: a quarter.",
            "line 3 holds '2026 Q2'",
            "Write its first month",
        ),
        (
            "Excel's number of a day",
            {"sales.csv": put("2023-07,47", "45108,47")},
            "breach",
            "sales.month: Excel's count of days.",
            "line 2 holds '45108'",
            "Format the column as a date",
        ),
        (
            "a flag that is neither",
            {"items.csv": put("10,no", "10,maybe")},
            "breach",
            "items.is_purchased: neither true nor false.",
            "line 2 holds 'maybe'",
            "Write true or false.",
        ),
        (
            "a tab in a name",
            {"items.csv": put("Tents,Outdoor", "Te\tnts,Outdoor")},
            "breach",
            "items.family: a text holds a control character.",
            "line 2",
        ),
        (
            "stock below zero",
            {"inventory.csv": put("2025-12,75", "2025-12,-75")},
            "breach",
            "inventory.on_hand: an impossible value: below 0.",
            "line 3 holds -75",
        ),
        (
            "a probability of 80 instead of 0.8",
            {"events.csv": put("0.2,0.8", "0.2,80")},
            "breach",
            "events.probability_rate: an impossible value: above 1.",
            "line 2 holds 80)",
            "Write a share, as 0.8 for 80 %",
        ),
        (
            "a kind of event nobody knows",
            {"events.csv": put("promotion", "promo")},
            "breach",
            "events.kind: an impossible value: none of promotion, price",
            "line 2 holds 'promo'",
        ),
        (
            "a state in capitals",
            {"actions.csv": put(",open", ",Open")},
            "breach",
            "actions.status: an impossible value: none of open, done, dropped.",
            "line 2 holds 'Open'",
            "Did you mean 'open'?",
        ),
        (
            "a required cell is blank",
            {"resources.csv": put("North,120", "North,")},
            "breach",
            "resources.regular_hours: a required cell is blank.",
            "first: line 2",
            "Mend these cells in data/raw/resources.csv.",
        ),
        (
            "a rate of exchange of zero",
            {"rates.csv": put("2024-03,actual,1.15", "2024-03,actual,0")},
            "breach",
            "rates.rate: an impossible value: not above 0.",
            "line 10 holds 0",
        ),
        (
            "a fifth quarter of a fiscal year",
            {"calendar.csv": put("21,2023,1", "21,2023,5")},
            "breach",
            "calendar.fiscal_quarter: an impossible value: above 4.",
        ),
        (
            "more working days than a period has",
            {"calendar.csv": put("2023-01-31,21", "2023-01-31,45")},
            "breach",
            "calendar.working_days: more days than the period has.",
            "line 2 holds 45",
        ),
        (
            "a minus behind the number",
            {"sales.csv": put("2023-07,47,", "2023-07,47-,")},
            "breach",
            "sales.quantity: not a number.",
            "line 2 holds '47-'",
        ),
        (
            "a blank among the digits",
            {"inventory.csv": put("2025-12,75", "2025-12,1 234")},
            "breach",
            "inventory.on_hand: not a number.",
            "line 3 holds '1 234'",
        ),
        (
            "a formula as text",
            {"sales.csv": put("2023-07,47,", "2023-07,=40+7,")},
            "breach",
            "sales.quantity: not a number.",
            "line 2 holds '=40+7'",
        ),
        (
            "a dash for nothing",
            {"items.csv": put("piece,60", "piece,-")},
            "breach",
            "items.unit_cost_value: not a number.",
            "line 2 holds '-'",
        ),
        (
            "an end in the year 9999",
            {"items.csv": put("2028-12", "9999-12-31")},
            "breach",
            "items.end_month: not a date.",
            "line 3 holds '9999-12-31'",
            "Leave the cell blank where there is no end.",
        ),
        (
            "a lead time in weeks",
            {"suppliers.csv": put("45", "6 weeks")},
            "breach",
            "suppliers.lead_time_days: not a number.",
            "line 2 holds '6 weeks'",
        ),
    ),
    *_cases(
        "Keys",
        (
            "two rows with one key",
            {"sales.csv": add("TENT-2,North,Web,2025-12,5,500")},
            "breach",
            "sales: rows share one key (item TENT-2, location North, channel Web, month 2025-12).",
            "2 rows",
            "Sum or remove the doubles.",
        ),
        (
            "an item twice in items",
            {"items.csv": add("TENT-2,The same tent,Tents,Outdoor,piece,61,100,2020-01,,10,no")},
            "breach",
            "items: rows share one key (item TENT-2).",
        ),
        (
            "a blank item",
            {"items.csv": put("TENT-2,Tent", ",Tent")},
            "breach",
            "items.item: a key cell is blank.",
            "first: line 2",
            "Fill it in data/raw/items.csv, or take the row out (a row of totals?).",
        ),
        (
            "an item named all in the sales",
            {"sales.csv": add("all,North,Web,2025-12,285,20000")},
            "breach",
            "sales.item: `all` is reserved: it means every item.",
            "line 272",
        ),
        (
            "two items that differ in capitals only",
            {"items.csv": add("tent-2,Another tent,Tents,Outdoor,piece,61,100,2020-01,,10,no")},
            "notice",
            "items.item: TENT-2, tent-2 differ in capitals only",
        ),
        (
            "a month that its own day contradicts",
            {
                "sales.csv": lambda text: column("date")(text).replace(
                    ",2025-12,52,5200,", ",2025-12,52,5200,2025-10-07", 1
                )
            },
            "breach",
            "sales.date: the day lies in 2025-10, the row's month is 2025-12.",
            "Leave one of them blank in data/raw/sales.csv.",
        ),
        (
            "a blank location beside the same key with `all`",
            {"prices.csv": add("TENT-2,,,2025-01,99", "TENT-2,all,all,2025-01,98")},
            "breach",
            "prices: rows share one key (item TENT-2, location all, channel all",
        ),
        (
            "trailing blanks make no other item",
            {"items.csv": add("TENT-2  ,The same tent,Tents,Outdoor,piece,61,100,2020-01,,10,no")},
            "breach",
            "items: rows share one key (item TENT-2).",
        ),
        (
            "a routing for no item and no family",
            {"routings.csv": add(",Sewing,0.4")},
            "breach",
            "routings.item or family: none of them is given.",
            "line 3",
        ),
        (
            "a submission for no month and no quarter",
            {"submissions.csv": put("2026-01,2026-02,,", "2026-01,,,")},
            "breach",
            "submissions.month or quarter: none of them is given.",
            "line 2",
        ),
        (
            "a budget of neither quantity nor revenue",
            {"budget.csv": put("2026-02,,62,2500", "2026-02,,,")},
            "breach",
            "budget.quantity or revenue_value: none of them is given.",
            "line 5",
        ),
        (
            "a month and a quarter in one row",
            {"budget.csv": put("2026-02,,62", "2026-02,2026-04,62")},
            "breach",
            "budget.quarter: a row is for a month or for a quarter, not for both.",
            "line 5",
        ),
        (
            "00123 is 123 in the sales",
            {"sales.csv": put_all("00123", "123")},
            "breach",
            "sales.item: 1 item is not in items; it counts as unassigned.",
            "90 rows",
            "Add 123 to data/raw/items.csv",
            "Did you mean '00123'? Excel drops leading zeros.",
        ),
        (
            "an item in other capitals",
            {"sales.csv": put_all("TENT-2", "Tent-2")},
            "breach",
            "sales.item: 1 item is not in items",
            "Did you mean 'TENT-2'?",
        ),
        (
            "a blank row among the rows",
            {"inventory.csv": put("TENT-3", ",,,\nTENT-3")},
            "breach",
            "inventory: a blank row.",
            "line 4",
            "Take it out of data/raw/inventory.csv.",
        ),
        (
            "a row of totals",
            {"inventory.csv": add("Total,,,285")},
            "breach",
            "inventory.month: a key cell is blank.",
            "line 6",
        ),
        (
            "a row of totals in the sales",
            {"sales.csv": add("Total,,,2025-12,1285,10000")},
            "breach",
            "sales.item",
            "Total",
            "line 272",
        ),
        (
            "a period twice",
            {"calendar.csv": put("2023-02,", "2023-01,")},
            "breach",
            "calendar: rows share one key (month 2023-01",
            "line 2",
        ),
    ),
    *_cases(
        "Order",
        (
            "an end before the launch",
            {"items.csv": put("2020-01,2028-12", "2020-01,2019-12")},
            "breach",
            "items.end_month: it comes before launch_month.",
            "line 3 holds '2019-12",
        ),
        (
            "an event that ends before it begins",
            {"events.csv": put("2026-04,2026-05", "2026-06,2026-05")},
            "breach",
            "events.last_month: it comes before first_month.",
            "line 2",
        ),
        (
            "a target that ends before it begins",
            {"targets.csv": put("2026-01,2026-12", "2026-12,2026-01")},
            "breach",
            "targets.last_month: it comes before first_month.",
        ),
        (
            "a period that ends before it begins",
            {"calendar.csv": put("2023-01-01,2023-01-31", "2023-01-31,2023-01-01")},
            "breach",
            "calendar.last_date: it comes before first_date.",
        ),
        (
            "an assumption void before it stands",
            {"assumptions.csv": put("2025-06,2026-06", "2026-06,2025-06")},
            "breach",
            "assumptions.expires_month: it comes before first_cycle.",
        ),
    ),
    *_cases(
        "Across tables",
        (
            "a sold item that items lacks",
            {"items.csv": drop("^TENT-3")},
            "breach",
            "sales.item: 1 item is not in items; it counts as unassigned.",
            "Add TENT-3 to data/raw/items.csv, or raise tolerance_rate in company.yml.",
            "of twelve months' money",
        ),
        (
            "a sold item that items lacks, of hardly any money",
            {"sales.csv": add("TENT-9,North,Web,2025-12,1,10")},
            "notice",
            "sales.item: 1 item is not in items; it counts as unassigned.",
            "Add TENT-9 to data/raw/items.csv.",
        ),
        (
            "a supplier whose minimum order is above its monthly limit",
            {
                "suppliers.csv": lambda text: text.replace(
                    "unit_cost_value", "unit_cost_value,monthly_limit,minimum_order"
                ).replace("45,20", "45,20,100,300")
            },
            "notice",
            "suppliers.minimum_order: it is above monthly_limit: the limit counts as the minimum.",
            "line 2 holds",
            "Correct one of the two in data/raw/suppliers.csv.",
        ),
        (
            "stock of an item that items lacks",
            {"inventory.csv": add("PEG-1,North,2025-12,400")},
            "notice",
            "inventory.item: 1 item is not in items",
            "line 6",
            "Add PEG-1 to data/raw/items.csv.",
        ),
        (
            "a component that items lacks",
            {"components.csv": add("TENT-2,POLE,4")},
            "notice",
            "components.component: 1 item is not in items",
            "Add POLE to data/raw/items.csv.",
        ),
        (
            "a family of the budget that no item has",
            {"budget.csv": put("Stoves", "Stove")},
            "notice",
            "budget.family: Stove is not in items.",
            "Did you mean 'Stoves'?",
        ),
        (
            "a resource of the routings that resources lacks",
            {"routings.csv": add("Stoves,Sowing,0.2")},
            "notice",
            "routings.resource: Sowing is not in resources.",
            "Did you mean 'Sewing'?",
        ),
        (
            "a made item without a routing",
            {"routings.csv": put("Tents", "Stoves")},
            "notice",
            "routings.routing: 2 sold items have no routing.",
        ),
        (
            "an override of a month before its cycle",
            {
                "overrides.csv": lambda _: (
                    "cycle,family,month,author,kind,quantity,reason\n"
                    "2026-01,Tents,2025-11,Ada,add,5,a late order\n"
                )
            },
            "notice",
            "overrides.month: a month before the cycle it was entered in",
            "Correct the month or the cycle",
        ),
        (
            "an override of a family nobody knows",
            {
                "overrides.csv": lambda _: (
                    "cycle,family,month,author,kind,quantity,reason\n"
                    "2026-01,Tenst,2026-02,Ada,add,5,a late order\n"
                )
            },
            "notice",
            "overrides.family: Tenst is not in items.",
            "Did you mean 'Tents'?",
        ),
        (
            "a correction refused in a layer nobody knows",
            {
                "policies.csv": lambda _: (
                    "kind,layer,family,is_accepted,cycle,reason,author,entered_at\n"
                    "layer,outlyer,Tents,false,2026-01,a real order,Ada,2026-01-02\n"
                )
            },
            "breach",
            "policies.layer: an impossible value: none of unfilled, stockout, outlier",
            "Did you mean 'outlier'?",
        ),
        (
            "a policy of a family nobody knows",
            {
                "policies.csv": lambda _: (
                    "kind,layer,family,is_accepted,cycle,reason,author,entered_at\n"
                    "layer,outlier,Tenst,false,2026-01,a real order,Ada,2026-01-02\n"
                )
            },
            "notice",
            "policies.family: Tenst is not in items.",
            "Did you mean 'Tents'?",
        ),
        (
            "a policy that says neither yes nor no",
            {
                "policies.csv": lambda _: (
                    "kind,layer,family,is_accepted,cycle,reason,author,entered_at\n"
                    "layer,outlier,Tents,,2026-01,a real order,Ada,2026-01-02\n"
                )
            },
            "notice",
            "policies.is_accepted: neither true nor false: the row counts for nothing.",
            "Fill it in",
        ),
        (
            "a resource without hours",
            {"resources.csv": put("North,120", "North,0"), "capacity.csv": put(",60", ",0")},
            "notice",
            "resources.regular_hours: Sewing has no hours in any month",
            "Write the hours of a usual month",
        ),
        (
            "a bought item that arrives at once",
            {"items.csv": put(",45,yes", ",0,yes")},
            "notice",
            "items.lead_time_days: a lead time of 0 days",
            "Write the days from order to receipt",
        ),
        (
            "a negative cost of holding stock",
            {"planning_costs.csv": put("Tents,1,20", "Tents,-1,20")},
            "breach",
            "planning_costs.holding_cost_value: an impossible value: below 0.",
            "line 2 holds -1",
        ),
        (
            "a location of the sales that locations lacks",
            {"sales.csv": put("South", "Sout")},
            "notice",
            "sales.location: Sout is not in locations.",
            "Did you mean 'South'?",
        ),
        (
            "a channel of the sales that channels lacks",
            {"sales.csv": put("Retail", "Shops")},
            "notice",
            "sales.channel: Shops is not in channels.",
            "add it to data/raw/channels.csv",
        ),
        (
            "an option of a decision that nobody asks for",
            {"options.csv": put("Second shift", "Third shift")},
            "notice",
            "options.decision: Third shift is not in decisions.",
            "Did you mean 'Second shift'?",
        ),
        (
            "sites that supply each other",
            {"locations.csv": put("Mainland,", "Mainland,South")},
            "breach",
            "locations.supplied_from: a circle: North → South → North.",
            "Take one of its links out in data/raw/locations.csv.",
        ),
        (
            "an item that is a component of itself, by way of others",
            {"components.csv": add("00123,TENT-3,1")},
            "breach",
            "components.component: a circle: TENT-3 → TENT-2 → 00123 → TENT-3.",
        ),
        (
            "an actual rate is missing",
            {"rates.csv": drop("2024-03,actual")},
            "breach",
            "sales.revenue_value: no actual rate of GBP in 2024-03.",
            "Add it to data/raw/rates.csv: currency, month, kind actual, rate.",
        ),
        (
            "no rate to plan with",
            {"rates.csv": whole(None), "sales.csv": without("revenue_value")},
            "breach",
            "rates.rate: no rate of GBP to plan with in 2026-01.",
            "Add it to data/raw/rates.csv",
        ),
        (
            "locations have currencies, the company has none",
            {"company.yml": put("currency: EUR\n", "")},
            "breach",
            "locations.currency: locations name currencies (EUR, GBP), company.yml does not",
            "Add currency to company.yml.",
        ),
        (
            "a calendar with a hole",
            {"calendar.csv": drop("^2026-05")},
            "breach",
            "calendar.first_date: 2026-06 begins 2026-06-01, the period before it ends 2026-04-30.",
            "Mend first_date or last_date in data/raw/calendar.csv.",
        ),
        (
            "periods that overlap",
            {"calendar.csv": put("2026-05-31", "2026-06-01")},
            "breach",
            "calendar.first_date: 2026-06 begins 2026-06-01, the period before it ends 2026-06-01.",
        ),
        (
            "a fiscal year of eleven periods",
            {"calendar.csv": put("2025-12-31,21,2025", "2025-12-31,21,2026")},
            "breach",
            "calendar.fiscal_year: the fiscal year 2025 has 11 periods, not twelve.",
        ),
        (
            "a day of sales outside the calendar",
            {
                "sales.csv": lambda text: text.replace("month", "date", 1).replace(
                    ",2023-07,47,", ",2022-12-30,47,", 1
                )
            },
            "breach",
            "sales.date: a day that no period of the calendar holds.",
            "line 2 holds '2022-12-30'",
            "Extend data/raw/calendar.csv.",
        ),
        (
            "a quarter that begins in mid-quarter",
            {"budget.csv": put("2026-04", "2026-05")},
            "breach",
            "budget.quarter: no quarter of the fiscal year begins in this month.",
            "line 3 holds '2026-05'",
            "fiscal_year_first_month",
        ),
        (
            "a control of a table nobody knows",
            {"controls.csv": put("sales,revenue_value", "sale,revenue_value")},
            "breach",
            "controls.table: no table 'sale' with months.",
            "Did you mean 'sales'?",
        ),
        (
            "a control of a column that is none",
            {"controls.csv": put("sales,revenue_value", "sales,revenue")},
            "breach",
            "controls.measure: sales has no numbers 'revenue'.",
            "Did you mean 'revenue_value'?",
        ),
        (
            "a department that company.yml does not name",
            {"submissions.csv": put("Finance,", "Finanace,")},
            "notice",
            "submissions.department: Finanace is not among the departments of company.yml.",
            "Did you mean 'Finance'?",
        ),
        (
            "several units without a planning factor",
            {"items.csv": put("Outdoor,piece,20,40", "Outdoor,box of six,20,40")},
            "notice",
            "items.planning_factor: items are counted in box of six, piece",
            "totals are added in money.",
        ),
        (
            "several units with neither planning factor nor price",
            {
                "items.csv": put("Outdoor,piece,20,40", "Outdoor,box of six,20,"),
                "prices.csv": drop("^00123"),
                "sales.csv": without("revenue_value"),
            },
            "breach",
            "items.planning_factor: 1 item has neither planning_factor nor price",
            "Give 00123 a planning_factor or a price in data/raw/items.csv.",
        ),
        (
            "a planning factor for some items only",
            {
                "items.csv": lambda text: column("planning_factor")(text).replace(
                    "45,yes,", "45,yes,2"
                )
            },
            "notice",
            "items.planning_factor: 2 items have none while others have; each counts as one.",
        ),
        (
            "a sold item without a cost",
            {"items.csv": put("piece,90,150", "piece,,150")},
            "notice",
            "items.unit_cost_value: 1 sold item has no unit_cost_value.",
            "Fill it in data/raw/items.csv.",
        ),
        (
            "a currency in small letters",
            {"locations.csv": put("GBP", "gbp")},
            "breach",
            "sales.revenue_value: no actual rate of gbp in 2023-07.",
            "90 rows",
            "Did you mean 'GBP'?",
        ),
        (
            "a rate of the company's own currency",
            {"rates.csv": add("EUR,2026-01,budget,1")},
            "notice",
            "rates.currency: a rate of EUR, the company's own currency: nobody reads it.",
        ),
        (
            "a site that is supplied from a place nobody knows",
            {"locations.csv": put("Islands,North", "Islands,Nort")},
            "notice",
            "locations.supplied_from: Nort is not in locations.",
            "Did you mean 'North'?",
        ),
        (
            "a launch like an item nobody knows",
            {"launches.csv": put("TENT-3,TENT-2", "TENT-3,TENT-22")},
            "notice",
            "launches.like_item: TENT-22 is not in items.",
            "Did you mean 'TENT-2'?",
        ),
        (
            "a target without a unit",
            {"targets.csv": put("0.35,rate", "0.35,")},
            "breach",
            "targets.unit: no unit, so nobody can tell what the target means.",
            "Write rate in data/raw/targets.csv.",
        ),
        (
            "a target in percent",
            {"targets.csv": put("0.35,rate", "35,rate")},
            "breach",
            "targets.target: margin_rate lies between -1 and 1. (1 row, first: line 2 holds 35)",
            "Write 0.35 for 35 % in data/raw/targets.csv: rates are no percent.",
        ),
        (
            "a target in a unit that its KPI is not measured in",
            {"targets.csv": put("0.35,rate", "35,percent")},
            "breach",
            "targets.unit: its KPI is measured in rate. (1 row, first: line 2 holds 'percent'",
            "Write rate in data/raw/targets.csv.",
        ),
        (
            "a goal in a currency that has no rate",
            {
                "targets.csv": put(
                    "margin_rate,2026-01,2026-12,0.35,rate", "revenue_value,2026-01,2026-12,9,NOK"
                )
            },
            "breach",
            "targets.unit: its KPI is measured in value or EUR.",
            "or add the rate of NOK to rates.",
        ),
        (
            "a budget of a place whose currency has no rate",
            {
                "locations.csv": lambda text: text + "East,Islands,North,NOK\n",
                "budget.csv": whole(
                    "version,family,location,month,revenue_value\n2026,Tents,East,2026-03,900\n"
                ),
            },
            "breach",
            "budget.revenue_value: no rate of NOK to plan with: this money cannot be compared.",
            "Add it to data/raw/rates.csv: currency, month, kind budget, rate.",
        ),
        (
            "a budget with a column of currencies",
            {"budget.csv": column("currency", "SEK")},
            "breach",
            "budget.currency: it is not read: money of budget is in the currency of its location "
            "(locations.currency), else the company's, here EUR. (4 rows, first: line 2 holds",
            "Convert the money or name the currency of its location",
            "then take the column out of data/raw/budget.csv.",
        ),
        (
            "prices with a column of currencies that is not the location's",
            {"prices.csv": column("currency", "GBP")},
            "breach",
            "prices.currency: it is not read",
        ),
        (
            "a goal in money with a column of currencies",
            {"targets.csv": whole(GOALS_IN_SEK)},
            "breach",
            "targets.currency: it is not read: money of targets is in its unit",
            "(1 row, first: line 2 holds 'SEK')",
        ),
        (
            "costs of suppliers with a column of currencies",
            {"suppliers.csv": column("currency", "GBP")},
            "breach",
            "suppliers.currency: it is not read: money of suppliers is in the company's currency",
            "Convert the money; then take the column out of data/raw/suppliers.csv.",
        ),
        (
            "money with a column that repeats its currency",
            {"budget.csv": column("currency", "eur")},
            "notice",
            "budget.currency: a column nobody reads.",
        ),
        (
            "a target of a KPI nobody knows",
            {"targets.csv": put("margin_rate", "margins_rate")},
            "notice",
            "targets.kpi: margins_rate is not a kpi of sopkit.",
            "Did you mean 'margin_rate'?",
        ),
        (
            "a calendar that ends before the plan",
            {"calendar.csv": drop("^2027-")},
            "notice",
            "calendar.month: it holds 2023-01 to 2026-12; sales and plan go from 2023-07",
            "Extend data/raw/calendar.csv",
        ),
        (
            "hours of a resource that resources lacks",
            {"capacity.csv": put("Sewing", "Sawing")},
            "notice",
            "capacity.resource: Sawing is not in resources.",
            "Did you mean 'Sewing'?",
        ),
        (
            "a resource at a site that locations lacks",
            {"resources.csv": put("North", "Nord")},
            "notice",
            "resources.location: Nord is not in locations.",
            "line 2",
        ),
    ),
    *_cases(
        "Months",
        (
            "a month in the middle is missing",
            {"sales.csv": drop(",2024-08,")},
            "breach",
            "sales.month: no sales at all in 2024-08: a load may have failed.",
            "unknown_sales in company.yml",
        ),
        (
            "a location is silent in the last month",
            {"sales.csv": drop("South.*2025-12")},
            "notice",
            "sales.location: South sold nothing in 2025-12; it counts as zero.",
            "unknown_sales in company.yml",
        ),
        (
            "a channel is silent in the last month",
            {"sales.csv": drop("Web.*2025-12")},
            "notice",
            "sales.channel: Web sold nothing in 2025-12; it counts as zero.",
        ),
        (
            "stock ends a month early",
            {"inventory.csv": drop("2025-12")},
            "notice",
            "inventory.month: it ends 2025-11, before the last closed month 2025-12.",
            "Load 2025-12 into data/raw/inventory.csv.",
        ),
    ),
    Case(
        "Months",
        "the last month is not there yet",
        {},
        "breach",
        (
            "sales.month: the month 2026-01 is not closed: it has no sales.",
            "Load it into data/raw/sales.csv",
            "--cycle",
        ),
        "check --cycle 2026-02",
    ),
    Case(
        "Months",
        "rows of the cycle's own month",
        {},
        "notice",
        ("sales.month: 9 rows of 2025-12 or later wait for a later cycle.", "--cycle"),
        "check --cycle 2025-12",
    ),
    Case(
        "Months",
        "no sales before the cycle",
        {"locations.csv": blank("currency")},
        "breach",
        ("sales.month: no sales are known before the cycle 2023-07.", "Choose a later cycle"),
        "check --cycle 2023-07",
    ),
    *_cases(
        "Scenarios",
        *(
            (broken, {"scenarios/wet_may.yml": edit}, "breach", *words)
            for broken, edit, *words in (
                (
                    "a file that is no YAML",
                    whole("name: 'Wet\nkind: outside\n"),
                    "scenarios/wet_may.yml: not readable as YAML in line",
                ),
                (
                    "a file in another encoding",
                    whole("name: Nässe\n".encode("latin-1")),
                    "scenarios/wet_may.yml:",
                    "UTF-8",
                ),
                ("a list", whole("- demand\n"), "lines of `name: value`, such as `kind: outside`."),
                (
                    "a word twice",
                    put("owner: Ada", "owner: Ada\nowner: Ben"),
                    "owner stands there twice. Keep one of them.",
                ),
                (
                    "a word twice in a change",
                    put("hours: 20}", "hours: 20, hours: 30}"),
                    "hours stands there twice.",
                ),
                (
                    "an unknown word",
                    put("owner:", "ownr:"),
                    "no word 'ownr'. Did you mean 'owner'?",
                    "owner is missing. Say who answers for it.",
                ),
                (
                    "no kind",
                    put("kind: outside\n", ""),
                    "kind is missing. Write outside (it may happen to us) or choice",
                ),
                ("an unknown kind", put("outside", "outsid"), "Did you mean 'outside'?"),
                (
                    "a first cycle that is no month",
                    put("first_cycle: 2026-01\n", "first_cycle: soon\n"),
                    "first_cycle 'soon' is no month. Write YYYY-MM.",
                ),
                (
                    "a kind of change without its words",
                    put("{resource: Sewing, first_month: 2026-03, hours: 20}", "Sewing"),
                    "change 2 is not one kind of change with its words. Write it as - capacity: {",
                ),
                (
                    "a text below",
                    add("stands_on: dry"),
                    "stands_on is no list of scenarios. There is no other scenario.",
                ),
                (
                    "a chance in percent",
                    put("0.2", "20"),
                    "probability_rate 20 cannot be meant. Write a share from 0 to 1.",
                ),
                (
                    "a chance of a choice",
                    put("outside", "choice"),
                    "a choice has no probability_rate.",
                ),
                ("no changes", put("changes:", "stands_on: []\nchange:"), "no word 'change'."),
                (
                    "an unknown kind of change",
                    put("- demand:", "- demnad:"),
                    "change 1: no kind of change 'demnad'. Did you mean 'demand'?",
                    "“Words of changes” in data/raw/README.md says more.",
                ),
                (
                    "an unknown family",
                    put("Tents", "Tent"),
                    "scenarios/wet_may.yml: change 1 (demand): no family 'Tent'. "
                    "Did you mean 'Tents'?",
                ),
                (
                    "an unknown resource",
                    put("resource: Sewing", "resource: Sowing"),
                    "change 2 (capacity): no resource 'Sowing'. Did you mean 'Sewing'?",
                ),
                (
                    "an unknown event that says too little",
                    put("Spring sale", "Spring sales"),
                    "change 3 (event): no event 'Spring sales'. Did you mean 'Spring sale'?",
                    "A new one needs kind, first_month, expected_rate.",
                ),
                (
                    "an unknown supplier",
                    put("Brenner", "Brener"),
                    "change 4 (supplier_loss): no supplier 'Brener'. Did you mean 'Brenner'?",
                ),
                (
                    "a currency nobody uses",
                    put("currency: GBP", "currency: SEK"),
                    "change 5 (currency): no currency 'SEK'. Known: EUR, GBP.",
                ),
                (
                    "a month before the first cycle",
                    put("first_month: 2026-05", "first_month: 2025-05"),
                    "change 1 (demand): first_month 2025-05 lies outside the horizon. "
                    "Write a month from 2026-01 (its first_cycle) to 2027-12.",
                ),
                (
                    "a month beyond the horizon",
                    put("last_month: 2026-06", "last_month: 2028-06"),
                    "last_month 2028-06 lies outside the horizon.",
                ),
                (
                    "months the wrong way round",
                    put("last_month: 2026-06", "last_month: 2026-04"),
                    "change 1 (demand): first_month lies after last_month. Swap them.",
                ),
                (
                    "a month that is none",
                    put("first_month: 2026-05", "first_month: May"),
                    "first_month 'May' is no month. Write YYYY-MM.",
                ),
                (
                    "a rate in percent",
                    put("rate: -0.2}", "rate: -20}"),
                    "change 1 (demand): rate -20 cannot be meant.",
                    "-0.2 for 20 % less",
                ),
                (
                    "rate and quantity",
                    put("rate: -0.2}", "rate: -0.2, quantity: 5}"),
                    "change 1 (demand): of rate or quantity both are given.",
                ),
                (
                    "neither rate nor quantity",
                    put(", rate: -0.2}", "}"),
                    "change 1 (demand): of rate or quantity neither is given.",
                ),
                (
                    "an unknown word in a change",
                    put("rate: -0.05", "rat: -0.05"),
                    "change 5 (currency): no word 'rat'. Did you mean 'rate'?",
                    "change 5 (currency): rate is missing.",
                ),
                (
                    "an unknown scenario below",
                    add("stands_on: [wet_mai]"),
                    "stands_on: no scenario 'wet_mai'.",
                ),
                (
                    "a word that YAML takes for a truth",
                    add("on: [dry]"),
                    "no word 'on'. Known: name, statement, owner, kind, first_cycle, stands_on",
                ),
                (
                    "a scenario on itself",
                    add("stands_on: [wet_may]"),
                    "a circle: wet_may → wet_may.",
                ),
            )
        ),
        (
            "a scenario stacked in a circle",
            {
                "scenarios/wet_may.yml": add("stands_on: [dry]"),
                "scenarios/dry.yml": lambda _: (
                    SOUND["scenarios/wet_may.yml"].replace("Wet", "Dry") + "stands_on: [wet_may]\n"
                ),
            },
            "breach",
            "stands_on: a circle: ",
        ),
        (
            "chances beyond one",
            {
                "scenarios/dry.yml": lambda _: (
                    SOUND["scenarios/wet_may.yml"]
                    .replace("Wet", "Dry")
                    .replace("probability_rate: 0.2", "probability_rate: 0.9")
                )
            },
            "breach",
            "the scenarios that count now have chances of 1.1 in all.",
        ),
        (
            "two scenarios of one name",
            {
                "scenarios/dry.yml": lambda _: SOUND["scenarios/wet_may.yml"].replace(
                    "probability_rate: 0.2\n", ""
                )
            },
            "breach",
            "name 'Wet May' is that of dry.yml.",
        ),
        (
            "a text below, with other scenarios",
            {
                "scenarios/dry.yml": lambda _: (
                    SOUND["scenarios/wet_may.yml"].replace("Wet", "Dry") + "stands_on: wet\n"
                )
            },
            "breach",
            "stands_on is no list of scenarios. Write names of files: [wet_may].",
        ),
        (
            "a scenario of a table that is not given",
            {
                "resources.csv": whole(None),
                "capacity.csv": whole(None),
                "routings.csv": whole(None),
            },
            "notice",
            "scenarios/wet_may.yml: change 2 (capacity): not planned, since no resource is known. "
            "data/raw/resources.csv would name 'Sewing'.",
        ),
        (
            "a scenario whose months lie far ahead",
            {
                "scenarios/wet_may.yml": lambda text: text.replace(
                    "first_cycle: 2026-01\n", ""
                ).replace("2026-0", "2029-0")
            },
            "notice",
            "scenarios/wet_may.yml: not planned yet: its months, or what it stands on, come later.",
        ),
        (
            "a file that is no .yml",
            {"scenarios/wet.yaml": lambda _: SOUND["scenarios/wet_may.yml"]},
            "notice",
            "scenarios/wet.yaml: a file nobody reads. Save it as .yml in data/raw/scenarios/",
        ),
        (
            "an option that names no scenario",
            {"options.csv": column("scenario", "wet_mai")},
            "notice",
            "options.scenario: no scenario 'wet_mai' in data/raw/scenarios. Did you mean",
        ),
    ),
    *_cases(
        "company.yml",
        (
            "no YAML",
            {"company.yml": whole("name: 'Hill\ncurrency: EUR\n")},
            "refused",
            "company.yml: not readable as YAML in line",
        ),
        (
            "a list",
            {"company.yml": whole("- name\n")},
            "refused",
            "company.yml: write lines of `name: value`",
        ),
        (
            "an unknown setting",
            {"company.yml": put("tolerance_rate", "tolerance")},
            "refused",
            "company.yml: no setting 'tolerance'. Did you mean 'tolerance_rate'?",
        ),
        (
            "a text for a number",
            {"company.yml": put("horizon: 18", "horizon: eighteen")},
            "refused",
            "company.yml: horizon: 'eighteen' cannot be meant.",
            "1 to 120",
        ),
        (
            "a share of 95",
            {"company.yml": put("0.97", "97")},
            "refused",
            "company.yml: service_levels: {default: 0.95, Tents: 97} cannot be meant.",
            "Write 0.97 for 97.",
        ),
        (
            "a horizon of no months",
            {"company.yml": put("horizon: 18", "horizon: 0")},
            "refused",
            "company.yml: horizon: 0 cannot be meant.",
            "1 to 120",
        ),
        (
            "a department instead of a list",
            {"company.yml": put("[Sales, Finance]", "Sales")},
            "refused",
            "company.yml: departments: 'Sales' cannot be meant.",
            "Write a list of texts, each once: ['Sales'].",
        ),
        (
            "departments by number",
            {"company.yml": put("[Sales, Finance]", "[1, 2]")},
            "refused",
            "company.yml: departments: [1, 2] cannot be meant.",
            "Write a list of texts, each once: ['1', '2'].",
        ),
        (
            "a last closed month that is none",
            {"company.yml": add("last_closed_month: 2025-13")},
            "refused",
            "company.yml: last_closed_month:",
            "2025-13",
            "YYYY-MM",
        ),
        (
            "a service level of a family that no item has",
            {"company.yml": put("Tents: 0.97", "Tent: 0.97")},
            "notice",
            "company.yml.service_levels: nobody knows 'Tent'. Did you mean 'Tents'?",
        ),
        (
            "a silent place that nobody knows",
            {"company.yml": add("unknown_sales: [Sout, 2025-11]")},
            "notice",
            "company.yml.unknown_sales: nobody knows 'Sout'. Did you mean 'South'?",
        ),
        (
            "a meeting of no step",
            {"company.yml": add("meetings: {demand: 8}")},
            "notice",
            "company.yml.meetings: nobody knows 'demand'. Did you mean 'demand_review'?",
        ),
        (
            "a parameter of another kind",
            {"company.yml": add("strategy: 3")},
            "refused",
            "company.yml: parameter strategy: 3 is not a text",
        ),
        (
            "a basis nobody knows",
            {"company.yml": add("sales_basis: invoiced")},
            "refused",
            "company.yml: sales_basis: 'invoiced' cannot be meant.",
            "shipped (net sales) or ordered",
        ),
        (
            "a day instead of a month",
            {"company.yml": add("last_closed_month: 2025-11-30")},
            "refused",
            "company.yml: last_closed_month: 2025-11-30 cannot be meant.",
            "Write 2025-11.",
        ),
        (
            "a fiscal year that begins in month 13",
            {"company.yml": add("fiscal_year_first_month: 13")},
            "refused",
            "company.yml: fiscal_year_first_month: 13 cannot be meant.",
            "1 to 12",
        ),
        (
            "a tab before a setting",
            {"company.yml": add("\thorizon: 12")},
            "refused",
            "company.yml: not readable as YAML in line 7.",
        ),
        (
            "saved as Windows-1252",
            {"company.yml": lambda text: text.replace("S", "\u00df").encode("cp1252")},
            "refused",
            "company.yml",
            "UTF-8",
        ),
        (
            "a name left blank",
            {"company.yml": put("Hill and Shore", "")},
            "refused",
            "company.yml: name: blank cannot be meant.",
        ),
        (
            "a number where each family has its own",
            {"company.yml": add("frozen_months: 3")},
            "refused",
            "company.yml: frozen_months: 3 cannot be meant.",
            "Write {default: 3}.",
        ),
        (
            "one silent place instead of a list",
            {"company.yml": add("unknown_sales: South")},
            "refused",
            "company.yml: unknown_sales: 'South' cannot be meant.",
        ),
    ),
    *(
        Case("The command line", broken, {}, "misused", tuple(words), command)
        for broken, command, *words in (
            ("a thirteenth month", "check --cycle 2026-13", "2026-13", "YYYY-MM"),
            ("a cycle in the wrong form", "run --cycle 202601", "'202601'", "YYYY-MM"),
            ("an unknown step", "run --from demand", "demand_review"),
            ("two ways to choose steps", "run --from data_review --only data_review", "exclude"),
            ("a parameter without a value", "run -p horizon", "write it as name=value"),
            ("an unknown parameter", "run -p horizont=12", "Did you mean 'horizon'?"),
            (
                "a parameter of another kind",
                "run -p horizon=long",
                "horizon: 'long' is not a whole number",
            ),
            ("a parameter out of range", "run -p horizon=0", "horizon", "1 to 120"),
            ("a horizon of no months", "forecast --cycle 2026-01 --horizon 0", "1 to 120 months"),
            ("a sample over the tables", "sample", "never writes over tables", "sopkit init PATH"),
        )
    ),
    Case(
        "The command line",
        "a folder that is no workspace",
        {name: whole(None) for name in SOUND} | {"": whole(None)},
        "misused",
        ("is no workspace: it has no folder data/raw.", "sopkit init"),
    ),
]


@dataclass(frozen=True)
class Outcome:
    """What a command gave back and said, and the workspace it left."""

    code: int
    lines: tuple[str, ...]
    written: tuple[str, ...]  # paths beside the cache and the locks
    is_kept: bool  # every file is as it was


def _lay_out(case: Case, folder: Path) -> Path:
    """The sound workspace with the case's files broken."""
    root = folder / "company"
    shutil.copytree(_base(), root)
    raw = root / "data/raw"
    for name, edit in case.edits.items():
        if not name:
            shutil.rmtree(raw)
            continue
        content = edit(SOUND.get(name, ""))
        if content is None:
            (raw / name).unlink()
            continue
        if isinstance(content, str):
            content = content.replace("COMPANY", str(root)).encode()
        (raw / name).write_bytes(content)
    return root


def _content(root: Path) -> dict[str, bytes]:
    """Every path and its bytes, the cache and the locks apart."""
    paths = {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*"))}
    return {
        name: path.read_bytes() if path.is_file() else b""
        for name, path in paths.items()
        if name != "data/processed" and not {".cache", ".locks"} & set(path.parts)
    }


_code_hash = cache(store.code_hash)  # the code stays as it is while the cases run


def _end(command: str, root: Path) -> Outcome:
    """Run a command on a workspace, and see what it said and left."""
    before, out, err = _content(root), io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.setattr(store, "code_hash", _code_hash)
        code = main([*command.split(), "--workspace", str(root)])
    said = (err.getvalue() + out.getvalue()).replace(str(root), "company")
    after = _content(root)
    is_kept = {name: after.get(name) for name in before} == before
    return Outcome(code, tuple(said.splitlines()), tuple(sorted(set(after) - set(before))), is_kept)


@cache
def _base() -> Path:
    """The sound workspace, checked once, so that its cache spares the cases most of the reading."""
    folder = Path(tempfile.mkdtemp(prefix="sopkit-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    raw = folder / "data/raw"
    raw.mkdir(parents=True)
    for name, text in SOUND.items():
        (raw / name).parent.mkdir(exist_ok=True)
        (raw / name).write_text(text, encoding="utf-8")
    assert _end("check", folder) == Outcome(0, ("0 breaches, 0 notices",), (), True)
    return folder


@cache
def _outcome(position: int, command: str) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="sopkit-") as folder:
        return _end(command, _lay_out(CASES[position], Path(folder)))


def as_markdown() -> str:
    """All cases with the first line that sopkit says to each, under their headings."""
    lines = [
        "# What sopkit says to broken inputs",
        "",
        f"{len(CASES)} inputs, each one change to the same sound company, and the first line that",
        "`sopkit check` (or the command named) prints. *breach* and *refused* stop a run before",
        "anything is written, *misused* is a command that cannot be meant, *notice* stops nothing.",
        "Made from `tests/test_broken_inputs.py`; write it anew with",
        "`python tests/test_broken_inputs.py`.",
    ]
    group = ""
    for position, case in enumerate(CASES):
        if case.group != group:
            group = case.group
            lines += ["", f"## {group}", ""]
            lines += [
                "| what is broken | what sopkit says | state | exit code |",
                "|---|---|---|---|",
            ]
        outcome = _outcome(position, case.command)
        broken = case.broken + (f" (`{case.command}`)" if case.command != "check" else "")
        said = outcome.lines[0].replace("|", "\\|").replace("<", "&lt;")
        lines.append(f"| {broken} | {said} | {case.state} | {outcome.code} |")
    return "\n".join([*lines, ""])


IDS = [f"{case.group}: {case.broken}" for case in CASES]
STOPPED = {  # one case a file: every finding stops a run at the same place
    tuple(case.edits): position
    for position, case in enumerate(CASES)
    if case.code == 1 and case.command == "check"
}.values()


def test_the_sound_company_has_no_finding_and_each_case_its_own_name():
    assert _end("check", _base()).lines == ("0 breaches, 0 notices",)
    assert len(set(IDS)) == len(CASES) >= 100


@pytest.mark.parametrize("position", range(len(CASES)), ids=IDS)
def test_a_broken_input_is_said_with_place_and_remedy_and_nothing_is_written(position):
    case = CASES[position]
    outcome = _outcome(position, case.command)
    said = "\n".join(outcome.lines)
    assert outcome.code == case.code, said
    assert [words for words in case.words if words not in said] == [], said
    assert outcome.lines[0].startswith(
        f"{case.state}: " if case.state in ("breach", "notice") else "sopkit: "
    ), said
    assert "Traceback" not in said
    assert outcome.is_kept and outcome.written == ()


@pytest.mark.parametrize("position", STOPPED, ids=[IDS[n] for n in STOPPED])
def test_what_check_finds_wrong_stops_a_run_before_anything_is_written(position):
    outcome = _outcome(position, "run")
    said = "\n".join(outcome.lines)
    assert outcome.code == 1, said
    assert CASES[position].words[0] in said and "Traceback" not in said
    assert outcome.is_kept and outcome.written == ()


def test_the_table_of_broken_inputs_shows_what_is_said_now():
    kept = TABLE.read_text(encoding="utf-8") if TABLE.is_file() else ""
    assert kept == as_markdown(), "Read the change, then: python tests/test_broken_inputs.py"


if __name__ == "__main__":
    TABLE.write_text(as_markdown(), encoding="utf-8")
