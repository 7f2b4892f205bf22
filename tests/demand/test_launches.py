"""What launches are planned to sell: by hand, as invariants, and beside what the sample plants."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sopkit import demand_meeting, months, sample, schema
from sopkit.demand import forecasting, intervals, launch_bounds, launches

CYCLE = pd.Timestamp("2026-01-01")
SPAN = months.span(CYCLE, 6)
PAST = months.span(pd.Timestamp("2024-01-01"), 24)


def month(text: str) -> pd.Timestamp:
    return pd.Timestamp(f"{text}-01")


def rows(amounts: dict, span: pd.DatetimeIndex, name: str = "quantity") -> pd.DataFrame:
    """The same amount, or a list of them, in each month by item and place."""
    parts = [
        pd.DataFrame({"item": item, "location": place, "channel": "all", "month": span})
        .iloc[-len(np.broadcast_to(amount, np.shape(amount) or len(span))) :]
        .assign(**{name: np.asarray(amount, dtype="float64")})
        for (item, place), amount in amounts.items()
    ]
    return pd.concat(parts, ignore_index=True)


OLD = {("A", "North"): 100.0, ("A", "South"): 50.0, ("B", "North"): 40.0}


def told(**terms) -> pd.DataFrame:
    usual = {"item": "N", "like_item": "A", "weight_share": 1.0, "scale_rate": None}
    usual |= {"replaces_item": None, "ramp_months": None}
    kinds = {"scale_rate": "float64", "ramp_months": "float64", "replaces_item": "str"}
    return pd.DataFrame([usual | terms]).astype(kinds)


def listed(first: str | None = "2026-04", **more) -> pd.DataFrame:
    table = pd.DataFrame({"item": ["A", "B", "N"], "family": "Packs"})
    ends = pd.Series(more.get("ends", [pd.NaT] * 3), dtype=months.DTYPE)
    begin = pd.Series([pd.NaT, pd.NaT, pd.NaT if first is None else month(first)])
    return table.assign(launch_month=begin.astype(months.DTYPE), end_month=ends)


def plan(told, items, past=None, means=None, endless=None):
    past = rows(OLD, PAST, "baseline") if past is None else past
    means = rows(OLD, SPAN).assign(model="theta") if means is None else means
    return launches.planned(told, items, past, means, means if endless is None else endless)


def course(table: pd.DataFrame, place: str) -> list[float]:
    own = table[(table["item"] == "N") & (table["location"] == place)]
    return own.sort_values("month")["quantity"].round(9).tolist()


def test_a_new_item_sells_like_its_like_items_with_weight_scale_and_ramp():
    known = [
        told(weight_share=0.6, scale_rate=0.5, ramp_months=2.0),
        told(like_item="B", weight_share=0.4),
        told(like_item="unknown", weight_share=0.4),
    ]
    table, sure = plan(pd.concat(known), listed())
    assert course(table, "North") == [0, 0, 0, 100 * 0.3 * 0.5 + 16, 46.0, 46.0]
    assert course(table, "South") == [0, 0, 0, 7.5, 15.0, 15.0]
    assert set(table.loc[table["item"] == "N", "model"]) == {launches.MODEL}
    assert sure["weight_share"].tolist() == [1.0, 1.0]
    assert sure["spread"].tolist() == [launches.SPREAD] * 2
    assert not table.duplicated(schema.SERIES_MONTH).any()


def test_what_the_replaced_item_still_sells_is_not_counted_twice():
    fades = {("B", "North"): [400.0, 400.0, 400.0, 60.0, 20.0, 0.0]}
    means = rows(OLD | fades, SPAN).assign(model="theta")
    table, _ = plan(told(replaces_item="B", scale_rate=0.5), listed("2026-03"), means=means)
    assert course(table, "North") == [0, 0, 0, 0, 30.0, 50.0]  # half of A's 100, less what B sells
    assert course(table, "South") == [0, 0] + [25.0] * 4


def test_launches_that_replace_one_item_take_it_off_once_by_their_size():
    both = [told(item=name, replaces_item="B", scale_rate=s) for name, s in (("N", 0.75), ("M", 1))]
    items = listed("2026-03")
    items = pd.concat([items, items.iloc[-1:].assign(item="M")], ignore_index=True)
    table, _ = plan(pd.concat(both), items)
    new = table[table["item"].isin(["M", "N"]) & (table["location"] == "North")]
    # 100 of A times 1.75, less what B still sells: 40
    assert new.groupby("month")["quantity"].sum().round(9).tolist() == [0, 0] + [135.0] * 4
    assert course(table, "North")[-1] == pytest.approx(75 * (1 - 40 / 175))


def test_a_like_item_that_ends_counts_as_if_it_did_not():
    means = rows(OLD, SPAN).assign(model="theta")
    ended = means.assign(quantity=means["quantity"].where(means["month"] <= month("2026-03"), 0.0))
    items = listed("2026-03", ends=[month("2026-03"), pd.NaT, pd.NaT])
    known = told(replaces_item="A")
    # it fades since October: what it sold from October 2024 to September 2025 counts
    faded = rows(OLD | {("A", "North"): [100.0] * 21 + [60.0, 30.0, 10.0]}, PAST, "baseline")
    table, _ = plan(known, items, past=faded, means=ended, endless=means.assign(quantity=7.0))
    assert course(table, "North") == [0, 0, 0, 100.0, 100.0, 100.0]


def test_without_a_launch_month_or_a_like_item_that_is_sold_nothing_is_planned():
    for known, items in ((told(), listed(None)), (told(like_item="X"), listed())):
        table, sure = plan(known, items)
        assert set(table["item"]) == {"A", "B"} and sure.empty
    assert plan(told(), listed("2024-12"))[1].empty  # a year ago, and never sold since


def test_a_new_item_ends_in_its_last_month():
    items = listed(ends=[pd.NaT, pd.NaT, month("2026-05")])
    assert course(plan(told(), items)[0], "South") == [0, 0, 0, 50.0, 50.0, 0]


def test_first_sales_scale_the_promise_and_models_take_over_month_by_month():
    past = rows(OLD | {("N", "North"): [150.0] * 3, ("N", "South"): [75.0] * 3}, PAST, "baseline")
    means = rows(OLD | {("N", "North"): 160.0, ("N", "South"): 80.0}, SPAN).assign(model="theta")
    table, sure = plan(told(), listed("2025-10"), past=past, means=means)
    trust = 0.25**2 / (0.25**2 + 0.25**2 / 3)  # three months of as much noise as spread
    ratio = 1.5**trust
    weight = 1.0 - 3 / 12
    expected = weight * 100 * ratio + (1 - weight) * 160
    assert course(table, "North") == pytest.approx([expected] * 6)
    assert sure["weight_share"].tolist() == [weight, weight]
    assert sure["spread"].tolist() == pytest.approx([0.25 * np.sqrt(1 - trust)] * 2)


def test_past_launches_teach_how_far_promises_are_off():
    items = pd.DataFrame({"item": list("NOPQ"), "launch_month": month("2025-01")})
    promise = rows({(n, "all"): [10.0] * 12 for n in "NOPQ"}, PAST)
    sold = {(n, "all"): [10.0 * r] * 12 for n, r in zip("NOPQ", (2, 2, 0.5, 0.5), strict=True)}
    past = rows(sold, PAST, "baseline")
    spread = launches.ratios(promise, past, items, cycle=CYCLE)[1]
    assert spread == pytest.approx(np.sqrt((4 * 0.25**2 + 4 * np.log(2) ** 2) / 8))
    nothing = launches.ratios(promise[:0], past, items, cycle=CYCLE)
    assert nothing[0].empty and nothing[1] == launches.SPREAD


@settings(max_examples=12)
@given(
    scale=st.floats(0, 3),
    ramp=st.one_of(st.none(), st.floats(0.5, 30)),
    start=st.integers(-3, 5),
    shares=st.lists(st.floats(0, 1), min_size=2, max_size=2),
)
def test_launches_are_never_negative_zero_before_their_month_and_sum_to_the_promise(
    scale, ramp, start, shares
):
    first = months.shift(CYCLE, start)
    known = [
        told(like_item=name, weight_share=share, scale_rate=scale, ramp_months=ramp)
        for name, share in zip("AB", shares, strict=True)
    ]
    items = listed(months.label(first))
    past = rows(OLD, PAST[:-3], "baseline") if start < 0 else None
    table, _ = plan(pd.concat(known), items, past=past)
    own = table[table["item"] == "N"]
    assert (own["quantity"] >= 0).all()
    assert (own.loc[own["month"] < first, "quantity"] == 0).all()
    age = months.number(SPAN) - months.number(first) + 1
    grown = np.clip(age / ramp, 0, 1) if ramp else (age > 0) * 1.0
    total = scale * (150 * shares[0] + 40 * shares[1]) * grown
    assert own.groupby("month")["quantity"].sum().to_numpy() == pytest.approx(total)


def test_the_width_of_a_launch_holds_its_like_items_scatter_and_its_own_level():
    widths = pd.DataFrame({"item": ["A", "B"], "location": "North", "channel": "all"})
    widths = widths.assign(width=[1.0, 2.0], total_width=[3.0, 4.0], kind=["smooth", "rare"])
    lags = pd.DataFrame({"kind": ["smooth", "rare"]}).merge(
        pd.DataFrame({"lag": range(6)}), how="cross"
    )
    normal = lags.merge(
        pd.DataFrame({"probability": [0.1, 0.9], "multiple": [-1.2816, 1.2816]}), how="cross"
    )
    multiples = pd.concat([normal.assign(measure=m) for m in (intervals.MONTH, intervals.TOTAL)])
    known = pd.concat([told(weight_share=0.75), told(like_item="B", weight_share=0.25)])
    north = rows({(name, "North"): OLD[name, "North"] for name in "AB"}, SPAN)
    table, sure = plan(known, listed(), means=north.assign(model="theta"))
    made = launch_bounds.widths(known, table, sure, widths, multiples)
    row = made[made["item"] == "N"].iloc[0]  # 85 units in each of three months
    assert row["kind"] == "smooth" and len(made) == 3
    assert row["width"] == pytest.approx(np.sqrt(0.75 + 0.25 * 4 + (0.125**2) * 85), rel=1e-4)
    assert row["total_width"] == pytest.approx(
        np.sqrt(0.75 * 9 + 0.25 * 16 + (0.125**2) * 255), rel=1e-4
    )
    # three times 85 units: the level they share, and the scatter of each
    total = launch_bounds.totals(table, sure, made, multiples).iloc[0]
    spread = (0.25 * total["quantity"]) ** 2 + 4 * 255 * (0.75 * 9 + 0.25 * 16)
    root = np.sqrt(total["quantity"])
    assert total["quantity"] == pytest.approx(255.0)
    assert total["quantity_upper"] == pytest.approx(
        (root + 1.28155 * np.sqrt(spread) / 2 / root) ** 2, rel=1e-4
    )


def test_planned_launches_of_the_sample_lie_near_what_is_planted(
    sample_tests, sample_tables, sample_history
):
    items, known = sample_tables["items"], sample_tables["launches"]
    ends = schema.lookup(sample_tests.history.keys["item"], items, "end_month")
    never = pd.Series(pd.NaT, ends.index, dtype=months.DTYPE)
    both = (forecasting.forecast(sample_tests, x) for x in (ends, never))
    table, _ = launches.planned(known, items, sample_history, *both)
    truth = sample.truths(0)["expected"]
    truth = truth[truth["item"].isin(known["item"])]
    both = truth.merge(table, on=schema.SERIES_MONTH, how="left", validate="one_to_one")
    sums = both.groupby("item")[["quantity_x", "quantity_y"]].sum()
    log = np.log(sums["quantity_y"] / sums["quantity_x"])
    assert len(sums) == 3 and (log.abs() < 1.645 * launches.SPREAD).all()


def test_levels_that_agree_leave_a_successor_of_what_ends_as_it_was(sample_tables, sample_history):
    family = schema.lookup(sample_history["item"], sample_tables["items"], "family")
    sold = sample_history[(family == "Tents").to_numpy()]
    price = sold[schema.SERIES].drop_duplicates().assign(unit_price_value=1.0)
    settings = {name: [setting.default] for name, setting in schema.COMPANY.items()}
    none = pd.DataFrame({"driver": [], "state": []})
    drivers = dict.fromkeys(["driver_effects", "market_rates", "origin_rates"], none)
    totals = []
    for way in ("never", "always"):
        company = pd.DataFrame(settings | {"coherence": [way]})
        own = {"demand_history": sold, "money_rates": price, "company": company}
        made = demand_meeting.forecast_demand(sample_tables | drivers | own, horizon=18)
        assert made["forecast"]["coherence"].any() == (way == "always")
        totals.append(made["launch_totals"].set_index("item").loc["TN-520", "quantity"])
    assert totals[1] == pytest.approx(totals[0], rel=0.05)


def test_a_late_launch_loses_the_months_between_and_what_the_ramp_sells_later():
    own = rows({("N", "South"): [0.0, 40.0, 80.0, 80.0, 80.0, 80.0]}, SPAN)
    own = own.assign(revenue_value=own["quantity"] * 10)
    late = pd.DataFrame({"item": ["N"], "launch_month": [SPAN[1]], "possible_month": [SPAN[3]]})
    row = launches.lost(late, told(ramp_months=2.0), own).iloc[0]
    assert row["quantity"] == 40 + 80 + 40 and row["amount_value"] == 1600.0
    assert launches.lost(late, told(), own)["quantity"].item() == 120.0  # in full at once
    unknown = launches.lost(late, told(), own.assign(item="M")).iloc[0]
    assert pd.isna(unknown["quantity"]) and pd.isna(unknown["amount_value"])
    empty = launches.lost(late.iloc[:0], told(), own)
    assert empty.empty and empty["quantity"].dtype == "float64"


def test_a_launch_has_the_series_of_its_like_items():
    known = pd.concat([told(), told(like_item="B"), told(item="M", like_item="X")])
    found = launches.keys(known, rows(OLD, PAST))
    assert found.values.tolist() == [["N", "North", "all"], ["N", "South", "all"]]


def test_like_items_weigh_in_a_launch_beside_its_models():
    key = {"item": ["A", "N"], "location": "all", "channel": "all"}
    weights = pd.DataFrame(key | {"model": "theta", "weight_share": 1.0, "error_rate": 0.5})
    sure = pd.DataFrame(key | {"weight_share": [0.5, 0.75]}).iloc[1:].assign(spread=0.2)
    table = launches.in_weights(weights, sure)
    assert table["model"].tolist() == ["theta", launches.MODEL, "theta"]
    assert table["weight_share"].tolist() == [1.0, 0.75, 0.25]
