"""The figures that each page's headline says, as tables of facts.

A fact has a name, an amount, a kind (quantity, value, exact_value, rate, signed_rate, count,
months, month, text) and a text that stands in where the amount is missing. The sentences are in
the notebooks.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import hierarchy, lags, levels
from sopkit.executive.register import MOST_DECISIONS
from sopkit.reconciliation.gap_tree import PARTS
from sopkit.reconciliation.risk import SHOWN

_HALF = 0.5  # units, money: less is rounding

_NO_PRICE = "unknown (no prices)"
_MOST_NAMED = 4
_FELT = 1e-4  # share of revenue from which a headline tells what supply lacks


def _facts(**facts: tuple | str | pd.Timestamp) -> pd.DataFrame:
    """Facts by name: ``(kind, amount)``, ``(kind, amount, text)``, a text, or a month."""
    rows = []
    for name, fact in facts.items():
        if isinstance(fact, str):
            fact = ("text", np.nan, fact)
        elif not isinstance(fact, tuple):
            fact = ("month", np.nan, months.label(fact) if pd.notna(fact) else "no month")
        kind, amount, text = (*fact, "")[:3]
        rows.append((name, amount, kind, text))
    table = pd.DataFrame(rows, columns=["fact", "amount", "kind", "text"])
    return table.astype({"amount": "float64", "text": "str"})


def _company(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["family"] == schema.COMPANY_LABEL].sort_values("month")


def _rate(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def everywhere(
    history: pd.DataFrame, rates: pd.DataFrame, items: pd.DataFrame, planning_unit: str
) -> dict[str, tuple | str]:
    """What every page says: what totals are counted in, and the share of items without a family.

    That share is of the last twelve months' money; of units where the price of any is unknown, so
    that nothing unpriced weighs nothing.
    """
    last = history[history["month"] > history["month"].max() - pd.DateOffset(months=12)]
    priced = last.merge(
        rates[[*schema.SERIES, "unit_price_value"]], on=schema.SERIES, how="left", validate="m:1"
    )
    levelled = hierarchy.with_levels(priced, items)
    price = priced["unit_price_value"]
    money = levelled["demand"] * (price if price.notna().all() else 1.0)
    share = _rate(money[levelled["family"] == schema.UNASSIGNED].sum(), money.sum())
    units = schema.lookup(history["item"].drop_duplicates(), items, "unit").dropna().unique()
    several = len(units) if len(units) > 1 else float("nan")
    return {
        "unassigned_rate": ("rate", share, "none"),
        "unit": planning_unit,
        "several_units": ("count", several, "one"),
    }


def data_review(
    history: pd.DataFrame,
    corrections: pd.DataFrame,
    findings: pd.DataFrame,
    controls: pd.DataFrame,
    restated: pd.DataFrame,
    measured: pd.DataFrame,
    plans: pd.DataFrame,
    common: dict,
) -> pd.DataFrame:
    """Rows and units known, what cleaning changed, what the check found, whether totals tie."""
    changed = history[["returns", "unfilled", "stockout", "outlier"]].abs().sum().sum()
    untied, seen = controls[~controls["is_tied"]], plans["origin"] == "hindsight"
    revenue = history["revenue_value"].sum(min_count=1)
    return _facts(
        series=("count", len(history[schema.SERIES].drop_duplicates())),
        sales_units=("quantity", history["sales"].sum()),
        sales_revenue=("exact_value", revenue, "no revenue given"),
        first_month=history["month"].min(),
        last_month=history["month"].max(),
        corrections=("count", len(corrections)),
        corrected_rate=("rate", _rate(changed, history["sales"].abs().sum()), "none"),
        notices=("count", (findings["state"] == "notice").sum()),
        controls=_tied(controls, untied),
        restated=("count", len(restated) or np.nan, "nothing"),
        hindsight=("count", plans.loc[seen, "cycle"].nunique() or np.nan, "none"),
        planned_rate=("rate", _planned_rate(measured), "unknown"),
        **common,
    )


def _planned_rate(measured: pd.DataFrame) -> float:
    """Share of what came of which the forecast spoke a month before."""
    own = measured[(measured["level"] == "total") & (measured["layer"] == "statistical")]
    own = own[own["lag"] == 1]
    return own["covered_rate"].iloc[0] if len(own) else np.nan


def _tied(controls: pd.DataFrame, untied: pd.DataFrame) -> str:
    if controls.empty:
        return "Finance gave no totals to compare with"
    if untied.empty:
        return f"All {len(controls)} of finance's totals tie"
    verb = "does" if len(untied) == 1 else "do"
    return f"{len(untied)} of {len(controls)} of finance's totals {verb} not tie"


def product_review(classes: pd.DataFrame, common: dict) -> pd.DataFrame:
    """How many series there are of each kind, and where the money sits."""
    money = classes.groupby("abc")["revenue_value"].sum()
    life = classes.drop_duplicates("item").groupby("lifecycle").size()
    irregular = classes["demand_class"].isin(["intermittent", "lumpy"]).mean()
    return _facts(
        series=("count", len(classes)),
        items=("count", classes["item"].nunique()),
        a_series=("count", (classes["abc"] == "A").sum()),
        a_rate=("rate", _rate(money.get("A", 0.0), money.sum()), "none"),
        tail_series=("count", (classes["abc"] == "C").sum()),
        unsold="" if money.sum() > 0 else "Nothing was sold in the last twelve months",
        irregular_rate=("rate", irregular),
        new_items=("count", life.get("new", 0)),
        ending_items=("count", life.get("ending", 0)),
        **common,
    )


def demand_review(
    plan: pd.DataFrame,
    history: pd.DataFrame,
    accuracy: pd.DataFrame,
    status: pd.DataFrame,
    cycle: pd.Timestamp,
    common: dict,
) -> pd.DataFrame:
    """The plan beside last year, what people changed, and how good the forecast has been."""
    first_year = plan[plan["month"] < months.shift(cycle, 12)]
    year_ago = history[history["month"] >= months.shift(cycle, -12)]
    is_whole = year_ago["month"].nunique() == 12 and first_year["month"].nunique() == 12
    growth = _rate(first_year["consensus"].sum(), year_ago["demand"].sum()) - 1.0
    people, unmeasured = plan["departments"].sum(), "not measurable yet"
    unlike = "unknown (not twelve months of sales)"
    ours, naive = (_error(accuracy, model, "wape") for model in ("combined", "seasonal_naive"))
    is_worse = ours > naive
    return _facts(
        plan_units=("quantity", plan["consensus"].sum()),
        horizon=("months", plan["month"].nunique()),
        first_year_units=("quantity", first_year["consensus"].sum()),
        growth_rate=("signed_rate", growth if is_whole else np.nan, unlike),
        people_units=("signed_quantity", people),
        event_units=("signed_quantity", plan["events"].sum() or np.nan, "nothing"),
        override_units=("signed_quantity", plan["overrides"].sum() or np.nan, "nothing"),
        people_rate=(
            "signed_rate",
            _rate(people, (plan["statistical"] + plan["events"]).sum()),
            "nothing",
        ),
        wape=("rate", ours, unmeasured),
        naive_wape=("rate", naive, unmeasured),
        verdict="so it does not pay yet" if is_worse else "so it pays",
        nervousness_rate=("rate", _error(accuracy, "combined", "nervousness_rate"), unmeasured),
        bias_rate=("signed_rate", _error(accuracy, "combined", "bias_rate"), unmeasured),
        submitted=_submitted(status),
        **common,
    )


def coherence(table: pd.DataFrame) -> pd.DataFrame:
    """Whether forecasts of levels are made to add up, and what past errors say of it."""
    if table.empty:
        words = (
            "There is no level above the series, or company.yml says never: nothing is compared."
        )
        return _facts(coherence_verdict=words, coherence_levels=("count", np.nan))
    every = table[table["level"] == levels.EVERY].iloc[0]
    is_used = every["is_used"]
    is_better = every["gain_rate"] > levels.SURE * every["noise_rate"]
    stands = "so the series' own forecasts stand and all levels are their sums."
    if is_used:
        why = (
            "beyond chance, so"
            if is_better
            else "no more than chance, but company.yml says always:"
        )
        words = f"That is {why} coherent forecasts are used."
    elif pd.isna(every["gain_rate"]):
        words = f"History is too short to tell, {stands}"
    else:
        why = "no more than chance" if every["gain_rate"] > 0 else "no gain"
        words = f"That is {why}, {stands}"
    return _facts(
        coherence_verdict=words,
        coherence_levels=("count", table["level"].nunique() - 1),
        bottom_up_wape=("rate", every["bottom_up_wape"]),
        coherent_share=("signed_rate", -every["removed_share"]),
        chance_share=("rate", levels.SURE * every["noise_rate"] / every["bottom_up_wape"]),
    )


def _submitted(status: pd.DataFrame) -> str:
    if status.empty:
        return "No department is asked for a view"
    missing = status.loc[status["state"] != "submitted", "department"]
    if missing.empty:
        return "All departments have submitted"
    verb = "has" if len(missing) == 1 else "have"
    words = ", ".join(missing)
    return f"{words[0].upper()}{words[1:]} {verb} not submitted"


def _error(accuracy: pd.DataFrame, model: str, measure: str) -> float:
    """Error of a model by family and month three months ahead, weighted by volume."""
    rows = accuracy[
        (accuracy["level"] == "family") & (accuracy["model"] == model) & (accuracy["lag"] == 3)
    ]
    rows = rows[rows[measure].notna()]
    return _rate((rows[measure] * rows["volume"]).sum(), rows["volume"].sum())


def supply_review(
    projection: pd.DataFrame,
    delivered: pd.DataFrame,
    load: pd.DataFrame,
    costs: pd.DataFrame,
    hour_values: pd.DataFrame,
    rivals: pd.DataFrame,
    strategy: str,
    is_stock_known: bool,
    below: dict[str, object],
    common: dict,
) -> pd.DataFrame:
    """What can be delivered in time, where hours run short, which way is cheapest and for how long.

    ``rivals`` is from ``strategies.break_even``, ``below`` from ``inventory.below_safety``.
    """
    totals = costs.groupby("strategy")["amount_value"].sum(min_count=1)
    other = totals.drop(strategy, errors="ignore")
    late = projection[projection["closing"] < -0.5]
    busy = load[load["utilisation_rate"].notna()].nlargest(1, "utilisation_rate")
    is_comparable = "holding stock" in set(costs["cost_kind"]) and totals.notna().all()
    unknown = "The cost of holding stock is not known, so the ways cannot be compared in money"
    on_time = _rate(delivered["on_time"].sum(), delivered["demand"].sum())
    if not is_stock_known:  # what is late rests on an assumption
        on_time = np.nan
    cheapest = f"Of the ways to supply, {totals.idxmin()} costs least" if is_comparable else unknown
    assumed = set(costs.loc[costs["is_assumed"], "cost_kind"]) - {"stock below target"}
    return _facts(
        demand_units=("quantity", projection["demand"].sum()),
        on_time_rate=("rate", on_time, "unknown" if is_stock_known else "unknown (no stock given)"),
        unmeasured=_unmeasured(on_time, is_stock_known),
        late_items=("count", late["item"].nunique() if is_stock_known else np.nan, "unknown"),
        first_late_month=late["month"].min(),
        below_items=("count", below["items"] or np.nan, "no item"),
        below_of=("count", below["of"]),
        below_month=below["month"],
        below_value=("value", below["amount_value"] or np.nan, "unknown (no costs)"),
        peak_rate=("rate", busy["utilisation_rate"].max(), "unknown (no resources)"),
        peak_resource=str(busy["resource"].iloc[0]) if len(busy) else "no resource",
        peak_month=busy["month"].max(),
        strategy=strategy,
        strategy_cost=("value", totals.get(strategy, np.nan), "unknown"),
        other_cost=("value", other.min() if len(other) else np.nan, "unknown"),
        other=str(other.idxmin()) if other.notna().any() else "no other way",
        cheapest=cheapest,
        rival=_rival(rivals) if is_comparable else "",
        hour_resource=str(hour_values["resource"].iloc[0]) if len(hour_values) else "no resource",
        hour_month=hour_values["month"].iloc[0] if len(hour_values) else pd.NaT,
        hour_value=("exact_value", hour_values["value"].max(), "nothing"),
        assumed=f"The cost of {' and '.join(sorted(assumed))} is assumed" if assumed else "",
        stock_known="Stock is as counted at the last month end"
        if is_stock_known
        else "No stock was given: the plan begins at safety stock",
        **common,
    )


def _unmeasured(on_time: float, is_stock_known: bool) -> str:
    """Why nobody can say what comes in its month, in words; empty where it is measured."""
    if not is_stock_known:
        return "What comes in its month is unknown, as no stock was given (data/raw/inventory.csv)"
    return "" if np.isfinite(on_time) else "No demand is planned, so there is nothing to supply"


def short(
    shortages: pd.DataFrame,
    delivered: pd.DataFrame,
    wanted: pd.DataFrame,
    plan: pd.DataFrame,
    rules: pd.DataFrame,
    channels: pd.DataFrame,
    *,
    is_stock_known: bool,
) -> dict[str, tuple | str]:
    """What is not delivered in its month, of what was agreed and of what customers want.

    ``shortages``, ``delivered``, ``wanted`` (deliveries beside what customers wanted first) and
    ``plan`` are in planning units; ``rules`` is table `allocation_rules`. Most: by money, in units
    where a price is missing. Where stock is assumed no late unit is told.
    """
    own = shortages[shortages["cause"] != "backlog"]
    units = own["late_quantity"] + own["lost_quantity"]
    weight = units if own["amount_value"].isna().any() else own["amount_value"]
    by = weight.groupby([own["cause"], own["limit"]]).sum()
    cause, limit = by.idxmax() if len(by) else ("", "")
    share = _rate(by.max(), by.sum()) if len(by) else np.nan
    late, still = (
        (seen["demand"] - seen["on_time"]).clip(lower=0.0).sum() if is_stock_known else np.nan
        for seen in (delivered, wanted)
    )
    of_rule = rules[rules["is_chosen"] & (rules["channel"] == schema.ALL)]
    money = of_rule["late_value"].sum(min_count=1) if late > _HALF else np.nan
    beyond = delivered["demand"].sum() - plan["constrained"].sum()
    is_agreed = not wanted["demand"].equals(delivered["demand"])
    still = still if is_agreed else np.nan
    return {
        "demand_kind": "demand as sales agreed to it" if is_agreed else "demand",
        "beyond_units": ("quantity", beyond if beyond > _HALF else np.nan, "none"),
        "wanted_rate": ("rate", 1.0 - _rate(still, wanted["demand"].sum()), "all"),
        "wanted_late": ("quantity", still, "none"),
        "short_units": ("quantity", late if late > _HALF else np.nan, "nothing"),
        "short_value": ("value", money, "unknown (no prices)"),
        "short_cause": f"{cause} ({limit})" if limit else cause,
        "short_share": ("rate", share),
        "rules_alike": _alike(rules, channels),
    }


def _alike(rules: pd.DataFrame, channels: pd.DataFrame) -> str:
    """Which rules of sharing do the same as fair share, and why."""
    late = rules.pivot(index="rule", columns="channel", values="late_quantity").round(1)
    late = late.loc[rules["rule"].unique()]
    same = late.index[(late == late.loc["fair share"]).all(axis=1)] if len(late) else late.index
    if len(same) < 2:
        return ""
    if len(same) == len(late):
        return "Every rule does the same: no shortage is shared by channels"
    named = {"priority": channels["priority"].notna(), "contract": channels["contract_rate"] > 0}
    empty = [name for name in named if name in same and not named[name].any()]
    why = f": channels.csv holds no {' and no '.join(empty)}" if empty else ""
    return f"{', '.join(same[:-1])} and {same[-1]} do the same{why}".capitalize()


def some_of(names: list[str], most: int = 5) -> str:
    """A few names, and how many more there are; empty where there is none.

    Examples
    --------
    >>> some_of(["CP-01", "CP-02", "CP-03"], most=2)
    'CP-01, CP-02 and 1 more'
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def purchasing(
    bought: dict[str, pd.DataFrame], *, cycle: pd.Timestamp
) -> dict[str, tuple | str | pd.Timestamp]:
    """What is to be ordered in the cycle's month and the next, and what comes too late."""
    orders, parts, late = (
        bought[name] for name in ("purchase_orders", "late_components", "late_launches")
    )
    now, unknown = orders[orders["is_now"]], "unknown (no costs)"
    coming = orders[orders["order_month"] == months.shift(cycle, 1)]
    new = (orders["launch_quantity"] * orders["unit_cost_value"]).sum()
    part, launch = (next(iter(table.to_dict("records")), {}) for table in (parts, late))
    return {
        "orders_now": ("count", len(now) or np.nan, "none"),
        "orders_now_value": ("value", now["amount_value"].sum(min_count=1), unknown),
        "orders_next": ("count", len(coming) or np.nan, "none"),
        "orders_next_value": ("value", coming["amount_value"].sum(min_count=1), unknown),
        "launch_orders_value": ("value", new or np.nan, "unknown"),
        "unpriced_orders": ("count", orders["amount_value"].isna().sum() or np.nan, "none"),
        "late_components": ("count", len(parts) or np.nan, "none"),
        "late_component": part.get("item", ""),
        "late_component_value": ("value", part.get("amount_value", np.nan), "unknown"),
        "late_launches": ("count", len(late) or np.nan, "none"),
        "late_launch_chain": launch.get("chain", ""),
        "late_launch_month": launch.get("possible_month", pd.NaT),
        "late_launch_value": ("value", late["amount_value"].sum(min_count=1), "unknown"),
    }


def hours_in_words(values: pd.DataFrame) -> list[str]:
    """What each row of table `hour_values` says, as a sentence; blank where no range was followed.

    Examples
    --------
    >>> row = {"resource": "welding", "month": pd.Timestamp("2026-10-01"), "value": 812.0}
    >>> hours_in_words(pd.DataFrame([row | {"hours": 40.0, "next_value": 315.0}]))
    ['One more hour of welding in October 2026 saves 812; 40 are worth nearly that, then 315.']
    """
    sentences = []
    for row in values.itertuples():
        first, then = (f"{x:,.0f}" if x >= 100 else f"{x:.2f}" for x in (row.value, row.next_value))
        hours = f"{row.hours:,.0f}" if row.hours >= 1 else f"{row.hours:.2g}"
        month = f"{row.month:%B %Y}"
        after = f"then {then}" if row.next_value > 0 else "then nothing"
        words = f"One more hour of {row.resource} in {month} saves {first}; {hours} are worth"
        sentences.append(f"{words} nearly that, {after}." if row.hours == row.hours else "")
    return sentences


def _rival(rivals: pd.DataFrame) -> str:
    """What would have to change for another way to win."""
    if rivals.empty:
        return "and no single cost, whatever it were, would change that"
    row = rivals.iloc[0]
    times = f"{row['factor']:.2g}" if row["factor"] < 10 else f"{row['factor']:,.0f}"
    return (
        f"and stays so until the cost of {row['cost_kind']} is {times} times today's, when "
        f"{row['other']} would cost the same"
    )


def reconciliation(
    financials: pd.DataFrame, gaps: pd.DataFrame, plans: pd.DataFrame, common: dict
) -> pd.DataFrame:
    """The plan in money beside what can be supplied, budget and last year."""
    money, gap = _company(financials), _company(gaps)
    waiting = gap.set_index("month")["gap"].cumsum()
    is_short = waiting.min() < -0.5
    families = gaps[gaps["family"] != schema.COMPANY_LABEL].sort_values("month")
    planned, priced = money["quantity"].sum(), money["priced_quantity"].sum()
    unpriced = 1.0 - _rate(priced, planned) if priced else np.nan
    revenue, margin = money["revenue_value"].sum(min_count=1), money["margin_value"]
    margin, costed = margin.sum(min_count=1), money["costed_revenue_value"].sum()
    budgeted = money[money["budget_revenue_value"].notna()]
    coverage = _rate(budgeted["budgeted_revenue_value"].sum(), budgeted["revenue_value"].sum())
    return _facts(
        revenue=("value", revenue, _NO_PRICE),
        margin=("value", margin, "unknown (no costs)"),
        margin_rate=("rate", _rate(margin, costed), "unknown"),
        supply_gap=("signed_value", gap["gap_value"].cumsum().min(), _NO_PRICE),
        lowest_gap=("signed_quantity", waiting.min() if is_short else 0.0),
        lowest_gap_month=waiting.idxmin() if is_short else pd.NaT,
        supply_state=_supply_state(families),
        budget_variance_rate=_beside(money, "budget_revenue_value", "no budget"),
        budget_months=("months", money["budget_revenue_value"].notna().sum()),
        budget_coverage_rate=("rate", coverage if coverage < 0.995 else np.nan, "all"),
        last_year_rate=_beside(money, "last_year_revenue_value", "no sales a year before"),
        unpriced_rate=("rate", unpriced if unpriced > 0 else np.nan, "none"),
        replayed=("count", 1 if _is_replayed(plans) else np.nan, "none"),
        **common,
    )


def gap(tree: pd.DataFrame, levels: pd.DataFrame) -> dict[str, tuple | str]:
    """The company's gap to the budget, else to last year, in the first period, part by part.

    Parameters
    ----------
    tree, levels : DataFrame
        Tables `gap_tree` and `gap_levels`.
    """
    is_told = tree["against"].isin(["budget", "last year"]) & (tree["level"] == "company")
    whole = tree[is_told].sort_values("period")
    for name, member in (("against", "budget"), ("measure", "margin")):
        own = whole[whole[name] == member]
        whole = own if len(own) else whole
    row = whole.iloc[0] if len(whole) else whole.reindex([0]).iloc[0]
    level = levels.set_index("against")["mix_level"].get(row["against"], "")
    shown = {name: abs(row[name]) > 0.5 for name in PARTS}
    return {
        "gap_against": _beside_words(row["against"]) if len(whole) else "",
        "gap_measure": str(row["measure"]) if len(whole) else "",
        "gap_period": str(row["period"]) if len(whole) else "",
        "gap": ("signed_value", row["gap_value"]),
        "gap_mix_level": level,
        **{f"gap_{name}": ("signed_value", row[name] if shown[name] else np.nan) for name in PARTS},
    }


def _beside_words(against: str) -> str:
    return against if against == "last year" else f"the {against}"


def risk(results: dict[str, pd.DataFrame]) -> dict[str, tuple | str]:
    """How sure the first year's margin (else revenue) is, and what is most at risk.

    ``results`` hold the tables `risk_totals`, `risk_items`, `risk_resources` and `risk_levers`.
    """
    totals, items = results["risk_totals"], results["risk_items"]
    resources, levers = results["risk_resources"], results["risk_levers"]
    known = totals[totals["mean_value"].notna()].sort_values("period")
    margins = known[known["measure"] == "margin"]
    known = margins if len(margins) else known[known["measure"] == "revenue"]
    row = known.iloc[0] if len(known) else totals.reindex([-1]).iloc[0]
    items = items[items["month"] < months.shift(items["month"].min(), SHOWN)]
    items = items[items["stockout_rate"] > 0]  # what is owed less often is less than a unit
    measure = "owed_value" if items["owed_value"].gt(0).any() else "owed_quantity"
    stake = items.groupby(["item", "location"])[measure].sum()
    item = None
    if stake.gt(0).any():
        name, place = stake.idxmax()
        own = items[(items["item"] == name) & (items["location"] == place)]
        item = own.loc[own["stockout_rate"].idxmax()]
    busy = resources[resources["overload_rate"] > 0].nlargest(1, "overload_rate")
    best = levers[levers["net_value"] > _HALF].head(1)
    return {
        "risk_period": str(row["period"]) if len(known) else "",
        "risk_measure": str(row["measure"]) if len(known) else "",
        "risk_low": ("value", row["value_05"]),
        "risk_high": ("value", row["value_95"]),
        "risk_chance": _chance(row["chance_rate"]),
        "risk_item": "" if item is None else str(item["item"]),
        "risk_item_month": pd.NaT if item is None else item["month"],
        "risk_item_rate": ("rate", np.nan if item is None else item["stockout_rate"]),
        "risk_resource": str(busy["resource"].iloc[0]) if len(busy) else "",
        "risk_resource_month": busy["month"].max(),
        "risk_resource_rate": ("rate", busy["overload_rate"].max()),
        "risk_lever": " ".join(f"{x.change} {x.kind} of {x.subject}" for x in best.itertuples()),
        "risk_lever_net": ("value", best["net_value"].max()),
    }


def levers(results: dict[str, pd.DataFrame]) -> dict[str, tuple | str]:
    """Which levers are worth pulling, what they bring, and the limit that costs most.

    ``results`` hold the tables `lever_choice`, `lever_limits`, `lever_sets` and `lever_plan`.
    """
    table, plan = results["lever_choice"], results["lever_plan"].set_index("kpi")
    chosen = table[table["is_chosen"]]
    row = plan.reindex(["contribution_value" if len(chosen) else ""]).iloc[0]
    other = results["lever_sets"].iloc[1:].reset_index(drop=True).reindex([0]).iloc[0]
    is_closed = other["closed_value"] >= other["lacking_value"] - _SEEN_MONEY
    bound = results["lever_limits"].nlargest(1, "without_value")
    bound = bound[bound["without_value"] > _SEEN_MONEY]
    names = "; ".join(chosen["statement"].head(SHOWN))
    state = f"{len(chosen)} of {len(table)} levers should be pulled: {names}"
    can_act = table["verdict"].ne("cannot act").any()
    within = " within the limits" if len(results["lever_limits"]) else ""
    none = f"No lever{within} would bring more than it costs" if can_act else "No lever can act"
    state = state if len(chosen) else none
    return {
        "levers_state": state if len(table) else "",
        "levers_net": ("signed_value", row["expected_value"]),
        "levers_cost": ("value", chosen["cost_value"].sum() if len(chosen) else np.nan),
        "levers_in_plan": ("signed_value", row["difference"]),
        "levers_lacking": ("value", other["lacking_value"]),
        "levers_closing": str(other["levers"]) if is_closed else "",
        "levers_closing_cost": ("value", other["cost_value"]),
        "levers_reach": ("value", np.nan if is_closed else other["closed_value"]),
        "levers_limit": "".join(bound["limit"]),
        "levers_limit_value": ("value", bound["without_value"].max()),
    }


def _chance(rate: float) -> str:
    """A chance in words that never claims certainty; blank where it is not known.

    Examples
    --------
    >>> _chance(0.0), _chance(0.42), _chance(1.0)
    ('below 1%', '42%', 'above 99%')
    """
    if np.isnan(rate):
        return ""
    return "below 1%" if rate < 0.01 else "above 99%" if rate > 0.99 else f"{rate:.0%}"


def years(results: dict[str, pd.DataFrame]) -> dict[str, tuple | str]:
    """Whether the year is made, what the plan ties up, and whether the years ahead fit capacity.

    ``results`` hold the tables `outlook`, `plan_money`, `money_by_level` and `strategic_years`.
    """
    return (
        _year(results["outlook"])
        | _tied_up(results["plan_money"], results["money_by_level"])
        | _years_ahead(results["strategic_years"])
    )


def _year(outlook: pd.DataFrame) -> dict[str, tuple | str]:
    """Do we make the fiscal year, and what the months to go would have to do.

    In revenue; in units where no price and no budget in money is known.
    """
    own = outlook[outlook["measure"] == "revenue"]
    is_money = own[["outlook", "budget"]].notna().any(axis=None)
    own = own if is_money else outlook[outlook["measure"] == "units"]
    kind = "value" if is_money else "quantity"
    own = own[own["fiscal_year"] == own["fiscal_year"].min()]
    is_company = own["family"] == schema.COMPANY_LABEL
    row = own[is_company].iloc[0]
    revenue = row["outlook"]
    # family by family, else one family's open orders would hide what another lacks
    families = own[~is_company] if len(own) > 1 else own
    apart = families["supplied_outlook"] - families["outlook"]
    lacks, beyond = -apart.clip(upper=0.0).sum(min_count=1), apart.clip(lower=0.0).sum()
    is_short = lacks > max(_FELT * revenue, 0.5)
    is_made = row["budgeted"] >= row["budget"]
    verdict = "We make the year" if is_made else "The year is not made yet"
    why = "not every month of the year has a budget"
    return {
        "fiscal_year": str(row["fiscal_year"]),
        "verdict": verdict if row["budget"] > 0 else "No budget says whether the year is made",
        "outlook_of": "revenue" if is_money else "quantity",
        "outlook": (kind, revenue, _NO_PRICE),
        "counted_as": "" if is_money else "no price is known",
        "unsupplied": (kind, lacks if is_short else np.nan, "none"),
        "all_supplied": ("rate", np.nan if is_short or np.isnan(lacks) else 1.0, "not all"),
        "supplied_beyond": (kind, beyond if beyond > _FELT * revenue else np.nan, "none"),
        "budget": (kind, row["budget"], f"unknown ({why})"),
        "outlook_rate": ("signed_rate", _rate(row["budgeted"], row["budget"]) - 1.0, "unknown"),
        "budget_gap": (f"signed_{kind}", row["budgeted"] - row["budget"], "unknown"),
        "outlook_change": (f"signed_{kind}", revenue - row.get("last_outlook", np.nan), "unknown"),
        "last_year": (kind, row["last_year"], "unknown (no sales of all its months)"),
        "year_growth_rate": ("signed_rate", _rate(revenue, row["last_year"]) - 1.0, "unknown"),
        "at_risk": (kind, lacks if is_short else 0.0 * lacks, "unknown"),
        "planned_growth_rate": ("signed_rate", row["growth_planned_rate"], "unknown"),
        "needed_growth_rate": ("signed_rate", row["growth_needed_rate"], "unknown"),
        "months_to_go": ("months", row["months_to_go"]),
    }


def _tied_up(plan_money: pd.DataFrame, by_level: pd.DataFrame) -> dict[str, tuple]:
    """Most money that the plan ties up, and what exchange rates do to it."""
    own = by_level[(by_level["level"] == "company") & (by_level["period_kind"] == "month")]
    cash = own.set_index("period")["cash_value"]
    known = own[["receivable_value", "payable_value"]].notna().any()
    missing = [
        word
        for word, is_known in zip(("customers", "suppliers"), known, strict=True)
        if not is_known
    ]
    moved = plan_money["held_rate_revenue_value"] - plan_money["revenue_value"]
    is_foreign = moved.abs().sum() > 0.5
    return {
        "peak_cash": ("value", cash.max(), "unknown (no costs)"),
        "peak_cash_month": cash.idxmax() if cash.notna().any() else pd.NaT,
        "end_cash": ("value", cash.iloc[-1] if len(cash) else np.nan, "unknown (no costs)"),
        "unknown_terms": " and of ".join(missing),
        "rate_effect": ("signed_value", moved.sum() if is_foreign else np.nan, "none"),
    }


def cash(table: pd.DataFrame, unknown: list[str]) -> dict[str, tuple | str | pd.Timestamp]:
    """Money that comes in and goes out, the tightest months, and whose terms are not known."""
    by_month = table.groupby("month")["amount_value"].sum()
    is_in = table["amount_value"] > 0
    running = by_month.cumsum()
    has_any = len(table) > 0
    more = f" and {len(unknown) - _MOST_NAMED} more" if len(unknown) > _MOST_NAMED else ""
    return {
        "cash_in": ("value", table.loc[is_in, "amount_value"].sum() if has_any else np.nan),
        "cash_out": ("value", -table.loc[~is_in, "amount_value"].sum() if has_any else np.nan),
        "cash_low_month": by_month.idxmin() if has_any else pd.NaT,
        "cash_low": ("signed_value", by_month.min() if has_any else np.nan, "unknown"),
        "cash_lowest": ("signed_value", running.min() if (running < 0).any() else np.nan, "none"),
        "cash_unknown": ", ".join(unknown[:_MOST_NAMED]) + more,
    }


def _years_ahead(years: pd.DataFrame) -> dict[str, tuple | str]:
    """The first year in which a resource lacks regular hours, else which is the busiest."""
    load = years[years["level"] == "resource"]
    over = load[load["extra_hours"] > 0].sort_values(
        ["fiscal_year", "utilisation_rate"], ascending=[True, False]
    )
    first = over.iloc[0] if len(over) else pd.Series(dtype="object")
    busiest = load[load["utilisation_rate"].notna() & over.empty].nlargest(1, "utilisation_rate")
    row = busiest.iloc[0] if len(busiest) else pd.Series(dtype="object")
    return {
        "over_resource": str(first.get("member", "")),
        "over_year": str(first.get("fiscal_year", "")),
        "over_rate": ("rate", first.get("utilisation_rate", np.nan), "none"),
        "extra_hours": ("quantity", first.get("extra_hours", np.nan), "none"),
        "extra_workers": (
            "count",
            np.ceil(first.get("extra_workers", np.nan)),
            "an unknown number of",
        ),
        "busiest_resource": str(row.get("member", "")),
        "busiest_year": str(row.get("fiscal_year", "")),
        "busiest_rate": ("rate", row.get("utilisation_rate", np.nan), "unknown (no resources)"),
    }


def contradictions(check: pd.DataFrame, disconnects: pd.DataFrame) -> pd.DataFrame:
    """How many goals of the sales strategy can be delivered, the worst, and the disconnects."""
    measured = check[check["status"] != "not measured"]
    missed = measured[measured["status"] != "deliverable"]
    missed = missed.sort_values("amount_value", ascending=False, kind="stable").head(1)
    goal = dict.fromkeys(("words", "takes"), "") | {"amount_value": np.nan}
    for row in missed.to_dict("records"):
        goal = row | {"words": f"{row['goal']}, bound by {row['binding']}"}
    shown, small = (disconnects[disconnects["is_material"].eq(is_shown)] for is_shown in (1, 0))
    first = [f"{row['rule']} ({row['subject']})" for row in shown.head(1).to_dict("records")]
    return _facts(
        goals_state=_goals_state(measured),
        goals_unmeasured=("count", len(check) - len(measured) or np.nan, "none"),
        worst_goal=goal["words"],
        worst_goal_short=("value", goal["amount_value"], "unknown"),
        worst_goal_takes=goal["takes"],
        disconnects_state=_disconnects_state(len(shown)),
        disconnects_value=("value", shown["amount_value"].sum(min_count=1), "unknown"),
        worst_disconnect="".join(first),
        small_disconnects=("count", len(small) or np.nan, "none"),
        small_disconnects_value=("value", small["amount_value"].sum()),
    )


def _goals_state(measured: pd.DataFrame) -> str:
    if measured.empty:
        return "No goal of the sales strategy is written or can be measured"
    met = (measured["status"] == "deliverable").sum()
    return f"{met} of {len(measured)} goals of the sales strategy are deliverable with this plan"


def _disconnects_state(count: int) -> str:
    if count == 0:
        return "No two plans contradict each other above materiality"
    return f"{count} contradiction{'s' * (count > 1)} between plans should be talked about"


def _is_replayed(plans: pd.DataFrame) -> bool:
    """Whether the last cycle's plan is one that nobody had."""
    last = plans[plans["cycle"] == plans["cycle"].max()]
    return len(last) > 0 and last["origin"].iloc[0] in lags.REMADE


def _supply_state(families: pd.DataFrame) -> str:
    """The family whose customers wait for most money, or units where no price is known."""
    running = families.groupby("family")[["gap", "gap_value"]].cumsum()
    worst = running.groupby(families["family"]).min()
    short = worst[worst["gap"] < -0.5]
    if short.empty:
        return "Supply follows demand in every family"
    measure = "gap_value" if short["gap_value"].notna().any() else "gap"
    return f"Supply is furthest behind in {short[measure].idxmin()}"


def _beside(money: pd.DataFrame, column: str, reason: str) -> tuple:
    """Planned revenue beside another's, over the months that have both."""
    both = money[money[column].notna()]
    reason = "no prices" if money["revenue_value"].isna().all() else reason
    ours = "budgeted_revenue_value" if column.startswith("budget") else "revenue_value"
    rate = _rate(both[ours].sum(), both[column].sum()) - 1.0
    return ("signed_rate", rate, f"unknown ({reason})")


_SEEN_MONEY = 0.5  # below which two plans are worth the same
_UNBEATEN = "no other choice would be better in any state"


def scenarios(
    table: pd.DataFrame, listed: pd.DataFrame, ranked: pd.DataFrame, states: int, left_out: list
) -> pd.DataFrame:
    """What scenarios would change most, and the choice that is least regretted.

    Parameters
    ----------
    table, listed : DataFrame
        Tables `scenarios` and `scenario_list`.
    ranked : DataFrame
        Choices, from ``regret.robust``.
    states : int
        Outside states they were tried in, the plan's own among them.
    left_out : list of str
        Scenarios that are not combined with those of the other kind.
    """
    title = listed.set_index("scenario")["title"]
    moves = table[table["kpi"] == "contribution_value"].set_index("scenario")["difference"]
    worst = moves.min()
    facts = {"scenarios": ("count", max(len(listed) - 1, 0) or np.nan, "none")}
    facts["worst"] = title[moves.idxmin()] if worst < 0 else "none"
    facts["worst_value"] = ("value", -worst if worst < 0 else np.nan, "unknown")
    words = dict.fromkeys(["robust", "robust_state", "unbeaten", "by_mean"], "")
    words["left_out"] = "none"
    amounts = dict(robust_value=np.nan, choices=np.nan, states=np.nan, not_combined=np.nan)
    if len(ranked) > 1 and states > 1:
        best = ranked.iloc[0]
        by_mean = ranked.loc[ranked["mean_contribution_value"].idxmax(), "choice"]
        words["robust"], words["by_mean"] = title[best["choice"]], title[by_mean]
        is_best = best["worst_regret_value"] < _SEEN_MONEY
        words["robust_state"] = "" if is_best else title[best["worst_outside"]]
        words["unbeaten"] = _UNBEATEN if is_best else ""
        words["left_out"] = ", ".join(title[left_out]) or "none"
        amounts = dict(robust_value=best["worst_regret_value"], choices=len(ranked) - 1)
        amounts |= dict(states=states - 1, not_combined=len(left_out) or np.nan)
    facts["robust_value"] = ("value", amounts.pop("robust_value"), "unknown")
    counts = {name: ("count", amount, "none") for name, amount in amounts.items()}
    return _facts(**facts, **words, **counts)


def executive_review(
    outlook: pd.DataFrame,
    kpis: pd.DataFrame,
    register: pd.DataFrame,
    undelivered: pd.DataFrame,
    common: dict,
) -> pd.DataFrame:
    """Do we make the year, what is missed, what is to be decided, what became of promises."""
    is_decision, is_action = (register["kind"] == kind for kind in ("decision", "action"))
    wanted = register[is_decision & register["status"].isin(["wanted", "overdue"])]
    late = register["status"] == "overdue"
    return _facts(
        **_year(outlook),
        **_late(undelivered, common["unit"]),
        kpis_missed=("count", (kpis["status"] == "missed").sum()),
        kpis_measured=("count", kpis["status"].isin(["met", "near", "missed"]).sum()),
        decisions=("count", len(wanted)),
        asked=("count", len(wanted) or np.nan, "none"),
        more_decisions=("count", max(len(wanted) - MOST_DECISIONS, 0) or np.nan, "none"),
        first_deadline=wanted["due"].min() if len(wanted) else "none",
        overdue_decisions=("count", (late & is_decision).sum() or np.nan, "none"),
        overdue_actions=("count", (late & is_action).sum()),
        **common,
    )


def _late(undelivered: pd.DataFrame, unit: str) -> dict[str, tuple | str]:
    """What is not delivered in its month: in money, or in units where a price is missing."""
    is_priced = undelivered["late_value"].notna().all()
    name, kind = ("late_value", "value") if is_priced else ("late_quantity", "quantity")
    is_late = len(undelivered) > 0
    return {
        "late": (kind, undelivered[name].sum() if is_late else np.nan, "none"),
        "late_unit": "" if is_priced else unit,
        "late_month": months.label(undelivered["first_month"].min()) if is_late else "",
    }
