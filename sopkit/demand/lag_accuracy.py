"""How far off past plans were: by lag, layer and member, and on which side they err.

Signs (house §3): error = forecast − actual, so a positive bias means that a plan was too high. Sums
come before errors: a member's plan is added up over its series, then judged.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import accuracy, hierarchy
from sopkit.demand.lags import DECISION_LAG, EVERY_LAG, Groups, Past, Sums, added_up, grouped

LEVELS = ("total", "family", "location", "channel", "item")
_SIGNAL_MONTHS = 12  # judged months that a tracking signal sums up
_LEAST_SIGNAL_MONTHS = 6  # months before a tracking signal may alarm
ALARM = 4.0  # mean absolute deviations (Heizer & Render)
_CHANCE = 1.96 * 1.2533  # bounds of a sum of as many even errors, deviations a root of a month


def by_lag(
    past: Past, history: pd.DataFrame, levels: dict[str, pd.DataFrame], *, level: str = "total"
) -> pd.DataFrame:
    """Table ``lag_accuracy`` of one level: each layer, member and lag.

    Parameters
    ----------
    past : Past
        From ``lags.past_plans``.
    history : DataFrame
        Table `demand_history`, in the planning unit: scales of MASE and RMSSE.
    levels : dict of DataFrame
        Tables `items`, `locations`, `channels`.
    level : str
        ``total`` or a column of the past's rows: a level, a class, a model.

    Returns
    -------
    DataFrame
        Key ``level, member, layer, lag`` (−1: all lags together, −2: each item at its lead time):
        ``wape``, ``bias_rate``, ``value_wape`` (in money at today's prices), ``mase``, ``rmsse``
        (seasonal naive scale, Hyndman & Koehler 2006), ``volume``, ``cycles``; ``covered_rate``:
        share of what came at the member of which the layer spoke, the rest is judged nowhere.
    """
    net = _by_month(history, levels, level)
    scale = _scales(net)

    decided = past.where(past.rows["lag"] == past.rows["decision_lag"])
    whole, late = grouped(past, level), grouped(decided, level)
    nobody = np.full(len(late.member), np.nan)  # at the lead time each month is told in parts
    cells = [
        (past, whole, _came(net, whole), [_cells(whole, None), _cells(whole, EVERY_LAG)]),
        (decided, late, nobody, [_cells(late, DECISION_LAG)]),
    ]
    parts = []
    for name in past.said:
        for own, groups, came, every in cells:
            units, money = (
                added_up(own, groups, [name], is_money=flag, is_whole=True)
                for flag in (False, True)
            )
            parts += [_measures(units, money, came, p, scale).assign(layer=name) for p in every]
    table = pd.concat(parts, ignore_index=True).assign(level=level)
    columns = ["level", "member", "layer", "lag", "wape", "bias_rate", "value_wape", "mase"]
    columns += ["rmsse", "volume", "cycles", "covered_rate"]
    return table[columns].astype({"level": "str", "member": "str", "layer": "str"})


def _came(net: pd.DataFrame, groups: Groups) -> np.ndarray:
    """All that came at the member and month of each group; missing where nobody knows."""
    if net.empty:
        return np.full(len(groups.member), np.nan)
    month = pd.DatetimeIndex(months.from_number(groups.month))
    place = net.index.get_indexer(groups.members[groups.member]), net.columns.get_indexer(month)
    is_there = (place[0] >= 0) & (place[1] >= 0)
    return np.where(is_there, np.nan_to_num(net.to_numpy())[place], np.nan)


def _cells(groups: Groups, lag: int | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Member and lag of each row of the result, and the row of each group.

    All months together under the name of one ``lag``, if given.
    """
    ahead = groups.month - groups.cycle if lag is None else np.full(len(groups.member), lag)
    distinct, place = np.unique(groups.member * 1_000 + ahead + 10, return_inverse=True)
    member, ahead = np.divmod(distinct, 1_000)
    return member, ahead - 10, place


def _measures(
    units: Sums, money: Sums, came: np.ndarray, cells: tuple, scale: pd.DataFrame
) -> pd.DataFrame:
    """Measures by member and lag; rows of which nothing is known are left out."""
    member, lag, place = cells
    many, known = len(member), units.is_known

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(place, values, many)

    error, off = units.said[0] - units.actual, money.said[0] - money.actual
    count, volume = total(known), total(np.abs(units.actual))
    absolute, worth = total(np.abs(error)), total(np.abs(money.actual))
    usual = scale.reindex(units.members[member])
    at = np.unique(np.stack([place[known], units.cycle[known]]), axis=1)[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        table = pd.DataFrame(
            {
                "member": units.members[member],
                "lag": lag,
                "wape": absolute / np.where(volume > 0, volume, np.nan),
                "bias_rate": total(error) / np.where(volume > 0, volume, np.nan),
                "value_wape": total(np.abs(off)) / np.where(worth > 0, worth, np.nan),
                "mase": absolute / count / usual["absolute"].to_numpy(),
                "rmsse": np.sqrt(total(error**2) / count / usual["square"].to_numpy()),
                "volume": volume,
                "cycles": np.bincount(at, minlength=many).astype("int64"),
                "covered_rate": total(units.actual) / total(np.where(known, came, 0.0)),
            }
        )
    return table[count > 0]


def _by_month(history: pd.DataFrame, levels: dict[str, pd.DataFrame], level: str) -> pd.DataFrame:
    """What came by member and month; empty for a class or a model, which have no history."""
    net = history.assign(actual=accuracy.measured(history).mask(history["is_stockout"]))
    net = hierarchy.with_levels(
        net, levels["items"], levels.get("locations"), levels.get("channels")
    )
    if level != "total" and level not in net.columns:
        return pd.DataFrame()
    member = net[level] if level != "total" else schema.COMPANY_LABEL
    return (
        net.assign(member=member)
        .groupby(["member", "month"])["actual"]
        .sum(min_count=1)
        .unstack("month")
    )


def _scales(net: pd.DataFrame) -> pd.DataFrame:
    """Mean absolute and mean squared difference to the same month a year before, by member."""
    if net.empty:
        return pd.DataFrame(columns=["absolute", "square"], dtype="float64")
    change = net.diff(12, axis=1)
    scales = {"absolute": change.abs().mean(axis=1), "square": (change**2).mean(axis=1)}
    return pd.DataFrame(scales).where(lambda table: table > 0)


def waterfall(
    past: Past, history: pd.DataFrame, levels: dict[str, pd.DataFrame], *, level: str = "total"
) -> pd.DataFrame:
    """Table ``waterfall`` of one level: what each cycle planned for each month, and what came.

    Parameters
    ----------
    past : Past
        From ``lags.past_plans``.
    history : DataFrame
        Table `demand_history`, in the planning unit.
    levels : dict of DataFrame
        Tables `items`, `locations`, `channels`.
    level : str
        ``total`` or a level of the history.

    Returns
    -------
    DataFrame
        Key ``level, member, layer, cycle, month``: ``quantity`` planned and ``actual``, in the
        planning unit. To a plan that is for the whole company all that came is held, items that
        it did not know yet too; to a department's number only what it spoke of. Months hidden by a
        stock-out stand in neither.
    """
    groups, parts = grouped(past, level), []
    net, partial = _by_month(history, levels, level), past.layers("department", "imported")
    every = _came(net, groups)
    for layer in past.said:
        sums = added_up(past, groups, [layer], is_whole=True)
        actual = sums.actual if layer in partial else every
        made = {"member": sums.members[sums.member], "cycle": months.from_number(sums.cycle)}
        made |= {"month": months.from_number(sums.month), "quantity": sums.said[0]}
        made = pd.DataFrame(made | {"actual": actual})[sums.is_known]
        parts.append(made.assign(layer=layer))
    columns = ["level", "member", "layer", "cycle", "month", "quantity", "actual"]
    table = pd.concat(parts, ignore_index=True).assign(level=level)[columns]
    kinds = {"cycle": months.DTYPE, "month": months.DTYPE}
    return table.astype(kinds | dict.fromkeys(["level", "member", "layer"], "str"))


def signals(past: Past, *, level: str = "family", lag: int = 1) -> pd.DataFrame:
    """Table ``tracking_signals`` of one level: plans that err on one side, month after month.

    Parameters
    ----------
    past : Past
        From ``lags.past_plans``.
    level : str
        ``total`` or a column of the past's rows.
    lag : int
        Months ahead at which plans are judged.

    Returns
    -------
    DataFrame
        Key ``level, member, layer``: ``signal`` over the last twelve months judged
        (``accuracy.tracking_signal``; positive: too high), ``months`` judged, ``is_alarm``: over
        six months or more, beyond the 4 mean absolute deviations of textbooks and beyond what
        chance makes of so many even errors in 19 of 20 cases, 8.5 in a year. Largest first.
    """
    own, rows = past.where(past.rows["lag"] == lag), []
    groups = grouped(own, level)
    for layer in past.layers("forecast", "department", "plan", "imported"):
        sums = added_up(own, groups, [layer])
        order = np.lexsort((sums.month, sums.member))
        for number in np.unique(sums.member):
            name, of_one = sums.members[number], order[sums.member[order] == number]
            of_one = of_one[-_SIGNAL_MONTHS:]
            signal = accuracy.tracking_signal(sums.said[0, of_one], sums.actual[of_one])
            many = len(signal)
            most = max(ALARM, _CHANCE * np.sqrt(many))
            is_alarm = many >= _LEAST_SIGNAL_MONTHS and abs(signal[-1]) > most
            rows.append((level, name, layer, signal[-1], many, is_alarm))
    columns = ["level", "member", "layer", "signal", "months", "is_alarm"]
    table = pd.DataFrame(rows, columns=columns)
    kinds = {"signal": "float64", "months": "int64", "is_alarm": "bool"}
    table = table.astype(kinds | dict.fromkeys(columns[:3], "str"))
    order = table["signal"].abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)


def bounds(forecasts: pd.DataFrame, history: pd.DataFrame, *, level: float) -> pd.DataFrame:
    """Table ``bound_accuracy``: how often what came lay inside the forecast's bounds, by lag.

    Parameters
    ----------
    forecasts : DataFrame
        The ledger of `forecast` under today's item codes: bounds of single series and months.
    history : DataFrame
        Table `demand_history`.
    level : float
        Share that the bounds should hold, 0.8.

    Returns
    -------
    DataFrame
        Key ``lag``: ``coverage_rate``, ``below_rate``, ``above_rate``, ``pinball_rate`` (mean of
        the loss at both bounds and the mean forecast, share of what came), ``rows``.
    """
    net = history.assign(actual=accuracy.measured(history))
    net = net.loc[~net["is_stockout"], [*schema.SERIES_MONTH, "actual"]]
    # inner: months that have not closed, or are hidden by stock-outs, cannot be judged
    both = forecasts.merge(net, on=schema.SERIES_MONTH, how="inner", validate="many_to_one")
    both = both.dropna(subset=["quantity_lower", "quantity_upper"])
    actual, edge = both["actual"].to_numpy(), (1.0 - level) / 2.0
    tails = (("quantity_lower", edge), ("quantity", 0.5), ("quantity_upper", 1.0 - edge))
    loss = sum(accuracy.pinball(both[name].to_numpy(), actual, chance) for name, chance in tails)
    both = both.assign(
        lag=(months.number(both["month"]) - months.number(both["cycle"])).astype("int64"),
        below_rate=(both["actual"] < both["quantity_lower"]).astype("float64"),
        above_rate=(both["actual"] > both["quantity_upper"]).astype("float64"),
        loss=loss / 3.0,
        volume=np.abs(actual),
    )
    by = both.groupby("lag")
    table = by[["below_rate", "above_rate"]].mean()
    sums = by[["loss", "volume"]].sum()
    table = table.assign(
        coverage_rate=1.0 - table["below_rate"] - table["above_rate"],
        pinball_rate=sums["loss"] / sums["volume"].where(sums["volume"] > 0),
        rows=by.size(),
    )
    return table.reset_index()
