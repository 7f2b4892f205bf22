"""A plan whose numbers are changed by hand: what a change does before anything is kept.

Changes are spread to items by the engine of the demand step, so what is shown is what the next run
makes of them; hours are those that the change of demand takes of each resource.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from sopkit import months, schema, steps, store
from sopkit.demand import consensus, overrides
from sopkit.supply import capacity

NOBODY = "somebody"  # who makes a change before a name is typed
CELL = [*schema.LEVELS, "month"]
_CHANGES = (
    "subject family author month asked before after change change_value series state finding "
    "reason".split()
)
_SEEN = 0.05  # hours from which a change is shown


def row(tables: dict, kind: str, amount: float, month: pd.Timestamp, **levels: str) -> pd.DataFrame:
    """One change as a row of table `overrides`, with neither author nor reason yet.

    Parameters
    ----------
    tables : dict
        From ``load``.
    kind : str
        set, add or scale.
    amount : float
        In the common unit; the factor of a scale, 1.1 for a tenth more.
    month : Timestamp
        Month changed.
    **levels : str
        Member of each level that narrows it; a level left out, or ``all``, does not.
    """
    values = {name: levels.get(name, schema.ALL) for name in schema.LEVELS}
    values |= {"month": month, "kind": kind, "rate" if kind == "scale" else "quantity": amount}
    return _typed(pd.DataFrame([values | {"cycle": tables["cycle"]}]), tables["overrides"])


def signed(
    rows: pd.DataFrame, author: str, reason: str, *, is_locked: bool, expires: pd.Timestamp | str
) -> pd.DataFrame:
    """Changes with who makes them, for how long, and why where they do not say it themselves."""
    said = {"author": " ".join(author.split()) or NOBODY, "reason": rows["reason"].fillna(reason)}
    return rows.assign(**said, is_locked=is_locked, expires_cycle=pd.to_datetime(expires))


def _typed(rows: pd.DataFrame, like: pd.DataFrame) -> pd.DataFrame:
    return rows.reindex(columns=like.columns).astype(like.dtypes)


def load(workspace: str | Path, cycle: pd.Timestamp) -> dict:
    """What the explorer works on: the plan of a cycle that was run, before and with overrides.

    Raises
    ------
    UsageError
        If the cycle has not been run or has no demand.
    """
    inputs = store.inputs(workspace, "demand_review", cycle)
    inputs |= store.inputs(workspace, "supply_review", cycle)
    load = _read(workspace, "resource_load", cycle)  # none: the supply step has not been run
    touched = _read(workspace, "touches", cycle)  # none: run before past overrides were judged
    return prepared(inputs, load, touched, cycle=cycle)


def _read(workspace: str | Path, name: str, cycle: pd.Timestamp) -> pd.DataFrame | None:
    try:
        return store.read(workspace, name, cycle)
    except months.UsageError:
        return None


def prepared(
    inputs: dict,
    load: pd.DataFrame | None = None,
    touched: pd.DataFrame | None = None,
    *,
    cycle: pd.Timestamp,
) -> dict:
    """A plan with what changes of it are measured by.

    Parameters
    ----------
    inputs : dict of DataFrame
        What the demand and the supply step read, `demand_plan` among it.
    load : DataFrame, optional
        Table `resource_load`; left out, hours as demand itself would take them.
    touched : DataFrame, optional
        Table `touches`: what past overrides were worth.
    cycle : Timestamp
        Month in which the plan was made.
    """
    planned = inputs["demand_plan"]
    if planned.empty:
        raise months.UsageError("There is no demand plan, so nothing can be changed here.")
    plan = consensus.with_overrides(planned, 0.0)
    base = steps.plan_base(inputs, plan[schema.SERIES_MONTH])
    entered, base, past = steps.beneath_overrides(inputs, plan, base, cycle=cycle)
    resources = inputs["resources"]
    bills = capacity.bills(inputs["routings"], inputs["items"], resources, inputs["production"])
    if load is None or load.empty:
        ahead = pd.DatetimeIndex(sorted(base["month"].unique()))
        hours = capacity.available_hours(resources, inputs["capacity"], inputs["calendar"], ahead)
        made = planned[["item", "month"]].assign(quantity=planned["consensus"])
        load = capacity.resource_load(made, made, bills, hours)
    tables = {"cycle": cycle, "base": base, "past": past, "bills": bills, "load": load}
    tables |= {"overrides": inputs["overrides"], "entered": entered}
    tables["touches"] = pd.DataFrame(columns=["author"]) if touched is None else touched
    tables["currency"] = inputs["company"]["currency"].iloc[0]
    tables["unit"] = inputs["planning_units"]["planning_unit"].iloc[0]
    return with_kept(tables, inputs["overrides"].iloc[:0])


def with_kept(tables: dict, rows: pd.DataFrame) -> dict:
    """The tables after changes were kept: they are among the overrides entered."""
    names = ("overrides", "entered")  # as written, and in the company's money
    more = {name: pd.concat([tables[name], _stamped(tables, rows)]) for name in names}
    tables = tables | {name: table.reset_index(drop=True) for name, table in more.items()}
    value, effects = applied(tables, tables["overrides"].iloc[:0])
    return tables | {"value": value, "effects": effects}


def taken_back(tables: dict, kept: pd.DataFrame) -> pd.DataFrame:
    """The row that puts a cell back: the author's word before, else a change of nothing.

    Parameters
    ----------
    tables : dict
        As they were before the row was kept.
    kept : DataFrame
        One row that was kept.
    """
    before = overrides.alive(tables["overrides"], cycle=tables["cycle"])
    # inner: the same author's word on the same cell
    own = before.merge(kept[[*CELL, "author"]], how="inner", validate="one_to_one")
    if len(own):
        return _typed(own, tables["overrides"])
    none = {"kind": "add", "quantity": 0.0, "rate": np.nan, "is_locked": False}
    back = kept.assign(**none, reason="taken back: " + kept["reason"])
    return _typed(back, tables["overrides"])


def _stamped(tables: dict, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows entered for this cycle after all that were entered before them."""
    last = tables["overrides"]["entered_at"].max()
    last = tables["cycle"] if pd.isna(last) else max(last, tables["cycle"])
    return _typed(rows.assign(cycle=tables["cycle"], entered_at=last), tables["overrides"])


def applied(tables: dict, rows: pd.DataFrame) -> tuple[np.ndarray, pd.DataFrame]:
    """The plan of all overrides that count with further ones as the last, and what each did."""
    every = pd.concat([tables["entered"], _stamped(tables, rows)])
    alive = overrides.alive(every, cycle=tables["cycle"])
    base, past = tables["base"], tables["past"]
    change, effects, _ = overrides.apply(alive, base, past, cycle=tables["cycle"])
    value = (base["quantity"] + change["overrides"]) * base["factor"]
    return value.to_numpy(), effects


def grid(tables: dict, value: np.ndarray, levels: dict[str, str]) -> pd.DataFrame:
    """A plan by family and month, the company first; narrowed to members of other levels."""
    base = tables["base"]
    rows = base[["family", "month"]].assign(value=value)[_within(base, levels)]
    wide = rows.pivot_table(index="family", columns="month", values="value", aggfunc="sum")
    names = sorted(wide.index, key=lambda name: (name == schema.UNASSIGNED, name))
    total = wide.sum(min_count=1).to_frame(schema.COMPANY_LABEL).T
    every = sorted(base["month"].unique())
    wide = wide.loc[[name for name in names if len(names) > 1 or name != schema.UNASSIGNED]]
    return pd.concat([total, wide]).reindex(columns=every)


def _within(base: pd.DataFrame, levels: dict[str, str]) -> np.ndarray:
    inside = np.ones(len(base), dtype=bool)
    for name, member in levels.items():
        inside &= (base[name] == member).to_numpy(dtype=bool) | (member == schema.ALL)
    return inside


def by_month(tables: dict, value: np.ndarray, levels: dict[str, str]) -> pd.DataFrame:
    """The plan of some members before and after: ``month, before, after``."""
    base, inside = tables["base"], _within(tables["base"], levels)
    rows = base.loc[inside, ["month"]].assign(before=tables["value"][inside], after=value[inside])
    return rows.groupby("month", as_index=False).sum()


def frozen_until(tables: dict, levels: dict[str, str]) -> dict[tuple, str]:
    """The first month that may be changed, by family (and company) and month wholly frozen."""
    base, cycle = tables["base"], tables["cycle"]
    rows = base.loc[_within(base, levels), ["family", "month", "frozen_months"]]
    rows = pd.concat([rows, rows.assign(family=schema.COMPANY_LABEL)])
    least = rows.groupby(["family", "month"])["frozen_months"].min()
    frozen = least[
        least > months.number(least.index.get_level_values("month")) - months.number(cycle)
    ]
    return {cell: months.label(months.shift(cycle, int(n))) for cell, n in frozen.items()}


def preview(
    tables: dict, rows: pd.DataFrame, made: tuple[np.ndarray, pd.DataFrame] | None = None
) -> dict:
    """What changes would do, beside the plan with the overrides entered so far.

    Parameters
    ----------
    tables : dict
        From ``load``.
    rows : DataFrame
        Changes, from ``row`` and ``signed``; the later one wins a cell.
    made : tuple, optional
        What ``applied`` makes of them, where it is known.

    Returns
    -------
    dict
        ``value`` of each row of the plan, common unit; ``changes``: the rows with ``subject``,
        ``asked``, ``before``, ``after``, ``change``, ``change_value`` (missing without a price),
        ``series`` moved, ``state`` and ``finding``; ``total`` of all that moves, ``series`` that
        move, ``hours`` that change, and ``notes`` on other overrides.
    """
    rows = rows.drop_duplicates([*CELL, "author"], keep="last")
    base, was = tables["base"], tables["value"]
    value, effects = made or applied(tables, rows)
    own, others = effects.tail(len(rows)), effects.head(len(effects) - len(rows))
    price = (base["unit_price_value"] / base["factor"].where(base["factor"] > 0)).to_numpy()
    change = value - was
    is_moved = np.abs(change) > 1e-9
    moved = base.loc[is_moved, schema.SERIES_MONTH]
    moved = moved.assign(before=was[is_moved], after=value[is_moved], change=change[is_moved])
    moved["change_value"] = moved["change"] * price[is_moved]
    sides = {"before": was, "after": value, "change": change, "change_value": change * price}
    made = [
        _told(base, sides, is_moved, one, effect)
        for one, effect in zip(rows.to_dict("records"), own.to_dict("records"), strict=True)
    ]
    return {
        "value": value,
        "changes": pd.DataFrame(made, columns=_CHANGES),
        "total": moved[["change", "change_value"]].sum(skipna=False),
        "series": moved.sort_values("change", key=abs, ascending=False, kind="stable"),
        "hours": _hours(tables, moved, base.loc[is_moved, "factor"]),
        "notes": _notes(tables, rows, others),
    }


def _told(
    base: pd.DataFrame, sides: dict[str, np.ndarray], is_moved: np.ndarray, one: dict, effect: dict
) -> dict:
    """What one change did, as a row of ``changes``."""
    inside = _within(base, {name: one[name] for name in schema.LEVELS})
    inside &= (base["month"] == one["month"]).to_numpy(dtype=bool)
    here = inside & is_moved
    said = {name: effect[name] for name in ("asked", "state", "finding", "month", "reason")}
    said |= {name: one[name] for name in ("family", "author")}
    named = [one[name] for name in schema.LEVELS if one[name] != schema.ALL]
    said |= {"subject": ", ".join(named) or "The whole company", "series": int(here.sum())}
    sums = {name: amounts[inside].sum() for name, amounts in sides.items()}
    return {**said, **sums, "change_value": sides["change_value"][here].sum()}


def _notes(tables: dict, rows: pd.DataFrame, others: pd.DataFrame) -> list[str]:
    """What happens to other overrides, in words."""
    counted = overrides.alive(tables["entered"], cycle=tables["cycle"])[[*CELL, "author"]]
    mine = pd.MultiIndex.from_frame(rows[[*CELL, "author"]])
    gone = pd.MultiIndex.from_frame(counted).isin(mine)
    known = dict(zip(_keys(tables["effects"]), tables["effects"]["finding"], strict=True))
    news = zip(_keys(others), others["finding"], strict=True)
    notes = [
        f"{key}: {text or 'nothing stands against it now'}"
        for key, text in news
        if known.get(key) != text
    ]
    return notes + [f"{key}: replaced by the new one" for key in _keys(tables["effects"][gone])]


def _keys(effects: pd.DataFrame) -> list[str]:
    """Each override in words: who, what, where, when."""
    return [
        f"{one['author']}'s {one['kind']} of {one['subject']} in {months.label(one['month'])}"
        for one in effects.to_dict("records")
    ]


def _hours(tables: dict, moved: pd.DataFrame, factor: pd.Series) -> pd.DataFrame:
    """Hours that the change of demand adds to each resource's load."""
    units = moved[["item", "month"]]
    scale = 1.0 / factor.where(factor > 0, 1.0)
    before, after = (units.assign(quantity=moved[name] * scale) for name in ("before", "after"))
    load = tables["load"]
    hours = load[["resource", "month", "regular_hours", "overtime_hours"]]
    table = capacity.resource_load(after, before, tables["bills"], hours)
    change = table["load_hours"] - table["wanted_hours"]
    # left: the load has the keys of the hours
    told = hours.merge(load[["resource", "month", "load_hours"]], how="left", validate="1:1")
    told = told.rename(columns={"load_hours": "before"}).assign(change=change.to_numpy())
    told["after"] = (told["before"] + told["change"]).clip(lower=0.0)
    regular = told["regular_hours"].where(told["regular_hours"] > 0)
    told["before_rate"], told["after_rate"] = told["before"] / regular, told["after"] / regular
    told["beyond"] = (told["after"] - told["regular_hours"] - told["overtime_hours"]).clip(lower=0)
    told = told[told["change"].abs() >= _SEEN]
    return told.sort_values(["after_rate", "month"], ascending=[False, True], ignore_index=True)
