"""Past plans in the explorer: figures checked by hand, sentences, offenders, files, widgets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import openpyxl
import pandas as pd
import pytest

from sopkit import contract, months
from sopkit.charts import accuracy as charts
from sopkit.demand import lag_accuracy, lags, value_added
from sopkit.explore import ledger, past

FIRST = pd.Timestamp("2024-01-01")
CAME = {"A": [10.0] * 12 + [12.0] * 3, "B": [20.0] * 15, "C": [5.0] * 12 + [10.0] * 3}
PLANS = {  # cycle: item: what was planned for months 12, 13, 14 and the one still to come
    12: {"A": (15.0, 9.0, 12.0, 12.0), "B": (20.0, 25.0, 20.0, 20.0), "C": (5.0, 5.0, 5.0, 5.0)},
    13: {"A": (np.nan, 12.0, 18.0, 14.0), "B": (np.nan, 20.0, 10.0, 20.0)},
}


def month(k: int) -> pd.Timestamp:
    return months.shift(FIRST, k)


def build(*, sales=(), cycles=PLANS, origin="run", stockout=()) -> dict:
    """Items A and B (Tents, priced 10 and 20), C (Stoves, without a price)."""
    items = contract.check_table(
        "items",
        pd.DataFrame({"item": ["A", "B", "C"], "family": ["Tents", "Tents", "Stoves"],
                      "description": ["Dome", "Tunnel", None]}),
        contract.Source("items"),
    ).frame  # fmt: skip
    series = {"location": "all", "channel": "all"}
    rows = [(item, month(k), x) for item, own in CAME.items() for k, x in enumerate(own)]
    demand = pd.DataFrame(rows, columns=["item", "month", "sales"]).assign(
        **series, returns=0.0, unfilled=0.0, is_stockout=False, revenue_value=np.nan
    )
    demand = demand.assign(demand=demand["sales"])
    for item, k, wanted in stockout:
        is_there = (demand["item"] == item) & (demand["month"] == month(k))
        demand.loc[is_there, ["is_stockout", "demand"]] = [True, wanted]
    rows = [
        (item, month(12 + k), month(cycle), x)
        for cycle, own in cycles.items()
        for item, amounts in own.items()
        for k, x in enumerate(amounts)
        if np.isfinite(x)
    ]
    plans = pd.DataFrame(rows, columns=["item", "month", "cycle", "statistical"]).assign(
        **series, origin=origin, events=0.0, departments=0.0, overrides=1.0
    )
    plans = plans.astype({"month": months.DTYPE, "cycle": months.DTYPE, "statistical": "float64"})
    views = pd.DataFrame(
        [("sales", item, month(12), month(12), x) for item, x in sales],
        columns=["department", "item", "month", "cycle", "quantity"],
    ).assign(**series, origin=origin)
    views = views.astype({"month": months.DTYPE, "cycle": months.DTYPE, "quantity": "float64"})
    prices = [("A", 10.0), ("B", 20.0), ("C", np.nan)]
    rates = pd.DataFrame(prices, columns=["item", "unit_price_value"]).assign(**series)
    units = pd.DataFrame({"item": list("ABC"), "planning_factor": 1.0, "planning_unit": "units"})
    tables = {name: contract.empty(name) for name in ("locations", "channels", "plan_history")}
    tables |= {"items": items, "ledger_demand_plan": plans, "ledger_views": views}
    changes = pd.DataFrame(columns=["kind", "subject", "becomes", "cycle"], dtype="object")
    classes = pd.DataFrame({"item": ["A", "B"], "abc": ["B", "A"]}).assign(**series)
    return ledger.prepared(tables, demand, rates, units, changes, [classes], currency="EUR")


def choice(**more) -> ledger.Choice:
    return replace(ledger.Choice(month(12), month(14), lag=lags.EVERY_LAG), **more)


def text(exhibit) -> str:
    return exhibit.html.replace("\u00a0", " ")


# figures


def test_a_member_is_added_up_before_it_is_judged():
    """Tents, cycle and month: 35 for 32, 34 for 32, 32 for 32; 32 for 32, 28 for 32."""
    found = ledger.measures(build(), choice())
    tents = found["members"].set_index("member").loc["Tents"]
    assert tents[lags.STATISTICAL] == pytest.approx((3 + 2 + 4) / 160)
    assert tents["bias_rate"] == pytest.approx((3 + 2 - 4) / 160)
    assert (tents["came"], tents["months"]) == (32.0, 3)
    stoves = found["members"].iloc[0]  # 5 for 10 three times: the worst
    assert stoves["member"] == "Stoves" and stoves[lags.STATISTICAL] == pytest.approx(0.5)
    whole = found["whole"].set_index("layer").loc[lags.STATISTICAL]
    assert whole["wape"] == pytest.approx((9 + 15) / 190)
    assert whole["bias_rate"] == pytest.approx((1 - 15) / 190)


def test_money_is_at_todays_prices_and_leaves_out_what_has_none():
    found = ledger.measures(build(), choice(level="total"))
    # by cycle and month: +30, -30+100, 0; 0, 60-200; of 520 each
    whole = found["whole"].set_index("layer")["value_wape"]
    assert whole[lags.STATISTICAL] == pytest.approx((30 + 70 + 140) / (5 * 520))


def test_scaled_errors_are_beside_the_change_from_the_year_before():
    """A moved by 2 in each of its three later months, so its scale is 2."""
    found = ledger.measures(build(), choice(level="item", member="A"))
    whole = found["whole"].set_index("layer").loc[lags.STATISTICAL]
    assert whole["mase"] == pytest.approx(np.mean([3, 3, 0, 0, 6]) / 2)
    assert whole["rmsse"] == pytest.approx(np.sqrt(np.mean([9, 9, 0, 0, 36])) / 2)


@pytest.mark.parametrize("level", ["total", "family", "item"])
@pytest.mark.parametrize("lag", [lags.EVERY_LAG, 0, 1, 2, lags.DECISION_LAG])
def test_a_layer_by_itself_is_what_table_lag_accuracy_says(level, lag):
    tables = build()
    history = tables["history"].assign(
        sales=tables["history"]["actual"], returns=0.0, is_stockout=False
    )
    items = history[["item", "family", "category"]].drop_duplicates().astype("str")
    told = lag_accuracy.by_lag(tables["past"], history, {"items": items}, level=level)
    told = told[(told["layer"] == lags.CONSENSUS) & (told["lag"] == lag)].set_index("member")
    found = ledger.measures(tables, choice(level=level, lag=lag, layer=lags.CONSENSUS))
    assert found["share"] == 1.0
    for name in ledger.MEASURES:
        picked = choice(level=level, lag=lag, layer=lags.CONSENSUS, measure=name)
        own = ledger.measures(tables, picked)["members"].set_index("member")[lags.CONSENSUS]
        expected = told.loc[own.index, name].astype("float64")
        np.testing.assert_allclose(own.astype("float64"), expected, err_msg=name)


def test_a_slice_a_period_and_months_ahead_narrow_what_is_measured():
    tables = build()
    one = ledger.measures(tables, choice(lag=0, first=month(13)))["sums"]
    assert one.month.tolist() == [int(months.number(month(13)))] and one.said[-1] == [34.0]
    by_class = choice(level="item", slice_level="abc", slice_member="A")
    assert ledger.measures(tables, by_class)["members"]["member"].tolist() == ["B"]
    unknown = choice(level="abc")
    assert set(ledger.measures(tables, unknown)["members"]["member"]) == {"A", "B", "not known"}


def test_a_layer_that_spoke_of_little_is_not_compared_but_compares_when_chosen():
    tables = build(sales=(("A", 11.0), ("C", 10.0)))
    layers = ledger.measures(tables, choice())["layers"]
    assert layers == [name for name in lags.PLAN_LAYERS]
    found = ledger.measures(tables, choice(layer="sales"))
    assert found["layers"] == [*lags.PLAN_LAYERS, "sales"]
    whole = found["whole"].set_index("layer")["wape"]  # A 12, C 10: what sales spoke of
    assert whole["sales"] == pytest.approx(1 / 22)
    assert whole[lags.STATISTICAL] == pytest.approx((3 + 5) / 22)


def test_what_a_layer_did_not_speak_of_is_said():
    """Cycle 13 left the stoves out: of 42 in months 12, 13, 14 and 13, 14, 32 twice."""
    found = ledger.measures(build(), choice(level="total"))
    assert found["coverage"] == pytest.approx((3 * 42 + 2 * 32) / (5 * 42))
    said = text(past.view(build(), choice(level="total"))[0])
    assert "it spoke of 90.5% of what came, and the rest is judged nowhere" in said
    assert "it spoke of" not in text(past.view(build(), choice(member="Tents"))[0])
    hidden = build(stockout=(("A", 13, 50.0),))  # a stock-out is nobody's gap
    assert ledger.measures(hidden, choice(member="Tents"))["coverage"] == 1.0


def test_what_events_feed_is_not_told_of_a_replay_with_hindsight():
    tables = build(origin=lags.HINDSIGHT)
    assert ledger.measures(tables, choice())["layers"] == [lags.NAIVE, lags.STATISTICAL]
    assert lags.CONSENSUS not in ledger.stood(tables, choice(layer=lags.CONSENSUS), month(12))
    assert "3 months judged, cycles: 2 replayed with hindsight" in text(
        past.view(tables, choice())[0]
    )


def test_worst_offenders_by_money_in_words():
    """A errs by 3, 3, 0, 0, 6 at 10; B by 0, 5, 0, 0, 10 at 20: five cycles and months."""
    items, unpriced = ledger.worst(build(), choice())
    assert items["item"].tolist() == ["B", "A"] and unpriced == 1
    assert items["error_value"].tolist() == pytest.approx([300 / 5, 120 / 5])
    assert items["error_share"].tolist() == pytest.approx([300 / 420, 120 / 420])
    # B: months +0, +5, -10: too low by 5 of 100, in one month of three
    assert items["finding"].tolist() == [
        "5% too low, 1 of 3 months too low",
        "10% too high, 2 of 3 months too high",
    ]


def test_the_plan_as_it_stood_holds_open_months_and_what_came():
    lines = ledger.stood(build(), choice(member="Tents"), month(12))
    assert lines["came"].to_dict() == {month(k): 32.0 for k in (12, 13, 14)}
    assert lines["sold"].index[-1] == month(11) and lines["sold"][month(11)] == 30.0
    assert lines[lags.STATISTICAL].to_dict() == {
        month(12): 35.0, month(13): 34.0, month(14): 32.0, month(15): 32.0
    }  # fmt: skip
    lines = ledger.stood(build(), choice(member="Tents", layer=lags.CONSENSUS), month(13))
    assert lines[lags.CONSENSUS][month(15)] == 36.0  # each item is overridden by one
    lines = ledger.stood(build(), choice(member="Tents", layer=lags.NAIVE), month(12))
    assert lines[lags.NAIVE][month(12)] == 30.0


def test_what_the_cycle_did_not_plan_is_told_apart():
    tables = build()
    lines = ledger.stood(tables, choice(level="total"), month(13))  # it left out the stoves
    assert lines["came"][month(13)] == 32.0 and lines["whole"][month(13)] == 42.0
    assert lines["sold"][month(12)] == 42.0
    units = tables["units"]
    chart = charts.plan_as_it_stood(lines, units, subject="all", cycle=month(13))
    drawn = {line.get_label(): line.get_ydata() for line in chart.axes[0].get_lines()}
    assert list(drawn["came afterwards"]) == [32.0, 32.0]
    assert list(drawn["with what was not planned"]) == [42.0, 42.0]
    assert list(drawn["statistical forecast"]) == [32.0, 28.0, 34.0]
    lines = ledger.stood(tables, choice(member="Tents"), month(13))  # all of it was planned
    chart = charts.plan_as_it_stood(lines, units, subject="Tents", cycle=month(13))
    names = [line.get_label() for line in chart.axes[0].get_lines()]
    assert "demand so far" in names and "with what was not planned" not in names
    lines = ledger.stood(tables, choice(member="Stoves"), month(13))
    assert lines["came"].empty and lags.STATISTICAL not in lines
    said = text(past.view_then(tables, choice(member="Stoves"), month(13)))
    assert "Cycle 2025-02 says nothing of Stoves" in said


def test_what_a_stockout_hid_is_drawn_as_estimated_and_judged_nowhere():
    tables = build(stockout=(("A", 13, 50.0),))
    lines = ledger.stood(tables, choice(member="Tents"), month(12))
    assert lines["came"][month(13)] == 70.0 and lines[lags.STATISTICAL][month(13)] == 34.0
    own = ledger.measures(tables, choice(level="item", member="A"))["sums"]
    assert int(months.number(month(13))) not in own.month


def test_the_waterfall_is_the_members_at_every_months_ahead():
    own = ledger.fallen(build(), choice(member="Tents", lag=2))
    assert own["quantity"].tolist() == [35.0, 34.0, 32.0, 32.0, 28.0]
    assert own["actual"].tolist() == [32.0] * 5


# words


def test_the_sentence_says_who_how_far_which_side_and_on_how_much():
    said = text(past.view(build(), choice(member="Tents", lag=value_added.NEAR))[0])
    assert "Tents, statistical, 1 to 3 months ahead, 2025-01 to 2025-03: WAPE 6.2%" in said
    assert "2.1% too low" in said  # 34, 32 and 28 for 32
    assert "same month last year 6.2%" in said
    assert "2 months judged, cycles: 2 as run at the time. Too early to say" in said


def test_the_sentence_names_the_side_where_bias_is_looked_at():
    said = text(past.view(build(), choice(level="total", measure="bias_rate"))[0])
    assert "Whole company, statistical, all months ahead" in said
    assert "7.4% too low; beside it same month last year" in said


def test_an_empty_choice_is_said_and_nothing_breaks():
    shown = past.view(
        build(), choice(level="item", member="C", lag=2, first=month(12), last=month(12))
    )
    assert "nothing was planned and has come" in text(shown[0])
    shown = past.view(build(), choice(level="family", lag=2, last=month(12)))
    assert "nothing was planned and has come" in text(shown[0])


def test_signs_stand_on_each_table():
    shown = past.view(build(), choice())
    assert len(shown) == 5
    for exhibit in shown[1:4]:
        assert "error = plan − what came; plus: too high" in text(exhibit)
    assert "1 item without a price is left out" in text(shown[4])
    assert "B Tunnel" in text(shown[3])


# files


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "data/raw").mkdir(parents=True)
    return tmp_path


def test_csv_holds_every_row_and_gives_the_figures_shown(workspace):
    tables, picked = build(), choice()
    path, count = past._export(workspace, tables, picked, "csv")
    assert path.parent == workspace.resolve() / "reports/exports" and count == 8
    back = pd.read_csv(path, parse_dates=["cycle", "month"])
    made = ledger.behind(ledger.measures(tables, picked), picked)
    pd.testing.assert_frame_equal(back, made, check_dtype=False)
    own = back[back["member"] == "Tents"]
    rate = (own[lags.STATISTICAL] - own["came"]).abs().sum() / own["came"].sum()
    shown = ledger.measures(tables, picked)["members"].set_index("member")
    assert rate == pytest.approx(shown.loc["Tents", lags.STATISTICAL])
    assert not (workspace / "data/processed").exists()


def test_the_workbook_holds_the_choice_members_and_rows(workspace):
    tables, picked = build(), choice(level="item")
    path, count = past._export(workspace, tables, picked, "xlsx")
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Choice", "Members", "Rows"]
    head, *rows = book["Rows"].iter_rows(values_only=True)
    made = ledger.behind(ledger.measures(tables, picked), picked)
    back = pd.DataFrame(rows, columns=head)
    assert len(back) == count == 13
    pd.testing.assert_frame_equal(back, made, check_dtype=False)
    assert "Every item, statistical" in book["Choice"]["B2"].value


def test_more_rows_than_a_worksheet_holds_are_refused(workspace, monkeypatch):
    monkeypatch.setattr(past, "_MOST_SHEET_ROWS", 5)
    with pytest.raises(months.UsageError, match="more than a worksheet holds: take CSV"):
        past._export(workspace, build(), choice(), "xlsx")
    assert past._export(workspace, build(), choice(), "csv")[1] == 8


# widgets


@pytest.fixture
def parts(workspace, monkeypatch):
    """The panel on the hand-made ledger: its controls by name, what it shows, its buttons."""
    tables = build()
    monkeypatch.setattr(ledger, "load", lambda *_: tables)
    box = past.panel(workspace, month(15))
    *rows, said, slider, then, shown, fallen, behind, told = box.children
    own = {one.description: one for row in rows for one in row.children} | {"slider": slider}
    return own, {"said": said, "then": then, "shown": shown, "fallen": fallen, "told": told}, behind


def test_each_control_changes_what_is_shown(parts):
    own, shown, _ = parts
    moves = [
        ("Measure", "bias_rate"), ("Ahead", 0), ("Layer", lags.STATISTICAL),
        ("Group", "Tents"), ("Level", "item"), ("Group", "A"), ("Level", "total"),
        ("Months", (month(13), month(14))), ("Only", "family"), ("of it", "Tents"),
    ]  # fmt: skip
    seen = {shown["said"].value}
    for count, (name, value) in enumerate(moves, start=2):
        own[name].value = value
        seen.add(shown["said"].value)
        expected = count - (1 if count > 9 else 0)  # choosing what to slice by changes nothing yet
        expected -= 1 if count > 10 else 0
        assert len(seen) >= expected, name
    assert "Tents, statistical, in the month itself" in shown["said"].value


def test_the_slider_moves_the_picture_alone(parts):
    own, shown, _ = parts
    before = {name: one.value for name, one in shown.items()}
    own["slider"].value = month(12)
    assert shown["then"].value != before["then"]
    assert all(shown[name].value == before[name] for name in ("said", "shown", "fallen"))
    assert "cycle 2025-01" in shown["then"].value


def test_pictures_are_not_drawn_anew_where_they_stay_the_same(parts):
    own, shown, _ = parts
    before = shown["then"].value, shown["fallen"].value
    own["Measure"].value = "mase"
    own["Ahead"].value = 0
    assert (shown["then"].value, shown["fallen"].value) == before
    own["Group"].value = "Tents"
    assert shown["then"].value != before[0] and shown["fallen"].value != before[1]


def test_the_buttons_write_and_say_where(parts, workspace):
    _, shown, behind = parts
    _, csv, excel = behind.children
    for button, suffix in ((csv, "csv"), (excel, "xlsx")):
        button.click()
        assert f".{suffix} of the workspace" in shown["told"].value
    assert len(list((workspace / "reports/exports").iterdir())) == 2


def test_members_stand_by_volume_and_items_by_name(parts):
    own, _, _ = parts
    assert [name for name, _ in own["Group"].options] == ["all of them", "Tents", "Stoves"]
    own["Level"].value = "item"
    assert [n for n, _ in own["Group"].options] == ["all of them", "B Tunnel", "A Dome", "C"]
