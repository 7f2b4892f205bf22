"""Why two plans' money differs: price, volume, mix and cost, summing exactly.

Of two plans laid side by side each row is taken apart by itself, so parts of any sum of rows sum to
its gap. Volume is what more or fewer units of a group are worth at the group's mean of before; mix
is what the group's composition adds to that. How wide a group is decides how much is mix, so the
group is named (``mix_level``).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

PARTS = ["price", "volume", "mix", "cost"]
_BOTH = ("", "_before")
_LEAST = 1e-6  # units below which there are none
MOST_MIX = 0.05  # share of all parts' sizes from which mix hides what it should tell


def split(rows: pd.DataFrame, group: list[str]) -> pd.DataFrame:
    """Price, volume, mix and cost of each row, in revenue or margin.

    Parameters
    ----------
    rows : DataFrame
        One row a cell: ``quantity``, ``revenue_value``, ``value`` of the plan and, with the ending
        ``_before``, of what it is compared with, none missing; units may be added up within a
        group. ``value`` is what is taken apart: revenue, or the margin of that revenue.
    group : list of str
        Columns whose cells form a group: within it, composition is mix.

    Returns
    -------
    DataFrame
        The columns of ``PARTS``, money, in the order and index of ``rows``; their sum is ``value``
        − ``value_before``. A row that only one plan has (no units before, or none now) is volume
        and mix: it has no price to compare. Rows with negative units (returns) count like these.

    Notes
    -----
    With units q, value a unit u (before: 0) and a group's sums Q, U = value ÷ Q: price =
    q (p − p₀), cost = −q (c − c₀), mix = (q − q₀ Q/Q₀)(u₀ − U₀), volume the rest, which over a
    group is (Q − Q₀) U₀. A row without a value of before takes its own now. Textbook: Horngren,
    Datar and Rajan, Cost Accounting, sales-mix and sales-quantity variances.

    Examples
    --------
    >>> rows = pd.DataFrame({"family": ["T", "T"], "quantity": [12.0, 8.0],
    ...     "revenue_value": [120.0, 176.0], "quantity_before": [10.0, 10.0],
    ...     "revenue_value_before": [100.0, 200.0]})
    >>> rows = rows.assign(value=rows.revenue_value, value_before=rows.revenue_value_before)
    >>> split(rows, ["family"]).sum().to_dict()
    {'price': 16.0, 'volume': 0.0, 'mix': -20.0, 'cost': 0.0}
    """
    names = [f"{name}{end}" for name in ("quantity", "value", "revenue_value") for end in _BOTH]
    now, before, value, old, revenue, sold = rows[names].to_numpy(dtype="float64").T
    has_both = (now > _LEAST) & (before > _LEAST)
    ratio = np.divide(now, before, out=np.zeros_like(now), where=has_both)
    price = np.where(has_both, revenue - sold * ratio, 0.0)
    # what is neither revenue nor value is cost, none where value is revenue
    cost = np.where(has_both, (value - revenue) - (old - sold) * ratio, 0.0)
    each = np.divide(old, before, out=np.full_like(now, np.nan), where=before > _LEAST)
    is_new = np.isnan(each) & (now > _LEAST)
    each = np.where(is_new, value / np.where(is_new, now, 1.0), each)
    keys = [rows[name].to_numpy() for name in group] or [np.zeros(len(rows))]
    sums = rows.assign(_old=old).groupby(keys, dropna=False)
    total, total_before, total_old = (
        sums[name].transform("sum").to_numpy() for name in ("quantity", "quantity_before", "_old")
    )
    is_group = (total > _LEAST) & (total_before > _LEAST)
    scale = np.where(is_group, total / np.where(is_group, total_before, 1.0), 0.0)
    mean = np.where(is_group, total_old / np.where(is_group, total_before, 1.0), np.nan)
    mix = np.nan_to_num((now - before * scale) * (each - mean))
    volume = (value - old) - price - cost - mix
    return pd.DataFrame(dict(zip(PARTS, (price, volume, mix, cost), strict=True)), rows.index)


def mix_level(
    rows: pd.DataFrame, levels: list[list[str]], whole: list[str], told: str
) -> tuple[list[str], pd.DataFrame]:
    """The widest group whose mix stays small, and the rows taken apart by it.

    Parameters
    ----------
    rows : DataFrame
        As for ``split``.
    levels : list of list of str
        Groups to choose from, widest first; the last may be single rows, where there is no mix.
    whole : list of str
        Columns whose cells are told on their own (measure, period): in each of them mix is at most
        ``MOST_MIX`` of the sum of the parts' absolute amounts, as a whole and added up over its
        members, so that it does not hide where one member's makes up for another's.
    told : str
        Column of these members (family).

    Returns
    -------
    (list of str, DataFrame)
        The group, without the columns of ``whole``, and ``split`` by it.
    """
    for group in levels:
        parts = split(rows, [*whole, *group])
        sums = parts.groupby([rows[name] for name in [*whole, told]]).sum()
        by_whole = [sums.groupby(whole).sum().abs(), sums.abs().groupby(whole).sum()]
        if all((each["mix"] <= MOST_MIX * each.sum(axis=1)).all() for each in by_whole):
            break
    return group, parts
