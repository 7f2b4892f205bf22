"""Disconnects in which supply is not ready for what the plan says: a rule each.

Each rule takes the tables that ``disconnects.RULES`` names, among them ``plan`` (`plan_money` with
all levels and ``factor``), ``uses`` (``disconnects.uses``) and ``terms`` (``sites.replenishment``),
and gives rows of `disconnects`.
"""

from __future__ import annotations

import pandas as pd

from sopkit import months
from sopkit.demand import hierarchy
from sopkit.reconciliation._subjects import acting_by, covered, lead_months

Tables = dict[str, pd.DataFrame]
RAISING = ("promotion", "customer gain", "new market")
HALF = 0.5  # units: less is rounding
_NOTHING = {"units": 0.0}
AFTER_MONTHS = 3  # months after a peak in which stock that was drawn on should be back


def events(known: Tables, *, cycle: pd.Timestamp) -> list[dict]:
    """An event that raises demand in months in which a resource of its items is full.

    What is not made for it is the uplift of these months, at most what the items that pass the
    resource then owe or lack of their safety stock more than before, in hours. What they owe comes
    late; the rest uses safety stock up, and its revenue is open to a stock-out, not lost. An uplift
    that is made ahead with safety stock kept is no contradiction. Bought items are their own
    resource.
    """
    effects, rows = known["event_effects"], []
    raising = effects[effects["kind"].isin(RAISING) & (effects["change"] > 0)]
    levels = known["events"].drop_duplicates("event", keep="last").set_index("event")
    over, lack, end = _overload(known), _lack_hours(known), known["plan"]["month"].max()
    for event in raising.to_dict("records"):
        last = event["last_month"] if pd.notna(event["last_month"]) else end
        own = known["plan"][covered(known["plan"], levels.loc[event["event"]].to_dict())]
        own = own[own["month"].between(event["first_month"], last)]
        uplift = own.assign(units=_shared(event["change"], own))
        found = [
            _behind(uplift, resource, over, lack, rows_of)
            for resource, rows_of in known["uses"].groupby("resource", dropna=False)
            if rows_of["item"].isin(own["item"]).any()
        ]
        worst = max(found, key=lambda row: row["units"], default=_NOTHING)
        if worst["units"] > HALF:
            rows.append(_late_event(event, worst, known, cycle))
    return rows


def _shared(change: float, own: pd.DataFrame) -> pd.Series:
    """The change in the common unit as units of each row, in proportion to its plan."""
    common = own["quantity"].clip(lower=0.0) * own["factor"]
    return own["quantity"].clip(lower=0.0) * change / common.sum() if common.sum() else common


def _overload(known: Tables) -> pd.Series:
    """Hours wanted beyond regular and overtime hours, where there are any."""
    load = known["resource_load"].set_index(["resource", "month"])
    over = load["wanted_hours"] - load["regular_hours"] - load["overtime_hours"]
    return over[over > 1e-6]


def _lack(projection: pd.DataFrame) -> pd.DataFrame:
    """Units that lack at each month end and at the start of the first: ``late``, owed or lost.

    ``lack`` counts what is missing of safety stock too.
    """
    first = projection[projection["month"] == projection["month"].min()]
    before = first["month"] - pd.DateOffset(months=1)
    start = first.assign(closing=first["opening"], lost=0.0, month=before)
    every = pd.concat([start, projection], ignore_index=True)
    low = (every["safety_stock"] - every["closing"]).clip(lower=0.0)
    owed = (-every["closing"]).clip(lower=0.0)
    every = every.assign(lack=low + every["lost"], late=owed + every["lost"])
    return every.groupby(["item", "month"], as_index=False)[["lack", "late"]].sum()


def _lack_hours(known: Tables) -> pd.DataFrame:
    """What items lack, in hours of each resource that they use; units of items without hours."""
    lack = _lack(known["inventory_projection"])
    # inner: an item that no plan holds lacks nothing
    used = lack.merge(known["uses"], on="item", how="inner", validate="many_to_many")
    name = used["resource"].fillna(used["item"])
    hours = used[["lack", "late"]].mul(used["hours_per_unit"], axis=0)
    return hours.groupby([name, used["month"]]).sum()


def _behind(
    uplift: pd.DataFrame, resource: object, over: pd.Series, lack: pd.DataFrame, uses: pd.DataFrame
) -> dict:
    """How much of an uplift one resource does not make: units, those late, money and months."""
    own = uplift.merge(uses, on="item", how="inner", validate="many_to_one")
    own = own.assign(hours=own["units"] * own["hours_per_unit"])
    names, full = own["item"].unique(), pd.Series(dtype="float64")
    if pd.notna(resource):
        names, full = [resource], over[over.index.get_level_values(0) == resource].droplevel(0)
        own = own[own["month"].isin(full.index)]
    first = own["month"].min()
    if own["hours"].sum() <= 0.0 or pd.isna(first):
        return _NOTHING
    last = months.shift(own["month"].max(), AFTER_MONTHS)
    at = lack[lack.index.get_level_values(0).isin(names)].groupby(level=1).sum()
    before = at.reindex([months.shift(first, -1)], fill_value=0.0).iloc[0]
    more = (at[(at.index >= first) & (at.index <= last)].max() - before).clip(lower=0.0)
    share = min(more["lack"] / own["hours"].sum(), 1.0)
    late = min(more["late"] / own["hours"].sum(), share)
    units = (own["units"] * own["factor"]).sum()
    price = own["revenue_value"] / own["quantity"].where(own["quantity"] > 0)
    return {
        "units": share * units,
        "late": late * units,
        "value": share * (own["units"] * price).sum(min_count=1),
        "resource": resource,
        "first": first,
        "last": own["month"].max(),
        "over": full[full.index.isin(own["month"])].sum(),
        "items": own["item"].unique(),
    }


def _late_event(event: dict, worst: dict, known: Tables, cycle: pd.Timestamp) -> dict:
    """The row of an event that is not all made: what comes late, what safety stock gives."""
    has_hours = pd.notna(worst["resource"])
    lead = lead_months(known, worst["items"])
    why = f"{worst['resource']} is wanted {worst['over']:,.0f} hours beyond all it has"
    why = why if has_hours else "nothing more arrives in time"
    proposal = f"add hours of {worst['resource']}, or build ahead" if has_hours else "order more"
    spent = worst["units"] - worst["late"]
    parts = (("come late", worst["late"]), ("of safety stock are used up for it", spent))
    taken = [f"{units:,.0f} units {how}" for how, units in parts if units > HALF]
    return {
        "subject": event["event"],
        "first_month": worst["first"],
        "last_month": worst["last"],
        "finding": f"adds {event['change']:,.0f} units, while {why}: {' and '.join(taken)}",
        "amount_value": worst["value"],
        "amount_quantity": worst["units"],
        "talk_from": _or(event["owner"], "marketing"),
        "talk_to": f"supply planning ({worst['resource']})" if has_hours else "purchasing",
        **acting_by(f"{proposal}, or make the event smaller or later", worst["first"], lead, cycle),
    }


def _or(name: object, other: str) -> str:
    return name if isinstance(name, str) and name else other


def launches(known: Tables, *, cycle: pd.Timestamp) -> list[dict]:
    """A launch before the first month in which all that goes into the item can be there.

    Table `late_launches` finds them: one whole month late counts, since months are what is planned.
    """
    rows = []
    for late in known["late_launches"].to_dict("records"):
        launch, month = late["launch_month"], late["possible_month"]
        count = int(months.number(month) - months.number(launch))
        who = known["launches"].loc[known["launches"]["item"] == late["item"], "owner"].dropna()
        supplier = late["supplier"] or "purchasing"
        proposal = f"expedite {late['component']} with {supplier}, or launch in "
        proposal += months.label(month)
        row = {
            "subject": late["item"],
            "first_month": launch,
            "last_month": months.shift(month, -1),
            "finding": f"is launched in {months.label(launch)}, {count} month{'s' * (count > 1)} "
            f"before {late['component']} can be there",
            "amount_value": late["amount_value"],
            "amount_quantity": _common(late["quantity"], late["item"], known),
            "talk_from": who.iloc[0] if len(who) else "product management",
            "talk_to": f"purchasing ({supplier})",
        }
        rows.append(row | acting_by(proposal, launch, max(late["lead_months"], 1), cycle))
    return rows


def phase_outs(known: Tables, *, cycle: pd.Timestamp) -> list[dict]:
    """An item planned to sell after its last month, or whose stock is then not sold.

    What is left counts beyond a month of its usual sales: the last lot is never sold out exactly.
    Stock of what ended before the cycle is no plan: page 04 shows it as obsolete.
    """
    ends = known["items"].dropna(subset=["end_month"])
    ends = ends[ends["end_month"] < known["plan"]["month"].max()]
    rows = []
    for item in ends.to_dict("records"):
        own = known["plan"][known["plan"]["item"] == item["item"]]
        after = own[own["month"] > item["end_month"]]
        units = after["quantity"].sum()
        if units > HALF:
            words = f"{units:,.0f} units are planned after it"
            proposal = "move the end, or take the demand out"
            last = after.loc[after["quantity"] > 0, "month"].max()
            told = (last, words, units, after["revenue_value"].sum(min_count=1))
            rows.append(_ending(item, *told, "demand planning", proposal, pd.NaT, known))
        stock = known["inventory_projection"]
        at_end = (stock["item"] == item["item"]) & (stock["month"] == item["end_month"])
        left = stock.loc[at_end, "closing"].clip(lower=0.0).sum() - units
        usual = own.loc[own["month"] <= item["end_month"]].groupby("month")["quantity"].sum().mean()
        if at_end.any() and left > max(usual, HALF):
            words, proposal = f"{left:,.0f} units are unsold then", "sell it off, or make less"
            told = (item["end_month"], words, left, left * item["unit_cost_value"])
            by = months.shift(item["end_month"], -lead_months(known, [item["item"]]))
            rows.append(_ending(item, *told, "supply planning", proposal, by, known))
    return rows


def _ending(item, last, words, units, value, talk_to, proposal, by, known) -> dict:
    """A row of a phase-out."""
    return {
        "subject": item["item"],
        "first_month": item["end_month"],
        "last_month": last,
        "finding": f"ends in {months.label(item['end_month'])}, and {words}",
        "amount_value": value,
        "amount_quantity": _common(units, item["item"], known),
        "talk_from": "product management",
        "talk_to": talk_to,
        "proposal": proposal,
        "decide_by": by,
    }


def _common(units: float, item: str, known: Tables) -> float:
    """Units of an item in the common unit."""
    return units * hierarchy.factors(pd.Series([item]), known["items"])[0]
