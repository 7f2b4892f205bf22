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
from sopkit.explore import accuracy, cube, errors, ledger

OF_PAST = ledger.of_past
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
    tables |= {"demand_history": demand, "money_rates": rates, "planning_units": units}
    tables |= {"restatements": changes, "ledger_restatements": changes, "more": [classes]}
    return ledger.prepared(tables | {"currency": "EUR"})


def choice(**more) -> cube.Choice:
    known = cube.Choice(month(12), month(14), lags.STATISTICAL, lag=lags.EVERY_LAG)
    return replace(known, **more)


def seen(tables: dict, **more) -> cube.Part:
    return cube.part(tables["cube"], choice(**more))


def groups(tables: dict, level: str, **more) -> pd.DataFrame:
    return cube.ranked(seen(tables, **more), level).set_index("member")


def layers(tables: dict, **more) -> pd.DataFrame:
    return cube.by_layer(seen(tables, **more)).set_index("layer")


def said(tables: dict, **more) -> str:
    part = seen(tables, **more)
    return errors.sentence(tables, part, cube.by_layer(part)).replace("\u00a0", " ")


TENTS, STOVES = (("family", "Tents"),), (("family", "Stoves"),)


# figures


def test_a_member_is_added_up_before_it_is_judged():
    """Tents, cycle and month: 35 for 32, 34 for 32, 32 for 32; 32 for 32, 28 for 32."""
    found = groups(build(), "family")
    tents = found.loc["Tents"]
    assert tents["wape"] == pytest.approx((3 + 2 + 4) / 160)
    assert tents["bias_rate"] == pytest.approx((3 + 2 - 4) / 160)
    assert (tents["came"], tents["months"]) == (32.0, 3)
    assert found.index[0] == "Stoves"  # 5 for 10 three times: the worst
    assert found.loc["Stoves", "wape"] == pytest.approx(0.5)
    whole = layers(build()).loc[lags.STATISTICAL]  # 2, 3, 5, 0 and 4 too low
    assert whole["wape"] == pytest.approx(14 / 190)
    assert whole["bias_rate"] == pytest.approx(-14 / 190)


def test_money_is_at_todays_prices_and_leaves_out_what_has_none():
    # by cycle and month: +30, -30+100, 0; 0, 60-200; of 520 each
    whole = layers(build()).loc[lags.STATISTICAL]
    assert whole["value_wape"] == pytest.approx((30 + 70 + 140) / (5 * 520))
    assert whole["error_value"] == pytest.approx((30 + 70 + 140) / 5)
    assert whole["bias_value"] == pytest.approx((30 + 70 - 140) / 5)
    assert np.isnan(groups(build(), "item").loc["C", "value_wape"])


def test_scaled_errors_are_beside_the_change_from_the_year_before():
    """A moved by 2 in each of its three later months, so its scale is 2."""
    whole = layers(build(), path=(("item", "A"),)).loc[lags.STATISTICAL]
    assert whole["mase"] == pytest.approx(np.mean([3, 3, 0, 0, 6]) / 2)
    assert whole["rmsse"] == pytest.approx(np.sqrt(np.mean([9, 9, 0, 0, 36])) / 2)


@pytest.mark.parametrize("level", ["total", "family", "item"])
@pytest.mark.parametrize("lag", [lags.EVERY_LAG, 0, 1, 2, lags.DECISION_LAG])
def test_a_layer_by_itself_is_what_table_lag_accuracy_says(level, lag, monkeypatch):
    kept = []
    monkeypatch.setattr(
        ledger, "of_past", lambda past, *rest: kept.append(past) or OF_PAST(past, *rest)
    )
    tables = build()
    items = tables["cube"].series[["item", "family", "category"]]
    history = tables["sold"].assign(sales=tables["sold"]["actual"], returns=0.0, is_stockout=False)
    history = history.merge(items, on="item", how="left", validate="many_to_one")
    told = lag_accuracy.by_lag(kept[0], history, {"items": items}, level=level)
    told = told[(told["layer"] == lags.CONSENSUS) & (told["lag"] == lag)].set_index("member")
    own = groups(tables, level, lag=lag, layer=lags.CONSENSUS)
    for name in ("wape", "bias_rate", "value_wape", "mase", "rmsse"):
        expected = told.loc[own.index, name].astype("float64")
        np.testing.assert_allclose(own[name].astype("float64"), expected, err_msg=name)


def test_a_path_a_period_and_months_ahead_narrow_what_is_measured():
    tables = build()
    rows = cube.cellwise(seen(tables, lag=0, first=month(13), path=TENTS))
    assert rows["month"].tolist() == [month(13)] and rows[lags.STATISTICAL].tolist() == [32.0]
    assert groups(tables, "item", path=(("abc", "A"),)).index.tolist() == ["B"]
    assert groups(tables, "item", path=(*TENTS, ("item", "A"))).index.tolist() == ["A"]
    assert set(groups(tables, "abc").index) == {"A", "B", "not known"}


def test_a_layer_that_spoke_of_little_is_not_compared_but_compares_when_chosen():
    tables = build(sales=(("A", 11.0), ("C", 10.0)))
    assert set(layers(tables).index) == set(lags.PLAN_LAYERS)
    found = layers(tables, layer="sales")
    assert set(found.index) == {*lags.PLAN_LAYERS, "sales"}
    assert found.loc["sales", "wape"] == pytest.approx(1 / 22)  # A 12, C 10: what sales spoke of
    assert found.loc[lags.STATISTICAL, "wape"] == pytest.approx(2 / 22)  # 15 and 5 for 12 and 10


def test_what_a_layer_did_not_speak_of_is_said():
    """Cycle 13 left the stoves out: of all months of the slice it spoke of the rest."""
    tables = build(sales=(("A", 11.0),))
    assert seen(tables, layer="sales", path=TENTS).coverage == pytest.approx(12 / 160)
    assert "it spoke of 7.5% of what came, and the rest is judged nowhere" in said(
        tables, layer="sales", path=TENTS
    )
    assert "it spoke of" not in said(tables, path=TENTS)


def test_what_events_feed_is_not_told_of_a_replay_with_hindsight():
    tables = build(origin=lags.HINDSIGHT)
    assert set(layers(tables).index) == {lags.NAIVE, lags.STATISTICAL}
    assert lags.CONSENSUS not in ledger.stood(tables, choice(layer=lags.CONSENSUS), month(12))
    assert "3 months judged, cycles: 2 replayed with hindsight" in said(tables)


def test_money_off_ranks_items_by_money():
    """A errs by 3, 3, 0, 0, 6 at 10; B by 0, 5, 0, 0, 10 at 20: five cycles and months."""
    found = groups(build(), "item", measure="error_value")
    assert found.index.tolist() == ["B", "A", "C"]
    assert found["error_value"].tolist()[:2] == pytest.approx([300 / 5, 120 / 5])


def test_the_plan_as_it_stood_holds_open_months_and_what_came():
    lines = ledger.stood(build(), choice(path=TENTS), month(12))
    assert lines["came"].to_dict() == {month(k): 32.0 for k in (12, 13, 14)}
    assert lines["sold"].index[-1] == month(11) and lines["sold"][month(11)] == 30.0
    assert lines[lags.STATISTICAL].to_dict() == {
        month(12): 35.0, month(13): 34.0, month(14): 32.0, month(15): 32.0
    }  # fmt: skip
    lines = ledger.stood(build(), choice(path=TENTS, layer=lags.CONSENSUS), month(13))
    assert lines[lags.CONSENSUS][month(15)] == 36.0  # each item is overridden by one
    lines = ledger.stood(build(), choice(path=TENTS, layer=lags.NAIVE), month(12))
    assert lines[lags.NAIVE][month(12)] == 30.0


def test_what_the_cycle_did_not_plan_is_told_apart():
    tables = build()
    lines = ledger.stood(tables, choice(), month(13))  # it left out the stoves
    assert lines["came"][month(13)] == 32.0 and lines["whole"][month(13)] == 42.0
    assert lines["sold"][month(12)] == 42.0
    units = tables["units"]
    chart = charts.plan_as_it_stood(lines, units, subject="all", cycle=month(13))
    drawn = {line.get_label(): line.get_ydata() for line in chart.axes[0].get_lines()}
    assert list(drawn["came afterwards"]) == [32.0, 32.0]
    assert list(drawn["with what was not planned"]) == [42.0, 42.0]
    assert list(drawn["statistical forecast"]) == [32.0, 28.0, 34.0]
    lines = ledger.stood(tables, choice(path=TENTS), month(13))  # all of it was planned
    chart = charts.plan_as_it_stood(lines, units, subject="Tents", cycle=month(13))
    names = [line.get_label() for line in chart.axes[0].get_lines()]
    assert "demand so far" in names and "with what was not planned" not in names
    lines = ledger.stood(tables, choice(path=STOVES), month(13))
    assert lines["came"].empty and lags.STATISTICAL not in lines
    part = seen(tables, path=STOVES)
    drawn = errors.picture(tables, part, cube.by_layer(part), kind="stood", cycle=month(13))
    assert "nothing was said there" in drawn.html


def test_what_a_stockout_hid_is_drawn_as_estimated_and_judged_nowhere():
    tables = build(stockout=(("A", 13, 50.0),))
    lines = ledger.stood(tables, choice(path=TENTS), month(12))
    assert lines["came"][month(13)] == 70.0 and lines[lags.STATISTICAL][month(13)] == 34.0
    own = cube.cellwise(seen(tables, path=(("item", "A"),)))
    assert month(13) not in own["month"].tolist()


# words


def test_the_sentence_says_who_how_far_which_side_and_on_how_much():
    words = said(build(), path=TENTS, lag=value_added.NEAR)
    assert "Tents, statistical, 1 to 3 months ahead, 2025-01 to 2025-03: WAPE 6.2%" in words
    assert "2.1% too low" in words  # 34, 32 and 28 for 32
    assert "2 months judged, cycles: 2 as run at the time. Too early to say" in words


def test_the_sentence_names_who_is_best_and_by_how_much():
    """Overridden by one an item: 16, 10, 13; 13, 19 for 12, and so 4, 2, 1, 1, 7 off."""
    found = said(build(), path=(("item", "A"),), layer=lags.CONSENSUS)
    assert "WAPE 25%" in found
    assert "Best here: same month last year, WAPE 16.7%, 8.3% less" in found
    assert "No other is better here" in said(build(), path=(("item", "A"),), layer=lags.NAIVE)


def test_the_sentence_names_the_side_where_bias_is_looked_at():
    assert "Whole company, statistical, all months ahead, 2025-01 to 2025-03: 7.4% too low" in said(
        build(), measure="bias_rate"
    )


def test_an_empty_choice_is_said_and_nothing_breaks():
    tables = build()
    own = {"path": (("item", "C"),), "lag": 2, "last": month(12)}
    assert "nothing was said and has come" in said(tables, **own)
    part = seen(tables, **own)
    shown = errors.tables_of(tables, part, cube.by_layer(part), "location")
    assert "Nothing was said and has come here" in [one.html for one in shown][1]


def test_signs_stand_on_each_table():
    tables, part = build(), seen(build())
    shown = errors.tables_of(tables, part, cube.by_layer(part), "item")
    shown = [one.html for one in shown]
    assert len(shown) == 2
    assert all("error = said − came; plus: too high" in one for one in shown)
    assert "B Tunnel" in shown[1]


def test_members_of_a_list_stand_with_their_figures():
    found = cube.ranked(seen(build()), "item")
    words = errors.labels(build(), found, "item", "wape")
    assert words[0] == "C · WAPE 50% · bias −50% · 10 a month · 3 judged only"
    assert "B Tunnel · WAPE 15% · bias −5% · 20 a month · 3 judged only" in words


# since when


def errors_of(*amounts: float) -> pd.Series:
    return pd.Series(amounts, index=months.span(FIRST, len(amounts)), dtype="float64")


def test_a_run_goes_back_to_two_months_in_a_row_on_the_other_side():
    run = cube.since_when(errors_of(-1, 3, -2, -2, 4, 5, -1, 3, 4, 6))
    assert (run.first, run.months, run.on_side, run.side) == (month(4), 6, 5, 1)
    assert run.signal == pytest.approx(21 / (23 / 6)) and run.is_steady
    assert cube.since_when(errors_of(2, 2, -4, -4, -4, -4)).side == -1


def test_a_run_with_too_many_months_off_begins_later():
    run = cube.since_when(errors_of(5, -1, 5, -1, 5, -1, 5, 5, 5, 5))  # four of five at least
    assert run.first == month(4) and run.on_side == 6 - 1
    run = cube.since_when(errors_of(1, -1, 1, -1))
    assert run.on_side == 1 and not run.is_steady


def test_without_an_error_there_is_no_side():
    assert cube.since_when(errors_of(0, 0, 0)) is None
    assert cube.since_when(errors_of()) is None


# files


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "data/raw").mkdir(parents=True)
    return tmp_path


def test_csv_holds_every_row_and_gives_the_figures_shown(workspace):
    tables = build()
    own = seen(tables)
    path, count = errors.export(workspace, tables, own, "family", "csv")
    assert path.parent == workspace.resolve() / "reports/exports" and count == 8
    back = pd.read_csv(path, parse_dates=["cycle", "month"])
    pd.testing.assert_frame_equal(back, errors.behind(own, "family"), check_dtype=False)
    tents = back[back["member"] == "Tents"]
    rate = (tents[lags.STATISTICAL] - tents["came"]).abs().sum() / tents["came"].sum()
    assert rate == pytest.approx(groups(tables, "family").loc["Tents", "wape"])
    assert not (workspace / "data/processed").exists()


def test_the_workbook_holds_the_choice_groups_and_rows(workspace):
    tables = build()
    own = seen(tables)
    path, count = errors.export(workspace, tables, own, "item", "xlsx")
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Choice", "Groups", "Rows"]
    head, *rows = book["Rows"].iter_rows(values_only=True)
    back = pd.DataFrame(rows, columns=head)
    assert len(back) == count == 13
    pd.testing.assert_frame_equal(back, errors.behind(own, "item"), check_dtype=False)
    assert "Whole company, statistical" in book["Choice"]["B2"].value


def test_more_rows_than_a_worksheet_holds_are_refused(workspace, monkeypatch):
    monkeypatch.setattr(errors, "_MOST_SHEET_ROWS", 5)
    tables = build()
    with pytest.raises(months.UsageError, match="more than a worksheet holds: take CSV"):
        errors.export(workspace, tables, seen(tables), "family", "xlsx")
    assert errors.export(workspace, tables, seen(tables), "family", "csv")[1] == 8


# widgets


@pytest.fixture
def panel(workspace):
    return accuracy.Panel(workspace, month(15), build())


def test_each_control_changes_what_is_shown(panel):
    own, shown = panel.own, panel.view.sentence
    moves = [
        ("measure", "bias_rate"), ("lag", 0), ("layer", lags.STATISTICAL),
        ("member1", "Tents"), ("level2", "item"), ("member2", "A"),
        ("period", (month(13), month(14))),
    ]  # fmt: skip
    for name, value in moves:
        before = shown.value + panel.view.tables.value
        own[name].value = value
        assert shown.value + panel.view.tables.value != before, name
    assert "Tents, A Dome, statistical, in the month itself" in shown.value


def test_each_picture_can_be_chosen_and_only_one_is_drawn(panel):
    drawn = set()
    for kind in errors.PICTURES:
        panel.own["picture"].value = kind
        assert panel.view.picture.value.count("<img") == 1
        drawn.add(panel.view.picture.value)
    assert len(drawn) == len(errors.PICTURES)
    panel.own["picture"].value = "stood"
    before = panel.view.picture.value
    panel.own["stood"].value = month(13)
    assert panel.view.picture.value != before


def test_the_buttons_write_and_say_where(panel, workspace):
    for kind in ("csv", "xlsx"):
        panel._export(kind, None)
        assert f".{kind} of the workspace" in panel.told.value
    assert len(list((workspace / "reports/exports").iterdir())) == 2


def test_a_path_leads_down_and_back_up(panel):
    own = panel.own
    own["member1"].value, own["level2"].value = "Tents", "abc"
    own["member2"].value = "A"
    assert [one.description for one in panel.path.children[::2]] == ["Whole company", "Tents", "A"]
    panel._deeper()
    assert own["level1"].value == "abc" and own["member1"].value == "A"
    own["level2"].value = "item"
    assert [value for _, value in own["member2"].options] == ["", "B"]
    own["member2"].value = "B"
    assert "Tents, A, B Tunnel" in panel.view.sentence.value
    panel._up(1)
    assert panel.choice().path == TENTS
    panel._up(0)
    assert panel.choice().path == ()


def test_lists_stand_worst_first_and_never_both_at_one_level(panel):
    own = panel.own
    own["level2"].value = "item"
    assert [value for _, value in own["member1"].options] == ["", "Stoves", "Tents"]
    own["member1"].value = "Tents"
    assert [value for _, value in own["member2"].options] == ["", "A", "B"]
    own["level1"].value = "item"
    assert own["level2"].value != "item" and own["member1"].value == ""
