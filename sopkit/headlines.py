"""The figures that each page's headline says, as tables of facts.

A fact has a name, an amount, a kind (quantity, value, rate, signed_rate, count, months, month,
text) and a text that stands in where the amount is missing. The sentences are in the notebooks.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.demand import hierarchy

_COLUMNS = ["fact", "amount", "kind", "text"]


def _table(rows: list[tuple]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=_COLUMNS)
    return table.astype({"amount": "float64", "text": "str"})


def _company(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["family"] == schema.COMPANY_LABEL]


def _month_text(month: pd.Timestamp | float) -> str:
    return months.label(month) if pd.notna(month) else "no month"


def unassigned(history: pd.DataFrame, rates: pd.DataFrame, items: pd.DataFrame) -> float:
    """Share of the last twelve months' money (units without prices) in items without a family."""
    last = history[history["month"] > history["month"].max() - pd.DateOffset(months=12)]
    priced = last.merge(
        rates[[*schema.SERIES, "unit_price_value"]], on=schema.SERIES, how="left", validate="m:1"
    )
    levelled = hierarchy.with_levels(priced, items)
    price = priced["unit_price_value"]
    money = levelled["demand"] * (price.fillna(0.0) if price.notna().any() else 1.0)
    total = money.sum()
    return float(money[levelled["family"] == schema.UNASSIGNED].sum() / total) if total else 0.0


def data_review(
    history: pd.DataFrame, corrections: pd.DataFrame, findings: pd.DataFrame, share: float
) -> pd.DataFrame:
    """Rows and units known, what cleaning changed, what the check found."""
    changed = history[["returns", "stockout", "outlier"]].abs().sum().sum()
    revenue = history["revenue_value"].sum(min_count=1)
    return _table(
        [
            ("series", len(history[schema.SERIES].drop_duplicates()), "count", ""),
            ("sales_units", history["sales"].sum(), "quantity", ""),
            ("sales_revenue", revenue, "value", "no revenue given"),
            ("first_month", np.nan, "month", _month_text(history["month"].min())),
            ("last_month", np.nan, "month", _month_text(history["month"].max())),
            ("corrections", len(corrections), "count", ""),
            ("corrected_rate", changed / max(history["sales"].abs().sum(), 1e-9), "rate", ""),
            ("notices", (findings["state"] == "notice").sum(), "count", ""),
            ("unassigned_rate", share, "rate", ""),
        ]
    )


def product_review(classes: pd.DataFrame, share: float) -> pd.DataFrame:
    """How many series there are of each kind, and where the money sits."""
    money = classes.groupby("abc")["revenue_value"].sum()
    life = classes.drop_duplicates("item").groupby("lifecycle").size()
    irregular = classes["demand_class"].isin(["intermittent", "lumpy"]).mean()
    return _table(
        [
            ("series", len(classes), "count", ""),
            ("items", classes["item"].nunique(), "count", ""),
            ("a_series", (classes["abc"] == "A").sum(), "count", ""),
            ("a_rate", money.get("A", 0.0) / max(money.sum(), 1e-9), "rate", ""),
            ("tail_series", (classes["abc"] == "C").sum(), "count", ""),
            ("irregular_rate", irregular, "rate", ""),
            ("new_items", life.get("new", 0), "count", ""),
            ("ending_items", life.get("ending", 0), "count", ""),
            ("unassigned_rate", share, "rate", ""),
        ]
    )


def demand_review(
    plan: pd.DataFrame,
    history: pd.DataFrame,
    accuracy: pd.DataFrame,
    status: pd.DataFrame,
    cycle: pd.Timestamp,
    share: float,
) -> pd.DataFrame:
    """The plan beside last year, what people changed, and how good the forecast has been."""
    first_year = plan[plan["month"] < months.shift(cycle, 12)]
    year_ago = history[history["month"] >= months.shift(cycle, -12)]
    growth = first_year["consensus"].sum() / max(year_ago["demand"].sum(), 1e-9) - 1.0
    if len(months.closed(cycle, 12).difference(pd.DatetimeIndex(history["month"].unique()))):
        growth = np.nan
    missing = status.loc[status["state"] != "submitted", "department"]
    return _table(
        [
            ("plan_units", plan["consensus"].sum(), "quantity", ""),
            ("horizon", plan["month"].nunique(), "months", ""),
            ("first_year_units", first_year["consensus"].sum(), "quantity", ""),
            ("growth_rate", growth, "signed_rate", "unknown (less than a year of history)"),
            ("people_units", plan["departments"].sum(), "signed_quantity", ""),
            (
                "people_rate",
                _rate(plan["departments"].sum(), plan["statistical"].sum()),
                "signed_rate",
                "",
            ),
            ("wape", _error(accuracy, "combined", "wape"), "rate", "not measurable yet"),
            (
                "naive_wape",
                _error(accuracy, "seasonal_naive", "wape"),
                "rate",
                "not measurable yet",
            ),
            (
                "bias_rate",
                _error(accuracy, "combined", "bias_rate"),
                "signed_rate",
                "not measurable yet",
            ),
            ("submitted", np.nan, "text", _submitted(status, missing)),
            ("unassigned_rate", share, "rate", ""),
        ]
    )


def _rate(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def _submitted(status: pd.DataFrame, missing: pd.Series) -> str:
    if status.empty:
        return "No department is asked for a view"
    if missing.empty:
        return "All departments have submitted"
    verb = "has" if len(missing) == 1 else "have"
    return f"{', '.join(missing).capitalize()} {verb} not submitted"


def _error(accuracy: pd.DataFrame, model: str, measure: str) -> float:
    """Error of a model by family and month three months ahead, weighted by volume."""
    rows = accuracy[
        (accuracy["level"] == "family") & (accuracy["model"] == model) & (accuracy["lag"] == 3)
    ]
    return _rate((rows[measure] * rows["volume"]).sum(), rows["volume"].sum())


def supply_review(
    projection: pd.DataFrame,
    delivered: pd.DataFrame,
    load: pd.DataFrame,
    costs: pd.DataFrame,
    strategy: str,
    is_stock_known: bool,
    share: float,
) -> pd.DataFrame:
    """What can be delivered in time, where hours run short, which way is cheapest."""
    totals = costs.groupby("strategy")["amount_value"].sum(min_count=1)
    late = projection[projection["closing"] < -0.5]
    peak = load.loc[[load["utilisation_rate"].idxmax()]] if load["utilisation_rate"].any() else load
    other = totals.drop(strategy, errors="ignore")
    is_comparable = "holding stock" in set(costs["cost_kind"]) and totals.notna().all()
    cheapest = (
        f"{totals.idxmin()} costs least"
        if is_comparable
        else ("the cost of holding stock is not known, so strategies cannot be compared in money")
    )
    return _table(
        [
            ("demand_units", projection["demand"].sum(), "quantity", ""),
            (
                "on_time_rate",
                _rate(delivered["on_time"].sum(), delivered["demand"].sum()),
                "rate",
                "unknown",
            ),
            ("late_items", late["item"].nunique(), "count", ""),
            ("first_late_month", np.nan, "month", _month_text(late["month"].min())),
            ("peak_rate", peak["utilisation_rate"].max(), "rate", "no resources given"),
            (
                "peak_resource",
                np.nan,
                "text",
                str(peak["resource"].iloc[0]) if len(peak) else "no resource",
            ),
            (
                "peak_month",
                np.nan,
                "month",
                _month_text(peak["month"].iloc[0]) if len(peak) else "no month",
            ),
            ("strategy", np.nan, "text", strategy),
            ("strategy_cost", totals.get(strategy, np.nan), "value", "unknown"),
            ("other_cost", other.min() if len(other) else np.nan, "value", "unknown"),
            ("cheapest", np.nan, "text", cheapest),
            (
                "stock_known",
                np.nan,
                "text",
                "Stock is as counted at the last month end"
                if is_stock_known
                else "No stock was given: the plan begins at safety stock",
            ),
            ("unassigned_rate", share, "rate", ""),
        ]
    )


def reconciliation(financials: pd.DataFrame, gaps: pd.DataFrame, share: float) -> pd.DataFrame:
    """The plan in money beside what can be supplied, budget and last year."""
    money, gap = _company(financials), _company(gaps)
    budgeted = money[money["budget_revenue_value"].notna()]
    compared = money[money["last_year_revenue_value"].notna()]
    worst = gaps[(gaps["family"] != schema.COMPANY_LABEL)].groupby("family")["gap_value"].sum()
    no_price = "unknown (no prices)"
    return _table(
        [
            ("revenue", money["revenue_value"].sum(min_count=1), "value", no_price),
            ("margin", money["margin_value"].sum(min_count=1), "value", "unknown (no costs)"),
            (
                "margin_rate",
                _rate(money["margin_value"].sum(min_count=1), money["revenue_value"].sum()),
                "rate",
                "unknown",
            ),
            ("supply_gap", gap["gap_value"].sum(min_count=1), "signed_value", no_price),
            ("lowest_gap", gap["gap"].min(), "signed_quantity", "unknown"),
            (
                "lowest_gap_month",
                np.nan,
                "month",
                _month_text(
                    gap.loc[gap["gap"].idxmin(), "month"] if gap["gap"].notna().any() else np.nan
                ),
            ),
            (
                "worst_family",
                np.nan,
                "text",
                str(worst.idxmin()) if len(worst) and worst.min() < -0.5 else "no family",
            ),
            (
                "budget_variance_rate",
                _variance(budgeted, "budget_revenue_value"),
                "signed_rate",
                "unknown (no budget)",
            ),
            ("budget_months", len(budgeted), "months", ""),
            (
                "last_year_rate",
                _variance(compared, "last_year_revenue_value"),
                "signed_rate",
                "unknown (no sales a year before)",
            ),
            ("unassigned_rate", share, "rate", ""),
        ]
    )


def _variance(rows: pd.DataFrame, column: str) -> float:
    return _rate(rows["revenue_value"].sum(), rows[column].sum()) - 1.0


def executive_review(
    financials: pd.DataFrame,
    closed: pd.DataFrame,
    kpis: pd.DataFrame,
    register: pd.DataFrame,
    *,
    cycle: pd.Timestamp,
    fiscal_year_first_month: int,
    share: float,
) -> pd.DataFrame:
    """Do we make the year, what is missed, what is to be decided."""
    money = _company(financials)
    year = int(months.fiscal_year(pd.Series([cycle]), fiscal_year_first_month).iloc[0])
    planned = money[months.fiscal_year(money["month"], fiscal_year_first_month) == year]
    done = _company(closed)
    done = done[months.fiscal_year(done["month"], fiscal_year_first_month) == year]
    outlook = done["revenue_value"].sum() + planned["revenue_value"].sum(min_count=1)
    supplied = done["revenue_value"].sum() + planned["supply_revenue_value"].sum(min_count=1)
    budget = done["budget_revenue_value"].sum(min_count=len(done)) + planned[
        "budget_revenue_value"
    ].sum(min_count=len(planned))
    wanted = register[register["kind"] == "decision"]
    late = register[(register["kind"] == "action") & (register["status"] == "overdue")]
    return _table(
        [
            ("fiscal_year", np.nan, "text", str(year)),
            ("outlook", outlook, "value", "unknown (no prices)"),
            ("supplied_outlook", supplied, "value", "unknown (no prices)"),
            ("budget", budget, "value", "unknown (no budget for every month)"),
            (
                "outlook_rate",
                outlook / budget - 1.0 if budget else np.nan,
                "signed_rate",
                "unknown",
            ),
            ("at_risk", outlook - supplied, "value", "unknown"),
            ("kpis_missed", (kpis["status"] == "missed").sum(), "count", ""),
            ("kpis_measured", kpis["status"].isin(["met", "near", "missed"]).sum(), "count", ""),
            ("decisions", len(wanted), "count", ""),
            ("first_deadline", np.nan, "text", wanted["due"].min() if len(wanted) else "none"),
            ("overdue_actions", len(late), "count", ""),
            ("unassigned_rate", share, "rate", ""),
        ]
    )
