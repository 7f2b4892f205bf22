"""Small workspaces broken by chance: the same totals, or words that help.

``SOPKIT_EXAMPLES`` says how many are tried.
"""

from __future__ import annotations

import csv
import io
import os
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.campaign import corpus, oracle

EXAMPLES = int(os.environ.get("SOPKIT_EXAMPLES", "60"))
PLAIN = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
ODD = [
    "", " ", "NaN", "nan", "inf", "-", "0", "-5", "1e308", "1e-300", "1,5", "1.234", "12%", "NULL",
    "2025-13", "2025-02-30", "0001-01", "9999-12", "2025-03", "45000", "all", "=1+1", "@x", "\t",
    "TRUE", "yes", "#N/A", "💡", "\u200b", "a" * 11_000, "'", '"', ";", "x\ny", "TENT", "tent",
]  # fmt: skip
BESIDE = {
    "prices.csv": "item,first_month,unit_price_value\nTENT,2025-01,100\n",
    "budget.csv": "family,month,quantity,revenue_value\nTents,2026-01,450,52000\n",
    "events.csv": "event,kind,first_month,last_month,family,expected_rate\n"
    "Fair,promotion,2026-04,2026-05,Tents,0.2\n",
    "inventory.csv": "item,location,month,on_hand\nTENT,North,2025-12,75\n",
    "resources.csv": "resource,regular_hours\nSewing,120\n",
    "routings.csv": "item,resource,hours_per_unit\nTENT,Sewing,0.5\n",
    "components.csv": "item,component,quantity_per\nTENT,LAMP,1\n",
    "suppliers.csv": "item,supplier,lead_time_days,unit_cost_value\nLAMP,Brenner,45,20\n",
    "targets.csv": "kpi,first_month,last_month,target,unit\nmargin_rate,2026-01,2026-12,0.3,rate\n",
    "launches.csv": "item,like_item,weight_share\nLAMP,TENT,1\n",
    "locations.csv": "location,region,supplied_from\nNorth,Main,\nSouth,Main,North\n",
    "overrides.csv": "cycle,item,month,author,kind,quantity,reason\n"
    "2026-01,TENT,2026-03,Ada,set,5,fair\n",
    "submissions.csv": "department,cycle,month,family,quantity\nSales,2026-01,2026-02,Tents,120\n",
    "actions.csv": "action,cycle,statement,owner,due_month,status\n"
    "Clear,2025-12,Sell tents,Ben,2026-03,open\n",
    "calendar.csv": None,
}
CODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "utf-32"]
Grid = list[list[str]]


def _grid(text: str) -> Grid:
    return [line.split(",") for line in text.splitlines()]


@st.composite
def _broken(draw, grid: Grid) -> Grid:
    """A table with one to three changes."""
    grid = [list(row) for row in grid]
    for _ in range(draw(st.integers(1, 3))):
        row, column = draw(st.integers(1, len(grid) - 1)), draw(st.integers(0, len(grid[0]) - 1))
        text = draw(st.one_of(st.sampled_from(ODD), st.text(max_size=6)))
        match draw(
            st.sampled_from(["cell", "cell", "cell", "twice", "name", "drop", "cut", "add"])
        ):
            case "cell":
                grid[row][column:] = [text, *grid[row][column + 1 :]]
            case "twice":
                grid.insert(row, list(grid[row]))
            case "name":
                grid[0][column:] = [text, *grid[0][column + 1 :]]
            case "drop":
                grid = [cells[:column] + cells[column + 1 :] for cells in grid]
            case "cut":
                grid[row] = grid[row][:column]
            case "add":
                grid[row] = [*grid[row], text]
        if not grid[0]:
            return [["item"]]
        grid = [cells if cells else [""] for cells in grid]
        if min(map(len, grid)) < len(grid[0]):
            break  # a further change would need a whole table
    return grid


@st.composite
def workspaces(draw) -> tuple[Grid, dict[str, bytes]]:
    """Cells of sales, and the files of a workspace with one table broken."""
    name = draw(st.sampled_from(["sales.csv"] * 5 + ["items.csv", *sorted(BESIDE)]))
    sound = corpus.SOUND | {key: text for key, text in BESIDE.items() if key == name and text}
    name = name if name in sound else "sales.csv"
    grids = {key: _grid(text) for key, text in sound.items()}
    grids[name] = draw(_broken(grids[name]))
    coding = draw(st.sampled_from(["utf-8"] * 8 + CODINGS))
    separator = draw(st.sampled_from([",", ",", ",", ";", "\t", "|"]))
    ends = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    files = {}
    for key, grid in grids.items():
        own = separator if key == name else ","
        text = io.StringIO()
        csv.writer(text, delimiter=own, lineterminator=ends).writerows(grid)
        files[key] = text.getvalue().encode(coding if key == name else "utf-8", "replace")
    return grids["sales.csv"], files


def _sum(grid: Grid, column: str) -> float | None:
    """What a person counts in a column of sales; None where no person could."""
    heads = [head.strip() for head in grid[0]]
    if column not in heads:
        return 0.0
    place = heads.index(column)  # a row cut short lacks its last cells
    cells = [row[place].strip() for row in grid[1:] if len(row) > place]
    given = [cell for cell in cells if cell]
    return sum(map(float, given)) if all(map(PLAIN.fullmatch, given)) else None


@settings(max_examples=EXAMPLES, deadline=None)
@given(workspaces())
def test_a_table_broken_by_chance_ends_in_the_same_totals_or_in_words_that_help(made):
    sales, files = made
    with tempfile.TemporaryDirectory(prefix="sopkit-") as folder:
        root = Path(folder) / "company"
        corpus.lay_out(corpus.Case("chance", "", dict(files)), root)
        ending = oracle.check(root)
        assert oracle.faults(ending) == []
        if not ending.is_refused:
            said = "\n".join(ending.lines)
            meant = _sum(sales, "quantity"), _sum(sales, "revenue_value")
            assert None not in meant, said
            is_told = "nobody reads" in said or "waits for a later cycle" in said
            assert is_told or oracle.counted(root) == pytest.approx(meant, rel=1e-9), said
