"""How good is the forecast, where, and how far ahead? An explorer over back-test and past plans.

Pick a level, one of its members, a model and how many months ahead; a sentence says what is seen,
a table compares the models, bars show the bias, a chart lays forecasts beside what was sold. The
second tab, ``past``, asks the same of the plans that past cycles made.
"""

from __future__ import annotations

from pathlib import Path

import ipywidgets as widgets
import numpy as np
import pandas as pd

from sopkit import demand_meeting, exhibits, logs, months, store
from sopkit.charts import accuracy as charts
from sopkit.demand import forecasting, hierarchy
from sopkit.demand.accuracy import EVERY_LAG, LEVELS, measured
from sopkit.explore import past

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
LOOK = """<style>
.sopkit figure { margin: 1em 0; }
.sopkit figcaption, .sopkit .note { font-weight: 600; margin: 0.5em 0; }
.sopkit table { border-collapse: collapse; }
.sopkit th, .sopkit td { padding: 0.15em 0.9em; text-align: right; font-weight: normal; }
.sopkit th:first-child, .sopkit td:first-child { text-align: left; padding-left: 0; }
.sopkit .w5 :is(th, td):nth-child(5), .sopkit :is(.t4, .w4) :is(th, td):nth-child(4) {
  text-align: left; }
.sopkit thead th { border-bottom: 1px solid; }
.sopkit .past .widget-readout { min-width: 11em; }
.sopkit .source { margin: 0.2em 0 1em; }
.sopkit img { max-width: 100%; background: white; }
</style>"""


def load(workspace: str | Path, cycle: pd.Timestamp) -> dict:
    """What the explorer shows: tables with families attached, and the back-test of every model.

    The back-test is made anew (it takes seconds), so that each model's past forecasts can be drawn.
    """
    inputs = store.inputs(workspace, "demand_review", cycle)
    items = inputs["items"]
    tests = demand_meeting.told_tests(inputs, horizon=1)
    history = store.read(workspace, "demand_history", cycle)
    history = history.assign(actual=measured(history))
    tables = {"history": history, "forecast": store.read(workspace, "forecast", cycle)}
    tables = {
        name: hierarchy.with_levels(hierarchy.in_planning_units(table, items), items)
        for name, table in tables.items()
    }
    reasons = hierarchy.with_levels(store.read(workspace, "forecast_reasons", cycle), items)
    return tables | {
        "tests": tests,
        "series": _factored(tests, items),
        "reasons": reasons,
        "currency": inputs["company"]["currency"].iloc[0],
        "accuracy": store.read(workspace, "accuracy", cycle),
        "planning_units": store.read(workspace, "planning_units", cycle),
    }


def _factored(tests: forecasting.Backtest, items: pd.DataFrame) -> pd.DataFrame:
    """The series of a back-test with their levels and planning factors."""
    keys = hierarchy.with_levels(tests.history.keys, items)
    return keys.assign(factor=hierarchy.factors(keys["item"], items))


def _past(tables: dict, level: str, member: str, model: str, lag: int) -> pd.DataFrame:
    """What a model would have said some months before, summed over a member: month, quantity."""
    tests, series = tables["tests"], tables["series"]
    chosen = _select(series.reset_index(drop=True), level, member)
    said = tests.combined
    if model != forecasting.COMBINED:
        own = tests.forecasts[list(forecasting.MODELS).index(model)]
        said = np.where(np.isfinite(own), own, tests.combined)
    said = said[:, lag, chosen.index] * chosen["factor"].to_numpy()
    rows = [
        (tests.history.months[origin + lag], np.nansum(amounts))
        for origin, amounts in zip(tests.origins, said, strict=True)
        if origin + lag < len(tests.history.months) and np.isfinite(amounts).any()
    ]
    return pd.DataFrame(rows, columns=["month", "quantity"])


def _members(tables: dict[str, pd.DataFrame], level: str) -> list[str]:
    """Members of a level, largest volume first."""
    rows = tables["accuracy"]
    rows = rows[(rows["level"] == level) & (rows["lag"] == EVERY_LAG)]
    ranked = rows[rows["model"] == forecasting.COMBINED].sort_values("volume", ascending=False)
    return ranked["member"].tolist()


def _models(tables: dict, level: str, member: str) -> list[str]:
    """Models that were judged for a member: the combination first."""
    rows = tables["accuracy"]
    rows = rows[(rows["level"] == level) & (rows["member"] == member)]
    judged = set(rows["model"])
    return [name for name in MODELS if name in judged] or [forecasting.COMBINED]


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
    history, now = (_select(tables[name], level, member) for name in ("history", "forecast"))
    distance = max(lag, 0)
    sold = history.groupby("month", as_index=False)["actual"].sum()
    now = now.groupby("month", as_index=False)["quantity"].sum()
    if model != forecasting.COMBINED:
        now = now.iloc[:0]
    chart = charts.history_with_forecast(
        sold,
        _past(tables, level, member, model, distance),
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
                "nervousness_rate": "Moved",
                "volume": "Sold",
            },
            kinds={
                "model": "text",
                "wape": "rate",
                "bias_rate": "signed_rate",
                "mase": "decimal",
                "nervousness_rate": "rate",
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
            missing="No bias by months ahead: the history is too short, or this is a single item, "
            "for which it is told of the combination and of last year's month alone.",
        ),
        logs.reasons(
            _select(tables["reasons"], level, member),
            caption=f"Why the forecast of {member} is what it is: its largest series",
            currency=tables["currency"],
            rows=3,
        ),
    ]


def _words(model: str) -> str:
    return "combination" if model == forecasting.COMBINED else forecasting.MODELS[model].words


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
    """The explorer as one widget: the models' back-test, and past plans once they are opened.

    Parameters
    ----------
    workspace : str or Path
        Folder that holds ``data/raw``.
    cycle : Timestamp
        A cycle whose demand step has been run; where it has not, the explorer says so.
    """
    kept = widgets.VBox([widgets.HTML(exhibits.note("Reading past cycles…").html)])
    try:
        models = _models_panel(workspace, cycle)
    except months.UsageError as error:
        models = widgets.VBox([widgets.HTML(exhibits.note(str(error)).html)])
    tabs = widgets.Tab([models, kept], titles=("Models", "Past plans"))

    def open_past(change: dict) -> None:
        if change["new"] == 1:
            tabs.unobserve(open_past, "selected_index")
            kept.children = [past.panel(workspace, cycle)]

    tabs.observe(open_past, "selected_index")
    box = widgets.VBox([widgets.HTML(LOOK), tabs])
    box.add_class("sopkit")
    return box


def _models_panel(workspace: str | Path, cycle: pd.Timestamp) -> widgets.VBox:
    """What each model would have said, as a widget."""
    tables = load(workspace, cycle)
    look = {"style": {"description_width": "7.5em"}, "layout": {"width": "17em"}}
    levels = [(_LEVEL_WORDS[name], name) for name in LEVELS]
    ahead = [(_EVERY_WORD, EVERY_LAG), *[(str(k), k) for k in range(forecasting.LAGS)]]
    level = widgets.Dropdown(options=levels, value="family", description="Level", **look)
    member = widgets.Dropdown(options=_members(tables, "family"), description="Group", **look)

    def models() -> list[tuple[str, str]]:
        return [(_words(name), name) for name in _models(tables, level.value, member.value)]

    model = widgets.Dropdown(options=models(), description="Model", **look)
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
        shown.value = "".join(exhibit.html for exhibit in found)

    def change_member(_change: object = None) -> None:
        chosen, judged = model.value, models()
        model.unobserve(redraw, "value")
        model.options = judged
        if chosen in [name for _, name in judged]:
            model.value = chosen
        model.observe(redraw, "value")
        redraw()

    def change_level(_change: object) -> None:
        member.unobserve(change_member, "value")
        member.options = _members(tables, level.value)
        member.observe(change_member, "value")
        change_member()

    level.observe(change_level, "value")
    member.observe(change_member, "value")
    for control in (model, lag):
        control.observe(redraw, "value")
    redraw()
    controls = widgets.HBox([level, member, model, lag], layout={"flex_flow": "row wrap"})
    return widgets.VBox([controls, shown])
