"""People accept or refuse corrections: by name, by levels, by month; the latest row counts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sopkit import contract, months, schema
from sopkit.demand import corrections, hierarchy, history, level_shifts, lost_sales

FIRST, COUNT = pd.Timestamp("2022-01-01"), 48
CYCLE = months.shift(FIRST, COUNT)
SPAN = months.span(FIRST, COUNT)


def _made() -> dict:
    """Four series: returns, a stock-out, an outlier, orders, a silent stock-out and a step."""
    rng = np.random.default_rng(3)
    rows = pd.DataFrame(
        [(i, c, m) for i in ("A", "B") for c in ("Web", "Shop") for m in SPAN],
        columns=["item", "channel", "month"],
    )
    rows["quantity"] = rng.poisson(100, len(rows)).astype(float)
    rows["is_stockout"], rows["ordered_quantity"] = False, np.nan
    a_web, b_web = (rows["item"] == "A") & (rows["channel"] == "Web"), rows["item"] == "B"
    b_web &= rows["channel"] == "Web"
    place = rows["month"].map({month: k for k, month in enumerate(SPAN)})
    rows.loc[a_web & (place == 5), "quantity"] = -7.0
    rows.loc[(rows["item"] == "A") & (place == 20), ["quantity", "is_stockout"]] = [10.0, True]
    rows.loc[a_web & (place == 30), "quantity"] = 900.0
    rows.loc[b_web & (place == 12), "ordered_quantity"] = 130.0
    rows.loc[b_web & (place == 40), "quantity"] = 20.0
    is_after = (rows["item"] == "B") & (rows["channel"] == "Shop") & (place >= 24)
    rows["quantity"] = rows["quantity"].where(~is_after, rows["quantity"] * 0.5)
    sales = contract.check_table("sales", rows, contract.Source("sales")).frame
    items = pd.DataFrame({"item": ["A", "B"], "family": ["F", "G"]})
    items = contract.check_table("items", items, contract.Source("items")).frame
    stock = pd.DataFrame({"item": "B", "month": SPAN, "on_hand": [0.0 if k == 40 else 9.0
                          for k in range(COUNT)]})  # fmt: skip
    stock = contract.check_table("inventory", stock, contract.Source("inventory")).frame
    none = {name: contract.empty(name) for name in ("locations", "channels", "events")}
    found = history.demand_history(sales, items, cycle=CYCLE)
    cells = hierarchy.with_levels(
        found[schema.SERIES_MONTH], items, none["locations"], none["channels"]
    )
    silent = lost_sales.silent(found, stock, items, none["locations"])
    shifts = level_shifts.found(found, cells, items, items, none["events"])
    rates = found[schema.SERIES].drop_duplicates().assign(unit_price_value=2.0)
    return {"found": found, "silent": silent, "shifts": shifts, "cells": cells, "items": items,
            "rates": rates}  # fmt: skip


MADE = _made()


def policies(*rows: dict) -> pd.DataFrame:
    """Table `policies`, typed; each row says layer, is_accepted and what differs."""
    usual = {"kind": "layer", "cycle": "2026-01", "reason": "known", "author": "Ada"}
    usual |= {"entered_at": "2026-01-05T10:00:00Z"}
    frame = pd.DataFrame([usual | row for row in rows])
    return contract.check_table("policies", frame, contract.Source("policies")).frame


NONE = contract.empty("policies")


def settled(said: pd.DataFrame) -> pd.DataFrame:
    return corrections.settled(MADE["found"], MADE["silent"], MADE["shifts"], said, MADE["cells"])


def listed(said: pd.DataFrame) -> pd.DataFrame:
    bounds = lost_sales.bounds(MADE["found"], MADE["items"])
    known = (MADE["found"], MADE["silent"], MADE["shifts"], said, MADE["cells"])
    return corrections.listed(*known, bounds, MADE["rates"])


def named(table: pd.DataFrame, layer: str, state: str) -> pd.DataFrame:
    return table[(table["layer"] == layer) & (table["state"] == state)]


def adds_up(table: pd.DataFrame) -> None:
    whole = table[["sales", *history.LAYERS]].sum(axis=1)
    np.testing.assert_allclose(whole, table["demand"], atol=1e-9)
    whole = table["baseline"] + table[history.EFFECTS].sum(axis=1)
    np.testing.assert_allclose(whole, table["demand"], atol=1e-9)
    assert (table["demand"] >= -1e-9).all() and (table["baseline"] >= -1e-9).all()


def test_everything_planted_is_listed_once_with_a_name_and_its_state():
    table = listed(NONE)
    assert table["correction"].is_unique
    assert table["correction"].str.fullmatch("C[2-9B-Z]{5}").all()
    states = table.groupby(["layer", "state"]).size().to_dict()
    assert states == {
        ("returns", "applied"): 1, ("unfilled", "applied"): 1, ("stockout", "applied"): 2,
        ("outlier", "applied"): states[("outlier", "applied")], ("stockout", "proposed"): 1,
        ("level_shift", "proposed"): 1,
    }  # fmt: skip
    assert table["amount_value"].abs().is_monotonic_decreasing
    assert (table["amount_value"] == 2.0 * table["quantity"]).all()
    applied = table[table["state"] == "applied"].groupby("layer")["quantity"].sum()
    for layer in history.LAYERS:
        assert applied[layer] == pytest.approx(MADE["found"][layer].sum())


def test_without_a_word_the_history_is_what_was_found():
    pd.testing.assert_frame_equal(settled(NONE), MADE["found"])


def test_refused_corrections_leave_what_was_sold_and_a_stock_out_that_is_none_is_judged():
    said = [{"layer": name, "is_accepted": "false"} for name in ("unfilled", "stockout", "outlier")]
    table = settled(policies(*said))
    raw = np.maximum(table["sales"], 0.0)
    np.testing.assert_allclose(table["demand"], raw)
    np.testing.assert_allclose(table["baseline"], raw)
    assert not table["is_stockout"].any()
    adds_up(table)


def test_one_name_changes_its_own_month_and_can_be_taken_back():
    outlier = named(listed(NONE), "outlier", "applied").iloc[0]
    row = corrections.rows(listed(NONE), (), (outlier["correction"],)).iloc[0].to_dict()
    said = policies(row | {"month": outlier["month"].strftime("%Y-%m")})
    table = settled(said)
    moved = table["demand"] != MADE["found"]["demand"]
    own = (table["item"] == "A") & (table["channel"] == "Web") & (table["month"] == SPAN[30])
    assert (moved == own).all() and table.loc[own, "demand"].item() == 900.0
    again = listed(said)
    line = again[again["correction"] == outlier["correction"]].iloc[0]
    assert (line["state"], line["author"], line["note"]) == ("refused", "Ada", "known")
    assert line["quantity"] == outlier["quantity"]  # what it would be stays told
    with pytest.raises(months.UsageError, match="was refused by Ada already"):
        corrections.rows(again, (), (outlier["correction"],))
    later = {"entered_at": "2026-01-06T10:00:00Z", "is_accepted": "true"}
    back = {"layer": "outlier", "item": "A"} | later
    whole = policies(row | {"month": outlier["month"].strftime("%Y-%m")}, back)
    pd.testing.assert_frame_equal(settled(whole), MADE["found"])


def test_a_silent_stock_out_counts_once_it_is_accepted():
    line = named(listed(NONE), "stockout", "proposed").iloc[0]
    assert (line["item"], line["channel"], line["month"]) == ("B", "Web", SPAN[40])
    assert 60 < line["quantity"] < 100  # 20 of some 100 were sold
    own = corrections.rows(listed(NONE), (line["correction"],), ()).iloc[0].to_dict()
    table = settled(policies(own | {"month": "2025-05"}))
    at = (table["item"] == "B") & (table["channel"] == "Web") & (table["month"] == SPAN[40])
    assert table.loc[at, "demand"].item() == pytest.approx(20.0 + line["quantity"])
    assert table.loc[at, "is_stockout"].item() and table.loc[at, "outlier"].item() == 0.0
    adds_up(table)


def test_an_accepted_step_brings_the_months_before_to_the_level_of_now():
    shift = MADE["shifts"].iloc[0]
    assert (shift["item"], shift["channel"], shift["family"]) in {("B", "Shop", "G"),
                                                                  ("all", "Shop", "G")}  # fmt: skip
    assert shift["month"] == SPAN[24] and shift["rate_lower"] < -0.5 < shift["rate_upper"]
    table = settled(policies({"layer": "level_shift", "is_accepted": "true", "channel": "Shop"}))
    own = table[(table["item"] == "B") & (table["channel"] == "Shop")]
    before, after = own[own["month"] < SPAN[24]], own[own["month"] >= SPAN[24]]
    assert before["baseline"].mean() == pytest.approx(after["baseline"].mean(), rel=0.1)
    assert (after["level_shift"] == 0).all()
    others = table.drop(own.index)
    assert (others["level_shift"] == 0).all()
    adds_up(table)


def test_the_later_cycle_wins_whenever_it_was_entered_and_no_month_means_every_month():
    old = {"layer": "outlier", "is_accepted": "false", "entered_at": "2026-03-01T00:00:00Z"}
    new = {"layer": "outlier", "is_accepted": "true", "cycle": "2026-02", "channel": "Web",
           "entered_at": "2026-02-01T00:00:00Z"}  # fmt: skip
    cells = MADE["cells"]
    no = corrections.refused(policies(old, new), cells, "outlier")
    assert (no == (cells["channel"] == "Shop")).all()
    assert not corrections.refused(policies(old), cells, "stockout").any()
    monthly = policies(old | {"month": "2022-03", "family": "G"})
    no = corrections.refused(monthly, cells, "outlier")
    assert (no == ((cells["month"] == SPAN[2]) & (cells["family"] == "G"))).all()


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "layer": st.sampled_from(["stockout", "outlier", "unfilled", "level_shift"]),
            "is_accepted": st.sampled_from(["true", "false"]),
            "item": st.sampled_from(["A", "B", None]),
            "family": st.sampled_from(["F", None]),
            "channel": st.sampled_from(["Web", None]),
            "month": st.sampled_from(["2023-09", "2024-07", "2025-05", None]),
            "cycle": st.sampled_from(["2025-12", "2026-01"]),
            "author": st.sampled_from(["Ada", "Ole"]),
        }
    ),
    min_size=1,
    max_size=6,
    unique_by=str,
)


@settings(max_examples=12)
@given(ROWS, st.randoms(use_true_random=False))
def test_the_history_adds_up_whatever_is_said_and_in_whatever_order(rows, shuffled):
    said = policies(*rows)
    table = settled(said)
    adds_up(table)
    order = list(range(len(said)))
    shuffled.shuffle(order)
    pd.testing.assert_frame_equal(settled(said.iloc[order]), table)
    layer = rows[0]["layer"]
    told = corrections.verdicts(said, MADE["cells"], layer)["is_accepted"]
    for k in (20, 100, 178):  # the same, row by row
        cell, last = MADE["cells"].iloc[k], None
        for row in said.sort_values(["cycle", "entered_at", "author"]).to_dict("records"):
            names = [n for n in ("item", "family", "channel") if row[n] not in (schema.ALL, None)]
            covers = all(pd.isna(row[n]) or row[n] == cell[n] for n in names)
            covers &= pd.isna(row["month"]) or row["month"] == cell["month"]
            if covers and row["layer"] == layer:
                same = last is not None and last["author"] == row["author"]
                tied = same and last["cycle"] == row["cycle"]
                last = row if not tied else last | {"is_accepted": None}
        if last is None:
            assert pd.isna(told.iloc[k])
        elif last["is_accepted"] is not None:  # of a tie only the order matters, tested above
            assert bool(told.iloc[k]) == bool(last["is_accepted"])


def test_unknown_names_and_returns_are_refused_with_a_remedy():
    table = listed(NONE)
    name = table["correction"].iloc[0]
    with pytest.raises(months.UsageError, match=f"Did you mean '{name}'"):
        corrections.rows(table, (name[:-1] + "x",), ())
    with pytest.raises(months.UsageError, match="both accepted and refused"):
        corrections.rows(table, (name,), (name,))
    returned = named(table, "returns", "applied")["correction"].iloc[0]
    with pytest.raises(months.UsageError, match="never below zero"):
        corrections.rows(table, (), (returned,))
    with pytest.raises(months.UsageError, match="Did you mean 'outlier'"):
        corrections.rows_of_levels("outliers", {}, None, is_accepted=False)
