"""Would another model be nearer here, and shall it be kept? An explorer over all models.

Choose a slice of the company and a model: its forecast and its past errors stand beside the
combination's at once. *Keep this model* writes one further file; the next run forecasts with it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import ipywidgets as widgets
import numpy as np
import pandas as pd

from sopkit import demand_meeting, exhibits, methods, months, schema, store
from sopkit.charts import workshop as charts
from sopkit.demand import choices, hierarchy, models, trying
from sopkit.explore import frame, slices
from sopkit.explore.work import Work

HEADING = "Which models did people choose, and do they pay?"
_HORIZON = 18
_AHEAD = (1, 3, 6, 12)  # months ahead at which past forecasts are drawn


def load(workspace: str | Path, cycle: pd.Timestamp) -> dict:
    """What the explorer works on: every model at past origins and today, without any choice.

    Raises
    ------
    UsageError
        If the cycle has not been run.
    """
    root = store.open_workspace(workspace)
    units = store.read(root, "planning_units", cycle)
    inputs = store.inputs(root, "demand_review", cycle)
    free = inputs | {"policies": inputs["policies"].iloc[:0]}
    tests = demand_meeting.forecast_tests(free, horizon=_HORIZON)
    keys = tests.history.keys
    places = [inputs[name] for name in ("items", "locations", "channels")]
    # left: a series without a price changes no money that is known
    priced = keys.merge(inputs["money_rates"], on=schema.SERIES, how="left", validate="one_to_one")
    return {
        "tests": tests,
        "series": hierarchy.with_levels(keys, *places),
        "factor": hierarchy.factors(keys["item"], inputs["items"]).to_numpy(),
        "price": priced["unit_price_value"].to_numpy(dtype="float64"),
        "items": inputs["items"],
        "policies": inputs["policies"],
        "currency": inputs["company"]["currency"].iloc[0],
        "planning_units": units,
        "cycle": cycle,
    }


def chosen_slice(tables: dict, named: dict[str, str]) -> trying.Slice:
    """The series of some members.

    Raises
    ------
    UsageError
        If nothing was ever sold there.
    """
    own = np.flatnonzero(hierarchy.covered(named, tables["series"]))
    if not len(own):
        raise months.UsageError("Nothing was ever sold there: choose other members.")
    return trying.Slice(tables["tests"], own, tables["factor"][own], tables["price"][own])


def ranked(tables: dict, some: trying.Slice) -> pd.DataFrame:
    """Errors of all models of the panel that are for some of these series, the nearest first."""
    key = tuple(some.own)
    if tables.get("ranked", (None,))[0] != key:
        said = {methods.COMBINED: trying.combination(some)}
        for number, name in enumerate(models.MODELS):
            if np.isfinite(some.tests.ahead[number][:, some.own]).all(axis=0).any():
                said[name] = trying.known(some, name)
        tables["ranked"] = key, trying.scores(some, said)
    return tables["ranked"][1]


def sentence(
    tables: dict, some: trying.Slice, said: trying.Said, scores: pd.DataFrame, words: str
) -> str:
    """Which would have been nearer, by more than noise or not, and what choosing it changes.

    Parameters
    ----------
    tables : dict
        From ``load``.
    some, said : Slice, Said
        Series looked at, and what is tried.
    scores : DataFrame
        From ``ranked``, with a row of these ``words``.
    words : str
        What is tried is called.
    """
    score = scores.set_index("words")
    before, more, money = trying.change(some, said)
    rate = exhibits.format_amount(more / before, "signed_rate") if before > 0 else "–"
    units = exhibits.format_amount(more, "signed_quantity")
    worth = exhibits.format_amount(money, "signed_value", tables["currency"])
    moves = f"Choosing it changes the next twelve months by {units} units ({rate}), {worth}."
    count = int(score["months"].max())
    usual = models.words(methods.COMBINED)
    if not np.isfinite(score.loc[[words, usual], "wape"]).all():
        return f"No past month can be judged here. {moves}"
    own, other = (score.loc[one, "wape"] for one in (words, usual))
    both = f"{words} was off by {_percent(own)}, the combination by {_percent(other)}"
    judged = _judged(own, other, score.loc[words, "p_value"], words)
    return f"Over {count} past months {both}: {judged}. {moves}"


def _judged(own: float, other: float, p_value: float, words: str) -> str:
    if not np.isfinite(p_value):
        return "no difference can be told from noise"
    better = words if own < other else "the combination"
    sure = "more than noise" if p_value < choices.SURE else "no more than noise"
    return f"{better} would have been nearer, by {sure}"


def _percent(rate: float) -> str:
    return exhibits.format_amount(rate, "rate")


def explorer(workspace: str | Path, cycle: pd.Timestamp, keep: Callable) -> widgets.VBox:
    """The trial as one widget; only *Keep this model* writes, one further file each time.

    Parameters
    ----------
    workspace : str or Path
        Folder that holds ``data/raw``.
    cycle : Timestamp
        A cycle that has been run; where it has not, the explorer says so.
    keep : callable
        What keeps a choice: ``policies.choose_model``.
    """
    try:
        tables = load(workspace, cycle)
    except months.UsageError as error:
        return frame.missing(error)
    return _Trial(workspace, tables, keep).box


class _Trial:
    """The explorer's controls and what they show. A class, because what is tried last is kept."""

    def __init__(self, workspace: str | Path, tables: dict, keep: Callable) -> None:
        self.workspace, self.tables, self.keep = Path(workspace).resolve(), tables, keep
        self.levels = slices.lists(tables["series"], tables["items"])
        options = [(models.words(n), n) for n in (*models.MODELS, *methods.SINGLE)]
        self.model = frame.choice("Model", options, "theta")
        tip = "Parameters held at your figures; those left out are estimated"
        self.held = frame.text("Held", width="26em", tip=tip)
        self.held.placeholder = "alpha=0.2; gamma=0.1 (blank: estimated)"
        ahead = [(f"{count} month{'s' * (count > 1)} before", count - 1) for count in _AHEAD]
        self.lag = frame.choice("Past ones", ahead, tip="How long before past forecasts were made")
        self.fit = frame.button("Fit", "Fit this model to each series: takes seconds a series")
        self.author = frame.text("Your name", tip="Kept with the model")
        self.note = frame.text("Reason", width="34em", tip="Why; kept with the model")
        self.kept = frame.button("Keep this model", "The next run forecasts with it", primary=True)
        self.told, self.place = widgets.HTML(), widgets.VBox()
        self.work = Work(self.place)
        rows = [frame.row(*self.levels.values())]
        rows.append(frame.row(self.model, self.held, self.lag, self.fit))
        rows.append(frame.row(self.author, self.note, self.kept))
        self.view = frame.View(workspace, tables["cycle"], *rows)
        self.box = frame.box(self.view.controls, self.told, self.place, self.view.box)
        self.view.box.children = self.view.box.children[1:]
        for control in (*self.levels.values(), self.model, self.held):
            control.observe(self.try_it, "value")
        self.lag.observe(self.draw, "value")
        self.fit.on_click(self.fit_it)
        self.kept.on_click(self.keep_it)
        self.try_it()

    def try_it(self, _change: object = None) -> None:
        """Run a model of the panel; one of statsmodels waits for its button."""
        name, text = self.model.value, self.held.value
        is_single = name in methods.SINGLE
        self.fit.layout.display = None if is_single else "none"
        self.said = None
        try:
            if why := methods.objection(name, text):
                raise months.UsageError(why)
            self.some = chosen_slice(self.tables, slices.named(self.levels))
            if is_single:
                self.wait()
                return
            self.said = trying.of_panel(self.some, name, methods.parsed(text))
        except months.UsageError as error:
            self.view.show(str(error))
            return
        self.draw()

    def wait(self) -> None:
        """Say what fitting would take."""
        count = len(self.some.own)
        words = f"{models.words(self.model.value)} is for each of {count:,} series by itself"
        if count > methods.MOST_SINGLE:
            most = f"at most {methods.MOST_SINGLE} can be chosen. Name more levels."
            raise months.UsageError(f"{words}: {most}")
        self.view.show(f"{words}, at every past month anew: press Fit. It takes seconds a series.")

    def fit_it(self, _button: object = None) -> None:
        """Fit a model of statsmodels in a thread that can be stopped."""
        if methods.objection(self.model.value, self.held.value):
            return
        some, name = self.some, self.model.value
        parameters = methods.parsed(self.held.value)
        if len(some.own) <= methods.MOST_SINGLE:
            self.work.start(
                lambda tick: trying.of_single(some, name, parameters, tick), self.fitted
            )

    def fitted(self, said: trying.Said) -> None:
        """Show what was fitted."""
        self.said = said
        self.draw()

    def draw(self, _change: object = None) -> None:
        """Both forecasts, the past, errors of all models."""
        if self.said is None:
            return
        name, tables = self.model.value, self.tables
        words = choices.in_words(name, self.held.value)
        of, some = slices.subject(slices.named(self.levels)), self.some
        lines = trying.lines(some, self.said, lag=self.lag.value)
        scores = _with_tried(ranked(tables, some), some, self.said, name, words)
        kinds = {"wape": "rate", "bias_rate": "signed_rate", "months": "count"}
        columns = {"words": "Model", "wape": "Error", "bias_rate": "Bias", "months": "Months"}
        table = exhibits.table(
            scores,
            caption=f"Errors at past months, {of}: of series, share of what came",
            columns=columns | {"p_value": "p beside the combination"},
            kinds=kinds | {"p_value": "decimal"},
            rows=len(scores),
        )
        picture = exhibits.figure(
            charts.tried(
                lines, tables["planning_units"], subject=of, name=words, cycle=tables["cycle"]
            ),
            alt=f"Demand of {of}, forecasts of {words} and of the combination, and past ones",
            missing="Nothing was sold there in five years.",
        )
        self.view.show(
            f"{of}: {sentence(tables, some, self.said, scores, words)}{_rest(self.said)}",
            picture,
            [table],
            page=("demand_review", HEADING),
            data={"forecasts.csv": lines, "errors_by_model.csv": scores},
        )

    def keep_it(self, _button: object = None) -> None:
        """Keep the model for what is named, if it was tried and a reason is given."""
        who, why = self.author.value, self.note.value
        missing = "" if why.strip() else "Say why: the reason is missing."
        missing = missing if who.strip() else "Say who you are: your name is missing."
        missing = missing if self.said is not None else "Try the model first."
        if missing:
            self.told.value = frame.status(missing)
            return
        asked = (self.model.value, slices.named(self.levels), self.held.value)
        try:
            path = self.keep(self.workspace, self.tables["cycle"], *asked, author=who, note=why)
        except (ValueError, OSError, RuntimeError) as error:
            self.told.value = frame.status(f"Nothing was written: {error}")
            return
        file = path.relative_to(self.workspace).as_posix()
        command = f"sopkit run --cycle {months.label(self.tables['cycle'])}"
        self.told.value = frame.status(f"Kept in {file}. The next run forecasts with it: {command}")


def _rest(said: trying.Said) -> str:
    count = int(said.kept.sum())
    words = f"{count:,} of {len(said.kept):,} series have no sound forecast by it and keep the "
    return f" {words}combination." if count else ""


def _with_tried(
    scores: pd.DataFrame, some: trying.Slice, said: trying.Said, name: str, words: str
) -> pd.DataFrame:
    """The ranking with what is tried in its place."""
    own = trying.scores(some, {name: said}).assign(words=words)
    table = pd.concat([scores[scores["words"] != words], own])
    return table.sort_values("wape", kind="stable", ignore_index=True)
