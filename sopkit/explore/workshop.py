"""One series through statsmodels, beside the panel's answer: an explorer.

Choose a slice of the company, a model and its parameters; a sentence says which answer would have
been better here, charts and tables say why.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sopkit import store
from sopkit.demand import hierarchy

_LEVELS = ("family", "item", "location", "channel")
_EVERY = {
    "family": "all families",
    "item": "all items",
    "location": "all locations",
    "channel": "all channels",
}
_BEST = "best by AICc"
_ORDERS = {"p": 0, "d": 1, "q": 1, "P": 0, "D": 1, "Q": 1}
_MOST = {"p": 3, "d": 2, "q": 3, "P": 2, "D": 1, "Q": 2}


def load(workspace: str | Path, cycle: pd.Timestamp) -> dict[str, pd.DataFrame]:
    """What the explorer works on: tables of a cycle that was run, with their levels, and events.

    Raises
    ------
    UsageError
        If the cycle has not been run.
    """
    root = store.open_workspace(workspace)
    inputs = store.inputs(root, "demand_review", cycle)
    members = [inputs[name] for name in ("items", "locations", "channels")]
    tables = {}
    for name in ("demand_history", "forecast", "demand_plan", "backtest"):
        rows = hierarchy.in_planning_units(store.read(root, name, cycle), inputs["items"])
        tables[name] = hierarchy.with_levels(rows, *members)
    units = {"planning_units": store.read(root, "planning_units", cycle)}
    return tables | units | {"events": inputs["events"], "items": inputs["items"]}
