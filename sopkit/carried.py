"""A table as it travels from a notebook to its page: all rows in full, whatever is shown of them.

A notebook's output carries it beside the markup, under ``MIME``; JupyterLab shows the markup and
leaves the rest alone. ``pages.downloads`` writes it as CSV and as a sheet of a workbook.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months

KINDS = tuple(
    "quantity signed_quantity value signed_value exact_value exact signed_exact rate signed_rate "
    "fine_rate count months decimal month text rating link".split()
)
MIME = "application/vnd.sopkit.table+json"
TEXTS = ("text", "month", "rating", "link")
_UNITS = {"rate": "share", "fine_rate": "share", "months": "months"}


def carried(
    frame: pd.DataFrame,
    *,
    caption: str,
    columns: dict[str, str],
    kinds: dict[str, str],
    currency: str = "",
    source: str | None = None,
) -> dict[str, object]:
    """A table as plain values: caption, source, and columns with heading, unit, kind and cells.

    Parameters
    ----------
    frame, caption, columns, kinds, currency, source
        As in ``exhibits.table``. Where a column's kind is the name of another column, that one is
        carried after it as "Unit", once.

    Returns
    -------
    dict
        Fit for JSON; months as YYYY-MM, shares as shares, nothing for what is missing.

    Examples
    --------
    >>> rates = pd.DataFrame({"item": ["A"], "wape": [0.125]})
    >>> made = carried(rates, caption="Error", columns={"item": "Item", "wape": "Error"},
    ...                kinds={"wape": "rate"})
    >>> made["columns"][1]
    {'heading': 'Error', 'unit': 'share', 'kind': 'rate', 'cells': [0.125]}
    """
    made, units = [], []
    for column, heading in columns.items():
        kind = kinds.get(column, "text")
        base = kind.removeprefix("signed_")
        unit = currency if base in ("value", "exact_value") else _UNITS.get(base, "")
        made.append({"heading": heading, "unit": unit, "kind": kind} | _cells(frame[column], kind))
        if kind in KINDS:
            continue
        made[-1]["kind"] = "quantity"  # of several kinds: the column of that name holds them
        if kind not in units:
            units.append(kind)
            unit = {"heading": "Unit", "unit": "", "kind": "text"}
            words = frame[kind].replace("value", currency or "value")
            made.append(unit | _cells(words, "text"))
    return {"caption": caption, "source": source or "", "columns": made}


def _cells(values: pd.Series, kind: str) -> dict[str, list]:
    texts = kind in TEXTS
    return {"cells": [_word(value) if texts else _number(value) for value in values]}


def _word(value: object) -> str | None:
    if pd.isna(value) or value == "":
        return None
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, pd.Timestamp):
        return months.label(value) if value.day == 1 else value.strftime("%Y-%m-%d")
    return str(value)


def _number(value: object) -> float | int | None:
    if value is None or pd.isna(value) or not np.isfinite(value):
        return None
    amount = float(value)
    return int(amount) if amount.is_integer() and abs(amount) < 2**53 else amount
