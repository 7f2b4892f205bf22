"""Disconnects in which a promise is not what the plan or its assumptions say: a rule each.

As in ``_readiness`` each rule takes the tables that ``disconnects.RULES`` names and gives rows of
`disconnects`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import consensus, hierarchy
from sopkit.reconciliation._subjects import covered

Tables = dict[str, pd.DataFrame]
REPEATS_RATE = 0.05  # a view this near to the whole budget repeats it
BEYOND_RATE = 0.05  # a budget this far above every view is nobody's view
CARRIED_RATE = 0.02  # people's part of a plan below which it stands on the forecast with events
_OURS = ("the forecast with events", "the plan")
_VIEW = "the view of "
SURE_RATE = 0.9  # chance from which an event counts as decided


def budgets(known: Tables, *, cycle: pd.Timestamp) -> list[dict]:
    """A family's budget above every department's view, the forecast with events and the plan.

    By more than a twentieth, which is how far views of a year usually differ from what comes, over
    the next twelve months, of which people speak. In units where the budget has them, else in
    money. A department that repeats the budget (over all families together within a twentieth)
    supports nothing. Budgets by quarter are left out.
    """
    budget, said = _monthly_budget(known), _views(known)
    budget = budget[budget["month"] < months.shift(cycle, 12)]
    both = said.merge(budget, on=["family", "month"], how="inner", validate="many_to_one")
    both = both.assign(apart=(both["budget"] - both["amount"]).abs())
    sums = both.groupby("view")[["apart", "budget"]].sum()
    is_ours = sums.index.isin(_OURS)
    is_repeated = (sums["apart"] <= REPEATS_RATE * sums["budget"]).to_numpy()
    both = both[~both["view"].isin(sums.index[is_repeated & ~is_ours])]
    sides = (sums.index[~is_ours & is_repeated], sums.index[~is_ours & ~is_repeated])
    names = [", ".join(view.removeprefix(_VIEW) for view in side) for side in sides]
    talk = {"talk_from": names[0] or "finance", "talk_to": names[1] or "sales"}
    rows = []
    for family, own in both.groupby("family"):
        totals = own.groupby("view")[["amount", "budget"]].sum()
        highest = (totals["amount"] / totals["budget"]).idxmax()
        amount, promised = totals.loc[highest]
        if promised > amount * (1.0 + BEYOND_RATE):
            rows.append(_beyond(family, own[own["view"] == highest], highest, talk))
    return rows


def _monthly_budget(known: Tables) -> pd.DataFrame:
    """Budget by family and month, in planning units where it has them, with the price of one."""
    table = known["financials"]
    table = table[table["family"] != schema.COMPANY_LABEL]
    price = table["revenue_value"] / table["quantity"].where(table["quantity"] > 0)
    has_units = table["budget_quantity"].notna().groupby(table["family"]).transform("any")
    made = table[["family", "month"]].assign(
        budget=table["budget_quantity"].where(has_units, table["budget_revenue_value"]),
        is_units=has_units,
        price=price.where(has_units, 1.0),
    )
    return made[made["budget"].notna()]


def _views(known: Tables) -> pd.DataFrame:
    """What each view says of each family and month, in the measure of its budget."""
    plan = known["demand_plan"]
    amounts = (consensus.with_events(plan), plan["consensus"])
    ours = [plan.assign(quantity=q, view=n) for q, n in zip(amounts, _OURS, strict=True)]
    said = known["views"].assign(view=_VIEW + known["views"]["department"])
    columns = [*schema.SERIES_MONTH, "quantity", "view"]
    every = pd.concat([said[columns], *(table[columns] for table in ours)], ignore_index=True)
    priced = every.merge(known["money_rates"], on=schema.SERIES, how="left", validate="m:1")
    priced = hierarchy.with_levels(priced, known["items"])
    factor = hierarchy.factors(priced["item"], known["items"])
    priced = priced.assign(
        units=priced["quantity"] * factor, value=priced["quantity"] * priced["unit_price_value"]
    )
    by = ["view", "family", "month"]
    table = hierarchy.aggregate(priced, by, ["units", "value"])
    measured = _monthly_budget(known).drop_duplicates("family").set_index("family")["is_units"]
    is_units = table["family"].map(measured).eq(True)
    amount = table["units"].where(is_units, table["value"])
    return table[by].assign(amount=amount)


def _beyond(family: str, own: pd.DataFrame, highest: str, talk: dict) -> dict:
    """The row of a budget that no view supports."""
    gap = own["budget"] - own["amount"]
    is_units = own["is_units"].iloc[0]
    unit = "units" if is_units else "in money"
    return {
        "subject": family,
        "first_month": own["month"].min(),
        "last_month": own["month"].max(),
        "finding": f"budget {own['budget'].sum():,.0f} {unit}, highest is {highest} with "
        f"{own['amount'].sum():,.0f}",
        "amount_value": (gap * own["price"]).sum(min_count=1),
        "amount_quantity": gap.sum() if is_units else np.nan,
        **talk,
        "proposal": "say what would bring the difference, or budget again",
        "decide_by": pd.NaT,
    }


def assumptions(known: Tables, *, cycle: pd.Timestamp) -> list[dict]:
    """An assumption that is broken or expired while people's numbers still move what it speaks of.

    Where departments and overrides move less than a fiftieth of the twelve months' plan that the
    test names, the plan stands on the forecast with events, which has seen the break. Of assumed
    hours the table `capacity` is the plan, so a broken one counts in any case.
    """
    table = known["assumption_states"]
    rows = []
    for row in table[table["state"].isin(["broken", "expired"])].to_dict("records"):
        is_hours = "hours(" in str(row["test"])
        carried, rate = row["carried_value"], row["carried_rate"]
        if not is_hours and not abs(rate) > CARRIED_RATE:
            continue
        still = f", and people hold its plan {abs(rate):.1%} "
        still += f"{'above' if rate > 0 else 'below'} the forecast with events"
        rows.append(
            {
                "subject": row["assumption"],
                "first_month": cycle,
                "last_month": months.shift(cycle, 11),
                "finding": f"{row['state']}: {row['statement']}{'' if is_hours else still}",
                "amount_value": np.nan if is_hours else abs(carried),
                "amount_quantity": np.nan,
                "talk_from": row["owner"],
                "talk_to": row["department"]
                if isinstance(row["department"], str)
                else ("supply planning" if is_hours else "demand planning"),
                "proposal": "correct the table capacity, or the assumption"
                if is_hours
                else "enter numbers without it, or say why they still hold",
                "decide_by": pd.NaT,
            }
        )
    return rows


def goals(known: Tables, *, cycle: pd.Timestamp) -> list[dict]:
    """A goal of the sales strategy for which supply has no hours or receipts (`strategy_check`).

    A goal that demand misses although supply could follow is a wish and no contradiction.
    """
    check = known["strategy_check"]
    return [
        {
            "subject": goal["subject"],
            "first_month": max(goal["first_month"], cycle),
            "last_month": goal["last_month"],
            "finding": f"{goal['meaning']}: the goal is {_said(goal, 'target')}, supply can bring "
            f"{_said(goal, 'deliverable')}; {goal['binding']} binds",
            "amount_value": goal["amount_value"],
            "amount_quantity": np.nan,
            "talk_from": goal["owner"] if isinstance(goal["owner"], str) else "sales",
            "talk_to": f"supply planning ({goal['binding']})",
            "proposal": f"find {goal['takes']}, or lower the goal",
            "decide_by": pd.NaT,
        }
        for goal in check[check["status"] == "short of supply"].to_dict("records")
    ]


def _said(goal: dict, name: str) -> str:
    return f"{goal[name]:.1%}" if goal["unit"] == "rate" else f"{goal[name]:,.0f}"


def prices(known: Tables, *, cycle: pd.Timestamp) -> list[dict]:
    """A decided price event that moves demand, with no row of `prices` that begins with it.

    Decided is a chance of nine in ten or more; an open decision has no price yet.
    """
    effects, rows = known["event_effects"], []
    sure = effects["kind"].eq("price") & (effects["probability_rate"] >= SURE_RATE)
    sure &= effects["first_month"].gt(cycle) & effects["change"].ne(0)
    levels = known["events"].drop_duplicates("event", keep="last").set_index("event")
    for event in effects[sure].to_dict("records"):
        own = known["plan"][covered(known["plan"], levels.loc[event["event"]].to_dict())]
        own = own[own["month"] >= event["first_month"]]
        listed = known["prices"][known["prices"]["item"].isin(own["item"])]
        if listed["first_month"].eq(event["first_month"]).any():
            continue
        common = (own["quantity"] * own["factor"]).sum()
        price = own["revenue_value"].sum(min_count=1) / common if common else np.nan
        rows.append(
            {
                "subject": event["event"],
                "first_month": event["first_month"],
                "last_month": event["last_month"],
                "finding": f"moves demand by {event['change']:+,.0f} units, but no price begins in "
                f"{months.label(event['first_month'])}",
                "amount_value": abs(event["change"]) * price,
                "amount_quantity": abs(event["change"]),
                "talk_from": event["owner"] if isinstance(event["owner"], str) else "sales",
                "talk_to": "finance",
                "proposal": "enter the price in table prices, or take the event out",
                "decide_by": months.shift(event["first_month"], -1),
            }
        )
    return rows
