"""The override grid: what a change does before it is kept, who says so, and taking it back."""

from __future__ import annotations

import re
from pathlib import Path

import ipywidgets as widgets
import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months, schema, steps, store
from sopkit.explore import override_plan, override_words, overrides

pytestmark = pytest.mark.usefixtures("at_once")
CYCLE = pd.Timestamp("2026-01-01")
FEBRUARY = pd.Timestamp("2026-02-01")
SPAN = months.span(CYCLE, 3)


def raw(name: str, **columns: object) -> pd.DataFrame:
    """A raw table, typed as if it had been read."""
    return contract.check_table(name, pd.DataFrame(columns), contract.Source(name)).frame


@pytest.fixture
def inputs() -> dict:
    """T1 in two channels, S1 in one: 30, 10 and 20 units in each of three months, at 10 each.

    A unit of T1 takes two hours of sewing, a month before it is due; there are 100 a month.
    """
    rows = [("T1", "Shop", 30.0), ("T1", "Web", 10.0), ("S1", "Shop", 20.0)]
    plan = pd.DataFrame(rows, columns=["item", "channel", "statistical"]).assign(location="North")
    plan = plan.merge(pd.DataFrame({"month": SPAN}), how="cross")
    plan = plan.assign(events=0.0, departments=0.0, overrides=0.0, consensus=plan["statistical"])
    rates = plan[schema.SERIES].drop_duplicates().assign(unit_price_value=10.0)
    company = pd.DataFrame({"currency": ["EUR"], "planning_unit": ["units"], "frozen_months": [{}]})
    ledger = plan.iloc[:0].assign(cycle=CYCLE, origin="run")
    past = pd.DataFrame(columns=["kind", "subject", "becomes", "cycle"], dtype="object")
    tables = {name: contract.empty(name) for name in schema.RAW} | {
        "company": company,
        "demand_plan": plan,
        "money_rates": rates,
        "planning_units": pd.DataFrame({"planning_unit": ["units"]}),
        "ledger_demand_plan": ledger,
        "ledger_restatements": past,
        "restatements": past,
    }
    tables["items"] = raw("items", item=["T1", "S1"], family=["Tents", "Stoves"])
    tables["locations"] = raw("locations", location=["North"], region=["Alps"])
    tables["channels"] = raw("channels", channel=["Shop", "Web"], segment=["Trade", "Direct"])
    tables["resources"] = raw("resources", resource=["sewing"], regular_hours=["100"])
    tables["routings"] = raw(
        "routings", item=["T1"], resource=["sewing"], hours_per_unit=["2"], offset_months=["1"]
    )
    return tables


@pytest.fixture
def tables(inputs) -> dict:
    return override_plan.prepared(inputs, cycle=CYCLE)


def change(tables, kind="set", amount=60.0, month=FEBRUARY, author="Keller", **levels):
    is_locked, expires = levels.pop("is_locked", False), levels.pop("expires", "")
    made = override_plan.row(tables, kind, amount, month, **levels)
    return override_plan.signed(made, author, "a new shop", is_locked=is_locked, expires=expires)


def told(tables, *rows) -> list[str]:
    words = override_words.sentences(tables, override_plan.preview(tables, pd.concat(rows)))
    return [text.replace("\u00a0", " ") for text in words]


# frozen months, and overrides that were refused


def test_a_frozen_cell_is_known_and_its_change_refused(inputs):
    inputs["company"]["frozen_months"] = [{"Tents": 2}]
    tables = override_plan.prepared(inputs, cycle=CYCLE)
    frozen = override_plan.frozen_until(tables, {"channel": schema.ALL})
    assert frozen == {("Tents", CYCLE): "2026-03", ("Tents", FEBRUARY): "2026-03"}
    assert "left as it is: 2026-02 is frozen" in told(tables, change(tables, family="Tents"))[0]
    whole = told(tables, change(tables, amount=80.0))
    assert any("are frozen in 2026-02 and stayed" in line for line in whole)
    assert override_plan.frozen_until(tables, {"channel": "Web"}).keys() >= {("Company", CYCLE)}


def test_a_refused_override_is_not_among_those_that_count(tables):
    kept = change(tables, item="T9")
    tables = override_plan.with_kept(tables, pd.concat([kept, change(tables, item="T1")]))
    nothing = override_plan.preview(tables, tables["overrides"].iloc[:0])
    words = override_words.view(tables, nothing, [])["sentence"]
    assert "overrides that count: 1; refused: 1" in words


# the plan and its changes


def test_the_grid_shows_the_company_its_families_and_what_it_is_narrowed_to(tables):
    table = override_plan.grid(tables, tables["value"], {})
    assert table.index.tolist() == ["Company", "Stoves", "Tents"]
    assert table[FEBRUARY].tolist() == [60, 20, 40]
    narrowed = override_plan.grid(tables, tables["value"], {"channel": "Web", "region": "all"})
    assert narrowed[FEBRUARY].to_dict() == {"Company": 10, "Tents": 10}


def test_a_change_goes_to_series_in_proportion_and_is_told_in_units_money_and_hours(tables):
    rows = change(tables, family="Tents")
    seen = override_plan.preview(tables, rows)
    assert seen["series"][["channel", "before", "after"]].to_numpy().tolist() == [
        ["Shop", 30, 45],
        ["Web", 10, 15],
    ]
    (line,) = seen["hours"].to_dict("records")
    assert (line["month"], line["before"], line["after"]) == (CYCLE, 80, 120)
    assert told(tables, rows) == [
        "Tents in 2026-02: 40 → 60 units (+20, +200 EUR), spread over 2 series; "
        "sewing goes from 80% to 120% of its regular hours in 2026-01, more than overtime can give."
    ]


def test_hours_are_added_to_the_load_of_the_supply_plan_where_there_is_one(inputs):
    load = pd.DataFrame({"resource": "sewing", "month": SPAN, "load_hours": [50.0, 60.0, 70.0]})
    load = load.assign(regular_hours=100.0, overtime_hours=0.0)
    tables = override_plan.prepared(inputs, load, cycle=CYCLE)
    seen = override_plan.preview(tables, change(tables, "scale", 0.5, family="Tents"))
    assert seen["hours"][["before", "after"]].to_numpy().tolist() == [[50, 10]]


def test_level_and_kind_of_a_change_are_those_that_were_chosen(tables):
    assert told(tables, change(tables, "add", 5, channel="Web", region="Alps"))[0].startswith(
        "Alps, Web in 2026-02: 10 → 15 units (+5, +50 EUR), spread over 1 series"
    )
    assert told(tables, change(tables, "scale", 1.5))[0].startswith(
        "The whole company in 2026-02: 60 → 90 units (+30, +300 EUR), spread over 3 series"
    )


def test_several_changes_are_told_one_by_one_and_together(tables):
    words = told(tables, change(tables, family="Tents"), change(tables, amount=10, family="Stoves"))
    assert words[0].endswith("spread over 2 series.")
    assert words[1] == "Stoves in 2026-02: 20 → 10 units (−10, −100 EUR), spread over 1 series."
    assert words[2].startswith("All 2 changes together: +10 units, +100 EUR; sewing goes from")


def test_what_is_kept_under_a_lock_stays_and_is_named(tables):
    locked = change(
        tables, amount=50, author="Lund", family="Tents", channel="Shop", is_locked=True
    )
    tables = override_plan.with_kept(tables, locked)
    words = told(tables, change(tables, amount=80, family="Tents"))
    assert words[0].startswith("Tents in 2026-02: 60 → 80 units (+20, +200 EUR), spread over 1")
    assert words[1].startswith("Note: 1 of 2 series are locked by Lund's set of family Tents")


def test_an_override_that_a_new_lock_stops_is_named(tables):
    tables = override_plan.with_kept(tables, change(tables, author="Lund", family="Tents"))
    words = told(tables, change(tables, amount=80, family="Tents", is_locked=True))
    assert words[-1] == (
        "Lund's set of family Tents in 2026-02: locked by Keller's set of family Tents in 2026-02: "
        "its author can lift the lock by a later row, or take this back."
    )


def test_a_refused_change_says_why_and_moves_nothing(tables):
    tables = override_plan.with_kept(tables, change(tables, family="Tents", is_locked=True))
    rows = change(tables, amount=10, author="Lund", family="Tents")
    seen = override_plan.preview(tables, rows)
    assert seen["series"].empty and seen["changes"]["state"].tolist() == ["refused"]
    assert told(tables, rows) == [
        "Tents in 2026-02 is left as it is: locked by Keller's set of family Tents in 2026-02: "
        "its author can lift the lock by a later row, or take this back."
    ]


def test_the_same_author_replaces_their_earlier_word(tables):
    tables = override_plan.with_kept(tables, change(tables, amount=50, family="Tents"))
    words = told(tables, change(tables, "add", 5, family="Tents"))
    assert words[0].startswith("Tents in 2026-02: 50 → 45 units (−5, −50 EUR)")
    assert words[1] == "Keller's set of family Tents in 2026-02: replaced by the new one."


# where inputs are missing


def test_without_prices_there_are_units_only(inputs):
    inputs["money_rates"] = inputs["money_rates"].assign(unit_price_value=np.nan)
    tables = override_plan.prepared(inputs, cycle=CYCLE)
    assert (
        "40 → 60 units (+20), spread over 2 series"
        in told(tables, change(tables, family="Tents"))[0]
    )


def test_without_resources_no_hours_are_told_and_the_table_says_so(inputs):
    inputs |= {name: contract.empty(name) for name in ("resources", "routings")}
    tables = override_plan.prepared(inputs, cycle=CYCLE)
    rows = change(tables, family="Tents")
    assert told(tables, rows)[0].endswith("spread over 2 series.")
    shown = override_words.view(tables, override_plan.preview(tables, rows), [])
    assert "No resources are given" in shown["tables"][-1].html


def test_without_families_the_company_alone_can_be_changed(inputs):
    inputs["items"] = contract.empty("items")
    tables = override_plan.prepared(inputs, cycle=CYCLE)
    assert override_plan.grid(tables, tables["value"], {}).index.tolist() == ["Company"]
    seen = override_plan.preview(tables, tables["overrides"])
    assert "No item has a family" in override_words.view(tables, seen, [])["sentence"]


def test_an_empty_plan_is_refused_in_words(inputs):
    inputs["demand_plan"] = inputs["demand_plan"].iloc[:0]
    with pytest.raises(months.UsageError, match="no demand plan"):
        override_plan.prepared(inputs, cycle=CYCLE)


# who, why, and back


def test_a_change_needs_a_reason_and_a_name(tables):
    rows = change(tables)
    assert "Nothing is changed" in overrides.lacking(rows.iloc[:0], "Keller", "competitor", "")
    assert "Say why" in overrides.lacking(rows, "Keller", "", "")
    assert "Say why" in overrides.lacking(rows, "Keller", "other", " ")
    assert "Say who" in overrides.lacking(rows, " ", "other", "a new shop")
    assert overrides.lacking(rows, "Keller", "other", "a new shop") == ""
    assert overrides.lacking(rows, "Keller", "", "a new shop") == ""


def test_taking_back_puts_the_plan_where_it_was(tables):
    first, second = change(tables, amount=50, family="Tents"), change(tables, family="Tents")
    once = override_plan.with_kept(tables, first)
    twice = override_plan.with_kept(once, second)
    assert twice["value"].sum() == tables["value"].sum() + 20
    back = override_plan.with_kept(twice, override_plan.taken_back(once, second))
    assert np.allclose(back["value"], once["value"])
    back = override_plan.with_kept(back, override_plan.taken_back(tables, first))
    assert np.allclose(back["value"], tables["value"])
    assert back["overrides"]["reason"].iloc[-1] == "taken back: a new shop"


# the widget


def every(box) -> list:
    """The explorer's widgets, in the order in which they stand."""
    found = [box]
    for one in found:
        found += getattr(one, "children", ())
    return found


def parts(box) -> dict:
    """Controls, buttons and cells by what they are called; what is told, what is shown."""
    found = {one.description: one for one in every(box) if getattr(one, "description", "")}
    said = [one for one in box.children[-1].children if isinstance(one, widgets.HTML)]
    controls = box.children[-1].children[0] if said else box
    return found | {"shown": said, "told": controls.children[-1:]}


def text(shown) -> str:
    words = " ".join(one.value for one in shown)
    return re.sub(r"<[^>]+>", "", words).replace("\u00a0", " ")


@pytest.fixture
def company(sales_only) -> Path:
    """A workspace of two items of two families with prices; its demand step was run."""
    rows = "item,family,unit_price_value\nNA,Tents,10\n00123,Stoves,5\n"
    (sales_only / "data/raw/items.csv").write_text(rows)
    for name, options in (("data_review", {}), ("demand_review", {"horizon": 12})):
        made = getattr(steps, name)(store.inputs(sales_only, name, CYCLE), cycle=CYCLE, **options)
        store.publish_step(sales_only, name, CYCLE, made)
    return sales_only


@pytest.mark.slow
def test_a_workspace_whose_cycle_was_not_run_says_so(sales_only):
    for root, words in ((sales_only, "Run the step"), (sales_only.parent, "is no workspace")):
        shown = every(overrides.explorer(root, CYCLE))
        assert words in text([one for one in shown if isinstance(one, widgets.HTML)])


@pytest.mark.slow
def test_what_is_previewed_and_kept_is_what_the_demand_step_makes_of_it(company):
    own = parts(overrides.explorer(company, CYCLE))
    before = own["Company, 2026-03"].value
    assert "Nothing is changed" in text(own["shown"])
    own["Tents, 2026-03"].value = 60.0
    assert "Tents in 2026-03: " in text(own["shown"]) and "→ 60 units (+" in text(own["shown"])
    assert own["Company, 2026-03"].value > before
    own["Keep"].click()
    assert text(own["told"]).startswith("Say why")
    own["Reason"].value, own["Your name"].value = "promotion or event", "M. Keller"
    own["Keep"].click()
    assert re.match(r"Written to data/raw/overrides/2026-01_\S+\.csv: the next", text(own["told"]))
    assert own["Reason"].value == "" and own["Your name"].value == "M. Keller"
    assert own["Tents, 2026-03"].value == 60 and "overrides that count: 1" in text(own["shown"])
    seen = override_plan.load(company, CYCLE)  # anew, as after a day
    inputs = store.inputs(company, "demand_review", CYCLE)
    made = steps.demand_review(inputs, cycle=CYCLE, horizon=12)
    assert np.allclose(made["demand_plan"]["consensus"], seen["value"])
    assert made["override_effects"]["reason"].tolist() == ["promotion or event"]
    own["Undo"].click()
    assert text(own["told"]).startswith(
        "Taken back by a further entry, data/raw/overrides/2026-01_"
    )
    assert own["Company, 2026-03"].value == before
    assert len(list((company / "data/raw/overrides").iterdir())) == 2
    own["Undo"].click()
    assert "nothing to take back" in text(own["told"])


@pytest.mark.slow
def test_changes_are_dropped_before_they_are_kept_and_a_refused_one_at_once(company):
    written = []

    def keep(workspace, table, rows, *, cycle, author) -> Path:
        written.append((table, rows, cycle, author))
        return Path(workspace).resolve() / "data/raw/overrides/kept.csv"

    own = parts(overrides.explorer(company, CYCLE, keep))
    start = own["Stoves, 2026-02"].value
    own["Stoves, 2026-02"].value = 99.0
    own["Change"].value, own["in"].value = "Tents", FEBRUARY
    own["How"].value, own["Amount"].value = "scale", 2.0
    own["Enter"].click()
    assert "All 2 changes together" in text(own["shown"])
    own["Undo"].click()
    assert "All 2 changes" not in text(own["shown"]) and own["Stoves, 2026-02"].value == 99
    own["Lock: nothing else moves it"].value = True
    own["Reason"].value, own["In words"].value = "other", "a chain opens"
    own["Last cycle"].value, own["Your name"].value = FEBRUARY, "Lund"
    own["Keep"].click()
    (table, rows, cycle, author), *_ = written
    assert (table, cycle, author) == ("overrides", CYCLE, "Lund")
    kept = rows.iloc[0]
    assert (kept["family"], kept["kind"], kept["quantity"]) == ("Stoves", "set", 99)
    assert kept["is_locked"] and kept["expires_cycle"] == FEBRUARY
    assert kept["reason"] == "a chain opens"
    own["Your name"].value = "Keller"
    own["Stoves, 2026-02"].value = 5.0
    assert "Stoves in 2026-02 is left as it is: locked by Lund's set" in text(own["shown"])
    assert own["Stoves, 2026-02"].value == 99
    own["Company, 2026-02"].value = 300.0
    own["Discard all"].click()
    assert own["Stoves, 2026-02"].value == 99 and "Nothing is changed" in text(own["shown"])
    own["Undo"].click()
    assert own["Stoves, 2026-02"].value == start and len(written) == 2


@pytest.mark.slow
def test_two_changes_kept_at_once_may_have_different_reasons(company):
    written = []

    def keep(workspace, table, rows, **named):
        written.append(rows)
        return store.add(workspace, table, rows, **named)

    own = parts(overrides.explorer(company, CYCLE, keep))
    own["Your name"].value, own["Reason"].value = "Lund", "competitor"
    own["Tents, 2026-02"].value = 60.0
    own["Reason"].value = "promotion or event"  # corrected: nothing else was changed since
    own["Stoves, 2026-02"].value = 99.0
    own["Reason"].value = "price change"
    assert "reason: promotion or event" in text(own["shown"])
    own["Keep"].click()
    assert written[0]["reason"].tolist() == ["promotion or event", "price change"]


@pytest.mark.slow
def test_a_file_that_cannot_be_written_is_told_and_the_change_is_kept_pending(company):
    def keep(*_args, **_options):
        raise months.UsageError("the disk is full.")

    own = parts(overrides.explorer(company, CYCLE, keep))
    own["Tents, 2026-02"].value = 60.0
    own["Reason"].value, own["Your name"].value = "competitor", "Lund"
    own["Keep"].click()
    assert text(own["told"]) == "Nothing was written: the disk is full."
    assert "→ 60 units" in text(own["shown"])


@pytest.mark.slow
def test_place_and_months_narrow_and_move_the_grid(sample_workspace):
    box = overrides.explorer(sample_workspace, CYCLE)
    own = parts(box)
    whole = own["Tents, 2026-03"].value
    own["Place"].value, own["Channel"].value = ("location", "West"), ("channel", "Online")
    assert 0 < own["Tents, 2026-03"].value < whole
    own["Tents, 2026-03"].value = own["Tents, 2026-03"].value + 100
    assert "Tents, West, Online in 2026-03" in text(own["shown"])
    own["Months"].value = 12
    assert "Tents, 2027-01" in parts(box) and "Tents, 2026-01" not in parts(box)
    assert "Tents, West, Online in 2026-03" in text(own["shown"])  # still pending


@pytest.mark.slow
def test_every_cell_has_a_name_and_a_closed_or_approved_cycle_says_so(company, monkeypatch):
    box = overrides.explorer(company, CYCLE)
    cells = [one for one in every(box) if isinstance(one, widgets.FloatText)]
    named = {cell.description for cell in cells}
    assert {"Company, 2026-01", "Tents, 2026-12", "Amount"} <= named and len(named) == len(cells)
    assert all(one.description for one in every(box) if isinstance(one, widgets.Button))

    def refuse(_root, _cycle, what) -> None:
        raise months.UsageError(f"{what}: cycle 2026-01 is approved.")

    monkeypatch.setattr(store, "require_unapproved", refuse)
    own = parts(overrides.explorer(company, CYCLE))
    assert own["Keep"].disabled and "cycle 2026-01 is approved" in text(own["told"])
    own["Tents, 2026-03"].value = 60.0  # what it would do can be seen all the same
    assert "→ 60 units" in text(own["shown"])


@pytest.mark.slow
def test_what_is_shown_can_be_saved_and_one_picture_follows(company):
    own = parts(overrides.explorer(company, CYCLE))
    before = [one.value for one in own["shown"] if "<img" in one.value]
    own["Tents, 2026-03"].value = 60.0
    after = [one.value for one in own["shown"] if "<img" in one.value]
    assert len(before) == len(after) == 1 and before != after and "Tents" in after[0]
    saved = re.findall('download="([^"]+)"', "".join(one.value for one in own["shown"]))
    assert {"changes.csv", "series_that_move.csv", "plan_by_family_and_month.csv"} <= set(saved)


@pytest.mark.slow
def test_the_picture_is_sent_before_hours_and_words_are_made(company, monkeypatch):
    own = parts(overrides.explorer(company, CYCLE))
    sent, preview = [], override_plan.preview

    def seen(*given) -> dict:
        sent.append("".join(one.value for one in own["shown"]))
        return preview(*given)

    monkeypatch.setattr(override_plan, "preview", seen)
    own["Tents, 2026-03"].value = 60.0
    assert 'alt="Demand plan of Tents' in sent[0]
    assert "→ 60 units" not in sent[0] and "→ 60 units" in text(own["shown"])


# past skill, before a change is kept


def touched(changes: list[tuple], author="M. Keller", subject="family Tents") -> pd.DataFrame:
    """Rows: month, before, change, actual; a unit is worth 10."""
    table = pd.DataFrame(changes, columns=["month", "before", "change", "actual"])
    table["month"] = [months.shift(CYCLE, -k) for k in table["month"]]
    gain = (table["before"] - table["actual"]).abs()
    gain -= (table["before"] + table["change"] - table["actual"]).abs()
    more = {"author": author, "subject": subject, "cycle": months.shift(CYCLE, -20), "lag": 1}
    return table.assign(gain=gain, gain_value=10.0 * gain, is_helpful=gain > 0, **more)


def skill_words(tables, past, *rows) -> list[str]:
    seen = override_plan.preview(tables, pd.concat(rows))
    words = override_words.past_skill(past, seen["changes"], "EUR")
    return [text.replace("\u00a0", " ") for text in words]


def test_past_skill_says_how_often_at_what_cost_and_how_much_to_keep(tables):
    """Six raises by 20 of 100: three were right, three should not have been made.

    Wanted shares 1, 1, 1, 0, 0, 0; with six touches that were right: (3 + 6) / 12 = 0.75.
    """
    past = touched([(k, 100.0, 20.0, 120.0 if k < 4 else 100.0) for k in range(1, 7)])
    raised = change(tables, "add", 40.0, author="m. keller", family="Stoves")
    assert skill_words(tables, past, raised) == [
        "m. keller's 6 past increases: 3 helped; harmful ones cost 600 EUR; the past speaks for "
        "keeping 75% of the next: +30 instead of +40."
    ]
    both = skill_words(
        tables, past, change(tables, "add", 40.0, author="M. Keller", family="Tents")
    )
    assert len(both) == 2 and both[1].startswith("Tents: M. Keller's 6 past increases: 3 helped")


def test_past_skill_is_of_the_same_direction_and_says_where_there_is_none(tables):
    past = touched([(1, 100.0, 20.0, 120.0)])
    cut = change(tables, "add", -10.0, author="M. Keller", family="Tents")
    none = "No past decrease of M. Keller has met its month yet."
    assert skill_words(tables, past, cut) == [none]
    raised = change(tables, "add", 5.0, author="M. Keller", family="Stoves")
    up, down = skill_words(tables, past, raised, cut)
    assert up.startswith("M. Keller's 1 past increase: 1 helped; the past speaks") and down == none
    other = change(tables, "add", 5.0, author="Lund", family="Stoves")
    assert skill_words(tables, past, other) == ["No past override of Lund has met its month yet."]
    assert skill_words(tables, past, change(tables, "add", 5.0, author=" ", family="Stoves")) == []


def test_the_grid_shows_past_skill_before_keep(inputs):
    past = touched([(k, 100.0, 20.0, 100.0) for k in range(1, 5)])
    tables = override_plan.prepared(inputs, None, past, cycle=CYCLE)
    seen = override_plan.preview(tables, change(tables, "add", 9.0, author="M. Keller", item="T1"))
    shown = "".join(part.html for part in override_words.view(tables, seen, [])["tables"])
    assert "4 past increases: 0 helped" in shown.replace("\u00a0", " ")
