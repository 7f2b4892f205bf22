"""What covers the uncertainty, what there is, and where demand falls."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months, schema
from sopkit.supply import inventory

CYCLE = pd.Timestamp("2026-01-01")
AHEAD = months.span(CYCLE, 4)
NOWHERE = contract.empty("locations")


def typed(name: str, **columns) -> pd.DataFrame:
    return contract.check_table(name, pd.DataFrame(columns), contract.Source(name)).frame


KINDS = contract.empty("items")
NOBODY = pd.Series([None] * 12, dtype="str")
MARKETS = typed("locations", location=["North", "South"], supplied_from=["plant", "plant"])
# customers in North are served by the depot, which the plant supplies, as it does South
CHAIN = typed(
    "locations",
    location=["North", "South", "depot", "plant"],
    supplied_from=["depot", "plant", "plant", None],
)


def plan_of(*rows: tuple) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`demand_plan` and `forecast` from (item, location, consensus, quantity, upper)."""
    table = pd.DataFrame(
        rows, columns=["item", "location", "consensus", "quantity", "quantity_upper"]
    )
    table = table.assign(channel="all").merge(pd.DataFrame({"month": AHEAD}), how="cross")
    plan = table[[*schema.SERIES_MONTH, "consensus"]].assign(constrained=table["consensus"])
    return plan, table[[*schema.SERIES_MONTH, "quantity", "quantity_upper"]]


def terms_of(*rows: tuple) -> pd.DataFrame:
    """What ``replenishment`` says, from (item, location, exposure in months, service level)."""
    columns = ["item", "location", "exposure_months", "service_level_rate"]
    table = pd.DataFrame(rows, columns=columns)
    table = table.assign(is_service=False, is_made_to_order=False)
    above = table["location"].map({"depot": "plant"}).astype("str")
    return table.assign(supplied_from=above)


def stock_of(futures, forecast: pd.DataFrame, places: pd.DataFrame, terms: pd.DataFrame):
    errors = inventory.total_errors(futures, forecast, KINDS, places, terms)
    return inventory.covering_stock(errors, terms)


# (1) by hand


def test_covering_stock_is_the_quantile_of_the_chains_total_by_hand():
    _, forecast = plan_of(("A", "North", 0, 10.0, 0), ("A", "South", 0, 20.0, 0))
    futures = np.zeros((5, 2, 4)) + np.array([10.0, 20.0])[:, None]
    futures[:, 0, 0] += [-2, -1, 0, 1, 2]
    futures[:, 1, 0] += [-4, -2, 0, 2, 4]  # both markets move together
    futures[:, 1, 1] += [-4, -2, 0, 2, 4]
    futures[:, 1, 3] += 1_000.0  # after the exposure
    for exposure, expected in [(1.0, 3.0), (2.0, 5.0), (1.5, 17.0**0.5), (0.5, 3.0)]:
        terms = terms_of(("A", "plant", exposure, 0.75))
        found = stock_of(iter([futures[:2], futures[2:]]), forecast, MARKETS, terms)
        assert found == pytest.approx([expected])


def test_a_plant_covers_what_passes_less_what_its_depot_holds_by_hand():
    # totals over lead and review time: own customers at the plant, customers of the depot
    own, depot = np.array([-4.0, -2.0, 0.0, 2.0, 4.0]), np.array([3.0, -9.0, 0.0, 9.0, -3.0])
    _, forecast = plan_of(("A", "North", 0, 100.0, 0), ("A", "South", 0, 100.0, 0))
    futures = np.full((5, 2, 4), 100.0)
    futures[:, 0, 0] += depot
    futures[:, 1, 0] += own
    terms = terms_of(("A", "depot", 1.0, 0.75), ("A", "plant", 1.0, 0.75))
    errors = inventory.total_errors([futures], forecast, KINDS, CHAIN, terms)
    assert errors.shape == (5, 2, 2, 2)
    assert errors[:, 0, 0].T.tolist() == [depot.tolist(), own.tolist()]
    assert errors[:, 1, 0].T.tolist() == [depot.tolist(), (own + depot).tolist()]
    # depot: upper quartile of −9 −3 0 3 9 is 3; all that passes the plant: −11 −1 0 1 11, 1;
    # less the depot's 3 nothing, but its own customers need 2
    assert inventory.covering_stock(errors, terms).tolist() == [3.0, 2.0]
    longer = errors.copy()
    longer[:, 1, :, 1] *= 9.0  # the plant's lead time is long
    assert inventory.covering_stock(longer, terms).tolist() == [3.0, 9.0 - 3.0]
    turned = inventory.covering_stock(longer[..., ::-1], terms[::-1].reset_index(drop=True))
    assert turned.tolist() == [6.0, 3.0]


def test_a_plant_without_customers_of_its_own_covers_the_rest_of_its_depots_by_hand():
    terms = terms_of(("A", "depot", 1.0, 0.75), ("A", "plant", 2.0, 0.75))
    errors = np.zeros((5, 2, 2, 2))
    errors[:, :, :, 0] = np.array([-4.0, -2.0, 0.0, 2.0, 4.0])[:, None, None]
    errors[:, 1, :, 1] = np.array([-9.0, -5.0, 0.0, 5.0, 9.0])[:, None]
    assert inventory.covering_stock(errors, terms).tolist() == [2.0, 5.0 - 2.0]
    held = terms.assign(is_made_to_order=True)
    assert inventory.covering_stock(errors, held).tolist() == [0.0, 0.0]


def test_beyond_the_horizon_covering_stock_grows_by_the_root_of_time_by_hand():
    _, forecast = plan_of(("A", "plant", 0, 10.0, 0))
    futures = np.full((3, 1, 4), 10.0)
    futures[:, 0, 3] += [-6.0, 0.0, 6.0]
    terms = terms_of(("A", "plant", 4.0, 0.75)), terms_of(("A", "plant", 16.0, 0.75))
    found = [stock_of([futures], forecast, NOWHERE, own)[0] for own in terms]
    assert found == pytest.approx([3.0, 6.0])


def test_the_frontier_is_stock_at_each_level_times_cost_by_hand():
    errors = np.linspace(-100.0, 100.0, 201)[:, None, None, None] * np.array([1.0, 2.0, 5.0, 1.0])
    errors = errors.repeat(2, axis=1).repeat(2, axis=2)
    level = {"A": 0.9, "B": 0.8, "C": 0.9, "D": 0.9}
    terms = terms_of(*((item, "plant", 1.0, rate) for item, rate in level.items()))
    terms = terms.assign(is_service=terms["item"] == "C", safety_stock=[80.0, 120.0, 0.0, 80.0])
    table = inventory.service_frontier(errors, terms, np.array([10.0, 1.0, 10.0, np.nan]))
    levels = table[~table["is_plan"]].set_index("service_level_rate")["amount_value"]
    assert levels[0.8] == pytest.approx(60 * 10 + 120 * 1)  # C holds none, D has no cost
    assert levels[0.95] == pytest.approx(90 * 10 + 180 * 1)
    assert levels.is_monotonic_increasing
    plan = table[table["is_plan"]]
    assert plan[["service_level_rate", "amount_value"]].values.tolist() == [
        [pytest.approx(0.85), 920.0]
    ]
    assert inventory.service_frontier(errors, terms, np.full(4, np.nan)).empty


def test_no_stock_covers_services_orders_and_what_is_not_forecast_by_hand():
    _, forecast = plan_of(*((item, "plant", 0, 10.0, 0) for item in "ABCD"))
    futures = np.full((3, 4, 4), 10.0) + np.array([-6.0, 0.0, 6.0])[:, None, None]
    terms = terms_of(*((item, "plant", 1.0, 0.75) for item in "ABCE"))  # D is not planned
    terms = terms.assign(is_service=terms["item"] == "B", is_made_to_order=terms["item"] == "C")
    found = stock_of([futures], forecast, NOWHERE, terms)
    assert found == pytest.approx([3.0, 0.0, 0.0, 0.0])
    below = stock_of([futures], forecast, NOWHERE, terms.assign(service_level_rate=0.25))
    assert below.tolist() == [0.0] * 4  # less than the mean covers so little
    none = stock_of([futures], forecast, NOWHERE, terms[terms["item"] == "E"])
    assert none.tolist() == [0.0]


# (2) published


def test_safety_stock_reproduces_chopra_safety_stock():
    """Chopra & Meindl, Supply Chain Management, safety inventory, Examples 3 to 8."""
    # weekly sd 500, lead time 2 weeks, service level 0.9: 906
    assert inventory.safety_stock(500, 2, 0.9) == pytest.approx(906, rel=1e-3)
    # service level of a safety stock of 1,000: 0.92
    assert inventory.safety_stock(500, 2, 0.92135) == pytest.approx(1000, rel=1e-3)
    # Dell, lead time 7 days without uncertainty: 1,695
    assert inventory.safety_stock(500, 7, 0.9) == pytest.approx(1695, rel=1e-3)
    # with a standard deviation of the lead time of 7 days 22,491, of 3 days 9,760, of 1 day 3,625
    for spread, published in {
        7: 22_491,
        6: 19_298,
        5: 16_109,
        3: 9_760,
        2: 6_628,
        1: 3_625,
    }.items():
        stock = inventory.safety_stock(500, 7, 0.9, demand_mean=2500, lead_time_sd=spread)
        assert stock == pytest.approx(published, rel=1e-3)
    # periodic review every 4 weeks: 1,570
    assert inventory.safety_stock(500, 2 + 4, 0.9) == pytest.approx(1570, rel=1e-3)
    # four outlets apart 51.26, together 25.63
    assert 4 * inventory.safety_stock(5, 4, 0.9) == pytest.approx(51.26, rel=1e-3)
    assert inventory.safety_stock(np.sqrt(4) * 5, 4, 0.9) == pytest.approx(25.63, rel=1e-3)


def test_fill_rates_reproduce_chopra_safety_stock():
    """Chopra & Meindl, Supply Chain Management, lots of 10,000, 2 weeks of 500."""
    total_sd = 500 * 2**0.5
    shortage = inventory.expected_shortage(1000, total_sd)
    assert shortage == pytest.approx(25, abs=0.5)
    assert 1 - shortage / 10_000 == pytest.approx(0.9975, abs=5e-5)
    for rate, published in {0.975: 67, 0.98: 183, 0.985: 321, 0.99: 499, 0.995: 767}.items():
        stock = inventory.safety_stock_for_fill_rate(total_sd, 10_000, rate)
        assert stock == pytest.approx(published, abs=0.6)


def test_expected_shortage_reproduces_the_standard_normal_loss_function():
    """stockpyl (Snyder), tests of loss functions, at 0bae176."""
    exact = {-1.4: 1.436668142708, 0.3: 0.2667612421172, 3.1: 0.0002672490952231}
    for score, published in exact.items():
        assert inventory.expected_shortage(score, 1.0) == pytest.approx(published, abs=1e-12)
    for score, published in {-0.77: 0.8967, 1.12: 0.0659, 2.34: 0.0033}.items():
        assert inventory.expected_shortage(score, 1.0) == pytest.approx(published, abs=5e-5)


# (3) invariants


def test_the_stock_for_a_fill_rate_gives_that_fill_rate_and_grows_with_it():
    rng = np.random.default_rng(6)
    sd, lot, rate = rng.uniform(1, 500, 50), rng.uniform(1, 5_000, 50), rng.uniform(0.01, 0.999, 50)
    stock = inventory.safety_stock_for_fill_rate(sd, lot, rate)
    np.testing.assert_allclose(1 - inventory.expected_shortage(stock, sd) / lot, rate, atol=1e-9)
    assert (np.diff(inventory.safety_stock_for_fill_rate(10.0, 50.0, np.sort(rate))) > 0).all()


def test_safety_stock_grows_with_error_time_and_service():
    sd, time, rate = (
        np.array([1.0, 2.0, 3.0]),
        np.array([1.0, 4.0, 9.0]),
        np.array([0.6, 0.8, 0.99]),
    )
    for stock in (
        inventory.safety_stock(sd, 1, 0.9),
        inventory.safety_stock(1, time, 0.9),
        inventory.safety_stock(1, 1, rate),
    ):
        assert (np.diff(stock) > 0).all()
    assert inventory.safety_stock(10.0, 4.0, 0.5) == pytest.approx(0.0)


def test_a_chain_holds_no_less_than_its_customers_need_apart_and_is_covered_as_a_whole():
    rng = np.random.default_rng(8)
    rows = [(item, place, 1.0, 0.9) for item in "ABCDEF" for place in ("depot", "plant")]
    errors = np.zeros((60, 2, 2, 12))
    own = rng.normal(0.0, 9.0, (60, 1, 12))
    errors[:, 0] = own
    errors[:, 1] = own
    errors[:, 1, :, 1::2] += own[..., ::2]  # what passes the plant
    stock = inventory.covering_stock(errors, terms_of(*rows))
    alone = inventory.covering_stock(errors, terms_of(*rows).assign(supplied_from=NOBODY))
    whole = np.maximum(np.quantile(errors[:, 1, 0, 1::2], 0.9, axis=0), 0.0)
    assert (stock >= alone - 1e-9).all()
    assert (stock[::2] + stock[1::2] >= whole - 1e-9).all()
    np.testing.assert_array_equal(stock[::2], alone[::2])


def test_arguments_are_not_changed():
    _, forecast = plan_of(("A", "North", 0, 10.0, 0), ("A", "South", 0, 20.0, 0))
    futures = np.full((3, 2, 4), 10.0) + np.arange(3)[:, None, None]
    terms = terms_of(("A", "depot", 1.5, 0.75), ("A", "plant", 1.5, 0.75))
    terms = terms.assign(safety_stock=1.0)
    errors = inventory.total_errors([futures], forecast, KINDS, CHAIN, terms)
    kept = [table.copy() for table in (forecast, futures, terms, errors, CHAIN)]
    inventory.total_errors([futures], forecast, KINDS, CHAIN, terms)
    inventory.covering_stock(errors, terms)
    inventory.service_frontier(errors, terms, np.array([1.0, 2.0]))
    for before, after in zip(kept, (forecast, futures, terms, errors, CHAIN), strict=True):
        assert before.equals(after) if isinstance(before, pd.DataFrame) else (before == after).all()


# (4) an obvious slow version


def test_covering_stock_equals_a_slow_loop():
    rng = np.random.default_rng(4)
    names = [(item, place) for item in "ABC" for place in ("Moon", "North", "South")]
    _, forecast = plan_of(*((*name, 0, rng.uniform(5, 50), 0) for name in names))
    forecast = forecast.sort_values(schema.SERIES_MONTH)
    mean = forecast["quantity"].to_numpy().reshape(9, 4)
    futures = mean * rng.gamma(4.0, 0.25, (40, 9, 4))
    serves = {"Moon": "Moon", "North": "depot", "South": "plant"}
    places = ("Moon", "depot", "plant")
    rows = [(item, place, rng.uniform(1, 3), 0.9) for item in "ABC" for place in places]
    found = stock_of(
        np.split(futures, 4), forecast.sample(frac=1.0, random_state=1), CHAIN, terms_of(*rows)
    )

    def covers(item, markets, exposure, level):
        own = [k for k, (i, p) in enumerate(names) if i == item and p in markets]
        squares = []
        for last in (int(exposure), int(exposure) + 1):
            missed = [(path[own, :last] - mean[own, :last]).sum() for path in futures]
            squares.append(max(np.quantile(missed, level), 0.0) ** 2)
        part = exposure - int(exposure)
        return ((1 - part) * squares[0] + part * squares[1]) ** 0.5

    held = {}
    for item, place, exposure, level in rows:
        held[item, place] = covers(item, [m for m in serves if serves[m] == place], exposure, level)
    for item, place, exposure, level in rows:
        if place == "plant":
            passing = covers(item, ["North", "South"], exposure, level) - held[item, "depot"]
            held[item, place] = max(passing, held[item, place])
    assert found == pytest.approx([held[row[:2]] for row in rows])


def test_safety_stock_of_many_equals_one_at_a_time():
    rng = np.random.default_rng(3)
    sd, time, rate = rng.uniform(0, 50, 20), rng.uniform(0.5, 6, 20), rng.uniform(0.01, 0.99, 20)
    slow = [NormalDist().inv_cdf(r) * s * t**0.5 for s, t, r in zip(sd, time, rate, strict=True)]
    assert inventory.safety_stock(sd, time, rate).tolist() == pytest.approx(slow)


# (5) errors


@pytest.mark.parametrize("rate", [95, 1.0, 0.0, -0.1])
def test_a_service_level_that_is_no_share_is_refused(rate):
    with pytest.raises(ValueError, match="write 0.95 for 95 %"):
        inventory.safety_stock(40, 4, rate)
    with pytest.raises(ValueError, match="fill_rate .* write 0.95 for 95 %"):
        inventory.safety_stock_for_fill_rate(40, 100, rate)


def test_a_service_level_of_an_item_in_percent_is_refused():
    with pytest.raises(ValueError, match="write 0.95 for 95 %"):
        inventory.covering_stock(np.zeros((5, 2, 2, 1)), terms_of(("A", "plant", 1.0, 95.0)))


def test_the_month_with_most_items_below_safety_stock_by_hand():
    rows = [("A", "N", 1, 5.0), ("A", "S", 1, 9.0), ("B", "N", 1, 9.7)]
    rows += [("A", "N", 2, 8.0), ("A", "S", 2, 20.0), ("B", "N", 2, 4.0)]
    plan = pd.DataFrame(rows, columns=["item", "location", "number", "closing"])
    plan = plan.assign(month=pd.to_datetime(dict(year=2026, month=plan["number"], day=1)))
    plan = plan.assign(safety_stock=10.0)
    found = inventory.below_safety(plan, pd.Series({"A": 3.0}))  # B has no cost
    assert (found["month"], found["items"], found["of"]) == (pd.Timestamp("2026-02-01"), 2, 2)
    assert found["amount_value"] == 2 * 3.0
    none = inventory.below_safety(plan.assign(safety_stock=0.0), pd.Series({"A": 3.0}))
    assert pd.isna(none["month"]) and none["items"] == 0 and pd.isna(none["amount_value"])
