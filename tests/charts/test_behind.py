"""Figures behind charts: read from what is drawn, named as the picture names them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from sopkit import exhibits, months
from sopkit.charts import _style, behind
from sopkit.charts._calendar import calendar
from sopkit.charts._waterfall import waterfall

MONTHS = pd.date_range("2026-01-01", periods=3, freq="MS")


def _by_month(*amounts: float) -> pd.Series:
    return pd.Series(amounts, index=MONTHS)


def test_lines_and_stacked_bars_stand_by_month_under_their_names():
    lines = {"demand plan": _by_month(5.0, 7.0, 6.0)}
    bars = {"in regular hours": _by_month(4.0, 4.0, 4.0), "in overtime": _by_month(0.0, 2.0, 1.0)}
    part = {"title": "Load", "unit": "Hours a month", "lines": lines, "bars": bars}
    (table,) = behind.behind(_style.over_time(part, height=3.0))
    assert list(table) == ["Month", "in regular hours", "in overtime", "demand plan"]
    assert table["Month"].tolist() == list(MONTHS)
    assert table["in overtime"].tolist() == [0.0, 2.0, 1.0]  # of itself, not upon the others
    assert table["demand plan"].tolist() == [5.0, 7.0, 6.0]
    assert table.attrs["kinds"] == {"Month": "month"} | dict.fromkeys(list(table)[1:], "quantity")
    assert table.attrs["units"] == dict.fromkeys(list(table)[1:], "Hours a month")


def test_what_was_drawn_is_told_and_nothing_else():
    part = {"title": "Load", "unit": "Hours", "lines": {"demand plan": _by_month(5.0, 7.0, 6.0)}}
    figure = _style.over_time(part, height=3.0)
    figure.axes[0].lines[0].set_ydata([5.0, 70.0, 6.0])
    assert behind.behind(figure)[0]["demand plan"].tolist() == [5.0, 70.0, 6.0]


def test_bars_of_names_stand_by_name_and_what_is_not_known_stays_so():
    amounts = pd.DataFrame({"late": [3.0, np.nan], "early": [1.0, -2.0]}, index=["Tents", "Stoves"])
    table = behind.whole(_style.bar_panels(amounts, "Moves", "units"))
    expected = amounts.rename_axis("Name").reset_index()
    pd.testing.assert_frame_equal(table, expected, check_dtype=False, check_like=False)


def test_a_waterfall_tells_ends_and_changes():
    figure = waterfall(
        "Why", {"before": 100.0, "after": 90.0}, [("price", 5.0), ("mix", -15.0)], "EUR"
    )
    table = behind.whole(figure).set_index("Name")
    assert table["Total"].dropna().to_dict() == {"before": 100.0, "after": 90.0}
    assert table["Change"].dropna().to_dict() == {"price": 5.0, "mix": -15.0}


def test_shaded_cells_keep_their_rows_and_months():
    wide = pd.DataFrame([[0.5, 1.0, 0.0]], index=["saw"], columns=MONTHS)
    shown = calendar(wide, "Hours", str, most=1.0, fences=months.Fences(MONTHS[0], {}, {}))
    table = behind.whole(shown)
    assert list(table) == ["Name", "Jan 2026", "Feb 2026", "Mar 2026"]
    assert table.iloc[0].tolist() == ["saw", 0.5, 1.0, 0.0]


def test_bands_tell_both_edges_and_panels_of_one_kind_stand_below_each_other():
    figure, panels = _style.small_panels(2, height=2.0)
    for axes, name in zip(panels, ("Tents", "Stoves"), strict=True):
        low, high = _by_month(1.0, 2.0, 3.0), _by_month(4.0, 5.0, 6.0)
        axes.fill_between(low.index, low, high, label="80% band")
        _style.draw(axes, name, "Units", lines={"demand plan": low + 1.0})
    table = behind.whole(figure)
    assert table["Panel"].tolist() == ["Tents"] * 3 + ["Stoves"] * 3
    assert table["80% band, high"].tolist() == [4.0, 5.0, 6.0] * 2


def test_marks_of_days_keep_their_day_and_what_is_written_beside_them():
    figure, (axes,) = _style.panels(height=2.0)
    for day, text in (("2026-01-31", "3 k"), ("2026-02-01", "5 k")):
        place = pd.Timestamp(day), 0
        axes.plot(*place, "o", label="in time")
        _style.say(axes, text, place)
    axes.set_yticks([0], ["Fabric"])
    table = behind.whole(figure)
    assert list(table) == ["Name", "What", "Day", behind.WRITTEN]
    assert table["Day"].tolist() == ["2026-01-31", "2026-02-01"]
    assert table[behind.WRITTEN].tolist() == ["3 k", "5 k"]


def test_a_level_line_of_an_unknown_amount_is_left_out():
    axes = Figure().subplots()
    axes.hlines([5.0, np.nan], [-0.4, 0.6], [0.4, 1.4], label="budget")
    axes.set_xticks(range(2), ["A", "B"])
    (table,) = behind.behind(axes.figure)
    assert table["budget"].tolist() == [5.0]


def test_figures_say_their_unit_above_the_table_and_in_each_head_of_its_file():
    part = {
        "title": "Load",
        "unit": "Hours a month",
        "lines": {"demand plan": _by_month(5.0, 7.0, 6.0)},
    }
    shown = exhibits.figure(_style.over_time(part, height=3.0), alt="Load by month")
    assert "<summary>Figures of this chart, Hours a month</summary>" in shown.html
    heads = [column["heading"] for column in shown.tables[0]["columns"]]
    assert heads == ["Month", "demand plan, Hours a month"]
