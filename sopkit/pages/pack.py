"""A cycle's pack as a whole: its pages, its first page, the page of a failure, the list of cycles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from sopkit import months
from sopkit.pages import index, page
from sopkit.steps import STEPS, Step

FAILED_PAGE = "failed.html"
_PURPOSES = {
    "data_review": "Did everything arrive, and what did cleaning change?",
    "product_review": "What do we sell, how does it behave, what comes and goes?",
    "demand_review": "What will customers want, and how sure are we?",
    "supply_review": "Can we supply it, and what does each way cost?",
    "reconciliation": "Where do demand, supply and budget differ, and what is it worth?",
    "executive_review": "Do we make the year, and what is to be decided?",
}
# until a step can be closed (sopkit close), what rests on it is preliminary
_STAMP = "preliminary: demand not agreed"
_STAMPED = ("supply_review", "reconciliation", "executive_review")


@dataclass(frozen=True)
class Imprint:
    """What every page of a pack says of itself."""

    company: str
    cycle: pd.Timestamp
    version: str

    @property
    def footer(self) -> str:
        """One line: cycle, version, data as of."""
        data_to = months.label(months.shift(self.cycle, -1))
        return f"Cycle {months.label(self.cycle)} · sopkit {self.version} · data to {data_to}"

    @property
    def common(self) -> dict:
        """Arguments that all pages share."""
        pages = [(step.title, f"{step.notebook}.html") for step in STEPS]
        return {
            "company": self.company,
            "cycle_label": months.label(self.cycle),
            "navigation": [("Overview", "index.html"), *pages],
            "footer": self.footer,
        }


def write_page(executed: Path, folder: Path, step: Step, imprint: Imprint) -> Path:
    """Render one step's executed notebook into the pack's folder."""
    target = folder / f"{step.notebook}.html"
    stamp = _STAMP if step.name in _STAMPED else ""
    page.render(executed, target, title=step.title, stamp=stamp, **imprint.common)
    return target


def write_failure(
    folder: Path, step: Step, imprint: Imprint, *, cell: str, error: str, traceback: str
) -> Path:
    """Write the page that says which step failed and why, beside the last good pack."""
    target = folder / FAILED_PAGE
    page.failure_page(
        target,
        step=step.name,
        title=f"{step.title} failed",
        cell=cell,
        error=error,
        traceback=traceback,
        **imprint.common,
    )
    return target


def write_index(folder: Path, imprint: Imprint) -> Path:
    """Write the pack's first page from the executed notebooks in its folder."""
    entries = []
    for step in STEPS:
        executed = folder / "executed" / f"{step.notebook}.ipynb"
        if (folder / f"{step.notebook}.html").is_file():
            entries.append(
                {
                    "title": step.title,
                    "href": f"{step.notebook}.html",
                    "purpose": _PURPOSES[step.name],
                    "headline": page.first_sentence(executed) if executed.is_file() else "",
                }
            )
    target = folder / "index.html"
    index.pack_index(target, entries, **imprint.common)
    return target


def write_cycles(folder: Path, cycles: list[dict[str, str]], company: str) -> Path:
    """Write the list of cycles, ``reports/index.html``."""
    target = folder / "index.html"
    index.cycles_index(target, cycles, company=company)
    return target
