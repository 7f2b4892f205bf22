"""Companies that are not the sample: published series alone, and a dairy with 4-4-5 periods."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sopkit import store
from sopkit.__main__ import main

pytestmark = pytest.mark.slow


def pages_of(workspace: Path, cycle: str) -> dict[str, str]:
    paths = sorted((workspace / "reports" / cycle).glob("0*.html"))
    return {path.stem[:2]: path.read_text(encoding="utf-8") for path in paths}


def test_twelve_prescription_series_in_sales_alone_get_their_pack(tmp_path, needs):
    pbs = pd.read_csv(needs("shared/data/pbs/PBS.csv.gz"))
    groups = pbs.groupby("ATC2")["Scripts"].sum().nlargest(12).index
    kept = pbs[pbs["ATC2"].isin(groups)]
    sales = kept.groupby(["ATC2", "Month"], as_index=False)["Scripts"].sum()
    sales.columns = ["item", "month", "quantity"]
    raw = tmp_path / "data/raw"
    raw.mkdir(parents=True)
    sales.to_csv(raw / "sales.csv", index=False)
    assert main(["run", "--workspace", str(tmp_path)]) == 0
    pages = pages_of(tmp_path, "2008-07")
    assert sorted(pages) == ["01", "02", "03", "04", "05", "06"]
    cycle = pd.Timestamp("2008-07-01")
    plan = store.read(tmp_path, "demand_plan", cycle)
    assert plan["item"].nunique() == 12
    facts = store.read(tmp_path, "data_review_facts", cycle).set_index("fact")["amount"]
    assert facts["sales_units"] == sales["quantity"].sum()
    assert "data/raw/budget.csv" in pages["05"] and "inventory" in pages["04"]


@pytest.fixture(scope="module")
def dairy(tmp_path_factory) -> Path:
    """Weekdays of three items at two locations, one in francs; 4-4-5 periods from October."""
    root = tmp_path_factory.mktemp("dairy")
    raw = root / "data/raw"
    raw.mkdir(parents=True)
    rows, first, month = [], pd.Timestamp("2022-09-26"), pd.Timestamp("2022-10-01")
    for k in range(72):
        weeks = 5 if k % 3 == 2 else 4
        last = first + pd.Timedelta(days=7 * weeks - 1)
        rows.append((f"{month:%Y-%m}", first.date(), last.date(), 5 * weeks, 2022 + k // 12))
        first, month = last + pd.Timedelta(days=1), month + pd.DateOffset(months=1)
    calendar = ["month", "first_date", "last_date", "working_days", "fiscal_year"]
    pd.DataFrame(rows, columns=calendar).to_csv(raw / "calendar.csv", index=False)
    end = rows[36][2]  # the first period of the fourth year is closed
    days = pd.bdate_range("2022-09-26", end)
    parts = []
    for item, quantity, price in (("cheese", 20, 9.0), ("milk", 300, 1.5), ("box", 5, 30.0)):
        for location in ("home", "ch"):
            day = pd.DataFrame({"date": days.strftime("%Y-%m-%d"), "item": item})
            parts.append(
                day.assign(location=location, quantity=quantity, revenue_value=quantity * price)
            )
    pd.concat(parts).to_csv(raw / "sales.csv", index=False)
    texts = {
        "items.csv": "item,family,unit,unit_cost_value\ncheese,Dairy,kg,5\nmilk,Dairy,litre,1\n"
        "box,Gifts,piece,14\n",
        "locations.csv": "location,currency\nhome,\nch,CHF\n",
        "budget.csv": "family,quarter,revenue_value\nDairy,2026-01,50000\nGifts,2026-01,20000\n",
        "company.yml": "name: Alpine Dairy\ncurrency: EUR\n",
    }
    for name, text in texts.items():
        (raw / name).write_text(text, encoding="utf-8")
    closed = pd.period_range("2022-10", "2025-10", freq="M").strftime("%Y-%m")
    rates = [("CHF", month, "actual", 1.05) for month in closed]
    rates += [("CHF", "2025-11", "budget", 1.1)]
    names = ["currency", "month", "kind", "rate"]
    pd.DataFrame(rates, columns=names).to_csv(raw / "rates.csv", index=False)
    assert main(["run", "--workspace", str(root)]) == 0
    return root


CYCLE = pd.Timestamp("2025-11-01")


def test_days_fall_into_the_companys_periods(dairy):
    history = store.read(dairy, "demand_history", CYCLE)
    cheese = history[(history["item"] == "cheese") & (history["location"] == "home")]
    by_month = cheese.set_index("month")["sales"]
    assert by_month["2024-10-01"] == 20 * 20 and by_month["2024-12-01"] == 25 * 20
    assert by_month.index.max() == pd.Timestamp("2025-10-01")


def test_units_without_factors_are_added_in_money_and_every_page_says_so(dairy):
    units = store.read(dairy, "planning_units", CYCLE)
    assert set(units["planning_unit"]) == {"EUR at the prices of the cycle"}
    for page in pages_of(dairy, "2025-11").values():
        assert "EUR at the prices of the cycle" in page


def test_closed_months_take_the_actual_rate_and_the_plan_the_budget_rate(dairy):
    history = store.read(dairy, "demand_history", CYCLE)
    at = (history["item"] == "box") & (history["month"] == "2025-10-01")
    revenue = history[at].set_index("location")["revenue_value"]
    assert revenue["home"] == pytest.approx(20 * 5 * 30.0)
    assert revenue["ch"] == pytest.approx(20 * 5 * 30.0 * 1.05)


def test_a_quarter_of_the_budget_stays_a_quarter(dairy):
    quarters = store.read(dairy, "quarters", CYCLE).set_index(["family", "quarter"])
    row = quarters.loc[("Dairy", pd.Timestamp("2026-01-01"))]
    assert row["budget_revenue_value"] == 50_000 and bool(row["is_by_quarter"])
    money = store.read(dairy, "financials", CYCLE)
    dairy_months = money[(money["family"] == "Dairy") & money["month"].dt.year.eq(2026)]
    assert dairy_months["budget_revenue_value"].isna().all()
    company = money[money["family"] == "Company"].set_index("month")["budget_revenue_value"]
    assert company["2026-01-01":"2026-03-01"].sum() == pytest.approx(70_000)


def test_the_fiscal_year_is_named_as_the_calendar_names_it(dairy):
    facts = store.read(dairy, "executive_review_facts", CYCLE).set_index("fact")["text"]
    assert facts["fiscal_year"] == "2025"
    plan = store.read(dairy, "demand_plan", CYCLE)
    assert plan["month"].max() == pd.Timestamp("2027-09-01")  # the next fiscal year's end
    assert np.isfinite(plan["consensus"]).all()
