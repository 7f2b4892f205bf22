"""What a reopening changed: plans as they were closed before it, beside what stands now."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import schema
from sopkit.demand import hierarchy

# measure: table, its column, how months become one figure
MEASURES = {
    "Demand": ("demand_plan", "consensus", "sum"),
    "Agreed demand": ("demand_plan", "constrained", "sum"),
    "Supply": ("supply_plan", "supply", "sum"),
    "Stock": ("inventory_projection", "closing", "mean"),
}
MAKERS = {"Supply": "supply_review", "Stock": "supply_review"}  # the others: the demand review
COLUMNS = (
    "measure family revision before now change moved worst_month worst_change change_value "
    "is_latest author note reopened_at words"
).split()


def changes(tables: dict[str, pd.DataFrame], *, cycle: pd.Timestamp) -> pd.DataFrame:
    """Table `revision_changes`: each reopened revision beside the plan that stands now.

    Parameters
    ----------
    tables : dict of DataFrame
        By name the tables of ``MEASURES`` as they stand and, as ``revision_<name>``, as they were
        closed before each reopening (``revision``); `closings` (reopenings), `money_rates`, and
        `items` with settled ``planning_factor``.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    DataFrame
        A row a measure, reopened revision and family (``schema.COMPANY_LABEL``: all), over the
        horizon: ``before``, ``now`` and ``change`` = now − before in planning units (stock: mean
        of the months), ``moved``: units that come in another month beside that (stock: missing),
        the month that moved most and by how much, ``change_value`` of demand at
        the plan's prices; who reopened it, why, when, and that in ``words``. ``is_latest``: no
        later revision of its step was reopened. Those come first, in them the company.
    """
    parts = []
    for measure, (name, column, how) in MEASURES.items():
        now = _monthly(tables[name], column, tables)
        past = tables[f"revision_{name}"]
        for number, before in past.groupby("revision"):
            moved = _beside(_monthly(before, column, tables), now, how)
            is_latest = number == past["revision"].max()
            if measure == "Agreed demand" and not _has_agreed(before, tables[name]):
                continue  # the demand itself
            if name != "demand_plan":  # what is made or stored has no price here
                moved = moved.assign(change_value=np.nan)
            parts.append(moved.assign(measure=measure, revision=int(number), is_latest=is_latest))
    if not parts:
        kinds = dict.fromkeys(COLUMNS, "float64")
        kinds |= dict.fromkeys(("measure", "family", "author", "note", "words"), "str")
        kinds |= dict.fromkeys(("worst_month", "reopened_at"), "datetime64[us]")
        return pd.DataFrame(columns=COLUMNS).astype(kinds | {"is_latest": "bool"})
    table = pd.concat(parts, ignore_index=True)
    said = tables["closings"].rename(columns={"entered_at": "reopened_at"})
    said = said.loc[said["cycle"] == cycle, ["step", "revision", "author", "note", "reopened_at"]]
    table = table.assign(step=table["measure"].map(MAKERS).fillna("demand_review")).merge(
        said.astype({"revision": "int64"}),
        on=["step", "revision"],
        how="left",
        validate="many_to_one",
    )
    table = table.assign(words=[_words(row) for row in table.to_dict("records")])
    if not tables["money_rates"]["unit_price_value"].notna().any():
        table = table.assign(change_value=np.nan)
    return _company_first(table)[COLUMNS]


def _has_agreed(*plans: pd.DataFrame) -> bool:
    """Whether sales had agreed to deliver anything later in one of some plans."""
    return any((plan["constrained"] != plan["consensus"]).any() for plan in plans)


def _words(row: dict) -> str:
    """Why it was reopened, and by whom; a step that was opened with another says the same."""
    why = row["note"] if isinstance(row["note"], str) else ""
    return f"{why.rpartition(' reopened: ')[2]} ({row['author']})".strip()


def _company_first(table: pd.DataFrame) -> pd.DataFrame:
    """The latest revisions first, in them the company by measure, then what moved most."""
    is_family = table["family"] != schema.COMPANY_LABEL
    order = table.assign(
        is_old=~table["is_latest"].astype(bool),
        is_family=is_family,
        place=table["measure"].map({name: k for k, name in enumerate(MEASURES)}),
        size=-table["change"].abs(),
    )
    by = ["is_old", "is_family", "place", "size", "family", "revision"]
    return order.sort_values(by, kind="stable", ignore_index=True)


def _monthly(table: pd.DataFrame, column: str, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Amount and value of each family and of all by month; value only where a plan has channels."""
    items, keys = tables["items"], [n for n in schema.SERIES if n in table]
    rows = table[[*keys, "month", column]].rename(columns={column: "amount"})
    rows = rows.assign(value=np.nan)
    if keys == schema.SERIES:
        rates = tables["money_rates"]
        priced = rows.merge(rates, on=schema.SERIES, how="left", validate="many_to_one")
        rows = rows.assign(value=(priced["amount"] * priced["unit_price_value"]).to_numpy())
    worth = rows["value"]
    rows = hierarchy.in_planning_units(rows.drop(columns="value"), items).assign(value=worth)
    rows = hierarchy.with_levels(rows, items)
    both = pd.concat([rows.assign(family=schema.COMPANY_LABEL), rows])
    return both.groupby(["family", "month"], sort=False)[["amount", "value"]].sum()


def _beside(before: pd.DataFrame, now: pd.DataFrame, how: str) -> pd.DataFrame:
    """Two plans by family, and the difference; what one of them lacks is none of it."""
    cells = now.index.union(before.index, sort=False)
    was, is_ = (plan.reindex(cells, fill_value=0.0) for plan in (before, now))
    moved = is_ - was
    cell = moved["amount"].abs().groupby("family", sort=False).idxmax()
    worst = moved.loc[list(cell), "amount"].set_axis(cell.index)
    amounts = moved["amount"]
    sizes, sums = (a.groupby("family", sort=False).sum() for a in (amounts.abs(), amounts))
    shifted = (sizes - sums.abs()) / 2.0

    def total(amounts: pd.Series) -> pd.Series:
        return amounts.groupby("family", sort=False).agg(how)

    return (
        pd.DataFrame(
            {
                "before": total(was["amount"]),
                "now": total(is_["amount"]),
                "change": total(moved["amount"]),
                "moved": shifted if how == "sum" else np.nan,
                "worst_month": pd.Series({family: month for family, month in cell}),
                "worst_change": worst,
                "change_value": moved["value"].groupby("family", sort=False).sum(),
            }
        )
        .rename_axis("family")
        .reset_index()
    )
