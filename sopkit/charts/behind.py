"""The figures of a chart, read from what was drawn: table and picture cannot disagree.

Read are bars, lines, points, bands, level lines and shaded cells that carry a label (not one that
begins with an underscore, matplotlib's own); names come from the ticks, titles and axes. Where rows
have names the y-axis is what a row is of, else the x-axis is. Amounts between two ends give two
columns. What is written at a point, or beside a row, stands in a column of its own.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import NamedTuple

import matplotlib.dates as mdates
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import LineCollection, PathCollection, PolyCollection, QuadMesh
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.ticker import FixedLocator, FuncFormatter

from sopkit.charts import _style

SHARE = "share"  # label of shaded cells that are shares
WRITTEN = "As written"
_MOST_COLUMNS = 12  # series side by side, beyond which each has its own rows


class _Mark(NamedTuple):
    """One amount of a series, where it stands along the rows' axis, in order of drawing."""

    at: object
    series: str
    amount: object
    written: str = ""


def behind(figure: Figure) -> list[pd.DataFrame]:
    """The figures of a chart, a table a panel; empty where nothing drawn has a label.

    Parameters
    ----------
    figure : Figure
        From a function of ``charts``.

    Returns
    -------
    list of DataFrame
        First column: month, name or number along the axis. ``attrs``: title, kinds of
        ``exhibits.table`` by column, and units by column where the axis names one.
    """
    panels = [axes for axes in figure.axes if axes.get_visible()]
    tables = [_cells(axes) if _shaded(axes) else _panel(axes) for axes in panels]
    return [table for table in tables if not table.empty]


def whole(figure: Figure) -> pd.DataFrame:
    """All panels as one table: side by side where they tell different things of the same rows."""
    tables = behind(figure)
    if len(tables) < 2:
        return tables[0] if tables else pd.DataFrame()
    units = [unit for table in tables for unit in table.attrs["units"].items()]
    units = {
        name: unit for name, unit in units if {own for of, own in units if of == name} == {unit}
    }
    kinds = {name: kind for table in tables for name, kind in table.attrs["kinds"].items()}
    firsts = {table.columns[0] for table in tables}
    others = [name for table in tables for name in table.columns[1:]]
    key = tables[0].columns[0]
    if len(firsts) == 1 and len(set(others)) == len(others):
        indexed = [table.set_index(key) for table in tables]
        joined = pd.concat(indexed, axis=1, sort=False)
        joined = joined.sort_index() if kinds.get(key) == "month" else joined
        joined = joined.rename_axis(key).reset_index()
    else:
        named = [table.assign(Panel=table.attrs["title"]) for table in tables]
        joined = pd.concat(named, ignore_index=True)
        joined = joined[["Panel", *joined.columns.drop("Panel")]]
    joined.attrs = {"title": tables[0].attrs["title"], "kinds": kinds, "units": units}
    return joined


def _title(axes: Axes) -> str:
    return " ".join((axes.get_title("left") or axes.get_title() or "").split())


def _shaded(axes: Axes) -> bool:
    return bool(axes.images) or any(isinstance(part, QuadMesh) for part in axes.collections)


def _panel(axes: Axes) -> pd.DataFrame:
    """What is drawn in one panel, a row for each place along the axis, a column a series."""
    is_sideways = _names(axes.yaxis) is not None
    marks = [mark for mark in _marks(axes, is_sideways) if not pd.isna(mark.amount)]
    if not marks:
        return pd.DataFrame()
    rows, across = (axes.yaxis, axes.xaxis) if is_sideways else (axes.xaxis, axes.yaxis)
    table = pd.DataFrame(marks)
    key, table["at"] = _read(rows, table["at"])
    amount, table["amount"] = _read(across, table["amount"])
    key = "Where" if key in {*table["series"], amount} else key
    kind = _kind(across, table["amount"])
    is_long = table.duplicated(["at", "series"]).any()
    if is_long or table["series"].nunique() > _MOST_COLUMNS:
        heads = {"at": key, "series": "What", "amount": amount, "written": WRITTEN}
        shown = table.rename(columns=heads)
    else:
        shown = _side_by_side(table, key, is_sorted=_names(rows) is None)
    shown = shown if shown[WRITTEN].ne("").any() else shown.drop(columns=WRITTEN)
    kinds = dict.fromkeys(shown.columns.drop([key, "What", WRITTEN], errors="ignore"), kind)
    is_told = kind == "rate" or amount in ("Amount", *kinds)  # a share, no unit, or in the heading
    units = {} if is_told else dict.fromkeys(kinds, amount)
    kinds = kinds | {key: _kind(rows, shown[key])}
    shown.attrs = {"title": _title(axes), "kinds": kinds, "units": units}
    return shown


def _side_by_side(table: pd.DataFrame, key: str, *, is_sorted: bool) -> pd.DataFrame:
    """A row for each place, a column for each series, what is written last."""
    wide = table.pivot(index="at", columns="series", values="amount")
    wide = wide.reindex(index=table["at"].unique(), columns=table["series"].unique())
    wide = wide.assign(**{WRITTEN: table.groupby("at")["written"].max()})
    wide = wide.sort_index() if is_sorted else wide
    return wide.rename_axis(index=key, columns=None).reset_index()


def _marks(axes: Axes, is_sideways: bool) -> Iterator[_Mark]:
    """Amounts of all artists with a label, in the order drawn."""
    both: dict[tuple, _Mark] = {}  # bars of one name above and below zero are one amount
    for mark in (mark for bars in axes.containers for mark in _bars(bars, axes, is_sideways)):
        if before := both.get(mark[:2]):
            mark = mark._replace(amount=before.amount + mark.amount)
        both[mark[:2]] = mark
    yield from both.values()
    for line in axes.lines:
        if _is_named(line):
            points = zip(line.get_xdata(orig=False), line.get_ydata(orig=False), strict=True)
            yield from _points(line.get_label(), list(points), axes, is_sideways, line)
    for part in axes.collections:
        if _is_named(part):
            yield from _collected(part, axes, is_sideways)


def _is_named(artist) -> bool:
    return not str(artist.get_label()).startswith("_")


def _bars(bars, axes: Axes, is_sideways: bool) -> Iterator[_Mark]:
    """Heights (lengths, sideways) of bars; both ends of those that say "between"."""
    if not _is_named(bars):
        return
    places = _names(axes.yaxis if is_sideways else axes.xaxis) or {}
    for patch in bars.patches:
        start, size = (patch.get_y(), patch.get_height()) if is_sideways else (
            patch.get_x(), patch.get_width())  # fmt: skip
        low, length = (patch.get_x(), patch.get_width()) if is_sideways else (
            patch.get_y(), patch.get_height())  # fmt: skip
        at = start if round(start, 6) in places else start + size / 2.0
        if ends := _ends(bars.get_label()):
            yield from (_Mark(at, ends[0], low), _Mark(at, ends[1], low + length))
        else:
            yield _Mark(at, bars.get_label(), length)


def _ends(label: str) -> list[str] | None:
    """Names of both ends of ``between 5% and 95%``."""
    return label.removeprefix("between ").split(" and ") if label.startswith("between ") else None


def _points(label, points: list, axes: Axes, is_sideways: bool, line=None) -> Iterator[_Mark]:
    if is_sideways and len(points) == 2 and points[0][0] == points[1][0]:  # an upright at a row
        points = [(points[0][0], (points[0][1] + points[1][1]) / 2.0)]
    is_alone = line is not None and line.get_linestyle() == "None"
    for x, y in points:
        at, amount = (y, x) if is_sideways else (x, y)
        yield _Mark(at, label, amount, _written(axes, x, y) if is_alone else "")


def _written(axes: Axes, x: float, y: float) -> str:
    """What is written at a point, or beside the row it stands in."""
    for text in axes.texts:
        if not isinstance(text, Annotation) or text.get_text() == "":
            continue
        across = axes.xaxis.convert_units(text.xy[0]) if text.xycoords == "data" else x
        if isinstance(text.xycoords, str | tuple) and np.isclose(across, x):
            if np.isclose(axes.yaxis.convert_units(text.xy[1]), y):
                return " ".join(text.get_text().split())
    return ""


def _collected(part, axes: Axes, is_sideways: bool) -> Iterator[_Mark]:
    label = part.get_label()
    if isinstance(part, PathCollection):
        yield from _points(label, list(part.get_offsets()), axes, is_sideways)
    elif isinstance(part, LineCollection):
        yield from _levels(part, axes, is_sideways)
    elif isinstance(part, PolyCollection):
        for path in part.get_paths():
            corners = pd.DataFrame(path.vertices[:-1], columns=["x", "y"]).groupby("x")["y"]
            for name, amounts in (("low", corners.min()), ("high", corners.max())):
                yield from (_Mark(x, f"{label}, {name}", y) for x, y in amounts.items())


def _levels(part: LineCollection, axes: Axes, is_sideways: bool) -> Iterator[_Mark]:
    """Level lines: both ends of those along a row, the height of those over a column."""
    first, last = _ends(part.get_label()) or (f"{part.get_label()}, from", "to")
    lines = [line for line in part.get_segments() if len(line)]  # empty where an end is unknown
    for (left, y), (right, _) in lines:
        if is_sideways:
            yield from (_Mark(y, first, left, _written(axes, left, y)), _Mark(y, last, right))
        else:
            yield _Mark((left + right) / 2.0, part.get_label(), y)


def _names(axis: Axis) -> dict[float, str] | None:
    """Place → what is written there, where an axis names its places."""
    locator, formatter = axis.get_major_locator(), axis.get_major_formatter()
    is_named = isinstance(getattr(formatter, "func", None), functools.partial)  # set_ticks made it
    if _is_dated(axis) or not isinstance(locator, FixedLocator) or not is_named:
        return None
    return {round(float(at), 6): " ".join(formatter(at).split()) for at in locator.locs}


def _is_dated(axis: Axis) -> bool:
    return "Date" in type(axis.get_converter()).__name__  # pandas has one of its own


def _read(axis: Axis, values: pd.Series) -> tuple[str, pd.Series]:
    """Heading of an axis, and its values as people read them: days, names or numbers."""
    label = " ".join(axis.get_label_text().split())
    if _is_dated(axis):
        days = pd.to_datetime([mdates.num2date(value).replace(tzinfo=None) for value in values])
        days = pd.Series(days.round("D"), index=values.index)
        return ("Month", days) if days.dt.day.eq(1).all() else ("Day", days.dt.strftime("%Y-%m-%d"))
    names = _names(axis)
    if names is not None:
        places = np.array(list(names))
        near = [places[np.argmin(np.abs(places - value))] for value in values]
        return label or "Name", pd.Series([names[at] for at in near], index=values.index)
    return label or "Amount", values.astype("float64").round(9)


def _kind(axis: Axis, values: pd.Series) -> str:
    if pd.api.types.is_datetime64_any_dtype(values):
        return "month"
    if not pd.api.types.is_numeric_dtype(values):
        return "text"
    formatter = axis.get_major_formatter()
    is_rate = isinstance(formatter, FuncFormatter) and formatter.func is _style.rate_tick
    return "rate" if is_rate else "quantity"


def _cells(axes: Axes) -> pd.DataFrame:
    """Shaded cells: names down, names across; else what is written in each."""
    part = (*axes.images, *(p for p in axes.collections if isinstance(p, QuadMesh)))[0]
    rows, columns = (list((_names(axis) or {}).values()) for axis in (axes.yaxis, axes.xaxis))
    amounts = np.ma.filled(np.ma.masked_invalid(part.get_array()).astype("float64"), np.nan)
    if amounts.shape != (len(rows), len(columns)):  # a scale of colours beside its picture
        return pd.DataFrame()
    key = axes.get_ylabel() or "Name"
    kind = "rate" if part.get_label() == SHARE else "quantity"
    table = pd.DataFrame(amounts, columns=_years(columns))
    written = [[_written(axes, x, y) for x in range(len(columns))] for y in range(len(rows))]
    kinds = dict.fromkeys(table, kind)
    if any(any(row) for row in written):  # more than the amount is told
        told = pd.DataFrame(written, columns=[f"{name}, {WRITTEN.lower()}" for name in table])
        table = pd.concat([table, told], axis=1)
    table.insert(0, key, rows)
    table.attrs = {"title": _title(axes), "kinds": kinds | {key: "text"}, "units": {}}
    return table


def _years(names: list[str]) -> list[str]:
    """Months as the axis names them, each with the year that stands under the first of it."""
    year, made = "", []
    for name in names:
        month, _, own = name.partition(" ")
        year = own if own.isdigit() and len(own) == 4 else year
        made.append(f"{month} {year}" if year and len(month) == 3 else name)
    return made
