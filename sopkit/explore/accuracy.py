"""How good is the forecast, where, and how far ahead? An explorer over one cycle's back-test.

Pick a level, one of its members, a model and how many months ahead; a sentence says what is seen,
a table compares the models, bars show the bias, a chart lays forecasts beside what was sold.
"""

from __future__ import annotations

from pathlib import Path

import ipywidgets as widgets
import pandas as pd

from sopkit import exhibits, store
from sopkit.charts import accuracy as charts
from sopkit.demand import forecasting, hierarchy
from sopkit.demand.accuracy import EVERY_LAG, LEVELS, measured

MODELS = (forecasting.COMBINED, *forecasting.MODELS)
_LEVEL_WORDS = {
    "total": "Whole company",
    "family": "Family",
    "location": "Location",
    "channel": "Channel",
    "item": "Item",
}
_EVERY_WORD = "all months ahead"
# the pages' style sheet is not there in a notebook: the least that makes a table readable
_LOOK = """<style>
.sopkit figure { margin: 1em 0; }
.sopkit figcaption, .sopkit .note { font-weight: 600; margin: 0.5em 0; }
.sopkit table { border-collapse: collapse; }
.sopkit th, .sopkit td { padding: 0.15em 0.9em; text-align: right; font-weight: normal; }
.sopkit th:first-child, .sopkit td:first-child { text-align: left; padding-left: 0; }
.sopkit thead th { border-bottom: 1px solid; }
.sopkit img { max-width: 100%; background: white; }
</style>"""


def load(workspace: str | Path, cycle: pd.Timestamp) -> dict[str, pd.DataFrame]:
    """Tables the explorer shows, with families attached: accuracy, backtest, history, forecast."""
    items = store.inputs(workspace, "product_review", cycle)["items"]
    history = store.read(workspace, "demand_history", cycle)
    history = history.assign(actual=measured(history))
    tables = {
        "backtest": store.read(workspace, "backtest", cycle),
        "history": history,
        "forecast": store.read(workspace, "forecast", cycle),
    }
    tables = {
        name: hierarchy.with_levels(hierarchy.in_planning_units(table, items), items)
        for name, table in tables.items()
    }
    return tables | {
        name: store.read(workspace, name, cycle) for name in ("accuracy", "planning_units")
    }


def _members(tables: dict[str, pd.DataFrame], level: str) -> list[str]:
    """Members of a level, largest volume first."""
    rows = tables["accuracy"]
    rows = rows[(rows["level"] == level) & (rows["lag"] == EVERY_LAG)]
    ranked = rows[rows["model"] == forecasting.COMBINED].sort_values("volume", ascending=False)
    return ranked["member"].tolist()


def view(
    tables: dict[str, pd.DataFrame],
    *,
    level: str,
    member: str,
    model: str,
    lag: int,
    cycle: pd.Timestamp,
) -> list[exhibits.Exhibit]:
    """What the explorer shows for one choice: sentence, error table, history chart, bias bars.

    Parameters
    ----------
    tables : dict of DataFrame
        From ``load``.
    level, member : str
        A level of ``accuracy.LEVELS`` and one of its members.
    model : str
        ``combined`` or a model of ``forecasting.MODELS``.
    lag : int
        Months ahead; −1 for all together.
    cycle : Timestamp
        The cycle looked at.
    """
    scores = tables["accuracy"]
    own = scores[(scores["level"] == level) & (scores["member"] == member)]
    words = f"{member}, {_words(model)}"
    ahead = _EVERY_WORD if lag == EVERY_LAG else f"{lag} months ahead"
    errors = own[own["lag"] == lag].assign(model=lambda table: table["model"].map(_words))
    past, history, now = (
        _select(tables[name], level, member) for name in ("backtest", "history", "forecast")
    )
    distance = max(lag, 0)
    past = past[past["lag"] == distance].groupby("month", as_index=False)[model].sum()
    sold = history.groupby("month", as_index=False)["actual"].sum()
    now = now.groupby("month", as_index=False)["quantity"].sum()
    if model != forecasting.COMBINED:
        now = now.iloc[:0]
    chart = charts.history_with_forecast(
        sold,
        past.rename(columns={model: "quantity"}),
        now,
        tables["planning_units"],
        subject=f"{words}, {distance} months ahead",
        cycle=cycle,
    )
    bars = charts.bias_by_lag(own[own["model"] == model], subject=words)
    return [
        exhibits.note(_sentence(own, member, model, lag, ahead)),
        exhibits.table(
            errors.sort_values("wape"),
            caption=f"Error of each model: {member}, {ahead}",
            columns={
                "model": "Model",
                "wape": "WAPE",
                "bias_rate": "Bias",
                "mase": "MASE",
                "volume": "Sold",
            },
            kinds={
                "model": "text",
                "wape": "rate",
                "bias_rate": "signed_rate",
                "mase": "decimal",
                "volume": "quantity",
            },
            source="accuracy",
            missing="Nothing was measured here: the history is too short.",
        ),
        exhibits.figure(
            chart, alt=f"Sold and forecast by month for {words}", missing="No history here."
        ),
        exhibits.figure(
            bars,
            alt=f"Bias by months ahead for {words}",
            missing="No bias was measured here: the history is too short.",
        ),
    ]


def _words(model: str) -> str:
    return model.replace("_", " ")


def _select(table: pd.DataFrame, level: str, member: str) -> pd.DataFrame:
    return table if level == "total" else table[table[level] == member]


def _sentence(own: pd.DataFrame, member: str, model: str, lag: int, ahead: str) -> str:
    """One sentence: error, bias, and who is better here."""
    rows = own[own["lag"] == lag].set_index("model")
    if model not in rows.index or pd.isna(rows.loc[model, "wape"]):
        return f"{member}: nothing was measured {ahead}."
    chosen, best = rows.loc[model], rows["wape"].idxmin()
    error = exhibits.format_amount(chosen["wape"], "rate")
    side = "too high" if chosen["bias_rate"] > 0 else "too low"
    bias = exhibits.format_amount(abs(chosen["bias_rate"]), "rate")
    least = exhibits.format_amount(rows["wape"].min(), "rate")
    rank = f"{_words(best)} is better here, at {least}"
    rank = "no other model is better here" if best == model else rank
    return f"{member}, {ahead}: {_words(model)} is off by {error}, {bias} {side}; {rank}."


def explorer(workspace: str | Path, cycle: pd.Timestamp) -> widgets.VBox:
    """The explorer as one widget; nothing it does changes a file.

    Parameters
    ----------
    workspace : str or Path
        Folder that holds ``data/raw``.
    cycle : Timestamp
        A cycle whose demand step has been run.
    """
    tables = load(workspace, cycle)
    look = {"style": {"description_width": "7.5em"}, "layout": {"width": "17em"}}
    levels = [(_LEVEL_WORDS[name], name) for name in LEVELS]
    ahead = [(_EVERY_WORD, EVERY_LAG), *[(str(k), k) for k in range(forecasting.LAGS)]]
    level = widgets.Dropdown(options=levels, value="family", description="Level", **look)
    member = widgets.Dropdown(options=_members(tables, "family"), description="Group", **look)
    models = [(_words(name), name) for name in MODELS]
    model = widgets.Dropdown(options=models, description="Model", **look)
    lag = widgets.Dropdown(options=ahead, value=3, description="Months ahead", **look)
    shown = widgets.HTML()

    def redraw(_change: object = None) -> None:
        found = view(
            tables,
            level=level.value,
            member=member.value,
            model=model.value,
            lag=lag.value,
            cycle=cycle,
        )
        shown.value = _LOOK + "".join(exhibit.html for exhibit in found)

    def change_level(_change: object) -> None:
        member.unobserve(redraw, "value")
        member.options = _members(tables, level.value)
        member.observe(redraw, "value")
        redraw()

    level.observe(change_level, "value")
    for control in (member, model, lag):
        control.observe(redraw, "value")
    redraw()
    controls = widgets.HBox([level, member, model, lag], layout={"flex_flow": "row wrap"})
    box = widgets.VBox([controls, shown])
    box.add_class("sopkit")
    return box
