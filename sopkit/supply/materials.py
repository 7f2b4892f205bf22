"""Materials of a supply problem from its tables: what there can be of each, and what is left.

Bought components come from stock, receipts and, after their lead time, from suppliers; parts that
are made here are made of other materials. A component that is sold too gives from its item's stock.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from sopkit import schema
from sopkit.supply import issues, plans, sites, sourcing
from sopkit.supply.plans import Plan
from sopkit.supply.tasks import Task

_USE = ["item", "location", "component", "quantity_per", "offset_months", "is_part"]


def left(task: Task, plan: Plan) -> np.ndarray:
    """Units of each material that are still free at each month end under a plan.

    Parameters
    ----------
    task, plan : Task, Plan
        Problem and answer.

    Returns
    -------
    array (t, m)
        Infinite where nothing limits a material; zero: it binds. A part that is made here counts
        with what the materials left would still make of it, an item sold too with its stock.

    Examples
    --------
    >>> frames = pd.DataFrame({"item": ["frame"], "location": ["plant"]})
    >>> task = Task(demand=[4, 4], materials=frames, material_per=1.0, material_inflow=[[5], [2]])
    >>> left(task, Plan(made=[[4.0], [3.0]])).tolist()
    [[1.0], [0.0]]
    """
    plan = plans.completed(task, plan)
    use = issues.new(task, plan.made, plan.parts)
    found = np.cumsum(issues.free(task) + plan.parts - use, axis=0)
    linked = task.material_item >= 0
    closing = np.maximum(plans.outcome(task, plan).closing, 0.0)
    found[:, linked] = closing[:, task.material_item[linked]]
    t = np.arange(task.n_months)
    for part in issues.order(task)[::-1]:
        into = np.flatnonzero(task.part_per[part])
        when = np.maximum(t[:, None] - task.part_offset[part, into], 0)
        more = (found[when, into] / task.part_per[part, into]).min(axis=1)
        found[:, part] += np.where(t >= task.part_lead[part], more, 0.0)
    return found


def with_materials(
    task: Task,
    components: pd.DataFrame,
    items: pd.DataFrame,
    suppliers: pd.DataFrame,
    inventory: pd.DataFrame,
    scheduled: pd.DataFrame,
    locations: pd.DataFrame,
    frozen_months: dict | None = None,
    *,
    cycle: pd.Timestamp,
) -> tuple[Task, list[str]]:
    """A task whose production takes what its bills of materials say.

    Parameters
    ----------
    task : Task
        From ``tasks.from_tables``.
    components, items, suppliers, inventory, locations : DataFrame
        Raw tables. Bills of what is bought are left out: its supplier makes it.
    scheduled : DataFrame
        Table `scheduled_receipts` of this cycle.
    frozen_months : dict, optional
        As for ``sites.replenishment``: within them only what is firm comes.
    cycle : Timestamp
        Month in which the plan is made.

    Returns
    -------
    task : Task
        With the materials that can limit it; one that is there without limit from the first month
        on is left out.
    unknown : list of str
        Components of which no stock was ever counted and nothing is on its way, sorted: they limit
        nothing. Not so a part made here of any that was: its own stock is none.
    """
    inventory, scheduled = (
        table[table["item"].isin(components["component"])] for table in (inventory, scheduled)
    )
    is_bought = schema.lookup(task.keys["item"], items, "is_purchased").fillna(False)
    is_maker = (task.supplied_from < 0) & ~(is_bought.to_numpy(dtype=bool) | task.is_purchased)
    known = counted(inventory, scheduled, items, locations)
    uses, unknown = _uses(task.keys[is_maker], task.keys, components, items, known)
    names = uses[["component", "location"]].drop_duplicates(ignore_index=True)
    names = names.rename(columns={"component": "item"})
    if names.empty:
        return task, unknown
    arrays = _per(uses, task.keys, names, task.route_item)
    arrays["material_item"] = _at(names, task.keys)
    terms = sites.replenishment(names, items, locations, suppliers, {}, frozen_months)
    due = sites.receipts(scheduled, items, locations, terms, cycle)
    stock = sites.opening_stock(inventory, names, items, locations, cycle)[0]
    inflow, work = (_by_month(due, name, task.months, names) for name in ("quantity", "in_work"))
    inflow[0] += stock.reindex(pd.MultiIndex.from_frame(names)).clip(lower=0.0).to_numpy()
    is_part = arrays["part_per"].any(axis=1)
    inflow += np.where(is_part, 0.0, _delivered(names, items, suppliers, task.n_months))
    lead = np.where(is_part, _lead_months(names["item"], items), 0)
    arrays |= {"part_lead": lead, "material_inflow": inflow}
    whole = replace(task, materials=names, **arrays)
    whole = replace(whole, material_inflow=_less_work(whole, work))
    return _scarce(_with_free_parts(whole)), unknown


def _at(rows: pd.DataFrame, keys: pd.DataFrame) -> np.ndarray:
    """Position of each row's item and location among keys, −1 where it is none."""
    index = pd.MultiIndex.from_frame(keys[schema.SITE])
    return index.get_indexer(pd.MultiIndex.from_frame(rows[schema.SITE]))


def counted(
    inventory: pd.DataFrame, scheduled: pd.DataFrame, items: pd.DataFrame, locations: pd.DataFrame
) -> pd.DataFrame:
    """Items and sites of which stock was ever counted, or something is on its way.

    Parameters
    ----------
    inventory, scheduled, items, locations : DataFrame
        As for ``with_materials``.

    Returns
    -------
    DataFrame
        ``item, location``, each once.
    """
    rows = pd.concat([inventory[schema.SITE], scheduled[schema.SITE]])
    rows = rows.drop_duplicates(ignore_index=True)
    return rows.assign(location=sites.stocking_site(rows, items, locations)).drop_duplicates()


def _uses(
    makers: pd.DataFrame,
    keys: pd.DataFrame,
    components: pd.DataFrame,
    items: pd.DataFrame,
    known: pd.DataFrame,
) -> tuple[pd.DataFrame, list[str]]:
    """What each item and part takes at its site, level by level, and what nobody counts.

    A part's materials are needed when its lead time begins, or earlier where its bill says so.
    """
    bill = components.assign(quantity_per=components["quantity_per"].fillna(1.0))
    bill = bill.loc[bill["quantity_per"] > 0, ["item", "component", *_USE[3:5]]]
    bought = set(items.loc[items["is_purchased"].fillna(False).astype(bool), "item"])
    known = _with_makers(pd.concat([known, keys[schema.SITE]]), bill[~bill["item"].isin(bought)])
    level, parts, unknown = makers[schema.SITE].assign(is_part=False), [], set()
    seen = pd.DataFrame({name: [] for name in schema.SITE}, dtype="str")
    while len(level):
        own = level.merge(bill, on="item", how="inner", validate="many_to_many")
        goes = own[["component", "location"]].rename(columns={"component": "item"})
        is_known = _at(goes, known) >= 0
        unknown |= set(goes.loc[~is_known, "item"])
        parts.append(own[is_known][_USE])
        seen = pd.concat([seen, level[schema.SITE]])
        more = goes[is_known].drop_duplicates()
        is_new = (_at(more, keys) < 0) & (_at(more, seen.drop_duplicates()) < 0)
        level = more[is_new & ~more["item"].isin(bought)].assign(is_part=True)
    none = pd.DataFrame({"location": [], "is_part": []}).astype({"location": "str"})
    uses = pd.concat([bill.iloc[:0].join(none)[_USE], *parts], ignore_index=True)
    lead = np.where(uses["is_part"], _lead_months(uses["item"], items), 0)
    return uses.assign(offset_months=np.fmax(uses["offset_months"], lead)), sorted(unknown)


def _with_makers(known: pd.DataFrame, bill: pd.DataFrame) -> pd.DataFrame:
    """Items and sites, and all that is made there of any of them."""
    known = known.drop_duplicates(ignore_index=True)
    for _ in range(bill["item"].nunique()):
        part = known.rename(columns={"item": "component"})
        made = bill.merge(part, on="component", how="inner", validate="many_to_many")[schema.SITE]
        more = pd.concat([known, made]).drop_duplicates(ignore_index=True)
        if len(more) == len(known):
            break
        known = more
    return known


def _lead_months(members: pd.Series, items: pd.DataFrame) -> np.ndarray:
    """Whole months that making an item takes, by its own lead time; 0 where nobody wrote one."""
    days = schema.lookup(members, items, "lead_time_days").astype("float64").fillna(0.0)
    return np.floor(days / sites.DAYS_A_MONTH + 0.5).to_numpy().astype("int64")


def _per(
    uses: pd.DataFrame, keys: pd.DataFrame, names: pd.DataFrame, route_item: np.ndarray
) -> dict[str, np.ndarray]:
    """Units and months of the bill of materials: by route and material, by part and material."""
    material = _at(uses.assign(item=uses["component"]), names)
    is_part = uses["is_part"].to_numpy(dtype=bool)
    maker = np.where(is_part, _at(uses, names), _at(uses, keys))
    found = {}
    for kind, own, count in (("material", ~is_part, len(keys)), ("part", is_part, len(names))):
        for name, column in (("per", "quantity_per"), ("offset", "offset_months")):
            laid = np.zeros((count, len(names)))
            laid[maker[own], material[own]] = uses[column].to_numpy(dtype="float64")[own]
            found[f"{kind}_{name}"] = laid[route_item] if kind == "material" else laid
    return found


def _delivered(
    names: pd.DataFrame, items: pd.DataFrame, suppliers: pd.DataFrame, count: int
) -> np.ndarray:
    """Most units (t, m) that suppliers deliver, each from its lead time on.

    A limit holds for each site: how sites would share it nobody says.
    """
    most, places = np.zeros((count, len(names))), names.groupby("item").indices
    for row in sourcing.sources(names["item"], items, suppliers).itertuples():
        most[row.lead_time_months :, places[row.item]] += row.monthly_limit
    return most


def _by_month(
    due: pd.DataFrame, column: str, ahead: pd.DatetimeIndex, names: pd.DataFrame
) -> np.ndarray:
    """A column of receipts, (t, m)."""
    place, month = _at(due, names), ahead.get_indexer(due["month"])
    own, found = (place >= 0) & (month >= 0), np.zeros((len(ahead), len(names)))
    np.add.at(found, (month[own], place[own]), due[column].to_numpy(dtype="float64")[own])
    return found


def _less_work(task: Task, work: np.ndarray) -> np.ndarray:
    """What comes, less what parts that are on their way still take; never less than there is."""
    use = issues.new(task, np.zeros((task.n_months, len(task.route_item))), work)
    finite = np.where(task.is_scarce, task.material_inflow, 0.0)
    there = np.maximum.accumulate(np.maximum(np.cumsum(finite - use, axis=0), 0.0), axis=0)
    return np.where(task.is_scarce, np.diff(there, axis=0, prepend=0.0), task.material_inflow)


def _with_free_parts(task: Task) -> Task:
    """Parts without limit from the month on in which all that goes into them is."""
    inflow = task.material_inflow.copy()
    first = np.where(task.is_scarce.all(axis=0), task.n_months, np.argmin(task.is_scarce, axis=0))
    first = np.where(task.material_item >= 0, task.n_months, first)
    for part in issues.order(task)[::-1]:
        into = task.part_per[part] > 0
        known = (first[into] + task.part_offset[part, into]).max()
        first[part] = min(first[part], max(task.part_lead[part], known))
        inflow[first[part] :, part] = np.inf
    return replace(task, material_inflow=inflow)


def _scarce(task: Task) -> Task:
    """The task without the materials that nothing ever limits."""
    keep = task.is_scarce.any(axis=0) | (task.material_item >= 0)
    by_material = {
        name: getattr(task, name)[..., keep]
        for name in ("material_per", "material_offset", "material_inflow", "material_item")
    }
    return replace(
        task,
        materials=task.materials[keep].reset_index(drop=True),
        part_per=task.part_per[np.ix_(keep, keep)],
        part_offset=task.part_offset[np.ix_(keep, keep)],
        part_lead=task.part_lead[keep],
        **by_material,
    )
