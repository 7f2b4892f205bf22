"""Returns on promotions, by hand: revenue of added units less their cost and the promotion's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import contract, months
from sopkit.demand import event_rates, promotions

KEY = {"item": "A", "location": "all", "channel": "all"}
MONTHS = months.span(pd.Timestamp("2025-01-01"), 3)
# units 100, 150, 200; net prices 10, 8 and none
DEMAND = pd.DataFrame(KEY | {"month": MONTHS, "sales": [100.0, 150.0, 200.0]}).assign(
    revenue_value=[1000.0, 1200.0, np.nan]
)
RATES = pd.DataFrame([KEY | {"unit_price_value": 9.0, "unit_cost_value": 5.0}])


def effects_of(*rows: tuple) -> pd.DataFrame:
    """Table `driver_effects` from (driver, first month, used rate, lower, upper)."""
    names = ["driver", "first_month", "used_rate", "used_lower", "used_upper"]
    table = pd.DataFrame(rows, columns=names)
    first = pd.to_datetime(table["first_month"])
    same = {"kind": "promotion", "state": event_rates.USED, "family": "all", "units": 50.0}
    return table.assign(first_month=first, last_month=first, **same)


def returned(effects, units, cost=100.0, demand=DEMAND, rates=RATES) -> pd.DataFrame:
    events = pd.DataFrame({"event": effects["driver"], "cost_value": cost})
    table = promotions.returns(demand, units, effects, events, rates)
    contract.check_processed("promotion_returns", table)
    return table


SPRING = effects_of(("Spring", "2025-02", 0.5, 0.25, 1.0))
ADDED = {"Spring": np.array([0.0, 50.0, 0.0])}


def test_added_units_earn_the_price_of_their_month_less_todays_cost():
    row = returned(SPRING, ADDED).iloc[0]
    assert row["amount_value"] == 50 * 8
    assert row["margin_value"] == 50 * (8 - 5)
    assert row["return_value"] == 150 - 100 and row["units"] == 50 and row["rate"] == 0.5
    # a third of the month was added; at the ends of the rate a fifth and a half
    assert row["return_lower"] == pytest.approx(150 * (1 / 5) / (1 / 3) - 100)
    assert row["return_upper"] == pytest.approx(150 * (1 / 2) / (1 / 3) - 100)
    assert row["verdict"] == "cannot be told"


def test_a_month_without_revenue_takes_the_price_of_the_plan():
    row = returned(SPRING, {"Spring": np.array([0.0, 0.0, 50.0])}).iloc[0]
    assert row["amount_value"] == 50 * 9
    bare = returned(SPRING, ADDED, demand=DEMAND.drop(columns="revenue_value")).iloc[0]
    assert bare["amount_value"] == 50 * 9


@pytest.mark.parametrize(("cost", "verdict"), [(50.0, "paid"), (400.0, "did not pay")])
def test_the_verdict_needs_the_whole_interval(cost, verdict):
    assert returned(SPRING, ADDED, cost).iloc[0]["verdict"] == verdict


def test_what_is_not_known_is_said_and_not_guessed():
    row = returned(SPRING, ADDED, np.nan).iloc[0]
    assert row["verdict"] == "its cost is not known" and np.isnan(row["return_value"])
    row = returned(SPRING, ADDED, rates=RATES.assign(unit_cost_value=np.nan)).iloc[0]
    assert row["verdict"] == "no unit cost or price is known" and row["amount_value"] == 400
    none = returned(SPRING, ADDED, rates=RATES.iloc[:0]).iloc[0]
    assert none["verdict"] == "no unit cost or price is known"


def test_only_measured_promotions_stand_in_it_newest_first():
    effects = effects_of(
        ("Spring", "2025-01", 0.5, 0.25, 1.0),
        ("Summer", "2025-03", 0.2, 0.1, 0.3),
        ("Rival", "2025-02", -0.2, -0.3, -0.1),
        ("Untold", "2025-02", 0.2, 0.1, 0.3),
    )
    effects.loc[2, "kind"], effects.loc[3, "state"] = "competitor", event_rates.UNTOLD
    units = dict.fromkeys(["Spring", "Summer", "Rival"], ADDED["Spring"])
    assert returned(effects, units)["event"].tolist() == ["Summer", "Spring"]
    assert returned(effects.iloc[:0], {}).empty
    assert list(returned(effects.iloc[:0], {})) == list(promotions.COLUMNS)


def test_two_series_add_up():
    other = DEMAND.assign(item="B", revenue_value=[3000.0, 4500.0, 6000.0])
    both = pd.concat([DEMAND, other], ignore_index=True)
    rates = pd.concat([RATES, RATES.assign(item="B", unit_cost_value=20.0)])
    units = {"Spring": np.array([0.0, 50.0, 0.0, 0.0, 10.0, 0.0])}
    row = returned(SPRING, units, demand=both, rates=rates).iloc[0]
    assert row["amount_value"] == 50 * 8 + 10 * 30
    assert row["margin_value"] == 50 * 3 + 10 * 10
