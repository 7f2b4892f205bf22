"""A receipt for a handed-in workbook: what was taken, what was not, why, and what to do.

One page of HTML without anything from outside; every word of the workbook is escaped.
"""

from __future__ import annotations

from html import escape

import pandas as pd

from sopkit.contract import counted
from sopkit.filled import REFUSED, Filled
from sopkit.months import label

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;color:#1d2939;max-width:64rem;
margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:0 0 .25rem;color:#1f3a5f}h2{font-size:1.1rem;margin:2rem 0 .5rem}
p{margin:.25rem 0}.lead{font-size:1.1rem}.quiet{color:#475467}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid #d0d5dd}
th{background:#1f3a5f;color:#fff}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
td{overflow-wrap:break-word}td.c,td.n{white-space:nowrap}
@media print{body{margin:0;max-width:none}
th{color:#000;background:none;border-bottom:2px solid #000}}
"""
_TAKEN = ["sheet", "cell", "what", "month", "quantity", "base", "reason", "remark"]
_HEADS = {
    "holds": "what stands there",
    "what": "for",
    "quantity": "taken",
    "base": "forecast shown",
    "remedy": "what to do",
}


def summary(filled: Filled, taken: int) -> str:
    """What became of a workbook, in one sentence."""
    refused = len(filled.refused)
    not_taken = f"{counted(refused, 'cell was', 'cells were')} not taken" if refused else ""
    if filled.is_unchanged:
        said = "“No change” was taken: it counts as submitted"
    elif taken:
        said = f"{counted(taken, 'number was', 'numbers were')} taken"
    else:
        said = (
            "No number was taken" if refused else "Nothing was filled in, so nothing was submitted"
        )
    return f"{said}; {not_taken}." if not_taken else f"{said}."


def page(filled: Filled, taken: pd.DataFrame, author: str, file: str, added: str) -> str:
    """The receipt as HTML.

    Parameters
    ----------
    filled : Filled
        What the workbook says, with all that is refused.
    taken : DataFrame
        Rows that were added: ``sheet, cell, what, month, quantity, base, reason, remark``.
    author : str
        Who handed it in.
    file, added : str
        Name of the workbook, and of the file added to ``data/raw``; empty where none was.
    """
    department = filled.department[:1].upper() + filled.department[1:]
    title = f"Receipt: {department}, cycle {label(filled.cycle)}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="lead">{escape(summary(filled, len(taken)))}</p>',
        f'<p class="quiet">{escape(file)}, handed in by {escape(author)}. The template is of '
        f"{filled.written_at:%Y-%m-%d %H:%M} UTC.</p>",
        f'<p class="quiet">Added as {escape(added)}</p>' if added else "",
        *(f"<p>{escape(note)}</p>" for note in filled.notes),
    ]
    if filled.refused:
        parts.append("<h2>Not taken</h2>")
        parts.append(_table(pd.DataFrame(filled.refused)[REFUSED], []))
    if len(taken):
        parts.append("<h2>Taken</h2>")
        columns = [c for c in _TAKEN if c != "remark" or taken["remark"].ne("").any()]
        parts.append(_table(taken[columns], ["quantity", "base"]))
    body = "\n".join(part for part in parts if part)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>{body}</body></html>\n"
    )


def _table(frame: pd.DataFrame, numbers: list[str]) -> str:
    kind = {name: ' class="n"' for name in numbers} | {"cell": ' class="c"', "month": ' class="c"'}
    heads = "".join(
        f"<th{kind.get(name, '') if name in numbers else ''}>"
        f"{escape(_HEADS.get(name, name).capitalize())}</th>"
        for name in frame
    )
    rows = [
        "<tr>"
        + "".join(f"<td{kind.get(n, '')}>{escape(_words(row[n]))}</td>" for n in frame)
        + "</tr>"
        for row in frame.to_dict("records")
    ]
    whole = "\n".join(rows)
    return f'<div class="scroll"><table><thead><tr>{heads}</tr></thead>\n{whole}</table></div>'


def _words(cell: object) -> str:
    if isinstance(cell, str):
        return cell
    if cell is None or pd.isna(cell):
        return ""
    if isinstance(cell, pd.Timestamp):
        return label(cell)
    return f"{cell:,.0f}" if abs(cell) >= 1_000 or cell == round(cell) else f"{cell:,.1f}"
