"""From one amount to another, cause by cause: each bar stands on what went before."""

from __future__ import annotations

import textwrap

import numpy as np
from matplotlib.figure import Figure

from sopkit.charts import _style

_NAME_WIDTH = 34  # letters of a cause in one line: a phone shows the left edge


def waterfall(
    title: str, ends: dict[str, float], moves: list[tuple[str, float]], unit: str
) -> Figure:
    """Horizontal bars from the first end over every move to the second.

    Parameters
    ----------
    title : str
        Above the chart.
    ends : dict
        Name and amount of the first and of the last bar.
    moves : list of (str, float)
        What is between them, in the order drawn; the amounts sum to the difference of the ends.
    unit : str
        Of the axis.
    """
    (first, last), (before, after) = ends.keys(), ends.values()
    names = [textwrap.fill(_style.cut(name, 2 * _NAME_WIDTH), _NAME_WIDTH) for name, _ in moves]
    changes = [change for _, change in moves]
    figure, (axes,) = _style.panels(height=1.6 + 0.42 * (len(names) + 2))
    starts = before + np.concatenate([[0.0], np.cumsum(changes)[:-1]]) if changes else []
    place = np.arange(len(names) + 2)
    look = {"color": [_style.LAST_YEAR, _style.DEMAND], "height": 0.62, "label": "Total"}
    axes.barh([0, place[-1]], [before, after], **look)
    colours = [_style.SHORTAGE if change < 0 else _style.SURPLUS for change in changes]
    axes.barh(place[1:-1], changes, left=starts, color=colours, height=0.62, label="Change")
    every = [before, after, *starts, *(np.asarray(starts) + changes)]
    low, high = min(every), max(every)
    room = max(0.25 * (high - low), 0.01 * abs(high), 1.0)
    floor = low - room if low - room > 0.3 * high else min(0.0, low - room if low < 0 else 0.0)
    axes.set_xlim(floor, high + room)
    for row, (start, change) in enumerate(zip(starts, changes, strict=True), 1):
        rate = _style.percent(change / before, "+") if before else "0%"
        text = _style.short(change, "+") + (f" ({rate})" if rate != "0%" else "")
        _style.say(axes, text, (max(start, start + change), row), shift=(5, 0))
    for row, amount in ((0, before), (place[-1], after)):
        bold = {"shift": (5, 0), "fontweight": "bold"}
        _style.say(axes, _style.short(amount), (amount, row), **bold)
    axes.set_yticks(place, [first, *names, last], fontsize=9.5)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter(_style.tick)
    begins = f"; the axis begins at {_style.short(floor)}" if floor > 0 else ""
    axes.set_xlabel(f"{unit}{begins}")
    _style.head(figure, title)
    return figure
