"""Whether the numbers tie: to finance's totals, and to what the last cycle read of the past."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema

_CENT = 0.01  # smaller differences are rounding: many sources keep parts of a cent


def control_totals(controls: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Table ``control_totals``: finance's totals beside ours.

    Parameters
    ----------
    controls : DataFrame
        Table `controls`; ``amount`` in the unit of the measure, money in the company's currency.
    tables : dict of DataFrame
        Raw tables as known in the cycle, money in the company's currency.

    Returns
    -------
    DataFrame
        ``table, measure, month, channel, control, ours, difference`` (ours − finance's),
        ``is_tied``; the largest differences first. Months that the table does not reach are left
        out: there is nothing of ours to compare.
    """
    parts = [pd.DataFrame(columns=["ours"], dtype="float64")]
    for (name, measure), rows in controls.groupby(["table", "measure"]):
        frame = tables[name]
        rows = rows[rows["month"].between(frame["month"].min(), frame["month"].max())]
        whole = frame.groupby("month")[measure].sum()
        ours = rows["month"].map(whole)
        if "channel" in frame.columns:
            own = frame.groupby(["month", "channel"])[measure].sum()
            wanted = pd.MultiIndex.from_frame(rows[["month", "channel"]])
            own = pd.Series(own.reindex(wanted).to_numpy(), index=rows.index)
            ours = ours.where(rows["channel"] == schema.ALL, own)
        parts.append(rows.assign(ours=ours.fillna(0.0)))
    columns = ["table", "measure", "month", "channel", "amount", "ours"]
    table = pd.concat(parts).reindex(columns=columns).rename(columns={"amount": "control"})
    difference = (table["ours"] - table["control"]).astype("float64")
    table = table.assign(difference=difference, is_tied=difference.abs().round(6) < _CENT)
    order = difference.abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order].astype({"month": months.DTYPE}).reset_index(drop=True)


def known_members(items: pd.DataFrame, submissions: pd.DataFrame) -> pd.DataFrame:
    """Table ``known_members``: each item's family, and what each department said in each cycle.

    Parameters
    ----------
    items, submissions : DataFrame
        Raw tables.

    Returns
    -------
    DataFrame
        Key ``kind, member, detail``: kind ``item`` with its family, kind ``department`` with the
        cycle, and the sum of what it submitted as ``amount``.
    """
    family = items["family"].fillna(schema.UNASSIGNED)
    listed = pd.DataFrame({"kind": "item", "member": items["item"], "detail": family})
    said = submissions.assign(amount=submissions["quantity"].fillna(submissions["revenue_value"]))
    said = said.groupby(["department", "cycle"], as_index=False)["amount"].sum()
    said = pd.DataFrame(
        {
            "kind": "department",
            "member": said["department"],
            "detail": said["cycle"].dt.strftime("%Y-%m"),
            "amount": said["amount"],
        }
    )
    return pd.concat([listed, said], ignore_index=True).astype({"amount": "float64"})


def restatements(
    previous: dict[str, pd.DataFrame], now: dict[str, pd.DataFrame], rates: pd.DataFrame
) -> pd.DataFrame:
    """Table ``restatements``: what changed in the closed past since the last cycle read it.

    Parameters
    ----------
    previous, now : dict of DataFrame
        Tables `demand_history` and `known_members` of the last cycle and of this one; empty where
        there was none.
    rates : DataFrame
        Table `money_rates`.

    Returns
    -------
    DataFrame
        ``kind`` (closed month, item code, family, department), ``subject``, what it ``becomes``
        (code, family or name of today), ``month, before, after`` (units), ``amount_value`` of
        the change at today's price, ``finding``; largest money first.
    """
    before, after = previous["demand_history"], now["demand_history"]
    rows = []
    if not before.empty:
        price = rates.groupby("item")["unit_price_value"].mean()
        after = after[after["month"] <= before["month"].max()]
        renamed, changed = _sales_changes(_by_item(before), _by_item(after))
        rows += [(*row, row[4] * price.get(row[2], np.nan)) for row in renamed]
        rows += [(*row, (row[5] - row[4]) * price.get(row[1], np.nan)) for row in changed]
        year = after[after["month"] > months.shift(after["month"].max(), -12)]
        rows += _moves(previous["known_members"], now["known_members"], year, price)
        rows += _departments(previous["known_members"], now["known_members"])
    columns = ["kind", "subject", "becomes", "month", "before", "after", "finding", "amount_value"]
    table = pd.DataFrame(rows, columns=columns)
    table = table.astype(
        dict.fromkeys(["before", "after", "amount_value"], "float64")
        | {"month": months.DTYPE}
        | dict.fromkeys(["kind", "subject", "becomes", "finding"], "str")
    )
    order = table["amount_value"].abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)


def todays_codes(table: pd.DataFrame, restated: pd.DataFrame) -> pd.DataFrame:
    """A past plan under today's item codes; rows that so come to share one key are added up.

    Parameters
    ----------
    table : DataFrame
        A table of past cycles, with ``cycle``: keys are text and months, measures numbers that may
        be added.
    restated : DataFrame
        Table `restatements` of past cycles and of this one (without a ``cycle``): a code that
        changed is changed in the plans made before.
    """
    renamed = restated[restated["kind"] == "item code"]
    since = renamed.get("cycle", pd.Series(pd.NaT, index=renamed.index)).fillna(
        pd.Timestamp("2199-12-01")
    )
    items = table["item"]
    for cycle, own in renamed.groupby(since):
        codes = dict(zip(own["subject"], own["becomes"], strict=True))
        items = items.mask(table["cycle"] < cycle, items.map(codes).fillna(items))
    if items.eq(table["item"]).all():
        return table
    measures = list(table.select_dtypes("number").columns)
    keys = [name for name in table.columns if name not in measures]
    return (
        table.assign(item=items)
        .groupby(keys, as_index=False, sort=False)[measures]
        .sum(min_count=1)
    )


def _by_item(history: pd.DataFrame) -> pd.DataFrame:
    """Net sales, items down, months across."""
    return history.pivot_table("sales", "item", "month", aggfunc="sum", fill_value=0.0)


def _sales_changes(before: pd.DataFrame, after: pd.DataFrame) -> tuple[list, list]:
    """Item codes whose whole past now stands under another code, and other changes by month."""
    items, span = before.index.union(after.index), before.columns.union(after.columns)
    old, new = (
        table.reindex(index=items, columns=span, fill_value=0.0) for table in (before, after)
    )
    change = new - old
    grown: dict[tuple, list[str]] = {}
    for item, row in zip(items, change.to_numpy().round(6), strict=True):
        grown.setdefault(tuple(row), []).append(item)
    renamed = []
    for item in before.index.difference(after.index):
        heirs = grown.get(tuple(old.loc[item].to_numpy().round(6)), [])
        if not heirs or not old.loc[item].any():
            continue
        heir = heirs.pop(0)
        total = old.loc[item].sum()
        words = f"the past of {item} now stands under {heir}"
        renamed.append(("item code", item, heir, pd.NaT, total, total, words))
        change.loc[[item, heir]] = 0.0
    moved = change.stack()
    moved = moved[moved.abs() > _CENT]
    changed = [
        (
            "closed month",
            item,
            None,
            month,
            old.at[item, month],
            new.at[item, month],
            "booked later" if amount > 0 else "credited or returned later",
        )
        for (item, month), amount in moved.items()
    ]
    return renamed, changed


def _moves(before: pd.DataFrame, after: pd.DataFrame, year: pd.DataFrame, price: pd.Series) -> list:
    """Items that stand in another family than in the last cycle; money is of twelve months."""
    old, new = (
        table[table["kind"] == "item"].set_index("member")["detail"] for table in (before, after)
    )
    both = pd.concat([old, new], axis=1, keys=["old", "new"], join="inner")
    units = year.groupby("item")["sales"].sum()
    return [
        (
            "family",
            item,
            row["new"],
            pd.NaT,
            units.get(item, 0.0),
            units.get(item, 0.0),
            f"moved from {row['old']} to {row['new']}; past cycles are read with today's family",
            units.get(item, 0.0) * price.get(item, np.nan),
        )
        for item, row in both[both["old"] != both["new"]].iterrows()
    ]


def _departments(before: pd.DataFrame, after: pd.DataFrame) -> list:
    """Departments whose past submissions now stand under another name, are gone, or differ."""
    old, new = (
        table[table["kind"] == "department"].pivot(
            index="member", columns="detail", values="amount"
        )
        for table in (before, after)
    )
    new = new.reindex(columns=old.columns).dropna(how="all")
    heirs = {tuple(row.fillna(-1.0)): name for name, row in new.iterrows() if name not in old.index}
    rows = []
    for name, row in old.iterrows():
        heir = heirs.get(tuple(row.fillna(-1.0)))
        if name in new.index:
            differs = (new.loc[name] - row).abs() > _CENT
            differs |= new.loc[name].isna() != row.isna()
            cycles = ", ".join(row.index[differs])
            words = f"what it submitted for past cycles has changed: {cycles}" if cycles else ""
        else:
            words = f"is now called {heir}" if heir else "its past submissions are gone"
        if words:
            rows.append(("department", name, heir, pd.NaT, np.nan, np.nan, words, np.nan))
    return rows
