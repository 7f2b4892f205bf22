"""Past plans beside what came: every cycle's every layer, by lag, level and measure.

The ledger is laid out once (``past_plans``); any slice of it is then measured in a moment. Signs
(house §3): error = forecast − actual, so a positive bias means that a plan was too high. Sums come
before errors: a member's plan is added up over its series, then judged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import accuracy, hierarchy, nesting, panel

NAIVE, STATISTICAL, EVENTS = "same month last year", "statistical", "with events"
DEPARTMENTS, CONSENSUS = "with departments", "consensus"
PLAN_LAYERS = (NAIVE, STATISTICAL, EVENTS, DEPARTMENTS, CONSENSUS)
PROMOTED, USUAL = "promoted months", "other months"  # of a family
EVERY_LAG, DECISION_LAG = -1, -2  # all lags together; each item at its lead time
LEVELS = ("total", "family", "location", "channel", "item")
RUN, REPLAY = "run", "replay"  # origins of a past cycle
HINDSIGHT = "hindsight"  # of a replay that knew more of its future than people did
_DAYS = 365.25 / 12
_SIGNAL_MONTHS = 12  # judged months that a tracking signal sums up
_LEAST_SIGNAL_MONTHS = 6  # months before a tracking signal may alarm
ALARM = 4.0  # mean absolute deviations (Heizer & Render)
_CHANCE = 1.96 * 1.2533  # bounds of a sum of as many even errors, deviations a root of a month


@dataclass(frozen=True)
class Past:
    """Plans of past cycles whose months have closed, one row a cycle, series and month.

    ``rows``: series, levels above, ``cycle``, ``month``, ``lag``, ``origin`` (run, replay,
    imported), ``actual`` (the planning unit), ``unit_price_value``, ``decision_lag``. ``said``:
    what each layer planned there, NaN where it said nothing; ``kinds``: naive, forecast, step,
    department, plan or imported.
    """

    rows: pd.DataFrame
    said: dict[str, np.ndarray]
    kinds: dict[str, str]

    def where(self, chosen: np.ndarray | pd.Series) -> Past:
        """Those rows alone."""
        kept = np.asarray(chosen, dtype=bool)
        said = {name: values[kept] for name, values in self.said.items()}
        return replace(self, rows=self.rows[kept].reset_index(drop=True), said=said)

    def layers(self, *kinds: str) -> list[str]:
        """Names of the layers of these kinds."""
        return [name for name, kind in self.kinds.items() if kind in kinds]


def past_plans(
    plans: pd.DataFrame,
    views: pd.DataFrame,
    history: pd.DataFrame,
    rates: pd.DataFrame,
    levels: dict[str, pd.DataFrame],
    imported: pd.DataFrame | None = None,
) -> Past:
    """Every layer of every past cycle beside what came.

    Parameters
    ----------
    plans, views : DataFrame
        The ledger of `demand_plan` and `views` under today's item codes: ``cycle``, ``origin``
        (a replay that knew events of its future has the origin ``hindsight``).
    history : DataFrame
        Table `demand_history`. Actual is what ``accuracy.measured`` says, months hidden by
        stock-outs left out.
    rates : DataFrame
        Table `money_rates`.
    levels : dict of DataFrame
        Tables `items` (families, planning factors, lead times), `locations`, `channels`.
    imported : DataFrame, optional
        From ``imported_plans``.

    Returns
    -------
    Past
        Quantities in the planning unit.

    Notes
    -----
    In a cycle with hindsight what events feed stays unknown: ``with events``, ``with departments``
    and ``consensus``. ``same month last year`` is the cleaned demand of the last such month that
    had closed before the cycle.
    """
    net = history.assign(net=accuracy.measured(history).mask(history["is_stockout"]))
    came, cleaned = panel.from_table(net, "net"), panel.from_table(history, "demand")
    index = pd.MultiIndex.from_frame(came.keys)
    start, count = months.number(came.months[0]), len(came.months)

    def placed(table: pd.DataFrame) -> pd.DataFrame:
        """Rows whose series and month are known by now, with their place in the panel."""
        table = table[table["month"] <= came.months[-1]]
        series = index.get_indexer(pd.MultiIndex.from_frame(table[schema.SERIES]))
        month = (months.number(table["month"]) - start).to_numpy()
        table = table.assign(_series=series, _month=month, _cycle=months.number(table["cycle"]))
        return table[(series >= 0) & (month >= 0) & (month < count)]

    parts = [placed(plans).assign(_layer="")]
    if imported is not None and len(imported):
        parts.append(placed(imported))
    # outer by hand: a row of the grid is a cycle, series and month that anybody planned
    grid = pd.concat(parts, ignore_index=True)
    code = _code(grid, len(index), count)
    first = ~pd.Series(code).duplicated().to_numpy()
    order = np.flatnonzero(first)[np.argsort(code[first], kind="stable")]
    rows, known = grid.iloc[order], code[order]
    actual = came.values[rows["_month"], rows["_series"]]
    said, kinds = _layers(
        grid[grid["_layer"] == ""], code[(grid["_layer"] == "").to_numpy()], known
    )
    said = {NAIVE: _last_year(cleaned, rows), **said}
    kinds = {NAIVE: "naive", **kinds}
    own = placed(views)
    for name, part in own.groupby("department"):
        values = _at(_code(part, len(index), count), part["quantity"].to_numpy(), known)
        said[str(name)], kinds[str(name)] = values, "department"
    for name, part in grid[grid["_layer"] != ""].groupby("_layer"):
        values = _at(_code(part, len(index), count), part["quantity"].to_numpy(), known)
        if name in said:  # what the old tool said, where sopkit did not plan
            said[name] = np.where(np.isfinite(said[name]), said[name], values)
        else:
            said[name], kinds[name] = values, "imported"
    keys = hierarchy.with_levels(
        came.keys, levels["items"], levels.get("locations"), levels.get("channels")
    )
    price = rates.set_index(schema.SERIES)["unit_price_value"]
    factor = hierarchy.factors(keys["item"], levels["items"]).to_numpy()
    keys = keys.astype("category").assign(
        unit_price_value=price.reindex(index).to_numpy() / np.where(factor > 0, factor, np.nan),
        decision_lag=_decision_lag(keys["item"], levels["items"]),
    )
    series = rows["_series"].to_numpy()
    factor, table = factor[series], keys.iloc[series].reset_index(drop=True)
    table = table.assign(
        cycle=rows["cycle"].to_numpy(),
        month=rows["month"].to_numpy(),
        origin=rows["origin"].to_numpy(),
        lag=(months.number(rows["month"]) - rows["_cycle"]).to_numpy(),
        actual=actual * factor,
    )
    past = Past(table, {name: values * factor for name, values in said.items()}, kinds)
    return past.where(np.isfinite(past.rows["actual"]))


def _code(rows: pd.DataFrame, series: int, count: int) -> np.ndarray:
    """One number a cycle, series and month."""
    place = rows["_cycle"].to_numpy(dtype="int64") * series + rows["_series"].to_numpy()
    return place * count + rows["_month"].to_numpy()


def _at(code: np.ndarray, values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Values by sorted ``known`` code; NaN where there is none."""
    made = np.full(len(known), np.nan)
    place = np.searchsorted(known, code)
    is_there = (place < len(known)) & (known[np.minimum(place, len(known) - 1)] == code)
    made[place[is_there]] = values[is_there]
    return made


def _layers(plans: pd.DataFrame, code: np.ndarray, known: np.ndarray) -> tuple[dict, dict]:
    """The plan as it stood after each of its layers."""
    is_seen = (plans["origin"] == HINDSIGHT).to_numpy()
    total = plans["statistical"].to_numpy(dtype="float64")
    said = {STATISTICAL: _at(code, total, known)}
    for name, column in (
        (EVENTS, "events"),
        (DEPARTMENTS, "departments"),
        (CONSENSUS, "overrides"),
    ):
        total = total + plans[column].to_numpy(dtype="float64")
        said[name] = _at(code, np.where(is_seen, np.nan, total), known)
    kinds = {STATISTICAL: "forecast", EVENTS: "step", DEPARTMENTS: "step", CONSENSUS: "plan"}
    return said, kinds


def _last_year(cleaned: panel.Panel, rows: pd.DataFrame) -> np.ndarray:
    """Demand of the last same month closed before each row's cycle; NaN before any."""
    lag = (months.number(rows["month"]) - rows["_cycle"]).to_numpy()
    back = 12 * (lag // 12 + 1)
    month = rows["_month"].to_numpy() - back
    values = cleaned.values[np.maximum(month, 0), rows["_series"]]
    return np.where(month >= 0, values, np.nan)


def _decision_lag(item: pd.Series, items: pd.DataFrame) -> np.ndarray:
    """Months before which supply of an item must be decided: its lead time, at least one."""
    if "lead_time_days" not in items.columns:
        return np.ones(len(item), dtype="int64")
    days = schema.lookup(item, items, "lead_time_days").astype("float64").fillna(0.0)
    return np.maximum(np.ceil(days.to_numpy() / _DAYS - 1e-9), 1.0).astype("int64")


def imported_plans(
    plan_history: pd.DataFrame, history: pd.DataFrame, levels: dict[str, pd.DataFrame]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Snapshots of the tool before, on the plan's keys.

    Parameters
    ----------
    plan_history : DataFrame
        Table `plan_history`: quantities of a cycle and layer at any level, in the planning unit
        above item level.
    history : DataFrame
        Table `demand_history`: a snapshot is spread as the year before its cycle sold.
    levels : dict of DataFrame
        Tables `items`, `locations`, `channels`.

    Returns
    -------
    plans : DataFrame
        Series, ``month``, ``cycle``, ``_layer``, ``quantity`` (item units), ``origin`` imported.
    unplaced : DataFrame
        Rows of plan_history that cover no series sold in the year before their cycle.
    """
    tables = [levels.get(name) for name in ("items", "locations", "channels")]
    parts, unplaced = [], [plan_history.iloc[:0]]
    for (cycle, layer), rows in plan_history.groupby(["cycle", "layer"]):
        year = history[(history["month"] < cycle) & (history["month"] >= months.shift(cycle, -12))]
        base = hierarchy.aggregate(year, schema.SERIES, ["demand"])
        base = hierarchy.with_levels(base, *tables).rename(columns={"demand": "quantity"})
        base = base.assign(factor=hierarchy.factors(base["item"], levels["items"]))
        ahead = pd.DataFrame({"month": rows["month"].unique()})
        base = base.merge(ahead, how="cross")
        said = rows.rename(columns={"quantity": "amount"})
        said = said.assign(quarter=pd.NaT, measure="factor").reset_index(drop=True)
        quantity, placed = nesting.lay(said, base)
        is_lost = placed["state"].isin([nesting.NOTHING, nesting.CROSSES]).to_numpy()
        unplaced.append(rows[is_lost])
        laid = base[schema.SERIES_MONTH].assign(quantity=quantity, cycle=cycle, _layer=layer)
        parts.append(laid[quantity.notna()].assign(origin="imported"))
    columns = [*schema.SERIES_MONTH, "quantity", "cycle", "_layer", "origin"]
    if not parts:
        return pd.DataFrame(columns=columns), plan_history.iloc[:0]
    return pd.concat(parts, ignore_index=True)[columns], pd.concat(unplaced, ignore_index=True)


def with_promotions(past: Past, sales: pd.DataFrame, events: pd.DataFrame) -> Past:
    """The past with a column ``promotion``: whether one ran in the family that month.

    Parameters
    ----------
    past : Past
        From ``past_plans``.
    sales, events : DataFrame
        Raw tables: ``sales.is_promotion``; where no row says it, events of the kind promotion.
    """
    rows, is_told = past.rows, sales["is_promotion"].notna().any()
    if is_told:
        ran = sales[sales["is_promotion"].fillna(False).astype(bool)]
        code = pd.MultiIndex.from_frame(rows[schema.SERIES_MONTH])
        own = code.isin(pd.MultiIndex.from_frame(ran[schema.SERIES_MONTH]))
    else:
        own = np.zeros(len(rows), dtype=bool)
        for event in events[events["kind"] == "promotion"].to_dict("records"):
            last = event["last_month"] if pd.notna(event["last_month"]) else rows["month"].max()
            covered = rows["month"].between(event["first_month"], last)
            for level in schema.LEVELS:
                if level in rows and pd.notna(event[level]) and event[level] != schema.ALL:
                    covered &= rows[level] == event[level]
            own |= covered.to_numpy(dtype=bool)
    in_family = pd.Series(own, index=rows.index).groupby([rows["family"], rows["month"]])
    words = np.where(in_family.transform("max"), PROMOTED, USUAL)
    return replace(past, rows=rows.assign(promotion=words))


@dataclass(frozen=True)
class Groups:
    """Rows of a past grouped by member of a level, cycle and month; ``place`` is each row's."""

    members: np.ndarray
    member: np.ndarray  # place in members
    cycle: np.ndarray  # months since year 0, like month
    month: np.ndarray
    place: np.ndarray


@dataclass(frozen=True)
class Sums:
    """Plan and actual added up by member, cycle and month: arrays of one length."""

    members: np.ndarray
    member: np.ndarray
    cycle: np.ndarray
    month: np.ndarray
    said: np.ndarray  # (n_layers, n)
    actual: np.ndarray
    is_known: np.ndarray  # whether any series was told

    @property
    def lag(self) -> np.ndarray:
        """Months from cycle to month."""
        return self.month - self.cycle

    def where(self, chosen: np.ndarray) -> Sums:
        """Those groups alone."""
        names = ("member", "cycle", "month", "actual", "is_known")
        kept = {name: getattr(self, name)[chosen] for name in names}
        return replace(self, said=self.said[:, chosen], **kept)


def grouped(past: Past, level: str) -> Groups:
    """Group a past by ``total`` or a column of its rows."""
    rows = past.rows
    name = rows[level] if level != "total" else pd.Series(schema.COMPANY_LABEL, index=rows.index)
    member, members = pd.factorize(name, sort=True)
    cycle, month = (months.number(rows[column]).to_numpy() for column in ("cycle", "month"))
    code = (member.astype("int64") * 100_000 + cycle) * 100_000 + month
    distinct, place = np.unique(code, return_inverse=True)
    head, month = np.divmod(distinct, 100_000)
    member, cycle = np.divmod(head, 100_000)
    return Groups(np.asarray(members), member, cycle, month, place)


def added_up(
    past: Past, groups: Groups, layers: list[str], *, is_money: bool = False, is_whole: bool = False
) -> Sums:
    """Sums over the series for which all these layers said something.

    Parameters
    ----------
    past : Past
        From ``past_plans``.
    groups : Groups
        From ``grouped``.
    layers : list of str
        Compared with one another, so on the same series.
    is_money : bool
        At today's prices; series without one are left out.
    is_whole : bool
        All groups, those too of which nothing is known: zeros there.
    """
    said = np.stack([past.said[name] for name in layers])
    known = np.isfinite(said).all(axis=0)
    weight = known.astype("float64")
    if is_money:
        price = past.rows["unit_price_value"].to_numpy()
        known = known & np.isfinite(price)
        weight = np.where(known, price, 0.0)
    many = len(groups.member)

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(groups.place, np.where(known, values, 0.0) * weight, many)

    totals = np.stack([total(values) for values in said])
    sums = Sums(
        groups.members,
        groups.member,
        groups.cycle,
        groups.month,
        totals,
        total(past.rows["actual"].to_numpy()),
        np.bincount(groups.place, known, many) > 0,
    )
    return sums if is_whole else sums.where(sums.is_known)


def by_lag(
    past: Past, history: pd.DataFrame, levels: dict[str, pd.DataFrame], *, level: str = "total"
) -> pd.DataFrame:
    """Table ``lag_accuracy`` of one level: each layer, member and lag.

    Parameters
    ----------
    past : Past
        From ``past_plans``.
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
        (seasonal naive scale, Hyndman & Koehler 2006), ``volume``, ``cycles``.
    """
    scale = _scales(history, levels, level)
    decided = past.where(past.rows["lag"] == past.rows["decision_lag"])
    whole, late = grouped(past, level), grouped(decided, level)
    cells = [
        (past, whole, [_cells(whole, None), _cells(whole, EVERY_LAG)]),
        (decided, late, [_cells(late, DECISION_LAG)]),
    ]
    parts = []
    for name in past.said:
        for own, groups, every in cells:
            units, money = (
                added_up(own, groups, [name], is_money=flag, is_whole=True)
                for flag in (False, True)
            )
            parts += [_measures(units, money, p, scale).assign(layer=name) for p in every]
    table = pd.concat(parts, ignore_index=True).assign(level=level)
    columns = ["level", "member", "layer", "lag", "wape", "bias_rate", "value_wape", "mase"]
    columns += ["rmsse", "volume", "cycles"]
    return table[columns].astype({"level": "str", "member": "str", "layer": "str"})


def _cells(groups: Groups, lag: int | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Member and lag of each row of the result, and the row of each group.

    All months together under the name of one ``lag``, if given.
    """
    ahead = groups.month - groups.cycle if lag is None else np.full(len(groups.member), lag)
    distinct, place = np.unique(groups.member * 1_000 + ahead + 10, return_inverse=True)
    member, ahead = np.divmod(distinct, 1_000)
    return member, ahead - 10, place


def _measures(units: Sums, money: Sums, cells: tuple, scale: pd.DataFrame) -> pd.DataFrame:
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
            }
        )
    return table[count > 0]


def _scales(history: pd.DataFrame, levels: dict[str, pd.DataFrame], level: str) -> pd.DataFrame:
    """Mean absolute and mean squared difference to the same month a year before, by member."""
    net = history.assign(actual=accuracy.measured(history))
    net = hierarchy.with_levels(
        net, levels["items"], levels.get("locations"), levels.get("channels")
    )
    if level != "total" and level not in net.columns:  # a class or a model: no history of its own
        return pd.DataFrame(columns=["absolute", "square"], dtype="float64")
    member = net[level] if level != "total" else schema.COMPANY_LABEL
    wide = net.assign(member=member).groupby(["member", "month"])["actual"].sum().unstack("month")
    change = wide.diff(12, axis=1)
    table = pd.DataFrame(
        {"absolute": change.abs().mean(axis=1), "square": (change**2).mean(axis=1)}
    )
    return table.where(table > 0)


def waterfall(past: Past, *, level: str = "total") -> pd.DataFrame:
    """Table ``waterfall`` of one level: what each cycle planned for each month, and what came.

    Parameters
    ----------
    past : Past
        From ``past_plans``.
    level : str
        ``total`` or a column of the past's rows.

    Returns
    -------
    DataFrame
        Key ``level, member, layer, cycle, month``: ``quantity`` planned and ``actual`` of the
        series that the layer spoke of, in the planning unit.
    """
    groups, parts = grouped(past, level), []
    for layer in past.said:
        sums = added_up(past, groups, [layer])
        made = {"member": sums.members[sums.member], "cycle": months.from_number(sums.cycle)}
        made |= {"month": months.from_number(sums.month), "quantity": sums.said[0]}
        parts.append(pd.DataFrame(made | {"actual": sums.actual}).assign(layer=layer))
    columns = ["level", "member", "layer", "cycle", "month", "quantity", "actual"]
    table = pd.concat(parts, ignore_index=True).assign(level=level)[columns]
    kinds = {"cycle": months.DTYPE, "month": months.DTYPE}
    return table.astype(kinds | dict.fromkeys(["level", "member", "layer"], "str"))


def signals(past: Past, *, level: str = "family", lag: int = 1) -> pd.DataFrame:
    """Table ``tracking_signals`` of one level: plans that err on one side, month after month.

    Parameters
    ----------
    past : Past
        From ``past_plans``.
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
