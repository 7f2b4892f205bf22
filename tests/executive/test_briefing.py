"""What cannot be delivered, and what changed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import contract, months
from sopkit.executive import briefing

CYCLE = pd.Timestamp("2026-01-01")
SPAN = months.span(CYCLE, 4)
ITEMS = pd.DataFrame(
    {"item": ["A", "B", "C"], "family": ["Tents", "Tents", "Stoves"], "description": [None] * 3}
).assign(category=None, planning_factor=[1.0, 2.0, 1.0])
RATES = pd.DataFrame(
    {
        "item": ["A", "B", "C"],
        "location": "all",
        "channel": "all",
        "unit_price_value": [10.0, 50.0, 1.0],
    }
)
DELIVERIES = pd.DataFrame(
    {
        "item": ["A"] * 4 + ["B"] * 4 + ["C"] * 4,
        "location": "plant",
        "month": [*SPAN] * 3,
        "demand": 10.0,
        "on_time": [10, 8, 7, 10, 10, 9, 10, 4] + [10, 10, 10, 9.8],
    }
)
OUTLOOK = pd.DataFrame(
    [
        (2026, "Company", "revenue", 100_000.0, 99_000.0, 90_000.0),
        (2026, "Tents", "revenue", 60_000.0, 58_000.0, 55_000.0),
        (2026, "Stoves", "revenue", 40_000.0, 39_999.0, 35_000.0),
        (2026, "Tents", "margin", 60_000.0, 0.0, 0.0),
        (2027, "Tents", "revenue", 60_000.0, 0.0, 0.0),
    ],
    columns=["fiscal_year", "family", "measure", "outlook", "supplied_outlook", "last_outlook"],
)
BRIDGE = pd.DataFrame(
    [
        ("A", "2026-02", "Tents", "last plan", "", 500.0),
        ("A", "2026-02", "Tents", "department", "sales: its number", 30.0),
        ("A", "2026-03", "Tents", "new actuals", "", -5.0),
        ("A", "2027-01", "Tents", "new actuals", "", 900.0),  # beyond twelve months
        ("C", "2026-03", "Stoves", "new actuals", "", 40.0),
    ],
    columns=["item", "month", "family", "cause", "detail", "change"],
).assign(location="all", channel="all")
BRIDGE = BRIDGE.assign(month=pd.to_datetime(BRIDGE["month"]).astype(months.DTYPE))
STEPS = pd.DataFrame(
    [
        (2026, "last outlook", "volume", "step", 12_000.0),
        (2026, "last outlook", "price", "step", -2_000.0),
        (2026, "last outlook", "outlook", "total", 100_000.0),
        (2026, "budget", "volume", "step", 7.0),
    ],
    columns=["fiscal_year", "comparator", "step", "kind", "amount_value"],
)
FEEDBACK = pd.DataFrame(
    [
        ("A", "North", "Web", 3.0, "accepted"),
        ("A", "South", "Shop", 1.0, "open"),
        ("B", "North", "Fair", 1.0, "refused"),
        ("B", "North", "Shop", 5.0, "open"),
    ],
    columns=["item", "location", "channel", "quantity", "state"],
).assign(promised_quantity=0.0)
LOCATIONS = pd.DataFrame({"location": ["North", "South"], "region": ["Alps", "Coast"]})
TABLES = {
    "deliveries": DELIVERIES,
    "feedback": FEEDBACK,
    "locations": LOCATIONS,
    "items": ITEMS,
    "money_rates": RATES,
    "outlook": OUTLOOK,
    "outlook_bridge": STEPS,
    "bridge": BRIDGE,
}


def changes(**other) -> pd.DataFrame:
    return briefing.changes(TABLES | other, cycle=CYCLE)


def test_what_is_late_is_told_by_family_with_its_months_and_money_by_hand():
    table = briefing.undelivered(TABLES)
    assert table["family"].tolist() == ["Tents"]  # a fifth of a stove is not late
    row = table.iloc[0]
    assert row["late_quantity"] == 2 + 2 + 3 + 12  # B counts twice in the planning unit
    assert row["late_value"] == 5 * 10.0 + 7 * 50.0
    assert row["months"] == "2026-02 to 2026-04" and row["worst_month"] == SPAN[3]
    assert row["first_month"] == SPAN[1]
    assert (row["item"], row["missing_value"]) == ("B", 2000.0)
    contract.check_processed("undelivered", table)


def test_to_whom_is_told_by_channel_else_by_region_and_how_much_is_agreed_by_hand():
    row = briefing.undelivered(TABLES).iloc[0]
    assert row["to_whom"] == "Shop 11, Web 3, Fair 2"  # B counts twice in the planning unit
    assert row["agreed_share"] == 3 / 19  # of all that is late
    far = pd.concat([FEEDBACK, FEEDBACK.tail(1).assign(channel="Mail", quantity=0.5)])
    row = briefing.undelivered(TABLES | {"feedback": far}).iloc[0]
    assert row["to_whom"] == "Shop 11, Web 3, others 3"
    without = TABLES | {"feedback": FEEDBACK.assign(channel="all")}
    assert briefing.undelivered(without).iloc[0]["to_whom"] == "Alps 15, Coast 1"
    without |= {"locations": LOCATIONS.iloc[:0]}
    assert briefing.undelivered(without).iloc[0]["to_whom"] == ""
    again = FEEDBACK.assign(promised_quantity=[0.0, 1.0, 0.0, 2.0])  # counted where first wanted
    row = briefing.undelivered(TABLES | {"feedback": again}).iloc[0]
    assert row["to_whom"] == "Shop 6, Web 3, Fair 2" and row["agreed_share"] == 3 / 19
    nothing = briefing.undelivered(TABLES | {"feedback": FEEDBACK.iloc[:0]}).iloc[0]
    assert nothing["to_whom"] == "" and np.isnan(nothing["agreed_share"])


def test_many_spells_of_months_are_counted():
    month = pd.Series(months.span(CYCLE, 12)[[0, 2, 4, 6, 7]])
    assert briefing._spans(month) == "5 months from 2026-01 to 2026-08"


def test_what_misses_less_than_a_ten_thousandth_of_the_year_misses_nothing():
    assert briefing._missing(OUTLOOK)["Stoves"] == 1.0  # of 2,001 in all
    small = OUTLOOK.assign(supplied_outlook=OUTLOOK["outlook"] - 4.0)
    assert briefing._missing(small).tolist() == [0.0, 0.0, 0.0]  # 8 of 100,000


def test_without_prices_lateness_is_told_in_units():
    rates = RATES.assign(unit_price_value=np.nan)
    row = briefing.undelivered(TABLES | {"money_rates": rates}).iloc[0]
    assert row["late_quantity"] == 19.0 and np.isnan(row["late_value"])


def test_what_changed_is_told_with_its_causes_by_hand():
    table = changes()
    assert table["subject"].tolist() == [
        "Revenue outlook of 2026",
        "Demand plan, next twelve months",
        "Tents",
        "Stoves",
    ]
    assert table["change"].tolist() == [10_000.0, 290.0, 250.0, 40.0]
    assert table["why"].tolist() == [
        "volume +12\u00a0k; price −2,000",
        "sales's number +300; new actuals −10",
        "sales's number +300; new actuals −50",
        "new actuals +40",
    ]
    assert table["unit"].unique().tolist() == ["signed_value"]
    contract.check_processed("changes", table)


def test_one_series_without_price_turns_families_to_units():
    rates = RATES.assign(unit_price_value=[10.0, 50.0, np.nan])
    table = changes(money_rates=rates).set_index("subject")
    assert table.loc["Tents", ["change", "unit"]].tolist() == [25.0, "signed_quantity"]
    assert table.loc["Stoves", "change"] == 40.0


def test_a_first_cycle_has_no_changes():
    table = changes(bridge=BRIDGE[:0], outlook=OUTLOOK.assign(last_outlook=np.nan))
    assert table.empty
    contract.check_processed("changes", table)


def test_nothing_late_is_an_empty_table():
    table = briefing.undelivered(TABLES | {"deliveries": DELIVERIES.assign(on_time=10.0)})
    assert table.empty
    contract.check_processed("undelivered", table)
    none = briefing.undelivered(TABLES | {"deliveries": DELIVERIES[:0]})
    assert none.empty


def test_causes_told_add_up_to_the_change():
    amounts = pd.Series({name: 1000.0 * k for k, name in enumerate("abcdefg")})
    text = briefing._causes(amounts)
    assert text == "g +6,000; f +5,000; e +4,000; others +6,000"
    assert briefing._causes(amounts[:0]) == ""
