"""Changes of a scenario applied to the base's tables: tables in, the tables that change out.

Nothing else is touched, so the steps that planned the base plan the scenario. Demand that changes
moves the forecast beneath it too: safety stock follows. What departments and overrides asked for
stays beside it, and so does what sales agreed to deliver later.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from sopkit import currencies, months, schema
from sopkit.demand import consensus, hierarchy
from sopkit.kept import Kept
from sopkit.reconciliation.scenario_format import COSTS, NAMED
from sopkit.reconciliation.wording import words
from sopkit.supply import capacity

Tables = dict[str, pd.DataFrame]
_LEVELS = schema.LEVELS


def applied(
    tables: Tables, changes: Iterable[dict], *, cycle: pd.Timestamp, kept: Kept | None = None
) -> Tables:
    """The tables that some changes make different, applied one after another.

    Parameters
    ----------
    tables : dict of DataFrame
        Raw and processed tables of the base.
    changes : iterable of dict
        As in ``scenarios.Scenario.changes``.
    cycle : Timestamp
        Month in which the plan is made.
    kept : Kept, optional
        What changes of these very tables came to before: the same first changes give the same
        tables.

    Returns
    -------
    dict of DataFrame
        Changed tables alone. `demand_plan` may hold ``price_rate``, by which a row's revenue is
        multiplied; ``supply_stops`` (``item, month``) says what nobody delivers when.

    Raises
    ------
    UsageError
        If a change would take more than there is, or would change nothing.
    """
    changed, kept = {}, Kept() if kept is None else kept
    for change in changes:
        changed = kept.of(_with_change, tables, changed, change, cycle)
    return changed


def _with_change(tables: Tables, changed: Tables, change: dict, cycle: pd.Timestamp) -> Tables:
    """The changed tables after one change more."""
    try:
        return changed | _KINDS[change["what"]](tables | changed, change, cycle)
    except months.UsageError as error:
        raise months.UsageError(f"“{words(change)}” cannot be planned: {error}") from error


def is_money(change: dict) -> bool:
    """Whether a change moves revenue alone, and leaves supply its task."""
    return change["what"] == "currency" or (
        change["what"] == "price" and not change.get("elasticity")
    )


def _covered(rows: pd.DataFrame, change: dict, cycle: pd.Timestamp) -> np.ndarray:
    """Rows of the levels and months that a change names; it must name some."""
    own = pd.Series(True, index=rows.index)
    for level in _LEVELS:
        if change.get(level, schema.ALL) != schema.ALL:
            if rows[level].isin([schema.ALL, schema.UNASSIGNED]).all():
                where = f"data/raw/{NAMED[level]}.csv would tell."
                raise months.UsageError(f"no {level} is known: {where}")
            own &= rows[level] == change[level]
    if not own.any():
        raise months.UsageError("nothing of it is in the plan.")
    return (own & _within(rows["month"], change)).to_numpy(dtype=bool)


def _within(month: pd.Series, change: dict) -> pd.Series:
    first, last = (change.get(name) for name in ("first_month", "last_month"))
    return (month >= (first or month.min())) & (month <= (last or month.max()))


def _plan(tables: Tables) -> pd.DataFrame:
    """The demand plan with all its levels and the factor to the planning unit."""
    members = (tables[name] for name in ("items", "locations", "channels"))
    plan = hierarchy.with_levels(tables["demand_plan"].reset_index(drop=True), *members)
    return plan.assign(factor=hierarchy.factors(plan["item"], tables["items"]))


def _moved(tables: Tables, change_of_demand: np.ndarray) -> Tables:
    """Plan and forecast with units added, row by row of the plan."""
    plan = tables["demand_plan"].reset_index(drop=True)
    after = plan["consensus"] + change_of_demand
    if (after < -1e-6).any():
        row = plan[after < -1e-6].iloc[0]
        raise months.UsageError(
            f"it takes more than the {row['consensus']:,.0f} units planned of {row['item']} in "
            f"{months.label(row['month'])}."
        )
    after = after.clip(lower=0.0)
    moved = plan.assign(
        overrides=plan["overrides"] + after - plan["consensus"],
        consensus=after,
        constrained=(after + plan["constrained"] - plan["consensus"]).clip(lower=0.0),
        rate=(after / plan["consensus"].where(plan["consensus"] > 0)).fillna(1.0),
        more=after.where(plan["consensus"] <= 0, 0.0),
    )
    beside = tables["forecast"].merge(
        moved[[*schema.SERIES_MONTH, "rate", "more"]],
        on=schema.SERIES_MONTH,
        how="left",
        validate="one_to_one",
    )
    names = ["quantity", "quantity_lower", "quantity_upper"]
    scaled = beside[names].mul(beside["rate"].fillna(1.0), axis=0)
    scaled = scaled.add(beside["more"].fillna(0.0), axis=0)
    forecast = tables["forecast"].assign(**{name: scaled[name].to_numpy() for name in names})
    return {"demand_plan": moved.drop(columns=["rate", "more"]), "forecast": forecast}


def _demand(tables: Tables, change: dict, cycle: pd.Timestamp) -> Tables:
    plan = _plan(tables)
    own = _covered(plan, change, cycle)
    if "rate" in change:
        return _moved(tables, np.where(own, plan["consensus"] * change["rate"], 0.0))
    units = (plan["consensus"] * plan["factor"]).clip(lower=0.0).where(own, 0.0)
    usual = units.groupby([plan[name] for name in schema.SERIES]).transform("sum")
    total = units.groupby(plan["month"]).transform("sum")
    weight = units.where(total > 0, usual.where(own, 0.0))  # an empty month: as in all months
    total = weight.groupby(plan["month"]).transform("sum")
    if (total[own] <= 0).any():
        raise months.UsageError("nothing of it is planned in any month, so nothing shows how.")
    share = weight / total.where(total > 0, 1.0)
    return _moved(tables, (change["quantity"] * share / plan["factor"].where(own, 1.0)).to_numpy())


def _event(tables: Tables, change: dict, cycle: pd.Timestamp) -> Tables:
    events, plan = tables["events"], _plan(tables)
    given = {word: value for word, value in change.items() if word != "what"}
    own = events["event"] == change["event"]
    if own.any():
        rows = events.assign(**{n: events[n].mask(own, value) for n, value in given.items()})
    else:
        new = pd.DataFrame([dict.fromkeys(_LEVELS, schema.ALL) | given])
        typed = new.reindex(columns=events.columns)
        typed = typed.astype({n: events[n].dtype for n in events if n not in given or n in _DATES})
        rows = pd.concat([events, typed], ignore_index=True)
    base = plan.assign(quantity=plan["statistical"])
    known = {"effects": tables["driver_effects"], "market": tables["market_rates"]}
    before, _ = consensus.moved_by_events(events, base, cycle=cycle, **known)
    after, acting = consensus.moved_by_events(rows, base, cycle=cycle, **known)
    if np.allclose(before, after):
        why = (row["finding"] for row in acting if row["event"] == change["event"])
        why = next(filter(None, why), "it acts in no month of the plan, or as it did")
        raise months.UsageError(f"it changes nothing: {why}. Write a change of demand instead.")
    return {**_moved(tables, after - before), "events": rows}


_DATES = ("first_month", "last_month")


def event_costs(before: pd.DataFrame, after: pd.DataFrame, ahead: pd.DatetimeIndex) -> float:
    """What events of the months ahead cost more than before, each by its chance."""

    def total(events: pd.DataFrame) -> float:
        chance = events["probability_rate"].fillna(1.0)
        own = events["first_month"].isin(ahead)
        return float((events["cost_value"].fillna(0.0) * chance)[own].sum())

    return total(after) - total(before)


def _price(tables: Tables, change: dict, cycle: pd.Timestamp) -> Tables:
    plan = _plan(tables)
    own, factor = _covered(plan, change, cycle), 1.0 + change["rate"]
    moved = {"demand_plan": _repriced(tables, plan, own, factor)}
    if change.get("elasticity"):
        demand = np.where(own, plan["consensus"] * (factor ** change["elasticity"] - 1.0), 0.0)
        moved |= _moved(tables | moved, demand)
    return moved


def _currency(tables: Tables, change: dict, cycle: pd.Timestamp) -> Tables:
    plan, company = _plan(tables), tables["company"]["currency"].iloc[0]
    named = currencies.foreign(plan["location"], tables["locations"], company)
    own = ((named == change["currency"]) & _within(plan["month"], change)).to_numpy(dtype=bool)
    if not own.any():
        raise months.UsageError(f"no plan is sold in {change['currency']}.")
    return {"demand_plan": _repriced(tables, plan, own, 1.0 + change["rate"])}


def _repriced(tables: Tables, plan: pd.DataFrame, own: np.ndarray, factor: float) -> pd.DataFrame:
    """The demand plan whose rows bring so many times the money."""
    priced = plan.merge(tables["money_rates"], on=schema.SERIES, how="left", validate="many_to_one")
    if priced.loc[own, "unit_price_value"].isna().all():
        raise months.UsageError("no price of it is known: data/raw/prices.csv would tell.")
    before = plan["price_rate"] if "price_rate" in plan else 1.0
    table = tables["demand_plan"].reset_index(drop=True)
    return table.assign(price_rate=np.where(own, factor, 1.0) * before)


def _capacity(tables: Tables, change: dict, cycle: pd.Timestamp) -> Tables:
    ahead = pd.DatetimeIndex(sorted(tables["demand_plan"]["month"].unique()))
    given = tables["capacity"]
    if tables["resources"].empty:
        raise months.UsageError("no resource is known: data/raw/resources.csv would tell.")
    hours = capacity.available_hours(tables["resources"], given, tables["calendar"], ahead)
    own = _within(hours["month"], change)
    if change["resource"] != schema.ALL:
        own &= hours["resource"] == change["resource"]
    for name, word in (("regular_hours", "hours"), ("overtime_hours", "overtime_hours")):
        more = hours[name] * change.get("rate", 0.0) + change.get(word, 0.0)
        after = hours[name] + more.where(own, 0.0)
        if (after < -1e-6).any():
            row = hours[after < -1e-6].iloc[0]
            when = f"of {row['resource']} in {months.label(row['month'])}"
            raise months.UsageError(f"it takes more than the {row[name]:,.0f} hours {when}.")
        hours = hours.assign(**{name: after})
    hours = hours[own]
    marks = pd.MultiIndex.from_frame(given[["resource", "month"]])
    kept = given[~marks.isin(pd.MultiIndex.from_frame(hours[["resource", "month"]]))]
    return {"capacity": pd.concat([kept, hours], ignore_index=True)}


def _cost(tables: Tables, change: dict, cycle: pd.Timestamp) -> Tables:
    name, column = COSTS[change["kind"]]
    table, factor, items = tables[name], 1.0 + change["rate"], tables["items"]
    own = pd.Series(True, index=table.index)
    family = schema.lookup(table["item"], items, "family") if "item" in table else own
    if "family" in table:
        family = family.fillna(table["family"])
    for word, named in (("item", table.get("item")), ("family", family)):
        if change.get(word, schema.ALL) != schema.ALL:
            own &= named == change[word] if name != "resources" else False
    if change.get("resource", schema.ALL) != schema.ALL:
        own &= table["resource"] == change["resource"] if name == "resources" else False
    amounts = table[column]
    if change["kind"] == "overtime":  # where it is not given, as a regular hour
        amounts = amounts.fillna(table["regular_cost_value"])
    changed = {name: table.assign(**{column: amounts.mask(own, amounts * factor)})}
    if not amounts[own].notna().any():
        changed = {}
    if change["kind"] == "holding" and not {"item", "family"} & change.keys():
        carried = tables["company"]["carrying_rate"] * factor  # where no cost is given
        changed["company"] = tables["company"].assign(carrying_rate=carried)
    if not changed:
        where = f"{column} of data/raw/{'items' if name == 'money_rates' else name}.csv"
        raise months.UsageError(f"no such cost is known: {where} would tell.")
    return changed


def _quickest(tables: Tables, suppliers: pd.DataFrame) -> pd.Series:
    """Days of each row of items at its quickest supplier; missing where none is known."""
    items = tables["items"]
    found = pd.Series(np.nan, index=items.index)
    for level in ("item", "family"):
        rows = suppliers[suppliers[level].fillna(schema.ALL) != schema.ALL]
        found = found.fillna(items[level].map(rows.groupby(level)["lead_time_days"].min()))
    return found


def _lead_time(tables: Tables, change: dict, cycle: pd.Timestamp) -> Tables:
    items, suppliers, parts = (
        tables["items"],
        tables["suppliers"],
        tables["components"]["component"],
    )

    def later(days: pd.Series) -> pd.Series:
        return (days * (1.0 + change.get("rate", 0.0)) + change.get("days", 0.0)).clip(lower=0.0)

    before = _quickest(tables, suppliers)
    now = items["lead_time_days"].fillna(before).fillna(0.0)
    own = pd.Series(True, index=items.index)
    for word in {"item", "family"} & change.keys():
        own &= items[word] == change[word]
    after, days = later(now), suppliers["lead_time_days"]
    named = suppliers["item"].isin(items.loc[own, "item"])
    if "family" in change:
        named |= suppliers["family"] == change["family"]
    if "supplier" in change:
        named = suppliers["supplier"] == change["supplier"]
    suppliers = suppliers.assign(lead_time_days=days.mask(named, later(days)))
    if "supplier" in change:
        own &= items["is_purchased"].fillna(False).astype(bool)
        after = now + (_quickest(tables, suppliers) - before).fillna(0.0)
    after = after.clip(lower=0.0).where(own, now)
    is_used = items["item"].isin({*tables["demand_plan"]["item"], *parts})
    fastest, then = (
        table[table["item"].isin(parts)].groupby("item")["lead_time_days"].min()
        for table in (tables["suppliers"], suppliers)
    )
    if np.allclose(after[is_used], now[is_used]) and np.allclose(fastest, then):
        raise months.UsageError(
            "it changes no lead time of what is sold or of its components: others deliver as fast."
        )
    return {"items": items.assign(lead_time_days=after), "suppliers": suppliers}


def _supplier_loss(tables: Tables, change: dict, cycle: pd.Timestamp) -> Tables:
    suppliers, items, parts = (tables[n] for n in ("suppliers", "items", "components"))
    by_item = suppliers[suppliers["item"] != schema.ALL]
    by_family = suppliers[suppliers["item"] == schema.ALL].drop(columns="item")
    # inner: rows of families without items deliver nothing
    spread = by_family.merge(items[["item", "family"]], on="family", how="inner")
    spread = spread[~spread["item"].isin(by_item["item"])]
    every = pd.concat([by_item, spread])
    is_own = every["supplier"].eq(change["supplier"])
    alone = every.groupby("item")["supplier"].agg(lambda names: set(names) == {change["supplier"]})
    alone = set(alone[alone].index)
    is_bought = items["is_purchased"].fillna(False).astype(bool)
    made = set(items.loc[~is_bought, "item"])
    stopped = (alone & set(items.loc[is_bought, "item"])) | (
        set(parts.loc[parts["component"].isin(alone), "item"]) & made
    )
    stopped &= set(tables["demand_plan"]["item"])
    if not stopped:
        others = "others deliver all that it does" if is_own.any() else "it delivers nothing known"
        raise months.UsageError(f"it changes nothing: {others}.")
    ahead = pd.Series(sorted(tables["demand_plan"]["month"].unique()))
    when = ahead[_within(ahead, change)]
    stops = pd.DataFrame({"item": sorted(stopped)}).merge(when.rename("month"), how="cross")
    known = tables.get("supply_stops", stops.iloc[:0])
    due = tables["scheduled_receipts"]
    is_lost = due["kind"].eq("purchase") & due["item"].isin(alone) & due["month"].isin(when)
    return {
        "supply_stops": pd.concat([known, stops], ignore_index=True).drop_duplicates(),
        "scheduled_receipts": due[~is_lost],
    }


def _service_level(tables: Tables, change: dict, cycle: pd.Timestamp) -> Tables:
    company, family = tables["company"], change.get("family", schema.ALL)
    level = {family if family != schema.ALL else "default": change["level"]}
    before = company["service_levels"].iloc[0] if family != schema.ALL else {}
    return {"company": company.assign(service_levels=[before | level])}


_KINDS = {
    "demand": _demand,
    "event": _event,
    "price": _price,
    "capacity": _capacity,
    "cost": _cost,
    "lead_time": _lead_time,
    "supplier_loss": _supplier_loss,
    "service_level": _service_level,
    "currency": _currency,
}
