"""What is chosen and written in the scenario explorer: lists, sliders, and the form that saves."""

from __future__ import annotations

import ipywidgets as widgets

from sopkit import exhibits, months, schema
from sopkit.explore import frame

RATES = [(f"{n:+d}%".replace("-", "−") if n else "as planned", n / 100) for n in range(-50, 51, 5)]
LEVELS = [("as planned", 0.0), *((f"{n:g}%", n / 100) for n in (80, 85, 90, 95, 97, 98, 99, 99.5))]
LOOK = """<style>
.sopkit .widget-hslider .widget-readout { min-width: 6em; }
.sopkit .months .widget-readout { min-width: 11.5em; }
.sopkit .column { max-height: 24em; overflow-y: auto; }
</style>"""


def saved_options(tables: dict, name: str) -> list[tuple[str, str]]:
    """Saved scenarios to choose from."""
    options = [(own.title, key) for key, own in tables["known"].items()]
    return [("the plan", ""), *options] if name == "on" else options


def _named(kind: type, word: str, *, width: str = "25em", tip: str = "", **more: object):
    """A control with its words beside it."""
    style = {"description_width": "10em"}
    return kind(description=word, layout={"width": width}, style=style, tooltip=tip or word, **more)


def _rates(names: dict[str, str], tip: str) -> dict[str, widgets.Widget]:
    """A slider of rates for each name, by its words; names are told in full in its tip."""
    return {
        name: _named(widgets.SelectionSlider, word, tip=f"{tip} {word}", options=RATES, value=0.0)
        for name, word in names.items()
    }


def _span(word: str, span: list[tuple]) -> widgets.Widget:
    """A slider of first and last month."""
    whole = (span[0][1], span[-1][1])
    kind, more = widgets.SelectionRangeSlider, {"options": span, "value": whole, "width": "29em"}
    made = _named(kind, word, **more)
    made.add_class("months")
    return made


def controls(tables: dict) -> dict[str, dict[str, widgets.Widget]]:
    """What is changed, by the fields of ``Asked``; ``rest`` holds those that are one control."""
    task, families = tables["base"]["planned"]["task"], tables["families"]
    span = [(months.label(month), month) for month in task.months]
    families = {name: name for name in families} or {schema.ALL: "all families"}
    level = {"options": LEVELS, "value": 0.0}
    saved = {name: saved_options(tables, name) for name in ("on", "beside")}
    return {
        "demand": _rates(families, "Demand for"),
        "hours": _rates({name: name for name in task.resources}, "Hours of"),
        "costs": _rates({kind: f"{kind} cost" for kind in tables["costs"]}, "Change of"),
        "rest": {
            "on": _named(widgets.Dropdown, "Stands on", options=saved["on"]),
            "beside": _named(widgets.SelectMultiple, "Beside it", options=saved["beside"], rows=4),
            "demand_months": _span("Demand in", span),
            "hours_months": _span("Hours in", span),
            "level": _named(widgets.SelectionSlider, "Service level", **level),
        },
    }


def form() -> dict[str, widgets.Widget]:
    """What is written to save a scenario."""
    kinds = [("choose", ""), ("happens to us", "outside"), ("we decide it", "choice")]

    def text(word: str, width: str = "25em") -> widgets.Widget:
        return _named(widgets.Text, word, width=width, continuous_update=False)

    return {
        "name": text("Name"),
        "statement": text("In a sentence", "50em"),
        "kind": _named(widgets.Dropdown, "It", options=kinds),
        "cost_value": _named(widgets.BoundedFloatText, "Spent once", min=0.0, max=1e12),
        "owner": text("Owner"),
        "author": text("Your name"),
    }


def rows(parts: list[widgets.Widget]) -> list[widgets.HBox]:
    """Controls in lines of three."""
    return [frame.row(*parts[first : first + 3]) for first in range(0, len(parts), 3)]


def laid_out(own: dict, buttons: list) -> list[widgets.Widget]:
    """Three columns of sliders, with what is missing said where there are none."""
    rest, missing = own["rest"], {}
    missing["hours"] = "No resources are given, so no hours can be changed: data/raw/resources.csv."
    missing["costs"] = "No costs are known: data/raw/planning_costs.csv, resources.csv, items.csv."
    columns = []
    for name, word, more in (
        ("demand", "Demand", [rest["demand_months"]]),
        ("hours", "Hours", [rest["hours_months"]]),
        ("costs", "Costs and service", [rest["level"]]),
    ):
        sliders = [*own[name].values()] or [widgets.HTML(exhibits.note(missing[name]).html)]
        inside = widgets.VBox(sliders)
        inside.add_class("column")
        columns.append(widgets.VBox([widgets.HTML(f"<b>{word}</b>"), *more, inside]))
    return [frame.row(rest["on"], rest["beside"], *buttons), frame.row(*columns)]
