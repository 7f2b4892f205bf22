"""The leaves of the gap tree: who answers for each part of a gap, and when it must be decided."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months
from sopkit.reconciliation.gap_tree import BUDGET, KEY, LAST_YEAR, PARTS

OWNERS = {  # who answers for a part, where no event of the family names somebody
    "price": "sales and finance",
    "volume": "sales and marketing",
    "mix": "product management",
    "cost": "purchasing",
    "constraint": "operations",
    "undivided": "finance",
}


def leaves(
    tree: pd.DataFrame,
    by_month: pd.DataFrame,
    leads: pd.DataFrame,
    events: pd.DataFrame,
    *,
    cycle: pd.Timestamp,
) -> pd.DataFrame:
    """Table ``gap_leaves``: each part of each family's gap, with its owner and when to decide.

    Parameters
    ----------
    tree : DataFrame
        Table `gap_tree`.
    by_month : DataFrame
        Table `gaps` with ``period``: when each family's gap begins.
    leads : DataFrame
        Key ``family, part``: ``lead_months``, whole months before a decision reaches customers.
    events : DataFrame
        Table `events`: owners of a family's prices and volumes.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    DataFrame
        ``against, measure, period, family, part, amount_value, owner, first_month`` (in which the
        gap begins), ``decide_by`` (the last month in which a decision reaches it; the cycle where
        that has passed, ``is_late``), the largest first.
    """
    long = tree[tree["level"] == "family"].melt(
        [*KEY, "member"], PARTS, var_name="part", value_name="amount_value"
    )
    long = long[long["amount_value"].abs() > 0.5].rename(columns={"member": "family"})
    first = [_first_month(row, by_month, cycle) for row in long.itertuples()]
    long = long.merge(leads, on=["family", "part"], how="left", validate="many_to_one")
    lead = long["lead_months"].fillna(1.0)
    number = months.number(pd.Series(first, index=long.index, dtype=months.DTYPE))
    decide_by = number - lead
    now = int(months.number(cycle))
    long = long.assign(
        owner=[_owner(row.family, row.part, events, cycle) for row in long.itertuples()],
        first_month=months.from_number(number),
        decide_by=months.from_number(decide_by.clip(lower=now)),
        is_late=decide_by < now,
    )
    order = long["amount_value"].abs().sort_values(ascending=False, kind="stable").index
    return long.drop(columns="lead_months").loc[order].reset_index(drop=True)


def _first_month(leaf, by_month: pd.DataFrame, cycle: pd.Timestamp) -> pd.Timestamp:
    """When a leaf's gap begins: the first month of its period whose gap has the leaf's sign."""
    own = by_month[(by_month["family"] == leaf.family) & (by_month["period"] == leaf.period)]
    own = own.sort_values("month")
    columns = {BUDGET: "budget_variance_value", LAST_YEAR: "last_year_variance_value"}
    column = "gap_value" if leaf.part == "constraint" else columns.get(leaf.against, "gap_value")
    alike = own[np.sign(own[column].where(own[column].abs() > 0.5)) == np.sign(leaf.amount_value)]
    found = alike if len(alike) else own
    return found["month"].iloc[0] if len(found) else cycle


def _owner(family: str, part: str, events: pd.DataFrame, cycle: pd.Timestamp) -> str:
    """Who answers: the owner of the family's largest event of the kind to come, else a function."""
    own = events[(events["family"] == family) & events["owner"].notna()]
    own = own[own["last_month"].isna() | (own["last_month"] >= cycle)]
    is_price = own["kind"] == "price"
    own = own[is_price] if part == "price" else own[~is_price]
    if part not in ("price", "volume") or own.empty:
        return OWNERS[part]
    largest = own.loc[(own["expected_rate"].abs() * own["probability_rate"].fillna(1.0)).idxmax()]
    return f"{largest['owner']} ({OWNERS[part]})"


def lead_months(plan: pd.DataFrame, terms: pd.DataFrame, frozen: dict[str, int]) -> pd.DataFrame:
    """Months from a decision to its effect, by family and part of its gap.

    Parameters
    ----------
    plan : DataFrame
        Series with their levels: ``revenue_value, constrained_revenue_value``.
    terms : DataFrame
        Key ``item``: ``lead_months``.
    frozen : dict
        Frozen months by family and ``default``.

    Returns
    -------
    DataFrame
        Key ``family, part``: ``lead_months``. A price acts after the frozen months, at least one;
        anything else takes the mean lead time of the family's items, by revenue, of a constraint
        by what each lacks; never less than the frozen months.
    """
    rows = plan.merge(terms[["item", "lead_months"]], on="item", how="left", validate="m:1")
    lacks = (rows["revenue_value"] - rows["constrained_revenue_value"]).clip(lower=0.0)
    means = {}
    for name, weight in (("sold", rows["revenue_value"].clip(lower=0.0)), ("short", lacks)):
        weight = weight.fillna(0.0)
        lead = rows["lead_months"].fillna(0.0) * weight
        sums = pd.DataFrame({"lead": lead, "weight": weight}).groupby(rows["family"]).sum()
        means[name] = sums["lead"] / sums["weight"].where(sums["weight"] > 0)
    held = months.frozen_months(frozen, pd.Series(means["sold"].index))
    held = pd.Series(held.to_numpy(), means["sold"].index)
    sold = np.ceil(means["sold"].fillna(0.0) - 1e-9)
    short = np.ceil(means["short"].fillna(sold) - 1e-9)
    wait = {part: np.maximum(sold, held) for part in PARTS}
    wait |= {"constraint": np.maximum(short, held), "price": np.maximum(held, 1)}
    table = pd.DataFrame(wait).rename_axis("family").reset_index()
    return table.melt("family", var_name="part", value_name="lead_months")
