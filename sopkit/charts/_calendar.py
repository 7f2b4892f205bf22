"""Amounts by name and month as shaded cells with their figure, like a calendar."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.colors import Colormap
from matplotlib.figure import Figure

from sopkit import months
from sopkit.charts import _style


def calendar(
    wide: pd.DataFrame,
    title: str,
    words: Callable[[float], str],
    *,
    most: float,
    fences: months.Fences,
    least: float = 0.0,
    shades: Colormap = _style.REDS,
) -> Figure:
    """A row a name, a column a month; the edges of frozen and firm months are drawn.

    Parameters
    ----------
    wide : DataFrame
        Names down, months across, none missing.
    title : str
        Above the chart.
    words : callable
        How an amount is written.
    most, least : float
        Amount that is darkest, and amount up to which a cell stays without writing.
    fences : Fences
        Frozen and firm months.
    shades : Colormap
        From light to dark.
    """
    figure, (axes,) = _style.panels(height=1.5 + 0.38 * len(wide))
    _style.cells(axes, wide.to_numpy(), shades, most)
    for (row, column), amount in np.ndenumerate(wide.to_numpy()):
        if amount > least:
            colour = _style.writing(shades, amount / most)
            look = {"ha": "center", "va": "center", "fontsize": 9}
            axes.text(column, row, words(amount), color=colour, **look)
    axes.set_yticks(range(len(wide)), map(_style.cut, wide.index))
    names = [
        month.strftime("%b\n%Y" if k == 0 or month.month == 1 else "%b")
        for k, month in enumerate(wide)
    ]
    axes.set_xticks(range(wide.shape[1]), names)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    for name, end in fences.ends().items():
        place = int((wide.columns < end).sum())
        if 0 < place < wide.shape[1]:
            axes.axvline(place - 0.5, color=_style.INK, linewidth=0.9, linestyle=(0, (1, 2)))
            where = {"xycoords": ("data", "axes fraction"), "ha": "right", "va": "bottom"}
            look = {"fontsize": 8, "shift": (-2, 2), "colour": _style.HISTORY}
            _style.say(axes, name, (place - 0.5, 1.0), **where, **look)
    _style.head(figure, title)
    return figure
