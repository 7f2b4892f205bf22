"""How new items grew into their level: learned from past launches, by family and age in months.

A launch's share of its mature level is read from what it sold beside the rest of its family, so
that season and growth fall out. Few launches are drawn to the company's, these to selling in full.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import schema

AGES = 12  # months of a ramp
_MATURE = (12, 24)  # ages whose mean is the mature level
_YOUNG = 6  # of a launch that is younger: its latest months, where it has twice as many
_USUAL_LAUNCHES = 1.0  # past launches that count as much as what they are drawn to
_NORMAL_TENTH = 1.2816  # standard deviations between mean and the 10 % quantile
_USUAL_SPREAD = 0.3  # of the logarithm of a share, until launches tell


def learned(history: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """Table ``launch_ramps``.

    Parameters
    ----------
    history : DataFrame
        Table `demand_history`: the baseline counts.
    items : DataFrame
        Raw table: ``launch_month``, ``end_month``, ``family``. Launches are items with a first
        month after the first of history that have been sold for a year.

    Returns
    -------
    DataFrame
        Key ``family, age`` (0 is the month of launch): ``share`` of the mature level, between 0 and
        1 and never falling; ``share_lower`` and ``share_upper`` enclose 80 % of launches;
        ``launches`` it is learned from. Family ``all`` is the company; empty without a launch.
    """
    shares = _shares(history, items)
    if shares.empty:
        return _table([])
    company = _pooled(shares, np.ones(AGES))
    rows = [_rows(schema.ALL, company, shares)]
    for family, own in shares.groupby(schema.lookup(shares.index.to_series(), items, "family")):
        rows.append(_rows(family, _pooled(own, company), own))
    return _table(rows)


def share(families: pd.Series, age: pd.Series, curves: pd.DataFrame | None) -> pd.Series:
    """Share of the mature level by family and age; 1 beyond a year, or where none was learned."""
    if curves is None or curves.empty:
        return pd.Series(1.0, index=age.index)
    known = curves.set_index(["family", "age"])["share"]
    is_told = families.isin(curves["family"])
    family = families.astype("object").where(is_told, schema.ALL)
    found = known.reindex(pd.MultiIndex.from_arrays([family, age])).set_axis(age.index)
    return found.fillna(1.0)


def _shares(history: pd.DataFrame, items: pd.DataFrame) -> pd.DataFrame:
    """Share of the mature level (launches by ages), missing where a launch is younger."""
    wide = history.pivot_table(index="month", columns="item", values="baseline", aggfunc="sum")
    listed = items.drop_duplicates("item").set_index("item").reindex(wide.columns)
    first, last = listed["launch_month"], listed["end_month"].fillna(wide.index[-1])
    is_old = (first.isna() | (first <= wide.index[0])) & listed["end_month"].isna()
    found = {}
    for item in first[first > wide.index[0]].index:
        family = listed["family"] == listed.loc[item, "family"]
        beside = wide.loc[:, is_old & (family if (family & is_old).any() else True)].sum(axis=1)
        own = (wide[item] / beside.where(beside > 0)).loc[first[item] : last[item]]
        count = len(own)
        mature = own.iloc[_MATURE[0] : _MATURE[1]] if count > _MATURE[0] + _YOUNG else own[-_YOUNG:]
        if count >= AGES and mature.mean() > 0:
            found[item] = (own / mature.mean()).to_numpy()[:AGES]
    return pd.DataFrame(found, index=pd.RangeIndex(AGES, name="age")).T


def _pooled(shares: pd.DataFrame, usual: np.ndarray) -> np.ndarray:
    """Mean of the launches at each age, drawn to what is usual; never falling, at most 1."""
    total = shares.fillna(0.0).sum() + _USUAL_LAUNCHES * usual
    mean = (total / (shares.notna().sum() + _USUAL_LAUNCHES)).to_numpy()
    return np.minimum(np.maximum.accumulate(mean), 1.0)


def _rows(family: str, curve: np.ndarray, shares: pd.DataFrame) -> pd.DataFrame:
    """A family's rows of the table, with the spread of its launches around its curve."""
    log = np.log(shares.clip(lower=0.05) / curve)
    squares = (log**2).sum().sum() / AGES + _USUAL_LAUNCHES * _USUAL_SPREAD**2
    reach = np.exp(_NORMAL_TENTH * np.sqrt(squares / (len(shares) + _USUAL_LAUNCHES)))
    return pd.DataFrame(
        {
            "family": family,
            "age": np.arange(AGES),
            "share": curve,
            "share_lower": curve / reach,
            "share_upper": curve * reach,
            "launches": len(shares),
        }
    )


def _table(rows: list[pd.DataFrame]) -> pd.DataFrame:
    kinds = {"family": "str", "age": "int64", "share": "float64"}
    kinds |= {"share_lower": "float64", "share_upper": "float64", "launches": "int64"}
    empty = pd.DataFrame(columns=list(kinds)).astype(kinds)
    return pd.concat([empty, *rows], ignore_index=True).astype(kinds)
