"""Who gets what there is: shares conserve supply, and each rule keeps its word."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from sopkit import contract, months, schema
from sopkit.supply import allocation

CYCLE = pd.Timestamp("2026-01-01")
CHANNELS = pd.DataFrame(
    {
        "channel": ["web", "shop", "trade"],
        "priority": [1.0, 2.0, np.nan],
        "contract_rate": [np.nan, 0.0, 0.4],
    }
)
NOBODY = CHANNELS[:0]


def wanted_of(**series: list) -> pd.DataFrame:
    """From ``sites.series_demand``: of item A, ``place_channel=[demand by month]``."""
    rows = [
        ("A", *name.split("_"), month, units, "plant")
        for name, own in series.items()
        for month, units in zip(months.span(CYCLE, len(own)), own, strict=True)
    ]
    table = pd.DataFrame(rows, columns=[*schema.SERIES_MONTH, "demand", "site"])
    return table.astype({"demand": "float64"}).assign(refused=0.0)


def delivered_of(wanted: pd.DataFrame, deliverable: list, owed: float = 0.0) -> pd.DataFrame:
    """Table `deliveries` of the plant, with what was owed before."""
    demand = wanted.groupby("month")["demand"].sum()
    given_units = np.asarray(deliverable, dtype="float64")
    return pd.DataFrame(
        {
            "item": "A",
            "location": "plant",
            "month": demand.index,
            "demand": demand.to_numpy(),
            "deliverable": given_units,
            "lost": 0.0,
            "owed": owed + np.cumsum(demand.to_numpy() - given_units),
        }
    )


def rates_of(wanted: pd.DataFrame, *margins: float) -> pd.DataFrame:
    keys = wanted[schema.SERIES].drop_duplicates(ignore_index=True)
    margin = list(margins) or 1.0
    return keys.assign(unit_price_value=10.0, unit_cost_value=np.subtract(10.0, margin))


def shared(wanted, delivered, rule, *margins, channels=CHANNELS) -> pd.DataFrame:
    table = allocation.allocation(
        wanted, delivered, channels, rates_of(wanted, *margins), rule=rule
    )
    contract.check_processed("allocation", table)
    return table


def wide(table: pd.DataFrame, name: str) -> list:
    return table.pivot(index="month", columns="channel", values=name)[
        [c for c in CHANNELS["channel"] if c in set(table["channel"])]
    ].to_numpy().round(9).tolist()  # fmt: skip


# (1) by hand


def test_each_rule_by_hand():
    wanted = wanted_of(N_web=[10], N_shop=[10], N_trade=[20])
    delivered = delivered_of(wanted, [16])

    def got(rule: str) -> list:
        return wide(shared(wanted, delivered, rule, 3.0, 5.0, 4.0), "delivered")[0]

    assert got("fair share") == [4.0, 4.0, 8.0]
    assert got("priority") == [10.0, 6.0, 0.0]
    assert got("margin") == [0.0, 10.0, 6.0]  # the shop's margin is the largest, then trade's
    assert got("contract") == [8.0, 0.0, 8.0]  # two fifths of trade's demand first


def test_what_waits_is_served_before_new_demand_of_the_same_series_by_hand():
    wanted = wanted_of(N_web=[10, 10], N_shop=[10, 10])
    table = shared(wanted, delivered_of(wanted, [12, 25]), "priority")
    assert wide(table, "delivered") == [[10.0, 2.0], [10.0, 15.0]]
    assert wide(table, "owed") == [[0.0, 8.0], [0.0, 3.0]]
    assert wide(table, "on_time") == [[10.0, 2.0], [10.0, 7.0]]


def test_what_was_owed_before_is_shared_like_the_demand_of_the_first_months():
    wanted = wanted_of(N_web=[3, 0, 0, 90], N_shop=[1, 0, 0, 0])
    table = shared(wanted, delivered_of(wanted, [8, 4, 0, 90], owed=8.0), "fair share")
    assert wide(table, "delivered")[:2] == [[6.0, 2.0], [3.0, 1.0]]


def test_contracts_are_cut_in_proportion_where_even_they_exceed_what_there_is():
    channels = CHANNELS.assign(contract_rate=[0.5, 0.0, 1.0])
    wanted = wanted_of(N_web=[10], N_shop=[50], N_trade=[15])
    table = shared(wanted, delivered_of(wanted, [4]), "contract", channels=channels)
    assert wide(table, "delivered") == [[1.0, 0.0, 3.0]]


def test_a_sale_is_lost_by_those_who_do_not_get_it():
    wanted = wanted_of(N_web=[10, 4], N_shop=[10, 4])
    delivered = delivered_of(wanted, [12, 8]).assign(lost=[8.0, 0.0], owed=0.0)
    table = shared(wanted, delivered, "priority")
    assert wide(table, "lost") == [[0.0, 8.0], [0.0, 0.0]]
    assert wide(table, "owed") == [[0.0, 0.0], [0.0, 0.0]]
    assert wide(table, "delivered") == [[10.0, 2.0], [4.0, 4.0]]


def test_an_item_without_deliveries_is_delivered_as_wanted_and_a_passing_site_serves_all():
    wanted = wanted_of(N_web=[6], N_shop=[2])
    nothing = delivered_of(wanted, [0])[:0]
    assert wide(shared(wanted, nothing, "contract"), "delivered") == [[6.0, 2.0]]
    mill = delivered_of(wanted, [4]).assign(location="mill", demand=0.0, owed=0.0)
    both = pd.concat([delivered_of(wanted, [8]), mill], ignore_index=True)
    assert wide(shared(wanted, both, "priority"), "delivered") == [[9.0, 3.0]]


def test_no_plan_gives_an_empty_typed_table_and_no_channels_one_row_a_rule():
    wanted = wanted_of(N_all=[6, 2])
    delivered = delivered_of(wanted, [5, 3])
    assert shared(wanted[:0], delivered[:0], "contract").empty
    rates = rates_of(wanted).assign(planning_factor=1.0)
    table = allocation.effects(wanted, delivered, NOBODY, rates, rule="margin")
    contract.check_processed("allocation_rules", table)
    assert table["channel"].eq("all").all() and len(table) == len(allocation.RULES)
    empty = allocation.effects(wanted[:0], delivered[:0], NOBODY, rates[:0], rule="margin")
    contract.check_processed("allocation_rules", empty)
    assert empty.empty


def test_effects_of_each_rule_by_hand():
    wanted = wanted_of(N_web=[10], N_trade=[10])
    rates = rates_of(wanted, 4.0, 2.0).assign(planning_factor=2.0)
    table = allocation.effects(wanted, delivered_of(wanted, [12]), CHANNELS, rates, rule="priority")
    own = table.set_index(["rule", "channel"])
    assert table.loc[table["is_chosen"], "rule"].unique().tolist() == ["priority"]
    trade, whole = own.loc[("priority", "trade")], own.loc[("priority", "all")]
    assert trade["service_rate"] == pytest.approx(0.2)
    assert (trade["late_quantity"], trade["late_value"]) == (16.0, 80.0)
    assert trade["contract_kept_rate"] == 0.5  # 2 of 4 units
    assert own.loc[("contract", "trade"), "contract_kept_rate"] == 1.0
    assert np.isnan(own.loc[("priority", "web"), "contract_kept_rate"])
    assert (whole["late_value"], whole["margin_late_value"]) == (80.0, 16.0)
    assert own.loc[("contract", "all"), "margin_late_value"] == 6 * 2.0 + 2 * 4.0


# (3) invariants, at random

units = st.lists(st.integers(0, 1000), min_size=3, max_size=3)
FEW = settings(max_examples=25)


@st.composite
def problems(draw):
    """Three channels at two places of one site, three months, sharing what there is."""
    wanted = wanted_of(**{f"{p}_{c}": draw(units) for p in "NS" for c in CHANNELS["channel"]})
    owed = float(draw(st.integers(0, 500)))
    total, waiting, given_units = wanted.groupby("month")["demand"].sum(), owed, []
    for demand in total:
        given_units.append(draw(st.sampled_from([0.0, 0.1, 0.5, 0.8, 1.0])) * (waiting + demand))
        waiting += demand - given_units[-1]
    margins = draw(st.lists(st.integers(0, 9), min_size=6, max_size=6))
    return wanted, delivered_of(wanted, given_units, owed), margins


@FEW
@given(problems(), st.sampled_from(allocation.RULES))
def test_shares_add_up_to_what_the_site_delivers_and_nobody_gets_more_than_wanted(problem, rule):
    wanted, delivered, margins = problem
    table = shared(wanted, delivered, rule, *margins)
    sums = table.groupby("month")[["demand", "delivered", "lost", "owed"]].sum()
    expected = delivered.set_index("month")
    for name, other in zip(sums, ("demand", "deliverable", "lost", "owed"), strict=True):
        np.testing.assert_allclose(sums[name], expected[other], atol=1e-6)
    assert (table[["delivered", "on_time", "owed"]] >= -1e-6).all(axis=None)
    assert (table["on_time"] <= table[["demand", "delivered"]].min(axis=1) + 1e-6).all()


@FEW
@given(problems())
def test_by_priority_nobody_gets_any_while_a_higher_rank_waits(problem):
    wanted, delivered, margins = problem
    table = shared(wanted, delivered, "priority", *margins)
    rank = table["channel"].map({"web": 0, "shop": 1, "trade": 2})
    for _, own in table.groupby("month"):
        first = rank[own.index][own["owed"] > 1e-6].min()
        assert (own.loc[rank[own.index] > first, "delivered"] < 1e-6).all()


@FEW
@given(problems())
def test_contract_minima_are_kept_wherever_supply_suffices(problem):
    wanted, delivered, margins = problem
    table = shared(wanted, delivered, "contract", *margins)
    least = 0.4 * table["demand"].where(table["channel"] == "trade", 0.0)
    for month, own in table.groupby("month"):
        there = delivered.set_index("month")["deliverable"][month]
        if there >= least[own.index].sum():
            assert (own["delivered"] >= least[own.index] - 1e-6).all()


@FEW
@given(problems())
def test_by_margin_no_other_sharing_of_the_month_earns_more(problem):
    wanted, delivered, margins = problem
    table = shared(wanted, delivered, "margin", *margins)
    keys = table[schema.SERIES].drop_duplicates()
    margin = pd.Series(margins, index=pd.MultiIndex.from_frame(keys))
    for month, own in table.groupby("month"):
        worth = margin.loc[pd.MultiIndex.from_frame(own[schema.SERIES])].to_numpy()
        most = (own["delivered"] + own["owed"]).to_numpy()  # what was wanted
        there = delivered.set_index("month")["deliverable"][month]
        best = linprog(
            -worth, np.ones((1, 6)), [there], bounds=list(zip(0 * most, most, strict=True))
        )
        assert worth @ own["delivered"] == pytest.approx(-best.fun, rel=1e-6, abs=1e-3)


def test_the_order_of_rows_changes_nothing_and_arguments_stay():
    wanted = wanted_of(N_web=[10, 5], S_shop=[10, 7], N_trade=[20, 9])
    delivered = delivered_of(wanted, [16, 20])
    before = wanted.copy(), delivered.copy()
    tables = [
        shared(w, d, "contract", 3.0, 5.0, 4.0).sort_values(schema.SERIES_MONTH, ignore_index=True)
        for w, d in ((wanted, delivered), (wanted[::-1], delivered[::-1]))
    ]
    pd.testing.assert_frame_equal(*tables)
    for kept, argument in zip(before, (wanted, delivered), strict=True):
        pd.testing.assert_frame_equal(kept, argument)


# (4) an obvious slow version


@FEW
@given(problems(), st.sampled_from(["priority", "margin"]))
def test_ranks_equal_a_slow_queue(problem, rule):
    """Series one by one in their order; equals share in proportion."""
    wanted, delivered, margins = problem
    table = shared(wanted, delivered, rule, *margins)
    keys = [tuple(row) for row in table[schema.SERIES].drop_duplicates().to_numpy()]
    order = {k: ({"web": 0, "shop": 1, "trade": 2}[k[2]] if rule == "priority" else -m)
             for k, m in zip(keys, margins, strict=True)}  # fmt: skip
    demand = wanted.set_index(schema.SERIES_MONTH)["demand"].to_dict()
    found = table.set_index(schema.SERIES_MONTH)["delivered"].to_dict()
    first = delivered.iloc[0]
    owed = first["owed"] + first["deliverable"] - first["demand"]
    waits = waiting_of(keys, demand, max(owed, 0.0))
    for row in delivered.itertuples():
        left = row.deliverable
        asked = {k: waits[k] + demand[(*k, row.month)] for k in keys}
        for rank in sorted(set(order.values())):
            tier = [k for k in keys if order[k] == rank]
            total = sum(asked[k] for k in tier)
            part = min(left / total, 1.0) if total > 0 else 0.0
            left -= part * total
            for k in tier:
                assert abs(found[(*k, row.month)] - part * asked[k]) < 1e-6
                waits[k] = asked[k] - part * asked[k]


def waiting_of(keys: list, demand: dict, owed: float) -> dict:
    """What was owed before, like the demand of all three months; alike where there is none."""
    weight = {k: sum(units for key, units in demand.items() if key[:3] == k) for k in keys}
    total = sum(weight.values())
    return {k: owed * (weight[k] / total if total > 0 else 1.0 / len(keys)) for k in keys}


@pytest.mark.parametrize("rule", allocation.RULES)
def test_refused_units_are_served_last_and_as_late_as_they_were_by_hand(rule):
    wanted = wanted_of(N_shop=[10, 14, 10], N_web=[6, 10, 10])  # the web gave way: four of January
    delivered = delivered_of(wanted, [14, 24, 22])
    refused = wanted.assign(refused=[2.0, 0, 0, 0, 0, 0])
    table = shared(refused, delivered, rule)
    assert wide(table, "delivered") == [[6, 8], [10, 14], [10, 12]]
    assert wide(table, "owed") == [[0, 2], [0, 2], [0, 0]]
    sums = table.groupby("month")[["delivered", "owed"]].sum()
    assert sums["delivered"].tolist() == [14, 24, 22] and sums["owed"].tolist() == [2, 2, 0]
