"""Charts of levels that add up: what that does to the error of each level."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from sopkit import schema
from sopkit.charts import _style


@_style.drawn
def gains(coherence: pd.DataFrame) -> Figure | None:
    """Error that making levels add up removes at each level, and of all levels together.

    Parameters
    ----------
    coherence : DataFrame
        Table `coherence`.
    """
    rows = coherence[coherence["member"] == schema.ALL].dropna(subset="gain_rate")
    if rows.empty:
        return None
    return _style.bar_panels(
        rows.set_index("level")[["gain_rate"]],
        "Error removed by making levels add up, percent of what came",
        "Error of the series added up, less that of coherent forecasts",
        is_rate=True,
    )
