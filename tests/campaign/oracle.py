"""What every broken workspace must end in: a plan with the same totals, or words that help.

``verdict`` runs ``sopkit check`` in this process, and says what is wrong with how it ended.
"""

from __future__ import annotations

import contextlib
import io
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from sopkit import cycle, store
from sopkit.__main__ import main

MONTH = pd.Timestamp("2026-01-01")
LONGEST = 1_000  # signs of a line
_FINDING = re.compile(r"(breach|notice): ([^ :]+): (.+)")
_COUNT = re.compile(r"\d+ breach(es)?, \d+ notices?")
_code_hash = cache(store.code_hash)  # the code stays as it is while the cases run


@dataclass(frozen=True)
class Ending:
    """What ``sopkit check`` gave back and said."""

    code: int
    lines: tuple[str, ...]

    @property
    def is_refused(self) -> bool:
        """Whether a run would stop."""
        return self.code == 1


def check(root: Path) -> Ending:
    """``sopkit check`` of a workspace; an error that escapes it is the test's."""
    out, err = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.setattr(store, "code_hash", _code_hash)
        code = main(["check", "--cycle", "2026-01", "--workspace", str(root)])
    said = (err.getvalue() + out.getvalue()).replace(str(root), "company")
    return Ending(code, tuple(said.split("\n")[:-1]))


def faults(ending: Ending) -> list[str]:
    """What is wrong with the words of an ending."""
    found = [] if ending.code in (0, 1) else [f"exit code {ending.code}"]
    found += [f"too long: {len(line):,} signs" for line in ending.lines if len(line) > LONGEST]
    found += [f"signs nobody sees: {line!r}" for line in ending.lines if not line.isprintable()]
    refusals = [line for line in ending.lines if not line.startswith("notice: ")]
    if ending.is_refused:
        refusals = [line for line in refusals if not _COUNT.fullmatch(line)]
        found += [] if refusals else ["refused without a word"]
        found += [f"no remedy: {line}" for line in refusals if not _has_remedy(line)]
    return found + [f"no words: {x}" for x in ending.lines if "Traceback" in x or "Errno" in x]


def _has_remedy(line: str) -> bool:
    """Whether a refusal is two sentences or more: what is wrong, and what to do."""
    said = line.removeprefix("sopkit: ").partition(": ")[2]
    said = re.sub(r" It touches [^']+ of twelve months' money\.$", "", said)
    return len(re.findall(r"[.)?](?= |$)", said)) >= 2


def counted(root: Path) -> tuple[float, float]:
    """Units and money of sales that a run would begin with."""
    sales = store.raw_tables(root, MONTH, anew=False)[0]["sales"]
    return sales["quantity"].sum(), sales["revenue_value"].sum()


def planned(root: Path) -> tuple[float, float]:
    """Units and money that `demand_history` holds after the first three steps, without pages."""
    settled = cycle.settle_parameters(root, {})
    steps = ("data_review", "product_review", "demand_review")
    cycle.compute(root, MONTH, {name: settled[name] for name in steps})
    history = store.read(root, "demand_history", MONTH)
    return history["sales"].sum(), history["revenue_value"].sum()
