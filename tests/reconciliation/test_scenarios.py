"""What a scenario file may say: read, checked, stacked; `tests/test_broken_inputs.py` breaks it."""

from __future__ import annotations

import re
from pathlib import Path

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
        "change 1 (event): not planned, since no event is known."
    ]
    events = TABLES["events"].reindex(range(1)).assign(event="Sale")
    table = pd.DataFrame({"scenario": ["fair"], "content": [content(changes=[{"event": short}])]})
    tables, table = TABLES | {"events": events}, table.assign(problem="")
    (odd,) = scenarios.read_all(table, tables, cycle=CYCLE, horizon=24)[1]
    assert (odd.state, odd.message) == ("breach", "change 1 (event): no event 'Fair'.")
    assert odd.remedy.endswith("A new one needs first_month, expected_rate.")


def test_items_that_only_sales_name_are_known():
    sales = TABLES["sales"].reindex(range(1)).assign(item="00123", location="all", channel="all")
    known = scenarios.known_names(TABLES | {"sales": sales})
    assert known["item"] == ["00123", "A", "B"] and known["location"] == []


def test_the_dictionarys_example_is_sound_and_its_table_names_every_change():
    text = schema.dictionary(scenario_format.described())
    example = yaml.safe_load(re.search(r"```yaml\n(.*?)```", text, re.DOTALL)[1])
    event = TABLES["events"].reindex(range(1)).assign(event="Tent week online")
    table = pd.DataFrame({"scenario": ["wet", "weak_krona"], "problem": ""})
    table["content"] = [example, content()]
    tables = TABLES | {"events": event}
    found, findings = scenarios.read_all(table, tables, cycle=CYCLE, horizon=24)
    assert not findings and found["wet"].stands_on == ("weak_krona",)
    rows = re.findall(r"^\| (\w+) \|", text.partition("| change |")[2], re.MULTILINE)
    assert rows[: len(scenario_format.FORMS)] == [*scenario_format.FORMS]
    words = {word for form in scenario_format.FORMS.values() for word in form.words}
    meant = re.findall(r"^\| (\w+) \|", text.partition("| word |")[2].partition("##")[0], re.M)
    assert sorted(meant) == sorted(words)


def sample_tables() -> dict:
    """The tables of the sample company that scenarios name members of."""
    raw = REPOSITORY / "data/raw"
    own = {name: pd.read_csv(raw / f"{name}.csv", dtype="str") for name in scenarios.NAMED_IN}
    return {name: table.reindex(columns=TABLES[name].columns) for name, table in own.items()}


REPOSITORY = Path(__file__).resolve().parents[2]


def test_every_example_of_a_change_and_the_readmes_are_sound_on_the_sample_company():
    tables = sample_tables()
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    (own,) = (yaml.safe_load(b) for b in re.findall(r"```yaml\n(kind:.*?)```", readme, re.DOTALL))
    contents = {"readme": own}
    for name, line in scenario_format.EXAMPLES.items():
        assert name in scenario_format.FORMS
        contents[name] = content(name=name, changes=yaml.safe_load(line))
    rows = [(name, text, "") for name, text in contents.items()]
    files = pd.DataFrame(rows, columns=["scenario", "content", "problem"])
    found, findings = scenarios.read_all(files, tables, cycle=CYCLE, horizon=24)
    assert not findings and len(found) == len(scenario_format.FORMS) + 1


def test_without_a_first_cycle_a_scenario_counts_while_the_horizon_holds_its_months():
    wet = content(first_cycle=None)
    far = ["not planned yet: its months, or what it stands on, come later."]
    for cycle, counts, said in (
        ("2024-06-01", False, far),
        ("2024-07-01", True, []),
        ("2026-06-01", True, []),
        ("2026-07-01", False, []),
    ):
        found, odd = read(pd.Timestamp(cycle), wet=wet)
        assert ("wet" in found) == counts and odd == said, cycle


def test_what_stands_on_a_later_scenario_waits_with_it():
    files = {"on": content(name="On", first_cycle=None, stands_on=["later"])}
    files["later"] = content(first_cycle="2026-03")
    assert read(**files)[0] == {}
    assert set(read(pd.Timestamp("2026-03-01"), **files)[0]) == {"on", "later"}


def test_a_member_of_a_table_that_is_not_given_is_a_notice_and_a_misspelt_one_a_breach():
    capacity = {"capacity": {"resource": "sewing", "hours": 10}}
    table = pd.DataFrame({"scenario": ["a"], "content": [content(changes=[capacity])]})
    table["problem"] = ""
    resources = TABLES["resources"].reindex(range(1)).assign(resource="sowing")
    states = []
    for tables in (TABLES, TABLES | {"resources": resources}):
        found, (finding,) = scenarios.read_all(table, tables, cycle=CYCLE, horizon=24)
        states.append((len(found), finding.state))
    assert states == [(1, "notice"), (0, "breach")]
