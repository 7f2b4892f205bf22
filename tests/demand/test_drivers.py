"""Effects of events and market series: found in history, taken out, put back at the same rate."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months, sample, schema
from sopkit.demand import consensus, drivers, elasticity, event_rates, history

FIRST, CYCLE = pd.Timestamp("2021-01-01"), pd.Timestamp("2026-01-01")
SPAN = months.span(FIRST, 60)


def history_of(values: dict[tuple, np.ndarray]) -> pd.DataFrame:
    """Table `demand_history` from (item, location, channel): demand of sixty months."""
    parts = [
        pd.DataFrame(dict(zip(schema.SERIES, key, strict=True)) | {"month": SPAN, "demand": demand})
        for key, demand in values.items()
    ]
    table = pd.concat(parts, ignore_index=True).sort_values(schema.SERIES_MONTH, ignore_index=True)
    table = table.assign(sales=table["demand"], is_stockout=False, returns=0.0, unfilled=0.0)
    return history.with_effects(table, {})


def events_of(*rows: tuple) -> pd.DataFrame:
    """Table `events` from (event, kind, first, last, channel, rate)."""
    names = ["event", "kind", "first_month", "last_month", "channel", "expected_rate"]
    table = pd.DataFrame(rows, columns=names)
    typed = {name: pd.to_datetime(table[name]).astype(months.DTYPE) for name in names[2:4]}
    others = [level for level in schema.LEVELS if level != "channel"]
    blank = dict.fromkeys(others, None)
    return table.assign(**typed, **blank, owner="Lund", probability_rate=1.0, cost_value=100.0)


_GIVEN = "locations", "channels", "market", "policies", "sales", "prices"


def tables_of(demand: pd.DataFrame, events: pd.DataFrame, market=None) -> dict:
    items = sorted(demand["item"].unique())
    known = {name: contract.empty(name) for name in _GIVEN}
    known["items"] = (
        contract.empty("items").reindex(range(len(items))).assign(item=items, family="F")
    )
    known["planning_units"] = pd.DataFrame({"item": items, "planning_factor": 1.0})
    keys = demand[schema.SERIES].drop_duplicates()
    known["money_rates"] = keys.assign(unit_price_value=10.0, unit_cost_value=6.0)
    known["policies"] = contract.empty("policies")
    return known | {"events": events} | ({} if market is None else {"market": market})


def channels(*names: str, seed: int = 0) -> dict[tuple, np.ndarray]:
    """Two items in each channel, one season, little noise."""
    rng = np.random.default_rng(seed)
    season = 1 + 0.4 * np.sin(np.arange(60) * np.pi / 6)
    return {
        (item, "all", name): 1000 * season * np.exp(0.02 * rng.normal(size=60))
        for item in ("A", "B")
        for name in names
    }


NOVEMBERS = tuple(
    (f"Nov {year}", "promotion", f"{year}-11", f"{year}-11", "Online", 0.3)
    for year in range(2021, 2026)
)


def promoted(values: dict, rate: float = 0.5) -> dict:
    november = SPAN.month.to_numpy() == 11
    return {
        key: np.where(november & (key[2] == "Online"), demand * (1 + rate), demand)
        for key, demand in values.items()
    }


# (1) hand-made cases


def test_a_promotion_every_november_is_recovered_from_the_other_channel():
    demand = history_of(promoted(channels("Online", "Retail")))
    told = drivers.drivers(demand, tables_of(demand, events_of(*NOVEMBERS)), cycle=CYCLE)
    effects = told["driver_effects"]
    assert (effects["state"] == event_rates.USED).all()
    assert effects["rate"].to_numpy() == pytest.approx(np.full(5, 0.5), abs=0.06)
    assert effects["family"].tolist() == ["Online"] * 5
    after = told["demand_history"]
    own = (after["month"].dt.month == 11) & (after["channel"] == "Online")
    used = effects["used_rate"].mean()
    share = after.loc[own, "promotion"].sum() / after.loc[own, "demand"].sum()
    assert share == pytest.approx(1 - 1 / (1 + used), rel=0.02)
    assert (after.loc[~own, "promotion"] == 0).all()


@pytest.mark.parametrize(("item", "state"), [(None, "refused"), ("A", "used")])
def test_a_promotion_that_is_refused_stays_in_the_history_if_all_of_it_is(item, state):
    demand = history_of(promoted(channels("Online", "Retail")))
    said = {"kind": "layer", "layer": "promotion", "channel": "Online", "month": "2024-11"}
    said |= {"item": item, "is_accepted": "false", "cycle": "2026-01", "reason": "it was the snow"}
    policies = pd.DataFrame([said | {"author": "Ada", "entered_at": "2026-01-05T10:00:00Z"}])
    known = contract.check_table("policies", policies, contract.Source("policies")).frame
    tables = tables_of(demand, events_of(*NOVEMBERS)) | {"policies": known}
    told = drivers.drivers(demand, tables, cycle=CYCLE)
    effects = told["driver_effects"].set_index("driver")
    assert effects.loc["Nov 2024", "state"] == state
    assert ("for a part of it only" in effects.loc["Nov 2024", "finding"]) == (item is not None)
    assert (effects.drop("Nov 2024")["state"] == "used").all()
    after = told["demand_history"]
    own = (after["month"] == "2024-11") & (after["channel"] == "Online")
    assert (after.loc[own, "promotion"] == 0).all() == (state == "refused")
    assert (after.loc[(after["month"] == "2023-11") & (after["channel"] == "Online"), "promotion"]
            > 0).all()  # fmt: skip
    effect = after[["level_shift", "promotion", "event", "market"]].sum(axis=1)
    np.testing.assert_allclose(after["baseline"] + effect, after["demand"])


def test_with_one_channel_it_is_the_season_and_stays_in_history():
    demand = history_of(promoted(channels("Online")))
    told = drivers.drivers(demand, tables_of(demand, events_of(*NOVEMBERS)), cycle=CYCLE)
    effects, after = told["driver_effects"], told["demand_history"]
    assert (effects["state"] == event_rates.SEASONAL).all()
    assert (after["baseline"] == after["demand"]).all()
    again = (("Nov 2026", "promotion", "2026-11", "2026-11", "Online", 0.3),)
    change, rows = layer(demand, events_of(*NOVEMBERS, *again), told)
    assert not change.any() and "same month of earlier years" in rows["finding"].iloc[-1]


def layer(demand, events, told, ahead: int = 12):
    """Units that events add to a flat plan, and table `event_effects`."""
    keys = demand[schema.SERIES].drop_duplicates()
    base = keys.merge(pd.DataFrame({"month": months.span(CYCLE, ahead)}), how="cross")
    base = base.assign(quantity=100.0, factor=1.0, unit_price_value=10.0)
    base = base.assign(family="F", category="x", region="x", segment="x")
    known = {"effects": told["driver_effects"], "market": told["market_rates"]}
    change, rows = consensus.events_layer(events, base, cycle=CYCLE, **known)
    contract.check_processed("event_effects", rows)
    return change, rows


def test_a_removed_promotion_comes_back_only_where_it_is_planned():
    demand = history_of(promoted(channels("Online", "Retail")))
    events = events_of(*NOVEMBERS)
    told = drivers.drivers(demand, tables_of(demand, events), cycle=CYCLE)
    change, rows = layer(demand, events, told)
    assert not change.any()
    assert rows["kind"].tolist() == ["promotion not planned"]
    assert "ran each November; none is planned for 2026-11" in rows["finding"].iloc[0]
    again = events_of(*NOVEMBERS, ("Nov 2026", "promotion", "2026-11", "2026-11", "Online", 0.3))
    change, rows = layer(demand, again, told)
    row = rows.set_index("event").loc["Nov 2026"]
    assert 0.4 < row["used_rate"] < 0.5 and row["expected_rate"] == 0.3
    assert change.sum() == pytest.approx(200 * row["used_rate"])
    assert "5 past promotions brought" in row["finding"] and len(rows) == 1


def test_a_rival_for_good_is_taken_out_and_put_back_at_the_same_rate():
    values = channels("Online", "Retail")
    gone = {
        key: demand * np.where((np.arange(60) >= 50) & (key[2] == "Online"), 0.8, 1.0)
        for key, demand in values.items()
    }
    demand = history_of(gone)
    events = events_of(("Rival", "competitor", SPAN[50], None, "Online", -0.1))
    told = drivers.drivers(demand, tables_of(demand, events), cycle=CYCLE)
    row = told["driver_effects"].iloc[0]
    assert row["rate"] == pytest.approx(-0.2, abs=0.05)
    after = told["demand_history"].set_index(schema.SERIES_MONTH)
    online = after[after.index.get_level_values("channel") == "Online"]
    last = online[online.index.get_level_values("month") >= SPAN[50]]
    assert last["event"].to_numpy() == pytest.approx(
        last["demand"].to_numpy() * (1 - 1 / (1 + row["used_rate"]))
    )
    # what was taken out of a month is what would be put back on its baseline
    assert (last["baseline"] * (1 + row["used_rate"])).to_numpy() == pytest.approx(
        last["demand"].to_numpy(), rel=1e-12
    )
    change, rows = layer(demand, events, told)
    assert change[change != 0] == pytest.approx(100 * row["used_rate"])
    assert "put back here" in rows["finding"].iloc[0]
    assert told["origin_rates"]["driver"].eq("Rival").all() and len(told["origin_rates"])


def test_an_index_that_leads_is_found_with_its_lag_and_comes_back_ahead():
    rng = np.random.default_rng(5)
    index = np.zeros(60)
    for month in range(1, 60):
        index[month] = 0.7 * index[month - 1] + 0.06 * rng.normal()
    led = np.concatenate([np.zeros(4), index[:-4]])
    demand = history_of({k: v * np.exp(0.8 * led) for k, v in channels("Online", "Retail").items()})
    idle = pd.DataFrame({"series": "idle", "month": SPAN, "value": rng.normal(size=60)})
    market = pd.DataFrame({"series": "index", "month": SPAN, "value": 100 * np.exp(index)})
    market = pd.concat([market, idle]).assign(family=None, region=None)
    told = drivers.drivers(demand, tables_of(demand, events_of(), market), cycle=CYCLE)
    effects = told["driver_effects"].set_index("driver")
    assert effects.loc["index", "lag"] == 4 and effects.loc["idle", "state"] == event_rates.UNTOLD
    low, high = np.log1p(effects.loc["index", ["rate_lower", "rate_upper"]].astype(float))
    assert low <= 0.8 * np.log(1.1) <= high
    rates = told["market_rates"].set_index("month")["rate"]
    assert abs(rates[months.shift(CYCLE, 30)]) < 0.001  # it has returned to its mean
    change, rows = layer(demand, events_of(), told)
    assert rows["event"].tolist() == ["index: F"]
    assert change[:12] == pytest.approx(100 * rates[months.span(CYCLE, 12)].to_numpy())
    after = told["demand_history"]
    sums = after.groupby("month")[["demand", "baseline"]].sum()
    factor = np.log(sums["demand"] / sums["baseline"])
    # trend and season of the index stay in the baseline's own
    assert np.corrcoef(factor, led)[0, 1] > 0.75


# (3) invariants and edges


def test_baseline_and_effects_are_demand(sample_history, sample_told):
    told = sample_told
    after = told["demand_history"]
    gap = after["demand"] - after["baseline"] - after[history.EFFECTS].sum(axis=1)
    assert gap.abs().max() < 1e-9
    assert (after["demand"] == sample_history["demand"]).all()
    for name in ("driver_effects", "market_rates", "origin_rates", "demand_history"):
        contract.check_processed(name, told[name])
    moved = after[["promotion", "event", "market"]].sum().sum()
    assert told["driver_effects"]["units"].sum() == pytest.approx(moved)


@pytest.fixture(scope="module")
def sample_told(sample_history, sample_tables):
    return of_sample(sample_history, sample_tables)


def of_sample(demand, raw):
    keys = demand[schema.SERIES].drop_duplicates()
    known = raw | {"planning_units": raw["items"].assign(planning_factor=1.0)}
    known["money_rates"] = keys.assign(unit_price_value=1.0, unit_cost_value=0.5)
    return drivers.drivers(demand, known, cycle=CYCLE)


def test_planted_events_of_the_sample_are_recovered(sample_told):
    effects = sample_told["driver_effects"]
    true = effects["driver"].map(sample.truths(0)["events"].set_index("event")["true_rate"])
    known = effects[true.notna()]
    inside = true.dropna().between(known["used_lower"], known["used_upper"])
    assert len(known) == 15 and inside.mean() >= 0.8
    width = known["used_upper"] - known["used_lower"]
    assert (width / known["rate"].abs()).median() < 1
    idle = effects[effects["driver"] == sample.truths(0)["market_without_effect"]]
    assert idle["state"].tolist() == [event_rates.UNTOLD]


def test_without_events_and_series_history_stays(sample_history, sample_tables):
    nothing = {name: contract.empty(name) for name in ("events", "market")}
    told = of_sample(sample_history, sample_tables | nothing)
    assert (told["driver_effects"]["kind"] == elasticity.KIND).all() and told["market_rates"].empty
    pd.testing.assert_frame_equal(told["demand_history"], sample_history)


def test_a_short_history_and_unknown_names_are_said():
    demand = history_of(channels("Online"))
    demand = demand[demand["month"] >= SPAN[40]].reset_index(drop=True)
    events = events_of(*NOVEMBERS[-1:], ("Typo", "promotion", "2025-05", "2025-05", "Onlnie", 0.2))
    effects = drivers.drivers(demand, tables_of(demand, events), cycle=CYCLE)["driver_effects"]
    found = effects.set_index("driver")["finding"]
    assert found["Nov 2025"] == "history is shorter than two years"
    assert found["Typo"] == "covers no series: correct its names"
    assert (effects["state"] == event_rates.ONLY_EXPECTED).all() and not effects["units"].any()


def test_the_order_of_rows_changes_nothing():
    demand = history_of(promoted(channels("Online", "Retail")))
    events = events_of(*NOVEMBERS)
    first = drivers.drivers(demand, tables_of(demand, events), cycle=CYCLE)["driver_effects"]
    other = tables_of(demand, events[::-1])
    second = drivers.drivers(demand, other, cycle=CYCLE)["driver_effects"]
    pd.testing.assert_frame_equal(first, second)


def test_a_part_too_small_tells_nothing_and_stays_in_history():
    values = promoted(channels("Online", "Retail"))
    small = {("C", "all", name): np.full(60, 1.0) for name in ("Online", "Retail")}
    demand = history_of(values | small)
    one = ("Small", "promotion", "2024-03", "2024-03", "Online", 0.3)
    events = events_of(*NOVEMBERS, one)
    events.loc[events["event"] == "Small", "item"] = "C"
    told = drivers.drivers(demand, tables_of(demand, events), cycle=CYCLE)
    row = told["driver_effects"].set_index("driver").loc["Small"]
    assert row["state"] == event_rates.ONLY_EXPECTED and "sold enough" in row["finding"]
    march = told["demand_history"]["month"] == pd.Timestamp("2024-03-01")
    assert not told["demand_history"].loc[march, "promotion"].any()


def test_growth_layers_sum_to_what_events_add():
    demand = history_of(promoted(channels("Online", "Retail")))
    again = ("Nov 2026", "promotion", "2026-11", "2026-11", "Online", 0.3)
    events = events_of(*NOVEMBERS, again, ("Won", "customer_gain", "2026-03", None, "Retail", 0.1))
    told = drivers.drivers(demand, tables_of(demand, events), cycle=CYCLE)
    keys = demand[schema.SERIES].drop_duplicates()
    base = keys.merge(pd.DataFrame({"month": months.span(CYCLE, 12)}), how="cross")
    base = base.assign(quantity=100.0, factor=2.0, unit_price_value=5.0, family="F")
    base = base.assign(**dict.fromkeys(["category", "region", "segment"], "x"))
    known = {"effects": told["driver_effects"], "market": told["market_rates"]}
    change, _ = consensus.events_layer(events, base, cycle=CYCLE, **known)
    layers = consensus.growth_layers(events, base, cycle=CYCLE, **known)
    contract.check_processed("growth_layers", layers)
    assert set(layers["kind"]) == {"promotion", "customer gain"}
    assert layers["units"].sum() == pytest.approx(2 * change.sum())
    assert layers["amount_value"].sum() == pytest.approx(5 * change.sum())


def test_a_promotion_paid_if_its_margin_is_beyond_its_cost():
    demand = history_of(promoted(channels("Online", "Retail")))
    events = events_of(*NOVEMBERS)
    paid = drivers.drivers(demand, tables_of(demand, events), cycle=CYCLE)["promotion_returns"]
    contract.check_processed("promotion_returns", paid)
    # no revenue is known: ten a unit less a cost of six
    assert paid["margin_value"].to_numpy() == pytest.approx(4 * paid["units"].to_numpy())
    assert (paid["return_value"] == paid["margin_value"] - 100).all()
    assert (paid["verdict"] == "paid").all() and paid["first_month"].is_monotonic_decreasing
    dear = events.assign(cost_value=1e6)
    lost = drivers.drivers(demand, tables_of(demand, dear), cycle=CYCLE)["promotion_returns"]
    assert (lost["verdict"] == "did not pay").all()


def test_an_event_told_twice_is_one_effect_and_comes_back():
    demand = history_of(promoted(channels("Online", "Retail")))
    events = events_of(*NOVEMBERS)
    twice = events_of(*NOVEMBERS, ("Again 2024", "promotion", "2024-11", "2024-11", "Online", 0.3))
    once = drivers.drivers(demand, tables_of(demand, events), cycle=CYCLE)["driver_effects"]
    told = drivers.drivers(demand, tables_of(demand, twice), cycle=CYCLE)
    effects = told["driver_effects"].query("kind == 'promotion'").set_index("driver")
    assert (effects["state"] == event_rates.USED).all()
    assert effects.loc["Nov 2025", "rate"] == pytest.approx(once["rate"].iloc[4], abs=0.005)
    both = (1 + effects.loc[["Nov 2024", "Again 2024"], "used_rate"]).prod() - 1
    assert both == pytest.approx(once["used_rate"].iloc[3], abs=0.02)
    assert "covers the same as Nov 2024" in effects.loc["Again 2024", "finding"]
    again = ("Nov 2026", "promotion", "2026-11", "2026-11", "Online", 0.3)
    rate = [
        layer(demand, pd.concat([known, events_of(again)]), {**told, "driver_effects": of})[1]
        .set_index("event")
        .loc["Nov 2026", "used_rate"]
        for known, of in ((events, once), (twice, told["driver_effects"]))
    ]
    assert rate[1] == pytest.approx(rate[0], abs=0.02)


def test_what_was_taken_out_comes_back_where_some_years_stay_in_history():
    events = events_of(*NOVEMBERS, ("Nov 2026", "promotion", "2026-11", "2026-11", "Online", 0.3))
    demand = history_of(promoted(channels("Online", "Retail")))
    told = drivers.drivers(demand, tables_of(demand, events), cycle=CYCLE)
    whole = layer(demand, events, told)[1].set_index("event").loc["Nov 2026", "used_rate"]
    effects = told["driver_effects"]
    for name, left in (("Nov 2024", 4 / 5), ("Nov 2021", 1.0)):  # 2021 may be before history
        state = effects["state"].mask(effects["driver"] == name, event_rates.REFUSED)
        told = {**told, "driver_effects": effects.assign(state=state)}
        row = layer(demand, events, told)[1].set_index("event").loc["Nov 2026"]
        assert np.log1p(row["used_rate"]) == pytest.approx(left * np.log1p(whole), rel=0.03)


def test_a_cancelled_promotion_is_neither_measured_nor_taken_out():
    demand = history_of(promoted(channels("Online", "Retail")))
    events = events_of(*NOVEMBERS).assign(probability_rate=[1.0, 0.8, 1.0, 0.0, 1.0])
    told = drivers.drivers(demand, tables_of(demand, events), cycle=CYCLE)
    for name, column in (("driver_effects", "driver"), ("promotion_returns", "event")):
        assert "Nov 2024" not in set(told[name][column]) and len(told[name]) == 4
    cancelled = told["demand_history"]["month"] == pd.Timestamp("2024-11-01")
    assert not told["demand_history"].loc[cancelled, "promotion"].any()
    assert "with a chance of 80%, measured" in told["driver_effects"]["finding"].iloc[1]


def test_each_year_ahead_without_its_promotion_is_told_with_its_money():
    demand = history_of(promoted(channels("Online", "Retail")))
    coming = ("Nov 2026", "promotion", "2026-11", "2026-11", "Online", 0.3)
    events = events_of(*NOVEMBERS, coming)
    told = drivers.drivers(demand, tables_of(demand, events), cycle=CYCLE)
    rows = layer(demand, events, told, ahead=36)[1].set_index("event")
    rows = rows[rows["kind"] == "promotion not planned"]
    assert rows["first_month"].dt.strftime("%Y-%m").tolist() == ["2027-11", "2028-11"]
    assert rows["last_month"].equals(rows["first_month"]) and not rows["change"].any()
    # 200 units at 10
    used = layer(demand, events, told)[1].set_index("event").loc["Nov 2026", "used_rate"]
    assert rows["unplanned_value"].to_numpy() == pytest.approx(2000 * used)
    none = events_of(*NOVEMBERS, coming, ("No", "promotion", "2027-11", "2027-11", "Online", 0.3))
    none.loc[none["event"] == "No", "probability_rate"] = 0.0
    rows = layer(demand, none, told, ahead=24)[1]
    assert "promotion not planned" not in set(rows["kind"])


def test_a_series_that_cannot_be_tried_has_a_row():
    demand = history_of(channels("Online", "Retail"))
    market = pd.DataFrame({"series": "still", "month": SPAN, "value": 1.0, "region": None})
    market = pd.concat([market.assign(family=None), market.assign(series="lost", family="Tenst")])
    market.loc[market["series"] == "lost", "value"] = np.random.default_rng(0).normal(size=60)
    told = drivers.drivers(demand, tables_of(demand, events_of(), market), cycle=CYCLE)
    effects = told["driver_effects"].set_index("driver")
    assert (effects["state"] == event_rates.UNTOLD).all()
    assert effects.loc["still", "finding"] == "it never changes"
    assert effects.loc["lost", "finding"] == "its family has no series that sold enough"
