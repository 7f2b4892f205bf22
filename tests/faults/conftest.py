"""A company so small that its cycle of three steps takes a second, and what faults do to it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from sopkit import publication, store

CYCLE = pd.Timestamp("2026-01-01")
_HERE = Path(__file__).parent
_KINDS = ("injected", "survived")
_counts: dict[str, Counter] = {}

_HEAD = """\
import pandas as pd
from sopkit import exhibits, months, schema, store

cycle_month = months.parse_cycle(cycle)
tables = store.inputs(workspace, STEP, cycle_month)
facts = [("units", float(tables["sales"]["quantity"].sum()), "count", "")]
facts += [("actions", float(len(tables.get("actions", ()))), "count", "")]
facts = pd.DataFrame(facts, columns=["fact", "amount", "kind", "text"])
"""
_STEPS = {
    "01_data_review": """\
own = tables["sales"][["item", "month", "quantity"]].assign(location="all", channel="all")
own = own.rename(columns={"quantity": "sales"})
zero = set(schema.PROCESSED["demand_history"].columns) - {*own, "demand", "baseline"}
own = own.assign(**dict.fromkeys(sorted(zero), 0.0), demand=own["sales"], baseline=own["sales"])
made = {"demand_history": own}
""",
    "03_demand_review": """\
own = tables["demand_history"][["item", "location", "channel", "month", "demand"]]
own = own.rename(columns={"demand": "statistical"})
zero = dict.fromkeys(["events", "departments", "overrides"], 0.0)
own = own.assign(**zero, consensus=own["statistical"], constrained=own["statistical"])
made = {"demand_plan": own}
""",
    "06_executive_review": """\
own = schema.PROCESSED["revision_changes"]
empty = pd.DataFrame(columns=list(own.columns), dtype="float64")
made = {"revision_changes": empty.astype(dict.fromkeys(own.key, "str"))}
""",
}
_PUBLISH = "store.publish_step(workspace, STEP, cycle_month, made | {STEP + '_facts': facts})"
_PAGE = """\
display(exhibits.headline("All items sold {units} units, {actions} actions.", facts))
columns = {"fact": "Fact", "amount": "Amount"}
display(exhibits.table(facts, caption="Facts", columns=columns, kinds={"amount": "count"}))
"""


class Company:
    """Workspaces of the small company, and runs of them by the process that has imported all."""

    def __init__(self, base: Path, kind: str) -> None:
        plain = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}
        plain |= {"PATH": os.environ["PATH"] if kind == "sample" else "/nowhere"}
        plain |= {"TMPDIR": str(base), "OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, "-P", str(_HERE / "toy.py"), kind]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        home = {"PYTHONPATH": str(_HERE.parents[1])}
        self.base, self.count = base, 0
        self.process = subprocess.Popen(command, env=os.environ | plain | home, **pipes)

    def run(self, root: Path, *words: str, **fault: object) -> dict:
        """``sopkit run`` there: code, points, what it said; nothing of it may be left running."""
        wish = fault | {"workspace": str(root)}
        wish["words"] = ["run", "--workspace", str(root), *words]
        self.process.stdin.write(json.dumps(wish) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert answer["left"] == 0, "a process of the run lives on"
        is_killed = answer["code"] < 0  # then its kernels may say that they lost their sockets
        assert is_killed or "Traceback" not in answer["said"], answer["said"]
        return answer

    def new(self, source: Path | None = None) -> Path:
        """A workspace of its own: a copy, or one in which nothing has run."""
        self.count += 1
        root = self.base / f"company-{self.count}"
        if source is not None:
            shutil.copytree(source, root)
            return root
        (root / "data/raw").mkdir(parents=True)
        (root / "notebooks").mkdir()
        for name, code in _STEPS.items():
            content = json.dumps(_notebook(name[3:], code))
            (root / "notebooks" / f"{name}.ipynb").write_text(content)
        sell(root, 0)
        return root


def sell(root: Path, more: int) -> None:
    """Sales: with others every table and page is another one."""
    rows = [f"{i},2025-{m:02d},{m + n + more}" for n, i in enumerate("AB") for m in range(1, 13)]
    (root / "data/raw/sales.csv").write_text("\n".join(["item,month,quantity", *rows, ""]))


def act(root: Path) -> None:
    """An action: with it only the last step's tables and page are others."""
    words = "action,cycle,statement,owner,due_month,status\nA1,2026-01,Call,Ada,2026-02,open\n"
    (root / "data/raw/actions.csv").write_text(words)


def _notebook(step: str, code: str) -> dict:
    cells = [
        ("markdown", f"# {step}\n\n- **Decides**: nothing.", []),
        ("code", 'workspace: str = ".."\ncycle: str = "2026-01"', ["parameters"]),
        ("code", f"STEP = {step!r}\n{_HEAD}{code}{_PUBLISH}", ["tables"]),
        ("code", _PAGE, []),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made = [_cell(number, *cell) for number, cell in enumerate(cells)]
    return {"cells": made, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def _cell(number: int, kind: str, source: str, tags: list[str]) -> dict:
    cell = {"id": f"cell-{number}", "cell_type": kind, "metadata": {"tags": tags}, "source": source}
    return cell | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def prints(folder: Path) -> dict[str, str]:
    """A hash of each table or page; not of what tells when it was made."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "executed" not in path.parts and path.name != "run.json"
    }


def state(root: Path) -> tuple[dict, dict]:
    """Prints of the published tables and pages of the cycle."""
    return prints(root / "data/processed/2026-01"), prints(root / "reports/2026-01")


def look(root: Path, states: list[tuple[dict, dict]]) -> None:
    """What a reader finds: tables and pages of one whole state, links that lead somewhere."""
    before = prints(root / "reports/2026-01")  # a browser undoes nothing: nothing, or all of one
    assert before in [{}, *(pages for _, pages in states)], "half a pack can be seen"
    store.open_workspace(root)
    assert state(root) in states, "tables and pages are not of one whole state"
    for path in (root / "data/processed/2026-01").glob("*.parquet"):
        store.read(root, path.stem, CYCLE)
    plans = store.ledger(root, "demand_plan")
    assert plans["cycle"].nunique() == len(publication.cycles(root))
    for page in (root / "reports/2026-01").glob("*.html"):
        for address in re.findall(r'href="([^"#:]+)"', page.read_text(encoding="utf-8")):
            assert address == "../index.html" or (page.parent / address).exists(), address


def nothing_left(root: Path, base: Path) -> None:
    """No half-written file, no staged or previous folder, no socket."""
    names = [path for path in root.rglob("*") if path.name.endswith((".part", ".new"))]
    names += [*root.glob("*/.staging/*"), *root.glob("*/*/.staging/*"), *base.glob("sopkit-*")]
    names += [*root.glob("*/.previous/*"), *root.glob("*/*/.previous/*")]
    assert not names, names


@pytest.fixture(scope="session")
def tools():
    """The functions of this file, for tests beside it."""
    return sys.modules[__name__]


@pytest.fixture(scope="session")
def company(tmp_path_factory):
    made = Company(tmp_path_factory.mktemp("company"), "toy")
    yield made
    made.process.stdin.close()
    made.process.wait()
    made.process.stdout.close()


@pytest.fixture(scope="session")
def published(company) -> Path:
    """A workspace whose cycle has been run; copy it."""
    root = company.new()
    assert company.run(root)["code"] == 0
    return root


@pytest.fixture
def fault(request):
    """``with fault("kill"):`` counts it as injected, and as survived where the block ends well."""

    class Counted:
        def __init__(self, kind: str) -> None:
            self.own = _counts.setdefault(kind, Counter())

        def __enter__(self) -> None:
            self.own["injected"] += 1

        def __exit__(self, kind: object, *_: object) -> None:
            self.own["survived"] += kind is None

    return Counted


def pytest_terminal_summary(terminalreporter) -> None:
    if _counts:
        terminalreporter.write_sep("=", "faults")
        terminalreporter.write_line(f"{'kind':40}{'injected':>10}{'survived':>10}")
    for kind, own in _counts.items():
        terminalreporter.write_line(f"{kind:40}" + "".join(f"{own[name]:>10}" for name in _KINDS))
