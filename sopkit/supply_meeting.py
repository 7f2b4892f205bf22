"""What the supply review tells beyond its plan, laid out from tables of the cycle.

Who gets what there is, what is short and why, what goes back to sales, what must be bought.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import hierarchy, launches
from sopkit.reconciliation import finance
from sopkit.supply import (
    allocation,
    answers,
    explosion,
    families,
    feedback,
    materials,
    ordering,
    plans,
    purchasing,
    readiness,
    remedies,
    shortages,
    sites,
    slack,
    sourcing,
    tasks,
)

Tables = dict[str, pd.DataFrame]


def allocated(tables: Tables, delivered: pd.DataFrame) -> Tables:
    """Deliveries shared among channels, and what every other rule would mean for them."""
    wanted = sites.series_demand(
        *(tables[name] for name in ("demand_plan", "orders", "items", "locations", "agreed"))
    )
    rates, channels = tables["money_rates"], tables["channels"]
    rule = tables["company"]["allocation_rule"].iloc[0]
    rates = rates.assign(planning_factor=hierarchy.factors(rates["item"], tables["items"]))
    return {
        "allocation": allocation.allocation(wanted, delivered, channels, rates, rule=rule),
        "allocation_rules": allocation.effects(wanted, delivered, channels, rates, rule=rule),
    }


def short(
    tables: Tables,
    task: tasks.Task,
    way: plans.Plan,
    laid: Tables,
    shared: pd.DataFrame,
    scarcity: tuple[np.ndarray, np.ndarray],
    strategy: str,
) -> Tables:
    """What cannot be met and why, and what could be done about it."""
    items, prices = tables["items"], laid["rates"]
    members = pd.concat([task.keys["item"], task.materials["item"]])
    sources = sourcing.sources(members, items, tables["suppliers"])
    free = slack.room(task, way, sources, scarcity)
    short = shortages.shortages(free, prices, items)
    if strategy == "least cost" and task.demand.size <= families.MOST_CELLS:
        short = shortages.planned_again(free, short)
    moves = remedies.moves(free, short, sources, items, prices, shared, tables["channels"])
    return {"shortages": short, "shortage_moves": moves}


def fed_back(tables: Tables, *, cycle: pd.Timestamp, is_stock_known: bool) -> Tables:
    """What goes back to sales, nothing where stock is assumed, and the rounds of its answers."""
    names = ("allocation", "demand_plan", "shortages", "agreed", "money_rates")
    lines = feedback.lines(*(tables[name] for name in names))
    lines = lines[is_stock_known | (lines["state"] != feedback.OPEN)].reset_index(drop=True)
    alike, rates = hierarchy.in_planning_units(lines, tables["items"]), tables["money_rates"]
    rates = rates.assign(planning_factor=hierarchy.factors(rates["item"], tables["items"]))
    rounds = answers.rounds(tables["answers"], alike, rates, cycle=cycle)
    return {"feedback": lines, "feedback_rounds": rounds}


def bought(
    tables: Tables,
    laid: Tables,
    task: tasks.Task,
    way: plans.Plan,
    unlimited: plans.Plan,
    *,
    cycle: pd.Timestamp,
) -> Tables:
    """What is bought for the plan, by when, and what is late for the plan as it is wanted."""
    items, span = tables["items"], months.span(cycle, max(task.n_months, 1))
    bills = explosion.bill(tables["components"], items)
    bills = bills[~bills["component"].isin(task.keys["item"])]  # what the plan makes and buys
    members = pd.concat([items["item"], tables["components"]["component"], task.keys["item"]])
    sources = sourcing.sources(members, items, tables["suppliers"])
    late = readiness.late_launches(tables, sources, span)
    new = items.loc[items["launch_month"].between(span[0], span[-1]), "item"]
    told, ideal = (
        plans.table(task, own).assign(in_work=task.in_work.T.ravel()) for own in (way, unlimited)
    )
    ideal = ideal[~ideal["item"].isin(late["item"])]  # late launches are told as such
    ideal = ideal.assign(purchased=0.0)  # what is bought whole waits for no component
    known = {"bills": bills, "sources": sources, "span": span}
    needed, orders, used = _requirements(tables, known, told, new)
    asked, _, uses = _requirements(tables, known, ideal, new)
    names = ("inventory", "scheduled_receipts", "items", "locations")
    counted = pd.concat([materials.counted(*(tables[n] for n in names)), task.keys[schema.SITE]])

    def limiting(rows: pd.DataFrame) -> pd.DataFrame:
        """Without what nobody counts: it limits nothing, so it is not late."""
        is_counted = pd.MultiIndex.from_frame(rows[schema.SITE]).isin(
            pd.MultiIndex.from_frame(counted)
        )
        return rows[is_counted]

    prices = laid["rates"].set_index("item")["unit_price_value"]
    return {
        "requirements": needed,
        "purchase_orders": purchasing.purchase_orders(
            orders, limiting(needed), sources, used, span
        ),
        "late_components": purchasing.late_components(limiting(asked), uses, prices, sources),
        "late_launches": launches.lost(late, tables["launches"], _priced(tables)),
    }


def _requirements(
    tables: Tables, known: dict, told: pd.DataFrame, new: pd.Series
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Requirements and orders of a supply plan, with what ``new`` items take; what goes where."""
    items, sources = tables["items"], known["sources"]
    made = told.assign(quantity=told["regular"] + told["overtime"])
    stock, receipts = purchasing.there(tables, told, cycle=known["span"][0])
    lead = sources.groupby("item")["lead_time_months"].min()
    terms = {"lead_months": lead, "span": known["span"]}
    exploded, launched = (
        explosion.explode(own, known["bills"], items, stock=there, receipts=due, **terms)
        for own, there, due in (
            (made, stock, receipts),
            (made[made["item"].isin(new)], stock.iloc[:0], receipts.iloc[:0]),
        )
    )
    is_bought = exploded.keys["is_bought"]
    rates = finance.item_rates(
        sources.drop_duplicates("item").assign(unit_price_value=np.nan),
        tables["planning_costs"],
        items,
        tables["company"]["carrying_rate"].iloc[0],
    )
    keys = exploded.keys[is_bought].merge(rates, on="item", how="left", validate="many_to_one")
    orders = ordering.orders(keys, exploded.net[is_bought.to_numpy()], sources)
    orders["launch_quantity"] = purchasing.for_launches(orders, exploded, launched)
    tops = made.assign(quantity=made["quantity"] + made["in_work"])
    tops = hierarchy.aggregate(tops, schema.SITE, ["quantity"])
    used = explosion.uses(tops[tops["quantity"] > 0], known["bills"])
    used = used.assign(is_new=used["wanted_for"].isin(new))
    return purchasing.requirements(exploded, orders), orders, used


def _priced(tables: Tables) -> pd.DataFrame:
    """The demand plan with its revenue at the prices of the cycle."""
    plan = tables["demand_plan"][[*schema.SERIES_MONTH, "consensus"]].merge(
        tables["money_rates"], on=schema.SERIES, how="left", validate="many_to_one"
    )
    revenue = plan["consensus"] * plan["unit_price_value"]
    return plan.assign(quantity=plan["consensus"], revenue_value=revenue)
