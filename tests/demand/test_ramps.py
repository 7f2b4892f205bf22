"""Ramps of past launches: by hand, as invariants, and beside what the sample plants."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months, schema
from sopkit.demand import ramps

SPAN = months.span(pd.Timestamp("2021-01-01"), 48)


def items(**first: str | None) -> pd.DataFrame:
    table = pd.DataFrame({"item": list(first), "family": "Tents"})
    begin = pd.Series([pd.NaT if at is None else pd.Timestamp(f"{at}-01") for at in first.values()])
    return table.assign(
        launch_month=begin.astype(months.DTYPE), end_month=pd.Series(dtype=months.DTYPE)
    )


def history(**sold: np.ndarray) -> pd.DataFrame:
    parts = [
        pd.DataFrame({"item": item, "month": SPAN[-len(units) :], "baseline": units})
        for item, units in sold.items()
    ]
    return pd.concat(parts, ignore_index=True)


SEASON = 1.0 + 0.5 * np.sin(np.arange(48) * np.pi / 6) + np.arange(48) / 48


def test_season_and_growth_fall_out_and_one_launch_is_drawn_to_selling_in_full():
    grown = np.clip((np.arange(36) + 1) / 4, 0, 1)
    table = ramps.learned(
        history(A=100 * SEASON, N=30 * SEASON[12:] * grown), items(A=None, N="2022-01")
    )
    whole = table[table["family"] == schema.ALL].set_index("age")["share"]
    assert whole.loc[:4].tolist() == pytest.approx([0.625, 0.75, 0.875, 1, 1])  # with one of 1
    own = table[table["family"] == "Tents"].set_index("age")["share"]
    assert own.loc[:3].tolist() == pytest.approx([0.4375, 0.625, 0.8125, 1])  # with the company's
    assert (table["launches"] == 1).all()
    contract.check_processed("launch_ramps", table)


def test_shares_never_fall_and_lie_within_their_bounds(sample_history, sample_tables):
    table = ramps.learned(sample_history, sample_tables["items"])
    assert (table.groupby("family")["share"].diff().fillna(0.0) >= 0).all()
    assert table["share"].between(0, 1).all()
    assert (table["share_lower"] < table["share"]).all()
    assert (table["share"] < table["share_upper"]).all()
    # planted: a launch grows over six months, from a fifth of its level
    whole = table[(table["family"] == schema.ALL) & (table["launches"] >= 3)].set_index("age")
    assert whole.loc[0, "share"] < 0.5 and whole.loc[6, "share"] > 0.9


def test_what_is_not_told_by_its_family_is_by_the_company_and_beyond_a_year_in_full():
    curves = pd.DataFrame({"family": ["all", "Tents"], "age": 0, "share": [0.5, 0.2]})
    family, age = pd.Series(["Tents", "Packs", None, "Tents"]), pd.Series([0, 0, 0, 12])
    assert ramps.share(family, age, curves).tolist() == [0.2, 0.5, 0.5, 1.0]
    assert ramps.share(family, age, None).tolist() == [1.0] * 4


def test_without_a_past_launch_nothing_is_learned():
    nothing = ramps.learned(history(A=SEASON), items(A=None))
    young = ramps.learned(history(A=SEASON, N=SEASON[-5:]), items(A=None, N="2024-08"))
    for table in (nothing, young):
        assert table.empty and table["share"].dtype == "float64"
