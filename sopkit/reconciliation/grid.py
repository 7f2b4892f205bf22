"""The S&OP grid: the one picture in which volume is decided, by family and for the company.

Across: six closed months and the horizon. Down: sales, supply, inventory, each with last plan,
actual or new plan, difference and running difference; then revenue and margin beside budget and
last year. One function feeds page, explorer and Excel.
"""

from __future__ import annotations

import pandas as pd

from sopkit import months, schema

CLOSED_MONTHS = 6
_WHOLE = 0.99  # share of revenue from which a budget may stand beside all of it
LAST, NOW, DIFFERENCE, RUNNING = (
    "Last plan",
    "Actual / new plan",
    "Difference",
    "Running difference",
)
VOLUMES = ("Sales", "Supply", "Inventory", "Backlog", "Utilisation")
MONEY = {"Revenue": "revenue_value", "Margin": "margin_value"}
COLUMNS = ["family", "measure", "row", "month", "amount", "is_last_plan"]


def sop_grid(
    actual: pd.DataFrame,
    plan: pd.DataFrame,
    last: pd.DataFrame,
    money: pd.DataFrame,
    *,
    cycle: pd.Timestamp,
    horizon: int,
) -> pd.DataFrame:
    """Table ``sop_grid``.

    Parameters
    ----------
    actual, plan, last : DataFrame
        ``family, measure, month, amount`` for the measures Sales, Supply, Inventory (Backlog for
        made-to-order families, Utilisation for services): closed months, this cycle's plan, and
        the plan each month had when it was last planned. A measure that this step does not know
        yet is absent from ``plan`` and shows the last plan, marked.
    money : DataFrame
        ``family, measure, row, month, amount``: rows of Revenue and Margin; ``is_last_plan``
        marks those taken from the last cycle.
    cycle : Timestamp
        Month in which the plan is made.
    horizon : int
        Months planned.

    Returns
    -------
    DataFrame
        Key ``family, measure, row, month``: ``amount`` in the measure's unit; ``is_last_plan``
        marks figures that stand in for a plan not made yet. Running difference adds differences
        up from the first month shown; of a stock (inventory, backlog) or a rate it repeats the
        difference, which is itself what has run up.
    """
    window = months.closed(cycle, CLOSED_MONTHS).union(months.span(cycle, horizon))
    now = pd.concat([actual.assign(is_last_plan=False), plan.assign(is_last_plan=False)])
    known = set(plan["measure"])
    stand_in = last[~last["measure"].isin(known) & (last["month"] >= cycle)]
    now = pd.concat([now, stand_in.assign(is_last_plan=True)], ignore_index=True)
    now, last = (table[table["month"].isin(window)] for table in (now, last))
    key = ["family", "measure", "month"]
    both = now.merge(last, on=key, how="outer", validate="one_to_one", suffixes=("", "_last"))
    both = both.sort_values(key, ignore_index=True)
    both["difference"] = both["amount"] - both["amount_last"]
    is_flow = both["measure"].isin(["Sales", "Supply"])
    running = both.groupby(["family", "measure"])["difference"].cumsum()
    both["running"] = running.where(is_flow, both["difference"])
    both["is_last_plan"] = both["is_last_plan"].fillna(False).astype(bool)
    names = {"amount_last": LAST, "amount": NOW, "difference": DIFFERENCE, "running": RUNNING}
    rows = [
        both[[*key, column, "is_last_plan"]].rename(columns={column: "amount"}).assign(row=row)
        for column, row in names.items()
    ]
    money = money[money["month"].isin(window)]
    table = pd.concat([*rows, money], ignore_index=True)[COLUMNS]
    return table[table["amount"].notna()].reset_index(drop=True)


def money_rows(financials: pd.DataFrame, closed: pd.DataFrame, *, is_last: bool) -> pd.DataFrame:
    """Rows of Revenue and Margin: closed months and plan, budget, last year.

    Parameters
    ----------
    financials : DataFrame
        Table `financials` of this cycle or of the last. A budget stands where it speaks of nearly
        all revenue (``budgeted_revenue_value``), so that rows can be compared.
    closed : DataFrame
        ``family, month, revenue_value, margin_value`` of closed months, and their budget and last
        year where known.
    is_last : bool
        True where ``financials`` is the last cycle's.
    """
    parts = []
    for measure, column in MONEY.items():
        for row, source, name, mark in (
            (NOW, closed, column, False),
            (NOW, financials, column, is_last),
            ("Budget", closed, f"budget_{column}", False),
            ("Budget", financials, f"budget_{column}", False),
            ("Last year", closed, f"last_year_{column}", False),
            ("Last year", financials, f"last_year_{column}", False),
        ):
            if name in source.columns:
                if row == "Budget" and "budgeted_revenue_value" in source.columns:
                    is_whole = source["budgeted_revenue_value"] >= _WHOLE * source["revenue_value"]
                    source = source[is_whole]
                part = source[["family", "month", name]].rename(columns={name: "amount"})
                parts.append(part.assign(measure=measure, row=row, is_last_plan=mark))
    table = pd.concat(parts, ignore_index=True)
    return table.drop_duplicates(["family", "measure", "row", "month"], keep="first")


def stock_measure(items: pd.DataFrame) -> pd.Series:
    """What stands in the inventory row of each family: Inventory, Backlog or Utilisation."""
    known = items.assign(family=items["family"].fillna(schema.UNASSIGNED))
    to_order = known["is_made_to_order"].fillna(False).astype(bool)
    service = known["is_service"].fillna(False).astype(bool)
    share = pd.DataFrame({"order": to_order, "service": service}).groupby(known["family"]).mean()
    measure = pd.Series("Inventory", index=share.index)
    measure = measure.mask(share["order"] > 0.5, "Backlog")
    return measure.mask(share["service"] > 0.5, "Utilisation")


def stock_rows(stock: pd.DataFrame, measure: pd.Series) -> pd.DataFrame:
    """Month-end stock by family as grid rows; made-to-order families show what they owe.

    Parameters
    ----------
    stock : DataFrame
        ``family, month, amount``: stock less backlog at month end.
    measure : Series
        From ``stock_measure``; families not named (the company) hold inventory.
    """
    words = measure.reindex(stock["family"], fill_value="Inventory").to_numpy()
    named = stock.assign(measure=words)
    named = named[named["measure"] != "Utilisation"]
    owed = named["measure"] == "Backlog"
    return named.assign(amount=named["amount"].mask(owed, -named["amount"]))


def utilisation_rows(
    load: pd.DataFrame, routings: pd.DataFrame, measure: pd.Series, items: pd.DataFrame
) -> pd.DataFrame:
    """Utilisation of the resources that service families pass, by month, as a rate."""
    services = set(measure.index[measure == "Utilisation"])
    of_family = schema.lookup(routings["item"], items, "family").where(
        routings["item"] != schema.ALL, routings["family"]
    )
    routed = routings.assign(family=of_family)
    routed = routed[routed["family"].isin(services)][["family", "resource"]].drop_duplicates()
    # inner: only families that are services show a utilisation
    hours = routed.merge(load, on="resource", how="inner", validate="many_to_many")
    sums = hours.groupby(["family", "month"], as_index=False)[["load_hours", "regular_hours"]].sum()
    rate = sums["load_hours"] / sums["regular_hours"].where(sums["regular_hours"] > 0)
    return sums[["family", "month"]].assign(measure="Utilisation", amount=rate)


def latest(ledger: pd.DataFrame, cycle: pd.Timestamp) -> pd.DataFrame:
    """The last plan of each month: of the cycles before this one, the latest not after the month.

    Parameters
    ----------
    ledger : DataFrame
        A table of past cycles with the columns ``cycle`` and ``month``.
    cycle : Timestamp
        Month in which the plan is made.
    """
    past = ledger[(ledger["cycle"] < cycle) & (ledger["cycle"] <= ledger["month"])]
    newest = past.groupby("month")["cycle"].transform("max")
    return past[past["cycle"] == newest].drop(columns="cycle")
