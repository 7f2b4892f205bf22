"""Exhibits: numbers as text, escaping, and what stands where there is nothing to show."""

from __future__ import annotations

import base64
import re
from html import unescape

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from sopkit import exhibits, grids, logs, months
from sopkit.reconciliation import grid as sop

CYCLE = pd.Timestamp("2026-01-01")
EVIL = "<script>alert('x')</script>"


def _plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def _facts(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["fact", "amount", "kind", "text"]).astype(
        {"amount": "float64"}
    )


@pytest.mark.parametrize(
    ("amount", "kind", "text"),
    [
        (1832651.4, "quantity", "1,832,651"),
        (99.97, "quantity", "100"),
        (12.34, "quantity", "12.3"),
        (3.456, "quantity", "3.46"),
        (12.0, "quantity", "12"),
        (0.0, "quantity", "0"),
        (-0.001, "quantity", "0"),
        (-431.0, "quantity", "−431"),
        (9860.1, "signed_quantity", "+9,860"),
        (0.0, "signed_quantity", "0"),
        (181_226_000.0, "value", "181 M EUR"),
        (12_340_000.0, "value", "12.3 M EUR"),
        (999_600.0, "value", "1.0 M EUR"),
        (345_200.0, "value", "345 k EUR"),
        (1_234.4, "value", "1,234 EUR"),
        (12.5, "value", "12.50 EUR"),
        (0.0, "value", "0 EUR"),
        (-9_019_285.0, "signed_value", "−9.0 M EUR"),
        (490_000.0, "signed_value", "+490 k EUR"),
        (0.0552, "rate", "5.5%"),
        (0.25, "rate", "25%"),
        (0.9999, "rate", "99.99%"),
        (12.5, "rate", "1250%"),
        (-0.0503, "signed_rate", "−5.0%"),
        (696.0, "count", "696"),
        (24.0, "months", "24"),
        (1.168, "months", "1.2"),
        (0.5438, "decimal", "0.54"),
        (float("nan"), "quantity", "–"),
        (float("inf"), "rate", "–"),
    ],
)
def test_amounts_become_text(amount, kind, text):
    expected = text.replace("1250%", "1,250%")
    assert _plain(exhibits.format_amount(amount, kind, "EUR")) == expected


def test_feedback_adds_up_places_and_tells_answers_and_reasons():
    month = pd.to_datetime(["2026-05-01"] * 3)
    lines = pd.DataFrame({
        "feedback": ["FA", "FA", "FB"], "item": ["T1", "T1", "T2"], "location": ["N", "S", "N"],
        "channel": ["Web", "Web", "all"], "month": month, "quantity": [3.0, 4.0, 5.0],
        "later_month": [*pd.to_datetime(["2026-06-01"] * 2), pd.NaT], "amount_value": 10.0,
        "state": ["open", "open", "accepted"], "author": ["", "", "Weber"],
        "cause": ["hours", "hours", "frozen"], "limit": ["saw", "saw", "plant"], "site": "plant",
        "promised_quantity": [2.0, 1.0, 0.0], "remark": ["", "", "; not kept: comes 2026-07"],
    })  # fmt: skip
    items = pd.DataFrame({"item": ["T1"], "description": ["Tent"], "family": ["Tents"]})
    shared = dict(caption="Lines", why="Why", currency="EUR", source="feedback", missing="None.")
    html = logs.feedback(lines, items, **shared).html
    html = re.sub(r"</?span[^>]*>", "", html)
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in html.split("<tr")[2:]]
    assert rows == [
        [
            "FA",
            "Tent",
            "Web",
            *"2026-05 2026-06 7 20 open".split(),
            "hours: saw; promised before: 3",
        ],
        [
            *"FB T2 N 2026-05".split(),
            "not within the plan",
            *"5 10".split(),
            "accepted, Weber",
            "frozen; not kept: comes 2026-07",
        ],
    ]
    said = lines.drop(columns=["cause", "limit", "remark"]).drop(columns="promised_quantity")
    said = said.assign(finding=["", "", "3 of 5 units"])
    html = logs.feedback(said, items, **shared, materiality=21.0).html
    assert "3 of 5 units" in html and "one line of less than 21\u00a0EUR each not shown" in html
    assert ">FA<" not in html.replace("span", "") and "FB" in html  # a remark is always told
    assert "not shown" not in logs.feedback(said, items, **shared, materiality=20.0).html
    assert "not shown" not in logs.feedback(said.head(2), items, **shared, materiality=21.0).html
    assert "None." in logs.feedback(lines.iloc[:0], items, **shared).html


def test_months_flags_and_words_become_text():
    assert exhibits.format_amount(CYCLE, "month") == "2026-01"
    assert exhibits.format_amount(pd.NaT, "month") == "–"
    assert exhibits.format_amount(True, "text") == "yes"
    assert exhibits.format_amount("", "text") == "–"


def test_a_headline_fills_figures_and_falls_back_to_the_text():
    facts = _facts(
        ("plan", 1200.0, "quantity", ""), ("budget", np.nan, "value", "unknown (no budget)")
    )
    shown = exhibits.headline("We plan {plan}\nunits. Budget: {budget}.", facts).html
    assert shown == (
        '<p class="headline">We plan <b>1,200</b> units. Budget: unknown (no budget).</p>'
    )
    noted = exhibits.headline("We plan {plan} units.", facts, is_note=True).html
    assert noted.startswith('<p class="note">')


def test_a_headline_says_the_side_and_leaves_out_what_is_unknown():
    facts = _facts(
        ("plan", 1200.0, "quantity", ""),
        ("gap", -0.05, "signed_rate", ""),
        ("growth", 0.02, "signed_rate", ""),
        ("margin", np.nan, "value", "unknown (no costs)"),
        ("strategy", np.nan, "text", "chase"),
    )
    said = exhibits.headline(
        "{plan} units[, {gap:below|above} budget][, {growth:below|above} last year]"
        "[, with a margin of {margin}][ by {strategy}].",
        facts,
    )
    assert said.html == (
        '<p class="headline"><b>1,200</b> units, <b>5%</b> below budget, '
        "<b>2%</b> above last year by chase.</p>"
    )


@pytest.mark.parametrize("rate", [0.0, -0.00001])
def test_what_is_shown_as_nothing_lies_on_neither_side(rate):
    facts = _facts(("growth", rate, "signed_rate", ""))
    said = exhibits.headline("We are {growth:below|above|level with} last year.", facts)
    assert said.html == '<p class="headline">We are level with last year.</p>'


def test_an_unknown_fact_names_the_nearest():
    facts = _facts(("plan_units", 1.0, "quantity", ""))
    with pytest.raises(months.UsageError, match="'plan_unit'.*Nearest: 'plan_units'"):
        exhibits.headline("{plan_unit}", facts)
    with pytest.raises(months.UsageError, match="Nearest: 'plan_units'"):
        exhibits.fact_tiles(facts, {"a": "A", "b": "B", "c": "C"})


def test_tiles_are_three_to_six():
    facts = _facts(*((name, 1.0, "count", "") for name in "abcdefg"))
    assert exhibits.fact_tiles(facts, dict.fromkeys("abc", "x")).html.count("<dd>") == 3
    for names in ("ab", "abcdefg"):
        with pytest.raises(months.UsageError, match="three to six"):
            exhibits.fact_tiles(facts, dict.fromkeys(names, "x"))


def _table(frame: pd.DataFrame, **choices) -> str:
    given = {
        "caption": "Sales, units",
        "columns": {"item": "Item", "quantity": "Units"},
        "kinds": {"quantity": "quantity"},
    }
    return exhibits.table(frame, **{**given, **choices}).html


def _cells(html: str) -> list[str]:
    found = re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", html)
    return [_plain(re.sub("<[^>]+>", "", cell)) for cell in found]


def test_what_comes_from_data_is_escaped_everywhere():
    frame = pd.DataFrame({"item": [EVIL], "quantity": [1.0], "state": [EVIL]})
    facts = _facts(*((name, np.nan, "text", EVIL) for name in "abc"))
    grid = pd.DataFrame([(EVIL, "Sales", sop.NOW, CYCLE, 1.0, False)], columns=sop.COLUMNS)
    register = pd.DataFrame(
        [
            dict.fromkeys(["statement", "owner", "quality", "impact", "status", "finding"], EVIL)
            | {"kind": "assumption", "amount_value": 1.0}
        ]
    )
    found = pd.DataFrame(
        {"subject": EVIL, "finding": EVIL, "proposal": EVIL, "amount_value": [1.0, 2.0]}
    ).assign(is_material=[True, False])
    shown = [
        _table(
            frame,
            caption=EVIL,
            source=EVIL,
            columns={"item": EVIL, "state": "State"},
            kinds={"state": "rating"},
            currency=EVIL,
        ),
        exhibits.headline(EVIL + "{a}", facts).html,
        exhibits.fact_tiles(facts, dict.fromkeys("abc", EVIL)).html,
        exhibits.note(EVIL).html,
        exhibits.exceptions(found, caption=EVIL, currency=EVIL, source=EVIL, missing=EVIL).html,
        exhibits.exceptions(found.iloc[:0], caption="", currency="", source="", missing=EVIL).html,
        exhibits.figure(None, alt=EVIL).html,
        exhibits.figure(_chart(), alt=EVIL).html,
        grids.grid(grid, currency=EVIL, cycle=CYCLE).html,
        logs.assumptions(register).html,
    ]
    for html in shown:
        assert "<script" not in html
        assert "&lt;script" in html


def test_a_table_shows_the_first_rows_and_says_where_the_rest_is():
    frame = pd.DataFrame({"item": list("abcd"), "quantity": [1200.0, 0.0, np.nan, -3.0]})
    html = _table(frame, rows=3, source="sales")
    shown, hidden = html.split('<tbody class="rest" hidden>')
    assert _cells(shown) == ["Item", "Units", "a", "1,200", "b", "0", "c", "–"]
    assert _cells(hidden) == ["d", "−3"]  # there for the page's script, unseen without it
    assert "and 1 more row, in sales.parquet" in html
    assert 'class="t1"' in html  # the first column is text, the others are numbers
    html = _table(frame, rows=3, source="sales", rest="below")
    assert '<p class="source rest"><span>and 1 more row<i class="paper">, below</i></span>' in html
    assert '<p class="source"><span>Source: sales.parquet</span>' in _table(
        frame, source="sales", rest="below"
    )


def test_a_column_has_one_number_of_decimals_and_large_money_is_in_thousands():
    frame = pd.DataFrame(
        {
            "item": ["a", "b"],
            "quantity": [12.25, 3.0],
            "money": [1_234_567.0, -400.0],
            "share": [0.25, 0.031],
        }
    )
    html = _table(
        frame,
        columns={"item": "Item", "quantity": "Units", "money": "Gap", "share": "Share"},
        kinds={"quantity": "quantity", "money": "signed_value", "share": "rate"},
        currency="EUR",
    )
    assert _cells(html)[4:] == ["a", "12.2", "+1,235", "25.0%", "b", "3.0", "0", "3.1%"]
    assert "Gap <small>k EUR</small>" in html


def test_a_column_may_hold_several_kinds():
    frame = pd.DataFrame(
        {
            "item": ["wape", "cover", "lead", "sum"],
            "quantity": [0.25, 1.5, 41.0, 2e6],
            "unit": ["rate", "months", "days", "value"],
        }
    )
    html = _table(frame, kinds={"quantity": "unit"}, currency="EUR")
    assert _cells(html)[3::2] == ["25%", "1.5 months", "41 days", "2.0 M EUR"]


def test_unknown_columns_and_kinds_name_the_nearest():
    frame = pd.DataFrame({"item": ["a"], "quantity": [1.0]})
    with pytest.raises(months.UsageError, match="Nearest: 'quantity'"):
        _table(frame, columns={"quantitty": "Units"})
    with pytest.raises(months.UsageError, match="Nearest: 'signed_rate'"):
        _table(frame, kinds={"quantity": "signed_rat"})


def test_what_repeats_is_said_once():
    frame = pd.DataFrame({"item": list("aab"), "state": ["x", "y", "y"]})
    html = _table(frame, columns={"item": "Item", "state": "State"}, kinds={}, once=("item",))
    seen = re.sub("<span[^>]*clip-path[^>]*>.*?</span>", "", html)  # what is only read aloud
    assert _cells(seen)[2:] == ["a", "x", "", "y", "b", "y"]
    assert html.count('<tr class="more">') == 1


def test_a_name_not_written_again_is_still_read_aloud():
    frame = pd.DataFrame({"item": [EVIL, EVIL, "b"], "state": list("xyz")})
    html = _table(frame, columns={"item": "Item", "state": "State"}, kinds={}, once=("item",))
    heads = re.findall('<th scope="row">(?:<span style="([^"]*)">)?([^<]*)<', html)
    looks, words = zip(*heads, strict=True)
    assert [unescape(word) for word in words] == [EVIL, EVIL, "b"]
    assert [bool(look) for look in looks] == [False, True, False] and "clip-path" in looks[1]


def test_frames_of_charts_are_told_apart_by_what_they_show():
    html = exhibits.figure(_chart(), alt="Demand by month").html
    assert html.startswith('<figure class="chart"><div class="frame" tabindex="0" role="region" ')
    assert 'aria-label="Chart: Demand by month"' in html


def test_exceptions_rank_what_is_material_and_sum_up_the_rest():
    frame = pd.DataFrame(
        {
            "subject": list("abcd"),
            "finding": "late",
            "amount_value": [20_000.0, -90_000.0, np.nan, 4_000.0],
            "proposal": "hurry",
            "is_material": [True, True, True, False],
        }
    )
    words = {"caption": "Late", "currency": "EUR", "source": "late", "missing": "Nothing."}
    html = exhibits.exceptions(frame, **words).html
    assert re.findall(r'<th scope="row">(.)', html) == ["b", "a", "c"]
    assert "not shown: 1, worth 4,000\u00a0EUR" in html
    small = exhibits.exceptions(frame.iloc[3:], **words).html
    assert "No exception is above materiality." in small
    assert exhibits.exceptions(frame.iloc[:0], **words).html == '<p class="missing">Nothing.</p>'


def test_nothing_to_show_is_said_in_words():
    empty = pd.DataFrame({"item": [], "quantity": []})
    assert _table(empty, missing="No sales yet.") == '<p class="missing">No sales yet.</p>'
    assert exhibits.figure(None, alt="Revenue by month", missing="No budget.").html == (
        '<p class="missing">No budget.</p>'
    )
    assert "missing" in grids.grid(pd.DataFrame(columns=sop.COLUMNS), currency="", cycle=CYCLE).html
    none = pd.DataFrame(columns=["kind", "statement", "owner", "quality", "impact", "status"])
    none = none.assign(finding="", amount_value=0.0)
    assert "data/raw/assumptions.csv" in logs.assumptions(none).html


def _chart() -> Figure:
    drawn = Figure(figsize=(4, 2))
    axes = drawn.subplots()
    axes.plot([1, 2, 3], [3, 1, 2])
    axes.set_title("Demand, units")
    axes.set_clip_path(axes.patch)
    return drawn


def test_the_same_chart_gives_the_same_bytes_with_text_as_text():
    first, second = (exhibits.figure(_chart(), alt="Demand by month").html for _ in range(2))
    assert first == second
    picture = base64.b64decode(re.search('base64,([^"]+)', first)[1]).decode()
    assert "Demand, units</text>" in picture
    assert 'alt="Demand by month"' in first


def test_an_alt_text_too_short_raises():
    for drawn in (_chart(), None):
        with pytest.raises(months.UsageError, match="too short"):
            exhibits.figure(drawn, alt="chart  ")


def _grid() -> pd.DataFrame:
    rows = []
    for family, size in (("Tents", 1.0), ("Company", 10.0)):
        for month in months.closed(CYCLE, 6).union(months.span(CYCLE, 14)):
            planned = month >= CYCLE
            rows += [
                (family, "Sales", sop.NOW, month, 1000 * size, False),
                (family, "Supply", sop.NOW, month, 1111 * size, planned),
                (family, "Inventory", sop.NOW, month, -222 * size if planned else 5, False),
                (family, "Revenue", sop.NOW, month, 50_000 * size, False),
            ]
            rows += [(family, "Revenue", "Budget", month, 55_000 * size, False)] if planned else []
    return pd.DataFrame(rows, columns=sop.COLUMNS)


def test_the_grid_shows_company_first_open_and_families_closed():
    html = grids.grid(_grid(), currency="EUR", cycle=CYCLE).html
    assert html.index(">Company<") < html.index(">Tents<")
    opened = re.findall('<details data-f="([^"]*)"( open)?>', html)
    assert opened == [("Company", " open"), ("Tents", "")]
    summary = re.search("<summary>.*?Tents.*?</summary>", html)[0]
    assert all(text in summary for text in (">12,000<", ">600<", ">−60 ", "−9.1%"))
    assert html.count("</thead>") == html.count('class="years"') == 2


def test_grid_cells_hold_amounts_marks_and_shortages():
    html = grids.grid(_grid(), currency="EUR", cycle=CYCLE).html
    tents = html[html.index(">Tents<") :]
    lines = {
        re.search("<th[^>]*>(.*?)</th>", line)[1]: re.findall("<td>(.*?)</td>", line)
        for line in tents[: tents.index('class="group"><th scope="rowgroup">Revenue')].split("<tr")
        if "<td>" in line and "rowgroup" not in line
    }
    assert lines[sop.NOW] == ["5"] * 6 + ["<b>−222</b>"] * 14
    assert tents.count("<td><i>1,111</i></td>") == 14
    assert "Revenue <small>k EUR</small>" in tents
    budget = re.search(r">Budget</th>(.*?)</tr>", tents)[1]
    assert budget == "<td></td>" * 6 + "<td>55</td>" * 14


def test_the_grid_says_that_there_is_no_last_plan_yet():
    first = grids.grid(_grid(), currency="EUR", cycle=CYCLE).html
    assert "no last plan yet" in first and ">Last plan<" not in first
    again = pd.concat([_grid(), _grid().query("measure == 'Sales'").assign(row=sop.LAST)])
    second = grids.grid(again, currency="EUR", cycle=CYCLE).html
    assert "no last plan yet" not in second and ">Last plan<" in second


def test_a_family_without_money_has_dashes_in_its_summary():
    rows = _grid().query("measure == 'Inventory' and family == 'Tents'")
    html = grids.grid(rows, currency="EUR", cycle=CYCLE).html
    assert re.search("<summary>.*?</summary>", html)[0].count(">–<") == 3


def test_exhibits_carry_no_ids_and_do_not_change_their_tables():
    rows = _grid()
    kept = rows.copy()
    html = grids.grid(rows, currency="EUR", cycle=CYCLE).html
    pd.testing.assert_frame_equal(rows, kept)
    frame = pd.DataFrame({"item": ["a"], "quantity": [1.0]})
    assert " id=" not in html + _table(frame)


def test_assumptions_red_on_both_come_first():
    rows = [
        ("A1", "green", "red"),
        ("A2", "red", "amber"),
        ("A3", "red", "red"),
        ("A4", None, None),
    ]
    register = pd.DataFrame(rows, columns=["statement", "quality", "impact"]).assign(
        kind="assumption", owner="A. Lund", status="held", finding="", amount_value=np.nan
    )
    html = logs.assumptions(register).html
    assert re.findall(r'<th scope="row">(A\d)', html) == ["A3", "A2", "A1", "A4"]
    assert '<tr class="alert"><th scope="row">A3' in html
    assert html.count('<span class="chip red">red</span>') == 4


def test_a_broken_assumption_comes_before_all_with_the_money_that_rests_on_it():
    register = pd.DataFrame(
        {
            "statement": ["A1", "A2"],
            "quality": ["red", "green"],
            "impact": ["red", "green"],
            "status": ["held", "broken"],
            "finding": ["", "demand(months=3) < 5"],
            "amount_value": [np.nan, 1_250_000.0],
        }
    ).assign(kind="assumption", owner="A. Lund")
    html = logs.assumptions(register, currency="EUR").html
    assert re.findall(r'<th scope="row">(A\d)', html) == ["A2", "A1"]
    assert html.count('<tr class="alert">') == 2
    assert '<span class="chip red">broken</span>' in html
    assert "1,250" in html and "demand(months=3) &lt; 5" in html


def test_an_exhibit_says_in_plain_words_what_it_is():
    shown = exhibits.note("Read < and > from left to right.")
    assert repr(shown) == "Exhibit('Read < and > from left to right.')"
    assert shown._repr_html_() == shown.html


# amounts to the cent, and the grid's unit


def test_exact_amounts_show_the_cent_and_signed_ones_a_plus():
    assert exhibits.format_amount(1234.5, "exact") == "1,234.50"
    assert exhibits.format_amount(0.5, "signed_exact").startswith("+0.50")
    assert exhibits.format_amount(-0.01, "signed_exact").endswith("0.01")
    assert exhibits.format_amount(1e6, "exact") == "1,000,000.00"  # however large


def test_the_grid_says_what_its_quantities_are_counted_in():
    cycle = pd.Timestamp("2026-01-01")
    table = pd.DataFrame(
        {
            "family": "Company",
            "measure": ["Sales", "Revenue"],
            "row": "Actual / new plan",
            "month": cycle,
            "amount": [5.0, 5000.0],
            "is_last_plan": False,
        }
    )
    html = str(grids.grid(table, currency="EUR", cycle=cycle, unit="standard bags").html)
    assert "standard bags" in html and "k EUR" in html
    assert "units" in str(grids.grid(table, currency="EUR", cycle=cycle).html)


def test_money_columns_of_one_table_have_one_scale():
    frame = pd.DataFrame({"outlook_value": [26_300.0], "variance_value": [2_342.0]})
    columns = {"outlook_value": "Outlook", "variance_value": "Less budget"}
    kinds = {"outlook_value": "value", "variance_value": "signed_value"}
    html = exhibits.table(
        frame, caption="Quarters", columns=columns, kinds=kinds, currency="EUR"
    ).html
    assert html.count("<small>k EUR</small>") == 2
    assert "26.3" in html and "+2.3" in html and "2,342" not in html


# why each forecast is what it is, and what stands in


def _reason(**other) -> dict:
    """A row of `forecast_reasons`: two models, a season, growth; what differs is given."""
    usual = {
        "item": "A",
        "location": "all",
        "channel": "all",
        "quantity": 120.0,
        "amount_value": 1200.0,
        "kind": "smooth",
        "known_months": 48,
        "models": 2,
        "first_model": "theta_log",
        "first_share": 0.7,
        "second_model": "holt",
        "second_share": 0.3,
        "third_model": "",
        "third_share": 0.0,
        "peak_month": 7.0,
        "peak_rate": 0.3,
        "trough_month": 1.0,
        "trough_rate": -0.2,
        "growth_rate": -0.043,
        "wape": 0.12,
        "naive_wape": 0.2,
    }
    return usual | other


def test_a_reason_writes_no_signed_zero():
    text = logs.reason(_reason(growth_rate=-0.001))
    assert text.endswith("Next twelve months 0% on the last twelve.")


def test_a_reason_names_models_season_and_growth_with_a_true_minus():
    text = logs.reason(_reason())
    assert text == (
        "Smooth, 48 months: Theta on logs 70%, Holt’s trend 30%. "
        "Season: July +30%, January −20%. Next twelve months −4% on the last twelve."
    )


def test_models_beyond_the_third_are_counted():
    row = _reason(models=5, first_share=0.5, second_share=0.2, third_model="sba", third_share=0.1)
    assert "Holt’s trend 20%, corrected Croston 10%, 2 more. " in logs.reason(row)


def test_a_season_of_less_than_a_twentieth_is_none_to_speak_of():
    text = logs.reason(_reason(peak_rate=0.03, trough_rate=-0.01))
    assert "No season to speak of. " in text
    assert "July" not in text and "January" not in text
    assert "Season: July +3%" in logs.reason(_reason(peak_rate=0.03, trough_rate=-0.03))


def test_where_no_model_was_able_the_reason_says_what_stands_in():
    row = _reason(models=0, first_share=0.0, second_share=0.0, first_model="", second_model="")
    assert "no model was able, so last year’s mean stands in" in logs.reason(row)
    assert "more" not in logs.reason(row)


def test_growth_that_cannot_be_told_is_left_out():
    text = logs.reason(_reason(growth_rate=np.nan))
    assert text.endswith("January −20%.")
    assert "nan" not in text and "Next twelve months" not in text


def test_reasons_rank_series_by_money_where_there_are_prices():
    rows = pd.DataFrame(
        [
            _reason(item="Small", amount_value=10.0, quantity=900.0),
            _reason(item="Large", location="North", amount_value=5000.0, quantity=1.0),
            _reason(item="Unpriced", amount_value=np.nan, quantity=9000.0),
        ]
    )
    html = logs.reasons(rows, caption="Largest", currency="EUR").html
    names = re.findall(r'<th scope="row">([^<]*)<', html)
    assert names == ["Large, North", "Small", "Unpriced"]  # places only where they say something
    assert "<small>EUR</small>" in html and "5,000" in html and "9,000" not in html
    assert "12%" in html and "20%" in html  # its error, and that of repeating last year


def test_reasons_rank_series_by_units_where_there_is_no_price():
    rows = pd.DataFrame(
        [_reason(item="Few", quantity=3.0), _reason(item="Many", quantity=9000.0)]
    ).assign(amount_value=np.nan)
    html = logs.reasons(rows, caption="Largest", currency="EUR").html
    assert re.findall(r'<th scope="row">([^<]*)<', html) == ["Many", "Few"]
    assert "9,000" in html and "EUR" not in html


def test_reasons_show_the_largest_and_count_the_rest():
    rows = pd.DataFrame([_reason(item=f"I{k:02d}", amount_value=100.0 - k) for k in range(12)])
    html = logs.reasons(rows, caption="Largest", rows=10).html
    shown, hidden = html.split('<tbody class="rest" hidden>')
    assert shown.count('<th scope="row">') == 10 and hidden.count('<th scope="row">') == 2
    assert "I00" in shown and "I09" in shown and "I10" not in shown
    assert "and 2 more rows, in forecast_reasons.parquet" in html
    before = rows.copy()
    logs.reasons(rows, caption="Largest")
    pd.testing.assert_frame_equal(rows, before)


def test_without_a_series_there_is_no_reason():
    none = pd.DataFrame([_reason()]).iloc[:0]
    assert "No series is forecast." in logs.reasons(none, caption="Largest").html


def test_names_in_reasons_and_fallbacks_are_text_and_no_markup():
    rows = pd.DataFrame([_reason(item=EVIL, channel="a < b & c")])
    html = logs.reasons(rows, caption="<b>Largest</b>").html
    assert "<script" not in html and "<b>" not in html
    assert "&lt;script&gt;" in html and "a &lt; b &amp; c" in html
    html = logs.fallbacks(_fallbacks((EVIL, "Theta", "fell", "others"))).html
    assert "<script" not in html and "&lt;script&gt;" in html


def _fallbacks(*rows: tuple) -> pd.DataFrame:
    """Table `fallbacks` from (item, words, reason, instead)."""
    table = pd.DataFrame(rows, columns=["item", "words", "reason", "instead"], dtype="str")
    return table.assign(location="all", channel="all", model="theta")


def test_models_left_out_are_counted_by_reason_the_most_series_first():
    rows = _fallbacks(
        ("A", "every model", "no month is known", "zero"),
        ("B", "Theta", "too high", "the other models"),
        ("C", "Theta", "too high", "the other models"),
        ("D", "Holt’s trend", "too high", "the other models"),
        ("E", "every model", "nothing has ever been sold", "zero"),
    )
    before = rows.copy()
    html = logs.fallbacks(rows).html
    found = [re.findall(r">([^<>\n]+)</t[hd]>", line) for line in html.split("<tr>")[2:]]
    assert found[0] == ["Theta", "2", "B", "too high", "the other models"]
    assert [row[1] for row in found] == ["2", "1", "1", "1"]
    assert ["every model", "1", "E", "nothing has ever been sold", "zero"] in found
    pd.testing.assert_frame_equal(rows, before)


def test_where_nothing_failed_the_exhibit_says_so():
    html = logs.fallbacks(_fallbacks()).html
    assert "None: every model gave every series it is for a sound forecast." in html


def test_a_change_from_next_to_nothing_says_so_in_words():
    frame = pd.DataFrame({"growth_rate": [179.179, 0.2, np.nan]})
    shared = {"caption": "Growth", "columns": {"growth_rate": "Growth"}}
    html = exhibits.table(frame, kinds={"growth_rate": "signed_rate"}, **shared).html
    assert "from next to nothing" in html and "17,917" not in html and "+20.0%" in html
    assert "17,917.9%" in exhibits.table(frame, kinds={"growth_rate": "rate"}, **shared).html


def test_where_nobody_chose_a_model_there_is_one_sentence_else_a_table_and_how_to_read_it():
    row = dict(subject="family Tents", words="Theta", author="Keller", series=116, wape=0.22)
    row |= dict(combined_wape=0.2, gain_rate=-0.02, verdict="costs", reason="nearer <b>")
    chosen = pd.DataFrame([row, row | dict(verdict="pays", gain_rate=0.02)])
    html = logs.chosen_models(chosen).html
    assert "family Tents" in html and "nearer &lt;b&gt;" in html
    assert html.count('class="alert"') == 1 and html.count("How to read it") == 1
    html = logs.chosen_models(chosen.iloc[:0]).html
    assert html.count("<p") == 1 and "<table" not in html and "sopkit choose" in html
