"""What only several raw tables together can tell, the money findings touch, and time in them."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sopkit import across, contract, months, periods, schema

CSV = contract.Source("data/raw/sales.csv", 2, "line")
CYCLE = pd.Timestamp("2026-01-01")


def sales(**columns) -> pd.DataFrame:
    """Two good rows of sales as text, some columns replaced."""
    return pd.DataFrame(
        {"item": ["A", "B"], "month": ["2025-11", "2025-12"], "quantity": ["1", "2"]} | columns
    )


def only(findings: list[contract.Finding], state: str = "breach") -> contract.Finding:
    """The one finding there is, of the state it should have."""
    assert [finding.state for finding in findings] == [state], findings
    return findings[0]


def typed(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    checked = contract.check_table(name, frame, CSV)
    assert not [f for f in checked.findings if f.state == "breach"], checked.findings
    return checked.frame


def every_table(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """All raw tables, typed; those that are not given are empty."""
    return {name: contract.empty(name) for name in schema.RAW} | {
        name: typed(name, frame) for name, frame in tables.items()
    }


def rules(**settings) -> pd.Series:
    """The company's settings, defaults filled."""
    return pd.Series({name: setting.default for name, setting in schema.COMPANY.items()} | settings)


def found_across(tables: dict[str, pd.DataFrame], cycle: pd.Timestamp = CYCLE, **settings):
    sources = {name: contract.Source(f"data/raw/{name}.csv", 2, "line") for name in tables}
    given = (every_table(tables), sources, rules(**settings), cycle)
    return across.check_across(*given) + periods.check_periods(*given)


# (1) by hand


def test_money_share_is_revenue_of_twelve_months_beside_all():
    raw = pd.DataFrame(
        {
            "item": ["A", "B", "A"],
            "month": ["2024-12", "2025-11", "2025-12"],
            "quantity": ["1", "1", "1"],
            "revenue_value": ["1000", "25", "75"],  # the first is older than twelve months
        }
    )
    tables = {"sales": typed("sales", raw), "items": contract.empty("items")}
    assert across.money_share(tables, items=("A",)) == 0.75
    assert across.money_share(tables, rows=(1,)) == 0.25


def test_findings_come_breaches_first_and_then_by_money():
    small = contract.Finding("breach", "sales", "", "s.", "S.", 1, sales_rows=(1,))
    large = contract.Finding("breach", "sales", "", "l.", "L.", 1, sales_rows=(0,))
    notice = contract.Finding("notice", "sales", "", "n.", "N.", 2, sales_rows=(0, 1))
    tables = {"sales": typed("sales", sales(quantity=["9", "1"])), "items": contract.empty("items")}
    table = across.findings_table([notice, small, large], tables)
    assert table["message"].tolist() == ["l.", "s.", "n."]
    assert table["money_share"].tolist() == [0.9, 0.1, 1.0]
    assert list(table) == contract.COLUMNS


# (5) across tables


def test_an_unknown_item_beyond_tolerance_is_a_breach_that_names_it():
    found = found_across(
        {
            "sales": sales(revenue_value=["1", "1"]),
            "items": pd.DataFrame({"item": ["A"], "family": ["T"], "unit_cost_value": ["1"]}),
        }
    )
    breach = only([f for f in found if f.column == "item"])
    assert breach.items == ("B",)
    assert breach.remedy == "Add B to data/raw/items.csv, or raise tolerance_rate in company.yml."


def test_an_unknown_item_within_tolerance_is_a_notice():
    found = found_across(
        {
            "sales": sales(revenue_value=["1000", "1"]),
            "items": pd.DataFrame({"item": ["A"], "family": ["T"], "unit_cost_value": ["1"]}),
        }
    )
    notice = only([f for f in found if f.column == "item"], "notice")
    assert notice.remedy == "Add B to data/raw/items.csv."
    assert "unassigned" in notice.message


def test_an_unknown_item_without_any_price_is_weighed_by_its_units():
    found = found_across(
        {
            "sales": sales(quantity=["1", "99"]),
            "items": pd.DataFrame({"item": ["A"], "unit_price_value": ["3"]}),
        }
    )
    assert only([f for f in found if f.column == "item"]).items == ("B",)


def test_sold_items_without_family_cost_or_price_are_notices():
    found = found_across({"sales": sales(), "items": pd.DataFrame({"item": ["A", "B", "C"]})})
    assert [f.column for f in found] == ["family", "unit_cost_value", "unit_price_value"]
    assert {f.state for f in found} == {"notice"}
    assert found[0].message == "2 sold items have no family."  # C is not sold
    assert found[0].remedy == "Fill it in data/raw/items.csv."


def test_a_made_item_without_a_routing_is_a_notice_and_a_bought_one_is_not():
    items = pd.DataFrame(
        {
            "item": ["A", "B"],
            "family": ["T", "T"],
            "unit_cost_value": ["1", "1"],
            "unit_price_value": ["2", "2"],
            "is_purchased": ["no", "yes"],
        }
    )
    routings = pd.DataFrame({"item": ["X"], "resource": ["R"], "hours_per_unit": ["1"]})
    found = found_across({"sales": sales(), "items": items, "routings": routings})
    assert [f.items for f in found if f.column == "routing"] == [("A",)]
    by_family = routings.assign(item="", family="T")
    found = found_across({"sales": sales(), "items": items, "routings": by_family})
    assert [f for f in found if f.column == "routing"] == []


def test_an_unknown_resource_is_a_notice_with_the_nearest_known_one():
    routings = pd.DataFrame({"item": ["A"], "resource": ["Sewing1"], "hours_per_unit": ["1"]})
    resources = pd.DataFrame({"resource": ["sewing"], "regular_hours": ["100"]})
    found = only(
        found_across({"sales": sales(), "routings": routings, "resources": resources}), "notice"
    )
    assert found.remedy == "Correct it, or add it to data/raw/resources.csv. Did you mean 'sewing'?"


def test_a_launch_that_is_not_planned_or_not_as_told_is_a_notice():
    rows = {"item": ["N", "M", "TN-l", "P", "P"], "like_item": list("AAAAB"), "weight_share": "0.5"}
    items = {"item": ["A", "B", "N", "M", "P", "TN-1"], "family": "Tents"}
    items |= {"launch_month": ["", "", "2026-05", "", "2026-05", ""]}
    found = found_across({"launches": pd.DataFrame(rows), "items": pd.DataFrame(items)})
    found = [f for f in found if f.table == "launches"]
    assert [f.message for f in found] == [
        "TN-l: not in items, so not planned.",
        "M: without launch_month in items, so not planned.",
        *(
            f"the weights of {n} sum to 0.50: they are used as they are."
            for n in ("M", "N", "TN-l")
        ),
    ]
    assert "Did you mean 'TN-1'?" in found[0].remedy and "launch_month" in found[1].remedy


# (5) months of sales


def year(quantity: str = "1", item: str = "A", **columns) -> pd.DataFrame:
    """Twelve months of sales to the month before the cycle, as text."""
    closed = [months.label(month) for month in months.closed(CYCLE, 12)]
    return pd.DataFrame({"item": item, "month": closed, "quantity": quantity} | columns)


def check_months(raw: pd.DataFrame, unknown: tuple[str, ...] = ()):
    return periods.check_sales_months(typed("sales", raw), CYCLE, CSV, list(unknown))


def test_a_whole_year_of_sales_has_no_finding():
    assert check_months(year()) == []


def test_a_month_that_is_not_closed_stops_with_three_ways_out():
    found = only(check_months(year().iloc[:-1]))
    assert "2025-12 is not closed" in found.message
    assert "Load it into data/raw/sales.csv" in found.remedy
    assert "--cycle" in found.remedy and "unknown_sales in company.yml" in found.remedy
    assert check_months(year().iloc[:-1], ("2025-12",)) == []


def test_a_hole_in_the_history_stops_and_may_be_confirmed():
    found = only(check_months(year().drop(index=[3])))
    assert "no sales at all in 2025-04" in found.message
    assert "unknown_sales" in found.remedy
    assert check_months(year().drop(index=[3]), ("2025-04",)) == []


def test_sales_that_begin_after_the_cycle_stop_with_the_cycle():
    found = only(
        check_months(year().assign(month=lambda t: "2026-0" + t.index.astype(str).str[0]).iloc[1:9])
    )
    assert "before the cycle 2026-01" in found.message
    assert "later cycle" in found.remedy


def test_a_silent_channel_is_a_notice_that_tells_both_ways_out():
    web = year(channel="Web").iloc[:-1]
    found = only(check_months(pd.concat([year(channel="Shop"), web])), "notice")
    assert "Web sold nothing in 2025-12" in found.message
    assert "mend data/raw/sales.csv" in found.remedy
    assert "list Web under unknown_sales" in found.remedy
    assert check_months(pd.concat([year(channel="Shop"), web]), ("Web",)) == []


def test_a_channel_that_has_been_silent_for_long_is_no_finding():
    web = year(channel="Web").iloc[:2]
    assert check_months(pd.concat([year(channel="Shop"), web])) == []


# currencies


def abroad(**locations) -> dict[str, pd.DataFrame]:
    """Sales of 10 in Norway in each of two months and of 30 at home in the second."""
    places = {"location": ["Norway", "Home"], "currency": ["NOK", "EUR"]} | locations
    return {
        "sales": pd.DataFrame(
            {
                "item": "A",
                "location": ["Norway", "Norway", "Home"],
                "month": ["2025-11", "2025-12", "2025-12"],
                "quantity": "1",
                "revenue_value": ["10", "10", "30"],
            }
        ),
        "locations": pd.DataFrame(places),
    }


def rates(*rows: tuple[str, str, str, str]) -> dict[str, pd.DataFrame]:
    columns = ["currency", "month", "kind", "rate"]
    return {"rates": pd.DataFrame(list(rows), columns=columns)}


NOVEMBER, DECEMBER = ("NOK", "2025-11", "actual", "0.1"), ("NOK", "2025-12", "actual", "0.2")


def test_a_closed_month_without_an_actual_rate_is_a_breach_that_names_currency_and_month():
    breach = only(found_across(abroad() | rates(NOVEMBER), currency="EUR"))
    assert (breach.table, breach.column) == ("sales", "revenue_value")
    assert breach.message == "no actual rate of NOK in 2025-12."
    assert breach.remedy == "Add it to data/raw/rates.csv: currency, month, kind actual, rate."
    assert breach.first_row == "line 3"


def test_the_first_month_that_lacks_a_rate_is_named_with_its_own_currency():
    """Two currencies lack a rate: currency and month of one breach belong together."""
    tables = abroad(currency=["NOK", "SEK"])
    tables["sales"] = tables["sales"].assign(month=["2025-12", "2025-11", "2025-10"])
    tables |= rates(("NOK", "2025-11", "actual", "1"), ("SEK", "2025-09", "actual", "1"))
    breach = next(f for f in found_across(tables, currency="EUR") if f.table == "sales")
    assert breach.message in (
        "no actual rate of SEK in 2025-10.",
        "no actual rate of NOK in 2025-12.",
    )


def test_a_rate_of_the_cycle_itself_does_not_serve_a_closed_month_or_the_plan():
    late = ("NOK", "2026-01", "actual", "0.3")
    found = found_across(abroad() | rates(late), currency="EUR")
    assert [f.table for f in found] == ["sales", "rates"]
    assert found[1].message == "no rate of NOK to plan with in 2026-01."
    assert found[1].remedy == "Add it to data/raw/rates.csv: currency, month, kind budget, rate."


def test_with_actual_rates_alone_the_plan_takes_the_last_and_nothing_is_said():
    assert found_across(abroad() | rates(NOVEMBER, DECEMBER), currency="EUR") == []


def test_a_rate_of_zero_is_no_rate():
    raw = rates(NOVEMBER, ("NOK", "2025-12", "actual", "0"))["rates"]
    breach = only(contract.check_table("rates", raw, CSV).findings)
    assert breach.message == "an impossible value: not above 0."


def test_sales_of_a_running_month_need_no_actual_rate_yet():
    tables = abroad()
    tables["sales"] = tables["sales"].assign(month=["2025-11", "2026-01", "2026-01"])
    assert found_across(tables | rates(NOVEMBER), currency="EUR") == []


def test_sales_without_money_abroad_need_no_actual_rate():
    tables = abroad()
    tables["sales"] = tables["sales"].drop(columns="revenue_value")
    budget = ("NOK", "2026-01", "budget", "0.1")
    assert found_across(tables | rates(budget), currency="EUR") == []


def test_a_company_that_does_not_name_its_own_currency_is_told_to():
    breach = only(found_across(abroad() | rates(NOVEMBER, DECEMBER)))
    assert "EUR, NOK" in breach.message and "company.yml does not name its own" in breach.message
    assert breach.remedy == "Add currency to company.yml."


def test_shares_of_findings_are_of_money_in_the_companys_currency():
    tables = every_table(abroad() | rates(NOVEMBER, DECEMBER))
    valued = across.valued(tables, rules(currency="EUR"), CYCLE)
    # Norway 10 at 0.1 and 10 at 0.2 beside 30 at home: 3 of 33, not 20 of 50
    assert valued["sales"]["revenue_value"].tolist() == pytest.approx([1.0, 2.0, 30.0])
    assert across.money_share(valued, rows=(0, 1)) == pytest.approx(3 / 33)
    assert tables["sales"]["revenue_value"].tolist() == [10.0, 10.0, 30.0]


# units


def goods(**columns) -> dict[str, pd.DataFrame]:
    """Two sold items of two units, complete but for what is replaced."""
    usual = {
        "item": ["A", "B"],
        "family": "T",
        "unit": ["piece", "bag"],
        "planning_factor": ["1", "20"],
        "unit_cost_value": "1",
        "unit_price_value": "2",
    }
    return {"sales": sales(), "items": pd.DataFrame(usual | columns)}


def test_items_of_several_units_with_factors_are_comparable():
    assert found_across(goods()) == []


def test_items_of_several_units_without_a_factor_are_a_notice_that_totals_are_money():
    notice = only(found_across(goods(planning_factor=["1", ""])), "notice")
    assert "bag, piece" in notice.message and "totals are added in money" in notice.message
    assert notice.remedy == "Give each item of data/raw/items.csv its planning_factor."
    assert notice.items == ("B",)


def test_an_item_that_neither_factor_nor_price_makes_comparable_is_a_breach():
    found = found_across(goods(planning_factor=["1", ""], unit_price_value=["2", ""]))
    breach = only([f for f in found if f.state == "breach"])
    assert (
        breach.message == "1 item has neither planning_factor nor price, so no total can hold them."
    )
    assert breach.remedy == "Give B a planning_factor or a price in data/raw/items.csv."


def test_items_of_one_unit_need_no_factor():
    assert found_across(goods(unit="piece", planning_factor="")) == []


def test_one_unit_with_some_factors_only_says_that_the_others_count_as_one():
    notice = only(found_across(goods(unit="piece", planning_factor=["", "20"])), "notice")
    assert notice.message == "1 item has none while others have; each counts as one."


# circles


def test_sites_that_supply_each_other_are_a_breach_that_names_the_chain():
    places = pd.DataFrame(
        {"location": ["shop", "depot", "plant"], "supplied_from": ["depot", "plant", "depot"]}
    )
    breach = only(found_across({"sales": sales(), "locations": places.assign(currency="")}))
    assert breach.message == "a circle: depot → plant → depot."
    assert breach.remedy == "Take one of its links out in data/raw/locations.csv."


def circle(children: list[str], parents: list[str]) -> list[str]:
    """The chain that the check names among components, empty where it finds none."""
    parts = pd.DataFrame({"item": children, "component": parents, "quantity_per": "1"})
    found = found_across({"sales": sales(), "components": parts.drop_duplicates()})
    return only(found).message[len("a circle: ") : -1].split(" → ") if found else []


def test_a_site_that_supplies_itself_is_a_circle_of_one():
    assert circle(["plant"], ["plant"]) == ["plant", "plant"]


def test_a_plant_that_names_itself_heads_its_chain():
    places = pd.DataFrame({"location": ["shop", "plant"], "supplied_from": ["plant", "plant"]})
    found = found_across({"sales": sales(), "locations": places})
    assert not [finding for finding in found if finding.state == "breach"]


def test_a_component_of_itself_through_another_is_a_breach():
    parts = pd.DataFrame(
        {"item": ["A", "B", "A"], "component": ["B", "A", "C"], "quantity_per": ["1", "1", "1"]}
    )
    breach = only(found_across({"sales": sales(), "components": parts}))
    assert breach.table == "components" and "A → B → A" in breach.message


def test_a_diamond_of_components_is_no_circle():
    assert circle(["A", "A", "B", "C"], ["B", "C", "D", "D"]) == []


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=12))
def test_a_circle_is_found_exactly_where_a_slow_walk_finds_one(links):
    children, parents = [f"{a}" for a, _ in links], [f"{b}" for _, b in links]
    reach = {(a, b) for a, b in zip(children, parents, strict=True)}
    for _ in range(7):
        reach |= {(a, d) for a, b in reach for c, d in reach if b == c}
    chain = circle(children, parents)
    assert bool(chain) == any(a == b for a, b in reach)
    assert set(itertools.pairwise(chain)) <= set(zip(children, parents, strict=True))
    assert not chain or chain[0] == chain[-1]


# periods


def weeks(*counts: int, first: str = "2025-10-27", **columns) -> pd.DataFrame:
    """Table `calendar` as text: periods of so many weeks, the first called November 2025."""
    days = pd.Timestamp(first) + pd.to_timedelta(np.cumsum([0, *counts]) * 7, unit="D")
    names = months.span(pd.Timestamp("2025-11-01"), len(counts))
    return pd.DataFrame(
        {
            "month": [months.label(month) for month in names],
            "first_date": [f"{day:%Y-%m-%d}" for day in days[:-1]],
            "last_date": [f"{day - pd.Timedelta(days=1):%Y-%m-%d}" for day in days[1:]],
        }
        | columns
    )


def test_a_calendar_of_four_four_and_five_weeks_has_no_finding():
    found = found_across({"sales": sales(), "calendar": weeks(4, 4, 5)})
    notice = only(found, "notice")  # it is too short for the plan, and nothing else
    assert (
        notice.message == "it holds 2025-11 to 2026-01; sales and plan go from 2025-11 to 2027-12."
    )
    assert notice.remedy.startswith("Extend data/raw/calendar.csv")
    assert found_across({"sales": sales(), "calendar": weeks(*[4, 4, 5] * 9)}) == []


@pytest.mark.parametrize("day", ["2025-11-25", "2025-11-23"])
def test_a_hole_or_an_overlap_between_periods_is_a_breach_that_names_the_period(day):
    calendar = weeks(4, 4, 5)
    calendar.loc[1, "first_date"] = day  # the right one is the 24th
    breach = only(found_across({"sales": sales(), "calendar": calendar}))
    assert f"2025-12 begins {day}, the period before it ends 2025-11-23" in breach.message
    assert breach.remedy == "Mend first_date or last_date in data/raw/calendar.csv."


def test_a_period_left_out_whole_is_a_breach():
    calendar = weeks(4, 4, 5).drop(index=1)
    breach = only(found_across({"sales": sales(), "calendar": calendar}))
    assert "2026-01" in breach.message


def test_a_fiscal_year_between_others_that_has_not_twelve_periods_is_a_breach():
    years = [2024] * 2 + [2025] * 11 + [2026] * 2
    calendar = weeks(*[4] * 15, fiscal_year=[str(year) for year in years])
    breach = only(found_across({"sales": sales(), "calendar": calendar}))
    assert breach.message == "the fiscal year 2025 has 11 periods, not twelve."


def test_a_first_and_last_fiscal_year_may_be_cut():
    years = [2024] * 2 + [2025] * 12 + [2026] * 12 + [2027]
    calendar = weeks(*[4] * 27, fiscal_year=[str(year) for year in years])
    assert found_across({"sales": sales(), "calendar": calendar}) == []


def test_a_day_that_no_period_holds_is_a_breach_that_shows_it():
    raw = pd.DataFrame({"item": "A", "date": ["2025-11-24", "2025-10-26"], "quantity": "1"})
    tables = every_table({"sales": raw, "calendar": weeks(4, 4, 5)})
    period = months.of_days(tables["sales"]["date"], tables["calendar"])
    tables["sales"] = tables["sales"].assign(month=period)  # as store lays days into periods
    sources = {n: contract.Source(f"data/raw/{n}.csv", 2, "line") for n in ("sales", "calendar")}
    found = periods.check_periods(tables, sources, rules(), CYCLE)
    breach = only([f for f in found if f.state == "breach"])
    assert breach.message == "a day that no period of the calendar holds."
    assert breach.first_row == "line 3 holds '2025-10-26'"
    assert breach.remedy == "Extend data/raw/calendar.csv."


@pytest.mark.parametrize(
    ("quarter", "first_month", "is_right"),
    [
        ("2026-01", 1, True),
        ("2026-02", 1, False),
        ("2026-02", 2, True),
        ("2026-05", 2, True),
        ("2026-01", 2, False),
        ("2026-12", 12, True),
    ],
)
def test_a_quarter_begins_where_the_fiscal_year_says(quarter, first_month, is_right):
    budget = pd.DataFrame({"quarter": [quarter], "revenue_value": ["1"]})
    found = found_across({"sales": sales(), "budget": budget}, fiscal_year_first_month=first_month)
    assert bool(found) != is_right
    if found:
        breach = only(found)
        assert breach.message == "no quarter of the fiscal year begins in this month."
        assert "fiscal_year_first_month in company.yml" in breach.remedy
        assert breach.first_row == f"line 2 holds '{quarter}'"


def test_stock_that_ends_early_is_a_notice_that_says_where():
    stock = pd.DataFrame({"item": ["A"], "month": ["2025-11"], "on_hand": ["1"]})
    notice = only(found_across({"sales": sales(), "inventory": stock}), "notice")
    assert notice.message == "it ends 2025-11, before the last closed month 2025-12."
    assert notice.remedy == "Load 2025-12 into data/raw/inventory.csv."


def test_stock_of_later_months_alone_is_stock_that_is_not_there():
    stock = pd.DataFrame({"item": ["A"], "month": ["2026-03"], "on_hand": ["1"]})
    notice = only(found_across({"sales": sales(), "inventory": stock}), "notice")
    assert notice.message == "it has no row before the cycle 2026-01."


# finance's controls, members, departments


def controls(**columns) -> pd.DataFrame:
    usual = {"table": "sales", "measure": "quantity", "month": "2025-12", "amount": "3"}
    return pd.DataFrame({name: [cell] for name, cell in (usual | columns).items()})


def test_a_control_of_a_known_measure_has_no_finding():
    assert found_across({"sales": sales(), "controls": controls()}) == []


def test_stock_without_a_place_is_a_breach_where_sales_name_places():
    stock = pd.DataFrame({"item": ["A"], "month": ["2025-12"], "on_hand": ["5"]})
    placed = sales(location=["north", "south"])
    found = found_across({"sales": placed, "inventory": stock})
    assert "no location is given" in only([f for f in found if f.state == "breach"]).message
    found = found_across({"sales": placed, "inventory": stock.assign(location="north")})
    assert not [f for f in found if f.state == "breach"]


def test_stock_at_a_place_that_supplies_nobody_is_a_notice_beside_stock_that_is_used():
    stock = pd.DataFrame(
        {"item": "A", "month": "2025-12", "on_hand": "5", "location": ["plant", "attic"]}
    )
    places = pd.DataFrame({"location": ["north", "attic"], "supplied_from": ["plant", None]})
    placed = sales(location=["north", "north"])
    found = found_across({"sales": placed, "inventory": stock, "locations": places})
    told = [f for f in found if "not used" in f.message]
    assert only(told, "notice").message.startswith("attic neither sells")


def test_a_place_silent_between_two_months_of_sales_is_a_notice():
    raw = pd.DataFrame(
        {
            "item": "A",
            "location": ["n", "n", "n", "s", "s"],
            "month": ["2025-10", "2025-11", "2025-12", "2025-10", "2025-12"],
            "quantity": "1",
        }
    )
    finding = only(check_months(raw), "notice")
    assert finding.message.startswith("s sold nothing in 2025-11 while others sold")
    assert not check_months(raw, ("s",)) and not check_months(raw, ("2025-11",))


def test_a_control_of_a_table_that_was_not_given_is_a_notice():
    controls = pd.DataFrame(
        {"table": "production", "measure": "quantity", "month": "2025-12", "amount": "5"}, index=[0]
    )
    finding = only(found_across({"sales": sales(), "controls": controls}), "notice")
    assert "production was not given" in finding.message


def test_a_control_of_an_unknown_table_or_measure_is_a_breach_with_the_nearest_known_one():
    breach = only(found_across({"sales": sales(), "controls": controls(table="sale")}))
    assert breach.message == "no table 'sale' with months."
    assert breach.remedy == "Mend it in data/raw/controls.csv. Did you mean 'sales'?"
    breach = only(found_across({"sales": sales(), "controls": controls(measure="revenue")}))
    assert breach.message == "sales has no numbers 'revenue'."
    assert breach.remedy == "Mend it in data/raw/controls.csv. Did you mean 'revenue_value'?"


@pytest.mark.parametrize(("table", "measure"), [("items", "unit_cost_value"), ("sales", "item")])
def test_a_control_of_a_table_without_months_or_of_a_text_is_a_breach(table, measure):
    assert only(
        found_across({"sales": sales(), "controls": controls(table=table, measure=measure)})
    )


def test_a_level_misspelt_in_any_table_is_a_notice_with_the_nearest_known_one():
    items = goods()["items"]
    budget = pd.DataFrame({"family": ["Tt"], "month": ["2026-01"], "revenue_value": ["1"]})
    notice = only(found_across({"sales": sales(), "items": items, "budget": budget}), "notice")
    assert (notice.table, notice.column) == ("budget", "family")
    assert notice.message == "Tt is not in items."


def test_a_department_the_company_does_not_name_is_a_notice():
    views = pd.DataFrame(
        {
            "department": ["saels", "old"],
            "cycle": ["2026-01", "2025-12"],
            "month": "2026-03",
            "quantity": "1",
        }
    )
    tables = {"sales": sales(), "submissions": views}
    notice = only(found_across(tables, departments=["sales"]), "notice")  # the past may differ
    assert notice.message == "saels is not among the departments of company.yml."
    assert notice.remedy == "Did you mean 'sales'?"
    assert found_across(tables) == []


# a column of currencies that nobody reads


def in_currencies(said: list[str | None], name: str = "budget", company: str = "EUR", **columns):
    rows = {"version": "1", "month": ["2026-01", "2026-02"], "currency": said}
    rows |= {"location": ["Home", "Sweden"], "revenue_value": ["5", "6"]} | columns
    places = pd.DataFrame({"location": ["Home", "Sweden"], "currency": ["EUR", "SEK"]})
    tables = {name: pd.DataFrame(rows), "locations": places}
    found = found_across(tables, currency=company)
    return [one for one in found if (one.table, one.column) == (name, "currency")]


@pytest.mark.parametrize("said", [["EUR", "SEK"], ["eur", None], [None, None]])
def test_a_currency_that_money_is_read_in_anyway_is_no_breach(said):
    assert in_currencies(said) == []


def test_a_currency_that_money_is_not_read_in_is_told_with_its_row():
    found = only(in_currencies(["EUR", "EUR"]))
    assert found.first_row == "line 3 holds 'EUR'" and "here SEK." in found.message


def test_a_row_without_money_may_name_any_currency():
    rows = {"revenue_value": [None, None], "quantity": ["1", "2"]}
    assert in_currencies(["SEK", "NOK"], **rows) == []


def test_a_company_without_currency_takes_the_one_that_all_rows_name():
    rows = {"location": ["Oslo", "Oslo"]}
    unnamed = schema.COMPANY["currency"].default
    assert in_currencies(["NOK", "NOK"], company=unnamed, **rows) == []
    assert only(in_currencies(["NOK", "SEK"], company=unnamed, **rows)).rows == 2


def test_finances_totals_of_units_may_name_any_currency():
    rows = {"table": "sales", "measure": ["quantity", "revenue_value"], "amount": ["1", "2"]}
    frame = pd.DataFrame(rows | {"month": "2025-12", "currency": "SEK"})
    found = found_across({"controls": frame}, currency="EUR")
    assert only([f for f in found if f.column == "currency"]).rows == 1


EVENTS = {"event": ["Fair"], "kind": ["promotion"], "first_month": ["2026-04"]}


def events_found(**columns) -> list[contract.Finding]:
    return found_across({"sales": sales(), "events": pd.DataFrame(EVENTS | columns)})


def test_a_rate_written_in_percent_is_a_notice():
    finding = only(events_found(expected_rate=["30"]), "notice")
    assert (finding.table, finding.column) == ("events", "expected_rate")
    assert finding.message == "30 means +3,000%." and "Write 0.3 for 30 %" in finding.remedy
    assert not events_found(expected_rate=["2.5"])


def test_events_that_are_there_twice_are_a_notice():
    both = {name: value * 2 for name, value in EVENTS.items()} | {"event": ["Fair", "Show"]}
    finding = only(events_found(**both, family=["", "all"], expected_rate=["0.2"] * 2), "notice")
    assert "Fair and Show are alike" in finding.message or "Fair, Show are" in finding.message
    assert finding.rows == 2
    assert not events_found(**both, family=["A", "B"], expected_rate=["0.2"] * 2)


def test_demand_cannot_fall_by_more_than_all():
    frame = pd.DataFrame(EVENTS | {"expected_rate": ["-1.5"]})
    finding = only(contract.check_table("events", frame, CSV).findings)
    assert finding.message == "an impossible value: below -1."
    assert "write -0.3 for 30 % less" in finding.remedy
