"""Families of two companies at twelve origins: WAPE and bias at lag 3, nervousness.

Each origin sees earlier months only. Ours is made for single series and added up; peers forecast
the family's value directly. Value is quantity × the item's mean price before the origin (an item
not yet sold: over all months; only what came is valued so, nobody forecasts it). lag counts months
from origin to month, the origin's own month is 0.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from argparse import Namespace
from pathlib import Path

import _bench
import _ours
import _peers
import _scores
import pandas as pd

ORIGINS = 12
LAG = 3
HORIZON = 6  # lags 0 to 5; nervousness compares two consecutive origins over all they share
DIGITS = {"WAPE": 3, "bias": 3, "nervousness": 3}


def number(days: pd.Series) -> pd.Series:
    """The month of each date, counted in months: lags are differences."""
    return pd.to_datetime(days).dt.year * 12 + pd.to_datetime(days).dt.month - 1


def adventureworks(root: Path) -> pd.DataFrame:
    """Whole months of ``item, month, family, quantity, value``; the workspace is our example's."""
    data = _bench.data("adventureworks")
    os.environ["ADVENTUREWORKS_DATA"] = str(data)
    shutil.copytree(_bench.REPOSITORY / "examples" / "adventureworks", root / "data" / "raw")
    lines = pd.read_csv(data / "sop" / "sales_order_lines.csv.gz")
    names = {"ProductNumber": "item", "Subcategory": "family", "Quantity": "quantity"}
    lines = lines.rename(columns=names | {"SalesAmount": "value"})
    # one day of 2011-05 and part of 2014-06 are there
    lines = lines[lines["OrderDate"].between("2011-06-01", "2014-05-31")]
    lines = lines.assign(month=number(lines["OrderDate"]))
    return lines.groupby(["item", "month", "family"], as_index=False)[["quantity", "value"]].sum()


def pbs(root: Path) -> pd.DataFrame:
    """Prescriptions: an item is concession, type, ATC1 and ATC2; the family is ATC1."""
    rows = pd.read_csv(_bench.data("pbs") / "PBS.csv.gz", keep_default_na=False)
    item = rows["Concession"] + "/" + rows["Type"] + "/" + rows["ATC1"] + "/" + rows["ATC2"]
    names = {"Month": "month", "ATC1": "family", "Scripts": "quantity", "Cost": "value"}
    sales = rows.rename(columns=names).assign(item=item)
    _ours.make_workspace(root, sales)
    return sales.assign(month=number(sales["month"]))


def prices(sales: pd.DataFrame, origin: int) -> pd.Series:
    """Mean price of each item before the origin; over all months where it was not yet sold."""
    mean = []
    for part in (sales[sales["month"] < origin], sales):
        total = part.groupby("item")[["value", "quantity"]].sum()
        mean.append(total["value"] / total["quantity"].where(total["quantity"] > 0))
    return mean[0].reindex(mean[1].index).fillna(mean[1])


def by_family(table: pd.DataFrame, price: pd.Series, family: pd.Series) -> pd.DataFrame:
    """Value of a table ``item, month, quantity``: a row a month, a column a family."""
    value = table["quantity"] * table["item"].map(price)
    return value.groupby([table["month"], table["item"].map(family)]).sum().unstack(fill_value=0.0)


def last_year(past: pd.DataFrame, months: range) -> dict[str, pd.DataFrame]:
    """Seasonal naive, and the same × growth: last 12 months beside the 12 before, as far known."""
    naive = past.reindex([month - 12 for month in months]).set_axis(months)
    before = past.shift(12).iloc[12:].iloc[-12:]
    growth = past.loc[before.index].sum() / before.sum().where(before.sum() > 0)
    return {"seasonal naive": naive, "last year × growth": naive * growth.fillna(1.0)}


def long(wide: pd.DataFrame, origin: int, model: str) -> pd.DataFrame:
    """A wide table of values as rows ``model, origin, family, month, quantity``."""
    table = wide.rename_axis("month").rename_axis("family", axis=1).stack().rename("quantity")
    return table.reset_index().assign(origin=origin, model=model)


def replay(sales: pd.DataFrame, root: Path, name: str, options: Namespace) -> pd.DataFrame:
    """Every model's forecasts at each origin, beside what came."""
    family = sales.drop_duplicates("item").set_index("item")["family"]
    last = sales["month"].max() - LAG
    parts, actuals, series = [], [], []
    for origin in range(last - ORIGINS + 1, last + 1):
        cycle = f"{origin // 12}-{origin % 12 + 1:02}"
        _bench.say(f"{name}: sopkit forecast --cycle {cycle}")
        price, months = prices(sales, origin), range(origin, origin + HORIZON)
        value = by_family(sales, price, family)
        past = value[value.index < origin]
        ours, _ = _ours.forecast(root, cycle, horizon=HORIZON, cores=options.cores)
        ours = by_family(ours.assign(month=number(ours["month"])), price, family)
        models = {"sopkit": ours} | (last_year(past, months) if not options.no_peers else {})
        for model, wide in models.items():
            wide = wide.reindex(index=months, columns=value.columns, fill_value=0.0)
            parts.append(long(wide, origin, model))
        actuals.append(long(value.reindex(months), origin, "actual"))
        series.append(long(past, origin, "past")[long(past.cumsum() > 0, origin, "")["quantity"]])
    if not options.no_peers:
        parts.append(auto_ets(pd.concat(series), name, options))
    actual = pd.concat(actuals).drop(columns="model").rename(columns={"quantity": "actual"})
    table, keys = pd.concat(parts), ["model", "origin", "family", "month"]
    every = actual.merge(table[["model"]].drop_duplicates(), how="cross")  # AutoETS lacks new ones
    table = every.merge(table[[*keys, "quantity"]], on=keys, how="left", validate="one_to_one")
    return table.fillna({"quantity": 0.0}).assign(lag=table["month"] - table["origin"])


def auto_ets(past: pd.DataFrame, name: str, options: Namespace) -> pd.DataFrame:
    """AutoETS on each family's value from its first month on, at every origin."""
    past = past.assign(item=past["origin"].astype(str) + "|" + past["family"])
    past = past.rename(columns={"month": "step"})
    made = _peers.forecast(past, name, ["AutoETS"], horizon=HORIZON, options=options)
    origin = made["item"].str.split("|").str[0].astype(int)
    family = made["item"].str.split("|").str[1]
    return made.assign(origin=origin, month=origin + made["step"] - 1, family=family)


def nervousness(table: pd.DataFrame) -> float:
    """Mean |change| of the forecast of a family and month from one origin to the next ÷ actual."""
    ordered = table.sort_values("origin")
    change = ordered.groupby(["family", "month"])["quantity"].diff().abs()
    return float(change.mean() / table.loc[table["lag"] == LAG, "actual"].mean())


def main() -> None:
    """Print a table for each company."""
    options = _bench.arguments(__doc__.splitlines()[0])
    for read in (adventureworks, pbs):
        with tempfile.TemporaryDirectory() as folder:
            sales = read(Path(folder))
            table = replay(sales, Path(folder), read.__name__, options)
        rows = []
        for model, own in table.groupby("model", sort=False):
            at_lag = own[own["lag"] == LAG]
            rows.append((model, _scores.wape(at_lag), _scores.bias(at_lag), nervousness(own)))
        count = table["family"].nunique()
        title = f"{read.__name__}: {count} families × {ORIGINS} origins, lag {LAG}"
        _bench.show(title, pd.DataFrame(rows, columns=["model", *DIGITS]), DIGITS)


if __name__ == "__main__":
    main()
