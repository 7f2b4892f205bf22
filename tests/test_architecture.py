"""The house's rules that a machine can hold: floors, purity, size, what commands import."""

from __future__ import annotations

import ast
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "sopkit"
FLOORS = {
    "schema": 0,
    "kept": 0,
    "months": 0,
    "naming": 0,
    "cells": 0.2,
    "currencies": 0.3,
    "contract": 0.5,
    "methods": 0.6,
    "across": 0.7,
    "stacking": 0.7,
    "periods": 0.7,
    "rules": 0.7,
    "demand": 1,
    "supply": 1,
    "reconciliation": 2,
    "executive": 2,
    "headlines": 2.2,
    "ties": 2,
    "agenda": 2.5,
    "supply_problem": 2.6,
    "supply_meeting": 2.8,
    "product_meeting": 2.8,
    "demand_meeting": 2.8,
    "data_meeting": 2.8,
    "decided": 2.5,
    "what_if": 2.7,
    "pre_sop": 2.8,
    "steps": 3,
    "extracts": 2.8,
    "exports": 2.9,
    "databases": 3.8,
    "northtrail": 3.8,
    "templates": 3.8,
    "files": 3.85,
    "filled": 3.9,
    "sources": 4,
    "workbooks": 4,
    "receipts": 4,
    "sample": 4,
    "charts": 4,
    "carried": 3.9,
    "exhibits": 4.1,
    "logs": 4.2,
    "grids": 4.2,
    "whole": 0,
    "publication": 4.9,
    "store": 5,
    "pages": 5,
    "packing": 5.5,
    "partitions": 5.5,
    "kernels": 5,
    "forking": 5,
    "parameters": 5.4,
    "locking": 5.6,
    "executing": 5.7,
    "marks": 5.7,
    "computing": 5.8,
    "month_end": 5.6,
    "underway": 5.9,
    "cycle": 6,
    "departments": 6,
    "gates": 6.5,
    "policies": 6.5,
    "replay": 6.5,
    "explore": 6,
    "arguments": 6.8,
    "events": 6.8,
    "telling": 6.85,
    "planning": 6.9,
    "__main__": 7,
}
MAY_TOUCH_FILES = {
    "publication",
    "whole",
    "store",
    "databases",
    "northtrail",
    "templates",
    "files",
    "filled",
    "sources",
    "workbooks",
    "sample",
    "pages",
    "cycle",
    "parameters",
    "locking",
    "marks",
    "executing",
    "kernels",
    "forking",
    "packing",
    "partitions",
    "departments",
    "explore",
    "events",
    "planning",
    "__main__",
    "exhibits",
}
MOST_LINES, MOST_MODULES, MOST_FUNCTIONS = 37_000, 240, 975


def _modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py"))


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(tree: ast.AST) -> set[str]:
    """Rooms of sopkit that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "sopkit":
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        if isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("sopkit.")}
    return found


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_from_lower_floors_or_its_own_room(path):
    room = _room(path)
    if room == "__init__":
        assert not _imports(_tree(path))
        return
    for other in _imports(_tree(path)) - {room}:
        assert FLOORS[other] < FLOORS[room], f"{room} (floor {FLOORS[room]}) imports {other}"


def _calls(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Call):
            names.add(
                node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            )
    return names


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_edges_print_read_write_or_look_at_the_clock(path):
    room, calls = _room(path), _calls(path)
    if room not in ("__main__", "planning", "events"):
        assert "print" not in calls
    touching = {
        "open",
        "read_text",
        "write_text",
        "read_bytes",
        "read_csv",
        "to_csv",
        "to_parquet",
        "read_parquet",
        "getenv",
        "now",
        "today",
        "mkdir",
        "unlink",
    }
    if room not in MAY_TOUCH_FILES:
        assert not calls & touching
    if FLOORS.get(room, 9) <= 3:
        assert "matplotlib" not in path.read_text(encoding="utf-8")


def test_init_files_hold_a_docstring_and_nothing_else():
    for path in PACKAGE.rglob("__init__.py"):
        body = _tree(path).body
        assert len(body) == 1 and isinstance(body[0].value, ast.Constant), path


def test_exhibits_never_import_nbconvert():
    assert "nbconvert" not in (PACKAGE / "exhibits.py").read_text(encoding="utf-8").replace(
        "never imports nbconvert", ""
    )


def _code_lines(path: Path) -> int:
    """Lines of code: docstrings, comments and blank lines not counted."""
    tree, covered = _tree(path), set()
    with tokenize.open(path) as file:
        for token in tokenize.generate_tokens(file.readline):
            if token.type not in (
                tokenize.COMMENT,
                tokenize.NL,
                tokenize.NEWLINE,
                tokenize.INDENT,
                tokenize.DEDENT,
                tokenize.ENDMARKER,
            ):
                covered |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            covered -= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return len(covered)


def _public_functions(path: Path) -> int:
    return sum(
        isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
        for node in _tree(path).body
    )


def test_the_package_stays_small(capsys):
    modules = [path for path in _modules() if path.name != "__init__.py"]
    public = [path for path in modules if not path.name.startswith("_")]
    lines = sum(map(_code_lines, _modules()))
    functions = sum(map(_public_functions, public))
    with capsys.disabled():
        sys.stdout.write(
            f"\nsopkit: {lines} lines of code, {len(modules)} modules, {functions} functions\n"
        )
    assert lines <= MOST_LINES
    assert len(modules) <= MOST_MODULES
    assert functions <= MOST_FUNCTIONS


@pytest.mark.parametrize("command", [["status"], ["check"]])
def test_light_commands_import_no_heavy_library(command, tmp_path):
    (tmp_path / "data/raw").mkdir(parents=True)
    (tmp_path / "data/raw/sales.csv").write_text("item,month,quantity\nA,2025-12,3\n")
    words = [*command, "--workspace", str(tmp_path)]
    program = (
        "import sys; from sopkit.__main__ import main; code = main(sys.argv[1:]); "
        "heavy = {'papermill', 'nbconvert', 'nbformat', 'statsmodels', 'matplotlib', 'dask'}; "
        "heavy |= {'distributed', 'scipy.stats', 'scipy.optimize'}; "
        "heavy &= set(sys.modules); "
        "sys.exit(f'imports {heavy}' if heavy else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
