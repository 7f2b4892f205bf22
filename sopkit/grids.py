"""The S&OP grid of a page: the company, then each family, closed months and the horizon across."""

from __future__ import annotations

import jinja2
import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.carried import carried
from sopkit.exhibits import MISSING, TEMPLATES, Exhibit, digits_of, format_amount, note, number
from sopkit.reconciliation import grid as sop

_ROWS = (sop.LAST, sop.NOW, sop.DIFFERENCE, sop.RUNNING, "Budget", "Last year")


def grid(
    sop_grid: pd.DataFrame, *, currency: str, cycle: pd.Timestamp, unit: str = "units"
) -> Exhibit:
    """The S&OP grid: the company, then each family, six closed months and the horizon across.

    Parameters
    ----------
    sop_grid : DataFrame
        Table `sop_grid` (or that of an earlier step).
    currency : str
        Of the company; money is shown in thousands of it.
    cycle : Timestamp
        Month in which the plan is made; a line stands before it.
    unit : str
        What quantities are counted in.
    """
    if sop_grid.empty:
        return note("There is no plan to lay out by family yet.", "missing")
    closed = months.closed(cycle, sop.CLOSED_MONTHS)
    last = max(sop_grid["month"].max(), cycle)
    span = closed.union(months.span(cycle, months.number(last) - months.number(cycle) + 1))
    key = ["family", "measure", "row"]
    wide = sop_grid.pivot(index=key, columns="month", values="amount").reindex(columns=span)
    marks = sop_grid.pivot(index=key, columns="month", values="is_last_plan")
    marks = marks.reindex(columns=span).eq(True)
    known = set(sop_grid["family"])
    others = sorted(known - {schema.COMPANY_LABEL, schema.UNASSIGNED})
    names = [name for name in (schema.COMPANY_LABEL, *others, schema.UNASSIGNED) if name in known]
    loader, trim = jinja2.FileSystemLoader(TEMPLATES), {"trim_blocks": True, "lstrip_blocks": True}
    environment = jinja2.Environment(loader=loader, autoescape=True, **trim)
    markup = environment.get_template("grid.html.j2").render(
        years=list(span.year.value_counts().sort_index().items()),
        names_of_months=list(span.strftime("%b")),
        families=[_family(name, wide, marks, (currency, unit), cycle) for name in names],
        count=len(span),
        money=f"k {currency}".strip(),
        unit=unit,
        cycle=months.label(cycle),
        has_last_plan=sop.LAST in wide.index.get_level_values("row"),
        has_marks=bool(marks.to_numpy().any()),
    )
    return Exhibit(markup, (_whole(wide, currency, unit),))


def _whole(wide: pd.DataFrame, currency: str, unit: str) -> dict:
    """All of the grid as it travels: in full precision, money not in thousands."""
    frame = wide.rename(columns=months.label).rename_axis(columns=None).reset_index()
    units = {name: currency for name in sop.MONEY} | {"Utilisation": "share"}
    frame.insert(3, "unit", frame["measure"].map(units).fillna(unit))
    heads = {name: name.capitalize() for name in frame}
    kinds = dict.fromkeys(frame.columns[4:], "quantity")
    return carried(frame, caption="S&OP grid", columns=heads, kinds=kinds, source="sop_grid")


def _family(
    name: str,
    wide: pd.DataFrame,
    marks: pd.DataFrame,
    counted_in: tuple[str, str],
    cycle: pd.Timestamp,
) -> dict[str, object]:
    """One family for the template: its summary line and its groups of rows."""
    year = months.span(cycle, 12).intersection(wide.columns)
    rows = wide.loc[name]
    main = rows.reindex([("Sales", sop.NOW), ("Revenue", sop.NOW), ("Revenue", "Budget")])[year]
    sales, revenue, budget = (main.iloc[place] for place in range(3))
    gap, compared = (revenue - budget).sum(min_count=1), budget.where(revenue.notna()).sum()
    share = format_amount(gap / compared if compared else np.nan, "signed_rate")
    groups = [
        _group(measure, rows.loc[measure], marks.loc[name].loc[measure], counted_in)
        for measure in (*sop.VOLUMES, *sop.MONEY)
        if measure in rows.index.get_level_values(0)
    ]
    return {
        "name": name,
        "sales": format_amount(sales.sum(min_count=1), "count"),
        "revenue": number(revenue.sum(min_count=1) / 1000, 0, is_signed=False),
        "gap": number(gap / 1000, 0, is_signed=True),
        "share": "" if share == MISSING else share,
        "groups": groups,
        "signs": max(
            len(text) for texts in groups for row in texts["rows"] for text, *_ in row["cells"]
        ),
    }


def _group(
    measure: str, rows: pd.DataFrame, marks: pd.DataFrame, counted_in: tuple[str, str]
) -> dict[str, object]:
    """The rows of one measure: cells are text and whether the last plan stands in."""
    is_rate, (currency, unit) = measure == "Utilisation", counted_in
    scale = 100 if is_rate else 0.001 if measure in sop.MONEY else 1
    unit = "percent" if is_rate else f"k {currency}".strip() if measure in sop.MONEY else unit
    scaled = rows * scale
    digits = 0 if is_rate else digits_of("quantity", scaled.stack())
    lines = []
    for row in (row for row in _ROWS if row in scaled.index):
        is_signed = row in (sop.DIFFERENCE, sop.RUNNING)
        texts = ["" if pd.isna(x) else number(x, digits, is_signed) for x in scaled.loc[row]]
        is_short = (scaled.loc[row] < -0.5) & (measure == "Inventory") & (row == sop.NOW)
        cells = list(zip(texts, marks.loc[row], is_short, strict=True))
        lines.append({"name": row, "is_main": row == sop.NOW, "cells": cells})
    return {"name": measure, "unit": unit, "rows": lines}
