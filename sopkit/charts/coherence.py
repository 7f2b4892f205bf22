"""Charts of levels that add up: what that does to the error of each level."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from sopkit import schema
from sopkit.charts import _style


@_style.drawn
def gains(coherence: pd.DataFrame) -> Figure | None:
    """Share of its error that making levels add up removes at each level, and of all together.

    Parameters
    ----------
    coherence : DataFrame
        Table `coherence`.
    """
    rows = coherence[coherence["member"] == schema.ALL].dropna(subset="removed_share")
    if rows.empty:
        return None
    removed = rows["removed_share"].set_axis(rows["level"])
    figure = _style.bar_panels(
        removed.to_frame(),
        "Error removed by making levels add up",
        "of the error of the series added up (minus: added)",
        is_rate=True,
    )
    figure.set_figwidth(_style.NARROW)
    figure.axes[0].margins(x=0.22)  # room for amounts at both ends
    return figure
