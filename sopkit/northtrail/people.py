"""What people say: budget, departments' numbers, overrides, finance's totals, the logs.

Quantities of families are in the common planning unit, money is in euro.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months
from sopkit.northtrail import _given
from sopkit.northtrail._given import BUDGET_FROM, CYCLE, MONTHS, STOCK_FROM
from sopkit.northtrail.catalogue import PRICE_RISE_RATE, Offer
from sopkit.northtrail.market import Demand
from sopkit.northtrail.supply import SCARCE, Supply

QUARTERLY = "Spare parts"  # budgeted in money and by quarter only
AMBITIOUS = "Tents"  # budgeted above what can be made
SILENT = {"department": "marketing", "cycle": pd.Timestamp("2025-09-01")}  # did not submit
DIFFERENCE = {"channel": "Online", "month": pd.Timestamp("2025-08-01"), "amount": 41_250.0}  # euro
BROKEN = {"assumption": "A6", "first_month": pd.Timestamp("2025-04-01")}  # no longer held


def people(offer: Offer, demand: Demand, supply: Supply) -> tuple[dict, dict]:
    """Tables of what people say, and what is true about them.

    Returns
    -------
    tables : dict of DataFrame
        `budget`, `submissions`, `overrides`, `controls` and all logs.
    truths : dict
        See ``sopkit.sample.truths``.
    """
    budget = _budget(offer, demand)
    made = {
        "budget": _as_budgeted(budget[budget["month"] >= MONTHS[BUDGET_FROM]]),
        "submissions": _submissions(offer, demand, budget),
        "overrides": _overrides(offer, demand),
        "controls": _controls(offer, supply.tables["sales"]),
    }
    return made, {
        "departments": _departments(offer),
        "action_effects": _given.read("actions").dropna(subset="kpi"),
        "missing_submission": SILENT,
        "broken_assumption": BROKEN,
        "control_difference": DIFFERENCE,
        "budget_above_capacity": _beyond(offer, demand, supply, budget),
    }


def _departments(offer: Offer) -> pd.DataFrame:
    """Each department's habits: bias, noise in usual months and in promoted ones."""
    departments = _given.read("departments")
    honest = {"bias_rate": 1.0, "noise": 0.0, "promotion_noise": 0.0}
    return departments.assign(**honest) if offer.is_clean else departments


def _common(offer: Offer, matrix: np.ndarray) -> np.ndarray:
    """Units of each series in the common planning unit."""
    return matrix * offer.series[["planning_factor"]].to_numpy()


def _budget(offer: Offer, demand: Demand) -> pd.DataFrame:
    """Budget by family and month from 2024 on: last year's expected demand, grown by a round rate.

    Clean: expected demand itself, which can be made.
    """
    series, span = offer.series, range(STOCK_FROM, len(MONTHS))
    keys, quantity = _given.by(series, ["family"], _common(offer, demand.expected))
    values = offer.price * offer.to_euro, series[["unit_cost_value"]].to_numpy()
    revenue, cost = (_given.by(series, ["family"], demand.expected * v)[1] for v in values)
    families = _given.read("families").set_index("family").loc[keys["family"]]
    is_later = MONTHS[list(span)].year >= 2026
    rate = np.where(is_later, families[["budget_2026_rate"]], families[["budget_rate"]])
    ago, grown, rise = (0, 1.0, 1.0) if offer.is_clean else (12, 1 + rate, 1 + PRICE_RISE_RATE)
    year = [position - ago for position in span]
    revenue, cost = revenue[:, year] * grown * rise, cost[:, year] * grown
    return _given.long(
        keys,
        span,
        quantity=np.round(quantity[:, year] * grown).astype(int),
        revenue_value=revenue.round(-2),
        margin_value=(revenue - cost).round(-2),
    )


def _as_budgeted(budget: pd.DataFrame) -> pd.DataFrame:
    """Table `budget`: one family by quarter and in money only, the others by month."""
    is_quarterly = budget["family"] == QUARTERLY
    quarter = budget["month"].dt.to_period("Q").dt.start_time.astype(months.DTYPE)
    by_quarter = budget.assign(quarter=quarter)[is_quarterly]
    by_quarter = by_quarter.groupby(["family", "quarter"], as_index=False)["revenue_value"].sum()
    table = pd.concat([budget[~is_quarterly], by_quarter], ignore_index=True)
    return table.astype({"quantity": "Int64"})


def _submissions(offer: Offer, demand: Demand, budget: pd.DataFrame) -> pd.DataFrame:
    """Table `submissions`: twelve months from each cycle 2024-01 … 2026-01, a department's view."""
    rng, rows = _given.stream(offer.seed, 10), []
    common, series = _common(offer, demand.expected), offer.series
    repeated = _as_budgeted(budget).drop(columns="quantity")
    first = repeated["month"].fillna(repeated["quarter"])
    last = repeated["month"].fillna(repeated["quarter"] + pd.DateOffset(months=2))
    today = series["item"].map(offer.items.set_index("item")["family"])
    for department in _departments(offer).itertuples():
        levels = ["family", "location"] if department.department == "sales" else ["family"]
        for start in range(STOCK_FROM, CYCLE + 1):
            # families as they stood when the department submitted
            named = series.assign(family=today) if start == CYCLE else series
            span = range(start, start + 12)
            keys, amount = _given.by(named, levels, common[:, span])
            promoted = _given.by(named, levels, demand.is_promoted[:, span])[1] > 0
            noise = np.where(promoted, department.promotion_noise, department.noise)
            said = amount * department.bias_rate * np.exp(rng.normal(0, 1, amount.shape) * noise)
            view = _given.long(keys, span, quantity=said.round(1))
            if department.department == "finance":
                # quarters of which it sees a part only are left out
                view = repeated[(first >= MONTHS[start]) & (last <= MONTHS[start + 11])]
            habit = department._asdict()
            said_by = {name: habit[name] for name in ("department", "author", "reason")}
            rows.append(view.assign(cycle=MONTHS[start], **said_by))
    table = pd.concat(rows, ignore_index=True)
    is_silent = (table[list(SILENT)] == pd.Series(SILENT)).all(axis=1)
    return table if offer.is_clean else table[~is_silent]


def _overrides(offer: Offer, demand: Demand) -> pd.DataFrame:
    """Table `overrides`: amounts are shares of what is expected there."""
    overrides, common = _given.read("overrides"), _common(offer, demand.expected)
    expected = [
        common[_given.covers(offer.series, row), MONTHS.get_loc(row.month)].sum()
        for row in overrides.itertuples()
    ]
    return overrides.assign(quantity=(overrides["share_rate"] * expected).round())


def _controls(offer: Offer, sales: pd.DataFrame) -> pd.DataFrame:
    """Table `controls`: finance's revenue by channel and month in euro, and units by month."""
    sales = sales[sales["month"] >= MONTHS[BUDGET_FROM]]
    rates = offer.tables["rates"].query("kind == 'actual'").set_index("month")["rate"]
    is_krona = sales["location"] == "North"
    euro = sales["revenue_value"] * sales["month"].map(rates).where(is_krona, 1.0)
    money = euro.groupby([sales["channel"], sales["month"]]).sum().round(2)
    money = money.rename("amount").reset_index().assign(measure="revenue_value")
    units = sales.groupby("month")["quantity"].sum().rename("amount").astype("float64")
    units = units.reset_index().assign(measure="quantity")
    is_off = (money["channel"] == DIFFERENCE["channel"]) & (money["month"] == DIFFERENCE["month"])
    money["amount"] += DIFFERENCE["amount"] * (is_off & (not offer.is_clean))
    return pd.concat([money.round({"amount": 2}), units]).assign(table="sales")


def _beyond(offer: Offer, demand: Demand, supply: Supply, budget: pd.DataFrame) -> dict:
    """By how many units the ambitious budget of 2026 exceeds what can be made and is in stock.

    Hours that the other families' expected demand leaves, over the year.
    """
    year = range(CYCLE, CYCLE + 12)
    is_family = (offer.series["family"] == AMBITIOUS).to_numpy()
    quantity = demand.without[:, year] * is_family[:, None]
    hours = offer.hours.loc[offer.series["item"], SCARCE].to_numpy() @ quantity
    free = supply.available.loc[SCARCE, year].sum() - supply.load.loc[SCARCE, year].sum()
    a_unit = hours.sum() / quantity.sum()
    stock = supply.tables["inventory"][lambda t: t["month"] == MONTHS[CYCLE - 1]]
    in_stock = stock.loc[stock["home"] == AMBITIOUS, "on_hand"].sum()
    can_be_made = (free + hours.sum()) / a_unit + in_stock
    wanted = budget.query("family == @AMBITIOUS and month.dt.year == 2026")["quantity"].sum()
    return {
        "family": AMBITIOUS,
        "budget_units": float(wanted),
        "makeable_units": float(can_be_made),
        "amount": float(wanted - can_be_made),
    }
