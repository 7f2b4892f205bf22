"""Past forecasts as plans would have told them: baseline times the events and markets known then.

Models are tested and weighed on the baseline, which nobody ever saw. What is published compares
with net sales: each past forecast is multiplied by what events do in the month, at rates known at
its origin.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import accuracy, driver_groups, event_rates, forecasting, panel, seasons


def as_sold(
    tests: forecasting.Backtest,
    demand: pd.DataFrame,
    series: pd.DataFrame,
    events: pd.DataFrame,
    drivers: dict[str, pd.DataFrame],
) -> forecasting.Backtest:
    """The back-test beside what was really sold.

    Parameters
    ----------
    tests : Backtest
        On the baseline.
    demand : DataFrame
        Table `demand_history`.
    series : DataFrame
        The tests' series, in order, with all levels.
    events : DataFrame
        Table `events`.
    drivers : dict of DataFrame
        Tables ``driver_effects``, ``market_rates`` and ``origin_rates``.

    Returns
    -------
    Backtest
        ``forecasts`` and ``combined`` times events and markets; ``actual`` net sales; the seasonal
        naive forecast repeats demand itself.

    Notes
    -----
    An event that began before an origin has the rate that months before it told
    (``origin_rates``). One that began later has the rate it would have been planned with: the
    planner's, weighed with what events before the origin brought. Those are measured with all
    months known today, which moves them little. A market series is known for its lag, then fades.
    """
    effects, market = drivers["driver_effects"], drivers["market_rates"]
    used = effects.loc[effects["state"] == event_rates.USED, "driver"]
    if used.empty or not tests.origins:
        return tests
    events = events.assign(**{name: events[name].fillna(schema.ALL) for name in schema.LEVELS})
    lags = tests.actual.shape[1]
    past = event_rates.past_events(events, effects)
    factor = np.ones(tests.actual.shape)
    for k, origin in enumerate(tests.origins):
        begin = tests.history.months[origin - 1]
        month = months.span(months.shift(begin, 1), lags)
        known = past[past["first_month"] < month[0]]
        for event in events[events["event"].isin(used)].to_dict("records"):
            own = driver_groups.covers(series, event)
            rate = _known(event, known, drivers["origin_rates"], month[0])
            factor[k] *= 1.0 + np.outer(driver_groups.active(event, month), own) * rate
        for (_, family, region), rows in market.groupby(["driver", "family", "region"]):
            own = driver_groups.covers(series, {"family": family, "region": region})
            factor[k] *= 1.0 + np.outer(_fading(rows, month), own)
    net = demand.assign(net=accuracy.measured(demand).mask(demand["is_stockout"]))
    came = panel.from_table(net, "net", tests.history.months).values
    actual = np.full(tests.actual.shape, np.nan)
    for k, origin in enumerate(tests.origins):
        rows = came[origin : origin + lags]
        actual[k, : len(rows)] = np.where(np.isfinite(tests.actual[k, : len(rows)]), rows, np.nan)
    forecasts = tests.forecasts * factor
    naive = list(forecasting.MODELS).index(forecasting.NAIVE)
    values = panel.from_table(demand, "demand", tests.history.months).values
    again = seasons.seasonal_naive(values, tests.origins, lags, tests.known_seasons)
    forecasts[naive] = np.where(np.isfinite(forecasts[naive]), again, np.nan)
    return replace(tests, forecasts=forecasts, actual=actual, combined=tests.combined * factor)


def _known(
    event: dict, past: pd.DataFrame, origin_rates: pd.DataFrame, origin: pd.Timestamp
) -> float:
    """Rate at which an event would have been planned at an origin, from past events before it."""
    if event["first_month"] >= origin:
        return event_rates.rate_of(event, past)[0]
    own = origin_rates[origin_rates["driver"] == event["event"]]
    own = own[own["origin"] == origin]
    return own["rate"].iloc[0] if len(own) else event["expected_rate"]


def _fading(rows: pd.DataFrame, month: pd.DatetimeIndex) -> np.ndarray:
    """Rate of a market series in months from an origin, as far as it was known there."""
    rate = rows.set_index("month")["rate"].reindex(month).fillna(0.0).to_numpy()
    lag, memory = int(rows["lag_months"].iloc[0]), rows["memory_share"].iloc[0]
    before = rows.set_index("month")["rate"].get(months.shift(month[0], -1), 0.0)
    last = rate[lag - 1] if 0 < lag <= len(rate) else before
    ahead = np.arange(len(rate)) - lag + 1
    return np.where(ahead <= 0, rate, np.expm1(np.log1p(last) * memory ** np.maximum(ahead, 0)))
