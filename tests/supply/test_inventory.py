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
    plan = table[[*schema.SERIES_MONTH, "consensus"]]
    return plan, table[[*schema.SERIES_MONTH, "quantity", "quantity_upper"]]


def sites_of(*items: str) -> pd.DataFrame:
    table = pd.DataFrame({"item": items, "location": "plant", "demand": 100.0})
    return table.merge(pd.DataFrame({"month": AHEAD}), how="cross")


def terms_of(*rows: tuple) -> pd.DataFrame:
    """What ``replenishment`` says, from (item, location, exposure in months, service level)."""
    columns = ["item", "location", "exposure_months", "service_level_rate"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(is_service=False, is_made_to_order=False)


def stock_of(futures, forecast: pd.DataFrame, places: pd.DataFrame, terms: pd.DataFrame):
    return inventory.covering_stock(inventory.total_errors(futures, forecast, places, terms), terms)


# (1) by hand


def test_demand_of_markets_falls_on_the_site_that_supplies_them_by_hand():
    plan, forecast = plan_of(
        ("A", "North", 12.0, 10.0, 10.0 + 3 * 1.2816),
        ("A", "South", 30.0, 20.0, 20.0 + 4 * 1.2816),
        ("A", "Shop", 5.0, 5.0, 5.0),
    )
    places = typed(
        "locations", location=["North", "South", "Shop"], supplied_from=["plant", "plant", None]
    )
    table = inventory.site_demand(plan, places)
    first = table[table["month"] == CYCLE].set_index("location")
    # the plan counts, not the forecast
    assert first["demand"].to_dict() == {"plant": 42.0, "Shop": 5.0}


def test_without_locations_every_market_supplies_itself():
    plan, forecast = plan_of(("A", "North", 12.0, 10.0, 11.0))
    table = inventory.site_demand(plan, contract.empty("locations"))
    assert table["location"].unique().tolist() == ["North"]
    assert table["demand"].tolist() == [12.0] * 4


def test_lead_times_and_exposure_by_hand():
    items = typed(
        "items",
        item=list("ABCDE"),
        family=["T", "T", "S", "T", "T"],
        lead_time_days=[61, None, None, 16, 15],
        is_purchased=[True, True, None, None, None],
        is_service=[None, None, None, True, None],
        is_made_to_order=[None, None, None, None, True],
    )
    suppliers = typed(
        "suppliers", item=["A", "B", "B"], supplier=["x", "x", "y"], lead_time_days=[5, 90, 31]
    )
    sites = sites_of(*"ABCDE")
    table = inventory.replenishment(sites, items, suppliers, {"default": 0.95, "S": 0.5}).set_index(
        "item"
    )
    # A its own 61 days, B its quickest supplier, C nothing said, D above and E below half a month
    assert table["lead_time_months"].to_dict() == {"A": 2, "B": 1, "C": 0, "D": 1, "E": 0}
    assert table["is_purchased"].tolist() == [True, True, False, False, False]
    # lead time and a month of review
    exposure = [61 / 30.4 + 1, 31 / 30.4 + 1, 1.0, 16 / 30.4 + 1, 15 / 30.4 + 1]
    assert table["exposure_months"].tolist() == pytest.approx(exposure)
    assert table["service_level_rate"].tolist() == [0.95, 0.95, 0.5, 0.95, 0.95]
    assert table["is_service"].tolist() == [False, False, False, True, False]
    assert table["is_made_to_order"].tolist() == [False, False, False, False, True]


def test_without_items_everything_is_made_at_once_under_the_default_service_level():
    table = inventory.replenishment(
        sites_of("A"), contract.empty("items"), contract.empty("suppliers"), {"default": 0.95}
    )
    assert table[["is_purchased", "lead_time_months"]].values.tolist() == [[False, 0]]
    assert table[["exposure_months", "service_level_rate"]].values.tolist() == [[1.0, 0.95]]


def test_covering_stock_is_the_quantile_of_the_chains_total_by_hand():
    _, forecast = plan_of(("A", "North", 0, 10.0, 0), ("A", "South", 0, 20.0, 0))
    futures = np.zeros((5, 2, 4)) + np.array([10.0, 20.0])[:, None]
    futures[:, 0, 0] += [-2, -1, 0, 1, 2]
    futures[:, 1, 0] += [-4, -2, 0, 2, 4]  # both markets move together
    futures[:, 1, 1] += [-4, -2, 0, 2, 4]
    futures[:, 1, 3] += 1_000.0  # after the exposure
    for exposure, expected in [(1.0, 3.0), (2.0, 5.0), (1.5, 17.0**0.5), (0.5, 3.0)]:
        terms = terms_of(("A", "plant", exposure, 0.75))
        found = stock_of(iter([futures[:2], futures[2:]]), forecast, CHAIN, terms)
        assert found == pytest.approx([expected])


def test_beyond_the_horizon_covering_stock_grows_by_the_root_of_time_by_hand():
    _, forecast = plan_of(("A", "plant", 0, 10.0, 0))
    futures = np.full((3, 1, 4), 10.0)
    futures[:, 0, 3] += [-6.0, 0.0, 6.0]
    terms = terms_of(("A", "plant", 4.0, 0.75)), terms_of(("A", "plant", 16.0, 0.75))
    found = [stock_of([futures], forecast, NOWHERE, own)[0] for own in terms]
    assert found == pytest.approx([3.0, 6.0])


def test_the_frontier_is_stock_at_each_level_times_cost_by_hand():
    errors = np.linspace(-100.0, 100.0, 201)[:, None, None] * np.array([1.0, 2.0, 5.0, 1.0])
    errors = errors.repeat(2, axis=1)
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


def test_opening_stock_is_what_is_left_after_backlog_at_the_last_month_end_by_hand():
    stock = typed(
        "inventory",
        item=["A", "A", "B"],
        location="plant",
        month=["2025-11", "2025-12", "2025-12"],
        on_hand=[99, 10, 3],
        backlog=[None, None, 8],
    )
    opening, is_known = inventory.opening_stock(stock, sites_of(*"ABC"), NOWHERE, CYCLE)
    assert opening.tolist() == [10.0, -5.0, 0.0]
    assert is_known


def test_an_old_stock_list_is_no_opening_stock():
    stock = typed("inventory", item=["A"], location=["plant"], month=["2025-11"], on_hand=[99])
    opening, is_known = inventory.opening_stock(stock, sites_of("A"), NOWHERE, CYCLE)
    assert opening.tolist() == [0.0]
    assert not is_known


def test_stock_counted_where_nothing_is_supplied_from_is_no_opening_stock():
    stock = typed("inventory", item=["A"], location=["warehouse"], month=["2025-12"], on_hand=[99])
    opening, is_known = inventory.opening_stock(stock, sites_of("A"), NOWHERE, CYCLE)
    assert opening.tolist() == [0.0]
    assert not is_known  # else the page would say that zero was counted


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


def test_site_demand_keeps_the_plans_total():
    plan, forecast = plan_of(
        ("A", "North", 1.0, 1.0, 2.0),
        ("A", "South", 2.0, 1.0, 2.0),
        ("B", "Unlisted", 4.0, 1.0, 2.0),
    )
    places = typed("locations", location=["North", "South"], supplied_from=["plant", None])
    table = inventory.site_demand(plan, places)
    assert table["demand"].sum() == plan["consensus"].sum() == 28.0
    assert not table.duplicated(schema.SITE_MONTH).any()


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


def test_the_order_of_rows_changes_nothing():
    plan, forecast = plan_of(
        ("A", "North", 1.0, 1.0, 2.0), ("A", "South", 2.0, 1.0, 5.0), ("B", "North", 4.0, 1.0, 2.0)
    )
    places = typed("locations", location=["North", "South"], supplied_from=["plant", "plant"])
    first = inventory.site_demand(plan, places)
    second = inventory.site_demand(plan.sample(frac=1, random_state=1), places[::-1])
    pd.testing.assert_frame_equal(first, second)
    items = typed("items", item=["A", "B"], lead_time_days=[30, 60])
    terms = [
        inventory.replenishment(table, items, contract.empty("suppliers"), {"default": 0.9})
        for table in (first, first.sample(frac=1, random_state=3))
    ]
    pd.testing.assert_frame_equal(*terms)


def test_arguments_are_not_changed():
    plan, forecast = plan_of(("A", "North", 1.0, 1.0, 2.0))
    stock = typed("inventory", item=["A"], location=["North"], month=["2025-12"], on_hand=[9])
    sites = sites_of("A")
    items, suppliers = (
        typed("items", item=["A"]),
        typed("suppliers", item=["A"], supplier=["x"], lead_time_days=[9]),
    )
    levels = {"default": 0.9}
    arguments = (plan, forecast, stock, sites, items, suppliers)
    before = [argument.copy() for argument in arguments]
    inventory.site_demand(plan, typed("locations", location=["x"], supplied_from=["y"]))
    inventory.replenishment(sites, items, suppliers, levels)
    inventory.opening_stock(stock, sites, NOWHERE, CYCLE)
    for kept, argument in zip(before, arguments, strict=True):
        pd.testing.assert_frame_equal(kept, argument)
    assert levels == {"default": 0.9}


# (4) an obvious slow version


def test_covering_stock_equals_a_slow_loop():
    rng = np.random.default_rng(4)
    names = [(item, place) for item in "ABC" for place in ("Moon", "North", "South")]
    _, forecast = plan_of(*((*name, 0, rng.uniform(5, 50), 0) for name in names))
    forecast = forecast.sort_values(schema.SERIES_MONTH)
    mean = forecast["quantity"].to_numpy().reshape(9, 4)
    futures = mean * rng.gamma(4.0, 0.25, (40, 9, 4))
    rows = [(item, place, rng.uniform(1, 3), 0.9) for item in "ABC" for place in ("Moon", "plant")]
    found = stock_of(
        np.split(futures, 4), forecast.sample(frac=1.0, random_state=1), CHAIN, terms_of(*rows)
    )
    for (item, place, exposure, level), stock in zip(rows, found, strict=True):
        heads = {"Moon": "Moon", "North": "plant", "South": "plant"}
        own = [k for k, (i, p) in enumerate(names) if i == item and heads[p] == place]
        squares = []
        for last in (int(exposure), int(exposure) + 1):
            missed = [(path[own, :last] - mean[own, :last]).sum() for path in futures]
            squares.append(max(np.quantile(missed, level), 0.0) ** 2)
        part = exposure - int(exposure)
        assert stock == pytest.approx(((1 - part) * squares[0] + part * squares[1]) ** 0.5)


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


def test_a_service_level_of_a_family_in_percent_is_refused():
    items = typed("items", item=["A"], family=["T"])
    with pytest.raises(ValueError, match="write 0.95 for 95 %"):
        inventory.replenishment(
            sites_of("A"), items, contract.empty("suppliers"), {"default": 0.9, "T": 95}
        )


# chains of sites


def test_a_market_is_supplied_by_the_head_of_its_chain_by_hand():
    places = pd.Series(["North", "South", "depot", "plant", "Moon"], index=[4, 3, 2, 1, 0])
    found = inventory.source(places, CHAIN)
    assert found.tolist() == ["plant"] * 4 + ["Moon"]
    assert found.index.tolist() == [4, 3, 2, 1, 0]


def test_a_long_chain_ends_at_its_head_and_a_circle_ends():
    names = [f"{k}" for k in range(9)]
    long = typed("locations", location=names[:-1], supplied_from=names[1:])
    assert inventory.source(pd.Series(names), long).tolist() == ["8"] * 9
    circle = typed("locations", location=["a", "b"], supplied_from=["b", "a"])
    assert len(inventory.source(pd.Series(["a", "b"]), circle)) == 2  # the check stops such a run


def test_stock_at_plant_depot_and_market_is_the_chains_and_none_is_lost():
    stock = typed(
        "inventory",
        item="A",
        location=["plant", "depot", "North", "Moon"],
        month="2025-12",
        on_hand=[10, 5, 2, 99],
        backlog=[None, 1, None, None],
    )
    opening, is_known = inventory.opening_stock(stock, sites_of("A"), CHAIN, CYCLE)
    assert opening.to_dict() == {("A", "plant"): 16.0} and is_known
    moon = sites_of("A").assign(location="Moon")
    both = pd.concat([sites_of("A"), moon])
    opening, _ = inventory.opening_stock(stock, both, CHAIN, CYCLE)
    assert opening.sum() == (stock["on_hand"] - stock["backlog"].fillna(0.0)).sum()


def test_stock_counted_at_the_depot_alone_is_known_stock_of_the_chain():
    stock = typed("inventory", item=["A"], location=["depot"], month=["2025-12"], on_hand=[7])
    opening, is_known = inventory.opening_stock(stock, sites_of("A"), CHAIN, CYCLE)
    assert opening.tolist() == [7.0] and is_known


def test_demand_of_every_market_of_a_chain_stands_at_its_head_once():
    plan, forecast = plan_of(
        ("A", "North", 12.0, 10.0, 10.0 + 3 * 1.2816), ("A", "South", 30.0, 20.0, 20.0 + 4 * 1.2816)
    )
    table = inventory.site_demand(plan, CHAIN)
    assert table["location"].unique().tolist() == ["plant"]
    assert table["demand"].tolist() == [42.0] * 4
