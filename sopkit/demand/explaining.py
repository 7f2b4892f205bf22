"""Why the forecast of each series is what it is: its models, its season, its growth, its record."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import combining, forecasting
from sopkit.demand.seasons import YEAR
from sopkit.methods import SINGLE

_NAMED = ("first", "second", "third")


def reasons(
    tests: forecasting.Backtest, means: pd.DataFrame, money_rates: pd.DataFrame
) -> pd.DataFrame:
    """Table ``forecast_reasons``: one row a series.

    Parameters
    ----------
    tests : Backtest
        From ``forecasting.backtest``.
    means : DataFrame
        From ``forecasting.forecast``: zero after a series' end.
    money_rates : DataFrame
        Table `money_rates`: price a unit of each series.

    Returns
    -------
    DataFrame
        Key ``item, location, channel``: ``quantity`` and ``amount_value`` forecast over the
        horizon, missing without a price; ``kind`` of demand and ``known_months``; the three
        heaviest models with their shares, and how many ``models`` count at all; ``growth_rate``,
        the next twelve months beside the last twelve; months of the year (1 to 12) and size of the
        season's ``peak`` and ``trough``, beside its mean; ``wape`` of the combination and of
        seasonal naive at past origins, all lags together. Missing where it cannot be told.
    """
    history, share = tests.history, tests.share
    price = history.keys.merge(money_rates, on=schema.SERIES, how="left", validate="one_to_one")
    ahead = means["quantity"].to_numpy().reshape(len(history.keys), -1)
    quantity = ahead.sum(axis=1)
    table = history.keys.assign(
        quantity=quantity,
        amount_value=quantity * price["unit_price_value"].to_numpy(),
        kind=np.array(combining.KINDS)[tests.kind],
        known_months=np.isfinite(history.values).sum(axis=0),
        models=(share > 0.005).sum(axis=0),
        growth_rate=_growth(history.values[-YEAR:], ahead[:, :YEAR]),
        **_season(tests),
        **_record(tests),
    )
    order = np.argsort(-share, axis=0, kind="stable")
    names = np.array(list(forecasting.MODELS))
    for rank, word in enumerate(_NAMED):
        own = np.take_along_axis(share, order[rank : rank + 1], axis=0)[0]
        model = np.where(own > 0, names[order[rank]], "")
        table = table.assign(**{f"{word}_model": model, f"{word}_share": own})
    return _with_single(table, forecasting.chosen_names(tests))


def _with_single(table: pd.DataFrame, name: np.ndarray) -> pd.DataFrame:
    """Series that people gave to a model of statsmodels: it alone counts."""
    is_single = np.isin(name, list(SINGLE))
    table.loc[is_single, ["models", "first_share"]] = 1
    table.loc[is_single, "first_model"] = name[is_single]
    return table


def _growth(last: np.ndarray, ahead: np.ndarray) -> np.ndarray:
    """Next twelve months beside the last twelve, missing where either is not whole or zero."""
    before = last.sum(axis=0)
    is_whole = len(last) == YEAR and ahead.shape[1] == YEAR
    return ahead.sum(axis=1) / np.where(is_whole & (before > 0), before, np.nan) - 1.0


def _season(tests: forecasting.Backtest) -> dict[str, np.ndarray]:
    """Month and size of the highest and lowest index known today."""
    index = tests.known_seasons[len(tests.history.values)]
    first = int(months.number(tests.history.months[0])) % YEAR
    found = {}
    for word, row in (("peak", index.argmax(axis=0)), ("trough", index.argmin(axis=0))):
        found[f"{word}_month"] = (first + row) % YEAR + 1.0
        found[f"{word}_rate"] = np.take_along_axis(index, row[None], axis=0)[0] - 1.0
    return found


def _record(tests: forecasting.Backtest) -> dict[str, np.ndarray]:
    """Weighted absolute error of the combination and of seasonal naive, over the same months.

    That of seasonal naive is missing where it did not forecast all of them.
    """
    naive = tests.forecasts[list(forecasting.MODELS).index(forecasting.NAIVE)]
    known = np.isfinite(tests.combined - tests.actual)
    volume = np.where(known, np.abs(tests.actual), 0.0).sum(axis=(0, 1))
    volume = np.where(volume > 0, volume, np.nan)
    errors = {"wape": tests.combined - tests.actual, "naive_wape": naive - tests.actual}
    return {
        name: np.where(known, np.abs(error), 0.0).sum(axis=(0, 1)) / volume
        for name, error in errors.items()
    }
