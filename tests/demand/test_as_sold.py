"""Past forecasts beside what was sold: only events and markets known at each origin act."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import months, schema
from sopkit.demand import as_sold, event_rates, forecasting, panel

SPAN = months.span(pd.Timestamp("2023-01-01"), 36)
ORIGIN, LAGS = 30, 3  # plans made in July 2025, for July to September
KEYS = pd.DataFrame({"item": ["A", "B"], "location": "all", "channel": ["Online", "Retail"]})
SERIES = KEYS.assign(**{n: "x" for n in schema.LEVELS if n not in KEYS})


def history() -> pd.DataFrame:
    """Table `demand_history`: A sells 1 to 36, B ten times as much; one month of A is hidden."""
    parts = []
    for row, size in zip(KEYS.to_dict("records"), (1.0, 10.0), strict=True):
        parts.append(pd.DataFrame(row | {"month": SPAN, "demand": size * np.arange(1.0, 37.0)}))
    table = pd.concat(parts, ignore_index=True)
    hidden = (table["item"] == "A") & (table["month"] == SPAN[ORIGIN + 1])
    return table.assign(sales=table["demand"], returns=-0.5, unfilled=0.0, is_stockout=hidden)


def backtest() -> forecasting.Backtest:
    """Each model says 100 of each month; the second series is not for the naive one."""
    shape = (1, LAGS, 2)
    forecasts = np.full((len(forecasting.MODELS), *shape), 100.0)
    forecasts[list(forecasting.MODELS).index(forecasting.NAIVE), :, :, 1] = np.nan
    return forecasting.Backtest(
        history=panel.from_table(history(), "demand"),
        origins=[ORIGIN],
        forecasts=forecasts,
        actual=np.ones(shape),
        combined=np.full(shape, 100.0),
        known_seasons={},
        **dict.fromkeys("ahead mean share error_rate kind fell".split(), np.zeros(0)),
    )


def events_of(*rows: tuple) -> pd.DataFrame:
    """Table `events` from (event, kind, first, last, channel, rate)."""
    names = ["event", "kind", "first_month", "last_month", "channel", "expected_rate"]
    table = pd.DataFrame(rows, columns=names)
    typed = {name: pd.to_datetime(table[name]).astype(months.DTYPE) for name in names[2:4]}
    return table.assign(**typed, **{n: schema.ALL for n in schema.LEVELS if n != "channel"})


EVENTS = events_of(
    ("Old", "promotion", "2025-01", "2025-01", "Online", 0.4),
    ("Rival", "competitor", "2025-05", None, "Retail", -0.1),
    ("Sale", "promotion", "2025-08", "2025-08", "Online", 0.3),
    ("Never measured", "customer_gain", "2025-07", None, "Online", 9.0),
)


def drivers_of(**changes) -> dict[str, pd.DataFrame]:
    used = {"driver": ["Old", "Rival", "Sale"], "state": event_rates.USED, "kind": "x"}
    used |= {"used_rate": [0.2, -0.3, 0.7], "expected_rate": [0.4, -0.1, 0.3]}
    then = {"driver": ["Rival"], "origin": [SPAN[ORIGIN]], "rate": [-0.2]}
    columns = "driver family region month rate lag_months memory_share".split()
    made = {"driver_effects": pd.DataFrame(used), "origin_rates": pd.DataFrame(then)}
    return made | {"market_rates": pd.DataFrame(columns=columns)} | changes


def told(**changes) -> forecasting.Backtest:
    return as_sold.as_sold(backtest(), history(), SERIES, EVENTS, drivers_of(**changes))


def test_an_event_before_the_origin_acts_as_known_then_and_a_later_one_as_planned():
    after = told()
    # rival: what months before the origin told, not the −0.3 of today
    assert after.combined[0, :, 1] == pytest.approx([80.0, 80.0, 80.0])
    # sale: the planner's rate weighed with what the promotion before brought, not 0.7
    known = EVENTS[EVENTS["first_month"] < SPAN[ORIGIN]]
    rate = event_rates.coming(EVENTS.iloc[2].to_dict(), known, drivers_of()["driver_effects"])[0]
    assert 0.2 < rate < 0.3
    assert after.combined[0, :, 0] == pytest.approx([100.0, 100 * (1 + rate), 100.0])
    models = [n for n, name in enumerate(forecasting.MODELS) if name != forecasting.NAIVE]
    for number in models:
        assert after.forecasts[number] == pytest.approx(after.combined)


def test_without_a_rate_of_the_origin_it_is_the_planners():
    after = told(origin_rates=drivers_of()["origin_rates"].iloc[:0])
    assert after.combined[0, :, 1] == pytest.approx([90.0, 90.0, 90.0])


def test_the_naive_forecast_repeats_demand_itself_where_it_stood():
    naive = told().forecasts[list(forecasting.MODELS).index(forecasting.NAIVE)]
    assert naive[0, :, 0].tolist() == [19.0, 20.0, 21.0]  # July to September 2024
    assert np.isnan(naive[0, :, 1]).all()


def test_what_came_is_net_sales_and_nothing_where_stock_was_out():
    actual = told().actual
    np.testing.assert_array_equal(actual[0, :, 0], [30.5, np.nan, 32.5])
    np.testing.assert_array_equal(actual[0, :, 1], [309.5, 319.5, 329.5])


def test_a_market_series_is_known_for_its_lag_and_then_fades():
    rows = {"driver": "index", "family": "x", "region": "all", "lag_months": 1}
    rows |= {"month": SPAN, "memory_share": 0.5, "rate": 0.21}
    none = drivers_of()["origin_rates"].iloc[:0]
    events = EVENTS.iloc[:1]
    known = drivers_of(market_rates=pd.DataFrame(rows), origin_rates=none)
    after = as_sold.as_sold(backtest(), history(), SERIES, events, known)
    expected = [121.0, 100 * 1.21**0.5, 100 * 1.21**0.25]
    assert after.combined[0, :, 0] == pytest.approx(expected)


def test_nothing_used_or_no_origin_leaves_the_tests():
    before = backtest()
    effects = drivers_of()["driver_effects"].assign(state=event_rates.UNTOLD)
    known = drivers_of(driver_effects=effects)
    assert as_sold.as_sold(before, history(), SERIES, EVENTS, known) is before
