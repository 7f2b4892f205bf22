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
        Table `gaps` with ``period``: in which months each family's gap lies.
    leads : DataFrame
        Key ``family, part``: ``lead_months``, whole months before a decision reaches customers.
    events : DataFrame
        Table `events`: owners of a family's prices and volumes.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    DataFrame
        ``against, measure, period, family, part, amount_value, owner, lead_months``, ``decide_by``:
        the last month in which a decision still reaches half of the gap or more, the cycle where
        that has passed; ``reachable_share``: how much of the gap one in the cycle's month reaches.
        The largest first.
    """
    long = tree[tree["level"] == "family"].melt(
        [*KEY, "member"], PARTS, var_name="part", value_name="amount_value"
    )
    long = long[long["amount_value"].abs() > 0.5].rename(columns={"member": "family"})
    long = long.merge(leads, on=["family", "part"], how="left", validate="many_to_one")
    long = long.fillna({"lead_months": 0})
    by_month = by_month.sort_values("month")
    months_of = dict(list(by_month.groupby(["family", "period"])))
    known, now = (months_of, by_month.iloc[:0]), int(months.number(cycle))
    found = [_when(leaf, *known, now) for leaf in long.itertuples()]
    when = pd.DataFrame(found, columns=["number", "reachable_share"], index=long.index)
    pairs = list(zip(long["family"], long["part"], strict=True))
    owners = {pair: _owner(*pair, events, cycle) for pair in set(pairs)}
    long = long.assign(
        owner=[owners[pair] for pair in pairs],
        decide_by=months.from_number(when["number"].astype("int64")),
        reachable_share=when["reachable_share"].astype("float64"),
    )
    order = long["amount_value"].abs().sort_values(ascending=False, kind="stable").index
    return long.loc[order].reset_index(drop=True)


def lacking(table: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Leaves below their comparator in one measure: the budget, last year where there is none."""
    own = table[table["measure"] == measure]
    against = BUDGET if (own["against"] == BUDGET).any() else LAST_YEAR
    return own[(own["against"] == against) & (own["amount_value"] < 0)]


def _when(
    leaf, months_of: dict[tuple, pd.DataFrame], none: pd.DataFrame, now: int
) -> tuple[int, float]:
    """Number of the last month to decide, and the share that a decision now would reach."""
    own = months_of.get((leaf.family, leaf.period), none)
    columns = {BUDGET: "budget_variance_value", LAST_YEAR: "last_year_variance_value"}
    column = "gap_value" if leaf.part == "constraint" else columns.get(leaf.against, "gap_value")
    amounts = (own[column] * np.sign(leaf.amount_value)).clip(lower=0.0).fillna(0.0).to_numpy()
    if not len(own):  # what the budget says of the company beyond its families
        return now, np.nan
    amounts = amounts if amounts.sum() > 0 else np.ones(len(own))  # by quarter: no months are known
    still = amounts[::-1].cumsum()[::-1] / amounts.sum()  # share from each month on
    number = months.number(own["month"]).to_numpy()
    last = number[still >= 0.5].max() - int(leaf.lead_months)
    ahead = still[number >= now + leaf.lead_months]
    return max(last, now), float(ahead.max(initial=0.0))


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


def lead_months(plan: pd.DataFrame, lead: pd.Series, frozen: dict[str, int]) -> pd.DataFrame:
    """Months from a decision to its effect, by family and part of its gap.

    Parameters
    ----------
    plan : DataFrame
        Series with their levels: ``revenue_value, constrained_revenue_value``.
    lead : Series
        Lead time of each row's item in months; missing counts as none.
    frozen : dict
        Frozen months by family and ``default``.

    Returns
    -------
    DataFrame
        Key ``family, part``: ``lead_months``. A price acts after the frozen months, at least one;
        anything else takes the mean lead time of the family's items, by revenue, of a constraint
        by what each lacks; never less than the frozen months.
    """
    lacks = plan["revenue_value"] - plan["constrained_revenue_value"]
    means = {}
    for name, weight in (("sold", plan["revenue_value"]), ("short", lacks)):
        weight = weight.clip(lower=0.0).fillna(0.0)
        parts = pd.DataFrame({"lead": lead.fillna(0.0) * weight, "weight": weight})
        sums = parts.groupby(plan["family"]).sum()
        means[name] = sums["lead"] / sums["weight"].where(sums["weight"] > 0)
    held = months.frozen_months(frozen, pd.Series(means["sold"].index))
    held = pd.Series(held.to_numpy(), means["sold"].index)
    sold = np.ceil(means["sold"].fillna(0.0) - 1e-9)
    short = np.ceil(means["short"].fillna(sold) - 1e-9)
    wait = {part: np.maximum(sold, held) for part in PARTS}
    wait |= {"constraint": np.maximum(short, held), "price": np.maximum(held, 1)}
    table = pd.DataFrame(wait).rename_axis("family").reset_index()
    return table.melt("family", var_name="part", value_name="lead_months")
