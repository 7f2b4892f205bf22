"""One series through statsmodels, beside the panel's answer: an explorer.

Choose a slice of the company, a model and its parameters; a sentence says which answer would have
been better here, charts and tables say why. Nothing is written.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import ipywidgets as widgets
import pandas as pd

from sopkit import exhibits, months, schema, store
from sopkit.charts import workshop as charts
from sopkit.demand import hierarchy, single_models, single_series, workshop
from sopkit.explore import frame, slices
from sopkit.explore.work import Work

_BEST = "the best by AICc"
_FORMS = {  # letters of a form in words: how errors, trend and season act
    "A": "added",
    "M": "multiplied",
    "N": "none",
    "Ad": "damped",
}
_ORDERS = {"p": (1, 3), "d": (0, 2), "q": (1, 3), "P": (0, 2), "D": (1, 1), "Q": (1, 2)}
_SLIDERS = {
    "alpha": "level: weight of the last month",
    "beta": "trend: weight of the last change",
    "gamma": "season: weight of the last year",
    "phi": "share of the trend that lasts a month",
}
_LEAST_PHI = 0.8
_PAGE = ("demand_review", "Why this forecast?")
_YEAR = 12


def load(workspace: str | Path, cycle: pd.Timestamp) -> dict:
    """What the explorer works on: tables of a cycle that was run, with their levels, and events.

    Raises
    ------
    UsageError
        If the cycle has not been run.
    """
    root = store.open_workspace(workspace)
    tables = {name: store.read(root, name, cycle) for name in ("demand_plan", "planning_units")}
    inputs = store.inputs(root, "demand_review", cycle)
    members = [inputs[name] for name in ("items", "locations", "channels")]
    tables |= {name: store.read(root, name, cycle) for name in ("forecast", "backtest")}
    tables["demand_history"] = inputs["demand_history"]
    for name in ("demand_history", "forecast", "demand_plan", "backtest"):
        rows = hierarchy.in_planning_units(tables[name], inputs["items"])
        tables[name] = hierarchy.with_levels(rows, *members)
    return tables | {"events": inputs["events"], "items": inputs["items"], "cycle": cycle}


def studied(
    tables: dict, named: dict[str, str], *, has_events: bool, model: str, parameters: dict
) -> workshop.Study:
    """One slice studied; what does not depend on the model is kept in ``tables`` for the next look.

    Parameters
    ----------
    tables : dict
        From ``load``.
    named : dict
        Level → member; ``all`` or left out is every one.
    has_events : bool
        Events as regressors; else the baseline, without them.
    model, parameters
        As in ``single_models.fit``.
    """
    named = {level: member for level, member in named.items() if member != schema.ALL}
    key = (*sorted(named.items()), has_events)
    kept = tables.setdefault("kept", {})
    if key not in kept:
        own = single_series.of_slice(tables, named, has_events=has_events)
        past = workshop.rivals(own.values, own.month, events=own.events, past=own.past)
        kept[key] = own, past
    own, past = kept[key]
    return workshop.study(
        own.values,
        own.month,
        events=own.events,
        panel=own.panel,
        past=past,
        model=model,
        parameters=parameters,
    )


def sentence(found: workshop.Study, subject: str) -> str:
    """Both answers in a sentence, and which would have been nearer."""
    return f"{subject}: {_sum(found)} {workshop.comparison(found)}"


def _forecasts(tables: dict, found: workshop.Study, subject: str) -> exhibits.Exhibit:
    units, cycle = tables["planning_units"], tables["cycle"]
    return exhibits.figure(
        charts.forecasts(found, units, subject=subject, cycle=cycle),
        alt=f"Demand of {subject} by month, the model's answer and the panel's",
        missing="Nothing is known of these months.",
    )


def _parts(tables: dict, found: workshop.Study, subject: str) -> exhibits.Exhibit:
    return exhibits.figure(
        charts.parts(found, tables["planning_units"], subject=subject),
        alt=f"Trend, season and rest of {subject}",
        missing=f"Parts are told from {workshop.SHORTEST_SEASON} months on that differ.",
    )


def _correlations(_tables: dict, found: workshop.Study, subject: str) -> exhibits.Exhibit:
    return exhibits.figure(
        charts.residuals(found, subject=subject),
        alt=f"Correlations by months apart of {subject}, and of the model's errors",
        missing="Too few months for correlations.",
    )


PICTURES = {
    "Both answers": _forecasts,
    "Trend, season and rest": _parts,
    "Correlations by months apart": _correlations,
}


def tables_of(found: workshop.Study) -> list[exhibits.Exhibit]:
    """What is noted, who was nearest, parameters, and tests of what the model leaves."""
    scores = {"wape": "rate", "bias_rate": "signed_rate", "months": "count", "p_value": "decimal"}
    headings = ["WAPE", "Bias", "Months", "p of the difference to the panel"]
    nearest = exhibits.table(
        found.scores,
        caption="Whole years held out: who was nearest",
        columns={"who": "Answer"} | dict(zip(scores, headings, strict=True)),
        kinds=scores,
        missing="No year could be held out: the history is too short.",
    )
    return [*map(exhibits.note, found.notes), nearest, *_parameters(found), _tests(found)]


def _parameters(found: workshop.Study) -> list[exhibits.Exhibit]:
    if found.fit is None:
        return []
    named = {"parameter": "Parameter", "value": "Value", "lower": "From", "upper": "To"}
    aicc = exhibits.format_amount(found.fit.aicc, "exact")
    table = exhibits.table(
        found.fit.parameters,
        caption=f"Parameters of {found.fit.words}, with 80 % intervals; AICc {aicc}",
        columns=named | {"state": "How"},
        kinds=dict.fromkeys(["value", "lower", "upper"], "decimal"),
    )
    return [table]


def _tests(found: workshop.Study) -> exhibits.Exhibit:
    finding = found.tests["is_alarm"].map({True: "alarm", False: "quiet"})
    columns = {"test": "Test", "p_value": "p", "finding": "Finding", "meaning": "What it means"}
    return exhibits.table(
        found.tests.assign(finding=finding),
        caption="Tests of what the model leaves, and of the level; alarm below p = 0.05",
        columns=columns,
        kinds={"p_value": "decimal"},
        missing="Too few months for tests.",
    )


def _sum(found: workshop.Study) -> str:
    """The next twelve months of both answers, in a sentence."""
    ahead = found.ahead.head(_YEAR)
    own, panel = ahead["quantity"].sum(min_count=1), ahead["panel"].sum(min_count=1)
    panel_words = f"the panel says {exhibits.format_amount(panel, 'quantity')}"
    if found.fit is None:
        return f"Over the next {len(ahead)} months {panel_words}."
    change = exhibits.format_amount(own / panel - 1.0, "signed_rate") if panel > 0 else ""
    beside = f", {change} beside it" if change else ""
    said = f"{found.fit.words} {exhibits.format_amount(own, 'quantity')}{beside}"
    return f"Over the next {len(ahead)} months {panel_words}, {said}."


def explorer(workspace: str | Path, cycle: pd.Timestamp) -> widgets.VBox:
    """The workshop as one widget.

    Parameters
    ----------
    workspace : str or Path
        Folder that holds ``data/raw``.
    cycle : Timestamp
        A cycle whose demand step has been run; where it has not, the explorer says so.
    """
    try:
        tables = load(workspace, cycle)
    except months.UsageError as error:
        return frame.missing(error)
    return _Bench(workspace, tables).box


class _Bench:
    """The controls, the study they ask for, and what is shown of it."""

    def __init__(self, workspace: str | Path, tables: dict) -> None:
        self.tables, self.own, self.found = tables, _controls(), None
        self.question: tuple = ()  # what is studied; estimates that are shown are no part of it
        self.fitting = threading.Lock()
        self.levels = slices.lists(tables["demand_history"], tables["items"])
        own, place = self.own, widgets.VBox(layout={"min_height": "4.5em"})  # nothing below jumps
        self.smoothing = frame.row(*(own[name] for name in ("form", "is_held", *_SLIDERS)))
        self.orders = frame.row(*(own[name] for name in ("is_own", *_ORDERS)))
        self.picture = frame.choice("Picture", list(PICTURES), width="22em")
        rows = [frame.row(*self.levels.values())]
        rows.append(frame.row(own["model"], own["has_events"], self.picture))
        rows += [self.smoothing, self.orders, place]
        self.view, self.work = frame.View(workspace, tables["cycle"], *rows), Work(place)
        self.box = frame.box(self.view.box)
        self.box.work = self.work
        for control in (*self.levels.values(), *own.values()):
            control.observe(self.study, "value")
        self.picture.observe(self.draw, "value")
        self.study()

    def asked(self) -> dict:
        """Parameters held at somebody's figures."""
        own = self.own
        if own["model"].value == "ets":
            form = own["form"].value
            held = {name: own[name].value for name in _SLIDERS} if own["is_held"].value else {}
            return held | ({} if form == _BEST else {"form": form})
        if not own["is_own"].value:
            return {}
        counts = [own[name].value for name in _ORDERS]
        return {"order": tuple(counts[:3]), "seasonal_order": tuple(counts[3:])}

    def study(self, _change: object = None) -> None:
        """Fit what is chosen; a newer choice takes the place of the one under way."""
        own = self.own
        is_ets = own["model"].value == "ets"
        self.smoothing.layout.display = None if is_ets else "none"
        self.orders.layout.display = "none" if is_ets else None
        for name in _ORDERS:
            own[name].disabled = not own["is_own"].value
        how = {"has_events": own["has_events"].value, "model": own["model"].value}
        question = slices.named(self.levels), how | {"parameters": self.asked()}
        if question == self.question:
            return
        self.question, (named, how) = question, question

        def job(tick: Callable) -> tuple:
            with self.fitting:  # one study at a time: statsmodels and what is kept are shared
                tick(0.2, f"{own['model'].label} is fitted, and whole years are held out…")
                return studied(self.tables, named, **how), named

        self.work.start(job, self.show)

    def show(self, made: tuple[workshop.Study, dict]) -> None:
        """Show a study; controls that hold nothing follow what was estimated."""
        self.found, self.named = made
        _follow(self.own, self.found)
        self.draw()

    def draw(self, _change: object = None) -> None:
        """The picture that is chosen, and all tables."""
        if self.found is None:
            return
        found, subject = self.found, slices.subject(self.named)
        self.view.show(
            sentence(found, subject),
            PICTURES[self.picture.value](self.tables, found, subject),
            tables_of(found),
            _PAGE,
            {"months_ahead": found.ahead, "errors": found.scores, "tests": found.tests},
        )


def _follow(own: dict[str, widgets.Widget], found: workshop.Study) -> None:
    """Sliders and orders that are not held show what was estimated and chosen."""
    if found.fit is None:
        return
    said = found.fit.parameters.set_index("parameter")["value"]
    for name in _SLIDERS:  # a form without trend has nothing to hold there
        own[name].disabled = not own["is_held"].value or name not in said.index
    places = {} if own["is_held"].value else {n: said[n] for n in _SLIDERS if n in said.index}
    if "order" in found.fit.choice and not own["is_own"].value:
        counts = (*found.fit.choice["order"], *found.fit.choice["seasonal_order"])
        places |= dict(zip(_ORDERS, counts, strict=True))
    for name, value in places.items():
        own[name].value = round(value, 2)


def _form_words(form: str) -> str:
    error, trend, season = (_FORMS[part] for part in (form[0], form[1:-1], form[-1]))
    return f"{form}: error {error}, trend {trend}, season {season}"


def _controls() -> dict[str, widgets.Widget]:
    """What is chosen, by name."""
    models = [(words, name) for name, words in single_models.MODELS.items()]
    made = {"model": frame.choice("Model", models)}
    made["has_events"] = widgets.Checkbox(True, description="With events", indent=False)
    forms = [(_BEST, _BEST), *((_form_words(form), form) for form in single_models.FORMS)]
    made["form"] = frame.choice("Form", forms, width="30em")
    made["is_held"] = widgets.Checkbox(False, description="Hold smoothing at", indent=False)
    for name, words in _SLIDERS.items():
        made[name] = widgets.FloatSlider(
            0.9 if name == "phi" else 0.1,
            min=_LEAST_PHI if name == "phi" else 0.0,
            max=1.0,
            step=0.01,
            description=name,
            tooltip=words,
            layout={"width": "18em"},
            continuous_update=False,
            style={"description_width": "4em"},
        )
    made["is_own"] = widgets.Checkbox(False, description="Hold orders at", indent=False)
    for name, (value, most) in _ORDERS.items():
        made[name] = widgets.BoundedIntText(
            value,
            min=0,
            max=most,
            description=name,
            layout={"width": "7em"},
            style={"description_width": "2em"},
        )
    return made
