"""What a reopening changed: plans as they were closed before it, beside what stands now."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import schema
from sopkit.demand import hierarchy

# measure: table, its column, how months become one figure
MEASURES = {
    "Demand": ("demand_plan", "consensus", "sum"),
    "Supply": ("supply_plan", "supply", "sum"),
    "Stock": ("inventory_projection", "closing", "mean"),
}
MAKERS = {"Demand": "demand_review", "Supply": "supply_review", "Stock": "supply_review"}
COLUMNS = (
    "measure family revision before now change change_value author note reopened_at words"
).split()


def changes(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Table `revision_changes`: each reopened revision beside the plan that stands now.

    Parameters
    ----------
    tables : dict of DataFrame
        By name the tables of ``MEASURES`` as they stand and, as ``revision_<name>``, as they were
        closed before each reopening (``revision``); `closings` (reopenings), `money_rates`, and
        `items` with settled ``planning_factor``.

    Returns
    -------
    DataFrame
        A row a measure, reopened revision and family (``schema.COMPANY_LABEL``: all), over the
        horizon: ``before``, ``now`` and ``change`` = now − before in planning units (stock: mean
        of the months), ``change_value`` of demand at the plan's prices; who reopened it, why, when,
        and that in ``words``. The latest revision first, in it the company, then what moved most.
    """
    items, rates = tables["items"], tables["money_rates"]
    parts = []
    for measure, (name, column, how) in MEASURES.items():
        past = tables[f"revision_{name}"]
        for number, before in past.groupby("revision"):
            both = [
                _by_family(table, column, how, items, rates, has_money=measure == "Demand")
                for table in (before, tables[name])
            ]
            parts.append(_beside(*both).assign(measure=measure, revision=int(number)))
    if not parts:
        kinds = dict.fromkeys(COLUMNS, "str")
        kinds |= dict.fromkeys(["revision", "before", "now", "change", "change_value"], "float64")
        return pd.DataFrame(columns=COLUMNS).astype(kinds | {"reopened_at": "datetime64[us]"})
    table = pd.concat(parts, ignore_index=True)
    said = tables["closings"].rename(columns={"entered_at": "reopened_at"})
    said = said[["step", "revision", "author", "note", "reopened_at"]]
    said = said.astype({"revision": "int64"}).drop_duplicates(["step", "revision"], keep="last")
    table = table.assign(step=table["measure"].map(MAKERS)).merge(
        said, on=["step", "revision"], how="left", validate="many_to_one"
    )
    table = table.assign(words=[_words(row) for row in table.to_dict("records")])
    return _largest_first(table)[COLUMNS]


def _words(row: dict) -> str:
    """Why it was reopened, and by whom; a step that was opened with another says the same."""
    why = row["note"] if isinstance(row["note"], str) else ""
    return f"{why.rpartition(' reopened: ')[2]} ({row['author']})".strip()


def _largest_first(table: pd.DataFrame) -> pd.DataFrame:
    """The latest revision first, demand before supply, the company before what moved most."""
    order = table.assign(
        latest=-table["revision"],
        place=table["measure"].map({name: k for k, name in enumerate(MEASURES)}),
        is_family=table["family"] != schema.COMPANY_LABEL,
        size=-table["change"].abs(),
    )
    return order.sort_values(["latest", "place", "is_family", "size"], kind="stable")


def _by_family(
    table: pd.DataFrame,
    column: str,
    how: str,
    items: pd.DataFrame,
    rates: pd.DataFrame,
    *,
    has_money: bool,
) -> pd.DataFrame:
    """Amount and value of each family and of all over the horizon."""
    rows = table[[*(n for n in schema.SERIES if n in table), "month", column]]
    rows = rows.rename(columns={column: "amount"}).assign(amount_value=np.nan)
    if has_money:
        priced = rows.merge(rates, on=schema.SERIES, how="left", validate="many_to_one")
        rows = rows.assign(amount_value=(priced["amount"] * priced["unit_price_value"]).to_numpy())
    rows = hierarchy.with_levels(hierarchy.in_planning_units(rows, items), items)
    monthly = rows.groupby(["family", "month"])[["amount", "amount_value"]].sum(min_count=1)
    monthly = monthly.reset_index()
    whole = monthly.assign(family=schema.COMPANY_LABEL)
    whole = whole.groupby(["family", "month"])[["amount", "amount_value"]].sum(min_count=1)
    both = pd.concat([whole.reset_index(), monthly])
    grouped = both.groupby("family", sort=False)[["amount", "amount_value"]]
    return grouped.mean() if how == "mean" else grouped.sum(min_count=1)


def _beside(before: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """Two plans by family, and the difference; a family that one lacks is none of its plan."""
    families = [*now.index, *(name for name in before.index if name not in now.index)]
    was, is_ = (plan["amount"].reindex(families).fillna(0.0) for plan in (before, now))
    values = [plan["amount_value"].reindex(families) for plan in (before, now)]
    moved = values[1].fillna(0.0) - values[0].fillna(0.0)
    return pd.DataFrame(
        {
            "family": families,
            "before": was.to_numpy(),
            "now": is_.to_numpy(),
            "change": (is_ - was).to_numpy(),
            "change_value": moved.where(values[0].notna() | values[1].notna()).to_numpy(),
        }
    )
