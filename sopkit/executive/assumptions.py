"""Whether assumptions still hold: each may carry a test, a sign by which it would be broken.

A test compares sums over months, such as
``demand(family="Lighting", months=6) < 0.92 * demand(family="Lighting", months=6, ago=12)``.
It is read as a formula and never run as code.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable

import numpy as np
import pandas as pd

from sopkit import months, schema

MEASURES = {
    "demand": "units in closed months",
    "revenue": "revenue in closed months",
    "plan": "planned units in months to come",
    "hours": "regular hours given for months to come, of a resource, without what was decided",
}
_AHEAD = {"plan", "hours"}  # counted from the cycle on; the others back from the last closed month
_FILTERS = {*schema.LEVELS, "resource"}
_WORDS = {
    ast.Add: "plus",
    ast.Sub: "minus",
    ast.Mult: "times",
    ast.Div: "divided by",
    ast.Lt: "is below",
    ast.LtE: "is at most",
    ast.Gt: "is above",
    ast.GtE: "is at least",
}
_MOST = 120  # months of a window, or back or ahead
_SIGNS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
EXAMPLE = 'demand(family="Tents", months=12) < 1.03 * demand(family="Tents", months=12, ago=12)'


class TestError(ValueError):
    """A test that cannot be read or answered; the message says why."""

    __test__ = False  # no test of pytest's


def judged(
    assumptions: pd.DataFrame,
    tables: dict[str, pd.DataFrame],
    planned: pd.DataFrame,
    *,
    cycle: pd.Timestamp,
) -> pd.DataFrame:
    """Assumptions with their state in this cycle.

    Parameters
    ----------
    assumptions : DataFrame
        Table `assumptions`, as known in the cycle.
    tables : dict
        By measure of ``MEASURES``: ``month``, levels (``resource`` for hours), ``amount``.
    planned : DataFrame
        Planned revenue: ``month``, levels, ``amount``, and ``carried``, the part of it that people
        moved (departments and overrides).
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    DataFrame
        The rows, with ``state`` (held, broken, expired, untested), ``finding``, and on broken ones
        ``amount_value``: twelve months' planned revenue of what the test names. On broken and
        expired ones ``carried_value``: what of it people moved, and ``carried_rate``, its share.
    """
    rows = []
    for row in assumptions.to_dict("records"):
        state, finding, stake = "untested", "nobody wrote a test", (np.nan, np.nan)
        if pd.notna(row["expires_month"]) and row["expires_month"] < cycle:
            state, finding = "expired", f"void since {months.label(row['expires_month'])}"
        elif isinstance(row["test"], str) and row["test"].strip():
            try:
                is_broken = bool(evaluate(row["test"], tables, cycle=cycle))
                said = in_words(row["test"], tables, cycle=cycle) if is_broken else ""
                state, finding = ("broken", said) if is_broken else ("held", "")
            except TestError as error:
                finding = str(error)
        if state in ("broken", "expired"):
            stake = _at_stake(row["test"], planned, cycle)
        amount, carried = stake
        rate = carried / amount if amount else np.nan
        rows.append((state, finding, amount if state == "broken" else np.nan, carried, rate))
    names = ["state", "finding", "amount_value", "carried_value", "carried_rate"]
    found = pd.DataFrame(rows, columns=names, index=assumptions.index)
    return assumptions.assign(**found.astype(dict.fromkeys(names[2:], "float64")))


def evaluate(test: str, tables: dict[str, pd.DataFrame], *, cycle: pd.Timestamp) -> bool | float:
    """The answer of a test.

    Parameters
    ----------
    test : str
        Numbers, ``+ - * /``, comparisons, ``and``, ``or``, ``not``, and sums: a measure with
        ``months``, optionally ``ago`` (or ``ahead`` for plan and hours), and levels in quotes.
    tables, cycle
        As in ``judged``.

    Raises
    ------
    TestError
        If it holds anything else, or a sum covers no month.

    Examples
    --------
    >>> cycle = pd.Timestamp("2026-01-01")
    >>> span = months.span(pd.Timestamp("2025-01-01"), 12)
    >>> sold = pd.DataFrame({"month": span, "family": "Tents", "amount": range(12)})
    >>> evaluate('demand(family="Tents", months=2) > 20', {"demand": sold}, cycle=cycle)
    True
    """
    try:
        tree = ast.parse(test.strip(), mode="eval")
    except SyntaxError as error:
        raise TestError(f"cannot be read; write it like {EXAMPLE}") from error

    def total(call: ast.Call) -> float:
        return _sum(call, tables, cycle)

    return _value(tree.body, total)


def _value(node: ast.AST, total: Callable[[ast.Call], float]) -> bool | float:
    """The value of one node of the formula; anything not named here is refused."""
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        return node.value
    if isinstance(node, ast.Call):
        return total(node)
    if isinstance(node, ast.BoolOp):
        values = [bool(_value(part, total)) for part in node.values]
        return all(values) if isinstance(node.op, ast.And) else any(values)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return not _value(node.operand, total)
    if isinstance(node, ast.UnaryOp) and type(node.op) in _SIGNS:
        return _SIGNS[type(node.op)](_value(node.operand, total))
    if isinstance(node, ast.BinOp) and type(node.op) in _SIGNS:
        left, right = _value(node.left, total), _value(node.right, total)
        if isinstance(node.op, ast.Div) and right == 0:
            raise TestError("divides by nothing: what stands below the line is zero")
        return _SIGNS[type(node.op)](left, right)
    if isinstance(node, ast.Compare) and all(type(sign) in _SIGNS for sign in node.ops):
        values = [_value(part, total) for part in (node.left, *node.comparators)]
        pairs = zip(node.ops, values, values[1:], strict=False)
        return all(_SIGNS[type(sign)](left, right) for sign, left, right in pairs)
    raise TestError(
        f"holds {ast.unparse(node)!r}, which is no sum or number; write it like {EXAMPLE}"
    )


def in_words(test: str, tables: dict[str, pd.DataFrame], *, cycle: pd.Timestamp) -> str:
    """A test as people would say it, with what was measured on either side of a comparison.

    Parameters
    ----------
    test, tables, cycle
        As in ``evaluate``, which answered it.

    Examples
    --------
    >>> cycle, span = pd.Timestamp("2026-01-01"), months.span(pd.Timestamp("2025-01-01"), 12)
    >>> sold = pd.DataFrame({"month": span, "family": "Tents", "amount": range(12)})
    >>> in_words('demand(family="Tents", months=2) > 20', {"demand": sold}, cycle=cycle)
    'demand of Tents over 2 months is above 20 (measured: 21 against 20)'
    """
    tree = ast.parse(test.strip(), mode="eval").body
    said = _said(tree)
    if isinstance(tree, ast.Compare) and len(tree.ops) == 1:
        values = [
            _value(side, lambda call: _sum(call, tables, cycle))
            for side in (tree.left, tree.comparators[0])
        ]
        numbers = [f"{value:,.0f}" if abs(value) >= 10 else f"{value:.3g}" for value in values]
        said += f" (measured: {' against '.join(numbers)})"
    return said


def _said(node: ast.AST) -> str:
    """One node of a formula in words."""
    if isinstance(node, ast.Call):
        name, given = _parts(node)
        shift = given.get("ago") or given.get("ahead")
        word = "later" if name in _AHEAD else "earlier"
        members = [str(member) for level, member in given.items() if level in _FILTERS]
        what = f"{name} of {', '.join(members)}" if members else name
        return f"{what} over {given['months']} months" + (
            f", {shift} months {word}" if shift else ""
        )
    if isinstance(node, ast.BoolOp):
        return f" {'and' if isinstance(node.op, ast.And) else 'or'} ".join(map(_said, node.values))
    if isinstance(node, ast.BinOp):
        return f"{_said(node.left)} {_WORDS[type(node.op)]} {_said(node.right)}"
    if isinstance(node, ast.Compare):
        pairs = zip(node.ops, node.comparators, strict=True)
        return _said(node.left) + "".join(f" {_WORDS[type(o)]} {_said(n)}" for o, n in pairs)
    return ast.unparse(node)


def _parts(call: ast.Call) -> tuple[str, dict[str, object]]:
    """Measure and arguments of a sum."""
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    if name not in MEASURES or call.args:
        raise TestError(
            f"holds {ast.unparse(call)!r}; sums are {', '.join(MEASURES)}, each with named parts"
        )
    shift = "ahead" if name in _AHEAD else "ago"
    given: dict[str, object] = {"months": 12, shift: 0}
    for part in call.keywords:
        value = part.value.value if isinstance(part.value, ast.Constant) else None
        is_window = part.arg in ("months", shift)
        is_sound = (
            type(value) is int and 0 <= value <= _MOST
            if is_window
            else part.arg in _FILTERS and isinstance(value, str)
        )
        if not is_sound:
            raise TestError(
                f"{name} cannot take {part.arg}={ast.unparse(part.value)}; it takes months and "
                f"{shift} (whole numbers up to {_MOST}) and levels in quotes: "
                f"{', '.join(sorted(_FILTERS))}"
            )
        given[part.arg] = value
    return name, given


def _sum(call: ast.Call, tables: dict[str, pd.DataFrame], cycle: pd.Timestamp) -> float:
    name, given = _parts(call)
    table = tables[name]
    if name in _AHEAD:
        first = months.shift(cycle, given.pop("ahead"))
    else:
        first = months.shift(cycle, -given.pop("ago") - given["months"])
    last = months.shift(first, given.pop("months") - 1)
    inside = (table["month"] >= first) & (table["month"] <= last)
    span = (table["month"].min(), table["month"].max())
    if table.empty or first < span[0] or last > span[1]:
        raise TestError(
            f"{name} is not known for all of {months.label(first)} to {months.label(last)}"
        )
    for level, member in given.items():
        if level not in table.columns or not (table[level] == member).any():
            raise TestError(f"{name} knows no {level} {member!r}")
        inside &= table[level] == member
    return float(table.loc[inside, "amount"].sum())


def _at_stake(test: object, planned: pd.DataFrame, cycle: pd.Timestamp) -> tuple[float, float]:
    """Twelve months' planned revenue of what the sums of a test name, and what people moved of it.

    Missing without prices, and where no test can be read.
    """
    year = planned[planned["month"] < months.shift(cycle, 12)]
    touched = pd.Series(False, index=year.index)
    try:
        calls = [n for n in ast.walk(ast.parse(str(test).strip())) if isinstance(n, ast.Call)]
        named = [_parts(call)[1] for call in calls]
    except (SyntaxError, TestError):
        return np.nan, np.nan
    for given in named:
        own = pd.Series(True, index=year.index)
        for level in schema.LEVELS:
            own &= (year[level] == given[level]) if level in given else True
        touched |= own
    sums = year.loc[touched, ["amount", "carried"]].sum(min_count=1)
    return float(sums["amount"]), float(sums["carried"])
