"""One series through statsmodels, beside the panel's answer: an explorer.

Choose a slice of the company, a model and its parameters; a sentence says which answer would have
been better here, charts and tables say why. Nothing is written.
"""

from __future__ import annotations

from pathlib import Path

import ipywidgets as widgets
import pandas as pd

from sopkit import exhibits, months, schema, store
from sopkit.charts import workshop as charts
from sopkit.demand import hierarchy, single_models, single_series, workshop
from sopkit.explore.frame import LOOK

_EVERY = {
    "family": "all families",
    "item": "all items",
    "location": "all locations",
    "channel": "all channels",
}
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


def answers(tables: dict, found: workshop.Study, *, subject: str) -> list[exhibits.Exhibit]:
    """What the first tab shows of a study: sentences, both answers, who was nearest, parameters.

    Parameters
    ----------
    tables : dict
        From ``load``.
    found : Study
        From ``studied``.
    subject : str
        What is looked at, in words.
    """
    units, cycle = tables["planning_units"], tables["cycle"]
    scores = {"wape": "rate", "bias_rate": "signed_rate", "months": "count", "p_value": "decimal"}
    headings = ["WAPE", "Bias", "Months", "p of the difference to the panel"]
    shown = [
        exhibits.note(f"{subject}: {_sum(found)} {workshop.comparison(found)}"),
        *(exhibits.note(text) for text in found.notes),
        exhibits.figure(
            charts.forecasts(found, units, subject=subject, cycle=cycle),
            alt=f"Demand of {subject} by month, the model's answer and the panel's",
            missing="Nothing is known of these months.",
        ),
        exhibits.table(
            found.scores,
            caption="Whole years held out: who was nearest",
            columns={"who": "Answer"} | dict(zip(scores, headings, strict=True)),
            kinds=scores,
            missing="No year could be held out: the history is too short.",
        ),
    ]
    if found.fit is None:
        return shown
    named = {"parameter": "Parameter", "value": "Value", "lower": "From", "upper": "To"}
    aicc = exhibits.format_amount(found.fit.aicc, "exact")
    return shown + [
        exhibits.table(
            found.fit.parameters,
            caption=f"Parameters of {found.fit.words}, with 80 % intervals; AICc {aicc}",
            columns=named | {"state": "How"},
            kinds=dict.fromkeys(["value", "lower", "upper"], "decimal"),
        )
    ]


def beneath(tables: dict, found: workshop.Study, *, subject: str) -> list[exhibits.Exhibit]:
    """What the second tab shows of a study: parts, correlations, tests of what is left.

    Parameters
    ----------
    tables, found, subject
        As in ``answers``.
    """
    finding = found.tests["is_alarm"].map({True: "alarm", False: "quiet"})
    columns = {"test": "Test", "p_value": "p", "finding": "Finding", "meaning": "What it means"}
    return [
        exhibits.figure(
            charts.parts(found, tables["planning_units"], subject=subject),
            alt=f"Trend, season and rest of {subject}",
            missing=f"Parts are told from {workshop.SHORTEST_SEASON} months on that differ.",
        ),
        exhibits.figure(
            charts.residuals(found, subject=subject),
            alt=f"Correlations by months apart of {subject}, and of the model's errors",
            missing="Too few months for correlations.",
        ),
        exhibits.table(
            found.tests.assign(finding=finding),
            caption="Tests of what the model leaves, and of the level; alarm below p = 0.05",
            columns=columns,
            kinds={"p_value": "decimal"},
            missing="Too few months for tests.",
        ),
    ]


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
        return widgets.VBox([widgets.HTML(LOOK + exhibits.note(str(error)).html)])
    own = _controls(tables)
    smoothing = widgets.HBox([own[name] for name in ("form", "is_held", *_SLIDERS)])
    orders = widgets.HBox([own[name] for name in ("is_own", *_ORDERS)])
    shown = {answers: widgets.HTML(), beneath: widgets.HTML()}
    tabs = widgets.Tab(list(shown.values()), titles=("Answers", "What lies beneath"))

    def asked() -> dict:
        if own["model"].value == "ets":
            form = own["form"].value
            held = {name: own[name].value for name in _SLIDERS} if own["is_held"].value else {}
            return held | ({} if form == _BEST else {"form": form})
        if not own["is_own"].value:
            return {}
        counts = [own[name].value for name in _ORDERS]
        return {"order": tuple(counts[:3]), "seasonal_order": tuple(counts[3:])}

    def redraw(_change: object = None) -> None:
        is_ets = own["model"].value == "ets"
        smoothing.layout.display = "flex" if is_ets else "none"
        orders.layout.display = "none" if is_ets else "flex"
        for name in _ORDERS:
            own[name].disabled = not own["is_own"].value
        named = {level: own[level].value for level in _EVERY}
        choice = {"has_events": own["has_events"].value, "model": own["model"].value}
        try:
            found = studied(tables, named, parameters=asked(), **choice)
        except months.UsageError as error:
            for place in shown.values():
                place.value = LOOK + exhibits.note(str(error)).html
            return
        _follow(own, found, redraw)
        told = list(shown)[tabs.selected_index]  # only what is seen is drawn
        parts = told(tables, found, subject=_subject(own))
        shown[told].value = LOOK + "".join(part.html for part in parts)

    def narrow(_change: object) -> None:
        own["item"].unobserve(redraw, "value")
        own["item"].options = _items(tables, own["family"].value)
        own["item"].observe(redraw, "value")
        redraw()

    own["family"].observe(narrow, "value")
    for name, control in own.items():
        if name != "family":
            control.observe(redraw, "value")
    tabs.observe(redraw, "selected_index")
    redraw()
    rows = [widgets.HBox([own[name] for name in _EVERY])]
    rows += [widgets.HBox([own["model"], own["has_events"]]), smoothing, orders]
    for row in rows:
        row.layout.flex_flow = "row wrap"
    box = widgets.VBox([*rows, tabs])
    box.add_class("sopkit")
    return box


def _follow(own: dict[str, widgets.Widget], found: workshop.Study, redraw) -> None:
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
        own[name].unobserve(redraw, "value")
        own[name].value = round(value, 2)
        own[name].observe(redraw, "value")


def _subject(own: dict[str, widgets.Widget]) -> str:
    """``Tents, South, Retail``; the company where nothing is named."""
    named = [own[level].label for level in _EVERY if own[level].value != schema.ALL]
    return ", ".join(named) or schema.COMPANY_LABEL


def _items(tables: dict, family: str) -> list[tuple[str, str]]:
    """Items of a family that were sold, largest first."""
    rows = tables["demand_history"]
    rows = rows if family == schema.ALL else rows[rows["family"] == family]
    ranked = rows.groupby("item")["demand"].sum().sort_values(ascending=False, kind="stable")
    items = pd.Series(ranked.index, index=ranked.index)
    names = schema.lookup(items, tables["items"], "description")
    words = [item if pd.isna(name) else f"{item} {name}" for item, name in names.items()]
    return [(_EVERY["item"], schema.ALL), *zip(words, ranked.index, strict=True)]


def _form_words(form: str) -> str:
    error, trend, season = (_FORMS[part] for part in (form[0], form[1:-1], form[-1]))
    return f"{form}: error {error}, trend {trend}, season {season}"


def _controls(tables: dict) -> dict[str, widgets.Widget]:
    """What is chosen, by name."""
    look = {"style": {"description_width": "6em"}}
    history, made = tables["demand_history"], {}
    for level, word in _EVERY.items():
        known = sorted(set(history[level]) - {schema.ALL})
        options = [(word, schema.ALL), *((member, member) for member in known)]
        options = _items(tables, schema.ALL) if level == "item" else options
        made[level] = widgets.Dropdown(
            options=options, description=level.capitalize(), layout={"width": "17em"}, **look
        )
    models = [(words, name) for name, words in single_models.MODELS.items()]
    made["model"] = widgets.Dropdown(options=models, description="Model", **look)
    made["has_events"] = widgets.Checkbox(True, description="With events", indent=False)
    forms = [(_BEST, _BEST), *((_form_words(form), form) for form in single_models.FORMS)]
    wide = {"layout": {"width": "30em"}}
    made["form"] = widgets.Dropdown(options=forms, description="Form", **wide, **look)
    made["is_held"] = widgets.Checkbox(False, description="Hold smoothing at", indent=False)
    for name, words in _SLIDERS.items():
        made[name] = widgets.FloatSlider(
            0.9 if name == "phi" else 0.1,
            min=_LEAST_PHI if name == "phi" else 0.0,
            max=1.0,
            step=0.01,
            description=name,
            tooltip=words,
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
