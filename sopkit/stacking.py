"""Several files of one raw table as one: later entries win, other doubles are breaches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from sopkit import schema
from sopkit.contract import Checked, Source, at, plain


def stack(name: str, parts: list[tuple[Checked, Source]]) -> tuple[Checked, Source]:
    """The rows of all files of a table, and what to call them.

    Of two rows with one key the later ``entered_at`` counts, then the later file, in tables that
    people enter through sopkit (``schema.ENTERED``). In every other table they are a breach. A row
    that only says that nothing is to change takes no number's place, and none takes its place.

    Parameters
    ----------
    name : str
        A table of ``schema.RAW``.
    parts : list
        Each file's checked rows and source, in the order of their names.

    Returns
    -------
    checked : Checked
        All rows that count, with the findings of all files.
    source : Source
        Names each row by its own file.

    Examples
    --------
    >>> from sopkit import contract
    >>> rows = [("2026-01-05T09:00", 10), ("2026-01-05T08:00", 12)]
    >>> parts = []
    >>> for place, (when, units) in enumerate(rows):
    ...     frame = pd.DataFrame({"department": ["sales"], "cycle": "2026-01", "month": "2026-02",
    ...                           "quantity": units, "entered_at": when})
    ...     source = Source(f"file {place}")
    ...     parts.append((contract.check_table("submissions", frame, source), source))
    >>> stack("submissions", parts)[0].frame["quantity"].tolist()
    [10.0]
    """
    frame = pd.concat([checked.frame for checked, _ in parts], ignore_index=True)
    sizes = [len(checked.frame) for checked, _ in parts]
    starts = np.cumsum([0, *sizes[:-1]])
    findings = [
        replace(found, sales_rows=tuple(row + int(start) for row in found.sales_rows))
        for (checked, _), start in zip(parts, starts, strict=True)
        for found in checked.findings
    ]
    label = parts[0][1].label
    if len(parts) > 1:
        is_main = not label.startswith(f"data/raw/{name}/")
        label = (f"{label} and " if is_main else "") + f"the files of data/raw/{name}/"
    kept = np.arange(len(frame))
    table = schema.RAW[name]
    if name in schema.ENTERED:
        order = frame["entered_at"].fillna(pd.Timestamp(1900, 1, 1)).argsort(kind="stable")
        keys = frame[list(table.key)]
        if "is_unchanged" in frame:
            is_number = frame[["quantity", "revenue_value", "is_withdrawn"]].notna().any(axis=1)
            keys = keys.assign(is_unchanged=frame["is_unchanged"].notna() & ~is_number)
        counts = ~keys.iloc[order].duplicated(keep="last")
        kept = np.sort(order.to_numpy()[counts.to_numpy()])
    source = replace(parts[0][1], label=label, runs=_runs(parts, sizes, kept))
    frame = frame.iloc[kept].reset_index(drop=True)
    has_breach = any(finding.state == "breach" for finding in findings)
    if name not in schema.ENTERED and len(parts) > 1 and not has_breach:
        by_day = name == "sales" and frame["date"].notna().any()
        key = ["date" if by_day and column == "month" else column for column in table.key]
        whole = frame.assign(date=frame["date"].fillna(frame["month"])) if by_day else frame
        double = whole.duplicated(key, keep=False)
        if double.any():
            message, remedy = "rows of several files share one key.", "Take one of the two out."
            findings.append(at(name, frame, double, source, "", message, remedy))
    return Checked(frame, findings), source


def _runs(
    parts: list[tuple[Checked, Source]], sizes: list[int], kept: np.ndarray
) -> tuple[tuple[int, str, int | None], ...]:
    """Where a file begins, or rows were left out: position, words, and the count in the file."""
    if len(parts) == 1 and len(kept) == sizes[0]:
        return parts[0][1].runs
    file = np.repeat(np.arange(len(parts)), sizes)[kept]
    place = np.concatenate([np.arange(size) for size in sizes])[kept] if sizes else kept
    breaks = np.flatnonzero(np.diff(file, prepend=-1) | (np.diff(place, prepend=-2) != 1))
    runs: list[tuple[int, str, int | None]] = []
    for position, end in zip(breaks, [*breaks[1:], len(kept)], strict=True):
        source, first = parts[file[position]][1], int(place[position])
        words, count = f"{source.row_word} {{}} of {plain(source.label)}", source.first_row
        if len(source.runs) == 1:
            (_, words, count), *_ = source.runs
        if len(source.runs) > 1 or count is None:  # each row has words of its own
            span = range(end - position)
            runs += [(int(position + k), source.row(first + k), None) for k in span]
        else:
            runs.append((int(position), words, first + count))
    return tuple(runs)
