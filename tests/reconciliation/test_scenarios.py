"""What a scenario file may say: read, checked, stacked; `tests/test_broken_inputs.py` breaks it."""

from __future__ import annotations

import re

import pandas as pd
import pytest
import yaml

from sopkit import contract, schema
from sopkit.reconciliation import scenario_format, scenarios

CYCLE = pd.Timestamp("2026-01-01")
TABLES = {name: contract.empty(name) for name in scenarios.NAMED_IN}
ITEMS = pd.DataFrame({"item": ["A", "B"], "family": ["Tents", "Packs"], "category": "Outdoor"})
TABLES |= {"items": ITEMS.reindex(columns=TABLES["items"].columns)}


def content(**more) -> dict:
    """A sound file."""
    words = {"statement": "It rains", "owner": "Ada", "kind": "outside", "first_cycle": "2026-01"}
    demand = {"family": "Tents", "first_month": "2026-05", "last_month": "2026-06", "rate": -0.2}
    return words | {"changes": [{"demand": demand}]} | more


def read(cycle: pd.Timestamp = CYCLE, **files: dict) -> tuple[dict, list[str]]:
    rows = [(name, own, "") for name, own in files.items()]
    table = pd.DataFrame(rows, columns=["scenario", "content", "problem"])
    found, findings = scenarios.read_all(table, TABLES, cycle=cycle, horizon=24)
    return found, [finding.message for finding in findings]


def test_a_sound_file_is_read_with_its_months_and_amounts():
    found, odd = read(wet=content(name="Wet May", probability_rate=0.3, cost_value=50))
    wet = found["wet"]
    assert not odd and (wet.title, wet.kind, wet.owner) == ("Wet May", "outside", "Ada")
    assert (wet.probability_rate, wet.cost_value) == (0.3, 50.0)
    assert wet.changes == (
        {
            "what": "demand",
            "family": "Tents",
            "first_month": pd.Timestamp("2026-05-01"),
            "last_month": pd.Timestamp("2026-06-01"),
            "rate": -0.2,
        },
    )


def test_a_month_may_be_written_as_a_date_of_its_first_day():
    import datetime

    demand = {"family": "Tents", "first_month": datetime.date(2026, 5, 1), "rate": 0.1}
    found, odd = read(wet=content(changes=[{"demand": demand}]))
    assert not odd and found["wet"].changes[0]["first_month"] == pd.Timestamp("2026-05-01")
    odd = read(
        wet=content(changes=[{"demand": demand | {"first_month": datetime.date(2026, 5, 2)}}])
    )
    assert odd[1] == ["change 1 (demand): first_month '2026-05-02' is no month."]


def test_all_errors_of_all_files_are_collected_each_with_its_file_and_change():
    wrong = [{"demand": {"family": "Tnts", "rate": 9, "colour": "red"}}, {"price": {"rate": 0.1}}]
    table = pd.DataFrame(
        [("a", content(changes=wrong, owner=None), ""), ("b", None, "not readable")],
        columns=["scenario", "content", "problem"],
    )
    found, findings = scenarios.read_all(table, TABLES, cycle=CYCLE, horizon=24)
    assert not found and {finding.state for finding in findings} == {"breach"}
    assert [(finding.table, finding.message) for finding in findings] == [
        ("scenarios/a.yml", "owner is missing."),
        ("scenarios/a.yml", "change 1 (demand): no word 'colour'."),
        ("scenarios/a.yml", "change 1 (demand): no family 'Tnts'."),
        ("scenarios/a.yml", "change 1 (demand): rate 9 cannot be meant."),
        ("scenarios/b.yml", "not readable"),
    ]
    assert "Did you mean 'Tents'?" in findings[2].remedy


@pytest.mark.parametrize(
    ("cycle", "counts"),
    [("2025-12-01", False), ("2026-01-01", True), ("2026-06-01", True), ("2026-07-01", False)],
)
def test_a_scenario_counts_from_its_first_cycle_until_its_months_have_passed(cycle, counts):
    found, odd = read(pd.Timestamp(cycle), wet=content())
    assert ("wet" in found) == counts and not odd


def test_names_of_a_later_cycle_are_not_asked_before_it():
    later = content(first_cycle="2026-03", changes=[{"demand": {"family": "Kites", "rate": 0.1}}])
    assert read(later=later) == ({}, [])
    assert read(pd.Timestamp("2026-03-01"), later=later)[1] == [
        "change 1 (demand): no family 'Kites'."
    ]


def test_what_names_no_last_month_never_ends():
    always = content(changes=[{"demand": {"family": "Tents", "rate": 0.1}}])
    found, _ = read(pd.Timestamp("2029-01-01"), always=always)
    assert "always" in found


def test_a_stack_holds_each_scenario_once_those_below_first():
    files = {
        "wet": content(name="Wet"),
        "late": content(name="Late", stands_on=["wet"]),
        "poor": content(name="Poor", stands_on=["wet"]),
        "all": content(name="All", stands_on=["late", "poor"], changes=[]),
    }
    found, odd = read(**files)
    assert not odd
    assert [own.name for own in scenarios.stack(found, "all")] == ["wet", "late", "poor", "all"]
    assert scenarios.stack(found, "") == []


def test_below_a_scenario_stands_none_that_counts_later():
    later = content(name="Later", first_cycle="2026-02")
    assert read(wet=content(stands_on=["later"]), later=later)[1] == [
        "stands_on: later counts from 2026-02 on only."
    ]


def test_a_new_event_says_all_that_an_event_must():
    event = {"event": "Fair", "kind": "promotion", "first_month": "2026-04", "expected_rate": 0.2}
    assert not read(fair=content(changes=[{"event": event}]))[1]
    short = {name: event[name] for name in ("event", "kind")}
    assert read(fair=content(changes=[{"event": short}]))[1] == [
        "change 1 (event): no event 'Fair'."
    ]


def test_items_that_only_sales_name_are_known():
    sales = TABLES["sales"].reindex(range(1)).assign(item="00123", location="all", channel="all")
    known = scenarios.known_names(TABLES | {"sales": sales})
    assert known["item"] == ["00123", "A", "B"] and known["location"] == []


def test_the_dictionarys_example_is_sound_and_its_table_names_every_change():
    text = schema.dictionary()
    example = yaml.safe_load(re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1])
    event = TABLES["events"].reindex(range(1)).assign(event="Spring sale")
    table = pd.DataFrame({"scenario": ["wet", "weak_krona"], "problem": ""})
    table["content"] = [example, content()]
    tables = TABLES | {"events": event}
    found, findings = scenarios.read_all(table, tables, cycle=CYCLE, horizon=24)
    assert not findings and found["wet"].stands_on == ("weak_krona",)
    rows = re.findall(r"^\| (\w+) \|", text.partition("| change |")[2], re.MULTILINE)
    assert rows[: len(scenario_format.FORMS)] == [*scenario_format.FORMS]
