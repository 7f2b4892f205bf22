"""The sample's six pages: every chart has its figures, every table its files, and none is old."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import openpyxl
import pytest

from sopkit.agenda import STEPS

PAGES = [step.notebook for step in STEPS]
MOST_BYTES = 2_000_000


@pytest.fixture(scope="module")
def pack_folder(sample_workspace, sample_cycle) -> Path:
    return sample_workspace / "reports" / f"{sample_cycle:%Y-%m}"


def _csv(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("name", PAGES)
def test_every_chart_has_its_figures_in_named_columns_below_it(pack_folder, name):
    page = (pack_folder / f"{name}.html").read_text(encoding="utf-8")
    charts = re.findall(r'<figure class="chart">.*?</figure>', page, re.DOTALL)
    for chart in charts:
        alt = re.search('alt="([^"]*)"', chart)[1]
        assert '<details class="behind">' in chart, alt
        heads = re.findall('<th scope="col">(.*?)</th>', chart)
        assert len(heads) >= 2 and all(heads) and len(set(heads)) == len(heads), (alt, heads)
        cells = re.findall("<t[dh][^>]*>(.*?)</t[dh]>", chart.split("<tbody>")[1])
        assert any(re.search(r"\d", cell) for cell in cells), alt


@pytest.mark.parametrize("name", PAGES)
def test_links_of_a_page_lead_to_all_its_files_and_to_no_other(pack_folder, name):
    page = (pack_folder / f"{name}.html").read_text(encoding="utf-8")
    assert len(page.encode()) <= MOST_BYTES and "<!--csv" not in page
    links = re.findall(r'href="(tables/[^"]+)"', page)
    files = [*(pack_folder / "tables" / name).iterdir(), pack_folder / "tables" / f"{name}.xlsx"]
    assert sorted(links) == sorted(f.relative_to(pack_folder).as_posix() for f in files)
    book = openpyxl.load_workbook(files[-1], read_only=True)
    tables = sorted(link for link in links if link.endswith(".csv"))
    for sheet, link in zip(book.worksheets, tables, strict=True):
        rows = sum(1 for _ in sheet.iter_rows(min_row=4))
        assert rows == len(_csv(pack_folder / link)), link
