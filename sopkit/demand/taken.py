"""What each number that a department gave did to the plan.

The plan takes a view by the weight that the department's past has earned; here that effect is told
by the rows in which people gave their numbers. All effects sum to the plan's ``departments``.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import hierarchy
from sopkit.demand.submissions import in_force

COLUMNS = (
    "department author subject first_month last_month asked weight_share beneath change "
    "change_value finding"
).split()
_NUMBERS = ["weight_share", "beneath", "change", "change_value"]
_WHOSE = ["department", *schema.LEVELS]


def numbers_taken(
    submissions: pd.DataFrame,
    views: pd.DataFrame,
    skill: pd.DataFrame,
    base: pd.DataFrame,
    *,
    cycle: pd.Timestamp,
    currency: str = "",
) -> pd.DataFrame:
    """Table ``numbers_taken``: a row a department and level it gave numbers for.

    Parameters
    ----------
    submissions : DataFrame
        Table `submissions`, numbers in the common unit; rows of this cycle are told.
    views, skill : DataFrame
        Tables `views` and `view_skill`.
    base : DataFrame
        The plan beneath: series, ``month``, all levels, ``quantity`` (statistical and events, item
        units), ``factor`` to the common unit, ``unit_price_value``.
    cycle : Timestamp
        Month in which the plan is made.
    currency : str
        Written behind money that was asked for.

    Returns
    -------
    DataFrame
        ``asked`` in words; ``beneath`` and ``change`` in the common unit; ``change_value`` missing
        where a price is; the largest effect first.

    Notes
    -----
    effect = weight · (view − beneath), by series and month. Where several rows of one department
    cover the same series and month, it is that of the narrowest; equal ones share it evenly.

    Examples
    --------
    >>> key = {"item": ["A"], "location": ["all"], "channel": ["all"]}
    >>> month, levels = pd.Timestamp("2026-02-01"), dict.fromkeys(schema.LEVELS, "all")
    >>> said = {**levels, "family": "Tents", "department": "sales", "author": "M. Keller"}
    >>> said |= {"cycle": pd.Timestamp("2026-01-01"), "month": month, "quarter": pd.NaT}
    >>> said |= {"quantity": 60.0, "revenue_value": None, "is_withdrawn": None}
    >>> said = pd.DataFrame([said])
    >>> base = pd.DataFrame({**levels, **key, "family": "Tents", "month": month, "factor": 1.0,
    ...     "quantity": [40.0], "unit_price_value": 5.0})
    >>> views = pd.DataFrame({"department": ["sales"], **key, "month": month, "quantity": [60.0]})
    >>> skill = pd.DataFrame({"department": ["sales"], "weight_share": [0.25]})
    >>> made = numbers_taken(said, views, skill, base, cycle=pd.Timestamp("2026-01-01"))
    >>> made[["subject", "asked", "beneath", "change", "change_value"]].values.tolist()
    [['family Tents', '60', 40.0, 5.0, 25.0]]
    """
    said = in_force(submissions[submissions["cycle"] == cycle]).reset_index(drop=True)
    said = said.assign(number=said.groupby(_WHOSE, sort=False).ngroup())
    if said.empty:
        numbers = dict.fromkeys(_NUMBERS, "float64")
        ends = dict.fromkeys(["first_month", "last_month"], months.DTYPE)
        return pd.DataFrame(columns=COLUMNS).astype(numbers | ends)
    weight = skill.set_index("department")["weight_share"]
    effects = _effects(_by_month(said), views, weight, base).groupby("number")
    sums = (
        effects[["beneath", "change"]]
        .sum()
        .assign(
            change_value=effects["change_value"].sum(min_count=1).where(effects["is_priced"].all())
        )
    )
    table = _numbers(said, currency)
    table = table.assign(weight_share=table["department"].map(weight).fillna(0.0))
    table = table.join(sums, on="number", how="left", validate="one_to_one")
    is_lost = ~table["number"].isin(sums.index)
    filled = {name: table[name].mask(is_lost, 0.0) for name in sums}
    counts = np.where(table["weight_share"] > 0, "", "counts nothing yet")
    lost = "covers nothing in the plan: correct its names or its months"
    table = table.assign(**filled, finding=np.where(is_lost, lost, counts))
    size = table[["change_value", "change", "beneath"]].abs()
    order = size.sort_values(list(size), ascending=False, kind="stable", na_position="first")
    return table.loc[order.index, COLUMNS].reset_index(drop=True)


def _by_month(said: pd.DataFrame) -> pd.DataFrame:
    """Level columns, department and number of each month that a row speaks of, quarters too."""
    quarters = [said.assign(month=months.shift(said["quarter"], k)) for k in range(3)]
    every = pd.concat([said, *quarters], ignore_index=True)
    fineness = every[schema.LEVELS].ne(schema.ALL).sum(axis=1) + every["quarter"].isna()
    every = every.assign(fineness=fineness)
    return every[every["month"].notna()].drop_duplicates([*_WHOSE, "month"])


def _effects(
    said: pd.DataFrame, views: pd.DataFrame, weight: pd.Series, base: pd.DataFrame
) -> pd.DataFrame:
    """What each number does to each series and month that it covers."""
    parts = [said.iloc[:0].assign(covered=0)]
    base = base.assign(covered=np.arange(len(base)))
    for keys, rows in hierarchy.by_pattern(said, base):
        on = [*keys, "month"]
        # inner: base rows that no number covers have no effect
        named = rows[["department", "number", "fineness", *on]]
        parts.append(named.merge(base[["covered", *on]], on=on, how="inner", validate="m:m"))
    laid = pd.concat(parts, ignore_index=True)[["department", "number", "fineness", "covered"]]
    columns = [*schema.SERIES_MONTH, "covered", "quantity", "factor", "unit_price_value"]
    beneath = base[columns].rename(columns={"quantity": "known"})
    # inner: a series that a view could not reach (no price, no factor) has no effect
    laid = laid.merge(beneath, on="covered", how="inner", validate="m:1")
    views = views.astype({"month": months.DTYPE})  # an empty one has no type
    laid = laid.merge(views, on=["department", *schema.SERIES_MONTH], how="inner", validate="m:1")
    by = [laid["department"], laid["covered"]]
    laid = laid[laid["fineness"] == laid["fineness"].groupby(by).transform("max")]
    alike = laid.groupby(["department", "covered"])["number"].transform("size")
    share = laid["department"].map(weight).fillna(0.0) / alike
    moved = share * (laid["quantity"] - laid["known"])
    return laid.assign(
        beneath=laid["known"] * laid["factor"],
        change=moved * laid["factor"],
        change_value=moved * laid["unit_price_value"],
        is_priced=laid["unit_price_value"].notna(),
    )


def _numbers(said: pd.DataFrame, currency: str) -> pd.DataFrame:
    """A row a number: whose, of what, over which months, and what was asked, in words."""
    ends = said["month"].fillna(months.shift(said["quarter"], 2))
    said = said.assign(first=said["month"].fillna(said["quarter"]), last=ends)
    grouped = said.groupby("number")
    table = grouped[["department", *schema.LEVELS]].first()
    members = table[schema.LEVELS].itertuples(index=False)
    named = [
        [
            f"{level} {name}"
            for level, name in zip(schema.LEVELS, row, strict=True)
            if name != schema.ALL
        ]
        for row in members
    ]
    authors = said[["number", "author"]].dropna().drop_duplicates().groupby("number")["author"]
    sums = grouped[["quantity", "revenue_value"]].sum(min_count=1)
    asked = [
        " and ".join(
            f"{amount:,.0f}{unit}"
            for amount, unit in ((units, ""), (money, f" {currency}".rstrip()))
            if pd.notna(amount)
        )
        for units, money in sums.itertuples(index=False)
    ]
    return table.assign(
        author=authors.agg(", ".join).reindex(table.index).fillna(""),
        subject=[", ".join(words) or "the whole company" for words in named],
        first_month=grouped["first"].min(),
        last_month=grouped["last"].max(),
        asked=asked,
    ).reset_index()
