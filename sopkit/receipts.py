"""A receipt for a handed-in workbook: what was taken, what was not, why, and what to do.

One page of HTML without anything from outside; every word of the workbook is escaped.
"""

from __future__ import annotations

import json
from html import escape, unescape

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
_WITHDRAWN = ["sheet", "cell", "what", "month", "remark"]
_HEADS = {
    "holds": "what stands there",
    "what": "for",
    "quantity": "taken",
    "base": "forecast shown",
    "remedy": "what to do",
}
_META = '<meta name="sopkit" content="'
FACTS = ["department", "author", "handed_in", "taken", "withdrawn", "left", "refused"]


def summary(filled: Filled, taken: pd.DataFrame) -> str:
    """What became of a workbook, in one sentence.

    Parameters
    ----------
    filled : Filled
        What the workbook says.
    taken : DataFrame
        As for ``page``.
    """
    facts = _facts(filled, taken)
    numbers = facts["taken"]
    if filled.is_unchanged:
        said = ["“No change” was taken: it counts as submitted"]
    elif numbers:
        said = [f"{counted(numbers, 'number was', 'numbers were')} taken{_in_place(taken)}"]
    elif facts["withdrawn"] or filled.refused:
        said = ["No number was taken"]
    elif filled.left:
        said = ["Nothing was changed, so nothing was submitted anew"]
    else:
        said = ["Nothing was filled in, so nothing was submitted"]
    more = [
        (facts["withdrawn"], "was withdrawn", "were withdrawn"),
        (facts["left"], "stays as it was", "stay as they were"),
    ]
    said += [f"{count} {one if count == 1 else many}" for count, one, many in more if count]
    if filled.refused:
        said.append(f"{counted(len(filled.refused), 'cell was', 'cells were')} not taken")
    return f"{'; '.join(said)}."


def _in_place(taken: pd.DataFrame) -> str:
    """How many of the numbers taken stand in place of an earlier one."""
    replaces = taken.loc[~taken["is_withdrawn"].astype(bool), "replaces"].astype(bool)
    replaced = int(replaces.sum())
    if not replaced:
        return ""
    of_them = "" if len(replaces) == 1 else "all " if replaces.all() else f"{replaced} of them "
    return f", {of_them}in place of {'an earlier one' if replaced == 1 else 'earlier ones'}"


def _facts(filled: Filled, taken: pd.DataFrame) -> dict[str, int]:
    withdrawn = int(taken["is_withdrawn"].sum())
    counts = len(taken) - withdrawn, withdrawn, len(filled.left), len(filled.refused)
    return dict(zip(FACTS[3:], counts, strict=True))


def _cells(filled: Filled, taken: pd.DataFrame) -> dict[str, list[str]]:
    """Cells refused and taken, by key and month where they have one, so that both can be matched.

    A number that was written and stood just so already is taken too; one left as shown is not.
    """
    refused = [row["what"] or f"{row['sheet']}!{row['cell']}" for row in filled.refused]
    done = [
        f"{what}, {label(month)}" for what, month in zip(taken["what"], taken["month"], strict=True)
    ]
    written = [row["what"] for row in filled.left if row.get("what")]
    return {
        "refused_cells": [cell.casefold() for cell in refused],
        "taken_cells": [cell.casefold() for cell in [*done, *written]],
    }


def page(
    filled: Filled, taken: pd.DataFrame, author: str, when: pd.Timestamp, file: str, added: str
) -> str:
    """The receipt as HTML.

    Parameters
    ----------
    filled : Filled
        What the workbook says, with all that is refused.
    taken : DataFrame
        Rows that were added: ``sheet, cell, what, month, quantity, base, reason, remark``,
        ``is_withdrawn``, and ``replaces``: an earlier number counts no more.
    author, when : str, Timestamp
        Who handed it in, and when in UTC.
    file, added : str
        Name of the workbook, and of the file added to ``data/raw``; empty where none was.
    """
    department = filled.department[:1].upper() + filled.department[1:]
    title = f"Receipt: {department}, cycle {label(filled.cycle)}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="lead">{escape(summary(filled, taken))}</p>',
        f'<p class="quiet">{escape(file)}, handed in by {escape(author)}. The template is of '
        f"{filled.written_at:%Y-%m-%d %H:%M} UTC.</p>",
        f'<p class="quiet">Added as {escape(added)}</p>' if added else "",
        *(f"<p>{escape(note)}</p>" for note in filled.notes),
    ]
    if filled.refused:
        parts.append("<h2>Not taken</h2>")
        parts.append(_table(pd.DataFrame(filled.refused)[REFUSED], []))
    is_withdrawn = taken["is_withdrawn"].astype(bool)
    for head, rows, columns in [
        ("Taken", taken[~is_withdrawn], _TAKEN),
        ("Withdrawn", taken[is_withdrawn], _WITHDRAWN),
    ]:
        if len(rows):
            parts.append(f"<h2>{head}</h2>")
            columns = [c for c in columns if c != "remark" or rows["remark"].ne("").any()]
            parts.append(_table(rows[columns], [c for c in columns if c in ("quantity", "base")]))
    body = "\n".join(part for part in parts if part)
    said = {"department": filled.department, "author": author}
    said |= {"handed_in": when.isoformat(timespec="milliseconds"), **_facts(filled, taken)}
    said |= {"written_at": filled.written_at.isoformat(), **_cells(filled, taken)}
    meta = f'{_META}{escape(json.dumps(said, ensure_ascii=False))}">'
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">{meta}'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>{body}</body></html>\n"
    )


def listed(pages: dict[str, str]) -> pd.DataFrame:
    """A cycle's receipts, the latest first.

    Parameters
    ----------
    pages : dict
        Address → HTML of each receipt.

    Returns
    -------
    DataFrame
        ``FACTS``, ``href`` and ``state``: where cells were not taken, whether later workbooks of
        the department repaired them (``_repairs``).
    """
    rows = [
        json.loads(unescape(text.split(_META)[1].split('">')[0])) | {"href": href}
        for href, text in pages.items()
        if _META in text
    ]
    rows = sorted(rows, key=lambda row: (row["handed_in"], row["href"]), reverse=True)
    state = [_state(row, rows) for row in rows]
    table = pd.DataFrame(rows, columns=[*FACTS, "href"]).assign(state=state)
    return table.assign(handed_in=table["handed_in"].str.replace("T", " ").str[:16])


def _state(receipt: dict, receipts: list[dict]) -> str:
    """What later workbooks of the department made of the cells that were not taken."""
    if not receipt["refused"]:
        return ""
    own = [row for row in receipts if row["department"] == receipt["department"]]
    later = [row for row in own if row["handed_in"] > receipt["handed_in"]]
    if "refused_cells" not in receipt:  # written before receipts named their cells
        is_anew = any(row["author"] == receipt["author"] for row in later)
        return "handed in anew" if is_anew else "not repaired"
    cells = receipt["refused_cells"]
    count = sum(any(_repairs(row, receipt, cell) for row in later) for cell in cells)
    some = f"{count} of {len(cells)} repaired" if count else "not repaired"
    return "repaired" if count == len(cells) else some


def _repairs(later: dict, receipt: dict, cell: str) -> bool:
    """Whether a later workbook gave the key and month a number, or is the same one, mended."""
    if cell in later.get("taken_cells", ()):
        return True
    is_same = later.get("written_at") == receipt["written_at"]
    return is_same and cell not in later["refused_cells"]


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
