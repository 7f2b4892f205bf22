"""The scenario explorer: what is asked, what is told, what is saved, widgets that follow."""

from __future__ import annotations

import asyncio
import base64
import io
import re
import shutil

import ipywidgets as widgets
import numpy as np
import pandas as pd
import pytest
import yaml

from sopkit import months, steps, store, what_if
from sopkit.explore import frame, scenario_view, scenarios
from sopkit.explore.scenario_view import Asked
from sopkit.reconciliation import scenarios as files
from sopkit.supply.plans import Plan
from sopkit.supply.tasks import Task

pytestmark = pytest.mark.usefixtures("at_once")
CYCLE = pd.Timestamp("2026-01-01")
WHOLE = (CYCLE, pd.Timestamp("2027-12-01"))
TEXT = {"name": "Dry spring", "statement": "It is dry", "owner": "", "kind": "outside"}
TEXT |= {"author": "M. Keller"}


@pytest.fixture
def own(hill, tmp_path):
    """A copy of the small company that may be written to."""
    shutil.copytree(hill, tmp_path / "hill")
    return tmp_path / "hill"


@pytest.fixture(scope="module")
def tables(hill) -> dict:
    return scenarios.load(hill, CYCLE)


def told(tables: dict, **asked) -> str:
    """The sentence in words that can be typed."""
    return scenario_view.view(tables, Asked(**asked))["sentence"].replace("\u00a0", " ")


def every(box: widgets.Box) -> list[widgets.Widget]:
    """The explorer's widgets."""
    found = [box]
    for part in found:
        found += getattr(part, "children", ())
    return found


def controls(box: widgets.VBox) -> dict[str, widgets.Widget]:
    """Every control of the explorer by its words."""
    return {part.description: part for part in every(box) if getattr(part, "description", "")}


def shown(box: widgets.VBox) -> str:
    """All that is said and shown, as markup."""
    return " ".join(part.value for part in every(box) if isinstance(part, widgets.HTML))


def saved_table(box: widgets.VBox) -> pd.DataFrame:
    """The table of KPIs as it is downloaded."""
    code = re.search(r'download="what_if.csv" href="[^"]*base64,([^"]+)"', shown(box))[1]
    return pd.read_csv(io.BytesIO(base64.b64decode(code)), encoding="utf-8-sig")


# what is asked


def test_several_families_resources_and_costs_are_asked_at_once():
    asked = Asked(
        demand={"Tents": -0.2, "Packs": 0.1, "Lamps": 0.0},
        demand_months=(CYCLE, CYCLE),
        hours={"sewing": 0.1},
        hours_months=WHOLE,
        costs={"holding": 0.5},
        level=0.9,
    )
    when = {"first_month": "2026-01", "last_month": "2026-01"}
    assert scenario_view.entries(asked) == [
        {"demand": {"family": "Tents", **when, "rate": -0.2}},
        {"demand": {"family": "Packs", **when, "rate": 0.1}},
        {
            "capacity": {
                "resource": "sewing",
                "first_month": "2026-01",
                "last_month": "2027-12",
                "rate": 0.1,
            }
        },
        {"cost": {"kind": "holding", "rate": 0.5}},
        {"service_level": {"level": 0.9}},
    ]


def test_what_must_still_be_said_before_it_is_saved():
    moved = Asked(demand={"Tents": 0.1})
    for lack, words in (
        ({"name": " "}, "Give it a name."),
        ({"statement": ""}, "Say in one sentence what it is."),
        ({"author": ""}, "Say who you are"),
        ({"kind": ""}, "Say whether it happens to us"),
    ):
        assert words in scenarios.content_of(moved, TEXT | lack)[1]
    assert "move a slider first" in scenarios.content_of(Asked(), TEXT)[1]
    content, lacking = scenarios.content_of(moved, TEXT)
    assert not lacking and content["owner"] == "M. Keller" and content["kind"] == "outside"


# what is told


def test_as_planned_and_a_change_are_told_in_one_sentence(tables):
    assert re.fullmatch(
        r"As planned, contribution is [\d,]+ k EUR, [\d,]+ units are late; items that run late: "
        r"\d\.",
        told(tables),
    )
    words = told(tables, demand={"Tents": 0.3}, demand_months=WHOLE, hours={"sewing": -0.2})
    assert words.startswith(
        "With 30% more demand for Tents in 2026-01 to 2027-12 and 20% fewer hours of sewing, "
    )
    assert "of contribution are" in words and "hours of overtime" in words


def test_the_kpis_are_those_of_the_batch_and_costs_add_up(tables):
    asked = Asked(demand={"Tents": 0.3}, demand_months=WHOLE)
    entries = files.as_changes(scenario_view.entries(asked))
    batch = what_if.answer(tables["base"], entries)["kpis"].set_index("kpi")["amount"]
    table = scenario_view.compared(
        tables["base"]["planned"]["kpis"], scenario_view.answer(tables, asked)["kpis"]
    ).set_index("kpi")
    assert (table["after"] == batch[table.index]).all()
    assert np.allclose(table["after"] - table["before"], table["difference"])


def test_a_change_that_cannot_be_planned_says_why_and_stands_alone(tables):
    known = {"poor": files.Scenario("poor", "Poor", "", "", "outside", CYCLE, (), TOO_MUCH)}
    told = scenario_view.view(tables | {"known": known}, Asked(on="poor"))
    assert set(told) == {"sentence"}
    assert "With “Poor” there is no plan: “9,000 units a month less" in told["sentence"]


TOO_MUCH = ({"what": "demand", "family": "Tents", "quantity": -9000.0},)


def test_saved_scenarios_stand_in_further_columns_and_names_are_escaped(tables):
    change = ({"what": "demand", "family": "Tents", "rate": 0.1},)
    name = "<script>alert(1)</script>"
    known = {"x": files.Scenario("x", name, "", "", "outside", CYCLE, (), change)}
    found = scenario_view.view(tables | {"known": known}, Asked(on="x"), ("x",))
    page = "".join(part.html for part in found["tables"]) + frame.status(found["sentence"])
    assert "<script>" not in page and page.count("&lt;script&gt;") >= 2


def test_what_is_shown_is_downloaded_with_all_its_figures(tables):
    data = scenario_view.view(tables, Asked(demand={"Tents": 0.3}))["data"]
    whole = data["what_if"].set_index("kpi")
    assert list(whole)[:5] == ["what", "unit", "before", "after", "difference"]
    revenue = whole.loc["revenue_value"]
    assert revenue["after"] - revenue["before"] == pytest.approx(revenue["difference"])
    assert whole["change"].eq("30% more demand for Tents").all()
    assert {"what_supply_costs", "load_and_stock_by_month"} <= data.keys()


def test_load_and_stock_by_month_are_those_before_and_after():
    two = Task(
        demand=[[10, 4], [10, 4], [10, 4]],
        months=months.span(CYCLE, 3),
        resources=["press", "oven"],
        hours=[[1, 0], [0, 1]],
        regular_hours=[[20, 10], [20, 10], [20, 10]],
        opening=[0, 6],
        backlog_cost=[[3, 3], [3, 3], [3, 3]],
    )
    before, after = Plan(made=[[10, 0], [10, 2], [10, 4]]), Plan(made=[[8, 0], [12, 2], [10, 4]])
    table, resource = scenario_view.by_month((two, before), (two, after), np.array([1.0, 0.0]))
    assert resource == "press"  # 10 of 20 hours beside 4 of 10
    assert table["load_hours_before"].tolist() == [10, 10, 10]
    assert table["load_hours"].tolist() == [8, 12, 10]
    assert table["owed"].tolist() == [-2, 0, 0] and table["owed_before"].tolist() == [0, 0, 0]
    second, _ = scenario_view.by_month((two, before), (two, after), np.array([0.0, 1.0]), "oven")
    assert second["stock"].tolist() == [2, 0, 0] and second["regular_hours"].tolist() == [10] * 3


# what is saved


def test_a_saved_scenario_is_run_by_the_batch_with_the_figures_of_the_screen(own):
    box = scenarios.explorer(own, CYCLE)
    by = controls(box)
    by["Tents"].value, by["Packs"].value, by["sewing"].value = 0.3, -0.1, 0.2
    by["holding cost"].value, by["Service level"].value = 0.5, 0.9
    by["Spent once"].value = 250.0
    screen = saved_table(box).set_index("kpi")["after"]
    for word, text in (("Name", "Dry <b>spring</b>"), ("In a sentence", "It is dry")):
        by[word].value = text
    by["Your name"].value, by["It"].value = "M. Keller", "outside"
    by["Save as a scenario"].click()
    path = own / "data/raw/scenarios/dry-b-spring-b.yml"
    assert "Written to data/raw/scenarios/dry-b-spring-b.yml" in shown(box)
    content = yaml.safe_load(path.read_text())
    assert content["author"] == "M. Keller" and content["first_cycle"] == "2026-01"
    assert content["entered_at"].endswith("Z") and content["cost_value"] == 250
    assert ("Dry <b>spring</b>", path.stem) in by["Stands on"].options
    assert store.check(own, CYCLE)["state"].ne("breach").all()
    results = steps.reconciliation(store.inputs(own, "reconciliation", CYCLE), cycle=CYCLE)
    batch = results["scenarios"].query("scenario == 'dry-b-spring-b'").set_index("kpi")["amount"]
    assert len(screen) >= 10
    for kpi, amount in screen.items():
        assert batch[kpi] == pytest.approx(amount, rel=1e-12), kpi


def test_nothing_is_overwritten_and_what_is_not_sound_is_not_written(own):
    changes = [{"demand": {"family": "Tents", "rate": 0.1}}]
    content = {"name": "Dry", "statement": "S", "owner": "O", "kind": "outside"}
    content["changes"] = changes
    path = store.add_scenario(own, content, cycle=CYCLE, author="Ada")
    before = path.read_bytes()
    with pytest.raises(months.UsageError, match="scenarios/dry.yml is there already. Choose"):
        store.add_scenario(own, content | {"owner": "P"}, cycle=CYCLE, author="Ben")
    with pytest.raises(months.UsageError, match="no family 'Tnts'. Did you mean 'Tents'"):
        wrong = {"name": "Wet", "changes": [{"demand": {"family": "Tnts", "rate": 0.1}}]}
        store.add_scenario(own, content | wrong, cycle=CYCLE, author="Ada")
    with pytest.raises(months.UsageError, match="is no name"):
        store.add_scenario(own, content | {"name": "../"}, cycle=CYCLE, author="Ada")
    assert [file.name for file in path.parent.iterdir()] == ["dry.yml"]
    assert path.read_bytes() == before


def test_a_scenario_stands_on_a_saved_one(own):
    content = {"name": "Dry", "statement": "S", "owner": "O", "kind": "outside"}
    demand = [{"demand": {"family": "Tents", "rate": 0.1}}]
    store.add_scenario(own, content | {"changes": demand}, cycle=CYCLE, author="Ada")
    box = scenarios.explorer(own, CYCLE)
    by = controls(box)
    by["Stands on"].value = "dry"
    by["Beside it"].value = ("dry",)
    assert "With “Dry”, " in shown(box)
    by["Packs"].value = 0.1
    assert "With “Dry” and 10% more demand for Packs" in shown(box)
    for word, text in (("Name", "Both"), ("In a sentence", "All"), ("Your name", "Ben")):
        by[word].value = text
    by["It"].value = "outside"
    by["Save as a scenario"].click()
    saved = yaml.safe_load((own / "data/raw/scenarios/both.yml").read_text())
    assert saved["stands_on"] == ["dry"] and len(saved["changes"]) == 1


# the widget


def test_the_last_position_of_a_slider_wins():
    calls = []

    async def drag() -> None:
        later = scenarios.soon(lambda: calls.append(len(calls)))
        for _ in range(5):
            later()
        assert calls == []
        await asyncio.sleep(3 * scenarios._SECONDS)

    asyncio.run(drag())
    assert calls == [0]
    scenarios.soon(lambda: calls.append("now"))()  # outside a kernel: at once
    assert calls == [0, "now"]


def test_moving_a_control_changes_what_is_shown_and_reset_puts_it_back(hill):
    box = scenarios.explorer(hill, CYCLE)
    by, first = controls(box), shown(box)
    seen = {first}
    for word, value in (
        ("Tents", 0.3),
        ("Demand in", (CYCLE, pd.Timestamp("2026-06-01"))),
        ("sewing", -0.2),
        ("Hours in", (CYCLE, pd.Timestamp("2026-03-01"))),
        ("holding cost", 0.5),
        ("Service level", 0.99),
    ):
        by[word].value = value
        seen.add(shown(box))
    assert len(seen) == 7 and all(control.description for control in by.values())
    by["Reset"].click()
    assert shown(box) == first and by["Tents"].value == 0.0
    by["Packs"].value = -0.3  # still watched
    assert shown(box) != first


def test_a_newer_question_replaces_the_one_under_way_and_stop_leaves_what_is_shown(
    tables, hill, monkeypatch
):
    monkeypatch.undo()  # real threads
    room = scenarios._Room(hill, CYCLE, tables)
    room.work.wait()
    first, slider = shown(room.view.box), controls(room.box)["Tents"]
    with room.planning:  # as if the solver were at work
        slider.value = 0.3
        older = room.work._thread
        slider.value = 0.5
    older.join(60)
    room.work.wait()
    assert "50% more demand" in shown(room.view.box)
    assert "30% more demand" not in shown(room.view.box)
    second = room.view.sentence.value
    with room.planning:
        slider.value = -0.3
        room.work.stop()
    room.work.wait()
    assert room.view.sentence.value == second and "Stopped" in shown(room.view.box)
    assert first != shown(room.view.box)


def test_a_workspace_whose_cycle_was_not_run_says_so(sales_only):
    box = scenarios.explorer(sales_only, CYCLE)
    assert "has not been made yet. Run the step" in shown(box)
    assert "is no workspace" in shown(scenarios.explorer(sales_only.parent, CYCLE))


@pytest.mark.slow
def test_sales_alone_can_be_explored(sales_only, computed):
    computed(sales_only, CYCLE)
    box = scenarios.explorer(sales_only, CYCLE)
    by = controls(box)
    assert "nothing has a price" in shown(box) and "<img" in shown(box)
    assert "data/raw/resources.csv" in shown(box) and "No costs are known" in shown(box)
    by["all families"].value = 0.3
    assert "30% more demand for everything" in shown(box)


@pytest.mark.slow
def test_the_sample_is_explored_and_its_scenarios_stand_beside(sample_workspace):
    box = scenarios.explorer(sample_workspace, CYCLE)
    by = controls(box)
    assert {title for title, _ in by["Beside it"].options} >= {"Wet May", "Second sewing shift"}
    by["Beside it"].value = ("second_shift", "wet_may")
    assert "Second sewing shift" in shown(box) and "Wet May" in shown(box)
