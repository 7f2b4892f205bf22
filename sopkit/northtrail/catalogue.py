"""What Northtrail offers: items, the series they sell in, prices, purchasing, rates, calendar.

`_value` of items is in euro; prices in the North are in krona. Hours are by unit and resource.
Tables may hold further columns for our own use; ``sopkit.sample`` keeps those of the schema.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sopkit.northtrail import _given
from sopkit.northtrail._given import BUDGET_FROM, CYCLE, MONTHS

PRICE_RISE_RATE = 0.03  # each January
LIST_RATE = 0.088  # euro for one krona, at which the price list of the North is made
BUDGET_RATES = {2025: 0.0880, 2026: 0.0875, 2027: 0.0875}  # euro for one krona
SLOW_QUANTITY = 14.0  # pieces a month of a slow item over all series
SLOW_RATE = 0.35  # chance that a slow series sells in a month
SUPPLIERS = ["Baltic Metal", "Lumen Works", "Alpen Textil", "Harbour Trading"]
HOLIDAYS = "01-01 01-06 02-24 05-01 06-23 06-24 11-01 12-24 12-25 12-26".split()


@dataclass(frozen=True)
class Offer:
    """What is offered, before anybody buys."""

    seed: int
    is_clean: bool
    items: pd.DataFrame
    series: pd.DataFrame  # item, location, channel and all that expected demand needs
    hours: pd.DataFrame  # hours a unit, items down, resources across
    price: np.ndarray  # list price by series and month, in the currency of the location
    to_euro: np.ndarray  # euro for one unit of that currency, by series and month
    tables: dict[str, pd.DataFrame]


def offer(seed: int, *, is_clean: bool) -> Offer:
    """Items, series and prices, with the raw tables that follow from them alone.

    Parameters
    ----------
    seed : int
        Start of the random numbers.
    is_clean : bool
        True plants nothing.

    Returns
    -------
    Offer
        ``price`` and ``to_euro`` have shape (series, MONTHS).
    """
    rng = _given.stream(seed, 1)
    items = _items(rng, is_clean)
    series = _series(items, rng)
    rates = _rates(_given.stream(seed, 2))
    rate = np.pad(rates["rate"][:CYCLE], (0, len(MONTHS) - CYCLE), mode="edge")
    is_krona = (series["location"] == "North").to_numpy()[:, None]
    listed = (series["unit_price_value"] * series["price_rate"]).to_numpy()[:, None]
    listed = listed * (1 + PRICE_RISE_RATE) ** (MONTHS.year.to_numpy() - 2026)
    price = np.where(is_krona, np.round(listed / LIST_RATE), np.round(listed, 2))
    made = {"items": items, "prices": _prices(series, price), "rates": rates}
    made |= {"calendar": _calendar(), **_purchasing(items)}
    to_euro = np.where(is_krona, rate, 1.0)
    return Offer(seed, is_clean, items, series, _hours(items), price, to_euro, made)


def _items(rng: np.random.Generator, is_clean: bool) -> pd.DataFrame:
    """Table `items`; beside it ``quantity`` (a month of 2021, all series), ``home``, ``kind``."""
    given = _given.read("items").assign(kind=lambda t: t["kind"].fillna(""))
    home = given["moved_from"].fillna(given["family"])
    families = _given.read("families").set_index("family")
    own = families.loc[home].reset_index(drop=True)
    family = home if is_clean else given["family"]
    count, kind = len(given), given["kind"]
    early = pd.Series(MONTHS[rng.integers(0, 60, count)] - pd.DateOffset(years=7))
    price = (np.round(own["low"] * (own["high"] / own["low"]) ** rng.random(count)) - 0.1).round(2)
    # items launched or ended are smaller; slow and new ones take no part in the family's revenue
    weight = rng.lognormal(0.0, 0.55, count) * kind.map({"small": 0.5, "slow": 0, "new": 0}).fillna(
        1
    )
    share = weight / weight.groupby(home).transform("sum")
    quantity = own["revenue_value"] * share / 12 / (0.78 * price)
    bought_days = rng.choice([30, 45, 60, 90, 120], count)
    made_days = rng.choice([5, 15, 20, 30], count)
    days = pd.Series(np.where(given["is_purchased"], bought_days, made_days))
    quickest = _given.read("supplier_terms").groupby("item")["lead_time_days"].min()
    is_service, is_to_order = home == "Repair service", home == "Expedition shelters"
    is_stocked = ~is_service & ~is_to_order & (kind != "part")
    return given.assign(
        family=family,
        category=family.map(families["category"]),
        unit=own["unit"],
        planning_factor=own["planning_factor"],
        unit_cost_value=(price * rng.uniform(0.46, 0.56, count)).round(2),
        unit_price_value=price.where(kind != "part"),
        launch_month=given["launch_month"].fillna(early),
        lot_size=np.select([~is_stocked, quantity < 50, quantity < 600], [1, 5, 20], 50),
        lead_time_days=days.where(kind != "part", given["item"].map(quickest)).astype(int),
        is_service=is_service,
        is_made_to_order=is_to_order,
        quantity=quantity.where(kind != "slow", SLOW_QUANTITY),
        home=home,
        is_stocked=is_stocked,
    )


def _series(items: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """One row an item, location and channel, with all that its expected demand needs."""
    own = ["home", "channels", "peak", "swing", "growth", "chance_low", "chance_high"]
    families = _given.read("families").rename(columns={"family": "home"})[own]
    series = items[items["kind"] != "part"].merge(families, on="home", validate="many_to_one")
    markets = _given.read("locations").query("share > 0")[["location", "supplied_from", "share"]]
    series = series.merge(markets, how="cross").merge(_given.read("channels"), how="cross")
    pairs = zip(series["channel"], series["channels"], strict=True)
    is_sold = np.array([channel in channels for channel, channels in pairs])
    is_slow = series["kind"] == "slow"  # dealers do not list these
    series = series[is_sold & ~(is_slow & (series["channel"] == "Wholesale"))]
    series = series.reset_index(drop=True)
    for name in ("first_share", "last_share"):
        series[name] /= series.groupby(["item", "location"])[name].transform("sum")
    spread = series["chance_high"] - series["chance_low"]
    chance = series["chance_low"] + spread * rng.random(len(series))
    # a family here is the one that demand follows: an item's first, wherever it stands today
    return series.assign(
        chance=chance.where(series["kind"] != "slow", SLOW_RATE), family=series["home"]
    )


def _hours(items: pd.DataFrame) -> pd.DataFrame:
    """Hours a unit of all items (rows, as in `items`) on each resource; bought ones take none."""
    resources = _given.read("resources")["resource"].tolist()
    hours = _given.read("families").set_index("family").loc[items["home"], resources]
    typical = items.groupby("home")["unit_price_value"].transform("median")
    size = (items["unit_price_value"] / typical) ** 0.4  # dearer, more work
    own = hours.mul(size.where(~items["is_purchased"], 0.0).to_numpy(), axis=0).round(3)
    return own.set_index(pd.Index(items["item"]))


def _prices(series: pd.DataFrame, price: np.ndarray) -> pd.DataFrame:
    """Table `prices`: the list of each January from launch to the cycle; the North has its own."""
    keys = series[series["location"].isin(["North", "East"])].drop(columns="unit_price_value")
    januaries = list(range(0, CYCLE + 1, 12))
    prices = _given.long(keys, januaries, unit_price_value=price[keys.index][:, januaries])
    prices = prices[prices["month"] + pd.DateOffset(months=12) > prices["launch_month"]]
    prices = prices.drop(columns="unit_cost_value").rename(columns={"month": "first_month"})
    # the list of the East holds wherever no other does
    return prices.replace({"location": {"East": "all"}})


def _rates(rng: np.random.Generator) -> pd.DataFrame:
    """Table `rates`: euro for one krona, actual to the last closed month, budget by year."""
    actual = (LIST_RATE * np.exp(_given.wander(rng.normal(0, 0.008, CYCLE), 0.93))).round(5)
    month = MONTHS[:CYCLE].append(MONTHS[BUDGET_FROM:])
    planned = MONTHS[BUDGET_FROM:].year.map(BUDGET_RATES)
    kind = np.repeat(["actual", "budget"], [CYCLE, len(planned)])
    rate = np.concatenate([actual, planned])
    return pd.DataFrame({"currency": "SEK", "month": month, "kind": kind, "rate": rate})


def _calendar() -> pd.DataFrame:
    """Table `calendar`: plain months, Monday to Friday less fixed holidays."""
    ends = MONTHS + pd.offsets.MonthEnd()
    days = [np.asarray(d, dtype="datetime64[D]") for d in (MONTHS, ends + pd.Timedelta(days=1))]
    holidays = [f"{year}-{day}" for year in range(2021, 2028) for day in HOLIDAYS]
    table = pd.DataFrame({"month": MONTHS, "first_date": MONTHS, "last_date": ends})
    return table.assign(
        working_days=np.busday_count(*days, holidays=holidays),
        fiscal_year=MONTHS.year,
        fiscal_quarter=MONTHS.quarter,
    )


def _purchasing(items: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Tables `planning_costs` by family, `suppliers` and `components`."""
    mean = items.groupby("family")[["unit_cost_value", "unit_price_value"]].mean()
    rates = _given.read("cost_rates").itertuples()
    costs = pd.DataFrame({row.cost: (mean[row.of] * row.rate).round(2) for row in rates})
    bought = items[items["is_purchased"] & (items["kind"] != "part")]
    names, least = np.resize(SUPPLIERS, len(bought)), 2 * bought["lot_size"]
    bought = bought.assign(supplier=names, minimum_order=least, payment_days=30)
    terms = _given.read("supplier_terms")
    cost = terms["item"].map(items.set_index("item")["unit_cost_value"])
    terms["unit_cost_value"] = (cost * terms["price_rate"]).round(2)
    terms["break_cost_value"] = (cost * terms["break_rate"]).round(2)
    made = items[~items["is_purchased"]].rename(columns={"item": "made"})[["made", "home"]]
    bill = _given.read("bill").merge(made, left_on="family", right_on="home", how="left")
    return {
        "planning_costs": costs.drop("Components").reset_index(),
        "suppliers": pd.concat([bought, terms], ignore_index=True),
        "components": bill.assign(item=bill["item"].fillna(bill["made"])),
    }
