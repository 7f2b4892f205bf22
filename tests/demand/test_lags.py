"""Past plans beside what came: which layers are told, added up, by lag; textbooks' measures."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from sopkit import months, schema
from sopkit.demand import accuracy, lag_accuracy, lags

FIRST = pd.Timestamp("2024-01-01")
ITEMS = pd.DataFrame(
    {
        "item": ["A", "B", "C"],
        "family": ["Tents", "Tents", "Stoves"],
        "category": "all",
        "planning_factor": [1.0, 1.0, 2.0],
        "lead_time_days": [30.0, 61.0, np.nan],
    }
)
LEVELS = {"items": ITEMS}
RATES = pd.DataFrame(
    {
        "item": ["A", "B", "C"],
        "location": "all",
        "channel": "all",
        "unit_price_value": [10.0, 20.0, np.nan],
    }
)


def month(k: int) -> pd.Timestamp:
    return months.shift(FIRST, k)


def history(amounts: dict[str, list[float]], stockouts: tuple = ()) -> pd.DataFrame:
    rows = [
        (item, "all", "all", month(k), amount, (item, k) in stockouts)
        for item, own in amounts.items()
        for k, amount in enumerate(own)
    ]
    table = pd.DataFrame(rows, columns=[*schema.SERIES_MONTH, "sales", "is_stockout"])
    return table.assign(returns=0.0, unfilled=0.0, demand=table["sales"], revenue_value=np.nan)


def plan(cycle: int, rows: list[tuple], origin: str = "run") -> pd.DataFrame:
    """Rows: item, month, statistical, events, departments, overrides."""
    layers = ["statistical", "events", "departments", "overrides"]
    table = pd.DataFrame(rows, columns=["item", "month", *layers]).astype(
        dict.fromkeys(layers, "float64")
    )
    table = table.assign(month=[month(k) for k in table["month"]], location="all", channel="all")
    return table.assign(cycle=month(cycle), origin=origin, consensus=table[layers].sum(axis=1))


def views(cycle: int, department: str, rows: list[tuple]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["item", "month", "quantity"])
    table = table.assign(month=[month(k) for k in table["month"]], location="all", channel="all")
    return table.assign(cycle=month(cycle), department=department, origin="run")


NO_VIEWS = views(0, "sales", []).astype({"month": months.DTYPE, "quantity": "float64"})


def past_of(plans, said=NO_VIEWS, amounts=None, imported=None, stockouts=()):
    came = history(amounts or {"A": [10.0] * 14, "B": [20.0] * 14, "C": [5.0] * 14}, stockouts)
    return lags.past_plans(plans, said, came, RATES, LEVELS, imported)


def test_each_layer_is_the_sum_of_those_before_it_in_the_common_unit():
    plans = plan(13, [("A", 13, 8.0, 1.0, 2.0, 4.0), ("C", 13, 3.0, 0.0, 0.0, 0.0)])
    past = past_of(plans)
    assert past.rows[["item", "lag", "actual"]].values.tolist() == [["A", 0, 10.0], ["C", 0, 10.0]]
    assert past.said[lags.STATISTICAL].tolist() == [8.0, 6.0]
    assert past.said[lags.EVENTS].tolist() == [9.0, 6.0]
    assert past.said[lags.DEPARTMENTS].tolist() == [11.0, 6.0]
    assert past.said[lags.CONSENSUS].tolist() == [15.0, 6.0]
    assert past.rows["unit_price_value"].fillna(-1.0).tolist() == [10.0, -1.0]


def test_months_that_have_not_closed_and_those_hidden_by_a_stockout_are_not_judged():
    plans = plan(12, [("A", 12, 8, 0, 0, 0), ("A", 13, 8, 0, 0, 0), ("A", 14, 8, 0, 0, 0)])
    past = past_of(plans, stockouts=(("A", 13),))
    assert past.rows["month"].tolist() == [month(12)]


def test_last_years_month_is_one_that_had_closed_before_the_cycle():
    amounts = {"A": [float(k) for k in range(26)]}
    plans = plan(13, [("A", 13, 1, 0, 0, 0), ("A", 25, 1, 0, 0, 0)])
    past = past_of(plans, amounts=amounts)
    # month 25 is lag 12: month 13 had not closed in cycle 13, so month 1 stands in
    assert past.said[lags.NAIVE].tolist() == [1.0, 1.0]


def test_a_replay_with_hindsight_counts_for_the_forecast_alone():
    plans = pd.concat(
        [
            plan(12, [("A", 13, 8, 1, 0, 0)], "hindsight"),
            plan(13, [("A", 13, 8, 1, 0, 0)], "replay"),
        ]
    )
    past = past_of(plans)
    assert past.said[lags.STATISTICAL].tolist() == [8.0, 8.0]
    assert np.isnan(past.said[lags.CONSENSUS][0]) and past.said[lags.CONSENSUS][1] == 9.0


def test_a_view_is_told_beside_the_plan_where_the_department_spoke():
    plans = plan(13, [("A", 13, 8, 0, 0, 0), ("B", 13, 8, 0, 0, 0)])
    past = past_of(plans, views(13, "sales", [("B", 13, 30.0)]))
    assert np.isnan(past.said["sales"][0]) and past.said["sales"][1] == 30.0
    assert past.kinds["sales"] == "department"


def test_errors_are_measured_after_adding_up_and_by_lag():
    plans = pd.concat(
        [
            plan(12, [("A", 13, 14, 0, 0, 0), ("B", 13, 16, 0, 0, 0)]),
            plan(13, [("A", 13, 12, 0, 0, 0), ("B", 13, 20, 0, 0, 0)]),
        ]
    )
    past = past_of(plans)
    came = history({"A": [10.0] * 14, "B": [20.0] * 14})
    table = lag_accuracy.by_lag(past, came, LEVELS, level="family")
    own = table[table["layer"] == lags.CONSENSUS].set_index("lag")
    assert own.loc[1, "wape"] == 0.0  # +4 and −4 within one family
    assert own.loc[0, ["wape", "bias_rate"]].tolist() == pytest.approx([2 / 30, 2 / 30])
    # in money the two do not cancel: 14·10 + 16·20 = 460 beside 500
    assert own.loc[1, "value_wape"] == pytest.approx(40 / 500)
    assert own.loc[lags.EVERY_LAG, "wape"] == pytest.approx(2 / 60)
    assert own.loc[lags.EVERY_LAG, "cycles"] == 2
    assert own.loc[1, "covered_rate"] == 1.0
    # a plan that forgot B spoke of a third of what came, and is judged on that alone
    part = lag_accuracy.by_lag(past.where(past.rows["item"] == "A"), came, LEVELS)
    forgot = part[part["layer"] == lags.CONSENSUS].set_index("lag")
    assert forgot.loc[1, ["covered_rate", "wape"]].tolist() == pytest.approx([1 / 3, 0.4])


def test_the_waterfall_holds_a_plan_to_all_that_came_and_a_department_to_what_it_spoke_of():
    plans = plan(12, [("A", 13, 12, 0, 0, 0)])  # B was not known yet
    past = past_of(plans, views(12, "sales", [("A", 13, 9.0)]))
    came = history({"A": [10.0] * 14, "B": [20.0] * 14})
    table = lag_accuracy.waterfall(past, came, LEVELS).set_index("layer")
    assert table.loc["statistical", ["quantity", "actual"]].tolist() == [12.0, 30.0]
    assert table.loc["sales", ["quantity", "actual"]].tolist() == [9.0, 10.0]
    assert set(table["month"]) == {month(13)}


def test_at_the_lead_time_each_item_is_judged_at_its_own_lag():
    rows = [("A", 13), ("B", 13), ("C", 13)]
    plans = pd.concat(
        [plan(c, [(i, m, 10 * (13 - c), 0, 0, 0) for i, m in rows]) for c in (10, 11, 12, 13)]
    )
    past = past_of(plans)
    at_lead = past.rows[past.rows["lag"] == past.rows["decision_lag"]]
    # 30 days are one month, 61 days three, none is one
    assert at_lead[["item", "lag"]].values.tolist() == [["B", 3], ["A", 1], ["C", 1]]
    table = lag_accuracy.by_lag(past, history({"A": [1.0] * 14}), LEVELS)
    own = table[(table["lag"] == lags.DECISION_LAG) & (table["layer"] == lags.STATISTICAL)]
    # B in cycle 10: 30 for 20; A and C in cycle 12: 10 + 20 for 10 + 10
    assert own["wape"].tolist() == pytest.approx([(10 + 10) / (20 + 20)])


def test_plans_of_the_tool_before_are_spread_as_the_year_before_them_sold():
    snapshot = pd.DataFrame(
        {
            **{level: ["all"] for level in schema.LEVELS},
            "family": ["Tents"],
            "cycle": [month(12)],
            "layer": ["consensus"],
            "month": [month(13)],
            "quantity": [60.0],
        }
    )
    came = history({"A": [10.0] * 14, "B": [20.0] * 14})
    imported, unplaced = lags.imported_plans(snapshot, came, LEVELS)
    assert imported[["item", "quantity"]].values.tolist() == [["A", 20.0], ["B", 40.0]]
    assert unplaced.empty
    nowhere = snapshot.assign(family="Tenst")
    assert len(lags.imported_plans(nowhere, came, LEVELS)[1]) == 1
    # where sopkit did not plan, what people then had is the plan
    past = past_of(plan(12, [("A", 13, 8, 0, 0, 0)], "hindsight"), imported=imported)
    assert past.said[lags.CONSENSUS].tolist() == [20.0, 40.0]
    assert past.rows["origin"].tolist() == ["hindsight", "imported"]


def test_bounds_are_judged_by_how_often_they_hold():
    came = history({"A": [10.0] * 14})
    told = pd.DataFrame(
        {
            "item": "A",
            "location": "all",
            "channel": "all",
            "month": [month(12), month(13)],
            "cycle": [month(12), month(12)],
            "quantity": [10.0, 10.0],
            "quantity_lower": [8.0, 11.0],
            "quantity_upper": [12.0, 12.0],
        }
    )
    table = lag_accuracy.bounds(told, came, level=0.8).set_index("lag")
    assert table["coverage_rate"].tolist() == [1.0, 0.0]
    assert table.loc[1, "below_rate"] == 1.0
    # losses of 8, 10 and 12 beside 10: 0.1·2, 0, 0.1·2
    assert table.loc[0, "pinball_rate"] == pytest.approx((0.2 + 0.0 + 0.2) / 3 / 10)


def test_a_signal_alarms_beyond_what_chance_makes_of_as_many_months():
    cycles = range(13, 25)
    high = pd.concat([plan(c, [("A", c + 1, 12, 0, 0, 0)]) for c in cycles])
    amounts = {"A": [10.0] * 26}
    found = lag_accuracy.signals(past_of(high, amounts=amounts), level="item")
    own = found[found["layer"] == lags.CONSENSUS].iloc[0]
    assert own[["signal", "months", "is_alarm"]].tolist() == [12.0, 12, True]
    both = pd.concat([plan(c, [("A", c + 1, 12 if c % 2 else 8, 0, 0, 0)]) for c in cycles])
    assert not lag_accuracy.signals(past_of(both, amounts=amounts), level="item")["is_alarm"].any()
    few = high[high["cycle"] <= month(17)]
    assert not lag_accuracy.signals(past_of(few, amounts=amounts), level="item")["is_alarm"].any()


def test_the_tracking_signal_is_that_of_carlsons_bakery(needs):
    """Heizer & Render, ch. 4; their error is actual − forecast, so the sign turns."""
    case = json.loads(needs("shared/cases/heizer_tracking_signal_carlson.json").read_text())
    forecast, actual = (np.array(case["inputs"][x], dtype=float) for x in ("forecast", "actual"))
    signal = accuracy.tracking_signal(forecast, actual)
    assert (-signal).tolist() == pytest.approx(case["verified"]["tracking_signal"], abs=5e-5)
    assert (-np.cumsum(forecast - actual)).tolist() == case["published"]["RSFE"]


def test_mad_mse_and_mape_are_stevensons(needs):
    case = json.loads(needs("shared/cases/stevenson_mad_mse_mape.json").read_text())
    forecast, actual = (np.array(case["inputs"][x], dtype=float) for x in ("forecast", "actual"))
    assert accuracy.mad(forecast, actual) == pytest.approx(case["published"]["MAD"])
    assert accuracy.mse(forecast, actual, ddof=1) == pytest.approx(
        case["verified"]["MSE_n_minus_1"]
    )
    assert accuracy.mse(forecast, actual) == pytest.approx(case["verified"]["MSE_n"])
    assert 100 * accuracy.mape(forecast, actual) == pytest.approx(
        case["verified"]["MAPE"], abs=1e-5
    )
    assert -(forecast - actual).sum() == case["published"]["sum_error"]
