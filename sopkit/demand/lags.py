"""Past plans beside what came: every cycle's every layer, laid out once, added up to any level.

``lag_accuracy`` and ``value_added`` measure what stands here; any slice of it in a moment.
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
APPROVED, CLOSED, RUN, REPLAY = "approved", "closed", "run", "replay"  # origins of a past cycle
HINDSIGHT = "hindsight"  # of a replay that knew more of its future than people did
REMADE = (REPLAY, HINDSIGHT)  # plans that nobody had at the time
_DAYS = 365.25 / 12


@dataclass(frozen=True)
class Past:
    """Plans of past cycles whose months have closed, one row a cycle, series and month.

    ``rows``: series, levels above, ``cycle``, ``month``, ``lag``, ``origin`` (approved, closed,
    run, replay, imported), ``actual`` (the planning unit), ``unit_price_value``, ``decision_lag``.
    ``said``: what each layer planned there, NaN where it said nothing; ``kinds``: naive, forecast,
    step, department, plan or imported.
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
        decision_lag=decision_lag(keys["item"], levels["items"]),
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


def decision_lag(item: pd.Series, items: pd.DataFrame) -> np.ndarray:
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
