"""The sample company: what sopkit can be tried on before anybody brings data.

Northtrail Outdoor is generated: no number in it comes from a real company. Tables are raw
tables (house §3): months are first days, `_value` is in euro, quantities are pieces. History ends
in 2025-12, the cycle to be planned is 2026-01. Expected demand runs on to 2027-12, so what
departments submit and what capacity is set against is known beyond the sales history.
Equal seeds give equal bytes.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

MONTHS = pd.date_range("2021-01-01", "2027-12-01", freq="MS", unit="us")
CYCLE = 60  # position of 2026-01 in MONTHS, also the months of sales history
STOCK_FROM = 36  # position of 2024-01, first month of stock, production and submissions
PRICE_RISE_RATE = 0.03  # each January
PROMOTION_PRICE_RATE = 0.92  # price paid in a promotion, share of list
PROMOTIONS = {("Online", 11): 1.30, ("Retail", 5): 1.12}  # channel, calendar month: uplift
COVER_MONTHS = 1.0  # closing stock aimed at, months of expected demand, before lead time
SLOW_POSITION = 5  # in each family of ten
SLOW_QUANTITY = 14.0  # pieces a month of a slow item over all series
SLOW_RATE = 0.35  # chance that a slow series sells in a month

# revenue_value: a year, 2021. Purchased: how many of the ten items. Resources: hours a piece.
FAMILIES = """\
family|category|prefix|peak|swing|growth|budget|revenue_value|low|high|purchased|cutting|sewing|welding|moulding|assembly
Tents|Shelter|TN|5|0.55|0.060|0.12|18.5e6|160|620|1|0.30|1.40|0.20|0|0
Sleeping bags|Sleep|SB|10|0.50|0.030|0.05|12.5e6|90|340|2|0.20|0.70|0|0|0.10
Backpacks|Carry|BP|6|0.30|0.050|0.00|14.5e6|60|260|2|0.25|0.60|0|0|0.10
Stoves and cookware|Camp|ST|6|0.40|0.020|0.08|7.5e6|30|160|5|0|0|0.20|0.10|0.15
Trekking poles|Trail|TP|9|0.35|0.040|0.02|5.5e6|40|150|3|0|0|0.25|0.10|0.12
Lighting|Camp|LI|12|0.50|-0.030|0.05|5.0e6|20|110|7|0|0|0|0.25|0.20
"""
NAMES = {
    "Tents": "Fjell 1,Fjell 2,Fjell 3,Skog 2,Skog 4,Vidda Storm,Heia 2,Heia 3,Ly Tarp,Basecamp 6",
    "Sleeping bags": "Dun 0,Dun -5,Dun -15,Loft 5,Loft 0,Polar -30,Loft Kids,Trek 10,Dun 5,Liner",
    "Backpacks": "Sti 18,Sti 25,Sti 35,Topp 45,Topp 55,Topp 75,By 20,By 24,Sti Kids 12,Duffel 60",
    "Stoves and cookware": "Glo Gas,Glo Duo,Glo Pot 1,Glo Pot 2,Pan 20,Glo Multi,Kettle,Mess kit,"
    "Fire Steel,Windscreen",
    "Trekking poles": "Stav Alu,Stav Carbon,Stav Fold,Stav Trail,Stav Kids,Stav Race,Stav Nordic,"
    "Stav Snow,Stav Light,Stav Duo",
    "Lighting": "Lys 200,Lys 400,Lys 600,Lykt Camp,Lykt Mini,Lykt Solar,Lys Run,Lys Kids,Lykt Rope,"
    "Lys Bike",
}
LIFECYCLES = {  # description: launch, end
    "Heia 3": ("2024-02", None),
    "Topp 55": ("2024-08", None),
    "Lykt Rope": ("2024-10", None),
    "Stav Light": ("2025-03", None),
    "Dun 5": ("2025-08", None),
    "Sti 35": (None, "2025-06"),
    "Lys 200": (None, "2025-09"),
    "Skog 2": (None, "2026-08"),
    "Pan 20": (None, "2026-12"),
}
STOCKOUTS = {"Fjell 2": "2025-05-01", "Skog 4": "2025-06-01"}  # description: month without stock
LOCATIONS = """\
location|region|supplied_from|share
North|Scandinavia|plant|0.32
South|Alps and Italy|plant|0.22
East|Central Europe|plant|0.18
West|Benelux and France|plant|0.28
plant|Baltic site||0
"""
CHANNELS = """\
channel|segment|priority|price_rate|first_share|last_share
Retail|Own and partner shops|2|1.00|0.44|0.28
Online|Direct to customer|1|0.96|0.22|0.42
Wholesale|Dealers|3|0.74|0.34|0.30
"""
# peak_rate: busiest month's load over regular hours when production follows demand
RESOURCES = """\
resource|regular_cost_value|overtime_cost_value|peak_rate|overtime_rate
cutting|24|33|1.00|0.15
sewing|22|31|1.19|0.16
welding|29|40|0.99|0.15
moulding|31|42|0.98|0.15
assembly|21|29|1.00|0.15
"""
SUPPLIERS = ["Baltic Metal", "Lumen Works", "Alpen Textil", "Harbour Trading"]
DEPARTMENTS = {  # author, bias, noise, reason
    "sales": ("M. Keller", 1.07, 0.08, None),
    "marketing": ("A. Lund", 1.00, 0.05, None),
    "finance": ("R. Osei", 1.00, 0.00, "budget"),
}
TARGETS = """\
kpi|first_month|last_month|target|unit
forecast_wape_rate|2025-01-01|2026-12-01|0.06|rate
forecast_bias_rate|2025-01-01|2026-12-01|0.03|rate
on_time_rate|2025-01-01|2026-12-01|0.97|rate
inventory_cover_months|2025-01-01|2026-12-01|1.5|months
utilisation_rate|2026-01-01|2026-12-01|0.95|rate
margin_rate|2025-01-01|2026-12-01|0.42|rate
budget_attainment_rate|2025-01-01|2026-12-01|1.0|rate
"""
ASSUMPTIONS = """\
assumption|statement|owner|quality|impact|first_cycle|expires_month
A1|Camping stays popular: tents grow six percent a year|A. Lund|amber|red|2025-07-01|2026-12-01
A2|Online takes three points of share a year from retail|M. Keller|green|amber|2025-01-01|2026-12-01
A3|Sea freight from Asia takes no longer than 60 days|T. Brandt|red|red|2025-10-01|2026-06-01
A4|Dealers accept the price list of January|M. Keller|amber|amber|2025-11-01|2026-03-01
A5|Two sewing lines start in January 2027|I. Petrova|amber|red|2025-12-01|2027-01-01
"""
DECISIONS = """\
decision|cycle|statement|owner|decide_by
D1|2026-01-01|How is the spring peak in sewing covered?|I. Petrova|2026-02-13
D2|2026-01-01|Is a second supplier for stoves approved?|T. Brandt|2026-03-31
D3|2026-01-01|Do list prices of lighting rise in July?|R. Osei|2026-04-30
"""
OPTIONS = """\
decision|option|statement|cost_value|effect_value
D1|overtime|Overtime in sewing from March to June|160000|900000
D1|early|Build tents ahead from January|95000|820000
D1|short|Accept late tents in May|0|-650000
D2|second|Approve the second supplier, five percent dearer|85000|240000
D2|single|Stay with one supplier and hold a month more stock|60000|110000
D3|rise|Raise list prices by four percent|20000|150000
D3|keep|Keep the price list|0|0
"""
ACTIONS = """\
action|cycle|statement|owner|due_month|status
T1|2025-11-01|Agree freight slots for spring|T. Brandt|2026-01-01|done
T2|2025-11-01|Clear remaining stock of ended items|M. Keller|2026-03-01|open
T3|2025-12-01|Train eight people for sewing|I. Petrova|2026-02-01|open
T4|2025-12-01|Explain the sales bias in tents|M. Keller|2026-01-01|open
T5|2026-01-01|Audit the second supplier for stoves|T. Brandt|2026-03-01|open
"""


def tables(seed: int = 0) -> dict[str, pd.DataFrame]:
    """Generated raw tables of Northtrail Outdoor, by name.

    Parameters
    ----------
    seed : int
        Start of the random numbers; equal seeds give equal tables.

    Returns
    -------
    dict of DataFrame
        Raw tables (house §3). `production` also holds receipts of purchased items, so that
        opening + production − sales = closing for every item of `inventory`.

    Examples
    --------
    >>> company_tables = tables(seed=0)
    >>> len(company_tables["items"]), company_tables["sales"]["month"].nunique()
    (60, 60)
    """
    rng = np.random.default_rng(seed)
    items = _items(rng)
    series = _series(items)
    expected = _expected(series)
    price = _price(series)
    sales = _sales(series, expected, price, rng)
    by_item = pd.DataFrame(expected).groupby(series["item"]).sum().loc[items["item"]].to_numpy()
    budget = _budget(series, expected, price)
    return {
        "sales": sales,
        "items": items.loc[:, :"is_purchased"],
        "locations": _typed(LOCATIONS).drop(columns="share"),
        "channels": _typed(CHANNELS)[["channel", "segment", "priority"]],
        "prices": _prices(series, price),
        "budget": budget[budget["month"] >= "2025-01-01"].reset_index(drop=True),
        "submissions": _submissions(series, expected, budget, rng),
        **_stock(items, sales, by_item),
        "scheduled_receipts": _receipts(items, by_item),
        **_resources(items, by_item),
        **_costs(items),
        "targets": _typed(TARGETS),
        "assumptions": _typed(ASSUMPTIONS),
        "decisions": _typed(DECISIONS),
        "options": _typed(OPTIONS),
        "actions": _typed(ACTIONS),
    }


def company() -> dict:
    """Content of `company.yml` of Northtrail Outdoor."""
    return {
        "name": "Northtrail Outdoor",
        "currency": "EUR",
        "departments": list(DEPARTMENTS),
        "horizon": 18,
        "tolerance_rate": 0.01,
        "materiality_value": 50000,
        "service_levels": {"default": 0.95},
    }


def write(folder: Path, seed: int = 0) -> list[Path]:
    """Paths of the generated files: `<table>.csv` of every raw table, and `company.yml`.

    Parameters
    ----------
    folder : Path
        Where the files go; made if missing.
    seed : int
        Start of the random numbers; equal seeds give equal bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        f"{name}.csv": _as_text(table).to_csv(index=False, lineterminator="\n")
        for name, table in tables(seed).items()
    }
    texts["company.yml"] = yaml.safe_dump(company(), sort_keys=False)
    for name, text in texts.items():
        (folder / name).write_bytes(text.encode("utf-8"))
    return [folder / name for name in texts]


def _as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Table as it stands in a CSV file: dates, money with two decimals, true and false."""
    text = {}
    for name, values in table.items():
        if values.dtype.kind == "M":
            text[name] = values.dt.strftime("%Y-%m-%d")
        elif values.dtype == bool:
            text[name] = np.where(values, "true", "false")
        elif name.endswith("_value"):
            text[name] = values.map("{:.2f}".format, na_action="ignore")
    return table.assign(**text)


def _typed(text: str) -> pd.DataFrame:
    """Table from a block of text, its months and dates read as such."""
    table = pd.read_csv(io.StringIO(text), sep="|")
    dates = ["first_month", "last_month", "first_cycle", "expires_month", "cycle", "due_month"]
    dates = table.columns.intersection([*dates, "decide_by"])
    return table.assign(**{n: pd.to_datetime(table[n]).astype("datetime64[us]") for n in dates})


def _long(keys: pd.DataFrame, positions: range, **measures: np.ndarray) -> pd.DataFrame:
    """One row a key and month, from matrices of keys by months."""
    table = keys.loc[keys.index.repeat(len(positions))].reset_index(drop=True)
    flat = {name: matrix.ravel() for name, matrix in measures.items()}
    return table.assign(month=np.tile(MONTHS[list(positions)], len(keys)), **flat)


def _items(rng: np.random.Generator) -> pd.DataFrame:
    """Table `items`, with `quantity` (a month of 2021, all series) and `is_slow` beside it."""
    items = _typed(FAMILIES).loc[lambda t: t.index.repeat(10)].reset_index(drop=True)
    number, position = items.index.to_numpy(), items.index.to_numpy() % 10
    names = pd.Series(",".join(NAMES.values()).split(","))
    launch, end = (names.map({name: when[i] for name, when in LIFECYCLES.items()}) for i in (0, 1))
    early = pd.Series(MONTHS[rng.integers(0, 60, 60)] - pd.DateOffset(years=7))
    price = np.round(items["low"] * (items["high"] / items["low"]) ** rng.random(60)) - 0.1
    is_slow, is_purchased = position == SLOW_POSITION, position >= 10 - items["purchased"]
    # items launched or ended are smaller ones; slow ones take no part in the family's revenue
    weight = pd.Series(rng.lognormal(0.0, 0.55, 60)) * np.where(names.isin(LIFECYCLES), 0.5, 1.0)
    share = weight.where(~is_slow, 0.0)
    share = share / share.groupby(items["family"]).transform("sum")
    quantity = (items["revenue_value"] * share / 12 / (0.78 * price)).where(~is_slow, SLOW_QUANTITY)
    bought_days, made_days = rng.choice([30, 45, 60, 90, 120], 60), rng.choice([5, 15, 20, 30], 60)
    codes = [f"{p}-{100 + 7 * n}" for p, n in zip(items["prefix"], number, strict=True)]
    codes = np.where(number % 2, codes, [f"{417 + 391 * n:05d}" for n in number])
    return pd.DataFrame({"item": codes, "description": names}).assign(
        family=items["family"],
        category=items["category"],
        unit="piece",
        unit_cost_value=(price * rng.uniform(0.46, 0.56, 60)).round(2),
        unit_price_value=price.round(2),
        launch_month=pd.to_datetime(launch).astype("datetime64[us]").fillna(early),
        end_month=pd.to_datetime(end).astype("datetime64[us]"),
        lot_size=np.select([quantity < 50, quantity < 600], [5, 20], 50),
        lead_time_days=np.where(is_purchased, bought_days, made_days),
        is_purchased=is_purchased,
        quantity=quantity,
        is_slow=is_slow,
    )


def _series(items: pd.DataFrame) -> pd.DataFrame:
    """One row an item, location and channel, with all that its expected demand needs."""
    families = _typed(FAMILIES)[["family", "peak", "swing", "growth", "budget"]]
    markets = _typed(LOCATIONS).query("share > 0")[["location", "share"]]
    series = items.merge(families, on="family", how="left", validate="many_to_one")
    series = series.merge(markets, how="cross").merge(_typed(CHANNELS), how="cross")
    # dealers do not list slow items
    return series[~(series["is_slow"] & (series["channel"] == "Wholesale"))].reset_index(drop=True)


def _expected(series: pd.DataFrame) -> np.ndarray:
    """Expected pieces a month, series by MONTHS: season, growth, channel shift, lifecycle."""
    col = {name: series[name].to_numpy()[:, None] for name in series.columns}
    years = np.arange(len(MONTHS)) / 12
    calendar = MONTHS.month.to_numpy()
    season = np.exp(col["swing"] * np.cos(2 * np.pi * (calendar - col["peak"]) / 12))
    season = season / season[:, :12].mean(axis=1, keepdims=True)
    channel = col["first_share"] + (col["last_share"] - col["first_share"]) * years / years[-1]
    day = MONTHS.to_numpy()
    age_months = (day - col["launch_month"]) / np.timedelta64(1, "D") / 30.4
    left_months = np.nan_to_num((col["end_month"] - day) / np.timedelta64(1, "D") / 30.4, nan=99)
    life = np.clip((age_months + 1.1) / 6, 0, 1) * np.clip((left_months + 1.1) / 5, 0, 1)
    life = life * (age_months > -0.5) * (left_months > -0.5)
    growth = (1 + col["growth"]) ** years
    return col["quantity"] * col["share"] * channel * season * growth * life * _uplift(series)


def _uplift(series: pd.DataFrame) -> np.ndarray:
    """Factor by which a promotion raises sales, series by MONTHS; 1 without one."""
    calendar = MONTHS.month
    return np.array([[PROMOTIONS.get((c, m), 1.0) for m in calendar] for c in series["channel"]])


def _price(series: pd.DataFrame) -> np.ndarray:
    """List price, series by MONTHS; `items` holds that of 2026."""
    rise = (1 + PRICE_RISE_RATE) ** (MONTHS.year.to_numpy() - 2026)
    listed = (series["unit_price_value"] * series["price_rate"]).to_numpy()[:, None]
    return np.round(listed * rise, 2)


def _sales(
    series: pd.DataFrame, expected: np.ndarray, price: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    """Table `sales`: expected demand with noise, bulk orders, returns and stock-outs planted."""
    past = expected[:, :CYCLE]
    wobble = rng.gamma(120, 1 / 120, (60, CYCLE))[pd.factorize(series["item"])[0]]
    chance = np.where(series["is_slow"], SLOW_RATE, 1.0)[:, None]
    lumpy = (rng.random(past.shape) < chance) / chance
    sold = rng.poisson(past * wobble * lumpy * rng.gamma(25, 1 / 25, past.shape))
    promoted = _uplift(series)[:, :CYCLE] > 1
    keys = series[["item", "location", "channel", "description"]]
    paid = np.where(promoted, PROMOTION_PRICE_RATE, 1.0) * price[:, :CYCLE]
    sales = _long(keys, range(CYCLE), quantity=sold, paid=paid, is_promotion=promoted)
    sales = sales[sales["quantity"] != 0].reset_index(drop=True)
    quantity, emptied = sales["quantity"].to_numpy(copy=True), sales["description"].map(STOCKOUTS)
    is_stockout = (pd.to_datetime(emptied) == sales["month"]).to_numpy()
    bulk = rng.choice(np.flatnonzero((sales["channel"] == "Wholesale") & (quantity > 25)), 8, False)
    returned = rng.choice(np.flatnonzero(quantity < 6), 10, False)
    quantity[bulk] *= 6
    quantity[returned] = -rng.integers(1, 6, 10)
    quantity[is_stockout] = np.maximum(1, np.abs(quantity[is_stockout]) // 6)
    revenue = (quantity * sales["paid"]).round(2)
    sales = sales.assign(quantity=quantity, revenue_value=revenue, is_stockout=is_stockout)
    order = ["item", "location", "channel", "month", "quantity", "revenue_value"]
    return sales[[*order, "is_stockout", "is_promotion"]]


def _prices(series: pd.DataFrame, price: np.ndarray) -> pd.DataFrame:
    """Table `prices`: the list of each January up to the cycle, the same at every location."""
    here = (series["location"] == "North").to_numpy()
    januaries = range(0, CYCLE + 1, 12)
    keys = series.loc[here, ["item", "channel"]]
    prices = _long(keys, januaries, unit_price_value=price[here][:, list(januaries)])
    order = ["item", "channel", "first_month", "unit_price_value"]
    return prices.rename(columns={"month": "first_month"})[order]


def _by(series: pd.DataFrame, names: list[str], matrix: np.ndarray) -> tuple:
    """Keys, and the matrix summed over series with the same keys."""
    total = pd.DataFrame(matrix).groupby([series[name] for name in names]).sum()
    return total.index.to_frame(index=False), total.to_numpy()


def _budget(series: pd.DataFrame, expected: np.ndarray, price: np.ndarray) -> pd.DataFrame:
    """Table `budget` from 2024 on: last year's expected demand grown by a round rate a family."""
    keys, quantity = _by(series, ["family"], expected)
    revenue = _by(series, ["family"], expected * price)[1]
    cost = _by(series, ["family"], expected * series[["unit_cost_value"]].to_numpy())[1]
    rate = keys["family"].map(_typed(FAMILIES).set_index("family")["budget"]).to_numpy()[:, None]
    span = range(STOCK_FROM, len(MONTHS))
    last_year = [position - 12 for position in span]
    revenue = revenue[:, last_year] * (1 + rate) * (1 + PRICE_RISE_RATE)
    return _long(
        keys,
        span,
        quantity=np.round(quantity[:, last_year] * (1 + rate)).astype(int),
        revenue_value=revenue.round(-2),
        margin_value=(revenue - cost[:, last_year] * (1 + rate)).round(-2),
    )


def _submissions(
    series: pd.DataFrame, expected: np.ndarray, budget: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Table `submissions`: twelve months from each cycle 2024-01 … 2026-01, a department's view."""
    views = {name: _by(series, ["family"], expected) for name in DEPARTMENTS}
    views["sales"] = _by(series, ["family", "location"], expected)
    money = budget["revenue_value"].to_numpy().reshape(len(views["finance"][0]), -1)
    views["finance"] = views["finance"][0], np.pad(money, ((0, 0), (STOCK_FROM, 0)))
    rows = []
    for department, (keys, amount) in views.items():
        author, bias, noise, reason = DEPARTMENTS[department]
        measure = "revenue_value" if department == "finance" else "quantity"
        for start in range(STOCK_FROM, CYCLE + 1):
            said = amount[:, start : start + 12] * bias
            said = said * np.exp(rng.normal(0, noise, said.shape))
            view = _long(keys, range(start, start + 12), **{measure: said.round()})
            said_by = {"department": department, "reason": reason, "author": author}
            rows.append(view.assign(cycle=MONTHS[start], **said_by))
    order = ["department", "cycle", "month", "family", "location", "quantity", "revenue_value"]
    submissions = pd.concat(rows, ignore_index=True)[[*order, "reason", "author"]]
    return submissions.astype({"quantity": "Int64", "reason": "str"})


def _stock(items: pd.DataFrame, sales: pd.DataFrame, expected: np.ndarray) -> dict:
    """Tables `inventory` and `production`: made to expected demand in lots, never below zero."""
    sold = sales.pivot_table(index="item", columns="month", values="quantity", aggfunc="sum")
    sold = sold.reindex(items["item"]).fillna(0).to_numpy().astype(int)
    emptied = pd.to_datetime(items["description"].map(STOCKOUTS)).to_numpy()[:, None]
    is_empty = MONTHS.to_numpy() == emptied
    planned = expected.copy()
    planned[is_empty] = 0  # supply failed: only what is sold is made
    cover = (COVER_MONTHS + items["lead_time_days"] / 150).to_numpy()
    wanted = np.where(is_empty, 0.02, cover[:, None]) * np.roll(planned, -1, axis=1)
    lot = items["lot_size"].to_numpy()
    span = range(STOCK_FROM, CYCLE)
    on_hand = (cover * planned[:, STOCK_FROM]).astype(int)
    closing, made = np.zeros((2, len(items), len(span)), dtype=int)
    for column, month in enumerate(span):  # stock carries over
        short = np.maximum(wanted[:, month] + planned[:, month], sold[:, month]) - on_hand
        made[:, column] = np.ceil(np.maximum(short, 0) / lot) * lot
        on_hand = on_hand + made[:, column] - sold[:, month]
        closing[:, column] = on_hand
    keys = items[["item", "launch_month"]].assign(location="plant")
    stock = _long(keys, span, on_hand=closing, quantity=made)
    stock = stock[stock["month"] >= stock["launch_month"] - pd.offsets.MonthBegin(1)]
    order = ["item", "location", "month"]
    return {
        name: stock[[*order, column]].reset_index(drop=True)
        for name, column in [("inventory", "on_hand"), ("production", "quantity")]
    }


def _receipts(items: pd.DataFrame, expected: np.ndarray) -> pd.DataFrame:
    """Table `scheduled_receipts`: what is ordered for the months within each lead time."""
    lot = items["lot_size"].to_numpy()[:, None]
    ahead = np.ceil(expected[:, CYCLE : CYCLE + 4] / lot).astype(int) * lot
    kind = np.where(items["is_purchased"], "purchase", "production")
    keys = items[["item", "lead_time_days"]].assign(location="plant", kind=kind)
    due = _long(keys, range(CYCLE, CYCLE + 4), quantity=ahead).assign(cycle=MONTHS[CYCLE])
    wait = (due["month"] - due["cycle"]).dt.days
    due = due[(wait + 15 <= due["lead_time_days"]) & (due["quantity"] > 0)]
    due = due.assign(is_firm=wait[due.index] < 32).reset_index(drop=True)
    return due[["item", "location", "month", "kind", "cycle", "quantity", "is_firm"]]


def _resources(items: pd.DataFrame, expected: np.ndarray) -> dict:
    """Tables `resources`, `capacity` and `routings`, hours set against expected demand."""
    resources = _typed(RESOURCES).assign(location="plant")
    hours = _typed(FAMILIES).set_index("family")[resources["resource"].tolist()]
    made = items.loc[~items["is_purchased"], ["item", "family", "unit_price_value"]]
    typical = made.groupby("family")["unit_price_value"].transform("median")
    size = ((made["unit_price_value"] / typical) ** 0.4).to_numpy()[:, None]  # dearer, more work
    per_unit = (hours.loc[made["family"]].to_numpy() * size).round(3)
    routings = pd.DataFrame(per_unit, made["item"], hours.columns).rename_axis(columns="resource")
    routings = routings.stack().rename("hours_per_unit").reset_index().query("hours_per_unit > 0")
    span = range(CYCLE, len(MONTHS))
    # holidays in August and December; two more lines from 2027 on
    days = np.where(MONTHS[CYCLE:].month.isin([8, 12]), 0.90, 1.0)
    days = days * np.where(MONTHS[CYCLE:].year == 2027, 1.05, 1.0)
    load = per_unit.T @ expected[made.index, CYCLE:]
    regular = (load / days)[:, :18].max(axis=1) / resources["peak_rate"].to_numpy()
    regular = np.round(regular, -1)
    overtime = np.round(regular * resources["overtime_rate"].to_numpy())
    resources = resources.assign(regular_hours=regular, overtime_hours=overtime)
    hours = {n: resources[[n]].to_numpy() * days for n in ("regular_hours", "overtime_hours")}
    capacity = _long(resources[["resource"]], span, **{n: h.round() for n, h in hours.items()})
    order = ["resource", "location", "regular_hours", "overtime_hours"]
    money = ["regular_cost_value", "overtime_cost_value"]
    return {
        "resources": resources[[*order, *money]],
        "capacity": capacity,
        "routings": routings.reset_index(drop=True),
    }


def _costs(items: pd.DataFrame) -> dict:
    """Tables `planning_costs` by family and `suppliers` of purchased items."""
    mean = items.groupby("family")[["unit_cost_value", "unit_price_value"]].mean()
    costs = {
        "holding_cost_value": mean["unit_cost_value"] * 0.015,
        "backorder_cost_value": mean["unit_price_value"] * 0.10,
        "rate_change_cost_value": mean["unit_cost_value"] * 0.06,
    }
    bought = items[items["is_purchased"]].reset_index(drop=True)
    names = [SUPPLIERS[number % len(SUPPLIERS)] for number in bought.index]
    bought = bought.assign(supplier=names, minimum_order=2 * bought["lot_size"])
    order = ["item", "supplier", "lead_time_days", "unit_cost_value", "minimum_order"]
    return {
        "planning_costs": pd.DataFrame(costs).round(2).reset_index(),
        "suppliers": bought[order],
    }
