"""The sample's supply and purchasing in one mixed-integer programme, beside one after the other.

Everything at once: the linear programme of the supply plan, and orders to each supplier for what
is bought and for all components, with lead times, monthly limits, minimum orders and price breaks;
stock of components costs the carrying rate. One after the other: the supply plan of the cycle, then
the orders of table `purchase_orders`. After the loop: the same once sales has agreed to all that
goes back to it, round by round. All are counted by the same rules, late units at the demand that
customers wanted first.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import _bench
import highspy
import numpy as np
import pandas as pd

from sopkit import months, sample, schema, steps, store, supply_problem
from sopkit.__main__ import main as sopkit
from sopkit.demand import agreed
from sopkit.supply import answers, feedback, issues, least_cost, plans, programme, sites, sourcing
from sopkit.supply.tasks import Task

CYCLE, STRATEGY = "2026-01", "least cost"
GAP, SECONDS, MOST_ROUNDS = 1e-3, 300.0, 4


@dataclass(frozen=True)
class Bought:
    """What is bought: n items at sites, s terms of their suppliers, t months.

    ``keys`` (n) holds item and location; ``item`` (n,) the position among the plan's items of what
    is sold as it is bought, −1 of a component; ``comes`` (t, n) is what there is and comes of
    components without new orders; ``holding`` (n,) is what a unit at month end costs, nothing of
    what is sold, whose stock the plan counts. ``terms`` (s) holds ``place`` in keys, ``first``
    month and what ``sourcing.sources`` says.
    """

    keys: pd.DataFrame
    item: np.ndarray
    comes: np.ndarray
    holding: np.ndarray
    terms: pd.DataFrame
    per: np.ndarray
    offset: np.ndarray


def bought(task: Task, tables: dict, cycle: pd.Timestamp) -> Bought:
    """All that is bought for a task without parts: its items, and components of what is made."""
    items, carrying = tables["items"], tables["company"]["carrying_rate"].iloc[0]
    bill = tables["components"].fillna({"quantity_per": 1.0, "offset_months": 0.0})
    is_made = (task.supplied_from < 0) & ~task.is_purchased
    makers = task.keys[is_made].assign(place=np.flatnonzero(is_made))
    use = makers.merge(bill, on="item", how="inner", validate="one_to_many")
    parts = use[["component", "location"]].drop_duplicates(ignore_index=True)
    parts = parts.set_axis(schema.SITE, axis=1)
    own = np.flatnonzero(task.is_purchased)
    keys = pd.concat([task.keys.iloc[own][schema.SITE], parts], ignore_index=True)
    index = pd.MultiIndex.from_frame(keys)
    per, offset = (np.zeros((len(task.keys), len(keys))) for _ in range(2))
    at = index.get_indexer(pd.MultiIndex.from_frame(use[["component", "location"]]))
    per[use["place"], at], offset[use["place"], at] = use["quantity_per"], use["offset_months"]
    terms = sourcing.sources(keys["item"], items, tables["suppliers"])
    frozen = pd.Series(task.frozen_months[own], keys["item"][: len(own)])
    first = np.maximum(terms["lead_time_months"], terms["item"].map(frozen).fillna(0)).astype(int)
    place = keys["item"].reset_index().set_index("item")["index"]
    terms = terms.assign(place=terms["item"].map(place), first=first)
    cheapest = terms.groupby("place")["unit_cost_value"].min().reindex(range(len(keys)))
    is_sold = np.arange(len(keys)) < len(own)
    return Bought(
        keys=keys,
        item=np.append(own, np.full(len(parts), -1)),
        comes=_comes(task, keys, is_sold, tables, cycle),
        holding=np.where(is_sold, 0.0, cheapest.fillna(0.0) * carrying / 12.0),
        terms=terms,
        per=per,
        offset=offset.astype(int),
    )


def _comes(task: Task, keys: pd.DataFrame, is_sold: np.ndarray, tables: dict, cycle) -> np.ndarray:
    """Stock and receipts of components (t, n); none of what is sold: the plan has them."""
    items, places = tables["items"], tables["locations"]
    frozen = tables["company"]["frozen_months"].iloc[0]
    terms = sites.replenishment(keys, items, places, tables["suppliers"], {}, frozen)
    due = sites.receipts(tables["scheduled_receipts"], items, places, terms, cycle)
    index = pd.MultiIndex.from_frame(keys)
    wide = due.pivot(index="month", columns=schema.SITE, values="quantity")
    comes = wide.reindex(index=task.months, columns=index).fillna(0.0).to_numpy(copy=True)
    stock = sites.opening_stock(tables["inventory"], keys, items, places, cycle)[0]
    comes[0] += stock.reindex(index).clip(lower=0.0).to_numpy()
    return np.where(is_sold, 0.0, comes)


def needed(task: Task, b: Bought, made: np.ndarray) -> np.ndarray:
    """Units (t, n) that a plan takes of what is bought; firm work takes its own first."""
    whole = replace(
        task, materials=b.keys, material_per=b.per[task.route_item],
        material_offset=b.offset[task.route_item], material_inflow=1e12, material_item=-1,
        part_per=0.0, part_offset=0, part_lead=0,
    )  # fmt: skip
    use = issues.new(whole, made, np.zeros((task.n_months, len(b.keys)))) + issues.firm(whole)
    sold = b.item >= 0
    use[:, sold] += made[:, b.item[sold]]
    return use


def of_orders(task: Task, b: Bought, made: np.ndarray, orders: pd.DataFrame) -> pd.Series:
    """Money of orders (``item, location, supplier, month, quantity``) for a plan, and what is late.

    Stock of what is sold, where orders are larger or earlier than the plan wants them, costs what
    the plan says holding it costs.
    """
    named = orders[["item", "supplier", "month", "quantity"]]
    rows = named.merge(b.terms, on=["item", "supplier"], how="left", validate="many_to_one")
    is_large = rows["quantity"] >= rows["break_quantity"] - 1e-6
    price = rows["break_cost_value"].where(is_large, rows["unit_cost_value"])
    came = np.zeros((task.n_months, len(b.keys)))
    when = task.months.get_indexer(rows["month"])
    np.add.at(came, (when[when >= 0], rows["place"][when >= 0]), rows["quantity"][when >= 0])
    stock = np.cumsum(b.comes + came - needed(task, b, made), axis=0)
    rate = np.tile(b.holding, (task.n_months, 1))
    sold = b.item >= 0
    rate[:, sold] = np.nan_to_num(task.holding_cost[:, b.item[sold]])
    return pd.Series(
        {
            "orders": (rows["quantity"] * price).sum(),
            "stock of components": (np.maximum(stock, 0.0) * rate).sum(),
            "units late": np.maximum(-stock, 0.0).max(axis=0).sum(),
        }
    )


def at_once(task: Task, b: Bought) -> dict[str, float]:
    """Cost, bound, and seconds of the mixed-integer programme."""
    begun = time.perf_counter()
    alone = replace(
        task, materials=None, material_per=0.0, material_offset=0, material_inflow=np.inf,
        material_item=-1, part_per=0.0, part_offset=0, part_lead=0,
        purchase_cost=np.where(task.is_purchased, 0.0, np.nan) * np.ones((task.n_months, 1)),
    )  # fmt: skip
    m, t = programme.build(alone, (), None, True), np.arange(task.n_months)[:, None]
    terms, n = b.terms, len(b.keys)
    most = np.maximum(needed(task, b, _chased(task)).sum(axis=0), 1.0) * 1.5
    least = terms["minimum_order"].to_numpy()
    limit = np.minimum(terms["monthly_limit"], np.maximum(most[terms["place"]], least))
    limit = np.where(t >= terms["first"].to_numpy(), limit.to_numpy(), 0.0)
    ordered = []
    for cost, from_ in (("unit_cost_value", 0.0), ("break_cost_value", terms["break_quantity"])):
        floor = np.maximum(least, from_)
        room = np.where(np.isfinite(floor), limit, 0.0)
        quantity = m.column(cost, limit.shape, 0.0, room, terms[cost].fillna(0.0).to_numpy())
        is_lumpy = np.isfinite(floor) & (floor > 0) & (limit.max(axis=0) > 0)
        some = m.column(f"any {cost}", (len(t), int(is_lumpy.sum())), 0.0, 1.0, whole=True)
        rows = m.row(f"at most {cost}", some.shape, -np.inf, 0.0)
        m.put(rows, quantity[:, is_lumpy], 1.0)
        m.put(rows, some, -np.maximum(limit[:, is_lumpy], floor[is_lumpy]))
        rows = m.row(f"at least {cost}", some.shape, 0.0, np.inf)
        m.put(rows, quantity[:, is_lumpy], 1.0)
        m.put(rows, some, -floor[is_lumpy])
        ordered.append(quantity)
    rows = m.row("limit", limit.shape, -np.inf, limit)
    for quantity in ordered:
        m.put(rows, quantity, 1.0)
    firm = needed(task, b, np.zeros((len(t), len(task.route_item))))
    comes = b.comes - firm
    there = np.cumsum(comes, axis=0)
    comes = comes + np.diff(
        np.maximum.accumulate(np.maximum(-there, 0.0), axis=0), axis=0, prepend=0
    )
    hold = b.holding + np.zeros((len(t), 1))
    sold = b.item >= 0
    hold[:, sold] = np.nan_to_num(task.holding_cost[:, b.item[sold]])
    left = m.column("kept", (len(t), n), 0.0, np.inf, hold)
    rows = m.row("bought", left.shape, -comes, -comes)
    m.put(rows, left, -1.0)
    m.put(rows, np.vstack([np.full((1, n), -1), left[:-1]]), 1.0)
    for quantity in ordered:
        m.put(rows[:, terms["place"]], quantity, 1.0)
    m.put(rows[:, sold], m.at["made"][:, b.item[sold]], -1.0)
    route, part = np.nonzero(b.per[task.route_item])
    own = task.route_item[route]
    when = np.maximum(t - b.offset[own, part], 0)
    m.put(rows[when, part], m.at["made"][:, route], -b.per[own, part])
    found = _solved(m)
    constant = programme.constant(alone)
    return {
        "cost": found.objective_function_value + constant,
        "bound": found.mip_dual_bound + constant,
        "seconds": time.perf_counter() - begun,
    }


def _chased(task: Task) -> np.ndarray:
    """Units (t, p) with which nobody would wait: how much an order could be for."""
    made = np.zeros((task.n_months, len(task.route_item)))
    made[:, : len(task.keys)] = task.demand + task.safety_stock
    for item in np.argsort(-sites.depths(task.supplied_from), kind="stable"):
        if task.supplied_from[item] >= 0:
            made[:, task.supplied_from[item]] += made[:, item]
    return made


def _solved(m: programme.Model) -> highspy.HighsInfo:
    highs, vectors, matrix = highspy.Highs(), m.vectors(), m.matrix()
    highs.silent()
    for name, value in (("mip_rel_gap", GAP), ("time_limit", SECONDS), ("threads", 1)):
        highs.setOptionValue(name, value)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = m.n_columns, m.n_rows
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = (vectors[k] for k in ("cost", "lower", "upper"))
    lp.row_lower_, lp.row_upper_ = vectors["row_lower"], vectors["row_upper"]
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = matrix.indptr, matrix.indices
    lp.a_matrix_.value_ = matrix.data
    kinds = np.full(m.n_columns, highspy.HighsVarType.kContinuous)
    kinds[np.concatenate(m.whole)] = highspy.HighsVarType.kInteger
    lp.integrality_ = list(kinds)
    highs.passModel(lp)
    highs.run()
    return highs.getInfo()


def in_turn(
    task: Task, b: Bought, orders: pd.DataFrame, planned: Task | None = None
) -> dict[str, float]:
    """Cost of the cycle's supply plan with a list of orders for it; of what was ``planned``."""
    begun = time.perf_counter()
    plan = least_cost.solve(planned or task)
    sheet = plans.sheet(task, plan).set_index("cost_kind")["amount_value"]
    told = of_orders(task, b, plan.made, orders)
    return {
        "cost": sheet.drop("purchases").sum() + told["orders"] + told["stock of components"],
        "units late": told["units late"],
        "seconds": time.perf_counter() - begun,
    }


def lot_for_lot(task: Task, b: Bought) -> pd.DataFrame:
    """The simplest buyer: each month's need from the cheapest supplier that is in time."""
    plan, rows = least_cost.solve(task), []
    lacking = needed(task, b, plan.made) - b.comes
    short = np.maximum.accumulate(np.maximum(np.cumsum(lacking, axis=0), 0.0), axis=0)
    for t, n in np.argwhere(np.diff(short, axis=0, prepend=0.0) > 1e-6):
        need = (short[t, n] - (short[t - 1, n] if t else 0.0)).item()
        terms = b.terms[(b.terms["place"] == n) & (b.terms["first"] <= t)]
        if len(terms):
            row = terms.iloc[0]
            rows.append((*b.keys.loc[n, schema.SITE], row["supplier"], task.months[t], need))
    return pd.DataFrame(rows, columns=[*schema.SITE, "supplier", "month", "quantity"])


def loop(tables: dict, results: dict, cycle: pd.Timestamp) -> tuple[dict, dict, int]:
    """Tables and results once sales has said yes to every line, and rounds that it took."""
    said = tables["agreed"].iloc[:0]
    for done in range(MOST_ROUNDS + 1):
        lines = results["feedback"]
        if not (lines["state"] == feedback.OPEN).any() or done == MOST_ROUNDS:
            return tables, results, done
        yes = answers.rows(lines, {"all": None}, ())
        yes = yes.assign(cycle=cycle, author="sales", note="", entered_at=months.shift(cycle, done))
        key = ["feedback", *schema.SERIES_MONTH, "later_month"]
        said = pd.concat([said.reindex(columns=yes.columns), yes]).drop_duplicates(key, keep="last")
        plan, moved = agreed.applied(
            tables["demand_plan"], said, tables["money_rates"], cycle=cycle
        )
        tables = tables | {"demand_plan": plan, "agreed": moved}
        results = steps.supply_review(tables, cycle=cycle, strategy=STRATEGY)
    raise AssertionError("a loop ends above")


def main() -> None:
    """Print the table."""
    cycle = months.parse_cycle(CYCLE)
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "data" / "raw"
        raw.mkdir(parents=True)
        sample.write(raw)
        sopkit(["run", "--workspace", folder])
        tables = store.inputs(folder, "supply_review", cycle)
    compare(tables, cycle)


def _orders(results: dict, b: Bought) -> pd.DataFrame:
    """The buyer's list without what is ordered for launches alone."""
    orders = results["purchase_orders"]
    index = pd.MultiIndex.from_frame(b.keys)
    known = pd.MultiIndex.from_frame(orders[schema.SITE]).isin(index)
    return orders.loc[known, [*schema.SITE, "supplier", "month", "quantity"]]


def compare(tables: dict, cycle: pd.Timestamp) -> None:
    """Print both costs, and how far apart they are.

    No plan stays near a last one here, and nothing is bought for launches that no plan holds.
    """
    left_out = ("ledger_supply_plan", "launches")
    tables = tables | {name: tables[name].iloc[:0] for name in left_out if name in tables}
    results = steps.supply_review(tables, cycle=cycle, strategy=STRATEGY)
    task, _ = supply_problem.task(tables, cycle=cycle)
    b = bought(task, tables, cycle)
    agreed_tables, agreed_results, rounds = loop(tables, results, cycle)
    planned = supply_problem.task(agreed_tables, cycle=cycle)[0]
    rows = [
        {"way": "supply plan, then orders"} | in_turn(task, b, _orders(results, b)),
        {"way": f"after the loop (rounds: {rounds})"}
        | in_turn(task, b, _orders(agreed_results, b), planned),
        {"way": "lot for lot, no minimum kept"} | in_turn(task, b, lot_for_lot(task, b)),
    ]
    best = at_once(task, b)
    rows = [{"way": "everything at once"} | best, *rows]
    table = pd.DataFrame(rows)
    table["over bound %"] = (table["cost"] / best["bound"] - 1.0) * 100
    title = f"Sample company, cycle {CYCLE}: cost over the horizon, weights counted"
    digits = {"cost": 0, "bound": 0, "seconds": 1, "units late": 1, "over bound %": 3}
    _bench.show(title, table, digits)


if __name__ == "__main__":
    sys.exit(main())
