"""Numbers said at several levels, laid on the plan's keys: a wider one is a total of those inside.

What a number covers are the rows of the plan that its levels and its month or quarter name. Of two
numbers that share rows one must cover all that the other covers; it is then a total, and the other
is held within it. Amounts are in whatever ``measure`` says: the common unit, or money.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from sopkit import months, schema

NOTHING, CROSSES, UNMET = "nothing", "crosses", "unmet"  # states of a number not as given
_FINENESS = {"item": 3, "family": 2, "category": 1, "location": 2, "region": 1}
_FINENESS |= {"channel": 2, "segment": 1}
_SIDES = (("item", "family", "category"), ("location", "region"), ("channel", "segment"))
_ROUNDING = 1e-3  # share of a total by which its details may differ from it without a word


def lay(said: pd.DataFrame, base: pd.DataFrame) -> tuple[pd.Series, pd.DataFrame]:
    """Lay numbers on the plan's keys: details as given, what a total leaves over on its free keys.

    Parameters
    ----------
    said : DataFrame
        Level columns (``all`` = every member), ``month`` or else ``quarter`` (its three months),
        ``amount`` and ``measure``, a column of the base; in the order of entry.
    base : DataFrame
        The plan's keys with all levels (``hierarchy.with_levels``), ``month``, ``quantity`` (the
        statistical forecast) and the measures: what one unit counts; nothing where not above zero.

    Returns
    -------
    quantity : Series
        By the base's index, in own units; missing where no number says anything.
    placed : DataFrame
        By the index of ``said``: ``within``, the position in ``said`` of the narrowest number that
        holds it (-1: none does); ``state``, empty where it counts as given, else ``nothing`` (it
        covers no row of the base), ``crosses`` (the earlier number at position ``other`` covers
        just its rows, or some of them and rows beside: it is left out), or ``unmet`` (its details
        come to ``held``, more than it says, or less with no key free: they win).

    Notes
    -----
    Numbers with the same levels, month and measure add up. What a total leaves over goes to the
    keys that no detail covers, in proportion to the statistical forecast in the total's measure,
    evenly where that is zero; so a quarter is spread over its months like the forecast.

    Examples
    --------
    >>> base = pd.DataFrame({"item": ["A", "B", "C"], "family": "Tents", "quantity": [30, 10, 60]})
    >>> base = base.assign(month=pd.Timestamp("2026-01-01"), factor=1.0)
    >>> said = pd.DataFrame({"item": ["all", "A"], "family": ["Tents", "all"], "amount": [90, 20]})
    >>> said = said.assign(month=pd.Timestamp("2026-01-01"), quarter=pd.NaT, measure="factor")
    >>> quantity, placed = lay(said, base)
    >>> quantity.tolist(), placed["within"].tolist()
    ([20.0, 10.0, 60.0], [-1, 0])
    """
    rows, group = _numbers(said)
    owners, count = _owners(rows, base), len(rows)
    worth = {name: base[name].fillna(0.0).to_numpy() for name in rows["measure"].unique()}
    counted = sum((_sums(owner, count, worth[name] > 0) for name, owner in owners), np.zeros(count))
    pairs = _pairs(owners, rows["fineness"].to_numpy(), counted > 0)
    other = _crossed(pairs[~pairs["is_inside"]], count)
    counts = (counted > 0) & (other < 0)
    inside = pairs[pairs["is_inside"] & counts[pairs["detail"]] & counts[pairs["total"]]]
    layer = np.where(counts, 0, -1)  # details come first, a total after all that it holds
    for _ in owners:
        np.maximum.at(layer, inside["total"], layer[inside["detail"]] + 1)
    quantity, held, is_unmet = _fill(rows["amount"].to_numpy(), layer, owners, worth, base)
    within = np.full(count, -1)
    narrowest = inside.drop_duplicates("detail")  # pairs stand with the narrower totals first
    within[narrowest["detail"]] = narrowest["total"]
    state = np.select([counted == 0, other >= 0, is_unmet], [NOTHING, CROSSES, UNMET], "")
    first = np.append(np.unique(group, return_index=True)[1], -1)  # -1 stays -1
    placed = {"within": first[within], "state": state, "other": first[other], "held": held}
    placed = {name: values[group] for name, values in placed.items()}
    return pd.Series(quantity, base.index), pd.DataFrame(placed, index=said.index)


def _fill(amount, layer, owners, worth, base) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Quantities layer by layer; what each row's details come to, and whether they win over it."""
    count, forecast = len(amount), base["quantity"].to_numpy()
    quantity, held = np.full(len(base), np.nan), np.zeros(count)
    is_unmet = np.zeros(count, dtype=bool)
    for step in range(layer.max(initial=-1) + 1):
        row, value = np.full(len(base), -1), np.zeros(len(base))
        for measure, owner in owners:
            now = (owner >= 0) & (layer[owner] == step)
            row, value = np.where(now, owner, row), np.where(now, worth[measure], value)
        held += _sums(row, count, np.nan_to_num(quantity) * value)
        rest = amount - held
        is_free = (row >= 0) & np.isnan(quantity) & (value > 0)
        of, value = row[is_free], value[is_free]
        weight = forecast[is_free] * value
        size, total = np.bincount(of, minlength=count), np.bincount(of, weight, count)
        is_off = np.abs(rest) > _ROUNDING * np.maximum(amount, held)
        is_unmet |= (layer == step) & is_off & ((rest < 0) | (size == 0))
        share = np.divide(weight, total[of], out=1.0 / size[of], where=total[of] > 0)
        quantity[is_free] = rest.clip(min=0.0)[of] * share / value
    return quantity, held, is_unmet


def _numbers(said: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """What is said of one key, time and measure as one row, and the row of each given one."""
    levels = [name for name in schema.LEVELS if name in said]
    is_month = said["month"].notna()
    start = months.number(said["month"].where(is_month, said["quarter"]))
    rows = said[[*levels, "measure"]].assign(start=start, phase=np.where(is_month, -1, start % 3))
    group = rows.groupby(list(rows), sort=False).ngroup().to_numpy()
    rows = rows.drop_duplicates(ignore_index=True)
    fineness = (rows["phase"] < 0).astype(int)
    for side in _SIDES:
        known = [name for name in side if name in levels]
        named = rows[known].ne(schema.ALL) * [_FINENESS[name] for name in known]
        fineness += named.max(axis=1) if known else 0
    amount = np.bincount(group, said["amount"], len(rows))
    return rows.assign(amount=amount, fineness=fineness), group


def _owners(rows: pd.DataFrame, base: pd.DataFrame) -> list[tuple[str, np.ndarray]]:
    """Measure, and the row that each row of the base belongs to (-1: none), by levels named."""
    levels = [name for name in schema.LEVELS if name in rows and name in base]
    named = [rows[name].ne(schema.ALL).rename(f"has_{name}") for name in levels]
    month, owners = months.number(base["month"]).to_numpy(), []
    for (measure, phase, *pattern), part in rows.groupby(["measure", "phase", *named], sort=False):
        keys = [name for name, is_named in zip(levels, pattern, strict=True) if is_named]
        start = month if phase < 0 else month - (month - phase) % 3
        wanted = part[[*keys, "start"]].assign(row=part.index)
        # left: what no row covers stays without one
        found = (
            base[keys]
            .assign(start=start)
            .merge(wanted, on=[*keys, "start"], how="left", validate="m:1")
        )
        owners.append((measure, found["row"].fillna(-1).to_numpy(dtype=int)))
    return owners


def _sums(owner: np.ndarray, count: int, amounts: np.ndarray) -> np.ndarray:
    """By row, the sum over what it owns."""
    owned = owner >= 0
    return np.bincount(owner[owned], amounts[owned], count)


def _pairs(owners: list, fineness: np.ndarray, counts: np.ndarray) -> pd.DataFrame:
    """Rows that share something, narrower totals first: ``detail``, ``total``, ``is_inside``."""
    count, parts = len(counts), [pd.DataFrame({"detail": [], "total": [], "shared": []}, dtype=int)]
    size = sum((_sums(owner, count, owner >= 0) for _, owner in owners), np.zeros(count))
    for (_, one), (_, other) in combinations(owners, 2):
        both = (one >= 0) & (other >= 0) & counts[one] & counts[other]
        pair = pd.DataFrame({"detail": one[both], "total": other[both]})
        parts.append(pair.value_counts().rename("shared").reset_index())
    pairs = pd.concat(parts, ignore_index=True)
    ends = pairs[["detail", "total"]].to_numpy()
    order = np.lexsort((ends, -fineness[ends], size[ends]), axis=1)
    detail, total = np.take_along_axis(ends, order, axis=1).T
    is_same = (size[detail] == size[total]) & (fineness[detail] == fineness[total])
    is_inside = (pairs["shared"] == size[detail]) & ~is_same
    pairs = pairs.assign(detail=detail, total=total, is_inside=is_inside)
    return pairs.iloc[np.lexsort((total, -fineness[total], size[total]))]


def _crossed(crossing: pd.DataFrame, count: int) -> np.ndarray:
    """For each row that is left out the earlier one that it crosses, else -1."""
    ends = np.sort(crossing[["detail", "total"]].to_numpy(), axis=1)
    other = np.full(count, -1)
    for earlier, later in ends[np.lexsort((ends[:, 0], ends[:, 1]))]:
        if other[earlier] < 0 and other[later] < 0:
            other[later] = earlier
    return other
