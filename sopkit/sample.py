"""The sample company: what sopkit can be tried on before anybody brings data.

Northtrail Outdoor is generated: no number in it comes from a real company. Tables are raw
tables (house §3): months are first days, money is in euro, in the North in krona. History ends in
2025-12, the cycle to be planned is 2026-01. What is wrong or hidden in the tables is planted, and
``truths`` tells it. How the company comes about: ``sopkit.northtrail``. Equal seeds give equal
bytes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from sopkit import schema, whole
from sopkit.northtrail import _given, _stock, catalogue, market, people, supply

CYCLE = _given.MONTHS[_given.CYCLE]  # 2026-01, the cycle to be planned
RENAMED = {"marketing": "brand"}  # department: what it was called before the cycle


def tables(
    seed: int = 0, *, is_clean: bool = False, cycle: pd.Timestamp | None = None
) -> dict[str, pd.DataFrame]:
    """Generated raw tables of Northtrail Outdoor, by name.

    Parameters
    ----------
    seed : int
        Start of the random numbers; equal seeds give equal tables.
    is_clean : bool
        True plants nothing: no stock-outs, returns, bulk orders, unknown items, restatements,
        biased departments, late components, broken assumptions, budgets or goals beyond reach.
    cycle : Timestamp, optional
        Tables as they stood in this cycle, 2026-01 where left out. In earlier ones credit notes
        were not yet written, an item stood in its old family, another had its old code, and one
        department its old name.

    Returns
    -------
    dict of DataFrame
        Raw tables (house §3). `production` also holds receipts of purchased items, so that
        opening + production − sales = closing for every item over plant and depot together.

    Examples
    --------
    >>> company_tables = tables(seed=0)
    >>> len(company_tables["items"]), company_tables["sales"]["month"].nunique()
    (88, 60)
    """
    return _company(seed, is_clean, CYCLE if cycle is None else cycle)[0]


def truths(seed: int = 0) -> dict:
    """What is planted in ``tables(seed)``, by name; tables are tidy, scalars stand in dicts.

    Parameters
    ----------
    seed : int
        As for ``tables``.

    Returns
    -------
    dict
        expected : item, location, channel, month, quantity; expected demand 2021-01 … 2027-12.
        events : event, kind, level columns, first_month, last_month, true_rate.
        bulk_orders, lost_units, returns : series, month, quantity; units above what was expected,
        units not sold for want of stock, units that came back.
        restated : series, month, quantity (below zero) credited after cycle 2025-12.
        moved_item, merged_item, renamed_department : what stood where in cycle 2025-12.
        unknown_items : codes in `sales` that `items` does not know.
        service_queue : item, month, backlog of the repair service at month end, jobs.
        binding_resource : resource, first_month in which expected demand takes more than its
        regular hours; no other one at the plant does.
        promotion_without_supply : event, month, extra_units beside free_units, which the
        hours of the month and of the one before leave.
        budget_above_capacity : family, budget_units of 2026, makeable_units (hours of the year
        that the other families leave, and stock), amount by which it is beyond them.
        late_component : item whose launch comes before its component does.
        departments : department, bias_rate, noise, promotion_noise (of the logarithm).
        missing_submission : department, cycle.
        broken_assumption : assumption, first_month in which it did not hold.
        action_effects : actions with effect_amount, as promised, and true_amount.
        control_difference : channel, month, amount by which finance's total is above `sales`.
        market_lead : series, family, months by which it leads, elasticity.
        market_without_effect : series that moves nothing.
    """
    return _company(seed, False, CYCLE)[1]


def company() -> dict:
    """Content of `company.yml` of Northtrail Outdoor."""
    return yaml.safe_load((_given.FOLDER / "company.yml").read_text(encoding="utf-8"))


def write(
    folder: Path, seed: int = 0, *, is_clean: bool = False, cycle: pd.Timestamp | None = None
) -> list[Path]:
    """Paths of the generated files: `<table>.csv` of every raw table, `company.yml`, scenarios.

    Parameters
    ----------
    folder : Path
        Where the files go; made if missing.
    seed, is_clean, cycle
        As for ``tables``; equal ones give equal bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        f"{name}.csv": _as_text(table).to_csv(index=False, lineterminator="\n")
        for name, table in tables(seed, is_clean=is_clean, cycle=cycle).items()
    }
    settings = company()
    if not is_clean and cycle is not None and cycle < CYCLE:
        settings["departments"] = [RENAMED.get(name, name) for name in settings["departments"]]
    texts["company.yml"] = yaml.safe_dump(settings, sort_keys=False)
    if not is_clean and (cycle is None or cycle >= CYCLE):
        asked = sorted((_given.FOLDER / "scenarios").glob("*.yml"))
        texts |= {f"scenarios/{path.name}": path.read_text(encoding="utf-8") for path in asked}
        (folder / "scenarios").mkdir(exist_ok=True)
    for name, text in texts.items():
        whole.write_bytes(text.encode("utf-8"), folder / name)
    return [folder / name for name in texts]


def _company(seed: int, is_clean: bool, cycle: pd.Timestamp) -> tuple[dict, dict]:
    """Raw tables as they stood in the cycle, and what is planted in those of today."""
    is_today = is_clean or cycle >= CYCLE
    offer = catalogue.offer(seed, is_clean=is_clean)
    demand = market.demand(offer)
    supplied = supply.supply(offer, demand, is_restated=is_today)
    said, hidden = people.people(offer, demand, supplied)
    items = offer.items
    moved = items[items["home"] != items["family"]].set_index("item")
    merged = items.dropna(subset="old_item").set_index("old_item")["item"].to_dict()
    facts = demand.truths | supplied.truths | hidden
    facts |= {
        "moved_item": {item: (row["home"], row["family"]) for item, row in moved.iterrows()},
        "merged_item": merged,
        "renamed_department": {old: new for new, old in RENAMED.items()},
        "late_component": _stock.LATE,
    }
    written = [path.stem for path in _given.FOLDER.glob("*.csv")]
    made = {name: _given.read(name, is_clean=is_clean) for name in written}
    made |= offer.tables | demand.tables | supplied.tables | said
    if not is_today:
        categories = items.drop_duplicates("family").set_index("family")["category"]
        family = {"family": items["home"], "category": items["home"].map(categories)}
        made |= {"items": items.assign(**family)}
        old = {"item": {new: code for code, new in merged.items()}, "department": RENAMED}
        made = {name: table.replace(old) for name, table in made.items()}
    known = {name: _as_known(name, made[name], cycle) for name in schema.RAW if name in made}
    is_open = known["options"]["decision"].isin(known["decisions"]["decision"])
    return known | {"options": known["options"][is_open]}, facts


def _as_known(name: str, table: pd.DataFrame, cycle: pd.Timestamp) -> pd.DataFrame:
    """Columns of the schema, and rows that stood in a table when the cycle was planned."""
    known = pd.Series(True, index=table.index)
    if schema.RAW[name].known == "measured" or name in ("controls", "rates"):
        # rates of the budget are known ahead
        known = (table["month"] < cycle) | (table.get("kind") == "budget")
    elif "cycle" in table:
        known = table["cycle"] <= cycle
    columns = [column for column in schema.RAW[name].column_names if column in table]
    return table.loc[known.to_numpy(), columns].reset_index(drop=True)


def _as_text(table: pd.DataFrame) -> pd.DataFrame:
    """Table as it stands in a CSV file: dates, money with two decimals, true and false."""
    text = {}
    for name, values in table.items():
        if values.dtype.kind == "M":
            text[name] = values.dt.strftime("%Y-%m-%d")
        elif values.dtype == bool:
            text[name] = np.where(values, "true", "false")
        elif values.dtype.kind == "f" or name.endswith("_value"):
            form = "{:.2f}" if name.endswith("_value") else "{:.10g}"
            text[name] = values.map(form.format, na_action="ignore")
    return table.assign(**text)
