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
    "change_value finding entered_at"
).split()
_NUMBERS = ["weight_share", "beneath", "change", "change_value"]
_WHOSE = ["department", *schema.LEVELS, "alone"]


def numbers_taken(
    submissions: pd.DataFrame,
    views: pd.DataFrame,
    skill: pd.DataFrame,
    base: pd.DataFrame,
    *,
    cycle: pd.Timestamp,
    currency: str = "",
) -> pd.DataFrame:
    """Table ``numbers_taken``: a row a number entered with its time, the others by level.

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
        where a price is; ``entered_at`` as text, missing where numbers are pooled; the largest
        effect first.

    Notes
    -----
    A number with ``entered_at`` is told by itself (a quarter is one), also where it was withdrawn;
    those without are pooled by department and level over all their months.

    effect = weight · (view − beneath), by series and month. Where several rows of one department
    cover the same series and month, it is that of the one with the fewest series; of equal ones a
    month before its quarter, else they share it evenly.

    Examples
    --------
    >>> key = {"item": ["A"], "location": ["all"], "channel": ["all"]}
    >>> month, levels = pd.Timestamp("2026-02-01"), dict.fromkeys(schema.LEVELS, "all")
    >>> said = {**levels, "family": "Tents", "department": "sales", "author": "M. Keller"}
    >>> said |= {"cycle": pd.Timestamp("2026-01-01"), "month": month, "quarter": pd.NaT}
    >>> said |= {"quantity": 60.0, "revenue_value": None, "is_withdrawn": None}
    >>> said |= {"entered_at": pd.NaT}
    >>> said = pd.DataFrame([said])
    >>> base = pd.DataFrame({**levels, **key, "family": "Tents", "month": month, "factor": 1.0,
    ...     "quantity": [40.0], "unit_price_value": 5.0})
    >>> views = pd.DataFrame({"department": ["sales"], **key, "month": month, "quantity": [60.0]})
    >>> skill = pd.DataFrame({"department": ["sales"], "weight_share": [0.25]})
    >>> made = numbers_taken(said, views, skill, base, cycle=pd.Timestamp("2026-01-01"))
    >>> made[["subject", "asked", "beneath", "change", "change_value"]].values.tolist()
    [['family Tents', '60', 40.0, 5.0, 25.0]]
    """
    said = _told(submissions[submissions["cycle"] == cycle])
    if said.empty:
        numbers = dict.fromkeys(_NUMBERS, "float64")
        ends = dict.fromkeys(["first_month", "last_month"], months.DTYPE)
        return pd.DataFrame(columns=COLUMNS).astype(numbers | ends | {"entered_at": "str"})
    weight = skill.set_index("department")["weight_share"]
    effects = _effects(_by_month(said[~said["is_out"]]), views, weight, base).groupby("number")
    sums = effects[["beneath", "change", "change_value"]].sum()
    sums = sums.assign(change_value=sums["change_value"].where(effects["is_priced"].all()))
    table = _numbers(said, currency)
    table = table.assign(weight_share=table["department"].map(weight).fillna(0.0))
    table = table.join(sums, on="number", how="left", validate="one_to_one")
    is_lost = ~table["number"].isin(sums.index)
    filled = {name: table[name].mask(is_lost, 0.0) for name in sums}
    tells = effects["is_narrowest"].any()
    is_held = table["number"].isin(tells.index[tells.eq(False)])
    findings = {
        "withdrawn": table["is_out"],
        "covers nothing in the plan: correct its names or its months": is_lost,
        "counts nothing yet": table["weight_share"] <= 0,
        "narrower numbers say all of it": is_held,
    }
    finding = np.select(list(findings.values()), list(findings), "")
    table = table.assign(**filled, finding=finding)
    size = table[["change_value", "change", "beneath"]].abs()
    order = size.sort_values(list(size), ascending=False, kind="stable", na_position="first")
    return table.loc[order.index, COLUMNS].reset_index(drop=True)


def _told(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows in force, and those withdrawn of which the time is known, each with its ``number``."""
    is_out = rows["is_withdrawn"].fillna(False).astype(bool) & rows["entered_at"].notna()
    said = pd.concat([in_force(rows).assign(is_out=False), rows[is_out].assign(is_out=True)])
    said = said.reset_index(drop=True)
    alone = said.index.to_series().where(said["entered_at"].notna(), -1)
    return said.assign(number=said.assign(alone=alone).groupby(_WHOSE, sort=False).ngroup())


def _by_month(said: pd.DataFrame) -> pd.DataFrame:
    """Level columns, department and number of each month that a row speaks of, quarters too."""
    quarters = [said.assign(month=months.shift(said["quarter"], k)) for k in range(3)]
    every = pd.concat([said, *quarters], ignore_index=True)
    every = every[every["month"].notna()]
    return every.assign(row=np.arange(len(every)), is_quarter=every["quarter"].notna())


def _effects(
    said: pd.DataFrame, views: pd.DataFrame, weight: pd.Series, base: pd.DataFrame
) -> pd.DataFrame:
    """What each number does to each series and month that it covers."""
    parts = [said.iloc[:0].assign(covered=0)]
    base = base.assign(covered=np.arange(len(base)))
    for keys, rows in hierarchy.by_pattern(said, base):
        on = [*keys, "month"]
        # inner: base rows that no number covers have no effect
        named = rows[["department", "number", "row", "is_quarter", *on]]
        parts.append(named.merge(base[["covered", *on]], on=on, how="inner", validate="m:m"))
    told = ["department", "number", "row", "is_quarter", "covered"]
    laid = pd.concat(parts, ignore_index=True)[told]
    reach = laid.groupby("row")["covered"].transform("size")  # series a month
    laid = laid.assign(reach=reach + laid["is_quarter"] * 0.5)  # of equal ones the month
    columns = [*schema.SERIES_MONTH, "covered", "quantity", "factor", "unit_price_value"]
    beneath = base[columns].rename(columns={"quantity": "known"})
    # inner: a series that a view could not reach (no price, no factor) has no effect
    laid = laid.merge(beneath, on="covered", how="inner", validate="m:1")
    views = views.astype({"month": months.DTYPE})  # an empty one has no type
    laid = laid.merge(views, on=["department", *schema.SERIES_MONTH], how="inner", validate="m:1")
    by = [laid["department"], laid["covered"]]
    is_narrowest = laid["reach"] == laid["reach"].groupby(by).transform("min")
    alike = is_narrowest.groupby(by).transform("sum")
    share = laid["department"].map(weight).fillna(0.0) / alike * is_narrowest
    moved = share * (laid["quantity"] - laid["known"])
    return laid.assign(
        is_narrowest=is_narrowest,
        beneath=laid["known"] * laid["factor"] * is_narrowest,
        change=moved * laid["factor"],
        change_value=moved * laid["unit_price_value"],
        is_priced=laid["unit_price_value"].notna() | ~is_narrowest,
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
    is_quarter = said["month"].isna() & said["entered_at"].notna()
    behind = is_quarter.groupby(said["number"]).any().map({True: " for the quarter", False: ""})
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
    asked = pd.Series(asked, index=table.index) + behind
    is_out = grouped["is_out"].any()
    return table.assign(
        author=authors.agg(", ".join).reindex(table.index).fillna(""),
        subject=[", ".join(words) or "the whole company" for words in named],
        first_month=grouped["first"].min(),
        last_month=grouped["last"].max(),
        asked=asked.mask(is_out, "withdrawn"),
        is_out=is_out,
        entered_at=grouped["entered_at"].first().dt.strftime("%Y-%m-%d %H:%M:%S"),
    ).reset_index()
